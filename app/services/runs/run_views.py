"""Ready views of the list of planning runs: what has stood still, what is worth so much; and why a run is
what it is, as the audit chain says it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, Final

from peewee import SQL, Case, Column, fn
from peewee import Table as Source

from app.services.chain.append import Event
from app.services.records.history import StillHolds
from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import decoded, exactly, is_number, legible
from app.services.records.stored_times import moment_in_sql
from app.services.records.tables import NAMES_RUN, PLANNING_ARTIFACTS, PLANNING_RUNS, UNDONE, Scope
from models.engine import Database
from models.errors import TableMissing
from models.schema import StoredTable, StoredTables, read_stored
from models.status import GOES_ON, SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry, PlanningArtifact

_MOST_ENTRIES: Final = 2_000
"""Of the newest entries about runs, how many are asked why."""
_LONGEST_PAYLOAD: Final = 8_000
_NEEDED: Final = frozenset({"seq", "tenant_id", "event_type", "payload"})
_TOLD_BY: Final = (
    *(AuditEvent.RUN_PAUSED, AuditEvent.RUN_RESUMED, AuditEvent.RUN_COMPLETED, AuditEvent.RUN_KILLED),
    *(AuditEvent.RUN_CANCELLED, AuditEvent.RUN_DELETED, AuditEvent.RUN_RESTORED),
)
_UNITS: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_NUMBER: Final = (
    r"(?:\d{1,3}(?:(?>,\d{3}))++(?:\.\d++)?|\d{1,3}(?:(?>[ \u00a0\u202f'’]\d{3}))++(?:[.,]\d++)?"
    r"|\d{1,3}(?:(?>\.\d{3})){2,}+(?:,\d++)?|\d++(?>(?:\.\d++|,\d{1,2})?))(?![\d.,]*\d)"
)
"""1,500,000.5, 1 500 000,5, 1.500.000,5 and 1500000.5, each as a whole."""
_AMOUNT: Final = re.compile(
    r"(?<![\w.,])(?P<less>\(|[-−]\s?)?(?P<sign>[$€£]|(?:usd|eur|gbp)\b)?\s?"
    rf"(?P<number>{_NUMBER})"
    rf"(?:\s?(?:-|–|to)\s?[$€£]?{_NUMBER})?"
    r"\s?(?P<unit>thousand|million|billion|trillion|k|mm|mn|m|bn|b|tn|t)?(?![a-z])(?P<end>\))?",
    re.IGNORECASE | re.ASCII,
)
"""An amount; of “$5–10M” its number is the lower end, in the unit of both."""

RunId = str | int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Of a run what its newest entry that holds made of it, and the reason that it gives; and what was
    `given` for each status that it had, which it gets back by an undo.
    """

    of: Mapping[RunId, tuple[str, str]]
    given: Mapping[tuple[RunId, str], str] = field(default_factory=dict)

    def why(self, run_id: object, status: object) -> str:
        """Why it is so; nothing where that is not known, or it is something else by now."""
        to, reason = self.of.get(run_id, ("", "")) if isinstance(run_id, str | int) else ("", "")
        same = to == status or {to, status} == {*GOES_ON}
        return reason if same else ""

    def with_events(self, events: Iterable[Event]) -> "Reasons":
        """The same with what was recorded since, where nobody reads the chain for it."""
        of, given = dict(self.of), dict(self.given)
        for event in events:
            said = event.payload
            run_id, (to, reason) = said.get("runId"), _of_said(said)
            is_back = UNDONE in said or event.event_type == AuditEvent.RUN_RESTORED
            if to and isinstance(run_id, str | int):
                # What is taken back has given no reason.
                before = {run_id: of[run_id]} if run_id in of and UNDONE not in said else {}
                given |= {(key, status): why for key, (status, why) in before.items()}
                of[run_id] = to, given.get((run_id, to), "") if is_back else reason
        return self if of == self.of else Reasons(of, given)


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
    query = ListQuery(
        PLANNING_RUNS.name, scope, choices=(("status", tuple(status.value for status in GOES_ON)),)
    )

    def ask(tables: StoredTables) -> list[Any]:
        runs = _statements(database, query, tables)
        stamps = (runs.value(PLANNING_RUNS.column(name)) for name in ("created_at", "updated_at"))
        cells = [exactly(runs.value(PLANNING_RUNS.key)), *map(moment_in_sql, stamps)]
        queries = [runs.select(*cells)]
        artifacts = tables.get(PLANNING_ARTIFACTS.name)
        if artifacts is not None and {"run_id", "created_at"} <= {*artifacts.names}:
            of = PlanningArtifact.run_id
            ids = runs.select(runs.value(PLANNING_RUNS.key))
            latest = fn.MAX(moment_in_sql(PlanningArtifact.created_at))
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


def counts(database: Database, scope: Scope, statuses: Iterable[str]) -> dict[str, int]:
    """How many runs have each of these. Raises `TableMissing`."""
    wanted = tuple(map(str, statuses))

    def ask(tables: StoredTables) -> list[Any]:
        of = (ListQuery(PLANNING_RUNS.name, scope, choices=(("status", (one,)),)) for one in wanted)
        return [_statements(database, query, tables).count() for query in of]

    _, found = read_stored(database, ask)
    return {status: rows[0][0] for status, rows in zip(wanted, found, strict=True)}


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
    """What the newest entries about runs say; nothing of a file without a chain. Of a run whose tenant the
    file does not tell, and that the chains of several tell of, `system`'s alone is believed.
    """

    def ask(tables: StoredTables) -> list[Any]:
        table = tables.get(AuditEntry._meta.table_name)
        if table is None or not {*table.names} >= _NEEDED:
            return []
        payload = fn.substr(AuditEntry.payload, 1, _LONGEST_PAYLOAD)
        cells = AuditEntry.tenant_id, _tenant_of_run(tables), AuditEntry.event_type, payload
        entries = AuditEntry.select(*cells).where(AuditEntry.event_type.in_([*map(str, _TOLD_BY)]))
        return [entries.order_by(AuditEntry.seq.desc()).limit(_MOST_ENTRIES).tuples()]

    _, found = read_stored(database, ask)
    told: dict[RunId, tuple[str, str]] = {}
    given: dict[tuple[RunId, str], str] = {}
    restored: dict[RunId, str] = {}
    """What a run became by being restored, for the reason that it had been so for."""
    holds: defaultdict[RunId, StillHolds] = defaultdict(StillHolds)
    entries = [
        (chain, tenant, kind, run_id, *said)
        for chain, tenant, kind, payload in (found[0] if found else ())
        for run_id, *said in [_told(payload)]
        if isinstance(run_id, str | int) and not isinstance(run_id, bool)
    ]
    tellers: dict[RunId, set[object]] = {}
    for chain, _, _, run_id, *_ in entries:
        if chain != SYSTEM_TENANT:
            tellers.setdefault(run_id, set()).add(chain)
    for chain, tenant, kind, run_id, to, reason, undone in entries:
        is_disputed = tenant is None and len(tellers.get(run_id, ())) > 1
        if chain != SYSTEM_TENANT and (is_disputed or tenant not in (None, chain)):
            continue
        if not holds[run_id](kind, undone):
            continue
        if kind != AuditEvent.RUN_RESTORED:
            given.setdefault((run_id, to), reason)
        if kind == AuditEvent.RUN_RESTORED and run_id not in told:
            restored[run_id] = to
            told[run_id] = to, ""
        elif restored.get(run_id) == to:
            told[run_id] = to, reason
            del restored[run_id]
        else:
            told.setdefault(run_id, (to, reason))
    return Reasons(told, given)


def _tenant_of_run(tables: StoredTables) -> Any:
    """Of an entry the tenant of the run that it names, in whose chain that is recorded, or in `system`'s;
    NULL where the file does not tell.
    """
    runs = tables.get(PLANNING_RUNS.name)
    if runs is None or "tenant_id" not in runs.names:
        return SQL("NULL")
    source = Source(runs.name)
    said = Case(None, [(fn.json_valid(AuditEntry.payload), AuditEntry.payload)])
    named = Column(source, "id") == fn.json_extract(said, f"$.{NAMES_RUN}")
    return source.select(Column(source, "tenant_id")).where(named).limit(1)


def dollars(value: object) -> float | None:
    """A revenue as a number: a number itself, or the first amount of a text; None for none."""
    if not isinstance(value, str):
        return _number(value)
    found = [*_AMOUNT.finditer(value[:200])]
    told = [match for match in found if match["sign"] or match["unit"]]  # “2027: $5M” is of no two thousand
    for match in (told or found)[:1]:
        unit = (match["unit"] or "").lower()
        times = _UNITS.get(unit) or _UNITS.get(unit[:1], 1)
        is_less = match["less"] is not None and (match["less"] != "(" or match["end"] is not None)
        return _plain(match["number"]) * times * (-1 if is_less else 1)
    return None


def _plain(number: str) -> float:
    """Of the marks in it the last one is that of decimals where it stands once, and not before three more."""
    marks = [mark for mark in number if not mark.isdigit()]
    groups = re.split(r"\D", number)
    if marks and marks.count(marks[-1]) == 1 and (marks[-1] == "." or len(groups[-1]) < 3 or len(marks) > 1):
        return float(f"{''.join(groups[:-1])}.{groups[-1]}")
    return float("".join(groups))


def _told(payload: object) -> tuple[object, str, str, object]:
    """Of which run, what it became and why, and what kind of entry that takes back, if any."""
    try:
        said = json.loads(payload) if isinstance(payload, str) else {}
        return said["runId"], *_of_said(said), said.get(UNDONE)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None, "", "", None


def _of_said(said: Mapping[str, Any]) -> tuple[str, str]:
    """What a run has become by an entry, nothing where it is about something else; and why."""
    try:
        to = str(said["changes"]["status"]["to"])
    except (TypeError, KeyError):
        return "", ""
    reason = said.get("reason", "")
    return to, reason if isinstance(reason, str) else ""


def _statements(database: Database, query: ListQuery, tables: StoredTables) -> Statements:
    table: StoredTable | None = tables.get(query.table)
    if table is None:
        raise TableMissing(query.table)
    return Statements(query, table, database.limits)


def _number(value: object) -> float | None:
    return float(value) if is_number(value) else None


def _within(value: float | None, ends: tuple[float | None, float | None]) -> bool:
    low, high = ends
    if low is None and high is None:
        return True
    if value is None:
        return False
    return (-inf if low is None else low) <= value <= (inf if high is None else high)
