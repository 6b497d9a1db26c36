"""What the rows of a table have together, below it and under its columns."""

from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.services.text import visible
from app.ui.theme import Theme
from app.ui.widgets.cell_delegate import PAD, is_right
from app.ui.widgets.data_table import DataTable


class TotalsRow(QWidget):
    """`show_totals({column number: words})`; words go on into the columns beside them that have none."""

    def __init__(self, theme: Theme, table: DataTable) -> None:
        super().__init__()
        self._theme, self._table = theme, table
        self._words: Mapping[int, str] = MappingProxyType({})
        self.setAccessibleName("Totals")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        columns = table.horizontalHeader()
        for changed in (columns.sectionResized, columns.sectionMoved, columns.geometriesChanged):
            changed.connect(self.update)
        table.horizontalScrollBar().valueChanged.connect(self.update)
        theme.changed.connect(self.update)

    def show_totals(self, words: Mapping[int, str]) -> None:
        self._words = words
        self.setAccessibleDescription(self.said())
        self.update()

    def said(self) -> str:
        """All of it, whatever columns are in sight."""
        titles = (
            str(self._table.model().headerData(column, Qt.Orientation.Horizontal)) for column in self._words
        )
        return ", ".join(
            f"{title}: {words}" for title, words in zip(titles, self._words.values(), strict=True)
        )

    def sizeHint(self) -> QSize:
        return QSize(100, self.fontMetrics().height() + 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.colour("dim"))
        columns, model = self._table.horizontalHeader(), self._table.model()
        left = self._table.viewport().mapTo(self._table, self._table.viewport().rect().topLeft()).x()
        middle = Qt.AlignmentFlag.AlignVCenter
        for column, words in self._words.items():
            if columns.isSectionHidden(column) or columns.sectionSize(column) <= columns.minimumSectionSize():
                continue  # of icons alone there are no words either
            place = left + columns.sectionViewportPosition(column)
            room = QRect(place + PAD, 0, columns.sectionSize(column) - 2 * PAD, self.height())
            right = is_right(
                model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
            )
            shown = self.fontMetrics().elidedText(
                visible(words), Qt.TextElideMode.ElideRight, max(0, room.width())
            )
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            painter.drawText(room, middle | side | Qt.AlignmentFlag.AlignAbsolute, shown)
        painter.end()
