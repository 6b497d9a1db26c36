"""A whole database, or a part of it, as SQL that `wrangler d1 execute --file` takes, and our own import.

Every CREATE comes first, then the rows, because D1 enforces foreign keys; only triggers come last, so that
they do nothing to rows that they have seen before. Each statement has less than the 100 KB that D1 takes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw

from app.services.files.dump import BEGINNING
from app.services.records.literals import literal, written
from app.services.records.rows import text_of
from app.services.text import counted
from models.engine import raw, sql_name
from models.errors import InvalidInput
from models.local.database import LocalDatabase
from models.progress import Progress, ignore
from models.schema import LEDGER, StoredTable, StoredTables, caseless, internal, read_stored

STATEMENT: Final = 99_000
"""Bytes of the longest statement that is written; D1 takes 100,000."""

_PIECE: Final = 40_000
"""Bytes of a value that one statement adds; quoted, or in hexadecimal digits, they are twice as many."""

_START: Final = 256
"""Bytes that the INSERT of a row with long values has of each."""

ROW: Final = 2_000_000
"""Bytes of the largest row that D1 takes."""

COLUMNS: Final = 100
"""Columns of the widest table that D1 takes."""

_AT_ONCE: Final = 256
"""Rows that SQLite makes one text of, which takes half the time of a text each."""

_BLOCK: Final = 1 << 20
"""Bytes that such a text, and all that it is made of, may have."""

_END: Final = b");\n"

_OBJECTS: Final = """
SELECT found.type, found.name, found.tbl_name, found.sql, list.type
FROM main.sqlite_master AS found
LEFT JOIN pragma_table_list AS list ON list.schema = 'main' AND list.name = found.name
WHERE found.sql IS NOT NULL ORDER BY found.rowid
"""
_ALL: Final = "1"
"""The condition of every row."""

_VALUE = re.compile(rb"x?'(?:[^']++|'')*+'|[^,']++")
"""One of the values of a row as `literals.written` gives it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: the rows of one tenant (`None`: of all), these tables (none: all), what of them."""

    tenant: str | None = None
    tables: tuple[str, ...] = ()
    schema: bool = True
    rows: bool = True

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Wanted":
        return cls(**{**document, "tables": tuple(document["tables"])})


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows of each table were written, and what was left out or D1 will not take, in sentences."""

    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def write_sql(
    database: LocalDatabase, path: Path, wanted: Wanted, *, progress: Progress = ignore
) -> Exported:
    """Writes what is wanted to `path`, of one moment; memory stays that of the largest row.

    `progress` is in rows. The caller holds a connection. Raises `InvalidInput` for a table or a tenant that
    is not there, the storage errors, and `OSError` for the file.
    """
    database.connection().pragma("cache_size", -1024)  # each page is read once
    with database.snapshot(), path.open("wb", buffering=1 << 18) as file:
        return _Export(database, wanted, file, progress).run()


@dataclass(frozen=True, slots=True)
class _Object:
    """A line of the schema; `sql` is whole, with its semicolon."""

    kind: str
    name: str
    table: str
    sql: str


class _Export:
    def __init__(self, database: LocalDatabase, wanted: Wanted, file: BinaryIO, progress: Progress) -> None:
        self._database, self._wanted, self._file, self._progress = database, wanted, file, progress
        self._connection: apsw.Connection = database.connection()
        self._done = Exported()
        self._objects = list(self._of_schema())
        self._stored, _ = read_stored(database)

    def run(self) -> Exported:
        tables = self._tables()
        conditions = self._conditions(tables)
        total = sum(
            self._count(table, conditions[table.name]) for table in tables if table.name in conditions
        )
        self._line(BEGINNING)
        if self._wanted.tenant is not None:
            self._line(f"-- of one tenant: {json.dumps(self._wanted.tenant)}")
        chosen = {caseless(table.name) for table in tables}
        if self._wanted.schema:
            self._create(("table", "index", "view"), chosen)
        if self._wanted.rows:
            if self._wanted.tenant is None and not self._wanted.tables:
                self._note_dangling()
            self._progress(0, total)
            for table in tables:
                if table.name in conditions:
                    self._rows(table, conditions[table.name], total)
            self._numbering({caseless(name) for name, which in conditions.items() if which == _ALL} & chosen)
        if self._wanted.schema:
            self._create(("trigger",), chosen)
        return self._done

    def _note_dangling(self) -> None:
        """Names the rows that refer to nothing, which D1 refuses with all others."""
        from app.services.files.importing import dangling_rows  # noqa: PLC0415 - much, for one query

        for item in dangling_rows(self._connection):
            rows = counted(item.rows, "row")
            self._note(
                f"{rows} of {item.table} refer to {item.parent} rows that are not there; D1 takes no such row"
            )

    def _note(self, sentence: str) -> None:
        self._done.notes.append(sentence)

    def _line(self, sql: str) -> None:
        self._file.write(sql.encode() + b"\n")

    def _of_schema(self) -> Iterator[_Object]:
        """What the schema holds, but for what belongs to SQLite, and to D1 and virtual tables, which is
        named.
        """
        for kind, name, table, sql, what in self._database.rows(raw(_OBJECTS)):
            if name.startswith("sqlite_") or what == "shadow":
                continue
            if name.startswith("_cf_"):
                self._note(f"left out: {name}, which is D1's own")
            elif what == "virtual":
                self._note(
                    f"left out: the virtual table {name}, which D1 cannot export, and its shadow tables"
                )
            else:
                yield _Object(kind, name, caseless(table), sql + (";" if apsw.complete(f"{sql};") else "\n;"))

    def _tables(self) -> list[StoredTable]:
        """The tables that are wanted, in the order in which they were made. Raises `InvalidInput`."""
        there = {caseless(item.name): item.name for item in self._objects if item.kind == "table"}
        stored = {caseless(name): table for name, table in self._stored.items()}
        asked = {caseless(name): name for name in self._wanted.tables}
        for unknown in asked.keys() - there.keys():
            raise InvalidInput(
                "table", f"{self._database.place} has no table {asked[unknown]} that could be exported."
            )
        tables = [stored[name] for name in there if not asked or name in asked]
        for name, parent in self._stored.items():
            if asked and caseless(name) not in asked:
                for child in sorted({key.table for key in parent.referring if caseless(key.table) in asked}):
                    self._note(
                        f"left out: {name}, which {child} refers to; D1 takes the rows only where it is"
                    )
        if asked and any(item.kind == "view" for item in self._objects):
            self._note("left out: the views, which may read other tables")
        for table in tables:
            if len(table.names) > COLUMNS:
                self._note(f"{table.name} has {len(table.names):,} columns; D1 takes {COLUMNS}")
        return tables

    def _conditions(self, tables: Sequence[StoredTable]) -> dict[str, str]:
        """Which rows of each table are wanted, as SQL; a table of which none are has no condition."""
        if self._wanted.tenant is None:
            return {table.name: _ALL for table in tables}
        found = of_tenant(self._stored, self._wanted.tenant)
        own = [name for name, table in self._stored.items() if _has_tenants(table)]
        if not any(self._any(name, found[name]) for name in own):
            raise InvalidInput(
                "tenant", f"{self._database.place} holds nothing of the tenant {self._wanted.tenant}."
            )
        for table in tables:
            if table.name not in found and not internal(table.name):
                self._note(f"left out: the rows of {table.name}, which belong to no tenant")
        return {LEDGER: _ALL} | found

    def _any(self, table: str, condition: str) -> bool:
        sql = f"SELECT EXISTS (SELECT 1 FROM main.{sql_name(table)} WHERE {condition})"  # noqa: S608
        return bool(self._database.scalar(raw(sql)))

    def _count(self, table: StoredTable, condition: str) -> int:
        sql = f"SELECT count(*) FROM main.{sql_name(table.name)} WHERE {condition}"  # noqa: S608
        return int(self._database.scalar(raw(sql))) if self._wanted.rows else 0

    def _create(self, kinds: Sequence[str], tables: set[str]) -> None:
        for kind in kinds:
            for item in self._objects:
                if item.kind == kind and (
                    item.table in tables or (kind == "view" and not self._wanted.tables)
                ):
                    self._line(item.sql)

    def _rows(self, table: StoredTable, condition: str, total: int) -> None:
        rows = _Rows(table, self._connection, named=not self._wanted.schema)
        rows.checked = any(
            "CHECK" in item.sql.upper() for item in self._objects if item.table == caseless(table.name)
        )
        before, number = sum(self._done.rows.values()), 0
        for count, statements in rows.written(condition):
            self._file.writelines(statements)
            number += count
            self._progress(before + number, total)
        self._done.rows[table.name] = number
        for count, what in (
            (rows.large, f"of more than {ROW:,} bytes, which D1 does not take"),
            (rows.whole, f"in a statement of more than {STATEMENT:,} bytes, which D1 does not take"),
        ):
            if count:
                self._note(f"{table.name} has {counted(count, 'row')} {what}")

    def _numbering(self, tables: set[str]) -> None:
        """The numbers that AUTOINCREMENT goes on from, of tables with all their rows: of others it is their
        last row that says that none was removed behind it. A file that has higher ones keeps them.
        """
        if "sqlite_sequence" not in self._stored:
            return
        for name, number in self._database.rows(raw("SELECT name, seq FROM main.sqlite_sequence")):
            if caseless(name) not in tables or number is None:
                continue
            table, last = literal(name), literal(number)
            if self._wanted.schema:
                self._line(f"DELETE FROM sqlite_sequence WHERE name = {table};")  # noqa: S608
                self._line(f"INSERT INTO sqlite_sequence (name, seq) VALUES({table}, {last});")
            else:
                lower = f"name = {table} AND seq < {last}"
                self._line(f"UPDATE sqlite_sequence SET seq = {last} WHERE {lower};")  # noqa: S608


class _Rows:
    """How the rows of one table are written.

    A rowid that is no column is named, so that it stays the same. `large` counts rows that D1 does not take,
    `whole` those of them that could not be cut into statements that it takes. `named` says that a statement
    names the columns, because the CREATE is elsewhere; `checked` that there may be a CHECK, which a value
    does not fulfil before all of it is there.
    """

    def __init__(self, table: StoredTable, connection: apsw.Connection, *, named: bool) -> None:
        self._connection = connection
        # As bytes, which need not be UTF-8; of a text in another encoding they are others.
        self._told = "CAST({} AS BLOB)" if connection.pragma("encoding") == "UTF-8" else "{}"
        self._name = sql_name(table.name)
        self._columns, self._rowid = list(table.columns), table.rowid
        if self._rowid and self._rowid not in self._columns:
            self._columns[:0] = [self._rowid]
        named = named or len(self._columns) > len(table.columns)
        names = f" ({', '.join(map(sql_name, self._columns))})" if named else ""
        self._head = f"INSERT INTO {self._name}{names} VALUES(".encode()
        self._room = STATEMENT - len(self._head)
        key = [self._rowid] if self._rowid else table.key
        self._key = [self._columns.index(name) for name in key if name in self._columns]
        self._values = _concat([written(self._of(column)) for column in self._columns], ",")
        self.large = self.whole = 0
        self.checked = False

    def _of(self, column: str) -> str:
        return f"{self._name}.{sql_name(column)}"

    def written(self, condition: str) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The statements of so many rows: of a block that SQLite joins, or of one row, where one of the block
        is long or needs care and where there are no rowids.
        """
        source = f"FROM main.{self._name} WHERE ({condition})"
        if self._rowid is None:
            yield from self._one_by_one(source)
            return
        rowid = self._of(self._rowid)
        some = f"{source} AND {rowid} >= ?1 ORDER BY {rowid} LIMIT {_AT_ONCE}"
        ends = "SELECT count(*), max(number)"
        joined = f"{self._told.format('group_concat(line, ?2)')}, max(octet_length(line))"
        block = f"{ends}, {joined} FROM (SELECT {rowid} AS number, {self._values} AS line {some})"
        numbers = f"{ends}, NULL, NULL FROM (SELECT {rowid} AS number {some})"
        first, last, count = -(2**63), 0, _AT_ONCE
        while count == _AT_ONCE and last < 2**63 - 1:
            try:
                count, last, text, longest = self._in_bounds(block, first, (_END + self._head).decode())
            except apsw.TooBigError:
                count, last, text, longest = self._in_bounds(numbers, first)
            if text and longest < self._room and _is_text(found := _bytes(text)):
                yield count, (self._head, found, _END)
            elif count:
                yield from self._one_by_one(f"{source} AND {rowid} BETWEEN ?1 AND ?2", first, last)
            first = (last or 0) + 1

    def _in_bounds(self, sql: str, *values: int | str) -> Any:
        """The row that the query gives. Raises `apsw.TooBigError` where more memory would be needed."""
        before = self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, _BLOCK)
        try:
            return self._connection.execute(sql, values).fetchall()[0]
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, before)

    def _one_by_one(self, source: str, *within: int) -> Iterator[tuple[int, Iterable[bytes]]]:
        sql = f"SELECT {self._told.format(self._values)} {source}"
        for (found,) in self._connection.execute(sql, within):
            line = _bytes(found)
            plain = len(line) < self._room and _is_text(line)
            yield 1, ((self._head, line, _END) if plain else self._carefully(line))

    def _carefully(self, line: bytes) -> Iterator[bytes]:
        """The statements of a row that is long, or that no file of text could hold as it is.

        Long values are cut: the INSERT has their start, and an UPDATE each adds the pieces.
        """
        values = [_Value.of(found[0]) for found in _VALUE.finditer(line)]
        sqls = [value.sql for value in values]
        length = sum(len(sql.encode()) + 1 for sql in sqls)
        self.large += sum(len(value.raw) for value in values) > ROW
        key = " AND ".join(f"{sql_name(self._columns[at])} = {sqls[at]}" for at in self._key)
        rest = []
        for at in sorted(range(len(values)), key=lambda at: -len(values[at].raw)):
            value = values[at]
            if length < self._room or len(value.raw) <= _START:
                break
            start, *pieces = value.pieces()
            if at not in self._key:
                length -= len(sqls[at].encode()) - len(start.encode())
                sqls[at] = start
                column = sql_name(self._columns[at])
                longer = (f"{column} || {piece}" for piece in pieces)
                longer = longer if value.text else (f"CAST({one} AS BLOB)" for one in longer)
                rest += [f"UPDATE {self._name} SET {column} = {one} WHERE {key};" for one in longer]  # noqa: S608
        named = self._key and all(values[at].sql != "NULL" for at in self._key)
        if length >= self._room or (rest and not named):
            self.whole += 1
            sqls, rest = [value.sql for value in values], []
        if rest and self.checked:
            rest.append("PRAGMA ignore_check_constraints=FALSE;")
            yield b"PRAGMA ignore_check_constraints=TRUE;\n"
        yield self._head + ",".join(sqls).encode() + _END
        for statement in rest:
            yield statement.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of a row as SQL; of a text or a BLOB the bytes too."""

    sql: str
    raw: bytes = b""
    text: bool = False

    @classmethod
    def of(cls, written: bytes) -> "_Value":
        """The value that `literals.written` gave this for."""
        match written[:1]:
            case b"'":
                stored = written[1:-1].replace(b"''", b"'")
                return cls(literal(text_of(stored)), stored, text=True)
            case b"x":
                return cls(written.decode(), bytes.fromhex(written[2:-1].decode()))
        return cls(written.decode())

    def pieces(self) -> Iterator[str]:
        """Its bytes one after the other, as SQL."""
        at = 0
        while at < len(self.raw):
            end = at + (_PIECE if at else _START)
            if self.text:
                end = _beginning(self.raw, end)
            yield literal(text_of(self.raw[at:end]) if self.text else self.raw[at:end])
            at = end


def _beginning(text: bytes, at: int) -> int:
    """Where the character of UTF-8 begins that has a byte at `at`; it has at most four."""
    back = range(at, at - 4, -1)
    return next((place for place in back if place >= len(text) or text[place] & 0xC0 != 0x80), at)


def _concat(values: Sequence[str], between: str) -> str:
    """The expression that joins the values of these; a function takes a thousand."""
    comma = f", {literal(between)}, "
    parts = [values[at : at + 500] for at in range(0, len(values), 500)]
    return f"concat({comma.join(f'concat({comma.join(part)})' for part in parts)})"


def _bytes(found: str | bytes) -> bytes:
    return found if isinstance(found, bytes) else found.encode()


def _is_text(written: bytes) -> bool:
    """Whether a file of text can hold it as it is."""
    return b"\0" not in written and (written.isascii() or isinstance(text_of(written), str))


def of_tenant(tables: StoredTables, tenant: str) -> dict[str, str]:
    """Which rows of each table are a tenant's, as SQL: those that say so, those that refer to them by foreign
    keys, and those that all these refer to. A table that is none of it has no condition.
    """
    found = {
        name: f'"tenant_id" = {literal(tenant)}' for name, table in tables.items() if _has_tenants(table)
    }
    fresh = set(found)
    while fresh:
        ways: dict[str, list[str]] = {}
        for parent in fresh:
            for key in tables[parent].referring:
                if key.table not in found:
                    ways.setdefault(key.table, []).append(
                        _among(key.columns, parent, key.parent_columns, found[parent])
                    )
        found |= {name: " OR ".join(some) for name, some in ways.items()}
        fresh = set(ways)
    while True:
        ways = {
            name: [
                _among(key.parent_columns, key.table, key.columns, found[key.table])
                for key in table.referring
                if key.table in found
            ]
            for name, table in tables.items()
            if name not in found
        }
        if not any(ways.values()):
            return found
        found |= {name: " OR ".join(some) for name, some in ways.items() if some}


def _has_tenants(table: StoredTable) -> bool:
    return "tenant_id" in map(str.lower, table.names)


def _among(columns: Sequence[str], other: str, there: Sequence[str], condition: str) -> str:
    """The condition that a row holds what rows of another table hold."""
    here, theirs = (", ".join(map(sql_name, names)) for names in (columns, there))
    return f"({here}) IN (SELECT {theirs} FROM main.{sql_name(other)} WHERE {condition})"  # noqa: S608
