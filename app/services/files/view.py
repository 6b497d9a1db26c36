"""What the window needs to know to show a file: found, opened and looked through in one go."""

from dataclasses import dataclass
from pathlib import Path

from app.services.errors import TenantAdminError
from app.services.files import describe as file_info
from app.services.files import find as discovery
from app.services.files import migrating as maintenance
from app.services.files import opening
from app.services.files.opening import OpenedFile
from models.local.database import LocalDatabase


@dataclass(frozen=True, slots=True)
class FileView:
    """An opened file, the ids of its tenants, the migrations that it lacks, whether it was just imported."""

    opened: OpenedFile
    tenants: tuple[str, ...]
    pending: tuple[str, ...]
    imported: bool = False


def open_path(
    path: Path, migrations: Path, *, read_only: bool = False, force_writable: bool = False
) -> FileView:
    """Opens a file, or the database in a folder.

    Raises `SeveralDatabases` when a folder holds more than one, and the errors of `opening.open_database`.
    """
    opened = opening.open_database(
        discovery.find_database(path).path, read_only=read_only, force_writable=force_writable
    )
    with opened.database.connection_context():
        return FileView(opened, tenants(opened.database), _pending(opened.database, migrations))


def tenants(database: LocalDatabase) -> tuple[str, ...]:
    """The ids of all tenants that have anything in the file, in order."""
    return tuple(tenant.id for tenant in file_info.tenants(database))


def _pending(database: LocalDatabase, migrations: Path) -> tuple[str, ...]:
    try:
        return maintenance.status(database, migrations).pending
    except TenantAdminError:
        return ()  # a ledger that cannot be read is no reason not to show the rest of the file
