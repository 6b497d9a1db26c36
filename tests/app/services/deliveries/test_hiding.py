"""What of a delivery nobody is shown and nothing keeps."""

import html
import json
from base64 import b64encode
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest

from app.services.deliveries import hiding
from app.services.deliveries.destination import Destination
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome
from app.services.deliveries.signing import standard_key
from app.services.records.webhooks import Secret
from models.masking import masked

ANSWER = DeliveryAnswer(DeliveryOutcome.ANSWERED, status=200)
SLACK = "https://hooks.slack.example/services/T024BE7LD/B024BE7LD/hiddenhiddenhidden24chars?key=hidden-key-1"
TO = Destination("wh_1", "acme", "CI", SLACK, "hooks.slack.example", "*", Secret("whsec_hiddensecret"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Set-Cookie", "sid=hidden"),
        ("COOKIE", "hidden"),
        ("Authorization", "hidden"),
        ("Proxy-Authorization", "hidden"),
        ("X-Webhook-Signature", "sha256=hidden"),
        ("webhook-signature", "v1,hidden"),
        ("X-Api-Key", "hidden"),
        ("X-Csrf-Token", "hidden"),
        ("Location", "https://ada:hidden@a.example/"),
        ("X-Debug", "Authorization: Bearer hidden-hidden"),
        ("X-Debug", "password=hidden; path=/"),
    ],
)
def test_a_header_is_shown_without_what_is_a_secret(name: str, text: str) -> None:
    assert "hidden" not in hiding.header(name, text)


def test_other_headers_stay_as_they_are() -> None:
    for name, text in (
        ("Content-Type", "application/json"),
        ("Date", "Wed, 18 Nov 2026 14:31:08 GMT"),
        ("Location", "https://a.example/in?x=1"),
        ("Retry-After", "120"),
        ("X-Request-Id", "req_7f3a09c2"),
    ):
        assert hiding.header(name, text) == text


@pytest.mark.parametrize(
    "body",
    [
        '{"password": "hidden", "a": {"apiKey": ["hidden"], "said": "Bearer hidden-hidden"}}',
        '{"error": "no user at https://ada:hidden@a.example/x"}',
        '{"note": "{\\"token\\": \\"hidden\\"}"}',
        '{"password": "hidden", "cut": "',
        "password=hidden&name=ada",
        "Authorization: Basic aGlkZGVuOmhpZGRlbg==",
        "hash $2b$12$hiddenhiddenhidden and whsec_hiddenhidden",
        "https://hooks.slack.com/services/T0/B0/hidden",
    ],
)
def test_a_body_is_shown_without_secrets(body: str) -> None:
    found = hiding.secretless(body)
    assert "hidden" not in found and "aGlkZGVu" not in found and found != body


@pytest.mark.parametrize(
    "body",
    [
        '{"error":"internal","message":"relation alerts has no column verdict","requestId":"req_7f3a09c2"}',
        '{ "email" : "ada@acme.example" }',
        "ada@acme.example: not found at 12:30",
        "",
        "[" * 100_000,
    ],
)
def test_a_body_without_secrets_stays_to_the_last_space_and_persons_with_it(body: str) -> None:
    assert hiding.secretless(body) == body


def test_thousands_of_headers_are_gone_through_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def count(text: str, token: str, mark: str) -> str:
        asked.append(token)
        return masked(text, token, mark)

    monkeypatch.setattr(hiding, "masked", count)
    url = f"https://h.example/{'/'.join(f'hidden{part:03}' for part in range(70))}"
    headers = (*((f"X-{at}", "\ue000ok") for at in range(2_000)), ("hidden069", "at hidden001, hidden042"))
    found = hiding.without_own(replace(ANSWER, headers=headers), replace(TO, url=url, secret=None))
    assert "hidden" not in repr(found.headers) and found.headers[:2_000] == headers[:2_000]
    assert len(asked) <= 3 * 70, "however many headers there are"


def test_an_echo_of_the_webhooks_own_secret_and_address_is_gone() -> None:
    said = (
        "POST /services/T024BE7LD/B024BE7LD/hiddenhiddenhidden24chars?key=hidden%2Dkey%2D1 whsec_hiddensecret"
    )
    echo = replace(ANSWER, body=b"\xff" + said.encode(), headers=(("X-Path", said),), why=said)
    found = hiding.without_own(echo, TO)
    for text in (found.text(), found.headers[0][1], found.why):
        assert "hidden" not in text and "T024BE7LD" not in text and "POST /services/" in text
    assert found.body.startswith(b"\xff")
    short = replace(TO, url="https://a.example/in?x=1", secret=None)
    assert hiding.without_own(replace(ANSWER, body=b"/in?x=1"), short).body == b"/in?x=1"


OWN = 'whsec_q9<"&>+/x y%41é'
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    "echo",
    [
        OWN, html.escape(OWN), quote(OWN), quote(OWN, safe=""), quote_plus(OWN), json.dumps(OWN),
        json.dumps(OWN).replace("/", "\\/"), json.dumps(html.escape(OWN)), OWN.encode().hex(),
        OWN.encode().hex().upper(), "".join(f"&#{ord(one)};" for one in OWN),
        "".join(f"&#x{ord(one):04X};" for one in OWN), b64encode(f"me:{OWN}:x".encode()).decode(),
    ],
)  # fmt: skip
def test_an_echo_of_the_secret_is_gone_however_it_is_written_and_however_it_is_cut(echo: str) -> None:
    to = replace(TO, secret=Secret(OWN))
    found = hiding.without_own(replace(ANSWER, body=f"it is {echo}, said".encode()), to).text()
    assert found.startswith("it is ") and found.endswith(", said") and "[secret]" in found and len(found) < 45
    for length in range(len(echo.encode())):
        cut = replace(ANSWER, body=b"it is " + echo.encode()[:length], is_cut=True)
        left = hiding.without_own(cut, to).text().lower()
        begun = OWN[:8], OWN[:8].encode().hex(), "".join(f"&#{ord(one)};" for one in OWN[:6])
        assert not [one for one in (*begun, "".join(f"&#x{ord(one):x};" for one in OWN[:6])) if one in left]


WIDE = "whsec_q9\u0151\u4e2dx_\u00e9t\u00e9"


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    ("own", "encoding"),
    [
        *(
            (own, encoding)
            for own in (OWN, WIDE, "s\u00e9cr")
            for encoding in ("utf-16-le", "utf-16-be", "utf-16")
        ),
        (OWN, "utf-32-le"),
    ],
)
def test_an_echo_in_an_encoding_of_wide_letters_is_gone(own: str, encoding: str) -> None:
    to = replace(TO, secret=Secret(own))
    for echo in (own, own.upper(), html.escape(own), quote(own), json.dumps(own), own.encode().hex()):
        if len(own) < 8 and echo == own.upper():
            continue  # a short one is known as it is spelt
        body = f"it is {echo}, said".encode(encoding)
        left = hiding.without_own(replace(ANSWER, body=body), to).body.replace(b"\0", b"").lower()
        assert b"[secret]" in left and b"it is" in left and b"said" in left
        assert own[2:6].encode("latin-1").lower() not in left.replace(b"[secret]", b""), echo
        written = f"it is {echo}".encode(encoding)
        for length in range(0, len(written), 7):
            cut = replace(ANSWER, body=written[:length], is_cut=True)
            left = hiding.without_own(cut, to).body.replace(b"\0", b"").lower()
            assert own[:5].encode("latin-1").lower() not in left, (echo, length)
    plain = own.encode("utf-16-le" if encoding == "utf-16" else encoding)
    for encoded in (
        (b64encode(plain), plain.hex().encode()) if encoding != "utf-32-le" and len(own) > 4 else ()
    ):
        left = hiding.without_own(replace(ANSWER, body=b"it is " + encoded + b" ."), to).body
        assert left == b"it is [secret] ."


@pytest.mark.slow
@pytest.mark.parametrize("own", [OWN, "whsec_Hidden-Secret-24"])
def test_a_beginning_in_other_letters_or_spaced_is_gone_where_the_body_is_cut(own: str) -> None:
    to = replace(TO, secret=Secret(own))
    for echo in (own.upper(), own.lower(), own.swapcase(), " ".join(own), "\r\n".join(own.upper())):
        for length in range(4, len(echo)):
            body = f"it is {echo[:length]}".encode()
            left = hiding.without_own(replace(ANSWER, body=body, is_cut=True), to).body.decode(
                "utf-8", "replace"
            )
            kept = "".join(left.removeprefix("it is ").replace("[secret]", "").lower().split())
            assert len(kept) < 4, (echo, length, left)


def test_what_only_looks_alike_stays() -> None:
    for body in (b"it was hid", b"a\0b\0c\0", "caf\u00e9 \u4e2d".encode("utf-16"), b"\0" * 5_000):
        assert hiding.without_own(replace(ANSWER, body=body, is_cut=True), TO).body == body


def test_an_echo_of_the_key_is_gone_in_bytes_and_in_hex() -> None:
    key = standard_key(Secret(KEY))
    to = replace(TO, secret=Secret(KEY))
    echo = replace(ANSWER, body=b"\xff" + key + b" " + key.hex().encode() + b" " + key.hex().upper().encode())
    assert hiding.without_own(echo, to).body == b"\xff[secret] [secret] [secret]"
    broken = replace(ANSWER, outcome=DeliveryOutcome.BROKEN, body=b"\xff" + key[:9])
    assert hiding.without_own(broken, to).body == b"\xff[secret]"


def test_a_parameter_that_is_called_a_key_is_one_however_it_looks() -> None:
    to = replace(TO, url="https://a.example/a%2Fhidden-7-part/in?key=hidden&plain=shown")
    found = hiding.without_own(replace(ANSWER, body=b"a/hidden-7-part got hidden and shown"), to)
    assert found.text() == "[address] got [address] and shown"


def test_what_is_no_utf_8_stays_so() -> None:
    body = b'\xff\xfe{"a": 1}'
    assert hiding.shown(replace(ANSWER, body=body)).body == body
    cut = hiding.shown(replace(ANSWER, body=b"\xff password=hidden"))
    assert cut.body.startswith(b"\xff") and b"hidden" not in cut.body
