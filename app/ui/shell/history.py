"""Undo and redo of acts. Each undo is itself an act: committed, audited, and able to fail."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.services.errors import TenantAdminError
from app.services.records import change as writing
from app.services.records.change import Change
from app.workers.runner import Runner


class History(QObject):
    """The undo stack of one open file.

    `done` carries a change that was just made and can be undone, for a toast; `said` tells what was undone or
    done again. `failed` carries the sentence when an undo was refused, because somebody changed the record
    since; the stack then forgets everything before it, since nothing older can be trusted to apply.
    """

    done = Signal(Change)
    failed = Signal(object)
    said = Signal(str)

    def __init__(self, runner: Runner, clock: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._clock = clock
        self._pending = False
        self.stack = QUndoStack(self)

    def record(self, change: Change) -> None:
        """Remembers an act that has been committed."""
        if change.undoable:
            self.stack.push(_Act(change, self))
            self.done.emit(change)

    def undo(self) -> None:
        """Takes back the latest act; nothing while an earlier one is still being taken back."""
        if not self._pending:
            self.stack.undo()

    def redo(self) -> None:
        if not self._pending:
            self.stack.redo()

    def revert(self, change: Change, on_done: Callable[[Change], None]) -> None:
        """Commits the inverse of `change` on the writer thread."""

        def finish(inverse: Change) -> None:
            self._pending = False
            on_done(inverse)

        self._pending = True
        self._runner.write(writing.undo, change, now=self._clock(), on_done=finish, on_failed=self._refused)

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
        if not self._pushed:  # QUndoStack.push calls redo; the act has been done already
            self._pushed = True
            return
        self._history.revert(self._last, partial(self._remember, "Done again"))

    def undo(self) -> None:
        self._history.revert(self._last, partial(self._remember, "Undone"))

    def _remember(self, what: str, change: Change) -> None:
        self._last = change
        self._history.said.emit(f"{what}: {self.text()}")
