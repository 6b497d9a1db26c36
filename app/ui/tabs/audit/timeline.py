"""How many entries there are on each day, or in each hour of a few days, as bars to pick from. Hours go by
the clock: 23 or 25 where that changes.

And which of them the tab shows: the days of its entries, or the hours of a few of these.
"""

import math
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from app.services.chain.reading import times_of
from app.services.records.list_query import ListQuery
from app.services.records.stored_times import epoch_of
from app.services.text import counted
from app.ui.session.outcome import Outcome
from app.ui.theme import Icon, Theme
from app.ui.widgets.actions import OwnKeys
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.filter_row import DateRange, Span, end_of, midnight
from app.ui.widgets.formatting import from_to, in_calendar
from app.ui.widgets.labels import in_row
from app.ui.widgets.later import later
from app.workers.runner import Task
from models import engine, errors, status

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab


MOST_DAYS = 3
"""As many as have room for a bar each hour."""


@dataclass(frozen=True, slots=True)
class HourBar:
    """From one moment to another, in epoch seconds: how many entries there are, and findings of these."""

    since: int
    until: int
    count: int
    findings: int = 0
    utc: bool = True

    def words(self) -> str:
        said = f"{from_to(self.since, self.until, self.utc)}: {counted(self.count, 'entry', 'entries')}"
        return f"{said}, {counted(self.findings, 'finding')}" if self.findings else said

    def to(self, last: "HourBar", count: int, findings: int) -> "HourBar":
        return HourBar(self.since, last.until, count, findings, self.utc)

    @property
    def label(self) -> str:
        """What stands below it: the day where that begins, or every sixth hour."""
        at = _at(self.since, self.utc)
        if at.hour == 0 and at.minute == 0:
            return f"{at.date()}"
        return f"{at.hour:02}:00" if at.hour % 6 == 0 and at.minute == 0 else ""


def days_of(dates: DateRange, now: int, utc: bool) -> tuple[date, date] | None:
    """The first and the last day of a range that is short enough to be shown by hours; None of any other."""
    since, until = dates.bounds(now, utc)
    if since is None:
        return None
    end = now if until is None else until - 1
    if not (in_calendar(since) and in_calendar(end)) or end < since:
        return None
    first, last = _at(since, utc).date(), _at(end, utc).date()
    return (first, last) if (last - first).days < MOST_DAYS else None


def moments_of(first: date, last: date, utc: bool) -> tuple[int, ...]:
    """When each hour of these days begins, and the last one ends, as clocks there show them."""
    at, end = midnight(first, utc), end_of(last, utc)
    found = [at]
    while at < end:
        clock = _at(at, utc)  # where it was put by half an hour, up to the next full one
        at = min(end, at + status.HOUR - clock.minute * 60 - clock.second)
        found.append(at)
    return tuple(found)


def bars_of_hours(
    moments: Sequence[int], counts: Sequence[int], findings: Iterable[int], utc: bool
) -> list[HourBar]:
    """`findings` are the times of entries with which something is wrong."""
    found = [0] * len(counts)
    for at in findings:
        if moments and moments[0] <= at < moments[-1]:
            found[bisect_right(moments, at) - 1] += 1
    return [
        HourBar(moments[place], moments[place + 1], count, found[place], utc)
        for place, count in enumerate(counts)
    ]


def range_of(since: int, until: int, utc: bool) -> DateRange:
    return DateRange(Span.HOURS, since=since, until=until, utc=utc)


def _at(moment: int, utc: bool) -> datetime:
    found = datetime.fromtimestamp(moment, UTC)
    return found if utc else found.astimezone()


_HEIGHT, _LOW_HEIGHT, _AXIS, _NARROWEST, _WIDEST, _GAP, _MARK, _APART = 68, 40, 18, 4, 28, 1, 4, 8
_SMALL = 0.1
"""Where half of the bars would not be higher than so much of the highest, heights are logarithms."""
_EPOCH = date(1970, 1, 1)
_NONE = "No entries over time"
DAYS_SHOWN = 1_000_000
"""Days since 1970 beyond which a time is none that a calendar shows."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or several: the first and last day it stands for, how many entries they have together, and how
    many findings there are of these.
    """

    first: date
    last: date
    count: int
    findings: int = 0

    def words(self) -> str:
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        found = f", {counted(self.findings, 'finding')}" if self.findings else ""
        return f"{span}: {counted(self.count, 'entry', 'entries')}{found}"

    def to(self, last: "Bar", count: int, findings: int) -> "Bar":
        return Bar(self.first, last.last, count, findings)


def bars_of(
    days: Sequence[tuple[int, int]], most: int, findings: Mapping[int, int] = MappingProxyType({})
) -> list[Bar]:
    """At most `most` bars of equal numbers of days, without gaps, from (days since 1970, count) and how many
    findings there are on a day.
    """
    if not days:
        return []
    first, last = days[0][0], days[-1][0]
    width = max(1, -(-(last - first + 1) // max(1, most)))
    counts = [0] * -(-(last - first + 1) // width)
    for day, count in days:
        counts[(day - first) // width] += count
    found = [0] * len(counts)
    for day, count in findings.items():
        if first <= day <= last:
            found[(day - first) // width] += count
    start = _EPOCH + timedelta(days=first)
    end = _EPOCH + timedelta(days=last)
    return [
        Bar(begin, min(end, begin + timedelta(days=width - 1)), count, found[position])
        for position, count in enumerate(counts)
        for begin in [start + timedelta(days=position * width)]
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """How many findings there are on which day, in days since 1970, and at what times."""

    days: Mapping[int, int] = field(default_factory=dict)
    times: Sequence[int] = ()


class Timeline(QWidget):
    """`set_days([(days since 1970, count)])`; hidden until there are any, and then always in its place.
    `set_hours(moments, counts, utc)`: those of a few days instead, with buttons to the days beside them, and
    to all, where it `has_others`. `set_unread()` where they are not read. `set_low(True)` for lower bars,
    where the rows need the room, `set_room(False)` for none.

    `picked(first, last)` (dates) when a bar is clicked, or several are dragged over, or chosen with Left and
    Right (Shift for several) and Return; of hours `hours_picked(since, until)` (epoch seconds). Each bar is
    an hour, a day, or several where the days are more than the pixels; one with findings has a mark above it,
    in the colour of the worst of them.
    The axis says how many entries the highest has, and so where heights are logarithms.
    `days_wanted()` when the days are wanted again, by Escape, too, and `moved(days)` to those so many later:
    with PageUp and PageDown as well.
    """

    picked = Signal(object, object)
    hours_picked = Signal(int, int)
    days_wanted = Signal()
    moved = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._is_low, self._has_room, self._has_been = False, True, False
        self._days: tuple[tuple[int, int], ...] = ()
        self._hours: tuple[Sequence[int], Sequence[int], bool] | None = None
        self._kept: tuple[int | None, int | None] = None, None
        self._utc = True
        self._bars: list[Bar | HourBar] = []
        self._highest, self.is_logarithmic = 0, False
        self._found = self._bad = Found()
        self._is_bad: list[bool] = []
        """Of which bars it is known."""
        self._current = self._anchor = -1
        """The bar under the pointer or the keyboard, and where several begin."""
        self._is_held = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Entries per day")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.buttons = QWidget(self)
        self.all_button = push_button(theme, "All days", self.days_wanted.emit)
        in_row(
            tool_button(theme, Icon.CARET_LEFT, "The days before", lambda: self.moved.emit(-1)),
            tool_button(theme, Icon.CARET_RIGHT, "The days after", lambda: self.moved.emit(1)),
            self.all_button,
            within=self.buttons,
            spacing=4,
        )
        self.buttons.hide()
        self.hide()

    def set_hours(
        self, moments: Sequence[int], counts: Sequence[int], utc: bool, *, has_others: bool = True
    ) -> None:
        """How many entries there are from each moment to the next."""
        self._show(hours=(moments, counts, utc), has_others=has_others)

    def set_unread(self) -> None:
        self._has_been = False
        self._show()

    def set_kept(self, since: int | None, until: int | None, *, utc: bool) -> None:
        """The rows that the filter keeps: their hours, or days, stand out."""
        self._kept, self._utc = (since, until), utc
        self.update()

    def set_days(self, days: Sequence[tuple[int, int]]) -> None:
        self._show(days)

    def _show(
        self,
        days: Sequence[tuple[int, int]] = (),
        hours: tuple[Sequence[int], Sequence[int], bool] | None = None,
        *,
        has_others: bool = False,
    ) -> None:
        self._hours = hours
        self.setAccessibleName("Entries per day" if hours is None else "Entries per hour")
        if not has_others and self.buttons.isAncestorOf(QApplication.focusWidget() or self):
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.buttons.setVisible(has_others)
        self._days = tuple((day, count) for day, count in days if 0 <= day < DAYS_SHOWN)
        self._has_been = self._has_been or hours is not None or bool(self._days)
        self._make_bars()
        self._show_or_hide()
        self.update()

    def set_findings(self, found: Found, bad: Found) -> None:
        """Where there are any, and where such as are more than warnings."""
        if (found, bad) != (self._found, self._bad):
            self._found, self._bad = found, bad
            self._make_bars()
            self.update()

    def set_low(self, low: bool) -> None:
        if low != self._is_low:
            self._is_low = low
            self._place_buttons()
            self.updateGeometry()
            self.update()

    def set_room(self, enough: bool) -> None:
        self._has_room = enough
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        self.setVisible(self._has_room and self._has_been)

    def _place_buttons(self) -> None:
        """Beside the bars; where these are low, beside their axis, too."""
        size, high = self.buttons.sizeHint(), self._height() if self._is_low else self._axis_at()
        self.buttons.setGeometry(
            self.width() - size.width(), (high - size.height()) // 2, size.width(), size.height()
        )

    def _height(self) -> int:
        return _LOW_HEIGHT if self._is_low else _HEIGHT

    def _axis_at(self) -> int:
        """How far below the top the bars stand on their axis."""
        return self._height() - _AXIS

    def _make_bars(self) -> None:
        self._place_buttons()
        if self._hours is not None:
            moments, times, utc = self._hours
            self._bars = [*bars_of_hours(moments, times, self._found.times, utc)]
            bad: Sequence[Bar | HourBar] = bars_of_hours(moments, times, self._bad.times, utc)
        else:
            most = max(1, self.width() // (_NARROWEST + _GAP))
            self._bars = [*bars_of(self._days, most, self._found.days)]
            bad = bars_of(self._days, most, self._bad.days)
        self._is_bad = [bar.findings > 0 for bar in bad]
        counts = [bar.count for bar in self._bars if bar.count]
        self._highest = max(counts, default=0)
        self.is_logarithmic = bool(counts) and statistics.median(counts) < _SMALL * self._highest
        self._current = self._anchor = -1
        self._is_held = False
        self.setAccessibleDescription(self._scales()[0] if self._bars else _NONE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make_bars()

    def bar_rect(self, position: int) -> QRect:
        step = self._step()
        left = round(position * step)
        return QRect(left, 0, max(1, round((position + 1) * step) - left - _GAP), self._axis_at())

    def bar_height(self, count: int) -> int:
        """Of a bar with so many entries; whatever there is can be seen."""
        of = math.log1p if self.is_logarithmic else float
        return max(2, round(of(count) / (of(self._highest) or 1) * (self._axis_at() - 4))) if count else 0

    def _scales(self) -> tuple[str, str]:
        """How many entries the highest bar has, of what, and that heights are no numbers where they are not;
        and the same in few words.
        """
        first = self._bars[0]
        what = "an hour" if isinstance(first, HourBar) else "a day" if first.first == first.last else "a bar"
        scale = ", logarithmic" if self.is_logarithmic else ""
        entries = counted(self._highest, "entry", "entries")
        return f"up to {entries} {what}{scale}", f"up to {self._highest:,}{scale}"

    def sizeHint(self) -> QSize:
        return QSize(400, self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        bars = self._bars
        painter = QPainter(self)
        room = self._axis_at()
        accent, line = self._theme.colour("accent"), self._theme.colour("line")
        soft = self._theme.colour("accent")
        soft.setAlphaF(0.45)
        between = self._theme.colour("accent")
        between.setAlphaF(0.75)
        chosen, tones = self._chosen(), [self._theme.colour(name) for name in ("warn", "bad")]
        for position, bar in enumerate(bars):
            rect = self.bar_rect(position)
            height = self.bar_height(bar.count)
            painter.fillRect(
                QRect(rect.left(), room - height, rect.width(), height),
                accent if position in chosen else between if self._is_kept(bar) else soft,
            )
            if bar.findings:
                left = rect.center().x() - _MARK // 2
                painter.fillRect(QRect(left, 0, _MARK, _MARK), tones[self._is_bad[position]])
        painter.fillRect(0, room, self.width(), 1, line)
        painter.setPen(self._theme.colour("dim"))
        for place, words, side in self._labels():
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, words)
        if not bars:
            painter.drawText(QRect(0, 0, self.width(), room), Qt.AlignmentFlag.AlignCenter, _NONE)
        if self.hasFocus():
            painter.setPen(accent)  # around the bars: what is below and beside them is to be read
            wide = round(self._step() * len(bars)) if bars else self.width()
            painter.drawRect(0, 0, min(wide, self.width()) - 1, room)
        painter.end()

    def _labels(self) -> Iterator[tuple[QRect, str, Qt.AlignmentFlag]]:
        """What stands below the bars, and where: the first and the last day, or days and hours; and behind
        them, or between the two days, the scale.
        """
        top, left, right = self._axis_at() + 2, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        scales, wide = self._scales() if self._highest else (), self.fontMetrics().horizontalAdvance
        free, end = 0, self.width() - (self._beside() if self._is_low else 0)
        for position, bar in enumerate(self._bars):
            if isinstance(bar, HourBar):
                begin, width = self.bar_rect(position).left(), wide(bar.label)
                if bar.label and begin >= free and begin + width <= self.width():
                    free = begin + width + _APART
                    yield QRect(begin, top, width + 2, _AXIS - 2), bar.label, left
            elif position in {0, len(self._bars) - 1}:
                axis = QRect(0, top, max(round(self._step() * len(self._bars)), 200), _AXIS - 2)
                if position == 0:
                    yield axis, str(bar.first), left
                if position == len(self._bars) - 1:
                    yield axis, str(bar.last), right
                between = axis.width() - 2 * (wide(str(bar.last)) + _APART)
                middle = next((words for words in scales if wide(words) <= between), "")
                free = axis.width() + _APART
                if middle:
                    yield axis, middle, Qt.AlignmentFlag.AlignHCenter
                    scales = ()
        if behind := next((words for words in scales if free + wide(words) <= end), ""):
            yield QRect(free, top, end - free, _AXIS - 2), behind, left if self._hours is None else right

    def _is_kept(self, bar: Bar | HourBar) -> bool:
        since, until = self._kept
        if since is None:
            return False
        if isinstance(bar, HourBar):
            return since < bar.until and (until is None or bar.since < until)
        zone = UTC if self._utc else None
        last = date.max if until is None else datetime.fromtimestamp(until - 1, zone).date()
        return datetime.fromtimestamp(since, zone).date() <= bar.last and bar.first <= last

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(self._at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._go(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and position >= 0:
            self._is_held = True
            self._go(position)
            self._anchor = position

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The first click may have put hours in the place of the days: the second meant none of them."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._is_held:
            self._is_held = False
            self._pick()

    def own_keys(self) -> OwnKeys:
        what = "hours" if self._hours is not None else "days"
        keys: list[tuple[Sequence[str], str]] = [
            (("Left", "Right"), f"Go to the {what} beside"),
            (("Shift+Left", "Shift+Right"), f"Choose several {what}"),
            (("Return",), f"Keep the entries of these {what}"),
        ]
        if self._hours is not None:
            keys.append((("PgUp", "PgDown"), "Go to the days before, or after"))
            keys.append((("Esc",), "Show all days"))
        return self.accessibleName(), keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._bars) - 1
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right as key if self._bars:
                if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                    self._anchor = -1
                elif self._anchor < 0:
                    self._anchor = self._current
                at = self._current if self._current >= 0 else last + 1
                self._go(max(0, at - 1) if key == Qt.Key.Key_Left else min(last, self._current + 1))
            case Qt.Key.Key_Escape if self._anchor >= 0:
                self._anchor, self._is_held = -1, False
                QToolTip.hideText()
                self.update()
            case Qt.Key.Key_Escape if self._hours is not None:
                self.days_wanted.emit()
            case Qt.Key.Key_PageUp | Qt.Key.Key_PageDown as key if self._hours is not None:
                self.moved.emit(-1 if key == Qt.Key.Key_PageUp else 1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space if self._current >= 0:
                self._pick()
            case _:
                super().keyPressEvent(event)

    def _step(self) -> float:
        return min(_WIDEST, max(1, self.width() - self._beside()) / max(1, len(self._bars)))

    def _beside(self) -> int:
        return 0 if self.buttons.isHidden() else self.buttons.sizeHint().width() + _APART

    def _at(self, where: QPoint) -> int:
        position = int(where.x() / self._step())
        return position if 0 <= position < len(self._bars) else -1

    def _chosen(self) -> range:
        """The positions of the bars that are chosen: from where a person began to where they are."""
        if self._current < 0:
            return range(0)
        begun = self._anchor if self._anchor >= 0 else self._current
        return range(min(begun, self._current), max(begun, self._current) + 1)

    def _together(self) -> Bar | HourBar:
        bars: list[Any] = [self._bars[position] for position in self._chosen()]
        count, findings = (sum(one) for one in zip(*((bar.count, bar.findings) for bar in bars), strict=True))
        together: Bar | HourBar = bars[0].to(bars[-1], count, findings)
        return together

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        QToolTip.hideText()  # by keys it would stay

    def _pick(self) -> None:
        together = self._together()
        self._anchor = -1
        QToolTip.hideText()
        self.update()
        if not together.count:
            return
        if isinstance(together, HourBar):
            self.hours_picked.emit(together.since, together.until)
        else:
            self.picked.emit(together.first, together.last)

    def _go(self, position: int) -> None:
        if position == self._current or (self._is_held and position < 0):
            return
        self._current = position
        if position >= 0:
            words = self._together().words()
            self.setAccessibleDescription(words)
            where = self.mapToGlobal(self.bar_rect(position).bottomLeft())
            QToolTip.showText(where, words, self)
        else:
            QToolTip.hideText()
        self.update()


_FIRST_DAY = date(1970, 1, 1).toordinal()
_READ_FOR_DAYS = 3


class OverTime:
    """`OverTime(tab)` has the `timeline`. Days or hours that are picked there are what the filter keeps."""

    def __init__(self, tab: "RecordTab") -> None:
        self._tab, self._context = tab, tab.context
        self._reading: Task | None = None
        self._marking: Task | None = None
        self._without: ListQuery | None = None
        """The list whose days were too many to be read, as far as its rows were known."""
        self._days_of: DateRange | None = None
        """The dates that are kept, where they are few and the days are shown all the same."""
        self.timeline = Timeline(self._context.theme)
        self.timeline.picked.connect(self._pick_days)
        self.timeline.hours_picked.connect(self._pick_hours)
        self.timeline.days_wanted.connect(self._show_days)
        self.timeline.moved.connect(self._move_days)

    def read(self, query: ListQuery, outcome: Outcome | None) -> None:
        """Shows those of the list. All days stay in sight, so that from one of them a person goes on to the
        next; of a few that are kept their hours, until the days are wanted.
        """
        dates, utc = self._tab.filters.values().dates, self._context.settings.utc_times
        if dates != self._days_of:
            self._days_of = None
        few = days_of(dates, self._context.clock(), utc) if self._days_of is None else None
        self.timeline.set_kept(query.since, query.until, utc=utc)
        query = replace(query, since=None, until=None)
        if self._reading is not None:
            self._reading.cancel()
        self.mark(outcome)
        rows = self._context.rows_of(query.table, query.scope)
        is_dear = self._context.is_much(_READ_FOR_DAYS * rows)
        self._without = query if is_dear else None
        if query.as_added or is_dear:
            self.timeline.set_unread()
            return
        lists, run = self._context.lists, self._context.runner.read
        if few is None:
            show: Callable[[Any], None] = partial(self._show_days_of, query, utc)
            read = partial(run, lists.per_day, query, None if utc else local_day)
        else:
            moments = moments_of(*few, utc)
            show = partial(self.timeline.set_hours, moments, utc=utc)
            read = partial(run, lists.between, query, moments)
        self._reading = read(on_done=show, on_failed=self._failed)

    def _show_days_of(self, query: ListQuery, utc: bool, days: Sequence[tuple[int, int]]) -> None:
        """Shows them; where all is of a single day, its hours."""
        if len(days) != 1 or not 0 <= days[0][0] < DAYS_SHOWN:
            self.timeline.set_days(days)
            return
        day = date.fromordinal(_FIRST_DAY + days[0][0])
        moments = moments_of(day, day, utc)
        show = partial(self.timeline.set_hours, moments, utc=utc, has_others=False)
        read = partial(self._context.runner.read, self._context.lists.between, query, moments)
        self._reading = read(on_done=show, on_failed=self._failed)

    def count_few(self, total: int, again: Callable[[ListQuery], object]) -> None:
        """How many the rows of a tenant are is known when they are listed: then they may be read `again`."""
        query = self._without
        if query is not None and not (query.filtered or self._context.is_much(_READ_FOR_DAYS * total)):
            self._without = None
            later(self._tab, 0, lambda: again(query))  # when the tab has been told, too

    def mark(self, outcome: Outcome | None) -> None:
        """Shows on which days, and in which hours, the entries in scope are with which something is wrong."""
        utc, tenant = self._context.settings.utc_times, self._tab.scope.tenant_id
        findings = () if outcome is None else outcome.report.findings
        numbers, bad = set[int](), set[int]()
        for one in findings:
            if one.seq and tenant in (None, one.tenant):
                numbers.add(one.seq)
                bad.update((one.seq,) if one.is_error else ())
        if self._marking is not None:
            self._marking.cancel()
            self._marking = None

        def read_times(database: engine.Database) -> tuple[list[Any], list[Any]]:
            found = times_of(database, sorted(numbers))
            return found, found if bad == numbers else times_of(database, sorted(bad)) if bad else []

        def at(times: list[Any]) -> Found:
            found = [at for at in map(epoch_of, times) if at]
            return Found(Counter(at // status.DAY if utc else local_day(at) for at in found), found)

        def told(times: tuple[list[Any], list[Any]]) -> None:
            self.timeline.set_findings(*map(at, times))

        if numbers:
            read = self._context.runner.read
            self._marking = read(read_times, on_done=told, on_failed=lambda error: None)
        else:
            self.timeline.set_findings(Found(), Found())

    def _failed(self, error: errors.TenantAdminError) -> None:
        self.timeline.set_days(())

    def _pick_days(self, first: date, last: date) -> None:
        self._keep(DateRange(Span.CUSTOM, first, last))

    def _pick_hours(self, since: int, until: int) -> None:
        self._keep(range_of(since, until, self._context.settings.utc_times))

    def _keep(self, dates: DateRange) -> None:
        self._days_of = None
        before = self._tab.filters.values()
        self._tab.filters.set_values(replace(before, dates=dates))
        if before.dates == dates:  # the days were shown, and one of them is wanted again
            self._read_again()

    def _show_days(self) -> None:
        self._days_of = self._tab.filters.values().dates
        self._read_again()

    def _read_again(self) -> None:
        self._tab.read_beside(self._tab.query())

    def _move_days(self, by: int) -> None:
        """To as many days before those whose hours are shown, or after them."""
        now, utc = self._context.clock(), self._context.settings.utc_times
        found = days_of(self._tab.filters.values().dates, now, utc)
        if found is not None:
            first, last = found
            step = timedelta(days=by * ((last - first).days + 1))
            with suppress(OverflowError):
                self._pick_days(first + step, last + step)


def local_day(at: int) -> int:
    """Days since 1970 here, whatever the offset from UTC was then."""
    return datetime.fromtimestamp(at).toordinal() - _FIRST_DAY
