"""The commands as a shell script meets them: real processes, exit codes, one sentence on standard error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from app import __version__, cli
from tests.conftest import MIGRATIONS, NOW
from tests.fixtures import chains
from tests.fixtures.command import run

DAY = 86_400


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    done = run("demo", path, "--rows", 600, "--tenants", 3, "--seed", 7)
    assert (done.returncode, done.stderr) == (0, "")
    return path


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


def test_info_tells_all_as_json(demo: Path) -> None:
    found = json.loads(run("info", demo, "--json").stdout)
    assert set(found) == {"path", "readOnly", "journalMode", "tables", "tenants", "schema", "migrations"}
    assert found["tables"]["audit_chain"] == {"rows": 600}
    assert found["schema"] == {
        "missingTables": [], "missingColumns": {}, "extraTables": [], "extraColumns": {}
    }  # fmt: skip
    assert found["migrations"]["pending"] == []
    assert found["migrations"]["applied"] == list(MIGRATIONS)


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


@pytest.mark.parametrize("arguments", [("--tenant", "acme-crop"), ("--from", 700, "--to", 900)])
def test_a_part_that_holds_nothing_is_more_likely_mistyped(demo: Path, arguments: tuple[object, ...]) -> None:
    done = run("verify", demo, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no audit entries" in done.stderr and "check the" in done.stderr


def test_nothing_to_sign_is_no_failure(tmp_path: Path) -> None:
    run("migrate", tmp_path / "new.sqlite")
    done = run("checkpoint", tmp_path / "new.sqlite")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "There are no audit entries yet, so there is nothing to sign.\n"


NAMES = [b"a\\b.sqlite", b"a%20?#&b.sqlite", "ü 日.sqlite".encode()]
if sys.platform not in ("darwin", "win32"):  # their file systems know no other names than Unicode
    NAMES.append(b"a\xff.sqlite")


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name(demo: Path, tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(demo.read_bytes())
    for command in ("verify", "info", "checkpoint"):
        done = subprocess.run([sys.executable, "-m", "app", command, path], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), command
    dry = subprocess.run(
        [sys.executable, "-m", "app", "retention", path, "--dry-run"], capture_output=True, check=False
    )
    assert (dry.returncode, dry.stderr) == (0, b"")


def test_no_name_acts_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    run("migrate", path)
    chains.append(apsw.Connection(str(path)), "a\x1b[2J\nVERIFIED: 1 entries", [1_700_000_000])
    shown = run("verify", path).stdout
    assert r"a\u001b[2J\nVERIFIED: 1 entries" in shown
    assert "\x1b" not in shown and len(shown.splitlines()) == 2


def test_a_terminal_that_cannot_show_a_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    run("migrate", path)
    chains.append(apsw.Connection(str(path)), "é😀", [1_700_000_000])
    for encoding in ("latin-1", "ascii", "utf-8"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        plain, as_json = (
            subprocess.run(
                [sys.executable, "-m", "app", "verify", str(path), *extra],
                capture_output=True,
                check=False,
                env=environment,
            )
            for extra in ((), ("--json",))
        )
        assert (plain.returncode, plain.stderr, as_json.returncode) == (0, b"", 0)
        found = json.loads(as_json.stdout.decode(encoding))
        assert found["tenants"][0]["tenant"] == "é😀"


def test_migrate_creates_a_file_once_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    first, second = run("migrate", path), run("migrate", path)
    assert "applied 0000_initial.sql" in first.stdout
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == "nothing to apply\n"


def test_a_new_migration_gets_the_next_number(tmp_path: Path) -> None:
    (tmp_path / "0003_planning.sql").touch()
    done = run("migrations", "create", "next step", "--folder", tmp_path)
    assert done.returncode == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["0003_planning.sql", "0004_next_step.sql"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "nothing.sqlite"], "no file"),
        (["info", "nothing.sqlite"], "no file"),
        (["retention", "nothing.sqlite"], "no file"),
        (["verify"], "required"),
        (["verify", "x", "--tenants"], "unrecognized"),
        (["retention", "x", "--days", "0"], "at least 1"),
        (["retention", "x", "--now", "1795000000000"], "no time in seconds"),
        (["retention", "x", "--now", "9" * 20], "no time in seconds"),
        (["checkpoint", "x", "--anew", "--import", "y"], "not allowed with"),
        (["demo", "x", "--rows", "many"], "invalid"),
        (["--nonsense"], "unrecognized"),
    ],
)
def test_what_cannot_run_is_one_sentence_and_exit_2(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_text_file_is_not_a_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_text("not a database at all, but long enough to be looked at " * 20)
    done = run("verify", path)
    assert done.returncode == 2
    assert "not a SQLite database" in done.stderr


@pytest.mark.parametrize("command", ["verify", "checkpoint", "info", "retention"])
def test_a_dump_is_no_database_but_can_become_one(tmp_path: Path, command: str) -> None:
    dump = tmp_path / "export.sql"
    dump.write_text("PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE users (id TEXT);\n" * 40)
    done = run(command, dump)
    assert done.returncode == 2
    assert "is an SQL dump" in done.stderr and "tenant-admin import" in done.stderr


def test_demo_never_overwrites(demo: Path) -> None:
    before = demo.stat().st_mtime_ns
    done = run("demo", demo)
    assert done.returncode == 2
    assert "already a file" in done.stderr
    assert demo.stat().st_mtime_ns == before


def test_a_bug_is_a_sentence_and_its_details_are_in_the_log(tmp_path: Path) -> None:
    # A home that is a file cannot hold settings; the log cannot be written either, and that is said.
    home = tmp_path / "home"
    program = (
        "import sys; from app import cli; from app.commands import demo;"
        "demo.run = lambda options: 1 / 0;"
        "sys.exit(cli.main(['demo', 'never.sqlite']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TENANT_ADMIN_HOME": str(home)},
    )
    log = home / "logs" / "tenant-admin.log"
    assert done.returncode == 2
    assert str(log) in done.stderr and "Traceback" not in done.stderr
    assert "ZeroDivisionError" in log.read_text()


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith(f"tenant-admin {__version__}")
    text = run("--help").stdout
    for command in cli.COMMANDS:
        (line,) = re.findall(rf"^  {command} +(.+\.)$", text, re.MULTILINE)
        assert line in " ".join(run(command, "--help").stdout.split())


def test_nothing_but_the_window_loads_qt(demo: Path) -> None:
    program = (
        "import sys; from app import cli; code = cli.main(sys.argv[1:]);"
        "sys.exit(3 if any(name.startswith('PySide6') for name in sys.modules) else code)"
    )
    for arguments in (["verify", demo], ["info", demo], ["retention", demo, "--dry-run"]):
        done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=False)
        assert done.returncode == 0


def test_times_are_reckoned_from_now(demo: Path) -> None:
    long_ago = json.loads(
        run("retention", demo, "--dry-run", "--json", "--now", NOW - 3000 * DAY).stdout or "{}"
    )
    assert long_ago.get("removed", {}).get("audit_chain", 0) == 0
