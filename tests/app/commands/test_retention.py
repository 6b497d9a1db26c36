"""`tenant-admin retention` as a shell script meets it: what goes, what stays and why, exit codes."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app.commands.common import asked_to_stop
from app.commands.retention import _say_result
from app.services.demo import create_demo
from app.services.live.fetching import FetchCancelled
from app.services.retention.removal import RetentionResult
from app.services.retention.run import begun_of
from models.errors import Cancelled
from models.local.database import LocalDatabase
from tests.fixtures import chains
from tests.fixtures.command import run
from tests.fixtures.gateway import append_by_tenant, create_planning
from tests.fixtures.window import ask

DAY = 86_400


@pytest.mark.slow
def test_retention_says_then_does_and_the_chain_still_verifies(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a file that another program has open; beside a `wrangler dev` where a person says so."""
    monkeypatch.setattr("app.services.files.opening.in_use_by", lambda path: "workerd (pid 7)")
    for work in (("retention", copy), ("migrate", copy)):
        refused = run(*work)
        assert (refused.returncode, "d1 add NAME --project" in refused.stderr) == (2, True)
        assert "workerd (pid 7) has it open, and a lock can stop the server; nothing was " in refused.stderr
    beside = run("retention", copy, "--dry-run")
    assert (beside.returncode, "to go beside it, add --force" in beside.stderr) == (1, True)
    beside = run("retention", copy, "--dry-run", "--json")
    (why,) = json.loads(beside.stdout)["refused"]
    assert (beside.returncode, "workerd (pid 7) has it open" in why) == (1, True)
    assert run("migrate", copy, "--force").returncode == 0
    assert "add --force" not in run("retention", copy, "--dry-run", "--force").stderr
    monkeypatch.setattr("app.services.files.opening.in_use_by", lambda path: "another program")
    said = run("retention", copy, "--dry-run", "--json")
    dry = json.loads(said.stdout)
    assert dry["dryRun"] is True and "would be removed now" not in said.stderr
    assert "refused" not in dry
    assert set(dry["removed"]) == {"audit_chain", "notifications", "planning_runs", "planning_artifacts"}
    assert dry["removed"]["audit_chain"] > 0
    done = run("retention", copy, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["removed"] == dry["removed"]
    assert run("verify", copy).returncode == 0


@pytest.mark.slow
def test_of_an_earlier_state_each_command_says_so_on_standard_error(copy: Path) -> None:
    earlier = copy.read_bytes()
    assert run("retention", copy).returncode == 0
    copy.write_bytes(earlier)
    for command, code, said in (
        (["verify", copy], 1, "if you know why: tenant-admin checkpoint --start-over"),
        (["checkpoint", copy], 1, "in an earlier state than checkpoints know, so none was made"),
        (["retention", copy, "--dry-run", "--json"], 1, "is in an earlier state than checkpoints know"),
        (["retention", copy], 2, "is in an earlier state than checkpoints know"),
    ):
        done = run(*command)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert copy.read_bytes() == earlier


@pytest.mark.slow
def test_what_retention_archives_is_proven_with_the_file(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    assert run("retention", copy, "--dry-run", "--archive", folder).returncode == 0
    refused = run("retention", copy, "--days", 1, "--archive", folder)
    assert (refused.returncode, "add --allow-majority" in refused.stderr, folder.exists()) == (2, True, False)
    assert not folder.exists()
    done = run("retention", copy, "--days", 1, "--allow-majority", "--archive", folder)
    assert done.returncode == 0
    names = sorted(file.name for file in folder.iterdir())
    assert all(name in done.stdout for name in names)
    verified = run("verify", copy, "--archive", folder, "--json")
    report = json.loads(verified.stdout)
    assert verified.returncode == 0
    assert {tenant["anchor"] for tenant in report["tenants"]} == {"archive:genesis", "genesis"}
    assert "and the archive from the first on" in run("verify", copy, "--archive", folder).stdout
    (folder / names[0]).write_bytes(b"")
    changed = run("verify", copy, "--archive", folder, "--json")
    assert (changed.returncode, json.loads(changed.stdout)["verdict"]) == (1, "TAMPERED")
    (folder / names[0]).unlink()
    os.mkfifo(folder / names[0])
    assert "which is no file there" in run("verify", copy, "--archive", folder).stdout
    (folder / names[0]).unlink()
    missing = run("verify", copy, "--archive", folder)
    assert missing.returncode == 1
    assert "which is not in the archive folder" in missing.stdout
    assert run("verify", copy).returncode == 0
    gone = run("verify", copy, "--archive", folder / "gone")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "there is no such folder" in gone.stderr


def test_an_archive_that_is_no_folder_is_said_to_be_none(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "archive"
    file.touch()
    for command in ("retention", "verify"):
        done = run(command, copy, "--archive", file)
        assert done.returncode == 2
        assert f"The archive folder {file} cannot be used: it is no folder." in done.stderr


@pytest.mark.slow
def test_most_of_a_tenant_needs_a_confirmation(copy: Path) -> None:
    refused = run("retention", copy, "--days", 1)
    assert refused.returncode == 2
    assert "More than half" in refused.stderr and "--allow-majority" in refused.stderr
    said = json.loads(run("retention", copy, "--days", 1, "--dry-run", "--json").stdout)
    assert all(share["losing"] * 2 > share["live"] for share in said["majority"])
    assert f"{said['majority'][0]['losing']} of" in refused.stderr
    assert run("retention", copy, "--days", 1, "--allow-majority").returncode == 0
    assert run("verify", copy).returncode == 0


def test_a_period_that_no_calendar_has_is_one_sentence(demo: Path) -> None:
    done = run("retention", demo, "--dry-run", "--days", 10**16)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "The retention period is a number of days" in done.stderr


@pytest.mark.slow
def test_retention_refuses_by_a_clock_that_is_in_doubt(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    create_demo(copy, rows=600, now=int(time.time()) - 30 * DAY)
    connection = apsw.Connection(str(copy))
    entries = "SELECT group_concat(hash) FROM audit_chain"
    before = connection.execute(entries).get
    newest = connection.execute("SELECT max(created_at) FROM audit_chain").get
    refused = run("retention", copy)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "This computer's clock says" in refused.stderr and "--trust-clock" in refused.stderr
    behind = run("retention", copy, "--now", newest - 3 * DAY, "--days", 30)
    assert behind.returncode == 2
    assert "The time given is" in behind.stderr and "already from" in behind.stderr
    for more in ((), ("--dry-run",)):
        long_ago = run("retention", copy, "--now", 1_000, *more)
        assert long_ago.returncode == 1
        assert long_ago.stderr.endswith(". By that nothing is old.\n") and "already from" in long_ago.stderr
        assert run("retention", copy, "--now", 1_000, "--trust-clock", *more).returncode == 0
    dry = run("retention", copy, "--dry-run")
    assert dry.returncode == 1
    assert dry.stderr.endswith("nothing unless you confirm that by --trust-clock --allow-majority\n")
    confirmed = run("retention", copy, "--dry-run", "--trust-clock", "--allow-majority")
    assert (confirmed.returncode, confirmed.stderr) == (0, "")
    assert "would be removed\nthe clock is in doubt: This computer's clock says" in dry.stdout
    found = json.loads(run("retention", copy, "--dry-run", "--json").stdout)
    assert set(found) == {"cutoff", "dryRun", "removed", "clockDoubt", "majority", "refused"}
    assert "clock" not in run("retention", copy, "--dry-run", "--now", newest + 30 * DAY).stdout
    assert connection.execute(entries).get == before
    assert run("retention", copy, "--days", 4_000).returncode == 0, "nothing to remove needs no confirmation"
    done = run("retention", copy, "--trust-clock", "--allow-majority", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["removed"] == found["removed"]


@pytest.mark.slow
def test_a_run_that_is_interrupted_says_what_went_and_records_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    create_demo(copy, rows=12_000, tenants=1, now=int(time.time()))  # one batch is 5,000
    options = ["retention", str(copy), "--days", "1", "--allow-majority", "--json"]
    command = [sys.executable, "-m", "app", *options]
    environment = os.environ | {"TENANT_ADMIN_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with closing(apsw.Connection(str(copy))) as connection:
        connection.set_busy_timeout(10_000)
        before = connection.execute("SELECT min(seq) FROM audit_chain").get
        while connection.execute("SELECT min(seq) FROM audit_chain").get == before:
            assert process.poll() is None
        connection.execute("BEGIN IMMEDIATE")  # so that it cannot be done before it is asked
        process.send_signal(signal.SIGINT)
        connection.execute("ROLLBACK")
        out, error = process.communicate(timeout=60)
        said = json.loads(out)
        assert (process.returncode, said["cancelled"]) == (1, True), error
        assert "cancelled; what was removed is gone" in error
        kind, payload = connection.execute(
            "SELECT event_type, payload FROM audit_chain ORDER BY seq DESC LIMIT 1"
        ).fetchall()[0]
        recorded = json.loads(str(payload))
        assert (kind, recorded["cancelled"]) == ("retention_completed", True)
        assert recorded["removed"] == said["removed"]
        assert said["removed"]["audit_chain"] > 0
        oldest = connection.execute("SELECT min(created_at) FROM audit_chain").get
        assert oldest < said["cutoff"], "more was to go"
    assert run("verify", copy, home=tmp_path / "home").returncode == 0


@pytest.mark.slow
def test_of_a_run_that_is_killed_the_window_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy, home = tmp_path / "copy.sqlite", tmp_path / "home"
    create_demo(copy, rows=400, tenants=1, now=int(time.time()))
    monkeypatch.setenv("TENANT_ADMIN_HOME", str(home))
    command = [sys.executable, "-m", "app", "retention", str(copy), "--days", "1", "--allow-majority"]
    with closing(apsw.Connection(str(copy))) as connection:
        connection.execute("BEGIN IMMEDIATE")  # so that it cannot be done before it is killed
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while begun_of(copy) is None:
            assert process.poll() is None
        process.kill()
        process.communicate(timeout=60)
    found = begun_of(copy)
    assert found is not None and not found.closed, "what the window's status bar says"
    assert run("retention", copy, "--days", "1", "--allow-majority").returncode == 0
    assert begun_of(copy) is None


def test_a_chain_that_breaks_under_a_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    result = RetentionResult(
        0, {"audit_chain": 4}, broken={"acme": "It does not hold.", "": "Nor it.", None: "Nor does this."}
    )
    options = argparse.Namespace(json=False, archive=None)
    assert _say_result(result, (), LocalDatabase(Path("a.sqlite")), options) == 1
    said = capsys.readouterr().err
    assert "broken after it: acme: It does not hold.\n" in said
    assert "broken after it: a tenant without a name: Nor it.\n" in said
    assert "broken after it: a.sqlite: Nor does this.\n" in said


def test_the_second_request_to_stop_ends_at_once() -> None:
    with asked_to_stop() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_cancelled_by_a_signal_ends_as_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt) as ended, asked_to_stop():
        signal.raise_signal(signal.SIGTERM)
        raise Cancelled
    assert ended.value.args == (signal.SIGTERM,)
    assert capsys.readouterr().err == ""
    with pytest.raises(Cancelled), asked_to_stop():
        raise Cancelled
    with pytest.raises(KeyboardInterrupt), asked_to_stop():
        signal.raise_signal(signal.SIGTERM)
        raise FetchCancelled(Path("copy.sqlite"))
    assert "What was read is kept in copy.sqlite.part" in capsys.readouterr().err


@pytest.mark.slow
def test_a_time_given_confirms_what_lies_ahead(copy: Path) -> None:
    newest = apsw.Connection(str(copy)).execute("SELECT max(created_at) FROM audit_chain").get
    done = run("retention", copy, "--allow-majority", "--now", newest + 20 * DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert run("retention", copy).returncode == 0, "nothing is left to remove by the clock"
    refused = run("retention", copy, "--days", 1)
    assert refused.returncode == 2
    assert "but retention last ran on" in refused.stderr
    assert "that it may lie far ahead" in " ".join(run("retention", "--help").stdout.split())


@pytest.mark.slow
def test_what_a_checkpoint_disputes_is_not_removed(tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    create_demo(copy, rows=600, tenants=3, now=int(time.time()))
    with closing(apsw.Connection(str(copy))) as connection:
        chains.append(connection, "newcomer", [int(time.time())])
    assert run("checkpoint", copy, home=tmp_path / "home").returncode == 0
    before = ask(copy, "SELECT count(*) FROM audit_chain WHERE tenant_id = 'acme-corp'")[0][0]
    ask(
        copy,
        "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp' AND seq = "
        "(SELECT max(seq) FROM audit_chain WHERE tenant_id = 'acme-corp')",
    )
    ask(
        copy, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain) WHERE name = 'audit_chain'"
    )
    dry = run("retention", copy, "--dry-run", "--json", home=tmp_path / "home")
    done = run("retention", copy, "--json", home=tmp_path / "home")
    assert (dry.returncode, done.returncode) == (1, 1)
    left = {one["tenant"]: one["reason"] for one in json.loads(done.stdout)["left"]}
    assert left == {one["tenant"]: one["reason"] for one in json.loads(dry.stdout)["left"]}
    assert "the last one that the checkpoint knew, is gone" in left["acme-corp"]
    assert json.loads(dry.stdout)["removed"] == json.loads(done.stdout)["removed"]
    after = ask(copy, "SELECT count(*) FROM audit_chain WHERE tenant_id = 'acme-corp'")[0][0]
    assert after == before - 1
    assert json.loads(done.stdout)["removed"]["audit_chain"] > 0


MARKER = '{"fromSeq":1,"toSeq":2,"count":2,"lastHash":"%s","cutoff":%d}'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "days"), [("gone", 90), ("marker", 90), ("forged", 90), ("forged", 4_000)], ids=str
)
def test_a_tenant_in_error_is_named_although_nothing_of_it_is_old(
    tmp_path: Path, what: str, days: int
) -> None:
    copy, home, now = tmp_path / "copy.sqlite", tmp_path / "home", int(time.time())
    create_demo(copy, rows=600, tenants=3, now=now)
    with closing(apsw.Connection(str(copy))) as connection:
        new = chains.append(connection, "newcomer", [now - 60] * 3)
        assert run("checkpoint", copy, home=home).returncode == 0
        if what == "forged":
            ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = ?", new[1])
        else:
            ask(copy, "DELETE FROM audit_chain WHERE tenant_id = 'newcomer'")
        if what == "marker":  # it says what no checkpoint knew
            previous, payload = "a" * 64, MARKER % ("a" * 64, now - 30)
            stored = chains.digest(previous, "audit_pruned", payload, now)
            sql = f"INSERT INTO audit_chain ({chains.COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
            ask(copy, sql, "newcomer", "audit_pruned", payload, previous, stored, now)
    chains.append(apsw.Connection(str(copy)), "acme-corp", [now])
    for options in (["--dry-run"], []):
        done = run("retention", copy, "--json", "--days", days, *options, home=home)
        found = json.loads(done.stdout)
        assert done.returncode == 1
        assert [one["tenant"] for one in found["left"]] == ["newcomer"]
        assert (found["removed"]["audit_chain"] > 0) is (days == 90), "nor of any other"


@pytest.mark.slow
def test_a_chain_rewritten_behind_its_markers_is_skipped_and_stays_tampered(tmp_path: Path) -> None:
    """First entries gone, one payload forged, the rest hashed again from genesis: no run may bless it."""
    path, first, second = tmp_path / "demo.sqlite", tmp_path / "first", tmp_path / "second"
    create_demo(path, rows=4_000, now=int(time.time()))
    assert run("retention", path, "--days", 100, "--allow-majority", home=first).returncode == 0
    shutil.rmtree(first)
    with closing(apsw.Connection(str(path))) as connection:
        chains.rewrite(connection, "acme-corp", drop=60)
    before = ask(path, "SELECT hash FROM audit_chain WHERE tenant_id = 'acme-corp' ORDER BY seq")
    tampered = json.loads(run("verify", path, "--json", home=second).stdout)
    assert tampered["verdict"] == "TAMPERED"
    dry = run("retention", path, "--days", 80, "--allow-majority", "--dry-run", "--json", home=second)
    refused = run("retention", path, "--days", 80, "--allow-majority", home=second)
    assert (refused.returncode, "--without-checkpoint" in refused.stderr) == (2, True)
    assert json.loads(dry.stdout)["noCheckpoint"] in refused.stderr
    allowed = ("--allow-majority", "--without-checkpoint")
    done = run("retention", path, "--days", 80, *allowed, "--json", home=second)
    assert (dry.returncode, done.returncode) == (1, 1), done.stderr
    for outcome in (dry, done):
        assert [one["tenant"] for one in json.loads(outcome.stdout)["left"]] == ["acme-corp"]
    assert json.loads(done.stdout)["removed"]["audit_chain"] > 0
    assert ask(path, "SELECT hash FROM audit_chain WHERE tenant_id = 'acme-corp' ORDER BY seq") == before
    after = json.loads(run("verify", path, "--json", home=second).stdout)
    assert after["verdict"] == "TAMPERED"
    assert {one["tenant"]: one["verdict"] for one in after["tenants"]}["acme-corp"] == "TAMPERED"


@pytest.mark.slow
def test_without_a_checkpoint_nothing_is_removed_unless_it_is_confirmed(
    copy: Path, demo: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "checkpoints").write_text("a file where the folder should be")
    refused = run("retention", copy, home=home)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Nothing was removed" in refused.stderr and "--without-checkpoint" in refused.stderr
    entries = ask(copy, "SELECT count(*) FROM audit_chain")
    assert entries == ask(demo, "SELECT count(*) FROM audit_chain")
    done = run("retention", copy, "--without-checkpoint", home=home)
    assert done.returncode == 0
    assert "no checkpoint could be made after it" in done.stderr
    assert ask(copy, "SELECT count(*) FROM audit_chain") < entries


@pytest.mark.slow
def test_a_file_in_the_place_of_another_is_a_question_before_anything_is_removed(tmp_path: Path) -> None:
    known, other, now = tmp_path / "known.sqlite", tmp_path / "other.sqlite", int(time.time())
    for seed, (path, rows) in enumerate(((known, 600), (other, 300))):
        create_demo(path, rows=rows, seed=seed, now=now)
        assert run("checkpoint", path).returncode == 0
    shutil.copyfile(other, known)
    done = run("retention", known)
    assert done.returncode == 2 and "Which database is this?" in done.stderr
    assert f"seen in {other}; another one was last seen in this place" in done.stderr


def test_a_file_without_an_audit_chain_loses_rows_only_when_that_is_meant(tmp_path: Path) -> None:
    path = create_planning(tmp_path / "planning.sqlite")
    dry = run("retention", path, "--dry-run")
    assert "planning_runs: 1 would be removed" in dry.stdout and "recorded nowhere" in dry.stdout
    assert "notifications: not in this database" in dry.stdout
    refused = run("retention", path, "--trust-clock")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "no audit chain" in refused.stderr and "--unrecorded" in refused.stderr
    assert ask(path, "SELECT count(*) FROM planning_runs") == [(2,)]
    done = run("retention", path, "--trust-clock", "--unrecorded")
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(path, "SELECT id FROM planning_runs") == [("r1",)]


def test_nothing_is_removed_where_a_chain_is_there_and_takes_no_entry(tmp_path: Path) -> None:
    path = create_planning(tmp_path / "planning.sqlite")
    ask(path, "CREATE TABLE audit_chain (seq INTEGER PRIMARY KEY, tenant_id TEXT)")
    done = run("retention", path, "--trust-clock", "--unrecorded")
    assert done.returncode == 2
    assert "could not be recorded. audit_chain has no column event_type" in done.stderr
    assert ask(path, "SELECT count(*) FROM planning_runs") == [(2,)]


@pytest.mark.slow
def test_rows_in_milliseconds_stay_until_they_are_read_as_such(database_path: Path) -> None:
    old = (int(time.time()) - 200 * DAY) * 1000
    ask(
        database_path,
        "INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES ('n', 'acme', 'x', 1, ?)",
        old,
    )
    stays = run("retention", database_path)
    assert stays.returncode == 1
    assert "notifications: 1 notification stays: its time seems to be in milliseconds" in stays.stdout
    dry = run("retention", database_path, "--milliseconds", "--trust-clock", "--dry-run")
    assert dry.returncode == 0
    assert "notifications: 1 would be removed" in dry.stdout and "cannot be brought back" in dry.stdout
    done = run("retention", database_path, "--milliseconds", "--trust-clock")
    assert (done.returncode, ask(database_path, "SELECT * FROM notifications")) == (0, [])


@pytest.mark.slow
def test_a_run_takes_no_number_of_a_gateway_with_one_tenant(database_path: Path) -> None:
    """Whose chain the report stands in: it goes on behind it, day by day."""
    now = int(time.time())
    with closing(apsw.Connection(str(database_path))) as connection:
        append_by_tenant(connection, "aurora", now - 100 * DAY, now - 99 * DAY, now - 60, now - 50, now - 40)
        planned = run("retention", database_path, "--dry-run")
        assert (planned.returncode, planned.stderr) == (0, "") and "gateway" not in planned.stdout
        for _ in range(2):
            done = run("retention", database_path)
            assert (done.returncode, done.stderr) == (0, "")
            append_by_tenant(connection, "aurora", now)
    kinds = "SELECT seq, tenant_id, event_type FROM audit_chain WHERE seq BETWEEN 6 AND 7"
    assert ask(database_path, kinds) == [(6, "aurora", "audit_pruned"), (7, "aurora", "retention_completed")]
    assert run("verify", database_path).returncode == 0


@pytest.mark.slow
def test_a_collision_with_a_gateway_s_numbers_is_said_and_stops_nothing(database_path: Path) -> None:
    now = int(time.time())
    with closing(apsw.Connection(str(database_path))) as connection:
        append_by_tenant(connection, "aurora", now - 100 * DAY, now - 99 * DAY, now - 60, now - 50, now - 40)
        assert run("retention", database_path).returncode == 0
        append_by_tenant(connection, "borealis", now - 60)  # whose first number is free now
        connection.execute(
            "INSERT INTO notifications (id, tenant_id, type, read, created_at)"
            " VALUES ('n', 'aurora', 'x', 1, ?)",
            (now - 100 * DAY,),
        )
        sentence = "the number that the gateway gives next to “aurora”"
        planned = run("retention", database_path, "--dry-run")
        assert (planned.returncode, planned.stderr) == (0, "")
        assert "to know before a run: The platform's gateway" in planned.stdout and sentence in planned.stdout
        done = run("retention", database_path)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert sentence in done.stderr
        with pytest.raises(apsw.ConstraintError):
            append_by_tenant(connection, "aurora", now)
    assert run("retention", database_path).stderr == "", "nothing is recorded"


def test_what_stays_is_recorded_behind_the_entries_of_a_gateway_with_one_tenant(database_path: Path) -> None:
    now = int(time.time())
    with closing(apsw.Connection(str(database_path))) as connection:
        append_by_tenant(connection, "aurora", (now - 100 * DAY) * 1000, now - 99 * DAY, now - 60)
    done = run("retention", database_path)
    assert done.returncode == 1
    report = "SELECT seq, tenant_id FROM audit_chain WHERE event_type = 'retention_completed'"
    assert ask(database_path, report) == [(4, "aurora")]
    assert "the gateway" not in done.stderr
    assert "read as such, add --milliseconds" in done.stderr


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    path, archive = tmp_path / "wide.sqlite", tmp_path / "archive"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'; CREATE TABLE users (id, tenant_id, email)")
    done = run("retention", path, "--archive", archive)
    assert done.returncode == 2
    assert "wide.sqlite cannot be written, because its text is UTF-16" in done.stderr
    assert "nothing was removed" in done.stderr and not archive.exists()
    planned = run("retention", path, "--dry-run")
    assert "wide.sqlite cannot be written, because its text is UTF-16" in planned.stderr
