"""What the next checkpoint takes in: the rows from the block in which the one before ends, or everything."""

from collections.abc import Callable

import pytest

from app.services.chain.verify.scan import BLOCK
from tests.app.services.chain.checkpoints.conftest import KnownChain

START = BLOCK - 1
"""The last number of the first block: behind it the second checkpoint takes its digests, where it can."""


@pytest.fixture
def known(known_chain: Callable[..., KnownChain]) -> KnownChain:
    """A checkpoint that ends in the second block, with a tenant on each side of that block's start."""
    known = known_chain(rows=3)
    known.chain.append("early", seq=START - 10)
    known.chain.append("late", seq=BLOCK + 100)
    known.checkpoint()
    return known


def test_it_goes_on_behind_the_last_whole_block(known: KnownChain) -> None:
    known.chain.append("late")
    assert known.checkpoint().after == START
    known.chain.append("early")
    assert known.checkpoint().after == START
    assert not known.verify().findings


@pytest.mark.parametrize(("seq", "after"), [(START, 0), (BLOCK, START)])
def test_a_new_tenant_that_begins_below_is_taken_in_whole(known: KnownChain, seq: int, after: int) -> None:
    known.chain.append("new", seq=seq)
    assert known.checkpoint().after == after
    assert {str(finding.code) for finding in known.verify().findings} == set()


@pytest.mark.parametrize(("seq", "after"), [(START - 9, 0), (START, 0), (BLOCK, START)])
def test_so_is_a_tenant_that_went_on_below(known: KnownChain, seq: int, after: int) -> None:
    known.chain.append("early", seq=seq)
    assert known.checkpoint().after == after
    assert not known.verify().findings


def test_and_all_where_rows_were_pruned(known: KnownChain) -> None:
    known.chain.prune("tenant-00", 2)
    assert known.checkpoint().after == 0
    assert not known.verify().findings


@pytest.mark.slow
def test_and_all_after_many_checkpoints(known: KnownChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.chain.verify.join.WHOLE_EVERY", 3)
    found = []
    for _ in range(4):
        known.chain.append("late")
        found.append(known.checkpoint().after)
    assert found == [START, START, 0, START]
