"""Many users, several values, a view, a proof and a slow answer, in the window on a live D1."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.services.records import lists
from app.services.records.change import Change
from app.services.records.rows import RowChange
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, WEBHOOK_DESTINATIONS
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.go_to import GoToDialog
from app.ui.tabs.common import acts, listed_tab, selection
from app.ui.tabs.common.form_fields import TenantField
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.notifications.composing import ComposeDialog
from app.ui.tabs.users.adding import AddUsersDialog, LeftOutDialog
from app.ui.tabs.users.dialogs import PasswordShown
from app.ui.tabs.webhooks.sending import EventReceiversDialog
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from models.d1.shared import Shared
from models.engine import Settled
from tests.d1.edge import Edge
from tests.fixtures import live_window
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, unlock
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
    notice,
    press,
    texts,
    words,
    write,
)

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

ALSO = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
STORED = "SELECT count(*) FROM users WHERE password_hash IS NOT NULL"


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def place(edge: Edge, live: Live, file: Path, window: MainWindow) -> str:
    window.connecting.tokens = Tokens(None)
    return live_window.production(edge, live, file, window)


def undo(qtbot: QtBot, page: RecordTab, *, asks: bool) -> None:
    with qtbot.waitSignal(page.context.runner.changed, timeout=10_000):
        press("Ctrl+Z")
        if asks:
            click(qtbot, dialog(qtbot, page.window(), ConfirmDialog).confirm_button)
    closed(qtbot, page.window(), ConfirmDialog)


def test_triage_takes_few_calls_and_says_what_slows_it_down(
    qtbot: QtBot, window: MainWindow, place: str, edge: Edge, file: Path
) -> None:
    """The row that goes is taken out of the list, and what is known is counted on, without reading."""
    open_live(qtbot, window, place)
    unlock(qtbot, window)
    page = go(qtbot, window, TABLES.index(NOTIFICATIONS.name))
    page.filter_by("read", 0)
    unread = "SELECT count(*) FROM notifications WHERE NOT read"
    ((before,),) = ask(file, unread)
    qtbot.waitUntil(lambda: page.model.rowCount() == before)
    assert window.workspace is not None
    tabs = window.workspace.tabs
    qtbot.waitUntil(lambda: tabs.tabText(tabs.currentIndex()).endswith(f"  {before}"))
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: page.context.runner.waiting is None and is_settled(window))
    edge.calls.clear()
    with qtbot.waitSignal(page.context.runner.changed):
        press("R")
    qtbot.waitUntil(lambda: page.model.rowCount() == before - 1)
    assert ask(file, unread) == [(before - 1,)]
    assert tabs.tabText(tabs.currentIndex()).endswith(f"  {before - 1}")
    asked = b"".join(edge.calls)
    assert b"group_concat" not in asked and b"SELECT COUNT(*)" not in asked
    undo(qtbot, page, asks=False)
    qtbot.waitUntil(lambda: page.model.rowCount() == before)

    database: Any = page.context.opened.database
    database.client.shared = Shared(per_second=0.1, burst=1)
    press("R")
    qtbot.waitUntil(lambda: "Slowed down to 3 calls a second" in words(window))
    database.client.shared = Shared(per_second=1e6)
    qtbot.waitUntil(lambda: page.model.rowCount() == before - 1)


def test_a_key_that_is_held_reads_no_record_that_is_passed(
    qtbot: QtBot, window: MainWindow, place: str, edge: Edge, file: Path
) -> None:
    open_live(qtbot, window, place)
    unlock(qtbot, window)
    page = current(window)
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: page.context.runner.waiting is None and is_settled(window))
    qtbot.waitUntil(lambda: not page.current._rested.isActive())
    edge.calls.clear()
    page.table.setFocus()
    page.current._rested.setInterval(5_000)  # on a busy machine, too
    for _ in range(12):
        press("Down")
        qtbot.waitUntil(lambda: page.current._reading is None)  # as slowly as keys repeat
    wanted = page.model.record_id(12)
    qtbot.waitUntil(lambda: page.current.record_id == wanted and page.current.whole() is not None)
    read = sum(b"users" in call for call in edge.calls)
    assert read <= 4, "the first and the last, with their history"
    press("Down")
    press("F2")
    form = dialog(qtbot, window, FormDialog)
    email = form.editor("email")
    ((stored,),) = ask(file, "SELECT email FROM users WHERE id = ?", page.model.record_id(13))
    assert isinstance(email, QLineEdit) and email.text() == stored
    form.reject()


def is_current(page: RecordTab, record_id: object) -> bool:
    return bool(page.list.current_id() == record_id)


@pytest.mark.parametrize("gap", [False, True])
def test_what_a_long_list_jumps_to_comes_into_sight(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, place: str, file: Path, monkeypatch: pytest.MonkeyPatch, gap: bool
) -> None:
    """Its page comes later, and may tell that rows before it are not there."""
    for module in (lists, listed_tab):
        monkeypatch.setattr(module, "MOST_KEYS", 50)
    if gap:
        ask(file, "DELETE FROM audit_chain WHERE seq IN (301, 302, 303, 450)")
    open_live(qtbot, window, place)
    page = go(qtbot, window, TABLES.index(AUDIT_CHAIN.name))
    assert page.model.estimated
    page.take_focus()
    press("Ctrl+G")
    form = dialog(qtbot, window, GoToDialog)
    qtbot.keyClicks(form.typed, "300")
    press("Return")
    closed(qtbot, window, GoToDialog)
    for keys, wanted in (("", 300), ("End", 1), ("Home", page.model.record_id(0))):
        if keys:
            page.table.setFocus()
            press(keys)
        qtbot.waitUntil(partial(is_current, page, wanted))
        qtbot.waitUntil(lambda: page.context.runner.waiting is None and is_settled(window))
        assert page.table.currentIndex().row() in page.table.rows_in_sight(), wanted


def test_what_an_earlier_run_has_left_open_is_told_until_it_is_dismissed(
    qtbot: QtBot, window: MainWindow, place: str, edge: Edge
) -> None:
    page = open_live(qtbot, window, place)
    before: Any = page.context.opened.database
    shared = before.client.shared
    for what, tenant in (("Password of ada set", "acme-corp"), ("User bob deleted", "none")):
        proof = {"sql": "SELECT 1 FROM users WHERE tenant_id = ?1", "params": [tenant]}
        beside = ("nobody has seen it: set another one", "delete the copy") if "ada" in what else ("", "")
        sent = shared.keep(before.identity, proof, what, before._where, beside=beside)
        shared.unknown(sent, is_answered=True)
    open_live(qtbot, window, place)
    said = "What became of 2 earlier acts"
    qtbot.waitUntil(lambda: said in words(window))
    shown = notice(window, said)
    told = words(shown)
    assert shown.headline() == f"{said} — 1 saved, 1 not saved"
    assert "“Password of ada set” is saved." in told and "“User bob deleted” is not in the database" in told
    assert told.count("nobody has seen it: set another one") == 1 and "delete the copy" not in told
    click(qtbot, button(shown, "Dismiss"))
    assert not shown.isVisible()
    own: Any = window.context
    table = own.opened.schema.stored[NOTIFICATIONS.name]
    row = partial(RowChange, table, before={"read": 0}, after={"read": 1})
    read = [Change("1 notification marked read", (row(key, {"id": key}),), ()) for key in "ab"]
    own.unsettled.became.emit(Settled(saved=False, what="", mark=read[0].mark), read[0].summary, True)
    qtbot.waitUntil(shown.isVisible)
    own.runner.announce(read[1], None)
    assert shown.isVisible(), "that was another one"
    own.runner.announce(read[0], None)
    assert not shown.isVisible()


@pytest.mark.parametrize("is_saved", [True, False])
def test_a_password_that_was_generated_is_shown_where_it_is_found_saved(
    qtbot: QtBot, window: MainWindow, place: str, edge: Edge, is_saved: bool
) -> None:
    """Nobody would know it, else."""
    page = open_live(qtbot, window, place)
    unlock(qtbot, window)
    database: Any = page.context.opened.database
    database.client.seconds = 0.5  # nothing is on its way for longer
    choose(qtbot, page, 1)
    page.table.setFocus()
    press("Ctrl+Shift+P")
    form = dialog(qtbot, window, FormDialog)
    edge.faults = ["page after" if is_saved else "page before", *["page before"] * 4]
    press("Return")
    unsettled = page.context.unsettled
    qtbot.waitUntil(lambda: unsettled.error is not None)
    assert not form.isVisible()
    unsettled.ask()
    if is_saved:
        dialog(qtbot, window, PasswordShown).accept()
    else:
        qtbot.waitUntil(lambda: "is not in the database" in window.toast.label.text())
    closed(qtbot, window, FormDialog)
    closed(qtbot, window, PasswordShown)


def test_passwords_lists_and_moves_of_many_users(
    qtbot: QtBot, window: MainWindow, place: str, file: Path
) -> None:
    ask(file, "ALTER TABLE users ADD COLUMN role TEXT CHECK (role IN ('member', 'admin'))")
    page = open_live(qtbot, window, place)
    unlock(qtbot, window)
    ((stored,),) = ask(file, STORED)
    total = count(file, "users")
    page.table.setFocus()
    press("Ctrl+A")
    said = page.commands.action("invalidate")
    assert said.text().replace("&", "") == f"Invalidate {stored} of {total} passwords…"
    qtbot.waitUntil(lambda: page.many is not None and f"{stored} × set" in words(page.many))
    press("Ctrl+Shift+I")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert f"The other {total - stored} selected are so already." in words(asked)
    with qtbot.waitSignal(page.context.runner.changed):
        click(qtbot, asked.confirm_button)
    closed(qtbot, window, ConfirmDialog)
    assert ask(file, STORED) == [(0,)]
    undo(qtbot, page, asks=False)
    assert ask(file, STORED) == [(stored,)]

    user = choose(qtbot, page, 1)
    ask(file, "UPDATE users SET role = 'member' WHERE id = ?", user)
    page.table.setFocus()
    press("Shift+Down")
    qtbot.waitUntil(lambda: page.many is not None and "1 × member\n1 × (none)" in words(page.many.different))
    press("Shift+F2")
    others = dialog(qtbot, window, FormDialog)
    role = others.editor("role")
    assert isinstance(role, QComboBox) and role.currentText() == "(differ)"
    role.setCurrentText("admin")
    assert ("rows of d1:prod" in words(others)) is page.context.opened.database.charges
    with qtbot.waitSignal(page.context.runner.changed):
        click(qtbot, others.action_button)
    closed(qtbot, window, FormDialog)
    assert ask(file, "SELECT count(*) FROM users WHERE role = 'admin'") == [(2,)]
    undo(qtbot, page, asks=False)
    assert ask(file, "SELECT role, count(*) FROM users GROUP BY role") == [(None, total - 1), ("member", 1)]

    user = choose(qtbot, page, 1)
    page.table.setFocus()
    press("Ctrl+Shift+P")
    dialog(qtbot, window, FormDialog)
    press("Return")
    password = dialog(qtbot, window, PasswordShown)
    (kept,) = ask(file, "SELECT password_hash FROM users WHERE id = ?", user)[0]
    assert kept.startswith("$pbkdf2-sha256$i=100000,l=32$")
    password.accept()
    closed(qtbot, window, PasswordShown)

    press("Ctrl+Shift+U")
    form = dialog(qtbot, window, AddUsersDialog)
    form.lines.setFocus()
    with qtbot.waitSignal(form.judged):
        form.lines.box.setPlainText(
            "Mail;Tenant\none@new.example;acme-corp\nbad;acme-corp\ntwo@new.example;acme-corp"
        )
    assert len(texts(form.table)) == 3 and form.action_button.text() == "Create 2 users"
    assert ("about 12 rows of d1:prod" in words(form)) is page.context.opened.database.charges
    click(qtbot, form.action_button)
    dialog(qtbot, window, LeftOutDialog).accept()
    closed(qtbot, window, AddUsersDialog)
    assert count(file, "users") == total + 2
    qtbot.waitUntil(lambda: page.model.rowCount() == total + 2)

    (there,) = ask(file, "SELECT email FROM users WHERE tenant_id = 'northwind-clinics' LIMIT 1")[0]
    ids = [choose(qtbot, page, row) for row in (0, 1)]
    ask(file, "UPDATE users SET email = ? WHERE id = ?", there.upper(), ids[0])
    page.reload()
    choose(qtbot, page, 0)
    page.table.selectionModel().select(page.model.index(1, 0), ALSO)
    page.table.setFocus()
    press("Ctrl+Shift+M")
    move = dialog(qtbot, window, FormDialog)
    field = move.editor("tenant_id")
    assert isinstance(field, TenantField)
    field.box.setCurrentIndex(field.box.findText("northwind-clinics"))
    assert ("rows of d1:prod" in words(move)) is page.context.opened.database.charges
    with qtbot.waitSignal(page.context.runner.changed) as done:
        click(qtbot, move.action_button)
    closed(qtbot, window, FormDialog)
    assert done.args[0].told.endswith(f"has a user with the address ({there.upper()})")
    of = "SELECT tenant_id FROM users WHERE id = ?"
    assert [ask(file, of, one) for one in ids] == [[("acme-corp",)], [("northwind-clinics",)]]
    undo(qtbot, page, asks=False)
    assert [ask(file, of, one) for one in ids] == [[("acme-corp",)]] * 2


@pytest.mark.parametrize(
    ("table", "act"),
    [
        ("users", "delete"),
        ("users", "move"),
        ("users", "invalidate"),
        ("users", "edit_others"),
        ("planning_runs", "kill"),
        ("notifications", "mark_read"),
        ("webhook_destinations", "deactivate"),
        ("webhook_destinations", "delete"),
    ],
)
def test_no_act_takes_what_has_the_number_of_a_selected_row_by_now(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    place: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    act: str,
) -> None:
    """Also where the ids of those selected are not at hand, and each row is read by its number."""
    monkeypatch.setattr(selection, "LOOKED_AT", 1)
    ask(file, "ALTER TABLE users ADD COLUMN role TEXT")
    ask(file, "UPDATE users SET password_hash = 'x', tenant_id = 'acme-corp'")
    ask(file, "UPDATE planning_runs SET status = 'running'")
    ask(file, "UPDATE notifications SET read = 0")
    ask(file, "UPDATE webhook_destinations SET active = 1")
    open_live(qtbot, window, place)
    unlock(qtbot, window)
    page = go(qtbot, window, TABLES.index(table))
    qtbot.waitUntil(lambda: page.model.complete and page.model.rowCount() > 1)
    choose(qtbot, page, 0)
    page.table.selectionModel().select(page.model.index(1, 0), ALSO)
    first, other = map(page.model.record_id, (0, 1))
    of = f"SELECT * FROM {table} WHERE id = ?"
    ask(file, f"UPDATE {table} SET id = 'newcomer' WHERE id = ?", first)
    newcomer, was = ask(file, of, "newcomer"), ask(file, of, other)
    monkeypatch.setattr(acts, "_is_asked", lambda *asked, **how: True)
    page.context.settings.confirm_deletion = True
    qtbot.waitUntil(lambda: is_settled(window))
    page.commands.trigger(act)
    with qtbot.waitSignal(page.context.runner.changed, timeout=10_000):
        if act in {"move", "edit_others"}:
            form = dialog(qtbot, window, FormDialog)
            if act == "move":
                box = form.editor("tenant_id")
                assert isinstance(box, TenantField)
                box.box.setCurrentIndex(box.box.findText("northwind-clinics"))
            else:
                write(form, "role", "auditor")
            click(qtbot, form.action_button)
        elif act == "kill":
            give_reason(qtbot, window, "no market")
        else:
            click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    assert ask(file, of, "newcomer") == newcomer
    assert ask(file, of, other) != was


def test_several_values_a_saved_view_a_proof_and_who_receives(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, place: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_live(qtbot, window, place)
    press(f"Ctrl+{TABLES.index(AUDIT_CHAIN.name) + 1}")
    page = current(window)
    sql = "SELECT event_type, count(*) FROM audit_chain GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"
    (first, some), (second, more) = ask(file, sql)
    picker = page.filters.pickers["event_type"]
    # Each value is charged, and counted when it is opened, be that before the rows that came are drawn.
    page.list.loaded.connect(picker.showPopup, Qt.ConnectionType.SingleShotConnection)
    qtbot.waitUntil(lambda: picker.offers(f"str:{first}") and picker.offers(f"str:{second}"))
    qtbot.waitUntil(picker.popup.isVisible)
    qtbot.keyClick(picker.popup.field, Qt.Key.Key_Escape)
    picker.pick_keys([f"str:{first}", f"str:{second}"])
    qtbot.waitUntil(lambda: page.model.rowCount() == some + more)
    actor = ask(file, "SELECT payload ->> 'actor' FROM audit_chain GROUP BY 1 ORDER BY count(*) DESC")[0][0]
    actors = page.filters.pickers["actor"]
    actors.showPopup()
    qtbot.waitUntil(lambda: actors.offers(f"str:{actor}") and actors.popup.isVisible())
    qtbot.keyClick(actors.popup.field, Qt.Key.Key_Escape)
    page.view_picker.save()
    form = dialog(qtbot, window, FormDialog)
    write(form, "name", "Two types")
    form.submit()
    closed(qtbot, window, FormDialog)
    assert page.view_picker.currentText() == "Two types"
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() == count(file, "audit_chain"))
    page.table.setFocus()
    press("Ctrl+Shift+V")
    qtbot.waitUntil(page.view_picker.popup.isVisible)
    press("Down")
    press("Return")
    window.activateWindow()
    qtbot.waitUntil(lambda: page.model.rowCount() == some + more)

    out = tmp_path / "proof"
    monkeypatch.setattr("app.ui.tabs.audit.dialogs.ask_new_folder", lambda *asked, **how: out)
    choose(qtbot, page, 0)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        page.verify()
    page.commands.trigger("proof")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert asked.title.text().startswith("Up to ")  # to count them would be charged
    asked.confirm_button.click()
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: window.toast.label.text().endswith("exported to proof"))
    assert any("verif" in one.name for one in out.iterdir())

    page = go(qtbot, window, TABLES.index(WEBHOOK_DESTINATIONS.name))
    page.commands.trigger("event_receivers")
    receivers = dialog(qtbot, window, EventReceiversDialog)
    qtbot.waitUntil(lambda: receivers.table.model().rowCount() > 0)
    receivers.reject()
    closed(qtbot, window, EventReceiversDialog)


def test_a_notification_for_all_says_that_it_waits_for_the_answer(
    qtbot: QtBot, window: MainWindow, place: str, edge: Edge, file: Path
) -> None:
    open_live(qtbot, window, place)
    unlock(qtbot, window)
    go(qtbot, window, TABLES.index(NOTIFICATIONS.name))
    before = count(file, NOTIFICATIONS.name)
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, ComposeDialog)
    form.to.all.click()
    tenants = len(form.to.tenants())
    form.title_field.setText("Down on Sunday")
    edge.delay = 1.5
    click(qtbot, form.action_button)
    qtbot.waitUntil(form.wait_line.isVisible)
    assert form.wait_line.label.text().startswith("Waiting for the answer of d1:prod: ")
    assert form.bar.isVisible() and form.bar.maximum() == 0, "nothing is known of how far it is"
    edge.delay = 0
    closed(qtbot, window, ComposeDialog)
    assert count(file, NOTIFICATIONS.name) == before + tenants


def test_what_more_than_some_hundred_have_in_common_is_read_when_a_person_asks(
    qtbot: QtBot, window: MainWindow, place: str, file: Path, edge: Edge
) -> None:
    more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    into = "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
    ask(file, f"{more} {into} SELECT 'u' || i, 'acme-corp', i || '@x.example', i, i FROM n")
    ((stored,),), total = ask(file, STORED), count(file, "users")
    page = open_live(qtbot, window, place)
    qtbot.waitUntil(lambda: page.model.complete and page.model.rowCount() == total)
    page.table.setFocus()
    press("Ctrl+A")
    qtbot.waitUntil(lambda: page.many is not None and page.many.read_button.isVisible())
    assert page.many is not None
    assert f"up to {3 * total:,} rows, each of which is charged" in page.many.note.text()
    before = len(edge.calls)
    click(qtbot, page.many.read_button)
    qtbot.waitUntil(lambda: page.many is not None and f"{stored} × set" in words(page.many))
    assert len(edge.calls) > before and not page.many.read_button.isVisible()
