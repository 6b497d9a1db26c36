"""The quick check says nothing of its own: without it, every result is the same."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.verify import source
from app.services.chain.verify.scan import RangeScan
from tests.app.services.chain.verify.chains import ChainFile
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
    first, last = connection.execute("SELECT min(seq), max(seq) FROM audit_chain").fetchone()
    try:
        return RangeScan(connection, "utf-8", first, last, now=NOW, marks=marks).run()
    finally:
        connection.close()


def slowly(self: RangeScan) -> Callable[..., bool]:
    return lambda *row: False


@pytest.mark.parametrize("marks", [None, MARKS])
@pytest.mark.parametrize("seed", range(20))
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
    monkeypatch.setattr(RangeScan, "_quick_check", slowly)
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
            patch.setattr(RangeScan, "_quick_check", slowly)
            assert results(copy, [(9, "tenant-01")]) == quick, damage
        assert quick["findings"] or quick["breaks"] or "audit_pruned" in damage or "''" in damage, damage
        chain.sql.close()
        chain.path.unlink()
        chain = ChainFile.build(tmp_path / "a.db", rows=6, tenants=2)
