"""What an import has made, looked at before anybody has it: damage, what is not as it was, what it lacks."""

import decimal
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from app import paths
from app.services.chain.rules import TABLE
from app.services.files.allowed import Forbidden
from app.services.files.dump import Failure, ImportFailed, NoteKind, Notes
from app.services.files.guard import Guard
from app.services.records.rows import BYTEWISE
from app.services.text import counted, some_of
from models.engine import D1_LIMITS, JSON_EXACT, sql_name
from models.errors import DamagedFile
from models.local.file import set_pragma
from models.schema import Schema

if TYPE_CHECKING:
    from models.local.migrations import Migration

_BROKEN = re.compile(r"CHECK constraint failed in (?P<table>.*)", re.DOTALL)
"""What SQLite's check says of a row that breaks one."""


_LARGE = (
    f"{{0}} BETWEEN {JSON_EXACT + 1} AND 9223372036854775808.0"
    f" OR {{0}} BETWEEN -9223372036854775808.0 AND {-JSON_EXACT - 1}"
)
"""Whether a number is beyond those that JavaScript has all of, or what is read for one."""

REPLACED = "\ufffd"
"""What D1's export writes for what is no UTF-8."""

_NO_INTEGERS = re.compile("(?!.*INT).*(CHAR|CLOB|TEXT|REAL|FLOA|DOUB)", re.IGNORECASE | re.DOTALL)
"""The type of a column that stores no integers."""

_MOST_OF_ONE = 100
"""What SQLite's check of one table finds at most."""


@dataclass(frozen=True, slots=True)
class Dangling:
    """So many rows of `table` refer to a row of `parent` which is not there."""

    table: str
    parent: str
    rows: int

    def __str__(self) -> str:
        to = "refers to a row" if self.rows == 1 else "refer to rows"
        are = "is" if self.rows == 1 else "are"
        whose = f"{counted(self.rows, 'row')} of {self.table}"
        return f"{whose} {to} of the table {self.parent} that {are} not there"


def has_others(connection: apsw.Connection, tenant: str) -> bool:
    """Whether a table has rows of any other tenant."""
    tables = connection.execute(
        "SELECT t.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND lower(c.name) = 'tenant_id'"
    ).fetchall()
    other = f"{BYTEWISE.format('tenant_id')} <> ?"
    asked = (f"SELECT 1 FROM main.{sql_name(str(name))} WHERE {other} LIMIT 1" for (name,) in tables)  # noqa: S608
    return any(connection.execute(sql, (tenant,)).get for sql in asked)


def check_defaults(guard: Guard, connection: apsw.Connection, dump: Path) -> None:
    """What a column's DEFAULT calls; older SQLite asks about it neither when the table is made nor later."""
    found = connection.execute(
        "SELECT t.name, c.dflt_value FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c"
        " WHERE t.type = 'table' AND c.dflt_value IS NOT NULL"
    ).fetchall()
    for table, expression in found:
        try:
            guard.check_default(str(expression))
        except Forbidden as error:
            raise ImportFailed(dump, Failure.REFUSED, f"{error} as a default of {table}") from error
        except apsw.SQLError:  # a bare word, which stands for itself
            continue


_LONGEST: Final = D1_LIMITS.statement_bytes
"""Bytes of a name: no statement with a longer one can be sent to D1."""
_LONGEST_NAME: Final = """
SELECT max(octet_length(found.name), ifnull(
  (SELECT max(octet_length(shape.name)) FROM pragma_table_xinfo(found.name) AS shape), 0
)) AS longest FROM sqlite_master AS found ORDER BY longest DESC LIMIT 1
"""


def check_whole(connection: apsw.Connection, dump: Path, target: Path, notes: Notes) -> None:
    """Notes the rows that break a CHECK, and the tables whose CHECK ends in an error, as a pattern longer
    than the guard takes does. Raises `ImportFailed` for a name that nothing can say again, and `DamagedFile`
    for anything else that SQLite finds.
    """
    tables: list[str] = []
    longest = connection.execute(_LONGEST_NAME).get
    if longest > _LONGEST:
        what = f"makes a table, an index or a column with a name of {longest:,} bytes"
        raise ImportFailed(dump, Failure.LIMIT, what)
    try:
        found = _damage(connection, checks=True)
    except (apsw.SQLError, apsw.TooBigError):  # which of the tables it was, SQLite does not say
        found = _damage(connection, checks=False)
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in rows]
    for table in tables:
        try:
            of_it = _damage(connection, checks=True, of=f"({sql_name(table)})")
            if len(of_it) < _MOST_OF_ONE:
                found += of_it
            else:
                notes.add(NoteKind.CHECK, table, count=_broken_rows(connection, table))
        except (apsw.SQLError, apsw.TooBigError):
            notes.add(NoteKind.UNCHECKED, table)
    for message in found:
        broken = _BROKEN.fullmatch(message)
        if broken is None:
            raise DamagedFile(target)
        notes.add(NoteKind.CHECK, broken["table"])


def _damage(connection: apsw.Connection, *, checks: bool, of: str = f"({2**31 - 1})") -> list[str]:
    """All that SQLite's check finds; of one table by its name no more than `_MOST_OF_ONE`.

    It is the quick one: the other also compares each index with its table, and SQLite has just made these.
    """
    set_pragma(connection, "ignore_check_constraints", int(not checks))
    found = connection.execute(f"PRAGMA quick_check{of}")
    return [str(message) for (message,) in found if message != "ok"]


def _broken_rows(connection: apsw.Connection, table: str) -> int:
    """How many rows of a table break a CHECK: those that SQLite does not write again. Changes nothing."""
    set_pragma(connection, "ignore_check_constraints", 0)
    columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    same = ", ".join(f"{sql_name(str(name))} = {sql_name(str(name))}" for (name,) in columns)
    rows = int(connection.execute(f"SELECT count(*) FROM main.{sql_name(table)}").get)  # noqa: S608
    connection.execute("BEGIN")
    try:
        connection.execute(f"UPDATE OR IGNORE main.{sql_name(table)} SET {same}")  # noqa: S608
        return rows - connection.changes()
    finally:
        connection.execute("ROLLBACK")


def note_rounded(connection: apsw.Connection, notes: Notes) -> None:
    """Notes the integers that D1's export may have rounded: it writes numbers as JavaScript does. None where
    one is there that JavaScript writes otherwise: then it was not D1 that wrote them.
    """
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    columns = connection.execute(
        "SELECT t.name, c.name, c.type FROM sqlite_master AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table'"
    ).fetchall()
    for table, column, declared in columns:
        if _NO_INTEGERS.match(str(declared)):
            continue
        name = sql_name(str(column))
        large = f"SELECT {name} FROM main.{sql_name(str(table))} WHERE {_LARGE.format(name)}"  # noqa: S608
        for (value,) in connection.execute(large):
            if isinstance(value, int) and value != int(decimal.Decimal(repr(float(value)))):
                return
            if isinstance(value, int) or abs(value) == 2**63:  # which no integer can be
                counts[str(table)] += 1
                first.setdefault(str(table), f"{column} = {value}")
    for table, count in counts.items():
        notes.add(NoteKind.ROUNDED, table, first=first[table], count=count)


def note_replaced(connection: apsw.Connection, notes: Notes) -> None:
    """Notes the rows with texts in which U+FFFD may stand for bytes that were no UTF-8."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
        names = [sql_name(str(name)) for name, _ in columns]
        key = next((sql_name(str(name)) for name, pk in columns if pk == 1), names[0])
        has = " OR ".join(f"typeof({name}) = 'text' AND instr({name}, '{REPLACED}')" for name in names)
        found = f"SELECT count(*), CAST(min({key}) AS TEXT) FROM main.{sql_name(str(table))} WHERE {has}"  # noqa: S608
        for count, first in connection.execute(found):
            if count:
                notes.add(NoteKind.REPLACED, str(table), first=str(first or ""), count=int(str(count)))


def drop_d1_tables(connection: apsw.Connection) -> None:
    """D1's own tables, which its export leaves out and sqlite3's does not."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '_cf_*'")
    for (name,) in names.fetchall():
        connection.execute(f"DROP TABLE main.{sql_name(str(name))}")


def dangling_rows(connection: apsw.Connection) -> Iterator[Dangling]:
    """Every foreign key that points nowhere, by table and parent."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (table,) in tables.fetchall():
        counts: Counter[str] = Counter()
        try:
            rows = connection.execute("SELECT parent FROM pragma_foreign_key_check(?)", (table,))
            counts.update(str(parent) for (parent,) in rows)
        except apsw.SQLError as error:
            if not str(error).startswith("foreign key mismatch"):  # a parent that cannot be one
                raise
        yield from (Dangling(str(table), parent, count) for parent, count in sorted(counts.items()))


def rows_by_table(
    path: Path, dump: Path, notes: Notes, chain_at: int | None, *, is_whole: bool
) -> dict[str, int]:
    """Counts the tables that are a person's, and notes what is not there, and an audit chain, made at that
    line, that is not the platform's; `is_whole` says that the dump shows its end. Raises `ImportFailed`.
    """
    # Wanted behind the run alone, and not beside its memory.
    from app.services.chain.verify.source import CannotVerify, check_table  # noqa: PLC0415
    from app.services.files import describe  # noqa: PLC0415
    from app.services.opened import whole_part  # noqa: PLC0415
    from models import schema  # noqa: PLC0415
    from models.local.database import LocalDatabase  # noqa: PLC0415

    database = LocalDatabase(path)
    with database.expected_errors(), database.connection_context():
        found = schema.inspect(database)
        if not found.recognised:
            raise ImportFailed(dump, Failure.NOT_THE_PLATFORMS, "none of the platform's tables")
        if missing := _missing(database.connection(), found):
            by_itself = is_whole and schema.LEDGER not in found.columns and whole_part(found.columns)
            kind = NoteKind.WITHOUT if by_itself else NoteKind.LACKS
            notes.add(kind, some_of(missing, 5), count=len(missing))
        if TABLE in found.columns:
            try:
                check_table(database.connection(), dump)
            except CannotVerify as error:
                notes.add(NoteKind.CHAIN, error.what, chain_at)
        return {
            table: count or 0 for table, count in describe.rows(database, found, trusts_indexes=True).items()
        }


def migrations() -> "list[Migration]":
    from models.local.migrations import read_folder  # noqa: PLC0415

    return read_folder(paths.migrations_dir())


def _missing(connection: apsw.Connection, found: Schema) -> tuple[str, ...]:
    """What the migrations that ran have made and is not there; without a record of them, our tables, but for
    those of the platform's other database (models/README.md).

    Indexes stand last in a dump, so a dump that ends too early between two statements is found by them.
    """
    from app.services.opened import GATEWAY, PLANNING  # noqa: PLC0415
    from models import schema  # noqa: PLC0415

    if schema.LEDGER not in found.columns:
        others = [names for names in (GATEWAY, PLANNING) if names <= {*found.missing_tables}]
        return tuple(name for name in found.missing_tables if len(others) != 1 or name not in others[0])
    ran = {name for (name,) in connection.execute(f"SELECT name FROM main.{schema.LEDGER}")}  # noqa: S608
    known = {migration.name: migration for migration in migrations()}
    if ran - known.keys():  # a later one may have removed what an earlier one made
        return ()
    there = {name.lower() for (name,) in connection.execute("SELECT name FROM main.sqlite_master")}
    made = [name for migration in known if migration in ran for name in known[migration].creations() or ()]
    return tuple(name for name in made if name not in there)
