"""What the audit chain says of a record, however its entries name it."""

import json
from typing import Any

import apsw
import pytest

from app.services.records import history
from app.services.records.history import Named, Past, is_kept, read_past
from models.engine import Database
from models.schema import inspect

INTO = (
    "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
    " VALUES ('acme', ?, ?, '', '', ?)"
)


def record(sql: apsw.Connection, *entries: tuple[str, Any]) -> None:
    """Appends entries; what is no text is written as JavaScript writes it."""
    with sql:
        for number, (kind, payload) in enumerate(entries):
            text = payload if isinstance(payload, str | bytes) else json.dumps(payload, ensure_ascii=False)
            sql.execute(INTO, (kind, text, 100 + number))


def past(engine: Database, named: Named, before: int | None = None, **how: Any) -> Past:
    return read_past(engine, inspect(engine), named, before, **how)


def kinds(found: Past) -> list[str]:
    return [entry.event_type for entry in found.entries]


def test_entries_are_found_however_they_name_it(engine: Database, sql: apsw.Connection) -> None:
    record(
        sql,
        ("created", {"actor": "mei", "userId": "usr_1", "email": "a@x.example"}),
        ("many", {"actor": "mei", "count": 3, "users": [{"id": "usr_2"}, {"id": "usr_1"}, {"id": "usr_3"}]}),
        ("platform", {"email": "a@x.example"}),
        ("escaped", '{"note": {"deep": ["usr\\u005f1", "usr_1"]}}'),
        ("no-json", 'not JSON, but it has "usr_1" in it'),
        ("other", {"userId": "usr_11"}),
        ("by-them", {"actor": "usr_1", "userId": "usr_9"}),
        ("their-address-now", {"userId": "usr_9", "email": "a@x.example"}),
        (
            "changed",
            {"actor": "li", "userId": "usr_1", "changes": {"email": {"from": "b", "to": None}, "x": 1}},
        ),
    )
    found = past(engine, Named("usr_1", "a@x.example"))
    assert kinds(found) == ["changed", "no-json", "escaped", "platform", "many", "created"]
    assert found.looked_to is None
    newest, *_, many, _ = found.entries
    assert (newest.actor, newest.what, newest.created_at) == ("li", "email: b → (none), x", 108)
    assert (many.actor, many.what, many.tenant_id) == ("mei", "with 2 more", "acme")


def test_an_entry_of_the_last_number_is_read_too(engine: Database, sql: apsw.Connection) -> None:
    record(sql, ("created", {"userId": "usr_1"}), ("changed", {"userId": "usr_1"}))
    sql.execute("UPDATE audit_chain SET seq = ? WHERE event_type = 'changed'", (2**63 - 1,))
    assert kinds(past(engine, Named("usr_1"))) == ["changed"]


@pytest.mark.parametrize("name", ["Zoë “x”", 'a"b\\c', "42", "%_"])
def test_odd_ids_are_found_and_no_others(engine: Database, sql: apsw.Connection, name: str) -> None:
    record(
        sql,
        ("as-it-is", {"userId": name}),
        ("ascii", json.dumps({"userId": name})),
        ("longer", {"userId": f"{name}2"}),
        ("number", '{"runId": 42}'),
    )
    number = ["number"] if name == "42" else []
    assert kinds(past(engine, Named(name))) == [*number, "ascii", "as-it-is"]


def test_a_page_ends_and_the_next_goes_on(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 3)
    monkeypatch.setattr(history, "AT_ONCE", 4)
    record(sql, *((f"n{n}", {"userId": "usr_1" if n % 2 else "usr_2"}) for n in range(12)))
    named, seen, before = Named("usr_1"), list[str](), None
    while True:
        found = past(engine, named, before)
        assert len(found.entries) <= 3
        seen += kinds(found)
        if (before := found.looked_to) is None:
            break
    assert seen == ["n11", "n9", "n7", "n5", "n3", "n1"]


def test_no_more_is_looked_through_than_agreed(engine: Database, sql: apsw.Connection) -> None:
    record(sql, ("old", {"userId": "usr_1"}), *(("other", {"n": n}) for n in range(9)))
    found = past(engine, Named("usr_1"), most=5)
    assert found == Past((), 6)
    assert kinds(past(engine, Named("usr_1"), found.looked_to, most=5)) == ["old"]


def test_without_entries_or_where_one_is_no_utf_8(database: Database, sql: apsw.Connection) -> None:
    assert past(database, Named("usr_1")) == Past(())
    with sql:
        sql.execute(INTO.replace("?, ?, '", "'raw', CAST(? AS TEXT), '"), (b'"usr_1"\xff', 1))
    (entry,) = past(database, Named("usr_1")).entries
    assert (entry.event_type, entry.what) == ("raw", "")


def test_only_a_chain_with_numbers_is_looked_through(database: Database, sql: apsw.Connection) -> None:
    assert is_kept(inspect(database))
    with sql:
        sql.execute("DROP TABLE audit_chain")
    assert not is_kept(inspect(database))
    assert Named.of("usr_1") == Named("usr_1") and Named.of(None) is None and Named.of("") is None


def test_a_change_whose_values_nobody_is_told_is_said_by_its_word() -> None:
    assert history.told({"changes": {"password_hash": "removed"}}) == ("", "password removed")
    assert history.told({"changes": {"secret": "replaced"}}) == ("", "secret replaced")
    assert history.told({"changes": {"secret": "hunter2"}}) == ("", "secret")
