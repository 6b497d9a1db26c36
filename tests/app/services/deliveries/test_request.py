"""The request as it is made: what it says, how it is signed, and what is refused."""

import hashlib
import hmac
import os
import subprocess
import time
from base64 import b64encode
from datetime import UTC, datetime

import apsw
import pytest
from standardwebhooks import Webhook

from app.services.deliveries.destination import Destination, read_destination
from app.services.deliveries.request import Request, as_curl, compact, make
from app.services.deliveries.signing import Signing
from app.services.records import webhooks
from app.services.records.webhooks import Secret, WebhookInput
from models.engine import Database
from models.errors import InvalidInput, NotAllowed, NotFound
from tests.conftest import NOW
from tests.fixtures.hooked import answer, serving

URL, HOST = "https://hooks.acme.example/in", "hooks.acme.example"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def made(body: str = "{}", secret: str | None = "s3cret", **how: object) -> Request:
    destination = Destination("1", url=URL, hostname=HOST, secret=Secret(secret) if secret else None)
    return make(destination, "run_killed", body, now=NOW, **how)  # type: ignore[arg-type]


def test_it_is_signed_as_the_platform_signs() -> None:
    """By hand, from its documents: the hex HMAC-SHA256 of the body."""
    request = made('{"runId": "é"}')
    digest = hmac.new(b"s3cret", '{"runId":"é"}'.encode(), hashlib.sha256).hexdigest()
    assert dict(request.headers) == {
        "Host": HOST,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Content-Length": "14",
        "X-Webhook-Event": "run_killed",
        "X-Webhook-Timestamp": str(NOW),
        "X-Webhook-Signature": f"sha256={digest}",
    }


def test_without_a_secret_nothing_is_signed() -> None:
    assert "X-Webhook-Signature" not in dict(made(secret=None).headers)
    with pytest.raises(InvalidInput, match="no secret"):
        made(secret=None, signing=Signing.STANDARD)


def test_standard_webhooks_own_library_takes_the_other_form() -> None:
    request = made('{"runId":"é"}', STANDARD, signing=Signing.STANDARD, message_id="msg_1")
    headers = dict(request.headers)
    assert "X-Webhook-Signature" not in headers and headers["webhook-timestamp"] == str(NOW)
    library = Webhook(STANDARD)
    there = library.sign("msg_1", datetime.fromtimestamp(NOW, UTC), request.body.decode())
    assert headers["webhook-signature"] == there
    now = dict(
        make(
            Destination("1", url=URL, hostname=HOST, secret=Secret(STANDARD)),
            "run_killed",
            "{}",
            now=int(time.time()),
            signing=Signing.STANDARD,
        ).headers
    )
    assert library.verify(b"{}", now) == {}


@pytest.mark.parametrize(
    "secret", ["s3cret", "00ff" * 16, "whsec_", "whsec_short", "whsec_!!!!", f"whsec_{'A' * 200}", "whsec_é"]
)
def test_a_secret_of_another_form_signs_nothing_as_the_standard_says(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(secret=secret, signing=Signing.STANDARD)
    assert refused.value.field == "signing" and secret not in str(refused.value).replace("whsec_ ", "")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ('{ "a" : [ 1.0 , 1e5,\t"x  \\" y" ] }\n', '{"a":[1.0,1e5,"x  \\" y"]}'),
        ("12345678901234567890123", "12345678901234567890123"),
        ('"\\u0000"', '"\\u0000"'),
        ("null", "null"),
    ],
)
def test_a_body_loses_its_spaces_and_nothing_else(typed: str, sent: str) -> None:
    assert compact(typed) == sent


@pytest.mark.parametrize(
    "typed", ["", "{", "{'a': 1}", "NaN", "[Infinity]", '{"a":1,}', "[" * 200_000, "1" * 5_000, '"\ud800"']
)
def test_what_is_no_json_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compact(typed)
    assert refused.value.field == "body"


def test_too_long_a_body_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than 256 KiB"):
        compact('"' + "x" * 300_000 + '"')


def test_where_the_platform_would_not_deliver_nothing_is_sent() -> None:
    with pytest.raises(InvalidInput, match="stored host"):
        make(Destination("1", url=URL, hostname="else.example"), "run_killed", "{}", now=NOW)
    with pytest.raises(InvalidInput) as refused:
        make(Destination("1", url="https://a@b.example/", hostname="b.example"), "x", "{}", now=NOW)
    assert refused.value.field == "url"
    with pytest.raises(InvalidInput) as refused:
        make(Destination("1", url=URL, hostname=HOST), "x\r\nHost: else", "{}", now=NOW)
    assert refused.value.field == "event"


def test_a_destination_is_read_with_its_secret(engine: Database, sql: apsw.Connection) -> None:
    form = WebhookInput(name="CI", url=URL, secret="s3cret-é")
    key = webhooks.create(engine, "acme", form, actor="ops", now=NOW).rows[0].key["id"]
    found = read_destination(engine, key)
    assert found.secret == Secret("s3cret-é") and "s3cret" not in repr(found)
    assert (found.tenant, found.title, found.url, found.hostname, found.events) == (
        "acme",
        "CI",
        URL,
        HOST,
        "*",
    )
    with pytest.raises(NotFound):
        read_destination(engine, "nobody")
    sql.execute("UPDATE webhook_destinations SET secret = ''")
    assert read_destination(engine, key).secret is None
    sql.execute("UPDATE webhook_destinations SET secret = x'00ff'")
    with pytest.raises(NotAllowed, match="is no text"):
        read_destination(engine, key)


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("/in?x={a,b}&y=[1-3]", STANDARD),
        ("/a/../b/./c", STANDARD),
        ("/it's$HOME`id`", STANDARD),
        ("//x//y?", f"whsec_{b64encode(bytes(range(32))).decode().rstrip('=')}"),
        ("/", f"whsec_{b64encode(bytes(range(31))).decode()}"),
    ],
)
def test_curl_sends_it_once_and_to_the_same_place(path: str, secret: str) -> None:
    with serving(answer()) as hook:
        destination = Destination("1", url=hook.url(path), hostname="127.0.0.1", secret=Secret(secret))
        for signing in Signing:
            request = make(destination, "run_killed", "{}", now=NOW, signing=signing)
            environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret}
            subprocess.run(["sh", "-c", as_curl(request)], env=environment, capture_output=True, check=True)
            sent = hook.requests.pop().decode()
            assert hook.requests == [] and sent.startswith(f"POST {request.target} HTTP/1.1\r\n")
            signed = next(header for header in request.headers if header[0].lower().endswith("-signature"))
            assert f"\r\n{signed[0]}: {signed[1]}\r\n" in sent


@pytest.mark.parametrize("identity", ["$(id)", '"; id; "', "a\nb", "\ud800", "a b", "x" * 300])
def test_an_id_that_a_log_holds_and_nobody_made_is_refused(identity: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(secret=STANDARD, signing=Signing.STANDARD, message_id=identity)
    assert refused.value.field == "signing"
