"""Cloudflare's D1 API by HTTP: one call, its answer, and what is known where there is none.

`httpcore` is what httpx runs on, and does nothing by itself that this must not do: it follows no redirects,
takes no proxy from the environment, and repeats nothing unless it is told to. Its waiting is cut in slices
here, so that a read that nobody wants any more ends at once; httpx has no place for such a network.
"""

import json
import math
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote, urlsplit

import httpcore

from models.d1.errors import (
    ENDED,
    IN_BACKGROUND,
    WAITING,
    NotReached,
    Patience,
    ServerGone,
    ServerMoved,
    UnknownDatabase,
    rest,
    waiting_for,
)
from models.d1.shared import LONGEST_PAUSE, PER_SECOND, Shared
from models.engine import JSON_EXACT, OWN_USAGE, Usage
from models.errors import MISREAD, Cancelled, NoAnswer, RateLimited, StorageError, TokenRefused
from models.masking import masked
from models.progress import Stop, never

CALL_SECONDS: Final = 35.0
"""A batch ends within 30 seconds, as Cloudflare says."""
_CONNECT_SECONDS: Final = 10.0
_SLICE: Final = 0.05
_SILENCE: Final = 3.0
"""Seconds without an answer after which a person is told that it is waited for."""
_AT_ONCE: Final = 1 << 16
"""Bytes that are sent between two looks at whether to go on."""
_MOST_BYTES: Final = 64_000_000
"""Of an answer: a live D1 gives 50 MB, as Cloudflare says."""
_FEW_BYTES: Final = 4_000_000
_MOST_VALUES: Final = 3_000_000
"""Lists and objects of one answer, each of which keeps the whole program for about a microsecond, and takes
some 60 bytes; there is a list for each row.
"""
_PAGES: Final = 100
_READERS: Final = 8
_KEPT: Final = 90.0
"""Seconds for which a connection waits for its next call. Its window asks every 30 while it is in front: with
no more than those it would have to connect again, which takes up to three round trips.
"""
_BROKEN: Final = httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException

_NO_CONNECTION: Final = (
    (ConnectionRefusedError, "nothing there takes connections"),
    (socket.gaierror, "no such host is known to the network"),
    (ssl.SSLError, "its certificate is not trusted, or it speaks no TLS"),
)

_SLOWED: Final = f"Slowed down to {PER_SECOND:.0f} calls a second, as Cloudflare limits those of an account"

_SQL: Final = "/raw"
_REFUSED: Final = {(400, 7500), (500, 10001), (400, 10001)}
"""Status and code of D1's own answer that a statement failed."""
_NO_TOKEN: Final = {(400, 6003), (400, 6111), (400, 9106), (400, 9109)}
"""Status and code of Cloudflare's answer to a token of another form; it says 401 or 403 of others."""
_NO_DATABASE: Final = {(404, 7404), (404, 7003)}
"""The same that there is none of that id, or no such account; what stands between may say 404 of itself."""
_LONGEST_SAID: Final = 200
_LONGEST_REFUSAL: Final = 1_000
_LOOKED_AT: Final = 20_000
"""Characters of what D1 says of a statement that failed: more is a copy of that."""

_WRITTEN_OUT: Final = 1e21
"""From where on JavaScript writes whole numbers with an exponent."""

_FULL: Final = ": SQLITE_FULL"
"""How another such answer ends, with code 10000."""
_BOOKMARK: Final = re.compile(r"(?=.{1,200}\Z)[0-9a-f]+(?:-[0-9a-f]+)*", re.IGNORECASE)
"""`00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683`, as Cloudflare's own examples are."""
ANOTHER_FORM: Final = NoAnswer.why

_PASSING: Final = re.compile(
    r"reset because its code was updated|caused object to be reset|network connection lost|transient issue"
    r"|client disconnected|overloaded|internal error|timeout|timed out|storage caused|and was reset",
    re.IGNORECASE,
)
"""What Cloudflare says of a failure that passes; whether a batch was written is not known then."""


class Refusal(Exception):
    """D1's own answer that a statement failed: its batch was rolled back."""


class NotKnown(Exception):
    """No answer that tells whether the call was carried out; `str()` is why, without its values."""


class TookTooLong(NotKnown):
    """There was no answer in time."""


class Dropped(Cancelled):
    """Nobody waited for the answer any more: what was sent may be carried out."""


class TooLong(NotKnown):
    """The answer is longer than is taken, and will be again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of each statement, for how many seconds the database worked on them, and its size in bytes
    then, where it is told.
    """

    rows: list[list[tuple[Any, ...]]]
    seconds: float
    size: int | None = None


class Heard(TypedDict, total=False):
    """Whom a client tells what it waits for: as `Client` has them."""

    on_silence: Callable[[float], object]
    on_pause: Callable[[str], object]


class How(TypedDict, total=False):
    """How a call is made: as `Client.call` has them."""

    cancelled: Stop
    dropped: Stop
    at_once: bool
    is_write: bool


@dataclass(slots=True)
class _Call:
    """What a thread waits for; at `silent_at` who waits is told that nothing has come yet."""

    until: float
    dropped: Stop
    on_silence: Callable[[float], object]
    silent_at: float = field(default_factory=lambda: time.monotonic() + _SILENCE)

    def wait(self) -> None:
        """After another moment without a word."""
        if time.monotonic() >= self.silent_at:
            self.silent_at = math.inf
            self.on_silence(self.left())

    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.001)


_CALL: ContextVar[_Call] = ContextVar("call")
"""That of the thread."""

_UNREACHED: Final = 30.0
"""Seconds for which what no person waits for tries again to reach it."""


@contextmanager
def _unless(answered: RateLimited | None) -> Iterator[None]:
    """Within it, what is cancelled raises this answer, if there is one."""
    try:
        yield
    except Cancelled:
        if answered is None:
            raise
        raise answered from None


@dataclass
class Client:
    """Calls of one account. `token` is None for `wrangler dev`. Threads may share it. `on_silence` is given
    for how many seconds more an answer is waited for that has not come for a while, `on_pause` why what runs
    in the background takes a pause, when it begins. `another_token` gives what is at hand by now, where those
    that it is given were refused; None where there is no other.

    `base` is the API's address up to the account's own part; https, or loopback. It `was_found`, and may be
    found again elsewhere.
    """

    name: str
    base: str
    account: str | None = None
    token: str | None = field(default=None, repr=False)
    seconds: float = CALL_SECONDS
    shared: Shared = field(default_factory=Shared, repr=False)
    meter: Usage = field(default_factory=Usage)
    on_silence: Callable[[float], object] = lambda seconds: None
    on_pause: Callable[[str], object] = lambda why: None
    another_token: Callable[[Collection[str]], str | None] = lambda refused: None
    was_found: bool = False

    def __post_init__(self) -> None:
        own = f"/accounts/{quote(self.account, safe='')}" if self.account else ""
        self._root = self.base.rstrip("/") + own
        self.meter.charged = self.account is not None
        self._counting, self._renewing = threading.Lock(), threading.Lock()
        self._refused: list[str] = []
        """Tokens that were, and in whose place there was another."""
        self.took = 0.0
        """Seconds from when the last call was sent to its answer."""
        self._paused_until = 0.0
        self.waits_at_most = math.inf
        """Seconds for which work in the background still waits for limits, in all."""
        self.clock_off = 0.0
        """By how many seconds this computer's clock is ahead of the one that dates answers, or behind it."""
        self.is_refused = False
        """Whether the last call's token was, and there was no other."""
        self._was_reached = False
        """Whether it has answered at all: else an address is wrong, say, and no time changes that."""
        self._unreached = Patience(_UNREACHED, NotReached, self.say)
        self._pool = _pool(_READERS)

    def databases(self) -> list[Mapping[str, Any]]:
        """The account's databases, each with `uuid` and `name`. Raises as `call` does."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, _PAGES):
            answer = self.call("GET", f"/d1/database?page={page}&per_page=100")
            with _of_d1():
                info = answer.get("result_info") or {}
                if info.get("page", page) != page:
                    raise NotKnown("it gave another page of the list than it was asked for")
                found += [self._listed(one) for one in answer["result"]]
                if not answer["result"] or len(found) >= info.get("total_count", len(found)):
                    break
        return found

    def run(self, database: str, body: bytes, **how: Unpack[How]) -> Answer:
        """What the statements of `body` (`statements.body`) give. `how` and what it raises as of `call`."""
        try:
            answer = self.call("POST", _path(database) + _SQL, body, **how)
        except NotKnown:
            self.count(unread=1)
            raise
        with _of_d1():
            results = [{**result} for result in answer["result"]]
            rows = [_rows(**result["results"]) for result in results]
            meta = [{**(result.get("meta") or {})} for result in results]
        if any(result.get("success") is False for result in results):
            raise NotKnown("it says that all succeeded, and of a statement that it failed")
        if not rows:
            raise NotKnown(ANOTHER_FORM)
        read, written, took = (
            [_number(one.get(what)) for one in meta] for what in ("rows_read", "rows_written", "duration")
        )
        # What is not told is said to be more than what is.
        self.count(
            read=round(sum(filter(None, read))),
            written=round(sum(filter(None, written))),
            unread=int(None in read),
            lost=int(None in written),
        )
        size = _number(meta[-1].get("size_after"))
        return Answer(rows, sum(filter(None, took)) / 1000, None if size is None else round(size))

    def bookmark(self, database: str, unwanted: Stop = never, *, at: float | None = None) -> str | None:
        """What Time Travel calls the state of now, or the last one at or before a time in epoch seconds; None
        where it is not offered. Raises as `call` does.
        """
        then = "" if at is None else f"?timestamp={datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        path = f"{_path(database)}/time_travel/bookmark{then}"
        try:
            answer = self.call("GET", path, cancelled=unwanted, dropped=unwanted)
        except UnknownDatabase:
            return None
        with _of_d1():
            found = self._bookmark(answer["result"]["bookmark"])
        if found is None:
            raise NotKnown("it names no bookmark")
        return found

    def go_back(self, database: str, bookmark: str) -> str | None:
        """Brings the database back to a bookmark; what it was at before is one, too, where the API says so.

        Raises as `call` does; `UnknownDatabase` also where Time Travel is not offered.
        """
        path = f"{_path(database)}/time_travel/restore?bookmark={quote(bookmark, safe='')}"
        answer = self.call("POST", path)["result"]
        with _of_d1():
            return self._bookmark(answer.get("previous_bookmark"))

    def _bookmark(self, told: Any) -> str | None:
        """What may be one, which is kept, shown and recorded: nothing else that an answer holds is."""
        is_one = isinstance(told, str) and _BOOKMARK.fullmatch(told) and self.masked(told) == told
        return told if is_one else None

    def _listed(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept and shown of a database, without the token."""
        return {what: self.masked(told) if isinstance(told, str) else told for what, told in one.items()}

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        cancelled: Stop = never,
        dropped: Stop = never,
        at_once: bool = False,
        is_write: bool = False,
    ) -> dict[str, Any]:
        """The answer's JSON, in its turn among all calls of the account.

        Where the account takes none for a while, a person is told; what runs in the background waits, and
        tries again a few times what could not be sent. Of a write that was answered so that is said
        (`RateLimited`), also when the wait for its next try has been `cancelled`: a copy of it may be in.
        `cancelled` ends the wait for the turn, `dropped` that for the answer (`Dropped`). What is to follow
        `at_once` on what was read for it takes one of the calls that are left to those that a person waits
        for: in its turn it would come too late again, beside others who write. Raises `Refusal`,
        `NotKnown`, `NotReached` (nothing was sent), `TokenRefused`, `RateLimited`, `UnknownDatabase`, and
        `Cancelled`.
        """
        answered: RateLimited | None = None
        is_repeatable = method == "GET" or path.endswith(_SQL)  # what is in already is kept out by its guard
        with self._unreached.trying() as again:
            while True:
                token = self.token
                try:
                    self._await_turn(cancelled, at_once=at_once)
                    answer = self._send(method, path, body, dropped)
                    self.is_refused = False
                    return answer
                except TokenRefused:
                    if not (is_repeatable and self._takes_another(token)):
                        self.is_refused = True
                        raise
                except RateLimited as error:
                    answered = error if is_write and error.was_sent else answered
                    if not IN_BACKGROUND.get():
                        raise answered or error from None
                    with _unless(answered):
                        self._wait_out(error, lambda: cancelled() or dropped())
                except Dropped:
                    raise
                except (Cancelled, NotReached) as error:
                    is_away = isinstance(error, NotReached) and self._was_reached
                    if is_away and again(f"{self.name} cannot be reached", lambda: cancelled() or dropped()):
                        continue
                    raise answered or error from None

    def _takes_another(self, refused: str | None) -> bool:
        """Whether there is another token by now than the one that was refused, which is taken from now on."""
        if refused is None:
            return False
        with self._renewing:
            if self.token == refused:  # no other thread has taken one meanwhile
                found = self.another_token([*self._refused, refused])
                if found is None:
                    return False
                self._refused.append(refused)
                self.token = found
            return True

    def take(self, token: str | None) -> None:
        """Goes on with this one, also where it was refused a while ago."""
        with self._renewing:
            self.token = token
            self._refused.clear()

    def _await_turn(self, cancelled: Stop, *, at_once: bool) -> None:
        """Waits until the account has a call left. Raises `RateLimited` and `Cancelled`."""
        background, waiting = IN_BACKGROUND.get(), WAITING.get()
        what = "" if waiting is None else waiting.what
        while self.account is not None:
            wait, paused = 0.0, False
            with suppress(StorageError):  # a full disk keeps nobody from reading
                wait, paused = self.shared.take(self.account, background=background and not at_once)
            if waiting is not None:
                waiting.what = _SLOWED if wait and not paused else what
            if not wait:
                return
            limit = RateLimited(self.name, time.time() + wait)
            if paused and not background:
                raise limit
            if paused:
                self._wait_out(limit, cancelled)
                continue
            if cancelled():
                raise Cancelled
            time.sleep(min(wait, _SLICE))

    def say(self, why: str) -> None:
        """What keeps work in the background for a while."""
        self.on_pause(why)

    def _wait_out(self, limit: RateLimited, cancelled: Stop) -> None:
        """Says each limit once. Raises `Cancelled`, and the limit where it is not waited for so long."""
        left = limit.until - time.time()
        if left > self.waits_at_most:
            raise limit
        self.waits_at_most -= max(left, 0.0)
        if limit.until > self._paused_until + 1:
            self._paused_until = limit.until
            self.say(f"{limit.pause} It goes on by itself then.")
        with waiting_for(f"{self.name} takes no call until {limit.when}") as stopped:
            rest(limit.until - time.time(), lambda: stopped() or cancelled() or ENDED.get()())

    def _send(self, method: str, path: str, body: bytes, dropped: Stop) -> dict[str, Any]:
        headers: dict[bytes | str, bytes | str] = {
            "Host": urlsplit(self._root).netloc,
            "Accept-Encoding": "gzip",
        }
        is_sql = path.endswith(_SQL)
        if not is_sql:
            headers["Cache-Control"] = "no-cache, no-store"
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.count(calls=1)
        sent_at, begun = time.time(), time.monotonic()
        call = _Call(begun + self.seconds, dropped, self.on_silence)
        _CALL.set(call)
        timeouts = {"connect": min(_CONNECT_SECONDS, call.left()), "pool": call.left()}
        try:
            # Only what a batch gives tells which call it is of. Any other answer comes over a connection that
            # had no call before, of which a late or doubled answer could be taken for this one's.
            with (
                nullcontext(self._pool) if is_sql else _pool(1) as pool,
                pool.stream(
                    method, self._root + path, headers=headers, content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                given = {name.decode().lower(): text.decode("latin-1") for name, text in response.headers}
                content = _content(response.iter_stream(), given.get("content-encoding", ""))
                status = response.status
                _require_one(response)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            gone = ServerMoved if self.was_found else ServerGone
            unreached = NotReached if self.account else gone
            raise unreached(self.name, _why(error)) from None
        except (*_BROKEN, OSError, zlib.error) as error:
            kind = TookTooLong if isinstance(error, httpcore.TimeoutException) else NotKnown
            raise kind(_why(error)) from None
        self._was_reached, self.took = True, time.monotonic() - begun
        if status == 200 and "age" not in given:
            self.clock_off = _clock_off(given.get("date", ""), sent_at, self.clock_off)
        return self._judged(status, given, content, is_sql=is_sql)

    def _judged(
        self, status: int, headers: Mapping[str, str], content: bytes, *, is_sql: bool
    ) -> dict[str, Any]:
        if status == 429:
            until = time.time() + _seconds_to_wait(headers)
            with suppress(StorageError):  # a full disk keeps nobody from hearing of it
                self.shared.pause(self.account or "", until)
            raise RateLimited(self.name, until, was_sent=True)
        if 300 <= status < 400 and status != 304:  # the token goes nowhere else
            to = "another address"
            with suppress(ValueError):
                to = urlsplit(headers.get("location", "")[:_LONGEST_SAID]).netloc or to
            raise NotKnown(f"the API address only points to {self.masked(to)}, with status {status}")
        if content.lstrip()[:1] == b"<":  # no word of D1's
            raise NotKnown(f"a web page came in place of its answer, with status {status}")
        if not is_sql and headers.get("age", "0").strip() not in ("", "0"):  # a batch has its mark
            raise NotKnown("what stands between gave an answer that it had kept")
        if status in (401, 403):
            raise TokenRefused(self.name)
        if status == 404 and not is_sql:
            raise UnknownDatabase(self.name)
        answer: Any = None
        try:
            if len(content) > _FEW_BYTES and content.count(b"[") + content.count(b"{") > _MOST_VALUES:
                raise TooLong("its answer has too many values")
            answer = json.loads(content, parse_constant=_not_json)
        except (ValueError, RecursionError):
            raise NotKnown(f"its answer with status {status} is not JSON") from None
        if not isinstance(answer, dict):
            raise NotKnown(ANOTHER_FORM)
        errors = answer.get("errors")
        succeeded = status == 200 and answer.get("success") is True and not errors
        if succeeded and isinstance(answer.get("result"), list | dict):
            return answer
        errors = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        code, message = (errors[0].get("code"), errors[0].get("message")) if errors else (None, "")
        if not isinstance(code, int | None) or not isinstance(message, str):
            raise NotKnown(ANOTHER_FORM)
        if (status, code) in _NO_TOKEN:
            raise TokenRefused(self.name)
        if (status, code) in _NO_DATABASE:
            raise UnknownDatabase(self.name)
        message = self.masked(message[:_LOOKED_AT])
        # Of a batch these alone say that it was rolled back.
        is_certain = (status, code) in _REFUSED or (status == 400 and bool(errors) and not is_sql)
        if answer.get("success") is False and not errors:
            raise NotKnown(f"it said, with status {status}, that it failed, and not why")
        if _PASSING.search(message) or not (is_certain or message.endswith(_FULL)):
            raise NotKnown(f"it answered with status {status}{_quoted(message)}")
        # What stands between may quote the call.
        raise Refusal(message[:_LONGEST_REFUSAL])

    def masked(self, text: str) -> str:
        """The text without the token, which may have come there by mistake, in whichever form."""
        for token in filter(None, (self.token, *self._refused)):
            text = masked(text, token)
        return text

    def count(self, **used: int) -> None:
        """Adds to the meter, and to the thread's own."""
        own = OWN_USAGE.get()
        with self._counting:
            for meter in (self.meter, own) if own is not None else (self.meter,):
                for what, more in used.items():
                    setattr(meter, what, getattr(meter, what) + more)

    def close(self) -> None:
        self._pool.close()


def _rows(
    rows: list[list[Any]], columns: Sequence[str] | None = None, **others: Any
) -> list[tuple[Any, ...]]:
    """Each with as many values as there are columns. A BLOB comes as the numbers of its bytes."""
    found = [tuple(map(_value, row)) for row in rows]
    if len({*map(len, found), *([len(columns)] if found and columns is not None else [])}) > 1:
        raise ValueError("a row of another length")
    return found


def _value(told: Any) -> Any:
    """As D1 writes it: of whole numbers, which JavaScript writes without a point up to 10^21, none has one.

    Raises `ValueError` and `TypeError`.
    """
    if isinstance(told, list):
        return bytes(told)
    if told is None or type(told) in (str, int) or (type(told) is float and not _is_whole(told)):
        return told
    raise ValueError("no value of D1's")


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) < _WRITTEN_OUT


def _number(told: Any) -> float | None:
    """What may be a count, a size or a duration; None of what is none."""
    is_one = isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= JSON_EXACT
    return told if is_one else None


def _pool(most: int) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(max_connections=most, keepalive_expiry=_KEPT, network_backend=_Network())


def _path(database: str) -> str:
    return f"/d1/database/{quote(database, safe='')}"


def _content(parts: Iterable[bytes], encoding: str) -> bytes:
    unpack = zlib.decompressobj(wbits=31) if encoding.lower() in ("gzip", "x-gzip") else None
    found = bytearray()
    for part in parts:
        found += unpack.decompress(part, _MOST_BYTES) if unpack else part
        if len(found) >= _MOST_BYTES:
            raise TooLong(f"its answer is longer than {_MOST_BYTES:,} bytes")
    if unpack and not unpack.eof:
        raise NotKnown("its answer was cut")
    return bytes(found)


def _require_one(response: httpcore.Response) -> None:
    """Closes a connection on which more has come than the answer: it would be taken for the next one. Which
    of them is the answer nobody can tell. By hand: httpcore keeps what is left, and has no other way to ask.
    """
    stream: Any = response.stream
    connection = stream._stream._connection
    left, _ = connection._h11_state.trailing_data
    if left:
        connection.close()
        raise NotKnown("more than one answer came")


@contextmanager
def _of_d1() -> Iterator[None]:
    """Within it an answer that is read is D1's, or else, whatever stands between has made it, `NotKnown`."""
    try:
        yield
    except MISREAD:
        raise NotKnown(ANOTHER_FORM) from None


def _not_json(constant: str) -> Any:
    """Of NaN and Infinity, which Python alone takes. Raises `ValueError`."""
    raise ValueError(constant)


def _quoted(message: str) -> str:
    """What the answer itself says of it, as far as that can stand in a sentence."""
    said = " ".join("".join(one if one.isprintable() else " " for one in message).split())
    return f": “{said if len(said) <= _LONGEST_SAID else said[:_LONGEST_SAID] + '…'}”" if said else ""


def _why(error: BaseException) -> str:
    """In words of ours: a library's say nothing to a person."""
    if isinstance(error, httpcore.TimeoutException):
        return "it took too long"
    if isinstance(error, zlib.error):
        return "its answer cannot be unpacked"
    if not isinstance(error, httpcore.ConnectError):
        return "the connection broke before its answer was there"
    causes = [error, *_causes(error)]
    for kind, words in _NO_CONNECTION:
        if any(isinstance(one, kind) for one in causes):
            return words
    return "no connection came about"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _seconds_to_wait(headers: Mapping[str, str]) -> float:
    """As `Retry-After` or `Ratelimit` (`"default";r=0;t=42`) says, or else as long as the limit is."""
    for name, pattern in (("retry-after", r"^(\d+)$"), ("ratelimit", r"\bt=(\d+)")):
        if found := re.search(pattern, headers.get(name, "").strip()):
            return min(float(found[1]), LONGEST_PAUSE)
    until = _time(headers.get("retry-after"))
    if until is None:
        return LONGEST_PAUSE
    # By the clock of whoever says so, if it tells: this computer's may be another.
    return min(max(until - (_time(headers.get("date")) or time.time()), 1.0), LONGEST_PAUSE)


def _clock_off(date: str, sent_at: float, known: float) -> float:
    """By how many seconds at least this computer's clock is ahead of the one that dated an answer, or behind
    it, negative; as it is `known` where none is told. An answer was made between when it was asked for, on
    this clock, and now; a date leaves out what there was of its second.
    """
    if (at := _time(date)) is None:
        return known
    return max(sent_at - (at + 1), 0.0) or min(time.time() - at, 0.0)


_DATE: Final = re.compile(r"\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
"""As all servers write it (RFC 9110, 5.6.7)."""
_MONTHS: Final = "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"


def _time(told: str | None) -> float | None:
    """Of a date as headers have it, in epoch seconds; None of what is none."""
    found = _DATE.fullmatch((told or "").strip())
    with suppress(ValueError, TypeError, OverflowError):
        if found is not None:
            day, month, year, *time_of_day = found.groups()
            at = datetime(int(year), _MONTHS.index(month) + 1, int(day), tzinfo=UTC).timestamp()
            hours, minutes, seconds = map(int, time_of_day)
            return at + 3600 * hours + 60 * minutes + seconds
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rarely needed, and takes a while

        odd = parsedate_to_datetime(told or "")
        return (odd if odd.tzinfo else odd.replace(tzinfo=UTC)).timestamp()
    return None


class _Network(httpcore.SyncBackend):
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        """To one of the host's addresses after the other, which share the time for all of them: left to the
        system each would have all of it.
        """
        call, until = _CALL.get(), time.monotonic() + (timeout or _CONNECT_SECONDS)
        left = _addresses(host, port)
        while True:
            address, left = left[0], left[1:]
            seconds = max((until - time.monotonic()) / (len(left) + 1), _SLICE)
            try:
                return _Stream(super().connect_tcp(address, port, seconds, *args, **kwargs))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if call.dropped():
                    raise Dropped from None
                if not left:
                    raise


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    return [*dict.fromkeys(str(address[0]) for *_, address in found)]


class _Stream(httpcore.NetworkStream):
    """A connection whose waits ask whether the answer is still wanted, and end with the call's time."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = _CALL.get()
        while True:
            if call.dropped():
                raise Dropped
            if time.monotonic() >= call.until:  # it goes on and on, and never ends
                raise httpcore.ReadTimeout
            try:
                return self._inner.read(max_bytes, min(_SLICE, call.left()))
            except httpcore.ReadTimeout:
                call.wait()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call, rest = _CALL.get(), memoryview(buffer)
        while rest:
            if call.dropped():
                raise Dropped
            if time.monotonic() >= call.until:
                raise httpcore.WriteTimeout
            self._inner.write(bytes(rest[:_AT_ONCE]), call.left())
            rest = rest[_AT_ONCE:]

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        ssl_context.keylog_filename = None  # type: ignore[assignment] # else the environment may have keys kept
        return _Stream(self._inner.start_tls(ssl_context, *args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
