"""The filter row: one signal for each change, and never the focus."""

from datetime import date

import pytest
from PySide6.QtCore import QDate, QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLayout, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import SHORT, Choice, push_button
from app.ui.widgets.filter_row import DateRange, FilterRow, FilterValues, Pick, Span
from app.ui.widgets.form_dialog import DateRangeDialog
from app.ui.widgets.picker import AROUND
from tests.fixtures.window import added


def make(qtbot: QtBot, theme: Theme) -> FilterRow:
    picks = [Pick("event", "Event type", "Any event type")]
    row = FilterRow(theme, "Filter payload…", picks=picks, dates=True, noun=("entry", "entries"))
    qtbot.addWidget(row)
    row.pickers["event"].set_choices([Choice("user_created", "user_created", 1204), Choice("x", "x", 3)])
    return row


@pytest.mark.slow
def test_typing_emits_once_after_a_pause(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    seen: list[str] = []
    row.changed.connect(lambda: seen.append(row.values().text))
    with qtbot.waitSignal(row.changed):
        qtbot.keyClicks(row.text, "acme")
        assert seen == []
    assert seen == ["acme"]


def test_return_does_not_wait(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    qtbot.keyClicks(row.text, "a")
    with qtbot.waitSignal(row.changed, timeout=0):
        qtbot.keyClick(row.text, Qt.Key.Key_Return)


@pytest.mark.slow
def test_typing_back_to_the_same_text_emits_nothing(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    pause = row.findChild(QTimer)
    assert pause is not None
    with qtbot.assertNotEmitted(row.changed), qtbot.waitSignal(pause.timeout):
        qtbot.keyClicks(row.text, "a")
        qtbot.keyClick(row.text, Qt.Key.Key_Backspace)


def test_picking_and_clearing(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    with qtbot.waitSignal(row.changed, timeout=0):
        row.pickers["event"].pick("user_created")
    assert row.values() == FilterValues(picks=(("event", ("user_created",)),))
    assert row.values().picks == (("event", ("user_created",)),)
    with qtbot.waitSignal(row.changed, timeout=0):
        row.set_values(FilterValues())
    assert row.values() == FilterValues()
    with qtbot.assertNotEmitted(row.changed):
        row.set_values(FilterValues())


def test_values_survive_a_round_trip(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    days = DateRange(Span.CUSTOM, date(2026, 11, 1), date(2026, 11, 22))
    values = FilterValues("acme", (("event", ("x",)),), days)
    row.set_values(values)
    assert row.values() == values
    assert row.dates is not None
    assert row.dates.currentText() == "2026-11-01 – 2026-11-22"


def test_a_choice_that_is_gone_from_the_list_is_kept(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    row.pickers["event"].set_key("user_created")
    row.pickers["event"].set_choices([])
    assert row.values().picks == (("event", ("user_created",)),)
    assert row.pickers["event"].currentText() == "user_created"


def test_count(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    row.resize(900, 40)
    row.set_count(184220)
    assert row.count.text() == "184,220 entries"
    row.set_count(1)
    assert row.count.text() == "1 entry"


def test_no_width_depends_on_the_count(qtbot: QtBot, theme: Theme) -> None:
    picks = [Pick(key, key, f"Any {key}") for key in ("state", "type")]
    noun = "notification", "notifications"
    row = added(qtbot, FilterRow(theme, "Filter by title or message…", picks=picks, dates=True, noun=noun))
    button = push_button(theme, "Mark all shown read", icon=Icon.READ)
    row.add_trailing(button)
    row.show()
    button.setProperty(SHORT, "Mark all")
    layout = row.layout()
    assert layout is not None and row.dates is not None
    for width in (760, 868, 1_010, 1_100):
        row.resize(width, 40)
        found = []
        for count in (43, 43, 43, 766, 1_766, 9_999):
            row.set_count(count)
            layout.activate()
            found.append(tuple(part.width() for part in (*row.pickers.values(), row.dates, button)))
        assert len(set(found[2:])) == 1, (width, found)
        assert row.text.geometry().right() < row.pickers["state"].x(), width


def test_where_there_is_little_room_the_count_is_whole_and_one_can_write(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    row.resize(608, 40)
    row.show()
    for which, words, tip in (
        ("at most", "≤ 184,220 entries", "184,220 entries at most"),
        ("", "184,220 entries", ""),
    ):
        row.set_count(184220, which)
        assert row.count.text() == words
        assert row.count.width() >= row.count.sizeHint().width()
        assert row.text.width() >= 140
        assert row.count.accessibleDescription() == tip
    row.resize(900, 40)
    row.set_count(184220, "at most")
    assert row.count.text() == "184,220 entries at most" and not row.count.toolTip()

    place = added(qtbot, QWidget())
    place.resize(1000, 200)
    row.setParent(place)  # of which no window keeps it wider
    row.add_trailing(push_button(theme, "New entry…", icon=Icon.ADD))
    place.show()
    row.show()
    for width, below in ((420, True), (900, False), (420, True)):
        row.resize(width, 120)
        bottom = row.text.rect().bottomLeft()
        qtbot.waitUntil(lambda: (row.count.y() > row.text.mapTo(row, bottom).y()) is below)  # noqa: B023
        parts = [one for one in row.findChildren(QWidget) if one.parent() is row and one.isVisible()]
        places = [one.geometry() for one in parts]
        assert not any(one.intersects(two) for at, one in enumerate(places) for two in places[:at])
        assert (row.count.text() == "184,220 entries at most") is not below


def test_changing_the_filter_leaves_the_focus_alone(qtbot: QtBot, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    other, row = QLineEdit(), make(qtbot, theme)
    column = QVBoxLayout(window)
    column.addWidget(other)
    column.addWidget(row)
    window.show()
    qtbot.waitExposed(window)
    other.setFocus()
    row.set_values(FilterValues("acme"))
    row.set_values(FilterValues())
    row.set_count(3)
    assert window.focusWidget() is other


def test_a_long_text_shows_its_beginning_while_the_focus_is_elsewhere(qtbot: QtBot, theme: Theme) -> None:
    window = added(qtbot, QWidget())
    row, other = make(qtbot, theme), QLineEdit()
    layout = QVBoxLayout(window)
    layout.addWidget(row)
    layout.addWidget(other)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    other.setFocus()
    long = "nobody at all " * 9
    row.set_values(FilterValues(long))
    assert row.text.cursorPosition() == 0
    row.text.setFocus(Qt.FocusReason.OtherFocusReason)
    assert row.text.cursorPosition() == len(row.text.text()), "one goes on writing there"
    row.text.setCursorPosition(5)
    other.setFocus()
    assert row.text.cursorPosition() == 0
    row.text.setFocus(Qt.FocusReason.OtherFocusReason)
    assert row.text.cursorPosition() == 5


def test_escape_empties_the_text(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    row.set_values(FilterValues("acme"))
    qtbot.keyClick(row.text, Qt.Key.Key_Escape)
    assert row.text.text() == ""


NOW = 1_795_000_000  # 2026-11-18T11:06:40Z


def test_export_is_the_window_s_key_in_the_text_too(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    for key, kept in ((Qt.Key.Key_E, False), (Qt.Key.Key_A, True)):
        asked = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.ControlModifier)
        QApplication.sendEvent(row.text, asked)
        assert asked.isAccepted() is kept


def test_date_bounds() -> None:
    assert DateRange().bounds(NOW, utc=True) == (None, None)
    assert DateRange(Span.LAST_HOUR).bounds(NOW, utc=True) == (NOW - 3600, None)
    assert DateRange(Span.LAST_24_HOURS).bounds(NOW, utc=True) == (NOW - 86400, None)
    assert DateRange(Span.LAST_7).bounds(NOW, utc=True) == (NOW - 7 * 86400, None)
    assert DateRange(Span.TODAY).bounds(NOW, utc=True) == (NOW - NOW % 86400, None)
    one_day = DateRange(Span.CUSTOM, date(2026, 11, 18), date(2026, 11, 18))
    assert one_day.bounds(NOW, utc=True) == (NOW - NOW % 86400, NOW - NOW % 86400 + 86400)


def test_custom_dates_are_asked_for_and_checked(qtbot: QtBot, theme: Theme) -> None:
    row = make(qtbot, theme)
    assert row.dates is not None
    row.dates.pick(Span.CUSTOM.value)
    dialog = row.dates.findChild(DateRangeDialog)
    assert dialog is not None
    dialog.last.setDate(QDate(2026, 1, 1))
    dialog.first.setDate(QDate(2026, 1, 2))
    assert "must not be after" in dialog.last.accessibleDescription()
    with qtbot.assertNotEmitted(row.changed):
        dialog.action_button.click()
    dialog.first.setDate(QDate(2026, 1, 1))
    with qtbot.waitSignal(row.changed, timeout=0):
        dialog.action_button.click()
    assert row.values().dates == DateRange(Span.CUSTOM, date(2026, 1, 1), date(2026, 1, 1))


def test_the_text_keeps_its_room_and_each_button_a_word_before_one_keeps_all_of_them(
    qtbot: QtBot, theme: Theme
) -> None:
    picks = [Pick(key, key, f"Any {key}") for key in ("state", "type", "kind")]
    row = FilterRow(theme, "Filter…", picks=picks, dates=True, noun=("notification", "notifications"))
    qtbot.addWidget(row)
    main = push_button(theme, "New notification…", icon=Icon.ADD)
    main.setProperty(SHORT, "New…")
    act = push_button(theme, "Mark all shown read", icon=Icon.READ)
    act.setProperty(SHORT, "Mark all")
    row.add_trailing(main)
    row.add_trailing(act)
    row.set_count(4652)
    row.show()
    row.resize(1380, row.sizeHint().height())
    qtbot.waitUntil(lambda: act.text() == "Mark all shown read" and act.width() > 150)
    assert row.text.width() >= 200
    assert row.count.width() >= row.count.fontMetrics().horizontalAdvance("4,652 notifications")
    places = [part.x() for part in (*row.pickers.values(), row.count, act)]
    row.set_count(6)
    QApplication.sendPostedEvents()
    assert [part.x() for part in (*row.pickers.values(), row.count, act)] == places
    layout = row.layout()
    assert layout is not None
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # as within a tab
    row.setMinimumSize(0, 0)
    called, said = set[str](), set[tuple[str, str]]()
    for width in range(560, 1_250, 3):  # words that fit stay, and those that do not are gone for good
        row.resize(width, row.height())
        shown = []
        for _ in range(3):
            QApplication.sendEvent(row, QEvent(QEvent.Type.LayoutRequest))
            shown.append((main.text(), act.text()))
        assert shown[1] == shown[2], width
        called.add(main.text())
        assert bool(main.text() and act.text()) or "notifications" not in row.count.text(), width
        least = 104 if width < 720 else 150 if width < 1_000 else 176  # from there the count has its room
        assert row.text.width() >= least, width
        said.add((main.text(), act.text()))
    assert ("New…", "Mark all") in said and ("New notification…", "") not in said
    assert called == {"", "New…", "New notification…"} and main.accessibleName() == "New notification…"


def test_what_is_searched_is_said_as_far_as_there_is_room(qtbot: QtBot, theme: Theme) -> None:
    hint = "Filter by idea, refined idea or id…"
    row = added(qtbot, FilterRow(theme, hint))
    field = row.text
    row.show()
    qtbot.waitExposed(row)
    said = []
    for width in range(400, 100, -2):
        field.resize(width, 32)
        said.append(field.placeholderText())
        assert field.fontMetrics().horizontalAdvance(said[-1]) <= max(width - 52, 40)
        assert (hint in field.toolTip()) == (said[-1] != hint)
    assert [*dict.fromkeys(said)] == [hint, "Idea, refined idea or id…", "Idea, refined idea…", "Idea…"]


def test_where_room_is_short_lists_keep_their_word_and_so_does_what_is_selected(
    qtbot: QtBot, theme: Theme
) -> None:
    picks = [Pick(key, key, f"Any {key}") for key in ("state", "password", "event type")]
    row = added(qtbot, FilterRow(theme, "Filter by name or URL…", picks=picks, noun=("webhook", "webhooks")))
    main = push_button(theme, "New webhook…", icon=Icon.ADD)
    main.setProperty(SHORT, "New…")
    row.add_trailing(main)
    row.set_count(21)
    row.show()
    row.resize(600, row.sizeHint().height())
    advance = row.fontMetrics().horizontalAdvance
    qtbot.waitUntil(lambda: row.count.text() == "21 webhooks")
    assert not row._in_two and row.text.width() >= 110
    for picker in row.pickers.values():
        assert picker.width() >= advance(picker.short_words()) + AROUND, picker.short_words()
    places = [part.x() for part in (*row.pickers.values(), row.count)]
    row.set_selected(3)
    qtbot.waitUntil(lambda: row.count.text() == "3 selected")
    assert [part.x() for part in (*row.pickers.values(), row.count)] == places
