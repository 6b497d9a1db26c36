"""Words that people read."""

import json
import re

import pytest

from app.services import text


def test_quotation_marks_within_others_are_single_ones() -> None:
    assert text.quoted("“Shift planning” deleted") == "“‘Shift planning’ deleted”"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (1024, "1 KiB"),
        (4300, "4.2 KiB"),
        (342 * 2**20, "342 MiB"),
        (5 * 2**40, "5 TiB"),
    ],
)
def test_byte_size(count: int, words: str) -> None:
    assert text.byte_size(count) == words


def test_one_mailbox_has_one_key_however_its_host_is_written() -> None:
    for one, other in (
        ("Ö@bücher.example", "ö@xn--bcher-kva.EXAMPLE"),
        ("x@bu\u0308cher.例。example", "X@XN--BCHER-KVA.xn--fsq.example"),
        ("x@❤.example", "x@xn--qei.example"),
    ):
        assert text.address(one) == text.address(other)
        assert text.address(text.host_in_unicode(other)) == text.address(other)
    assert text.address("Ada@X.example") == "ada@x.example"
    assert text.address("x@straße.example") != text.address("x@strasse.example")
    for odd in ("ö", "ö@", "@ö", "ö@a..b", "x@\ud800.example", "x@ö\ufffd.example", "x@xn--\u00f6.example"):
        assert text.address(odd) == text.address(text.address(odd)), "and nothing is raised"
        text.host_in_unicode(odd)


def test_a_tenant_longer_than_any_may_be_is_named_by_start_and_end() -> None:
    assert text.tenant_name("t" * 200) == "t" * 200
    named = text.tenant_name(f"start {'ä ' * 500_000}end")
    assert named.startswith("start ä ä") and named.endswith("ä end") and len(named) == 200


def test_of_many_names_some_are_said_and_how_many_there_are_besides() -> None:
    names = ["a", "b", "c"]
    assert text.some_of(names, 3) == "a, b, c"
    assert text.some_of(names, 2) == "a, b and 1 more"
    assert (
        text.some_of(names, 2, 1_204, noun="more table", shown=text.quoted)
        == "“a”, “b” and 1,202 more tables"
    )


_MARKED = "MARKERaV4lueXYZ0123456789abcdefghi"
_BEGINNINGS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "whsec_", "xoxb-", "AIza"),
    *("sk_live_", "rk_live_", "sk_test_", "rk_test_"),
)
_KNOWN = (
    f"https://h/cb#access_token={_MARKED}",
    f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=a&X-Amz-Signature={_MARKED}&X-Amz-Credential={_MARKED}",
    f"https://h?client_access_token={_MARKED}&amp;token={_MARKED}",
    rf"https://h?a=1\u0026token={_MARKED}",
    f"https://app.example/reset/{_MARKED}",
    f"/users/password-reset/{_MARKED}?x=1",
    rf"https:\u002f\u002fh\u002Fmagic-link\u002F{_MARKED}",
    f"https://app.example/in?reset={_MARKED}",
    f"Authorization: Basic {_MARKED}",
    f"BeArEr {_MARKED}",
    f"bearer\t{_MARKED}",
    rf"https:\u002f\u002fme:{_MARKED}@h/x",
    f"https:%2F%2Fme:{_MARKED}%40h/x",
    rf"hooks.slack.com\u002fservices\u002f{_MARKED}",
    f"https://hooks.slack.com./services/{_MARKED}",
    f"https://acme.webhook.office.com/webhookb2/{_MARKED}",
    f"https://outlook.office.com/webhook/{_MARKED}/IncomingWebhook/",
    f"https://hooks.zapier.com/hooks/catch/1/{_MARKED}",
    f"https://api.telegram.org/bot1234:{_MARKED}/send",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES_128,AA\n\nMARKER\n-----END-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nMARKER",
    *(f"{begin}{_MARKED}" for begin in _BEGINNINGS),
    f"SG.MARKERabcdefghijkl.{_MARKED}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{_MARKED}",
)


def test_what_lets_somebody_in_is_known_by_how_it_is_written_and_json_stays_json() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIMARKER+/=\nMARKER\n-----END PRIVATE KEY-----\n"
    values: dict[object, str] = {
        "link": "https://app.example/login?next=/a&token=MARKER.a-b#x",
        "headers": 'Authorization: Bearer MARKER.MARKER.x\nAccept: "*/*"',
        "pem": key,
        "cut": '-----BEGIN RSA PRIVATE KEY-----\nMARKER"',
        "plain": "the bearer of news; a?b=c&page=2; 1 = 1; basic understanding; Authorization is required"
        " /reset/the-whole-of-a-database /verify/2 /releases/2026-11-29-0123456789",
        "names": "ann?code=blue@x.example bob&key=1@x.example t?token=abcd",  # they have no path
        **dict(enumerate(_KNOWN)),
    }
    for said in (*values.values(), json.dumps(values)):
        assert not (found := re.findall("MARKER.*", text.without_credentials(said))), found
        assert text.without_credentials(text.without_credentials(said)) == text.without_credentials(said)
    told = json.loads(text.without_credentials(json.dumps(values)))
    assert told["link"] == "https://app.example/login?next=/a&token=…#x"
    assert (told["plain"], told["names"]) == (values["plain"], values["names"])
    assert told["headers"] == 'Authorization: Bearer …\nAccept: "*/*"'
    assert told["pem"] == "-----BEGIN PRIVATE KEY-----…-----END PRIVATE KEY-----\n"
    assert told["cut"] == '-----BEGIN RSA PRIVATE KEY-----…"'
    assert told["plain"] == values["plain"]
