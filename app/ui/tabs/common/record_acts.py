"""The acts that tabs have in common: create, edit and delete a record, and show its history."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.services.records.change import Change
from app.ui.shell.actions import ActionSpec, Place
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Kind
from app.ui.theme.icons import Icon
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


def create_act(tab: RecordTab, text: str, run: Callable[[], None]) -> ActionSpec:
    """Opens the form for a new record; the tab's main button."""
    return ActionSpec(
        "create",
        text,
        Icon.ADD,
        run,
        lambda: tab.context.cannot_write,
        "Ctrl+Shift+N",
        Kind.PRIMARY,
        Place.FILTER_ROW,
    )


def edit_act(tab: RecordTab, text: str, run: Callable[[Any], object]) -> ActionSpec:
    """Calls `run` with the whole selected record, to open its form."""
    return ActionSpec(
        "edit",
        text,
        Icon.EDIT,
        lambda: tab.current.when_whole(run),
        partial(tab.selection.refusal, single=True),
        "F2",
        place=Place.INSPECTOR,
    )


def delete_act(tab: RecordTab, function: Callable[..., Change], name: str) -> ActionSpec:
    """Deletes the selected records as `delete_selected` does."""
    return ActionSpec(
        "delete",
        "Delete",
        Icon.DELETE,
        partial(delete_selected, tab, function, name),
        tab.selection.refusal,
        "Del",
        place=Place.INSPECTOR,
    )


def history_act(tab: RecordTab) -> ActionSpec:
    """Shows everything that the audit chain says of the selected record."""
    return ActionSpec(
        "history",
        "Audit history",
        Icon.HISTORY,
        lambda: tab.selection.with_ids(lambda ids: tab.history_wanted.emit(str(ids[0]))),
        partial(tab.selection.refusal, single=True, writes=False),
        "Ctrl+H",
    )


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
