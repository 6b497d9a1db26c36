"""Reading one entry of the audit chain whole, and judging it beside the entry before it."""

from dataclasses import dataclass

from app.services.chain.reading import Inspection, inspect_entry
from app.services.records.record import Record, read_record
from app.services.records.tables import AUDIT_CHAIN
from models.engine import Database


@dataclass(frozen=True, slots=True)
class AuditDetail:
    """An entry as stored, and what the rules of the whole verification say of it."""

    entry: Record
    inspection: Inspection


def get(database: Database, seq: int) -> AuditDetail:
    """The entry, judged. Raises `NotFound`."""
    return AuditDetail(read_record(database, AUDIT_CHAIN, seq), inspect_entry(database, seq))
