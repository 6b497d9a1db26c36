"""Notifications by run or type."""

import json
import os
import time
from dataclasses import replace

import apsw
import pytest

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.note_groups import BY_RUN, MOST, groups
from models.engine import Database
from models.local.database import LocalDatabase
from models.schema import inspect

NOTES = ListQuery("notifications")
MANY = int(os.environ.get("TENANT_ADMIN_GROUPED", "3000"))
ODD = (
    *(None, "no json", "[1]", '{"runId":7}', '{"runId":""}', '{"other":"r1"}'),
    *(b"{}", b'{"runId":"r1"}', "[" * 5_000),
)


def add(sql: apsw.Connection, key: str, kind: str, read: int, *, at: object, metadata: object) -> None:
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at, metadata)"
        " VALUES (?, 'acme', ?, ?, ?, ?)",
        (key, kind, read, at, metadata),
    )


def filled(engine: Database, sql: apsw.Connection) -> Lists:
    columns = "id, idea, created_at, updated_at"
    sql.execute(f"INSERT INTO planning_runs ({columns}) VALUES ('r1', 'Voice notes', 1, 1)")
    for number, (kind, read, run) in enumerate(
        [("info", 0, "r1"), ("info", 1, "r1"), ("alert", 0, "gone"), ("alert", 0, "gone"), ("alert", 1, "r1")]
    ):
        add(sql, f"n{number}", kind, read, at=100 + number, metadata=json.dumps({"runId": run}))
    for number, metadata in enumerate(ODD):
        add(sql, f"odd{number}", "odd", 1, at=50, metadata=metadata)
    return Lists(inspect(engine))


def test_each_run_and_each_type_says_how_many_it_has(engine: Database, sql: apsw.Connection) -> None:
    lists = filled(engine, sql)
    found = [
        (group.value, group.unread, group.rows, group.latest, group.title)
        for group in groups(engine, lists, NOTES, BY_RUN).first
    ]
    assert found == [("gone", 2, 2, 103, ""), ("r1", 1, 3, 104, "Voice notes"), (None, 0, len(ODD), 50, "")]
    by_type = [
        (group.value, group.unread, group.rows) for group in groups(engine, lists, NOTES, "type").first
    ]
    assert by_type == [("alert", 2, 3), ("info", 1, 2), ("odd", 0, len(ODD))]
    unread = replace(NOTES, choices=(("read", (0,)), ("type", ("info",))))
    assert [group.value for group in groups(engine, lists, unread, "type").first] == ["alert", "info"]


def test_a_group_is_a_filter_of_the_list(engine: Database, sql: apsw.Connection) -> None:
    lists = filled(engine, sql)
    for group in groups(engine, lists, NOTES, BY_RUN).first:
        assert lists.count(engine, replace(NOTES, choices=((BY_RUN, (group.value,)),))) == group.rows


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("NOTES", ["r1"]),  # by what the run is about
        ("gON", ["gone"]),
        ("ÉÉ", []),
        ("%", []),
        ("o" * 60_000, []),
    ],
)
def test_a_group_is_found_by_its_value_and_by_what_its_run_is_about(
    engine: Database, sql: apsw.Connection, text: str, values: list[str]
) -> None:
    found = groups(engine, filled(engine, sql), NOTES, BY_RUN, text)
    assert [group.value for group in found.first] == values and found.match[0] == len(values)
    assert (found.groups, found.rows, found.unread) == ((3, 2, 2), 5 + len(ODD), 3), "of all of them"


@pytest.mark.slow
def test_many_are_grouped_in_a_moment_and_no_more_than_can_be_read_are_told(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    with sql:
        for number in range(MANY):
            add(sql, f"n{number}", "info", 0, at=number, metadata=json.dumps({"runId": f"r{number % 700}"}))
    lists = Lists(inspect(database))
    begun = time.perf_counter()
    found = groups(database, lists, NOTES, BY_RUN)
    took = time.perf_counter() - begun
    assert len(found.first) == MOST and took < 5, took
    assert (found.match, found.groups, found.rows, found.unread) == ((700, 700, 0), (700, 700, 0), MANY, MANY)
    beyond = groups(database, lists, NOTES, BY_RUN, "R69")
    last = {group.value for group in found.first}
    assert [group.value for group in beyond.first if group.value not in last], "out of reach but for this"
    assert (len(beyond.first), beyond.match[0], beyond.groups[0], beyond.rows) == (11, 11, 700, MANY)
