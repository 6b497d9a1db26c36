"""What is told of a row's age beforehand is what a run does."""

import apsw
import pytest

from app.services.retention.clock import GOES_BY, cutoff_at, old_from
from models.engine import Database
from tests.app.services.retention.test_run import CUTOFF, NEW, OLD, notify
from tests.conftest import NOW
from tests.fixtures.retaining import retain

TIMES = (
    CUTOFF - 1,
    CUTOFF,
    CUTOFF + 1,
    OLD,
    NEW,
    0,
    -5,
    OLD * 1000,
    CUTOFF * 1000 - 1,
    CUTOFF * 1000,
    NEW * 1000,
    OLD * 10**6,
    OLD + 0.5,
    "2026-01-01T00:00:00Z",
    b"1",
)


@pytest.mark.parametrize("milliseconds", [False, True])
def test_a_run_takes_the_notifications_that_are_old_by_then(
    engine: Database, sql: apsw.Connection, milliseconds: bool
) -> None:
    going = set()
    for number, at in enumerate(TIMES):
        for read in (0, 1, 2):
            notify(sql, f"{number}-{read}", read, at)
            since = old_from(at, 90, milliseconds=milliseconds)
            if GOES_BY["notifications"].may_go(read) and since is not None and since <= NOW:
                going.add(f"{number}-{read}")
    retain(engine, milliseconds=milliseconds)
    left = {key for (key,) in sql.execute("SELECT id FROM notifications")}
    assert {f"{number}-{read}" for number in range(len(TIMES)) for read in (0, 1, 2)} - left == going
    assert len(going) == (5 if milliseconds else 3)


def test_the_first_second_is_told() -> None:
    for made, since in ((1_000, 1_000), (1_795_000_000_999, 1_795_000_000)):
        first = old_from(made, 90, milliseconds=True)
        assert first is not None
        assert since < cutoff_at(first, 90) and not since < cutoff_at(first - 1, 90)
