"""A run's phases in order: when each version began and ended, worked and waited for, as far as it is known.

What is known is what the file says: when an artifact was stored, when the run was made, and the audit entries
and notifications that name it. A version began when the workflow was dispatched for it, where an entry says
so, else when what came before it was there. Nothing is guessed: a time that nobody has stored is None.

And when the run changed its direction, by whatever tells of it.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import reduce
from operator import itemgetter, or_
from typing import Any, Final, Protocol

from peewee import SQL, BaseQuery, Column, Query, fn
from peewee import Table as Source

from app.services.records.history import (
    LOOKED_THROUGH,
    Named,
    PastEntry,
    StillHolds,
    entries_of,
    newest_naming,
)
from app.services.records.record import Record, read_records_beside, value_of
from app.services.records.rows import Value, decoded, exactly, legible
from app.services.records.stored_times import epoch_of
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, PLANNING_ARTIFACTS, PLANNING_RUNS, UNDONE
from app.services.runs.statuses import EVENTS, PHASES, newest_first
from app.services.text import readable
from models.engine import Database
from models.schema import StoredTable, StoredTables
from models.status import GOES_ON, AuditEvent, ReviewVerdict, RunStatus


class Teller(Protocol):
    """An entry or a notification: what it says, as JSON has it, and when."""

    @property
    def said(self) -> Any: ...

    @property
    def created_at(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Pivot:
    """The `number`th change of direction: when that was first told, and in which phase."""

    number: int
    at: int
    phase: str = ""


def pivots_of(run: Record, tellers: Iterable[Teller]) -> tuple[Pivot, ...]:
    """Those that an entry or a notification tells of: where the number that it gives is greater than all
    before. Or else those that the run has in its metadata or config, as a list `pivots` with their times.
    """
    told = [
        (at, number, one.said.get("phase"))
        for one in tellers
        if isinstance(one.said, dict)
        and (at := epoch_of(one.created_at)) is not None
        and type(number := one.said.get("pivotCount")) is int
    ]
    if not told:
        kept = sorted(_kept_pivots(run), key=itemgetter(0))
        told = [(at, number, phase) for number, (at, phase) in enumerate(kept, 1)]
    found = list[Pivot]()
    for at, number, phase in sorted(told, key=itemgetter(0, 1)):
        if number > (found[-1].number if found else 0):
            found.append(Pivot(number, at, phase if isinstance(phase, str) else ""))
    return tuple(found)


_WHEN: Final = ("at", "timestamp", "createdAt", "created_at")


def _kept_pivots(run: Record) -> Iterator[tuple[int, Any]]:
    for stored in (run.unknown.get("metadata"), run["config"]):
        try:
            said = json.loads(stored) if isinstance(stored, str) else None
        except (ValueError, RecursionError):
            continue
        listed = said.get("pivots") if isinstance(said, dict) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict):
                times = (epoch_of(one.get(name)) for name in _WHEN)
                if (at := next((at for at in times if at is not None), None)) is not None:
                    yield at, one.get("phase")


MOST_ABOUT: Final = 200
"""Entries, and notifications, that are read with a run unless more are asked for: the newest."""

ALL_ABOUT: Final = 10_000
"""And that are read of them at most."""

_NOTE_COLUMNS: Final = ("id", "type", "title", "message", "created_at", "metadata")
_CUT: Final = ("title", "message", "metadata")
_LONGEST: Final = 2_000
_NO_VERDICT: Final = (None, "")
_ENDS: Final = frozenset({RunStatus.COMPLETED, RunStatus.KILLED, RunStatus.CANCELLED})
"""What a run is that has ended by itself, or was ended: one that is deleted had ended, or had not."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """A notification that names a run; its text is cut. `said` is its metadata."""

    note_id: Any
    type: str
    title: str
    message: str
    created_at: Any
    said: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RunStory:
    """A run and all that is stored about it, from one snapshot, the newest first. `artifacts` is None where
    the file has no such table; `entries` and `notes` are None where nobody has looked for them, and `most` of
    each were asked for.
    """

    run: Record
    artifacts: tuple[Record, ...] | None
    entries: tuple[PastEntry, ...] | None = None
    notes: tuple[RunNote, ...] | None = None
    most: int = MOST_ABOUT

    @property
    def tellers(self) -> "list[PastEntry | RunNote]":
        """What there is of both."""
        return [*(self.entries or ()), *(self.notes or ())]

    @property
    def may_be_more(self) -> bool:
        """Whether there may be older entries or notifications than those that were read."""
        return self.most in (len(self.entries or ()), len(self.notes or ()))


class Spent(Enum):
    """What a time was spent on."""

    APPROVED = auto()
    """Work on a version that the review approved."""
    SENT_BACK = auto()
    """Work on one that it did not, or that a newer one has replaced."""
    REJECTED = auto()
    """Work on the newest one, which it turned down for good."""
    UNJUDGED = auto()
    """Work on one without a verdict, or with one that is not known."""
    RUNNING = auto()
    """Work that goes on."""
    WAITING = auto()
    """For a person's approval."""
    IN_REVIEW = auto()
    """For the verdict on what was produced: nobody works on the phase."""
    ENDED = auto()
    """Nothing: the run had ended, before it was brought back."""


_WAITED: Final = frozenset({Spent.WAITING, Spent.IN_REVIEW})
IDLE: Final = _WAITED | {Spent.ENDED}
"""What is not worked."""


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

    `worked` and `waited` are seconds, each of which counts once, whatever was stored in it; None where a time
    that belongs to it is not known. `is_current`: the run says that it is in it, and goes on or waits;
    `is_paused` where it waits. `ended_as` is the status that ended the run in it, which had produced nothing.
    """

    phase: str
    versions: tuple[PhaseVersion, ...]
    spans: tuple[TimeSpan, ...]
    worked: int | None
    waited: int
    is_current: bool
    is_paused: bool = False
    ended_as: str = ""

    @property
    def is_reached(self) -> bool:
        return bool(self.versions or self.spans or self.is_current or self.ended_as)

    @property
    def newest(self) -> PhaseVersion | None:
        return self.versions[-1] if self.versions else None

    @property
    def in_review(self) -> bool:
        return self.is_current and self.newest is not None and self.newest.verdict in _NO_VERDICT

    @property
    def sent_back(self) -> int:
        return sum(one.spent is Spent.SENT_BACK for one in self.versions)


@dataclass(frozen=True, slots=True)
class RunTimeline:
    """The platform's phases, then those of the run that it does not know. `began` to `until` is what there is
    to draw, None where no time is known; `pivots` are those of which is known when. `ended` is when what has
    ended did: by the entry that says so, else with what it produced last; None where neither is known.
    """

    phases: tuple[PhaseLine, ...]
    pivots: tuple[Pivot, ...]
    began: int | None
    until: int | None
    goes_on: bool
    waits: bool
    done: int
    """Phases, as `phases_done` counts them."""
    is_told: bool = True
    """Whether the file has artifacts, which tell what a run has reached."""
    ended: int | None = None
    is_until_now: bool = True
    """Of one that has not ended, whether it is drawn up to now: not where nothing tells what it did."""

    @property
    def now(self) -> int | None:
        """What is drawn as now, if it is."""
        return self.until if self.is_until_now and (self.goes_on or self.waits) else None

    @property
    def current(self) -> PhaseLine | None:
        return next((line for line in self.phases if line.is_current), None)


def read(
    database: Database, run_id: Value, *, among: int = LOOKED_THROUGH, most: int = MOST_ABOUT
) -> RunStory:
    """The run with the newest about it, `most` of each kind among so many entries and notifications (0: none
    are looked at), by one batch. Raises `NotFound` and `TableMissing`.
    """
    return read_several(database, [run_id], among=among, most=most)[0]


def read_told(
    database: Database,
    run_id: Value,
    *,
    clock: Callable[[], int],
    among: int = LOOKED_THROUGH,
    most: int = MOST_ABOUT,
) -> tuple[RunStory, RunTimeline]:
    """The same, and what it comes to when it has been read; takes time of its length."""
    story = read(database, run_id, among=among, most=most)
    return story, timeline(story, clock())


def read_several(
    database: Database, run_ids: Sequence[Value], *, among: int = LOOKED_THROUGH, most: int = MOST_ABOUT
) -> list[RunStory]:
    """The same of several runs, by one batch, too: the entries and notifications are looked through once for
    all of them, and `most` for each, together, are read.
    """
    named = [found for found in map(Named.of, run_ids) if found is not None] if among else []
    at_most = most * len(run_ids)

    def about(tables: StoredTables) -> list[BaseQuery]:
        if not named:
            return []
        entries = newest_naming(tables.get(AUDIT_CHAIN.name), named, among, at_most)
        notes = _notes(tables.get(NOTIFICATIONS.name), [one.record_id for one in named], among, at_most)
        return [one for one in (entries, notes) if one is not None]

    found, rows = read_records_beside(
        database, (PLANNING_RUNS, run_ids), (PLANNING_ARTIFACTS, "run_id"), about
    )
    tables = database.last_read[1] if database.last_read else {}
    has_entries = bool(named) and newest_naming(tables.get(AUDIT_CHAIN.name), named, among, 1) is not None
    entries = rows.pop(0) if has_entries and rows else []
    notes = [_note(row) for row in (rows[0] if rows else ())]
    stories = []
    for run_id, (run, artifacts) in zip(run_ids, found, strict=True):
        story = RunStory(run, None if artifacts is None else tuple(sorted(artifacts, key=newest_first)))
        if among and (of := Named.of(run_id)) is not None:
            own = tuple(note for names, note in notes if names == of.record_id)
            story = replace(story, entries=tuple(entries_of(entries, of)), notes=own, most=most)
        stories.append(story)
    return stories


def _notes(stored: StoredTable | None, run_ids: Sequence[str], among: int, most: int) -> Query | None:
    if stored is None or "metadata" not in stored.names:
        return None
    source = Source(stored.name)
    there = set(stored.names)
    names = value_of(NOTIFICATIONS.column("names_run"), source)
    cells: list[Any] = [exactly(names)]
    cells += [
        exactly(fn.substr(Column(source, name), 1, _LONGEST) if name in _CUT else
                Column(source, name)) if name in there else SQL("NULL")
        for name in _NOTE_COLUMNS
    ]  # fmt: skip
    has_one = reduce(or_, (fn.instr(Column(source, "metadata"), run_id) > 0 for run_id in run_ids))
    query = source.select(*cells).where(has_one & names.in_(run_ids)).limit(most)
    if stored.rowid is None:
        return query
    newest = Source(stored.name).alias("newest")
    highest = fn.COALESCE(newest.select(fn.MAX(Column(newest, stored.rowid))), 0)
    rowid = Column(source, stored.rowid)
    return query.where(rowid > highest - among).order_by(rowid.desc())


def _note(row: Sequence[Any]) -> tuple[str, RunNote]:
    """With the run that it names."""
    run_id, key, kind, title, message, at, metadata = (legible(decoded(cell)) for cell in row)
    note = RunNote(key, readable(kind), readable(title), readable(message), at)
    with suppress(ValueError, RecursionError):
        note = replace(note, said=json.loads(str(metadata)))
    return str(run_id), note


def _open_phase(run: Record) -> str:
    """The phase that a run which goes on, or waits, is in."""
    is_open = run["status"] in GOES_ON or run["status"] == RunStatus.PAUSED
    return run.text("current_phase") if is_open else ""


def phases_done(run: Record, artifacts: Iterable[Record]) -> tuple[int, int]:
    """How many phases of a run are done, and of how many: those that have produced something which was
    approved, or which it went on from. It did not go on from what it is in, or was in when somebody ended it;
    where it does not say that, from nothing without a verdict. Of the platform's, and what else there is. The
    newest of the `artifacts` of a phase comes first.
    """
    verdicts: dict[str, Any] = {}
    for one in artifacts:
        verdicts.setdefault(one.text("phase"), one["review_verdict"])
    current, last = _open_phase(run), run.text("current_phase")
    is_completed = run["status"] == RunStatus.COMPLETED

    def is_done(phase: str, verdict: Any) -> bool:
        if verdict == ReviewVerdict.APPROVED:
            return True
        if verdict in _NO_VERDICT:
            return is_completed or phase != last != ""
        return phase != (current or (last if verdict == ReviewVerdict.REVISE else ""))

    done = sum(is_done(phase, verdict) for phase, verdict in verdicts.items())
    return done, len({*PHASES, *verdicts, *([current] if current else [])})


def timeline(story: RunStory, now: int) -> RunTimeline:
    """What the story comes to at `now`; takes time of the story's length."""
    run, artifacts = story.run, [*(story.artifacts or ())]
    goes_on, waits = run["status"] in GOES_ON, run["status"] == RunStatus.PAUSED
    entries = sorted(story.entries or (), key=lambda entry: entry.seq)
    by_phase: dict[str, list[Record]] = {phase: [] for phase in PHASES}
    for one in sorted(artifacts, key=lambda one: one.text("phase")):
        by_phase.setdefault(one.text("phase"), []).append(one)
    open_phase = _open_phase(run)
    is_open = bool(open_phase)
    ended_at = None if is_open else _ended_at(story)
    is_by_itself = run["status"] == RunStatus.COMPLETED and ended_at is None
    last_phase = open_phase or ("" if is_by_itself else run.text("current_phase"))
    if last_phase:
        by_phase.setdefault(last_phase, [])
    made = epoch_of(run["created_at"])
    stored = {id(one): epoch_of(one["created_at"]) for one in artifacts}
    known = sorted({at for at in (*stored.values(), made) if at is not None})
    paused = _pauses(entries, now if waits else None, known)
    is_known = any(one.spent is Spent.WAITING and one.ended == now for one in paused)
    if waits and not is_known and (changed := epoch_of(run["updated_at"])) is not None:
        since = max(changed, *known[-1:])  # when its row was changed last, it was paused
        paused += [TimeSpan(Spent.WAITING, since, now)] if since < now else []
    dispatched, judged = _dispatched(entries), _judged(story)
    verdicts = sorted(at for times in judged.values() for at in times)
    until = now if is_open else ended_at or now
    past = [times[n - 1] for times in (known, verdicts) if (n := bisect_right(times, until))]
    since = max(past, default=until)
    lines = []
    for phase, sorted_artifacts in by_phase.items():
        own, told = sorted_artifacts[::-1], (dispatched.get(phase, []), verdicts)
        versions = tuple(_version(one, stored[id(one)], known, told, is_newest=one is own[-1]) for one in own)
        reviews = _reviews(versions, judged.get(phase, []))
        ongoing = None
        judged_at = {one.began for one in reviews}
        waiting = [one for one in versions[-1:] if one.verdict in _NO_VERDICT and one.ended not in judged_at]
        if phase == open_phase:
            is_told = bool(paused) and paused[-1].ended == now  # until then it was at work
            is_idle = waits and not is_told
            ongoing = Spent.WAITING if is_idle else Spent.IN_REVIEW if waiting else Spent.RUNNING
        was_last = phase == last_phase and not is_open
        is_cut = was_last and not versions
        doing = Spent.UNJUDGED if is_cut else Spent.IN_REVIEW if was_last and waiting else ongoing
        line = _line(phase, versions, paused, (doing, since, until), reviews=reviews)
        ended_as = run.text("status") if is_cut else ""
        is_paused = waits and ongoing is not None
        lines.append(replace(line, is_current=ongoing is not None, is_paused=is_paused, ended_as=ended_as))
    times = [at for line in lines for span in line.spans for at in (span.began, span.ended)]
    times += [at for at in (made,) if at is not None]
    return RunTimeline(
        tuple(lines),
        pivots_of(story.run, story.tellers),
        min(times, default=None),
        max(times, default=None),
        goes_on,
        waits,
        phases_done(run, story.artifacts or ())[0],
        is_told=story.artifacts is not None,
        ended=None if goes_on or waits else _ended(story, lines),
        is_until_now=max(times, default=None) == now,
    )


def _ended(story: RunStory, lines: Iterable[PhaseLine]) -> int | None:
    last = max((one.ended for line in lines for one in line.versions if one.ended is not None), default=None)
    status = story.run["status"]
    is_known = status in _ENDS or (status == RunStatus.DELETED and entry_behind(story.entries or (), status))
    return (_ended_at(story) if is_known else None) or last


def _ended_at(story: RunStory) -> int | None:
    """When somebody ended it, by the entry, or else by the row, unless that was changed since. What had ended
    before it was deleted ended then.
    """
    entries, status = story.entries or (), story.run["status"]
    told = entry_behind(entries, status)
    if told is not None and status == RunStatus.DELETED and (before := _was(told)) in _ENDS:
        told = entry_behind([one for one in entries if one.seq < told.seq], before)
        return epoch_of(told.created_at) if told is not None else None
    if told is not None:
        return epoch_of(told.created_at)
    is_as_it_was = all(one.event_type != AuditEvent.RUN_RESTORED for one in entries)
    return epoch_of(story.run["updated_at"]) if is_as_it_was and status != RunStatus.COMPLETED else None


def entry_behind(entries: Sequence[PastEntry], status: object) -> PastEntry | None:
    """The entry that tells how a run came to a status that it has now, of those about it that still hold, the
    newest first.
    """
    wanted = EVENTS.get(RunStatus(str(status))) if status in set(RunStatus) else None
    holds = StillHolds()
    for one in entries:
        undone = one.said.get(UNDONE) if isinstance(one.said, dict) else None
        if holds(one.event_type, undone) and one.event_type == wanted:
            return one
    return None


def _version(
    artifact: Record,
    ended: int | None,
    known: Sequence[int],
    told: tuple[Sequence[int], Sequence[int]],
    *,
    is_newest: bool,
) -> PhaseVersion:
    """`known` is when something was stored; `told` when its phase was dispatched, and when there was a
    verdict on any, each in order.
    """
    verdict = artifact["review_verdict"]
    if not is_newest or verdict == ReviewVerdict.REVISE:
        spent = Spent.SENT_BACK
    elif verdict == ReviewVerdict.REJECTED:
        spent = Spent.REJECTED
    else:
        spent = Spent.APPROVED if verdict == ReviewVerdict.APPROVED else Spent.UNJUDGED
    if ended is None:
        return PhaseVersion(artifact, spent, None, None)
    place = bisect_left(known, ended)
    before = known[place - 1] if place else None
    dispatched, verdicts = told
    last = [dispatched[n - 1] for n in [bisect_right(dispatched, ended)] if n]
    last += [verdicts[n - 1] for n in [bisect_left(verdicts, ended)] if n]
    began = max((at for at in last if at >= (before or 0)), default=before)
    return PhaseVersion(artifact, spent, began, ended)


def _reviews(versions: Sequence[PhaseVersion], judged: Sequence[int]) -> list[TimeSpan]:
    """How long each version of a phase waited for the verdict on it; `judged` is when there was one."""
    found = list[TimeSpan]()
    for one, after in zip(versions, [*versions[1:], None], strict=False):
        if one.ended is None:
            continue
        place = bisect_right(judged, one.ended)
        until = None if after is None else after.ended
        if place < len(judged) and (until is None or judged[place] <= until):
            found.append(TimeSpan(Spent.IN_REVIEW, one.ended, judged[place], one.version))
    return found


def _line(
    phase: str,
    versions: tuple[PhaseVersion, ...],
    paused: Sequence[TimeSpan],
    doing: tuple[Spent | None, int, int],
    *,
    reviews: Sequence[TimeSpan],
) -> PhaseLine:
    """`doing` is what the phase does now, since when and until now."""
    ongoing, since, now = doing
    spans = [part for one in reviews for part in _without(one, paused)]
    for one in versions:
        if one.began is not None and one.ended is not None:
            spans += _without(TimeSpan(one.spent, one.began, one.ended, one.version), paused)
    if ongoing is not None and since < now:
        spans += _without(TimeSpan(ongoing, since, now), paused)
    spans.sort(key=lambda span: (span.began, span.ended))
    unknown = any(one.began is None for one in versions)
    worked = _took(span for span in spans if span.spent not in IDLE)
    waited = _took(span for span in spans if span.spent in _WAITED)
    return PhaseLine(phase, versions, tuple(spans), None if unknown else worked, waited, ongoing is not None)


def _took(spans: Iterable[TimeSpan]) -> int:
    """How long these took together, which are in the order in which they began: what several have in common
    counts once.
    """
    total, until = 0, 0
    for span in spans:
        total += max(0, span.ended - max(span.began, until))
        until = max(until, span.ended)
    return total


def _without(span: TimeSpan, paused: Sequence[TimeSpan]) -> list[TimeSpan]:
    """The span in parts: while the run was paused it waited, and while it had ended it did nothing."""
    if span.spent is Spent.WAITING:
        return [span]
    parts, at = list[TimeSpan](), span.began
    for pause in paused:
        first, last = max(pause.began, at), min(pause.ended, span.ended)
        if first >= last:
            continue
        if first > at:
            parts.append(TimeSpan(span.spent, at, first, span.version))
        parts.append(TimeSpan(pause.spent, first, last, span.version))
        at = last
    if at < span.ended or not parts:
        parts.append(TimeSpan(span.spent, at, span.ended, span.version))
    return parts


def _pauses(entries: Iterable[PastEntry], until: int | None, known: Sequence[int]) -> list[TimeSpan]:
    """When the run was paused, as the entries say; the last one up to now. One whose beginning nobody
    recorded began at the latest when something was stored last, of which the times are `known`. And when it
    had ended, before it was brought back.
    """
    found, since, ended = list[TimeSpan](), None, None
    for entry in entries:
        at = epoch_of(entry.created_at)
        if at is None:
            continue
        if ended is not None and _is_back(entry):
            found.append(TimeSpan(Spent.ENDED, ended, at))
            ended = None
        if entry.event_type == AuditEvent.RUN_PAUSED:
            since = at if since is None else since
        elif entry.event_type in _ENDS_PAUSE:
            if since is None and _was(entry) == RunStatus.PAUSED:
                place = bisect_right(known, at)
                since = known[place - 1] if place else None
            if since is not None:
                found.append(TimeSpan(Spent.WAITING, since, at))
            since = at if _was(entry, "to") == RunStatus.PAUSED else None  # as it may be when it is restored
            if entry.event_type in _ENDINGS:
                ended = at if ended is None else ended
    if since is not None and until is not None:
        found.append(TimeSpan(Spent.WAITING, since, until))
    return [one for one in found if one.began < one.ended]


def _was(entry: PastEntry, end: str = "from") -> str | None:
    """The status before a change of it, as the entry says; or with "to" the one after it."""
    try:
        said = entry.said["changes"]["status"][end]
    except (TypeError, KeyError):
        return None
    return said if isinstance(said, str) else None


def _is_back(entry: PastEntry) -> bool:
    """Whether a run that had ended goes on by it, or waits."""
    becomes = _was(entry, "to")
    if becomes is None:
        return entry.event_type in {AuditEvent.RUN_PAUSED, AuditEvent.RUN_RESUMED}
    return becomes in {*GOES_ON, RunStatus.PAUSED} and entry.event_type in _STATUS_EVENTS


_ENDINGS: Final = frozenset(
    {AuditEvent.RUN_CANCELLED, AuditEvent.RUN_KILLED, AuditEvent.RUN_DELETED, AuditEvent.RUN_COMPLETED}
)
_ENDS_PAUSE: Final = _ENDINGS | {AuditEvent.RUN_RESUMED, AuditEvent.RUN_RESTORED}
_STATUS_EVENTS: Final = _ENDS_PAUSE | {AuditEvent.RUN_PAUSED}


def _dispatched(entries: Iterable[PastEntry]) -> dict[str, list[int]]:
    """When the workflow was dispatched for each phase, in order."""
    found: dict[str, list[int]] = {}
    for entry in entries:
        if entry.event_type == AuditEvent.WORKFLOW_DISPATCHED and isinstance(entry.said, dict):
            at, phase = epoch_of(entry.created_at), entry.said.get("phase")
            if at is not None and isinstance(phase, str):
                found.setdefault(phase, []).append(at)
    return {phase: sorted(times) for phase, times in found.items()}


def _judged(story: RunStory) -> dict[str, list[int]]:
    """When there was a verdict on something of each phase, as entries and notifications tell it, in order."""
    found: dict[str, set[int]] = {}
    for one in story.tellers:
        said = one.said if isinstance(one.said, dict) else {}
        phase, verdict, at = said.get("phase"), said.get("verdict"), epoch_of(one.created_at)
        if isinstance(phase, str) and isinstance(verdict, str) and verdict and at is not None:
            found.setdefault(phase, set()).add(at)
    return {phase: sorted(times) for phase, times in found.items()}
