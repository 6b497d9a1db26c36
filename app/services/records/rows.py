"""Rows as the database holds them: every column, known to us or not, each value with its storage class.

Acts read rows whole (`images`) and write them as `RowChange`s, which hold only where a row is still as it was
read. Columns and keys are those of the file, so the SQL is written here, with quoted names, rather than by
models; and a literal of Peewee's would be a bound value, of which D1 takes a hundred in a statement.
"""

import math
from collections.abc import (
    Callable,
    Collection,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, TypeGuard, TypeVar

from peewee import OP, SQL, BaseQuery, Column, Expression, NodeList, fn

from app.services.chain.rules import is_readable, utf_8
from app.services.text import readable
from models.engine import JSON_EXACT, Statement, raw, sql_name
from models.errors import MISREAD, ColumnMissing, NoAnswer, NotAllowed, TenantAdminError
from models.schema import ForeignKey, StoredTable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RawText:
    """A text whose bytes are no UTF-8; a person reads U+FFFD for those that are none."""

    raw: bytes

    def __str__(self) -> str:
        return self.raw.decode("utf-8", "replace")


Value = None | int | float | str | bytes | RawText
"""A stored value; its Python type stands for its storage class."""

Image = Mapping[str, Value]
"""Column name to the value as stored."""


class Packed(Mapping[str, Value]):
    """An image that takes a third of the room of a dictionary: those of the same `columns` share these, and
    what it holds `of` some of them alone shares its values.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, columns: tuple[str, ...], values: tuple[Value, ...]) -> None:
        self._places, self._values = _places(columns, columns), values

    def of(self, names: tuple[str, ...]) -> "Packed":
        found = Packed.__new__(Packed)
        found._places, found._values = _places(tuple(self._places), names), self._values
        return found

    def __getitem__(self, name: str) -> Value:
        return self._values[self._places[name]]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> KeysView[str]:
        return self._places.keys()

    def values(self) -> ValuesView[Value]:
        return self._whole().values()

    def items(self) -> ItemsView[str, Value]:
        return self._whole().items()

    def _whole(self) -> dict[str, Value]:
        values = self._values
        return {name: values[at] for name, at in self._places.items()}


@lru_cache
def _places(columns: tuple[str, ...], names: tuple[str, ...]) -> dict[str, int]:
    return {name: columns.index(name) for name in names}


ID: Final = "id"
"""The column by which people name a record of any table that acts write."""

CREATED: Final = "created_at"
_WHOSE: Final = frozenset({"tenant_id", CREATED})
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def perhaps_another(value: object) -> bool:
    """Whether JSON may have made this of another value, as far as a person would see the difference."""
    if isinstance(value, str):
        return "\N{REPLACEMENT CHARACTER}" in value
    return isinstance(value, int) and abs(value) > JSON_EXACT


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a stored value, or one of JSON, is a number that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


_CLASSES: Final = {type(None): "null", bool: "integer", int: "integer", float: "real", bytes: "blob"}


def storage_class(value: Value) -> str:
    """What SQLite's `typeof` says of it."""
    return _CLASSES.get(type(value), "text")


def text_of(raw: bytes) -> str | RawText:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return RawText(raw)


def legible(value: Value) -> int | float | str | None:
    """A stored value as a person can read it."""
    return readable(value) if isinstance(value, bytes | RawText) else value


def shown(value: Value) -> int | float | str | None:
    """The same as audit payloads and sentences give it, so that JSON can hold it, too."""
    match value:
        case int() if abs(value) > JSON_EXACT:
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)
    return legible(value)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row as it was read. It may hold secrets, so its values are left out of `repr()`.

    `rowid` is its own, where that is no value of it (`StoredTable.hidden_rowid`) and the whole row was read.
    """

    table: StoredTable
    image: Image = field(repr=False)
    rowid: Value = None

    def __getitem__(self, column: str) -> Value:
        """Raises `ColumnMissing` for a column that the file lacks, `NotAllowed` for one that it computes."""
        if column not in self.image:
            raise lacking(self.table, column)
        return self.image[column]

    @property
    def key(self) -> Image:
        return _part(self.image, self.table.key)

    @property
    def identity(self) -> tuple[str, tuple[Value, ...]]:
        """What tells the row from all others of the database: a key that is NULL, which SQLite lets any
        number of rows have, together with the rowid.
        """
        key = tuple(self.key.values())
        return self.table.name, (*key, self.rowid) if None in key else key

    @property
    def tenant(self) -> str:
        """The tenant in whose chain an act upon the row is recorded. Raises `NotAllowed`."""
        tenant = self["tenant_id"]
        if not isinstance(tenant, str) or not is_readable(tenant):
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

    @property
    def record_id(self) -> Value:
        """What people name it by; where it has no id, the first value of its key."""
        return self.image[ID] if ID in self.image else next(iter(self.key.values()))

    def added(self) -> "RowChange":
        """The change that adds it; its first value names it where it does not know its key."""
        names = (
            self.table.key
            if self.table.key and self.image.keys() >= set(self.table.key)
            else (next(iter(self.image)),)
        )
        return RowChange(self.table, self.record_id, _part(self.image, names), None, self.image)

    def altered(self, values: Image) -> "RowChange":
        """Of the row as long as it is the same tenant's, in whose chain the act is recorded, and none that
        was made under its id since.
        """
        before = {name: self[name] for name in values}
        whose = self.image.keys() & _WHOSE - values.keys()
        held = {name: self.image[name] for name in whose}
        return RowChange(self.table, self.record_id, self.key, before, values, self.rowid, held)

    def removed(self) -> "RowChange":
        return RowChange(self.table, self.record_id, self.key, self.image, None, self.rowid)


def _part(image: Image, names: tuple[str, ...]) -> Image:
    return image.of(names) if isinstance(image, Packed) else {name: image[name] for name in names}


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after. None means that it is not there; for an update both hold the same columns,
    and `held` is what must be as it is beside them.

    The images may hold secrets, so they are left out of `repr()`. `rowid` is the row's own, which it takes
    again where that is free.
    """

    stored: StoredTable
    record_id: Value
    key: Image
    before: Image | None = field(repr=False)
    after: Image | None = field(repr=False)
    rowid: Value = None
    held: Image = field(default_factory=lambda: _NOTHING, repr=False)

    @property
    def table(self) -> str:
        return self.stored.name

    @property
    def guarded(self) -> Image:
        """What the row must hold when it is written, of one that is there."""
        return {**self.held, **(self.before or {})}

    @property
    def told_by(self) -> Image:
        """What tells the row from all others as long as it is there: its key, or, where that holds a NULL,
        which any number of rows may, its rowid.
        """
        hidden = self.stored.hidden_rowid
        if self.before is None or self.rowid is None or hidden is None or None not in self.key.values():
            return self.key
        return Packed((hidden,), (self.rowid,))

    @property
    def listed_by(self) -> int | None:
        """The rowid by which a list knows the row that goes; None where that is not known of it."""
        own = self.stored.rowid if self.stored.hidden_rowid is None else None
        found = self.rowid if own is None else (self.before or {}).get(own)
        return found if isinstance(found, int) else None

    @property
    def written(self) -> int:
        """About how many rows are charged for it."""
        if self.before is None:
            return self.stored.written()
        return self.stored.written(self.changing)

    @property
    def changing(self) -> frozenset[str]:
        """The columns in which an update gives the row another value."""
        before, after = self.before or {}, self.after or {}
        return frozenset(name for name in before.keys() & after if before[name] != after[name])

    def inverse(self) -> "RowChange":
        key, after = self.key, self.after
        if after is not None and any(after.get(name, value) is not value for name, value in key.items()):
            key = {name: after.get(name, value) for name, value in key.items()}
        return RowChange(self.stored, self.record_id, key, after, self.before, self.rowid, self.held)

    def statement(self) -> Statement:
        """The guarded write: it changes exactly one row, and only if that row is still as `before`.

        No other row may refer to one that goes, or any to what changes: one may have come since it was read,
        and ON DELETE and ON UPDATE would alter it unsaid.
        """
        table = sql_name(self.table)
        if self.before is None:
            return self._insertion(table)
        conditions, values = _conditions(self.stored, self.key, self.guarded)
        if None in self.key.values() and self.rowid is not None and self.stored.hidden_rowid is not None:
            conditions.append(f"{_qualified(self.table, self.stored.hidden_rowid)} = ?")
            values.append(self.rowid)
        if self.after is None:
            conditions += [_unreferred(self.stored, key, but_itself=True) for key in self.stored.referring]
            return Statement(raw(f"DELETE FROM {table} WHERE {_all(conditions)}", *values))  # noqa: S608
        conditions += [_unreferred(self.stored, key) for key in self.stored.referring_to(self.changing)]
        bound = [_bound(value) for value in self.after.values()]
        assigned = ", ".join(
            f"{sql_name(name)} = {placeholder}"
            for name, (placeholder, _) in zip(self.after, bound, strict=True)
        )
        sql = f"UPDATE OR ABORT {table} SET {assigned} WHERE {_all(conditions)}"  # noqa: S608
        return Statement(raw(sql, *(value for _, value in bound), *values))

    def shape(self) -> tuple[object, ...] | None:
        """What rows have in common that one SQL writes, with the `bound` of each; None where it is of one."""
        before, after = self.before or {}, self.after or {}
        if self.rowid is not None and (self.before is None or None in self.key.values()):
            return None
        guarded = self.guarded if before else _NOTHING
        held = (*map(type, self.key.values()), *map(type, guarded.values())) if before else ()
        raw_ones = tuple(name for name, value in after.items() if type(value) is RawText)
        changing = self.changing if before and after and self.stored.referring else None
        is_so = self.before is None, self.after is None
        return (self.table, *is_so, *self.key, None, *guarded, None, *after, held, raw_ones, changing)

    def bound(self) -> tuple[Any, ...]:
        """What its statement binds."""
        held = () if self.before is None else (*self.key.values(), *self.guarded.values())
        given = (self.after or {}).values()
        return (*map(_binding, given), *(_binding(value) for value in held if value is not None))

    def _insertion(self, table: str) -> Statement:
        image = self.after or {}
        bound = [_bound(value) for value in image.values()]
        names, placeholders = [*image], [placeholder for placeholder, _ in bound]
        values = [value for _, value in bound]
        if self.rowid is not None and self.stored.hidden_rowid is not None:
            taken = f"SELECT 1 FROM {table} WHERE {_qualified(self.table, self.stored.hidden_rowid)} = ?"  # noqa: S608
            names.append(self.stored.hidden_rowid)
            placeholders.append(f"(SELECT ? WHERE NOT EXISTS ({taken}))")
            values += [self.rowid, self.rowid]
        # OR ABORT: a table may say that a conflict replaces the other row.
        start = f"INSERT OR ABORT INTO {table} ({', '.join(map(sql_name, names))})"
        return Statement(raw(f"{start} VALUES ({', '.join(placeholders)})", *values))


def statements_of(rows: Iterable[RowChange]) -> Iterator[Statement]:
    """The guarded writes of rows; many in turn that are alike are one statement."""
    for shape, alike in groupby(rows, RowChange.shape):
        first = next(alike)
        if shape is None:
            yield first.statement()
            yield from (row.statement() for row in alike)
        else:
            many = [row.bound() for row in (first, *alike)]
            yield replace(first.statement(), many=many) if many[1:] else first.statement()


_TOLD: Final = 200
"""Characters of a text that a proof may hold."""


def proof_of(rows: Sequence[RowChange], plain: Callable[[str], Collection[str]]) -> BaseQuery | None:
    """A read that finds a row where these changes, all or none, are in: what was written without an entry of
    it is asked for by one of its rows. None where none of them tells. It is kept, so beside keys it has
    numbers alone, and short texts of a table's `plain` columns.
    """

    def tells(row: RowChange, name: str, value: Value) -> bool:
        is_short = type(value) is str and len(value) <= _TOLD and name in plain(row.table)
        return name in row.changing and (is_short or isinstance(value, int | float | None))

    found: list[tuple[int, RowChange, Image]] = []
    for row in rows:
        after = (row.after or {}).items()
        told = {name: value for name, value in after if tells(row, name, value)}
        if row.before is None or row.after is None or told:
            found.append((0 if row.after is None else 1 if row.before is not None else 2, row, told))
    if not found:
        return None
    _, row, values_told = max(found, key=itemgetter(0))
    conditions, values = _conditions(row.stored, row.inverse().key, values_told)
    there = f"EXISTS (SELECT 1 FROM {sql_name(row.table)} WHERE {_all(conditions)})"  # noqa: S608
    return raw(f"SELECT 1 WHERE {'NOT ' * (row.after is None)}{there}", *values)


def tried(changes: Sequence[tuple[StoredRow, Image]]) -> tuple[list[Statement], list[Statement]]:
    """What adds rows as they are, and what gives them other values, where their table is alone
    (`Database.refused_change`).
    """
    alone = [(replace(row, table=replace(row.table, referring=())), values) for row, values in changes]
    return (
        [row.removed().inverse().statement() for row, _ in alone],
        [row.altered(values).statement() for row, values in alone],
    )


def lacking(table: StoredTable, column: str) -> TenantAdminError:
    """What is wrong where a table has no values of its own in a column."""
    if column in table.names:
        return NotAllowed(
            f"This database computes {table.name}.{column} from other columns, so nothing can be written "
            "there; nothing was changed."
        )
    return ColumnMissing(f"{table.name}.{column}")


def _qualified(table: str, column: str) -> str:
    """With its table: SQLite takes a quoted name alone, if there is no such column, for a text."""
    return f"{sql_name(table)}.{sql_name(column)}"


def _all(conditions: Sequence[str], word: str = "AND") -> str:
    """The conditions joined in pairs of pairs: D1 takes no expression more than a hundred deep."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return f"({_all(conditions[:half], word)} {word} {_all(conditions[half:], word)})"


_EXACT: Final = (
    "CASE typeof(%) WHEN 'text' THEN CASE hex('a') WHEN '61' THEN 't' WHEN '6100' THEN 'l' ELSE 'm' END"
    " || hex(%) WHEN 'blob' THEN 'b' || hex(%)"
    " WHEN 'real' THEN iif(% = 0 AND atan2(%, -1) < 0, '-0.0', quote(%)) ELSE quote(%) END"
)


def exact(table: str, column: str) -> str:
    """The value as ASCII text that any engine hands over unchanged: JSON rounds integers and has no infinity,
    and text that is no UTF-8 cannot be fetched as text at all. `decoded` reads it. The letter before a text's
    bytes says which encoding the file's texts have.
    """
    return _EXACT.replace("%", _qualified(table, column))


def exactly(value: Any) -> NodeList:
    """The same of an expression."""
    return filled(_EXACT, value)


def filled(template: str, value: Any) -> NodeList:
    """SQL with an expression in place of each `%`; no literal in it is bound."""
    first, *others = map(SQL, template.split("%"))
    return NodeList([first, *(part for other in others for part in (value, other))], glue="")


GLIMPSED: Final = 400
"""Bytes of a value that a list shows of a column which only the file has."""


def glimpsed(value: Any) -> NodeList:
    """The same of the beginning of a value, for `Glimpse.of`."""
    return filled(_EXACT.replace("hex(%)", f"hex(substr(CAST(% AS BLOB), 1, {GLIMPSED + 1}))"), value)


STORED: Final = """CASE WHEN substr(value, 1, 1) IN ('t', 'l', 'm') THEN CAST(unhex(substr(value, 2)) AS TEXT)
  WHEN substr(value, 1, 1) = 'b' THEN unhex(substr(value, 2)) ELSE CAST(value AS NUMERIC) END"""
"""The stored value of a `value` that `exact` has written, other than NULL, in SQL."""


_UTF_16: Final = {"l": "utf-16-le", "m": "utf-16-be"}


def decoded(text: str) -> Value:
    """Raises `NoAnswer` for what `exact` never writes."""
    try:
        if text[0] in "tblm":
            data = bytes.fromhex(text[1:])
            if (utf_16 := _UTF_16.get(text[0])) is not None:  # such a file is only read
                return text_of(utf_8(data, utf_16))
            return data if text[0] == "b" else text_of(data)
        if text == "NULL":
            return None
        return float(text) if "." in text or "e" in text else int(text)
    except MISREAD:
        raise NoAnswer("The database") from None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A stored value in its storage class; of a long text or BLOB the beginning, where it is not `whole`."""

    value: Value
    whole: bool = True

    @classmethod
    def of(cls, cell: str) -> "Glimpse":
        """What `glimpsed` has read."""
        if cell[0] not in "tblm" or len(cell) // 2 <= GLIMPSED:
            return cls(decoded(cell))
        kept = cell[: 1 + 2 * GLIMPSED]
        if cell[0] == "b":
            return cls(decoded(kept), whole=False)
        # The last character may have been cut, which is four bytes at most.
        ways = (decoded(kept[: len(kept) - 2 * bytes_less]) for bytes_less in range(4))
        return cls(next((text for text in ways if isinstance(text, str)), decoded(kept)), whole=False)


def _bound(value: Value) -> tuple[str, Any]:
    """How a value is written into a statement, and what is bound."""
    return "CAST(? AS TEXT)" if isinstance(value, RawText) else "?", _binding(value)


def _binding(value: Value) -> Any:
    return value.raw if isinstance(value, RawText) else value


def given(value: Value) -> SQL:
    """A value, other than NULL, in a query."""
    placeholder, bound = _bound(value)
    return SQL(placeholder, [bound])


def holds(expression: Any, value: Value) -> Expression:
    """The condition that a column holds a value, as an index of it compares them."""
    return Expression(expression, OP.EQ, given(value))


def told_apart(source: Any, table: StoredTable) -> Any:
    """What tells a row of a table from all its others: its `row_key`; or, where only several columns together
    do, these as one text; NULL where nothing does.
    """
    if table.row_key is not None:
        return Column(source, table.row_key)
    parts = [fn.quote(Column(source, name)) for name in table.key]
    return fn.printf(",".join(["%s"] * len(parts)), *parts) if parts else SQL("NULL")


def one_of(
    table: str, columns: Sequence[str], wanted: Sequence[tuple[Value, ...]], collations: Sequence[str] = ()
) -> tuple[str, list[Any]]:
    """The condition that the columns hold one of these tuples, as an index of them compares them; by these
    collations, where it has others than the columns.
    """
    bound = [[_bound(value) for value in values] for values in wanted]
    flat = [value for values in bound for _, value in values]
    names = [_qualified(table, column) for column in columns]
    if collations:
        names = [f"{name} COLLATE {sql_name(by)}" for name, by in zip(names, collations, strict=True)]
    if len(names) == 1:
        return f"{names[0]} IN ({', '.join(each[0][0] for each in bound)})", flat
    alternatives = (
        " AND ".join(f"{name} = {placeholder}" for name, (placeholder, _) in zip(names, values, strict=True))
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
        placeholder, bound = _bound(value)
        conditions.append(f"{name} IS NULL" if value is None else f"{name} = {placeholder}")
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
        values.append(_binding(value))
    return conditions, values


def _unreferred(parent: StoredTable, key: ForeignKey, *, but_itself: bool = False) -> str:
    """The condition that no row refers to the one that is about to go or change, but perhaps itself."""
    found = refers(parent.name, key)
    if but_itself and key.table == parent.name:
        itself = (f"child.{sql_name(name)} IS {_qualified(parent.name, name)}" for name in parent.key)
        found += f" AND NOT ({' AND '.join(itself)})"
    return f"NOT EXISTS (SELECT 1 FROM {sql_name(key.table)} AS child WHERE {found})"  # noqa: S608


BYTEWISE: Final = "{} COLLATE BINARY"
"""A column, in SQL, compared by its bytes whatever its own collation says, as tenants are told apart, and
rows that refer to the same.
"""


def bytewise(column: Any) -> NodeList:
    """The same of an expression."""
    return NodeList([column, SQL(BYTEWISE.format("").strip())])


def refers(parent: str, key: ForeignKey, child: str = "child") -> str:
    """What holds of a row and its parent, by what the query calls them. The parent's column stands first, so
    that its collation counts, as it does for SQLite's foreign keys.
    """
    pairs = zip(key.parent_columns, key.columns, strict=True)
    return " AND ".join(f"{_qualified(parent, one)} = {_qualified(child, other)}" for one, other in pairs)
