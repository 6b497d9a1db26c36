"""A table's columns: how they share its width, and the header above them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import filterfalse

from PySide6.QtCore import QByteArray, QEvent, QObject, QRect, QSignalBlocker, QSize, Qt, QTimer, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QStandardItemModel,
)
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView, QToolButton, QToolTip, QWidget

from app.itemmodels.columns import TOOLTIP, Role
from app.services.text import visible
from app.ui.theme import Icon, Theme
from app.ui.widgets.actions import is_enter, key_alone
from app.ui.widgets.cell_delegate import GAP, ICON, PAD, bars_width, is_right
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import set_tip


def arrange_first(header: QHeaderView, state: QByteArray, count: int) -> bool:
    """Arranges the first columns as the state of so many says, and hides the others; whether it is one.

    Qt takes such a state, but keeps the wrong length then, and does not take what it saves after that.
    """
    like = QHeaderView(Qt.Orientation.Horizontal)
    like.setModel(QStandardItemModel(0, count, like))
    if not like.restoreState(state):
        return False
    for place, column in enumerate(map(like.logicalIndex, range(count))):
        header.moveSection(header.visualIndex(column), place)
        header.setSectionHidden(column, like.isSectionHidden(column))
        if not like.isSectionHidden(column):
            header.resizeSection(column, like.sectionSize(column))
    stretches = header.stretchLastSection()
    header.setStretchLastSection(False)  # else Qt counts hidden columns' widths for a while
    for column in range(count, header.count()):
        header.setSectionHidden(column, True)
    header.setStretchLastSection(stretches)
    return True


_WIDEST, _NARROWER, _NARROWEST, _MAIN_LEAST = 420, 240, 132, 100
_SHORT = 800
"""A table's width from which on its main column has enough; in a narrower one it has as large a part."""

_LITTLE = 12
"""Pixels that words of another column may lack and get before it wants more: a letter or two of its own."""

_NARROW = 640
"""A table's width below which times say less."""

_SAVE_AFTER_MS = 400
_FITTED_ROWS = 50
"""Rows that columns are fitted to: a tall screen of them. Qt's thousand take 100 ms."""

_ARROW = 12
_ORDERS = {Qt.SortOrder.AscendingOrder: "Ascending", Qt.SortOrder.DescendingOrder: "Descending"}
_DRAWN, _BETWEEN = b"\x1e", b"\x1f"
MISSING = 26
"""The width of the button that says how many columns have given way."""


class ColumnLayout(QObject):
    """Of a table that has its header. The column that the rows are in order of is always in sight.

    `load()` returns the QByteArray that `save(QByteArray)` was last given, or an empty one; order, widths and
    hidden columns then survive between runs. A state saved for other columns is ignored; one for the first of
    them hides the others.
    """

    def __init__(
        self,
        table: QTableView,
        header: "TableHeader",
        load: Callable[[], QByteArray] | None = None,
        save: Callable[[QByteArray], None] | None = None,
    ) -> None:
        super().__init__(table)
        self._table = table
        self._load, self._save = load, save
        self._main = -1
        self._main_width = 0
        """Of the main column, as a person has drawn it by its border; 0 for what the others leave."""
        self._main_enough = 0
        self._main_wants = 0
        """How wide its words were when they were last fitted; 0 for not known."""
        self._giving: tuple[int, ...] = ()
        self._given: dict[int, int] = {}
        """The columns that have given way, and how wide they were."""
        self._by_hand = set[int]()
        """Those that a person has shown since, which stay."""
        self._least: dict[int, tuple[tuple[str, ...], int]] = {}
        """The columns that say less where room is short, and what each always has room for."""
        self._shortened: dict[int, int] = {}
        """Those that do now, and how wide they are with all their words."""
        self._alike = set[int]()
        """Those of them of which all say less, or none."""
        self._arranged = self._alone = self._unfitted = False
        self._words: dict[int, tuple[tuple[str, ...], int, int | Callable[[], int]]] = {}
        self._saver = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._saver.timeout.connect(self.save)
        self._header = header
        header.setResizeContentsPrecision(_FITTED_ROWS)
        header.sectionResized.connect(self._section_resized)
        header.sectionMoved.connect(self._changed)

    def fit(self) -> None:
        """Widths from the header and the rows in view, at most 420 px, or 240 where room is short, or 132
        rather than that a column gives way.
        """
        header, self._unfitted = self._header, False
        with self.by_itself():
            self._take_back()
            self._table.resizeColumnsToContents()
            self._main_wants = header.sectionSize(self._main) if self._main >= 0 else 0
            self._narrow(range(header.count()), _WIDEST)
            if self._main >= 0:
                others, room = set(range(header.count())) - {self._main}, self._room()
                if header.length() > room:
                    self._narrow(others, _NARROWER)
                spare = max(0, header.sectionSize(self._main) - self._main_least())
                if header.length() - spare > room:
                    self._narrow(others, _NARROWEST)
        self.fill()

    def fit_when_shown(self) -> None:
        """Fits them when the table comes in sight, unless they are fitted before: to measure a table that has
        no place yet would style it for nothing.
        """
        self._unfitted = True
        if self._table.isVisible():
            self.fit()

    def fit_unless_arranged(self) -> None:
        """Leaves them as a person has drawn them."""
        if not self._arranged:
            self.fit()

    def shown(self) -> None:
        if self._unfitted:
            self.fit()

    def fill(self) -> None:
        """Gives the main column the room that the others leave now, of which some give way where it is
        short.
        """
        header = self._header
        with self.by_itself():
            if 0 <= (by := header.sortIndicatorSection()) < header.count():
                header.setSectionHidden(by, False)
            self._give_way()
            header.say_missing(self._given)
            if 0 <= self._main < header.count() and not header.isSectionHidden(self._main):
                others = header.length() - header.sectionSize(self._main)
                # Where all have given way that may, it is narrower yet: rows need not scroll sideways.
                least = header.minimumSectionSize() if self._none_is_left() else self._main_least()
                left = max(least, self._room() - others)
                header.resizeSection(self._main, self._main_width or left)
        current = self._table.currentIndex()
        if current.isValid() and (column := self.in_sight(current.column())) != current.column():
            model = self._table.selectionModel()  # from a cell that is hidden, no key leads anywhere
            scrolls = self._table.hasAutoScroll()
            self._table.setAutoScroll(False)  # the row may be out of sight
            model.setCurrentIndex(current.siblingAtColumn(column), model.SelectionFlag.NoUpdate)
            self._table.setAutoScroll(scrolls)

    def in_sight(self, column: int) -> int:
        """This column where it is in sight, or else the first one that is: where the keyboard can be."""
        header = self._header
        order = (column, *map(header.logicalIndex, range(header.count())))
        return next((one for one in order if one >= 0 and header.sectionSize(one)), 0)

    def let_give_way(self, columns: Sequence[int]) -> None:
        """Let these go out of sight where room is short, the first of them first; one shown by hand stays."""
        self._giving = tuple(columns)
        with self.by_itself():
            for column in set(self._given).difference(columns):
                self._given.pop(column)
                self._header.setSectionHidden(column, False)
        self.fill()

    def set_short(self, column: int, least: Sequence[str], *, icon: bool = True, alike: bool = False) -> None:
        """Let `column` have no more room than the widest of these words where it is short, before another one
        gives way: an icon never stands alone for a state. What those that gave way leave is for its other
        words again, and first for those of the column that was named last. Of those that are `alike` all say
        less or none does, and only in a narrow table.
        """
        self._least[column] = tuple(least), ICON + GAP if icon else 0
        if alike:
            self._alike.add(column)
        self.fill()

    def _give_way(self) -> None:
        header, room = self._header, self._width()
        wanted = header.length() + sum(self._given.values())
        if 0 <= self._main < header.count() and not header.isSectionHidden(self._main):
            wanted += (self._main_width or self._main_least()) - header.sectionSize(self._main)
        for column, whole in self._shortened.items():
            if not header.isSectionHidden(column):
                wanted += whole - header.sectionSize(column)
            elif column in self._given:
                wanted += whole - self._given[column]
        wanted -= self._shorten(wanted > room)
        if wanted > room:
            room -= MISSING
        for column in self._giving if room > 0 else ():
            was = column in self._given
            if column == header.sortIndicatorSection() or (header.isSectionHidden(column) and not was):
                continue
            if column in self._by_hand:
                continue
            gives = wanted > room
            if gives:
                wanted -= self._given.setdefault(column, header.sectionSize(column))
            else:
                self._given.pop(column, None)
            if gives != was:
                header.setSectionHidden(column, gives)
        self._put_words_back(room - wanted)

    def _shorten(self, is_short: bool) -> int:
        """Leaves columns their least words, or all of them again; how much less room they want then."""
        header, saved = self._header, 0
        for column, (words, beside) in self._least.items():
            now = header.sectionSize(column) or self._given.get(column, 0)
            if not now:
                continue
            whole = self._shortened.get(column, now)
            least = max(self._wide_enough(words, beside), header.sectionSizeHint(column))
            if is_short and whole > least and (column not in self._alike or self._width() < _NARROW):
                self._shortened[column] = whole
                saved += whole - least
            elif self._shortened.pop(column, 0):
                least = whole
            else:
                continue
            if column in self._given:
                self._given[column] = least
            elif now != least:
                header.resizeSection(column, least)
        return saved

    def _put_words_back(self, left: int) -> None:
        """Of columns that were shortened, where what the others have left has room for all of them."""
        header, kept = self._header, 0
        if self._width() < _SHORT:  # the main column's own words are worth more there
            kept = max(0, self._main_wants - self._main_least())
        say_less = [one for one in self._least if one in self._shortened and not header.isSectionHidden(one)]
        alike = [one for one in say_less if one in self._alike]
        others = [[one] for one in say_less if one not in self._alike]
        for together in reversed([alike, *others]):
            more = sum(self._shortened[one] - header.sectionSize(one) for one in together)
            if more <= (left if more <= _LITTLE else left - kept):
                for one in together:
                    header.resizeSection(one, self._shortened[one])
                left -= more

    def show_sorted(self) -> None:
        """The column that the rows are in order of is seen, and another gives way where there is no room."""
        by = self._header.sortIndicatorSection()
        if by >= 0 and self._header.isSectionHidden(by):
            self._given.pop(by, None)
            with self.by_itself():
                self._header.setSectionHidden(by, False)
            self.fill()

    def _none_is_left(self) -> bool:
        """Whether all have given way that may."""
        stays = {self._header.sortIndicatorSection()}
        is_gone = self._header.isSectionHidden
        return bool(self._given) and all(is_gone(one) or one in stays for one in self._giving)

    def _take_back(self) -> None:
        for column in self._given:
            self._header.setSectionHidden(column, False)
        self._given.clear()
        self._shorten(False)

    def _main_least(self) -> int:
        width, enough = self._width(), self._main_enough
        part = enough * min(width, _SHORT) // _SHORT
        return min(enough, max(_MAIN_LEAST, min(part, self._main_wants or enough)))

    def _narrow(self, columns: Iterable[int], widest: int) -> None:
        for column in columns:
            most = max(widest, self.room_for_words(column))
            if self._header.sectionSize(column) > most:
                self._header.resizeSection(column, most)

    def _room(self) -> int:
        """The width for columns, beside the button for those that have given way where some have."""
        return self._width() - (MISSING if self._given else 0)

    def _width(self) -> int:
        """A scroll bar that comes or goes has its place, and moves no column."""
        bar = self._table.verticalScrollBar()
        return self._table.contentsRect().width() - bar.sizeHint().width()

    def set_main(self, column: int, enough: int = 200) -> None:
        """Let `column` take the room that the others leave, at least `enough` px: else one of them gives way.
        It is less in a narrow table.
        """
        self._main, self._main_enough = column, enough
        with self.by_itself():
            self._header.setStretchLastSection(False)
        self.fill()

    def hide_at_first(self, columns: Sequence[int]) -> None:
        """Hide these columns until the user shows them, unless the user has arranged them already."""
        if not self._arranged:
            stretches = self._header.stretchLastSection()
            with self.by_itself():
                self._header.setStretchLastSection(False)  # else Qt counts hidden columns' widths for a while
                for column in columns:
                    self._table.setColumnHidden(column, True)
                self._header.setStretchLastSection(stretches)

    def set_widest(
        self, column: int, words: Sequence[str], *, icon: bool = True, bars: int | Callable[[], int] = 0
    ) -> None:
        """Make `column` wide enough for each of these words, with an icon and so many bars, when columns are
        fitted.
        """
        self._words[column] = tuple(words), ICON + GAP if icon else 0, bars

    def room_for_words(self, column: int) -> int:
        """The width in pixels that the words given for `column` need; 0 where none were."""
        words, beside, bars = self._words.get(column, ((), 0, 0))
        places = bars if isinstance(bars, int) else bars()
        return self._wide_enough(words, beside + (bars_width(places) + GAP if places else 0))

    def _wide_enough(self, words: Sequence[str], beside: int) -> int:
        widest = max(map(self._table.fontMetrics().horizontalAdvance, words), default=0)
        return widest + beside + 2 * PAD + 4 if widest else 0

    def save(self) -> None:
        """Hand the state of the columns to `save`, once the user has arranged them."""
        self._saver.stop()
        if self._save is not None and self._arranged and self._table.model() is not None:
            self._save(QByteArray(self.state()))

    def state(self) -> bytes:
        """Which columns show, where and how wide."""
        with self.by_itself():
            self._take_back()
            drawn = b"%s%d" % (_DRAWN, self._main_width) if self._main_width else b""
            found = self._names() + drawn + b"\n" + bytes(self._header.saveState().data())
        self.fill()
        return found

    def restore(self) -> bool:
        """Take back what `save` was given; False when there is nothing that fits these columns."""
        return self._take(bytes(self._load().data()) if self._load is not None else b"")

    def arrange(self, state: bytes) -> bool:
        """As a person arranges them; False where the state is that of other columns."""
        done = self._take(state)
        if done:
            self.fill()
            self.save()
        return done

    def _take(self, state: bytes) -> bool:
        told, newline, header_state = state.partition(b"\n")
        names, _, drawn = told.partition(_DRAWN)
        known, now = names.split(_BETWEEN), self._names().split(_BETWEEN)
        if not newline or known != now[: len(known)]:
            return False
        header = self._header
        section, order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        self._given.clear()
        self._shortened.clear()
        with self.by_itself():
            taken = QByteArray(header_state)
            if len(known) < len(now):
                done = arrange_first(header, taken, len(known))
            else:
                done = header.restoreState(taken)
            self._arranged = done
        header.setSortIndicator(section, order)
        self._main_width = int(drawn) if drawn.isdigit() else 0
        if self._main >= 0:
            header.setStretchLastSection(False)
        self._saver.stop()
        return done

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """What changes within is not the user's arrangement, and not kept between runs."""
        before, self._alone = self._alone, True
        try:
            yield
        finally:
            self._alone = before

    def _section_resized(self, section: int, before: int, after: int) -> None:
        if not self._alone and section != self._main and 0 in (before, after):  # hidden or shown
            if before == 0:
                self._given.pop(section, None)
                self._by_hand.add(section)
            else:
                self._by_hand.discard(section)
            self.fill()
        header = self._header
        if not self._alone and section in self._least and before and after:
            self._shortened.pop(section, None)
            self._least.pop(section)  # as wide as it was drawn
        if not self._alone and section == self._main and before and after:
            self._main_width = after if header.is_held else 0
        stretched = header.stretchLastSection() and header.visualIndex(section) == header.count() - 1
        if not stretched:  # that one follows the window
            self._changed()

    def _changed(self) -> None:
        if self._save is not None and not self._alone:
            self._arranged = True
            self._saver.start()

    def _names(self) -> bytes:
        model = self._table.model()
        names = [str(model.headerData(c, Qt.Orientation.Horizontal)) for c in range(model.columnCount())]
        return _BETWEEN.join(name.encode() for name in names)


def known_viewport(role: QPalette.ColorRole) -> QWidget:
    """A viewport as Qt makes it, of a kind that PySide knows.

    To learn what Qt's own is, PySide loads every kind of widget there is: 35 ms of the program's start.
    """
    viewport = QWidget()
    viewport.setBackgroundRole(role)
    viewport.setAutoFillBackground(True)
    return viewport


class _HeaderButton(QToolButton):
    """Return and Down open its menu: else they went on to the table that it stands in, and to its rows."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down or is_enter(event):
            if not event.isAutoRepeat():
                self.showMenu()
        else:
            super().keyPressEvent(event)


class TableHeader(QHeaderView):
    """Its context menu hides, shows and fits columns. A button at its end says how many have no room, and
    opens it, too.
    """

    _without_room: frozenset[int] = frozenset()
    below = ""
    """What in a title is before the words that stand in a line of their own, below two for those before it;
    nothing where there is none.
    """
    is_held = False
    """While a mouse button is down in it: what is drawn then is drawn by hand."""

    def __init__(self, theme: Theme, table: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._theme = theme
        self._table = table
        self._hovered = -1
        self._order = -1, Qt.SortOrder.AscendingOrder
        self.sortIndicatorChanged.connect(self._keep_order)  # before the table hears of it
        self.setSectionsClickable(True)
        self.setSectionsMovable(True)
        self.setHighlightSections(False)
        self.setStretchLastSection(True)
        self._low = False
        self.setMinimumSectionSize(48)
        self.setMouseTracking(True)
        self.setAccessibleName("Columns")
        self.setViewport(known_viewport(QPalette.ColorRole.Button))
        self.viewport().setMouseTracking(True)
        self._missing = _HeaderButton(self)
        self._missing.setProperty("small", True)
        self._missing.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._missing.setMenu(menu := QMenu(self._missing))
        menu.aboutToShow.connect(lambda: self.fill_columns_menu(menu))
        self.say_missing(())

    def sizeHint(self) -> QSize:
        least, around = (28, 10) if self._low else (34, 16)
        lines = 3 if self.below else 1
        return QSize(super().sizeHint().width(), max(least, lines * self.fontMetrics().height() + around))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if key_alone(event):  # at the button at its end: of an act, which Qt would look for in a title
            event.ignore()
        else:
            super().keyPressEvent(event)

    def set_low(self, low: bool) -> None:
        if low != self._low:
            self._low = low
            self.updateGeometry()
            self.headerDataChanged(self.orientation(), 0, 0)  # the table asks for the height again

    def sectionSizeFromContents(self, logicalIndex: int) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._word(logicalIndex))
        return QSize(width + 2 * PAD + _ARROW + 8, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line under it goes as far as those under the rows, also where no column is."""
        super().paintEvent(event)
        below = self.viewport().rect()
        line = self._theme.colour("line")
        QPainter(self.viewport()).fillRect(0, below.bottom(), below.width(), 1, line)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        theme = self._theme
        hovered = logicalIndex == self._hovered
        sorted_by = self.isSortIndicatorShown() and self.sortIndicatorSection() == logicalIndex
        painter.fillRect(rect, theme.colour("hover" if hovered else "panel"))
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.colour("line"))
        if hovered:
            painter.fillRect(rect.right(), rect.y() + 8, 1, rect.height() - 16, theme.colour("edge"))
        painter.setPen(theme.colour("text" if sorted_by or hovered else "dim"))
        painter.setFont(self.font())
        free = rect  # of the button at the end, which stands over a column that scrolls
        if not self._missing.isHidden() and rect.left() < self._missing.x() <= rect.right():
            free = rect.adjusted(0, 0, self._missing.x() - 1 - rect.right(), 0)
        room = free.width() - 2 * PAD - (_ARROW + 4 if sorted_by else 0)
        metrics = self.fontMetrics()
        whole, _, more = self._word(logicalIndex).rpartition(self.below) if self.below else ("", "", "")
        whole, more = (whole, more) if whole else (self._word(logicalIndex), "")
        begins, rest = _in_two(whole, metrics, room) if more else (whole, "")
        word = metrics.elidedText(begins, Qt.TextElideMode.ElideRight, room)
        width = metrics.horizontalAdvance(word)
        left = rect.x() + PAD + (room - width if self._is_right(logicalIndex) else 0)
        first = rect
        if more:
            high = metrics.height()
            first = QRect(left, rect.y() + (rect.height() - (3 if rest else 2) * high) // 2, room, high)
            said = metrics.elidedText(more, Qt.TextElideMode.ElideLeft, room)  # it differs at its end
            last = first.translated(0, (2 if rest else 1) * high)
            painter.drawText(last, Qt.AlignmentFlag.AlignVCenter, said)
            painter.setPen(theme.colour("text"))
            rest = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, room)
            painter.drawText(first.translated(0, high), Qt.AlignmentFlag.AlignVCenter, rest)
        painter.drawText(
            QRect(left, first.y(), width + 2, first.height()), Qt.AlignmentFlag.AlignVCenter, word
        )
        if sorted_by:
            up = self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
            icon = Icon.SORT_UP if up else Icon.SORT_DOWN
            arrow = theme.pixmap(icon, "accent", _ARROW, self.devicePixelRatioF())
            painter.drawPixmap(left + width + 4, rect.y() + (rect.height() - _ARROW) // 2, arrow)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.is_held = True
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self.is_held = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.logicalIndexAt(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.columns_menu(self.logicalIndexAt(event.pos())).popup(event.globalPos())

    def say_missing(self, columns: Collection[int]) -> None:
        self._without_room = frozenset(columns)
        order = map(self.logicalIndex, range(self.count()))
        names = [self._word(column) for column in order if column in columns]
        said = f"No room for {', '.join(names)}. Widen the window, or choose the columns here."
        self._missing.setText(f"+{len(names)}")
        set_tip(self._missing, said)
        self._missing.setAccessibleName(said)
        self._missing.setVisible(bool(names))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        bar = self._table.verticalScrollBar().sizeHint().width()
        right = min(self.width(), self._table.contentsRect().width() - bar)  # whether the bar shows or not
        self._missing.setGeometry(right - MISSING, 1, MISSING, self.height() - 2)

    def viewportEvent(self, event: QEvent) -> bool:
        """A tool tip names what the file calls a column, which is no markup."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            column = self.logicalIndexAt(event.pos())
            hint = self.model().headerData(column, Qt.Orientation.Horizontal, TOOLTIP)
            QToolTip.showText(event.globalPos(), tooltip(str(hint or "")), self)
            return True
        return super().viewportEvent(event)

    def columns_menu(self, section: int = -1) -> QMenu:
        """The menu that hides, shows and fits columns; `section` is the one it was opened on."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_columns_menu(menu, section)
        return menu

    def point_at(self, section: int, order: Qt.SortOrder) -> None:
        """Shows by which column the rows are in order already."""
        with QSignalBlocker(self):
            self.setSortIndicator(section, order)
        self._order = section, order
        self.viewport().update()

    @Slot(int, Qt.SortOrder)
    def _keep_order(self, section: int, order: Qt.SortOrder) -> None:
        """Points on at the column by which the rows are in order, where a click asks for one that none can be
        put in order by.
        """
        if self._is_unsortable(section):
            self.point_at(*self._order)
        else:
            self._order = section, order

    def _is_unsortable(self, section: int) -> bool:
        return section >= 0 and bool(
            self.model().headerData(section, Qt.Orientation.Horizontal, Role.UNSORTABLE)
        )

    def fill_sort_menu(self, menu: QMenu) -> None:
        """What a click on each title does, and which way the rows are in order."""
        by, order = self.sortIndicatorSection(), self.sortIndicatorOrder()
        menu.clear()
        for column in filterfalse(self._is_unsortable, map(self.logicalIndex, range(self.count()))):
            to = order if column == by else Qt.SortOrder.AscendingOrder
            action = menu.addAction(self._word(column).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(column == by)
            action.triggered.connect(lambda _, c=column, to=to: self._table.sortByColumn(c, to))
        menu.addSeparator()
        for to, words in _ORDERS.items():
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(by >= 0 and order == to)
            action.setEnabled(by >= 0)
            action.triggered.connect(lambda _, to=to: self._table.sortByColumn(by, to))

    def said_order(self) -> str:
        """The order that the arrow shows, in words; empty where it shows none."""
        by = self.sortIndicatorSection()
        return f"Sorted by {self._word(by)}, {_ORDERS[self.sortIndicatorOrder()].lower()}" if by >= 0 else ""

    def said_of(self, section: int) -> str:
        """What one sees of a column, for those who hear its title."""
        if self.isSectionHidden(section):
            return "Not shown"
        is_order = self.isSortIndicatorShown() and section == self.sortIndicatorSection()
        return f"Sorted, {_ORDERS[self.sortIndicatorOrder()].lower()}" if is_order else ""

    def fill_columns_menu(self, menu: QMenu, section: int = -1) -> None:
        menu.clear()
        if section >= 0:
            name = self._word(section).replace("&", "&&")
            hide = menu.addAction(f"Hide “{name}”", lambda: self.setSectionHidden(section, True))
            hide.setEnabled(self.can_hide(section))
            menu.addAction(f"Fit “{name}”", lambda: self._table.resizeColumnToContents(section))
            menu.addSeparator()
        menu.addAction("Fit all columns", self._table.resizeColumnsToContents)
        menu.addSeparator()
        for visual in range(self.count()):
            column = self.logicalIndex(visual)
            why = " (no room)" if column in self._without_room else ""
            action = menu.addAction(self._word(column).replace("&", "&&") + why)
            action.setCheckable(True)
            action.setChecked(not self.isSectionHidden(column))
            action.setEnabled(self.isSectionHidden(column) or self.can_hide(column))
            action.toggled.connect(lambda on, c=column: self.setSectionHidden(c, not on))

    def can_hide(self, section: int) -> bool:
        """Neither the last column in sight nor the one that the rows are in order of."""
        sorted_by = self.isSortIndicatorShown() and self.sortIndicatorSection() == section
        return self.count() - self.hiddenSectionCount() > 1 and not sorted_by

    def _hover(self, section: int) -> None:
        """Marks a title that a click sorts by; no other one, for which a click does nothing."""
        if self._is_unsortable(section):
            section = -1
        if section != self._hovered:
            self._hovered = section
            self.viewport().update()

    def _word(self, section: int) -> str:
        model = self.model()
        return visible(str(model.headerData(section, self.orientation()) or "")) if model else ""

    def _is_right(self, section: int) -> bool:
        role = Qt.ItemDataRole.TextAlignmentRole
        return is_right(self.model().headerData(section, self.orientation(), role))


def _in_two(words: str, metrics: QFontMetrics, room: int) -> tuple[str, str]:
    """What of a title fits into one line, to the last space in it, and the rest; all of one long word."""
    if metrics.horizontalAdvance(words) <= room:
        return words, ""
    fits = ""
    for word in words.split(" "):
        longer = f"{fits} {word}".strip()
        if metrics.horizontalAdvance(longer) > room:
            break
        fits = longer
    return (fits, words[len(fits) :].strip()) if fits else (words, "")
