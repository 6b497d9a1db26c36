"""Verifies the audit chain in child processes. Never imports Qt."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from app.services.chain.verify import verification
from app.services.chain.verify.report import Report
from app.workers.scan import ScanChildren

MOST_PROCESSES = 4
"""More are little faster, since they read the same file, and each takes about 20 MB."""


class ChildProcesses:
    """Scans ranges in `processes` at once (the number of cores, up to `MOST_PROCESSES`, if None).

    With `take_part` this process is one of those that scan, which is faster and right for a command line; a
    process with an interface must leave it off.
    """

    def __init__(self, processes: int | None = None, *, take_part: bool = False) -> None:
        self.most = processes or _cores()
        self._take_part = take_part

    def start(self, count: int) -> AbstractContextManager[ScanChildren]:
        return ScanChildren(count - self._take_part, take_part=self._take_part)


def verify(path: Path, *, processes: int | None = None, take_part: bool = False, **options: Any) -> Report:
    """`verification.verify` by `ChildProcesses`. Raises its errors, `CannotStart`, `ChildFailed`."""
    return verification.verify(path, executor=ChildProcesses(processes, take_part=take_part), **options)


def _cores() -> int:
    """How many processes may run at once here."""
    allowed = getattr(os, "sched_getaffinity", None)
    return min(MOST_PROCESSES, len(allowed(0)) if allowed else os.cpu_count() or 1)
