"""One archive file: its name, and what may go wrong with it."""

from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

from models.errors import StorageError

_LONGEST: Final = 120
"""Characters of a tenant in a file name, which file systems limit to 255 with the rest."""


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
