"""Undo and redo of acts. Each undo is itself an act: committed, audited, and able to fail."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.services.records import change as writing
from app.services.records.change import Change
from app.workers.runner import Runner
from models.engine import Database
from models.errors import TenantAdminError


class History(QObject):
    """The undo stack of one open file, on which every change that `runner` announces is put.

    What it takes back, or does again, is a change like any other whose initiator it is. `failed` carries the
    sentence when that was refused, because somebody has changed the record since; the stack then forgets
    everything, since nothing older can be trusted to apply.
    """

    failed = Signal(object)

    def __init__(self, runner: Runner, clock: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._clock = clock
        self._pending = False
        self.stack = QUndoStack(self)
        runner.changed.connect(self._remember)

    def undo(self) -> None:
        """Takes back the latest act; nothing while an earlier one is still being taken back."""
        if not self._pending:
            self.stack.undo()

    def redo(self) -> None:
        if not self._pending:
            self.stack.redo()

    def revert(self, change: Change, summary: str, on_done: Callable[[Change], None]) -> None:
        """Commits the inverse of `change`, called `summary`."""

        def done(inverse: Change) -> None:
            self._pending = False
            on_done(inverse)

        self._pending = True
        self._runner.write(
            _revert,
            change,
            summary,
            now=self._clock(),
            initiator=self,
            on_done=done,
            on_failed=self._refused,
        )

    def _remember(self, change: Change, initiator: object) -> None:
        if change.undoable and initiator is not self:
            self.stack.push(_Act(change, self))

    def _refused(self, error: TenantAdminError) -> None:
        self._pending = False
        self.stack.clear()
        self.failed.emit(error)


class _Act(QUndoCommand):
    """One act on the stack. Both directions commit the inverse of what was committed last."""

    def __init__(self, change: Change, history: History) -> None:
        super().__init__(change.summary)
        self._last = change
        self._history = history
        self._pushed = False

    def redo(self) -> None:
        if self._pushed:
            self._revert("Done again")
        self._pushed = True  # QUndoStack.push calls redo; the act has been done already

    def undo(self) -> None:
        self._revert("Undone")

    def _revert(self, what: str) -> None:
        self._history.revert(self._last, f"{what}: {self.text()}", self._keep)

    def _keep(self, change: Change) -> None:
        self._last = change


def _revert(database: Database, change: Change, summary: str, *, now: int) -> Change:
    return replace(writing.undo(database, change, now=now), summary=summary)
