"""Who has a file open, asked without touching it."""

import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import apsw
import pytest

from models.local.in_use import in_use_by, written_by

READ = "import sys\nfile = open(sys.argv[1], 'rb')\nprint('ready', flush=True)\nsys.stdin.read()\n"
HOLD = (
    "import sqlite3, sys\n"
    "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "db.execute(sys.argv[2]); db.execute('SELECT count(*) FROM users').fetchone()\n"
    "print('ready', flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.mark.parametrize(
    ("arguments", "name"), [(["-c", READ], Path(sys.executable).name), (["backup-tool"], "backup-tool")]
)
def test_a_program_is_named_as_a_person_knows_it(tmp_path: Path, arguments: list[str], name: str) -> None:
    (tmp_path / "backup-tool").write_text(READ)
    path = tmp_path / "foundation.sqlite"
    path.touch()
    assert in_use_by(path) is None
    reader = subprocess.Popen(
        [sys.executable, *arguments, str(path)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    assert in_use_by(path) == in_use_by(link) == written_by(path) == f"{name} (pid {reader.pid})"
    assert in_use_by(tmp_path / "other.sqlite") is None
    reader.communicate()
    assert in_use_by(path) is None


def test_this_program_itself_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "foundation.sqlite"
    with path.open("wb"):
        assert in_use_by(path) is None
        assert f"(pid {os.getpid()})" not in (in_use_by(tmp_path) or "")


def test_another_programs_file_is_seen_without_proc_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "foundation.sqlite"
    path.touch()
    monkeypatch.setattr("sys.platform", "darwin")
    with subprocess.Popen(
        [sys.executable, "-c", READ, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
        assert (in_use_by(path) or "").endswith(f" (pid {reader.pid})")
        reader.communicate()
    assert in_use_by(path) is None
    monkeypatch.setattr("sys.platform", "win32")
    assert in_use_by(path) is None


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_of_several_the_one_that_writes_is_named(database_path: Path, mode: str) -> None:
    with closing(apsw.Connection(str(database_path))) as connection:
        connection.pragma("journal_mode", mode)
    with ExitStack() as stack:
        readers, writer = [], 0
        for statement in ("BEGIN", "BEGIN IMMEDIATE", "BEGIN"):
            process = subprocess.Popen(
                [sys.executable, "-c", HOLD, str(database_path), statement],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            if statement == "BEGIN":
                readers.append(process.pid)
            else:
                writer = process.pid
        assert f"(pid {writer})" in (written_by(database_path) or "")
        assert not any(f"(pid {reader})" in (written_by(database_path) or "") for reader in readers)
        assert all(f"(pid {pid})" in (in_use_by(database_path) or "") for pid in (writer, *readers))


def test_several_are_said_together(tmp_path: Path) -> None:
    path = tmp_path / "foundation.sqlite"
    path.touch()
    with ExitStack() as stack:
        readers = []
        for _ in range(2):
            reader = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", READ, str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
            readers.append(reader)
        first, second = (f"{Path(sys.executable).name} (pid {pid})" for pid in sorted(r.pid for r in readers))
        assert in_use_by(path) == f"{first} and {second}"
        for reader in readers:
            reader.communicate()


@pytest.mark.slow
def test_what_this_program_started_to_scan_or_to_export_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"x")
    program = "file = open(__import__('sys').argv[1]); print(1, flush=True); input()"
    worker = f"{program}\nif 0: from app.workers.child import serve"
    others = []
    for text in (program, worker):
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", text, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None and process.stdout.readline() == b"1\n"
            others.append((in_use_by(path) or "").endswith(f" (pid {process.pid})"))
            process.communicate(b"\n")
    assert others == [True, False]


@pytest.mark.slow
def test_another_window_of_this_program_has_the_programs_name(tmp_path: Path) -> None:
    path, script = tmp_path / "foundation.sqlite", tmp_path / "tenant-admin"
    path.touch()
    script.write_text(READ)
    with subprocess.Popen(
        [sys.executable, str(script), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
        assert in_use_by(path) == f"Tenant Admin (pid {reader.pid})"
        reader.communicate()
