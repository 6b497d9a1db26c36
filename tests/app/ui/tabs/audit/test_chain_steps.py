"""N and P, from an entry to those beside it in its tenant's chain, where each is a request."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from tests.d1.edge import Edge
from tests.fixtures import live_window
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live
from tests.fixtures.window import ask, choose, error, go, is_settled, press

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

LATE = 0.3
"""Seconds that an answer takes on its way."""


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def audit(qtbot: QtBot, window: MainWindow, edge: Edge, live: Live, file: Path) -> RecordTab:
    window.connecting.tokens = Tokens(None)
    open_live(qtbot, window, live_window.production(edge, live, file, window))
    page = go(qtbot, window, 1)
    page.context.outside._poll.stop()
    choose(qtbot, page, 5)
    qtbot.waitUntil(lambda: is_settled(window) and page.current.whole() is not None)
    return page


def before(file: Path, seq: object, steps: int = 1) -> int:
    """The entry so many steps before this one in its chain."""
    own = f"tenant_id = (SELECT tenant_id FROM audit_chain WHERE seq = {seq}) AND seq < {seq}"
    found = ask(file, f"SELECT seq FROM audit_chain WHERE {own} ORDER BY seq DESC LIMIT 1 OFFSET {steps - 1}")
    return int(found[0][0])


def filter_by_type(qtbot: QtBot, window: MainWindow, page: RecordTab) -> int:
    """So that the rows do not say which the next entry is; the one that is selected then."""
    page.filters.text.setText("user_updated")
    qtbot.waitUntil(lambda: is_settled(window) and page.list.shown is not None and page.list.shown.filtered)
    seq = choose(qtbot, page, 1)
    qtbot.waitUntil(lambda: is_settled(window) and page.current.whole() is not None)
    return int(seq)


def asked(edge: Edge) -> int:
    """How often it was asked which entry comes before."""
    return sum(b"tenant_id = own.name" in body and b"typeof" not in body for body in edge.calls)


def test_a_step_is_asked_for_once_however_often_its_key_is_pressed(
    qtbot: QtBot, window: MainWindow, edge: Edge, file: Path, audit: RecordTab
) -> None:
    there = filter_by_type(qtbot, window, audit)
    edge.delay = LATE
    edge.calls.clear()
    audit.table.setFocus()
    for _ in range(20):
        press("P")
    qtbot.waitUntil(lambda: asked(edge) == 1)

    def has_moved_by_many() -> bool:
        if has_moved := audit.list.current_id() != there:
            return bool(has_moved)
        press("P")
        return False

    qtbot.waitUntil(has_moved_by_many)
    edge.delay = 0
    qtbot.waitUntil(lambda: audit.list.current_id() == before(file, there))
    assert asked(edge) == 1


def test_keys_that_are_pressed_quickly_read_where_they_end(
    qtbot: QtBot, edge: Edge, file: Path, audit: RecordTab
) -> None:
    there = audit.list.current_id()
    edge.delay = 0.05
    edge.calls.clear()
    for steps in range(1, 21):
        press("P")
        assert audit.list.current_id() == before(file, there, steps)
    qtbot.waitUntil(lambda: audit.current.whole() is not None)
    assert asked(edge) == 0 and len(edge.calls) < 10
    assert audit.table.rect().intersects(audit.table.visualRect(audit.table.currentIndex()))
    edge.delay = 0
    for _ in range(20):
        press("N")
    assert audit.list.current_id() == there


def test_a_step_that_came_to_nothing_is_asked_for_again(
    qtbot: QtBot, window: MainWindow, edge: Edge, file: Path, audit: RecordTab
) -> None:
    there = filter_by_type(qtbot, window, audit)
    audit.table.setFocus()
    edge.read_faults = ["busy before"]
    press("P")
    assert error(qtbot, window)
    edge.read_faults = []
    press("P")
    qtbot.waitUntil(lambda: audit.list.current_id() == before(file, there))
