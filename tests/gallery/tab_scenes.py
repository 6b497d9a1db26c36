"""Notifications and planning runs in little room and in rarer states, and the dialogs that they open."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.services.records.tables import EVERYONE, Scope
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.notifications.composing import ComposeDialog
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.charts import KINDS, ChartsDialog
from app.ui.tabs.runs.parked import ParkedIdeasDialog
from app.ui.tabs.users import UsersTab
from app.ui.theme import Theme
from models.engine import raw
from tests.conftest import NOW
from tests.fixtures.context import make_context
from tests.fixtures.gateway import create_gateway
from tests.fixtures.sample import sample
from tests.gallery.registry import Registry, Shot

RUN_WITH_VERSIONS = """
SELECT run_id, phase FROM planning_artifacts WHERE version = 3 AND phase <> 'synthesis' ORDER BY id LIMIT 1
"""


def register(registry: Registry) -> None:
    """Add the tabs to `registry`."""
    registry.scene("tab-runs-narrow", (960, 540))(partial(_tab, RunsTab))
    registry.scene("tab-notifications-narrow", (960, 540))(partial(_tab, NotificationsTab))
    registry.scene("tab-runs-of-a-tenant")(partial(_tab, RunsTab, scope=Scope("acme-corp")))
    registry.scene("tab-runs-no-match")(no_match)
    registry.scene("tab-users-of-a-gateway")(partial(_tab, UsersTab, row=0, make=create_gateway))
    registry.scene("tab-runs-of-a-gateway")(partial(_tab, RunsTab, row=0, make=create_gateway))
    registry.scene("tab-runs-open", (1400, 880))(opened_run)
    registry.scene("tab-runs-open-small", (868, 400))(opened_run)
    registry.scene("dialog-parked-ideas", (1120, 620))(parked_ideas)
    for kind in KINDS:
        registry.scene(f"dialog-charts-{kind.key}", (1080, 720))(partial(charts, kind.key))
    registry.scene("dialog-charts-small", (900, 560))(partial(charts, "points"))
    registry.scene("dialog-compose", (640, 760))(compose)


def _open(theme: Theme, make: Callable[[Path], object] | None = None) -> tuple[Context, Callable[[], None]]:
    """An open file, of sample data unless `make` makes it, and what closes it."""
    folder = tempfile.TemporaryDirectory(prefix="gallery-")
    path = Path(folder.name) / "foundation-primary.sqlite"
    if make is None:
        sample(path, rows=600, tenants=6)
    else:
        make(path)
    context = make_context(path, theme, Settings(Path(folder.name)), lambda: NOW)

    def close() -> None:
        context.stop()
        folder.cleanup()

    return context, close


def _tab(
    kind: type[RecordTab],
    theme: Theme,
    *,
    scope: Scope | None = None,
    row: int = 2,
    make: Callable[[Path], object] | None = None,
) -> Shot:
    context, close = _open(theme, make)
    tab = kind(context)
    context.setParent(tab)
    if scope is not None:
        tab.set_scope(scope)
    tab.list.loaded.connect(lambda total: tab.table.select_row(row))
    tab.reload()
    return Shot(tab, ready=tab.details_shown, then=tab.table.setFocus, close=close)


def no_match(theme: Theme) -> Shot:
    """A filter that nothing matches, which offers to clear it."""
    context, close = _open(theme)
    tab = RunsTab(context)
    context.setParent(tab)
    tab.set_filter_text("zeppelin")
    return Shot(tab, ready=tab.list.loaded, close=close)


def opened_run(theme: Theme) -> Shot:
    """A run with several versions of a phase, and what differs between two of them."""
    context, close = _open(theme)
    database = context.opened.database
    with database.connection_context():
        ((run_id, phase),) = database.rows(raw(RUN_WITH_VERSIONS))
    tab = RunsTab(context)
    context.setParent(tab)
    tab.show_record(run_id)
    tab.details_shown.connect(lambda record_id: None if tab.opener.is_open else tab.open_page(phase))
    return Shot(tab, ready=tab.details_shown, close=close)


def compose(theme: Theme) -> Shot:
    """A notification that is written to all tenants."""
    context, close = _open(theme)
    dialog = ComposeDialog(context, None, ())
    context.setParent(dialog)
    dialog.to.all.setChecked(True)
    dialog.title_field.setText("Planning stands still on Sunday")
    dialog.message.setPlainText("From 8 to 9 no run goes on.\nWhat is planned by then is kept.")
    dialog.metadata.setPlainText('{"phase":"strategy"}')
    return Shot(dialog, close=close)


def charts(kind: str, theme: Theme) -> Shot:
    """What all runs say together."""
    context, close = _open(theme)
    dialog = ChartsDialog(context, EVERYONE)
    context.setParent(dialog)

    def choose() -> None:
        dialog.kinds.set_key(kind)
        dialog.kinds.changed.emit(kind)

    return Shot(dialog, ready=dialog.came, then=choose, close=close)


def parked_ideas(theme: Theme) -> Shot:
    """The parked ideas, one of them selected."""
    context, close = _open(theme)
    dialog = ParkedIdeasDialog(context)
    context.setParent(dialog)
    dialog.page.reload()

    def choose() -> None:
        dialog.page.table.select_row(1)
        dialog.page.table.setFocus()

    return Shot(dialog, ready=dialog.page.list.loaded, then=choose, close=close)
