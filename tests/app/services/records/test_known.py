"""Rows that a person selected are known by their records, whatever has their numbers by now."""

from dataclasses import replace

import apsw
import pytest

from app.services.records.known import Chosen, Known, top_of
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import USERS as USERS_TABLE
from models.engine import Database
from models.errors import RowChanged
from models.schema import inspect
from tests.fixtures.inserting import INTO_USERS

USERS = ListQuery("users")
KEYS = range(1, 6)


@pytest.fixture
def lists(engine: Database, sql: apsw.Connection) -> Lists:
    for number in KEYS:
        add(sql, f"usr_{number}")
    return Lists(inspect(engine))


def add(sql: apsw.Connection, record_id: str) -> None:
    sql.execute(f"{INTO_USERS} (?, 'acme', ?, NULL, 1, 1)", (record_id, f"{record_id}@x.example"))


def delete(sql: apsw.Connection, *numbers: int) -> None:
    for number in numbers:
        sql.execute("DELETE FROM users WHERE rowid = ?", (number,))


def test_a_number_that_another_record_has_is_left_out(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    known = Known({key: f"usr_{key}" for key in KEYS}, top_of(lists, engine, USERS, KEYS))
    assert known.still(lists, engine, USERS, KEYS) is KEYS
    delete(sql, 2, 5)
    add(sql, "newcomer")
    assert lists.ids_of(engine, USERS, KEYS)[5] == "newcomer"
    assert [*known.still(lists, engine, USERS, KEYS)] == [1, 2, 3, 4]


def test_where_the_last_row_is_there_no_number_below_was_given_again(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    known = Known({1: "usr_1"}, top_of(lists, engine, USERS, KEYS))
    assert known.top == (5, "usr_5")
    delete(sql, 4)
    add(sql, "newcomer")
    assert known.still(lists, engine, USERS, KEYS) is KEYS


@pytest.mark.parametrize("adds", [False, True])
def test_where_the_last_row_has_gone_rows_that_were_not_shown_are_not_acted_on(
    lists: Lists, engine: Database, sql: apsw.Connection, *, adds: bool
) -> None:
    known = Known({1: "usr_1"}, top_of(lists, engine, USERS, KEYS))
    delete(sql, 4, 5)
    if adds:
        add(sql, "newcomer")
    assert known.still(lists, engine, USERS, [1]) == [1]
    with pytest.raises(RowChanged):
        known.still(lists, engine, USERS, KEYS)


def test_the_greatest_number_of_a_list_in_any_order(lists: Lists, engine: Database) -> None:
    assert top_of(lists, engine, USERS, [3, 5, 1]) == (5, "usr_5")
    assert top_of(lists, engine, USERS, range(5, 0, -1)) == (5, "usr_5")
    assert top_of(lists, engine, USERS, range(0)) is None
    assert top_of(lists, engine, USERS, ["usr_1"]) is None


def chosen(lists: Lists, keys: Keys, known: Known) -> Chosen:
    return Chosen(lists, USERS, keys, known)


def test_what_acts_read_of_the_chosen_is_of_their_records_alone(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    these = chosen(lists, [5, 1, 3], Known({key: f"usr_{key}" for key in KEYS}))
    columns = [USERS_TABLE.of_file(name) for name in ("id", "tenant_id")]
    for expected in (["usr_5", "usr_1", "usr_3"], ["usr_1", "usr_3"]):
        assert list(these.ids(engine)) == expected
        assert [row[0] for row in these.rows(engine, ("id", "email"))] == expected
        assert [row[0] for row in these.stored_rows(engine, columns)] == expected
        delete(sql, 4, 5)
        add(sql, "another")
        add(sql, "newcomer")
    assert lists.ids_of(engine, USERS, [5]) == {5: "newcomer"}


def test_what_acts_read_of_rows_that_were_never_shown_is_refused_where_the_last_one_has_gone(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    as_added = replace(USERS, as_added=True)
    for query in (USERS, as_added, replace(USERS, sort="email"), replace(USERS, text="usr_")):
        listing = lists.open_list(engine, query)
        assert listing.last == lists.load_known(engine, query)[1]
        assert listing.last == (5, "usr_5") or not engine.costs
    known = Known({1: "usr_1"}, (5, "usr_5"))
    assert list(chosen(lists, KEYS, known).ids(engine)) == [f"usr_{key}" for key in KEYS]
    delete(sql, 5)
    add(sql, "newcomer")
    assert list(chosen(lists, [1], known).ids(engine)) == ["usr_1"]
    with pytest.raises(RowChanged):
        list(chosen(lists, [1, 5], known).ids(engine))
    sql.execute("DELETE FROM users")
    assert lists.open_list(engine, as_added).last is None
