"""A live database as it opens: to its rows in three requests, never one that is not there, as a file is."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from app.services.files.opening import open_database
from app.services.live import connecting
from app.services.live.connecting import OpenedLive, open_live
from app.services.live.connections import NamedConnection, Tokens
from app.services.opened import NotAFile
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from models.d1.errors import UnknownDatabase
from models.engine import Capability
from models.local.database import LocalDatabase
from models.status import DAY
from tests.conftest import NOW
from tests.d1.edge import ACCOUNT, TOKEN, before
from tests.fixtures import chains
from tests.fixtures.connected import execute
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.live import Live
from tests.fixtures.retaining import retain

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]


def opened(connection: NamedConnection) -> OpenedLive:
    return open_live(*connecting.database(connection, Tokens(None)))


def test_it_opens_as_a_file_of_it_does(live: Live, database_path: Path) -> None:
    execute(
        database_path,
        "DROP TABLE notifications",
        "ALTER TABLE users ADD COLUMN nickname TEXT",
        *(INTO_USERS + f"('{name}', '{name}', '{name}', NULL, 1, 1)" for name in ("b-corp", "ärzte", "acme")),
    )
    connection = live.connection(live.put(database_path, listed=True), production=True)
    found, as_file = opened(connection), open_database(database_path)
    assert found.database.client.meter.calls == 4, "one more where a table is missing"
    assert found.schema == as_file.schema
    assert found.tenants == as_file.tenants == ("acme", "b-corp", "ärzte")
    assert not found.read_only and found.place == "d1:prod"
    assert found.name in found.whole_place and connection.database_id in str(found.kept_by)
    assert {"users": 3, "planning_runs": 0}.items() <= found.sizes.items()
    assert found.facts[:2] == ("wrangler dev", "d1:prod") and found.facts[2].startswith("4 requests, ")
    assert "missing table: notifications" in found.lines() and found.to_json()["production"] is True
    with as_file.database.connection_context():
        assert found.with_counts().rows == as_file.with_counts().rows


def test_its_first_rows_are_there_in_three_requests(live: Live, database_path: Path) -> None:
    """Of an account's by its name; of `wrangler dev`, which is asked for its list, where it is as made."""
    execute(database_path, INTO_USERS + "('a', 'acme', 'a', NULL, 1, 1)")
    connection = replace(live.connection(live.put(database_path, listed=True)), database_name="foundation")
    local = opened(connection)
    assert local.tenants == ("acme",) == open_database(database_path).tenants
    assert local.sizes["users"] == 1
    assert Lists(local.schema).open_list(local.database, ListQuery("users")).total == 1
    assert local.database.client.meter.calls == 3
    with before(live.direct) as edge:
        connection = replace(connection, account=ACCOUNT, base=edge.base)
        tokens = Tokens(None)
        tokens.keep(connection, TOKEN)
        found = open_live(*connecting.database(connection, tokens))
        listing = Lists(found.schema).open_list(found.database, ListQuery("users"))
        assert (found.name, listing.total, len(listing.rows), len(edge.calls)) == ("foundation", 1, 1, 3)
        found.database.release()


def test_when_retention_last_ran_takes_no_request_more(
    live: Live, database: LocalDatabase, database_path: Path
) -> None:
    chains.append(database.connection(), "acme", [NOW - 95 * DAY, NOW - DAY])
    retain(database, now=NOW)
    list(database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    connection = live.connection(live.put(database_path, listed=True))
    found = opened(connection)
    assert found.last_run == NOW and found.database.client.meter.calls == 2


def test_no_table_is_said_to_have_more_rows_than_there_is_room_for(live: Live, database_path: Path) -> None:
    row = "INSERT INTO users (rowid, id, tenant_id, email, created_at, updated_at) VALUES "
    execute(database_path, *(f"{row} ({at}, '{at}', 'a', '{at}', 1, 1)" for at in (-(2**62), 2**62)))
    found = opened(live.connection(live.put(database_path, listed=True)))
    assert 2 <= found.sizes["users"] <= database_path.stat().st_size


def test_it_has_no_file(live: Live, database_path: Path) -> None:
    found = opened(live.connection(live.put(database_path, listed=True)))
    assert found.file is None and Capability.CHILD_SCAN not in found.database.capabilities
    with pytest.raises(NotAFile, match="live database"):
        _ = found.path


def test_what_changes_the_meaning_of_a_write_keeps_it_read_only(live: Live, database_path: Path) -> None:
    execute(database_path, "CREATE TRIGGER spy AFTER DELETE ON users BEGIN DELETE FROM audit_chain; END")
    found = opened(live.connection(live.put(database_path, listed=True)))
    assert found.read_only_reason is not None
    assert found.read_only_reason == open_database(database_path).read_only_reason


def test_one_that_is_not_there_is_not_made(live: Live, database_path: Path) -> None:
    there = live.connection(live.put(database_path, listed=True))
    before = set(live.state.glob("*.sqlite"))  # without what comes and goes beside those of other tests
    with pytest.raises(UnknownDatabase):
        opened(replace(there, database_id=str(uuid4())))
    assert set(live.state.glob("*.sqlite")) == before
