"""What goes along with a deleted row is named, counted, written by guards and put back."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.services.records import references, users, writing
from app.services.records.change import Change
from app.services.records.images import Images
from models.engine import Database
from models.errors import (
    ChangedSince,
    InvalidInput,
    NotAllowed,
    NotFound,
    ReferredByChange,
    Refused,
    RowChanged,
    StillReferred,
)
from models.local.database import LocalDatabase
from tests.app.services.conftest import Events
from tests.app.services.records.test_images import Content, add_user, content, execute
from tests.conftest import NOW
from tests.fixtures.gateway import create_gateway

__all__ = ["content"]

REVIEWS = (
    "CREATE TABLE operator_reviews (id INTEGER PRIMARY KEY, operator_id TEXT NOT NULL"
    " REFERENCES users(id) ON DELETE CASCADE, note)",
    "INSERT INTO operator_reviews VALUES (1, 'u-1', 'good'), (2, 'u-2', x'00'), (3, 'u-1', 1.5)",
)
ANSWERS = (
    "CREATE TABLE answers (review_id INTEGER REFERENCES operator_reviews ON DELETE CASCADE, text)",
    "INSERT INTO answers VALUES (1, 'thanks'), (1, 'thanks'), (2, NULL)",
)
ESCALATIONS = (
    "CREATE TABLE escalations (id TEXT PRIMARY KEY, note TEXT,"
    " to_supervisor_id TEXT REFERENCES users(id) ON DELETE SET NULL)",
    "INSERT INTO escalations VALUES ('e-1', 'late', 'u-1'), ('e-2', 'none', NULL)",
)


@pytest.fixture
def people(engine: Database, database: LocalDatabase) -> Database:
    for number in (1, 2, 3):
        add_user(database, f"u-{number}", created_at="1", updated_at="1")
    return engine


def delete(engine: Database, *ids: str) -> Change:
    return users.delete(engine, ids, actor="ops", now=NOW)


def test_rows_that_go_or_change_along_are_counted_and_come_back(
    people: Database, database: LocalDatabase, content: Content, events: Events
) -> None:
    execute(database, *REVIEWS, *ANSWERS, *ESCALATIONS)
    before = content()
    looked_at = writing.preview(users.delete, people, ["u-1", "u-2"], actor="ops", now=NOW).change
    assert (content(), events()) == (before, [])
    change = delete(people, "u-1", "u-2")
    assert looked_at.along and change.summary == f"2 users deleted{looked_at.along}"
    assert change.summary == (
        "2 users deleted, with 3 rows of answers and 3 rows of operator_reviews,"
        " changing 1 row of escalations"
    )
    assert {table: len(rows) for table, rows in content().items() if table in change.tables} == {
        "users": 1,
        "operator_reviews": 0,
        "answers": 0,
        "escalations": 2,
    }
    assert [payload for _, _, payload in events()] == [
        {
            "actor": "ops",
            "userId": "u-1",
            "email": "u-1@acme.example",
            "alsoDeleted": {"operator_reviews": 2, "answers": 2},
            "alsoChanged": {"escalations": 1},
        },
        {
            "actor": "ops",
            "userId": "u-2",
            "email": "u-2@acme.example",
            "alsoDeleted": {"operator_reviews": 1, "answers": 1},
        },
    ]
    assert {row.record_id for row in change.rows if row.table == "operator_reviews"} == {1, 2, 3}
    undone = writing.undo(people, change, now=NOW)
    assert content() == before
    assert [payload.get("alsoRestored") for _, _, payload in events()[2:]] == [
        {"operator_reviews": 2, "answers": 2, "escalations": 1},
        {"operator_reviews": 1, "answers": 1},
    ]
    writing.undo(people, writing.undo(people, undone, now=NOW), now=NOW)
    assert content() == before


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
@pytest.mark.parametrize("key", ["id TEXT PRIMARY KEY, part", "id TEXT, part, PRIMARY KEY (id, part)"])
def test_rows_whose_key_is_null_are_told_by_their_rowids(
    people: Database, database: LocalDatabase, content: Content, action: str, key: str
) -> None:
    """SQLite lets any number of rows have it, also such as are alike in everything else."""
    made = key.replace("part,", f"part, user_id TEXT REFERENCES users(id) ON DELETE {action},")
    made += "" if "part," in key else f", user_id TEXT REFERENCES users(id) ON DELETE {action}"
    rows = "(NULL, 1, 'u-1'), (NULL, 1, 'u-1'), (NULL, 2, 'u-2'), ('a', NULL, 'u-2'), (NULL, 1, 'u-3')"
    columns = "(id, part, user_id)"
    execute(database, f"CREATE TABLE notes ({made})", f"INSERT INTO notes {columns} VALUES {rows}")
    before = content()
    change = delete(people, "u-1", "u-2")
    assert "4 rows of notes" in change.summary
    undone = writing.undo(people, change, now=NOW)
    assert content() == before
    writing.undo(people, writing.undo(people, undone, now=NOW), now=NOW)
    assert content() == before


def test_rows_whose_key_is_null_are_held_against_what_they_refer_to(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE notes (id TEXT PRIMARY KEY, by TEXT REFERENCES users ON DELETE CASCADE,"
        " room TEXT REFERENCES rooms)",
        "CREATE TABLE rooms (name TEXT PRIMARY KEY)",
        "INSERT INTO notes VALUES (NULL, 'u-1', 'attic'), (NULL, 'u-2', NULL)",
        "PRAGMA foreign_keys = ON",
    )
    before = content()
    with pytest.raises(NotAllowed, match=r"row of notes .* refers to a row of rooms that is not there"):
        delete(people, "u-1")
    assert content() == before
    writing.undo(people, delete(people, "u-2"), now=NOW)
    assert content() == before


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_what_refers_is_told_by_the_collation_of_the_parent(
    people: Database, database: LocalDatabase, content: Content, action: str
) -> None:
    """Of a child that ignores case, SQLite takes only the rows that name the very user."""
    execute(
        database,
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id TEXT COLLATE NOCASE"
        f" REFERENCES users(id) ON DELETE {action})",
        "INSERT INTO notes VALUES (1, 'U-1'), (2, 'u-1'), (3, 'u-2')",
        "PRAGMA foreign_keys = ON",
    )
    before = content()
    change = delete(people, "u-1", "u-2")
    left = "SELECT group_concat(id || coalesce(user_id, '-')) FROM notes"
    assert database.connection().execute(left).get == ("1U-1" if action == "CASCADE" else "1U-1,2-,3-")
    assert change.events[0].payload["alsoDeleted" if action == "CASCADE" else "alsoChanged"] == {"notes": 1}
    writing.undo(people, change, now=NOW)
    assert content() == before


def test_a_parent_that_ignores_case_is_found_by_a_child_that_does_not(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE TABLE teams (name TEXT COLLATE NOCASE PRIMARY KEY,"
        " lead TEXT REFERENCES users(id) ON DELETE CASCADE)",
        "CREATE TABLE seats (id INTEGER PRIMARY KEY, team TEXT COLLATE BINARY"
        " REFERENCES teams ON DELETE CASCADE)",
        "INSERT INTO teams VALUES ('Core', 'u-1')",
        "INSERT INTO seats VALUES (1, 'CORE'), (2, 'core')",
    )
    before = content()
    change = delete(people, "u-1")
    assert change.summary.endswith("with 2 rows of seats and 1 row of teams")
    writing.undo(people, change, now=NOW)
    assert content() == before


def test_rows_that_nothing_tells_apart_are_refused_by_the_table_s_name(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE TABLE odd (rowid TEXT, oid TEXT, _rowid_ TEXT,"
        " user_id TEXT REFERENCES users(id) ON DELETE CASCADE)",
        "INSERT INTO odd VALUES ('q', 'w', 'e', 'u-1'), ('q', 'w', 'e', 'u-1')",
    )
    before = content()
    with pytest.raises(NotAllowed, match=r"Rows of odd .* nothing tells them apart"):
        delete(people, "u-1")
    assert content() == before
    delete(people, "u-2")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (
            "CREATE TABLE odd (a, b AS (a) STORED REFERENCES users ON DELETE SET NULL)",
            'cannot UPDATE generated column "b"',
        ),
        ("ALTER TABLE users ADD COLUMN org TEXT REFERENCES orgs(id)", "refers to a table orgs, which is not"),
        (
            "CREATE TABLE odd (who REFERENCES users ON DELETE CASCADE, at REFERENCES rooms)",
            "refers to a table rooms, which is not there",
        ),
        (
            "CREATE TABLE odd (who REFERENCES users(name))",
            "key of odd refers to columns of users that are no",
        ),
        (
            "CREATE TABLE odd (mail REFERENCES users(email))",
            "key of odd refers to columns of users that are no",
        ),
        (
            'CREATE TABLE "o\'d d" (a, b, FOREIGN KEY (a, b) REFERENCES users(id, email))',
            "key of o'd d refers to columns of users that are no key of it",
        ),
        (
            "CREATE TABLE odd (a, b, FOREIGN KEY (a, b) REFERENCES users)",
            "key of odd refers to columns of users that are no key of it",
        ),
    ],
)
def test_a_foreign_key_that_cannot_be_followed_is_foreseen_and_named(
    people: Database, database: LocalDatabase, content: Content, statement: str, why: str
) -> None:
    """No migration adds what is missing, so nobody is told to apply them."""
    execute(database, statement)
    before = content()
    with pytest.raises(Refused, match=f"{why}.*nothing was changed"):
        writing.preview(users.delete, people, ["u-1"], actor="ops", now=NOW)
    with pytest.raises(Refused, match=why):
        delete(people, "u-1")
    assert content() == before


def test_a_reference_without_an_action_is_a_refusal_that_names_the_table(
    people: Database, database: LocalDatabase, content: Content, events: Events
) -> None:
    execute(
        database,
        *REVIEWS,
        "CREATE TABLE scores (review INTEGER REFERENCES operator_reviews(id), value REAL)",
        "CREATE TABLE marks (who TEXT REFERENCES users, review INTEGER REFERENCES operator_reviews)",
        "INSERT INTO scores VALUES (1, 7.5), (3, 6)",
        "INSERT INTO marks VALUES ('u-1', 1)",
    )
    before = content()
    with pytest.raises(
        StillReferred, match="still referred to by 1 row of marks and 2 rows of scores, which"
    ):
        delete(people, "u-1")
    with pytest.raises(StillReferred):
        writing.preview(users.delete, people, ["u-1"], actor="ops", now=NOW)
    with pytest.raises(StillReferred, match="1 of the 3 is still referred to by 1 row of marks") as refused:
        delete(people, "u-1", "u-2", "u-3")
    assert refused.value.ids == ["u-1"]
    assert (content(), events()) == (before, [])
    delete(people, "u-2")


@pytest.mark.parametrize(
    "key",
    [
        "users(id) ON DELETE CASCADE",
        "users(id) ON DELETE SET NULL",
        "users(id) ON DELETE SET DEFAULT",
        "operator_reviews(id) ON DELETE CASCADE",
    ],
)
def test_no_deletion_takes_or_alters_audit_entries(
    people: Database, database: LocalDatabase, content: Content, events: Events, key: str
) -> None:
    between = key.startswith("operator")
    execute(database, *REVIEWS, f"ALTER TABLE audit_chain ADD COLUMN about REFERENCES {key}")
    kept = users.rename(people, "u-1", "new@acme.example", actor="ops", now=NOW)
    execute(database, f"UPDATE audit_chain SET about = {'1' if between else repr('u-1')}")
    before, recorded = content(), events()
    with pytest.raises(StillReferred, match="by 1 row of audit_chain, and nothing may delete or alter audit"):
        delete(people, "u-1")
    with pytest.raises(StillReferred, match="1 of the 2 is still referred to") as refused:
        writing.preview(users.delete, people, ["u-1", "u-2"], actor="ops", now=NOW)
    assert refused.value.ids == ["u-1"]
    assert (content(), events()) == (before, recorded)
    undone = writing.undo(people, delete(people, "u-2"), now=NOW)
    execute(database, f"UPDATE audit_chain SET about = {'2' if between else repr('u-2')}")
    before, recorded = content(), events()
    with pytest.raises(ChangedSince, match="audit_chain refers to"):
        writing.undo(people, undone, now=NOW)
    assert (content(), events()) == (before, recorded)
    writing.undo(people, kept, now=NOW)


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE users SET badge = 0 WHERE id = 'u-1'",
        "INSERT INTO notes VALUES (1, 'u-1', NULL)",
        "INSERT INTO marks VALUES (1, 'u-1', 'x')",
    ],
)
def test_a_row_that_breaks_the_database_s_own_rules_stays_and_others_may_go(
    engine: Database, database: LocalDatabase, content: Content, events: Events, broken: str
) -> None:
    for user in ("u-1", "u-2", "u-3"):
        add_user(database, user, created_at="1", updated_at="1")
    execute(
        database,
        "ALTER TABLE users ADD COLUMN badge INTEGER CHECK (badge > 0)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, who REFERENCES users ON DELETE CASCADE,"
        " note CHECK (note IS NOT NULL))",
        "CREATE TABLE marks (id INTEGER PRIMARY KEY, who REFERENCES users ON DELETE SET NULL,"
        " mark CHECK (typeof(mark) = 'integer' OR who IS NULL))",
        "PRAGMA ignore_check_constraints = 1",
        broken,
        "PRAGMA ignore_check_constraints = 0",
    )
    before = content()
    why = "breaks the database's own rules as it is .CHECK constraint failed.*nothing was changed"
    with pytest.raises(NotAllowed, match=why):
        writing.preview(users.delete, engine, ["u-1", "u-2"], actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=why):
        delete(engine, "u-1")
    assert (content(), events()) == (before, [])
    renamed = users.rename(engine, "u-1", "new@acme.example", actor="ops", now=NOW)  # beside what it breaks
    writing.undo(engine, renamed, now=NOW)
    writing.undo(engine, delete(engine, "u-2"), now=NOW)
    assert content() == before


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("who TEXT {}); CREATE UNIQUE INDEX free ON seats (room) WHERE who IS NULL; --", "seats.room"),
        ("who TEXT {}); CREATE UNIQUE INDEX free ON seats (room, ifnull(who, '')); --", "index 'free'"),
    ],
)
def test_a_row_whose_own_rules_ask_for_what_it_would_lose_is_named_before(
    database: LocalDatabase, content: Content, events: Events, rules: str, why: str
) -> None:
    """Where another row, which stays, is in its way; only a file is looked at for that."""
    for user in ("u-1", "u-2"):
        add_user(database, user, created_at="1", updated_at="1")
    refers = "REFERENCES users ON DELETE SET NULL"
    execute(
        database,
        "CREATE TABLE seats (id TEXT PRIMARY KEY, room TEXT, " + rules.format(refers) + ")",
        "INSERT INTO seats VALUES ('s-1', 'a', 'u-1')",
    )
    execute(database, "INSERT INTO seats VALUES ('s-2', 'a', NULL), ('s-3', 'b', 'u-2')")
    before = content()
    told = f"The row s-1 of seats would change along, .* take .*{re.escape(why)}"
    with pytest.raises(NotAllowed, match=told):
        writing.preview(users.delete, database, ["u-2", "u-1"], actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=told):
        delete(database, "u-1")
    assert (content(), events()) == (before, [])
    writing.undo(database, delete(database, "u-2"), now=NOW)
    assert content() == before


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("who IS NOT NULL OR room = 'b'", "CHECK constraint failed: who IS NOT NULL OR room = 'b'"),
        ("room = 'b' OR abs(ifnull(who, -9223372036854775808)) >= 0", "integer overflow"),
    ],
)
def test_a_check_of_what_a_row_would_lose_is_named_before(  # noqa: PLR0917
    engine: Database, database: LocalDatabase, content: Content, events: Events, check: str, why: str
) -> None:
    """Also one that cannot be worked out then."""
    for user in ("u-1", "u-2"):
        add_user(database, user, created_at="1", updated_at="1")
    who = f"who TEXT UNIQUE CHECK ({check}) REFERENCES users ON DELETE SET NULL"
    execute(
        database,
        f"CREATE TABLE seats (id TEXT PRIMARY KEY, room TEXT, {who})",
        "CREATE TABLE keys (seat TEXT REFERENCES seats (who))",
        "INSERT INTO seats VALUES ('s-1', 'a', 'u-1'), ('s-2', 'b', 'u-2')",
    )
    before = content()
    told = f"The row s-1 of seats would change along, .*take .*{re.escape(why)}"
    with pytest.raises(NotAllowed, match=told):
        writing.preview(users.delete, engine, ["u-2", "u-1"], actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match=told):
        delete(engine, "u-2", "u-1")
    assert (content(), events()) == (before, [])
    writing.undo(engine, delete(engine, "u-2"), now=NOW)
    assert content() == before


def test_a_default_that_leads_to_what_goes_as_well_is_a_refusal(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE TABLE owners (id TEXT PRIMARY KEY,"
        " who TEXT DEFAULT 'u-3' REFERENCES users ON DELETE SET DEFAULT)",
        "INSERT INTO owners VALUES ('o', 'u-1')",
    )
    before = content()
    with pytest.raises(StillReferred, match="by 1 row of owners"):
        writing.preview(users.delete, people, ["u-1", "u-3"], actor="ops", now=NOW)
    execute(database, "INSERT INTO owners VALUES ('self', 'u-3')")  # so that u-3 has to stay, and that alone
    with pytest.raises(StillReferred, match="1 of the 3 is still referred to by 1 row of owners") as refused:
        delete(people, "u-1", "u-2", "u-3")
    assert refused.value.ids == ["u-3"]
    execute(database, "DELETE FROM owners WHERE id = 'self'")
    writing.undo(people, delete(people, "u-1", "u-2"), now=NOW)
    assert content() == before
    execute(database, "UPDATE owners SET who = 'u-2'")
    delete(people, "u-3")
    with pytest.raises(StillReferred, match="by 1 row of owners"):  # the default leads to nothing now
        writing.preview(users.delete, people, ["u-2"], actor="ops", now=NOW)


@pytest.mark.parametrize(("rule", "action"), [("", "SET DEFAULT"), ("DEFAULT 'u-3'", "SET NULL")])
def test_a_column_that_takes_no_null_is_a_refusal(
    people: Database, database: LocalDatabase, content: Content, rule: str, action: str
) -> None:
    execute(
        database,
        "CREATE TABLE owners (id TEXT PRIMARY KEY,"
        f" who TEXT NOT NULL {rule} REFERENCES users ON DELETE {action})",
        "INSERT INTO owners SELECT id, id FROM users WHERE id = 'u-1'",
    )
    before = content()
    with pytest.raises(StillReferred, match="by 1 row of owners"):
        writing.preview(users.delete, people, ["u-1"], actor="ops", now=NOW)
    assert content() == before


def test_names_that_differ_in_letters_beyond_ascii_are_two(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        'CREATE TABLE "É" (id INTEGER PRIMARY KEY, "ä" TEXT REFERENCES users ON DELETE CASCADE,'
        ' "Ä" TEXT REFERENCES users ON DELETE SET NULL)',
        'CREATE TABLE "é" (id INTEGER PRIMARY KEY, of INTEGER REFERENCES "É" ON DELETE CASCADE)',
        """INSERT INTO "É" VALUES (1, 'u-1', 'u-2'), (2, 'u-2', 'u-1'), (3, 'u-3', NULL)""",
        'INSERT INTO "é" VALUES (1, 1), (2, 2), (3, 1)',
    )
    before = content()
    change = delete(people, "u-1")
    assert change.summary.endswith("deleted, with 1 row of É and 2 rows of é, changing 1 row of É")
    left = database.connection().execute('SELECT id, "ä", "Ä" FROM "É"').fetchall()
    assert left == [(2, "u-2", None), (3, "u-3", None)]
    writing.undo(people, change, now=NOW)
    assert content() == before


def test_restrict_is_no_obstacle_where_the_row_goes_anyway(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE TABLE teams (id TEXT PRIMARY KEY, lead TEXT REFERENCES users(id) ON DELETE CASCADE)",
        "CREATE TABLE seats (id TEXT PRIMARY KEY, team TEXT REFERENCES teams(id),"
        " owner TEXT REFERENCES users(id) ON DELETE CASCADE)",
        "INSERT INTO teams VALUES ('t', 'u-1')",
        "INSERT INTO seats VALUES ('s', 't', 'u-1')",
    )
    before = content()
    writing.undo(people, delete(people, "u-1"), now=NOW)
    assert content() == before


def test_rows_that_refer_to_rows_of_their_own_table(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "ALTER TABLE users ADD COLUMN manager TEXT REFERENCES users(id) ON DELETE CASCADE",
        "UPDATE users SET manager = 'u-1' WHERE id != 'u-3'",  # u-1 is its own manager
    )
    before = content()
    change = delete(people, "u-1")
    assert change.summary.endswith("deleted, with 1 row of users")
    writing.undo(people, change, now=NOW)
    assert content() == before
    writing.undo(people, delete(people, "u-2", "u-1", "u-3"), now=NOW)
    assert content() == before
    execute(database, "UPDATE users SET manager = 'u-2' WHERE id = 'u-1'")
    with pytest.raises(NotAllowed, match="Rows of users refer to each other in a circle"):
        delete(people, "u-1")


def test_an_edit_is_not_undone_that_its_own_row_refers_to_by_now(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE UNIQUE INDEX addresses ON users (email)",
        "ALTER TABLE users ADD COLUMN login TEXT REFERENCES users(email) ON UPDATE CASCADE",
    )
    change = users.rename(people, "u-1", "new@acme.example", actor="ops", now=NOW)
    execute(database, "UPDATE users SET login = email WHERE id = 'u-1'")
    before = content()
    with pytest.raises(ChangedSince, match="users refers to the record"):
        writing.undo(people, change, now=NOW)
    assert content() == before


def test_keys_of_several_columns_and_defaults(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "CREATE UNIQUE INDEX both ON users (tenant_id, email)",
        "CREATE TABLE logins (tenant TEXT, mail TEXT, at INTEGER,"
        " FOREIGN KEY (tenant, mail) REFERENCES users (tenant_id, email) ON DELETE CASCADE)",
        "CREATE TABLE owners (id TEXT PRIMARY KEY,"
        " who TEXT DEFAULT 'u-3' REFERENCES users ON DELETE SET DEFAULT)",
        "INSERT INTO logins SELECT tenant_id, email, 5 FROM users",
        "INSERT INTO owners VALUES ('o', 'u-1')",
    )
    before = content()
    change = delete(people, "u-1")
    assert change.summary.endswith(", with 1 row of logins, changing 1 row of owners")
    assert database.connection().execute("SELECT who FROM owners").get == "u-3"
    writing.undo(people, change, now=NOW)
    assert content() == before


@pytest.mark.parametrize("action", ["NO ACTION", "CASCADE", "SET NULL"])
def test_an_edit_of_what_others_refer_to_is_a_refusal(
    people: Database, database: LocalDatabase, content: Content, action: str
) -> None:
    execute(
        database,
        "CREATE UNIQUE INDEX both ON users (tenant_id, email)",
        "CREATE TABLE logins (tenant TEXT, mail TEXT,"
        f" FOREIGN KEY (tenant, mail) REFERENCES users (tenant_id, email) ON UPDATE {action})",
        "INSERT INTO logins SELECT tenant_id, email FROM users WHERE id = 'u-1'",
    )
    before = content()
    with pytest.raises(ReferredByChange, match="Rows of logins refer to this"):
        users.rename(people, "u-1", "new@acme.example", actor="ops", now=NOW)
    assert content() == before
    change = users.rename(people, "u-2", "new@acme.example", actor="ops", now=NOW)
    execute(database, "INSERT INTO logins SELECT tenant_id, email FROM users WHERE id = 'u-2'")
    before = content()
    with pytest.raises(ChangedSince, match="logins refers to the record"):
        writing.undo(people, change, now=NOW)
    assert content() == before


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (
            (*REVIEWS, "CREATE TRIGGER t AFTER DELETE ON operator_reviews BEGIN DELETE FROM users; END"),
            "The table operator_reviews has a trigger",
        ),
        (
            (
                "CREATE TABLE owners (who DEFAULT (lower('U-3')) REFERENCES users ON DELETE SET DEFAULT)",
                "INSERT INTO owners VALUES ('u-1')",
            ),
            "default for who, which is a formula",
        ),
    ],
)
def test_what_could_not_be_put_back_is_refused_before(
    people: Database, database: LocalDatabase, content: Content, statements: tuple[str, ...], sentence: str
) -> None:
    execute(database, *statements)
    before = content()
    with pytest.raises(NotAllowed, match=sentence):
        delete(people, "u-1")
    assert content() == before


def test_more_rows_than_can_be_kept_are_refused(
    people: Database, database: LocalDatabase, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(database, *REVIEWS)
    monkeypatch.setattr(references, "MOST", 1)
    before = content()
    with pytest.raises(NotAllowed, match="More than 1 rows of other tables"):
        delete(people, "u-1")
    assert content() == before
    delete(people, "u-2")


def test_a_row_that_comes_to_refer_meanwhile_does_not_vanish(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, *REVIEWS, *ESCALATIONS)
    images = Images(people)
    gone = references.removal(images, [images.row("users", "u-3", "user")])
    execute(database, "INSERT INTO operator_reviews VALUES (4, 'u-3', 'new')")
    before = content()
    with pytest.raises(RowChanged):
        writing.commit(people, lambda _: Change("", gone.rows, ()), now=NOW)
    assert content() == before


def test_undo_refuses_where_rows_refer_to_what_it_would_remove(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, *REVIEWS)
    created = users.create(people, "acme", "new@acme.example", actor="ops", now=NOW)
    execute(database, f"INSERT INTO operator_reviews VALUES (4, '{created.rows[0].key['id']!s}', 'new')")
    before = content()
    with pytest.raises(ChangedSince, match="operator_reviews refers to the record"):
        writing.undo(people, created, now=NOW)
    assert content() == before


def test_undo_refuses_where_a_dependent_row_is_not_as_it_was_left(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(database, *REVIEWS, *ESCALATIONS)
    change = delete(people, "u-1")
    execute(database, "UPDATE escalations SET to_supervisor_id = 'u-2'")
    before = content()
    with pytest.raises(ChangedSince, match="to_supervisor_id of escalations “e-1”"):
        writing.undo(people, change, now=NOW)
    assert content() == before


def test_a_row_that_could_not_come_back_does_not_go(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    """It refers to what is not there, and foreign keys would refuse it."""
    execute(
        database,
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE shifts (id INTEGER PRIMARY KEY, by TEXT REFERENCES users(id) ON DELETE CASCADE,"
        " room TEXT REFERENCES rooms(name))",
        "CREATE TABLE rooms (name TEXT PRIMARY KEY)",
        "INSERT INTO rooms VALUES ('hall')",
        "INSERT INTO shifts VALUES (1, 'u-1', 'attic'), (2, 'u-2', 'hall'), (3, 'u-3', NULL)",
        "PRAGMA foreign_keys = ON",
    )
    before = content()
    with pytest.raises(NotAllowed, match=r"row of shifts .* refers to a row of rooms that is not there"):
        delete(people, "u-1", "u-2")
    assert content() == before
    writing.undo(people, delete(people, "u-2", "u-3"), now=NOW)
    assert content() == before


def test_a_generated_column_refers_with_what_it_is_made_of(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    """It holds what is not there, and would not take it again."""
    execute(
        database,
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, by TEXT REFERENCES users(id) ON DELETE SET NULL,"
        " room AS ('room of ' || by) REFERENCES rooms(name))",
        "CREATE TABLE rooms (name TEXT PRIMARY KEY)",
        "INSERT INTO rooms VALUES ('room of u-2')",
        "INSERT INTO keys (by) VALUES ('u-1'), ('u-2')",
        "PRAGMA foreign_keys = ON",
    )
    before = content()
    with pytest.raises(NotAllowed, match=r"row of keys .* refers to a row of rooms that is not there"):
        delete(people, "u-1")
    assert content() == before
    writing.undo(people, delete(people, "u-2"), now=NOW)
    assert content() == before


def test_an_edit_does_not_change_what_refers_to_a_generated_column(
    people: Database, database: LocalDatabase, content: Content
) -> None:
    execute(
        database,
        "ALTER TABLE users ADD COLUMN low AS (lower(email))",
        "CREATE UNIQUE INDEX lows ON users (low)",
        "CREATE TABLE logins (mail TEXT REFERENCES users (low) ON UPDATE CASCADE)",
        "INSERT INTO logins SELECT low FROM users WHERE id = 'u-1'",
    )
    before = content()
    with pytest.raises(NotAllowed, match=r"logins refers to users\.low, .* can be changed or removed"):
        users.rename(people, "u-1", "new@acme.example", actor="ops", now=NOW)
    assert content() == before


@pytest.mark.parametrize("action", ["SET NULL", "CASCADE"])
def test_two_foreign_keys_of_one_column(
    people: Database, database: LocalDatabase, content: Content, action: str
) -> None:
    execute(
        database,
        "PRAGMA foreign_keys = OFF",
        "CREATE UNIQUE INDEX both ON users (tenant_id, email)",
        "CREATE UNIQUE INDEX one ON users (email)",
        "CREATE TABLE shifts (tenant TEXT, by TEXT"
        f" REFERENCES users(email) ON DELETE {action},"
        " FOREIGN KEY (tenant, by) REFERENCES users (tenant_id, email) ON DELETE SET NULL)",
        "INSERT INTO shifts SELECT iif(id = 'u-1', 'nobody', tenant_id), email FROM users",
        "PRAGMA foreign_keys = ON",
    )
    before = content()
    # Only one of them leads to something, so the column could not get its value back.
    with pytest.raises(NotAllowed, match=r"row of shifts .* refers to a row of users that is not there"):
        writing.preview(users.delete, people, ["u-1"], actor="ops", now=NOW)
    change = delete(people, "u-2")
    assert "1 row of shifts" in change.summary
    again = writing.undo(people, writing.undo(people, change, now=NOW), now=NOW)
    writing.undo(people, again, now=NOW)
    assert content() == before


@pytest.mark.parametrize("action", ["CASCADE", "NO ACTION"])
def test_what_refers_to_what_a_deletion_would_empty_is_a_refusal(
    people: Database, database: LocalDatabase, content: Content, action: str
) -> None:
    """SQLite would carry that on, and nothing would put it back."""
    execute(
        database,
        "CREATE TABLE badges (id TEXT PRIMARY KEY, who TEXT UNIQUE REFERENCES users ON DELETE SET NULL)",
        f"CREATE TABLE doors (id TEXT PRIMARY KEY, badge TEXT REFERENCES badges(who) ON UPDATE {action})",
        "INSERT INTO badges VALUES ('b-1', 'u-1'), ('b-2', 'u-2')",
        "INSERT INTO doors VALUES ('d', 'u-1')",
    )
    before = content()
    with pytest.raises(StillReferred, match="by 1 row of badges"):
        delete(people, "u-1")
    assert content() == before
    writing.undo(people, delete(people, "u-2"), now=NOW)
    assert content() == before


class TestGateway:
    """The gateway's users and what later packages hung on them, as in `models/README.md`."""

    @pytest.fixture
    def database_path(self, tmp_path: Path, served: Callable[[Path], Path]) -> Path:
        return served(create_gateway(tmp_path / "gateway.sqlite"))

    def test_the_gateway_s_users_can_be_added_renamed_deleted_and_put_back(
        self, engine: Database, database: LocalDatabase
    ) -> None:
        def everything() -> dict[str, list[Any]]:
            names = ("users", "operator_reviews", "escalations")
            return {
                name: database.connection().execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
                for name in names
            }

        before = everything()
        created = users.create(engine, "aurora", "ada@aurora.example", actor="ops", now=NOW)
        writing.undo(engine, created, now=NOW)
        writing.undo(engine, users.rename(engine, "u1", "ada@aurora.example", actor="ops", now=NOW), now=NOW)
        assert everything() == before
        change = delete(engine, "u1")
        assert change.summary == (
            "User u1@aurora.example deleted, with 2 rows of operator_reviews, changing 1 row of escalations"
        )
        writing.undo(engine, change, now=NOW)
        assert everything() == before
        with pytest.raises(NotFound):
            delete(engine, "nobody")

    def test_a_tenant_that_the_file_does_not_have_is_named(
        self, engine: Database, database: LocalDatabase
    ) -> None:
        connection = database.connection()
        made = str(connection.execute("SELECT sql FROM sqlite_master WHERE name = 'users'").get)
        connection.execute("CREATE TABLE tenants (id TEXT PRIMARY KEY NOT NULL); DROP TABLE users")
        connection.execute(
            made.replace("tenant_id TEXT NOT NULL", "tenant_id TEXT NOT NULL REFERENCES tenants(id)")
        )
        sentence = (
            r"^users of this database refers to tenants, which has no id “aurora”.* Nothing was changed\.$"
        )
        with pytest.raises(NotAllowed, match=sentence):
            users.create(engine, "aurora", "ada@aurora.example", actor="ops", now=NOW)

    def test_a_column_that_only_the_file_asks_for_is_given_with_a_new_user(
        self, engine: Database, database: LocalDatabase
    ) -> None:
        connection = database.connection()
        made = str(connection.execute("SELECT sql FROM sqlite_master WHERE name = 'users'").get)
        asked = made.replace("name TEXT,", "name TEXT NOT NULL, level INTEGER NOT NULL,")
        connection.execute(f"PRAGMA foreign_keys = OFF; DROP TABLE users; {asked}")
        create = partial(users.create, engine, "aurora", "ada@aurora.example", actor="ops", now=NOW)
        with pytest.raises(InvalidInput, match=r"^name is missing\.$") as refused:
            create()
        assert refused.value.field == "name"
        beside = {"name": " Ada ", "level": "3"}
        created = create(beside)
        stored = connection.execute("SELECT name, level, typeof(level), role FROM users").get
        assert stored == ("Ada", 3, "integer", "operator")
        writing.undo(engine, writing.undo(engine, writing.undo(engine, created, now=NOW), now=NOW), now=NOW)
        assert connection.execute("SELECT COUNT(*) FROM users").get == 0
