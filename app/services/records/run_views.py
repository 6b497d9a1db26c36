"""Ready views of the list of planning runs: what has stood still, what is worth so much; and why a run is
what it is, as the audit chain says it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

from peewee import fn

from app.services.records.list_query import ListQuery, Statements, moment
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from models.engine import Database
from models.errors import TableMissing
from models.schema import StoredTable, StoredTables, read_stored
from models.status import AuditEvent, RunStatus
from models.tables import AuditEntry, PlanningArtifact

_WORKING: Final = RunStatus.RUNNING.value, RunStatus.ACTIVE.value
_MOST_ENTRIES: Final = 2_000
"""Of the newest entries about runs, how many are asked why."""
_LONGEST_PAYLOAD: Final = 8_000
_TOLD_BY: Final = (
    *(AuditEvent.RUN_PAUSED, AuditEvent.RUN_RESUMED, AuditEvent.RUN_COMPLETED, AuditEvent.RUN_KILLED),
    *(AuditEvent.RUN_CANCELLED, AuditEvent.RUN_DELETED, AuditEvent.RUN_RESTORED),
)
_UNITS: Final = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_AMOUNT: Final = re.compile(
    r"(?P<number>\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?)"
    r"(?P<to>\s?(?:-|–|to)\s?[$€£]?\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?)?"
    r"\s?(?P<unit>[kmbt]|thousand|million|billion|trillion)?(?![a-z])",
    re.IGNORECASE,
)
"""The first amount of a text; of “$5–10M” it is the lower end, in the unit of both."""

RunId = str | int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Of a run what its newest entry made of it, and the reason that it gives."""

    of: Mapping[RunId, tuple[str, str]]

    def why(self, run_id: object, status: object) -> str:
        """Why it is so; nothing where that is not known, or it is something else by now."""
        to, reason = self.of.get(run_id, ("", "")) if isinstance(run_id, str | int) else ("", "")
        same = to == status or {to, status} == set(_WORKING)
        return reason if same else ""


@dataclass(frozen=True, slots=True)
class Worth:
    """A range of scores, in the file's own unit, and of revenues; None for no limit, both ends included."""

    score: tuple[float | None, float | None] = (None, None)
    revenue: tuple[float | None, float | None] = (None, None)

    def holds(self, score: object, revenue: object) -> bool:
        return _within(_number(score), self.score) and _within(dollars(revenue), self.revenue)


def idle(database: Database, scope: Scope, now: int) -> dict[RunId, int]:
    """For how many seconds each run that should be at work has not changed, nor any artifact of it. Raises
    `TableMissing`.
    """
    query = ListQuery(PLANNING_RUNS.name, scope, choices=(("status", _WORKING),))

    def ask(tables: StoredTables) -> list[Any]:
        runs = _statements(database, query, tables)
        stamps = (runs.value(PLANNING_RUNS.column(name)) for name in ("created_at", "updated_at"))
        cells = [exactly(runs.value(PLANNING_RUNS.key)), *map(moment, stamps)]
        queries = [runs.select(*cells)]
        artifacts = tables.get(PLANNING_ARTIFACTS.name)
        if artifacts is not None and {"run_id", "created_at"} <= {*artifacts.names}:
            of = PlanningArtifact.run_id
            ids = runs.select(runs.value(PLANNING_RUNS.key))
            latest = fn.MAX(moment(PlanningArtifact.created_at))
            queries.append(
                PlanningArtifact.select(exactly(of), latest).where(of.in_(ids)).group_by(of).tuples()
            )
        return queries

    _, (runs, *more) = read_stored(database, ask)
    latest = {decoded(run_id): at for run_id, at in more[0]} if more else {}
    found: dict[RunId, int] = {}
    for cell, *times in runs:
        key = decoded(cell)
        known = [at for at in (*times, latest.get(key)) if isinstance(at, int | float) and isfinite(at)]
        if isinstance(key, str | int) and known:
            found[key] = max(0, now - int(max(known)))
    return found


def worth(database: Database, scope: Scope, wanted: Worth) -> tuple[RunId, ...]:
    """The ids of the runs within a range. A revenue in words is read as people mean it ("$10M ARR"). Raises
    `TableMissing`.
    """
    names = ("id", "quality_score", "revenue_potential")

    def ask(tables: StoredTables) -> list[Any]:
        runs = _statements(database, ListQuery(PLANNING_RUNS.name, scope), tables)
        return [runs.select(*(exactly(runs.value(PLANNING_RUNS.column(name))) for name in names))]

    _, (rows,) = read_stored(database, ask)
    found = []
    for row in rows:
        key, score, revenue = map(decoded, row)
        if isinstance(key, str | int) and wanted.holds(score, legible(revenue)):
            found.append(key)
    return tuple(found)


def reasons(database: Database) -> Reasons:
    """What the newest entries about runs say; nothing of a file without a chain."""

    def ask(tables: StoredTables) -> list[Any]:
        if AuditEntry._meta.table_name not in tables:
            return []
        payload = fn.substr(AuditEntry.payload, 1, _LONGEST_PAYLOAD)
        entries = AuditEntry.select(payload).where(AuditEntry.event_type.in_([*map(str, _TOLD_BY)]))
        return [entries.order_by(AuditEntry.seq.desc()).limit(_MOST_ENTRIES).tuples()]

    _, found = read_stored(database, ask)
    told: dict[RunId, tuple[str, str]] = {}
    for (payload,) in found[0] if found else ():
        run_id, to, reason = _told(payload)
        if isinstance(run_id, str | int) and run_id not in told:
            told[run_id] = to, reason
    return Reasons(told)


def dollars(value: object) -> float | None:
    """A revenue as a number: a number itself, or the first amount of a text; None for none."""
    if not isinstance(value, str):
        return _number(value)
    match = _AMOUNT.search(value[:200])
    if match is None:
        return None
    unit = (match["unit"] or "")[:1].lower()
    return float(match["number"].replace(",", "")) * _UNITS.get(unit, 1)


def _told(payload: object) -> tuple[object, str, str]:
    try:
        said = json.loads(payload) if isinstance(payload, str) else {}
        to, reason = said["changes"]["status"]["to"], said.get("reason", "")
        return said["runId"], str(to), reason if isinstance(reason, str) else ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, "", ""


def _statements(database: Database, query: ListQuery, tables: StoredTables) -> Statements:
    table: StoredTable | None = tables.get(query.table)
    if table is None:
        raise TableMissing(query.table)
    return Statements(query, table, database.limits)


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _within(value: float | None, ends: tuple[float | None, float | None]) -> bool:
    low, high = ends
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (-inf if low is None else low) <= value <= (inf if high is None else high)
