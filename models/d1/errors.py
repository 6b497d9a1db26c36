"""What D1 alone may fail with; and how long what runs in the background waits for what passes by itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Final

from models.engine import within
from models.errors import Cancelled, DiskFull, RemoteError, StorageError, TenantAdminError
from models.progress import Stop, Waiting, never, under_way


class Failed(StorageError):
    """D1 refused a statement in words that stand for nothing expected: a bug, whose batch was rolled back."""

    heading = "The database refused it"
    sentence = "The database refused this ({what}); nothing was changed."


class DatabaseFull(DiskFull):
    """As SQLite says it of the last number, too."""

    heading = "The database is full"
    sentence = "{name} is as large as D1 lets it be; nothing was changed. Remove something first."


class InUse(StorageError):
    """Of a file that `wrangler dev` has, while another program writes to it."""

    heading = "The database is in use"
    is_retriable = True
    sentence = (
        "{name} is in use by another program, which is writing to it, as `wrangler d1 execute` does; nothing "
        "was changed. Try again in a moment."
    )


class NotReached(RemoteError):
    """No connection came about, so nothing was sent."""

    heading = "The database cannot be reached"
    sentence = "{name} cannot be reached ({why}); nothing was changed. Check the network and the address."


class ServerGone(NotReached):
    """The same of a `wrangler dev`, which people end and start as they work, and whose address is kept."""

    sentence = (
        "{name} cannot be reached ({why}); nothing was changed. "
        "Start `wrangler dev` again, at the same port. "
        "At another the connection needs that address; one to the project's folder finds it at any."
    )


class ServerMoved(ServerGone):
    """The same where it is looked for each time that the database is opened."""

    may_be_elsewhere = True
    sentence = (
        "{name} cannot be reached ({why}); nothing was changed. Start `wrangler dev` again, and open the "
        "database again, which finds it at another port, too."
    )


class UnknownDatabase(RemoteError):
    """None of that name or id is there. wrangler's server would make an empty one."""

    heading = "There is no such database"
    why = "one that is"
    sentence = "No database {what} is listed there; choose {why}."


class DatabaseGone(UnknownDatabase):
    """The one that a connection leads to, by its id, is none."""

    heading = "The database is not there"
    sentence = (
        "There is no database {why} in the account of {name}: it was deleted, or is another account's; "
        "nothing was changed. Look at what the connection says, or connect to one that is there."
    )


class NoList(RemoteError):
    """What is asked for the databases of an account has no such address."""

    heading = "There is no list of databases"
    is_retriable = False
    sentence = (
        "What answers for {name} knows no such account, or is no API of D1's (status 404); nothing was "
        "changed. Check the account, and the address, which ends before “/accounts”."
    )


class NotOffered(RemoteError):
    heading = "There is no Time Travel here"
    sentence = (
        "The API that serves {name} has no Time Travel, as `wrangler dev` has none; nothing was changed. A "
        "copy that is saved first can be loaded into an empty database, by `npx wrangler d1 execute`."
    )


class ReturnUnknown(RemoteError):
    """The way to a bookmark was sent and no answer tells; `what` is the bookmark of what was before."""

    heading = "It is not known whether the database went back"
    is_undecided = True
    sentence = (
        "It is not known whether {name} went back: it gave no answer that tells ({why}). Where it has not, it"
        " may within two minutes: look then, before anything is written to it. The bookmark of what it held "
        "before is kept, and where it could be asked for, that of what it held then."
    )


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
