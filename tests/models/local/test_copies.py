"""A file copied by its parts: what lies beside it comes along, and a torn copy is none."""

from pathlib import Path
from threading import Event, Thread

import pytest

from models.errors import FileLocked
from models.local.copies import copy_parts


def test_the_log_comes_along_and_the_shared_memory_does_not(tmp_path: Path) -> None:
    path, target = tmp_path / "a.db", tmp_path / "copy.db"
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").write_bytes(suffix.encode())
    copy_parts(path, target)
    assert {file.name for file in tmp_path.glob("copy*")} == {"copy.db", "copy.db-wal", "copy.db-journal"}
    assert Path(f"{target}-wal").read_bytes() == b"-wal"


def test_a_file_that_keeps_changing_is_not_copied(tmp_path: Path) -> None:
    path, target, stop, begun = tmp_path / "a.db", tmp_path / "copy.db", Event(), Event()
    with path.open("wb") as file:
        file.truncate(16_000_000)

    def write() -> None:
        with Path(f"{path}-wal").open("wb", buffering=0) as log:
            while not stop.is_set():
                log.write(b"x")
                begun.set()

    writer = Thread(target=write)
    writer.start()
    try:
        begun.wait()
        with pytest.raises(FileLocked):
            copy_parts(path, target)
    finally:
        stop.set()
        writer.join()
    assert not list(tmp_path.glob("copy*"))
