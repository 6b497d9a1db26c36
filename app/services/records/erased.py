"""Which tenants were erased, as the audit chain tells."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from models.engine import Database
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry


@dataclass(frozen=True, slots=True)
class ErasedTenant:
    """When a tenant was last erased, in epoch seconds as they are stored, and by whom."""

    at: object
    actor: str


def erased(database: Database) -> Mapping[str, ErasedTenant]:
    """By tenant. An erasure whose entry retention has removed by now is not among them. The caller holds a
    connection to a database with an audit chain. Raises the storage errors.
    """
    kinds = AuditEntry.tenant_id == SYSTEM_TENANT, AuditEntry.event_type == str(AuditEvent.TENANT_ERASED)
    entries = AuditEntry.select(AuditEntry.payload, AuditEntry.created_at).where(*kinds)
    found: dict[str, ErasedTenant] = {}
    for payload, at in database.rows(entries.order_by(AuditEntry.seq).tuples()):
        try:
            said = json.loads(payload)
        except (TypeError, ValueError, RecursionError):  # of somebody else's
            continue
        if isinstance(said, dict) and isinstance(tenant := said.get("tenant"), str):
            found[tenant] = ErasedTenant(at, str(said.get("actor", "")))
    return found
