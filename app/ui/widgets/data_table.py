"""The table that every tab shows its rows in, and a small one as high as its rows.

Where rows take long to come it stays on rows that are there while its scroll bar goes ahead.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from itertools import chain
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QByteArray,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPoint,
    QRect,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QPushButton, QTableView, QWidget

from app.itemmodels.columns import Index, Role
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.text import one_cell
from app.ui.theme import Theme, set_property
from app.ui.widgets.actions import give_letters, is_enter
from app.ui.widgets.cell_delegate import CellDelegate
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.later import later
from app.ui.widgets.table_columns import ColumnLayout, TableHeader, known_viewport

_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


class _PopupKeys(QObject):
    """To Qt the focus is where it was while a menu is open, so a key that acts there would be taken for a
    shortcut: it would act once more with each press, on what is selected by then, and the menu would stay.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.Hide):
            return False
        if QApplication.activePopupWidget() is None:  # with the last menu: each event costs its time here
            QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
            return False
        if not isinstance(event, QKeyEvent):
            return False
        if event.modifiers() & _COMMANDS:
            return False
        event.accept()  # so that it is no shortcut; the menu gets it as a key
        return True


@cache
def _of_program() -> _PopupKeys:
    return _PopupKeys(QApplication.instance())


def keep_keys() -> None:
    """Until all menus are closed."""
    QApplication.instance().installEventFilter(_of_program())  # type: ignore[union-attr]


ROW_HEIGHT, LOW_ROW = 34, 26
_BELOW_FLOATING = 8

LONGEST_MS = 25
"""How long a view may stand still: less than a person notices, longer than a page takes."""


_AT_ONCE: Final = 20
"""Milliseconds between up and down within which no finger presses a key again."""


_AIMED: Final = 0.4
"""Seconds from a look to the click that it leads."""


_ENDS: Final = frozenset({Qt.Key.Key_Home, Qt.Key.Key_End})

_FEW: Final = 64
"""Parts of a selection that are painted one by one; of more, all is."""


def _first(selection: QItemSelection) -> QItemSelection:
    """Its first cell alone."""
    if selection.isEmpty():
        return selection
    first = selection.first().topLeft()
    return QItemSelection(first, first)


class DataTable(QTableView):
    """`columns` is the layout of its columns, kept between runs by `load` and `save`.

    `menu_requested(index, global_pos)`: context menu by mouse or keyboard; the index may be invalid.
    `selection_changed()`: rows selected or deselected, or current row changed.
    `opened(index)`: Return or double click. Where no row is current, Return makes the first one so.
    Home and End go to the first and last row. Sorting calls the model's `sort`.
    """

    acts_on_cells = True
    """Whether the cell is marked that the keyboard is at, and not its row alone."""
    menu_requested = Signal(object, QPoint)
    selection_changed = Signal()
    opened = Signal(object)
    resized = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        load: Callable[[], QByteArray] | None = None,
        save: Callable[[QByteArray], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, showGrid=False, wordWrap=False, cornerButtonEnabled=False)
        self._empty: QWidget | None = None
        self._floating: QPushButton | None = None
        self._was_covered = 0
        self.holds: Callable[[], bool] = lambda: False
        """Whether the rows in sight stay where they are though the scroll bar has moved."""
        self.held_at: int | None = None
        """Where they are then, in pixels."""
        self._focusing = False
        self._last_column = -1
        self._top: int | None = None
        self._moved = -_AIMED
        """Where in the window it stands, and when it came there."""
        self._is_missed = False
        """Whether the button that is held was pressed just then."""
        self._let_go = 0, 0
        """The key that went up last, and when, in milliseconds."""
        self.copy: Callable[[], object] = self.copy_selection
        """What the keys for it do; a tab copies from the file instead."""
        self.before_all: Callable[[], bool] = lambda: True
        """What is done before all rows are selected; whether they are there."""
        self.cells = CellDelegate(theme, self)
        self.setItemDelegate(self.cells)
        self.setViewport(known_viewport(QPalette.ColorRole.Base))
        self._header = header = TableHeader(theme, self)
        self.setHorizontalHeader(header)
        header.sectionResized.connect(self.cells.forget_widths)
        self.setAccessibleName(name)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(rows.ResizeMode.Fixed)
        self.set_low(False)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.columns = ColumnLayout(self, header, load, save)
        self.doubleClicked.connect(self._open)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, 0 if dy and self.holds() else dy)

    @property
    def _covered(self) -> int:
        """The pixels at the lower end of the rows over which the floating button stands."""
        button = self._floating
        return 0 if button is None or button.isHidden() else button.height() + 2 * _BELOW_FLOATING

    def updateGeometries(self) -> None:
        """Rows that do not all fit beside the floating button can be scrolled past it."""
        bar = self.verticalScrollBar()
        value = bar.value()
        super().updateGeometries()
        if covered := self._covered:
            beyond = bar.maximum() or self.verticalHeader().length() - self.viewport().height()
            bar.setMaximum(max(0, beyond + covered))
            bar.setValue(value)
        if self.held_at is not None:
            self.verticalHeader().setOffset(self.held_at)

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Keys lead to no row that is under the floating button."""
        super().scrollTo(index, hint)
        if (covered := self._covered) and self.held_at is None:
            end = self.rowViewportPosition(index.row()) + self.rowHeight(index.row())
            bar, hidden = self.verticalScrollBar(), end + covered - self.viewport().height()
            bar.setValue(bar.value() + max(0, hidden))

    def set_low(self, low: bool) -> None:
        """Closer lines, where there is room for few of them."""
        least, around = (LOW_ROW, 8) if low else (ROW_HEIGHT, 16)
        self.verticalHeader().setDefaultSectionSize(max(least, self.fontMetrics().height() + around))
        self._header.set_low(low)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        self.cells.forget()
        if model is not None:
            for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.layoutChanged):
                signal.connect(self._rows_changed)
            if not self.columns.restore():
                self.columns.fit_when_shown()
        self._rows_changed()

    def selected_ranges(self) -> list[range]:
        """The selected rows in order; all of a million rows are one range."""
        parts = self.selectionModel().selection().toList()
        return sorted((range(part.top(), part.bottom() + 1) for part in parts), key=lambda rows: rows.start)

    def selected_rows(self) -> list[int]:
        """Their numbers one by one, for few of them."""
        return list(chain.from_iterable(self.selected_ranges()))

    def chosen(self) -> QModelIndex:
        """Where the one record is that is shown and acted on: the current row, or, where the current row was
        left or taken without being selected (Ctrl and an arrow or a click), the only one selected.
        """
        current, model = self.currentIndex(), self.selectionModel()
        if not model.hasSelection() or model.isSelected(current):
            return current
        first, *more = self.selected_ranges()
        if more or len(first) > 1:
            return current
        return self.model().index(first.start, self._column())

    def _column(self) -> int:
        """Where the keyboard is in a row, or was before other rows came."""
        current = self.currentIndex()
        return self.columns.in_sight(current.column() if current.isValid() else self._last_column)

    def rows_in_sight(self) -> range:
        """Those of which something is seen."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        if first < 0 or not self.isVisible():
            return range(0)
        return range(first, (self.model().rowCount() - 1 if last < 0 else last) + 1)

    def is_full(self) -> bool:
        """Whether rows reach to its lower end."""
        return self.rowAt(self.viewport().height() - 1) >= 0

    def selectAll(self) -> None:
        if self.before_all():
            super().selectAll()

    def select_row(self, row: int) -> None:
        # Not the view's own call, which goes by the keys that are held: with Ctrl it would deselect the row.
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(self.model().index(row, self._column()), flags)

    def select_ranges(self, ranges: Sequence[range], current: int) -> None:
        """Selects all of these rows, and makes one of them current."""
        chosen, model, last = QItemSelection(), self.model(), self.model().columnCount() - 1
        for rows in ranges:
            chosen.select(model.index(rows.start, 0), model.index(rows.stop - 1, last))
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(model.index(current, self._column()), flags.NoUpdate)
        self.selectionModel().select(chosen, flags.ClearAndSelect | flags.Rows)

    def enter(self) -> None:
        """Take the focus, at the row that was current or the first."""
        self.setFocus(Qt.FocusReason.TabFocusReason)
        if not self.currentIndex().isValid() and self.model().rowCount():
            self.select_row(0)

    def copy_selection(self) -> str:
        """Put the selected rows on the clipboard, visible columns with their header; returns the text."""
        header = self.horizontalHeader()
        order = map(header.logicalIndex, range(header.count()))
        columns = [column for column in order if not header.isSectionHidden(column)]
        model = self.model()
        lines = ["\t".join(str(model.headerData(c, Qt.Orientation.Horizontal) or "") for c in columns)]
        lines += ["\t".join(_whole(model.index(r, c)) for c in columns) for r in self.selected_rows()]
        text = "\n".join(lines)
        copy_text(text)
        return text

    def set_empty_state(self, widget: QWidget) -> None:
        """Show `widget` in place of the rows while there are none.

        It stands beside the table in what has both: a screen reader finds nothing in a table but its cells.
        """
        if widget is not self._empty:
            self._empty = widget
            widget.setParent(self.parentWidget())
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(
                lambda where: self.menu_requested.emit(QModelIndex(), widget.mapToGlobal(where))
            )
        self._rows_changed()

    def set_floating(self, button: QPushButton) -> None:
        """Keep `button` over the lower end of the rows, in the middle, while it shows: nothing moves for it.

        It stands beside the table in what has both, as what shows in place of the rows does.
        """
        self._floating = button
        set_property(button, "floating", True)
        button.setParent(self.parentWidget())
        self.place_floating()

    def place_floating(self) -> None:
        """Once its words are others, or something came to stand in its way."""
        button = self._floating
        both = None if button is None else button.parentWidget()
        if button is not None and both is not None:
            size, viewport = button.sizeHint(), self.viewport()
            left = max(0, (viewport.width() - size.width()) // 2)
            top = max(0, viewport.height() - size.height() - _BELOW_FLOATING)
            button.setGeometry(QRect(viewport.mapTo(both, QPoint(left, top)), size))
            button.raise_()
        if self._covered != self._was_covered:
            self._was_covered = self._covered
            self.updateGeometries()

    @contextmanager
    def kept_in_place(
        self, name: Callable[[int], Any], find: Callable[[Any], int | None], *, holds_top: bool = False
    ) -> Iterator[None]:
        """The row at the top stays there while rows come and go above it, or the next one where it goes, too;
        at the very top, new ones show unless it `holds_top`. Where all in sight go, it stays as far down as
        it was: Qt scrolls to the row behind those that went. Where the rows at the scroll bar are still to
        come, these are meant, and not those that show instead.

        `name(row)` gives what `find` knows the row by afterwards.
        """
        bar, rows = self.verticalScrollBar(), self.verticalHeader()
        value = bar.value()
        ahead = value - rows.offset()
        top = rows.logicalIndexAt(ahead)
        last = rows.logicalIndexAt(ahead + self.viewport().height() - 1)
        last = last if last >= 0 else self.model().rowCount() - 1
        held = range(top, last + 1) if (value > 0 or holds_top) and top >= 0 else range(0)
        known = [(name(row), rows.sectionPosition(row) - value) for row in held]
        yield
        self.updateGeometries()  # the scroll bar's range follows later by itself
        for key, place in known:
            row = None if key is None else find(key)
            if row is not None:
                value = rows.sectionPosition(row) - place
                break
        bar.setValue(value)

    def bring_into_sight(self, index: Index) -> None:
        """Scrolls to its row where that is not in sight as a whole; else nothing moves."""
        self.updateGeometries()
        top = self.rowViewportPosition(index.row())
        if top < 0 or top + self.rowHeight(index.row()) > self.viewport().height():
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def add_header_menus(self, menu: QMenu) -> None:
        """What the mouse does in the header, for those who have none. The menus go with the table, which may
        end while they are open in a menu of the window.
        """
        orders, columns = self._header_menus
        self._header.fill_sort_menu(orders)
        self._header.fill_columns_menu(columns)
        for one in self._header_menus:
            give_letters(one)
            menu.addMenu(one)

    @cached_property
    def _header_menus(self) -> tuple[QMenu, QMenu]:
        return QMenu("Sort by", self), QMenu("Columns", self)

    def said_order(self) -> str:
        return self._header.said_order()

    def said_of_column(self, column: int) -> str:
        return self._header.said_of(column)

    def show_order(self, column: int, order: Qt.SortOrder) -> None:
        """Point at the column that the rows are in order of already, without sorting."""
        self._header.point_at(column, order)
        self.columns.show_sorted()

    def sizeHintForColumn(self, column: int) -> int:
        return max(super().sizeHintForColumn(column), self.columns.room_for_words(column))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Qt lists every cell of both, to tell a screen reader of the first: seconds for 150,000 rows."""
        super().selectionChanged(_first(selected), _first(deselected))
        self._paint_rows([*selected.toList(), *deselected.toList()])
        self.selection_changed.emit()

    def _paint_rows(self, parts: Sequence[QItemSelectionRange]) -> None:
        """Those of them that are in sight, not every cell for one row."""
        viewport = self.viewport()
        if len(parts) > _FEW:
            viewport.update()
            return
        first, last = self.rowAt(0), self.rowAt(viewport.height() - 1)
        last = self.model().rowCount() - 1 if last < 0 else last
        for part in filter(QItemSelectionRange.isValid, parts):
            top, bottom = max(part.top(), first), min(part.bottom(), last)
            if top <= bottom:
                above = self.rowViewportPosition(top)
                height = self.rowViewportPosition(bottom) + self.rowHeight(bottom) - above
                viewport.update(0, above, viewport.width(), height)

    def draw_when_laid_out(self) -> None:
        """Qt heeds new widths of columns, and paints all for them, when the event loop has had its turn: what
        is painted before is painted for nothing.
        """
        viewport = self.viewport()
        viewport.setUpdatesEnabled(False)
        later(viewport, 0, lambda: viewport.setUpdatesEnabled(True))

    def _behind_columns(self) -> QRect:
        """Where rows go on to the edge, as where the header has its button for columns without room."""
        columns = self._header
        return self.viewport().rect().adjusted(max(0, columns.length() - columns.offset()), 0, 0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        behind = self._behind_columns() & event.rect()
        first = -1 if behind.isEmpty() else self.rowAt(behind.top())
        if first < 0:
            return
        painter = QPainter(self.viewport())
        for row in range(first, self.model().rowCount()):
            behind.setTop(self.rowViewportPosition(row))
            behind.setHeight(self.rowHeight(row))
            if behind.top() > event.rect().bottom():
                break
            self.cells.paint_behind(painter, behind, row)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click that comes just as the rows have moved, since something is said above them, was aimed at
        another row.
        """
        self._is_missed = self._is_just_moved()
        if not self._is_missed:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._is_missed:  # else the button that is held selects from the row before to this one
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._is_missed:
            super().mouseReleaseEvent(event)
        self._is_missed = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._is_missed = self._is_just_moved()
        if not self._is_missed:
            super().mouseDoubleClickEvent(event)

    def _is_just_moved(self) -> bool:
        return time.monotonic() - self._moved < _AIMED

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self._last_column = current.column() if current.isValid() else self._last_column
        self._show_focus()
        self.selection_changed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Qt would make the first row current without selecting it, and the first key would pass it over.
        self._focusing = True
        super().focusInEvent(event)
        self._focusing = False
        self._show_focus()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is Qt.FocusReason.PopupFocusReason:
            keep_keys()
        self._show_focus()

    def moveCursor(
        self, cursorAction: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        if self._focusing:
            return QModelIndex()
        model = self.model()
        rows = 0 if model is None else model.rowCount()
        ends = {QAbstractItemView.CursorAction.MoveHome: 0, QAbstractItemView.CursorAction.MoveEnd: rows - 1}
        if rows and cursorAction in ends:
            return model.index(ends[cursorAction], self._column())
        return super().moveCursor(cursorAction, modifiers)

    def event(self, event: QEvent) -> bool:
        """A key that is held leads through the rows, and acts once. On X11 Qt takes some of its
        repetitions for a new press, where its going up has come alone: nobody is as fast as they are.
        """
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyRelease:
            self._let_go = event.key(), event.timestamp()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            key, at = self._let_go
            since = event.timestamp() - at
            if event.isAutoRepeat() or (key == event.key() and at and 0 <= since <= _AT_ONCE):
                event.accept()  # so that it is no shortcut
                return True
        return super().event(event)

    def keyboardSearch(self, search: str) -> None:
        """Nothing: it would read every row of the list on the interface thread."""

    def _is_for_others(self, event: QKeyEvent) -> bool:
        """A letter, which Qt would search by."""
        return event.text().isalpha() and event.modifiers() == Qt.KeyboardModifier.NoModifier

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif is_enter(event) and self.model().rowCount():
            if self.currentIndex().isValid():
                self._open(self.currentIndex())
            else:  # there is nothing yet that it could open
                self.enter()
        elif self._is_for_others(event):
            event.ignore()
        else:
            super().keyPressEvent(event)
            if event.key() in _ENDS and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
                self.select_row(self.currentIndex().row())  # Qt goes there, and leaves another row selected

    def _open(self, index: QModelIndex) -> None:
        self._choose(index)
        self.opened.emit(index)

    def _choose(self, index: QModelIndex) -> None:
        """Selects the row, where Ctrl led to it without, so that what is done is done to it."""
        if not self.selectionModel().isSelected(index):
            self.select_row(index.row())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            index = self.currentIndex()
            self._choose(index)
            where = self.viewport().mapToGlobal(self.visualRect(index).center())
        elif event.reason() == QContextMenuEvent.Reason.Mouse and self._is_just_moved():
            return
        else:
            index, where = self.indexAt(self.viewport().mapFromGlobal(event.globalPos())), event.globalPos()
        self.menu_requested.emit(index, where)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "cells"):
            self.cells.forget()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.columns.shown()
        self._top = None
        self._look_where()

    def _look_where(self) -> None:
        """What is said above the rows takes of their height."""
        top = self.mapTo(self.window(), QPoint()).y()
        # What is laid out before it is drawn, or has no rows, nobody has aimed at.
        model: QAbstractItemModel | None = self.model()
        has_rows = model is not None and model.rowCount() > 0
        if has_rows and self.isVisible() and self.updatesEnabled() and self._top not in (None, top):
            self._moved = time.monotonic()
        self._top = top

    def resizeEvent(self, event: QResizeEvent) -> None:
        current = self.currentIndex()
        was_seen = 0 <= self.rowViewportPosition(current.row()) < event.oldSize().height()
        with self.columns.by_itself():
            super().resizeEvent(event)
        self.columns.fill()
        if was_seen and current.isValid() and self.selectionModel().isSelected(current):
            self.scrollTo(current)
        self._place_empty()
        self.place_floating()
        self._look_where()
        self.resized.emit()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._place_empty()
        self.place_floating()

    def _place_empty(self) -> None:
        both = None if self._empty is None else self._empty.parentWidget()
        if self._empty is not None and both is not None:
            viewport = self.viewport()
            self._empty.setGeometry(QRect(viewport.mapTo(both, QPoint()), viewport.size()))

    def _show_focus(self) -> None:
        before = self.cells.focus_row
        now = self.currentIndex().row() if self.hasFocus() else -1
        self.cells.focus_row = now
        self.cells.focus_column = self._column() if now >= 0 and self.acts_on_cells else -1
        width = self.viewport().width()
        for row in {before, now} - {-1}:
            self.viewport().update(0, self.rowViewportPosition(row), width, self.rowHeight(row))

    def _rows_changed(self) -> None:
        self._show_focus()  # rows that move take the current one along, and Qt says nothing of it
        if self._empty is not None:
            self._place_empty()
            model = self.model()
            self._empty.setVisible(model is None or model.rowCount() == 0)
            self._empty.raise_()
            self.place_floating()


def _whole(index: QModelIndex) -> str:
    value = index.data(Role.WHOLE)
    shown = index.data() if value is None else value
    return "" if shown is None else one_cell(str(shown))


class HeldPainting(QObject):
    """Asks for the rows scrolled to at once and paints when they have come.

    Painting is never held longer than `LONGEST_MS` after the first scroll; then what is there is painted, and
    at once from then on, until something to show is scrolled to: where rows take longer, a view that is
    dragged would be white all the way.
    """

    def __init__(self, view: QTableView, model: VirtualTableModel) -> None:
        super().__init__(view)
        self._view = view
        self._model = model
        self._patience = QTimer(self, singleShot=True, interval=LONGEST_MS)
        self._patience.timeout.connect(self._give_up)
        self._is_late = False
        view.verticalScrollBar().valueChanged.connect(self._scrolled)
        for signal in (model.dataChanged, model.modelReset, model.rowsInserted, model.rowsRemoved):
            signal.connect(self._release)

    def _scrolled(self) -> None:
        first, last = self._view.rowAt(0), self._view.rowAt(self._view.viewport().height() - 1)
        if last < 0:
            last = self._model.rowCount() - 1
        if self._model.ask_for(first, last):
            self._is_late = False
            self._release()
        elif not self._is_late and not self._patience.isActive() and self._view.viewport().updatesEnabled():
            self._view.viewport().setUpdatesEnabled(False)
            self._patience.start()

    def _give_up(self) -> None:
        self._is_late = True
        self._release()

    def _release(self) -> None:
        self._patience.stop()
        self._view.viewport().setUpdatesEnabled(True)


STILL_MS: Final = 800
"""How long it stays without a row that has come nearer to the scroll bar; then what is there is shown."""


class HeldPlace(QObject):
    """Lets `view` follow its scroll bar no faster than the rows of `model` come.

    Until those at the bar are there it shows the nearest ones that came on the way, which can be read and
    chosen as ever: a fast drag would be blank all along.
    """

    def __init__(self, view: DataTable, model: VirtualTableModel) -> None:
        super().__init__(view)
        self._view, self._model = view, model
        self._patience = QTimer(self, singleShot=True, interval=STILL_MS)
        self._patience.timeout.connect(self.let_go)
        self._is_late = False
        view.holds = self._holds
        model.dataChanged.connect(self._came)
        model.modelReset.connect(self._begun)

    def let_go(self) -> None:
        """Goes to where the bar is, whatever there is of it."""
        self._is_late = self._view.held_at is not None
        self._go_to(None)

    def _begun(self) -> None:
        self._is_late = False
        self._go_to(None)

    def _sight(self, at: int) -> tuple[int, int]:
        """The first and the last row of a view that is `at` so many pixels."""
        high = self._view.verticalHeader().defaultSectionSize()
        last = (at + self._view.viewport().height() - 1) // high
        return at // high, min(last, self._model.rowCount() - 1)

    def _are_there(self, first: int, last: int) -> bool:
        return self._model.record(first) is not None and self._model.record(last) is not None

    def _holds(self) -> bool:
        """Whether the view is to stay, now that the bar has moved."""
        wanted = self._sight(self._view.verticalScrollBar().value())
        if self._model.ask_for(*wanted):
            self._is_late = False
        elif not self._is_late and self._are_there(*self._sight(self._view.verticalHeader().offset())):
            if self._view.held_at is None:
                self._view.held_at = self._view.verticalHeader().offset()
                self._patience.start()
            return True
        self._go_to(None)
        return False

    def _came(self, first: QModelIndex, last: QModelIndex) -> None:
        """Goes on to the bar, or to the nearest of the rows that came."""
        if (held := self._view.held_at) is None:
            return
        bar = self._view.verticalScrollBar().value()
        if self._are_there(*self._sight(bar)):
            self._go_to(None)
            return
        high = self._view.verticalHeader().defaultSectionSize()
        begin, end = first.row() * high, (last.row() + 1) * high - self._view.viewport().height()
        nearest = max(begin, min(bar, end))
        if begin <= end and abs(bar - nearest) < abs(bar - held) and self._are_there(*self._sight(nearest)):
            self._go_to(nearest)
            self._patience.start()

    def _go_to(self, place: int | None) -> None:
        was, self._view.held_at = self._view.held_at, place
        if place is None:
            self._patience.stop()
            place = self._view.verticalScrollBar().value()
        if was is not None:
            self._view.verticalHeader().setOffset(place)
            self._view.viewport().update()
