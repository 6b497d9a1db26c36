"""Undo and redo."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.services.chain.cautions import Agreed
from app.services.records import users
from app.services.text import quoted
from app.ui.session.history import History
from app.ui.session.lock import Unsettled
from app.ui.session.sight import Sight
from app.workers.runner import Runner
from models.engine import Database, Settled, Statement
from models.errors import EarlierUnknown, NothingToDo, OutcomeUnknown, RowChanged, TenantAdminError
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS


@pytest.fixture
def history(runner: Runner) -> History:
    def refused(again: object, failed: Callable[[TenantAdminError], None], error: TenantAdminError) -> None:
        failed(error)

    return History(runner, lambda: NOW, agreed=Agreed(), refused=refused, sight=Sight())


def create(runner: Runner, qtbot: QtBot, name: str) -> None:
    with qtbot.waitSignal(runner.changed):
        runner.write(users.create, "acme", f"{name}@acme.example", actor="ops", now=NOW)


def emails(database: LocalDatabase) -> list[str]:
    return [email for (email,) in database.connection().execute("SELECT email FROM users ORDER BY email")]


def test_an_act_is_taken_back_and_done_again(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    heard: list[tuple[str, bool]] = []
    runner.changed.connect(lambda change, who: heard.append((change.summary, who is history)))
    create(runner, qtbot, "ada")
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert emails(database) == []
    with qtbot.waitSignal(runner.changed):
        history.redo()
    assert emails(database) == ["ada@acme.example"]
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert emails(database) == []
    what = "User ada@acme.example created"
    assert heard == [
        (what, False),
        (f"“{what}” undone", True),
        (f"“{what}” done again", True),
        (f"“{what}” undone", True),
    ]
    assert (history.next_undo, history.next_redo) == ("", what)


def test_nothing_is_kept_of_the_acts_of_a_tenant_that_was_erased(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    for name in ("ada", "bob"):
        create(runner, qtbot, name)
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert (history.next_undo, history.next_redo) != ("", "")
    history.forget(frozenset({"another"}))
    assert history.next_undo and history.next_redo
    history.forget(frozenset({"another", "acme"}))
    assert (history.next_undo, history.next_redo) == ("", "")


def test_an_act_that_is_running_is_the_one_taken_back(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    create(runner, qtbot, "ada")
    told: list[str] = []
    runner.changed.connect(lambda change, who: told.append(change.summary))
    runner.write(users.create, "acme", "bob@acme.example", actor="ops", now=NOW)
    history.undo()
    qtbot.waitUntil(lambda: len(told) == 2)
    assert told[1] == "“User bob@acme.example created” undone"
    assert emails(database) == ["ada@acme.example"]


def test_where_the_act_that_is_running_fails_the_one_before_it_stays(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    create(runner, qtbot, "ada")
    go = threading.Event()

    def fails(_: Database) -> None:
        go.wait()
        raise RowChanged

    runner.write(fails, on_failed=lambda error: None)
    with qtbot.waitSignal(runner.failed) as told:
        history.undo()
        go.set()
    assert "just before it did not go through" in str(told.args[0]) and emails(database) == [
        "ada@acme.example"
    ]
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert emails(database) == []


def test_what_is_asked_about_is_what_is_taken_back(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    """Also where it is still running when one asks for it, and where another follows before the answer."""
    create(runner, qtbot, "ada")
    asked: list[tuple[str, Callable[[], None]]] = []
    ask = lambda change, go: asked.append((change.summary, go))  # noqa: E731
    runner.write(users.create, "acme", "bob@acme.example", actor="ops", now=NOW)
    history.undo(ask)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked[0][0] == "User bob@acme.example created"
    create(runner, qtbot, "cyd")
    asked[0][1]()
    assert len(emails(database)) == 3 and history.next_undo == "User cyd@acme.example created"
    history.undo(ask)
    qtbot.waitUntil(lambda: len(asked) == 2)
    with qtbot.waitSignal(runner.changed):
        asked[1][1]()
    assert emails(database) == ["ada@acme.example", "bob@acme.example"]


def test_each_undo_takes_its_turn(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    create(runner, qtbot, "ada")
    create(runner, qtbot, "bob")
    done: list[str] = []
    runner.changed.connect(lambda change, who: done.append(change.summary))
    history.undo()
    history.undo()
    history.redo()
    qtbot.waitUntil(lambda: len(done) == 3)
    ada, bob, cyd = (f"User {name}@acme.example created" for name in ("ada", "bob", "cyd"))
    assert done == [f"“{bob}” undone", f"“{ada}” undone", f"“{ada}” done again"]
    history.undo()
    runner.write(users.create, "acme", "cyd@acme.example", actor="ops", now=NOW)
    history.undo()
    qtbot.waitUntil(lambda: len(done) == 6)
    assert sorted(done[3:]) == sorted([f"“{ada}” undone", cyd, f"“{cyd}” undone"])
    assert emails(database) == []


def test_an_undo_that_is_refused_can_be_tried_again_and_keeps_none_from_those_before(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    """What was asked for behind it is not done, but where it is refused again, older acts go first."""
    create(runner, qtbot, "ada")
    create(runner, qtbot, "bob")
    ada, bob = (f"User {name}@acme.example created" for name in ("ada", "bob"))
    rename = "UPDATE users SET email = ? WHERE email LIKE ?"
    database.connection().execute(rename, ("other@acme.example", "bob%"))
    for following in (bob, ada):
        with qtbot.waitSignal(runner.failed) as refused:
            history.undo()
            history.undo()
        assert isinstance(refused.args[0], RowChanged)
        said = f"“{bob}” cannot be undone, because of what has changed since: E-mail of the record. Nothing"
        assert str(refused.args[0]).startswith(said)
        assert history.next_undo == following
        assert history.before_refused(refused.args[0]) == (ada if following == bob else "")
    assert emails(database) == ["ada@acme.example", "other@acme.example"]
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert (emails(database), history.next_undo) == (["other@acme.example"], bob)
    database.connection().execute(rename, ("bob@acme.example", "other%"))
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert emails(database) == []


def why_refused(qtbot: QtBot, runner: Runner, revert: Callable[[], None]) -> TenantAdminError:
    with qtbot.waitSignal(runner.failed) as failed:
        revert()
    error = failed.args[0]
    assert isinstance(error, TenantAdminError)
    return error


def test_the_act_before_one_that_is_refused_is_undone_in_its_place(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    for name in ("ada", "bob", "cyd"):
        create(runner, qtbot, name)
    database.connection().execute("UPDATE users SET email = 'other@acme.example' WHERE email LIKE 'cyd%'")
    error = why_refused(qtbot, runner, history.undo)
    assert history.before_refused(error) == "User bob@acme.example created"
    with qtbot.waitSignal(runner.changed):
        history.undo_before(error)
    assert emails(database) == ["ada@acme.example", "other@acme.example"]
    assert history.next_undo == "User cyd@acme.example created"
    assert history.next_redo == "User bob@acme.example created"


def test_an_act_on_a_record_that_a_later_one_is_on_is_not_offered_in_its_place(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    for name in ("ada", "bob", "cyd"):
        create(runner, qtbot, name)
    sql = database.connection()
    ((bob,),) = sql.execute("SELECT id FROM users WHERE email LIKE 'bob%'")
    for email in ("two@acme.example", "three@acme.example"):
        with qtbot.waitSignal(runner.changed):
            runner.write(users.rename, bob, email, actor="ops", now=NOW)
    sql.execute("UPDATE users SET email = 'other@acme.example' WHERE id = ?", (bob,))
    error = why_refused(qtbot, runner, history.undo)
    assert history.before_refused(error) == "User cyd@acme.example created"
    with qtbot.waitSignal(runner.changed):
        history.undo_before(error)
    assert emails(database) == ["ada@acme.example", "other@acme.example"]


def test_the_rest_of_an_act_on_many_is_undone_by_itself_and_done_again(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    for name in ("ada", "bob", "cyd"):
        create(runner, qtbot, name)
    sql = database.connection()
    ids = [row[0] for row in sql.execute("SELECT id FROM users ORDER BY email")]
    with qtbot.waitSignal(runner.changed):
        runner.write(users.delete, ids, actor="ops", now=NOW)
    sql.execute(f"{INTO_USERS}(?, 'acme', 'other@acme.example', NULL, 1, 1)", (ids[2],))
    told: list[str] = []
    refused = partial(why_refused, qtbot, runner)
    runner.changed.connect(lambda change, who: told.append(change.told))

    error = refused(history.undo)
    assert "user “cyd@acme.example” is there again" in str(error)
    assert history.rest_of_refused(error) == "Undo for the other 2"
    with qtbot.waitSignal(runner.changed):
        history.revert_rest(error)
    what = "“3 users deleted (2 of 3)”"
    assert told == [f"{what} undone; 1 left as it is: changed since (cyd@acme.example)"]
    assert emails(database) == ["ada@acme.example", "bob@acme.example", "other@acme.example"]
    assert (quoted(history.next_redo), history.next_undo) == (what, "User cyd@acme.example created")
    sql.execute("UPDATE users SET password_hash = 'x' WHERE email LIKE 'bob%'")
    error = refused(history.redo)
    assert history.rest_of_refused(error) == "Do again for the other one"
    with qtbot.waitSignal(runner.changed):
        history.revert_rest(error)
    assert emails(database) == ["bob@acme.example", "other@acme.example"]
    assert history.next_undo == "3 users deleted (1 of 3)"
    assert history.rest_of_refused(error) == "Do again for the other one"
    gone = refused(lambda: history.revert_rest(error))
    assert isinstance(gone, NothingToDo) and "Nothing was done" in str(gone)
    history.forget(frozenset({"other"}))
    assert history.rest_of_refused(error) != "", "which is of another tenant"
    history.forget(frozenset({"acme"}))
    assert history.rest_of_refused(error) == ""
    assert isinstance(refused(lambda: history.revert_rest(error)), NothingToDo)
    assert isinstance(refused(lambda: history.undo_before(error)), NothingToDo)


def test_a_redo_that_is_refused_is_called_one(
    runner: Runner, history: History, database: LocalDatabase, qtbot: QtBot
) -> None:
    create(runner, qtbot, "ada")
    ((ada,),) = database.connection().execute("SELECT id FROM users")
    with qtbot.waitSignal(runner.changed):
        runner.write(users.rename, ada, "eve@acme.example", actor="ops", now=NOW)
    with qtbot.waitSignal(runner.changed):
        history.undo()
    database.connection().execute("UPDATE users SET email = 'other@acme.example'")
    with qtbot.waitSignal(runner.failed) as refused:
        history.redo()
    assert " cannot be done again, because of what has changed since" in str(refused.args[0])
    assert refused.args[0].heading == "Something has changed meanwhile"


@pytest.mark.parametrize("more", [None, "role TEXT"])
def test_an_act_whose_answer_was_lost_is_the_next_one_taken_back(
    runner: Runner,
    history: History,
    database: LocalDatabase,
    qtbot: QtBot,
    *,
    monkeypatch: pytest.MonkeyPatch,
    more: str | None,
) -> None:
    """Also where an undo of the one before it was refused meanwhile, and of a table with more columns."""
    if more is not None:
        database.connection().execute(f"ALTER TABLE users ADD COLUMN {more}")
    unsettled = Unsettled(runner, runner)
    unsettled.saved.connect(history.found_saved)
    create(runner, qtbot, "ada")
    batch = database.run_batch

    def lost(statements: Sequence[Statement], **how: Any) -> float:
        batch(statements, **how)
        raise OutcomeUnknown("prod", "it took too long")

    def waits(statements: Sequence[Statement], **how: Any) -> float:
        raise EarlierUnknown("prod", "it may still be on its way")

    monkeypatch.setattr(database, "run_batch", lost)
    with qtbot.waitSignal(runner.failed_with):
        runner.write(
            users.create, "acme", "bob@acme.example", actor="ops", now=NOW, on_failed=lambda error: None
        )
    monkeypatch.setattr(database, "run_batch", waits)
    with qtbot.waitSignal(runner.failed):
        history.undo()
    monkeypatch.setattr(database, "run_batch", batch)
    monkeypatch.setattr(database, "settle", lambda: Settled(saved=True, what="User bob@acme.example created"))
    with qtbot.waitSignal(unsettled.settled):
        unsettled.ask()
    assert (history.next_undo, history.next_redo) == ("User bob@acme.example created", "")
    monkeypatch.setattr(database, "run_batch", lost)
    with qtbot.waitSignal(runner.failed):
        history.undo()
    monkeypatch.setattr(database, "run_batch", batch)
    error = unsettled.error
    assert error is not None
    monkeypatch.setattr(database, "settle", lambda: Settled(saved=True, what=error.act))
    with qtbot.waitSignal(unsettled.settled) as told:
        unsettled.ask()
    assert told.args == [True, "“User bob@acme.example created” undone"]
    assert emails(database) == ["ada@acme.example"]
    assert (history.next_undo, history.next_redo) == (
        "User ada@acme.example created", "User bob@acme.example created"
    )  # fmt: skip
    with qtbot.waitSignal(runner.changed):
        history.undo()
    assert emails(database) == [] and history.next_undo == ""
