import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.cautions import Agreed, NotRecorded
from app.services.chain.where import InFile
from app.services.records import writing
from app.services.records.history import summary
from app.services.records.record import read_record
from app.services.records.tables import PLANNING_ARTIFACTS
from app.services.runs import statuses as planning
from app.workers import scan_pool
from models.engine import Database
from models.errors import NotAllowed, NotFound, TenantAdminError
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.app.services.conftest import Events
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.gateway import create_gateway, create_planning, refer_to_tenants


def add_run(database: LocalDatabase, status: str, key: str = "run-1") -> str:
    database.connection().execute(
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at) VALUES (?,?,?,?,?)",
        (key, "An idea", status, NOW - 10, NOW - 10),
    )
    return key


ALLOWED = {
    "running": {"paused", "cancelled", "killed", "completed", "deleted"},
    "paused": {"running", "cancelled", "killed", "deleted"},
    "completed": {"deleted"},
    "killed": {"deleted"},
    "cancelled": {"deleted"},
    "deleted": set(),
}


@pytest.mark.parametrize("before", ALLOWED)
def test_only_the_allowed_status_changes_happen(
    engine: Database, database: LocalDatabase, events: Events, before: str
) -> None:
    for after in RunStatus:
        run, so_far = add_run(database, before, f"to-{after}"), events()
        if after in ALLOWED[before]:
            change = planning.set_status(engine, [run], after, actor="ops", now=NOW)
            found = planning.get(engine, run).run
            assert (found["status"], found["updated_at"]) == (after, NOW)
            tenant, _, payload = events()[-1]
            assert (tenant, payload["changes"]) == ("system", {"status": {"from": before, "to": after}})
            writing.undo(engine, change, now=NOW)
        else:
            with pytest.raises(NotAllowed):
                planning.set_status(engine, [run], after, actor="ops", now=NOW)
            assert events() == so_far
        assert planning.get(engine, run).run["status"] == before


@pytest.mark.parametrize("before", ["running", "paused", "completed", "killed", "cancelled"])
def test_restoring_gives_back_the_status_before_deletion(
    engine: Database, database: LocalDatabase, before: str
) -> None:
    run = add_run(database, before)
    planning.set_status(engine, [run], RunStatus.DELETED, actor="ops", now=NOW)
    planning.restore(engine, [run], actor="ops", now=NOW + 1)
    assert planning.get(engine, run).run["status"] == before


def test_many_are_restored_by_one_look_through_the_entries(database: LocalDatabase) -> None:
    keys = [add_run(database, status, f"run-{n}") for n, status in enumerate(("running", "killed") * 250)]
    database.connection().execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
        """ SELECT 'acme', 'run_paused', iif(i % 2, '{"runId":"other","actor":"a"}', 'no JSON'), '', '', 1"""
        " FROM n"
    )
    planning.set_status(database, keys, RunStatus.DELETED, actor="ops", now=NOW)
    begun = time.process_time()
    change = planning.restore(database, keys, actor="ops", now=NOW)
    assert change.told == "500 runs restored, 250 running, 250 killed"
    assert time.process_time() - begun < 1.5  # where each run had a look of its own 5 s
    found = database.connection().execute("SELECT status, count(*) FROM planning_runs GROUP BY status")
    assert dict(found.fetchall()) == {"running": 250, "killed": 250}


def test_a_deletion_that_was_taken_back_says_nothing_of_the_platform_s(
    engine: Database, database: LocalDatabase
) -> None:
    run = add_run(database, "running")
    planning.set_status(engine, [run], RunStatus.DELETED, actor="ops", now=NOW)
    planning.restore(engine, [run], actor="ops", now=NOW)
    planning.set_status(engine, [run], RunStatus.KILLED, reason="no", actor="ops", now=NOW)
    database.connection().execute("UPDATE planning_runs SET status = 'deleted'")
    planning.restore(engine, [run], actor="ops", now=NOW)
    assert planning.get(engine, run).run["status"] == "paused", "not running, which was before it was killed"


def test_a_run_that_the_platform_deleted_comes_back_paused(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    run = add_run(database, "deleted")
    change = planning.restore(engine, [run], actor="ops", now=NOW)
    assert planning.get(engine, run).run["status"] == "paused"
    assert change.told == "“An idea” restored, paused; nothing tells what it was"
    assert events()[-1][1] == "run_restored"


def test_runs_that_do_not_allow_it_are_left_and_the_act_says_which(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    runs = [add_run(database, status, status) for status in ("running", "completed", "paused", "killed")]
    with pytest.raises(NotAllowed, match=r"None of the 2 runs can become paused: 1 completed .* Nothing was"):
        planning.set_status(engine, [runs[1], runs[3]], RunStatus.PAUSED, actor="ops", now=NOW)
    assert events() == []
    change = planning.set_status(engine, [*runs, "none"], RunStatus.PAUSED, actor="ops", now=NOW)
    done, _, left = change.told.partition("; 4 left as they are: ")
    assert done == "“An idea” paused"
    assert sorted(left.replace(" (An idea)", "").split(", ")) == [
        "1 already paused",
        "1 completed",
        "1 killed",
        "1 no longer there",
    ]
    assert [planning.get(engine, run).run["status"] for run in runs] == ["paused", *runs[1:]]
    assert [kind for _, kind, *_ in events()] == ["run_paused"]
    writing.undo(engine, change, now=NOW)
    assert [planning.get(engine, run).run["status"] for run in runs] == runs


def test_a_run_shows_its_artifacts_in_running_order_newest_version_first(
    engine: Database, database: LocalDatabase
) -> None:
    run = add_run(database, "completed")
    for phase, version in [("synthesis", 1), ("opportunity", 1), ("opportunity", 2), ("own-phase", 1)]:
        database.connection().execute(
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, created_at)"
            " VALUES (?,?,?,?,'text',?)",
            (f"{phase}-{version}", run, phase, version, NOW),
        )
    artifacts = planning.get(engine, run).artifacts or ()
    found = [(item["phase"], item["version"], item["length"]) for item in artifacts]
    assert found == [("opportunity", 2, 4), ("opportunity", 1, 4), ("synthesis", 1, 4), ("own-phase", 1, 4)]
    assert read_record(engine, PLANNING_ARTIFACTS, "synthesis-1")["content"] == "text"


def test_what_is_gone_is_said(engine: Database) -> None:
    with pytest.raises(NotFound, match="run is no longer there"):
        planning.get(engine, "nothing")


def test_what_has_the_name_of_the_chain_is_never_passed_over(tmp_path: Path) -> None:
    database = LocalDatabase(create_planning(tmp_path / "planning.sqlite"))
    (agreed := Agreed()).add(NotRecorded(database.place))
    with database.connection_context():
        database.connection().execute("CREATE VIEW Audit_Chain AS SELECT 1 AS seq")
        by: dict[str, Any] = {"actor": "ops", "now": NOW, "agreed": agreed}
        with pytest.raises(TenantAdminError):
            writing.carry_out(planning.set_status, database, ["r1"], RunStatus.PAUSED, **by)
        assert planning.get(database, "r1").run["status"] == "running"


def test_the_platform_s_own_file_takes_every_status(engine: Database) -> None:
    assert planning.taken(planning.accepted(engine)) == set(RunStatus)


def test_a_deleted_run_of_a_tenant_gets_its_status_back(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    database.connection().execute("ALTER TABLE planning_runs ADD COLUMN tenant_id TEXT DEFAULT 'aurora'")
    run = add_run(database, "running")
    planning.set_status(engine, [run], RunStatus.DELETED, actor="ops", now=NOW)
    planning.restore(engine, [run], actor="ops", now=NOW)
    assert planning.get(engine, run).run["status"] == "running"
    assert [tenant for tenant, *_ in events()] == ["aurora", "aurora"]


def test_what_keeps_an_act_from_being_recorded_is_named(tmp_path: Path) -> None:
    path = create_gateway(tmp_path / "gateway.sqlite")
    refer_to_tenants(path, "aurora")
    with connected(path) as database:
        database.connection().execute("UPDATE planning_runs SET tenant_id = NULL")
        assert "tenants, which has no id “system”" in str(planning.cannot_record(database))
        with pytest.raises(NotAllowed, match=r"no id “system”.* Nothing was changed\."):
            planning.set_status(database, ["run-1"], RunStatus.KILLED, actor="ops", now=NOW)
        assert planning.get(database, "run-1").run["status"] == "paused"
        database.connection().execute("INSERT INTO tenants (id, name) VALUES ('system', 'System')")
        assert planning.cannot_record(database) is None
        planning.set_status(database, ["run-1"], RunStatus.KILLED, actor="ops", now=NOW)


class TestPlanningMachine:
    @pytest.fixture
    def database_path(self, tmp_path: Path, served: Callable[[Path], Path]) -> Path:
        return served(create_planning(tmp_path / "planning.sqlite"))

    def test_a_file_without_an_audit_chain_is_changed_once_a_person_has_agreed(
        self, engine: Database
    ) -> None:
        with pytest.raises(NotRecorded, match=r"has no audit chain .*recorded nowhere"):
            planning.set_status(engine, ["r1"], RunStatus.PAUSED, actor="ops", now=NOW)
        assert planning.get(engine, "r1").run["status"] == "running"
        (agreed := Agreed()).add(NotRecorded(engine.place))
        by: dict[str, Any] = {"actor": "ops", "now": NOW, "agreed": agreed}
        change = writing.carry_out(planning.set_status, engine, ["r1"], RunStatus.PAUSED, **by)
        assert planning.get(engine, "r1").run["status"] == "paused"
        writing.undo(engine, change, now=NOW, agreed=agreed)
        assert planning.get(engine, "r1").run["status"] == "running"
        writing.carry_out(planning.restore, engine, ["r2"], **by)
        assert planning.get(engine, "r2").run["status"] == "paused"


class TestGateway:
    @pytest.fixture
    def database_path(self, tmp_path: Path, served: Callable[[Path], Path]) -> Path:
        return served(create_gateway(tmp_path / "gateway.sqlite"))

    def test_its_run_is_active_where_ours_is_running(self, engine: Database) -> None:
        accepted = planning.accepted(engine)
        assert planning.taken(accepted) == {"active", "running", "paused", "completed", "killed"}
        assert planning.offered(accepted) == ("active", "paused", "completed", "killed")
        resumed = planning.set_status(engine, ["run-1"], RunStatus.RUNNING, actor="ops", now=NOW)
        assert planning.get(engine, "run-1").run["status"] == "active"
        assert resumed.events[0].event_type == "run_resumed" and resumed.summary.endswith("” resumed")
        paused = planning.set_status(engine, ["run-1"], RunStatus.PAUSED, actor="ops", now=NOW)
        assert planning.get(engine, "run-1").run["status"] == "paused"
        (told,) = writing.undo(engine, paused, now=NOW).events
        assert planning.get(engine, "run-1").run["status"] == "active"
        assert told.event_type == "run_resumed" and told.payload["undone"] == "run_paused"
        said = summary(told.event_type, json.dumps(told.payload))
        assert said is not None and said.startswith("ops undid “paused run” run-1")
        with pytest.raises(TenantAdminError):
            planning.set_status(engine, ["run-1"], RunStatus.CANCELLED, actor="ops", now=NOW)

    def test_a_run_s_tenant_has_the_record_of_it(
        self, engine: Database, database: LocalDatabase, database_path: Path
    ) -> None:
        sql = database.connection()
        sql.execute(
            "INSERT INTO planning_runs (id, tenant_id, idea, status, created_at, updated_at) VALUES"
            " ('a', 'aurora', 'x', 'paused', 1, 1), ('none', NULL, 'y', 'paused', 1, 1)"
        )
        appended = "SELECT tenant_id FROM audit_chain ORDER BY seq DESC LIMIT ?"
        for run, tenant in (("a", "aurora"), ("none", "system"), ("run-1", "default")):
            change = planning.set_status(engine, [run], RunStatus.KILLED, actor="ops", now=NOW)
            writing.undo(engine, change, now=NOW)
            assert sql.execute(appended, (2,)).fetchall() == [(tenant,), (tenant,)]
        planning.set_status(engine, ["a", "none", "run-1"], RunStatus.KILLED, actor="ops", now=NOW)
        assert {name for (name,) in sql.execute(appended, (3,))} == {"aurora", "system", "default"}
        report = scan_pool.verify(InFile(database_path), now=NOW)
        assert (str(report.verdict), report.findings) == ("CONSISTENT", ())
