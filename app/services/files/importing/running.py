"""An SQL dump made into a new database file: run, never read with patterns, and checked afterwards.

Source: `d1.md`, The dump; `hazards.md`, Input. It runs in a file that nobody sees yet, under a guard.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from app.services.errors import Cancelled, DamagedFile, FileMissing, FolderGiven, SqlDump
from app.services.files.importing.cutting import UTF16, pieces, statement_line
from app.services.files.importing.errors import (
    DumpCutOff,
    ImportLimit,
    NotADump,
    StatementFailed,
    StatementRefused,
)
from app.services.files.importing.guarding import Guard, NotAllowed
from app.services.files.importing.outcome import Imported
from models.local.atomic import new_file
from models.local.header import MAGIC, diagnose

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]

_STEPS = 20_000
"""SQLite's own steps between two looks at whether to stop, while it sorts an index or checks the file."""

_OF_THE_STORE = (apsw.InterruptError, apsw.IOError, apsw.CantOpenError, apsw.CorruptError, apsw.NoMemError)
"""Nothing that the statement did wrong."""

_GROWTH, _LEAST = 8, 64 << 20
"""A file becomes at most so many times its dump, and this many bytes: a few lines could ask for any size."""


def import_dump(
    dump: Path, target: Path, *, progress: Progress | None = None, cancelled: Stop | None = None
) -> Imported:
    """Makes the new database `target` of an SQL dump; its text comes through byte for byte.

    `progress` is in bytes read of bytes in all. Foreign keys are not enforced, only counted. Whatever goes
    wrong, nothing is left at `target`. Raises `AlreadyThere`, `InvalidInput` (no such folder), `Cancelled`,
    `NotADump`, `NotPlainText`, `DumpCutOff`, `StatementRefused`, `StatementFailed`, `ImportLimit`,
    `NotThePlatforms`, `DamagedFile` (SQLite's integrity check fails) and the storage errors.
    """
    began = time.perf_counter()
    stop = cancelled or _never
    size = _size(dump)
    with new_file(target) as building:
        with closing(_connect(building, size, stop)) as connection, _interrupted():
            guard = Guard(connection)
            connection.execute("BEGIN")
            _run(guard, dump, size, progress or _ignore, stop)
            _check_defaults(guard, connection, dump)
            # Peewee comes along with this, and its memory is not wanted beside the run's.
            from app.services.files.importing import checking  # noqa: PLC0415

            checking.drop_d1_tables(connection)
            connection.execute("COMMIT")
            dangling = tuple(checking.dangling(connection))
            if connection.execute("PRAGMA integrity_check(1)").get != "ok":
                raise DamagedFile(target)
            if connection.pragma("journal_mode", "wal") != "wal":
                raise RuntimeError("SQLite did not take PRAGMA journal_mode")
        rows = checking.rows_by_table(building, dump)
    return Imported(
        path=target,
        rows=rows,
        statements=guard.statements,
        violations=sum(item.rows for item in dangling),
        dangling=dangling,
        seconds=time.perf_counter() - began,
    )


def _size(dump: Path) -> int:
    if dump.is_dir():
        raise FolderGiven(dump)
    if not dump.is_file():
        raise FileMissing(dump)
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
            connection.pragma(name, value)
            if connection.pragma(name) != value:  # a misspelt pragma is silent
                raise RuntimeError(f"SQLite did not take PRAGMA {name}")
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
            except NotAllowed as error:
                line = statement_line(dump, text, begin, guard.start)
                raise StatementRefused(dump, line, error.what) from error
            except _OF_THE_STORE:
                raise
            except apsw.FullError as error:
                if not guard.at_its_limit:
                    raise
                raise ImportLimit(dump, f"grows to more than {_GROWTH} times its size") from error
            except apsw.Error as error:
                line = statement_line(dump, text, begin, guard.start)
                raise StatementFailed(dump, line, error) from error
            if guard.begun is not None:
                begun = statement_line(dump, text, begin, guard.begun)
            progress(read, size)
    if guard.open:
        raise DumpCutOff(dump, begun, "a transaction")


def _check_defaults(guard: Guard, connection: apsw.Connection, dump: Path) -> None:
    """What a column's DEFAULT calls; older SQLite asks about it neither when the table is made nor later."""
    found = connection.execute(
        "SELECT t.name, c.dflt_value FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c"
        " WHERE t.type = 'table' AND c.dflt_value IS NOT NULL"
    ).fetchall()
    for table, expression in found:
        try:
            guard.check_default(str(expression))
        except NotAllowed as error:
            raise StatementRefused(dump, None, f"{error.what} as a default of {table}") from error
        except apsw.SQLError:  # a bare word, which stands for itself
            continue


def _ignore(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False
