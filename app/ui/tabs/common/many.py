"""What several selected records have in common and where they differ, in the inspector."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Row
from app.services.records.lists import READ_EACH
from app.services.records.stored_times import epoch_of
from app.services.records.tables import ColumnKind, TableColumn
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label, extra_of, field_of, instant
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.common.selection import COUNTED, LOOKED_AT, Selection
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import first_line, grouped
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.panes import Field, FieldList

_COUNTED: Final = (ColumnKind.WORD, ColumnKind.FLAG, ColumnKind.PRESENCE)
"""Of so many records that they are counted in the background, these alone: the others differ in each."""
_NEVER: Final = (ColumnKind.KEY, ColumnKind.ID, ColumnKind.JSON)
_TOLD, _LONGEST = 7, 60
"""Values that are told of one column, and their characters."""
_SOON_MS: Final = 30
"""While a key is held no selection is more than passed."""

_SHARED, _DIFFERENT = "All of them", "They differ"
_COUNTING = "What they have in common is being counted…"
_ON_DEMAND = (
    f"Of more than {LOOKED_AT} records what they have in common is read when you ask for it: up to {{}} rows"
)
_TOO_MANY = "They are too many to tell what they have in common."


class ManyPart(QWidget):
    """`ManyPart(context, selection, rows, words)`: the columns in which all records selected are alike, and
    of the others how many have which value. What the list is behind with, or has not at hand, is counted
    first. `words` are those for a value of a column that is not told as it is stored.

    `told` when it says what holds of the selection.
    """

    told = Signal()

    def __init__(
        self,
        context: Context,
        selection: Selection,
        rows: ListController,
        words: Mapping[str, Callable[[Any], str]],
    ) -> None:
        super().__init__()
        self._context, self._selection, self._rows, self._own_words = context, selection, rows, words
        columns = [column for column in rows.table.columns if column.listed and column.kind not in _NEVER]
        own = extra_of(context, rows.table)
        self._columns = [*(column for column in columns if self._is_there(column)), *own]
        counted = (column.name for column in self._columns if column.is_declared and column.kind in _COUNTED)
        selection.look_at(counted, [column.name for column in own])
        self.shared, self.different = FieldList(context.theme), FieldList(context.theme)
        self._shared_title, self._different_title = Label(_SHARED, Look.SECTION), Label("", Look.SECTION)
        self._different_title.setText(_DIFFERENT)
        self.note = Label("", Look.DIM, wrap=True)
        self.read_button = push_button(context.theme, "Read it", selection.count)
        in_column(
            self._different_title,
            self.different,
            self._shared_title,
            self.shared,
            self.note,
            in_row(self.read_button, None),
            within=self,
            spacing=4,
        )
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._show)
        self._told_of: list[range] = []
        self._show_fields([], [])

    def show_soon(self) -> None:
        self._soon.start()

    def show_row(self, row: Row) -> None:
        """What the list has of a single record, which is there no more, in place of what several share."""
        self._soon.stop()
        self._told_of = []
        names = self._rows.table.names
        there = filter(self._is_there, (column for column in self._rows.table.columns if column.listed))
        told = ((column, row[names.index(column.name)]) for column in there)
        self._show_fields([field_of(self._context, *one) for one in told if one[1] not in (None, "")], [])
        self._shared_title.hide()

    def _is_there(self, column: TableColumn) -> bool:
        stored = self._context.opened.schema.columns.get(self._rows.table.name, ())
        return not stored or column.source in stored

    def _show(self) -> None:
        if self._rows.selected_count() < 2:
            return
        ranges = self._rows.view.selected_ranges()
        found = self._selection.spread([column.name for column in self._columns])
        if found is None:
            if ranges != self._told_of:
                self._show_fields([], [], self._why_not())
            if self._is_at_hand():  # known when the act that is under way has ended
                self._soon.start()
            return
        self._told_of = ranges
        known = [(column, found[column.name]) for column in self._columns if column.name in found]
        shared = [self._field(column, values) for column, values in known if len(values) == 1]
        different = [self._field(column, values) for column, values in known if len(values) > 1]
        self._show_fields(shared, different)
        self.told.emit()

    def _is_at_hand(self) -> bool:
        return len(self._selection.records()) == self._selection.there_count

    def _why_not(self) -> str:
        if self._is_at_hand() or self._selection.is_counted:
            return _COUNTING
        count = self._rows.selected_count()
        may_read = self._context.costs and count <= COUNTED
        if not may_read:
            return _TOO_MANY
        asked = _ON_DEMAND.format(grouped(READ_EACH * count))
        return f"{asked}{self._context.charged(', each of which is charged')}."

    def _show_fields(self, shared: list[Field], different: list[Field], note: str = "") -> None:
        for title, fields, rows in (
            (self._shared_title, self.shared, shared),
            (self._different_title, self.different, different),
        ):
            fields.set_fields(rows)
            title.setVisible(bool(rows))
            fields.setVisible(bool(rows))
        self.note.say(note)
        asks = bool(note) and note not in (_COUNTING, _TOO_MANY)
        self.read_button.setVisible(asks)

    def _field(self, column: TableColumn, values: Counter[Any]) -> Field:
        if len(values) == 1:
            return Field(column.label, self._words(column, next(iter(values))))
        if column.kind in (ColumnKind.TIME, ColumnKind.NUMBER) and (span := self._span(column, values)):
            return Field(column.label, span)
        is_word = column.kind in _COUNTED or not column.is_declared
        is_few = is_word and len(values) <= _TOLD
        if len(values) == values.total() and not is_few:
            return Field(column.label, "each has its own", can_copy=False)
        if column.kind is ColumnKind.PROSE:
            return Field(column.label, f"{grouped(len(values))} different ones", can_copy=False)
        most = values.most_common(_TOLD if len(values) <= _TOLD else _TOLD - 1)
        lines = [f"{grouped(count)} × {self._words(column, value)}" for value, count in most]
        if len(values) > len(most):
            rest, others = values.total() - sum(count for _, count in most), len(values) - len(most)
            lines.append(f"{grouped(rest)} × one of {grouped(others)} others")
        return Field(column.label, "\n".join(lines))

    def _span(self, column: TableColumn, values: Counter[Any]) -> str:
        """From the least to the greatest, and how many have none; of times, which are none. "" where none is
        a number, or of numbers one is not.
        """
        is_time = column.kind is ColumnKind.TIME
        of: Callable[[Any], Any] = epoch_of if is_time else float
        within, odd = list[Any](), list[Any]()
        for value in values:
            if value is not None:
                is_one = epoch_of(value) is not None if is_time else _is_number(value)
                (within if is_one else odd).append(value)
        if not within or (odd and not is_time):
            return ""
        least, greatest = (self._words(column, end(within, key=of)) for end in (min, max))
        lines = [least if least == greatest else f"{least} to {greatest}"]
        if len(odd) > _TOLD:
            lines.append(f"{grouped(sum(values[one] for one in odd))} × no time")
        else:
            lines += [f"{grouped(values[one])} × {self._words(column, one)}" for one in odd]
        lines += [f"{grouped(values[None])} × (none)"] if values[None] else []
        return "\n".join(lines)

    def _words(self, column: TableColumn, value: Any) -> str:
        if column.name in self._own_words:
            return first_line(self._own_words[column.name](value), _LONGEST)
        if column.kind is ColumnKind.TIME and value is not None:
            return instant(self._context, value)
        if column.kind is ColumnKind.NUMBER and isinstance(value, int | float):
            model = self._rows.model
            alone = (None,) * len(self._rows.table.columns)  # of no record
            return model.columns[model.column_of(column.name)].text(value, alone)
        if (word := column.word(value)) is not None and column.kind in (ColumnKind.FLAG, ColumnKind.PRESENCE):
            return word
        return first_line(choice_label(self._rows.table, column.name, value), _LONGEST)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
