"""An SQL dump made into a new database file: run, never read with patterns, and checked afterwards.

It runs in a file that nobody sees yet, under a guard (models/README.md, A dump).

What it may ask for meanwhile is bounded: memory, room on the disk, and time.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from app.services.chain.rules import TABLE
from app.services.files import judging
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
from models import errors, freeing, schema
from models.files.at_path import MAGIC, require_file
from models.files.atomic import new_file
from models.files.errors import temporary_folder
from models.local.file import TemporaryFiles, connect, is_sql, set_pragma
from models.progress import UNWATCHED, Monitor, Progress, Stop

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.chain.checkpoints.making import SignedReport
    from app.services.chain.checkpoints.store import CheckpointStore
    from app.services.chain.where import Verifier


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


class NoRoom(Exception):
    """The file may not become larger, or the temporary files found no room."""


def new_database(path: Path, temporary: TemporaryFiles | None) -> apsw.Connection:
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


def begin(connection: apsw.Connection) -> None:
    """Begins the one transaction, in which what undoes a statement is kept in memory, not in a file that is
    written for each; indexes are sorted in one.
    """
    set_pragma(connection, "temp_store", 2)
    connection.execute("BEGIN IMMEDIATE")  # which asks it
    set_pragma(connection, "temp_store", 0)


class Work:
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
                raise errors.Cancelled from error
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
            raise errors.Cancelled from error

    def _stop(self) -> bool:
        self._steps -= _STEPS
        return self._steps < 0 or self._cancelled()

    def check(self) -> None:
        if self._cancelled():
            raise errors.Cancelled


def free_beside(target: Path) -> int:
    """The free bytes of the disk on which the file is made: beside where it shall be."""
    return shutil.disk_usage(target.parent).free


def without_room(work: Work, dump: Path, target: Path, temporary: TemporaryFiles | None) -> Exception:
    """What is full: the temporary files' disk, the file, which may not grow as it likes, or its disk."""
    room = free_beside(target)
    if temporary and temporary.are_full:
        return errors.TemporaryFull(temporary_folder())
    if none := work.without_room(dump, target):
        return none
    if temporary is None and room >= _NEARLY_FULL:
        return NoRoom()
    if room > MAX_STATEMENT and not work.is_by_disk:
        return ImportFailed(dump, Failure.LIMIT, f"grows to more than {_GROWTH} times its size")
    return errors.DiskFull(target)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    `rows` counts by table, the ledger and SQLite's own tables left out. `dangling` says whose rows' foreign
    keys point nowhere, `notes` what did not come in as it is written. `tenant` is the one whose rows these
    are alone, where the dump says so.
    """

    path: Path
    rows: Mapping[str, int]
    dangling: tuple[judging.Dangling, ...]
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
        dangling = tuple(judging.Dangling(**one) for one in document["dangling"])
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
        except errors.DamagedFile as error:  # which nobody can restore or save: it is no file yet
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
        except NoRoom:  # which tells, when it happens once more, what had none
            temporary = TemporaryFiles()
        os.truncate(building, 0)


def _build(
    dump: Path,
    building: Path,
    target: Path,
    monitor: Monitor,
    *,
    in_many: bool,
    temporary: TemporaryFiles | None,
) -> Imported:
    """The same in one transaction or in many. Raises `RolledBack`, and without `temporary` `NoRoom`."""
    notes = Notes()
    with closing(new_database(building, temporary)) as connection:
        made = _OwnTables(connection, notes)
        guard = Guard(connection, notes, made.make, in_many=in_many)
        work = Work(connection, monitor.cancelled, free_beside(target))
        begin(connection)
        with work.counted(dump):
            told = _run(guard, work, dump, target, monitor.progress, temporary=temporary)
            tenant, is_exact, has_replaced = told
        with work.uncounted():
            judging.check_defaults(guard, connection, dump)
            judging.drop_d1_tables(connection)
            made.record()
            if tenant is not None and judging.has_others(connection, tenant):
                tenant = None  # more than that export was joined into one
            connection.execute("COMMIT")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if not tables:
                raise ImportFailed(dump, Failure.NOT_THE_PLATFORMS, "no tables")
            if guard.is_d1 and not guard.has_counters and schema.COUNTERS in tables:
                notes.add(NoteKind.NO_END)
            if guard.is_d1 and not is_exact:
                judging.note_rounded(connection, notes)
                if has_replaced:
                    judging.note_replaced(connection, notes)
            guard.breaks.look_without_rowids(notes, is_d1=guard.is_d1)
            dangling = tuple(judging.dangling_rows(connection))
            judging.check_whole(connection, dump, target, notes)
            set_pragma(connection, "journal_mode", "wal")
    is_whole = guard.has_end or (guard.is_d1 and guard.has_counters)
    rows = judging.rows_by_table(building, dump, notes, guard.chain_at, is_whole=is_whole)
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
    from app.services.chain.checkpoints.making import SignedReport, verify_and_sign  # noqa: PLC0415
    from app.services.chain.checkpoints.signing import why_none  # noqa: PLC0415
    from app.services.chain.rules import BROKEN  # noqa: PLC0415
    from app.services.chain.where import InFile  # noqa: PLC0415

    where, continuation, reason = InFile(imported.path), None, Reason.IMPORT
    freeing.give_back()  # some MB of the import's, which what verifies and signs takes again
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
    except (errors.TenantAdminError, OSError) as error:
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


class _OwnTables:
    """The tables of this program's migrations, for a dump that holds rows alone."""

    def __init__(self, connection: apsw.Connection, notes: Notes) -> None:
        self._connection, self._notes = connection, notes
        self.made = False

    def make(self, missing: str) -> bool:
        """Makes them where no table is there yet, and `missing` is one of them."""
        from models.local.migrations import LEDGER_SQL  # noqa: PLC0415 - Peewee comes along

        if missing.lower() not in (schema.LEDGER, *schema.expected_columns()):
            return False
        if self._connection.execute("SELECT count(*) FROM sqlite_master").get:
            return False
        self.made = True
        self._notes.add(NoteKind.NO_TABLES)
        for statement in (LEDGER_SQL, *(sql for item in judging.migrations() for sql in item.statements)):
            self._connection.execute(statement)
        return True

    def record(self) -> None:
        """Writes which migrations they are, unless the dump did."""
        if self.made and not self._connection.execute(f"SELECT count(*) FROM {schema.LEDGER}").get:  # noqa: S608
            names = [(item.name,) for item in judging.migrations()]
            self._connection.executemany(f"INSERT INTO {schema.LEDGER} (name) VALUES (?)", names)  # noqa: S608


def _run(
    guard: Guard,
    work: Work,
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
            has_replaced = has_replaced or judging.REPLACED in piece.joined
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
                raise without_room(work, dump, target, temporary) from error
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
