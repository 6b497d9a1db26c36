"""The whole content of a file replaced by that of a copy: checked first, in one transaction, with a way back.

Source: `hazards.md`, Files: through SQLite's own backup, never by moving files, and checked afterwards.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import apsw

from app.services.chain.append import Batch, Event, append
from app.services.errors import (
    Cancelled,
    DamagedFile,
    FileLocked,
    FileMissing,
    NeedsCopy,
    NotADatabase,
    NotAllowed,
    SqlDump,
    StorageError,
    UnfinishedChange,
)
from app.services.files import describe, opening
from app.services.files.copying import snapshot_copy
from models import schema
from models.local import copies
from models.local.database import BUSY_TIMEOUT_MS, LocalDatabase
from models.local.file_use import holders, said
from models.status import SYSTEM_TENANT, AuditEvent

PAGES = 2_000
"""Pages between two looks at whether to stop, about 8 MB."""

PATIENCE = 5.0
"""Seconds that another writer is waited for."""

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked copy of what is to be restored, in a file of its own, beside what it would replace.

    `before` and `after` are row counts by table; a table that cannot be read now counts as None.
    """

    source: Path
    copy: Path
    before: Mapping[str, int | None]
    after: Mapping[str, int | None]


def prepare(
    path: Path,
    source: Path,
    folder: Path,
    *,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Prepared:
    """Copies `source` (a database file, or an SQL dump, which is imported) into `folder` and checks it.

    Neither file is changed. Raises `NotAllowed` where the copy is the file itself, lacks the audit chain or
    holds something that stands in for a table, `Cancelled`, and the errors of opening, copying and importing.
    """
    if source.exists() and path.exists() and source.samefile(path):
        raise NotAllowed(f"{source.name} is the file itself; choose a copy of it.")
    copy = folder / f"{_named(source).stem}.sqlite"  # sentences about it name what the person chose
    try:
        opening.open_database(source, read_only=True)
    except (NeedsCopy, UnfinishedChange):
        snapshot_copy(source, copy)
    except SqlDump:
        from app.services.files.importing import import_dump  # noqa: PLC0415 - most copies are databases

        import_dump(source, copy, progress=progress, cancelled=cancelled)
    else:
        snapshot_copy(source, copy)
    database = LocalDatabase(copy)
    with database.expected_errors(), database.connection_context():
        found = schema.inspect(database)
        if found.impostors:
            raise NotAllowed(
                f"{source.name} holds {', '.join(found.impostors)}, which could change what a write means; "
                "nothing was restored."
            )
        if "audit_chain" not in found.columns or found.missing_columns.get("audit_chain"):
            raise NotAllowed(
                f"{source.name} has no audit chain that the restore could be recorded in; nothing was "
                "restored. Apply the migrations to it first."
            )
        after = describe.rows(database, found)
    return Prepared(source, copy, _rows_now(path), after)


def restore(
    path: Path,
    prepared: Prepared,
    *,
    actor: str,
    now: int,
    force: bool = False,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Path:
    """Replaces what the file at `path` holds; returns the copy of what it held, which lies beside it.

    The restore is an entry in the chain of `system` of what is restored, so content and entry come in one
    transaction. The copy of the old content is taken while nobody can write, so that no commit falls between
    the two. A file that another program has open is left alone unless `force`. `progress` is in pages.
    Nothing is changed when it is cancelled or fails before its commit. Raises `NotAllowed` (it may not be
    written, and why), `Cancelled`, `CopyNotWritten`, `RestoreFailed` and the storage errors.
    """
    require_writable(path, force=force)
    kept = copies.take_name(path.resolve().parent, path, "restore", now)
    try:
        _record(prepared, kept, actor=actor, now=now)
        with LocalDatabase(path).expected_errors():
            try:
                _replace(path, prepared.copy, kept, progress or _ignore, cancelled or _never)
            except (apsw.NotADBError, apsw.CorruptError):
                _put_in_place_of(path, prepared.copy, kept)
    except Exception:
        kept.unlink(missing_ok=True)
        raise
    except BaseException:
        # Interrupted, and perhaps just behind the commit: the way back stays, if it is one.
        if kept.stat().st_size == 0:
            kept.unlink()
        raise
    _check(path, kept)
    return kept


def require_writable(path: Path, *, force: bool = False) -> None:
    """Raises `FileMissing`, or `NotAllowed` where the file may not be replaced, and why."""
    if not path.is_file():
        raise FileMissing(path)
    reason = opening.why_not_written(path, force=force)
    if reason is not None:
        raise NotAllowed(f"{path.name} cannot be written, because {reason}; nothing was restored.")


def _named(path: Path) -> Path:
    """The file's name, or a plain one where it is no text that SQLite could be given."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return Path("copy")
    return Path(path.name)


def _rows_now(path: Path) -> dict[str, int | None]:
    """What can be counted of a file that may be damaged, which may be why somebody restores it."""
    database = LocalDatabase(path, read_only=True)
    counts: dict[str, int | None] = dict.fromkeys(schema.expected_columns())
    with suppress(DamagedFile, NotADatabase), database.expected_errors(), database.connection_context():
        found = schema.inspect(database).columns
        counts = {table: None for table in found if not schema.internal(table)}
        for table in counts:
            with suppress(DamagedFile):
                counts |= describe.rows(database, schema.Schema({table: found[table]}))
    return counts


def _record(prepared: Prepared, kept: Path, *, actor: str, now: int) -> None:
    payload = {
        "actor": actor,
        "source": prepared.source.name,
        "kept": kept.name,
        "entriesBefore": prepared.before.get("audit_chain"),
        "entriesAfter": prepared.after.get("audit_chain"),
    }
    event = Event(SYSTEM_TENANT, AuditEvent.DATABASE_RESTORED, payload)
    database = LocalDatabase(prepared.copy)
    with database.connection_context():
        append(database, lambda: Batch((), (event,)), now=now)


def _replace(path: Path, copy: Path, kept: Path, progress: Progress, cancelled: Stop) -> None:
    with closing(_connect(path, apsw.SQLITE_OPEN_READWRITE)) as live:
        live.set_busy_timeout(BUSY_TIMEOUT_MS)
        _fit_pages(copy, int(live.pragma("page_size")))
        with (
            _in_wal(live) as in_wal,
            closing(_connect(path, apsw.SQLITE_OPEN_READONLY)) as reader,
            closing(_connect(copy, apsw.SQLITE_OPEN_READONLY)) as source,
            live.backup("main", source, "main") as backup,
        ):
            if not in_wal:
                copies.back_up(reader, kept)
            _lock(backup, path, cancelled)
            if in_wal:
                copies.back_up(reader, kept)  # nobody else can write any more, and the old can still be read
            while not backup.done:
                if cancelled():
                    raise Cancelled
                progress(backup.page_count - backup.remaining, backup.page_count)
                backup.step(PAGES)  # the last one commits, and nothing may fail behind it


def _put_in_place_of(path: Path, copy: Path, kept: Path) -> None:
    """For a file that SQLite cannot open: nobody can have it open as a database, so it can be moved away.

    A log that lies beside it is kept with it; left there, it would be folded into the new content.
    """
    for suffix in ("-wal", "-journal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    shutil.copyfile(path, kept)
    copy.chmod(0o600)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    copy.replace(path.resolve())


@contextmanager
def _in_wal(connection: apsw.Connection) -> Iterator[bool]:
    """With a write-ahead log, which is only there for as long as this takes where there was none.

    False where the schema itself is damaged: such a file has no writers to be afraid of.
    """
    try:
        before = str(connection.pragma("journal_mode"))
    except apsw.CorruptError:
        yield False
        return
    if before != "wal" and connection.pragma("journal_mode", "wal") != "wal":
        raise apsw.BusyError("the journal mode cannot be changed")
    try:
        yield True
    finally:
        with suppress(apsw.Error):  # a reader is there, say: the log stays, which harms nobody
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            if before != "wal":
                connection.pragma("journal_mode", before)


def _fit_pages(copy: Path, size: int) -> None:
    """Gives the copy the file's page size, which cannot change under a write-ahead log."""
    with closing(_connect(copy, apsw.SQLITE_OPEN_READWRITE)) as connection:
        if connection.pragma("page_size") != size:
            connection.pragma("page_size", size)
            connection.execute("VACUUM")


def _connect(path: Path, flags: int) -> apsw.Connection:
    """As a URI, which can say any name that a file system allows."""
    return apsw.Connection(path.absolute().as_uri(), flags=flags | apsw.SQLITE_OPEN_URI)


def _lock(backup: apsw.Backup, path: Path, cancelled: Stop) -> None:
    """The first page takes the file for writing."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            backup.step(1)
        except (apsw.BusyError, apsw.LockedError) as error:
            if cancelled():
                raise Cancelled from error
            if time.monotonic() >= deadline:
                raise FileLocked(path, said(holders(path))) from error
        else:
            return


def _check(path: Path, kept: Path) -> None:
    database = LocalDatabase(path, read_only=True)
    try:
        with database.expected_errors(), database.connection_context():
            if database.connection().pragma("integrity_check") == "ok":
                return
    except FileLocked:  # somebody uses it already; what was written is what was checked before
        return
    except DamagedFile:
        pass
    raise RestoreFailed(path, kept)


class RestoreFailed(StorageError):
    """What was written cannot be read back: the disk, most likely."""

    def __init__(self, path: Path, kept: Path) -> None:
        super().__init__(
            f"{path.name} cannot be read back after the restore; check the disk. "
            f"What the file held before is in {kept}."
        )


def _ignore(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False
