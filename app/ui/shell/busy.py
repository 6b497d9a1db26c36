"""Long work with its words, progress and cancel in the status bar."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from app.ui.widgets.banner import BusyStrip
from app.workers.runner import Runner, Task
from models.errors import TenantAdminError
from models.progress import Progress, Stop


class Busy(QObject):
    """Runs jobs and shows the latest that is under way.

    `on_failed` is told of expected failures, `Cancelled` among them; without it `Runner.failed` says them.
    """

    def __init__(self, runner: Runner, strip: BusyStrip, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self._strip = strip
        self._running: list[tuple[Task, str, bool]] = []
        strip.cancelled.connect(self._cancel)

    def run(
        self,
        text: str,
        work: Callable[[Progress, Stop], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[TenantAdminError], None] | None = None,
        can_cancel: bool = True,
    ) -> Task:
        """Starts `work(progress, cancelled)` and shows `text` until it has ended."""

        def advance(done: int, total: int) -> None:
            if self._running and self._running[-1][0] is job:
                self._strip.set_progress(done, total, f"{done:,} of {total:,}" if total else "")

        def finish(result: Any) -> None:
            self._end(job)
            on_done(result)

        def fail(error: TenantAdminError) -> None:
            self._end(job)
            (on_failed or self.runner.failed.emit)(error)

        job = self.runner.job(work, on_progress=advance, on_done=finish, on_failed=fail)
        self._running.append((job, text, can_cancel))
        self._strip.start(text, can_cancel=can_cancel)
        return job

    def stop(self) -> None:
        """Forgets what was under way, after its jobs were stopped."""
        if self._running:
            self._running.clear()
            self._strip.finish()

    def _end(self, job: Task) -> None:
        self._running = [entry for entry in self._running if entry[0] is not job]
        if self._running:
            _, text, can_cancel = self._running[-1]
            self._strip.start(text, can_cancel=can_cancel)
        else:
            self._strip.finish()

    def _cancel(self) -> None:
        if self._running:
            self._running[-1][0].cancel()
