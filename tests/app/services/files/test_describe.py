"""What a file holds, as the command line says it; and its tenants, fast."""

import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.append import Event
from app.services.files.describe import OpenedFile, rows
from app.services.files.opening import open_database
from app.services.opened import tenants
from app.services.records.change import Change
from app.services.records.writing import commit
from models.local.database import LocalDatabase
from models.tables import TABLES
from tests.app.services.records.test_writing import creation
from tests.conftest import MIGRATIONS, NOW
from tests.fixtures.connected import connected, doctor_index, execute
from tests.fixtures.inserting import INTO_USERS, OF_AUDIT_CHAIN

PLANNING = "0003_planning.sql"


def told(path: Path, **options: bool) -> OpenedFile:
    opened = open_database(path, **options)
    with opened.database.connection_context():
        return opened.with_counts()


def tenants_of(path: Path) -> tuple[str, ...]:
    with connected(path, read_only=True) as database:
        return tenants(database)


@pytest.mark.slow
def test_the_json_is_the_documented_one(database: LocalDatabase, database_path: Path) -> None:
    commit(database, creation("u-1", "u-2"), now=NOW)
    rows = {model._meta.table_name: {"rows": 0} for model in TABLES}
    expected: dict[str, Any] = {
        "path": str(database_path),
        "readOnly": False,
        "journalMode": "wal",
        "tables": {**rows, "users": {"rows": 2}, "audit_chain": {"rows": 2}},
        "tenants": ["acme-corp"],
        "schema": {"missingTables": [], "missingColumns": {}, "extraTables": [], "extraColumns": {}},
        "migrations": {"applied": list(MIGRATIONS), "pending": [], "unknown": [], "refused": None},
    }
    for options in ({}, {"read_only": True}):  # how it is looked at does not change what it is
        assert json.loads(json.dumps(told(database_path, **options).to_json())) == expected


def test_what_differs_is_in_the_json_and_in_the_words(database_path: Path) -> None:
    execute(
        database_path,
        "DROP TABLE notifications",
        "ALTER TABLE users ADD COLUMN nickname TEXT",
        "ALTER TABLE planning_runs DROP COLUMN config",
        'CREATE TABLE "in""voices" (id TEXT)',
        "INSERT INTO d1_migrations (name) VALUES ('0009_future.sql')",
        f"DELETE FROM d1_migrations WHERE name >= '{PLANNING}' AND name <> '0009_future.sql'",
        "CREATE TRIGGER spy AFTER DELETE ON users BEGIN DELETE FROM audit_chain; END",
    )
    found = told(database_path)
    document = found.to_json()
    assert document["readOnly"] is True
    assert document["schema"] == {
        "missingTables": ["notifications"],
        "missingColumns": {"planning_runs": ["config"]},
        "extraTables": ['in"voices'],
        "extraColumns": {"users": ["nickname"]},
    }
    assert "planning_runs differently" in document["migrations"].pop("refused")
    assert document["migrations"] == {
        "applied": list(MIGRATIONS[: MIGRATIONS.index(PLANNING)]),
        "pending": list(MIGRATIONS[MIGRATIONS.index(PLANNING) :]),
        "unknown": ["0009_future.sql"],
    }
    assert document["tables"]['in"voices'] == {"rows": 0}
    assert "notifications" not in document["tables"]
    assert "d1_migrations" not in document["tables"]
    words = "\n".join(found.lines())
    for part in (
        "journal mode wal, read-only, because it holds trigger spy",
        "users: 0 rows",
        "missing table: notifications",
        "missing column: planning_runs.config",
        "extra column: users.nickname",
        f"migration that cannot be applied: {MIGRATIONS[-1]}",
        "migration unknown to this program: 0009_future.sql",
        "tenants (0): none",
    ):
        assert part in words


def test_what_can_be_applied_is_told_from_what_cannot(database_path: Path) -> None:
    execute(
        database_path,
        "DROP TABLE notifications",
        "DELETE FROM d1_migrations WHERE name = '0002_notifications.sql'",
    )
    found = told(database_path)
    assert (found.can_migrate, found.migrations.refused) == (True, None)
    assert "migration to apply: 0002_notifications.sql" in found.lines()

    execute(database_path, "CREATE TABLE notifications (other)")
    found = told(database_path)
    assert not found.can_migrate
    assert "migration that cannot be applied: 0002_notifications.sql" in found.lines()


@pytest.mark.parametrize("ledger", ["VIEW d1_migrations AS SELECT 1 AS name", "TABLE d1_migrations (name)"])
def test_a_ledger_that_is_not_wranglers_hides_nothing_else(database_path: Path, ledger: str) -> None:
    execute(database_path, "DROP TABLE d1_migrations", f"CREATE {ledger}")
    found = told(database_path)
    assert not found.can_migrate
    kind = ledger.split(maxsplit=1)[0].lower()
    reason = f"has a {kind} d1_migrations that is not wrangler's record of migrations"
    assert reason in str(found.to_json()["migrations"]["refused"])
    assert reason in "\n".join(found.lines())
    assert found.to_json()["tables"]["users"] == {"rows": 0}


def test_a_table_that_cannot_be_read_here_is_said(database_path: Path) -> None:
    connection = apsw.Connection(str(database_path))
    connection.pragma("writable_schema", 1)
    connection.execute(
        "INSERT INTO sqlite_master VALUES"
        " ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING geo(x)')"
    ).fetchall()
    connection.close()
    found = told(database_path)
    assert found.to_json()["tables"]["places"] == {"rows": None}
    assert "places: cannot be read" in "\n".join(found.lines())


def test_tenants_come_from_every_table_that_has_them(database: LocalDatabase, database_path: Path) -> None:
    commit(database, creation("u-1", "u-2"), now=NOW)
    events = tuple(Event(name, "settings_changed", {}) for name in ("system", "Ärzte", "acme-corp"))
    commit(database, lambda _: Change("", (), events), now=NOW)
    execute(
        database_path,
        "INSERT INTO webhook_destinations (id, tenant_id, hostname, url, created_at, updated_at)"
        " VALUES ('w', 'hooks-only', 'h', 'u', 1, 1)",
        "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES ('n', '', 't', 1)",
    )
    assert tenants_of(database_path) == ("", "acme-corp", "hooks-only", "system", "Ärzte")


def test_missing_tables_columns_and_indexes_are_passed_over(
    database: LocalDatabase, database_path: Path
) -> None:
    commit(database, creation("u-1"), now=NOW)
    execute(
        database_path,
        "DROP INDEX idx_audit_tenant",
        "CREATE INDEX some ON audit_chain(tenant_id) WHERE seq > 100",  # serves only a part
        "DROP TABLE webhook_destinations",
        "DROP INDEX idx_notifications_tenant",
        "ALTER TABLE notifications DROP COLUMN tenant_id",
    )
    assert tenants_of(database_path) == ("acme-corp",)
    execute(database_path, "DROP TABLE users", "DROP TABLE audit_chain")
    assert tenants_of(database_path) == ()


def test_odd_values_of_a_tenant_do_not_stop_the_list(database_path: Path) -> None:
    execute(
        database_path,
        INTO_USERS + "('1', CAST(x'6fff' AS TEXT), 'e', NULL, 1, 1)",
        INTO_USERS + "('2', x'626c6f62', 'e', NULL, 1, 1)",
        INTO_USERS + "('3', 42, 'e', NULL, 1, 1)",
        INTO_USERS + "('4', 'z', 'e', NULL, 1, 1)",
    )
    assert tenants_of(database_path) == ("42", "blob", "o\ufffd", "z")
    execute(database_path, "DROP INDEX idx_users_tenant")
    assert tenants_of(database_path) == ("42", "blob", "o\ufffd", "z")


@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_the_list_of_tenants_does_not_read_the_rows(database_path: Path, rows: int) -> None:
    """Counted in SQLite's own steps: ten times the rows may cost no more."""
    execute(
        database_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT"
        f" {rows}) INSERT INTO {OF_AUDIT_CHAIN}"
        " SELECT i, 'tenant-' || (i % 7), 't', '{}', 'p', 'h', 1 FROM n",
    )
    database = LocalDatabase(database_path, read_only=True)
    steps: list[int] = []

    def count() -> bool:
        steps.append(1)
        return False

    with database.connection_context():
        database.connection().set_progress_handler(count, 100)
        assert len(tenants(database)) == 7
    assert len(steps) < 20  # of a hundred each; reading 2,000 rows alone takes more


def test_what_is_read_of_an_opened_file_is_of_one_moment(database_path: Path) -> None:
    opened = open_database(database_path)
    with opened.database.connection_context(), opened.database.snapshot():
        before = rows(opened.database, opened.schema)
        execute(database_path, INTO_USERS + "('1', 'late', 'e', NULL, 1, 1)")
        assert rows(opened.database, opened.schema) == before
        assert tenants(opened.database) == opened.tenants == ()
    with opened.database.connection_context():
        assert opened.with_counts().tenants == ("late",)


def test_rows_that_an_index_hides_are_counted(database_path: Path) -> None:
    execute(
        database_path,
        *(
            f"INSERT INTO notifications(id, tenant_id, type, created_at) VALUES ('{n}', 'a', 'x', 1)"
            for n in range(3)
        ),
    )
    made = "CREATE INDEX hides ON notifications(tenant_id)"
    doctor_index(database_path, f"{made} WHERE id = '1'", made)
    assert (told(database_path).rows or {})["notifications"] == 3
