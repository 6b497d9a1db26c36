"""A file copied by its parts: what lies beside it comes along, a torn copy is none; a name is given once."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from models.errors import CopyNotWritten, FileLocked
from models.local.copies import back_up, copy_parts, free_name
from models.local.file import connect

TAKEN = "a.before-restore.20261118T110640Z{}.db"


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


def test_names_that_are_chosen_at_once_are_different(tmp_path: Path) -> None:
    """Each is chosen before any copy has its name, and what is there stays, whatever it is."""
    path, together = tmp_path / "a.db", Barrier(8)
    path.touch()
    (tmp_path / TAKEN.format("-3")).symlink_to("nowhere")

    def copy(_: int) -> str:
        with closing(connect(path)) as connection, free_name(path, "restore", 1795000000) as name:
            together.wait(30)
            back_up(connection, name)
        return name.name

    with ThreadPoolExecutor(8) as pool:
        names = [*pool.map(copy, range(8))]
    assert sorted(names) == sorted(TAKEN.format(of) for of in ("", *(f"-{n}" for n in (2, 4, 5, 6, 7, 8, 9))))
    assert {file.name for file in tmp_path.iterdir()} == {"a.db", TAKEN.format("-3"), *names}


def test_a_name_that_one_fails_to_use_is_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(FileLocked), free_name(tmp_path / "a.db", "restore", 1795000000) as name:
            raise FileLocked(name)
    assert name.name == TAKEN.format("")
    assert not list(tmp_path.iterdir())
    with pytest.raises(CopyNotWritten), free_name(tmp_path / "gone" / "a.db", "restore", 1795000000):
        raise AssertionError
