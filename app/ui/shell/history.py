"""Undo and redo: what can be taken back of one open file, and done again."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.services.records.change import Change
from app.workers.runner import Runner
from models.engine import Database
from models.errors import TenantAdminError


class History(QObject):
    """What can be taken back of one open file, and done again: every change that `runner` announces.

    What it takes back, or does again, is a change like any other whose initiator it is. Where that is
    refused, because somebody has changed the record since, `Runner.failed` says so and the history forgets
    everything, since nothing older can be trusted to apply. `changed` when there is something else to undo.
    """

    changed = Signal()

    def __init__(self, runner: Runner, clock: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._clock = clock
        self._pending = False
        # What an act is called, and what was committed of it last, of which each direction is the inverse.
        self._done: list[tuple[str, Change]] = []
        self._undone: list[tuple[str, Change]] = []
        runner.changed.connect(self._remember)

    @property
    def next_undo(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self._done[-1][0] if self._done else ""

    @property
    def next_redo(self) -> str:
        return self._undone[-1][0] if self._undone else ""

    def undo(self) -> None:
        """Takes back the latest act; nothing while an earlier one is still being taken back."""
        self._revert(self._done, self._undone, "Undone")

    def redo(self) -> None:
        self._revert(self._undone, self._done, "Done again")

    def _revert(self, here: list[tuple[str, Change]], there: list[tuple[str, Change]], what: str) -> None:
        if self._pending or not here:
            return
        act = here[-1]
        text, change = act

        def done(inverse: Change) -> None:
            self._pending = False
            here[:] = [one for one in here if one is not act]
            there.append((text, inverse))
            self.changed.emit()

        self._pending = True
        self._runner.write(
            _revert,
            change,
            f"{what}: {text}",
            now=self._clock(),
            initiator=self,
            on_done=done,
            on_failed=self._refused,
        )

    def _remember(self, change: Change, initiator: object) -> None:
        if change.undoable and initiator is not self:
            self._done.append((change.summary, change))
            self._undone.clear()
            self.changed.emit()

    def _refused(self, error: TenantAdminError) -> None:
        self._pending = False
        self._done.clear()
        self._undone.clear()
        self.changed.emit()
        self._runner.failed.emit(error)


def _revert(database: Database, change: Change, summary: str, *, now: int) -> Change:
    from app.services.records import writing  # noqa: PLC0415 - rows show before any are written

    return replace(writing.undo(database, change, now=now), summary=summary)
