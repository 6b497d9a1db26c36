"""Deleting the selected records: at once where it is one that can be brought back, else after a question."""

from collections.abc import Callable
from functools import partial

from app.services.records.change import Change
from app.ui.shell.context import Context
from app.ui.tabs.common.frozen import Frozen, freeze
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import counted


def delete_selected(tab: RecordTab, function: Callable[..., Change], name: str) -> None:
    """Deletes exactly the records selected now with `function(database, ids, …)`.

    `name` is the column that names a record in the question. One record goes without a question, unless the
    preferences ask for it; undo brings back both.
    """
    lists, (query, keys) = tab.context.lists, tab.list.selected_keys()
    tab.context.runner.read(
        lambda database: freeze(lists.rows(database, query, keys, ("id", name, "tenant_id"))),
        on_done=partial(_decide, tab, function),
    )


def _decide(tab: RecordTab, function: Callable[..., Change], doomed: Frozen) -> None:
    context: Context = tab.context
    act = partial(tab.act, function, list(doomed.ids))
    if not doomed.ids:
        return
    if len(doomed.ids) == 1 and not context.settings.confirm_deletion:
        act()
        return
    count = counted(len(doomed.ids), *tab.spec.noun)
    of_whom = f" of {counted(doomed.tenants, 'tenant')}" if doomed.tenants > 1 else ""
    dialog = ConfirmDialog(
        context.theme,
        f"Delete {count}?",
        f"{count}{of_whom} will be deleted, and the audit chain records it. Undo brings them back."
        if len(doomed.ids) > 1
        else "It will be deleted, and the audit chain records it. Undo brings it back.",
        action=f"Delete {count}",
        items=doomed.names,
        total=len(doomed.ids),
        parent=tab,
    )
    dialog.accepted.connect(act)
    dialog.open_once()
