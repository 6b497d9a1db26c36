"""Reading one entry of the audit chain whole, and judging it beside the entry before it."""

from dataclasses import dataclass

from app.services.chain.verify.inspect import Inspection, inspect_entry
from app.services.records import images as records
from models.local.database import LocalDatabase
from models.tables import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry as stored; undecodable text is shown with replacement characters."""

    seq: int
    tenant_id: str
    event_type: str
    payload: str
    previous_hash: str
    hash: str
    created_at: int


@dataclass(frozen=True, slots=True)
class AuditDetail:
    """An entry, and what the rules of the whole verification say of it."""

    entry: AuditRecord
    inspection: Inspection


def get(database: LocalDatabase, seq: int) -> AuditDetail:
    """The entry, judged. Raises `NotFound`."""
    entry = AuditRecord(**records.readable(database, AuditEntry, seq, "audit entry"))
    return AuditDetail(entry, inspect_entry(database, seq))
