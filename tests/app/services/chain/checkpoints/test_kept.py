"""What is kept of the last verification of a file, and what one by itself makes of it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from app import paths
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.kept import KeptEnd, KeptEnds
from app.services.chain.checkpoints.making import SignedReport, verify_by_itself
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Code, Verdict
from app.services.chain.verify.report import EVERYTHING, LostEnd, Report, Section
from app.services.chain.where import InFile, Where
from app.services.tenants.overview import known_of
from models.engine import OwnEntry
from models.errors import FileLocked, NotAllowed
from models.status import DAY
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.appending import append
from tests.fixtures.checkpoints import VERIFY, kept
from tests.fixtures.connected import execute
from tests.fixtures.more import more
from tests.fixtures.sample import sample
from tests.fixtures.window import ask


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def check(demo: Path, folder: Path) -> Callable[..., SignedReport]:
    def check(now: int = NOW) -> SignedReport:
        return verify_by_itself(InFile(demo), CheckpointStore(folder), VERIFY, now=now, by="ada", sign=True)

    return check


def test_the_first_time_is_whole_and_signed_and_the_next_is_from_there_on(
    check: Callable[..., SignedReport], demo: Path, folder: Path
) -> None:
    first = check()
    assert (first.since, first.checkpoint, first.report.entries) == (None, 1, 60)
    append(demo, "new", 3)
    second = check(NOW + 60)
    assert second.since is not None and (second.since.number, second.checkpoint) == (1, None)
    assert (second.report.intact, second.report.entries) == (True, 3)
    said = CheckpointStore(folder).verdicts.last(InFile(demo))
    assert said is not None
    assert (said.at, said.by, said.since, said.whole_at, said.through) == (NOW + 60, "ada", 1, NOW, 63)


def test_it_is_whole_again_after_a_day_and_signs_nothing_that_is_covered(
    check: Callable[..., SignedReport], demo: Path, folder: Path
) -> None:
    check()
    assert check(NOW + DAY - 1).since is not None
    again = check(NOW + DAY)
    assert (again.since, again.checkpoint, again.report.verdict) == (None, None, Verdict.VERIFIED)
    assert kept(demo, folder) == 1


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("UPDATE audit_chain SET payload = '{}' WHERE seq = 62", {Code.HASH}),
        ("DELETE FROM audit_chain WHERE seq = 30", {Code.LINK}),
        ("UPDATE audit_chain SET seq = -1 WHERE seq = 1", {Code.CHECKPOINT}),
        ("UPDATE audit_chain SET hash = 'x' WHERE seq = 1", {Code.HASH}),
        ("DELETE FROM audit_chain WHERE seq > 50", {Code.TRUNCATED, Code.SEQUENCE_COUNTER}),
        *more(("UPDATE audit_chain SET hash = 'x' WHERE seq = 60", {Code.HASH})),
    ],
)
def test_what_is_wrong_is_looked_at_whole(
    check: Callable[..., SignedReport], demo: Path, damage: str, codes: set[Code]
) -> None:
    check()
    append(demo, "new", 3)
    execute(demo, damage)
    found = check(NOW + 60)
    assert found.since is None and found.checkpoint is None
    assert codes <= {finding.code for finding in found.report.findings}


def test_a_broken_file_is_looked_at_whole_until_it_holds(
    check: Callable[..., SignedReport], demo: Path
) -> None:
    check()
    execute(demo, "CREATE TABLE before AS SELECT payload FROM audit_chain WHERE seq = 5")
    execute(demo, "UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    assert check(NOW + DAY).report.verdict is Verdict.TAMPERED
    assert check(NOW + DAY + 60).report.verdict is Verdict.TAMPERED, "it lies before the checkpoint"
    execute(demo, "UPDATE audit_chain SET payload = (SELECT payload FROM before) WHERE seq = 5")
    mended = check(NOW + DAY + 120)
    assert (mended.since, mended.report.verdict) == (None, Verdict.VERIFIED)


def test_an_end_that_is_gone_is_told_until_it_is_there_again_or_somebody_accepts_that(
    demo: Path, folder: Path
) -> None:
    where, store = InFile(demo), CheckpointStore(folder)

    def lost(*, sign: bool = False, **how: Any) -> tuple[int, int] | None:
        """The last entry that was verified, and the last one there is, where that is not there."""
        if sign:
            by_person = making.verify_and_sign(where, store, VERIFY, now=NOW, by="ada", **how)
            assert (by_person.checkpoint is None) == (by_person.report.lost_end is not None)
            report = by_person.report
        else:
            report = making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada", **how)
        end = report.lost_end
        assert report.stands is (end is None and report.intact) and (end is None or report.intact)
        return None if end is None else (end.through, end.ends_at)

    assert lost() is None
    execute(demo, "CREATE TABLE gone AS SELECT * FROM audit_chain WHERE seq > 50")
    cut = ("DELETE FROM audit_chain WHERE seq > 50", "UPDATE sqlite_sequence SET seq = 50")
    execute(demo, *cut)
    assert (
        lost() == (60, 50) == lost(sign=True, reason=Reason.REQUEST) == lost(sign=True, reason=Reason.VERIFY)
    )
    execute(demo, "INSERT INTO audit_chain SELECT * FROM gone")
    assert lost() is None
    execute(demo, *cut)
    append(demo, "new", 20)
    assert lost() == (60, 70), "its number is another's"
    execute(demo, "UPDATE audit_chain SET payload = payload || ' ' WHERE seq = 5")
    assert lost() is None, "there is worse"
    execute(demo, "UPDATE audit_chain SET payload = rtrim(payload) WHERE seq = 5")
    assert lost() == (60, 70)
    assert lost(accepts_end=True) is None and lost() is None
    execute(demo, "DELETE FROM audit_chain WHERE seq > 65", "UPDATE sqlite_sequence SET seq = 99")
    append(demo, "other", 1)
    assert lost() == (70, 100), "numbers go on behind what is gone"
    assert lost(sign=True, reason=Reason.VERIFY, accepts_end=True) is None


def test_what_was_verified_and_written_since_a_verification_began_is_no_lost_end(
    demo: Path, folder: Path
) -> None:
    store, verified = CheckpointStore(folder), partial(making.verify_with_checkpoints, now=NOW, by="ada")

    def slower(where: Any, **how: Any) -> Any:
        report = VERIFY(where, **how)
        append(demo, "new", 3)
        assert verified(where, store, VERIFY).stands
        return report

    assert verified(InFile(demo), store, slower).stands


def test_an_end_is_accepted_as_it_was_shown_and_where_that_is_kept(
    demo: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = partial(
        making.verify_with_checkpoints, InFile(demo), CheckpointStore(folder), VERIFY, by="ada"
    )
    assert verified(now=NOW).stands
    for end in (50, 30):
        execute(demo, f"DELETE FROM audit_chain WHERE seq > {end}", f"UPDATE sqlite_sequence SET seq = {end}")
        if end == 50:
            shown = verified(now=NOW).lost_end
            assert shown is not None and shown.gone == "up to 10 entries are gone, 51 to 60"

    def full(*written: object) -> None:
        raise OSError(28, "No space left on device")

    refused = verified(now=NOW, accepts_end=shown or False)
    assert not refused.stands and refused.notes[-1].startswith("This end was not accepted: more is gone")
    with monkeypatch.context() as patch:
        patch.setattr(paths, "keep", full)
        unkept = verified(now=NOW, accepts_end=True)
    assert not unkept.stands and unkept.notes[-1].endswith("as that could not be kept.")
    assert not verified(now=NOW).stands
    assert verified(now=NOW, accepts_end=refused.lost_end or False).stands


@pytest.mark.parametrize("is_clock", [True, False])
def test_what_began_earlier_takes_nothing_back_that_was_found_since(
    demo: Path, folder: Path, *, is_clock: bool
) -> None:
    """By a clock, or by when it began and how long it took."""
    store, verified = CheckpointStore(folder), partial(making.verify_with_checkpoints, by="ada")
    at = [NOW]

    def slower(where: Any, **how: Any) -> Any:
        report = VERIFY(where, **how)
        execute(demo, "UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
        at[0] = NOW + 30
        assert not verified(where, store, VERIFY, now=NOW + (20 if is_clock else 1)).stands
        return report

    assert verified(InFile(demo), store, slower, now=(lambda: at[0]) if is_clock else NOW).stands
    last = store.verdicts.last(InFile(demo))
    assert last is not None and last.verdict is Verdict.TAMPERED


def test_what_was_found_by_a_clock_that_ran_ahead_stands_in_no_later_ones_way(
    demo: Path, folder: Path
) -> None:
    """As the clock says that is given, whatever this computer's is by then."""
    store, verified = CheckpointStore(folder), partial(making.verify_with_checkpoints, by="ada")
    execute(demo, "CREATE TABLE aside AS SELECT payload FROM audit_chain WHERE seq = 5")
    execute(demo, "UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    assert not verified(InFile(demo), store, VERIFY, now=NOW + 3600).stands
    execute(demo, "UPDATE audit_chain SET payload = (SELECT payload FROM aside) WHERE seq = 5")
    assert verified(InFile(demo), store, VERIFY, now=lambda: NOW).stands
    last = store.verdicts.last(InFile(demo))
    assert last is not None and last.verdict is Verdict.CONSISTENT


def test_while_one_end_is_lost_a_later_one_is_looked_for_as_well(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)

    def lost(**how: Any) -> str:
        verified = making.verify_with_checkpoints(InFile(demo), store, VERIFY, now=NOW, by="ada", **how)
        return "" if verified.lost_end is None else verified.lost_end.found

    def cut(end: int) -> None:
        execute(demo, f"DELETE FROM audit_chain WHERE seq > {end}", f"UPDATE sqlite_sequence SET seq = {end}")

    assert not lost()
    of_acme = ChainFile(demo).seqs("acme-corp")[-1]
    cut(50)
    assert lost() == "ends at entry 50 now"
    append(demo, "new", 30)
    first = (
        f"that entry is not there as it was (entry {of_acme}, the last one known of acme-corp, is gone, too)"
    )
    assert lost() == first
    execute(demo, "CREATE TABLE gone AS SELECT * FROM audit_chain WHERE seq > 70")
    cut(70)
    of_other = "entry 60 of northwind-clinics, the last one that was verified before"
    both = f"ends at entry 70 now ({of_other}, is gone, too)"
    assert lost() == lost() == both
    execute(demo, "INSERT INTO audit_chain SELECT * FROM gone")
    assert lost().startswith(first.replace(")", "; more of acme-corp went since, through entry "))
    cut(70)
    assert lost() == both and not lost(accepts_end=True) and not lost()


def test_pruning_excuses_no_end_of_another_tenant_nor_one_that_was_lost_before(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    verified = partial(making.verify_with_checkpoints, InFile(demo), store, VERIFY, now=NOW, by="ada")

    def grow(*tenants: str) -> list[int]:
        """The last entry of each."""
        for tenant in tenants * 2:
            chain.append(tenant, at=NOW - DAY)
        return [chain.seqs(tenant)[-1] for tenant in tenants]

    grow("other", "mine")
    assert verified().stands
    (end,) = grow("mine")
    chain.prune("mine", end - 1)
    assert verified().stands, "pruned"
    (_, end) = grow("other", "mine")
    assert verified().stands
    chain.run("DELETE FROM audit_chain WHERE seq = ?", end)
    grow("other")
    chain.prune("other", chain.seqs("other")[-2])
    assert verified().lost_end is not None, "of another tenant"
    grow("mine")
    chain.prune("mine", chain.seqs("mine")[-2])
    assert verified().lost_end is not None and not verified().stands, "lost before"


def test_an_end_that_was_missed_while_something_else_was_wrong_is_excused_by_nothing(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    verified = partial(making.verify_with_checkpoints, InFile(demo), store, VERIFY, now=NOW, by="ada")
    for tenant in ("mine", "other", "mine", "mine"):
        chain.append(tenant, at=NOW - DAY)
    assert verified().stands
    end, (payload,) = chain.seqs("mine")[-1], ask(demo, "SELECT payload FROM audit_chain WHERE seq = 1")[0]
    chain.run("DELETE FROM audit_chain WHERE seq = ?", end)
    chain.run("UPDATE audit_chain SET payload = 'x' WHERE seq = 1")
    assert not verified().intact
    chain.run("UPDATE audit_chain SET payload = ? WHERE seq = 1", payload)
    for tenant in ("mine", "mine"):
        chain.append(tenant, at=NOW - DAY)
    chain.prune("mine", chain.seqs("mine")[-2])
    assert verified().lost_end is not None


def test_another_file_in_the_same_place_is_not_the_one_that_was_verified(
    check: Callable[..., SignedReport], demo: Path, folder: Path
) -> None:
    check()
    demo.rename(demo.with_name("before.sqlite"))
    shutil.copy(demo.with_name("before.sqlite"), demo)
    assert CheckpointStore(folder).verdicts.last(InFile(demo)) is None


@pytest.mark.parametrize("text", [*more("", "[]", "{}"), '{"file": 1}', "\x00"])
def test_what_cannot_be_read_is_as_if_it_were_not_there(
    check: Callable[..., SignedReport], demo: Path, folder: Path, text: str
) -> None:
    check()
    (only,) = (folder / "verdicts").iterdir()
    only.write_text(text)
    assert CheckpointStore(folder).verdicts.last(InFile(demo)) is None
    assert check(NOW + 60).since is None
    (only,) = (folder / "verdicts").iterdir()
    only.unlink()
    os.mkfifo(only)  # which says nothing
    assert CheckpointStore(folder).verdicts.last(InFile(demo)) is None


class Closed:
    """A keyring that would ask a person."""

    def get_password(self, service: str, username: str) -> str | None:
        raise AssertionError("it was asked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("it was asked")

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError("it was asked")

    def is_open(self) -> bool:
        return False


def test_no_keyring_is_asked_for_what_nobody_asked_for(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder, Closed())
    found = verify_by_itself(InFile(demo), store, VERIFY, now=NOW, by="ada", sign=True)
    assert (found.report.intact, found.checkpoint) == (True, None)
    assert (
        found.why_not
        == "no checkpoint yet: verify it yourself to make one; the keyring may ask to be unlocked"
    )


def test_what_a_command_finds_is_kept_too(demo: Path, folder: Path) -> None:
    """Of the whole, and of a part that is broken; a part that holds says nothing of the rest."""

    def said(options: str, verify: Any = making.verify_with_checkpoints, **how: Any) -> tuple[object, ...]:
        how |= {"now": NOW, "by": options}
        verify(InFile(demo), CheckpointStore(folder), VERIFY, **how)
        last = CheckpointStore(folder).verdicts.last(InFile(demo))
        assert last is not None
        return last.by, last.verdict, last.which

    part = Section(first=1, last=20)
    signed = said("checkpoint", making.verify_and_sign, reason=Reason.REQUEST)
    assert signed == ("checkpoint", Verdict.VERIFIED, "whole")
    assert said("part", section=part) == signed
    assert said("whole") == ("whole", Verdict.VERIFIED, "whole")
    execute(demo, "UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    assert said("part", section=part) == ("part", Verdict.TAMPERED, "in part")
    assert said("whole") == ("whole", Verdict.TAMPERED, "whole")


@pytest.mark.parametrize("damage", ["UPDATE audit_chain SET payload = '{}' WHERE seq = 5", None])
def test_an_end_that_cannot_be_looked_up_takes_no_finding_along(
    demo: Path, folder: Path, damage: str | None
) -> None:
    where, store = InFile(demo), CheckpointStore(folder)

    def verified(where: Where = where) -> Report:
        return making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada")

    assert verified().stands
    execute(demo, "DELETE FROM audit_chain WHERE seq > 50", "UPDATE sqlite_sequence SET seq = 50")
    if damage is not None:
        execute(demo, damage)
    if damage is None:
        with pytest.raises(FileLocked):
            verified(Shut(demo))
    else:
        report = verified(Shut(demo))
        assert report.verdict is Verdict.TAMPERED and Code.HASH in {one.code for one in report.findings}
        assert report.notes[-1].startswith("Whether the end that was verified before is there could not be")
    last = store.verdicts.last(where)
    assert last is not None and (last.verdict is Verdict.TAMPERED) is (damage is not None)
    execute(demo, "DELETE FROM audit_chain WHERE seq > 4", "UPDATE sqlite_sequence SET seq = 4")
    lost_end = verified().lost_end
    assert lost_end is not None and (lost_end.through, lost_end.ends_at) == (60, 4), "it is looked for yet"


class Shut(InFile):
    """What is read beside its verification cannot be."""

    def connect(self) -> NoReturn:
        raise FileLocked(self.name)


def other_database(path: Path) -> Path:
    sample(path, rows=60, seed=2)
    execute(path, "UPDATE d1_migrations SET applied_at = '2026-01-01 10:00:00'")
    return path


def test_another_database_written_over_a_file_is_called_so(demo: Path, folder: Path, tmp_path: Path) -> None:
    where, store = InFile(demo), CheckpointStore(folder)
    verified = partial(making.verify_with_checkpoints, where, store, VERIFY, now=NOW, by="ada")
    assert verified().stands
    demo.write_bytes(other_database(tmp_path / "other.sqlite").read_bytes())
    report = verified()
    assert not report.stands and report.lost_end is not None and report.lost_end.is_other
    assert report.lost_end.said.startswith("It was verified through entry 60 on ")
    assert "and another database is there now. Another database was put in its place" in report.lost_end.said
    assert verified().lost_end == report.lost_end and not report.lost_end.gone
    assert verified(accepts_end=True).stands and verified().notes == ()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_another_database_without_a_ledger_is_told_by_its_entries(
    demo: Path, folder: Path, tmp_path: Path, is_replaced: bool
) -> None:
    other, store = other_database(tmp_path / "other.sqlite"), CheckpointStore(folder)
    for path in (demo, other):
        execute(path, "DROP TABLE d1_migrations")
    assert of_tenant(demo, store, None).stands
    older = demo.read_bytes()
    appended(demo, *(one.tenant for one in of_tenant(demo, store, None).tenants))
    newer = demo.read_bytes()
    assert of_tenant(demo, store, None).stands
    demo.write_bytes(older)  # which has none of the last entries, and the first one
    report = of_tenant(demo, store, None)
    assert report.lost_end is not None and not report.lost_end.is_other
    demo.write_bytes(newer)
    assert of_tenant(demo, store, None).stands
    if is_replaced:
        other.replace(demo)
    else:
        demo.write_bytes(other.read_bytes())
    for tenant in (None, "acme-corp", None):
        report = of_tenant(demo, store, tenant)
        if tenant is None:
            assert report.lost_end is not None and report.lost_end.is_other
            assert "another database is there now. Another database was put in its place" in report.notes[-1]
        assert not report.stands
    assert of_tenant(demo, store, None, accepts_end=True).stands
    assert of_tenant(demo, store, "acme-corp").stands and of_tenant(demo, store, None).stands


def test_another_file_in_the_place_of_one_is_told_of_once(demo: Path, folder: Path, tmp_path: Path) -> None:
    where, store = InFile(demo), CheckpointStore(folder)
    verified = partial(making.verify_with_checkpoints, where, store, VERIFY, now=NOW, by="ada")
    assert verified().stands
    Path(shutil.copy(demo, tmp_path / "copy.sqlite")).replace(demo)
    assert (verified().stands, verified().notes) == (True, ()), "which has its end"
    other_database(tmp_path / "other.sqlite").replace(demo)
    report = verified()
    (note,) = report.notes
    assert report.stands and note.startswith("Another file was in this place when it was verified last, thr")
    assert note.endswith("that entry is not in this one.")
    assert verified().notes == ()


def test_a_copy_that_ends_sooner_and_takes_the_place_of_a_file_has_lost_its_end(
    demo: Path, folder: Path, tmp_path: Path
) -> None:
    verified = partial(
        making.verify_with_checkpoints, InFile(demo), CheckpointStore(folder), VERIFY, now=NOW, by="ada"
    )
    append(demo, "new", 3)
    assert verified().stands
    copy = Path(shutil.copy(demo, tmp_path / "copy.sqlite"))
    execute(copy, "DELETE FROM audit_chain WHERE seq > 60", "UPDATE sqlite_sequence SET seq = 60")
    copy.replace(demo)
    for _ in range(2):
        with pytest.raises(NotAllowed, match="and ends at entry 60 now"):
            lost_ends.require_end(InFile(demo), CheckpointStore(folder))
        report = verified()
        assert report.lost_end is not None and (report.lost_end.through, report.lost_end.ends_at) == (63, 60)
    Path(shutil.copy(demo, tmp_path / "copy.sqlite")).replace(demo)
    assert verified().lost_end == report.lost_end, "and so has a copy of that"
    assert verified(accepts_end=True).stands and verified().stands


def test_a_copy_that_takes_the_place_of_a_file_has_lost_the_end_of_a_tenant_alone(
    demo: Path, folder: Path, tmp_path: Path
) -> None:
    """For a command that asks nobody, too, and where no whole was ever verified."""
    where, store = InFile(demo), CheckpointStore(folder)
    (end,) = appended(demo, "mine")
    assert of_tenant(demo, store, "mine").stands
    copy = Path(shutil.copy(demo, tmp_path / "copy.sqlite"))
    remove(copy, end)
    copy.replace(demo)
    with pytest.raises(NotAllowed, match=f"verified through entry {end} of mine"):
        lost_ends.require_end(where, store)
    lost, there = lost_ends.ends_looked_for(where, store, None)
    assert lost is not None and lost.tenants == {"mine"} and not there
    assert known_of(None, there, lost).ends_lost == {"mine"}


@pytest.mark.parametrize("reason", [Reason.ANOTHER_DATABASE, Reason.START_OVER])
def test_what_forgets_a_lost_end_says_so(demo: Path, folder: Path, reason: Reason) -> None:
    where, store = InFile(demo), CheckpointStore(folder)
    sign = partial(making.verify_and_sign, where, store, VERIFY, by="ada")
    assert sign(now=NOW, reason=Reason.REQUEST).checkpoint == 1
    append(demo, "new", 3)
    assert making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada").stands
    execute(demo, "DELETE FROM audit_chain WHERE seq > 60", "UPDATE sqlite_sequence SET seq = 60")
    assert sign(now=NOW, reason=Reason.REQUEST).checkpoint is None
    made = sign(now=NOW, reason=reason)
    assert made.checkpoint is not None and made.report.lost_end is None
    said = "It was verified through entry 63 before, and ends at entry 60 now: that no longer counts."
    assert made.report.notes[-1] == said
    assert making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada").stands


def test_an_act_of_which_nobody_is_asked_is_refused_where_the_end_is_lost(demo: Path, folder: Path) -> None:
    where, store = InFile(demo), CheckpointStore(folder)
    lost_ends.require_end(where, store)
    sign = partial(making.verify_and_sign, where, store, VERIFY, now=NOW, by="ada")
    assert sign(reason=Reason.REQUEST).checkpoint == 1
    append(demo, "new", 3)
    lost_ends.require_end(where, store)
    assert making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada").stands
    execute(demo, "DELETE FROM audit_chain WHERE seq > 60", "UPDATE sqlite_sequence SET seq = 60")
    for _ in range(2):
        with pytest.raises(NotAllowed, match=r"and ends at entry 60 now\. .* verify --accept-end"):
            lost_ends.require_end(where, store)
        making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada")
    making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada", accepts_end=True)
    lost_ends.require_end(where, store)
    execute(demo, "DELETE FROM audit_chain WHERE seq > 50", "UPDATE sqlite_sequence SET seq = 50")
    making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ada")
    with pytest.raises(NotAllowed, match=r"at entry 50, and a checkpoint knows entry 60\. .* --start-over"):
        lost_ends.require_end(where, store)


def test_one_entry_that_is_lost_is_told_as_one() -> None:
    before = LostEnd(5002, NOW, None, 5005, missed=True)
    lost = LostEnd.together([before, replace(before, head="f" * 64)])
    assert lost is not None and lost.head == "f" * 64
    assert lost.in_words == "verified through entry 5,002, and that entry is not there as it was"
    assert lost.said.count("5,002") == 1
    other = LostEnd.together([lost, replace(before, through=4000)])
    assert other is not None
    assert other.in_words.endswith("(entry 4,000, the last one that was verified before, is gone, too)")


@pytest.mark.parametrize("count", [2, 6, 7, 9])
def test_of_several_ends_that_are_gone_the_newest_are_named_and_the_others_counted(count: int) -> None:
    ends = [LostEnd(seq, NOW, "a", 90, f"t{seq}", missed=True, of_tenant=True) for seq in range(1, count + 1)]
    lost = LostEnd.together(ends)
    assert lost is not None and LostEnd.together([lost, ends[0]]) == lost
    named = [f"entry {seq}, the last one known of t{seq}, is gone, too" for seq in range(count - 1, 0, -1)]
    more = {
        7: ["1 entry more that was known is gone, too"],
        9: ["3 entries more that were known are gone, too"],
    }
    assert lost.gone_with_it == named[:5] + more.get(count, [])
    assert [one["seq"] for one in lost.to_json()["entries"]] == [*range(1, count + 1)]
    assert lost.why == "It was cut out, or another line of entries stands in its place"
    assert replace(lost, ends_at=0).why.startswith("All of it was taken away")
    old = replace(lost, lasts=())
    assert old.gone_with_it[0].startswith("the last one known of t1"), "as an older program kept it"


def of_tenant(demo: Path, store: CheckpointStore, tenant: str | None, **how: Any) -> Report:
    section = EVERYTHING if tenant is None else Section(tenant)
    return making.verify_with_checkpoints(
        InFile(demo), store, VERIFY, now=NOW, by="ada", section=section, **how
    )


def appended(demo: Path, *tenants: str) -> list[int]:
    """The numbers of an entry more of each."""
    chain = ChainFile(demo)
    for tenant in tenants:
        chain.append(tenant, at=NOW - DAY)
    return [chain.seqs(tenant)[-1] for tenant in tenants]


def remove(demo: Path, *seqs: int) -> None:
    chain = ChainFile(demo)
    for seq in seqs:
        chain.run("DELETE FROM audit_chain WHERE seq = ?", seq)
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")


def test_what_a_tenant_verified_alone_went_through_is_kept_as_its_end(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)
    _, end = appended(demo, "mine", "mine")
    assert of_tenant(demo, store, "mine").stands
    remove(demo, end)
    for tenant in ("mine", None, "mine"):
        report = of_tenant(demo, store, tenant)
        assert report.lost_end is not None and (report.lost_end.through, report.lost_end.tenant) == (
            end,
            "mine",
        )
        assert f"through entry {end} of mine on" in report.notes[-1]
    signed = making.verify_and_sign(InFile(demo), store, VERIFY, now=NOW, reason=Reason.REQUEST, by="ada")
    assert signed.checkpoint is None and f"through entry {end} of mine" in str(signed.why_not)
    assert of_tenant(demo, store, "other").stands, "who has none"
    appended(demo, "other", "mine", "mine")
    assert not of_tenant(demo, store, "mine").stands
    assert of_tenant(demo, store, None, accepts_end=True).stands
    assert of_tenant(demo, store, "mine").stands and of_tenant(demo, store, None).stands


@pytest.mark.parametrize("replaced", [False, True])
def test_the_end_of_each_tenant_is_missed_where_another_has_entries_behind_it(
    demo: Path, folder: Path, replaced: bool
) -> None:
    store = CheckpointStore(folder)
    *mine, theirs, _ = appended(demo, "mine", "mine", "theirs", "other")
    assert of_tenant(demo, store, None).stands
    remove(demo, mine[0], mine[0] + 1, theirs)
    if replaced:
        appended(demo, "mine", "mine", "theirs")
    with pytest.raises(NotAllowed, match="that entry is not there as it was"):
        lost_ends.require_end(InFile(demo), store)
    for _ in range(2):
        report = of_tenant(demo, store, None)
        assert report.lost_end is not None and report.lost_end.tenants == {"mine", "theirs"}
        assert f"(entry {mine[1]}, the last one known of mine, is gone, too)" in report.lost_end.found
        told = report.lost_end.to_json()
        assert told["tenants"] == ["mine", "theirs"]
        assert [(one["seq"], one["tenant"], one["known"]) for one in told["entries"]] == [
            (mine[1], "mine", "verified"),
            (theirs, "theirs", "verified"),
        ]
    for tenant in ("mine", "theirs"):
        alone = of_tenant(demo, store, tenant)
        assert alone.lost_end is not None and alone.lost_end.tenants == {tenant}
    other = of_tenant(demo, store, "other")
    assert other.stands and "whose own last one that was verified, entry" in other.notes[-1]
    assert "mine" not in other.notes[-1] and "theirs" not in other.notes[-1]


def test_of_a_tenant_that_the_newest_checkpoint_covers_no_end_is_said_to_be_unknown(
    check: Callable[..., SignedReport], demo: Path, folder: Path
) -> None:
    assert check().checkpoint == 1
    (end,) = appended(demo, "acme-corp")
    store = CheckpointStore(folder)
    assert of_tenant(demo, store, None).stands
    for file in (folder / "ends").iterdir():
        file.unlink()  # as of a home in which none was kept yet
    remove(demo, end)
    alone = of_tenant(demo, store, "northwind-clinics")
    assert alone.verdict is Verdict.VERIFIED and "newest checkpoint knows no more" in alone.notes[-1]


def test_whoever_asks_gets_no_checkpoint_over_a_lost_end(demo: Path, folder: Path) -> None:
    store, where = CheckpointStore(folder), InFile(demo)
    (end,) = appended(demo, "mine")
    assert of_tenant(demo, store, None).stands
    remove(demo, end)
    found = VERIFY(where, now=NOW, seal=True)
    report = lost_ends.keep_verdict(where, store, found, now=NOW, by="ada")
    assert report.lost_end is not None and report.seal is not None
    with pytest.raises(NotSigned, match="until this end is accepted, no checkpoint is made"):
        store.create(where, report, now=NOW, reason=Reason.REQUEST)
    assert store.checkpoints(where) == ()


def test_an_end_of_a_tenant_is_excused_where_its_chain_was_pruned_or_it_was_erased(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    appended(demo, "mine", "mine", "erased", "erased", "other")
    assert of_tenant(demo, store, None).stands
    end, last = chain.seqs("mine")[-1], chain.seqs("erased")[-1]
    chain.append("mine", at=NOW - DAY)
    chain.prune("mine", end, at=NOW)
    chain.prune("erased", last, at=NOW)
    for tenant in ("mine", "erased", None, "mine"):
        assert of_tenant(demo, store, tenant).stands
    for tenant in ("mine", None):
        appended(demo, "mine", "erased")
        assert of_tenant(demo, store, tenant).stands


def test_pruning_excuses_no_end_of_a_tenant_whose_number_another_has(demo: Path, folder: Path) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    *_, end = appended(demo, "mine", "mine")
    assert of_tenant(demo, store, "mine").stands
    remove(demo, end)
    appended(demo, "other", "mine", "mine")
    chain.prune("mine", chain.seqs("mine")[-2], at=NOW)
    for tenant in (None, "mine"):
        report = of_tenant(demo, store, tenant)
        assert report.intact and not report.stands


@pytest.mark.parametrize("was_last", [False, True])
@pytest.mark.parametrize("is_behind", [False, True])
def test_an_end_is_excused_where_another_took_its_number_once_it_was_pruned(
    demo: Path, folder: Path, was_last: bool, is_behind: bool
) -> None:
    """As the platform's gateway gives the numbers of a new tenant, which may be free ones."""
    store, chain = CheckpointStore(folder), ChainFile(demo)
    end, *_ = appended(demo, "mine", *() if was_last else ("other",))
    assert of_tenant(demo, store, None).stands
    appended(demo, "mine", "mine", *["other"] * (not was_last))
    chain.prune("mine", chain.seqs("mine")[-2 if is_behind else -3], at=NOW - 60)
    chain.prune("mine", chain.seqs("mine")[0], at=NOW - 10)
    chain.append("blue", at=NOW - 30)
    chain.run("UPDATE audit_chain SET seq = ? WHERE tenant_id = 'blue'", end)
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    assert lost_ends.lost_end_of(InFile(demo), store, store.verdicts.last(InFile(demo))) is None
    for tenant in ("mine", None, "mine"):
        assert of_tenant(demo, store, tenant).stands


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_range_behind_a_lost_end_of_a_tenant_forgets_nothing(
    demo: Path, folder: Path, alone: bool, is_told: bool
) -> None:
    store = CheckpointStore(folder)
    _, end, _ = appended(demo, "mine", "mine", "other")
    assert of_tenant(demo, store, None).stands
    remove(demo, end)
    assert not is_told or not of_tenant(demo, store, "mine").stands
    appended(demo, "mine", "other")
    section = Section("mine" if alone else None, first=end + 2)
    making.verify_with_checkpoints(InFile(demo), store, VERIFY, now=NOW, by="ada", section=section)
    with pytest.raises(NotAllowed):
        lost_ends.require_end(InFile(demo), store)
    for tenant in ("mine", None):
        assert not of_tenant(demo, store, tenant).stands


def of_range(demo: Path, store: CheckpointStore, *section: Any) -> Report:
    return making.verify_with_checkpoints(
        InFile(demo), store, VERIFY, now=NOW, by="ada", section=Section(*section)
    )


@pytest.mark.parametrize("tenant", ["mine", None])
@pytest.mark.parametrize("has_last", [False, True])
def test_what_a_range_went_through_behind_an_end_is_the_end_from_then_on(
    demo: Path, folder: Path, tenant: str | None, has_last: bool
) -> None:
    store = CheckpointStore(folder)
    appended(demo, "mine", "other")
    assert of_tenant(demo, store, None).stands
    _, _, end = appended(demo, "mine", "mine", "mine")
    appended(demo, "other")
    assert of_range(demo, store, tenant, end - 2, end if has_last else None).stands
    remove(demo, end - 1, end)
    appended(demo, "other", "other")
    for whose in (None, "mine", None):
        report = of_tenant(demo, store, whose)
        assert report.lost_end is not None and "mine" in report.lost_end.tenants
        assert f"It was verified through entry {end} of mine" in report.notes[-1]
    assert of_tenant(demo, store, "other").stands


def test_what_a_range_went_through_apart_from_an_end_is_known_as_a_piece(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)
    appended(demo, "mine")
    assert of_tenant(demo, store, None).stands
    *_, end = appended(demo, "mine", "mine", "mine")
    assert of_range(demo, store, None, end).stands, "behind two that nobody has looked at"
    appended(demo, "mine")
    assert of_range(demo, store, "mine", end + 1).stands, "which goes on from that alone"
    remove(demo, end + 1)
    appended(demo, "other")
    report = of_tenant(demo, store, "mine")
    assert report.lost_end is not None
    assert report.notes[-1].startswith(
        f"It was known to have entry {end + 1} of mine, verified in a range on"
    )
    assert of_tenant(demo, store, None, accepts_end=True).stands
    *_, end = appended(demo, "mine", "mine")
    assert of_range(demo, store, "mine", end).stands and of_tenant(demo, store, "mine").stands
    remove(demo, end)
    (note,) = of_tenant(demo, store, "mine").notes
    assert note.startswith(f"It was verified through entry {end} of mine on"), "all before it was, too"


def test_a_range_says_that_an_end_before_it_is_gone_and_knows_what_it_went_through(
    demo: Path, folder: Path
) -> None:
    store = CheckpointStore(folder)
    (end,) = appended(demo, "mine")
    assert of_tenant(demo, store, None).stands
    remove(demo, end)
    _, _, last = appended(demo, "other", "mine", "mine")
    report = of_range(demo, store, None, last)
    assert report.stands and report.notes[-1].startswith(
        f"What comes before these entries is not as it was: it was verified through entry {end} of mine on"
    )
    assert of_range(demo, store, "other", end).stands, "whose own is there"
    remove(demo, last)
    lost = of_tenant(demo, store, "mine").lost_end
    assert lost is not None and lost.through == end and lost.went_again == []
    assert lost.parts == (("mine", end - 1, 2),), "more went since"


def test_more_of_a_tenant_whose_end_is_lost_is_missed_and_not_accepted_unseen(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    numbers = [*appended(demo, *["mine"] * 6), *appended(demo, "other")]
    first = numbers[5] - 5
    assert of_tenant(demo, store, None).stands
    chain.run("DELETE FROM audit_chain WHERE seq = ?", first + 5)
    shown = of_tenant(demo, store, None).lost_end
    assert shown is not None and "more of mine" not in shown.found
    again = of_tenant(demo, store, None).lost_end
    assert again is not None and again.is_within(shown) and again.found == shown.found
    chain.run("DELETE FROM audit_chain WHERE tenant_id = 'mine' AND seq > ?", first + 1)
    appended(demo, "other", "mine", "mine", "mine")  # others in their place, more than there were
    for tenant in (None, "mine"):
        report = of_tenant(demo, store, tenant, accepts_end=shown if tenant is None else False)
        assert report.lost_end is not None and not report.lost_end.is_within(shown)
        assert "more of mine went since" in report.lost_end.found
    appended(demo, "mine", "other")
    shown = of_tenant(demo, store, None).lost_end
    assert shown is not None and shown.parts[0][2] == 2
    appended(demo, "mine")
    assert of_tenant(demo, store, None, accepts_end=shown).stands
    assert of_tenant(demo, store, None).stands and of_tenant(demo, store, "mine").stands


def test_what_a_tenant_alone_has_shown_is_shown_of_the_whole(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)
    (end, *_) = appended(demo, *["mine"] * 4, "theirs", "other")
    assert of_tenant(demo, store, None).stands
    remove(demo, end - 2, end - 1, end)
    first = of_tenant(demo, store, "mine").lost_end
    assert first is not None and first.went_again == []
    remove(demo, end - 3)
    again = of_tenant(demo, store, "mine").lost_end
    assert again is not None and not again.is_within(first)
    assert f"(more of mine went since, through entry {end - 3})" in again.found
    assert [one["seq"] for one in again.to_json()["entries"]] == [end - 3, end]
    other = of_tenant(demo, store, "other")
    assert other.stands and "is lost" in other.notes[-1] and "mine" not in other.notes[-1]
    shown = lost_ends.shown_end(InFile(demo), store)
    copied = shutil.copytree(folder, folder.with_name("copied"))
    assert of_tenant(demo, store, None, accepts_end=shown or False).stands, "of whom nothing is left"
    remove(demo, end + 1)  # of theirs, which nothing has shown
    report = of_tenant(demo, CheckpointStore(copied), None, accepts_end=shown or False)
    assert report.lost_end is not None and report.lost_end.tenants == {"mine", "theirs"}
    assert f"; more of mine went since, through entry {end - 3})" in report.lost_end.found, "still"


def test_a_tenant_that_lost_its_end_below_that_of_the_file_is_named(demo: Path, folder: Path) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    low, _, end = appended(demo, "low", "other", "mine")
    assert of_tenant(demo, store, None).stands
    chain.run("DELETE FROM audit_chain WHERE seq IN (?, ?)", low, end)
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    lost = of_tenant(demo, store, None).lost_end
    assert lost is not None and lost.found == (
        f"ends at entry {end - 1} now (entry {low}, the last one known of low, is gone, too)"
    )
    assert "of low, is gone, too" in lost.accepted


def test_a_pruned_file_without_a_ledger_is_no_other_database_where_its_ends_are_cut(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    execute(demo, "DROP TABLE d1_migrations")
    assert of_tenant(demo, store, None).stands
    tenants = [one.tenant for one in of_tenant(demo, store, None).tenants]
    for tenant in tenants:
        chain.prune(tenant, chain.seqs(tenant)[0], at=NOW)
    appended(demo, *tenants)
    assert of_tenant(demo, store, None).stands
    for tenant in tenants:
        chain.run("DELETE FROM audit_chain WHERE seq = ?", chain.seqs(tenant)[-1])
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    lost = of_tenant(demo, store, None).lost_end
    assert lost is not None and not lost.is_other and lost.gone


def made_here(demo: Path, store: CheckpointStore, *tenants: str) -> list[int]:
    """As an act of ours leaves an entry of each."""
    numbers, chain = appended(demo, *tenants), ChainFile(demo)
    made = [
        OwnEntry(tenant, number, chain.head(tenant), NOW, f"User of {tenant} created")
        for tenant, number in zip(tenants, numbers, strict=True)
    ]
    store.verdicts.own.keep(InFile(demo), made)
    return numbers


def test_of_entries_made_here_each_tenant_is_named_before_they_are_accepted(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)
    numbers = made_here(demo, store, "a", "b", "c")
    appended(demo, "a", "b", "c", "d")
    chain = ChainFile(demo)
    for number in numbers[2:]:
        chain.run("DELETE FROM audit_chain WHERE seq = ?", number)
    chain.rehash("c", after=0)
    shown = of_tenant(demo, store, None).lost_end
    assert shown is not None and shown.tenants == {"c"}
    for tenant, number in zip("ab", numbers, strict=False):
        chain.run("DELETE FROM audit_chain WHERE seq = ?", number)
        chain.rehash(tenant, after=0)
    lost = of_tenant(demo, store, None, accepts_end=shown).lost_end
    assert lost is not None and lost.tenants == {"a", "b", "c"} and not lost.is_within(shown)
    assert "(User of b created), made here, is gone, too" in lost.found


@pytest.mark.parametrize("has_ledger", [False, True])
def test_another_database_is_called_so_where_an_entry_was_made_here(
    demo: Path, folder: Path, tmp_path: Path, has_ledger: bool
) -> None:
    store, other = CheckpointStore(folder), other_database(tmp_path / "other.sqlite")
    for path in () if has_ledger else (demo, other):
        execute(path, "DROP TABLE d1_migrations")
    assert of_tenant(demo, store, None).stands
    made_here(demo, store, "acme-corp")
    demo.write_bytes(other.read_bytes())
    for _ in range(2):
        lost = of_tenant(demo, store, None).lost_end
        assert lost is not None and lost.is_other and "another database is there now" in lost.in_words


def test_of_many_tenants_whose_ends_are_lost_some_are_named_and_the_others_counted(
    demo: Path, folder: Path
) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    names = [f"t{number:03}".ljust(1000, "x") for number in range(60)]
    appended(demo, *names, "other")
    assert of_tenant(demo, store, None).stands
    chain.run("DELETE FROM audit_chain WHERE tenant_id LIKE 't0%'")
    lost = of_tenant(demo, store, None).lost_end
    assert lost is not None and (len(lost.others), lost.unnamed) == (50, 9)
    newest = [f"entry {through:,}, the last one known of t" for _, through in sorted(lost.lasts)[-5:]]
    assert all(words in lost.found for words in newest) and lost.found.count("known of t") == 5
    assert "; 54 entries more that were known are gone, too" in lost.found
    told = lost.to_json()
    assert told["moreTenants"] == 9 and len(told["entries"]) == 51
    assert of_tenant(demo, store, None, accepts_end=lost).stands


def test_ends_are_kept_of_no_more_tenants_than_their_names_take(demo: Path, folder: Path) -> None:
    store = CheckpointStore(folder)
    ends = {str(number).ljust(100_000, "x"): KeptEnd(number, None, NOW) for number in range(1, 21)}
    store.verdicts.keep_ends(InFile(demo), KeptEnds(ends))
    assert sorted(end.through for end in store.verdicts.ends(InFile(demo)).ends.values()) == [*range(11, 21)]


def test_an_end_of_a_tenant_that_is_there_again_is_lost_no_more(demo: Path, folder: Path) -> None:
    store, chain = CheckpointStore(folder), ChainFile(demo)
    (end, _) = appended(demo, "mine", "other")
    assert of_tenant(demo, store, None).stands
    chain.run("CREATE TABLE kept_aside AS SELECT * FROM audit_chain WHERE seq = ?", end)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", end)
    assert not of_tenant(demo, store, None).stands
    chain.run("INSERT INTO audit_chain SELECT * FROM kept_aside")
    assert of_tenant(demo, store, "mine").stands and of_tenant(demo, store, None).stands
    (end,) = appended(demo, "mine")
    assert of_tenant(demo, store, "mine").stands
    remove(demo, end)
    assert not of_tenant(demo, store, "mine").stands


def test_another_database_has_no_ends_of_the_tenants_of_one(demo: Path, folder: Path, tmp_path: Path) -> None:
    store = CheckpointStore(folder)
    appended(demo, "mine", "other")
    assert of_tenant(demo, store, "mine").stands
    other_database(tmp_path / "other.sqlite").replace(demo)
    assert of_tenant(demo, store, "mine").stands and of_tenant(demo, store, None).stands
    assert "mine" not in store.verdicts.ends(InFile(demo)).ends


def test_from_a_checkpoint_on_the_ends_of_tenants_are_looked_for_too(
    check: Callable[..., SignedReport], demo: Path, folder: Path
) -> None:
    assert check().checkpoint == 1
    (end, _) = appended(demo, "acme-corp", "other")
    found = check(NOW + 60)
    assert found.since is not None and found.report.stands
    remove(demo, end)
    found = check(NOW + 120)
    assert found.report.lost_end is not None and found.report.lost_end.tenants == {"acme-corp"}
    assert not check(NOW + 180).report.stands


@pytest.mark.parametrize(
    ("was", "damaged"), [("[61,", f"[{2**63},"), ('"mine"', "[1]"), ('"ledger": ', '"ledger": 1, "x": ')]
)
def test_ends_that_are_damaged_count_as_none(demo: Path, folder: Path, was: str, damaged: str) -> None:
    store, where = CheckpointStore(folder), InFile(demo)
    appended(demo, "mine")
    assert of_tenant(demo, store, "mine").stands and "mine" in store.verdicts.ends(where).ends
    (place,) = (folder / "ends").iterdir()
    assert was in place.read_text()
    place.write_text(place.read_text().replace(was, damaged))
    assert not store.verdicts.ends(where).ends
    assert of_tenant(demo, store, "mine").stands
