"""What all planning runs say together: scores and times by phase, revenue beside score, outcomes by week.

Counted by the database, so that a chart of forty thousand artifacts is an answer of some dozen rows.
"""

import json
import statistics
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peewee import SQL, BaseQuery, fn

from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import EVERYONE, PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.services.runs.run_views import dollars
from app.services.runs.statuses import FULL, full_score, in_running_order
from app.services.text import readable
from models.engine import Database, Row, Rows, raw
from models.errors import TableMissing
from models.schema import StoredTables, read_stored
from models.status import DAY

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
