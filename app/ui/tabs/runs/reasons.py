"""The question before an act upon runs that asks why, which the audit entries say then."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.records import runs as planning
from app.services.text import counted
from app.ui.theme import Theme, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label, Look, in_column
from models.errors import InvalidInput
from models.status import RunStatus

REQUIRED: Final = frozenset({RunStatus.KILLED})
"""What no run becomes without a reason, which is its verdict."""

ASKED: Final = frozenset({RunStatus.PAUSED, RunStatus.COMPLETED, RunStatus.CANCELLED}) | REQUIRED
"""What a person is asked a reason for even of a single run; of several that are deleted, too."""

_HINTS = {
    RunStatus.KILLED: "Becomes its kill verdict, and stands in the audit chain.",
    RunStatus.DELETED: "Optional; stands in the audit chain. Return confirms as soon as there is one.",
}
_HINT = "Optional; stands in the audit chain, and beside the run under “Why”."
_NOWHERE = "this database has no audit chain, so it is not recorded."
_VERDICT = "Becomes its kill verdict."
_CHAIN_ALONE = "Stands in the audit chain; this database has no kill verdicts."
_ROW_ALONE = "Only the row changes: a workflow that still works on it is not told, and may go on."


def consequence(status: RunStatus | None, days: int | None, at_work: bool) -> str:
    """What comes of a status that is given here, as far as it is known; `days` are those of retention, None
    where it does not run by itself. `at_work`: a workflow may be, on one of these.
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
                return f"{told}It stays here as deleted until data retention is run, which is not done daily."
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
        self.field, self._problem = QLineEdit(), Label(look=Look.BAD, wrap=True)
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
        self._problem.hide()
        asked = QWidget()
        in_column(name, self.field, hint, self._problem, within=asked, spacing=4)
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
        if said and said != self._problem.text():
            announce(self.field, said)
        self.field.setAccessibleDescription(said or self._hint)
        self._problem.setText(said)
        self._problem.setVisible(bool(said))
        set_property(self.field, "invalid", bool(said))
        fits = not said and (bool(typed.strip()) or not self._required)
        self.confirm_button.setEnabled(fits)
        confirms = fits and (bool(typed.strip()) or not self._danger)
        (self.confirm_button if confirms else self.cancel_button).setDefault(True)
