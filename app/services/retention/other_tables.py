"""What retention removes besides audit entries: read notifications, and planning runs marked deleted.

Source: `database-schema.md`, Data Retention. Runs go by `updated_at`, each together with its artifacts in one
transaction, so no artifact is ever without its run. Parked ideas stay: their `run_id` is only text.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peewee import SQL, fn

from app.services.retention.plan import is_old
from models.engine import Database, Statement
from models.status import RunStatus
from models.tables import Notification, PlanningArtifact, PlanningRun

BATCH: Final = 1_000
"""Rows a transaction: their keys are scattered over three indexes, so each costs more than an audit entry."""

_BYTES: Final = 1_000_000
"""Artifact text a transaction: freed pages are overwritten, which takes its time."""

_ROWID: Final = SQL("rowid")


@dataclass(frozen=True, slots=True)
class Removal:
    """Statements for one transaction, and how many rows of each table they remove."""

    statements: tuple[Statement, ...]
    removed: dict[str, int]


def count_notifications(database: Database, cutoff: int) -> int:
    """How many read notifications are old."""
    return _count(database, Notification.select(fn.COUNT(SQL("*"))).where(*_old_notification(cutoff)))


def count_runs(database: Database, cutoff: int) -> int:
    """How many runs marked deleted are old."""
    return _count(database, PlanningRun.select(fn.COUNT(SQL("*"))).where(*_old_run(cutoff)))


def count_artifacts(database: Database, cutoff: int) -> int:
    """How many artifacts belong to runs marked deleted that are old."""
    old = PlanningRun.select(PlanningRun.id).where(*_old_run(cutoff))
    return _count(
        database, PlanningArtifact.select(fn.COUNT(SQL("*"))).where(PlanningArtifact.run_id.in_(old))
    )


def notification_removals(database: Database, cutoff: int, tables: Collection[str]) -> Iterator[Removal]:
    """Removals of up to `BATCH` notifications each, read when they are asked for."""
    if "notifications" not in tables:
        return
    last = -1
    while True:
        query = Notification.select(_ROWID).where(last < _ROWID, *_old_notification(cutoff))
        rows = [row for (row,) in database.rows(query.order_by(_ROWID).limit(BATCH).tuples())]
        if not rows:
            return
        last = rows[-1]
        delete = Notification.delete().where(_listed(_ROWID, rows), *_old_notification(cutoff))
        yield Removal((Statement(delete, expect=len(rows)),), {"notifications": len(rows)})


def run_removals(database: Database, cutoff: int, tables: Collection[str]) -> Iterator[Removal]:
    """Removals of whole runs: as many as have up to `BATCH` artifacts of 1 MB together, at least one."""
    if "planning_runs" not in tables:
        return
    has_artifacts = "planning_artifacts" in tables
    runs = database.rows(PlanningRun.select(_ROWID, PlanningRun.id).where(*_old_run(cutoff)).tuples())
    chosen: list[tuple[int, Any]] = []
    artifacts = size = 0
    for run in runs:
        amount, length = _weight(database, run[1]) if has_artifacts else (0, 0)
        if chosen and (len(chosen) + artifacts + amount >= BATCH or size + length > _BYTES):
            yield _run_removal(chosen, artifacts, cutoff)
            chosen, artifacts, size = [], 0, 0
        chosen.append(run)
        artifacts += amount
        size += length
    if chosen:
        yield _run_removal(chosen, artifacts, cutoff)


def _run_removal(runs: Sequence[tuple[int, Any]], artifacts: int, cutoff: int) -> Removal:
    rows = [row for row, _ in runs]
    still_old = (_listed(_ROWID, rows), *_old_run(cutoff))
    statements = [Statement(PlanningRun.delete().where(*still_old), expect=len(rows))]
    if artifacts:
        ids = PlanningRun.select(PlanningRun.id).where(*still_old)
        delete = PlanningArtifact.delete().where(PlanningArtifact.run_id.in_(ids))
        statements.insert(0, Statement(delete, expect=artifacts))
    return Removal(tuple(statements), {"planning_runs": len(rows), "planning_artifacts": artifacts})


def _weight(database: Database, run_id: Any) -> tuple[int, int]:
    """How many artifacts a run has, and how many bytes they hold."""
    query = PlanningArtifact.select(
        fn.COUNT(SQL("*")), fn.COALESCE(fn.SUM(fn.octet_length(PlanningArtifact.content)), 0)
    ).where(PlanningArtifact.run_id == run_id)
    amount, length = database.rows(query.tuples())[0]
    return amount, length


def _old_notification(cutoff: int) -> tuple[Any, Any]:
    return Notification.read == 1, is_old(Notification.created_at, cutoff)


def _old_run(cutoff: int) -> tuple[Any, Any]:
    return PlanningRun.status == RunStatus.DELETED.value, is_old(PlanningRun.updated_at, cutoff)


def _listed(column: Any, values: Sequence[int]) -> Any:
    """The condition that `column` is one of `values`, which travel as one parameter."""
    return column.in_(SQL("(SELECT value FROM json_each(?))", (json.dumps(values),)))


def _count(database: Database, query: Any) -> int:
    return int(database.scalar(query.tuples()))
