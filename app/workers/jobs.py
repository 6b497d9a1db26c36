"""Long work with progress and a cancel, each job on a thread of its own, all of them in one registry."""

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.services.errors import Cancelled, TenantAdminError

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


class Job(QObject):
    """One long piece of work. Exactly one of `done`, `failed` and `cancelled` is emitted at its end.

    `progress` carries (done, total). All signals arrive on the interface thread. A bug in the work is
    raised there, where the one exception hook takes it.
    """

    progress = Signal(int, int)
    done = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    _result = Signal(object, object)

    def __init__(self, work: Callable[[Progress, Stop], Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)
        self._result.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        self._stop.set()

    def wait(self) -> None:
        """Blocks until the thread has ended; only for the program's end, after `cancel()`."""
        self._thread.join()

    def _run(self) -> None:
        try:
            result, error = self._work(self.progress.emit, self._stop.is_set), None
        except BaseException as problem:  # noqa: BLE001 - every error travels to the interface thread
            result, error = None, problem
        self._result.emit(result, error)

    @Slot(object, object)
    def _deliver(self, result: Any, error: BaseException | None) -> None:
        try:
            if error is None:
                self.done.emit(result)
            elif isinstance(error, Cancelled):
                self.cancelled.emit()
            elif isinstance(error, TenantAdminError):
                self.failed.emit(error)
            else:
                raise error
        finally:
            self.ended.emit()


class Jobs(QObject):
    """Every job under way, so that none outlives the program."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: set[Job] = set()

    def start(self, work: Callable[[Progress, Stop], Any]) -> Job:
        """Starts `work(progress, cancelled)`; the caller connects to the job's signals right away."""
        job = Job(work, self)
        self._running.add(job)
        job.ended.connect(lambda: self._ended(job))
        job.start()
        return job

    def stop(self) -> None:
        """Cancels every job and waits for its end."""
        for job in self._running:
            job.cancel()
        for job in tuple(self._running):
            job.wait()
        self._running.clear()

    def _ended(self, job: Job) -> None:
        self._running.discard(job)
        job.deleteLater()
