"""Long work with progress and a cancel, each job on a thread of its own, all of them in one registry."""

import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.services.errors import Cancelled, TenantAdminError

PROGRESS_SECONDS = 0.05
"""Between two words of progress: an interface has no use for more, and each costs it a repaint."""

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


class Job:
    """One long piece of work under way."""

    def __init__(
        self,
        on_progress: Callable[[int, int], None] | None,
        on_done: Callable[[Any], None] | None,
        on_failed: Callable[[TenantAdminError], None] | None,
    ) -> None:
        self._on_progress = on_progress
        self._on_done = on_done
        self._on_failed = on_failed
        self._stop = threading.Event()

    def cancel(self) -> None:
        """Asks the work to end; it answers with `Cancelled` as its failure."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    def advance(self, done: int, total: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total)

    def end(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            if self._on_done is not None:
                self._on_done(result)
        elif isinstance(error, TenantAdminError) and self._on_failed is not None:
            self._on_failed(error)
        elif not isinstance(error, Cancelled):
            raise error


class Jobs(QObject):
    """Starts long work and knows all that is under way, so that none outlives the program.

    Callbacks run on the interface thread. `on_failed` gets a `TenantAdminError`, which is `Cancelled` after
    `Job.cancel()`; anything else is a bug and is raised where the one exception hook takes it.
    """

    _progress = Signal(object, int, int)
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: dict[Job, threading.Thread] = {}
        self._stopped = False
        self._progress.connect(self._advance, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def start(
        self,
        work: Callable[[Progress, Stop], Any],
        *,
        on_progress: Callable[[int, int], None] | None = None,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
    ) -> Job:
        """Calls `work(progress, cancelled)` on a new thread. `progress(done, total)` may be called often."""
        job = Job(on_progress, on_done, on_failed)
        thread = threading.Thread(target=self._run, args=(job, work), name="job", daemon=True)
        self._running[job] = thread
        thread.start()
        return job

    def stop(self) -> None:
        """Cancels every job and waits for its end; no callback comes after this."""
        self._stopped = True
        for job in self._running:
            job.cancel()
        for thread in self._running.values():
            thread.join()
        self._running.clear()

    def _run(self, job: Job, work: Callable[[Progress, Stop], Any]) -> None:
        said = -PROGRESS_SECONDS

        def progress(done: int, total: int) -> None:
            nonlocal said
            now = time.monotonic()
            if done == total or now - said >= PROGRESS_SECONDS:
                said = now
                self._progress.emit(job, done, total)

        try:
            result, error = work(progress, lambda: job.cancelled), None
        except BaseException as problem:  # noqa: BLE001 - every error travels to the interface thread
            result, error = None, problem
        self._ended.emit(job, result, error)

    @Slot(object, int, int)
    def _advance(self, job: Job, done: int, total: int) -> None:
        if not self._stopped:
            job.advance(done, total)

    @Slot(object, object, object)
    def _end(self, job: Job, result: Any, error: BaseException | None) -> None:
        if self._running.pop(job, None) is not None:
            job.end(result, error)
