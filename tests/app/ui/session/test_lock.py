"""That writes are unlocked for a time, and an outcome that is not known, as a window hears of them."""

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.services.records.change import Change
from app.services.retention.removal import RetentionResult
from app.services.retention.run import RetentionStopped
from app.ui.session.lock import Lock, Unsettled
from app.workers.runner import Runner
from models.engine import Database, Settled
from models.errors import EarlierUnknown, OutcomeUnknown, WritesLocked
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


def test_what_became_of_a_change_is_told_when_a_write_has_found_it_out(
    runner: Runner, qtbot: QtBot, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the question is asked by itself when it can be answered at the latest."""
    unsettled = Unsettled(runner, runner)
    monkeypatch.setattr(database, "settle", lambda: Settled(saved=False, what="A user deleted"))
    earlier = EarlierUnknown("prod", "it may still be on its way")
    earlier.seconds = 0.0

    def refuse(_: Database) -> None:
        raise earlier

    with qtbot.waitSignal(unsettled.found) as told:
        runner.write(refuse, on_failed=lambda _: None)
    assert (told.args, unsettled.error) == ([False, "A user deleted"], None)
    database.has_news = True
    with qtbot.waitSignal(unsettled.found):
        runner.announce(Change("", (), ()), None)
