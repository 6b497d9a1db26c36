"""What retention would remove, found once: it is counted, shown, confirmed and carried out as it was found.

An audit entry is old when its `created_at` is an integer of seconds before the cutoff. Of each tenant's chain
the contiguous prefix that is old can go. It ends before the first entry that is not old, even when later ones
are (a backdated row makes no hole), and before the tenant's last entry that is not a prune marker, so that no
chain ever loses its head. A prefix of nothing but markers is left: a marker alone is no reason for a new
marker. A tenant with an error finding, or with a start that nothing proves and nobody accepted, keeps all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peewee import SQL, fn

from app.services.chain.append import has_chain, unknown_tenant
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.numbering import caution
from app.services.chain.pruning import LeftAlone, Prefix
from app.services.chain.reading import last_numbers
from app.services.chain.rules import COLUMNS, HIGHEST_SEQ, MARKER_EVENT, SECONDS_LIMIT, end_is_lost
from app.services.records.dependents import followed
from app.services.records.tables import AUDIT_CHAIN, PLANNING_ARTIFACTS, PLANNING_RUNS
from app.services.retention import other_tables
from app.services.retention.clock import NO_FACTS, ClockDoubt, ClockFacts, find_doubt, utc_time
from app.services.retention.other_tables import NOTHING_ELSE, OtherTables, Skipped, find_others, is_old
from app.services.text import counted
from models import schema
from models.engine import Database, raw, sql_name
from models.errors import InvalidInput, NotAllowed, Refused, TenantAdminError
from models.progress import Stop, never
from models.status import DAY, DEFAULT_RETENTION_DAYS, SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry

_CHAIN: Final = AUDIT_CHAIN.name

_NEEDED: Final = {_CHAIN: COLUMNS, **other_tables.NEEDED}
"""The columns without which nothing can be said of a table."""

TABLES: Final = tuple(_NEEDED)
"""What retention removes from; what their foreign keys delete along is counted beside them."""

MOST_DAYS: Final = SECONDS_LIMIT // DAY
"""No time that counts as one in seconds is longer ago."""

_REPORTS: Final = (AuditEvent.RETENTION_COMPLETED, AuditEvent.RETENTION_FAILED)

TryCheckpoint = Callable[..., Attempt]
"""`chain.checkpoints.making.try_to_sign` for the open file, given `reason`, `cancelled`, `before`."""


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

    `beside` counts the rows that go from other tables than the audit chain, of which the `shares` go, and
    `changed` those that lose what they refer to by that. `left` names the tenants whose entries stay,
    `skipped` what stays in other tables, each with the reason. `doubt` is why the clock is in doubt,
    `caution` what a person should know before a run is recorded, `obstacle` why nothing at all can be
    removed. `attempt` is what the chains' verification said, None where there was no reason for one; it
    counts while the file is `untouched()`.
    """

    now: int
    cutoff: int
    beside: dict[str, int]
    shares: tuple[TenantShare, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    doubt: ClockDoubt | None = None
    obstacle: str | None = None
    has_chain: bool = True
    changed: dict[str, int] = field(default_factory=dict)
    caution: str | None = None
    others: OtherTables = NOTHING_ELSE
    attempt: Attempt | None = field(default=None, repr=False)
    untouched: Callable[[], bool] = field(default=never, repr=False, compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """The rows that go, by table."""
        entries = sum(share.rows for share in self.shares)
        return dict.fromkeys(TABLES, 0) | self.beside | {_CHAIN: entries}

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def majority(self) -> tuple[TenantShare, ...]:
        """The tenants that would lose more than half of their live entries."""
        return tuple(share for share in self.shares if share.is_majority)

    @property
    def no_checkpoint(self) -> str | None:
        """Why no checkpoint can be made before, as far as that is known yet."""
        return None if self.attempt is None else self.attempt.missing

    @property
    def in_milliseconds(self) -> bool:
        """Whether more is old if the times that seem to be in milliseconds are."""
        return any(one.in_milliseconds for one in self.left) or any(
            one.in_milliseconds for one in self.skipped
        )

    @property
    def is_complete(self) -> bool:
        """Whether all that is old goes."""
        return not (self.left or self.skipped or self.obstacle)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --dry-run --json`."""
        found = {"cutoff": self.cutoff, "dryRun": True, "removed": self.counts}
        found |= changes(self.changed) | stays(self.left, self.skipped) | in_doubt(self.doubt)
        if self.majority:
            found["majority"] = [
                {"tenant": share.tenant_id, "losing": share.losing, "live": share.live}
                for share in self.majority
            ]
        if self.no_checkpoint is not None:
            found["noCheckpoint"] = self.no_checkpoint
        if self.total and not self.has_chain:
            found["unrecorded"] = True
        return found if self.obstacle is None else found | {"obstacle": self.obstacle}


def stays(left: Sequence[LeftAlone], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """What is old and stays, as JSON; nothing where all goes."""
    said: dict[str, Sequence[LeftAlone | Skipped]] = {"left": left, "skipped": skipped}
    return {name: [one.to_json() for one in those] for name, those in said.items() if those}


def changes(changed: Mapping[str, int]) -> dict[str, Any]:
    """How many rows of which tables lose what they refer to, as JSON."""
    return {"changed": dict(changed)} if changed else {}


def in_doubt(doubt: ClockDoubt | None) -> dict[str, str]:
    """The same of a clock."""
    return {} if doubt is None else {"clockDoubt": doubt.sentence(utc_time)}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person has said to the plan that they were shown.

    `majority` are the tenants that may lose more than half of their entries, `clock` is the doubt in spite of
    which the clock is right; `unrecorded` that the run may be recorded nowhere, where there is no chain.
    """

    majority: frozenset[str] = frozenset()
    clock: ClockDoubt | None = None
    without_checkpoint: bool = False
    unrecorded: bool = False

    @classmethod
    def to(
        cls,
        plan: Plan,
        *,
        majority: bool = False,
        clock: bool = False,
        without_checkpoint: bool = False,
        unrecorded: bool = False,
    ) -> "Confirmation":
        """Agrees to what this very plan asks about."""
        tenants = frozenset(share.tenant_id for share in plan.majority) if majority else frozenset()
        return cls(tenants, plan.doubt if clock else None, without_checkpoint, unrecorded)


NOTHING_CONFIRMED: Final = Confirmation()


class NeedsConfirmation(TenantAdminError):
    """More than half of a tenant's live entries would go, and nobody has said that this is meant."""

    def __init__(self, shares: Sequence[TenantShare]) -> None:
        self.tenants = tuple(share.tenant_id for share in shares)
        first = shares[0]
        more = f" and of {counted(len(shares) - 1, 'more tenant')}" if shares[1:] else ""
        super().__init__(
            f"More than half of the audit entries of {first.tenant_id} ({first.losing:,} of {first.live:,})"
            f"{more} would be removed; nothing was removed. Check the clock and the retention period, "
            "then confirm."
        )


def plan(
    database: Database,
    *,
    now: int,
    days: int = DEFAULT_RETENTION_DAYS,
    facts: ClockFacts = NO_FACTS,
    milliseconds: bool = False,
    checkpoint: TryCheckpoint,
    cancelled: Stop = never,
) -> Plan:
    """Finds what a run would remove; verifies the chains if there is anything. The caller has a connection.

    With `milliseconds`, which a person has to say, times that can only be in milliseconds are read so.
    Nothing is changed or signed. Raises `InvalidInput` for a number of days that is no period, `NotAllowed`
    where a view or trigger stands in for a table, `Cancelled` and the storage errors.
    """
    if not 0 <= days <= MOST_DAYS:
        raise InvalidInput(
            "days", f"The retention period is a number of days, not less than 0 and not above {MOST_DAYS:,}."
        )
    cutoff = now - days * DAY
    untouched = database.watch()
    tables, skipped = _usable(database)
    usable = _CHAIN in tables
    doubt = find_doubt(database, now, facts, has_chain=usable)
    shares, left = find_prefixes(database, cutoff, milliseconds=milliseconds) if usable else ((), ())
    others = find_others(database, cutoff, tables, milliseconds=milliseconds)
    count = others.count(database)
    beside = count.removed
    found = Plan(
        now,
        cutoff,
        beside,
        shares=_due(shares, beside),
        left=left,
        skipped=(*skipped, *count.skipped),
        doubt=doubt,
        has_chain=usable,
        changed=count.changed,
        others=others,
    )
    if not found.total:
        return _cautioned(database, found)
    attempt = checkpoint(reason=None, cancelled=cancelled) if usable else None
    obstacle = (
        _unusable_chain(database, skipped) if attempt is None else cannot_record(database, found, attempt)
    )
    if obstacle is not None:
        return replace(found, beside={}, changed={}, shares=(), obstacle=obstacle)
    if attempt is None:
        return found
    shares, held = hold_back(found.shares, attempt)
    stopped = {one.tenant_id for one in held}
    left = (*(one for one in left if one.tenant_id not in stopped), *held)
    found = replace(found, shares=_due(shares, beside), left=left, attempt=attempt, untouched=untouched)
    return _cautioned(database, found)


def _cautioned(database: Database, found: Plan) -> Plan:
    """With what there is to know of the numbers that the markers and the report take, or will another day."""
    order = [*(share.tenant_id for share in found.shares), SYSTEM_TENANT]
    return replace(found, caution=caution(database, order)) if found.has_chain else found


def _due(shares: tuple[TenantShare, ...], beside: dict[str, int]) -> tuple[TenantShare, ...]:
    """The shares, unless retention's own reports are all that would go."""
    return shares if any(beside.values()) or not all(share.incidental for share in shares) else ()


def hold_back(
    shares: Iterable[TenantShare], attempt: Attempt
) -> tuple[tuple[TenantShare, ...], tuple[LeftAlone, ...]]:
    """The shares that may go by a verification, and the tenants that it stops, each with its reason.

    A tenant with an error is named although nothing of it would go: nobody is told that all is well.
    """
    going: list[TenantShare] = []
    left: list[LeftAlone] = []
    held, stops = attempt.held, attempt.stops
    for share in shares:
        reason = held.get(share.tenant_id, stops)
        if reason is None:
            going.append(share)
        else:
            left.append(LeftAlone(share.tenant_id, share.first_seq, reason))
    others = attempt.broken - {one.tenant_id for one in left}
    left += (LeftAlone(tenant, None, held[tenant]) for tenant in sorted(others))
    return tuple(going), tuple(left)


def cannot_record(database: Database, plan: Plan, attempt: Attempt | None) -> str | None:
    """Why no removal can be recorded, so that none may begin; by what the `attempt` found to be known."""
    counter, last = last_numbers(database)
    accepted = 0 if attempt is None else attempt.known.counted
    return (
        _lost_end(counter, last, accepted)
        or _used_up(counter, len(plan.shares) + 1)  # a marker each, and the report
        or unknown_tenant(database, SYSTEM_TENANT)
    )


def _used_up(counter: Any, entries: int) -> str | None:
    """Why so many entries more find no number."""
    left = HIGHEST_SEQ - counter if isinstance(counter, int) else entries
    if left >= entries:
        return None
    return (
        f"The file has numbered audit entries up to {counter:,}, so {counted(left, 'number')} can be given "
        f"yet, and what is removed takes {entries:,}. Verify the chain; restore a copy from before that "
        "entry."
    )


def _lost_end(counter: Any, last: int | None, accepted: int) -> str | None:
    """Why nothing may be appended: a marker would hide that somebody removed the last entries, numbered
    behind what a person `accepted`. A table without any row may be what the platform's own cleanup left.
    """
    if last is None or not end_is_lost(counter, max(last, accepted)):
        return None
    return (
        f"The file has numbered audit entries up to {counter:,}, but its last one is {last:,}: those after "
        "it were removed. Nothing can be removed now; verify the chain, and restore them first."
    )


def _unusable_chain(database: Database, skipped: Sequence[Skipped]) -> str | None:
    """Why nothing may be removed from a file with a chain that takes no entry. One without any may go on."""
    if not has_chain(database):
        return None
    why = next((one.reason for one in skipped if one.table == _CHAIN), f"{_CHAIN} is no table.")
    return f"What is removed could not be recorded. {why}"


def _usable(database: Database) -> tuple[frozenset[str], tuple[Skipped, ...]]:
    """The tables that can be judged, and what is skipped because a column that this needs is not there."""
    found = schema.inspect(database)
    if found.impostors:
        raise NotAllowed(
            f"This file holds {', '.join(found.impostors)}, which could change what a removal means; "
            "nothing was removed."
        )
    skipped = {
        table: f"{table} has no column {missing[0]}, so what is old in it cannot be told."
        for table, columns in _NEEDED.items()
        if table in found.columns
        and (missing := [name for name in columns if name not in found.columns[table]])
    }
    stored, _ = schema.read_stored(database)
    for table in other_tables.RECORDS:
        if table in stored and stored[table].row_key is None:
            reason = f"In {table} no single column tells all rows apart, so nothing here removes from it."
            skipped.setdefault(table, reason)
    going = [(table, table) for table in other_tables.RECORDS]
    for table, gone in [*going, (PLANNING_RUNS.name, PLANNING_ARTIFACTS.name)]:
        try:
            database.read_batch([followed(gone)] if gone in stored else [])
        except Refused as error:
            skipped.setdefault(table, f"Nothing can be removed from {gone}. {error.happened}")
    if PLANNING_ARTIFACTS.name in skipped and PLANNING_RUNS.name not in skipped:
        skipped[PLANNING_RUNS.name] = "Which artifacts belong to a run cannot be told, so the runs stay."
    tables = frozenset(table for table in TABLES if table in found.columns and table not in skipped)
    return tables, tuple(Skipped(table, None, reason) for table, reason in skipped.items())


def find_prefixes(
    database: Database, cutoff: int, *, milliseconds: bool = False
) -> tuple[tuple[TenantShare, ...], tuple[LeftAlone, ...]]:
    """Each tenant's old prefix, and the tenants that cannot be judged; nothing is proven or changed."""
    old = is_old(AuditEntry.created_at, cutoff, milliseconds=milliseconds)
    tenants = schema.find_tenants(database, [_CHAIN])
    kept, own = database.read_batch(
        [
            AuditEntry.select(AuditEntry.seq).where(~old).order_by(AuditEntry.seq).limit(1).tuples(),
            AuditEntry.select(AuditEntry.tenant_id.cast("BLOB"), AuditEntry.event_type, AuditEntry.seq)
            .where(AuditEntry.event_type.in_([MARKER_EVENT, *(kind.value for kind in _REPORTS)]))
            .tuples(),
        ]
    )
    first_kept = kept[0][0] if kept else None
    referred = first_referred(database)
    markers: defaultdict[str, set[int]] = defaultdict(set)
    reports: set[int] = set()
    for name, kind, seq in own:
        tenant = name.decode(errors="replace")
        if kind == MARKER_EVENT:
            markers[tenant].add(seq)
        elif tenant == SYSTEM_TENANT:
            reports.add(seq)
    prefixes: list[TenantShare] = []
    left: list[LeftAlone] = []
    for name, kind in tenants:
        tenant = name.decode(errors="replace")
        if kind != "text" or tenant.encode() != name:
            shown = name.decode(errors="backslashreplace")  # as a verification names it
            left.append(LeftAlone(shown, None, "The tenant's name is not readable text."))
            continue
        prefix, problem = _prefix(
            database, tenant, markers[tenant], old, cutoff, first_kept, referred.get(tenant)
        )
        if problem is not None:
            left.append(problem)
        if prefix is not None:
            seqs = sum(seq <= prefix.last_seq for seq in reports | markers[tenant])
            is_incidental = tenant == SYSTEM_TENANT and seqs == prefix.rows
            prefixes.append(replace(prefix, incidental=is_incidental))
    try:
        database.read_batch([followed(_CHAIN)] if prefixes else [])
    except Refused as error:
        return (), (*left, *(LeftAlone(one.tenant_id, one.first_seq, error.happened) for one in prefixes))
    return tuple(prefixes), tuple(left)


def first_referred(database: Database) -> dict[str, LeftAlone]:
    """Of each tenant the first entry that rows refer to by a foreign key, and why it stays for that.

    Whatever the key's ON DELETE says: what would go or change along with an entry is in no plan.
    """
    stored, _ = schema.read_stored(database)
    found: dict[str, LeftAlone] = {}
    for key in stored[_CHAIN].referring:
        if len(key.columns) != len(key.parent_columns):  # which SQLite cannot follow
            continue
        here, there = (", ".join(map(sql_name, names)) for names in (key.parent_columns, key.columns))
        is_set = " AND ".join(f"{sql_name(name)} IS NOT NULL" for name in key.columns)
        query = raw(
            f"SELECT CAST(tenant_id AS BLOB), min(seq) FROM main.{sql_name(_CHAIN)} WHERE ({here}) IN "  # noqa: S608
            f"(SELECT {there} FROM main.{sql_name(key.table)} WHERE {is_set}) GROUP BY tenant_id"
        )
        for name, seq in database.rows(query):
            tenant = name.decode(errors="replace")
            if tenant not in found or seq < (found[tenant].seq or seq):
                reason = f"Rows of {key.table} refer to entry {seq:,}, so it and what follows it stays."
                found[tenant] = LeftAlone(tenant, seq, reason)
    return found


def _prefix(  # noqa: PLR0917 - what is looked for, each once
    database: Database,
    tenant: str,
    markers: set[int],
    old: Any,
    cutoff: int,
    first_kept: int | None,
    referred: LeftAlone | None,
) -> tuple[TenantShare | None, LeftAlone | None]:
    """What of a tenant can go, and what is odd about its end. `markers` are the seqs of its own, `referred`
    is its first entry that something refers to.
    """
    of_tenant = AuditEntry.tenant_id == tenant
    ((first, total),), newest = database.read_batch(
        [
            AuditEntry.select(fn.MIN(AuditEntry.seq), fn.COUNT(SQL("*"))).where(of_tenant).tuples(),
            AuditEntry.select(AuditEntry.seq)
            .where(of_tenant)
            .order_by(AuditEntry.seq.desc())
            .limit(len(markers) + 1)
            .tuples(),
        ]
    )
    stop, problem = next((seq for (seq,) in newest if seq not in markers), None), None
    if stop is None:
        return None, None
    # Everything before `first_kept` is old, whoever's it is: the walk through the index starts there.
    if first_kept is not None and first_kept <= stop:
        found = database.rows(
            AuditEntry.select(AuditEntry.seq, fn.typeof(AuditEntry.created_at), AuditEntry.created_at)
            .where(of_tenant, AuditEntry.seq >= first_kept, ~old)
            .order_by(AuditEntry.seq)
            .limit(1)
            .tuples()
        )
        if found and found[0][0] <= stop:
            stop = found[0][0]
            problem = _undated(database, tenant, cutoff, *found[0])
    if referred is not None and referred.seq is not None and referred.seq < stop:
        stop, problem = referred.seq, referred
    before = AuditEntry.select(fn.COUNT(SQL("*")), fn.MAX(AuditEntry.seq))
    rows, last_seq = database.rows(before.where(of_tenant, AuditEntry.seq < stop).tuples())[0]
    losing = rows - sum(seq < stop for seq in markers)
    if losing == 0:
        return None, problem
    return TenantShare(tenant, first, last_seq, rows, total - len(markers), losing), problem


def _undated(  # noqa: PLR0917 - what a row says
    database: Database, tenant: str, cutoff: int, seq: int, kind: str, value: Any
) -> LeftAlone | None:
    """What is odd about the time of the first entry that is not old, if that is why it is not."""
    if kind != "integer":
        reason = f"The time of entry {seq:,} is not a whole number, so nothing from there on can be judged."
        return LeftAlone(tenant, seq, reason)
    at = AuditEntry.created_at
    if not SECONDS_LIMIT <= value < cutoff * 1000:
        return None
    query = AuditEntry.select(fn.COUNT(SQL("*"))).where(
        AuditEntry.tenant_id == tenant, AuditEntry.seq >= seq, is_old(at, cutoff, milliseconds=True)
    )
    reason = (
        f"The time of entry {seq:,} seems to be in milliseconds; from there on "
        f"{counted(int(database.scalar(query.tuples())), 'entry', 'entries')} would be old if it is."
    )
    return LeftAlone(tenant, seq, reason, in_milliseconds=True)
