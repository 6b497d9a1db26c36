"""What foreign keys say: what becomes of rows when what they refer to goes, by which ways rows depend on it,
and the conditions that find them.

And what goes along when rows are deleted. SQLite would delete or alter rows that refer to them silently, and
nothing could put them back. So they are read, named, written as changes of their own, children first, and
come back with an undo.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, Final

from peewee import OP, SQL, Column, Expression, Table, Tuple, fn

from app.services import text
from app.services.records.images import MOST, Images, require_key
from app.services.records.rows import ID, STORED, RowChange, StoredRow, Value, bytewise, refers
from app.services.records.tables import AUDIT_CHAIN
from app.services.records.unaltered import addable, followed
from models.errors import NotAllowed, ReferredByEntries, StillReferred
from models.freeing import let_go
from models.schema import ForeignKey, StoredTable, StoredTables

WAYS: Final = 100
"""Ways from one table to those that depend on it that are followed; a sound schema has a handful."""


class Fate(Enum):
    """What becomes of the rows that refer to a row when it goes."""

    GOES = auto()
    CHANGES = auto()
    KEEPS = auto()  # the row, which stays


_FATES: Final = {"CASCADE": Fate.GOES, "SET NULL": Fate.CHANGES, "SET DEFAULT": Fate.CHANGES}


def fate_of(key: ForeignKey) -> Fate:
    """What becomes of the rows that refer by this key: audit entries stay as they are and keep what they
    refer to, whatever the file says of them.
    """
    return Fate.KEEPS if key.table == AUDIT_CHAIN.name else _FATES.get(key.on_delete, Fate.KEEPS)


def detached_by(table: StoredTable, key: ForeignKey) -> dict[str, Value] | None:
    """What the referring columns hold when what they refer to is gone; None where that would be a NULL and
    one of them takes none. Raises `NotAllowed` where it is a formula.
    """
    default = key.on_delete == "SET DEFAULT"
    found = {column: _default(table, column) if default else None for column in key.columns}
    empty = {column for column, value in found.items() if value is None}
    return found if empty.isdisjoint(table.never_null) else None


def _default(table: StoredTable, column: str) -> Value:
    """A column's default, where it is a plain literal."""
    sql = table.defaults.get(column, "NULL").strip()
    if sql.upper() == "NULL":
        return None
    if re.fullmatch(r"[+-]?\d+", sql):
        return int(sql)
    if re.fullmatch(r"'(?:[^']|'')*'", sql):
        return sql[1:-1].replace("''", "'")
    raise NotAllowed(
        f"Rows of {table.name} would get their default for {column}, which is a formula; nothing was changed."
    )


KeyPath = tuple[ForeignKey, ...]
"""From a row to rows that depend on it: all that the steps but the last one reach goes along with it.

A row that something else keeps is left when the file refuses to let it go.
"""


def ways(stored: StoredTables, table: str, by_themselves: Collection[str] = ()) -> tuple[KeyPath, ...]:
    """By which keys rows depend on those of `table`; those of the tables that go `by_themselves` keep what
    they refer to. Raises `NotAllowed` where there are more ways than are followed.
    """
    found = tuple(islice(_paths(stored, table, by_themselves, (), frozenset({table})), WAYS + 1))
    if len(found) > WAYS:
        raise NotAllowed(
            f"Rows of other tables depend on {table} by more than {WAYS} ways of foreign keys, so what "
            "would go along cannot be told; nothing was removed."
        )
    return found


def _paths(
    stored: StoredTables, table: str, by_themselves: Collection[str], path: KeyPath, seen: frozenset[str]
) -> Iterator[KeyPath]:
    """A key that leads back to a table on the way ends there: it keeps the row (`kept_by`)."""
    for key in stored[table].referring:
        # Nobody can tell what triggers, or a way that goes round, would take along; and a column that holds
        # no NULL loses nothing.
        child = stored[key.table]
        is_held = key.on_delete == "SET NULL" and detached_by(child, key) is None
        goes_by_itself = key.table in by_themselves and fate_of(key) is Fate.GOES
        keeps = child.has_triggers or key.table in seen or is_held or goes_by_itself
        if keeps and key.on_delete != "RESTRICT":
            key = replace(key, on_delete="NO ACTION")  # noqa: PLW2901
        if "" in (key.table, *key.columns, *key.parent_columns):
            raise NotAllowed(
                f"A table or column without a name has to do with what refers to {table}, so what would go "
                "along cannot be told; nothing was removed."
            )
        if len(key.columns) == len(key.parent_columns):
            yield (*path, key)
            if fate_of(key) is Fate.GOES:
                yield from _paths(stored, key.table, by_themselves, (*path, key), seen | {key.table})


def kept_by(path: KeyPath, rows: Table, table: str, free: tuple[tuple[str, ...], str] | None) -> Any:
    """The condition that a row of `rows`, of `table` at the beginning of the path, is kept by one at its end;
    but by those that are `free` (key columns, and keys as `among` takes them), if any are.

    Where the path leads back to a table on it, rows that go with the very same row keep none.
    """
    steps = [Table(key.table, alias=f"step{at}") for at, key in enumerate(path)]  # one may come twice
    held, end = columns_of(steps[0], path[0].columns), steps[-1]
    query = steps[0].select(*held).where(*(column.is_null(False) for column in held))
    if free is not None:
        query = query.where(fn.COALESCE(among(columns_of(end, free[0]), free[1]), 0) == 0)
    for at, key in enumerate(path[1:]):
        query = query.join(steps[at + 1], on=SQL(refers(f"step{at}", key, f"step{at + 1}")))
    there = [key.table for key in path[:-1]]
    own = whose = None
    if path[-1].on_delete == "RESTRICT":  # which counts rows that are about to go, too
        pass
    elif path[-1].table == table:
        own, whose = columns_of(end, path[0].parent_columns), held
    elif path[-1].table in there:
        at = there.index(path[-1].table)
        own, whose = (columns_of(one, path[at].columns) for one in (end, steps[at]))
    if own and whose:
        query = query.where(Expression(_together(own), "IS NOT", _together(whose)))
    return _together(columns_of(rows, path[0].parent_columns)).in_(query)


def goes_along(rows: Table, path: KeyPath, model: Any, going: Collection[Any]) -> Any:
    """The condition that a row of `rows`, at the end of the path, goes with those of `model` that meet the
    conditions `going`.

    It holds the very same as one that refers to them: rows that their own collation takes for that do not.
    """
    key = path[-1]
    parents, chosen = model._meta.table, going
    if path[:-1]:
        parents = Table(path[-2].table)
        chosen = (goes_along(parents, path[:-1], model, going),)
    parents = parents.select(*columns_of(parents, key.parent_columns)).where(*chosen).alias("parent")
    child, own = Table(key.table, alias="child"), map(bytewise, columns_of(rows, key.columns))
    held = child.select(*columns_of(child, key.columns)).join(parents, on=SQL(refers("parent", key)))
    return Expression(_together([*own]), OP.IN, held)


def among(columns: Sequence[Any], keys: str) -> Any:
    """The condition that columns hold one of these keys: lists of values by `exactly`, in JSON."""
    stored = (STORED.replace("value", f"(value ->> {at})") for at in range(len(columns)))
    return _together(columns).in_(SQL(f"(SELECT {', '.join(stored)} FROM json_each(?))", [keys]))  # noqa: S608


def columns_of(rows: Table, names: Sequence[str]) -> list[Column]:
    return [Column(rows, name) for name in names]


def _together(columns: Sequence[Any]) -> Any:
    """One value of several columns, where a key has several."""
    return columns[0] if len(columns) == 1 else Tuple(*columns)


Identity = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that go, with all that goes or changes along: `rows` in the order in which they are written.

    `along` counts by table, for each row that was to go, what is `alsoDeleted` and `alsoChanged` with it.
    """

    rows: tuple[RowChange, ...]
    along: Mapping[Identity, Mapping[str, Counter[str]]]

    def of(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """How many rows of which tables go along with one of the rows, for its audit entry."""
        return {what: dict(counted) for what, counted in self.along.get(row.identity, {}).items()}

    def back(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """The same for the entry that says that they are there again."""
        total = sum(self.along.get(row.identity, {}).values(), Counter())
        return {"alsoRestored": dict(total)} if total else {}

    def __str__(self) -> str:
        """For a summary: “, with 2 rows of operator_reviews”, or nothing."""
        said = ""
        for word, what in (("with", "alsoDeleted"), ("changing", "alsoChanged")):
            total = sum((found.get(what, Counter()) for found in self.along.values()), Counter())
            said += f", {word} {_rows(total)}" if total else ""
        return said


def removal(images: Images, rows: Sequence[StoredRow]) -> Removal:
    """What deleting `rows` takes, found out before anything is written.

    Raises `Refused` where SQLite cannot follow a foreign key, `StillReferred`, which counts the rows that may
    not lose what they refer to and names which of `rows` they keep (`ReferredByEntries` where audit
    entries are among them), and `NotAllowed` where what goes or changes along could not be put back: rows in
    a circle, that break the file's own rules, that refer to nothing, or are referred to by what would change,
    too many rows.
    """
    own_tables = dict.fromkeys(row.table.name for row in rows)
    images.require_compiled([ask(table) for ask in (followed, addable) for table in own_tables])
    doomed: dict[Identity, StoredRow] = {row.identity: row for row in rows}
    root: dict[Identity, Identity] = {identity: identity for identity in doomed}
    before: dict[Identity, set[Identity]] = {identity: set() for identity in doomed}
    altered: dict[Identity, tuple[StoredRow, dict[str, Value]]] = {}
    held: dict[Identity, set[Identity]] = {}  # by which of those that were to go
    led: dict[tuple[str, tuple[tuple[str, Value], ...]], list[tuple[StoredRow, Identity]]] = {}
    frontier = list(rows)
    while frontier:
        found = list(images.referring(frontier, MOST + 1))
        frontier = []
        for child, key, parent in found:
            require_key(child.table)
            identity = child.identity
            root.setdefault(identity, root[parent.identity])
            if identity != parent.identity:
                before[parent.identity].add(identity)
            match fate_of(key):
                case Fate.GOES:
                    if identity not in doomed:
                        doomed[identity] = child
                        before[identity] = set()
                        frontier.append(child)
                case Fate.CHANGES:
                    detached = detached_by(child.table, key)
                    if detached is None or any(images.referring_to(child, detached.keys(), 1)):
                        held.setdefault(identity, set()).add(root[parent.identity])
                        continue
                    altered.setdefault(identity, (child, {}))[1].update(detached)
                    to = tuple(zip(key.parent_columns, detached.values(), strict=True))
                    led.setdefault((parent.table.name, to), []).append((child, root[parent.identity]))
                case Fate.KEEPS:
                    held.setdefault(identity, set()).add(root[parent.identity])
        if len(doomed) - len(rows) + len(altered) > MOST:
            raise NotAllowed(
                f"More than {MOST:,} rows of other tables would go along; nothing was changed. "
                "Remove some of those first."
            )
    defaulted: list[tuple[Identity, Identity, set[Identity]]] = []
    for (table, to), children in led.items():
        names, values = zip(*to, strict=True)
        if None not in values:
            there = {row.identity for row in images.matching(table, names, [values])}
            # A default may lead to what goes as well, or to nothing.
            if there <= doomed.keys():
                ends = {root[one] for one in there}
                defaulted += [(child.identity, of, ends) for child, of in children]
    for identity, of, ends in defaulted:
        if not ends or of in ends:
            held.setdefault(identity, set()).add(of)
    kept = set().union(*(held[identity] for identity in held.keys() - doomed.keys()))
    for identity, of, ends in defaulted:  # what has to stay anyway may be referred to
        if ends.isdisjoint(kept):
            held.setdefault(identity, set()).add(of)
    if still := held.keys() - doomed.keys():
        keep = set().union(*(held[identity] for identity in still))
        ids = [row[ID] for row in rows if row.identity in keep]
        counted = Counter(table for table, _ in still)
        refusal = ReferredByEntries if AUDIT_CHAIN.name in counted else StillReferred
        raise refusal(_rows(counted), ids, len(rows))
    images.require_compiled([addable(table) for table in dict.fromkeys(table for table, _ in doomed)])
    images.refuse_unaddable([*({key: child for key, (child, _) in altered.items()} | doomed).values()])
    images.refuse_unalterable([change for identity, change in altered.items() if identity not in doomed])
    changes = [
        child.altered(values) for identity, (child, values) in altered.items() if identity not in doomed
    ]
    changes += [doomed[identity].removed() for identity in _children_first(before, doomed)]
    images.refuse_orphans(changes)
    own = {row.identity for row in rows}
    deleted = (identity for identity in doomed if identity not in own)
    changed = (identity for identity in altered if identity not in doomed)
    along: dict[Identity, dict[str, Counter[str]]] = {}
    for what, identities in (("alsoDeleted", deleted), ("alsoChanged", changed)):
        for identity in identities:
            along.setdefault(root[identity], {}).setdefault(what, Counter())[identity[0]] += 1
    let_go(root, before, doomed, altered, own)
    return Removal(tuple(changes), along)


def _rows(counted: Mapping[str, int]) -> str:
    """ "2 rows of answers and more than 10,000 rows of reviews"."""
    return " and ".join(
        f"{text.counted(count, 'row') if count <= MOST else f'more than {MOST:,} rows'} of {table}"
        for table, count in sorted(counted.items())
    )


def _children_first(
    before: dict[Identity, set[Identity]], doomed: dict[Identity, StoredRow]
) -> Sequence[Identity]:
    if not any(before.values()):
        return tuple(doomed)
    graph = {parent: children & doomed.keys() for parent, children in before.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        tables = " and ".join(sorted({table for table, _ in error.args[1]}))
        raise NotAllowed(
            f"Rows of {tables} refer to each other in a circle, so none of them can go first; "
            "nothing was changed."
        ) from None
