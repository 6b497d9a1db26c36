"""The receiver on this computer, as what is sent to it meets it."""

import queue
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from app.services.deliveries.checking import Tried, check
from app.services.deliveries.destination import Destination
from app.services.deliveries.request import MOST_BODY, DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.sending import send
from app.services.records.webhooks import Secret
from app.workers import receiver as receiving
from app.workers.names import resolve
from app.workers.receiver import Answering, Received, Receiver, ReceiverNotStarted
from tests.conftest import NOW

SECRET = Secret("s3cret")


class Heard:
    def __init__(self) -> None:
        self.all: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self.receiver = Receiver(self.all.put, lambda: NOW)

    def deliver(self, body: str = '{"a":1}', seconds: float = 5.0) -> DeliveryAnswer:
        destination = Destination("1", url=self.receiver.url, hostname="127.0.0.1", secret=SECRET)
        request = make(destination, "run_killed", body, now=NOW)
        return send(request, resolve=resolve, allow_here=True, seconds=seconds)

    def next(self) -> Received:
        return self.all.get(timeout=20)


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()
    yield heard
    heard.receiver.stop()


def test_it_keeps_what_it_is_sent_as_it_came(heard: Heard) -> None:
    assert heard.deliver('{"a": "é"}').is_ok
    received = heard.next()
    assert received.body == '{"a":"é"}'.encode() and received.header("x-webhook-event") == "run_killed"
    assert received.head.startswith("POST /hook HTTP/1.1\nHost: 127.0.0.1:")
    assert check(received.head, received.body.decode(), [Tried(SECRET, "it")], now=NOW).holds


@pytest.mark.parametrize(
    ("answering", "code"), [(Answering.OK, "200"), (Answering.ERROR, "500"), (Answering.REDIRECT, "302")]
)
def test_it_answers_as_it_is_told_to(heard: Heard, answering: Answering, code: str) -> None:
    heard.receiver.answering = answering
    assert heard.deliver().code == code
    assert heard.next().answered is answering
    assert heard.all.empty()  # nobody has followed


def test_a_slow_answer_is_not_waited_for_and_ends_with_it(heard: Heard) -> None:
    heard.receiver.answering = Answering.SLOW
    assert heard.deliver(seconds=0.5).outcome is DeliveryOutcome.TIMEOUT
    assert heard.next().answered is Answering.SLOW
    assert receiving.SLOW_SECONDS > 15
    begun = time.monotonic()
    heard.receiver.stop()
    assert time.monotonic() - begun < 0.05
    assert heard.receiver.stopped.is_set()


def test_only_this_computer_reaches_it_and_too_much_is_cut(heard: Heard) -> None:
    assert heard.receiver._server.server_address[0] == "127.0.0.1"
    with closing(socket.create_connection(("127.0.0.1", heard.receiver.port))) as client:
        client.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
        received = heard.next()
    assert received.is_cut and len(received.body) == MOST_BODY


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"\xff" * 99,
    ],
)
def test_whatever_it_is_sent_it_goes_on(heard: Heard, sent: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", heard.receiver.port))) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    assert heard.deliver().is_ok


@pytest.mark.parametrize(
    ("sent", "body", "is_cut"),
    [
        (b'4\r\n{"a"\r\n3;ext=1\r\n:1}\r\n0\r\nTrailer: 1\r\n\r\n', b'{"a":1}', False),
        (b'4\n{"a"\n3\n:1}\n0\n\n', b'{"a":1}', False),
        (b'7\r\n{"a"', b'{"a"', True),
        (b"zz\r\n{}", b"", True),
        (b"-4\r\n{}", b"", True),
        (b"ffffffff\r\n" + b"x" * 300_000, b"x" * MOST_BODY, True),
        (b"1" * 5_000, b"", True),
    ],
)
def test_a_body_in_parts_is_put_together(heard: Heard, sent: bytes, body: bytes, is_cut: bool) -> None:
    with closing(socket.create_connection(("127.0.0.1", heard.receiver.port))) as client:
        with suppress(OSError):  # what is too much is not waited for
            client.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)
            client.shutdown(socket.SHUT_WR)
        received = heard.next()
    assert (received.body, received.is_cut) == (body, is_cut)


def test_a_body_that_broke_off_is_cut(heard: Heard) -> None:
    with closing(socket.create_connection(("127.0.0.1", heard.receiver.port))) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhello")
        client.shutdown(socket.SHUT_WR)
        received = heard.next()
    assert (received.body, received.is_cut) == (b"hello", True)


BEGUN = b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhel"


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"POST / HT", BEGUN])
def test_connections_that_say_nothing_or_half_of_it_keep_nobody_out(heard: Heard, said: bytes) -> None:
    with ExitStack() as held:
        clients = []
        for _ in range(300):
            client = held.enter_context(closing(socket.create_connection(("127.0.0.1", heard.receiver.port))))
            with suppress(OSError):  # an early one, which is closed by now
                client.sendall(said)
            clients.append(client)
        begun = time.monotonic()
        assert heard.deliver('{"a":1}').is_ok
        assert time.monotonic() - begun < 3
        for client in clients[: -receiving.MOST_UNFINISHED]:
            with suppress(ConnectionResetError):
                assert client.recv(1) == b"", "the oldest are closed"
        newest = clients[-1]
        newest.sendall(BEGUN[len(said) :] + b"lo" + b"x" * 45)
        assert newest.recv(20).startswith(b"HTTP/1.0 200")
    bodies = [heard.next().body for _ in range(300 if said is BEGUN else 1)]
    assert b'{"a":1}' in bodies


def test_a_port_that_is_taken_or_none_is_told(heard: Heard) -> None:
    for port in (heard.receiver.port, 70_000):
        with pytest.raises(ReceiverNotStarted):
            Receiver(heard.all.put, lambda: NOW, port=port)
