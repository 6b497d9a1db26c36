"""Where the times of a run stand beside each other, and which of them are written above."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from app.services.runs.run_timeline import RunTimeline
from models.status import DAY

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
