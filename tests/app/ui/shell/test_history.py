from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.ui.shell.history import History
from app.workers.runner import Runner
from models.local.database import LocalDatabase
from tests.conftest import NOW


@pytest.fixture
def runner(database: LocalDatabase) -> Iterator[Runner]:
    runner = Runner(database)
    yield runner
    runner.stop()


def test_an_act_is_announced_and_can_be_undone(runner: Runner, database: LocalDatabase, qtbot: QtBot) -> None:
    history = History(runner, lambda: NOW)
    runner.changed.connect(lambda change, initiator: announced.append(change.summary))
    announced: list[str] = []
    runner.write(users.create, "acme", "ada@acme.example", actor="ops", now=NOW, on_done=history.record)
    with qtbot.waitSignal(history.done):
        pass
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert announced == ["User ada@acme.example created", "Undone: User ada@acme.example created"]
    assert database.connection().execute("SELECT count(*) FROM users").get == 0
    qtbot.waitUntil(history.stack.canRedo)
    with qtbot.waitSignal(runner.changed):
        history.redo()
    assert database.connection().execute("SELECT count(*) FROM users").get == 1


def test_an_undo_that_is_refused_says_so_and_forgets_the_rest(
    runner: Runner, database: LocalDatabase, qtbot: QtBot
) -> None:
    history = History(runner, lambda: NOW)
    with qtbot.waitSignal(history.done):
        runner.write(users.create, "acme", "ada@acme.example", actor="ops", now=NOW, on_done=history.record)
    database.connection().execute("UPDATE users SET email = 'other@acme.example'")
    with qtbot.waitSignal(history.failed) as refused:
        history.undo()
    assert "changed or removed by somebody else" in str(refused.args[0])
    assert not history.stack.canUndo()
