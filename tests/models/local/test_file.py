"""A database file as it is seen beside the engine."""

import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.local.file import is_sound, patiently
from models.progress import never
from tests.fixtures.damage import spoil


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
