"""A new file is there whole or not at all."""

from pathlib import Path

import apsw
import pytest

from app.services.errors import AlreadyThere, DiskFull, InvalidInput
from app.services.new_file import new_file


def test_it_appears_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with new_file(path) as building:
        building.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing_and_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with pytest.raises(DiskFull, match=r"new\.sqlite is full"), new_file(path) as building:
        building.write_bytes(b"half")
        raise apsw.FullError("database or disk is full")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with pytest.raises(AlreadyThere), new_file(path) as building:
        building.write_bytes(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_nothing_is_begun_where_something_lies(tmp_path: Path, suffix: str) -> None:
    there = tmp_path / f"new.sqlite{suffix}"
    there.touch()
    with pytest.raises(AlreadyThere), new_file(tmp_path / "new.sqlite"):
        raise AssertionError
    with pytest.raises(InvalidInput, match="no folder"), new_file(tmp_path / "nowhere" / "new.sqlite"):
        raise AssertionError
