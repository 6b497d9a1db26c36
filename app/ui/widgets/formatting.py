"""Values as people read them. Pure functions without Qt; time is epoch seconds UTC, `now` is passed in.

Dates have one style: a list says how long ago something was, its tool tip the moment itself; where a moment
is said it is `2026-11-22 13:55:07 UTC`, and a day is `2026-11-22`. What services say is `text.utc_time`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import isinf
from typing import Final

from app.services.chain.rules import SECONDS_LIMIT
from app.services.text import lasted, readable, visible
from models.patterns import compiled_later
from models.status import DAY, HOUR

MINUTE = 60
_WEEK, _MONTH, _YEAR = 7 * DAY, 30 * DAY, 31_556_952
_DISTANCES = (
    (2 * _YEAR, _YEAR, "y"),
    (2 * _MONTH, _MONTH, "mo"),
    (2 * _WEEK, _WEEK, "wk"),
    (2 * DAY, DAY, "d"),
    (HOUR, HOUR, "h"),
    (MINUTE, MINUTE, "min"),
)
"""From how many seconds on a time's distance is said in a unit, its seconds and its word."""
NOTHING: Final = "—"
"""What stands for a value that there is none of."""
_ELLIPSIS = "…"
_TOO_MUCH = 1e17
"""Dollars above which a figure says how many digits there are, and not which."""
_WORD = 64
_LONG_WORD = compiled_later(rf"\S{{{_WORD}}}(?=\S)")
"""Longer than a hash: a tool tip would be as wide as the screen, as Qt ends no line within a word."""
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_EARLIEST, _LATEST = -62_135_596_800, SECONDS_LIMIT - 1  # what datetime can show


EMPTY = "(empty)"
"""What stands for an empty text where a blank would look like nothing."""
AGO, JUST = " ago", "just "
LONGEST_AGO = f"59 min{AGO}"
"""As long as what `relative_time` says of these years."""


def relative_time(at: int, now: int) -> str:
    """`just now`, `5 min ago`, `2 h ago`, `3 d ago`, `soon`, `in 14 h`: short enough for a column."""
    distance = abs(now - at)
    for least, unit, word in _DISTANCES:
        if distance >= least:
            amount = f"{distance // unit:,} {word}"
            return f"{amount}{AGO}" if at <= now else f"in {amount}"
    return f"{JUST}now" if at <= now else "soon"


def ago(at: int, now: int) -> str:
    """The same of what this program has done, which lies ahead where the clock was set back since."""
    return relative_time(min(at, now), now) if at - now < MINUTE else "by a clock that was ahead"


def absolute_time(at: int, utc: bool) -> str:
    """`2026-11-22 13:55:07 UTC`, or local time with its offset, if any; a number beyond the calendar."""
    return _said(at, utc, lambda moment: f"{_stamp(moment)} {f'{moment:%z}'.replace('+0000', 'UTC')}")


def from_to(since: int, until: int, utc: bool) -> str:
    """`2026-11-22 13:00 – 15:00 UTC`, of hours; with the day of the end or both offsets where they differ."""
    ends = (since, until)
    if not all(map(in_calendar, ends)):
        return f"{grouped(since)} – {grouped(until)} s"
    zone = UTC if utc else None
    begin, end = (datetime.fromtimestamp(at, UTC).astimezone(zone) for at in ends)
    offsets = [f"{one:%z}".replace("+0000", "UTC") for one in (begin, end)]
    first, last = (one.isoformat(" ", "minutes")[:16] for one in (begin, end))
    if begin.date() == end.date():
        last = last[11:]
    between = "" if offsets[0] == offsets[1] else f" {offsets[0]}"
    return f"{first}{between} – {last} {offsets[1]}"


def table_time(at: int, utc: bool) -> str:
    """`2026-11-22 13:55:07`, for a column whose tool tips name the zone; a number beyond the calendar."""
    return _said(at, utc, _stamp)


def zone_of(times: Sequence[int], utc: bool) -> str:
    """`UTC`, or the offset of all these times in local time: `+0200`; or that they are in local time."""
    offsets = {_said(at, utc, lambda moment: f"{moment:%z}") for at in times if in_calendar(at)}
    return offsets.pop().replace("+0000", "UTC") if len(offsets) == 1 else "local time"


def times_apart(times: Sequence[int], utc: bool) -> list[str]:
    """For titles, whose tips name the zone: `2026-11-22 13:55`, with seconds where two are of a minute."""
    whole = [table_time(at, utc) for at in times]
    if not all(map(in_calendar, times)):
        return whole
    minutes = len("2026-11-22 13:55")
    end = minutes if len({said[:minutes] for said in whole}) == len(set(whole)) else None
    return [said[:end] for said in whole]


def day(at: int, utc: bool) -> str:
    """`2026-11-22`; a number beyond the calendar."""
    return _said(at, utc, lambda moment: moment.date().isoformat())


def typed_time(text: str, utc: bool) -> int | None:
    """The time that `absolute_time` says so; also without seconds, zone or time of day. None for any other
    text.
    """
    try:
        found = datetime.fromisoformat(re.sub(r" (?=[+-]\d)", "", text.strip().replace(" UTC", "Z")))
        return int((found if found.tzinfo or not utc else found.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, OSError, ValueError):
        return None


def _said(at: int, utc: bool, words: Callable[[datetime], str]) -> str:
    if in_calendar(at):
        try:
            moment = datetime.fromtimestamp(at, UTC)
            return words(moment if utc else moment.astimezone())
        except (OverflowError, OSError, ValueError):
            pass
    return f"{grouped(at)} s"


def in_calendar(at: float) -> bool:
    """Whether a time is in the years 1 to 9999."""
    return _EARLIEST <= at <= _LATEST


def _stamp(moment: datetime) -> str:
    # Not strftime, which imports the time module at every call: 15 µs under PySide, for every cell painted.
    return moment.isoformat(" ", "seconds")[:19]


def grouped(number: int) -> str:
    """`184,220`."""
    return f"{number:,}"


def figure(value: object) -> str:
    """What `readable` says, the digits of a number in groups, without the `.0` of a whole one: `1,204`."""
    if isinstance(value, int) or (isinstance(value, float) and not isinf(value)):
        return f"{value:,}".removesuffix(".0")
    return readable(value)


def score(value: object) -> str:
    """As it is stored, a whole number with its decimal, so that points stand below each other: `53.0`."""
    said = figure(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return f"{said}.0" if whole and "e" not in said else said


def duration(seconds: float) -> str:
    """`8 ms`, `0.31 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 2 h`."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s"
    return lasted(round(seconds))


def rate(count: int, seconds: float, unit: str = "rows") -> str:
    """`1,020,000 rows/s`, rounded to three figures; empty while no time has passed."""
    if seconds <= 0:
        return ""
    speed, of = count / seconds, f" {unit}".rstrip()
    return f"{speed:.1f}{of}/s" if speed < 10 else f"{grouped(int(float(f'{speed:.3g}')))}{of}/s"


_SOON: Final = 2.0
"""Seconds after which work is known well enough to say how long the rest takes."""


def how_far(done: int, total: int, seconds: float, of: int = 0) -> str:
    """`34,000 of 100,000 · 12,000/s · 6 s left`; these are `of` so many where work is measured otherwise."""
    there = done * of // total if of and total else done
    said = [
        f"{there:,} of {of or total:,}",
        rate(there, seconds, "") if there else "",
        time_left(done, total, seconds),
    ]
    return " · ".join(filter(None, said))


def time_left(done: int, total: int, seconds: float) -> str:
    """`6 s left`; empty while nobody can know, and at the end."""
    if not 0 < done < total or seconds < _SOON:
        return ""
    return f"{lasted(max(1, round(seconds * (total - done) / done)))} left"


def money(dollars: float) -> str:
    """`$7.50`, `$950`, `$4.5K`, `$2M`, `$1.2B`, `$9,007.2T`, `$1.0e300`."""
    return amount(dollars, "$")


def amount(value: float, currency: str = "") -> str:
    """The same of another currency, or of one that is not known: `4.5K`."""
    sign, amount = f"{'-' if value < 0 else ''}{currency}", abs(value)
    if isinf(amount):
        return f"{sign}∞"
    if amount >= _TOO_MUCH:
        return f"{sign}{amount:.1e}".replace("e+", "e")
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if amount >= size * 0.9995:
            return f"{sign}{f'{amount / size:,.1f}'.removesuffix('.0')}{unit}"
    if amount == round(amount):
        return f"{sign}{amount:.0f}"
    return f"{sign}{amount:.2f}" if amount >= 0.01 else f"{sign}{amount:.1g}"


def percent(part: int, whole: int) -> str:
    """`37 %`, `37.4 %` below ten; 0 % of nothing."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f} %" if 0 < share < 10 else f"{share:.0f} %"


def shortened(text: str, head: int = 4, tail: int = 4) -> str:
    """`9f3c…a1e7`: the middle left out when that makes it shorter."""
    if len(text) <= head + tail + 1:
        return text
    return f"{text[:head]}{_ELLIPSIS}{text[len(text) - tail :]}"


def first_line(text: str, limit: int = 200) -> str:
    """The first line, at most `limit` characters, with an ellipsis when something is left out."""
    line = text.split("\n", 1)[0]
    cut = line[:limit]
    return cut if cut == text else cut.rstrip() + _ELLIPSIS


def tooltip(text: str, limit: int = 1000, *, lines: bool = False) -> str:
    """`text` as a tool tip: escaped, so data is never markup, and visible; `limit` characters at most. As
    wide as Qt makes it, which may be a word or two, or as its own `lines` are.
    """
    if not text:
        return ""
    shown = text if len(text) <= limit else text[:limit] + _ELLIPSIS
    space = "pre" if lines else "pre-wrap"
    said = visible(shown, keep=chr(10))
    said = said if lines or len(said) <= _WORD else _LONG_WORD.sub("\\g<0>\u200b", said)
    return f'<p style="white-space:{space}">{said.translate(_ESCAPES)}</p>'
