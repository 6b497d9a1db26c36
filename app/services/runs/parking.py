"""Ideas put aside, to be looked at again, and runs that a person begins: of a parked idea, of another run's,
or of one that is new.

What is done is recorded in the chain of the tenant whose run it is about, else of `system`.
"""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from peewee import BaseQuery

from app.services import text
from app.services.chain.append import Event
from app.services.chain.rules import in_unit_of, seconds
from app.services.records import writing
from app.services.records.change import Change
from app.services.records.images import STAMPS, Images
from app.services.records.list_query import ListQuery, Statements
from app.services.records.references import removal
from app.services.records.rows import Image, StoredRow, Value, decoded, exactly, is_number, legible, shown
from app.services.records.tables import PLANNING_PARKED_IDEAS, PLANNING_RUNS
from app.services.runs.statuses import chain_of, short_idea
from models.engine import Database, raw, sql_name
from models.errors import InvalidInput, NotAllowed, NothingToDo, TableMissing
from models.schema import StoredTable, StoredTables, read_stored
from models.status import SYSTEM_TENANT, AuditEvent, RunStatus

LONGEST_IDEA: Final = 10_000
LONGEST_REASON: Final = 2_000
MOST_MONTHS: Final = 1_200
_TOLD: Final = 300
"""Characters of a text that an entry repeats."""
_MOST_DUE: Final = 10_000
"""Ideas that are asked whether they are due."""

IDEA: Final = "idea"
REFINED: Final = "refined_idea"
REASON: Final = "reason"
MONTHS: Final = "revisit_estimate_months"
NOTE: Final = "revisit_estimate_note"
EDITED: Final = (IDEA, REFINED, REASON, MONTHS, NOTE)
"""The columns of a parked idea that a person fills in, and may change."""

BEGINS_AS: Final = (RunStatus.PAUSED, RunStatus.RUNNING)
"""What a run may be that a person begins. Nobody starts a workflow for it: paused, it waits for approval."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run as a person begins it; `mode` and `tenant` are None where the file has no such column, or fills
    it in by itself.
    """

    idea: str
    refined_idea: str = ""
    status: RunStatus = RunStatus.PAUSED
    mode: str | None = None
    tenant: str | None = None


def valid_idea(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.several_lines(IDEA, "The idea", value, longest=LONGEST_IDEA, required=True)


def valid_refined(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.several_lines(REFINED, "The refined idea", value, longest=LONGEST_IDEA)


def valid_reason(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.several_lines(REASON, "The reason", value, longest=LONGEST_REASON)


def valid_note(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.several_lines(NOTE, "The note", value, longest=LONGEST_REASON)


def valid_months(value: str) -> int | None:
    """After how many months it is due; None for an empty text. Raises `InvalidInput`."""
    found = value.strip()
    if not found:
        return None
    if not (found.isascii() and found.isdigit() and len(found) <= 4 and int(found) <= MOST_MONTHS):
        raise InvalidInput(MONTHS, f"Write a whole number of months, at most {MOST_MONTHS:,}, or nothing.")
    return int(found)


_VALID: Final[Mapping[str, Any]] = {
    IDEA: valid_idea,
    REFINED: valid_refined,
    REASON: valid_reason,
    MONTHS: valid_months,
    NOTE: valid_note,
}


def _valid(values: Mapping[str, str]) -> dict[str, Value]:
    """As they are stored; an empty text is NULL."""
    return {name: found if (found := _VALID[name](value)) != "" else None for name, value in values.items()}


def _given(texts: Mapping[str, str], shown_of: StoredRow | None) -> dict[str, Value]:
    """The same, but for what is still as a form has shown it of that row: it is as it is stored there, of
    whatever kind.
    """
    image = {} if shown_of is None else shown_of.image
    kept = {
        name: image[name]
        for name, typed in texts.items()
        if image.get(name) not in (None, "") and _lines(typed) == _lines(text.readable(legible(image[name])))
    }
    return _valid({name: typed for name, typed in texts.items() if name not in kept}) | kept


def _lines(value: str) -> list[str]:
    return [line.rstrip() for line in value.strip().splitlines()]


@writing.act
def park(
    images: Images,
    values: Mapping[str, str],
    run_id: Value = None,
    beside: Mapping[str, str] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Puts an idea aside: `values` are texts by the columns `EDITED`. It names the run that it is from, if
    any, and that one's phase. `beside` as `Images.new` has it. Raises `InvalidInput`, `NotFound`,
    `ColumnMissing`.
    """
    images.chains = (SYSTEM_TENANT,)
    _look_along(images, PLANNING_PARKED_IDEAS.name)
    run = None if run_id is None else _run(images, run_id)
    given = _given({IDEA: "", **values}, run)
    has = images.table(PLANNING_PARKED_IDEAS.name).columns
    if run is not None:
        phase = run.image.get("current_phase")
        origin: dict[str, Value] = {"run_id": run["id"], "source_phase": phase}
        given |= {name: value for name, value in origin.items() if name in has}
    row = _in_its_unit(images, images.new(PLANNING_PARKED_IDEAS, given, now, beside), now)
    chain = SYSTEM_TENANT if run is None else chain_of(run)
    named = {} if run is None else {"runId": run.shown("id")}
    told = {"reason": _told(given[REASON])} if given.get(REASON) else {}
    return Change(
        summary=f"“{short_idea(row)}” parked",
        rows=(row.added(),),
        events=(_event(AuditEvent.IDEA_PARKED, chain, row, actor, **named, **told),),
        inverse_events=(_event(AuditEvent.IDEA_DELETED, chain, row, actor, **named),),
    )


@writing.act
def update(images: Images, idea_id: Value, values: Mapping[str, str], *, actor: str, now: int) -> Change:
    """Changes what a person has edited of a parked idea; the others stay as they are, of whatever kind.

    Raises `NothingToDo`, `InvalidInput`, `NotFound`, `ColumnMissing`.
    """
    images.chains = (SYSTEM_TENANT,)
    only = (*values, IDEA, "run_id")
    row = images.found(PLANNING_PARKED_IDEAS.name, [idea_id], "parked idea", only=only)[0]
    given = {name: value for name, value in _valid(values).items() if not row.holds(name, value)}
    if not given:
        raise NothingToDo("Nothing was changed.")
    (chain,) = _chains(images, [row])

    def told(row: StoredRow, before: Image, after: Image) -> Event:
        return _event(AuditEvent.IDEA_UPDATED, chain, row, actor, changes=_changes(before, after))

    return writing.edited(images, f"Parked idea “{short_idea(row)}” changed", [(row, given)], told, now)


@writing.act
def delete(images: Images, idea_ids: Sequence[Value], *, actor: str, now: int) -> Change:
    """Removes parked ideas. Raises as `writing.deletion`, and `NotFound` where none is left."""
    images.chains = (SYSTEM_TENANT,)
    rows = images.found(PLANNING_PARKED_IDEAS.name, idea_ids, "parked idea", go=True)
    chains = dict(zip((row.identity for row in rows), _chains(images, rows), strict=True))

    def event(kind: AuditEvent, row: StoredRow, along: Mapping[str, Any]) -> Event:
        return _event(kind, chains[row.identity], row, actor, **along)

    what = writing.named(rows, "parked idea", lambda row: f"“{short_idea(row)}”")
    kinds = AuditEvent.IDEA_DELETED, AuditEvent.IDEA_RESTORED
    return writing.deletion(images, rows, what, kinds, event)


@writing.act
def promote(
    images: Images,
    idea_id: Value,
    new: NewRun,
    beside: Mapping[str, str] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Makes a run of a parked idea, which is parked no longer. Where the run that it is from belongs to an
    idea of another table, or to a tenant and `new` to none, the new one does too. Raises as `create_run`.
    """
    images.chains = (SYSTEM_TENANT,)
    _look_along(images, PLANNING_RUNS.name)
    parked = images.found(PLANNING_PARKED_IDEAS.name, [idea_id], "parked idea", go=True)[0]
    images.require_seen([parked])
    gone = removal(images, [parked])
    source = next(iter(_sources(images, [parked])), None)
    run, chain = _new_run(images, new, source, beside, now, shown_of=parked)
    said: dict[str, Any] = {
        "actor": actor,
        "runId": shown(run.record_id),
        "status": run.shown("status"),
        "ideaId": shown(parked.record_id),
    }
    if source is not None:
        said["from"] = source.shown("id")
        if isinstance(score := source.image.get("quality_score"), int | float) and isfinite(score):
            said["score"] = score
    return Change(
        summary=f"“{short_idea(run)}” promoted to a run{gone}",
        rows=(run.added(), *gone.rows),
        events=(Event(chain, AuditEvent.IDEA_PROMOTED, {**said, **gone.of(parked)}),),
        inverse_events=(
            Event(
                chain,
                AuditEvent.IDEA_PARKED,
                {"actor": actor, "ideaId": said["ideaId"], "runRemoved": said["runId"], **gone.back(parked)},
            ),
        ),
    )


@writing.act
def create_run(
    images: Images,
    new: NewRun,
    copied: Value = None,
    beside: Mapping[str, str] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Adds a run, of the idea that the run `copied` is about or of another one. Raises `InvalidInput`,
    `NotFound`, `ColumnMissing`, and `NotAllowed` where the file's rules take no run of that status.
    """
    images.chains = (SYSTEM_TENANT,)
    _look_along(images, PLANNING_RUNS.name)
    source = None if copied is None else _run(images, copied)
    run, chain = _new_run(images, new, source, beside, now, shown_of=source)
    said = {"actor": actor, "runId": shown(run.record_id), "status": run.shown("status")}
    origin = {} if source is None else {"from": source.shown("id")}
    return Change(
        summary=f"Run “{short_idea(run)}” created",
        rows=(run.added(),),
        events=(Event(chain, AuditEvent.RUN_CREATED, {**said, **origin}),),
        inverse_events=(Event(chain, AuditEvent.RUN_REMOVED, said),),
    )


def due_at(parked: object, months: object) -> int | None:
    """When a parked idea is to be looked at again, in seconds: so many calendar months after it was parked,
    or on the last day of a shorter month. None without an estimate, or for what is none.
    """
    if not (is_number(parked) and is_number(months)):
        return None
    try:
        at = datetime.fromtimestamp(seconds(int(parked)), UTC)
        count = at.month - 1 + int(months)
        year, month = at.year + count // 12, count % 12 + 1
        day = min(at.day, calendar.monthrange(year, month)[1])
        return int(at.replace(year=year, month=month, day=day).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def due(database: Database, now: int) -> tuple[str | int, ...]:
    """The ids of those that are due, of the first 10,000. Raises `TableMissing`."""
    table, names = PLANNING_PARKED_IDEAS, ("id", "created_at", MONTHS)

    def queries(tables: StoredTables) -> list[Any]:
        if table.name not in tables:
            raise TableMissing(table.name)
        statements = Statements(ListQuery(table.name), tables[table.name], database.limits)
        cells = (exactly(statements.value(table.column(name))) for name in names)
        return [statements.select(*cells).limit(_MOST_DUE)]

    _, (rows,) = read_stored(database, queries)
    found: list[str | int] = []
    for row in rows:
        key, parked, months = map(decoded, row)
        at = due_at(parked, months)
        if at is not None and at <= now and isinstance(key, str | int):
            found.append(key)
    return tuple(found)


def _run(images: Images, run_id: Value) -> StoredRow:
    only = (IDEA, REFINED, "current_phase", "quality_score", "tenant_id", "idea_id")
    return images.found(PLANNING_RUNS.name, [run_id], "planning run", only=only)[0]


def _sources(images: Images, parked: Sequence[StoredRow]) -> list[StoredRow]:
    """The runs that parked ideas name, as far as they are there: some may have gone, and the file may have no
    runs.
    """
    ids = [found for row in parked if (found := row.image.get("run_id")) is not None]
    try:
        only = (IDEA, "quality_score", "tenant_id", "idea_id")
        return images.rows(PLANNING_RUNS.name, ids, only) if ids else []
    except TableMissing:
        return []


def _chains(images: Images, parked: Sequence[StoredRow]) -> list[str]:
    """The tenant of the run that each names, in whose chain it is recorded."""
    runs = {row.record_id: row for row in _sources(images, parked)}
    return [
        chain_of(run) if (run := runs.get(row.image.get("run_id"))) is not None else SYSTEM_TENANT
        for row in parked
    ]


def _new_run(
    images: Images,
    new: NewRun,
    source: StoredRow | None,
    beside: Mapping[str, str],
    now: int,
    *,
    shown_of: StoredRow | None,
) -> tuple[StoredRow, str]:
    """The run, and the tenant in whose chain it is recorded; `shown_of` is whose texts a form has shown."""
    status = RunStatus(new.status)
    if status not in BEGINS_AS:
        raise NotAllowed(f"No run begins as {status}.")
    stored = images.table(PLANNING_RUNS.name)
    takes = images.accepted(PLANNING_RUNS.name, "status", (status, RunStatus.ACTIVE))
    if status is RunStatus.RUNNING and status not in takes:
        status = RunStatus.ACTIVE
    if status not in takes:
        raise NotAllowed(f"This database's own rules let no run be {status}.")
    texts = {IDEA: new.idea, REFINED: new.refined_idea}
    given: dict[str, Value] = {**_given(texts, shown_of), "status": str(status)}
    if new.mode is not None:
        given["mode"] = text.single_line("mode", "The mode", new.mode, longest=100)
    chain = SYSTEM_TENANT
    if new.tenant is not None:
        chain = given["tenant_id"] = text.tenant_id(new.tenant)
    elif source is not None and source.image.get("tenant_id") is not None:
        chain = chain_of(source)
        given["tenant_id"] = source["tenant_id"]
    elif "tenant_id" in {
        *stored.defaults,
        *stored.never_null,
    }:  # else nobody could say whose chain it will be in
        raise InvalidInput("tenant_id", "Choose a tenant.")
    if source is not None and "idea_id" in stored.columns and source.image.get("idea_id") is not None:
        beside = {name: value for name, value in beside.items() if name != "idea_id"}
        row = images.new(PLANNING_RUNS, given, now, {"idea_id": "x", **beside})
        row = replace(row, image={**row.image, "idea_id": source["idea_id"]})
    else:
        row = images.new(PLANNING_RUNS, given, now, beside)
    return _in_its_unit(images, row, now), chain


def _in_its_unit(images: Images, row: StoredRow, now: int) -> StoredRow:
    """The new row with times in milliseconds where those of its table are."""
    for ((at,),) in filter(None, images.read(_a_time(row.table))):
        return replace(row, image={**row.image, **dict.fromkeys(_stamps(row.table), in_unit_of(at, now))})
    return row


def _stamps(table: StoredTable) -> list[str]:
    return [name for name in STAMPS if name in table.columns]


def _a_time(table: StoredTable) -> list[BaseQuery]:
    """What reads a time of the table, where it has any."""
    named = (sql_name(name) for name in _stamps(table)[:1])
    return [raw(f"SELECT {name} FROM {sql_name(table.name)} LIMIT 1") for name in named]  # noqa: S608


def _look_along(images: Images, table: str) -> None:
    """Lets what `_in_its_unit` asks be asked at once with what is read first."""
    images.along = lambda tables: _a_time(tables[table]) if table in tables else ()


def _event(kind: AuditEvent, chain: str, idea: StoredRow, actor: str, **more: Any) -> Event:
    return Event(chain, kind, {"actor": actor, "ideaId": shown(idea.record_id), **more})


def _changes(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Any]:
    return {name: {"from": _told(before[name]), "to": _told(after[name])} for name in before}


def _told(value: Value) -> Any:
    found = shown(value)
    return f"{found[: _TOLD - 1]}…" if isinstance(found, str) and len(found) > _TOLD else found
