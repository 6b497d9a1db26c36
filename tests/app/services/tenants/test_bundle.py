"""All that a tenant has, in a folder: what is in it and what is not; it is there whole or not at all."""

import json
import resource
import subprocess
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.append import Batch, Event, append
from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints import making
from app.services.chain.rules import Verdict
from app.services.chain.where import InDatabase, InFile, Where
from app.services.records import users
from app.services.tenants.bundle import TenantExported
from app.workers.scan_pool import store_and_verifier
from app.workers.tenants import export_tenant
from models.engine import Database
from models.errors import Cancelled, FileTooLarge, InvalidInput
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count

SECRET = "planted-marker-of-a-secret"
HASH, DIGEST = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "ab" * 32
TENANT = "acme-corp"
MORE = f"""
UPDATE users SET password_hash = '{SECRET}';
UPDATE webhook_destinations SET secret = '{SECRET}', url = 'https://h.example/{SECRET}';
CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT, api_token TEXT);
INSERT INTO tenants VALUES ('{TENANT}', 'Acme', '{SECRET}'), ('other', 'Other', '{SECRET}');
CREATE TABLE logins (tenant_id TEXT, login TEXT, hash TEXT, note TEXT);
INSERT INTO logins VALUES ('{TENANT}', 'ada', '{SECRET}', 'was {HASH}');
INSERT INTO logins VALUES ('{TENANT}', 'eve', NULL, '{DIGEST}');
CREATE TABLE settings (tenant_id TEXT, name TEXT, value TEXT);
INSERT INTO settings VALUES
  ('{TENANT}', 'smtp_password', '{SECRET}'), ('{TENANT}', 'smtp_host', 'mail.example'),
  ('{TENANT}', CAST('db_password' AS BLOB), '{SECRET}');
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


def check(out: Path, *how: str) -> tuple[int, str]:
    """What the stand-alone verifier in the folder says, and its exit code."""
    verify = [sys.executable, str(out / "chain" / "verify_bundle.py"), *how]
    checked = subprocess.run(verify, check=False, capture_output=True, text=True)
    return checked.returncode, checked.stdout + checked.stderr


def add(path: Path, tenant: str, *, at: int) -> None:
    """One more entry of its chain."""
    database = LocalDatabase(path)
    with database.connection_context():
        append(database, lambda: Batch((), (Event(tenant, "user_created", {}),)), now=at)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_all_that_it_has_is_there_and_nothing_of_others(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ask(path, "CREATE VIRTUAL TABLE seen USING fts5(tenant_id, body)")
    ask(path, "INSERT INTO seen VALUES (?1, 'text'), (CAST(?1 AS BLOB), 'text'), ('other', 'text')", TENANT)
    done = export(InFile(path), out)
    manifest = json.loads((out / "manifest.json").read_text())
    entries = count(path, "audit_chain", TENANT)
    assert (done.entries, done.rows["users"], done.holds) == (entries, count(path, "users", TENANT), True)
    assert manifest["tables"].keys() == done.rows.keys()
    assert manifest["chain"] == {
        "folder": "chain",
        "entries": entries,
        "verdict": "CONSISTENT",
        "checkpoints": 0,
        "checkpointsAre": "none knew this chain",
        "namesOtherTenants": None,
    }
    assert "planning_runs" in manifest["ofNoTenant"]
    assert not [name for name in manifest["ofNoTenant"] if name.startswith("seen")]
    assert manifest["virtualTables"] == {"seen": {"rowsLeftOut": 2}} and done.virtual == {"seen": 2}
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
    assert "url" in manifest["tables"]["webhook_destinations"]["urlsCutToHost"]
    assert manifest["tables"]["tenants"]["secretsLeftOut"] == ["api_token"]
    assert manifest["tables"]["logins"]["secretsLeftOut"] == ["hash"]
    told = [row["value"] for row in lines(out / manifest["tables"]["settings"]["file"])]
    assert told == ["…", "mail.example", "…"]
    notes = [row["note"] for row in lines(out / manifest["tables"]["logins"]["file"])]
    assert notes == ["was [password hash]", "[password hash]"]
    files = {item.relative_to(out).as_posix(): item for item in out.rglob("*") if item.is_file()}
    assert manifest["sha256"] == {
        name: sha256(item.read_bytes()).hexdigest() for name, item in files.items() if name != "manifest.json"
    }
    assert not [name for name, item in files.items() if SECRET.encode() in item.read_bytes()]
    assert {item.stat().st_mode & 0o77 for item in (out, *out.rglob("*"))} == {0}
    code, said = check(out)
    assert (code, "anybody can have written all of it: no checkpoint counts here" in said) == (3, True)


@pytest.mark.slow
def test_what_checkpoints_knew_is_proven_without_a_name_of_others(path: Path, tmp_path: Path) -> None:
    planted = {name for (name,) in ask(path, "SELECT DISTINCT tenant_id FROM audit_chain")} - {TENANT}
    assert len(planted) > 1
    store, verify = store_and_verifier(take_part=True)
    where = InFile(path)
    for at in (NOW - 500, NOW - 100):
        making.verify_and_sign(where, store, verify, now=at, by="mei", reason=Reason.VERIFY)
        add(path, TENANT, at=at + 10)
    out = tmp_path / "out"
    done = export(where, out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert str(done.verdict) == manifest["chain"]["verdict"] == "VERIFIED" and not done.unsigned
    assert manifest["chain"]["checkpoints"] == 2
    assert "signed again at this export" in manifest["chain"]["checkpointsAre"]
    files = [item for item in out.rglob("*") if item.is_file()]
    for name in planted:  # the own entries may name others: none of these does
        assert not [item.name for item in files if name.encode() in item.read_bytes()], name
    code, said = check(out, "--key", store.checkpoints(where)[0].key)
    assert code == 0 and "By this bundle alone: VERIFIED." in said, said
    told = json.loads((out / "chain" / "checkpoints.json").read_text())["checkpoints"]
    (first, last), real = told, store.checkpoints(where)
    assert [one["at"] for one in told] == [one.at for one in real] and first["reason"] == "extract"
    assert first["database"] not in {one.database for one in real} and last["tenants"].keys() == {TENANT}
    checked = Checkpoint.from_json(first)
    assert checked.signature_holds() and checked.tenants[TENANT] == real[0].tenants[TENANT]
    assert last["previous"] == checked.hash

    # the tables beside it, by their manifest; and it is found in its folder
    table = out / "tables" / "users.jsonl"
    kept = table.read_bytes()
    assert "files of the export are as its manifest tells, which nobody has signed" in said
    assert check(out, str(out))[0] == 3 and "is no bundle's folder" in check(out, str(table))[1]
    table.write_bytes(kept.replace(b"@", b"%"))
    code, said = check(out)
    assert (code, "'tables/users.jsonl' is not what the export's manifest tells of" in said) == (1, True)
    table.write_bytes(kept)

    # what was known is held against the rows, and what was said of it cannot be another
    rows = out / "chain" / "rows.jsonl"
    kept = rows.read_bytes()
    rows.write_bytes(b"".join(kept.splitlines(keepends=True)[:-3]))
    assert "is not the one that checkpoint 2 knew" in check(out)[1]
    rows.write_bytes(kept)
    (out / "chain" / "checkpoints.json").write_text(json.dumps({"checkpoints": [first | {"at": 1}, last]}))
    assert "checkpoint 1 was changed after it was signed" in check(out)[1]


def test_a_chain_that_lost_its_end_names_no_other_either(path: Path, tmp_path: Path) -> None:
    store, verify = store_and_verifier(take_part=True)
    where = InFile(path)
    making.verify_and_sign(where, store, verify, now=NOW, by="mei", reason=Reason.VERIFY)
    others = {name for (name,) in ask(path, "SELECT DISTINCT tenant_id FROM audit_chain")} - {TENANT}
    other = sorted(others)[0]
    own = "SELECT {} FROM audit_chain WHERE tenant_id = ?"
    ask(path, f"DELETE FROM audit_chain WHERE seq = ({own.format('max(seq)')})", TENANT)
    # and its first entry is another's now
    ask(path, f"DELETE FROM audit_chain WHERE seq = ({own.format('min(seq)')})", other)
    ask(path, f"UPDATE audit_chain SET tenant_id = ? WHERE seq = ({own.format('min(seq)')})", other, TENANT)
    out = tmp_path / "out"
    done = export(where, out)
    assert str(done.verdict) == "TAMPERED"
    for item in (one for one in out.rglob("*") if one.is_file()):
        assert not [name for name in others if name.encode() in item.read_bytes()], item
    assert check(out)[0] == 1


@pytest.mark.slow
def test_an_end_that_is_known_to_be_lost_is_said_of_what_is_exported(path: Path, tmp_path: Path) -> None:
    store, verify = store_and_verifier(take_part=True)
    where = InFile(path)
    for at in (NOW, NOW + 1):
        making.verify_with_checkpoints(where, store, verify, now=at, by="mei")
        ask(path, "DELETE FROM audit_chain WHERE seq > (SELECT max(seq) FROM audit_chain) - 5")
        ask(path, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    done = export(where, tmp_path / "out")
    assert (str(done.verdict), done.holds) == ("CONSISTENT", False) and done.lost_end is not None
    code, said = check(tmp_path / "out")
    assert (code, "Its end is lost" in said) == (1, True)


@pytest.mark.slow
def test_what_another_tenant_has_lost_and_what_is_there_is_not_said_to_be_lost(
    path: Path, tmp_path: Path
) -> None:
    store, verify = store_and_verifier(take_part=True)
    where, other = InFile(path), "borealis-labs"
    for number, (tenant, of_other) in enumerate(
        [
            (
                TENANT,
                "UPDATE audit_chain SET payload = '{}' WHERE seq = (SELECT min(seq) FROM audit_chain {})",
            ),
            (other, "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain {})"),
        ]
    ):
        add(path, tenant, at=NOW)
        making.verify_with_checkpoints(where, store, verify, now=NOW, by="mei")
        ask(path, of_other.replace("{})", f"WHERE tenant_id = '{other}')"))
        ask(path, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
        making.verify_with_checkpoints(where, store, verify, now=NOW + 1, by="mei")
        assert export(where, tmp_path / str(number)).lost_end is None


@pytest.mark.parametrize("others", ["as they were", "longer"])
def test_an_earlier_state_is_one_in_the_bundle_as_it_is_of_the_whole(
    path: Path, tmp_path: Path, others: str
) -> None:
    own = store_and_verifier()
    sign = partial(making.verify_and_sign, InFile(path), *own, now=NOW, reason=Reason.VERIFY)
    sign()
    older = path.read_bytes()
    for tenant in (TENANT, "borealis-labs"):
        add(path, tenant, at=NOW)
    sign()
    path.write_bytes(older)
    if others == "longer":
        add(path, "borealis-labs", at=NOW + 1)
    expected = Verdict.TAMPERED if others == "longer" else Verdict.EARLIER
    whole = making.verify_with_checkpoints(InFile(path), *own, now=NOW)
    of_it = {one.tenant: one.verdict for one in whole.tenants}[TENANT]
    out = tmp_path / "out"
    assert export(InFile(path), out).verdict is of_it is expected
    page = (out / "chain" / "report.html").read_text()
    assert f"'verdict {of_it}'" in page and "borealis" not in page
    if others != "longer":
        assert "later ones, up to checkpoint 2, knew 1 more entry." in page
        assert "EARLIER; by this bundle alone, that is so" in check(out)[1]


@pytest.mark.parametrize("other", ["of", "2", "Secret Client GmbH " * 20, b"caf\xe9-secret", "{tenant}"])
def test_another_whose_name_is_a_word_is_hidden_where_it_is_named_and_nowhere_else(
    path: Path, tmp_path: Path, other: str | bytes
) -> None:
    stored = other.encode() if isinstance(other, str) else other
    ask(path, "UPDATE audit_chain SET tenant_id = CAST(? AS TEXT) WHERE tenant_id = 'globex'", stored)
    of = "(SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq LIMIT 3 OFFSET 6)"
    ask(path, f"UPDATE audit_chain SET tenant_id = CAST(? AS TEXT) WHERE seq IN {of}", stored, TENANT)
    first = "(SELECT min(seq) FROM audit_chain WHERE tenant_id = ?)"
    ask(path, f"DELETE FROM audit_chain WHERE seq = {first}", TENANT)
    out = tmp_path / "out"
    assert str(export(InFile(path), out).verdict) == "TAMPERED"
    told = json.loads((out / "chain" / "findings.json").read_text())["findings"]
    assert [one["message"] for one in told] == [
        f"The chain of {TENANT} holds from entry 5 on; nothing in the file proves what came before.",
        f"Entry 14 of {TENANT} continues entry 13, which is stored under another tenant.",
    ]
    if len(stored) > 8:
        for item in (one for one in out.rglob("*") if one.is_file()):
            assert stored.strip() not in item.read_bytes(), item


def test_a_number_for_a_tenant_is_its_name(path: Path, tmp_path: Path) -> None:
    ask(path, "CREATE TABLE loose (tenant_id, what)")
    stored: list[Any] = ["42", 42, b"42", 42.0, "042"]
    for value in stored:
        ask(path, "INSERT INTO loose VALUES (?, typeof(?))", value, value)
    ask(path, "UPDATE users SET tenant_id = '42' WHERE tenant_id = 'globex'")
    for tenant, its in (("42", ["text", "integer", "blob"]), ("42.0", ["real"])):
        out = tmp_path / tenant
        done = export(InFile(path), out, tenant)
        assert done.rows["loose"] == len(its)
        assert [row["what"] for row in lines(out / "tables" / "loose.jsonl")] == its


def test_entries_that_name_another_are_said_to(path: Path, tmp_path: Path) -> None:
    database = LocalDatabase(path)
    user = ask(path, "SELECT id FROM users WHERE tenant_id = ?", TENANT)[0][0]
    with database.connection_context():
        users.move(database, [user], "globex", actor="mei", now=NOW)
    out = tmp_path / "out"
    done = export(InFile(path), out)
    (seq,) = ask(path, "SELECT max(seq) FROM audit_chain WHERE tenant_id = ?", TENANT)[0]
    told = json.loads((out / "manifest.json").read_text())["chain"]["namesOtherTenants"]
    assert (done.names_others, told["entries"], told["seqs"]) == (1, 1, [seq]) and "was moved" in told["why"]


def test_a_live_one_gives_the_same(engine: Database, database: LocalDatabase, tmp_path: Path) -> None:
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
    with pytest.raises(InvalidInput, match="Where the bytes of a name are no text"):
        export(InFile(path), tmp_path / "none", "caf\ufffd")
    assert sorted(tmp_path.iterdir()) == before


def test_a_table_that_is_no_chain_is_exported_as_any_other(path: Path, tmp_path: Path) -> None:
    ask(path, "DROP TABLE audit_chain")
    ask(path, "CREATE TABLE audit_chain (id INTEGER PRIMARY KEY, tenant_id TEXT, note TEXT)")
    ask(path, "INSERT INTO audit_chain (tenant_id, note) VALUES (?, 'kept')", TENANT)
    done = export(InFile(path), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert done.verdict is None and done.rows["audit_chain"] == 1
    assert "has no column seq, so it is not the platform's" in done.no_chain == manifest["noChain"]
    (row,) = lines(tmp_path / "out" / manifest["tables"]["audit_chain"]["file"])
    assert row == {"id": 1, "tenant_id": TENANT, "note": "kept"}


@pytest.mark.slow
def test_it_is_there_whole_or_not_at_all(path: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(InvalidInput, match="not empty"):
        export(InFile(path), tmp_path / "used")
    with pytest.raises(Cancelled):
        export(InFile(path), tmp_path / "out", monitor=Monitor(cancelled=lambda: True))
    assert [one.name for one in tmp_path.iterdir() if one.is_dir()] == ["used"]
    (tmp_path / "empty").mkdir()
    assert export(InFile(path), tmp_path / "empty").count > 0


def test_what_fails_in_writing_is_said_of_the_folder(path: Path, tmp_path: Path) -> None:
    """The file may lie on a disk that has room."""
    ask(path, "UPDATE users SET email = CAST(zeroblob(1000000) AS TEXT) WHERE rowid = 1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(FileTooLarge, match=r"^folder could not be written"):
            export(InFile(path), tmp_path / "folder", ask(path, "SELECT tenant_id FROM users")[0][0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "folder").exists()


@pytest.mark.slow
def test_a_chain_that_does_not_hold_is_exported_and_said_to_be_so(path: Path, tmp_path: Path) -> None:
    ask(
        path,
        f"UPDATE audit_chain SET payload = '{{}}' WHERE seq = (SELECT max(seq) FROM audit_chain "
        f"WHERE tenant_id = '{TENANT}')",
    )
    done = export(InFile(path), tmp_path / "out")
    assert not done.holds and str(done.verdict) == "TAMPERED"
