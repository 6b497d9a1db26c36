"""What a list shows while others change it: what is in sight stays, the rest is as it is. No Qt."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.itemmodels.pages import common_ends
from app.services.records.keys import joined
from app.services.records.list_query import Key
from app.services.records.lists import Keys, position

_NEIGHBOURS = 50
"""Rows above and below those in sight that are asked where these were, when all of them went."""


@dataclass(frozen=True, slots=True)
class Still:
    """`keys` has from `start` on what `sight` is of the list before, though the list as it is by now has
    another order there; those of them that it has `left` out are no more in it.
    """

    keys: Keys
    sight: range
    start: int
    left: frozenset[Key]


def hold(old: Keys, new: Keys, sight: range, *, is_full: bool) -> Still | None:
    """What to show in place of `new` so that the rows in `sight` of `old` stay; None where they do anyhow.

    Rows of `new` that would stand between them are left out, as are those above them where nothing can be
    scrolled out of sight, since rows do not fill the view (`is_full`).
    """
    seen = [old[row] for row in sight]
    if not seen or not new:
        return Still(seen, sight, 0, frozenset(seen)) if seen else None
    places = _places(old, new, sight, seen)
    known = [place for place in places if place is not None]
    follow = len(known) == len(seen) and all(after == before + 1 for before, after in pairwise(known))
    if follow and (is_full or sight.start == known[0]):
        return None
    stay = _longest_rise(known)
    first, last = (stay[0], stay[-1] + 1) if stay else [_between(old, new, sight)] * 2
    apart = sorted(known)
    above = _without(new, 0, first, apart) if is_full or sight.start else new[:0]
    below = _without(new, last, len(new), apart)
    left = frozenset(key for key, place in zip(seen, places, strict=True) if place is None)
    return Still(_joined(new, above, seen, below), sight, len(above), left)


def _places(old: Keys, new: Keys, sight: range, seen: Sequence[Key]) -> list[int | None]:
    """Where the rows in sight stand by now; None where they do not."""
    before, after = common_ends(old, new)
    later = len(new) - len(old)
    among = {key for row, key in zip(sight, seen, strict=True) if before <= row < len(old) - after}
    found: dict[Key, int] = {}
    if among and isinstance(new, array | list):
        middle = new[before : len(new) - after]
        found = {key: before + place for place, key in enumerate(middle) if key in among}
    elif among:
        found = {key: place for key in among if (place := position(new, key)) is not None}
    return [
        row if row < before else row + later if row >= len(old) - after else found.get(key)
        for row, key in zip(sight, seen, strict=True)
    ]


def _longest_rise(places: Sequence[int]) -> list[int]:
    """The most of them that follow each other as they did: the others have moved among them."""
    ends: list[int] = []
    at: list[int] = []
    for place in places:
        at.append(bisect_left(ends, place))
        ends[at[-1] : at[-1] + 1] = [place]
    rise: list[int] = []
    wanted = len(ends) - 1
    for place, length in zip(reversed(places), reversed(at), strict=True):
        if length == wanted and (not rise or place < rise[-1]):
            rise.append(place)
            wanted -= 1
    return rise[::-1]


def _between(old: Keys, new: Keys, sight: range) -> int:
    """Where rows of which none is left would stand: behind the one above them, or before the one below."""
    for row in range(sight.start - 1, max(-1, sight.start - 1 - _NEIGHBOURS), -1):
        if (place := position(new, old[row])) is not None:
            return place + 1
    for row in range(sight.stop, min(len(old), sight.stop + _NEIGHBOURS)):
        if (place := position(new, old[row])) is not None:
            return place
    return 0


def _without(keys: Keys, first: int, last: int, apart: Sequence[int]) -> Keys:
    """The keys from `first` to `last` but for those at these places."""
    bounds = [first - 1, *(place for place in apart if first <= place < last), last]
    return _joined(keys, *(keys[before + 1 : after] for before, after in pairwise(bounds)))


def _joined(like: Keys, *parts: Keys) -> Keys:
    """All of these, kept as those are that they come from."""
    if not isinstance(like, array):
        return joined(*parts)
    found = array(like.typecode)
    for part in parts:
        found.extend(part)
    return found
