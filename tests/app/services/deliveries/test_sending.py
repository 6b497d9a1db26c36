"""What is sent, to whom, and what becomes of it: by real servers on this computer."""

import gzip
import select
import socket
import threading
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.services.deliveries.destination import Destination
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, DeliveryPart, make
from app.services.deliveries.sending import MOST_ANSWER, NotResolved, send
from app.services.records.webhooks import Secret
from app.workers import names
from models.progress import Stop
from tests.conftest import NOW
from tests.fixtures.hooked import Answers, Authority, Hook, answer, authority, connections, serving

BODY = '{"type":"run_killed","runId":"run_1"}'


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def nobody(host: str, seconds: float, cancelled: Stop) -> Sequence[str]:
    raise AssertionError(f"{host} was resolved")


def deliver(hook: Hook | str, **how: Any) -> DeliveryAnswer:
    url = hook if isinstance(hook, str) else hook.url()
    destination = Destination("1", url=url, hostname=host_in(url), secret=Secret("s3cret"))
    options = {"resolve": names.resolve, "allow_here": True, "seconds": 5.0, **how}
    return send(make(destination, "run_killed", BODY, now=NOW), **options)


def host_in(url: str) -> str:
    return url.split("/")[2].rpartition(":")[0] or url.split("/")[2]


@pytest.mark.parametrize(
    ("status", "is_ok", "why"),
    [
        ("200 OK", True, ""),
        ("204 No Content", True, ""),
        ("302 Found", False, "points elsewhere"),
        ("307 Temporary Redirect", False, "points elsewhere"),
        ("304 Not Modified", False, "no answer to an event"),
        ("404 Not Found", False, "refused the event"),
        ("500 Internal Server Error", False, "answered with an error"),
    ],
)
def test_what_a_server_answers_is_told_with_its_times(status: str, is_ok: bool, why: str) -> None:
    with (
        serving(
            answer(status, b"" if status[:3] in ("204", "304") else b"said", "Location: http://127.0.0.1:1/")
        ) as hook,
        connections() as connected,
    ):
        found = deliver(hook)
    assert (found.outcome, found.status, found.is_ok) == (DeliveryOutcome.ANSWERED, int(status[:3]), is_ok)
    assert found.title == status and why in found.why
    assert ("Location", "http://127.0.0.1:1/") in found.headers
    assert found.text() == ("" if status[:3] in ("204", "304") else "said")
    assert [step.part for step in found.steps] == [
        DeliveryPart.RESOLVE,
        DeliveryPart.CONNECT,
        DeliveryPart.FIRST_BYTE,
        DeliveryPart.BODY,
    ]
    assert 0 <= sum(step.took for step in found.steps) <= found.seconds
    assert connected == [("127.0.0.1", hook.port)]  # and nowhere that it points to


def test_the_request_is_sent_exactly_as_it_is_shown() -> None:
    with serving(answer()) as hook:
        url = hook.url("/in/ü?a=1&b=%2F#part")
        destination = Destination("1", url=url, hostname="127.0.0.1", secret=Secret("s3cret"))
        request = make(destination, "run_killed", '{ "type": "x y",\n "n": 1.0 }', now=NOW)
        send(request, resolve=nobody, allow_here=True)
    (sent,) = hook.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == request.head().split("\n")
    assert head.startswith(b"POST /in/%C3%BC?a=1&b=%2F HTTP/1.1\r\nHost: 127.0.0.1:")
    assert body == b'{"type":"x y","n":1.0}' == request.body


def _pause(connection: socket.socket) -> None:
    """Until whoever has called hangs up, or for a moment."""
    select.select([connection], [], [], 0.1)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b".")
        _pause(connection)


def drip_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in count():
        connection.sendall(b"X-%d: 1\r\n" % number)
        _pause(connection)


def silent(connection: socket.socket) -> None:
    """Until whoever has called hangs up."""
    while connection.recv(65536):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "reads", "said", "status"),
    [
        (silent, True, "whether the server has taken it is not known", None),
        (silent, False, "", None),
        (drip, True, "had begun to answer", 200),
        (drip_head, True, "not known", None),
    ],
)
def test_there_is_one_deadline_for_all_of_it(
    answers: Answers, reads: bool, said: str, status: int | None
) -> None:
    with serving(answers, reads=reads) as hook:
        begun = time.monotonic()
        found = deliver(hook, seconds=1.0)
        took = time.monotonic() - begun
    assert found.outcome is DeliveryOutcome.TIMEOUT and found.status == status and said in found.why
    assert 0.9 < took < 2.0
    assert sum(step.took for step in found.steps) > 0.8 * found.seconds, "what took the time is named"


@pytest.mark.slow
def test_a_handshake_that_does_not_end_is_not_waited_for_longer() -> None:
    with serving(silent, reads=False) as hook:
        begun = time.monotonic()
        found = deliver(hook.url(scheme="https"), seconds=0.5)
    assert found.outcome is DeliveryOutcome.TIMEOUT and "nothing was sent" in found.why
    assert time.monotonic() - begun < 1.5


@pytest.mark.slow
def test_a_server_that_takes_nothing_ends_at_the_deadline() -> None:
    """It is connected, and reads none of a request that no buffer takes whole."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        destination = Destination("1", url=url, hostname="127.0.0.1")
        request = make(destination, "run_killed", f'"{"x" * 260_000}"', now=NOW)
        begun = time.monotonic()
        found = send(request, resolve=nobody, allow_here=True, seconds=1.0)
    assert found.outcome is DeliveryOutcome.TIMEOUT and time.monotonic() - begun < 2.0


def test_an_endless_body_is_cut() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with serving(endless) as hook:
        found = deliver(hook)
    assert found.is_ok and found.is_cut and len(found.body) == MOST_ANSWER


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
def test_a_bomb_is_unpacked_no_further_than_the_cap(encoding: str) -> None:
    plain = b"\0" * 50_000_000
    packed = zlib.compress(plain) if encoding == "deflate" else gzip.compress(plain, 9)
    with serving(answer("200 OK", packed, f"Content-Encoding: {encoding}")) as hook:
        begun = time.monotonic()
        found = deliver(hook)
    assert found.is_ok and found.is_cut and found.body == b"\0" * MOST_ANSWER
    assert time.monotonic() - begun < 2


def test_what_is_packed_and_short_is_read() -> None:
    with serving(answer("200 OK", gzip.compress(b"said"), "Content-Encoding: gzip")) as hook:
        assert (found := deliver(hook)).text() == "said" and not found.is_cut
    with serving(answer("200 OK", b"no gzip", "Content-Encoding: gzip")) as hook:
        assert deliver(hook).outcome is DeliveryOutcome.BROKEN


def test_what_packs_nothing_for_ever_is_not_read_for_ever() -> None:
    """Empty blocks, of which each is bytes and none gives any."""
    unpacked = zlib.compressobj(wbits=31)
    start = unpacked.compress(b"") + unpacked.flush(zlib.Z_FULL_FLUSH)
    empty = b"\x00\x00\x00\xff\xff" * 10_000

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + start)
        while True:
            connection.sendall(empty)

    with serving(endless) as hook:
        found = deliver(hook)
    assert found.is_ok and found.is_cut and not found.body


@pytest.mark.parametrize(
    "line", [b"X: " + b"y" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"x" * 1000]
)
def test_endless_headers_are_cut(line: bytes) -> None:
    def endless(connection: socket.socket) -> None:
        if line.startswith(b"X"):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(line)

    with serving(endless) as hook:
        found = deliver(hook)
    assert found.outcome in (DeliveryOutcome.TOO_LONG, DeliveryOutcome.NO_HTTP) and found.status is None


@pytest.mark.parametrize(
    ("said", "outcome", "why"),
    [
        (b"", DeliveryOutcome.BROKEN, "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", DeliveryOutcome.BROKEN, "before the end"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", DeliveryOutcome.NO_HTTP, "not HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", DeliveryOutcome.NO_HTTP, "not HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_told_as_that(said: bytes, outcome: DeliveryOutcome, why: str) -> None:
    with serving(lambda connection: connection.sendall(said)) as hook:
        found = deliver(hook)
    assert found.outcome is outcome and why in found.why


def test_a_server_that_resets_or_is_not_there_is_no_error() -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with serving(reset) as hook:
        assert deliver(hook).outcome is DeliveryOutcome.BROKEN
        url = hook.url()
    found = deliver(url)
    assert found.outcome is DeliveryOutcome.NO_CONNECTION and "Nothing takes connections" in found.why


def test_a_certificate_must_be_for_the_host(signer: Authority) -> None:
    with serving(answer(), secured=signer.server("localhost", "127.0.0.1")) as hook:
        url = hook.url(scheme="https", host="localhost")
        found = deliver(url, trusted=signer.trusted)
        assert found.is_ok and found.tls.startswith("TLS 1.") and found.address == "127.0.0.1"
        parts = [step.part for step in found.steps]
        assert parts == [
            DeliveryPart.RESOLVE,
            DeliveryPart.CONNECT,
            DeliveryPart.TLS,
            DeliveryPart.FIRST_BYTE,
            DeliveryPart.BODY,
        ]
        by_address = deliver(hook.url(scheme="https"), trusted=signer.trusted)
        assert by_address.is_ok
        for wrong in ({"trusted": None},):  # nobody trusts who signed it
            assert deliver(url, **wrong).outcome is DeliveryOutcome.TLS


@pytest.mark.parametrize(("name", "days"), [("hooks.example.com", 30), ("localhost", -1)])
def test_a_wrong_certificate_is_sent_nothing(signer: Authority, name: str, days: int) -> None:
    with serving(answer(), secured=signer.server(name, days=days)) as hook:
        found = deliver(hook.url(scheme="https", host="localhost"), trusted=signer.trusted)
    assert found.outcome is DeliveryOutcome.TLS and "Nothing was sent" in found.why
    assert hook.requests == []


def test_a_server_without_tls_is_told_as_that() -> None:
    with serving(answer(), reads=False) as hook:
        found = deliver(hook.url(scheme="https"))
    assert found.outcome is DeliveryOutcome.TLS


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]]
)
def test_a_name_with_any_forbidden_address_is_connected_to_nowhere(addresses: list[str]) -> None:
    with serving(answer()) as hook, connections() as connected:
        found = deliver(hook.url(scheme="https", host="hooks.example.com"), resolve=lambda *_: addresses)
    assert found.outcome is DeliveryOutcome.REFUSED and "hooks.example.com leads to" in found.why
    assert connected == [] and hook.requests == []


def test_a_name_is_asked_for_once_and_what_was_judged_is_connected_to() -> None:
    """As by a server of names that changes its answer after the first."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]])
    asked = []

    def resolve(host: str, seconds: float, cancelled: Stop) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    with serving(answer()) as hook, connections() as connected:
        assert deliver(hook.url(host="localhost"), resolve=resolve).is_ok
    assert asked == ["localhost"] and connected == [("127.0.0.1", hook.port)]
    with serving(answer()) as hook, connections() as connected:
        found = deliver(hook.url(host="localhost"), resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert found.outcome is DeliveryOutcome.REFUSED and connected == []


def test_this_computer_is_reached_only_where_that_is_allowed() -> None:
    with serving(answer()) as hook, connections() as connected:
        for url in (hook.url(), hook.url(host="localhost")):
            found = deliver(url, allow_here=False, resolve=nobody)
            assert found.outcome is DeliveryOutcome.REFUSED and "preferences" in found.why
    assert connected == [] and hook.requests == []


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer()) as proxy, serving(answer()) as hook:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert deliver(hook).is_ok
    assert proxy.requests == []


def test_one_that_does_not_answer_leaves_time_for_the_next() -> None:
    with serving(answer()) as hook:
        port = hook.port
        found = deliver(hook.url(host="localhost"), resolve=lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert found.is_ok and found.address == "127.0.0.1" and port


def test_a_name_that_nobody_knows_or_tells_is_no_error() -> None:
    def unknown(host: str, seconds: float, cancelled: Stop) -> Sequence[str]:
        raise NotResolved("No host.")

    def silent_names(host: str, seconds: float, cancelled: Stop) -> Sequence[str]:
        raise TimeoutError

    assert deliver("https://a.example/", resolve=unknown).outcome is DeliveryOutcome.NO_HOST
    assert deliver("https://a.example/", resolve=silent_names).outcome is DeliveryOutcome.TIMEOUT
    assert deliver("https://a.example/", resolve=lambda *_: []).outcome is DeliveryOutcome.NO_HOST


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(socket.EAI_NONAME, DeliveryOutcome.NO_HOST), (socket.EAI_AGAIN, DeliveryOutcome.NO_NETWORK)],
)
def test_a_name_that_could_not_be_asked_for_is_told_from_one_that_nobody_has(
    monkeypatch: pytest.MonkeyPatch, code: int, outcome: DeliveryOutcome
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(code, "")

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    found = deliver("https://a.example/")
    assert found.outcome is outcome and "Nothing was sent." in found.why


def test_it_can_be_cancelled_at_any_moment() -> None:
    wanted = threading.Event()

    def slow(connection: socket.socket) -> None:
        wanted.set()
        connection.recv(1)

    with serving(slow) as hook:
        begun = time.monotonic()
        found = deliver(hook, cancelled=wanted.is_set, seconds=15.0)
    assert found.outcome is DeliveryOutcome.CANCELLED and "not known" in found.why
    assert time.monotonic() - begun < 1.5
    assert deliver(hook.url(), cancelled=lambda: True).why == "It was cancelled: nothing was sent."


@pytest.mark.slow
def test_who_asks_for_a_name_waits_no_longer_than_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver belongs to somebody else, and may never answer."""
    released = threading.Event()

    def ask(*_: object, **__: object) -> None:
        released.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    begun = time.monotonic()
    assert deliver("https://a.example/", seconds=0.3).outcome is DeliveryOutcome.TIMEOUT
    assert time.monotonic() - begun < 1.5
    released.set()


def test_the_secret_is_in_no_repr(tmp_path: Path) -> None:
    destination = Destination(
        "1", url="https://a.example/T0/secret-path", hostname="a.example", secret=Secret("s3")
    )
    request = make(destination, "run_killed", BODY, now=NOW)
    assert "s3" not in repr(destination) + str(destination.secret) and "secret-path" not in repr(request)
