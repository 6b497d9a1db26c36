"""Notifications, and runs with their artifacts, in files whose other tables refer to them."""

from typing import NoReturn

import apsw
import pytest

from app.services.chain.rules import COLUMNS
from app.services.retention import other_tables
from models.engine import Database
from models.errors import NotAllowed, RowChanged
from models.local.database import LocalDatabase
from tests.app.services.retention.test_run import NEW, OLD, add_run, notify
from tests.fixtures import chains
from tests.fixtures.retaining import carry_out, planned, retain

RUNS = {"planning_runs", "planning_artifacts"}


def runs(sql: apsw.Connection) -> set[str]:
    return {key for (key,) in sql.execute("SELECT id FROM planning_runs")}


def refer(sql: apsw.Connection, table: str, to: str, key: str, action: str = "") -> None:
    """A table of somebody else whose one row refers to a record."""
    sql.execute(f"CREATE TABLE {table} (id TEXT, record_id TEXT REFERENCES {to} {action})")
    sql.execute(f"INSERT INTO {table} (id, record_id) VALUES ('1', ?), ('2', NULL)", (key,))


@pytest.mark.parametrize("action", ["", "ON DELETE NO ACTION", "ON DELETE RESTRICT"])
def test_a_run_that_others_refer_to_stays_and_the_table_is_named(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    refer(sql, "planning_sources", "planning_runs(id)", "kept", action)
    plan = planned(engine)
    reason = "1 run cannot be removed: rows of planning_sources refer to it."
    assert [(one.table, one.rows, one.reason) for one in plan.skipped] == [("planning_runs", 1, reason)]
    assert (plan.counts["planning_runs"], plan.counts["planning_artifacts"]) == (1, 2)
    result = retain(engine)
    assert (result.removed["planning_runs"], result.removed["planning_artifacts"]) == (1, 2)
    assert result.skipped == plan.skipped
    assert not result.is_complete
    assert runs(sql) == {"kept"}
    assert sql.execute("SELECT count(*) FROM planning_artifacts WHERE run_id = 'kept'").get == 2


def test_a_run_whose_artifact_others_refer_to_stays(engine: Database, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    refer(sql, "planning_quality", "planning_artifacts(id)", "kept-0")
    result = retain(engine)
    assert [one.reason for one in result.skipped] == [
        "1 run cannot be removed: rows of planning_quality refer to it."
    ]
    assert runs(sql) == {"kept"}


@pytest.mark.slow
def test_rows_that_go_along_are_counted(engine: Database, sql: apsw.Connection) -> None:
    for key in ("one", "two"):
        add_run(sql, key, "deleted", OLD)
    add_run(sql, "young", "deleted", NEW)
    refer(sql, "quality_scores", "planning_artifacts(id)", "one-1", "ON DELETE CASCADE")
    refer(sql, "run_notes", "planning_runs(id)", "two", "ON DELETE CASCADE")
    refer(sql, "escalations", "planning_runs(id)", "two", "ON DELETE SET NULL")
    sql.execute("INSERT INTO quality_scores (id, record_id) VALUES ('3', 'young-0')")
    plan = planned(engine)
    assert (plan.counts["quality_scores"], plan.counts["run_notes"]) == (1, 1)
    assert "escalations" not in plan.counts
    assert plan.changed == {"escalations": 1}, "named before"
    assert plan.skipped == ()
    result = retain(engine)
    assert result.removed == plan.counts
    assert result.changed == plan.changed
    assert "escalations" in result.change().tables
    reported = sql.execute("SELECT payload ->> 'changed' FROM audit_chain ORDER BY seq DESC LIMIT 1").get
    assert reported == '{"escalations":1}'
    assert sql.execute("SELECT count(*) FROM quality_scores").get == 2
    assert sql.execute("SELECT count(*) FROM run_notes").get == 1
    assert sql.execute("SELECT count(*) FROM escalations WHERE record_id IS NULL").get == 2


def test_a_table_behind_one_that_goes_along_keeps_the_run(engine: Database, sql: apsw.Connection) -> None:
    add_run(sql, "kept", "deleted", OLD)
    refer(sql, "reviews", "planning_runs(id)", "kept", "ON DELETE CASCADE")
    sql.execute("CREATE UNIQUE INDEX u ON reviews (id)")
    refer(sql, "answers", "reviews(id)", "1")
    result = retain(engine)
    assert [one.reason for one in result.skipped] == ["1 run cannot be removed: rows of answers refer to it."]
    assert (result.total, runs(sql)) == (0, {"kept"})


@pytest.mark.parametrize(
    ("rule", "action"),
    [
        ("run TEXT NOT NULL", "NULL"),
        ("run TEXT CHECK (run != '' AND run IS NOT NULL)", "NULL"),
        ("run TEXT DEFAULT 'nowhere'", "DEFAULT"),
        ("run TEXT DEFAULT 'gone'", "DEFAULT"),  # which is old, too
        ("run TEXT DEFAULT (lower('KEPT'))", "DEFAULT"),
        ("run TEXT DEFAULT (lower('HERE'))", "DEFAULT"),
        ("run TEXT NOT NULL", "DEFAULT"),
        ("run TEXT DEFAULT 'here' UNIQUE", "DEFAULT"),
        ("kind TEXT AS (coalesce(run, 'none')) STORED UNIQUE, run TEXT", "NULL"),
        ("kind AS (abs(ifnull(run, -9223372036854775808))), run TEXT", "NULL"),
        ("run TEXT|CHECK (json_extract(iif(run IS NULL, '{', '1'), '$'))", "NULL"),
        ("run TEXT|up DEFAULT 7 REFERENCES notes (n) DEFERRABLE INITIALLY DEFERRED, n UNIQUE", "NULL"),
        ("run TEXT UNIQUE|up DEFAULT 'kept' REFERENCES notes (run) ON UPDATE SET NULL", "NULL"),
        ("run TEXT DEFAULT 'here'|up DEFAULT 1, FOREIGN KEY (up, run) REFERENCES pairs (a, b)", "DEFAULT"),
        ("run TEXT|up DEFAULT 1, FOREIGN KEY (up, run) REFERENCES pairs (a, b) ON DELETE CASCADE", "NULL"),
    ],
)
def test_a_refusal_is_foretold_and_keeps_the_record_alone(
    engine: Database, sql: apsw.Connection, rule: str, action: str
) -> None:
    """So is what cannot be worked out: by the file, or beforehand."""
    for key in ("gone", "gone too", "kept"):
        add_run(sql, key, "deleted", OLD)
    add_run(sql, "here", "deleted", NEW)
    column, _, more = rule.partition("|")
    refers = f"REFERENCES planning_runs (id) ON DELETE SET {action}"
    sql.pragma("foreign_keys", 0)
    sql.execute("CREATE TABLE pairs (a, b, PRIMARY KEY (a, b))")
    sql.execute(f"CREATE TABLE notes ({column} {refers}{more and ', '}{more})")
    others = {"kind TEXT": ("kept", None), "run TEXT DEFAULT 'here'": ("kept", "here")}
    rows = next((found for start, found in others.items() if rule.startswith(start)), ("kept",))
    sql.executemany("INSERT INTO notes (run) VALUES (?)", [(row,) for row in rows])
    plan, result = planned(engine), retain(engine)
    assert (plan.counts, plan.skipped) == (result.removed, result.skipped), "foretold"
    assert (result.removed["planning_runs"], result.removed["planning_artifacts"]) == (2, 4)
    assert [one.reason for one in result.skipped] == ["1 run cannot be removed: rows of notes refer to it."]
    assert runs(sql) == {"kept", "here"} and result.changed == {}
    assert sql.execute("SELECT count(*) FROM planning_artifacts").get == 4


def test_rows_are_tried_whatever_tells_them_apart(engine: Database, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    refers = "REFERENCES planning_runs ON DELETE SET NULL CHECK (n != 2 OR run IS NOT NULL)"
    sql.execute(f"CREATE TABLE tags (name, n, run {refers}, PRIMARY KEY (name, n)) WITHOUT ROWID")
    sql.execute("INSERT INTO tags VALUES ('a', 1, 'gone'), ('a', 2, 'kept'), (x'61', 1, 'kept')")
    plan, result = planned(engine), retain(engine)
    assert (result.skipped, result.removed, result.changed) == (plan.skipped, plan.counts, plan.changed)
    assert [one.reason for one in result.skipped] == ["1 run cannot be removed: rows of tags refer to it."]
    assert (runs(sql), result.changed) == ({"kept"}, {"tags": 1})


def test_no_more_rows_are_tried_than_there_is_time_for(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others keep what they refer to until the next run."""
    monkeypatch.setattr(other_tables, "_TRIED", 1)
    for key in ("1", "2"):
        add_run(sql, key, "deleted", OLD)
    sql.execute("CREATE TABLE notes (run REFERENCES planning_runs ON DELETE SET NULL CHECK (run != ''))")
    sql.execute("INSERT INTO notes VALUES ('1'), ('2')")
    for left in (1, 0):
        plan, result = planned(engine), retain(engine)
        assert (result.removed, result.changed) == (plan.counts, {"notes": 1})
        assert len(runs(sql)) == len(result.skipped) == left


@pytest.mark.parametrize("batch", [1_000, 1])
def test_what_goes_by_two_ways_is_counted_once(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(other_tables, "BATCH", batch)
    for key in ("1", "2"):
        add_run(sql, key, "deleted", OLD)
        notify(sql, key, 1, OLD)
    columns = "run REFERENCES planning_runs ON DELETE {}, said REFERENCES notifications ON DELETE {}"
    sql.execute(f"CREATE TABLE both ({columns.format('CASCADE', 'CASCADE')})")
    sql.execute(f"CREATE TABLE either ({columns.format('CASCADE', 'SET NULL')})")
    sql.execute(f"CREATE TABLE neither ({columns.format('SET NULL', 'SET NULL')})")
    for table in ("both", "either", "neither"):
        sql.execute(f"INSERT INTO {table} VALUES ('1', '2'), ('1', NULL), (NULL, '2'), (NULL, NULL)")
    plan, result = planned(engine), retain(engine)
    assert (result.removed, result.changed) == (plan.counts, plan.changed)
    assert (plan.counts["both"], plan.counts["either"]) == (3, 2)
    assert plan.changed == {"either": 1, "neither": 3}


def test_what_would_go_by_its_own_time_alone_keeps_a_record(engine: Database, sql: apsw.Connection) -> None:
    """What refers to a run goes first, and the run with the next one: it was not promised."""
    for key in ("1", "2", "3"):
        add_run(sql, key, "deleted", OLD)
        notify(sql, key, int(key == "1"), OLD)
    sql.execute("ALTER TABLE notifications ADD COLUMN run REFERENCES planning_runs ON DELETE CASCADE")
    sql.execute("UPDATE notifications SET run = id WHERE id != '3'")
    for left in ({"1", "2"}, {"2"}):
        plan, result = planned(engine), retain(engine)
        assert (result.removed, result.skipped) == (plan.counts, plan.skipped)
        assert runs(sql) == left
    assert sql.execute("SELECT group_concat(id) FROM notifications").get == "2,3"


def test_a_record_that_grows_old_or_free_since_the_plan_is_not_in_it(
    engine: Database, sql: apsw.Connection
) -> None:
    """Whoever agreed to the numbers agreed to these very rows."""
    for key in ("gone", "unread"):
        notify(sql, key, 1, OLD)
        add_run(sql, key, "deleted", OLD)
    notify(sql, "late", 0, OLD)
    add_run(sql, "late", "running", OLD)
    plan = planned(engine)
    sql.execute("UPDATE notifications SET read = id != 'unread'")
    sql.execute("UPDATE planning_runs SET status = iif(id = 'unread', 'running', 'deleted')")
    result = carry_out(engine, plan)
    assert (result.removed["notifications"], result.removed["planning_runs"]) == (1, 1)
    assert runs(sql) == {"unread", "late"}
    assert sql.execute("SELECT group_concat(id) FROM (SELECT id FROM notifications ORDER BY id)").get == (
        "late,unread"
    )


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_more_than_was_shown_goes_along_with_nothing(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    add_run(sql, "gone", "deleted", OLD)
    sql.execute(f"CREATE TABLE notes (run REFERENCES planning_runs ON DELETE {action})")
    sql.execute("INSERT INTO notes VALUES ('gone')")
    plan = planned(engine)
    sql.execute("INSERT INTO notes VALUES ('gone')")
    with pytest.raises(NotAllowed, match="More rows of notes would go or change now than were counted"):
        carry_out(engine, plan)
    assert sql.execute("SELECT count(run) FROM notes").get == 2
    assert carry_out(engine, planned(engine)).total > 0


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE notes (run REFERENCES planning_runs ON DELETE CASCADE)",
        "CREATE TRIGGER more AFTER DELETE ON planning_runs BEGIN DELETE FROM users; END",
    ],
)
def test_what_others_have_made_since_the_preview_lets_nothing_go(
    engine: Database, sql: apsw.Connection, made: str
) -> None:
    add_run(sql, "gone", "deleted", OLD)
    plan = planned(engine)
    sql.execute(made)
    with pytest.raises(NotAllowed, match="nothing was removed"):
        carry_out(engine, plan)
    assert runs(sql) == {"gone"}


def test_a_record_that_rows_have_come_to_keep_is_named(engine: Database, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        notify(sql, key, 1, OLD)
        add_run(sql, key, "deleted", OLD)
    sql.execute("CREATE TABLE holds (run REFERENCES planning_runs, said REFERENCES notifications)")
    plan = planned(engine)
    sql.execute("INSERT INTO holds VALUES ('kept', 'kept')")
    result = carry_out(engine, plan)
    assert [one.reason for one in result.skipped] == [
        "1 notification cannot be removed: rows of holds refer to it.",
        "1 run cannot be removed: rows of holds refer to it.",
    ]
    assert runs(sql) == {"kept"} and not result.is_complete


def test_rows_that_somebody_changes_all_the_while_are_named(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> NoReturn:
        raise RowChanged

    notify(sql, "n", 1, OLD)
    monkeypatch.setattr(other_tables.OtherTables, "removal", changed)
    result = retain(engine)
    assert not result.is_complete
    assert "changed by somebody else each time" in result.skipped[0].reason


def test_a_run_that_another_run_refers_to_is_named_by_its_own_table(
    engine: Database, sql: apsw.Connection
) -> None:
    for key, updated in (("gone", OLD), ("kept", OLD), ("young", NEW), ("next", OLD)):
        add_run(sql, key, "deleted", updated)
    sql.execute("ALTER TABLE planning_runs ADD COLUMN before TEXT REFERENCES planning_runs(id)")
    sql.execute("UPDATE planning_runs SET before = 'kept' WHERE id = 'young'")
    sql.execute("UPDATE planning_runs SET before = 'next' WHERE id = 'gone'")
    assert [one.reason for one in retain(engine).skipped] == [
        "2 runs cannot be removed before the runs that refer to them."
    ]
    assert runs(sql) == {"kept", "young", "next"}
    assert [one.reason for one in retain(engine).skipped] == [
        "1 run cannot be removed before the runs that refer to it."
    ]
    assert runs(sql) == {"kept", "young"}


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
@pytest.mark.parametrize(
    ("table", "added", "refers", "to"),
    [
        ("planning_runs", "ALTER TABLE planning_runs ADD up REFERENCES planning_runs {}", "live", "kept"),
        (
            "planning_artifacts",
            "ALTER TABLE planning_artifacts ADD up REFERENCES planning_artifacts {}",
            "live-0",
            "kept-1",
        ),
        (
            "links",
            "CREATE TABLE links (id TEXT PRIMARY KEY, run REFERENCES planning_runs ON DELETE CASCADE,"
            " up REFERENCES links {});"
            "INSERT INTO links (id, run) VALUES ('a', 'kept'), ('b', 'live'), ('c', 'gone')",
            "b",
            "a",
        ),
        (
            "planning_runs",
            "CREATE TABLE links (id TEXT PRIMARY KEY, run REFERENCES planning_runs ON DELETE CASCADE);"
            "INSERT INTO links VALUES ('a', 'kept');"
            "ALTER TABLE planning_runs ADD up REFERENCES links {}",
            "live",
            "a",
        ),
    ],
)
def test_what_leads_back_to_a_table_that_goes_keeps_the_record(
    engine: Database, database: LocalDatabase, *, action: str, table: str, added: str, refers: str, to: str
) -> None:
    """It may lead on to records that stay: to live ones, in a circle."""
    sql = apsw.Connection(str(database.path))
    for key, status in (("gone", "deleted"), ("kept", "deleted"), ("live", "running")):
        add_run(sql, key, status, OLD)
    sql.execute(added.format(action))
    sql.execute(f"UPDATE {table} SET up = ? WHERE id = ?", (to, refers))
    if "artifacts" in table:  # within one run, which goes as a whole
        sql.execute("UPDATE planning_artifacts SET up = 'gone-0' WHERE id = 'gone-1'")
        sql.execute("UPDATE planning_artifacts SET up = 'gone-0' WHERE id = 'gone-0'")
    plan = planned(engine)
    reason = (
        f": rows of {table} refer to it."
        if table != "planning_runs"
        else " before the runs that refer to it."
    )
    assert [one.reason for one in plan.skipped] == [f"1 run cannot be removed{reason}"]
    result = retain(engine)
    assert (result.skipped, result.removed) == (plan.skipped, plan.counts)
    assert runs(sql) == {"kept", "live"}
    assert sql.execute("SELECT count(*) FROM planning_artifacts").get == 4
    assert sql.execute(f"SELECT up FROM {table} WHERE id = ?", (refers,)).get == to


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_rows_refer_as_the_parents_collation_says(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    made = sql.execute("SELECT sql FROM sqlite_master WHERE name = 'planning_runs'").get
    sql.execute("DROP TABLE planning_runs")
    sql.execute(made.replace("TEXT PRIMARY KEY", "TEXT COLLATE NOCASE PRIMARY KEY", 1))
    for key, status in (("run", "deleted"), ("live", "running")):
        add_run(sql, key, status, OLD)
    sql.execute("UPDATE planning_artifacts SET run_id = upper(run_id) WHERE id LIKE '%1'")
    sql.execute(f"CREATE TABLE scores (run REFERENCES planning_runs (id) {action})")
    sql.execute("INSERT INTO scores VALUES ('run'), ('RUN'), ('Run'), ('LIVE')")
    plan, result = planned(engine), retain(engine)
    assert (result.removed, result.changed, result.skipped) == (plan.counts, plan.changed, plan.skipped)
    assert result.removed["planning_artifacts"] == (2 if action else 0)
    assert result.removed.get("scores", 0) == (3 if "CASCADE" in action else 0)
    assert result.changed == ({"scores": 3} if "NULL" in action else {})
    assert [one.reason for one in result.skipped] == (
        [] if action else ["1 run cannot be removed: rows of scores refer to it."]
    )
    assert sql.execute("SELECT count(*) FROM planning_artifacts").get == (2 if action else 4)


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_what_only_the_child_takes_for_the_same_does_not_refer(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    """Not by its own collation are keys compared; an artifact of ours has one there as well."""
    made = sql.execute("SELECT sql FROM sqlite_master WHERE name = 'planning_artifacts'").get
    sql.execute("DROP TABLE planning_artifacts")
    sql.execute(made.replace("run_id TEXT", "run_id TEXT COLLATE NOCASE", 1))
    for key, status in (("run", "deleted"), ("RUN", "running")):
        add_run(sql, key, status, OLD)
    sql.execute(f"CREATE TABLE scores (run TEXT COLLATE NOCASE REFERENCES planning_runs (id) {action})")
    sql.execute("INSERT INTO scores VALUES ('run'), ('RUN'), ('RUN')")
    plan, result = planned(engine), retain(engine)
    assert (result.removed, result.changed, result.skipped) == (plan.counts, plan.changed, plan.skipped)
    assert result.removed["planning_artifacts"] == (2 if action else 0)
    assert result.removed.get("scores", 0) == (1 if "CASCADE" in action else 0)
    assert result.changed == ({"scores": 1} if "NULL" in action else {})
    assert len(result.skipped) == (0 if action else 1)


def test_more_ways_than_are_followed_let_nothing_go(engine: Database, sql: apsw.Connection) -> None:
    add_run(sql, "old", "deleted", OLD)
    tables = ["planning_runs", *(f"t{number}" for number in range(7))]
    for number, name in enumerate(tables[1:], 1):
        keys = (f"to_{to} REFERENCES {to} ON DELETE CASCADE" for to in tables[:number])
        sql.execute(f"CREATE TABLE {name} (id TEXT PRIMARY KEY, {', '.join(keys)})")
    with pytest.raises(NotAllowed, match="by more than 100 ways of foreign keys"):
        planned(engine)
    assert runs(sql) == {"old"}


def test_an_answer_to_a_notification_keeps_it(engine: Database, sql: apsw.Connection) -> None:
    for key, at in (("gone", OLD), ("kept", OLD), ("young", NEW)):
        notify(sql, key, 1, at)
    sql.execute("ALTER TABLE notifications ADD of REFERENCES notifications ON DELETE CASCADE")
    sql.execute("UPDATE notifications SET of = iif(id = 'young', 'kept', id)")
    assert planned(engine).counts["notifications"] == retain(engine).removed["notifications"] == 1
    assert {key for (key,) in sql.execute("SELECT id FROM notifications")} == {"kept", "young"}


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_key_of_several_columns_counts_like_any(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    for key in ("gone", "gone too", "paired"):
        add_run(sql, key, "deleted", OLD)
    sql.execute("CREATE UNIQUE INDEX pair ON planning_runs (id, idea)")
    sql.execute(
        "CREATE TABLE pairs (run TEXT, idea TEXT, "
        f"FOREIGN KEY (run, idea) REFERENCES planning_runs (id, idea) {action})"
    )
    sql.execute("INSERT INTO pairs (run, idea) SELECT id, idea FROM planning_runs WHERE id = 'paired'")
    sql.execute("INSERT INTO pairs (run, idea) VALUES ('gone', NULL)")  # which refers to nothing
    plan = planned(engine)
    kept = not action
    assert plan.counts["planning_runs"] == (2 if kept else 3)
    assert [one.reason for one in plan.skipped] == (
        ["1 run cannot be removed: rows of pairs refer to it."] if kept else []
    )
    assert plan.counts.get("pairs", 0) == (1 if "CASCADE" in action else 0)
    assert plan.changed == ({"pairs": 1} if "NULL" in action else {})
    result = retain(engine)
    assert (result.removed, result.changed, result.skipped) == (plan.counts, plan.changed, plan.skipped)
    assert runs(sql) == ({"paired"} if kept else set())


def test_what_would_take_a_run_from_an_audit_entry_keeps_it(engine: Database, sql: apsw.Connection) -> None:
    add_run(sql, "kept", "deleted", OLD)
    sql.execute(
        "ALTER TABLE audit_chain ADD COLUMN run_id TEXT REFERENCES planning_runs(id) ON DELETE SET NULL"
    )
    chains.append(sql, "acme", [NEW])
    sql.execute("UPDATE audit_chain SET run_id = 'kept'")
    assert [one.reason for one in retain(engine).skipped] == [
        "1 run cannot be removed: rows of audit_chain refer to it."
    ]
    assert sql.execute("SELECT run_id FROM audit_chain").get == "kept"


NEVER = 253_402_300_799  # the end of the year 9999, which is no time in milliseconds
MICROSECONDS = OLD * 10**6
ODD = (OLD + 0.5, "2026-01-01T00:00:00Z", str(OLD), b"1")
"""Times of other storage classes: a column of numbers makes one of the third."""


def add_odd(sql: apsw.Connection) -> None:
    for number, at in enumerate((OLD, OLD * 1000, NEW * 1000, NEW + 0.5, *ODD, MICROSECONDS, NEVER, -5)):
        notify(sql, f"n{number}", 1, at)
        add_run(sql, f"r{number}", "deleted", at)
    notify(sql, "unread", 0, OLD * 1000)


def test_what_stays_for_its_time_is_counted_in_every_table(engine: Database, sql: apsw.Connection) -> None:
    add_odd(sql)
    plan = planned(engine)
    assert (plan.counts["notifications"], plan.counts["planning_runs"]) == (2, 2)
    assert plan.in_milliseconds
    milliseconds = "1 {} stays: its time seems to be in milliseconds, and is old if it is."
    no_number = "3 {} stay: their times are no whole numbers, so whether they are old cannot be told."
    no_time = "2 {} stay: their times are neither in seconds nor in milliseconds"
    assert [one.reason for one in plan.skipped] == [
        milliseconds.format("notification"),
        no_number.format("notifications"),
        f"{no_time.format('notifications')}, so whether they are old cannot be told.",
        milliseconds.format("run"),
        no_number.format("runs"),
        f"{no_time.format('runs')}, so whether they are old cannot be told.",
    ]
    result = retain(engine)
    assert not result.is_complete and result.skipped == plan.skipped


def test_milliseconds_are_read_as_such_when_a_person_says_so(engine: Database, sql: apsw.Connection) -> None:
    add_odd(sql)
    chains.append(sql, "acme", [OLD * 1000, OLD * 1000 + 1, NEW * 1000, NEW])
    (left,) = planned(engine).left
    assert left.in_milliseconds
    assert left.reason == (
        "The time of entry 1 seems to be in milliseconds; from there on 2 entries would be old if it is."
    )
    plan = planned(engine, milliseconds=True)
    assert not plan.in_milliseconds and plan.left == ()
    removed = {"audit_chain": 2, "notifications": 3, "planning_runs": 3, "planning_artifacts": 6}
    assert plan.counts == removed
    result = retain(engine, milliseconds=True)
    assert result.removed == removed
    assert [one.rows for one in result.skipped] == [3, 2, 3, 2], "what is no time stays all the same"
    assert {"n2", "unread"} <= {key for (key,) in sql.execute("SELECT id FROM notifications")}
    assert chains.problems(sql) == []


def remade(sql: apsw.Connection, table: str, *changes: tuple[str, str], end: str = "") -> None:
    """The table as another program would have declared it."""
    made = sql.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).get.rstrip().rstrip(";")
    for before, after in changes:
        assert before in made
        made = made.replace(before, after)
    sql.execute(f"DROP TABLE {table}; {made} {end}")


@pytest.mark.parametrize("table", ["notifications", "planning_runs"])
@pytest.mark.parametrize("names", [None, ["RowId"]], ids=str)
def test_records_go_whatever_tells_their_rows_apart(
    engine: Database, sql: apsw.Connection, table: str, names: list[str] | None
) -> None:
    named = "".join(f",\n  {name} TEXT" for name in names or ())
    remade(sql, table, ("\n)", f"{named}\n)"), end="" if names else "WITHOUT ROWID")
    for key, at in (("1", OLD), ("old", OLD), ("x'00'", OLD), ("new", NEW)):
        notify(sql, key, 1, at)
        add_run(sql, key, "deleted", at, artifacts=0)
    sql.execute(f"UPDATE {table} SET id = CAST(id AS BLOB) WHERE id = 'old'")
    plan = planned(engine)
    assert (plan.skipped, plan.counts[table]) == ((), 3)
    result = retain(engine)
    assert result.is_complete and result.removed == plan.counts
    assert sql.execute(f"SELECT group_concat(id) FROM {table}").get == "new"


def test_notifications_go_in_batches_in_the_order_of_any_key(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_tables, "BATCH", 2)
    remade(sql, "notifications", end="WITHOUT ROWID")
    for number in range(5):
        notify(sql, f"{number}", 1, OLD)
    refer(sql, "replies", "notifications(id)", "1")
    assert retain(engine).removed["notifications"] == 4
    assert sql.execute("SELECT id FROM notifications").get == "1"


@pytest.mark.parametrize("table", ["notifications", "planning_runs"])
@pytest.mark.parametrize("end", ["WITHOUT ROWID", ""])
def test_a_table_whose_rows_no_single_column_tells_apart_is_named(
    engine: Database, sql: apsw.Connection, table: str, end: str
) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    keyed = ("\n)", ",\n  rowid, oid, _ROWID_, UNIQUE (id), PRIMARY KEY (id, created_at)\n)")
    remade(sql, table, ("id TEXT PRIMARY KEY", "id TEXT"), keyed, end=end)
    notify(sql, "n", 1, OLD)
    add_run(sql, "r", "deleted", OLD, artifacts=0)
    plan = planned(engine)
    assert [(one.table, one.rows) for one in plan.skipped] == [(table, None)]
    assert "no single column tells all rows apart" in plan.skipped[0].reason
    result = retain(engine)
    assert not result.is_complete
    assert result.removed["audit_chain"] == 1 and result.removed[table] == 0


@pytest.mark.parametrize(
    ("made", "skipped", "why"),
    [
        (
            "CREATE TABLE odd (n REFERENCES notifications(title))",
            {"notifications"},
            "foreign key of odd refers to",
        ),
        (
            "ALTER TABLE planning_runs ADD COLUMN o REFERENCES orgs",
            {"planning_runs"},
            "refers to a table orgs,",
        ),
        (
            "ALTER TABLE planning_artifacts ADD COLUMN o REFERENCES orgs",
            {"planning_runs"},
            "refers to a table orgs,",
        ),
        (
            "DROP TABLE users; ALTER TABLE planning_runs ADD COLUMN o REFERENCES users",
            {"planning_runs"},
            "has no table users",
        ),
    ],
)
def test_a_foreign_key_that_cannot_be_followed_is_foreseen(
    engine: Database, sql: apsw.Connection, made: str, skipped: set[str], why: str
) -> None:
    notify(sql, "n", 1, OLD)
    add_run(sql, "r", "deleted", OLD, artifacts=0)
    sql.execute(made)
    plan = planned(engine)
    assert {one.table for one in plan.skipped} == skipped
    assert any(why in one.reason for one in plan.skipped)
    assert skipped.isdisjoint({table for table, rows in plan.counts.items() if rows})
    result = retain(engine)
    assert not result.is_complete and result.removed == plan.counts


def test_a_notification_that_others_refer_to_stays(engine: Database, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        notify(sql, key, 1, OLD)
    refer(sql, "replies", "notifications(id)", "kept")
    result = retain(engine)
    assert [(one.table, one.rows) for one in result.skipped] == [("notifications", 1)]
    assert sql.execute("SELECT id FROM notifications").fetchall() == [("kept",)]


def test_audit_entries_never_go_along_with_a_run(engine: Database, sql: apsw.Connection) -> None:
    add_run(sql, "kept", "deleted", OLD)
    sql.execute(
        "ALTER TABLE audit_chain ADD COLUMN run_id TEXT REFERENCES planning_runs(id) ON DELETE CASCADE"
    )
    chains.append(sql, "acme", [NEW])
    sql.execute("UPDATE audit_chain SET run_id = 'kept'")
    result = retain(engine)
    assert [one.reason for one in result.skipped] == [
        "1 run cannot be removed: rows of audit_chain refer to it."
    ]
    assert result.total == 0


def test_names_of_other_tables_cannot_be_taken_for_sql(engine: Database, sql: apsw.Connection) -> None:
    for key in ("gone", "kept"):
        add_run(sql, key, "deleted", OLD)
    sql.execute('CREATE TABLE "odd "" name; --" ("the "" key" TEXT REFERENCES planning_runs(id))')
    sql.execute("""INSERT INTO "odd "" name; --" VALUES ('kept')""")
    result = retain(engine)
    assert [one.reason for one in result.skipped] == [
        '1 run cannot be removed: rows of odd " name; -- refer to it.'
    ]
    assert runs(sql) == {"kept"}


@pytest.mark.parametrize(
    ("table", "column"),
    [("notifications", "metadata"), ("planning_runs", "config"), ("planning_artifacts", "content")],
)
def test_a_column_that_nobody_needs_may_be_missing(
    engine: Database, sql: apsw.Connection, table: str, column: str
) -> None:
    notify(sql, "n", 1, OLD)
    add_run(sql, "r", "deleted", OLD)
    assert column in {name for (name,) in sql.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    sql.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    result = retain(engine)
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
    engine: Database, sql: apsw.Connection, table: str, column: str, named: set[str], stays: set[str] | None
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
    plan = planned(engine)
    assert {one.table for one in plan.skipped} == named
    assert column in plan.skipped[0].reason
    if stays is None:  # nothing could say what went
        with pytest.raises(NotAllowed, match=f"could not be recorded. {table} has no column {column}"):
            retain(engine)
        assert {row for (row,) in sql.execute("SELECT id FROM notifications")} == {"n"}
        return
    result = retain(engine)
    assert {table for table, rows in result.removed.items() if rows} == {
        "audit_chain", "notifications", "planning_runs", "planning_artifacts"
    } - stays  # fmt: skip
    assert not result.is_complete


NUMBERLESS = "does not have seq as the row's own number"


@pytest.mark.parametrize(
    ("sound", "odd", "reason"),
    [
        ("INTEGER PRIMARY KEY", "TEXT PRIMARY KEY", NUMBERLESS),
        ("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY DESC", NUMBERLESS),
        ("INTEGER PRIMARY KEY", "", NUMBERLESS),
        (
            "tenant_id",
            "tenant_id COLLATE NOCASE",
            "has a column that is compared otherwise than byte by byte",
        ),
        ("PRIMARY KEY", "PRIMARY KEY ON CONFLICT REPLACE", "has a conflict clause"),
        ("NOT NULL", "", "lets previous_hash be NULL"),
    ],
)
def test_nothing_goes_where_the_chain_takes_no_entry(
    engine: Database, sql: apsw.Connection, sound: str, odd: str, reason: str
) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    notify(sql, "n", 1, OLD)
    columns = ", ".join(COLUMNS).replace("seq", "seq INTEGER PRIMARY KEY")
    columns = columns.replace("previous_hash", "previous_hash NOT NULL").replace(sound, odd)
    sql.execute(f"CREATE TABLE other ({columns}); INSERT INTO other SELECT * FROM audit_chain")
    sql.execute("DROP TABLE audit_chain; ALTER TABLE other RENAME TO audit_chain")
    reason = f"The table audit_chain {reason}"
    assert reason in next(one.reason for one in planned(engine).skipped if one.table == "audit_chain")
    with pytest.raises(NotAllowed, match=f"could not be recorded. {reason}"):
        retain(engine)
    assert sql.execute("SELECT count(*) FROM notifications").get == 1


@pytest.mark.parametrize("action", ["ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_run_stays_whose_rows_elsewhere_would_fire_a_trigger(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    """What that takes along nobody has counted."""
    add_run(sql, "kept", "deleted", OLD)
    refer(sql, "notes", "planning_runs(id)", "kept", action)
    sql.execute("CREATE TABLE counted (id)")
    sql.execute("INSERT INTO counted VALUES (1)")
    for what in ("DELETE", "UPDATE"):
        sql.execute(f"CREATE TRIGGER on_{what} AFTER {what} ON notes BEGIN DELETE FROM counted; END")
    result = retain(engine)
    assert [one.reason for one in result.skipped] == ["1 run cannot be removed: rows of notes refer to it."]
    assert (runs(sql), sql.execute("SELECT count(*) FROM counted").get) == ({"kept"}, 1)
