"""What retention would remove, found once: counted, shown, confirmed and carried out as it was found."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from peewee import BaseQuery

from app.services.chain import rules
from app.services.chain.append import (
    GUARDED,
    NEWEST,
    Event,
    Numbering,
    barred,
    has_chain,
    unfit,
    unknown_tenant,
)
from app.services.chain.checkpoints.gone import NOTE
from app.services.chain.checkpoints.making import Attempt, to_read
from app.services.chain.pruning import GROUP, LeftAlone, Part, marker_of
from app.services.chain.reading import last_numbers
from app.services.chain.verify.report import EVERYTHING
from app.services.opened import Opened
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, PLANNING_ARTIFACTS, PLANNING_RUNS
from app.services.records.unaltered import followed
from app.services.retention import other_tables
from app.services.retention.clock import NO_FACTS, ClockDoubt, ClockFacts, cutoff_at, find_doubt
from app.services.retention.other_tables import NOTHING_ELSE, OtherTables, Skipped, find_others
from app.services.retention.prefixes import TenantShare, find_prefixes
from app.services.text import counted, some_of, tenant_name
from models import engine, errors, progress, schema, status
from models.tables import AuditEntry

_CHAIN: Final = AUDIT_CHAIN.name

_NEEDED: Final = {_CHAIN: rules.COLUMNS, **other_tables.NEEDED}
"""The columns without which nothing can be said of a table."""

TABLES: Final = tuple(_NEEDED)
"""What retention removes from; what their foreign keys delete along is counted beside them."""

_NUMBERING: Final = 4
_TO_FIND: Final = 5
_OLD: Final = {_CHAIN: 2, NOTIFICATIONS.name: 5, PLANNING_RUNS.name: 8, PLANNING_ARTIFACTS.name: 2}
"""About how often finding a plan reads each of the newest entries and each tenant's ends; and how often a row
that is old, and may go, once more (measured, as what follows).
"""
_GOING: Final = 2
_BESIDE: Final = {NOTIFICATIONS.name: 7, PLANNING_RUNS.name: 27}
_ELSE_BESIDE: Final = 9
_ARCHIVED: Final = 2
_TENANTS: Final = 10
_FEW: Final = 400
"""About how often a run reads an entry that goes, a row that does of these other tables and of the rest, and
an entry again where it is archived; how many rows for each tenant, to sign and to prune, and in any case.
"""

MOST_DAYS: Final = rules.SECONDS_LIMIT // status.DAY
"""No time that counts as one in seconds is longer ago."""

TryCheckpoint = Callable[..., Attempt]
"""`chain.checkpoints.making.try_to_sign` for the open file, given `reason`, `monitor`, `before`."""


_UNFINISHED: Final = (
    "The previous data retention did not finish: the audit chain has no report of what it removed. A new "
    "run continues from there, unless that one is still running elsewhere."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes at `cutoff` and what stays although it is old. Made at `now`; both in epoch seconds.

    `beside` counts the rows that go from other tables than the audit chain, of which the `shares` go, and
    `changed` those that lose what they refer to by that. `left` names the tenants whose entries stay,
    `skipped` what stays in other tables, each with the reason. `doubt` is why the clock is in doubt,
    `unfinished` says that the run before has no report,
    `caution` what a person should know before a run is recorded in the `chain` of that tenant, `obstacle` why
    nothing at all can be removed. `attempt` is what the chains' verification said, None where there is no
    chain; it counts while the file is `untouched()`. `stored` are the tables by which it was planned.
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
    unfinished: str | None = None
    chain: str = status.SYSTEM_TENANT
    others: OtherTables = NOTHING_ELSE
    attempt: Attempt | None = field(default=None, repr=False)
    untouched: Callable[[], bool] = field(default=progress.never, repr=False, compare=False)
    stored: schema.StoredTables = field(default_factory=dict, repr=False, compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """The rows that go, by table."""
        entries = sum(share.entries for share in self.shares)
        return dict.fromkeys(TABLES, 0) | self.beside | {_CHAIN: entries}

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def recorded(self) -> int:
        """How many entries a run makes, at least: a marker of each share, one of each batch beside, and the
        report.
        """
        return len(self.shares) + sum(map(len, self.others.due.values())) + 1 if self.has_chain else 0

    @property
    def is_recorded(self) -> bool:
        """Whether a run may make an entry: of what goes, of what stays, or of one that did not finish."""
        return self.has_chain and bool(self.total or self.left or self.unfinished)

    @property
    def majority(self) -> tuple[TenantShare, ...]:
        """The tenants that would lose more than half of their live entries."""
        return tuple(share for share in self.shares if share.is_majority)

    @property
    def no_checkpoint(self) -> str | None:
        """Why no checkpoint can be made before, as far as that is known yet."""
        if self.attempt is None or self.obstacle is not None or not self.total:
            return None
        return unsigned(self.shares, self.beside, self.attempt)

    @property
    def in_milliseconds(self) -> bool:
        """Whether more is old if the times that seem to be in milliseconds are."""
        old: tuple[LeftAlone | Skipped, ...] = (*self.left, *self.skipped)
        return any(one.in_milliseconds for one in old)

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
        if self.unfinished is not None:
            found["unfinished"] = True
        return found if self.obstacle is None else found | {"obstacle": self.obstacle}


def stays(left: Sequence[LeftAlone], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """What is old and stays, as JSON; nothing where all goes."""
    said: dict[str, Sequence[LeftAlone | Skipped]] = {"left": left, "skipped": skipped}
    return {name: [one.to_json() for one in those] for name, those in said.items() if those}


def told(
    actor: str,
    cutoff: int,
    removed: Mapping[str, int],
    changed: Mapping[str, int],
    *,
    trusted: bool,
    bookmark: str | None = None,
) -> dict[str, Any]:
    """What an entry tells of rows that went, and of those that lost what they referred to: by a clock that
    was in doubt and `trusted`, with a `bookmark` of what was there before.
    """
    payload = {"actor": actor, "cutoff": cutoff, "removed": removed} | changes(changed)
    if trusted:
        payload["trustedClock"] = True
    if bookmark is not None:
        payload["bookmark"] = bookmark
    return payload


def changes(changed: Mapping[str, int]) -> dict[str, Any]:
    """How many rows of which tables lose what they refer to, as JSON."""
    return {"changed": dict(changed)} if changed else {}


def in_doubt(doubt: ClockDoubt | None) -> dict[str, Any]:
    """The same of a clock."""
    return {} if doubt is None else doubt.to_json()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person has said to the plan that they were shown.

    `majority` are the tenants that may lose more than half of their entries, `clock` is the doubt in spite of
    which the clock is right; `unrecorded` that the run may be recorded nowhere, where there is no chain;
    `without_bookmark` that it may go where none can be had of what is there.
    """

    majority: frozenset[str] = frozenset()
    clock: ClockDoubt | None = None
    without_checkpoint: bool = False
    unrecorded: bool = False
    without_bookmark: bool = False

    @classmethod
    def to(
        cls,
        plan: Plan,
        *,
        majority: bool = False,
        clock: bool = False,
        without_checkpoint: bool = False,
        unrecorded: bool = False,
        without_bookmark: bool = False,
    ) -> "Confirmation":
        """Agrees to what this very plan asks about."""
        tenants = frozenset(share.tenant_id for share in plan.majority) if majority else frozenset()
        doubt = plan.doubt if clock else None
        return cls(tenants, doubt, without_checkpoint, unrecorded, without_bookmark)


NOTHING_CONFIRMED: Final = Confirmation()


class NeedsConfirmation(errors.TenantAdminError):
    """More than half of a tenant's live entries would go, and nobody has said that this is meant."""

    def __init__(self, shares: Sequence[TenantShare]) -> None:
        self.tenants = tuple(share.tenant_id for share in shares)
        first = shares[0]
        more = f" and of {counted(len(shares) - 1, 'more tenant')}" if shares[1:] else ""
        super().__init__(
            f"More than half of the audit entries of {tenant_name(first.tenant_id)} ({first.losing:,} of "
            f"{first.live:,}){more} would be removed; nothing was removed. Check the clock and the retention "
            "period, then confirm."
        )


@dataclass(frozen=True, slots=True)
class Reads:
    """About how many rows are read, as they are charged: to verify every `chain`, which holds, and to find a
    plan, at `least`, where nothing may go, and at `most`, where all does. There are so many `entries`, rows
    `beside` them by table, and `tenants`. Where entries are not found `by_index` alone, they are looked for
    past it.
    """

    chain: int = 0
    least: int = 0
    most: int = 0
    entries: int = 0
    beside: Mapping[str, int] = field(default_factory=dict)
    tenants: int = 0
    by_index: bool = True

    def to_carry_out(self, plan: Plan, *, archived: bool) -> int:
        entries = plan.counts[_CHAIN]
        return self._of_a_run(entries, plan.beside, len(plan.shares), archived=archived)

    def most_of_a_run(self, *, archived: bool) -> int:
        """What finding a plan and carrying it out reads where all goes."""
        return self.most + self._of_a_run(self.entries, self.beside, self.tenants, archived=archived)

    def _of_a_run(self, entries: int, beside: Mapping[str, int], tenants: int, *, archived: bool) -> int:
        """Each row that goes is proven, or looked for, archived and removed; a checkpoint is made before and
        after, and what remains of every chain is verified, with a marker for each of the `tenants`.
        """
        if not self.least:  # of a file
            return 0
        remaining = max(0, self.entries - entries) + tenants
        verified = round(remaining * self.chain / max(1, self.entries))
        going = (_GOING + _ARCHIVED * archived) * entries
        going += sum(_BESIDE.get(table, _ELSE_BESIDE) * rows for table, rows in beside.items())
        if not self.by_index:
            going += _GOING * entries + NEWEST * (3 + tenants // GROUP)
        return verified + going + _TENANTS * (self.tenants + tenants) + _FEW


def rows_to_read(opened: Opened, known_through: int = 0) -> Reads:
    """What finding a plan in a database reads; nothing of a file.

    Every chain is verified whole, and what is old, or refers to that, is looked for in each table.
    `known_through` as of `making.to_read`, as which it raises.
    """
    where, sizes = opened.where, opened.sizes
    if not where.costs:
        return Reads()
    tenants, entries = len(opened.tenants), sizes.get(_CHAIN, 0)
    chain = to_read(where, EVERYTHING, known_through) if _CHAIN in sizes else 0
    beside = {table: sizes.get(table, 0) for table in TABLES if table != _CHAIN}
    least = chain + _NUMBERING * min(entries, NEWEST) + _TO_FIND * tenants
    by_index = opened.database.trusts_indexes
    least += _FEW + (0 if by_index else chain)
    most = least + sum(_OLD[table] * sizes.get(table, 0) for table in TABLES)
    return Reads(chain, least, most, entries, beside, tenants, by_index)


def plan(
    database: engine.Database,
    *,
    now: int,
    days: int = status.DEFAULT_RETENTION_DAYS,
    facts: ClockFacts = NO_FACTS,
    milliseconds: bool = False,
    checkpoint: TryCheckpoint,
    monitor: progress.Monitor = progress.UNWATCHED,
) -> Plan:
    """Finds what a run would remove, and verifies the chains: nobody is told that all is well of one that
    does not hold because nothing in it is old. The caller has a connection.

    With `milliseconds`, which a person has to say, times that can only be in milliseconds are read so.
    Nothing is changed or signed. Raises `InvalidInput` for a number of days that is no period, `NotAllowed`
    where a view or trigger stands in for a table, `Cancelled` and the storage errors.
    """
    if not 0 <= days <= MOST_DAYS:
        raise errors.InvalidInput(
            "days", f"The retention period is a number of days, not less than 0 and not above {MOST_DAYS:,}."
        )
    with database.in_background(monitor.cancelled):
        return _plan(
            database,
            now,
            cutoff_at(now, days),
            facts,
            milliseconds=milliseconds,
            checkpoint=checkpoint,
            monitor=monitor,
        )


def _plan(
    database: engine.Database,
    now: int,
    cutoff: int,
    facts: ClockFacts,
    *,
    milliseconds: bool,
    checkpoint: TryCheckpoint,
    monitor: progress.Monitor,
) -> Plan:
    """As `plan`, of what is older than `cutoff`."""
    untouched = database.watch()
    tables, stored, skipped = _usable(database)
    usable = _CHAIN in tables
    numbering = Numbering(database)
    chain = numbering.told_in if usable else None
    doubt = find_doubt(database, now, facts, chain=chain)
    shares, left, unfinished = (
        find_prefixes(database, cutoff, stored, milliseconds=milliseconds) if usable else ((), (), set[str]())
    )
    others = find_others(stored, cutoff, tables, milliseconds=milliseconds).foreseen(database, stored)
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
        chain=status.SYSTEM_TENANT if chain is None else chain,
        others=replace(others, due=count.due),
        stored=stored,
    )
    # Nothing is signed where nothing goes, so no keyring is asked.
    is_gone = not (usable or has_chain(database))
    attempt = None
    if usable or is_gone:
        attempt = checkpoint(reason=None, signs=bool(found.total) and usable, monitor=monitor)
    if is_gone and (attempt is None or attempt.report is None):  # nothing was ever known of one
        attempt = None
    if attempt is not None and unfinished - attempt.broken:  # what a chain says that is broken proves nothing
        found = replace(found, unfinished=_UNFINISHED)
    if attempt is not None and found.chain in attempt.broken:
        found = replace(found, chain=status.SYSTEM_TENANT)
    if attempt is None:
        obstacle = _unusable_chain(database, skipped)
    else:
        obstacle = _gone(attempt) if is_gone else cannot_record(database, found, attempt)
    if attempt is not None and not found.total:
        obstacle = obstacle or attempt.stops  # which is said of each share else
    if obstacle is not None:
        _, named = ((), ()) if attempt is None else hold_back((), attempt)
        left = (*(one for one in left if one.tenant_id not in {held.tenant_id for held in named}), *named)
        nothing: dict[str, int] = {}
        found = replace(found, beside=nothing, changed=nothing, shares=(), left=left)
        return replace(found, attempt=attempt, obstacle=obstacle)
    if attempt is None:
        return found
    shares, held = hold_back(found.shares, attempt)
    stopped = {one.tenant_id for one in held}
    left = (*(one for one in left if one.tenant_id not in stopped), *held)
    found = replace(found, shares=_due(shares, beside), left=left, attempt=attempt, untouched=untouched)
    return _cautioned(numbering, found)


def _newest() -> BaseQuery:
    """The last number of all, also where nothing counts them."""
    return AuditEntry.select(AuditEntry.seq).order_by(AuditEntry.seq.desc()).limit(1).tuples()


def _cautioned(numbering: Numbering, found: Plan) -> Plan:
    """With what there is to know of the numbers that the markers and the report take, or will another day."""
    order = [*(share.tenant_id for share in found.shares), found.chain]
    return replace(found, caution=numbering.caution(order)) if found.has_chain else found


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


def unsigned(shares: Iterable[TenantShare], beside: Mapping[str, int], attempt: Attempt) -> str | None:
    """Why what goes is in no checkpoint, or goes beside chains of which none speaks."""
    ends = {share.tenant_id: share.last_seq for share in shares}
    return attempt.why_not_of(ends, others=any(beside.values()))


def cannot_record(database: engine.Database, plan: Plan, attempt: Attempt | None) -> str | None:
    """Why no removal can be recorded, so that none may begin; by what the `attempt` found."""
    counter, last, (newest,) = last_numbers(database, _newest())
    accepted = 0 if attempt is None else attempt.known.counted
    return (
        (None if attempt is None else _known_later(newest[0][0] if newest else None, attempt))
        or _counter_ahead(counter, last, accepted)
        or _used_up(counter, last, plan.recorded)
        or unknown_tenant(database, plan.chain)
        or barred(database, list(_entries(plan)), plan.now)
    )


def _entries(plan: Plan) -> Iterator[Event]:
    """What a run would record, one of each kind and chain: markers, what goes beside them, and the report."""
    for share in plan.shares:
        part = Part(share.tenant_id, share.first_seq, share.last_seq, share.entries, rules.GENESIS)
        yield marker_of(part, plan.cutoff)
    report = told("", plan.cutoff, plan.counts, plan.changed, trusted=plan.doubt is not None)
    report |= stays(plan.left, plan.skipped)
    if any(plan.beside.values()):
        yield Event(plan.chain, status.AuditEvent.RETENTION_REMOVED, report)
    yield Event(plan.chain, status.AuditEvent.RETENTION_COMPLETED, report)


def _used_up(counter: Any, last: Any, entries: int) -> str | None:
    """Why so many entries more find no number behind these two."""
    highest = max((number for number in (counter, last) if isinstance(number, int)), default=0)
    left = rules.HIGHEST_SEQ - highest
    if left >= entries:
        return None
    return (
        f"The database has numbered audit entries up to {highest:,}, so {counted(left, 'number')} can be "
        f"given yet, and what is removed takes {entries:,}. Verify the chain; restore a copy from before "
        "that entry."
    )


def _counter_ahead(counter: Any, last: int | None, accepted: int) -> str | None:
    """Why nothing may be appended: a marker would hide that somebody removed the last entries, numbered
    behind what a person `accepted`. A table without any row may be what the platform's own cleanup left.
    """
    if last is None or not rules.counter_is_ahead(counter, max(last, accepted)):
        return None
    return (
        f"The database has numbered audit entries up to {counter:,}, but its last one is {last:,}: those "
        "after it were removed. Nothing can be removed now; verify the chain, and restore them first."
    )


def _known_later(last: int | None, attempt: Attempt) -> str | None:
    """Why nothing may be appended behind the `last` number: checkpoints know a later state, which the entry
    would contradict, so that an older copy, put in place, would look tampered with.
    """
    if attempt.report is not None and attempt.report.verdict is rules.Verdict.EARLIER:
        return (
            "The database is in an earlier state than checkpoints know, and what is recorded in it now would "
            f"contradict the later ones. Put back the later state, or, if you know why, {rules.SAY_SO}."
        )
    latest = attempt.known.latest
    known = 0 if latest is None else max((sealed.last_seq for sealed in latest.tenants.values()), default=0)
    if latest is None or known <= (last or 0):
        return None
    ends = "none is left" if last is None else f"the last one is {last:,}"
    return (
        f"Checkpoint {latest.number:,} knows an audit entry with the number {known:,}, but {ends}: what is "
        "recorded now would hide that. Verify the chain, and restore what is missing first."
    )


def _gone(attempt: Attempt) -> str:
    """Why nothing may be removed without an entry where the table of entries that were known is gone."""
    lost_end = None if attempt.report is None else attempt.report.lost_end
    return _known_later(None, attempt) or (NOTE if lost_end is None else lost_end.said)


def _unusable_chain(database: engine.Database, skipped: Sequence[Skipped]) -> str | None:
    """Why nothing may be removed from a file with a chain that takes no entry. One without any may go on."""
    if not has_chain(database):
        return None
    why = next((one.reason for one in skipped if one.table == _CHAIN), f"{_CHAIN} is no table.")
    return f"What is removed could not be recorded. {why}"


def require_same_tables(database: engine.Database, plan: Plan) -> None:
    """Raises `NotAllowed` where a table has a trigger by now, other foreign keys that refer to it, or other
    columns: nobody was told of what would go along.
    """
    _, stored, _ = _usable(database)
    if changed := others_by_now(plan, stored):
        raise errors.NotAllowed(
            f"The table {some_of(changed, 3)}, or what refers to it, was changed by somebody else since the "
            "rows were counted; nothing was removed. Look at the preview again."
        )


def others_by_now(plan: Plan, stored: schema.StoredTables) -> list[str]:
    """The tables that are others than when it was planned, or are referred to by others."""
    return [table for table, known in plan.stored.items() if stored.get(table) != known]


def _usable(database: engine.Database) -> tuple[frozenset[str], schema.StoredTables, tuple[Skipped, ...]]:
    """The tables that can be judged, all that there are, and what is skipped because a column that this needs
    is not there.
    """
    found = schema.inspect(database)
    if found.impostors:
        raise errors.NotAllowed(
            f"This database holds {', '.join(found.impostors)}, which could change what a removal means; "
            "nothing was removed."
        )
    skipped = {
        table: f"{table} has no column {missing[0]}, so what is old in it cannot be told."
        for table, columns in _NEEDED.items()
        if table in found.columns
        and (missing := [name for name in columns if name not in found.columns[table]])
    }
    stored = found.stored
    if _CHAIN in stored and (what := unfit(database.rows(GUARDED))) is not None:
        skipped.setdefault(_CHAIN, f"The table {_CHAIN} {what}.")
    for table in other_tables.RECORDS:
        if table in stored and stored[table].row_key is None:
            reason = f"In {table} no single column tells all rows apart, so nothing here removes from it."
            skipped.setdefault(table, reason)
    going = [(table, table) for table in other_tables.RECORDS]
    going = [one for one in (*going, (PLANNING_RUNS.name, PLANNING_ARTIFACTS.name)) if one[1] in stored]
    try:
        list(database.read_each([followed(gone) for _, gone in going]))
    except (errors.Refused, errors.TableMissing):  # which of them
        for table, gone in going:
            try:
                database.read_batch([followed(gone)])
            except (errors.Refused, errors.TableMissing) as error:
                skipped.setdefault(table, f"Nothing can be removed from {gone}. {error.happened}")
    if PLANNING_ARTIFACTS.name in skipped and PLANNING_RUNS.name not in skipped:
        skipped[PLANNING_RUNS.name] = "Which artifacts belong to a run cannot be told, so the runs stay."
    tables = frozenset(table for table in TABLES if table in found.columns and table not in skipped)
    return tables, stored, tuple(Skipped(table, None, reason) for table, reason in skipped.items())
