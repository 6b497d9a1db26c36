"""A short table whose rows are given at once, as high as they are.

And two parts beside each other, or below each other where there is little room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPoint,
    QSignalBlocker,
    QSize,
    QSortFilterProxyModel,
    Qt,
    QTimer,
)
from PySide6.QtGui import QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import QBoxLayout, QHeaderView, QMenu, QSizePolicy, QWidget

from app.itemmodels.columns import (
    ALIGNMENT,
    DESCRIPTION,
    DISPLAY,
    HEARD,
    RIGHT,
    TOOLTIP,
    Column,
    Index,
    Role,
    header,
)
from app.services.text import visible
from app.ui.theme import Theme, Tone
from app.ui.widgets.actions import give_letters
from app.ui.widgets.cell_delegate import WrappingCells, is_right
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.labels import high_by_width, in_row

_LEAST_WIDE = 90
_LOOKED_AT = 4
"""Rows of which it is measured how wide they are, of those with the most letters."""
_NARROWEST = 132
"""Pixels that a column of words keeps where there is no room for all of them, before anything scrolls."""
_FEWEST = 4
"""Rows that a small table keeps where a screen is low: it scrolls by itself."""

StaticColumn = partial(Column, "")
"""A column that is known by its title alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows; `order` is what it is sorted by when the words are not. `right` is heeded by who
    paints each cell by itself.
    """

    text: str
    order: int | None = None
    tone: Tone | None = None
    icon: str | None = None
    tip: str | None = None
    whole: str | None = None
    right: bool = False


class StaticTable(DataTable):
    """As high as its rows, up to `most`, or less where there is no room; with None as all of them, for what
    scrolls by itself. `wide` is the column that takes the width that the others leave, and `giving` are those
    that go out of sight where there is no room, the first of them first; the header says how many have. With
    `wraps` what has no room in a line goes on in up to so many.
    """

    acts_on_cells = False
    least_wide = _LEAST_WIDE
    """Pixels of `wide` in less of which all scrolls sideways."""
    fewest = _FEWEST

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]] = (),
        *,
        most: int | None = 8,
        wide: int = 0,
        giving: Sequence[int] = (),
        wraps: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        self._heights: QTimer | None = None
        super().__init__(theme, name, parent=parent)
        self._most, self._wide, self._gives = most, wide, bool(giving)
        self._stays_high = False
        self._widths: dict[int, int] = {}
        """Of columns with the rows shown now: each time the dialog is laid out it asks for all of them."""
        self._longest: dict[int, list[int]] = {}
        """Of columns the rows with the most letters, behind the first ones, which Qt looks at."""
        self._content = QStandardItemModel(0, len(columns), self)
        for position, column in enumerate(columns):
            for role, value in header(column).items():
                self._content.setHeaderData(position, Qt.Orientation.Horizontal, value, role)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._content)
        self._sorted.setSortRole(Role.ORDER)
        self._sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self._sorted)
        titles = self.horizontalHeader()
        titles.setStretchLastSection(False)
        titles.setSectionsMovable(False)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # Not a height that is set once: what the style makes of it is not known yet.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.horizontalScrollBar().rangeChanged.connect(self.updateGeometry)
        self.menu_requested.connect(self._open_menu)
        self._wrapping = WrappingCells(theme, self, wraps) if wraps else None
        if self._wrapping is not None:
            self.cells = self._wrapping
            self.setItemDelegate(self.cells)
            self._heights = QTimer(self, singleShot=True, interval=0)
            self._heights.timeout.connect(self.fit_rows)
            titles.sectionResized.connect(lambda *_: self._fit_soon())
        if giving:
            self.columns.set_main(wide, self.least_wide)
            self.columns.let_give_way(giving)
        self.show_rows(rows)

    def show_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Other rows, in the order given until a header is clicked; none is selected."""
        # Who hears of a selection asks for its row, which a proxy cannot answer while rows go.
        self._widths.clear()
        with QSignalBlocker(self):
            self.setCurrentIndex(QModelIndex())
            self._content.setRowCount(0)
            self._content.setRowCount(len(rows))
            for position, row in enumerate(rows):
                for column, cell in enumerate(row):
                    # Items that PySide has made crash when their row is removed; the model makes its own.
                    self._content.setItemData(self._content.index(position, column), _values(cell))
            self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        for column in range(self._content.columnCount()):
            lengths = [len(row[column].text) if column < len(row) else 0 for row in rows]
            behind = range(self.horizontalHeader().resizeContentsPrecision(), len(rows))
            self._longest[column] = nlargest(_LOOKED_AT, behind, key=lengths.__getitem__)
        self._widths.clear()  # of rows that were not there yet
        self.horizontalHeader().resizeSections()
        if self._gives and self.isVisible():
            self.columns.fill()
            self._share()
        self.set_most(self._most)
        self._fit_soon()

    def fit_rows(self) -> None:
        """Makes rows as high as their words need."""
        if self._wrapping is None:
            return
        model, titles, rows = self.model(), self.horizontalHeader(), self.verticalHeader()
        widths = {column: titles.sectionSize(column) for column in range(titles.count())}
        shown = [(column, width) for column, width in widths.items() if width]
        for row in range(model.rowCount()):
            needs = (self._wrapping.height_of(model.index(row, column), width) for column, width in shown)
            rows.resizeSection(row, max(rows.defaultSectionSize(), *needs))
        self.updateGeometry()

    def _fit_soon(self) -> None:
        if self._heights is not None:
            self._heights.start()

    def show_cell(self, position: int, column: int, cell: Cell) -> None:
        """Another one in a row that is there, by its place among those given."""
        index = self._content.index(position, column)
        self._content.setItemData(index, _values(cell))
        wide = self.sizeHintForIndex(self._sorted.mapFromSource(index)).width()
        if self._heights is not None and wide > self._widths.get(column, wide):  # else it would go on below
            self._widths.clear()
            self.horizontalHeader().resizeSections()

    def set_most(self, most: int | None) -> None:
        """How many rows it is high at the most."""
        self._most = most
        rows = self._content.rowCount()
        lines = rows if most is None else most if self._stays_high else min(most, rows)
        self._wanted = self._lines = max(1, lines)
        self.updateGeometry()

    def lines_in(self, height: int) -> int:
        """How many rows are seen whole where it is so high."""
        return max(0, (height - self._height(0)) // self.verticalHeader().defaultSectionSize())

    def stay_high(self) -> None:
        """It is as high with one row as with `most`: nothing below it moves when rows come."""
        self._stays_high = True
        self.set_most(self._most)

    @property
    def given(self) -> int:
        """The pixels that it has given up of those it would be high."""
        return (self._wanted - self._lines) * self.verticalHeader().defaultSectionSize()

    @property
    def spare(self) -> int:
        """The pixels that it could give up in all."""
        rows = 0 if self._most is None else max(0, self._wanted - self.fewest)
        return rows * self.verticalHeader().defaultSectionSize()

    def give_way(self, pixels: int) -> None:
        """Gives up so much of its height, in whole rows, and keeps a few of them."""
        row = self.verticalHeader().defaultSectionSize()
        fewer = 0 if self._most is None else min(-(-pixels // row), max(0, self._wanted - self.fewest))
        if fewer != self._wanted - self._lines:
            self._lines = self._wanted - fewer
            self.updateGeometry()

    def sizeHintForColumn(self, column: int) -> int:
        if column not in self._widths:
            found = (self._content.index(row, column) for row in self._longest.get(column, ()))
            widths = (self.sizeHintForIndex(self._sorted.mapFromSource(index)).width() for index in found)
            self._widths[column] = max(super().sizeHintForColumn(column), max(widths, default=0))
        return self._widths[column]

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._widths.clear()
            self._fit_soon()
        super().changeEvent(event)

    def source_row(self, row: int) -> int:
        """Which of the rows given is shown at `row`."""
        return self._sorted.mapToSource(self._sorted.index(row, 0)).row()

    def _open_menu(self, _index: Index, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy", self.copy).setEnabled(bool(self.selected_ranges()))
        self.add_header_menus(menu)
        give_letters(menu)
        menu.popup(where)

    def resizeEvent(self, event: QResizeEvent) -> None:
        with self.columns.by_itself():
            least = self.least_wide
            self._narrow(least if self._gives else min(least, self._wants(self._wide)))
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        """Where the others leave `wide` next to nothing, although those with the longest words are narrower
        and some have gone, it is as wide as its words, and all scrolls.
        """
        titles, modes = self.horizontalHeader(), QHeaderView.ResizeMode
        others = sum(titles.sectionSize(place) for place in range(titles.count()) if place != self._wide)
        fits = self.viewport().width() - others >= min(self.least_wide, self._wants(self._wide))
        has_sign = titles.hiddenSectionCount() > 0 and self._gives  # which it leaves its place
        fills = modes.Interactive if has_sign else modes.Stretch
        titles.setSectionResizeMode(self._wide, fills if fits else modes.ResizeToContents)
        if has_sign:
            self.columns.fill()

    def _wants(self, column: int) -> int:
        return max(self.sizeHintForColumn(column), self.horizontalHeader().sectionSizeHint(column))

    def _narrow(self, least: int) -> None:
        """Takes from the columns of words what is missing for `wide` to have its `least`."""
        titles, modes = self.horizontalHeader(), QHeaderView.ResizeMode
        others = [at for at in range(titles.count()) if at != self._wide and not titles.isSectionHidden(at)]
        wants = {at: self._wants(at) for at in others}
        bar = self.verticalScrollBar().sizeHint().width() if self._gives else 0  # whether it shows or not
        room = self.contentsRect().width() - bar if self._gives else self.viewport().width()
        over = sum(wants.values()) + least - room
        for at in sorted(others, key=lambda at: -wants[at]):
            is_number = is_right(self._content.headerData(at, Qt.Orientation.Horizontal, ALIGNMENT))
            gives = 0 if is_number else max(0, min(over, wants[at] - _NARROWEST))
            over -= gives
            mode = modes.Fixed if gives else modes.ResizeToContents
            if titles.sectionResizeMode(at) is not mode:
                titles.setSectionResizeMode(at, mode)
            if gives:
                titles.resizeSection(at, wants[at] - gives)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self._lines))

    def minimumSizeHint(self) -> QSize:
        return QSize(
            super().minimumSizeHint().width(),
            self._height(self._lines if self._most is None else min(2, self._lines)),
        )

    def _height(self, lines: int) -> int:
        row = self.verticalHeader().defaultSectionSize()
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() else 0
        high = row * lines
        if self._heights is not None and self._most is None:
            high = max(row, self.verticalHeader().length())
        return self.horizontalHeader().sizeHint().height() + high + below + 2 * self.frameWidth()


def _values(cell: Cell) -> dict[int, object]:
    values = {
        DISPLAY: cell.text,
        TOOLTIP: cell.tip,
        HEARD: visible(cell.text),
        DESCRIPTION: cell.tip or cell.whole,
        # Numbers as text of one length: Qt compares integers of 32 and of 64 bits by the lower 32.
        Role.ORDER: cell.text if cell.order is None else f"{cell.order + 2**63:020}",
        Role.TONE: cell.tone,
        Role.ICON: cell.icon,
        Role.WHOLE: cell.whole,
        ALIGNMENT: RIGHT if cell.right else None,
    }
    return {role: value for role, value in values.items() if value is not None}


_LEAST = 640
"""The width in pixels from which on they stand beside each other."""


class Columns(QWidget):
    """`shares` are what each takes of the width. The two parts are given at once or, where they are large, by
    `stand` when this has its place: made within it, they are not styled once more for being moved there.
    """

    def __init__(self, *parts: QWidget, spacing: int = 24, shares: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self._parts, self._spacing, self._shares = parts, spacing, shares
        self._row = in_row(within=self, spacing=spacing)
        self.stand(*parts)
        high_by_width(self)

    def stand(self, *parts: QWidget) -> None:
        self._parts = parts
        for part, share in zip(parts, self._shares, strict=False):
            self._row.addWidget(part, share)

    def heightForWidth(self, width: int) -> int:
        if width >= _LEAST:
            each = (width - self._spacing) / sum(self._shares)
            shared = zip(self._parts, self._shares, strict=False)
            return max((_height(part, int(each * share)) for part, share in shared), default=0)
        return sum(_height(part, width) for part in self._parts) + self._spacing

    def sizeHint(self) -> QSize:
        width = max(self.width(), self.minimumSizeHint().width())
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        wide = max((part.minimumSizeHint().width() for part in self._parts), default=0)
        return QSize(wide, self.heightForWidth(max(self.width(), wide)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        direction = QBoxLayout.Direction
        self._row.setDirection(
            direction.LeftToRight if event.size().width() >= _LEAST else direction.TopToBottom
        )
        super().resizeEvent(event)


def _height(part: QWidget, width: int) -> int:
    wrapped = part.heightForWidth(width)
    return wrapped if wrapped >= 0 else part.minimumSizeHint().height()
