"""Text of any length by lines: one, or two side by side with what differs between them.

Only the lines in sight are laid out. A long line goes on in the next row, so that all of it can be read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain, islice, zip_longest
from typing import Any, Final, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBrush,
    QFont,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCharFormat,
    QTextLayout,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.itemmodels.columns import DISPLAY, ROOT, Index
from app.services.runs.contents import single
from app.services.runs.text_diff import Alone, DiffRow, MadeWhenAsked, Marks, TextDiff, marks
from app.services.sought import places_in, sought
from app.services.text import counted, unstacked, visible
from app.ui.theme import Theme
from app.ui.widgets.actions import is_enter, key_alone
from app.ui.widgets.clipboard import copy_text
from models.progress import Pause

NUMBER, LEFT, OTHER_NUMBER, RIGHT = range(4)
AROUND: Final = 2
"""Equal lines that are shown around what differs."""
_LEAST_FOLD: Final = 2
_LEAST_COLUMNS: Final = 20
_PAD: Final = 6
_PALE: Final = 110
"""Of 255: how much of its colour a line has that differs, whose words have all of it."""
_SETTLED_MS: Final = 80
_RING: Final = 2
_AT_ONCE: Final = 4_000
"""Lines whose rows are made on the spot."""
_BETWEEN_PAUSES: Final = 200
_MOST_HITS: Final = 40
"""In the part of a line that is drawn."""
_SPELT: Final = 4
"""Characters at most that a letter sought is written with where it may stand over the end of a part."""
_LOOKED_AT: Final = 20_000
"""Lines whose length is looked at between two pauses."""
_TAB = "    "


class LineKind(Enum):
    SAME = auto()
    DIFFERENT = auto()
    FOLD = auto()


class LineRow(NamedTuple):
    """A row in sight: the line of each side by its number from 0 and the characters of it that stand here;
    of a fold the rows of the diff that are hidden.
    """

    kind: LineKind
    left: tuple[int, int, int] | None = None
    right: tuple[int, int, int] | None = None
    fold: range = range(0)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """What a view shows: two texts and how they stand beside each other; of one text the left side alone."""

    diff: TextDiff
    is_single: bool = False


def one_text(text: str) -> SideBySide:
    """One text."""
    return SideBySide(single(text), is_single=True)


def _having(lines: Sequence[str], words: str, pause: Pause) -> set[int]:
    """The lines with these words, which are as `sought`."""
    found = set[int]()
    for n, line in enumerate(lines):
        if words in sought(line):
            found.add(n)
        if n % _BETWEEN_PAUSES == 0:
            pause()
    return found


def count_lines(diff: TextDiff, words: str, pause: Pause) -> int:
    """How many lines have these words; two beside each other are one."""
    left, right = (_having(lines, sought(words), pause) for lines in (diff.left, diff.right))
    if isinstance(diff.rows, Alone) or not (left or right):
        return len(left)
    found = 0
    for place, row in enumerate(diff.rows):
        found += row.left in left or row.right in right
        if place % _BETWEEN_PAUSES == 0:
            pause()
    return found


def rows_of(
    shown: SideBySide,
    columns: int,
    *,
    only_different: bool = False,
    opened: Collection[int] = (),
    pause: Pause = lambda: None,
) -> Sequence[LineRow]:
    """The rows at a width in characters; `opened` are the folds that are not, by their first row. `pause()`
    is called now and then.
    """
    if isinstance(shown.diff.rows, Alone):
        return LinesAlone(shown.diff.left, columns, pause)
    return LinesBeside(shown.diff, _parts(shown.diff, only_different, opened, pause), columns, pause)


class LinesAlone(MadeWhenAsked[LineRow]):
    """The rows of one text. Those of long lines alone are kept: a text may have millions of short ones."""

    def __init__(self, lines: Sequence[str], columns: int, pause: Pause) -> None:
        self._lines, self._first = lines, list[int]()
        """The row at which each long line begins."""
        self._long, self._pieces = list[int](), list[Sequence[tuple[int, int, int]]]()
        self._more = [0]
        """By how many rows those before are more than their lines."""
        for start in range(0, len(lines), _LOOKED_AT):
            pause()
            for number, line in enumerate(lines[start : start + _LOOKED_AT], start):
                if len(line) > columns:
                    pieces = _pieces(line, number, columns, pause)
                    self._long.append(number)
                    self._first.append(number + self._more[-1])
                    self._pieces.append(pieces)
                    self._more.append(self._more[-1] + len(pieces) - 1)

    def __len__(self) -> int:
        return len(self._lines) + self._more[-1]

    def at(self, place: int) -> LineRow:
        row, at = place, bisect_right(self._first, place)
        if at and row - self._first[at - 1] < len(self._pieces[at - 1]):
            return LineRow(LineKind.SAME, self._pieces[at - 1][row - self._first[at - 1]])
        number = row - self._more[at]
        return LineRow(LineKind.SAME, (number, 0, len(self._lines[number])))

    def row_of(self, line: int) -> int:
        """Where a line begins."""
        return line + self._more[bisect_left(self._long, line)]


class LinesBeside(MadeWhenAsked[LineRow]):
    """The rows of two texts, of which `parts` are shown. Those of long lines alone are kept, as of one."""

    def __init__(self, diff: TextDiff, parts: Sequence[LineRow], columns: int, pause: Pause) -> None:
        self._diff, self._rows = diff, 0
        self._first, self._place = list[int](), list[int]()
        self._stretches = list[range | Sequence[LineRow]]()
        """Rows of the diff that are one row each, or such rows; at which row each begins, and with which row
        of the diff.
        """
        long = self._long(columns, pause)
        for part in parts:
            pause()
            if part.kind is LineKind.FOLD:
                self._add(part.fold.start, [part])
                continue
            at = part.fold.start
            for place in long[bisect_left(long, at) : bisect_left(long, part.fold.stop)]:
                self._add(at, range(at, place))
                self._add(place, self._broken(place, columns, pause))
                at = place + 1
            self._add(at, range(at, part.fold.stop))
        self.changes = [self._row_of(change.start) for change in diff.changes(pause)]
        """The rows at which what differs begins, in order."""

    def _long(self, columns: int, pause: Pause) -> list[int]:
        """The rows of the diff that have a line which is longer."""
        sides = [set[int](), set[int]()]
        for lines, found in zip((self._diff.left, self._diff.right), sides, strict=True):
            for start in range(0, len(lines), _LOOKED_AT):
                pause()
                part = enumerate(lines[start : start + _LOOKED_AT], start)
                found.update(number for number, line in part if len(line) > columns)
        left, right = sides
        places = list[int]()
        for place, row in enumerate(self._diff.rows if left or right else ()):
            if row.left in left or row.right in right:
                places.append(place)
            if place % _LOOKED_AT == 0:
                pause()
        return places

    def _broken(self, place: int, columns: int, pause: Pause) -> Sequence[LineRow]:
        """A row of the diff in as many rows as it needs."""
        row, diff = self._diff.rows[place], self._diff
        left = () if row.left is None else _pieces(diff.left[row.left], row.left, columns, pause)
        right = () if row.right is None else _pieces(diff.right[row.right], row.right, columns, pause)
        return [LineRow(_kind(row), *both) for both in zip_longest(left, right)]

    def _add(self, place: int, stretch: range | Sequence[LineRow]) -> None:
        if stretch:
            self._first.append(self._rows)
            self._place.append(place)
            self._stretches.append(stretch)
            self._rows += len(stretch)

    def _row_of(self, place: int) -> int:
        """Where a row of the diff begins."""
        at = bisect_right(self._place, place) - 1
        return self._first[at] + (place - self._place[at] if isinstance(self._stretches[at], range) else 0)

    def having(self, left: Collection[int], right: Collection[int], pause: Pause) -> list[int]:
        """Where these lines of a side begin, as far as they are shown."""
        found = list[int]()
        for place, row in enumerate(self._diff.rows):
            if place % _LOOKED_AT == 0:
                pause()
            if row.left in left or row.right in right:
                stretch = self._stretches[bisect_right(self._place, place) - 1]
                if isinstance(stretch, range) or stretch[0].kind is not LineKind.FOLD:
                    found.append(self._row_of(place))
        return found

    def _whole(self, row: DiffRow) -> LineRow:
        diff, left, right = self._diff, row.left, row.right
        return LineRow(
            _kind(row),
            None if left is None else (left, 0, len(diff.left[left])),
            None if right is None else (right, 0, len(diff.right[right])),
        )

    def __len__(self) -> int:
        return self._rows

    def at(self, place: int) -> LineRow:
        at = bisect_right(self._first, place) - 1
        found = self._stretches[at][place - self._first[at]]
        return found if isinstance(found, LineRow) else self._whole(self._diff.rows[found])


def _kind(row: DiffRow) -> LineKind:
    return LineKind.SAME if row.same else LineKind.DIFFERENT


def _parts(
    diff: TextDiff, only_different: bool, opened: Collection[int], pause: Pause = lambda: None
) -> list[LineRow]:
    """Stretches of rows that are shown (`fold` says which), and folds."""
    whole = range(len(diff.rows))
    if not only_different:
        return [LineRow(LineKind.SAME, fold=whole)]
    found, at = list[LineRow](), 0
    for change in chain(diff.changes(pause), [range(len(whole), len(whole))]):
        low = at + AROUND if at else 0
        high = change.start - AROUND if change else change.start
        if high - low >= _LEAST_FOLD and low not in opened:
            found.append(LineRow(LineKind.SAME, fold=range(at, low)))
            found.append(LineRow(LineKind.FOLD, fold=range(low, high)))
            found.append(LineRow(LineKind.SAME, fold=range(high, change.stop)))
        else:
            found.append(LineRow(LineKind.SAME, fold=range(at, change.stop)))
        at = change.stop
    return found


def _pieces(line: str, number: int, columns: int, pause: Pause) -> Sequence[tuple[int, int, int]]:
    """A line in parts of at most so many characters, cut behind a space where there is one."""
    if len(line) <= columns:
        return ((number, 0, len(line)),)
    found, start = list[tuple[int, int, int]](), 0
    while len(line) - start > columns:
        space = line.rfind(" ", start + columns // 2, start + columns)
        end = space + 1 if space >= 0 else start + columns
        found.append((number, start, end))
        start = end
        if len(found) % _BETWEEN_PAUSES == 0:
            pause()
    found.append((number, start, len(line)))
    return found


class LineModel(QAbstractTableModel):
    """Rows of lines: a number and a text for each side."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(parent)
        self.shown = one_text("")
        self.rows: Sequence[LineRow] = ()

    def show_rows(self, shown: SideBySide, rows: Sequence[LineRow]) -> None:
        self.beginResetModel()
        self.shown, self.rows = shown, rows
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else 4

    def data(self, index: Index, role: int = DISPLAY) -> Any:
        if not index.isValid() or role not in (DISPLAY, Qt.ItemDataRole.AccessibleTextRole):
            return None
        row, column = self.rows[index.row()], index.column()
        is_left = column in (NUMBER, LEFT)
        if row.kind is LineKind.FOLD:
            return f"⋯ {counted(len(row.fold), 'equal line')}" if column in (LEFT, RIGHT) else ""
        piece = row.left if is_left else row.right
        if piece is None:
            return ""
        if column in (NUMBER, OTHER_NUMBER):
            sign = "" if row.kind is LineKind.SAME else " −" if is_left else " +"
            return f"{piece[0] + 1}{sign}" if piece[1] == 0 else ""
        text = _shown(self.text(index.row(), is_left)[piece[1] : piece[2]])
        if role == DISPLAY or row.kind is LineKind.SAME:
            return text
        return f"{'removed' if is_left else 'added'}: {text}"

    def text(self, row: int, is_left: bool) -> str:
        """The whole line of a side."""
        piece = self.rows[row].left if is_left else self.rows[row].right
        lines = self.shown.diff.left if is_left else self.shown.diff.right
        return "" if piece is None else lines[piece[0]]

    def marks(self, row: int, is_left: bool) -> Marks:
        """What of the part of a line that stands here differs from the line beside it."""
        found = self.rows[row]
        piece = found.left if is_left else found.right
        if found.kind is not LineKind.DIFFERENT or piece is None:
            return ()
        left, right = self._beside(row)
        if left is None or right is None:
            return ()
        both = marks(self.shown.diff.left[left], self.shown.diff.right[right])
        parts = ((max(start, piece[1]), min(end, piece[2])) for start, end in both[0 if is_left else 1])
        return tuple((start - piece[1], end - piece[1]) for start, end in parts if start < end)

    def _beside(self, row: int) -> tuple[int | None, int | None]:
        """The lines that a row is of; where one side has fewer parts, the row above says which."""
        found = self.rows[row]
        left, right = (None if part is None else part[0] for part in (found.left, found.right))
        piece = found.left or found.right
        while (left is None or right is None) and piece is not None and piece[1] > 0 and row > 0:
            row -= 1
            above = self.rows[row]
            piece = above.left if found.left else above.right
            left = above.left[0] if left is None and above.left else left
            right = above.right[0] if right is None and above.right else right
        return left, right


class _Painter(QStyledItemDelegate):
    def __init__(self, theme: Theme, view: "LineView") -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(40, self._view.verticalHeader().defaultSectionSize())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, rect, colour = self._view.lines, QRect(option.rect), self._theme.colour
        row, column = model.rows[index.row()], index.column()
        is_left = column in (NUMBER, LEFT)
        tone = "bad" if is_left else "ok"
        piece = row.left if is_left else row.right
        is_current = self._view.currentIndex().row() == index.row()
        if row.kind is LineKind.DIFFERENT and piece is None:
            if not self._continues(index.row()):
                painter.fillRect(rect, QBrush(colour("line"), Qt.BrushStyle.BDiagPattern))
        elif row.kind is LineKind.DIFFERENT:
            pale = colour(f"{tone}_on")
            pale.setAlpha(_PALE)
            painter.fillRect(rect, pale)
        elif is_current:
            painter.fillRect(rect, colour("hover"))
        if is_current and column == NUMBER:
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), colour("accent"))
        words = str(index.data() or "")
        painter.setFont(self._view.font())
        if column in (NUMBER, OTHER_NUMBER):
            number, _, sign = words.partition(" ")
            painter.setPen(colour("dim"))
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            wide = self._view.fontMetrics().horizontalAdvance(" −")
            painter.drawText(rect.adjusted(0, 0, -_PAD - wide, 0), side, number)
            painter.setPen(colour(tone))
            painter.drawText(rect.adjusted(0, 0, -_PAD, 0), side, sign)
            return
        if not words:
            return
        if row.kind is LineKind.FOLD:
            painter.setPen(colour("dim"))
            painter.drawText(rect.adjusted(_PAD, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
            return
        self._draw(painter, rect, index.row(), is_left, tone)

    def _continues(self, row: int) -> bool:
        """Whether only one side of a line has so many parts."""
        found = self._view.lines.rows[row]
        piece = found.left or found.right
        return piece is not None and piece[1] > 0

    def _draw(self, painter: QPainter, rect: QRect, row: int, is_left: bool, tone: str) -> None:
        model, colour = self._view.lines, self._theme.colour
        found = model.rows[row]
        piece = found.left if is_left else found.right
        if piece is None:
            return
        whole = model.text(row, is_left)
        line = whole[piece[1] : piece[2]]
        text, formats, at = "", list[QTextLayout.FormatRange](), 0
        strong = QTextCharFormat()
        strong.setForeground(colour(tone))
        strong.setBackground(colour(f"{tone}_on"))
        strong.setFontStrikeOut(is_left)
        strong.setFontUnderline(not is_left)
        hit = QTextCharFormat()
        hit.setBackground(colour("warn_on"))
        hit.setForeground(colour("text"))
        for start, end, is_hit in laid_over(model.marks(row, is_left), self._view.hits(whole, *piece[1:])):
            form = hit if is_hit else strong
            text += _shown(line[at:start])
            part = _shown(line[start:end])
            range_ = QTextLayout.FormatRange()
            range_.start, range_.length, range_.format = _units(text), _units(part), form
            formats.append(range_)
            text, at = text + part, end
        layout = QTextLayout(text + _shown(line[at:]), self._view.font())
        layout.setFormats(formats)
        layout.beginLayout()
        layout.createLine()
        layout.endLayout()
        painter.setPen(colour("text"))
        painter.save()
        painter.setClipRect(rect)
        top = rect.top() + (rect.height() - self._view.fontMetrics().height()) / 2
        layout.draw(painter, QPointF(rect.left() + _PAD, top))
        painter.restore()


def laid_over(differ: Marks, hits: Marks) -> list[tuple[int, int, bool]]:
    """What is marked, in order: of what differs the parts that are no hit, and each hit, which is told."""
    found, rest = [(start, end, True) for start, end in hits], list(differ)
    for begin, end in hits:
        kept = list[tuple[int, int]]()
        for low, high in rest:
            kept += [(a, b) for a, b in ((low, min(high, begin)), (max(low, end), high)) if a < b]
        rest = kept
    return sorted([*found, *((low, high, False) for low, high in rest)])


def _shown(text: str) -> str:
    return visible(unstacked(text.replace("\t", _TAB)))


def _units(text: str) -> int:
    """Its length as Qt counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class LineView(QTableView):
    """`LineView(theme, name, work)`; `work(make, done)` calls `make(pause)` on another thread and `done` with
    what it gives: rows of more than some thousand lines are made there.
    """

    laid_out = Signal()

    def __init__(
        self, theme: Theme, name: str, work: Callable[[Callable[[Pause], Any], Callable[[Any], None]], object]
    ) -> None:
        super().__init__(showGrid=False, wordWrap=False, cornerButtonEnabled=False)
        self._work, self._theme = work, theme
        self.lines = LineModel(self)
        self._wanted = self.lines.shown
        self._only, self._sought = False, ""
        self._opened: set[int] = set()
        self._columns, self._turn = 0, 0
        self.setModel(self.lines)
        self.setItemDelegate(_Painter(theme, self))
        self.setFont(QFont(theme.mono_font()))
        self.setAccessibleName(name)
        self.setTabKeyNavigation(False)
        self.setProperty("bare", True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(1)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 3)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(self._lay_out)
        self.doubleClicked.connect(lambda index: self._unfold())

    def show_lines(self, shown: SideBySide, *, only_different: bool = False) -> None:
        self._wanted, self._only = shown, only_different
        self._opened = set()
        self._lay_out()

    def show_only_different(self, on: bool) -> None:
        if on != self._only:
            self._only = on
            self._lay_out()

    def seek(self, words: str) -> None:
        """Marks where they stand."""
        self._sought = words
        self.viewport().update()

    def hits(self, line: str, start: int, end: int) -> Marks:
        """Where the words sought stand in a part of a line, which they may begin before or end behind."""
        if not self._sought:
            return ()
        most, more = end - start, _SPELT * len(self._sought)
        before = max(0, start - more)
        found = islice(places_in(line[before : end + more], sought(self._sought)), _MOST_HITS)
        marks = (
            (max(0, before + begins - start), min(most, before + ends - start)) for begins, ends in found
        )
        return tuple((low, high) for low, high in marks if low < high)

    def go_to_change(self, step: int) -> bool:
        """Makes the row current at which the next difference begins, or with -1 the one before; from an end
        to the other.
        """
        rows, at = self.lines.rows, self.currentIndex().row()
        changes = rows.changes if isinstance(rows, LinesBeside) else ()
        if changes:
            place = bisect_right(changes, at) if step > 0 else bisect_left(changes, at) - 1
            index = self.lines.index(changes[place % len(changes)], LEFT)
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        return bool(changes)

    def find_next(self, step: int, told: Callable[[int, int], object]) -> None:
        """To the next row with the words sought, or with -1 to the one before; `told(place, count)` of how
        many lines. All of them are looked through on another thread.
        """
        shown, rows, words = self.lines.shown, self.lines.rows, sought(self._sought)

        def look(pause: Pause) -> list[int]:
            left, right = (_having(lines, words, pause) for lines in (shown.diff.left, shown.diff.right))
            if isinstance(rows, LinesAlone):
                return list(map(rows.row_of, sorted(left)))
            return rows.having(left, right, pause) if isinstance(rows, LinesBeside) else []

        def go(found: list[int]) -> None:
            if rows is not self.lines.rows:
                return
            at, place = self.currentIndex().row(), -1
            if found:
                place = bisect_right(found, at) if step > 0 else bisect_left(found, at) - 1
                place %= len(found)
                index = self.lines.index(found[place], LEFT)
                self.setCurrentIndex(index)
                self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
            told(place + 1, len(found))

        if words:
            self._work(look, go)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With a ring around it where it has the focus: it has no edge that could tell."""
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(self._theme.colour("accent"), _RING))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()
        if self._fitting() != self._columns:
            self._settled.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        elif is_enter(event):
            self._unfold()
        elif key_alone(event):  # of an act
            event.ignore()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Nothing: it would go through every row."""

    def _copy(self) -> None:
        """The selected lines whole, those of the right side where both are shown."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        is_left = self.lines.shown.is_single
        found = dict[int, str]()
        for row in rows:
            piece = self.lines.rows[row].left if is_left else self.lines.rows[row].right
            if piece is not None:
                found[piece[0]] = self.lines.text(row, is_left)
        copy_text("\n".join(found.values()))

    def _unfold(self) -> None:
        row = self.currentIndex().row()
        if 0 <= row < len(self.lines.rows) and self.lines.rows[row].kind is LineKind.FOLD:
            self._opened.add(self.lines.rows[row].fold.start)
            self._lay_out()

    def _fitting(self) -> int:
        """The characters of a line in the room of a side."""
        width = self.columnWidth(LEFT) - 2 * _PAD
        return max(_LEAST_COLUMNS, width // max(1, self.fontMetrics().horizontalAdvance("0")))

    def _share(self) -> None:
        """Both sides have the same room."""
        is_single = self._wanted.is_single
        for column in (OTHER_NUMBER, RIGHT):
            self.setColumnHidden(column, is_single)
        most = max(len(self._wanted.diff.left), len(self._wanted.diff.right), 100)
        number = self.fontMetrics().horizontalAdvance(f"{most} − ") + _PAD
        sides = 1 if is_single else 2
        text = max(60, self.viewport().width() // sides - number)
        for column, width in zip(range(2 * sides), (number, text) * sides, strict=True):
            self.setColumnWidth(column, width)

    def _lay_out(self) -> None:
        self._settled.stop()
        self._share()
        self._columns = self._fitting()
        self._turn += 1
        wanted, columns, turn = self._wanted, self._columns, self._turn
        only, opened = self._only, frozenset(self._opened)

        def make(pause: Pause = lambda: None) -> Sequence[LineRow]:
            return rows_of(wanted, columns, only_different=only, opened=opened, pause=pause)

        def show(rows: Sequence[LineRow]) -> None:
            if turn == self._turn:
                self._show(wanted, rows)

        size = sum(map(len, wanted.diff.left[:_AT_ONCE])) if len(wanted.diff.rows) <= _AT_ONCE else None
        if size is not None and size <= 100 * _AT_ONCE and sum(map(len, wanted.diff.right)) <= 100 * _AT_ONCE:
            show(make())
        else:
            self._work(make, show)

    def _show(self, shown: SideBySide, rows: Sequence[LineRow]) -> None:
        current = self.currentIndex().row()
        kept = self.lines.rows[current] if 0 <= current < len(self.lines.rows) else None
        at = self.verticalScrollBar().value() if shown is self.lines.shown else 0
        self.lines.show_rows(shown, rows)
        self._share()
        if kept is not None and at:
            self.verticalScrollBar().setValue(at)
        self.laid_out.emit()
