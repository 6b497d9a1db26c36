import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.services.errors import Cancelled, InvalidInput
from app.services.records import users
from app.ui.shell.history import History
from app.workers.jobs import Jobs
from app.workers.task_runner import TaskRunner
from models.local.database import LocalDatabase
from tests.conftest import NOW

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def tasks(database: LocalDatabase) -> Iterator[TaskRunner]:
    runner = TaskRunner(database)
    yield runner
    runner.stop()


def endless(database: LocalDatabase, begun: threading.Event) -> None:
    begun.set()
    database.connection().execute(ENDLESS).fetchall()


def test_a_result_arrives_on_the_interface_thread(tasks: TaskRunner, qtbot: QtBot) -> None:
    arrived: list[object] = []
    tasks.read(
        lambda database: threading.current_thread(),
        on_done=lambda worker: arrived.append((worker, threading.current_thread())),
    )
    qtbot.waitUntil(lambda: bool(arrived))
    worker, receiver = arrived[0]  # type: ignore[misc]
    assert worker is not receiver
    assert receiver is threading.main_thread()


def test_an_act_is_announced_and_can_be_undone(
    tasks: TaskRunner, database: LocalDatabase, qtbot: QtBot
) -> None:
    history = History(tasks, lambda: NOW)
    tasks.changed.connect(lambda change: announced.append(change.summary))
    announced: list[str] = []
    tasks.write(users.create, "acme", "ada@acme.example", actor="ops", now=NOW, on_done=history.record)
    with qtbot.waitSignal(history.done):
        pass
    with qtbot.waitSignal(tasks.changed):
        history.undo()
    assert announced == ["User ada@acme.example created", "Undone: User ada@acme.example created"]
    assert database.connection().execute("SELECT count(*) FROM users").get == 0
    qtbot.waitUntil(history.stack.canRedo)
    with qtbot.waitSignal(tasks.changed):
        history.redo()
    assert database.connection().execute("SELECT count(*) FROM users").get == 1


def test_an_undo_that_is_refused_says_so_and_forgets_the_rest(
    tasks: TaskRunner, database: LocalDatabase, qtbot: QtBot
) -> None:
    history = History(tasks, lambda: NOW)
    with qtbot.waitSignal(history.done):
        tasks.write(users.create, "acme", "ada@acme.example", actor="ops", now=NOW, on_done=history.record)
    database.connection().execute("UPDATE users SET email = 'other@acme.example'")
    with qtbot.waitSignal(history.failed) as refused:
        history.undo()
    assert "changed or removed by somebody else" in str(refused.args[0])
    assert not history.stack.canUndo()


def test_an_expected_failure_reaches_its_callback_and_a_bug_the_exception_hook(
    tasks: TaskRunner, qtbot: QtBot
) -> None:
    failures: list[Exception] = []
    tasks.write(users.create, "acme", "nonsense", actor="ops", now=NOW, on_failed=failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert isinstance(failures[0], InvalidInput)
    with qtbot.captureExceptions() as raised:
        tasks.read(lambda database: 1 / 0)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError


def test_a_cancelled_query_is_interrupted_and_never_answers(tasks: TaskRunner, qtbot: QtBot) -> None:
    begun = threading.Event()
    answered: list[object] = []
    task = tasks.read(endless, begun, on_done=answered.append, on_failed=answered.append)
    assert begun.wait(10)
    task.cancel()
    after: list[int] = []
    for _ in range(2):  # both readers are free again
        tasks.read(lambda database: 1, on_done=after.append)
    qtbot.waitUntil(lambda: len(after) == 2)
    assert answered == []


def test_stopping_ends_a_running_read_and_finishes_a_write(database: LocalDatabase, qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    runner = TaskRunner(database)
    begun = threading.Event()
    runner.read(endless, begun)
    runner.write(users.create, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert begun.wait(10)
    runner.stop()
    assert set(threading.enumerate()) <= before


def test_a_job_reports_progress_and_ends_once(qtbot: QtBot) -> None:
    jobs = Jobs()
    seen: list[object] = []

    def work(progress, cancelled):  # type: ignore[no-untyped-def]
        progress(1, 2)
        return "result"

    jobs.start(work, on_progress=lambda *counts: seen.append(counts), on_done=seen.append)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [(1, 2), "result"]
    jobs.stop()


def test_a_cancelled_job_says_so_and_a_bug_reaches_the_exception_hook(qtbot: QtBot) -> None:
    jobs = Jobs()
    failures: list[Exception] = []

    def until_cancelled(progress, cancelled):  # type: ignore[no-untyped-def]
        while not cancelled():
            threading.Event().wait(0.001)
        raise Cancelled

    jobs.start(until_cancelled, on_failed=failures.append).cancel()
    qtbot.waitUntil(lambda: bool(failures))
    assert isinstance(failures[0], Cancelled)
    with qtbot.captureExceptions() as raised:
        jobs.start(lambda progress, cancelled: 1 / 0, on_failed=failures.append)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError
    jobs.stop()


def test_stopping_the_jobs_cancels_and_waits(qtbot: QtBot) -> None:
    jobs = Jobs()
    ended = threading.Event()
    patience = threading.Event()

    def work(progress, cancelled):  # type: ignore[no-untyped-def]
        while not cancelled():
            patience.wait(0.001)
        ended.set()

    jobs.start(work)
    jobs.stop()
    assert ended.is_set()
