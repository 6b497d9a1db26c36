"""The store's own file: its versions, its bounds, and what a part of it that cannot be read takes with it."""

import errno
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.tables import FILE, VERSION, StoreLocked, StoreNotWritten, StoreUnreadable
from app.services.chain.rules import Verdict
from app.services.chain.where import InFile
from models.errors import InvalidInput
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign, try_to_sign

TENANT = "tenant-00"


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


def test_a_store_that_no_released_version_made_is_left_as_it_is(known: KnownChain) -> None:
    sql = store_file(known)
    sql.execute("ALTER TABLE databases DROP COLUMN ledger; PRAGMA user_version = 0")
    with pytest.raises(StoreUnreadable, match="a format that no released version has written"):
        known.verify()
    assert sql.pragma("user_version") == 0


def test_a_store_of_a_newer_program_is_left_as_it_is(known: KnownChain) -> None:
    store_file(known).pragma("user_version", VERSION + 1)
    with pytest.raises(
        StoreUnreadable, match="format 3 and this program knows up to 2; install a newer one"
    ) as raised:
        known.verify()
    assert "sound copy" not in str(raised.value), "nothing is damaged"
    with pytest.raises(StoreUnreadable):
        known.store.create(
            InFile(known.chain.path), known.chain.verify(seal=True), now=NOW, reason=Reason.VERIFY
        )
    tried = try_to_sign(known.chain.path, known.chain.path.parent / "home", now=NOW)
    assert tried.stops is not None and "newer" in tried.stops
    assert store_file(known).pragma("user_version") == VERSION + 1


def test_a_store_of_an_older_program_gets_the_places_that_it_knew(known: KnownChain, tmp_path: Path) -> None:
    sql, store, path = store_file(known), known.store, known.chain.path
    sql.execute("DROP TABLE places; PRAGMA user_version = 1")
    assert known.verify().verdict is Verdict.VERIFIED and sql.pragma("user_version") == 1
    copy = Path(shutil.copyfile(path, tmp_path / "copy.db"))
    assert sign(copy, tmp_path / "home", now=NOW + 9).checkpoint is not None
    assert sql.pragma("user_version") == VERSION
    assert {place for (place,) in sql.execute("SELECT path FROM places")} == {str(path), str(copy)}
    assert store.identify(InFile(path)) == store.identify(InFile(copy)) is not None


def test_a_store_that_is_no_database_says_what_to_do_and_stays(known: KnownChain) -> None:
    file = known.chain.path.parent / "home" / FILE
    file.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreUnreadable, match=r"checkpoints\.sqlite cannot be read") as raised:
        known.verify()
    assert "remove" not in str(raised.value) and "delete" not in str(raised.value)
    tried = try_to_sign(known.chain.path, file.parent, now=NOW)
    assert tried.stops == raised.value.happened
    assert file.read_bytes().startswith(b"not a database")


def test_a_store_with_a_view_in_the_place_of_a_table_is_said_to_be_damaged(known: KnownChain) -> None:
    store_file(known).execute(
        "ALTER TABLE places RENAME TO others; CREATE VIEW places AS SELECT * FROM others"
    )
    tried = try_to_sign(known.chain.path, known.chain.path.parent / "home", now=NOW)
    assert tried.why_not is not None and "cannot modify places because it is a view" in tried.why_not


def test_an_empty_store_is_not_taken_for_a_new_one(known: KnownChain) -> None:
    """None of ours is ever empty: what it held is gone."""
    file = known.chain.path.parent / "home" / FILE
    file.write_bytes(b"")
    with pytest.raises(
        StoreUnreadable, match=r"\(it is empty\)\. Nothing was changed\. Keep that file, and put a"
    ):
        known.verify()
    assert try_to_sign(known.chain.path, file.parent, now=NOW).stops is not None
    assert file.read_bytes() == b""


def test_a_link_to_a_store_that_is_away_is_not_taken_for_none(known: KnownChain) -> None:
    file = known.chain.path.parent / "home" / FILE
    file.rename(file.with_name("kept"))
    file.symlink_to(file.with_name("away"))
    with pytest.raises(
        StoreUnreadable, match=r"leads to .*away, where there is nothing\)\. Nothing was changed"
    ):
        known.verify()


def test_what_was_signed_is_read_back_before_it_is_said(known: KnownChain) -> None:
    sql = store_file(known)
    sql.execute("CREATE TRIGGER t BEFORE INSERT ON checkpoints BEGIN SELECT raise(IGNORE); END")
    known.chain.append("tenant-00")
    with pytest.raises(StoreNotWritten, match="what is written to them is not there afterwards"):
        known.checkpoint()
    assert known.verify().verdict is Verdict.VERIFIED, "and none is missed from then on"


def test_a_store_that_another_program_holds_is_in_use_and_not_damaged(known: KnownChain) -> None:
    file = known.chain.path.parent / "home" / FILE
    with closing(apsw.Connection(str(file))) as holder:
        holder.pragma("locking_mode", "exclusive")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreLocked, match=r"are in use by another program.*; nothing was") as raised:
            known.verify()
        assert "copy" not in str(raised.value)
        assert try_to_sign(known.chain.path, file.parent, now=NOW).stops == raised.value.happened


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        ("UPDATE checkpoints SET body = 'not json'", "SIGNATURE", "Checkpoint 1 of this database cannot"),
        ("UPDATE checkpoints SET body = x'ff'", "SIGNATURE", "Checkpoint 1 of this database cannot"),
        ("UPDATE checkpoints SET body = '{}', number = 'x'", "SIGNATURE", "A checkpoint of this database"),
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
    mine = known.store.identify(InFile(known.chain.path))
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
    assert tried.stops == report.findings[0].message
    assert try_to_sign(other.chain.path, home, now=NOW).stops is None
    # A person who says that the file is right has a way on, and nothing has to be removed for it.
    made = sign(known.chain.path, home, now=NOW, reason=Reason.START_OVER)
    assert made.checkpoint == 2
    assert (known.verify().verdict, known.verify().findings) == (Verdict.VERIFIED, ())


@pytest.mark.slow
def test_a_bad_row_between_others_is_one_finding(known: KnownChain) -> None:
    for _ in range(3):
        known.chain.append(TENANT)
        known.checkpoint()
    store_file(known).execute("UPDATE checkpoints SET body = '' WHERE number = 2")
    assert [item.message for item in known.verify().findings] == [
        "Checkpoint 2 of this database cannot be read in the store; the others were used."
    ]
    assert known.store.unreadable(InFile(known.chain.path)) == (
        "row 2 of the table checkpoints in checkpoints.sqlite",
    )


def test_a_number_that_no_checkpoint_can_keep_is_not_signed(known: KnownChain, tmp_path: Path) -> None:
    report = known.chain.verify(seal=True)
    assert report.seal is not None
    sealed = dict(report.seal.tenants) | {TENANT: replace(report.seal.tenants[TENANT], head_at=-(2**70))}
    report = replace(report, seal=replace(report.seal, tenants=sealed))
    with pytest.raises(NotSigned, match="a number that no checkpoint can keep"):
        known.store.create(InFile(known.chain.path), report, now=NOW, reason=Reason.VERIFY)
    assert len(known.store.checkpoints(InFile(known.chain.path))) == 1
    assert known.verify().verdict is Verdict.VERIFIED


@pytest.mark.parametrize(("seq", "previous"), [(2**63, "0" * 64), (-(2**70), "0" * 64), (3, "\ud800")])
def test_a_baseline_that_could_not_be_read_back_is_not_written(
    known: KnownChain, seq: int, previous: str
) -> None:
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    report = known.verify()
    (finding,) = report.findings
    (tenant,) = (item for item in report.tenants if item.verdict is Verdict.UNPROVEN_START)
    odd = replace(
        report, tenants=(replace(tenant, first_seq=seq),), findings=(finding._replace(actual=previous),)
    )
    with pytest.raises(InvalidInput, match="A checkpoint cannot keep"):
        known.store.accept_starts(InFile(known.chain.path), odd, actor="ada", now=NOW)
    assert store_file(known).execute("SELECT count(*) FROM baselines").get == 0


def test_a_baseline_that_cannot_be_read_is_not_accepted_any_more(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    known.store.accept_starts(InFile(known.chain.path), known.verify(), actor="ada", now=NOW)
    assert known.verify().verdict is Verdict.VERIFIED
    store_file(known).execute("UPDATE baselines SET seq = 'x'")
    assert known.verify().verdict is Verdict.UNPROVEN_START
    assert known.store.unreadable(InFile(known.chain.path)) == (
        "row 1 of the table baselines in checkpoints.sqlite",
    )


@pytest.mark.slow
def test_reasons_of_other_programs_are_kept(known: KnownChain) -> None:
    """A newer program may sign for a reason that this one does not know."""
    body = known.store.checkpoints(InFile(known.chain.path))[0].to_json()
    assert json.loads(json.dumps(body))["reason"] == "verify"
    made = known.store.create(
        InFile(known.chain.path),
        known.verify(seal=True),
        now=NOW,
        reason="inspection",  # type: ignore[arg-type]
    )
    assert known.store.checkpoints(InFile(known.chain.path))[-1] == made
    assert known.verify().verdict is Verdict.VERIFIED


def test_a_folder_in_the_place_of_the_store_is_not_taken_for_none(known: KnownChain) -> None:
    home = known.chain.path.parent / "home"
    (home / FILE).rename(home / "kept")
    (home / FILE).mkdir()
    with pytest.raises(StoreUnreadable, match=f"{FILE} is a folder"):
        known.verify()
    assert try_to_sign(known.chain.path, home, now=NOW).stops is not None


def test_a_file_in_the_place_of_the_stores_folder_is_said(known: KnownChain) -> None:
    home = known.chain.path.parent / "home"
    home.rename(home.with_name("kept"))
    home.write_text("a file where the folder should be")
    report = known.verify()
    assert report.notes == (f"No checkpoints could be read: {home} is not a folder.",)
    assert report.to_json()["notes"] == list(report.notes)
    tried = try_to_sign(known.chain.path, home, now=NOW)
    assert tried.why_not is not None and f"{home} is not a folder" in tried.why_not


def test_a_full_disk_of_the_store_is_not_that_of_the_database(
    known: KnownChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    home = known.chain.path.parent / "new home"
    monkeypatch.setattr(Path, "mkdir", full)
    tried = try_to_sign(known.chain.path, home, now=NOW)
    assert (
        tried.why_not is not None
        and f"{home}" in tried.why_not
        and "no space left on its disk" in tried.why_not
    )
    assert known.chain.path.name not in tried.why_not
