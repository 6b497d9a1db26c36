"""What a restore has put aside: the file as it was, byte by byte.

Which database that copy is of nobody may be able to tell by checkpoints: nothing is signed of a copy of one
that is where it was. So what was put aside of a file that was verified just before is signed by itself,
outside of every line, and goes by that when it is to come back. It says nothing else than that this program
made just this copy of the file in that place, and which checkpoint was made of what the file has held since.
"""

import hashlib  # whose other parts are loaded when they are asked for (`app.seldom`)
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from app import paths
from app.services.chain.checkpoints.document import SigningKey

FOLDER: Final = "aside"
_MOST: Final = 20
"""Of one file; those of later restores take the place of the oldest."""


@dataclass(frozen=True, slots=True)
class PutAside:
    """That the copy whose bytes are `hashed` was made of the file in that `place`, and that the checkpoint
    with the hash `behind` was made of what the file has held since.
    """

    place: str
    hashed: str
    behind: str
    at: int
    key: str
    signature: str = ""

    def signed(self, key: SigningKey) -> "PutAside":
        return replace(self, signature=key.private.sign(self._signed()).hex())

    def is_of(self, place: str, keys: frozenset[str]) -> bool:
        """Whether one of the keys signed it of the file there."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to load
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        if self.place != place or self.key not in keys:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), self._signed())
        except (InvalidSignature, TypeError, ValueError):
            return False
        return True

    def _signed(self) -> bytes:
        return json.dumps(["put aside", asdict(replace(self, signature=""))], sort_keys=True).encode()


def digest_of(file: Path) -> str:
    """SHA-256 of its bytes. Raises `OSError`."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def keep(folder: Path, made: PutAside) -> None:
    """Beside all that is kept, be it such that this program cannot read it. The caller keeps others from
    writing. Raises `OSError`.
    """
    there = [*_items(folder, made.place), asdict(made)]
    paths.keep(_file(folder, made.place), json.dumps(there[-_MOST:]))


def kept(folder: Path, place: str) -> Sequence[PutAside]:
    """What is kept of the file in that place, the newest first; who signed it is another question."""
    found: list[PutAside] = []
    for item in reversed(_items(folder, place)):
        with suppress(TypeError):  # another program's, perhaps; it takes nothing else along
            made = PutAside(**item)
            hash(made)  # raises of what is neither text nor number
            found.append(made)
    return found


def _items(folder: Path, place: str) -> list[Any]:
    with suppress(OSError, ValueError, RecursionError):
        items = json.loads(paths.content(_file(folder, place)))
        return items if isinstance(items, list) else []
    return []


def _file(folder: Path, place: str) -> Path:
    return folder / FOLDER / f"{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:32]}.json"
