"""What is kept of deliveries, for how long, and what of it is given to others."""

import json
import re
import stat
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app import paths
from app.services.deliveries import log as logs
from app.services.deliveries.destination import Destination, read_destination
from app.services.deliveries.log import Delivery, DeliveryLog, LogQuery, LogUnreadable, export, redacted
from app.services.deliveries.request import (
    DeliveryAnswer,
    DeliveryFate,
    DeliveryOutcome,
    DeliveryPart,
    Step,
    make,
)
from app.services.deliveries.sending import Deliverer, again
from app.services.deliveries.signing import Signing
from app.services.records import webhooks
from app.services.records.webhooks import Secret, WebhookInput
from app.workers.names import resolve
from models.engine import Database
from models.errors import NotFound
from models.progress import UNWATCHED
from models.status import DAY
from tests.conftest import NOW
from tests.fixtures.hooked import answer as answers
from tests.fixtures.hooked import serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DESTINATION = Destination(
    "wh_1", "acme", "CI", "https://h.acme.example/T0/hidden-path", "h.acme.example", "*", Secret(SECRET)
)
ANSWER = DeliveryAnswer(
    DeliveryOutcome.ANSWERED,
    "It failed.",
    500,
    (("Date", "now"), ("Set-Cookie", "sid=hidden-cookie")),
    b"\xff{}",
    is_cut=True,
    address="1.1.1.1",
    tls="TLS 1.3",
    steps=(Step(DeliveryPart.RESOLVE, 0.0, 0.25),),
    seconds=1.25,
)


def keep(
    log: DeliveryLog, answer: DeliveryAnswer = ANSWER, *, at: int = NOW, event: str = "run_killed", **how: int
) -> int:
    request = make(DESTINATION, event, '{"runId":"r-é"}', now=at)
    days = how.get("days", 30)
    return log.add("db", DESTINATION, request, answer, signing=Signing.PLATFORM, days=days)


def found(log: DeliveryLog, **wanted: object) -> list[Delivery]:
    return log.find(replace(LogQuery("db"), **wanted))  # type: ignore[arg-type]


def test_what_is_kept_is_read_back_whole() -> None:
    log = DeliveryLog()
    assert found(log) == [] and log.answer(1) is None and not log.path.exists()
    number = keep(log)
    (one,) = found(log)
    assert (one.number, one.webhook, one.tenant, one.name, one.code, one.is_ok) == (
        number, "wh_1", "acme", "CI", "500", False,
    )  # fmt: skip
    assert (one.host, one.body, one.at, one.took_ms) == (
        "https://h.acme.example/…", '{"runId":"r-é"}', NOW, 1250,
    )  # fmt: skip
    assert log.answer(number) == ANSWER
    assert log.find(LogQuery("another")) == []


def test_neither_the_secret_nor_the_path_is_in_the_file_which_is_the_persons_alone() -> None:
    log = DeliveryLog()
    keep(log)
    files = list(paths.deliveries_dir().iterdir())
    content = b"".join(path.read_bytes() for path in files)
    assert SECRET.encode() not in content and SECRET[6:].encode() not in content
    assert b"hidden-path" not in content
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_list_is_filtered_by_what_a_person_types() -> None:
    log = DeliveryLog()
    keep(log)
    keep(log, replace(ANSWER, status=200), event="run_started", at=NOW + 1)
    keep(log, replace(ANSWER, outcome=DeliveryOutcome.TIMEOUT, status=None), event="run_started", at=NOW + 2)
    assert [one.code for one in found(log)] == ["timeout", "200", "500"]
    assert [one.code for one in found(log, fate=DeliveryFate.DELIVERED)] == ["200"]
    assert [one.code for one in found(log, fate=DeliveryFate.FAILED)] == ["timeout", "500"]
    assert [one.code for one in found(log, text="KILLED")] == ["500"]
    assert [one.code for one in found(log, text="R-E\u0301")] == ["timeout", "200", "500"]
    assert found(log, webhook="wh_2") == [] and found(log, tenant="other") == []


def test_what_was_stopped_here_is_listed_apart_from_what_failed() -> None:
    log = DeliveryLog()
    for at, outcome in enumerate((DeliveryOutcome.NO_HOST, DeliveryOutcome.REFUSED)):
        keep(log, replace(ANSWER, outcome=outcome, status=None), at=NOW + at)
    assert [one.code for one in found(log, fate=DeliveryFate.FAILED)] == ["no host"]
    assert [one.code for one in found(log, fate=DeliveryFate.STOPPED)] == ["refused"]


def test_what_is_older_than_is_kept_goes_and_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    log = DeliveryLog()
    log.prune(30, now=NOW)  # of none
    keep(log, at=NOW - 31 * DAY)
    keep(log, at=NOW - 29 * DAY)
    assert len(found(log)) == 2
    keep(log)
    assert [one.at for one in found(log)] == [NOW, NOW - 29 * DAY]
    log.prune(7, now=NOW)
    assert [one.at for one in found(log)] == [NOW]
    monkeypatch.setattr(logs, "MOST", 3)
    for second in range(5):
        keep(log, at=NOW + second)
    assert [one.at for one in found(log)] == [NOW + 4, NOW + 3, NOW + 2]


def test_a_damaged_row_takes_no_other_with_it() -> None:
    log = DeliveryLog()
    first, second = keep(log), keep(log, at=NOW + 1)
    with apsw.Connection(str(log.path)) as connection:
        connection.execute("UPDATE deliveries SET signing = 'odd', parts = '{' WHERE id = ?", (first,))
    connection.close()
    assert [one.number for one in found(log)] == [second]
    assert log.answer(first) is None and log.answer(second) == ANSWER
    with apsw.Connection(str(log.path)) as connection:
        connection.execute("UPDATE deliveries SET answer = ? WHERE id = ?", (2**62, second))
    connection.close()
    assert log.answer(second) is None


def test_the_headers_are_kept_without_the_signature_and_the_body_is_exported_as_it_was_signed(
    tmp_path: Path,
) -> None:
    log = DeliveryLog()
    request = make(DESTINATION, "run_killed", '{"runId":"r-é","n":1.0}', now=NOW, signing=Signing.STANDARD)
    log.add("db", DESTINATION, request, ANSWER, signing=Signing.STANDARD, days=30)
    signature = dict(request.headers)["webhook-signature"]
    assert signature[3:].encode() not in log.path.read_bytes()
    (one,) = found(log)
    kept = dict(one.headers)
    assert kept == {**dict(request.headers), "webhook-signature": "v1,…"}
    assert found(log, text=one.message[4:]) == [one]
    out = tmp_path / "log.jsonl"
    export(out, [(one, None)])
    document = json.loads(out.read_text("ascii"))
    assert document["body"].encode() == request.body and not document["bodyIsRedacted"]
    assert document["messageId"] == one.message == kept["webhook-id"]
    assert dict(document["requestHeaders"]) == kept


def test_a_log_of_the_first_version_goes_on_with_what_it_has() -> None:
    log = DeliveryLog()
    first = keep(log)
    connection = apsw.Connection(str(log.path))
    connection.execute("ALTER TABLE deliveries DROP COLUMN request")
    connection.pragma("user_version", 1)
    connection.close()
    (old,) = found(log)
    assert (old.number, old.body, old.headers) == (first, '{"runId":"r-é"}', ())
    keep(log, at=NOW + 1)
    new, old = found(log)
    assert dict(new.headers)["X-Webhook-Timestamp"] == str(NOW + 1) and old.headers == ()
    assert log.answer(first) == ANSWER


def test_a_newer_format_or_what_is_no_log_is_left_as_it_is() -> None:
    log = DeliveryLog()
    keep(log)
    connection = apsw.Connection(str(log.path))
    connection.pragma("user_version", 99)
    connection.close()
    for use in (lambda: found(log), lambda: keep(log), lambda: log.prune(1, now=NOW)):
        with pytest.raises(LogUnreadable, match="format 99"):
            use()
    log.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LogUnreadable):
        found(log)
    assert log.path.read_bytes() == b"no database at all" * 100


def test_a_delivery_is_answered_although_the_log_cannot_be_written() -> None:
    log = DeliveryLog()
    paths.make_private(log.path.parent)
    log.path.write_bytes(b"no database at all" * 100)
    with serving(answers()) as hook:
        destination = replace(DESTINATION, url=hook.url(), hostname="127.0.0.1")
        request = make(destination, "run_killed", "{}", now=NOW)
        deliverer = Deliverer("db", log, resolve, 30, allow_here=True)
        sent = deliverer.deliver(destination, request, UNWATCHED, signing=Signing.PLATFORM)
    assert sent.answer.is_ok and sent.number == 0 and "cannot be used" in sent.not_kept


@pytest.mark.parametrize("secret", [SECRET, 'pä$$ "word"', "abcd"])
def test_a_server_that_echoes_the_secret_does_not_bring_it_into_the_log(secret: str) -> None:
    echo = json.dumps({"secret": secret, "raw": f"x{secret}x"}).encode() + secret.encode()
    with serving(answers("200 OK", echo, f"X-Echo: {SECRET}")) as hook:
        destination = replace(DESTINATION, url=hook.url(), hostname="127.0.0.1", secret=Secret(secret))
        request = make(destination, "run_killed", "{}", now=NOW)
        deliverer = Deliverer("db", DeliveryLog(), resolve, 30, allow_here=True)
        sent = deliverer.deliver(destination, request, UNWATCHED, signing=Signing.PLATFORM)
    content = deliverer.log.path.read_bytes()
    for form in (secret.encode(), json.dumps(secret).strip('"').encode()):
        assert form not in sent.answer.body and form not in content
    assert "[secret]" in sent.answer.text()


def test_an_event_is_sent_again_to_the_webhook_as_it_is_now(engine: Database) -> None:
    with serving(answers()) as hook:
        form = WebhookInput(name="CI", url="http://localhost:1/in", secret=SECRET)
        key = webhooks.create(engine, "acme", form, actor="ops", now=NOW).rows[0].record_id
        assert isinstance(key, str)
        log = DeliveryLog()
        deliverer = Deliverer("db", log, resolve, 30, allow_here=True)
        destination = read_destination(engine, key)
        request = make(destination, "run_killed", '{"a":1}', now=NOW, signing=Signing.STANDARD)
        assert not deliverer.deliver(destination, request, UNWATCHED, signing=Signing.STANDARD).answer.is_ok
        webhooks.update(engine, key, replace(form, url=hook.url()), actor="ops", now=NOW)
        (failed,) = log.find(LogQuery("db"))
        destination, request = again(engine, failed, now=NOW + 60)
        deliverer.deliver(destination, request, UNWATCHED, signing=failed.signing, resent=failed.number)
    newest, _ = log.find(LogQuery("db"))
    assert newest.is_ok and newest.resent == failed.number and newest.message == failed.message != ""
    assert f"webhook-id: {failed.message}".encode() in hook.requests[0]
    assert f"webhook-timestamp: {NOW + 60}".encode() in hook.requests[0]
    webhooks.delete(engine, [key], actor="ops", now=NOW)
    with pytest.raises(NotFound):
        again(engine, failed, now=NOW)


@pytest.mark.parametrize(
    "marker",
    [
        '{"email": "ada@acme.example"}', '{"user": {"lastName": "LOVE-MARKER"}}', '{"apiKey": "MARKER-1"}',
        '{"x": ["mail ada@acme.example"]}', '{"password_hash": "MARKER-1"}',
        "Authorization: Bearer MARKER-123456", "whsec_MARKERMARKERMARKER",
        "token=eyJMARKERxxxx.yyyyyyyyyy.zz", '{"clientSecret": {"v": "MARKER-1"}}',
        '{"u": "https://a.example/MARKER?x=1"}', "see https://user:MARKER@a.example/x", '{"phone": "MARKER"}',
        "$argon2id$v=19$m=65536$MARKERMARKER", '{"ada@acme.example": 1}',
        "https://hooks.slack.com/services/MARKER",
        '{"ip": "MARKER"}', "ghp_MARKERMARKERMARKER",
        r'{"a": "{\"name\": \"MARKER\", \"b\": \"[{\\\"phone\\\": \\\"MARKER\\\"}]\"}"}',
        '{"a": 1}\n{"name": "MARKER"}\nmore', "<u><name>MARKER</name></u>", '{"cardNumber": "MARKER"}',
        "to=ada%40acme.example, MARK", '{"sessionId": "MARKER"}', '{"X-Forwarded-For": "MARKER"}',
    ],
)  # fmt: skip
def test_what_others_are_given_holds_no_secret_and_nobodys_name(marker: str, tmp_path: Path) -> None:
    assert not re.search("MARKER|ada(@|%40)", redacted(marker))
    log = DeliveryLog()
    headers = (("X-Api-Key", "MARKER"), ("Set-Cookie", "sid=MARKER"), ("X-User", "ada@acme.example"))
    number = keep(log, replace(ANSWER, body=marker.encode(), headers=headers, why=marker))
    out = tmp_path / "log.jsonl"
    assert export(out, [(found(log)[0], log.answer(number))]) == 1
    written = out.read_text("ascii")
    assert "MARKER" not in written and "ada@" not in written and "hidden-path" not in written
    document = json.loads(written)
    assert document["result"] == "500" and document["steps"] == {"resolve": 250.0}


def test_what_says_nothing_of_anybody_stays() -> None:
    body = '{"type": "run_killed", "runId": "run_1", "score": 4.1, "verdict": null, "phase": "kill-test"}'
    assert redacted(body) == body
    assert redacted('{"token":"MARKER","token":""}') == '{"token":""}'
    assert redacted("relation alerts has no column verdict") == "relation alerts has no column verdict"
    assert redacted("[" * 100_000) == "[" * 100_000
    nested = r'{"a": "{\"b\": [1, 2]}", "inside": "<p>ok</p>"}' + '\n{"c": 1}\n'
    assert redacted(nested) == nested
