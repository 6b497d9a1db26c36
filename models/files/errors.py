"""Which expected failure stands behind what SQLite, Peewee around it or the system raises of a file."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from models import errors
from models.errors import StorageError
from models.refusals import constraint, sql_error


def no_longer(path: Path) -> errors.FileMoved:
    """What became of the file that was opened at `path` and is not there any more."""
    return errors.FileReplaced(path) if os.path.lexists(path) else errors.FileMoved(path)


_Kind = type[BaseException] | tuple[type[BaseException], ...]

_OF_A_FILE: Final[tuple[tuple[_Kind, Callable[[Path], StorageError]], ...]] = (
    ((apsw.BusyError, apsw.LockedError, apsw.ProtocolError), errors.FileLocked),
    (apsw.PermissionsError, errors.ReadOnlyFile),
    (apsw.NotADBError, errors.NotADatabase),
    (UnicodeDecodeError, errors.UndecodableText),
    ((apsw.CorruptError, apsw.FormatError), errors.DamagedFile),
    ((apsw.NoMemError, MemoryError), errors.OutOfMemory),
    (apsw.TooBigError, errors.TooLongForSql),
    (PermissionError, errors.CannotOpen),
    (IsADirectoryError, errors.FolderGiven),
    ((FileNotFoundError, NotADirectoryError), errors.FileMissing),
    ((apsw.IOError, OSError), errors.DiskFailure),
)
"""The first that fits; what needs a closer look is looked at before (`translate`)."""

_READ_ONLY: Final[dict[int, Callable[[Path], StorageError]]] = {
    apsw.SQLITE_READONLY_ROLLBACK: errors.UnfinishedChange,
    apsw.SQLITE_READONLY_DIRECTORY: errors.NeedsCopy,
    apsw.SQLITE_READONLY_RECOVERY: errors.NeedsCopy,
    apsw.SQLITE_READONLY_CANTINIT: errors.NeedsCopy,
    apsw.SQLITE_READONLY_DBMOVED: no_longer,
}
_WRITING: Final = frozenset(
    (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMMAP)
)
"""How SQLite fails to write what belongs to a file, its shared memory too, for whatever reason."""

_ROOM: Final = 65_536
"""Free bytes below which a disk is as good as full: shared memory alone takes 32,768."""


def translate(error: BaseException, path: Path) -> StorageError | None:
    """The expected failure that `error` (of apsw, of Peewee around apsw, of the system) stands for.

    None means that it is a bug and should travel on as it is.
    """
    if isinstance(error, StorageError):
        return error
    cause = getattr(error, "orig", error)  # where Peewee keeps what it wraps
    match cause:
        case apsw.ReadOnlyError():
            return _READ_ONLY.get(getattr(cause, "extendedresult", 0), errors.ReadOnlyFile)(path)
        case apsw.CantOpenError():
            return errors.CannotOpen(path) if os.path.lexists(path) else errors.FileMissing(path)
        case apsw.FullError():
            return _without_room(path)
        case OSError() if cause.errno in (errno.EROFS, errno.ENAMETOOLONG):
            return errors.CannotOpen(path)
        case OSError() if cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return errors.DiskFull(path)
        case OSError() if cause.errno == errno.EFBIG:
            return errors.FileTooLarge(path, _limit(path))
        case apsw.IOError() if getattr(cause, "extendedresult", 0) == apsw.SQLITE_IOERR_SHORT_READ:
            return errors.LogMissing(path)  # of the file itself SQLite takes what is missing as zeros
        case apsw.IOError() if getattr(cause, "extendedresult", 0) in _WRITING and is_full(path.parent):
            return errors.DiskFull(path)
        case apsw.IOError() if getattr(cause, "extendedresult", 0) in _WRITING and (limit := _limit(path)):
            return errors.FileTooLarge(path, limit)
        case apsw.ConstraintError():
            return constraint(str(cause))
        case apsw.SQLError() | apsw.MismatchError():
            if str(cause).endswith("unsupported file format"):
                return errors.NewerFormat(path)
            return sql_error(str(cause))
    return next((said(path) for kind, said in _OF_A_FILE if isinstance(cause, kind)), None)


def _size_of_disk(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).total
    except OSError:
        return sys.maxsize


def is_full(folder: Path) -> bool:
    """Whether its disk has no room worth the name, as far as that can be told."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


def temporary_folder() -> Path:
    """Where SQLite keeps what it sorts, and what it may have to undo of a statement."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir())
    named = (os.environ.get(name, "") for name in ("SQLITE_TMPDIR", "TMPDIR"))
    folders = [*filter(None, named), "/var/tmp", "/usr/tmp", "/tmp"]  # noqa: S108 (SQLite's own list)
    return Path(next((one for one in folders if os.access(f"{one}/.", os.W_OK | os.X_OK)), "."))


def _without_room(path: Path) -> errors.DiskFull:
    """Which disk is full: that of temporary files, where the file's is another and has room. Where both have
    by now, either may have been: what was sorted is gone when the error comes.
    """
    temporary = temporary_folder()
    try:
        is_other = path.parent.stat().st_dev != temporary.stat().st_dev
    except OSError:
        is_other = False
    if not is_other or is_full(path.parent):
        return errors.DiskFull(path)
    return errors.TemporaryFull(temporary) if is_full(temporary) else errors.DiskFull(path, temporary)


def _limit(path: Path) -> str | None:
    """How large this process may make a file; None where nothing but the disk limits it."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Windows has none

    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return (
        None
        if most == resource.RLIM_INFINITY or most > _size_of_disk(path)
        else f"the {most:,} bytes that a file may have here (ulimit -f)"
    )
