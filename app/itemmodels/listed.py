"""A table of rows that are all at hand: sorted and filtered here, and a cell is made when it is looked at."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from app.itemmodels.columns import DESCRIPTION, ROOT, Column, Index, Row, header, readers


class ListedModel(QAbstractTableModel):
    """`names` say what the values of a row are; `show` gives it the rows."""

    def __init__(
        self, columns: Sequence[Column], names: Sequence[str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._places = [list(names).index(column.name) for column in columns]
        self._readers = readers(self.columns, self._places)
        self._headers = [header(column) for column in self.columns]
        self._all: Sequence[Row] = ()
        self._shown: list[Row] = []
        self._keep: Callable[[Row], bool] = lambda row: True
        self._by = -1, False
        self.said_of_column: Callable[[int], str] = lambda section: ""
        """What a screen reader says of a column beside its title: whoever shows it knows."""

    def show(self, rows: Sequence[Row]) -> None:
        """Other rows, which the same filter keeps, in the same order."""
        self._all = rows
        self.keep(self._keep)

    def keep(self, keep: Callable[[Row], bool]) -> None:
        """Shows the rows that this keeps alone."""
        self.beginResetModel()
        self._keep = keep
        self._shown = [row for row in self._all if keep(row)]
        self._order()
        self.endResetModel()

    @property
    def shown(self) -> Sequence[Row]:
        return self._shown

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By the values of a column, what has none at the end; -1 is the order in which they came.

        They count as other rows then: where rows only move, a header takes its columns for new ones, whose
        widths somebody has drawn.
        """
        self._by = column, order == Qt.SortOrder.DescendingOrder
        self.keep(self._keep)

    def _order(self) -> None:
        column, descending = self._by
        if column < 0:
            return
        place = self._places[column]
        there = [row for row in self._shown if row[place] is not None]
        there.sort(key=lambda row: _folded(row[place]), reverse=descending)
        self._shown = there + [row for row in self._shown if row[place] is None]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._headers):
            return None
        if role == DESCRIPTION:
            return self.said_of_column(section)
        return self._headers[section].get(role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        answers = self._readers.get(role)
        answer = None if answers is None or not index.isValid() else answers[index.column()]
        return None if answer is None else answer(self._shown[index.row()])


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
