"""Scans ranges of the audit chain in child processes and in the calling one. No Qt, no Peewee."""

import gc
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import BinaryIO

from app.services.chain.verify.follow import LISTS
from app.services.chain.verify.scan import CANNOT_READ, Result, Stopped, rows_of, scan_range
from app.workers.child import Caller, ChildFailed, Children, Job
from models.errors import Cancelled

WORK = "verification"
"""What it is called in sentences."""

PART = 500
"""Items in one message."""


class ScanChildren:
    """`count` child processes that scan, gone at the end of the block.

    They are started before it is known what they are to do, since finding that out takes as long. With
    `take_part` this process scans as well; without, they leave the processor to its interface.
    """

    def __init__(self, count: int, *, take_part: bool) -> None:
        self._take_part = take_part
        self._children = Children("scan", WORK, count, behind=not take_part)

    def __enter__(self) -> "ScanChildren":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._children.__exit__(kind, error, trace)

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
                parts[index] = scan_range(job, lambda rows: tick(rows, 0))
            except Stopped:
                raise Cancelled from None
            if tick(rows_of(parts[index]), 0):
                raise Cancelled
            return {}

        ends = self._children.run(
            jobs,
            progress=advance,
            part=take,
            cancelled=lambda: watch(done),
            own=scan_here if own else None,
        )
        return [part | end for part, end in zip(parts, ends, strict=True)]


def work(job: Job, attached: BinaryIO, caller: Caller) -> Result:
    """In a child: scans one range. Raises `ChildFailed` where the file cannot be read there."""
    gc.disable()  # nothing here makes cycles, and a million rows would have them looked for

    def tick(rows: int) -> bool:
        caller.progress(rows, 0)
        return False

    try:
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
