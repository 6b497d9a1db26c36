"""Data retention: what the platform's daily cleanup removes, so that nobody waits and chains stay provable.

Source: `database-schema.md`, Data Retention; `integrity.md` 1; `measured.md`, Retention.
"""

import json
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.services.chain.append import Batch, Event, append
from app.services.chain.archive.writing import Archiver
from app.services.chain.pruning import LeftAlone
from app.services.errors import (
    Cancelled,
    InvalidInput,
    NotAllowed,
    ReadOnlyFile,
    StorageError,
    TenantAdminError,
)
from app.services.retention import other_tables as records
from app.services.retention.clock import NO_FACTS, ClockDoubt, ClockFacts, ClockProblem, find_doubt
from app.services.retention.execution import (
    TABLES,
    Execution,
    Progress,
    RetentionPlan,
    RetentionResult,
)
from app.services.retention.plan import AuditPlan, TenantShare, numbered_and_there, plan_audit
from models import schema
from models.local.database import LocalDatabase
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry

__all__ = [
    "DATA_RETENTION_SECONDS",
    "TABLES",
    "ClockDoubt",
    "ClockFacts",
    "ClockProblem",
    "LeftAlone",
    "NeedsConfirmation",
    "RetentionPreview",
    "RetentionResult",
    "TenantShare",
    "preview",
    "run",
]

DATA_RETENTION_SECONDS: Final = 90 * 86_400
"""The platform's own constant and default."""

BATCH_ROWS: Final = 5_000
"""Audit entries a transaction: 7 to 16 ms (`measured.md`, Retention)."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """What would go now: rows by table, the tenants that lose audit entries, and those that cannot.

    `doubt` says why the clock is in doubt, when it is.
    """

    cutoff: int
    removed: dict[str, int]
    tenants: tuple[TenantShare, ...]
    left: tuple[LeftAlone, ...]
    doubt: ClockDoubt | None = None

    @property
    def total(self) -> int:
        return sum(self.removed.values())


class NeedsConfirmation(TenantAdminError):
    """More than half of a tenant's live entries would go, and nobody has said that this is meant."""

    def __init__(self, shares: tuple[TenantShare, ...]) -> None:
        self.tenants = tuple(share.tenant_id for share in shares)
        first = shares[0]
        others = len(shares) - 1
        more = f" and of {others} more tenant{'s' if others > 1 else ''}" if others else ""
        super().__init__(
            f"More than half of the audit entries of {first.tenant_id} ({first.losing:,} of {first.live:,})"
            f"{more} would be removed; nothing was removed. Check the clock and the retention period, "
            "then confirm."
        )


def preview(
    database: LocalDatabase, *, now: int, days: int = 90, facts: ClockFacts = NO_FACTS
) -> RetentionPreview:
    """Counts what a run at `now` would remove. Nothing is proven yet; the caller holds a connection.

    Raises `InvalidInput` for a negative number of days, `NotAllowed` and the storage errors.
    """
    plan = _plan(database, now, days)
    doubt = _doubt(database, plan, now, facts)
    return RetentionPreview(plan.cutoff, plan.counts, plan.audit.prefixes, plan.audit.left, doubt)


def run(
    database: LocalDatabase,
    *,
    now: int,
    days: int = 90,
    actor: str,
    dry_run: bool = False,
    allow_majority: bool | Collection[str] = False,
    trust_clock: bool = False,
    facts: ClockFacts = NO_FACTS,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    pause: Callable[[float], None] = time.sleep,
    batch_rows: int = BATCH_ROWS,
    archive: Path | None = None,
    disputed: Collection[str] = (),
) -> RetentionResult:
    """Removes what is older than `days` before `now`, in short transactions. The caller holds a connection.

    Each tenant's audit prefix is proven before any of it is removed; a tenant that fails, or is `disputed` by
    a checkpoint, is left as it is and named in the result. `dry_run` proves and counts, and changes nothing.
    When more than half of a tenant's live entries would go, `allow_majority` must be True or name the tenant;
    when the file and `facts` put the clock in doubt, `trust_clock` must be True. `progress(done, total)` is
    called after every transaction, `cancelled` between them. What was removed is reported in an audit event
    of the tenant `system`; a run that finds nothing to do needs no word and leaves the file as it is.

    With `archive`, a folder that exists, each tenant's audit entries are kept there in a file before any of
    them is removed, and the markers name it (`app.services.chain.archive`).

    Raises `ReadOnlyFile`, `NeedsConfirmation`, `ClockProblem`, `InvalidInput`, `NotAllowed` (a view or
    trigger stands in for a table) and the storage errors, those of the archive among them (`ArchiveUnusable`,
    `ArchiveNotWritten`, `ArchiveDiffers`); of those, what had been removed is reported too. `NotAllowed` as
    well where the last entries of the file were removed, which a marker would hide.
    """
    if database.read_only and not dry_run:
        raise ReadOnlyFile(database.path)
    started = time.monotonic()
    plan = _plan(database, now, days, disputed)
    doubt = _doubt(database, plan, now, facts)
    if not dry_run and plan.total:
        if doubt is not None and not trust_clock:
            raise ClockProblem(doubt)
        _require_word(plan, allow_majority)
        if plan.audit.rows:
            _require_end(database)
    archiver = None if archive is None or dry_run else Archiver(database, archive)
    believed = doubt is None or trust_clock  # a report by a clock in doubt would bear that clock out tomorrow
    has_chain = "audit_chain" in plan.tables and not dry_run and believed
    with database.calm_checkpoints() as fold_back:
        execution = Execution(
            database,
            plan,
            now=now,
            dry_run=dry_run,
            progress=progress or _ignore,
            cancelled=cancelled or _never,
            pause=pause,
            fold_back=fold_back,
            batch_rows=batch_rows,
            archiver=archiver,
        )
        result = execution.result
        result.doubt = doubt
        try:
            execution.run()
        except Cancelled:
            result.cancelled = True
        except StorageError as error:
            if has_chain and result.total:
                with suppress(StorageError):  # the first failure is the one to tell
                    _report(database, result, actor=actor, now=now, error=error)
            raise
        if has_chain and _is_news(database, result):
            _report(database, result, actor=actor, now=now)
    result.seconds = time.monotonic() - started
    return result


def _plan(database: LocalDatabase, now: int, days: int, disputed: Collection[str] = ()) -> RetentionPlan:
    if days < 0:
        raise InvalidInput("days", "The retention period is a number of days, not less than 0.")
    cutoff = now - days * _DAY
    found = schema.inspect(database)
    if found.impostors:
        raise NotAllowed(
            f"This file holds {', '.join(found.impostors)}, which could change what a removal means; "
            "nothing was removed."
        )
    tables = frozenset(
        table for table in TABLES if table in found.columns and not found.missing_columns.get(table)
    )
    counts = dict.fromkeys(TABLES, 0)
    if "notifications" in tables:
        counts["notifications"] = records.count_notifications(database, cutoff)
    if "planning_runs" in tables:
        counts["planning_runs"] = records.count_runs(database, cutoff)
        if "planning_artifacts" in tables:
            counts["planning_artifacts"] = records.count_artifacts(database, cutoff)
    audit = AuditPlan((), ())
    if "audit_chain" in tables:
        audit = plan_audit(database, cutoff).without(disputed)
    if not any(counts.values()) and all(prefix.incidental for prefix in audit.prefixes):
        audit = replace(audit, prefixes=())
    counts["audit_chain"] = sum(prefix.rows for prefix in audit.prefixes)
    return RetentionPlan(cutoff, audit, tables, counts)


def _doubt(database: LocalDatabase, plan: RetentionPlan, now: int, facts: ClockFacts) -> ClockDoubt | None:
    return find_doubt(database, now, facts, has_chain="audit_chain" in plan.tables)


def _require_word(plan: RetentionPlan, allowed: bool | Collection[str]) -> None:
    if allowed is True:
        return
    named = allowed or ()
    asking = tuple(
        share for share in plan.audit.prefixes if share.is_majority and share.tenant_id not in named
    )
    if asking:
        raise NeedsConfirmation(asking)


def _require_end(database: LocalDatabase) -> None:
    """A marker would take the number of a last entry that somebody removed, and hide that it was there."""
    counter, last = numbered_and_there(database)
    if counter > last:
        raise NotAllowed(
            f"The file has numbered audit entries up to {counter:,}, but its last one is {last:,}: those "
            "after it were removed. Nothing was removed now; verify the chain, and restore them first."
        )


def _is_news(database: LocalDatabase, result: RetentionResult) -> bool:
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
    return bool(known != _left(result))


def _left(result: RetentionResult) -> list[dict[str, Any]]:
    return [one.to_json() for one in result.left]


def _report(
    database: LocalDatabase,
    result: RetentionResult,
    *,
    actor: str,
    now: int,
    error: StorageError | None = None,
) -> None:
    """Appends the outcome to the chain of `system`."""
    payload: dict[str, Any] = {"actor": actor, "cutoff": result.cutoff, "removed": dict(result.removed)}
    if result.left:
        payload["left"] = _left(result)
    if result.doubt is not None:
        payload["trustedClock"] = True
    if result.cancelled:
        payload["cancelled"] = True
    if error is not None:
        payload["error"] = str(error)
    kind = AuditEvent.RETENTION_COMPLETED if error is None else AuditEvent.RETENTION_FAILED
    event = Event(SYSTEM_TENANT, kind, payload)
    append(database, lambda: Batch((), (event,)), now=now)


def _ignore(done: int, total: int) -> None:
    pass


def _never() -> bool:
    return False
