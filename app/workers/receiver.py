"""A receiver of webhooks on this computer, to try things with, which answers as a person wants it to."""

import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, Final

from app.services.deliveries.request import MOST_BODY
from app.services.deliveries.sending import SECONDS
from models.errors import TenantAdminError

HOST: Final = "127.0.0.1"
"""Nobody else's computer reaches it."""
PATH: Final = "/hook"
SLOW_SECONDS: Final = SECONDS + 5
_PATIENCE: Final = 15.0
_AT_ONCE: Final = 8
"""Answers that are waited with at once."""
MOST_UNFINISHED: Final = 32
"""Connections whose request is not there yet: where more come, the oldest is closed, so that they keep nobody
out who has something to say.
"""
_LONGEST_LINE: Final = 1024
_LENGTH: Final = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]*)?\r?\n")


class Answering(StrEnum):
    OK = "200"
    ERROR = "500"
    SLOW = "slow"
    REDIRECT = "redirect"


class ReceiverNotStarted(TenantAdminError):
    heading = "The receiver was not started"
    sentence = "Nothing can be received at port {what} ({why}). Choose another port."


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: its first line and headers, a line each, and as much of the body as is read;
    `is_cut` where that is not all that was announced.
    """

    at: float
    head: str
    body: bytes = field(repr=False)
    is_cut: bool = False
    answered: Answering = Answering.OK

    def header(self, name: str) -> str:
        wanted = f"{name.lower()}:"
        lines = (line for line in self.head.split("\n")[1:] if line.lower().startswith(wanted))
        return next(lines, "").partition(":")[2].strip()


class Receiver:
    """Listens from its making on, at a free port unless one is given, until `stop()`. `heard(Received)` is
    called on a thread of its own. Raises `ReceiverNotStarted`.
    """

    def __init__(
        self,
        heard: Callable[[Received], object],
        clock: Callable[[], float],
        *,
        port: int = 0,
        answering: Answering = Answering.OK,
    ) -> None:
        self.answering = answering
        self.stopped = threading.Event()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._unfinished: dict[Any, None] = {}
        self._lock = threading.Lock()
        self._heard, self._clock = heard, clock
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE
            protocol_version = "HTTP/1.0"
            server_version, sys_version = "tenant-admin", ""

            def handle(self) -> None:
                with suppress(OSError, ValueError):
                    try:
                        super().handle()
                    finally:
                        receiver._finish(self.connection)

            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_: Any) -> None:
                """Nothing that was received stands in a log."""

        class Server(ThreadingHTTPServer):
            allow_reuse_address = os.name != "nt"  # where it lets two programs have one port
            request_queue_size = (
                128  # of more that come at once, each is kept waiting for a second and longer
            )

            def process_request(self, request: Any, client_address: Any) -> None:
                receiver._begin(request)
                super().process_request(request, client_address)

        try:
            self._server = Server((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            raise ReceiverNotStarted(str(port), getattr(error, "strerror", None) or "no such port") from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{PATH}"

    def stop(self, *_: object) -> None:
        """Takes nothing more, in a moment; what waits to be answered is answered now. Nobody waits here."""
        if not self.stopped.is_set():
            self.stopped.set()
            self._thread("receiver's end", self._end)

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            left = [*self._unfinished]
        for connection in left:
            _close(connection)

    def _begin(self, connection: Any) -> None:
        oldest = None
        with self._lock:
            self._unfinished[connection] = None
            if len(self._unfinished) > MOST_UNFINISHED:
                oldest = next(iter(self._unfinished))
                del self._unfinished[oldest]
        if oldest is not None:
            _close(oldest)

    def _finish(self, connection: Any) -> None:
        """Its request is there, or will not come."""
        with self._lock:
            self._unfinished.pop(connection, None)

    def _thread(self, name: str, work: Callable[[], object]) -> None:
        threading.Thread(target=work, name=name, daemon=True).start()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        answering = self.answering
        body, is_cut = _body(request)
        self._finish(request.connection)
        head = "\n".join(
            [request.requestline, *(f"{name}: {value}" for name, value in request.headers.items())]
        )
        with suppress(RuntimeError):  # whoever listened has gone
            self._heard(Received(self._clock(), head, body, is_cut, answering))
        if answering is Answering.SLOW and self._room.acquire(timeout=_PATIENCE):
            try:
                self.stopped.wait(SLOW_SECONDS)
            finally:
                self._room.release()
        status = {Answering.ERROR: 500, Answering.REDIRECT: 302}.get(answering, 200)
        said = b'{"received": true}' if status == 200 else b'{"error": "as was asked for"}'
        request.send_response(status)
        if status == 302:
            request.send_header("Location", f"{self.url}/elsewhere")
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(said)))
        request.end_headers()
        request.wfile.write(said)


def _close(connection: Any) -> None:
    """Ends what waits for it on another thread, which lets go of it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _body(request: BaseHTTPRequestHandler) -> tuple[bytes, bool]:
    """As much of it as is read, and whether it is cut."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _chunks(request.rfile)
    told = request.headers.get("Content-Length", "0")
    length = int(told) if told.isascii() and told.isdecimal() and len(told) < 12 else 0
    body = request.rfile.read(min(length, MOST_BODY))
    return body, len(body) < length


def _chunks(stream: BufferedIOBase) -> tuple[bytes, bool]:
    """A body in parts, each behind a line with its length in hex."""
    body = bytearray()
    while _LENGTH.fullmatch(line := stream.readline(_LONGEST_LINE)):
        length = int(line.partition(b";")[0], 16)
        if length == 0:
            return bytes(body), False
        part = stream.read(min(length, MOST_BODY - len(body)))
        body += part
        if len(part) < length:
            break
        stream.readline(_LONGEST_LINE)
    return bytes(body), True
