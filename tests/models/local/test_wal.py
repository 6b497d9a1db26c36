"""The log of a database file, as it is seen beside the engine."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.local.on_disk import LogIndex, sample


@pytest.mark.parametrize("left", [0, 20, 32, 40])
def test_a_log_that_is_cut_while_it_is_looked_at_is_no_bug(tmp_path: Path, left: int) -> None:
    path, log = tmp_path / "a.sqlite", tmp_path / "a.sqlite-wal"
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "wal")
        connection.execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)")
        short = tmp_path / "short"
        short.write_bytes(log.read_bytes()[:left])
        assert sample(path, LogIndex(short), 2)[1]
