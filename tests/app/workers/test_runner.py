import gc
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import pytest
from PySide6.QtCore import QAbstractEventDispatcher, QObject
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app import bugs
from app.services.records import users
from app.services.records.change import Change
from app.services.records.record import read_record
from app.services.records.tables import USERS
from app.workers.runner import YOUNG, Runner, WentWrong, finish
from models.errors import Cancelled, InvalidInput
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.conftest import NOW, PATIENCE_MS

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@pytest.fixture
def runner(database: LocalDatabase) -> Iterator[Runner]:
    runner = Runner(database)
    yield runner
    runner.stop()
    finish()


def endless(database: LocalDatabase, begun: threading.Event) -> None:
    begun.set()
    database.connection().execute(ENDLESS).fetchall()


def until_cancelled(monitor: Monitor) -> None:
    while not monitor.cancelled():
        threading.Event().wait(0.001)
    raise Cancelled


def create(runner: Runner, email: str = "ada@acme.example", **options: Any) -> None:
    runner.write(users.create, "acme", email, actor="ops", now=NOW, **options)


def test_a_result_arrives_on_the_interface_thread(runner: Runner, qtbot: QtBot) -> None:
    arrived: list[tuple[object, object]] = []
    runner.read(
        lambda database: threading.current_thread(),
        on_done=lambda worker: arrived.append((worker, threading.current_thread())),
    )
    qtbot.waitUntil(lambda: bool(arrived))
    worker, receiver = arrived[0]
    assert worker is not receiver
    assert receiver is threading.main_thread()


def test_between_two_results_that_come_at_once_the_event_loop_has_a_turn(qtbot: QtBot) -> None:
    runner, heard = Runner(), list[str]()
    for name in ("first", "second"):
        runner.job(lambda monitor, name=name: name, on_done=heard.append)  # type: ignore[misc]
    for thread in runner._jobs:
        thread.join()
    turned = QAbstractEventDispatcher.instance().awake.connect(lambda: heard.append("turn"))
    qtbot.waitUntil(lambda: {"first", "second"} <= set(heard))
    first, second = sorted((heard.index("first"), heard.index("second")))
    QObject.disconnect(turned)
    assert "turn" in heard[first:second]
    runner.stop()
    finish()


def test_a_change_is_announced_with_its_initiator_before_it_is_done(runner: Runner, qtbot: QtBot) -> None:
    heard: list[object] = []
    runner.changed.connect(lambda change, initiator: heard.append((change.summary, initiator)))
    who = object()
    create(runner, initiator=who, on_done=heard.append)
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard[0] == ("User ada@acme.example created", who)
    assert isinstance(heard[1], Change)


def test_an_expected_failure_reaches_its_owner_or_the_one_signal(runner: Runner, qtbot: QtBot) -> None:
    told: list[Exception] = []
    create(runner, "nonsense", on_failed=told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], InvalidInput)
    with qtbot.waitSignal(runner.failed) as failed:
        create(runner, "nonsense")
    assert isinstance(failed.args[0], InvalidInput)
    assert len(told) == 1


@pytest.mark.parametrize("way", ["read", "write", "job"])
def test_a_bug_reaches_the_exception_hook_once_and_its_owner(runner: Runner, qtbot: QtBot, way: str) -> None:
    told: list[Exception] = []
    elsewhere: list[Exception] = []
    runner.failed.connect(elsewhere.append)
    with qtbot.captureExceptions() as raised:
        getattr(runner, way)(lambda *_: 1 / 0, on_failed=told.append)
        qtbot.waitUntil(lambda: bool(told))
        getattr(runner, way)(lambda *_: 1 / 0)
        qtbot.waitUntil(lambda: len(raised) == 2)
    assert [kind for kind, _, _ in raised] == [ZeroDivisionError, ZeroDivisionError]
    assert [type(error) for error in told] == [WentWrong]
    assert elsewhere == []


def test_a_cancelled_query_is_interrupted_and_never_answers(runner: Runner, qtbot: QtBot) -> None:
    begun = threading.Event()
    answered: list[object] = []
    task = runner.read(endless, begun, on_done=answered.append, on_failed=answered.append)
    assert begun.wait(60)
    task.cancel()
    after: list[int] = []
    for _ in range(2):  # both readers are free again
        runner.read(lambda database: 1, on_done=after.append)
    qtbot.waitUntil(lambda: len(after) == 2)
    assert answered == []


def test_a_thread_whose_file_cannot_be_opened_serves_the_next_read(
    runner: Runner, database: LocalDatabase, qtbot: QtBot
) -> None:
    told: list[object] = []
    away = database.path.with_suffix(".away")
    database.path.rename(away)
    runner.read(lambda database: 1, on_failed=told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert "There is no file" in str(told[0])
    away.rename(database.path)
    for _ in range(2):
        runner.read(read_record, USERS, "nobody", on_failed=told.append)
    qtbot.waitUntil(lambda: len(told) == 3)
    assert "no longer there" in str(told[2])


def test_stopping_ends_a_running_read_and_finishes_a_write(database: LocalDatabase, qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    runner = Runner(database)
    reading, writing, stopping = threading.Event(), threading.Event(), threading.Event()

    def read(database: LocalDatabase) -> None:
        try:
            endless(database, reading)
        finally:
            stopping.set()

    def write(database: LocalDatabase) -> None:
        writing.set()
        assert stopping.wait(60)
        users.create(database, "acme", "ada@acme.example", actor="ops", now=NOW)

    runner.read(read)
    runner.write(write)
    assert reading.wait(60) and writing.wait(60)
    runner.stop()
    finish()
    assert set(threading.enumerate()) <= before
    assert database.connection().execute("SELECT count(*) FROM users").get == 1


def test_a_job_reports_progress_and_ends_once(runner: Runner, qtbot: QtBot) -> None:
    seen: list[object] = []

    def work(monitor: Monitor) -> str:
        monitor.progress(1, 2**40)
        return "result"

    runner.job(work, on_progress=lambda *counts: seen.append(counts), on_done=seen.append)
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [(1, 2**40), "result"]


def test_a_cancelled_job_tells_its_owner(runner: Runner, qtbot: QtBot) -> None:
    told: list[Exception] = []
    runner.job(until_cancelled, on_failed=told.append).cancel()
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], Cancelled)


def test_stopping_cancels_jobs_and_the_end_waits_for_them(qtbot: QtBot) -> None:
    runner = Runner()
    ended = threading.Event()

    def work(monitor: Monitor) -> None:
        while not monitor.cancelled():
            threading.Event().wait(0.001)
        ended.set()

    runner.job(work)
    runner.stop()
    finish()
    assert ended.is_set()


def test_stopping_waits_for_nothing_and_what_ended_is_let_go(database: LocalDatabase, qtbot: QtBot) -> None:
    runner, owner = Runner(database), QObject()
    runner.setParent(owner)
    let_go, hangs = threading.Event(), threading.Event()

    def hang(database: LocalDatabase) -> None:
        hangs.set()
        assert let_go.wait(60)

    runner.write(hang)
    assert hangs.wait(60)
    runner.stop()  # on this thread, which alone lets it go on
    owner.deleteLater()
    qtbot.waitUntil(lambda: not isValid(owner))
    assert isValid(runner)
    let_go.set()
    qtbot.waitUntil(lambda: not isValid(runner))


def test_a_job_without_a_file_comes_after_all_that_was_done_with_those_closed(
    database: LocalDatabase, qtbot: QtBot
) -> None:
    closed, opening, done = Runner(database), Runner(), list[str]()
    let_go, hangs = threading.Event(), threading.Event()

    def hang(database: LocalDatabase) -> None:
        hangs.set()
        assert let_go.wait(60)
        done.append("write")

    closed.write(hang)
    assert hangs.wait(60)
    closed.stop()
    opening.job(lambda monitor: done.append("job"))
    let_go.set()
    qtbot.waitUntil(lambda: len(done) == 2)
    assert done == ["write", "job"]
    opening.stop()
    finish()


def test_what_is_done_alone_comes_before_the_jobs_that_are_begun_meanwhile(
    runner: Runner, qtbot: QtBot
) -> None:
    done, let_go = list[str](), threading.Event()

    def alone(database: LocalDatabase) -> None:
        assert let_go.wait(60)
        done.append("alone")

    runner.job(until_cancelled, on_failed=lambda error: done.append(type(error).__name__))
    runner.write_alone(alone)
    runner.job(lambda monitor: done.append("job"))
    qtbot.waitUntil(lambda: done == ["Cancelled"])
    let_go.set()
    qtbot.waitUntil(lambda: len(done) == 3)
    assert done == ["Cancelled", "alone", "job"]


def test_what_is_done_alone_waits_for_no_job_that_does_not_end(
    runner: Runner, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.workers.runner.STOP_SECONDS", 0.01)
    let_go, told = threading.Event(), list[object]()
    runner.job(lambda monitor: let_go.wait())
    runner.write_alone(told.append, on_failed=lambda error: told.append(str(error)))
    qtbot.waitUntil(lambda: bool(told))
    assert told == [
        "Other work on this database did not end in time; nothing was changed. Try again in a moment."
    ]
    let_go.set()


def test_what_is_done_apart_finds_nothing_open_and_all_else_waits_for_its_end(
    database: LocalDatabase, qtbot: QtBot
) -> None:
    own = LocalDatabase(database.path)  # the test has the other one open
    runner, done, let_go = Runner(own), list[str](), threading.Event()

    def look(database: LocalDatabase) -> str:
        return str(database.connection().pragma("data_version"))

    def apart(monitor: Monitor) -> str:
        done.append(f"open: {own.on_disk.is_open}")
        assert let_go.wait(60)
        return "apart"

    runner.read(look, on_done=lambda _: done.append("before"))
    runner.write(look, on_done=lambda _: done.append("before"))
    runner.job(until_cancelled, on_failed=lambda error: done.append(type(error).__name__))
    runner.apart(apart, on_done=done.append)
    runner.read(look, on_done=lambda _: done.append("behind"))
    runner.write(look, on_done=lambda _: done.append("behind"))
    runner.job(lambda monitor: done.append("behind"))
    qtbot.waitUntil(lambda: len(done) == 4)
    assert sorted(done) == ["Cancelled", "before", "before", "open: False"]
    let_go.set()
    qtbot.waitUntil(lambda: len(done) == 8)
    assert done[4:] == ["apart", "behind", "behind", "behind"]
    runner.stop()
    finish()


def test_what_is_done_apart_can_be_ended_while_it_waits_and_with_its_runner(
    runner: Runner, qtbot: QtBot
) -> None:
    begun, failed, let_go = threading.Event(), list[str](), threading.Event()
    runner.read(endless, begun)
    assert begun.wait(60)
    task = runner.apart(lambda monitor: None, on_failed=lambda error: failed.append(type(error).__name__))
    runner.read(lambda database: None, on_done=lambda _: failed.append("behind"))
    task.cancel()
    qtbot.waitUntil(lambda: failed[:1] == ["Cancelled"])
    runner.apart(lambda monitor: let_go.wait(60))
    runner.stop()
    let_go.set()
    finish()
    assert "still running" not in (bugs.log_file().read_text() if bugs.log_file().exists() else "")


def test_stopping_leaves_what_does_not_end_and_says_so_in_the_log(
    database: LocalDatabase, qtbot: QtBot
) -> None:
    """A keyring that does not answer must not keep the window from closing."""
    runner = Runner(database)
    told: list[object] = []
    let_go, hangs = threading.Event(), threading.Event()

    def hang(monitor: Monitor) -> None:
        hangs.set()
        let_go.wait()

    runner.job(hang, on_done=told.append, on_failed=told.append)
    assert hangs.wait(60)
    thread = next(thread for thread in threading.enumerate() if thread.name == "job")
    runner.stop(seconds=0.1)
    finish()
    assert thread.is_alive()
    assert "still running: job" in bugs.log_file().read_text()
    let_go.set()
    thread.join(60)
    assert not thread.is_alive()
    assert told == []


def test_nothing_runs_after_the_stop(database: LocalDatabase, qtbot: QtBot) -> None:
    runner = Runner(database)
    runner.stop()
    told: list[object] = []
    for task in (
        runner.read(told.append, on_done=told.append),
        runner.write(told.append, on_done=told.append),
        runner.job(lambda monitor: told.append(1), on_done=told.append),
    ):
        assert task.cancelled
    assert told == []


def test_what_ended_before_the_stop_is_not_told_after_it(database: LocalDatabase, qtbot: QtBot) -> None:
    runner, heard, ended = Runner(database), list[object](), threading.Event()
    threads: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()
    runner.changed.connect(lambda *_: heard.append("changed"))

    def work(monitor: Monitor) -> None:
        monitor.progress(1, 2)
        threads.put(threading.current_thread())

    create(runner, on_done=heard.append)
    runner.job(work, on_done=heard.append, on_progress=lambda *counts: heard.append(counts))
    threads.get(timeout=60).join(60)
    runner.write(lambda database: ended.set())  # behind the first
    assert ended.wait(60)
    runner.stop()
    qtbot.waitUntil(lambda: not isValid(runner))
    assert heard == []


class Held:
    """Notes the thread that it dies on, as a widget would."""

    def __init__(self, died: list[str]) -> None:
        self._died = died

    def __del__(self) -> None:
        self._died.append(threading.current_thread().name)

    def give(self, *_: object) -> "Held":
        return Held(self._died)

    def fail(self, *_: object) -> None:
        mine = Held(self._died)
        raise RuntimeError(mine)

    def hear(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("old_objects_apart")
@pytest.mark.parametrize("way", ["read", "write", "job"])
@pytest.mark.parametrize("what", ["give", "fail"])
def test_what_a_task_holds_dies_on_the_interface_thread(
    runner: Runner, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, way: str, what: str
) -> None:
    died: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)  # pytest-qt's would keep the error
    # Where coverage is measured: two threads that begin to be traced at once end one of them.
    monkeypatch.setattr(threading, "_trace_hook", None)
    before, rounds = sys.getswitchinterval(), 50
    sys.setswitchinterval(1e-6)  # the other threads get their turn where it hurts
    try:
        for _ in range(rounds):
            held = Held(died)
            getattr(runner, way)(getattr(held, what), on_done=held.hear, on_failed=held.hear)
            del held
        qtbot.waitUntil(lambda: gc.collect() >= 0 and len(died) == 2 * rounds)
    finally:
        sys.setswitchinterval(before)
    assert set(died) == {threading.main_thread().name}


def test_what_a_thread_left_behind_holds_is_kept_until_it_ends_after_all(
    database: LocalDatabase, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.workers.runner._LEFT_MS", 10)
    runner, died = Runner(database), list[str]()
    let_go, hangs = threading.Event(), threading.Event()

    def hang(monitor: Monitor, held: Held = Held(died)) -> None:  # noqa: B008 - its only owner
        hangs.set()
        let_go.wait()

    runner.job(hang)
    del hang
    assert hangs.wait(60)
    thread = next(thread for thread in threading.enumerate() if thread.name == "job")
    runner.stop(seconds=0.01)
    finish()
    del runner
    let_go.set()
    thread.join(60)
    gc.collect()
    assert died == []
    qtbot.waitUntil(lambda: gc.collect() >= 0 and bool(died))
    assert died == [threading.main_thread().name]


def test_its_owner_is_told_of_a_bug_even_if_the_report_of_it_fails(
    runner: Runner, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    with qtbot.captureExceptions():
        monkeypatch.setattr(sys, "excepthook", lambda *_: int("report"))
        runner.read(lambda database: 1 / 0, on_failed=told.append)
        qtbot.waitUntil(lambda: bool(told))
    assert [type(error) for error in told] == [WentWrong]


@pytest.mark.parametrize("fails", [False, True])
def test_what_its_owner_knows_goes_with_it_though_they_know_each_other(
    runner: Runner, qtbot: QtBot, *, fails: bool
) -> None:
    ended = list[object]()

    def begin() -> "ref[QObject]":
        held = QObject()

        def hear(told: object) -> None:
            ended.append((held.objectName(), task))

        task = runner.write(fail if fails else int_of, on_done=hear, on_failed=hear)
        return ref(held)

    def fail(database: LocalDatabase) -> int:
        raise InvalidInput("email", "It is no address.")

    def int_of(database: LocalDatabase) -> int:
        return 1

    gc.disable()
    try:
        kept = begin()
        qtbot.waitUntil(lambda: bool(ended))
        ended.clear()
        assert kept() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_what_a_great_act_keeps_is_set_apart_from_garbage_until_its_file_is_closed(
    runner: Runner, qtbot: QtBot
) -> None:
    kept: list[list[list[int]]] = []
    gc.collect()
    gc.unfreeze()
    gc.disable()  # as the program's own collector does
    try:
        for size, is_apart in ((10, False), (2 * YOUNG, True)):
            gc.collect()
            runner.write(
                lambda database, size=size: [[one] for one in range(size)],
                watching=Monitor(),
                on_done=kept.append,
            )
            qtbot.waitUntil(lambda: len(kept[-1:]) == 1 and len(kept[-1]) == size)  # noqa: B023
            assert (gc.get_freeze_count() > YOUNG, gc.get_count()[0] > YOUNG) == (is_apart, False)
        runner.stop(PATIENCE_MS / 1_000)  # its threads end when the machine lets them
        finish()
        assert gc.get_freeze_count() == 0
    finally:
        gc.unfreeze()
        gc.enable()
