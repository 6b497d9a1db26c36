"""The platform's audit chain: its formula, its JSON and the append that cannot fork it.

Source: `database-schema.md`, Hash Chain Algorithm; `architecture.md`, One write path.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from peewee import Case, Value, fn

from models.engine import Database, Statement
from models.tables import AuditEntry

GENESIS = "0" * 64
"""`previous_hash` of a tenant's first entry."""


def entry_hash(previous_hash: str, event_type: str, payload: str, created_at: int) -> str:
    """SHA-256 over `previous_hash:event_type:payload:created_at` in UTF-8, as lower-case hex.

    `payload` is the stored text as it is; parsing and writing it again would change it.
    """
    data = f"{previous_hash}:{event_type}:{payload}:{created_at}"
    return hashlib.sha256(data.encode()).hexdigest()


def compact_json(value: Mapping[str, Any]) -> str:
    """JSON as JavaScript's `JSON.stringify` writes it: no spaces, non-ASCII characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry to append to a tenant's chain. The payload never holds a secret or a password hash."""

    tenant_id: str
    event_type: str
    payload: Mapping[str, Any]


def head(database: Database, tenant_id: str) -> str:
    """The hash of the tenant's last entry, or `GENESIS`."""
    found = database.scalar(_head_query(tenant_id))
    return GENESIS if found is None else str(found)


def _head_query(tenant_id: str) -> Any:
    return (
        AuditEntry.select(AuditEntry.hash)
        .where(AuditEntry.tenant_id == tenant_id)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
        .tuples()
    )


def append_statements(events: Iterable[Event], heads: Mapping[str, str], now: int) -> list[Statement]:
    """The guarded inserts that append `events` in order, for a batch.

    `heads` gives each tenant's expected head. When a head has moved, `previous_hash` becomes NULL, its NOT
    NULL constraint fails and the whole batch is rolled back (`HeadMoved`); so two writers never fork a chain.
    """
    current = dict(heads)
    statements = []
    for event in events:
        expected = current[event.tenant_id]
        payload = compact_json(event.payload)
        digest = entry_hash(expected, event.event_type, payload, now)
        guard = Case(
            None,
            [(fn.COALESCE(_head_query(event.tenant_id), GENESIS) == expected, Value(expected))],
        )
        statements.append(
            Statement(
                AuditEntry.insert(
                    {
                        AuditEntry.tenant_id: event.tenant_id,
                        AuditEntry.event_type: event.event_type,
                        AuditEntry.payload: payload,
                        AuditEntry.previous_hash: guard,
                        AuditEntry.hash: digest,
                        AuditEntry.created_at: now,
                    }
                )
            )
        )
        current[event.tenant_id] = digest
    return statements
