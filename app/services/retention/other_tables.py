"""What retention removes besides audit entries: read notifications, and planning runs marked deleted.

Runs go by `updated_at`, each together with its artifacts in one transaction, so no artifact is ever without
its run. Rows of other tables, known to us or not, may refer to either: where a foreign key deletes them along
or takes from them what they refer to they are counted, and where it would refuse, or nobody can tell, the
record stays and the table that keeps it is named; so, too, where what refers to it leads back to such rows.
Parked ideas stay: their `run_id` is only text.

What was counted is what goes, or less: the keys of those records are kept, and nothing else is removed.

Of a record whose time is no whole number of seconds nobody can tell whether it is old: it stays, and is
counted. Times in milliseconds, which the platform has, too, are read as such once a person has said so.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from operator import and_, or_
from typing import Any, Final

from peewee import OP, SQL, BaseQuery, Column, Expression, Select, Table, fn

from app.services.chain.rules import SECONDS_LIMIT, is_no_time
from app.services.records import references
from app.services.records.images import Images
from app.services.records.references import Fate, KeyPath, columns_of
from app.services.records.rows import Value, decoded, exactly, given, in_parts, refers, tried
from app.services.records.tables import DECLARED, NOTIFICATIONS, PLANNING_ARTIFACTS, PLANNING_RUNS
from app.services.retention.clock import GOES_BY, is_old, old_in_milliseconds
from models.engine import PAGE_ROWS, Database, Statement
from models.errors import NotAllowed
from models.schema import ForeignKey, StoredTable, StoredTables, read_stored
from models.tables import Notification, PlanningArtifact, PlanningRun

_NOTIFICATIONS, _RUNS, _ARTIFACTS = NOTIFICATIONS.name, PLANNING_RUNS.name, PLANNING_ARTIFACTS.name


def _goes_by(table: str) -> tuple[str, str]:
    return GOES_BY[table].state, GOES_BY[table].time


NEEDED: Final[dict[str, tuple[str, ...]]] = {
    _NOTIFICATIONS: _goes_by(_NOTIFICATIONS),
    _RUNS: ("id", *_goes_by(_RUNS)),
    _ARTIFACTS: ("run_id",),
}
"""The tables beside the audit chain that retention removes from, and what it must know of each."""

BATCH: Final = 1_000
"""Rows a transaction: their keys are scattered over three indexes, so each costs more than an audit entry."""

_BYTES: Final = 1_000_000
"""Artifact text a transaction: freed pages are overwritten, which takes its time."""

_TRIED: Final = 500
"""Rows that would lose what they refer to of which it is tried beforehand whether they may."""

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
    """How many rows of each table go, lose what they refer to, and stay although they are old; `due` as in
    `OtherTables`.
    """

    removed: dict[str, int]
    changed: dict[str, int]
    skipped: tuple[Skipped, ...]
    due: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OtherTables:
    """What is old at `cutoff` in the tables beside the audit chain, and what depends on it.

    `milliseconds` says that times which can only be that are read so. `keys` are the columns that tell rows
    apart, by table. `free` are the rows at the end of a path that their table's own rules let do without what
    they refer to, by the key of it and as `_among` takes them; all others there keep it. `due` are the keys
    of the records that go, by table, as that takes them, once they are counted.
    """

    cutoff: int
    tables: frozenset[str]
    keys: Mapping[str, str]
    paths: Mapping[str, tuple[KeyPath, ...]]
    sized: bool = True
    milliseconds: bool = False
    free: Mapping[KeyPath, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    due: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def foreseen(self, database: Database, stored: StoredTables) -> "OtherTables":
        """With what is `free`, as it can be told beforehand: of the rest a run takes nothing either."""
        images, paths, frees = Images(database), dict(self.paths), dict(self.free)
        for table, known in self.paths.items():
            for at, path in enumerate(known):
                if references.fate_of(path[-1]) is not Fate.CHANGES:
                    continue
                child = stored[path[-1].table]
                is_shared = _is_shared(stored, path[-1])
                free = () if is_shared else self._free(database, images, child, table, path)
                if free:
                    frees[path] = child.key, json.dumps(free)
                elif free is not None:
                    path = (*path[:-1], replace(path[-1], on_delete="NO ACTION"))  # noqa: PLW2901
                paths[table] = (*paths[table][:at], path, *paths[table][at + 1 :])
        return replace(self, paths=paths, free=frees)

    def _free(
        self, database: Database, images: Images, child: StoredTable, table: str, path: KeyPath
    ) -> Sequence[Sequence[str]] | None:
        """The keys of the rows at the end of a path that may lose what they refer to; None where all may."""
        key, model, going, rows = path[-1], RECORDS[table], self._going(table), Table(path[-1].table)
        try:
            values = references.detached_by(child, key)
        except NotAllowed:  # a default that is a formula
            return ()
        if (
            values is None
            or child.referring_to(values)  # whose rows ON UPDATE would carry along, or keep it
            or self._dangles(database, child)
            or not self._leads(database, table, path, values)
        ):
            return ()
        given = {name for name, value in values.items() if value is not None}
        if not database.may_refuse(child.name, given):
            return None
        asked = [exactly(Column(rows, name)) for name in child.key]
        if not asked:
            return ()
        which = rows.select(*asked).where(references.goes_along(rows, path, model, going)).limit(_TRIED)
        found = database.rows(which.tuples())
        names = {tuple(map(decoded, cells)): cells for cells in found if "NULL" not in cells}
        there = images.matching(child.name, child.key, [*names]) if names else []
        refused = database.refused_change(
            child.name,
            [*child.columns, *filter(None, [child.hidden_rowid])],
            *tried([(row, values) for row in there]),
            given,
        )
        kept = {position for position, _ in refused}
        return [names[tuple(row.key.values())] for at, row in enumerate(there) if at not in kept]

    def _dangles(self, database: Database, child: StoredTable) -> bool:
        """Whether a row refers to one of its own table that is not there: SQLite looks at that with any
        change of the row, and refuses it.
        """
        rows, parent = (Table(child.name, alias=alias) for alias in ("child", "parent"))
        for key in (key for key in child.referring if key.table == child.name):
            is_set = (column.is_null(False) for column in columns_of(rows, key.columns))
            is_there = fn.EXISTS(parent.select(SQL("1")).where(SQL(refers("parent", key))))
            if database.scalar(_counting(rows).where(*is_set, ~is_there).tuples()):
                return True
        return False

    def _leads(self, database: Database, table: str, path: KeyPath, values: Mapping[str, Value]) -> bool:
        """Whether what rows would refer to by these values, their defaults, is there and stays."""
        wanted = tuple(values.values())
        if None in wanted:
            return True
        parent, going = RECORDS[table]._meta.table, reduce(and_, self._going(table))
        if path[:-1]:
            parent = Table(path[-2].table)
            going = references.goes_along(parent, path[:-1], RECORDS[table], self._going(table))
        columns = zip(columns_of(parent, path[-1].parent_columns), map(given, wanted), strict=True)
        same = (Expression(column, OP.EQ, value) for column, value in columns)
        stays = _counting(parent).where(*same, ~fn.COALESCE(going, 0))
        return bool(database.scalar(stays.tuples()))

    def count(self, database: Database) -> Count:
        """What a run does: each row is counted once, by whatever it goes, and changes none that goes."""
        asked: list[tuple[BaseQuery, Callable[[int], None]]] = []
        removed: dict[str, int] = {}
        changed: dict[str, int] = {}
        skipped: list[Skipped] = []

        def skip(table: str, reason: Callable[[str, int], str], rows: int, **options: bool) -> None:
            if rows:
                skipped.append(Skipped(table, rows, reason(table, rows), **options))

        rows = {table: tuple(self._due(database, table)) for table in self.paths}
        for table in self.paths:
            model = RECORDS[table]
            for by, kept in self._kept(table).items():
                reason = partial(refusal, by=f"rows of {by}")
                asked.append((_counting(model).where(*self._old(table), kept), partial(skip, table, reason)))
            for why, undated in self._undated(table).items():
                options = {"in_milliseconds": why is _MILLISECONDS}
                stays = partial(skip, table, partial(_stay, why), **options)
                asked.append((_counting(model).where(*undated), stays))
        for to, fate in ((removed, Fate.GOES), (changed, Fate.CHANGES)):
            for name, query in self._along(fate).items():
                asked.append((query, partial(to.__setitem__, name)))
        found = database.read_batch([query.tuples() for query, _ in asked]) if asked else []
        for (_, tell), ((number,),) in zip(asked, found, strict=True):
            tell(number)
        for table, keys in rows.items():
            own = sum(len(json.loads(one)) for one in keys)
            removed = {table: own + removed.pop(table, 0), **removed}
        changed = {name: number for name, number in changed.items() if number}
        return Count(removed, changed, tuple(skipped), rows)

    def _due(self, database: Database, table: str) -> Iterator[str]:
        """The keys of the records that go, as `_among` takes them, `BATCH` in each."""
        key = self._row_key(table)
        query = RECORDS[table].select(exactly(key)).where(*self._going(table)).order_by(key).limit(PAGE_ROWS)
        more, page = query, PAGE_ROWS
        while page == PAGE_ROWS:
            found = [row for (row,) in database.rows(more.tuples())]
            yield from (json.dumps([[row] for row in part]) for part in in_parts(found, BATCH))
            page = len(found)
            if found:
                more = query.where(key > given(decoded(found[-1])))

    def removals(self, database: Database, table: str) -> Iterator[OldRows]:
        """Removals of those that are `due` in `table`, one of `paths`, and may still go.

        Of notifications up to `BATCH` each; of whole runs as many as have up to `BATCH` artifacts of 1 MB
        together, at least one.
        """
        weight = (fn.COUNT(SQL("*")), fn.COALESCE(fn.SUM(fn.octet_length(PlanningArtifact.content)), 0))
        own = PlanningArtifact.run_id == PlanningRun.id
        weighs = table == _RUNS and _ARTIFACTS in self.tables
        which = weight[: 1 + self.sized] if weighs else ()
        asked = [exactly(self._row_key(table)), *(PlanningArtifact.select(one).where(own) for one in which)]
        for keys in self.due[table]:
            listed = references.among([self._row_key(table)], keys)
            chosen: list[str] = []
            artifacts = size = 0
            query = RECORDS[table].select(*asked).where(*self._going(table, listed))
            for row, *weights in database.rows(query.order_by(self._row_key(table)).tuples()):
                amount, length = (*weights, 0, 0)[:2]
                is_full = len(chosen) + artifacts + amount >= BATCH or size + length > _BYTES
                if chosen and weighs and is_full:
                    yield self.removal(database, table, chosen)
                    chosen, artifacts, size = [], 0, 0
                chosen.append(row)
                artifacts += amount
                size += length
            if chosen:
                yield self.removal(database, table, chosen)

    def removal(self, database: Database, table: str, rows: Sequence[str]) -> OldRows:
        """The removal of these records, which fails with `RowChanged` when one of them may no longer go.

        It is in where none of them is there, which proves it where no chain records it.
        """
        listed = self._listed(table, rows)
        going = self._going(table, listed)
        none_left = Select([], [SQL("1")]).where(~fn.EXISTS(RECORDS[table].select(SQL("1")).where(listed)))
        delete_all = RECORDS[table].delete().where(*going)
        statements = [Statement(delete_all, expect=len(rows), proof=none_left, what=f"retention of {table}")]
        along, changing = (self._along(fate, {table: going}) for fate in (Fate.GOES, Fate.CHANGES))
        queries = [query.tuples() for query in (*along.values(), *changing.values())]
        counts = [rows for ((rows,),) in (database.read_batch(queries) if queries else [])]
        removed = {table: len(rows)} | dict(zip(along, counts, strict=False))
        changed = dict(zip(changing, counts[len(along) :], strict=True))
        if artifacts := removed.get(_ARTIFACTS, 0):
            of_runs = references.goes_along(PlanningArtifact._meta.table, (_OWNED,), PlanningRun, going)
            # Those that go with another of them are in no statement's count: they are counted before.
            with_others = any(path[1:] and path[-1].table == _ARTIFACTS for path in self.paths[table])
            there = Statement(PlanningArtifact.select(SQL("1")).where(of_runs), expect=artifacts)
            delete = PlanningArtifact.delete().where(of_runs)
            statements[:0] = [
                *([there] if with_others else []),
                Statement(delete, expect=None if with_others else artifacts),
            ]
        return OldRows(table, tuple(rows), tuple(statements), removed, changed)

    def grown(self, database: Database, *counts: Mapping[str, int]) -> list[str]:
        """The tables of which more rows go along with what is due, or lose what they refer to, than were
        counted.
        """
        found = [self._along(fate) for fate in (Fate.GOES, Fate.CHANGES)]
        asked = [
            (name, query, of)
            for of, queries in zip(counts, found, strict=True)
            for name, query in queries.items()
        ]
        now = database.read_batch([query.tuples() for _, query, _ in asked]) if asked else []
        return [name for (name, _, of), ((rows,),) in zip(asked, now, strict=True) if rows > of.get(name, 0)]

    def kept_since(self, database: Database, table: str) -> Counter[str]:
        """How many of those that were due are old and stay, by whose rows have come to keep them."""
        due = references.among([self._row_key(table)], _joined(self.due[table]))
        kept = self._kept(table)
        queries = [_counting(RECORDS[table]).where(due, *self._old(table), one) for one in kept.values()]
        found = database.read_batch([query.tuples() for query in queries]) if queries else []
        return Counter({f"rows of {by}": rows for by, ((rows,),) in zip(kept, found, strict=True) if rows})

    def holders(self, database: Database, table: str, row: str) -> str:
        """Whose rows refer to a record that the file did not let go, as a refusal says it."""
        stored, _ = read_stored(database)
        along, tables = self._ending(table, Fate.GOES), list[str]()
        for key in stored[table].referring:
            if key.table in along:
                continue
            rows = Table(key.table)
            referring = references.goes_along(rows, (key,), RECORDS[table], (self._listed(table, [row]),))
            if database.scalar(_counting(rows).where(referring).tuples()):
                tables.append(key.table)
        return f"rows of {', '.join(dict.fromkeys(tables))}" if tables else "other rows"

    def _row_key(self, table: str) -> Any:
        return Column(RECORDS[table]._meta.table, self.keys[table])

    def _listed(self, table: str, rows: Sequence[str]) -> Any:
        """The condition that a record is one of `rows`, which travel as one parameter."""
        return references.among([self._row_key(table)], json.dumps([[row] for row in rows]))

    def _dated(self, table: str) -> tuple[Any, Any]:
        """The condition that a record may go when it is old, and its time."""
        by, fields = GOES_BY[table], RECORDS[table]._meta.fields
        return fields[by.state].in_(by.states), fields[by.time]

    def _old(self, table: str) -> tuple[Any, Any]:
        may_go, at = self._dated(table)
        return may_go, is_old(at, self.cutoff, milliseconds=self.milliseconds)

    def _undated(self, table: str) -> dict[tuple[str, str], Sequence[Any]]:
        """Why records stay that may be old, and the conditions that choose them."""
        may_go, at = self._dated(table)
        young = (fn.typeof(at) == "real") & (at >= self.cutoff) & (at < SECONDS_LIMIT)
        found: dict[tuple[str, str], Sequence[Any]] = {
            _MILLISECONDS: (may_go, old_in_milliseconds(at, self.cutoff)),
            _NO_NUMBER: (may_go, fn.typeof(at) != "integer", ~young),
            _NO_TIME: (may_go, fn.typeof(at) == "integer", is_no_time(at)),
        }
        if self.milliseconds:
            del found[_MILLISECONDS]
        return found

    def _going(self, table: str, listed: Any = None) -> tuple[Any, ...]:
        """The conditions that a record is old and nothing keeps it."""
        may_go, old = self._old(table)
        kept = (~kept for kept in self._kept(table).values())
        if listed is None:
            return may_go, old, *kept
        # By their keys: the index of a flag would lead to all rows that may go, for each batch once more.
        return listed, fn.COALESCE(may_go, 0), old, *kept

    def _kept(self, table: str) -> dict[str, Any]:
        """By table, the condition that its rows keep a record of `table`."""
        rows, found = RECORDS[table]._meta.table, defaultdict[str, list[Any]](list)
        for path in self.paths.get(table, ()):
            if references.fate_of(path[-1]) is Fate.KEEPS or path in self.free:
                found[path[-1].table].append(references.kept_by(path, rows, table, self.free.get(path)))
        return {keeper: fn.COALESCE(reduce(or_, kept), 0) for keeper, kept in found.items()}

    def _along(self, fate: Fate, some: Mapping[str, Collection[Any]] | None = None) -> dict[str, Any]:
        """What counts the rows of that fate, by table, when all records go, or `some` of a table's. A row
        that changes and will go, or change again, with others is counted then.
        """
        queries = {}
        everything = self._everything()
        gone, later = self._having(everything, Fate.GOES), dict[str, list[Any]]()
        if some is not None:
            rest = {
                table: (~fn.COALESCE(reduce(and_, chosen), 0), *everything[table])
                for table, chosen in some.items()
            }
            later = self._having(everything | rest, Fate.CHANGES)
        for name, conditions in self._having(everything if some is None else some, fate).items():
            which = [reduce(or_, conditions)]
            if fate is Fate.CHANGES:
                others = [*gone.get(name, ())]
                if name in everything:
                    others.append(reduce(and_, everything[name]))
                ways = (path for table in self.paths for path in self._ending(table, fate).get(name, ()))
                if len({path[-1] for path in ways}) > 1:
                    others += later.get(name, ())
                which += [~fn.COALESCE(one, 0) for one in others]
            queries[name] = _counting(_rows(name)).where(*which)
        return queries

    def _everything(self) -> dict[str, Collection[Any]]:
        """By table, the conditions that a record goes; once they are counted, what has come to be free since
        then does not.
        """
        return {
            table: self._going(table, references.among([self._row_key(table)], _joined(self.due[table])))
            if self.due
            else self._going(table)
            for table in self.paths
        }

    def _having(self, going: Mapping[str, Collection[Any]], fate: Fate) -> dict[str, list[Any]]:
        """By table, the conditions that one of its rows has that fate when those records go."""
        found = defaultdict[str, list[Any]](list)
        for table, chosen in going.items():
            for name, paths in self._ending(table, fate).items():
                rows, model = _rows(name), RECORDS[table]
                found[name] += (references.goes_along(rows, path, model, chosen) for path in paths)
        return found

    def _ending(self, table: str, fate: Fate) -> dict[str, list[KeyPath]]:
        """The paths from `table`, by the table where they end, whose rows have that fate."""
        found: defaultdict[str, list[KeyPath]] = defaultdict(list)
        for path in self.paths.get(table, ()):
            if references.fate_of(path[-1]) is fate:
                found[path[-1].table].append(path)
        return found


def _is_shared(stored: StoredTables, key: ForeignKey) -> bool:
    """Whether a column of a key is one of another key, too, which a change breaks or leads elsewhere."""
    keys = (other for table in stored.values() for other in table.referring if other.table == key.table)
    return any(other != key and {*other.columns} & {*key.columns} for other in keys)


def find_others(
    stored: StoredTables, cutoff: int, tables: frozenset[str], *, milliseconds: bool = False
) -> OtherTables:
    """What depends on the records of `tables`, which can be judged. Raises `NotAllowed` where that is by more
    ways than are followed.
    """
    if {_RUNS, _OWNED.table} <= tables:
        known = stored[_RUNS].referring
        others = (key for key in known if (key.table, key.columns) != (_OWNED.table, _OWNED.columns))
        stored = {**stored, _RUNS: replace(stored[_RUNS], referring=(_OWNED, *others))}
    paths = {table: references.ways(stored, table, RECORDS) for table in RECORDS if table in tables}
    sized = _ARTIFACTS in stored and "content" in stored[_ARTIFACTS].columns
    keys = {table: key for table in paths if (key := stored[table].row_key) is not None}
    return OtherTables(cutoff, tables, keys, paths, sized, milliseconds)


NOTHING_ELSE: Final = OtherTables(0, frozenset(), {}, {})


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


def _rows(table: str) -> Table:
    return RECORDS[table]._meta.table if table in RECORDS else Table(table)


@lru_cache(maxsize=len(RECORDS))
def _joined(keys: tuple[str, ...]) -> str:
    """All of them as `_among` takes them."""
    return f"[{','.join(one[1:-1] for one in keys)}]"


def _counting(rows: Any) -> Any:
    return rows.select(fn.COUNT(SQL("*")))
