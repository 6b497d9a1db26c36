"""`tenant-admin tenants`, as a shell script meets it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.commands import common
from tests.app.services.chain.verify.chains import ChainFile
from tests.fixtures.appending import append
from tests.fixtures.command import run
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count


def test_it_says_how_each_stands_as_lines_and_as_json(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    assert run("verify", path).returncode == 0
    ask(
        path,
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES ('x', '\x1b', 'x', 1, 1)",
    )
    done = run("tenants", "list", path)
    assert done.returncode == 0 and "\x1b" not in done.stdout
    *lines, whole = done.stdout.splitlines()
    assert len(lines) == 4 and whole.startswith(f"4 tenants · {count(path, 'users')} users · 300 entries")
    assert any(
        line.startswith("acme-corp: ") and "; chain consistent; last activity 20" in line for line in lines
    )
    assert "1 user · 0 entries · 0 unread notifications · 0 active webhooks; chain no entries" in done.stdout
    found = json.loads(run("tenants", "list", path, "--json").stdout)
    assert sum(one["entries"] for one in found) == 300
    assert {one["chain"] for one in found} == {"CONSISTENT", None}


def test_what_is_wrong_with_all_chains_is_said_beside_those_of_each(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    assert run("verify", path).returncode == 0
    assert "All chains together" not in run("tenants", "list", path).stdout
    ask(path, "DELETE FROM audit_chain WHERE seq > 290")
    for counted, said in ((300, "Chain broken"), (290, "Older state, or cut off")):
        ask(path, "UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_chain'", counted)
        assert run("verify", path).returncode == 1
        lines = run("tenants", "list", path).stdout.splitlines()
        assert lines[-2].startswith(f"All chains together: {said}, verified 20")


def test_a_lost_end_is_said_of_its_tenant_and_what_was_verified_of_the_others(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    assert run("checkpoint", path).returncode == 0
    (owner,) = ask(path, "SELECT tenant_id FROM audit_chain ORDER BY seq LIMIT 1")[0]
    append(path, owner, 1)
    assert run("verify", path).returncode == 0
    ask(path, "DELETE FROM audit_chain WHERE seq > 300")
    ask(path, "UPDATE sqlite_sequence SET seq = 300 WHERE name = 'audit_chain'")
    assert run("verify", path, "--since-checkpoint").returncode == 1
    lines = [line for line in run("tenants", "list", path).stdout.splitlines() if "; chain " in line]
    said = {line.split(": ")[0]: line.split("; chain ")[1].split(";")[0] for line in lines}
    assert said.pop(owner) == "end lost" and {*said.values()} <= {"verified", "consistent"}
    found = json.loads(run("tenants", "list", path, "--json").stdout)
    assert {one["tenant"] for one in found if one["endLost"]} == {owner}
    assert None not in {one["verifiedAt"] for one in found}


def test_a_lost_end_is_said_of_a_tenant_that_alone_was_ever_verified(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    (owner, last), *_ = ask(path, "SELECT tenant_id, max(seq) FROM audit_chain GROUP BY 1 ORDER BY 2 DESC")
    assert run("verify", path, "--tenant", owner).returncode == 0
    assert "All chains together" not in run("tenants", "list", path).stdout
    ask(path, "DELETE FROM audit_chain WHERE seq = ?", last)
    ask(
        path, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain) WHERE name = 'audit_chain'"
    )
    said = run("tenants", "list", path).stdout.splitlines()
    assert [line.split(": ")[0] for line in said if "; chain end lost" in line] == [owner]
    assert said[-2].startswith("All chains together: Older state, or cut off; tenant-admin verify says")


def test_a_chain_of_which_nothing_is_left_is_broken(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    assert run("checkpoint", path).returncode == 0
    ask(path, "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp'")
    verified = run("verify", path, "--json")
    found = {one["tenant"]: one for one in json.loads(verified.stdout)["tenants"]}
    assert verified.returncode == 1 and [*found] == sorted(found)
    assert (found["acme-corp"]["verdict"], found["acme-corp"]["entries"]) == ("TAMPERED", 0)
    lines = run("tenants", "list", path).stdout.splitlines()
    assert any(one.startswith("acme-corp: ") and "; chain broken;" in one for one in lines)
    listed = json.loads(run("tenants", "list", path, "--json").stdout)
    assert {one["tenant"]: one["chain"] for one in listed}["acme-corp"] == "TAMPERED"


def test_one_is_exported_into_a_folder_of_its_own(tmp_path: Path) -> None:
    path, out = sample(tmp_path / "foundation.sqlite", rows=300), tmp_path / "acme"
    done = run("tenants", "export", path, "acme-corp", out)
    entries = count(path, "audit_chain", "acme-corp")
    assert done.returncode == 0 and f"audit chain: {entries} entries, CONSISTENT" in done.stdout
    assert sorted(one.name for one in out.iterdir()) == ["chain", "manifest.json", "tables"]
    again = run("tenants", "export", path, "acme-corp", out)
    assert again.returncode == 2 and "is not empty; choose a new folder" in again.stderr


def test_what_is_erased_is_dated_when_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a live database may wait, for its token and for a limit's end."""
    path, at, opened = sample(tmp_path / "foundation.sqlite", rows=300), [int(time.time())], common.opened

    def waits(*given: Any, **how: Any) -> Any:
        at[0] += 600
        return opened(*given, **how)

    monkeypatch.setattr(common, "clock", lambda: at[0])
    monkeypatch.setattr(common, "opened", waits)
    assert run("tenants", "erase", path, "acme-corp", "--confirm", "acme-corp").returncode == 0
    ((when,),) = ask(path, "SELECT created_at FROM audit_chain ORDER BY seq DESC LIMIT 1")
    assert when == at[0]


@pytest.mark.parametrize("kept", [True, False])
def test_entries_that_store_its_name_as_bytes_are_exported_beside_its_chain_and_said(
    tmp_path: Path, *, kept: bool
) -> None:
    """No chain has them, with and without `kept` entries that one has; `verify` finds them as well."""
    path, out = sample(tmp_path / "foundation.sqlite", rows=300), tmp_path / "acme"
    ((entries, last),) = ask(path, "SELECT count(*), max(seq) FROM audit_chain WHERE tenant_id = 'acme-corp'")
    which = f"tenant_id = 'acme-corp' AND seq >= {last if kept else 0}"
    ask(path, f"UPDATE audit_chain SET tenant_id = CAST(tenant_id AS BLOB) WHERE {which}")
    done = run("tenants", "export", path, "acme-corp", out)
    beside = 1 if kept else entries
    names = "audit entry names" if kept else "audit entries name"
    assert done.returncode == 1
    assert f"{beside:,} {names} it otherwise than as text, which no chain has" in done.stderr
    assert ("audit chain: " in done.stdout) == kept
    rows = [json.loads(line) for line in (out / "tables" / "audit_chain.jsonl").read_text().splitlines()]
    assert len(rows) == beside and rows[-1]["seq"] == last
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["tables"]["audit_chain"]["rows"] == beside
    assert (manifest["chain"] or {"entries": 0})["entries"] == entries - beside


def test_rows_that_store_its_name_as_bytes_go_with_all_of_it_and_are_in_no_list_of_its_own(
    tmp_path: Path,
) -> None:
    """As the help says."""
    path, out = sample(tmp_path / "foundation.sqlite", rows=300), tmp_path / "acme"
    (users,) = ask(path, "SELECT count(*) FROM users WHERE tenant_id = 'acme-corp'")[0]
    odd = "('odd', CAST('acme-corp' AS BLOB), 'odd@acme.example', NULL, 1, 1)"
    ask(path, f"{INTO_USERS}{odd}")
    listed = run("users", "list", path, tmp_path / "own.csv", "--tenant", "acme-corp").stdout
    of_all = run("users", "list", path, tmp_path / "all.csv")
    assert f"{users} users" in listed and "odd@acme.example" not in (tmp_path / "own.csv").read_text()
    assert of_all.returncode == 0 and "odd@acme.example" in (tmp_path / "all.csv").read_text()
    listed = run("tenants", "list", path, "--json").stdout
    assert {one["tenant"]: one["users"] for one in json.loads(listed)}["acme-corp"] == users + 1
    assert run("tenants", "export", path, "acme-corp", out).returncode == 0
    assert len((out / "tables" / "users.jsonl").read_text().splitlines()) == users + 1
    assert f"users: {users + 1} rows" in run("tenants", "erase", path, "acme-corp").stdout


@pytest.mark.slow
def test_one_is_erased_where_its_name_is_said_again(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    users, before = count(path, "users", "acme-corp"), path.read_bytes()
    asked = run("tenants", "erase", path, "acme-corp")
    assert asked.returncode == 2 and f"users: {users} rows" in asked.stdout
    assert "nothing was erased; to erase it, add --confirm acme-corp" in asked.stderr
    wrong = run("tenants", "erase", path, "acme-corp", "--confirm", "acme")
    assert wrong.returncode == 2 and path.read_bytes() == before
    done = run("tenants", "erase", path, "acme-corp", "--confirm", "acme-corp")
    assert done.returncode == 0 and "acme-corp is erased: " in done.stdout
    assert "the chains were verified afterwards" in done.stdout
    assert count(path, "users", "acme-corp") == 0
    (copy,) = tmp_path.glob("foundation.before-erasing.*.sqlite")
    assert count(copy, "users", "acme-corp") == users
    assert run("verify", path).returncode == 0
    assert run("tenants", "erase", "d1:prod", "acme-corp").returncode == 2


def test_after_a_verification_that_found_something_each_chain_is_what_that_said(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300, tenants=3)
    ask(path, "CREATE TABLE gone AS SELECT * FROM audit_chain WHERE seq > 200")
    ask(path, "DELETE FROM audit_chain WHERE seq > 200")
    ask(path, "UPDATE sqlite_sequence SET seq = 200 WHERE name = 'audit_chain'")
    assert run("checkpoint", path).returncode == 0
    ask(path, "INSERT INTO audit_chain SELECT * FROM gone")
    assert run("checkpoint", path).returncode == 0
    ask(path, "DELETE FROM audit_chain WHERE seq > 280")
    ask(path, "UPDATE sqlite_sequence SET seq = 280 WHERE name = 'audit_chain'")
    found = json.loads(run("verify", path, "--json").stdout)
    assert found["verdict"] == "EARLIER"
    said = {one["tenant"]: one["chain"] for one in json.loads(run("tenants", "list", path, "--json").stdout)}
    assert said == {one["tenant"]: one["verdict"] for one in found["tenants"]}


def test_ends_are_looked_for_and_of_whom_they_are_there_what_was_found_is_said(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    chain = ChainFile(path)
    first, second = (name for (name,) in ask(path, "SELECT DISTINCT tenant_id FROM audit_chain LIMIT 2"))
    for tenant in (first, first, second):
        chain.append(tenant, at=1_795_000_000)
    assert run("verify", path).returncode == 0
    chain.run("DELETE FROM audit_chain WHERE seq IN (301, 302)")
    chain.sql.close()
    for verified in ((), ("--tenant", second), ("--tenant", first)):
        if verified:
            assert run("verify", path, *verified).returncode == (verified[-1] == first)
        found = json.loads(run("tenants", "list", path, "--json").stdout)
        assert {one["tenant"] for one in found if one["endLost"]} == {first}
        assert {one["chain"] for one in found if one["tenant"] != first} == {"CONSISTENT"}


def test_what_a_checkpoint_covers_is_verified_also_where_nothing_is_new_since(tmp_path: Path) -> None:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    assert run("checkpoint", path).returncode == 0
    assert run("verify", path, "--since-checkpoint").returncode == 0
    found = json.loads(run("tenants", "list", path, "--json").stdout)
    assert {one["chain"] for one in found if one["entries"]} == {"VERIFIED"}
