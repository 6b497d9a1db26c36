"""What an open file is and holds: for the window that shows it, and as `tenant-admin info` says it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peewee import OperationalError

from app import paths
from models.engine import Database, raw, sql_name
from models.errors import OnlyElsewhere
from models.local.database import LocalDatabase
from models.local.migrations import MigrationStatus, status
from models.schema import Schema, find_tenants, inspect, internal
from models.tables import TABLES

if TYPE_CHECKING:
    from app.services.files.importing import Imported

ASKED = "it was opened read-only"

_TENANT_TABLES = tuple(
    model._meta.table_name for model in TABLES if "tenant_id" in model._meta.fields
)  # planning runs belong to the platform


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that can be read, and all that a person should know about it, as it was at one moment.

    `size` is in bytes, its write-ahead log included. `read_only_reason` reads after "because"; it is None
    exactly when the file can be written. `can_be_forced` says that `force_writable=True` would help.
    `migrations` is empty for a ledger that nobody understands, `rows` None before `with_counts` was asked.
    `imported` is what made it of a dump just now. The database holds no connection yet.
    """

    database: LocalDatabase
    schema: Schema
    tenants: tuple[str, ...]
    migrations: MigrationStatus
    read_only_reason: str | None
    can_be_forced: bool
    journal_mode: str
    size: int
    imported: "Imported | None" = None
    rows: Mapping[str, int | None] | None = None

    @property
    def path(self) -> Path:
        return self.database.path

    @property
    def place(self) -> str:
        return self.database.place

    @property
    def read_only(self) -> bool:
        return self.read_only_reason is not None

    @property
    def pending(self) -> tuple[str, ...]:
        """The migrations that the file lacks, as far as its ledger can be understood."""
        return self.migrations.pending

    @property
    def can_migrate(self) -> bool:
        """Whether there is something to apply, and nothing of the schema speaks against it."""
        return bool(self.pending) and self.migrations.refused is None and not self.schema.foreign

    def to_json(self) -> dict[str, Any]:
        """What `tenant-admin info --json` says of a file whose rows were counted.

        In it, as in `lines`, read-only is what cannot be written, for whatever reason but a person's wish.
        """
        schema, migrations = self.schema, self.migrations
        return {
            "path": str(self.path),
            "readOnly": self._cannot_be_written,
            "journalMode": self.journal_mode,
            "tables": {name: {"rows": count} for name, count in (self.rows or {}).items()},
            "tenants": list(self.tenants),
            "schema": {
                "missingTables": list(schema.missing_tables),
                "missingColumns": {name: list(some) for name, some in schema.missing_columns.items()},
                "extraTables": list(schema.extra_tables),
                "extraColumns": {name: list(some) for name, some in schema.extra_columns.items()},
            },
            "migrations": {
                "applied": list(migrations.applied),
                "pending": list(migrations.pending),
                "unknown": list(migrations.unknown),
                "refused": migrations.refused,
            },
        }

    def lines(self) -> list[str]:
        """The same for a person, line by line."""
        schema, migrations = self.schema, self.migrations
        state = f"read-only, because {self.read_only_reason}" if self._cannot_be_written else "can be written"
        pending = "migration that cannot be applied" if migrations.refused else "migration to apply"
        columns = (("missing", schema.missing_columns), ("extra", schema.extra_columns))
        return [
            f"{self.path}: {self.size:,} bytes, journal mode {self.journal_mode}, {state}",
            *(
                f"  {name}: {'cannot be read' if count is None else f'{count:,} rows'}"
                for name, count in (self.rows or {}).items()
            ),
            f"tenants ({len(self.tenants):,}): {', '.join(self.tenants) or 'none'}",
            *(f"missing table: {name}" for name in schema.missing_tables),
            *(
                f"{what} column: {table}.{name}"
                for what, differences in columns
                for table, names in differences.items()
                for name in names
            ),
            *(f"stands in for a table or changes one: {name}" for name in schema.impostors),
            *(f"{pending}: {name}" for name in migrations.pending),
            *(f"migration unknown to this program: {name}" for name in migrations.unknown),
        ]

    @property
    def _cannot_be_written(self) -> bool:
        return self.read_only_reason not in (None, ASKED)


def with_counts(opened: OpenedFile) -> OpenedFile:
    """The file as it is now, with its rows counted; the caller holds a connection.

    Raises `DamagedFile` and the other errors of reading, `MigrationError` for a ledger nobody understands.
    """
    database = opened.database
    with database.snapshot():
        schema = inspect(database)
        return replace(
            opened,
            schema=schema,
            tenants=tenants(database),
            migrations=status(database, paths.migrations_dir()),
            rows=rows(database, schema),
        )


def rows(database: LocalDatabase, schema: Schema) -> dict[str, int | None]:
    """Row count by table, the platform's and others; None for one that cannot be read here.

    Of one moment within `LocalDatabase.snapshot`.
    """
    counts: dict[str, int | None] = {}
    for name in filterfalse(internal, schema.columns):
        try:
            # An index that hides rows would be counted in the place of its table.
            counts[name] = database.scalar(raw(f"SELECT count(*) FROM main.{sql_name(name)} NOT INDEXED"))  # noqa: S608
        except (OperationalError, OnlyElsewhere):
            if schema.columns[name]:
                raise
            counts[name] = None  # a virtual table, perhaps of a module that is not here
    return counts


def tenants(database: Database) -> tuple[str, ...]:
    """Every tenant that users, audit entries, webhooks or notifications mention, in order.

    Text that is no UTF-8 is shown with replacement characters. The caller holds a connection.
    """
    found = find_tenants(database, _TENANT_TABLES)
    return tuple(sorted({name.decode(errors="replace") for name, _ in found}))
