"""Carries out a retention plan in short transactions, so that readers and writers beside it hardly wait.

A large removal is never one transaction: audit entries go `BATCH_ROWS` at a time with a pause in between, and
the write-ahead log is folded back every few transactions instead of in a commit. On 1,000,000 rows the
longest hold of the lock is 8 to 17 ms that way, where one DELETE holds it for a second.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from app.services.chain.archive.writing import Archiver
from app.services.chain.checkpoints.document import Reason
from app.services.chain.pruning import LeftAlone, Part, Prefix, groups, prove, remove
from app.services.chain.rules import Reference
from app.services.retention.clock import ClockProblem
from app.services.retention.other_tables import OldRows, Skipped, refusal
from app.services.retention.plan import (
    Plan,
    TryCheckpoint,
    hold_back,
    lost_end,
)
from app.services.retention.result import (
    NOTHING_CONFIRMED,
    Confirmation,
    NeedsConfirmation,
    NoCheckpoint,
    Result,
    RetentionStopped,
    is_news,
    report_outcome,
)
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
from models.progress import Progress, Stop

BATCH_ROWS: Final = 5_000
"""Audit entries a transaction: 7 to 16 ms."""

_FOLD_EVERY: Final = 4
"""Transactions between two checkpoints of the write-ahead log."""

_PAUSE: Final = 0.005
"""Seconds between transactions, in which others get the lock."""

_RETRIES: Final = 5


def carry_out(
    database: Database,
    plan: Plan,
    confirmation: Confirmation = NOTHING_CONFIRMED,
    *,
    now: int,
    actor: str,
    checkpoint: TryCheckpoint,
    archive: Path | None = None,
    progress: Progress = lambda done, total: None,
    cancelled: Stop = lambda: False,
    pause: Callable[[float], None] = time.sleep,
    batch_rows: int = BATCH_ROWS,
) -> Result:
    """Removes what `plan` says, or less, in short transactions. The caller holds a connection.

    The window, the daily run and the command all come here, with the plan that was shown and what a person
    has said to it; `confirmation` must agree to each tenant that loses its majority and to a clock in doubt.
    A checkpoint is made before and after. What the verification for the first one says now counts: a tenant
    that it stops, and one whose prefix is no longer as it was planned, is left as it is and named.
    `progress(done, total)` counts rows as often as they are handled: an entry is proven, archived perhaps,
    and removed. `cancelled` is asked between transactions. What was removed is reported in an audit event
    of the tenant `system`; a run that finds nothing to do needs no confirmation and leaves the file as it is.

    With `archive`, a folder that exists, each tenant's audit entries are kept there in a file before any of
    them is removed, and the markers name it (`app.services.chain.archive`).

    Raises `ReadOnlyFile`, `NotAllowed` where something stands in the way of any removal, `NeedsConfirmation`,
    `ClockProblem`, `NoCheckpoint`, the storage errors, those of the archive among them, where nothing had
    been removed, and `RetentionStopped` where something had, which is reported in the chain too.
    """
    if database.read_only:
        raise ReadOnlyFile(database.place)
    started = time.monotonic()
    obstacle = plan.obstacle or (lost_end(database) if plan.has_chain and plan.total else None)
    if obstacle is not None:
        raise NotAllowed(obstacle)
    if plan.total:
        _require(plan, confirmation)
    archiver = None if archive is None else Archiver(database, archive)
    run = _Run(database, plan, max(now, plan.now), archiver, progress, cancelled, pause, batch_rows)
    result = run.result
    # A report by a clock in doubt would confirm that clock tomorrow.
    reports = plan.has_chain and (plan.doubt is None or confirmation.clock == plan.doubt)
    report = partial(report_outcome, database, result, actor=actor, now=run.now) if reports else _no_report
    try:
        with database.calm_checkpoints() as run.fold_back:
            try:
                try:
                    if plan.total and plan.has_chain:
                        run.check(checkpoint, confirmation)
                    run.remove()
                except Cancelled:
                    result.cancelled = True
                if is_news(database, result):
                    report()
            except TenantAdminError as error:
                if not result.total:
                    raise
                stopped = RetentionStopped(result, plan.total, error)
                with suppress(TenantAdminError):  # the first failure is the one to tell
                    report(error=stopped)
                raise stopped from error
    finally:
        result.seconds = time.monotonic() - started
        if result.total and plan.has_chain:
            result.no_checkpoint = checkpoint(Reason.RETENTION, lambda: False).missing
    return result


def _require(plan: Plan, confirmation: Confirmation) -> None:
    if plan.doubt is not None and confirmation.clock != plan.doubt:
        raise ClockProblem(plan.doubt)
    asking = [share for share in plan.majority if share.tenant_id not in confirmation.majority]
    if asking:
        raise NeedsConfirmation(asking)


class _Run:
    """One run of a plan; `result` grows while it runs and is right whenever it ends."""

    def __init__(  # noqa: PLR0917
        self,
        database: Database,
        plan: Plan,
        now: int,
        archiver: Archiver | None,
        progress: Progress,
        cancelled: Stop,
        pause: Callable[[float], None],
        batch_rows: int,
    ) -> None:
        self.result = Result(
            plan.cutoff,
            dict.fromkeys(plan.counts, 0),
            left=plan.left,
            skipped=plan.skipped,
            doubt=plan.doubt,
        )
        self.now = now
        self.fold_back: Callable[[], None] = lambda: None
        self._database = database
        self._plan = plan
        self._shares = plan.shares
        self._accepted: Mapping[str, tuple[int, str]] = {}
        self._progress = progress
        self._cancelled = cancelled
        self._pause = pause
        self._batch_rows = batch_rows
        self._archiver = archiver
        self._done = self._total = 0

    def check(self, checkpoint: TryCheckpoint, confirmation: Confirmation) -> None:
        """Makes the checkpoint before, and leaves alone the tenants that its verification stops.

        Raises `NoCheckpoint` and `Cancelled`.
        """
        attempt = checkpoint(Reason.RETENTION, self._cancelled)
        if attempt.missing is not None and not confirmation.without_checkpoint:
            raise NoCheckpoint(attempt.missing)
        self._shares, held = hold_back(self._shares, attempt)
        self._accepted = attempt.known.adopted
        named = {one.tenant_id for one in self.result.left}
        self.result.left += tuple(one for one in held if one.tenant_id not in named)

    def remove(self) -> None:
        """Removes everything planned. Raises `Cancelled` between transactions, and the storage errors."""
        entries = sum(share.rows for share in self._shares)
        others = self._plan.total - self._plan.counts["audit_chain"]
        # An entry is proven, archived perhaps, then removed.
        self._total = others + entries * (2 if self._archiver is None else 3)
        for group in groups(share for share in self._shares if not share.incidental):
            self._prune(group)
        for table in ("notifications", "planning_runs"):
            self._remove_records(table)
        if self.result.total:
            for group in groups(share for share in self._shares if share.incidental):
                self._prune(group)

    def _prune(self, group: Sequence[Prefix]) -> None:
        proof = prove(
            self._database,
            group,
            batch_rows=self._batch_rows,
            tick=self._advance,
            cancelled=self._cancelled,
            accepted=self._accepted,
        )
        self.result.left += proof.left
        stopped: set[str] = set()
        for batch in self._archived(proof.batches):
            parts = [part for part in batch if part.tenant_id not in stopped]
            try:
                self._remove_parts(parts)
            except (RowChanged, Refused):  # the platform's own cleanup, say: find whose entries they were
                for part in parts:
                    try:
                        self._remove_parts([part])
                    except (RowChanged, Refused) as error:
                        stopped.add(part.tenant_id)
                        self._leave(part, error)

    def _archived(self, batches: Sequence[Sequence[Part]]) -> Sequence[Sequence[Part]]:
        """The batches with what keeps their entries; the archives are complete before anything is removed."""
        if self._archiver is None:
            return batches
        by_tenant: dict[str, list[Part]] = {}
        for batch in batches:
            for part in batch:
                by_tenant.setdefault(part.tenant_id, []).append(part)
        kept: dict[str, Reference] = {}
        for tenant, parts in by_tenant.items():
            try:
                kept[tenant] = self._archiver.write(
                    tenant, parts, tick=self._advance, cancelled=self._cancelled
                )
            except RowChanged as error:
                self._leave(parts[0], error)
        self.result.archives += tuple(reference.file for reference in kept.values())
        return [
            [replace(part, archive=kept[part.tenant_id]) for part in batch if part.tenant_id in kept]
            for batch in batches
        ]

    def _leave(self, part: Part, error: StorageError) -> None:
        changed = isinstance(error, RowChanged)
        reason = "The chain was changed by somebody else meanwhile." if changed else str(error)
        self.result.left += (LeftAlone(part.tenant_id, part.from_seq, reason),)

    def _remove_parts(self, parts: Sequence[Part]) -> None:
        if parts:
            write = partial(
                remove,
                self._database,
                parts,
                cutoff=self._plan.cutoff,
                now=self.now,
                cancelled=self._cancelled,
            )
            self._transact(write, {"audit_chain": sum(part.count for part in parts)})

    def _remove_records(self, table: str) -> None:
        refused = 0
        for _ in range(_RETRIES):
            removals = self._plan.others.removals(self._database, table)
            try:
                refused = sum(self._remove_or_split(removal) for removal in removals)
            except RowChanged:  # somebody marked one unread, or restored a run: read them again
                continue
            break
        if refused:
            reason = refusal(table, refused, "rows of another table")
            self.result.skipped += (Skipped(table, refused, reason),)

    def _remove_or_split(self, removal: OldRows) -> int:
        """Removes the records, one by one where the file refuses to let go of one; how many of them stay."""
        try:
            self._remove_batch(removal)
        except Refused:
            if len(removal.rows) == 1:
                return 1
            alone = partial(self._plan.others.removal, self._database, removal.table)
            return sum(self._remove_or_split(alone([row])) for row in removal.rows)
        return 0

    def _remove_batch(self, removal: OldRows) -> None:
        write = partial(self._database.run_batch, removal.statements, cancelled=self._cancelled)
        self._transact(write, removal.removed)

    def _transact(self, write: Callable[[], None], removed: dict[str, int]) -> None:
        if self._cancelled():
            raise Cancelled
        started = time.monotonic()
        try:
            write()
        except FileLocked:
            if self._cancelled():  # which is what ended the wait
                raise Cancelled from None
            raise
        self.result.longest_hold = max(self.result.longest_hold, time.monotonic() - started)
        self.result.transactions += 1
        for table, rows in removed.items():
            self.result.removed[table] = self.result.removed.get(table, 0) + rows
        self._advance(sum(removed.values()))
        if self.result.transactions % _FOLD_EVERY == 0:
            self.fold_back()  # which keeps nobody waiting either
        else:
            self._pause(_PAUSE)

    def _advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self._progress(self._done, self._total)


def _no_report(*, error: TenantAdminError | None = None) -> None:
    pass
