"""Reads the rows of one database for an act, and makes the changes of them that it writes."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from peewee import SQL, BaseQuery

from app.services.chain.append import Event, Head, end_of, end_queries
from app.services.chain.numbering import Numbering, numbering_queries
from app.services.chain.rules import SECONDS_LIMIT, TABLE
from app.services.records.rows import (
    ID,
    Image,
    RowChange,
    StoredRow,
    Value,
    decoded,
    exact,
    in_parts,
    lacking,
    one_of,
    refers,
    shown,
)
from app.services.records.tables import Table, valid_beside
from app.services.text import visible
from models.engine import Database, Rows, raw, sql_name
from models.errors import NotAllowed, NotFound, ReferredByChange, TableMissing
from models.schema import COUNTERS, ForeignKey, StoredTable, StoredTables, read_stored

STAMPS: Final = ("created_at", "updated_at")
"""Columns that say when a row was made and changed; not every file has them."""


class Images:
    """Reads the rows of one database for an act, as its schema is at the moment.

    With the first of them the end of the chain is read in which the act will be recorded, where that is one:
    that of the only row's tenant, or else of the tenant `chain`, to be set before.
    """

    def __init__(self, database: Database, *, asks: bool = False) -> None:
        """`asks` as in `Agreed`."""
        self._database, self._asks = database, asks
        self._tables: StoredTables | None = None
        self.chain: str | None = None
        self._only_row: tuple[str, Value] | None = None
        self._end: list[Rows] = []
        self.numbering: Numbering | None = None
        self._made: set[Value] = set()

    def read(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        """The rows of each, from one snapshot."""
        return self._read(lambda tables: queries)

    def require_compiled(self, queries: Sequence[BaseQuery]) -> None:
        """Asks for those that fail when they are compiled, or never; of a live database once, as long as its
        tables are the same.
        """
        tables, passed = self._database.compiled
        if tables is not self._tables:
            passed = frozenset()
        asked = {sql: query for query in queries if (sql := query.sql()[0]) not in passed}
        self.read([*asked.values()])
        if self._database.costs:
            self._database.compiled = self._tables, passed | asked.keys()

    def accepted(self, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
        """As `Database.accepted`."""
        return self._database.accepted(table, column, values)

    def table(self, name: str) -> StoredTable:
        """Raises `TableMissing`."""
        if self._tables is None:
            self.read(())
        return _table(self._tables or {}, name)

    @property
    def has_chain(self) -> bool:
        """Whether the file says what was done in it."""
        if self._tables is None:
            self.read(())
        return TABLE in (self._tables or {})

    def end(self, events: Sequence[Event]) -> Head | None:
        """The end of the chain to which the only one of `events` is appended, where it was read.

        Raises `NotAllowed` where nothing can follow.
        """
        if not self._end or len(events) != 1:
            return None
        return end_of(self._database, events[0].tenant_id, *self._end)

    def rows(self, table: str, ids: Iterable[Value], only: Collection[str] = ()) -> list[StoredRow]:
        """The rows with these ids; those that are gone are left out.

        With `only`, no other columns are read than an edit of these needs: texts may be long.
        """
        wanted = [(value,) for value in dict.fromkeys(ids)]
        self._only_row = (table, *wanted[0]) if len(wanted) == 1 else None
        return self.matching(table, (ID,), wanted, only)

    def found(
        self, table: str, ids: Iterable[Value], what: str, only: Collection[str] = ()
    ) -> list[StoredRow]:
        """As `rows`. Raises `NotFound` naming `what` ("user") where none is left."""
        rows = self.rows(table, ids, only)
        if not rows:
            raise NotFound(what)
        return rows

    def row(self, table: str, record_id: Value, what: str) -> StoredRow:
        """The row with this id, whole. Raises as `found` does."""
        return self.found(table, [record_id], what)[0]

    def now(self, row: RowChange) -> StoredRow | None:
        """The row that a change is about, as it is by now."""
        found = self.matching(row.table, tuple(row.key), [tuple(row.key.values())])
        return found[0] if found else None

    def new(
        self, table: Table, values: Image, now: int, beside: Mapping[str, str] = MappingProxyType({})
    ) -> StoredRow:
        """A row of these values, which is not there yet, with an id of its own unless they give one.

        Values of nothing, and stamps, are left out where the file lacks them. `beside` are those that the
        file's own columns ask for (`Table.asks_for`), as text, which SQLite stores as each column wants it.
        Raises `ColumnMissing` for what the file lacks, and `InvalidInput`.
        """
        stored = self.table(table.name)
        require_key(stored)
        image: dict[str, Value] = {}
        for name, value in {"id": str(uuid.uuid4()), **values, **dict.fromkeys(STAMPS, now)}.items():
            if name in stored.columns:
                image[name] = value
            elif value is not None and name not in STAMPS:
                raise lacking(stored, name)
        for name in table.asks_for(stored):
            image[name] = valid_beside(name, beside.get(name, ""))
        row = StoredRow(stored, image)
        self._made.add(row.record_id)
        return row

    def completed(self, row: RowChange) -> RowChange:
        """A row that is new, as the database has it: with what that filled in and made of the values."""
        found = self.now(row) if row.before is None and row.record_id in self._made else None
        return row if found is None else replace(row, after=found.image)

    def changed(self, row: StoredRow, values: Image, now: int) -> RowChange:
        """The change that gives a row these values, and the time `now` where the file keeps that.

        Raises `ReferredByChange` where other rows refer to what would change, which ON UPDATE would carry
        along or empty, and `ColumnMissing`.
        """
        for child, _ in self.referring_to(row, {name for name in values if values[name] != row[name]}, 1):
            raise ReferredByChange(f"Rows of {child.table.name}")
        after = dict(values)
        if "updated_at" in row.table.columns:  # in the unit of the time that it takes the place of
            before = row["updated_at"]
            is_ms = isinstance(before, int) and before >= SECONDS_LIMIT
            after["updated_at"] = now * 1000 if is_ms else now
        return row.altered(after)

    def referring_to(
        self, row: StoredRow, changing: Collection[str], most: int
    ) -> Iterator[tuple[StoredRow, ForeignKey]]:
        """Rows that refer to these columns of the row, and by which key; at most about `most` for each."""
        keys = tuple(key for key in row.table.referring if not set(key.parent_columns).isdisjoint(changing))
        if not keys:
            return
        narrowed = StoredRow(replace(row.table, referring=keys), row.image)
        for child, key, _ in self.referring([narrowed], most):
            yield child, key

    def referring(
        self, rows: Sequence[StoredRow], most: int
    ) -> Iterator[tuple[StoredRow, ForeignKey, StoredRow]]:
        """Rows that refer to these, by which key, and to which; at most about `most` for each key."""
        for name in dict.fromkeys(row.table.name for row in rows):
            parents = [row for row in rows if row.table.name == name]
            for key in parents[0].table.referring:
                _refuse_dangling(parents[0].table, key)
                by_value = {tuple(row[column] for column in key.parent_columns): row for row in parents}
                wanted = [values for values in by_value if None not in values]
                for child, values in self._children(name, key, wanted, most):
                    yield child, key, by_value.get(values, parents[0])

    def _children(
        self, parent: str, key: ForeignKey, wanted: Sequence[tuple[Value, ...]], most: int
    ) -> Iterator[tuple[StoredRow, tuple[Value, ...]]]:
        """The rows that refer to parents with these values, each with its parent's, all from one snapshot."""
        table = self.table(key.table)
        read = _needed(table)
        parts = [exact("child", column) for column in read]
        parts += [exact("parent", column) for column in key.parent_columns]
        start = (
            f"SELECT {', '.join(parts)} FROM {sql_name(parent)} AS parent "  # noqa: S608
            f"JOIN {sql_name(table.name)} AS child ON {' AND '.join(refers('parent', key))} WHERE "
        )
        queries = []
        for part in in_parts(wanted, max(1, (self._database.limits.parameters - 1) // len(key.columns))):
            condition, values = one_of("parent", key.parent_columns, part)
            queries.append(raw(f"{start}{condition} LIMIT ?", *values, most))
        for rows in self.read(queries):
            for row in rows:
                yield _as_stored(table, read, row), tuple(map(decoded, row[len(read) :]))

    def refuse_unaddable(self, rows: Sequence[StoredRow]) -> None:
        """Raises `NotAllowed` where the database's own rules would not take one of the whole rows again: a
        CHECK that it broke when it was written, say.
        """
        for name in dict.fromkeys(row.table.name for row in rows):
            there = [row for row in rows if row.table.name == name]
            insertions = [row.removed().inverse().statement() for row in there]
            if found := self._database.refused(name, insertions):
                which, why = there[found[0]].record_id, found[1]
                raise NotAllowed(
                    f"The row {visible(str(shown(which)))} of {name} breaks the database's own rules as it "
                    f"is ({why}), so it could not be put back; nothing was changed. Put that right first."
                )

    def refuse_unalterable(self, changes: Sequence[tuple[StoredRow, Image]]) -> None:
        """Raises `NotAllowed` where the database's own rules would not take what rows become along with
        others: a CHECK that asks for what they lose, or a UNIQUE that lets one row only be without it.
        """
        for table in {row.table.name: row.table for row, _ in changes}.values():
            there = [(row, values) for row, values in changes if row.table is table]
            found = self._database.refused_change(
                table.name,
                [*table.columns, *filter(None, [table.hidden_rowid])],
                [row.removed().inverse().statement() for row, _ in there],
                [row.altered(values).statement() for row, values in there],
            )
            if found:
                which, why = there[found[0][0]][0].record_id, found[0][1]
                raise NotAllowed(
                    f"The row {visible(str(shown(which)))} of {table.name} would change along, which "
                    f"the database's own rules do not take ({why}); nothing was changed. Let it "
                    "refer to something else first, or remove it."
                )

    def refuse_orphans(self, changes: Sequence[RowChange]) -> None:
        """Raises `NotAllowed` where one of the changes is of columns that refer to what is not there, or
        takes such a row away: no foreign key would let it be undone.
        """
        for parent in (self._tables or {}).values():
            for key in parent.referring:
                wanted = [
                    tuple(change.key.values())
                    for change in changes
                    if change.table == key.table
                    and (change.after is None or not change.after.keys().isdisjoint(key.columns))
                ]
                if wanted:
                    _refuse_dangling(parent, key)
                    self._refuse_orphans(self.table(key.table), parent, key, wanted)

    def _refuse_orphans(
        self, child: StoredTable, parent: StoredTable, key: ForeignKey, wanted: Sequence[tuple[Value, ...]]
    ) -> None:
        refer = [f"child.{sql_name(column)} IS NOT NULL" for column in key.columns]
        found = " AND ".join(refers("parent", key))
        refer.append(f"NOT EXISTS (SELECT 1 FROM {sql_name(parent.name)} AS parent WHERE {found})")  # noqa: S608
        start = f"SELECT 1 FROM {sql_name(child.name)} AS child WHERE {' AND '.join(refer)} AND "  # noqa: S608
        queries = []
        for part in in_parts(wanted, max(1, (self._database.limits.parameters - 1) // len(child.key))):
            condition, values = one_of("child", child.key, part)
            queries.append(raw(f"{start}({condition}) LIMIT 1", *values))
        if any(self.read(queries)):
            raise NotAllowed(
                f"A row of {child.name} that would go or change refers to a row of {parent.name} that is not "
                "there, so the database's own rules would not let that be undone; nothing was changed. Put "
                "that right first."
            )

    def matching(
        self, name: str, by: Sequence[str], wanted: Sequence[tuple[Value, ...]], only: Collection[str] = ()
    ) -> list[StoredRow]:
        """The rows that hold one of these tuples of values, all from one snapshot."""

        def ask(tables: StoredTables) -> list[BaseQuery]:
            table = _table(tables, name)
            require_key(table)
            for column in by:
                if column not in (*table.columns, *table.key):
                    raise lacking(table, column)
            parts = ", ".join(exact(name, column) for column in _needed(table, only))
            queries: list[BaseQuery] = []
            for part in in_parts(wanted, max(1, self._database.limits.parameters // len(by))):
                condition, values = one_of(name, by, part)
                queries.append(raw(f"SELECT {parts} FROM {sql_name(name)} WHERE {condition}", *values))  # noqa: S608
            return queries

        found = self._read(ask)
        table = self.table(name)
        read = _needed(table, only)
        return [_as_stored(table, read, row) for rows in found for row in rows]

    def _read(self, ask: Callable[[StoredTables], Sequence[BaseQuery]]) -> list[Rows]:
        """What is asked of the tables, from one snapshot; at first with the tables and the chain's end."""
        if self._tables is not None:
            queries = ask(self._tables)
            return self._database.read_batch(queries) if queries else []
        end = first = 0

        def asked(tables: StoredTables) -> list[BaseQuery]:
            nonlocal end, first
            ends, numbers = self._end_queries(tables), list[BaseQuery]()
            # Where each call takes its time, what an act is asked about is read with its rows.
            is_asked = self._asks and self._database.costs
            if is_asked and {TABLE, COUNTERS} <= tables.keys():
                numbers = numbering_queries()
            end, first = len(ends), len(ends) + len(numbers)
            return [*ends, *numbers, *ask(tables)]

        self._tables, found = read_stored(self._database, asked)
        self._end, numbered = found[:end], found[end:first]
        self.numbering = Numbering(self._database, numbered) if numbered else None
        return found[first:]

    def _end_queries(self, tables: StoredTables) -> list[BaseQuery]:
        if TABLE not in tables:
            return []
        table, record_id = self._only_row or ("", None)
        if table not in tables or "tenant_id" not in tables[table].columns:
            return [] if self.chain is None else end_queries(self.chain)
        this_row, values = one_of(table, (ID,), [(record_id,)])
        of_row = f"SELECT coalesce(tenant_id, ?) FROM {sql_name(table)} WHERE {this_row}"  # noqa: S608
        return end_queries(SQL(of_row, [self.chain, *values]))


def require_key(table: StoredTable) -> None:
    """Raises `NotAllowed` where nothing tells the rows of the table apart."""
    if not table.key:
        raise NotAllowed(
            f"Rows of {table.name} would change, and nothing tells them apart: the table has no primary key, "
            "and its own columns take every name of SQLite's row number; nothing was changed."
        )


def _table(tables: StoredTables, name: str) -> StoredTable:
    if name not in tables:
        raise TableMissing(name)
    return tables[name]


def _needed(table: StoredTable, only: Collection[str] = ()) -> tuple[str, ...]:
    """The columns to read: the key, and all others with the rowid, or what an edit of `only` these needs."""
    needed = {ID, *only, "updated_at", *(name for key in table.referring for name in key.parent_columns)}
    rowid = () if only or table.hidden_rowid is None else (table.hidden_rowid,)
    columns = (name for name in table.columns if not only or name in needed)
    return tuple(dict.fromkeys((*table.key, *columns, *rowid)))


def _as_stored(table: StoredTable, read: Sequence[str], row: Sequence[str]) -> StoredRow:
    """The row whose first cells are those `read`, as `exact` writes them."""
    image = dict(zip(read, map(decoded, row), strict=False))
    rowid = image.pop(table.hidden_rowid, None) if table.hidden_rowid else None
    return StoredRow(table, image, rowid)


def _refuse_dangling(parent: StoredTable, key: ForeignKey) -> None:
    missing = set(key.parent_columns) - {*parent.columns, *parent.key}
    if missing or not key.parent_columns:
        column = f"{parent.name}.{min(missing, default='rowid')}"
        raise NotAllowed(
            f"A foreign key of {key.table} refers to {column}, which holds no values of its own or is not "
            f"there, so nothing can be removed from {parent.name}; nothing was changed."
        )
