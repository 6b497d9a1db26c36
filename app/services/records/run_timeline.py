"""A run's phases in order: when each version began and ended, worked and waited for, as far as it is known.

What is known is what the file says: when an artifact was stored, when the run was made, and the audit entries
and notifications that name it. A version began when the workflow was dispatched for it, where an entry says
so, else when what came before it was there. Nothing is guessed: a time that nobody has stored is None.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from math import floor, inf, isfinite, isnan
from typing import Any, Final

from peewee import SQL, BaseQuery, Column, Query, fn
from peewee import Table as Source

from app.services.chain.rules import seconds
from app.services.records.history import LOOKED_THROUGH, Named, PastEntry, entries_of, newest_naming
from app.services.records.record import Record, read_record_beside, value_of
from app.services.records.rows import Value, decoded, exactly, legible
from app.services.records.runs import PHASES
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, PLANNING_ARTIFACTS, PLANNING_RUNS
from app.services.text import readable
from models.engine import Database
from models.schema import StoredTable, StoredTables
from models.status import AuditEvent, RunStatus

MOST_ABOUT: Final = 200
"""Entries, and notifications, that are read with a run: the newest."""

_NOTE_COLUMNS: Final = ("id", "type", "title", "message", "created_at")
_GOES_ON: Final = frozenset({RunStatus.RUNNING, RunStatus.ACTIVE})
_LONGEST: Final = 400
_APPROVED: Final = "approved"


@dataclass(frozen=True, slots=True)
class RunNote:
    """A notification that names a run; its text is cut."""

    note_id: Any
    type: str
    title: str
    message: str
    created_at: Any


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run and all that is stored about it, from one snapshot, the newest first. `artifacts` is None where
    the file has no such table; `entries` and `notes` are None where nobody has looked for them.
    """

    run: Record
    artifacts: tuple[Record, ...] | None
    entries: tuple[PastEntry, ...] | None = None
    notes: tuple[RunNote, ...] | None = None


class Spent(Enum):
    """What a time was spent on."""

    APPROVED = auto()
    """Work on a version that the review approved."""
    SENT_BACK = auto()
    """Work on one that it did not, or that a newer one has replaced."""
    UNJUDGED = auto()
    """Work on one without a verdict, or with one that is not known."""
    RUNNING = auto()
    """Work that goes on."""
    WAITING = auto()
    """For a person's approval."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From when to when, in epoch seconds, and the version that came of it (None: nothing yet)."""

    spent: Spent
    began: int
    ended: int
    version: Any = None

    @property
    def took(self) -> int:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class PhaseVersion:
    """One artifact: what it came to, and when it began and was there; None where that is not known."""

    artifact: Record
    spent: Spent
    began: int | None
    ended: int | None

    @property
    def version(self) -> Any:
        return self.artifact["version"]

    @property
    def verdict(self) -> Any:
        return self.artifact["review_verdict"]

    @property
    def score(self) -> Any:
        """None for a version that is in review, whatever an older one had."""
        return self.artifact["overall_score"]


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """One phase: its versions in the order in which they came, and its times in theirs.

    `worked` and `waited` are seconds; None where a time that belongs to it is not known. `is_current`: the
    run says that it is in it, and goes on or waits.
    """

    phase: str
    versions: tuple[PhaseVersion, ...]
    spans: tuple[TimeSpan, ...]
    worked: int | None
    waited: int
    is_current: bool

    @property
    def is_reached(self) -> bool:
        return bool(self.versions or self.spans or self.is_current)

    @property
    def is_done(self) -> bool:
        return bool(self.versions) and not self.is_current

    @property
    def newest(self) -> PhaseVersion | None:
        return self.versions[-1] if self.versions else None

    @property
    def in_review(self) -> bool:
        return self.is_current and self.newest is not None and self.newest.verdict in (None, "")

    @property
    def sent_back(self) -> int:
        return sum(one.spent is Spent.SENT_BACK for one in self.versions)


@dataclass(frozen=True, slots=True)
class Pivot:
    """The `number`th change of direction: what told of it, and when that was."""

    number: int
    at: int
    phase: str = ""


@dataclass(frozen=True, slots=True)
class RunTimeline:
    """The platform's phases, then those of the run that it does not know. `began` to `until` is what there is
    to draw, None where no time is known; `pivots` are those of which is known when.
    """

    phases: tuple[PhaseLine, ...]
    pivots: tuple[Pivot, ...]
    began: int | None
    until: int | None
    goes_on: bool
    waits: bool

    @property
    def done(self) -> int:
        return sum(line.is_done for line in self.phases)

    @property
    def current(self) -> PhaseLine | None:
        return next((line for line in self.phases if line.is_current), None)


def read(database: Database, run_id: Value, *, among: int = LOOKED_THROUGH) -> RunStory:
    """The run with all about it, among the newest so many entries and notifications (0: none are looked at),
    by one batch. Raises `NotFound` and `TableMissing`.
    """
    named = Named.of(run_id)

    def about(tables: StoredTables) -> list[BaseQuery]:
        if named is None or not among:
            return []
        entries = newest_naming(tables.get(AUDIT_CHAIN.name), named, among, MOST_ABOUT)
        notes = _notes(tables.get(NOTIFICATIONS.name), named.record_id, among)
        return [one for one in (entries, notes) if one is not None]

    run, artifacts, rows = read_record_beside(
        database, (PLANNING_RUNS, run_id), (PLANNING_ARTIFACTS, "run_id"), about
    )
    found = None if artifacts is None else tuple(sorted(artifacts, key=_newest_first))
    if named is None or not among:
        return RunStory(run, found)
    tables = database.last_read[1] if database.last_read else {}
    has_entries = newest_naming(tables.get(AUDIT_CHAIN.name), named, among, 1) is not None
    entries = entries_of(rows.pop(0), named) if has_entries and rows else []
    return RunStory(run, found, tuple(entries), tuple(map(_note, rows[0] if rows else ())))


def _newest_first(artifact: Record) -> tuple[int, str, float, float]:
    """By phase; versions that are no number last."""
    phase, at = artifact.text("phase"), epoch_of(artifact["created_at"])
    return _place(phase), phase, -_number(artifact["version"]), -(at or 0)


def _place(phase: str) -> int:
    return PHASES.index(phase) if phase in PHASES else len(PHASES)


def _number(version: Any) -> float:
    return version if isinstance(version, int | float) and not isnan(version) else -inf


def epoch_of(stored: Any) -> int | None:
    """The epoch seconds of a stored time; None for what is none."""
    if not isinstance(stored, int | float) or not isfinite(stored):
        return None
    at = seconds(floor(stored))
    return at if 0 < at < 253_402_300_800 else None  # year 10000


def _notes(stored: StoredTable | None, run_id: str, among: int) -> Query | None:
    if stored is None or "metadata" not in stored.names:
        return None
    source = Source(stored.name)
    there = set(stored.names)
    cells = [
        exactly(fn.substr(Column(source, name), 1, _LONGEST) if name in ("title", "message") else
                Column(source, name)) if name in there else SQL("NULL")
        for name in _NOTE_COLUMNS
    ]  # fmt: skip
    names = value_of(NOTIFICATIONS.column("names_run"), source)
    wanted = (fn.instr(Column(source, "metadata"), run_id) > 0) & (names == run_id)
    query = source.select(*cells).where(wanted).limit(MOST_ABOUT)
    if stored.rowid is None:
        return query
    newest = Source(stored.name).alias("newest")
    highest = fn.COALESCE(newest.select(fn.MAX(Column(newest, stored.rowid))), 0)
    rowid = Column(source, stored.rowid)
    return query.where(rowid > highest - among).order_by(rowid.desc())


def _note(row: Sequence[Any]) -> RunNote:
    key, kind, title, message, at = (legible(decoded(cell)) for cell in row)
    return RunNote(key, readable(kind), readable(title), readable(message), at)


def timeline(story: RunStory, now: int) -> RunTimeline:
    """What the story comes to at `now`."""
    run, artifacts = story.run, [*(story.artifacts or ())]
    status, current = run["status"], run.text("current_phase")
    goes_on, waits = status in _GOES_ON, status == RunStatus.PAUSED
    entries = sorted(story.entries or (), key=lambda entry: entry.seq)
    paused = _pauses(entries, now if waits else None)
    names = sorted({one.text("phase") for one in artifacts} - set(PHASES))
    open_phase = current if goes_on or waits else ""
    if open_phase and open_phase not in (*PHASES, *names):
        names.append(open_phase)
    made = epoch_of(run["created_at"])
    stored = {id(one): epoch_of(one["created_at"]) for one in artifacts}
    known = sorted({at for at in (*stored.values(), made) if at is not None})
    lines = []
    for phase in (*PHASES, *names):
        own = [one for one in reversed(artifacts) if one.text("phase") == phase]
        dispatched = _dispatched(entries, phase)
        versions = tuple(
            _version(one, stored[id(one)], known, dispatched, is_newest=one is own[-1]) for one in own
        )
        ongoing = (Spent.RUNNING if goes_on else Spent.WAITING) if phase == open_phase else None
        since = max((at for at in known if at <= now), default=now)
        lines.append(_line(phase, versions, paused, ongoing, (since, now)))
    times = [at for line in lines for span in line.spans for at in (span.began, span.ended)]
    times += [at for at in (made,) if at is not None]
    return RunTimeline(
        tuple(lines), _pivots(story), min(times, default=None), max(times, default=None), goes_on, waits
    )


def _version(
    artifact: Record, ended: int | None, known: Sequence[int], dispatched: Sequence[int], *, is_newest: bool
) -> PhaseVersion:
    verdict = artifact["review_verdict"]
    if not is_newest or verdict in ("revise", "rejected"):
        spent = Spent.SENT_BACK
    else:
        spent = Spent.APPROVED if verdict == _APPROVED else Spent.UNJUDGED
    if ended is None:
        return PhaseVersion(artifact, spent, None, None)
    before = max((at for at in known if at < ended), default=None)
    told = max((at for at in dispatched if at <= ended and at >= (before or 0)), default=None)
    return PhaseVersion(artifact, spent, before if told is None else told, ended)


def _line(
    phase: str,
    versions: tuple[PhaseVersion, ...],
    paused: Sequence[tuple[int, int]],
    ongoing: Spent | None,
    lasting: tuple[int, int],
) -> PhaseLine:
    """`ongoing` is what the phase does now, and `lasting` since when and until now."""
    spans = list[TimeSpan]()
    for one in versions:
        if one.began is not None and one.ended is not None:
            spans += _without(TimeSpan(one.spent, one.began, one.ended, one.version), paused)
    since, now = lasting
    if ongoing is not None and since < now:
        spans += _without(TimeSpan(ongoing, since, now), paused)
    spans.sort(key=lambda span: (span.began, span.ended))
    unknown = any(one.began is None for one in versions)
    worked = sum(span.took for span in spans if span.spent is not Spent.WAITING)
    waited = sum(span.took for span in spans if span.spent is Spent.WAITING)
    return PhaseLine(phase, versions, tuple(spans), None if unknown else worked, waited, ongoing is not None)


def _without(span: TimeSpan, paused: Sequence[tuple[int, int]]) -> list[TimeSpan]:
    """The span in parts: what of it the run was paused is time that it waited."""
    if span.spent is Spent.WAITING:
        return [span]
    parts, at = list[TimeSpan](), span.began
    for began, ended in paused:
        first, last = max(began, at), min(ended, span.ended)
        if first >= last:
            continue
        if first > at:
            parts.append(TimeSpan(span.spent, at, first, span.version))
        parts.append(TimeSpan(Spent.WAITING, first, last, span.version))
        at = last
    if at < span.ended or not parts:
        parts.append(TimeSpan(span.spent, at, span.ended, span.version))
    return parts


def _pauses(entries: Iterable[PastEntry], until: int | None) -> list[tuple[int, int]]:
    """When the run was paused, as the entries say; the last one up to now."""
    found, since = list[tuple[int, int]](), None
    for entry in entries:
        at = epoch_of(entry.created_at)
        if at is None:
            continue
        if entry.event_type == AuditEvent.RUN_PAUSED:
            since = at if since is None else since
        elif since is not None and entry.event_type in _ENDS_PAUSE:
            found.append((since, at))
            since = None
    if since is not None and until is not None:
        found.append((since, until))
    return [(began, ended) for began, ended in found if began < ended]


_ENDS_PAUSE: Final = frozenset(
    {AuditEvent.RUN_RESUMED, AuditEvent.RUN_CANCELLED, AuditEvent.RUN_KILLED, AuditEvent.RUN_DELETED}
    | {AuditEvent.RUN_COMPLETED, AuditEvent.RUN_RESTORED}
)


def _dispatched(entries: Iterable[PastEntry], phase: str) -> list[int]:
    times = (
        epoch_of(entry.created_at)
        for entry in entries
        if entry.event_type == AuditEvent.WORKFLOW_DISPATCHED
        and isinstance(entry.said, dict)
        and entry.said.get("phase") == phase
    )
    return [at for at in times if at is not None]


def _pivots(story: RunStory) -> tuple[Pivot, ...]:
    """Those that an entry tells of: where the number that it gives is greater than the one before."""
    told = [
        (epoch_of(entry.created_at), entry.said.get("pivotCount"), entry.said.get("phase"))
        for entry in sorted(story.entries or (), key=lambda entry: entry.seq)
        if isinstance(entry.said, dict)
    ]
    counts = [(at, n, phase) for at, n, phase in told if at is not None and type(n) is int]
    found = []
    for (_, before, _), (at, number, phase) in pairwise([(0, 0, ""), *counts]):
        if number > before and at:
            found.append(Pivot(number, at, phase if isinstance(phase, str) else ""))
    return tuple(found)
