"""Ready views of a list of webhooks: which of them one looks after."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import decoded, exactly, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope, flag
from app.services.records.webhooks import host_doubt
from app.services.text import readable
from models.engine import Database
from models.errors import TableMissing
from models.schema import read_stored

_READ: Final = ("id", "tenant_id", "url", "hostname", "events", "active", "has_secret")


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
class _Row:
    key: Any
    tenant: str
    url: str
    host: str
    events: str
    active: bool
    has_secret: bool


def members(database: Database, scope: Scope, failing: Collection[str] = ()) -> Members:
    """Those of a tenant, or of all; `failing` are the ids of those to which what was sent last has failed.
    What has no id that a list could be filtered by is in none.
    """
    rows = _rows(database, scope)
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


def _rows(database: Database, scope: Scope) -> list[_Row]:
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
            tenant, url, host, events = (readable(shown(value)) for value in others)
            rows.append(_Row(key, tenant, url, host, events, flag(active) is True, bool(has_secret)))
    return rows
