from datetime import date

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.ui.tabs.audit.timeline import Found, Timeline, bars_of
from app.ui.theme import Theme
from models.local.database import LocalDatabase
from models.schema import inspect

DAY = 20_000  # 2024-10-04


def shown(qtbot: QtBot, theme: Theme, days: list[tuple[int, int]], width: int = 400) -> Timeline:
    timeline = Timeline(theme)
    qtbot.addWidget(timeline)
    timeline.resize(width, 68)
    timeline.set_days(days)
    return timeline


def test_days_without_entries_are_bars_without_height() -> None:
    assert [bar.count for bar in bars_of([(DAY, 3), (DAY + 2, 5)], 100)] == [3, 0, 5]
    assert bars_of([], 100) == []


def test_many_days_share_bars_and_none_is_lost() -> None:
    bars = bars_of([(DAY + number, 1) for number in range(1000)], 80)
    assert len(bars) <= 80
    assert sum(bar.count for bar in bars) == 1000
    assert bars[0].first == date(2024, 10, 4)
    assert bars[-1].last == date(2027, 6, 30)


def test_clicking_a_bar_picks_its_day(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY, 3), (DAY + 1, 5), (DAY + 2, 1)])
    with qtbot.waitSignal(timeline.picked) as picked:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=timeline.bar_rect(1).center())
    assert picked.args == [date(2024, 10, 5), date(2024, 10, 5)]
    with qtbot.assertNotEmitted(timeline.picked):  # the second click of two meets other bars as a rule
        qtbot.mouseDClick(timeline, Qt.MouseButton.LeftButton, pos=timeline.bar_rect(1).center())
        qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=timeline.bar_rect(1).center())


def test_dragging_over_bars_picks_their_days(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY, 3), (DAY + 1, 5), (DAY + 3, 1)])
    timeline.show()
    at = [timeline.bar_rect(position).center() for position in range(4)]
    for begin, end, days in ((3, 1, (5, 7)), (0, 1, (4, 5))):
        qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at[begin])
        qtbot.mouseMove(timeline, at[end])
        qtbot.mouseMove(timeline, QPoint(4000, 10))  # beyond the last
        with qtbot.waitSignal(timeline.picked) as picked:
            qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at[end])
        assert picked.args == [date(2024, 10, day) for day in days]
    with qtbot.assertNotEmitted(timeline.picked):  # a day without entries
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=at[2])
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at[0])
    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    with qtbot.assertNotEmitted(timeline.picked):
        qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at[1])


def test_shift_and_arrows_pick_several_days(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY, 3), (DAY + 1, 5), (DAY + 2, 2)])
    timeline.show()
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    for _ in range(2):
        qtbot.keyClick(timeline, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert timeline.accessibleDescription() == "2024-10-04 to 2024-10-06: 10 entries"
    with qtbot.waitSignal(timeline.picked) as picked:
        qtbot.keyClick(timeline, Qt.Key.Key_Return)
    assert picked.args == [date(2024, 10, 4), date(2024, 10, 6)]


def test_days_with_findings_are_marked_and_said(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY, 3), (DAY + 1, 5)])
    found = Found({DAY + 1: 2, DAY - 9: 1})
    timeline.set_findings(found, found)
    timeline.show()
    picture, at = timeline.grab().toImage(), timeline.bar_rect(1).center()
    assert picture.pixelColor(at.x(), 1) == theme.colour("bad")
    assert picture.pixelColor(timeline.bar_rect(0).center().x(), 1) != theme.colour("bad")
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    assert timeline.accessibleDescription() == "2024-10-05: 5 entries, 2 findings"
    timeline.set_findings(found, Found({DAY - 9: 1}))
    assert timeline.grab().toImage().pixelColor(at.x(), 1) == theme.colour("warn"), "nothing is broken there"


def test_one_day_of_very_many_leaves_the_others_to_be_told_apart_and_the_axis_says_so(
    qtbot: QtBot, theme: Theme
) -> None:
    days = [(DAY, 40), (DAY + 1, 4_000), (DAY + 2, 10), (DAY + 3, 0), (DAY + 4, 40)]
    timeline = shown(qtbot, theme, days, width=600)
    heights = [timeline.bar_height(count) for _, count in days]
    assert heights[1] > heights[0] > heights[2] + 4 > 10 > heights[3] == 0
    said = "up to 4,000 entries a day, logarithmic"
    assert said in [words for _, words, _ in timeline._labels()] and timeline.accessibleDescription() == said
    timeline.set_days([(day, min(count, 50)) for day, count in days])
    assert timeline.bar_height(25) * 2 == timeline.bar_height(50)
    assert "up to 50 entries a day" in [words for _, words, _ in timeline._labels()]


def test_the_keyboard_moves_says_and_picks(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY, 3), (DAY + 1, 5)])
    timeline.show()
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    assert timeline.accessibleDescription() == "2024-10-05: 5 entries"
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    with qtbot.waitSignal(timeline.picked) as picked:
        qtbot.keyClick(timeline, Qt.Key.Key_Return)
    assert picked.args == [date(2024, 10, 4), date(2024, 10, 4)]


def test_other_bars_at_another_width_let_go_of_the_one_chosen(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [(DAY + number, 1) for number in range(300)], width=800)
    timeline.show()
    qtbot.keyClick(timeline, Qt.Key.Key_Left)
    timeline.resize(80, 68)
    with qtbot.assertNotEmitted(timeline.picked):
        qtbot.keyClick(timeline, Qt.Key.Key_Return)


def test_it_stays_in_its_place_once_there_were_days(qtbot: QtBot, theme: Theme) -> None:
    timeline = shown(qtbot, theme, [])
    assert timeline.isHidden()
    timeline.set_days([(DAY, 3), (10**9, 1), (DAY + 1, 1)])
    timeline.set_days([])
    assert timeline.isVisible() and "No entries" in timeline.accessibleDescription()
    timeline.grab()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(timeline, key)
    timeline.set_unread()
    assert timeline.isHidden()


def test_days_are_counted_in_the_time_zone_asked_for(database: LocalDatabase) -> None:
    rows = [(DAY * 86_400, 1), (DAY * 86_400 + 86_399, 2), ("text", 3), (DAY * 86_400 - 1, 4)]
    for at, number in rows:
        database.connection().execute(
            "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " VALUES ('acme', 'e', '{}', ?, 'h', ?)",
            (str(number), at),
        )
    lists = Lists(inspect(database))
    query = ListQuery("audit_chain")
    assert lists.per_day(database, query) == ((DAY - 1, 1), (DAY, 2))
    assert lists.per_day(database, query, lambda at: (at + 3600) // 86_400) == ((DAY, 2), (DAY + 1, 1))
