"""How a secret is written: hidden wherever one may stand, and prose is not."""

import json
import re
from collections.abc import Callable

import pytest

from app.services.chain.append import Event
from app.services.deliveries import hiding
from app.services.deliveries.log import redacted
from app.services.records import export
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.tables import PLANNING_RUNS, undeclared
from app.services.runs.run_dossier import DossierOf, pieces
from app.services.secrets.forms import marked, without_credentials
from models.local.database import LocalDatabase
from models.progress import UNWATCHED
from models.schema import inspect
from tests.conftest import NOW

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
        assert not (found := re.findall("MARKER.*", without_credentials(said))), found
        assert without_credentials(without_credentials(said)) == without_credentials(said)
    told = json.loads(without_credentials(json.dumps(values)))
    assert told["link"] == "https://app.example/login?next=/a&token=…#x"
    assert (told["plain"], told["names"]) == (values["plain"], values["names"])
    assert told["headers"] == 'Authorization: Bearer …\nAccept: "*/*"'
    assert told["pem"] == "-----BEGIN PRIVATE KEY-----…-----END PRIVATE KEY-----\n"
    assert told["cut"] == '-----BEGIN RSA PRIVATE KEY-----…"'
    assert told["plain"] == values["plain"]


_A = "a1b2c3d4"
FORMS = (
    *(f"{begin}{_A * 5}" for begin in ("sk-", "sk-proj-", "sk-ant-api03-x_y-", "pk_live_", "rk-", "sk_")),
    "sk-550e8400-e29b-41d4-a716-446655440000",
    "Basic dXNlcjpwYXNzd29yZA==",
    "basic dXNlcjpwYXNz",
    f"bearer {_A}",
    "Bearer hidden-hidden",
    f"ghp_{_A * 5}",
    f"whsec_{_A}",
    f"eyJhbGciOiJkaXIi..{_A}.{_A}.{_A}",
    f"$2b$12${'a1' * 26}x",
    f"pbkdf2_sha256$600000${_A}${'a' * 43}=",
    f"md5{_A * 4}",
)
PROSE = (
    "risk-based, sk-learn, task-list-2026-11-29-of-the-month and sk-learn-1.3-compatible-models-of-2026",
    "basic authentication, Basic understanding of basics; bearer authentication, Bearer tokens. BASIC RULES",
    "Basic training, basic functionality/performance; a basic requirement: bearer instruments",
    f"pk_planning_runs_tenant_id_2, disk-{_A * 3}, task-550e8400-e29b-41d4-a716-446655440000",
    "sk-SK 2026-11-29; sk-2026-11-29-backup-of-users; the sha256 of it; argon2, scrypt: or bcrypt",
)
CALLERS: dict[str, Callable[[str], object]] = {
    "audit payload": lambda said: Event("acme", "x", {"said": said}).text,
    "export, clipboard": export.as_exported("planning_runs", PLANNING_RUNS.of_file("refined_idea")),
    "dossier, bundle": export.plain_of("planning_runs", "refined_idea") or str,
    "delivery log": hiding.secretless,
    "exported delivery log": redacted,
    "list": undeclared("note").said,
}


@pytest.mark.parametrize("caller", CALLERS)
def test_each_form_is_hidden_by_whoever_shows_a_text_and_prose_is_not(caller: str) -> None:
    shown = CALLERS[caller]
    for form in FORMS:
        for said in (form, f"said {form} so", f"x:\n{form}", f"“{form}”"):
            kept = str(shown(said))
            assert form.split()[-1] not in kept and ("…" in kept or "[" in kept), (said, kept)
    for said in PROSE:
        assert said in str(shown(said))


def test_of_many_texts_those_are_found_that_have_something_to_hide() -> None:
    both = (*_KNOWN, *FORMS, *(one.upper() for one in _KNOWN), *PROSE, "", "plain", "é", "a@b.example")
    changed = {at for at, said in enumerate(both) if without_credentials(said) != said}
    assert changed <= {*marked(both)}
    assert len(changed) > len(_KNOWN) + len(FORMS)
    for at in changed:  # alone, too: no other one's signs are what it is found by
        assert [*marked([both[at]])] == [0], both[at]
    assert not {*marked(("", "plain", "é", "a@b.example", "n: 1"))}
    assert [*marked(("plain", "n: 1"), ":")] == [1]
    assert [*marked(("x" * 2_000_001, "y" * 2_000_001))] == [0, 1]  # to join them would take their room again


def test_forms_are_hidden_in_what_is_copied_and_in_a_document(database: LocalDatabase) -> None:
    said = "\n".join(("risk-based", *FORMS))
    database.connection().execute(
        "INSERT INTO planning_runs (id, idea, refined_idea, status, mode, created_at, updated_at)"
        " VALUES ('r', 'i', ?, 'completed', 'x', ?, ?)",
        (said, NOW, NOW),
    )
    wanted = export.RowsWanted(ListQuery("planning_runs", sort="id"), export.Format.TEXT)
    copied = export.text_of(database, Lists(inspect(database)), wanted)[0]
    document = "".join(pieces(database, DossierOf("r", "here", None, NOW), UNWATCHED))
    for shown in (copied, document):
        assert "risk-based" in shown and "sk-…" in shown
        assert not [form for form in FORMS if form.split()[-1] in shown]
