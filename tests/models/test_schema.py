"""What a file holds, compared with what is expected; and what only pretends."""

from pathlib import Path

import apsw
import pytest
from peewee import RawQuery

from models.engine import Database, raw
from models.errors import ColumnMissing
from models.local.database import LocalDatabase
from models.schema import Schema, StoredTables, expected_columns, find_tenants, inspect, read_stored
from tests.fixtures.connected import connected, execute


def altered(engine: Database, path: Path, *statements: str) -> Schema:
    """What the engine finds once somebody else has made this of the file at `path`."""
    execute(path, *statements)
    return inspect(engine)


def inspected(path: Path) -> Schema:
    with connected(path, read_only=True) as database:
        return inspect(database)


def test_a_migrated_file_matches(engine: Database) -> None:
    schema = inspect(engine)
    assert schema.matches
    assert schema.recognised
    assert {table: schema.columns[table] for table in expected_columns()} == expected_columns()
    assert (schema.extra_tables, schema.extra_columns, schema.impostors) == ((), {}, ())


def test_differences_are_named(engine: Database, database_path: Path) -> None:
    schema = altered(
        engine,
        database_path,
        "DROP TABLE notifications",
        "ALTER TABLE users ADD COLUMN nickname TEXT",
        "ALTER TABLE planning_runs DROP COLUMN config",
        "CREATE TABLE invoices (id TEXT)",
    )
    assert schema.missing_tables == ("notifications",)
    assert schema.missing_columns == {"planning_runs": ("config",)}
    assert schema.extra_columns == {"users": ("nickname",)}
    assert schema.extra_tables == ("invoices",)
    assert not schema.matches
    assert schema.recognised


def test_a_table_of_d1_s_own_is_none_of_the_database_s(database_path: Path) -> None:
    """In a file alone: a live database lets nobody make one, and tells of its own."""
    execute(database_path, "CREATE TABLE _cf_KV (key TEXT)")
    assert inspected(database_path).extra_tables == ()


def test_a_file_of_something_else_is_not_recognised(tmp_path: Path) -> None:
    execute(tmp_path / "other.sqlite", "CREATE TABLE moz_places (id INTEGER)")
    schema = inspected(tmp_path / "other.sqlite")
    assert not schema.recognised and schema.foreign
    assert set(schema.missing_tables) == set(expected_columns())


def test_a_common_name_makes_no_file_the_platforms(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    execute(path, "CREATE TABLE users (id INTEGER, nick TEXT)")
    assert inspected(path).foreign and inspected(path).own_tables == ("users",)
    execute(path, "ALTER TABLE users ADD COLUMN email TEXT")
    execute(path, "ALTER TABLE users ADD COLUMN tenant_id TEXT")
    assert not inspected(path).foreign


def test_a_file_of_views_alone_is_another_programs(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    execute(path, "CREATE VIEW v AS SELECT 1 AS one")
    assert inspected(path).foreign and inspected(path).views == ("v",)
    execute(path, "DROP VIEW v")
    assert not inspected(path).foreign, "it is empty now"


def test_names_are_compared_as_sqlite_compares_them(engine: Database, database_path: Path) -> None:
    schema = altered(
        engine,
        database_path,
        "DROP TABLE users",
        "CREATE TABLE USERS (ID TEXT PRIMARY KEY, Tenant_Id TEXT, EMAIL TEXT, password_hash TEXT,"
        " created_at INTEGER, updated_at INTEGER)",
    )
    known = ("id", "tenant_id", "email", "password_hash", "created_at", "updated_at")
    assert schema.columns["users"] == known
    assert "users" not in schema.missing_tables
    assert schema.extra_tables == ()


@pytest.mark.parametrize(
    ("statements", "impostor"),
    [
        (("ALTER TABLE users RENAME TO people", "CREATE VIEW users AS SELECT * FROM people"), "view users"),
        (("ALTER TABLE users RENAME TO people", "CREATE VIEW Users AS SELECT * FROM people"), "view Users"),
        (("DROP TABLE users", "CREATE VIRTUAL TABLE users USING fts5(id, email)"), "virtual table users"),
        (("CREATE TRIGGER spy AFTER DELETE ON users BEGIN DELETE FROM audit_chain; END",), "trigger spy"),
        (("CREATE TRIGGER spy AFTER INSERT ON AUDIT_CHAIN BEGIN DELETE FROM users; END",), "trigger spy"),
    ],
)
def test_what_stands_in_for_a_table_is_found(
    engine: Database, database_path: Path, statements: tuple[str, ...], impostor: str
) -> None:
    schema = altered(engine, database_path, *statements)
    assert schema.impostors == (impostor,)
    assert ("users" in schema.missing_tables) == ("users" in impostor.lower())


def test_views_and_triggers_elsewhere_are_nobody_s_business(engine: Database, database_path: Path) -> None:
    schema = altered(
        engine,
        database_path,
        "CREATE TABLE invoices (id TEXT)",
        "CREATE VIEW recent AS SELECT * FROM users",
        "CREATE TRIGGER t AFTER INSERT ON invoices BEGIN DELETE FROM invoices; END",
    )
    assert schema.impostors == ()


def test_a_virtual_table_of_an_unknown_module_does_not_keep_the_file_from_opening(
    database_path: Path,
) -> None:
    connection = apsw.Connection(str(database_path))
    connection.pragma("writable_schema", 1)
    connection.execute(
        "INSERT INTO sqlite_master VALUES"
        " ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING geo(x)')"
    ).fetchall()
    connection.close()
    schema = inspected(database_path)
    assert schema.extra_tables == ("places",)
    assert schema.columns["places"] == ()
    assert schema.matches


def test_what_is_asked_follows_the_tables_as_they_are_by_now(
    engine: Database, database: LocalDatabase
) -> None:
    """As they were read last is good enough to ask with, never to answer with."""

    def columns(tables: StoredTables) -> list[RawQuery]:
        return [raw(f"SELECT 'x', {', '.join(tables['users'].columns)} FROM users")]

    def read() -> tuple[int, int]:
        tables, (rows,) = read_stored(engine, columns)
        return len(tables["users"].columns), len(rows[0]) - 1

    execute = database.connection().execute
    execute("INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES ('u-1', 't', '', 1, 2)")
    ours = len(expected_columns()["users"])
    assert read() == read() == (ours, ours)
    execute("ALTER TABLE users ADD COLUMN nickname TEXT")
    assert read() == (ours + 1, ours + 1)
    execute("ALTER TABLE users DROP COLUMN password_hash")
    assert read() == (ours, ours)
    with pytest.raises(ColumnMissing):
        read_stored(engine, lambda tables: [raw("SELECT users.absent FROM users")])
    execute("ALTER TABLE users RENAME TO people")
    assert "users" not in read_stored(engine)[0]


@pytest.mark.parametrize(
    ("made", "key", "rowids"),
    [
        ("id TEXT PRIMARY KEY", ["id"], ("rowid", "rowid")),
        ("id, RowId, OID", ["_rowid_"], ("_rowid_", None)),
        ("id INT PRIMARY KEY, rowid AS (1), oid", ["id"], ("_rowid_", "_rowid_")),
        ("id INTEGER PRIMARY KEY, rowid, oid, _rowid_", ["id"], ("id", None)),
        ("rowid INTEGER, id, PRIMARY KEY (rowid DESC)", ["rowid"], ("rowid", None)),
        ("id INTEGER PRIMARY KEY DESC", ["id"], ("rowid", "rowid")),
        ("id TEXT PRIMARY KEY, rowid, oid, _rowid_", ["id"], (None, None)),
        ("id, rowid, oid, _rowid_", [], (None, None)),
        ("id, b, PRIMARY KEY (b, id)", ["b", "id"], ("rowid", "rowid")),
    ],
)
def test_what_tells_rows_apart(
    engine: Database,
    database: LocalDatabase,
    made: str,
    key: list[str],
    rowids: tuple[str | None, str | None],
) -> None:
    rowid, place = rowids
    database.connection().execute(f"CREATE TABLE t ({made})")
    table = read_stored(engine)[0]["t"]
    assert ([*table.key], table.rowid, table.row_key, table.hidden_rowid) == (key, rowid, rowid, place)
    if "PRIMARY" in made:
        database.connection().execute(f"DROP TABLE t; CREATE TABLE t ({made}) WITHOUT ROWID")
        table = read_stored(engine)[0]["t"]
        only = key[0] if len(key) == 1 else None
        assert ([*table.key], table.rowid, table.row_key, table.hidden_rowid) == (key, None, only, None)


def test_tenants_are_told_alike_with_and_without_an_index(engine: Database, database: LocalDatabase) -> None:
    connection = database.connection()
    insert = (
        "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, previous_hash, hash, created_at)"
        " VALUES (?, ?, 'e', '{}', 'p', ?, 1)"
    )
    for seq, tenant in enumerate(["b", "a", b"a", "b", "Ärzte"], 1):
        connection.execute(insert, (seq, tenant, f"h{seq}")).fetchall()
    found = []
    for change in ("", "DROP INDEX idx_audit_tenant"):
        connection.execute(change).fetchall()
        found.append(find_tenants(engine, ["audit_chain"]))
    texts = [(name.encode(), "text") for name in ("a", "b", "Ärzte")]
    assert found == [[*texts, (b"a", "blob")]] * 2


def test_tenants_are_told_apart_by_their_bytes(engine: Database, database: LocalDatabase) -> None:
    database.connection().execute(
        "DROP TABLE users; CREATE TABLE users (id, tenant_id TEXT COLLATE NOCASE);"
        "CREATE INDEX of_tenant ON users (tenant_id); INSERT INTO users VALUES (1, 'acme'), (2, 'ACME')"
    )
    assert find_tenants(engine, ["users"]) == [(b"ACME", "text"), (b"acme", "text")]
