"""One text looked for in the tables of all tabs."""

from pathlib import Path

import apsw
import pytest

from app.services.records import search, users
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.search import Group, SearchResult, excerpt
from app.services.records.tables import EVERYONE, Scope
from models.engine import Database
from models.schema import inspect
from models.tables import AuditEntry, User
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.sample import sample


@pytest.fixture
def lists(engine: Database) -> Lists:
    for tenant, name in (("acme", "ada"), ("acme", "grace"), ("globex", "ada")):
        users.create(engine, tenant, f"{name}@{tenant}.example", actor="ops", now=NOW)
    return Lists(inspect(engine))


def group(found: SearchResult, table: str) -> Group:
    return next(one for one in found.groups if one.table == table)


def test_it_looks_into_every_table_whatever_the_case(engine: Database, lists: Lists) -> None:
    found = search.everything(engine, lists, EVERYONE, "  ADA@ ")  # which no id made by chance has
    assert found.text == "ADA@"
    assert [hit.title for hit in group(found, "users").hits] == ["ada@globex.example", "ada@acme.example"]
    assert group(found, "users").hits[0].detail.startswith("globex · ")
    entry = group(found, "audit_chain").hits[0]
    assert entry.title == "user_created"
    assert entry.detail.startswith("globex · entry 3 · ") and "ada@globex.example" in entry.detail


def test_a_tenant_sees_its_own_records_and_not_its_name_on_each(engine: Database, lists: Lists) -> None:
    found = search.everything(engine, lists, Scope("acme"), "example")
    assert [hit.title for hit in group(found, "users").hits] == ["grace@acme.example", "ada@acme.example"]
    assert not any("acme ·" in hit.detail for one in found.groups for hit in one.hits)


def test_names_are_found_in_an_address_that_has_no_blank(engine: Database, lists: Lists) -> None:
    for name in ("soren.tanaka", "tanaka.özgür"):
        users.create(engine, "acme", f"{name}@acme.example", actor="ops", now=NOW)
    for text, first in (("Soren Tanaka", "soren."), ("tanaka  soren", "soren."), ("ÖZGÜR tanaka", "tanaka.")):
        (hit,) = group(search.everything(engine, lists, EVERYONE, text), "users").hits
        assert hit.title.startswith(first)
    assert search.everything(engine, lists, EVERYONE, "soren grace").total == 0


def test_what_a_list_shows_is_found(engine: Database, lists: Lists, sql: apsw.Connection) -> None:
    sql.execute("ALTER TABLE users ADD COLUMN display_name TEXT")
    sql.execute("ALTER TABLE users ADD COLUMN api_token TEXT")
    sql.execute(
        "UPDATE users SET display_name = 'Grete Quetzal', api_token = 'zanzibar' WHERE email LIKE 'gr%'"
    )
    sql.execute(
        "INSERT INTO planning_runs (id, idea, status, kill_verdict, created_at, updated_at)"
        " VALUES ('r', 'Bicycles', 'killed', 'Two incumbents', 1, 1)"
    )
    now = Lists(inspect(engine))
    (hit,) = group(search.everything(engine, now, EVERYONE, "quetzal"), "users").hits
    assert hit.title == "grace@acme.example"
    (run,) = group(search.everything(engine, now, EVERYONE, "incumbent"), "planning_runs").hits
    assert (run.title, run.detail) == ("Bicycles", "killed · Two incumbents")
    assert search.everything(engine, now, EVERYONE, "zanzibar").total == 0, "a secret is not looked into"
    digest, token = "5f4dcc3b5aa765d61d8327deb882cf99", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    for secret in (token, digest, "Bearer a1b2c3d4e5"):
        sql.execute("UPDATE users SET display_name = ?", (secret,))
        assert search.everything(engine, now, EVERYONE, secret[7:15]).total == 0, "nor what is one in form"


def test_it_finds_what_is_typed_without_the_letters_of_a_language(
    engine: Database, lists: Lists, sql: apsw.Connection
) -> None:
    users.create(engine, "acme", "Özge@İstanbul.example", actor="ops", now=NOW)
    for text in ("istanbul", "ISTANBUL", "İstanbul", "özge@ist"):
        found = search.everything(engine, lists, EVERYONE, text)
        assert [hit.title for hit in group(found, "users").hits] == ["Özge@İstanbul.example"], text
        assert "İstanbul" in group(found, "audit_chain").hits[0].detail, text
    sentence = "όδος προς την ψυχή, ξένε, βάζουμε λίγα καφέ ώρα: съешь же ещё этих мягких булок, Füße"
    assert search.everything(engine, lists, EVERYONE, sentence).total == 0
    greek = sentence.partition(":")[0]
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, title, message, created_at)"
        " VALUES ('n', 'acme', 'info', 'title', ?, 1)",
        (greek.upper(),),
    )
    (hit,) = group(search.everything(engine, lists, EVERYONE, greek), "notifications").hits
    assert hit.record_id == "n"


def test_nothing_is_found_and_nothing_is_asked(engine: Database, lists: Lists) -> None:
    assert search.everything(engine, lists, EVERYONE, "nobody").groups == ()
    assert search.everything(engine, lists, EVERYONE, "   ") == SearchResult("", ())


def test_wildcards_are_letters(engine: Database, lists: Lists) -> None:
    assert search.everything(engine, lists, EVERYONE, "%").total == 0
    assert search.everything(engine, lists, EVERYONE, "a_a@").total == 0


@pytest.mark.parametrize("text", ["2", "#2", "entry 2", "Entry #2"])
def test_an_entry_is_found_by_its_number_first(engine: Database, lists: Lists, text: str) -> None:
    hits = group(search.everything(engine, lists, EVERYONE, text), "audit_chain").hits
    assert hits[0].record_id == 2


def test_an_entry_is_found_by_its_own_hash_before_the_one_that_follows_it(
    engine: Database, lists: Lists
) -> None:
    ((stored,),) = engine.rows(AuditEntry.select(AuditEntry.hash).where(AuditEntry.seq == 1).tuples())
    for text in (stored[:10].upper(), f"{stored[:4]}…{stored[-4:]}"):
        hits = group(search.everything(engine, lists, EVERYONE, text), "audit_chain").hits
        assert [hit.record_id for hit in hits] == [1, 2]
        assert [hit.detail.split(" · ")[2] for hit in hits] == [f"hash {stored}", f"previous hash {stored}"]
    wrong = f"{stored[:4]}…{stored[-3:]}x"
    assert search.everything(engine, lists, EVERYONE, wrong).total == 0


def test_a_record_is_found_by_its_id_as_lists_show_it(engine: Database, lists: Lists) -> None:
    ((key,),) = engine.rows(User.select(User.id).limit(1).tuples())
    shown = f"{key[:1]}…{key[-1:]}"
    found = group(search.everything(engine, lists, EVERYONE, shown), "users")
    assert key in [hit.record_id for hit in found.hits]
    assert search.everything(engine, lists, EVERYONE, f"{shown}x").total == 0


def test_another_tenants_entry_is_not_found_by_its_number(engine: Database, lists: Lists) -> None:
    found = search.everything(engine, lists, Scope("acme"), "#3")
    assert found.groups == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [*((one, 0) for one in ("9" * 30, "9" * 5_000, "-1,", "1.5", "٣", "\0", "'")), ('"', 3)],
)
def test_a_number_that_is_none_harms_nothing(engine: Database, lists: Lists, text: str, found: int) -> None:
    assert search.everything(engine, lists, EVERYONE, text).total == found, "three payloads hold a quote"


@pytest.mark.slow
def test_counts_are_those_of_the_tabs(tmp_path: Path) -> None:
    path = sample(tmp_path / "demo.sqlite", rows=600, tenants=6)
    with connected(path, read_only=True) as database:
        lists = Lists(inspect(database))
        found = search.everything(database, lists, EVERYONE, "a", limit_per_table=3)
        assert [one.table for one in found.groups] == [
            "users",
            "audit_chain",
            "webhook_destinations",
            "notifications",
            "planning_runs",
            "planning_parked_ideas",
        ]
        for one in found.groups:
            assert one.total == lists.count(database, ListQuery(one.table, text="a"))
            assert len(one.hits) == 3 and one.more == one.total - 3


def test_a_table_that_the_file_lacks_is_passed_over(engine: Database, sql: apsw.Connection) -> None:
    users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    sql.execute("DROP TABLE webhook_destinations")
    found = search.everything(engine, Lists(inspect(engine)), EVERYONE, "ada")
    assert [one.table for one in found.groups] == ["users", "audit_chain"]


def test_an_excerpt_shows_where_it_was_found() -> None:
    text = f"{'x' * 200} needle {'y' * 200}"
    shown = excerpt(text, "NEEDLE", 60)
    assert "needle" in shown and shown.startswith("…") and shown.endswith("…") and len(shown) <= 62
    assert excerpt("one\n  two", "two") == "one two"
    assert excerpt("a" * 100, "b", 10) == f"{'a' * 10}…"
    assert excerpt(f"{'a' * 100}b", "b", 10).endswith("b")
