"""Lists of a million rows: the exact count, the first rows, any page, and where a record stands.

A list is a sequence of keys in the order shown and pages of rows fetched by key. A key is a row's rowid, an
integer even where the record's id is a text, or NULL. Everything here only reads; what belongs together is
one batch of the engine, and so one snapshot.
"""

import json
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from peewee import JOIN, SQL, Column, Join, Select, fn

from app.services.records.list_query import ListQuery, Statements, Value
from app.services.records.rows import RawText, decoded, exactly, legible
from app.services.records.tables import DECLARED, EVERYONE, Scope
from models.engine import Database, Rows, raw
from models.errors import TableMissing, UndecodableText
from models.schema import Schema
from models.status import DAY

Keys = Sequence[int]
"""Rowids in the order shown: a `range` where they have no gap, else an `array('q')`; never changed."""

Cell = str | int | float | None
Row = tuple[Cell, ...]
Page = tuple[Row | None, ...]
"""Rows in the order of the keys asked for; None for a row that has gone meanwhile."""

Counts = tuple[tuple[Value, int], ...]
"""The values of a column with their counts, most frequent first."""

CHOICES = 200
"""Values that a pick list offers at most, the most frequent first."""

_ROWS_AT_ONCE = 500
_KEYS_AT_ONCE = 65_536


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

    def open_list(self, database: Database, query: ListQuery, first_rows: int = 200) -> Listing:
        """The exact total and the first rows, as fast as the query allows.

        Where the keys come in the same breath the listing is complete; else `load_keys` makes it so.
        """
        statements = self._statements(database, query.table)
        if query.filtered:
            # Finding out which rows a filter keeps costs what counting them costs. The first rows are asked
            # for by their keys afterwards, as every page is: in the same batch the filter would run twice.
            kept = _array(database.rows(_keys(statements, query)))
            return Listing(query, len(kept), kept, self.load_page(database, query, kept[:first_rows]))
        *extent, first = _read(
            database,
            lambda cell: [
                *_extent(statements, query),
                _first(statements, query, first_rows, map(cell, statements.cells())),
            ],
        )
        total: int = extent[0][0][0]
        known = _gapless(statements, query, extent)
        keys: Keys = array("q", [row[0] for row in first]) if known is None else known
        return Listing(query, total, keys, tuple(row[1:] for row in first))

    def load_keys(self, database: Database, query: ListQuery) -> Keys:
        """The keys of every row that the query keeps, in its order: 8 bytes a row, or none at all."""
        statements = self._statements(database, query.table)
        known = _range(database, statements, query)
        return _array(database.rows(_keys(statements, query))) if known is None else known

    def load_page(self, database: Database, query: ListQuery, keys: Keys) -> Page:
        """The rows with these keys, each with its record's id first, in the order of the keys.

        A row outside the query's tenant is None, one that the other filters would drop by now is still
        shown. Text is cut (`CELL_CHARACTERS`), a BLOB reads `x'…'`, and what is no UTF-8 has U+FFFD.
        """
        statements = self._statements(database, query.table)
        found = _by_key(database, statements, query, keys, statements.cells())
        return tuple(map(found.get, keys))

    def count(self, database: Database, query: ListQuery) -> int:
        """How many rows the query keeps."""
        return int(database.scalar(self._statements(database, query.table).count(query)))

    def locate(self, database: Database, query: ListQuery, record_id: str | int) -> tuple[int, int] | None:
        """The position of a record in the list, from 0, and its key; None when it is not in it."""
        statements = self._statements(database, query.table)
        key: int | None = database.scalar(_key(statements, EVERYONE, record_id))
        if key is None:
            return None
        known = _range(database, statements, query)
        if known is not None:
            return (known.index(key), key) if key in known else None
        listed, ahead = database.read_batch(
            [
                statements.select(query, SQL("1")).where(statements.rowid == key),
                statements.count(query).where(statements.before(query, key)),
            ]
        )
        return (int(ahead[0][0]), key) if listed else None

    def search(
        self, database: Database, wanted: Sequence[tuple[ListQuery, str | int | None]], most: int
    ) -> list[tuple[int, list[Row]]]:
        """How many rows each list has, and the first `most` of them, in two batches for all.

        The record of the id beside a query, if the tenant has one, counts as well and comes first.
        """
        lists = [(query, self._statements(database, query.table), named) for query, named in wanted]
        asked = [_keys(statements, query) for query, statements, _ in lists]
        by_id = [_key(statements, query.scope, named) for query, statements, named in lists]
        answers = database.read_batch([*asked, *by_id])
        totals, firsts = [], []
        for kept, named_rows in zip(map(_array, answers[: len(asked)]), answers[len(asked) :], strict=True):
            named_keys = [row[0] for row in named_rows[:1]]
            totals.append(len(kept) + sum(position(kept, key) is None for key in named_keys))
            firsts.append(list(dict.fromkeys([*named_keys, *kept[:most]]))[:most])

        def pages(cell: Callable[[Any], Any]) -> list[Any]:
            return [
                _page(statements, query.scope, keys, map(cell, statements.cells()))
                for (query, statements, _), keys in zip(lists, firsts, strict=True)
            ]

        found = [{row[0]: row[1:] for row in rows} for rows in _read(database, pages)]
        rows = [[page[key] for key in keys if key in page] for page, keys in zip(found, firsts, strict=True)]
        return list(zip(totals, rows, strict=True))

    def choices(self, database: Database, query: ListQuery, columns: Iterable[str]) -> dict[str, Counts]:
        """The values of each column with their counts under the query's other filters, from one snapshot.

        None stands for NULL, bytes for a BLOB or text that is no UTF-8; each can be chosen in a query. Of a
        column that the file lacks there are none.
        """
        statements = self._statements(database, query.table)
        names = list(columns)
        wanted = [name for name in names if statements.has(name)]

        def grouped(cell: Callable[[Any], Any]) -> list[Any]:
            return [_grouped(statements, query, name, cell) for name in wanted]

        found = dict(zip(wanted, _read(database, grouped, _chosen), strict=True))
        return {name: tuple((value, count) for value, count in found.get(name, ())) for name in names}

    def per_day(self, database: Database, query: ListQuery, offset: int = 0) -> tuple[tuple[int, int], ...]:
        """How many rows the query keeps on each day, as (days since 1970, rows), the earliest first.

        `offset` is that of the days from UTC, in seconds. Rows whose time is no integer are on no day.
        """
        statements = self._statements(database, query.table)
        time = statements.value(DECLARED[query.table].column(DECLARED[query.table].time))
        day = (time + offset) / DAY
        found = statements.select(query, day, fn.COUNT(SQL("*"))).where(fn.typeof(time) == "integer")
        return tuple(database.rows(found.group_by(day).order_by(day)))

    def record_ids(self, database: Database, query: ListQuery, keys: Keys) -> Iterator[str | int]:
        """The record ids of these keys in their order: the exact set that a bulk action acts on.

        Rows that have gone, or that have no id, are left out.
        """
        for row in self.rows(database, query, keys, (DECLARED[query.table].key.name,)):
            if row[0] is not None and not isinstance(row[0], float):
                yield row[0]

    def rows(
        self, database: Database, query: ListQuery, keys: Keys, columns: Iterable[str] | None = None
    ) -> Iterator[Row]:
        """The rows with these keys, whole texts included, in their order: for copying and export.

        `columns` are names of the list's columns, all of them by default. Rows that have gone are left out.
        Memory stays that of one page.
        """
        table, statements = DECLARED[query.table], self._statements(database, query.table)
        values = [statements.value(table.column(name)) for name in columns or table.names]
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            part = keys[start : start + _ROWS_AT_ONCE]
            found = _by_key(database, statements, query, part, values)
            yield from (found[key] for key in part if key in found)

    def holds(self, table: str) -> bool:
        """Whether the file has the table."""
        return table in self._columns

    def _statements(self, database: Database, table: str) -> Statements:
        if table not in self._columns:
            raise TableMissing(table)
        return Statements(DECLARED[table], self._columns[table], database.limits)


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


def _read(
    database: Database,
    queries: Callable[[Callable[[Any], Any]], Sequence[Any]],
    told: Callable[[Any], Any] = legible,
) -> list[Rows]:
    """The rows of `queries(cell)`, from one snapshot; `cell` makes of a stored value what is fetched.

    Values are fetched as they are, which is fast and nearly always right. Where some text is no UTF-8, all
    is read again as `exactly` gives it. `told` makes of bytes, and of such a text, what is wanted.
    """
    try:
        found = database.read_batch(queries(lambda value: value))
    except UndecodableText:
        found = [
            [tuple(decoded(cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
            for rows in database.read_batch(queries(exactly))
        ]
    odd = {bytes, RawText}
    return [
        [row if odd.isdisjoint(map(type, row)) else tuple(map(told, row)) for row in rows] for rows in found
    ]


def _extent(statements: Statements, query: ListQuery) -> list[Any]:
    """How many rows an unfiltered list has, its lowest and highest key, and what the table's key is."""
    ends = (statements.rowid.asc(), statements.rowid.desc())
    key = "SELECT lower(name), upper(type) FROM pragma_table_xinfo(?) WHERE pk"
    return [
        statements.count(query),
        *(statements.select(query, statements.rowid).order_by(end).limit(1) for end in ends),
        raw(key, statements.table.name),
    ]


def _range(database: Database, statements: Statements, query: ListQuery) -> range | None:
    """The keys without reading them, where they have no gap and are what the list is sorted by."""
    if query.filtered or statements.sorting(query)[0] is not statements.table.key:
        return None
    return _gapless(statements, query, database.read_batch(_extent(statements, query)))


def _gapless(statements: Statements, query: ListQuery, extent: Sequence[Rows]) -> range | None:
    """The range of keys that `_extent` gave; None where they have gaps or are not in the list's order."""
    count, lowest, highest, key = extent
    column, descending = statements.sorting(query)
    # INTEGER PRIMARY KEY makes a column SQLite's rowid under another name.
    if column is not statements.table.key or key != [(column.source, "INTEGER")]:
        return None
    if not lowest:
        return range(0)
    first, last = lowest[0][0], highest[0][0]
    if count[0][0] != last - first + 1:
        return None
    return range(last, first - 1, -1) if descending else range(first, last + 1)


def _ordered(statements: Statements, query: ListQuery) -> Any:
    return statements.select(query, statements.rowid).order_by(*statements.order(query))


def _first(statements: Statements, query: ListQuery, limit: int, cells: Iterable[Any]) -> Any:
    """The first rows of a list, each with its key before its cells.

    The keys are sorted alone: with the cells a sort by an unindexed column takes seven times as long. SQLite
    keeps the order of the left side of a CROSS JOIN.
    """
    ordered = _ordered(statements, query).limit(limit).alias("ordered")
    both = Join(ordered, statements.source, JOIN.CROSS, statements.rowid == Column(ordered, "rowid"))
    return Select([both], [statements.rowid, *cells])


def _key(statements: Statements, scope: Scope, record_id: str | int | None) -> Any:
    """The key of the record that has this id; of None there is none."""
    identity = statements.value(statements.table.key)
    return statements.scoped(scope, statements.rowid).where(
        SQL("0") if record_id is None else identity == record_id
    )


def _keys(statements: Statements, query: ListQuery) -> Any:
    """The rowids of a query in its order, in one step of SQLite; `_array` makes them of its row.

    Stepped row by row, a million rows take the interpreter's lock a million times, and an interface that
    paints meanwhile stalls for 50 ms. As one BLOB they come while the lock is free.
    """
    # SQLite keeps the inner order for group_concat; a LIMIT of -1 to be sure would cost its fast sorter.
    inner = _ordered(statements, query).alias("ordered")
    rowid = Column(inner, "rowid")
    joined = fn.group_concat(fn.unhex(fn.printf("%016x", rowid)), "")
    # A sort leaves a million small pieces of memory, which the allocator tidies up at the next large request.
    # That takes 200 ms and should not be the result's, which is made with the lock held.
    tidied = fn.length(fn.randomblob(65_536))
    return Select([inner], [joined.cast("BLOB"), tidied])


def _array(found: Rows) -> "array[int]":
    keys = array("q")
    keys.frombytes(found[0][0] or b"")
    if sys.byteorder == "little":
        keys.byteswap()
    return keys


def _by_key(
    database: Database, statements: Statements, query: ListQuery, keys: Keys, values: list[Any]
) -> dict[int, Row]:
    """The values of the rows with these keys, whatever is stored in them."""
    (found,) = _read(database, lambda cell: [_page(statements, query.scope, keys, map(cell, values))])
    return {row[0]: row[1:] for row in found}


def _page(statements: Statements, scope: Scope, keys: Keys, values: Iterable[Any]) -> Any:
    """The rows with these keys, each with its key before the values."""
    if isinstance(keys, range) and keys:
        wanted = statements.rowid.between(min(keys[0], keys[-1]), max(keys[0], keys[-1]))
    else:
        # One parameter for any number of keys, so that the statement is compiled once.
        wanted = statements.rowid.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(list(keys))]))
    return statements.scoped(scope, statements.rowid, *values).where(wanted)


def _grouped(statements: Statements, query: ListQuery, column: str, cell: Callable[[Any], Any]) -> Any:
    """The values of a column and their counts under the query's other filters."""
    others = replace(query, choices=tuple(choice for choice in query.choices if choice[0] != column))
    value, count = statements.value(statements.table.column(column)), fn.COUNT(SQL("*"))
    found = statements.select(others, cell(value), count).group_by(value)
    return found.order_by(count.desc(), value.asc()).limit(CHOICES)


def _chosen(value: Any) -> Value:
    """A value as a query can be given it."""
    return value.raw if isinstance(value, RawText) else value
