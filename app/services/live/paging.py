"""The tables of a live database page by page, each value in its storage class."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.services.files.exporting import ALL
from app.services.opened import Which
from app.services.records.rows import Value, decoded, exact, given, in_parts, text_of
from app.services.records.tables import AUDIT_CHAIN
from models.d1.errors import Failed
from models.engine import Database, Pages, Rows, raw, sql_name
from models.errors import AnswerTooLong, Cancelled, NoAnswer, UndecodableText
from models.progress import Stop
from models.schema import COUNTERS, StoredTable, of_engine, read_stored

_FIRST: Final = 250
"""Rows of the first page; each that fits is followed by one of twice as many."""

CHAIN: Final = AUDIT_CHAIN.name
OBJECTS: Final = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
_VIRTUAL: Final = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
_SHADOWS: Final = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow' ORDER BY name"
"""What virtual tables are kept in. An ordinary table's name may begin like theirs."""

_QUOTED: Final = "'''' || {}"
"""How a text comes fast, with a quote before it: JSON keeps all of it, but for text that is no UTF-8."""
_BYTES: Final = "CAST({} AS BLOB)"
"""How any text comes; its kind tells it from a BLOB."""
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"

_BY_TENANT: Final = """
SELECT name FROM sqlite_master AS found WHERE type = 'table' AND EXISTS (
  SELECT 1 FROM pragma_index_list(found.name) AS list
  WHERE NOT partial AND (SELECT group_concat(lower(name)) FROM pragma_index_info(list.name)) = 'tenant_id'
)"""
"""The tables of which an index gives a tenant's rows in their order."""

Line = tuple[Value, ...]


@dataclass(slots=True)
class PagedTable:
    """A table that is read by pages: `which` is the condition of the rows that are wanted, "" where none are;
    `digest` says what it held when it was read last.
    """

    stored: StoredTable
    columns: tuple[str, ...]
    key: tuple[str, ...]
    which: str = ALL
    rows: int = 0
    digest: str = ""
    changed: bool = True

    @classmethod
    def of(cls, stored: StoredTable) -> "PagedTable":
        columns = stored.columns
        if stored.rowid is not None and stored.rowid not in columns:
            columns = (stored.rowid, *columns)
        # A page begins behind the last key; where nothing tells the rows apart there is one page.
        key = (stored.rowid,) if stored.rowid else stored.key if stored.without_rowid else ()
        return cls(stored, columns, key)

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def sql(self) -> str:
        return sql_name(self.name)

    @property
    def is_chain(self) -> bool:
        """Whether it is the platform's chain, and not another table of that name."""
        return self.name == CHAIN and self.key == ("seq",) and {"tenant_id", "hash"} <= {*self.columns}

    def page(self, columns: Sequence[str], form: Callable[[str], str], last: Line, limit: int) -> Any:
        """The query of some columns of the rows behind a key."""
        cells = ", ".join(map(form, columns))
        if not self.key:
            return raw(f"SELECT {cells} FROM {self.sql} WHERE {self.which}")  # noqa: S608
        bound = [given(value) for value in last]
        names = ", ".join(map(self._own, self.key))
        behind = f"({names}) > ({', '.join(one.sql for one in bound)})" if last else "1"
        return raw(
            f"SELECT {cells} FROM {self.sql} WHERE {behind} AND {self.which} ORDER BY {names} LIMIT {limit}",  # noqa: S608
            *(value for one in bound for value in one.params or ()),
        )

    def end(self) -> Any:
        """The query of the last rowid that is wanted, one row to read; as text, since JSON rounds."""
        name, source = self._own(self.key[0]), f"FROM {self.sql} WHERE {self.which}"
        return raw(f"SELECT CAST({name} AS TEXT) {source} ORDER BY {name} DESC LIMIT 1")

    def cell(self, text: str, column: str) -> str:
        """A text as it says, a BLOB, NULL, or a number as `exact` writes it."""
        cell, number = self._own(column), exact(self.name, column)
        text = text.format(cell)
        return f"CASE typeof({cell}) WHEN 'text' THEN {text} WHEN 'blob' THEN {cell} ELSE {number} END"

    def kind(self, column: str) -> str:
        return f"typeof({self._own(column)})"

    def _own(self, column: str) -> str:
        return f"{self.sql}.{sql_name(column)}"


def tables_of(
    database: Database, objects: Rows, wanted: Which | None = None
) -> tuple[list[PagedTable], list[str]]:
    """Those with rows of a person's, and the numbers that AUTOINCREMENT goes on from; what is left out, in
    sentences. Where a condition of what is `wanted` would read all of a table for a page, all of it comes.
    """
    virtual = [name for _, name, sql in objects if _VIRTUAL.match(sql)]
    shadows = [name for (name,) in database.rows(raw(_SHADOWS))] if virtual else []
    notes = [f"left out: the virtual table {name}" for name in virtual]
    notes += [f"left out: {name}, which a virtual table is kept in" for name in shadows]
    stored, _ = read_stored(database)
    found = [
        PagedTable.of(table)
        for name, table in stored.items()
        if name == COUNTERS or not (of_engine(name) or name in shadows)
    ]
    if wanted is not None:
        conditions, by_tenant = wanted(stored), {name for (name,) in database.rows(raw(_BY_TENANT))}
        for table in found:
            which = ALL if table.name == COUNTERS else conditions.get(table.name, "")
            table.which = which if not which or (table.name in by_tenant and table.stored.rowid) else ALL
    # The numbers before the entries that take them, which SQLite itself counts on from there.
    return sorted(found, key=lambda table: (table.name != COUNTERS, table.name != CHAIN)), notes


def about(database: Database, tables: Sequence[PagedTable]) -> int:
    """About how many rows will be read: those of the chain once. To count them would read them all, so it is
    told as `Database.rows_in` tells it.
    """
    numbered = [table for table in tables if table.stored.rowid and table.which and table.name != COUNTERS]
    found = database.read_batch([raw(_about(table)) for table in numbered])
    wide = [(int(rows or 0), table.sql) for table, ((rows,),) in zip(numbered, found, strict=True)]
    total = 0
    for table, rows in zip(numbered, database.rows_in(wide), strict=True):
        passes = 1 if table.is_chain else 2
        by_index = table.which != ALL  # where each is two
        total += rows * passes * (2 if by_index else 1)
    return total


def _about(table: PagedTable) -> str:
    if table.which != ALL:  # which an index tells
        return f"SELECT count(*) FROM {table.sql} WHERE {table.which}"  # noqa: S608
    key, source = sql_name(table.key[0]), f"FROM {table.sql}"
    # Each end by itself, which is one row: together they would be all.
    return f"SELECT (SELECT max({key}) {source}) - (SELECT min({key}) {source}) + 1"


def pages(database: Database, table: PagedTable, last: Line, cancelled: Stop) -> Iterator[list[Line]]:
    """The rows behind a key, of () all, in pages that have some, up to the last of the table: what stands
    between may give fewer than were asked for. Raises `Cancelled`.
    """
    if not table.which:
        return
    following = Pages(_FIRST)
    places = [table.columns.index(name) for name in table.key]
    while True:
        if cancelled():
            raise Cancelled
        try:
            rows, end = _page(database, table, last, following.limit)
        except (AnswerTooLong, NoAnswer, Failed):
            if not (places and following.too_long()):
                raise
            continue
        if rows:
            yield rows
        if not places or (not rows and end is None):
            return
        if not rows:
            raise NoAnswer(database.place, "it gave none of the rows that are there")
        last = tuple(rows[-1][at] for at in places)
        if last == (end,):
            return
        following.took(rows)


def _page(database: Database, table: PagedTable, last: Line, limit: int) -> tuple[list[Line], Value]:
    """The rows, and the last rowid of the table, where that is behind `last`: of the same snapshot."""
    parts = list(in_parts(table.columns, database.limits.columns))
    ends = [table.end()] if table.stored.rowid else []
    end: Value = None

    def asked(*forms: Callable[[str], str]) -> list[list[tuple[Any, ...]]]:
        nonlocal end
        pages = [table.page(part, form, last, limit) for form in forms for part in parts]
        found = database.read_batch([*pages, *ends])
        if ends and (rows := found.pop()):
            found_end = int(rows[0][0])
            end = None if last and found_end <= int(str(last[0])) else found_end
        return [
            [sum(pieces, ()) for pieces in zip(*found[at : at + len(parts)], strict=True)]
            for at in range(0, len(found), len(parts))
        ]

    try:
        (rows,) = asked(partial(table.cell, _QUOTED))
        if not any(isinstance(cell, str) and _REPLACED in cell for row in rows for cell in row):
            return [tuple(map(_value, row)) for row in rows], end
    except UndecodableText:
        pass
    kinds, rows = asked(table.kind, partial(table.cell, _BYTES))
    return [tuple(map(_of_kind, *both)) for both in zip(kinds, rows, strict=True)], end


def _value(cell: Any) -> Value:
    """What came where a text is `_QUOTED`."""
    if not isinstance(cell, str):
        return bytes(cell) if cell is not None else None
    return cell[1:] if cell.startswith("'") else decoded(cell)


def _of_kind(kind: str, cell: Any) -> Value:
    """The same where it is in `_BYTES`."""
    return text_of(bytes(cell)) if kind == "text" else _value(cell)
