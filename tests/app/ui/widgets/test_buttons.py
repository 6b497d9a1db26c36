"""Buttons beside each other, in as many lines as they need."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import ENDS, CheckBox, ElidedButton, Lines, give_menu, push_button
from tests.fixtures.window import added


@pytest.mark.slow
@pytest.mark.parametrize("way", ["a moment", "a move"])
def test_what_ends_something_lives_again_under_the_mouse(qtbot: QtBot, theme: Theme, way: str) -> None:
    lines, first, ends = Lines(), QPushButton("Restore"), QPushButton("Delete")
    qtbot.addWidget(lines)
    ends.setProperty(ENDS, True)
    ends.hide()
    lines.set_parts([first, ends])
    lines.resize(300, 40)
    lines.show()
    ends.hide()
    pressed: list[str] = []
    ends.clicked.connect(lambda: pressed.append("Delete"))
    first.clicked.connect(first.hide)
    first.clicked.connect(ends.show)
    where = QPoint(20, 12)
    QCursor.setPos(lines.mapToGlobal(where))
    window = lines.windowHandle()
    QTest.mouseClick(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    qtbot.waitUntil(lambda: ends.isVisible() and ends.geometry().contains(where))
    QTest.mouseClick(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert not pressed, "the second click of two was for what stood there"
    if way == "a move":
        QTest.mouseMove(window, where + QPoint(12, 2))
    inert = Qt.WidgetAttribute.WA_TransparentForMouseEvents
    qtbot.waitUntil(lambda: not ends.testAttribute(inert), timeout=60_000)
    QTest.mouseClick(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert pressed == ["Delete"]


def test_none_stands_alone_in_the_last_line(qtbot: QtBot) -> None:
    lines, buttons = Lines(), [QPushButton(name) for name in ("Pause", "Cancel run", "Kill", "…")]
    qtbot.addWidget(lines)
    lines.set_parts(buttons)
    lines.resize(lines.sizeHint().width() - 1, 80)
    lines.show()
    assert [button.y() == 0 for button in buttons] == [True, True, False, False]
    assert buttons[2].x() == 0 and buttons[3].x() > buttons[2].geometry().right()
    lines.hide()
    buttons[1].hide()
    lines.show()
    assert [button.y() for button in buttons if button.isVisible()] == [0, 0, 0], "one went meanwhile"


def test_of_three_acts_none_stands_above_two(qtbot: QtBot) -> None:
    lines, acts = Lines(), [QPushButton(name) for name in ("Edit e-mail…", "Set password…", "Delete")]
    qtbot.addWidget(lines)
    lines.set_parts(acts)
    lines.resize(lines.sizeHint().width() - 1, 80)
    lines.show()
    assert [act.y() == 0 for act in acts] == [True, True, False]
    lines.set_parts(acts, at_right=3)
    lines.hide()
    lines.show()
    assert [act.y() == 0 for act in acts] == [True, False, False], "an answer beside the other"
    lines.set_parts(acts, at_right=1)
    lines.hide()
    lines.show()
    assert [act.y() == 0 for act in acts] == [True, True, False], "what stands apart parts no two others"


def test_a_check_box_is_measured_in_the_font_that_it_has(qtbot: QtBot) -> None:
    box = CheckBox("Ask before deleting a single record")
    qtbot.addWidget(box)
    before, font = box.sizeHint(), box.font()
    font.setPointSize(2 * font.pointSize())
    box.setFont(font)
    assert box.sizeHint().width() > 1.5 * before.width()


def test_words_that_have_no_room_are_in_the_tool_tip(qtbot: QtBot, theme: Theme) -> None:
    button = ElidedButton(theme, "Event type: R&D and more", "x")
    qtbot.addWidget(button)
    button.ensurePolished()
    button.resize(button.sizeHint())
    button.show()
    assert button.shown() == "Event type: R&D and more" and not button.toolTip()
    button.resize(button.minimumSizeHint())
    assert button.shown().endswith("…") and "R&amp;D and more" in button.toolTip()


@pytest.mark.parametrize("icon", [None, Icon.EXPORT])
def test_the_sign_of_a_menu_does_not_touch_the_words(qtbot: QtBot, theme: Theme, icon: str | None) -> None:
    button = added(qtbot, push_button(theme, "Save", icon=icon))
    give_menu(button, QMenu(button))
    button.show()
    button.clearFocus()
    image, edge = button.grab().toImage(), 4
    paper = image.pixelColor(edge, edge)
    inked = [
        any(image.pixelColor(x, y) != paper for y in range(edge, image.height() - edge))
        for x in range(edge, image.width() - edge)
    ]
    last = len(inked) - inked[::-1].index(True)
    sign = last - inked[:last][::-1].index(False)
    words = sign - inked[:sign][::-1].index(True)
    assert sign - words >= 6 and inked.index(True) >= 6, "and they keep away from the edge"
