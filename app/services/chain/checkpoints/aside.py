"""What a file held before a restore, signed when it was put aside.

A restore keeps the file as it was beside it. Which database that copy is of nobody may be able to tell by
checkpoints: nothing is signed of a copy of one that is where it was. So what was verified of the file just
before is signed by itself, outside of every line, and the way back goes by that. It says nothing else than
that this file held just these entries.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from app import paths
from app.services.chain.checkpoint import Checkpoint, Reason, Seal
from app.services.chain.checkpoints.document import SigningKey
from app.services.chain.checkpoints.signing import signed
from models.errors import InvalidInput

FOLDER: Final = "aside"
_MOST: Final = 20
"""Of one file; those of later restores take the place of the oldest."""


def keep(folder: Path, place: str, seal: Seal, *, entries: int, key: SigningKey, now: int) -> None:
    """Signs what was found of the file in that place. Raises `NotSigned`, `OSError`."""
    there = [*_read(folder, place)]
    made = signed(
        Checkpoint(
            database=_named(place),
            number=max((item.number for item in there), default=0) + 1,
            at=now,
            reason=str(Reason.BEFORE_RESTORE),
            after=seal.after,
            through=seal.through,
            rows_ever=entries,
            tenants=seal.tenants,
            previous=None,
            key=key.public,
        ),
        key,
    )
    paths.keep(_file(folder, place), json.dumps([item.to_json() for item in (*there, made)[-_MOST:]]))


def kept(folder: Path, place: str, keys: frozenset[str]) -> Sequence[Checkpoint]:
    """What was put aside of the file in that place, the newest first, where one of these keys signed it."""
    found = [item for item in _read(folder, place) if item.key in keys and item.signature_holds()]
    return [item for item in found if item.database == _named(place)][::-1]


def _read(folder: Path, place: str) -> Iterator[Checkpoint]:
    with suppress(OSError, ValueError, RecursionError, InvalidInput, TypeError):
        for item in json.loads(paths.content(_file(folder, place))):
            yield Checkpoint.from_json(item)


def _named(place: str) -> str:
    return f"before a restore of {place}"


def _file(folder: Path, place: str) -> Path:
    return folder / FOLDER / f"{sha256(place.encode(errors='surrogateescape')).hexdigest()[:32]}.json"
