"""The commands that make, copy, restore, migrate, import and describe files, as a shell script meets them."""

import json
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app.services.chain.checkpoints.making import Attempt
from tests.conftest import MIGRATIONS
from tests.fixtures.command import run
from tests.fixtures.dumping import write_dump
from tests.fixtures.gateway import create_planning
from tests.fixtures.sample import sample
from tests.fixtures.stored import stored
from tests.fixtures.window import ask, count


@pytest.mark.slow
def test_info_tells_all_as_json(demo: Path) -> None:
    found = json.loads(run("info", demo, "--json").stdout)
    assert set(found) == {"path", "readOnly", "journalMode", "tables", "tenants", "schema", "migrations"}
    assert found["tables"]["audit_chain"] == {"rows": 600}
    assert found["schema"] == {
        "missingTables": [], "missingColumns": {}, "extraTables": [], "extraColumns": {}
    }  # fmt: skip
    assert found["migrations"]["pending"] == []
    assert found["migrations"]["applied"] == list(MIGRATIONS)


def test_no_folder_is_migrated() -> None:
    done = run("migrate", "/")
    assert done.returncode == 2 and "/ is a folder, which is not a file" in done.stderr


def test_migrate_creates_a_file_once_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    first, second = run("migrate", path), run("migrate", path)
    assert "applied 0000_initial.sql" in first.stdout
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == "nothing to apply\n"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE songs(title TEXT); INSERT INTO songs VALUES ('one')",
        "CREATE VIEW songs AS SELECT 'one' AS title",
        "CREATE VIRTUAL TABLE songs USING fts5(title)",
        "CREATE VIEW v AS SELECT 1; CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
    ],
)
def test_another_programs_file_is_not_made_one_of_ours(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "songs.sqlite"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(sql)
    before, done = path.read_bytes(), run("migrate", path)
    assert done.returncode == 2 and done.stdout == ""
    assert (
        "songs.sqlite was not migrated, because it has none of the platform's tables and belongs to another "
        "program. To make a new database, name a file that is not there yet."
    ) in done.stderr
    assert path.read_bytes() == before and [item.name for item in tmp_path.iterdir()] == ["songs.sqlite"]


def test_another_programs_file_is_not_healed_to_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "songs.sqlite"
    killed = (
        "import apsw, os, sys; c = apsw.Connection(sys.argv[1]); c.execute('CREATE TABLE songs (title)');"
        "list(c.execute('PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN IMMEDIATE'));"
        "c.executemany('INSERT INTO songs VALUES (randomblob(?))', [(1000,)] * 2000); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    journal = tmp_path / "songs.sqlite-journal"
    before = path.read_bytes(), journal.read_bytes()
    done = run("migrate", path)
    assert done.returncode == 2 and "belongs to another program" in done.stderr
    assert (path.read_bytes(), journal.read_bytes()) == before


def test_a_new_migration_gets_the_next_number(tmp_path: Path) -> None:
    (tmp_path / "0003_planning.sql").touch()
    done = run("migrations", "create", "next step", "--folder", tmp_path)
    assert done.returncode == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["0003_planning.sql", "0004_next_step.sql"]


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return sample(tmp_path / "foundation.sqlite", rows=300)


@pytest.mark.slow
def test_a_command_that_only_reads_leaves_nothing_beside_the_file(live: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(live))) as connection:
        assert connection.pragma("journal_mode", "wal") == "wal"
    before, out = sorted(tmp_path.iterdir()), tmp_path / "out.sql"
    for command in (["info", live], ["export", live, out], ["retention", live, "--dry-run", "--trust-clock"]):
        assert run(*command).returncode == 0
        out.unlink(missing_ok=True)
        assert sorted(tmp_path.iterdir()) == before, command


@pytest.mark.slow
def test_a_dump_becomes_a_verified_and_signed_file(live: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    done = run("import", write_dump(live, tmp_path / "export.sql", d1=True), new)
    assert (done.returncode, done.stderr) == (0, "")
    assert "audit_chain: 300 rows\n" in done.stdout
    assert "CONSISTENT: 300 entries" in done.stdout
    assert "checkpoint 1: 300 entries signed\n" in done.stdout
    assert "continue" not in done.stdout
    assert "refer to" not in done.stdout
    assert run("verify", new).stdout.splitlines()[-1].startswith("VERIFIED")


@pytest.mark.slow
def test_a_known_database_is_held_against_what_was_seen(live: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.sql"
    write_dump(live, earlier)
    assert run("checkpoint", live).returncode == 0
    done = run("import", earlier, tmp_path / "same.sqlite")
    assert "it continues checkpoint 1: 0 new entries\n" in done.stdout
    assert "VERIFIED: 300 entries" in done.stdout
    head, before = ask(live, "SELECT tenant_id, max(seq) FROM audit_chain GROUP BY 1 ORDER BY 2 DESC")[0]
    before = ask(live, "SELECT max(seq) FROM audit_chain WHERE tenant_id = ? AND seq < ?", head, before)[0][0]
    ask(live, "DELETE FROM audit_chain WHERE seq = 300")
    done = run("import", write_dump(live, tmp_path / "cut.sql"), tmp_path / "cut.sqlite")
    assert done.returncode == 1
    assert f"it does not continue checkpoint 2: {head} has no entry after {before}\n" in done.stdout
    assert "TRUNCATED" in done.stdout
    assert (tmp_path / "cut.sqlite").exists()


@pytest.mark.slow
def test_a_chain_that_does_not_hold_stays_as_it_is_and_exits_1(live: Path, tmp_path: Path) -> None:
    ask(live, "UPDATE audit_chain SET payload = '{}' WHERE seq = 40")
    ask(live, "DELETE FROM planning_runs WHERE id = (SELECT run_id FROM planning_artifacts LIMIT 1)")
    new = tmp_path / "new.sqlite"
    done = run("import", write_dump(live, tmp_path / "export.sql"), new)
    assert done.returncode == 1
    assert "HASH" in done.stdout
    assert (
        "rows of planning_artifacts refer to rows of the table planning_runs that are not there\n"
        in done.stdout
    )
    assert "the file stays without a checkpoint. The audit chain is broken" in done.stderr
    assert ask(new, "SELECT payload FROM audit_chain WHERE seq = 40") == [("{}",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ATTACH 'x' AS y;\n", "holds ATTACH at line 2, which an import does not run"),
        ("INSERT INTO users VALUES(1", "was cut off: a statement that begins at line 2"),
    ],
)
def test_what_is_refused_is_one_sentence_and_exit_2(tmp_path: Path, text: str, said: str) -> None:
    dump, new = tmp_path / "export.sql", tmp_path / "new.sqlite"
    dump.write_text(f"PRAGMA defer_foreign_keys=TRUE;\n{text}")
    done = run("import", dump, new)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [dump]


@pytest.mark.slow
def test_never_over_an_existing_file(live: Path, tmp_path: Path) -> None:
    before = live.read_bytes()
    done = run("import", write_dump(live, tmp_path / "export.sql"), live)
    assert (done.returncode, live.read_bytes()) == (2, before)
    assert "already a file" in done.stderr


@pytest.mark.slow
def test_what_is_left_out_is_said_and_refused_when_asked_to(live: Path, tmp_path: Path) -> None:
    dump = write_dump(live, tmp_path / "export.sql", d1=True)
    line = dump.read_text().count("\n") + 1
    with dump.open("a") as file:
        file.write("CREATE VIEW some AS SELECT 1;\n")
    named = f"1 view left out: some (line {line:,})"
    done = run("import", "--strict", dump, tmp_path / "strict.sqlite")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tenant-admin: export.sql cannot come in whole: {named}. Nothing was imported.\n"
    done = run("restore", "--strict", live, dump)
    assert (done.returncode, "cannot come in whole" in done.stderr) == (2, True)
    done = run("import", dump, tmp_path / "new.sqlite")
    assert (done.returncode, done.stderr) == (0, f"tenant-admin: export.sql: {named}\n")
    done = run("restore", live, dump)
    assert (done.returncode, done.stderr) == (0, f"tenant-admin: export.sql: {named}\n")
    dump.write_text(dump.read_text().replace("tenant_id TEXT NOT NULL", "tenant_id TEXT COLLATE NOCASE"))
    done = run("import", dump, tmp_path / "unlike.sqlite")
    assert (done.returncode, "the audit chain, kept as it is, cannot be verified here" in done.stderr) == (
        1,
        True,
    )


@pytest.mark.slow
def test_opening_a_dump_says_how_it_is_imported(live: Path, tmp_path: Path) -> None:
    done = run("info", write_dump(live, tmp_path / "export.sql"))
    assert done.returncode == 2
    assert "import it into a new one (File > Import, or tenant-admin import)" in done.stderr


@pytest.mark.slow
def test_a_copy_is_made_and_put_back(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    done = run("backup", live, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "checked" in done.stdout
    assert run("checkpoint", live).returncode == 0
    users = ask(live, "SELECT * FROM users")
    ask(live, "DELETE FROM users")
    done = run("restore", live, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The copy continues this file as its newest checkpoint knows it." in done.stdout
    assert "audit_chain: 300 rows" in done.stdout
    assert "checkpoint 3 was made" in done.stdout
    assert ask(live, "SELECT * FROM users") == users
    kept = next(tmp_path.glob("foundation.before-restore.*.sqlite"))
    assert str(kept) in done.stdout
    assert count(kept, "users") == 0
    assert run("verify", live).returncode == 0
    assert not list(tmp_path.glob(".tenant-admin-*"))


@pytest.mark.slow
def test_a_copy_that_was_tampered_with_needs_a_word(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    run("backup", live, copy)
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 9")
    done = run("restore", live, copy)
    assert done.returncode == 1
    assert "HASH" in done.stdout and "--allow-findings" in done.stderr
    assert count(live, "audit_chain") == 300
    assert run("restore", live, copy, "--allow-findings").returncode == 0
    assert count(live, "audit_chain") == 301


@pytest.mark.slow
def test_a_rewritten_file_is_not_made_sound_by_a_copy_of_it(live: Path, tmp_path: Path) -> None:
    assert run("checkpoint", live).returncode == 0
    ask(live, "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp'")
    copy = tmp_path / "copy.sqlite"
    assert run("backup", live, copy).returncode == 0
    done = run("restore", live, copy)
    assert done.returncode == 1
    assert "TRUNCATED" in done.stdout
    assert "contradicts the checkpoints of this file" in done.stderr and "--allow-findings" in done.stderr
    assert run("verify", live).returncode == 1
    assert run("restore", live, copy, "--allow-findings").returncode == 0


@pytest.mark.slow
def test_a_file_with_checkpoints_is_not_replaced_by_an_unrelated_one_without_a_word(
    live: Path, tmp_path: Path
) -> None:
    other = sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9)
    assert run("checkpoint", live).returncode == 0
    done = run("restore", live, other)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is of another database" in done.stderr and "--allow-findings" in done.stderr
    assert count(live, "audit_chain") == 300
    done = run("restore", live, other, "--allow-findings")
    assert done.returncode == 0
    assert "is of another database" in done.stdout
    assert count(live, "audit_chain") == 51


@pytest.mark.slow
def test_a_copy_never_takes_the_place_of_another_file(live: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.sqlite"
    there.write_text("mine")
    done = run("backup", live, there)
    assert done.returncode == 2
    assert "already a file" in done.stderr
    assert there.read_text() == "mine"


@pytest.mark.slow
def test_what_lies_beside_the_name_is_neither_followed_nor_folded_in(live: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".copy.sqlite.new").symlink_to(victim)
    assert run("backup", live, tmp_path / "copy.sqlite").returncode == 0
    assert victim.read_text() == "mine"
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o077 == 0
    (tmp_path / "other.sqlite-wal").write_text("a stale log")
    done = run("backup", live, tmp_path / "other.sqlite")
    assert (done.returncode, "already a file" in done.stderr) == (2, True)
    assert (tmp_path / "other.sqlite-wal").read_text() == "a stale log"
    assert not (tmp_path / "other.sqlite").exists()


@pytest.mark.slow
def test_export_writes_sql_that_import_takes(live: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(live))) as connection:
        connection.execute("CREATE TABLE _cf_KV (key TEXT PRIMARY KEY)")
    out, new = tmp_path / "out.sql", tmp_path / "new.sqlite"
    done = run("export", live, out)
    assert done.returncode == 0
    assert done.stderr == "tenant-admin: left out: _cf_KV, which is D1's own\n"
    assert "audit_chain: 300 rows\n" in done.stdout
    assert done.stdout.endswith(f"{out}: {out.stat().st_size:,} bytes\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert run("import", out, new).returncode == 0
    assert stored(new) == stored(live)


@pytest.mark.slow
def test_export_replaces_a_file_only_when_it_is_told_to(live: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.sql"
    out.write_text("before")
    refused = run("export", live, out)
    assert (refused.returncode, out.read_text()) == (2, "before")
    assert "There is already a file at" in refused.stderr
    (broken := tmp_path / "broken").symlink_to("nowhere")
    for there, what in ((tmp_path, "a folder"), (broken, "a symbolic link to nothing")):
        said = run("export", live, there).stderr
        assert f"There is already {what} at {there}; choose another name." in said
    assert run("export", live, out, "--force", "--schema-only").returncode == 0
    assert out.read_text().startswith("PRAGMA defer_foreign_keys=TRUE;\n--")
    before = live.read_bytes()
    itself = run("export", live, live, "--force")
    assert (itself.returncode, live.read_bytes()) == (2, before)
    assert "There is a database at" in itself.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "users", "--table", "nobody"], "There is no table nobody that could be exported"),
        (["--tenant", "nobody"], "holds nothing of nobody"),
        (["--data-only", "--schema-only"], "not allowed with argument"),
    ],
)
def test_export_refuses_what_is_not_there(live: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = run("export", live, tmp_path / "out.sql", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out.sql").exists()


@pytest.mark.parametrize(
    ("kinds", "status", "said"),
    [
        ((signal.SIGINT,), 130, "nothing was restored"),
        ((signal.SIGTERM,), 143, "nothing was restored"),
        (
            (signal.SIGINT, signal.SIGTERM),
            143,
            "it may have been restored; if planning.before-restore.*.sqlite lies beside it, that is the file "
            "as it was",
        ),
    ],
)
def test_what_ends_a_restore_is_its_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: tuple[int, ...], status: int, said: str
) -> None:
    live, copy = create_planning(tmp_path / "planning.sqlite"), tmp_path / "copy.sqlite"
    assert run("backup", live, copy).returncode == 0
    ask(live, "UPDATE planning_runs SET status = 'killed'")

    def end(*_: object, **__: object) -> Attempt:
        for kind in kinds:
            signal.raise_signal(kind)
        return Attempt()

    monkeypatch.setattr("app.services.files.restoring.try_to_sign", end)
    done = run("restore", live, copy, "--unrecorded")
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == f"tenant-admin: {said}\ntenant-admin: cancelled\n"
    assert ask(live, "SELECT DISTINCT status FROM planning_runs") == [("killed",)]
    assert [*tmp_path.glob("*.before-restore.*")] == []


def test_a_finished_restore_is_told_whatever_signal_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, copy = create_planning(tmp_path / "planning.sqlite"), tmp_path / "copy.sqlite"
    assert run("backup", live, copy).returncode == 0

    def say(text: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        print(text)

    monkeypatch.setattr("app.commands.common.say", say)
    done = run("restore", live, copy, "--unrecorded")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the file as it was is kept as" in done.stdout


def test_a_file_without_an_audit_chain_is_restored_when_that_is_meant(tmp_path: Path) -> None:
    live, copy = create_planning(tmp_path / "planning.sqlite"), tmp_path / "copy.sqlite"
    assert run("backup", live, copy).returncode == 0
    ask(live, "UPDATE planning_runs SET status = 'killed'")
    refused = run("restore", live, copy)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "has no audit chain" in refused.stderr and "--unrecorded" in refused.stderr
    assert ask(live, "SELECT DISTINCT status FROM planning_runs") == [("killed",)]
    done = run("restore", live, copy, "--unrecorded")
    assert (done.returncode, done.stderr) == (0, "")
    assert ask(live, "SELECT status FROM planning_runs ORDER BY id") == [("running",), ("deleted",)]


@pytest.mark.parametrize("command", ["info", "export", "retention", "verify", "backup"])
def test_every_command_that_reads_puts_right_what_was_left_in_the_middle_of_a_change(
    copy: Path, tmp_path: Path, command: str
) -> None:
    left = tmp_path / "left.sqlite"
    with closing(apsw.Connection(str(copy))) as connection:
        connection.pragma("journal_mode", "delete")
        connection.pragma("cache_size", 1)
        connection.execute("BEGIN; UPDATE audit_chain SET payload = payload || ' '")
        for suffix in ("", "-journal"):
            shutil.copyfile(f"{copy}{suffix}", f"{left}{suffix}")
    more: dict[str, list[object]] = {
        "export": [tmp_path / "out.sql"],
        "backup": [tmp_path / "out.sqlite"],
        "retention": ["--dry-run", "--trust-clock", "--days", 9_999],
    }
    done = run(command, left, *more.get(command, []))
    assert (done.returncode, done.stderr) == (0, "")
    assert run("verify", left).returncode == 0
