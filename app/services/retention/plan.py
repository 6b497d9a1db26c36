"""What retention would remove, found once: it is counted, shown, confirmed and carried out as it was found.

An audit entry is old when its `created_at` is an integer of seconds before the cutoff. Of each tenant's chain
the contiguous prefix that is old can go. It ends before the first entry that is not old, even when later ones
are (a backdated row makes no hole), and before the tenant's last entry that is not a prune marker, so that no
chain ever loses its head. A prefix of nothing but markers is left: a marker alone is no reason for a new
marker. A tenant with an error finding, or with a start that nothing proves and nobody accepted, keeps all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from peewee import SQL, BaseQuery, fn

from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.pruning import LeftAlone, Prefix
from app.services.chain.rules import COLUMNS, MARKER_EVENT, SECONDS_LIMIT, end_is_lost
from app.services.retention import other_tables
from app.services.retention.clock import NO_FACTS, ClockDoubt, ClockFacts, find_doubt, utc_time
from app.services.retention.other_tables import NOTHING_ELSE, OtherTables, Skipped, find_others, is_old
from models import schema
from models.engine import Database, raw
from models.errors import InvalidInput, NotAllowed
from models.progress import Stop
from models.status import DEFAULT_RETENTION_DAYS, SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry

TABLES: Final = ("audit_chain", "notifications", "planning_runs", "planning_artifacts")
"""What retention removes from; what their foreign keys delete along is counted beside them."""

_NEEDED: Final = {"audit_chain": COLUMNS, **other_tables.NEEDED}
"""The columns without which nothing can be said of a table."""

_DAY: Final = 86_400
_CHAIN: Final = "audit_chain"
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


TryCheckpoint = Callable[[Reason | None, Stop], Attempt]
"""`chain.checkpoints.making.try_to_sign` for the open file; without a reason it only verifies."""


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
class Plan:
    """What goes at `cutoff` and what stays although it is old. Made at `now`; both in epoch seconds.

    `counts` are the rows that go, by table. `left` names the tenants whose entries stay, `skipped` what stays
    in other tables, each with the reason. `doubt` is why the clock is in doubt. `no_checkpoint` is why no
    checkpoint can be made before, as far as that is known yet, and `obstacle` why nothing at all can be
    removed.
    """

    now: int
    cutoff: int
    counts: dict[str, int]
    shares: tuple[TenantShare, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    doubt: ClockDoubt | None = None
    no_checkpoint: str | None = None
    obstacle: str | None = None
    has_chain: bool = True
    others: OtherTables = NOTHING_ELSE

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def majority(self) -> tuple[TenantShare, ...]:
        """The tenants that would lose more than half of their live entries."""
        return tuple(share for share in self.shares if share.is_majority)

    @property
    def is_complete(self) -> bool:
        """Whether all that is old goes."""
        return not (self.left or self.skipped or self.obstacle)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --dry-run --json`."""
        found = outcome(self.cutoff, self.counts, self.left, self.skipped, self.doubt, dry_run=True)
        return found if self.obstacle is None else found | {"obstacle": self.obstacle}


def outcome(
    cutoff: int,
    removed: dict[str, int],
    left: Sequence[LeftAlone],
    skipped: Sequence[Skipped],
    doubt: ClockDoubt | None,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """What plan and result say alike as JSON; `left`, `skipped` and `clockDoubt` where there are any."""
    found: dict[str, Any] = {"cutoff": cutoff, "dryRun": dry_run, "removed": dict(removed)}
    if left:
        found["left"] = [one.to_json() for one in left]
    if skipped:
        found["skipped"] = [one.to_json() for one in skipped]
    if doubt is not None:
        found["clockDoubt"] = doubt.sentence(utc_time)
    return found


def plan(
    database: Database,
    *,
    now: int,
    days: int = DEFAULT_RETENTION_DAYS,
    facts: ClockFacts = NO_FACTS,
    checkpoint: TryCheckpoint,
    cancelled: Stop = lambda: False,
) -> Plan:
    """Finds what a run would remove; verifies the chains if there is anything. The caller has a connection.

    Nothing is changed or signed. Raises `InvalidInput` for a negative number of days, `NotAllowed` where a
    view or trigger stands in for a table, `Cancelled` and the storage errors.
    """
    if days < 0:
        raise InvalidInput("days", "The retention period is a number of days, not less than 0.")
    cutoff = now - days * _DAY
    tables, skipped = _usable(schema.inspect(database))
    has_chain = _CHAIN in tables
    doubt = find_doubt(database, now, facts, has_chain=has_chain)
    shares, left = find_prefixes(database, cutoff) if has_chain else ((), ())
    others = find_others(database, cutoff, tables)
    counts, kept = others.count(database)
    found = Plan(
        now=now,
        cutoff=cutoff,
        counts=dict.fromkeys(TABLES, 0) | counts,
        shares=shares,
        left=left,
        skipped=(*skipped, *kept),
        doubt=doubt,
        has_chain=has_chain,
        others=others,
    )
    found = found if any(counts.values()) else _without_incidental(found)
    found = _counted(found)
    if not (found.total and has_chain):
        return found
    obstacle = lost_end(database)
    if obstacle is not None:
        return replace(found, counts=dict.fromkeys(TABLES, 0), shares=(), obstacle=obstacle)
    attempt = checkpoint(None, cancelled)
    shares, held = hold_back(found.shares, attempt)
    stopped = {one.tenant_id for one in held}
    left = (*(one for one in left if one.tenant_id not in stopped), *held)
    found = replace(found, shares=shares, left=left, no_checkpoint=attempt.missing)
    return _counted(found if any(counts.values()) else _without_incidental(found))


def hold_back(
    shares: Iterable[TenantShare], attempt: Attempt
) -> tuple[tuple[TenantShare, ...], tuple[LeftAlone, ...]]:
    """The shares that may go by a verification, and the tenants that it stops, each with its reason.

    A tenant with an error is named although nothing of it would go: nobody is told that all is well.
    """
    going: list[TenantShare] = []
    held: list[LeftAlone] = []
    for share in shares:
        reason = attempt.held.get(share.tenant_id, attempt.stops)
        if reason is None:
            going.append(share)
        else:
            held.append(LeftAlone(share.tenant_id, share.first_seq, reason))
    others = attempt.broken - {one.tenant_id for one in held}
    held += (LeftAlone(tenant, None, attempt.held[tenant]) for tenant in sorted(others))
    return tuple(going), tuple(held)


def lost_end(database: Database) -> str | None:
    """Why nothing may be appended: a marker would take the number of a last entry that somebody removed, and
    hide that it was there. A table without any row may be what the platform's own cleanup left.
    """
    rows = database.rows(raw("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"))
    if not rows:
        return None
    lasts, counters = database.read_batch(
        [
            AuditEntry.select(fn.MAX(AuditEntry.seq)).tuples(),
            raw("SELECT seq FROM sqlite_sequence WHERE name = 'audit_chain'"),
        ]
    )
    last, counter = lasts[0][0], counters[0][0] if counters else None
    if not end_is_lost(counter, last):
        return None
    return (
        f"The file has numbered audit entries up to {counter:,}, but its last one is {last:,}: those after "
        "it were removed. Nothing can be removed now; verify the chain, and restore them first."
    )


def _usable(found: schema.Schema) -> tuple[frozenset[str], tuple[Skipped, ...]]:
    """The tables that can be judged, and what is skipped because a column that this needs is not there."""
    if found.impostors:
        raise NotAllowed(
            f"This file holds {', '.join(found.impostors)}, which could change what a removal means; "
            "nothing was removed."
        )
    skipped = {
        table: f"{table} has no column {missing[0]}, so what is old in it cannot be told."
        for table in TABLES
        if table in found.columns
        and (missing := [name for name in _NEEDED[table] if name not in found.columns[table]])
    }
    if "planning_artifacts" in skipped and "planning_runs" not in skipped:
        skipped["planning_runs"] = "Which artifacts belong to a run cannot be told, so the runs stay."
    tables = frozenset(table for table in TABLES if table in found.columns and table not in skipped)
    return tables, tuple(Skipped(table, None, reason) for table, reason in skipped.items())


def _without_incidental(found: Plan) -> Plan:
    return found if any(not share.incidental for share in found.shares) else replace(found, shares=())


def _counted(found: Plan) -> Plan:
    return replace(found, counts=found.counts | {_CHAIN: sum(share.rows for share in found.shares)})


def find_prefixes(database: Database, cutoff: int) -> tuple[tuple[TenantShare, ...], tuple[LeftAlone, ...]]:
    """Each tenant's old prefix, and the tenants that cannot be judged; nothing is proven or changed."""
    kept, own, tenants = database.read_batch(
        [
            AuditEntry.select(AuditEntry.seq)
            .where(~is_old(AuditEntry.created_at, cutoff))
            .order_by(AuditEntry.seq)
            .limit(1)
            .tuples(),
            AuditEntry.select(AuditEntry.tenant_id.cast("BLOB"), AuditEntry.event_type, AuditEntry.seq)
            .where(AuditEntry.event_type.in_([MARKER_EVENT, *(kind.value for kind in _REPORTS)]))
            .tuples(),
            raw(_TENANTS),
        ]
    )
    markers: defaultdict[str, set[int]] = defaultdict(set)
    reports: set[int] = set()
    for name, kind, seq in own:
        tenant = name.decode(errors="replace")
        if kind == MARKER_EVENT:
            markers[tenant].add(seq)
        elif tenant == SYSTEM_TENANT:
            reports.add(seq)
    readable: list[str] = []
    left: list[LeftAlone] = []
    for name, kind in tenants:
        tenant = name.decode(errors="replace")
        if kind == "text" and tenant.encode() == name:
            readable.append(tenant)
        else:
            left.append(LeftAlone(tenant, None, "The tenant's name is not readable text."))
    prefixes: list[TenantShare] = []
    first_kept = kept[0][0] if kept else None
    for facts in _facts(database, readable, markers):
        prefix, problem = _prefix(database, facts, cutoff, first_kept)
        if problem is not None:
            left.append(problem)
        if prefix is not None:
            seqs = sum(seq <= prefix.last_seq for seq in reports | facts.markers)
            is_incidental = facts.tenant == SYSTEM_TENANT and seqs == prefix.rows
            prefixes.append(replace(prefix, incidental=is_incidental))
    return tuple(prefixes), tuple(left)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Of one tenant: its first seq, the last that is no prune marker, and how many entries it has.

    `markers` are the seqs of its prune markers.
    """

    tenant: str
    markers: set[int]
    first: int
    head: int | None
    total: int


def _facts(database: Database, tenants: Sequence[str], markers: Mapping[str, set[int]]) -> list[_Facts]:
    """From one snapshot, for each tenant."""
    queries: list[BaseQuery] = []
    for tenant in tenants:
        of_tenant = AuditEntry.select().where(AuditEntry.tenant_id == tenant)
        newest = of_tenant.select(AuditEntry.seq).order_by(AuditEntry.seq.desc())
        queries += [
            of_tenant.select(fn.MIN(AuditEntry.seq), fn.COUNT(SQL("*"))).tuples(),
            newest.limit(len(markers[tenant]) + 1).tuples(),
        ]
    rows = iter(database.read_batch(queries) if queries else [])
    found = []
    for tenant, ((first, total),), seqs in zip(tenants, rows, rows, strict=True):
        head = next((seq for (seq,) in seqs if seq not in markers[tenant]), None)
        found.append(_Facts(tenant, markers[tenant], first, head, total))
    return found


def _prefix(
    database: Database, facts: _Facts, cutoff: int, first_kept: int | None
) -> tuple[TenantShare | None, LeftAlone | None]:
    if facts.head is None:
        return None, None
    of_tenant = AuditEntry.tenant_id == facts.tenant
    stop, problem = facts.head, None
    # Everything before `first_kept` is old, whoever's it is: the walk through the index starts there.
    if first_kept is not None and first_kept <= stop:
        found = database.rows(
            AuditEntry.select(AuditEntry.seq, fn.typeof(AuditEntry.created_at), AuditEntry.created_at)
            .where(of_tenant, AuditEntry.seq >= first_kept, ~is_old(AuditEntry.created_at, cutoff))
            .order_by(AuditEntry.seq)
            .limit(1)
            .tuples()
        )
        if found and found[0][0] <= stop:
            stop = found[0][0]
            problem = _unit_problem(facts.tenant, *found[0])
    before = AuditEntry.select(fn.COUNT(SQL("*")), fn.MAX(AuditEntry.seq))
    rows, last_seq = database.rows(before.where(of_tenant, AuditEntry.seq < stop).tuples())[0]
    losing = rows - sum(seq < stop for seq in facts.markers)
    if losing == 0:
        return None, problem
    live = facts.total - len(facts.markers)
    return TenantShare(facts.tenant, facts.first, last_seq, rows, live, losing), problem


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
