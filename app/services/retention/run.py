"""Carries out a retention plan in short transactions, so that readers and writers beside it hardly wait.

A large removal is never one transaction: up to `BATCH_ROWS` audit entries go at a time, fewer where the file
and its disk are slow, with a pause in between, and the write-ahead log is folded back every few transactions
instead of in a commit. One DELETE of 500,000 rows holds the lock for a second; here it is held for `_HOLD`.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.services.chain.append import Batch, Event, NotRecorded, append
from app.services.chain.archives import Archiver
from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.pruning import CHANGED, LeftAlone, Part, Prefix, groups, joined, prove, remove
from app.services.chain.rules import Reference
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN
from app.services.retention.clock import ClockDoubt, ClockProblem, last_report
from app.services.retention.other_tables import OldRows, Skipped, refusal
from app.services.retention.plan import (
    NOTHING_CONFIRMED,
    Confirmation,
    NeedsConfirmation,
    Plan,
    TryCheckpoint,
    cannot_record,
    changes,
    hold_back,
    in_doubt,
    stays,
)
from app.services.text import counted, tenant_name
from models.engine import Database
from models.errors import (
    Cancelled,
    FileLocked,
    NotAllowed,
    ReadOnlyFile,
    Refused,
    RowChanged,
    StorageError,
    TenantAdminError,
)
from models.progress import Progress, Stop, ignore, never
from models.status import SYSTEM_TENANT, AuditEvent

BATCH_ROWS: Final = 5_000
"""Audit entries a transaction, at most."""

_SLICE_ROWS: Final = 1_000
"""Audit entries by which a transaction grows or shrinks."""

_HOLD: Final = 0.015
"""Seconds that a transaction shall hold the lock; the one before tells how many slices that is."""

_FOLD_EVERY: Final = 12
"""Full transactions between two checkpoints of the write-ahead log, which holds some 30 MB by then. Each of
them waits for the disk, and so does the first commit behind it."""

_PAUSE: Final = 0.005
"""Seconds between transactions, in which others get the lock: they look for it now and then alone, so a
shorter pause behind a shorter transaction is one that they miss."""

_RETRIES: Final = 5


class NoCheckpoint(TenantAdminError):
    """No checkpoint could be made before the removal, and nobody has said that it may go without one."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"No checkpoint could be made before the removal: {problem} Nothing was removed. "
            "Try again when that is put right, or confirm that it may be removed without a checkpoint."
        )


class RetentionStopped(StorageError):
    """Something failed after transactions of a run had removed rows, which are gone; `result` counts them.

    `planned` is how many rows were to go.
    """

    def __init__(self, result: "RetentionResult", planned: int, error: TenantAdminError) -> None:
        self.result = result
        super().__init__(
            f"Retention stopped when {result.total:,} of {planned:,} rows had been removed; those are gone, "
            f"the others stay, and a new run goes on from there. The step that failed: {error.happened}"
        )


@dataclass(slots=True)
class RetentionResult:
    """What went, and what stayed although it is old.

    `changed` counts the rows that lost what they referred to. `cancelled` says that there is more to remove;
    what was removed is complete in itself. `archives` are the names of the files that keep the removed audit
    entries. `doubt` says why the clock was in doubt, also when a person has said that it is right.
    `caution` is what to know and do now that a report was made.
    `no_checkpoint` is why none could be made afterwards. `broken` is what the verification afterwards found
    that was not so before, by tenant; under None it is the file's.
    """

    cutoff: int
    removed: dict[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    archives: tuple[str, ...] = ()
    doubt: ClockDoubt | None = None
    caution: str | None = None
    no_checkpoint: str | None = None
    broken: dict[str | None, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    @property
    def is_complete(self) -> bool:
        """Whether all that is old went, and what stays holds."""
        return not (self.left or self.skipped or self.cancelled or self.broken)

    @property
    def outcome(self) -> str:
        """How much went, and how much stays although it is old: `7 rows; old entries of 1 tenant stay`."""
        tenants = len({one.tenant_id for one in self.left})
        stays = [f"old entries of {counted(tenants, 'tenant')}"] if tenants else []
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
            f"broken: {reason}{more} Verify the file."
        )

    def change(self) -> Change:
        """What those who show the file are told of it; retention cannot be undone."""
        went = {table for table, rows in (*self.removed.items(), *self.changed.items()) if rows}
        return Change(f"Retention removed {self.outcome}", (), (), bulk=frozenset(went | {AUDIT_CHAIN.name}))

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --json`."""
        found = {"cutoff": self.cutoff, "dryRun": False, "removed": dict(self.removed)}
        found |= changes(self.changed) | stays(self.left, self.skipped) | in_doubt(self.doubt)
        if self.cancelled:
            found["cancelled"] = True
        if self.broken:
            found["broken"] = [{"tenant": name, "reason": why} for name, why in self.broken.items()]
        return found if self.no_checkpoint is None else found | {"noCheckpoint": self.no_checkpoint}


def carry_out(
    database: Database,
    plan: Plan,
    confirmation: Confirmation = NOTHING_CONFIRMED,
    *,
    now: int,
    actor: str,
    checkpoint: TryCheckpoint,
    archive: Path | None = None,
    progress: Progress = ignore,
    cancelled: Stop = never,
    pause: Callable[[float], None] = time.sleep,
    batch_rows: int = BATCH_ROWS,
) -> RetentionResult:
    """Removes what `plan` says, or less, in short transactions. The caller holds a connection.

    The window, the daily run and the command all come here, with the plan that was shown and what a person
    has said to it; `confirmation` must agree to each tenant that loses its majority and to a clock in doubt.
    A checkpoint is made before and after: the one before of the plan's own verification where nobody has
    written to the file since, else of a new one. What that says counts: a tenant that it stops, and one whose
    prefix is no longer as it was planned, is left as it is and named. `progress(done, total)` counts rows as
    often as they are handled: an entry is proven, archived perhaps, and removed. `cancelled` is asked between
    transactions. What was removed is reported in an audit event of the tenant `system`; a run that finds
    nothing to do needs no confirmation and leaves the file as it is.

    With `archive`, a folder that exists, each tenant's audit entries are kept there in a file before any of
    them is removed, and the markers name it (`app.services.chain.archives`).

    Raises `ReadOnlyFile`, `NotAllowed` where something stands in the way of any removal, `NeedsConfirmation`,
    `ClockProblem`, `NotRecorded`, `NoCheckpoint`, the storage errors, those of the archive among them, where
    nothing had been removed, and `RetentionStopped` where something had, which is reported in the chain too.
    """
    if database.read_only:
        raise ReadOnlyFile(database.place)
    started = time.monotonic()
    obstacle = plan.obstacle or (cannot_record(database) if plan.has_chain and plan.total else None)
    if obstacle is not None:
        raise NotAllowed(f"{obstacle} Nothing was removed.")
    if plan.total:
        _require(plan, confirmation)
        if not (plan.has_chain or confirmation.unrecorded or database.unrecorded):
            raise NotRecorded(database.place)
    run = _Run(
        database=database,
        plan=plan,
        confirmation=confirmation,
        now=max(now, plan.now),
        actor=actor,
        archiver=None if archive is None else Archiver(database, archive),
        progress=progress,
        cancelled=cancelled,
        pause=pause,
        batch_rows=batch_rows,
    )
    try:
        run.go(checkpoint)
    except Exception:  # whoever interrupts does not wait for a verification
        run.look_back(checkpoint)
        raise
    finally:
        run.result.seconds = time.monotonic() - started
    run.look_back(checkpoint)
    return run.result


def _require(plan: Plan, confirmation: Confirmation) -> None:
    if plan.doubt is not None and confirmation.clock != plan.doubt:
        raise ClockProblem(plan.doubt)
    asking = [share for share in plan.majority if share.tenant_id not in confirmation.majority]
    if asking:
        raise NeedsConfirmation(asking)


def _is_news(database: Database, result: RetentionResult) -> bool:
    """Whether the run did something, or met a chain it had to leave that the last report does not name.

    Otherwise every day of an idle file would add an entry that says nothing.
    """
    if result.total or not result.left:
        return result.total > 0
    last = last_report(database)
    try:
        said = json.loads(last.text("payload")) if last is not None else {}
    except RecursionError:
        return True
    return not isinstance(said, dict) or said.get("left") != stays(result.left, ())["left"]


@dataclass(kw_only=True)
class _Run:
    """One run of a plan; `result` grows while it runs and is right whenever it ends."""

    database: Database
    plan: Plan
    confirmation: Confirmation
    now: int
    actor: str
    archiver: Archiver | None
    progress: Progress
    cancelled: Stop
    pause: Callable[[float], None]
    batch_rows: int
    fold_back: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        plan = self.plan
        removed = dict.fromkeys(plan.counts, 0)
        self.result = RetentionResult(
            plan.cutoff, removed, left=plan.left, skipped=plan.skipped, doubt=plan.doubt
        )
        self._shares = plan.shares
        self._attempt = Attempt()
        self._sound: frozenset[str] = frozenset()
        self._untouched: Callable[[], bool] = never
        self._stopped: set[str] = set()
        self._done = self._total = 0
        self._unfolded = 0.0
        self._slices = 2

    def go(self, checkpoint: TryCheckpoint) -> None:
        """All of it but the checkpoint after. The commit of the report syncs all those before it."""
        try:
            try:
                with self.database.calm_log() as self.fold_back:
                    if self.plan.total and self.plan.has_chain:
                        self.check(checkpoint)
                    self.remove()
            except Cancelled:
                self.result.cancelled = True
            if _is_news(self.database, self.result):
                self.report()
        except TenantAdminError as error:
            if not self.result.total:
                raise
            stopped = RetentionStopped(self.result, self.plan.total, error)
            with suppress(TenantAdminError):  # the first failure is the one to tell
                self.report(error=stopped)
            raise stopped from error

    def look_back(self, checkpoint: TryCheckpoint) -> None:
        """Makes the checkpoint after, and keeps what its verification found that was not so before."""
        if not (self.result.total and self.plan.has_chain):
            return
        after = checkpoint(reason=Reason.RETENTION)
        self.result.no_checkpoint = after.missing
        held = after.held
        self.result.broken = {tenant: held[tenant] for tenant in sorted(after.broken - self._attempt.broken)}
        if after.stops is not None and after.failure is None and after.stops not in held.values():
            self.result.broken[None] = after.stops

    def check(self, checkpoint: TryCheckpoint) -> None:
        """Makes the checkpoint before, and leaves alone the tenants that its verification stops.

        Raises `NoCheckpoint` and `Cancelled`.
        """
        before, self._untouched = self.plan.attempt, self.plan.untouched
        if not self._untouched():
            before, self._untouched = None, self.database.watch()
        self._attempt = checkpoint(reason=Reason.RETENTION, cancelled=self.cancelled, before=before)
        if self._attempt.missing is not None and self.cancelled():  # which may have ended the verification
            raise Cancelled
        if self._attempt.missing is not None and not self.confirmation.without_checkpoint:
            raise NoCheckpoint(self._attempt.missing)
        self._sound = self._attempt.sound
        self._shares, held = hold_back(self._shares, self._attempt)
        named = {one.tenant_id for one in self.result.left}
        self.result.left += tuple(one for one in held if one.tenant_id not in named)

    def report(self, error: TenantAdminError | None = None) -> None:
        """Appends the outcome to the chain of `system`, but not by a clock in doubt: it would confirm that
        clock tomorrow.
        """
        plan, result = self.plan, self.result
        if not plan.has_chain or (plan.doubt is not None and self.confirmation.clock != plan.doubt):
            return
        payload: dict[str, Any] = {"actor": self.actor, "cutoff": result.cutoff, "removed": result.removed}
        payload |= changes(result.changed) | stays(result.left, result.skipped)
        if result.doubt is not None:
            payload["trustedClock"] = True
        if result.cancelled:
            payload["cancelled"] = True
        if error is not None:
            payload["error"] = str(error)
        kind = AuditEvent.RETENTION_COMPLETED if error is None else AuditEvent.RETENTION_FAILED
        event = Event(SYSTEM_TENANT, kind, payload)
        append(self.database, lambda: Batch((), (event,)), now=self.now, told=True)  # by the plan
        result.caution = plan.caution

    def remove(self) -> None:
        """Removes everything planned. Raises `Cancelled` between transactions, and the storage errors."""
        entries = sum(share.rows for share in self._shares)
        others = self.plan.total - self.plan.counts[AUDIT_CHAIN.name]
        # An entry is proven, archived perhaps, then removed.
        self._total = others + entries * (2 if self.archiver is None else 3)
        for group in groups(share for share in self._shares if not share.incidental):
            self._prune(group)
        for table in self.plan.others.paths:
            self._remove_records(table)
        if self.result.total:
            for group in groups(share for share in self._shares if share.incidental):
                self._prune(group)

    def _prune(self, group: Sequence[Prefix]) -> None:
        are_sound = {prefix.tenant_id for prefix in group} <= self._sound
        rows = min(self.batch_rows, _SLICE_ROWS)
        proven, left = prove(
            self.database,
            group,
            batch_rows=rows,
            tick=self._tick,
            accepted=self._attempt.known.adopted,
            verified=self._untouched if are_sound else never,
        )
        self.result.left += tuple(left)
        slices = self._archived(proven)
        while slices:
            taken = min(self._slices, self.batch_rows // rows, len(slices))
            parts = [part for part in joined(slices[:taken]) if part.tenant_id not in self._stopped]
            slices = slices[taken:]
            held = self._remove_parts(parts, taken * rows / self.batch_rows)
            if held:
                self._slices = max(1, min(int(taken * _HOLD / held), taken + 1))

    def _archived(self, batches: Sequence[Sequence[Part]]) -> Sequence[Sequence[Part]]:
        """The batches with what keeps their entries; the archives are complete before anything is removed."""
        if self.archiver is None:
            return batches
        by_tenant: dict[str, list[Part]] = {}
        for batch in batches:
            for part in batch:
                by_tenant.setdefault(part.tenant_id, []).append(part)
        kept: dict[str, Reference] = {}
        for tenant, parts in by_tenant.items():
            try:
                kept[tenant] = self.archiver.write(tenant, parts, self._tick)
            except RowChanged as error:
                self._leave(parts[0], error)
        self.result.archives += tuple(reference.file for reference in kept.values())
        return [
            [replace(part, archive=kept[part.tenant_id]) for part in batch if part.tenant_id in kept]
            for batch in batches
        ]

    def _leave(self, part: Part, error: StorageError) -> None:
        reason = CHANGED if isinstance(error, RowChanged) else str(error)
        self.result.left += (LeftAlone(part.tenant_id, part.from_seq, reason),)
        self._stopped.add(part.tenant_id)

    def _remove_parts(self, parts: Sequence[Part], share: float) -> float:
        """For how many seconds that kept others from writing; as one who removes nothing, 0."""
        if not parts:
            return 0.0
        write = partial(remove, self.database, parts, cutoff=self.plan.cutoff, now=self.now)
        try:
            return self._transact(write, {AUDIT_CHAIN.name: sum(part.count for part in parts)}, share)
        except (RowChanged, Refused) as error:  # the platform's own cleanup, say
            if len(parts) > 1:  # find whose entries they were
                return max(self._remove_parts([part], share) for part in parts)
            self._leave(parts[0], error)
            return 0.0

    def _remove_records(self, table: str) -> None:
        refused: Counter[str] = Counter()
        for _ in range(_RETRIES):
            removals = self.plan.others.removals(self.database, table)
            refused.clear()
            try:
                for removal in removals:
                    refused += self._remove_or_split(removal)
            except RowChanged:  # somebody marked one unread, or restored a run: read them again
                continue
            break
        self.result.skipped += tuple(
            Skipped(table, rows, refusal(table, rows, by)) for by, rows in refused.items()
        )

    def _remove_or_split(self, removal: OldRows) -> Counter[str]:
        """Removes the records, one by one where the file refuses to let go of one; how many stay, by whose
        rows keep them.
        """
        others = self.plan.others
        try:
            self._transact(partial(self.database.run_batch, removal.statements), removal.removed)
            for table, rows in removal.changed.items():
                if rows:
                    self.result.changed[table] = self.result.changed.get(table, 0) + rows
        except Refused:
            if len(removal.rows) == 1:
                return Counter([others.holders(self.database, removal.table, removal.rows[0])])
            alone = (others.removal(self.database, removal.table, [row]) for row in removal.rows)
            return sum(map(self._remove_or_split, alone), Counter())
        return Counter()

    def _transact(self, write: Callable[..., float], removed: dict[str, int], share: float = 1.0) -> float:
        """`share` is how much of a full transaction it is; the log is folded back by that."""
        if self.cancelled():
            raise Cancelled
        try:
            held = write(cancelled=self.cancelled)
        except FileLocked:
            if self.cancelled():  # which is what ended the wait
                raise Cancelled from None
            raise
        for table, rows in removed.items():
            self.result.removed[table] = self.result.removed.get(table, 0) + rows
        self._advance(sum(removed.values()))
        self._unfolded += share
        if self._unfolded >= _FOLD_EVERY:
            self._unfolded = 0.0
            self.fold_back()  # which keeps nobody waiting either
        else:
            self.pause(_PAUSE)
        return held

    def _tick(self, rows: int) -> None:
        if self.cancelled():
            raise Cancelled
        self._advance(rows)

    def _advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self.progress(self._done, self._total)
