"""Taking back the part of an act on many that nobody has changed since."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.records import notifications, users, webhooks
from app.services.records.change import Change
from app.services.records.notifications import Composed
from app.services.records.parts import part_of
from app.services.records.webhooks import WebhookInput
from app.services.records.writing import undo
from models.engine import Database
from models.errors import ChangedSince
from tests.app.services.chain.test_append import NOW, assert_one_chain
from tests.fixtures.inserting import INTO_USERS

URL = "https://x.example/"
HOW: dict[str, Any] = {"actor": "ops", "now": NOW}


def hooks(engine: Database, *names: str) -> list[str]:
    return [
        str(
            webhooks.create(engine, "acme", WebhookInput(name, "https://x.example/"), **HOW).rows[0].record_id
        )
        for name in names
    ]


def last(sql: apsw.Connection, entries: int) -> list[tuple[str, dict[str, Any]]]:
    found = sql.execute("SELECT event_type, payload FROM audit_chain ORDER BY seq DESC LIMIT ?", (entries,))
    return [(kind, json.loads(payload)) for kind, payload in found][::-1]


def refused(engine: Database, change: Change) -> ChangedSince:
    with pytest.raises(ChangedSince) as error:
        undo(engine, change, act="“it”", now=NOW)
    return error.value


def test_records_that_keep_an_undo_are_named_and_the_others_are_undone_by_themselves(
    engine: Database, sql: apsw.Connection
) -> None:
    ids = hooks(engine, "Ci 1", "Ci 2", "Ci 3", "Ci 4", "Ci 5")
    off = webhooks.set_active(engine, ids, False, **HOW)
    sql.execute("DELETE FROM webhook_destinations WHERE name = 'Ci 2'")
    sql.execute("UPDATE webhook_destinations SET active = 1 WHERE name = 'Ci 4'")
    before = sql.execute("SELECT count(*) FROM audit_chain").get
    error = refused(engine, off)
    for said in (
        "“it” cannot be undone, because of what has changed since: ",
        "State of webhook “Ci 4”",
        "webhook “Ci 2” was removed",
        ". Nothing was changed. The other 3 are as they were then. It can be tried again when that is as ",
    ):
        assert said in str(error)
    assert sql.execute("SELECT count(*) FROM audit_chain").get == before
    undone = undo(engine, off, part=error.part, now=NOW)
    assert undone.left.startswith("; 2 left as they are: ")
    assert "1 changed since (Ci 4)" in undone.left and "1 no longer there (Ci 2)" in undone.left
    look = "SELECT name, active FROM webhook_destinations ORDER BY name"
    assert [*sql.execute(look)] == [("Ci 1", 1), ("Ci 3", 1), ("Ci 4", 1), ("Ci 5", 1)]
    told = last(sql, 3)
    assert {(kind, one["name"], one["undone"]) for kind, one in told} == {
        ("webhook_activated", name, "webhook_deactivated") for name in ("Ci 1", "Ci 3", "Ci 5")
    }
    undo(engine, undone, now=NOW)  # done again, of the same three
    assert [*sql.execute(look)] == [("Ci 1", 0), ("Ci 3", 0), ("Ci 4", 1), ("Ci 5", 0)]
    assert_one_chain(Path(sql.filename), "acme")


def test_one_entry_of_many_names_those_alone_that_are_undone(engine: Database, sql: apsw.Connection) -> None:
    made = notifications.compose(engine, ["acme", "beta", "cyd"], Composed("t", "Title"), **HOW)
    ids = [str(row.record_id) for row in made.rows]
    sql.execute("UPDATE notifications SET tenant_id = 'acme'")
    read = notifications.mark(engine, ids, read=True, **HOW)
    sql.execute("DELETE FROM notifications WHERE id = ?", (ids[0],))
    error = refused(engine, read)
    assert f"notification “{ids[0]}” was removed" in str(error) and error.others == 2
    undone = undo(engine, read, part=error.part, now=NOW)
    assert undone.left == "; 1 left as it is: no longer there"
    ((kind, said),) = last(sql, 1)
    assert kind == "notifications_unread"
    assert (said["count"], sorted(said["notificationIds"])) == (2, sorted(ids[1:]))
    assert [*sql.execute("SELECT read FROM notifications")] == [(0,), (0,)]


def test_of_many_that_were_added_those_are_taken_away_that_are_as_they_were(
    engine: Database, sql: apsw.Connection
) -> None:
    wanted: list[users.NewUser] = [("acme", f"u{number}@x.example", None) for number in range(4)]
    made = users.create_many(engine, wanted, **HOW)
    sql.execute("UPDATE users SET password_hash = 'x' WHERE email = 'u2@x.example'")
    error = refused(engine, made)
    assert "Password of user “u2@x.example”" in str(error)
    undo(engine, made, part=error.part, now=NOW)
    assert [*sql.execute("SELECT email FROM users")] == [("u2@x.example",)]
    ((kind, said),) = last(sql, 1)
    assert (kind, said["count"]) == ("users_deleted", 3)
    assert "u2@x.example" not in str(said["users"])


def test_what_changes_meanwhile_is_left_too(engine: Database, sql: apsw.Connection) -> None:
    ids = hooks(engine, "A", "B", "C", "D")
    off = webhooks.set_active(engine, ids, False, **HOW)
    sql.execute("UPDATE webhook_destinations SET active = 1 WHERE name = 'A'")
    first = refused(engine, off)
    sql.execute("UPDATE webhook_destinations SET active = 1 WHERE name = 'B'")
    with pytest.raises(ChangedSince, match=r"State of webhook “B”.*The other 2 are") as again:
        undo(engine, off, part=first.part, now=NOW)
    undone = undo(engine, off, part=again.value.part, now=NOW)
    assert undone.left == "; 2 left as they are: changed since (A, B)"
    sql.execute("UPDATE webhook_destinations SET active = 1")
    with pytest.raises(ChangedSince) as none:
        undo(engine, off, now=NOW)
    assert none.value.part is None  # nothing is as it was


def moved(engine: Database) -> Change:
    ids = [
        str(users.create(engine, tenant, f"{tenant}@x.example", **HOW).rows[0].record_id)
        for tenant in ("beta", "cyd")
    ]
    return users.move(engine, ids, "acme", **HOW)


def deleted(engine: Database) -> Change:
    return webhooks.delete(engine, hooks(engine, "A", "B"), **HOW)


@pytest.mark.parametrize("act", [moved, deleted])
def test_a_part_has_the_entries_of_its_own_records(
    engine: Database, act: Callable[[Database], Change]
) -> None:
    done = act(engine)
    one = done.rows[0]
    some = part_of(done, {(one.table, one.record_id)})
    assert some is not None
    assert some.rows == (one,)
    assert len(some.events) == len(done.events) // 2
    assert all(one.record_id in event.payload.values() for event in (*some.events, *some.inverse_events))
    assert part_of(done, set()) is None
    assert part_of(done, {(row.table, row.record_id) for row in done.rows}) is None


def test_of_many_that_were_deleted_those_come_back_whose_address_nobody_has_taken(
    engine: Database, sql: apsw.Connection
) -> None:
    made = [users.create(engine, "acme", f"u{number}@x.example", **HOW).rows[0] for number in range(3)]
    gone = users.delete(engine, [str(row.record_id) for row in made], **HOW)
    sql.execute(f"{INTO_USERS}('other', 'acme', 'U1@x.example', NULL, 1, 1)")
    error = refused(engine, gone)
    assert "since: acme already has a user with the e-mail address U1@x.example. Nothing" in str(error)
    assert error.others == 2
    back = undo(engine, gone, part=error.part, now=NOW)
    assert back.left == "; 1 left as it is: taken by others since (u1@x.example)"
    found = sql.execute("SELECT email FROM users ORDER BY lower(email)").fetchall()
    assert found == [("u0@x.example",), ("U1@x.example",), ("u2@x.example",)]


@pytest.mark.parametrize(
    ("rule", "other", "stays"),
    [
        ("name", "B", "B"),
        ("name COLLATE nocase", "b", "B"),
        ("name COLLATE RTRIM", "B  ", "B"),
        ("name COLLATE BINARY", "C", "C"),
    ],
)
def test_what_the_tables_own_rule_lets_one_row_have_keeps_no_other_from_coming_back(
    engine: Database, sql: apsw.Connection, rule: str, other: str, stays: str
) -> None:
    ids = hooks(engine, "A", "B", "C")
    sql.execute(f"CREATE UNIQUE INDEX one_name ON webhook_destinations (tenant_id, {rule})")
    gone = webhooks.delete(engine, ids, **HOW)
    sql.execute(
        "INSERT INTO webhook_destinations (id, tenant_id, name, url, hostname, events, active, created_at,"
        f" updated_at) VALUES ('other', 'acme', '{other}', 'https://y.example', 'y.example', '*', 1, 1, 1)"
    )
    error = refused(engine, gone)
    assert f"another row has the same tenant_id and name as webhook “{stays}”" in str(error)
    back = undo(engine, gone, part=error.part, now=NOW)
    assert back.left == f"; 1 left as it is: taken by others since ({stays})"
    names = [name for (name,) in sql.execute("SELECT name FROM webhook_destinations")]
    assert sorted(names) == sorted({"A", "B", "C", other} - ({stays} - {other}))


def test_of_records_of_one_name_it_is_said_which(engine: Database, sql: apsw.Connection) -> None:
    made = notifications.compose(engine, ["acme", "beta", "cyd"], Composed("t", "A title " * 6), **HOW)
    ids = [str(row.record_id) for row in made.rows]
    read = notifications.mark(engine, ids, read=True, **HOW)
    sql.execute("UPDATE notifications SET title = 'Own', read = 0 WHERE id = ?", (ids[0],))
    sql.execute("UPDATE notifications SET read = 0 WHERE id = ?", (ids[2],))
    error = refused(engine, read)
    title = ("A title " * 6).strip()
    assert f"State of notification “{title}” ({ids[2]})" in str(error)
    assert "State of notification “Own”;" in f"{error};".replace(". Nothing", ";")
    sql.execute("UPDATE notifications SET read = 0 WHERE id = ?", (ids[1],))
    assert refused(engine, read).part is None
    sql.execute("UPDATE notifications SET read = 1 WHERE id = ?", (ids[1],))
    undone = undo(engine, read, part=error.part, now=NOW)
    assert f"{title[:39]}… {ids[2]}" in undone.left and "Own" in undone.left and ids[0] not in undone.left


def test_ids_that_look_alike_are_told_by_their_class(engine: Database, sql: apsw.Connection) -> None:
    # Where an entry gives them in one way no part is offered.
    sql.execute("DROP TABLE notifications")
    sql.execute(
        "CREATE TABLE notifications (id PRIMARY KEY, tenant_id TEXT, type TEXT, title TEXT, message TEXT,"
        " metadata TEXT, read INTEGER DEFAULT 0, created_at INTEGER)"
    )
    for one in ("1", "'1'", "2", "x'31'"):
        row = f"VALUES ({one}, 'acme', 't', 1)"
        sql.execute(f"INSERT INTO notifications (id, tenant_id, type, created_at) {row}")
    ids: list[Any] = [1, "1", 2, b"1"]
    first = notifications.mark(engine, ids, read=True, **HOW)
    sql.execute("UPDATE notifications SET read = 0 WHERE id = 1 AND typeof(id) = 'integer'")
    undo(engine, first, part=refused(engine, first).part, now=NOW)
    ((kind, said),) = last(sql, 1)
    assert (kind, said["count"]) == ("notifications_unread", 3)
    assert sorted(said["notificationIds"], key=str) == ["1", 2, "x'31'"]
    sql.execute("UPDATE notifications SET id = 'x''31''' WHERE id = 2")
    ids = [1, "x'31'", b"1"]
    second = notifications.mark(engine, ids, read=True, **HOW)
    sql.execute("UPDATE notifications SET read = 0 WHERE id = 1 AND typeof(id) = 'integer'")
    error = refused(engine, second)
    assert (error.part, error.others) == (None, 0)
    assert "State of notification" in str(error)


def test_of_many_that_were_moved_those_go_back_whose_address_nobody_has_taken(
    engine: Database, sql: apsw.Connection
) -> None:
    homes = ("beta", "cyd", "beta")
    made = [users.create(engine, home, f"u{at}@x.example", **HOW) for at, home in enumerate(homes)]
    there = users.move(engine, [str(one.rows[0].record_id) for one in made], "acme", **HOW)
    sql.execute(f"{INTO_USERS}('other', 'beta', 'u0@x.example', NULL, 1, 1)")
    error = refused(engine, there)
    assert "since: beta already has a user with the e-mail address u0@x.example. Nothing" in str(error)
    undo(engine, there, part=error.part, now=NOW)
    found = sql.execute("SELECT tenant_id, email FROM users WHERE id != 'other' ORDER BY email").fetchall()
    assert found == [("acme", "u0@x.example"), ("cyd", "u1@x.example"), ("beta", "u2@x.example")]
    kinds = [(kind, said["userId"]) for kind, said in last(sql, 4)]
    assert {one for _, one in kinds} == {made[1].rows[0].record_id, made[2].rows[0].record_id}


def test_what_refers_to_nothing_any_more_keeps_no_other_from_coming_back(
    engine: Database, sql: apsw.Connection
) -> None:
    sql.execute("CREATE TABLE places (id TEXT PRIMARY KEY COLLATE NOCASE)")
    sql.execute("INSERT INTO places VALUES ('a'), ('b')")
    sql.execute("ALTER TABLE users ADD COLUMN place TEXT REFERENCES places (id)")
    sql.execute("ALTER TABLE users ADD COLUMN made_by TEXT REFERENCES users (id)")
    made = [users.create(engine, "acme", f"u{at}@x.example", **HOW).rows[0].record_id for at in range(3)]
    sql.execute("UPDATE users SET place = CASE WHEN email LIKE 'u1%' THEN 'b' ELSE 'A' END")
    sql.execute("UPDATE users SET made_by = ? WHERE email LIKE 'u2%'", (made[0],))
    gone = users.delete(engine, [str(one) for one in made], **HOW)
    sql.execute("DELETE FROM places WHERE id = 'b'")
    error = refused(engine, gone)
    assert "since: user “u1@x.example” refers to a row of places that is not there any more." in str(error)
    assert error.others == 2
    back = undo(engine, gone, part=error.part, now=NOW)
    assert back.left == "; 1 left as it is: referring to what is gone (u1@x.example)"
    assert [*sql.execute("SELECT email FROM users ORDER BY 1")] == [("u0@x.example",), ("u2@x.example",)]


def test_so_does_a_tenant_that_is_gone(engine: Database, sql: apsw.Connection) -> None:
    sql.execute("CREATE TABLE firms (id TEXT PRIMARY KEY)")
    sql.execute("INSERT INTO firms VALUES ('acme'), ('beta'), ('cyd')")
    sql.execute("DROP TABLE users")
    sql.execute(
        "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES firms (id), email TEXT,"
        " password_hash TEXT, created_at INTEGER, updated_at INTEGER)"
    )
    change = moved(engine)
    sql.execute("DELETE FROM firms WHERE id = 'beta'")
    error = refused(engine, change)
    assert "user “beta@x.example” refers to a row of firms that is not there any more" in str(error)
    undo(engine, change, part=error.part, now=NOW)
    found = sql.execute("SELECT email, tenant_id FROM users ORDER BY 1, 2").fetchall()
    assert found == [(f"{one}@x.example", home) for one, home in (("beta", "acme"), ("cyd", "cyd"))]
