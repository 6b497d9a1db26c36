"""Whether a chain begins behind an entry is said in Python and in SQL: both say the same."""

import itertools

import apsw
import pytest

from models.genesis import BEGINS_BEHIND, GENESIS, begins_behind

FIRSTS = [*itertools.product((-3, 1, 7, 8), (GENESIS, "0" * 63, "a" * 64))]


@pytest.mark.parametrize(("first", "previous"), FIRSTS)
@pytest.mark.parametrize("seq", [-3, 0, 7])
def test_both_forms_say_the_same_of_a_first_entry(first: int, previous: str, seq: int) -> None:
    sql = f"SELECT {BEGINS_BEHIND.format(seq=seq)} FROM (SELECT ? AS seq, ? AS previous_hash)"
    said = apsw.Connection(":memory:").execute(sql, (first, previous)).get
    assert begins_behind(first, previous, seq) is bool(said) is (first > seq and previous != GENESIS)
