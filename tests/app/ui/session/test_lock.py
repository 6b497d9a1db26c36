"""That writes are unlocked for a time, and an outcome that is not known, as a window hears of them."""

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.services.retention.removal import RetentionResult
from app.services.retention.run import RetentionStopped
from app.ui.session.lock import Lock, Unsettled
from app.workers.runner import Runner
from models.errors import OutcomeUnknown, WritesLocked
from models.local.database import LocalDatabase
from models.progress import Monitor


def test_the_unlock_ends_by_the_clock_at_the_next_write(database: LocalDatabase, qtbot: QtBot) -> None:
    """A timer stands still while the computer sleeps."""
    owner = QObject()
    lock = Lock(database, owner, needed=True)
    with pytest.raises(WritesLocked, match="Unlock them"):
        database.run_batch([])
    lock.unlock(120)
    database.run_batch([])
    assert (lock.is_locked, lock.minutes_left) == (False, 2)
    lock.unlock(0)
    assert (lock.is_locked, lock.minutes_left) == (True, 0)
    with pytest.raises(WritesLocked, match="Unlock them"):
        database.run_batch([])
    with qtbot.waitSignal(lock.changed):
        """The window is told."""


def test_an_unknown_outcome_is_heard_where_it_ended_a_job(runner: Runner, qtbot: QtBot) -> None:
    unsettled = Unsettled(runner, runner)
    unknown = OutcomeUnknown("prod", "it took too long")

    def work(monitor: Monitor) -> None:
        raise RetentionStopped(RetentionResult(0, {}), 5, unknown) from unknown

    with qtbot.waitSignal(unsettled.changed):
        runner.job(work, on_failed=lambda _: None)
    assert unsettled.error is unknown
