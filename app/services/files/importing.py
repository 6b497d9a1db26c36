"""An SQL dump made into a new database file: run, never read with patterns, and checked afterwards.

It runs in a file that nobody sees yet, under a guard (models/README.md, A dump).
"""

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from app import paths
from app.services.files.dump import (
    UTF16,
    DumpCutOff,
    Forbidden,
    Guard,
    ImportLimit,
    NotADump,
    NotThePlatforms,
    StatementFailed,
    StatementRefused,
    pieces,
    statement_line,
)
from app.services.text import sql_name, visible
from models.errors import Cancelled, DamagedFile, SqlDump, TenantAdminError
from models.local.atomic import new_file
from models.local.file import MAGIC, diagnose, require_file, set_pragma
from models.progress import Progress, Stop, ignore, never

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.chain.checkpoints.making import SignedReport, Verifier
    from app.services.chain.checkpoints.store import CheckpointStore
    from models.schema import Schema

_STEPS = 20_000
"""SQLite's own steps between two looks at whether to stop, while it sorts an index or checks the file."""

_OF_THE_STORE = (apsw.InterruptError, apsw.IOError, apsw.CantOpenError, apsw.CorruptError, apsw.NoMemError)
"""Nothing that the statement did wrong."""

_LONGEST = 120
"""Characters of what is said of a statement."""

_GROWTH, _LEAST = 8, 64 << 20
"""A file becomes at most so many times its dump, and this many bytes: a few lines could ask for any size."""


@dataclass(frozen=True, slots=True)
class Dangling:
    """So many rows of `table` refer to a row of `parent` which is not there."""

    table: str
    parent: str
    rows: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    `rows` counts by table, the ledger and SQLite's own tables left out. `statements` counts what was run.
    `dangling` says whose rows' foreign keys point nowhere.
    """

    path: Path
    rows: Mapping[str, int]
    statements: int
    dangling: tuple[Dangling, ...]
    seconds: float


def import_dump(
    dump: Path, target: Path, *, progress: Progress = ignore, cancelled: Stop = never
) -> Imported:
    """Makes the new database `target` of an SQL dump; its text comes through byte for byte.

    `progress` is in bytes read of bytes in all. Foreign keys are not enforced, only counted. Whatever goes
    wrong, nothing is left at `target`. Raises `AlreadyThere`, `InvalidInput` (no such folder), `Cancelled`,
    `NotADump`, `NotPlainText`, `DumpCutOff`, `StatementRefused`, `StatementFailed`, `ImportLimit`,
    `NotThePlatforms`, `CannotVerify`, `DamagedFile` (SQLite's integrity check fails) and the storage errors.
    """
    began = time.perf_counter()
    size = _size(dump)
    with new_file(target) as building:
        with closing(_connect(building, size, cancelled)) as connection, _interrupted():
            guard = Guard(connection)
            connection.execute("BEGIN")
            _run(guard, dump, size, progress, cancelled)
            _check_defaults(guard, connection, dump)
            _drop_d1_tables(connection)
            connection.execute("COMMIT")
            dangling = tuple(_dangling(connection))
            if connection.execute("PRAGMA integrity_check(1)").get != "ok":
                raise DamagedFile(target)
            set_pragma(connection, "journal_mode", "wal")
        rows = _rows_by_table(building, dump)
    return Imported(target, rows, guard.statements, dangling, time.perf_counter() - began)


def verify_imported(
    path: Path, store: "CheckpointStore", verify: "Verifier", *, now: int
) -> "tuple[Continuation | None, SignedReport]":
    """Holds the new file against what is known here, then verifies it and makes the checkpoint.

    How it continues what is known is None where that could not be asked. The file is there already: what goes
    wrong with the checkpoints is no failure of the import. Raises `Cancelled` and the errors of `verify`.
    """
    from app.services.chain.checkpoints.document import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import SignedReport, verify_and_sign  # noqa: PLC0415

    continuation = None
    try:
        continuation = store.continuation(path)
        return continuation, verify_and_sign(path, store, verify, now=now, reason=Reason.IMPORT)
    except Cancelled:
        raise
    except (TenantAdminError, OSError) as error:
        return continuation, SignedReport(verify(path, now=now), None, str(error))


def _size(dump: Path) -> int:
    require_file(dump)
    size = dump.stat().st_size
    with dump.open("rb") as file:
        start = file.read(16)
    if not start:
        raise NotADump(dump, "empty")
    if start == MAGIC:
        raise NotADump(dump, "a database, which can be opened as it is")
    if not start.startswith(UTF16) and not isinstance(diagnose(dump), SqlDump):
        raise NotADump(dump, "something else")
    return size


def _connect(path: Path, size: int, cancelled: Stop) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
    connection = apsw.Connection(str(path), flags, statementcachesize=0)  # no two statements are alike
    try:
        most = (_GROWTH * size + _LEAST) // int(connection.pragma("page_size"))
        for name, value in (
            ("auto_vacuum", 2),  # only before the first table
            # Nobody else can see this file yet, and a failed build is thrown away: no journal is needed.
            ("journal_mode", "off"),
            ("synchronous", 0),
            ("locking_mode", "exclusive"),
            ("foreign_keys", 0),  # D1 writes a table's rows before the rows they refer to
            ("cell_size_check", 1),
            ("cache_size", -2048),
            ("max_page_count", most),
        ):
            set_pragma(connection, name, value)
        connection.set_progress_handler(cancelled, _STEPS)
    except BaseException:
        connection.close(True)
        raise
    return connection


@contextmanager
def _interrupted() -> Iterator[None]:
    try:
        yield
    except apsw.InterruptError as error:
        raise Cancelled from error


def _run(guard: Guard, dump: Path, size: int, progress: Progress, cancelled: Stop) -> None:
    begun = 0
    with dump.open("rb") as file:
        for text, begin, read in pieces(file, dump):
            if cancelled():
                raise Cancelled
            try:
                guard.run(text)
            except Forbidden as error:
                line = statement_line(dump, text, begin, guard.start)
                raise StatementRefused(dump, _short(str(error)), line) from error
            except _OF_THE_STORE:
                raise
            except apsw.FullError as error:
                if not guard.at_its_limit:
                    raise
                raise ImportLimit(dump, f"grows to more than {_GROWTH} times its size") from error
            except apsw.Error as error:
                line = statement_line(dump, text, begin, guard.start)
                raise StatementFailed(dump, _short(_said(error)), line) from error
            if guard.begun is not None:
                begun = statement_line(dump, text, begin, guard.begun)
            progress(read, size)
    if guard.open:
        raise DumpCutOff(dump, "a transaction", begun)


def _check_defaults(guard: Guard, connection: apsw.Connection, dump: Path) -> None:
    """What a column's DEFAULT calls; older SQLite asks about it neither when the table is made nor later."""
    found = connection.execute(
        "SELECT t.name, c.dflt_value FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c"
        " WHERE t.type = 'table' AND c.dflt_value IS NOT NULL"
    ).fetchall()
    for table, expression in found:
        try:
            guard.check_default(str(expression))
        except Forbidden as error:
            raise StatementRefused(dump, _short(f"{error} as a default of {table}")) from error
        except apsw.SQLError:  # a bare word, which stands for itself
            continue


def _drop_d1_tables(connection: apsw.Connection) -> None:
    """D1's own tables, which its export leaves out and sqlite3's does not."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '_cf_*'")
    for (name,) in names.fetchall():
        connection.execute(f"DROP TABLE main.{sql_name(str(name))}")


def _dangling(connection: apsw.Connection) -> Iterator[Dangling]:
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


def _rows_by_table(path: Path, dump: Path) -> dict[str, int]:
    """Counts the tables that are a person's, once all that should be there is.

    Raises `NotThePlatforms`, and `CannotVerify` for an audit chain that is not the platform's.
    """
    # Peewee comes along with these, and its memory is not wanted beside the run's.
    from app.services.chain.rules import TABLE  # noqa: PLC0415
    from app.services.chain.verify.source import check_table  # noqa: PLC0415
    from app.services.files import describe  # noqa: PLC0415
    from models import schema  # noqa: PLC0415
    from models.local.database import LocalDatabase  # noqa: PLC0415

    database = LocalDatabase(path)
    with database.expected_errors(), database.connection_context():
        found = schema.inspect(database)
        missing = _missing(database.connection(), found)
        if missing:
            more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
            raise NotThePlatforms(dump, ", ".join(missing[:5]) + more)
        if TABLE in found.columns:
            check_table(database.connection(), dump)
        return {table: count or 0 for table, count in describe.rows(database, found).items()}


def _missing(connection: apsw.Connection, found: "Schema") -> tuple[str, ...]:
    """What the migrations that ran have made and is not there; without a ledger, the platform's tables.

    Indexes stand last in a dump, so a dump that ends too early between two statements is found by them.
    """
    from models import schema  # noqa: PLC0415
    from models.local.migrations import read_folder  # noqa: PLC0415

    if schema.LEDGER not in found.columns:
        return found.missing_tables
    ran = {name for (name,) in connection.execute(f"SELECT name FROM main.{schema.LEDGER}")}  # noqa: S608
    known = {migration.name: migration for migration in read_folder(paths.migrations_dir())}
    if not ran & known.keys():
        return found.missing_tables
    if ran - known.keys():  # a later one may have removed what an earlier one made
        return () if found.recognised else found.missing_tables
    there = {name.lower() for (name,) in connection.execute("SELECT name FROM main.sqlite_master")}
    made = [name for migration in known if migration in ran for name in known[migration].creations() or ()]
    return tuple(name for name in made if name not in there)


def _said(error: apsw.Error) -> str:
    """SQLite's message without the piece of the statement that it may quote.

    Constraints are named by table and column. Everything else stops before the first quotation, since a
    missing quote in the dump can make any stored text look like a name.
    """
    said = str(error)
    if isinstance(error, apsw.ConstraintError):
        return said
    if isinstance(error, apsw.BindingsError):
        return "it has parameters"
    if said.endswith("syntax error"):
        return "syntax error"
    return re.split(r"[:\"']", said, maxsplit=1)[0].strip() or "an error"


def _short(text: str) -> str:
    """A name from the dump can be any text of any length."""
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
