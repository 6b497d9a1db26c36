"""Every expected failure is one sentence that says what happened and what to do."""

from pathlib import Path

import pytest

from models import errors
from models.errors import StorageError, TenantAdminError

PATH = Path("/data/foundation.sqlite")
STORAGE = sorted(
    (
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, StorageError)
        and kind not in (StorageError, errors.RemoteError, errors.MayBeIn)  # what others are made of
    ),
    key=lambda kind: kind.__name__,
)
WITHOUT_FILE = {"NumbersUsedUp", "HeadMoved", "RowChanged", "AlreadyExists", "OutOfMemory"}
WITH_NAME = {"TableMissing": "users", "ColumnMissing": "users.email", "Refused": "CHECK constraint failed: x"}


def example(kind: type[StorageError]) -> tuple[StorageError, str]:
    """An instance, and the word that must be in its sentence."""
    if kind.__name__ in WITHOUT_FILE:
        return kind(), "nothing was changed"
    if kind is errors.ChangedSince:
        return kind(["the e-mail"]), "the e-mail"
    if kind is errors.LinkBroken:
        return errors.LinkBroken(PATH, "gone.sqlite"), "gone"
    if kind is errors.RateLimited:
        return errors.RateLimited("d1:shop", 0), "d1:shop"
    argument = WITH_NAME.get(kind.__name__, PATH)
    return kind(argument), argument if isinstance(argument, str) else PATH.stem


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
    """Damage and undecodable text are one to a person."""
    sentences = [str(example(kind)[0]) for kind in STORAGE]
    assert len(set(sentences)) == len(STORAGE) - 2


def test_a_place_without_a_path_is_said_as_it_is() -> None:
    assert str(errors.ReadOnlyFile("production")) == "production is open read-only; nothing was changed."


def test_the_holder_of_a_lock_is_named() -> None:
    assert "in use by workerd (pid 7), which" in str(errors.FileLocked(PATH, "workerd (pid 7)"))
    assert "in use by another program, which" in str(errors.FileLocked(PATH))


@pytest.mark.parametrize("kind", STORAGE, ids=lambda kind: kind.__name__)
def test_what_happened_can_be_said_of_a_job_that_has_changed_something(kind: type[StorageError]) -> None:
    error, word = example(kind)
    assert "nothing was" not in error.happened.lower()
    assert word in error.happened or kind.__name__ in WITHOUT_FILE
    assert error.happened.endswith(".")


def test_of_what_happened_no_half_of_a_sentence_is_left_out() -> None:
    whole = "It is full; nothing was removed that is not in the archive. Free some space."
    assert TenantAdminError(whole).happened == whole
    unknown = errors.EarlierUnknown("production", "no answer")
    assert unknown.happened == str(unknown).replace("; nothing was changed now", "")
