"""An SQL dump made into a new database file: run, never read with patterns, and checked afterwards.

It runs in a file that nobody sees yet, under a guard (models/README.md, A dump).
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from app.services.chain.rules import TABLE
from app.services.files.allowed import OF_THE_STORE, ByPosition, Forbidden, RolledBack, reason
from app.services.files.bounds import NoRoom, Work, begin, free_beside, new_database, without_room
from app.services.files.dump import (
    BEGINNING,
    EXACT,
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
from app.services.files.judging import (
    REPLACED,
    Dangling,
    check_defaults,
    check_whole,
    dangling_rows,
    drop_d1_tables,
    has_others,
    migrations,
    note_replaced,
    note_rounded,
    rows_by_table,
)
from models.errors import DamagedFile, TenantAdminError
from models.freeing import give_back
from models.local.atomic import new_file
from models.local.file import MAGIC, TemporaryFiles, is_sql, require_file, set_pragma
from models.progress import UNWATCHED, Monitor, Progress
from models.schema import COUNTERS, LEDGER, expected_columns

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.chain.checkpoints.making import SignedReport, Verifier
    from app.services.chain.checkpoints.store import CheckpointStore


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
            check_defaults(guard, connection, dump)
            drop_d1_tables(connection)
            made.record()
            if tenant is not None and has_others(connection, tenant):
                tenant = None  # more than that export was joined into one
            connection.execute("COMMIT")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if not tables:
                raise ImportFailed(dump, Failure.NOT_THE_PLATFORMS, "no tables")
            if guard.is_d1 and not guard.has_counters and COUNTERS in tables:
                notes.add(NoteKind.NO_END)
            if guard.is_d1 and not is_exact:
                note_rounded(connection, notes)
                if has_replaced:
                    note_replaced(connection, notes)
            guard.breaks.look_without_rowids(notes, is_d1=guard.is_d1)
            dangling = tuple(dangling_rows(connection))
            check_whole(connection, dump, target, notes)
            set_pragma(connection, "journal_mode", "wal")
    is_whole = guard.has_end or (guard.is_d1 and guard.has_counters)
    rows = rows_by_table(building, dump, notes, guard.chain_at, is_whole=is_whole)
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
    give_back()  # some MB of the import's, which what verifies and signs takes again
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
        for statement in (LEDGER_SQL, *(sql for item in migrations() for sql in item.statements)):
            self._connection.execute(statement)
        return True

    def record(self) -> None:
        """Writes which migrations they are, unless the dump did."""
        if self.made and not self._connection.execute(f"SELECT count(*) FROM {LEDGER}").get:  # noqa: S608
            names = [(item.name,) for item in migrations()]
            self._connection.executemany(f"INSERT INTO {LEDGER} (name) VALUES (?)", names)  # noqa: S608


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
            has_replaced = has_replaced or REPLACED in piece.joined
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
