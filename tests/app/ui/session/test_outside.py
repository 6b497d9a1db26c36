"""What other programs do to a database is asked in passing."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from app.ui.session.outside import Outside
from app.workers.runner import Runner
from models.local.database import LocalDatabase


def test_one_look_outside_waits_behind_a_long_write(
    runner: Runner, database: LocalDatabase, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, go_on, looks = Outside(runner, database, runner), threading.Event(), list[int]()
    looked = database.outside_changes

    def look() -> int:
        looks.append(1)
        return looked()

    monkeypatch.setattr(database, "outside_changes", look)
    outside.start()
    outside._poll.stop()  # another two seconds may go by
    qtbot.waitUntil(lambda: len(looks) == 1)
    runner.write(lambda database: go_on.wait(60))
    for _ in range(5):
        outside.look()
    answered: list[bool] = []
    outside.look(lambda: answered.append(True))
    go_on.set()
    qtbot.waitUntil(lambda: bool(answered))
    assert len(looks) <= 3, "the five are one, and who asks later gets an answer of its own"


def test_an_engine_that_tells_nothing_is_not_asked(
    runner: Runner, database: LocalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "capabilities", frozenset())
    outside, answered = Outside(runner, database, runner), list[bool]()
    outside.start()
    outside.look(lambda: answered.append(True))
    assert answered == [True] and not runner._running
