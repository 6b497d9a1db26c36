"""Runs data retention in the background: once a day, and on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.services.retention.clock import (
    ClockDoubt,
    ClockProblem,
    ClockWatch,
    Reading,
    SteadyClock,
    steady_clock,
)
from app.workers.runner import Runner, Task
from models.engine import Database
from models.errors import Cancelled, NotAllowed, StorageError, TenantAdminError
from models.progress import Progress, Stop

if TYPE_CHECKING:  # every opened file has a schedule, few run
    from app.services.retention.plan import Plan, TryCheckpoint
    from app.services.retention.result import Confirmation, Result

DAY = 86_400
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """What the worker asks whenever it needs it, so that a changed preference counts at once.

    `enabled` is False until the person has seen the preview for this file and said yes. `archive` is the
    folder that keeps what is removed from the audit chain, if any does.
    """

    enabled: Callable[[], bool]
    days: Callable[[], int]
    actor: Callable[[], str]
    last_run: Callable[[], int | None]
    set_last_run: Callable[[int], None]
    archive: Callable[[], Path | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan to be shown, and what the clocks said when it was made."""

    plan: Plan
    reading: Reading


class RetentionWorker(QObject):
    """Retention of one open file, on a thread and a connection of its own, one run at a time.

    `clock` gives epoch seconds; `steady` shows when it has been set. `checkpoint` is what `retention.plan`
    and `carry_out` take; it is called on the run's thread. Signals, on the interface thread: `started`;
    `progress(done, total)`; then either `finished(Result)` (also when cancelled) or
    `failed(TenantAdminError)`; and `schedule_changed(last, next)` with epoch seconds or None, `next` being
    None while retention is off or the file is read-only. A scheduled run that fails is tried again after an
    hour where the file was the reason (locked, full), and after a day where a person has to decide.

    A scheduled run that meets a clock in doubt says nothing: `waiting` tells why, with the next
    `schedule_changed`, until a person has confirmed that the clock is right or it has been set right.
    """

    started = Signal()
    progress = Signal(object, object)
    finished = Signal(object)
    failed = Signal(object)
    schedule_changed = Signal(object, object)

    def __init__(
        self,
        database: Database,
        settings: RetentionSettings,
        runner: Runner,
        clock: Callable[[], int],
        *,
        checkpoint: TryCheckpoint,
        steady: SteadyClock | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._database = database
        self._settings = settings
        self._runner = runner
        self._clock = clock
        self._checkpoint = checkpoint
        self._job: Task | None = None
        self._watch = ClockWatch(clock, steady or steady_clock())
        self._doubt: ClockDoubt | None = None
        self._not_before = 0
        self._stopped = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.check)

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def waiting(self) -> ClockDoubt | None:
        """Why nothing is removed before the person says that the clock is right; None when nothing waits."""
        return self._doubt

    @property
    def next_run(self) -> int | None:
        """When the next scheduled run is due; None while there is none."""
        if self._database.read_only or self._stopped or not self._settings.enabled():
            return None
        last = self._settings.last_run()
        now = self._clock()
        if last is None or last > now:  # a clock that was set back must not put it off for years
            last = now - DAY
        not_before = self._not_before if self._not_before <= now + DAY else 0
        return max(last + DAY, not_before)

    def start(self) -> None:
        """Begins the schedule; a run that is due begins as soon as the event loop is free."""
        self._stopped = False
        self.schedule_changed.emit(self._settings.last_run(), self.next_run)
        self._timer.start(0)

    @Slot()
    def check(self) -> None:
        """Runs what is due and sets the timer; call it when a preference has changed."""
        if self._stopped:
            return
        due = self.next_run
        if due is not None and due <= self._clock():
            reading = self._watch.read()
            self._run(self._planner(reading), reading, scheduled=True)
            return
        self.schedule_changed.emit(self._settings.last_run(), due)
        self._set_timer(due)

    def propose(self, on_done: Callable[[Proposal], None]) -> Task:
        """Plans a run, to be shown to a person; an expected failure goes to `failed`."""
        reading = self._watch.read()
        plan = self._planner(reading)

        def work(progress: Progress, cancelled: Stop) -> Proposal:
            with self._database.connection_context():
                return Proposal(plan(cancelled), reading)

        return self._runner.job(work, on_done=on_done, on_failed=self._say_failed)

    def carry_out(self, proposal: Proposal, confirmation: Confirmation | None = None) -> None:
        """Runs the plan that was shown, with what the person has said to it, unless a run is under way."""
        if self._job is not None and not self._stopped:
            self.failed.emit(NotAllowed("Retention is running already; look again when it has ended."))
            return
        self._run(lambda cancelled: proposal.plan, proposal.reading, confirmation)

    def _planner(self, reading: Reading) -> Callable[[Stop], Plan]:
        # Asked here, on the interface thread, where the settings live.
        days, facts = self._settings.days(), self._watch.facts(reading, self._settings.last_run())

        def plan(cancelled: Stop) -> Plan:
            from app.services.retention import plan as planning  # noqa: PLC0415

            return planning.plan(
                self._database,
                now=reading.wall,
                days=days,
                facts=facts,
                checkpoint=self._checkpoint,
                cancelled=cancelled,
            )

        return plan

    def _run(
        self,
        plan: Callable[[Stop], Plan],
        reading: Reading,
        confirmation: Confirmation | None = None,
        *,
        scheduled: bool = False,
    ) -> None:
        if self._job is not None or self._stopped:
            return
        self._timer.stop()
        actor, archive, now = self._settings.actor(), self._settings.archive(), self._clock()

        def work(progress: Progress, cancelled: Stop) -> Result:
            from app.services.retention.result import Confirmation  # noqa: PLC0415
            from app.services.retention.run import carry_out  # noqa: PLC0415

            with self._database.connection_context():
                return carry_out(
                    self._database,
                    plan(cancelled),
                    confirmation or Confirmation(),
                    now=now,
                    actor=actor,
                    checkpoint=self._checkpoint,
                    archive=archive,
                    progress=progress,
                    cancelled=cancelled,
                )

        trusted = confirmation is not None and confirmation.clock is not None
        self._job = self._runner.job(
            work,
            on_progress=self.progress.emit,
            on_done=lambda result: self._done(result, reading, trusted),
            on_failed=lambda error: self._failed(error, reading, scheduled),
        )
        self.started.emit()

    def cancel(self) -> None:
        """Ends a run between two transactions; it answers with `finished` and what was done until then."""
        if self._job is not None:
            self._job.cancel()

    def stop(self) -> None:
        """Ends the schedule and a run under way, without another signal."""
        self._stopped = True
        self._timer.stop()
        self.cancel()

    def _done(self, result: Result, reading: Reading, trusted: bool) -> None:
        self._job = None
        self._doubt = None
        self._not_before = 0
        if result.doubt is None or trusted:
            self._watch.believe(reading)
            self._settings.set_last_run(reading.wall)
        else:  # there was nothing to remove; remembered, it would confirm tomorrow a clock in doubt today
            self._watch.doubt(result.doubt, reading)
            self._not_before = reading.wall + DAY
        if not self._stopped:
            self.finished.emit(result)
            self.check()

    def _failed(self, error: TenantAdminError, reading: Reading, scheduled: bool) -> None:
        self._job = None
        self._doubt = error.doubt if isinstance(error, ClockProblem) else None
        if isinstance(error, ClockProblem):
            self._watch.doubt(error.doubt, reading)
            self._not_before = reading.wall + HOUR  # it may be set right by itself
        else:
            self._not_before = self._clock() + (HOUR if isinstance(error, StorageError) else DAY)
        if not self._stopped:
            if not (scheduled and isinstance(error, ClockProblem)):
                self._say_failed(error)
            self.check()

    def _say_failed(self, error: TenantAdminError) -> None:
        if not (self._stopped or isinstance(error, Cancelled)):
            self.failed.emit(error)

    def _set_timer(self, due: int | None) -> None:
        """Looks again when a run is due, and every hour: a computer sleeps, and clocks are set."""
        if due is None:
            self._timer.stop()
        else:
            self._timer.start(min(max(due - self._clock(), 1), HOUR) * 1000)
