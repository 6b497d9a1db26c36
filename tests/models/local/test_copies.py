"""A file copied by its parts: what lies beside it comes along, a torn copy is none; a name is given once."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from models.errors import Cancelled, CopyNotWritten, FileLocked
from models.local.copies import back_up, copy_parts, free_name
from models.local.file import connect
from models.progress import Monitor

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


def test_a_copy_that_is_followed_is_of_one_moment_though_others_write_between_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.local.copies.PAGES", 1)
    path, copy, told = tmp_path / "a.db", tmp_path / "copy.db", list[int]()
    path.touch()
    with closing(connect(path)) as other, closing(connect(path)) as connection:
        other.pragma("journal_mode", "wal")
        other.execute("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))")

        def write(done: int, total: int) -> None:
            told.append(done)
            other.execute("INSERT INTO t VALUES (1)")

        back_up(connection, copy, Monitor(write))
        assert told == [*range(1, told[-1] + 1)], "and it never began anew"
        assert not connection.in_transaction
        with pytest.raises(Cancelled):
            back_up(connection, tmp_path / "none.db", Monitor(cancelled=lambda: True))
    with closing(connect(copy)) as made:
        assert made.execute("SELECT count(*) FROM t").get == 1
    assert {file.name for file in tmp_path.iterdir()} == {"a.db", "copy.db"}
