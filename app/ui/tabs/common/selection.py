"""The selected rows of a tab: what may be done with them, with exactly which, and what is selected after."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject

from app.itemmodels.columns import Row
from app.services.records.tables import DECLARED
from app.ui.shell.context import Context
from app.ui.tabs.common.list_controller import ListController
from app.ui.widgets.dialogs import LISTED

LOOKED_AT = 300
"""Selected rows asked whether an act applies to them; the act itself asks every one."""

_NOWHERE = -1
"""Qt's row of no index."""


class Selection(QObject):
    """`Selection(context, rows, noun, parent)`: what is selected in the list `rows`.

    `noun` is what one record is called. Refusals are sentences that say why an act does not apply, None when
    it does.
    """

    def __init__(self, context: Context, rows: ListController, noun: str, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._rows = rows
        self._noun = noun
        self._place = _NOWHERE
        rows.loaded.connect(self._select_next)

    def count(self) -> int:
        return self._rows.selected_count()

    def records(self) -> list[Row]:
        """The selected rows that are at hand, at most some hundreds: enough to say what applies to them."""
        found = (self._rows.model.record(row) for row in self._rows.view.selected_rows()[:LOOKED_AT])
        return [record for record in found if record is not None]

    def with_ids(self, use: Callable[[list[Any]], Any]) -> None:
        """Calls `use` with the ids of exactly the rows selected now, read off the interface thread."""
        query, keys = self._rows.selected_keys()
        lists = self._context.lists
        self._context.runner.read(
            lambda database: list(lists.record_ids(database, query, keys)),
            on_done=lambda ids: use(ids) if ids else None,
        )

    def refusal(self, *, single: bool = False, writes: bool = True) -> str | None:
        """Why an act on the selection cannot apply."""
        if writes and self._context.cannot_write:
            return self._context.cannot_write
        count = self.count()
        if count == 0:
            return f"Select a {self._noun} first."
        if single and count > 1:
            return f"Select a single {self._noun}."
        return None

    def refusal_to_set(self, column: str, state: bool, already: str) -> str | None:
        """Why an act cannot give the rows a state: `already` when each one is known to have it."""
        refusal = self.refusal()
        if refusal is not None:
            return refusal
        records, place = self.records(), DECLARED[self._rows.table].names.index(column)
        known = len(records) == self.count()
        return already if known and all(bool(record[place]) is state for record in records) else None

    def go_on(self) -> None:
        """The selected rows may go by the person's own act; the one after them takes their place."""
        rows = self._rows.view.selected_rows()
        self._place = rows[0] if rows else self._rows.view.currentIndex().row()

    def _select_next(self, total: int) -> None:
        place, self._place = self._place, _NOWHERE
        if place != _NOWHERE and total and not self._rows.view.selectionModel().hasSelection():
            self._rows.view.select_row(min(place, total - 1))


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
