"""Carries out a retention plan in short transactions, so that readers and writers beside it hardly wait."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from app.services.chain.archive.files import Reference
from app.services.chain.archive.writing import Archiver
from app.services.chain.pruning import LeftAlone, Part, Prefix, groups, prove, remove
from app.services.errors import Cancelled, FileLocked, RowChanged
from app.services.retention import other_tables as records
from app.services.retention.clock import ClockDoubt, utc_time
from app.services.retention.plan import AuditPlan
from models.local.database import LocalDatabase

TABLES: Final = ("audit_chain", "notifications", "planning_runs", "planning_artifacts")

_CHECKPOINT_EVERY: Final = 4
_PAUSE: Final = 0.005
"""Seconds between transactions, in which others get the lock (`measured.md`, Retention)."""

_RETRIES: Final = 5

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class RetentionResult:
    """What went, or would have gone in a dry run.

    `longest_hold` is the longest transaction in seconds, waiting for others included. `cancelled` says that
    there is more to remove; what was removed is complete in itself. `archives` are the names of the files
    that keep the removed audit entries. `doubt` says why the clock was in doubt, also where a person has said
    that it is right.
    """

    cutoff: int
    dry_run: bool
    removed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    left: tuple[LeftAlone, ...] = ()
    cancelled: bool = False
    transactions: int = 0
    longest_hold: float = 0.0
    seconds: float = 0.0
    archives: tuple[str, ...] = ()
    doubt: ClockDoubt | None = None

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --json`; `clockDoubt` and `left` where needed."""
        found: dict[str, Any] = {
            "cutoff": self.cutoff,
            "dryRun": self.dry_run,
            "removed": dict(self.removed),
        }
        if self.left:
            found["left"] = [one.to_json() for one in self.left]
        if self.doubt is not None:
            found["clockDoubt"] = self.doubt.sentence(utc_time)
        return found


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What is old at `cutoff`. `tables` are those of `TABLES` that the file has."""

    cutoff: int
    audit: AuditPlan
    tables: frozenset[str]
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Execution:
    """One run of a plan; `result` grows while it runs and is right whenever it ends."""

    def __init__(
        self,
        database: LocalDatabase,
        plan: RetentionPlan,
        *,
        now: int,
        dry_run: bool,
        progress: Progress,
        cancelled: Callable[[], bool],
        pause: Callable[[float], None],
        fold_back: Callable[[], None],
        batch_rows: int,
        archiver: Archiver | None = None,
    ) -> None:
        self.result = RetentionResult(plan.cutoff, dry_run, left=plan.audit.left)
        self._database = database
        self._plan = plan
        self._now = now
        self._progress = progress
        self._cancelled = cancelled
        self._pause = pause
        self._fold_back = fold_back
        self._batch_rows = batch_rows
        self._done = 0
        self._archiver = archiver
        # An entry is proven, archived perhaps, then removed.
        self._total = plan.total + plan.counts["audit_chain"] * (1 if archiver is None else 2)

    def run(self) -> None:
        """Removes everything planned. Raises `Cancelled` between transactions, and the storage errors."""
        prefixes = self._plan.audit.prefixes
        for group in groups(prefix for prefix in prefixes if not prefix.incidental):
            self._prune(group)
        self._remove_records(records.notification_removals)
        self._remove_records(records.run_removals)
        if self.result.total:
            for group in groups(prefix for prefix in prefixes if prefix.incidental):
                self._prune(group)

    def _prune(self, group: Sequence[Prefix]) -> None:
        proof = prove(
            self._database,
            group,
            batch_rows=self._batch_rows,
            tick=self._advance,
            cancelled=self._cancelled,
        )
        self.result.left += proof.left
        changed: set[str] = set()
        for batch in self._archived(proof.batches):
            parts = [part for part in batch if part.tenant_id not in changed]
            if self.result.dry_run:
                self._count({"audit_chain": sum(part.count for part in parts)})
                continue
            try:
                self._remove_parts(parts)
            except RowChanged:  # the platform's own cleanup, say: find whose entries they were
                for part in parts:
                    try:
                        self._remove_parts([part])
                    except RowChanged:
                        changed.add(part.tenant_id)
                        self._leave(part)

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
            except RowChanged:
                self._leave(parts[0])
        self.result.archives += tuple(reference.file for reference in kept.values())
        return [
            [replace(part, archive=kept[part.tenant_id]) for part in batch if part.tenant_id in kept]
            for batch in batches
        ]

    def _leave(self, part: Part) -> None:
        reason = "The chain was changed by somebody else meanwhile."
        self.result.left += (LeftAlone(part.tenant_id, part.from_seq, reason),)

    def _remove_parts(self, parts: Sequence[Part]) -> None:
        if parts:
            write = partial(
                remove,
                self._database,
                parts,
                cutoff=self._plan.cutoff,
                now=self._now,
                cancelled=self._cancelled,
            )
            self._transact(write, {"audit_chain": sum(part.count for part in parts)})

    def _remove_records(self, removals: Callable[..., Iterator[records.Removal]]) -> None:
        for _ in range(_RETRIES):
            try:
                for removal in removals(self._database, self._plan.cutoff, self._plan.tables):
                    if self.result.dry_run:
                        self._count(removal.removed)
                    else:
                        write = partial(
                            self._database.run_batch, removal.statements, cancelled=self._cancelled
                        )
                        self._transact(write, removal.removed)
            except RowChanged:  # somebody marked one unread, or restored a run: read them again
                continue
            return

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
        self._count(removed)
        if self.result.transactions % _CHECKPOINT_EVERY == 0:
            self._fold_back()  # which keeps nobody waiting either
        else:
            self._pause(_PAUSE)

    def _count(self, removed: dict[str, int]) -> None:
        for table, rows in removed.items():
            self.result.removed[table] += rows
        self._advance(sum(removed.values()))

    def _advance(self, rows: int) -> None:
        self._done = min(self._done + rows, self._total)
        self._progress(self._done, self._total)
