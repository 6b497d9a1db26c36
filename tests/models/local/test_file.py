"""Who has a file open, asked without touching it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.local.file import Holder, holders, said

READ = "import sys\nfile = open(sys.argv[1], 'rb')\nprint('ready', flush=True)\nsys.stdin.read()\n"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-c", READ], Path(sys.executable).name),
        (["backup-tool"], "backup-tool"),
    ],
)
def test_a_program_is_named_as_a_person_knows_it(tmp_path: Path, arguments: list[str], name: str) -> None:
    (tmp_path / "backup-tool").write_text(READ)
    path = tmp_path / "foundation.sqlite"
    path.touch()
    assert holders(path) == ()
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
    assert holders(path) == holders(link) == (Holder(reader.pid, name),)
    assert holders(tmp_path / "other.sqlite") == ()
    reader.communicate()
    assert holders(path) == ()


def test_this_program_itself_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "foundation.sqlite"
    with path.open("wb"):
        assert holders(path) == ()
        assert os.getpid() not in [holder.pid for holder in holders(tmp_path)]


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
        assert [holder.pid for holder in holders(path)] == [reader.pid]
        reader.communicate()
    assert holders(path) == ()
    monkeypatch.setattr("sys.platform", "win32")
    assert holders(path) == ()


def test_several_are_said_together() -> None:
    assert said(()) is None
    assert said((Holder(1, "workerd"), Holder(2, "sqlite3"))) == "workerd (pid 1) and sqlite3 (pid 2)"


def test_what_this_program_started_to_scan_or_to_export_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"x")
    program = "file = open(__import__('sys').argv[1]); print(1, flush=True); input()"
    worker = f"{program}\nif 0: from app.workers.child import serve"
    others = []
    for text in (program, worker):
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", text, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None and process.stdout.readline() == b"1\n"
            others.append([holder.pid == process.pid for holder in holders(path)])
            process.communicate(b"\n")
    assert others == [[True], []]
