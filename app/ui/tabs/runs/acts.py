"""What can be done to a planning run, in words: the statuses, the acts and why one does not apply."""

from collections.abc import Collection
from typing import Any, NamedTuple

from app.itemmodels.columns import Tone
from app.services.records import runs as planning
from app.ui.theme.icons import Icon


class StatusLook(NamedTuple):
    """How a status is shown beside its word."""

    tone: Tone
    icon: str


class RunAct(NamedTuple):
    """An act: `status` is what the run becomes (None: what it was before), `done` a participle."""

    name: str
    text: str
    icon: str
    key: str
    status: str | None
    done: str


STATUS_LOOKS: dict[str, StatusLook] = {
    "running": StatusLook(Tone.ACCENT, Icon.RUNNING),
    "paused": StatusLook(Tone.WARN, Icon.PAUSED),
    "completed": StatusLook(Tone.OK, Icon.COMPLETED),
    "killed": StatusLook(Tone.BAD, Icon.BAD),
    "cancelled": StatusLook(Tone.NEUTRAL, Icon.CANCELLED),
    "deleted": StatusLook(Tone.NEUTRAL, Icon.DELETED),
}

ACTS: tuple[RunAct, ...] = (
    RunAct("pause", "Pause", Icon.PAUSE, "P", "paused", "paused"),
    RunAct("resume", "Resume", Icon.PLAY, "R", "running", "resumed"),
    RunAct("complete", "Complete", Icon.CHECK, "C", "completed", "completed"),
    RunAct("cancel", "Cancel run", Icon.CANCEL, "X", "cancelled", "cancelled"),
    RunAct("kill", "Kill", Icon.BAD, "K", "killed", "killed"),
    RunAct("delete", "Delete", Icon.DELETE, "Del", "deleted", "deleted"),
    RunAct("restore", "Restore", Icon.UNDO, "U", None, "restored"),
)

_MAIN = {
    "running": ("pause", "cancel", "kill"),
    "paused": ("resume", "cancel", "kill"),
    "deleted": ("restore",),
}


def main_acts(status: Any) -> tuple[str, ...]:
    """The names of the acts that most likely follow for a run in this status."""
    return _MAIN.get(status, ("delete",))


def refusal(act: RunAct, statuses: Collection[Any]) -> str | None:
    """Why the act does not apply to runs in these statuses, as a sentence; None when it does."""
    for status in sorted(statuses, key=str):
        if act.status is None:
            if status != "deleted":
                return "Only deleted runs can be restored."
        elif act.status not in planning.allowed(status):
            if status == act.status:
                return f"Already {status}."
            if status == "deleted":
                return "A deleted run must be restored first."
            return f"A run that is {status} cannot be {act.done}."
    return None
