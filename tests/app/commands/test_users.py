"""`tenant-admin users`, as a shell script meets it."""

import csv
import json
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from tests.fixtures.command import run
from tests.fixtures.gateway import create_gateway
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sample(tmp_path / "foundation.sqlite", rows=300)


def test_users_are_written_as_a_list_without_secrets(path: Path, tmp_path: Path) -> None:
    ask(path, "UPDATE users SET password_hash = '$argon2id$secret'")
    done = run("users", "list", path, tmp_path / "all.csv")
    assert done.returncode == 0 and done.stdout.strip().endswith(f"all.csv: {count(path, 'users')} users")
    text = (tmp_path / "all.csv").read_text()
    assert "argon2id" not in text
    assert len(list(csv.DictReader(text.splitlines()))) == count(path, "users")
    ((first, second),) = ask(path, "SELECT min(email), max(email) FROM users WHERE tenant_id = 'acme-corp'")
    asked = ("--tenant", "acme-corp", "--where", f"email={first}", "--where", f"email={second}")
    assert run("users", "list", path, tmp_path / "two.json", *asked).returncode == 0
    found = [json.loads(line) for line in (tmp_path / "two.json").read_text().splitlines()]
    assert {one["email"] for one in found} == {first, second}
    for wrong in ("password_hash=x", "nothing=x", "email"):
        refused = run("users", "list", path, tmp_path / "no.csv", "--where", wrong)
        assert refused.returncode == 2 and "have no column" in refused.stderr
    assert not (tmp_path / "no.csv").exists()
    ask(path, "DROP TABLE users")
    for act, other in (("list", "no.csv"), ("add", "all.csv")):
        refused = run("users", act, path, tmp_path / other)
        assert refused.returncode == 2 and "has no table of users" in refused.stderr


def test_what_a_column_holds_can_be_said(path: Path, tmp_path: Path) -> None:
    lines = tmp_path / "neu.csv"
    lines.write_text("Adresse;Mandant\nnew@acme.example;acme-corp\nother@acme.example;\n")
    assert "The tenant is missing" in run("users", "add", path, lines, "--dry-run").stderr
    lines.write_text("Adresse;Mandant\nnew@acme.example;acme-corp\n")
    assert run("users", "add", path, lines, "--dry-run").returncode == 0, "each is a tenant that is there"
    for said in ("tenant_id=Mandant", "tenant=mandant"):
        told = run("users", "add", path, lines, "--dry-run", "--column", said)
        assert (told.returncode, "1 user can be created, 0 lines" in told.stdout) == (0, True)
    for wrong, why in (("secret=Mandant", "can be filled"), ("tenant=X", "columns Adresse, Mandant")):
        refused = run("users", "add", path, lines, "--column", wrong)
        assert refused.returncode == 2 and why in refused.stderr
    refused = run("users", "add", path, lines, "--column", "tenant=Adresse")
    assert refused.returncode == 2 and "--column email=" in refused.stderr


@pytest.mark.parametrize("key", ["TEXT PRIMARY KEY", "TEXT"])
def test_a_tenant_is_there_that_only_the_platforms_own_table_has(tmp_path: Path, key: str) -> None:
    path, lines = create_gateway(tmp_path / "gateway.sqlite"), tmp_path / "new.csv"
    ask(path, f"CREATE TABLE Tenants (ID {key}, name TEXT)")
    ask(path, "INSERT INTO tenants VALUES ('carina', 'C'), (NULL, NULL)")
    assert "tenants (3): aurora, carina, default" in run("info", path).stdout
    lines.write_text("email,tenant_id\nx@x.example,carina\n")
    assert run("users", "add", path, lines).returncode == 0
    assert "tenants (3)" in run("info", path).stdout


@pytest.mark.slow
def test_those_of_a_list_are_created_in_one_act(path: Path, tmp_path: Path) -> None:
    lines, wrong, before = tmp_path / "new.csv", tmp_path / "wrong.csv", count(path, "users")
    lines.write_text(
        "email,tenant,password\nnew@acme.example,acme-corp,x\nnobody,acme-corp,\nx@y.example,elsewhere,\n"
    )
    tried = run("users", "add", path, lines, "--dry-run", "--new-tenants")
    assert tried.returncode == 1 and "2 users can be created, 1 line cannot" in tried.stdout
    assert "not taken: 1 column of the list, password" in tried.stderr
    assert "new tenant: elsewhere" in tried.stdout and "line 3: " in tried.stderr
    refused = run("users", "add", path, lines, "--wrong", wrong)
    assert refused.returncode == 1 and "nothing was created" in refused.stderr
    assert count(path, "users") == before and len(wrong.read_text().splitlines()) == 3
    done = run("users", "add", path, lines, "--skip-wrong")
    assert done.returncode == 1 and "1 user created in foundation.sqlite" in done.stdout
    assert count(path, "users") == before + 1
    ((kind, payload),) = ask(path, "SELECT event_type, payload FROM audit_chain ORDER BY seq DESC LIMIT 1")
    assert kind == "users_created" and json.loads(payload)["users"][0]["email"] == "new@acme.example"
    assert run("verify", path).returncode == 0
    again = run("users", "add", path, lines, "--skip-wrong")
    assert again.returncode == 1 and "0 users can be created, 3 lines cannot" in again.stdout
    assert run("users", "add", "d1:prod", lines).returncode == 2


def test_why_none_can_be_created_is_said(tmp_path: Path) -> None:
    lines, wide = tmp_path / "new.csv", tmp_path / "wide.sqlite"
    lines.write_text("email,tenant\nnew@acme.example,acme\n")
    with closing(apsw.Connection(str(wide))) as db:
        db.execute("PRAGMA encoding = 'UTF-16'; CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id, email)")
    done = run("users", "add", wide, lines, "--new-tenants")
    assert (done.returncode, done.stdout) == (2, "")
    assert "wide.sqlite cannot be written, because " in done.stderr and "UTF-16" in done.stderr
    assert run("users", "add", wide, lines, "--new-tenants", "--dry-run").returncode == 0


def test_none_are_created_where_the_end_of_the_chain_is_lost(path: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("email\nnew@example.org\n")
    assert run("verify", path).returncode == 0
    ask(path, "DELETE FROM audit_chain WHERE seq > 290")
    ask(path, "UPDATE sqlite_sequence SET seq = 290 WHERE name = 'audit_chain'")
    before = count(path, "users")
    add = ("users", "add", path, tmp_path / "new.csv", "--tenant", "acme-corp")
    refused = run(*add)
    assert refused.returncode == 2 and count(path, "users") == before
    assert "foundation.sqlite was verified through entry 300, and ends at entry 290 now" in refused.stderr
    assert "If you know why: tenant-admin verify --accept-end" in refused.stderr
    assert [run("verify", path, "--accept-end").returncode for _ in range(2)] == [1, 0]  # it is shown first
    assert run(*add).returncode == 0 and count(path, "users") == before + 1
