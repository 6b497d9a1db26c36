"""What the last verification of a file said, kept beside the checkpoints from one start to the next.

It proves nothing and is not signed: it is what a person is told of a file before it is verified again.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from app import paths
from app.services.chain.reading import Where, location_of
from app.services.chain.rules import SOUND, Verdict
from models.errors import StorageError
from models.local import atomic

FOLDER: Final = "verdicts"


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """`verdict` of all entries up to seq `through`, found `at` this time on behalf of `by`.

    `entries` are those that were looked at; `errors` and `warnings` were found. `since` is the number of the
    checkpoint from which on that was; None where the file was verified whole, which it last was at
    `whole_at` (None: it is not known).
    """

    verdict: Verdict
    at: int
    by: str
    entries: int
    errors: int
    warnings: int
    through: int
    since: int | None = None
    whole_at: int | None = None

    @property
    def intact(self) -> bool:
        return self.verdict in SOUND


def keep(folder: Path, where: Where, said: KeptVerdict) -> None:
    """Remembers it of the database, where that can be written: a verdict does not fail for it."""
    with suppress(OSError, StorageError):
        if paths.NO_HOME in folder.parents:
            return
        paths.make_private(folder / FOLDER)
        atomic.write(_place(folder, where), json.dumps({"file": location_of(where)[1], **asdict(said)}))


def withdraw(folder: Path, where: Where) -> None:
    """Keeps nothing of it any more."""
    with suppress(OSError):
        _place(folder, where).unlink()


def kept(folder: Path, where: Where) -> KeptVerdict | None:
    """What was said of this very file; None where nothing was, or where another is in its place."""
    try:
        stored = json.loads(_place(folder, where).read_bytes())
        if stored.pop("file") != location_of(where)[1]:
            return None
        said = KeptVerdict(**stored | {"verdict": Verdict(stored["verdict"])})
        found = (said.entries, said.errors, said.warnings, said.through)
        numbers = (said.at, *found, said.since or 0, said.whole_at or 0)
        return said if {type(number) for number in numbers} == {int} and isinstance(said.by, str) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _place(folder: Path, where: Where) -> Path:
    return folder / FOLDER / f"{sha256(location_of(where)[0].encode()).hexdigest()[:32]}.json"
