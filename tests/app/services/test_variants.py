"""A file in the platform's schema that another program wrote down otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.chain.where import InFile
from app.services.files.exporting import Wanted, write_sql
from app.services.files.importing import import_dump
from app.services.records import notifications, users, webhooks, writing
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import DECLARED, USERS
from app.services.records.webhooks import WebhookInput
from app.services.runs import statuses
from app.workers import scan_pool
from models.engine import Database
from models.schema import inspect
from models.status import DAY, RunStatus
from tests.app.services.chain.test_append import assert_one_chain
from tests.conftest import NOW
from tests.fixtures import variants
from tests.fixtures.connected import connected
from tests.fixtures.retaining import retain
from tests.fixtures.stored import stored

FILLED = f"""
INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES
  ('n1', 'acme', 'gate_wait', 0, {NOW}), ('n2', 'acme', 'gate_wait', 1, {NOW - 100 * DAY});
INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('r1', 'An idea', {NOW}, {NOW});
INSERT INTO planning_artifacts (id, run_id, phase, content, created_at) VALUES
  ('a1', 'r1', 'strategy', 'Text', {NOW});
"""


@pytest.fixture(params=[variants.upper_case, variants.without_rowid], ids=["upper case", "without rowid"])
def database_path(request: pytest.FixtureRequest, tmp_path: Path, served: Callable[[Path], Path]) -> Path:
    written = request.param(variants.schema()) + FILLED
    return served(variants.create(tmp_path / "other.sqlite", written))


def test_it_goes_out_and_comes_in_whole(database_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.sql"
    with connected(database_path, read_only=True) as database:
        assert write_sql(database, out, Wanted()).notes == []
    assert stored(import_dump(out, tmp_path / "in.sqlite").path) == stored(database_path)


def test_everything_is_done_as_in_our_own(engine: Database, database_path: Path) -> None:
    assert inspect(engine).matches
    old = NOW - 100 * DAY
    hook = WebhookInput("CI", "https://hooks.acme.example/in")
    user = users.create(engine, "acme", "a@acme.example", actor="ops", now=old)
    webhook = webhooks.create(engine, "acme", hook, actor="ops", now=NOW)
    user_id, hook_id = (str(change.rows[0].record_id) for change in (user, webhook))
    changes = [
        users.rename(engine, user_id, "b@acme.example", actor="ops", now=NOW),
        webhooks.set_active(engine, [hook_id], False, actor="ops", now=NOW),
        notifications.mark(engine, ["n1"], read=True, actor="ops", now=NOW),
        statuses.set_status(engine, ["r1"], RunStatus.PAUSED, actor="ops", now=NOW),
        users.delete(engine, [user_id], actor="ops", now=NOW),
    ]
    for change in reversed(changes):
        writing.undo(engine, change, now=NOW)
    assert read_record(engine, USERS, user_id)["email"] == "a@acme.example"
    assert statuses.get(engine, "r1").artifacts
    lists = Lists(inspect(engine))
    for table in DECLARED:
        listing = lists.open_list(engine, ListQuery(table))
        assert len(listing.rows) == listing.total == len(lists.load_keys(engine, ListQuery(table)))
    assert retain(engine).removed["audit_chain"] == 1
    assert lists.count(engine, ListQuery("notifications")) == 1
    assert_one_chain(database_path, "system")
    assert scan_pool.verify(InFile(database_path), now=NOW, processes=1).verdict == "CONSISTENT"
