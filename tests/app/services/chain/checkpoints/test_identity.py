"""Which known database a file is: copies that went their own ways, and files put in the place of others."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.rules import SAY_SO, Verdict
from app.services.chain.where import InFile
from app.services.files import restoring
from models.errors import NotAllowed
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.checkpoints.test_tables import store_file
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.checkpoints import VERIFY, sign

TENANT = "tenant-00"
TENANTS = ("tenant-00", "tenant-01")


@pytest.fixture
def known(known_chain: Callable[..., KnownChain]) -> KnownChain:
    return known_chain(10, 2)


def with_ledger(known: KnownChain) -> KnownChain:
    known.chain.run("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name, applied_at)")
    known.chain.run("INSERT INTO d1_migrations VALUES (1, '0000', '2026-01-01 10:00:00')")
    known.checkpoint()
    return known


def copied(known: KnownChain, path: Path) -> KnownChain:
    known.chain.run(f"VACUUM INTO '{path}'")
    return KnownChain(ChainFile(path), known.store)


def said(known: KnownChain, reason: Reason) -> int | None:
    """What a person says of the file; the number of the checkpoint."""
    return sign(known.chain.path, known.store._folder, now=NOW, reason=reason).checkpoint


def shifted(known: KnownChain, by: int = 77) -> None:
    """The whole chain with other times, and every hash made to fit."""
    known.chain.run(f"UPDATE audit_chain SET created_at = created_at + {by}")
    for tenant in TENANTS:
        known.chain.rehash(tenant)


def moved_over(known: KnownChain, copy: KnownChain) -> KnownChain:
    copy.chain.sql.close()
    known.chain.sql.close()
    copy.chain.path.replace(known.chain.path)
    return KnownChain(ChainFile(known.chain.path), known.store)


@pytest.mark.slow
def test_a_copy_of_the_whole_is_never_one_of_its_parts(known: KnownChain, tmp_path: Path) -> None:
    """Of what the part lacks, its checkpoints contradict nothing."""
    known.checkpoint()
    part, forged = (copied(known, tmp_path / name) for name in ("part.sqlite", "forged.sqlite"))
    part.chain.run("DELETE FROM audit_chain WHERE tenant_id <> 'tenant-00'")
    assert said(part, Reason.ANOTHER_DATABASE) is not None
    assert part.verify().verdict is Verdict.VERIFIED and known.verify().verdict is Verdict.VERIFIED
    forged.chain.run("UPDATE audit_chain SET payload = '{}' WHERE tenant_id <> 'tenant-00'")
    forged.chain.rehash("tenant-01")
    report = forged.verify()
    assert (report.verdict, codes(report)) == (Verdict.TAMPERED, {"CHECKPOINT"})


@pytest.mark.slow
def test_two_copies_that_go_their_own_ways_are_two_databases(known: KnownChain, tmp_path: Path) -> None:
    copy = copied(known, tmp_path / "b.db")
    known.chain.append(TENANT)
    known.checkpoint()
    copy.chain.append(TENANT, event="user_updated")
    assert copy.verify().verdict is Verdict.TAMPERED
    assert said(copy, Reason.ANOTHER_DATABASE) == 1
    both = known, copy
    for _ in range(3):
        for file in both:
            assert (file.verify().verdict, file.verify().findings) == (Verdict.VERIFIED, ())
            file.chain.append(TENANT)
            assert file.verify().not_covered == 1
            file.checkpoint()
    ids = {known.store.identify(InFile(file.chain.path)) for file in both}
    assert len(ids) == 2
    # Wherever they lie: moved, and in turn in one place.
    place = tmp_path / "place.db"
    for file, number in ((known, 5), (copy, 4), (known, 5)):
        file.chain.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(file.chain.path, place)
        there = KnownChain(ChainFile(place), known.store)
        assert there.verify().verdict is Verdict.VERIFIED
        assert len(known.store.checkpoints(InFile(place))) == number
        there.chain.sql.close()


@pytest.mark.slow
def test_the_original_may_be_the_one_that_is_said_to_be_another(known: KnownChain, tmp_path: Path) -> None:
    copy = copied(known, tmp_path / "b.db")
    copy.chain.append(TENANT)
    copy.checkpoint()
    assert known.verify().verdict is Verdict.EARLIER
    assert said(known, Reason.ANOTHER_DATABASE) == 1
    for _ in range(2):
        for file in (known, copy):
            assert file.verify().verdict is Verdict.VERIFIED
            file.chain.append("tenant-01")
            file.checkpoint()


def test_a_copy_that_is_another_database_is_still_held_against_its_own_checkpoints(
    known: KnownChain, tmp_path: Path
) -> None:
    copy = copied(known, tmp_path / "b.db")
    copy.chain.append(TENANT)
    said(copy, Reason.ANOTHER_DATABASE)
    # What is left is exactly what the other one holds, which may as well have been put over it.
    copy.chain.run("DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    report = copy.verify()
    assert report.verdict is Verdict.EARLIER
    assert "exactly as checkpoint 1 of a copy of it knew it" in report.findings[0].message
    copy.chain.run("DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    assert codes(copy.verify()) >= {"TRUNCATED"}
    assert known.verify().verdict is Verdict.VERIFIED
    shifted(known)
    assert codes(known.verify()) == {"CHECKPOINT"}


@pytest.mark.parametrize("parted", [True, False])
def test_a_copy_put_over_one_that_went_its_own_way_is_held_against_that_one(
    known: KnownChain, tmp_path: Path, *, parted: bool
) -> None:
    """Whether that one had entries of its own when it was said to be another database, or only later."""
    copy = copied(known, tmp_path / "b.db")
    if parted:
        copy.chain.append(TENANT, event="user_updated")
    said(copy, Reason.ANOTHER_DATABASE)
    for _ in range(3):
        copy.chain.append("tenant-01", event="user_updated")
    copy.checkpoint()
    known.chain.append(TENANT)
    known.checkpoint()
    for file in (known, copy):
        file.chain.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(known.chain.path, copy.chain.path)  # the very same file, with other content
    report = copy.verify()
    assert report.verdict is Verdict.TAMPERED and "TRUNCATED" in codes(report)
    sentence = f"the database that was seen in {known.chain.path}; another one was last seen in this place."
    assert sentence in report.notes[0]
    assert said(copy, Reason.ANOTHER_DATABASE) == 1
    assert copy.verify().verdict is Verdict.VERIFIED
    assert known.verify().notes == ()


@pytest.mark.parametrize("grown", [False, True])
def test_the_shorter_original_put_over_a_copy_that_was_ahead(
    known: KnownChain, tmp_path: Path, *, grown: bool
) -> None:
    """As it was when the copy was made, it may be that copy's own past; with an entry since, it is not."""
    copy = copied(known, tmp_path / "b.db")
    for _ in range(5):
        copy.chain.append(TENANT, event="user_updated")
    said(copy, Reason.ANOTHER_DATABASE)
    if grown:
        known.chain.append(TENANT, at=NOW + 60)
        known.checkpoint(now=NOW + 90)
    for file in (known, copy):
        file.chain.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(known.chain.path, copy.chain.path)
    report = copy.verify(now=NOW + 120)
    assert report.verdict is (Verdict.TAMPERED if grown else Verdict.EARLIER)
    assert "If you put it here" in report.notes[0]
    assert known.verify(now=NOW + 120).verdict is Verdict.VERIFIED


def test_what_is_exported_of_one_says_nothing_of_the_other(known: KnownChain, tmp_path: Path) -> None:
    copy = copied(known, tmp_path / "b.db")
    known.chain.append(TENANT)
    known.checkpoint()
    copy.chain.append(TENANT, event="user_updated")
    said(copy, Reason.ANOTHER_DATABASE)
    for file, other in ((copy, known), (known, copy)):
        path, export = file.chain.path, tmp_path / "export.json"
        file.store.export(InFile(other.chain.path), export)
        with pytest.raises(NotAllowed, match=f"{path.name} counts as another database than the one"):
            file.store.known_from(InFile(path), export)
        file.store.import_(export, now=NOW, where=InFile(path))
        assert (file.verify().verdict, other.verify().verdict) == (Verdict.VERIFIED, Verdict.VERIFIED)
        file.store.export(InFile(path), export)
        assert (
            file.chain.verify(checkpoints=file.store.known_from(InFile(path), export)).verdict
            is Verdict.VERIFIED
        )


@pytest.mark.slow
def test_an_accepted_start_stays_accepted_in_another_database(known: KnownChain, tmp_path: Path) -> None:
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    known.store.accept_starts(InFile(known.chain.path), known.verify(), actor="ada", now=NOW)
    copy = copied(known, tmp_path / "b.db")
    assert said(copy, Reason.ANOTHER_DATABASE) == 1
    assert copy.verify().verdict is Verdict.VERIFIED


@pytest.mark.parametrize("ledger", [True, False])
def test_a_rewritten_copy_with_other_times_put_in_its_place(
    known: KnownChain, tmp_path: Path, *, ledger: bool
) -> None:
    if ledger:
        with_ledger(known)
    copy = copied(known, tmp_path / "b.db")
    shifted(copy)
    known = moved_over(known, copy)
    report = known.verify(seal=True)
    assert (codes(report), report.verdict, len(report.findings)) == ({"CHECKPOINT"}, Verdict.TAMPERED, 2)
    assert SAY_SO in report.notes[0]
    with pytest.raises(NotSigned):
        known.checkpoint()


@pytest.mark.slow
@pytest.mark.parametrize(("reason", "number"), [(Reason.START_OVER, 3), (Reason.ANOTHER_DATABASE, 1)])
def test_a_person_says_what_a_file_is_that_is_in_doubt(
    known: KnownChain, tmp_path: Path, reason: Reason, number: int
) -> None:
    with_ledger(known)
    kept = copied(known, tmp_path / "kept.db")
    copy = copied(known, tmp_path / "b.db")
    shifted(copy)
    known = moved_over(known, copy)
    assert said(known, reason) == number
    assert (known.verify().verdict, known.verify().findings) == (Verdict.VERIFIED, ())
    assert kept.verify().verdict is (Verdict.EARLIER if number == 3 else Verdict.VERIFIED)


def test_the_right_file_can_be_restored_over_one_that_is_in_doubt(known: KnownChain, tmp_path: Path) -> None:
    with_ledger(known)
    good = copied(known, tmp_path / "good.db")
    copy = copied(known, tmp_path / "b.db")
    shifted(copy)
    known = moved_over(known, copy)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = restoring.offer(known.chain.path, good.chain.path, scratch, known.store, VERIFY, now=NOW)
    assert (found.report.verdict, found.needs_agreement) == (Verdict.VERIFIED, False)
    known.chain.sql.close()
    done = restoring.carry_out(known.chain.path, found, known.store, VERIFY, actor="ada", now=NOW)
    assert done.checkpoint == 3
    assert KnownChain(ChainFile(known.chain.path), known.store).verify().verdict is Verdict.VERIFIED


@pytest.mark.parametrize("where", ["path = x'ff', file_id = x'ff'", "ledger = NULL", "seen_at = 'x'"])
def test_a_hostile_row_of_the_store_does_not_make_a_rewritten_chain_unknown(
    known: KnownChain, tmp_path: Path, where: str
) -> None:
    sql = store_file(known)
    sql.execute("CREATE TABLE kept AS SELECT * FROM databases")
    sql.execute("DROP TABLE databases; ALTER TABLE kept RENAME TO databases")
    sql.execute(f"UPDATE databases SET {where}")
    sql.close()
    known.chain.run("UPDATE audit_chain SET payload = '{}'")
    shifted(known, 0)
    assert known.verify().verdict is Verdict.TAMPERED
    shifted(known)
    assert known.verify().verdict is Verdict.TAMPERED
    strange = KnownChain(ChainFile(tmp_path / "strange.db"), known.store)
    strange.chain.append("somebody", at=NOW - 5)
    assert strange.verify().verdict is Verdict.CONSISTENT


def test_what_cannot_be_read_of_the_store_is_said_of_a_file_that_it_may_be_of(
    known: KnownChain, tmp_path: Path
) -> None:
    store_file(known).execute("UPDATE databases SET path = x'ff'; UPDATE checkpoints SET body = x'ff'")
    shifted(known)
    report = known.verify()
    assert report.notes and "cannot be read" in report.notes[0]
