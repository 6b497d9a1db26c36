"""Opening a file without harm, saying why it is read-only when it is; copying, making or migrating one."""

import os
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from peewee import BaseQuery

from app import paths
from app.services.chain.checkpoints.places import remember_new
from app.services.files.describe import OpenedFile, migrations
from app.services.opened import ASKED, FOREIGN, never_written, tenants
from models import errors
from models.engine import raw, sql_name
from models.files import at_path
from models.files.atomic import new_file, sweep_databases
from models.local import copies, file
from models.local.database import LocalDatabase
from models.local.in_use import in_use_by
from models.local.migrations import Applied, apply, create_database
from models.progress import UNWATCHED, Monitor, share_of
from models.schema import Schema, inspect
from models.tables import TABLES

NEWER = "it is in a newer SQLite format, which this program can read but not write"
UTF_16 = "its text is UTF-16, which D1 never writes and this program only reads"
NO_PERMISSION = "its permissions do not allow writing"
NO_FOLDER_PERMISSION = "its folder cannot be written, and SQLite needs to keep a journal there"
_WRITTEN = b"\2"
"""Byte 18: the newest format that this SQLite writes, with a log (sqlite.org/fileformat2.html, 1.3.3)."""

NOT_KNOWN = "it belongs to a wrangler project, and this system does not tell whether wrangler dev has it open"

NONE_NOW = "another program had it open at first; none has it open now"

_COPIED = 0.7
"""Which share of a copy is done, about, when it is written, and not checked yet."""

_SERVER = "workerd"
"""What has the file of a `wrangler dev` open."""


def open_path(path: Path, *, read_only: bool = False, force_writable: bool = False) -> OpenedFile:
    """Opens a file, or the database in a folder.

    Raises `SeveralDatabases` when a folder holds more than one, and the errors of `open_database`.
    """
    if file.is_project(path):
        from app.services.files.find import find_database  # noqa: PLC0415 - a file is mostly what is given

        path = find_database(path)
    return open_database(path, read_only=read_only, force_writable=force_writable)


def open_database(path: Path, *, read_only: bool = False, force_writable: bool = False) -> OpenedFile:
    """Opens an existing database file, and reads what it holds at that moment.

    A file that another program has open is opened read-only unless `force_writable`. A file that cannot be
    written, or in which something stands in for an expected table, or that is another program's, is opened
    read-only in any case. Nothing is written to a file that is refused. What killed programs have left
    beside it is cleared away. Raises `FileMissing`, `FolderGiven`, `CannotOpen`, `EmptyFile`,
    `NotADatabase`, `SqlDump`, `EncryptedFile`, `NewerFormat`, `DamagedFile`, `LogLeftBehind`, `FileLocked`,
    `NeedsCopy` (`snapshot_copy` makes the copy) and `UnfinishedChange`.
    """
    path = paths.resolved(path)
    sweep_databases(path)
    size = at_path.require_content(path)
    forcible = None if force_writable else _why_wait(path)
    reason = _no_permission(path) or forcible or (ASKED if read_only else None)
    opened, inherent = _look(path, size, reason)
    if reason in (None, ASKED):
        reason = never_written(opened.schema) or inherent or reason
        if reason is not opened.read_only_reason:
            opened, _ = _look(path, size, reason)
    opened.database.on_disk.keeps_log = False
    return replace(opened, can_be_forced=reason is not None and reason is forcible)


def open_by_copy(path: Path, stack: ExitStack) -> OpenedFile:
    """Opens a file only to read it that SQLite cannot read where it is (`NeedsCopy`): a copy, which `stack`
    takes away, is read in its place. Raises the errors of `copies.copy_parts` and of reading.
    """
    from app.services.chain.verify.source import readable  # noqa: PLC0415 - hardly ever needed

    path = paths.resolved(path)
    reason = _no_permission(path) or NO_FOLDER_PERMISSION
    return _look(path, at_path.require_content(path), reason, readable(path, stack))[0]


def put_right(path: Path) -> None:
    """Puts right what a program left in the middle of a change, as SQLite does at any read that may write.
    Raises `FileLocked`.
    """
    file.first_row(path, "SELECT count(*) FROM main.sqlite_master")


def why_not_written(path: Path, *, force: bool = False) -> str | None:
    """Why nothing may be written to an existing file, after "because"; None when it may.

    For an act that replaces what is in the file, whatever that is. `force` as in `open_database`.
    """
    path = paths.resolved(path)
    return _no_permission(path) or (None if force else _why_wait(path))


def why_not_now(path: Path) -> str:
    """Why a file that waits for a person's wish to be written to, `can_be_forced`, does so now, after
    "because": who had it open when it was opened may have ended since, and another one come.
    """
    return _why_wait(paths.resolved(path)) or NONE_NOW


def why_not_beside(path: Path) -> str | None:
    """Why not even short transactions may write to an existing file, after "because"; None when they may.

    Beside a `wrangler dev` alone: a lock can stop it, where other programs wait. Raises as `require_file`.
    """
    path = paths.resolved(path)
    at_path.require_file(path)
    used_by = in_use_by(path)
    if used_by is not None and _SERVER in used_by:
        return f"{used_by} has it open, and a lock can stop the server"
    return NOT_KNOWN if used_by is None and file.may_be_unseen(path) else None


def snapshot_copy(path: Path, target: Path, monitor: Monitor = UNWATCHED) -> Path:
    """Writes what the database at `path` holds, its log included, to the new single file `target`.

    Where SQLite can read the file, this is its own backup in one step; where it cannot (a write-ahead log
    in a folder that cannot be written, a change left unfinished) the parts are copied and folded together in
    the copy. The source is only read. Raises the errors of `new_file`, `DamagedFile` (what it holds failed
    SQLite's integrity check), `FileLocked` (the file kept changing), `Cancelled` and the errors of opening;
    nothing is left at `target` then.
    """
    path = paths.resolved(path)
    at_path.require_content(path)
    first = UNWATCHED if monitor is UNWATCHED else share_of(monitor, 0, _COPIED)
    with new_file(target) as building:
        try:
            source = LocalDatabase(path, read_only=True)
            with source.expected_errors(), source.connection_context():
                copies.back_up(source.connection(), building, first)
        except (errors.NeedsCopy, errors.UnfinishedChange, errors.CannotOpen):
            copies.copy_parts(path, building)
        try:
            fold(building, monitor)
        except errors.DamagedFile as error:
            raise errors.DamagedFile(path) from error
    remember_new(target)
    return target


def create(path: Path, *, now: int) -> Path:
    """Makes a new, empty file with every migration applied; never over an existing one."""
    create_database(path, paths.migrations_dir(), now=now)
    remember_new(path, unrelated=True)
    return path


def migrate(path: Path, *, now: int) -> Applied:
    """Applies what is pending, or creates the file with everything applied when it is not there.

    Raises `NotAllowed` of another program's file, `MigrationError` and the storage errors, which say what
    became of the file.
    """
    folder = paths.migrations_dir()
    if os.path.lexists(path):  # a link that leads nowhere is said to be one
        _require_own(paths.resolved(path))
        return apply(paths.resolved(path), folder, now=now)
    applied = create_database(path, folder, now=now)
    remember_new(path, unrelated=True)
    return applied


def _require_own(path: Path) -> None:
    """What another program left in the middle of a change is put right in a copy, not in its place."""
    from app.services.chain.verify.source import readable  # noqa: PLC0415 - as for a copy

    is_foreign = False
    with ExitStack() as stack:
        file_or_copy = readable(path, stack)
        database = LocalDatabase(file_or_copy, read_only=file_or_copy == path)
        with (
            suppress(errors.NeedsCopy, errors.CannotOpen),  # told by who opens it next
            database.expected_errors(),
            database.connection_context(),
        ):
            is_foreign = inspect(database).foreign
    if is_foreign:
        raise errors.NotAllowed(
            f"{path.name} was not migrated, because {FOREIGN}. To make a new database, name a file that is "
            "not there yet."
        )


def fold(target: Path, monitor: Monitor = UNWATCHED) -> None:
    """Brings the log into the file, so that the one file is the whole database, and proves it sound."""
    copy = LocalDatabase(target)
    with copy.expected_errors(), copy.connection_context(), copy.cancellable(monitor.cancelled):
        connection = copy.connection()
        connection.pragma("journal_mode", "delete")
        if not file.is_sound(connection):
            raise errors.DamagedFile(target)


def _why_wait(path: Path) -> str | None:
    """The reason that a person may overrule."""
    if used_by := in_use_by(path):
        return f"{used_by} has it open"
    return NOT_KNOWN if file.may_be_unseen(path) else None


def _no_permission(path: Path) -> str | None:
    """Asked before opening: SQLite would fall back to reading without a word."""
    if not os.access(path, os.W_OK):
        return NO_PERMISSION
    if not os.access(path.parent, os.W_OK):
        return NO_FOLDER_PERMISSION
    return None


def _look(
    path: Path, size: int, reason: str | None, copy: Path | None = None
) -> tuple[OpenedFile, str | None]:
    """The file as it opens, or what is read in its place, and why nothing can be written to one like it."""
    database = LocalDatabase(path, read_only=reason is not None, copy=copy)
    database.on_disk.keeps_log = True
    try:
        with database.connection_context(), database.snapshot():
            schema = inspect(database)
            database.read_batch(_ends(schema))
            opened = OpenedFile(
                database=database,
                schema=schema,
                tenants=tenants(database),
                migrations=migrations(database),
                read_only_reason=reason,
                journal_mode=str(database.connection().pragma("journal_mode")),
                size=size,
            )
            if at_path.first_bytes(path, 19)[18:] > _WRITTEN or (
                reason is None and database.connection().readonly("main")
            ):
                return opened, NEWER
            return opened, None if database.connection().pragma("encoding") == "UTF-8" else UTF_16
    except errors.NotADatabase as error:
        raise file.diagnose(path) from error
    except errors.DamagedFile as error:
        if at_path.size_of(at_path.sibling(path, at_path.LOG)):
            raise errors.DamagedWithLog(path) from error
        raise
    except errors.CannotOpen as error:
        # SQLite could read it, but cannot make the shared memory beside it, or the log.
        if os.access(path, os.R_OK) and at_path.first_bytes(path, 19)[18:] == _WRITTEN:
            raise errors.NeedsCopy(path) from error
        raise


def _ends(schema: Schema) -> list[BaseQuery]:
    """Reads of one cell at both ends of each table, which find a file that lost whole pages.

    Only the page structure is touched: a record of unreadable text must not keep the file from opening.
    """
    keys: list[tuple[str, Any]] = [(model._meta.table_name, model._meta.primary_key) for model in TABLES]
    # As text: Peewee takes 1 ms to write them, and no file is shown before.
    return [
        raw(f"SELECT 1 FROM {sql_name(table)} ORDER BY {sql_name(key.column_name)} {way} LIMIT 1")  # noqa: S608
        for table, key in keys
        if key.column_name in schema.columns.get(table, ())
        for way in ("ASC", "DESC")
    ]
