"""Data retention of the open file: its schedule in the status bar, its preview and its runs."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.services.chain.append import Event
from app.services.chain.cautions import NoBookmark
from app.services.chain.checkpoints.making import Attempt, known_through, try_to_sign
from app.services.chain.verify.report import Report
from app.services.opened import Opened
from app.services.retention import plan as planning
from app.services.retention import run
from app.services.retention.clock import (
    LAST_RUNS,
    ClockDoubt,
    ClockProblem,
    ClockWatch,
    Reading,
    SteadyClock,
    last_run,
    steady_clock,
)
from app.services.retention.plan import Confirmation, Plan, TryCheckpoint
from app.services.retention.removal import RetentionResult
from app.services.retention.run import NoCheckpoint, RetentionStopped, Run
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.widgets.formatting import absolute_time, relative_time
from app.workers.runner import Task
from app.workers.scan_pool import store_and_verifier
from models.engine import Capability, Database
from models.errors import NotAllowed, StorageError, TenantAdminError
from models.progress import Monitor
from models.status import DAY, HOUR

_OTHERS_SECONDS = 5.0
"""After which what others write is looked at again, whether it was a run."""
_CHARGED_SECONDS = 300.0
"""The same where each look is a request."""

_AGES_MS = 60_000
"""After which "last run 5 min ago" is said again."""


def _reads(opened: Opened, database: Database) -> planning.Reads:
    return planning.rows_to_read(opened, known_through(store_and_verifier()[0], opened.where))


class Retention(QObject):
    """Runs retention daily once the person has seen the preview and said yes, and on demand, one at a time.

    `status(text)` is for the status bar. What a run removed is announced as any change, with this as its
    initiator, and what went wrong goes to `Runner.failed`; `last` is the outcome of the last run here. A
    scheduled run that fails is tried again after an hour where the file was the reason (locked, full), and
    after a day where a person has to decide. One that meets a clock in doubt says nothing: `waiting` tells
    why, until a person has confirmed that the clock is right or it has been set right; where a live database
    tells another time, that is said in passing.

    `checkpoint` is what `retention.plan` and `Run` take, by default with the program's own checkpoints;
    it is called on the run's thread. `steady` shows when the clock has been set. `chain_wanted()`: a person
    goes from the preview to the entries that stay.
    """

    status = Signal(str)
    chain_wanted = Signal()

    def __init__(
        self,
        context: Context,
        window: QWidget | None = None,
        *,
        checkpoint: TryCheckpoint | None = None,
        steady: SteadyClock | None = None,
    ) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._database, self._kept_by = context.opened.database, context.opened.kept_by
        self._settings, self._clock = context.settings, context.clock
        self._checkpoint = checkpoint or self._try_to_sign
        self._watch = ClockWatch(context.clock, steady or steady_clock())
        self.last: RetentionResult | None = None
        self.waiting: ClockDoubt | None = None
        self._failure: tuple[int, TenantAdminError] | None = None
        self._unreported: tuple[Event, ...] = ()
        self._no_checkpoint: str | None = None
        self._chosen: str | None = None
        self._planning: Task | None = None
        self._preview: RetentionDialog | None = None
        self._job: Task | None = None
        self._not_before = 0
        self._reads = planning.Reads()
        self._stopped = False
        self._in_chain = context.opened.last_run
        """When retention last ran, by whomever, as the audit chain tells; None where it does not."""
        self._ended_at = 0
        """When the last run here had ended, by the clock."""
        self._looked_at = float("-inf")
        self._verified: Report | None = None
        self._look_soon = QTimer(self, singleShot=True)
        self._look_soon.timeout.connect(self.look)
        context.outside.written.connect(self._others_wrote)
        context.verdict.changed.connect(self._note_verdict)
        self._ages = QTimer(self, interval=_AGES_MS)
        self._ages.timeout.connect(self._say)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.check)

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def daily(self) -> bool:
        return self._settings.retention_enabled.get(self._context.opened.agreed_by) is True

    @property
    def next_run(self) -> int | None:
        """When the next scheduled run is due; None while there is none."""
        return None if self._database.is_locked else self._due

    @property
    def _due(self) -> int | None:
        """The same, whether writes are locked or not."""
        if self._stopped or not self.daily:
            return None
        last, now = self._settings.retention_last_run.get(self._kept_by), self._clock()
        if last is None or last > now:  # a clock that was set back must not put it off for years
            last = now - DAY
        not_before = self._not_before if self._not_before <= now + DAY else 0
        return max(last + DAY, not_before)

    @property
    def waits_for_unlock(self) -> bool:
        """Whether a run is due as soon as writes are unlocked."""
        due, database = self._due, self._database
        return due is not None and due <= self._clock() and database.is_locked and not database.read_only

    def tell_reads(self, tell: Callable[[int | None], None]) -> None:
        """Tells how many rows a run reads at most; None where that is not known."""
        opened = self._context.opened
        archived = self._settings.retention_archive.get(self._kept_by) is not None

        def told(reads: planning.Reads) -> None:
            tell(reads.most_of_a_run(archived=archived))

        read = partial(self._context.runner.read, partial(_reads, opened))
        read(on_done=told, on_failed=lambda error: tell(None))

    def start(self) -> None:
        """Begins the schedule; a run that is due begins as soon as the event loop is free."""
        self._say()
        if not self._context.costs:  # else the chain was asked when it was opened
            self.look()
        self._ages.start()
        self._timer.start(0)

    def stop(self) -> None:
        """Ends the schedule and a run under way; nothing is said after it."""
        self._stopped = True
        self._ages.stop()
        self._look_soon.stop()
        self._timer.stop()
        if self._job is not None:
            run.note_closed(self._kept_by)
        self.cancel()

    @Slot()
    def look(self) -> None:
        """Asks the audit chain when retention last ran: others may have run it, or have brought an earlier
        state back.
        """
        self._look_soon.stop()
        if self._stopped or not LAST_RUNS.fits(self._context.opened.schema):
            return
        self._looked_at = time.monotonic()

        def told(at: int | None) -> None:
            if not self._stopped and at != self._in_chain:
                self._in_chain = at
                self._say()

        self._context.runner.read(last_run, on_done=told, on_failed=lambda error: None)

    @Slot()
    def _others_wrote(self) -> None:
        rest = _CHARGED_SECONDS if self._context.costs else _OTHERS_SECONDS
        wait = max(0.0, self._looked_at + rest - time.monotonic())
        if not (self._stopped or self._look_soon.isActive()):
            self._look_soon.start(round(wait * 1000))

    @Slot()
    def _note_verdict(self) -> None:
        known = self._context.verdict.outcome
        if known is not None and known.report is not self._verified:
            self._verified = known.report
            self.look()

    def cancel(self) -> None:
        """Ends a run between two transactions; what was done until then is its outcome."""
        if self._job is not None:
            self._job.cancel()

    @Slot()
    def check(self) -> None:
        """Runs what is due and sets the timer; call it when a preference has changed."""
        if self._stopped:
            return
        due = self.next_run
        if due is not None and due <= self._clock():
            reading = self._watch.read()
            self._run(self._planner(reading), reading)
            return
        self._say()
        if due is None:
            self._timer.stop()
        else:  # it looks again every hour: a computer sleeps, and clocks are set
            self._timer.start(min(max(due - self._clock(), 1), HOUR) * 1000)

    def ask(self, tenant: str | None = None) -> None:
        """Plans a run and shows it; nothing is removed before the person has said so. A `tenant` that is
        chosen does not narrow it, which it says.
        """
        if self.running:
            self._context.say("Data retention is running; look again when it has ended.")
            return
        days, self._chosen = self._settings.retention_days, tenant
        propose = partial(self.propose, partial(self._show, days, None), days, asks=True)
        if not self._context.costs:
            propose()
            return
        opened = self._context.opened

        def known(reads: planning.Reads) -> None:
            self._reads = reads
            self._when_agreed(propose)

        self._context.runner.read(partial(_reads, opened), on_done=known)

    def _to_carry_out(self, plan: planning.Plan) -> tuple[int, int]:
        reads = self._reads
        return reads.to_carry_out(plan, archived=False), reads.to_carry_out(plan, archived=True)

    def _when_agreed(self, propose: Callable[[], None], declined: Callable[[], None] = lambda: None) -> None:
        """Already the preview verifies every chain, which may be much to read."""
        window = self._preview or self._window
        if window is None or self._stopped:
            propose()
        else:
            self._context.when_agreed(self._reads.most, propose, window, declined)

    def propose(
        self,
        on_done: Callable[[Plan, Callable[[Confirmation], None]], None],
        days: int | None = None,
        *,
        asks: bool = False,
    ) -> None:
        """Plans a run; `on_done` is given the plan and what carries it out, unless one is planned already. It
        `asks` where a person waits for what is found.

        By the `days` of the preferences, or by others.
        """
        if self._planning is not None or self._stopped:
            return
        reading = self._watch.read()
        plan = self._planner(reading, days)

        def work(monitor: Monitor) -> Plan:
            with self._database.connection_context():
                return plan(monitor=monitor)

        def ended(tell: Callable[[Any], None], outcome: Any) -> None:
            self._planning = None
            self._say()
            tell(outcome)

        def failed(error: TenantAdminError) -> None:
            if self._preview is not None:  # which was to be counted again
                self._preview.reject()
            runner.failed.emit(error)

        runner = self._context.runner
        self.status.emit("Retention: looking for what is old…")
        self._planning = self._context.job(
            "Looking for what is old…",
            work,
            on_done=partial(ended, lambda found: on_done(found, partial(self._carry_out, found, reading))),
            on_failed=partial(ended, failed),
            asks=asks,
        )

    def _show(
        self, days: int, before: RetentionDialog | None, plan: Plan, carry_out: Callable[[Confirmation], None]
    ) -> None:
        """Shows what goes by these days, in place of the preview `before`, unless that has been closed."""
        if self._preview is not before:
            return
        settings, kept_by, agreed_by = self._settings, self._kept_by, self._context.opened.agreed_by
        dialog = self._preview = RetentionDialog(
            self._context.theme,
            plan,
            file_name=self._database.place,
            days=days,
            usual_days=settings.retention_days,
            utc=settings.utc_times,
            daily=self.daily,
            cannot_write=self._context.cannot_agree,
            no_checkpoint=self._no_checkpoint,
            milliseconds=settings.retention_milliseconds.get(kept_by),
            beside=self._context.opened.folder,
            archive=settings.retention_archive.get(kept_by),
            chosen=self._chosen,
            reads=self._to_carry_out(plan) if self._context.costs else None,
            charged=self._context.opened.database.charges,
            time_travel=self._context.can(Capability.TIME_TRAVEL),
            parent=self._window,
        )
        dialog.approved_daily.connect(lambda: settings.retention_enabled.set(agreed_by, True))
        dialog.approved_daily.connect(lambda: setattr(settings, "retention_days", days))
        for approved in (dialog.approved_daily, dialog.run_once):
            approved.connect(lambda: carry_out(dialog.confirmation()))
        dialog.turned_off.connect(lambda: settings.retention_enabled.set(agreed_by, False))
        dialog.turned_off.connect(self.check)
        dialog.chain_wanted.connect(self.chain_wanted)
        dialog.milliseconds_changed.connect(partial(settings.retention_milliseconds.set, kept_by))
        dialog.milliseconds_changed.connect(lambda _: self._count_again(dialog))
        dialog.days_changed.connect(lambda _: self._count_again(dialog))
        dialog.archive_changed.connect(partial(settings.retention_archive.set, kept_by))
        dialog.finished.connect(partial(self._preview_closed, dialog))
        if before is None:
            dialog.open_in_turn()
        else:
            dialog.open_once()
            dialog.stand_in_for(before)
            before.close()

    def _count_again(self, dialog: RetentionDialog) -> None:
        dialog.wait_for_count()
        days = dialog.days.value()
        self._when_agreed(partial(self.propose, partial(self._show, days, dialog), days), dialog.reject)

    def _preview_closed(self, dialog: RetentionDialog, _: int) -> None:
        if self._preview is dialog:
            self._preview = None
            if self._planning is not None:
                self._planning.cancel()

    def _try_to_sign(self, **options: Any) -> Attempt:
        where, by = self._context.opened.where, self._settings.actor
        return try_to_sign(where, *store_and_verifier(), clock=self._clock, by=by, **options)

    def _planner(self, reading: Reading, days: int | None = None) -> Callable[..., Plan]:
        """Asks the settings, on the interface thread, where they live."""
        return partial(
            planning.plan,
            self._database,
            now=reading.wall,
            days=days or self._settings.retention_days,
            facts=self._watch.facts(reading, self._settings.retention_last_run.get(self._kept_by)),
            milliseconds=self._settings.retention_milliseconds.get(self._kept_by),
            checkpoint=self._checkpoint,
        )

    def _carry_out(self, plan: Plan, reading: Reading, confirmation: Confirmation) -> None:
        if self._job is not None and not self._stopped:
            error = NotAllowed("Retention is running already; look again when it has ended.")
            self._context.runner.failed.emit(error)
            return
        if confirmation.unrecorded:
            self._settings.retention_unrecorded.set(self._kept_by, True)
        self._run(lambda monitor: plan, reading, confirmation)

    def _run(
        self, plan: Callable[..., Plan], reading: Reading, confirmation: Confirmation | None = None
    ) -> None:
        """Without a `confirmation` it is the schedule's own."""
        if self._job is not None or self._stopped:
            return
        self._timer.stop()
        actor, now = self._settings.actor, self._clock()
        archive = self._settings.retention_archive.get(self._kept_by)
        unrecorded, unreported = self._settings.retention_unrecorded.get(self._kept_by), self._unreported

        def work(monitor: Monitor) -> RetentionResult:
            # The day's own run begins with its plan, which takes the most time.
            with self._database.connection_context(), run.noted(self._kept_by, reading.wall):
                return Run(
                    database=self._database,
                    plan=plan(monitor=monitor),
                    confirmation=confirmation or Confirmation(unrecorded=unrecorded),
                    now=now,
                    actor=actor,
                    checkpoint=self._checkpoint,
                    kept_by=self._kept_by,
                    wall=reading.wall,
                    archive=archive,
                    unreported=unreported,
                    monitor=monitor,
                ).carry_out()

        self.status.emit("Retention: running…")
        self._context.verdict.begin_pruning()
        self._job = self._context.job(
            "Removing what is old…",
            work,
            in_rows=False,  # each is proven before it goes, and perhaps archived
            on_done=partial(self._done, reading, confirmation),
            on_failed=partial(self._refused, plan, reading, confirmation),
        )

    def _refused(
        self,
        plan: Callable[..., Plan],
        reading: Reading,
        confirmation: Confirmation | None,
        error: TenantAdminError,
    ) -> None:
        was_off = self.waiting is not None and self.waiting.is_off
        self._failed(reading, confirmation, error)
        if self._stopped:
            return
        if isinstance(error, ClockProblem) and error.doubt.is_off and confirmation is None and not was_off:
            self._context.say(f"Data retention removed nothing. {error.doubt.sentence(self._when)}")
        if not isinstance(error, NoBookmark):
            return
        if confirmation is None:  # of the day's own run, beside which nobody may be sitting
            self._context.say(f"Data retention waits. {error}")
            return
        agreed = replace(confirmation, without_bookmark=True)
        go_on, again = (partial(self._run, plan, reading, one) for one in (agreed, confirmation))
        self._context.asks.emit(error, go_on, lambda: None, again)

    def _done(self, reading: Reading, confirmation: Confirmation | None, result: RetentionResult) -> None:
        self._job = self.waiting = self._no_checkpoint = self._failure = None
        self._not_before, self._ended_at = 0, self._clock()
        if result.doubt is None or (confirmation is not None and confirmation.clock is not None):
            self._watch.believe(reading)
            self._settings.retention_last_run.set(self._kept_by, reading.wall)
        else:  # there was nothing to remove; remembered, it would confirm tomorrow a clock in doubt today
            self._watch.doubt(result.doubt, reading)
            self._not_before = reading.wall + DAY
            if result.doubt.is_off and not self._stopped:
                self._context.say(f"Data retention: {result.doubt.of_nothing(self._when)}")
        self._tell(result)
        self._look(result)
        self._count_what_is_left()
        self.check()

    def _when(self, at: int) -> str:
        return absolute_time(at, self._settings.utc_times)

    def _count_what_is_left(self) -> None:
        """A preview that is open is of before: it is counted again, where that costs nothing."""
        if self._preview is None or self._stopped or self._planning is not None:
            return
        if self._context.costs:
            self._preview.reject()
            self._context.say("Data retention has run; look again to see what is left.")
        else:
            self._count_again(self._preview)

    def _failed(self, reading: Reading, confirmation: Confirmation | None, error: TenantAdminError) -> None:
        self._job = self.waiting = None
        self._failure = None if isinstance(error, ClockProblem) else (self._clock(), error)
        self._not_before = self._clock() + (HOUR if isinstance(error, StorageError | NoBookmark) else DAY)
        if isinstance(error, ClockProblem):
            self.waiting = error.doubt
            self._watch.doubt(error.doubt, reading)
            self._not_before = reading.wall + HOUR  # it may be set right by itself
        elif isinstance(error, NoCheckpoint):
            self._no_checkpoint = error.problem
        elif isinstance(error, RetentionStopped):
            self._tell(error.result)
        self._look(error.result if isinstance(error, RetentionStopped) else None)
        if isinstance(error, RetentionStopped):
            self._count_what_is_left()
        said_later = confirmation is None and isinstance(error, ClockProblem)
        if not (said_later or self._stopped or isinstance(error, NoBookmark)):
            self._context.runner.failed.emit(error)
        self.check()

    def _tell(self, result: RetentionResult) -> None:
        self.last, self._unreported = result, result.unreported
        for said in (result.caution, result.alarm):
            if said is not None and not self._stopped:
                self._context.runner.failed.emit(TenantAdminError(said))

    def _look(self, result: RetentionResult | None) -> None:
        """Tells of what it has written, on a connection of its own, once that is known: the next thing that
        comes by another connection is written by others.
        """
        tell = partial(self._tell_change, result, self._clock())
        if self._context.costs:
            tell()
        else:
            self._context.outside.look(tell)

    def _tell_change(self, result: RetentionResult | None, at: int) -> None:
        verdict = self._context.verdict
        if not self.running:  # of what failed on a live database one cannot know
            took_nothing = not self._context.costs if result is None else not result.total
            verdict.end_pruning(took_nothing=took_nothing)
        if result is None or not (result.total or result.reported) or self._stopped:
            return
        after = result.after
        self._context.runner.announce(result.change(), self)
        is_seen_whole = result.is_seen_whole or self._context.costs  # of a live one nobody can tell
        if after is not None and (found := after.signed) is not None and is_seen_whole:
            verdict.take(Outcome.of(found, at=at, by=self._settings.actor))

    def _say(self) -> None:
        """When it last ran and will run next."""
        if self._job is not None:
            return
        (last, outcome), due, now = self._last_run(), self.next_run, self._clock()
        off = "off"
        if self._database.is_locked:
            is_daily = self.daily and not self._database.read_only
            off = "daily while writes are unlocked" if is_daily else "read-only"
        found = run.begun_of(self._kept_by)
        if due is None and last is None and self._failure is None and found is None:
            self.status.emit(f"Retention: {off}")
        elif due is not None and self.waiting is not None:
            self.status.emit(
                "Retention: waiting for your confirmation that the clock is right (File, Data retention…)"
            )
        else:
            ran = [] if last is None else [f"last run {relative_time(last, now)}{outcome}"]
            if found is not None:
                ended = "was stopped when the database was closed" if found.closed else "has not finished"
                ran = [f"a run begun {relative_time(found.at, now)} {ended}"]
            ran = [_told(*self._failure, now)] if self._failure is not None else ran
            parts = [*ran, off if due is None else f"next {relative_time(due, now)}"]
            self.status.emit(f"Retention: {' · '.join(parts)}")

    def _last_run(self) -> tuple[int | None, str]:
        """When retention last ran, by whomever, and what came of it, where that was here. The audit chain is
        the authority, but that a run without work is in none.
        """
        own, in_chain = self._settings.retention_last_run.get(self._kept_by), self._in_chain
        is_back = own is not None and own <= (self._settings.went_back_at.get(self._kept_by) or 0)
        if in_chain is not None and (own is None or is_back or in_chain > max(own, self._ended_at)):
            return in_chain, ""
        return own, f"{self._outcome()}{', before Time Travel' if is_back else ''}"

    def _outcome(self) -> str:
        if self.last is None:
            return ""
        unsigned = ", no checkpoint after it" if self.last.no_checkpoint else ""
        broken = ", a chain broken after it" if self.last.broken else ""
        return f", removed {self.last.outcome}{unsigned}{broken}"


def _told(at: int, error: TenantAdminError, now: int) -> str:
    """That the last run failed, in a few words: a dialog has said the rest."""
    stopped = error if isinstance(error, RetentionStopped) else None
    cause = error if stopped is None else stopped.error
    is_named = cause.heading != TenantAdminError.heading
    why = f" ({cause.heading[0].lower()}{cause.heading[1:]})" if is_named else ""
    if stopped is None:
        return f"failed {relative_time(at, now)}{why}"
    return (
        f"stopped {relative_time(at, now)}, {stopped.result.total:,} of {stopped.planned:,} rows removed{why}"
    )
