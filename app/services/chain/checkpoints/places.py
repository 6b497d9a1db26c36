"""What is known of the place in which a database file was just made."""

from contextlib import suppress
from pathlib import Path

from app import paths
from models.engine import Database
from models.errors import TenantAdminError


def remember_new(path: Path, *, unrelated: bool = False, of: Database | None = None) -> None:
    """`CheckpointStore.made` of a file, by all who make one, perhaps `of` a live database. Where that fails,
    a person has to say so.
    """
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415 - much, for a start
    from app.services.chain.where import InDatabase, InFile  # noqa: PLC0415

    with suppress(TenantAdminError, OSError):
        live = None if of is None else InDatabase(of)
        CheckpointStore(paths.checkpoints_dir()).made(InFile(path), unrelated=unrelated, of=live)
