"""Where what a checkpoint knew ends: cases in which one entry more or less would be judged otherwise."""

import json
from pathlib import Path

import pytest

from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Report
from app.services.chain.verify.scan import BLOCK
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.chains import GENESIS

START = BLOCK - 1
"""Behind this number the second checkpoint takes its digests."""


@pytest.fixture
def known(tmp_path: Path) -> KnownChain:
    return KnownChain(ChainFile(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"))


def append(known: KnownChain, tenant: str, *seqs: int, at: int = NOW - 60) -> None:
    for seq in seqs:
        known.chain.append(tenant, seq=seq, at=at)


def said(report: Report) -> list[tuple[str, str | None, int | None]]:
    found = sorted(report.findings, key=lambda finding: (finding.code, str(finding.tenant)))
    return [(str(finding.code), finding.tenant, finding.seq) for finding in found]


def test_a_chain_that_begins_again_is_told_of_whatever_else_is_wrong(known: KnownChain) -> None:
    append(known, "a", 1, 3, 5)
    append(known, "b", 6)
    known.checkpoint()
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'a'")
    append(known, "a", 2, 3, 4, 5)  # no fewer than there were
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    report = known.verify()
    assert said(report) == [("CHECKPOINT", "a", 5), ("HASH", "a", 5)]
    assert any("began with entry 1, and begins with 2 now" in item.message for item in report.findings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pruned", "expected"),
    [
        (START, [("CHECKPOINT", "a", BLOCK + 4)]),  # all that the digest covers is left
        (START + 1, []),  # an entry of it is gone, and of the others it says nothing
    ],
)
def test_the_digest_counts_where_all_that_it_covers_is_left(
    known: KnownChain, pruned: int, expected: list[tuple[str, str, int]]
) -> None:
    append(known, "a", START, BLOCK, BLOCK + 1)
    known.checkpoint()
    append(known, "a", BLOCK + 2, BLOCK + 4)
    assert known.checkpoint().after == START
    known.chain.prune("a", pruned)
    assert known.verify().verdict is Verdict.VERIFIED
    known.chain.run("UPDATE audit_chain SET seq = ? WHERE seq = ?", BLOCK + 3, BLOCK + 2)
    assert said(known.verify()) == expected


@pytest.mark.parametrize(
    ("through", "expected"),
    [
        (6, [("MARKER", "a", 9)]),  # what came before entry 3 nobody tells of
        (7, [("TRUNCATED", "a", 6)]),  # a marker that told of it may have been removed with entry 7
    ],
)
def test_what_was_known_is_accounted_for_up_to_the_last_known(
    known: KnownChain, through: int, expected: list[tuple[str, str, int]]
) -> None:
    append(known, "a", *range(1, 7), at=NOW - 90)
    known.checkpoint()
    append(known, "a", 7, 8, at=NOW - 90)
    known.chain.run("DELETE FROM audit_chain WHERE seq < 3")
    known.chain.prune("a", through)
    assert said(known.verify()) == expected


@pytest.mark.parametrize(
    ("through", "count", "expected"),
    [
        (6, 5, []),
        (6, 6, [("MARKER", "a", 9)]),
        (7, 6, [("TRUNCATED", "a", 6)]),  # one that came after the checkpoint went with them
        (7, 7, [("MARKER", "a", 9)]),
    ],
)
def test_a_marker_counts_those_that_were_known(
    known: KnownChain, through: int, count: int, expected: list[tuple[str, str, int]]
) -> None:
    """The numbers alone would allow one more: there never was an entry 3."""
    append(known, "a", 1, 2, 4, 5, 6, at=NOW - 90)
    known.checkpoint()
    append(known, "a", 7, 8, at=NOW - 90)
    known.chain.prune("a", through)
    known.chain.run("UPDATE audit_chain SET payload = json_set(payload, '$.count', ?) WHERE seq = 9", count)
    known.chain.rehash("a", after=8)
    assert said(known.verify()) == expected


def test_the_last_known_is_missed_where_a_marker_tells_of_less(known: KnownChain) -> None:
    """As many are told of as were known, but up to entry 3 alone."""
    append(known, "b", 5)
    append(known, "a", 1, 2, 6, at=NOW - 90)
    known.checkpoint()
    value = known.chain.one("SELECT hash FROM audit_chain WHERE seq = 2")[0]
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'a'")
    known.chain.append("a", previous=value, seq=7)
    marker = {"fromSeq": 1, "toSeq": 3, "count": 3, "lastHash": value, "cutoff": NOW - 80}
    known.chain.append("a", "audit_pruned", json.dumps(marker))
    assert said(known.verify()) == [("TRUNCATED", "a", 6)]


def test_a_checkpoint_that_is_replaced_says_nothing_of_entries(known: KnownChain) -> None:
    append(known, "a", 1, 2)
    known.checkpoint()
    append(known, "a", 3)
    known.checkpoint()
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 1")
    known.chain.rehash("a")
    (finding,) = known.verify().findings
    assert (finding.code, finding.seq) == ("CHECKPOINT", 3)
    assert "(Checkpoint 2, a.)" in finding.message


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ((4,), [("TRUNCATED", "a", 4)]),
        ((4, 6), [("SEQUENCE_COUNTER", None, None), ("TRUNCATED", "a", 4), ("TRUNCATED", "c", 6)]),
    ],
)
def test_a_tail_that_is_gone_did_not_come_later(
    known: KnownChain, gone: tuple[int, ...], expected: list[tuple[str, str | None, int | None]]
) -> None:
    """No entry is left where the chain ended, so that the scan does not pass that number."""
    append(known, "a", 1)
    append(known, "b", 2)
    append(known, "a", 4)
    append(known, "c", 6)
    head = known.chain.one("SELECT hash FROM audit_chain WHERE seq = 1")[0]
    known.checkpoint()
    for seq in gone:
        known.chain.run("DELETE FROM audit_chain WHERE seq = ?", seq)
    report = known.verify()
    assert said(report) == expected
    assert next(item.actual for item in report.findings if item.tenant == "a") == head


def test_a_chain_that_is_put_behind_a_number_of_its_own(known: KnownChain) -> None:
    append(known, "a", 1, 4)
    append(known, "b", 2, 9)
    known.checkpoint()
    append(known, "a", 6)
    assert said(known.verify()) == [("NUMBERING", "a", None)]
    known.chain.append("c", previous=GENESIS, seq=8)
    assert said(known.verify()) == [("NUMBERING", "a", None), ("NUMBERING", "c", 8)]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_chain WHERE seq = 3",
        "DELETE FROM audit_chain WHERE seq = 1",
        "DELETE FROM audit_chain WHERE tenant_id = ''",
        "UPDATE audit_chain SET tenant_id = 'c' WHERE tenant_id = ''",
        f"UPDATE audit_chain SET previous_hash = '{GENESIS}' WHERE seq = 3",
    ],
)
def test_a_tenant_whose_name_is_empty_is_named_in_words(known: KnownChain, change: str) -> None:
    append(known, "b", 2, 9)
    known.checkpoint()
    append(known, "", 1, 3, 5)
    (finding,) = known.verify().findings
    assert finding.message.startswith("a tenant without a name is new since checkpoint 1")
    known.checkpoint()
    known.chain.run(change)
    report = known.verify()
    without_name = (item for item in (*report.findings, *known.chain.verify().findings) if item.tenant == "")
    assert all("a tenant without a name" in item.message for item in without_name if item.code != "HASH")
