"""Rows that a person selected are known by their records, whatever has their numbers by now."""

import apsw
import pytest

from app.services.records.known import Known, top_of
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
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
