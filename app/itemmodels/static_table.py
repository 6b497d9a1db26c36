"""Rows that are all known, as a small table shows them; lists of a file's rows are another model's."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.itemmodels.roles import Role, Tone

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header; numbers are right-aligned."""

    title: str
    number: bool = False
    mono: bool = False
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows; `order` is what it is sorted by when the words are not."""

    text: str
    order: int | None = None
    tone: Tone | None = None
    icon: str | None = None
    tip: str | None = None
    whole: str | None = None


class StaticModel(QAbstractTableModel):
    """`StaticModel(columns, rows, parent=None)`; rows are sequences of as many cells as there are columns."""

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        self._rows = list(enumerate(rows))

    def source_row(self, row: int) -> int:
        """Which of the rows given is shown at `row`."""
        return self._rows[row][0]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._columns):
            return None
        column = self._columns[section]
        answers: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: column.title,
            Qt.ItemDataRole.TextAlignmentRole: _RIGHT if column.number else _LEFT,
            Role.MONOSPACE: column.mono,
            Role.DIM: column.dim,
        }
        return answers.get(role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        cell = self._rows[index.row()][1][index.column()]
        answers: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: cell.text,
            Qt.ItemDataRole.ToolTipRole: cell.tip,
            Role.TONE: cell.tone,
            Role.ICON: cell.icon,
            Role.WHOLE: cell.whole,
        }
        return answers.get(role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Negative numbers stand for the order given."""
        before = [number for number, _ in self._rows]
        self.layoutAboutToBeChanged.emit()
        if column < 0:
            self._rows.sort(key=lambda row: row[0])
        else:
            self._rows.sort(
                key=lambda row: _order(row[1][column]), reverse=order == Qt.SortOrder.DescendingOrder
            )
        after = {number: place for place, (number, _) in enumerate(self._rows)}
        held = self.persistentIndexList()
        self.changePersistentIndexList(
            held, [self.index(after[before[index.row()]], index.column()) for index in held]
        )
        self.layoutChanged.emit()


def _order(cell: Cell) -> tuple[int, str]:
    return (0, cell.text.casefold()) if cell.order is None else (cell.order, "")
