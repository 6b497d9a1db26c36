"""The selected record's own history, in the inspector of each tab."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import TOOLTIP
from app.services.live.connections import Connections
from app.services.records import history, users
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, PLANNING_RUNS, USERS
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.past import PastPart
from app.ui.tabs.common.record_tab import RecordTab
from tests.conftest import NOW
from tests.fixtures.live import Live
from tests.fixtures.window import TABLES, ask, choose, click, current, go, open_file, press

INTO = (
    "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
    " VALUES (?, ?, ?, ?, ?, 1)"
)


def record(path: Path, tenant: str, kind: str, **payload: object) -> None:
    ask(path, INTO, tenant, kind, json.dumps(payload), "0" * 64, f"{abs(hash(kind)):064x}"[:64])


def past_of(page: RecordTab) -> PastPart:
    assert page.past is not None
    return page.past


def shown(page: RecordTab) -> list[str]:
    """Who did what."""
    model = past_of(page).table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


@pytest.mark.slow
def test_an_act_is_there_at_once_and_enter_leads_to_its_entry(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    page.context.settings.actor = "mei.rossi"
    user = choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: past_of(page).note.isVisible() or past_of(page).table.isVisible())
    before = shown(page)
    page.act(users.rename, user, "another@acme.example")
    qtbot.waitUntil(lambda: len(shown(page)) == len(before) + 1)
    said = shown(page)[0]
    assert said.startswith("mei.rossi renamed user ") and said.endswith(" → another@acme.example")
    table = past_of(page).table
    qtbot.waitUntil(lambda: table.rowHeight(0) > table.verticalHeader().defaultSectionSize())  # of two lines
    assert table.verticalScrollBar().maximum() == 0 and said in table.model().index(0, 0).data(TOOLTIP)
    assert table.model().index(0, 1).data() == "just now"
    page.context.clock = lambda: NOW + 7200
    page.context.aged.emit()
    assert table.model().index(0, 1).data() == "2 h ago"
    newest = ask(demo_path, "SELECT max(seq) FROM audit_chain")[0][0]
    past_of(page).table.setFocus()
    press("Home")
    press("Return")
    qtbot.waitUntil(lambda: current(window).spec.table is AUDIT_CHAIN)
    qtbot.waitUntil(lambda: current(window).list.current_id() == newest)


@pytest.mark.slow
def test_a_move_is_a_sentence_told_once_and_so_is_its_undo(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    user, actor = choose(qtbot, page, 0), page.context.settings.actor
    own = page.list.current_row()
    assert own is not None
    tenant = own[page.spec.table.names.index("tenant_id")]
    with qtbot.waitSignal(page.context.runner.changed):
        page.act(users.move, [user], "elsewhere")
    page.show_record(user)
    there = f"{actor} moved user to elsewhere from {tenant}"
    qtbot.waitUntil(lambda: shown(page)[:1] == [there])
    assert there not in shown(page)[1:]
    press("Ctrl+Z")
    back = f"{actor} undid “moved user” to {tenant} from elsewhere"
    qtbot.waitUntil(lambda: shown(page)[:2] == [back, there])
    press("Ctrl+Shift+Z")
    again = f"{actor} redid “moved user” to elsewhere from {tenant}"
    place = page.inspector._acts.mapTo(page, QPoint())
    qtbot.waitUntil(lambda: shown(page)[:3] == [again, back, there])
    assert page.inspector._acts.mapTo(page, QPoint()) == place, "what one is about to press stays"


@pytest.mark.slow
def test_of_another_record_nothing_of_the_one_before_stays(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    notes = ask(demo_path, "SELECT id, tenant_id FROM notifications ORDER BY created_at DESC LIMIT 2")
    (first, tenant), (second, _) = notes
    record(demo_path, tenant, "notifications_read", actor="mei", ids=[first, "another"], count=2)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index(NOTIFICATIONS.name))
    page.show_record(first)
    qtbot.waitUntil(lambda: page.past is not None and "mei marked as read 2 notifications" in shown(page))
    page.show_record(second)
    qtbot.waitUntil(lambda: past_of(page).note.text().startswith("No entry"))
    assert not past_of(page).table.isVisible()


@pytest.mark.slow
def test_a_click_leads_to_the_chain_of_system_for_a_run_of_a_tenant(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    run = ask(demo_path, "SELECT id FROM planning_runs ORDER BY created_at DESC LIMIT 1")[0][0]
    record(
        demo_path,
        "system",
        "run_paused",
        actor="mei",
        runId=run,
        changes={"status": {"from": "a", "to": "b"}},
    )
    open_file(qtbot, window, demo_path)
    window.tenants.pick("acme-corp")
    page = go(qtbot, window, TABLES.index(PLANNING_RUNS.name))
    page.show_record(run)
    qtbot.waitUntil(lambda: page.past is not None and "mei paused run (status: a → b)" in shown(page))
    table = past_of(page).table
    place = table.visualRect(table.model().index(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: current(window).spec.table is AUDIT_CHAIN)
    newest = ask(demo_path, "SELECT max(seq) FROM audit_chain")[0][0]
    qtbot.waitUntil(lambda: current(window).list.current_id() == newest)
    assert window.tenants.key() is None


def test_a_long_past_is_read_page_by_page(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    user, tenant = ask(demo_path, "SELECT id, tenant_id FROM users ORDER BY created_at DESC LIMIT 1")[0]
    for number in range(history.PAGE + 5):
        record(demo_path, tenant, f"custom_{number}", userId=user)
    page = open_file(qtbot, window, demo_path)
    page.show_record(user)
    qtbot.waitUntil(lambda: page.past is not None and len(shown(page)) == history.PAGE)
    assert past_of(page).more.text() == "Look further back"
    click(qtbot, past_of(page).more)
    qtbot.waitUntil(lambda: len(shown(page)) >= history.PAGE + 5 and not past_of(page).more.isVisible())
    assert shown(page)[:2] == [f"custom_{history.PAGE + 4}", f"custom_{history.PAGE + 3}"]


@pytest.mark.slow
@pytest.mark.wrangler
def test_on_a_live_database_it_is_read_on_demand(
    qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path
) -> None:
    user, tenant = ask(demo_path, "SELECT id, tenant_id FROM users ORDER BY created_at DESC LIMIT 1")[0]
    record(demo_path, tenant, "custom", actor="mei", userId=user)
    file = live.put(demo_path, listed=True)
    Connections().add(live.connection(file, "dev"))
    with qtbot.waitSignal(window.opened):
        window.open("d1:dev")
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    page.show_record(user)
    qtbot.waitUntil(lambda: page.past is not None and page.past.isVisible())
    assert shown(page) == [] and past_of(page).more.text() == "Read up to 10,000 entries"
    click(qtbot, past_of(page).more)
    qtbot.waitUntil(lambda: bool(shown(page)))
    assert shown(page)[0] == "custom · mei"
    assert page.spec.table is USERS
