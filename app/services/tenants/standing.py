"""What is shown of one tenant beside the list of all: its latest entries, and how many came on each day."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.services.records.list_query import CELL_CHARACTERS, ListQuery
from app.services.records.lists import Lists
from app.services.records.summary import summary
from app.services.records.tables import AUDIT_CHAIN, Scope
from app.services.tenants.overview import TenantRow
from models.engine import Database, raw
from models.schema import Schema
from models.status import DAY

DAYS: Final = 60
"""How many days back the entries of a tenant are counted by the day."""

LATEST: Final = 5

_READ: Final = (
    "SELECT seq, CAST(event_type AS BLOB), substr(CAST(payload AS BLOB), 1, ?), created_at, "
    "CAST(hash AS BLOB) FROM main.audit_chain WHERE tenant_id = ? ORDER BY seq DESC LIMIT ?"
)
_COLUMNS: Final = {"seq", "event_type", "payload", "created_at", "hash", "tenant_id"}


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """`said` is what it says in a line: its summary, or its type."""

    seq: int
    said: str
    created_at: Any


@dataclass(frozen=True, slots=True)
class TenantDetail:
    """`row` is that of the list. `latest` are its last entries, the newest first, which has `head_hash`.
    `days` are as of `Lists.per_day`; None where they were not counted.
    """

    row: TenantRow
    latest: tuple[LatestEntry, ...] = ()
    head_hash: str | None = None
    days: tuple[tuple[int, int], ...] | None = None


def read(
    database: Database,
    schema: Schema,
    lists: Lists,
    row: TenantRow,
    *,
    now: int,
    day_of: Callable[[int], int] | None,
    days: bool,
) -> TenantDetail:
    """Reads `LATEST` rows, by their index, and with `days` all entries of the tenant. The caller holds a
    connection. Raises the storage errors.
    """
    if not row.entries or _COLUMNS - {*schema.columns.get(AUDIT_CHAIN.name, ())}:
        return TenantDetail(row, days=())

    def text(stored: bytes | None) -> str:
        return (stored or b"").decode(database.encoding, "replace")

    found = list(database.rows(raw(_READ, CELL_CHARACTERS, row.name, LATEST)))
    latest = tuple(
        LatestEntry(seq, summary(text(kind), text(payload)) or text(kind), at)
        for seq, kind, payload, at, _ in found
    )
    head = text(found[0][4]) if found else None
    per_day = per_day_of(database, lists, row.name, now=now, day_of=day_of) if days else None
    return TenantDetail(row, latest, head, per_day)


def per_day_of(
    database: Database, lists: Lists, tenant: str, *, now: int, day_of: Callable[[int], int] | None
) -> tuple[tuple[int, int], ...]:
    """How many entries of a tenant there are on each of the last `DAYS` days, as of `Lists.per_day`."""
    query = ListQuery(AUDIT_CHAIN.name, Scope(tenant), since=now - DAYS * DAY)
    return lists.per_day(database, query, day_of)
