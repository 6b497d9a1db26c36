"""Data retention: what goes, what stays, and that every chain is provable after every single transaction.

Of a file alone are a power cut, a kill, the write-ahead log, how long the lock is held, a connection that
writes no more, bytes that come past SQLite, and programs that write to the file while workerd does, which
waits for none of them. Runs of many days stay with the file, too: each asks a live database some fifty times.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.making import Attempt, try_to_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.pruning import CROWD, prove
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile, Where
from app.services.demo import create_demo
from app.services.retention.plan import MOST_DAYS, TABLES, Confirmation, NeedsConfirmation, TryCheckpoint
from app.services.retention.prefixes import find_prefixes
from app.services.retention.removal import RetentionResult
from app.services.retention.run import NoCheckpoint, RetentionStopped, Run
from app.workers import scan_pool
from models.engine import Database, Statement
from models.errors import DiskFull, EarlierUnknown, InvalidInput, NotAllowed, ReadOnlyFile
from models.local.database import LocalDatabase
from models.progress import Monitor
from models.schema import read_stored
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import sign, verify
from tests.fixtures.connected import connected, execute
from tests.fixtures.gateway import refer_to_tenants
from tests.fixtures.inserting import OF_AUDIT_CHAIN
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.retaining import account, carry_out, path_of, planned, retain, unsigned
from tests.fixtures.stored import schema

DAY = 86_400
CUTOFF = NOW - 90 * DAY
KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "6"))
EVERY = int(os.environ.get("TENANT_ADMIN_RETENTION_EVERY", "7"))
"""Days between two runs, where a file is kept for half a year."""


def old(days: int) -> int:
    """A time that many days before the cutoff."""
    return CUTOFF - days * DAY


def recent(days: int) -> int:
    """A time that many days after the cutoff."""
    return CUTOFF + days * DAY


def left_of(connection: apsw.Connection, tenant: str) -> list[int]:
    """The times of a tenant's entries, prune markers left out."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT created_at FROM audit_chain "
            "WHERE tenant_id = ? AND event_type <> 'audit_pruned' ORDER BY seq",
            (tenant,),
        )
    ]


OLD, NEW = old(1), recent(1)


@pytest.mark.parametrize(
    ("times", "left"),
    [
        pytest.param([], [], id="no entries"),
        pytest.param([OLD], [OLD], id="a single entry is the head"),
        pytest.param([OLD, OLD], [OLD], id="all old: the head stays"),
        pytest.param([NEW, NEW], [NEW, NEW], id="nothing old"),
        pytest.param([OLD, NEW], [NEW], id="one old"),
        pytest.param([old(3), old(2), OLD, NEW, NEW], [NEW, NEW], id="a prefix"),
        pytest.param([CUTOFF - 1, CUTOFF, NEW], [CUTOFF, NEW], id="the cutoff itself stays"),
        pytest.param([OLD, NEW, OLD, NEW], [NEW, OLD, NEW], id="a backdated entry makes no hole"),
        pytest.param([NEW, OLD, OLD, NEW], [NEW, OLD, OLD, NEW], id="old ones behind a recent one"),
        pytest.param([OLD, NEW, OLD], [NEW, OLD], id="a backdated head"),
    ],
)
def test_only_a_contiguous_old_prefix_goes(
    engine: Database, sql: apsw.Connection, times: list[int], left: list[int]
) -> None:
    chains.append(sql, "acme", times)
    result = retain(engine)
    assert left_of(sql, "acme") == left
    assert result.removed["audit_chain"] == len(times) - len(left)
    assert chains.problems(sql) == []


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_an_entry_that_rows_refer_to_stays_and_so_does_what_follows(
    engine: Database, sql: apsw.Connection, action: str
) -> None:
    seqs = chains.append(sql, "acme", [old(4), old(3), old(2), NEW])
    chains.append(sql, "other", [OLD, NEW])
    sql.execute(f"CREATE TABLE holds (entry INTEGER REFERENCES audit_chain(seq) {action})")
    sql.execute("INSERT INTO holds (entry) VALUES (?), (?), (NULL)", (seqs[3], seqs[1]))
    plan = planned(engine)
    why = f"Rows of holds refer to entry {seqs[1]}, so it and what follows it stays."
    assert [(one.tenant_id, one.reason) for one in plan.left] == [("acme", why)]
    assert plan.counts["audit_chain"] == 2
    result = retain(engine)
    assert (result.removed, result.left) == (plan.counts, plan.left)
    assert left_of(sql, "acme") == [old(3), old(2), NEW]
    assert sql.execute("SELECT count(entry) FROM holds").get == 2
    assert chains.problems(sql) == []


def test_a_row_that_refers_to_an_entry_since_the_plan_is_named(
    engine: Database, sql: apsw.Connection
) -> None:
    seqs = chains.append(sql, "acme", [old(4), old(3), NEW])
    sql.execute("CREATE TABLE holds (entry INTEGER REFERENCES audit_chain(seq))")
    plan = planned(engine)
    sql.execute("INSERT INTO holds (entry) VALUES (?)", (seqs[1],))
    result = carry_out(engine, plan)
    assert result.total == 0
    assert f"Rows of holds refer to entry {seqs[1]}," in result.left[0].reason


def test_a_key_to_the_chain_that_cannot_be_followed_is_foreseen(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(4), old(3), NEW])
    sql.execute("CREATE TABLE holds (entry TEXT REFERENCES audit_chain(payload))")
    plan = planned(engine)
    assert (plan.total, [one.tenant_id for one in plan.left]) == (0, ["acme"])
    assert "a foreign key of holds" in plan.left[0].reason
    assert "othing was" not in plan.left[0].reason


def test_the_marker_says_exactly_what_went_in_compact_json(engine: Database, sql: apsw.Connection) -> None:
    seqs = chains.append(sql, "acme", [old(3), old(2), NEW])
    chains.append(sql, "other", [NEW])
    last = sql.execute("SELECT hash FROM audit_chain WHERE seq = ?", (seqs[1],)).get
    retain(engine)
    assert chains.markers(sql, "acme") == [
        f'{{"fromSeq":{seqs[0]},"toSeq":{seqs[1]},"count":2,"lastHash":"{last}","cutoff":{CUTOFF}}}'
    ]
    assert chains.markers(sql, "other") == []
    assert sql.execute("SELECT created_at FROM audit_chain WHERE event_type = 'audit_pruned'").get == NOW


def test_a_worker_that_appends_afterwards_continues_the_chain(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, OLD])
    retain(engine)
    chains.append(sql, "acme", [NOW + 1])
    assert chains.problems(sql) == []


def test_running_again_finds_nothing_and_leaves_the_file_as_it_is(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(2), OLD, NEW])
    retain(engine)
    before = sql.execute("SELECT * FROM audit_chain").fetchall()
    assert retain(engine).total == 0
    assert sql.execute("SELECT * FROM audit_chain").fetchall() == before


@pytest.mark.slow
def test_idle_file_comes_to_rest_and_stays_provable(database: LocalDatabase, sql: apsw.Connection) -> None:
    """Neither a marker nor a report is the reason for another one: no churn, however long it runs daily."""
    chains.append(sql, "acme", [NOW - day * DAY for day in range(100, 0, -1)])
    chains.append(sql, "quiet", [NOW - 80 * DAY] * 3)
    entries = set()
    for day in range(0, 203, EVERY):
        retain(database, now=NOW + day * DAY)
        assert chains.problems(sql) == []
        if day > 150:
            entries.add(sql.execute("SELECT count(*) || ' ' || max(seq) FROM audit_chain").get)
    assert len(entries) == 1
    assert len(left_of(sql, "acme")) == 1
    assert len(left_of(sql, "quiet")) == 1


@pytest.mark.slow
def test_markers_and_reports_of_a_busy_file_go_in_their_turn(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [NOW - day * DAY for day in range(100, 0, -1)])
    for day in range(0, 203, EVERY):
        now = NOW + day * DAY
        chains.append(sql, "acme", [now - 60])
        retain(database, now=now)
        assert chains.problems(sql) == []
    assert sql.execute("SELECT min(created_at) FROM audit_chain").get >= now - 91 * DAY
    assert sql.execute("SELECT count(*) FROM audit_chain").get < 4 * 95


def test_a_prefix_of_markers_alone_stays(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NOW - 50 * DAY])
    retain(engine)
    chains.append(sql, "acme", [NOW + DAY])
    assert retain(engine, now=NOW + 45 * DAY).removed["audit_chain"] == 1
    markers = chains.markers(sql, "acme")
    assert len(markers) == 2
    assert retain(engine, now=NOW + 90 * DAY + 3600).total == 0  # the first marker alone is old now
    assert chains.markers(sql, "acme") == markers
    assert chains.problems(sql) == []


TAMPERING = {
    "payload": "UPDATE audit_chain SET payload = '{}' WHERE seq = 2",
    "event type": "UPDATE audit_chain SET event_type = 'x' WHERE seq = 2",
    "time": "UPDATE audit_chain SET created_at = created_at - 1 WHERE seq = 2",
    "hash": "UPDATE audit_chain SET hash = upper(hash) WHERE seq = 2",
    "previous hash": "UPDATE audit_chain SET previous_hash = replace(previous_hash, 'a', 'b') WHERE seq = 2",
    "blob": "UPDATE audit_chain SET payload = CAST(payload AS BLOB) WHERE seq = 2",
    "hash of bytes": "UPDATE audit_chain SET hash = CAST(hash AS BLOB) WHERE seq = 2",
    "event type of bytes": "UPDATE audit_chain SET event_type = CAST(event_type AS BLOB) WHERE seq = 2",
    "invalid text": "UPDATE audit_chain SET payload = CAST(x'ff' AS TEXT) WHERE seq = 2",
    "invalid hash": "UPDATE audit_chain SET hash = CAST(x'ff' AS TEXT) WHERE seq = 2",
    "hole": "DELETE FROM audit_chain WHERE seq = 2",
    "unproven start": "DELETE FROM audit_chain WHERE seq = 1",
    "link across the cut": "UPDATE audit_chain SET previous_hash = upper(previous_hash) WHERE seq = 4",
    "fork": (
        f"INSERT INTO {OF_AUDIT_CHAIN} "
        "SELECT 3, tenant_id, event_type, payload, previous_hash, hash, created_at "
        "FROM audit_chain WHERE seq = 1 ON CONFLICT DO UPDATE SET previous_hash = excluded.previous_hash"
    ),
}
LEFT = {
    "blob": "Entry 2 stores payload as blob",
    "hash of bytes": "Entry 2 stores hash as blob",
    "event type of bytes": "Entry 2 stores event_type as blob",
    "invalid text": "Entry 2 holds bytes in payload",
    "invalid hash": "Entry 2 holds bytes in hash",
    "hole": "Entry 3 of acme does not continue",
    "unproven start": "The chain (of acme holds from entry 2 on|was changed by somebody else meanwhile)",
    "link across the cut": "Entry 4 (of acme does not continue|does not match its own hash)",
    "fork": "Entry 3 does not match its own hash",
}
"""How the reason begins: which is found first depends on when it was changed."""


def between(engine: Database, calls: int, change: Callable[[], object]) -> TryCheckpoint:
    """Verifies, and makes `change` to the file right after the verification number `calls`."""
    verified, answered = unsigned(path_of(engine)), []

    def attempt(**options: Any) -> Attempt:
        found = verified(**options)
        answered.append(found)
        if len(answered) == calls:
            change()
        return found

    return attempt


WHEN = {"before the plan": 0, "after the plan": 1, "after the checkpoint": 2}


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("calls", WHEN.values(), ids=WHEN.keys())
@pytest.mark.parametrize("change", TAMPERING)
def test_a_prefix_that_cannot_be_proven_is_left_and_named(
    database: LocalDatabase, sql: apsw.Connection, change: str, calls: int
) -> None:
    leave_and_name(database, sql, change, calls)


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("engine", [pytest.param("d1", marks=pytest.mark.wrangler)], indirect=True)
@pytest.mark.parametrize("change", TAMPERING)
def test_a_live_prefix_that_is_changed_behind_the_checkpoint_is_left_and_named(
    engine: Database, sql: apsw.Connection, change: str
) -> None:
    leave_and_name(engine, sql, change, WHEN["after the checkpoint"])


def leave_and_name(engine: Database, sql: apsw.Connection, change: str, calls: int) -> None:
    chains.append(sql, "acme", [old(3), old(2), OLD, NEW])
    chains.append(sql, "sound", [OLD, OLD, NEW])
    statement = TAMPERING[change]
    if not calls:
        sql.execute(statement)
    every_byte = (
        "SELECT seq, hex(event_type), hex(payload), hex(previous_hash), hex(hash), created_at "
        "FROM audit_chain WHERE tenant_id = 'acme'"
    )
    with sql:  # what it will be
        sql.execute("SAVEPOINT changed")
        if calls:
            sql.execute(statement)
        expected = sql.execute(every_byte).fetchall()
        sql.execute("ROLLBACK TO changed")
    result = retain(engine, checkpoint=between(engine, calls, lambda: sql.execute(statement)))
    assert [one.tenant_id for one in result.left] == ["acme"]
    assert re.match(LEFT.get(change, "Entry 2 does not match its own hash"), result.left[0].reason)
    assert result.removed["audit_chain"] == 2
    assert left_of(sql, "sound") == [NEW]
    assert sql.execute(every_byte).fetchall() == expected
    report = json.loads(sql.execute("SELECT payload FROM audit_chain WHERE tenant_id = 'system'").get)
    assert [one["tenant"] for one in report["left"]] == ["acme"]


@pytest.mark.parametrize("batch_rows", [1, 4, 1000])
def test_what_was_verified_is_counted_as_it_would_be_judged(
    engine: Database, sql: apsw.Connection, batch_rows: int
) -> None:
    """Chains whose prefixes end in turn, a tenant beside them, and a text that is no UTF-8."""
    for number in range(12):
        for tenant, until in (("a", 3), ("bé", 12), ("c", 8)):
            chains.append(sql, tenant, [old(20 - number) if number < until else NEW])
    chains.append(sql, "young", [NEW] * 3)
    chains.append(sql, "bé", [NEW])
    found, *_ = find_prefixes(engine, CUTOFF, read_stored(engine)[0])
    sql.execute("UPDATE audit_chain SET hash = CAST(x'ff' AS TEXT) WHERE tenant_id = 'young'")
    proven = partial(prove, engine, found, batch_rows=batch_rows, tick=lambda _: None)
    judged, counted = proven(), proven(verified=lambda: True)
    assert judged == counted and judged[1] == []
    assert sum(part.entries for batch in counted[0] for part in batch) == 3 + 12 + 8
    assert all(sum(part.entries for part in batch) <= batch_rows for batch in counted[0])


def test_what_was_just_verified_is_proven_again_once_somebody_has_written(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(5), old(4), old(3), old(2), OLD, NEW, NEW])
    (share,) = planned(engine).shares
    proven = partial(prove, engine, [share], batch_rows=2, tick=lambda _: None)
    batches, _ = proven()
    assert [(part.first_seq, part.last_seq, part.entries) for (part,) in batches] == [
        (1, 2, 2),
        (3, 4, 2),
        (5, 5, 1),
    ]
    assert proven(verified=lambda: True) == (batches, [])
    sql.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 2")
    assert proven(verified=lambda: True) == (batches, [])  # nothing else is asked
    answers = [True, False]
    for verified in (lambda: False, lambda: answers.pop(0)):
        batches, left = proven(verified=verified)
        assert (batches, [one.seq for one in left]) == ([], [2])


def test_what_the_plan_says_is_what_happens_to_a_tenant_with_an_error(
    engine: Database, sql: apsw.Connection
) -> None:
    """Any error, also behind the old entries, and for the majority that is asked about."""
    chains.append(sql, "acme", [old(3), old(2), OLD, NEW, NEW])
    chains.append(sql, "sound", [OLD, OLD, NEW])
    sql.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    plan = planned(engine)
    assert [one.tenant_id for one in plan.majority] == ["sound"]
    assert [(one.tenant_id, "hash" in one.reason) for one in plan.left] == [("acme", True)]
    result = retain(engine)
    assert (result.removed, result.left) == (plan.counts, plan.left)
    assert len(left_of(sql, "acme")) == 5


@pytest.mark.slow
def test_an_accepted_start_goes_and_another_one_stays(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    for tenant, later in (("accepted", 0), ("unproven", 1)):
        chains.append(sql, tenant, [at + later for at in (old(3), old(2), OLD, NEW, NOW)])
        sql.execute(
            "DELETE FROM audit_chain WHERE seq = (SELECT min(seq) FROM audit_chain WHERE tenant_id = ?)",
            (tenant,),
        )
    folder = tmp_path / "checkpoints"
    report = verify(path_of(engine), folder, now=NOW, section=Section("accepted"))
    CheckpointStore(folder).accept_starts(InFile(path_of(engine)), report, actor="ops", now=NOW)
    result = retain(engine, checkpoint=unsigned(path_of(engine), folder=folder))
    assert left_of(sql, "accepted") == [NEW, NOW]
    assert [one.tenant_id for one in result.left] == ["unproven"]
    assert "nothing in the file proves what came before" in result.left[0].reason
    assert len(left_of(sql, "unproven")) == 4
    verdicts = {one.tenant: one.verdict for one in verify(path_of(engine), folder, now=NOW).tenants}
    assert (verdicts["accepted"], verdicts["unproven"]) == (Verdict.CONSISTENT, Verdict.UNPROVEN_START)


def test_an_error_of_the_whole_file_stops_every_tenant(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    notify(sql, "n", 1, OLD)

    def rolled_back(**_: object) -> Attempt:
        return Attempt(failure="The newest checkpoint here is number 3, but number 5 was seen before.")

    result = retain(engine, checkpoint=rolled_back)
    assert [(one.tenant_id, one.reason) for one in result.left] == [("acme", rolled_back().stops)]
    assert (result.removed["audit_chain"], result.removed["notifications"]) == (0, 1)


def test_without_a_checkpoint_nothing_goes_unless_it_is_confirmed(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    verified = unsigned(path_of(engine))

    def locked(reason: Reason | None, **options: Any) -> Attempt:
        found = verified(reason=None, **options)
        return replace(found, why_not=None if reason is None else "The keyring is locked.")

    with pytest.raises(NoCheckpoint, match=r"The keyring is locked\. Nothing was removed\."):
        retain(engine, checkpoint=locked)
    assert left_of(sql, "acme") == [OLD, NEW, NOW, NOW]
    confirmed = Confirmation(without_checkpoint=True)
    result = retain(engine, checkpoint=locked, confirmation=confirmed)
    assert (result.removed["audit_chain"], result.no_checkpoint) == (1, "The keyring is locked.")


@pytest.mark.slow
def test_what_could_not_be_verified_stays_whatever_is_confirmed(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    notify(sql, "n", 1, OLD)
    folder = tmp_path / "checkpoints"
    sign(path_of(engine), folder, now=NOW)
    next(folder.glob("*.sqlite")).write_bytes(b"damaged" * 1_000)
    damaged = unsigned(path_of(engine), folder=folder)
    plan = planned(engine, checkpoint=damaged)
    assert plan.no_checkpoint is not None
    assert [one.reason for one in plan.left] == [plan.no_checkpoint]
    with pytest.raises(NoCheckpoint):
        retain(engine, checkpoint=damaged)
    result = retain(engine, checkpoint=damaged, confirmation=Confirmation(without_checkpoint=True))
    assert (result.removed["audit_chain"], result.removed["notifications"]) == (0, 1)
    assert left_of(sql, "acme") == [OLD, NEW, NOW, NOW]


@pytest.mark.slow
@pytest.mark.parametrize("meanwhile", ["", "UPDATE audit_chain SET hash = previous_hash WHERE seq = 4"])
def test_a_checkpoint_is_signed_before_and_after(
    engine: Database, sql: apsw.Connection, tmp_path: Path, meanwhile: str
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    folder = tmp_path / "checkpoints"

    times: list[Where] = []

    def counting(where: Where, /, **options: Any) -> Report:
        times.append(where)
        report = scan_pool.verify(where, **options)
        sql.execute(meanwhile)
        return report

    store = CheckpointStore(folder)
    attempt = partial(try_to_sign, InFile(path_of(engine)), store, counting, clock=lambda: NOW)
    result = retain(engine, checkpoint=attempt)
    if meanwhile:
        assert (result.total, [one.tenant_id for one in result.left]) == (0, ["acme"])
        assert len(times) == 2, "again, since the end is another"
        return
    assert result.total == 1
    assert len(times) == 2, "for the plan, which the checkpoint before is made of, and after it"
    assert [one.reason for one in store.checkpoints(InFile(path_of(engine)))] == ["retention"] * 2
    assert verify(path_of(engine), folder, now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize("entries", [True, False])
@pytest.mark.parametrize("earlier", [False, True])
def test_beside_a_broken_chain_goes_what_a_checkpoint_knows_or_a_person_agrees_to(
    engine: Database, sql: apsw.Connection, tmp_path: Path, earlier: bool, entries: bool
) -> None:
    """Or a notification, where there is any checkpoint."""
    first = OLD if entries else NEW
    for tenant in ("acme", "broken"):
        chains.append(sql, tenant, [first, NEW, NOW, NOW])
    if not entries:
        notify(sql, "n", 1, OLD)
    if earlier:
        sign(path_of(engine), tmp_path, now=NOW)
    sql.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 6")
    store = CheckpointStore(tmp_path)
    attempt = partial(try_to_sign, InFile(path_of(engine)), store, scan_pool.verify, clock=lambda: NOW)
    assert (planned(engine, checkpoint=attempt).no_checkpoint is None) == earlier
    if not earlier:
        with pytest.raises(NoCheckpoint, match=r"is broken, .* Nothing was removed\."):
            retain(engine, checkpoint=attempt)
        assert left_of(sql, "acme") == [first, NEW, NOW, NOW]
    said = Confirmation(without_checkpoint=not earlier)
    result = retain(engine, checkpoint=attempt, confirmation=said)
    assert (result.total, [one.tenant_id for one in result.left]) == (1, ["broken"])
    assert result.no_checkpoint is not None


@pytest.mark.slow
@pytest.mark.parametrize(("reset", "last"), [("older", 3), ("cut off", 2), ("wiped", 0)])
def test_nothing_is_recorded_where_checkpoints_know_a_later_state(
    engine: Database, sql: apsw.Connection, tmp_path: Path, reset: str, last: int
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW])
    folder = tmp_path / "checkpoints"
    sign(path_of(engine), folder, now=NOW)
    chains.append(sql, "acme", [NOW])
    sign(path_of(engine), folder, now=NOW)
    sql.execute("DELETE FROM audit_chain WHERE seq > ?", (last,))
    sql.execute("UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(seq), 0) FROM audit_chain)")
    before = verify(path_of(engine), folder, now=NOW)
    known = unsigned(path_of(engine), folder=folder)
    plan = planned(engine, checkpoint=known)
    assert plan.obstacle is not None and not (plan.is_complete or plan.total)
    assert [one.tenant_id for one in plan.left] == ([] if reset == "older" else ["acme"])
    with pytest.raises(NotAllowed, match=r"Nothing was removed\."):
        retain(engine, checkpoint=known)
    assert verify(path_of(engine), folder, now=NOW).findings == before.findings
    assert before.verdict is (Verdict.EARLIER if reset == "older" else Verdict.TAMPERED)


def test_what_stays_is_not_recorded_where_checkpoints_know_a_later_state(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [OLD * 1000, NEW])  # which is no time to go by, so nothing would go
    sign(path_of(engine), tmp_path, now=NOW)
    chains.append(sql, "acme", [NOW])
    sign(path_of(engine), tmp_path, now=NOW)
    sql.execute("DELETE FROM audit_chain WHERE seq = 3; UPDATE sqlite_sequence SET seq = 2")
    known = unsigned(path_of(engine), folder=tmp_path)
    plan = planned(engine, checkpoint=known)
    assert [one.tenant_id for one in plan.left] == ["acme"] and plan.obstacle is not None
    with pytest.raises(NotAllowed, match=r"earlier state than checkpoints know.* Nothing was removed\."):
        retain(engine, checkpoint=known)
    assert verify(path_of(engine), tmp_path, now=NOW).verdict is Verdict.EARLIER


@pytest.mark.slow
def test_bytes_written_past_sqlite_after_the_plan_are_not_signed_for(
    database: LocalDatabase, sql: apsw.Connection, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    own_hash = sql.execute("SELECT hash FROM audit_chain WHERE seq = 3").get
    sql.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    folder = tmp_path / "checkpoints"
    store = CheckpointStore(folder)
    attempt = partial(try_to_sign, InFile(database.path), store, scan_pool.verify, clock=lambda: NOW)
    plan = planned(database, checkpoint=attempt)
    held = database.path.read_bytes()
    with database.path.open("r+b") as file:
        file.seek(held.index(own_hash.encode()))
        file.write(b"ZZ")
    said = Confirmation.to(plan, majority=True)
    how: Any = {"actor": "a", "checkpoint": attempt, "kept_by": database.path, "wall": NOW}
    result = Run(database=database, plan=plan, confirmation=said, now=NOW, **how).carry_out()
    assert [one.tenant_id for one in result.left] == ["acme"]
    assert (result.total, store.checkpoints(InFile(database.path))) == (0, ())


@pytest.mark.parametrize(("tenant", "said"), [("bolt", "bolt"), ("", "a tenant without a name")])
def test_what_breaks_while_it_runs_is_told(
    engine: Database, sql: apsw.Connection, tenant: str, said: str
) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    chains.append(sql, tenant, [NEW, NOW])
    chains.append(sql, "crux", [OLD, NEW, NOW, NOW])
    sql.execute(
        "UPDATE audit_chain SET payload = 'before' WHERE tenant_id = 'crux' AND created_at = ?", (NEW,)
    )

    def forge(done: int, total: int) -> None:
        if done == total:
            sql.execute("UPDATE audit_chain SET payload = 'forged' WHERE tenant_id = ?", (tenant,))

    result = retain(engine, monitor=Monitor(forge))
    assert (result.total, [one.tenant_id for one in result.left]) == (1, ["crux"])
    assert list(result.broken) == [tenant] and not result.is_complete
    assert result.to_json()["broken"] == [{"tenant": tenant, "reason": result.broken[tenant]}]
    assert result.alarm is not None
    assert f"1 row; after that, the audit chain of {said} was found broken: Entry " in result.alarm


def test_whoever_interrupts_does_not_wait_for_a_verification(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    verified, reasons = unsigned(path_of(engine)), []

    def attempt(**options: Any) -> Attempt:
        reasons.append(options["reason"])
        return verified(**options)

    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retain(engine, checkpoint=attempt, monitor=Monitor(interrupt))
    assert left_of(sql, "acme") == [NEW, NOW, NOW]
    assert reasons == [None, Reason.RETENTION]
    found = planned(engine)
    assert "did not finish" in str(found.unfinished) and found.to_json()["unfinished"] is True
    assert retain(engine).total == 0 and planned(engine).unfinished is None, "a report stands behind it now"


def test_a_forged_marker_does_not_say_that_a_run_did_not_finish(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [NEW, NOW])
    chains.append(sql, "acme", [NOW], "audit_pruned")  # which says nothing that one of ours says
    assert planned(engine).unfinished is None


@pytest.mark.slow
def test_a_chain_that_has_to_stay_is_reported_once(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [old(3), old(2), OLD, NEW])
    sql.execute("DELETE FROM audit_chain WHERE seq = 1")
    for day in range(5):
        assert [one.seq for one in retain(engine, now=NOW + day).left] == [2]
    assert sql.execute("SELECT count(*) FROM audit_chain WHERE tenant_id = 'system'").get == 1


@pytest.mark.parametrize(("odd", "why"), [((OLD + 5) * 1000, "in milliseconds"), (-5, "neither in seconds")])
def test_times_that_are_no_seconds_stop_the_prefix_and_are_said(
    engine: Database, sql: apsw.Connection, odd: int, why: str
) -> None:
    chains.append(sql, "acme", [old(3), old(2), odd, NEW])
    plan = planned(engine)
    assert plan.counts["audit_chain"] == 2
    assert [(one.tenant_id, one.seq) for one in plan.left] == [("acme", 3)]
    assert why in plan.left[0].reason
    retain(engine)
    assert len(left_of(sql, "acme")) == 2


@pytest.mark.parametrize("value", [OLD + 0.5, "yesterday"])
def test_times_of_another_class_stop_the_tenant(
    engine: Database, sql: apsw.Connection, value: object
) -> None:
    chains.append(sql, "acme", [old(3), old(2), OLD, NEW])
    sql.execute("UPDATE audit_chain SET created_at = ? WHERE seq = 3", (value,))
    plan = planned(engine)
    assert plan.counts["audit_chain"] == 0
    assert [one.tenant_id for one in plan.left] == ["acme"]
    assert retain(engine).total == 0
    assert len(left_of(sql, "acme")) == 4


def notify(sql: apsw.Connection, key: str, read: int, at: object) -> None:
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at) "
        "VALUES (?, 'acme', 'run_started', ?, ?)",
        (key, read, at),
    )


def test_read_notifications_go_when_they_are_old(engine: Database, sql: apsw.Connection) -> None:
    for key, read, at in [
        ("old read", 1, CUTOFF - 1),
        ("old unread", 0, OLD),
        ("at the cutoff", 1, CUTOFF),
        ("recent", 1, NEW),
        ("odd", 2, OLD),
        ("milliseconds", 1, OLD * 1000),
        ("text", 1, "long ago"),
    ]:
        notify(sql, key, read, at)
    assert retain(engine).removed["notifications"] == 1
    assert "old read" not in {row[0] for row in sql.execute("SELECT id FROM notifications")}
    assert sql.execute("SELECT count(*) FROM notifications").get == 6


def add_run(sql: apsw.Connection, key: str, status: str, updated: object, artifacts: int = 2) -> None:
    sql.execute(
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at) VALUES (?, 'x', ?, ?, ?)",
        (key, status, old(30), updated),
    )
    for number in range(artifacts):
        sql.execute(
            "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at) "
            "VALUES (?, ?, 'strategy', ?, ?)",
            (f"{key}-{number}", key, "x" * 300, NEW),
        )


def test_deleted_runs_go_with_their_artifacts_by_updated_at(engine: Database, sql: apsw.Connection) -> None:
    for key, status, updated in [
        ("gone", "deleted", CUTOFF - 1),
        ("gone too", "deleted", OLD),
        ("just deleted", "deleted", NEW),
        ("at the cutoff", "deleted", CUTOFF),
        ("old but kept", "completed", OLD),
        ("killed", "killed", OLD),
    ]:
        add_run(sql, key, status, updated)
    sql.execute(
        "INSERT INTO planning_parked_ideas (id, idea, run_id, created_at) VALUES ('p', 'x', 'gone', 1)"
    )
    removed = retain(engine).removed
    assert (removed["planning_runs"], removed["planning_artifacts"]) == (2, 4)
    assert sql.execute("SELECT count(*) FROM planning_runs").get == 4
    assert sql.execute("SELECT count(*) FROM planning_artifacts").get == 8
    assert sql.execute("PRAGMA foreign_key_check").fetchall() == []
    assert sql.execute("SELECT run_id FROM planning_parked_ideas").get == "gone"


def test_the_outcome_is_on_record_under_system(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW, NOW, NOW])
    notify(sql, "n", 1, OLD)
    result = retain(engine, clock=False)
    assert sql.execute(
        "SELECT event_type, payload FROM audit_chain WHERE tenant_id = 'system'"
    ).fetchall() == [
        ("retention_removed", f'{{"actor":"ops","cutoff":{CUTOFF},"removed":{{"notifications":1}}}}'),
        (
            "retention_completed",
            f'{{"actor":"ops","cutoff":{CUTOFF},"removed":{{"audit_chain":1,"notifications":1,'
            '"planning_runs":0,"planning_artifacts":0}}',
        ),
    ]
    assert result.to_json() == {
        "cutoff": CUTOFF,
        "dryRun": False,
        "removed": {"audit_chain": 1, "notifications": 1, "planning_runs": 0, "planning_artifacts": 0},
        **({"noBookmark": result.no_bookmark} if engine.costs else {}),
    }
    assert (result.no_bookmark is not None) is engine.costs, "a live one without Time Travel says so"


def fill(sql: apsw.Connection) -> dict[str, int]:
    """Three interleaved tenants, one a handful, with 60 old entries in all, and what else grows old."""
    for number in range(30):
        for tenant, every in (("acme", 1), ("globex", 2), ("tiny", 6)):
            if number % every == 0:
                chains.append(sql, tenant, [old(30 - number)])
    for tenant in ("acme", "globex", "tiny"):
        chains.append(sql, tenant, [NEW] * 40)
    for number in range(8):
        notify(sql, f"n{number}", 1, OLD)
        add_run(sql, f"r{number}", "deleted", OLD)
    return account(sql)


@pytest.mark.slow
def test_plan_and_run_agree(engine: Database, sql: apsw.Connection) -> None:
    fill(sql)
    before = [sql.execute(f"SELECT count(*) FROM {table}").get for table in TABLES]
    plan = planned(engine)
    assert [sql.execute(f"SELECT count(*) FROM {table}").get for table in TABLES] == before
    assert plan.to_json()["dryRun"] is True
    assert retain(engine).removed == plan.counts
    assert plan.counts == {
        "audit_chain": 50,
        "notifications": 8,
        "planning_runs": 8,
        "planning_artifacts": 16,
    }


def test_preview_names_each_tenants_share(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW, NEW])
    chains.append(sql, "globex", [OLD, OLD, NEW])
    chains.append(sql, "young", [NEW])
    shares = planned(engine).shares
    assert [(one.tenant_id, one.losing, one.live, one.is_majority) for one in shares] == [
        ("acme", 1, 3, False),
        ("globex", 2, 3, True),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("batch_rows", [1, 2, 7, 1000])
def test_every_chain_is_provable_after_every_transaction(
    engine: Database, sql: apsw.Connection, database_path: Path, batch_rows: int
) -> None:
    entries = fill(sql)
    seen = []

    def look(done: int, total: int) -> None:
        with apsw.Connection(str(database_path)) as other:  # what another program would see
            assert chains.problems(other) == []
            assert account(other) == entries
            orphans = (
                "SELECT count(*) FROM planning_artifacts WHERE run_id NOT IN (SELECT id FROM planning_runs)"
            )
            assert other.execute(orphans).get == 0
        seen.append((done, total))

    result = retain(engine, batch_rows=batch_rows, monitor=Monitor(look))
    assert result.total == 82
    assert seen[-1] == (132, 132)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert chains.problems(sql) == []


class Stopped(Exception):
    pass


@pytest.mark.slow
def test_dying_at_any_commit_leaves_a_file_that_the_next_run_finishes(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    entries = fill(sql)

    rounds = 0
    while due := planned(database).total:
        proven = planned(database).counts["audit_chain"]

        def die(done: int, total: int, proven: int = proven) -> None:
            if done > proven:  # the first transaction is committed
                raise Stopped

        with pytest.raises(Stopped):
            retain(database, batch_rows=7, monitor=Monitor(die))
        rounds += 1
        assert chains.problems(sql) == []
        assert account(sql) == entries
        assert planned(database).total < due
    assert rounds >= 10


@pytest.mark.slow
def test_a_power_cut_takes_back_whole_transactions_and_none_once_the_run_is_recorded(
    database: LocalDatabase, sql: apsw.Connection, tmp_path: Path
) -> None:
    entries, path = fill(sql), database.path
    sql.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    main_file, log, synced = path.read_bytes(), b"", list[int]()

    def look(done: int, total: int) -> None:
        nonlocal log
        if path.read_bytes() == main_file:  # nothing has been folded back yet
            log = path.with_name(f"{path.name}-wal").read_bytes()

    class Noting(LocalDatabase):
        def run_batch(self, statements: Sequence[Statement], **options: Any) -> float:
            synced.append(self.connection().pragma("synchronous"))
            return super().run_batch(statements, **options)

    noting = Noting(path)
    with noting.connection_context():
        retain(noting, batch_rows=20, monitor=Monitor(look))
    assert set(synced[:-1]) == {1} and synced[-1] == 2
    states = set()
    for end in range(32, len(log), 4096 + 24):
        (tmp_path / "cut.sqlite").write_bytes(main_file)
        (tmp_path / "cut.sqlite-wal").write_bytes(log[:end])
        cut = apsw.Connection(str(tmp_path / "cut.sqlite"))
        assert chains.problems(cut) == [] and account(cut) == entries
        states.add(cut.execute("SELECT count(*) FROM audit_chain").get)
        cut.close()
    assert len(states) > 3


@pytest.mark.slow
def test_cancelling_keeps_what_is_done_and_says_so(engine: Database, sql: apsw.Connection) -> None:
    fill(sql)
    shares = [0.0]
    result = retain(
        engine,
        batch_rows=10,
        monitor=Monitor(lambda done, total: shares.append(done / total), lambda: shares[-1] > 0.5),
        # all is proven then, and the first are removed
    )
    assert result.cancelled
    assert 0 < result.removed["audit_chain"] < 50
    assert chains.problems(sql) == []
    report = json.loads(sql.execute("SELECT payload FROM audit_chain WHERE tenant_id = 'system'").get)
    assert report["cancelled"] is True
    assert report["removed"] == result.removed
    assert not retain(engine).cancelled
    assert planned(engine).total == 0


@pytest.mark.slow
def test_cancelling_before_the_first_transaction_changes_nothing(
    engine: Database, sql: apsw.Connection
) -> None:
    entries = fill(sql)
    result = retain(engine, monitor=Monitor(cancelled=lambda: True))
    assert (result.cancelled, result.total) == (True, 0)
    assert account(sql) == entries
    assert sql.execute("SELECT count(*) FROM audit_chain WHERE tenant_id = 'system'").get == 0


@pytest.mark.slow
def test_many_tenants_are_removed_in_groups(database: LocalDatabase, sql: apsw.Connection) -> None:
    for number in range(130):
        chains.append(sql, f"tenant-{number}", [OLD, OLD, NEW, NEW, NEW])
    assert retain(database).removed["audit_chain"] == 260
    assert chains.problems(sql) == []
    assert all(len(chains.markers(sql, f"tenant-{number}")) == 1 for number in range(130))


class Crowded(LocalDatabase):
    """Somebody appends to a chain each time before a batch that is recorded in several."""

    def run_batch(self, statements: Sequence[Statement], **options: Any) -> float:
        if sum(one.proof is not None for one in statements) > 1:
            with closing(apsw.Connection(str(self.path))) as other:
                chains.append(other, "tenant-2", [NEW])
        return super().run_batch(statements, **options)


def test_tenants_are_removed_one_by_one_where_one_of_the_chains_never_rests(
    database_path: Path, sql: apsw.Connection
) -> None:
    for number in range(4):
        chains.append(sql, f"tenant-{number}", [OLD, OLD, NEW, NEW, NEW])
    database = Crowded(database_path)
    with database.connection_context():
        assert retain(database).removed["audit_chain"] == 8
    assert chains.problems(sql) == []
    ((entries,),) = sql.execute("SELECT count(*) FROM audit_chain WHERE tenant_id = 'tenant-2'")
    assert entries == 3 + 1 + 3 + 1 + 3  # three tries of all four; the first two; three of the others


class Timed(LocalDatabase):
    """Says of each transaction that it held the lock for `held` seconds."""

    held = 0.0

    def run_batch(self, statements: Sequence[Statement], **options: Any) -> float:
        super().run_batch(statements, **options)
        return self.held


@pytest.mark.parametrize(
    ("held", "counts"), [(0.1, [2000] + [1000] * 6), (0.001, [2000, 4000, 2000])], ids=["slow", "fast"]
)
def test_transactions_are_as_long_as_the_lock_may_be_held(
    database_path: Path, sql: apsw.Connection, held: float, counts: list[int]
) -> None:
    chains.append(sql, "acme", [OLD] * 8000 + [NEW])
    database = Timed(database_path)
    database.held = held
    with database.connection_context():
        pauses: list[float] = []
        retain(database, batch_rows=4000, pause=pauses.append)
    markers = sql.execute("SELECT payload FROM audit_chain WHERE event_type = 'audit_pruned' ORDER BY seq")
    assert [json.loads(payload)["count"] for (payload,) in markers] == counts
    assert chains.problems(sql) == []
    assert set(pauses) == {0.005} and len(pauses) >= len(counts) - 2


def test_more_than_half_of_a_tenant_is_confirmed(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, OLD, OLD, NEW, NEW])
    chains.append(sql, "half", [OLD, OLD, NOW, NOW])
    before = sql.execute("SELECT * FROM audit_chain").fetchall()
    with pytest.raises(NeedsConfirmation, match=r"entries of acme \(3 of 5\) would") as refused:
        retain(engine, majority=False)
    assert refused.value.tenants == ("acme",)
    assert sql.execute("SELECT * FROM audit_chain").fetchall() == before
    with pytest.raises(NeedsConfirmation):
        retain(engine, confirmation=Confirmation(frozenset({"half"})))
    assert retain(engine, confirmation=Confirmation(frozenset({"acme"}))).removed["audit_chain"] == 5


def test_prune_markers_are_no_part_of_a_majority(engine: Database, sql: apsw.Connection) -> None:
    """Half of the entries go, and a marker with them: that is no majority."""
    chains.append(sql, "acme", [old(9), old(8)])
    retain(engine, now=NOW - 5 * DAY, batch_rows=1)  # one marker, which is young
    chains.append(sql, "acme", [NEW, NOW])
    (share,) = [one for one in planned(engine).shares if one.tenant_id == "acme"]
    assert (share.entries, share.losing, share.live) == (1, 1, 3)
    later = NOW + 88 * DAY  # by then the marker is old, too
    chains.append(sql, "acme", [later])
    (share,) = [one for one in planned(engine, now=later).shares if one.tenant_id == "acme"]
    assert (share.entries, share.losing, share.live, share.is_majority) == (3, 2, 4, False)


def test_a_head_dated_a_little_later_does_not_let_time_go_backwards(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [OLD, NOW + 3])
    retain(engine)
    times = [
        row[0]
        for row in sql.execute("SELECT created_at FROM audit_chain WHERE tenant_id = 'acme' ORDER BY seq")
    ]
    assert times == [NOW + 3, NOW + 3]


def test_days_are_counted_back_from_now(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [NOW - 11 * DAY, NOW - 9 * DAY, NOW])
    result = retain(engine, days=10)
    assert (result.cutoff, result.removed["audit_chain"]) == (NOW - 10 * DAY, 1)
    with pytest.raises(InvalidInput):
        retain(engine, days=-1)
    with pytest.raises(InvalidInput, match="not above 2,932,897"):
        retain(engine, days=10**16)
    assert retain(engine, days=MOST_DAYS).total == 0


@pytest.mark.slow
def test_a_read_only_database_is_never_written(engine: Database, sql: apsw.Connection) -> None:
    fill(sql)
    engine.read_only = True
    with pytest.raises(ReadOnlyFile):
        retain(engine)
    assert planned(engine).total == 82


def test_a_file_that_lacks_tables_is_served_as_far_as_it_goes(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    add_run(sql, "r", "deleted", OLD, artifacts=0)
    for table in ("notifications", "planning_artifacts"):
        sql.execute(f"DROP TABLE {table}")
    result = retain(engine)
    assert result.removed == {
        "audit_chain": 1,
        "notifications": 0,
        "planning_runs": 1,
        "planning_artifacts": 0,
    }


def test_a_file_without_a_chain_loses_the_rest_all_the_same(engine: Database, sql: apsw.Connection) -> None:
    notify(sql, "n", 1, OLD)
    sql.execute("DROP TABLE audit_chain")
    assert retain(engine).removed["notifications"] == 1


def test_a_trigger_on_a_table_is_refused(engine: Database, sql: apsw.Connection) -> None:
    sql.execute("CREATE TRIGGER t AFTER DELETE ON notifications BEGIN DELETE FROM users; END")
    with pytest.raises(NotAllowed, match="trigger t"):
        retain(engine)


@pytest.mark.slow
@pytest.mark.parametrize(
    "made",
    [
        "CREATE TRIGGER t AFTER DELETE ON notifications BEGIN DELETE FROM users; END",
        "CREATE TABLE notes (of TEXT REFERENCES notifications (id) ON DELETE CASCADE)",
    ],
)
def test_what_is_made_during_a_run_takes_nothing_along(
    engine: Database, sql: apsw.Connection, database_path: Path, made: str
) -> None:
    fill(sql)
    before = sql.execute("SELECT count(*) FROM notifications").get

    def make(done: int, total: int) -> None:
        if not sql.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('t', 'notes')").get:
            with apsw.Connection(str(database_path)) as other:
                other.execute(made)

    result = retain(engine, monitor=Monitor(make))
    assert result.removed["audit_chain"] and result.removed["notifications"] == 0
    assert [one.table for one in result.skipped] == ["notifications"]
    assert "The table notifications, or what refers to it, was changed" in result.skipped[0].reason
    assert sql.execute("SELECT count(*) FROM notifications").get == before


@pytest.mark.slow
def test_somebody_elses_cleanup_meanwhile_stops_that_tenant_only(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    fill(sql)

    def clean(done: int, total: int) -> None:
        if sql.execute("SELECT count(*) FROM audit_chain WHERE seq = 2").get:
            with apsw.Connection(str(database_path)) as other:
                other.execute("DELETE FROM audit_chain WHERE tenant_id = 'globex' AND created_at < ?", (OLD,))

    result = retain(engine, batch_rows=1000, monitor=Monitor(clean))
    assert [one.tenant_id for one in result.left] == ["globex"]
    assert "somebody else" in result.left[0].reason
    assert result.removed["audit_chain"] == 35
    assert [one for one in chains.problems(sql) if "globex" not in one] == []


@pytest.mark.slow
def test_a_notification_marked_unread_meanwhile_stays(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    fill(sql)
    rescued: list[int] = []

    def rescue(done: int, total: int) -> None:
        if not rescued:
            with apsw.Connection(str(database_path)) as other:
                other.execute("UPDATE notifications SET read = 0 WHERE id = 'n3'")
            rescued.append(done)

    retain(engine, monitor=Monitor(rescue))
    assert [row[0] for row in sql.execute("SELECT id FROM notifications")] == ["n3"]


@pytest.mark.slow
def test_others_append_to_the_same_chains_meanwhile(
    database: LocalDatabase, sql: apsw.Connection, database_path: Path
) -> None:
    chains.append(sql, "acme-corp", [old(200 - number) // 1 for number in range(200)])
    chains.append(sql, "acme-corp", [NOW - 500_000])
    command = [sys.executable, "-m", "tests.fixtures.appending", "append", str(database_path)]
    writers = [subprocess.Popen([*command, f"writer-{number}", "60"]) for number in range(2)]
    try:
        result = retain(database, batch_rows=4)
    finally:
        codes = [writer.wait(60) for writer in writers]
    assert codes == [0, 0]
    assert result.removed["audit_chain"] == 200
    assert chains.problems(sql) == []
    kinds = dict(
        sql.execute("SELECT event_type, count(*) FROM audit_chain WHERE tenant_id = 'acme-corp' GROUP BY 1")
    )
    assert kinds["user_created"] == 120
    assert kinds["audit_pruned"] == 50


def test_it_ends_where_the_chain_never_rests_that_it_is_recorded_in(
    database_path: Path, sql: apsw.Connection
) -> None:
    """What went is told by whoever ran it, and by the next run in the chain."""
    chains.append(sql, "quiet", [old(9), NOW - 60])
    engine = PlainEngine(database_path)
    engine.before_batch = [lambda: chains.append(sql, "system", [NOW])] * 2_000
    with engine.connection_context():
        checkpoint = unsigned(database_path)
        with pytest.raises(RetentionStopped, match="only the record of the run is missing") as stopped:
            retain(engine, patience=0.05, checkpoint=checkpoint)
        assert len(engine.before_batch) > 1_500, "it has not waited for each of 500 tries, twice"
        assert str(stopped.value).endswith("Its report in the audit chain failed for the same reason.")
        (unreported,) = stopped.value.result.unreported
        engine.before_batch = []
        retain(engine, checkpoint=checkpoint, unreported=(unreported,))
    told = "SELECT json_extract(payload, '$.removed.audit_chain') FROM audit_chain WHERE event_type = ?"
    assert sql.execute(told, ("retention_failed",)).fetchall() == [(1,)]
    assert chains.problems(sql) == []


def test_it_ends_beside_a_chain_that_never_rests(database_path: Path, sql: apsw.Connection) -> None:
    for tenant in ("busy", "quiet"):
        chains.append(sql, tenant, [old(9), old(8), NOW - 60])
    engine = PlainEngine(database_path)
    engine.before_batch = [lambda: chains.append(sql, "busy", [NOW])] * 2_000
    with engine.connection_context():
        checkpoint = unsigned(database_path)
        result = retain(engine, patience=0.05, checkpoint=checkpoint)
        assert engine.before_batch, "it has not waited for them to end"
        assert [(one.tenant_id, one.reason) for one in result.left] == [("busy", CROWD)]
        assert result.removed["audit_chain"] == 2 and result.outcome == "2 rows; old entries of busy stay"
        engine.before_batch = []
        assert retain(engine, checkpoint=checkpoint).removed["audit_chain"] == 2
    assert chains.problems(sql) == []


@pytest.mark.slow
def test_kill_at_any_moment_leaves_the_old_or_the_new_state(database_path: Path) -> None:
    sql = apsw.Connection(str(database_path))
    for number in range(400):
        chains.append(sql, ("acme", "globex", "tiny")[number % 3 if number % 5 else 0], [old(400 - number)])
    for tenant in ("acme", "globex", "tiny"):
        chains.append(sql, tenant, [NEW])
    for number in range(30):
        notify(sql, f"n{number}", 1, OLD)
        add_run(sql, f"r{number}", "deleted", OLD)
    sql.close()
    command = [sys.executable, "-m", "tests.fixtures.retaining", "kill", str(database_path)]
    done = subprocess.run(
        [*command, str(NOW), str(KILLS), "1"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120 + 5 * KILLS,
    )
    *found, killed = done.stdout.splitlines()
    assert found == []
    assert int(killed.removeprefix("killed ")) >= KILLS // 3


@pytest.mark.slow
def test_sample_data_is_retained_and_stays_sound(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite"
    create_demo(path, rows=20_000, now=NOW)
    with connected(path) as database:
        connection = database.connection()
        expected = connection.execute("SELECT count(*) FROM audit_chain WHERE created_at < ?", (CUTOFF,)).get
        result = retain(database, majority=False, clock=False, batch_rows=1000)
        assert result.removed["audit_chain"] == expected
        assert result.removed["planning_runs"] > 0
        assert chains.problems(connection) == []
        assert path.with_name("demo.sqlite-wal").stat().st_size < 50_000  # the report alone
        assert connection.pragma("wal_autocheckpoint") == 1000


def test_entries_cut_off_at_the_end_are_not_hidden_by_a_marker(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW, NEW, NEW, NEW])
    sql.execute("DELETE FROM audit_chain WHERE seq > 4")
    with pytest.raises(NotAllowed, match="numbered audit entries up to 6, but its last one is 4"):
        retain(engine)
    assert sql.execute("SELECT count(*) FROM audit_chain").get == 4
    assert planned(engine).total == 0
    assert "numbered audit entries up to 6" in str(planned(engine).obstacle)
    notify(sql, "n", 1, OLD)
    with pytest.raises(NotAllowed):  # the report would take the number as well
        retain(engine)
    sql.execute("UPDATE sqlite_sequence SET seq = 4")
    assert retain(engine).removed["audit_chain"] == 2


def test_entries_that_a_person_says_were_rightly_cut_off_stop_nothing(
    engine: Database, sql: apsw.Connection, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW, NEW, NEW, NEW])
    sql.execute("DELETE FROM audit_chain WHERE seq > 4")
    sign(path_of(engine), tmp_path / "home", now=NOW, reason=Reason.START_OVER)
    known = unsigned(path_of(engine), folder=tmp_path / "home")
    assert retain(engine, checkpoint=known).removed["audit_chain"] == 2


@pytest.mark.parametrize(
    "change", ["hash = 'f' || substr(hash, 2) WHERE seq = 4", f"created_at = {NEW} WHERE seq = 3"]
)
def test_content_replaced_between_two_transactions_is_left_alone(
    engine: Database, sql: apsw.Connection, database_path: Path, change: str
) -> None:
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])
    sql.wal_checkpoint()

    def replace(_done: int, _total: int) -> None:
        execute(database_path, f"UPDATE audit_chain SET {change}")

    result = retain(engine, batch_rows=2, monitor=Monitor(replace))
    assert [left.tenant_id for left in result.left] == ["acme"]
    kept = [
        row[0] for row in sql.execute("SELECT seq FROM audit_chain WHERE tenant_id = 'acme' AND seq < 10")
    ]
    assert kept[-7:] == [3, 4, 5, 6, 7, 8, 9]


@pytest.mark.slow
def test_a_failure_after_a_transaction_says_what_went(database: LocalDatabase, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def forbid(done: int, _total: int) -> None:
        if done > 4:  # four were read, and the first two have gone
            sql.pragma("query_only", 1)

    with pytest.raises(RetentionStopped) as stopped:
        retain(database, batch_rows=2, monitor=Monitor(forbid))
    sql.pragma("query_only", 0)
    result = stopped.value.result
    assert (result.total, result.removed["audit_chain"]) == (2, 2)
    assert str(stopped.value).startswith("Retention stopped when 2 of 4 rows had been removed; those are")
    assert left_of(sql, "acme") == [old(7), old(6), NEW, NEW, NEW, NEW, NEW]
    assert retain(database).removed["audit_chain"] == 2


def test_a_run_that_removed_nothing_says_what_it_archived(
    database: LocalDatabase, sql: apsw.Connection, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [old(9), old(8), NEW, NEW, NEW])

    def forbid(done: int, _total: int) -> None:
        if done == 4:  # two were read and archived
            sql.pragma("query_only", 1)

    (folder := tmp_path / "archive").mkdir()
    with pytest.raises(RetentionStopped) as stopped:
        retain(database, monitor=Monitor(forbid), archive=folder)
    sql.pragma("query_only", 0)
    (kept,) = folder.iterdir()
    assert str(stopped.value).startswith(
        f"Retention stopped when 0 of 2 rows had been removed; what is archived already ({kept.name}) is in"
    )
    assert len(left_of(sql, "acme")) == 5
    assert retain(database, archive=folder).archives == (kept.name,)


def test_what_a_stopped_run_did_is_said_in_numbers_alone(engine: Database, sql: apsw.Connection) -> None:
    """A step that failed has changed nothing itself, which would be untrue of the run."""
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def fail(_seconds: float) -> None:
        raise DiskFull(Path("foundation.sqlite"))

    with pytest.raises(RetentionStopped) as stopped:
        retain(engine, batch_rows=2, pause=fail)
    (reported,) = sql.execute(
        "SELECT payload ->> 'error' FROM audit_chain WHERE event_type = 'retention_failed'"
    ).fetchall()[0]
    assert reported == str(stopped.value) and "nothing was" not in reported.lower()
    assert stopped.value.heading == "Retention stopped"
    assert reported.startswith("Retention stopped when 2 of 4 rows had been removed; those are gone")
    assert reported.endswith("foundation.sqlite is full. Free some space and try again.")


def test_what_went_is_on_record_though_a_mistake_of_the_program_ends_the_run(
    engine: Database, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def fail(_seconds: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retain(engine, batch_rows=2, pause=fail)
    (reported,) = sql.execute(
        "SELECT payload ->> 'error' FROM audit_chain WHERE event_type = 'retention_failed'"
    ).fetchall()[0]
    assert "2 of 4 rows had been removed; those are gone" in str(reported)
    assert str(reported).endswith("A mistake of the program ended it.")


def test_a_run_that_has_begun_ends_though_writes_are_locked_in_its_middle(
    engine: Database, sql: apsw.Connection
) -> None:
    """It alone may write then, and its report is in the chain."""
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def lock(_seconds: float) -> None:
        engine.writable_until = 0.0
        with pytest.raises(ReadOnlyFile):
            ThreadPoolExecutor(1).submit(engine.run_batch, []).result()

    assert retain(engine, batch_rows=2, pause=lock).removed["audit_chain"] == 4
    reports = "SELECT count(*) FROM audit_chain WHERE event_type = 'retention_completed'"
    assert sql.execute(reports).fetchall() == [(1,)]
    with pytest.raises(ReadOnlyFile):
        retain(engine)


def test_a_report_that_is_refused_is_not_lost_in_silence(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def fail(_seconds: float) -> None:
        database.connection().pragma("query_only", 1)
        raise DiskFull(database.path)

    with pytest.raises(
        RetentionStopped, match=r"is full.* Its report in the audit chain failed, too: .*read-only"
    ) as stopped:
        retain(database, batch_rows=2, pause=fail)
    sql.pragma("query_only", 0)
    database.connection().pragma("query_only", 0)
    assert retain(database, unreported=stopped.value.result.unreported).unreported == ()
    told = "SELECT event_type, payload ->> '$.removed.audit_chain', payload ->> 'at', payload ->> 'error' "
    reports = sql.execute(f"{told} FROM audit_chain WHERE tenant_id = 'system' ORDER BY seq").fetchall()
    assert [row[:3] for row in reports] == [("retention_failed", 2, NOW), ("retention_completed", 2, None)]
    assert "2 of 4 rows had been removed" in str(reports[0][3])


@pytest.mark.slow
def test_a_log_cut_under_a_run_is_said_and_what_is_lost_is_left_open(database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as sql:
        chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def cut(_seconds: float) -> None:
        os.truncate(f"{database_path}-wal", 0)

    with connected(database_path) as database, pytest.raises(RetentionStopped) as stopped:
        retain(database, batch_rows=2, pause=cut)
    assert "how many of those are gone for good shows when the database is opened again" in str(stopped.value)
    assert "(foundation.sqlite-wal) was deleted, replaced or cut" in str(stopped.value)


@pytest.mark.slow
def test_a_run_whose_file_is_moved_away_says_what_it_had_removed(database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as sql:
        chains.append(sql, "acme", [old(9), old(8), old(7), old(6), NEW, NEW, NEW, NEW, NEW])

    def move(_seconds: float) -> None:
        database_path.rename(database_path.with_name("moved"))

    with connected(database_path) as database, pytest.raises(RetentionStopped) as stopped:
        retain(database, batch_rows=2, pause=move)
    assert str(stopped.value).startswith("Retention stopped when 2 of 4 rows had been removed")
    assert "othing was changed" not in f"{stopped.value} {stopped.value.result.no_checkpoint}"


def test_a_report_that_the_file_would_refuse_stops_a_run_before_it_begins(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    refer_to_tenants(database_path, "acme")
    chains.append(sql, "acme", [old(9), old(8), NEW])
    plan = planned(engine)
    assert plan.total == 0
    assert plan.obstacle == (
        "audit_chain of this database refers to tenants, which has no id “system”, so nothing can be "
        "recorded in the chain of system. Add such a row to tenants, then try again."
    )
    with pytest.raises(NotAllowed, match="no id “system”"):
        retain(engine)
    assert left_of(sql, "acme") == [old(9), old(8), NEW]
    sql.execute("INSERT INTO tenants (id, name) VALUES ('system', 'System')")
    assert retain(engine).removed["audit_chain"] == 2


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("CHECK (event_type IN ('user_updated'))", "audit_pruned in the chain of acme (CHECK constraint"),
        ("CHECK (tenant_id <> 'system')", "retention_removed in the chain of system (CHECK constraint"),
        ("region TEXT NOT NULL", "audit_pruned in the chain of acme (NOT NULL constraint failed: "),
    ],
)
def test_a_chain_whose_own_rules_take_no_record_stops_a_run_before_it_begins(
    database: LocalDatabase, sql: apsw.Connection, rule: str, said: str
) -> None:
    """A file alone tells that without writing."""
    for tenant in ("acme", "globex"):
        chains.append(sql, tenant, [old(9), old(8), NEW])
    notify(sql, "n", 1, OLD)
    made = sql.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_chain'").get
    columns = f"seq, {chains.COLUMNS}"
    sql.execute(f"CREATE TEMP TABLE kept AS SELECT {columns} FROM audit_chain; DROP TABLE audit_chain")
    sql.execute(f"{made.rstrip().removesuffix(')')}, {rule})")
    region = rule.partition(" TEXT")
    more, value = (f", {region[0]}", ", 'eu'") if region[1] else ("", "")
    sql.execute(f"INSERT INTO audit_chain ({columns}{more}) SELECT {columns}{value} FROM kept")
    plan = planned(database)
    assert plan.total == 0 and said in str(plan.obstacle)
    with pytest.raises(
        NotAllowed, match=r"so nothing that is removed could be recorded\. Nothing was removed"
    ):
        retain(database)
    assert sql.execute("SELECT (SELECT count(*) FROM audit_chain), count(*) FROM notifications").get == (6, 1)


def test_a_tenant_without_a_readable_name_is_named_once(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [OLD, NEW])
    chains.append(sql, "globex", [OLD, NEW])
    sql.execute("UPDATE audit_chain SET tenant_id = CAST(x'ff' AS TEXT) WHERE tenant_id = 'globex'")
    assert [one.tenant_id for one in planned(engine).left] == ["\0xff"]


def test_a_name_that_is_no_text_keeps_nothing_of_another_tenant(
    engine: Database, sql: apsw.Connection
) -> None:
    for tenant in ("\\xff", "\ufffd", "globex"):
        chains.append(sql, tenant, [old(9), old(8), NEW])
    sql.execute("UPDATE audit_chain SET tenant_id = CAST(x'ff' AS TEXT) WHERE tenant_id = 'globex'")
    plan = planned(engine)
    assert [one.tenant_id for one in plan.left] == ["\0xff"]
    assert {one.tenant_id: one.entries for one in plan.shares} == {"\\xff": 2, "\ufffd": 2}
    assert retain(engine).removed["audit_chain"] == 4


@pytest.mark.parametrize(("left", "counter"), [(0, 2**63 - 1), (1, 2**63 - 2), (0, 9e30)])
def test_numbers_that_do_not_suffice_are_foreseen(
    engine: Database, sql: apsw.Connection, left: int, counter: float
) -> None:
    """The marker would take the last one, and the run be recorded nowhere."""
    chains.append(sql, "acme", [old(3), old(2), NEW])
    sql.execute("UPDATE audit_chain SET seq = ? WHERE seq = 3", (2**63 - 1 - left,))
    sql.execute("UPDATE sqlite_sequence SET seq = ?", (counter,))
    assert f"so {left} number" in str(planned(engine).obstacle)
    with pytest.raises(NotAllowed, match=r"what is removed takes 2.*Nothing was removed\.$"):
        retain(engine)
    assert sql.execute("SELECT count(*) FROM audit_chain").get == 3


def test_entries_that_nothing_counts_go_like_others(database_path: Path, tmp_path: Path) -> None:
    """Not one table of the file has AUTOINCREMENT, so it has no counters either."""
    path = tmp_path / "uncounted.sqlite"
    made = sorted(
        (sql for _, sql in schema(database_path)), key=lambda sql: not sql.startswith("CREATE TABLE")
    )
    execute(path, *(sql.replace(" AUTOINCREMENT", "") for sql in made))
    with connected(path) as database:
        sql = database.connection()
        chains.append(sql, "acme", [old(3), old(2), NEW])
        assert planned(database).obstacle is None
        assert retain(database).removed["audit_chain"] == 2
        assert chains.problems(sql) == [] and left_of(sql, "acme") == [NEW]


@pytest.mark.parametrize(
    ("renumber", "reason"),
    [
        ("seq = seq - 30", "Entry -29 is numbered below 1"),
        ("seq = 9223372036854775807 WHERE seq = 6", "up to 9,223,372,036,854,775,807, so 0 numbers"),
    ],
)
def test_what_no_number_can_tell_of_is_said_beforehand(
    engine: Database, sql: apsw.Connection, renumber: str, reason: str
) -> None:
    """Nothing is promised that a run would not do then."""
    chains.append(sql, "acme", [old(3), old(2), NEW, NEW, NEW, NEW])
    sql.execute(f"UPDATE audit_chain SET {renumber}")
    sql.execute("DELETE FROM sqlite_sequence")
    plan = planned(engine)
    assert plan.total == 0 and reason in f"{plan.left} {plan.obstacle}"
    with suppress(NotAllowed):
        assert retain(engine).total == 0
    assert sql.execute("SELECT count(*) FROM audit_chain WHERE event_type = 'user_updated'").get == 6


def test_what_was_archived_is_named_where_an_earlier_change_is_not_known() -> None:
    kept = RetentionResult(1, {}, archives=("a.gz",))
    stopped = RetentionStopped(kept, 100, EarlierUnknown("d1:prod", "why"))
    assert "archived already (a.gz)" in str(stopped) and not stopped.may_be_more
