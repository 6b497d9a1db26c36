"""Rows as the database holds them: every column, known to us or not, each value with its storage class.

Acts read rows whole through `Images` and write them as `RowChange`s, which hold only where a row is still as
it was read. Columns and keys are those of the file, so the SQL is written here, with quoted names, rather
than by models; and a literal of Peewee's would be a bound value, of which D1 takes a hundred in a statement.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, TypeVar

from peewee import SQL, BaseQuery

from app.services.chain.append import Event, Head, end_of, end_queries
from app.services.chain.rules import SECONDS_LIMIT
from app.services.text import sql_name
from models.engine import Database, Rows, Statement, raw
from models.errors import ColumnMissing, NotAllowed, NotFound, StillReferred, TableMissing
from models.schema import ForeignKey, StoredTable, StoredTables, read_stored

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RawText:
    """A text whose bytes are no UTF-8."""

    raw: bytes


Value = None | int | float | str | bytes | RawText
"""A stored value; its Python type stands for its storage class."""

Image = Mapping[str, Value]
"""Column name to the value as stored."""

ID: Final = "id"
"""The column by which people name a record of any table that acts write."""

STAMPS: Final = ("created_at", "updated_at")
"""Columns that say when a row was made and changed; not every file has them."""

_EXACT_INTEGERS: Final = 2**53
"""JSON readers keep integers exactly up to here."""


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def storage_class(value: Value) -> str:
    """What SQLite's `typeof` says of it."""
    match value:
        case None:
            return "null"
        case int():
            return "integer"
        case float():
            return "real"
        case bytes():
            return "blob"
    return "text"


def shown(value: Value) -> int | float | str | None:
    """A stored value as audit payloads and sentences give it: JSON can hold it, a person can read it."""
    match value:
        case RawText(raw):
            return raw.decode("utf-8", "replace")
        case bytes():
            return f"x'{value.hex()}'"
        case int() if abs(value) > _EXACT_INTEGERS:
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)
    return value


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row as it was read. It may hold secrets, so its values are left out of `repr()`."""

    table: StoredTable
    image: Image = field(repr=False)

    def __getitem__(self, column: str) -> Value:
        """Raises `ColumnMissing` for a column that the file lacks."""
        if column not in self.image:
            raise ColumnMissing(f"{self.table.name}.{column}")
        return self.image[column]

    @property
    def key(self) -> Image:
        return {name: self.image[name] for name in self.table.key}

    @property
    def identity(self) -> tuple[str, tuple[Value, ...]]:
        """What tells the row from all others of the database."""
        return self.table.name, tuple(self.key.values())

    @property
    def tenant(self) -> str:
        """The tenant in whose chain an act upon the row is recorded. Raises `NotAllowed`."""
        tenant = self["tenant_id"]
        if not isinstance(tenant, str):
            raise NotAllowed(
                f"The tenant of a row of {self.table.name} is not readable text, so no audit entry can say "
                "what happens to it; nothing was changed."
            )
        return tenant

    def holds(self, column: str, value: Value) -> bool:
        """Whether this very value is stored there, in its storage class."""
        found = self.image.get(column)
        return column in self.image and storage_class(found) == storage_class(value) and found == value

    def shown(self, column: str) -> int | float | str | None:
        """The value for payloads and sentences; None where the file lacks the column."""
        return shown(self.image.get(column))


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after. None means that it is not there; for an update both hold the same columns.

    The images may hold secrets, so they are left out of `repr()`.
    """

    stored: StoredTable
    key: Image
    before: Image | None = field(repr=False)
    after: Image | None = field(repr=False)

    @property
    def table(self) -> str:
        return self.stored.name

    @property
    def record_id(self) -> Value:
        """The key's value, where it is one column."""
        return next(iter(self.key.values()))

    def inverse(self) -> "RowChange":
        return replace(self, before=self.after, after=self.before)

    def statement(self) -> Statement:
        """The guarded write: it changes exactly one row, and only if that row is still as `before`.

        A row that goes must have no row that refers to it any more: none may have come since it was read.
        """
        table = sql_name(self.table)
        if self.before is None:
            return self._insertion(table)
        conditions, values = _conditions(self.stored, self.key, self.before)
        if self.after is None:
            conditions += [_unreferred(self.stored, key) for key in self.stored.referring]
            return Statement(raw(f"DELETE FROM {table} WHERE {_all(conditions)}", *values))  # noqa: S608
        bound = [_bound(value) for value in self.after.values()]
        assigned = ", ".join(
            f"{sql_name(name)} = {place}" for name, (place, _) in zip(self.after, bound, strict=True)
        )
        sql = f"UPDATE OR ABORT {table} SET {assigned} WHERE {_all(conditions)}"  # noqa: S608
        return Statement(raw(sql, *(value for _, value in bound), *values))

    def _insertion(self, table: str) -> Statement:
        image = self.after or {}
        bound = [_bound(value) for value in image.values()]
        names, places = ", ".join(map(sql_name, image)), ", ".join(place for place, _ in bound)
        # OR ABORT: a table may say that a conflict replaces the other row.
        sql = f"INSERT OR ABORT INTO {table} ({names}) VALUES ({places})"  # noqa: S608
        return Statement(raw(sql, *(value for _, value in bound)))


class Images:
    """Reads the rows of one database for an act, as its schema is at the moment.

    With the first of them the end of the chain is read in which the act will be recorded, where that is one:
    that of the tenant `chain`, to be set before, or else that of the only row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables: StoredTables | None = None
        self.chain: str | None = None
        self._only_row: tuple[str, Value] | None = None
        self._end: list[Rows] = []

    def read(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        """The rows of each, from one snapshot."""
        return self._read(lambda tables: queries)

    def table(self, name: str) -> StoredTable:
        """Raises `TableMissing`."""
        if self._tables is None:
            self.read(())
        return _table(self._tables or {}, name)

    def end(self, events: Sequence[Event]) -> Head | None:
        """The end of the chain to which the only one of `events` is appended, where it was read.

        Raises `NotAllowed` where nothing can follow.
        """
        return end_of(events[0].tenant_id, self._end) if self._end and len(events) == 1 else None

    def rows(self, table: str, ids: Iterable[Value], only: Collection[str] = ()) -> list[StoredRow]:
        """The rows with these ids; those that are gone are left out.

        With `only`, no other columns are read than an edit of these needs: texts may be long.
        """
        wanted = [(value,) for value in dict.fromkeys(ids)]
        self._only_row = (table, *wanted[0]) if len(wanted) == 1 else None
        return self._matching(table, (ID,), wanted, only)

    def row(self, table: str, record_id: Value, what: str) -> StoredRow:
        """The row with this id, whole. Raises `NotFound` naming `what` ("user")."""
        found = self.rows(table, [record_id])
        if not found:
            raise NotFound(what)
        return found[0]

    def now(self, row: RowChange) -> StoredRow | None:
        """The row that a change is about, as it is by now."""
        found = self._matching(row.table, tuple(row.key), [tuple(row.key.values())])
        return found[0] if found else None

    def created(self, table: str, values: Image) -> RowChange:
        """The change that adds a row, named by the first of these values where the table has no key.

        Values of nothing, and stamps, are left out where the file lacks them. Raises `ColumnMissing` for
        the others.
        """
        stored = self.table(table)
        image: dict[str, Value] = {}
        for name, value in values.items():
            if name in stored.columns:
                image[name] = value
            elif value is not None and name not in STAMPS:
                raise ColumnMissing(f"{table}.{name}")
        named = stored.key if stored.key and all(name in image for name in stored.key) else tuple(image)[:1]
        return RowChange(stored, {name: image[name] for name in named}, None, image)

    def completed(self, row: RowChange) -> RowChange:
        """A row that was added, with what the database itself filled in."""
        if row.before is not None or not set(row.stored.columns) - set(row.after or {}):
            return row
        found = self.now(row)
        return row if found is None else replace(row, after={**found.image, **(row.after or {})})

    def changed(self, row: StoredRow, values: Image, now: int) -> RowChange:
        """The change that gives a row these values, and the time `now` where the file keeps that.

        Raises `ColumnMissing`, and `StillReferred` where other rows refer to what would change.
        """
        after = dict(values)
        if "updated_at" in row.table.columns:
            after["updated_at"] = _stamp(row["updated_at"], now)
        before = {name: row[name] for name in after}
        self._refuse_referred(row, {name for name in values if values[name] != before[name]})
        return RowChange(row.table, row.key, before, after)

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
        read = tuple(dict.fromkeys((*table.key, *table.columns)))
        parts = [_exact("child", column) for column in read]
        parts += [_exact("parent", column) for column in key.parent_columns]
        start = (
            f"SELECT {', '.join(parts)} FROM {sql_name(parent)} AS parent "  # noqa: S608
            f"JOIN {sql_name(table.name)} AS child ON {' AND '.join(_refers('parent', key))} WHERE "
        )
        queries = []
        for part in chunks(wanted, max(1, (self._database.limits.parameters - 1) // len(key.columns))):
            condition, values = _one_of("parent", key.parent_columns, part)
            queries.append(raw(f"{start}{condition} LIMIT ?", *values, most))
        for rows in self.read(queries):
            for row in rows:
                found = [_decoded(cell) for cell in row]
                image = dict(zip(read, found[: len(read)], strict=True))
                yield StoredRow(table, image), tuple(found[len(read) :])

    def _refuse_referred(self, row: StoredRow, changing: set[str]) -> None:
        keys = tuple(key for key in row.table.referring if changing & set(key.parent_columns))
        if keys:
            narrowed = StoredRow(replace(row.table, referring=keys), row.image)
            for child, _, _ in self.referring([narrowed], 1):
                raise StillReferred(child.table.name)

    def _matching(
        self, name: str, by: Sequence[str], wanted: Sequence[tuple[Value, ...]], only: Collection[str] = ()
    ) -> list[StoredRow]:
        """The rows that hold one of these tuples of values, all from one snapshot."""

        def ask(tables: StoredTables) -> list[BaseQuery]:
            table = _table(tables, name)
            for column in by:
                if column not in (*table.columns, *table.key):
                    raise ColumnMissing(f"{name}.{column}")
            parts = ", ".join(_exact(name, column) for column in _needed(table, only))
            queries: list[BaseQuery] = []
            for part in chunks(wanted, max(1, self._database.limits.parameters // len(by))):
                condition, values = _one_of(name, by, part)
                queries.append(raw(f"SELECT {parts} FROM {sql_name(name)} WHERE {condition}", *values))  # noqa: S608
            return queries

        found = self._read(ask)
        table = self.table(name)
        read = _needed(table, only)
        return [
            StoredRow(table, dict(zip(read, map(_decoded, row), strict=True)))
            for rows in found
            for row in rows
        ]

    def _read(self, ask: Callable[[StoredTables], Sequence[BaseQuery]]) -> list[Rows]:
        """What is asked of the tables, from one snapshot; at first with the tables and the chain's end."""
        if self._tables is not None:
            queries = ask(self._tables)
            return self._database.read_batch(queries) if queries else []
        end: list[BaseQuery] = []

        def with_end(tables: StoredTables) -> list[BaseQuery]:
            end[:] = self._end_queries(tables)
            return [*end, *ask(tables)]

        self._tables, found = read_stored(self._database, with_end)
        self._end = found[: len(end)]
        return found[len(end) :]

    def _end_queries(self, tables: StoredTables) -> list[BaseQuery]:
        if self.chain is not None:
            return end_queries(self.chain)
        if self._only_row is None:
            return []
        table, record_id = self._only_row
        if table not in tables or "tenant_id" not in tables[table].columns:
            return []
        of_row = f"SELECT tenant_id FROM {sql_name(table)} WHERE {ID} = ?"  # noqa: S608
        return end_queries(SQL(of_row, [record_id]))


def _table(tables: StoredTables, name: str) -> StoredTable:
    if name not in tables:
        raise TableMissing(name)
    return tables[name]


def _needed(table: StoredTable, only: Collection[str]) -> tuple[str, ...]:
    """The columns to read: the key, and all others or what an edit of `only` these needs."""
    needed = {*only, "updated_at", *(name for key in table.referring for name in key.parent_columns)}
    return tuple(dict.fromkeys((*table.key, *(name for name in table.columns if not only or name in needed))))


def _qualified(table: str, column: str) -> str:
    """With its table: SQLite takes a quoted name alone, if there is no such column, for a text."""
    return f"{sql_name(table)}.{sql_name(column)}"


def _all(conditions: Sequence[str], word: str = "AND") -> str:
    """The conditions joined in pairs of pairs: D1 takes no expression more than a hundred deep."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return f"({_all(conditions[:half], word)} {word} {_all(conditions[half:], word)})"


def _exact(table: str, column: str) -> str:
    """The value as ASCII text that any engine hands over unchanged: JSON rounds integers and has no infinity,
    and text that is no UTF-8 cannot be fetched as text at all.
    """
    name = _qualified(table, column)
    return (
        f"CASE typeof({name}) WHEN 'text' THEN 't' || hex({name}) WHEN 'blob' THEN 'b' || hex({name})"
        f" ELSE quote({name}) END"
    )


def _decoded(text: str) -> Value:
    if text[0] in "tb":
        data = bytes.fromhex(text[1:])
        if text[0] == "b":
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            return RawText(data)
    if text == "NULL":
        return None
    return float(text) if "." in text or "e" in text else int(text)


def _bound(value: Value) -> tuple[str, Any]:
    """How a value is written into a statement, and what is bound."""
    return ("CAST(? AS TEXT)", value.raw) if isinstance(value, RawText) else ("?", value)


def _one_of(table: str, columns: Sequence[str], wanted: Sequence[tuple[Value, ...]]) -> tuple[str, list[Any]]:
    """The condition that the columns hold one of these tuples, as an index of them compares them."""
    bound = [[_bound(value) for value in values] for values in wanted]
    flat = [value for values in bound for _, value in values]
    names = [_qualified(table, column) for column in columns]
    if len(names) == 1:
        return f"{names[0]} IN ({', '.join(places[0][0] for places in bound)})", flat
    alternatives = (
        " AND ".join(f"{name} = {place}" for name, (place, _) in zip(names, values, strict=True))
        for values in bound
    )
    return _all(list(alternatives), "OR"), flat


def _conditions(table: StoredTable, key: Image, before: Image) -> tuple[list[str], list[Any]]:
    """What must hold of a row that is about to be written: its key, and that each value is as it was.

    The key is compared as its index compares it; the others by class and bytes, so that neither affinity nor
    collation takes two unlike values for the same.
    """
    conditions: list[str] = []
    values: list[Any] = []
    for column, value in key.items():
        name = _qualified(table.name, column)
        place, bound = _bound(value)
        conditions.append(f"{name} IS NULL" if value is None else f"{name} = {place}")
        values += [] if value is None else [bound]
    for column, value in before.items():
        name = _qualified(table.name, column)
        match value:
            case None:
                conditions.append(f"{name} IS NULL")
                continue
            case int() | float():
                same = f"+{name} = ?"
            case _:
                same = f"CAST({name} AS BLOB) = CAST(? AS BLOB)"
        conditions += [f"typeof({name}) = '{storage_class(value)}'", same]
        values.append(value.raw if isinstance(value, RawText) else value)
    return conditions, values


def _unreferred(parent: StoredTable, key: ForeignKey) -> str:
    """The condition that no row refers to the one that is about to go, but perhaps itself."""
    pairs = _refers(parent.name, key)
    if key.table == parent.name:
        itself = (f"child.{sql_name(name)} IS {_qualified(parent.name, name)}" for name in parent.key)
        pairs.append(f"NOT ({' AND '.join(itself)})")
    return f"NOT EXISTS (SELECT 1 FROM {sql_name(key.table)} AS child WHERE {' AND '.join(pairs)})"  # noqa: S608


def _refuse_dangling(parent: StoredTable, key: ForeignKey) -> None:
    missing = set(key.parent_columns) - {*parent.columns, *parent.key}
    if missing or not key.parent_columns:
        column = f"{parent.name}.{min(missing, default='rowid')}"
        raise NotAllowed(
            f"A foreign key of {key.table} refers to {column}, which holds no values of its own or is not "
            f"there, so nothing can be removed from {parent.name}; nothing was changed."
        )


def _refers(parent: str, key: ForeignKey) -> list[str]:
    """What holds of a row and its parent. The parent's column stands first, so that its collation counts, as
    it does for SQLite's foreign keys.
    """
    return [
        f"{_qualified(parent, target)} = child.{sql_name(column)}"
        for column, target in zip(key.columns, key.parent_columns, strict=True)
    ]


def _stamp(before: Value, now: int) -> int:
    """The time in the unit of the one that it takes the place of."""
    return now * 1000 if isinstance(before, int) and before >= SECONDS_LIMIT else now
