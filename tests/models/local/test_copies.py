"""A file copied by its parts: what lies beside it comes along, and a torn copy is none."""

import sys
from pathlib import Path

import pytest

from models.errors import FileLocked
from models.local.copies import copy_parts


def test_the_log_comes_along_and_the_shared_memory_does_not(tmp_path: Path) -> None:
    path, target = tmp_path / "a.db", tmp_path / "copy.db"
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").write_bytes(suffix.encode())
    copy_parts(path, target)
    assert {file.name for file in tmp_path.glob("copy*")} == {"copy.db", "copy.db-wal", "copy.db-journal"}
    assert Path(f"{target}-wal").read_bytes() == b"-wal"


def test_a_file_that_keeps_changing_is_not_copied(tmp_path: Path) -> None:
    path, target = tmp_path / "a.db", tmp_path / "copy.db"
    path.write_bytes(b"file")

    def write(event: str, arguments: tuple[object, ...]) -> None:
        # Python tells of each copy before it begins, so somebody writes during each on any machine.
        if event == "shutil.copyfile" and arguments[0] == path:
            with Path(f"{path}-wal").open("ab") as log:
                log.write(b"x")

    sys.addaudithook(write)
    with pytest.raises(FileLocked):
        copy_parts(path, target)
    assert not list(tmp_path.glob("copy*"))
