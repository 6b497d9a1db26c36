"""Which tenants were erased, as the audit chain tells."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peewee import fn

from app.services.chain.rules import MARKER_EVENT, TABLE
from app.services.opened import tenants
from app.services.records.rows import in_parts
from app.services.text import tenant_id
from models.engine import Database
from models.errors import InvalidInput
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry

_MOST: Final = 1_000
"""The newest erasures, of which a forger may have written any number."""
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class ErasedTenant:
    """When a tenant was last erased, in epoch seconds as they are stored, by whom, and in which entry."""

    at: object
    actor: str
    seq: int


def erased(database: Database) -> Mapping[str, ErasedTenant]:
    """By tenant. Not among them is an erasure whose entry retention has removed by now, nor one that cannot
    be, since entries of the tenant from before it are there. The caller holds a connection to a database with
    an audit chain. Raises the storage errors.
    """
    kinds = AuditEntry.tenant_id == SYSTEM_TENANT, AuditEntry.event_type == str(AuditEvent.TENANT_ERASED)
    entries = AuditEntry.select(AuditEntry.payload, AuditEntry.created_at, AuditEntry.seq).where(*kinds)
    found: dict[str, ErasedTenant] = {}
    for payload, at, seq in database.rows(entries.order_by(AuditEntry.seq.desc()).limit(_MOST).tuples()):
        try:
            said = json.loads(payload)
            name = said["tenant"] if isinstance(said, dict) else None
            tenant = tenant_id(name) if isinstance(name, str) and isinstance(seq, int) else None
        except (TypeError, ValueError, RecursionError, LookupError, InvalidInput):  # of somebody else's
            continue
        if tenant is not None:
            found.setdefault(tenant, ErasedTenant(at, str(said.get("actor", "")), seq))
    for one, first in _first_entries(database, [*found]):
        if one in found and isinstance(first, int) and first < found[one].seq:
            del found[one]
    return found


def still_erased(database: Database) -> frozenset[str]:
    """Those of which nothing but markers has been there since. The caller holds a connection to a database
    with an audit chain. Raises the storage errors.
    """
    found = frozenset(erased(database))
    if not found:
        return found
    begun = (tenant for tenant, _ in _first_entries(database, [*found]))
    return found.difference(begun, tenants(database, but=TABLE))


def _first_entries(database: Database, names: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Of those that have any entry that is no marker: the number of the first."""
    for some in in_parts(names, _AT_ONCE):
        kept = AuditEntry.tenant_id.in_(some), AuditEntry.event_type != MARKER_EVENT
        query = AuditEntry.select(AuditEntry.tenant_id, fn.MIN(AuditEntry.seq)).where(*kept)
        yield from database.rows(query.group_by(AuditEntry.tenant_id).tuples())
