"""Secrets within a text: gone by what they are called, and nothing else is."""

import json
from itertools import repeat
from time import process_time

import pytest

from app.services.secrets.forms import without_secrets

_INNER = json.dumps({"inner": json.dumps({"password": "s3cret", "deep": json.dumps({"secret": "s3cret"})})})


@pytest.mark.parametrize(
    "text",
    [
        '{"separators":[",",":"],"password":"s3cret"}',
        r'{"my\u005fpassword":"s3cret","pass\"word":"s3cret","password":"a\"s3cret"}',
        '{"tokens":["s3cret",{"a":"s3cret"}],"pin":"s3cret","pw":"s3cret","auth":{"user":"s3cret"}}',
        '{"passwords":{"root":"s3cret"},"credentials":["s3cret"]}',
        _INNER,
        '\ufeff{"api_key":"s3cret"}',
        '5" wide:\n```json\n{"api_key":"s3cret"}\n```',
        '{"fill":"x","password":"s3cret',
        "{'password': 's3cret'}",
        "export DB_PASSWORD=s3cret\napi_key = s3cret\npassword: s3cret\n",
        '{"client_key":"s3cret","clientKey":"s3cret","pass_hint":"s3cret","passwordHint":"s3cret"}',
        "curl -s -u user:s3cret https://x.y/ -H 'X-Api-Key: s3cret'",
        "curl -X POST \\\n  -u admin:s3cret \\\n  https://x.y",
        'curl -su admin:s3cret x; curl --proxy-user a:s3cret y; curl -u "admin:a s3cret" z',
        "PASSWORD=\"a, b s3cret\"\npassword: 'correct horse s3cret'\n",
        "- **Password**: s3cret\n**Token:** s3cret\n",
        'a 5" pipe\n```json\n{"db": {"password": {"value": "s3cret", "x": ["s3cret"]}}, "pin": 4711}\n```',
        "`password`: `s3cret`\naws_secret_access_key      =      s3cret",
    ],
)
def test_what_is_called_a_secret_goes(text: str) -> None:
    kept = without_secrets(text)
    assert "s3cret" not in kept and "…" in kept
    if text.startswith('{"') and text.endswith("}"):
        assert json.loads(text).keys() == json.loads(kept).keys()


@pytest.mark.parametrize(
    "text",
    [
        '{"max_tokens": 4096, "token_count": 3, "title": "password", "note": "the token: of the day"}',
        "The password policy: see below. Its secret: simplicity wins.\nOf tokens: 5 of 6",
        "interface Login { token: string; password: string }",
        "docker run -u 1000:1000 x; if password == given: pass",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_none_of_it_takes_for_ever() -> None:
    begun = process_time()
    for one in (
        '"',
        '{"a":"' + '\\"' * 20,
        '"token":[',
        "token: ",
        "a-",
        "[",
        '\\"a\\":',
        "curl -u ",
        "token='",
        "curl \\\n",
        'token="a b',
        "token: *_`'",
    ):
        without_secrets("".join(repeat(one, 40_000 // len(one))))
    without_secrets('{"a":"' + '\\"' * 100_000)
    assert process_time() - begun < 2
