"""An SQL dump made into a new database file: run, never read with patterns, and checked afterwards.

It runs in a file that nobody sees yet, under a guard (models/README.md, A dump).
"""

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from app import paths
from app.services.chain.rules import TABLE
from app.services.files.allowed import OF_THE_STORE, ByPosition, Forbidden, RolledBack, reason
from app.services.files.dump import (
    BEGINNING,
    EXACT,
    MAX_STATEMENT,
    OF_TENANT,
    Failure,
    ImportFailed,
    Note,
    NoteKind,
    Notes,
    NotWhole,
    pieces,
    reading,
)
from app.services.files.guard import Guard
from app.services.records.rows import BYTEWISE
from app.services.text import counted, some_of
from models.engine import D1_LIMITS, JSON_EXACT, sql_name
from models.errors import Cancelled, DamagedFile, DiskFull, TemporaryFull, TenantAdminError
from models.local.atomic import new_file
from models.local.errors import temporary_folder
from models.local.file import MAGIC, TemporaryFiles, connect, is_sql, require_file, set_pragma
from models.progress import UNWATCHED, Monitor, Progress, Stop
from models.schema import COUNTERS, LEDGER, Schema, expected_columns

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.chain.checkpoints.making import SignedReport, Verifier
    from app.services.chain.checkpoints.store import CheckpointStore
    from models.local.migrations import Migration

_STEPS = 20_000
"""SQLite's own steps between two looks at whether to stop, while it sorts an index or checks the file."""

_WORK, _LEAST_WORK = 20, 50_000_000
"""Steps that statements may take for a byte of the dump, and at least: a few lines could ask for any time."""

_GROWTH, _LEAST = 8, 64 << 20
"""A file becomes at most so many times its dump, and this many bytes: a few lines could ask for any size."""

_LEFT_FREE = 1 / 16
"""Of what its disk has free at first, what no file takes: a dump packed to a few KB may hold any size."""

_NEARLY_FULL = 8 << 20
"""Free bytes of the file's disk below which nobody asks whether another one was full."""

_LEAST_MEMORY = 32 << 20
"""SQLite's memory may grow by this and by so many times the bytes read: a row's values are made before it."""

_BROKEN = re.compile(r"CHECK constraint failed in (?P<table>.*)", re.DOTALL)
"""What SQLite's check says of a row that breaks one."""


_LARGE = (
    f"{{0}} BETWEEN {JSON_EXACT + 1} AND 9223372036854775808.0"
    f" OR {{0}} BETWEEN -9223372036854775808.0 AND {-JSON_EXACT - 1}"
)
"""Whether a number is beyond those that JavaScript has all of, or what is read for one."""

_REPLACED = "\ufffd"
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


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    `rows` counts by table, the ledger and SQLite's own tables left out. `dangling` says whose rows' foreign
    keys point nowhere, `notes` what did not come in as it is written. `tenant` is the one whose rows these
    are alone, where the dump says so.
    """

    path: Path
    rows: Mapping[str, int]
    dangling: tuple[Dangling, ...]
    notes: tuple[Note, ...]
    seconds: float
    tenant: str | None = None

    def document(self) -> dict[str, Any]:
        """It as JSON can hold it; `of` is the way back."""
        notes = [{**asdict(note), "kind": note.kind.name} for note in self.notes]
        return {**asdict(self), "path": str(self.path), "notes": notes}

    @property
    def has_chain(self) -> bool:
        """Whether it has an audit chain that can be verified."""
        return TABLE in self.rows and all(note.kind is not NoteKind.CHAIN for note in self.notes)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Imported":
        notes = tuple(Note(**{**note, "kind": NoteKind[note["kind"]]}) for note in document["notes"])
        dangling = tuple(Dangling(**one) for one in document["dangling"])
        return cls(**{**document, "path": Path(document["path"]), "notes": notes, "dangling": dangling})


Build = Callable[[Path, Path, Path, Monitor], Imported]
"""`build_here`, or what has it done elsewhere."""


def import_dump(
    dump: Path,
    target: Path,
    *,
    strict: bool = False,
    monitor: Monitor = UNWATCHED,
    build: Build | None = None,
) -> Imported:
    """Makes the new database `target` of an SQL dump; its text comes through byte for byte.

    What cannot come in is left out and noted; with `strict` that is `NotWhole`. `monitor` is told bytes read
    of bytes in all. Foreign keys are not enforced, only counted. Whatever goes wrong, nothing is left at
    `target`. Whoever has other threads gives a `build` that does it in another process: it limits the memory
    of all of its own. Raises `AlreadyThere`, `InvalidInput` (no such folder), `Cancelled`, `ImportFailed`,
    the storage errors and those of `build`.
    """
    began = time.perf_counter()
    _check(dump)
    with new_file(target) as building:
        try:
            made = (build or build_here)(dump, building, target, monitor)
        except DamagedFile as error:  # which nobody can restore or save: it is no file yet
            raise ImportFailed(dump, Failure.UNSOUND, "") from error
        if strict and any(note.kind.is_loss for note in made.notes):
            raise NotWhole(dump, made.notes)
    return replace(made, seconds=time.perf_counter() - began)


def build_here(dump: Path, building: Path, target: Path, monitor: Monitor) -> Imported:
    """Fills the new file `building`, which is to become `target`; raises what goes wrong as it is."""
    in_many, temporary = False, None
    while True:
        try:
            return _build(dump, building, target, monitor, in_many=in_many, temporary=temporary)
        except RolledBack:  # few dumps ask for it, and all that came before is gone
            in_many = True
        except _NoRoom:  # which tells, when it happens once more, what had none
            temporary = TemporaryFiles()
        os.truncate(building, 0)


class _NoRoom(Exception):
    """The file may not become larger, or the temporary files found no room."""


def _build(
    dump: Path,
    building: Path,
    target: Path,
    monitor: Monitor,
    *,
    in_many: bool,
    temporary: TemporaryFiles | None,
) -> Imported:
    """The same in one transaction or in many. Raises `RolledBack`, and without `temporary` `_NoRoom`."""
    notes = Notes()
    with closing(_connect(building, temporary)) as connection:
        made = _OwnTables(connection, notes)
        guard = Guard(connection, notes, made.make, in_many=in_many)
        work = _Work(connection, monitor.cancelled, _free_beside(target))
        _begin(connection)
        with work.counted(dump):
            told = _run(guard, work, dump, target, monitor.progress, temporary=temporary)
            tenant, is_exact, has_replaced = told
        with work.uncounted():
            _check_defaults(guard, connection, dump)
            _drop_d1_tables(connection)
            made.record()
            if tenant is not None and _has_others(connection, tenant):
                tenant = None  # more than that export was joined into one
            connection.execute("COMMIT")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if not tables:
                raise ImportFailed(dump, Failure.NOT_THE_PLATFORMS, "no tables")
            if guard.is_d1 and not guard.has_counters and COUNTERS in tables:
                notes.add(NoteKind.NO_END)
            if guard.is_d1 and not is_exact:
                _note_rounded(connection, notes)
                if has_replaced:
                    _note_replaced(connection, notes)
            guard.breaks.look_without_rowids(notes, is_d1=guard.is_d1)
            dangling = tuple(dangling_rows(connection))
            _check_whole(connection, dump, target, notes)
            set_pragma(connection, "journal_mode", "wal")
    is_whole = guard.has_end or (guard.is_d1 and guard.has_counters)
    rows = _rows_by_table(building, dump, notes, guard.chain_at, is_whole=is_whole)
    return Imported(target, rows, dangling, notes.all(), 0.0, tenant)


def verify_imported(
    imported: Imported,
    store: "CheckpointStore",
    verify: "Verifier",
    *,
    now: int,
    monitor: Monitor = UNWATCHED,
) -> "tuple[Continuation | None, SignedReport]":
    """Holds the new file against what is known here, then verifies it and makes the checkpoint.

    One tenant's part of a known database lacks the others, and is no lesser for it: where its entries are
    those that are known, it becomes a database of its own. How it continues what is known is None where that
    could not be asked. The file is there already: what goes wrong with the checkpoints is no failure of the
    import. Raises `Cancelled` and the errors of `verify`.
    """
    from app.services.chain.checkpoint import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import SignedReport, verify_and_sign, why_none  # noqa: PLC0415
    from app.services.chain.rules import BROKEN  # noqa: PLC0415
    from app.services.chain.where import InFile  # noqa: PLC0415

    where, continuation, reason = InFile(imported.path), None, Reason.IMPORT
    try:
        store.made(where)
        continuation = store.continuation(where)
        if imported.tenant is not None and continuation.known:
            report = verify(where, now=now, monitor=monitor, checkpoints=store.known(where))
            if [item.tenant for item in report.tenants] == [imported.tenant]:
                own = (item for item in continuation.divergences if item.tenant == imported.tenant)
                continuation = replace(continuation, divergences=tuple(own))
                if report.tenants[0].verdict in BROKEN:
                    return continuation, SignedReport(report, None)
                reason = Reason.ANOTHER_DATABASE
        made = verify_and_sign(where, store, verify, now=now, reason=reason, monitor=monitor)
        if reason is Reason.ANOTHER_DATABASE and made.checkpoint is not None:
            said = store.known(where).doubts  # of the database that it has become by this checkpoint
            report = replace(made.report, notes=(*made.report.notes, *said), doubts=said)
            made = replace(made, report=report)
        return continuation, made
    except (TenantAdminError, OSError) as error:
        why = why_none(error, where)  # which raises what has ended it, before anything is verified again
        return continuation, SignedReport(verify(where, now=now, monitor=monitor), None, why)


def _check(dump: Path) -> None:
    """Raises the errors of `require_file`, and `ImportFailed` for what does not begin as one."""
    require_file(dump)
    with dump.open("rb") as file:
        start = file.read(4096)
    if not start:
        raise ImportFailed(dump, Failure.NOT_A_DUMP, "empty")
    if start.startswith(MAGIC):
        raise ImportFailed(dump, Failure.NOT_A_DUMP, "a database, which can be opened as it is")
    if not is_sql(start):
        raise ImportFailed(dump, Failure.NOT_A_DUMP, "something else")


@contextmanager
def _unpacked(dump: Path) -> Iterator[None]:
    """What goes wrong with a packed file, said of it."""
    import zlib  # noqa: PLC0415

    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # gzip.BadGzipFile has none
            raise
        raise ImportFailed(dump, Failure.NOT_A_DUMP, "a gzip file that is damaged or was cut off") from error


def _connect(path: Path, temporary: TemporaryFiles | None) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
    vfs = temporary.name if temporary else None
    connection = connect(path, flags, vfs=vfs, statementcachesize=0)  # no two statements are alike
    try:
        for name, value in (
            ("auto_vacuum", 2),  # only before the first table
            ("journal_mode", "delete"),  # a new file needs none, but to undo one statement
            ("synchronous", 0),
            ("locking_mode", "exclusive"),
            ("foreign_keys", 0),  # D1 writes a table's rows before the rows they refer to
            ("ignore_check_constraints", 1),  # rows that break one came past it into the file, too
            ("cache_size", -2048),
        ):
            set_pragma(connection, name, value)
    except BaseException:
        connection.close(True)
        raise
    return connection


def _begin(connection: apsw.Connection) -> None:
    """Begins the one transaction, in which what undoes a statement is kept in memory, not in a file that is
    written for each; indexes are sorted in one.
    """
    set_pragma(connection, "temp_store", 2)
    connection.execute("BEGIN IMMEDIATE")  # which asks it
    set_pragma(connection, "temp_store", 0)


class _Work:
    """How large a file, how much memory and how long a run a dump may ask for, by the bytes of text that were
    read of it.
    """

    def __init__(self, connection: apsw.Connection, cancelled: Stop, free: int) -> None:
        """`free` are the bytes of the file's disk."""
        self._connection, self._cancelled = connection, cancelled
        self._steps, self._bytes, self._most = _LEAST_WORK, 0, 0
        self._page = int(connection.pragma("page_size"))
        self._free, self._pages = free, 0
        self._room = max(int(free * (1 - _LEFT_FREE)) // self._page, 1)
        self.read(0)

    def read(self, size: int) -> None:
        """So many bytes of text come next."""
        self._steps += _WORK * size
        self._bytes += size
        self._pages = self._connection.pragma("page_count")  # SQLite takes all back where one has no room
        most = min((_GROWTH * self._bytes + _LEAST) // self._page, self._room)
        if most > 2 * self._most or most == self._room > self._most or not self._bytes:
            set_pragma(self._connection, "max_page_count", most)
            self._most = most
        most_memory = _LEAST_MEMORY + _GROWTH * min(self._bytes, MAX_STATEMENT)
        apsw.hard_heap_limit(apsw.memory_used() + most_memory)

    @property
    def is_by_disk(self) -> bool:
        """Whether it is the room on the disk that bounds the file."""
        return self._most == self._room

    def without_room(self, dump: Path, target: Path) -> ImportFailed | None:
        """That the file has no room on its disk, where that has stopped it."""
        if not self.is_by_disk or self._pages < self._room // 2:
            return None
        read = f"{self._free:,} bytes were free for {target.name}, and {self._bytes:,} bytes of text read"
        return ImportFailed(dump, Failure.NO_ROOM, read)

    @contextmanager
    def counted(self, dump: Path) -> Iterator[None]:
        """Raises `Cancelled`, and `ImportFailed` for what takes too long."""
        self._connection.set_progress_handler(self._stop, _STEPS)
        try:
            yield
        except apsw.InterruptError as error:
            if self._cancelled():
                raise Cancelled from error
            raise ImportFailed(
                dump, Failure.LIMIT, "asks for more work than a dump of its size does"
            ) from error
        except (apsw.NoMemError, MemoryError) as error:
            raise ImportFailed(
                dump, Failure.LIMIT, "asks for more memory than a dump of its size does"
            ) from error
        finally:
            apsw.hard_heap_limit(0)  # which is all of this process's
            apsw.soft_heap_limit(0)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What this program does itself, as long as it takes. Raises `Cancelled`."""
        self._connection.set_progress_handler(self._cancelled, _STEPS)
        try:
            yield
        except apsw.InterruptError as error:
            raise Cancelled from error

    def _stop(self) -> bool:
        self._steps -= _STEPS
        return self._steps < 0 or self._cancelled()

    def check(self) -> None:
        if self._cancelled():
            raise Cancelled


class _OwnTables:
    """The tables of this program's migrations, for a dump that holds rows alone."""

    def __init__(self, connection: apsw.Connection, notes: Notes) -> None:
        self._connection, self._notes = connection, notes
        self.made = False

    def make(self, missing: str) -> bool:
        """Makes them where no table is there yet, and `missing` is one of them."""
        from models.local.migrations import LEDGER_SQL  # noqa: PLC0415 - Peewee comes along

        if missing.lower() not in (LEDGER, *expected_columns()):
            return False
        if self._connection.execute("SELECT count(*) FROM sqlite_master").get:
            return False
        self.made = True
        self._notes.add(NoteKind.NO_TABLES)
        for statement in (LEDGER_SQL, *(sql for item in _migrations() for sql in item.statements)):
            self._connection.execute(statement)
        return True

    def record(self) -> None:
        """Writes which migrations they are, unless the dump did."""
        if self.made and not self._connection.execute(f"SELECT count(*) FROM {LEDGER}").get:  # noqa: S608
            names = [(item.name,) for item in _migrations()]
            self._connection.executemany(f"INSERT INTO {LEDGER} (name) VALUES (?)", names)  # noqa: S608


def _migrations() -> "list[Migration]":
    from models.local.migrations import read_folder  # noqa: PLC0415

    return read_folder(paths.migrations_dir())


def _run(
    guard: Guard,
    work: _Work,
    dump: Path,
    target: Path,
    progress: Progress,
    *,
    temporary: TemporaryFiles | None,
) -> tuple[str | None, bool, bool]:
    """Runs the dump; gives the tenant that it says to be of alone, whether all in it is exact, and whether
    U+FFFD is in it.
    """
    size, tenant, is_exact, has_replaced = dump.stat().st_size, None, False, False
    with _unpacked(dump), reading(dump) as (source, file):
        for piece in pieces(source, dump, guard.notes):
            work.check()
            work.read(piece.size)
            has_replaced |= _REPLACED in piece.joined
            if piece.line == 1:
                is_exact = piece.text.startswith(f"{BEGINNING}\n{EXACT}\n")
                if said := OF_TENANT.match(piece.text):
                    with suppress(ValueError):
                        tenant = str(json.loads(said["tenant"]))
            try:
                guard.run(piece)
            except ByPosition as error:
                raise ImportFailed(dump, Failure.UNNAMED, str(error), piece.line_of(guard.start)) from error
            except Forbidden as error:
                raise ImportFailed(dump, Failure.REFUSED, str(error), piece.line_of(guard.start)) from error
            except UnicodeDecodeError as error:
                if not guard.is_bounded:
                    raise
                what = "a search in bytes that are no text"
                raise ImportFailed(dump, Failure.REFUSED, what, piece.line_of(guard.start)) from error
            except apsw.FullError as error:
                raise _without_room(work, dump, target, temporary) from error
            except OF_THE_STORE:
                raise
            except apsw.Error as error:
                unfit = guard.rows_alone and isinstance(error, apsw.SQLError)
                kind = Failure.DOES_NOT_FIT if unfit else Failure.FAILED
                raise ImportFailed(dump, kind, reason(error), piece.line_of(guard.start)) from error
            progress(file.tell(), size)
    if guard.open_at is not None:
        raise ImportFailed(dump, Failure.CUT_OFF, "a transaction", guard.open_at)
    return tenant, is_exact, has_replaced


def _free_beside(target: Path) -> int:
    """The free bytes of the disk on which the file is made: beside where it shall be."""
    return shutil.disk_usage(target.parent).free


def _without_room(work: _Work, dump: Path, target: Path, temporary: TemporaryFiles | None) -> Exception:
    """What is full: the temporary files' disk, the file, which may not grow as it likes, or its disk."""
    room = _free_beside(target)
    if temporary and temporary.are_full:
        return TemporaryFull(temporary_folder())
    if none := work.without_room(dump, target):
        return none
    if temporary is None and room >= _NEARLY_FULL:
        return _NoRoom()
    if room > MAX_STATEMENT and not work.is_by_disk:
        return ImportFailed(dump, Failure.LIMIT, f"grows to more than {_GROWTH} times its size")
    return DiskFull(target)


def _has_others(connection: apsw.Connection, tenant: str) -> bool:
    """Whether a table has rows of any other tenant."""
    tables = connection.execute(
        "SELECT t.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND lower(c.name) = 'tenant_id'"
    ).fetchall()
    other = f"{BYTEWISE.format('tenant_id')} <> ?"
    asked = (f"SELECT 1 FROM main.{sql_name(str(name))} WHERE {other} LIMIT 1" for (name,) in tables)  # noqa: S608
    return any(connection.execute(sql, (tenant,)).get for sql in asked)


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


def _check_whole(connection: apsw.Connection, dump: Path, target: Path, notes: Notes) -> None:
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


def _note_rounded(connection: apsw.Connection, notes: Notes) -> None:
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
            if isinstance(value, int) and value != int(Decimal(repr(float(value)))):
                return
            if isinstance(value, int) or abs(value) == 2**63:  # which no integer can be
                counts[str(table)] += 1
                first.setdefault(str(table), f"{column} = {value}")
    for table, count in counts.items():
        notes.add(NoteKind.ROUNDED, table, first=first[table], count=count)


def _note_replaced(connection: apsw.Connection, notes: Notes) -> None:
    """Notes the rows with texts in which U+FFFD may stand for bytes that were no UTF-8."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
        names = [sql_name(str(name)) for name, _ in columns]
        key = next((sql_name(str(name)) for name, pk in columns if pk == 1), names[0])
        has = " OR ".join(f"typeof({name}) = 'text' AND instr({name}, '{_REPLACED}')" for name in names)
        found = f"SELECT count(*), CAST(min({key}) AS TEXT) FROM main.{sql_name(str(table))} WHERE {has}"  # noqa: S608
        for count, first in connection.execute(found):
            if count:
                notes.add(NoteKind.REPLACED, str(table), first=str(first or ""), count=int(str(count)))


def _drop_d1_tables(connection: apsw.Connection) -> None:
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


def _rows_by_table(
    path: Path, dump: Path, notes: Notes, chain_at: int | None, *, is_whole: bool
) -> dict[str, int]:
    """Counts the tables that are a person's, and notes what is not there, and an audit chain, made at that
    line, that is not the platform's; `is_whole` says that the dump shows its end. Raises `ImportFailed`.
    """
    # Peewee comes along with these, and its memory is not wanted beside the run's.
    from app.services.chain.verify.source import CannotVerify, check_table  # noqa: PLC0415
    from app.services.files import describe  # noqa: PLC0415
    from app.services.records.tables import whole_part  # noqa: PLC0415
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
        return {table: count or 0 for table, count in describe.rows(database, found).items()}


def _missing(connection: apsw.Connection, found: Schema) -> tuple[str, ...]:
    """What the migrations that ran have made and is not there; without a record of them, our tables, but for
    those of the platform's other database (models/README.md).

    Indexes stand last in a dump, so a dump that ends too early between two statements is found by them.
    """
    from app.services.records.tables import GATEWAY, PLANNING  # noqa: PLC0415
    from models import schema  # noqa: PLC0415

    if schema.LEDGER not in found.columns:
        others = [names for names in (GATEWAY, PLANNING) if names <= {*found.missing_tables}]
        return tuple(name for name in found.missing_tables if len(others) != 1 or name not in others[0])
    ran = {name for (name,) in connection.execute(f"SELECT name FROM main.{schema.LEDGER}")}  # noqa: S608
    known = {migration.name: migration for migration in _migrations()}
    if ran - known.keys():  # a later one may have removed what an earlier one made
        return ()
    there = {name.lower() for (name,) in connection.execute("SELECT name FROM main.sqlite_master")}
    made = [name for migration in known if migration in ran for name in known[migration].creations() or ()]
    return tuple(name for name in made if name not in there)
