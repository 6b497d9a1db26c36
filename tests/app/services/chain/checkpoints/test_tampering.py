"""What only a checkpoint can see: the rows of the table in `app/services/chain/README.md` that need one."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict, entry_hash
from app.services.chain.verify.report import Section
from app.services.chain.where import InFile
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile, Cut, codes, sizes
from tests.app.services.chain.verify.test_index import hide
from tests.conftest import NOW
from tests.fixtures.chains import GENESIS
from tests.fixtures.connected import execute

CHAINS = [(50, 1, 1)]
MORE = [(1, 1, 1), (2, 1, 1), (1, 40, 1), (2, 40, 1), (50, 1, 9_999), (5_000, 1, 1), (50, 40, 700)]
TENANT = "tenant-00"


@pytest.fixture(params=sizes(CHAINS, MORE))
def known(request: pytest.FixtureRequest, known_chain: Callable[..., KnownChain]) -> KnownChain:
    found = known_chain(*request.param)
    assert found.verify().verdict == Verdict.VERIFIED
    return found


def middle(chain: ChainFile) -> int:
    seqs = chain.seqs(TENANT)
    return seqs[len(seqs) // 2]


def found(known: KnownChain, *expected: str) -> None:
    report = known.verify()
    assert codes(report) & set(expected), report.findings
    assert report.verdict == Verdict.TAMPERED
    last = known.chain.one("SELECT max(seq) FROM audit_chain")[0] or 0
    assert known.verify(executor=Cut(last // 3, last // 2)).findings == report.findings


@pytest.mark.slow
def test_more_rows_are_in_no_checkpoint_yet(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.append("newcomer")
    report = known.verify()
    assert (report.verdict, report.findings, report.not_covered) == (Verdict.VERIFIED, (), 2)
    verdicts = {tenant.tenant: tenant.verdict for tenant in report.tenants}
    assert (verdicts[TENANT], verdicts["newcomer"]) == (Verdict.VERIFIED, Verdict.CONSISTENT)
    known.checkpoint()
    assert known.verify().not_covered == 0


@pytest.mark.slow
def test_a_row_edited_and_everything_after_rehashed(known: KnownChain) -> None:
    seq = middle(known.chain)
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seq)
    known.chain.rehash(TENANT)
    found(known, "CHECKPOINT")
    assert codes(known.chain.verify()) == set()


@pytest.mark.slow
def test_a_row_deleted_and_everything_after_rehashed(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.append(TENANT)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", middle(known.chain))
    known.chain.rehash(TENANT)
    found(known, "TRUNCATED", "CHECKPOINT")


@pytest.mark.slow
def test_the_head_deleted_and_relinked_to_genesis(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    known.chain.rehash(TENANT)
    found(known, "TRUNCATED")
    assert [item.code for item in known.verify().findings] == ["TRUNCATED"]


def test_two_tenants_swapped(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 1)
    known.chain.run(
        "UPDATE audit_chain SET tenant_id = iif(tenant_id = 'tenant-00', 'tenant-01', 'tenant-00')"
    )
    report = known.verify()
    assert report.verdict == Verdict.TAMPERED
    assert [item.code for item in report.findings] == ["CHECKPOINT", "CHECKPOINT"]
    assert all("entries were moved to another tenant" in item.message for item in report.findings)


def test_a_chain_that_begins_earlier_than_it_was_known(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for seq in (5, 6, 7):
        known.chain.append(TENANT, seq=seq)
    known.checkpoint()
    known.chain.run("UPDATE audit_chain SET seq = 2 WHERE seq = 5")
    (finding,) = known.verify().findings
    assert (finding.code, finding.expected, finding.actual) == ("CHECKPOINT", "5", "2")
    assert "began with entry 5, and begins with 2 now" in finding.message


@pytest.mark.slow
def test_the_tail_cut_off(known: KnownChain) -> None:
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[-1])
    found(known, "TRUNCATED")


def test_the_tail_cut_off_and_other_rows_appended(known: KnownChain) -> None:
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[-1])
    for _ in range(3):
        known.chain.append(TENANT)
    found(known, "TRUNCATED")


def test_the_tail_replaced_at_the_same_seq(known: KnownChain) -> None:
    seq = known.chain.seqs(TENANT)[-1]
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", seq)
    known.chain.append(TENANT, seq=seq)
    found(known, "CHECKPOINT")


@pytest.mark.matrix
@pytest.mark.parametrize("by", [1, 100_000])
def test_the_last_row_renumbered(known: KnownChain, by: int) -> None:
    seq = known.chain.seqs(TENANT)[-1]
    taken = known.chain.sql.execute("SELECT 1 FROM audit_chain WHERE seq = ?", (seq + by,)).fetchone()
    by = 50_000 if taken else by
    known.chain.run("UPDATE audit_chain SET seq = seq + ? WHERE seq = ?", by, seq)
    found(known, "CHECKPOINT", "ORDER", "LINK")


@pytest.mark.parametrize("short", [0, 1])
def test_rows_that_a_forged_marker_says_were_pruned_later_are_not_known(
    known: KnownChain, short: int
) -> None:
    """Nothing that a checkpoint knew is left, and a marker speaks of more than that.

    One that counts fewer entries than a checkpoint knew cannot be true.
    """
    first_known, last = known.chain.seqs(TENANT)[0], known.chain.seqs(TENANT)[-1]
    entries = len(known.chain.seqs(TENANT))
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    first = known.chain.sql.execute("SELECT max(seq) FROM sqlite_sequence").get + 10
    known.chain.append(TENANT, previous="a" * 64, seq=first)
    payload = json.dumps(
        {
            "fromSeq": first_known,
            "toSeq": last + 1,
            "count": entries - short + (entries == short),
            "lastHash": "a" * 64,
            "cutoff": NOW - 60,
        },
        separators=(",", ":"),
    )
    known.chain.append(TENANT, "audit_pruned", payload)
    report = known.verify()
    (tenant,) = (item for item in report.tenants if item.tenant == TENANT)
    assert tenant.not_covered == tenant.entries
    assert tenant.verdict == Verdict.TAMPERED
    assert codes(report) == {"MARKER" if entries > short and short else "TRUNCATED"}


def test_rows_numbered_below_one_are_known(tmp_path: Path) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for seq in (-70_000, -9, -5, 0, 4):
        chain.append(TENANT, seq=seq)
        chain.append("other", seq=seq + 1)
    known = KnownChain(chain, CheckpointStore(tmp_path / "home"))
    known.checkpoint()
    assert known.verify().verdict == Verdict.VERIFIED
    chain.run("UPDATE audit_chain SET seq = -7 WHERE seq = -9")
    found(known, "CHECKPOINT", "ORDER", "LINK")


@pytest.mark.slow
def test_a_whole_tenant_gone(known: KnownChain) -> None:
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    found(known, "TRUNCATED")
    assert TENANT in {finding.tenant for finding in known.verify().findings}


@pytest.mark.slow
def test_a_row_inside_deleted(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.append(TENANT)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[-2])
    report = known.verify()
    assert {"LINK", "TRUNCATED"} <= codes(report)


def test_a_whole_tenant_renamed(known: KnownChain) -> None:
    known.chain.run("UPDATE audit_chain SET tenant_id = 'x' WHERE tenant_id = ?", TENANT)
    found(known, "CHECKPOINT", "TRUNCATED")
    assert codes(known.chain.verify()) == set()


@pytest.mark.parametrize("rows", [30, 50])
@pytest.mark.parametrize("by", [0, 1_000])
def test_rows_moved_to_a_new_tenant_are_those_of_another(
    known_chain: Callable[..., KnownChain], rows: int, by: int
) -> None:
    """Also with other numbers: the first entry is the one that was known."""
    known = known_chain(50, 2, 1)
    last = known.chain.seqs(TENANT)[rows - 1]
    change = "UPDATE audit_chain SET tenant_id = 'x', seq = seq + ? WHERE tenant_id = ? AND seq <= ?"
    known.chain.run(change, by, TENANT, last)
    report = known.verify()
    assert {item.tenant: item.verdict for item in report.tenants}["x"] == Verdict.TAMPERED
    (finding,) = (item for item in report.findings if item.tenant == "x")
    assert (finding.code, finding.expected) == ("CHECKPOINT", TENANT)
    if not by:
        assert known.verify(section=Section("x")).verdict == Verdict.TAMPERED


def test_a_new_tenant_with_an_entry_like_anothers_is_only_new(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 10)
    columns = "event_type, payload, created_at FROM audit_chain WHERE seq = ?"
    event, payload, at = known.chain.one(f"SELECT {columns}", known.chain.seqs(TENANT)[0])
    known.chain.append("new", event, payload, at, seq=5)
    report = known.verify()
    assert (codes(report), report.verdict) == ({"NUMBERING"}, Verdict.VERIFIED)
    assert codes(known.verify(section=Section("new"))) == {"NUMBERING"}


def test_a_tenant_that_no_checkpoint_knew_is_not_verified_by_what_others_are(known: KnownChain) -> None:
    known.chain.append("new")
    alone, whole = known.verify(section=Section("new")), known.verify()
    assert (alone.verdict, alone.not_covered) == (Verdict.CONSISTENT, 1)
    assert (whole.verdict, whole.not_covered) == (Verdict.VERIFIED, 1)


def test_a_range_is_held_against_the_last_entries_that_were_known_there(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    chain, end = known.chain, known.chain.seqs(TENANT)[-1]
    for _ in range(5):
        chain.append(TENANT)

    def within(first: int, last: int) -> set[str]:
        return codes(known.verify(section=Section(first=first, last=last)))

    assert within(2, end) == set()
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", middle(chain))
    chain.rehash(TENANT)
    assert (within(2, end), within(2, end - 2)) == ({"CHECKPOINT"}, set())
    chain.run("UPDATE audit_chain SET created_at = created_at + 9999 WHERE seq >= ?", middle(chain))
    chain.rehash(TENANT)
    assert within(middle(chain), end) >= {"CHECKPOINT"}, (
        "the range begins later than the checkpoint, not the chain"
    )
    assert codes(known.verify(section=Section(first=1, last=10**6))) == codes(known.verify()), (
        "it is all of it"
    )


def test_a_range_is_not_blinded_by_an_entry_put_in_front_of_it(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seqs[-1])
    chain.rehash(TENANT, seqs[-2])
    within, late = Section(first=seqs[2], last=seqs[-1]), Section(first=seqs[-1], last=seqs[-1])
    assert codes(known.verify(section=within)) == {"CHECKPOINT"}
    made = chain.one("SELECT max(created_at) FROM audit_chain")[0] + 10**8
    chain.run(
        "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, previous_hash, hash, created_at) "
        "VALUES (0, ?, 'run_done', '{}', ?, ?, ?)",
        TENANT,
        GENESIS,
        entry_hash(GENESIS, "run_done", "{}", made),
        made,
    )
    assert codes(known.verify(section=within)) == codes(known.verify(section=late)) == {"CHECKPOINT"}
    chain.run("UPDATE audit_chain SET created_at = ? WHERE seq = ?", made, seqs[-1])
    chain.rehash(TENANT, seqs[-2])
    assert "CHECKPOINT" in codes(known.verify(section=within))
    report = known.verify(section=late)
    assert (codes(report), report.verdict) == ({"UNPROVEN_START", "TIME"}, Verdict.UNPROVEN_START), (
        "nothing in it tells"
    )


@pytest.mark.parametrize("behind", [False, True], ids=["in its numbers", "behind them"])
@pytest.mark.parametrize("later", [10**7, -(10**6)], ids=["later", "earlier"])
def test_a_range_of_a_chain_that_began_otherwise_is_not_consistent(
    known_chain: Callable[..., KnownChain], behind: bool, later: int
) -> None:
    """Also where it has no entry that a checkpoint names: the chain's first one tells."""
    known = known_chain(50, 2, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    within, shifted = Section(first=seqs[3], last=seqs[6]), 100 if behind else 0
    assert known.verify(section=within).verdict is Verdict.CONSISTENT
    (at,) = chain.one("SELECT max(created_at) FROM audit_chain")
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    for number, seq in enumerate(seqs):
        chain.append(TENANT, at=at + later + number, seq=seq + shifted)
    within = Section(first=seqs[3] + shifted, last=seqs[6] + shifted)
    assert known.verify(section=within).verdict is Verdict.UNPROVEN_START
    assert known.verify().verdict is Verdict.TAMPERED


def test_a_range_reads_past_an_index_that_hides_how_a_chain_began(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seqs[-1])
    chain.rehash(TENANT, seqs[-2])
    chain.append(TENANT)
    hide(chain, "idx_audit_tenant", f"NOT (tenant_id = '{TENANT}' AND seq <= {seqs[-1]})")
    known = KnownChain(ChainFile(chain.path), known.store)
    assert "CHECKPOINT" in codes(known.verify(section=Section(first=2, last=seqs[-1])))


def test_a_range_says_what_is_wrong_with_the_checkpoints(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 1)
    within = Section(first=2, last=known.chain.seqs(TENANT)[-1])
    known.chain.append(TENANT)
    known.checkpoint()
    store = known.chain.path.parent / "home" / "checkpoints.sqlite"
    execute(store, "DELETE FROM checkpoints WHERE number = 2")
    report = known.verify(section=within)
    assert (codes(report), report.verdict) == ({"ROLLBACK"}, Verdict.TAMPERED)


def test_a_range_of_a_chain_that_began_in_the_second_of_its_checkpoint_holds(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    for number in range(4):
        known.chain.append("late", at=NOW + 9, payload=f'{{"n":{number}}}')
    known.checkpoint(now=NOW + 9)
    seqs = known.chain.seqs("late")
    within = Section(first=2, last=seqs[-1])
    assert known.verify(section=within).verdict is Verdict.CONSISTENT
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seqs[-1])
    known.chain.rehash("late", seqs[-2])
    assert codes(known.verify(section=within)) == {"CHECKPOINT"}


@pytest.mark.parametrize("at", ["\xb2", "9" * 5000, "\u0663", "now"])
def test_a_time_that_is_none_does_not_stop_a_range(known_chain: Callable[..., KnownChain], at: str) -> None:
    known = known_chain(50, 2, 1)
    seqs = known.chain.seqs(TENANT)
    known.chain.run("UPDATE audit_chain SET created_at = ? WHERE seq = ?", at, seqs[0])
    assert codes(known.verify(section=Section(first=seqs[1], last=seqs[-1]))) == set()
    assert known.verify().verdict is Verdict.TAMPERED


def test_what_is_gone_within_a_range_was_not_removed_for_its_age(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    for _ in range(5):
        chain.append(TENANT)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", seqs[-1])
    chain.rehash(TENANT, seqs[-3])
    report = known.verify(section=Section(first=2, last=seqs[-1]))
    assert [(item.code, item.seq) for item in report.findings] == [("TRUNCATED", seqs[-1])]
    assert "cut off" not in report.findings[0].message, "the chain goes on behind the range"


def test_a_range_finds_an_end_that_was_cut_off(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 1, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    chain.run("DELETE FROM audit_chain WHERE seq > ?", seqs[-3])
    chain.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_chain'", seqs[-3])
    for last in (seqs[-1], None):
        report = known.verify(section=Section(first=5, last=last))
        assert (codes(report), report.verdict) == ({"EARLIER"}, Verdict.EARLIER), "an earlier state, perhaps"
    assert codes(known.verify(section=Section(first=5, last=seqs[-3]))) == set(), "which was not asked for"


def test_a_range_finds_a_tenant_that_is_gone_from_it(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 3, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    for tenant in ("tenant-01", "tenant-02"):
        chain.append(tenant)
    within = Section(first=2, last=chain.one("SELECT max(seq) FROM audit_chain")[0] - 1)
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq > ?", TENANT, seqs[3])
    late = known.verify(section=within._replace(first=seqs[3] + 1))
    assert codes(known.verify(section=within)) == codes(late) == {"TRUNCATED"}, "its first entries are there"
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    assert codes(known.verify(section=within)) == {"TRUNCATED"}


def test_a_range_says_nothing_of_what_retention_removed(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 1)
    chain, seqs = known.chain, known.chain.seqs(TENANT)
    for _ in range(5):
        chain.append(TENANT)
    chain.prune(TENANT, seqs[-1])
    last = chain.seqs(TENANT)[-1]
    assert codes(known.verify(section=Section(first=2, last=last - 1))) == set()


def test_columns_that_nothing_covers_are_named(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain()
    assert known.verify().notes == ()
    known.chain.run("ALTER TABLE audit_chain ADD note")
    known.chain.run("ALTER TABLE audit_chain ADD size AS (length(payload))")
    report = known.verify()
    assert report.verdict is Verdict.VERIFIED
    assert report.notes == (
        "No hash and no checkpoint covers what stands in these columns of audit_chain, which are not the "
        "platform's: note.",
    )


def test_seq_shifted_in_order(known: KnownChain) -> None:
    """No link breaks; only the checkpoint knows the numbers."""
    with known.chain.sql:
        for seq in reversed(known.chain.seqs(TENANT)):
            known.chain.run("UPDATE audit_chain SET seq = seq + 50000000 WHERE seq = ?", seq)
    found(known, "CHECKPOINT", "TRUNCATED")


def test_one_seq_shifted_into_a_gap(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 1_000)
    seq = known.chain.seqs(TENANT)[20]
    known.chain.run("UPDATE audit_chain SET seq = seq + 1 WHERE seq = ?", seq)
    assert codes(known.chain.verify()) == set()
    found(known, "CHECKPOINT")


def test_a_row_slipped_in_among_the_known(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(50, 2, 1_000)
    known.chain.append("ghost", seq=5_555, previous="a" * 64)
    found(known, "CHECKPOINT")


def test_a_colon_shifted(known: KnownChain) -> None:
    seq = middle(known.chain)
    known.chain.run(
        "UPDATE audit_chain SET "
        "event_type = event_type || ':' || substr(payload, 1, instr(payload, ':') - 1), "
        "payload = substr(payload, instr(payload, ':') + 1) WHERE seq = ?",
        seq,
    )
    assert codes(known.verify()) == {"GRAMMAR"}  # from which it follows that the digest differs


@pytest.mark.matrix
@pytest.mark.parametrize("column", ["payload", "event_type", "hash", "tenant_id"])
def test_a_storage_class_changed(known: KnownChain, column: str) -> None:
    known.chain.run(
        f"UPDATE audit_chain SET {column} = CAST({column} AS BLOB) WHERE seq = ?", middle(known.chain)
    )
    assert codes(known.verify()) == {"TYPE"}


def test_the_other_tenants_stay_verified(known_chain: Callable[..., KnownChain]) -> None:
    known = known_chain(20, 5)
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", middle(known.chain))
    known.chain.rehash(TENANT)
    verdicts = {tenant.tenant: tenant.verdict for tenant in known.verify().tenants}
    assert verdicts.pop(TENANT) == Verdict.TAMPERED
    assert set(verdicts.values()) == {Verdict.VERIFIED}
    assert known.verify(section=Section("tenant-03")).verdict == Verdict.VERIFIED
    assert known.verify(section=Section(TENANT)).verdict == Verdict.TAMPERED


@pytest.mark.slow
def test_pruning_is_no_tampering(known: KnownChain) -> None:
    """Pruned rows are accounted for by markers, before and after further checkpoints."""
    for _ in range(4):
        known.chain.append(TENANT)
    known.checkpoint()
    for _ in range(3):
        seqs = known.chain.seqs(TENANT)
        known.chain.prune(TENANT, seqs[len(seqs) // 2])
        report = known.verify()
        assert (report.verdict, report.findings) == (Verdict.VERIFIED, ())
        known.checkpoint()
        report = known.verify(executor=Cut(*range(0, 10**6, 70_000)))
        assert (report.verdict, report.not_covered) == (Verdict.VERIFIED, 0)


def test_everything_pruned_through_the_known_head(known: KnownChain) -> None:
    known.chain.prune(TENANT, known.chain.seqs(TENANT)[-1])
    assert known.verify().findings == ()


@pytest.mark.slow
def test_a_forged_prune_of_the_known_head(known: KnownChain) -> None:
    """The chain replaced by one that begins with a marker of its own."""
    first, last = known.chain.seqs(TENANT)[0], known.chain.seqs(TENANT)[-1]
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", TENANT)
    payload = f'{{"fromSeq":{first},"toSeq":{last},"count":1,"lastHash":"{"e" * 64}","cutoff":{NOW - 60}}}'
    known.chain.append(TENANT, "audit_pruned", payload, previous="e" * 64)
    assert codes(known.chain.verify()) == set()
    found(known, "MARKER")


def cut(known: KnownChain, rows: int, **claims: int | str) -> None:
    """The first rows gone, with a marker that says what it likes of them."""
    seqs = known.chain.seqs(TENANT)
    last, cutoff = seqs[rows - 1], NOW - 60
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = ?", last)
    true = {"fromSeq": seqs[0], "toSeq": last, "count": rows, "lastHash": value, "cutoff": cutoff}
    known.chain.append(TENANT, "audit_pruned", json.dumps(true | claims), cutoff)
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", TENANT, last)


@pytest.mark.parametrize("after", ["nothing", "a prune", "a prune that was signed"])
def test_a_marker_that_leaves_out_rows_that_were_known(
    known_chain: Callable[..., KnownChain], after: str
) -> None:
    known = known_chain(50, 2, 1)
    if after != "nothing":
        cut(known, 10)
        assert known.verify().verdict == Verdict.VERIFIED
    if after == "a prune that was signed":
        known.checkpoint()
    seqs = known.chain.seqs(TENANT)
    cut(known, 20, fromSeq=seqs[10], count=5)
    report = known.verify()
    assert (codes(report), report.verdict) == ({"MARKER"}, Verdict.TAMPERED)


def test_a_marker_that_goes_on_from_an_accepted_start_leaves_nothing_out(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    known.chain.run("DELETE FROM audit_chain WHERE seq <= ?", known.chain.seqs(TENANT)[4])
    known.store.accept_starts(InFile(known.chain.path), known.verify(), actor="ada", now=NOW)
    cut(known, 10)
    assert (known.verify().verdict, known.verify().findings) == (Verdict.VERIFIED, ())


@pytest.mark.slow
def test_a_cut_start_is_not_signed_over_what_a_checkpoint_knew(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(50, 2, 1)
    seqs = known.chain.seqs(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq < ?", TENANT, seqs[20])
    with pytest.raises(NotSigned, match=f"checkpoint 1 knew it from entry {seqs[0]} on"):
        known.checkpoint()
    known.store.accept_starts(InFile(known.chain.path), known.verify(), actor="ada", now=NOW)
    assert known.checkpoint().number == 2


def test_an_unproven_start_that_no_checkpoint_knew_more_of_is_signed(tmp_path: Path) -> None:
    known = KnownChain(ChainFile.build(tmp_path / "a.db", rows=50), CheckpointStore(tmp_path / "home"))
    known.chain.run("DELETE FROM audit_chain WHERE seq <= 20")
    assert [known.checkpoint().number, known.checkpoint().number] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [1, 2])
def test_a_marker_is_held_against_every_checkpoint_before_the_cut_was_signed(
    known_chain: Callable[..., KnownChain], cuts: int
) -> None:
    """Each that signs a cut covers everything that is left, and knows less than those before it."""
    known = known_chain(50, 2, 1)
    seqs = known.chain.seqs(TENANT)
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = ?", seqs[20 * cuts - 1])
    for _ in range(cuts):
        cut(known, 20)
        known.checkpoint()
        assert known.verify().verdict == Verdict.VERIFIED
    known.chain.run("DELETE FROM audit_chain WHERE event_type = 'audit_pruned'")
    known.chain.rehash("tenant-01")
    claims = {
        "fromSeq": seqs[0],
        "toSeq": seqs[20 * cuts] - 1,
        "count": 1,
        "lastHash": value,
        "cutoff": NOW - 60,
    }
    (number,) = known.chain.one("SELECT seq FROM sqlite_sequence WHERE name = 'audit_chain'")
    known.chain.append(TENANT, "audit_pruned", json.dumps(claims), NOW - 60, seq=number)
    findings = [item for item in known.verify().findings if item.tenant == TENANT]
    assert any(item.code == "MARKER" and "checkpoint 1 knew" in item.message for item in findings)


def test_rows_that_markers_removed_along_with_an_earlier_marker(
    known_chain: Callable[..., KnownChain],
) -> None:
    """What an old export may not know: the marker that told of the first rows was pruned itself."""
    known = known_chain(50, 2, 1)
    (old,) = known.store.checkpoints(InFile(known.chain.path))
    cut(known, 10)
    for _ in range(3):
        known.chain.append(TENANT)
    cut(known, len(known.chain.seqs(TENANT)) - 2)
    report = known.chain.verify(checkpoints=CheckpointHistory((old,), keys=frozenset({old.key})))
    assert report.findings == () and report.verdict == Verdict.CONSISTENT


@pytest.mark.slow
def test_the_platforms_own_cleanup_leaves_an_unproven_start(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.checkpoint()
    seqs = known.chain.seqs(TENANT)
    known.chain.run(
        "DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", TENANT, seqs[len(seqs) // 2 - 1]
    )
    report = known.verify()
    assert (codes(report), report.verdict) == ({"UNPROVEN_START"}, Verdict.UNPROVEN_START)


@pytest.mark.slow
def test_a_start_is_adopted(known: KnownChain) -> None:
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    report = known.verify()
    (tenant,) = [item for item in report.tenants if item.verdict == Verdict.UNPROVEN_START]
    known.store.accept_starts(InFile(known.chain.path), report, actor="ada", now=NOW)
    report = known.verify()
    # Of a chain of one row, nothing that the checkpoint knew is left.
    assert report.verdict == (Verdict.VERIFIED if tenant.not_covered < tenant.entries else Verdict.CONSISTENT)
    assert report.findings == ()
    anchors = {item.tenant: str(item.anchor) for item in report.tenants}
    assert anchors[TENANT] == f"adopted:{tenant.first_seq}"
    known.chain.append(TENANT)
    known.chain.run("DELETE FROM audit_chain WHERE seq = ?", known.chain.seqs(TENANT)[0])
    assert known.verify().verdict == Verdict.UNPROVEN_START


@pytest.mark.slow
def test_many_checkpoints_of_a_long_chain(known_chain: Callable[..., KnownChain]) -> None:
    """Digests over many blocks, with checkpoints inside of them, whatever the cuts."""
    known = known_chain(40, 3, 4_321)
    for round_ in range(6):
        for number in range(7):
            known.chain.append(
                f"tenant-{number % 4:02d}", seq=known.chain.one("SELECT max(seq) FROM audit_chain")[0] + 9_999
            )
        known.checkpoint(NOW + round_)
        report = known.verify(executor=Cut(*range(0, 10**6, 70_000)))
        assert (report.verdict, report.not_covered) == (Verdict.VERIFIED, 0)
    assert len(known.store.known(InFile(known.chain.path)).current) == 7
    for tenant in ("tenant-00", "tenant-03"):
        seq = known.chain.seqs(tenant)[-5]
        known.chain.run("UPDATE audit_chain SET seq = seq + 1 WHERE seq = ?", seq)
        assert {item.tenant for item in known.verify().findings if item.code == "CHECKPOINT"} == {tenant}
        known.chain.run("UPDATE audit_chain SET seq = seq - 1 WHERE seq = ?", seq + 1)
    assert known.verify().verdict == Verdict.VERIFIED


def test_an_older_copy_put_back(known: KnownChain) -> None:
    older = known.chain.path.read_bytes()
    known.chain.append(TENANT)
    known.checkpoint()
    known.chain.sql.close()
    known.chain.path.write_bytes(older)
    report = KnownChain(ChainFile(known.chain.path), known.store).verify()
    assert (codes(report), report.verdict, report.earlier) == ({"EARLIER"}, Verdict.EARLIER, 1)
    assert not report.intact
    assert "knew 1 more entry" in report.findings[0].message


def test_genesis_in_the_middle_of_a_known_chain(known: KnownChain) -> None:
    known.chain.append(TENANT, previous=GENESIS)
    assert "RESTART" in codes(known.verify())


@pytest.mark.slow
@pytest.mark.parametrize(("first", "gap"), [(60_000, 10_000), (65_534, 3), (65_534, 1), (65_535, 1)])
def test_a_gap_over_the_end_of_a_block_is_no_finding(tmp_path: Path, first: int, gap: int) -> None:
    """Failed inserts leave gaps, also where the rows that share a digest end, right behind a checkpoint."""
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    for number in range(20):
        known.chain.append(TENANT, seq=first - 19 + number)
    for step in range(4):
        known.checkpoint()
        known.chain.append(TENANT, seq=first + gap + step)
    report = known.verify()
    assert (report.verdict, report.findings, report.not_covered) == (Verdict.VERIFIED, (), 1)
    known.chain.run("UPDATE audit_chain SET seq = seq - 1 WHERE seq = ?", first - 19)
    found(known, "CHECKPOINT")


@pytest.mark.slow
def test_checkpoints_of_a_history_with_gaps(tmp_path: Path) -> None:
    known = KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))
    rng, seq = random.Random(3), -200_000
    for _ in range(30):
        for _ in range(rng.randrange(1, 4)):
            seq += rng.randrange(1, 15_000)
            known.chain.append(f"tenant-{rng.randrange(3):02d}", seq=seq)
        assert known.checkpoint(), seq
    assert known.verify().verdict == Verdict.VERIFIED


def test_an_entry_that_was_renamed_to_a_new_tenant_is_not_said_to_be_gone(
    known_chain: Callable[..., KnownChain],
) -> None:
    known = known_chain(10, 2)
    seq = known.chain.seqs("tenant-00")[-1]
    known.chain.run("UPDATE audit_chain SET tenant_id = 'ACME' WHERE seq = ?", seq)
    report = known.verify()
    found = {(str(item.code), item.tenant): item.message for item in report.findings}
    assert len(report.findings) == 2
    assert found == {
        ("CROSS_TENANT", "ACME"): f"The chain of ACME starts with entry {seq} inside the chain of tenant-00.",
        (
            "CHECKPOINT",
            "tenant-00",
        ): f"The last entry of tenant-00 that a checkpoint knew was {seq}, and is entry {seq} of ACME now.",
    }
    assert {item.verdict for item in report.tenants if item.tenant != "tenant-01"} == {Verdict.TAMPERED}
