"""What SQLite, Peewee around it and the system raise becomes the error a person gets."""

import errno
from pathlib import Path
from types import SimpleNamespace

import apsw
import peewee
import pytest

from models import errors
from models.files.errors import translate
from models.refusals import constraint

PATH = Path("/data/foundation.sqlite")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (apsw.BusyError("database is locked"), errors.FileLocked),
        (apsw.ProtocolError("locking protocol"), errors.FileLocked),
        (apsw.ReadOnlyError("attempt to write a readonly database"), errors.ReadOnlyFile),
        (apsw.NotADBError("file is not a database"), errors.NotADatabase),
        (apsw.CorruptError("database disk image is malformed"), errors.DamagedFile),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), errors.UndecodableText),
        (apsw.FullError("database or disk is full"), errors.DiskFull),
        (apsw.NoMemError("out of memory"), errors.OutOfMemory),
        (apsw.TooBigError("string or blob too big"), errors.TooLongForSql),
        (OSError(28, "No space left on device"), errors.DiskFull),
        (apsw.IOError("disk I/O error"), errors.DiskFailure),
        (apsw.CantOpenError("unable to open database file"), errors.FileMissing),
        (PermissionError(13, "Permission denied"), errors.CannotOpen),
        (FileNotFoundError(2, "No such file or directory"), errors.FileMissing),
        (apsw.SQLError("unsupported file format"), errors.NewerFormat),
        (apsw.ConstraintError("NOT NULL constraint failed: audit_chain.previous_hash"), errors.HeadMoved),
        (apsw.ConstraintError("UNIQUE constraint failed: users.id"), errors.AlreadyExists),
        (apsw.ConstraintError("FOREIGN KEY constraint failed"), errors.Refused),
        (apsw.SQLError("no such table: main.users"), errors.TableMissing),
        (apsw.SQLError("no such table: main.sqlite_sequence"), errors.TableMissing),
        (apsw.SQLError("no such table: main.orgs"), errors.Refused),
        (apsw.SQLError("no such column: t1.email"), errors.ColumnMissing),
        (apsw.SQLError("table users has no column named email"), errors.ColumnMissing),
        (apsw.SQLError("LIKE or GLOB pattern too complex"), errors.Refused),
        (apsw.SQLError("malformed JSON"), errors.Refused),
    ],
)
def test_what_sqlite_raises_becomes_the_error_a_person_gets(error: Exception, expected: type) -> None:
    assert type(translate(error, PATH)) is expected
    with pytest.raises(Exception) as caught, vars(peewee)["__exception_wrapper__"]:
        raise error
    assert type(translate(caught.value, PATH)) is expected


@pytest.mark.parametrize(
    ("free", "of_temporary", "expected"),
    [(0, 0, "a.db is full;"), (10**9, 10**9, "a.db is full, or the one that holds temporary files (/proc);"),
     (10**9, 0, "temporary files (/proc) is full;")],
)  # fmt: skip
def test_a_disk_that_has_room_may_not_be_the_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, of_temporary: int, expected: str
) -> None:
    """What was sorted is gone when the error comes, so that the other disk may have room again, too."""
    room = {tmp_path: free, Path("/proc"): of_temporary}
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=room[folder]))
    for temporary, said in ((tmp_path, "a.db is full;"), (Path("/proc"), expected)):
        monkeypatch.setattr("models.files.errors.temporary_folder", lambda found=temporary: found)
        failed = translate(apsw.FullError("database or disk is full"), tmp_path / "a.db")
        assert str(failed).startswith(f"The disk that holds {said}")


@pytest.mark.parametrize(("free", "expected"), [(0, errors.DiskFull), (10**9, errors.DiskFailure)])
def test_shared_memory_that_finds_no_room_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: type
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    failed = apsw.IOError("disk I/O error")
    vars(failed)["extendedresult"] = apsw.SQLITE_IOERR_SHMSIZE
    assert type(translate(failed, tmp_path / "a.db")) is expected


def test_what_is_larger_than_a_file_may_be_is_no_disk_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = apsw.IOError("disk I/O error")
    vars(failed)["extendedresult"] = apsw.SQLITE_IOERR_WRITE
    too_large = OSError(errno.EFBIG, "File too large")
    assert type(translate(failed, tmp_path / "a.db")) is errors.DiskFailure
    assert "than its disk takes a file to be" in str(translate(too_large, tmp_path / "a.db"))
    monkeypatch.setattr("models.files.errors._limit", lambda path: "the 512 bytes that a file may have")
    for error in (failed, too_large):
        assert "larger than the 512 bytes that a file may have" in str(translate(error, tmp_path / "a.db"))


@pytest.mark.parametrize("bug", [apsw.SQLError('near "(": syntax error'), KeyError("x"), ValueError("x")])
def test_a_bug_is_not_disguised(bug: Exception) -> None:
    assert translate(bug, PATH) is None


@pytest.mark.parametrize(
    "index", ["'free'", "'free': SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)"]
)
def test_an_index_of_expressions_is_named_as_one(index: str) -> None:
    error = constraint(f"UNIQUE constraint failed: index {index}")
    assert "a row with the same value of index 'free' already" in str(error)
