"""From an entry to another: to those beside the selected one in its tenant's chain, or to the one that is
asked for.
"""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.chain.reading import FIELD, Inspection, entry_beside, find_entry, meant
from app.services.records.record import AuditDetail
from app.services.records.tables import AUDIT_CHAIN, EVERYONE
from app.services.text import tenant_name
from app.ui.session.context import Context
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.announcing import announce
from app.ui.widgets.form_dialog import FormDialog, checked
from app.ui.widgets.formatting import grouped
from app.workers.runner import Task
from models.errors import TenantAdminError


class ChainSteps:
    """`before()` goes to the entry that the selected one continues, `behind()` to the next; at an end it says
    so.
    """

    def __init__(self, tab: RecordTab) -> None:
        self._tab = tab

    def before(self) -> None:
        self._tab.current.when_whole(partial(self._look, behind=False))

    def behind(self) -> None:
        self._tab.current.when_whole(partial(self._look, behind=True))

    def refuse(self) -> str | None:
        one = self._tab.list.selected_count() == 1 and isinstance(self._tab.list.current_id(), int)
        return None if one else self._tab.selection.refusal_of_gone() or "Select one entry first."

    def _look(self, record: AuditDetail, *, behind: bool) -> None:
        done = partial(self._found, record.inspection, behind)
        self._tab.context.runner.read(entry_beside, record.inspection.seq, behind=behind, on_done=done)

    def _found(self, entry: Inspection, behind: bool, found: int | None) -> None:
        if found is None:
            which, whose = "last" if behind else "first", tenant_name(entry.tenant)
            said = f"Entry {grouped(entry.seq)} is the {which} of {whose} in this database."
            self._tab.context.say(said)
        elif self._tab.list.current_id() == entry.seq:
            self._tab.list.jump(found, on_missing=partial(self._tab.show_record, found))


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
