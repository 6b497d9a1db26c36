"""A file in the platform's schema that another program wrote down otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.records import notifications, runs, users, webhooks, writing
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import DECLARED, USERS
from app.services.records.webhooks import WebhookInput
from app.workers import scan_pool
from models.schema import inspect
from models.status import DAY, RunStatus
from tests.app.services.chain.test_append import assert_one_chain
from tests.conftest import NOW
from tests.fixtures import variants
from tests.fixtures.connected import connected
from tests.fixtures.retaining import retain

FILLED = f"""
INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES
  ('n1', 'acme', 'gate_wait', 0, {NOW}), ('n2', 'acme', 'gate_wait', 1, {NOW - 100 * DAY});
INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('r1', 'An idea', {NOW}, {NOW});
INSERT INTO planning_artifacts (id, run_id, phase, content, created_at) VALUES
  ('a1', 'r1', 'strategy', 'Text', {NOW});
"""


@pytest.mark.parametrize("written", [variants.upper_case, variants.without_rowid])
def test_everything_is_done_as_in_our_own(tmp_path: Path, written: Callable[[str], str]) -> None:
    path = variants.create(tmp_path / "other.sqlite", written(variants.schema()) + FILLED)
    with connected(path) as database:
        assert inspect(database).matches
        old = NOW - 100 * DAY
        hook = WebhookInput("CI", "https://hooks.acme.example/in")
        user = users.create(database, "acme", "a@acme.example", actor="ops", now=old)
        webhook = webhooks.create(database, "acme", hook, actor="ops", now=NOW)
        user_id, hook_id = (str(change.rows[0].record_id) for change in (user, webhook))
        changes = [
            users.rename(database, user_id, "b@acme.example", actor="ops", now=NOW),
            webhooks.set_active(database, [hook_id], False, actor="ops", now=NOW),
            notifications.mark(database, ["n1"], read=True, actor="ops", now=NOW),
            runs.set_status(database, ["r1"], RunStatus.PAUSED, actor="ops", now=NOW),
            users.delete(database, [user_id], actor="ops", now=NOW),
        ]
        for change in reversed(changes):
            writing.undo(database, change, now=NOW)
        assert read_record(database, USERS, user_id)["email"] == "a@acme.example"
        assert runs.get(database, "r1").artifacts
        lists = Lists(inspect(database))
        for table in DECLARED:
            listing = lists.open_list(database, ListQuery(table))
            assert len(listing.rows) == listing.total == len(lists.load_keys(database, ListQuery(table)))
        assert retain(database).removed["audit_chain"] == 1
        assert lists.count(database, ListQuery("notifications")) == 1
    assert_one_chain(path, "system")
    assert scan_pool.verify(path, now=NOW, processes=1).verdict == "CONSISTENT"
