"""When the phases of a run began and ended, on a file and live, and what of that is not known."""

import json
import time
from typing import Any

import apsw
import pytest

from app.services.records.stored_times import epoch_of
from app.services.runs import run_timeline
from app.services.runs.run_timeline import PhaseLine, RunTimeline, Spent, phases_done, timeline
from models.engine import Database, raw
from models.errors import NotFound
from models.local.database import LocalDatabase

DAY = 86_400
RUN = "run-1"
ENTRY = (
    "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
    " VALUES ('acme', ?, ?, '', '', ?)"
)


def store(
    sql: apsw.Connection, status: str = "running", phase: str = "kill-test", created: Any = DAY
) -> None:
    sql.execute(
        "INSERT INTO planning_runs (id, idea, status, current_phase, pivot_count, created_at, updated_at)"
        " VALUES (?, 'An idea', ?, ?, 1, ?, ?)",
        (RUN, status, phase, created, created),
    )


def artifact(sql: apsw.Connection, phase: str, version: Any, at: Any, verdict: Any, *score: Any) -> None:
    sql.execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict, overall_score,"
        " created_at) VALUES (?, ?, ?, ?, 'x', ?, ?, ?)",
        (f"{phase}-{version}-{at}", RUN, phase, version, verdict, *(score or (70,)), at),
    )


def entry(sql: apsw.Connection, kind: str, at: Any, **payload: Any) -> None:
    sql.execute(ENTRY, (kind, json.dumps({"runId": RUN, **payload}, separators=(",", ":")), at))


def line(found: RunTimeline, phase: str) -> PhaseLine:
    return next(line for line in found.phases if line.phase == phase)


def spent(found: PhaseLine) -> list[tuple[Spent, int, int]]:
    return [(span.spent, span.began - DAY, span.ended - DAY) for span in found.spans]


def test_a_version_takes_from_what_was_there_before_it_until_it_is_there(
    engine: Database, sql: apsw.Connection
) -> None:
    store(sql)
    artifact(sql, "opportunity", 1, DAY + 100, "revise", 50)
    artifact(sql, "opportunity", 2, DAY + 300, "approved", 81)
    artifact(sql, "kill-test", 1, (DAY + 400_000_000) * 1000, "approved")  # in milliseconds, and to come
    artifact(sql, "wild", "b", DAY + 900, "odd")
    entry(sql, "run_paused", DAY + 350, actor="mei")
    entry(sql, "run_resumed", DAY + 600, actor="mei")
    entry(sql, "workflow_dispatched", DAY + 200, phase="opportunity", pivotCount=1)
    entry(sql, "other", DAY + 1, runId="run-2")
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, title, message, metadata, created_at)"
        " VALUES ('n1', 'acme', 't', 'A', 'B', ?, 5), ('n2', 'acme', 't', '', '', ?, 6)",
        (json.dumps({"runId": RUN}), RUN),
    )
    story = run_timeline.read(engine, RUN)
    assert [one.event_type for one in story.entries or ()] == [
        "workflow_dispatched",
        "run_resumed",
        "run_paused",
    ]
    assert [(one.note_id, one.title, one.message) for one in story.notes or ()] == [("n1", "A", "B")]
    found = timeline(story, DAY + 1000)
    assert run_timeline.read_told(engine, RUN, clock=lambda: DAY + 1000) == (story, found)
    first = line(found, "opportunity")
    assert spent(first) == [(Spent.SENT_BACK, 0, 100), (Spent.APPROVED, 200, 300)]
    assert (first.worked, first.waited, first.sent_back) == (200, 0, 1)
    assert [one.score for one in first.versions] == [50, 81]
    wild = found.phases[-1]
    assert (wild.phase, wild.waited) == ("wild", 250)
    assert spent(wild) == [(Spent.UNJUDGED, 300, 350), (Spent.WAITING, 350, 600), (Spent.UNJUDGED, 600, 900)]
    assert line(found, "kill-test").is_current
    assert spent(line(found, "kill-test"))[0] == (Spent.RUNNING, 900, 1000)
    assert not line(found, "synthesis").is_reached
    assert [(one.number, one.at, one.phase) for one in found.pivots] == [(1, DAY + 200, "opportunity")]
    assert found.done == 3


def test_what_is_not_known_is_none(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "completed", created="yesterday")
    artifact(sql, "opportunity", 1, "soon", None, "high")
    artifact(sql, "strategy", 1, DAY, "approved")
    artifact(sql, "strategy", "2", b"\x00", "approved")
    found = timeline(run_timeline.read(engine, RUN, among=0), DAY + 50)
    first, strategy = line(found, "opportunity"), line(found, "strategy")
    assert (first.worked, first.spans, first.versions[0].score) == (None, (), "high")
    assert (strategy.worked, strategy.spans) == (None, ())  # nothing tells when it began
    assert (found.began, found.until, found.current) == (None, None, None)


def test_a_paused_run_waits_until_now_and_a_version_in_review_has_no_score(
    engine: Database, sql: apsw.Connection
) -> None:
    store(sql, "paused", "opportunity")
    artifact(sql, "opportunity", 1, DAY + 100, "revise", 58)
    artifact(sql, "opportunity", 2, DAY + 200, None, None)
    story = run_timeline.read(engine, RUN, among=0)
    assert (story.entries, story.notes) == (None, None)
    found = timeline(story, DAY + 500)
    current = found.current
    assert current is not None and current.in_review and current.newest is not None
    assert (current.newest.version, current.newest.score) == (2, None)
    assert spent(current)[-1] == (Spent.WAITING, 200, 500)
    assert (current.worked, current.waited) == (200, 300)


def test_times_are_read_as_they_are_written_elsewhere(engine: Database, sql: apsw.Connection) -> None:
    for stored in (
        "1970-01-02",
        "1970-01-02 00:00",
        "1970-01-02T00:00:00.5Z",
        "1970-01-02 02:00:00+02:00",
        DAY + 0.5,
        DAY,
        "tomorrow",
        "2026-13-01",
        "20260101",
        "",
        b"1970-01-02",
    ):
        at = None if isinstance(stored, bytes) else DAY
        if isinstance(stored, str):
            at = engine.scalar(raw("SELECT unixepoch(?) AS at", stored))
        assert epoch_of(stored) == at, stored
    store(sql, created="1970-01-02 00:00:00")
    artifact(sql, "opportunity", 1, "1970-01-02T00:01:40Z", "approved")
    entry(sql, "workflow_dispatched", "1970-01-02 00:00:30", phase="opportunity")
    found = timeline(run_timeline.read(engine, RUN), DAY + 1000)
    assert spent(line(found, "opportunity")) == [(Spent.APPROVED, 30, 100)]


def test_versions_of_one_second_and_a_review_are_no_work(engine: Database, sql: apsw.Connection) -> None:
    store(sql, phase="strategy")
    for version in (1, 2, 3):
        artifact(sql, "opportunity", version, DAY + 100, "approved")
    artifact(sql, "strategy", 1, DAY + 300, None)
    story = run_timeline.read(engine, RUN)
    found = timeline(story, DAY + 90_000)
    assert (line(found, "opportunity").worked, line(found, "opportunity").waited) == (100, 0)
    strategy = line(found, "strategy")
    assert spent(strategy) == [(Spent.UNJUDGED, 100, 300), (Spent.IN_REVIEW, 300, 90_000)]
    assert (strategy.worked, strategy.waited) == (200, 90_000 - 300)
    assert phases_done(story.run, story.artifacts or ()) == (found.done, 15) == (1, 15)
    sql.execute("UPDATE planning_runs SET status = 'cancelled'")
    ended = timeline(run_timeline.read(engine, RUN), DAY + 90_000)
    assert ended.done == 1, "who ends a run finishes no phase"
    sql.execute("UPDATE planning_runs SET current_phase = NULL")
    assert timeline(run_timeline.read(engine, RUN), DAY).done == 1, "nothing says that it went on"
    sql.execute("UPDATE planning_artifacts SET review_verdict = 'approved'")
    sql.execute("UPDATE planning_runs SET current_phase = 'strategy', status = 'paused'")
    assert timeline(run_timeline.read(engine, RUN), DAY).done == 2, "it waits behind what was approved"
    sql.execute("UPDATE planning_runs SET status = 'running'")
    assert timeline(run_timeline.read(engine, RUN), DAY).done == 2, "the same when it goes on"


def test_a_pause_that_nobody_recorded_is_no_work(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "running", "kill-test")
    artifact(sql, "kill-test", 1, DAY + 100, "approved")
    change = {"changes": {"status": {"from": "paused", "to": "running"}}}
    entry(sql, "run_resumed", DAY + 80_100, **change)
    found = line(timeline(run_timeline.read(engine, RUN), DAY + 80_160), "kill-test")
    assert spent(found) == [
        (Spent.APPROVED, 0, 100),
        (Spent.WAITING, 100, 80_100),
        (Spent.RUNNING, 80_100, 80_160),
    ]
    assert (found.worked, found.waited) == (160, 80_000)


def test_nobody_worked_while_a_run_was_killed_by_mistake(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "paused", "kill-test")
    artifact(sql, "kill-test", 1, DAY + 100, "revise")
    for kind, at, was, becomes in (
        ("run_paused", 200, "running", "paused"),
        ("run_killed", 300, "paused", "killed"),
        ("run_paused", 9_000, "killed", "paused"),
        ("run_resumed", 9_100, "paused", "running"),
        ("run_killed", 9_200, "running", "killed"),
        ("run_resumed", 20_000, "killed", "running"),
        ("run_paused", 20_100, "running", "paused"),
    ):
        entry(sql, kind, DAY + at, changes={"status": {"from": was, "to": becomes}})
    found = line(timeline(run_timeline.read(engine, RUN), DAY + 20_200), "kill-test")
    ended = [(began, end) for what, began, end in spent(found) if what is Spent.ENDED]
    assert ended == [(300, 9_000), (9_200, 20_000)], "which was no pause, either"
    assert (found.worked, found.waited) == (100 + 100 + 100 + 100, 100 + 100 + 100)


def test_a_pause_of_which_the_entries_are_not_read_began_with_the_last_change(
    engine: Database, sql: apsw.Connection
) -> None:
    store(sql, "paused", "kill-test")
    artifact(sql, "kill-test", 1, DAY + 100, None)
    sql.execute("UPDATE planning_runs SET updated_at = ?", (DAY + 3_000,))
    for among in (0, 1_000):  # nor does one tell of it, if they are read
        found = line(timeline(run_timeline.read(engine, RUN, among=among), DAY + 3_060), "kill-test")
        assert spent(found)[-2:] == [(Spent.IN_REVIEW, 100, 3_000), (Spent.WAITING, 3_000, 3_060)]


@pytest.mark.parametrize("is_recorded", (True, False))
def test_a_run_that_is_ended_in_a_phase_was_in_it(
    engine: Database, sql: apsw.Connection, is_recorded: bool
) -> None:
    store(sql, "killed", "strategy")
    artifact(sql, "kill-test", 1, DAY + 100, "approved")
    sql.execute("UPDATE planning_runs SET updated_at = ?", (DAY + 500,))
    if is_recorded:
        entry(sql, "run_killed", DAY + 400)
    ended = 400 if is_recorded else 500
    found = timeline(run_timeline.read(engine, RUN), DAY + 9_000)
    cut = line(found, "strategy")
    assert (cut.ended_as, cut.is_reached, cut.is_current) == ("killed", True, False)
    assert spent(cut) == [(Spent.UNJUDGED, 100, ended)] and found.ended == DAY + ended
    assert found.done == 1 and found.current is None
    artifact(sql, "strategy", 1, DAY + 200, None)
    cut = line(timeline(run_timeline.read(engine, RUN), DAY + 9_000), "strategy")
    assert spent(cut) == [(Spent.UNJUDGED, 100, 200), (Spent.IN_REVIEW, 200, ended)]
    assert cut.ended_as == "" and not cut.in_review


def test_a_run_that_was_deleted_and_restored_ran_no_longer(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "completed", "synthesis")
    artifact(sql, "synthesis", 1, DAY + 500, "approved")
    assert timeline(run_timeline.read(engine, RUN), DAY + 9_000).ended == DAY + 500
    entry(sql, "run_completed", DAY + 700)
    entry(sql, "run_deleted", DAY + 800)
    entry(sql, "run_restored", DAY + 900)
    assert timeline(run_timeline.read(engine, RUN), DAY + 9_000).ended == DAY + 700


def test_a_review_ends_where_somebody_tells_its_verdict(engine: Database, sql: apsw.Connection) -> None:
    store(sql, phase="strategy")
    artifact(sql, "opportunity", 1, DAY + 100, "revise")
    artifact(sql, "opportunity", 2, DAY + 900, "approved")
    artifact(sql, "strategy", 1, DAY + 2_000, "approved")
    for at, phase in ((700, "opportunity"), (1_500, "opportunity"), (5_000, "strategy")):
        entry(sql, "other", DAY + at, phase=phase, verdict="any")
    found = timeline(run_timeline.read(engine, RUN), DAY + 6_000)
    first, last = line(found, "opportunity"), line(found, "strategy")
    assert spent(first) == [
        (Spent.SENT_BACK, 0, 100),
        (Spent.IN_REVIEW, 100, 700),
        (Spent.APPROVED, 700, 900),
        (Spent.IN_REVIEW, 900, 1_500),
    ]
    assert (first.worked, first.waited) == (300, 1_200)
    assert spent(last)[:2] == [(Spent.APPROVED, 1_500, 2_000), (Spent.IN_REVIEW, 2_000, 5_000)]
    assert spent(last)[2:] == [(Spent.RUNNING, 5_000, 6_000)]


def test_pivots_are_known_by_whatever_tells_of_them(engine: Database, sql: apsw.Connection) -> None:
    kept = {"pivots": [{"phase": "strategy", "at": DAY + 5}, {"timestamp": "1970-01-02"}, 7]}
    store(sql)
    sql.execute("UPDATE planning_runs SET config = ?", (json.dumps(kept),))
    found = timeline(run_timeline.read(engine, RUN), DAY).pivots
    assert [(one.number, one.at, one.phase) for one in found] == [(1, DAY, ""), (2, DAY + 5, "strategy")]
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, title, message, metadata, created_at)"
        " VALUES ('n1', 'acme', 't', 'A', 'B', ?, ?)",
        (json.dumps({"runId": RUN, "pivotCount": 1, "phase": "kill-test"}), DAY + 60),
    )
    entry(sql, "other", DAY + 70, pivotCount=1)
    found = timeline(run_timeline.read(engine, RUN), DAY).pivots
    assert [(one.number, one.at, one.phase) for one in found] == [(1, DAY + 60, "kill-test")]


def test_a_number_that_no_float_holds_is_no_time(engine: Database, sql: apsw.Connection) -> None:
    store(sql)
    sql.execute("UPDATE planning_runs SET config = ?", (f'{{"pivots":[{{"at":{"9" * 400}}}]}}',))
    assert timeline(run_timeline.read(engine, RUN), DAY).pivots == ()


def test_artifacts_that_name_no_run_are_none(database: LocalDatabase, sql: apsw.Connection) -> None:
    store(sql)
    sql.execute("DROP INDEX IF EXISTS idx_artifacts_run")
    sql.execute("ALTER TABLE planning_artifacts RENAME COLUMN run_id TO run")
    story = run_timeline.read(database, RUN)
    found = timeline(story, DAY + 60)
    assert story.artifacts is None and found.done == 0 and found.now == DAY + 60
    sql.execute("UPDATE planning_runs SET current_phase = NULL")
    found = timeline(run_timeline.read(database, RUN), DAY + 60)
    assert (found.until, found.now) == (DAY, None), "nothing tells what it did until now"


@pytest.mark.slow
def test_a_long_story_takes_time_of_its_length(engine: Database, sql: apsw.Connection) -> None:
    store(sql)
    sql.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
        " INSERT INTO planning_artifacts (id, run_id, phase, version, content, created_at)"
        " SELECT i, ?, 'p' || i, 1, 'x', ? + i FROM n",
        (RUN, DAY),
    )
    story = run_timeline.read(engine, RUN, among=0)
    begun = time.process_time()
    found = timeline(story, DAY + 10_000)
    assert time.process_time() - begun < 1.5  # all of each against all others took 9 s
    assert found.done == 6_000


def test_a_run_that_is_not_there_is_not_found(engine: Database) -> None:
    with pytest.raises(NotFound):
        run_timeline.read(engine, "none")


def test_a_run_restored_to_its_pause_waits_again(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "paused", "kill-test")
    artifact(sql, "kill-test", 1, DAY + 100, "revise")
    for kind, at, was, becomes in (
        ("run_paused", 1_100, "running", "paused"),
        ("run_deleted", 1_800, "paused", "deleted"),
        ("run_restored", 1_900, "deleted", "paused"),
    ):
        entry(sql, kind, DAY + at, changes={"status": {"from": was, "to": becomes}})
    found = line(timeline(run_timeline.read(engine, RUN), DAY + 2_400), "kill-test")
    assert spent(found)[1:] == [
        (Spent.RUNNING, 100, 1_100),
        (Spent.WAITING, 1_100, 1_800),
        (Spent.ENDED, 1_800, 1_900),
        (Spent.WAITING, 1_900, 2_400),
    ]
    assert (found.worked, found.waited) == (100 + 1_000, 700 + 500)


def test_what_was_rejected_was_not_sent_back(engine: Database, sql: apsw.Connection) -> None:
    store(sql, "running", "kill-test")
    artifact(sql, "kill-test", 1, DAY + 100, "rejected")
    first = line(timeline(run_timeline.read(engine, RUN), DAY + 160), "kill-test")
    assert spent(first)[0] == (Spent.REJECTED, 0, 100) and first.sent_back == 0
    artifact(sql, "kill-test", 2, DAY + 130, "approved")
    first = line(timeline(run_timeline.read(engine, RUN), DAY + 160), "kill-test")
    assert spent(first)[0] == (Spent.SENT_BACK, 0, 100), "another one took its place"


def test_a_run_ends_when_somebody_ended_it_and_no_later_by_being_deleted(
    engine: Database, sql: apsw.Connection
) -> None:
    """Its wait up to then stays, whichever the end."""
    for status, kind in (("completed", "run_completed"), ("killed", "run_killed")):
        sql.execute("DELETE FROM planning_artifacts")
        sql.execute("DELETE FROM planning_runs")
        sql.execute("DELETE FROM audit_chain")
        store(sql, status, "strategy")
        artifact(sql, "strategy", 1, DAY + 200, None)
        entry(sql, kind, DAY + 400, changes={"status": {"from": "running", "to": status}})
        wanted = [(Spent.UNJUDGED, 0, 200), (Spent.IN_REVIEW, 200, 400)]
        found = timeline(run_timeline.read(engine, RUN), DAY + 9_000)
        assert (spent(line(found, "strategy")), found.ended) == (wanted, DAY + 400)
        sql.execute("UPDATE planning_runs SET status = 'deleted'")
        entry(sql, "run_deleted", DAY + 900, changes={"status": {"from": status, "to": "deleted"}})
        found = timeline(run_timeline.read(engine, RUN), DAY + 9_000)
        assert (spent(line(found, "strategy")), found.ended) == (wanted, DAY + 400)
    sql.execute("DELETE FROM audit_chain")
    entry(sql, "run_deleted", DAY + 900, changes={"status": {"from": "running", "to": "deleted"}})
    found = timeline(run_timeline.read(engine, RUN), DAY + 9_000)
    assert found.ended == DAY + 900, "which ended it"


@pytest.mark.parametrize("odd", (["a"], {}, 7, None, True))
@pytest.mark.parametrize("status", ("running", "paused", "killed", "deleted"))
def test_an_entry_that_says_no_status_tells_nothing(
    engine: Database, sql: apsw.Connection, status: str, odd: object
) -> None:
    store(sql, status, "kill-test")
    for number, kind in enumerate(("killed", "resumed", "paused", "deleted", "restored", "completed")):
        entry(sql, f"run_{kind}", DAY + number, changes={"status": {"from": odd, "to": odd}})
    entry(sql, f"run_{'resumed' if status == 'running' else status}", DAY + 9, changes={"status": odd})
    assert timeline(run_timeline.read(engine, RUN), DAY + 100).phases
