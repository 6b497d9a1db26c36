"""Ready views of a list of webhooks, which of them one looks after; and which would receive an event."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import decoded, exactly, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope, flag
from app.services.records.urls import host_doubt
from app.services.records.webhooks import wants
from app.services.text import readable
from models.engine import Database
from models.errors import TableMissing
from models.schema import read_stored

_READ: Final = ("id", "tenant_id", "name", "url", "hostname", "events", "active", "has_secret")


class WebhookView(StrEnum):
    DEAD = "dead"
    """Active, and delivers nothing: it has no events, its host is not the URL's, or what was sent to it from
    here last has failed.
    """
    DUPLICATE = "duplicate"
    """One of several of its tenant with one URL."""
    UNSIGNED = "without secret"
    HOST_DIFFERS = "host differs"


Members = Mapping[WebhookView, tuple[Any, ...]]
"""The ids of each view's webhooks, as they are stored."""


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One as it may be shown, but for its `key`, which is as it is stored."""

    key: Any
    tenant: str
    name: str
    url: str
    host: str
    events: str
    active: bool
    has_secret: bool


def members(database: Database, scope: Scope, failing: Collection[str] = ()) -> Members:
    """Those of a tenant, or of all; `failing` are the ids of those to which what was sent last has failed.
    What has no id that a list could be filtered by is in none.
    """
    rows = read_rows(database, scope)
    urls = Counter((row.tenant, row.url) for row in rows)
    doubted = {row.key for row in rows if host_doubt(row.url, row.host) is not None}
    found: dict[WebhookView, list[Any]] = {view: [] for view in WebhookView}
    for row in rows:
        silent = not row.events.strip(" ,") or row.key in doubted or str(row.key) in failing
        for view, holds in (
            (WebhookView.DEAD, row.active and silent),
            (WebhookView.DUPLICATE, urls[row.tenant, row.url] > 1),
            (WebhookView.UNSIGNED, not row.has_secret),
            (WebhookView.HOST_DIFFERS, row.key in doubted),
        ):
            if holds:
                found[view].append(row.key)
    return {view: tuple(ids) for view, ids in found.items()}


def why_not(row: WebhookRow, event: str) -> tuple[str, ...]:
    """Why the platform does not send an event of its tenant to a webhook; nothing where it does."""
    doubt = host_doubt(row.url, row.host)
    reasons = (
        ("it is inactive", not row.active),
        ("it has no events", not row.events.strip(" ,")),
        (f"its events are {_listed(row.events)}", row.events.strip(" ,") and not wants(row.events, event)),
        ("" if doubt is None else f"{f'its host {row.host}'.rstrip()} is {doubt[1]}", doubt is not None),
    )
    return tuple(reason for reason, holds in reasons if holds)


def _listed(events: str) -> str:
    """As it is stored, with room after each comma."""
    return ", ".join(part.strip() for part in events.split(","))


def read_rows(database: Database, scope: Scope) -> list[WebhookRow]:
    """Those of a tenant, or of all, that a list could be filtered by. Raises `TableMissing`."""
    table = WEBHOOK_DESTINATIONS
    query = ListQuery(table.name, scope)

    def queries(tables: Any) -> list[Any]:
        if table.name not in tables:
            raise TableMissing(table.name)
        statements = Statements(query, tables[table.name], database.limits)
        return [statements.select(*(exactly(statements.value(table.column(name))) for name in _READ))]

    _, (found,) = read_stored(database, queries)
    rows = []
    for row in found:
        key, *others, active, has_secret = map(decoded, row)
        if isinstance(key, str | int):
            tenant, name, url, host, events = (readable(shown(value)) for value in others)
            rows.append(
                WebhookRow(key, tenant, name, url, host, events, flag(active) is True, bool(has_secret))
            )
    return rows
