"""How every tenant stands, on a file and on a live database."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd
from app.services.chain.where import InDatabase, InFile
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import Signing
from app.services.files.opening import open_database
from app.services.opened import tenants
from app.services.records.list_query import ListQuery
from app.services.tenants.listing import ALL_TENANTS, TenantLists
from app.services.tenants.overview import KnownOfChains, TenantRow, cost, known_of, overview, totals
from models.engine import Database
from models.local.database import LocalDatabase
from models.schema import read_stored
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.gateway import create_gateway
from tests.fixtures.inserting import INTO_AUDIT_CHAIN, INTO_NOTIFICATIONS, INTO_USERS
from tests.fixtures.retaining import path_of

NOTHING = KnownOfChains()
HOOKS = (
    "INSERT INTO webhook_destinations (id, tenant_id, hostname, url, active, created_at, updated_at) VALUES "
)


def fill(database: LocalDatabase) -> None:
    entry = "'user_created', '{}', '', ''"
    for sql in (
        INTO_USERS + f"('u1', 'acme', 'a@x.example', NULL, {NOW - 900}, {NOW - 50}),"
        f"('u2', 'acme', 'b@x.example', '', {NOW - 800}, {NOW - 800})",
        INTO_AUDIT_CHAIN + f"(1, 'acme', {entry}, {NOW - 1000}), (2, 'globex', {entry}, {(NOW - 7) * 1000}),"
        f"(3, 'acme', {entry}, {NOW - 60})",
        INTO_NOTIFICATIONS + f"('n1', 'acme', 't', '', '', NULL, 0, {NOW - 70}),"
        f"('n2', 'acme', 't', '', '', NULL, 1, {NOW - 70}), ('n3', 'only-here', 't', '', '', NULL, 0, {NOW})",
        HOOKS + f"('w1', 'globex', 'h.example', 'https://h.example/', 1, {NOW - 90}, {NOW - 90}),"
        f"('w2', 'globex', 'h.example', 'https://h.example/', 0, {NOW - 90}, {NOW - 90})",
        "CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT, plan TEXT, created_at INTEGER)",
        f"INSERT INTO tenants VALUES ('idle', 'Idle & Sons', 'free', {NOW - 5000})",
        "CREATE TABLE escalations (id INTEGER PRIMARY KEY, tenant_id TEXT, created_at INTEGER)",
        f"INSERT INTO escalations VALUES (1, 'elsewhere', {NOW - 3}), (2, NULL, {NOW})",
    ):
        database.execute_sql(sql)


def look(database: Database, known: KnownOfChains = NOTHING, **of: Any) -> dict[str, TenantRow]:
    found = overview(database, known, of.get("log"), "here")
    assert [one.name for one in found] == sorted(one.name for one in found)
    return {one.name: one for one in found}


def test_each_is_counted_over_all_tables(engine: Database, database: LocalDatabase) -> None:
    fill(database)
    found = look(engine)
    assert found == {
        "acme": TenantRow(
            "acme",
            users=2,
            passwordless=2,
            entries=2,
            newer=2,
            head=3,
            notifications=2,
            unread=1,
            rows=6,
            first=NOW - 1000,
            last=NOW - 50,
        ),
        "elsewhere": TenantRow("elsewhere", rows=1, first=NOW - 3, last=NOW - 3),
        "globex": TenantRow(
            "globex", entries=1, newer=1, head=2, webhooks=2, active=1, rows=3, first=NOW - 90, last=NOW - 7
        ),
        "idle": TenantRow("idle", "Idle & Sons", "free", first=NOW - 5000, last=NOW - 5000),
        "only-here": TenantRow("only-here", notifications=1, unread=1, rows=1, first=NOW, last=NOW),
    }
    said = totals(list(found.values()))
    assert said == "5 tenants · 2 users · 3 entries · 2 unread notifications · 1 active webhook"
    assert found["idle"].has("sons") and found["acme"].has("cm") and not found["acme"].has("sons")


def test_what_it_reads_is_known_beforehand_and_takes_one_query_a_table(
    database: LocalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    stored, _ = read_stored(database)
    names = ("users", "audit_chain", "notifications", "webhook_destinations", "tenants", "escalations")
    of_tables = cost(stored, {})  # which are looked at first
    assert cost(stored, dict.fromkeys((*names, "planning_artifacts"), 10)) == 70 + of_tables
    many = ", ".join(
        f"('t{number}', 'tenant {number}', 'a{number}@x.example', 1, 1)" for number in range(500)
    )
    database.execute_sql(f"INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES {many}")
    asked = 0
    read = LocalDatabase.read_batch

    def counted(self: LocalDatabase, queries: Any) -> Any:
        nonlocal asked
        asked += len(queries)
        return read(self, queries)

    monkeypatch.setattr(LocalDatabase, "read_batch", counted)
    assert len(look(database)) == 505
    assert asked < 20


def test_planning_runs_are_counted_where_they_name_their_tenant(database: LocalDatabase) -> None:
    assert look(database) == {}
    database.execute_sql("ALTER TABLE planning_runs ADD COLUMN tenant_id TEXT")
    database.execute_sql(
        "INSERT INTO planning_runs (id, tenant_id, idea, created_at, updated_at) VALUES "
        f"('r1', 'acme', 'x', {NOW * 1000}, {NOW * 1000}), ('r2', NULL, 'y', {NOW}, {NOW})"
    )
    assert look(database) == {"acme": TenantRow("acme", runs=1, rows=1, first=NOW, last=NOW)}


def test_what_a_gateway_has_no_table_for_is_no_number_and_its_runs_tenant_is_one(tmp_path: Path) -> None:
    opened = open_database(create_gateway(tmp_path / "gateway.sqlite"))
    assert opened.tenants == ("aurora", "default")  # which only a run names
    with opened.database.connection_context():
        assert tenants(opened.database) == opened.tenants
        found = look(opened.database)
        lists = TenantLists(opened)
        assert set(lists.of_chips.values()) == {None}, "nothing is said of what was not read"
        page = lists.open_list(opened.database, ListQuery(ALL_TENANTS.name, sort="unread")).rows
    default = found["default"]
    assert (default.users, default.runs, default.number("users")) == (0, 1, 0)
    assert {name: default.number(name) for name in ("unread", "webhooks", "active")} == dict.fromkeys(
        ("unread", "webhooks", "active")
    )
    assert (default.to_json()["unread"], default.to_json()["users"]) == (None, 0)
    assert totals([default], of_one=True) == "0 users · 0 entries"
    unread = ALL_TENANTS.names.index("unread")
    assert [row[unread] for row in page if row is not None] == [None, None]


def test_a_chain_is_what_the_last_verification_said_of_it(database: LocalDatabase) -> None:
    fill(database)
    named = {"acme": Verdict.VERIFIED, "gone": Verdict.TAMPERED, "none": Verdict.VERIFIED}
    found = look(database, KnownOfChains(NOW, 2, named, others=None))
    assert {name: one.chain for name, one in found.items()} == {
        "acme": "verified, 1 new since",
        "elsewhere": "no entries",
        "globex": "not verified",
        "gone": "broken",
        "idle": "no entries",
        "only-here": "no entries",
    }
    assert found["gone"].is_in_need and found["globex"].is_in_need
    assert not found["acme"].is_in_need and not found["idle"].is_in_need
    rest = look(database, KnownOfChains(NOW, 1, {}, others=Verdict.CONSISTENT))
    assert (rest["acme"].chain, rest["globex"].chain) == ("consistent, 1 new since", "not verified")
    assert (rest["acme"].verified_at, rest["globex"].verified_at) == (NOW, None)
    unsaid = look(database, KnownOfChains(NOW, 1, is_broken=True))
    assert (unsaid["acme"].chain, unsaid["globex"].chain) == ("not known", "not verified")


def test_a_tenant_that_a_gateway_began_since_is_not_verified(
    engine: Database, database: LocalDatabase
) -> None:
    for seq, tenant, at in ((50, "aurora", NOW - 9), (51, "aurora", NOW + 1), (1, "borealis", NOW + 2)):
        database.connection().execute(
            "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " VALUES (?, ?, 'x', '{}', '', '', ?)",
            (seq, tenant, at),
        )
    database.connection().execute(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (1, 'aurora', 'a', 9e999, 1)"
    )
    found = look(engine, KnownOfChains(NOW, 60, {}, others=Verdict.CONSISTENT))
    assert found["borealis"].chain == "not verified"
    assert found["aurora"].chain == "consistent, 1 new since" and found["aurora"].last == NOW + 1


@pytest.mark.parametrize(
    ("changes", "others", "broken"),
    [
        ({}, Verdict.VERIFIED, False),
        ({"verdict": Verdict.TAMPERED}, None, True),
        ({"part": True}, None, False),
        ({"undecided": True}, None, False),
        ({"since": 4}, None, False),
        ({"since": 4, "whole_at": NOW}, Verdict.VERIFIED, False),
    ],
)
def test_what_is_kept_of_the_whole_says_of_all_that_they_hold_or_nothing(
    changes: dict[str, Any], others: Verdict | None, broken: bool
) -> None:
    said = replace(KeptVerdict(Verdict.VERIFIED, NOW, "mei", 3, 0, 0, through=3), **changes)
    assert known_of(said) == KnownOfChains(NOW, 3, {}, others, is_broken=broken)
    assert known_of(None) == NOTHING


@pytest.fixture
def verified(engine: Database, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """What is said of each tenant's chain behind a verification: of all, from the checkpoint on, or by the
    one that makes a checkpoint.
    """
    where = InDatabase(engine) if engine.costs else InFile(path_of(engine))
    store = CheckpointStore(tmp_path_factory.mktemp("home"))

    def verify(how: str) -> dict[str, str]:
        by: Any = {"now": NOW, "by": "ada"}
        if how == "all":
            making.verify_with_checkpoints(where, store, VERIFY, **by)
        elif how == "since":
            assert making.verify_by_itself(where, store, VERIFY, sign=False, **by).since is not None
        else:
            signed = making.verify_and_sign(where, store, VERIFY, reason=Reason.REQUEST, **by)
            assert signed.checkpoint is not None
        found = look(engine, known_of(store.verdicts.last(where)))
        return {name: one.chain for name, one in found.items()}

    return verify


def test_who_is_known_to_a_checkpoint_is_verified_with_new_entries_and_without(
    sql: apsw.Connection, verified: Callable[..., dict[str, str]]
) -> None:
    chains.append(sql, "acme", [NOW - 9, NOW - 8])
    chains.append(sql, "blue", [NOW - 7])
    assert verified("all") == {"acme": "consistent", "blue": "consistent"}
    assert verified("signed") == {"acme": "verified", "blue": "verified"}
    chains.append(sql, "acme", [NOW - 6])
    for how in ("all", "since", "all", "since"):
        assert verified(how) == {"acme": "verified", "blue": "verified"}, how
    chains.append(sql, "coral", [NOW - 5])
    for how in ("all", "since", "all", "since"):
        assert verified(how) == {"acme": "verified", "blue": "verified", "coral": "consistent"}, how
    assert verified("signed") == {"acme": "verified", "blue": "verified", "coral": "verified"}


def test_of_too_many_tenants_that_no_checkpoint_knows_no_more_is_said_than_of_all(
    sql: apsw.Connection, verified: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.chain.checkpoints.kept.MOST_TENANTS", 1)
    chains.append(sql, "acme", [NOW - 9])
    verified("signed")
    chains.append(sql, "blue", [NOW - 8])
    assert verified("all") == {"acme": "verified", "blue": "consistent"}
    chains.append(sql, "coral", [NOW - 8])
    for how in ("all", "since"):
        assert {*verified(how).values()} == {"consistent"}


def test_an_end_that_is_lost_is_said_of_its_tenant_and_of_the_others_what_was_found(
    database: LocalDatabase,
) -> None:
    fill(database)
    said = KeptVerdict(Verdict.VERIFIED, NOW, "mei", 3, 0, 0, through=3, head="c", tenant="acme")
    lost = LostEnd(7, NOW - 60, "b", 3, "acme", missed=True)
    found = look(database, known_of(replace(said, lost_end=lost)))
    assert {name: found[name].chain for name in ("acme", "globex")} == {
        "acme": "end lost",
        "globex": "verified",
    }
    assert found["acme"].is_in_need and not found["globex"].is_in_need
    assert [found[name].to_json()["endLost"] for name in ("acme", "globex")] == [True, False]
    assert (found["globex"].to_json()["chain"], found["globex"].verified_at) == ("VERIFIED", NOW)
    gone = look(database, known_of(replace(said, lost_end=replace(lost, tenant="gone"))))
    assert (gone["gone"].chain, gone["acme"].chain) == ("end lost", "verified")
    # Nothing was verified since that end went
    went = replace(said, lost_end=replace(lost, through=3, head="c", at=NOW))
    unsaid = look(database, known_of(went))
    assert (unsaid["acme"].chain, unsaid["globex"].chain) == ("end lost", "not known")
    seen = LostEnd(9, NOW + 1, "d", 3, missed=True, known_by=", seen by this window")
    unsaid = look(database, known_of(replace(said, lost_end=seen)))
    assert (unsaid["acme"].chain, unsaid["globex"].chain) == ("not known", "not known")


def test_webhooks_fare_by_the_log_as_long_as_they_are_there_and_active(
    engine: Database, database: LocalDatabase
) -> None:
    fill(database)
    log = DeliveryLog()
    for webhook in ("w1", "w2", "deleted"):
        to = Destination(webhook, "globex", "", "https://h.example/", "h.example", "*", None)
        answer = DeliveryAnswer(DeliveryOutcome.TIMEOUT, seconds=1)
        log.add("here", to, make(to, "run_killed", "{}", now=NOW), answer, signing=Signing.PLATFORM, days=30)
    found = look(engine, log=log)
    assert {name: one.failing for name, one in found.items() if one.failing} == {"globex": 1}
    assert found["globex"].is_in_need
    assert totals([found["globex"]]).endswith("1 active webhook, 1 failing")


def test_a_name_that_is_no_text_is_shown_as_far_as_it_can_be(database: LocalDatabase) -> None:
    database.execute_sql(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES "
        "('a', x'ff41', 'a', 1, 1), ('b', CAST(x'ff41' AS TEXT), 'b', 'never', x'00'), ('c', 7, 'c', 1, 1)"
    )
    found = look(database)
    assert {name: one.users for name, one in found.items()} == {"7": 1, "�A": 2}
