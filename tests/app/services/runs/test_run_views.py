import json
from pathlib import Path
from typing import Any

import pytest

from app.services.records import writing
from app.services.records.tables import EVERYONE, Scope
from app.services.runs import run_views
from app.services.runs import statuses as planning
from app.services.runs.run_views import Worth, dollars
from models.engine import Database
from models.errors import TableMissing
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.gateway import create_gateway, create_planning

HOUR = 3600


def add_run(database: LocalDatabase, key: str, status: str, at: object, **more: Any) -> str:
    values = {"id": key, "idea": "x", "status": status, "created_at": at, "updated_at": at, **more}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    database.connection().execute(
        f"INSERT INTO planning_runs ({names}) VALUES ({marks})", tuple(values.values())
    )
    return key


def add_artifact(database: LocalDatabase, run: str, at: object) -> None:
    database.connection().execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at) VALUES (?, ?, 'x', 'y', ?)",
        (f"{run}-{at}", run, at),
    )


def test_a_run_stands_still_when_nothing_of_it_changes(engine: Database, database: LocalDatabase) -> None:
    for key, status, at in (
        ("old", "running", NOW - 9 * HOUR),
        ("ms", "active", (NOW - 8 * HOUR) * 1000),
        ("busy", "running", NOW - 7 * HOUR),
        ("later", "running", NOW + HOUR),
        ("odd", "running", b"x"),
        ("paused", "paused", NOW - 9 * HOUR),
    ):
        add_run(database, key, status, at)
    add_artifact(database, "old", NOW - 10 * HOUR)
    add_artifact(database, "busy", (NOW - HOUR) * 1000)
    add_artifact(database, "paused", NOW)
    found = run_views.idle(engine, EVERYONE, NOW)
    assert found == {"old": 9 * HOUR, "ms": 8 * HOUR, "busy": HOUR, "later": 0}


def test_files_without_artifacts_or_runs(tmp_path: Path) -> None:
    with connected(create_gateway(tmp_path / "gateway.sqlite")) as database:
        database.connection().execute("UPDATE planning_runs SET status = 'active'")
        assert run_views.idle(database, EVERYONE, 1_795_600_060) == {"run-1": 60}
        assert run_views.idle(database, Scope("aurora"), NOW) == {}
        assert run_views.worth(database, EVERYONE, Worth(revenue=(1e7, 1e7))) == ("run-1",)
        database.connection().execute("DROP TABLE planning_runs")
        with pytest.raises(TableMissing):
            run_views.idle(database, EVERYONE, NOW)
        with pytest.raises(TableMissing):
            run_views.worth(database, EVERYONE, Worth())
    with connected(create_planning(tmp_path / "planning.sqlite")) as database:
        assert run_views.reasons(database).of == {}
        assert "r1" in run_views.idle(database, EVERYONE, NOW)


def test_runs_are_found_by_score_and_revenue(engine: Database, database: LocalDatabase) -> None:
    for key, score, revenue in (
        ("a", 7.5, "$10M ARR potential"),
        ("b", 71, 2_500_000.0),
        ("c", None, "much"),
        ("d", "high", None),
        ("e", float("inf"), 1e9),
    ):
        add_run(database, key, "running", NOW, quality_score=score, revenue_potential=revenue)
    assert set(run_views.worth(engine, EVERYONE, Worth())) == set("abcde")
    assert set(run_views.worth(engine, EVERYONE, Worth(score=(7.5, None)))) == {"a", "b"}
    assert set(run_views.worth(engine, EVERYONE, Worth(score=(None, 10)))) == {"a"}
    assert set(run_views.worth(engine, EVERYONE, Worth(revenue=(5e6, None)))) == {"a", "e"}
    assert set(run_views.worth(engine, EVERYONE, Worth((1, 100), (0, 5e6)))) == {"b"}


@pytest.mark.parametrize(
    ("stored", "amount"),
    [
        ("$10M ARR potential", 1e7),
        ("€1.2 billion a year", 1.2e9),
        ("$5-10M", 5e6),
        ("5 to 10 million", 5e6),
        ("about 1,250,000", 1_250_000),
        ("$ 800k", 8e5),
        ("10 months", 10),
        ("3T", 3e12),
        ("€1.5bn", 1.5e9),
        ("$12.5MM", 12.5e6),
        ("about 40 thousand", 40_000),
        ("-$5m", -5e6),
        ("($5M)", -5e6),
        ("(5)", -5),
        ("1 000 000", 1e6),
        ("1.500.000,50 €", 1_500_000.5),
        ("1,5 M€", 1.5e6),
        ("2027: $5M", 5e6),
        ("$1.2.3", None),
        ("12abc", None),
        ("soon", None),
        ("", None),
        (None, None),
        (b"9", None),
        (float("nan"), None),
        (12, 12.0),
    ],
)
def test_a_revenue_in_words_is_a_number(stored: object, amount: float | None) -> None:
    assert dollars(stored) == amount


def test_the_newest_entry_says_why_a_run_is_what_it_is(engine: Database, database: LocalDatabase) -> None:
    run = add_run(database, "r", "running", NOW)
    by: dict[str, Any] = {"actor": "ops", "now": NOW}

    def why() -> str:
        status = database.connection().execute("SELECT status FROM planning_runs").fetchone()[0]
        return run_views.reasons(engine).why(run, status)

    assert why() == ""
    planning.set_status(engine, [run], RunStatus.PAUSED, "needs a budget", **by)
    assert why() == "needs a budget"
    planning.set_status(engine, [run], RunStatus.RUNNING, **by)
    assert why() == ""
    before = run_views.reasons(engine)
    done = planning.set_status(engine, [run], RunStatus.KILLED, "no market", **by)
    assert why() == before.with_events(done.events).why(run, "killed") == "no market"
    assert before.with_events(done.inverse_events).why(run, "killed") == before.why(run, "killed") == ""
    writing.undo(engine, done, now=NOW)
    assert why() == "", "it runs again"
    planning.set_status(engine, [run], RunStatus.PAUSED, "waits for legal", **by)
    known = run_views.reasons(engine)
    acts = [planning.set_status(engine, [run], RunStatus.RUNNING, **by)]
    acts.append(writing.undo(engine, acts[0], now=NOW))
    for act in acts:
        known = known.with_events(act.events)
    assert why() == known.why(run, "paused") == "waits for legal", "it is paused for that again"
    database.connection().execute("UPDATE planning_runs SET status = 'killed'")
    assert why() == "", "somebody else has changed it since"
    assert run_views.reasons(engine).why(b"x", "killed") == ""


def test_two_undos_in_a_row_leave_no_reason_and_a_restored_run_has_the_one_it_had(
    engine: Database, database: LocalDatabase
) -> None:
    run = add_run(database, "r", "running", NOW)
    by: dict[str, Any] = {"actor": "ops", "now": NOW}
    paused = planning.set_status(engine, [run], RunStatus.PAUSED, "too dear", **by)
    resumed = planning.set_status(engine, [run], RunStatus.RUNNING, "bought", **by)
    undone = [writing.undo(engine, act, now=NOW) for act in (resumed, paused)]
    assert run_views.reasons(engine).why(run, "running") == "", "both were taken back"
    known = run_views.Reasons({})
    for act in (paused, resumed, *undone):
        known = known.with_events(act.events)
    assert known.why(run, "running") == ""
    known = run_views.reasons(engine)
    for act in (
        planning.set_status(engine, [run], RunStatus.PAUSED, "too dear", **by),
        planning.set_status(engine, [run], RunStatus.DELETED, "a mistake", **by),
        planning.restore(engine, [run], "none", **by),
    ):
        known = known.with_events(act.events)
    assert known.why(run, "paused") == run_views.reasons(engine).why(run, "paused") == "too dear"


def test_a_reason_is_of_the_run_s_own_chain(database: LocalDatabase) -> None:
    sql = database.connection().execute
    sql("ALTER TABLE planning_runs ADD COLUMN tenant_id TEXT")
    for key, tenant in (("r", "acme"), (1, "acme"), ("free", None), ("two", None), ("all", None)):
        add_run(database, key, "killed", NOW, tenant_id=tenant)  # type: ignore[arg-type]
    said = [("acme", "r", "own"), ("evil", "r", "FORGED"), ("evil", True, "FORGED"), ("evil", "free", "any")]
    said += [(tenant, "two", tenant) for tenant in ("acme", "evil")]  # whose it is the file does not tell
    said += [(tenant, "all", tenant) for tenant in ("acme", "system", "evil")]
    for tenant, run, reason in said:
        payload = json.dumps({"runId": run, "changes": {"status": {"to": "killed"}}, "reason": reason})
        sql(
            "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " VALUES (?, 'run_killed', ?, '', '', 1)",
            (tenant, payload),
        )
    found = run_views.reasons(database)
    runs = "r", 1, "free", "two", "all"
    assert [found.why(run, "killed") for run in runs] == ["own", "", "any", "", "system"]


@pytest.mark.parametrize(
    "payload",
    [
        *("", "{", "[1]", "null", '{"changes": 1}', "[" * 3000),
        json.dumps({"runId": "r", "changes": {"status": {"to": "paused"}}, "reason": 7}),
        json.dumps({"runId": [1], "changes": {"status": {"to": "paused"}}, "reason": "x"}),
    ],
)
def test_what_no_entry_says_is_not_known(database: LocalDatabase, payload: str) -> None:
    database.connection().execute(
        "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
        " VALUES ('system', 'run_paused', ?, '', '', 1)",
        (payload,),
    )
    assert run_views.reasons(database).why("r", "paused") == ""
