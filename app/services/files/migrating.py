"""Bringing a file's schema up to date, for whoever asks: a command or the window."""

from dataclasses import dataclass
from pathlib import Path

from models.local import migrations
from models.local.database import LocalDatabase
from models.local.migrations import MigrationStatus

__all__ = ["Migrated", "MigrationStatus", "create_database", "create_migration", "migrate", "status"]


@dataclass(frozen=True, slots=True)
class Migrated:
    """Names of the migrations that ran or were recorded, and the copy of the file as it was before."""

    applied: tuple[str, ...]
    backup: Path | None


def migrate(path: Path, folder: Path, *, now: int) -> Migrated:
    """Applies what is pending, or creates the file with everything applied when it is not there.

    Raises `MigrationError` and the storage errors; the file is then as it was.
    """
    if path.exists():
        done = migrations.apply(path, folder, now=now)
    else:
        done = migrations.create_database(path, folder, now=now)
    return Migrated((*done.names, *done.recorded), done.backup)


def create_database(path: Path, folder: Path, *, now: int) -> Path:
    """A new, empty file with every migration applied; never over an existing one."""
    migrations.create_database(path, folder, now=now)
    return path


def create_migration(folder: Path, description: str, *, now: int) -> Path:
    """Writes the next numbered, empty migration. Raises `MigrationError`."""
    return migrations.create(folder, description, now=now)


def status(database: LocalDatabase, folder: Path) -> MigrationStatus:
    """Which migrations ran, which are pending, and which the file names but the folder lacks."""
    return migrations.status(database, folder)
