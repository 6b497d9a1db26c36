"""Notifications, and runs with their artifacts, in files whose other tables refer to them."""

import apsw
import pytest

from models.errors import NotAllowed
from models.local.database import LocalDatabase
from tests.app.services.retention.test_run import NEW, OLD, add_run, notify
from tests.fixtures import chains
from tests.fixtures.retaining import planned, retain

RUNS = {"planning_runs", "planning_artifacts"}


def runs(sql: apsw.Connection) -> set[str]:
    return {key for (key,) in sql.execute("SELECT id FROM planning_runs")}


def refer(sql: apsw.Connection, table: str, to: str, key: str, action: str = "") -> None:
    """A table of somebody else whose one row refers to a record."""
    sql.execute(f"CREATE TABLE {table} (id TEXT, record_id TEXT REFERENCES {to} {action})")
    sql.execute(f"INSERT INTO {table} (id, record_id) VALUES ('1', ?), ('2', NULL)", (key,))


@pytest.mark.parametrize("action", ["", "ON DELETE NO ACTION", "ON DELETE RESTRICT"])
def test_a_run_that_others_refer_to_stays_and_the_table_is_named(
    database: LocalDatabase, sql: apsw.Connection, action: str
) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    refer(sql, "planning_sources", "planning_runs(id)", "kept", action)
    plan = planned(database)
    reason = "1 run cannot be removed: rows of planning_sources refer to it."
    assert [(one.table, one.rows, one.reason) for one in plan.skipped] == [("planning_runs", 1, reason)]
    assert (plan.counts["planning_runs"], plan.counts["planning_artifacts"]) == (1, 2)
    result = retain(database)
    assert (result.removed["planning_runs"], result.removed["planning_artifacts"]) == (1, 2)
    assert result.skipped == plan.skipped
    assert not result.is_complete
    assert runs(sql) == {"kept"}
    assert sql.execute("SELECT count(*) FROM planning_artifacts WHERE run_id = 'kept'").get == 2


def test_a_run_whose_artifact_others_refer_to_stays(database: LocalDatabase, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    refer(sql, "planning_quality", "planning_artifacts(id)", "kept-0")
    result = retain(database)
    assert [one.reason for one in result.skipped] == [
        "1 run cannot be removed: rows of planning_quality refer to it."
    ]
    assert runs(sql) == {"kept"}


def test_rows_that_go_along_are_counted(database: LocalDatabase, sql: apsw.Connection) -> None:
    for key in ("one", "two"):
        add_run(sql, key, "deleted", OLD)
    add_run(sql, "young", "deleted", NEW)
    refer(sql, "quality_scores", "planning_artifacts(id)", "one-1", "ON DELETE CASCADE")
    refer(sql, "run_notes", "planning_runs(id)", "two", "ON DELETE CASCADE")
    refer(sql, "escalations", "planning_runs(id)", "two", "ON DELETE SET NULL")
    sql.execute("INSERT INTO quality_scores (id, record_id) VALUES ('3', 'young-0')")
    plan = planned(database)
    assert (plan.counts["quality_scores"], plan.counts["run_notes"]) == (1, 1)
    assert "escalations" not in plan.counts
    assert plan.skipped == ()
    result = retain(database)
    assert result.removed == plan.counts
    assert sql.execute("SELECT count(*) FROM quality_scores").get == 2
    assert sql.execute("SELECT count(*) FROM run_notes").get == 1
    assert sql.execute("SELECT count(*) FROM escalations WHERE record_id IS NULL").get == 2


def test_a_table_behind_one_that_goes_along_keeps_the_run(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    add_run(sql, "kept", "deleted", OLD)
    refer(sql, "reviews", "planning_runs(id)", "kept", "ON DELETE CASCADE")
    sql.execute("CREATE UNIQUE INDEX u ON reviews (id)")
    refer(sql, "answers", "reviews(id)", "1")
    result = retain(database)
    assert [one.reason for one in result.skipped] == ["1 run cannot be removed: rows of answers refer to it."]
    assert (result.total, runs(sql)) == (0, {"kept"})


def test_a_refusal_that_nothing_foretold_keeps_the_record_alone(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    for key in ("gone", "gone too", "kept"):
        add_run(sql, key, "deleted", OLD)
    sql.execute("CREATE UNIQUE INDEX pair ON planning_runs (id, status)")
    sql.execute(
        "CREATE TABLE pairs (run TEXT, status TEXT, "
        "FOREIGN KEY (run, status) REFERENCES planning_runs (id, status))"
    )
    sql.execute("INSERT INTO pairs (run, status) VALUES ('kept', 'deleted')")
    result = retain(database)
    assert (result.removed["planning_runs"], result.removed["planning_artifacts"]) == (2, 4)
    assert [one.reason for one in result.skipped] == [
        "1 run cannot be removed: rows of another table refer to it."
    ]
    assert runs(sql) == {"kept"}
    assert sql.execute("SELECT count(*) FROM planning_artifacts").get == 2


def test_a_notification_that_others_refer_to_stays(database: LocalDatabase, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        notify(sql, key, 1, OLD)
    refer(sql, "replies", "notifications(id)", "kept")
    result = retain(database)
    assert [(one.table, one.rows) for one in result.skipped] == [("notifications", 1)]
    assert sql.execute("SELECT id FROM notifications").fetchall() == [("kept",)]


def test_audit_entries_never_go_along_with_a_run(database: LocalDatabase, sql: apsw.Connection) -> None:
    add_run(sql, "kept", "deleted", OLD)
    sql.execute(
        "ALTER TABLE audit_chain ADD COLUMN run_id TEXT REFERENCES planning_runs(id) ON DELETE CASCADE"
    )
    chains.append(sql, "acme", [NEW])
    sql.execute("UPDATE audit_chain SET run_id = 'kept'")
    result = retain(database)
    assert [one.reason for one in result.skipped] == [
        "1 run cannot be removed: rows of audit_chain refer to it."
    ]
    assert result.total == 0


def test_names_of_other_tables_cannot_be_taken_for_sql(database: LocalDatabase, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    sql.execute('CREATE TABLE "odd "" name; --" ("the "" key" TEXT REFERENCES planning_runs(id))')
    sql.execute("""INSERT INTO "odd "" name; --" VALUES ('kept')""")
    result = retain(database)
    assert [one.reason for one in result.skipped] == [
        '1 run cannot be removed: rows of odd " name; -- refer to it.'
    ]
    assert runs(sql) == {"kept"}


@pytest.mark.parametrize(
    ("table", "column"),
    [("notifications", "metadata"), ("planning_runs", "config"), ("planning_artifacts", "content")],
)
def test_a_column_that_nobody_needs_may_be_missing(
    database: LocalDatabase, sql: apsw.Connection, table: str, column: str
) -> None:
    notify(sql, "n", 1, OLD)
    add_run(sql, "r", "deleted", OLD)
    assert column in {name for (name,) in sql.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    sql.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    result = retain(database)
    assert result.is_complete
    assert (result.removed["notifications"], result.removed["planning_runs"]) == (1, 1)
    assert result.removed["planning_artifacts"] == 2


@pytest.mark.parametrize(
    ("table", "column", "named", "stays"),
    [
        ("notifications", "read", {"notifications"}, {"notifications"}),
        ("planning_runs", "updated_at", {"planning_runs"}, RUNS),
        ("planning_artifacts", "run_id", RUNS, RUNS),
        ("audit_chain", "event_type", {"audit_chain"}, None),
    ],
)
def test_a_table_that_lacks_what_is_needed_is_skipped_and_named(  # noqa: PLR0917
    database: LocalDatabase,
    sql: apsw.Connection,
    table: str,
    column: str,
    named: set[str],
    stays: set[str] | None,
) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    notify(sql, "n", 1, OLD)
    add_run(sql, "r", "deleted", OLD)
    for (name,) in sql.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''"
    ).fetchall():
        sql.execute(f"DROP INDEX {name}")
    sql.execute("PRAGMA foreign_keys = 0")
    columns = [
        name for (name,) in sql.execute("SELECT name FROM pragma_table_info(?)", (table,)) if name != column
    ]
    sql.execute(f"CREATE TABLE kept AS SELECT {', '.join(columns)} FROM {table}")
    sql.execute(f"DROP TABLE {table}; ALTER TABLE kept RENAME TO {table}; PRAGMA foreign_keys = 1")
    plan = planned(database)
    assert {one.table for one in plan.skipped} == named
    assert column in plan.skipped[0].reason
    if stays is None:  # nothing could say what went
        with pytest.raises(NotAllowed, match=f"could not be recorded. {table} has no column {column}"):
            retain(database)
        assert {row for (row,) in sql.execute("SELECT id FROM notifications")} == {"n"}
        return
    result = retain(database)
    assert {table for table, rows in result.removed.items() if rows} == {
        "audit_chain", "notifications", "planning_runs", "planning_artifacts"
    } - stays  # fmt: skip
    assert not result.is_complete
