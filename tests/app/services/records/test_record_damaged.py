"""Of a damaged table every row that can be read is found, and no other."""

from pathlib import Path

import pytest

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import readable_keys
from app.services.records.tables import Scope
from models.engine import raw
from models.errors import DamagedFile
from models.local.database import LocalDatabase
from models.schema import inspect
from tests.fixtures.connected import connected, execute
from tests.fixtures.damage import lead_back, spoil
from tests.fixtures.sample import sample

AUDIT = ListQuery("audit_chain")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=120, tenants=2)


def keys(database: LocalDatabase) -> list[int]:
    return list(readable_keys(database, inspect(database).stored["audit_chain"]))


@pytest.mark.parametrize("leaf", [0, 1, -1])
def test_the_rows_around_a_damaged_page_are_found(
    path: Path, monkeypatch: pytest.MonkeyPatch, leaf: int
) -> None:
    spoil(path, "audit_chain", leaf)
    if leaf == -1:  # behind it there is nothing; the others find their rows by as many tries as the program's
        monkeypatch.setattr("app.services.records.record._ONE_BY_ONE", 100)
    with connected(path) as database:
        found = keys(database)
        with pytest.raises(DamagedFile):
            database.rows(raw("SELECT max(payload) FROM audit_chain NOT INDEXED"))
    gone = sorted(set(range(1, 121)) - set(found))
    assert 2 <= len(gone) <= 60 and gone == list(range(gone[0], gone[-1] + 1))
    assert found == sorted(found)


@pytest.mark.parametrize("leaf", [1, -1])
def test_rows_to_which_pages_lead_back_are_found_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, leaf: int
) -> None:
    """They came again and again, without an end."""
    lead_back(path, "audit_chain", leaf)
    monkeypatch.setattr("app.services.records.record._ONE_BY_ONE", 100)
    with connected(path) as database:
        found = keys(database)
    assert found == sorted(set(found)) and {1, 2} <= set(found) and 60 <= len(found) < 120


def test_all_rows_of_a_sound_table_are(path: Path) -> None:
    execute(path, "DELETE FROM audit_chain WHERE seq IN (1, 60)")
    execute(path, "UPDATE audit_chain SET payload = CAST(x'ff' AS TEXT) WHERE seq = 61")
    with connected(path) as database:
        assert keys(database) == [*range(2, 60), *range(61, 121)]


def test_a_list_shows_them_in_its_order_with_its_filters(path: Path) -> None:
    spoil(path, "audit_chain")
    with connected(path) as database:
        lists, found = Lists(inspect(database)), keys(database)
        with pytest.raises(DamagedFile):
            lists.open_list(database, AUDIT)
        assert database.damaged
        listing = lists.open_readable(database, AUDIT)
        assert list(listing.keys) == found[::-1] and listing.complete
        assert [row and row[0] for row in listing.rows] == found[::-1]
        (tenant,) = database.rows(raw("SELECT tenant_id FROM audit_chain WHERE seq = ?", found[0]))[0]
        own = lists.open_readable(database, ListQuery("audit_chain", Scope(tenant)))
        assert 0 < own.total < len(found) and found[0] in own.keys
