"""The schedule of retention, its progress and its cancel, on a real file and real threads."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

from app import bugs
from app.services.chain.append import Batch, append
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.making import Attempt, try_to_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import InFile, Where
from app.services.retention import run
from app.services.retention.clock import ClockProblem, Doubt, SteadyClock
from app.services.retention.plan import Confirmation, NeedsConfirmation, Plan, TryCheckpoint
from app.services.retention.removal import RetentionResult
from app.settings import Settings
from app.ui.shell.retention import Retention
from app.ui.theme import Theme
from app.workers.runner import Task, finish
from app.workers.scan_pool import verify
from models.engine import Database
from models.errors import DiskFull, FileLocked
from models.local.database import LocalDatabase
from models.progress import Monitor
from models.status import DAY, HOUR
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.context import make_context
from tests.fixtures.gateway import append_by_tenant
from tests.fixtures.retaining import retain, unsigned

OLD = NOW - 91 * DAY


class Preferences:
    """What a person has set for the file, and the clock on the wall."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings()
        self.settings.actor = "ops"
        self.settings.utc_times = True
        self.path = path
        self.now = NOW
        self.set_by = 0

    @property
    def last_run(self) -> int | None:
        return self.settings.retention_last_run.get(self.path)

    def enable(self, value: bool) -> None:
        self.settings.retention_enabled.set(self.path, value)

    def ran(self, at: int) -> None:
        self.settings.retention_last_run.set(self.path, at)

    def set_clock(self, seconds: int) -> None:
        """Moves the clock without time passing by."""
        self.now += seconds
        self.set_by += seconds


Make = Callable[..., Retention]


@pytest.fixture
def preferences(database_path: Path) -> Preferences:
    found = Preferences(database_path)
    found.enable(True)
    return found


@pytest.fixture
def make(database_path: Path, preferences: Preferences, theme: Theme) -> Iterator[Make]:
    contexts = []

    def make(checkpoint: TryCheckpoint | None = None, *, read_only: bool = False) -> Retention:
        context = make_context(
            database_path, theme, preferences.settings, lambda: preferences.now, read_only=read_only
        )
        contexts.append(context)
        steady = SteadyClock(lambda: float(preferences.now - preferences.set_by), counts_sleep=True)
        return Retention(context, checkpoint=checkpoint or unsigned(database_path), steady=steady)

    yield make
    for context in contexts:
        context.stop()


@contextmanager
def ran(qtbot: QtBot, worker: Retention) -> Iterator[list[RetentionResult]]:
    """Waits for the end of a run; its outcome is in the list then."""
    before, found = worker.last, list[RetentionResult]()
    yield found
    qtbot.waitUntil(lambda: worker.last is not before and not worker.running)
    assert worker.last is not None
    found.append(worker.last)


def failure(qtbot: QtBot, worker: Retention) -> SignalBlocker:
    """Waits for a failure that a person is shown."""
    return qtbot.waitSignal(worker._context.runner.failed)


def run_now(worker: Retention, *, majority: bool = False, clock: bool = False) -> None:
    """As a person does who is shown the plan and agrees to what it asks."""
    worker.propose(lambda plan, carry_out: carry_out(Confirmation.to(plan, majority=majority, clock=clock)))


@pytest.fixture
def worker(database: LocalDatabase, make: Make) -> Iterator[Retention]:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    worker = make()
    yield worker
    worker.stop()


@pytest.mark.slow
def test_what_goes_is_archived_when_the_person_wants_it(
    worker: Retention, preferences: Preferences, tmp_path: Path, qtbot: QtBot
) -> None:
    preferences.settings.retention_archive.set(preferences.path, tmp_path / "not there")
    with failure(qtbot, worker) as failed:
        worker.start()
    assert "there is no such folder" in str(failed.args[0])
    archive = tmp_path / "archive"
    preferences.settings.retention_archive.set(preferences.path, archive)
    archive.mkdir()
    with ran(qtbot, worker) as finished:
        run_now(worker)
    assert finished[0].archives == ("audit-acme-1-3.jsonl.gz",)
    assert [file.name for file in archive.iterdir()] == ["audit-acme-1-3.jsonl.gz"]


def test_a_run_that_is_due_begins_by_itself(
    worker: Retention, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    said: list[str] = []
    worker.status.connect(said.append)
    with ran(qtbot, worker) as finished:
        worker.start()
    assert finished[0].removed["audit_chain"] == 3
    assert said[0].startswith("Retention: next")
    assert said[1] == "Retention: running…"
    assert said[-1] == "Retention: last run just now, removed 3 rows · next in 24 h"
    assert preferences.last_run == NOW
    assert worker.next_run == NOW + DAY
    assert chains.problems(database.connection()) == []


@pytest.mark.slow
def test_it_runs_again_after_a_day_and_not_before(
    worker: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    with ran(qtbot, worker):
        worker.start()
    preferences.now = NOW + DAY - 1
    worker.check()
    assert not worker.running
    preferences.now = NOW + DAY
    with ran(qtbot, worker):
        worker.check()
    assert preferences.last_run == NOW + DAY


def test_it_stays_off_until_the_person_has_said_yes(
    worker: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.enable(False)
    with qtbot.waitSignal(worker.status) as status:
        worker.start()
    assert status.args == ["Retention: off"]
    worker.check()
    assert not worker.running
    preferences.enable(True)
    with ran(qtbot, worker):
        worker.check()


@pytest.mark.slow
def test_it_runs_on_demand_even_when_the_schedule_is_off(
    worker: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.enable(False)
    with ran(qtbot, worker) as done:
        run_now(worker)
    assert done[0].removed["audit_chain"] == 3
    assert worker.next_run is None
    assert preferences.last_run == NOW
    assert run.begun_of(preferences.path) is None


def test_schedule_tells_last_and_next(worker: Retention, preferences: Preferences, qtbot: QtBot) -> None:
    preferences.ran(NOW - HOUR)
    with qtbot.waitSignal(worker.status) as status:
        worker.start()
    assert status.args == ["Retention: last run 1 h ago · next in 23 h"]
    preferences.set_clock(HOUR)
    with qtbot.waitSignal(worker.status) as status:
        worker._ages.timeout.emit()  # a minute is over
    assert status.args == ["Retention: last run 2 h ago · next in 22 h"]
    preferences.settings.went_back_at.set(preferences.path, NOW)
    with qtbot.waitSignal(worker.status) as status:
        worker._ages.timeout.emit()
    assert status.args == ["Retention: last run 2 h ago, before Time Travel · next in 22 h"]
    with suppress(KeyboardInterrupt), run.noted(preferences.path, NOW):
        raise KeyboardInterrupt
    with qtbot.waitSignal(worker.status) as status:
        worker._ages.timeout.emit()
    assert status.args == ["Retention: a run begun 1 h ago has not finished · next in 22 h"]


def test_what_the_chain_has_is_the_last_run_whoever_ran_it(
    database: LocalDatabase, worker: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.ran(NOW - 2 * HOUR)
    preferences.settings.went_back_at.set(preferences.path, NOW - HOUR)
    told: list[str] = []
    worker.status.connect(told.append)
    worker.start()
    qtbot.waitUntil(lambda: bool(told))
    assert told == ["Retention: last run 2 h ago, before Time Travel · next in 22 h"]
    retain(database, now=NOW - 600)
    worker._context.outside.written.emit()
    qtbot.waitUntil(lambda: told[-1] == "Retention: last run 10 min ago · next in 22 h")
    database.connection().execute(
        "DELETE FROM audit_chain WHERE event_type = 'retention_completed' OR event_type LIKE 'retention_r%'"
    )
    worker.look()
    qtbot.waitUntil(lambda: told[-1] == "Retention: last run 2 h ago, before Time Travel · next in 22 h")
    preferences.ran(NOW - 60)  # and had nothing to do
    worker._ages.timeout.emit()
    assert told[-1] == "Retention: last run 1 min ago · next in 23 h"


def test_a_run_that_ends_since_the_window_closes_says_so_at_the_next_start(
    database: LocalDatabase, make: Make, preferences: Preferences, qtbot: QtBot
) -> None:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    held, ended = threading.Event(), threading.Event()
    verified = unsigned(preferences.path)

    def attempt(**options: Any) -> Attempt:
        held.set()
        ended.wait(60)
        return verified(**options)

    first = make(attempt)
    first.start()
    qtbot.waitUntil(held.is_set)
    first.stop()
    ended.set()
    first._context.stop()
    second = make()
    with qtbot.waitSignal(second.status) as status:
        second._say()
    assert status.args == [
        "Retention: a run begun just now was stopped when the database was closed · next just now"
    ]
    with ran(qtbot, second):
        run_now(second)
    assert run.begun_of(preferences.path) is None
    second.stop()


def test_a_last_run_in_the_future_does_not_put_it_off(worker: Retention, preferences: Preferences) -> None:
    preferences.ran(NOW + 1000 * DAY)
    assert worker.next_run == NOW


def test_never_on_a_read_only_file(make: Make, qtbot: QtBot) -> None:
    worker = make(read_only=True)
    worker.start()
    worker.check()
    assert not worker.running
    assert worker.next_run is None
    with failure(qtbot, worker) as refused:
        run_now(worker)
    assert "read-only" in str(refused.args[0])


@pytest.mark.slow
def test_cancelling_ends_it_and_says_what_was_done(
    database: LocalDatabase, worker: Retention, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        chains.append(database.connection(), f"tenant-{number}", [OLD, OLD] + [NOW - DAY] * 3)

    heard, job = threading.Event(), worker._context.runner.job

    def heard_job(work: Callable[[Monitor], Any], **how: Any) -> Task:
        """It goes on when the first that it said was heard, however long that takes."""

        def run(monitor: Monitor) -> Any:
            def say(done: int, total: int) -> None:
                monitor.progress(done, total)
                heard.wait()

            return work(Monitor(say, monitor.cancelled))

        return job(run, **how)

    monkeypatch.setattr(worker._context.runner, "job", heard_job)
    busy = worker._context.busy
    with ran(qtbot, worker) as done:
        run_now(worker)
        qtbot.waitUntil(lambda: "% of the work" in busy.label.text())
        busy.cancel_button.click()
        heard.set()
    assert done[0].cancelled
    assert not worker.running
    assert chains.problems(database.connection()) == []
    assert verify(InFile(database.path), now=NOW).verdict == Verdict.CONSISTENT
    with ran(qtbot, worker):
        run_now(worker)
    report = verify(InFile(database.path), now=NOW)
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    assert (
        database.connection().execute("SELECT count(*) FROM audit_chain WHERE created_at = ?", (OLD,)).get
        == 0
    )


def test_what_needs_a_confirmation_is_asked_once_a_day(
    database: LocalDatabase, worker: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    chains.append(database.connection(), "gone", [OLD] * 5 + [NOW - DAY])
    with failure(qtbot, worker) as asked:
        worker.start()
    assert isinstance(asked.args[0], NeedsConfirmation)
    assert asked.args[0].tenants == ("gone",)
    assert (preferences.last_run, worker.next_run) == (None, NOW + DAY)
    with ran(qtbot, worker) as done:
        run_now(worker, majority=True)
    assert done[0].removed["audit_chain"] == 8


@pytest.mark.slow  # the writer waits five seconds for another
def test_a_locked_file_is_tried_again_after_an_hour(
    database_path: Path, worker: Retention, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.local.database.PATIENCE", 1.0)

    def begin_and_cancel(plan: Plan, carry_out: Callable[[Confirmation], None]) -> None:
        carry_out(Confirmation())
        worker.cancel()

    other = apsw.Connection(str(database_path))
    other.execute("BEGIN IMMEDIATE")
    with failure(qtbot, worker) as failed:
        worker.start()
    assert isinstance(failed.args[0], FileLocked)
    assert worker.next_run == NOW + HOUR
    with ran(qtbot, worker) as cancelled:
        worker.propose(begin_and_cancel)  # while it waits
    assert cancelled[0].cancelled
    other.execute("ROLLBACK")
    other.close()
    with ran(qtbot, worker):
        run_now(worker)


def test_what_stopped_a_run_is_said_and_recorded_when_there_is_room(
    worker: Retention,
    database: LocalDatabase,
    preferences: Preferences,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full_disk(database: Database, planned: Callable[[], Batch], **how: Any) -> float:
        if len((batch := planned()).statements) < 2:  # the report, behind what was removed
            raise DiskFull(preferences.path)
        return append(database, lambda: batch, **how)

    said: list[str] = []
    worker.status.connect(said.append)
    preferences.enable(False)
    with monkeypatch.context() as full, failure(qtbot, worker):
        full.setattr("app.services.retention.removal.append", full_disk)
        run_now(worker)
    assert said[-1] == "Retention: stopped just now, 3 of 3 rows removed (the disk is full) · off"
    assert f" {database.place}: Retention stopped when 3 of 3 rows" in bugs.log_file().read_text()
    with ran(qtbot, worker):
        run_now(worker)
    assert said[-1] == "Retention: last run just now, removed 0 rows · off"
    kinds = "SELECT event_type FROM audit_chain WHERE tenant_id = 'system' ORDER BY seq"
    reports = database.connection().execute(kinds).fetchall()
    assert reports == [("retention_failed",), ("retention_completed",)]


def test_stopping_says_nothing_more_and_leaves_no_thread_behind(
    database: LocalDatabase, worker: Retention, qtbot: QtBot
) -> None:
    runner = worker._context.runner
    with qtbot.assertNotEmitted(runner.changed), qtbot.assertNotEmitted(worker._context.runner.failed):
        run_now(worker)
        worker.stop()
        runner.stop()
        worker.check()
        run_now(worker)
        finish()
    assert worker.next_run is None
    assert chains.problems(database.connection()) == []


# a clock that has jumped


def entries(database: LocalDatabase) -> int:
    return int(database.connection().execute("SELECT count(*) FROM audit_chain").get)


@pytest.fixture
def waiting(
    worker: Retention, make: Make, database: LocalDatabase, preferences: Preferences, qtbot: QtBot
) -> Retention:
    """Started by a clock ten days ahead: nothing has gone, and nobody has been disturbed."""
    preferences.ran(NOW - DAY)
    preferences.set_clock(10 * DAY)
    worker = make()
    with qtbot.assertNotEmitted(worker._context.runner.failed):
        worker.start()
        qtbot.waitUntil(lambda: worker.waiting is not None)
    assert entries(database) == 8
    return worker


def test_a_daily_run_by_a_clock_in_doubt_waits_without_a_dialog(
    waiting: Retention, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    assert waiting.waiting is not None
    assert waiting.waiting.reason is Doubt.AHEAD_OF_RUN
    assert preferences.last_run == NOW - DAY
    assert waiting.next_run == preferences.now + HOUR
    preferences.now += HOUR
    chains.append(database.connection(), "acme", [preferences.now] * 3)  # dated by the clock in doubt
    with (
        qtbot.assertNotEmitted(waiting._context.runner.failed),
        qtbot.assertNotEmitted(waiting._context.runner.changed),
    ):
        waiting.check()
        qtbot.waitUntil(lambda: not waiting.running)
    assert waiting.waiting is not None
    assert entries(database) == 11
    waiting.stop()


@pytest.mark.slow
def test_a_clock_that_is_set_right_needs_no_confirmation(
    waiting: Retention, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.now += 60
    preferences.set_clock(-10 * DAY)
    with ran(qtbot, waiting) as done:
        waiting.check()
    assert done[0].removed["audit_chain"] == 3
    assert (waiting.waiting, preferences.last_run) == (None, NOW + 60)
    waiting.stop()


@pytest.mark.slow
def test_a_confirmed_clock_counts_for_the_days_to_come(
    waiting: Retention, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    with failure(qtbot, waiting) as refused:
        run_now(waiting)
    assert isinstance(refused.args[0], ClockProblem)
    with ran(qtbot, waiting) as done:
        run_now(waiting, clock=True)
    assert done[0].removed["audit_chain"] == 3
    assert waiting.waiting is None
    assert preferences.last_run == preferences.now
    preferences.now += DAY
    database.connection().execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES ('n', 'acme', 'x', 1, 1)"
    )
    with ran(qtbot, waiting) as done:
        waiting.check()
    assert done[0].total == 1
    waiting.stop()


@pytest.mark.parametrize("jump", [2 * DAY, 2 * HOUR, -2 * HOUR])
def test_a_clock_that_is_set_while_the_program_runs_is_noticed(
    worker: Retention, preferences: Preferences, database: LocalDatabase, qtbot: QtBot, jump: int
) -> None:
    preferences.set_clock(jump)
    chains.append(
        database.connection(), "acme", [preferences.now] * 2
    )  # which confirm it, as far as they can
    worker.start()
    qtbot.waitUntil(lambda: worker.waiting is not None)
    assert worker.waiting is not None
    assert (worker.waiting.reason, worker.waiting.jump) == (Doubt.JUMPED, jump)
    assert entries(database) == 10


@pytest.mark.slow
def test_a_night_of_sleep_is_no_jump(worker: Retention, preferences: Preferences, qtbot: QtBot) -> None:
    preferences.now += 5 * DAY
    with ran(qtbot, worker) as done:
        worker.start()
    assert done[0].total == 3


def test_a_run_without_work_confirms_no_clock(
    database: LocalDatabase, make: Make, preferences: Preferences, qtbot: QtBot
) -> None:
    """Else a clock two months ahead would remove what grows old by it on the second day."""
    chains.append(database.connection(), "acme", [NOW - 31 * DAY + HOUR] * 2 + [NOW - DAY] * 3)
    preferences.set_clock(59 * DAY)
    worker = make()
    with ran(qtbot, worker) as done:
        worker.start()
    assert done[0].total == 0
    assert (preferences.last_run, worker.next_run) == (None, preferences.now + DAY)
    preferences.now += DAY
    with qtbot.assertNotEmitted(worker._context.runner.failed):
        worker.check()
        qtbot.waitUntil(lambda: worker.waiting is not None)
    assert entries(database) == 5
    worker.stop()


@pytest.mark.slow
def test_a_refused_run_keeps_no_checkpoint(
    database: LocalDatabase, make: Make, preferences: Preferences, qtbot: QtBot
) -> None:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    reasons: list[Reason | None] = []
    verified = unsigned(database.path)

    def checkpoint(reason: Reason | None, **options: Any) -> Attempt:
        reasons.append(reason)
        return verified(reason=reason, **options)

    preferences.set_clock(10 * DAY)
    worker = make(checkpoint)
    with failure(qtbot, worker):
        run_now(worker)
    assert reasons == [None], "a plan is verified, and nothing signed"
    with ran(qtbot, worker):
        run_now(worker, clock=True)
    assert reasons == [None, None, Reason.RETENTION, Reason.RETENTION]
    worker.stop()


@pytest.mark.slow
def test_a_chain_that_breaks_under_a_run_is_shown(
    database: LocalDatabase, make: Make, qtbot: QtBot, database_path: Path
) -> None:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    verified, asked = unsigned(database_path), list[object]()

    def checkpoint(**options: Any) -> Attempt:
        asked.append(options)
        if len(asked) == 3:  # a plan, the checkpoint before, the one after
            with apsw.Connection(str(database_path)) as connection:
                connection.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 8")
            connection.close()
        return verified(**options)

    worker = make(checkpoint)
    with failure(qtbot, worker) as failed:
        run_now(worker)
    assert "after that, the audit chain of acme was found broken" in str(failed.args[0])
    qtbot.waitUntil(lambda: not worker.running)
    assert worker._outcome().endswith(", a chain broken after it")
    worker.stop()


@pytest.mark.slow
def test_a_daily_run_takes_no_number_of_a_gateway_with_one_tenant(
    database: LocalDatabase, make: Make, preferences: Preferences, qtbot: QtBot
) -> None:
    append_by_tenant(database.connection(), "aurora", OLD, OLD + DAY + HOUR, NOW, NOW, NOW)
    worker = make()
    for _ in range(2):
        with ran(qtbot, worker) as finished:
            worker.check()
        assert finished[0].removed["audit_chain"] == 1
        append_by_tenant(database.connection(), "aurora", preferences.now)
        preferences.now += DAY
    worker.stop()


@pytest.mark.slow
@pytest.mark.parametrize("change", [False, True])
def test_a_confirmed_plan_is_verified_again_only_where_the_file_has_changed_since(
    database: LocalDatabase, make: Make, qtbot: QtBot, tmp_path: Path, change: bool
) -> None:
    sql = database.connection()
    chains.append(sql, "acme", [OLD] * 3 + [NOW - DAY] * 5)
    chains.append(sql, "other", [OLD] * 3 + [NOW - DAY] * 5)
    store, verified = CheckpointStore(tmp_path / "home"), list[Where]()

    def counting(where: Where, /, **options: Any) -> Report:
        verified.append(where)
        return verify(where, **options)

    def agree(plan: Plan, carry_out: Callable[[Confirmation], None]) -> None:
        if change:  # behind what the plan removes
            sql.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 8")
        carry_out(Confirmation.to(plan, without_checkpoint=change))

    worker = make(partial(try_to_sign, InFile(database.path), store, counting, clock=lambda: NOW))
    with ran(qtbot, worker) as finished:
        worker.propose(agree)
    worker.stop()
    assert len(verified) == (3 if change else 2), "the plan's verification is the one before the run"
    assert [one.tenant_id for one in finished[0].left] == (["acme"] if change else [])
    assert finished[0].removed["audit_chain"] == (3 if change else 6)
    assert [one.reason for one in store.checkpoints(InFile(database.path))] == (
        [] if change else ["retention"] * 2
    )


@pytest.mark.slow
def test_what_was_removed_is_announced_as_any_change(worker: Retention, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker._context.runner.changed) as announced:
        worker.start()
    change, initiator = announced.args
    assert change.tables == {"audit_chain"}
    assert (change.undoable, initiator) == (False, worker)


def test_a_plan_that_was_cancelled_can_be_asked_for_again(worker: Retention, qtbot: QtBot) -> None:
    worker.propose(lambda plan, carry_out: None)
    assert worker._planning is not None
    worker._planning.cancel()
    qtbot.waitUntil(lambda: worker._planning is None)
    plans: list[object] = []
    worker.propose(lambda plan, carry_out: plans.append(plan))
    qtbot.waitUntil(lambda: bool(plans))
