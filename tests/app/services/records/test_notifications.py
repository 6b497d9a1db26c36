import json
import os
import time
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.records import notifications, writing
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.notifications import BY_RUN, MOST, Composed, compose, groups
from app.services.records.record import read_record
from app.services.records.tables import EVERYONE, NOTIFICATIONS, Scope
from app.workers import scan_pool
from models.engine import Database
from models.errors import Cancelled, ChangedSince, InvalidInput, NotAllowed, NotFound, NothingToDo
from models.local.database import LocalDatabase
from models.progress import Monitor
from models.schema import inspect
from tests.app.services.conftest import Events
from tests.conftest import NOW


def fill(database: LocalDatabase, count: int, tenant: str = "acme", *, read: int = 0) -> list[str]:
    ids = [f"{tenant}-{read}-{number}" for number in range(count)]
    connection = database.connection()
    with connection:
        connection.executemany(
            "INSERT INTO notifications (id, tenant_id, type, title, read, created_at) VALUES (?,?,?,?,?,?)",
            [(key, tenant, "run_completed", "Done", read, NOW) for key in ids],
        )
    return ids


def unread(engine: Database, scope: Scope) -> int:
    return Lists(inspect(engine)).count(engine, ListQuery("notifications", scope, choices=(("read", (0,)),)))


def test_the_unread_count_follows_the_tenant(engine: Database, database: LocalDatabase) -> None:
    fill(database, 3)
    fill(database, 2, "globex")
    fill(database, 4, read=1)
    assert unread(engine, Scope("acme")) == 3
    assert unread(engine, EVERYONE) == 5


def test_metadata_name_runs_users_and_webhooks_whatever_else_they_are(
    engine: Database, database: LocalDatabase
) -> None:
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('r', 'I', 1, 1)"
        )
        connection.execute(
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
            " VALUES ('u', 'acme', 'a@b.c', 1, 1)"
        )
        connection.execute(
            "INSERT INTO webhook_destinations (id, tenant_id, hostname, url, created_at, updated_at)"
            " VALUES ('w', 'acme', 'h.example', 'https://h.example/secret', 1, 1)"
        )
    metadata = json.dumps({"webhookId": "w", "userId": "u", "runId": "r", "phase": "strategy"})
    found = notifications.named(engine, metadata)
    assert [(one.table.name, one.id, one.title) for one in found] == [
        ("planning_runs", "r", "I"),
        ("users", "u", "a@b.c"),
        ("webhook_destinations", "w", "h.example"),
    ]
    assert [one.title for one in notifications.named(engine, '{"userId":"gone"}')] == [None]
    odd = (None, 7, b"\xff", "no json", "[1]", '{"runId":7}', '{"runId":""}', "[" * 100_000)
    assert [notifications.named(engine, one) for one in odd] == [()] * len(odd)


def test_marking_a_mix_changes_only_the_unread_and_undo_restores_exactly_those(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    new, read = fill(database, 3), fill(database, 2, read=1)
    change = notifications.mark(engine, [*new, *read], read=True, actor="ops", now=NOW)
    assert change.summary == "3 notifications marked read"
    assert unread(engine, EVERYONE) == 0
    assert events() == [
        ("acme", "notifications_read", {"actor": "ops", "count": 3, "notificationIds": sorted(new)})
    ]
    writing.undo(engine, change, now=NOW)
    assert not read_record(engine, NOTIFICATIONS, new[0])["read"]
    assert read_record(engine, NOTIFICATIONS, read[0])["read"]


@pytest.mark.slow
def test_a_bulk_of_thousands_is_one_act_and_names_every_id(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    ids = fill(database, 2_500) + fill(database, 10, "globex")
    notifications.mark(engine, ids, read=True, actor="ops", now=NOW)
    assert unread(engine, EVERYONE) == 0
    named = [key for _, _, payload in events() for key in payload["notificationIds"]]
    assert sorted(named) == sorted(ids)
    assert [(tenant, payload["count"]) for tenant, _, payload in events()] == [
        ("acme", 1000),
        ("acme", 1000),
        ("acme", 500),
        ("globex", 10),
    ]


def test_marking_what_is_so_already_is_refused_and_leaves_no_entry(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    ids = fill(database, 1, read=1)
    with pytest.raises(NotAllowed, match="Already marked read"):
        notifications.mark(engine, ids, read=True, actor="ops", now=NOW)
    assert events() == []


def test_what_is_deleted_is_named_in_an_entry_a_tenant_and_comes_back_whole(
    engine: Database, database: LocalDatabase, sql: apsw.Connection, events: Events
) -> None:
    mine, theirs = fill(database, 3), fill(database, 1, "globex", read=1)
    sql.execute("CREATE TABLE seen (id TEXT REFERENCES notifications(id) ON DELETE CASCADE, x)")
    sql.execute("INSERT INTO seen VALUES (?, 1), (?, 2)", (mine[0], mine[1]))
    before = sql.execute("SELECT * FROM notifications ORDER BY id").fetchall()
    change = notifications.delete(engine, [*mine[:2], *theirs], actor="ops", now=NOW)
    assert change.summary == "3 notifications deleted, with 2 rows of seen"
    assert [key for (key,) in sql.execute("SELECT id FROM notifications")] == [mine[2]]
    writing.undo(engine, change, now=NOW)
    assert sql.execute("SELECT * FROM notifications ORDER BY id").fetchall() == before
    assert sql.execute("SELECT count(*) FROM seen").get == 2
    own = {"actor": "ops", "count": 2, "notificationIds": mine[:2]}
    other = {"actor": "ops", "count": 1, "notificationIds": theirs}
    assert events() == [
        ("acme", "notifications_deleted", {**own, "alsoDeleted": {"seen": 2}}),
        ("globex", "notifications_deleted", other),
        (
            "acme",
            "notifications_restored",
            {**own, "undone": "notifications_deleted", "alsoRestored": {"seen": 2}},
        ),
        ("globex", "notifications_restored", {**other, "undone": "notifications_deleted"}),
    ]
    with pytest.raises(NotFound):
        notifications.delete(engine, ["nobody's"], actor="ops", now=NOW)


NOTE = Composed("maintenance", "Down on Sunday", "From 8 to 9.\nNothing to do.", '{ "runId": "run_1" }')


def rows(sql: apsw.Connection) -> list[tuple[object, ...]]:
    columns = "tenant_id, type, title, message, metadata, read, created_at"
    return [*sql.execute(f"SELECT {columns} FROM notifications ORDER BY tenant_id")]


def test_each_tenant_has_one_and_an_entry_and_all_of_it_is_taken_back_at_once(
    engine: Database, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    change = compose(engine, ["globex", "acme", "globex"], NOTE, actor="ops", now=NOW)
    assert change.summary == "2 notifications created for 2 tenants"
    said = ("maintenance", "Down on Sunday", "From 8 to 9.\nNothing to do.", '{"runId":"run_1"}', 0, NOW)
    there = [("acme", *said), ("globex", *said)]
    assert rows(sql) == there
    ids = dict(sql.execute("SELECT tenant_id, id FROM notifications"))
    named = {"actor": "ops", "count": 1, "type": "maintenance", "title": "Down on Sunday"}
    assert events() == [
        (tenant, "notifications_created", {**named, "notificationIds": [ids[tenant]]})
        for tenant in ("globex", "acme")
    ]
    undone = writing.undo(engine, change, now=NOW)
    assert rows(sql) == []
    back = {"actor": "ops", "undone": "notifications_created", "count": 1}
    assert events()[2:] == [
        (tenant, "notifications_deleted", {**back, "notificationIds": [ids[tenant]]})
        for tenant in ("globex", "acme")
    ]
    writing.undo(engine, undone, now=NOW)
    assert rows(sql) == there and dict(sql.execute("SELECT tenant_id, id FROM notifications")) == ids
    report = scan_pool.verify(InFile(database_path), now=NOW)
    assert (report.entries, list(report.findings)) == (6, [])


def test_what_was_read_since_is_not_taken_back(engine: Database, sql: apsw.Connection) -> None:
    change = compose(engine, ["acme", "globex"], NOTE, actor="ops", now=NOW)
    sql.execute("UPDATE notifications SET read = 1 WHERE tenant_id = 'acme'")
    with pytest.raises(ChangedSince, match="State of"):
        writing.undo(engine, change, now=NOW)
    assert len(rows(sql)) == 2


TENANTS = [f"tenant-{number:04}" for number in range(1_000)]


def test_a_thousand_are_one_act(engine: Database, sql: apsw.Connection, events: Events) -> None:
    compose(engine, TENANTS, NOTE, actor="ops", now=NOW)
    assert [row[0] for row in rows(sql)] == TENANTS
    assert [tenant for tenant, *_ in events()] == TENANTS


def test_it_tells_how_far_it_is_and_leaves_nothing_when_it_is_cancelled(
    database: LocalDatabase, sql: apsw.Connection, events: Events
) -> None:
    """In a file; a live database is sent all of it in one request."""
    told: list[tuple[int, int]] = []
    monitor = Monitor(lambda done, total: told.append((done, total)), lambda: bool(told))
    with pytest.raises(Cancelled):
        compose(database, TENANTS, NOTE, monitor=monitor, actor="ops", now=NOW)
    assert told and rows(sql) == [] and events() == []


def test_nothing_but_what_may_be_stored_is_taken(engine: Database, sql: apsw.Connection) -> None:
    for note, field in (
        (Composed("", "Title"), "type"),
        (Composed("type", " "), "title"),
        (Composed("type", "two\nlines"), "title"),
        (Composed("type", "Title", "\u202eturned"), "message"),
        (Composed("type", "Title", "x" * 10_001), "message"),
        (Composed("type", "Title", "", "[1]"), "metadata"),
        (Composed("type", "Title", "", "{"), "metadata"),
        (Composed("type", "Title", "", '{"score":NaN}'), "metadata"),
        (Composed("type", "Title", "", '{"a":' * 20_000), "metadata"),
    ):
        with pytest.raises(InvalidInput) as error:
            compose(engine, ["acme"], note, actor="ops", now=NOW)
        assert error.value.field == field
    with pytest.raises(NothingToDo):
        compose(engine, [], NOTE, actor="ops", now=NOW)
    assert rows(sql) == []


def test_metadata_are_written_as_the_platform_does() -> None:
    assert notifications.valid_metadata(' {\n "runId": "é", "n": 1.5 } ') == '{"runId":"é","n":1.5}'
    assert notifications.valid_metadata("  ") is None


NOTES = ListQuery("notifications")
MANY = int(os.environ.get("TENANT_ADMIN_GROUPED", "3000"))
ODD = (
    *(None, "no json", "[1]", '{"runId":7}', '{"runId":""}', '{"other":"r1"}'),
    *(b"{}", b'{"runId":"r1"}', "[" * 5_000),
)


def add(sql: apsw.Connection, key: str, kind: str, read: int, *, at: object, metadata: object) -> None:
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at, metadata)"
        " VALUES (?, 'acme', ?, ?, ?, ?)",
        (key, kind, read, at, metadata),
    )


def filled(engine: Database, sql: apsw.Connection) -> Lists:
    columns = "id, idea, created_at, updated_at"
    sql.execute(f"INSERT INTO planning_runs ({columns}) VALUES ('r1', 'Voice notes', 1, 1)")
    for number, (kind, read, run) in enumerate(
        [("info", 0, "r1"), ("info", 1, "r1"), ("alert", 0, "gone"), ("alert", 0, "gone"), ("alert", 1, "r1")]
    ):
        add(sql, f"n{number}", kind, read, at=100 + number, metadata=json.dumps({"runId": run}))
    for number, metadata in enumerate(ODD):
        add(sql, f"odd{number}", "odd", 1, at=50, metadata=metadata)
    return Lists(inspect(engine))


def test_each_run_and_each_type_says_how_many_it_has(engine: Database, sql: apsw.Connection) -> None:
    lists = filled(engine, sql)
    found = [
        (group.value, group.unread, group.rows, group.latest, group.title)
        for group in groups(engine, lists, NOTES, BY_RUN).first
    ]
    assert found == [("gone", 2, 2, 103, ""), ("r1", 1, 3, 104, "Voice notes"), (None, 0, len(ODD), 50, "")]
    by_type = [
        (group.value, group.unread, group.rows) for group in groups(engine, lists, NOTES, "type").first
    ]
    assert by_type == [("alert", 2, 3), ("info", 1, 2), ("odd", 0, len(ODD))]
    unread = replace(NOTES, choices=(("read", (0,)), ("type", ("info",))))
    assert [group.value for group in groups(engine, lists, unread, "type").first] == ["alert", "info"]


def test_a_group_is_a_filter_of_the_list(engine: Database, sql: apsw.Connection) -> None:
    lists = filled(engine, sql)
    for group in groups(engine, lists, NOTES, BY_RUN).first:
        assert lists.count(engine, replace(NOTES, choices=((BY_RUN, (group.value,)),))) == group.rows


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("NOTES", ["r1"]),  # by what the run is about
        ("gON", ["gone"]),
        ("ÉÉ", []),
        ("%", []),
        ("o" * 60_000, []),
    ],
)
def test_a_group_is_found_by_its_value_and_by_what_its_run_is_about(
    engine: Database, sql: apsw.Connection, text: str, values: list[str]
) -> None:
    found = groups(engine, filled(engine, sql), NOTES, BY_RUN, text)
    assert [group.value for group in found.first] == values and found.match[0] == len(values)
    assert (found.groups, found.rows, found.unread) == ((3, 2, 2), 5 + len(ODD), 3), "of all of them"


@pytest.mark.slow
def test_many_are_grouped_in_a_moment_and_no_more_than_can_be_read_are_told(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    with sql:
        for number in range(MANY):
            add(sql, f"n{number}", "info", 0, at=number, metadata=json.dumps({"runId": f"r{number % 700}"}))
    lists = Lists(inspect(database))
    begun = time.perf_counter()
    found = groups(database, lists, NOTES, BY_RUN)
    took = time.perf_counter() - begun
    assert len(found.first) == MOST and took < 5, took
    assert (found.match, found.groups, found.rows, found.unread) == ((700, 700, 0), (700, 700, 0), MANY, MANY)
    beyond = groups(database, lists, NOTES, BY_RUN, "R69")
    last = {group.value for group in found.first}
    assert [group.value for group in beyond.first if group.value not in last], "out of reach but for this"
    assert (len(beyond.first), beyond.match[0], beyond.groups[0], beyond.rows) == (11, 11, 700, MANY)
