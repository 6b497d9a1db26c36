"""The question which entry to go to."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.chain.finding import FIELD, find_entry, meant
from app.services.records.tables import AUDIT_CHAIN, EVERYONE
from app.ui.session.context import Context
from app.ui.widgets.announcing import announce
from app.ui.widgets.form_dialog import FormDialog, checked
from app.workers.runner import Task
from models.errors import TenantAdminError

_ACTION, _LOOKING = "Go", "Looking…"


class GoToDialog(FormDialog):
    """By number or hash, among the entries of all tenants; `found(seq, tenant)` when it is accepted."""

    holds_work = False
    found = Signal(object, str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, "Go to entry", action=_ACTION, parent=parent)
        self._context = context
        self._task: Task | None = None
        self.typed = QLineEdit()
        hint = "A number, such as 1,200, or a hash or its beginning."
        self.add_field(FIELD, "Number or hash", self.typed, checked(meant), hint)
        self.submitted.connect(self._ask)
        self.typed.textChanged.connect(self._stop)
        self.finished.connect(self._stop)
        self.typed.setFocus()

    def _ask(self) -> None:
        """For a hash every entry is read, which is asked about where that costs much."""
        wanted = meant(self.typed.text())
        rows = self._context.rows_of(AUDIT_CHAIN.name, EVERYONE) if isinstance(wanted, str) else 0
        self._context.when_agreed(rows, lambda: self._look(wanted), self, lambda: None)

    def _look(self, wanted: int | str) -> None:
        self._stop()
        self.action_button.setEnabled(False)
        self.action_button.setText(_LOOKING)
        self._task = self._context.runner.read(find_entry, wanted, on_done=self._done, on_failed=self._failed)

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self.action_button.setEnabled(True)
        self.action_button.setText(_ACTION)

    def _done(self, found: tuple[int, str]) -> None:
        if self._task is not None:
            self._stop()
            self.accept()
            self.found.emit(*found)

    def _failed(self, error: TenantAdminError) -> None:
        if self._task is not None:
            self._stop()
            self.show_error(error)
            announce(self, str(error))
            self.go_to(FIELD)
