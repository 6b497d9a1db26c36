"""Lists of a million rows: the exact count, the first rows, any page, and where a record stands.

A list is a sequence of keys in the order shown and pages of rows fetched by key. A key is a row's rowid, an
integer even where the record's id is a text, or NULL. Everything here only reads, and a query under way
can be stopped with `apsw.Connection.interrupt()`.
"""

import json
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from peewee import SQL, Case, Column, Select, fn

from app.services.errors import TableMissing
from app.services.records.list_query import ListQuery, Statements, Value
from app.services.records.record import as_bytes
from app.services.records.tables import DECLARED, Table
from app.services.scope import EVERYONE, Scope
from models.local.database import LocalDatabase
from models.schema import Schema

Keys = Sequence[int]
"""Rowids in the order shown: a `range` where they have no gap, else an `array('q')`; never changed."""

Cell = str | int | float | None
Row = tuple[Cell, ...]
Page = tuple[Row | None, ...]
"""Rows in the order of the keys asked for; None for a row that has gone meanwhile."""

CHOICES = 200
"""Values that a pick list offers at most, the most frequent first."""

_KEYS_AT_ONCE = 65_536
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it opens: how many rows there are, and the first of them.

    `keys` are those of all rows, or of the first rows only while `complete` is False. `rows` stands at the
    list's beginning.
    """

    query: ListQuery
    total: int
    keys: Keys = field(repr=False)
    rows: Page = field(repr=False)

    @property
    def complete(self) -> bool:
        return len(self.keys) == self.total


class Lists:
    """Lists of one file, whose schema may differ from ours: a column that is missing reads as None.

    Every method takes the database to read, whose connection the caller holds on its own thread. Raises
    `TableMissing` for a table that the file lacks, and the storage errors of `models.errors`.
    """

    def __init__(self, schema: Schema) -> None:
        self._columns = schema.columns

    def open_list(self, database: LocalDatabase, query: ListQuery, first_rows: int = 200) -> Listing:
        """The exact total and the first rows, as fast as the query allows.

        Where the keys come in the same breath the listing is complete; else `load_keys` makes it so.
        """
        statements = self._statements(query.table)
        with database.expected_errors(), database.atomic():  # one snapshot, or the total belies the rows
            keys: Keys | None = self._range(database, statements, query)
            if keys is None and query.filtered:
                # Finding out which rows a filter keeps costs what counting them costs.
                keys = _collect(database, _ordered(statements, query))
            if keys is not None:
                rows = self.load_page(database, query, keys[:first_rows])
                return Listing(query, len(keys), keys, rows)
            total = self.count(database, query)
            first = _collect(database, _ordered(statements, query).limit(first_rows))
            return Listing(query, total, first, self.load_page(database, query, first))

    def load_keys(self, database: LocalDatabase, query: ListQuery) -> Keys:
        """The keys of every row that the query keeps, in its order: 8 bytes a row, or none at all."""
        statements = self._statements(query.table)
        with database.expected_errors():
            found = self._range(database, statements, query)
            return _collect(database, _ordered(statements, query)) if found is None else found

    def load_page(self, database: LocalDatabase, query: ListQuery, keys: Keys) -> Page:
        """The rows with these keys, each with its record's id first, in the order of the keys.

        A row outside the query's tenant is None, one that the other filters would drop by now is still
        shown. Text is cut (`CELL_CHARACTERS`), a BLOB reads `x'…'`, and what is no UTF-8 has U+FFFD.
        """
        statements = self._statements(query.table)
        found = _by_key(database, statements, query.scope, keys, statements.cells())
        return tuple(map(found.get, keys))

    def count(self, database: LocalDatabase, query: ListQuery) -> int:
        """How many rows the query keeps."""
        return int(database.scalar(self._statements(query.table).select(query, fn.COUNT(SQL("*")))))

    def locate(self, database: LocalDatabase, query: ListQuery, record_id: str | int) -> int | None:
        """The position of a record in the list, from 0; None when it is not in it."""
        key = self.key_of(database, query.table, record_id)
        if key is None:
            return None
        statements = self._statements(query.table)
        with database.expected_errors(), database.atomic():
            keys = self._range(database, statements, query)
            if keys is not None:
                return keys.index(key) if key in keys else None
            listed = statements.select(query, SQL("1")).where(statements.rowid == key)
            if database.scalar(listed) is None:
                return None
            ahead = statements.select(query, fn.COUNT(SQL("*"))).where(statements.before(query, key))
            return int(database.scalar(ahead))

    def key_of(self, database: LocalDatabase, table: str, record_id: str | int) -> int | None:
        """The key of a record, whatever list it is in; None when there is no such record."""
        statements = self._statements(table)
        identity = statements.value(DECLARED[table].key)
        found = database.scalar(statements.scoped(EVERYONE, statements.rowid).where(identity == record_id))
        return None if found is None else int(found)

    def choices(
        self, database: LocalDatabase, query: ListQuery, column: str
    ) -> tuple[tuple[Value, int], ...]:
        """The values of a column with their counts under the query's other filters, most frequent first.

        None stands for NULL, bytes for a BLOB or text that is no UTF-8; each can be chosen in a query.
        """
        statements = self._statements(query.table)
        others = replace(query, choices=tuple(choice for choice in query.choices if choice[0] != column))
        value = statements.value(DECLARED[query.table].column(column))
        count = fn.COUNT(SQL("*"))

        def grouped(*shown: Any) -> Any:
            found = statements.select(others, *shown, count).group_by(value)
            return found.order_by(count.desc(), value.asc()).limit(CHOICES)

        with database.expected_errors():
            try:
                return tuple(database.execute(grouped(value)))
            except UnicodeDecodeError:
                kind = fn.typeof(value)
                raw = Case(None, [(kind == "text", value.cast("BLOB"))], value)
                return tuple(
                    (_text_or_bytes(found) if kind == "text" else found, number)
                    for kind, found, number in database.execute(grouped(kind, raw))
                )

    def per_day(
        self, database: LocalDatabase, query: ListQuery, offset: int = 0
    ) -> tuple[tuple[int, int], ...]:
        """How many rows the query keeps on each day, as (days since 1970, rows), the earliest first.

        `offset` is that of the days from UTC, in seconds. Rows whose time is no integer are on no day.
        """
        statements = self._statements(query.table)
        time = statements.value(DECLARED[query.table].column(DECLARED[query.table].time))
        day = (time + offset) / 86_400
        found = statements.select(query, day, fn.COUNT(SQL("*"))).where(fn.typeof(time) == "integer")
        return tuple(database.rows(found.group_by(day).order_by(day)))

    def record_ids(self, database: LocalDatabase, query: ListQuery, keys: Keys) -> Iterator[str | int]:
        """The record ids of these keys in their order: the exact set that a bulk action acts on.

        Rows that have gone, or that have no id, are left out.
        """
        for row in self.rows(database, query, keys, DECLARED[query.table].names[:1]):
            if row[0] is not None and not isinstance(row[0], float):
                yield row[0]

    def rows(
        self, database: LocalDatabase, query: ListQuery, keys: Keys, columns: Iterable[str] | None = None
    ) -> Iterator[Row]:
        """The rows with these keys, whole texts included, in their order: for copying and export.

        `columns` are names of the list's columns, all of them by default. Rows that have gone are left out.
        Memory stays that of one page.
        """
        spec, statements = DECLARED[query.table], self._statements(query.table)
        values = [statements.value(spec.column(name)) for name in columns or spec.names]
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            part = keys[start : start + _ROWS_AT_ONCE]
            found = _by_key(database, statements, query.scope, part, values)
            yield from (found[key] for key in part if key in found)

    def _statements(self, table: str) -> Statements:
        if table not in self._columns:
            raise TableMissing(table)
        return Statements(DECLARED[table], self._columns[table])

    def _range(self, database: LocalDatabase, statements: Statements, query: ListQuery) -> range | None:
        """The keys without reading them, where they have no gap and are what the list is sorted by.

        The smallest and the largest are two queries, because SQLite answers each from the end of an index
        but both together only from a scan (63 ms instead of 0.01 for a million rows).
        """
        spec = DECLARED[query.table]
        column, descending = statements.sorting(query)
        if query.filtered or column is not spec.key or not _is_rowid(database, spec):
            return None
        ends = [
            database.scalar(statements.select(query, statements.rowid).order_by(order).limit(1))
            for order in (statements.rowid.asc(), statements.rowid.desc())
        ]
        if None in ends:
            return range(0)
        first, last = ends
        if self.count(database, query) != last - first + 1:
            return None
        return range(last, first - 1, -1) if descending else range(first, last + 1)


def position(keys: Keys, key: int) -> int | None:
    """Where `key` stands in `keys`, or None; other threads get their turn in between."""
    if isinstance(keys, range):
        return keys.index(key) if key in keys else None
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        try:
            return keys.index(key, start, start + _KEYS_AT_ONCE)
        except ValueError:
            continue
    return None


def _is_rowid(database: LocalDatabase, spec: Table) -> bool:
    """Whether the record's id is SQLite's rowid under another name, as INTEGER PRIMARY KEY makes it."""
    rows = database.connection().execute(
        "SELECT name, upper(type) FROM pragma_table_xinfo(?) WHERE pk", (spec.name,)
    )
    return list(rows) == [(spec.key.source, "INTEGER")]


def _ordered(statements: Statements, query: ListQuery) -> Any:
    return statements.select(query, statements.rowid).order_by(*statements.order(query))


def _collect(database: LocalDatabase, ordered: Any) -> "array[int]":
    """The rowids of an ordered query, in one step of SQLite.

    Stepped row by row, a million rows take the interpreter's lock a million times, and an interface that
    paints meanwhile stalls for 50 ms. As one BLOB they come while the lock is free.
    """
    # SQLite keeps the inner order for group_concat; a LIMIT of -1 to be sure would cost its fast sorter.
    inner = ordered.alias("ordered")
    rowid = Column(inner, "rowid")
    joined = fn.group_concat(fn.unhex(fn.printf("%016x", rowid)), "")
    # A sort leaves a million small pieces of memory, which the allocator tidies up at the next large request.
    # That takes 200 ms and should not be the result's, which is made with the lock held.
    tidied = fn.length(fn.randomblob(65_536))
    keys = array("q")
    keys.frombytes(database.scalar(Select([inner], [joined.cast("BLOB"), tidied])) or b"")
    if sys.byteorder == "little":
        keys.byteswap()
    return keys


def _by_key(
    database: LocalDatabase, statements: Statements, scope: Scope, keys: Keys, values: list[Any]
) -> dict[int, Row]:
    """The values of the rows with these keys, whatever is stored in them."""
    if isinstance(keys, range) and keys:
        wanted = statements.rowid.between(min(keys[0], keys[-1]), max(keys[0], keys[-1]))
    else:
        # One parameter for any number of keys, so that the statement is compiled once.
        wanted = statements.rowid.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(list(keys))]))

    def fetch(cells: Iterable[Any], readable: Callable[[bytes], str]) -> dict[int, Row]:
        rows = database.execute(statements.scoped(scope, statements.rowid, *cells).where(wanted))
        return {
            row[0]: row[1:]
            if bytes not in map(type, row)
            else tuple(readable(cell) if isinstance(cell, bytes) else cell for cell in row[1:])
            for row in rows
        }

    with database.expected_errors():
        try:
            return fetch(values, _literal)
        except UnicodeDecodeError:  # in some row; read as its bytes every text can be had
            return fetch(map(as_bytes, values), _decoded)


def _literal(blob: bytes) -> str:
    return f"x'{blob.hex()}'"


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
