from pathlib import Path
from statistics import median

import apsw
import pytest

from app.services.records.tables import Scope
from app.services.runs import run_views
from app.services.runs.run_views import WEEK, RunFigures
from models.engine import Database
from models.errors import TableMissing
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures.gateway import create_gateway, create_planning
from tests.fixtures.live import Live
from tests.fixtures.sample import sample
from tests.fixtures.window import count

MONDAY = NOW - (NOW - 4 * 86_400) % WEEK  # 1970-01-05 was one
EVERYONE = Scope()


def add_runs(sql: apsw.Connection) -> None:
    for number, (status, score, revenue, at) in enumerate(
        [
            ("completed", 80, 4e6, MONDAY + 10),
            ("killed", 41.5, 2e6, MONDAY + 20),
            ("running", None, 1e6, MONDAY - 3 * WEEK),
            ("odd one", "high", "$10M", (MONDAY - WEEK) * 1000),
            (b"\x01", float("inf"), 1, "2026-11-18 00:00:00"),
            ("paused", 30, "$10M ARR potential", MONDAY - 3 * WEEK + 1),
            ("paused", 30, "soon much", MONDAY - 3 * WEEK + 2),
        ]
    ):
        sql.execute(
            "INSERT INTO planning_runs (id, idea, status, quality_score, revenue_potential, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, 0)",
            (f"r{number}", f"Idea {number}", status, score, revenue, at),
        )


def add_artifacts(sql: apsw.Connection) -> None:
    for run, phase, version, score, at in [
        ("r0", "opportunity", 1, 60, MONDAY + 110),
        ("r0", "opportunity", 2, 70, MONDAY + 310),
        ("r0", "kill-test", 1, 90, MONDAY + 360),
        ("r1", "opportunity", 1, 50, (MONDAY + 60) * 1000),
        ("r1", "opportunity", "newest", 99, MONDAY + 70),
        ("r1", "pricing", 1, "none", MONDAY + 100),
        ("r1", b"\x00", 1, 10, MONDAY + 100),
        ("gone", "opportunity", 1, 1, MONDAY + 100),
    ]:
        sql.execute(
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, overall_score, created_at)"
            " VALUES (hex(randomblob(8)), ?, ?, ?, '', ?, ?)",
            (run, phase, version, score, at),
        )


def test_they_are_what_a_person_would_count(engine: Database, sql: apsw.Connection) -> None:
    sql.pragma("foreign_keys", 0)
    add_runs(sql)
    add_artifacts(sql)
    found = run_views.read(engine, EVERYONE)
    assert (found.runs, found.with_both, found.has_artifacts, found.full) == (7, 3, True, 100)
    assert [(point.id, point.score, point.revenue) for point in found.points] == [
        ("r1", 41.5, 2e6),
        ("r0", 80.0, 4e6),
        ("r5", 30.0, 1e7),
    ]
    counted = {(week.monday - MONDAY) // WEEK: dict(week.statuses) for week in found.weeks}
    assert counted == {
        -3: {"running": 1, "paused": 2},
        -2: {},
        -1: {"odd one": 1},
        0: {"completed": 1, "killed": 1, "x'01'": 1},
    }
    scores = {one.phase: (one.low, one.middle, one.high, one.count) for one in found.scores}
    assert scores == {"opportunity": (50, 60, 70, 2), "kill-test": (90, 90, 90, 1)}, (
        "of the newest that is a number"
    )
    times = {one.phase: (one.low, one.high) for one in found.times}
    assert times == {"opportunity": (50, 300), "kill-test": (50, 50), "pricing": (30, 30)}
    assert [one.phase for one in found.times] == ["opportunity", "kill-test", "pricing"], (
        "known phases in order"
    )


def test_numbers_that_are_none_of_this_world_are_left_out(engine: Database, sql: apsw.Connection) -> None:
    add_runs(sql)
    for number, (score, at) in enumerate(
        [
            (-(2**63), MONDAY),
            (1e16, MONDAY),
            (1e306, MONDAY),
            (5, MONDAY * 1_000_000),
            (5, 9e999),
            (5, -9e999),
        ]
    ):
        sql.execute(
            "INSERT INTO planning_runs (id, idea, quality_score, revenue_potential, created_at, updated_at)"
            " VALUES (?, 'x', ?, 1, ?, 0)",
            (f"odd{number}", score, at),
        )
    found = run_views.read(engine, EVERYONE)
    assert {point.score for point in found.points} == {80, 41.5, 5, 30}
    assert [week.monday for week in found.weeks] == [MONDAY + number * WEEK for number in range(-3, 1)]
    made = "INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('future', 'x', ?, 0)"
    sql.execute(made, (MONDAY + 2000 * WEEK,))
    assert run_views.read(engine, EVERYONE).weeks == found.weeks, "one clock that ran wrong hides no others"


def test_scores_up_to_ten_are_of_ten(database: LocalDatabase, sql: apsw.Connection) -> None:
    add_runs(sql)
    sql.execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, content, overall_score, created_at)"
        " SELECT value, 'r0', 'opportunity', '', 7.5, ? FROM json_each('[1]')",
        (NOW,),
    )
    assert run_views.read(database, EVERYONE).full == 10
    sql.execute("DELETE FROM planning_artifacts")
    highest = max(point.score for point in run_views.read(database, EVERYONE).points)
    sql.execute("UPDATE planning_runs SET quality_score = quality_score / ?", (highest / 9,))
    assert run_views.read(database, EVERYONE).full == 10, "by the runs' own where there are no others"


def test_each_database_of_the_platform_has_what_it_can(tmp_path: Path) -> None:
    for make, artifacts in ((create_gateway, False), (create_planning, True)):
        path = tmp_path / f"{artifacts}.sqlite"
        make(path)
        database = LocalDatabase(path)
        with database.connection_context():
            found = run_views.read(database, EVERYONE)
            assert found.has_artifacts is artifacts and found.runs > 0 and found.weeks
            if artifacts:
                assert found.times and found.scores == (), "none of its artifacts has a score yet"
            else:
                ((tenant,),) = database.connection().execute("SELECT DISTINCT tenant_id FROM planning_runs")
                assert run_views.read(database, Scope(tenant)).runs == found.runs
                assert run_views.read(database, Scope("nobody")) == RunFigures(), "each tenant has its own"
            database.connection().pragma("foreign_keys", 0)
            database.connection().execute("DROP TABLE planning_runs")
            with pytest.raises(TableMissing):
                run_views.read(database, EVERYONE)


def test_a_spread_is_of_any_number_of_values() -> None:
    one = run_views.spread("x", [4.0])
    assert (one.low, one.quarter, one.middle, one.three_quarters, one.high, one.count) == (4, 4, 4, 4, 4, 1)
    many = [float(number) for number in (9, 1, 5, 3, 7)]
    found = run_views.spread("x", many)
    assert (found.quarter, found.middle, found.three_quarters) == (3, median(many), 7)


@pytest.mark.wrangler
def test_of_a_live_database_no_more_is_charged_than_is_said_before(live: Live, tmp_path: Path) -> None:
    path = sample(tmp_path / "sample.sqlite", rows=400)
    database = live.open(live.put(path))
    with database.connection_context():
        found = run_views.read(database, EVERYONE)
        artifacts = count(path, "planning_artifacts")
        assert database.usage is not None and found.runs > 50 and artifacts > 800
        assert found.runs + 9 * artifacts < database.usage.read <= run_views.charged(found.runs, artifacts)
