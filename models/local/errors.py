"""Which expected failure stands behind what SQLite, Peewee around it or the system raises of a file."""

import errno
import os
import re
from pathlib import Path

import apsw

from models.errors import (
    AlreadyExists,
    CannotOpen,
    ColumnMissing,
    DamagedFile,
    DiskFailure,
    DiskFull,
    FileLocked,
    FileMissing,
    HeadMoved,
    NeedsCopy,
    NewerFormat,
    NotADatabase,
    ReadOnlyFile,
    Refused,
    StorageError,
    TableMissing,
    UndecodableText,
    UnfinishedChange,
)


def translate(error: BaseException, path: Path) -> StorageError | None:
    """The expected failure that `error` (of apsw, of Peewee around apsw, of the system) stands for.

    None means that it is a bug and should travel on as it is.
    """
    if isinstance(error, StorageError):
        return error
    cause = getattr(error, "orig", error)  # where Peewee keeps what it wraps
    match cause:
        case apsw.BusyError() | apsw.LockedError() | apsw.ProtocolError():
            return FileLocked(path)
        case apsw.ReadOnlyError():
            return _read_only(cause, path)
        case apsw.PermissionsError():
            return ReadOnlyFile(path)
        case apsw.NotADBError():
            return NotADatabase(path)
        case UnicodeDecodeError():
            return UndecodableText(path)
        case apsw.CorruptError() | apsw.FormatError():
            return DamagedFile(path)
        case apsw.FullError():
            return DiskFull(path)
        case PermissionError():
            return CannotOpen(path)
        case FileNotFoundError() | NotADirectoryError():
            return FileMissing(path)
        case apsw.CantOpenError():
            return CannotOpen(path) if os.path.lexists(path) else FileMissing(path)
        case OSError() if cause.errno == errno.ENOSPC:
            return DiskFull(path)
        case apsw.IOError() | OSError():
            return DiskFailure(path)
        case apsw.ConstraintError():
            return _constraint(str(cause))
        case apsw.SQLError():
            return _sql_error(str(cause), path)
    return None


def _read_only(error: apsw.ReadOnlyError, path: Path) -> StorageError:
    match getattr(error, "extendedresult", 0):
        case apsw.SQLITE_READONLY_ROLLBACK:
            return UnfinishedChange(path)
        case apsw.SQLITE_READONLY_DIRECTORY | apsw.SQLITE_READONLY_RECOVERY | apsw.SQLITE_READONLY_CANTINIT:
            return NeedsCopy(path)
        case apsw.SQLITE_READONLY_DBMOVED:
            return FileMissing(path)
    return ReadOnlyFile(path)


def _constraint(message: str) -> StorageError:
    """SQLite's message names tables, columns and rules, never values."""
    if message.endswith("NOT NULL constraint failed: audit_chain.previous_hash"):
        return HeadMoved()
    if "UNIQUE constraint failed" in message:
        return AlreadyExists()
    return Refused(message)


def _sql_error(message: str, path: Path) -> StorageError | None:
    if message.endswith("unsupported file format"):
        return NewerFormat(path)
    if found := re.search(r"no such table: (main\.)?(.+)", message):
        from models.schema import expected_columns  # noqa: PLC0415 - a child that verifies needs no models

        if found[1] and found[2] not in expected_columns():  # so SQLite names what a foreign key refers to
            return Refused(f"a foreign key refers to a table {found[2]}, which is not there")
        return TableMissing(found[2])
    if found := re.search(r"no such column: (?:t\d+\.)?(.+)", message):
        return ColumnMissing(found[1])
    if message.startswith("foreign key mismatch"):
        return Refused(message)
    if found := re.search(r"table (.+) has no column named (.+)", message):
        return ColumnMissing(f"{found[1]}.{found[2]}")
    return None
