"""Every status that a run may have, the known and the odd ones, with every act, on one run and on many."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.services.records import writing
from app.services.runs import statuses as planning
from models.engine import Database
from models.errors import InvalidInput, NotAllowed, NothingToDo, TenantAdminError
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.app.services.conftest import Events
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.gateway import create_gateway
from tests.fixtures.run_states import ANY_STATUS, LEGAL
from tests.matrix import every

TO = [status for status in RunStatus if status is not RunStatus.ACTIVE]
"""What a run is given by an act; restoring gives back what was there."""


def add(database: LocalDatabase, key: str, status: str) -> str:
    database.connection().execute(
        "INSERT INTO planning_runs (id, idea, status, kill_verdict, created_at, updated_at)"
        f" VALUES (?, 'An idea', {status}, 'proceed', ?, ?)",
        (key, NOW - 10, NOW - 10),
    )
    return key


def state(database: LocalDatabase) -> list[tuple[Any, ...]]:
    status = "iif(typeof(status) = 'text', hex(status), quote(status))"  # one may be no UTF-8
    sql = f"SELECT id, {status}, quote(kill_verdict), updated_at FROM planning_runs ORDER BY id"
    return list(database.connection().execute(sql))


def text(status: str) -> str:
    return status.encode().hex().upper()


@pytest.fixture
def nullable(database: LocalDatabase) -> LocalDatabase:
    """Its own rules take any status."""
    sql = database.connection()
    made = sql.execute("SELECT sql FROM sqlite_master WHERE name = 'planning_runs'").fetchone()[0]
    sql.execute("DROP TABLE planning_runs")
    sql.execute(made.replace(*ANY_STATUS))
    return database


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except (NotAllowed, NothingToDo):
        return True
    return False


@pytest.mark.slow
def test_every_status_with_every_act(engine: Database, nullable: LocalDatabase, events: Events) -> None:
    cases = [(sql, many, status) for sql in LEGAL for many in (1, 3) for status in TO]
    allowed = [case for case in cases if case[2] in LEGAL[case[0]]]
    for sql, many, status in every(allowed) + every(case for case in cases if case not in allowed):
        nullable.connection().execute("DELETE FROM planning_runs")
        add_one = [add(nullable, str(one), sql) for one in range(many)]
        before, told = state(nullable), events()
        acted: list[Any] = []

        def act(ids: list[str] = add_one, to: RunStatus = status, acted: list[Any] = acted) -> None:
            acted.append(planning.set_status(engine, ids, to, "since", actor="ops", now=NOW))

        assert refused(act) is (status not in LEGAL[sql]), (sql, status)
        if not acted:
            assert (state(nullable), events()) == (before, told)
            continue
        found = {row[0]: row[1:] for row in state(nullable)}
        verdict = "'since'" if status is RunStatus.KILLED else "'proceed'"
        assert {found[one] for one in add_one} == {(text(status), verdict, NOW)}, (sql, status)
        payloads = [payload for *_, payload in events()[len(told) :]]
        assert [one["reason"] for one in payloads] == ["since"] * many
        writing.undo(engine, acted[0], now=NOW)
        assert state(nullable) == before, (sql, status)
        assert len(events()) == len(told) + 2 * many


def test_every_status_restored(engine: Database, nullable: LocalDatabase) -> None:
    for number, sql in enumerate(LEGAL):
        run = add(nullable, str(number), sql)
        is_deleted = sql == "'deleted'"
        act = partial(planning.restore, engine, [run], "again", actor="ops", now=NOW)
        before = state(nullable)
        assert refused(act) is not is_deleted, sql
        assert (state(nullable) == before) is not is_deleted
        if is_deleted:
            continue
        planning.set_status(engine, [run], RunStatus.DELETED, actor="ops", now=NOW)
        act()
        word = re.fullmatch(r"'(\w+)'", sql)  # of another program, too; what is none says nothing
        found = {row[0]: row[1] for row in state(nullable)}
        assert found[run] == text(word[1] if word else "paused"), sql


@pytest.mark.parametrize("status", [*TO, None])
def test_of_runs_of_every_status_those_change_that_may(
    engine: Database, nullable: LocalDatabase, events: Events, status: RunStatus | None
) -> None:
    runs = [add(nullable, f"{number:02}", sql) for number, sql in enumerate(LEGAL)]
    before = state(nullable)
    if status is None:
        able = [sql == "'deleted'" for sql in LEGAL]
        change = planning.restore(engine, runs, "since", actor="ops", now=NOW)
    else:
        able = [status in following for following in LEGAL.values()]
        change = planning.set_status(engine, runs, status, "since", actor="ops", now=NOW)
    new = text(status or RunStatus.PAUSED)
    assert [row[1] == new and row[3] == NOW for row in state(nullable)] == able
    assert len(events()) == sum(able) and f"; {able.count(False)} left as " in change.left
    writing.undo(engine, change, now=NOW)
    assert state(nullable) == before


@pytest.mark.parametrize("reason", ["x" * 301, "a\u202eb", "two\nlines"])
def test_a_reason_is_a_line_that_can_be_read(engine: Database, database: LocalDatabase, reason: str) -> None:
    run = add(database, "r", "'running'")
    with pytest.raises(InvalidInput):
        planning.set_status(engine, [run], RunStatus.PAUSED, reason, actor="ops", now=NOW)
    with pytest.raises(InvalidInput):
        planning.restore(engine, [run], reason, actor="ops", now=NOW)
    assert state(database)[0][1] == text("running")


def test_a_verdict_that_goes_is_in_the_entry_and_back_with_an_undo(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    run = add(database, "r", "'running'")
    database.connection().execute("UPDATE planning_runs SET kill_verdict = ?", ("v" * 5000,))
    plain = planning.set_status(engine, [run], RunStatus.KILLED, actor="ops", now=NOW)
    assert "reason" not in events()[-1][2] and "killVerdict" not in events()[-1][2]["changes"]
    writing.undo(engine, plain, now=NOW)
    change = planning.set_status(engine, [run], RunStatus.KILLED, "  no market ", actor="ops", now=NOW)
    assert events()[-1][2]["changes"]["killVerdict"] == {"from": "v" * 1000, "to": "no market"}
    undone = writing.undo(engine, change, now=NOW)
    assert state(database)[0][2] == f"'{'v' * 5000}'"
    assert events()[-1][2]["changes"]["killVerdict"]["from"] == "no market"
    writing.undo(engine, undone, now=NOW)
    assert state(database)[0][1:3] == (text("killed"), "'no market'")
    assert events()[-1][2]["reason"] == "no market"


def test_a_gateway_without_verdicts_has_the_reason_in_its_chain(tmp_path: Path) -> None:
    with connected(create_gateway(tmp_path / "gateway.sqlite")) as database:
        planning.set_status(database, ["run-1"], RunStatus.KILLED, "no market", actor="ops", now=NOW)
        sql = "SELECT payload FROM audit_chain ORDER BY seq DESC LIMIT 1"
        assert '"reason":"no market"' in database.connection().execute(sql).fetchone()[0]
        for status in (RunStatus.CANCELLED, RunStatus.DELETED):
            with pytest.raises(TenantAdminError):
                planning.set_status(database, ["run-1"], status, "x", actor="ops", now=NOW)
