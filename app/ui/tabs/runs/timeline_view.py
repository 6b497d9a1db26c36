"""The phases of a run as a table: one line each, with its times painted where they lay in the whole.

And where these times stand beside each other, and which of them are written above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.itemmodels.columns import DISPLAY, ROOT, Index
from app.services.runs.run_timeline import IDLE, PhaseLine, RunTimeline, Spent, TimeSpan
from app.services.text import counted, lasted, readable, visible
from app.ui.tabs.runs.run_acts import STATUS_LOOKS
from app.ui.theme import Icon, Theme, Tone
from app.ui.widgets import formatting
from app.ui.widgets.actions import is_enter, key_alone
from models.status import DAY, ReviewVerdict

_MOST_FOLDS, _FOLD, _FAR = 3, 0.2, 4
"""At most so many times are folded, each to this share of the width, where it is so many times as long as all
that is drawn to scale together.
"""
_LEAST_SECONDS: Final = 60
_MOST_LABELS: Final = 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `began` to `ended`, in seconds, lies from `left` to `right`, of a whole of 1; where it `is_folded`
    not in the scale of the others.
    """

    began: int
    ended: int
    left: float
    right: float
    is_folded: bool

    @property
    def middle(self) -> int:
        return (self.began + self.ended) // 2

    @property
    def words(self) -> str:
        """How long it is, in a word or two."""
        took = self.ended - self.began
        for unit, seconds in (("d", 2 * DAY), ("h", 7_200), ("min", 120)):
            if took >= seconds:
                return f"{2 * took // seconds} {unit}"
        return f"{took} s"


@dataclass(frozen=True, slots=True)
class TimeScale:
    """The stretches of a run's time, in order. A wait of days beside phases of minutes is folded, so that
    these can still be told apart.
    """

    stretches: tuple[Stretch, ...] = ()

    @property
    def folds(self) -> Sequence[Stretch]:
        return [stretch for stretch in self.stretches if stretch.is_folded]

    def place(self, at: int) -> float:
        """Where a time is, from 0 to 1."""
        for stretch in self.stretches:
            if at <= stretch.ended:
                share = (at - stretch.began) / max(1, stretch.ended - stretch.began)
                return stretch.left + max(0.0, share) * (stretch.right - stretch.left)
        return 1.0 if self.stretches else 0.0


def time_scale(timeline: RunTimeline) -> TimeScale:
    """The scale of a timeline; nothing where none of its times is known."""
    began, until = timeline.began, timeline.until
    if began is None or until is None:
        return TimeScale()
    told = {at for line in timeline.phases for span in line.spans for at in (span.began, span.ended)}
    told.update(pivot.at for pivot in timeline.pivots)
    points = [began, *sorted(at for at in told if began < at < until), max(until, began + 1)]
    return TimeScale(tuple(_laid_out(points)))


def _laid_out(points: Sequence[int]) -> Iterator[Stretch]:
    pieces = list(pairwise(points))
    folds = _folded(pieces)
    drawn = max(1, sum(end - begin for begin, end in pieces if (begin, end) not in folds))
    room, left, start = 1 - _FOLD * len(folds), 0.0, points[0]
    for begin, end in [*folds, (points[-1], points[-1])]:
        if begin > start:  # what lies between two folds is one stretch
            right = left + room * (begin - start) / drawn
            yield Stretch(start, begin, left, right, is_folded=False)
            left = right
        if end > begin:
            yield Stretch(begin, end, left, left + _FOLD, is_folded=True)
            left += _FOLD
        start = end


def _folded(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As few as need be, in order."""
    by_length = sorted(pieces, key=lambda piece: piece[1] - piece[0], reverse=True)
    rest = sum(end - begin for begin, end in pieces)
    for number, (begin, end) in enumerate(by_length[:_MOST_FOLDS], 1):
        rest -= end - begin
        if rest < _LEAST_SECONDS:
            break
        if end - begin >= _FAR * rest:
            return sorted(by_length[:number])
    return []


def ticks(scale: TimeScale, *, utc: bool) -> list[tuple[int, str]]:
    """Times to write above: the beginning, and then round ones of the calendar, none within a fold."""
    if not scale.stretches:
        return []
    zone = UTC if utc else None
    drawn = [stretch for stretch in scale.stretches if not stretch.is_folded]
    length = sum(stretch.ended - stretch.began for stretch in drawn)
    began = scale.stretches[0].began
    found = [(began, f"{datetime.fromtimestamp(began, zone):%Y-%m-%d %H:%M}")]
    for stretch in drawn:
        found += [(at, words) for at, words in _round_times(stretch, length, zone) if at > began]
    return found


def _round_times(stretch: Stretch, length: int, zone: tzinfo | None) -> Iterator[tuple[int, str]]:
    start = datetime.fromtimestamp(stretch.began, zone)
    if length < 2 * DAY:
        step = next((hours for hours in (1, 3, 6, 12) if length <= hours * 3600 * _MOST_LABELS), 12)
        at = start.replace(minute=0, second=0, hour=start.hour - start.hour % step)
        by, words = timedelta(hours=step), "%H:%M"
    else:
        step = next((days for days in (1, 2, 7, 30, 90, 365) if length <= days * DAY * _MOST_LABELS), 3650)
        at, by, words = start.replace(hour=0, minute=0, second=0), timedelta(days=step), "%Y-%m-%d"
    while True:
        try:
            at += by
            moment = int(at.timestamp())
        except (OverflowError, ValueError, OSError):
            return
        if moment > stretch.ended:
            return
        if moment > stretch.began:
            yield moment, format(at, words)


PHASE, TIMES, WORKED, SCORE, VERSION, VERDICT = range(6)
_TITLES = ("Phase", "Times", "Worked", "Score", "Ver.", "Verdict")
_RIGHT: Final = frozenset({WORKED, SCORE})
_BAR, _ICON, _PAD, _LEAST = 8, 14, 6, 3.0
_LEAST_TIMES, _LEAST_WORDS, _ROOM_FOR_TIMES = 80, 64, 240
Bar = tuple[QRectF, TimeSpan]
"""A time, and where it is painted."""
NOT_REACHED: Final = "not reached"
UNKNOWN: Final = "unknown"

_SAID: Final = {
    Spent.APPROVED: "approved",
    Spent.SENT_BACK: "sent back",
    Spent.REJECTED: "rejected",
    Spent.UNJUDGED: "without a verdict",
    Spent.RUNNING: "running",
    Spent.WAITING: "paused",
    Spent.IN_REVIEW: "in review",
    Spent.ENDED: "ended",
}
_COLOURS: Final = {
    Spent.APPROVED: "ok",
    Spent.SENT_BACK: "warn",
    Spent.REJECTED: "bad",
    Spent.UNJUDGED: "dim",
    Spent.RUNNING: "accent",
    Spent.WAITING: "warn",
    Spent.IN_REVIEW: "dim",
    Spent.ENDED: "dim",
}

VERDICT_LOOKS: Final[dict[str, tuple[Tone, str]]] = {
    ReviewVerdict.APPROVED: (Tone.OK, Icon.COMPLETED),
    ReviewVerdict.REVISE: (Tone.WARN, Icon.REFRESH),
    ReviewVerdict.REJECTED: (Tone.BAD, Icon.BAD),
}
"""How a verdict is shown beside its word."""


def verdict_of(line: PhaseLine, *, is_told: bool = True) -> tuple[str, Tone, str | None]:
    """What the verdict on a phase is, in words, tone and icon; artifacts tell whether one is reached."""
    if not line.is_reached:
        return NOT_REACHED if is_told else UNKNOWN, Tone.NEUTRAL, None
    if line.is_paused:
        is_approved = line.newest is not None and line.newest.verdict == ReviewVerdict.APPROVED
        return "approved, paused" if is_approved else "paused", Tone.WARN, Icon.PAUSED
    if line.ended_as:
        looks = {str(status): look for status, look in STATUS_LOOKS.items()}
        return line.ended_as, *looks.get(line.ended_as, (Tone.NEUTRAL, None))
    if line.newest is None or line.in_review:
        return ("in review" if line.in_review else "running"), Tone.ACCENT, Icon.RUNNING
    verdict = readable(line.newest.verdict)
    tone, icon = VERDICT_LOOKS.get(verdict, (Tone.NEUTRAL, None))
    return verdict or "no verdict", tone, icon


class PhasesModel(QAbstractTableModel):
    """What each phase came to, in words."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.timeline: RunTimeline | None = None
        self.utc = True

    def show_timeline(self, timeline: RunTimeline, utc: bool) -> None:
        before = () if self.timeline is None else self.timeline.phases
        same = [line.phase for line in before] == [line.phase for line in timeline.phases]
        if not same:
            self.beginResetModel()
        self.timeline, self.utc = timeline, utc
        if same:
            self.dataChanged.emit(self.index(0, 0), self.index(len(before) - 1, VERDICT))
        else:
            self.endResetModel()

    @property
    def _is_told(self) -> bool:
        return self.timeline is None or self.timeline.is_told

    def line(self, row: int) -> PhaseLine | None:
        lines = () if self.timeline is None else self.timeline.phases
        return lines[row] if 0 <= row < len(lines) else None

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() or self.timeline is None else len(self.timeline.phases)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = DISPLAY) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == DISPLAY:
            return _TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in _RIGHT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = DISPLAY) -> Any:
        line = self.line(index.row())
        if line is None or role not in (
            DISPLAY,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.AccessibleDescriptionRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return formatting.tooltip(self.times(line)) if index.column() == TIMES else None
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return self.said(line) if index.column() == PHASE else None
        if index.column() == TIMES:
            return self.times(line) if role == Qt.ItemDataRole.AccessibleTextRole else ""
        return self._cell(line, index.column())

    def _cell(self, line: PhaseLine, column: int) -> str:
        newest = line.newest
        match column:
            case 0:
                return visible(formatting.first_line(line.phase))
            case 2 if line.is_reached:
                return "unknown" if line.worked is None else lasted(line.worked)
            case 3 if newest is not None:
                return formatting.score(newest.score) or formatting.NOTHING
            case 4 if newest is not None:
                version = formatting.figure(newest.version)
                return visible(f"v{version}" if version else formatting.NOTHING)
            case 5 if self._is_told or line.is_reached:  # else it is said once, below the phases
                return visible(formatting.first_line(verdict_of(line, is_told=self._is_told)[0], 60))
        return formatting.NOTHING if column in _RIGHT else ""

    def said(self, line: PhaseLine) -> str:
        """A whole line in words."""
        if not line.is_reached:
            return verdict_of(line, is_told=self._is_told)[0]
        worked = "unknown how long" if line.worked is None else f"worked {lasted(line.worked)}"
        waited = [f"waited {lasted(line.waited)}"] if line.waited else []
        score = self._cell(line, SCORE)
        points = "no score" if score == formatting.NOTHING else f"score {score}"
        parts = [verdict_of(line)[0], counted(len(line.versions), "version"), points, worked, *waited]
        return visible(", ".join(parts))

    def times(self, line: PhaseLine) -> str:
        """When each version began and ended, one a line."""
        found = [self._span(span) for span in line.spans]
        found += [
            f"{self._named(one.version)}{_SAID[one.spent]}: not known when"
            for one in line.versions
            if one.began is None
        ]
        return visible("\n".join(found), keep="\n") or (NOT_REACHED if self._is_told else UNKNOWN)

    def _span(self, span: TimeSpan) -> str:
        began, ended = (formatting.absolute_time(at, self.utc) for at in (span.began, span.ended))
        named = self._named(span.version) if span.spent not in IDLE else ""
        return f"{named}{_SAID[span.spent]}: {began} to {ended}, {lasted(span.took)}"

    @staticmethod
    def _named(version: Any) -> str:
        said = formatting.first_line(formatting.figure(version), 24)
        return f"v{said} " if said else ""


class _Lines(QStyledItemDelegate):
    """Paints a line, its times in the scale of the header."""

    def __init__(self, theme: Theme, view: "PhasesView") -> None:
        super().__init__(view)
        self._theme, self._view = theme, view
        self._seen: dict[int, tuple[PhaseLine, QRect, list[Bar]]] = {}
        """Of each row the line and the cell for which its bars were laid out, and these."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line, font = self._view.phases.line(index.row()), QFont(self._view.font())
        font.setBold(line is not None and line.is_current and index.column() == PHASE)
        width = QFontMetrics(font).horizontalAdvance(str(index.data() or "")) + 2 * _PAD + 2
        if index.column() == VERDICT:
            width += _ICON + 6
        return QSize(width, self._view.verticalHeader().defaultSectionSize())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        view, rect, row = self._view, option.rect, index.row()
        line = view.phases.line(row)
        if line is None:
            return
        colour = self._theme.colour
        if view.currentIndex().row() == row:
            painter.fillRect(rect, colour("selection"))
            if index.column() == PHASE:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), colour("accent"))
        elif line.is_current:
            painter.fillRect(rect, colour("hover"))
        if view.hasFocus() and view.currentIndex().row() == row:
            for edge in (rect.top(), rect.bottom()):
                painter.fillRect(rect.left(), edge, rect.width(), 1, colour("accent"))
        if index.column() == TIMES:
            painter.save()
            painter.setClipRect(rect)
            self._paint_times(painter, rect, line, self._bars(row, line, rect))
            painter.restore()
            return
        words, tone, icon = str(index.data() or ""), Tone.NEUTRAL, None
        if index.column() == VERDICT:
            _, tone, icon = verdict_of(line)
        room = rect.adjusted(_PAD, 0, -_PAD, 0)
        if icon is not None:
            pixmap = self._theme.pixmap(icon, tone, _ICON, view.devicePixelRatioF())
            painter.drawPixmap(room.left(), room.center().y() - _ICON // 2 + 1, pixmap)
            room.adjust(_ICON + 6, 0, 0, 0)
        font = QFont(view.font())
        font.setBold(
            line.is_reached and (index.column() == SCORE or (index.column() == PHASE and line.is_current))
        )
        painter.setFont(font)
        dim = not line.is_reached or index.column() == VERSION
        painter.setPen(colour("dim" if dim else "text" if tone is Tone.NEUTRAL else tone))
        side = Qt.AlignmentFlag.AlignRight if index.column() in _RIGHT else Qt.AlignmentFlag.AlignLeft
        elided = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, elided)

    def _bars(self, row: int, line: PhaseLine, rect: QRect) -> list[Bar]:
        """The times of a line with their places. What looks the same is there once: thousands of versions
        come to a few pixels.
        """
        known = self._seen.get(row)
        if known is None or known[0] is not line or known[1] != rect:
            place, top, found = self._view.place, rect.center().y() - _BAR / 2 + 1, dict[object, Bar]()
            for span in line.spans:
                left, right = place(span.began, rect), place(span.ended, rect)
                wide = max(_LEAST, right - left - 1)
                found[span.spent, round(2 * left), round(2 * wide)] = QRectF(left, top, wide, _BAR), span
            known = self._seen[row] = line, QRect(rect), list(found.values())
        return known[2]

    def _paint_times(self, painter: QPainter, rect: QRect, line: PhaseLine, bars: Sequence[Bar]) -> None:
        view, colour = self._view, self._theme.colour
        for fold in view.scale.folds:
            left, right = view.place(fold.began, rect), view.place(fold.ended, rect)
            painter.fillRect(QRectF(left, rect.top(), right - left, rect.height()), colour("hover"))
        for _, at, tone, *_ in view.written(rect):
            if tone == "dim":
                painter.fillRect(QRectF(view.place(at, rect), rect.top(), 1, rect.height()), colour("line"))
        timeline = view.phases.timeline
        for pivot in timeline.pivots if timeline else ():
            painter.setPen(QPen(colour("warn"), 1, Qt.PenStyle.DashLine))
            x = round(view.place(pivot.at, rect))
            painter.drawLine(x, rect.top(), x, rect.bottom() + 1)
        if timeline is not None and timeline.now is not None:
            now = view.place(timeline.now, rect)
            painter.fillRect(QRectF(now, rect.top(), 1, rect.height()), colour("accent"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        waits: Bar | None = None
        for bar, span in bars:
            paint_bar(painter, self._theme, bar, span.spent)
            for fold in view.scale.folds:
                if span.began <= fold.began and span.ended >= fold.ended:
                    self._paint_fold(painter, view.place(fold.middle, rect), bar)
            if span.spent is Spent.WAITING and (waits is None or span.took > waits[1].took):
                waits = bar, span
        last = line.spans[-1] if line.spans else None
        if waits is not None and last is waits[1] and last is not None and not line.is_current:
            words = f"waited {lasted(last.took)}"
            start = waits[0].right() + 8
            if start + painter.fontMetrics().horizontalAdvance(words) < rect.right():
                painter.setPen(colour("dim"))
                where = QRect(round(start), rect.top(), rect.right() - round(start), rect.height())
                painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_fold(self, painter: QPainter, x: float, bar: QRectF) -> None:
        """Where a bar is not as long as its time."""
        for left, name, wide in ((x, "hover", 5), (x - 3, "dim", 1), (x + 3, "dim", 1)):
            painter.setPen(QPen(self._theme.colour(name), wide))
            painter.drawLine(QPointF(left - 2, bar.bottom() + 2), QPointF(left + 2, bar.top() - 2))


def paint_bar(painter: QPainter, theme: Theme, bar: QRectF, spent: Spent) -> None:
    """A time by what it was spent on, told by its pattern as well as its colour."""
    colour = theme.colour(_COLOURS[spent])
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    inner = bar.adjusted(0.5, 0.5, -0.5, -0.5)
    match spent:
        case Spent.APPROVED:
            painter.setBrush(colour)
            painter.drawRoundedRect(bar, 2, 2)
        case Spent.WAITING:
            pale = QColor(colour)
            pale.setAlpha(50)
            painter.setPen(QPen(colour, 1))
            painter.setBrush(pale)
            painter.drawRoundedRect(inner, 2, 2)
        case Spent.IN_REVIEW:
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(inner, 2, 2)
        case Spent.ENDED:
            painter.fillRect(QRectF(bar.left(), bar.center().y(), bar.width(), 1), colour)
        case Spent.RUNNING:
            painter.setBrush(colour)
            painter.drawRoundedRect(bar, 2, 2)
            stripe = QColor(theme.colour("panel"))
            stripe.setAlpha(120)
            painter.setClipRect(bar, Qt.ClipOperation.IntersectClip)
            x = bar.left() + 4
            while x < bar.right():
                painter.fillRect(QRectF(x, bar.top(), 2, bar.height()), stripe)
                x += 6
        case _:
            painter.setPen(QPen(colour, 1))
            patterns = {
                Spent.SENT_BACK: Qt.BrushStyle.BDiagPattern,
                Spent.REJECTED: Qt.BrushStyle.DiagCrossPattern,
            }
            painter.setBrush(QBrush(colour, patterns.get(spent, Qt.BrushStyle.NoBrush)))
            painter.drawRoundedRect(inner, 2, 2)
    painter.restore()


class _Scale(QHeaderView):
    """The titles of the columns, and above the times when they were."""

    def __init__(self, theme: Theme, view: "PhasesView") -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        self._theme, self._view = theme, view
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setHighlightSections(False)
        self.setSectionsClickable(False)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        painter.fillRect(rect, self._theme.colour("panel"))
        painter.setPen(self._theme.colour("dim"))
        if logicalIndex != TIMES:
            side = Qt.AlignmentFlag.AlignRight if logicalIndex in _RIGHT else Qt.AlignmentFlag.AlignLeft
            room = rect.adjusted(_PAD, 0, -_PAD, 0)
            painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, _TITLES[logicalIndex])
            return
        for words, _, tone, left, wide in self._view.written(rect):
            painter.setPen(self._theme.colour(tone))
            where = QRect(left, rect.top(), wide + 2, rect.height())
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, words)


class PhasesView(QTableView):
    """A line a phase, as high as all of them. `chosen(phase)` when another one is current, `opened(phase)` by
    Return or a double click.
    """

    chosen = Signal(str)
    opened = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__(showGrid=False, wordWrap=False, cornerButtonEnabled=False)
        self.scale = TimeScale()
        self._ticks: Sequence[tuple[int, str]] = ()
        self.phases = PhasesModel(self)
        self.setModel(self.phases)
        self.setItemDelegate(_Lines(theme, self))
        self.setHorizontalHeader(_Scale(theme, self))
        self.setAccessibleName("Phases")
        self.setTabKeyNavigation(False)
        self.setProperty("bare", True)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(1)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.higher = 0
        self.set_higher(0)
        self.doubleClicked.connect(lambda index: self._open())
        self.selectionModel().currentRowChanged.connect(lambda *_: self._chosen())

    def set_higher(self, pixels: int) -> None:
        """Gives each line so much more than its words need."""
        self.higher = pixels
        high = self.fontMetrics().height() + 4 + pixels
        if self.verticalHeader().defaultSectionSize() != high:
            self.verticalHeader().setDefaultSectionSize(high)
            self.updateGeometry()

    def show_timeline(self, timeline: RunTimeline, utc: bool) -> None:
        kept = self.phase()
        self.phases.show_timeline(timeline, utc)
        self.scale = time_scale(timeline)
        self._ticks = ticks(self.scale, utc=utc)
        self._fit()
        if kept is not None:
            self.choose(kept)
        self.updateGeometry()
        self.viewport().update()
        self.horizontalHeader().viewport().update()

    def phase(self) -> str | None:
        """The one that is current."""
        line = self.phases.line(self.currentIndex().row())
        return None if line is None else line.phase

    def choose(self, phase: str) -> None:
        for row in range(self.phases.rowCount()):
            line = self.phases.line(row)
            if line is not None and line.phase == phase:
                self.setCurrentIndex(self.phases.index(row, PHASE))

    def labels(self) -> list[tuple[str, int, str]]:
        """What stands above the times, as words, time and colour; the first ones matter most."""
        timeline = self.phases.timeline
        if timeline is None or timeline.began is None:
            return []
        began, *round_times = [(words, at, "dim") for at, words in self._ticks]
        found = [began]
        if timeline.now is not None:
            found.append(("now", timeline.now, "accent"))
        found += [(f"↳ pivot {one.number}", one.at, "warn") for one in timeline.pivots]
        found += [(f"⋯ {fold.words}", fold.began, "dim") for fold in self.scale.folds]
        return found + round_times

    def written(self, rect: QRect) -> list[tuple[str, int, str, int, int]]:
        """Those of the labels that a cell has room for, with where each begins and how wide it is."""
        found, taken = list[tuple[str, int, str, int, int]](), list[tuple[int, int]]()
        for words, at, tone in self.labels():
            wide = self.horizontalHeader().fontMetrics().horizontalAdvance(words)
            left = min(round(self.place(at, rect)), rect.right() - wide)
            if left >= rect.left() and all(left >= end or left + wide <= begin for begin, end in taken):
                found.append((words, at, tone, left, wide))
                taken.append((left - 10, left + wide + 10))
        return found

    def place(self, at: int, rect: QRect) -> float:
        """Where a time is in a cell."""
        return rect.left() + _PAD + (rect.width() - 3 * _PAD) * self.scale.place(at)

    def sizeHint(self) -> QSize:
        rows = self.phases.rowCount() * self.verticalHeader().defaultSectionSize()
        around = 2 * self.frameWidth() + self.contentsMargins().top() + self.contentsMargins().bottom()
        return QSize(480, rows + self.horizontalHeader().sizeHint().height() + around + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if is_enter(event) and self.phase() is not None:
            self._open()
        elif key_alone(event):  # of an act: it looks for no phase
            event.ignore()
        else:
            super().keyPressEvent(event)
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):  # at either end it would scroll the page
                event.accept()

    def _open(self) -> None:
        if (phase := self.phase()) is not None:
            self.opened.emit(phase)

    def _chosen(self) -> None:
        self.viewport().update()
        if (phase := self.phase()) is not None:
            self.chosen.emit(phase)

    def _fit(self) -> None:
        """The times take what the words leave, and give way to them where there is none."""
        header, metrics = self.horizontalHeader(), self.fontMetrics()
        widths = {
            column: max(
                self.sizeHintForColumn(column), metrics.horizontalAdvance(_TITLES[column]) + 2 * _PAD + 2
            )
            for column in (PHASE, WORKED, SCORE, VERSION, VERDICT)
        }
        room = self.viewport().width()
        left = room - sum(widths.values())
        for column in (VERSION, WORKED):  # which the times tell, too
            hides = left < _ROOM_FOR_TIMES
            self.setColumnHidden(column, hides)
            if hides:
                left += widths.pop(column)
        for column in (PHASE, VERDICT):
            gives = max(0, min(_LEAST_TIMES - left, widths[column] - _LEAST_WORDS))
            widths[column] -= gives
            left += gives
        for column, width in widths.items():
            header.resizeSection(column, width)
        header.resizeSection(TIMES, max(_LEAST_TIMES, left))


class Legend(QWidget):
    """What each pattern that is in a timeline means."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: tuple[Spent, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def show_timeline(self, timeline: RunTimeline) -> None:
        there = {span.spent for line in timeline.phases for span in line.spans}
        self._shown = tuple(spent for spent in _SAID if spent in there)
        words = ", ".join(map(_SAID.__getitem__, self._shown))
        self.setAccessibleName(f"Legend: {words}" if words else "Legend")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        words = sum(self.fontMetrics().horizontalAdvance(_SAID[spent]) for spent in self._shown)
        return QSize(words + 49 * len(self._shown), self.fontMetrics().height() + 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, x = QPainter(self), float(_PAD)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for spent in self._shown:
            words = _SAID[spent]
            paint_bar(painter, self._theme, QRectF(x, self.height() / 2 - _BAR / 2, 22, _BAR), spent)
            painter.setPen(self._theme.colour("dim"))
            wide = self.fontMetrics().horizontalAdvance(words)
            where = QRectF(x + 29, 0, wide + 2, self.height())
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, words)
            x += 29 + wide + 20
        painter.end()
