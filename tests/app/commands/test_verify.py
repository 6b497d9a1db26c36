"""`tenant-admin verify` as a shell script meets it."""

import json
from pathlib import Path

import apsw
import pytest

from tests.fixtures.command import run


def test_a_demo_file_verifies(demo: Path) -> None:
    done = run("verify", demo, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(report) == {"verdict", "entries", "seconds", "findings", "tenants"}
    assert (report["verdict"], report["entries"], report["findings"]) == ("CONSISTENT", 600, [])
    assert sum(tenant["entries"] for tenant in report["tenants"]) == 600
    assert set(report["tenants"][0]) == {
        "tenant", "verdict", "entries", "firstSeq", "lastSeq", "head", "anchor", "unwitnessed"
    }  # fmt: skip


def test_one_tenant_is_verified_alone(demo: Path) -> None:
    done = run("verify", demo, "--tenant", "acme-corp", "--json")
    assert [tenant["tenant"] for tenant in json.loads(done.stdout)["tenants"]] == ["acme-corp"]
    assert "600" not in run("verify", demo, "--tenant", "acme-corp").stdout


def test_a_range_is_verified_alone(demo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "changed.sqlite"
    apsw.Connection(str(demo)).execute("VACUUM INTO ?", (str(copy),))
    apsw.Connection(str(copy)).execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    sound = run("verify", copy, "--from", 101, "--to", 200, "--json")
    assert (sound.returncode, json.loads(sound.stdout)["entries"]) == (0, 100)
    assert run("verify", copy, "--from", 31, "--to", 60).returncode == 1


def test_a_changed_payload_is_found_and_exits_1(demo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "changed.sqlite"
    apsw.Connection(str(demo)).execute("VACUUM INTO ?", (str(copy),))
    apsw.Connection(str(copy)).execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    done = run("verify", copy, "--json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert set(finding) == {"code", "tenant", "seq", "expected", "actual", "message"}
    assert (finding["code"], finding["seq"]) == ("HASH", 40)
    assert "HASH" in run("verify", copy).stdout


@pytest.mark.parametrize("arguments", [("--tenant", "acme-crop"), ("--from", 700, "--to", 900)])
def test_a_part_that_holds_nothing_is_more_likely_mistyped(demo: Path, arguments: tuple[object, ...]) -> None:
    done = run("verify", demo, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no audit entries" in done.stderr and "check the" in done.stderr
