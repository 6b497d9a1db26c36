"""Whatever act is undone, and done again: its entries say so, and in which words."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType
from typing import Any

import apsw

from app.services import records, runs
from app.services.records import notifications, users, webhooks, writing
from app.services.records.change import Change
from app.services.records.history import summary
from app.services.records.notifications import Composed, compose
from app.services.records.typed import Typed
from app.services.records.webhooks import Secret, WebhookInput
from app.services.runs import parking, statuses
from app.services.runs.parking import NewRun
from models.engine import Database
from models.local.database import LocalDatabase
from models.status import AuditEvent, RunStatus
from tests.app.services.conftest import Events
from tests.conftest import NOW

ROWS = (
    "ALTER TABLE users ADD COLUMN role TEXT",
    "INSERT INTO users (id, tenant_id, email, password_hash, created_at, updated_at) VALUES"
    " ('u-1', 'acme', 'ada@acme.example', 'x', 1, 1), ('u-2', 'acme', 'bob@acme.example', 'x', 1, 1)",
    "INSERT INTO webhook_destinations (id, tenant_id, name, url, hostname, created_at, updated_at) VALUES"
    " ('w-1', 'acme', 'Pager', 'https://one.example/', 'one.example', 1, 1)",
    "INSERT INTO notifications (id, tenant_id, type, title, created_at) VALUES"
    " ('n-1', 'acme', 't', 'Down', 1), ('n-2', 'globex', 't', 'Down', 1)",
    "INSERT INTO planning_runs (id, idea, status, created_at, updated_at) VALUES"
    " ('r-1', 'A ferry', 'running', 1, 1), ('r-2', 'A kite', 'deleted', 1, 1)",
    "INSERT INTO planning_parked_ideas (id, idea, created_at) VALUES ('i-1', 'A boat', 1)",
)
HOOK = WebhookInput("Slack", "https://two.example/")
TRIED: dict[Callable[..., Change], tuple[tuple[Any, ...], str]] = {
    users.create: (("acme", "cyd@acme.example"), "undid “created user” cyd@acme.example"),
    users.create_many: (
        ([("acme", "dan@acme.example", None), ("acme", "eve@acme.example", None)],),
        "undid “created” 2 users",
    ),
    users.rename: (("u-1", "new@acme.example"), "undid “renamed user” new@acme.example → ada@acme.example"),
    users.set_others: (
        ("u-1", {"role": "admin"}),
        "undid “changed user” ada@acme.example (role: admin → (none))",
    ),
    users.set_others_of: (
        (["u-1", "u-2"], {"role": "admin"}),
        "undid “changed user” bob@acme.example (role: admin → (none))",
    ),
    users.move: ((["u-1"], "globex"), "undid “moved user” ada@acme.example to acme from globex"),
    users.set_password: (
        ("u-1", Typed("A long one, with 9 words")),
        "undid “changed user” ada@acme.example (password put back)",
    ),
    users.invalidate_passwords: ((["u-1"],), "undid “changed user” ada@acme.example (password brought back)"),
    users.delete: ((["u-1"],), "undid “deleted user” ada@acme.example"),
    webhooks.create: (("acme", HOOK), "undid “created webhook” Slack"),
    webhooks.update: (("w-1", HOOK), "undid “changed webhook” w-1"),
    webhooks.set_secret: (("w-1", Secret("whsec_one")), "undid “changed webhook” w-1 (secret removed again)"),
    webhooks.give_secrets: (
        (["w-1"], lambda: Secret("whsec_one")),
        "undid “changed webhook” w-1 (secret removed again)",
    ),
    webhooks.set_active: ((["w-1"], False), "undid “deactivated webhook” Pager"),
    webhooks.delete: ((["w-1"],), "undid “deleted webhook” Pager"),
    compose: (
        (["acme", "globex"], Composed("maintenance", "Down", "", "")),
        "undid “created notification” (deleted 1 notification)",
    ),
    notifications.delete: ((["n-1", "n-2"],), "undid “deleted” 1 notification"),
    statuses.set_status: ((["r-1"], RunStatus.KILLED, "No"), "undid “killed run” r-1"),
    statuses.restore: ((["r-2"],), "undid “brought back run” r-2"),
    parking.park: (({"idea": "A dam"},), "undid “parked idea” "),
    parking.update: (("i-1", {"idea": "A barge"}), "undid “changed parked idea” i-1"),
    parking.delete: ((["i-1"],), "undid “deleted parked idea” i-1"),
    parking.promote: (("i-1", NewRun("A boat")), "undid “promoted an idea to run” (parked idea i-1)"),
    parking.create_run: ((NewRun("A well"),), "undid “created run” "),
}


def acts() -> Iterator[Callable[..., Change]]:
    """Each function that `writing.act` has made, as the rooms have them."""
    for room in (records, runs):
        for found in iter_modules(room.__path__, f"{room.__name__}."):
            for act in vars(import_module(found.name)).values():
                is_act = isinstance(act, FunctionType) and hasattr(act, "__wrapped__")
                if is_act and act.__module__ == found.name:
                    yield act


def test_an_undo_says_that_it_is_one_and_of_what(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    for statement in ROWS:
        sql.execute(statement)
    every = [*acts()]
    assert {*TRIED, notifications.mark} == {*every}
    for act in every[:: 1 if isinstance(engine, LocalDatabase) else 4]:  # what an entry says is said for both
        if act is notifications.mark:  # in both directions, below
            continue
        args, words = TRIED[act]
        told(engine, events, act, *args, words=words)
    for read, word in ((True, "read"), (False, "unread")):
        sql.execute("UPDATE notifications SET read = ?", (not read,))
        words = f"undid “marked as {word}” 1 notification"
        told(engine, events, notifications.mark, ["n-1", "n-2"], read=read, words=words)


def told(
    engine: Database, events: Events, act: Callable[..., Change], *args: Any, words: str, **how: Any
) -> None:
    before = len(events())
    done = act(engine, *args, **how, actor="ops", now=NOW)
    undone = writing.undo(engine, done, now=NOW)
    again = writing.undo(engine, undone, now=NOW)
    last = writing.undo(engine, again, now=NOW)
    found = events()[before:]
    kinds = [str(event.event_type) for event in done.events]
    count = len(kinds)
    first, back, redone, end = (found[at : at + count] for at in range(0, 4 * count, count))
    assert len(found) == 4 * count and [kind for _, kind, _ in first] == kinds
    assert not any({"undone", "redone"} & said.keys() for *_, said in first)
    assert {said["undone"] for *_, said in (*back, *end)} == {*kinds}
    assert [(kind, said["redone"]) for _, kind, said in redone] == [(kind, kind) for kind in kinds]
    assert not any("redone" in said for *_, said in (*back, *end)) and last.undoable
    assert back == end and [{**said, "redone": kind} for _, kind, said in first] == [one[2] for one in redone]
    (_, kind, said), (_, once_more, more) = back[-1], redone[-1]
    assert (summary(kind, json.dumps(said)) or "").startswith(f"ops {words}"), act
    assert (summary(once_more, json.dumps(more)) or "").startswith("ops redid “"), act
    assert AuditEvent(kind) and list(said)[:2] == ["actor", "undone"]  # where a list that cuts it shows it
