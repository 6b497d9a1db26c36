"""Whether the clock can be believed before anything is called old by it.

One moment that contradicts the clock is enough for a doubt. It takes more than one stray entry to confirm
the clock: a retention run that was carried out, or two entries. A person can always overrule a doubt.

And when something is old, and so removed by retention: the one rule of it, for columns and for single rows.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, NamedTuple, cast

from peewee import fn

from app.services.chain import rules
from app.services.chain.append import OURS
from app.services.chain.cautions import AS_TOLD, clock_off
from app.services.chain.entry import Entry
from app.services.chain.reading import entries_where, read_entries
from app.services.chain.rules import SECONDS_LIMIT, in_milliseconds, is_no_time, seconds
from app.services.records.tables import NOTIFICATIONS, ON, PLANNING_RUNS
from app.services.text import counted, utc_time
from models.engine import Database, Rows
from models.errors import TenantAdminError
from models.schema import Beside
from models.status import DAY, HOUR, SYSTEM_TENANT, AuditEvent, RunStatus
from models.tables import AuditEntry

BEHIND_TOLERANCE: Final = DAY
AHEAD_TOLERANCE: Final = 7 * DAY
JUMP_TOLERANCE: Final = HOUR
"""Seconds. The time protocol corrects by less; a change to summer time is no change of epoch seconds."""

_ENTRIES: Final = 20
"""How many of the newest entries are asked: a few stray ones among them change nothing."""

_FEW: Final = 10
"""Entries below which a single one confirms the clock: so young a file has hardly more to say."""

_CLOCK: Final = "This computer's clock says"
_GIVEN: Final = "The time given is"

_LAST_REPORTS: Final = f"event_type = ? AND +tenant_id IN (?, ?) AND {OURS} ORDER BY seq DESC LIMIT ?"
"""The plus keeps the order: the chain of the only tenant is most of the table."""


LAST_RUNS: Final = Beside(
    rules.TABLE,
    ("event_type", *(name for name in rules.COLUMNS if name != "event_type")),
    entries_where(
        f"event_type = ? AND {OURS} ORDER BY seq DESC LIMIT 3", AuditEvent.RETENTION_COMPLETED.value
    ),
)
"""What gives retention's newest reports, in whichever chain."""


class Doubt(Enum):
    """Why the clock is in doubt, as a sentence goes on that says what it shows."""

    BEHIND_ENTRY = ", but an entry of the database is already from {known}."
    BEHIND_RUN = ", but retention last ran on {known}."
    AHEAD_OF_ENTRIES = "; the newest entry of the database is from {known}."
    AHEAD_OF_RUN = "; the database was last used on {known}, by retention."
    LONE_ENTRY = "; a single entry of the database, from {known}, is all that confirms it."
    NOTHING_KNOWN = "; nothing in the database confirms it."
    JUMPED = "; it was set {way} by {span} while the program was running."
    OFF_DATABASE = "; {place}'s says {known}, {as_told}."


@dataclass(frozen=True, slots=True)
class ClockDoubt:
    """`now` and the moment `known` that it was held against; `jump` in seconds, negative when set back."""

    reason: Doubt
    now: int
    known: int | None = None
    jump: int = 0
    stated: bool = False
    place: str = ""

    @property
    def is_off(self) -> bool:
        """Whether the database tells another time by itself, which is `known`."""
        return self.reason is Doubt.OFF_DATABASE

    @property
    def is_contradicted(self) -> bool:
        """Whether by such a clock nothing may be old that is: the database holds what is later, or tells
        another time. Where retention ran later, by a time given then, that took what is old by the clock.
        """
        is_behind = self.reason is Doubt.BEHIND_ENTRY or (self.stated and self.reason is Doubt.BEHIND_RUN)
        return is_behind or self.is_off

    def sentence(self, when: Callable[[int], str]) -> str:
        """For a person; `when` writes a time in epoch seconds as they read it."""
        known = "" if self.known is None else when(self.known)
        way = "forward" if self.jump > 0 else "back"
        says = f"{_GIVEN if self.stated else _CLOCK} {when(self.now)}"
        goes_on: str = self.reason.value
        told = {"known": known, "place": self.place, "as_told": AS_TOLD}
        return says + goes_on.format(way=way, span=_span(abs(self.jump)), **told)

    def of_count(self, when: Callable[[int], str]) -> str:
        """The same beside rows that are only counted: by which of two clocks."""
        counted_by = " What is old is counted by this computer's." if self.is_off else ""
        return self.sentence(when) + counted_by

    def of_nothing(self, when: Callable[[int], str]) -> str:
        """The same where no row is old by it."""
        return f"{self.sentence(when)} By that nothing is old."

    def to_json(self) -> dict[str, Any]:
        """For a command: `clocks`, in epoch seconds, where there are two."""
        said: dict[str, Any] = {"clockDoubt": self.sentence(utc_time)}
        return said | ({"clocks": {"computer": self.now, "database": self.known}} if self.is_off else {})


class ClockProblem(TenantAdminError):
    """The clock is in doubt, something would be removed by it, and nobody has said that it is right."""

    def __init__(self, doubt: ClockDoubt) -> None:
        self.doubt = doubt
        super().__init__(
            f"{doubt.sentence(utc_time)} Nothing was removed. Check the clock, then confirm that it is right."
        )


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What is known of the time beside the file.

    `last_run` is when retention last ran on this file by a clock that was believed. `jump` is by how many
    seconds the clock was set meanwhile. `standing` is a doubt that nothing has settled since. `stated` says
    that a person gave the time in so many words, so that it may lie ahead of all that is known.
    """

    last_run: int | None = None
    jump: int = 0
    standing: ClockDoubt | None = None
    stated: bool = False


NO_FACTS: Final = ClockFacts()


def find_doubt(database: Database, now: int, facts: ClockFacts, *, chain: str | None) -> ClockDoubt | None:
    """Holds `now` against the newest entries, the last run and `facts`. The caller holds a connection.

    `chain` is where retention reports, None where nothing has a chain.

    What the file held when retention last ran was asked then, and is not asked again. A live database tells
    its own time; a time that a person has stated is no clock's.
    """
    off = None if facts.stated else clock_off(database)
    if off is not None:
        return ClockDoubt(Doubt.OFF_DATABASE, now, now - round(off.seconds), place=database.place)
    if facts.standing is not None:
        return replace(facts.standing, now=now)
    if facts.jump:
        return ClockDoubt(Doubt.JUMPED, now, jump=facts.jump)
    report, entries = (None, []) if chain is None else _times(database, chain)
    run = max((at for at in (facts.last_run, report) if at is not None), default=None)
    if run is not None and run > now + BEHIND_TOLERANCE:
        return ClockDoubt(Doubt.BEHIND_RUN, now, run, stated=facts.stated)
    if entries and entries[0] > now + BEHIND_TOLERANCE:
        return ClockDoubt(Doubt.BEHIND_ENTRY, now, entries[0], stated=facts.stated)
    enough = now - AHEAD_TOLERANCE
    confirmed = (run is not None and run >= enough) or (len(entries) > 1 and entries[1] >= enough)
    if facts.stated or confirmed:
        return None
    if entries and entries[0] >= enough:
        return None if len(entries) < _FEW else ClockDoubt(Doubt.LONE_ENTRY, now, entries[0])
    if run is not None and (not entries or run >= entries[0]):
        return ClockDoubt(Doubt.AHEAD_OF_RUN, now, run)
    if entries:
        return ClockDoubt(Doubt.AHEAD_OF_ENTRIES, now, entries[0])
    return ClockDoubt(Doubt.NOTHING_KNOWN, now)


def _times(database: Database, chain: str) -> tuple[int | None, list[int]]:
    """When retention last reported, and the times of the newest entries since, the latest first."""
    report = last_report(database, chain)
    query = (
        AuditEntry.select(AuditEntry.created_at)
        .where(AuditEntry.seq > (0 if report is None else report.seq))
        .order_by(AuditEntry.seq.desc())
        .limit(_ENTRIES)
    )
    found = (at for (at,) in database.rows(query.tuples()))
    run = None if report is None else report.created_at
    return run, sorted((at for at in found if _is_time(at)), reverse=True)


def last_report(database: Database, chain: str) -> Entry | None:
    """Retention's last report, which has a time. One that does not hold counts for nothing, nor does one that
    is neither in `chain` nor in that of `system`, or not as this program makes it: others may have made it.
    """
    kind = AuditEvent.RETENTION_COMPLETED.value
    encoding = database.encoding
    return _sound(read_entries(database, encoding, _LAST_REPORTS, kind, SYSTEM_TENANT, chain, _ENTRIES))


def _sound(entries: Sequence[Entry]) -> Entry | None:
    """The first that has a time and holds."""
    for entry in entries:
        if _is_time(entry.created_at) and not any(problem.is_error for problem in entry.findings()):
            return entry
    return None


def last_of(rows: Rows, encoding: str) -> int | None:
    """When retention last ran, by what `LAST_RUNS` gave; None where nothing tells."""
    found = _sound([Entry(row, encoding) for row in rows])
    return None if found is None else cast(int, found.created_at)


def last_run(database: Database) -> int | None:
    """The same, as it is now. The caller holds a connection."""
    return last_of(database.rows(LAST_RUNS.query), database.encoding)


def _is_time(value: object) -> bool:
    """Whether a time can vouch for a clock: narrower than what is shown as one (`stored_times`), in whole
    seconds alone, and not 0, at which a clock begins that nobody set.
    """
    return isinstance(value, int) and 0 < value < SECONDS_LIMIT


class SteadyClock(NamedTuple):
    """A clock that nobody can set. `counts_sleep` is False where it may stand still in sleep."""

    read: Callable[[], float]
    counts_sleep: bool


def steady_clock() -> SteadyClock:
    if sys.platform == "linux":
        return SteadyClock(lambda: time.clock_gettime(time.CLOCK_BOOTTIME), counts_sleep=True)
    return SteadyClock(time.monotonic, counts_sleep=False)


class Reading(NamedTuple):
    """What both clocks said at one moment."""

    wall: int
    steady: float


class ClockWatch:
    """Notices in a running program that the clock was set. `clock` gives epoch seconds.

    The clock is held against what it was when it was last believed, or when the program began. A clock that
    was in doubt is no measure; that doubt stands until the clock is set, since entries that were written by
    it meanwhile confirm nothing. Of what a live database says itself none stands, as it says so again.
    """

    def __init__(self, clock: Callable[[], int], steady: SteadyClock) -> None:
        self._clock = clock
        self._steady = steady
        self._believed: Reading | None = self.read()
        self._doubted: tuple[ClockDoubt, Reading] | None = None

    def read(self) -> Reading:
        return Reading(self._clock(), self._steady.read())

    def facts(self, reading: Reading, last_run: int | None) -> ClockFacts:
        """What is known at `reading`, beside the file."""
        if self._doubted is not None and self._set_between(self._doubted[1], reading):
            self._doubted = None
        standing = None if self._doubted is None else self._doubted[0]
        jump = 0 if self._believed is None else self._set_between(self._believed, reading)
        return ClockFacts(last_run, jump, standing)

    def believe(self, reading: Reading) -> None:
        """A run was carried out by it, confirmed by the person or without need of that."""
        self._believed, self._doubted = reading, None

    def doubt(self, doubt: ClockDoubt, reading: Reading) -> None:
        if not doubt.is_off:
            self._doubted = (doubt, reading)
        if doubt.reason is not Doubt.JUMPED:
            self._believed = None

    def _set_between(self, before: Reading, after: Reading) -> int:
        """By how many seconds the clock was set, 0 for less than the tolerance."""
        moved = (after.wall - before.wall) - (after.steady - before.steady)
        if moved > 0 and not self._steady.counts_sleep:
            return 0
        return round(moved) if abs(moved) > JUMP_TOLERANCE else 0


def _span(seconds: int) -> str:
    days, hours = seconds // DAY, max(1, round(seconds / HOUR))
    return counted(days, "day") if days >= 2 else counted(hours, "hour")


def cutoff_at(now: int, days: int) -> int:
    """What was made before is old at `now`, where data is kept for so many days; in epoch seconds."""
    return now - days * DAY


def is_old(column: Any, cutoff: int, *, milliseconds: bool = False) -> Any:
    """The condition that `column` holds a time before `cutoff`, in whole seconds or perhaps milliseconds; one
    before 1970 is a mistake, of which nobody can tell what it means (`is_no_time`).
    """
    in_seconds = (fn.typeof(column) == "integer") & (column >= 0) & (column < cutoff)
    return in_seconds | old_in_milliseconds(column, cutoff) if milliseconds else in_seconds


def old_in_milliseconds(column: Any, cutoff: int) -> Any:
    return (fn.typeof(column) == "integer") & in_milliseconds(column, cutoff)


def old_from(stored: object, days: int, *, milliseconds: bool = False) -> int | None:
    """From when on in epoch seconds a row with this time `is_old`; None where nobody can tell."""
    if not isinstance(stored, int) or is_no_time(stored) or (stored >= SECONDS_LIMIT and not milliseconds):
        return None
    return seconds(stored) + days * DAY + 1


@dataclass(frozen=True, slots=True)
class GoesBy:
    """What a record is removed by: the `time` of it, in a column, where another, its `state`, is one of
    `states` as they are stored.
    """

    time: str
    state: str
    states: tuple[Any, ...]

    def may_go(self, stored: object) -> bool:
        return stored in self.states


GOES_BY: Final = {
    NOTIFICATIONS.name: GoesBy("created_at", "read", ON),
    PLANNING_RUNS.name: GoesBy("updated_at", "status", (RunStatus.DELETED.value,)),
}
"""Of the records that are removed for their own time: notifications that are read, runs that are deleted."""
