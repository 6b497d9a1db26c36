"""Reading one entry of the audit chain whole."""

from dataclasses import dataclass

from app.services import records
from models.database import Database
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


def get(database: Database, seq: int) -> AuditRecord:
    """The entry. Raises `NotFound`."""
    return AuditRecord(**records.readable(database, AuditEntry, seq, "audit entry"))
