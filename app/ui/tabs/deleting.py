"""Deleting the selected records: at once where it is one that can be brought back, else after a question."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.services.list_query import ListQuery
from app.services.listing import Keys, Lists
from app.services.writing import Change
from app.ui.context import Context
from app.ui.formatting import counted
from app.ui.tabs.record_tab import RecordTab
from app.ui.widgets.confirm_dialog import LISTED, ConfirmDialog


@dataclass(frozen=True, slots=True)
class Doomed:
    """The records that a question is about: the ids of all, the names of the first few, how many tenants."""

    ids: tuple[Any, ...]
    names: tuple[str, ...]
    tenants: int


def delete_selected(tab: RecordTab, function: Callable[..., Change], name: str) -> None:
    """Deletes exactly the records selected now with `function(database, ids, …)`.

    `name` is the column that names a record in the question. One record goes without a question, unless the
    preferences ask for it; undo brings back both.
    """
    query, keys = tab.list.selected_keys()
    tab.context.tasks.read(
        partial(_doomed, tab.context.lists), query, keys, name, on_done=partial(_decide, tab, function)
    )


def _decide(tab: RecordTab, function: Callable[..., Change], doomed: Doomed) -> None:
    context: Context = tab.context
    act = partial(context.act, function, list(doomed.ids), on_done=lambda change: tab.go_on())
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


def _doomed(lists: Lists, database: Any, query: ListQuery, keys: Keys, name: str) -> Doomed:
    ids: list[Any] = []
    names: list[str] = []
    tenants: set[Any] = set()
    for record_id, label, tenant in lists.rows(database, query, keys, ("id", name, "tenant_id")):
        if record_id is not None:
            ids.append(record_id)
            tenants.add(tenant)
            if len(names) < LISTED:
                names.append(f"{label or record_id} · {tenant}")
    return Doomed(tuple(ids), tuple(names), len(tenants))
