"""The commands as a shell script meets them: real processes, exit codes, one sentence on standard error."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing, redirect_stdout
from pathlib import Path

import apsw
import pytest

from app import __version__, cli
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.command import own_signals, run

DAY = 86_400


NAMES = [b"a\\b.sqlite", b"a%20?#&b.sqlite", "ü 日.sqlite".encode()]


if sys.platform not in ("darwin", "win32"):  # their file systems know no other names than Unicode
    NAMES.append(b"a\xff.sqlite")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_any_file_name(demo: Path, tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(demo.read_bytes())
    program = (
        "import sys; from app.cli import main;"
        "print([main([*words.split(), sys.argv[1]]) for words in sys.argv[2:]], file=sys.stderr)"
    )
    commands = ("verify", "info", "checkpoint", "retention --dry-run")
    done = subprocess.run([sys.executable, "-c", program, path, *commands], capture_output=True, check=False)
    assert done.stderr == b"[0, 0, 0, 0]\n"


@pytest.mark.parametrize("place", ["a.sqlite", "ü a", "./d1:prod", "d1:prod", "verfy", "a\udcff"])
def test_what_opens_the_window_is_what_the_parser_finds_in_it(place: str) -> None:
    """It is not asked where a place is all that is given."""
    assert vars(cli._options([place])) == vars(cli._options(["--", place]))
    assert vars(cli._options([])) == vars(cli._options(["--"]))
    with pytest.raises(SystemExit):
        cli._options([""])


@pytest.mark.slow
def test_a_name_that_is_no_utf8_may_be_written_to(demo: Path, tmp_path: Path) -> None:
    first, copy, dump, new = (os.fsdecode(tmp_path / f"{name}-") + "\udcff" for name in "abcd")
    Path(first).write_bytes(demo.read_bytes())
    for words in (["backup", first, copy], ["export", first, dump], ["import", dump, new]):
        assert run(*words).returncode == 0
    assert run("restore", first, copy).returncode == 0
    with closing(apsw.Connection(Path(first).as_uri(), flags=apsw.SQLITE_OPEN_URI | 1)) as connection:
        payload = connection.execute("SELECT payload FROM audit_chain ORDER BY seq DESC LIMIT 1").get
    assert json.loads(payload)["source"] == Path(copy).name


def test_no_name_acts_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    run("migrate", path)
    chains.append(apsw.Connection(str(path)), "a\x1b[2J\nVERIFIED: 1 entries", [1_700_000_000])
    shown = run("verify", path).stdout
    assert r"a\u001b[2J\nVERIFIED: 1 entries" in shown
    assert "\x1b" not in shown and len(shown.splitlines()) == 2


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "nothing.sqlite"], "no file"),
        (["info", "nothing.sqlite"], "no file"),
        (["retention", "nothing.sqlite"], "no file"),
        (["verify"], "required"),
        (["verify", "x", "--tenants"], "unrecognized"),
        (["retention", "x", "--days", "0"], "at least 1"),
        (["verify", "x", "--tenant", "\udcff"], "tenant is not written in UTF-8"),
        (["export", "x", "y", "--table", "\udcff"], "table is not written in UTF-8"),
        (["demo", "n" * 300], "its name is too long"),
        (["retention", "x", "--now", "1795000000000"], "no time in seconds"),
        (["retention", "x", "--now", "9" * 20], "no time in seconds"),
        (["checkpoint", "x", "--start-over", "--import", "y"], "not allowed with"),
        (["demo", "x", "--rows", "many"], "is no whole number"),
        (["--nope\x1b[2J"], "unrecognized arguments: --nope\\u001b[2J"),
        (["verify", ""], "file: the name is empty"),
        (["migrations", "create", "x", "--folder", ""], "--folder: the name is empty"),
        ([""], "the name is empty"),
        (["users", "list", "a.sqlite", "-"], "out: no pipe is read or written"),
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


@pytest.mark.slow
def test_a_bug_is_a_sentence_and_its_details_are_in_the_log(tmp_path: Path) -> None:
    # A home that is a file cannot hold settings; the log cannot be written either, and that is said.
    home = tmp_path / "home"
    program = (
        "import sys; from app import cli; from app.commands import files;"
        "files.demo = lambda options: 1 / 0;"
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


@pytest.mark.slow
def test_what_is_done_but_cannot_be_said(copy: Path, tmp_path: Path) -> None:
    """It is not the file that has no room, and nobody has to be told who does not listen."""
    command = [sys.executable, "-m", "app", "checkpoint", str(copy)]
    for unbuffered in ("", "1"):
        environment = os.environ | {"TENANT_ADMIN_HOME": str(tmp_path), "PYTHONUNBUFFERED": unbuffered}
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment, check=False)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
        assert b"What this command says cannot be written" in done.stderr
        assert run("verify", copy, home=tmp_path).stdout.startswith("VERIFIED")
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
        os.close(write)
        assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(("kind", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_the_exit_status_as_shells_report_it(demo: Path, kind: int, status: int) -> None:
    class Output(io.StringIO):
        def write(self, _: str) -> int:
            signal.raise_signal(kind)
            return 0

    with own_signals(), redirect_stdout(Output()):
        assert cli.main(["info", str(demo)]) == status


SIGNALLED = """
import argparse, signal, sys
from app import cli

def run(_):
    exec("signal.raise_signal(signal.SIGTERM)")

signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what measures coverage has its own
cli._options = lambda _: argparse.Namespace(run=run)
sys.exit(cli.main([]))
"""


@pytest.mark.slow
def test_a_signal_is_the_exit_status_within_a_text_that_is_run_too(tmp_path: Path) -> None:
    (tmp_path / "signalled.py").write_text(SIGNALLED)
    command = [sys.executable, "-m", "signalled"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "tenant-admin: cancelled\n")


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith(f"tenant-admin {__version__}")
    text = run("--help").stdout
    for command in cli.COMMANDS:
        (line,) = re.findall(rf"^  {command} +(.+\.)$", text, re.MULTILINE)
        assert line in " ".join(run(command, "--help").stdout.split())


def test_each_command_is_in_the_examples_and_in_the_help() -> None:
    """Whoever looks for what can be done finds it in both. What takes a live database is a command."""
    text = (Path(__file__).parents[2] / "resources" / "help" / "help.md").read_text(encoding="utf-8")
    for place in (cli.EXAMPLES, text):
        named = {*re.findall(r"tenant-admin\s+([\w-]+)", place)}
        missing = sorted(cli.COMMANDS.keys() - named)
        assert not missing, place[:20]
    assert not cli.LIVE - cli.COMMANDS.keys()


@pytest.mark.slow
def test_nothing_but_the_window_loads_qt(demo: Path) -> None:
    program = (
        "import sys; from app import cli; code = cli.main(sys.argv[1:]);"
        "sys.exit(3 if any(name.startswith('PySide6') for name in sys.modules) else code)"
    )
    for arguments in (["verify", demo], ["info", demo], ["retention", demo, "--dry-run"]):
        done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=False)
        assert done.returncode == 0


@pytest.mark.slow
def test_a_live_database_loads_no_command_but_its_own(tmp_path: Path) -> None:
    program = (
        "import sys; from app import cli; code = cli.main(['info', 'd1:nothing']);"
        "print(*sorted(name for name in sys.modules if name.startswith('app.commands.'))); sys.exit(code)"
    )
    environment = {**os.environ, "TENANT_ADMIN_HOME": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    loaded = {name.removeprefix("app.commands.") for name in done.stdout.split()}
    assert (done.returncode, loaded) == (2, {"common", "files", "live", "parsing"}), done.stderr


def test_times_are_reckoned_from_now(demo: Path) -> None:
    long_ago = json.loads(
        run("retention", demo, "--dry-run", "--json", "--now", NOW - 3000 * DAY).stdout or "{}"
    )
    assert long_ago.get("removed", {}).get("audit_chain", 0) == 0
