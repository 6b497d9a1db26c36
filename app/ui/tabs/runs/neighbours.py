"""The runs beside an opened one: the same rows and the same selection as the table, two lines each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem

from app.itemmodels.columns import Index, Row
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.tables import PLANNING_RUNS
from app.services.text import readable, visible
from app.ui.tabs.runs.run_acts import idea_words, status_word
from app.ui.theme import Theme, Tone
from app.ui.widgets import formatting
from app.ui.widgets.actions import is_enter, key_alone

Looks = Mapping[Any, tuple[Tone, str | None]]
"""Tone and icon of each status."""

_IDEA, _STATUS, _PHASE, _SCORE, _UPDATED = map(
    PLANNING_RUNS.names.index, ("idea", "status", "current_phase", "quality_score", "updated_at")
)
_CUT = Qt.TextElideMode.ElideRight
_ICON, _PAD, _BETWEEN = 16, 10, 6
WIDTH, NARROW = 290, 210
"""In pixels; where the run beside it has little room."""


class NeighbourList(QListView):
    """`opened()` by Return or a double click."""

    opened = Signal()

    def __init__(
        self, theme: Theme, model: VirtualTableModel, looks: Looks, since: Callable[[Any], str]
    ) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self._since = since
        self.setModel(model)
        self.setModelColumn(model.column_of("idea"))
        self.setItemDelegate(_TwoLines(theme, self, looks, since))
        self.setAccessibleName("Runs of the list")
        self.setFixedWidth(WIDTH)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.doubleClicked.connect(lambda index: self.opened.emit())

    def told(self, row: Row) -> str:
        """What is seen of a run beside its idea, in words."""
        points, phase = formatting.score(row[_SCORE]), readable(row[_PHASE])
        of = (status_word(row[_STATUS]), phase, points and f"score {points}", self._since(row[_UPDATED]))
        return visible(", ".join(filter(None, of)))

    def set_narrow(self, on: bool) -> None:
        self.setFixedWidth(NARROW if on else WIDTH)

    def follow(self, selection: QItemSelectionModel) -> None:
        """Goes with what is selected elsewhere, which goes with it."""
        if self.selectionModel() is not selection:
            self.setSelectionModel(selection)
        self.show_current()

    def show_current(self) -> None:
        if (index := self.currentIndex()).isValid():
            self.scrollTo(index.siblingAtColumn(self.modelColumn()))

    def rows_in_sight(self) -> range:
        """Those of which something is seen."""
        first, last = self.indexAt(QPoint(1, 0)), self.indexAt(QPoint(1, self.viewport().height() - 1))
        if not first.isValid() or not self.isVisible():
            return range(0)
        return range(first.row(), last.row() + 1 if last.isValid() else self.model().rowCount())

    def is_full(self) -> bool:
        """Whether rows reach to its lower end."""
        return self.indexAt(QPoint(1, self.viewport().height() - 1)).isValid()

    @contextmanager
    def kept_in_place(
        self, name: Callable[[int], Any], find: Callable[[Any], int | None], *, holds_top: bool = False
    ) -> Iterator[None]:
        """The rows in sight stay where they are while others come and go (`DataTable.kept_in_place`)."""
        bar, known = (
            self.verticalScrollBar(),
            [(name(row), self._top_of(row)) for row in self.rows_in_sight()],
        )
        value = bar.value()
        yield
        self.executeDelayedItemsLayout()
        for key, top in known if value > 0 or holds_top else ():
            row = None if key is None else find(key)
            if row is not None:
                value = bar.value() + self._top_of(row) - top
                break
        bar.setValue(value)

    def _top_of(self, row: int) -> int:
        return self.visualRect(self.model().index(row, self.modelColumn())).top()

    def keyboardSearch(self, search: str) -> None:
        """Nothing: it would read every row of the list on the interface thread."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if is_enter(event):
            self.opened.emit()
        elif key_alone(event):  # of an act
            event.ignore()
        else:
            super().keyPressEvent(event)


class _TwoLines(QStyledItemDelegate):
    """Idea and score, and below them status, phase and the time of the last change."""

    def __init__(self, theme: Theme, view: NeighbourList, looks: Looks, since: Callable[[Any], str]) -> None:
        super().__init__(view)
        self._theme, self._view, self._looks, self._since = theme, view, looks, since

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(NARROW - 24, 2 * self._view.fontMetrics().height() + 14)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect, colour = QRect(option.rect), self._theme.colour
        model: QAbstractItemModel = index.model()
        waits = str(index.data() or "")  # which asks for the row
        row: Row | None = model.record(index.row()) if isinstance(model, VirtualTableModel) else None
        former = model.former(index.row()) if row is None and isinstance(model, VirtualTableModel) else None
        is_gone, row = former is not None, row or former
        if self._view.currentIndex().row() == index.row():
            if self._view.selectionModel().hasSelection():  # else it stands where the opened one was
                painter.fillRect(rect, colour("selection"))
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), colour("accent"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), colour("line"))
        font = QFont(self._view.font())
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * 0.92)
        room = rect.adjusted(_PAD, 6, -_PAD, -7)
        if row is None:
            painter.setPen(colour("dim"))
            words = self._view.fontMetrics().elidedText(visible(waits), _CUT, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
            return
        tone, icon = self._looks.get(row[_STATUS], (Tone.NEUTRAL, None))
        tone = Tone.NEUTRAL if is_gone else tone
        half = room.height() // 2
        above = QRect(room.left() + _ICON + _BETWEEN, room.top(), room.width() - _ICON - _BETWEEN, half)
        below = above.translated(0, half)
        if icon is not None:
            pixmap = self._theme.pixmap(
                icon, "dim" if tone is Tone.NEUTRAL else tone, _ICON, self._view.devicePixelRatioF()
            )
            painter.drawPixmap(room.left(), above.center().y() - _ICON // 2 + 1, pixmap)
        font.setStrikeOut(is_gone)
        small.setStrikeOut(is_gone)
        painter.setFont(font)
        points = formatting.score(row[_SCORE]) or formatting.NOTHING
        painter.setPen(colour("dim" if is_gone else "text"))
        self._line(painter, above, idea_words(row[_IDEA]), points[:12])
        painter.setFont(small)
        painter.setPen(colour("dim"))
        status = formatting.first_line(status_word(row[_STATUS]), 24)
        phase = formatting.first_line(readable(row[_PHASE]), 40)
        left = self._line(painter, below, "", self._since(row[_UPDATED]))
        painter.setPen(colour("dim" if tone is Tone.NEUTRAL else tone))
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, visible(status))
        left.setLeft(left.left() + painter.fontMetrics().horizontalAdvance(visible(status)))
        painter.setPen(colour("dim"))
        said = painter.fontMetrics().elidedText(
            visible(f" · {phase}") if phase else "", _CUT, max(0, left.width())
        )
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, said)

    @staticmethod
    def _line(painter: QPainter, room: QRect, words: str, at_right: str) -> QRect:
        """Draws both, the words in what they leave, which it gives."""
        metrics = painter.fontMetrics()
        wide = metrics.horizontalAdvance(at_right)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, at_right)
        left = room.adjusted(0, 0, -wide - _BETWEEN, 0)
        elided = metrics.elidedText(visible(words), _CUT, left.width())
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, elided)
        return left
