"""Copies of a database file, and one put in the file's place, through SQLite's own backup.

Never by moving files while SQLite can open them: what lies beside a file belongs to it (models/README.md, The
local file).
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from glob import escape
from itertools import chain, count
from pathlib import Path

import apsw

from models.errors import Cancelled, CannotOpen, CopyNotWritten, DiskFull, FileLocked
from models.files import at_path, atomic
from models.files.errors import translate
from models.local import file
from models.local.in_use import wait_for_writer, written_by
from models.patterns import compiled_later
from models.progress import PATIENCE, UNWATCHED, Monitor, Stop

PAGES = 2_000
"""Pages between two looks at whether to stop, about 8 MB."""

_WRITES = frozenset((apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_FSYNC))
_COPY = compiled_later(r"\.before-.+\.\d{8}T\d{6}Z(-\d+)?$")


def name_of(path: Path, why: str, moment: str) -> str:
    """How a copy of a file is called that was made before something happened to it."""
    return f"{path.stem}.before-{why}.{moment}{path.suffix}"


def newest(path: Path, why: str) -> Path | None:
    """The last of the copies beside the file that were made before that happened to it; None of none. Raises
    `OSError`.
    """
    return max(path.parent.glob(name_of(Path(escape(path.name)), why, "*")), key=_moment, default=None)


def _moment(copy: Path) -> str:
    return copy.stem  # of those of one second the first has no number


@contextmanager
def free_name(path: Path, why: str, now: int) -> Iterator[Path]:
    """The `name_of` a copy made now (UTC) beside the file, numbered where that is taken. Until the block ends
    nobody else is given it, in this process or another.

    Raises `CopyNotWritten` where none can be made.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    for numbered in chain((moment,), (f"{moment}-{number}" for number in count(2))):
        copy = path.parent / name_of(path, why, numbered)
        with ExitStack() as held:
            try:
                held.enter_context(atomic.alone_with(copy))
            except FileLocked:
                continue
            except OSError as error:
                raise CopyNotWritten(path.parent, str(error.strerror)) from error
            if not os.path.lexists(copy):
                yield copy
                return


def is_copy(path: Path) -> bool:
    """Whether the name is one that `free_name` gives."""
    return _COPY.search(path.stem) is not None


def back_up(connection: apsw.Connection, copy: Path, monitor: Monitor = UNWATCHED) -> None:
    """Writes all that the connection sees into the new file `copy`, as one moment. `monitor` is told pages.

    Within one reading transaction, or in one step, because a backup of several moments beside a busy writer
    never ends. A copy that was not finished never carries the name. Raises `Cancelled`, `AlreadyThere`, the
    storage errors of writing the copy, and what SQLite raises of the rest.
    """
    atomic.sweep_databases(copy)
    try:
        with atomic.unfinished(copy) as building:
            with (
                closing(
                    file.connect(building, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
                ) as target,
                _one_moment(connection) if monitor is not UNWATCHED else nullcontext(),
                target.backup("main", connection, "main") as backup,
            ):
                while not backup.done:
                    monitor.check()
                    backup.step(-1 if monitor is UNWATCHED else PAGES)
                    monitor.progress(backup.page_count - backup.remaining, backup.page_count)
            atomic.give_name(building, copy)
    except (apsw.FullError, apsw.IOError, OSError) as error:
        if isinstance(error, apsw.IOError) and getattr(error, "extendedresult", 0) not in _WRITES:
            raise
        # What fails in writing is the copy's, which may lie on another disk than what is read, or is sorted.
        known = DiskFull(copy) if isinstance(error, apsw.FullError) else translate(error, copy)
        raise known or error from error


@contextmanager
def _one_moment(connection: apsw.Connection) -> Iterator[None]:
    """What is read within is of one. The schema, which may be damaged, is not looked at."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        connection.pragma("schema_version")
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def copy_parts(path: Path, target: Path) -> None:
    """Copies the file and what lies beside it to `target`, for SQLite to recover there.

    By plain handles, which drop this process's locks on the file when they are closed: only where SQLite
    cannot open it in its place, so that no connection of this process holds any. Raises `CannotOpen`,
    `FileLocked` where it kept changing, for such a copy is torn, and `OSError`.
    """
    parts = [at_path.sibling(path, suffix) for suffix in at_path.PARTS]
    for _ in range(3):
        before = at_path.traces(*parts)
        for suffix, part in zip(at_path.PARTS, parts, strict=True):
            if part.exists():
                try:
                    shutil.copyfile(part, at_path.sibling(target, suffix))
                except PermissionError as error:
                    raise CannotOpen(path if error.filename == str(part) else target) from error
        if at_path.traces(*parts) == before:
            return
        for suffix in at_path.SIBLINGS:
            at_path.sibling(target, suffix).unlink(missing_ok=True)
    raise FileLocked(path, written_by(path))


def put_back(path: Path, copy: Path, kept: Path, *, monitor: Monitor) -> None:
    """Replaces what the file at `path` holds by what `copy` holds, and writes what it held to the new `kept`.

    In one transaction, which is in `path` whole or not at all. `kept` is written while nobody else can write,
    so no commit falls between the two; it is there whole or not at all, and not where this fails, but for an
    interrupt, which may come just behind the commit. A file that SQLite cannot open is moved away instead.
    `monitor` is told pages. `copy` may be changed. Raises `Cancelled`, `FileLocked` after `PATIENCE`, the
    errors of `back_up`, and what SQLite raises.
    """
    try:
        _replace(path, copy, kept, monitor)
    except (apsw.NotADBError, apsw.CorruptError):
        _put_in_place_of(path, copy, kept)


def _replace(path: Path, copy: Path, kept: Path, monitor: Monitor) -> None:
    with closing(file.connect(path)) as live:
        live.set_busy_timeout(file.BUSY_TIMEOUT_MS)
        _fit_pages(copy, int(live.pragma("page_size")))
        with (
            _in_wal(live, path, monitor.cancelled) as in_wal,
            closing(file.connect(path, apsw.SQLITE_OPEN_READONLY)) as reader,
            closing(file.connect(copy, apsw.SQLITE_OPEN_READONLY)) as source,
            live.backup("main", source, "main") as backup,
            _keeping(kept) as keep,
        ):
            if not in_wal:
                keep(reader)
            _wait(
                lambda: backup.step(1), path, monitor.cancelled
            )  # the first page takes the file for writing
            if in_wal:
                keep(reader)  # nobody else can write any more, and the old can still be read
            while not backup.done:
                if monitor.cancelled():
                    raise Cancelled
                monitor.progress(backup.page_count - backup.remaining, backup.page_count)
                backup.step(PAGES)  # the last one commits, and nothing may fail behind it


def _put_in_place_of(path: Path, copy: Path, kept: Path) -> None:
    """For a file that SQLite cannot open: nobody can have it open as a database, so it can be moved away.

    A log that lies beside it is kept with it; left there, it would be folded into the new content.
    """
    with atomic.unfinished(kept) as building:
        shutil.copyfile(path, building)
        atomic.give_name(building, kept)
    try:
        for suffix in (at_path.LOG, at_path.JOURNAL):
            with suppress(FileNotFoundError):
                at_path.sibling(path, suffix).replace(at_path.sibling(kept, suffix))
        at_path.sibling(path, at_path.SHARED_MEMORY).unlink(missing_ok=True)
        atomic.replace(copy, at_path.real_path(path))
    except Exception:
        kept.unlink()
        raise


@contextmanager
def _keeping(kept: Path) -> Iterator[Callable[[apsw.Connection], None]]:
    """Gives what writes `kept`, and takes that away again where what it was written for fails."""
    is_made = False

    def keep(connection: apsw.Connection) -> None:
        nonlocal is_made
        back_up(connection, kept)
        is_made = True

    try:
        yield keep
    except Exception:
        if is_made:  # not another's of that name
            kept.unlink()
        raise


@contextmanager
def _in_wal(connection: apsw.Connection, path: Path, cancelled: Stop) -> Iterator[bool]:
    """With a write-ahead log, which is only there for as long as this takes where there was none.

    False where the schema itself is damaged: such a file has no writers to be afraid of.
    """

    def change() -> None:
        connection.execute("BEGIN IMMEDIATE; COMMIT")  # which waits for others; the pragma does not
        if connection.pragma("journal_mode", "wal") != "wal":
            raise apsw.BusyError("the journal mode cannot be changed")

    try:
        before = str(connection.pragma("journal_mode"))
    except apsw.CorruptError:
        yield False
        return
    if before != "wal":
        _wait(change, path, cancelled)
    try:
        yield True
    finally:
        with suppress(apsw.Error):  # a reader is there, say: the log stays, which harms nobody
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            if before != "wal":
                connection.pragma("journal_mode", before)


def _fit_pages(copy: Path, size: int) -> None:
    """Gives the copy the file's page size, which cannot change under a write-ahead log."""
    with closing(file.connect(copy)) as connection:
        if connection.pragma("page_size") != size:
            connection.pragma("page_size", size)
            connection.execute("VACUUM")


def _wait(step: Callable[[], object], path: Path, cancelled: Stop) -> None:
    """Takes a step for which others must not write. Raises `Cancelled`, and `FileLocked` after `PATIENCE`."""
    try:
        wait_for_writer(step, path, time.monotonic() + PATIENCE, cancelled)
    except (apsw.BusyError, apsw.LockedError) as error:
        if cancelled():
            raise Cancelled from error
        raise FileLocked(path, written_by(path)) from error
