"""Ready views of the list of planning runs: what has stood still, what is worth so much; and why a run is
what it is, as the audit chain says it.

And what all runs say together: scores and times by phase, revenue beside score, outcomes by week. Counted by
the database, so that a chart of forty thousand artifacts is an answer of some dozen rows.
"""

import json
import re
import statistics
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, Final

from peewee import SQL, BaseQuery, Case, Column, fn
from peewee import Table as Source

from app.services.chain.append import Event
from app.services.records.history import StillHolds
from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import decoded, exactly, is_number, legible
from app.services.records.stored_times import moment_in_sql
from app.services.records.tables import EVERYONE, NAMES_RUN, PLANNING_ARTIFACTS, PLANNING_RUNS, UNDONE, Scope
from app.services.runs.statuses import FULL, full_score, in_running_order
from app.services.text import readable
from models.engine import Database, Row, Rows, raw
from models.errors import TableMissing
from models.schema import StoredTable, StoredTables, read_stored
from models.status import DAY, GOES_ON, SYSTEM_TENANT, AuditEvent
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


MOST_WEEKS: Final = 520
"""Ten years of them."""
MOST_POINTS: Final = 5_000
"""Runs that stand in a chart one by one, the newest; a screen has no room for more."""
WEEK: Final = 7 * DAY

_READ_RUN: Final = 8
_READ_ARTIFACT: Final = 13
"""How often each is charged at most: what is sorted, numbered or kept on the way counts again."""

_MONDAY: Final = 4 * DAY
"""1970-01-05, from which weeks are counted."""
_IDEA: Final = 120
_MOST: Final = "1e15"
"""Beyond it a number is none that a chart could have."""

# By hand: window functions over two queries of the house. What Peewee would build of it is longer, and nobody
# can read it.
_BY_PHASE: Final = f"""
WITH own(run, begun) AS ({{own}}), artifact(run, phase, score, version, at) AS ({{artifacts}}),
one AS (
  SELECT run, phase, score, at - LAG(at, 1, begun) OVER (PARTITION BY run ORDER BY at) AS took,
    ROW_NUMBER() OVER (PARTITION BY run, phase ORDER BY CASE WHEN typeof(version) IN ('integer', 'real')
      THEN version END DESC, at DESC) AS back
  FROM own JOIN artifact USING (run) WHERE typeof(phase) = 'text'),
each AS (
  SELECT phase, SUM(took) AS took, MAX(CASE WHEN back = 1 AND typeof(score) IN ('integer', 'real')
    AND abs(CAST(score AS REAL)) < {_MOST} THEN score END) AS score
  FROM one GROUP BY run, phase)
SELECT hex(phase), json_group_array(score) FILTER (WHERE score IS NOT NULL),
  json_group_array(took) FILTER (WHERE took >= 0 AND took < {_MOST})
FROM each GROUP BY phase"""  # noqa: S608 - of constants alone


@dataclass(frozen=True, slots=True)
class RunPoint:
    """A run that has both: `revenue` in dollars; where it is `told` in words, the number in these."""

    id: Any
    idea: str
    status: str
    score: float
    revenue: float
    told: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of a phase lie: the least, the quarters and the greatest of `count`."""

    phase: str
    count: int
    low: float
    quarter: float
    middle: float
    three_quarters: float
    high: float


@dataclass(frozen=True, slots=True)
class RunWeek:
    """The runs that began in a week, by the status they have now. `monday` is its beginning, UTC."""

    monday: int
    statuses: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class RunFigures:
    """`scores` are of the newest version of each phase, the best being `full`; `times`, in seconds, how long
    the versions of a phase took, each from what came before it in its run, waiting included. `has_artifacts`
    tells whether the file has a table of them. Of the `runs`, `with_both` have a score and a revenue;
    `points` are the newest `MOST_POINTS` of these.
    """

    runs: int = 0
    points: tuple[RunPoint, ...] = ()
    with_both: int = 0
    weeks: tuple[RunWeek, ...] = ()
    scores: tuple[Spread, ...] = ()
    times: tuple[Spread, ...] = ()
    full: float = FULL
    has_artifacts: bool = False


def charged(runs: int, artifacts: int) -> int:
    """How many rows `read` is charged for at most, of so many."""
    return _READ_RUN * runs + _READ_ARTIFACT * artifacts


def read(database: Database, scope: Scope) -> RunFigures:
    """All of it from one snapshot. Raises `TableMissing` where the file has no runs, and storage errors."""
    tables, found = read_stored(database, lambda now: _queries(database, now, scope))
    (totals, points, weeks), phases = found[:3], found[3:]
    by_phase: dict[str, tuple[list[float], list[float]]] = {}
    for phase, scores, times in phases[0] if phases else ():
        name = readable(bytes.fromhex(phase).decode(database.encoding, "replace"))
        by_phase[name] = _numbers(scores), _numbers(times)
    by_phase = {name: by_phase[name] for name in in_running_order(by_phase)}
    count, both = totals[0]
    told = tuple(point for point in map(_point, points) if point is not None)
    of_runs = max((point.score for point in told), default=FULL)
    highest = max((max(scores) for scores, _ in by_phase.values() if scores), default=of_runs)
    return RunFigures(
        runs=count,
        points=told,
        with_both=(both or 0) - (len(points) - len(told)),
        weeks=_weeks(weeks),
        scores=tuple(spread(name, scores) for name, (scores, _) in by_phase.items() if scores),
        times=tuple(spread(name, times) for name, (_, times) in by_phase.items() if times),
        full=full_score(highest),
        has_artifacts=_has_artifacts(tables),
    )


def spread(phase: str, values: Sequence[float]) -> Spread:
    """How at least one value lies."""
    low, high = min(values), max(values)
    quarter, middle, three = (
        statistics.quantiles(values, method="inclusive") if len(values) > 1 else (low, low, low)
    )
    return Spread(phase, len(values), low, quarter, middle, three, high)


def _has_artifacts(tables: StoredTables) -> bool:
    table = tables.get(PLANNING_ARTIFACTS.name)
    return table is not None and {"run_id", "phase", "created_at"} <= {*table.names}


def _queries(database: Database, tables: StoredTables, scope: Scope) -> Sequence[BaseQuery]:
    if (table := tables.get(PLANNING_RUNS.name)) is None:
        raise TableMissing(PLANNING_RUNS.name)
    # A file that cannot tell whose a run is shows all of them, as the list does.
    narrowed = scope if PLANNING_RUNS.has_tenants(table) else EVERYONE
    runs = Statements(ListQuery(PLANNING_RUNS.name, narrowed), table, database.limits, names_rows=False)
    key, status, idea, score, revenue = (
        runs.value(PLANNING_RUNS.column(name))
        for name in ("id", "status", "idea", "quality_score", "revenue_potential")
    )
    is_told = _is_number(revenue) | (fn.typeof(revenue) == "text")
    both = _is_number(score) & is_told
    time, count = runs.time(), fn.COUNT(SQL("*"))
    week = ((time - _MONDAY) / WEEK).cast("INTEGER")
    cells = (exactly(one) for one in (key, fn.substr(idea, 1, _IDEA), status, score, revenue))
    queries = [
        runs.select(count, fn.SUM(both)),
        runs.select(*cells).where(both).order_by(time.desc()).limit(MOST_POINTS),
        runs.select(week, exactly(status), count).where(time >= _MONDAY).group_by(week, status),
    ]
    if _has_artifacts(tables):
        artifacts = PLANNING_ARTIFACTS
        stored = tables[artifacts.name]
        found = Statements(ListQuery(artifacts.name), stored, database.limits, names_rows=False)
        names = ("run_id", "phase", "overall_score", "version")
        wanted = [found.value(artifacts.column(name)) for name in names]
        own, values = runs.select(key, time).sql()
        of_runs, more = found.select(*wanted, found.time()).where(found.time().is_null(False)).sql()
        queries.append(raw(_BY_PHASE.format(own=own, artifacts=of_runs), *values, *more))
    return queries


def _is_number(value: Any) -> Any:
    return fn.typeof(value).in_(("integer", "real")) & (fn.abs(value.cast("REAL")) < SQL(_MOST))


def _point(row: Row) -> RunPoint | None:
    """None where nobody can read an amount in the words that its revenue is told in."""
    key, idea, status, score, told = (legible(decoded(value)) for value in row)
    revenue = dollars(told)
    if revenue is None or not abs(revenue) < float(_MOST):
        return None
    words = told if isinstance(told, str) else ""
    return RunPoint(key, readable(idea), readable(status), float(score or 0), float(revenue), words)


def _weeks(rows: Rows) -> tuple[RunWeek, ...]:
    """From the first to the last, the empty ones between them, too: of more than `MOST_WEEKS` those in which
    most runs began, as a clock that ran wrong puts one far from all others.
    """
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for week, status, count in rows:
        found[week][readable(legible(decoded(status)))] += count
    if not found:
        return ()
    counts = {week: found[week].total() for week in sorted(found)}
    most, ends = -1, (0, 0)
    within, weeks = 0, deque[int]()
    for week, count in counts.items():
        weeks.append(week)
        within += count
        while week - weeks[0] >= MOST_WEEKS:
            within -= counts[weeks.popleft()]
        if within >= most:
            most, ends = within, (weeks[0], week)
    first, last = ends
    return tuple(RunWeek(_MONDAY + week * WEEK, dict(found[week])) for week in range(first, last + 1))


def _numbers(found: str | None) -> list[float]:
    return [float(value) for value in json.loads(found or "[]")]
