"""Keys of a long list: what is joined reads as all of it would one by one."""

import random
from array import array

from app.services.records.keys import Pieces, joined, places
from app.services.records.lists import position


def test_pieces_read_as_all_of_it_would() -> None:
    rng = random.Random(1)
    for _ in range(150):
        step = rng.choice([1, -1])
        numbers = sorted(rng.sample(range(9_000), rng.randrange(1, 12)), reverse=step < 0)
        parts, all_of_it = [], list[int]()
        for number in numbers:
            part = rng.choice(
                [array("q", [number]), range(number, number + step * rng.choice([1, 5, 1_001]), step)]
            )
            parts.append(part)
            all_of_it += part
        keys = joined(*parts)
        assert len(keys) == len(all_of_it) and [*keys] == all_of_it
        first, last = sorted(rng.randrange(len(all_of_it) + 1) for _ in range(2))
        assert [*keys[first:last]] == all_of_it[first:last] and keys[-1] == all_of_it[-1]
        assert [*joined(keys[:first], keys[first:])] == all_of_it
        assert [*keys[last:first:-2]] == all_of_it[last:first:-2]
        wanted = rng.choice(all_of_it)
        assert position(keys, wanted) == all_of_it.index(wanted) and position(keys, 99_999) is None


def test_a_gap_keeps_no_number_for_each() -> None:
    keys = joined(array("q", [9, 7]), range(5, -50_000_000, -1))
    assert isinstance(keys, Pieces) and len(keys) == 50_000_007
    again = joined(keys[:1_000], array("q", [-995]), keys[1_001:])
    assert isinstance(again, Pieces) and sum(not isinstance(part, range) for part in again.parts) < 3
    assert joined(range(5), range(5, 9)) == range(9) and joined() == range(0)


def test_places_are_ranges_in_the_order_of_the_list() -> None:
    keys = [5, 3, 1, 4]
    assert places(keys, range(3, 6), 2) == [range(2), range(3, 4)]
    assert places(keys, range(3, 6), 1) is None
    assert places(keys, keys, 1) == [range(4)]
    assert places(keys, [9], 1) == []
