"""What a child process does with its standard streams: jobs come in, lines of JSON go out.

The other end is `app.workers.child_process`. A child imports no Qt.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from app.services.errors import TenantAdminError
from app.workers import child_errors

PROGRESS_SECONDS = 0.05
"""Between two words of progress; whoever reads them has an interface to show."""

_BEHIND = 10
"""How far behind an interface; its table is to scroll even if every core is taken."""

Job = dict[str, Any]
Progress = Callable[[int, int], None]
Work = Callable[[Job, BinaryIO, Progress], Any]


class Orphaned(Exception):
    """Nobody listens any more: the process that asked has ended."""


def serve(work: Work) -> int:
    """Calls `work(job, attached, progress)` for each line of JSON on standard input, until that ends.

    `attached` is what follows the line, of which `work` reads what the job says belongs to it. Says `begun`
    as soon as it listens, then for each job what `progress(done, total)` is told, and last its `result`, the
    expected failure as `failed`, or as `bug` where anything else went wrong. The exit code says nothing.
    """
    if hasattr(os, "nice"):
        os.nice(max(0, _BEHIND - os.nice(0)))
    jobs = sys.stdin.buffer
    try:
        _say({"begun": True})
        for line in jobs:
            _say(_answer(work, json.loads(line), jobs))
    except Orphaned:
        pass
    return 0


def _answer(work: Work, job: Job, attached: BinaryIO) -> dict[str, Any]:
    try:
        return {"result": work(job, attached, _progress())}
    except Orphaned:
        raise
    except TenantAdminError as error:
        return {"failed": child_errors.document(error)}
    except Exception as error:  # noqa: BLE001 - travels to the one handler of what nobody expected
        from app import bugs  # noqa: PLC0415 - only needed when something broke

        return {"bug": bugs.details(error)}


def _progress() -> Progress:
    said = -PROGRESS_SECONDS

    def progress(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if done == total or now - said >= PROGRESS_SECONDS:
            said = now
            _say({"done": done, "total": total})

    return progress


def _say(message: dict[str, Any]) -> None:
    try:
        sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        raise Orphaned from None
