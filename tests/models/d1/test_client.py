"""What a proxy or a broken edge may answer in D1's place: nothing is known of the call then."""

import json
import re
import socket
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from models.d1 import client as calls
from models.d1 import errors
from models.d1.client import Client, NotKnown, Refusal
from models.d1.database import D1Database
from models.d1.errors import NotReached, UnknownDatabase
from models.d1.shared import LONGEST_PAUSE
from models.engine import raw, within
from models.errors import Cancelled, NoAnswer, RateLimited
from models.progress import Waiting, under_way

ODD = (
    b"",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"success": true}',
    b'{"success": true, "result": [5]}',
    b'{"success": true, "result": {"a": 1}}',
    b'{"success": true, "result": [{"name": 5}], "result_info": {"total_count": "x"}}',
    b'{"success": false, "errors": 5}',
    b'{"success": false, "errors": [5]}',
    b'{"success": false, "errors": [{"code": [7500], "message": "no"}]}',
    b'{"success": false, "errors": [{"code": 7500, "message": ["no"]}]}',
    b'{"success": true, "result": [{"uuid": NaN}]}',
)
ODD_RESULTS = (
    b'{"success": true, "result": []}',
    b'{"success": true, "result": [{}]}',
    b'{"success": true, "result": [{"results": []}]}',
    b'{"success": true, "result": [{"results": {"rows": 5}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[[300]]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[5.0]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[true]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[{"a": 1}]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[Infinity]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": []}, "meta": 5}]}',
    b'{"success": true, "result": [{"results": {"columns": ["a", "b"], "rows": [[1]]}}]}',
    b'{"success": true, "result": [{"results": {"rows": [[1, 2], [1]]}}]}',
)


_ONE = b'{"success": true, "result": [{"results": {"rows": [[1, 0]]}}, {"results": {"rows": [["MARK"]]}}]}'
_MARKED = re.compile(rb"SELECT '([0-9a-f]{16})'")


class Odd(ThreadingHTTPServer):
    """Says the same to each call, with that one's mark in place of `MARK`."""

    block_on_close = False
    said = b""
    status = 200
    cut = False
    times = 1
    more: tuple[tuple[str, str], ...] = ()
    connections = 0

    def verify_request(self, *_: Any) -> bool:
        self.connections += 1
        return True


@contextmanager
def serving(address: tuple[str, int]) -> Iterator[Odd]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            asked = _MARKED.search(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            said = server.said.replace(b"MARK", asked[1] if asked else b"")
            length = ("Content-Length", str(len(said) + server.cut))
            headers = "".join(f"{name}: {value}\r\n" for name, value in (length, *server.more))
            answer = f"HTTP/1.1 {server.status} Said\r\n{headers}\r\n".encode() + said
            self.wfile.write(answer * server.times)
            self.close_connection = server.cut

        def log_message(self, *args: Any) -> None:
            pass

    with Odd(address, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(60)


@pytest.fixture
def odd() -> Iterator[Odd]:
    with serving(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def client(odd: Odd) -> Client:
    return Client("prod", f"http://127.0.0.1:{odd.server_address[1]}")


def test_what_runs_in_the_background_reaches_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_UNREACHED", 0.2)
    monkeypatch.setattr(errors, "_FIRST", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    told: list[str] = []
    database = D1Database(Client("prod", "http://{}:{}".format(*address), on_pause=told.append), "id")
    with pytest.raises(NotReached):
        database.rows(raw("SELECT 1"))
    with database.in_background(), pytest.raises(NotReached):  # it never answered: an address is wrong, say
        database.rows(raw("SELECT 1"))
    assert (database.client.meter.calls, told) == (2, [])
    database.client._was_reached = True
    work = SimpleNamespace(cancelled=False, waiting=None)
    with within(under_way, work), database.in_background():

        def hears() -> bool:
            heard.append(work.waiting)
            return False

        heard: list[Waiting | None] = []
        with pytest.raises(NotReached), database.cancellable(hears):
            database.rows(raw("SELECT 1"))
        assert database.client.meter.calls == 2 + 3 and told == [
            "prod cannot be reached; it is tried again for 0 s."
        ]
        assert heard[-1] is not None and heard[-1].what == "prod cannot be reached; it is tried again"
        assert work.waiting is None
        with pytest.raises(NotReached):  # it has been waited for
            database.rows(raw("SELECT 1"))
        assert database.client.meter.calls == 2 + 3 + 1 and len(told) == 1
        monkeypatch.setattr(database.client._unreached, "_last", -1_000)
        with ExitStack() as stack:

            def comes_back() -> bool:
                if not served:
                    served.append(stack.enter_context(serving(address)))
                    served[0].said = _ONE
                return False

            served: list[Odd] = []
            with database.cancellable(comes_back):
                assert database.rows(raw("SELECT 1")) == [(1,)]
        with database.cancellable(lambda: True), pytest.raises(Cancelled):
            database.rows(raw("SELECT 1"))


@pytest.mark.parametrize("said", ODD)
def test_an_answer_of_another_form_tells_nothing(odd: Odd, client: Client, said: bytes) -> None:
    odd.said = said
    with pytest.raises(NotKnown):
        client.databases()
    with pytest.raises(NotKnown):
        client.run("1111", b"{}")


@pytest.mark.parametrize(
    "said",
    [
        b'{"success": true, "result": [{"success": false, "results": {"rows": [[1]]}}]}',
        b'{"success": true, "errors": [{"message": "no"}], "result": [{"results": {"rows": [[1]]}}]}',
    ],
)
def test_an_answer_that_contradicts_itself_is_no_success(odd: Odd, client: Client, said: bytes) -> None:
    odd.said = said
    with pytest.raises(NotKnown):
        client.run("1111", b"{}")


@pytest.mark.slow
def test_a_count_that_is_missing_tells_nothing(odd: Odd, client: Client) -> None:
    odd.said = b'{"success": true, "result": [{"results": {"rows": []}}, {"results": {"rows": [["MARK"]]}}]}'
    database = D1Database(client, "1111")
    assert database.rows(raw("SELECT a FROM t")) == []
    for counts in (
        "SELECT count(*) FROM t",
        "SELECT COUNT(1) AS n, max(a) FROM t",
        "SELECT CAST(group_concat(unhex(a), '') AS BLOB), 1 FROM (SELECT a FROM t LIMIT 5) AS found",
        "\nSELECT (SELECT max(a) FROM t GROUP BY b LIMIT 1) - 1",
    ):
        with pytest.raises(NoAnswer, match="its answer lacks a row"):
            database.rows(raw(counts))
    for finds in (
        "SELECT count(*) FROM t GROUP BY a",
        "SELECT 1 WHERE 1 = 2",
        "SELECT max(a, b) FROM t WHERE a > (SELECT sum(a) FROM t)",
        "SELECT count(*) OVER (PARTITION BY a) FROM t",
        "SELECT 'count(' AS a FROM t",
    ):
        assert database.rows(raw(finds)) == []


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ('{"rows_read": 5, "rows_written": 2}', "5 rows read, 2 written"),
        ('{"rows_read": -5, "rows_written": 1e400}', "at least 0 rows read, at least 0 written"),
        (
            '{"rows_read": true, "rows_written": "3", "duration": -1}',
            "at least 0 rows read, at least 0 written",
        ),
        ("null", "at least 0 rows read, at least 0 written"),
    ],
)
def test_the_meter_counts_what_is_a_count(odd: Odd, client: Client, meta: str, told: str) -> None:
    odd.said = b'{"success": true, "result": [{"results": {"rows": []}, "meta": %s}]}' % meta.encode()
    assert client.run("1111", b"{}").seconds == 0
    assert str(client.meter).endswith(f" {told}")


@pytest.mark.parametrize("status", [200, 401, 403, 404, 502])
def test_a_web_page_is_no_word_of_d1_s(odd: Odd, client: Client, status: int) -> None:
    odd.status, odd.said = status, b"\n<!DOCTYPE html><title>Blocked</title>"
    with pytest.raises(NotKnown, match=f"a web page came in place of its answer, with status {status}"):
        client.databases()


def test_an_answer_that_comes_twice_is_not_taken_for_the_next(odd: Odd, client: Client) -> None:
    odd.said = b'{"success": true, "result": [{"results": {"rows": [[1]]}}]}'
    assert client.run("1111", b"{}").rows == [[(1,)]]
    odd.times = 2
    with pytest.raises(NotKnown, match="more than one answer came"):
        client.run("1111", b"{}")
    odd.times, odd.said = 1, odd.said.replace(b"[[1]]", b"[[2]]")
    assert client.run("1111", b"{}").rows == [[(2,)]]


@pytest.mark.parametrize(("code", "kind"), [(7404, UnknownDatabase), (1000, NotKnown)])
def test_that_a_database_is_missing_is_d1s_own_word(
    odd: Odd, client: Client, code: int, kind: type[Exception]
) -> None:
    odd.status, odd.said = 404, b'{"success": false, "errors": [{"code": %d, "message": "no"}]}' % code
    with pytest.raises(kind):
        client.run("1111", b"{}")


@pytest.mark.parametrize("said", ["9" * 400, "99999999999", "-1", "Fri, 31 Dec 5138 00:00:00 GMT", "", "0"])
def test_nobody_keeps_an_account_waiting_for_longer_than_the_limit_looks_back(
    odd: Odd, client: Client, said: str
) -> None:
    odd.status, odd.more = 429, (("Retry-After", said),)
    with pytest.raises(RateLimited) as limited:
        client.databases()
    assert time.time() - 60 < limited.value.until <= time.time() + LONGEST_PAUSE


@pytest.mark.parametrize("until", ["Sun, 06 Nov 1994 08:49:41 GMT", "Sun, 06 Nov 1994 08:49:41 -0000"])
def test_a_date_until_which_nothing_is_taken_goes_by_the_clock_that_says_so(
    odd: Odd, client: Client, until: str
) -> None:
    odd.status, odd.more = 429, (("Retry-After", until), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
    before = time.time()
    with pytest.raises(RateLimited) as limited:
        client.databases()
    assert before + 4 <= limited.value.until <= time.time() + 4


def test_a_refusal_is_an_answer_whatever_its_code_but_to_a_batch(odd: Odd, client: Client) -> None:
    odd.status, odd.said = 400, b'{"success": false, "errors": [{"code": 7400, "message": "no such moment"}]}'
    with pytest.raises(Refusal, match="no such moment"):
        client.go_back("1111", "0000")
    with pytest.raises(NotKnown):
        client.run("1111", b"{}")
    odd.said = odd.said.replace(b"no such moment", b"internal error")
    with pytest.raises(NotKnown):
        client.bookmark("1111")


@pytest.mark.parametrize(
    "told", ["null", "5", '""', '"None"', '"\\u001b[2J"', '"0001-"', '"feed0123456789"', f'"{"0" * 201}"']
)
def test_what_is_no_bookmark_is_not_promised_as_the_way_back(odd: Odd, client: Client, told: str) -> None:
    """Nor is the token, whatever its letters."""
    client.token = "feed0123456789"
    odd.said = b'{"success": true, "result": {"bookmark": %s, "previous_bookmark": %s}}' % (
        (told.encode(),) * 2
    )
    with pytest.raises(NotKnown, match="names no bookmark"):
        client.bookmark("1111")
    assert client.go_back("1111", "0001-abcdef") is None
    odd.said = odd.said.replace(told.encode(), b'"00000085-0000024c-00004C6D-8e61"')
    assert client.bookmark("1111") == client.go_back("1111", "0") == "00000085-0000024c-00004C6D-8e61"


def test_what_names_no_call_comes_over_a_connection_of_its_own_and_is_not_kept(
    odd: Odd, client: Client
) -> None:
    odd.said = b'{"success": true, "result": [], "result_info": {"page": 1}}'
    for _ in range(2):
        client.databases()
    assert odd.connections == 2
    odd.more = (("Age", "7"),)
    with pytest.raises(NotKnown, match="an answer that it had kept"):
        client.databases()
    odd.more, odd.said = (), odd.said.replace(b"1}", b"2}")
    with pytest.raises(NotKnown, match="another page of the list"):
        client.databases()
    odd.said = _ONE
    D1Database(client, "id").rows(raw("SELECT 1"))
    before = odd.connections
    D1Database(client, "id").rows(raw("SELECT 1"))
    assert odd.connections == before, "a batch has its mark"


def test_no_database_is_called_like_the_token(odd: Odd, client: Client) -> None:
    client.token = "feed0123456789"
    odd.said = b'{"success": true, "result": [{"uuid": "1111", "name": "at feed0123456789", "size": 5}]}'
    assert client.databases() == [{"uuid": "1111", "name": "at [token]", "size": 5}]


def test_what_is_said_of_an_answer_is_so(odd: Odd, client: Client) -> None:
    for said, words in ((b"[1,2]", "does not have D1's form"), (b"[1,", "is not JSON")):
        odd.said = said
        with pytest.raises(NotKnown, match=words):
            client.databases()
    odd.said = b'{"success": false, "errors": []}'
    with pytest.raises(NotKnown, match=r"^it said, with status 200, that it failed, and not why$"):
        client.run("1111", b"{}")
    assert str(client.meter).endswith("at least 0 rows read, 0 written")
    odd.status, odd.said = (
        400,
        json.dumps(
            {
                "success": False,
                "errors": [{"code": 7500, "message": "D1 is overloaded.\x1b Too many requests."}],
            }
        ).encode(),
    )
    with pytest.raises(NotKnown, match=r"^it answered with status 400: “D1 is overloaded. Too many re.*”$"):
        client.run("1111", b"{}")
    odd.status, odd.said = 302, b""
    with pytest.raises(NotKnown, match=r"^the API address only points to another address, with status 302$"):
        client.databases()
    odd.status, odd.cut = 200, True
    with pytest.raises(NotKnown, match=r"^the connection broke before its answer was there$"):
        client.databases()


def test_what_keeps_a_connection_from_coming_about_is_said_in_our_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    again = "Start `wrangler dev` again"
    for account, was_found, then in (
        ("0a1b2c", False, "Check the network"),
        (None, False, f"{again}, at the same port. At another the connection needs that address"),
        (None, True, f"{again}, and open the database again, which finds it at another port"),
    ):
        with pytest.raises(
            NotReached, match=rf"\(nothing there takes connections\); nothing was changed. {then}"
        ):
            Client("prod", f"http://127.0.0.1:{port}", account, was_found=was_found).databases()
    with (
        serving(("127.0.0.1", 0)) as plain,
        pytest.raises(NotReached, match="its certificate is not trusted, or it speaks no TLS"),
    ):
        Client("prod", f"https://127.0.0.1:{plain.server_address[1]}").databases()


@pytest.mark.parametrize("said", ODD_RESULTS)
def test_results_of_another_form_tell_nothing(odd: Odd, client: Client, said: bytes) -> None:
    odd.said = said
    with pytest.raises(NotKnown):
        client.run("1111", b"{}")


@pytest.mark.slow
def test_an_answer_with_too_few_results_is_none(odd: Odd, client: Client) -> None:
    odd.said = _ONE
    database = D1Database(client, "1111")
    assert database.scalar(raw("SELECT 1")) == 1
    with pytest.raises(NoAnswer, match="not as many results as it should"):
        database.read_batch([raw("SELECT 1"), raw("SELECT 2")])


def test_an_answer_that_the_network_has_doubled_is_not_that_of_the_next_call(
    odd: Odd, client: Client
) -> None:
    odd.said = _ONE.replace(b"MARK", b"0123456789abcdef")
    with pytest.raises(NoAnswer, match="does not have D1's form"):
        D1Database(client, "1111").scalar(raw("SELECT 1"))


@pytest.mark.slow
def test_a_token_is_masked_in_every_form_in_which_a_call_may_be_quoted() -> None:
    token = 'v1/aB+c"d\\e-_9~Z'
    client = Client("prod", "http://127.0.0.1:1", "acc", token)
    each = ("%{:02x}", "%{:02X}", "\\u{:04x}")
    forms = [token, quote(token), quote(token, safe=""), json.dumps(token), token.replace("/", "\\/")]
    forms += ["".join(form.format(ord(one)) for one in token) for form in each]
    for before in ("", "u:", "me:", "Bearer "):
        for encoded in (b64encode, urlsafe_b64encode):
            forms.append("Basic " + encoded(f"{before}{token}:x".encode()).decode())
    forms += [token.upper(), token.lower(), " ".join(token), "\r\n".join(token), "%20".join(token)]
    forms += ["\\n".join([token[:7], token[7:]]), "\n  ".join([token[:9].upper(), token[9:]])]
    for form in forms:
        said = client.masked(f"authorization: {form} was not taken")
        assert said.startswith("authorization: ") and "[token]" in said and said.endswith(" was not taken")
        assert form.removeprefix("Basic ").strip('"') not in said
    assert client.masked("Bearer of another, v1/aB+c") == "Bearer of another, v1/aB+c"
    plain, glued = Client("prod", "http://127.0.0.1:1", "acc", "tokenof40"), b64encode(b"tokenof40").decode()
    assert plain.masked(f"tokenof40{glued}, {glued}tokenof40") == "[token][token], [token][token]"
    assert Client("prod", "http://127.0.0.1:1", "acc", "ab c").masked("AB C, a b c") == "AB C, a b c"
    for gaps in (" " * 1_000_000, "v 1 " * 250_000, "v1" + " " * 1_000_000):
        assert client.masked(gaps) == gaps
    long = "a" * 1_000_000  # one word of an answer; by its square it would take hours
    assert client.masked(long) == long
