"""A destination as a delivery needs it, with its secret: read for one delivery, and not kept."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from peewee import Column, fn
from peewee import Table as Source

from app.services.records.rows import RawText, Value, decoded, exactly, holds, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS
from app.services.records.webhooks import Secret
from app.services.text import readable
from models.engine import Database
from models.errors import NotAllowed, NotFound, TableMissing
from models.schema import read_stored

_READ: Final = ("tenant_id", "name", "url", "hostname", "events", "active", "secret")
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Destination:
    """`key` is its id as it is stored; the rest as a person reads it. `secret` is None where none is."""

    key: Value
    tenant: str = ""
    name: str = ""
    url: str = field(default="", repr=False)
    hostname: str = ""
    events: str = ""
    secret: Secret | None = None

    @property
    def title(self) -> str:
        return self.name or self.hostname


def destinations_at(database: Database, address: str) -> list[Destination]:
    """The webhooks that send to a URL which begins so, but those whose secret is no text. Raises what reading
    them does.
    """
    source = Source(WEBHOOK_DESTINATIONS.name)
    begins = fn.substr(Column(source, "url"), 1, len(address)) == address
    found = database.rows(source.select(Column(source, "id").cast("TEXT")).where(begins).limit(_MOST))
    destinations = []
    for (webhook_id,) in found:
        with suppress(NotAllowed, NotFound):
            destinations.append(read_destination(database, webhook_id))
    return destinations


def read_destination(database: Database, webhook_id: Value) -> Destination:
    """Raises `NotFound`, `TableMissing`, and `NotAllowed` where its secret is no text, so that nobody knows
    how the platform signs with it.
    """
    name = WEBHOOK_DESTINATIONS.name

    def queries(tables: Any) -> list[Any]:
        if name not in tables:
            raise TableMissing(name)
        source = Source(name)
        columns = [column for column in _READ if column in tables[name].names]
        cells = [exactly(Column(source, column)) for column in columns]
        return [source.select(*cells).where(holds(Column(source, "id"), webhook_id))]

    tables, (found,) = read_stored(database, queries)
    if not found:
        raise NotFound("webhook")
    columns = [column for column in _READ if column in tables[name].names]
    values = dict(zip(columns, map(decoded, found[0]), strict=True))
    secret = values.pop("secret", None)
    if isinstance(secret, bytes | RawText | int | float):
        raise NotAllowed(
            "The secret that is stored is no text, so nobody knows how the platform signs with it."
        )
    said = {column: readable(shown(value)) for column, value in values.items()}
    return Destination(
        webhook_id,
        said.get("tenant_id", ""),
        said.get("name", ""),
        said.get("url", ""),
        said.get("hostname", ""),
        said.get("events", ""),
        Secret(secret) if secret else None,
    )
