"""Scans ranges of a live database, several at once: each waits for its answers most of the time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app.services.chain.verify.scan import Job, Result, Stopped
from models.errors import Cancelled

if TYPE_CHECKING:
    from models.engine import Database

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
        from app.services.chain.verify.live import scan_range  # noqa: PLC0415 - not for a file

        database, ended = self._database, threading.Event()
        done = [0] * len(jobs)

        def one(index: int, job: Job) -> Result:
            def tick(rows: int) -> bool:
                done[index] = rows
                return ended.is_set()

            # What a person looks at meanwhile comes first.
            with database.connection_context(), database.cancellable(ended.is_set), database.in_background():
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
