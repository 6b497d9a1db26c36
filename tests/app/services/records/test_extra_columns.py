"""Columns that only the file has, in its lists: in their storage classes, sorted, and filtered by."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.rows import GLIMPSED, Glimpse, RawText, Value
from app.services.records.tables import USERS
from models.engine import Database
from models.schema import inspect
from tests.fixtures.connected import execute

LONG = "ä" * 300
STORED = {
    "u0": ("NULL", None),
    "u1": ("7", 7),
    "u2": ("'7'", "7"),
    "u3": ("7.0", 7.0),
    "u4": ("x'37'", b"7"),
    "u5": ("''", ""),
    "u6": ("9007199254740993", 2**53 + 1),
    "u7": ("-9e999", float("-inf")),
    "u8": ("'Zoe'", "Zoe"),
    "u9": ("'adam'", "adam"),
}
"""Each user's value of a column without a type, in SQL and as it is."""


@pytest.fixture
def lists(engine: Database, database_path: Path) -> Lists:
    execute(
        database_path,
        "ALTER TABLE users ADD COLUMN plan",
        "ALTER TABLE users ADD COLUMN api_token TEXT",
        "ALTER TABLE users ADD COLUMN has_password TEXT",  # which is what a column of ours is called
        *(
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at, plan, api_token) VALUES"
            f" ('{name}', 'acme', '{name}@x.example', 1, 1, {sql}, {'NULL' if name == 'u0' else repr(name)})"
            for name, (sql, _) in STORED.items()
        ),
    )
    return Lists(inspect(engine))


def query(**how: Any) -> ListQuery:
    return replace(ListQuery("users", sort="id"), extra=("plan", "api_token"), **how)


def read(engine: Database, lists: Lists, wanted: ListQuery) -> dict[str, tuple[Value, ...]]:
    return {str(row[0]): row[len(USERS.names) :] for row in lists.open_list(engine, wanted).rows if row}


def test_each_is_shown_in_its_storage_class_and_of_a_secret_whether_it_is_there(
    engine: Database, lists: Lists
) -> None:
    found = read(engine, lists, query())
    values = {name: Glimpse.of(str(plan)) for name, (plan, _) in found.items()}
    for name, (_, value) in STORED.items():
        assert (type(values[name].value), values[name]) == (type(value), Glimpse(value)), name
    assert {name: token for name, (_, token) in found.items()} == dict.fromkeys(STORED, 1) | {"u0": 0}
    assert set(read(engine, lists, replace(query(), extra=())).values()) == {(None, None)}
    assert query() == replace(query(), extra=()) and ListQuery.of(query().document()).extra == query().extra


def test_the_beginning_of_what_is_long_and_text_that_is_none(
    engine: Database, lists: Lists, database_path: Path
) -> None:
    raw = "CAST(x'41ff' AS TEXT)"
    for name, sql in (
        ("u1", f"'x{LONG}'"),
        ("u2", "zeroblob(1000)"),
        ("u3", raw),
        ("u4", "'a' || char(0) || 'b'"),
    ):
        execute(database_path, f"UPDATE users SET plan = {sql} WHERE id = '{name}'")
    found = read(engine, lists, query())
    values = [Glimpse.of(str(found[name][0])) for name in ("u1", "u2", "u3", "u4")]
    assert values == [
        Glimpse("x" + LONG[: (GLIMPSED - 1) // 2], whole=False),
        Glimpse(bytes(GLIMPSED), whole=False),
        Glimpse(RawText(b"A\xff")),
        Glimpse("a\0b"),
    ]


def test_sorted_by_one_and_found_in_its_place(engine: Database, lists: Lists) -> None:
    ordered = ["u0", "u7", "u1", "u3", "u6", "u5", "u2", "u9", "u8", "u4"]
    for descending in (False, True):
        by = query(sort="plan", descending=descending)
        names = [*read(engine, lists, by)]
        assert names == (ordered if not descending else ordered[::-1]) or {names[2], names[3]} == {"u1", "u3"}
        places = [lists.locate(engine, by, name) for name in names]
        assert [place and place[0] for place in places] == [*range(len(names))]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("u0", "u0"), ("u1", "u1 u3"), ("u2", "u2"), ("u4", "u4"), ("u5", "u5"), ("u6", "u6"), ("u7", "u7")],
)
def test_filtered_by_a_value_the_row_that_has_it_stays(
    engine: Database, lists: Lists, name: str, kept: str
) -> None:
    keys = dict(zip(STORED, lists.load_keys(engine, query()), strict=True))
    value = lists.value_at(engine, query(), keys[name], "plan")
    assert value is not None
    assert [*read(engine, lists, query(choices=(("plan", value),)))] == kept.split()
    both = query(choices=(("plan", (*value, "adam")),))
    assert [*read(engine, lists, both)] == [*kept.split(), "u9"]
    assert [*read(engine, lists, query(choices=(("api_token", (0,)),)))] == ["u0"]
