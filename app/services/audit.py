"""Reading one entry of the audit chain whole, and judging it beside the entry before it."""

from dataclasses import dataclass
from enum import Enum, auto

from peewee import fn

from app.services import records
from app.services.chain import GENESIS
from app.services.errors import NotFound
from app.services.verification.entry import MARKER, RAW_COLUMNS, Entry
from models.database import Database
from models.tables import AuditEntry


class Link(Enum):
    """How an entry is tied to what came before: the previous entry, genesis, or a prune marker."""

    HOLDS = auto()
    GENESIS = auto()
    MARKER = auto()
    UNPROVEN = auto()
    BROKEN = auto()


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
    """An entry with the hash that its bytes give, and how it is linked, also as a sentence."""

    entry: AuditRecord
    recomputed: str
    hash_holds: bool
    link: Link
    link_sentence: str


def get(database: Database, seq: int) -> AuditDetail:
    """The entry, judged. Raises `NotFound`."""
    entry = AuditRecord(**records.readable(database, AuditEntry, seq, "audit entry"))
    stored = _stored(database, seq)
    link, sentence = _link(database, stored)
    return AuditDetail(entry, stored.recomputed(), stored.hash_holds(), link, sentence)


def _stored(database: Database, seq: int) -> Entry:
    sql = f"SELECT {RAW_COLUMNS} FROM audit_chain WHERE seq = ?"  # noqa: S608 - a constant list of columns
    with database.expected_errors():
        row = database.connection().execute(sql, (seq,)).fetchone()
        encoding = str(database.connection().pragma("encoding")).lower()
    if row is None:
        raise NotFound("audit entry")
    return Entry(row, encoding)


def _link(database: Database, stored: Entry) -> tuple[Link, str]:
    same_tenant = AuditEntry.tenant_id == stored.tenant
    before = (
        AuditEntry.select(AuditEntry.seq, AuditEntry.hash.cast("BLOB"))
        .where(same_tenant, AuditEntry.seq < stored.seq)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    )
    previous_hash = stored.raw["previous_hash"]
    rows = database.rows(before)
    if rows:
        number, digest = rows[0]
        if digest == previous_hash:
            return Link.HOLDS, f"Follows entry {number:,}."
        return Link.BROKEN, f"Does not follow entry {number:,}, the one before it in this tenant."
    if previous_hash == GENESIS.encode():
        return Link.GENESIS, "The first entry of this tenant."
    marker = AuditEntry.select(AuditEntry.seq).where(
        same_tenant,
        AuditEntry.event_type == MARKER,
        fn.INSTR(AuditEntry.payload, stored.text("previous_hash")) > 0,
    )
    found = database.rows(marker.order_by(AuditEntry.seq.desc()).limit(1))
    if found:
        return (
            Link.MARKER,
            f"What came before was pruned; the marker at entry {found[0][0]:,} names its last hash.",
        )
    return Link.UNPROVEN, "Nothing in this file proves what came before it."
