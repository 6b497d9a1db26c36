"""A whole database, or a part of it, as SQL that `wrangler d1 execute --file` takes, and our own import.

Every CREATE comes first, then the rows, because D1 enforces foreign keys; only triggers come last, so that
they do nothing to rows that they have seen before. Each statement has less than the 100 KB that D1 takes.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw

from app.services.files.allowed import STATISTICS
from app.services.files.dump import BEGINNING, EXACT
from app.services.files.inserts import AT_ONCE, ROW, STATEMENT, Inserts
from app.services.records.belonging import of_tenant, own_columns, referring
from app.services.records.export import literal
from app.services.records.record import readable_keys
from app.services.text import counted, some_of, tenant_name
from models.engine import D1_LIMITS, Database, raw, sql_name
from models.errors import DamagedFile, InvalidInput
from models.files.atomic import expected_errors
from models.local import statements
from models.local.database import LocalDatabase
from models.local.file import is_sound, of_other_types
from models.local.trial import is_numbered
from models.progress import Progress, ignore
from models.schema import COUNTERS, LEDGER, StoredTable, StoredTables, caseless, internal, read_stored

_WIDEST: Final = 100_000_000
"""Bytes of our own statement that reads a row: of two thousand columns, which is what SQLite takes, each is
named a dozen times.
"""

_OBJECTS: Final = """
SELECT found.type, found.name, found.tbl_name, found.sql, list.type
FROM main.sqlite_master AS found
LEFT JOIN pragma_table_list AS list ON list.schema = 'main' AND list.name = found.name
WHERE found.sql IS NOT NULL OR found.type IS NOT 'index' ORDER BY found.rowid
"""
_END: Final = f"DELETE FROM {COUNTERS} WHERE 0;"  # noqa: S608
"""Stands behind all rows, so that an import knows that none is missing (`NoteKind.NO_END`)."""

ALL: Final = "1"
"""The condition of every row."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: the rows of one tenant (`None`: of all), these tables (none: all), what of them.

    `readable` says that of a damaged table what can be read will do, as far as it has rowids.
    """

    tenant: str | None = None
    tables: tuple[str, ...] = ()
    schema: bool = True
    rows: bool = True
    readable: bool = False

    @property
    def is_whole(self) -> bool:
        return self.tenant is None and not self.tables and self.rows

    def conditions(self, tables: StoredTables) -> dict[str, str]:
        """Which rows of which tables are read for it, as SQL; of others none."""
        if self.tenant is not None:
            return {LEDGER: ALL} | of_tenant(tables, self.tenant)
        asked = set(map(caseless, self.tables or tables)) if self.rows else set[str]()
        return {name: ALL for name in tables if caseless(name) in asked}

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

    @property
    def count(self) -> int:
        """Of all rows but those of the ledger, which an import of them does not count either."""
        return sum(rows for table, rows in self.rows.items() if table != LEDGER)


def write_sql(
    database: LocalDatabase, path: Path, wanted: Wanted, *, progress: Progress = ignore
) -> Exported:
    """Writes what is wanted to `path`, of one moment; memory stays that of the largest row.

    `progress` is in rows. The caller holds a connection. Raises `InvalidInput` for a table or a tenant that
    is not there, and the storage errors of both files.
    """
    database.connection().pragma("cache_size", -1024)  # each page is read once
    database.connection().limit(apsw.SQLITE_LIMIT_SQL_LENGTH, _WIDEST)
    with (
        database.snapshot(),
        expected_errors(path),
        path.open("wb", buffering=1 << 18) as file,
        database.own_errors(),
    ):
        return _Export(database, wanted, file, progress).run()


def of_no_tenant(
    database: Database, wanted: Wanted, stored: StoredTables, tables: Collection[StoredTable]
) -> list[str]:
    """What of the `tables` an export of one tenant leaves out, since it is nobody's, in sentences."""
    if wanted.tenant is None:
        return []
    found = wanted.conditions(stored)
    others = [table.name for table in tables if table.name not in found and not internal(table.name)]
    nameless = [
        table.name for table in tables if (own := table.tenant_column) and own not in table.never_null
    ]
    asked = [f"SELECT EXISTS (SELECT 1 FROM main.{sql_name(name)})" for name in others]  # noqa: S608
    asked += [
        f"SELECT count(*) FROM main.{sql_name(name)} WHERE tenant_id IS NULL"  # noqa: S608
        for name in nameless
    ]
    counts = [1 for _ in others] + [0 for _ in nameless]
    with suppress(DamagedFile):  # of a table that nobody asked for
        counts = [rows for ((rows,),) in database.read_batch(list(map(raw, asked)))]
    said = [f"left out: the rows of {name}: nothing tells whose they are" for name in others]
    said += [
        f"left out: {counted(rows, 'row')} of {name} without a tenant"
        for name, rows in zip(nameless, counts[len(others) :], strict=True)
    ]
    return [sentence for sentence, rows in zip(said, counts, strict=True) if rows]


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
        self._done = Exported()
        self._stored, _ = read_stored(database)
        self._objects = list(self._of_schema())

    def run(self) -> Exported:
        tables = self._tables()
        conditions = self._conditions(tables)
        self._line(BEGINNING)
        self._line(EXACT)
        if self._wanted.tenant is not None:
            self._line(f"-- of one tenant: {json.dumps(self._wanted.tenant)}")
        chosen = {caseless(table.name) for table in tables}
        if self._wanted.schema:
            self._create(("table", "index", "view"), chosen)
        if self._wanted.rows:
            if self._wanted.tenant is not None:
                self._note_left_out(conditions)
            elif not self._wanted.tables and not self._wanted.readable:
                self._note_dangling()
            some = [(table, conditions[table.name]) for table in tables if table.name in conditions]
            counts = [self._count(table, which) for table, which in some]
            total = sum(filter(None, counts))
            self._progress(0, total)
            for (table, which), count in zip(some, counts, strict=True):
                begun = self._file.tell()
                try:
                    self._rows(table, which, total, count)
                    if not self._wanted.readable:
                        self._note_types(table)
                    elif table.rowid is None:
                        self._note_damage(table)
                except DamagedFile:
                    if not self._wanted.readable:
                        raise
                    self._file.seek(begun)
                    self._file.truncate()
                    self._what_can_be_read(table, which, total)
            self._numbering({caseless(name) for name, which in conditions.items() if which == ALL} & chosen)
        if self._wanted.schema and self._counted(chosen):
            self._line(_END)
        if self._wanted.schema:
            self._create(("trigger",), chosen)
        return self._done

    def _note_dangling(self) -> None:
        """Names the rows that refer to nothing, which D1 refuses with all others."""
        from app.services.files.judging import dangling_rows  # noqa: PLC0415 - much, for one query

        for item in dangling_rows(self._database.connection()):
            self._note(f"{item}; D1 takes no such row")

    def _note_left_out(self, conditions: dict[str, str]) -> None:
        """The same of rows of one tenant that refer to rows of another, which are left out."""
        from app.services.files.judging import Dangling  # noqa: PLC0415

        for name, parent in self._stored.items():
            for key in parent.referring:
                if name not in conditions or key.table not in conditions:
                    continue
                refer = " AND ".join(f"{sql_name(column)} IS NOT NULL" for column in key.columns)
                there = referring(key, name, conditions[name])
                rows = self._ask(
                    "count(*)", key.table, f"({conditions[key.table]}) AND {refer} AND NOT {there}"
                )
                if rows:
                    self._note(f"{Dangling(key.table, name, rows)}; D1 takes no such row")

    def _note(self, sentence: str) -> None:
        self._done.notes.append(sentence)

    def _line(self, sql: str) -> None:
        self._file.write(sql.encode() + b"\n")

    def _of_schema(self) -> Iterator[_Object]:
        """What the schema holds, but for what belongs to SQLite, and to D1 and virtual tables, which is
        named.
        """
        stored = set(map(caseless, self._stored))
        statistics: list[str] = []
        for kind, name, table, sql, what in self._database.rows(raw(_OBJECTS)):
            if not all(isinstance(said, str) for said in (kind, name, table, sql)):
                self._note(f"left out: what a damaged line of the schema calls {name}")
                continue
            if name.startswith("sqlite_") or what == "shadow":
                statistics += [name] if name in STATISTICS else []
                continue
            if name.startswith("_cf_"):
                self._note(f"left out: {name}, which is D1's own")
            elif what == "virtual":
                self._note(
                    f"left out: the virtual table {name}, which D1 cannot export, and its shadow tables"
                )
            else:
                if "\r" in sql:  # which no other words say, in a CREATE
                    self._note(
                        f"{name} is made with a CR, which the shell of sqlite3 leaves out where an LF follows"
                    )
                statement = statements.first(sql)
                if statement is None or (kind == "table" and caseless(name) not in stored):
                    self._note(f"left out: the {kind} {name}, as its line of the schema is damaged")
                    continue
                if len(statement.encode()) > D1_LIMITS.statement_bytes:
                    self._note(
                        f"{name} is made by a statement of more than {D1_LIMITS.statement_bytes:,} bytes, "
                        "which D1 does not take"
                    )
                if not statement.startswith(sql):
                    self._note(f"left out: what stands behind the CREATE of {name} in the schema")
                yield _Object(kind, name, caseless(table), statement)
        self._note_statistics(statistics)

    def _note_statistics(self, names: Sequence[str]) -> None:
        """Names what SQLite chooses indexes by, which no statement that D1 takes can write."""
        if self._wanted.tables or self._wanted.tenant is not None or not self._wanted.rows:
            return
        asked = [f"SELECT 1 FROM main.{sql_name(name)} LIMIT 1" for name in names]  # noqa: S608
        with suppress(DamagedFile):
            found = self._database.read_batch(list(map(raw, asked)))
            if there := [name for name, rows in zip(names, found, strict=True) if rows]:
                self._note(f"left out: {some_of(there, 2)}, which ANALYZE makes again where it is wanted")

    def _tables(self) -> list[StoredTable]:
        """The tables that are wanted, in the order in which they were made. Raises `InvalidInput`."""
        there = {caseless(item.name): item.name for item in self._objects if item.kind == "table"}
        stored = {caseless(name): table for name, table in self._stored.items()}
        asked = {caseless(name): name for name in self._wanted.tables}
        for unknown in asked.keys() - there.keys():
            raise InvalidInput("table", f"There is no table {asked[unknown]} that could be exported.")
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
            if len(table.names) > D1_LIMITS.columns:
                self._note(f"{table.name} has {len(table.names):,} columns; D1 takes {D1_LIMITS.columns}")
        return tables

    def _conditions(self, tables: Sequence[StoredTable]) -> dict[str, str]:
        """What `wanted` says of the tables that are there. Raises `InvalidInput` for a tenant that is not."""
        found = self._wanted.conditions(self._stored)
        if self._wanted.tenant is None:
            return found
        own = own_columns(self._stored)
        if not any(self._ask("1", name, f"{found[name]} LIMIT 1") for name in own):
            raise InvalidInput(
                "tenant", f"{self._database.place} holds nothing of {tenant_name(self._wanted.tenant)}."
            )
        for sentence in of_no_tenant(self._database, self._wanted, self._stored, tables):
            self._note(sentence)
        return found

    def _ask(self, what: str, table: str, condition: str, how: str = "") -> Any:
        sql = f"SELECT {what} FROM main.{sql_name(table)} {how} WHERE {condition}"  # noqa: S608
        return self._database.scalar(raw(sql))

    def _count(self, table: StoredTable, condition: str) -> int | None:
        """How many rows are to be written; `None` of a table that is to be taken as it comes: one whose rows
        nobody could look up by their numbers.
        """
        if not self._wanted.readable:
            return int(self._ask("count(*)", table.name, condition))
        with suppress(DamagedFile):
            count = int(self._ask("count(*)", table.name, condition, "NOT INDEXED"))
            return count if table.rowid is not None else None
        return None

    def _create(self, kinds: Sequence[str], tables: set[str]) -> None:
        views = {item.table for item in self._objects if item.kind == "view" and not self._wanted.tables}
        for kind in kinds:
            for item in self._objects:
                if item.kind == kind and item.table in tables | views:  # a view's triggers, too
                    self._line(item.sql)

    def _rows(self, table: StoredTable, condition: str, total: int, expected: int | None = None) -> None:
        name = caseless(table.name)
        made = [item.sql for item in self._objects if item.table == name and item.kind != "trigger"]
        checked = any("CHECK" in sql.upper() for sql in made)
        rows = Inserts(table, self._database, made, named=not self._wanted.schema)
        before, number = sum(self._done.rows.values()), 0
        if checked:  # which a row may have come past, and a value in pieces breaks before all of it is there
            self._line("PRAGMA ignore_check_constraints=TRUE;")
        for count, lines in rows.statements(condition, expected):
            self._file.writelines(lines)
            number += count
            self._progress(before + number, total)
        if checked:
            self._line("PRAGMA ignore_check_constraints=FALSE;")
        self._done.rows[table.name] = self._done.rows.get(table.name, 0) + number
        for count, what in (
            (rows.large, f"of more than {ROW:,} bytes, which D1 does not take"),
            (rows.whole, f"in a statement of more than {STATEMENT:,} bytes, which D1 does not take"),
        ):
            if count:
                self._note(f"{table.name} has {counted(count, 'row')} {what}")
        if rows.halved:
            self._note(
                f"{table.name} has {counted(rows.halved, 'text')} with half of a character (an unpaired "
                "surrogate), written as the bytes that it has in UTF-8, which are no text there"
            )

    def _what_can_be_read(self, table: StoredTable, condition: str, total: int) -> None:
        keys, rowid = readable_keys(self._database, table), sql_name(table.rowid or "")
        for start in range(0, len(keys), AT_ONCE):
            some = ",".join(map(str, keys[start : start + AT_ONCE]))
            self._rows(table, f"({condition}) AND {rowid} IN ({some})", total)
        there = counted(self._done.rows.setdefault(table.name, 0), "row")
        self._note(f"{table.name} is damaged: what could be read of it is {there}, the rest is left out")

    def _note_damage(self, table: StoredTable) -> None:
        """What was read of a table without rowids as it came, and no error said."""
        if not is_sound(self._database.connection(), sql_name(table.name)):
            twice = "" if table.without_rowid else ", or be written twice"
            self._note(f"{table.name} is damaged: rows of it may be missing{twice}")

    def _note_types(self, table: StoredTable) -> None:
        """What comes in otherwise than it is here."""
        columns = of_other_types(self._database.connection(), table.name)
        if columns:
            self._note(
                f"{table.name} has values that the types of its columns contradict, and change where they "
                f"are written: in {', '.join(columns)}"
            )

    def _numbering(self, tables: set[str]) -> None:
        """The numbers that AUTOINCREMENT goes on from, of tables with all their rows: of others it is their
        last row that says that none was removed behind it. A file that has higher ones keeps them.
        """
        if COUNTERS not in self._stored:
            return
        for name in self._counted(tables) if self._wanted.schema else ():  # also that have given none yet
            self._line(f"DELETE FROM {COUNTERS} WHERE name = {literal(name)};")  # noqa: S608
        nameless = 0
        for name, number in self._database.rows(raw(f"SELECT name, seq FROM main.{COUNTERS}")):  # noqa: S608
            if not isinstance(name, str) or caseless(name) not in tables or number is None:
                is_none = not isinstance(name, str) or caseless(name) not in tables
                nameless += self._wanted.is_whole and is_none
                continue
            table, last = literal(name), literal(number)
            if self._wanted.schema:
                self._line(f"INSERT INTO {COUNTERS} (name, seq) VALUES({table}, {last});")
            else:
                lower = f"name = {table} AND seq < {last}"
                self._line(f"UPDATE {COUNTERS} SET seq = {last} WHERE {lower};")  # noqa: S608
        if nameless:
            self._note(f"left out: {counted(nameless, 'row')} of {COUNTERS} that name no table")

    def _counted(self, tables: set[str]) -> list[str]:
        """Those of the tables that AUTOINCREMENT numbers; the word alone may stand in a comment."""
        return [
            item.name
            for item in self._objects
            if item.kind == "table"
            and item.table in tables
            and "AUTOINCREMENT" in item.sql.upper()
            and is_numbered(item.sql)
        ]
