"""The child processes of a verification, and the range that the calling process may scan itself."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from app.services.errors import Cancelled, TenantAdminError
from app.services.verification.follow import COUNT
from app.services.verification.scan import Stopped
from app.workers import scan_child

_BOOT = "import sys; sys.path[:] = sys.argv[1].split('\\n'); from app.workers.scan_child import main; main()"


class ScanFailed(TenantAdminError):
    """A child process ended before it had a result."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The verification stopped before its end ({why}); nothing was changed. Try again.")


def scan_all(jobs: list[dict[str, Any]], *, own: bool, watch: Callable[[int], bool]) -> list[dict[str, Any]]:
    """The results of the jobs in their order; this process does the first one itself if `own`.

    `watch(done)` is called in this thread at least ten times a second with the rows done, and says whether
    to stop. Raises `Cancelled`, `ScanFailed`.
    """
    messages: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
    results: list[dict[str, Any] | None] = [None] * len(jobs)
    parts: list[dict[str, Any]] = [
        {"tenants": {}, "seals": [], "findings": [], "breaks": [], "gaps": []} for _ in range(len(jobs))
    ]
    done = [0] * len(jobs)

    def take(index: int, message: dict[str, Any]) -> None:
        if "failed" in message:
            raise ScanFailed(message["failed"])
        if "done" in message:
            done[index] = message["done"]
            return
        for name, items in message.get("part", {}).items():
            if name == "tenants":
                parts[index]["tenants"].update(items)
            else:
                parts[index][name].extend(items)
        if "result" in message:
            results[index] = parts[index] | message["result"]
            done[index] = sum(state[COUNT] for state in parts[index]["tenants"].values())

    def tick(rows: int) -> bool:
        with suppress(queue.Empty):
            while True:
                take(*messages.get_nowait())
        done[0] = rows
        return watch(sum(done))

    with ExitStack() as stack:
        for index in range(1 if own else 0, len(jobs)):
            stack.enter_context(_child(index, jobs[index], messages))
        if own and jobs:
            try:
                results[0] = scan_child.scan(jobs[0], tick)
            except Stopped:
                raise Cancelled from None
        while any(result is None for result in results):
            with suppress(queue.Empty):
                take(*messages.get(timeout=0.04))
                while True:
                    take(*messages.get_nowait())
            if watch(sum(done)):
                raise Cancelled
    return [result for result in results if result is not None]


@contextmanager
def _child(
    index: int, job: dict[str, Any], messages: "queue.SimpleQueue[tuple[int, dict[str, Any]]]"
) -> Iterator[None]:
    """A child at work on `job`, whose messages arrive in the queue; it is gone at the end."""
    if getattr(sys, "frozen", False):
        command = [sys.executable, "--scan-worker"]
    else:
        command = [sys.executable, "-I", "-S", "-c", _BOOT, "\n".join(sys.path)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes were asked for
    output = process.stdout

    def listen() -> None:
        last: dict[str, Any] = {}
        for line in output:
            last = json.loads(line)
            messages.put((index, last))
        if "result" not in last:
            messages.put((index, {"failed": "a scanning process ended unexpectedly"}))

    listener = threading.Thread(target=listen, name=f"scan-{index}", daemon=True)
    listener.start()
    try:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.close()
        yield
    finally:
        process.kill()
        process.wait()
        listener.join()
        output.close()
