"""Committing an act with its audit entry, or neither; and undoing it.

That a file is read-only, or locked by another program, is of a file alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.append import Event
from app.services.records import users
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.references import removal
from app.services.records.tables import USERS
from app.services.records.writing import commit, undo
from models.engine import Database
from models.errors import (
    AlreadyExists,
    ChangedSince,
    FileLocked,
    NotAllowed,
    ReadOnlyFile,
    Refused,
    RowChanged,
)
from models.local.database import LocalDatabase
from models.tables import AuditEntry, User
from tests.app.services.chain.test_append import NOW, assert_one_chain, rows_of
from tests.fixtures.connected import connected, execute
from tests.fixtures.window import ask

Plan = Callable[[Images], Change]

SECRET = "pbkdf2$100000$salt$wJalrXUtnFEMI"


def user(user_id: str = "u-1", **changes: Any) -> dict[str, Any]:
    row = {
        "id": user_id,
        "tenant_id": "acme-corp",
        "email": f"{user_id}@acme-corp.example",
        "password_hash": SECRET,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return {**row, **changes}


def creation(*ids: str) -> Plan:
    return lambda images: Change(
        summary=f"{len(ids)} users created",
        rows=tuple(images.new(USERS, user(user_id), NOW).added() for user_id in ids),
        events=tuple(Event("acme-corp", "user_created", {"actor": "ada", "id": user_id}) for user_id in ids),
        inverse_events=tuple(
            Event("acme-corp", "user_deleted", {"actor": "ada", "id": user_id}) for user_id in ids
        ),
    )


def changing(values: dict[str, Any], user_id: str = "u-1") -> Plan:
    event = Event("acme-corp", "user_updated", {"id": user_id, "changed": list(values)})
    return lambda images: Change(
        summary="1 user changed",
        rows=(images.changed(images.row("users", user_id, "user"), values, NOW),),
        events=(event,),
        inverse_events=(event,),
    )


def deletion(user_id: str = "u-1") -> Plan:
    return lambda images: Change(
        summary="1 user deleted",
        rows=removal(images, [images.row("users", user_id, "user")]).rows,
        events=(Event("acme-corp", "user_deleted", {"id": user_id}),),
        inverse_events=(Event("acme-corp", "user_restored", {"id": user_id}),),
    )


def stale(engine: Database, plan: Plan) -> Plan:
    """The change as it is planned now, whatever happens until it is committed."""
    change = plan(Images(engine))
    return lambda _: change


def users_of(path: Path) -> list[tuple[Any, ...]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    return list(connection.execute("SELECT * FROM users ORDER BY id"))


def event_types(path: Path) -> list[str]:
    return [row[2] for row in rows_of(path)]


def test_a_change_writes_its_rows_and_its_entry(engine: Database, database_path: Path) -> None:
    done = commit(engine, creation("u-1", "u-2"), now=NOW)
    assert [row[0] for row in users_of(database_path)] == ["u-1", "u-2"]
    assert event_types(database_path) == ["user_created", "user_created"]
    assert assert_one_chain(database_path, "acme-corp") == 2
    assert done.tables == {"users", "audit_chain"}
    assert [row.record_id for row in done.rows] == ["u-1", "u-2"]


def test_undo_puts_back_every_value_and_is_an_entry_of_its_own(engine: Database, database_path: Path) -> None:
    commit(engine, creation("u-1"), now=NOW)
    before = users_of(database_path)
    for change in (changing({"email": "ada@acme-corp.example"}), deletion()):
        undone = undo(engine, commit(engine, change, now=NOW + 1), now=NOW + 2)
        assert users_of(database_path) == before
        redone = undo(engine, undone, now=NOW + 3)
        assert users_of(database_path) != before
        undo(engine, redone, now=NOW + 4)
        assert users_of(database_path) == before
    assert assert_one_chain(database_path, "acme-corp") == 9


def test_a_batch_that_fails_leaves_rows_and_chain_as_they_were(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    commit(engine, creation("u-1", "u-2"), now=NOW)
    entries = rows_of(database_path)
    with pytest.raises(AlreadyExists):
        commit(engine, creation("u-3", "u-2"), now=NOW)
    for plan in (changing({"email": "new@acme-corp.example"}), deletion()):
        outdated = stale(engine, plan)
        sql.execute("UPDATE users SET email = email || 'x', password_hash = NULL")
        with pytest.raises(RowChanged):
            commit(engine, outdated, now=NOW)
    outdated = stale(engine, deletion("u-2"))
    sql.execute("DELETE FROM users WHERE id = 'u-2'")
    with pytest.raises(RowChanged):
        commit(engine, outdated, now=NOW)
    with pytest.raises(Refused):
        commit(engine, changing({"email": None}), now=NOW)
    assert [row[0] for row in users_of(database_path)] == ["u-1"]
    assert rows_of(database_path) == entries
    assert not sql.in_transaction
    commit(engine, creation("u-3"), now=NOW)  # and the connection still works
    assert assert_one_chain(database_path, "acme-corp") == 3


@pytest.mark.parametrize("table", ["users", "audit_chain"])
def test_nothing_is_written_to_a_table_with_a_trigger_whenever_that_came(
    engine: Database, database_path: Path, table: str
) -> None:
    commit(engine, creation("u-1"), now=NOW)
    execute(database_path, "CREATE TABLE log (of)")
    renamed = commit(engine, changing({"email": "b"}), now=NOW)
    late = stale(engine, deletion())
    execute(database_path, f"CREATE TRIGGER t AFTER INSERT ON {table} BEGIN INSERT INTO log VALUES (1); END")
    before = users_of(database_path)
    acts: tuple[Callable[[], Change], ...] = (
        lambda: commit(engine, late, now=NOW),
        lambda: commit(engine, changing({"email": "c"}), now=NOW),
        lambda: undo(engine, renamed, now=NOW),
    )
    for act in acts:
        with pytest.raises(NotAllowed, match=f"The table {table} has a trigger"):
            act()
    assert (users_of(database_path), event_types(database_path)[2:]) == (before, [])


def test_what_comes_to_refer_to_a_row_meanwhile_goes_along_and_comes_back(
    engine: Database, database_path: Path
) -> None:
    commit(engine, creation("u-1"), now=NOW)
    made = [
        "CREATE TABLE notes (of TEXT REFERENCES users (id) ON DELETE CASCADE)",
        "INSERT INTO notes VALUES ('u-1')",
    ]

    def plan(images: Images) -> Change:
        change: Change = users.delete.__wrapped__(images, ["u-1"], actor="ada", now=NOW)  # type: ignore[attr-defined]
        while made:
            execute(database_path, made.pop(0))
        return change

    change = commit(engine, plan, now=NOW)
    assert {table for table, *_ in change.touched()} == {"users", "notes"}
    undo(engine, change, now=NOW)
    assert ask(database_path, "SELECT of FROM notes") == [("u-1",)]


def test_undo_refuses_when_somebody_changed_the_row_since(engine: Database, database_path: Path) -> None:
    commit(engine, creation("u-1"), now=NOW)
    change = commit(engine, changing({"email": "ada@acme-corp.example"}), now=NOW)
    execute(database_path, "UPDATE users SET email = 'other@acme-corp.example'")
    entries = rows_of(database_path)
    with pytest.raises(ChangedSince, match=r"since: E-mail of the record\. Nothing was changed"):
        undo(engine, change, now=NOW)
    assert users_of(database_path)[0][2] == "other@acme-corp.example"
    assert rows_of(database_path) == entries


def test_undo_leaves_what_was_done_beside_it_since(engine: Database, sql: apsw.Connection) -> None:
    """An edit of another column lets it be, and so does its undo; the time is that of the undo."""
    first = users.create(engine, "acme", "a@x.example", actor="ops", now=NOW)
    sql.execute("ALTER TABLE users ADD COLUMN role TEXT")
    renamed = users.rename(engine, str(first.rows[0].record_id), "b@x.example", actor="ops", now=NOW + 1)
    sql.execute("UPDATE users SET role = 'admin', updated_at = ?", (NOW + 2,))
    look = "SELECT email, role, updated_at FROM users"
    undone = undo(engine, renamed, now=NOW + 3)
    assert [*sql.execute(look)] == [("a@x.example", "admin", NOW + 3)]
    undo(engine, undone, now=NOW + 4)
    assert [*sql.execute(look)] == [("b@x.example", "admin", NOW + 2)]
    sql.execute("UPDATE users SET email = 'c@x.example', updated_at = ?", (NOW + 5,))
    with pytest.raises(ChangedSince, match=r"since: E-mail, Updated of the record"):
        undo(engine, renamed, now=NOW + 6)
    sql.execute("UPDATE users SET email = 'b@x.example', created_at = ?", (NOW + 5,))  # made anew by its id
    with pytest.raises(ChangedSince, match=r"since: Created, Updated of the record"):
        undo(engine, renamed, now=NOW + 6)


def test_undo_is_refused_where_its_entry_would_call_a_record_by_another_name(
    engine: Database, sql: apsw.Connection
) -> None:
    first = users.create(engine, "acme", "a@x.example", actor="ops", now=NOW)
    sql.execute("UPDATE users SET password_hash = 'x'")
    gone = users.invalidate_passwords(engine, [str(first.rows[0].record_id)], actor="ops", now=NOW + 1)
    sql.execute("UPDATE users SET email = 'b@x.example', updated_at = ?", (NOW + 2,))
    with pytest.raises(ChangedSince):
        undo(engine, gone, now=NOW + 3)


def test_undo_refuses_what_has_become_another_tenants(engine: Database, database_path: Path) -> None:
    """Its entry would stand in the chain of the one that has it no more."""
    commit(engine, creation("u-1", "u-2"), now=NOW)
    changes = [commit(engine, changing({"email": "ada@acme-corp.example"}), now=NOW)]
    changes.append(undo(engine, changes[0], now=NOW))
    execute(database_path, "UPDATE users SET tenant_id = 'beta' WHERE id = 'u-1'")
    entries = rows_of(database_path)
    for change in changes:
        with pytest.raises(ChangedSince, match=r"since: Tenant.* of the record"):
            undo(engine, change, now=NOW)
    assert rows_of(database_path) == entries


@pytest.mark.parametrize("is_there_again", [False, True])
def test_nothing_comes_back_of_a_tenant_that_was_erased(
    engine: Database, database_path: Path, is_there_again: bool
) -> None:
    commit(engine, creation("u-1", "u-2"), now=NOW)
    change = commit(engine, deletion(), now=NOW)
    execute(database_path, "DELETE FROM users WHERE tenant_id = 'acme-corp'")
    execute(database_path, "UPDATE audit_chain SET event_type = 'audit_pruned' WHERE tenant_id = 'acme-corp'")
    if is_there_again:
        commit(engine, creation("u-3"), now=NOW)
    before = users_of(database_path), rows_of(database_path)
    for _ in range(2):
        with pytest.raises(NotAllowed, match=r"of acme-corp, which was erased since, or .*another line"):
            undo(engine, change, now=NOW)
    assert (users_of(database_path), rows_of(database_path)) == before


def test_a_change_meets_a_column_that_is_null_and_one_that_is_not(
    engine: Database, database_path: Path
) -> None:
    commit(engine, creation("u-1"), now=NOW)
    plan = stale(engine, changing({"password_hash": None}))
    change = commit(engine, plan, now=NOW)
    assert users_of(database_path)[0][3] is None
    with pytest.raises(RowChanged):  # the password is gone already, and NULL equals nothing
        commit(engine, plan, now=NOW)
    undo(engine, change, now=NOW)
    assert users_of(database_path)[0][3] == SECRET


def test_an_entry_appended_by_the_platform_in_between_is_continued(
    engine: Database, database_path: Path
) -> None:
    commit(engine, creation("u-1"), now=NOW)
    worker = LocalDatabase(database_path)
    with worker.connection_context():
        commit(worker, creation("u-2"), now=NOW)
    commit(engine, creation("u-3"), now=NOW)
    assert assert_one_chain(database_path, "acme-corp") == 3


def test_a_read_only_file_takes_nothing(database_path: Path) -> None:
    before = database_path.read_bytes()
    with connected(database_path, read_only=True) as database:
        with pytest.raises(ReadOnlyFile, match="open read-only; nothing was changed"):
            commit(database, creation("u-1"), now=NOW)
        database.read_only = False  # neither the attribute nor the pragma is what protects the file
        database.connection().pragma("query_only", 0)
        with pytest.raises(ReadOnlyFile):
            commit(database, creation("u-1"), now=NOW)
    assert database_path.read_bytes() == before


def test_a_locked_file_names_the_sentence_and_changes_nothing(
    database: LocalDatabase, database_path: Path
) -> None:
    other = apsw.Connection(str(database_path))
    other.execute("BEGIN IMMEDIATE")
    statements = [row.statement() for row in creation("u-1")(Images(database)).rows]
    database.connection().set_busy_timeout(10)
    with pytest.raises(FileLocked, match="nothing was changed"):  # cancelling ends the wait at once
        database.run_batch(statements, cancelled=lambda: True)
    other.execute("ROLLBACK")
    database.run_batch(statements)
    assert len(users_of(database_path)) == 1


def test_no_secret_shows_in_what_a_change_says_of_itself(engine: Database) -> None:
    commit(engine, creation("u-1"), now=NOW)
    row = Images(engine).row("users", "u-1", "user")
    change = commit(engine, deletion(), now=NOW)
    assert row["password_hash"] == SECRET
    for said in (row, change, change.inverse(), change.rows, change.rows[0].statement(), change.events):
        assert SECRET not in repr(said)


def test_the_statement_of_an_error_does_not_show_the_values(engine: Database) -> None:
    commit(engine, creation("u-1"), now=NOW)
    with pytest.raises(AlreadyExists) as caught:
        commit(engine, creation("u-1"), now=NOW)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {error} {getattr(error, '__notes__', '')}"
        error = error.__cause__ or error.__context__


def test_a_change_without_an_event_is_possible_and_leaves_the_chains_alone(engine: Database) -> None:
    commit(engine, lambda images: Change("", creation("u-1")(images).rows, ()), now=NOW)
    assert engine.scalar(User.select(User.id).tuples()) == "u-1"
    assert engine.rows(AuditEntry.select(AuditEntry.seq).tuples()) == []
