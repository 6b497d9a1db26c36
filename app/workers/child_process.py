"""Child processes for long work in Python, which as a thread would hold up the interface.

What a worker is, `spawn` says; its other end is `app.workers.child_side`. Never imports Qt.
"""

import json
import queue
import threading
from array import array
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from app.services.errors import Cancelled, TenantAdminError
from app.workers.child_errors import error_of
from app.workers.spawn import spawn

LOOK_SECONDS = 0.04
"""Between two looks at whether to stop, which is to work within 100 ms."""

Message = dict[str, Any]


class CannotStart(TenantAdminError):
    """`work` is what was to be done, as a noun ("export")."""

    def __init__(self, work: str, why: str) -> None:
        super().__init__(
            f"The {work} could not be started, because its own process could not ({why}); nothing was "
            "changed. Close other programs and try again, or install this program anew."
        )


class ChildLost(TenantAdminError):
    """`work` is what was being done, as a noun ("export")."""

    def __init__(self, work: str) -> None:
        super().__init__(
            f"The {work} stopped before its end, because its process ended unexpectedly; nothing was "
            "changed. Try again."
        )


class Child:
    """One child process for one job, gone at the end of the block, whatever it was doing."""

    def __init__(self, worker: str, work: str) -> None:
        """`work` is what it does, as a noun for sentences. Raises `CannotStart`."""
        self._work = work
        self._begun = False
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        try:
            self._process = spawn(worker)
        except OSError as error:
            raise CannotStart(work, error.strerror or type(error).__name__) from error

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        if self._thread is not None:
            self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]  # pipes were asked for

    def run(
        self,
        job: dict[str, Any],
        attached: "array[int] | bytes" = b"",
        *,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> Any:
        """The result of the job, which is what JSON can hold; `attached` follows it as it is.

        `progress(done, total)` and `cancelled()` are called in this thread, the latter at least ten times a
        second. Raises `Cancelled`, `CannotStart`, `ChildLost`, the typed error that the child raised, and
        `BugElsewhere`.
        """
        self._thread = threading.Thread(target=self._serve, args=(job, attached), daemon=True)
        self._thread.start()
        while not cancelled():
            with suppress(queue.Empty):
                match self._messages.get(timeout=LOOK_SECONDS):
                    case {"begun": True}:
                        self._begun = True
                    case {"done": done, "total": total}:
                        progress(done, total)
                    case {"result": result}:
                        return result
                    case {"failed": problem}:
                        raise error_of(problem)
                    case {"bug": details}:
                        from app.bugs import BugElsewhere  # noqa: PLC0415 - only needed when something broke

                        raise BugElsewhere(details)
                    case _:
                        raise ChildLost(self._work) if self._begun else CannotStart(self._work, "it ended")
        raise Cancelled

    def _serve(self, job: dict[str, Any], attached: "array[int] | bytes") -> None:
        """Gives the child its job and passes on what it says; None when it has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None  # noqa: S101  # pipes were asked for
        with suppress(OSError):
            stdin.write(json.dumps(job).encode() + b"\n")
            stdin.write(attached)
            stdin.close()
        for line in stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)
