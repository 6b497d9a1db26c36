"""A database file as it is seen beside the engine."""

import os
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models import errors
from models.local.file import is_sound, patiently, require_content, require_file
from models.progress import never
from tests.fixtures.damage import spoil


def test_what_is_no_file_is_said_to_be_what_it_is(tmp_path: Path) -> None:
    pipe, dangling, loop = (tmp_path / name for name in ("pipe", "dangling", "loop"))
    os.mkfifo(pipe)
    dangling.symlink_to("gone.db")
    loop.symlink_to(loop)
    for path, kind, said in (
        (tmp_path, errors.FolderGiven, "is a folder, which is not a file"),
        (pipe, errors.FolderGiven, "pipe is a named pipe, which is not a file"),
        (Path("/dev/null"), errors.FolderGiven, "/dev/null is a device"),
        (dangling, errors.LinkBroken, r"dangling is a symbolic link that leads to gone\.db, where there is"),
        (loop, errors.LinkBroken, "loop is a symbolic link that leads to itself"),
        (tmp_path / "no" / "file", errors.FileMissing, "There is no file at .*no/file;"),
    ):
        with pytest.raises(kind, match=said):
            require_file(path)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_pipe_in_the_place_of_a_log_or_journal_is_never_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"x")
    os.mkfifo(f"{path}{suffix}")
    with pytest.raises(errors.FolderGiven, match=rf"some\.db{suffix} is a named pipe, which is not a file"):
        require_content(path)


def test_a_lock_is_waited_for_until_the_time_is_up() -> None:
    def step() -> None:
        raise apsw.BusyError

    deadline = time.monotonic() + 0.01
    with pytest.raises(apsw.BusyError):
        patiently(step, deadline, never)
    assert time.monotonic() >= deadline
    with pytest.raises(apsw.BusyError):
        patiently(step, time.monotonic() + 3600, lambda: True)


@pytest.mark.parametrize("bad", ["hex(zeroblob(200000000))", "json_extract(x, '$.a')"])
def test_a_column_that_cannot_be_reckoned_is_no_damage_and_takes_no_memory(tmp_path: Path, bad: str) -> None:
    """The hostile one took 400 MB and half a second for each row; of the other a copy was refused."""
    path = tmp_path / "generated.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x)")
        for table in "abc":
            many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900)"
            db.execute(f"{many} INSERT INTO {table} SELECT 'no JSON ' || i FROM n")
        db.execute(f"ALTER TABLE a ADD COLUMN g TEXT AS ({bad})")
        apsw.memory_high_water(True)
        assert is_sound(db) and is_sound(db, '"a"')
        assert apsw.memory_high_water() < 20_000_000
        assert db.limit(apsw.SQLITE_LIMIT_LENGTH) > 400_000_000
    spoil(path, "c")
    with closing(apsw.Connection(str(path))) as db:
        assert not is_sound(db) and not is_sound(db, "c") and is_sound(db, "b")
