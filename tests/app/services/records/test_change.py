"""What a change means for a list, where no row of it is named, and for secrets that an act makes."""

from dataclasses import replace

import pytest

from app.services.records import users
from app.services.records.change import Change, effect_on
from app.services.records.list_query import ListQuery
from app.services.records.tables import DECLARED, USERS, ColumnKind
from models.local.database import LocalDatabase
from tests.conftest import NOW


def test_rows_that_went_in_bulk_may_be_any_of_the_list() -> None:
    change = Change("Retention removed 2 rows", (), (), bulk=frozenset({"notifications"}))
    assert change.tables == {"notifications"}
    effect = effect_on(ListQuery("notifications"), change)
    assert effect.moves
    assert effect.touches("any record")
    assert not effect_on(ListQuery("users"), change).moves


def test_an_act_may_have_made_whatever_its_table_declares_secret(
    database: LocalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file alone: nothing of it goes by what answers."""
    change = users.create(database, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert not change.may_generate
    columns = tuple(
        replace(one, kind=ColumnKind.PRESENCE) if one.source == "email" else one for one in USERS.columns
    )
    monkeypatch.setitem(DECLARED, USERS.name, replace(USERS, columns=columns))
    assert change.may_generate
