from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.cautions import Agreed, NotRecorded
from app.services.chain.where import InFile
from app.services.records import writing
from app.services.records.change import Change
from app.services.runs import parking
from app.services.runs.parking import NewRun, due_at
from app.workers import scan_pool
from models.engine import Database
from models.errors import ColumnMissing, InvalidInput, NotAllowed, NotFound, NothingToDo, StillReferred
from models.local.database import LocalDatabase
from models.status import DAY, RunStatus
from tests.app.services.conftest import Events
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.gateway import create_gateway, create_planning
from tests.fixtures.live import Live
from tests.fixtures.sample import sample
from tests.fixtures.window import ask

BY: dict[str, Any] = {"actor": "ops", "now": NOW}
IDEA = {"idea": "A ferry for bees", "refined_idea": "", "reason": "No season", "revisit_estimate_months": "6"}


def add_run(database: LocalDatabase, key: str = "r1", at: int = NOW - 10) -> str:
    database.connection().execute(
        "INSERT INTO planning_runs (id, idea, status, current_phase, quality_score, created_at, updated_at)"
        " VALUES (?, 'A ferry', 'killed', 'strategy', 71.5, ?, ?)",
        (key, at, at),
    )
    return key


def rows(database: LocalDatabase, table: str) -> list[dict[str, Any]]:
    cursor = database.connection().execute(f"SELECT * FROM {table} ORDER BY id")
    return [dict(zip((one[0] for one in cursor.description), row, strict=True)) for row in cursor]


def ideas(database: LocalDatabase) -> list[dict[str, Any]]:
    return rows(database, "planning_parked_ideas")


def runs(database: LocalDatabase) -> list[dict[str, Any]]:
    return rows(database, "planning_runs")


def undone_and_done_again(engine: Database, change: Change, look: Callable[[], Any], before: Any) -> None:
    """It is taken back whole, and done again whole."""
    after = look()
    again = writing.undo(engine, change, now=NOW)
    assert look() == before
    writing.undo(engine, again, now=NOW)
    assert look() == after


def test_an_idea_is_parked_from_a_run_changed_and_deleted(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    run = add_run(database)
    change = parking.park(engine, {**IDEA, "revisit_estimate_note": " after\nJune "}, run, **BY)
    (idea,) = ideas(database)
    assert {name: idea[name] for name in idea if name != "id"} == {
        "idea": "A ferry for bees",
        "refined_idea": None,
        "run_id": run,
        "source_phase": "strategy",
        "reason": "No season",
        "artifact_summary": None,
        "revisit_estimate_months": 6,
        "revisit_estimate_note": "after\nJune",
        "created_at": NOW,
    }
    said = {"actor": "ops", "ideaId": idea["id"], "runId": run, "reason": "No season"}
    assert events()[-1] == ("system", "idea_parked", said)
    undone_and_done_again(engine, change, lambda: ideas(database), [])
    (before,) = ideas(database)
    with pytest.raises(NothingToDo):
        parking.update(engine, idea["id"], {"revisit_estimate_months": "6", "refined_idea": ""}, **BY)
    change = parking.update(engine, idea["id"], {"revisit_estimate_months": "", "reason": "x" * 400}, **BY)
    (after,) = ideas(database)
    assert (after["revisit_estimate_months"], after["reason"]) == (None, "x" * 400)
    told = events()[-1][2]["changes"]
    assert told["revisit_estimate_months"] == {"from": 6, "to": None} and len(told["reason"]["to"]) == 300
    undone_and_done_again(engine, change, lambda: ideas(database), [before])
    change = parking.delete(engine, [idea["id"], "gone"], **BY)
    assert events()[-1][1] == "idea_deleted"
    undone_and_done_again(engine, change, lambda: ideas(database), [after])
    with pytest.raises(NotFound):
        parking.delete(engine, [idea["id"]], **BY)


@pytest.mark.parametrize("stored", ["one\r\ntwo \n", b"\x00\xff", 7.5])
def test_what_a_form_shows_and_nobody_edits_goes_on_as_it_is_stored(
    database: LocalDatabase, stored: Any
) -> None:
    run, words = add_run(database), "x'00ff'" if isinstance(stored, bytes) else str(stored)
    typed = "\n".join(line.rstrip() for line in words.strip().splitlines())
    database.connection().execute("UPDATE planning_runs SET refined_idea = ?", (stored,))
    ((stored,),) = database.connection().execute("SELECT refined_idea FROM planning_runs").fetchall()
    parking.park(database, {**IDEA, "refined_idea": typed}, run, **BY)
    (idea,) = ideas(database)
    assert idea["refined_idea"] == stored
    parking.promote(database, idea["id"], NewRun("A ferry", typed, RunStatus.PAUSED), **BY)
    parking.create_run(database, NewRun("A ferry", typed, RunStatus.PAUSED), run, **BY)
    parking.create_run(database, NewRun("A ferry", f"{typed}!", RunStatus.PAUSED), run, **BY)
    found = sorted(repr(row["refined_idea"]) for row in runs(database))
    assert found == sorted([repr(stored)] * 3 + [repr(f"{typed}!")])


def test_a_parked_idea_becomes_a_run(engine: Database, database: LocalDatabase, events: Events) -> None:
    source = add_run(database)
    parking.park(engine, IDEA, source, **BY)
    before = ideas(database), runs(database)
    (idea,) = before[0]
    new = NewRun("A ferry for bees", "With a deck", RunStatus.PAUSED, "local")
    change = parking.promote(engine, idea["id"], new, **BY)
    assert ideas(database) == []
    (run,) = [one for one in runs(database) if one["id"] != source]
    found = [run[name] for name in ("idea", "refined_idea", "status", "mode", "created_at", "updated_at")]
    assert found == ["A ferry for bees", "With a deck", "paused", "local", NOW, NOW]
    tenant, kind, said = events()[-1]
    assert (tenant, kind) == ("system", "idea_promoted")
    assert said == {"actor": "ops", "runId": run["id"], "status": "paused", "ideaId": idea["id"],
                    "from": source, "score": 71.5}  # fmt: skip
    undone_and_done_again(engine, change, lambda: (ideas(database), runs(database)), before)
    assert [kind for _, kind, _ in events()[-3:]] == ["idea_promoted", "idea_parked", "idea_promoted"]
    with pytest.raises(NotFound):
        parking.promote(engine, idea["id"], new, **BY)


def test_a_run_is_begun_by_hand_and_copied(engine: Database, database: LocalDatabase, events: Events) -> None:
    change = parking.create_run(engine, NewRun("New"), **BY)
    assert change.summary == "Run “New” created"
    (run,) = runs(database)
    assert (run["status"], run["mode"]) == ("paused", "cloud")  # what the file fills in
    copied = parking.create_run(engine, NewRun("New", status=RunStatus.RUNNING), run["id"], **BY)
    assert events()[-1][1] == "run_created" and events()[-1][2]["from"] == run["id"]
    undone_and_done_again(engine, copied, lambda: runs(database), [run])
    for wrong in (NewRun(" "), NewRun("a\u202eb"), NewRun("x" * 10_001), NewRun("x", mode="a\nb")):
        with pytest.raises(InvalidInput):
            parking.create_run(engine, wrong, **BY)
    with pytest.raises(NotAllowed):
        parking.create_run(engine, NewRun("x", status=RunStatus.KILLED), **BY)
    with pytest.raises(NotFound):
        parking.create_run(engine, NewRun("x"), "gone", **BY)


def test_what_has_come_to_a_new_run_keeps_it(engine: Database, database: LocalDatabase) -> None:
    change = parking.create_run(engine, NewRun("New"), **BY)
    (run,) = runs(database)
    database.connection().execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at) VALUES ('a',?,'x','y',1)",
        (run["id"],),
    )
    with pytest.raises(Exception, match="planning_artifacts refers to"):
        writing.undo(engine, change, now=NOW)
    assert runs(database) == [run]


@pytest.mark.parametrize("months", ["-1", "1.5", "many", "9999", "٣"])
def test_what_is_no_number_of_months_is_refused(database: LocalDatabase, months: str) -> None:
    with pytest.raises(InvalidInput):
        parking.park(database, {**IDEA, "revisit_estimate_months": months}, **BY)
    assert ideas(database) == []


def test_those_are_due_whose_months_have_gone_by(engine: Database, database: LocalDatabase) -> None:
    add = "INSERT INTO planning_parked_ideas (id, idea, revisit_estimate_months, created_at) VALUES (?,?,?,?)"
    for key, months, at in (
        ("due", 1, NOW - 31 * DAY),
        ("ms", 1, (NOW - 31 * DAY) * 1000),
        ("now", 0, NOW),
        ("later", 2, NOW - 31 * DAY),
        ("never", None, 1),
        ("odd", "soon", 1),
        ("blob", 1, b"x"),
    ):
        database.connection().execute(add, (key, key, months, at))
    assert set(parking.due(engine, NOW)) == {"due", "ms", "now"}


@pytest.mark.parametrize(
    ("parked", "months", "due"),
    [
        (1_738_324_800, 1, 1_740_744_000),  # 31 January, noon: the last of February
        (1_738_324_800_000, 1, 1_740_744_000),
        (1_738_324_800, 12, 1_769_860_800),
        (1_738_324_800, 0.0, 1_738_324_800),
        (1_738_324_800, -1, 1_735_646_400),
        (1_738_324_800, 10**9, None),
        (1e300, 1, None),
        (float("nan"), 1, None),
        (None, 1, None),
        (1_738_324_800, None, None),
        (1_738_324_800, "1", None),
    ],
)
def test_months_are_those_of_the_calendar(parked: object, months: object, due: int | None) -> None:
    assert due_at(parked, months) == due


class TestGateway:
    @pytest.fixture
    def database_path(self, tmp_path: Path, served: Callable[[Path], Path]) -> Path:
        return served(create_gateway(tmp_path / "gateway.sqlite"))

    def test_a_run_of_a_tenant_is_recorded_there_with_the_platform_s_times(
        self, engine: Database, database: LocalDatabase, events: Events, database_path: Path
    ) -> None:
        with pytest.raises(InvalidInput, match="Choose a tenant"):
            parking.create_run(engine, NewRun("New"), **BY)
        change = parking.create_run(engine, NewRun("New", tenant="aurora"), **BY)
        (run,) = [one for one in runs(database) if one["id"] != "run-1"]
        assert (run["status"], run["tenant_id"], run["created_at"]) == ("paused", "aurora", NOW * 1000)
        assert events()[-1][0] == "aurora"
        writing.undo(engine, change, now=NOW)
        parking.create_run(engine, NewRun("New"), "run-1", **BY)
        assert events()[-1][0] == "default"
        report = scan_pool.verify(InFile(database_path), now=NOW)
        assert (str(report.verdict), report.findings) == ("CONSISTENT", ())

    def test_a_tenant_that_must_be_there_is_the_one_that_was_chosen(
        self, engine: Database, database: LocalDatabase, events: Events
    ) -> None:
        sql = database.connection().execute
        sql("CREATE TABLE new_runs AS SELECT * FROM planning_runs")
        sql("DROP TABLE planning_runs")
        sql(
            "CREATE TABLE planning_runs (id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, idea TEXT NOT NULL,"
            " refined_idea TEXT, status TEXT NOT NULL, current_phase TEXT, quality_score REAL,"
            " revenue_potential TEXT, mode TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL)"
        )
        sql("INSERT INTO planning_runs SELECT * FROM new_runs")
        with pytest.raises(InvalidInput, match="Choose a tenant"):
            parking.create_run(engine, NewRun("New"), **BY)
        parking.create_run(engine, NewRun("New", tenant="aurora"), **BY)
        parking.create_run(engine, NewRun("Copied"), "run-1", **BY)
        assert sorted(run["tenant_id"] for run in runs(database)) == ["aurora", "default", "default"]
        assert [one[0] for one in events()[-2:]] == ["aurora", "default"]

    def test_its_new_run_is_active_where_ours_is_running(
        self, engine: Database, database: LocalDatabase
    ) -> None:
        parking.create_run(engine, NewRun("New", "", RunStatus.RUNNING, tenant="aurora"), **BY)
        assert {run["status"] for run in runs(database)} == {"paused", "active"}


def test_the_planning_machine_s_tables_have_other_columns(tmp_path: Path) -> None:
    with connected(create_planning(tmp_path / "planning.sqlite")) as database:
        (agreed := Agreed()).add(NotRecorded(database.place))
        by: dict[str, Any] = {**BY, "agreed": agreed}
        writing.carry_out(parking.create_run, database, NewRun("Again"), "r1", **by)
        (copy,) = [one for one in runs(database) if one["idea"] == "Again"]
        assert copy["idea_id"] == "i1" and "mode" not in copy
        with pytest.raises(ColumnMissing):
            writing.carry_out(parking.park, database, {"idea": "x"}, "r1", {"title": "T"}, **by)
        database.connection().execute("ALTER TABLE planning_parked_ideas ADD COLUMN idea TEXT")
        writing.carry_out(parking.park, database, {"idea": "x"}, "r1", {"title": "T"}, **by)
        (idea,) = ideas(database)
        assert (idea["run_id"], idea["title"], idea["idea"]) == ("r1", "T", "x")
        database.connection().execute(
            "CREATE TABLE notes (id TEXT PRIMARY KEY, idea TEXT REFERENCES planning_parked_ideas(id))"
        )
        database.connection().execute("INSERT INTO notes VALUES ('n', ?)", (idea["id"],))
        with pytest.raises(StillReferred):
            writing.carry_out(parking.promote, database, idea["id"], NewRun("x"), **by)
        with pytest.raises(StillReferred):
            writing.carry_out(parking.delete, database, [idea["id"]], **by)
        database.connection().execute("DELETE FROM notes")
        promoted = writing.carry_out(parking.promote, database, idea["id"], NewRun("x"), **by)
        assert [one["idea_id"] for one in runs(database) if one["idea"] == "x"] == ["i1"]
        writing.undo(database, promoted, now=NOW, agreed=agreed)
        assert ideas(database) == [idea]


@pytest.mark.wrangler
@pytest.mark.slow
def test_each_act_takes_two_requests_where_nobody_interferes(live: Live, tmp_path: Path) -> None:
    path = live.put(sample(tmp_path / "sample.sqlite", rows=400))
    (run,), *_ = ask(path, "SELECT id FROM planning_runs")
    took: dict[str, int] = {}
    with (engine := live.open(path)).connection_context():

        def done(name: str, act: Callable[..., Change], *values: Any) -> Change:
            before = engine.requests
            change = act(engine, *values, **BY)
            took[name] = engine.requests - before
            return change

        new = NewRun("New")
        parking.create_run(engine, new, **BY)  # the first one reads what makes the tables
        done("new run", parking.create_run, new)
        done("copied run", parking.create_run, new, run)
        done("parked", parking.park, IDEA)
        done("parked of a run", parking.park, IDEA, run)
        (idea,), *_ = ask(path, "SELECT id FROM planning_parked_ideas WHERE run_id IS NULL")
        done("edited", parking.update, idea, {"reason": "another"})
        change = done("promoted", parking.promote, idea, new)
        before = engine.requests
        writing.undo(engine, change, now=NOW)
        took["undone"] = engine.requests - before
        done("deleted", parking.delete, [idea])
    assert set(took.values()) == {2}, took
