"""`tenant-admin checkpoint` as a shell script meets it."""

import json
from pathlib import Path

import apsw

from tests.fixtures.command import run


def test_a_checkpoint_shows_what_a_later_verification_misses(demo: Path, tmp_path: Path) -> None:
    home, copy, export = tmp_path / "home", tmp_path / "copy.sqlite", tmp_path / "checkpoints.json"
    apsw.Connection(str(demo)).execute("VACUUM INTO ?", (str(copy),))
    made = run("checkpoint", copy, "--export", export, home=home)
    assert made.returncode == 0
    assert "600 entries signed" in made.stdout
    assert json.loads(run("verify", copy, "--json", home=home).stdout)["verdict"] == "VERIFIED"
    apsw.Connection(str(copy)).execute("DELETE FROM audit_chain WHERE seq > 590")
    for arguments in ([], ["--checkpoints", export]):
        found = run("verify", copy, "--json", *arguments, home=home)
        assert found.returncode == 1
        assert "TRUNCATED" in {finding["code"] for finding in json.loads(found.stdout)["findings"]}
    refused = run("checkpoint", copy, home=home)
    assert refused.returncode == 1
    assert "no checkpoint was made" in refused.stderr


def test_a_checkpoint_of_an_unproven_start_says_so(demo: Path, tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy.sqlite"
    apsw.Connection(str(demo)).execute("VACUUM INTO ?", (str(copy),))
    cut = "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp' AND seq < ?"
    apsw.Connection(str(copy)).execute(cut, (100,))
    made = run("checkpoint", copy, home=home)
    assert (made.returncode, "checkpoint 1" in made.stdout) == (1, True)
    assert "nothing proves what came before the start of acme-corp" in made.stderr
    apsw.Connection(str(copy)).execute(cut, (200,))
    refused = run("checkpoint", copy, home=home)
    assert refused.returncode == 1
    assert "checkpoint 1 knew it from entry" in refused.stderr


def test_checkpoints_travel_to_another_machine(demo: Path, tmp_path: Path) -> None:
    export = tmp_path / "checkpoints.json"
    run("checkpoint", demo, "--export", export, home=tmp_path / "here")
    there = tmp_path / "there"
    assert json.loads(run("verify", demo, "--json", home=there).stdout)["verdict"] == "CONSISTENT"
    assert run("checkpoint", demo, "--import", export, home=there).returncode == 0
    assert json.loads(run("verify", demo, "--json", home=there).stdout)["verdict"] == "VERIFIED"


def test_nothing_to_sign_is_no_failure(tmp_path: Path) -> None:
    run("migrate", tmp_path / "new.sqlite")
    done = run("checkpoint", tmp_path / "new.sqlite")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "There are no audit entries yet, so there is nothing to sign.\n"
