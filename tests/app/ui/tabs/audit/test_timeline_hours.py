"""The hours of the days that are kept, on the timeline: by the clock, picked, and led back from."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.tables import AUDIT_CHAIN
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.timeline import bars_of_hours, days_of, moments_of, range_of
from app.ui.tabs.common import arrangement
from app.ui.tabs.common.arrangement import Arrangement
from app.ui.widgets.filter_row import DateRange, Span
from models.engine import Database
from models.schema import inspect
from tests.conftest import NOW
from tests.fixtures.connected import execute
from tests.fixtures.window import TABLES, ask, go, open_file

AUDIT = TABLES.index(AUDIT_CHAIN.name)
DAY = date(2026, 11, 17)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_to(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "day", "bars", "said"),
    [
        ("Europe/Berlin", date(2026, 11, 17), 24, "2026-11-17 02:00 – 03:00 +0100: 2 entries"),
        ("Europe/Berlin", date(2026, 3, 29), 23, "2026-03-29 03:00 – 04:00 +0200: 2 entries"),
        ("Europe/Berlin", date(2026, 10, 25), 25, "2026-10-25 02:00 +0200 – 02:00 +0100: 2 entries"),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24, "2026-10-04 02:30 – 03:00 +1100: 2 entries"),
        ("UTC", date(2026, 3, 29), 24, "2026-03-29 02:00 – 03:00 UTC: 2 entries"),
    ],
)
def test_a_day_has_the_hours_of_its_clock(
    zone: Callable[[str], None], name: str, day: date, bars: int, said: str
) -> None:
    zone(name)
    moments = moments_of(day, day, utc=False)
    shown = bars_of_hours(moments, [2] * (len(moments) - 1), (), utc=False)
    assert len(shown) == bars and shown[2].words() == said
    assert all(at % 900 == 0 for at in moments)
    assert len(moments_of(day, day, utc=True)) == 25
    assert shown[0].label == str(day) and "12:00" in [bar.label for bar in shown]


def test_which_ranges_are_short(zone: Callable[[str], None]) -> None:
    zone("America/New_York")
    assert days_of(DateRange(), NOW, utc=True) is None
    assert days_of(DateRange(Span.LAST_7), NOW, utc=True) is None
    assert days_of(DateRange(Span.TODAY), NOW, utc=True) == (date(2026, 11, 18), date(2026, 11, 18))
    assert days_of(DateRange(Span.LAST_24_HOURS), NOW, utc=True) == (date(2026, 11, 17), date(2026, 11, 18))
    assert days_of(DateRange(Span.LAST_HOUR), 1_795_064_460, utc=False) == (
        DAY.replace(day=18),
        DAY.replace(day=19),
    )
    three = DateRange(Span.CUSTOM, date(2026, 11, 15), DAY)
    assert days_of(three, NOW, utc=True) == (date(2026, 11, 15), DAY)
    assert days_of(DateRange(Span.CUSTOM, date(2026, 11, 14), DAY), NOW, utc=True) is None
    assert days_of(DateRange(Span.CUSTOM, date.max, date.max), NOW, utc=True) == (date.max, date.max)
    assert len(moments_of(date.max, date.max, utc=True)) == 25


def test_entries_are_counted_between_moments(engine: Database, database_path: Path) -> None:
    midnight = 1_794_873_600  # 2026-11-17 UTC
    times = [
        midnight - 1,
        midnight,
        midnight + 3_599,
        midnight + 3_600,
        (midnight + 7_200) * 1000,
        "'2026-11-17 02:30:00'",
    ]
    times.append(midnight + 86_400)
    execute(
        database_path,
        *(
            "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            f" VALUES ('acme', 'e', '{{}}', '{number}', 'h', {at})"
            for number, at in enumerate(times)
        ),
    )
    moments = moments_of(DAY, DAY, utc=True)
    assert moments[0] == midnight
    found = Lists(inspect(engine)).between(engine, ListQuery("audit_chain", since=5, until=6), moments)
    assert found == (2, 1, 2, *[0] * 21)


def utc_day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, demo_path: Path) -> AuditTab:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    qtbot.waitUntil(page.timeline.isVisible)
    return page


@pytest.mark.slow
def test_a_day_is_zoomed_into_its_hours_and_some_of_these_are_kept(
    qtbot: QtBot, page: AuditTab, demo_path: Path
) -> None:
    def entries(since: int, until: int) -> int:
        sql = "SELECT count(*) FROM audit_chain WHERE created_at >= ? AND created_at < ?"
        return int(ask(demo_path, sql, since, until)[0][0])

    timeline = page.timeline
    at = ask(demo_path, "SELECT max(created_at) FROM audit_chain")[0][0]
    page.over_time._pick_days(*[utc_day(at)] * 2)
    qtbot.waitUntil(lambda: timeline.accessibleName() == "Entries per hour")
    midnight = at // 86_400 * 86_400
    assert len(timeline._bars) == 24 and sum(bar.count for bar in timeline._bars) == entries(
        midnight, midnight + 86_400
    )
    full = max(place for place, bar in enumerate(timeline._bars) if bar.count)
    begin, end = sorted((full, 0))
    timeline.setFocus()
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=timeline.bar_rect(begin).center())
    qtbot.mouseMove(timeline, timeline.bar_rect(end).center())
    since, until = midnight + begin * 3_600, midnight + (end + 1) * 3_600
    day = utc_day(midnight)
    words = f"{day} 00:00 – {end + 1:02}:00 UTC" if end < 23 else f"{day} 00:00 – "
    assert timeline.accessibleDescription().startswith(words)
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=timeline.bar_rect(end).center())
    qtbot.waitUntil(lambda: page.model.rowCount() == entries(since, until))
    assert (page.query().since, page.query().until) == (since, until)
    assert page.filters.dates is not None and page.filters.dates.currentText().startswith(words)
    assert len(timeline._bars) == 24, "the hours beside them stay in sight"
    state = arrangement.current(page)
    assert Arrangement.of(state.document()) == state and state.dates == range_of(since, until, utc=True)
    with pytest.raises(ValueError, match="moments"):
        Arrangement.of({**state.document(), "dates": ["hours", None, None, "x", 1, True]})

    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: timeline.accessibleName() == "Entries per day")
    assert page.query().since == since and not timeline.buttons.isVisible()
    page.over_time._pick_days(day, day)
    qtbot.waitUntil(lambda: timeline.accessibleName() == "Entries per hour")
    qtbot.keyClick(timeline, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: page.query().since == midnight - 86_400)
    qtbot.waitUntil(lambda: timeline._bars[0].words().startswith(str(utc_day(midnight - 86_400))))
    assert timeline.buttons.isVisible()
    qtbot.mouseClick(timeline.all_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: timeline.accessibleName() == "Entries per day")
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() == entries(0, 2**40))
    assert timeline.accessibleName() == "Entries per day"
