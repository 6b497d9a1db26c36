"""Notifications that an administrator writes, to one tenant or to many."""

from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.records import composing, writing
from app.services.records.composing import Composed, compose
from app.workers import scan_pool
from models.engine import Database
from models.errors import Cancelled, ChangedSince, InvalidInput, NothingToDo
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.app.services.conftest import Events
from tests.conftest import NOW

NOTE = Composed("maintenance", "Down on Sunday", "From 8 to 9.\nNothing to do.", '{ "runId": "run_1" }')


def rows(sql: apsw.Connection) -> list[tuple[object, ...]]:
    columns = "tenant_id, type, title, message, metadata, read, created_at"
    return [*sql.execute(f"SELECT {columns} FROM notifications ORDER BY tenant_id")]


def test_each_tenant_has_one_and_an_entry_and_all_of_it_is_taken_back_at_once(
    engine: Database, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    change = compose(engine, ["globex", "acme", "globex"], NOTE, actor="ops", now=NOW)
    assert change.summary == "2 notifications created for 2 tenants"
    said = ("maintenance", "Down on Sunday", "From 8 to 9.\nNothing to do.", '{"runId":"run_1"}', 0, NOW)
    there = [("acme", *said), ("globex", *said)]
    assert rows(sql) == there
    ids = dict(sql.execute("SELECT tenant_id, id FROM notifications"))
    named = {"actor": "ops", "count": 1, "type": "maintenance", "title": "Down on Sunday"}
    assert events() == [
        (tenant, "notifications_created", {**named, "notificationIds": [ids[tenant]]})
        for tenant in ("globex", "acme")
    ]
    undone = writing.undo(engine, change, now=NOW)
    assert rows(sql) == []
    back = {"actor": "ops", "undone": "notifications_created", "count": 1}
    assert events()[2:] == [
        (tenant, "notifications_deleted", {**back, "notificationIds": [ids[tenant]]})
        for tenant in ("globex", "acme")
    ]
    writing.undo(engine, undone, now=NOW)
    assert rows(sql) == there and dict(sql.execute("SELECT tenant_id, id FROM notifications")) == ids
    report = scan_pool.verify(InFile(database_path), now=NOW)
    assert (report.entries, list(report.findings)) == (6, [])


def test_what_was_read_since_is_not_taken_back(engine: Database, sql: apsw.Connection) -> None:
    change = compose(engine, ["acme", "globex"], NOTE, actor="ops", now=NOW)
    sql.execute("UPDATE notifications SET read = 1 WHERE tenant_id = 'acme'")
    with pytest.raises(ChangedSince, match="read"):
        writing.undo(engine, change, now=NOW)
    assert len(rows(sql)) == 2


TENANTS = [f"tenant-{number:04}" for number in range(1_000)]


def test_a_thousand_are_one_act(engine: Database, sql: apsw.Connection, events: Events) -> None:
    compose(engine, TENANTS, NOTE, actor="ops", now=NOW)
    assert [row[0] for row in rows(sql)] == TENANTS
    assert [tenant for tenant, *_ in events()] == TENANTS


def test_it_tells_how_far_it_is_and_leaves_nothing_when_it_is_cancelled(
    database: LocalDatabase, sql: apsw.Connection, events: Events
) -> None:
    """In a file; a live database is sent all of it in one request."""
    told: list[tuple[int, int]] = []
    monitor = Monitor(lambda done, total: told.append((done, total)), lambda: bool(told))
    with pytest.raises(Cancelled):
        compose(database, TENANTS, NOTE, monitor=monitor, actor="ops", now=NOW)
    assert told and rows(sql) == [] and events() == []


def test_nothing_but_what_may_be_stored_is_taken(engine: Database, sql: apsw.Connection) -> None:
    for note, field in (
        (Composed("", "Title"), "type"),
        (Composed("type", " "), "title"),
        (Composed("type", "two\nlines"), "title"),
        (Composed("type", "Title", "\u202eturned"), "message"),
        (Composed("type", "Title", "x" * 10_001), "message"),
        (Composed("type", "Title", "", "[1]"), "metadata"),
        (Composed("type", "Title", "", "{"), "metadata"),
        (Composed("type", "Title", "", '{"score":NaN}'), "metadata"),
        (Composed("type", "Title", "", '{"a":' * 20_000), "metadata"),
    ):
        with pytest.raises(InvalidInput) as error:
            compose(engine, ["acme"], note, actor="ops", now=NOW)
        assert error.value.field == field
    with pytest.raises(NothingToDo):
        compose(engine, [], NOTE, actor="ops", now=NOW)
    assert rows(sql) == []


def test_metadata_are_written_as_the_platform_does() -> None:
    assert composing.valid_metadata(' {\n "runId": "é", "n": 1.5 } ') == '{"runId":"é","n":1.5}'
    assert composing.valid_metadata("  ") is None
