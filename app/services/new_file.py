"""A file that appears under its name whole or not at all, and never in place of another."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from app.services.errors import AlreadyThere, CannotOpen, FileMissing, InvalidInput, translate


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Gives a name, beside `path` and not yet taken, to build a database under.

    When the block ends the file is on the disk, readable by its owner only, and called `path`; when it fails,
    nothing is left. Raises `InvalidInput` (no such folder), `AlreadyThere`, also for a log without its file,
    and the storage errors of what happens within.
    """
    _refuse_leftovers(path)
    with (
        expected_errors(path),
        tempfile.TemporaryDirectory(prefix=".tenant-admin-", dir=path.parent) as folder,
    ):
        building = Path(folder) / path.name
        yield building
        building.chmod(0o600)  # it holds personal data
        with building.open("rb+") as file:
            os.fsync(file.fileno())
        _move_into_place(building, path)


def _refuse_leftovers(path: Path) -> None:
    """A stale `-wal` beside a new file would be folded into it (`hazards.md`, Files)."""
    if not path.parent.is_dir():
        raise InvalidInput("path", f"There is no folder {path.parent}; create it first, or choose another.")
    for suffix in ("", "-wal", "-shm", "-journal"):
        candidate = path.with_name(path.name + suffix)
        if candidate.exists() or candidate.is_symlink():
            raise AlreadyThere(candidate)


def _move_into_place(building: Path, path: Path) -> None:
    # Creating the name exclusively first keeps a file that appeared meanwhile from being replaced.
    try:
        path.open("xb").close()
    except FileExistsError:
        raise AlreadyThere(path) from None
    try:
        building.replace(path)
    except OSError:
        path.unlink()
        raise


@contextmanager
def expected_errors(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a file is made at `path` into the storage errors."""
    try:
        yield
    except (OSError, apsw.Error) as error:
        known = translate(error, path)
        if known is None:
            raise
        # Nothing was there to be found; what is missing is leave to write in the folder.
        raise (CannotOpen(path) if isinstance(known, FileMissing) else known) from error
