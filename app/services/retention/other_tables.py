"""What retention removes besides audit entries: read notifications, and planning runs marked deleted.

Runs go by `updated_at`, each together with its artifacts in one transaction, so no artifact is ever without
its run. Rows of other tables, known to us or not, may refer to either: where a foreign key deletes them along
they are counted, and where it would refuse, the record stays and the table that keeps it is named. Parked
ideas stay: their `run_id` is only text.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any, Final

from peewee import SQL, BaseQuery, Column, Entity, Table, fn

from app.services.records.tables import (
    AUDIT_CHAIN,
    DECLARED,
    NOTIFICATIONS,
    PLANNING_ARTIFACTS,
    PLANNING_RUNS,
)
from models.engine import Database, Statement
from models.schema import ForeignKey, StoredTable, read_stored
from models.status import RunStatus
from models.tables import Notification, PlanningArtifact, PlanningRun

_NOTIFICATIONS, _RUNS, _ARTIFACTS = NOTIFICATIONS.name, PLANNING_RUNS.name, PLANNING_ARTIFACTS.name

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    _NOTIFICATIONS: ("read", "created_at"),
    _RUNS: ("id", "status", "updated_at"),
    _ARTIFACTS: ("run_id",),
}
"""The tables beside the audit chain that retention removes from, and what it must know of each."""

BATCH: Final = 1_000
"""Rows a transaction: their keys are scattered over three indexes, so each costs more than an audit entry."""

_BYTES: Final = 1_000_000
"""Artifact text a transaction: freed pages are overwritten, which takes its time."""

_PATHS: Final = 100
"""Ways from one table to those that depend on it that are followed; a sound schema has a handful."""

_ROWID: Final = SQL("rowid")
_MODELS: Final = {_NOTIFICATIONS: Notification, _RUNS: PlanningRun}


@dataclass(frozen=True, slots=True)
class Skipped:
    """Old rows of a table that stay, and why: all of the table when `rows` is None."""

    table: str
    rows: int | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"table": self.table, "rows": self.rows, "reason": self.reason}


KeyPath = tuple[ForeignKey, ...]
"""From an old record to rows that depend on it: all that the steps but the last one reach is deleted along.

Only keys of one column are followed. A record that another kind keeps is left when the file refuses to let
it go.
"""

_OWNED: Final = ForeignKey(_ARTIFACTS, ("run_id",), ("id",), "CASCADE")
"""Artifacts go with their run, whatever the file says of them."""


@dataclass(frozen=True, slots=True)
class OldRows:
    """Statements for one transaction, and how many rows of each table they remove; `rows` are rowids."""

    table: str
    rows: tuple[int, ...]
    statements: tuple[Statement, ...]
    removed: dict[str, int]


@dataclass(frozen=True, slots=True)
class OtherTables:
    """What is old at `cutoff` in the tables beside the audit chain, and what depends on it."""

    cutoff: int
    tables: frozenset[str]
    paths: Mapping[str, tuple[KeyPath, ...]]
    sized: bool = True

    def count(self, database: Database) -> tuple[dict[str, int], tuple[Skipped, ...]]:
        """How many rows of each table go, and those that stay because others refer to them."""
        asked: list[tuple[str, str | None, BaseQuery]] = []
        for table in self.paths:
            model, going = _MODELS[table], self._going(table)
            asked.append((table, None, _counting(model).where(*going)))
            asked += [(along, None, query) for along, query in self._along(table, going).items()]
            for by, kept in self._kept(table).items():
                asked.append((table, by, _counting(model).where(*self._old(table), kept)))
        counts: defaultdict[str, int] = defaultdict(int)
        skipped: list[Skipped] = []
        found = database.read_batch([query.tuples() for *_, query in asked]) if asked else []
        for (table, keeper, _), ((rows,),) in zip(asked, found, strict=True):
            if keeper is None:
                counts[table] += rows
            elif rows:
                skipped.append(Skipped(table, rows, refusal(table, rows, f"rows of {keeper}")))
        return dict(counts), tuple(skipped)

    def removals(self, database: Database, table: str) -> Iterator[OldRows]:
        """Removals of `table`, one of `paths`, read when they are asked for.

        Of notifications up to `BATCH` each; of whole runs as many as have up to `BATCH` artifacts of 1 MB
        together, at least one.
        """
        found = self._runs(database) if table == _RUNS else self._notifications(database)
        yield from (self.removal(database, table, rows) for rows in found)

    def removal(self, database: Database, table: str, rows: Sequence[int]) -> OldRows:
        """The removal of these records, which fails with `RowChanged` when one of them may no longer go."""
        going = (_listed(_ROWID, rows), *self._going(table))
        statements = [Statement(_MODELS[table].delete().where(*going), expect=len(rows))]
        along = self._along(table, going)
        found = database.read_batch([query.tuples() for query in along.values()]) if along else []
        removed = {table: len(rows)} | {name: count for name, ((count,),) in zip(along, found, strict=True)}
        if artifacts := removed.get(_ARTIFACTS, 0):
            ids = PlanningRun.select(PlanningRun.id).where(*going)
            delete = PlanningArtifact.delete().where(PlanningArtifact.run_id.in_(ids))
            statements.insert(0, Statement(delete, expect=artifacts))
        return OldRows(table, tuple(rows), tuple(statements), removed)

    def _notifications(self, database: Database) -> Iterator[list[int]]:
        query = Notification.select(_ROWID).where(*self._going(_NOTIFICATIONS)).order_by(_ROWID).limit(BATCH)
        last = -1
        while rows := [row for (row,) in database.rows(query.where(last < _ROWID).tuples())]:
            yield rows
            last = rows[-1]

    def _runs(self, database: Database) -> Iterator[list[int]]:
        query = PlanningRun.select(_ROWID, PlanningRun.id).where(*self._going(_RUNS))
        chosen: list[int] = []
        artifacts = size = 0
        for row, run_id in database.rows(query.tuples()):
            amount, length = self._weight(database, run_id)
            if chosen and (len(chosen) + artifacts + amount >= BATCH or size + length > _BYTES):
                yield chosen
                chosen, artifacts, size = [], 0, 0
            chosen.append(row)
            artifacts += amount
            size += length
        if chosen:
            yield chosen

    def _weight(self, database: Database, run_id: Any) -> tuple[int, int]:
        """How many artifacts a run has, and how many bytes they hold."""
        if _ARTIFACTS not in self.tables:
            return 0, 0
        length = fn.SUM(fn.octet_length(PlanningArtifact.content)) if self.sized else 0
        query = PlanningArtifact.select(fn.COUNT(SQL("*")), fn.COALESCE(length, 0))
        amount, total = database.rows(query.where(PlanningArtifact.run_id == run_id).tuples())[0]
        return amount, total

    def _old(self, table: str) -> tuple[Any, Any]:
        if table == _NOTIFICATIONS:
            return Notification.read == 1, is_old(Notification.created_at, self.cutoff)
        return PlanningRun.status == RunStatus.DELETED.value, is_old(PlanningRun.updated_at, self.cutoff)

    def _going(self, table: str) -> tuple[Any, ...]:
        """The conditions that a record is old and nothing keeps it."""
        return (*self._old(table), *(~kept for kept in self._kept(table).values()))

    def _kept(self, table: str) -> dict[str, Any]:
        """By table, the condition that its rows keep a record of `table`."""
        model = _MODELS[table]
        return {
            keeper: reduce(or_, (_key(model, path[0]).in_(_referred(path)) for path in paths))
            for keeper, paths in self._ending(table, goes=False).items()
        }

    def _along(self, table: str, going: Collection[Any]) -> dict[str, Any]:
        """What counts the rows, by table, that go along with the records of `table` that `going` chooses."""
        model, queries = _MODELS[table], {}
        for along, paths in self._ending(table, goes=True).items():
            rows = Table(along)
            conditions = (_goes_along(rows, path, model, going) for path in paths)
            queries[along] = _counting(rows).where(reduce(or_, conditions))
        return queries

    def _ending(self, table: str, *, goes: bool) -> dict[str, list[KeyPath]]:
        """The paths from `table`, by the table where they end, whose rows go along, or do not."""
        found: defaultdict[str, list[KeyPath]] = defaultdict(list)
        for path in self.paths.get(table, ()):
            if _goes(path[-1]) is goes:
                found[path[-1].table].append(path)
        return found


def find_others(database: Database, cutoff: int, tables: frozenset[str]) -> OtherTables:
    """Looks up what depends on the records of `tables`, which can be judged."""
    stored, _ = read_stored(database)
    paths = {
        table: tuple(islice(_paths(stored, tables, table, (), frozenset({table})), _PATHS))
        for table in _MODELS
        if table in tables
    }
    sized = _ARTIFACTS in stored and "content" in stored[_ARTIFACTS].columns
    return OtherTables(cutoff, tables, paths, sized)


NOTHING_ELSE: Final = OtherTables(0, frozenset(), {})


def is_old(column: Any, cutoff: int) -> Any:
    """The condition that `column` holds a time in whole seconds before `cutoff`."""
    return (fn.typeof(column) == "integer") & (column < cutoff)


def refusal(table: str, rows: int, by: str) -> str:
    """Why records stay, as a sentence."""
    one, more = DECLARED[table].noun
    which, whom = (one, "it") if rows == 1 else (more, "them")
    return f"{rows:,} {which} cannot be removed: {by} refer to {whom}."


def _paths(
    stored: Mapping[str, StoredTable], tables: frozenset[str], table: str, path: KeyPath, seen: frozenset[str]
) -> Iterator[KeyPath]:
    keys = stored[table].referring
    if table == _RUNS and _OWNED.table in tables:
        keys = (_OWNED, *(key for key in keys if (key.table, key.columns) != (_OWNED.table, _OWNED.columns)))
    for key in keys:
        if len(key.columns) == len(key.parent_columns) == 1 and key.table not in seen:
            if not key.on_delete.startswith("SET "):
                yield (*path, key)
            if _goes(key):
                yield from _paths(stored, tables, key.table, (*path, key), seen | {key.table})


def _goes(key: ForeignKey) -> bool:
    """Whether rows are deleted along; what would do that to audit entries keeps the record instead."""
    return key.on_delete == "CASCADE" and key.table != AUDIT_CHAIN.name


def _referred(path: KeyPath) -> Any:
    """What rows at the end of the path hold of the records at its beginning, as a subquery."""
    child = Table(path[0].table)
    column = Column(child, path[0].columns[0])
    query = child.select(column).where(column.is_null(False))
    return (
        query.where(Column(child, path[1].parent_columns[0]).in_(_referred(path[1:]))) if path[1:] else query
    )


def _goes_along(rows: Table, path: KeyPath, model: Any, going: Collection[Any]) -> Any:
    """The condition that a row of `rows`, at the end of the path, goes with the records of `model` chosen."""
    if len(path) == 1:
        parents = model.select(_key(model, path[0])).where(*going)
    else:
        parent = Table(path[-2].table)
        column = Column(parent, path[-1].parent_columns[0])
        parents = parent.select(column).where(_goes_along(parent, path[:-1], model, going))
    return Column(rows, path[-1].columns[0]).in_(parents)


def _key(model: Any, key: ForeignKey) -> Any:
    name = key.parent_columns[0]
    return model._meta.columns.get(name, Entity(name))


def _listed(column: Any, values: Sequence[int]) -> Any:
    """The condition that `column` is one of `values`, which travel as one parameter."""
    return column.in_(SQL("(SELECT value FROM json_each(?))", (json.dumps(values),)))


def _counting(rows: Any) -> Any:
    return rows.select(fn.COUNT(SQL("*")))
