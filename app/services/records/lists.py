"""Lists of a million rows: the exact count, the first rows, any page, and where a record stands.

A list is a sequence of keys in the order shown and pages of rows fetched by key. A key is a row's rowid, an
integer even where the record's id is a text, or NULL; of a table WITHOUT ROWID its primary key, as a text.
Everything here only reads; what belongs together is one batch of the engine, and so one snapshot.
"""

import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import chain
from operator import or_
from types import MappingProxyType
from typing import Any, Final

from peewee import SQL, fn

from app.services.records.keys import joined
from app.services.records.list_query import NAMED_BY, Key, ListedValue, ListQuery, Statements
from app.services.records.record import readable_keys, value_of
from app.services.records.rows import RawText, decoded, exactly, legible, perhaps_another
from app.services.records.rows import Value as Stored
from app.services.records.tables import AUDIT_CHAIN, DECLARED, RANK, TableColumn
from models.engine import Database, Rows
from models.errors import TableMissing, UndecodableText
from models.schema import Schema
from models.status import DAY

Keys = Sequence[Any]
"""Of type `Key`, in the order shown: rowids as a `range` where they have no gap, as `keys.Pieces` where only
some are known, else as an `array('q')`; the others as a list. Never changed.
"""

READ_EACH: Final = 3
"""How often each row is charged that is looked up by its key: in the list of keys, to find and to read it.
"""

Row = tuple[Stored, ...]
"""The record's id, as it is stored, and its other values, legible; then those of the columns that only the
file has, as `rows.glimpsed` gives them, None where they were not asked for.
"""
Page = tuple[Row | None, ...]
"""Rows in the order of the keys asked for; None for a row that has gone meanwhile."""

Last = tuple[Key, Stored] | None
"""The key and id of the last row of a table; None where it is not known, or there is none."""

IsOther = Callable[[Key, Stored], bool]
"""Whether another record than the one that was shown has this key by now, told by its id."""

Counts = tuple[tuple[ListedValue, int], ...]
"""The values of a column with their counts, most frequent first."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The first of the values of a column, and of all their rows, and in how many of these the flag is off.
    `match` is how many have what was looked for, and `groups` how many there are: of each all, those with
    rows in which it is off, and those with others.
    """

    first: Sequence[tuple[Any, ...]] = ()
    rows: int = 0
    off: int = 0
    match: tuple[int, ...] = (0, 0, 0)
    groups: tuple[int, ...] = (0, 0, 0)


MOST_KEYS = 50_000
"""Of a list whose keys are read at once, where each row that is read is charged."""

CHOICES = 200
"""Values that a pick list offers at most, the most frequent first."""

_READ_AT_ONCE = 4
"""How often a row is charged where keys and first rows are each read from a sorter of their own."""
_ROWS_AT_ONCE = 500
_QUARTER = 900
WHOLE_ROWS_AT_ONCE = 100
"""A row may have megabytes."""
_SHORT = 2_000
"""Characters of a row, on an average, so that more than those are read at once."""
_KEYS_AT_ONCE = 65_536

_MOST_ESTIMATED = 50_000_000
"""How far apart the ends of an estimated list may be: a D1 has room for no more rows, and a view for few."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it opens: how many rows there are, and the first of them.

    `keys` are those of all rows, or of the first rows only while `complete` is False. `rows` stands at the
    list's beginning. Where it is `estimated`, no more is known than where the list ends: behind `rows` every
    number in between counts as a key, and those without a row are known when they are asked for
    (`Lists.load_following`). `last` is the key and id of the table's last row, shown or not, where each row
    that is read is charged, as they were when the keys were read; else it is not looked for.
    """

    query: ListQuery
    total: int
    keys: Keys = field(repr=False)
    rows: Page = field(repr=False)
    estimated: bool = False
    last: Last = field(default=None, compare=False, repr=False)

    @property
    def complete(self) -> bool:
        return len(self.keys) == self.total


@dataclass(frozen=True, slots=True)
class Newer:
    """How many rows of a list were added behind a rowid, the last of them, and the last of the table."""

    count: int
    key: Key | None
    newest: int | None


class Lists:
    """Lists of one file, whose schema may differ from ours: a column that is missing reads as None.

    Every method takes the database to read, whose connection the caller holds on its own thread. Raises
    `TableMissing` for a table that the file lacks, and the storage errors of `models.errors`.
    """

    def __init__(self, schema: Schema, sizes: Mapping[str, int] = MappingProxyType({})) -> None:
        """`sizes` are about how many rows a table has at most, as far as that is known."""
        self._tables, self._sizes = schema.stored, sizes
        self._long: set[ListQuery] = set()
        """The lists that were found to be long: another time they are not counted up to there."""

    def reads(self, query: ListQuery, rows: int) -> int:
        """How many rows are charged at most where the keys are read of a list of so many: each by itself,
        and again in a sorter where it is not in the order of rowids.
        """
        table, stored = DECLARED[query.table], self._tables.get(query.table)
        sort = table.sorted_by(query.sort)
        is_of_rowid = stored and stored.rowid == sort.source and query.sort != RANK
        by_rowid = (query.as_added and query.sort is None) or is_of_rowid
        if stored:  # those of some keys are looked up
            some = [
                len(values) for name, values in query.choices if stored.key == (table.of_file(name).source,)
            ]
            rows = min([rows, *some])
        # Each entry is looked at for whom it names, and among those each user is looked for.
        looks = 0 if query.quiet_since is None else len(NAMED_BY)
        of_chain = looks * (self._sizes.get(AUDIT_CHAIN.name, 0) + rows)
        return (rows if by_rowid else 2 * rows) + of_chain

    def reads_whole(self, query: ListQuery, rows: int) -> int:
        """The same where each row of the list is read behind its key, too: to export it."""
        return self.reads(query, rows) + READ_EACH * rows

    def reads_choices(self, rows: int) -> int:
        """The same where the values of a column are counted: each row, and again in the sorter that brings
        equal ones together.
        """
        return 2 * rows

    def written(self, table: str, columns: Collection[str]) -> int:
        """About how many rows are charged where a row of the table gets other values in these columns."""
        return self._tables[table].written(columns)

    def open_list(self, database: Database, query: ListQuery, first_rows: int = 200) -> Listing:
        """The exact total and the first rows, as fast as the query allows.

        Where the keys come in the same breath the listing is complete; else `load_keys` makes it so.
        """
        statements = self._statements(database, query)
        # Pages of those who are quiet would each read the chain again.
        if statements.as_added and query.quiet_since is None:
            listing = _as_added(database, statements, first_rows, is_long=query in self._long)
            if listing.estimated:
                self._long.add(query)
            return listing
        is_much = database.is_much(_READ_AT_ONCE * self._sizes.get(query.table, 0))
        if database.costs and statements.has_rowids and not (query.filtered or is_much):
            return _at_once(database, statements, first_rows)
        if query.filtered or database.costs:
            return _by_keys(database, statements, *_keys_and_last(database, statements), first_rows)
        return _by_count(database, statements, first_rows)

    def open_readable(self, database: Database, query: ListQuery, first_rows: int = 200) -> Listing:
        """Of a damaged table the rows that can be read, in the order of their keys, which may not be the one
        asked for. Raises `DamagedFile` where there are none.
        """
        statements, stored = self._statements(database, query), self._tables[query.table]
        kept = database.rows(statements.among(readable_keys(database, stored)))
        keys = array("q", [key for (key,) in kept])
        if not keys:
            return self.open_list(database, query, first_rows)
        if statements.descending:
            keys.reverse()
        return _by_keys(database, statements, keys, None, first_rows)

    def load_keys(self, database: Database, query: ListQuery) -> Keys:
        """The keys of every row that the query keeps, in its order: 8 bytes a row, or none at all."""
        return self.load_known(database, query)[0]

    def load_known(self, database: Database, query: ListQuery) -> tuple[Keys, Last]:
        """The same, and the `last` of a `Listing`."""
        statements = self._statements(database, query)
        if statements.as_added and not statements.narrowed:
            listing = _by_ends(database, statements, 1)
            if listing is not None:
                return listing.keys, listing.last
        known = None if database.costs else _range(database, statements)
        return _keys_and_last(database, statements) if known is None else (known, None)

    def load_following(self, database: Database, query: ListQuery, keys: Keys) -> tuple[Keys, Page]:
        """Of a list that is estimated the rows from the first of these keys on, as many as there are keys;
        fewer are the last ones. The keys that they really have, and the rows as `load_page` gives them.
        """
        statements = self._statements(database, query)
        return _following(
            *_read(database, lambda cell: [statements.following(keys[0], len(keys), cell)], _with_id)
        )

    def load_page(self, database: Database, query: ListQuery, keys: Keys) -> Page:
        """The rows with these keys, each with its record's id first, in the order of the keys.

        A row outside the query's tenant is None, one that the other filters would drop by now is still
        shown. Text is cut (`CELL_CHARACTERS`), a BLOB reads `x'…'`, and what is no UTF-8 has U+FFFD; but the
        id is as it is stored.
        """
        return _page(database, self._statements(database, query), keys)

    def count(self, database: Database, query: ListQuery) -> int:
        return self.counts(database, [query])[0]

    def counts(self, database: Database, queries: Iterable[ListQuery], most: int | None = None) -> list[int]:
        """How many rows each has, all from one snapshot; no more than `most` are counted."""
        found = database.read_batch([self._statements(database, query).count(most) for query in queries])
        return [int(rows[0][0]) for rows in found]

    def newest(self, database: Database, query: ListQuery) -> int | None:
        """The highest rowid of the list's whole table, 0 of an empty one; None where it has none."""
        statements = self._statements(database, query)
        found: int | None = database.scalar(statements.newest()) if statements.has_rowids else None
        return 0 if found is None and statements.has_rowids else found

    def newer(self, database: Database, query: ListQuery, after: int) -> Newer:
        """What of the list was added behind this rowid: those rows alone are read."""
        statements = self._statements(database, query)
        added, newest = database.read_batch([statements.added(after), statements.newest()])
        count, key = added[0]
        return Newer(count, key, newest[0][0])

    def locate(self, database: Database, query: ListQuery, record_id: Stored) -> tuple[int, Key] | None:
        """The position of a record in the list, from 0, and its key; None when it is not in it."""
        statements = self._statements(database, query)
        key: Key | None = database.scalar(statements.key_of(record_id))
        if key is None:
            return None
        known = _range(database, statements)
        if known is not None:
            return (known.index(key), key) if isinstance(key, int) and key in known else None
        listed, ahead = database.read_batch(
            [
                statements.select(SQL("1")).where(statements.is_row(key)),
                statements.count().where(statements.before(key)),
            ]
        )
        return (int(ahead[0][0]), key) if listed else None

    def key_of(self, database: Database, query: ListQuery, record_id: Stored) -> Key | None:
        """The key of a record that the query keeps; None when it does not. Cheaper than `locate`."""
        found: Key | None = database.scalar(self._statements(database, query).listed_key_of(record_id))
        return found

    def keys_of(self, database: Database, query: ListQuery, record_ids: Sequence[Stored]) -> list[Key]:
        """The keys of those of the records that the query keeps, in no order; each id is looked up."""
        statements = self._statements(database, query)
        found = database.read_batch([statements.listed_key_of(one) for one in record_ids])
        return [rows[0][0] for rows in found if rows]

    def search(
        self, database: Database, wanted: Sequence[tuple[ListQuery, Stored]], most: int
    ) -> list[tuple[int, list[Row]]]:
        """How many rows each list has, and the first `most` of them, in two batches for all.

        The record of the id beside a query, if the tenant has one, counts as well and comes first.
        """
        lists = [self._statements(database, query) for query, _ in wanted]
        by_id = [statements.key_of(named) for statements, (_, named) in zip(lists, wanted, strict=True)]
        answers = database.read_batch([*(statements.keys() for statements in lists), *by_id])
        totals, firsts = [], []
        all_kept = map(_keys, lists, answers[: len(lists)])
        for kept, named_rows in zip(all_kept, answers[len(lists) :], strict=True):
            named_keys = [row[0] for row in named_rows[:1]]
            totals.append(len(kept) + sum(position(kept, key) is None for key in named_keys))
            firsts.append(list(dict.fromkeys([*named_keys, *kept[:most]]))[:most])

        def pages(cell: Callable[[Any], Any]) -> list[Any]:
            return [
                statements.page(keys, statements.cells(), cell)
                for statements, keys in zip(lists, firsts, strict=True)
            ]

        found = [{row[0]: row[1:] for row in rows} for rows in _read(database, pages, _with_id)]
        rows = [[page[key] for key in keys if key in page] for page, keys in zip(found, firsts, strict=True)]
        return list(zip(totals, rows, strict=True))

    def choices(self, database: Database, query: ListQuery, columns: Iterable[str]) -> dict[str, Counts]:
        """The values of each column with their counts under the query's other filters, from one snapshot.

        None stands for NULL, bytes for a BLOB or text that is no UTF-8; each can be chosen in a query. Of a
        column that the file lacks there are none.
        """
        statements = self._statements(database, query)
        names = list(columns)
        wanted = [name for name in names if statements.has(name)]

        def grouped(cell: Callable[[Any], Any]) -> list[Any]:
            return [statements.grouped(name, cell).limit(CHOICES) for name in wanted]

        found = dict(zip(wanted, _read(database, grouped, _as_choice), strict=True))
        return {name: tuple((value, count) for value, count in found.get(name, ())) for name in names}

    def groups(
        self,
        database: Database,
        query: ListQuery,
        column: str,
        off: str,
        most: int,
        *,
        text: str = "",
        named_by: tuple[str, str] | None = None,
    ) -> Groups:
        """The values of a column as `choices` gives them, each with how many rows have it, in how many the
        flag is `off`, and their latest time; the first `most`, those with most of these before. With a
        `text` those that have it in them, or are the id of a record that has it
        in the table and column `named_by`.
        """
        statements = self._statements(database, query)
        if not statements.has(column):
            return Groups()
        named = None
        if named_by is not None and text:
            table, told = named_by
            others = self._statements(database, ListQuery(table))
            there = reduce(or_, others.holding([others.value(others.table.column(told))], text))
            named = others.select(others.value(others.table.key)).where(there)

        def grouped(cell: Callable[[Any], Any]) -> list[Any]:
            return [statements.groups(column, cell, off, text, named).limit(most)]

        rows = _read(database, grouped, _as_choice)[0]
        if not rows:
            return Groups()
        all_rows, all_off, *counts = (int(total) for total in rows[0][5:])
        first = [row[:4] for row in rows if row[4]]
        return Groups(first, all_rows, all_off, tuple(counts[:3]), tuple(counts[3:]))

    def per_day(
        self, database: Database, query: ListQuery, day_of: Callable[[int], int] | None = None
    ) -> tuple[tuple[int, int], ...]:
        """How many rows the query keeps on each day, as (days since 1970, rows), the earliest first.

        `day_of(epoch)` is the day of a time where days are not those of UTC. Rows whose time is none are on
        no day.
        """
        if day_of is None:
            return tuple(self._per(DAY, database, query))
        days: Counter[int] = Counter()
        for quarter, count in self._per(_QUARTER, database, query):
            days[day_of(quarter * _QUARTER)] += count
        return tuple(sorted(days.items()))

    def between(self, database: Database, query: ListQuery, moments: Sequence[int]) -> tuple[int, ...]:
        """How many rows the query keeps between each of these moments and the next one: epoch seconds at
        whole quarters of an hour, the earliest first.
        """
        counts = [0] * (len(moments) - 1)
        within = replace(query, since=moments[0], until=moments[-1])
        for quarter, count in self._per(_QUARTER, database, within):
            counts[bisect_right(moments, quarter * _QUARTER) - 1] += count
        return tuple(counts)

    def _per(self, seconds: int, database: Database, query: ListQuery) -> Rows:
        """In which of all parts of time, each so many seconds, how many rows are; a quarter of an hour is in
        one day and one hour everywhere, as offsets from UTC are whole ones and change at one.
        """
        statements = self._statements(database, query)
        time = statements.time()
        part = time.cast("INTEGER") / seconds
        found = statements.select(part, fn.COUNT(SQL("*"))).where(time.is_null(False))
        return database.rows(found.group_by(part).order_by(part))

    def record_ids(
        self, database: Database, query: ListQuery, keys: Keys, *, is_other: IsOther | None = None
    ) -> Iterator[Stored]:
        """The record ids of these keys in their order: the exact set that a bulk action acts on.

        Rows that have gone are left out; of one that has no id it is None.
        """
        for row in self.rows(database, query, keys, (DECLARED[query.table].key.name,), is_other=is_other):
            yield row[0]

    def ids_of(self, database: Database, query: ListQuery, keys: Keys) -> dict[Key, Stored]:
        """The record id of each of these keys, in their order; rows that have gone are left out."""
        statements = self._statements(database, query)
        values = [statements.value(statements.table.key)]
        found: dict[Key, Stored] = {}
        for start in range(0, len(keys), _ROWS_AT_ONCE):
            part = keys[start : start + _ROWS_AT_ONCE]
            ids = _by_key(database, statements, values, _with_id, part)
            found |= {key: ids[key][0] for key in part if key in ids}
        return found

    def rows(
        self,
        database: Database,
        query: ListQuery,
        keys: Keys,
        columns: Iterable[str] | None = None,
        *,
        cut: bool = False,
        is_other: IsOther | None = None,
    ) -> Iterator[Row]:
        """The rows with these keys, whole texts included, in their order.

        `columns` are names of the list's columns, all of them by default, or of those that only the file has,
        which are `cut` as a list shows them; the record's id, if it comes first, is as it is stored. Rows
        that have gone are left out, and those of which `is_other` says of key and id, which comes first then,
        that another record is meant. Memory stays that of one page.
        """
        statements = self._statements(database, query)
        table = statements.table
        names = tuple(columns or table.names)
        values = [
            statements.shortened(column) if cut and not column.is_declared else statements.value(column)
            for column in map(table.of_file, names)
        ]
        told = _with_id if names[0] == table.key.name else _legible
        return _in_order(keys, _ROWS_AT_ONCE, partial(_by_key, database, statements, values, told), is_other)

    def stored_rows(
        self,
        database: Database,
        query: ListQuery,
        keys: Keys,
        columns: Iterable[TableColumn],
        *,
        is_other: IsOther | None = None,
    ) -> Iterator[Row]:
        """The same as stored, of columns that the file has now, declared or not: for copies and exports.
        Where rows turn out to be short more of them are read at once.
        """
        statements = self._statements(database, query)
        values = [value_of(column, statements.source) for column in columns]
        read = partial(_by_key, database, statements, values, tuple, exact=database.through_json)
        start, at_once = 0, WHOLE_ROWS_AT_ONCE
        while start < len(keys):
            found = [*_in_order(keys[start : start + at_once], at_once, read, is_other)]
            start += at_once
            size = sum(map(len, map(str, chain.from_iterable(found))))
            at_once = _ROWS_AT_ONCE if size < _SHORT * len(found) else WHOLE_ROWS_AT_ONCE
            yield from found

    def value_at(
        self, database: Database, query: ListQuery, key: Key, column: str
    ) -> tuple[ListedValue] | None:
        """The whole value of a row in a column, as `choices` gives values; None where the row has gone."""
        statements = self._statements(database, query)
        wanted, exact = [statements.value(statements.table.of_file(column))], database.through_json
        (found,) = _read(
            database, lambda cell: [statements.page([key], wanted, cell)], _as_choice, exact=exact
        )
        return (found[0][1],) if found else None

    def holds(self, table: str) -> bool:
        """Whether the file has the table, and lists of it."""
        return table in self._tables and self._tables[table].row_key is not None

    def _statements(self, database: Database, query: ListQuery) -> Statements:
        if query.table not in self._tables:
            raise TableMissing(query.table)
        has_chain = AUDIT_CHAIN.name in self._tables
        return Statements(query, self._tables[query.table], database.limits, has_chain=has_chain)


def position(keys: Keys, key: Key) -> int | None:
    """Where `key` stands in `keys`, or None; other threads get their turn in between."""
    if isinstance(keys, range):
        return keys.index(key) if isinstance(key, int) and key in keys else None
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        try:
            return keys.index(key, start, start + _KEYS_AT_ONCE)
        except ValueError:
            continue
    return None


def _as_added(database: Database, statements: Statements, first_rows: int, *, is_long: bool) -> Listing:
    """In the order of rowids: what a tenant has few of by its keys, any other list by its ends."""
    if statements.narrowed and not is_long:
        keys, last = _keys_and_last(database, statements, MOST_KEYS + 1)
        if len(keys) <= MOST_KEYS:
            return _by_keys(database, statements, keys, last, first_rows)
    listing = _by_ends(database, statements, first_rows)
    return listing or _by_keys(database, statements, *_keys_and_last(database, statements), first_rows)


def _by_ends(database: Database, statements: Statements, first_rows: int) -> Listing | None:
    """An estimated list, or a whole one that ends with its first rows; None where the ends are so far apart
    that nearly none of the numbers between them can have a row.
    """

    def asked(cell: Callable[[Any], Any]) -> list[Any]:
        return [statements.following(None, first_rows, cell), statements.last(), *_last(statements, cell)]

    first, last, *last_of_table = _read(database, asked, _with_id)
    found, rows = _following(first)
    known = _known(last_of_table)
    if len(found) < first_rows:
        return Listing(statements.query, len(found), found, rows, last=known)
    step = -1 if statements.descending else 1
    if abs(last[0][0] - found[0]) > _MOST_ESTIMATED:
        return None
    keys: Keys = range(found[0], last[0][0] + step, step)
    if keys[len(found) - 1] != found[-1]:
        keys = joined(found, range(found[-1] + step, last[0][0] + step, step))
    return Listing(statements.query, len(keys), keys, rows, estimated=True, last=known)


def _by_keys(database: Database, statements: Statements, keys: Keys, last: Last, first_rows: int) -> Listing:
    """By all its keys: to find out which rows a filter keeps costs what counting them costs. The first rows
    are asked for by theirs, as every page is: along with the keys the filter would run twice.
    """
    first = _page(database, statements, keys[:first_rows])
    return Listing(statements.query, len(keys), keys, first, last=last)


def _at_once(database: Database, statements: Statements, first_rows: int) -> Listing:
    """By all its keys together with the first rows, where a call costs more than to sort twice."""

    def asked(cell: Callable[[Any], Any]) -> list[Any]:
        return [statements.keys(), statements.first(first_rows, cell), *_last(statements, cell)]

    found, first, *last = _read(database, asked, _with_id)
    keys = _keys(statements, found)
    return Listing(statements.query, len(keys), keys, tuple(row[1:] for row in first), last=_known(last))


def _by_count(database: Database, statements: Statements, first_rows: int) -> Listing:
    """By the count and the first rows; the keys are to come where they have gaps."""

    def asked(cell: Callable[[Any], Any]) -> list[Any]:
        return [*statements.extent(), statements.first(first_rows, cell)]

    *extent, first = _read(database, asked, _with_id)
    known = statements.gapless(extent)
    firsts = [row[0] for row in first]
    keys = known if known is not None else array("q", firsts) if statements.has_rowids else firsts
    return Listing(statements.query, extent[0][0][0], keys, tuple(row[1:] for row in first))


def _page(database: Database, statements: Statements, keys: Keys) -> Page:
    found = _by_key(database, statements, statements.row(), _with_id, keys)
    return tuple(map(found.get, keys))


def _following(found: Rows) -> tuple[Keys, Page]:
    return array("q", [row[0] for row in found]), tuple(row[1:] for row in found)


def _legible(row: Row) -> Row:
    return tuple(map(legible, row))


def _with_id(row: Row) -> Row:
    """A row's key and its record's id, as they are stored, and what can be read of the rest."""
    return (*row[:2], *map(legible, row[2:]))


def _as_choice(row: Row) -> Row:
    """A value, as a query can be given it, and its count."""
    return tuple(value.raw if isinstance(value, RawText) else value for value in row)


def _read(
    database: Database,
    queries: Callable[[Callable[[Any], Any]], Sequence[Any]],
    told: Callable[[Row], Row] = _legible,
    *,
    exact: bool = False,
) -> list[Rows]:
    """The rows of `queries(cell)`, from one snapshot; `cell` makes of a stored value what is fetched.

    Values are fetched as they are, which is fast and nearly always right. Where some text is no UTF-8, or may
    be none, all is read again as `exactly` gives it, or at once where they are wanted `exact`. `told` makes
    what is wanted of a row with bytes or such a text.
    """
    found: list[Rows] | None = None
    if not exact:
        with suppress(UndecodableText):
            found = database.read_batch(queries(lambda value: value))
    if found is None or (
        database.through_json and any(perhaps_another(cell) for rows in found for row in rows for cell in row)
    ):
        found = [
            [tuple(decoded(cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
            for rows in database.read_batch(queries(exactly))
        ]
    odd = {bytes, RawText}
    return [[row if odd.isdisjoint(map(type, row)) else told(row) for row in rows] for rows in found]


def _range(database: Database, statements: Statements) -> range | None:
    """The keys without reading them, where they have no gap and are what the list is sorted by."""
    if statements.query.filtered or not statements.by_key:
        return None
    return statements.gapless(database.read_batch(statements.extent()))


def _keys_and_last(database: Database, statements: Statements, most: int | None = None) -> tuple[Keys, Last]:
    if not (database.costs and statements.has_rowids):
        return _keys(statements, database.rows(statements.keys(most))), None

    def asked(cell: Callable[[Any], Any]) -> list[Any]:
        return [statements.keys(most), *_last(statements, cell)]

    found, *last = _read(database, asked, _with_id)
    return _keys(statements, found), _known(last)


def _last(statements: Statements, cell: Callable[[Any], Any]) -> list[Any]:
    """The read of the table's last row; none where rows have no numbers."""
    return [statements.last_of_table(cell)] if statements.has_rowids else []


def _known(last: Sequence[Rows]) -> Last:
    return last[0][0][:2] if last and last[0] else None


def _keys(statements: Statements, found: Rows) -> Keys:
    """The keys that `Statements.keys` gave."""
    if not statements.has_rowids:
        return [row[0] for row in found]
    keys = array("q")
    keys.frombytes(found[0][0] or b"")
    if sys.byteorder == "little":
        keys.byteswap()
    return keys


def _by_key(
    database: Database,
    statements: Statements,
    values: list[Any],
    told: Callable[[Row], Row],
    keys: Keys,
    *,
    exact: bool = False,
) -> dict[Key, Row]:
    """The values of the rows with these keys, whatever is stored in them."""
    (found,) = _read(database, lambda cell: [statements.page(keys, values, cell)], told, exact=exact)
    return {row[0]: row[1:] for row in found}


def _in_order(
    keys: Keys, at_once: int, read: Callable[[Keys], dict[Key, Row]], is_other: IsOther | None = None
) -> Iterator[Row]:
    for start in range(0, len(keys), at_once):
        part = keys[start : start + at_once]
        found = read(part)
        if is_other is not None:
            found = {key: row for key, row in found.items() if not is_other(key, row[0])}
        yield from (found[key] for key in part if key in found)
