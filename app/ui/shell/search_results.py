"""The list under the global search: what was found, by tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.itemmodels.columns import Index
from app.services.records.rows import Value
from app.services.records.tables import DECLARED, PLANNING_PARKED_IDEAS
from app.services.text import counted, visible
from app.ui.tabs.common.declared import RUNS_TAB, TABS
from app.ui.theme import Icon, Theme
from app.ui.widgets.announcing import announce
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.picker import MARK, RowsModel

if TYPE_CHECKING:
    from app.services.records.search import SearchResult

WIDTH = 600
_PAD, _ICON, _GAP, _ROW, _HEAD = 10, 16, 8, 32, 30
_TITLE_SHARE = 0.55


class RowKind(Enum):
    """What a row is: a tenant, the head of a group, a record found, or all of the group; or what else may be
    looked through.
    """

    TENANT = auto()
    HEAD = auto()
    HIT = auto()
    MORE = auto()
    TEXTS = auto()


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of the list; `record_id` is None but for a record, and a tenant, whose name it is."""

    kind: RowKind
    table: str
    title: str
    detail: str = ""
    icon: str = ""
    record_id: Value = None

    @property
    def shown(self) -> str:
        return visible(self.title)

    def __str__(self) -> str:
        return visible(f"{self.title}, {self.detail}" if self.detail else self.title)


def _rows(found: SearchResult) -> list[ResultRow]:
    """The list's rows, each group under its table's title and with the icon of its tab, if it has one."""
    result, icons = [], {spec.table.name: spec.icon for spec in TABS}
    icons[PLANNING_PARKED_IDEAS.name] = Icon.IDEA
    for group in found.groups:
        title, icon = DECLARED[group.table].title, icons.get(group.table, "")
        result.append(ResultRow(RowKind.HEAD, group.table, title, grouped(group.total)))
        result += [
            ResultRow(RowKind.HIT, group.table, hit.title or "(nothing)", hit.detail, icon, hit.record_id)
            for hit in group.hits
        ]
        if group.more:
            words = f"and {grouped(group.more)} more"
            result.append(ResultRow(RowKind.MORE, group.table, words, f"Show all of them in {title}"))
    return result


def texts_of_runs() -> ResultRow:
    """The way to what runs produced, with the key by which it is reached in their tab."""
    keys, words = RUNS_TAB.keys["search_texts"]
    said = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
    table = RUNS_TAB.table.name
    return ResultRow(RowKind.TEXTS, table, words, f"in what runs produced ({said})", Icon.SEARCH)


class _RowModel(RowsModel[ResultRow]):
    """That of a group's head cannot be chosen."""

    def flags(self, index: Index) -> Qt.ItemFlag:
        is_head = index.isValid() and self.rows[index.row()].kind is RowKind.HEAD
        return Qt.ItemFlag.NoItemFlags if is_head else super().flags(index)


class _RowDelegate(QStyledItemDelegate):
    """Icon, title, and dim after it what tells the record from others."""

    def __init__(self, theme: Theme, popup: ResultsPopup) -> None:
        super().__init__(popup)
        self._theme = theme
        self._popup = popup

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        is_head = self._popup.rows[index.row()].kind is RowKind.HEAD
        return QSize(0, max(_HEAD if is_head else _ROW, option.fontMetrics.height() + 12))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = self._popup.rows[index.row()]
        box = option.rect.adjusted(_PAD, 0, -_PAD, 0)
        painter.setFont(option.font)
        if row.kind is RowKind.HEAD:
            self._paint_head(painter, row, box)
            return
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, self._theme.colour("selection"))
            at = QRect(option.rect.topLeft(), QSize(MARK, box.height()))
            painter.fillRect(at, self._theme.colour("accent"))
        if row.icon:
            pixmap = self._theme.pixmap(row.icon, "dim", _ICON, option.widget.devicePixelRatioF())
            painter.drawPixmap(box.x(), box.y() + (box.height() - _ICON) // 2, pixmap)
        box.adjust(_ICON + _GAP, 0, 0, 0)
        self._paint_words(painter, row, box)

    def _paint_head(self, painter: QPainter, row: ResultRow, box: QRect) -> None:
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(self._theme.colour("dim"))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, row.shown)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.detail)

    def _paint_words(self, painter: QPainter, row: ResultRow, box: QRect) -> None:
        metrics = QFontMetrics(painter.font())
        right = Qt.TextElideMode.ElideRight
        room = round(box.width() * _TITLE_SHARE) if row.detail else box.width()
        title = metrics.elidedText(row.shown, right, room)
        painter.setPen(self._theme.colour("accent" if row.kind is RowKind.MORE else "text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, title)
        box.adjust(metrics.horizontalAdvance(title) + _GAP + 4, 0, 0, 0)
        painter.setPen(self._theme.colour("dim"))
        detail = metrics.elidedText(visible(row.detail), right, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, detail)


class ResultsPopup(QFrame):
    """Under the field, and a part of the field's own window, so that it never takes the focus from it."""

    def __init__(self, theme: Theme, field: QWidget) -> None:
        super().__init__(field)
        self._theme, self._field = theme, field
        self.setProperty("popup", True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Search results")
        self.model = _RowModel(self)
        self.list = QListView()
        self.list.setAccessibleName("Search results")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setModel(self.model)
        self.list.setItemDelegate(_RowDelegate(theme, self))
        self.list.entered.connect(self._hover)
        self.sentence = Label(look=Look.DIM, wrap=True)
        self.sentence.setContentsMargins(10, 10, 10, 10)
        self.keys = Label("↑ ↓ choose · Enter shows · Esc closes", Look.DIM)
        self.keys.setContentsMargins(10, 4, 10, 4)
        parts = self.sentence, self.list, self.keys
        self._column = in_column(*parts, within=self, margins=(5, 5, 5, 5), spacing=2)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a line over the keys, behind which the rows go on."""
        super().paintEvent(event)
        if not self.keys.isHidden():
            painter = QPainter(self)
            painter.fillRect(1, self.keys.y() - 1, self.width() - 2, 1, self._theme.colour("line"))
            painter.end()

    @property
    def rows(self) -> Sequence[ResultRow]:
        return self.model.rows

    def show_found(self, found: SearchResult, tenant: str | None = None) -> None:
        """With the `tenant` first whose name was looked for."""
        work = "Tenant: work in it"
        first = [] if tenant is None else [ResultRow(RowKind.TENANT, "", tenant, work, Icon.TENANTS, tenant)]
        self._show([*first, *_rows(found)])
        self._go(1 - len(first))  # below the head of the first group
        announce(self, counted(sum(len(group.hits) for group in found.groups) + len(first), "result"))

    def show_sentence(self, text: str, ways: Sequence[ResultRow] = ()) -> None:
        """With what else may be looked through."""
        self._show(ways, text)
        announce(self, text)
        self._go(0)

    def current(self) -> ResultRow | None:
        """What Enter would show."""
        index = self.list.currentIndex()
        return self.rows[index.row()] if index.isValid() else None

    def move_by(self, step: int) -> None:
        """To the next choice, or with -1 the one before; round at the ends."""
        positions = [position for position, row in enumerate(self.rows) if row.kind is not RowKind.HEAD]
        if positions:
            self._go(positions[(positions.index(self.list.currentIndex().row()) + step) % len(positions)])

    def move_page(self, down: bool) -> None:
        """So far as there is room for rows at once; not round at the ends."""
        rows = [position for position, row in enumerate(self.rows) if row.kind is not RowKind.HEAD]
        if rows:
            page = max(1, self.list.viewport().height() // _ROW - 1)
            at = rows.index(self.list.currentIndex().row()) + (page if down else -page)
            self._go(rows[min(max(at, 0), len(rows) - 1)])

    def _go(self, row: int) -> None:
        index = self.model.index(row, 0)
        if index.isValid():
            self.list.setCurrentIndex(index)
            if row <= 1:
                self.list.scrollToTop()  # with the head of its group
            announce(self, str(self.rows[row]))

    def _hover(self, index: QModelIndex) -> None:
        if self.rows[index.row()].kind is not RowKind.HEAD:
            self.list.setCurrentIndex(index)

    def _show(self, rows: Sequence[ResultRow], sentence: str = "") -> None:
        self.model.show(rows)
        self.sentence.say(sentence)
        for part in (self.list, self.keys):
            part.setVisible(bool(rows))
        field, window = self._field, self._field.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        below = field.mapTo(window, field.rect().bottomLeft())
        width = min(max(WIDTH, field.width()), window.width() - 24)
        option = QStyleOptionViewItem()
        option.initFrom(self.list)
        delegate = self.list.itemDelegate()
        indexes = (self.model.index(row, 0) for row in range(len(self.rows)))
        content = sum(delegate.sizeHint(option, index).height() for index in indexes) + 6
        self.list.setFixedHeight(min(content, max(120, window.height() - below.y() - 96)))
        self.setFixedWidth(width)
        words = self._column.hasHeightForWidth()  # only a sentence wraps
        least = self._column.totalHeightForWidth(width) if words else self._column.totalSizeHint().height()
        self.resize(width, least)
        self.move(max(12, below.x() + field.width() - width), below.y() + 5)
        self.show()
        self.raise_()
