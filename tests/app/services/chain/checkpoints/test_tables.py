"""The store's own file: its versions, its bounds, and what a part of it that cannot be read takes with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.store import CheckpointStore, NotSigned
from app.services.chain.checkpoints.tables import FILE, VERSION, StoreNewer, StoreUnreadable
from app.services.chain.rules import Verdict
from models.errors import InvalidInput
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign, try_to_sign

TENANT = "tenant-00"

UNVERSIONED = """
CREATE TABLE databases (
  id TEXT PRIMARY KEY, path TEXT NOT NULL, place TEXT NOT NULL, seen_number INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
);
CREATE TABLE checkpoints (
  hash TEXT PRIMARY KEY, database TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX idx_checkpoints_database ON checkpoints(database, number);
CREATE TABLE adoptions (
  database TEXT NOT NULL, tenant TEXT NOT NULL, seq INTEGER NOT NULL, previous_hash TEXT NOT NULL,
  actor TEXT NOT NULL, adopted_at INTEGER NOT NULL, PRIMARY KEY (database, tenant)
);
CREATE TABLE keys (public TEXT PRIMARY KEY, own INTEGER NOT NULL, known_at INTEGER NOT NULL);
"""
"""The store as it was made before it had a version."""


@pytest.fixture
def known(known_chain: Callable[..., KnownChain]) -> KnownChain:
    return known_chain(20, 3)


@pytest.fixture
def other(known: KnownChain, tmp_path: Path) -> KnownChain:
    """Another file that the same store knows."""
    found = KnownChain(ChainFile.build(tmp_path / "b.db", rows=9, seed=5), known.store)
    found.checkpoint()
    return found


def store_file(known: KnownChain) -> apsw.Connection:
    return apsw.Connection(str(known.chain.path.parent / "home" / FILE))


def test_a_new_store_has_a_version(known: KnownChain) -> None:
    assert store_file(known).pragma("user_version") == VERSION


def unversioned(known: KnownChain, home: Path) -> None:
    """The same checkpoints in `home`, as a program without versions left them, and a bad row."""
    home.mkdir()
    old, new = apsw.Connection(str(home / FILE)), store_file(known)
    old.execute(UNVERSIONED)
    for table in ("checkpoints", "keys"):
        for row in new.execute(f"SELECT * FROM {table}"):
            old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    for name, path, file_id, ledger, number, at in new.execute("SELECT * FROM databases"):
        place = f"{path}|{file_id}|{(ledger,) if ledger else None}"
        old.execute("INSERT INTO databases VALUES (?, ?, ?, ?, ?)", (name, path, place, number, at))
    first = known.chain.one("SELECT seq, previous_hash FROM audit_chain WHERE seq = 5")
    old.execute("INSERT INTO adoptions VALUES ('other', 't', ?, ?, 'ada', 1)", first)
    old.execute("INSERT INTO databases VALUES ('bad', 'x', x'ff7c', 1, 1)")


@pytest.mark.parametrize("ledger", [True, False])
def test_a_store_without_a_version_is_taken_over(known: KnownChain, tmp_path: Path, ledger: bool) -> None:
    if ledger:
        known.chain.run("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name, applied_at)")
        known.chain.run("INSERT INTO d1_migrations VALUES (1, '0000', '2026-01-01 10:00:00')")
        known.checkpoint()
    unversioned(known, tmp_path / "old")
    store = CheckpointStore(tmp_path / "old", known.store._keyring)
    assert KnownChain(known.chain, store).verify().verdict is Verdict.VERIFIED
    opened = apsw.Connection(str(tmp_path / "old" / FILE))
    same = "SELECT path, file_id, ledger, seen_number, seen_at FROM databases WHERE id <> 'bad'"
    assert opened.execute(same).fetchall() == store_file(known).execute(same).fetchall()
    assert opened.execute("SELECT actor, accepted_at FROM baselines").fetchall() == [("ada", 1)]
    assert opened.pragma("user_version") == VERSION
    known.chain.append(TENANT)
    assert KnownChain(known.chain, store).verify().unwitnessed == 1


def test_the_place_is_still_told_after_taking_over(known: KnownChain, tmp_path: Path) -> None:
    """Of a file whose rows were all rewritten, the place is all that is left to know it by."""
    unversioned(known, tmp_path / "old")
    store = CheckpointStore(tmp_path / "old", known.store._keyring)
    for tenant in ("tenant-00", "tenant-01", "tenant-02"):
        known.chain.run("UPDATE audit_chain SET payload = payload || ' ' WHERE tenant_id = ?", tenant)
        known.chain.rehash(tenant)
    assert "CHECKPOINT" in codes(KnownChain(known.chain, store).verify())


def test_a_store_of_a_newer_program_is_left_as_it_is(known: KnownChain) -> None:
    store_file(known).pragma("user_version", VERSION + 1)
    with pytest.raises(StoreNewer, match="format 2 and this program knows up to 1; install a newer one"):
        known.verify()
    with pytest.raises(StoreNewer):
        known.store.create(known.chain.path, known.chain.verify(seal=True), now=NOW, reason=Reason.VERIFY)
    tried = try_to_sign(known.chain.path, known.chain.path.parent / "home", now=NOW)
    assert tried.number is None and tried.stops is not None and "newer" in tried.stops
    assert store_file(known).pragma("user_version") == VERSION + 1


def test_a_store_that_is_no_database_says_what_to_do_and_stays(known: KnownChain) -> None:
    file = known.chain.path.parent / "home" / FILE
    file.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreUnreadable, match=r"checkpoints\.sqlite cannot be read") as raised:
        known.verify()
    assert "remove" not in str(raised.value) and "delete" not in str(raised.value)
    tried = try_to_sign(known.chain.path, file.parent, now=NOW)
    assert (tried.number, tried.stops) == (None, str(raised.value))
    assert file.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        ("UPDATE checkpoints SET body = 'not json'", "SIGNATURE", "Checkpoint 1 of this file cannot be read"),
        ("UPDATE checkpoints SET body = x'ff'", "SIGNATURE", "Checkpoint 1 of this file cannot be read"),
        ("UPDATE checkpoints SET body = '{}', number = 'x'", "SIGNATURE", "A checkpoint of this file cannot"),
        ("UPDATE checkpoints SET body = replace(body, '20', '99999999999999999999')", "SIGNATURE", "Check"),
        ("UPDATE databases SET seen_number = 'many'", "ROLLBACK", "later checkpoints may be missing"),
        ("UPDATE databases SET seen_at = NULL", "ROLLBACK", "later checkpoints may be missing"),
        ("UPDATE databases SET path = CAST(x'ff' AS TEXT)", "ROLLBACK", "later checkpoints may be missing"),
        ("DELETE FROM databases", "ROLLBACK", "later checkpoints may be missing"),
    ],
)
def test_one_bad_row_is_named_and_takes_nothing_else_with_it(
    known: KnownChain, other: KnownChain, damage: str, code: str, said: str
) -> None:
    mine = known.store.identify(known.chain.path)
    where = "id" if "databases" in damage else "database"
    sql = store_file(known)
    sql.execute("PRAGMA ignore_check_constraints = 1")
    sql.execute("CREATE TABLE kept AS SELECT * FROM databases")
    if "NULL" in damage:
        sql.execute("DROP TABLE databases; ALTER TABLE kept RENAME TO databases")
    sql.execute(f"{damage} WHERE {where} = ?", (mine,))
    sql.close()
    report = known.verify()
    assert (codes(report), report.verdict) == ({code}, Verdict.TAMPERED)
    assert said in report.findings[0].message
    assert (other.verify().verdict, other.verify().findings) == (Verdict.VERIFIED, ())
    home = known.chain.path.parent / "home"
    tried = try_to_sign(known.chain.path, home, now=NOW)
    assert (tried.number, tried.stops) == (None, report.findings[0].message)
    assert try_to_sign(other.chain.path, home, now=NOW).stops is None
    # A person who says that the file is right has a way on, and nothing has to be removed for it.
    made = sign(known.chain.path, home, now=NOW, reason=Reason.START_OVER)
    assert made.checkpoint == 2
    assert (known.verify().verdict, known.verify().findings) == (Verdict.VERIFIED, ())


def test_a_bad_row_between_others_is_one_finding(known: KnownChain) -> None:
    for _ in range(3):
        known.chain.append(TENANT)
        known.checkpoint()
    store_file(known).execute("UPDATE checkpoints SET body = '' WHERE number = 2")
    assert [item.message for item in known.verify().findings] == [
        "Checkpoint 2 of this file cannot be read in the store; the others were used."
    ]
    assert known.store.unreadable(known.chain.path) == (
        "row 2 of the table checkpoints in checkpoints.sqlite",
    )


def test_a_number_that_no_checkpoint_can_keep_is_not_signed(known: KnownChain, tmp_path: Path) -> None:
    report = known.chain.verify(seal=True)
    assert report.seal is not None
    sealed = dict(report.seal.tenants) | {TENANT: replace(report.seal.tenants[TENANT], head_at=-(2**70))}
    report = replace(report, seal=replace(report.seal, tenants=sealed))
    with pytest.raises(NotSigned, match="a number that no checkpoint can keep"):
        known.store.create(known.chain.path, report, now=NOW, reason=Reason.VERIFY)
    assert len(known.store.checkpoints(known.chain.path)) == 1
    assert known.verify().verdict is Verdict.VERIFIED


@pytest.mark.parametrize(("seq", "previous"), [(2**63, "0" * 64), (-(2**70), "0" * 64), (3, "\ud800")])
def test_a_baseline_that_could_not_be_read_back_is_not_written(
    known: KnownChain, seq: int, previous: str
) -> None:
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    (tenant,) = (item for item in known.verify().tenants if item.verdict is Verdict.UNPROVEN_START)
    with pytest.raises(InvalidInput, match="A checkpoint cannot keep"):
        known.store.accept_start(
            known.chain.path, replace(tenant, first_seq=seq), previous, actor="ada", now=NOW
        )
    assert store_file(known).execute("SELECT count(*) FROM baselines").get == 0


def test_a_baseline_that_cannot_be_read_is_not_accepted_any_more(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    report = known.verify()
    (tenant,) = (item for item in report.tenants if item.verdict is Verdict.UNPROVEN_START)
    known.store.accept_start(known.chain.path, tenant, str(report.findings[0].actual), actor="ada", now=NOW)
    assert known.verify().verdict is Verdict.VERIFIED
    store_file(known).execute("UPDATE baselines SET seq = 'x'")
    assert known.verify().verdict is Verdict.UNPROVEN_START
    assert known.store.unreadable(known.chain.path) == ("row 1 of the table baselines in checkpoints.sqlite",)


def test_reasons_of_other_programs_are_kept(known: KnownChain) -> None:
    """A newer program may sign for a reason that this one does not know."""
    body = known.store.checkpoints(known.chain.path)[0].to_json()
    assert json.loads(json.dumps(body))["reason"] == "verify"
    made = known.store.create(
        known.chain.path,
        known.verify(seal=True),
        now=NOW,
        reason="inspection",  # type: ignore[arg-type]
    )
    assert known.store.checkpoints(known.chain.path)[-1] == made
    assert known.verify().verdict is Verdict.VERIFIED
