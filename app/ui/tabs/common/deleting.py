"""Deleting the selected records: exactly those that the question was about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.services.records.change import Change
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import LISTED, ConfirmDialog
from app.ui.widgets.formatting import counted


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a bulk act is about, exactly, before the person is asked.

    The ids of all, names for the first few as a question lists them, and of how many tenants they are.
    """

    ids: tuple[Any, ...]
    names: tuple[str, ...]
    tenants: int


def freeze(rows: Iterable[tuple[Any, ...]]) -> Frozen:
    """Freezes rows of (id, name, tenant). A record without an id cannot be acted on and is left out."""
    ids: list[Any] = []
    names: list[str] = []
    tenants: set[Any] = set()
    for record_id, name, tenant in rows:
        if record_id is None:
            continue
        ids.append(record_id)
        tenants.add(tenant)
        if len(names) < LISTED:
            names.append(f"{name or record_id} · {tenant}")
    return Frozen(tuple(ids), tuple(names), len(tenants))


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
    context = tab.context
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
