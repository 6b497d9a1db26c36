"""The rows of a long list that are at hand, which to fetch next, and where its keys have changed. No Qt.

And what a list shows while others change it: what is in sight stays, the rest is as it is.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any

from app.services.records.keys import joined
from app.services.records.list_query import Key
from app.services.records.lists import Keys, Row, position

PAGE = 250
"""Rows in a page: seven screens. For twice as many one waits a third longer."""

PAGES = 32
_COMPARED = 10_000
"""Keys, old and new, that are compared one by one."""

WANTED = 4
"""Pages asked for and not yet fetched; a view shows two at most, so an older one is out of sight by now."""


class PageCache:
    """Rows by key, whole pages at a time, the longest unused page dropped first.

    Rows are held by key and not by position, so that a list that has grown at its beginning still shows what
    is at hand. After `expire()` every row counts as outdated: it is shown until its page has come again, even
    if the list is read again meanwhile.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._former: OrderedDict[Key, Row] = OrderedDict()
        self.has_gone = False
        """Whether any row was found to be gone."""
        self._forget_rows()

    def _forget_rows(self) -> None:
        self._rows: dict[Key, Row | None] = {}
        self._outdated: dict[Key, Row | None] = {}
        self._pages: OrderedDict[int, Keys] = OrderedDict()
        self._wanted: OrderedDict[int, None] = OrderedDict()

    def expire(self) -> None:
        fresh, older = self._rows, self._outdated
        self._forget_rows()
        kept = chain(fresh.items(), (item for item in older.items() if item[0] not in fresh))
        self._outdated = dict(islice(kept, PAGES * PAGE))

    def get(self, key: Key, default: Any) -> Any:
        """The row with this key: None when it has gone, `default` when it is not at hand or outdated."""
        return self._rows.get(key, default)

    def known(self, key: Key, default: Any) -> Any:
        """The row with this key, outdated if there is no other."""
        return self._rows.get(key, self._outdated.get(key, default))

    def former(self, key: Key) -> Row | None:
        """What a row was that has gone since it was at hand."""
        return self._former.get(key)

    def items(self) -> list[tuple[Key, Row | None]]:
        return [*self._outdated.items(), *self._rows.items()]

    def touch(self, page: int) -> None:
        if page in self._pages:
            self._pages.move_to_end(page)

    def put(self, keys: Keys, rows: Sequence[Row | None]) -> None:
        """Rows that belong to no page yet, such as a list's first ones."""
        for key, row in zip(keys, rows, strict=True):
            self.has_gone |= row is None
            was = self.known(key, None) if row is None else None
            if was is not None:
                self._former[key] = was
                while len(self._former) > PAGE:
                    self._former.popitem(last=False)
        self._rows.update(zip(keys, rows, strict=True))

    def put_page(self, page: int, keys: Keys, rows: Sequence[Row | None]) -> None:
        self.put(keys, rows)
        self._pages[page] = keys
        self._pages.move_to_end(page)
        self._wanted.pop(page, None)
        while len(self._pages) > PAGES:
            _, old = self._pages.popitem(last=False)
            for key in old:
                self._rows.pop(key, None)
                self._outdated.pop(key, None)

    def moved_behind(self, page: int) -> None:
        """Behind this page rows have another place now, so that other rows make the pages there."""
        for behind in [number for number in self._pages if number > page]:
            for key in self._pages.pop(behind):
                if key in self._rows:
                    self._outdated[key] = self._rows.pop(key)
        for behind in [number for number in self._wanted if number > page]:
            self.forget(behind)

    def want(self, page: int) -> None:
        """The page is missed now; only the latest `WANTED` are remembered."""
        if page not in self._pages:
            self._wanted[page] = None
            self._wanted.move_to_end(page)
            if len(self._wanted) > WANTED:
                self._wanted.popitem(last=False)

    def forget(self, page: int) -> None:
        self._wanted.pop(page, None)

    def wanted(self, page: int) -> bool:
        return page in self._wanted

    def next_wanted(self) -> int | None:
        """The page missed last, which is the one in sight."""
        return next(reversed(self._wanted), None)


def position_behind(keys: Keys, key: int, step: int, first: int = 0) -> int:
    """How many of these numbers, which go up or down by `step`, come before or at `key`; the `first` do."""
    return bisect_right(keys, step * key, lo=first, key=lambda number: step * number)


KeyRun = tuple[int, int, int, int]
"""Where two lists differ: between two places in the old one, and between two places in the new one."""


def changed_runs(old: Keys, new: Keys, step: int) -> Iterator[KeyRun]:
    """Where these numbers, which go up or down by `step`, differ, the last run first."""
    places = ((position_behind(old, key, step) - 1, place) for place, key in enumerate(new))
    return _runs_between([(was, at) for was, at in places if was >= 0 and old[was] == new[at]], old, new)


def runs_of(old: Keys, new: Keys) -> list[KeyRun]:
    """The same of keys in any order; one run where what stays has another order, or there are many keys."""
    places = {} if len(old) + len(new) > _COMPARED else {key: place for place, key in enumerate(old)}
    stay = [(places[key], place) for place, key in enumerate(new) if key in places]
    if any(was > next_was for (was, _), (next_was, _) in pairwise(stay)):
        stay = []
    return [*_runs_between(stay, old, new)]


def _runs_between(stay: Sequence[tuple[int, int]], old: Keys, new: Keys) -> Iterator[KeyRun]:
    bounds = [(-1, -1), *stay, (len(old), len(new))]
    for (was, place), (next_was, next_place) in reversed([*pairwise(bounds)]):
        if next_was - was > 1 or next_place - place > 1:
            yield was + 1, next_was, place + 1, next_place


@dataclass(frozen=True, slots=True)
class Spliced(Sequence[Any]):
    """The first keys of a list, and behind them those of another from one place on; it copies neither."""

    old: Keys
    first: int
    new: Keys
    start: int

    def __len__(self) -> int:
        return self.first + len(self.new) - self.start

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        behind = range(len(self))[place] - self.first
        return self.old[place] if behind < 0 else self.new[self.start + behind]


def _comparable(keys: Keys) -> Any:
    """Whose slices can be compared: of an array neither copied nor made into numbers."""
    return _Bytes(memoryview(keys).cast("B"), keys.itemsize) if isinstance(keys, array) else keys


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Numbers of so many bytes each."""

    view: memoryview
    each: int

    def __getitem__(self, part: slice) -> memoryview:
        return self.view[part.start * self.each : part.stop * self.each]


def common_ends(old: Keys, new: Keys) -> tuple[int, int]:
    """How many first and how many last keys are the same, counting none twice."""
    shorter = min(len(old), len(new))
    if type(old) is not type(new):
        return 0, 0  # a gap has come or gone: rare, and a million comparisons one by one
    of_old, of_new = _comparable(old), _comparable(new)
    before = _agreeing(shorter, lambda start, end: of_old[start:end] == of_new[start:end])
    ends = len(old), len(new)
    after = _agreeing(
        shorter - before,
        lambda start, end: of_old[ends[0] - end : ends[0] - start] == of_new[ends[1] - end : ends[1] - start],
    )
    return before, after


def _agreeing(limit: int, same: Callable[[int, int], bool]) -> int:
    """The largest n up to `limit` for which `same(0, n)`; slices are compared, so it takes 1 ms a million."""
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
