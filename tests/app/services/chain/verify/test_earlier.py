"""A file that ends between two checkpoints is an earlier state, where nothing that is there contradicts them.

TENANT_ADMIN_HISTORIES is how many histories are brought back to a moment by chance.
"""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints.document import NotSigned, write_export
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import BROKEN, Verdict
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.app.services.chain.verify.histories import brought_back, put_back
from tests.conftest import NOW
from tests.fixtures.chains import GENESIS

HISTORIES = int(os.environ.get("TENANT_ADMIN_HISTORIES", "60"))


@pytest.fixture
def known(tmp_path: Path) -> KnownChain:
    return known_twice(tmp_path)


def known_twice(folder: Path) -> KnownChain:
    """Entries 1 to 4, a checkpoint, 5 to 8, the last of a tenant that is new, and another checkpoint."""
    known = KnownChain(ChainFile(folder / "a.db"), CheckpointStore(folder / "home"))
    for tenant in ("acme", "globex", "acme", "idle"):
        known.chain.append(tenant)
    known.checkpoint(NOW - 40)
    for tenant in ("acme", "globex", "acme", "late"):
        known.chain.append(tenant)
    known.checkpoint()
    return known


def known_with_gaps(folder: Path) -> KnownChain:
    """The same with numbers 5, 7 and 9 left out, and four tenants' 6 to 13 behind the first checkpoint."""
    known = KnownChain(ChainFile(folder / "a.db"), CheckpointStore(folder / "home"))
    for tenant in ("acme", "globex", "acme", "idle"):
        known.chain.append(tenant)
    known.checkpoint(NOW - 40)
    for seq, tenant in ((6, "acme"), (8, "globex"), (10, "acme"), (11, "globex"), (12, "acme"), (13, "late")):
        known.chain.append(tenant, seq=seq)
    known.checkpoint()
    return known


def known_apart(folder: Path) -> KnownChain:
    """Each tenant's entries numbered by themselves: three of two of them, a checkpoint, three more of each,
    two minutes apart, two of a tenant that is new, one more, and another checkpoint.
    """
    known = KnownChain(ChainFile(folder / "a.db"), CheckpointStore(folder / "home"))
    for number in range(1, 4):
        known.chain.append("acme", seq=number, at=NOW - 1000)
        known.chain.append("globex", seq=1000 + number, at=NOW - 1000)
    known.checkpoint(NOW - 900)
    for number in range(4, 7):
        at = NOW - 900 + 120 * number
        known.chain.append("acme", seq=number, at=at)
        known.chain.append("globex", seq=1000 + number, at=at)
    known.chain.append("late", seq=501, at=NOW - 200)
    known.chain.append("late", seq=502, at=NOW - 60)
    known.chain.append("globex", seq=1007, at=NOW - 60)
    known.checkpoint()
    return known


def leave(chain: ChainFile, **lasts: int) -> None:
    """The entries of each tenant up to that one."""
    for tenant in ("acme", "globex", "late"):
        chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq > ?", tenant, lasts.get(tenant, 0))
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")


def cut(chain: ChainFile, end: int) -> None:
    """As an earlier copy is, and as whoever cuts its end off may leave it."""
    chain.run("DELETE FROM audit_chain WHERE seq > ?", end)
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")


def is_tampered(report: Report) -> bool:
    return report.verdict is Verdict.TAMPERED and (report.earlier, report.later) == (None, None)


@pytest.mark.parametrize(("end", "new"), [(5, 1), (6, 1), (7, 0)])
def test_between_two_checkpoints_it_is_an_earlier_state(known: KnownChain, end: int, new: int) -> None:
    cut(known.chain, end)
    report = known.verify(seal=True)
    assert (report.verdict, codes(report), report.errors) == (Verdict.EARLIER, {"EARLIER"}, 0)
    assert (report.earlier, report.later, report.not_covered, report.ends_before) == (1, 2, new, False)
    (finding,) = report.findings
    assert f"The database ends at entry {end}, between checkpoint 1 of 2026-" in finding.message
    assert "and checkpoint 2 of 2026-" in finding.message
    assert "an earlier state was brought back, or its end was cut off" in finding.message
    more = "1 more entry" if end == 7 else f"{8 - end} more entries"
    unknown = "; no checkpoint knows 1 of those that are there." if new else "."
    assert finding.message.endswith(f"Checkpoint 2 knew {more}{unknown}")
    verdicts = {one.tenant: one.verdict for one in report.tenants}
    assert verdicts["acme"] is (Verdict.VERIFIED if end == 7 else Verdict.EARLIER)
    assert verdicts["idle"] is Verdict.VERIFIED, "as the latest knew it"
    with pytest.raises(NotSigned, match="earlier state"):
        known.store.create(InFile(known.chain.path), report, now=NOW, reason=Reason.REQUEST)


@pytest.mark.parametrize("tenant", ["acme", "globex", "idle", "late"])
def test_one_tenant_alone_is_what_it_is_of_the_whole(known: KnownChain, tenant: str) -> None:
    cut(known.chain, 5)
    report = known.verify(section=Section(tenant))
    if tenant == "idle":
        assert (report.verdict, report.findings) == (Verdict.VERIFIED, ())
        return
    assert (report.verdict, codes(report)) == (Verdict.EARLIER, {"EARLIER"})
    (finding,) = report.findings
    ends = "has no entry" if tenant == "late" else f"ends at entry {known.chain.seqs(tenant)[-1]}"
    assert f"The chain of {tenant} {ends}, between checkpoint 1" in finding.message
    assert finding.tenant == tenant
    known.chain.run("DELETE FROM audit_chain WHERE seq = 4")  # of another, which the others show
    assert is_tampered(known.verify(section=Section(tenant)))


def test_one_tenant_alone_is_that_too_where_another_was_erased(known: KnownChain) -> None:
    known.chain.prune("late", 8, at=NOW)
    known.chain.append("acme", at=NOW)
    older = known.chain.path.read_bytes()
    known.chain.append("acme", at=NOW)
    known.checkpoint(NOW + 1)
    put_back(known, older)
    for section in (Section(), Section("acme")):
        report = known.verify(section=section)
        assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, 2, 3)


def test_before_the_first_checkpoint_its_end_was_cut_off(known: KnownChain) -> None:
    cut(known.chain, 3)
    report = known.verify()
    assert is_tampered(report) and codes(report) == {"TRUNCATED"} and report.ends_before


def test_of_several_later_ones_the_last_says_how_many_there_were(known: KnownChain) -> None:
    for number in range(3):
        known.chain.append("acme")
        known.checkpoint(NOW + number)
    cut(known.chain, 6)
    report = known.verify()
    assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, 1, 2)
    assert "Later ones, up to checkpoint 5, knew 5 more entries" in report.findings[0].message


def insert_one_more(chain: ChainFile) -> None:
    """Of a tenant of which the later checkpoint knew as many up to a later end."""
    cut(chain, 6)
    chain.append("globex", seq=7)


def take_a_number(chain: ChainFile) -> None:
    """An act that went on from an earlier state, by its time."""
    cut(chain, 5)
    chain.append("acme", at=NOW + 99)


def take_the_number_of_an_end(chain: ChainFile) -> None:
    cut(chain, 5)
    chain.append("globex", at=NOW - 50)
    chain.append("globex", at=NOW - 50)
    chain.append("acme", at=NOW - 50)


def add_a_tenant(chain: ChainFile) -> None:
    cut(chain, 5)
    chain.append("forged")


def rewrite_what_was_known(chain: ChainFile) -> None:
    cut(chain, 6)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    chain.rehash("acme")


def renumber_what_was_known(chain: ChainFile) -> None:
    """The end of a tenant is there, under another number."""
    chain.run("DELETE FROM audit_chain WHERE seq IN (6, 8)")
    chain.run("UPDATE audit_chain SET seq = 6 WHERE seq = 7")
    cut(chain, 6)


def leave_one_out(chain: ChainFile) -> None:
    """Of a tenant alone the newest entry, which has a number below the end."""
    chain.run("DELETE FROM audit_chain WHERE seq = 6")
    cut(chain, 7)


def leave_the_counter(chain: ChainFile) -> None:
    chain.run("DELETE FROM audit_chain WHERE seq > 6")


def begin_again(chain: ChainFile) -> None:
    cut(chain, 6)
    chain.append("acme", previous=GENESIS, seq=7)


def rename(chain: ChainFile) -> None:
    cut(chain, 7)
    chain.run("UPDATE audit_chain SET tenant_id = 'forged' WHERE tenant_id = 'idle'")


def prune_more(chain: ChainFile) -> None:
    """What the later checkpoint still had."""
    cut(chain, 6)
    chain.prune("acme", 3)


CONTRADICTIONS: Final[Sequence[Callable[[ChainFile], None]]] = (
    take_a_number,
    take_the_number_of_an_end,
    add_a_tenant,
    rewrite_what_was_known,
    renumber_what_was_known,
    leave_one_out,
    leave_the_counter,
    begin_again,
    rename,
    prune_more,
    insert_one_more,
)


@pytest.mark.parametrize("damage", CONTRADICTIONS)
def test_where_anything_that_is_there_contradicts_it_is_tampered(
    known: KnownChain, damage: Callable[[ChainFile], None]
) -> None:
    damage(known.chain)
    assert is_tampered(known.verify())


def take_one_out_of_the_middle(chain: ChainFile) -> None:
    """Two of acme's and one of globex's are gone, and up to acme's last there are two numbers."""
    cut(chain, 10)
    chain.run("DELETE FROM audit_chain WHERE seq = 6")
    chain.rehash("acme", after=3)


def go_on_behind_a_known_end(chain: ChainFile) -> None:
    """In a number that the later checkpoint saw, with the tenant ending before."""
    cut(chain, 8)
    chain.append("idle", at=NOW - 50, seq=9)


def write_one_since(chain: ChainFile) -> None:
    """By its time after the later checkpoint, behind which stands one that says otherwise."""
    cut(chain, 4)
    chain.append("acme", at=NOW + 99)
    chain.append("acme", at=NOW - 50)


def write_one_since_before_an_odd_time(chain: ChainFile) -> None:
    cut(chain, 4)
    chain.append("acme", at=NOW + 99)
    chain.append("acme", at="2020-01-01T00:00:00Z")


CONTRADICTIONS_IN_GAPS: Final[Sequence[Callable[[ChainFile], None]]] = (
    take_one_out_of_the_middle,
    go_on_behind_a_known_end,
    write_one_since,
    write_one_since_before_an_odd_time,
)


@pytest.mark.parametrize("damage", CONTRADICTIONS_IN_GAPS)
def test_where_numbers_leave_gaps_what_contradicts_is_tampered(
    tmp_path: Path, damage: Callable[[ChainFile], None]
) -> None:
    known = known_with_gaps(tmp_path)
    damage(known.chain)
    assert is_tampered(known.verify())


def test_of_a_tenant_alone_the_numbers_of_others_are_theirs(tmp_path: Path) -> None:
    known = known_with_gaps(tmp_path)
    cut(known.chain, 10)
    assert known.verify(section=Section("acme")).verdict is Verdict.EARLIER
    take_one_out_of_the_middle(known.chain)
    assert is_tampered(known.verify(section=Section("acme")))


def test_what_a_later_checkpoint_knew_itself_may_say_that_it_came_after(tmp_path: Path) -> None:
    """As a clock that was wrong wrote it."""
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for tenant in ("acme", "idle"):
        known.chain.append(tenant)
    known.checkpoint(NOW - 40)
    known.chain.append("idle", at=NOW + 99)
    for _ in range(2):
        known.chain.append("acme")
    known.checkpoint()
    cut(known.chain, 4)
    report = known.verify()
    assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, 1, 2)


@pytest.mark.parametrize("ahead", [9, 7200])
def test_a_writers_clock_that_is_ahead_contradicts_nothing(tmp_path: Path, ahead: int) -> None:
    """As far as any may be, or as the later checkpoint knew it to be."""
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for number in range(5):
        known.chain.append("acme", at=NOW - 40 + ahead + number)
        if number in {0, 4}:
            known.checkpoint(NOW - 40 + number)
    cut(known.chain, 3)
    assert known.verify().verdict is Verdict.EARLIER


def test_a_first_entry_is_held_against_those_that_knew_it(known: KnownChain) -> None:
    known.chain.append("late")
    known.chain.append("acme")
    known.checkpoint(NOW + 1)
    cut(known.chain, 9)
    assert known.verify().verdict is Verdict.EARLIER
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'late'")
    known.chain.append("late", payload="{}", seq=8)
    known.chain.append("late", payload="{}", seq=9)
    assert is_tampered(known.verify())


def test_what_was_removed_since_is_there_in_an_earlier_state(known: KnownChain) -> None:
    older = known.chain.path.read_bytes()
    known.chain.append("acme")
    between = known.chain.path.read_bytes()
    known.chain.prune("acme", 3, at=NOW)
    known.checkpoint(NOW + 1)
    known.chain.append("acme", at=NOW + 2)
    for number, content in enumerate((between, older)):
        put_back(known, content)
        report = known.verify()
        assert (report.verdict, codes(report)) == (Verdict.EARLIER, {"EARLIER"})
        assert (report.earlier, report.later) == (2, None if number else 3)
    known.chain.append("acme")
    known.chain.run("UPDATE audit_chain SET payload = '{\"n\":1}' WHERE seq > 3 AND tenant_id = 'acme'")
    known.chain.rehash("acme", after=3)
    assert is_tampered(known.verify()), "the entry with which the later one began is another"


def test_a_marker_that_came_after_the_checkpoint_is_in_the_earlier_state(known: KnownChain) -> None:
    known.chain.append("acme")
    known.chain.prune("acme", 3, at=NOW)
    known.chain.append("globex", at=NOW)
    (end,) = known.chain.one("SELECT max(seq) FROM audit_chain")
    for tenant in ("acme", "idle"):
        known.chain.append(tenant, at=NOW)
    known.checkpoint(NOW + 1)
    for last in (end, end - 1):
        cut(known.chain, last)
        report = known.verify()
        assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, 2, 3)
    payload = json.loads(known.chain.one("SELECT payload FROM audit_chain WHERE seq = ?", end - 1)[0])
    known.chain.run(
        "UPDATE audit_chain SET payload = ? WHERE seq = ?", json.dumps(payload | {"count": 1}), end - 1
    )
    known.chain.rehash("acme", after=end - 2)
    assert is_tampered(known.verify())


def test_what_begins_a_line_bears_out_no_state_before_it(known: KnownChain) -> None:
    older = known.chain.path.read_bytes()
    known.chain.append("acme")
    report = known.chain.verify(seal=True)
    known.store.create(InFile(known.chain.path), report, now=NOW + 1, reason=Reason.START_OVER)
    put_back(known, older)
    assert known.verify().verdict is Verdict.EARLIER, "exactly, as one knew it before"
    cut(known.chain, 7)
    assert is_tampered(known.verify())


def test_a_checkpoint_that_knew_nothing_bears_out_none(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    known.chain.append("acme")
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain")
    known.store.create(
        InFile(known.chain.path), known.chain.verify(seal=True), now=NOW, reason=Reason.START_OVER
    )
    for seq in (7, 8):
        known.chain.append("acme", seq=seq, at=NOW)
    known.checkpoint(NOW + 1)
    cut(known.chain, 7)
    assert is_tampered(known.verify())


def signed_by_a_stranger(known: KnownChain, through: int) -> list[Checkpoint]:
    """What those of ours say, and behind them what a stranger says of a state and of all of it."""
    key = Ed25519PrivateKey.generate()
    made = [*known.store.checkpoints(InFile(known.chain.path))]
    content = known.chain.path.read_bytes()
    for end in (through, 8):
        cut(known.chain, end)
        seal = known.chain.verify(seal=True).seal
        put_back(known, content)
        assert seal is not None
        public, before = key.public_key().public_bytes_raw().hex(), made[-1]
        forged = replace(
            before, number=before.number + 1, after=0, through=seal.through, tenants=seal.tenants
        )
        made.append(replace(forged, previous=before.hash, key=public).signed(key))
    return made


@pytest.mark.parametrize("trusted", [0, 1, 2])
def test_a_key_that_goes_on_from_anothers_checkpoints_denies_nothing_before_them(
    tmp_path: Path, trusted: int
) -> None:
    """As the signer of an export got a new one: the first checkpoint with it names those before."""
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    states = []
    for number in range(4):
        for tenant in ("acme", "globex"):
            known.chain.append(tenant)
        states.append(known.chain.path.read_bytes())
        known.chain.append("acme")
        known.checkpoint(NOW - 50 + number)
    keys, made = [Ed25519PrivateKey.generate() for _ in range(2)], list[Checkpoint]()
    for item in known.store.checkpoints(InFile(known.chain.path)):
        key, before = keys[item.number > 2], made[-1].hash if made else None
        made.append(replace(item, previous=before, key=key.public_key().public_bytes_raw().hex()).signed(key))
    export, trust = tmp_path / "export.json", [item.key for item in made[1:3]][:trusted]
    write_export(export, made)
    for seen, content in enumerate(states):
        put_back(known, content)
        report = known.verify_by(export, trust=trust)
        if seen:
            told = 2 if (trusted, seen) == (1, 3) else seen  # the last of those that are trusted
            assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, told, seen + 1)
        else:
            assert is_tampered(report)
    put_back(known, states[1])
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    known.chain.rehash("acme", after=1)
    assert is_tampered(known.verify_by(export, trust=trust))


@pytest.mark.parametrize("ours", [1, 2])
@pytest.mark.parametrize("through", [5, 6])
def test_a_stranger_bears_out_no_earlier_state(tmp_path: Path, ours: int, through: int) -> None:
    """Where ours were made only later: what ours deny, nobody else takes back; nor denies what ours bear out
    who goes on from them.
    """
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for number in range(8):
        known.chain.append("acme")
        if number == 3 and ours == 2:
            known.checkpoint()
    known.checkpoint()
    write_export(tmp_path / "export.json", signed_by_a_stranger(known, through))
    for end in (7, 6, 5):
        cut(known.chain, end)
        report = known.verify_by(tmp_path / "export.json")
        if ours == 1:
            assert is_tampered(report)
        else:
            assert (report.verdict, report.earlier) == (Verdict.EARLIER, 1)
            assert report.not_covered == end - 4


@pytest.mark.parametrize(
    ("acme", "globex"), [(4, 1003), (4, 1004), (5, 1004), (6, 1005), (6, 1006), (5, 1006)]
)
def test_where_each_tenants_entries_are_numbered_by_themselves_each_has_its_own_end(
    tmp_path: Path, acme: int, globex: int
) -> None:
    known = known_apart(tmp_path)
    leave(known.chain, acme=acme, globex=globex)
    report = known.verify()
    assert (report.verdict, codes(report)) == (Verdict.EARLIER, {"EARLIER"})
    new = sum(last % 1000 - 3 for last in (acme, globex) if last != 6)
    assert (report.earlier, report.later, report.not_covered) == (1, 2, new)
    for one in report.tenants:
        alone = known.verify(section=Section(one.tenant))
        assert (alone.verdict, alone.not_covered) == (one.verdict, one.not_covered)


def test_where_only_those_with_lower_numbers_went_on_that_is_an_earlier_state_too(tmp_path: Path) -> None:
    known = known_apart(tmp_path)
    known.chain.append("acme", seq=7, at=NOW)
    older = known.chain.path.read_bytes()
    known.chain.append("acme", seq=8, at=NOW)
    known.checkpoint(NOW + 1)
    known.chain.append("globex", seq=1008, at=NOW)
    known.checkpoint(NOW + 2)
    put_back(known, older)
    for section in (Section(), Section("acme")):
        report = known.verify(section=section)
        assert (report.verdict, report.earlier, report.later) == (Verdict.EARLIER, 2, 3)
    assert known.verify(section=Section("late")).verdict is Verdict.VERIFIED


def cut_one_tenants_end_off(chain: ChainFile) -> None:
    """Of which the later checkpoint knew that it was there before what another one has."""
    leave(chain, acme=5, globex=1007, late=502)


def wipe_one_tenant(chain: ChainFile) -> None:
    """That was there before what another one has."""
    leave(chain, acme=6, globex=1007)


def take_one_out_behind_what_was_known(chain: ChainFile) -> None:
    leave(chain, acme=5, globex=1004)
    chain.run("DELETE FROM audit_chain WHERE seq = 4")
    chain.rehash("acme", after=3)


def take_a_number_of_anothers(chain: ChainFile) -> None:
    leave(chain, acme=4, globex=1004)
    chain.append("late", seq=6, at=NOW - 400)


def go_on_behind_a_tenants_end(chain: ChainFile) -> None:
    leave(chain, acme=6, globex=1004)
    chain.append("acme", seq=7, at=NOW - 100)


def rewrite_what_was_known_of_one(chain: ChainFile) -> None:
    leave(chain, acme=4, globex=1004)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 2")
    chain.rehash("acme", after=1)


def rewrite_one_tenants_end(chain: ChainFile) -> None:
    leave(chain, acme=6, globex=1004)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 6")
    chain.rehash("acme", after=5)


def wipe_what_was_known(chain: ChainFile) -> None:
    leave(chain, globex=1004)


CONTRADICTIONS_APART: Final[Sequence[Callable[[ChainFile], None]]] = (
    cut_one_tenants_end_off,
    wipe_one_tenant,
    take_one_out_behind_what_was_known,
    take_a_number_of_anothers,
    go_on_behind_a_tenants_end,
    rewrite_what_was_known_of_one,
    rewrite_one_tenants_end,
    wipe_what_was_known,
)


@pytest.mark.parametrize("damage", CONTRADICTIONS_APART)
def test_where_tenants_have_their_own_numbers_what_contradicts_is_tampered(
    tmp_path: Path, damage: Callable[[ChainFile], None]
) -> None:
    known = known_apart(tmp_path)
    damage(known.chain)
    assert is_tampered(known.verify())


@pytest.mark.parametrize("gone", [14, 15])
def test_an_entry_that_somebody_put_into_a_gap_moves_no_end_of_others(tmp_path: Path, gone: int) -> None:
    """Also where a checkpoint has seen it: what got the table's next number is held against all of it."""
    known = known_with_gaps(tmp_path)
    known.chain.append("idle", seq=5, at=NOW)
    known.checkpoint(NOW + 1)
    for seq, tenant in ((14, "acme"), (15, "idle"), (16, "globex")):
        known.chain.append(tenant, seq=seq, at=NOW + 1)
    known.checkpoint(NOW + 2)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", gone)
    assert is_tampered(known.verify())


def test_a_high_number_that_is_there_when_checkpoints_are_made_moves_no_end(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for tenant in ("acme", "globex", "acme", "idle"):
        known.chain.append(tenant)
    known.chain.append("high", seq=9000)
    known.checkpoint(NOW - 40)
    for seq, tenant in ((5, "globex"), (6, "acme"), (7, "acme"), (8, "globex")):
        known.chain.append(tenant, seq=seq)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = 7")
    assert is_tampered(known.verify())


def test_numbers_that_follow_on_one_another_are_no_tenants_own_for_that(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for seq, tenant in enumerate(("globex", "acme", "acme", "acme", "late"), 1):
        known.chain.append(tenant)
        if seq == 2:
            known.checkpoint(NOW - 40)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = 4")
    assert is_tampered(known.verify())


def test_nobody_else_has_one_of_a_tenants_own_numbers(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for seq, tenant in ((101, "acme"), (50, "late"), (1001, "globex")):
        known.chain.append(tenant, seq=seq)
    known.checkpoint(NOW - 40)
    known.chain.append("acme", seq=102)
    older = known.chain.path.read_bytes()
    for seq, tenant in ((103, "acme"), (104, "acme"), (2000, "late"), (2001, "late")):
        known.chain.append(tenant, seq=seq)
    known.checkpoint()
    put_back(known, older)
    assert known.verify().verdict is Verdict.EARLIER
    known.chain.append("late", seq=104)
    assert is_tampered(known.verify())
    for tenant in ("acme", "late"):
        assert is_tampered(known.verify(section=Section(tenant)))


STRICT: Final = frozenset({13, 15, 24, 27, 51, 58})
"""Histories `apart`, of the first sixty, an earlier state of which is TAMPERED: checkpoints do not show
there that each tenant is numbered by itself. That errs on the strict side.
"""


@pytest.mark.matrix(each=2)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=[pytest.mark.slow] if number % 20 else []) for number in range(HISTORIES)],
)
def test_a_history_brought_back_to_a_moment_is_earlier_from_its_first_checkpoint_on(
    tmp_path: Path, number: int, apart: bool
) -> None:
    rng = random.Random(number)
    known, seen = brought_back(tmp_path, rng, apart=apart)
    whole = known.verify()
    if apart and (number in STRICT or (number >= 60 and whole.verdict is Verdict.TAMPERED)):
        assert whole.verdict is Verdict.TAMPERED and seen
        return
    assert whole.verdict is (Verdict.EARLIER if seen else Verdict.TAMPERED), whole.findings
    assert (whole.earlier or 0) == seen
    for one in whole.tenants if seen else ():
        alone = known.verify(section=Section(one.tenant))
        assert alone.verdict is one.verdict, (one, alone.findings)
    # What is changed of what a checkpoint knew is found, and nothing that is changed is ever sound.
    tenant = rng.choice([one.tenant for one in whole.tenants])
    *before, seq = (seqs := known.chain.seqs(tenant))[: rng.randrange(len(seqs)) + 1]
    if before:
        known.chain.run("UPDATE audit_chain SET payload = '{\"forged\":1}' WHERE seq = ?", seq)
        known.chain.rehash(tenant, after=before[-1])
        forged = known.verify()
        last = known.store.checkpoints(InFile(known.chain.path))[seen - 1].tenants if seen else {}
        was_known = tenant in last and seq <= last[tenant].last_seq
        assert forged.verdict in ({Verdict.TAMPERED} if was_known or not seen else BROKEN | {Verdict.EARLIER})
