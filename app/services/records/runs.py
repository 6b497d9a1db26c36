"""Planning runs: what they produced, and the status changes an administrator may make.

Runs belong to the platform, not to a tenant: their audit entries go to the chain of tenant `system`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from app.services import text
from app.services.chain.append import Event
from app.services.errors import NotAllowed, NotFound
from app.services.records import change as writing
from app.services.records import images as records
from app.services.records.change import Change, RowChange
from models.engine import Database
from models.status import SYSTEM_TENANT, AuditEvent, Phase, RunStatus
from models.tables import AuditEntry, ParkedIdea, PlanningArtifact, PlanningRun

PHASES: tuple[str, ...] = tuple(Phase)
STATUSES: tuple[str, ...] = tuple(RunStatus)

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.RUNNING: frozenset(
        {RunStatus.PAUSED, RunStatus.CANCELLED, RunStatus.KILLED, RunStatus.COMPLETED}
    ),
    RunStatus.PAUSED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.KILLED}),
}
"""What may follow what, beside deleting and restoring, which are always possible."""

_EVENTS = {
    RunStatus.RUNNING: AuditEvent.RUN_RESUMED,
    RunStatus.PAUSED: AuditEvent.RUN_PAUSED,
    RunStatus.COMPLETED: AuditEvent.RUN_COMPLETED,
    RunStatus.KILLED: AuditEvent.RUN_KILLED,
    RunStatus.CANCELLED: AuditEvent.RUN_CANCELLED,
    RunStatus.DELETED: AuditEvent.RUN_DELETED,
}


@dataclass(frozen=True, slots=True)
class RunRecord:
    id: str
    idea: str
    refined_idea: str | None
    status: str
    current_phase: str | None
    quality_score: float | None
    revenue_potential: float | None
    workflow_instance_id: str | None
    kill_verdict: str | None
    pivot_count: int | None
    package_key: str | None
    mode: str | None
    config: str | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class ArtifactSummary:
    """An artifact without its content; `length` is the content's length in characters."""

    id: str
    phase: str
    version: int
    review_verdict: str | None
    overall_score: float | None
    length: int
    created_at: int


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with its artifacts, by phase in running order, the newest version of a phase first."""

    run: RunRecord
    artifacts: tuple[ArtifactSummary, ...]


@dataclass(frozen=True, slots=True)
class ParkedIdeaRecord:
    id: str
    idea: str
    refined_idea: str | None
    run_id: str | None
    source_phase: str | None
    reason: str | None
    artifact_summary: str | None
    revisit_estimate_months: int | None
    revisit_estimate_note: str | None
    created_at: int


def get(database: Database, run_id: str) -> RunDetail:
    """The run and its artifacts. Raises `NotFound`."""
    run = RunRecord(**records.readable(database, PlanningRun, run_id, "planning run"))
    artifact = PlanningArtifact
    query = artifact.select(
        artifact.id,
        artifact.phase,
        artifact.version,
        artifact.review_verdict,
        artifact.overall_score,
        fn.LENGTH(artifact.content),
        artifact.created_at,
    ).where(artifact.run_id == run_id)
    found = [ArtifactSummary(*row) for row in database.rows(query)]
    order = {phase: position for position, phase in enumerate(PHASES)}
    found.sort(key=lambda item: (order.get(item.phase, len(order)), item.phase, -item.version))
    return RunDetail(run, tuple(found))


def artifact_content(database: Database, artifact_id: str) -> str:
    """The whole content of an artifact. Raises `NotFound`."""
    return str(records.readable(database, PlanningArtifact, artifact_id, "artifact")["content"])


def parked_idea(database: Database, idea_id: str) -> ParkedIdeaRecord:
    """A parked idea. Raises `NotFound`."""
    return ParkedIdeaRecord(**records.readable(database, ParkedIdea, idea_id, "parked idea"))


def allowed(status: str) -> frozenset[RunStatus]:
    """The statuses that a run in `status` may be given."""
    if status == RunStatus.DELETED:
        return frozenset()
    following = TRANSITIONS.get(RunStatus(status), frozenset()) if status in STATUSES else frozenset()
    return following | {RunStatus.DELETED}


def set_status(
    database: Database, run_ids: Sequence[str], status: RunStatus, *, actor: str, now: int
) -> Change:
    """Gives the runs another status.

    Raises `NotAllowed`, naming the first run for which this does not apply (nothing is changed then).
    """
    status = RunStatus(status)
    rows = _found(database, run_ids)
    for row in rows:
        if status not in allowed(row["status"]):
            raise NotAllowed(f"“{_short(row)}” is {row['status']}; it cannot become {status}.")
    return _commit(database, [(row, str(status)) for row in rows], f"{status}", actor, now)


def restore(database: Database, run_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Takes back the soft deletion: each run gets the status it had before.

    The audit chain says which that was; where it does not (deleted by the platform, or pruned since), the
    run becomes paused, in which nothing goes on until somebody decides. Raises `NotAllowed`.
    """
    rows = _found(database, run_ids)
    for row in rows:
        if row["status"] != RunStatus.DELETED:
            raise NotAllowed(f"“{_short(row)}” is not deleted.")
    return _commit(
        database, [(row, _status_before(database, row["id"])) for row in rows], "restored", actor, now
    )


def _found(database: Database, run_ids: Sequence[str]) -> list[records.Image]:
    rows = records.images(database, PlanningRun, run_ids)
    if not rows:
        raise NotFound("planning run")
    return rows


def _status_before(database: Database, run_id: str) -> str:
    query = (
        AuditEntry.select(AuditEntry.payload)
        .where(
            AuditEntry.tenant_id == SYSTEM_TENANT,
            AuditEntry.event_type == AuditEvent.RUN_DELETED,
            fn.INSTR(AuditEntry.payload, run_id) > 0,
        )
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    )
    try:
        status = json.loads(database.scalar(query) or "{}")["changes"]["status"]["from"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return RunStatus.PAUSED
    return status if status in STATUSES and status != RunStatus.DELETED else RunStatus.PAUSED


def _commit(
    database: Database, wanted: Sequence[tuple[records.Image, str]], word: str, actor: str, now: int
) -> Change:
    what = f"“{_short(wanted[0][0])}”" if len(wanted) == 1 else text.plural(len(wanted), "run")
    change = Change(
        summary=f"{what} {word}",
        rows=tuple(
            RowChange(
                PlanningRun,
                row["id"],
                {"status": row["status"], "updated_at": row["updated_at"]},
                {"status": status, "updated_at": now},
            )
            for row, status in wanted
        ),
        events=tuple(_event(row["id"], row["status"], status, actor) for row, status in wanted),
        inverse_events=tuple(_event(row["id"], status, row["status"], actor) for row, status in wanted),
    )
    return writing.commit(database, lambda: change, now=now)


def _event(run_id: str, before: str, after: str, actor: str) -> Event:
    kind = AuditEvent.RUN_RESTORED if before == RunStatus.DELETED else _EVENTS[RunStatus(after)]
    payload: dict[str, Any] = {
        "actor": actor,
        "runId": run_id,
        "changes": {"status": {"from": before, "to": after}},
    }
    return Event(SYSTEM_TENANT, kind, payload)


def _short(row: records.Image) -> str:
    idea = str(row["idea"])
    return idea if len(idea) <= 60 else f"{idea[:59]}…"
