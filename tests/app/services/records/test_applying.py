import re
from collections.abc import Callable
from typing import Any

import apsw
import pytest

from app.services.records import notifications, users, webhooks, writing
from app.services.records.applying import NAMED, Left
from app.services.records.change import Change
from app.services.records.typed import Typed
from app.services.records.webhooks import Secret, WebhookInput
from models.engine import Database
from models.errors import NothingToDo
from tests.app.services.conftest import Events
from tests.conftest import NOW

BY: dict[str, Any] = {"actor": "ops", "now": NOW}


def test_what_is_left_is_said_by_its_reasons_and_by_name() -> None:
    left = Left()
    assert left.told == ""
    for number in range(NAMED + 3):
        left.add("already read", f"n{number}")
    assert left.told == "; 5 left as they are: already read (n0, n1 and 3 more)"
    left.add("locked", "x" * 100)
    left.add("gone", count=2)
    assert left.why == f"5 already read (n0, n1 and 3 more), 1 locked ({'x' * 39}…), 2 gone"
    more = Left()
    more.add("gone", "y", 3)
    both = left.and_also(more)
    assert both.why == f"5 already read (n0, n1 and 3 more), 1 locked ({'x' * 39}…), 5 gone (y and 4 more)"
    assert left.count == 8 and more.count == 3, "neither is another one by that"
    one = Left({"already read": 1}, {"already read": []})
    assert one.told == "; 1 left as it is: already read"


def add_webhooks(engine: Database) -> list[str]:
    on = [
        WebhookInput(
            f"w{number}", "https://a.example/x", active=number < 3, secret="s" if number == 4 else None
        )
        for number in range(5)
    ]
    made = [webhooks.create(engine, "acme", form, **BY) for form in on]
    return [str(change.rows[0].record_id) for change in made]


def add_users(engine: Database) -> list[str]:
    made = [users.create(engine, "acme", f"u{number}@x.example", **BY) for number in range(5)]
    ids = [str(change.rows[0].record_id) for change in made]
    for one in ids[:2]:
        users.set_password(engine, one, Typed("one two three four"), **BY)
    return ids


def add_notes(engine: Database, sql: apsw.Connection) -> list[str]:
    ids = [f"n{number}" for number in range(5)]
    for number, one in enumerate(ids):
        sql.execute(
            "INSERT INTO notifications (id, tenant_id, type, title, message, read, created_at)"
            " VALUES (?,'acme','t','T','',?,1)",
            (one, number % 2),
        )
    return ids


@pytest.mark.parametrize("what", ["webhooks", "secrets", "passwords", "notifications", "deletion"])
def test_an_act_on_many_says_which_it_left_and_is_one_to_undo(
    engine: Database, sql: apsw.Connection, events: Events, what: str
) -> None:
    made = (Secret(f"whsec_{number}") for number in range(100))
    table = {
        "webhooks": "webhook_destinations",
        "secrets": "webhook_destinations",
        "passwords": "users",
        "deletion": "users",
    }.get(what, what)
    ids = {"webhook_destinations": add_webhooks, "users": add_users}.get(table, lambda e: add_notes(e, sql))(
        engine
    )
    act: Callable[[list[str]], Change] = {
        "webhooks": lambda keys: webhooks.set_active(engine, keys, False, **BY),
        "secrets": lambda keys: webhooks.give_secrets(engine, keys, made.__next__, **BY),
        "passwords": lambda keys: users.invalidate_passwords(engine, keys, **BY),
        "notifications": lambda keys: notifications.mark(engine, keys, read=True, **BY),
        "deletion": lambda keys: users.delete(engine, keys, **BY),
    }[what]
    before = sql.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    done = act([*ids, "none"])
    named = re.sub(r"[wu]\d(@x\.example)?", "…", done.told)  # in no order
    assert (
        named
        == {
            "webhooks": "3 webhooks deactivated; "
            "3 left as they are: 2 already inactive (…, …), 1 no longer there",
            "secrets": "Secret of 4 webhooks set; 2 left as they are: 1 with a secret (…), 1 no longer there",
            "passwords": "Password of 2 users invalidated; 4 left as they are: "
            "3 without a password (…, … and 1 more), 1 no longer there",
            "notifications": "3 notifications marked read; "
            "3 left as they are: 2 already read, 1 no longer there",
            "deletion": "5 users deleted; 1 left as it is: no longer there",
        }[what]
    )
    assert "left" not in done.summary  # which is what its undo is called
    if what != "deletion":
        with pytest.raises(NothingToDo):
            act(ids)
    with pytest.raises(Exception, match=r"no longer"):
        act(["none"])
    writing.undo(engine, done, now=NOW)
    assert sql.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() == before
