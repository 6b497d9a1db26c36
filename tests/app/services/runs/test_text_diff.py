"""What differs between two texts, by lines and by words, and that no text makes it take for ever."""

import time
from random import Random

import pytest

from app.services.runs.text_diff import DiffRow, compare, lines_of_text, marks
from models.errors import Cancelled

BEFORE = """## Pricing
Per site and month; twelve sites will pay later
Segment: independent clinics
Price: €400 a month
Channel: resellers
Confidence: 0.71
"""
AFTER = """## Pricing
Per site and month; nineteen sites will pay from May
Segment: independent clinics
Price: €290 a month, billed yearly
No setup fee
Channel: clinic networks, direct
Confidence: 0.71
"""


def test_alike_lines_stand_beside_each_other() -> None:
    found = compare(BEFORE, AFTER)
    assert found.rows[:3] == (DiffRow(0, 0, True), DiffRow(1, 1, False), DiffRow(2, 2, True))
    assert DiffRow(3, 3, False) in found.rows
    assert found.rows[-1] == DiffRow(5, 6, True)
    assert [len(part) for part in found.changes()] == [1, 3]
    assert found.different() == 4


def test_words_within_lines() -> None:
    left, right = BEFORE.split("\n")[1], AFTER.split("\n")[1]
    found = marks(left, right)
    assert [left[start:end] for start, end in found[0]] == ["twelve", "later"]
    assert [right[start:end] for start, end in found[1]] == ["nineteen", "from May"]
    assert marks("all", "else") == ((), ())
    long = "x " * 5_000
    assert marks(f"{long}a{long}", f"{long}bc{long}") == (((10_000, 10_001),), ((10_000, 10_002),))


@pytest.mark.parametrize("kinds", [2, 30, 100_000])
def test_every_line_of_both_stands_once_and_in_order(kinds: int) -> None:
    random = Random(kinds)
    left = "\n".join(str(random.randrange(kinds)) for _ in range(1_500))
    right = "\n".join(str(random.randrange(kinds)) for _ in range(1_700))
    found = compare(left, right)
    assert [row.left for row in found.rows if row.left is not None] == list(range(1_500))
    assert [row.right for row in found.rows if row.right is not None] == list(range(1_700))
    for row in found.rows:
        both = row.left is not None and row.right is not None
        assert not row.same or (both and found.left[row.left or 0] == found.right[row.right or 0])


def test_few_changes_in_many_lines_are_found() -> None:
    lines = [f"line {number % 900}" for number in range(20_000)]
    other = [line for number, line in enumerate(lines) if number not in (700, 9_000)]
    other.insert(15_000, "new")
    found = compare("\n".join(lines), "\n".join(other))
    assert found.different() == 3


def test_lines_end_however_they_end() -> None:
    assert lines_of_text("a\r\nb\rc\n") == ("a", "b", "c")
    assert lines_of_text("") == ("",)
    assert lines_of_text("ab\r\n" * 200_000) == ("ab",) * 200_000
    assert lines_of_text("x" * 600_000 + "\n\n") == ("x" * 600_000, "")
    assert lines_of_text("a\x0b\u2028b") == ("a\x0b\u2028b",)


def test_it_can_be_cancelled() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        compare(BEFORE, AFTER, stop)


@pytest.mark.slow
def test_long_lines_that_all_differ_take_no_longer() -> None:
    words = [f"word{number}" for number in range(330)]
    lines = [" ".join([str(n), *words[n % 300 :], *words[: n % 300]]) for n in range(1_000)]
    other = [line if number % 49 == 0 else f"{line} new" for number, line in enumerate(lines)]
    begun = time.process_time()
    found = compare("\n".join(lines), "\n".join(other))
    assert found.different() == 979
    for row in found.rows[:40]:
        marks(found.left[row.left or 0], found.right[row.right or 0])
    assert time.process_time() - begun < 3  # where all words of all lines are held against each other 9 s
    long = "x " * 2_000_000
    assert marks(f"a{long}", f"b{long}") == (((0, 1),), ((0, 1),))
    assert marks("x " * 2_000_000, "x " * 2_000_000 + "y") == ((), ((4_000_000, 4_000_001),))
