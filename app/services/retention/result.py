"""What a person says to a plan of retention, what a run of it answers and reports, and why there was none."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.services.chain.append import Batch, Event, append
from app.services.chain.pruning import LeftAlone
from app.services.records.change import Change
from app.services.retention.clock import ClockDoubt
from app.services.retention.other_tables import Skipped
from app.services.retention.plan import Plan, TenantShare, outcome
from models.engine import Database
from models.errors import StorageError, TenantAdminError
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person has said to the plan that they were shown.

    `majority` are the tenants that may lose more than half of their entries, `clock` is the doubt in spite of
    which the clock is right.
    """

    majority: frozenset[str] = frozenset()
    clock: ClockDoubt | None = None
    without_checkpoint: bool = False

    @classmethod
    def to(
        cls, plan: Plan, *, majority: bool = False, clock: bool = False, without_checkpoint: bool = False
    ) -> "Confirmation":
        """Agrees to what this very plan asks about."""
        tenants = frozenset(share.tenant_id for share in plan.majority) if majority else frozenset()
        return cls(tenants, plan.doubt if clock else None, without_checkpoint)


NOTHING_CONFIRMED: Final = Confirmation()


class NeedsConfirmation(TenantAdminError):
    """More than half of a tenant's live entries would go, and nobody has said that this is meant."""

    def __init__(self, shares: Sequence[TenantShare]) -> None:
        self.tenants = tuple(share.tenant_id for share in shares)
        first = shares[0]
        others = len(shares) - 1
        more = f" and of {others} more tenant{'s' if others > 1 else ''}" if others else ""
        super().__init__(
            f"More than half of the audit entries of {first.tenant_id} ({first.losing:,} of {first.live:,})"
            f"{more} would be removed; nothing was removed. Check the clock and the retention period, "
            "then confirm."
        )


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

    def __init__(self, result: "Result", planned: int, error: TenantAdminError) -> None:
        self.result = result
        super().__init__(
            f"Retention stopped when {result.total:,} of {planned:,} rows had been removed; those are gone, "
            f"the others stay, and a new run goes on from there. The step that failed: {error}"
        )


@dataclass(slots=True)
class Result:
    """What went, and what stayed although it is old.

    `longest_hold` is the longest transaction in seconds, waiting for others included. `cancelled` says that
    there is more to remove; what was removed is complete in itself. `archives` are the names of the files
    that keep the removed audit entries. `doubt` says why the clock was in doubt, also where a person has said
    that it is right. `no_checkpoint` is why none could be made afterwards.
    """

    cutoff: int
    removed: dict[str, int]
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cancelled: bool = False
    transactions: int = 0
    longest_hold: float = 0.0
    seconds: float = 0.0
    archives: tuple[str, ...] = ()
    doubt: ClockDoubt | None = None
    no_checkpoint: str | None = None

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    @property
    def is_complete(self) -> bool:
        """Whether all that is old went."""
        return not (self.left or self.skipped or self.cancelled)

    def change(self) -> Change:
        """What those who show the file are told of it; retention cannot be undone."""
        went = {table for table, rows in self.removed.items() if rows}
        rows = f"{self.total:,} row{'' if self.total == 1 else 's'}"
        return Change(f"Retention removed {rows}", (), (), bulk=frozenset(went | {"audit_chain"}))

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --json`."""
        found = outcome(self.cutoff, self.removed, self.left, self.skipped, self.doubt, dry_run=False)
        return found if self.no_checkpoint is None else found | {"noCheckpoint": self.no_checkpoint}


def is_news(database: Database, result: Result) -> bool:
    """Whether the run did something, or met a chain it had to leave that the last report does not name.

    Otherwise every day of an idle file would add an entry that says nothing.
    """
    if result.total or not result.left:
        return result.total > 0
    last = database.scalar(
        AuditEntry.select(AuditEntry.payload)
        .where(
            AuditEntry.tenant_id == SYSTEM_TENANT,
            AuditEntry.event_type == AuditEvent.RETENTION_COMPLETED.value,
        )
        .order_by(AuditEntry.seq.desc())
        .limit(1)
        .tuples()
    )
    try:
        known = json.loads(last).get("left")
    except (TypeError, ValueError, AttributeError, RecursionError):
        return True
    return bool(known != [one.to_json() for one in result.left])


def report_outcome(
    database: Database, result: Result, *, actor: str, now: int, error: TenantAdminError | None = None
) -> None:
    """Appends the outcome to the chain of `system`."""
    payload: dict[str, Any] = {"actor": actor, "cutoff": result.cutoff, "removed": dict(result.removed)}
    if result.left:
        payload["left"] = [one.to_json() for one in result.left]
    if result.skipped:
        payload["skipped"] = [one.to_json() for one in result.skipped]
    if result.doubt is not None:
        payload["trustedClock"] = True
    if result.cancelled:
        payload["cancelled"] = True
    if error is not None:
        payload["error"] = str(error)
    kind = AuditEvent.RETENTION_COMPLETED if error is None else AuditEvent.RETENTION_FAILED
    append(database, lambda: Batch((), (Event(SYSTEM_TENANT, kind, payload),)), now=now)
