"""The hours of a few days, as bars of the timeline: by the clock, 23 or 25 where that changes."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from app.services.text import counted
from app.ui.widgets.filter_row import DateRange, Span, end_of, midnight
from app.ui.widgets.formatting import from_to, in_calendar
from models.status import HOUR

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
        at = min(end, at + HOUR - clock.minute * 60 - clock.second)
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
