"""The tables in the window: filtered, copied, exported, and kept in place while others write."""

import re
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import apsw
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.services.records.export import Format
from app.ui.shell.notices import TablesNotice
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.users import new_user_form
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.connected import execute
from tests.fixtures.gateway import append_by_tenant, create_gateway, create_planning, refer_to_tenants
from tests.fixtures.window import (
    TABLES,
    ask,
    button,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    give_reason,
    go,
    is_settled,
    labels,
    open_file,
    press,
    said,
    type_text,
    values,
    write,
)

USERS, AUDIT, WEBHOOKS, NOTIFICATIONS, RUNS = range(5)


@pytest.mark.slow
def test_rows_of_another_program_come_by_themselves_and_nothing_moves(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    tester = QAbstractItemModelTester(page.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    page.filters.text.setFocus()
    with qtbot.waitSignal(page.list.loaded):
        type_text(qtbot, "example")
    with qtbot.waitSignal(page.list.loaded):
        page.table.sortByColumn(page.model.column_of("email"), Qt.SortOrder.AscendingOrder)
    wanted = choose(qtbot, page, 30)
    top = page.table.rowAt(0)
    first = page.model.record_id(top)
    before = page.model.rowCount()
    assert window.context is not None
    outside, looked = window.context.outside, list[bool]()
    outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    ask(
        demo_path,
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " VALUES ('outside', 'acme-corp', '0000@example.com', 1, 1)",
    )
    outside.look()
    qtbot.waitUntil(lambda: page.model.rowCount() == before + 1)
    assert page.list.current_id() == wanted
    assert page.filters.text.text() == "example" and page.filters.text.hasFocus()
    assert page.table.selected_rows() == [31]
    assert page.model.record_id(page.table.rowAt(0)) == first, "what is read does not jump away"
    assert tester.model() is page.model


@pytest.mark.slow
def test_refreshing_by_key_shows_what_others_wrote(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    ask(demo_path, "DELETE FROM users WHERE rowid = (SELECT max(rowid) FROM users)")
    press("F5")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, USERS))


@pytest.mark.slow
@pytest.mark.slow
def test_other_tables_than_the_file_was_opened_with_are_noticed(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    with closing(apsw.Connection(str(demo_path))) as connection:
        connection.execute("CREATE INDEX another ON users (updated_at)")
        connection.execute("CREATE TABLE another_one (user_id TEXT REFERENCES users (id))")
        page = current(window)
        with qtbot.waitSignal(page.context.outside.written):
            page.context.outside.look()
        qtbot.waitUntil(lambda: is_settled(window))
        assert not workspace.findChildren(TablesNotice), "lists go by nothing that is another"
        kept = ", ".join(name for (_, name, *_) in connection.execute("PRAGMA table_info(users)"))
        (sql,) = next(connection.execute("SELECT sql FROM sqlite_master WHERE name = 'users'"))
        connection.execute("ALTER TABLE users RENAME TO old")
        connection.execute(f"{sql} WITHOUT ROWID")
        connection.execute(f"INSERT INTO users ({kept}) SELECT {kept} FROM old")
    qtbot.waitUntil(lambda: any(one.isVisible() for one in workspace.findChildren(TablesNotice)))
    (notice,) = workspace.findChildren(TablesNotice)
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(notice, "Open again"))
    users = count(demo_path, "users")
    qtbot.waitUntil(lambda: current(window).model.rowCount() == users)
    assert not [one for one in window.findChildren(TablesNotice) if one.isVisible()]


def test_no_match_offers_to_clear_the_filters(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    press("Ctrl+F")
    type_text(qtbot, "nobody at all")
    qtbot.waitUntil(lambda: page.filters.count.text() == "0 users")
    assert "No match" in labels(page)
    click(qtbot, page.clear_button)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(count(demo_path, "users"), USERS))


def menu_of(page: RecordTab, row: int, column: str) -> QMenu:
    page.table.menu_requested.emit(
        page.model.index(row, page.model.column_of(column)), page.mapToGlobal(page.rect().center())
    )
    return page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]


@pytest.mark.slow
def test_the_edit_menu_copies_and_filters_what_is_current(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    edit = window.menuBar().actions()[1].menu()
    assert isinstance(edit, QMenu)
    named = {act.text().replace("&", ""): act for act in edit.actions()}
    more = named["Copy rows as"].menu()
    assert isinstance(more, QMenu)
    named |= {act.text().replace("&", ""): act for act in more.actions()}
    assert named["Copy rows"].shortcut().toString() == "Ctrl+C"
    edit.aboutToShow.emit()
    assert not named["Copy this value"].isEnabled()
    choose(qtbot, page, 1)
    email = values(page, "email")[1]
    edit.aboutToShow.emit()
    page.table.setCurrentIndex(page.model.index(1, page.model.column_of("email")))
    press("Ctrl+Shift+C")
    qtbot.waitUntil(lambda: window.toast.label.text() == "E-mail copied")
    assert QGuiApplication.clipboard().text() == email
    press("Ctrl+C")
    qtbot.waitUntil(lambda: window.toast.label.text() == "1 row copied")
    assert email in QGuiApplication.clipboard().text()
    named["CSV"].trigger()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("id,"))
    named["Select all rows"].trigger()
    assert len(page.table.selected_rows()) == page.model.rowCount()
    page.table.setCurrentIndex(page.model.index(1, page.model.column_of("email")))
    press("Ctrl+Shift+F")
    qtbot.waitUntil(lambda: values(page, "email") == [email])


@pytest.mark.slow
def test_the_menu_filters_by_the_value_under_the_mouse(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    choose(qtbot, page, 0)
    kind = values(page, "event_type")[0]
    qtbot.waitUntil(lambda: page.filters.pickers["event_type"].popup.model.rowCount() > 1)
    menu = menu_of(page, 0, "event_type")
    next(
        act for act in menu.actions() if act.text().replace("&", "") == "Filter by this value (Event type)"
    ).trigger()
    menu.close()
    wanted = ask(demo_path, "SELECT count(*) FROM audit_chain WHERE event_type = ?", kind)[0][0]
    qtbot.waitUntil(lambda: page.filters.count.text() == said(wanted, AUDIT))
    assert page.filters.pickers["event_type"].currentText() == kind


@pytest.mark.slow
def test_several_values_of_a_column_are_kept_at_once(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """By keys: the second and the third event type, with what each has beside it still counted."""
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    picker = page.filters.pickers["event_type"]
    sql = "SELECT event_type, count(*) FROM audit_chain GROUP BY 1 ORDER BY 2 DESC, 1"
    counts = ask(demo_path, sql)
    qtbot.waitUntil(lambda: picker.popup.model.rowCount() == 1 + len(counts))
    picker.setFocus()
    press("Down")
    for key in ("Down", "Down", "Ctrl+Space", "Down", "Ctrl+Space", "Return"):
        press(key)
    (first, some), (second, more) = counts[1:3]
    qtbot.waitUntil(lambda: page.filters.count.text() == said(some + more, AUDIT))
    assert set(values(page, "event_type")) <= {first, second, "None"}
    assert picker.currentText() == "2 types"
    assert page.query().choices == (("event_type", tuple(sorted((first, second)))),)
    offered = [("Any event type", sum(count for _, count in counts)), *counts]
    qtbot.waitUntil(lambda: [(one.label, one.count) for one in picker.popup.model.rows] == offered)
    page.clear_filters()
    qtbot.waitUntil(lambda: picker.currentText() == "Any event type")


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "start"),
    [("CSV", "id,"), ("JSON lines", '{"id"'), ("SQL inserts", "INSERT INTO"), ("Text", "id\t")],
)
def test_selected_rows_are_copied(
    qtbot: QtBot, window: MainWindow, demo_path: Path, form: str, start: str
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    press("Shift+Down")
    emails = values(page, "email")[:2]
    menu = menu_of(page, 0, "email")
    copy = next(act.menu() for act in menu.actions() if act.text().replace("&", "") == "Copy rows as")
    assert isinstance(copy, QMenu)
    next(act for act in copy.actions() if act.text() == form).trigger()
    menu.close()
    qtbot.waitUntil(lambda: window.toast.label.text() == "2 rows copied")
    text = QGuiApplication.clipboard().text()
    assert text.startswith(start) and all(email in text for email in emails)
    assert "password_hash" not in text


@pytest.mark.slow
def test_export_holds_all_that_the_filter_shows(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    page.set_filter_text("acme")
    wanted = ask(demo_path, "SELECT count(*) FROM users WHERE email LIKE '%acme%' OR id LIKE '%acme%'")[0][0]
    qtbot.waitUntil(lambda: page.filters.count.text() == said(wanted, USERS))
    export_to(page, tmp_path / "out.csv", page.query(), Format.CSV)
    qtbot.waitUntil(lambda: window.toast.label.text().endswith("exported to out.csv"))
    assert len((tmp_path / "out.csv").read_text().splitlines()) == wanted + 1


@pytest.mark.slow
def test_columns_fit_what_is_shown_until_somebody_arranges_them(
    qtbot: QtBot, window: MainWindow, demo_path: Path, database_path: Path
) -> None:
    open_file(qtbot, window, database_path)  # nothing to fit to, and nothing to remember
    page = open_file(qtbot, window, demo_path)
    header, tenant = page.table.horizontalHeader(), page.model.column_of("tenant_id")
    words = page.table.fontMetrics().horizontalAdvance(max(values(page, "tenant_id")[:20], key=len))
    assert header.sectionSize(tenant) > words
    assert header.length() <= page.table.viewport().width(), "no needless scroll bar"
    header.resizeSection(tenant, 170)
    page = open_file(qtbot, window, demo_path)
    assert page.table.horizontalHeader().sectionSize(tenant) == 170


@pytest.mark.slow
def test_a_webhook_whose_host_differs_says_so_where_its_url_stands(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE webhook_destinations SET hostname = 'else.example' WHERE rowid = 1")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, WEBHOOKS)
    host = page.model.column_of("hostname")
    assert page.table.isColumnHidden(host), "the URL names it already"
    row = values(page, "hostname").index("else.example")
    index = page.model.index(row, page.model.column_of("url"))
    assert "else.example — not the URL's host" in index.data(Qt.ItemDataRole.ToolTipRole)
    choose(qtbot, page, row)
    assert "host differs" in labels(page.inspector)


@pytest.mark.slow
def test_nothing_is_said_of_rows_that_are_on_their_way(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    press("Ctrl+2")
    page = current(window)
    assert page.filters.count.text() == "" and not page.empty_state.isVisible()
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    page.set_filter_text("nothing holds this")
    qtbot.waitUntil(page.empty_state.isVisible)


@pytest.mark.slow
def test_a_file_without_users_opens_on_what_it_has_and_offers_nothing_that_cannot_work(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    page = open_file(qtbot, window, create_planning(tmp_path / "planning.sqlite"))
    assert page.spec.table.name == "planning_runs" and page.model.rowCount() == 2
    assert window.workspace is not None
    for other in window.workspace.pages():
        if other is not page:
            own = {"inspector", "deliveries", "receiver", "views", "save_view"}  # whatever the file has
            acts = set(other.commands.names()) - own
            assert not [name for name in acts if other.commands.action(name).isEnabled()]
    users, audit = window.workspace.pages()[:2]
    assert users.commands.action("create").toolTip().count("This database has no table users")
    assert isinstance(audit, AuditTab)
    assert audit.banner.headline() == "No audit chain" and "no table audit_chain" in audit.banner.detail()


@pytest.mark.slow
def test_the_first_act_on_a_file_without_an_audit_chain_asks(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = create_planning(tmp_path / "planning.sqlite")

    def status() -> str:
        return str(ask(path, "SELECT status FROM planning_runs WHERE id = 'r1'")[0][0])

    open_file(qtbot, window, path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, values(page, "idea").index("A run"))
    press("P")
    give_reason(qtbot, window)
    question = dialog(qtbot, window, ConfirmDialog)
    assert "planning.sqlite has no audit chain" in question.sentence.text()
    assert question.title.text() == "Go on without a record?"
    assert question.sentence.text().endswith(
        "is recorded nowhere.\n\nThis waits for your answer: “A run” paused."
    )
    click(qtbot, question.cancel_button)
    closed(qtbot, window, ConfirmDialog)
    assert status() == "running"
    page.table.setFocus()
    press("P")
    give_reason(qtbot, window)
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: page.context.history.next_undo != "")
    assert status() == "paused"
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: status() == "running")
    page.table.setFocus()
    choose(qtbot, page, values(page, "idea").index("A run"))
    page.commands.trigger("kill")
    give_reason(qtbot, window, "no market")
    qtbot.waitUntil(lambda: status() == "killed")
    closed(qtbot, window, ConfirmDialog)  # it was asked once


@pytest.mark.slow
def test_what_a_gateway_refuses_of_a_run_is_said_before(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = create_gateway(tmp_path / "gateway.sqlite")
    ask(path, "UPDATE planning_runs SET status = 'active'")
    open_file(qtbot, window, path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    assert isinstance(page, RunsTab)
    chips = ["All 1", "Active 1", "Paused 0", "Completed 0", "Killed 0"]
    qtbot.waitUntil(lambda: [chip.text() for chip in page.chips.buttons()] == chips)
    acts = {name: page.commands.action(name) for name in ("pause", "complete", "kill", "cancel", "delete")}
    qtbot.waitUntil(lambda: not acts["delete"].isEnabled())
    assert "own rules let no run be deleted." in acts["delete"].toolTip()
    assert {name for name, action in acts.items() if action.isEnabled()} == {"pause", "complete", "kill"}
    press("P")
    give_reason(qtbot, window)
    qtbot.waitUntil(lambda: ask(path, "SELECT status FROM planning_runs") == [("paused",)])


def holds(path: Path, status: str) -> bool:
    return ask(path, "SELECT status FROM planning_runs") == [(status,)]


@pytest.mark.slow
def test_an_act_that_takes_a_gateway_s_number_is_warned_of_once(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = create_gateway(tmp_path / "gateway.sqlite")
    with closing(apsw.Connection(str(path))) as connection:
        append_by_tenant(connection, "aurora", NOW - 10, NOW - 5)
    open_file(qtbot, window, path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    press("R")
    question = dialog(qtbot, window, ConfirmDialog)
    assert "gives next to “aurora”;" in question.sentence.text()
    click(qtbot, question.confirm_button)
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(partial(holds, path, "active"))
    page.table.setFocus()
    qtbot.waitUntil(page.commands.action("pause").isEnabled)
    press("P")
    give_reason(qtbot, window)
    qtbot.waitUntil(partial(holds, path, "paused"))
    closed(qtbot, window, ConfirmDialog)
    with closing(apsw.Connection(str(path))) as connection:
        chains.append(connection, "aurora", [NOW])  # the way out
        append_by_tenant(connection, "aurora", NOW)
    for answer, status in (("cancel", "paused"), ("confirm", "active")):  # undoing takes the next one, too
        window.commands.trigger("undo")
        question = dialog(qtbot, window, ConfirmDialog)
        assert "gives next to “aurora”;" in question.sentence.text()
        click(qtbot, getattr(question, f"{answer}_button"))
        closed(qtbot, window, ConfirmDialog)
        qtbot.waitUntil(partial(holds, path, status))


@pytest.mark.slow
@pytest.mark.parametrize("own", [True, False])
def test_a_chosen_tenant_narrows_runs_where_the_file_gives_them_one(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, own: bool
) -> None:
    path = create_gateway(tmp_path / "gateway.sqlite")
    ask(
        path,
        "INSERT INTO planning_runs (id, tenant_id, idea, created_at, updated_at)"
        " VALUES ('run-2', 'aurora', 'Theirs', 1795600000000, 1795600000000)",
    )
    if not own:
        ask(path, "ALTER TABLE planning_runs DROP COLUMN tenant_id")
    open_file(qtbot, window, path)
    page = go(qtbot, window, RUNS)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(2, RUNS))
    window.tenants.picked.emit("aurora")
    note = "This list shows the runs of all tenants; choosing aurora does not narrow it."
    qtbot.waitUntil(lambda: page.filters.count.text() == said(1 if own else 2, RUNS))
    qtbot.waitUntil(lambda: (note in labels(page)) is not own)
    if own:
        assert tuple(values(page, "idea")) == ("Theirs",)


@pytest.mark.slow
def test_runs_say_why_nothing_can_be_recorded_of_them(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = create_gateway(tmp_path / "gateway.sqlite")
    ask(path, "ALTER TABLE planning_runs DROP COLUMN tenant_id")
    refer_to_tenants(path, "aurora")
    open_file(qtbot, window, path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    kill = page.commands.action("kill")
    qtbot.waitUntil(lambda: not kill.isEnabled())
    assert "tenants, which has no id “system”" in kill.toolTip()


@pytest.mark.slow
def test_the_keys_for_copying_give_what_an_export_has(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(
        demo_path,
        "UPDATE webhook_destinations SET url = 'https://bob:pw@' || hostname || '/secret', name = '=1'",
    )
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, WEBHOOKS)
    choose(qtbot, page, 0)
    page.table.setFocus()
    QGuiApplication.clipboard().setText("")
    press("Ctrl+C")
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() != "")
    copied = QGuiApplication.clipboard().text()
    assert "/…" in copied and "bob" not in copied and "/secret" not in copied
    assert "'=1" in copied


@pytest.mark.slow
def test_an_act_says_what_it_waits_for_and_need_not_wait(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    choose(qtbot, page, 1)
    with closing(apsw.Connection(str(demo_path))) as other:
        other.execute("BEGIN IMMEDIATE")
        press("Del")
        qtbot.waitUntil(window.wait_line.isVisible)
        said = window.wait_line.label.text()
        assert re.fullmatch(r"Waiting for .* is writing to demo\.sqlite: \d+ s", said)
        click(qtbot, window.wait_line.cancel_button)
        qtbot.waitUntil(lambda: window.toast.label.text() == "Cancelled; nothing was changed.")
        qtbot.waitUntil(lambda: not window.wait_line.isVisible())
        form = new_user_form(page.context, "acme-corp", page)
        form.open_once()
        write(form, "email", "zoe@acme.example")
        form.submit()
        qtbot.waitUntil(form.wait_line.isVisible)
        assert not window.wait_line.isVisible()
        other.execute("ROLLBACK")
    closed(qtbot, window, type(form))
    assert count(demo_path, "users") == before + 1


@pytest.mark.slow
def test_what_a_lock_kept_out_is_tried_again_by_a_button(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.local.database.PATIENCE", 0.1)
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    choose(qtbot, page, 1)
    with closing(apsw.Connection(str(demo_path))) as other:
        for keys, left in (("Del", before - 1), ("Ctrl+Z", before)):
            other.execute("BEGIN IMMEDIATE")
            press(keys)
            told = dialog(qtbot, window, ErrorDialog)
            assert "is in use by" in told.sentence.text()
            other.execute("ROLLBACK")
            click(qtbot, next(one for one in told.findChildren(QPushButton) if one.text() == "Try again"))
            qtbot.waitUntil(lambda left=left: count(demo_path, "users") == left)  # type: ignore[misc]
            closed(qtbot, window, ErrorDialog)


@pytest.mark.slow
def test_it_is_not_tried_again_before_a_question_that_is_still_to_come(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.local.database.PATIENCE", 0.1)
    page = open_file(qtbot, window, demo_path)
    before, go_on, came = count(demo_path, "users"), threading.Event(), list[object]()
    choose(qtbot, page, 1)
    with closing(apsw.Connection(str(demo_path))) as other:
        other.execute("BEGIN IMMEDIATE")
        press("Del")
        told = dialog(qtbot, window, ErrorDialog)
        other.execute("ROLLBACK")
    window.busy.run("Checking…", lambda monitor: go_on.wait(60), on_done=came.append, asks=True)
    click(qtbot, button(told, "Try again"))
    qtbot.waitUntil(lambda: "comes first" in window.toast.label.text())
    go_on.set()
    qtbot.waitUntil(lambda: bool(came) and is_settled(window))
    assert count(demo_path, "users") == before


def test_where_no_entry_can_follow_no_act_is_offered(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    execute(
        demo_path,
        "ALTER TABLE audit_chain RENAME TO kept",
        "CREATE TABLE audit_chain AS SELECT * FROM kept",
        "DROP TABLE kept",
    )
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    edit = page.commands.action("edit")
    qtbot.waitUntil(lambda: not edit.isEnabled())
    assert "audit_chain does not have seq as the row's own number" in edit.toolTip()
    assert "no change could be recorded" in page.commands.action("create").toolTip()


@pytest.mark.slow
def test_why_an_act_of_a_tab_does_not_apply_is_said_no_longer_than_the_tab_is_shown(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    page.table.clearSelection()
    page.table.setFocus()
    press("Del")
    qtbot.waitUntil(window.toast.isVisible)
    assert window.toast.label.text() == "Select a user first."
    go(qtbot, window, 3)
    assert not window.toast.isVisible(), "a hint for users on the page of notifications"
    window.say("2 users deleted", act=("Undo", window.undo))
    go(qtbot, window, 0)
    assert window.toast.isVisible(), "what was done can be undone from anywhere"


@pytest.mark.slow
def test_what_is_selected_is_said_in_a_narrow_window_too(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """At 200 % a number alone stood there, as for all rows; of many all the more."""
    open_file(qtbot, window, demo_path)
    window.setMinimumSize(1, 1)
    for width in (700, 680, 620, 580):
        window.resize(width, 450)
        for place in range(len(TABLES)):
            page = go(qtbot, window, place)
            page.fold_inspector(True)
            choose(qtbot, page, 0)
            press("Ctrl+A")
            rows = page.model.rowCount()
            qtbot.waitUntil(lambda page=page, rows=rows: page.list.selected_count() == rows)  # type: ignore[misc]
            told = {f"{rows:,} selected", f"✓ {rows:,}"}
            qtbot.waitUntil(lambda page=page, told=told: page.filters.count.text() in told)  # type: ignore[misc]


def test_of_rows_that_hold_urls_it_is_said_that_their_hosts_alone_are_copied(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    for table, more in (("webhook_destinations", "; of URLs the host alone"), ("users", "")):
        choose(qtbot, go(qtbot, window, TABLES.index(table)), 0)
        press("Ctrl+C")
        qtbot.waitUntil(lambda more=more: window.toast.label.text() == f"1 row copied{more}")  # type: ignore[misc]
