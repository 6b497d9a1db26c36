"""What a list shall show, as plain data that another process can be given, and the SQL that finds it; every
value is a parameter.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import Any

from peewee import OP, SQL, Column, Expression, ModelAlias, fn

from app.services.records.record import value_of
from app.services.records.tables import EVERYONE, ColumnKind, Scope, Table, TableColumn
from models.engine import Limits

CELL_CHARACTERS = 512
"""What a list reads of a text. A cell of 10 MB would take 1.75 s to paint."""

SORT_CHARACTERS = 128
"""How much of a long text is sorted by, which bounds the memory of a sort."""

_TEXTS = {ColumnKind.ID, ColumnKind.WORD, ColumnKind.NAME, ColumnKind.PROSE, ColumnKind.JSON}

Document = dict[str, Any]
"""What JSON can hold."""

Value = str | int | float | bytes | None
Choice = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which rows of a table, in which order; the same query is equal and hashes alike.

    `text` is found anywhere in the table's searched columns, whatever the case of its letters; nothing in it
    is a wildcard. `choices` names columns of the list with the values to keep. `since` and `until` are epoch
    seconds, `until` itself excluded. `sort` is a column of the list; None is the table's own order, and then
    `descending` has no meaning.
    """

    table: str
    scope: Scope = EVERYONE
    text: str = ""
    choices: tuple[Choice, ...] = ()
    since: int | None = None
    until: int | None = None
    sort: str | None = None
    descending: bool = False

    @property
    def filtered(self) -> bool:
        """Whether anything but the tenant restricts the rows."""
        return bool(self.text or self.choices or self.since is not None or self.until is not None)

    def document(self) -> Document:
        """The query as names and values, never SQL; bytes are written as `{"bytes": hex}`."""
        choices = [[name, [_plain(value) for value in values]] for name, values in self.choices]
        return {**asdict(self), "scope": self.scope.tenant_id, "choices": choices}

    @classmethod
    def of(cls, document: Document) -> "ListQuery":
        """The query that `document()` was made of, equal to it."""
        choices = tuple((name, tuple(map(_value, values))) for name, values in document["choices"])
        return cls(**{**document, "scope": Scope(document["scope"]), "choices": choices})


def _plain(value: Value) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _value(plain: Any) -> Value:
    return bytes.fromhex(plain["bytes"]) if isinstance(plain, dict) else plain


class Statements:
    """Builds the statements of one table as the file has it.

    `present` are the file's columns; one that is missing reads as NULL. Rows are named by SQLite's rowid,
    which every query can sort by last, so that an order is always total.
    """

    def __init__(self, table: Table, present: Iterable[str], limits: Limits) -> None:
        self.table = table
        self._present = frozenset(present)
        self._limits = limits
        self.source = table.model._meta.table
        self.rowid = Column(self.source, "rowid")

    def has(self, name: str) -> bool:
        """Whether the file has what a declared column is read from."""
        return self.table.column(name).source in self._present

    def select(self, query: ListQuery, *what: Any) -> Any:
        """`what` of the rows that the query keeps, in no order."""
        found = self.scoped(query.scope, *what)
        conditions = self._conditions(query)
        return found.where(reduce(and_, conditions)) if conditions else found

    def count(self, query: ListQuery) -> Any:
        """How many rows the query keeps."""
        return self.select(query, fn.COUNT(SQL("*")))

    def scoped(self, scope: Scope, *what: Any) -> Any:
        """`what` of the rows in the scope. A file that cannot tell tenants apart shows none of their rows."""
        found = self.table.model.select(*what)
        if not self._narrows(scope):
            return found
        there = "tenant_id" in self._present
        return found.where(Column(self.source, "tenant_id") == scope.tenant_id if there else SQL("0"))

    def _narrows(self, scope: Scope) -> bool:
        return scope.tenant_id is not None and self.table.has_tenants

    def order(self, query: ListQuery) -> tuple[Any, Any]:
        """The query's order, made total by the rowid."""
        column, descending = self.sorting(query)
        key = self.sort_key(column)
        return (key.desc(), self.rowid.desc()) if descending else (key.asc(), self.rowid.asc())

    def sorting(self, query: ListQuery) -> tuple[TableColumn, bool]:
        """The column that the query sorts by, and whether from the largest on."""
        if query.sort is None:
            return self.table.column(self.table.sort), self.table.descending
        return self.table.column(query.sort), query.descending

    def sort_key(self, column: TableColumn, source: ModelAlias | None = None) -> Any:
        """What the order compares."""
        value = self.value(column, source)
        match column.kind:
            case ColumnKind.NAME:
                return Expression(value, "COLLATE", SQL("NOCASE"), flat=True)
            case ColumnKind.PROSE | ColumnKind.JSON:
                return fn.substr(value, 1, SORT_CHARACTERS)
        return value

    def before(self, query: ListQuery, rowid: int) -> Any:
        """The condition that a row comes before the row `rowid` in the query's order.

        The row's sort key is read inside the statement, so that it may be of any type and in any encoding.
        """
        column, descending = self.sorting(query)
        other = self.table.model.alias()
        there = other.select(self.sort_key(column, other)).where(Column(other, "rowid") == rowid)
        here = self.sort_key(column)
        tied = Expression(here, OP.IS, there)
        if descending:
            ahead = (here > there) | (here.is_null(False) & Expression(there, OP.IS, None))
            return ahead | (tied & (self.rowid > rowid))
        ahead = (here < there) | (here.is_null() & Expression(there, OP.IS_NOT, None))
        return ahead | (tied & (self.rowid < rowid))

    def cells(self) -> list[Any]:
        """The list's columns as a page reads them, text cut at `CELL_CHARACTERS`."""
        return [self._cell(column) for column in self.table.listed]

    def value(self, column: TableColumn, source: ModelAlias | None = None) -> Any:
        """A column's value, or NULL when the file lacks the column."""
        if column.source not in self._present:
            return SQL("NULL")
        return value_of(column, source or self.source)

    def _cell(self, column: TableColumn) -> Any:
        value = self.value(column)
        if column.kind in _TEXTS:
            return fn.substr(value, 1, CELL_CHARACTERS)
        return value

    def _conditions(self, query: ListQuery) -> list[Any]:
        found = [self._chosen(query, name, values) for name, values in query.choices]
        if query.text:
            found.append(self._contains(query.text))
        time = self.value(self.table.column(self.table.time))
        if query.since is not None:
            found.append(time >= query.since)
        if query.until is not None:
            found.append(time < query.until)
        return found

    def _chosen(self, query: ListQuery, name: str, values: tuple[Value, ...]) -> Any:
        column = self.table.column(name)
        if not (self._narrows(query.scope) and self._indexed(column)):
            return _one_of(self.value(column), values)
        # Of two indexes SQLite uses one and looks every row up. Asked for the rowids of the second, it reads
        # nothing but both indexes: a third of the time for a large tenant, never much worse.
        other = self.table.model.alias()
        chosen = other.select(Column(other, "rowid")).where(_one_of(self.value(column, other), values))
        return self.rowid.in_(chosen)

    def _indexed(self, column: TableColumn) -> bool:
        field = self.table.model._meta.columns.get(column.name)
        return column.source in self._present and field is not None and bool(field.index)

    def _contains(self, text: str) -> Any:
        """Whatever the case of ASCII letters; the text's own upper and lower case cover the others."""
        columns = [self.value(column) for column in self.table.searched]
        variants = [text] if text.isascii() else dict.fromkeys((text, text.lower(), text.upper()))
        both = list(product(columns, variants))
        if any(_pattern_bytes(variant) > self._limits.pattern_bytes for variant in variants) or "\0" in text:
            return reduce(or_, (fn.instr(fn.lower(column), _folded(part)) > 0 for column, part in both))
        return reduce(or_, (column.contains(part) for column, part in both))


def _pattern_bytes(text: str) -> int:
    """The length of the LIKE pattern that finds `text` anywhere, with its wildcards escaped."""
    return 2 + len(text.encode("utf-8", "surrogatepass")) + sum(map(text.count, "%_\\"))


def _folded(text: str) -> str:
    """`text` as SQLite's lower() gives it: ASCII letters only."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def _one_of(value: Any, values: tuple[Value, ...]) -> Any:
    """Bytes stand for a BLOB or for text that is no UTF-8; None for NULL."""
    raw = [item for item in values if isinstance(item, bytes)]
    plain = [item for item in values if item is not None and not isinstance(item, bytes)]
    found: list[Any] = []
    if plain:
        found.append(value.in_(plain))
    if raw:
        found.append(value.cast("BLOB").in_(raw))
    if None in values:
        found.append(value.is_null())
    return reduce(or_, found) if found else SQL("0")
