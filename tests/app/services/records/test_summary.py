"""Each entry of the audit chain in one line."""

import json
from pathlib import Path

import pytest

from app.services.chain.rules import MARKER_EVENT
from app.services.demo import create_demo
from app.services.records.history import _LINES, summary, unnamed
from app.services.records.list_query import CELL_CHARACTERS
from models.status import AuditEvent
from tests.conftest import NOW
from tests.fixtures.window import ask


@pytest.mark.parametrize(
    ("event", "payload", "said"),
    [
        (
            "user_updated",
            {
                "actor": "mei.rossi@acme.example",
                "userId": "u1",
                "changes": {"email": {"from": "a@b", "to": "c@d"}},
            },
            "mei.rossi renamed user a@b → c@d",
        ),
        (
            "user_updated",
            {"userId": "u1", "changed": ["role", "locale"], "actor": "ops"},
            "ops changed role, locale of user u1",
        ),
        (
            "user_updated",
            {"userId": "u1", "changes": {"role": {"from": None, "to": "x"}}},
            "Changed user u1 (role: (none) → x)",
        ),
        ("user_created", {"userId": "u1", "email": "a@b"}, "Created user a@b"),
        (
            "user_updated",
            {"actor": "ops", "userId": "u1", "email": "a@b", "changes": {"password_hash": "set"}},
            "ops changed user a@b (password set)",
        ),
        (
            "user_updated",
            {"userId": "u1", "changes": {"password_hash": "set"}, "undone": "user_updated"},
            "Undid “changed user” u1 (password brought back)",
        ),
        (
            "user_updated",
            {"userId": "u1", "changes": {"email": {"from": "a", "to": "b"}}, "undone": "user_updated"},
            "Undid “renamed user” a → b",
        ),
        (
            "user_moved",
            {"actor": "ops", "email": "a@b", "changes": {"tenant_id": {"from": "acme", "to": "globex"}}},
            "ops moved user a@b to globex from acme",
        ),
        ("users_created", {"actor": "ops", "count": 1200}, "ops created 1,200 users"),
        ("notifications_read", {"actor": "ops", "count": 1}, "ops marked as read 1 notification"),
        (
            "notifications_created",
            {"actor": "ops", "count": 1, "notificationIds": ["n"], "type": "t", "title": "Down on Sunday"},
            "ops created notification Down on Sunday",
        ),
        (
            "workflow_completed",
            {"runId": "r1", "phase": "strategy", "actor": "workflow"},
            "workflow completed strategy of r1",
        ),
        (
            "workflow_dispatched",
            {"runId": "run_01KZ2S02NJXMCWGAPNH6B60QCN", "phase": "strategy", "actor": "ops"},
            "ops began strategy of run_…0QCN",
        ),
        (
            "user_updated",
            {"userId": "usr_01KWHMM580CY53PVZ50Y65ZT7R", "changed": ["name"], "actor": "ops"},
            "ops changed name of user usr_…ZT7R",
        ),
        ("settings_changed", {"setting": "mode", "from": "manual", "to": [1]}, "Changed mode: manual → [1]"),
        (
            "retention_completed",
            {"actor": "ops", "removed": {"a": 1200, "b": 3}},
            "ops completed retention: 1,203 rows",
        ),
        (
            MARKER_EVENT,
            {"fromSeq": 1, "toSeq": 300, "count": 120},
            "Removed 120 entries, the last of them 300",
        ),
        ("database_restored", {"source": "old.sqlite"}, "Restored the database from old.sqlite"),
        ("database_restored", {"actor": "ops", "bookmark": "0a-1"}, "ops restored the database from 0a-1"),
        ("user_created", {"actor": "ops"}, None),
        ("user login", {"actor": "ops", "userId": "u1"}, None),
    ],
)
def test_who_did_what_is_one_line(event: str, payload: dict[str, object], said: str | None) -> None:
    assert summary(event, json.dumps(payload)) == said


def test_what_is_called_somehow_stands_in_the_place_of_its_id() -> None:
    run, user = "run_0123456789", "usr_0123456789"
    done, changed = {"runId": run, "phase": "synthesis"}, {"userId": user, "changed": ["role"]}
    assert summary("workflow_completed", json.dumps(done)) == "Completed synthesis of run_…6789"
    assert summary("workflow_completed", json.dumps(done), {run: "A café"}) == "Completed synthesis of A café"
    assert summary("user_updated", json.dumps(changed), {user: "ada@x.example"}) == (
        "Changed role of user ada@x.example"
    )
    assert unnamed("workflow_completed", json.dumps(done)) == [("runId", run)]
    assert unnamed("user_updated", json.dumps(changed)) == [("userId", user)]
    assert unnamed("user_created", json.dumps({**changed, "email": "a@x.example"})) == []
    assert unnamed("login", json.dumps(changed)) == unnamed("user_updated", None) == []


@pytest.mark.parametrize("payload", ["", "{", "[1]", "null", "[" * 3000, None, b"x", 7, '{"count": "9"}'])
def test_what_is_no_payload_of_its_type_has_none(payload: object) -> None:
    assert {summary(kind, payload) for kind in (*AuditEvent, MARKER_EVENT, None, 5)} == {None}


def test_of_a_payload_that_a_list_cuts_whole_fields_count() -> None:
    long = json.dumps({"actor": "ops", "count": 12, "notificationIds": ["x" * 40] * 30})[:CELL_CHARACTERS]
    assert summary("notifications_read", long) == "ops marked as read 12 notifications"
    for cut in range(CELL_CHARACTERS, CELL_CHARACTERS + 40):
        payload = json.dumps({"actor": "o" * (cut - 40), "count": 123456789})[:CELL_CHARACTERS]
        said = summary("notifications_read", payload)
        assert said is None or said.endswith("123,456,789 notifications")


def test_every_type_of_the_demo_has_a_line(tmp_path: Path) -> None:
    create_demo(tmp_path / "demo.sqlite", rows=2000, now=NOW)
    kinds = ask(tmp_path / "demo.sqlite", "SELECT event_type, payload FROM audit_chain GROUP BY event_type")
    assert len(kinds) >= 8
    assert [kind for kind, payload in kinds if summary(kind, payload) is None] == []


def test_no_type_of_ours_lacks_a_line() -> None:
    assert set(_LINES) == {*AuditEvent, MARKER_EVENT}
    payload = {"actor": "ops", "tenant": "acme", "removed": {"users": 3}, "copy": "a.sqlite"}
    assert summary(AuditEvent.TENANT_ERASED, json.dumps(payload)) == "ops erased tenant acme"
