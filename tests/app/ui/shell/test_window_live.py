"""The whole window on a live D1, as a person uses it, behind an edge as production has it."""

import json
import re
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app import paths
from app.itemmodels.columns import Tone
from app.itemmodels.pages import PAGE
from app.itemmodels.virtual_table import GONE, GONE_TIP
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.checkpoints.tables import FILE
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd
from app.services.chain.where import InDatabase, InFile
from app.services.live.connections import Connections, NamedConnection, Tokens
from app.services.records import users
from app.services.records.export import Format
from app.services.records.tables import EVERYONE, Scope
from app.ui.session.context import Context
from app.ui.session.lock import what_became
from app.ui.shell.connect_dialog import ConnectDialog, TokenDialog
from app.ui.shell.dialogs import NotesDialog
from app.ui.shell.notices import BrokenNotice, ContinuationNotice, LostEntryNotice, TablesNotice, TokenNotice
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.time_travel import KEPT, TimeTravelDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import PROOF, AuditTab
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.inspected_tab import GONE_READ, MAY_BE_OWN
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.selection import GONE as GONE_WHY
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.notifications.composing import ComposeDialog
from app.ui.tabs.tenants import ERASE, EXPORT, TenantsTab
from app.ui.tabs.tenants.words import known_now
from app.ui.theme import CONNECTIONS
from app.ui.widgets.dialogs import ConfirmDialog, Dialog, ErrorDialog, WaitDialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.formatting import absolute_time, typed_time
from app.ui.widgets.labels import ElidedLabel, Label
from app.workers.scan_pool import store_and_verifier
from models.d1.database import D1Database
from models.engine import Capability, raw
from models.errors import NoAnswer
from models.progress import Monitor
from tests.conftest import NOW
from tests.d1.edge import ACCOUNT, TOKEN, Edge
from tests.fixtures import chains, live_window
from tests.fixtures.appending import append
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.connected import execute
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.keyrings import MemoryKeyring
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, unlock
from tests.fixtures.sample import sample
from tests.fixtures.stored import stored
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
    error,
    go,
    is_settled,
    labels,
    notice,
    open_file,
    press,
    removal,
    said,
    texts,
    values,
    words,
    write,
)

TOO = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def window(window: MainWindow) -> MainWindow:
    window.connecting.tokens = Tokens(None)  # no test asks the keyring of who runs it
    return window


@pytest.fixture
def production(edge: Edge, live: Live, file: Path, window: MainWindow) -> str:
    """A connection to it as production has it, with its token at hand: `d1:prod`."""
    return live_window.production(edge, live, file, window)


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, production: str) -> RecordTab:
    """Its users, once it is open."""
    return open_live(qtbot, window, production)


@pytest.fixture
def context(page: RecordTab) -> Context:
    return page.context


@pytest.fixture
def key() -> None:
    """A key that signs is at hand before it is opened."""
    paths.checkpoints_dir().mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)


def verify_all(qtbot: QtBot, window: MainWindow, context: Context) -> None:
    """In the audit tab, until a checkpoint is made of it."""
    go(qtbot, window, 1)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: context.verdict.outcome is not None and bool(context.verdict.outcome.checkpoint))


def last_of(file: Path) -> int:
    """The number of its last entry."""
    return int(ask(file, "SELECT max(seq) FROM audit_chain")[0][0])


def cut_behind(file: Path, last: int) -> None:
    """The entries behind it go, and the next one takes their first number."""
    execute(file, f"DELETE FROM audit_chain WHERE seq > {last}")
    execute(file, f"UPDATE sqlite_sequence SET seq = {last} WHERE name = 'audit_chain'")


def look(qtbot: QtBot, heard: Any, context: Context) -> None:
    """At what others have written, until it is heard of."""
    with qtbot.waitSignal(heard):
        context.outside.look()


def recent_of(window: MainWindow) -> list[str]:
    return [label.text() for label in window.welcome.findChildren(ElidedLabel) if label.isVisible()]


def edit_email(qtbot: QtBot, window: MainWindow, email: str) -> None:
    press("F2")
    form = dialog(qtbot, window, FormDialog)
    write(form, "email", email)
    press("Return")


def test_every_tab_shows_what_the_database_holds_and_production_is_marked(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    open_live(qtbot, window, production)
    assert window.windowTitle() == "PRODUCTION · d1:prod (read-only) — Tenant Admin"
    assert window.strip.isVisible() and window.strip.width() == window.width()
    assert window.strip.mark.isVisible() and ACCOUNT in window.strip.name.text()
    assert window.menuBar().geometry().top() >= window.strip.geometry().bottom()
    for place, table in enumerate(TABLES):
        page = go(qtbot, window, place)
        assert page.filters.count.text() == said(count(file, table), place)
    assert window.context is not None
    opened = window.context.opened
    qtbot.waitUntil(lambda: opened.facts[2] in window._where.text())  # which grow meanwhile
    assert "Rows that they change are shown as they are now after a refresh (F5)" in window._where.toolTip()
    window.resize(1_280, 800)
    window.shield.set_words("Newest 14 entries verified through entry 5,014 · 2 newer")
    window.wait_line.say("d1:prod gave no answer that tells; the same is sent again: 100 s", lambda: None)
    parts = window.wait_line.label, window.wait_line.cancel_button, window.shield
    qtbot.waitUntil(lambda: all(one.width() >= one.sizeHint().width() for one in parts))
    qtbot.waitUntil(window._where.isVisible)
    window.close_file()
    assert not window.strip.isVisible() and window.contentsMargins().top() == 0
    assert [str(place) for place in window.settings.recent] == ["d1:prod"]
    qtbot.waitUntil(lambda: "PRODUCTION · live D1 database" in recent_of(window))
    menu = window._bar.database_button.menu()

    def offered(text: str) -> bool:
        return text in [one.text() for one in menu.actions()]

    menu.aboutToShow.emit()
    assert offered("d1:prod — PRODUCTION · live D1 database")
    kept = Connections()
    kept.add(replace(kept.named("prod"), production=False), replace=True)
    menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: offered("d1:prod — live D1 database"))
    kept.remove("prod")
    menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: not offered("d1:prod — live D1 database"))


def test_days_are_not_counted_where_that_reads_many_entries(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is charged three times then: to open the tab would read more than a person is asked about."""
    open_live(qtbot, window, production)
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    qtbot.waitUntil(audit.timeline.isVisible)
    ((entries,),) = ask(file, "SELECT count(*) FROM audit_chain")
    monkeypatch.setattr("models.engine.MOST_READ", 3 * entries - 1)
    audit.reload()
    qtbot.waitUntil(lambda: not audit.timeline.isVisible())
    ((small,),) = ask(file, "SELECT tenant_id FROM audit_chain GROUP BY 1 ORDER BY count(*) LIMIT 1")
    window.tenants.pick(small)
    qtbot.waitUntil(audit.timeline.isVisible)


def test_nothing_is_changed_before_a_person_unlocks_it(
    qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert window.context is not None
    edit, create = page.commands.action("edit"), page.commands.action("create")
    choose(qtbot, page, 0)
    assert not edit.isEnabled() and not create.isEnabled()
    assert "Writes are locked" in create.toolTip()
    unlock(qtbot, window)
    assert edit.isEnabled() and create.isEnabled()
    assert "(read-only)" not in window.windowTitle()
    state = window.strip.state
    assert state.text() == "writes unlocked for 15 min"
    lock = window.strip.unlock_button
    lock.setFocus()
    inner = lock.rect().center().x(), 4
    qtbot.waitUntil(lambda: lock.grab().toImage().pixelColor(*inner) == QColor(CONNECTIONS["yellow"][1]))
    page.table.setFocus()
    letters = state.fontMetrics().horizontalAdvance(state.text())
    qtbot.waitUntil(lambda: state.width() >= letters + 16)
    assert state.grab().toImage().pixelColor(8, state.height() // 2) == QColor(CONNECTIONS["red"][0])

    before_it = values(page, "email")[0]
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    stored = "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'"
    assert ask(file, stored) == [(1,)]
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, stored) == [(0,)])
    qtbot.waitUntil(lambda: values(page, "email")[0] == before_it)

    with monkeypatch.context() as much:  # an address is compared with all of its tenant
        much.setattr("models.engine.MOST_READ", 1)
        edit_email(qtbot, window, "mei@acme-corp.example")
        asked = dialog(qtbot, window, ConfirmDialog)
        assert "rows of d1:prod are read, and charged" in words(asked)
        assert ask(file, stored) == [(0,)]
        click(qtbot, asked.confirm_button)
        closed(qtbot, window, FormDialog)
    assert ask(file, stored) == [(1,)]
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, stored) == [(0,)])
    qtbot.waitUntil(lambda: not window.commands.action("undo").isEnabled())

    click(qtbot, window.strip.unlock_button)
    assert not edit.isEnabled() and window.context.opened.database.is_locked
    press("Ctrl+Shift+Z")
    assert ask(file, stored) == [(0,)], "neither is it done again"


def test_a_record_can_be_changed_again_at_once(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    """What it was before the own act is not taken for somebody else's, while it is read again."""
    unlock(qtbot, window)
    assert window.focusWidget() is page.table, "no key locks it again"
    choose(qtbot, page, 0)
    before, edge.delay = count(file, "audit_chain"), 0.05
    for name in ("mei", "may"):
        edit_email(qtbot, window, f"{name}@acme-corp.example")
        closed(qtbot, window, FormDialog)
    assert count(file, "audit_chain") == before + 2
    webhooks = go(qtbot, window, 2)
    choose(qtbot, webhooks, 0)
    press("D")
    qtbot.waitUntil(lambda: count(file, "audit_chain") == before + 3 and is_settled(window))
    assert webhooks.past is not None and webhooks.past.note.isVisible(), "its history is still to be read"


def test_an_undo_does_not_select_its_record_where_a_person_has_gone_on(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    """The next act would be on another record than they have chosen."""
    unlock(qtbot, window)
    first = choose(qtbot, page, 0)
    assert window.context is not None
    undo, history = window.commands.action("undo"), window.context.history
    for goes_on in ("at once", "while its place is asked for", ""):
        edit_email(qtbot, window, "mei@acme-corp.example")
        closed(qtbot, window, FormDialog)
        qtbot.waitUntil(undo.isEnabled)
        edge.delay = 0.1
        with qtbot.waitSignal(history.changed):
            press("Ctrl+Z")
            if goes_on == "at once":
                page.table.select_row(1)
        if goes_on:
            page.table.select_row(1)
        edge.delay = 0
        qtbot.waitUntil(lambda: is_settled(window))
        assert (page.list.current_id() == first) is not bool(goes_on)
        choose(qtbot, page, 0)


def test_what_a_file_alone_can_do_says_what_does_it(
    qtbot: QtBot, window: MainWindow, production: str
) -> None:
    open_live(qtbot, window, production)
    assert window.context is not None
    assert window.commands.action("export").isEnabled()
    assert not window.commands.action("restore").isEnabled()
    assert "npx wrangler d1 time-travel restore" in (window.context.lacks(Capability.RESTORE) or "")
    assert "--remote" in (window.context.lacks(Capability.MIGRATE) or "")
    window.commands.trigger("retention")
    assert "only a backup" not in words(dialog(qtbot, window, RetentionDialog))


def travel(qtbot: QtBot, window: MainWindow) -> TimeTravelDialog:
    window.commands.trigger("time_travel")
    return dialog(qtbot, window, TimeTravelDialog)


def told_of(window: MainWindow) -> Dialog:
    return next(one for one in window.findChildren(Dialog) if "went back" in one.windowTitle())


def agree(qtbot: QtBot, window: MainWindow, asked: TimeTravelDialog) -> None:
    """Says yes to the bookmark that is chosen."""
    click(qtbot, asked.return_button)
    confirm = dialog(qtbot, window, ConfirmDialog)
    assert not confirm.confirm_button.isEnabled() and window.context is not None
    confirm.typed.setText(window.context.opened.unlocked_by or "")
    click(qtbot, confirm.confirm_button)


def go_back(qtbot: QtBot, window: MainWindow, asked: TimeTravelDialog) -> None:
    """Goes to the bookmark that is chosen, and waits until the database is open again."""
    with qtbot.waitSignal(window.opened):
        agree(qtbot, window, asked)


def test_it_goes_back_in_time_and_forward_again(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks, edge.file = [], file
    page = open_live(qtbot, window, production)
    entries = count(file, "audit_chain")
    first = travel(qtbot, window)
    assert first.none.isVisible() and "Writes are locked" in first.locked.text()
    click(qtbot, first.keep_button)
    qtbot.waitUntil(lambda: window.toast.label.text().startswith("Kept: "))
    kept = edge.bookmarks[-1]
    assert window.toast.label.text().endswith(
        f"{kept} (File, Time Travel…). Checkpoint 1 was made of its entries"
    )
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain verified"))

    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    asked = travel(qtbot, window)
    assert [(row[0], row[2]) for row in texts(asked.table)] == [(KEPT, kept)] and asked.line.text() == kept
    click(qtbot, asked.return_button)
    assert "checkpoint 2 knows its entries" in words(dialog(qtbot, window, ConfirmDialog))
    press("Escape")
    closed(qtbot, window, ConfirmDialog)
    asked = travel(qtbot, window)
    go_back(qtbot, window, asked)
    qtbot.waitUntil(window.toast.isVisible)
    assert "the way back is kept" in window.toast.label.text(), words(window)
    there = "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'"
    assert ask(file, there) == [(0,)] and count(file, "audit_chain") == entries, "a checkpoint knows more"
    told = told_of(window)
    assert "its number was another entry's" in words(told) and "PRODUCTION · d1:prod" in words(told)
    qtbot.waitUntil(lambda: window.shield.text() == "Earlier state")
    told.accept()
    closed(qtbot, window, Dialog)
    assert window.context is not None and window.context.lock.is_locked
    assert not window.context.history.next_undo
    older = "Earlier state"
    qtbot.waitUntil(lambda: older in words(window))
    click(qtbot, button(notice(window, older), "Start over…"))
    checkpoints = dialog(qtbot, window, CheckpointsDialog)
    qtbot.waitUntil(checkpoints.start_over_button.hasFocus)
    checkpoints.reject()
    closed(qtbot, window, CheckpointsDialog)

    unlock(qtbot, window)
    click(qtbot, button(notice(window, older), "Time Travel…"))
    forward = dialog(qtbot, window, TimeTravelDialog)
    before = forward.line.text()
    assert [row[0] for row in texts(forward.table)] == ["just before going back", "before going back", KEPT]
    click(qtbot, forward.return_button)
    assert "checkpoint 1 knows its entries. Where some" in words(dialog(qtbot, window, ConfirmDialog))
    press("Escape")
    closed(qtbot, window, ConfirmDialog)
    go_back(qtbot, window, travel(qtbot, window))
    assert ask(file, there) == [(1,)]
    kind, payload = ask(file, "SELECT event_type, payload FROM audit_chain ORDER BY seq DESC LIMIT 1")[0]
    assert (kind, json.loads(payload)["bookmark"]) == ("database_restored", before)


@pytest.mark.parametrize("what", ["refreshed", "verified"])
def test_that_others_brought_it_back_is_said_no_more_once_they_have_brought_it_forward(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, what: str
) -> None:
    page, context = open_live(qtbot, window, production), window.context
    assert context is not None
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    tenants = {page.model.index(row, 1).data(): row for row in range(20)}
    for row in (0, *tenants.values()):
        choose(qtbot, page, row)
        with qtbot.waitSignal(context.runner.changed):
            edit_email(qtbot, window, f"mei{row}@acme-corp.example")
        closed(qtbot, window, FormDialog)
    verify_all(qtbot, window, context)
    last = last_of(file) - 1 - len(tenants)
    execute(file, f"CREATE TABLE later AS SELECT * FROM audit_chain WHERE seq > {last}")
    cut_behind(file, last)
    press("F5")
    qtbot.waitUntil(lambda: window.shield.text() == "Earlier state")
    qtbot.waitUntil(lambda: "Earlier state" in words(window) and notice(window, "Earlier state").isVisible())
    execute(file, "INSERT INTO audit_chain SELECT * FROM later", "DROP TABLE later")
    press("F5")
    qtbot.waitUntil(lambda: is_settled(window))
    if what == "verified":
        verify_all(qtbot, window, context)
    qtbot.waitUntil(lambda: window.shield.text() != "Earlier state")
    qtbot.waitUntil(lambda: "Earlier state" not in words(window))


def test_it_goes_back_to_a_time_of_day(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks, edge.file = [], file
    page = open_live(qtbot, window, production)
    assert window.context is not None
    window.context.opened.database.bookmark(KEPT)
    then = edge.times[edge.bookmarks[-1]]
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    asked = travel(qtbot, window)
    asked.line.setText(then)
    utc = window.settings.utc_times
    at = typed_time(then, utc)
    assert at is not None
    go_back(qtbot, window, asked)
    assert (
        f"as it was at {absolute_time(at, utc)}; the way" in window.toast.label.text()
        and edge.times[edge.restored[0]] == then
    )


def test_what_is_refused_leaves_all_as_it_is_shown(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks, edge.file = ["00000001-00000000-abcdef"], file
    page = open_live(qtbot, window, production)
    unlock(qtbot, window)
    asked = travel(qtbot, window)
    asked.line.setText("00000001-00000000-abcdef")
    context = window.context
    edge.refuses_travel = True
    click(qtbot, asked.return_button)
    assert "no bookmark" in error(qtbot, window), "before anything is typed"
    edge.refuses_travel = False
    asked = travel(qtbot, window)
    asked.line.setText("00000001-0000000-abcdef")
    click(qtbot, asked.return_button)
    assert asked.isVisible() and "one looks like 0001" in words(asked), "not even asked"
    asked.line.setFocus()
    asked.line.clear()
    press("Return")
    asked.line.setText("2999-01-01")
    press("Return")
    assert asked.isVisible() and "That time is still to come" in words(asked)
    press("Escape")
    closed(qtbot, window, TimeTravelDialog)
    asked = travel(qtbot, window)
    asked.line.setText("fffffff1-00000000-abcdef")
    click(qtbot, asked.return_button)
    assert "of a time to come" in error(qtbot, window)
    assert window.context is context and edge.restored == []
    assert page.model.rowCount() > 0


@pytest.mark.slow
def test_where_it_may_have_gone_back_all_stays_open_and_writes_are_locked(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    """What was said and is to be read stays, too; what others write meanwhile is shown."""
    edge.bookmarks, edge.file, edge.is_busy = ["00000001-00000000-abcdef"], file, False
    page = open_live(qtbot, window, production)
    context = window.context
    assert context is not None

    def ask(fault: str) -> None:
        unlock(qtbot, window)
        asked = travel(qtbot, window)
        asked.line.setText("00000001-00000000-abcdef")
        edge.return_faults = [fault]
        agree(qtbot, window, asked)

    ask("page before")
    assert "It is not known" in error(qtbot, window)
    assert context.lock.is_locked
    ask("limited before")
    qtbot.waitUntil(lambda: "Cloudflare takes none" in words(window))
    assert not context.lock.is_locked
    assert window.context is context and page.model.rowCount() > 0 and edge.restored == []


def test_what_writes_ends_before_it_goes_back(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    """Retention, say; and what only Cloudflare can refuse leaves all as it is shown."""
    edge.bookmarks, edge.file, edge.is_busy = ["00000001-00000000-abcdef"], file, False
    page = open_live(qtbot, window, production)
    unlock(qtbot, window)
    context, entries = window.context, count(file, "audit_chain")
    assert context is not None
    begun, left = threading.Event(), threading.Event()

    def work(monitor: Monitor) -> None:
        begun.set()
        while not monitor.cancelled():
            left.wait(0.01)
        left.set()

    context.job("Removing…", work, on_done=lambda _: None)
    qtbot.waitUntil(begun.is_set)
    asked = travel(qtbot, window)
    asked.line.setText("00000001-00000000-abcdee")
    agree(qtbot, window, asked)
    assert "no such bookmark" in error(qtbot, window)
    assert left.is_set() and edge.restored == []
    assert window.context is context and page.model.rowCount() > 0
    press("Escape")
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    qtbot.waitUntil(lambda: count(file, "audit_chain") > entries)


def test_an_earlier_state_is_what_verification_says_of_it(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks, edge.file = [], file
    page = open_live(qtbot, window, production)
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    with qtbot.waitSignal(audit.verified):
        audit.commands.trigger("verify")
    assert window.context is not None
    kept = window.context.opened.database.bookmark(KEPT)
    go(qtbot, window, 0)
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    press("Ctrl+2")
    with qtbot.waitSignal(audit.verified):
        audit.commands.trigger("verify_whole")
        click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    asked = travel(qtbot, window)
    assert asked.line.text() == kept
    go_back(qtbot, window, asked)
    told_of(window).accept()
    closed(qtbot, window, Dialog)

    def is_asked() -> None:
        choose(qtbot, current(window), 0)
        entries = count(file, "audit_chain")
        edit_email(qtbot, window, "mei@acme-corp.example")
        asked = dialog(qtbot, window, ConfirmDialog)
        assert "the chain looks tampered with then" in words(asked)
        asked.reject()
        closed(qtbot, window, ConfirmDialog)
        window.findChildren(FormDialog)[-1].reject()
        dialog(qtbot, window, ConfirmDialog).confirm_button.click()  # discard changes
        closed(qtbot, window, FormDialog)
        assert count(file, "audit_chain") == entries

    go(qtbot, window, 0)
    qtbot.waitUntil(lambda: "older than the one you saw" in words(window))
    unlock(qtbot, window)
    is_asked()
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    with qtbot.waitSignal(audit.verified):
        audit.commands.trigger("verify")
    assert audit.banner.headline().startswith("Earlier state — older than its latest checkpoint")
    go(qtbot, window, 0)
    is_asked()
    go(qtbot, window, 1)
    checkpoints = audit.panel.open_checkpoints()
    qtbot.waitUntil(checkpoints.start_over_button.isEnabled)
    with qtbot.waitSignal(checkpoints.checked):
        checkpoints.make(Reason.START_OVER)
    assert "older than the one you saw" not in words(window)
    assert window.shield.text().startswith("Chain verified")
    checkpoints.close()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    go(qtbot, window, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    assert ask(file, "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'") == [(1,)]


def test_where_the_api_has_no_time_travel_a_sentence_says_so(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge
) -> None:
    edge.bookmarks = None
    open_live(qtbot, window, production)
    window.commands.trigger("time_travel")
    assert "has no Time Travel" in error(qtbot, window)


def test_wrangler_dev_is_known_to_have_no_time_travel(
    qtbot: QtBot, window: MainWindow, live: Live, file: Path
) -> None:
    Connections().add(live.connection(file, "dev"))
    open_live(qtbot, window, "d1:dev")
    travel_act = window.commands.action("time_travel")
    assert not travel_act.isEnabled() and "has no Time Travel" in travel_act.toolTip()


def test_a_copy_is_saved_and_exported(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, tmp_path: Path
) -> None:
    open_live(qtbot, window, production)
    assert window.context is not None
    assert all(window.commands.action(name).isEnabled() for name in ("save_copy", "export_sql"))
    database, copy, sql = window.context.opened.database, tmp_path / "copy.sqlite", tmp_path / "copy.sql"
    window.files.fetch(database, copy, most=10)
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "rows of d1:prod are read, and charged" in " ".join(labels(asked)) and not copy.exists()
    edge.delay = 0.1
    click(qtbot, asked.confirm_button)
    qtbot.waitUntil(lambda: "Saving copy.sqlite, which reads about " in window.busy.label.text())
    edge.delay = 0
    qtbot.waitUntil(lambda: "Saved and checked: copy.sqlite" in window.toast.label.text())
    assert stored(copy) == stored(file)
    window.files.export_sql(InDatabase(database), sql, None, most=10)
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    qtbot.waitUntil(lambda: "exported to copy.sql" in window.toast.label.text())
    assert "CREATE TABLE" in sql.read_text()
    open_file(qtbot, window, copy)
    assert window.context is not None and not window.context.opened.read_only


def test_a_lost_answer_is_a_state_until_it_is_known(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    assert window.workspace is not None and window.context is not None
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edge.faults = ["hang after"]
    was = values(page, "email")[0]
    edit_email(qtbot, window, "mei@acme-corp.example")
    form = dialog(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: not edge.faults and "Waiting for the answer of d1:prod: " in words(form))
    assert not form.cancel_button.isEnabled()
    click(qtbot, button(form, "Stop waiting"))
    assert window.context is not None
    context, database = window.context, window.context.opened.database
    qtbot.waitUntil(lambda: context.unsettled.error is not None)
    closed(qtbot, window, FormDialog)
    shown, act = (
        notice(window, "It is not known whether this was saved"),
        f"{was} is now mei@acme-corp.example",
    )
    assert act in words(shown) and words(shown).count("It is not known whether this was saved") == 1
    assert not page.commands.action("edit").isEnabled()
    again = button(shown, "Check again")
    click(qtbot, again)
    assert again.text() == "Checking…"
    qtbot.waitUntil(lambda: window.toast.label.text() == what_became(True, act))
    qtbot.waitUntil(lambda: "mei@acme-corp.example" in values(page, "email"))
    assert not shown.isVisible() and page.commands.action("create").isEnabled()
    there = "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'"
    assert ask(file, there) == [(1,)]
    undo, redo = partial(click, qtbot, window.toast.action_button), partial(press, "Ctrl+Shift+Z")
    for ask_for, left in ((undo, 0), (redo, 1)):
        edge.faults = ["hang after"]
        ask_for()
        qtbot.waitUntil(lambda: not edge.faults and database.waiting is not None)
        assert database.waiting is not None
        database.waiting.cancelled = True
        qtbot.waitUntil(lambda: context.unsettled.error is not None)
        click(qtbot, again)
        qtbot.waitUntil(lambda: context.unsettled.error is None and is_settled(window))
        assert ask(file, there) == [(left,)]
    assert context.history.next_undo == act
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, there) == [(0,)])


def test_what_may_be_gone_by_an_own_act_is_not_said_to_be_gone_by_others(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    context, database = page.context, page.context.opened.database
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    shown = values(page, "email")[0]
    edge.faults = ["hang after"]
    page.commands.trigger("delete")
    press("F2")
    form = dialog(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: not edge.faults and database.waiting is not None)
    assert database.waiting is not None
    database.waiting.cancelled = True
    qtbot.waitUntil(lambda: context.unsettled.error is not None)
    assert ask(file, f"SELECT count(*) FROM users WHERE email = '{shown}'") == [(0,)]
    write(form, "email", "mei@acme-corp.example")
    click(qtbot, form.action_button)
    qtbot.waitUntil(lambda: "not there now" in words(form))
    assert f"whether “User {shown} deleted” was saved" in words(form) and "somebody else" not in words(form)
    form.set_clean()
    form.reject()
    closed(qtbot, window, FormDialog)
    page.current.reload()
    qtbot.waitUntil(lambda: MAY_BE_OWN in words(page.inspector))
    assert GONE_WHY not in words(page.inspector)
    click(qtbot, button(notice(window, "It is not known whether this was saved"), "Check again"))
    qtbot.waitUntil(lambda: context.unsettled.error is None and shown not in values(page, "email"))


def test_a_record_that_could_not_be_read_is_asked_for_again_where_it_would_stand(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge
) -> None:
    edge.read_faults = ["busy before", "busy before"]
    page.table.select_row(0)
    button = page.inspector.again_button
    qtbot.waitUntil(button.isVisible)
    click(qtbot, button)
    qtbot.waitUntil(lambda: not edge.read_faults and page.inspector.failure.isVisible())
    click(qtbot, button)
    qtbot.waitUntil(lambda: page.current.whole() is not None and not button.isVisible())
    edge.read_faults = ["busy before"]
    page.table.select_row(1)
    qtbot.waitUntil(button.isVisible)
    press("Ctrl+2")
    press("Ctrl+1")
    qtbot.waitUntil(lambda: page.current.whole() is not None)


def test_what_others_write_is_said_and_own_acts_are_not(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    assert window.context is not None
    outside, told = window.context.outside, list[int]()

    def look() -> bool:
        answered = list[bool]()
        outside.look(lambda: answered.append(True))
        qtbot.waitUntil(lambda: bool(answered))
        return bool(told)

    outside.written.connect(lambda: told.append(1))
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    edge.calls.clear()
    assert not look()
    looks = [
        b"SELECT json_array((SELECT CAST(max" in body and body.count(b'"sql"') == 2 for body in edge.calls
    ]
    assert sum(looks) == 1

    execute(file, f"{INTO_USERS}('usr-new', 'acme', 'new@acme.example', NULL, {NOW}, {NOW})")
    choose(qtbot, page, 1)
    edit_email(qtbot, window, "mei2@acme-corp.example")
    closed(qtbot, window, FormDialog)
    assert look(), "also what came before an own act"
    shown = page.new_rows.button
    assert shown.isVisible() and shown.text() == "Others have written"
    page.table.verticalScrollBar().setValue(1)  # as after what came above the rows before
    click(qtbot, shown)
    qtbot.waitUntil(lambda: "new@acme.example" in values(page, "email"))
    assert not shown.isVisible() and not page.commands.action("new_rows").isEnabled()
    assert page.table.verticalScrollBar().value() == 0  # what is new is in sight

    audit = go(qtbot, window, 1)
    before, _ = choose(qtbot, audit, 0), go(qtbot, window, 0)
    execute(file, f"{INTO_USERS}('usr-newer', 'acme', 'newer@acme.example', NULL, {NOW}, {NOW})")
    choose(qtbot, page, 1)
    edit_email(qtbot, window, "mei3@acme-corp.example")
    closed(qtbot, window, FormDialog)
    told.clear()
    assert look()
    go(qtbot, window, 1)
    qtbot.waitUntil(lambda: audit.model.record_id(0) not in (None, before))
    assert audit.table.rowAt(0) == 0, "as nobody has read it meanwhile"

    bar, top = audit.table.verticalScrollBar(), audit.model.record_id(0)
    audit.list.holds_top, audit.new_rows.count = False, 0
    execute(file, f"{INTO_USERS}('usr-late', 'acme', 'late@acme.example', NULL, {NOW}, {NOW})")
    audit.changed_outside()
    audit.context.act(users.rename, "usr-late", "later@acme.example")
    qtbot.waitUntil(lambda: audit.model.record_id(0) not in (None, top))
    qtbot.waitUntil(lambda: audit.new_rows.button.text() == "1 new")
    assert bar.value() > 0, "what was read by another reading stands above"
    press("Ctrl+J")
    assert bar.value() == 0 and not audit.new_rows.button.isVisible()


def test_a_gap_that_others_made_stays_while_it_is_in_sight(
    qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path
) -> None:
    last = page.model.rowCount() - 1
    wanted = choose(qtbot, page, 5)
    place = page.table.visualRect(page.table.currentIndex())
    execute(file, f"DELETE FROM users WHERE id = '{page.model.record_id(0)!s}'")
    page.model.reload()
    qtbot.waitUntil(lambda: page.filters.count.text().startswith(f"{last} "))
    assert page.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == GONE_TIP
    assert page.list.current_id() == wanted
    assert page.table.visualRect(page.table.currentIndex()) == place
    press("F5")
    qtbot.waitUntil(lambda: page.model.rowCount() == last and page.list.current_id() == wanted)


@pytest.mark.parametrize("place", [0, 3])
def test_what_is_read_stays_when_others_delete_it(
    qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path, place: int
) -> None:
    page = page if place == 0 else go(qtbot, window, place)
    wanted = choose(qtbot, page, 2)
    qtbot.waitUntil(lambda: page.current.whole() is not None and is_settled(window))
    was = page.inspector.title.text()
    execute(file, f"DELETE FROM {TABLES[place]} WHERE id = '{wanted}'")
    press("F5")
    qtbot.waitUntil(lambda: GONE_READ in labels(page.inspector) and is_settled(window))
    assert page.inspector.title.text() == was and page.inspector.title.isVisible()
    qtbot.waitUntil(lambda: page.selection.refusal(writes=False) == GONE_WHY)
    choose(qtbot, page, 3)
    qtbot.waitUntil(lambda: page.current.whole() is not None)
    assert GONE_READ not in labels(page.inspector) and page.inspector.title.text() != was


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.usefixtures("key")
def test_a_database_that_others_brought_back_is_locked_and_its_verdict_over(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path, *, signed: bool
) -> None:
    """By Time Travel, in a window of somebody else's. Whoever goes on is asked, also where what is gone was
    only verified.
    """
    assert window.workspace is not None
    verify_all(qtbot, window, context)
    if not signed:
        (paths.checkpoints_dir() / FILE).unlink()
    unlock(qtbot, window)
    last = last_of(file)
    cut_behind(file, last - 40)
    go(qtbot, window, 0)
    choose(qtbot, page, 0)
    with qtbot.waitSignal(context.outside.went_back):  # not only at the next look that is due
        edit_email(qtbot, window, "mei@acme-corp.example")
    form = dialog(qtbot, window, FormDialog)
    assert any("in an earlier state" in one and "nothing was changed" in one for one in labels(form))
    form.done(0)
    closed(qtbot, window, FormDialog)
    assert any("writes are locked again" in one for one in labels(window.toast))
    older = "Earlier state" if signed else "Older state, or cut off"
    assert context.lock.is_locked
    qtbot.waitUntil(lambda: window.shield.text() == older)
    (shown,) = window.findChildren(ContinuationNotice if signed else BrokenNotice)
    qtbot.waitUntil(lambda: shown.isVisible() and shown.banner.headline().startswith(older))
    choose(qtbot, page, 0)
    unlock(qtbot, window)
    edit_email(qtbot, window, "mei@acme-corp.example")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.windowTitle().endswith("Go on from an earlier state?")
    if not signed:
        assert shown.banner.headline().endswith(f"entry {last:,}, and ends at entry {last - 40:,} now")
        question.accept()
        ends = f"and ends at entry {last - 39:,} now"
        qtbot.waitUntil(lambda: shown.banner.headline().endswith(ends))


@pytest.mark.parametrize("by_own_act", [True, False])
@pytest.mark.usefixtures("key")
def test_another_line_that_others_went_on_with_is_told_and_writes_are_locked(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path, *, by_own_act: bool
) -> None:
    """Time Travel brought an earlier state back, and the chain is as long as it was again by now."""
    assert window.workspace is not None
    verify_all(qtbot, window, context)
    unlock(qtbot, window)
    last = last_of(file)
    if by_own_act:  # which no checkpoint knows, and nobody has verified
        go(qtbot, window, 0)
        choose(qtbot, page, 0)
        edit_email(qtbot, window, "mei@acme-corp.example")
        closed(qtbot, window, FormDialog)
    else:
        append(file, "new", 1)
        press("Ctrl+Return")
        qtbot.waitUntil(lambda: context.verdict.through == last + 1 and not context.verdict.is_running)
    qtbot.waitUntil(lambda: is_settled(window))
    cut_behind(file, last)
    append(file, "other", 3)
    with qtbot.waitSignal(context.outside.went_back):
        context.outside.look()
    qtbot.waitUntil(lambda: "writes are locked again" in window.toast.label.text())
    assert context.lock.is_locked and window.strip.state.text() == f"locked again: entry {last + 1:,} is gone"
    assert window.shield.text() == "Older state, or cut off"
    if by_own_act:
        made = f"entry {last + 1:,} ({context.history.next_undo}), made here"
        assert f"{made}, is not there any more" in words(window)
    else:
        gone = f"verified through entry {last + 1:,}, and that entry is not there as it was"
        qtbot.waitUntil(lambda: gone in words(window))
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    qtbot.waitUntil(lambda: is_settled(window))
    click(qtbot, page.panel.accept_button)
    with qtbot.waitSignal(page.verified):
        click(qtbot, dialog(qtbot, page, ConfirmDialog).confirm_button)
    assert context.verdict.lost_end is None and context.lock.is_locked
    assert window.strip.state.text() == "read-only until unlocked", "nothing is told that was accepted"


def test_another_line_that_others_went_on_with_while_it_was_closed_is_told_at_once(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one search for its end, whoever says something of it."""
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    open_live(qtbot, window, production)
    context = window.context
    assert context is not None
    verify_all(qtbot, window, context)
    last = last_of(file)
    append(file, "new", 1)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: context.verdict.through == last + 1 and not context.verdict.is_running)
    qtbot.waitUntil(lambda: is_settled(window))
    press("Ctrl+W")
    qtbot.waitUntil(lambda: window.context is None)
    cut_behind(file, last)
    append(file, "other", 3)
    told: list[str] = []
    window.toast.changed.connect(lambda: told.append(window.toast.label.text()))
    searches, search = list[Any](), lost_ends.lost_end_of

    def counted(*of: Any) -> Any:
        searches.append(of)
        return search(*of)

    monkeypatch.setattr(lost_ends, "lost_end_of", counted)
    open_live(qtbot, window, production)
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    qtbot.waitUntil(lambda: is_settled(window))
    assert len(searches) == 1
    assert f"verified through entry {last + 1:,}, and that entry is not there as it was" in words(window)
    assert not any("continues" in one for one in [*told, *words(window)])


def test_where_an_end_is_lost_nothing_is_said_to_hold_that_came_since_it_was_verified(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    open_live(qtbot, window, production)
    page, context = go(qtbot, window, 1), window.context
    assert isinstance(page, AuditTab) and context is not None
    for name in ("new", "newer"):  # of which no checkpoint knows the second
        append(file, name, 1)
        with qtbot.waitSignal(page.verified):
            page.commands.trigger("verify")
    last = context.verdict.through
    ask(file, f"DELETE FROM audit_chain WHERE seq = {last}")
    ask(file, f"UPDATE sqlite_sequence SET seq = {int(last or 0) - 1} WHERE name = 'audit_chain'")
    with qtbot.waitSignal(page.verified):
        page.commands.trigger("verify")
    assert page.banner.detail().startswith("What is there holds as it stands, verified just now. ")
    append(file, "later", 1)
    context.outside.look()
    said = f"What is there through entry {int(last or 0) - 1:,} holds as it stands, verified just now; "
    said += "1 newer entry is not verified yet. "
    qtbot.waitUntil(lambda: page.banner.detail().startswith(said))
    window.close_file()
    open_live(qtbot, window, production)
    again = go(qtbot, window, 1)
    assert isinstance(again, AuditTab)
    qtbot.waitUntil(lambda: again.banner.detail().startswith(said))
    assert window.shield.text() == "Older state, or cut off"


def cut_out(file: Path, number: int, tenant: str = "") -> None:
    """An entry goes from between, or from the end, and where a tenant is given its own take the numbers."""
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("DELETE FROM audit_chain WHERE seq = ?", (number,))
        if tenant:
            connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_chain'", (number - 1,))
            chains.append(connection, tenant, [NOW, NOW, NOW])


def own_act(qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path) -> tuple[int, str, str]:
    """An address is changed: the number of its entry, whose it is, and of another tenant."""
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: is_settled(window))
    ((number, tenant),) = ask(file, "SELECT seq, tenant_id FROM audit_chain ORDER BY seq DESC LIMIT 1")
    ((other,),) = ask(file, f"SELECT tenant_id FROM users WHERE tenant_id <> '{tenant}' LIMIT 1")
    return number, tenant, other


@pytest.mark.parametrize("asks", ["look", "act"])
def test_an_own_act_that_goes_from_between_is_told_and_nothing_is_written_beside_that(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path, *, asks: str
) -> None:
    """Where others' entries stand behind it, no end tells that."""
    unlock(qtbot, window)
    number, tenant, other = own_act(qtbot, window, page, file)
    with closing(apsw.Connection(str(file))) as connection:
        chains.append(connection, other, [NOW])
    look(qtbot, context.outside.written, context)
    assert not context.lock.is_locked
    cut_out(file, number)
    made = f"Entry {number:,} ({context.history.next_undo})"
    with qtbot.waitSignal(context.outside.went_back):
        if asks == "look":
            press("F5")
        else:
            choose(qtbot, page, 1)
            edit_email(qtbot, window, "zoe@acme-corp.example")
    assert context.lock.is_locked and window.strip.state.text() == f"locked again: entry {number:,} is gone"
    assert ask(file, "SELECT count(*) FROM users WHERE email = 'zoe@acme-corp.example'") == [(0,)]
    if asks == "look":
        qtbot.waitUntil(lambda: f"{made}, made here, is not there any more" in words(window))
        qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
        lost = context.verdict.lost_end
        assert lost is not None and lost.tenants == {tenant}, "and no other tenant is charged"


@pytest.mark.parametrize("asks", ["poll", "look", "act"])
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.usefixtures("key")
def test_a_verified_end_that_goes_from_between_is_told_and_nothing_is_written_beside_that(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path, *, asks: str, alone: bool
) -> None:
    """Somebody else's entries, the last ones of a tenant, behind which another tenant's stand."""
    assert window.workspace is not None
    choose(qtbot, page, 0)
    last = last_of(file)
    ((tenant,),) = ask(file, f"SELECT tenant_id FROM users WHERE id = '{page.list.current_id()!s}'")
    ((other,),) = ask(file, f"SELECT tenant_id FROM users WHERE tenant_id <> '{tenant}' LIMIT 1")
    with closing(apsw.Connection(str(file))) as connection:
        chains.append(connection, tenant, [NOW, NOW])
        chains.append(connection, other, [NOW])
    if alone:
        window.workspace.set_tenant(tenant)
        qtbot.waitUntil(lambda: is_settled(window))
    go(qtbot, window, 1)
    press("Ctrl+Return")
    verified = context.opened.database.verified
    assert verified is not None
    qtbot.waitUntil(lambda: [one.number for one in verified.of([tenant])] == [last + 2])
    qtbot.waitUntil(lambda: is_settled(window) and not context.verdict.is_asked)
    unlock(qtbot, window)
    go(qtbot, window, 0)
    execute(file, f"DELETE FROM audit_chain WHERE seq IN ({last + 1}, {last + 2})")
    with qtbot.waitSignal(context.outside.went_back):
        if asks == "poll":
            context.outside.look()
        elif asks == "look":
            press("F5")
        else:
            choose(qtbot, page, 0)
            edit_email(qtbot, window, "zoe@acme-corp.example")
    gone = f"entry {last + 2:,}"
    assert context.lock.is_locked and window.strip.state.text() == f"locked again: {gone} is gone"
    assert ask(file, "SELECT count(*) FROM users WHERE email = 'zoe@acme-corp.example'") == [(0,)]
    if asks != "act":
        qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
        qtbot.waitUntil(
            lambda: f"verified through {gone} of {tenant}, and that entry is not" in words(window)
        )
        qtbot.waitUntil(lambda: is_settled(window))
        lost = context.verdict.lost_end
        assert lost is not None and lost.tenants == {tenant}, "and no other tenant is charged"
        choose(qtbot, page, 0)
        unlock(qtbot, window)
        edit_email(qtbot, window, "zoe@acme-corp.example")
        question = dialog(qtbot, window, ConfirmDialog)
        assert question.windowTitle().endswith("Go on from an earlier state?")
        assert f"through {gone} of {tenant}" in words(question)


@pytest.mark.usefixtures("key")
def test_the_strip_names_all_that_is_gone_also_what_goes_later(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path
) -> None:
    verify_all(qtbot, window, context)
    unlock(qtbot, window)
    go(qtbot, window, 0)
    number, tenant, other = own_act(qtbot, window, page, file)
    with closing(apsw.Connection(str(file))) as connection:
        chains.append(connection, next(one for one in context.tenants if one not in (tenant, other)), [NOW])
    look(qtbot, context.outside.written, context)
    qtbot.waitUntil(lambda: is_settled(window))
    gone = ask(file, f"SELECT max(seq) FROM audit_chain WHERE tenant_id = '{other}'")[0][0]
    cut_out(file, number)
    with qtbot.waitSignal(context.outside.went_back):
        context.outside.look()
    assert window.strip.state.text() == f"locked again: entry {number:,} is gone"
    qtbot.waitUntil(lambda: is_settled(window))
    cut_out(file, gone)
    with qtbot.waitSignal(context.outside.went_back):
        press("F5")
    both = f"locked again: entry {number:,} and 1 other one are gone"
    qtbot.waitUntil(lambda: window.strip.state.text() == both)
    qtbot.waitUntil(lambda: is_settled(window))
    assert window.strip.state.text() == both


@pytest.mark.usefixtures("key")
def test_own_acts_that_go_with_an_entry_that_was_seen_are_all_named_before_that_is_accepted(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path
) -> None:
    assert window.workspace is not None
    verify_all(qtbot, window, context)
    last = last_of(file)
    unlock(qtbot, window)
    go(qtbot, window, 0)
    number, tenant, other = own_act(qtbot, window, page, file)
    assert number == last + 1
    with closing(apsw.Connection(str(file))) as connection:
        chains.append(connection, other, [NOW])
    look(qtbot, context.outside.written, context)
    cut_behind(file, last)
    append(file, "new", 4)
    with qtbot.waitSignal(context.outside.went_back):
        context.outside.look()
    made = f"entry {number:,} ({context.history.next_undo}), made here"
    assert window.strip.state.text() == f"locked again: entry {last + 2:,} and 1 other one are gone"
    qtbot.waitUntil(lambda: is_settled(window))
    seen = f"entry {last + 2:,}, seen here, is not there any more ({made}, is gone, too)"
    assert seen in words(window)
    lost = context.verdict.lost_end
    assert lost is not None and lost.tenants == {tenant}
    audit = cast("AuditTab", go(qtbot, window, 1))
    audit.panel.ask_accept()
    question = dialog(qtbot, window, ConfirmDialog)
    assert f"E{made[1:]}, is gone, too" in words(question)
    click(qtbot, question.confirm_button)
    qtbot.waitUntil(lambda: context.verdict.lost_end is None and not context.verdict.is_asked)
    where = InDatabase(context.opened.database)
    assert store_and_verifier()[0].verdicts.own.all(where) == [], "what was shown, and no more"


@pytest.mark.parametrize("by", ["another window", "its own verification", "that of a tenant alone"])
def test_a_loss_locks_writes_however_the_window_learns_of_it(
    qtbot: QtBot, window: MainWindow, context: Context, file: Path, by: str
) -> None:
    assert window.workspace is not None
    go(qtbot, window, 1)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: context.verdict.outcome is not None and not context.verdict.is_asked)
    qtbot.waitUntil(lambda: is_settled(window))
    last = last_of(file)
    unlock(qtbot, window)
    where = InDatabase(context.opened.database)
    if by == "another window":
        end = LostEnd(last, NOW, None, last - 1, missed=True)
        store_and_verifier()[0].verdicts.keep_end(where, end, is_lost=True)
        press("F5")
    else:
        context.outside._poll.stop()
        if by == "that of a tenant alone":
            ((tenant,),) = ask(file, f"SELECT tenant_id FROM audit_chain WHERE seq = {last}")
            window.workspace.set_tenant(tenant)
            qtbot.waitUntil(lambda: is_settled(window))
        execute(file, f"DELETE FROM audit_chain WHERE seq = {last}")
        append(file, "new", 3)
        press("Ctrl+Return")
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    qtbot.waitUntil(lambda: context.lock.is_locked)
    assert window.strip.state.text() == f"locked again: entry {last:,} is gone"
    assert any("writes are locked again" in one for one in labels(window.toast))


def test_a_loss_that_a_command_accepted_stays_so_where_more_goes_before_the_window_hears_of_it(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    paths.checkpoints_dir().mkdir(parents=True, exist_ok=True)
    open_live(qtbot, window, production)
    context = window.context
    assert context is not None
    ((last,),) = ask(file, "SELECT max(seq) FROM audit_chain")
    found = ask(file, "SELECT DISTINCT tenant_id FROM users ORDER BY 1 LIMIT 3")
    first, second, third = [str(name) for (name,) in found]
    with closing(apsw.Connection(str(file))) as connection:
        for tenant in (first, second, third):
            chains.append(connection, tenant, [NOW])
    go(qtbot, window, 1)
    press("Ctrl+Return")
    watched = context.opened.database.verified
    assert watched is not None
    qtbot.waitUntil(lambda: [one.number for one in watched.of([first])] == [last + 1])
    qtbot.waitUntil(lambda: is_settled(window) and not context.verdict.is_asked)
    (paths.checkpoints_dir() / FILE).unlink(missing_ok=True)  # which would know it, and nobody accepts that

    def lost() -> set[str]:
        return set() if context.verdict.lost_end is None else {*context.verdict.lost_end.tenants}

    def cut(number: int) -> None:
        cut_out(file, number)
        with qtbot.waitSignal(context.outside.went_back):
            context.outside.look()
        qtbot.waitUntil(lambda: is_settled(window))

    cut(last + 1)
    store, verify = store_and_verifier(processes=1)
    where = context.opened.where

    def kept() -> set[str]:
        said = store.verdicts.last(where)
        return set() if said is None or said.lost_end is None else {*said.lost_end.tenants}

    qtbot.waitUntil(lambda: lost() == kept() == {first})
    making.verify_with_checkpoints(where, store, verify, now=NOW + 1, by="ops", accepts_end=True)
    (paths.checkpoints_dir() / FILE).unlink(missing_ok=True)
    cut(last + 2)
    qtbot.waitUntil(lambda: lost() == kept() == {second})


def test_a_loss_that_a_command_accepted_goes_and_while_it_stands_others_entries_are_offered(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, edge: Edge
) -> None:
    """Beside others who write it costs what it costs without one; it was found on opening."""
    open_live(qtbot, window, production)
    assert window.context is not None
    go(qtbot, window, 1)
    press("Ctrl+Return")
    verdict = window.context.verdict
    qtbot.waitUntil(lambda: verdict.outcome is not None and not verdict.is_asked)
    qtbot.waitUntil(lambda: is_settled(window))
    press("Ctrl+W")
    qtbot.waitUntil(lambda: window.context is None)
    (paths.checkpoints_dir() / FILE).unlink(missing_ok=True)  # which would know it, and nobody accepts that
    last = last_of(file)
    execute(file, f"DELETE FROM audit_chain WHERE seq = {last}")
    append(file, "new", 1)
    open_live(qtbot, window, production)
    audit, context = go(qtbot, window, 1), window.context
    assert context is not None
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    qtbot.waitUntil(lambda: is_settled(window))
    top, rows = audit.model.record_id(0), audit.model.rowCount()
    append(file, "more", 2)
    edge.calls.clear()
    look(qtbot, context.outside.written, context)
    qtbot.waitUntil(lambda: audit.new_rows.button.text() == "Others have written")
    qtbot.waitUntil(lambda: is_settled(window))
    assert len(edge.calls) <= 4, "the look, its count, and where it ends"
    assert (audit.model.record_id(0), audit.model.rowCount()) == (top, rows)

    where = InDatabase(context.opened.database)
    store, verify = store_and_verifier(processes=1)
    making.verify_with_checkpoints(where, store, verify, now=NOW + 1, by="ops", accepts_end=True)
    press("F5")
    qtbot.waitUntil(lambda: context.verdict.lost_end is None)
    qtbot.waitUntil(lambda: is_settled(window))
    assert "cut off" not in window.shield.text() and not context.opened.database.is_earlier


@pytest.mark.parametrize("replaced", [False, True])
def test_an_own_act_that_went_while_it_was_closed_is_told_when_it_is_opened(
    qtbot: QtBot, window: MainWindow, production: str, page: RecordTab, file: Path, *, replaced: bool
) -> None:
    """Which nothing has verified; until somebody accepts it, whoever asks, and not where all is as it was."""
    context = page.context
    unlock(qtbot, window)
    number, _, other = own_act(qtbot, window, page, file)
    act = context.history.next_undo
    for told in (False, True):
        press("Ctrl+W")
        qtbot.waitUntil(lambda: window.context is None)
        said: list[str] = []
        window.toast.changed.connect(lambda said=said: said.append(window.toast.label.text()))
        open_live(qtbot, window, production)
        qtbot.waitUntil(lambda: is_settled(window))
        assert (window.shield.text() == "Older state, or cut off") is told
        if not told:
            with closing(apsw.Connection(str(file))) as connection:
                chains.append(connection, other, [NOW])
            cut_out(file, number, other if replaced else "")
    assert f"entry {number:,} ({act}), made here, is not there any more" in words(window)
    assert not any("continues" in one for one in [*said, *words(window)])
    where = InDatabase(context.opened.database)
    own = store_and_verifier()[0].verdicts.own
    assert [one.number for one in own.all(where)] == [number]
    store, verify = store_and_verifier(processes=1)
    hold = partial(making.verify_by_itself, where, store, verify, now=NOW, by="ops", sign=False)
    lost = hold().report.lost_end
    assert lost is not None and lost.through == number and f"({act}), made here" in lost.said
    assert hold(accepts_end=True).report.stands and own.all(where) == []
    assert hold().report.stands


@pytest.mark.usefixtures("key")
def test_an_own_act_in_whose_place_others_entries_stand_is_told_until_somebody_accepts_that(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path
) -> None:
    assert window.workspace is not None
    verify_all(qtbot, window, context)
    unlock(qtbot, window)
    last = last_of(file)
    go(qtbot, window, 0)
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: is_settled(window))
    ((tenant,),) = ask(file, "SELECT tenant_id FROM audit_chain ORDER BY seq DESC LIMIT 1")
    before = "UPDATE users SET email = 'before@acme-corp.example' WHERE email = 'mei@acme-corp.example'"
    ask(file, before)
    cut_behind(file, last)
    append(file, "other", 3)
    told: list[str] = []
    window.toast.changed.connect(lambda: told.append(window.toast.label.text()))
    page.model.reload()  # which finds it, and locks the engine
    qtbot.waitUntil(lambda: context.lock.is_locked)
    qtbot.waitUntil(lambda: window.strip.state.text().startswith("locked again"), timeout=10_000)
    qtbot.waitUntil(lambda: "before@acme-corp.example" in values(page, "email"))
    (shown,) = window.findChildren(BrokenNotice)
    made = f"entry {last + 1:,} ({context.history.next_undo}), made here"
    qtbot.waitUntil(lambda: shown.isVisible() and made in shown.banner.headline())
    lost = context.verdict.lost_end
    assert lost is not None and lost.tenants == {tenant}
    qtbot.waitUntil(lambda: is_settled(window))
    assert any("writes are locked again" in one for one in told)
    assert not any("continues" in one for one in [*told, *words(window)])

    window.turn_lock()
    question = dialog(qtbot, window, ConfirmDialog)
    assert any(f"known to have entry {last + 1:,}" in one for one in labels(question))
    question.done(0)
    closed(qtbot, window, ConfirmDialog)
    unlock(qtbot, window)
    press("Ctrl+Z")  # which is asked about, as any act in an earlier state
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.windowTitle().endswith("Go on from an earlier state?")
    assert f"It was known to have entry {last + 1:,} (" in words(question)
    question.accept()
    why = ": another line of entries stands in its place (Time Travel, or somebody else). Nothing"
    refused = dialog(qtbot, window, ErrorDialog)
    assert any(why in one for one in labels(refused))
    refused.done(0)
    closed(qtbot, window, ErrorDialog)

    go(qtbot, window, 1)
    press("Ctrl+Return")  # to verify what is new accepts nothing
    qtbot.waitUntil(lambda: context.verdict.through == last + 3 and not context.verdict.is_asked)
    qtbot.waitUntil(lambda: is_settled(window))
    assert window.shield.text() == "Older state, or cut off" and made in words(window)


def test_an_own_act_that_is_gone_is_told_where_nothing_was_verified_until_it_is_dismissed(
    qtbot: QtBot, window: MainWindow, page: RecordTab, context: Context, file: Path
) -> None:
    assert window.workspace is not None
    unlock(qtbot, window)
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: is_settled(window))
    last = last_of(file)
    ask(file, f"DELETE FROM audit_chain WHERE seq = {last}")
    append(file, "other", 2)
    ask(file, f"UPDATE audit_chain SET seq = seq - 1 WHERE seq > {last}")
    context.outside.look()
    (shown,) = window.findChildren(LostEntryNotice)
    qtbot.waitUntil(shown.isVisible)
    made = f"Entry {last:,} ({context.history.next_undo}), made here"
    assert shown.banner.headline().startswith(made)
    click(qtbot, button(shown, "Dismiss"))
    assert not shown.isVisible()


def test_daily_retention_is_agreed_to_for_a_connection_and_unlocking_says_what_it_reads(
    qtbot: QtBot, window: MainWindow, production: str
) -> None:
    open_live(qtbot, window, production)
    context, settings = window.context, window.settings
    assert context is not None
    settings.retention_enabled.set(context.opened.kept_by, True)  # by whatever else leads to the database
    for agreed in (None, True):
        settings.retention_enabled.set(context.opened.agreed_by, agreed)
        click(qtbot, window.strip.unlock_button)
        asked = dialog(qtbot, window, ConfirmDialog)
        assert any("it begins as soon as they are unlocked" in one for one in labels(asked)) == bool(agreed)
        if agreed:
            qtbot.waitUntil(lambda at=asked: any("rows at most" in one for one in labels(at)))  # type: ignore[misc]
        asked.reject()
        closed(qtbot, window, ConfirmDialog)


def test_what_others_signed_and_took_away_again_is_asked_about(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    production: str,
    edge: Edge,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All between two looks of this window: to it the chain ends where it did."""
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    page, context = open_live(qtbot, window, production), window.context
    assert context is not None
    verify_all(qtbot, window, context)
    store = CheckpointStore(paths.checkpoints_dir())
    other = InFile(sample(tmp_path / "other.sqlite", rows=40))
    making.verify_and_sign(other, store, VERIFY, now=NOW, reason=Reason.REQUEST)
    edge.calls.clear()
    context.aged.emit()
    qtbot.waitUntil(lambda: is_settled(window))
    assert edge.calls == [], "what is signed of another database costs none"
    execute(file, "CREATE TABLE was AS SELECT seq FROM audit_chain")
    append(file, "later", 1)
    making.verify_and_sign(context.opened.where, store, VERIFY, now=NOW, reason=Reason.REQUEST)
    execute(file, "DELETE FROM audit_chain WHERE seq NOT IN (SELECT seq FROM was)", "DROP TABLE was")
    execute(file, "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_chain'")
    asked = []

    def silent(store: CheckpointStore, where: object) -> None:
        asked.append(where)
        raise NoAnswer(production)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointStore, "continuation", silent)
        context.aged.emit()
        qtbot.waitUntil(lambda: asked != [] and is_settled(window))
    assert not [one for one in window.findChildren(Dialog) if one.isVisible()], "nobody has asked for it"
    unlock(qtbot, window)
    qtbot.waitUntil(lambda: context.opened.database.is_earlier)
    assert notice(window, "Earlier state").isVisible()
    last = store.verdicts.last(context.opened.where)
    assert last is not None
    context.verdict.hear(last)
    assert window.shield.text() == "Earlier state" and context.opened.database.is_earlier
    go(qtbot, window, 0)
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    assert dialog(qtbot, window, ConfirmDialog).windowTitle().endswith("Go on from an earlier state?")


@pytest.mark.slow
@pytest.mark.usefixtures("key")
def test_an_act_itself_asks_what_others_have_signed_by_now(
    qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = page.context
    unlock(qtbot, window)
    monkeypatch.setattr(ContinuationNotice, "look", lambda self: None)  # that comes later
    before = ask(file, "SELECT max(seq) FROM audit_chain")
    append(file, "later", 1)
    store = CheckpointStore(paths.checkpoints_dir())
    making.verify_and_sign(context.opened.where, store, VERIFY, now=NOW, reason=Reason.REQUEST)
    execute(file, f"DELETE FROM audit_chain WHERE seq > {before[0][0]}")
    execute(file, "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_chain'")
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.windowTitle().endswith("Go on from an earlier state?")
    assert ask(file, "SELECT max(seq) FROM audit_chain") == before
    question.accept()
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: ask(file, "SELECT max(seq) FROM audit_chain") != before)


def test_a_connection_that_another_program_removes_or_changes_writes_nothing_more(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.session.outside.KEPT_MS", 60_000)  # the write comes sooner
    page, connections = open_live(qtbot, window, production), Connections()
    kept, context = connections.named("prod"), window.context
    assert context is not None
    unlock(qtbot, window)
    choose(qtbot, page, 0)
    connections.remove("prod")
    edit_email(qtbot, window, "mei@acme-corp.example")
    form = dialog(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: any("The connection d1:prod was removed" in one for one in labels(form)))
    form.done(0)
    closed(qtbot, window, FormDialog)
    assert not ask(file, "SELECT 1 FROM users WHERE email = 'mei@acme-corp.example'")
    said = notice(window, "The connection was removed")
    assert said.isVisible() and window.windowTitle().endswith("d1:prod (read-only) — Tenant Admin")
    assert not window.strip.unlock_button.isVisible() and not window.commands.action("unlock").isEnabled()

    connections.add(kept)
    context.outside._look_at_connection()
    qtbot.waitUntil(lambda: not said.isVisible())
    unlock(qtbot, window)
    connections.add(replace(kept, production=False), replace=True)
    context.outside._look_at_connection()
    qtbot.waitUntil(said.isVisible)
    assert context.lock.is_locked and said.headline().startswith("The connection was changed")
    click(qtbot, button(said, "Open again"))
    qtbot.waitUntil(lambda: window.context not in (None, context))
    qtbot.waitUntil(lambda: window.windowTitle() == "d1:prod (read-only) — Tenant Admin")


def test_other_tables_are_noticed_and_what_is_written_goes_by_them(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    """Each is noticed at the next look, refresh, act or list that fails; one look is one request."""
    assert window.context is not None
    qtbot.waitUntil(lambda: is_settled(window))
    edge.calls.clear()
    window.context.outside.look()
    qtbot.waitUntil(lambda: is_settled(window))
    assert len(edge.calls) == 1

    execute(file, "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator'")
    press("F5")
    qtbot.waitUntil(lambda: is_settled(window))
    changed = "Another program has changed the tables of this database"
    click(qtbot, button(notice(window, changed), "Open again"))
    qtbot.waitUntil(lambda: current(window) is not page and bool(current(window).filters.count.text()))

    page = current(window)
    unlock(qtbot, window)
    assert not [one for one in window.findChildren(TablesNotice) if one.isVisible()]
    execute(file, "ALTER TABLE users ADD COLUMN nickname TEXT DEFAULT 'nick'")
    user = choose(qtbot, page, 0)
    before = ask(file, "SELECT * FROM users WHERE id = ?", user)
    page.commands.trigger("delete")
    qtbot.waitUntil(lambda: not ask(file, "SELECT 1 FROM users WHERE id = ?", user))
    qtbot.waitUntil(lambda: is_settled(window))
    notice(window, changed)  # an own act hears of it first
    window.undo()
    qtbot.waitUntil(lambda: ask(file, "SELECT * FROM users WHERE id = ?", user) == before)

    click(qtbot, button(notice(window, changed), "Open again"))
    qtbot.waitUntil(lambda: current(window) is not page and bool(current(window).filters.count.text()))
    execute(file, "DROP TABLE notifications")
    press(f"Ctrl+{TABLES.index('notifications') + 1}")
    qtbot.waitUntil(lambda: is_settled(window))
    notice(window, changed)


def test_what_others_wrote_meanwhile_is_said_when_the_window_comes_back(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_live(qtbot, window, production)
    assert window.context is not None
    program = cast("QApplication", QApplication.instance())
    outside, away = window.context.outside, Qt.ApplicationState.ApplicationInactive
    outside.look()
    qtbot.waitUntil(lambda: not outside._asked and is_settled(window))
    edge.calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr("app.ui.session.outside.QGuiApplication.applicationState", lambda: away)
        outside._poll.start(1)
        qtbot.waitUntil(lambda: outside._is_late)
        outside._poll.start(60_000)
    assert not edge.calls, "nothing is asked while it is away"
    for _ in range(2):  # others, one after the other
        program.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    qtbot.waitUntil(lambda: not outside._asked)
    assert len(edge.calls) == 1


def test_a_limit_is_one_notice_and_ends_by_itself(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge
) -> None:
    unlock(qtbot, window)
    choose(qtbot, page, 0)
    edge.read_faults = ["429 2"]
    press("F5")
    qtbot.waitUntil(lambda: window.context is not None and window.context.pause.error is not None)
    shown = notice(window, "Cloudflare asks to wait")
    assert "until" in shown.detail() and re.search(r"— until \d\d:\d\d:\d\d UTC$", shown.headline())
    page.table.setFocus()
    press("Delete")
    qtbot.waitUntil(lambda: "Cloudflare takes none from d1:prod until" in window.toast.label.text())
    qtbot.waitUntil(lambda: not shown.isVisible())
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    choose(qtbot, page, 0)
    for fault, email in (("limited before", "one@acme-corp.example"), ("limited after", "two@acme.example")):
        edge.faults = [fault]
        edit_email(qtbot, window, email)
        qtbot.waitUntil(shown.isVisible)
        assert "nothing was changed" in shown.detail() and "not known" not in words(window)
        qtbot.waitUntil(lambda: not shown.isVisible() and page.model.rowCount() > 0)
        choose(qtbot, page, 0)
    # What stands between had let it in all the same: that alone is told.
    assert "one@acme-corp.example" not in values(page, "email")
    qtbot.waitUntil(lambda: "two@acme.example" in values(page, "email"))
    qtbot.waitUntil(lambda: "” is saved" in words(window))


def test_what_was_answered_by_a_limit_and_is_in_is_what_undo_takes_back(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    """And so is an undo that was answered so; not what was done before."""
    unlock(qtbot, window)
    emails, context = "SELECT email FROM users ORDER BY id", window.context
    assert context is not None
    there = ask(file, emails)
    choose(qtbot, page, 1)
    edit_email(qtbot, window, "one@acme.example")
    closed(qtbot, window, FormDialog)
    before = ask(file, emails)
    choose(qtbot, page, 0)
    edge.faults = ["limited after"]
    edit_email(qtbot, window, "two@acme.example")
    qtbot.waitUntil(lambda: "two@acme.example” is saved" in words(window))
    form = window.findChildren(FormDialog)[-1]
    form.done(0)
    closed(qtbot, window, FormDialog)
    shown = notice(window, "“")
    assert "two@acme.example” is saved" in shown.headline(), "it stays: it was said not to be done"
    assert "two@acme.example" in context.history.next_undo
    edge.faults = ["limited after"]
    page.table.setFocus()
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, emails) == before)
    qtbot.waitUntil(lambda: "one@acme.example" in context.history.next_undo)
    assert "two@acme.example" in context.history.next_redo
    qtbot.waitUntil(lambda: context.pause.error is None)
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, emails) == there)


def test_a_refused_token_is_asked_for_where_it_is_of_what_is_open(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, demo_path: Path
) -> None:
    open_live(qtbot, window, production)
    assert window.context is not None and window.workspace is not None
    closed_then = window.context.opened.database
    click(qtbot, window.strip.unlock_button)
    within = dialog(qtbot, window, ConfirmDialog)
    edge.token = "another"
    window.workspace.refresh()
    dialog(qtbot, window, TokenDialog).reject()
    within.reject()
    closed(qtbot, window, ConfirmDialog)
    with qtbot.waitSignal(window.opened):
        window.open(demo_path)
    window.files.fetch(closed_then, demo_path.with_name("copy.sqlite"))
    assert "refuses the token of d1:prod" in error(qtbot, window)


def test_a_token_is_kept_once_it_was_taken(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge
) -> None:
    keyring = MemoryKeyring()
    window.connecting.tokens = Tokens(keyring)
    window.connecting.tokens.keep(Connections().named("prod"), TOKEN)
    open_live(qtbot, window, production)
    edge.token = "another"
    press("F5")
    asked = dialog(qtbot, window, TokenDialog)
    asked.token.setText("mistyped")
    press("Return")
    qtbot.waitUntil(lambda: not isValid(asked))
    again = dialog(qtbot, window, TokenDialog)
    assert [*keyring.kept.values()] == [TOKEN]
    assert window.connecting.tokens.of(Connections().named("prod")) == TOKEN, "the refused one is forgotten"
    again.token.setText("another")
    press("Return")
    qtbot.waitUntil(lambda: [*keyring.kept.values()] == ["another"])


def test_a_token_that_another_program_replaced_is_taken_without_a_question(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    keyring, connection = MemoryKeyring(), Connections().named("prod")
    window.connecting.tokens = Tokens(keyring)
    window.connecting.tokens.keep(connection, TOKEN)
    page = open_live(qtbot, window, production)
    unlock(qtbot, window)
    Tokens(keyring).keep(connection, "another")  # as `tenant-admin d1 test --new-token` does
    edge.token = "another"
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "mei@acme-corp.example")
    closed(qtbot, window, FormDialog)
    assert ask(file, "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'") == [(1,)]
    assert window.findChildren(TokenDialog) == [] and "refuses the token" not in words(window)


def test_another_token_is_entered_where_the_refused_one_is_told_and_all_that_is_open_stays(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge, file: Path
) -> None:
    unlock(qtbot, window)
    context = page.context
    choose(qtbot, page, 0)
    edit_email(qtbot, window, "first@acme.example")
    closed(qtbot, window, FormDialog)
    undoes = context.history.next_undo
    assert undoes

    def enter(way: QPushButton, token: str) -> None:
        qtbot.waitUntil(way.isVisible)
        click(qtbot, way)
        asked = dialog(qtbot, window, TokenDialog)
        asked.token.setText(token)
        press("Return")
        qtbot.waitUntil(lambda: not isValid(asked))

    qtbot.waitUntil(lambda: is_settled(window))
    press("F2")
    form = dialog(qtbot, window, FormDialog)
    write(form, "email", "mei@acme-corp.example")
    edge.token = "second"
    press("Return")
    qtbot.waitUntil(lambda: "refuses the token" in words(form))
    enter(button(form, "Enter a token…"), "mistyped")
    again = dialog(qtbot, window, TokenDialog)
    again.token.setText("second")
    press("Return")
    qtbot.waitUntil(lambda: "refuses the token" not in words(form))
    assert form.isVisible() and form.values()["email"] == "mei@acme-corp.example"
    assert not button(form, "Enter a token…").isVisible()
    assert form.focusWidget() is form.action_button, "which Return presses, and not Cancel"
    click(qtbot, form.action_button)
    closed(qtbot, window, FormDialog)
    assert ask(file, "SELECT count(*) FROM users WHERE email = 'mei@acme-corp.example'") == [(1,)]

    edge.token = "third"
    page.table.select_row(1)
    enter(page.inspector.door_button, "third")
    qtbot.waitUntil(lambda: page.current.whole() is not None and not page.inspector.door_button.isVisible())

    edge.token = "fourth"
    page.filters.text.setText("acme")
    qtbot.waitUntil(page.door_button.isVisible)
    told = window.findChild(TokenNotice)
    assert told is not None and told.isVisible()
    enter(page.door_button, "fourth")
    qtbot.waitUntil(lambda: page.model.rowCount() > 0 and not told.isVisible())

    edge.token = TOKEN
    page.filters.text.setText("acm")
    enter(told.token_button, TOKEN)  # one that was refused before is taken, too
    qtbot.waitUntil(lambda: page.model.rowCount() > 0 and not told.isVisible())

    edge.token = "elsewhere"
    page.filters.text.setText("ac")
    qtbot.waitUntil(lambda: told.isVisible() and page.again_button.isVisible())
    edge.token = TOKEN
    told.token_button.click()
    asked = dialog(qtbot, window, TokenDialog)
    page.reload()
    qtbot.waitUntil(lambda: not told.isVisible())
    qtbot.waitUntil(lambda: not isValid(asked))
    assert window.context is context and not context.lock.is_locked
    assert context.history.next_undo != undoes
    window.undo()
    qtbot.waitUntil(lambda: context.history.next_undo == undoes)


def test_what_was_read_stays_where_it_cannot_be_read_again(
    qtbot: QtBot, window: MainWindow, page: RecordTab, edge: Edge
) -> None:
    shown = values(page, "email")
    edge.token = "another"
    press("F5")
    asked = dialog(qtbot, window, TokenDialog)
    assert values(page, "email") == shown
    edge.token = TOKEN
    asked.token.setText(TOKEN)
    with qtbot.waitSignal(page.list.loaded):
        press("Return")
    edge.read_faults = ["429 1"]
    page.filters.text.setText("acme")
    qtbot.waitUntil(page.again_button.isVisible)
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    assert not page.again_button.isVisible()
    edge.read_faults = ["busy"] * 9
    page.filters.text.setText("acm")
    qtbot.waitUntil(page.again_button.isVisible)
    assert "d1:prod is in use by another program" in words(page)
    edge.read_faults = []
    click(qtbot, page.again_button)
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)


def test_before_many_records_are_deleted_a_bookmark_is_kept(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks = []
    page = open_live(qtbot, window, production)
    unlock(qtbot, window)
    users = count(file, "users")
    choose(qtbot, page, 0)
    page.table.selectionModel().select(page.model.index(1, 0), TOO)
    page.commands.trigger("delete")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "\n\nA bookmark of what is there is kept first" in words(asked), "as a paragraph of its own"
    assert "writes about 10 rows of d1:prod and reads up to 64 again. All are charged" in words(asked)
    chosen = str(page.model.record_id(0))
    shown, update = page.model.index(0, 0).data(), "UPDATE users SET email = '{}' WHERE id = '{}'"
    execute(file, update.format("else@acme.example", chosen))
    click(qtbot, asked.confirm_button)
    assert f"What was shown of the user {shown} (E-mail) was changed" in error(qtbot, window)
    qtbot.waitUntil(lambda: page.model.index(0, 0).data() == "else@acme.example")
    execute(file, update.format("again@acme.example", chosen))
    page.commands.trigger("delete")
    assert "the user else@acme.example (E-mail) was changed" in error(qtbot, window), "not even asked"
    qtbot.waitUntil(lambda: page.model.index(0, 0).data() == "again@acme.example")
    assert count(file, "users") == users
    page.commands.trigger("delete")
    asked = dialog(qtbot, window, ConfirmDialog)
    edge.calls.clear()
    click(qtbot, asked.confirm_button)
    qtbot.waitUntil(lambda: count(file, "users") == users - 2)
    closed(qtbot, window, ConfirmDialog)
    assert edge.calls[1].count(b"DELETE FROM") == 2, "behind the bookmark"
    kept = travel(qtbot, window)
    assert [row[0] for row in texts(kept.table)] == ["before “2 users deleted”"] * 2, "of each try"
    press("Escape")
    closed(qtbot, window, TimeTravelDialog)
    press("Ctrl+Z")  # which takes nothing away, and costs little
    qtbot.waitUntil(lambda: count(file, "users") == users and page.list.selected_count() == 2)
    edge.refuses_travel = True
    qtbot.waitUntil(window.commands.action("redo").isEnabled)
    window.commands.trigger("redo")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    without = dialog(qtbot, window, ConfirmDialog)
    assert "No bookmark of d1:prod could be taken first" in words(without)
    assert count(file, "users") == users
    click(qtbot, without.confirm_button)
    qtbot.waitUntil(lambda: count(file, "users") == users - 2)


def test_webhooks_notifications_and_runs_are_changed_and_put_back(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    open_live(qtbot, window, production)
    unlock(qtbot, window)

    def acted(table: str, act: str, stored: str) -> None:
        page = go(qtbot, window, TABLES.index(table))
        action = page.commands.action(act)
        for row in range(page.model.rowCount()):
            page.table.select_row(row)
            sql = f"SELECT {stored} FROM {table} WHERE id = '{page.list.current_id()}'"
            before = ask(file, sql)
            if action.isEnabled() and before != [("running",)]:  # a run at work is asked about
                break
        assert action.isEnabled()
        page.commands.trigger(act)
        qtbot.waitUntil(lambda: ask(file, sql) != before)
        qtbot.waitUntil(window.commands.action("undo").isEnabled)
        press("Ctrl+Z")
        qtbot.waitUntil(lambda: ask(file, sql) == before)
        qtbot.waitUntil(lambda: not window.commands.action("undo").isEnabled())

    acted("webhook_destinations", "deactivate", "active")
    acted("notifications", "mark_read", "read")
    acted("planning_runs", "delete", "status")


def test_a_notification_is_written_to_all_tenants_grouped_and_gone_through_by_letters(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    open_live(qtbot, window, production)
    unlock(qtbot, window)
    window.settings.unread_alone = True
    page = go(qtbot, window, TABLES.index("notifications"))
    unread = "SELECT count(*) FROM notifications WHERE read = 0"
    ((before,),) = ask(file, unread)
    assert page.model.rowCount() == before
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, ComposeDialog)
    form.to.all.click()
    tenants = len(form.to.tenants())
    form.title_field.setText("Down on Sunday")
    form.metadata.setPlainText('{"runId":"none"}')
    assert f"about {8 * tenants} rows of d1:prod" in words(form)
    click(qtbot, form.action_button)
    closed(qtbot, window, ComposeDialog)
    assert ask(file, unread) == [(before + tenants,)]
    qtbot.waitUntil(lambda: page.model.rowCount() == before + tenants)
    press("Ctrl+Shift+G")
    assert isinstance(page, NotificationsTab) and page.groups is not None
    groups = page.groups
    qtbot.waitUntil(lambda: groups.table.model().rowCount() > 0)
    groups.table.select_row([row[0] for row in texts(groups.table)].index("none"))
    qtbot.waitUntil(lambda: page.model.rowCount() == tenants)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("R")
    press("R")
    qtbot.waitUntil(lambda: ask(file, unread) == [(before + tenants - 2,)])


def test_what_is_done_to_many_says_what_it_costs(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_live(qtbot, window, production)
    unlock(qtbot, window)
    window.settings.unread_alone = True
    page = go(qtbot, window, TABLES.index("notifications"))
    page.table.selectAll()
    unread = "SELECT COUNT(*) FROM notifications WHERE read = 0"
    ((before,),) = ask(file, unread)
    qtbot.waitUntil(page.commands.action("mark_read").isEnabled)
    assert not page.commands.action("mark_read").text().endswith("…"), "it costs little"
    press("R")
    qtbot.waitUntil(lambda: ask(file, unread) == [(0,)])
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(file, unread) == [(before,)])
    page.clear_filters()
    qtbot.waitUntil(lambda: page.list.shown == page.query())
    monkeypatch.setattr("app.ui.session.context.MOST_WRITTEN", 5)
    for table, act, done, title in (
        ("webhook_destinations", "activate", "active = 1", "Activate 3 webhooks?"),
        ("notifications", "mark_unread", "read = 0", "Mark 146 notifications as unread?"),
        ("planning_runs", "pause", "status = 'paused'", "Pause 6 runs?"),
    ):
        page = go(qtbot, window, TABLES.index(table))
        page.table.selectAll()
        action = page.commands.action(act)
        qtbot.waitUntil(action.isEnabled)
        assert action.text().endswith("…"), "it asks"
        such = f"SELECT COUNT(*) FROM {table} WHERE {done}"
        before = ask(file, such)
        page.commands.trigger(act)
        asked = dialog(qtbot, window, ConfirmDialog)
        assert title in words(asked)
        (most,) = re.findall(r"rows of d1:prod and reads up to ([\d,]+) again", words(asked))
        assert int(most.replace(",", "")) < 2_000, "it is known how others number their entries"
        assert ask(file, such) == before
        click(qtbot, asked.confirm_button)
        qtbot.waitUntil(lambda: ask(file, such) > before)  # noqa: B023 - it is called here
        closed(qtbot, window, ConfirmDialog)


@pytest.fixture
def asks_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.engine.MOST_READ", 1_000)


@pytest.mark.usefixtures("asks_early")
def test_retention_says_what_it_reads_and_shows_what_it_verified(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    window.settings.retention_days = 1
    edge.loses_travel = True
    open_live(qtbot, window, production)
    unlock(qtbot, window)
    before = count(file, "audit_chain")
    window.commands.trigger("retention")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "rows of d1:prod are read, and charged" in words(asked)
    click(qtbot, asked.confirm_button)
    preview = dialog(qtbot, window, RetentionDialog)
    assert "A run writes at least " in words(preview) and "all of them are charged" in words(preview)
    for doubt in preview.doubts.values():
        doubt.click()
    click(qtbot, preview.once_button)
    lost = dialog(qtbot, window, ConfirmDialog)
    edge.loses_travel, edge.refuses_travel = False, True
    click(qtbot, button(lost, "Try again"))
    qtbot.waitUntil(lambda: not isValid(lost))
    without = dialog(qtbot, window, ConfirmDialog)
    assert count(file, "audit_chain") == before
    assert "No bookmark of d1:prod could be taken first" in words(without)
    assert "Try again" not in words(without), "which the API would refuse again"
    with removal(qtbot, window):
        click(qtbot, without.confirm_button)
    assert count(file, "audit_chain") < before
    closed(qtbot, window, RetentionDialog)
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    assert (
        audit.banner.headline().startswith("Chain verified")
        and "checkpoint 2 signed" in audit.banner.detail()
    )


def test_a_bookmark_that_the_network_kept_away_is_tried_again_first(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    edge.bookmarks = []
    page = open_live(qtbot, window, production)
    unlock(qtbot, window)
    users = count(file, "users")
    choose(qtbot, page, 0)
    page.table.selectionModel().select(page.model.index(1, 0), TOO)

    def ask_first(answer: str) -> None:
        page.commands.trigger("delete")
        asked = dialog(qtbot, window, ConfirmDialog)
        edge.loses_travel = True
        click(qtbot, asked.confirm_button)
        qtbot.waitUntil(lambda: not isValid(asked))
        without = dialog(qtbot, window, ConfirmDialog)
        assert without.title.text() == "Go on without a bookmark?"
        assert "If you go on, one is asked for once more" in words(without)
        again = button(without, "Try again")
        assert again.isDefault() and again.hasFocus() and count(file, "users") == users
        edge.loses_travel = answer == "still"
        click(qtbot, again if answer != "still" else without.confirm_button)

    ask_first("again")
    qtbot.waitUntil(lambda: count(file, "users") == users - 2)
    assert len(edge.bookmarks) == 1
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: is_settled(window))
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: count(file, "users") == users and page.list.selected_count() == 2)
    qtbot.waitUntil(lambda: is_settled(window))
    ask_first("still")
    qtbot.waitUntil(lambda: count(file, "users") == users - 2)
    assert len(edge.bookmarks) == 1


def test_a_connection_is_tested_and_kept_without_its_token(
    qtbot: QtBot, window: MainWindow, edge: Edge, live: Live, file: Path
) -> None:
    window.commands.trigger("connect")
    form = dialog(qtbot, window, ConnectDialog)
    assert form.token.echoMode() is QLineEdit.EchoMode.Password
    for line, text in (
        (form.name, "prod"),
        (form.account, ACCOUNT),
        (form.token, "wrong"),
        (form.address, edge.base),
    ):
        line.setText(text)
    click(qtbot, form.test_button)
    qtbot.waitUntil(lambda: "refuses the token" in form.token.accessibleDescription())
    form.token.setText(TOKEN)
    click(qtbot, form.test_button)
    qtbot.waitUntil(lambda: form.database.offers(live.ids[file]))
    assert any("databases; type a part of one to find it." in one.text() for one in form.findChildren(Label))
    form.production.setChecked(True)
    assert form.colour.currentData() == "yellow"
    form.database.pick(live.ids[file])
    click(qtbot, form.test_button)
    qtbot.waitUntil(lambda: " answers in " in form.state.text() and form.test_button.isEnabled())
    with qtbot.waitSignal(window.opened):
        click(qtbot, form.action_button)
    assert window.windowTitle().startswith("PRODUCTION · d1:prod")
    kept = Connections().named("prod")
    assert (kept.account, kept.database_id, kept.production) == (ACCOUNT, live.ids[file], True)
    home = Connections().file("prod").parent.parent
    assert not [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_the_connection_of_what_is_open_is_edited(
    qtbot: QtBot, window: MainWindow, production: str, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    action = window.commands.action("edit_connection")
    assert not action.isEnabled() and "Only a live database" in action.toolTip()
    open_live(qtbot, window, production)
    window.commands.trigger("edit_connection")
    form = dialog(qtbot, window, ConnectDialog)
    form.colour.setCurrentIndex(form.colour.findData("red"))
    with qtbot.waitSignal(window.opened):
        click(qtbot, form.action_button)
    assert Connections().named("prod").colour == "red" and window.context is not None
    assert window.context.opened.mark is not None and window.context.opened.mark.colour == "red"


def test_a_database_is_marked_and_unmarked_for_all_its_connections(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge
) -> None:
    kept = Connections()
    second = replace(kept.named("prod"), name="second", production=False)
    window.connecting.tokens.keep(second, TOKEN)
    window.connecting.ask_connect(second)
    form = dialog(qtbot, window, ConnectDialog)
    click(qtbot, form.test_button)
    qtbot.waitUntil(lambda: "It is the database of d1:prod, which is marked" in form.state.text())
    assert form.production.isChecked()
    form.reject()
    closed(qtbot, window, ConnectDialog)
    kept.add(second)
    window.connecting.ask_connect(kept.named("second"))
    form = dialog(qtbot, window, ConnectDialog)
    assert form.production.isChecked(), "as the database is"
    form.production.setChecked(False)
    with qtbot.waitSignal(form.kept) as told:
        click(qtbot, form.action_button)
    assert told.args[1] == "d1:prod, of the same database: no longer marked as production, either"
    assert kept.production() == set()
    qtbot.waitUntil(lambda: window.context is not None)
    assert not window.windowTitle().startswith("PRODUCTION")


def test_a_file_that_wrangler_dev_serves_is_opened_through_it(
    qtbot: QtBot, window: MainWindow, live: Live, file: Path
) -> None:
    live.open(file).scalar(raw("SELECT 1"))  # workerd opens it at the first request
    open_file(qtbot, window, file)
    assert window.context is not None and window.context.opened.can_be_forced
    shown = notice(window, "Read-only")

    def offered() -> list[QPushButton]:
        found = [one for one in shown.findChildren(QPushButton) if one.isVisible()]
        return [one for one in found if one.text() == "Open through wrangler dev"]

    qtbot.waitUntil(lambda: bool(offered()))
    go(qtbot, window, 4)
    with qtbot.waitSignal(window.opened):
        click(qtbot, offered()[0])
    assert window.workspace is not None and window.workspace.position == 4, "the tab in sight stays"
    assert window.strip.isVisible() and window.windowTitle().startswith("wrangler dev: ")
    assert window.strip.name.text() == window.windowTitle().partition(" (")[0], "each said once"
    assert window.settings.recent == (file,), "it is no connection that is kept"
    assert window.context is not None
    unlock(qtbot, window)
    page = go(qtbot, window, 0)
    page.table.select_row(0)
    vars(window.context.opened.database)["client"]._root = "http://127.0.0.1:1"
    page.commands.trigger("delete")
    gone = dialog(qtbot, window, ErrorDialog)  # as where it was started again at another port
    assert "finds it at another port" in words(gone)
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(gone, "Open again"))
    assert window.windowTitle().startswith("wrangler dev: ")
    users = count(file, "users")
    qtbot.waitUntil(lambda: current(window).model.rowCount() == users)


def test_the_chain_is_verified_from_the_checkpoint_on(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_live(qtbot, window, production)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    assert page.verify_button.text() == "Verify chain"
    for headline in ("Chain verified — 60", "Chain verified — whole, just now"):
        with qtbot.waitSignal(page.verified):
            page.commands.trigger("verify")
        assert page.banner.headline().startswith(headline)
        assert page.verify_button.text() == "Verify what is new"
    assert page.banner.detail().startswith("Nothing new since checkpoint 1")
    assert window.context is not None
    through = window.context.verdict.through
    append(file, "other", 1)
    window.context.outside.look()
    stands = f"Chain verified through entry {through} · 1 newer, just now"
    qtbot.waitUntil(lambda: window.shield.text() == stands)
    assert page.banner.tone() is Tone.OK and "through entry" in page.banner.headline()
    page.commands.trigger("verify_whole")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "rows of d1:prod are read, and charged" in " ".join(labels(asked)), "also where it is little"
    edge.delay, banner = 0.1, page.banner
    with qtbot.waitSignal(page.verified):
        click(qtbot, asked.confirm_button)
        qtbot.waitUntil(lambda: "rows are read, and charged" in banner.detail())
    closed(qtbot, window, ConfirmDialog)
    assert page.banner.headline().startswith("Chain verified")
    assert window.shield.text().startswith("Chain verified")
    window.close_file()
    append(file, "new", 3)

    continues = "This database continues the one you saw last — {} new entries"
    open_live(qtbot, window, production)
    qtbot.waitUntil(lambda: window.shield.text().endswith(" · 3 newer"))
    qtbot.waitUntil(lambda: window.toast.label.text() == continues.format(3))
    append(file, "later", 2)
    open_live(qtbot, window, production)
    qtbot.waitUntil(lambda: window.toast.label.text() == continues.format(2))

    def silent(store: CheckpointStore, where: object) -> None:
        raise NoAnswer(production)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointStore, "continuation", silent)
        open_live(qtbot, window, production)
        qtbot.waitUntil(lambda: window.toast.label.text().startswith("Whether this database continues"))
        assert not [one for one in window.findChildren(Dialog) if one.isVisible()]
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    qtbot.waitUntil(lambda: page.banner.detail().startswith("5 newer entries are not verified yet"))


def test_the_time_of_the_whole_is_not_that_of_what_was_verified_behind_it(
    qtbot: QtBot, window: MainWindow, production: str, file: Path
) -> None:
    open_live(qtbot, window, production)
    page, context = go(qtbot, window, 1), window.context
    assert isinstance(page, AuditTab) and context is not None
    with qtbot.waitSignal(page.verified):
        page.commands.trigger("verify")
    append(file, "other", 1)
    now = context.clock()
    context.clock = lambda: now + 840
    with qtbot.waitSignal(page.verified):
        page.commands.trigger("verify")
    times, through = "whole 14 min ago, from checkpoint 1 on just now", context.verdict.through
    assert window.shield.text() == f"Chain verified, {times}"
    assert page.banner.headline() == f"Chain verified — {times}"
    known = known_now(context.verdict)
    assert known.others is Verdict.VERIFIED, "the checkpoint knows them"
    assert known.verdicts == {"acme-corp": Verdict.VERIFIED}, "and this one but for what is new"
    append(file, "another", 1)
    context.outside.look()
    stands = f"Chain verified through entry {through} · 1 newer, {times}"
    qtbot.waitUntil(lambda: window.shield.text() == stands)
    assert page.banner.headline() == f"Chain verified through entry {through} — {times}"


def test_a_new_entry_is_proven_by_a_checkpoint_that_is_made_for_it(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    production: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.ui.tabs.audit.dialogs.ask_new_folder", lambda *asked, **how: tmp_path / "proof")
    open_live(qtbot, window, production)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        page.commands.trigger("verify")
    append(file, "new", 1)
    page.reload()
    ((seq,),) = ask(file, "SELECT max(seq) FROM audit_chain")
    page.show_record(seq)
    qtbot.waitUntil(lambda: page.current.record_id == seq and page.current.whole() is not None)
    page.commands.trigger(PROOF)
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    proven = f"Entry {seq} of acme-corp up to checkpoint 2, 1 entry: exported to proof"
    qtbot.waitUntil(lambda: window.toast.label.text() == proven)
    assert (tmp_path / "proof" / "verify_bundle.py").exists()


def test_much_is_verified_when_a_person_says_so(
    qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = "(SELECT max(seq) FROM audit_chain)"
    execute(demo_path, f"UPDATE audit_chain SET seq = seq + 200000 WHERE seq = {last}")
    many = count(demo_path, "audit_chain")  # too many to be counted before
    monkeypatch.setattr("models.engine.MOST_READ", 2 * many - 1)
    file = live.put(demo_path, listed=True)
    Connections().add(live.connection(file, "dev"))
    open_live(qtbot, window, "d1:dev")
    press("Ctrl+2")
    page = current(window)
    assert isinstance(page, AuditTab)

    def asked() -> ConfirmDialog:
        found = dialog(qtbot, window, ConfirmDialog)
        assert "rows of d1:dev are read; whoever else asks it waits meanwhile." in " ".join(labels(found))
        return found

    page.commands.trigger("verify")
    click(qtbot, asked().cancel_button)
    qtbot.waitUntil(lambda: page.banner.headline() == "Verification cancelled")
    page.commands.trigger("verify")
    with qtbot.waitSignal(page.verified):
        click(qtbot, asked().confirm_button)
    with qtbot.waitSignal(page.verified):
        page.commands.trigger("verify")
    assert page.banner.detail().startswith("Nothing new since checkpoint 1"), "nothing is asked"
    execute(file, f"UPDATE audit_chain SET hash = 'x' WHERE seq = {last}")
    page.commands.trigger("verify")
    with qtbot.waitSignal(page.verified):
        click(qtbot, asked().confirm_button)


def test_a_list_is_exported_whole(
    qtbot: QtBot, window: MainWindow, page: RecordTab, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "users.csv"
    export_to(page, out, page.query(), Format.CSV)
    qtbot.waitUntil(out.exists)
    assert len(out.read_bytes().splitlines()) == count(file, "users") + 1


@pytest.fixture
def long(qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path) -> tuple[RecordTab, Path]:
    """Some hundred users of a live database, of which no more is known than that they may be 200,000."""
    return open_long(qtbot, window, live, demo_path, 300)


def open_long(
    qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path, users: int
) -> tuple[RecordTab, Path]:
    more = f"WITH RECURSIVE n(i) AS (SELECT 200000 UNION ALL SELECT i + 1 FROM n WHERE i < 200000 + {users})"
    into = "INSERT INTO users (rowid, id, tenant_id, email, created_at, updated_at)"
    execute(demo_path, f"{more} {into} SELECT i, 'u' || i, 'acme-corp', i || '@x.example', i, i FROM n")
    file = live.put(demo_path, listed=True)
    Connections().add(live.connection(file, "dev"))
    return open_live(qtbot, window, "d1:dev"), file


def read_since(window: MainWindow, before: int = 0) -> int:
    assert window.context is not None and window.context.opened.database.usage is not None
    return window.context.opened.database.usage.read - before


def test_what_reads_many_rows_says_so_first(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, file = long
    assert page.model.estimated and page.filters.count.text().endswith("users at most, last added first")
    assert not page.price.isVisible()
    page.filters.text.setFocus()
    page.filters.text.setText("acme")
    qtbot.waitUntil(page.price.isVisible)
    assert page.read_button.text() == f"Read up to {window_rows(window):,} rows"
    assert page.price_label.text().startswith("Press Enter in the filter to read them. Or choose a tenant")
    assert page.model.estimated, "nothing was read"
    press("Return")
    kept = ask(file, "SELECT count(*) FROM users WHERE email LIKE '%acme%' OR tenant_id LIKE 'acme%'")[0][0]
    qtbot.waitUntil(lambda: page.model.rowCount() == kept)
    assert not page.price.isVisible()
    press("F5")
    qtbot.waitUntil(page.price.isVisible)
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.estimated)
    assert not page.price.isVisible()
    page.table.scrollTo(page.model.index(300, 0))
    qtbot.waitUntil(lambda: page.model.rowCount() == count(file, "users"))
    page.table.scrollToBottom()
    qtbot.waitUntil(lambda: page.model.record(page.model.rowCount() - 1) is not None)
    press("Ctrl+T")
    tenants = current(window)
    qtbot.waitUntil(tenants.price.isVisible)
    assert tenants.price_label.text() == "Press Enter in the filter to read them."  # none has a list there


def test_rows_of_another_filter_or_tenant_do_not_stay_while_a_price_is_asked(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, _ = long
    assert window.workspace is not None
    choose(qtbot, page, 0)
    page.filters.text.setFocus()
    page.filters.text.setText("nobody")
    qtbot.waitUntil(page.price.isVisible)
    assert page.model.rowCount() == 0 and page.filters.count.text() == ""
    assert page.list.selected_count() == 0 and not page.commands.action("delete").isEnabled()
    assert "Not read yet" in " ".join(labels(page.empty_state)) and page.clear_button.isVisible()
    press("Return")
    assert "Reading…" in " ".join(labels(page.empty_state))
    qtbot.waitUntil(lambda: page.filters.count.text() == "0 users")
    assert "No match" in " ".join(labels(page.empty_state))
    page.set_scope(Scope("acme-corp"))
    page.activate()
    assert page.price.isVisible() and page.filters.count.text() == ""
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    assert not page.price.isVisible()


def test_what_comes_back_to_an_empty_list_is_not_read_and_counted_once(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, file = long
    unlock(qtbot, window)
    page.filters.text.setFocus()
    page.filters.text.setText("200010@")
    qtbot.waitUntil(page.price.isVisible)
    before = window_rows(window)
    press("Return")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Delete")
    qtbot.waitUntil(lambda: "No match" in " ".join(labels(page.empty_state)) and page.empty_state.isVisible())
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: "Not read yet" in " ".join(labels(page.empty_state)))
    assert ask(file, "SELECT count(*) FROM users WHERE id = 'u200010'") == [(1,)]
    assert page.read_button.text() == f"Read again: up to {before:,} rows" and page.filters.count.text() == ""
    click(qtbot, page.read_button)
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)


def test_another_order_leaves_the_rows_in_sight_while_a_price_is_asked(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, _ = long
    before = page.model.rowCount()
    page.model.sort_requested.emit("email", False)
    assert page.price.isVisible() and page.model.rowCount() == before


def test_the_header_marks_the_order_that_the_rows_have(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, _ = long
    header, created = page.table.horizontalHeader(), page.model.column_of("created_at")
    assert header.sortIndicatorSection() == -1, "they are in the order of adding, as the number says"
    page.filters.text.setText("x.example")
    qtbot.waitUntil(page.price.isVisible)
    click(qtbot, page.read_button)
    qtbot.waitUntil(lambda: page.filters.count.text().endswith(" users, last added first"))
    assert header.sortIndicatorSection() == -1
    page.table.sortByColumn(created, Qt.SortOrder.DescendingOrder)
    dear = f"Read up to {2 * window_rows(window):,} rows, by Created"  # each in the sorter, too
    assert page.read_button.text() == f"{dear}, descending"
    assert header.sortIndicatorSection() == -1, "they are not in that order yet"
    page.table.sortByColumn(created, Qt.SortOrder.DescendingOrder)
    assert page.read_button.text() == dear, "clicked again, the other way round"
    page.table.sortByColumn(created, Qt.SortOrder.DescendingOrder)
    click(qtbot, page.read_button)
    qtbot.waitUntil(lambda: page.filters.count.text().endswith(" users"))
    assert header.sortIndicatorSection() == created
    page.table.sortByColumn(page.model.column_of("email"), Qt.SortOrder.AscendingOrder)
    page.clear_filters()
    assert page.model.rowCount() == 0 and header.sortIndicatorSection() == page.model.column_of("email")
    assert page.as_added_button.text() == "Last added first"
    click(qtbot, page.as_added_button)
    qtbot.waitUntil(lambda: page.model.estimated and not page.price.isVisible())
    assert header.sortIndicatorSection() == -1 and page.filters.count.text().endswith("last added first")


def test_return_agrees_to_no_price_that_it_has_only_just_shown(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, _ = long
    page.filters.text.setFocus()
    page.filters.text.setText("acme")
    press("Return")
    assert page.price.isVisible() and page.filters.text.hasFocus()
    press("Return")
    assert not page.price.isVisible()
    qtbot.waitUntil(lambda: page.filters.count.text() != "")


def test_a_choice_is_taken_back_without_paying_for_what_else_there_is(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, _ = long
    picker = next(iter(page.filters.pickers.values()))
    picker.pick("admin")
    assert page.price.isVisible()
    picker.setFocus()
    press("x")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).cancel_button)
    qtbot.waitUntil(picker.popup.isVisible)
    assert picker.popup.field.text() == "x"
    picker.popup.field.clear()
    qtbot.keyClick(picker.popup.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    assert not page.price.isVisible()


def test_of_records_that_were_deleted_together_the_next_one_is_selected(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    page, file = long
    unlock(qtbot, window)
    choose(qtbot, page, 5)
    page.table.selectionModel().select(page.model.index(6, 0), TOO)
    assert page.list.selected_count() == 2
    following = page.model.key(7)
    page.commands.trigger("delete")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    qtbot.waitUntil(lambda: page.model.key(5) == following)
    assert list(page.list.selected_keys()[1]) == [following]
    assert ask(file, "SELECT count(*) FROM users WHERE rowid IN (200294, 200295)") == [(0,)]


def test_a_long_list_in_an_agreed_order_is_made_right_by_each_act(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = long
    monkeypatch.setattr("models.engine.MOST_READ", 600)
    unlock(qtbot, window)
    page.table.sortByColumn(page.model.column_of("email"), Qt.SortOrder.AscendingOrder)
    click(qtbot, page.read_button)
    users = count(file, "users")
    qtbot.waitUntil(lambda: not page.model.estimated and is_settled(page))

    def is_right() -> bool:
        rows = {page.model.data(page.model.index(row, 0)) for row in range(page.model.rowCount())}
        return GONE not in rows and page.filters.count.text() == f"{count(file, 'users')} users"

    choose(qtbot, page, 200)
    page.table.selectionModel().select(page.model.index(203, 0), TOO)
    following = page.model.key(201)
    page.commands.trigger("delete")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    qtbot.waitUntil(lambda: page.model.rowCount() == users - 2)
    qtbot.waitUntil(is_right)
    assert list(page.list.selected_keys()[1]) == [following] and not page.price.isVisible()
    qtbot.waitUntil(lambda: page.current.record_id == f"u{following}")
    assert count(file, "users") == users - 2

    closed(qtbot, window, ConfirmDialog)
    page.table.setFocus()
    press("Ctrl+Z")
    qtbot.waitUntil(page.price.isVisible)
    assert page.read_button.text() == f"Read again: up to {2 * users:,} rows"
    assert "appear in order after a refresh" in page.price_label.text()
    click(qtbot, page.read_button)
    qtbot.waitUntil(is_right)
    assert page.model.rowCount() == users and not page.price.isVisible()

    choose(qtbot, page, 0)
    closed(qtbot, window, ConfirmDialog)
    page.table.setFocus()
    edit_email(qtbot, window, "zzz@x.example")
    qtbot.waitUntil(page.price.isVisible)
    qtbot.waitUntil(lambda: values(page, "email")[0] == "zzz@x.example")

    page.table.selectAll()
    page.commands.trigger("delete")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)  # to read them
    qtbot.waitUntil(lambda: "Delete" in words(dialog(qtbot, window, ConfirmDialog)))
    asked = dialog(qtbot, window, ConfirmDialog)
    (tenants,) = ask(file, "SELECT count(DISTINCT tenant_id) FROM users")[0]
    asked.typed.setText(f"{tenants} tenants")
    click(qtbot, asked.confirm_button)
    qtbot.waitUntil(lambda: page.filters.count.text() == "0 users")
    assert page.model.rowCount() == 0 and not page.commands.action("delete").isEnabled()
    qtbot.waitUntil(lambda: "selected" not in " ".join(labels(page.inspector)))


def test_an_address_of_a_small_tenant_is_compared_without_a_question(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = long
    monkeypatch.setattr("models.engine.MOST_READ", 600)
    unlock(qtbot, window)
    user = choose(qtbot, page, 0)
    assert count(file, "users", "acme-corp") < 600 < page.context.rows_of("users", EVERYONE)
    page.table.setFocus()
    with qtbot.waitSignal(page.context.runner.changed):
        edit_email(qtbot, window, "new@x.example")
    assert ask(file, "SELECT email FROM users WHERE id = ?", user) == [("new@x.example",)]


def test_an_act_on_many_records_asks_before_it_reads_them(
    qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path
) -> None:
    page, _ = open_long(qtbot, window, live, demo_path, 3 * PAGE)  # more than is read of a list at its top
    unlock(qtbot, window)
    page.table.selectAll()
    page.commands.trigger("delete")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "rows of d1:dev are read; whoever else asks it waits meanwhile." in " ".join(labels(asked))
    click(qtbot, asked.cancel_button)


def test_a_deletion_of_many_says_what_it_reads_and_reads_no_more(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, users = open_live(qtbot, window, production), count(file, "users")
    monkeypatch.setattr("models.engine.MOST_READ", 12 * users - 1)
    monkeypatch.setattr("app.ui.tabs.common.selection.LOOKED_AT", 1)
    unlock(qtbot, window)
    page.table.selectAll()
    delete = page.commands.action("delete")
    with monkeypatch.context() as fewer:
        fewer.setattr(D1Database, "most_at_once", users - 1)
        page.commands.update()
        assert not delete.isEnabled() and f"At most {users - 1} users are changed at once" in delete.toolTip()
        # Of a list whose length is an estimate only reading tells, which ends there.
        fewer.setattr(page.model, "estimated", True)
        fewer.setattr(D1Database, "most_at_once", 5)
        page.commands.update()
        page.commands.trigger("delete")
        refused = dialog(qtbot, window, ErrorDialog)
        assert "At most 5 users are changed at once here; nothing was changed." in words(refused)
        click(qtbot, refused.close_button)
    page.commands.update()
    page.commands.trigger("delete")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert f"up to {12 * users:,} rows of d1:prod are read, and charged" in words(asked)
    before = read_since(window)
    click(qtbot, asked.confirm_button)
    assert not delete.isEnabled() and "still being read" in delete.toolTip()
    qtbot.waitUntil(lambda: f"Reading {users} users…" in window.busy.label.text())
    confirm = dialog(qtbot, window, ConfirmDialog)
    assert f"Delete {users} users?" in words(confirm)
    read = read_since(window, before)
    assert users < read < 12 * users + 4_000, "with the tables, and the newest entries of the chains"
    assert delete.isEnabled()
    click(qtbot, confirm.cancel_button)
    closed(qtbot, window, ConfirmDialog)
    edge.delay = 0.5
    page.commands.trigger("delete")
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    qtbot.waitUntil(window.busy.cancel_button.isVisible)
    click(qtbot, window.busy.cancel_button)
    qtbot.waitUntil(delete.isEnabled)
    assert not window.busy.isVisible() and count(file, "users") == users


def window_rows(window: MainWindow) -> int:
    assert window.context is not None
    return window.context.opened.sizes["users"]


def test_a_search_of_everything_says_what_it_reads(
    qtbot: QtBot, window: MainWindow, long: tuple[RecordTab, Path]
) -> None:
    before = read_since(window)
    press("Ctrl+K")
    window.search.setText("acme")
    qtbot.waitUntil(window.search.is_open)
    assert "press Enter to search" in " ".join(labels(window.search.popup))
    with qtbot.waitSignal(window.search.answered):
        press("Return")
    assert read_since(window, before) > count(long[1], "users")


def test_a_dialog_on_production_says_so(qtbot: QtBot, window: MainWindow, production: str) -> None:
    open_live(qtbot, window, production)
    click(qtbot, window.strip.unlock_button)
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "PRODUCTION · d1:prod" in words(asked) and asked.windowTitle().startswith("PRODUCTION")
    press("Escape")
    for connection, title in (
        (None, "Connect to D1"),
        (Connections().named("prod"), "PRODUCTION · d1:prod · "),
    ):
        window.connecting.ask_connect(connection)
        form = dialog(qtbot, window, ConnectDialog)
        assert ("PRODUCTION · d1:prod" in words(form)) is (connection is not None), "it may be of another"
        assert form.windowTitle().startswith(title)
        press("Escape")
        closed(qtbot, window, ConnectDialog)


def test_a_token_that_is_missing_is_asked_for(
    qtbot: QtBot, window: MainWindow, edge: Edge, live: Live, file: Path
) -> None:
    Connections().add(NamedConnection("prod", ACCOUNT, live.ids[file], "", edge.base))
    window.open("d1:prod")
    asked = dialog(qtbot, window, TokenDialog)
    asked.token.setText(TOKEN)
    with qtbot.waitSignal(window.opened):
        press("Return")
    assert window.strip.isVisible() and not window.strip.mark.isVisible()


def test_what_cannot_be_opened_is_said_and_a_connection_that_is_gone_no_longer_offered(
    qtbot: QtBot, window: MainWindow, live: Live
) -> None:
    window.settings.add_recent("d1:gone")
    window.open("d1:gone")
    assert "no connection d1:gone" in error(qtbot, window)
    assert window.settings.recent == ()
    Connections().add(NamedConnection("dev", "", "no-such-id", "", live.address))
    window.open("d1:dev")
    assert "No database no-such-id" in error(qtbot, window)
    Connections().add(
        NamedConnection("live", "", "no-such-id", "", live.address, production=True, colour="red")
    )
    window.open("d1:live")
    told = dialog(qtbot, window, ErrorDialog)
    assert "PRODUCTION · d1:live" in words(told) and told.windowTitle().startswith("PRODUCTION")
    press("Escape")


def test_an_act_on_what_is_shown_takes_two_requests(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path
) -> None:
    open_live(qtbot, window, production)
    unlock(qtbot, window)
    page = go(qtbot, window, 2)
    choose(qtbot, page, 0)
    active = "SELECT sum(active) FROM webhook_destinations"
    before = ask(file, active)
    edge.calls.clear()
    page.commands.trigger("deactivate" if page.commands.action("deactivate").isEnabled() else "activate")
    qtbot.waitUntil(lambda: ask(file, active) != before)
    writes = [b"UPDATE" in body and b"audit_chain" in body for body in edge.calls]
    assert writes.index(True) == 1, edge.calls


@pytest.fixture
def out(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person has a tenant exported to; copies are put beside it."""
    folder = file.parent / "out"
    monkeypatch.setattr("app.ui.tabs.tenants.export_erase.ask_new_folder", lambda *asked, **how: folder)
    monkeypatch.setattr(paths, "home", lambda: file.parent)
    return folder


@pytest.mark.usefixtures("production")
def test_all_tenants_are_listed_and_one_exported_and_erased(
    qtbot: QtBot, window: MainWindow, edge: Edge, file: Path, out: Path
) -> None:
    open_live(qtbot, window, "d1:prod")
    context = window.context
    assert context is not None
    press("Ctrl+T")
    found = current(window)
    assert isinstance(found, TenantsTab)
    qtbot.waitUntil(lambda: found.filters.count.text() != "")
    assert f"Users: {count(file, 'users')}" in found.totals.said()
    assert f"Entries: {count(file, 'audit_chain'):,}" in found.totals.said()
    name, row = choose(qtbot, found, 2), found.list.current_row()
    assert row is not None and row[0] == name
    chosen = row[-1]
    assert not found.commands.action(ERASE).isEnabled()  # writes are locked
    assert found.chain.minimumSizeHint().width() < 330
    assert not found.chain.timeline.isVisible()  # what it reads is asked for
    click(qtbot, found.chain.more)
    qtbot.waitUntil(found.chain.timeline.isVisible)
    found.commands.trigger(EXPORT)
    click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    qtbot.waitUntil(lambda: "exported to out" in words(window))
    told = json.loads((out / "manifest.json").read_text())
    assert told["tables"]["users"]["rows"] == chosen.users
    assert told["chain"]["entries"] == chosen.entries
    unlock(qtbot, window)
    choose(qtbot, found, 2)
    qtbot.waitUntil(found.commands.action(ERASE).isEnabled)
    found.commands.trigger(ERASE)
    box = dialog(qtbot, window, ConfirmDialog)
    said = box.sentence.text()
    assert f"A copy of all that goes is put first in this folder:\n{file.parent}\n" in said
    price = r"up to [\d,]+ rows of d1:prod are read and up to [\d,]+ rows written, and charged"
    assert re.search(price, said)
    box.typed.setText(name)
    # It is not known at first whether it is erased.
    edge.faults = ["lost after", *["lost before"] * 4]
    cast("D1Database", context.opened.database)._unanswered.seconds = 0
    click(qtbot, box.confirm_button)
    unknown = dialog(qtbot, window, NotesDialog)
    assert (
        "It is not known whether" in unknown.windowTitle() and "before-erasing" in unknown.text.toPlainText()
    )
    unknown.reject()
    closed(qtbot, window, NotesDialog)
    click(qtbot, button(notice(window, "It is not known whether this was saved"), "Check again"))
    told = dialog(qtbot, window, NotesDialog)
    assert "has what has gone" in told.text.toPlainText()
    told.reject()
    qtbot.waitUntil(lambda: is_settled(window))
    assert found.list.current_id() == name and found.model.record_id(0) == name, "it has moved to the top"
    assert window.context is context, "it stays open"
    assert name in context.erased
    assert ask(file, "SELECT count(*) FROM users WHERE tenant_id = ?", name) == [(0,)]
    (copy,) = file.parent.glob("prod.before-erasing.*.sqlite")
    assert len(ask(copy, "SELECT id FROM users WHERE tenant_id = ?", name)) == chosen.users


@pytest.mark.usefixtures("production")
def test_an_erasure_that_was_answered_by_a_limit_and_is_in_is_told_whole(
    qtbot: QtBot, window: MainWindow, edge: Edge, file: Path
) -> None:
    """And what is kept of the tenant here is let go then, as where the answer came."""
    open_live(qtbot, window, "d1:prod")
    context = window.context
    assert context is not None
    press("Ctrl+T")
    found = current(window)
    assert isinstance(found, TenantsTab)
    qtbot.waitUntil(lambda: found.filters.count.text() != "")
    unlock(qtbot, window)
    name = choose(qtbot, found, 2)
    qtbot.waitUntil(found.commands.action(ERASE).isEnabled)
    found.commands.trigger(ERASE)
    box = dialog(qtbot, window, ConfirmDialog)
    box.typed.setText(name)
    edge.faults = ["limited after"]
    with qtbot.waitSignal(context.runner.failed):
        click(qtbot, box.confirm_button)
        wait = dialog(qtbot, window, WaitDialog)
        qtbot.waitUntil(lambda: not edge.faults)
        qtbot.waitUntil(lambda: not wait.isVisible() or wait.cancel_button.isEnabled())
        click(qtbot, wait.cancel_button)
    refused = dialog(qtbot, window, ErrorDialog)
    assert "it is not done, as far as that tells" in words(refused)
    refused.reject()
    assert name not in context.erased
    told = dialog(qtbot, window, NotesDialog)
    assert f"{name} is erased: " in told.windowTitle() and name in context.erased
    told.reject()
    assert ask(file, "SELECT count(*) FROM users WHERE tenant_id = ?", name) == [(0,)]


@pytest.mark.parametrize("signed", [True, False])
def test_a_chain_whose_table_others_dropped_is_known_to_be_gone(
    qtbot: QtBot, window: MainWindow, production: str, file: Path, *, signed: bool
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    _, context = open_live(qtbot, window, production), window.context
    assert context is not None
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: context.verdict.outcome is not None and bool(context.verdict.outcome.checkpoint))
    if not signed:
        (paths.checkpoints_dir() / FILE).unlink()
    unlock(qtbot, window)
    execute(file, "DROP TABLE audit_chain")
    with qtbot.waitSignal(context.outside.went_back):
        context.outside.look()
    assert context.lock.is_locked and window.shield.text() == "Audit chain gone"
    qtbot.waitUntil(lambda: audit.empty_state.title.text() == "Not in this database")
    assert audit.banner.tone() is Tone.WARN and "and has no entry now" in audit.banner.headline()
    go_on = audit.commands.refusal("verify"), audit.commands.refusal("go_to")
    assert go_on == (None, "This database has no table audit_chain.")
    with qtbot.waitSignal(audit.verified):
        audit.commands.trigger("verify")
    assert audit.banner.tone() is (Tone.BAD if signed else Tone.WARN)
    assert (audit.findings.count > 1) is signed and audit.banner.detail() != ""
    window.close_file()
    open_live(qtbot, window, production)  # what was found is kept
    assert window.context is not None
    verdict = window.context.verdict
    qtbot.waitUntil(lambda: verdict.is_broken if signed else verdict.lost_end is not None)
    press("Ctrl+2")
    audit = current(window)
    assert isinstance(audit, AuditTab)
    qtbot.waitUntil(lambda: audit.banner.tone() is (Tone.BAD if signed else Tone.WARN))
    assert audit.commands.refusal("checkpoints") is None
