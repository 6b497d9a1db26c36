"""Child processes, for long work in Python that as a thread would hold up the interface: both ends of them.

`Children` starts them, gives them jobs and hears what they say; `serve` is what runs in each. A child is this
program again with nothing loaded but its worker, a module of `WORKERS` whose `work(job, attached, caller)`
does one job. Jobs go in on standard input, a line of JSON each, which `attached` bytes may follow. Messages
come out as lines of JSON: `begun` as soon as it listens, then for each job `done` of `total` about 20 times
a second, any number of `part`s, and last its `result`, `failed` with an expected failure, or `bug`. Never
imports Qt.
"""

import json
import os
import queue
import signal
import sys
import threading
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from app.replaced import is_replaced
from app.services.live import VARIABLE
from models import errors
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor, seldom

if TYPE_CHECKING:  # a child starts none of its own
    import subprocess

WORKERS = {
    "scan": "app.workers.scan_pool",
    "export": "app.workers.export",
    "import": "app.workers.importing",
    "tenants": "app.workers.tenants",
    "search": "app.workers.searching",
    "contents": "app.workers.contents",
    "keyring": "app.workers.system_keyring",
}

LOOK_SECONDS = 0.04
"""Between two looks at whether to stop, which is to work within 100 ms."""

_COUNTED = "COVERAGE_PROCESS_CONFIG" in os.environ
"""Coverage says by this variable that it counts in children, too."""

END_SECONDS = 10 if _COUNTED else 1
"""That a child may take to end once it is told to, before it is killed. Only coverage makes it take any: it
writes down what it has counted, and half of that cannot be read.
"""

BEHIND = 10
"""How far behind an interface (`nice`); its table is to scroll even if every core is taken."""

_BOOT = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); "
    "from app.workers.child import serve; serve(*sys.argv[2:])"
)

Job = dict[str, Any]
Message = dict[str, Any]


class CannotStart(TenantAdminError):
    """`what` was to be done is a noun ("export")."""

    sentence = (
        "The {what} could not be started, because its own process could not ({why}); nothing was changed. "
        "Close other programs and try again, or install this program again."
    )


class Replaced(CannotStart):
    """As above, and why is known."""

    sentence = (
        "The {what} could not be started, because this program was replaced while it runs, most likely by an "
        "upgrade ({why}); nothing was changed. Close it and start it again."
    )


class ChildFailed(TenantAdminError):
    """`what` was being done is a noun ("export"); `why` is what is known of the reason."""

    why = "its process ended unexpectedly"
    sentence = "The {what} stopped before its end ({why}); nothing was changed. Try again."


class Children:
    """`count` processes of a worker for one run, gone at the end of the block, whatever they were doing.

    `work` is what they do, as a noun for sentences. They may be started before it is known what they are to
    do. With `behind` they leave the processor to an interface. Raises `CannotStart`.
    """

    def __init__(self, worker: str, work: str, count: int = 1, *, behind: bool = True) -> None:
        self._worker, self._work, self._behind = worker, work, behind
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._waiting: deque[tuple[int, Job]] = deque()
        self._messages: queue.SimpleQueue[tuple[int, Message]] = queue.SimpleQueue()
        for _ in range(count):
            self.add()

    def add(self) -> None:
        """Starts one more. Raises `CannotStart`."""
        try:
            self._processes.append(_spawn(self._worker, behind=self._behind))
        except OSError as error:
            self.__exit__()
            raise _cannot_start(self._work, error.strerror or type(error).__name__) from error

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            _gone(process)
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            for pipe in _pipes(process):
                with suppress(OSError):
                    pipe.close()

    def run(
        self,
        jobs: Sequence[Job],
        attached: "array[int] | bytes" = b"",
        *,
        monitor: Monitor,
        part: Callable[[int, Any], None] = lambda index, part: None,
        own: Callable[[int, Job, Callable[[int, int], bool]], Any] | None = None,
    ) -> list[Any]:
        """The results of the jobs in their order, as JSON can hold them; whoever is free takes the next.

        `attached` follows a single job as it is. `monitor` is told of all jobs together, and asked at least
        ten times a second; that and `part(index, part)` are called in this thread. With
        `own(index, job, tick)` this process does jobs, too; its `tick(done, total)` says whether to stop.
        Raises `Cancelled`, `CannotStart`, `ChildFailed`, the typed error that a child raised, and
        `BugElsewhere`.
        """
        results: dict[int, Any] = {}
        counts = [(0, 0)] * len(jobs)

        def advance(index: int, done: int, total: int) -> None:
            counts[index] = done, total
            monitor.progress(sum(done for done, _ in counts), sum(total for _, total in counts))

        def take(index: int, message: Message) -> None:
            match message:
                case {"done": done, "total": total}:
                    advance(index, done, total)
                case {"part": piece}:
                    part(index, piece)
                case {"result": result}:
                    results[index] = result
                case {"failed": problem}:
                    raise error_of(problem)
                case {"bug": details}:
                    from app.bugs import BugElsewhere  # noqa: PLC0415 - only needed when something broke

                    raise BugElsewhere(details)
                case {"ended": begun}:
                    raise ChildFailed(self._work) if begun else _cannot_start(self._work, "it ended")

        def take_all() -> bool:
            with suppress(queue.Empty):
                while True:
                    take(*self._messages.get_nowait())
            return monitor.cancelled()

        def tick(index: int, done: int, total: int) -> bool:
            advance(index, done, total)
            return take_all()

        self._waiting.extend(enumerate(jobs))
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for process in self._processes:
            thread = threading.Thread(target=self._serve, args=(process, attached), daemon=True)
            self._threads.append(thread)
            thread.start()
        while own is not None and (taken := self._next()) is not None:
            results[taken[0]] = own(*taken, partial(tick, taken[0]))
        while len(results) < len(jobs):
            if take_all():
                raise Cancelled
            with suppress(queue.Empty):
                take(*self._messages.get(timeout=LOOK_SECONDS))
        return [results[index] for index in range(len(jobs))]

    def _next(self) -> tuple[int, Job] | None:
        with suppress(IndexError):
            return self._waiting.popleft()
        return None

    def _serve(self, process: "subprocess.Popen[bytes]", attached: "array[int] | bytes") -> None:
        """Gives a child one job after the other and passes on what it says; in a thread of its own."""
        stdin, stdout = _pipes(process)
        begun = False
        while (taken := self._next()) is not None:
            index, job = taken
            with suppress(OSError):
                stdin.write(json.dumps(job).encode() + b"\n")
                stdin.write(attached)
                stdin.flush()
            message: Message = {}
            while message.keys().isdisjoint(ENDS):
                line = stdout.readline()
                if not line.endswith(b"\n"):  # it ended, perhaps in the middle of a word
                    self._messages.put((index, {"ended": begun}))
                    return
                message = json.loads(line)
                begun = True
                self._messages.put((index, message))


ENDS = frozenset({"result", "failed", "bug"})
"""The last message of a job."""


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes were asked for
    return process.stdin, process.stdout


def _gone(process: "subprocess.Popen[bytes]") -> None:
    import subprocess  # noqa: PLC0415 - a child starts none of its own

    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cannot_start(work: str, why: str) -> CannotStart:
    return (Replaced if is_replaced() else CannotStart)(work, why)


def _spawn(worker: str, *, behind: bool) -> "subprocess.Popen[bytes]":
    """Raises `OSError`."""
    import subprocess  # noqa: PLC0415 - a child starts none of its own

    words = [worker, *(["behind"] if behind else [])]
    if getattr(sys, "frozen", False):
        command = [sys.executable, "--worker", *words]
    else:
        # Nothing but Python and our own path: half of the time that a start takes otherwise. Coverage alone
        # comes in with `site`.
        site = [] if _COUNTED else ["-S"]
        command = [sys.executable, "-I", *site, "-c", _BOOT, "\n".join(sys.path), *words]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != VARIABLE},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


# What runs in a child


class Orphaned(Exception):
    """Nobody listens any more: the process that asked has ended."""


class Caller:
    """Whoever asked for a job, as the child sees it, listening at the other end of `to`. Its methods raise
    `Orphaned`.
    """

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self.progress = seldom(lambda done, total: self.say({"done": done, "total": total}))

    def part(self, piece: Any) -> None:
        """A part of the result. Large results come in parts: reading one large line holds up an interface."""
        self.say({"part": piece})

    def say(self, message: Message) -> None:
        try:
            self._to.write(json.dumps(message).encode() + b"\n")
            self._to.flush()
        except OSError:
            raise Orphaned from None


def serve(worker: str, behind: str = "") -> int:
    """Does the jobs given on standard input until that ends. The exit code says nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches it, too; whoever asked for the work decides
    if behind and hasattr(os, "nice"):
        os.nice(max(0, BEHIND - os.nice(0)))
    jobs, answers = sys.stdin.buffer, _own_output()
    work = import_module(WORKERS[worker]).work
    try:
        Caller(answers).say({"begun": True})
        for line in jobs:
            caller = Caller(answers)
            caller.say(_answer(work, json.loads(line), jobs, caller))
    except Orphaned:
        pass
    return 0


def _own_output() -> BinaryIO:
    """Standard output, which whoever asked reads; what anybody else prints there, as a keyring may, goes
    nowhere from here on.
    """
    own = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


def _answer(work: Callable[..., Any], job: Job, attached: BinaryIO, caller: Caller) -> Message:
    try:
        return {"result": work(job, attached, caller)}
    except Orphaned:
        raise
    except TenantAdminError as error:
        return {"failed": document(error)}
    except Exception as error:  # noqa: BLE001 - travels to the one handler of what nobody expected
        from app import bugs  # noqa: PLC0415 - only needed when something broke

        return {"bug": bugs.details(error)}


# Expected failures on their way between two processes: the same class, the same sentence


def document(error: TenantAdminError) -> Message:
    return {"kind": type(error).__name__, "sentence": str(error), "facts": vars(error)}


def error_of(data: Message) -> TenantAdminError:
    """The error that `document` was made of; of one that is not known here, nor in `models.errors`, its
    sentence is kept.
    """
    kind = getattr(errors, data["kind"], None) or globals().get(data["kind"])
    if not (isinstance(kind, type) and issubclass(kind, TenantAdminError)):
        kind = TenantAdminError
    # Their constructors make the sentence out of what only the other process has.
    error = kind.__new__(kind, data["sentence"])
    error.__dict__.update(data["facts"])
    return error
