"""A record as it may be shown, whatever the file holds in it."""

from pathlib import Path

import apsw
import pytest

from app.services.records.record import each_again, read_record, read_record_with
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_RUNS, USERS
from models.engine import Database
from models.errors import NotFound, TableMissing
from models.local.database import LocalDatabase
from tests.app.services.runs.test_run_compare import add_run
from tests.fixtures.connected import connected, execute


@pytest.fixture
def user(sql: apsw.Connection) -> str:
    sql.execute(
        "INSERT INTO users (id, tenant_id, email, password_hash, created_at, updated_at)"
        " VALUES ('u-1', 'acme', 'ada@acme.example', 'pbkdf2$hidden', 1, 2)"
    )
    return "u-1"


def test_a_secret_is_only_known_to_be_there(engine: Database, sql: apsw.Connection, user: str) -> None:
    found = read_record(engine, USERS, user)
    assert found["has_password"] is True
    assert "pbkdf2" not in repr(found) + repr(found.values) + repr(found.unknown)
    sql.execute("ALTER TABLE users ADD COLUMN apiToken DEFAULT 'hidden'")
    assert read_record(engine, USERS, user).unknown == {"apiToken": "set"}
    sql.execute("UPDATE users SET password_hash = '', apiToken = ''")
    assert read_record(engine, USERS, user).unknown == {"apiToken": "none"}
    assert read_record(engine, USERS, user)["has_password"] is False


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("'ada'", "ada"),
        ("CAST(x'ff61' AS TEXT)", "�a"),
        ("x'00ff'", "x'00ff'"),
        ("'a' || char(0) || 'b'", "a\0b"),
        ("''", ""),
    ],
)
def test_any_value_can_be_shown(
    engine: Database, sql: apsw.Connection, user: str, stored: str, shown: object
) -> None:
    sql.execute(f"UPDATE users SET email = {stored}, updated_at = {stored}")
    found = read_record(engine, USERS, user)
    assert (found["email"], found["updated_at"]) == (shown, shown)


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_text_of_a_file_in_utf_16_reads_as_the_list_reads_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide.sqlite"
    execute(
        path,
        f"PRAGMA encoding = '{encoding}'",
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, role TEXT) WITHOUT ROWID",
        "INSERT INTO users VALUES ('u-é', 'zgé€😀', 'a' || char(0) || 'b')",
        "INSERT INTO users VALUES ('u-2', CAST(x'00d8' AS TEXT), x'ff')",
    )
    with connected(path, read_only=True) as wide:
        found = read_record(wide, USERS, "u-é")
        assert (found["id"], found["email"], found.unknown["role"]) == ("u-é", "zgé€😀", "a\0b")
        assert read_record(wide, USERS, "u-2").unknown["role"] == "x'ff'"


def test_numbers_keep_their_type(engine: Database, sql: apsw.Connection, user: str) -> None:
    for stored in (2**63 - 1, 1.5, None):
        sql.execute("UPDATE users SET email = 'x', created_at = ifnull(?, 0)", (stored,))
        assert read_record(engine, USERS, user)["created_at"] == (stored or 0)


def test_columns_that_nobody_declared_are_there_by_their_own_names(
    engine: Database, sql: apsw.Connection, user: str
) -> None:
    sql.execute("ALTER TABLE users ADD COLUMN Role TEXT NOT NULL DEFAULT 'operator'")
    sql.execute("ALTER TABLE users ADD COLUMN badge BLOB")
    sql.execute("UPDATE users SET badge = x'01'")
    found = read_record(engine, USERS, user)
    assert dict(found.unknown) == {"Role": "operator", "badge": "x'01'"}
    assert found.missing == frozenset()
    assert "operator" not in repr(found)


def test_columns_that_are_missing_are_named_and_the_rest_is_there(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sqlite"
    execute(
        path,
        "CREATE TABLE users (id TEXT, Tenant_Id TEXT, EMAIL TEXT, created_at INTEGER)",
        "INSERT INTO users (id, tenant_id, email, created_at) VALUES ('u', 'acme', 'ada', 7)",
    )
    with connected(path, read_only=True) as database:
        found = read_record(database, USERS, "u")
        assert found.missing >= {"has_password", "updated_at"}
        assert found.missing.isdisjoint({"id", "tenant_id", "email", "created_at"})
        assert (found["tenant_id"], found["email"], found["created_at"]) == ("acme", "ada", 7)
        assert found["has_password"] is None and found.unknown == {}
        with pytest.raises(TableMissing, match="planning_runs"):
            read_record(database, PLANNING_RUNS, "r")


def test_what_is_gone_is_said(engine: Database) -> None:
    with pytest.raises(NotFound, match="The user is no longer there"):
        read_record(engine, USERS, "nobody")


@pytest.mark.slow
def test_a_record_can_be_read_with_those_that_name_it(engine: Database, sql: apsw.Connection) -> None:
    for name in ("a", "b"):
        sql.execute(
            "INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES (?, 'Tea', 1, 1)", (name,)
        )
        sql.execute(
            "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at)"
            " VALUES ('of ' || ?1, ?1, 'synthesis', 'text', 1)",
            (name,),
        )
    run, artifacts = read_record_with(engine, PLANNING_RUNS, "b", PLANNING_ARTIFACTS, "run_id")
    assert run["id"] == "b" and artifacts is not None
    assert [(one["id"], one["length"], one["content"]) for one in artifacts] == [("of b", 4, None)]
    sql.execute("DROP TABLE planning_artifacts")
    assert read_record_with(engine, PLANNING_RUNS, "b", PLANNING_ARTIFACTS, "run_id")[1] is None


def test_many_are_read_again_together_as_each_is_alone(database: LocalDatabase) -> None:
    add_run(database, "r", "An idea", at=1)
    columns = "id, run_id, phase, version, content, created_at"
    insert = f"INSERT INTO planning_artifacts ({columns}) VALUES (?, 'r', 'p', ?, ?, 1)"
    keys: list[object] = ["a", "A", "1", b"1", "\0", None, None, *(f"more {number}" for number in range(150))]
    for number, key in enumerate(keys):
        text = "long " * (400_000 if number % 70 == 3 else 1)
        database.connection().execute(insert, (key, number, f"{number} {text}"))
    _, listed = read_record_with(database, PLANNING_RUNS, "r", PLANNING_ARTIFACTS, "run_id")
    assert listed is not None and len(listed) == len(keys)
    database.connection().execute("DELETE FROM planning_artifacts WHERE id = 'more 7'")
    for known, again in zip(listed, each_again(database, listed), strict=True):
        if known["id"] == "more 7":
            assert again is None
        else:
            assert again is not None and again.text("content").startswith(f"{known['version']} long ")
