"""How long work says how far it is, hears that it is not wanted any more, and waits for others."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol

from models.errors import Cancelled

Progress = Callable[[int, int], None]
"""Told how much is done, of how much in all."""

Stop = Callable[[], bool]
"""Asked from time to time whether to stop."""

Pause = Callable[[], object]
"""Called now and then by long work; raises `Cancelled` where that is to be all."""

Tick = Callable[[int], None]
"""Told of how much more is done; raises `Cancelled` where that is to be all."""


class Waiting:
    """Work that waits: for `what`, in words, `since` when (by `time.monotonic`). The wait ends where it is
    `cancelled`; it `is_said` where a person looks for it already.

    Made on the thread that waits, read and changed on any.
    """

    __slots__ = ("cancelled", "is_said", "since", "what")

    def __init__(self, what: str, since: float) -> None:
        self.what, self.since = what, since
        self.cancelled = self.is_said = False


class UnderWay(Protocol):
    """Work that a person may end, and what it waits for just now."""

    cancelled: bool
    waiting: Waiting | None


under_way: ContextVar[UnderWay | None] = ContextVar("under_way", default=None)
"""What the calling thread works for: where it waits long for others, deep within, it says so there."""


SELDOM_SECONDS = 0.05
"""Between two words of progress: an interface has no use for more, and each costs it a repaint."""

PATIENCE = 5.0
"""Seconds that another writer of the same file is waited for."""


def seldom(progress: Progress) -> Progress:
    """May be called often; says it about 20 times a second, and at the end."""
    said = -SELDOM_SECONDS

    def say(done: int, total: int) -> None:
        nonlocal said
        now = time.monotonic()
        if done == total or now - said >= SELDOM_SECONDS:
            said = now
            progress(done, total)

    return say


class Breath:
    """For work in Python that this process has to do while somebody uses its interface: called often, it
    rests after each moment of work, and the interface has its turn undisturbed. Raises `Cancelled`
    where it is `cancelled`.
    """

    WORK, REST = 0.002, 0.002

    def __init__(self, cancelled: Stop) -> None:
        self._cancelled, self._since = cancelled, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since >= self.WORK:
            if self._cancelled():
                raise Cancelled
            time.sleep(self.REST)
            self._since = time.monotonic()


def ignore(done: int, total: int) -> None:
    """The progress of work that nobody watches."""


def never() -> bool:
    """The wish to stop of somebody who waits to the end."""
    return False


class Monitor:
    """Whoever follows long work: is told how far it is, and asked from time to time whether to stop."""

    __slots__ = ("cancelled", "progress")

    def __init__(self, progress: Progress = ignore, cancelled: Stop = never) -> None:
        self.progress, self.cancelled = progress, cancelled

    def check(self) -> None:
        """Raises `Cancelled` where it is to stop."""
        if self.cancelled():
            raise Cancelled


def share_of(monitor: Monitor, start: float, end: float) -> Monitor:
    """Who follows a part of what the monitor follows: from one share of it to another."""

    def progress(done: int, total: int) -> None:
        if total:
            monitor.progress(round(_STEPS * (start + (end - start) * done / total)), _STEPS)

    return Monitor(progress, monitor.cancelled)


_STEPS: Final = 100_000

UNWATCHED: Final = Monitor()
"""Nobody does, and it goes on to its end."""

WATCHING: ContextVar[Monitor] = ContextVar("watching", default=UNWATCHED)
"""Who follows the batch that the calling thread writes, as far as its engine can tell how far that is."""
