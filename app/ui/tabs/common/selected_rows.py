"""What is selected in a list, by keys, whatever order its rows take and however late their keys come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QObject, Signal

from app.itemmodels.columns import Row
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.keys import joined, places
from app.services.records.known import Known
from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import Table
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.widgets.data_table import DataTable
from app.workers.runner import Task
from models.engine import Database
from models.errors import TenantAdminError, TooManyAtOnce

MOST_RANGES = 500
"""Of a selection that stays in another order: with more of them Qt takes long to paint."""


_OFF = QItemSelectionModel.SelectionFlag.Deselect | QItemSelectionModel.SelectionFlag.Rows


@dataclass(frozen=True, slots=True, eq=False)
class SeveralChosen:
    """Several selected rows by their keys, until their places in another order are known: the key of the
    current one, which is selected alone where they are too many to stay. They are not selected where another
    row is, or, of those that come `back`, where a person has gone elsewhere.
    """

    count: int
    keys: Keys
    current: Key | None
    known: Known
    back: Callable[[], bool] | None = None
    """Whether a person has."""


class SelectedRows(QObject):
    """Of the list of `table`, shown in `view` with the rows of `model`; `ListController` reads them.

    `lost()` when the record that was current is not in the list that was opened.
    """

    lost = Signal()
    _top: tuple[Key, Any] | None = None
    """The greatest key of the list or its table, and the id that its record had when the keys were read."""
    _led_to: tuple[Key, Any] | None = None
    """The key and id of a record that was just found by its id, until its row has come."""
    _lists: Lists
    table: Table
    view: DataTable
    model: VirtualTableModel
    is_cut_short: bool
    _context: Context
    _shown: ListQuery | None
    _chosen: SeveralChosen | None
    _tasks: list[Task]
    _awaiting: list[tuple[Callable[[], object], Callable[[str], object]]]

    def current_row(self) -> Row | None:
        """What the list has of the current record; None when there is none or it is not at hand yet."""
        index = self.view.chosen()
        return self.model.record(index.row()) if index.isValid() else None

    def current_id(self) -> Any:
        """The id of that record, NULL being None, too."""
        row = self.current_row()
        return None if row is None else row[0]

    def selected_count(self) -> int:
        return sum(map(len, self.view.selected_ranges()))

    def selected_keys(self) -> tuple[ListQuery, Keys]:
        """The list's query and exactly the keys of the rows selected now, in their order."""
        return self._shown_query(), self._keys_of(self.view.selected_ranges())

    def when_selected(
        self, use: Callable[[ListQuery, Keys], object], dropped: Callable[[str], object] | None = None
    ) -> None:
        """Calls `use` with what `selected_keys` gives of the rows selected now, once all keys have come.

        A long list shows its first rows before the rest of its keys is read. Where other rows are shown by
        then, or the keys cannot be read, it is `dropped(words)`, and the words are said unless that is given.
        """
        ranges, query = self.view.selected_ranges(), self._shown_query()
        if self.model.complete:
            use(*self.selected_keys())
        else:
            self._awaiting.append((lambda: use(query, self._keys_of(ranges)), dropped or self._context.say))
            if self.is_cut_short:
                self._read_keys()

    def _keys_of(self, ranges: Sequence[range]) -> Keys:
        return joined(*(self.model.keys[rows.start : rows.stop] for rows in ranges))

    def when_agreed(
        self,
        use: Callable[[ListQuery, Keys], object],
        declined: Callable[[], object],
        *,
        each: int,
        most: int | None = None,
        refused: Callable[[TenantAdminError], object] = lambda error: None,
    ) -> None:
        """The same for what reads `each` of these rows so often: before many, where that is charged, a person
        is asked. Where it is dropped, which is said, it counts as `declined`, too. More than `most` are
        `refused` before anything is read, unless only reading tells how many they are.
        """

        def ask(query: ListQuery, keys: Keys) -> None:
            if most is not None and len(keys) > most and not self.model.estimated:
                refused(TooManyAtOnce(counted(most, *self.table.noun)))
                return
            rows = len(keys) if most is None else min(len(keys), most)
            self._context.when_agreed(each * rows, partial(use, query, keys), self.view, declined)

        def dropped(words: str) -> None:
            self._context.say(words)
            declined()

        self.when_selected(ask, dropped)

    def all_keys(self) -> tuple[ListQuery, Keys | None]:
        """The list's query and the keys of every row; None while they are not all here."""
        return self._shown_query(), self.model.keys if self.model.complete else None

    @property
    def shown(self) -> ListQuery | None:
        """The query of the rows in sight; None where there are none to be."""
        return self._shown

    def _shown_query(self) -> ListQuery:
        """The query of the rows that are in sight, which may not be the one asked for last."""
        return self._shown or ListQuery(self.table.name)

    def _several(self) -> SeveralChosen | None:
        """What is selected, where that is several rows, and not found again yet in the order before."""
        if not self.view.selectionModel().hasSelection():
            return self._chosen
        count, (_, keys) = self.selected_count(), self.selected_keys()
        if count < 2:
            return None
        are_known = len(keys) == count and not self.model.estimated
        current = self.model.key(self.view.currentIndex().row())
        return SeveralChosen(count, keys if are_known else (), current, self.known())

    def known(self) -> Known:
        """Which records the rows of the list are now, as far as they were shown."""
        led_to = {} if self._led_to is None else dict([self._led_to])
        return Known(self.model.known_ids() | led_to, self._top)

    def _let_go(self, keys: Sequence[Key]) -> None:
        """Selects no more the rows that have other records by now: those that were selected have gone."""
        selection, gone = self.view.selectionModel(), 0
        for row in (place for place in map(self.model.row_of_key, keys) if place is not None):
            index = self.model.index(row, self.view.currentIndex().column())
            if selection.isRowSelected(row):
                gone += 1
                selection.select(index, _OFF)
                if row == self.view.currentIndex().row() and selection.hasSelection():
                    first = self.model.index(self.view.selected_ranges()[0].start, index.column())
                    selection.setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
        if gone:
            were = "was" if gone == 1 else "were"
            told = counted(gone, *self.table.noun)
            self._context.say(f"{told} of those selected {were} deleted by another program")

    def _choose_again(self) -> None:
        """Selects what was selected when the rows had another order, as far as it is there; unless a person
        has selected something since. Nothing until all keys are known.
        """
        chosen, keys = self._chosen, self.model.keys
        if chosen is None or not self.model.complete:
            return

        def found(ranges: list[range] | None) -> None:
            if chosen is not self._chosen:
                return
            self._chosen = None
            if self.view.selectionModel().hasSelection() if chosen.back is None else chosen.back():
                return
            if chosen.back is not None and not ranges:
                return  # the filters hide them, or they are too many: what is selected stays
            current = None if chosen.current is None else self.model.row_of_key(chosen.current)
            are_gone = ranges == [] and len(chosen.keys) > 0  # which the act that removed them says
            if not ranges and not are_gone:
                self._context.say(f"The selection of {counted(chosen.count, *self.table.noun)} did not stay")
                ranges = [] if current is None else [range(current, current + 1)]
            if not ranges:
                self.lost.emit()
                return
            self.view.select_ranges(ranges, ranges[0].start if current is None else current)
            self.view.bring_into_sight(self.view.currentIndex())

        lists, query, is_charged = self._lists, self._shown_query(), self._context.costs

        def find(database: Database) -> list[range] | None:
            wanted = chosen.keys
            if chosen.known.ids and not is_charged:
                wanted = replace(chosen.known, top=None).still(lists, database, query, wanted)
            return places(keys, wanted, MOST_RANGES)

        self._tasks.append(self._context.runner.read(find, on_done=found))

    def _drop(self, words: str) -> None:
        """What waits for the keys of the list that was shown is not done."""
        awaiting, self._awaiting = self._awaiting, []
        for _, dropped in awaiting:
            dropped(words)

    def _read_keys(self) -> None:
        """Reads the keys that are not here yet."""
        raise NotImplementedError
