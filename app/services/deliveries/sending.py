"""One request to one destination: nowhere it must not go, and never longer or more than is allowed.

A name is resolved once; every address that it has is judged, and the one that is connected to is one of
those. One deadline holds for all of it. No redirect is followed, and no proxy is asked.

And an event sent, and what came of it kept in the log, whoever still waits for it.
"""

import errno
import os
import selectors
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Final, Protocol, TypeVar

import httpcore

from app.services.deliveries.destination import Destination, address_meant, read_destination, why_not
from app.services.deliveries.hiding import without_own, without_secret
from app.services.deliveries.log import Delivery, DeliveryLog, LogUnreadable
from app.services.deliveries.request import (
    DeliveryAnswer,
    DeliveryOutcome,
    DeliveryPart,
    Request,
    Step,
    make,
    meaning,
)
from app.services.deliveries.signing import Signing
from models import engine, errors, progress

SECONDS: Final = 15.0
"""A delivery may take, with all that belongs to it."""
MOST_HEAD: Final = 64 * 1024
MOST_ANSWER: Final = 64 * 1024
"""Bytes of an answer's headers, and of its body once that is unpacked."""

_SLICE: Final = 0.05
_READ: Final = 8 * 1024
_MOST_PACKED: Final = 4 * MOST_ANSWER
"""Bytes that are read for a body, whatever becomes of them."""
_TRIED: Final = 4
"""Addresses of one name."""
_IN_PROGRESS: Final = {errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EAGAIN)}
_NO_NETWORK: Final = {errno.ENETDOWN, errno.ENETUNREACH}

_BROKE: Final = "The connection broke before the end of the answer."

T = TypeVar("T")


class NotResolved(Exception):
    """A name has no address; `str()` is why, as a sentence."""


class NoNetwork(NotResolved):
    """Nobody who was asked for it has answered."""


class Resolve(Protocol):
    def __call__(self, host: str, seconds: float, cancelled: progress.Stop) -> Sequence[str]:
        """The addresses of a name, asked for once. Raises `NotResolved`, `TimeoutError` after so many
        seconds, and `Cancelled`.
        """


class _Failed(Exception):
    def __init__(self, outcome: DeliveryOutcome, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


_LEAST_SHOWN: Final = 0.001
"""Seconds of a part that dialogs have in figures."""


class _Full(Exception):
    """As much has come as is taken."""


@dataclass(slots=True)
class _Delivery:
    """A delivery under way."""

    until: float
    cancelled: progress.Stop
    began: float = field(default_factory=time.monotonic)
    steps: list[Step] = field(default_factory=list)
    room: int = MOST_HEAD
    """How many bytes may still be read."""
    is_sent: bool = False
    first_byte: float | None = None

    def left(self) -> float:
        """Raises `_Failed` where nothing is, and `Cancelled`."""
        if self.cancelled():
            raise errors.Cancelled
        left = self.until - time.monotonic()
        if left <= 0:
            raise _Failed(DeliveryOutcome.TIMEOUT, "")
        return left

    def slice(self) -> float:
        return min(_SLICE, self.left())

    @contextmanager
    def part(self, part: DeliveryPart) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.add(part, begun, time.monotonic())

    def add(self, part: DeliveryPart, begun: float, ended: float) -> None:
        self.steps.append(Step(part, begun - self.began, ended - begun))


@dataclass(slots=True)
class _Came:
    """What has come of an answer so far."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    address: str = ""
    tls: str = ""


def send(
    request: Request,
    *,
    resolve: Resolve,
    allow_here: bool = False,
    cancelled: progress.Stop = progress.never,
    seconds: float = SECONDS,
    trusted: ssl.SSLContext | None = None,
) -> DeliveryAnswer:
    """Sends it once. What the network does is an answer and no error; so is that it was cancelled, since the
    destination may have it then.

    `allow_here`: a person allows this computer. `trusted`: who signs certificates, else what is usual.
    """
    if trusted is None and request.scheme == "https":
        trusted = _usual()
    call, came = _Delivery(time.monotonic() + seconds, cancelled), _Came()
    try:
        _carry_out(request, call, came, resolve, trusted, allow_here=allow_here)
        assert came.status is not None  # noqa: S101  # it has come
        outcome, why = DeliveryOutcome.ANSWERED, meaning(came.status)
    except _Failed as failed:
        outcome, why = failed.outcome, failed.why
    except errors.Cancelled:
        outcome, why = DeliveryOutcome.CANCELLED, ""
    ended, begun = time.monotonic(), call.first_byte
    if came.status is None and begun is not None and ended - begun >= _LEAST_SHOWN:
        call.add(DeliveryPart.HEADERS, begun, ended)
    if outcome in (DeliveryOutcome.TIMEOUT, DeliveryOutcome.CANCELLED):
        why = _said_of_end(outcome, call, came, seconds)
    return DeliveryAnswer(
        outcome,
        why,
        came.status,
        came.headers,
        bytes(came.body),
        came.is_cut,
        came.address,
        came.tls,
        tuple(call.steps),
        time.monotonic() - call.began,
    )


@cache
def _usual() -> ssl.SSLContext:
    """Trusts what the system and its libraries do; 20 ms to make."""
    return httpcore.default_ssl_context()


def _said_of_end(outcome: DeliveryOutcome, call: _Delivery, came: _Came, seconds: float) -> str:
    how = (
        "It was cancelled"
        if outcome is DeliveryOutcome.CANCELLED
        else f"There was no end within {seconds:g} s"
    )
    if came.status is not None:
        return f"{how}: the server had begun to answer, and had not finished."
    if call.is_sent:
        return f"{how}: the event was sent, and whether the server has taken it is not known."
    return f"{how}: nothing was sent."


def _carry_out(
    request: Request,
    call: _Delivery,
    came: _Came,
    resolve: Resolve,
    trusted: ssl.SSLContext | None,
    *,
    allow_here: bool,
) -> None:
    network = _JudgedNetwork(call, came, _addresses(request, call, resolve, allow_here=allow_here))
    pool = httpcore.ConnectionPool(ssl_context=trusted, max_connections=1, network_backend=network)
    url = httpcore.URL(
        scheme=request.scheme.encode(),
        host=request.host.encode(),
        port=request.port,
        target=request.target.encode(),
    )
    headers: list[tuple[bytes | str, bytes | str]] = [*request.headers]
    hostname = {"sni_hostname": request.host.removesuffix(".")}
    with (
        pool,
        _told(call, came),
        pool.stream("POST", url, headers=headers, content=request.body, extensions=hostname) as response,
    ):
        came.headers = tuple(
            (name.decode("latin-1"), text.decode("latin-1")) for name, text in response.headers
        )
        came.status = response.status
        call.room = _MOST_PACKED
        begun = call.first_byte or time.monotonic()
        try:
            _take(response.iter_stream(), _encoding(came), came)
        except _Full:
            came.is_cut = True
        finally:
            call.add(DeliveryPart.BODY, begun, time.monotonic())


def _addresses(request: Request, call: _Delivery, resolve: Resolve, *, allow_here: bool) -> list[str]:
    """What may be connected to, each as digits. Raises `_Failed` unless all that the host has are such."""
    is_here = request.is_here
    if is_here and not allow_here:
        raise _Failed(
            DeliveryOutcome.REFUSED,
            "This webhook is on this computer, where nothing is sent to unless the preferences allow it; "
            "nothing was sent.",
        )
    with call.part(DeliveryPart.RESOLVE):
        try:
            address_meant(request.host)
            found: Sequence[str] = (request.host,)
        except ValueError:
            try:
                found = resolve(request.host, call.left(), call.cancelled)
            except NotResolved as error:
                is_unasked = isinstance(error, NoNetwork)
                outcome = DeliveryOutcome.NO_NETWORK if is_unasked else DeliveryOutcome.NO_HOST
                raise _Failed(outcome, f"{error} Nothing was sent.") from None
            except TimeoutError:
                raise _Failed(DeliveryOutcome.TIMEOUT, "") from None
    for address in found:
        if why := why_not(address, is_here=is_here):
            name = "" if address == request.host else f"{request.host} leads to "
            raise _Failed(DeliveryOutcome.REFUSED, f"{name}{address}, which {why}; nothing was sent.")
    if not found:
        raise _Failed(DeliveryOutcome.NO_HOST, f"{request.host} has no address. Nothing was sent.")
    return list(found)[:_TRIED]


@contextmanager
def _told(call: _Delivery, came: _Came) -> Iterator[None]:
    """Within it what the library raises is what became of the delivery."""
    try:
        yield
    except httpcore.RemoteProtocolError:
        if came.status is not None:
            raise _Failed(DeliveryOutcome.BROKEN, _BROKE) from None
        if call.room == MOST_HEAD:
            why = "The server closed the connection without an answer; whether it has the event is not known."
            raise _Failed(DeliveryOutcome.BROKEN, why) from None
        raise _Failed(DeliveryOutcome.NO_HTTP, "What the server answered is not HTTP.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
        why = "The connection broke; whether the server has the event is not known."
        if came.status is not None:
            why = _BROKE
        raise _Failed(DeliveryOutcome.BROKEN, why) from None


def _encoding(came: _Came) -> str:
    return next(
        (text.strip().lower() for name, text in came.headers if name.lower() == "content-encoding"), ""
    )


def _take(parts: Iterator[bytes], encoding: str, came: _Came) -> None:
    """Takes the body up to its cap. Raises `_Full` where there is more, or may be."""
    packed = encoding in {"gzip", "x-gzip", "deflate"}  # nobody asked for that, and some do it all the same
    unpack = zlib.decompressobj(wbits=47) if packed else None
    for part in parts:
        room = MOST_ANSWER - len(came.body)
        try:
            came.body += unpack.decompress(part, room + 1) if unpack else part[: room + 1]
        except zlib.error:
            raise _Failed(DeliveryOutcome.BROKEN, "The body of the answer cannot be unpacked.") from None
        if len(came.body) > MOST_ANSWER:
            del came.body[MOST_ANSWER:]
            raise _Full
        if unpack is not None and unpack.eof:
            break


class _JudgedNetwork(httpcore.NetworkBackend):
    """Connects to the addresses that were judged, whatever name it is given."""

    def __init__(self, call: _Delivery, came: _Came, addresses: Sequence[str]) -> None:
        self._call, self._came, self._addresses = call, came, addresses

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        why, unreached = "", 0
        with self._call.part(DeliveryPart.CONNECT):
            for number, address in enumerate(self._addresses):
                share = self._call.left() / (len(self._addresses) - number)
                found, why, code = _connected(address, port, self._call, time.monotonic() + share)
                if found is not None:
                    self._came.address = address
                    return _CappedStream(found, self._call, self._came)
                unreached += code in _NO_NETWORK
        has_no_way = unreached == len(self._addresses)
        outcome = DeliveryOutcome.NO_NETWORK if has_no_way else DeliveryOutcome.NO_CONNECTION
        raise _Failed(outcome, f"{why} Nothing was sent.")


def _connected(
    address: str, port: int, call: _Delivery, until: float
) -> tuple[socket.socket | None, str, int]:
    """A connection, or why there is none, with the system's number of that."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        code = connection.connect_ex((address, port))
        if code in _IN_PROGRESS:
            with closing(selectors.DefaultSelector()) as selector:
                selector.register(connection, selectors.EVENT_WRITE)
                while not selector.select(call.slice()):
                    if time.monotonic() >= until:
                        connection.close()
                        return None, f"{address} does not answer.", errno.ETIMEDOUT
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == 0:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection, "", 0
    except OSError as error:
        code = error.errno or 0
    except BaseException:
        connection.close()
        raise
    connection.close()
    if code == errno.ECONNREFUSED:
        return None, f"Nothing takes connections at {address}, port {port}.", code
    return None, f"No connection to {address} came about ({os.strerror(code).lower()}).", code


class _CappedStream(httpcore.NetworkStream):
    """A connection that waits in slices, ends with the call, and reads no more than there is room for."""

    def __init__(self, connection: socket.socket, call: _Delivery, came: _Came) -> None:
        self._socket, self._call, self._came = connection, call, came
        self._begun: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = self._call
        if call.room <= 0:
            if self._came.status is not None:
                raise _Full
            raise _Failed(
                DeliveryOutcome.TOO_LONG,
                f"The headers of the answer are longer than {MOST_HEAD // 1024} KiB.",
            )
        size = min(max_bytes, _READ, call.room)
        try:
            found = self._patiently(lambda: self._socket.recv(size))
        except OSError as error:
            raise httpcore.ReadError from error
        finally:
            if call.first_byte is None:
                self._see_first_byte()
        call.room -= len(found)
        return found

    def _see_first_byte(self) -> None:
        call = self._call
        call.add(DeliveryPart.FIRST_BYTE, self._begun or time.monotonic(), time.monotonic())
        call.first_byte = time.monotonic()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._begun = self._begun or time.monotonic()
        self._call.is_sent = True
        rest = memoryview(buffer)
        try:
            while rest:
                rest = rest[self._patiently(partial(self._socket.send, rest)) :]
        except OSError as error:
            raise httpcore.WriteError from error

    def _patiently(self, attempt: Callable[[], T]) -> T:
        while True:
            self._socket.settimeout(self._call.slice())
            try:
                return attempt()
            except TimeoutError:
                continue

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with self._call.part(DeliveryPart.TLS):
            try:
                self._socket.setblocking(True)
                secured = ssl_context.wrap_socket(
                    self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
                )
                self._socket = secured
                self._patiently(secured.do_handshake)
                self._came.tls = (secured.version() or "TLS").replace("TLSv", "TLS ")
            except ssl.SSLCertVerificationError as error:
                why = f"The server's certificate is not good for this host ({error.verify_message})."
                raise _Failed(DeliveryOutcome.TLS, f"{why} Nothing was sent.") from None
            except (ssl.SSLError, OSError, ValueError):
                why = "No secure connection came about: the server speaks another protocol, or broke off."
                raise _Failed(DeliveryOutcome.TLS, f"{why} Nothing was sent.") from None
            finally:
                if not self._came.tls:
                    self.close()
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._socket if info == "socket" else None


Planned = tuple[Delivery, Destination, Request]
"""A delivery that is to be sent once more, to whom, and as what."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of it, and its number in the log; or why it is not kept there."""

    request: Request
    answer: DeliveryAnswer
    number: int = 0
    not_kept: str = ""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers for one database, which the log knows by this name (`Opened.kept_by`), and keeps each delivery
    for so many days. `allow_here`: a person allows this computer.
    """

    database: str
    log: DeliveryLog
    resolve: Resolve
    days: int
    allow_here: bool = False

    def deliver(
        self,
        destination: Destination,
        request: Request,
        monitor: progress.Monitor,
        *,
        signing: Signing,
        resent: int = 0,
    ) -> Delivered:
        """Sends it; of what the server says nobody is shown a secret, and the log keeps none."""
        answer = send(request, resolve=self.resolve, allow_here=self.allow_here, cancelled=monitor.cancelled)
        answer = without_own(answer, destination)
        how = {"days": self.days, "resent": resent}
        kept = replace(request, body=without_secret(request.body.decode(), destination).encode())
        try:
            number = self.log.add(self.database, destination, kept, answer, signing=signing, **how)
        except LogUnreadable as error:
            return Delivered(request, answer, not_kept=str(error))
        return Delivered(request, answer, number)

    def deliver_each(self, planned: Sequence[Planned], monitor: progress.Monitor) -> list[Delivered]:
        """Sends them once more, one after the other; those that were sent when it is `cancelled`."""
        sent: list[Delivered] = []
        for delivery, destination, request in planned:
            if monitor.cancelled():
                break
            monitor.progress(len(sent), len(planned))
            how = {"signing": delivery.signing, "resent": delivery.number}
            sent.append(self.deliver(destination, request, monitor, **how))  # type: ignore[arg-type]
        return sent


def again(database: engine.Database, delivery: Delivery, *, now: int) -> tuple[Destination, Request]:
    """The same event once more, as its webhook is now: its body and its id stay, its time is `now`. Raises
    `NotFound` where the webhook is gone, and `InvalidInput`.
    """
    destination = read_destination(database, delivery.webhook)
    return destination, once_more(destination, delivery, now=now)


@dataclass(frozen=True, slots=True)
class PlannedAgain:
    """Of some deliveries those that can be sent once more, and why the others cannot, a sentence each."""

    ready: Sequence[Planned]
    left: Sequence[str]


def each_again(database: engine.Database, deliveries: Sequence[Delivery], *, now: int) -> PlannedAgain:
    """The same for each of several; one that cannot be takes no other with it."""
    ready, left = [], []
    for delivery in deliveries:
        try:
            ready.append((delivery, *again(database, delivery, now=now)))
        except (errors.InvalidInput, errors.NotAllowed, errors.NotFound) as error:
            left.append(str(error))
    return PlannedAgain(ready, left)


def once_more(destination: Destination, delivery: Delivery, *, now: int) -> Request:
    return make(
        destination,
        delivery.event,
        delivery.body,
        now=now,
        signing=delivery.signing,
        message_id=delivery.message,
    )
