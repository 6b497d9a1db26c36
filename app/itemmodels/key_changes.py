"""Where a list's keys have changed since they were last read."""

from array import array
from collections.abc import Callable

from app.services.records.lists import Keys


def joined(head: Keys, tail: Keys) -> Keys:
    """Both, one after the other."""
    return array("q", head) + array("q", tail) if head and tail else head or tail


def common_ends(old: Keys, new: Keys) -> tuple[int, int]:
    """How many first and how many last keys are the same, counting none twice."""
    shorter = min(len(old), len(new))
    if type(old) is not type(new):
        return 0, 0  # a gap has come or gone: rare, and a million comparisons one by one
    before = _agreeing(shorter, lambda start, end: old[start:end] == new[start:end])
    ends = len(old), len(new)
    after = _agreeing(
        shorter - before,
        lambda start, end: old[ends[0] - end : ends[0] - start] == new[ends[1] - end : ends[1] - start],
    )
    return before, after


def _agreeing(limit: int, same: Callable[[int, int], bool]) -> int:
    """The largest n up to `limit` for which `same(0, n)`; slices are compared, so it takes 3 ms a million."""
    if same(0, limit):
        return limit
    agreed, differing = 0, limit
    while differing - agreed > 1:
        middle = (agreed + differing) // 2
        if same(agreed, middle):
            agreed = middle
        else:
            differing = middle
    return agreed
