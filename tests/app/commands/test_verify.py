"""`tenant-admin verify` and `checkpoint` as a shell script meets them."""

import json
import pwd
import shutil
from pathlib import Path

import apsw
import pytest

from app import paths
from tests.app.services.chain.verify.chains import ChainFile
from tests.fixtures.appending import append
from tests.fixtures.command import run
from tests.fixtures.connected import execute


def test_a_demo_file_verifies(demo: Path) -> None:
    done = run("verify", demo, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(report) == {"verdict", "undecided", "entries", "seconds", "findings", "tenants"}
    assert (report["verdict"], report["entries"], report["findings"]) == ("CONSISTENT", 600, [])
    assert sum(tenant["entries"] for tenant in report["tenants"]) == 600
    assert set(report["tenants"][0]) == {
        "tenant", "verdict", "entries", "firstSeq", "lastSeq", "head", "anchor", "unwitnessed"
    }  # fmt: skip


def test_an_end_that_is_gone_is_a_finding_of_its_own_until_that_is_accepted(copy: Path) -> None:
    assert run("verify", copy).returncode == 0
    execute(copy, "DELETE FROM audit_chain WHERE seq > 590", "UPDATE sqlite_sequence SET seq = 590")
    for command in ("verify", "checkpoint"):
        done = run(command, copy)
        assert done.returncode == 1 and "CONSISTENT, end lost: 590 entries in " in done.stdout
        assert "if you know why: tenant-admin verify --accept-end" in done.stderr
        assert ("no checkpoint was made\n" in done.stderr) is (command == "checkpoint")
    told = run("verify", copy, "--json")
    lost = json.loads(told.stdout)["lostEnd"]
    assert told.returncode == 1 and (lost["verifiedThrough"], lost["endsAt"]) == (600, 590)
    part = run("verify", copy, "--accept-end", "--tenant", "acme-corp")
    assert part.returncode == 2 and "--accept-end is said of the whole file" in part.stderr
    done = run("verify", copy, "--accept-end")
    accepted = (
        "Accepted: it was verified through entry 600 before, and ends at entry 590 now: "
        "up to 10 entries are gone, 591 to 600."
    )
    assert done.returncode == 0 and accepted in done.stdout
    assert run("verify", copy, "--quiet").stdout == "" and run("checkpoint", copy).returncode == 0


@pytest.mark.parametrize("is_shown", [True, False])
def test_no_end_is_accepted_but_what_was_shown_and_all_of_it_is_said(copy: Path, is_shown: bool) -> None:
    assert run("verify", copy).returncode == 0
    chain = ChainFile(copy)
    found = chain.sql.execute("SELECT DISTINCT tenant_id FROM audit_chain").fetchall()
    tenants = sorted(str(name) for (name,) in found)
    for tenant in tenants[:2]:
        chain.run("DELETE FROM audit_chain WHERE seq = ?", chain.seqs(tenant)[-1])
        chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
        if is_shown and tenant == tenants[0]:
            assert run("verify", copy).returncode == 1
    chain.append(tenants[2])
    if is_shown:
        done = run("verify", copy, "--accept-end")
        assert (
            done.returncode == 1 and "This end was not accepted: more is gone than was shown" in done.stdout
        )
        assert json.loads(run("verify", copy, "--json").stdout)["lostEnd"]["tenants"] == tenants[:2]
    else:
        done = run("verify", copy, "--accept-end")
        assert done.returncode == 1 and "no end was accepted: it was not shown before" in done.stderr
    accepted = shutil.copytree(paths.checkpoints_dir(), copy.parent / "kept")
    done = run("verify", copy, "--accept-end")
    assert done.returncode == 0 and f"Accepted of {', '.join(tenants[:2])}.\n" in done.stdout
    for options in (("--json",), ("--quiet",)):
        shutil.rmtree(paths.checkpoints_dir())
        shutil.copytree(accepted, paths.checkpoints_dir())
        done = run("verify", copy, "--accept-end", *options)
        assert done.returncode == 0
        if options == ("--quiet",):
            assert not done.stdout and f"Accepted of {', '.join(tenants[:2])}.\n" in done.stderr
        else:
            report = json.loads(done.stdout)
            assert "lostEnd" not in report and report["acceptedEnd"]["tenants"] == tenants[:2]


@pytest.mark.parametrize("end", [595, 580])
def test_an_end_that_a_checkpoint_knows_is_not_to_be_accepted(copy: Path, end: int) -> None:
    execute(copy, "CREATE TABLE gone AS SELECT * FROM audit_chain WHERE seq > 590")
    execute(copy, "DELETE FROM audit_chain WHERE seq > 590", "UPDATE sqlite_sequence SET seq = 590")
    assert run("checkpoint", copy).returncode == 0
    execute(copy, "INSERT INTO audit_chain SELECT * FROM gone")
    assert run("checkpoint", copy).returncode == 0
    execute(copy, f"DELETE FROM audit_chain WHERE seq > {end}", f"UPDATE sqlite_sequence SET seq = {end}")
    done = run("verify", copy, "--accept-end")
    assert done.returncode == 1 and f"{'EARLIER' if end == 595 else 'TAMPERED'}: {end} entr" in done.stdout
    assert "no end was accepted: checkpoints know what is gone\n" in done.stderr
    assert "tenant-admin checkpoint --start-over goes by what is there now" in done.stderr
    if end == 595:
        assert "ends at entry 595, between checkpoint 1 of" in done.stdout
        assert "Checkpoint 2 knew 5 more entries; no checkpoint knows" in done.stdout


def test_a_chain_of_which_nothing_is_left_has_lost_its_end_until_that_is_accepted(copy: Path) -> None:
    assert run("verify", copy).returncode == 0
    execute(copy, "DELETE FROM audit_chain WHERE seq > 590")
    done = run("verify", copy, "--accept-end")
    assert done.returncode == 1 and "no end was accepted: " in done.stderr, "the counter contradicts"
    execute(copy, "DELETE FROM audit_chain", "DELETE FROM sqlite_sequence WHERE name = 'audit_chain'")
    done = run("checkpoint", copy)
    assert done.returncode == 1 and "no checkpoint was made\n" in done.stderr
    assert [run("verify", copy, *accept).returncode for accept in ((), ("--accept-end",), ())] == [1, 0, 0]


@pytest.mark.parametrize(
    "more", [(), ("CREATE VIEW audit_chain AS SELECT * FROM kept",)], ids=["none", "a view"]
)
def test_a_table_that_is_gone_has_lost_what_was_known(
    copy: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    assert run("checkpoint", copy).returncode == 0
    execute(copy, "ALTER TABLE audit_chain RENAME TO kept", *more)
    for how in ((), ("--since-checkpoint",)):
        done = run("verify", copy, *how)
        assert (done.returncode, done.stderr.count("could not")) == (1, 0)
        assert "This database has no table audit_chain any more" in done.stdout
        assert "TRUNCATED: No entry of acme-corp is left of the" in done.stdout
        assert "\nTAMPERED: 0 entries in " in done.stdout
    refused = run("checkpoint", copy)
    assert refused.returncode == 1 and "no checkpoint was made" in refused.stderr
    told = json.loads(run("verify", copy, "--json").stdout)
    assert told["verdict"] == "TAMPERED" and "acme-corp" in {one["tenant"] for one in told["tenants"]}
    assert {(one["verdict"], one["entries"]) for one in told["tenants"]} == {("TAMPERED", 0)}
    done = run("tenants", "export", copy, "acme-corp", tmp_path / "out")
    assert done.returncode == 1 and "audit chain: 0 entries, TAMPERED" in done.stdout
    assert "without a chain as evidence: " in done.stderr
    assert "No entry of acme-corp is left of the" in done.stderr
    done = run("retention", copy, "--trust-clock", "--unrecorded")
    assert done.returncode != 0
    if not more:
        assert "knows an audit entry with the number 600, but none is left" in done.stderr


def test_a_table_that_is_gone_has_lost_the_end_that_was_verified(copy: Path) -> None:
    assert run("verify", copy).returncode == 0
    execute(copy, "DROP TABLE audit_chain")
    for command in ("verify", "checkpoint"):
        done = run(command, copy)
        assert done.returncode == 1 and "CONSISTENT, end lost: 0 entries in " in done.stdout
        assert "up to 600" in done.stdout or "through entry 600" in done.stdout
        assert "if you know why: tenant-admin verify --accept-end" in done.stderr
    done = run("retention", copy, "--trust-clock", "--unrecorded")
    assert done.returncode == 2 and "verified through entry 600" in done.stderr
    done = run("verify", copy, "--accept-end")
    assert done.returncode == 0 and "Accepted: it was verified through entry 600 before" in done.stdout
    assert_there_is_no_chain(copy)


def assert_there_is_no_chain(path: Path) -> None:
    """That it is right, as somebody has said, that its table is gone: in one word."""
    for how in ((), ("--tenant", "acme-corp"), ("--since-checkpoint",)):
        done = run("verify", path, *how)
        assert done.returncode == 0 and "This database has no table audit_chain any more" in done.stdout
        assert "\nCONSISTENT: 0 entries in " in done.stdout and "(No audit chain)" in done.stdout
    assert "Audit chain gone" not in run("info", path).stdout
    assert {*chains(path)} == {"none"} and "All chains together" not in run("tenants", "list", path).stdout
    done = run("checkpoint", path)
    assert done.returncode == 0 and "no table audit_chain any more" in done.stdout


def chains(path: Path) -> list[str]:
    """How that of each tenant stands in the list of all."""
    lines = run("tenants", "list", path).stdout.splitlines()
    return [line.split("; chain ")[1].split(";")[0] for line in lines if "; chain " in line]


@pytest.mark.parametrize("known", ["verify", "checkpoint", "earlier", "alone"])
def test_a_table_that_is_gone_is_called_so_by_every_command(copy: Path, tmp_path: Path, known: str) -> None:
    path = copy
    if known == "earlier":  # a copy of what was signed, and its file went on
        path = tmp_path / "earlier.sqlite"
        assert run("checkpoint", copy).returncode == 0
        shutil.copyfile(copy, path)
        append(copy, "acme-corp", 3)
        assert run("checkpoint", copy).returncode == 0
        assert run("verify", path).returncode == 1
    elif known == "alone":
        assert run("verify", path, "--tenant", "acme-corp").returncode == 0
    else:
        assert run(known, path).returncode == 0
    execute(path, "DROP TABLE audit_chain")
    for _ in range(2):  # before it is verified, and after that
        assert "Audit chain gone; tenant-admin verify says" in run("info", path).stdout
        assert json.loads(run("info", path, "--json").stdout)["auditChainGone"] is True
        assert {*chains(path)} == {"gone"}
        assert "All chains together: Audit chain gone" in run("tenants", "list", path).stdout
        assert all(one["gone"] for one in json.loads(run("tenants", "list", path, "--json").stdout))
        for how in (("verify",), ("verify", "--tenant", "acme-corp"), ("verify", "--since-checkpoint")):
            done = run(how[0], path, *how[1:])
            assert done.returncode == 1 and "(Audit chain gone)" in done.stdout, (how, done.stdout)
        done = run("checkpoint", path)
        assert done.returncode == 1 and "(Audit chain gone)" in done.stdout


def test_a_table_that_is_made_again_empty_is_called_gone_as_well(copy: Path) -> None:
    assert run("verify", copy).returncode == 0
    execute(copy, "DELETE FROM audit_chain", "DELETE FROM sqlite_sequence WHERE name = 'audit_chain'")
    done = run("verify", copy)
    assert done.returncode == 1 and "end lost: 0 entries in " in done.stdout
    assert done.stdout.endswith("(Audit chain gone)\n")


def test_of_a_table_that_was_never_known_nothing_is_lost(copy: Path) -> None:
    execute(copy, "DROP TABLE audit_chain")
    for command in ("verify", "checkpoint"):
        done = run(command, copy)
        assert (done.returncode, done.stdout) == (2, "")
        assert "This database has no table audit_chain." in done.stderr


def test_whoever_knows_why_it_is_gone_starts_over(copy: Path) -> None:
    assert run("checkpoint", copy).returncode == 0
    execute(copy, "DROP TABLE audit_chain")
    done = run("checkpoint", copy, "--start-over")
    assert done.returncode == 0 and "checkpoint 2: 0 entries signed" in done.stdout
    assert_there_is_no_chain(copy)


def test_one_tenant_is_verified_alone(demo: Path) -> None:
    done = run("verify", demo, "--tenant", "acme-corp", "--json")
    assert [tenant["tenant"] for tenant in json.loads(done.stdout)["tenants"]] == ["acme-corp"]
    assert "600" not in run("verify", demo, "--tenant", "acme-corp").stdout


def test_a_tenant_without_a_name_is_verified_alone(copy: Path) -> None:
    execute(copy, "UPDATE audit_chain SET tenant_id = '' WHERE tenant_id = 'acme-corp'")
    report = json.loads(run("verify", copy, "--tenant", "", "--json").stdout)
    assert [(item["tenant"], item["verdict"]) for item in report["tenants"]] == [("", "CONSISTENT")]


def test_a_range_is_verified_alone(copy: Path) -> None:
    execute(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    sound = run("verify", copy, "--from", 101, "--to", 200, "--json")
    assert (sound.returncode, json.loads(sound.stdout)["entries"]) == (0, 100)
    assert run("verify", copy, "--from", 31, "--to", 60).returncode == 1


def test_a_chain_with_texts_for_numbers_is_said_to_be_none(copy: Path, tmp_path: Path) -> None:
    assert run("checkpoint", copy).returncode == 0
    others = "tenant_id, event_type, payload, previous_hash, hash, created_at"
    execute(
        copy,
        f"CREATE TABLE texts AS SELECT CAST(seq AS TEXT) AS seq, {others} FROM audit_chain",
        "DROP TABLE audit_chain",
        "ALTER TABLE texts RENAME TO audit_chain",
    )
    for command in ("verify", "checkpoint"):
        done = run(command, copy)
        assert done.returncode == 1 and "does not have seq as the row's own number" in done.stdout
        assert "TRUNCATED: No entry of acme-corp is left of the" in done.stdout
    done = run("prove", copy, 12, tmp_path / "proof")
    assert done.returncode == 2 and "There is no entry 12: " in done.stderr and "is no number" in done.stderr


def test_a_changed_payload_is_found_and_exits_1(copy: Path) -> None:
    execute(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    done = run("verify", copy, "--json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert set(finding) == {"code", "tenant", "seq", "expected", "actual", "message"}
    assert (finding["code"], finding["seq"]) == ("HASH", 40)
    assert "HASH" in run("verify", copy).stdout


def test_warnings_alike_are_counted_and_errors_are_all_there(copy: Path) -> None:
    execute(copy, "UPDATE audit_chain SET event_type = 'user login' WHERE seq <= 6")
    lines = [line.partition(":")[0] for line in run("verify", copy).stdout.splitlines()]
    assert (lines.count("HASH"), lines.count("GRAMMAR")) == (6, 1)
    assert ": 6 entries, the first of them 1.\n" in run("verify", copy).stdout


@pytest.mark.parametrize(
    "arguments", [("--tenant", "acme-crop"), ("--tenant", ""), ("--from", 700, "--to", 900)]
)
def test_a_part_that_holds_nothing_is_more_likely_mistyped(demo: Path, arguments: tuple[object, ...]) -> None:
    done = run("verify", demo, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no audit entries" in done.stderr and "check the" in done.stderr


@pytest.mark.slow
def test_a_checkpoint_shows_what_a_later_verification_misses(copy: Path, tmp_path: Path) -> None:
    home, export = tmp_path / "home", tmp_path / "checkpoints.json"
    made = run("checkpoint", copy, "--export", export, home=home)
    assert made.returncode == 0
    assert "600 entries signed" in made.stdout
    assert json.loads(run("verify", copy, "--json", home=home).stdout)["verdict"] == "VERIFIED"
    execute(copy, "DELETE FROM audit_chain WHERE seq > 590")
    for arguments in ([], ["--checkpoints", export]):
        found = run("verify", copy, "--json", *arguments, home=home)
        assert found.returncode == 1
        assert "TRUNCATED" in {finding["code"] for finding in json.loads(found.stdout)["findings"]}
    refused = run("checkpoint", copy, home=home)
    assert refused.returncode == 1
    assert "no checkpoint was made" in refused.stderr


@pytest.mark.slow
def test_a_checkpoint_export_replaces_nothing_but_an_earlier_one(copy: Path, tmp_path: Path) -> None:
    home, notes, export = tmp_path / "home", tmp_path / "notes.txt", tmp_path / "checkpoints.json"
    notes.write_text("precious")
    before = copy.read_bytes()
    for out, why in ((copy, "a database at"), (notes, "already a file at"), (f"{copy}-wal", "for a part of")):
        refused = run("checkpoint", copy, "--export", out, home=home)
        assert (refused.returncode, refused.stdout) == (2, ""), "not even a checkpoint is made"
        assert why in refused.stderr
    assert (copy.read_bytes(), notes.read_text()) == (before, "precious")
    for number in (1, 2):
        made = run("checkpoint", copy, "--export", export, home=home)
        assert f"{number} checkpoint{'s' * (number > 1)} written to {export}" in made.stdout


@pytest.mark.slow
def test_a_checkpoint_of_an_unproven_start_says_so(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    cut = "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp' AND seq < ?"
    apsw.Connection(str(copy)).execute(cut, (100,))
    made = run("checkpoint", copy, home=home)
    assert (made.returncode, "checkpoint 1" in made.stdout) == (1, True)
    assert "nothing proves what came before the start of acme-corp" in made.stderr
    apsw.Connection(str(copy)).execute(cut, (200,))
    refused = run("checkpoint", copy, home=home)
    assert refused.returncode == 1
    assert "checkpoint 1 knew it from entry" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--accept-starts", "--start-over"])
def test_a_start_is_accepted_by_command(copy: Path, tmp_path: Path, way: str) -> None:
    home = tmp_path / "home"
    run("checkpoint", copy, home=home)
    cut = "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp' AND seq < 100"
    apsw.Connection(str(copy)).execute(cut)
    assert run("verify", copy, home=home).returncode == 1
    made = run("checkpoint", copy, way, home=home)
    assert (made.returncode, made.stderr) == (0, "")
    assert "the start of acme-corp at entry 10" in made.stdout and "is accepted" in made.stdout
    assert "VERIFIED" in run("verify", copy, home=home).stdout
    apsw.Connection(str(copy)).execute(cut.replace("100", "150"))
    assert run("verify", copy, home=home).returncode == 1


@pytest.mark.slow
def test_a_start_is_not_accepted_of_the_database_that_a_file_is_not(copy: Path, tmp_path: Path) -> None:
    home, other = tmp_path / "home", Path(shutil.copy(copy, tmp_path / "other.sqlite"))
    run("checkpoint", copy, home=home)
    cut = "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp' AND seq < 100"
    apsw.Connection(str(other)).execute(cut)
    made = run("checkpoint", other, "--another-database", "--accept-starts", home=home)
    assert (made.returncode, "--accept-starts says" in made.stderr) == (1, True)
    assert run("checkpoint", other, "--accept-starts", home=home).returncode == 0
    apsw.Connection(str(copy)).execute(cut)
    assert run("verify", copy, home=home).returncode == 1


@pytest.mark.slow
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
    asked = run("checkpoint", tmp_path / "new.sqlite", "--export", tmp_path / "out.json")
    assert (asked.returncode, (tmp_path / "out.json").exists()) == (2, False), "which was asked for"


@pytest.mark.slow
def test_what_was_signed_of_a_file_without_entries_is_exported(copy: Path, tmp_path: Path) -> None:
    home, export = tmp_path / "home", tmp_path / "out.json"
    run("checkpoint", copy, home=home)
    apsw.Connection(str(copy)).execute("DELETE FROM audit_chain")
    assert run("checkpoint", copy, "--start-over", home=home).returncode == 0
    done = run("checkpoint", copy, "--export", export, home=home)
    assert (done.returncode, "2 checkpoints written to" in done.stdout) == (0, True)
    assert len(json.loads(export.read_text())["checkpoints"]) == 2


@pytest.mark.slow
def test_that_nothing_is_left_is_accepted(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    execute(copy, "DELETE FROM audit_chain")
    done = run("verify", copy, home=home)
    assert (done.returncode, "If that is right, start over (" in done.stdout) == (1, True)
    done = run("checkpoint", copy, home=home)
    assert "No audit entry is left, so there is nothing to sign" in done.stderr
    assert "tenant-admin checkpoint --start-over goes by what is there now" in done.stderr
    export, there = tmp_path / "checkpoints.json", tmp_path / "there"
    done = run("checkpoint", copy, "--accept-starts", "--export", export, home=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("checkpoint 1: 0 entries signed\n")
    assert run("verify", copy, home=home).stdout.startswith("VERIFIED: 0 entries")
    assert run("checkpoint", copy, "--import", export, home=there).returncode == 0
    assert run("verify", copy, home=there).stdout.startswith("VERIFIED: 0 entries")
    run("migrate", another := tmp_path / "another.sqlite")
    done = run("verify", another, "--checkpoints", export, home=home)
    assert (done.returncode, done.stdout.startswith("CONSISTENT: 0 entries")) == (0, True)


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_exported_was_made_all_the_same(copy: Path, tmp_path: Path) -> None:
    done = run("checkpoint", copy, "--export", tmp_path / "nowhere" / "c.json", home=tmp_path / "home")
    assert done.returncode == 2
    assert "the checkpoint was made; only its export failed. c.json cannot be written" in done.stderr
    assert done.stdout.startswith("checkpoint 1: ")
    assert run("verify", copy, home=tmp_path / "home").stdout.startswith("VERIFIED")


def test_an_account_without_a_home(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither HOME nor the system's list of accounts knows one: the file is verified all the same."""
    for name in ("HOME", "TENANT_ADMIN_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    done = run("verify", demo)
    assert (done.returncode, done.stderr) == (0, "")
    sentence = "this account has no home folder; name one by TENANT_ADMIN_HOME"
    assert sentence in done.stdout
    done = run("checkpoint", demo)
    assert (done.returncode, sentence in done.stderr) == (2, True)


@pytest.mark.slow
def test_what_a_checkpoint_makes_is_its_owners_alone(demo: Path, tmp_path: Path) -> None:
    home = tmp_path / "data" / "home"
    run("checkpoint", demo, home=home)
    for folder in (tmp_path / "data", home, home / "checkpoints"):
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
    for made in (home / "checkpoints").rglob("*"):
        assert oct(made.stat().st_mode & 0o777) == ("0o700" if made.is_dir() else "0o600")


def test_no_character_of_a_file_acts_on_the_terminal(copy: Path) -> None:
    execute(copy, "UPDATE audit_chain SET tenant_id = 'a\u202e\u001b[31m\u009b'")
    for words in ((), ("--json",)):
        said = run("verify", copy, *words).stdout
        assert said.isascii() and said.replace("\n", "").isprintable()


def test_a_timer_hears_nothing_of_a_sound_file_and_of_a_broken_one_on_standard_error(copy: Path) -> None:
    nightly = "verify", copy, "--since-checkpoint", "--quiet"
    done = run(*nightly)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    execute(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    done = run("verify", copy, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(copy) in done.stderr and "HASH: " in done.stderr and "TAMPERED" in done.stderr
    execute(copy, "DELETE FROM audit_chain WHERE seq > 590")
    assert run(*nightly).returncode == 1
    assert run("verify", copy.with_name("none.sqlite"), "--quiet").returncode == 2


@pytest.mark.slow
def test_every_command_says_that_a_file_is_a_copy_until_it_is_signed(copy: Path) -> None:
    assert run("checkpoint", copy).returncode == 0
    other = Path(shutil.copyfile(copy, copy.with_name("other.sqlite")))
    said = f"Its entries are those of the database that was seen in {copy}, and until"
    days = ("--days", "90", "--dry-run")
    for name, *words in (("verify",), ("verify", "--quiet"), ("retention", *days), ("checkpoint",)):
        done = run(name, other, *words)
        assert said in done.stdout + done.stderr, (name, words)
    assert run("verify", other, "--quiet").stderr == ""


@pytest.mark.slow
def test_since_the_checkpoint_is_what_was_verified_today(copy: Path) -> None:
    assert run("verify", copy, "--since-checkpoint").returncode == 0
    assert run("checkpoint", copy).returncode == 0
    done = run("verify", copy, "--since-checkpoint", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["sinceCheckpoint"], report["entries"]) == (0, 1, 0)
    said = run("verify", copy, "--since-checkpoint").stdout
    assert said == "from checkpoint 1 on, nothing is new: the last entries that it knew are there\n"


def test_since_the_checkpoint_is_no_other_part(copy: Path) -> None:
    done = run("verify", copy, "--since-checkpoint", "--tenant", "acme-corp")
    assert done.returncode == 2 and "does not go with --tenant" in done.stderr


def test_where_checkpoints_cannot_be_read_the_chain_has_its_verdict_all_the_same(
    copy: Path, tmp_path: Path
) -> None:
    store = tmp_path / "home" / "checkpoints" / "checkpoints.sqlite"
    store.parent.mkdir(parents=True)
    store.write_bytes(b"garbage" * 2_000)
    for code, verdict in ((2, "CONSISTENT: 600 entries"), (1, "HASH: ")):
        for since in ((), ("--since-checkpoint",)):
            done = run("verify", copy, *since, home=tmp_path / "home")
            assert (done.returncode, verdict in done.stdout) == (code, True)
            assert "checkpoints.sqlite cannot be read" in done.stderr
        execute(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    assert store.read_bytes() == b"garbage" * 2_000


def test_a_verdict_is_called_as_in_the_window(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"

    def last(*options: str) -> str:
        return run("verify", copy, *options, home=home).stdout.splitlines()[-1]

    assert last().startswith("CONSISTENT: 600 entries") and last().endswith(" (Chain consistent)")
    assert last("--from", "5").startswith("CONSISTENT: ") and "Chain" not in last("--from", "5")
    run("checkpoint", copy, home=home)
    assert last().startswith("VERIFIED: ") and last().endswith(" (Chain verified)")
    execute(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    assert last().startswith("TAMPERED: ") and last().endswith(" (Chain broken)")
    for said in (run("verify", "--help", home=home).stdout, run("--help", home=home).stdout):
        assert "intact" not in said and " sound" not in said


def _owner(path: Path, seq: int) -> str:
    with apsw.Connection(str(path)) as sql:
        (found,) = sql.execute("SELECT tenant_id FROM audit_chain WHERE seq = ?", (seq,)).fetchall()
    return str(found[0])


@pytest.mark.parametrize("is_known", [True, False])
def test_a_tenant_whose_last_entry_was_lost_hears_of_it_where_it_is_verified_alone(
    copy: Path, is_known: bool
) -> None:
    owner = _owner(copy, 600)
    with apsw.Connection(str(copy)) as sql:
        there = sql.execute("SELECT DISTINCT tenant_id FROM audit_chain WHERE seq < 590").fetchall()
    other = next(name for (name,) in there if name != owner)
    assert run("verify", copy).returncode == 0
    execute(copy, "DELETE FROM audit_chain WHERE seq > 599", "UPDATE sqlite_sequence SET seq = 599")
    if is_known:
        assert run("verify", copy).returncode == 1
    for _ in range(2):
        of_other = run("verify", copy, "--tenant", other)
        assert of_other.returncode == 0 and "CONSISTENT: " in of_other.stdout
        assert "The end of the whole database is lost: it was verified through entry 600" in of_other.stdout
        assert owner not in of_other.stdout
        done = run("verify", copy, "--tenant", owner)
        assert done.returncode == 1 and "CONSISTENT, end lost: " in done.stdout
        assert "It was verified through entry 600 on " in done.stdout and "600, its last" not in done.stdout
        assert "if you know why: tenant-admin verify --accept-end" in done.stderr
    whole = run("verify", copy)
    assert whole.returncode == 1 and "and ends at entry 599 now. " in whole.stdout
    assert run("verify", copy, "--accept-end").returncode == 0
    for name in (owner, other):
        accepted = run("verify", copy, "--tenant", name)
        assert accepted.returncode == 0 and " is lost" not in accepted.stdout


def test_a_tenant_of_which_nothing_but_what_was_lost_was_there_has_lost_its_end(copy: Path) -> None:
    owner = _owner(copy, 600)
    assert run("verify", copy).returncode == 0
    execute(
        copy,
        f"DELETE FROM audit_chain WHERE tenant_id = '{owner}'",
        "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)",
    )
    done = run("verify", copy, "--tenant", owner)
    assert done.returncode == 1 and "CONSISTENT, end lost: 0 entries" in done.stdout
    assert run("verify", copy, "--tenant", "nobody").returncode == 2


def test_a_number_that_is_none_is_said_in_our_words(tmp_path: Path) -> None:
    done = run("verify", tmp_path / "a.sqlite", "--from", "x")
    assert done.returncode == 2
    assert "argument --from: 'x' is no whole number; see" in done.stderr
