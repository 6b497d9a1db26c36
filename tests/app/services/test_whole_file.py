"""A file that takes another's place does so whole or not at all."""

import errno
from pathlib import Path

import pytest

from app.services.errors import CannotOpen, DiskFull, FileMissing
from app.services.whole_file import replacing


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
    with pytest.raises(DiskFull, match=r"out\.csv is full"), replacing(path) as building:
        building.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileMissing, match="another"), replacing(path):
        raise FileMissing(Path("another"))
    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotOpen, match=r"out\.csv cannot be opened"),
        replacing(tmp_path / "no" / "out.csv"),
    ):
        raise AssertionError
