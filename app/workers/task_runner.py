"""One thread that writes, a few that read, and results that come back on the interface thread."""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.services.errors import Cancelled, TenantAdminError
from app.services.records.change import Change
from models.local.database import LocalDatabase
from models.local.errors import translate

READERS = 2
_STEPS = 100_000
"""Steps of SQLite's virtual machine, about 2 ms, after which a query asks whether it is still wanted."""


class Task:
    """A piece of work under way. `cancel()` may be called at any time from the interface thread.

    After `cancel()` none of its callbacks is called; a query that runs ends within milliseconds.
    """

    def __init__(
        self,
        work: Callable[[LocalDatabase], Any],
        on_done: Callable[[Any], None] | None,
        on_failed: Callable[[TenantAdminError], None] | None,
    ) -> None:
        self._work = work
        self._on_done = on_done
        self._on_failed = on_failed
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        self._cancelled = True

    def run(self, database: LocalDatabase, interruptible: bool) -> Any:
        """Does the work on the calling thread. Raises `Cancelled` and whatever the work raises."""
        if self._cancelled:
            raise Cancelled
        if interruptible:
            # Unlike interrupt(), this cannot come too early and be lost.
            database.connection().set_progress_handler(lambda: self._cancelled, _STEPS)
        return self._work(database)

    def deliver(self, result: Any, error: BaseException | None) -> None:
        """Calls the callback, on the interface thread. An error that nobody expects is raised here."""
        if self._cancelled:
            return
        if error is None:
            if self._on_done is not None:
                self._on_done(result)
        elif isinstance(error, TenantAdminError) and self._on_failed is not None:
            self._on_failed(error)
        else:
            raise error


def _call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], database: LocalDatabase
) -> Any:
    return function(database, *args, **kwargs)


class TaskRunner(QObject):
    """Runs services against one file, off the interface thread.

    `read` and `write` take a service function, which is called as `function(database, *args, **kwargs)` on
    a reader or on the single writer thread. `on_done` gets its result, `on_failed` a `TenantAdminError`;
    both run on the interface thread. Without `on_failed` an expected failure goes to the signal `failed`;
    anything else is a bug and is raised on the interface thread, where the one exception hook takes it.
    A write that returns a `Change` is announced by `changed`. `stop()` ends all threads.
    """

    changed = Signal(Change)
    failed = Signal(object)
    _finished = Signal(object, object, object)

    def __init__(self, database: LocalDatabase, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._database = database
        self._stopped = False
        self._running: set[Task] = set()
        self._reads: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._writes: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._threads = [self._thread(f"reader-{number}", self._reads, True) for number in range(READERS)]
        self._threads.append(self._thread("writer", self._writes, False))

    def read(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
        **kwargs: Any,
    ) -> Task:
        work = partial(_call, function, args, kwargs)
        return self._submit(self._reads, Task(work, on_done, on_failed or self.failed.emit))

    def write(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
        **kwargs: Any,
    ) -> Task:
        work = partial(_call, function, args, kwargs)
        return self._submit(self._writes, Task(work, on_done, on_failed or self.failed.emit))

    def stop(self) -> None:
        """Cancels reads, lets writes that have begun finish, and waits for the threads to end."""
        if self._stopped:
            return
        self._stopped = True
        for task in tuple(self._running):
            task.cancel()
        for _ in range(READERS):
            self._reads.put(None)
        self._writes.put(None)
        for thread in self._threads:
            thread.join()

    def _submit(self, waiting: "queue.SimpleQueue[Task | None]", task: Task) -> Task:
        if self._stopped:
            task.cancel()
            return task
        self._running.add(task)
        waiting.put(task)
        return task

    def _thread(
        self, name: str, waiting: "queue.SimpleQueue[Task | None]", interruptible: bool
    ) -> threading.Thread:
        thread = threading.Thread(target=self._serve, args=(waiting, interruptible), name=name, daemon=True)
        thread.start()
        return thread

    def _serve(self, waiting: "queue.SimpleQueue[Task | None]", interruptible: bool) -> None:
        try:
            while (task := waiting.get()) is not None:
                result, error = self._attempt(task, interruptible)
                self._finished.emit(task, result, error)
        finally:
            self._database.close()  # Peewee keeps a connection per thread: this one's

    def _attempt(self, task: Task, interruptible: bool) -> tuple[Any, BaseException | None]:
        try:
            if self._database.is_closed():
                self._database.connect()
            return task.run(self._database, interruptible), None
        except BaseException as error:  # noqa: BLE001 - every error travels to the interface thread
            if task.cancelled:
                return None, Cancelled()
            return None, translate(error, self._database.path) or error

    @Slot(object, object, object)
    def _deliver(self, task: Task, result: Any, error: BaseException | None) -> None:
        self._running.discard(task)
        if error is None and isinstance(result, Change):
            self.changed.emit(result)
        task.deliver(result, error)
