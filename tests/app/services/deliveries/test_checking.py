"""Whether a request that was pasted is signed right, and what is said where it is not."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from app.services.deliveries.checking import Checked, Tried, check
from app.services.deliveries.destination import Destination
from app.services.deliveries.request import make
from app.services.deliveries.signing import (
    OldSecret,
    OldSecrets,
    SecretForm,
    Signing,
    generated,
    standard_key,
)
from app.services.keyring import KeyringAbsent, KeyringUnavailable
from app.services.records.webhooks import Secret
from tests.conftest import NOW
from tests.fixtures.keyrings import MemoryKeyring

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OLD = Secret("whsec_" + "QUJD" * 10)
BODY = '{"type":"run_killed","runId":"é","score":4.1}'


def request(
    signing: Signing = Signing.PLATFORM, secret: Secret = SECRET, body: str = BODY
) -> tuple[str, str]:
    """Headers and body of one, as a receiver would paste them."""
    destination = Destination("1", url="https://a.example/in", hostname="a.example", secret=secret)
    made = make(destination, "run_killed", BODY, now=NOW, signing=signing)
    return made.head(), made.body.decode()


def judged(headers: str, body: str, *secrets: Secret) -> Checked:
    tried = [Tried(one, f"secret {number}") for number, one in enumerate(secrets or (SECRET,), 1)]
    found = check(headers, body, tried, now=NOW)
    for one in (*secrets, SECRET, OLD):  # nothing of a secret is in what is said
        assert one.value not in repr(found) and one.value[6:] not in repr(found)
    return found


@pytest.mark.parametrize("signing", Signing)
def test_what_was_sent_from_here_holds(signing: Signing) -> None:
    head, body = request(signing)
    assert judged(head, body) == Checked(True, "The signature holds")
    assert judged(f"{head}\n\n{body}", "").holds  # pasted as one
    assert judged(head.replace("\n", "\r\n"), body).holds
    as_json = json.dumps(dict(line.split(": ", 1) for line in head.split("\n")[1:]))
    assert judged(as_json, body).holds
    assert judged("\n".join(f"> {line}" for line in head.split("\n")), body).holds  # as curl -v says it


@pytest.mark.parametrize("signing", Signing)
def test_the_old_secret_is_told_from_the_present_one(signing: Signing) -> None:
    head, body = request(signing, OLD)
    assert judged(head, body).holds is False
    found = judged(head, body, SECRET, OLD)
    assert found.holds and found.title == "The signature holds with secret 2"


@pytest.mark.parametrize("signing", Signing)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body + "\n", "without the line breaks at its end"),
        (lambda body: json.dumps(json.loads(body), ensure_ascii=False, indent=2), "as JSON without spaces"),
        (lambda body: json.dumps(json.loads(body)), "as JavaScript would write it again"),
        (lambda body: "\ufeff" + body, "without the mark at its beginning"),
        (lambda body: f"  {body}  ", "without the spaces around it"),
    ],
)
def test_a_body_that_became_another_on_its_way_is_told(signing: Signing, change: object, said: str) -> None:
    head, body = request(signing)
    found = judged(head, change(body))  # type: ignore[operator]
    assert found.holds is False and found.title == "The body differs"
    assert said in found.findings[0]
    assert any("Content-Length" in finding for finding in found.findings)


def test_with_which_secret_another_body_would_hold_is_told() -> None:
    head, body = request(secret=OLD)
    found = judged(head, body + "\n", SECRET, OLD)
    assert (found.holds, found.title) == (False, "Body and secret differ")
    assert "without the line breaks" in found.findings[0] and "made with secret 2" in found.findings[1]


def test_a_secret_that_was_taken_otherwise_is_told() -> None:
    head, body = request(secret=Secret(SECRET.value.removeprefix("whsec_")))
    found = judged(head, body)
    assert found.title == "The secret differs" and "without its whsec_" in found.findings[0]


@pytest.mark.parametrize("signing", Signing)
def test_any_other_change_does_not_hold(signing: Signing) -> None:
    head, body = request(signing)
    found = judged(head, body.replace("4.1", "9.9"))
    assert (found.holds, found.title) == (False, "The signature does not hold")
    assert judged(head, body, Secret("xyzzy-1234")).holds is False


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        ("", "No headers yet"),
        ("no header at all", "No headers yet"),
        ("Host: a.example", "Not signed"),
        ("X-Webhook-Signature: abc", "The signature has another form"),
        (f"X-Webhook-Signature: sha256={'z' * 64}", "The signature has another form"),
        (f"X-Webhook-Signature: sha256={'0' * 64}", "The signature does not hold"),
        ("webhook-signature: v1,abc", "It cannot hold"),
        ("webhook-signature: v1,abc\nwebhook-id: 1\nwebhook-timestamp: now", "It cannot hold"),
        ("webhook-signature: v1,abc\nwebhook-id: 1\nwebhook-timestamp: " + "9" * 5000, "It cannot hold"),
        ("webhook-signature: v2,abc\nwebhook-id: 1\nwebhook-timestamp: 1", "The signature has another form"),
        ("webhook-signature: v1,é\nwebhook-id: 1\nwebhook-timestamp: 1", "The signature does not hold"),
        ("x" * 2_000_000, "Too much to check"),
        ("[" * 100_000, "No headers yet"),
        ("{" * 100_000, "No headers yet"),
        ('{"a": 1}', "Not signed"),
    ],
)
def test_whatever_is_pasted_has_an_answer(headers: str, title: str) -> None:
    begun = time.monotonic()
    assert judged(headers, "[" * 100_000).title == title
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        ("abc", "this has no sha256=."),
        (f"SHA256={'a' * 64}", "this begins with SHA256=."),
        (f"sha256={'a' * 63}", "this has 63 characters behind that."),
    ],
)
def test_a_signature_of_another_form_is_told_what_is_other(signature: str, why: str) -> None:
    (said, *_) = judged(f"X-Webhook-Signature: {signature}", "{}").findings
    assert said == f"X-Webhook-Signature must be sha256= and 64 digits of hex; {why}"


@pytest.mark.parametrize(
    "written",
    [
        lambda pairs: "\n".join(f"-H '{name}: {value}' \\" for name, value in pairs),
        lambda pairs: "\n".join(f'  --header "{name}: {value}"' for name, value in pairs),
        lambda pairs: "\n".join(f'  "{name}": "{value}",' for name, value in pairs),
        lambda pairs: json.dumps({name: [value] for name, value in pairs}),
        lambda pairs: json.dumps([part for pair in pairs for part in pair]),
        lambda pairs: json.dumps([*pairs]),
    ],
)
def test_headers_are_read_as_tools_and_logs_write_them(written: object) -> None:
    head, body = request()
    pairs = [tuple(line.split(": ", 1)) for line in head.split("\n")[1:] if ": " in line]
    assert judged(written(pairs), body) == judged(head, body)  # type: ignore[operator]
    assert judged(head, body).holds


def test_two_signatures_hold_as_little_as_a_receiver_would_take_them() -> None:
    head, body = request()
    for both in (
        f"X-Webhook-Signature: sha256={'0' * 64}\n{head}",
        f"{head}\nx-webhook-signature: sha256=00",
    ):
        assert judged(both, body).title == "It is signed twice"


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (f"{NOW}000", "milliseconds, as it seems"), ("1000000000000", "milliseconds, as it seems"),
        ("٣", "no time in seconds."), ("9" * 12, "no time in seconds."),
        (str(NOW - 3 * 86_400), "3 days old"), (str(NOW + 3 * 3_600), "3 hours in the future"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("signing", Signing)
def test_a_time_that_none_would_take_is_told(signing: Signing, time: str, said: str) -> None:
    head, body = request(signing)
    found = judged(head.replace(str(NOW), time), body)
    assert any(said in one for one in found.findings) and len({*found.findings}) == len(found.findings)
    assert found.holds is (signing is Signing.PLATFORM)


@pytest.mark.parametrize("signing", Signing)
def test_what_is_no_text_is_judged_all_the_same(signing: Signing) -> None:
    head, _ = request(signing)
    for body in ("\ud800", "\udcff"):
        found = judged(head, body)
        assert found.holds is False and "no text in UTF-8" in found.findings[-1]
    odd_id = head.replace("webhook-id: ", "webhook-id: \ud800")
    assert judged(odd_id, BODY).holds is (signing is Signing.PLATFORM)


def test_what_does_not_fit_each_other_is_said() -> None:
    head, body = request()
    late = check(head, body, [Tried(SECRET, "it")], now=NOW + 3_600)
    assert late.holds and "60 minutes old" in late.findings[0]
    early = check(head, body, [Tried(SECRET, "it")], now=NOW - 3_600)
    assert "in the future" in early.findings[0]
    found = judged(head.replace("Event: run_killed", "Event: run_started"), body)
    assert found.holds and "the body's type is run_killed" in found.findings[0]
    assert check(head, body, [], now=NOW).title == "No secret to check with"


def test_several_signatures_of_the_standard_hold_if_one_does() -> None:
    """As a sender rotates: both stand there, parted by a space."""
    library = Webhook(SECRET.value)
    signature = library.sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY)
    head = f"webhook-id: msg_1\nwebhook-timestamp: {NOW}\nwebhook-signature: v1,AAAA v1a,xx {signature}"
    assert judged(head, BODY).holds
    assert judged(head, BODY, Secret("00ff" * 16)).title == "It cannot hold with this secret"


def test_secrets_are_made_in_the_forms_that_others_take() -> None:
    standard, other = (generated(SecretForm.STANDARD) for _ in range(2))
    assert standard != other and len(standard_key(standard)) == 32
    Webhook(standard.value)
    assert len(bytes.fromhex(generated(SecretForm.HEX).value)) == 32
    assert standard.value not in repr(standard)


def test_an_old_secret_is_taken_until_its_time_is_over_also_by_the_next_start() -> None:
    keyring = MemoryKeyring()
    assert OldSecrets("db", keyring).keep("wh_1", OldSecret(OLD, NOW + 60)) is None
    again = OldSecrets("db", keyring)
    found = again.find("wh_1", now=NOW + 59)
    assert found is not None and found.secret == OLD and OLD.value not in repr(found) + repr(again)
    assert found.in_keyring
    assert again.find("wh_2", now=NOW) is None and OldSecrets("other", keyring).find("wh_1", now=NOW) is None
    assert again.find("wh_1", now=NOW + 60) is None
    assert keyring.kept == {}


def test_old_secrets_go_with_their_time_and_with_their_webhooks() -> None:
    keyring = MemoryKeyring()
    for database in ("db", "other"):
        for at in range(1, 4):
            assert OldSecrets(database, keyring).keep(f"wh_{at}", OldSecret(OLD, NOW + at)) is None
    OldSecrets("db", keyring).forget_over(now=NOW + 1)
    OldSecrets("db", keyring).forget_gone(["wh_1", "wh_3"])
    again = OldSecrets("db", keyring)
    assert [again.find(f"wh_{at}", now=NOW) is not None for at in range(1, 4)] == [False, False, True]
    again.forget_gone([])
    assert len(keyring.kept) == 4 and OldSecrets("other", keyring).find("wh_1", now=NOW) is not None
    OldSecrets("other", keyring).forget_over(now=NOW + 9)
    assert keyring.kept == {}


@pytest.mark.parametrize("problem", [KeyringAbsent(), KeyringUnavailable("is locked")])
def test_without_a_keyring_it_is_taken_while_the_file_is_open(problem: Exception) -> None:
    secrets = OldSecrets("db", MemoryKeyring(problem))
    why = secrets.keep("wh_1", OldSecret(OLD, NOW + 60))
    assert why is not None and "until this database is closed" in why
    found = secrets.find("wh_1", now=NOW)
    assert found is not None and not found.in_keyring
    assert secrets.find("wh_1", now=NOW + 61) is None
    assert OldSecrets("db", None).find("wh_1", now=NOW) is None


@pytest.mark.parametrize("stored", ["", "{", "[]", '{"secret": 1}', '{"until": "x", "secret": "s"}'])
def test_what_a_keyring_holds_that_is_none_is_no_secret(stored: str) -> None:
    keyring = MemoryKeyring()
    secrets = OldSecrets("db", keyring)
    secrets.keep("wh_1", OldSecret(OLD, NOW + 60))
    keyring.kept = dict.fromkeys(keyring.kept, stored)
    assert OldSecrets("db", keyring).find("wh_1", now=NOW) is None
