"""What lies at a path, be it a database or not.

A database is never opened as a plain file: closing a descriptor would drop the locks that this process holds
on it through SQLite (POSIX locks belong to the process, not to the descriptor).
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import apsw

from models import errors
from models.errors import CannotOpen
from models.files.errors import no_longer

MAGIC = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat2.html, 1.3)."""

LOG, SHARED_MEMORY, JOURNAL = "-wal", "-shm", "-journal"
SIBLINGS = ("", LOG, SHARED_MEMORY, JOURNAL)
"""What SQLite adds to a database's name for the files that belong to it (sqlite.org/tempfiles.html)."""

PARTS = ("", LOG, JOURNAL)
"""What makes up a database on disk; the shared memory is rebuilt from the log."""

FileId = tuple[int, int]
"""A file's device and inode."""

_AT_CWD, _BIRTH = -100, 0x800
"""AT_FDCWD and STATX_BTIME (linux/fcntl.h, linux/stat.h)."""


def sibling(path: Path, suffix: str) -> Path:
    """The database's file of this kind, one of `SIBLINGS`."""
    return path.with_name(path.name + suffix)


def require_file(path: Path) -> None:
    """Raises what says best why `path` is no file that can be read.

    `LinkBroken`, `FileMissing`, `CannotOpen` (no permission) or `FolderGiven`, also for a pipe or a device,
    from which a read might never return.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        raise CannotOpen(path) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if not os.path.islink(path):  # noqa: PTH114 - Path.is_symlink() may raise
            raise errors.FileMissing(path) from error
        goes_round = isinstance(error, OSError) and error.errno == errno.ELOOP
        where = "to itself" if goes_round else f"to {path.readlink()}, where there is nothing"
        raise errors.LinkBroken(path, where) from error
    _require_regular(path, mode)
    if not os.access(path, os.R_OK):
        raise CannotOpen(path)


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
        raise errors.FolderGiven(path, next((kind for of, kind in kinds if of(mode)), "a device"))


def require_content(path: Path) -> int:
    """How many bytes the database has, its log included. Raises the errors of `require_file`, and `EmptyFile`
    where it has none; `FolderGiven` also for what lies in a log's or journal's place, as SQLite reads that.
    """
    require_file(path)
    for suffix in SIBLINGS[1:]:
        beside = sibling(real_path(path), suffix)
        with suppress(FileNotFoundError, PermissionError):
            _require_regular(beside, beside.stat().st_mode)
    size = path.stat().st_size + (size_of(sibling(path, LOG)) or 0)
    if size == 0:
        raise errors.EmptyFile(path)
    return size


def real_path(path: Path) -> Path:
    """Where it lies behind all symbolic links, also where nothing is; of a link that leads to itself, which
    `Path.resolve` raises `RuntimeError` for, as far as it leads.
    """
    return Path(os.path.realpath(path))


def size_of(path: Path) -> int | None:
    """In bytes; None where there is no such file, or it cannot be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def file_id(path: Path) -> FileId | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def born(path: Path) -> str:
    """When the file was made, which a number on its disk that is given again does not tell; empty where the
    system does not say it. Raises `OSError`.
    """
    found = path.stat()
    if sys.platform != "linux":
        return str(getattr(found, "st_birthtime", ""))
    statx = getattr(ctypes.CDLL(None), "statx", None)
    told = ctypes.create_string_buffer(256)  # struct statx: the mask comes first, and the time of birth at 80
    if statx is None or statx(_AT_CWD, os.fsencode(path), 0, _BIRTH, told) != 0:
        return ""
    mask, seconds, nanoseconds = struct.unpack_from("=I76xqI", told)
    return f"{seconds}.{nanoseconds:09}" if mask & _BIRTH else ""


Traces = list[tuple[int, ...] | None]


def traces(*files: Path) -> Traces:
    """What a write of any kind changes of each of the files; None where there is none.

    Of all that, setting the time of the last change leaves ctime as the trace. Opening a log changes that
    too where root runs this: SQLite gives the log to the file's owner, each time (os_unix.c, robustFchown).
    """
    is_root = getattr(os, "geteuid", lambda: None)() == 0
    found: Traces = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append(None)
            continue
        ctime = 0 if is_root and file.name.endswith(LOG) else status.st_ctime_ns
        found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, ctime))
    return found


def require_same(path: Path, opened: FileId | None) -> None:
    """Raises `FileMoved` or `FileReplaced` where it is not the file any more that was opened there."""
    if file_id(path) != opened:
        raise no_longer(path)


def first_bytes(path: Path, size: int) -> bytes:
    """Up to `size` bytes from the start of an existing file, through SQLite's own file layer.

    Closing a plain handle would drop every lock that this process holds on the file (fcntl(2)), those of a
    window's connections among them. Raises `CannotOpen`, and apsw's errors of reading.
    """
    file = layered(path)
    try:
        return file.xRead(min(size, file.xFileSize()), 0)
    finally:
        file.xClose()


def layered(path: Path) -> "apsw.VFSFile | _Plain":
    """The file as SQLite's own file layer opens it, to be read and closed. Raises `CannotOpen`."""
    try:
        return apsw.VFSFile("", str(path), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    except UnicodeEncodeError:  # it takes UTF-8 alone, but for a connection's URI
        return _Plain(path)
    except apsw.CantOpenError as error:
        raise CannotOpen(path) from error


class _Plain:
    """The same of a file whose name is no UTF-8. What has it open stays so, since closing drops locks."""

    _kept: ClassVar[dict[FileId | None, int]] = {}

    def __init__(self, path: Path) -> None:
        try:
            self._file = self._kept.get(of := file_id(path)) or self._kept.setdefault(
                of, os.open(path, os.O_RDONLY)
            )
        except OSError as error:
            raise CannotOpen(path) from error

    def xFileSize(self) -> int:  # noqa: N802
        return os.fstat(self._file).st_size

    def xRead(self, size: int, offset: int) -> bytes:  # noqa: N802
        return os.pread(self._file, size, offset)

    def xClose(self) -> None:  # noqa: N802
        """Nothing is given up."""
