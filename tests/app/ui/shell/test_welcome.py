"""The first page: what can be done without a file."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.ui.shell.welcome import CHOICES, SHOWN, WelcomePage
from app.ui.theme import DARK, Mode, Theme
from app.ui.widgets.actions import Actions, ActionSpec
from app.ui.widgets.labels import ElidedLabel
from tests.fixtures.seen import cut
from tests.fixtures.window import child


def button(page: WelcomePage, words: str) -> QPushButton:
    found = [one for one in page.findChildren(QPushButton) if one.text().replace("&", "") == words]
    assert len(found) == 1, words
    return found[0]


def made(theme: Theme, done: list[str]) -> WelcomePage:
    host = QWidget()
    commands = Actions(theme, None, host)
    for name, _ in CHOICES:
        commands.add(ActionSpec(name, name, None, partial(done.append, name)))
    page = WelcomePage(theme, commands)
    host.setParent(page)
    return page


def shown(qtbot: QtBot, theme: Theme, done: list[str] | None = None) -> WelcomePage:
    page = made(theme, [] if done is None else done)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    return page


def test_each_way_to_begin_is_an_action_of_the_window(qtbot: QtBot, theme: Theme) -> None:
    done: list[str] = []
    page = shown(qtbot, theme, done)
    for name, _ in CHOICES:
        qtbot.mouseClick(button(page, name), Qt.MouseButton.LeftButton)
        qtbot.keyClick(button(page, name), Qt.Key.Key_Space)
    assert done == [name for name, _ in CHOICES for _ in range(2)]
    page.resize(628, 290)  # as much as a screen of 200 % has room for: it scrolls
    qtbot.waitUntil(lambda: cut(page) == [])


def test_a_recent_file_is_opened_again(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / "one.sqlite", tmp_path / "two.sqlite"])
    with qtbot.waitSignal(page.recent, timeout=0) as opened:
        qtbot.mouseClick(button(page, "two.sqlite"), Qt.MouseButton.LeftButton)
    assert opened.args == [tmp_path / "two.sqlite"]


def test_recent_files_are_few_and_replaced(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / f"{number}.sqlite" for number in range(SHOWN + 3)])
    rows = [one for one in page.findChildren(QPushButton) if one.text().endswith(".sqlite")]
    assert len(rows) == SHOWN
    page.set_recent([])
    qtbot.waitUntil(lambda: not [b for b in page.findChildren(QPushButton) if b.text().endswith(".sqlite")])
    titles = [label for label in page.findChildren(QLabel) if label.text() == "Recent"]
    assert not titles[0].isVisible()


def test_all_of_it_is_seen_on_a_common_screen(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / f"{number}.sqlite" for number in range(SHOWN)])
    page.resize(1280, 640)  # what 1280×800 leaves below the window's title and its bars
    qtbot.waitUntil(lambda: cut(page) == [])
    assert child(page, QScrollArea).verticalScrollBar().maximum() == 0


def test_a_page_that_is_gone_does_not_follow_the_theme(qtbot: QtBot, theme: Theme) -> None:
    page = made(theme, [])
    with qtbot.waitSignal(page.destroyed):
        page.deleteLater()
    theme.set_mode(Mode.DARK)
    assert theme.tokens is DARK


def test_it_begins_at_open_and_folders_stand_below_each_other(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / "a.sqlite", tmp_path / f"{'long' * 30}.sqlite"])
    qtbot.waitUntil(lambda: page.focusWidget() is button(page, CHOICES[0][0]))
    folders = [one for one in page.findChildren(ElidedLabel) if one.text() == str(tmp_path)]
    qtbot.waitUntil(lambda: all(one.isVisible() for one in folders))
    assert len({one.mapTo(page, QPoint()).x() for one in folders}) == 1
    names = [one.text() for one in page.findChildren(QPushButton) if one.text().endswith(".sqlite")]
    assert names[0] == "a.sqlite" and "…" in names[1]


def test_what_it_says_stands_in_the_middle_also_where_it_is_narrow(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / f"{number}.sqlite" for number in range(SHOWN)])
    for width in (1_000, 632):
        page.resize(width, 360)
        scroll = child(page, QScrollArea)
        card = next(one for one in page.findChildren(QFrame) if one.property("card"))
        within = scroll.viewport().width() - card.width()
        qtbot.waitUntil(lambda: abs(card.x() - within // 2) <= 1 and card.x() >= 8)  # noqa: B023
        assert scroll.horizontalScrollBar().maximum() == 0
