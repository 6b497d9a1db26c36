"""What a dump may ask for while it is imported: memory, room on the disk, and time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from app.services.files.dump import MAX_STATEMENT, Failure, ImportFailed
from models.errors import Cancelled, DiskFull, TemporaryFull
from models.local.errors import temporary_folder
from models.local.file import TemporaryFiles, connect, set_pragma
from models.progress import Stop

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


def free_beside(target: Path) -> int:
    """The free bytes of the disk on which the file is made: beside where it shall be."""
    return shutil.disk_usage(target.parent).free


def without_room(work: Work, dump: Path, target: Path, temporary: TemporaryFiles | None) -> Exception:
    """What is full: the temporary files' disk, the file, which may not grow as it likes, or its disk."""
    room = free_beside(target)
    if temporary and temporary.are_full:
        return TemporaryFull(temporary_folder())
    if none := work.without_room(dump, target):
        return none
    if temporary is None and room >= _NEARLY_FULL:
        return NoRoom()
    if room > MAX_STATEMENT and not work.is_by_disk:
        return ImportFailed(dump, Failure.LIMIT, f"grows to more than {_GROWTH} times its size")
    return DiskFull(target)
