"""What the acts of the tabs open before the window, and states of tabs that take more than an open file."""

from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from app import paths
from app.services.chain.checkpoint import Reason
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.tabs.common.views import save_view
from app.ui.tabs.runs.ready import WorthDialog
from app.ui.tabs.runs.searching import RunSearchDialog
from app.ui.tabs.users.adding import AddUsersDialog
from app.ui.tabs.webhooks.secrets import show_new
from app.ui.theme import Theme
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.later import later
from models.d1.database import D1Database
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign
from tests.fixtures.window import ask
from tests.gallery.live_scenes import live_window
from tests.gallery.registry import Registry, Shot
from tests.gallery.window_scenes import (
    DESTINATION_SECRET,
    LINES,
    SMALL,
    TABS,
    Preparation,
    WindowScenes,
    at_tenants,
    log_of_some,
    settled,
)

Act = Callable[[RecordTab], object]
EASE = (1280, 800)
_WITH_ROLES = "ALTER TABLE users ADD COLUMN name TEXT; ALTER TABLE users ADD COLUMN role TEXT"


def register(registry: Registry) -> None:
    """Add them to `registry`."""
    scenes = WindowScenes()
    for name, (tab, act, change) in ASKED.items():
        registry.scene(f"dialog-{name}")(partial(_asked, scenes, tab, act, change))
    for name, (tab, act) in STATES.items():
        for size, words in ((EASE, ""), (SMALL, "-small")):
            registry.scene(f"tab-{name}{words}", size)(partial(_state, scenes, tab, act))
    registry.scene("popup-views")(partial(_views, scenes))
    for name, (tab, act) in PRICED.items():
        priced = partial(_priced, act)
        registry.scene(f"dialog-live-{name}")(live_window(scenes, priced, dialog=True, tab=tab))
    for name, (tab, act) in PRICED_STATES.items():
        for size, words in ((EASE, ""), (SMALL, "-small")):
            registry.scene(f"tab-live-{name}{words}", size)(
                live_window(scenes, partial(_priced, act), tab=tab)
            )


def _asked(scenes: WindowScenes, tab: str, act: Act, change: Preparation | None, theme: Theme) -> Shot:
    """The dialog in front after an act, whose record is the third row."""
    shot = _window(scenes, tab, act, theme, change)
    return Shot(shot.widget, shot.ready, shot.then, _in_front, shot.close)


def _priced(act: Act, window: MainWindow) -> None:
    """On production whose writes are unlocked, where a person is asked before any more is read."""
    assert window.context is not None and window.workspace is not None
    window.context.lock.unlock()
    database = window.context.opened.database
    assert isinstance(database, D1Database)
    database.writable_until += 30  # so that a minute that is just over is not seen
    act(window.workspace.current())


def _views(scenes: WindowScenes, theme: Theme) -> Shot:
    """The list of the views of the users, two of them saved."""
    shot = _window(scenes, "users", _offers_views, theme)

    def picker() -> ViewPicker:
        window = shot.widget
        assert isinstance(window, MainWindow) and window.workspace is not None
        return window.workspace.current().view_picker

    def close() -> None:
        picker().hidePopup()
        assert shot.close is not None
        shot.close()

    return Shot(shot.widget, shot.ready, shot.then, lambda: picker().popup, close)


def _state(scenes: WindowScenes, tab: str, act: Act, theme: Theme) -> Shot:
    return _window(scenes, tab, act, theme)


def _window(
    scenes: WindowScenes, tab: str, act: Act, theme: Theme, change: Preparation | None = None
) -> Shot:
    def then(window: MainWindow) -> None:
        assert window.workspace is not None
        act(window.workspace.current())

    until = at_tenants if tab == "tenants" else settled(TABS.index(tab))
    return scenes.window(theme, then, change=change, until=until)


def _in_front() -> QWidget:
    """The dialog before all others."""
    shown = [one for one in QApplication.topLevelWidgets() if isinstance(one, Dialog) and one.isVisible()]
    behind = {one.parentWidget() for one in shown}
    return next(one for one in shown if one not in behind)


def _does(name: str) -> Act:
    return lambda tab: tab.commands.trigger(name)


def _all_do(name: str) -> Act:
    def act(tab: RecordTab) -> None:
        tab.table.selectAll()
        tab.commands.trigger(name)

    return act


def _select(tab: RecordTab, *rows: int) -> None:
    tab.table.select_ranges([range(row, row + 1) for row in rows], rows[-1])


def _some_do(name: str, *rows: int) -> Act:
    def act(tab: RecordTab) -> None:
        _select(tab, *rows)
        tab.commands.trigger(name)

    return act


def _filled(name: str, field: str, text: str) -> Act:
    """A form that says at a field what is wrong with it."""

    def act(tab: RecordTab) -> None:
        tab.commands.trigger(name)
        form = _in_front()
        assert isinstance(form, FormDialog)
        editor = form.editor(field)
        assert isinstance(editor, QLineEdit)
        editor.setText(text)
        form.submit()

    return act


def _of_status(name: str, status: str) -> Act:
    """An act on a run with that status."""

    def act(tab: RecordTab) -> None:
        ((run,),) = ask(
            tab.context.opened.path,
            "SELECT id FROM planning_runs WHERE status = ? ORDER BY id LIMIT 1",
            status,
        )
        tab.details_shown.connect(lambda key: tab.commands.trigger(name) if key == run else None)
        tab.show_record(run)

    return act


def _all_of_a_tenant(tab: RecordTab) -> None:
    """Whose name is to be typed then."""
    tab.exact.add("tenant_id", "sakura-foods")
    tab.list.loaded.connect(lambda total: _all_do("delete")(tab) if total == 2 else None)


def _saves_view(tab: RecordTab) -> None:
    tab.set_filter_text("acme")
    save_view(tab)


def _keeps_views(tab: RecordTab) -> None:
    """Two views, the second of which shows."""
    for words, name in (("acme", "All of acme"), ("ops", "Who is on call at night and on Sundays")):
        tab.set_filter_text(words)
        save_view(tab)
        form = _in_front()
        assert isinstance(form, FormDialog)
        (field,) = form.values()
        editor = form.editor(field)
        assert isinstance(editor, QLineEdit)
        editor.setText(name)
        form.submit()


def _lists_views(tab: RecordTab) -> None:
    _keeps_views(tab)
    tab.open_views()


def _offers_views(tab: RecordTab) -> None:
    """Once their forms have closed and given back the keys, which closes any pop-up."""
    _keeps_views(tab)
    later(tab, 100, tab.view_picker.showPopup)


def _proves(tab: RecordTab) -> None:
    sign(tab.context.opened.path, paths.checkpoints_dir(), now=NOW - 86_400, reason=Reason.REQUEST)
    tab.commands.trigger("proof")


def _reads_finding(tab: RecordTab) -> None:
    assert isinstance(tab, AuditTab)
    table = tab.findings.table
    tab.verified.connect(lambda _: table.opened.emit(table.model().index(0, 0)))
    tab.verify()


def _searches(tab: RecordTab) -> None:
    tab.commands.trigger("search_texts")
    search = _in_front()
    assert isinstance(search, RunSearchDialog)
    search.line.setText("cold")


def _asks_worth(tab: RecordTab) -> None:
    WorthDialog(tab.context, None, tab).open_once()


def _shows_new_secret(tab: RecordTab) -> None:
    show_new(tab.context, "Ops alerts", DESTINATION_SECRET, tab)


def _accepts_start(tab: RecordTab) -> None:
    assert isinstance(tab, AuditTab)
    tab.verified.connect(lambda _: tab.panel.ask_accept())
    tab.verify()


def _leaves_lines_out(tab: RecordTab) -> None:
    """Makes users of a list, two of whose lines make none."""
    dialog = AddUsersDialog(tab.context, None, tab)
    dialog.judged.connect(dialog.submit)
    dialog.open_once()
    dialog.lines.box.setPlainText(LINES)


def _leaves_a_form(tab: RecordTab) -> None:
    _filled("create", "email", "ada at acme")(tab)
    form = _in_front()
    assert isinstance(form, FormDialog)
    form.reject()


def _sends_again(tab: RecordTab) -> None:
    """Several deliveries of a webhook."""
    dialog = log_of_some(tab.context, tab)
    dialog.open_once()

    def again() -> None:
        if not dialog.table.model().rowCount():
            later(dialog, 50, again)
            return
        dialog.table.selectAll()
        later(dialog, 100, dialog.send_again)

    later(dialog, 50, again)


ASKED: dict[str, tuple[str, Act, Preparation | None]] = {
    "new-user-wrong": ("users", _filled("create", "email", "ada at acme"), None),
    "invalidate-several": ("users", _all_do("invalidate"), None),
    "move-several": ("users", _some_do("move", 0, 3, 9), None),
    "delete-tenant-users": ("users", _all_of_a_tenant, None),
    "edit-others-several": ("users", _some_do("edit_others", 0, 3, 9), _WITH_ROLES),
    "left-out-lines": ("users", _leaves_lines_out, None),
    "discard-changes": ("users", _leaves_a_form, None),
    "save-view": ("users", _saves_view, None),
    "views": ("users", _lists_views, None),
    "go-to-entry": ("audit", _does("go_to"), None),
    "go-to-entry-wrong": ("audit", _filled("go_to", "entry", "nonsense"), None),
    "proof-not-covered": ("audit", _does("proof"), None),
    "proof-goes-along": ("audit", _proves, None),
    "accept-start": ("audit", _accepts_start, "DELETE FROM audit_chain WHERE seq <= 1200"),
    "finding": ("audit", _reads_finding, "UPDATE audit_chain SET payload = '{}' WHERE seq = 3000"),
    "duplicate-webhook": ("webhooks", _does("duplicate"), None),
    "delete-webhooks": ("webhooks", _some_do("delete", 0, 1, 4), None),
    "send-again": ("webhooks", _sends_again, None),
    "new-secret": ("webhooks", _shows_new_secret, None),
    "event-receivers": ("webhooks", _does("event_receivers"), None),
    "compose-empty": ("notifications", _does("create"), None),
    "delete-notifications": ("notifications", _all_do("delete"), None),
    "mark-all-read": ("notifications", _does("read_all"), None),
    "kill-run": ("runs", _of_status("kill", "running"), None),
    "kill-runs": ("runs", _all_do("kill"), None),
    "pause-runs": ("runs", _all_do("pause"), None),
    "cancel-run": ("runs", _of_status("cancel", "running"), None),
    "delete-running": ("runs", _of_status("delete", "running"), None),
    "park-idea": ("runs", _does("park"), None),
    "new-run": ("runs", _does("create"), None),
    "copy-run": ("runs", _does("copy_run"), None),
    "compare-runs": ("runs", _some_do("compare", 0, 1, 2), None),
    "search-texts": ("runs", _searches, None),
    "search-texts-at-first": ("runs", _does("search_texts"), None),
    "score-or-revenue": ("runs", _asks_worth, None),
    "erase-tenant": ("tenants", _does("erase"), None),
    "export-tenant": ("tenants", _does("export_data"), None),
}


def _notices_new(tab: RecordTab) -> None:
    ask(
        tab.context.opened.path,
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'new-' || id, tenant_id, 'new.' || email, created_at, updated_at FROM users LIMIT 3",
    )
    tab.context.outside.look()


STATES: dict[str, tuple[str, Act]] = {
    "users-several": ("users", lambda tab: tab.table.selectAll()),
    "webhooks-several": ("webhooks", lambda tab: _select(tab, 0, 1, 4)),
    "notifications-several": ("notifications", lambda tab: _select(tab, 0, 1, 4)),
    "notifications-grouped": ("notifications", _does("groups")),
    "runs-several": ("runs", lambda tab: _select(tab, 0, 1, 4)),
    "audit-several": ("audit", lambda tab: _select(tab, 0, 1, 4)),
    "users-by-values": ("users", lambda tab: tab.exact.add("tenant_id", "acme-corp")),
    "users-new-rows": ("users", _notices_new),
}


def _asks_much(act: Act) -> Act:
    def asks(tab: RecordTab) -> None:
        with pytest.MonkeyPatch.context() as little:
            little.setattr("models.engine.MOST_READ", 1)
            act(tab)

    return asks


PRICED: dict[str, tuple[str, Act]] = {
    "delete-users": ("users", _all_do("delete")),
    "invalidate-users": ("users", _all_do("invalidate")),
    "move-users": ("users", _some_do("move", 0, 3, 9)),
    "kill-runs": ("runs", _all_do("kill")),
    "delete-notifications": ("notifications", _all_do("delete")),
    "compose": ("notifications", _does("create")),
    "verify-range": ("audit", _does("verify_range")),
    "go-to-entry": ("audit", _does("go_to")),
    "search-texts": ("runs", _does("search_texts")),
    "receivers": ("webhooks", _does("event_receivers")),
}
PRICED_STATES: dict[str, tuple[str, Act]] = {
    "users-price": ("users", _asks_much(lambda tab: tab.set_filter_text("acme"))),
    "audit": ("audit", lambda tab: tab.table.select_row(1)),
    "notifications": ("notifications", lambda tab: tab.table.select_row(1)),
    "webhooks": ("webhooks", lambda tab: tab.table.select_row(1)),
    "runs": ("runs", lambda tab: tab.table.select_row(1)),
}
