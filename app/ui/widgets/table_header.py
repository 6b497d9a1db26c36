"""A quiet table header: dim words, the sort arrow right after the word, a menu that hides columns."""

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QFont, QFontMetrics, QMouseEvent, QPainter
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView

from app.services.text import visible
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.cell_delegate import PAD

_ARROW = 12


class TableHeader(QHeaderView):
    """`TableHeader(theme, table)`; the context menu hides, shows and fits columns."""

    def __init__(self, theme: Theme, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._theme = theme
        self._table = table
        self._hovered = -1
        self.setSectionsClickable(True)
        self.setSectionsMovable(True)
        self.setHighlightSections(False)
        self.setStretchLastSection(True)
        self.setMinimumSectionSize(48)
        self.setMouseTracking(True)
        self.setAccessibleName("Columns")
        theme.changed.connect(self.viewport().update)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), max(34, self.fontMetrics().height() + 16))

    def sectionSizeFromContents(self, logicalIndex: int) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._word(logicalIndex))
        return QSize(width + 2 * PAD + _ARROW + 8, self.sizeHint().height())

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        theme = self._theme
        hovered = logicalIndex == self._hovered
        sorted_by = self.isSortIndicatorShown() and self.sortIndicatorSection() == logicalIndex
        painter.fillRect(rect, theme.colour("hover" if hovered else "panel"))
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.colour("line"))
        if hovered:
            painter.fillRect(rect.right(), rect.y() + 8, 1, rect.height() - 16, theme.colour("edge"))
        painter.setPen(theme.colour("text" if sorted_by or hovered else "dim"))
        font = QFont(self.font())
        painter.setFont(font)
        room = rect.width() - 2 * PAD - (_ARROW + 4 if sorted_by else 0)
        metrics = QFontMetrics(font)
        word = metrics.elidedText(self._word(logicalIndex), Qt.TextElideMode.ElideRight, room)
        width = metrics.horizontalAdvance(word)
        left = rect.x() + PAD + (room - width if self._is_right(logicalIndex) else 0)
        painter.drawText(QRect(left, rect.y(), width + 2, rect.height()), Qt.AlignmentFlag.AlignVCenter, word)
        if sorted_by:
            up = self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
            icon = Icon.SORT_UP if up else Icon.SORT_DOWN
            arrow = theme.pixmap(icon, "accent", _ARROW, self.devicePixelRatioF())
            painter.drawPixmap(left + width + 4, rect.y() + (rect.height() - _ARROW) // 2, arrow)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.logicalIndexAt(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.columns_menu(self.logicalIndexAt(event.pos())).popup(event.globalPos())

    def columns_menu(self, section: int = -1) -> QMenu:
        """The menu that hides, shows and fits columns; `section` is the one it was opened on."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if section >= 0:
            name = self._word(section).replace("&", "&&")
            hide = menu.addAction(f"Hide “{name}”", lambda: self.setSectionHidden(section, True))
            hide.setEnabled(self.count() - self.hiddenSectionCount() > 1)
            menu.addAction(f"Fit “{name}”", lambda: self._table.resizeColumnToContents(section))
            menu.addSeparator()
        menu.addAction("Fit all columns", self._table.resizeColumnsToContents)
        menu.addSeparator()
        for visual in range(self.count()):
            column = self.logicalIndex(visual)
            action = menu.addAction(self._word(column).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(not self.isSectionHidden(column))
            last = not self.isSectionHidden(column) and self.count() - self.hiddenSectionCount() == 1
            action.setEnabled(not last)
            action.toggled.connect(lambda on, c=column: self.setSectionHidden(c, not on))
        return menu

    def _hover(self, section: int) -> None:
        if section != self._hovered:
            self._hovered = section
            self.viewport().update()

    def _word(self, section: int) -> str:
        model = self.model()
        return visible(str(model.headerData(section, self.orientation()) or "")) if model else ""

    def _is_right(self, section: int) -> bool:
        alignment = self.model().headerData(section, self.orientation(), Qt.ItemDataRole.TextAlignmentRole)
        if alignment is None:
            return False
        return bool(getattr(alignment, "value", alignment) & Qt.AlignmentFlag.AlignRight.value)
