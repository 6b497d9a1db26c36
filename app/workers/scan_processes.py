"""The child processes of a verification, and the part of it that the calling process may do itself."""

import json
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

from app.services.chain.verify.follow import COUNT
from app.services.chain.verify.scan import Stopped
from app.services.errors import Cancelled, TenantAdminError
from app.workers import scan_child
from app.workers.spawn import spawn

LISTS = ("seals", "findings", "breaks", "gaps")
"""What comes in parts from a child, beside the tenants."""

Job = dict[str, Any]
Message = tuple[int, dict[str, Any]]


class ScanFailed(TenantAdminError):
    """A child process ended before it had a result."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The verification stopped before its end ({why}); nothing was changed. Try again.")


class Children:
    """`count` child processes, gone at the end of the block.

    They are started before it is known what they are to do, since finding that out takes as long.
    """

    def __init__(self, count: int) -> None:
        self._processes = [_start() for _ in range(count)]
        self._threads: list[threading.Thread] = []

    def add(self) -> None:
        self._processes.append(_start())

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]  # pipes were asked for

    def scan(self, jobs: Sequence[Job], *, own: bool, watch: Callable[[int], bool]) -> list[dict[str, Any]]:
        """The results of the jobs in their order; whoever is free takes the next, this process if `own`.

        `watch(done)` is called in this thread at least ten times a second with the rows done, and says
        whether to stop. Raises `Cancelled`, `ScanFailed`.
        """
        waiting = deque(enumerate(jobs))
        messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        answers = _Answers(len(jobs), messages, watch)
        for process in self._processes:
            thread = threading.Thread(target=_serve, args=(process, waiting, messages), daemon=True)
            self._threads.append(thread)
            thread.start()
        while own:
            try:
                index, job = waiting.popleft()
            except IndexError:
                break
            try:
                result = scan_child.scan(job, partial(answers.tick, index))
            except Stopped:
                raise Cancelled from None
            answers.results[index] = result
            if answers.tick(index, _rows_of(result)):
                raise Cancelled
        answers.wait()
        return [result for result in answers.results if result is not None]


class _Answers:
    """What comes back from whoever scans."""

    def __init__(
        self, count: int, messages: "queue.SimpleQueue[Message]", watch: Callable[[int], bool]
    ) -> None:
        self._messages, self._watch = messages, watch
        self._parts: list[dict[str, Any]] = [
            {"tenants": {}} | {name: [] for name in LISTS} for _ in range(count)
        ]
        self._done = [0] * count
        self.results: list[dict[str, Any] | None] = [None] * count

    def tick(self, index: int, rows: int) -> bool:
        """This process has done so many rows of a job; whether to stop."""
        self._done[index] = rows
        self._take_all()
        return self._watch(sum(self._done))

    def wait(self) -> None:
        """Returns when every job has its result."""
        while any(result is None for result in self.results):
            with suppress(queue.Empty):
                self._take(*self._messages.get(timeout=0.04))
            self._take_all()
            if self._watch(sum(self._done)):
                raise Cancelled

    def _take_all(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._take(*self._messages.get_nowait())

    def _take(self, index: int, message: dict[str, Any]) -> None:
        if "failed" in message:
            raise ScanFailed(message["failed"])
        if "done" in message:
            self._done[index] = message["done"]
        part = self._parts[index]
        for name, items in message.get("part", {}).items():
            if name == "tenants":
                part[name].update(items)
            else:
                part[name].extend(items)
        if "result" in message:
            self.results[index] = part | message["result"]
            self._done[index] = _rows_of(part)


def _rows_of(result: dict[str, Any]) -> int:
    """How many rows a result is about."""
    return sum(state[COUNT] for state in result["tenants"].values())


def _start() -> "subprocess.Popen[bytes]":
    try:
        return spawn("scan")
    except OSError as error:
        raise ScanFailed(error.strerror or type(error).__name__) from error


def _serve(
    process: "subprocess.Popen[bytes]",
    waiting: "deque[tuple[int, Job]]",
    messages: "queue.SimpleQueue[Message]",
) -> None:
    """Gives a child one job after the other and passes on what it says; in a thread of its own."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes were asked for
    while True:
        try:
            index, job = waiting.popleft()
        except IndexError:
            return
        message: dict[str, Any] = {}
        with suppress(OSError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        for line in process.stdout:
            message = json.loads(line)
            messages.put((index, message))
            if "result" in message:
                break
        if "result" not in message:
            messages.put((index, {"failed": "a scanning process ended unexpectedly"}))
            return
