"""What a table's own rules would not take of many new users is told of each line, and the others go in."""

from pathlib import Path

import apsw
import pytest

from app.services.records import adding, users
from app.services.records.adding import WantedUser
from models.engine import Database
from models.errors import Cancelled
from models.local import trial
from models.progress import UNWATCHED, Monitor
from models.schema import read_stored
from tests.conftest import NOW
from tests.fixtures.connected import execute

COLUMNS = (
    "id TEXT PRIMARY KEY CHECK (length(id) = 36), tenant_id TEXT NOT NULL, email TEXT NOT NULL,"
    " created_at INTEGER NOT NULL CHECK (created_at > 1000000000), updated_at INTEGER,"
    " role TEXT NOT NULL DEFAULT 'operator' REFERENCES roles(name),"
    " badge TEXT COLLATE NOCASE UNIQUE, seats INTEGER CHECK (seats BETWEEN 1 AND 9),"
    " chief TEXT REFERENCES users(badge), nick TEXT"
)
RULES = (
    "DROP TABLE users",
    "CREATE TABLE roles (name TEXT PRIMARY KEY COLLATE NOCASE)",
    "INSERT INTO roles VALUES ('operator'), ('admin')",
    f"CREATE TABLE users ({COLUMNS})",
    "CREATE UNIQUE INDEX by_nick ON users (lower(nick))",
    "CREATE UNIQUE INDEX by_address ON users (tenant_id, email)",
    "INSERT INTO users (id, tenant_id, email, created_at, badge, nick) VALUES"
    " ('00000000-0000-0000-0000-000000000000', 'globex', 'old@x.example', 1700000000, 'B7', 'Old')",
)
LINES = """email,role,badge,seats,chief,nick
a@x.example,ADMIN,A1,9,,a
b@x.example,king,A2,1,,b
c@x.example,,b7,1,,c
d@x.example,,a1,1,,d
e@x.example,,A5,10,,e
f@x.example,,A6,two,,f
g@x.example,,A7,,B7,A
h@x.example,,A8,,A1,h
i@x.example,,A9,,none,i
j@x.example,,,,,
k@x.example,,,,,
l@x.example,,B1,,,OLD
"""


def judged(database: Database, lines: str, monitor: Monitor = UNWATCHED) -> adding.Judged:
    sheet = adding.cut(lines)
    columns = adding.guessed(sheet, adding.fillable(read_stored(database)[0]["users"]))
    wanted = WantedUser(columns, "acme", frozenset({"acme"}), new_tenants=True)
    return adding.judge(database, sheet, wanted, (), monitor, now=NOW)


def test_each_line_has_its_reason_and_the_others_are_taken(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    execute(database_path, *RULES)
    found = judged(engine, LINES)
    twice = "A user, or a line before, has the same {}, and the table takes it once."
    rules = "The table's own rules do not take it (CHECK constraint failed: seats BETWEEN 1 AND 9)."
    expected = {
        3: "role refers to roles, which has no name “king”.",
        4: twice.format("badge"),
        5: twice.format("badge"),
        6: rules,
        7: "seats takes a whole number (it is declared INTEGER).",
        8: twice.format("value of index 'by_nick'"),
        10: "chief refers to users, which has no badge “none”.",
        13: twice.format("value of index 'by_nick'"),
    }
    if engine.costs:  # where the rows of a live database are not copied for a formula
        del expected[13]
    assert {one.line: one.why for one in found.bad} == expected
    good = [one for one in found.good if one[1] != "l@x.example"]
    users.create_many(engine, good, actor="ops", now=NOW)
    assert [*sql.execute("SELECT email, role FROM users WHERE tenant_id = 'acme' ORDER BY email")] == [
        ("a@x.example", "ADMIN"),
        ("h@x.example", "operator"),
        ("j@x.example", "operator"),
        ("k@x.example", "operator"),
    ]


def test_a_tenant_that_the_file_has_no_row_of_is_told_of_users_and_of_their_chain(
    engine: Database, database_path: Path
) -> None:
    """The chain's table says so, as the gateway's does, or that of users."""
    made = "CREATE TABLE audit_chain (seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id TEXT NOT NULL"
    others = (
        "event_type TEXT NOT NULL, payload TEXT, previous_hash TEXT NOT NULL, hash TEXT, created_at INTEGER"
    )
    execute(
        database_path,
        "CREATE TABLE tenants (id TEXT PRIMARY KEY)",
        "INSERT INTO tenants VALUES ('acme')",
        "DROP TABLE audit_chain",
        f"{made} REFERENCES tenants(id), {others})",
    )
    lines = "email,tenant\na@x.example,acme\nb@x.example,newco\n"
    why = "tenant_id refers to tenants, which has no id “newco”."
    assert [(one.line, one.why) for one in judged(engine, lines).bad] == [(3, why)]
    execute(
        database_path,
        "DROP TABLE audit_chain",
        f"{made}, {others})",
        "ALTER TABLE users ADD COLUMN home TEXT REFERENCES tenants(id)",
    )
    found = judged(engine, "email,tenant,home\na@x.example,newco,acme\nb@x.example,acme,newco\n")
    assert [(one.line, one.why) for one in found.bad] == [(3, why.replace("tenant_id", "home"))]


def test_a_rule_that_goes_on_for_ever_ends_and_so_does_a_person(
    database: Database, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        database_path,
        "ALTER TABLE users ADD COLUMN slow TEXT CHECK (slow IS NULL OR"
        " length(replace(hex(zeroblob(1000000)), '0', slow)) > 5)",
    )
    lines = "email,slow\n" + "".join(f"u{n}@x.example,x\n" for n in range(200))
    monkeypatch.setattr(trial, "_SECONDS_OF_ROWS", 0.2)
    assert len(judged(database, lines).good) == 200
    asked: list[int] = []
    with pytest.raises(Cancelled):
        judged(database, lines, Monitor(cancelled=lambda: asked.append(1) or len(asked) > 2))  # type: ignore[func-returns-value]
