"""What retention removes besides audit entries: read notifications, and planning runs marked deleted.

Runs go by `updated_at`, each together with its artifacts in one transaction, so no artifact is ever without
its run. Rows of other tables, known to us or not, may refer to either: where a foreign key deletes them along
or takes from them what they refer to they are counted, and where it would refuse, the record stays and the
table that keeps it is named; so, too, where what refers to it leads back to such rows. Parked ideas stay:
their `run_id` is only text.

Of a record whose time is no whole number of seconds nobody can tell whether it is old: it stays, and is
counted. Times in milliseconds, which the platform has, too, are read as such once a person has said so.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial, reduce
from itertools import islice
from operator import and_, or_
from typing import Any, Final

from peewee import OP, SQL, BaseQuery, Column, Expression, Select, Table, Tuple, fn

from app.services.chain.rules import SECONDS_LIMIT
from app.services.records.dependents import detached_by, on_delete
from app.services.records.images import Images
from app.services.records.rows import STORED, Value, bytewise, decoded, exactly, given, tried
from app.services.records.tables import (
    DECLARED,
    NOTIFICATIONS,
    ON,
    PLANNING_ARTIFACTS,
    PLANNING_RUNS,
)
from models.engine import Database, Statement
from models.errors import NotAllowed
from models.schema import ForeignKey, StoredTable, StoredTables, read_stored
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

_TRIED: Final = 500
"""Rows that would lose what they refer to of which it is tried beforehand whether they may."""

_PATHS: Final = 100
"""Ways from one table to those that depend on it that are followed; a sound schema has a handful."""

RECORDS: Final = {_NOTIFICATIONS: Notification, _RUNS: PlanningRun}
"""What is removed for its own time, by what tells its rows apart (`StoredTable.row_key`)."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Old rows of a table that stay, and why: all of the table when `rows` is None.

    `in_milliseconds` says that their times would be old if they were read as milliseconds.
    """

    table: str
    rows: int | None
    reason: str
    in_milliseconds: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"table": self.table, "rows": self.rows, "reason": self.reason}


KeyPath = tuple[ForeignKey, ...]
"""From an old record to rows that depend on it: all that the steps but the last one reach is deleted along.

A record that something else keeps is left when the file refuses to let it go.
"""


class Fate(Enum):
    """What becomes of the rows that refer to a record when it goes."""

    GOES = auto()
    CHANGES = auto()
    KEEPS = auto()  # the record, which stays


_OWNED: Final = ForeignKey(_ARTIFACTS, ("run_id",), ("id",), "CASCADE")
"""Artifacts go with their run, whatever the file says of them."""


@dataclass(frozen=True, slots=True)
class OldRows:
    """Statements for one transaction, and how many rows of each table they remove and change; `rows` are
    keys as `exactly` writes them.
    """

    table: str
    rows: tuple[str, ...]
    statements: tuple[Statement, ...]
    removed: dict[str, int]
    changed: dict[str, int]


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows of each table go, lose what they refer to, and stay although they are old."""

    removed: dict[str, int]
    changed: dict[str, int]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class OtherTables:
    """What is old at `cutoff` in the tables beside the audit chain, and what depends on it.

    `milliseconds` says that times which can only be that are read so. `keys` are the columns that tell rows
    apart, by table. `held` are the rows at the end of a path that their table's own rules do not let do
    without what they refer to, which keep it: by such a column, as `exactly` writes it.
    """

    cutoff: int
    tables: frozenset[str]
    keys: Mapping[str, str]
    paths: Mapping[str, tuple[KeyPath, ...]]
    sized: bool = True
    milliseconds: bool = False
    held: Mapping[KeyPath, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def foreseen(self, database: Database, stored: StoredTables) -> "OtherTables":
        """With what is `held`, as far as it can be told beforehand: of the rest a run finds out."""
        images, paths, held = Images(database), dict(self.paths), dict(self.held)
        for table, ways in self.paths.items():
            for at, path in enumerate(ways):
                if _fate(path[-1]) is not Fate.CHANGES:
                    continue
                found = self._held(database, images, stored[path[-1].table], table, path)
                if found is None:
                    path = (*path[:-1], replace(path[-1], on_delete="NO ACTION"))  # noqa: PLW2901
                elif found[1]:
                    held[path] = found
                paths[table] = (*paths[table][:at], path, *paths[table][at + 1 :])
        return replace(self, paths=paths, held=held)

    def _held(
        self, database: Database, images: Images, child: StoredTable, table: str, path: KeyPath
    ) -> tuple[str, tuple[str, ...]] | None:
        """The rows at the end of a path that may not lose what they refer to; None where none may. Of rows
        that cannot be named or tried nothing is foretold.
        """
        key, model, going, rows = path[-1], RECORDS[table], self._going(table), Table(path[-1].table)
        if child.row_key is None or not child.key:
            return "", ()
        asked = [exactly(Column(rows, name)) for name in (child.row_key, *child.key)]
        which = rows.select(*asked).where(_goes_along(rows, path, model, going)).limit(_TRIED)
        names = {tuple(map(decoded, cells)): name for name, *cells in database.rows(which.tuples())}
        there = images.matching(child.name, child.key, [*names]) if names else []
        try:
            found = [(row, detached_by(row, key)) for row in there]
        except NotAllowed:  # a default that is a formula
            return child.row_key, ()
        changing = [(row, values) for row, values in found if values is not None]
        if len(changing) < len(found) or (
            changing and not self._leads(database, table, path, changing[0][1])
        ):
            return None
        refused = database.refused_change(
            child.name,
            [*child.columns, *filter(None, [child.hidden_rowid])],
            *tried(changing),
        )
        keys = (tuple(changing[position][0].key.values()) for position, _ in refused)
        return child.row_key, tuple(names[key] for key in keys)

    def _leads(self, database: Database, table: str, path: KeyPath, values: Mapping[str, Value]) -> bool:
        """Whether what rows would refer to by these values, their defaults, is there and stays."""
        wanted = tuple(values.values())
        if None in wanted:
            return True
        parent, going = RECORDS[table]._meta.table, reduce(and_, self._going(table))
        if path[:-1]:
            parent = Table(path[-2].table)
            going = _goes_along(parent, path[:-1], RECORDS[table], self._going(table))
        columns = zip(_columns(parent, path[-1].parent_columns), map(given, wanted), strict=True)
        same = (Expression(column, OP.EQ, value) for column, value in columns)
        stays = _counting(parent).where(*same, ~fn.COALESCE(going, 0))
        return bool(database.scalar(stays.tuples()))

    def count(self, database: Database) -> Count:
        """What a run would do at the moment."""
        asked: list[tuple[BaseQuery, Callable[[int], None]]] = []
        removed: defaultdict[str, int] = defaultdict(int)
        changed: defaultdict[str, int] = defaultdict(int)
        skipped: list[Skipped] = []

        def add(to: defaultdict[str, int], name: str, rows: int) -> None:
            to[name] += rows

        def skip(table: str, reason: Callable[[str, int], str], rows: int, **options: bool) -> None:
            if rows:
                skipped.append(Skipped(table, rows, reason(table, rows), **options))

        for table in self.paths:
            model, going = RECORDS[table], self._going(table)
            asked.append((_counting(model).where(*going), partial(add, removed, table)))
            for to, fate in ((removed, Fate.GOES), (changed, Fate.CHANGES)):
                along = self._along(table, going, fate).items()
                asked += [(query, partial(add, to, name)) for name, query in along]
            for by, kept in self._kept(table).items():
                reason = partial(refusal, by=f"rows of {by}")
                asked.append((_counting(model).where(*self._old(table), kept), partial(skip, table, reason)))
            for why, undated in self._undated(table).items():
                options = {"in_milliseconds": why is _MILLISECONDS}
                stays = partial(skip, table, partial(_stay, why), **options)
                asked.append((_counting(model).where(*undated), stays))
        found = database.read_batch([query.tuples() for query, _ in asked]) if asked else []
        for (_, tell), ((rows,),) in zip(asked, found, strict=True):
            tell(rows)
        return Count(dict(removed), {name: rows for name, rows in changed.items() if rows}, tuple(skipped))

    def removals(self, database: Database, table: str) -> Iterator[OldRows]:
        """Removals of `table`, one of `paths`, read when they are asked for.

        Of notifications up to `BATCH` each; of whole runs as many as have up to `BATCH` artifacts of 1 MB
        together, at least one.
        """
        found = self._runs(database) if table == _RUNS else self._notifications(database)
        yield from (self.removal(database, table, rows) for rows in found)

    def removal(self, database: Database, table: str, rows: Sequence[str]) -> OldRows:
        """The removal of these records, which fails with `RowChanged` when one of them may no longer go.

        It is in where none of them is there: it has no audit entry of its own.
        """
        listed = self._listed(table, rows)
        going = (listed, *self._going(table))
        none_left = Select([], [SQL("1")]).where(~fn.EXISTS(RECORDS[table].select(SQL("1")).where(listed)))
        delete_all = RECORDS[table].delete().where(*going)
        statements = [Statement(delete_all, expect=len(rows), proof=none_left, what=f"retention of {table}")]
        along, changing = (self._along(table, going, fate) for fate in (Fate.GOES, Fate.CHANGES))
        queries = [query.tuples() for query in (*along.values(), *changing.values())]
        counts = [rows for ((rows,),) in (database.read_batch(queries) if queries else [])]
        removed = {table: len(rows)} | dict(zip(along, counts, strict=False))
        changed = dict(zip(changing, counts[len(along) :], strict=True))
        if artifacts := removed.get(_ARTIFACTS, 0):
            of_runs = _goes_along(PlanningArtifact._meta.table, (_OWNED,), PlanningRun, going)
            # Those that go with another of them are in no statement's count: they are counted before.
            with_others = any(path[1:] and path[-1].table == _ARTIFACTS for path in self.paths[table])
            there = Statement(PlanningArtifact.select(SQL("1")).where(of_runs), expect=artifacts)
            delete = PlanningArtifact.delete().where(of_runs)
            statements[:0] = [
                *([there] if with_others else []),
                Statement(delete, expect=None if with_others else artifacts),
            ]
        return OldRows(table, tuple(rows), tuple(statements), removed, changed)

    def holders(self, database: Database, table: str, row: str) -> str:
        """Whose rows refer to a record that the file did not let go, as a refusal says it."""
        stored, _ = read_stored(database)
        along, tables = self._ending(table, Fate.GOES), list[str]()
        for key in stored[table].referring:
            if key.table in along:
                continue
            rows = Table(key.table)
            referring = _goes_along(rows, (key,), RECORDS[table], (self._listed(table, [row]),))
            if database.scalar(_counting(rows).where(referring).tuples()):
                tables.append(key.table)
        return f"rows of {', '.join(dict.fromkeys(tables))}" if tables else "other rows"

    def _notifications(self, database: Database) -> Iterator[list[str]]:
        key = self._row_key(_NOTIFICATIONS)
        query = (
            Notification.select(exactly(key)).where(*self._going(_NOTIFICATIONS)).order_by(key).limit(BATCH)
        )
        more = query
        while rows := [row for (row,) in database.rows(more.tuples())]:
            yield rows
            if len(rows) < BATCH:
                return  # what these have kept so far stays as it was foretold
            more = query.where(key > given(decoded(rows[-1])))

    def _runs(self, database: Database) -> Iterator[list[str]]:
        query = PlanningRun.select(exactly(self._row_key(_RUNS)), PlanningRun.id).where(*self._going(_RUNS))
        chosen: list[str] = []
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

    def _row_key(self, table: str) -> Any:
        return Column(RECORDS[table]._meta.table, self.keys[table])

    def _listed(self, table: str, rows: Sequence[str]) -> Any:
        """The condition that a record is one of `rows`, which travel as one parameter."""
        return _among(self._row_key(table), rows)

    def _dated(self, table: str) -> tuple[Any, Any]:
        """The condition that a record may go when it is old, and its time."""
        if table == _NOTIFICATIONS:
            return Notification.read.in_(ON), Notification.created_at
        return PlanningRun.status == RunStatus.DELETED.value, PlanningRun.updated_at

    def _old(self, table: str) -> tuple[Any, Any]:
        may_go, at = self._dated(table)
        return may_go, is_old(at, self.cutoff, milliseconds=self.milliseconds)

    def _undated(self, table: str) -> dict[tuple[str, str], Sequence[Any]]:
        """Why records stay that may be old, and the conditions that choose them."""
        may_go, at = self._dated(table)
        young = (fn.typeof(at) == "real") & (at >= self.cutoff) & (at < SECONDS_LIMIT)
        found: dict[tuple[str, str], Sequence[Any]] = {
            _MILLISECONDS: (may_go, _old_in_milliseconds(at, self.cutoff)),
            _NO_NUMBER: (may_go, fn.typeof(at) != "integer", ~young),
            _NO_TIME: (may_go, fn.typeof(at) == "integer", at >= SECONDS_LIMIT * 1000),
        }
        if self.milliseconds:
            del found[_MILLISECONDS]
        return found

    def _going(self, table: str) -> tuple[Any, ...]:
        """The conditions that a record is old and nothing keeps it."""
        return (*self._old(table), *(~kept for kept in self._kept(table).values()))

    def _kept(self, table: str) -> dict[str, Any]:
        """By table, the condition that its rows keep a record of `table`."""
        rows, found = RECORDS[table]._meta.table, defaultdict[str, list[Any]](list)
        for path in self.paths.get(table, ()):
            if _fate(path[-1]) is Fate.KEEPS or path in self.held:
                key, kept = _columns(rows, path[0].parent_columns), _kept_by(path, table, self.held.get(path))
                found[path[-1].table].append(_together(key).in_(kept))
        return {keeper: fn.COALESCE(reduce(or_, kept), 0) for keeper, kept in found.items()}

    def _along(self, table: str, going: Collection[Any], fate: Fate) -> dict[str, Any]:
        """What counts the rows of that fate, by table, when the `going` records of `table` go."""
        model, queries = RECORDS[table], {}
        for along, paths in self._ending(table, fate).items():
            rows = Table(along)
            conditions = (_goes_along(rows, path, model, going) for path in paths)
            queries[along] = _counting(rows).where(reduce(or_, conditions))
        return queries

    def _ending(self, table: str, fate: Fate) -> dict[str, list[KeyPath]]:
        """The paths from `table`, by the table where they end, whose rows have that fate."""
        found: defaultdict[str, list[KeyPath]] = defaultdict(list)
        for path in self.paths.get(table, ()):
            if _fate(path[-1]) is fate:
                found[path[-1].table].append(path)
        return found


def find_others(
    stored: StoredTables, cutoff: int, tables: frozenset[str], *, milliseconds: bool = False
) -> OtherTables:
    """What depends on the records of `tables`, which can be judged. Raises `NotAllowed` where that is by more
    ways than are followed.
    """
    paths = {table: _ways(stored, tables, table) for table in RECORDS if table in tables}
    sized = _ARTIFACTS in stored and "content" in stored[_ARTIFACTS].columns
    keys = {table: key for table in paths if (key := stored[table].row_key) is not None}
    return OtherTables(cutoff, tables, keys, paths, sized, milliseconds)


NOTHING_ELSE: Final = OtherTables(0, frozenset(), {}, {})


def is_old(column: Any, cutoff: int, *, milliseconds: bool = False) -> Any:
    """The condition that `column` holds a time before `cutoff`, in whole seconds or perhaps milliseconds."""
    in_seconds = (fn.typeof(column) == "integer") & (column < cutoff)
    return in_seconds | _old_in_milliseconds(column, cutoff) if milliseconds else in_seconds


def _old_in_milliseconds(column: Any, cutoff: int) -> Any:
    return (fn.typeof(column) == "integer") & (column >= SECONDS_LIMIT) & (column < cutoff * 1000)


_MILLISECONDS: Final = (
    "its time seems to be in milliseconds, and is old if it is",
    "their times seem to be in milliseconds, and are old if they are",
)
_NO_TIME: Final = (
    "its time is neither in seconds nor in milliseconds, so whether it is old cannot be told",
    "their times are neither in seconds nor in milliseconds, so whether they are old cannot be told",
)
_NO_NUMBER: Final = (
    "its time is no whole number, so whether it is old cannot be told",
    "their times are no whole numbers, so whether they are old cannot be told",
)


def _stay(why: tuple[str, str], table: str, rows: int) -> str:
    """Why records stay that cannot be judged, as a sentence; `why` of one, and of several."""
    one, more = DECLARED[table].noun
    return f"{rows:,} {one} stays: {why[0]}." if rows == 1 else f"{rows:,} {more} stay: {why[1]}."


def refusal(table: str, rows: int, by: str) -> str:
    """Why records stay, as a sentence, which holds when a run is over, too: of records that refer to each
    other those go first to which none refers, and what they kept goes with the next run.
    """
    one, more = DECLARED[table].noun
    which, whom = (one, "it") if rows == 1 else (more, "them")
    if by == f"rows of {table}":
        return f"{rows:,} {which} cannot be removed before the {more} that refer to {whom}."
    return f"{rows:,} {which} cannot be removed: {by} refer to {whom}."


def _ways(stored: Mapping[str, StoredTable], tables: frozenset[str], table: str) -> tuple[KeyPath, ...]:
    found = tuple(islice(_paths(stored, tables, table, (), frozenset({table})), _PATHS + 1))
    if len(found) > _PATHS:
        raise NotAllowed(
            f"Rows of other tables depend on {table} by more than {_PATHS} ways of foreign keys, so what "
            "would go along cannot be told; nothing was removed."
        )
    return found


def _paths(
    stored: Mapping[str, StoredTable], tables: frozenset[str], table: str, path: KeyPath, seen: frozenset[str]
) -> Iterator[KeyPath]:
    """A key that leads back to a table on the way ends there: it keeps the record (`_kept_by`)."""
    keys = stored[table].referring
    if table == _RUNS and _OWNED.table in tables:
        keys = (_OWNED, *(key for key in keys if (key.table, key.columns) != (_OWNED.table, _OWNED.columns)))
    for key in keys:
        # Nobody can tell what triggers, or a way that goes round, would take along; and a column that holds
        # no NULL loses nothing.
        child = stored[key.table]
        is_held = key.on_delete == "SET NULL" and bool({*child.never_null} & {*key.columns})
        if (child.has_triggers or key.table in seen or is_held) and key.on_delete != "RESTRICT":
            key = replace(key, on_delete="NO ACTION")  # noqa: PLW2901
        if "" in (key.table, *key.columns, *key.parent_columns):
            raise NotAllowed(
                f"A table or column without a name has to do with what refers to {table}, so what would go "
                "along cannot be told; nothing was removed."
            )
        if len(key.columns) == len(key.parent_columns):
            yield (*path, key)
            if _fate(key) is Fate.GOES:
                yield from _paths(stored, tables, key.table, (*path, key), seen | {key.table})


def _fate(key: ForeignKey) -> Fate:
    match on_delete(key):
        case "CASCADE":
            return Fate.GOES
        case "SET NULL" | "SET DEFAULT":
            return Fate.CHANGES
    return Fate.KEEPS


def _kept_by(path: KeyPath, table: str, some: tuple[str, tuple[str, ...]] | None = None) -> Any:
    """What rows at the end of the path hold of the records of `table` at its beginning, as a subquery; with
    `some`, those of them that have these values in a column.

    Where the path leads back to a table on it, rows that go with the very same record keep none.
    """
    rows = [Table(key.table, alias=f"step{at}") for at, key in enumerate(path)]  # one may come twice
    held, end = _columns(rows[0], path[0].columns), rows[-1]
    query = rows[0].select(*held).where(*(column.is_null(False) for column in held))
    if some is not None:
        query = query.where(_among(Column(end, some[0]), some[1]))
    for key, parent, child in zip(path[1:], rows, rows[1:], strict=False):
        query = query.join(child, on=_refers(child, parent, key))
    if path[-1].on_delete == "RESTRICT":  # which counts rows that are about to go, too
        return query
    there = [key.table for key in path[:-1]]
    if path[-1].table == table:
        own, whose = _columns(end, path[0].parent_columns), held
    elif path[-1].table in there:
        at = there.index(path[-1].table)
        own, whose = (_columns(one, path[at].columns) for one in (end, rows[at]))
    else:
        return query
    return query.where(Expression(_together(own), "IS NOT", _together(whose)))


def _among(column: Any, values: Sequence[str]) -> Any:
    """The condition that a column holds one of these values, as `exactly` writes them."""
    return column.in_(SQL(f"(SELECT {STORED} FROM json_each(?))", [json.dumps(values)]))  # noqa: S608


def _columns(rows: Table, names: Sequence[str]) -> list[Column]:
    return [Column(rows, name) for name in names]


def _goes_along(rows: Table, path: KeyPath, model: Any, going: Collection[Any]) -> Any:
    """The condition that a row of `rows`, at the end of the path, goes with the records of `model` chosen.

    It holds the very same as one that refers to them: rows that their own collation takes for that do not.
    """
    own = list(map(bytewise, _columns(rows, path[-1].columns)))
    return Expression(_together(own), OP.IN, _along_with(path, model, going))


def _along_with(path: KeyPath, model: Any, going: Collection[Any]) -> Any:
    """What rows at the end of the path hold of what they refer to, as a subquery: compared as SQLite compares
    foreign keys, which is what the parent's collation says.
    """
    key = path[-1]
    child, parent, chosen = Table(key.table, alias=f"child{len(path)}"), model._meta.table, going
    if path[:-1]:
        parent = Table(path[-2].table, alias=f"parent{len(path)}")
        chosen = (_goes_along(parent, path[:-1], model, going),)
    query = child.select(*_columns(child, key.columns))
    return query.join(parent, on=_refers(child, parent, key)).where(*chosen)


def _refers(child: Table, parent: Table, key: ForeignKey) -> Any:
    """The parent stands first, so that its collation counts (`records.rows.refers`)."""
    return _together(_columns(parent, key.parent_columns)) == _together(_columns(child, key.columns))


def _together(columns: Sequence[Any]) -> Any:
    """One value of several columns, where a key has several."""
    return columns[0] if len(columns) == 1 else Tuple(*columns)


def _counting(rows: Any) -> Any:
    return rows.select(fn.COUNT(SQL("*")))
