"""Which webhooks each ready view has."""

from dataclasses import replace

import apsw

from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.tables import EVERYONE, RANK, Scope
from app.services.records.webhooks import WebhookView, members, read_rows, why_not
from models.engine import Database
from models.schema import inspect

_INSERT = (
    "INSERT INTO webhook_destinations (id, tenant_id, name, hostname, url, secret, active, events,"
    " created_at, updated_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, 1, 1)"
)
ROWS = [
    ("sound", "a", "h.example", "https://h.example/1", "s", 1, "*"),
    ("other tenant", "b", "h.example", "https://h.example/1", "s", 1, "*"),
    ("twin 1", "a", "h.example", "https://h.example/2", "s", 1, "*"),
    ("twin 2", "a", "h.example", "https://h.example/2", "s", 0, "run_killed"),
    ("silent", "a", "h.example", "https://h.example/3", "s", 1, " , "),
    ("off", "a", "h.example", "https://h.example/4", "s", 0, ""),
    ("no secret", "a", "h.example", "https://h.example/5", None, 1, "*"),
    ("empty secret", "b", "h.example", "https://h.example/6", "", 1, "*"),
    ("elsewhere", "a", "else.example", "https://h.example/7", "s", 1, "*"),
    ("failing", "a", "h.example", "https://h.example/8", "s", 1, "*"),
    (b"\x00", "a", "h.example", "https://h.example/9", None, 1, "*"),
]


def test_each_view_has_its_own(engine: Database, sql: apsw.Connection) -> None:
    sql.executemany(_INSERT, ROWS)
    found = members(engine, EVERYONE, {"failing"})
    assert set(found[WebhookView.DEAD]) == {"silent", "elsewhere", "failing"}
    assert set(found[WebhookView.DUPLICATE]) == {"twin 1", "twin 2"}
    assert set(found[WebhookView.UNSIGNED]) == {"no secret", "empty secret"}
    assert found[WebhookView.HOST_DIFFERS] == ("elsewhere",)
    assert members(engine, Scope("b"))[WebhookView.UNSIGNED] == ("empty secret",)
    assert members(engine, Scope("c")) == dict.fromkeys(WebhookView, ())


def test_a_list_of_more_than_a_statement_has_parameters_is_read(
    engine: Database, sql: apsw.Connection
) -> None:
    rows = [(f"wh_{number}", "a", "h.example", "https://h.example/", None, 1, "*") for number in range(300)]
    sql.executemany(_INSERT, rows)
    ids = members(engine, EVERYONE)[WebhookView.DUPLICATE]
    assert len(ids) == 300
    query = ListQuery("webhook_destinations", choices=(("id", ids[:250]),))
    lists = Lists(inspect(engine))
    assert len(lists.load_keys(engine, query)) == 250


def test_a_list_is_in_order_of_ranks_that_the_database_does_not_know(
    engine: Database, sql: apsw.Connection
) -> None:
    """As many ranks as a D1 takes, of more webhooks than a statement has parameters; NULL comes last."""
    rows = [(f"wh_{number:03}", "a", "h", "https://h/", None, 1, "*") for number in range(300)]
    sql.executemany(_INSERT, [*rows, (None, "a", "h", "https://h/", None, 1, "*")])
    ranks = tuple(tuple(f"wh_{number:03}" for number in range(rank, 280, 12)) for rank in reversed(range(12)))
    query = ListQuery("webhook_destinations", sort=RANK, ranks=ranks)
    lists = Lists(inspect(engine))
    keys = lists.load_keys(engine, query)
    ids = [row[0] for row in lists.load_page(engine, query, keys) if row is not None]
    assert ids[:280] == [one for rank in ranks for one in rank]
    assert ids[280:] == [*(f"wh_{number}" for number in range(280, 300)), None]
    assert lists.open_list(engine, query).keys[:200] == keys[:200]
    for place in (0, 14, 299):
        assert lists.locate(engine, query, ids[place]) == (place, keys[place])
    backwards = replace(query, descending=True)
    assert list(lists.load_keys(engine, backwards)) == list(keys)[::-1]
    assert lists.locate(engine, backwards, ids[14]) == (300 - 14, keys[14])
    assert len(lists.load_keys(engine, replace(query, ranks=()))) == 301


def test_who_receives_an_event_is_told_by_the_platforms_rule(engine: Database, sql: apsw.Connection) -> None:
    sql.executemany(
        _INSERT,
        [
            *ROWS,
            ("text flag", "c", "h.example", "https://h.example/1", None, "1", " run_started , run_killed"),
            ("star in a list", "c", "h.example", "https://h.example/2", None, 1, "*,run_started"),
            ("begins alike", "c", "h.example", "https://h.example/3", None, 1, "run_killed_twice"),
            ("both", "c", "g.example", "https://h.example/4", None, 0, "run_started"),
        ],
    )
    found = {row.key: why_not(row, "run_killed") for row in read_rows(engine, EVERYONE)}
    assert {key for key, reasons in found.items() if not reasons} == {
        "sound", "other tenant", "twin 1", "no secret", "empty secret", "failing", "text flag",
    }  # fmt: skip
    assert found["twin 2"] == ("it is inactive",)
    assert found["silent"] == ("it has no events",)
    assert found["star in a list"] == ("its events are *, run_started",)
    assert found["begins alike"] == ("its events are run_killed_twice",)
    assert [reason.partition(" ")[0] for reason in found["both"]] == ["it", "its", "its"]
    assert {row.key for row in read_rows(engine, Scope("c"))} == {
        "text flag", "star in a list", "begins alike", "both",
    }  # fmt: skip
