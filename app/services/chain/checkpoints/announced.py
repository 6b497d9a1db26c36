"""The checkpoint of a restore, kept from before its commit until the file is seen to hold what it says.

A restore that was killed behind its commit is known again by it. It counts for nothing before: the store
takes it up when it finds that the file holds every entry that it ends with, the restore's own one among them.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from app import paths
from app.services.chain.checkpoint import Checkpoint
from models.errors import InvalidInput
from models.local import atomic

FOLDER: Final = "announced"


def announce(folder: Path, checkpoint: Checkpoint) -> None:
    """Keeps it, in place of what was announced of its database before. Raises `OSError`."""
    paths.make_private(folder / FOLDER)
    atomic.write(_place(folder, checkpoint), json.dumps(checkpoint.to_json()))


def announced(folder: Path) -> Iterator[Checkpoint]:
    """All that can be read; who signed them is another question."""
    for place in sorted((folder / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, RecursionError, InvalidInput):
            yield Checkpoint.from_json(json.loads(paths.content(place)))


def forget(folder: Path, checkpoint: Checkpoint) -> None:
    """For what was taken up, or can be no more."""
    with suppress(OSError):
        _place(folder, checkpoint).unlink()


def _place(folder: Path, checkpoint: Checkpoint) -> Path:
    return folder / FOLDER / f"{checkpoint.database}.json"
