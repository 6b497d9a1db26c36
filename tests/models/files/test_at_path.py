"""What lies at a path is said to be what it is."""

import os
from pathlib import Path

import pytest

from models import errors
from models.files.at_path import require_content, require_file


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
