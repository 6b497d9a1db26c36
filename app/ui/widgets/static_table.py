"""A small table of rows that are all known, as high as its rows."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QWidget

from app.itemmodels.static_table import Cell, Column, StaticModel
from app.ui.theme import Theme
from app.ui.widgets.data_table import ROW_HEIGHT, DataTable


class StaticTable(DataTable):
    """`StaticTable(theme, name, columns, rows, *, most=8, wide=0, parent=None)`.

    As high as its rows, up to `most`, or less where there is no room. `wide` is the column that takes the
    width that the others leave.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        *,
        most: int = 8,
        wide: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent=parent)
        self.static = StaticModel(columns, rows, self)
        self.setModel(self.static)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        self._lines = max(1, min(most, len(rows)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(self._height(self._lines))

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self._lines))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self._height(min(2, self._lines)))

    def _height(self, lines: int) -> int:
        row = max(ROW_HEIGHT, self.verticalHeader().defaultSectionSize())
        return self.horizontalHeader().sizeHint().height() + row * lines + 2 * self.frameWidth()
