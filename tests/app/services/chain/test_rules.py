"""The rules by themselves: formula, markers, starts, times."""

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.services.chain import rules
from app.services.chain.entry import is_plain
from app.services.chain.rules import GENESIS, Marker, anchor, believed, denied, read_marker
from tests.app.services.chain.markers import AT, BELIEVED, HASH, NOT_BELIEVED, SEQ


def test_the_rules_import_nothing_of_ours_and_little_of_python() -> None:
    code = (
        "import sys; before = set(sys.modules); import app.services.chain.entry; "
        "print([m for m in sys.modules if m not in before and (m.startswith(('app.', 'models'))"
        " or m in ('peewee', 'apsw', 'dataclasses'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    below = ["models", "models.genesis"]  # which an engine asks, too, and imports nothing
    chain = ["app.services.chain.rules", "app.services.chain.entry"]
    ours = ["app.services", "app.services.chain", *below, *chain]
    assert said.strip() == str(ours)


def test_the_paper_names_each_code_with_its_severity() -> None:
    paper = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    told = {
        code: severity
        for codes, severity in re.findall(r"^\| ([A-Z_, ]+) \| ([^|]+) \|", paper, re.MULTILINE)
        for code in codes.split(", ")
    }
    assert told.keys() == {*rules.Code}
    for code, severity in told.items():
        is_own = code in rules.VERDICTS_OF_THEIR_OWN
        assert severity.split(",")[0] == (
            "warning" if code in rules.WARNINGS else "its own verdict" if is_own else "error"
        ), code


def test_the_formula() -> None:
    expected = sha256(f'{GENESIS}:user_created:{{"a":"ä"}}:{AT}'.encode()).hexdigest()
    assert rules.entry_hash(GENESIS, "user_created", '{"a":"ä"}', AT) == expected


@pytest.mark.parametrize("payload", BELIEVED)
def test_a_marker_that_is_believed_and_what_it_is_written_as(payload: bytes) -> None:
    found = read_marker(SEQ, AT, payload)
    assert isinstance(found, Marker)
    written = rules.marker_payload(found)
    assert read_marker(SEQ, AT, json.dumps(written).encode()) == found
    assert list(written)[:5] == ["fromSeq", "toSeq", "count", "lastHash", "cutoff"]


@pytest.mark.parametrize("payload", NOT_BELIEVED, ids=lambda payload: repr(payload)[-80:])
def test_a_marker_that_cannot_be_true(payload: bytes) -> None:
    assert isinstance(read_marker(SEQ, AT, payload), str)


def test_a_marker_whose_own_time_is_no_number() -> None:
    assert isinstance(read_marker(SEQ, None, BELIEVED[0]), str)


def test_markers_in_order() -> None:
    first, second = Marker(20, 1, 9, 5, HASH, AT), Marker(21, 10, 15, 2, HASH, AT)
    assert believed("acme", [first, second]) == ([first, second], [])
    again = Marker(22, 15, 16, 2, HASH, AT)
    good, bad = believed("acme", [first, second, again])
    assert good == [first, second]
    assert [finding.seq for finding in bad] == [22]


def test_what_proves_a_start() -> None:
    marker = Marker(20, 1, 9, 5, HASH, AT)
    assert str(anchor(1, GENESIS, None)) == "genesis"
    assert str(anchor(10, HASH, marker)) == "marker:20:through:9"
    assert anchor(10, HASH, None) is None
    assert str(anchor(10, HASH, None, (10, HASH))) == "adopted:10"
    assert anchor(10, HASH, None, (11, HASH)) is None
    assert str(anchor(10, "b" * 64, marker, (10, "b" * 64))) == "adopted:10"
    for seq, previous in ((10, GENESIS), (9, HASH)):
        assert anchor(seq, previous, marker, (seq, previous)) is None
        assert denied(seq, previous, marker)


def test_times_in_milliseconds_are_read_as_what_they_are() -> None:
    (problem,) = rules.time_findings("acme", 5, AT, (AT + 1) * 1000, AT + 60)
    assert (problem.code, problem.is_error) == (rules.Code.UNIT, False)
    assert rules.time_findings("acme", 6, rules.seconds(AT * 1000), AT, AT + 60) == []
    codes = [item.code for item in rules.time_findings("acme", 5, AT, (AT - 9) * 1000, AT + 60)]
    assert codes == ["UNIT", "TIME"]
    for none in (10**18, -1):
        (problem,) = rules.time_findings("acme", 5, AT, none, AT + 60)
        assert (problem.code, problem.is_error) == (rules.Code.TIME, False)
        assert problem.message == "The time of entry 5 is neither in seconds nor in milliseconds."


def test_the_first_time_that_is_in_milliseconds_and_the_last_that_is_not_the_future() -> None:
    limit = rules.SECONDS_LIMIT
    assert (rules.seconds(limit - 1), rules.seconds(limit)) == (limit - 1, limit // 1000)
    numbers = (limit - 1, limit, AT * 1000 - 1, AT * 1000, limit * 1000 - 1, limit * 1000)
    assert [rules.in_milliseconds(one) for one in numbers] == [False, True, True, True, True, False]
    assert [rules.in_milliseconds(one, AT) for one in numbers] == [False, True, True, False, False, False]
    assert [rules.is_no_time(one) for one in numbers] == [False] * 5 + [True]
    assert rules.time_findings("acme", 5, AT, AT + 60, AT + 60) == []
    (problem,) = rules.time_findings("acme", 5, AT, AT + 61, AT + 60)
    assert (problem.code, problem.expected) == ("TIME", f"at most {AT + 60 - rules.CLOCK_TOLERANCE}")


def test_of_verdicts_the_worst_is_the_file_s() -> None:
    order = ["VERIFIED", "CONSISTENT", "UNPROVEN_START", "EARLIER", "TAMPERED", "UNREADABLE"]
    assert [rules.worst([rules.Verdict.VERIFIED, verdict]) for verdict in rules.Verdict] == order
    assert rules.worst([rules.Verdict.EARLIER, rules.Verdict.UNPROVEN_START]) == "EARLIER"


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": "{"},
        {"payload": "NaN"},
        {"event_type": "a:b"},
        {"created_at": "1"},
        {"tenant_id": None},
        {"event_type": rules.MARKER_EVENT},
    ],
)
def test_the_faster_form_of_a_sound_row_is_never_too_lax(changes: dict[str, Any]) -> None:
    plain = {
        "tenant_id": "a",
        "event_type": "b",
        "payload": "{}",
        "previous_hash": GENESIS,
        "hash": HASH,
        "created_at": 1,
    }
    assert is_plain(plain)
    assert is_plain(plain | {"payload": "[" * 2_000 + "]" * 2_000})
    assert not is_plain(plain | changes)
