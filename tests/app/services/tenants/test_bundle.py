"""All that a tenant has, in a folder: what is in it and what is not; it is there whole or not at all."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.where import InFile, Where
from app.services.tenants.bundle import TenantExported
from app.workers.scan_pool import store_and_verifier
from app.workers.tenants import export_tenant
from models.engine import Database
from models.errors import Cancelled, InvalidInput
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count

SECRET = "planted-marker-of-a-secret"
TENANT = "acme-corp"
MORE = f"""
UPDATE users SET password_hash = '{SECRET}';
UPDATE webhook_destinations SET secret = '{SECRET}', url = 'https://h.example/{SECRET}';
CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT, api_token TEXT);
INSERT INTO tenants VALUES ('{TENANT}', 'Acme', '{SECRET}'), ('other', 'Other', '{SECRET}');
CREATE TABLE "odd/../name" (id INTEGER PRIMARY KEY, of TEXT REFERENCES users (id), value);
INSERT INTO "odd/../name" (of, value) SELECT id, x'00ff' FROM users WHERE tenant_id = '{TENANT}' LIMIT 1;
INSERT INTO "odd/../name" (of, value) SELECT id, 9e999 FROM users WHERE tenant_id = '{TENANT}' LIMIT 1;
INSERT INTO "odd/../name" (of, value) SELECT id, 1.0 FROM users WHERE tenant_id = '{TENANT}' LIMIT 1;
INSERT INTO "odd/../name" (of, value) SELECT id, CAST(x'ff' AS TEXT) FROM users
  WHERE tenant_id = '{TENANT}' LIMIT 1;
INSERT INTO "odd/../name" (of, value) SELECT id, 'none' FROM users WHERE tenant_id <> '{TENANT}' LIMIT 1;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    for sql in MORE.split(";"):
        ask(path, sql)
    return path


def export(where: Where, folder: Path, tenant: str = TENANT, **how: Any) -> TenantExported:
    own = store_and_verifier(take_part=True)
    how = {"in_child": False, "now": NOW, "by": "mei", **how}
    return export_tenant(where, tenant, folder, *own, **how)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_all_that_it_has_is_there_and_nothing_of_others(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = export(InFile(path), out)
    manifest = json.loads((out / "manifest.json").read_text())
    entries = count(path, "audit_chain", TENANT)
    assert (done.entries, done.rows["users"], done.holds) == (entries, count(path, "users", TENANT), True)
    assert manifest["tables"].keys() == done.rows.keys()
    assert manifest["chain"] == {"folder": "chain", "entries": entries, "verdict": "CONSISTENT"}
    assert "planning_runs" in manifest["ofNoTenant"]
    for name, told in manifest["tables"].items():
        rows = lines(out / told["file"])
        assert len(rows) == told["rows"] == done.rows[name]
        assert {row.get("tenant_id", TENANT) for row in rows} == {TENANT}
    (own,) = lines(out / manifest["tables"]["tenants"]["file"])
    assert own == {"id": TENANT, "name": "Acme"}
    odd = lines(out / manifest["tables"]["odd/../name"]["file"])
    assert [row["value"] for row in odd] == ["x'00ff'", "9e999", 1.0, "CAST(x'ff' AS TEXT)"]
    assert type(odd[2]["value"]) is float
    assert manifest["tables"]["users"]["secretsLeftOut"] == ["password_hash"]
    assert manifest["tables"]["tenants"]["secretsLeftOut"] == ["api_token"]
    files = {item.relative_to(out).as_posix(): item for item in out.rglob("*") if item.is_file()}
    assert manifest["sha256"] == {
        name: sha256(item.read_bytes()).hexdigest() for name, item in files.items() if name != "manifest.json"
    }
    assert not [name for name, item in files.items() if SECRET.encode() in item.read_bytes()]
    assert {item.stat().st_mode & 0o77 for item in (out, *out.rglob("*"))} == {0}
    verify = [sys.executable, str(out / "chain" / "verify_bundle.py")]
    checked = subprocess.run(verify, check=False, capture_output=True)
    assert checked.returncode == 0, checked.stdout


def test_a_live_one_gives_the_same(engine: Database, database: LocalDatabase, tmp_path: Path) -> None:
    from app.services.chain.append import Batch, Event, append
    from app.services.chain.where import InDatabase

    database.execute_sql(
        INTO_USERS + f"('u1', 'acme', 'é@x.example', 'x', 9007199254740993, {NOW}), "
        f"('u2', 'globex', 'b@x.example', NULL, {NOW}, {NOW})"
    )
    for tenant in ("acme", "globex"):
        append(database, lambda: Batch((), (Event(tenant, "user_created", {}),)), now=NOW)  # noqa: B023
    told: list[int] = []
    done = export(InDatabase(engine), tmp_path / "out", "acme", before=told.append)
    assert done.rows == {"users": 1} and done.entries == 1
    (row,) = lines(tmp_path / "out" / "tables" / "users.jsonl")
    assert (row["email"], row["created_at"]) == ("é@x.example", 9007199254740993)
    assert bool(told) and told[0] > 0


@pytest.mark.slow
def test_a_child_writes_the_same(path: Path, tmp_path: Path) -> None:
    own, others = tmp_path / "own", tmp_path / "by a child"
    shown: list[tuple[int, int]] = []
    assert export(InFile(path), own) == export(
        InFile(path), others, in_child=True, monitor=Monitor(lambda done, total: shown.append((done, total)))
    )
    assert shown
    for file in (own / "tables").iterdir():
        assert file.read_bytes() == (others / "tables" / file.name).read_bytes()


@pytest.mark.slow
def test_one_without_a_chain_and_one_that_is_not_there(path: Path, tmp_path: Path) -> None:
    done = export(InFile(path), tmp_path / "out", "other")
    assert (done.rows, done.entries, done.verdict) == ({"tenants": 1}, 0, None)
    assert not (tmp_path / "out" / "chain").exists()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidInput, match="holds nothing of nobody"):
        export(InFile(path), tmp_path / "none", "nobody")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_it_is_there_whole_or_not_at_all(path: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(InvalidInput, match="not empty"):
        export(InFile(path), tmp_path / "used")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        export(InFile(path), tmp_path / "out", monitor=Monitor(cancelled=lambda: True))
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "empty").mkdir()
    assert export(InFile(path), tmp_path / "empty").count > 0


@pytest.mark.slow
def test_a_chain_that_does_not_hold_is_exported_and_said_to_be_so(path: Path, tmp_path: Path) -> None:
    ask(
        path,
        f"UPDATE audit_chain SET payload = '{{}}' WHERE seq = (SELECT max(seq) FROM audit_chain "
        f"WHERE tenant_id = '{TENANT}')",
    )
    done = export(InFile(path), tmp_path / "out")
    assert not done.holds and str(done.verdict) == "TAMPERED"
