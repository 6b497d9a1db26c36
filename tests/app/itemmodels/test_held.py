"""Rows in sight that stay while others change the list: by keys alone."""

from array import array
from itertools import pairwise
from random import Random

import pytest

from app.itemmodels.pages import hold
from app.services.records.lists import Keys

OLD = [*range(10, 30)]
SIGHT = range(5, 10)
"""Of which 15 to 19 are seen."""


@pytest.mark.parametrize(
    ("new", "shown"),
    [
        pytest.param([1, 2, *OLD], None, id="come above"),
        pytest.param([key for key in OLD if key != 12], None, id="gone above"),
        pytest.param([*OLD, 1], None, id="come below"),
        pytest.param([key for key in OLD if key != 17], OLD, id="gone in sight"),
        pytest.param(
            [key for key in OLD if key not in {12, 17, 25}], [10, 11, *OLD[3:15], *OLD[16:]], id="each"
        ),
        pytest.param([*OLD[:7], 1, *OLD[7:]], OLD, id="come in sight"),
        pytest.param([17, *OLD[:7], *OLD[8:]], OLD, id="went up"),
        pytest.param([*OLD[:7], *OLD[8:], 17], OLD, id="went down"),
        pytest.param([*OLD[:5], *OLD[10:]], OLD, id="all gone in sight"),
        pytest.param(OLD[10:], OLD[5:], id="all gone to the end of sight"),
        pytest.param([1, 2], [*OLD[5:10], 1, 2], id="all gone"),
        pytest.param([], OLD[5:10], id="empty"),
        pytest.param(OLD[::-1], [*OLD[:14:-1], *OLD[5:10], *OLD[3::-1]], id="turned"),
    ],
)
@pytest.mark.parametrize("kind", [list, lambda keys: array("q", keys)])
def test_what_is_in_sight_stays_and_the_rest_is_as_it_is(
    new: list[int], shown: list[int] | None, kind: type[list[int]]
) -> None:
    still = hold(kind(OLD), kind(new), SIGHT, is_full=True)
    if shown is None:
        assert still is None
        return
    assert still is not None
    if new != OLD[::-1]:  # of which each row is as good as another to go by
        assert [*still.keys] == shown
    assert [*still.keys[still.start : still.start + len(SIGHT)]] == OLD[5:10]
    assert still.left == {*OLD[5:10]} - {*new}


def test_where_nothing_can_be_scrolled_nothing_comes_above() -> None:
    still = hold(OLD, [1, *OLD, 2], range(20), is_full=False)
    assert still is not None and [*still.keys] == [*OLD, 2] and not still.left
    assert hold(OLD, [1, *OLD], range(20), is_full=True) is None


def test_numbers_without_gaps_are_not_written_out() -> None:
    old = range(1_000_000, 0, -1)
    new: Keys = array("q", [key for key in range(1_000_001, 0, -1) if key != 500_000])
    still = hold(old, new, range(499_990, 500_010), is_full=True)
    assert still is not None and still.left == {500_000}
    assert len(still.keys) == 1_000_001 and still.keys[still.start] == old[499_990]


def test_any_change_leaves_each_key_once() -> None:
    chance = Random(5)
    for _ in range(500):
        old = chance.sample(range(60), chance.randrange(40))
        new = chance.sample(range(60), chance.randrange(40)) if chance.random() < 0.5 else [*old]
        for _ in range(chance.randrange(4)):
            if new:
                new.insert(chance.randrange(len(new)), new.pop(chance.randrange(len(new))))
        first = chance.randrange(len(old) + 1)
        sight = range(first, min(len(old), first + chance.randrange(12)))
        still = hold(old, new, sight, is_full=True)
        if still is None:
            assert not sight or all(new.index(old[b]) == new.index(old[a]) + 1 for a, b in pairwise(sight))
            continue
        assert len({*still.keys}) == len(still.keys)
        assert [*still.keys[still.start : still.start + len(sight)]] == old[sight.start : sight.stop]
        assert {*still.keys} - {*new} == still.left
