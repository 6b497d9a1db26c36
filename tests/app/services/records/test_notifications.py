import json

import apsw
import pytest

from app.services.records import notifications, writing
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import EVERYONE, NOTIFICATIONS, Scope
from models.engine import Database
from models.errors import NotAllowed, NotFound
from models.local.database import LocalDatabase
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
