"""What a payload names, and what of it is there."""

import json
from pathlib import Path

import pytest

from app.services.chain.reading import entry_beside
from app.services.records.history import MOST, looked_up, mentioned
from app.services.records.tables import NOTIFICATIONS, PLANNING_RUNS, USERS, WEBHOOK_DESTINATIONS
from models.schema import inspect
from tests.fixtures.connected import connected
from tests.fixtures.window import ask


def test_names_in_objects_and_lists_are_found_once_in_their_order() -> None:
    payload = {
        "actor": "u9",
        "runId": "r1",
        "users": [{"userId": "u1"}, {"userId": "u2"}, {"userId": "u1"}],
        "notificationIds": ["n1", "n2", 3, "", None],
        "webhookId": {"webhookId": "w1"},
    }
    found = [(record.table, record.id) for record in mentioned(json.dumps(payload)).records]
    assert found == [
        (PLANNING_RUNS, "r1"),
        (USERS, "u1"),
        (USERS, "u2"),
        (NOTIFICATIONS, "n1"),
        (NOTIFICATIONS, "n2"),
    ]


@pytest.mark.parametrize("payload", ["", "no JSON", "[" * 100_000, '"userId"', "7", '{"userId":7}'])
def test_what_names_nothing_names_nothing(payload: str) -> None:
    assert mentioned(payload).records == ()


def test_of_many_the_first_are_looked_up_and_the_others_counted() -> None:
    found = mentioned(json.dumps({"notificationIds": [f"n{number}" for number in range(1_000)]}))
    assert (len(found.records), found.more) == (MOST, 1_000 - MOST)


def test_each_says_what_it_is_called_or_that_it_is_gone(copy: Path) -> None:
    ((user, email, whose),) = ask(copy, "SELECT id, email, tenant_id FROM users LIMIT 1")
    ((hook, host),) = ask(copy, "SELECT id, hostname FROM webhook_destinations LIMIT 1")
    ask(copy, "UPDATE webhook_destinations SET name = '' WHERE id = ?", hook)
    ask(copy, "UPDATE users SET email = CAST(x'61ff' AS TEXT) WHERE id <> ?", user)
    ((odd,),) = ask(copy, "SELECT id FROM users WHERE id <> ? LIMIT 1", user)
    asked = {"users": [{"userId": user}, {"userId": "gone"}, {"userId": odd}], "webhookId": hook}
    with connected(copy) as database:
        found = looked_up(database, mentioned(json.dumps(asked)), inspect(database)).records
    titles = {record.id: record.title for record in found}
    assert titles == {user: email, "gone": None, odd: "a\ufffd", hook: host}
    assert [record.tenant_id for record in found][:2] == [whose, None]
    assert found[-1].table is WEBHOOK_DESTINATIONS


def test_a_file_without_a_table_has_none_of_its_records(copy: Path) -> None:
    ask(copy, "DROP TABLE notifications")
    ((user, email),) = ask(copy, "SELECT id, email FROM users LIMIT 1")
    asked = mentioned(json.dumps({"userId": user, "notificationIds": ["n1"]}))
    with connected(copy) as database:
        found = looked_up(database, asked, inspect(database)).records
    assert [record.title for record in found] == [email, None]


def test_the_entries_beside_one_are_its_tenants(copy: Path) -> None:
    ((tenant,),) = ask(copy, "SELECT tenant_id FROM audit_chain ORDER BY seq LIMIT 1")
    own = [
        seq for (seq,) in ask(copy, "SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq", tenant)
    ]
    with connected(copy) as database:
        behind = [entry_beside(database, seq, behind=True) for seq in own]
        before = [entry_beside(database, seq, behind=False) for seq in own]
    assert behind == [*own[1:], None] and before == [None, *own[:-1]]
