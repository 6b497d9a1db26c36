"""How far a planning run came, in a line and phase by phase."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from app.services.records import runs as planning
from app.services.records.record import Record
from app.services.records.runs import RunDetail
from app.ui.tabs.runs.phase_scores import PhaseScore
from app.ui.widgets.formatting import counted


def summary(detail: RunDetail) -> str:
    """ "15 of 15 phases · score 84 · verdict proceed · 1 pivot"."""
    run, parts = detail.run, ["artifacts missing in this file"]
    if detail.artifacts is not None:
        done = {artifact["phase"] for artifact in detail.artifacts} & set(planning.PHASES)
        parts = [f"{len(done)} of {len(planning.PHASES)} phases"]
    if _is_number(run["quality_score"]):
        parts.append(f"score {run['quality_score']:.0f}")
    if run["kill_verdict"]:
        parts.append(f"verdict {run['kill_verdict']}")
    if isinstance(run["pivot_count"], int) and run["pivot_count"]:
        parts.append(counted(run["pivot_count"], "pivot"))
    return " · ".join(parts)


def phase_scores(artifacts: Sequence[Record]) -> list[PhaseScore]:
    """A row for every phase, with its newest version; phases the platform does not know come last."""
    by_phase = groupby(artifacts, lambda artifact: artifact.text("phase"))
    newest = {phase: next(versions) for phase, versions in by_phase}
    names = [*planning.PHASES, *(name for name in newest if name not in planning.PHASES)]
    return [_phase_score(name, newest.get(name)) for name in names]


def _phase_score(name: str, artifact: Record | None) -> PhaseScore:
    if artifact is None:
        return PhaseScore(name)
    score, version = artifact["overall_score"], artifact["version"]
    return PhaseScore(name, score if _is_number(score) else None, version if isinstance(version, int) else 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
