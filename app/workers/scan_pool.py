"""Verifies audit chains: of a file in child processes, of a live database in threads, which wait for their
answers most of the time. No Qt; in a child no Peewee.
"""

import gc
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final, Unpack

from app.services.chain.verify.follow import LISTS
from app.services.chain.verify.scan import CANNOT_READ, Result, Stopped, rows_of, scan_range
from app.workers.child import Caller, ChildFailed, Children, Job
from models.errors import Cancelled
from models.progress import Monitor, under_way

if TYPE_CHECKING:
    from app.services.chain.checkpoints.store import CheckpointStore
    from app.services.chain.verify.report import Report
    from app.services.chain.verify.verification import Executor, Options
    from app.services.chain.where import Verifier, Where
    from models.engine import Database

WORK = "verification"
"""What it is called in sentences."""

MOST_PROCESSES = 4
"""More are little faster, since they read the same file, and each takes about 20 MB."""

PART = 500
"""Items in one message."""


def verify(
    where: "Where", *, processes: int | None = None, take_part: bool = False, **options: "Unpack[Options]"
) -> "Report":
    """`Where.verify`, of a file in child processes.

    In `processes` at once (as many as cores, up to `MOST_PROCESSES`, if None). With `take_part` this
    process is one of those that scan, which is faster and right for a command line; a process with an
    interface must leave it off. Raises their errors, `CannotStart`, `ChildFailed`.
    """
    return where.verify(_Executors(processes, take_part), **options)


class _Executors:
    def __init__(self, processes: int | None, take_part: bool) -> None:
        self._processes, self._take_part = processes, take_part

    def of_file(self) -> "ChildProcesses":
        allowed = getattr(os, "sched_getaffinity", None)
        cores = len(allowed(0)) if allowed else os.cpu_count() or 1
        return ChildProcesses(self._processes or min(MOST_PROCESSES, cores), take_part=self._take_part)

    def of_database(self, database: "Database") -> "Executor":
        return ScanThreads(database)


def store_and_verifier(
    *, processes: int | None = None, take_part: bool = False
) -> "tuple[CheckpointStore, Verifier]":
    """This person's checkpoints, and `verify` in so many `processes`, with `take_part` as a command has it,
    and a window has not.
    """
    from app import paths  # noqa: PLC0415 - nothing of this is for a child
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415

    verifier = partial(verify, processes=processes, take_part=take_part)
    return CheckpointStore(paths.checkpoints_dir(), SystemKeyring()), verifier


class ChildProcesses:
    """Scans ranges in `most` processes; without `take_part` they leave the processor to an interface."""

    _children: Children

    def __init__(self, most: int, *, take_part: bool) -> None:
        self.most, self._take_part = most, take_part

    @contextmanager
    def start(self, count: int) -> Iterator["ChildProcesses"]:
        """Raises `CannotStart`."""
        with Children("scan", WORK, count - self._take_part, behind=not self._take_part) as self._children:
            yield self

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        """The results of the jobs in their order; whoever is free takes the next.

        This process only where rows are small: it could not stop in time otherwise. `watch(done)` is called
        in this thread at least ten times a second with the rows done, and says whether to stop. Raises
        `Cancelled` and the errors of `Children.run`.
        """
        own = self._take_part and small_rows
        if self._take_part and not own:
            self._children.add()
        done = 0
        parts: list[Result] = [{"tenants": {}} | {name: [] for name in LISTS} for _ in jobs]

        def advance(rows: int, total: int) -> None:
            nonlocal done
            done = rows

        def take(index: int, part: Result) -> None:
            for name, items in part.items():
                if name == "tenants":
                    parts[index][name].update(items)
                else:
                    parts[index][name].extend(items)

        def scan_here(index: int, job: Job, tick: Callable[[int, int], bool]) -> Result:
            try:
                with _no_garbage():
                    result = scan_range(job, lambda rows: tick(rows, 0))
            except Stopped:
                raise Cancelled from None
            if tick(rows_of(result), 0):
                raise Cancelled
            return result

        ends = self._children.run(
            jobs, monitor=Monitor(advance, lambda: watch(done)), part=take, own=scan_here if own else None
        )
        return [part | end for part, end in zip(parts, ends, strict=True)]


@contextmanager
def _no_garbage() -> Iterator[None]:
    """A scan makes no cycles, and looking for them takes a fifth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def work(job: Job, attached: BinaryIO, caller: Caller) -> Result:
    """In a child: scans one range. Raises `ChildFailed` where the file cannot be read there."""

    def tick(rows: int) -> bool:
        caller.progress(rows, 0)
        return False

    try:
        with _no_garbage():
            result = scan_range(job, tick)
    except CANNOT_READ as error:
        raise ChildFailed(WORK, f"{type(error).__name__}: {error}") from error
    tenants = list(result["tenants"].items())
    for start in range(0, len(tenants), PART):
        caller.part({"tenants": dict(tenants[start : start + PART])})
    for name in LISTS:
        for start in range(0, len(result[name]), PART):
            caller.part({name: result[name][start : start + PART]})
    rows = rows_of(result)
    caller.progress(rows, rows)
    return {"counts": result["counts"]}


MOST: Final = 3
"""A database answers one at a time, so more would only take turns before it."""

_TICK: Final = 0.05


class ScanThreads:
    """Does what `verification.Executor` says."""

    most = MOST

    def __init__(self, database: "Database") -> None:
        self._database = database

    @contextmanager
    def start(self, count: int) -> Iterator["ScanThreads"]:
        yield self

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        """The results of `live.scan_range` in the order of the jobs. Raises `Cancelled` and its errors."""
        from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait  # noqa: PLC0415

        from app.services.chain.verify.live import scan_range  # noqa: PLC0415 - not for a file
        from models.engine import within  # noqa: PLC0415

        database, ended, work = self._database, threading.Event(), under_way.get()
        done = [0] * len(jobs)

        def one(index: int, job: Job) -> Result:
            def tick(rows: int) -> bool:
                done[index] = rows
                return ended.is_set()

            # What a person looks at meanwhile comes first.
            with (
                database.connection_context(),
                database.cancellable(ended.is_set),
                database.in_background(),
                within(under_way, work),
            ):
                return scan_range(database, job, tick)

        with ThreadPoolExecutor(self.most, "scan") as pool:
            futures = [pool.submit(one, index, job) for index, job in enumerate(jobs)]
            try:
                left: set[Future[Result]] = set(futures)
                while left:
                    finished, left = wait(left, _TICK, FIRST_EXCEPTION)
                    for future in finished:
                        future.result()
                    if watch(sum(done)):
                        raise Cancelled
                return [future.result() for future in futures]
            except Stopped:
                raise Cancelled from None
            finally:
                ended.set()
                pool.shutdown(cancel_futures=True)
