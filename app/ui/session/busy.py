"""Long work with its words, progress and cancel in the status bar, and what a write waits for."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from app.services.text import counted
from app.ui.theme import Theme
from app.ui.widgets.banner import LEAST_SAID, ProgressBar, WaitLine
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import percent, rate
from app.ui.widgets.labels import ElidedLabel, Look, in_row
from app.workers.runner import Runner, Task
from models.engine import read_at_most
from models.errors import TenantAdminError
from models.progress import Monitor, Progress, Waiting

WAIT_SECONDS = 0.5
"""Whoever waits for longer is told for what."""

WAIT_LOOK_MS = 250


class ReadingText:
    """What a job does, as the status bar says it, with how many rows of a live database it reads once that is
    known, on whichever thread.
    """

    def __init__(self, doing: str) -> None:
        self.doing, self.rows = doing, 0

    def __call__(self) -> str:
        reads = f", which reads about {counted(self.rows, 'row')}" if self.rows else ""
        return f"{self.doing}{reads}…"

    def tell(self, rows: int) -> None:
        self.rows = rows

    def agreed(self, progress: Progress, most: int, place: str, rows: int) -> None:
        """Tells at once of what is to be read there. Raises `MuchToRead` where that is more than `most`."""
        read_at_most(most, rows, place)
        self.tell(rows)
        progress(0, rows)


class Busy(QWidget):
    """Runs jobs, and shows the latest that is under way, if any; its button cancels what is shown.

    `shown()` when there is another one, or none.
    """

    shown = Signal()

    def __init__(self, theme: Theme, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self._running: list[tuple[Task, Runner, Callable[[], str], bool]] = []
        self.label = ElidedLabel(look=Look.DIM, least=LEAST_SAID)
        self.label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.bar = ProgressBar()
        self.bar.setMinimumWidth(60)
        self.bar.setMaximumWidth(160)
        self.cancel_button = push_button(theme, "Cancel", self._cancel)
        in_row(self.label, self.bar, self.cancel_button, None, within=self)
        self.hide()

    def run(
        self,
        text: str | Callable[[], str],
        work: Callable[[Monitor], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[TenantAdminError], None] | None = None,
        can_cancel: bool = True,
        in_rows: bool = True,
        runner: Runner | None = None,
    ) -> Task:
        """Starts `work(monitor)` and shows `text`, which may change, until it has ended.

        `on_failed` is told of expected failures, `Cancelled` among them; without it `Runner.failed` says
        them. What `progress` counts is said in numbers where these are `in_rows`, else as a part of the work.
        It runs on the window's own runner unless another is given.
        """
        runs_on, started = runner or self.runner, time.monotonic()
        words = text if callable(text) else lambda: text

        def advance(done: int, total: int) -> None:
            if self._running and self._running[-1][0] is job:
                self.bar.show_progress(done, total)
                if total and self.cancel_button.isEnabled():
                    speed = rate(done, time.monotonic() - started, "")
                    rows, part = f"{done:,} of {total:,} · {speed}", f"{percent(done, total)} of the work"
                    self.label.setText(f"{words()} · {rows if in_rows else part}")

        def finish(result: Any) -> None:
            self.forget(job)
            on_done(result)

        def fail(error: TenantAdminError) -> None:
            self.forget(job)
            (on_failed or runs_on.failed.emit)(error)

        job = runs_on.job(work, on_progress=advance, on_done=finish, on_failed=fail)
        self._running.append((job, runs_on, words, can_cancel))
        self._show_latest()
        return job

    def forget(self, ended: Task | Runner) -> None:
        """Shows nothing more of a job, or of all that was under way on a runner that was stopped."""
        shown = self._running[-1:]
        self._running = [entry for entry in self._running if ended not in entry[:2]]
        if not self._running:
            self.hide()
            self.shown.emit()
        elif self._running[-1:] != shown:
            self._show_latest()

    def give_way(self, waits: bool) -> None:
        """To the line that says what the job waits for: there is room for one of them, and for its Cancel."""
        is_its_own = bool(waits and self._running and self._running[-1][0].waiting is not None)
        for part in (self.label, self.bar):
            part.setHidden(is_its_own)

    def _show_latest(self) -> None:
        _, _, words, can_cancel = self._running[-1]
        text = words()
        self.give_way(False)
        self.label.setText(text)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(text)
        self.cancel_button.setVisible(can_cancel)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setAccessibleName(f"Cancel: {text}")
        self.show()
        self.shown.emit()

    def _cancel(self) -> None:
        job, _, words, _ = self._running[-1]
        self.cancel_button.setEnabled(False)
        self.label.setText(f"{words()} · stopping…")
        job.cancel()


class Waits(QObject):
    """Says what is waited for, as `waiting()` has it, unless that is said elsewhere: in the dialog in front,
    or else in the `line` of the window. A person may end the wait there.
    """

    def __init__(self, waiting: Callable[[], Waiting | None], line: WaitLine, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting, self._line = waiting, line
        timer = QTimer(self, interval=WAIT_LOOK_MS)
        timer.timeout.connect(self._look)
        timer.start()

    def _look(self) -> None:
        waiting = self._waiting()
        seconds = 0.0 if waiting is None else time.monotonic() - waiting.since
        if waiting is None or seconds < WAIT_SECONDS or waiting.is_said:
            return
        from app.ui.widgets.dialogs import Dialog  # noqa: PLC0415 - few wait

        front = QApplication.activeModalWidget()
        line = front.wait_line if isinstance(front, Dialog) else self._line
        line.say(f"{waiting.what}: {seconds:.0f} s", partial(setattr, waiting, "cancelled", True))
