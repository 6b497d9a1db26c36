"""Ready views of users: who has the same address, and of whom nothing was heard."""

import json
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.chain import append as chain
from app.services.chain.append import Event
from app.services.records import users
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.tables import EVERYONE, Scope
from app.services.records.typed import duplicates
from models.engine import Database
from models.schema import inspect
from models.tables import User
from tests.app.services.records.test_users import create
from tests.conftest import NOW
from tests.fixtures.connected import execute

DAY = 86_400
ADDRESSES = (
    ("acme", "a@x.example"),
    ("acme", "A@x.example"),
    ("globex", "a@X.example"),
    ("acme", "straße@x.example"),
    ("acme", "STRASSE@x.example"),
    ("acme", "é@x.example"),
    ("globex", "E\u0301@x.example"),
    ("acme", "alone@x.example"),
    ("globex", "\u212a@x.example"),  # the sign of Kelvin
    ("initech", "k@x.example"),
    ("initech", "ö@bücher.example"),
    ("initech", "ö@XN--bcher-kva.example"),
)


@pytest.fixture
def alike(engine: Database, sql: apsw.Connection) -> Database:
    for number, (tenant, email) in enumerate(ADDRESSES):
        sql.execute(
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, ?, ?, 1, 1)",
            (f"u{number}", tenant, email),
        )
    return engine


@pytest.mark.parametrize(
    ("tenant", "across", "wanted"),
    [
        (None, False, {0, 1, 3, 4, 10, 11}),
        ("globex", False, set()),
        (None, True, {0, 1, 2, 5, 6, 8, 9}),
        ("acme", True, {0, 1, 5}),
        ("initech", True, {9}),
    ],
)
def test_addresses_are_the_same_in_any_spelling(
    alike: Database, tenant: str | None, across: bool, wanted: set[int]
) -> None:
    found = duplicates(alike, Scope(tenant), across=across)
    assert sorted(map(str, found)) == sorted(f"u{number}" for number in wanted)


def test_a_list_is_narrowed_to_more_than_a_statement_binds(engine: Database, database_path: Path) -> None:
    users.create_many(engine, [("acme", f"u{n}@x.example", None) for n in range(400)], actor="o", now=NOW)
    ids = tuple(row[0] for row in engine.rows(User.select(User.id).limit(300).tuples()))
    query = ListQuery("users", choices=(("id", ids),))
    assert Lists(inspect(engine)).count(engine, query) == 300
    assert ListQuery.of(json.loads(json.dumps(query.document()))) == query


def quiet(database: Database, since: int, scope: Scope = EVERYONE) -> list[str]:
    query = ListQuery("users", scope=scope, quiet_since=since)
    assert ListQuery.of(query.document()) == query and query.filtered
    listing = Lists(inspect(database)).open_list(database, query)
    return sorted(str(row[0]) for row in listing.rows if row is not None)


def test_those_of_whom_nothing_was_heard(engine: Database, sql: apsw.Connection, database_path: Path) -> None:
    ids = [create(engine, f"u{number}@x.example") for number in range(5)]
    sql.execute("UPDATE users SET created_at = 1, updated_at = 1")
    since, later = NOW + DAY, NOW + 2 * DAY
    assert quiet(engine, since) == sorted(ids)
    events = [
        Event("acme", "workflow_dispatched", {"actor": "u1@x.example"}),
        Event("acme", "file_uploaded", {"userId": ids[2], "nested": {"userId": ids[3]}}),
        Event("acme", "settings_changed", {"actor": ids[4]}),
    ]
    chain.append(engine, lambda: chain.Batch((), events), now=later)
    assert quiet(engine, since) == sorted([ids[0], ids[3]])
    assert quiet(engine, later + 1) == sorted(ids)
    assert quiet(engine, since, Scope("globex")) == []
    sql.execute("UPDATE users SET updated_at = ? WHERE id = ?", (later * 1000, ids[0]))
    sql.execute("INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
                " VALUES ('acme', 'odd', '{no json', 'x', 'y', ?)", (later,))  # fmt: skip
    assert quiet(engine, since) == [ids[3]]
    if engine.usage is not None:  # whatever payloads have beside
        sql.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
            " INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " SELECT 'acme', 'odd', json_object('a', 1, 'actor', 'a' || i, 'email', i), 'x', i, ? FROM n",
            (later,),
        )
        wanted = ListQuery("users", quiet_since=since)
        lists = Lists(inspect(engine), {"users": 5, "audit_chain": 510})
        before = engine.usage.read
        assert lists.open_list(engine, replace(wanted, as_added=True)).total == 1
        assert 0.9 * lists.reads(wanted, 5) < engine.usage.read - before < 1.1 * lists.reads(wanted, 5)
    execute(database_path, "DROP TABLE audit_chain")
    assert quiet(engine, since) == sorted(ids[1:])


def test_what_is_heard_of_an_address_is_of_the_user_of_that_tenant(
    engine: Database, sql: apsw.Connection
) -> None:
    mine, other = create(engine, "u@x.example"), create(engine, "u@x.example", tenant="globex")
    sql.execute("UPDATE users SET created_at = 1, updated_at = 1")
    renamed = Event("globex", "user_updated", {"userId": other, "email": "u@x.example"})
    chain.append(engine, lambda: chain.Batch((), [renamed]), now=NOW + DAY)
    assert quiet(engine, NOW + DAY) == [mine]
    logged_in = Event("globex", "user_updated", {"email": "u@x.example"})
    chain.append(engine, lambda: chain.Batch((), [logged_in]), now=NOW + 2 * DAY)
    assert quiet(engine, NOW + 2 * DAY) == [mine]
