"""One archive file: its name, the reference that a prune marker carries, and what a marker claims of it."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app.services.chain.verify.entry import Entry
from models.errors import StorageError

NAME: Final = re.compile(r"audit-[A-Za-z0-9._~%-]*--?[0-9]+--?[0-9]+\.jsonl\.gz")
"""What an archive may be called: a marker that names anything else is not followed."""

_LONGEST: Final = 120
"""Characters of a tenant in a file name, which file systems limit to 255 with the rest."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a marker says of its archive: the file's name in the archive folder, and the bytes' SHA-256."""

    file: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        return {"file": self.file, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Claim:
    """What the prune marker in row `seq` says was removed: `count` entries in `from_seq … to_seq`.

    `archive` is where they are kept, None where they were not. `well_formed` is False where the marker
    says so in a way that retention never does.
    """

    seq: int
    from_seq: int
    to_seq: int
    count: int
    last_hash: str
    archive: Reference | None
    well_formed: bool = True


class ArchiveUnusable(StorageError):
    """The archive cannot be written or read where it is."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The archive folder {folder} cannot be used: {why}. Check that its disk is connected, or choose "
            "another folder."
        )


class ArchiveNotWritten(StorageError):
    """Nothing is removed that is not in the archive first."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The archive folder {folder} cannot be written ({why}); nothing was removed that is not in the "
            "archive. Free some space or choose another folder, then try again."
        )


class ArchiveDiffers(StorageError):
    """An archive of that name holds something else; it is never overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is in the archive folder already and holds other entries, of another database "
            "perhaps; it was not overwritten and its entries were not removed. Choose another folder."
        )


def file_name(tenant: str, from_seq: int, to_seq: int) -> str:
    """`audit-<tenant>-<from>-<to>.jsonl.gz`, the tenant percent-encoded where a file name demands it.

    A name that would be too long is cut and gets a part of its SHA-256.
    """
    safe = quote(tenant, safe="")
    if len(safe) > _LONGEST:
        safe = f"{safe[: _LONGEST - 17]}~{sha256(tenant.encode()).hexdigest()[:16]}"
    return f"audit-{safe}-{from_seq}-{to_seq}.jsonl.gz"


def claim_of(entry: Entry) -> Claim | None:
    """What a row claims, if it is a prune marker that holds."""
    found = entry.marker()
    if found is None:
        return None
    through, last_hash, seq = found
    payload: dict[str, Any] = json.loads(entry.raw["payload"])
    first, count, named = payload.get("fromSeq"), payload.get("count"), payload.get("archive")
    if type(first) is not int or type(count) is not int or not first <= through < seq:
        return Claim(seq, through, through, 0, last_hash, None, well_formed=False)
    if "archive" not in payload:
        return Claim(seq, first, through, count, last_hash, None)
    file, digest = (named.get("file"), named.get("sha256")) if isinstance(named, dict) else (None, None)
    if not isinstance(file, str) or NAME.fullmatch(file) is None or not isinstance(digest, str):
        return Claim(seq, first, through, count, last_hash, None, well_formed=False)
    return Claim(seq, first, through, count, last_hash, Reference(file, digest))
