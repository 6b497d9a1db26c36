"""Every expected failure is one sentence that says what happened and what to do."""

from pathlib import Path

import apsw
import peewee
import pytest

from app.services import errors as service_errors
from models import errors
from models.errors import StorageError, TenantAdminError, translate

PATH = Path("/data/foundation.sqlite")
STORAGE = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, StorageError) and kind is not StorageError
    ),
    key=lambda kind: kind.__name__,
)
WITHOUT_FILE = {"HeadMoved", "RowChanged", "AlreadyExists"}
WITH_NAME = {"TableMissing": "users", "ColumnMissing": "users.email", "Refused": "CHECK constraint failed: x"}


def example(kind: type[StorageError]) -> tuple[StorageError, str]:
    """An instance, and the word that must be in its sentence."""
    if kind.__name__ in WITHOUT_FILE:
        return kind(), "nothing was changed"
    argument = WITH_NAME.get(kind.__name__, PATH)
    return kind(argument), argument if isinstance(argument, str) else PATH.stem  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", STORAGE, ids=lambda kind: kind.__name__)
def test_each_error_is_a_sentence(kind: type[StorageError]) -> None:
    error, word = example(kind)
    sentence = str(error)
    assert word in sentence
    assert sentence[0].isupper() or sentence.startswith(PATH.name) or sentence.startswith(str(PATH))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert 30 < len(sentence) < 300
    assert isinstance(error, TenantAdminError)


def test_sentences_differ() -> None:
    sentences = [str(example(kind)[0]) for kind in STORAGE]
    assert len(set(sentences)) == len(STORAGE)


def test_services_offer_every_storage_error() -> None:
    names = {kind.__name__ for kind in STORAGE}
    assert names <= set(service_errors.__all__)
    assert all(getattr(service_errors, name) is getattr(errors, name) for name in names)


def test_the_holder_of_a_lock_is_named() -> None:
    assert "in use by workerd (pid 7), which" in str(errors.FileLocked(PATH, "workerd (pid 7)"))
    assert "in use by another program, which" in str(errors.FileLocked(PATH))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (apsw.BusyError("database is locked"), errors.FileLocked),
        (apsw.ProtocolError("locking protocol"), errors.FileLocked),
        (apsw.ReadOnlyError("attempt to write a readonly database"), errors.ReadOnlyFile),
        (apsw.NotADBError("file is not a database"), errors.NotADatabase),
        (apsw.CorruptError("database disk image is malformed"), errors.DamagedFile),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), errors.DamagedFile),
        (apsw.FullError("database or disk is full"), errors.DiskFull),
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
        (apsw.SQLError("no such column: t1.email"), errors.ColumnMissing),
        (apsw.SQLError("table users has no column named email"), errors.ColumnMissing),
    ],
)
def test_what_sqlite_raises_becomes_the_error_a_person_gets(error: Exception, expected: type) -> None:
    assert type(translate(error, PATH)) is expected
    with pytest.raises(Exception) as caught, peewee.__exception_wrapper__:
        raise error
    assert type(translate(caught.value, PATH)) is expected


@pytest.mark.parametrize("bug", [apsw.SQLError('near "(": syntax error'), KeyError("x"), ValueError("x")])
def test_a_bug_is_not_disguised(bug: Exception) -> None:
    assert translate(bug, PATH) is None
