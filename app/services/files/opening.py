"""Opening a file without harm, and saying why it is read-only when it is."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peewee import Value

from app.services.errors import (
    CannotOpen,
    EmptyFile,
    FileMissing,
    FolderGiven,
    NeedsCopy,
    NotADatabase,
)
from app.services.files.diagnose import diagnose
from models.local.database import LocalDatabase
from models.local.file_use import detectable, holders, said
from models.schema import Schema, inspect
from models.tables import TABLES

ASKED = "it was opened read-only"
NEWER = "it is in a newer SQLite format, which this program can read but not write"
NO_PERMISSION = "its permissions do not allow writing"
NO_FOLDER_PERMISSION = "its folder cannot be written, and SQLite needs to keep a journal there"
NOT_KNOWN = "it belongs to a wrangler project, and this system does not tell whether wrangler dev has it open"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that can be read, and all that a person should know about it.

    `size` is in bytes, its write-ahead log included. `read_only_reason` reads after "because"; it is None
    exactly when the file can be written. `can_be_forced` says that `force_writable=True` would help.
    `in_use_by` names other programs that have the file open ("workerd (pid 123)"), as far as the system
    tells (`models.local.file_use.holders`). The database holds no connection yet.
    """

    database: LocalDatabase
    schema: Schema
    read_only: bool
    read_only_reason: str | None
    can_be_forced: bool
    journal_mode: str
    size: int
    in_use_by: str | None

    @property
    def path(self) -> Path:
        return self.database.path


def open_database(path: Path, *, read_only: bool = False, force_writable: bool = False) -> OpenedFile:
    """Opens an existing database file; a folder goes through `discovery.find_database` first.

    A file that another program has open is opened read-only unless `force_writable`. A file that cannot be
    written, or in which something stands in for an expected table, is opened read-only in any case. Nothing
    is written to a file that is refused. Raises `FileMissing`, `FolderGiven`, `CannotOpen`, `EmptyFile`,
    `NotADatabase`, `SqlDump`, `EncryptedFile`, `NewerFormat`, `DamagedFile`, `FileLocked`, `NeedsCopy`
    (`snapshots.snapshot_copy` makes the copy) and `UnfinishedChange`.
    """
    size = _size(path)
    in_use_by = said(holders(path))
    forcible = None if force_writable else _why_wait(path, in_use_by)
    reason = _no_permission(path) or forcible or (ASKED if read_only else None)
    opened, writable = _look(path, size, in_use_by, reason)
    if reason in (None, ASKED):
        reason = _stands_in(opened.schema) or reason or (None if writable else NEWER)
        if reason is not opened.read_only_reason:
            opened, _ = _look(path, size, in_use_by, reason)
    return replace(opened, can_be_forced=reason is not None and reason is forcible)


def outside_changes(database: LocalDatabase) -> int:
    """SQLite's `data_version` as this thread's connection sees it.

    It changes when another connection, of this or another program, has committed. Only values read through
    the same connection can be compared; the writer's own connection does not count its own commits.
    """
    with database.expected_errors():
        return int(database.connection().pragma("data_version"))


def why_not_written(path: Path, *, force: bool = False) -> str | None:
    """Why nothing may be written to an existing file, after "because"; None when it may.

    For an act that replaces what is in the file, whatever that is. `force` as in `open_database`.
    """
    return _no_permission(path) or (None if force else _why_wait(path, said(holders(path))))


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except PermissionError:
        raise CannotOpen(path) from None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        raise FileMissing(path) from None
    if not stat.S_ISREG(found.st_mode):
        raise FolderGiven(path)
    log = 0
    with suppress(OSError):
        log = _log(path).stat().st_size
    if found.st_size + log == 0:
        raise EmptyFile(path)
    return found.st_size + log


def _why_wait(path: Path, in_use_by: str | None) -> str | None:
    """The reason that a person may overrule."""
    if in_use_by:
        return f"{in_use_by} has it open"
    if not detectable() and ".wrangler" in path.resolve().parts:
        return NOT_KNOWN
    return None


def _no_permission(path: Path) -> str | None:
    """Asked before opening: SQLite would fall back to reading without a word."""
    if not os.access(path, os.W_OK):
        return NO_PERMISSION
    if not os.access(path.resolve().parent, os.W_OK):
        return NO_FOLDER_PERMISSION
    return None


def _stands_in(schema: Schema) -> str | None:
    if not schema.impostors:
        return None
    return f"it holds {', '.join(schema.impostors)}, which could change what a write means"


def _look(path: Path, size: int, in_use_by: str | None, reason: str | None) -> tuple[OpenedFile, bool]:
    """The file as it opens, and whether SQLite would write it."""
    database = LocalDatabase(path, read_only=reason is not None)
    try:
        with database.expected_errors(), database.connection_context():
            connection = database.connection()
            opened = OpenedFile(
                database=database,
                schema=inspect(database),
                read_only=reason is not None,
                read_only_reason=reason,
                can_be_forced=False,
                journal_mode=str(connection.pragma("journal_mode")),
                size=size,
                in_use_by=in_use_by,
            )
            _touch_tables(database, opened.schema)
            return opened, not connection.readonly("main")
    except NotADatabase as error:
        raise diagnose(path) from error
    except CannotOpen as error:
        # A log is there that SQLite can read, but not the shared memory it wants to make beside it.
        if os.access(path, os.R_OK) and os.access(_log(path), os.R_OK):
            raise NeedsCopy(path) from error
        raise


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _touch_tables(database: LocalDatabase, schema: Schema) -> None:
    """Reads one cell at both ends of each table, which finds a file that lost whole pages.

    Only the page structure is touched: a record of unreadable text must not keep the file from opening.
    """
    for model in TABLES:
        key: Any = model._meta.primary_key
        if key.column_name in schema.columns.get(model._meta.table_name, ()):
            for order in (key.asc(), key.desc()):
                database.rows(model.select(Value(1)).order_by(order).limit(1).tuples())
