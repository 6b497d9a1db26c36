"""The status changes that a person may make, how a status looks, and which acts apply to it; and the
question before one that asks why, which the audit entries say then.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from app.itemmodels.columns import Row
from app.services.records.applying import GONE, Left
from app.services.runs import statuses as planning
from app.services.text import counted, readable
from app.ui.theme import Icon, Theme, Tone, set_property
from app.ui.widgets import formatting
from app.ui.widgets.announcing import announce
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label, Look, ProblemLabel, in_column
from models.errors import InvalidInput
from models.status import RunStatus


class RunAct(NamedTuple):
    """An act: `status` is what the run becomes (None: what it was before), `done` a participle, `many` the
    act on several, with their number for its "{}", where that does not follow `text`.
    """

    name: str
    text: str
    icon: str
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
    RunAct("pause", "Pause", Icon.PAUSE, RunStatus.PAUSED, "paused"),
    RunAct("resume", "Resume", Icon.PLAY, RunStatus.RUNNING, "resumed"),
    RunAct("complete", "Complete", Icon.CHECK, RunStatus.COMPLETED, "completed"),
    RunAct("cancel", "Cancel run", Icon.CANCEL, RunStatus.CANCELLED, "cancelled", "Cancel {}"),
    RunAct("kill", "Kill", Icon.BAD, RunStatus.KILLED, "killed"),
    RunAct("delete", "Delete", Icon.DELETE, RunStatus.DELETED, "deleted"),
    RunAct("restore", "Restore", Icon.UNDO, None, "restored"),
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
    return formatting.first_line(readable(idea)) or formatting.EMPTY


def main_acts(status: Any) -> tuple[str, ...]:
    """The names of the acts that most likely follow for a run in this status. To delete it is none: a run
    that ends brings others under the mouse, and Delete must not stand where another act did.
    """
    return _MAIN.get(status, ())


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


def left_as_they_are(rows: Sequence[Row], found: Sequence[Row], selected: int) -> Left:
    """The others, to which an act does not apply, by what they are; of many statuses the rarest together.
    Of so many `selected` those that are not among the rows have gone.
    """
    counts = Counter(planning.status_words(row[2]) for row in rows)
    counts -= Counter(planning.status_words(row[2]) for row in found)
    left, named = Left(), counts.most_common(len(RunStatus))
    for status, count in named:
        left.add(status, count=count)
    left.add("of other statuses", count=counts.total() - left.count)
    left.add(GONE, count=selected - len(rows))
    return left


def before_asking(left: Left, of: int) -> str:
    """That they stay as they are, in a question about the rest of so many selected; "" where none does."""
    stays = "stays as it is" if left.count == 1 else "stay as they are"
    return f"The other {left.count:,} of the {of:,} selected {stays} ({left.why}). " if left.count else ""


REQUIRED: Final = frozenset({RunStatus.KILLED})
"""What no run becomes without a reason, which is its verdict."""

ASKED: Final = frozenset({RunStatus.PAUSED, RunStatus.COMPLETED, RunStatus.CANCELLED}) | REQUIRED
"""What a person is asked a reason for even of a single run; of several that are deleted, too."""

_HINTS = {
    RunStatus.KILLED: "Becomes the kill verdict, and stands in the audit chain.",
    RunStatus.DELETED: "Optional; stands in the audit chain. Return confirms as soon as there is one.",
}
_HINT = "Optional; stands in the audit chain, and beside the run under “Why”."
_NOWHERE = "this database has no audit chain, so it is not recorded."
_VERDICT = "Becomes the kill verdict."
_CHAIN_ALONE = "Stands in the audit chain; this database has no kill verdicts."
_ROW_ALONE = "Only the row changes: a workflow that still works on it is not told, and may go on."


def consequence(status: RunStatus | None, days: int | None, at_work: bool, *, one: bool = True) -> str:
    """What comes of a status that is given here, as far as it is known; `days` are those of retention, None
    where it does not run by itself. `at_work`: a workflow may be, on one of these. It is given to `one` run.
    """
    match status:
        case None:
            return "Each gets the status that the audit chain recorded before; one without becomes paused."
        case RunStatus.PAUSED:
            return "A paused run waits for approval."
        case RunStatus.COMPLETED | RunStatus.CANCELLED | RunStatus.KILLED:
            return _ROW_ALONE
        case RunStatus.DELETED:
            told = f"{_ROW_ALONE} " if at_work else ""
            if days is None:
                stays = "It stays" if one else "They stay"
                return f"{told}{stays} here as deleted until data retention is run, which is not done daily."
            return f"{told}Data retention removes what has been deleted for {counted(days, 'day')}."
    return ""


class ReasonDialog(ConfirmDialog):
    """Asks why, beside whether, and says where that is kept: where acts are `recorded`, and as the verdict of
    what is killed where the file `has_verdict`s. Return confirms what is no danger, and else as soon as there
    is a reason.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str,
        *,
        status: RunStatus,
        action: str,
        items: Sequence[str],
        total: int,
        danger: bool,
        cancel: str = "Cancel",
        recorded: bool = True,
        has_verdict: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            theme,
            title,
            sentence,
            action=action,
            items=items,
            total=total,
            listed="About these",
            danger=danger,
            cancel=cancel,
            parent=parent,
        )
        is_verdict = status is RunStatus.KILLED and has_verdict
        is_kept = recorded or is_verdict
        self._required, self._danger = status in REQUIRED and is_kept, danger
        self.field, self.problem = QLineEdit(), ProblemLabel(theme)
        self.problem.hide()
        self.needed = "Say why first: a reason is needed."
        said = _HINTS.get(status, _HINT)
        if not is_kept:
            said = f"Optional; {_NOWHERE}"
        elif not recorded:
            said = _VERDICT
        elif status is RunStatus.KILLED and not has_verdict:
            said = _CHAIN_ALONE
        hint = Label(said, Look.DIM, wrap=True)
        name = Label("Reason", Look.STRONG)
        name.setBuddy(self.field)
        self.field.setAccessibleName("Reason")
        self._hint = hint.text()
        asked = QWidget()
        in_column(name, self.field, hint, self.problem, within=asked, spacing=4)
        self.add_condition(asked)
        self.field.textChanged.connect(self._look)
        self._look("")
        for keys in ("Ctrl+Return", "Ctrl+Enter"):  # as in a form
            QShortcut(QKeySequence(keys), self).activated.connect(self.confirm_button.click)
        self.field.setFocus()

    def reason(self) -> str:
        return planning.valid_reason(self.field.text())

    def _look(self, typed: str) -> None:
        said = ""
        try:
            planning.valid_reason(typed)
        except InvalidInput as error:
            said = str(error)
        if said and said != self.problem.text():
            announce(self.field, said)
        self.field.setAccessibleDescription(said or self._hint)
        self.problem.say(said)
        set_property(self.field, "invalid", bool(said))
        fits = not said and (bool(typed.strip()) or not self._required)
        self.confirm_button.setEnabled(fits)
        confirms = fits and (bool(typed.strip()) or not self._danger)
        (self.confirm_button if confirms else self.cancel_button).setDefault(True)
