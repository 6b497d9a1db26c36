"""Planning runs: what they produced, and the status changes an administrator may make.

What is done to a run is recorded in the chain of its tenant, where the file gives it one, else of `system`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan
from operator import itemgetter
from typing import Any, Final

from peewee import SQL, BaseQuery, Case, fn

from app.services import text
from app.services.chain.append import Event, unknown_tenant
from app.services.records import writing
from app.services.records.applying import NONE_LEFT, Left, require_some, those_that_can
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.record import Record, read_record, read_record_with
from app.services.records.rows import Image, StoredRow, Value, shown
from app.services.records.stored_times import epoch_of
from app.services.records.tables import NAMES_RUN, PLANNING_ARTIFACTS, PLANNING_RUNS
from models import engine, errors, schema
from models.status import GOES_ON, SYSTEM_TENANT, AuditEvent, Phase, RunStatus
from models.tables import AuditEntry

_KNOWN = frozenset(map(str, RunStatus))
_WORD: Final = re.compile(r"[\w][\w -]{0,39}")
"""What a status is that another program gives."""
PHASES: tuple[str, ...] = tuple(Phase)
STATUSES: tuple[str, ...] = tuple(status for status in RunStatus if status is not RunStatus.ACTIVE)
"""Those of the platform's document."""

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.RUNNING: frozenset(
        {RunStatus.PAUSED, RunStatus.CANCELLED, RunStatus.KILLED, RunStatus.COMPLETED}
    ),
    RunStatus.PAUSED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.KILLED}),
}
TRANSITIONS[RunStatus.ACTIVE] = TRANSITIONS[RunStatus.RUNNING]
"""What may follow what, beside deleting and restoring, which are always possible."""

FULL: Final = 100.0
"""The best score of the platform's document."""
_PLANNERS_FULL: Final = 10.0
"""The best one of its planning machine."""

_VERDICT: Final = "kill_verdict"

LONGEST_REASON: Final = 300
_LONGEST_VERDICT: Final = 1000
"""Characters of an older verdict that the entry about the one in its place repeats."""

EVENTS = {
    RunStatus.RUNNING: AuditEvent.RUN_RESUMED,
    RunStatus.ACTIVE: AuditEvent.RUN_RESUMED,
    RunStatus.PAUSED: AuditEvent.RUN_PAUSED,
    RunStatus.COMPLETED: AuditEvent.RUN_COMPLETED,
    RunStatus.KILLED: AuditEvent.RUN_KILLED,
    RunStatus.CANCELLED: AuditEvent.RUN_CANCELLED,
    RunStatus.DELETED: AuditEvent.RUN_DELETED,
}
"""The entry that tells how a run came to a status, unless it was restored."""
_STATUS_EVENTS = tuple({*EVENTS.values(), AuditEvent.RUN_RESTORED})


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its artifacts, by phase in running order, the newest version of a phase first.

    Of an artifact's content there is only its length. `artifacts` is None where the file has no such table.
    """

    run: Record
    artifacts: tuple[Record, ...] | None


def get(database: engine.Database, run_id: str) -> RunDetail:
    """The run and its artifacts. Raises `NotFound`."""
    run, found = read_record_with(database, PLANNING_RUNS, run_id, PLANNING_ARTIFACTS, "run_id")
    return RunDetail(run, None if found is None else tuple(sorted(found, key=newest_first)))


def idea_of(database: engine.Database, run_id: str) -> str | None:
    """What the run is about; None where the file has no such run."""
    try:
        return read_record(database, PLANNING_RUNS, run_id).text("idea")
    except (errors.NotFound, errors.TableMissing):
        return None


def newest_first(artifact: Record) -> tuple[int, str, float, float]:
    """Sorts artifacts by phase, and those of a phase by version, then time; versions that are no number come
    last.
    """
    phase, version = artifact.text("phase"), artifact["version"]
    number = version if isinstance(version, int | float) and not isnan(version) else -inf
    return *_place(phase), -number, -(epoch_of(artifact["created_at"]) or 0)


def full_score(highest: float) -> float:
    """The best score that there is where this is the highest one given: the planning machine's up to ten."""
    return _PLANNERS_FULL if highest <= _PLANNERS_FULL else FULL


def in_running_order(phases: Iterable[str]) -> list[str]:
    """Each of them once; those that the platform does not know come last."""
    return sorted({*phases}, key=_place)


def _place(phase: str) -> tuple[int, str]:
    return PHASES.index(phase) if phase in PHASES else len(PHASES), phase


def status_words(status: object) -> str:
    """A status within a sentence, be it one or not."""
    return text.readable(status) or "without a status"


def allowed(status: str) -> frozenset[RunStatus]:
    if status == RunStatus.DELETED:
        return frozenset()
    following = TRANSITIONS.get(RunStatus(status), frozenset()) if status in _KNOWN else frozenset()
    return following | {RunStatus.DELETED}


def accepted(database: engine.Database) -> frozenset[RunStatus]:
    """The statuses that the file's own rules let a run have, as they are stored."""
    return frozenset(map(RunStatus, database.accepted(PLANNING_RUNS.name, "status", tuple(RunStatus))))


def taken(accepted: frozenset[RunStatus]) -> frozenset[RunStatus]:
    """Those that a run can be given, where one that is called active counts as running."""
    return accepted | ({RunStatus.RUNNING} if RunStatus.ACTIVE in accepted else set())


def offered(accepted: frozenset[RunStatus]) -> tuple[str, ...]:
    """Those that a list can be narrowed to: of a file that takes every one, those of the document."""
    is_free = len(accepted) == len(RunStatus)
    return (
        STATUSES if is_free else tuple(status for status in (*GOES_ON, *STATUSES[1:]) if status in accepted)
    )


def has_tenants(database: engine.Database) -> bool:
    stored, _ = schema.read_stored(database, lambda tables: ())
    table = stored.get(PLANNING_RUNS.name)
    return table is not None and PLANNING_RUNS.has_tenants(table)


def cannot_record(database: engine.Database) -> str | None:
    """Why nothing can be done to runs that have no tenants."""
    return unknown_tenant(database, SYSTEM_TENANT)


def valid_reason(value: str) -> str:
    """Why something is done to a run, in one line, which may be empty. Raises `InvalidInput`."""
    return text.single_line("reason", "The reason", value, longest=LONGEST_REASON, required=False)


@writing.act
def set_status(
    images: Images,
    run_ids: Sequence[str],
    status: RunStatus,
    reason: str = "",
    others: Left = NONE_LEFT,
    *,
    actor: str,
    now: int,
) -> Change:
    """Gives the runs another status. Of several, those for which this does not apply are left alone, which it
    says, with the `others` that were left before it was asked for. The audit entries say the `reason`, which
    of a run that is killed is its verdict as well, where the file has those.

    Raises `NothingToDo` where all have it, `NotAllowed` where it applies to none of the others, and
    `InvalidInput`.
    """
    status, reason = RunStatus(status), valid_reason(reason)
    gives_verdict = status is RunStatus.KILLED and bool(reason)
    found = _found(images, run_ids, *([_VERDICT] if gives_verdict else []))
    same = GOES_ON if status is RunStatus.RUNNING else {status}

    def why_not(row: StoredRow) -> str | None:
        there = str(row.shown("status"))
        if there in same:
            return f"already {there}"
        return None if status in allowed(there) else status_words(row.shown("status"))

    rows, left = those_that_can(found, images.wanted, why_not, short_idea)
    if not rows and not all(row["status"] in same for row in found):
        is_now = status_words(found[0].shown("status"))
        one = f"“{short_idea(found[0])}” is {is_now}; it cannot become {status}."
        said = f"None of the {len(found):,} runs can become {status}: {left.why}."
        raise errors.NotAllowed(f"{one if len(found) == 1 else said} Nothing was changed.")
    require_some(rows, left, f"Already {status}.")
    if status is RunStatus.RUNNING and status not in images.accepted(PLANNING_RUNS.name, "status", GOES_ON):
        status = RunStatus.ACTIVE
    word = "resumed" if status in GOES_ON else status
    changed = _change(images, [(row, status) for row in rows], word, reason=reason, actor=actor, now=now)
    return replace(changed, left=others.and_also(left).told)


@writing.act
def restore(
    images: Images,
    run_ids: Sequence[str],
    reason: str = "",
    others: Left = NONE_LEFT,
    *,
    actor: str,
    now: int,
) -> Change:
    """Takes back the soft deletion: each run gets the status it had before, and the entries say the `reason`.

    The audit chain says which that was; where it does not (deleted by the platform, or pruned since), the
    run becomes paused, in which nothing goes on until somebody decides. Of several, those that are not
    deleted are left alone, which it says, with the `others`. Raises `NothingToDo` where none is.
    """
    reason = valid_reason(reason)
    images.soon = [_status_entries([shown(run_id) for run_id in run_ids])]
    found = _found(images, run_ids)

    def why_not(row: StoredRow) -> str | None:
        return None if row["status"] == RunStatus.DELETED else "not deleted"

    rows, left = those_that_can(found, images.wanted, why_not, short_idea)
    alone = f"“{short_idea(found[0])}” is not deleted." if len(found) == 1 else "None of them is deleted."
    require_some(rows, left, alone)
    known = _statuses_before(images, rows)
    given = _that_are_taken(images, [(row, status or RunStatus.PAUSED) for row, status in known])
    guessed = sum(status is None for _, status in known)
    change = _change(images, given, "restored", reason=reason, actor=actor, now=now)
    becomes = _becomes([status for _, status in given], guessed)
    return replace(change, left=f"{becomes}{others.and_also(left).told}")


def _becomes(statuses: Sequence[str], guessed: int) -> str:
    """What runs that are restored are then, behind a summary, and of how many of them nothing told it."""
    counts = Counter(statuses)
    named = ", ".join(f"{count:,} {status}" for status, count in counts.most_common(3))
    rest = len(statuses) - sum(count for _, count in counts.most_common(3))
    words = named if len(counts) > 1 else next(iter(counts))
    of = "nothing tells" if guessed == len(statuses) else f"of {guessed:,} nothing tells"
    what = "it was" if guessed == 1 else "they were"
    return f", {words}{f', {rest:,} others' if rest else ''}{f'; {of} what {what}' if guessed else ''}"


def _found(images: Images, run_ids: Sequence[str], *more: str) -> list[StoredRow]:
    images.chains = (SYSTEM_TENANT,)
    only = ("status", "idea", "tenant_id", *more)
    return images.found(PLANNING_RUNS.name, run_ids, "planning run", only=only)


def chain_of(row: StoredRow) -> str:
    """The tenant in whose chain it is recorded. Raises as `StoredRow.tenant` does."""
    return SYSTEM_TENANT if row.image.get("tenant_id") is None else row.tenant


def _statuses_before(images: Images, rows: Sequence[StoredRow]) -> list[tuple[StoredRow, str | None]]:
    """What each was before it was deleted; None where nothing tells."""
    if not images.has_chain:
        return [(row, None) for row in rows]
    ids = [row.shown("id") for row in rows]
    (found,) = images.read([_status_entries(ids)])
    latest: dict[tuple[Any, ...], tuple[Any, ...]] = {
        (tenant, type(run), run): (seq, event, payload) for tenant, run, event, payload, seq in found
    }
    before = list[tuple[StoredRow, str | None]]()
    for row, run in zip(rows, ids, strict=True):
        chains = {chain_of(row), SYSTEM_TENANT}
        entries = [latest[at] for chain in chains if (at := (chain, type(run), run)) in latest]
        before.append((row, _status_before(*max(entries, key=itemgetter(0), default=(0, "", ""))[1:])))
    return before


def _that_are_taken(images: Images, before: Sequence[tuple[StoredRow, str]]) -> list[tuple[StoredRow, str]]:
    """Paused where the file's own rules do not let a run have the status that it had."""
    taken = images.accepted(PLANNING_RUNS.name, "status", sorted({status for _, status in before}))
    return [(row, status if status in taken else RunStatus.PAUSED) for row, status in before]


def _status_entries(run_ids: Sequence[object]) -> BaseQuery:
    """What finds in each chain the latest entry about the status of each run, by its id as entries have it:
    where that is not about its deletion, nobody knows how it became deleted. All of them by one look through
    the entries.
    """
    said = Case(None, [(fn.json_valid(AuditEntry.payload), AuditEntry.payload)])
    run = fn.json_extract(said, f"$.{NAMES_RUN}")
    entries = AuditEntry.select(
        AuditEntry.tenant_id, run, AuditEntry.event_type, AuditEntry.payload, fn.MAX(AuditEntry.seq)
    ).where(
        AuditEntry.event_type.in_(_STATUS_EVENTS),
        run.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(run_ids)])),
    )
    # Of the row with the highest number are the other columns, too (sqlite.org/lang_select.html#bareagg).
    return entries.group_by(AuditEntry.tenant_id, run).tuples()


def _status_before(event: str, payload: str) -> str | None:
    """What the entry about the deletion says, be it a status of the platform's or not; None where there is
    none that can be read, or it was no word.
    """
    try:
        status = json.loads(payload)["changes"]["status"]["from"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_word = isinstance(status, str) and _WORD.fullmatch(status) is not None
    is_told = event == AuditEvent.RUN_DELETED and is_word and status != RunStatus.DELETED
    return status if is_told else None


def _change(
    images: Images, wanted: Sequence[tuple[StoredRow, str]], word: str, *, reason: str, actor: str, now: int
) -> Change:
    what = writing.named([row for row, _ in wanted], "run", lambda row: f"“{short_idea(row)}”")
    changes = [(row, _values(row, status, reason)) for row, status in wanted]
    return Change(
        summary=f"{what} {word}",
        rows=tuple(images.changed(row, values, now) for row, values in changes),
        events=tuple(_event(row, row.image, values, actor, reason=reason) for row, values in changes),
        inverse_events=tuple(_event(row, values, row.image, actor) for row, values in changes),
    )


def _values(row: StoredRow, status: str, reason: str) -> Image:
    """A verdict is given where it was read for that, which a file without verdicts has not."""
    has_verdict = status == RunStatus.KILLED and reason and _VERDICT in row.image
    return {"status": str(status), **({_VERDICT: reason} if has_verdict else {})}


def _kind(before: Image, after: Image) -> AuditEvent:
    """What a change from one status to another is called."""
    was, becomes = shown(before.get("status")), shown(after.get("status"))
    return AuditEvent.RUN_RESTORED if was == RunStatus.DELETED else EVENTS[RunStatus(str(becomes))]


def _event(row: StoredRow, before: Image, after: Image, actor: str, *, reason: str = "") -> Event:
    """What tells of a change between two images, of which one has just what changes. Its kind is that of the
    status the run has then.
    """
    changes: dict[str, Any] = {
        "status": {"from": shown(before.get("status")), "to": shown(after.get("status"))}
    }
    if _VERDICT in before and _VERDICT in after:
        changes["killVerdict"] = {"from": _told(before[_VERDICT]), "to": _told(after[_VERDICT])}
    payload: dict[str, Any] = {
        "actor": actor,
        "runId": row.shown("id"),
        "changes": changes,
        **({"reason": reason} if reason else {}),
    }
    return Event(chain_of(row), _kind(before, after), payload)


def _told(verdict: Value) -> Any:
    found = shown(verdict)
    return found[:_LONGEST_VERDICT] if isinstance(found, str) else found


def short_idea(row: StoredRow) -> str:
    idea = " ".join(str(row.shown("idea") or row.shown("id")).split())
    return idea if len(idea) <= 60 else f"{idea[:59]}…"
