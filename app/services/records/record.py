"""Reading what is stored for a person to look at: any row can be shown, whatever the file holds in it.

What a write follows is read as an image instead (`images`), which is exact or fails. Which rows of a damaged
table can be read stands at the end.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from peewee import SQL, BaseQuery, Case, Column, fn
from peewee import Table as Source

from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ
from app.services.records.rows import Value, decoded, exactly, given, holds, in_parts, legible, told_apart
from app.services.records.tables import AUDIT_CHAIN, ColumnKind, Table, TableColumn, undeclared
from app.services.secrets.forms import Told
from app.services.text import readable, visible
from models.engine import Database, Rows, raw, sql_name
from models.errors import AnswerTooLong, DamagedFile, NotFound, SharedId, TableMissing
from models.schema import StoredTable, StoredTables, read_stored

if TYPE_CHECKING:
    from app.services.chain.reading import Inspection

TOGETHER: Final = 8
"""Records that come with one answer; of a live database each has 2 MB at most."""
_OF_FILE: Final = 64
_HELD: Final = 1_000_000
"""Records of a file that are read at once, and letters of theirs: each look at the tables takes its time."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it may be shown; `record["email"]` is the value of a declared column.

    A value is None for NULL and where the file lacks the column (`missing` names those). Text that is no
    UTF-8 has U+FFFD, a BLOB reads `x'…'`; but the key is as it is stored, since acts go by it. Of a secret
    there is only whether one is stored, and what is `told` of it (`TableColumn.tells`). `unknown` are the
    columns of the file that are not declared, by their names there. `row` tells it from all other rows, also
    of those without a key: what `told_apart` gives.
    """

    table: Table
    values: Mapping[str, Any] = field(repr=False)
    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: frozenset[str] = frozenset()
    told: Mapping[str, Told] = field(default_factory=dict)
    row: Value = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def text(self, name: str) -> str:
        """The value as text; empty for NULL."""
        return readable(self.values[name])


def read_record(database: Database, table: Table, key: Value) -> Record:
    """The record with this key as it is stored. Raises `NotFound`, `SharedId`, and `TableMissing` for a table
    that the file lacks.
    """
    return _one(table, _read(database, [(table, table.key, key)])[0])


def each_again(database: Database, known: Sequence[Record]) -> Iterator[Record | None]:
    """The records as they are stored now, whole; None for one that is gone. Of one whose key is NULL, which
    any number may have, the row that was known. Some of them come with one answer, as each call takes its
    time. Raises `TableMissing`, and as `read_record` of a shared key.
    """
    for some in in_parts(known, TOGETHER) if database.costs else _small_together(known):
        wanted = list(map(_again, some))
        try:
            found = _read(database, wanted)
        except AnswerTooLong:
            found = [_read(database, [one])[0] for one in wanted]
        for one, rows in zip(some, found, strict=True):
            yield _one(one.table, rows) if rows != [] else None


def _small_together(known: Sequence[Record]) -> Iterator[list[Record]]:
    """Large ones alone."""
    some: list[Record] = []
    held = 0
    for one in known:
        length = one.values.get("length")
        letters = length if isinstance(length, int) else 0
        if some and (held + letters > _HELD or len(some) == _OF_FILE):
            yield some
            some, held = [], 0
        some.append(one)
        held += letters
    if some:
        yield some


def _again(known: Record) -> "_Wanted":
    table, key = known.table, known[known.table.key.name]
    return (table, None, known.row) if key is None else (table, table.key, key)


def read_record_with(
    database: Database, table: Table, key: Value, others: Table, by: str
) -> tuple[Record, list[Record] | None]:
    """A record, and those of another table whose column `by` holds its key, from one snapshot.

    The others have what a list reads of them, and come in no order; None where the file lacks their table.
    Raises as `read_record` does.
    """
    found, _ = read_records_beside(database, (table, [key]), (others, by), lambda tables: ())
    return found[0]


def read_records_beside(
    database: Database,
    wanted: tuple[Table, Sequence[Value]],
    others: tuple[Table, str],
    beside: Callable[[StoredTables], Sequence[BaseQuery]],
) -> tuple[list[tuple[Record, list[Record] | None]], list[Rows]]:
    """The same of a table and several keys, and of another table and its column; and the rows of the queries
    that `beside` makes of the file's tables, from the same snapshot.
    """
    (table, keys), (other, by) = wanted, others
    asked = [(table, table.key, key) for key in keys] + [(other, other.column(by), key) for key in keys]
    found, rows = _read_beside(database, asked, beside)
    own, of_them = found[: len(keys)], found[len(keys) :]
    return [(_one(table, one), others) for one, others in zip(own, of_them, strict=True)], rows


@dataclass(frozen=True, slots=True)
class AuditDetail:
    """An entry as stored, and what the rules of the whole verification say of it."""

    entry: Record
    inspection: "Inspection"


def read_entry(database: Database, seq: int, *, accepted: bool = False) -> AuditDetail:
    """The entry, judged beside the one before it, or as an accepted start. Raises `NotFound`."""
    from app.services.chain.reading import inspect_entry  # noqa: PLC0415 - other tabs show no entries

    record = read_record(database, AUDIT_CHAIN, seq)
    return AuditDetail(record, inspect_entry(database, seq, accepted=accepted))


def value_of(column: TableColumn, source: Any) -> Any:
    """A column of `source`, a table that has it, as an expression; of a secret only whether there is one."""
    stored = _column(source, column.source)
    match column.kind:
        case ColumnKind.PRESENCE:
            return Case(None, [(stored.is_null(False) & (stored != ""), 1)], 0)
        case ColumnKind.LENGTH:
            return Case(None, [(hides(stored), fn.octet_length(stored))], fn.length(stored))
        case ColumnKind.MEMBER:
            return _member(stored, f"$.{column.member}")
    return stored


def _member(stored: Any, path: str) -> Any:
    """A text that is not empty, of a JSON object; NULL for anything else, whatever is stored."""
    is_json = (fn.typeof(stored) == "text") & fn.json_valid(stored)
    is_text = fn.json_type(Case(None, [(is_json, stored)]), path) == "text"
    return Case(None, [(is_text, fn.nullif(fn.json_extract(stored, path), ""))])


def hides(text: Any) -> Any:
    """Whether a text has a NUL, where LIKE, GLOB, `substr` and `length` take it to end.

    It is looked for only where there are more bytes than characters up to there, which is told at once.
    """
    return (fn.length(text) < fn.octet_length(text)) & (fn.instr(text, SQL("char(0)")) > 0)


def _column(source: Any, name: str) -> Any:
    return Column(source, name) if name else SQL('""')  # which Peewee would leave out


_TOLD_BY: Final = 1_000
"""Characters of a secret that are read for what is told of it."""

_Wanted = tuple[Table, TableColumn | None, Value]
"""The rows of a table where a column has this value; of None, where `told_apart` gives it."""


def _one(table: Table, found: list[Record] | None) -> Record:
    if found is None:
        raise TableMissing(table.name)
    if not found:
        raise NotFound(table.noun[0])
    if len(found) > 1:
        raise SharedId(table.name, visible(found[0].text(table.key.name)[:80]))
    return found[0]


def _read(database: Database, wanted: Sequence[_Wanted]) -> list[list[Record] | None]:
    """The records of each, all from one snapshot; None where the file lacks the table."""
    return _read_beside(database, wanted, lambda tables: ())[0]


def _read_beside(
    database: Database, wanted: Sequence[_Wanted], beside: Callable[[StoredTables], Sequence[BaseQuery]]
) -> tuple[list[list[Record] | None], list[Rows]]:
    def is_there(tables: StoredTables, table: Table, by: TableColumn | None) -> bool:
        """What names others by a column that the file has not tells as little as no table."""
        stored = tables.get(table.name)
        return stored is not None and (by in (None, table.key) or by.source in stored.names)

    def readings(tables: StoredTables) -> list[_Reading]:
        made: dict[tuple[Table, TableColumn | None, str], _Reading] = {}
        found = []
        for table, by, value in wanted:
            if is_there(tables, table, by):
                like = made.get(key := (table, by, given(value).sql))
                found.append(
                    _Reading(table, by, value, tables[table.name]) if like is None else like.of(value)
                )
                made.setdefault(key, found[-1])
        return found

    def asked(tables: StoredTables) -> list[BaseQuery]:
        return [*(reading.query for reading in readings(tables)), *beside(tables)]

    tables, found = read_stored(database, asked)
    own = readings(tables)
    records = ([*map(reading.record, rows)] for reading, rows in zip(own, found, strict=False))
    there = (is_there(tables, table, by) for table, by, _ in wanted)
    return [next(records) if one else None for one in there], found[len(own) :]


class _Reading:
    """How rows of one table, as the file has it, are read: whole where it is one that is named."""

    def __init__(self, table: Table, by: TableColumn | None, value: Value, of_file: StoredTable) -> None:
        self._table = table
        self._said: tuple[str, Sequence[Any]] | None = None
        whole = by is table.key or by is None
        source, stored = Source(table.name), of_file.names
        asked = table.columns if whole else table.listed
        self._columns = [column for column in asked if column.source in stored]
        declared = {column.source for column in table.columns}
        self._unknown = [
            undeclared(name, of_people=table.of_people) for name in stored if whole and name not in declared
        ]
        self._missing = frozenset(column.name for column in asked if column.source not in stored)
        self._telling = [
            (column.name, column.tells) for column in self._columns if whole and column.tells is not None
        ]
        cells = [exactly(value_of(column, source)) for column in self._columns]
        cells += [exactly(value_of(column, source)) for column in self._unknown]
        of = [table.column(name).source for name, _ in self._telling]
        cells += [exactly(fn.substr(Column(source, name), 1, _TOLD_BY)) for name in of]
        row = told_apart(source, of_file)
        cells.append(exactly(row))
        column = row if by is None else Column(source, by.source)
        self.query: BaseQuery = source.select(*cells).where(holds(column, value))

    def of(self, value: Value) -> "_Reading":
        """The same where the column holds another value, given alike: Peewee need not say it again."""
        if self._said is None:
            self._said = self.query.sql()
        other = copy(self)
        sql, values = self._said
        other.query = raw(sql, *values[:-1], *given(value).params)
        return other

    def record(self, row: Sequence[Any]) -> Record:
        stored = [decoded(cell) for cell in row]
        number = stored.pop()
        cells = [legible(value) for value in stored]
        values: dict[str, Any] = dict.fromkeys(column.name for column in self._table.columns)
        for column, value, cell in zip(self._columns, stored, cells, strict=False):
            values[column.name] = value if column.kind is ColumnKind.KEY else cell
            if column.kind is ColumnKind.PRESENCE:
                values[column.name] = bool(cell)
        unknown = {
            column.source: column.word(legible(value))
            if column.kind is ColumnKind.PRESENCE
            else legible(column.said(value))
            for column, value in zip(self._unknown, stored[len(self._columns) :], strict=False)
        }
        secrets = stored[len(self._columns) + len(self._unknown) :]
        told = {
            name: said
            for (name, tells), secret in zip(self._telling, secrets, strict=True)
            if (said := tells(secret)) is not None
        }
        return Record(self._table, values, unknown, self._missing, told, number)


_ONE_BY_ONE: Final = 10_000
"""Numbers tried one after another behind the last row that could be read, before some are passed over."""


def readable_keys(database: Database, table: StoredTable) -> "array[int]":
    """The rowids of the rows that can be read whole, in order; none of a table without rowids.

    Whoever reads them is to look each up by its own: SQLite reads on to the row behind a range, which may be
    damaged. The caller holds a connection. Raises the storage errors, but for damage.
    """
    found = array("q")
    if table.rowid is None:
        return found
    rowid = sql_name(table.rowid)
    cells = ", ".join(f"length(CAST({sql_name(column)} AS BLOB))" for column in table.columns)
    source = f"FROM main.{sql_name(table.name)} NOT INDEXED WHERE {rowid} >= ? ORDER BY {rowid}"
    first, step, missed, damaged = LOWEST_SEQ, 1, 0, True
    while damaged and first <= HIGHEST_SEQ:
        damaged, before = False, len(found)
        try:
            for key, *_ in database.each(raw(f"SELECT {rowid}, {cells} {source}", first)):
                if damaged := key < (found[-1] + 1 if len(found) > before else first):
                    break  # pages that lead back: their rows have been read, and would be for ever
                found.append(key)
        except DamagedFile:
            damaged = True
        if len(found) > before:
            first, step, missed = found[-1] + 1, 1, 0
        else:
            missed += 1
            step *= 2 if missed > _ONE_BY_ONE else 1
            first = max(0, first + step)  # before the first row there is nothing to try
    return found
