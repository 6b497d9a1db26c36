"""The schedule of retention, its progress and its cancel, on a real file and real threads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest
from pytestqt.qtbot import QtBot

from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.rules import Verdict
from app.services.retention.clock import ClockProblem, Doubt, SteadyClock
from app.services.retention.plan import TryCheckpoint
from app.services.retention.result import Confirmation, NeedsConfirmation
from app.workers.retention_worker import DAY, HOUR, Proposal, RetentionSettings, RetentionWorker
from app.workers.runner import Runner
from app.workers.scan_pool import verify
from models.errors import FileLocked
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.retaining import unsigned

OLD = NOW - 91 * DAY


@dataclass
class Preferences:
    """What a person has set, and the clock on the wall."""

    enabled: bool = True
    days: int = 90
    last_run: int | None = None
    now: int = NOW
    archive: Path | None = None
    set_by: int = 0

    def set_clock(self, seconds: int) -> None:
        """Moves the clock without time passing by."""
        self.now += seconds
        self.set_by += seconds

    def remember(self, at: int) -> None:
        self.last_run = at


@pytest.fixture
def preferences() -> Preferences:
    return Preferences()


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.stop()


def make(
    database: LocalDatabase,
    preferences: Preferences,
    runner: Runner,
    checkpoint: TryCheckpoint | None = None,
) -> RetentionWorker:
    settings = RetentionSettings(
        enabled=lambda: preferences.enabled,
        days=lambda: preferences.days,
        actor=lambda: "ops",
        last_run=lambda: preferences.last_run,
        set_last_run=preferences.remember,
        archive=lambda: preferences.archive,
    )
    steady = SteadyClock(lambda: float(preferences.now - preferences.set_by), counts_sleep=True)
    return RetentionWorker(
        database,
        settings,
        runner,
        lambda: preferences.now,
        checkpoint=checkpoint or unsigned(database.path),
        steady=steady,
    )


def run_now(worker: RetentionWorker, *, majority: bool = False, clock: bool = False) -> None:
    """As a person does who is shown the plan and agrees to what it asks."""

    def agree(proposal: Proposal) -> None:
        worker.carry_out(proposal, Confirmation.to(proposal.plan, majority=majority, clock=clock))

    worker.propose(agree)


@pytest.fixture
def worker(database: LocalDatabase, preferences: Preferences, runner: Runner) -> Iterator[RetentionWorker]:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    worker = make(database, preferences, runner)
    yield worker
    worker.stop()


def test_what_goes_is_archived_when_the_person_wants_it(
    worker: RetentionWorker, preferences: Preferences, tmp_path: Path, qtbot: QtBot
) -> None:
    preferences.archive = tmp_path / "not there"
    with qtbot.waitSignal(worker.failed) as failed:
        worker.start()
    assert "there is no such folder" in str(failed.args[0])
    preferences.archive = tmp_path / "archive"
    preferences.archive.mkdir()
    with qtbot.waitSignal(worker.finished) as finished:
        run_now(worker)
    assert finished.args[0].archives == ("audit-acme-1-3.jsonl.gz",)
    assert [file.name for file in preferences.archive.iterdir()] == ["audit-acme-1-3.jsonl.gz"]


def test_a_run_that_is_due_begins_by_itself(
    worker: RetentionWorker, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    said: list[object] = []
    worker.started.connect(lambda: said.append("started"))
    worker.progress.connect(lambda done, total: said.append((done, total)))
    with qtbot.waitSignal(worker.finished) as finished:
        worker.start()
    assert finished.args[0].removed["audit_chain"] == 3
    assert (said[0], said[-1]) == ("started", (6, 6))
    assert preferences.last_run == NOW
    assert worker.next_run == NOW + DAY
    assert chains.problems(database.connection()) == []


def test_it_runs_again_after_a_day_and_not_before(
    worker: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(worker.finished):
        worker.start()
    preferences.now = NOW + DAY - 1
    with qtbot.assertNotEmitted(worker.started):
        worker.check()
    preferences.now = NOW + DAY
    with qtbot.waitSignal(worker.finished):
        worker.check()
    assert preferences.last_run == NOW + DAY


def test_it_stays_off_until_the_person_has_said_yes(
    worker: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.enabled = False
    with qtbot.waitSignal(worker.schedule_changed) as schedule, qtbot.assertNotEmitted(worker.started):
        worker.start()
    assert schedule.args == [None, None]
    with qtbot.assertNotEmitted(worker.started):
        worker.check()
    preferences.enabled = True
    with qtbot.waitSignal(worker.finished):
        worker.check()


def test_it_runs_on_demand_even_when_the_schedule_is_off(
    worker: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.enabled = False
    with qtbot.waitSignal(worker.finished) as done:
        run_now(worker)
    assert done.args[0].removed["audit_chain"] == 3
    assert worker.next_run is None
    assert preferences.last_run == NOW


def test_schedule_tells_last_and_next(
    worker: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.last_run = NOW - HOUR
    with qtbot.waitSignal(worker.schedule_changed) as schedule:
        worker.start()
    assert schedule.args == [NOW - HOUR, NOW - HOUR + DAY]


def test_a_last_run_in_the_future_does_not_put_it_off(
    worker: RetentionWorker, preferences: Preferences
) -> None:
    preferences.last_run = NOW + 1000 * DAY
    assert worker.next_run == NOW


def test_never_on_a_read_only_file(
    database: LocalDatabase, preferences: Preferences, runner: Runner, qtbot: QtBot
) -> None:
    worker = make(LocalDatabase(database.path, read_only=True), preferences, runner)
    with qtbot.assertNotEmitted(worker.started):
        worker.start()
        worker.check()
    assert worker.next_run is None
    with qtbot.waitSignal(worker.failed) as refused:
        run_now(worker)
    assert "read-only" in str(refused.args[0])


def test_cancelling_ends_it_and_says_what_was_done(
    database: LocalDatabase, worker: RetentionWorker, qtbot: QtBot
) -> None:
    for number in range(40):
        chains.append(database.connection(), f"tenant-{number}", [OLD, OLD] + [NOW - DAY] * 3)
    worker.progress.connect(worker.cancel)
    with qtbot.waitSignal(worker.finished) as done:
        run_now(worker)
    assert done.args[0].cancelled
    assert not worker.running
    assert chains.problems(database.connection()) == []
    assert verify(database.path, now=NOW).verdict == Verdict.CONSISTENT
    with qtbot.waitSignal(worker.finished):
        worker.progress.disconnect(worker.cancel)
        run_now(worker)
    report = verify(database.path, now=NOW)
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    assert (
        database.connection().execute("SELECT count(*) FROM audit_chain WHERE created_at = ?", (OLD,)).get
        == 0
    )


def test_what_needs_a_confirmation_is_asked_once_a_day(
    database: LocalDatabase, worker: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    chains.append(database.connection(), "gone", [OLD] * 5 + [NOW - DAY])
    with qtbot.waitSignal(worker.failed) as asked:
        worker.start()
    assert isinstance(asked.args[0], NeedsConfirmation)
    assert asked.args[0].tenants == ("gone",)
    assert (preferences.last_run, worker.next_run) == (None, NOW + DAY)
    with qtbot.waitSignal(worker.finished) as done:
        run_now(worker, majority=True)
    assert done.args[0].removed["audit_chain"] == 8


def test_a_locked_file_is_tried_again_after_an_hour(
    database_path: Path, database: LocalDatabase, worker: RetentionWorker, qtbot: QtBot
) -> None:
    other = apsw.Connection(str(database_path))
    other.execute("BEGIN IMMEDIATE")
    with qtbot.waitSignal(worker.failed, timeout=20_000) as failed:
        worker.start()
    assert isinstance(failed.args[0], FileLocked)
    assert worker.next_run == NOW + HOUR
    with qtbot.waitSignal(worker.finished, timeout=2_000) as cancelled:
        worker.propose(lambda proposal: (worker.carry_out(proposal), worker.cancel()))  # while it waits
    assert cancelled.args[0].cancelled
    other.execute("ROLLBACK")
    other.close()
    with qtbot.waitSignal(worker.finished):
        run_now(worker)


def test_stopping_says_nothing_more_and_leaves_no_thread_behind(
    database: LocalDatabase, worker: RetentionWorker, runner: Runner, qtbot: QtBot
) -> None:
    with qtbot.assertNotEmitted(worker.finished), qtbot.assertNotEmitted(worker.failed):
        run_now(worker)
        worker.stop()
        runner.stop()
        worker.check()
        run_now(worker)
    assert worker.next_run is None
    assert chains.problems(database.connection()) == []


# a clock that has jumped


def entries(database: LocalDatabase) -> int:
    return int(database.connection().execute("SELECT count(*) FROM audit_chain").get)


@pytest.fixture
def waiting(
    worker: RetentionWorker, database: LocalDatabase, preferences: Preferences, qtbot: QtBot
) -> RetentionWorker:
    """Started by a clock ten days ahead: nothing has gone, and nobody has been disturbed."""
    preferences.last_run = NOW - DAY
    preferences.set_clock(10 * DAY)
    worker = make(database, preferences, worker._runner)
    with qtbot.assertNotEmitted(worker.failed):
        worker.start()
        qtbot.waitUntil(lambda: worker.waiting is not None)
    assert entries(database) == 8
    return worker


def test_a_daily_run_by_a_clock_in_doubt_waits_without_a_dialog(
    waiting: RetentionWorker, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    assert waiting.waiting is not None
    assert waiting.waiting.reason is Doubt.AHEAD_OF_RUN
    assert preferences.last_run == NOW - DAY
    assert waiting.next_run == preferences.now + HOUR
    preferences.now += HOUR
    chains.append(database.connection(), "acme", [preferences.now] * 3)  # dated by the clock in doubt
    with (
        qtbot.assertNotEmitted(waiting.failed),
        qtbot.assertNotEmitted(waiting.finished),
        qtbot.waitSignal(waiting.schedule_changed),
    ):
        waiting.check()
    assert waiting.waiting is not None
    assert entries(database) == 11
    waiting.stop()


def test_a_clock_that_is_set_right_needs_no_confirmation(
    waiting: RetentionWorker, preferences: Preferences, qtbot: QtBot
) -> None:
    preferences.now += 60
    preferences.set_clock(-10 * DAY)
    with qtbot.waitSignal(waiting.finished) as done:
        waiting.check()
    assert done.args[0].removed["audit_chain"] == 3
    assert (waiting.waiting, preferences.last_run) == (None, NOW + 60)
    waiting.stop()


def test_a_confirmed_clock_counts_for_the_days_to_come(
    waiting: RetentionWorker, preferences: Preferences, database: LocalDatabase, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(waiting.failed) as refused:
        run_now(waiting)
    assert isinstance(refused.args[0], ClockProblem)
    with qtbot.waitSignal(waiting.finished) as done:
        run_now(waiting, clock=True)
    assert done.args[0].removed["audit_chain"] == 3
    assert waiting.waiting is None
    assert preferences.last_run == preferences.now
    preferences.now += DAY
    database.connection().execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES ('n', 'acme', 'x', 1, 1)"
    )
    with qtbot.waitSignal(waiting.finished) as done:
        waiting.check()
    assert done.args[0].total == 1
    waiting.stop()


@pytest.mark.parametrize("jump", [2 * DAY, 2 * HOUR, -2 * HOUR])
def test_a_clock_that_is_set_while_the_program_runs_is_noticed(
    worker: RetentionWorker, preferences: Preferences, database: LocalDatabase, qtbot: QtBot, jump: int
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


def test_a_night_of_sleep_is_no_jump(worker: RetentionWorker, preferences: Preferences, qtbot: QtBot) -> None:
    preferences.now += 5 * DAY
    with qtbot.waitSignal(worker.finished) as done:
        worker.start()
    assert done.args[0].total == 3


def test_a_run_without_work_confirms_no_clock(
    database: LocalDatabase, preferences: Preferences, runner: Runner, qtbot: QtBot
) -> None:
    """Else a clock two months ahead would remove what grows old by it on the second day."""
    chains.append(database.connection(), "acme", [NOW - 31 * DAY + HOUR] * 2 + [NOW - DAY] * 3)
    preferences.set_clock(59 * DAY)
    worker = make(database, preferences, runner)
    with qtbot.waitSignal(worker.finished) as done:
        worker.start()
    assert done.args[0].total == 0
    assert (preferences.last_run, worker.next_run) == (None, preferences.now + DAY)
    preferences.now += DAY
    with qtbot.assertNotEmitted(worker.failed):
        worker.check()
        qtbot.waitUntil(lambda: worker.waiting is not None)
    assert entries(database) == 5
    worker.stop()


def test_a_refused_run_keeps_no_checkpoint(
    database: LocalDatabase, preferences: Preferences, runner: Runner, qtbot: QtBot
) -> None:
    chains.append(database.connection(), "acme", [OLD] * 3 + [NOW - DAY] * 5)
    reasons: list[Reason | None] = []
    verified = unsigned(database.path)

    def checkpoint(reason: Reason | None, cancelled: Callable[[], bool]) -> Attempt:
        reasons.append(reason)
        return verified(reason, cancelled)

    preferences.set_clock(10 * DAY)
    worker = make(database, preferences, runner, checkpoint)
    with qtbot.waitSignal(worker.failed):
        run_now(worker)
    assert reasons == [None], "a plan is verified, and nothing signed"
    with qtbot.waitSignal(worker.finished):
        run_now(worker, clock=True)
    assert reasons == [None, None, Reason.RETENTION, Reason.RETENTION]
    worker.stop()
