"""The status changes that a person may make, how a status looks, and which acts apply to it."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from app.itemmodels.columns import Row, Tone
from app.services.records import runs as planning
from app.services.text import readable, some_of
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from models.status import RunStatus


class RunAct(NamedTuple):
    """An act: `status` is what the run becomes (None: what it was before), `done` a participle, `many` the
    act on several, with their number for its "{}", where that does not follow `text`.
    """

    name: str
    text: str
    icon: str
    key: str
    status: RunStatus | None
    done: str
    many: str = ""


STATUS_LOOKS = {
    RunStatus.RUNNING: (Tone.ACCENT, Icon.RUNNING),
    RunStatus.PAUSED: (Tone.WARN, Icon.PAUSED),
    RunStatus.COMPLETED: (Tone.OK, Icon.COMPLETED),
    RunStatus.KILLED: (Tone.BAD, Icon.BAD),
    RunStatus.CANCELLED: (Tone.NEUTRAL, Icon.CANCELLED),
    RunStatus.DELETED: (Tone.NEUTRAL, Icon.DELETED),
    RunStatus.ACTIVE: (Tone.ACCENT, Icon.RUNNING),
}
"""How a status is shown beside its word."""

ACTS: tuple[RunAct, ...] = (
    RunAct("pause", "Pause", Icon.PAUSE, "P", RunStatus.PAUSED, "paused"),
    RunAct("resume", "Resume", Icon.PLAY, "R", RunStatus.RUNNING, "resumed"),
    RunAct("complete", "Complete", Icon.CHECK, "", RunStatus.COMPLETED, "completed"),
    RunAct("cancel", "Cancel run", Icon.CANCEL, "", RunStatus.CANCELLED, "cancelled", "Cancel {}"),
    RunAct("kill", "Kill", Icon.BAD, "", RunStatus.KILLED, "killed"),
    RunAct("delete", "Delete", Icon.DELETE, "Del", RunStatus.DELETED, "deleted"),
    RunAct("restore", "Restore", Icon.UNDO, "U", None, "restored"),
)

_MAIN = {
    RunStatus.RUNNING: ("pause", "cancel", "kill"),
    RunStatus.ACTIVE: ("pause", "cancel", "kill"),
    RunStatus.PAUSED: ("resume", "cancel", "kill"),
    RunStatus.DELETED: ("restore",),
}


def status_word(status: Any) -> str:
    """A status on its own, be it one or not."""
    return formatting.first_line(readable(status)) or "no status"


def idea_words(idea: Any) -> str:
    """The first line of an idea, be there one or not."""
    return formatting.first_line(formatting.plain(idea)) or "(no idea)"


def main_acts(status: Any) -> tuple[str, ...]:
    """The names of the acts that most likely follow for a run in this status."""
    return _MAIN.get(status, ("delete",))


def refusal_of(
    act: RunAct, statuses: Collection[Any], taken: Collection[str] = frozenset(RunStatus)
) -> str | None:
    """Why the act does not apply to runs in these statuses, as a sentence; None when it does.

    `taken` are the statuses that the file lets a run have.
    """
    for status in sorted(statuses, key=str):
        if act.status is None:
            if status != RunStatus.DELETED:
                return "Only deleted runs can be restored."
        elif act.status not in planning.allowed(status):
            if status == act.status:
                return f"Already {status}."
            if status == RunStatus.DELETED:
                return "A deleted run must be restored first."
            return f"A run that is {planning.status_words(status)} cannot be {act.done}."
        elif act.status not in taken:
            return f"This database's own rules let no run be {act.status}."
    return None


def left_as_it_is(rows: Sequence[Row], found: Sequence[Row]) -> str:
    """That the others, to which an act does not apply, stay as they are, and what these are."""
    others = len(rows) - len(found)
    counts = Counter(planning.status_words(row[2]) for row in rows)
    counts -= Counter(planning.status_words(row[2]) for row in found)
    stays = "stays as it is" if others == 1 else "stay as they are"
    words = [f"{count:,} {status}" if len(counts) > 1 else status for status, count in counts.most_common()]
    named = some_of(words, len(RunStatus))
    return f"The other {others:,} of the {len(rows):,} selected {stays} ({named}). "
