"""What a file holds: tables, tenants, schema differences, migrations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from app.services.files.opening import ASKED, OpenedFile
from models.local.database import LocalDatabase
from models.local.migrations import MigrationStatus, status
from models.schema import Schema, internal
from models.tables import TABLES

_TENANT_TABLES = tuple(
    model._meta.table_name for model in TABLES if "tenant_id" in model._meta.fields
)  # planning runs belong to the platform


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant that the file mentions. `rows` is table name to row count, where counts were asked for."""

    id: str
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileInfo:
    """All that `tenant-admin info` says. `rows` is None for a table that cannot be read here.

    `read_only` says that the file cannot be written, for whatever reason but a person's wish.
    """

    path: Path
    read_only: bool
    read_only_reason: str | None
    journal_mode: str
    size: int
    rows: Mapping[str, int | None]
    tenants: tuple[str, ...]
    schema: Schema
    migrations: MigrationStatus

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "readOnly": self.read_only,
            "journalMode": self.journal_mode,
            "tables": {name: {"rows": count} for name, count in self.rows.items()},
            "tenants": list(self.tenants),
            "schema": {
                "missingTables": list(self.schema.missing_tables),
                "missingColumns": {name: list(some) for name, some in self.schema.missing_columns.items()},
                "extraTables": list(self.schema.extra_tables),
                "extraColumns": {name: list(some) for name, some in self.schema.extra_columns.items()},
            },
            "migrations": {
                "applied": list(self.migrations.applied),
                "pending": list(self.migrations.pending),
                "unknown": list(self.migrations.unknown),
            },
        }

    def __str__(self) -> str:
        """The same for a person."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The same for a person, line by line."""
        state = f"read-only, because {self.read_only_reason}" if self.read_only else "can be written"
        lines = [
            f"{self.path}: {self.size:,} bytes, journal mode {self.journal_mode}, {state}",
            *(
                f"  {name}: {'cannot be read' if count is None else f'{count:,} rows'}"
                for name, count in self.rows.items()
            ),
            f"tenants ({len(self.tenants):,}): {', '.join(self.tenants) or 'none'}",
        ]
        lines += [f"missing table: {name}" for name in self.schema.missing_tables]
        lines += [
            f"missing column: {table}.{name}"
            for table, names in self.schema.missing_columns.items()
            for name in names
        ]
        lines += [
            f"extra column: {table}.{name}"
            for table, names in self.schema.extra_columns.items()
            for name in names
        ]
        lines += [f"stands in for a table or changes one: {name}" for name in self.schema.impostors]
        lines += [f"migration to apply: {name}" for name in self.migrations.pending]
        lines += [f"migration unknown to this program: {name}" for name in self.migrations.unknown]
        return lines


def info(opened: OpenedFile, migrations_dir: Path) -> FileInfo:
    """Counts and compares; the caller holds a connection.

    Raises `DamagedFile` and the other errors of reading, `MigrationError` for a ledger nobody understands.
    """
    database = opened.database
    return FileInfo(
        path=opened.path,
        read_only=opened.read_only_reason not in (None, ASKED),
        read_only_reason=opened.read_only_reason,
        journal_mode=opened.journal_mode,
        size=opened.size,
        rows=rows(database, opened.schema),
        tenants=tuple(tenant.id for tenant in tenants(database)),
        schema=opened.schema,
        migrations=status(database, migrations_dir),
    )


def rows(database: LocalDatabase, schema: Schema) -> dict[str, int | None]:
    """Row count by table, the platform's and others; None for one that cannot be read here."""
    return {name: _count(database, name) for name in schema.columns if not internal(name)}


def tenants(database: LocalDatabase, *, counts: bool = False) -> tuple[Tenant, ...]:
    """Every tenant that users, audit entries, webhooks or notifications mention, by id.

    Hops from tenant to tenant along each table's index, so a million rows cost no more than a few; with
    `counts` each table is counted through the same index. Missing tables and columns are passed over, and
    text that is no UTF-8 is shown with replacement characters. The caller holds a connection.
    """
    with database.expected_errors():
        found: dict[str, dict[str, int]] = {}
        for table in _TENANT_TABLES:
            for raw, count in _tenants_of(database.connection(), table, counts=counts):
                name = raw.decode(errors="replace")
                found.setdefault(name, {})
                if counts:
                    found[name][table] = found[name].get(table, 0) + count
    return tuple(Tenant(name, found[name]) for name in sorted(found))


def _tenants_of(connection: apsw.Connection, table: str, *, counts: bool) -> list[tuple[bytes, int]]:
    columns = {
        name.lower() for (name,) in connection.execute("SELECT name FROM pragma_table_xinfo(?)", (table,))
    }
    if "tenant_id" not in columns:
        return []
    source = f'main."{table}"'  # one of our own names, never one from the file
    if counts:
        sql = f"SELECT CAST(tenant_id AS BLOB), count(*) FROM {source} GROUP BY tenant_id"  # noqa: S608
    elif _indexed(connection, table):
        sql = f"""
            WITH RECURSIVE hop(id) AS (
              SELECT min(tenant_id) FROM {source}
              UNION ALL
              SELECT (SELECT min(tenant_id) FROM {source} WHERE tenant_id > hop.id) FROM hop
              WHERE hop.id IS NOT NULL
            )
            SELECT CAST(id AS BLOB), 0 FROM hop WHERE id IS NOT NULL"""  # noqa: S608
    else:
        sql = f"SELECT DISTINCT CAST(tenant_id AS BLOB), 0 FROM {source}"  # noqa: S608
    return [(raw, count) for raw, count in connection.execute(sql) if raw is not None]


def _indexed(connection: apsw.Connection, table: str) -> bool:
    """Whether an index over all rows starts with the tenant; without one each hop would read the table."""
    found = connection.execute(
        "SELECT 1 FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info"
        " WHERE list.partial = 0 AND info.seqno = 0 AND lower(info.name) = 'tenant_id' LIMIT 1",
        (table,),
    )
    return found.fetchone() is not None


def _count(database: LocalDatabase, table: str) -> int | None:
    name = table.replace('"', '""')
    with database.expected_errors():
        try:
            found = database.connection().execute(f'SELECT count(*) FROM main."{name}"')  # noqa: S608
            return int(found.fetchall()[0][0])
        except apsw.SQLError:  # a virtual table of a module that is not here
            return None
