"""Runs work off the interface thread: reads, writes and long jobs, whose ends come back on it.

Also keeps on it what belongs there, the collection of garbage.
"""

import gc
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from models.engine import Database, within
from models.errors import Cancelled, TenantAdminError
from models.progress import WATCHING, Monitor, Progress, Waiting, seldom, under_way

if TYPE_CHECKING:
    from app.services.records.change import Change

STOP_SECONDS = 5.0
"""How long the threads of a runner that was stopped are waited for; what takes longer is left behind."""

_END_MS = 20
"""Between two looks at whether they have ended."""

_LEFT_MS = 1000
"""Between two looks at what was left behind."""

_LOOK_SECONDS = 0.1
"""Between two looks of what waits for other work whether it is still wanted."""


class WentWrong(TenantAdminError):
    """A bug ended the work. The one handler of bugs has shown it already; its owner only tidies up."""

    sentence = (
        "Something went wrong in this program, so this did not finish; see what was done of it "
        "before you try again. The details are in the log."
    )


class StillRunning(TenantAdminError):
    """Jobs that were to end before a write did not."""

    is_retriable = True
    sentence = "Other work on this database did not end in time; nothing was changed. Try again in a moment."


Work = Callable[[], Any]


@dataclass(eq=False, repr=False)
class Task:
    """A piece of work under way. `cancel()` may be called at any time from the interface thread.

    Its owner hears of its end once, on the interface thread: `on_done(result)` or
    `on_failed(TenantAdminError)`. A read or write that was cancelled says nothing more; a job, which the
    status bar can cancel too, fails with `Cancelled`.
    """

    on_done: Callable[[Any], None] | None
    on_failed: Callable[[TenantAdminError], None] | None
    on_progress: Progress | None = None
    initiator: object = None
    is_job: bool = False
    is_write: bool = False
    is_alone: bool = False
    cancelled: bool = field(default=False, init=False)
    waiting: Waiting | None = field(default=None, init=False)
    """What it waits for just now, where that may take long."""
    work: Work | None = field(default=None, init=False)
    ended: tuple[Any, BaseException | None] | None = field(default=None, init=False)
    """The result and the error, for the runner alone."""
    failed: bool = field(default=False, init=False)
    """Whether it has ended without doing what was wanted of it."""

    def cancel(self) -> None:
        self.cancelled = True

    @property
    def dropped(self) -> bool:
        """Whether its owner wants to hear no more of it."""
        return self.cancelled and not self.is_job


class _Rest:
    """What the threads of a runner are told: to close their connections and wait until it is `over`. It has
    `begun` when none has one any more.
    """

    def __init__(self, readers: int) -> None:
        self.begun, self.over = threading.Event(), threading.Event()
        self._readers, self._closed = readers, threading.Semaphore(0)

    def take(self, connection: ExitStack, database: Database, *, is_writer: bool) -> None:
        """The writer's connection closes last, alone, as at the end."""
        if is_writer:
            for _ in range(self._readers):
                self._closed.acquire()
            back = database.leave(connection.close)
            self.begun.set()
            self.over.wait()
            back()
        else:
            connection.close()
            self._closed.release()
            self.over.wait()


Numbers = queue.SimpleQueue[int | _Rest | None]
"""Numbers of tasks, and what interrupts these."""

YOUNG = 100_000
"""Objects that nobody has looked through yet, of which more would hold the interface up: they are set apart
until the file is closed, and what else is garbage by then with them.
"""

_set_apart: list[bool] = []
"""Whether any are."""

uncollected: list[Monitor] = []
"""Of what is watched: it may make a million objects, all of which it needs to its end."""

_ending: list["Runner"] = []
_left_behind: list["Runner"] = []
"""Those that were stopped, until their threads have ended; and those whose did not in time. What threads
still use they must not be the last to let go of.
"""


def finish() -> None:
    """Waits for all that was stopped, as long as it has; at the end of the program."""
    for runner in tuple(_ending):
        runner.join()
        runner.see_end()


class Runner(QObject):
    """Runs everything for one open file, or for the window before there is one.

    `read` and `write` call `function(database, *args, **kwargs)` on a reader thread or on the one writer
    thread, `job` calls `work(monitor)` on a thread of its own. Without `on_failed` an expected
    failure goes to the signal `failed`. A bug goes to `sys.excepthook`, once, and as `WentWrong` to
    `on_failed`, so that nothing waits for an end that never comes.

    A write that returns a `Change` is announced by `changed(change, initiator)` before its `on_done`;
    `initiator` is what the caller of `write` gave. Whoever started a job that wrote says so by `announce`.
    There is no other way to hear of a change. `failed_with` tells of each expected failure, before its owner
    hears of it: some say more of the database than of what was asked of it.

    What a task holds, its functions, result and error with all they refer to, may be widgets, which must not
    die on another thread. So a task belongs to the interface thread: the others are given its number, and
    hold nothing of it any more when they say that it has ended.
    """

    changed = Signal(object, object)
    failed = Signal(object)
    failed_with = Signal(object)
    _progressed = Signal(object, object, object)
    _ended = Signal(object)

    def __init__(self, database: Database | None = None, parent: QObject | None = None) -> None:
        """Without a `database` it runs jobs only."""
        super().__init__(parent)
        self._database = database
        self._stopped = False
        self.last_write: Task | None = None
        """Of those that may write, the one that was given last."""
        self._running: dict[int, Task] = {}
        self._numbers = count()
        self._jobs: list[threading.Thread] = []
        self._jobs_waiting: list[int] = []
        self._rest: _Rest | None = None
        self._reads: Numbers = queue.SimpleQueue()
        self._writes: Numbers = queue.SimpleQueue()
        self._progressed.connect(self._advance, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
        self._to_tell = deque[int]()
        self._telling = QTimer(self, singleShot=True, interval=0)
        self._telling.timeout.connect(self._tell_next)
        self._servers: list[threading.Thread] = []
        if database is not None:
            serve = partial(self._serve, database)
            self._servers = [
                *(_thread(f"reader-{number}", serve, self._reads) for number in range(database.readers)),
                _thread("writer", serve, self._writes),
            ]

    @property
    def has_news(self) -> bool:
        """As its database has it."""
        return self._database is not None and self._database.has_news

    def read(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
        **kwargs: Any,
    ) -> Task:
        """Calls a service function that only reads; cancelling the task ends its query in milliseconds."""
        work = partial(function, self._database, *args, **kwargs)
        return self._submit(self._reads, Task(on_done, on_failed), work)

    def write(
        self,
        function: Callable[..., Any],
        *args: Any,
        initiator: object = None,
        only_looks: bool = False,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
        watching: Monitor | None = None,
        **kwargs: Any,
    ) -> Task:
        """Calls a service function that may write, after all those that were given before it; or one that
        `only_looks`, by the connection that writes. Whoever is `watching` is told how far it is, on its
        thread, and may end it: it fails with `Cancelled` then, unless it was done by that time.
        """
        work = partial(function, self._database, *args, **kwargs)
        if watching is not None:
            work = partial(_watched, watching, work)
        task = Task(on_done, on_failed, initiator=initiator, is_write=not only_looks)
        if task.is_write:
            self.last_write = task
        return self._submit(self._writes, task, work)

    def when_written(
        self, go: Callable[[], Any], on_failed: Callable[[TenantAdminError], Any] | None = None
    ) -> None:
        """Calls `go` when all that was given to `write` before has ended: writes are done in turn."""
        self.write(lambda database: None, only_looks=True, on_done=lambda _: go(), on_failed=on_failed)

    @property
    def waiting(self) -> Waiting | None:
        """What the first of all that waits for somebody else waits for."""
        return next((found for task in self._running.values() if (found := task.waiting) is not None), None)

    @property
    def is_writing(self) -> bool:
        """Whether something was given to `write` of which nobody has heard yet."""
        return any(task.is_write for task in self._running.values())

    def write_alone(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
    ) -> Task:
        """As `write`, when the jobs have ended that run now, which are cancelled, and before those begun from
        now on. Fails with `StillRunning` where one of them does not end.
        """
        jobs = tuple(self._jobs)
        for task in self._running.values():
            if task.is_job:
                task.cancel()

        def after() -> Any:
            if _ended(jobs, time.monotonic() + STOP_SECONDS):
                return function(self._database, *args)
            raise StillRunning

        return self._submit(self._writes, Task(on_done, on_failed, is_alone=True), after)

    def job(
        self,
        work: Callable[[Monitor], Any],
        *,
        on_progress: Progress | None = None,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
    ) -> Task:
        """Calls `work(monitor)`, which may say its progress as often as it likes.

        When it has been cancelled it raises `Cancelled`, or returns what it has done until then. It is not
        begun, and fails, where the file that is open was moved or replaced.
        """
        task = Task(on_done, on_failed, on_progress=on_progress, is_job=True)
        number = next(self._numbers)
        progress = seldom(partial(self._report, number))
        call = partial(work, Monitor(progress, lambda: task.cancelled))
        if self._enter(number, task, partial(self._in_place, call)):
            self._jobs_waiting.append(number)
            self._begin_jobs()
        return task

    def apart(
        self,
        work: Callable[[Monitor], Any],
        *,
        on_progress: Progress | None = None,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
    ) -> Task:
        """As `job`, for what rewrites the database: nothing else here has it open meanwhile. It begins when
        all that was asked for before has ended, jobs cancelled; what is asked for from now on waits until its
        owner has heard of its end. Fails with `StillRunning` where a job does not end. One at a time.
        """
        jobs, rest = tuple(self._jobs), _Rest(len(self._servers) - 1)
        self._rest = rest
        for task in self._running.values():
            if task.is_job:
                task.cancel()

        def told(tell: Callable[[Any], None] | None, what: Any) -> None:
            try:
                if tell is not None:
                    tell(what)
            finally:
                rest.over.set()

        def alone(monitor: Monitor) -> Any:
            deadline = time.monotonic() + STOP_SECONDS
            while not _ended(jobs, min(deadline, time.monotonic() + _LOOK_SECONDS)):
                monitor.check()
                if time.monotonic() >= deadline:
                    raise StillRunning
            while not rest.begun.wait(_LOOK_SECONDS):
                monitor.check()
            return work(monitor)

        failed = partial(told, on_failed or self.failed.emit)
        task = Task(partial(told, on_done), failed, on_progress=on_progress, is_job=True, is_alone=True)
        number = next(self._numbers)
        progress = seldom(partial(self._report, number))
        call = partial(alone, Monitor(progress, lambda: task.cancelled))
        if self._enter(number, task, call):
            for _ in self._servers[:-1]:
                self._reads.put(rest)
            self._writes.put(rest)
            self._jobs.append(_thread("job", self._attempt, number, _call))
        return task

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Cancels everything; a write that is on its way may finish. No callback comes after this.

        Nobody waits here: the threads end by themselves. What has not ended after `seconds` is left behind,
        and the log says so: whatever it waits for must not keep the program from closing.
        """
        if self._stopped:
            return
        self._stopped = True
        self._deadline = time.monotonic() + seconds
        for task in self._running.values():
            task.cancel()
        if self._rest is not None:
            self._rest.over.set()
        for _ in self._servers[:-1]:
            self._reads.put(None)
        self._writes.put(None)
        self.setParent(None)  # the threads may still be about to say that they have ended
        _ending.append(self)
        self._looking = QTimer(self, interval=_END_MS)
        self._looking.timeout.connect(self.see_end)
        self._looking.start()

    def join(self, *, but_writer: bool = False) -> bool:
        """Waits for the threads of one that was stopped, as long as they have; whether they have ended."""
        threads = [*self._jobs, *(self._servers[:-1] if but_writer else self._servers)]
        return _ended(threads, self._deadline)

    @Slot()
    def see_end(self) -> None:
        """Lets go of all when nothing runs any more; what has had its time is left behind until then."""
        left = sorted(thread.name for thread in (*self._servers, *self._jobs) if thread.is_alive())
        if not left:
            self._looking.stop()
            (_ending if self in _ending else _left_behind).remove(self)
            self._running = {}
            self.deleteLater()
            if _set_apart:
                _set_apart.clear()
                gc.unfreeze()
        elif self in _ending and time.monotonic() >= self._deadline:
            from app import bugs  # noqa: PLC0415 - only needed when something went wrong

            _ending.remove(self)
            _left_behind.append(self)
            self._looking.setInterval(_LEFT_MS)
            bugs.write(f"Left behind, still running: {', '.join(left)}")

    def _submit(self, waiting: Numbers, task: Task, work: Work) -> Task:
        number = next(self._numbers)
        if self._enter(number, task, work):
            waiting.put(number)
        return task

    def _enter(self, number: int, task: Task, work: Work) -> bool:
        """Whether it is to be done: nothing is any more after the stop."""
        if self._stopped:
            task.cancel()
            return False
        task.work = work
        self._running[number] = task
        return True

    def _begin_jobs(self) -> None:
        """Begins those that wait, unless something is to be done alone."""
        if self._stopped or any(task.is_alone for task in self._running.values()):
            return
        self._jobs = [thread for thread in self._jobs if thread.is_alive()]
        self._jobs += [_thread("job", self._attempt, number, _call) for number in self._jobs_waiting]
        self._jobs_waiting = []

    def _serve(self, database: Database, waiting: Numbers) -> None:
        """One thread of reads or writes, on a connection that it opens when it first needs it and keeps."""
        with ExitStack() as kept:
            connected = False

            def on_connection(task: Task) -> Any:
                nonlocal connected
                if task.cancelled:
                    raise Cancelled
                with database.expected_errors():
                    if not connected:
                        kept.enter_context(database.connection_context())
                        connected = True
                    reading = waiting is self._reads
                    with (database.cancellable if reading else database.awaited)(lambda: task.cancelled):
                        return _call(task)

            while (number := waiting.get()) is not None:
                if isinstance(number, _Rest):
                    connected = False
                    number.take(kept, database, is_writer=waiting is self._writes)
                else:
                    self._attempt(number, on_connection)
            # The writer's connection closes last, alone: of two that close at once neither takes the file's
            # log along.
            is_last = waiting is self._writes and self.join(but_writer=True)
        if is_last:
            database.release()

    def _in_place(self, work: Work) -> Any:
        """A job goes by the file's path, where another file may have been put since this one was opened. One
        of the window may be about a file that was just closed, and comes after all that was done with it.
        """
        if self._database is not None:
            self._database.require_in_place()
            return work()
        for runner in tuple(_ending):
            if runner._database is not None:
                runner.join()
        return work()

    def _attempt(self, number: int, call: Callable[[Task], Any]) -> None:
        task = self._running.get(number)
        if task is None:  # stopped
            return
        try:
            task.ended = call(task), None
        except BaseException as problem:  # noqa: BLE001 - every error travels to the interface thread
            task.ended = None, problem
        del task
        if not self._stopped:  # else the object that delivers may be gone
            self._ended.emit(number)

    def _report(self, number: int, done: int, total: int) -> None:
        if not self._stopped:
            self._progressed.emit(number, done, total)

    @Slot(object, object, object)
    def _advance(self, number: int, done: int, total: int) -> None:
        task = self._running.get(number)
        if not self._stopped and task is not None and task.on_progress is not None:
            task.on_progress(done, total)

    @Slot(object)
    def _end(self, number: int) -> None:
        """Tells of it when the event loop has had a turn, and of one in each: what is made of several results
        that come at once is short, but a key would wait for all of it together.
        """
        if not self._stopped:  # after this was on its way
            self._to_tell.append(number)
            self._telling.start()

    @Slot()
    def _tell_next(self) -> None:
        if self._stopped:
            return
        task = self._running.pop(self._to_tell.popleft())
        if self._to_tell:
            self._telling.start()  # before: what is told may hold its own event loop
        try:
            self._tell(task)
        finally:
            self._begin_jobs()

    def announce(self, change: "Change", initiator: object) -> None:
        """Tells everybody of what was written, be it by a job, or found later to be saved."""
        self.changed.emit(change, initiator)

    def _tell(self, task: Task) -> None:
        """What became of it, to whom it concerns."""
        assert task.ended is not None  # noqa: S101  # its thread said so
        result, error = task.ended
        on_done, on_failed = task.on_done, task.on_failed
        # These mostly know the task: together they would be kept until a collection, or for good (`YOUNG`).
        task.work = task.ended = task.on_done = task.on_failed = task.on_progress = None
        task.failed = error is not None or task.dropped
        if error is None:
            from app.services.records.change import Change  # noqa: PLC0415 - the window appears before it is loaded

            if isinstance(result, Change):
                self.announce(result, task.initiator)
            if on_done is not None and not task.dropped:
                on_done(result)
        elif task.dropped:
            pass
        elif isinstance(error, TenantAdminError):
            self.failed_with.emit(error)
            (on_failed or self.failed.emit)(error)
        else:
            try:
                sys.excepthook(type(error), error, error.__traceback__)
            finally:  # whatever becomes of the report
                if on_failed is not None:
                    on_failed(WentWrong())


def _call(task: Task) -> Any:
    assert task.work is not None  # noqa: S101  # it has not ended
    before = under_way.set(task)
    try:
        return task.work()
    finally:
        under_way.reset(before)


def _watched(monitor: Monitor, work: Work) -> Any:
    monitor.check()
    with watched(monitor):
        return work()


@contextmanager
def watched(monitor: Monitor) -> Iterator[None]:
    """Within it, an act is planned or written that `monitor` follows, and no garbage is collected."""
    uncollected.append(monitor)
    try:
        with within(WATCHING, monitor):
            yield
    finally:
        uncollected.remove(monitor)
        if gc.get_count()[0] > YOUNG:  # what an act keeps for its undo
            _set_apart.append(True)
            gc.freeze()


def _ended(threads: Sequence[threading.Thread], deadline: float) -> bool:
    """Whether all have ended, for which they have until then, of the monotonic clock."""
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def _thread(name: str, work: Callable[..., None], *args: Any) -> threading.Thread:
    """Started; a daemon, so that one which hangs does not keep the program from ending."""
    thread = threading.Thread(target=work, args=args, name=name, daemon=True)
    thread.start()
    return thread
