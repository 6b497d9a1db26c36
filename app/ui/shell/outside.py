"""Notices what other programs write to the open database."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from app.workers.runner import Runner
from models.engine import Capability, Database

POLL_MS = 2000


class Outside(QObject):
    """Asks every two seconds from `start()` on, where the engine can tell: `written` when another program has
    written to the database. One question waits at a time; behind a long write they would pile up.
    """

    written = Signal()

    def __init__(self, runner: Runner, database: Database, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._can_tell = Capability.OUTSIDE_CHANGES in database.capabilities
        self._version: int | None = None
        self._is_asking = False
        self._waiting: list[Callable[[], object]] = []
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self.look)

    def start(self) -> None:
        """What is written from now on is a change."""
        if self._can_tell:
            self._poll.start()
            self.look()

    def stop(self) -> None:
        self._poll.stop()

    def look(self, then: Callable[[], object] | None = None) -> None:
        """Looks now; calls `then` when all that was written until now is known."""
        if not self._can_tell:
            if then is not None:
                then()
            return
        if then is not None:
            self._waiting.append(then)
        if not self._is_asking:
            self._ask()

    def _ask(self) -> None:
        self._is_asking = True
        waiting, self._waiting = self._waiting, []
        # The writer's connection sees every other connection's commits, and not its own.
        self._runner.write(
            lambda database: database.outside_changes(),
            on_done=partial(self._answer, waiting),
            on_failed=lambda error: self._answer(waiting, self._version),
        )

    def _answer(self, waiting: Sequence[Callable[[], object]], version: int | None) -> None:
        self._is_asking = False
        before, self._version = self._version, version
        if before is not None and version != before:
            self.written.emit()
        for then in waiting:
            then()
        if self._waiting:  # asked for after the question had gone out
            self._ask()
