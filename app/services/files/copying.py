"""A copy of a file that cannot be opened where it is."""

from pathlib import Path

from app import paths
from models.errors import CannotOpen, DamagedFile, NeedsCopy, UnfinishedChange
from models.local import copies
from models.local.atomic import new_file
from models.local.database import LocalDatabase


def snapshot_copy(path: Path, target: Path) -> Path:
    """Writes what the database at `path` holds, its log included, to the new single file `target`.

    Where SQLite can read the file, this is its own backup in one step; where it cannot (a write-ahead log
    in a folder that cannot be written, a change left unfinished) the parts are copied and folded together in
    the copy. The source is only read. Raises the errors of `new_file`, `DamagedFile` (the copy failed
    SQLite's integrity check), `FileLocked` (the file kept changing) and the errors of opening; nothing is
    left at `target` then.
    """
    path = paths.resolved(path)
    with new_file(target) as building:
        try:
            _back_up(path, building)
        except (NeedsCopy, UnfinishedChange, CannotOpen):
            copies.copy_parts(path, building)
        _fold(building)
    return target


def _back_up(path: Path, target: Path) -> None:
    source = LocalDatabase(path, read_only=True)
    with source.expected_errors(), source.connection_context():
        copies.back_up(source.connection(), target)


def _fold(target: Path) -> None:
    """Brings the log into the file, so that the one file is the whole database, and proves it sound."""
    copy = LocalDatabase(target)
    with copy.expected_errors(), copy.connection_context():
        connection = copy.connection()
        connection.pragma("journal_mode", "delete")
        if connection.pragma("integrity_check") != "ok":
            raise DamagedFile(target)
