"""That a run began, kept on this computer until it has ended: a process that is killed says nothing more.

Whoever carries out a run notes it, the window and the command alike; what says when it last ran reads that.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from app import paths
from models.errors import FileOrName


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that began `at` this time, in epoch seconds, and has not ended, as far as is known; or that was
    stopped where the database was `closed`.
    """

    at: int
    closed: bool = False


def find(database: FileOrName) -> Begun | None:
    """What is noted of a file, or of a live database by its identity; None where each run has ended."""
    with suppress(OSError, ValueError, TypeError):
        found = Begun(**json.loads(paths.content(_note(database))))
        if type(found.at) is int:
            return found
    return None


@contextmanager
def noted(database: FileOrName, at: int) -> Iterator[None]:
    """Within it a run is noted, and after it where the process is interrupted, or the database was closed.
    Whoever plans it as a part of it has noted it already, and knows whether the database was closed since.
    """
    found = find(database)
    if found is None or found.at != at:
        _write(database, Begun(at))
    try:
        yield
    except Exception:  # of which a person hears
        _ended(database)
        raise
    _ended(database)


def close(database: FileOrName) -> None:
    """Notes that the run under way, if there is one, is stopped since the database is closed."""
    found = find(database)
    if found is not None:
        _write(database, Begun(found.at, closed=True))


def forget(database: FileOrName) -> None:
    with suppress(OSError):
        _note(database).unlink()


def _ended(database: FileOrName) -> None:
    found = find(database)
    if found is None or not found.closed:
        forget(database)


def _write(database: FileOrName, begun: Begun) -> None:
    note = _note(database)
    with suppress(OSError):  # a run does not fail for it
        if paths.NO_HOME not in note.parents:
            paths.make_private(note.parent)
            note.write_text(json.dumps(asdict(begun)))


def _note(database: FileOrName) -> Path:
    name = str(database.absolute()) if isinstance(database, Path) else database
    digest = sha256(name.encode(errors="surrogateescape")).hexdigest()
    return paths.state_dir() / "retention" / f"{digest[:32]}.json"
