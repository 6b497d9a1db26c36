"""How long what runs in the background waits for what passes by itself, and what it says meanwhile."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Final

from models.engine import within
from models.errors import Cancelled, TenantAdminError
from models.progress import Stop, Waiting, never, under_way

_FIRST: Final = 0.5
"""Seconds before the second try; each further one is as long after as all before it took."""
_SLICE: Final = 0.05

IN_BACKGROUND: ContextVar[bool] = ContextVar("in_background", default=False)
"""Whether no person waits for the thread's calls, so that they give way and wait for a limit's end."""

WAITING: ContextVar[Waiting | None] = ContextVar("waiting", default=None)
"""What a person is told of the thread's write."""

ENDED: ContextVar[Stop] = ContextVar("ended", default=never)
"""Whether the thread's work is to end where it would wait for what passes by itself, a limit say."""


@contextmanager
def in_background(cancelled: Stop) -> Iterator[None]:
    """Within it no person waits for the thread's calls, which may be `cancelled` as long as a limit lasts."""
    with within(IN_BACKGROUND, True), within(ENDED, cancelled):
        yield


def rest(seconds: float, cancelled: Stop) -> None:
    """Raises `Cancelled`."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled
        time.sleep(min(left, _SLICE))


@contextmanager
def waiting_for(what: str, since: float | None = None) -> Iterator[Stop]:
    """Says within it what the thread's work waits for, `since` now or before; gives whether a person has
    ended that wait.
    """
    work, mine = under_way.get(), Waiting(what, time.monotonic() if since is None else since)
    if work is not None:
        work.waiting = mine
    try:
        yield lambda: mine.cancelled
    finally:
        if work is not None and work.waiting is mine:
            work.waiting = None


class Patience:
    """Work in the background tries again what failed by what is `passing`, for so many `seconds` from the
    first time on, and for as long again once that has passed. `tell` is given what it waits for, once each
    time. Threads may share it.
    """

    def __init__(
        self, seconds: float, passing: type[TenantAdminError], tell: Callable[[str], object]
    ) -> None:
        self.seconds, self._passing, self._tell = seconds, passing, tell
        self._since = self._last = -float("inf")

    @contextmanager
    def trying(self) -> Iterator[Callable[[str, Stop], bool]]:
        """Gives what rests before another try, and says why; False where that was long enough, or where a
        person waits. Raises `Cancelled`.
        """
        has_passed = True

        def again(what: str, cancelled: Stop) -> bool:
            if not IN_BACKGROUND.get():
                return False
            now = time.monotonic()
            if now - self._last > self.seconds:
                self._since = now
                self._tell(f"{what}; it is tried again for {self.seconds:.0f} s.")
            self._last, gone = now, now - self._since
            if gone >= self.seconds:
                return False
            if not stopped:
                stopped.append(held.enter_context(waiting_for(f"{what}; it is tried again", self._since)))
            wait = min(max(gone, _FIRST), self.seconds - gone)
            rest(wait, lambda: stopped[0]() or cancelled() or ENDED.get()())
            return True

        stopped = list[Stop]()
        with ExitStack() as held:
            try:
                yield again
            except (self._passing, Cancelled):
                has_passed = False
                raise
            finally:
                if has_passed:
                    self._last = -float("inf")
