"""What retention would remove from the audit chain: of each tenant, the contiguous prefix that is old.

Source: `database-schema.md`, Data Retention; `integrity.md` 1. An entry is old when its `created_at` is an
integer of seconds before the cutoff. A prefix ends before the first entry that is not old, even when later
ones are (a backdated row makes no hole), and before the tenant's last entry that is not a prune marker, so
that no chain ever loses its head. A prefix of nothing but markers is left: a marker alone is no reason for
a new marker.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from peewee import SQL, fn

from app.services.chain.pruning import LeftAlone, Prefix
from app.services.chain.verify.entry import SECONDS_LIMIT
from models.engine import Database, raw
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry

DISPUTED: Final = "Its entries are not those that a checkpoint witnessed; verify the chain."

_REPORTS: Final = (AuditEvent.RETENTION_COMPLETED, AuditEvent.RETENTION_FAILED)

_TENANTS: Final = """
WITH RECURSIVE tenants(id) AS (
  SELECT min(tenant_id) FROM audit_chain
  UNION ALL
  SELECT (SELECT min(tenant_id) FROM audit_chain WHERE tenant_id > id) FROM tenants WHERE id IS NOT NULL
)
SELECT CAST(id AS BLOB), typeof(id) FROM tenants WHERE id IS NOT NULL
"""
"""A step through the index for each tenant, where DISTINCT would read all of it."""


@dataclass(frozen=True, slots=True)
class TenantShare(Prefix):
    """A prefix that can go, of which `losing` are among the tenant's `live` entries.

    Prune markers count in `rows` only. `incidental` marks retention's own old reports: they go along with
    something else, never alone, or each day's report would be the reason for another.
    """

    live: int
    losing: int
    incidental: bool = False

    @property
    def is_majority(self) -> bool:
        """Whether more than half of the tenant's live entries would go."""
        return self.losing * 2 > self.live


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """The prefixes that can go, and the tenants whose old entries cannot."""

    prefixes: tuple[TenantShare, ...]
    left: tuple[LeftAlone, ...]

    @property
    def rows(self) -> int:
        return sum(prefix.rows for prefix in self.prefixes)

    def without(self, disputed: Collection[str]) -> "AuditPlan":
        """The same plan, leaving alone the tenants whose chains are not as they were witnessed."""
        return AuditPlan(
            tuple(prefix for prefix in self.prefixes if prefix.tenant_id not in disputed),
            (
                *self.left,
                *(
                    LeftAlone(prefix.tenant_id, prefix.first_seq, DISPUTED)
                    for prefix in self.prefixes
                    if prefix.tenant_id in disputed
                ),
            ),
        )


def is_old(column: Any, cutoff: int) -> Any:
    """The condition that `column` holds a time in whole seconds before `cutoff`."""
    return (fn.typeof(column) == "integer") & (column < cutoff)


def numbered_and_there(database: Database) -> tuple[int, int]:
    """The highest seq that AUTOINCREMENT ever gave, as the file remembers it, and the highest there is."""
    last = database.scalar(AuditEntry.select(fn.MAX(AuditEntry.seq)).tuples()) or 0
    if database.scalar(raw("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")) is None:
        return last, last
    counter = database.scalar(raw("SELECT seq FROM sqlite_sequence WHERE name = 'audit_chain'"))
    return (counter if isinstance(counter, int) else last), last


def plan_audit(database: Database, cutoff: int) -> AuditPlan:
    """Finds each tenant's old prefix; nothing is proven or changed. The caller holds a connection."""
    first_kept = database.scalar(
        AuditEntry.select(AuditEntry.seq)
        .where(~is_old(AuditEntry.created_at, cutoff))
        .order_by(AuditEntry.seq)
        .limit(1)
        .tuples()
    )
    markers = _seqs_by_tenant(database, (AuditEvent.AUDIT_PRUNED,))
    reports = _seqs_by_tenant(database, _REPORTS)[SYSTEM_TENANT]
    prefixes: list[TenantShare] = []
    left: list[LeftAlone] = []
    for name, kind in database.rows(raw(_TENANTS)):
        tenant = name.decode(errors="replace")
        if kind != "text" or tenant.encode() != name:
            left.append(LeftAlone(tenant, None, "The tenant's name is not readable text."))
            continue
        prefix, problem = _prefix(database, tenant, cutoff, first_kept, markers[tenant])
        if problem is not None:
            left.append(problem)
        if prefix is not None:
            own = sum(seq <= prefix.last_seq for seq in reports | markers[tenant])
            is_incidental = tenant == SYSTEM_TENANT and own == prefix.rows
            prefixes.append(replace(prefix, incidental=is_incidental))
    return AuditPlan(tuple(prefixes), tuple(left))


def _seqs_by_tenant(database: Database, kinds: Collection[str]) -> defaultdict[str, set[int]]:
    query = AuditEntry.select(AuditEntry.tenant_id.cast("BLOB"), AuditEntry.seq).where(
        AuditEntry.event_type.in_([str(kind) for kind in kinds])
    )
    found: defaultdict[str, set[int]] = defaultdict(set)
    for tenant, seq in database.rows(query.tuples()):
        found[tenant.decode(errors="replace")].add(seq)
    return found


def _prefix(
    database: Database, tenant: str, cutoff: int, first_kept: int | None, markers: set[int]
) -> tuple[TenantShare | None, LeftAlone | None]:
    of_tenant = AuditEntry.tenant_id == tenant
    first_seq: int = database.scalar(AuditEntry.select(fn.MIN(AuditEntry.seq)).where(of_tenant).tuples())
    head = _last_entry(database, tenant, markers)
    if head is None:
        return None, None
    stop, problem = head, None
    # Everything before `first_kept` is old, whoever's it is: the walk through the index starts there.
    if first_kept is not None and first_kept <= head:
        found = database.rows(
            AuditEntry.select(AuditEntry.seq, fn.typeof(AuditEntry.created_at), AuditEntry.created_at)
            .where(of_tenant, AuditEntry.seq >= first_kept, ~is_old(AuditEntry.created_at, cutoff))
            .order_by(AuditEntry.seq)
            .limit(1)
            .tuples()
        )
        if found and found[0][0] <= head:
            stop = found[0][0]
            problem = _unit_problem(tenant, *found[0])
    before = (of_tenant, AuditEntry.seq < stop)
    rows: int = database.scalar(AuditEntry.select(fn.COUNT(SQL("*"))).where(*before).tuples())
    losing = rows - sum(seq < stop for seq in markers)
    if losing == 0:
        return None, problem
    total: int = database.scalar(AuditEntry.select(fn.COUNT(SQL("*"))).where(of_tenant).tuples())
    last_seq: int = database.scalar(AuditEntry.select(fn.MAX(AuditEntry.seq)).where(*before).tuples())
    return TenantShare(tenant, first_seq, last_seq, rows, total - len(markers), losing), problem


def _last_entry(database: Database, tenant: str, markers: Iterable[int]) -> int | None:
    """The last entry that is not a prune marker, or None."""
    known = set(markers)
    query = (
        AuditEntry.select(AuditEntry.seq)
        .where(AuditEntry.tenant_id == tenant)
        .order_by(AuditEntry.seq.desc())
        .limit(len(known) + 1)
    )
    return next((seq for (seq,) in database.rows(query.tuples()) if seq not in known), None)


def _unit_problem(tenant: str, seq: int, kind: str, value: Any) -> LeftAlone | None:
    if kind != "integer":
        reason = f"The time of entry {seq:,} is not a whole number, so nothing from there on can be judged."
    elif value >= SECONDS_LIMIT:
        reason = (
            f"The time of entry {seq:,} is not in seconds (milliseconds, it seems), "
            "so nothing from there on can be judged."
        )
    else:
        return None
    return LeftAlone(tenant, seq, reason)
