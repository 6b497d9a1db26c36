"""The acts that tabs have in common: create, edit and delete a record, and show its history."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.services.records.change import Change
from app.ui.shell.actions import ActionSpec, Place
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Kind
from app.ui.theme.icons import Icon


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
        partial(_delete, tab, function, name),
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


def _delete(tab: RecordTab, function: Callable[..., Change], name: str) -> None:
    from app.ui.tabs.common.deleting import delete_selected  # noqa: PLC0415 - with its question

    delete_selected(tab, function, name)
