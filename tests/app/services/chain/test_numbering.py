"""Whether an entry of ours would take a number that the platform's gateway gives next."""

import pytest

from app.services.chain.append import Batch, Caution, Event, append
from app.services.chain.numbering import caution
from models.local.database import LocalDatabase
from tests.conftest import NOW


def number(database: LocalDatabase, **seqs: range) -> None:
    for tenant, numbers in seqs.items():
        database.connection().executemany(
            "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, previous_hash, hash, created_at) "
            "VALUES (?, ?, 'x', '{}', ?, ?, ?)",
            [(seq, tenant, "0" * 64, "f" * 64, NOW) for seq in numbers],
        )


def test_an_entry_of_another_chain_takes_the_only_tenant_s_next_number(database: LocalDatabase) -> None:
    number(database, aurora=range(1, 41))
    sentence = str(caution(database, ["system"]))
    assert "next one of “aurora” would have (41 now)" in sentence and "The way out: change" in sentence
    assert caution(database, ["aurora"]) is None


def test_a_new_tenant_begins_at_one_where_older_numbers_are_free(database: LocalDatabase) -> None:
    number(database, aurora=range(30, 41), borealis=range(1, 4))
    assert "41 now" in str(caution(database, ["system"])) and "41 now" in str(caution(database, ["borealis"]))


@pytest.mark.parametrize(
    "seqs",
    [
        {},
        {"aurora": range(1, 41, 2), "borealis": range(2, 41, 2)},
        {"aurora": range(1, 41), "system": range(41, 42)},
    ],
)
def test_numbers_across_tenants_are_nobody_s_own(database: LocalDatabase, seqs: dict[str, range]) -> None:
    number(database, **seqs)
    assert caution(database, ["system"]) is None


def test_the_first_such_entry_waits_for_a_person_where_that_is_asked_for(database: LocalDatabase) -> None:
    number(database, aurora=range(1, 41))
    database.cautious = True
    ours = Batch((), [Event("system", "run_paused", {})])
    append(database, lambda: Batch((), [Event("aurora", "user_created", {})]), now=NOW)
    with pytest.raises(Caution, match="42 now") as met:
        append(database, lambda: ours, now=NOW)
    met.value.heard(database)
    append(database, lambda: ours, now=NOW)
    assert database.connection().execute("SELECT tenant_id FROM audit_chain WHERE seq > 40").fetchall() == [
        ("aurora",),
        ("system",),
    ]
