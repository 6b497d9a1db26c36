"""Markers held against checkpoints that knew the rows, and what came behind a tenant's known end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import SAY_SO, Code, Verdict
from app.services.chain.verify.report import EVERYTHING, Section, TenantReport
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import START, ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.chains import GENESIS
from tests.fixtures.checkpoints import sign
from tests.fixtures.more import more

TENANT = "tenant-00"


@pytest.fixture
def known(known_chain: Callable[..., KnownChain]) -> KnownChain:
    """A chain of 20 entries that a checkpoint knew."""
    return known_chain(20)


def prune(chain: ChainFile, through: int, *, keep_rows: bool = False, **changes: Any) -> None:
    """Entries 1 to `through` go, and a marker says so, or otherwise."""
    (value,) = chain.one("SELECT hash FROM audit_chain WHERE seq = ?", through)
    says = {"fromSeq": 1, "toSeq": through, "count": through, "lastHash": value, "cutoff": NOW - 60}
    chain.append(TENANT, "audit_pruned", json.dumps(says | changes), NOW - 20)
    if not keep_rows:
        chain.run("DELETE FROM audit_chain WHERE seq <= ? AND tenant_id = ?", through, TENANT)


def tenant_of(known: KnownChain) -> TenantReport:
    (tenant,) = (item for item in known.verify().tenants if item.tenant == TENANT)
    return tenant


@pytest.mark.parametrize("through", [1, 10, 19, 20])
def test_a_marker_that_agrees(known: KnownChain, through: int) -> None:
    known.chain.append(TENANT)
    prune(known.chain, through)
    report = known.verify()
    assert (report.verdict, report.findings) == (Verdict.VERIFIED, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"toSeq": 3, "count": -5, "cutoff": 1},
        {"toSeq": 3, "count": 3},
        {"count": 9},
        {"count": 1},
        {"fromSeq": 1, "toSeq": 9, "count": 9},
        {"cutoff": START - 1},
        {"cutoff": 1},
    ],
    ids=str,
)
def test_a_marker_that_says_otherwise_than_a_checkpoint(known: KnownChain, changes: dict[str, Any]) -> None:
    prune(known.chain, 10, **changes)
    report = known.verify()
    assert codes(report) == {"MARKER"}
    assert (report.verdict, report.intact) == (Verdict.TAMPERED, False)
    assert report.findings[0].seq == 21


def test_a_marker_that_names_the_known_end_with_another_hash(known: KnownChain) -> None:
    known.chain.append(TENANT, previous="a" * 64)
    prune(known.chain, 20, lastHash="a" * 64)
    assert codes(known.verify()) == {"MARKER"}


def test_a_marker_that_begins_before_what_was_known(known: KnownChain) -> None:
    prune(known.chain, 5)
    known.checkpoint()
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = 10")
    says = {"fromSeq": 5, "toSeq": 10, "count": 6, "lastHash": value, "cutoff": NOW - 30}
    known.chain.append(TENANT, "audit_pruned", json.dumps(says), NOW - 10)
    known.chain.run("DELETE FROM audit_chain WHERE seq <= 10")
    assert codes(known.verify()) == {"MARKER"}


@pytest.mark.parametrize(
    "says", [{"toSeq": 3, "count": -5, "cutoff": 1}, {"toSeq": -(2**70)}, {"count": 2**70}]
)
def test_a_hostile_marker_leaves_the_checkpoints_of_other_files_alone(
    known: KnownChain, tmp_path: Path, says: dict[str, Any]
) -> None:
    other = KnownChain(ChainFile.build(tmp_path / "other.db", rows=5, seed=2), known.store)
    other.checkpoint()
    prune(known.chain, 10, **says)
    report = known.verify(seal=True)
    assert (codes(report), report.findings[0].seq) == ({"MARKER"}, 21)
    for reason in Reason:
        with pytest.raises(NotSigned):
            known.store.create(InFile(known.chain.path), report, now=NOW, reason=reason)
    assert len(known.store.checkpoints(InFile(known.chain.path))) == 1
    assert (other.verify().verdict, other.checkpoint().number) == (Verdict.VERIFIED, 2)


def test_a_marker_alone_proves_nothing_that_a_checkpoint_denies(known: KnownChain) -> None:
    """A whole chain replaced by one marker, which says that later entries were removed as well."""
    known.chain.run("DELETE FROM audit_chain")
    says = {"fromSeq": 1, "toSeq": 30, "count": 25, "lastHash": "a" * 64, "cutoff": NOW - 30}
    known.chain.append(TENANT, "audit_pruned", json.dumps(says), NOW - 10, previous="a" * 64, seq=31)
    assert codes(known.chain.verify()) == set()
    report = known.verify()
    assert (codes(report), report.verdict) == ({"TRUNCATED"}, Verdict.TAMPERED)


def test_a_marker_alone_has_to_agree_to_the_row(known: KnownChain) -> None:
    prune(known.chain, 20)
    assert known.verify().findings == ()


def test_a_marker_alone_that_counts_fewer(known: KnownChain) -> None:
    prune(known.chain, 20, count=19)
    assert codes(known.verify()) == {"MARKER"}


def replaced(known: KnownChain, first: int) -> None:
    """All that was known gone, under a marker that tells of it from `first` on, and of more behind it."""
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    known.chain.append(TENANT, previous="a" * 64, seq=40)
    says = {"fromSeq": first, "toSeq": 30, "count": min(20, 31 - first), "lastHash": "a" * 64}
    known.chain.append(TENANT, "audit_pruned", json.dumps(says | {"cutoff": NOW - 30}), NOW - 10)


@pytest.mark.parametrize("first", [1, *more(2, 11), 25])
def test_a_marker_reaches_beyond_what_was_known_and_all_of_that_is_gone(
    known: KnownChain, first: int
) -> None:
    """Nothing here confirms what it says, whatever else there is behind it."""
    replaced(known, first)
    for _ in range(2):
        assert (codes(known.verify()), known.verify().verdict) == ({"TRUNCATED"}, Verdict.TAMPERED)
        with pytest.raises(NotSigned):
            known.checkpoint()
    alone = known.chain.verify(seal=True)
    known.store.create(InFile(known.chain.path), alone, now=NOW, reason=Reason.START_OVER)
    assert known.checkpoint().number == 3


def test_an_older_export_knows_nothing_of_what_was_appended_and_pruned_since(known: KnownChain) -> None:
    export = known.exported()
    for _ in range(5):
        known.chain.append(TENANT)
    known.checkpoint()
    known.chain.prune(TENANT, 22)
    assert known.verify().verdict is Verdict.VERIFIED
    report = known.verify_by(export)
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())


def test_markers_that_part_where_the_known_entries_end(known: KnownChain) -> None:
    for _ in range(5):
        known.chain.append(TENANT)
    known.chain.prune(TENANT, 20)
    known.chain.prune(TENANT, 22)
    assert (known.verify().verdict, known.verify().findings) == (Verdict.CONSISTENT, ())
    assert known.checkpoint().number == 2


def test_every_entry_gone(known: KnownChain) -> None:
    known.chain.run("DELETE FROM audit_chain")
    report = known.verify()
    assert (codes(report), report.verdict) == ({"TRUNCATED"}, Verdict.TAMPERED)


@pytest.mark.parametrize("left", [0, 1])
def test_an_idle_tenant_that_the_platform_itself_emptied(known: KnownChain, left: int) -> None:
    """Whether it goes on from genesis or not, the sentence names what may have been, and the way out."""
    known.chain.append("other")
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    for _ in range(left):
        known.chain.append(TENANT, previous=GENESIS)
    (finding,) = known.verify().findings
    assert (finding.code, finding.tenant, finding.seq) == ("TRUNCATED", TENANT, 20)
    assert "No entry of tenant-00 is left of the 20" in finding.message
    assert "the platform's own cleanup" in finding.message and SAY_SO in finding.message
    known.store.create(
        InFile(known.chain.path), known.chain.verify(seal=True), now=NOW, reason=Reason.START_OVER
    )
    assert known.verify().verdict is Verdict.VERIFIED


@pytest.mark.parametrize("entries", [*more(1), 10, *more(25)])
def test_a_gateway_that_begins_at_1_again(numbered: KnownChain, entries: int) -> None:
    """Its cleanup took all; the next entries have the numbers of others that were known, and later times."""
    chain, store = numbered.chain, numbered.store
    chain.run("DELETE FROM audit_chain")
    for seq in range(1, entries + 1):
        chain.append("borealis", seq=seq, at=NOW + 5)
    report = numbered.verify()
    assert [(item.code, item.tenant) for item in report.findings] == [
        ("TRUNCATED", "borealis"),
        ("TRUNCATED", "aurora"),
        ("SEQUENCE_COUNTER", None),
    ]
    assert all("the platform's own cleanup" in item.message for item in report.findings)
    assert report.tenants[0].not_covered == entries
    assert sign(chain.path, store._folder, now=NOW + 9, reason=Reason.START_OVER).checkpoint == 2
    assert (numbered.verify().verdict, numbered.verify().findings) == (Verdict.VERIFIED, ())
    chain.append("borealis", seq=entries + 1, at=NOW + 10)
    assert (numbered.verify().verdict, codes(numbered.verify())) == (Verdict.VERIFIED, {"NUMBERING"})
    chain.append("borealis", seq=61, at=NOW + 10)
    numbered.checkpoint(NOW + 10)
    chain.run("DELETE FROM audit_chain WHERE seq = 61")
    assert codes(numbered.verify()) == {"TRUNCATED", "SEQUENCE_COUNTER"}


@pytest.mark.parametrize("first", [2, 10])
def test_a_cleanup_that_went_by_again_leaves_an_unproven_start(numbered: KnownChain, first: int) -> None:
    """Of a chain that had begun at 1 again, and of a tenant that no checkpoint knew."""
    chain, store = numbered.chain, numbered.store
    chain.run("DELETE FROM audit_chain WHERE tenant_id = 'borealis'")
    for seq in range(1, 13):
        chain.append("borealis", seq=seq, at=NOW + 5)
        chain.append("cirrus", payload="{}", seq=seq + 20, at=NOW + 5)
    chain.run("DELETE FROM audit_chain WHERE seq < ? OR seq BETWEEN 20 AND 22", first)
    report = numbered.verify()
    assert {item.tenant for item in report.findings if item.code == "UNPROVEN_START"} == {
        "borealis",
        "cirrus",
    }
    assert (codes(report), report.verdict) == ({"UNPROVEN_START", "NUMBERING"}, Verdict.UNPROVEN_START)
    with pytest.raises(NotSigned, match="checkpoint 1 knew it from entry 1 on"):
        numbered.checkpoint(NOW + 9)
    store.accept_starts(InFile(chain.path), report, actor="ada", now=NOW + 9)
    accepted = numbered.verify()
    assert {item.tenant: item.verdict for item in accepted.tenants} == {
        "aurora": Verdict.VERIFIED,
        "borealis": Verdict.CONSISTENT,
        "cirrus": Verdict.CONSISTENT,
    }
    numbered.checkpoint(NOW + 9)
    assert (numbered.verify().verdict, numbered.verify().findings) == (Verdict.VERIFIED, ())


def test_a_chain_rewritten_from_its_first_entry_did_not_begin_again(numbered: KnownChain) -> None:
    """Its times are from before the checkpoint, which would have seen it then."""
    numbered.chain.run("UPDATE audit_chain SET payload = '{}' WHERE tenant_id = 'borealis'")
    numbered.chain.rehash("borealis")
    (finding,) = numbered.verify().findings
    assert (finding.code, finding.seq) == ("CHECKPOINT", 10)
    assert "the chain was rewritten" in finding.message


def test_markers_out_of_order(known: KnownChain) -> None:
    prune(known.chain, 10)
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = 12")
    says = {"fromSeq": 10, "toSeq": 12, "count": 2, "lastHash": value, "cutoff": NOW - 60}
    known.chain.append(TENANT, "audit_pruned", json.dumps(says), NOW - 10)
    report = known.chain.verify()
    assert (codes(report), report.verdict) == ({"MARKER"}, Verdict.TAMPERED)
    assert "says already" in report.findings[0].message
    assert report.tenants == known.chain.verify_cut([1, 22, 23, 30]).tenants


@pytest.mark.parametrize("column", ["payload", "event_type", "created_at"])
def test_one_cause_is_one_finding(known: KnownChain, column: str) -> None:
    value = {"payload": "{}", "event_type": "other", "created_at": START}[column]
    known.chain.run(f"UPDATE audit_chain SET {column} = ? WHERE seq = 12", value)
    assert [(item.code, item.seq) for item in known.verify().findings if item.is_error] == [(Code.HASH, 12)]


def test_the_last_hash_edited_is_one_finding(known: KnownChain) -> None:
    known.chain.run("UPDATE audit_chain SET hash = ? WHERE seq = 20", "c" * 64)
    assert [(item.code, item.seq) for item in known.verify().findings] == [(Code.HASH, 20)]


def test_an_edited_marker_is_one_finding(known: KnownChain) -> None:
    prune(known.chain, 10)
    known.chain.run("UPDATE audit_chain SET payload = replace(payload, '10', '11') WHERE seq = 21")
    assert codes(known.verify()) == {"HASH"}


@pytest.fixture
def numbered(tmp_path: Path) -> KnownChain:
    """Two tenants as the gateway numbers them: each by itself, so numbers come back when they are free."""
    chain = ChainFile(tmp_path / "gateway.db")
    for seq in range(41, 61):
        chain.append("aurora", seq=seq)
    for seq in range(1, 11):
        chain.append("borealis", seq=seq)
    known = KnownChain(chain, CheckpointStore(tmp_path / "home"))
    known.checkpoint()
    return known


def test_entries_behind_a_tenants_own_end_are_in_no_checkpoint_yet(numbered: KnownChain) -> None:
    for seq in range(11, 15):
        numbered.chain.append("borealis", seq=seq)
    report = numbered.verify()
    assert (codes(report), report.verdict, report.not_covered) == ({"NUMBERING"}, Verdict.VERIFIED, 4)
    (finding,) = report.findings
    assert (finding.tenant, finding.is_warning) == ("borealis", True)
    assert "4 entries of borealis behind entry 10" in finding.message
    numbered.checkpoint()
    assert numbered.verify().findings == ()
    numbered.chain.run("UPDATE audit_chain SET seq = 20 WHERE seq = 14")
    assert "CHECKPOINT" in codes(numbered.verify())


def test_a_new_tenant_may_begin_below(numbered: KnownChain) -> None:
    numbered.chain.append("cygnus", seq=20)
    report = numbered.verify()
    assert (codes(report), report.verdict) == ({"NUMBERING"}, Verdict.VERIFIED)
    numbered.chain.append("draco", seq=21, previous="a" * 64)
    assert "CHECKPOINT" in codes(numbered.verify())


def test_the_end_of_a_tenant_is_compared_where_it_was(numbered: KnownChain) -> None:
    for seq in range(11, 15):
        numbered.chain.append("borealis", seq=seq)
    numbered.chain.run("UPDATE audit_chain SET payload = '{\"id\":2}' WHERE seq = 10")
    numbered.chain.rehash("borealis", after=9)
    report = numbered.verify()
    assert {item.code for item in report.findings if item.is_error} == {Code.CHECKPOINT}


def test_an_earlier_state_of_some_tenants_only_is_none(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(20, 2)
    for tenant in (TENANT, "tenant-01"):
        known.chain.append(tenant)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[-1])
    for section in (EVERYTHING, Section(TENANT)):
        report = known.verify(section=section)
        assert (codes(report), report.verdict) == ({"TRUNCATED"}, Verdict.TAMPERED)


def test_an_earlier_state_where_a_row_contradicts(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(20)
    older = known.chain.path.read_bytes()
    known.chain.append(TENANT)
    known.checkpoint()
    known.chain.sql.close()
    known.chain.path.write_bytes(older)
    again = KnownChain(ChainFile(known.chain.path), known.store)
    assert again.verify().verdict is Verdict.EARLIER
    again.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 4")
    again.chain.rehash(TENANT)
    assert again.verify().verdict is Verdict.TAMPERED


def test_a_rewritten_end_is_said_to_be_one(known: KnownChain) -> None:
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 20")
    known.chain.rehash(TENANT, 19)
    (finding,) = known.verify().findings
    assert (finding.code, finding.seq) == (Code.CHECKPOINT, 20)
    assert finding.message.startswith("Entry 20 is not the one that the checkpoint knew: the chain was rewr")


@pytest.mark.parametrize(("later", "found"), [(0, {"MARKER"}), (1, set())])
def test_what_a_marker_removed_is_older_than_its_cutoff(
    known: KnownChain, later: int, found: set[str]
) -> None:
    (at,) = known.chain.one("SELECT created_at FROM audit_chain WHERE seq = 20")
    known.chain.append(TENANT)
    prune(known.chain, 20, cutoff=at + later)
    assert codes(known.verify()) == found


def test_of_several_markers_the_last_one_shows_that_they_count_otherwise(known: KnownChain) -> None:
    prune(known.chain, 5)
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = 10")
    says = {"fromSeq": 6, "toSeq": 10, "count": 4, "lastHash": value, "cutoff": NOW - 30}
    known.chain.append(TENANT, "audit_pruned", json.dumps(says), NOW - 10)
    known.chain.run("DELETE FROM audit_chain WHERE seq <= 10")
    (finding,) = known.verify().findings
    assert (finding.code, finding.seq, finding.expected, finding.actual) == (Code.MARKER, 22, "5", "4")


def test_the_known_end_moved_to_a_new_tenant(known: KnownChain) -> None:
    known.chain.run("UPDATE audit_chain SET tenant_id = 'nobody' WHERE seq = 20")
    found = {(finding.code, finding.tenant) for finding in known.verify().findings}
    assert found == {(Code.CHECKPOINT, TENANT), (Code.CROSS_TENANT, "nobody")}
