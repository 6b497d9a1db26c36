"""A small table of rows that are all known, as high as its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QWidget

from app.itemmodels.roles import Role, Tone
from app.ui.theme import Theme
from app.ui.widgets.data_table import ROW_HEIGHT, DataTable

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class StaticColumn:
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


class StaticTable(DataTable):
    """`StaticTable(theme, name, columns, rows, *, most=8, wide=0, parent=None)`.

    As high as its rows, up to `most`, or less where there is no room. `wide` is the column that takes the
    width that the others leave. `source_row(row)` is which of the rows given is shown at `row`.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[StaticColumn],
        rows: Sequence[Sequence[Cell]],
        *,
        most: int = 8,
        wide: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent=parent)
        content = QStandardItemModel(0, len(columns), self)
        for place, column in enumerate(columns):
            content.setHorizontalHeaderItem(place, _item(_of_column(column)))
        for row in rows:
            content.appendRow([_item(_of_cell(cell)) for cell in row])
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(content)
        self._sorted.setSortRole(Role.ORDER)
        self._sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self._sorted)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        self._lines = max(1, min(most, len(rows)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(self._height(self._lines))

    def source_row(self, row: int) -> int:
        """Which of the rows given is shown at `row`."""
        return self._sorted.mapToSource(self._sorted.index(row, 0)).row()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self._lines))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self._height(min(2, self._lines)))

    def _height(self, lines: int) -> int:
        row = max(ROW_HEIGHT, self.verticalHeader().defaultSectionSize())
        return self.horizontalHeader().sizeHint().height() + row * lines + 2 * self.frameWidth()


def _item(values: Iterable[tuple[int, object]]) -> QStandardItem:
    item = QStandardItem()
    item.setEditable(False)
    for role, value in values:
        if value is not None:
            item.setData(value, role)
    return item


def _of_column(column: StaticColumn) -> Iterable[tuple[int, object]]:
    yield Qt.ItemDataRole.DisplayRole, column.title
    yield Qt.ItemDataRole.TextAlignmentRole, _RIGHT if column.number else _LEFT
    yield Role.MONOSPACE, column.mono
    yield Role.DIM, column.dim


def _of_cell(cell: Cell) -> Iterable[tuple[int, object]]:
    yield Qt.ItemDataRole.DisplayRole, cell.text
    yield Qt.ItemDataRole.ToolTipRole, cell.tip
    # Numbers as text of one length: Qt compares integers of 32 and of 64 bits by the lower 32.
    yield Role.ORDER, cell.text if cell.order is None else f"{cell.order + 2**63:020}"
    yield Role.TONE, cell.tone
    yield Role.ICON, cell.icon
    yield Role.WHOLE, cell.whole
