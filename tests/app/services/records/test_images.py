"""Rows are what the file says: every column, every storage class; an act changes only what it touches."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.services.records import notifications, users, webhooks, writing
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.record import read_record
from app.services.records.rows import RawText, shown
from app.services.records.tables import USERS
from app.services.records.webhooks import WebhookInput
from app.services.runs import statuses
from models.engine import Database
from models.errors import (
    AlreadyExists,
    ChangedSince,
    ColumnMissing,
    InvalidInput,
    NotAllowed,
    OnlyElsewhere,
    Refused,
    SharedId,
    TableMissing,
)
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.app.services.conftest import Events
from tests.conftest import NOW

Content = Callable[[], dict[str, list[tuple[Any, ...]]]]

ODD: list[tuple[str, Any]] = [
    ("1795000000.5", 1795000000.5),
    ("'2026-11-18'", "2026-11-18"),
    ("x'00ff'", b"\x00\xff"),
    ("9e999", float("inf")),
    ("-9e999", float("-inf")),
    ("9007199254740993", 2**53 + 1),
    ("-9007199254740992", -(2**53)),
    ("-9223372036854775808", -(2**63)),
    ("NULL", None),
    ("CAST(x'ff41' AS TEXT)", RawText(b"\xffA")),
    ("'a' || char(0) || 'b'", "a\0b"),
    ("''", ""),
    ("x''", b""),
]


@pytest.fixture
def content(database: LocalDatabase) -> Content:
    """Every table but the audit chain, each value as SQL and in its storage class."""

    def read() -> dict[str, list[tuple[Any, ...]]]:
        connection = database.connection()
        found = {}
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
            quoted = ['"' + name.replace('"', '""') + '"' for (name,) in columns]
            cells = ", ".join(f"typeof({name}), hex({name}), hex(quote({name}))" for name in quoted)
            found[table] = sorted(connection.execute(f'SELECT {cells} FROM "{table}"').fetchall())
        del found["audit_chain"], found["sqlite_sequence"]
        return found

    return read


def execute(database: LocalDatabase, *statements: str) -> None:
    for statement in statements:
        database.connection().execute(statement).fetchall()


def loosen(database: LocalDatabase) -> None:
    """users and the others as a file may have them: any value anywhere, and columns that we do not know."""
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id, email COLLATE NOCASE, password_hash, created_at,"
        ' updated_at, "odd ""name""", role TEXT NOT NULL DEFAULT \'operator\','
        " upper_email AS (upper(email)), length_of_id AS (length(id)) STORED)",
    )


def add_user(database: LocalDatabase, user_id: str = "u-1", **columns: str) -> str:
    """`columns` are SQL expressions."""
    values = {"id": f"'{user_id}'", "tenant_id": "'acme'", "email": f"'{user_id}@acme.example'", **columns}
    execute(database, f"INSERT INTO users ({', '.join(values)}) VALUES ({', '.join(values.values())})")
    return user_id


@pytest.mark.parametrize(("sql", "value"), ODD, ids=[sql for sql, _ in ODD])
def test_whatever_is_stored_is_read_guarded_and_put_back(
    engine: Database, database: LocalDatabase, content: Content, sql: str, value: Any
) -> None:
    loosen(database)
    user = add_user(
        database, **dict.fromkeys(("password_hash", "created_at", "updated_at", '"odd ""name"""'), sql)
    )
    row = Images(engine).row("users", user, "user")
    assert [row[name] for name in ("password_hash", "created_at", 'odd "name"')] == [value] * 3
    assert "upper_email" not in row.image
    assert not isinstance(shown(value), int), "JSON would not hold it"
    before = content()
    deleted = users.delete(engine, [user], actor="ops", now=NOW)
    assert content()["users"] == []
    restored = writing.undo(engine, deleted, now=NOW)
    assert content() == before
    writing.undo(engine, restored, now=NOW)
    assert content()["users"] == []


@pytest.mark.parametrize(("sql", "value"), ODD, ids=[sql for sql, _ in ODD])
def test_an_edit_goes_through_beside_odd_values_and_leaves_them(
    engine: Database, database: LocalDatabase, content: Content, sql: str, value: Any
) -> None:
    loosen(database)
    user = add_user(database, password_hash=sql, created_at=sql, updated_at=sql, role="'admin'")
    before = content()
    renamed = users.rename(engine, user, "ada@acme.example", actor="ops", now=NOW)
    row = Images(engine).row("users", user, "user")
    assert (row["email"], row["password_hash"], row["created_at"], row["role"]) == (
        "ada@acme.example",
        value,
        value,
        "admin",
    )
    writing.undo(engine, renamed, now=NOW)
    assert content() == before


@pytest.mark.parametrize(
    ("stored", "later"),
    [
        ("1795000000", "1795000000.0"),
        ("1795000000", "'1795000000'"),
        ("'Ada'", "'ada'"),
        ("'Ada'", "CAST('Ada' AS BLOB)"),
        ("'a' || char(0) || 'b'", "'a'"),
        ("CAST(x'ff' AS TEXT)", "x'ff'"),
        ("NULL", "''"),
    ],
)
def test_a_value_that_only_looks_the_same_is_another(
    engine: Database, database: LocalDatabase, content: Content, stored: str, later: str
) -> None:
    """Neither affinity nor collation may make one of the other: the guard compares class and bytes."""
    loosen(database)
    user = add_user(database, email=stored)
    change = users.delete(engine, [user], actor="ops", now=NOW)
    undone = writing.undo(engine, change, now=NOW)
    execute(database, f"UPDATE users SET email = {later}")
    before = content()
    with pytest.raises(ChangedSince, match="since: E-mail of the record"):
        writing.undo(engine, undone, now=NOW)
    assert content() == before


@pytest.mark.parametrize("tenant", ["x'61636d65'", "CAST(x'ff' AS TEXT)", "'acme' || char(0)"])
def test_nothing_is_recorded_in_the_chain_of_a_tenant_whose_name_is_no_text(
    engine: Database, database: LocalDatabase, content: Content, events: Events, tenant: str
) -> None:
    """Its entry would be what a verification calls tampered with."""
    loosen(database)
    user = add_user(database, tenant_id=tenant)
    columns = "id, tenant_id, type, title, message, read, created_at"
    execute(database, f"INSERT INTO notifications ({columns}) VALUES ('n', {tenant}, 't', '', '', 0, 1)")
    before = content()
    for act in (
        partial(users.rename, engine, user, "ada@acme.example"),
        partial(users.delete, engine, [user]),
        partial(notifications.mark, engine, ["n"], read=True),
    ):
        with pytest.raises(NotAllowed, match="is not readable text"):
            act(actor="ops", now=NOW)
    assert (content(), events()) == (before, [])


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.none(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.binary(),
    )
)
def test_any_value_is_read_as_it_is(engine: Database, database: LocalDatabase, value: Any) -> None:
    execute(database, "CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, value)", "DELETE FROM things")
    database.connection().execute("INSERT INTO things VALUES ('x', ?)", (value,))
    found = Images(engine).row("things", "x", "thing")["value"]
    assert found == value
    assert type(found) is type(value)


def test_a_row_that_a_table_without_a_key_holds_comes_back_in_its_place(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, "DROP TABLE users", "CREATE TABLE users (id, tenant_id, email, rowid)")
    add_user(database, "u-1")
    add_user(database, "u-2")
    place = "SELECT _rowid_, id FROM users ORDER BY 1"
    before = database.connection().execute(place).fetchall()
    change = users.delete(engine, ["u-1"], actor="ops", now=NOW)
    undone = writing.undo(engine, change, now=NOW)
    assert database.connection().execute(place).fetchall() == before
    writing.undo(engine, undone, now=NOW)
    created = users.create(engine, "acme", "new@acme.example", actor="ops", now=NOW)
    writing.undo(engine, writing.undo(engine, created, now=NOW), now=NOW)
    assert database.connection().execute(place).fetchall()[0][1] == "u-2"
    assert len(content()["users"]) == 2


def test_a_row_comes_back_in_its_place_and_beside_one_that_took_it(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    for number in (1, 2, 3):
        add_user(database, f"u-{number}", created_at="1", updated_at="1")
    execute(
        database,
        "CREATE TABLE notes (rowid, user REFERENCES users ON DELETE CASCADE, id INTEGER PRIMARY KEY DESC)",
        "INSERT INTO notes (_rowid_, user, id) VALUES (70, 'u-1', 5), (90, 'u-3', 6)",
    )
    places = "SELECT rowid, id FROM users UNION ALL SELECT _rowid_, id FROM notes ORDER BY 1"
    read = database.connection().execute
    before = read(places).fetchall(), content()
    change = users.delete(engine, ["u-1", "u-3"], actor="ops", now=NOW)
    undone = writing.undo(engine, change, now=NOW)
    assert (read(places).fetchall(), content()) == before
    again = writing.undo(engine, undone, now=NOW)
    add_user(database, "u-4", created_at="1", updated_at="1")
    undone = writing.undo(engine, again, now=NOW)
    assert read(places).fetchall() == [(1, "u-1"), (2, "u-2"), (3, "u-4"), (4, "u-3"), (70, 5), (90, 6)]
    execute(database, "VACUUM")
    writing.undo(engine, writing.undo(engine, undone, now=NOW), now=NOW)
    assert {name for (name,) in read("SELECT id FROM users")} == {"u-1", "u-2", "u-3", "u-4"}


@pytest.mark.parametrize("key", ["id", "tenant_id, email", "email"])
def test_a_record_is_known_by_its_id_whatever_its_key(
    engine: Database, database: LocalDatabase, content: Content, key: str
) -> None:
    execute(
        database,
        "DROP TABLE users",
        f"CREATE TABLE users (id TEXT, tenant_id TEXT, email TEXT, PRIMARY KEY ({key})) WITHOUT ROWID",
    )
    for user in ("u-1", "u-2"):
        add_user(database, user)
    before = content()
    change = users.rename(engine, "u-1", "b@acme.example", actor="ops", now=NOW)
    assert change.rows[0].record_id == "u-1"
    writing.undo(engine, change, now=NOW)
    assert content() == before
    with pytest.raises(InvalidInput, match="already has a user with"):
        users.rename(engine, "u-1", "U-2@acme.example", actor="ops", now=NOW)
    assert content() == before


def test_where_tenants_have_the_same_ids_nobody_s_record_is_taken_for_another_s(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT, tenant_id TEXT, email TEXT, PRIMARY KEY (tenant_id, id))",
        "INSERT INTO users VALUES ('1', 'acme', 'a@x.example'), ('1', 'other', 'b@x.example')",
        "INSERT INTO users VALUES ('2', 'acme', 'c@x.example')",
    )
    before = content()
    for act in (
        partial(users.rename, user_id="1", email="new@x.example"),
        partial(users.delete, user_ids=["2", "1"]),
        partial(users.move, user_ids=["1"], tenant_id="third"),
    ):
        with pytest.raises(NotAllowed, match="Several rows of users have the id 1, so nothing tells which"):
            act(engine, actor="ops", now=NOW)
        assert content() == before
    with pytest.raises(SharedId):
        read_record(engine, USERS, "1")
    assert read_record(engine, USERS, "2")["email"] == "c@x.example"
    change = users.delete(engine, ["2"], actor="ops", now=NOW)
    writing.undo(engine, change, now=NOW)
    assert content() == before


def test_a_column_that_the_file_computes_is_not_called_missing(
    engine: Database, database: LocalDatabase
) -> None:
    execute(
        database, "DROP TABLE users", "CREATE TABLE users (id PRIMARY KEY, tenant_id, mail, email AS (mail))"
    )
    execute(database, "INSERT INTO users (id, tenant_id, mail) VALUES ('u-1', 'acme', 'a@acme.example')")
    with pytest.raises(NotAllowed, match=r"computes users\.email from other columns"):
        users.rename(engine, "u-1", "b@acme.example", actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=r"computes users\.email from other columns"):
        users.create(engine, "acme", "b@acme.example", actor="ops", now=NOW)


def test_a_key_of_numbers_is_a_sentence(engine: Database, database: LocalDatabase, content: Content) -> None:
    execute(database, "DROP TABLE users", "CREATE TABLE users (id INTEGER PRIMARY KEY, tenant_id, email)")
    before = content()
    with pytest.raises(Refused, match="the key of such a row is a whole number"):
        users.create(engine, "acme", "b@acme.example", actor="ops", now=NOW)
    assert content() == before


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ("email TEXT COLLATE ICU_de", "collation sequence ICU_de"),
        ("email TEXT CHECK (is_mail(email))", r"function is_mail\(\)"),
        ("email TEXT, of AS (is_mail(email))", r"function is_mail\(\)"),
        ("email TEXT); CREATE INDEX own ON users (is_mail(email)", r"function is_mail\(\)"),
    ],
)
def test_what_only_the_file_s_own_program_has_is_named(
    engine: Database, database_path: Path, made: str, what: str
) -> None:
    with closing(apsw.Connection(str(database_path))) as own:
        own.create_collation("ICU_de", lambda one, other: (one > other) - (one < other))
        own.create_scalar_function("is_mail", lambda *values: 1, deterministic=True)
        own.execute(f"DROP TABLE users; CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT, {made})")
        own.execute("INSERT INTO users (id, tenant_id, email) VALUES ('u-1', 'acme', 'a@acme.example')")
    refused = f"the {what}, which only the program that made them has"
    with pytest.raises(OnlyElsewhere, match=refused):
        users.rename(engine, "u-1", "b@acme.example", actor="ops", now=NOW)
    with pytest.raises(OnlyElsewhere, match=refused):
        writing.preview(users.delete, engine, ["u-1"], actor="ops", now=NOW)
    with pytest.raises(OnlyElsewhere, match=refused):
        users.delete(engine, ["u-1"], actor="ops", now=NOW)


def test_where_nothing_tells_rows_apart_none_is_written(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, "DROP TABLE users", "CREATE TABLE users (id, tenant_id, email, rowid, _ROWID_, oid)")
    add_user(database)
    add_user(database)
    before = content()
    refused = "Rows of users would change, and nothing tells them apart"
    with pytest.raises(NotAllowed, match=refused):
        users.delete(engine, ["u-1"], actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=refused):
        users.rename(engine, "u-1", "b@acme.example", actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=refused):
        users.create(engine, "acme", "b@acme.example", actor="ops", now=NOW)
    assert content() == before


def test_a_conflict_never_replaces_another_row_even_where_the_table_says_so(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT PRIMARY KEY ON CONFLICT REPLACE, tenant_id,"
        " email UNIQUE ON CONFLICT REPLACE)",
    )
    add_user(database, "u-1")
    add_user(database, "u-2")
    change = users.delete(engine, ["u-1"], actor="ops", now=NOW)
    add_user(database, "u-1", email="'other@acme.example'")
    before = content()
    with pytest.raises(ChangedSince, match="the record is there again"):
        writing.undo(engine, change, now=NOW)
    images = Images(engine)
    taken = images.changed(images.row("users", "u-1", "user"), {"email": "u-2@acme.example"}, NOW)
    with pytest.raises(AlreadyExists):
        writing.commit(engine, lambda _: Change("", (taken,), ()), now=NOW)
    assert content() == before


def test_what_the_file_fills_in_belongs_to_a_new_row(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator'")
    before = content()
    created = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert created.rows[0].after is not None
    assert created.rows[0].after["role"] == "operator"
    writing.undo(engine, created, now=NOW)
    assert content() == before
    created = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    execute(database, "UPDATE users SET role = 'admin'")
    with pytest.raises(ChangedSince, match="role of the record"):
        writing.undo(engine, created, now=NOW)


def test_a_column_that_must_have_a_value_does_not_stand_in_the_way_of_undo(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    loosen(database)
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id, email, role NOT NULL)",
    )
    with pytest.raises(InvalidInput, match=r"^role is missing\.$"):
        users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    user = add_user(database, role="'admin'")
    before = content()
    writing.undo(engine, users.delete(engine, [user], actor="ops", now=NOW), now=NOW)
    writing.undo(engine, users.rename(engine, user, "b@acme.example", actor="ops", now=NOW), now=NOW)
    assert content() == before


def test_an_act_goes_on_without_columns_that_it_does_not_need(
    engine: Database, database: LocalDatabase
) -> None:
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT, email TEXT)",
        "ALTER TABLE webhook_destinations DROP COLUMN secret",
        "ALTER TABLE notifications DROP COLUMN title",
    )
    user = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW).rows[0].key["id"]
    users.rename(engine, str(user), "b@acme.example", actor="ops", now=NOW)
    users.delete(engine, [str(user)], actor="ops", now=NOW)
    form = WebhookInput("CI", "https://hooks.acme.example/in")
    hook = webhooks.create(engine, "acme", form, actor="ops", now=NOW).rows[0].key["id"]
    webhooks.set_active(engine, [str(hook)], False, actor="ops", now=NOW)
    with pytest.raises(ColumnMissing, match=r"webhook_destinations\.secret"):
        webhooks.update(
            engine, str(hook), WebhookInput("CI", form.url, secret="whsec_1"), actor="ops", now=NOW
        )
    execute(
        database, "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES ('n', 'acme', 't', 1)"
    )
    notifications.mark(engine, ["n"], read=True, actor="ops", now=NOW)


def test_a_missing_table_or_column_is_named(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    execute(
        database,
        "DROP TABLE notifications",
        "DROP INDEX idx_users_email",
        "ALTER TABLE users DROP COLUMN email",
    )
    with pytest.raises(TableMissing, match="notifications"):
        notifications.mark(engine, ["n"], read=True, actor="ops", now=NOW)
    with pytest.raises(ColumnMissing, match=r"users\.email"):
        users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert events() == []


def test_undo_refuses_when_the_table_has_other_columns_by_now(
    engine: Database, database: LocalDatabase, content: Content
) -> None:
    created = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    execute(database, "ALTER TABLE users ADD COLUMN role TEXT")
    before = content()
    with pytest.raises(ChangedSince, match="the columns of users"):
        writing.undo(engine, created, now=NOW)
    assert content() == before


def test_a_time_is_kept_in_the_unit_that_the_file_keeps_it_in(
    engine: Database, database: LocalDatabase
) -> None:
    """The planning machine writes milliseconds."""
    execute(
        database,
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at)"
        " VALUES ('s', '', 'running', 1795000000, 1795000000),"
        " ('ms', '', 'running', 1795000000000, 1795000000000)",
    )
    statuses.set_status(engine, ["s", "ms"], RunStatus.PAUSED, actor="ops", now=NOW + 5)
    found = {row["id"]: row["updated_at"] for row in Images(engine).rows("planning_runs", ["s", "ms"])}
    assert found == {"s": NOW + 5, "ms": (NOW + 5) * 1000}


def test_names_are_found_as_sqlite_finds_them(engine: Database, database: LocalDatabase) -> None:
    execute(
        database,
        "DROP TABLE users",
        "CREATE TABLE Users (ID TEXT PRIMARY KEY, Tenant_Id TEXT, EMAIL TEXT)",
        "CREATE TABLE Notes (id TEXT, user_id TEXT REFERENCES USERS(Id) ON DELETE CASCADE)",
    )
    user = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW).rows[0].key["id"]
    execute(database, f"INSERT INTO notes VALUES ('n', '{user!s}')")
    change = users.delete(engine, [str(user)], actor="ops", now=NOW)
    assert change.tables == {"users", "Notes", "audit_chain"}


def test_tenants_are_told_apart_by_bytes_whatever_the_column_says(
    engine: Database, database: LocalDatabase, events: Events
) -> None:
    execute(
        database,
        "DROP TABLE webhook_destinations",
        "CREATE TABLE webhook_destinations (id TEXT PRIMARY KEY, tenant_id TEXT COLLATE NOCASE, name, url)",
    )
    tenants = ["ACME", "acme"]
    for name in tenants:
        users.create(engine, name, "ada@acme.example", actor="ops", now=NOW)
        execute(database, f"INSERT INTO webhook_destinations VALUES ('{name}', '{name}', 'CI', 'https://a')")
    webhooks.delete(engine, tenants, actor="ops", now=NOW)
    assert sorted(tenant for tenant, kind, _ in events() if kind == "webhook_deleted") == tenants
