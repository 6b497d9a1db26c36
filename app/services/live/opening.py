"""Opening a live D1 database: whether it is there, its tables and its tenants, in three requests."""

from dataclasses import dataclass, replace
from typing import Any, Self

from app.services.live.connecting import identified
from app.services.live.connections import Connection
from app.services.opened import Opened, never_written, schema_and_tenants
from app.services.text import counted
from models.d1.database import D1Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLive(Opened):
    """A live database that is open, by the connection that a person has named."""

    database: D1Database
    connection: Connection

    @property
    def name(self) -> str:
        """What its account calls it."""
        return self.connection.database_name or self.database.database_id

    @property
    def kept_by(self) -> str:
        return f"d1:{self.database.client.account or 'local'}/{self.database.database_id}"

    @property
    def whole_place(self) -> str:
        account = self.database.client.account
        whose = "wrangler dev" if account is None else f"the account {account}"
        return f"{self.place}: D1 database {self.name} of {whose}"

    @property
    def facts(self) -> tuple[str, ...]:
        meter = self.database.client.meter
        return (
            "Cloudflare D1",
            self.place,
            counted(meter.calls, "request"),
            f"{counted(meter.read, 'row')} read, {meter.written:,} written",
        )

    @property
    def details(self) -> tuple[tuple[str, str, str], ...]:
        client = self.database.client
        return (
            ("Connection", self.place, self.place),
            ("Database", self.name, self.name),
            ("Id", self.database.database_id, self.database.database_id),
            ("Account", client.account or "none: wrangler dev", client.account or ""),
            ("Address", client.base, client.base),
            ("Production", "yes" if self.connection.production else "no", ""),
        )

    def with_counts(self) -> Self:
        """Its rows stay uncounted: every row that is counted is read, and charged."""
        schema, tenants = schema_and_tenants(self.database)
        return replace(self, schema=schema, tenants=tenants)

    def to_json(self) -> dict[str, Any]:
        client = self.database.client
        return {
            "connection": self.place,
            "account": client.account,
            "database": self.database.database_id,
            "production": self.connection.production,
            "readOnly": never_written(self.schema) is not None,
            **Opened.to_json(self),
        }

    def lines(self) -> list[str]:
        never = never_written(self.schema)
        state = f"read-only, because {never}" if never else "can be written"
        return [f"{self.whole_place}, {state}", *Opened.lines(self)]


def open_live(connection: Connection, database: D1Database) -> OpenedLive:
    """The database as it is now. It is asked for by its id first: wrangler makes what it does not know.

    Raises `UnknownDatabase`, and the other errors of `connecting.databases`.
    """
    connection = identified(connection, database.client, database.database_id)
    schema, tenants = schema_and_tenants(database)
    return OpenedLive(
        database=database,
        schema=schema,
        tenants=tenants,
        read_only_reason=never_written(schema),
        connection=connection,
    )
