"""What can go wrong with a file, each said as one sentence that tells what to do.

Everything here is expected: it reaches a person as `str(error)` and never as a traceback.
"""

from pathlib import Path

import apsw


class TenantAdminError(Exception):
    """An expected failure; `str()` is a sentence for a person."""


class StorageError(TenantAdminError):
    """The file cannot serve what was asked of it."""


class FileMissing(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no file at {path}; check the path, or create a new database.")


class NotADatabase(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is not a SQLite database; choose another file.")


class DamagedFile(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is damaged and parts of it cannot be read; "
            "restore it from a copy, or save what can be read."
        )


class FileLocked(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is in use by another program that is writing to it; nothing was changed. "
            "Try again in a moment, or stop that program."
        )


class ReadOnlyFile(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is open read-only; nothing was changed.")


class CannotOpen(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} cannot be opened: its folder or the file does not allow it. "
            "Check the permissions, or open a copy of it elsewhere."
        )


class DiskFull(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The disk that holds {path.name} is full; nothing was changed. Free some space and try again."
        )


class TableMissing(StorageError):
    def __init__(self, table: str) -> None:
        super().__init__(f"This file has no table {table}; apply the migrations to add it.")


class HeadMoved(StorageError):
    """Somebody else appended to the chain between reading its head and writing; the caller tries again."""

    def __init__(self) -> None:
        super().__init__(
            "The audit chain was being written by others all the time; nothing was changed. Try again."
        )


class RowChanged(StorageError):
    """A statement met other rows than it was made for; the whole batch was rolled back."""

    def __init__(self) -> None:
        super().__init__(
            "The record was changed or removed by somebody else in the meantime; nothing was changed. "
            "Look at it again, then repeat the action."
        )


class AlreadyExists(StorageError):
    def __init__(self) -> None:
        super().__init__("A record with this id already exists; nothing was changed.")


def translate(error: BaseException, path: Path) -> StorageError | None:
    """The expected failure that `error` (of apsw, of Peewee around apsw, or of decoding) stands for.

    None means that it is a bug and should travel on as it is.
    """
    if isinstance(error, StorageError):
        return error
    cause = next((arg for arg in error.args if isinstance(arg, BaseException)), error)
    match cause:
        case apsw.BusyError() | apsw.LockedError():
            return FileLocked(path)
        case apsw.ReadOnlyError() | apsw.PermissionsError():
            return ReadOnlyFile(path)
        case apsw.NotADBError():
            return NotADatabase(path)
        case apsw.CorruptError() | UnicodeDecodeError() | apsw.FormatError():
            return DamagedFile(path)
        case apsw.FullError():
            return DiskFull(path)
        case apsw.CantOpenError():
            return CannotOpen(path) if path.exists() else FileMissing(path)
        case apsw.IOError():
            return CannotOpen(path)
        case apsw.ConstraintError() if "NOT NULL constraint failed: audit_chain.previous_hash" in str(cause):
            return HeadMoved()
        case apsw.ConstraintError() if "UNIQUE constraint failed" in str(cause):
            return AlreadyExists()
        case apsw.SQLError() if "no such table: " in str(cause):
            return TableMissing(str(cause).rpartition("no such table: ")[2].removeprefix("main."))
    return None
