"""Removes what a plan says in short transactions, so that readers and writers beside it hardly wait; and what
became of it, as everybody is told.

A large removal is never one transaction: up to `BATCH_ROWS` audit entries go at a time, fewer where the file
and its disk are slow, with a pause in between, and the write-ahead log is folded back every few transactions
instead of in a commit. One DELETE of 500,000 rows holds the lock for a second; here it is held for `_HOLD`.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Final

from app.services.chain.append import Batch, Event, Head, append, heads
from app.services.chain.archives import Archiver
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.pruning import (
    CHANGED,
    CREATED_AT,
    CROWD,
    GROUP,
    LeftAlone,
    Part,
    Prefix,
    groups,
    joined,
    prove,
    remove,
)
from app.services.chain.reading import marker_numbers
from app.services.records.change import Change
from app.services.records.rows import in_parts
from app.services.records.tables import AUDIT_CHAIN
from app.services.records.unaltered import unaltered
from app.services.retention.clock import ClockDoubt, is_old
from app.services.retention.other_tables import OldRows, Skipped, refusal
from app.services.retention.plan import Plan, changes, in_doubt, others_by_now, stays, told
from app.services.retention.prefixes import first_referred
from app.services.text import counted, some_of, tenant_name
from models import engine, errors, progress, schema, status

BATCH_ROWS: Final = 10_000
"""Audit entries a transaction, at most."""

_SLICE_ROWS: Final = 1_000
"""Audit entries by which a transaction grows or shrinks."""

_HOLD: Final = 0.010
"""Seconds that a transaction shall hold the lock; the one before tells how many slices that is."""

_FOLD_EVERY: Final = 8
"""Full transactions between two checkpoints of the write-ahead log, which holds some 40 MB by then. Each of
them waits for the disk, and so does the first commit behind it."""

_PAUSE: Final = 0.005
"""Seconds between transactions, in which others get the lock: they look for it now and then alone, so a
shorter pause behind a shorter transaction is one that they miss."""

_RETRIES: Final = 5

_TRIES_TOGETHER: Final = 3
"""Tries of a transaction for several tenants before it is one for half as many: others who append to one of
the chains keep all of it out, and each of many is at rest sooner than all of them at once.
"""

CROWDED: Final = 30.0
"""Seconds in which a chain has to rest for one moment; of one that does not, the entries stay for now."""

_CROWDED_IN_ALL: Final = 4
"""Chains that a run waits for so long; for others it waits a tenth of that then."""

_CROWD: Final = (
    "Others append to the chain of {chain} all the time, in which it would be recorded, so some rows of "
    "{table} that are old stay until a run when less is written to it."
)

_KEPT: Final = errors.Refused, errors.AlreadyExists
"""What the database's own rules say where they let go of no row, or where another would not do without it."""


@dataclass(kw_only=True)
class RetentionRemoval:
    """One run's removals; `result` counts them, and is right whenever they end.

    Of entries the `shares` go. `attempt` is what was verified, which holds while the file is `untouched()`.
    `monitor` is told rows as often as they are handled: an entry is proven, archived perhaps,
    and removed; and asked between transactions.
    """

    database: engine.Database
    plan: Plan
    now: int
    actor: str
    monitor: progress.Monitor = progress.UNWATCHED
    pause: Callable[[float], None] = time.sleep
    batch_rows: int = BATCH_ROWS
    patience: float = CROWDED
    archiver: Archiver | None = field(init=False, default=None)
    attempt: Attempt = field(init=False, default_factory=Attempt)

    def __post_init__(self) -> None:
        plan, self.shares, self.untouched = self.plan, self.plan.shares, self.plan.untouched
        self.now = max(self.now, plan.now)
        removed = dict.fromkeys(plan.counts, 0)
        self.result = RetentionResult(
            plan.cutoff, removed, left=plan.left, skipped=plan.skipped, doubt=plan.doubt
        )
        self._stopped: set[str] = set()
        self._crowded = 0
        self._is_held_up = False
        self._done = self._total = 0
        self._unfolded = 0.0
        self._slices = 2
        self._together = GROUP
        self._markers: dict[str, list[int]] = {}
        self._head: Head | None = None

    def remove(self) -> None:
        """Removes the shares, and of other tables what is planned. Raises `Cancelled` between transactions,
        and the storage errors.
        """
        entries = sum(share.entries for share in self.shares)
        others = self.plan.total - self.plan.counts[AUDIT_CHAIN.name]
        # An entry is proven, archived perhaps, then removed.
        self._total = others + entries * (2 if self.archiver is None else 3)
        if self.shares:
            self._markers = marker_numbers(self.database)
        with self.database.calm_log() as self._fold_back:
            for group in groups(share for share in self.shares if not share.incidental):
                self._prune(group)
            for table in self.plan.others.paths:
                self._remove_records(table)
            if self.result.total:
                for group in groups(share for share in self.shares if share.incidental):
                    self._prune(group)

    def _prune(self, group: Sequence[Prefix]) -> None:
        are_sound = {prefix.tenant_id for prefix in group} <= self.attempt.sound
        self._together = min(2 * self._together, GROUP)  # others may have come to rest
        rows = min(self.batch_rows, _SLICE_ROWS)
        slices, left = prove(
            self.database,
            group,
            batch_rows=rows,
            tick=self._tick,
            accepted=self.attempt.known.adopted,
            numbered=self._markers,
            verified=self.untouched if are_sound else progress.never,
        )
        self.result.left += tuple(left)
        if self.archiver is not None:
            self._keep(self.archiver, slices)
        while slices:
            taken = min(self._slices, self.batch_rows // rows, len(slices))
            parts = [part for part in joined(slices[:taken]) if part.tenant_id not in self._stopped]
            slices = slices[taken:]
            held = self._remove_parts(parts, taken * rows / self.batch_rows)
            if held:
                self._slices = max(1, min(int(taken * _HOLD / held), 2 * taken))
            if not self._unfolded:  # the next commit begins the log again, and waits for the disk
                self._slices = 1

    def _keep(self, archiver: Archiver, slices: Sequence[Sequence[Part]]) -> None:
        """Archives the entries of every part; the archives are complete before anything is removed."""
        by_tenant: dict[str, list[Part]] = {}
        for part in chain.from_iterable(slices):
            by_tenant.setdefault(part.tenant_id, []).append(part)
        for tenant, parts in by_tenant.items():
            try:
                reference = archiver.write(tenant, parts, self._tick)
            except errors.RowChanged as error:
                self._leave(parts[0], error)
                continue
            self.result.archives += (reference.file,)
            for part in parts:
                part.archive = reference

    def _leave(self, part: Part, error: errors.StorageError) -> None:
        if isinstance(error, errors.HeadMoved):
            reason = CROWD
            self._crowded += 1
        else:
            reason = error.happened
            if isinstance(error, errors.RowChanged):
                reason = self._altered("its old entries stay") or CHANGED
        found = None
        if isinstance(error, _KEPT):
            stored, _ = schema.read_stored(self.database)
            found = first_referred(self.database, stored).get(part.tenant_id)
        self.result.left += (found or LeftAlone(part.tenant_id, part.first_seq, reason),)
        self._stopped.add(part.tenant_id)

    def _remove_parts(self, parts: Sequence[Part], share: float) -> float:
        """For how many seconds that kept others from writing; as one who removes nothing, 0."""
        if not parts:
            return 0.0
        plan, by = self.plan, dict[str, Any](now=self.now, bookmark=self.result.bookmark)
        by |= {
            "cutoff": plan.cutoff,
            "if_old": is_old(CREATED_AT, plan.cutoff, milliseconds=plan.others.milliseconds),
        }
        write = partial(remove, self.database, parts, guards=[self._unaltered([AUDIT_CHAIN.name])], **by)
        if len(parts) > self._together:
            return max(self._remove_parts(part, share) for part in in_parts(parts, self._together))
        if len(parts) > 1:
            write = partial(write, attempts=_TRIES_TOGETHER)
        else:
            write = partial(write, patience=self._patience())
        try:
            return self._transact(write, {AUDIT_CHAIN.name: sum(part.entries for part in parts)}, share)
        except errors.HeadMoved as error:
            if len(parts) == 1:
                self._leave(parts[0], error)
                return 0.0
            self._together = len(parts) // 2
            return self._remove_parts(parts, share)
        except (errors.RowChanged, *_KEPT) as error:  # the platform's own cleanup, say
            if len(parts) > 1:  # find whose entries they were
                return max(self._remove_parts([part], share) for part in parts)
            self._leave(parts[0], error)
            return 0.0

    def _unaltered(self, tables: Sequence[str], *appended: str) -> engine.Statement:
        """Nobody was told of what a trigger or a foreign key would take along that came since."""
        stored = self.plan.stored
        return unaltered([*tables, *appended], [stored[name] for name in tables if name in stored])

    def _altered(self, what_stays: str) -> str | None:
        """That tables are others by now than when it was planned, if they are, and what follows from that."""
        stored, _ = schema.read_stored(self.database)
        if not (changed := others_by_now(self.plan, stored)):
            return None
        return (
            f"The table {some_of(changed, 3)}, or what refers to it, was changed by somebody else during the "
            f"run, and nobody was told of what would go along, so {what_stays}. Look at the preview again."
        )

    def _patience(self) -> float:
        return self.patience if self._crowded < _CROWDED_IN_ALL else self.patience / 10

    def _remove_records(self, table: str) -> None:
        refused: Counter[str] = Counter()
        for _ in range(_RETRIES):
            removals = self.plan.others.removals(self.database, table)
            refused.clear()
            try:
                for removal in removals:
                    refused += self._remove_or_split(removal)
            except errors.RowChanged:  # somebody marked one unread, or restored a run: read them again
                if why := self._altered(f"some rows of {table} that are old stay"):
                    self.result.skipped += (Skipped(table, None, why),)
                    break
                continue
            except errors.HeadMoved:
                chain = tenant_name(self.plan.chain)
                self.result.skipped += (Skipped(table, None, _CROWD.format(chain=chain, table=table)),)
            break
        else:
            reason = f"Rows of {table} were changed by somebody else each time, so some that are old stay."
            self.result.skipped += (Skipped(table, None, reason),)
        if self.result.removed[table] < self.plan.counts[table]:
            refused |= self.plan.others.kept_since(self.database, table)
        self.result.skipped += tuple(
            Skipped(table, rows, refusal(table, rows, by)) for by, rows in refused.items()
        )

    def _remove_or_split(self, removal: OldRows) -> Counter[str]:
        """Removes the records, one by one where the file refuses to let go of one; how many stay, by whose
        rows keep them.
        """
        others = self.plan.others
        try:
            self._transact(partial(self._take, removal), removal.removed)
            for table, rows in removal.changed.items():
                if rows:
                    self.result.changed[table] = self.result.changed.get(table, 0) + rows
        except _KEPT:
            if len(removal.rows) == 1:
                return Counter([others.holders(self.database, removal.table, removal.rows[0])])
            alone = (others.removal(self.database, removal.table, [row]) for row in removal.rows)
            return sum(map(self._remove_or_split, alone), Counter())
        return Counter()

    def told(self, removed: Mapping[str, int], changed: Mapping[str, int]) -> dict[str, Any]:
        """What an entry tells of rows that went, and of those that lost what they referred to."""
        result = self.result
        trusted = result.doubt is not None
        return told(self.actor, result.cutoff, removed, changed, trusted=trusted, bookmark=result.bookmark)

    def _take(self, removal: OldRows, *, cancelled: progress.Stop) -> float:
        """Removes the records with an entry of it in the same transaction: a run that is killed has told what
        went until then. The end of the chain is read once, and again where others have appended.
        """
        guard = self._unaltered([removal.table, *removal.removed, *removal.changed], AUDIT_CHAIN.name)
        if not self.plan.has_chain:
            return self.database.run_batch([guard, *removal.statements], cancelled=cancelled)
        chain, kind = self.plan.chain, status.AuditEvent.RETENTION_REMOVED
        went = map(_some, (removal.removed, removal.changed))
        event, head = Event(chain, kind, self.told(*went)), Head("", None)
        # The entry proves it better than that the rows are gone, which others may have removed.
        statements = [guard, *(replace(one, proof=None) for one in removal.statements)]

        def planned() -> Batch:
            nonlocal head
            head, self._head = self._head or heads(self.database, [chain])[chain], None
            return Batch(statements, [event], ends={chain: head}, what=f"retention of {removal.table}")

        held = self._record(planned, cancelled=cancelled)
        self._head = head.followed_by(event.event_type, event.text, self.now)
        return held

    def _record(self, planned: Callable[[], Batch], *, cancelled: progress.Stop = progress.never) -> float:
        """Writes what is recorded in the plan's chain. Raises as `append` does: `HeadMoved` where that chain
        does not rest, for which it is hardly waited again.
        """
        patience = self.patience / 10 if self._is_held_up else self._patience()
        how: dict[str, Any] = {"now": self.now, "told": True, "cancelled": cancelled, "patience": patience}
        try:
            return append(self.database, planned, **how)
        except errors.HeadMoved:
            self._crowded += 1
            self._is_held_up = True
            raise

    def _transact(self, write: Callable[..., float], removed: dict[str, int], share: float = 0.5) -> float:
        """`share` is how much of a full transaction it is, records half of one; the log is folded by that."""
        self.monitor.check()
        try:
            held = write(cancelled=self.monitor.cancelled)
        except errors.OutcomeUnknown as error:
            self.result.perhaps = _some(removed) if error.is_undecided else {}
            raise
        except errors.RateLimited as error:
            if error.was_sent:  # a copy of it may be in
                self.result.perhaps = _some(removed)
                why = f"it takes no call until {error.when}"
                raise errors.OutcomeUnknown(self.database.place, why) from error
            if self.monitor.cancelled():
                raise errors.Cancelled from None
            raise
        except (errors.FileLocked, errors.HeadMoved):
            if self.monitor.cancelled():  # which is what ended the wait
                raise errors.Cancelled from None
            raise
        for table, rows in removed.items():
            self.result.removed[table] = self.result.removed.get(table, 0) + rows
        self._advance(sum(removed.values()))
        self._unfolded += share
        if self._unfolded >= _FOLD_EVERY:
            self._unfolded = 0.0
            self._fold_back()  # which keeps nobody waiting either
        else:
            self.pause(_PAUSE)
        return held

    def _tick(self, rows: int) -> None:
        self.monitor.check()
        self._advance(rows)

    def _advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self.monitor.progress(self._done, self._total)


def _some(rows: Mapping[str, int]) -> dict[str, int]:
    return {table: count for table, count in rows.items() if count}


_NAMED = 2
"""Tenants whose names a line of the outcome has room for."""


@dataclass(slots=True)
class RetentionResult:
    """What went, and what stayed although it is old.

    `perhaps` counts those of a step of which it is not known whether it was carried out, by table; `removed`
    has none of them. `changed` counts the rows that lost what they referred to. `cancelled` says that there
    is more to remove; what was removed is complete in itself. `archives` are the names of the files that keep
    the removed audit entries. `bookmark` names the state before, where the database can be brought back to it
    (Time Travel); `no_bookmark` is why none could be had.
    `doubt` says why the clock was in doubt, also when a person has said that it is right.
    `caution` is what to know and do now that a report was made.
    `reported` says that a report was written, and `unreported` are those that could not be, of this run or of
    runs before it.
    `no_checkpoint` is why none could be made afterwards.
    `broken` is what the verification afterwards found that was not so before, by tenant; under None it is the
    file's. `after` is all that it found; `is_seen_whole` says that nobody has written since it began.
    """

    cutoff: int
    removed: dict[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    perhaps: dict[str, int] = field(default_factory=dict)
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    archives: tuple[str, ...] = ()
    bookmark: str | None = None
    no_bookmark: str | None = None
    doubt: ClockDoubt | None = None
    caution: str | None = None
    reported: bool = False
    unreported: tuple[Event, ...] = ()
    no_checkpoint: str | None = None
    broken: dict[str | None, str] = field(default_factory=dict)
    after: Attempt | None = field(default=None, repr=False)
    is_seen_whole: bool = False

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    @property
    def is_complete(self) -> bool:
        """Whether all that is old went, and what stays holds."""
        return not (self.left or self.skipped or self.cancelled or self.broken or self.perhaps)

    @property
    def outcome(self) -> str:
        """How much went, and what stays although it is old: `7 rows; old entries of acme stay`."""
        names = sorted({tenant_name(one.tenant_id) for one in self.left})
        whose = " and ".join(names) if len(names) <= _NAMED else counted(len(names), "tenant")
        stays = [f"old entries of {whose}"] if names else []
        stays += [f"old rows of {table}" for table in sorted({one.table for one in self.skipped})]
        return (
            f"{counted(self.total, 'row')}; {', '.join(stays)} stay" if stays else counted(self.total, "row")
        )

    @property
    def alarm(self) -> str | None:
        """The first of what is broken, for a person who has to look at it."""
        if not self.broken:
            return None
        tenant, reason = next(iter(self.broken.items()))
        whose = "" if tenant is None else f" of {tenant_name(tenant)}"
        more = f" {counted(len(self.broken) - 1, 'more tenant')} too." if len(self.broken) > 1 else ""
        return (
            f"Retention removed {counted(self.total, 'row')}; after that, the audit chain{whose} was found "
            f"broken: {reason}{more} Verify the database."
        )

    def change(self) -> Change:
        """What those who show the file are told of it; retention cannot be undone."""
        went = {table for table, rows in (*self.removed.items(), *self.changed.items()) if rows}
        bulk = frozenset(went | {AUDIT_CHAIN.name})
        return Change(f"Retention removed {self.outcome}", (), (), bulk=bulk, bookmark=self.bookmark)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --json`."""
        found = {"cutoff": self.cutoff, "dryRun": False, "removed": dict(self.removed)}
        found |= changes(self.changed) | stays(self.left, self.skipped) | in_doubt(self.doubt)
        if self.perhaps:
            found["perhapsRemoved"] = dict(self.perhaps)
        if self.cancelled:
            found["cancelled"] = True
        if self.bookmark is not None:
            found["bookmark"] = self.bookmark
        if self.no_bookmark is not None:
            found["noBookmark"] = self.no_bookmark
        if self.broken:
            found["broken"] = [{"tenant": name, "reason": why} for name, why in self.broken.items()]
        return found if self.no_checkpoint is None else found | {"noCheckpoint": self.no_checkpoint}
