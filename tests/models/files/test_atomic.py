"""A file is there whole or not at all."""

import errno
import fcntl
import os
import signal
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.errors import (
    AlreadyThere,
    BesideDatabase,
    CannotOpen,
    DatabaseThere,
    DiskFull,
    FileLocked,
    FileMissing,
    FolderGiven,
    InvalidInput,
    LinkBroken,
    StorageError,
)
from models.files import atomic
from models.files.at_path import SIBLINGS
from models.files.atomic import (
    UNFINISHED,
    WorkFolder,
    alone_with,
    expected_errors,
    in_passing,
    new_file,
    new_file_by_parts,
    replacing,
    sweep_databases,
)


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without a file system that knows links, as FAT does not."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
class TestNewFile:
    def test_it_appears_when_it_is_finished(self, tmp_path: Path) -> None:
        path = tmp_path / "new.sqlite"
        with new_file(path) as building:
            building.write_bytes(b"whole")
            assert building.name == path.name, "sentences about it name what the person chose"
            assert [item.name.startswith(UNFINISHED) for item in tmp_path.iterdir()] == [True]
        assert path.read_bytes() == b"whole"
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_a_file_that_appears_meanwhile_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "new.sqlite"
        with pytest.raises(AlreadyThere), new_file(path) as building:
            building.write_bytes(b"ours")
            path.write_bytes(b"theirs")
        assert path.read_bytes() == b"theirs"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("where", [".", "/", "taken", "taken/.."])
    def test_a_folder_is_no_name_for_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        (tmp_path / "taken").mkdir()
        monkeypatch.chdir(tmp_path)
        for making in (new_file, new_file_by_parts):
            with pytest.raises(FolderGiven, match="is a folder, which is not a file"), making(Path(where)):
                pass

    def test_what_fails_leaves_nothing_and_is_a_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "new.sqlite"
        with pytest.raises(DiskFull, match=r"new\.sqlite is full"), new_file(path) as building:
            building.write_bytes(b"half")
            raise apsw.FullError("database or disk is full")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("links")
def test_one_at_a_time_makes_it_by_parts(tmp_path: Path) -> None:
    path, other = tmp_path / "new.sqlite", tmp_path / "other.sqlite"
    (tmp_path / f"{UNFINISHED}new.sqlite.part.lock").touch()  # by one that was killed
    with new_file_by_parts(path) as part:
        with pytest.raises(FileLocked, match=r"new\.sqlite\.part is in use"), new_file_by_parts(path):
            raise AssertionError
        with new_file_by_parts(other) as others:
            others.write_bytes(b"other")
        part.write_bytes(b"whole")
    assert (path.read_bytes(), other.read_bytes()) == (b"whole", b"other")
    assert {*tmp_path.iterdir()} == {path, other}


@pytest.mark.parametrize("mode", [0o666, 0o600], ids=["fixed modes", "modes"])
def test_a_part_is_judged_by_what_the_disk_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """A disk with fixed modes gives every file the same, whatever it was made with."""
    opened = os.open

    def made(path: str, flags: int, *how: int, **more: int) -> int:
        descriptor = opened(path, flags, *how, **more)
        if flags & os.O_CREAT:
            os.fchmod(descriptor, mode)
        return descriptor

    monkeypatch.setattr(os, "open", made)
    path = tmp_path / "new.sqlite"
    with pytest.raises(ZeroDivisionError), new_file_by_parts(path) as part:
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), new_file_by_parts(path) as part:
        part.chmod(0o644)
        raise ZeroDivisionError
    with pytest.raises(AlreadyThere, match=r"new\.sqlite\.part"), new_file_by_parts(path):
        raise AssertionError
    assert [*tmp_path.iterdir()] == [part]


@pytest.mark.parametrize("suffix", SIBLINGS)
def test_nothing_is_begun_where_something_lies(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"new.sqlite{suffix}").symlink_to("nowhere")
    with pytest.raises(AlreadyThere), new_file(tmp_path / "new.sqlite"):
        raise AssertionError
    with pytest.raises(InvalidInput, match="no folder"), new_file(tmp_path / "nowhere" / "new.sqlite"):
        raise AssertionError


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with replacing(path) as building:
        building.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with (
        pytest.raises(DiskFull, match=r"out\.csv is full"),
        expected_errors(path),
        replacing(path) as building,
    ):
        building.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(CannotOpen, match=r"out\.csv cannot be written"), expected_errors(path):
        raise OSError(errno.EROFS, "Read-only file system")
    with pytest.raises(FileMissing, match="another"), expected_errors(path), replacing(path):
        raise FileMissing(Path("another"))
    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_too_long_is_no_disk_that_fails(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with (
        pytest.raises(CannotOpen, match=r"x cannot be written: its name is too long for most disks"),
        expected_errors(path),
    ):
        atomic.write(path, "{}")


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "no" / "out.csv"
    with (
        pytest.raises(CannotOpen, match=r"out\.csv cannot be written: there is no folder .*no"),
        expected_errors(path),
        replacing(path),
    ):
        raise AssertionError


@pytest.mark.usefixtures("links")
def test_a_text_is_the_owners_alone_and_takes_a_place_only_when_it_may(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    atomic.write(path, "first\n", only_if_new=True)
    with pytest.raises(AlreadyThere):
        atomic.write(path, "second\n", only_if_new=True)
    assert path.read_bytes() == b"first\n"
    atomic.write(path, "third\n")
    assert path.read_bytes() == b"third\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_work_left_of_databases_is_cleared_away(tmp_path: Path) -> None:
    def leave(name: str, *files: str, mode: int = 0o700, fresh: bool = False) -> Path:
        folder = tmp_path / f"{UNFINISHED}{name}"
        folder.mkdir(mode)
        for file in files:
            (folder / file).parent.mkdir(0o700, exist_ok=True)
            (folder / file).touch()
        if not fresh:
            for part in (*folder.rglob("*"), folder):
                os.utime(part, (1, 1))
        return folder

    leave("killed_1")
    leave("killed_2", "foundation.sqlite", "foundation.sqlite-wal", "foundation.sqlite-shm")
    leave("killed_3", "copy.sqlite", f"{UNFINISHED}killed_4/copy.sqlite-journal")
    leave("killed_5", "before.bak")
    leave("999999999-killed_6", "copy.sqlite")
    leave("999999999-killed_7", "copy.sqlite", fresh=True)
    stay = [
        leave("in_the_m", "copy.sqlite", fresh=True),
        leave(f"{os.getpid()}-in_use__", "copy.sqlite"),
        leave("999999999-elsewher", "copy.sqlite", fresh=True),
        leave("writing_", "audit-acme-1-2.jsonl.gz"),
        leave("both____", "copy.sqlite", "letter.odt"),
        leave("inside__", "copy.sqlite", "mine/copy.sqlite"),
        leave("home", "copy.sqlite"),
        leave("settings", "copy.sqlite", mode=0o755),
    ]
    (tmp_path / f"{UNFINISHED}foundation.before-restore.20261118T110640Z.sqlite.lock").touch()
    kept = [tmp_path / f"{UNFINISHED}{name}.lock" for name in ("new.sqlite.part", "held.sqlite", "theirs")]
    for lock in kept:
        lock.touch()
    kept[-1].write_text("a line of their own")
    elsewhere = os.open(tmp_path / f"{UNFINISHED}999999999-elsewher", os.O_RDONLY)
    fcntl.flock(elsewhere, fcntl.LOCK_EX)  # by a process whose number is another's here
    with alone_with(tmp_path / "held.sqlite"):
        with new_file(tmp_path / "new.bak") as building:
            building.touch()
        assert {*tmp_path.iterdir()} == {*stay, *kept, tmp_path / "new.bak"}
    os.close(elsewhere)


def test_what_a_killed_process_left_goes_before_anybody_asks_for_its_end(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with WorkFolder(tmp_path) as folder:
            Path(folder, "copy.sqlite").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert list(tmp_path.iterdir())
    sweep_databases(tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []
    os.waitpid(child, 0)


def test_what_is_left_in_passing_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, others = tmp_path / f"{UNFINISHED}999999999-abcdefgh", tmp_path / "tenant-admin-abcdefgh"
    for folder in (left, others):
        folder.mkdir(0o700)
        (folder / "foundation.sqlite").touch()
    with in_passing() as own:
        assert {*tmp_path.iterdir()} == {Path(own), others}
    assert [*tmp_path.iterdir()] == [others]


def test_what_is_being_made_is_not_swept_away_and_its_number_is_another_program_s(tmp_path: Path) -> None:
    """Where two programs share a folder and not their numbers, as containers do."""
    with WorkFolder(tmp_path) as folder:
        working = Path(folder, "copy.sqlite")
        working.touch()
        renamed = Path(folder).rename(tmp_path / f"{UNFINISHED}999999999-abcdefgh")
        sweep_databases(tmp_path / "a.sqlite")
        assert list(renamed.iterdir()) == [renamed / "copy.sqlite"]
    sweep_databases(tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_done_with_leaves_nothing_to_its_finalizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a signal would end nothing, and be printed with a traceback."""
    lock = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr("models.files.atomic._locked", lambda _: lock)
    folder = WorkFolder(tmp_path)
    with folder:
        assert os.fstat(lock)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lock)


class TestPlaces:
    """Nothing that the program writes takes the place of what nobody means to lose."""

    def test_a_database_is_never_written_over(self, tmp_path: Path) -> None:
        path, link = tmp_path / "a.sqlite", tmp_path / "a.json"
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute("CREATE TABLE t (a)")
        link.symlink_to(path.name)
        before = path.read_bytes()
        for name in (path, link):
            with pytest.raises(DatabaseThere, match=f"a database at {name}"), replacing(name):
                raise AssertionError
            with pytest.raises(DatabaseThere):
                atomic.write(name, "{}")
        assert (path.read_bytes(), link.is_symlink()) == (before, True)

    @pytest.mark.parametrize("suffix", [*SIBLINGS[1:], "-WAL"])
    @pytest.mark.parametrize("is_there", [True, False])
    def test_what_lies_beside_a_database_neither(self, tmp_path: Path, suffix: str, is_there: bool) -> None:
        (tmp_path / "a.sqlite").write_bytes(b"")
        path = tmp_path / f"a.sqlite{suffix}"
        if is_there:
            path.write_bytes(b"log")
        with pytest.raises(BesideDatabase, match=f"{path.name} for a part of a.sqlite"):
            atomic.write(path, "{}")
        assert not is_there or path.read_bytes() == b"log"
        if not is_there:
            with pytest.raises(BesideDatabase), new_file(path):
                raise AssertionError

    def test_what_is_no_file_neither(self, tmp_path: Path) -> None:
        path, folder, loop = tmp_path / "pipe", tmp_path / "folder", tmp_path / "loop"
        loop.symlink_to(loop)
        with pytest.raises(LinkBroken, match="a symbolic link that leads to itself"):
            atomic.write(loop, "{}")
        os.mkfifo(path)
        folder.mkdir()
        for name, kind in ((path, "a named pipe"), (folder, "a folder")):
            with pytest.raises(FolderGiven, match=kind):
                atomic.write(name, "{}")
        assert path.is_fifo() and folder.is_dir()

    def test_another_file_may_give_way(self, tmp_path: Path) -> None:
        path = tmp_path / "list-wal"
        path.write_text("before")
        atomic.write(path, "after")
        assert path.read_text() == "after"


def test_a_name_with_nul_is_refused_as_one_that_cannot_be_written(tmp_path: Path) -> None:
    """As it is pasted into a dialog for files."""
    path = tmp_path / "x\0y"
    with pytest.raises(StorageError), expected_errors(path), replacing(path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_copy_that_a_killed_program_has_left_is_named_once(tmp_path: Path) -> None:
    copy = tmp_path / "x.before-erasing.20260101T000000Z.sqlite"
    copy.touch()
    with atomic.alone_with(copy):
        assert atomic.left_locked(tmp_path / "x.sqlite") == [], "whoever makes it runs"
    atomic.lock_of(copy).touch()
    atomic.sweep_databases(tmp_path / "x.sqlite")
    assert atomic.left_locked(tmp_path / "y.sqlite") == []
    assert [atomic.left_locked(tmp_path / "x.sqlite") for _ in range(2)] == [[copy], []]
