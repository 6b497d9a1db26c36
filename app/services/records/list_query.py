"""What a list shall show, as plain data that another process can be given, and the SQL that finds it; every
value is a parameter.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial, reduce
from operator import and_, or_
from typing import Any, Final

from peewee import JOIN, OP, SQL, Case, Column, Expression, Join, ModelAlias, NodeList, Select, Tuple, fn

from app.services.records.record import hides, value_of
from app.services.records.rows import (
    STORED,
    RawText,
    bytewise,
    decoded,
    exactly,
    filled,
    given,
    glimpsed,
    holds,
    text_of,
    told_apart,
)
from app.services.records.rows import Value as Stored
from app.services.records.stored_times import moment_in_sql
from app.services.records.tables import DECLARED, EVERYONE, OFF, RANK, ColumnKind, Scope, TableColumn
from app.services.sought import letters_by, sought
from models import engine, errors, schema

CELL_CHARACTERS = 512
"""What a list reads of a text. A cell of 10 MB would take 1.75 s to paint."""

SORT_CHARACTERS = 128
"""How much of a long text is sorted by, which bounds the memory of a sort."""

_TEXTS = {ColumnKind.ID, ColumnKind.WORD, ColumnKind.NAME, ColumnKind.PROSE, ColumnKind.JSON}

_LONGEST_NUMBER = 18

_MOST_WORDS = 3
"""So many words of a text may stand apart."""
_SEARCHED_BESIDE = 8
"""So many columns that only the file has are searched with ours."""
_SECRET, _WORDS = 15, 40
"""Letters of the shortest secret that is known by its form, and of words with a blank that are none."""
_PLENTY = 1_000
"""Values that a statement may bind, from which on nobody counts them."""
_BESIDE = 12
"""Values that a statement binds beside its conditions: the tenant, and which part of a list is asked for."""
_MOST_REPLACED = 32
"""Letters that are replaced, each within the one before: two steps each of the 100 that D1 takes."""
_MOST_BOUND = 50
"""Values of all columns that are bound one by one: a statement of D1's has a hundred."""

_KEY = "row_key"
"""What a subquery calls the key: of an expression that is no column, SQLite chooses a name."""

QueryDocument = dict[str, Any]
"""What JSON can hold."""

Key = int | str
"""What names a row of a list: its rowid, or its primary key as `rows.exactly` writes it."""

ListedValue = str | int | float | bytes | None
ColumnChoice = tuple[str, tuple[ListedValue, ...]]


class NoSingleKey(errors.StorageError):
    sentence = (
        "In the table {what} of this database no single column tells all rows apart, and a list goes by one; "
        "so they are not shown. Nothing is wrong with them."
    )


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which rows of a table, in which order; the same query is equal and hashes alike.

    `text` is found anywhere in the table's searched columns and in those that only the file has, and where an
    id, a hash or a tenant begins, whatever the case of its letters, composed or not; nothing in it is a
    wildcard. `choices` names columns of the list, or of the file alone, with the values to keep. `since` and
    `until` are epoch seconds, `until` itself excluded. `sort` is a column of the list; None is the table's
    own order, and then `descending` has no meaning; by `RANK` the rows come that have one of the first of the
    `ranks` for an id, then those of the next, and at last those of none; a dozen ranks at most. With
    `as_added` that is the order of rowids, in which a page costs no more than its rows. `quiet_since` keeps
    users who were there before, of whom no audit entry from then on says that they did anything, or had
    anything done to them, and who were not changed since. `extra` are those columns that only the file has
    which are read with each row: no other list than without them.
    """

    table: str
    scope: Scope = EVERYONE
    text: str = ""
    choices: tuple[ColumnChoice, ...] = ()
    since: int | None = None
    until: int | None = None
    sort: str | None = None
    descending: bool = False
    as_added: bool = False
    quiet_since: int | None = None
    ranks: tuple[tuple[str, ...], ...] = ()
    extra: tuple[str, ...] = field(default=(), compare=False)

    @property
    def filtered(self) -> bool:
        """Whether anything but the tenant restricts the rows."""
        times = self.since, self.until, self.quiet_since
        return bool(self.text or self.choices) or any(one is not None for one in times)

    def document(self) -> QueryDocument:
        """The query as names and values, never SQL; bytes are written as `{"bytes": hex}`."""
        choices = [[name, [as_json(value) for value in values]] for name, values in self.choices]
        return {**asdict(self), "scope": self.scope.tenant_id, "choices": choices}

    @classmethod
    def of(cls, document: QueryDocument) -> "ListQuery":
        """The query that `document()` was made of, equal to it."""
        choices = tuple((name, tuple(map(from_json, values))) for name, values in document["choices"])
        ranks = tuple(map(tuple, document["ranks"]))
        extra, scope = tuple(document["extra"]), Scope(document["scope"])
        return cls(**{**document, "scope": scope, "choices": choices, "ranks": ranks, "extra": extra})


def as_json(value: Stored) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, RawText):
        return {"text": value.raw.hex()}
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def from_json(found: Any) -> Any:
    """The value that `as_json` was made of."""
    match found:
        case {"bytes": data}:
            return bytes.fromhex(data)
        case {"text": data}:
            return RawText(bytes.fromhex(data))
    return found


def _cut(value: Any, characters: int) -> Any:
    """The beginning of a text. Of text, `substr` ends at a NUL; of bytes, it does not."""
    as_bytes = fn.substr(value.cast("BLOB"), 1, characters).cast("TEXT")
    return Case(None, [(hides(value), as_bytes)], fn.substr(value, 1, characters))


_BEGINNING = (
    f"CASE typeof(%) WHEN 'text' THEN lower(substr(%, 1, {SORT_CHARACTERS}))"
    f" WHEN 'blob' THEN substr(%, 1, {SORT_CHARACTERS}) ELSE % END"
)
"""What a column of any values is sorted by: numbers, then texts whatever the case of ASCII, then BLOBs."""


class Statements:
    """The statements of one list, of a table as the file has it.

    A column that the file lacks reads as NULL. Rows are named by `StoredTable.row_key`, SQLite's rowid or the
    primary key of a table that has none, which every query can sort by last, so that an order is always
    total. `key` fetches it: a primary key as `exactly` writes it. Raises `NoSingleKey`, unless nobody asks
    for rows by their names.
    """

    def __init__(
        self,
        query: ListQuery,
        stored: schema.StoredTable,
        limits: engine.Limits,
        *,
        has_chain: bool = True,
        names_rows: bool = True,
    ) -> None:
        if stored.row_key is None and names_rows:
            raise NoSingleKey(stored.name)
        self.query, self.table, self._has_chain = query, DECLARED[query.table], has_chain
        self._stored, self._present, self._limits = stored, frozenset(stored.names), limits
        self.source = self.table.model._meta.table
        self.has_rowids = stored.rowid is not None
        self._by = told_apart(self.source, stored)
        self.key = self._by if self.has_rowids else exactly(self._by)
        self._narrowed = query.scope.tenant_id is not None and self.table.has_tenants(stored)
        self.sort = self.table.sorted_by(query.sort)
        self.descending = self.table.descending if query.sort is None else query.descending
        self.as_added = query.as_added and query.sort is None and self.has_rowids

    def has(self, name: str) -> bool:
        """Whether the file has what a column is read from."""
        return self.table.of_file(name).source in self._present

    def select(self, *what: Any) -> Any:
        """`what` of the rows that the query keeps, in no order."""
        found = self._scoped(*what)
        conditions = self._conditions()
        return found.where(reduce(and_, conditions)) if conditions else found

    def count(self, most: int | None = None) -> Any:
        """How many rows there are; no more than `most` are looked at."""
        if most is None:
            return self.select(fn.COUNT(SQL("*")))
        return Select([self.select(SQL("1")).limit(most).alias("some")], [fn.COUNT(SQL("*"))])

    def extent(self) -> list[Any]:
        """How many rows an unfiltered list has, and its lowest and highest key; numbers all of them."""
        if not self.has_rowids:
            return [self.count()]
        ends = (self._by.asc(), self._by.desc())
        return [self.count(), *(_of_one(self.select(self._by).order_by(end)) for end in ends)]

    def gapless(self, extent: Sequence[engine.Rows]) -> range | None:
        """The keys that `extent` gave; None where they have gaps or are not in the list's order."""
        if not self.by_key or self.sort.source != self._stored.rowid:
            return None
        (count,), (first,), (last,) = (rows[0] for rows in extent)
        if not count:
            return range(0)
        if count != last - first + 1:
            return None
        return range(last, first - 1, -1) if self.descending else range(first, last + 1)

    @property
    def by_key(self) -> bool:
        """Whether the rows are in order of what names a record."""
        return self.sort is self.table.key and self.query.sort != RANK

    @property
    def narrowed(self) -> bool:
        """Whether the rows of the list are fewer than those of the table."""
        return self._narrowed or self.query.filtered

    def keys(self, most: int | None = None) -> Any:
        """The keys in the query's order, the first `most` of them; rowids in one step of SQLite: eight bytes
        each, big-endian.

        Stepped row by row, a million rows take the interpreter's lock a million times, and an interface that
        paints meanwhile stalls for 50 ms. As one BLOB they come while the lock is free.
        """
        if not self.has_rowids:
            return self._ordered(self.key)
        # SQLite keeps the inner order for group_concat; a LIMIT of -1 to be sure would cost its fast sorter.
        inner = self._ordered().limit(most).alias("ordered")
        joined = fn.group_concat(fn.unhex(fn.printf("%016x", Column(inner, _KEY))), "")
        # A sort leaves a million small pieces of memory, which the allocator tidies up at the next large
        # request. That takes 200 ms and should not be the result's, which is made with the lock held.
        tidied = fn.length(fn.randomblob(65_536))
        return Select([inner], [joined.cast("BLOB"), tidied])

    def among(self, keys: Sequence[int]) -> Any:
        """Those of these rowids that the query keeps, in their order, each looked up by its own."""
        given = SQL("json_each(?)", [json.dumps(list(keys))])
        both = Join(given, self.source, JOIN.CROSS, self._by == SQL("value"))
        return self.select(self._by).from_(both)

    def first(self, limit: int, cell: Callable[[Any], Any]) -> Any:
        """The first rows of the list, each with its key before its cells, all as `cell` fetches them.

        The keys are sorted alone: with the cells a sort by an unindexed column takes seven times as long.
        SQLite keeps the order of the left side of a CROSS JOIN.
        """
        ordered = self._ordered().limit(limit).alias("ordered")
        both = Join(ordered, self.source, JOIN.CROSS, self._by == Column(ordered, _KEY))
        return Select([both], [cell(self.key), *map(cell, self.row())])

    def last(self) -> Any:
        """The rowid that the tenant's list ends with, in the order of rowids; NULL where it is empty."""
        end = self._by.asc() if self.descending else self._by.desc()
        return _of_one(self._scoped(self._by).order_by(end))

    def last_of_table(self, cell: Callable[[Any], Any]) -> Any:
        """The highest rowid of the table and the id of its record, as `cell` fetches them; no row of an empty
        one, or where rows have none.
        """
        value = cell(self.value(self.table.key))
        found = self.table.model.select(cell(self.key), value)
        return found.order_by(self._by.desc()).limit(1 if self.has_rowids else 0)

    def newest(self) -> Any:
        """The highest rowid of the table; NULL of an empty one."""
        return self.table.model.select(fn.MAX(self._by))

    def added(self, after: int) -> Any:
        """How many rows that the query keeps have a higher rowid, and the highest."""
        return self.select(fn.COUNT(SQL("*")), fn.MAX(self._by)).where(self._by > after)

    def following(self, key: int | None, limit: int, cell: Callable[[Any], Any]) -> Any:
        """The rows from this rowid on, in the order of rowids, as `first` gives them; from the beginning."""
        found = self.select(cell(self.key), *map(cell, self.row()))
        if key is not None:
            found = found.where(self._by <= key if self.descending else self._by >= key)
        return found.order_by(self._by.desc() if self.descending else self._by.asc()).limit(limit)

    def page(self, keys: Sequence[Key], values: Iterable[Any], cell: Callable[[Any], Any]) -> Any:
        """The rows of the tenant with these keys, each with its key before the values, as `cell` fetches
        them.
        """
        if isinstance(keys, range) and keys:
            wanted = self._by.between(min(keys[0], keys[-1]), max(keys[0], keys[-1]))
        else:
            # One parameter for any number of keys, so that the statement is compiled once.
            stored = "value" if self.has_rowids else STORED
            wanted = self._by.in_(SQL(f"(SELECT {stored} FROM json_each(?))", [json.dumps(list(keys))]))  # noqa: S608
        return self._scoped(cell(self.key), *map(cell, values)).where(wanted)

    def key_of(self, record_id: Stored) -> Any:
        """The key of the tenant's record that has this id; of None there is none."""
        return self._scoped(self.key).where(self._is_record(record_id))

    def listed_key_of(self, record_id: Stored) -> Any:
        """The same where the query keeps it."""
        return self.select(self.key).where(self._is_record(record_id))

    def _is_record(self, record_id: Stored) -> Any:
        return SQL("0") if record_id is None else holds(self.value(self.table.key), record_id)

    def is_row(self, key: Key) -> Any:
        return self._by == self._given(key)

    def _given(self, key: Key) -> Any:
        return given(key if isinstance(key, int) else decoded(key))

    def grouped(self, column: str, cell: Callable[[Any], Any], off: str = "") -> Any:
        """The values of a column and their counts, most frequent first, under the query's other filters. With
        the name of a flag also in how many rows it is `off`, and the latest time, in no order.
        """
        choices = tuple(choice for choice in self.query.choices if choice[0] != column)
        query = replace(self.query, choices=choices)
        others = Statements(query, self._stored, self._limits, has_chain=self._has_chain)
        value, count = self.value(self.table.of_file(column)), fn.COUNT(SQL("*"))
        if not off:
            each = bytewise(value)
            return others.select(cell(value), count).group_by(each).order_by(count.desc(), each.asc())
        is_off = fn.TOTAL(self.value(self.table.column(off)).in_(OFF)).cast("INTEGER")
        told = (count.alias("kept"), is_off.alias("off"), fn.MAX(self.time()).alias("latest"))
        return others.select(cell(value), *told).group_by(bytewise(value))

    def groups(
        self, column: str, cell: Callable[[Any], Any], off: str, text: str = "", named: Any = None
    ) -> Any:
        """The values of a column as `grouped` gives them: those first that have `text` in them, or are one of
        `named`, and of these those with most rows in which the flag is `off`. Each row also says whether it
        is one of them, and of all values how many rows they have and in how many it is `off`; then how many
        values are such ones and how many there are, and of both how many have rows in which it is `off`, and
        how many others.
        """
        each = self.grouped(column, lambda value: value.alias("value"), off).alias("each")
        value, kept, is_off, latest = (Column(each, name) for name in ("value", "kept", "off", "latest"))
        has: Any = SQL("(1)")
        if text:
            found = reduce(or_, self.holding([value], text))
            has = fn.coalesce(found if named is None else found | value.in_(named), SQL("0"))
        some = (SQL("1"), is_off > 0, is_off < kept)
        parts = (kept, is_off, *(_both(has, one) for one in some), *some)
        told = (kept, is_off, latest, has, *(fn.SUM(part).over() for part in parts))
        order = (SQL("5").desc(), is_off.desc(), kept.desc(), value.asc())
        return Select([each], [cell(value), *told]).order_by(*order)

    def before(self, key: Key) -> Any:
        """The condition that a row comes before the one with this key in the query's order.

        The row's sort key is read inside the statement, so that it may be of any type and in any encoding.
        """
        other = self.table.model.alias()
        row = self._given(key)
        if self.as_added:
            return self._by > row if self.descending else self._by < row
        there = other.select(self._sort_key(other)).where(Column(other, self._by.name) == row)
        here = self._sort_key()
        tied = Expression(here, OP.IS, there)
        if self.descending:
            ahead = (here > there) | (here.is_null(False) & Expression(there, OP.IS, None))
            return ahead | (tied & (self._by > row))
        ahead = (here < there) | (here.is_null() & Expression(there, OP.IS_NOT, None))
        return ahead | (tied & (self._by < row))

    def cells(self) -> list[Any]:
        """The list's columns as a page reads them, text cut at `CELL_CHARACTERS`."""
        values = ((column, self.value(column)) for column in self.table.listed)
        cut = partial(_cut, characters=CELL_CHARACTERS)
        return [cut(value) if column.kind in _TEXTS else value for column, value in values]

    def row(self) -> list[Any]:
        """The same, and behind them the columns that only the file has (`Table.extras`), as `rows.glimpsed`
        gives them, but of a secret whether there is one; NULL for those that are not asked for.
        """
        extra = (
            SQL("NULL")
            if column.name not in self.query.extra
            else self.value(column)
            if column.kind is ColumnKind.PRESENCE
            else glimpsed(self.value(column))
            for column in self.table.extras(self._stored)
        )
        return [*self.cells(), *extra]

    def value(self, column: TableColumn, source: ModelAlias | None = None) -> Any:
        """A column's value, or NULL when the file lacks the column."""
        if column.source not in self._present:
            return SQL("NULL")
        return value_of(column, source or self.source)

    def shortened(self, column: TableColumn) -> Any:
        """The same, a text cut at `CELL_CHARACTERS`."""
        value = self.value(column)
        return value if column.kind is ColumnKind.PRESENCE else _cut(value, CELL_CHARACTERS)

    def time(self) -> Any:
        """When a row was made, as `moment` gives it."""
        return moment_in_sql(self.value(self.table.column(self.table.time)))

    def _scoped(self, *what: Any) -> Any:
        """`what` of the tenant's rows. A file that cannot tell tenants apart shows none of their rows."""
        found = self.table.model.select(*what)
        if not self._narrowed:
            return found
        own = Expression(bytewise(Column(self.source, "tenant_id")), OP.EQ, self.query.scope.tenant_id)
        return found.where(own if "tenant_id" in self._present else SQL("0"))

    def _ordered(self, key: Any = None) -> Any:
        """The keys in the query's order, made total by them."""
        order = (self._by,) if self.as_added else (self._sort_key(), self._by)
        return self.select(self._by.alias(_KEY) if key is None else key).order_by(
            *(part.desc() if self.descending else part.asc() for part in order)
        )

    def _sort_key(self, source: ModelAlias | None = None) -> Any:
        value = self.value(self.sort, source)
        if self.query.sort == RANK:
            ranks = [(_is_in(value, ids), SQL(str(rank))) for rank, ids in enumerate(self.query.ranks)]
            return Case(None, ranks, SQL(str(len(ranks)))) if ranks else value
        if self.sort.steps:  # a number comes before any text
            steps = " ".join(f"WHEN '{step}' THEN {place}" for place, step in enumerate(self.sort.steps))
            return filled(f"CASE % {steps} ELSE % END", value)
        match self.sort.kind:
            case ColumnKind.ID if not self.sort.is_declared:
                return filled(_BEGINNING, value)
            case ColumnKind.NAME:
                # Not NOCASE, which takes a text to end at a NUL.
                return Case(fn.typeof(value), (("text", fn.lower(value)),), value)
            case ColumnKind.PROSE | ColumnKind.JSON:
                return _cut(value, SORT_CHARACTERS)
            case ColumnKind.TIME:
                return moment_in_sql(value)
        return value

    def _conditions(self) -> list[Any]:
        found = [self._chosen(self.table.of_file(name), values) for name, values in self.query.choices]
        time = self.time()
        if self.query.since is not None:
            found.append(time >= self.query.since)
        if self.query.until is not None:
            found.append(time < self.query.until)
        if self.query.quiet_since is not None:
            found += self._quiet(self.query.quiet_since)
        if self.query.text:
            left = self._limits.parameters - _BESIDE
            few = left < _PLENTY
            found.append(self._contains(self.query.text, left - _bound(found) if few else None))
        return found

    def _quiet(self, since: int) -> list[Any]:
        stamps = [moment_in_sql(self.value(self.table.column(name))) for name in ("created_at", "updated_at")]
        found = [fn.coalesce(stamp, 0) < since for stamp in stamps]
        if self._has_chain:
            found += [~self._is_named(name, member, since) for name, member in NAMED_BY]
        return found

    def _is_named(self, name: str, member: str, since: int) -> Any:
        """Addresses are told apart by their tenants, who may each have a user of it."""
        value = self.value(self.table.column(name))
        if member != _ADDRESS or "tenant_id" not in self._present:
            return value.in_(_named_since(member, since))
        whose = self.value(self.table.column("tenant_id"))
        return Tuple(whose, value).in_(_named_since(member, since, "tenant_id, "))

    def _chosen(self, column: TableColumn, values: tuple[ListedValue, ...]) -> Any:
        field = self.table.model._meta.columns.get(column.name)
        indexed = column.source in self._present and field is not None and bool(field.index)
        if not (self._narrowed and indexed):
            return self._one_of(self.value(column), values)
        # Of two indexes SQLite uses one and looks every row up. Asked for the rowids of the second, it reads
        # nothing but both indexes: a third of the time for a large tenant, never much worse.
        other = self.table.model.alias()
        chosen = other.select(Column(other, self._by.name)).where(
            self._one_of(self.value(column, other), values)
        )
        return self._by.in_(chosen)

    def _one_of(self, value: Any, values: tuple[ListedValue, ...]) -> Any:
        """Whether it is exactly one of these, whatever the column's collation takes for the same. Bytes stand
        for a BLOB or for text that is no UTF-8; None for NULL.
        """
        value = bytewise(value)
        raw = [item for item in values if isinstance(item, bytes)]
        plain = [item for item in values if item is not None and not isinstance(item, bytes)]
        found: list[Any] = []
        if len(plain) > _MOST_BOUND // len(self.query.choices):
            found.append(_is_in(value, plain))
        elif plain:
            found.append(value.in_(plain))
        if blobs := [one for one in raw if isinstance(text_of(one), str)]:
            found.append(value.in_(blobs))
        if others := [one for one in raw if one not in blobs]:
            found.append(value.cast("BLOB").in_(others))
        if None in values:
            found.append(value.is_null())
        return reduce(or_, found) if found else SQL("0")

    def _contains(self, text: str, most: int | None) -> Any:
        """Whether a row has the text, or its words, in each of their forms, where no more than `most` values
        are bound for it.
        """
        columns = [*(self.value(column) for column in self.table.searched), *self._searched_beside()]
        if "tenant_id" in self.table.names and not self._narrowed:  # of one tenant it tells nothing apart
            columns.append(self.value(self.table.column("tenant_id")))
        names = self.table.shortened if "…" in text else self.table.names_things
        found = [self._names_it(column, text) for column in names]
        forms = _forms(sought(text))
        whole = [*found, *self.holding(columns, text, forms)]
        while most is not None and forms[1:] and _bound(whole) > most:
            forms = forms[:-1]
            whole = [*found, *self.holding(columns, text, forms)]
        if 1 < len(words := text.split()) <= _MOST_WORDS and number_in(text) is None:
            # A person's names stand in an address with a dot between them, or the other way round.
            apart = reduce(and_, (reduce(or_, self.holding(columns, word)) for word in words))
            if most is None or _bound([*whole, apart]) <= most:
                whole.append(apart)
        return reduce(or_, whole)

    def _searched_beside(self) -> list[Any]:
        """What columns hold that only the file has, a display name, say; those of a table with very many are
        not looked into. Nor is what may be a secret, which lists do not show and a search would spell out:
        words are looked into, and what is shorter than a token or a digest.
        """
        others = (one for one in self.table.extras(self._stored) if one.kind is not ColumnKind.PRESENCE)
        values = [self.value(one) for one in others if not one.host_only][:_SEARCHED_BESIDE]
        return [_words_of(value) for value in values]

    def holding(self, columns: Sequence[Any], text: str, forms: Sequence[str] = ()) -> list[Any]:
        """Whether one of these has the text in it, as `sought` compares both, in one of its `forms`, or in
        each. LIKE knows that of ASCII alone: `_within` looks through what has other letters, or a NUL.
        """
        wanted = sought(text)
        within = [_within(column, wanted, forms or _forms(wanted)) for column in columns]
        if wanted.isascii() and "\0" not in wanted:
            if _pattern_bytes(wanted) > self._limits.pattern_bytes:
                return within
            plain = [column.contains(wanted) for column in columns]
        else:
            plain = []
        is_odd = [fn.length(column.cast("TEXT")) < fn.octet_length(column) for column in columns]
        return plain + list(map(and_, is_odd, within))

    def _names_it(self, column: TableColumn, text: str) -> Any:
        """Whether an id or a hash begins with the text, and ends with what is behind its "…", as tables
        shorten them; of a number, whether it is the same.
        """
        value = self.value(column)
        if column is self.table.key and self.table.numbered:
            number = number_in(text)
            return SQL("0") if number is None else holds(value, number)
        if column.kind is ColumnKind.WORD and _pattern_bytes(text) <= self._limits.pattern_bytes:
            return value.startswith(text)
        # Of ids and hashes the range, which costs a tenth of a pattern.
        begin, shortened, end = text.partition("…")
        begins = dict.fromkeys((begin, begin.lower()))
        found = reduce(or_, ((value >= one) & (value < f"{one}\U0010ffff") for one in begins))
        return found & value.endswith(end) if shortened else found


_ADDRESS: Final = "email"
NAMED_BY: Final = ("id", "userId"), ("id", "actor"), ("email", _ADDRESS), ("email", "actor")
"""A user's columns, each with what the payload of an entry that names the user calls it; an address beside an
id says whose it was (`history.Named`). They are looked for one by one: where rows are charged, so is each
member of a payload that is gone through.
"""

_NAMED = """(SELECT {beside}payload ->> ? FROM audit_chain
WHERE CASE WHEN {then} AND json_valid(payload) THEN json_type(payload, ?) END = 'text'{alone})"""
_ALONE = " AND COALESCE(payload ->> '$.userId', '') = ''"


def _words_of(value: Any) -> Any:
    """A value that is no secret by its form: none has so few letters, or in so few a blank and no digit."""
    length = fn.length(value)
    are_words = (length <= _WORDS) & (fn.instr(value, " ") > 0) & (fn.glob("*[0-9]*", value) == 0)
    return Case(None, [((length < _SECRET) | are_words, value)], None)


def _bound(conditions: Sequence[Any]) -> int:
    """How many values they bind."""
    return sum(len(Select([], [one]).sql()[1]) for one in conditions)


def _named_since(member: str, since: int, beside: str = "") -> NodeList:
    """Whom entries from then on name by this member of their payload, with columns of the entry `beside`."""
    path, alone = f"$.{member}", _ALONE if member == _ADDRESS else ""
    before, after = _NAMED.format(beside=beside, then="{then}", alone=alone).split("{then}")
    is_then = moment_in_sql(SQL("audit_chain.created_at")) >= since  # asked first, as it costs the least
    return NodeList((SQL(before, [path]), is_then, SQL(after, [path])))


def _both(one: Any, other: Any) -> Any:
    return Expression(one, OP.MUL, other)


def _of_one(found: Any) -> Select:
    """The value of its first row, or NULL: one row in any case, so that its lack is found."""
    return Select([], [found.limit(1)])


def number_in(text: str) -> int | None:
    """The number that a text is, as people write it: `#1,204`, or `entry 1,204` as the inspector does."""
    digits = text.lower().removeprefix("entry ").strip().removeprefix("#").replace(",", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None


def _forms(wanted: str) -> list[str]:
    """What is `sought`: composed, decomposed, and with each letter's last mark apart, as keyboards do."""
    apart = "".join(map(_with_mark_apart, wanted))
    return list(dict.fromkeys((wanted, unicodedata.normalize("NFD", wanted), apart)))


def _with_mark_apart(letter: str) -> str:
    parts = unicodedata.decomposition(letter)
    return "".join(chr(int(part, 16)) for part in parts.split()) if parts and parts[0] != "<" else letter


def _within(column: Any, wanted: str, forms: Sequence[str]) -> Any:
    """Whether a column has what is `sought`, of any length and behind a NUL, too: `lower` knows ASCII alone,
    so other letters are replaced. As numbers they take none of a statement's parameters.
    """
    found = fn.lower(column)
    for letters, small in _replaced(wanted):
        found = fn.replace(found, _by_number(letters), _by_number(small))
    return reduce(or_, (fn.instr(found, form) > 0 for form in forms))


def _by_number(letters: str) -> Any:
    return SQL(f"char({','.join(str(ord(letter)) for letter in letters)})")


def _replaced(wanted: str) -> list[tuple[str, str]]:
    """By what the letters are replaced that what is `sought` may be written with, as far as `lower` leaves
    them; where there are too many for one expression, what is no letter's own capital is left out first.
    """
    letters = {*"".join(_forms(wanted))}

    def may_be(small: str) -> bool:
        if len(small) == 1:
            return small in letters
        parts = [(small[:at], small[at:]) for at in range(1, len(small))]
        ends = any(wanted.endswith(first) or wanted.startswith(last) for first, last in parts)
        return ends or small in wanted or wanted in small

    found = [
        (letter, small)
        for small, forms in letters_by(sought).items()
        if may_be(small)
        for letter in forms
        if not letter.isascii()
    ]
    found.sort(key=lambda one: one[0].lower() != one[1])
    if "i" in letters:
        found.insert(0, ("i\N{COMBINING DOT ABOVE}", "i"))
    return found[:_MOST_REPLACED][::-1]


def _pattern_bytes(text: str) -> int:
    """The length of the LIKE pattern that finds `text` anywhere, with its wildcards escaped."""
    return 2 + len(text.encode("utf-8", "surrogatepass")) + sum(map(text.count, "%_\\"))


def _is_in(value: Any, plain: Sequence[ListedValue]) -> Any:
    """Any number of them as one parameter."""
    return value.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(plain)]))
