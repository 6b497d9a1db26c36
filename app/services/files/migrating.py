"""Bringing a file up to this program's own migrations, for whoever asks: a command or the window."""

from pathlib import Path

from app import paths
from models.local.migrations import Applied, apply, create_database


def migrate(path: Path, *, now: int) -> Applied:
    """Applies what is pending, or creates the file with everything applied when it is not there.

    Raises `MigrationError` and the storage errors, which say what became of the file.
    """
    folder = paths.migrations_dir()
    return apply(path, folder, now=now) if paths.exists(path) else create_database(path, folder, now=now)


def create(path: Path, *, now: int) -> Path:
    """Makes a new, empty file with every migration applied; never over an existing one."""
    create_database(path, paths.migrations_dir(), now=now)
    return path
