"""What a live database asks of a person: to unlock its writes, to check a lost answer, to wait."""

import time

from PySide6.QtCore import QObject, QTimer, Signal

from app.workers.runner import Runner
from models.d1.errors import OutcomeUnknown, RateLimited
from models.engine import Database
from models.errors import TenantAdminError

UNLOCKED_SECONDS = 900
"""For how long writes stay unlocked."""


class Lock(QObject):
    """Whether the writes of a database are locked; where a person `needs` to unlock them, they are at first.

    The engine itself refuses them then, whoever asks. `changed` when it is locked or unlocked.
    """

    changed = Signal()

    def __init__(self, database: Database, parent: QObject, *, needed: bool) -> None:
        super().__init__(parent)
        self._database, self.needed = database, needed
        self.is_locked = needed
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.lock)
        if needed:
            database.read_only = True

    @property
    def minutes_left(self) -> int:
        """For how many minutes, one at the least, writes stay unlocked; 0 where they are locked."""
        return max(1, round(self._timer.remainingTime() / 60_000)) if self._timer.isActive() else 0

    def unlock(self, seconds: int = UNLOCKED_SECONDS) -> None:
        self._timer.start(seconds * 1000)
        self._turn(locked=False)

    def lock(self) -> None:
        """What is being written is written; nothing is after it."""
        self._timer.stop()
        self._turn(locked=True)

    def _turn(self, *, locked: bool) -> None:
        self._database.read_only = self.is_locked = locked
        self.changed.emit()


class Unsettled(QObject):
    """That it is not known whether a change was saved: `error` says so, None where all is known.

    It hears of it by `Runner.failed_with`. `changed` when that is another, `settled(bool)` when a question
    has told that the change was saved, or was not.
    """

    changed = Signal()
    settled = Signal(bool)

    def __init__(self, runner: Runner, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = runner
        self.error: OutcomeUnknown | None = None
        self.is_asking = False
        runner.failed_with.connect(self._hear)

    def ask(self) -> None:
        """Asks the database, also for what an earlier run of the program has left open."""
        if not self.is_asking:
            self.is_asking = True
            self.changed.emit()
            self._runner.write(
                lambda database: database.settle(), on_done=self._told, on_failed=self._not_told
            )

    def _hear(self, error: TenantAdminError) -> None:
        if isinstance(error, OutcomeUnknown):
            self.error = error
            self.changed.emit()

    def _told(self, saved: bool | None) -> None:
        self.error, self.is_asking = None, False
        self.changed.emit()
        if saved is not None:
            self.settled.emit(saved)

    def _not_told(self, error: TenantAdminError) -> None:
        """That it is still not known was heard; anything else leaves it as it was."""
        self.is_asking = False
        self.changed.emit()


class Pause(QObject):
    """That the account takes no calls for a while: `error` says so. `changed` when that begins or ends."""

    changed = Signal()

    def __init__(self, runner: Runner, parent: QObject) -> None:
        super().__init__(parent)
        self.error: RateLimited | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._end)
        runner.failed_with.connect(self._hear)

    def _hear(self, error: TenantAdminError) -> None:
        if isinstance(error, RateLimited):
            began, self.error = self.error is None, error
            self._timer.start(max(1_000, round((error.until - time.time()) * 1000) + 500))
            if began:
                self.changed.emit()

    def _end(self) -> None:
        self.error = None
        self.changed.emit()
