"""The quick check says nothing of its own: without it, every result is the same."""

import ast
import json
import random
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain import entry, rules
from app.services.chain.rules import Code, Finding
from app.services.chain.verify import scan, source
from app.services.chain.verify.follow import Follower
from app.services.chain.verify.scan import RangeScan
from tests.app.services.chain.verify.chains import ChainFile, job_of
from tests.conftest import NOW

MARKS = [(7, "tenant-00"), (60, "tenant-01"), (61, "tenant-01"), (200_000, "tenant-03")]
ODD = [
    "UPDATE audit_chain SET payload = CAST(payload AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET payload = 12 WHERE seq = :seq",
    "UPDATE audit_chain SET payload = payload || char(0) WHERE seq = :seq",
    "UPDATE audit_chain SET payload = '{\"a\":1}' || char(0) || 'x' WHERE seq = :seq",
    "UPDATE audit_chain SET payload = CAST(x'22ff22' AS TEXT) WHERE seq = :seq",
    "UPDATE audit_chain SET payload = 'no json' WHERE seq = :seq",
    "UPDATE audit_chain SET event_type = CAST(event_type AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET event_type = event_type || ':x' WHERE seq = :seq",
    "UPDATE audit_chain SET event_type = CAST(x'ff' AS TEXT) WHERE seq = :seq",
    "UPDATE audit_chain SET event_type = 'audit_pruned' WHERE seq = :seq",
    "UPDATE audit_chain SET tenant_id = CAST(tenant_id AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET tenant_id = tenant_id || char(0) WHERE seq >= :seq",
    "UPDATE audit_chain SET tenant_id = CAST(x'ff' AS TEXT) WHERE seq = :seq",
    "UPDATE audit_chain SET tenant_id = '' WHERE seq = :seq",
    "UPDATE audit_chain SET hash = upper(hash) WHERE seq = :seq",
    "UPDATE audit_chain SET hash = CAST(hash AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET hash = CAST(x'c328' AS TEXT) WHERE seq = :seq",
    "UPDATE audit_chain SET previous_hash = '' WHERE seq = :seq",
    "UPDATE audit_chain SET previous_hash = CAST(previous_hash AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET previous_hash = CAST(x'80' AS TEXT) WHERE seq = :seq",
    "UPDATE audit_chain SET created_at = CAST(created_at AS BLOB) WHERE seq = :seq",
    "UPDATE audit_chain SET created_at = created_at + 0.5 WHERE seq = :seq",
    "UPDATE audit_chain SET created_at = 'soon' WHERE seq = :seq",
    "UPDATE audit_chain SET created_at = -5 WHERE seq = :seq",
    "UPDATE audit_chain SET created_at = 9e18 WHERE seq = :seq",
    "UPDATE audit_chain SET seq = -seq WHERE seq = :seq",
    "DELETE FROM audit_chain WHERE seq = :seq",
]


def results(path: Path, marks: list[tuple[int, str]] | None) -> dict[str, Any]:
    connection = source.connect(source.uri(path))
    ((first, last),) = connection.execute("SELECT min(seq), max(seq) FROM audit_chain")
    try:
        return RangeScan(connection, job_of(first, last, marks)).run()
    finally:
        connection.close()


def slowly(follower: Follower, *, record: bool) -> Callable[..., bool]:
    return lambda *row: False


@pytest.mark.parametrize("marks", [None, MARKS])
@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 6 else []) for seed in range(20)]
)
def test_with_and_without_the_quick_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, marks: list[tuple[int, str]] | None
) -> None:
    rng = random.Random(seed)
    chain = ChainFile.build(tmp_path / "a.db", rows=25, tenants=4, seed=seed, step=rng.choice([1, 3_000]))
    seqs = [seq for (seq,) in chain.sql.execute("SELECT seq FROM audit_chain")]
    for damage in rng.sample(ODD, rng.randrange(5)):
        try:
            chain.sql.execute(damage, {"seq": rng.choice(seqs)})
        except apsw.ConstraintError:
            continue
    chain.sql.close()
    quick = results(chain.path, marks)
    monkeypatch.setattr(scan, "quick_check", slowly)
    slow = results(chain.path, marks)
    assert quick == slow


def test_every_kind_of_damage_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=6, tenants=2)
    for damage in ODD:
        chain.sql.execute("BEGIN")
        chain.sql.execute(damage, {"seq": 5})
        copy = tmp_path / "copy.db"
        copy.unlink(missing_ok=True)
        chain.sql.execute("COMMIT")
        chain.sql.execute("VACUUM INTO ?", (str(copy),))
        quick = results(copy, [(9, "tenant-01")])
        with monkeypatch.context() as patch:
            patch.setattr(scan, "quick_check", slowly)
            assert results(copy, [(9, "tenant-01")]) == quick, damage
        assert quick["findings"] or quick["breaks"] or "audit_pruned" in damage or "''" in damage, damage
        chain.sql.close()
        chain.path.unlink()
        chain = ChainFile.build(tmp_path / "a.db", rows=6, tenants=2)


TENANT = "tenant-00"
LIE = json.dumps({"fromSeq": 1, "toSeq": 9_999, "count": 1, "lastHash": "a" * 64, "cutoff": 1})
ALONE: list[tuple[Code, dict[str, Any]]] = [
    (Code.TYPE, {"payload": b'{"id":1}'}),
    (Code.TYPE, {"event_type": b"user_created"}),
    (Code.TYPE, {"tenant_id": TENANT.encode()}),
    (Code.TYPE, {"hash": None}),
    (Code.TYPE, {"previous_hash": None}),
    (Code.TYPE, {"created_at": b"1795000000"}),
    (Code.TYPE, {"created_at": NOW - 0.5}),
    (Code.TYPE, {"created_at": "2026-11-09T12:00:00.000Z"}),
    (Code.ENCODING, {"payload": '"\0"'}),
    (Code.ENCODING, {"payload": ("text", b'"\xff"')}),
    (Code.ENCODING, {"event_type": "user_created\0"}),
    (Code.ENCODING, {"event_type": ("text", b"user\xff")}),
    (Code.ENCODING, {"tenant_id": "nobody\0"}),
    (Code.GRAMMAR, {"event_type": "user created"}),
    (Code.GRAMMAR, {"event_type": ""}),
    (Code.GRAMMAR, {"payload": "no json"}),
    (Code.GRAMMAR, {"payload": "[NaN]"}),
    (Code.MARKER, {"event_type": "audit_pruned"}),
    (Code.MARKER, {"event_type": "audit_pruned", "payload": LIE}),
    (Code.UNIT, {"created_at": 1_700_000_000_000}),
    (Code.TIME, {"created_at": 1}),
    (Code.TIME, {"created_at": -5}),
    (Code.TIME, {"created_at": NOW + 9_999}),
    (Code.HASH, {"hash": "a" * 64}),
    (Code.LINK, {"previous_hash": "b" * 64}),
]
"""Rows that hold but for one rule, each with its code; the hash is right unless it is given."""


def write(chain: ChainFile, values: dict[str, Any]) -> None:
    """A row in the middle of the chain, with the storage classes of the values."""
    head = chain.head(TENANT)
    head = head.decode() if isinstance(head, bytes) else head
    row: dict[str, Any] = {
        "tenant_id": TENANT,
        "event_type": "user_created",
        "payload": '{"id":1}',
        "previous_hash": head,
        "created_at": NOW - 90,
    }
    row |= {name: value for name, value in values.items() if value is not None}
    kinds = {name: "TEXT" if isinstance(value, tuple) else None for name, value in row.items()}
    row = {name: value[1] if isinstance(value, tuple) else value for name, value in row.items()}
    raw = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in row.items()}
    parts = (raw[name] for name in ("previous_hash", "event_type", "payload", "created_at"))
    row.setdefault("hash", sha256(b":".join(parts)).hexdigest())
    for name, value in values.items():
        row[name] = row[name].encode() if value is None else row[name]
    marks = ", ".join("CAST(? AS TEXT)" if kinds.get(name) else "?" for name in row)
    chain.sql.execute(f"INSERT INTO audit_chain ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


@pytest.mark.parametrize(("code", "values"), ALONE, ids=lambda item: str(item)[:60])
def test_each_rule_turns_a_row_down_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: Code, values: dict[str, Any]
) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=30)
    write(chain, values)
    chain.sql.close()
    quick = results(chain.path, [(9, TENANT)])
    monkeypatch.setattr(scan, "quick_check", slowly)
    assert results(chain.path, [(9, TENANT)]) == quick
    assert code in {item[0] for item in quick["findings"]} | {Code.LINK for _ in quick["breaks"]}


def test_no_rule_is_without_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place in the rules that makes a problem is reached by a row above."""
    places = {
        (str(module.__file__), node.lineno)
        for module in (rules, entry)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
    }
    reached: set[tuple[str, int]] = set()

    class Noted(Finding):
        def __new__(cls, *values: Any, **named: Any) -> "Noted":
            caller = sys._getframe(1)
            reached.add((caller.f_code.co_filename, caller.f_lineno))
            return super().__new__(cls, *values, **named)

    for module in (rules, entry):
        monkeypatch.setattr(module, "Finding", Noted)
    chain = ChainFile.build(tmp_path / "a.db", rows=2)
    for _, values in ALONE:
        write(chain, values)
    results(chain.path, None)
    assert len(places) >= 9
    assert reached == places
