"""The keys of a long list, in its order: numbers that may have gaps, without a number kept for each."""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final, cast

_FEW: Final = 1_000
"""Numbers without a gap that are kept one by one beside others that are."""

_AT_ONCE: Final = 10_000
"""Keys that are taken without a turn for other threads."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces(Sequence[Any]):
    """Ranges, and between them numbers one by one; a slice without a step is what `joined` makes."""

    parts: tuple[Sequence[Any], ...]
    _ends: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", tuple(accumulate(map(len, self.parts))))

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            if step != 1:
                return [self[number] for number in range(first, last, step)]
            return joined(*(part for _, part in self._within(first, last)))
        place = range(len(self))[place]
        part = bisect_right(self._ends, place)
        return self.parts[part][place - self._ends[part] + len(self.parts[part])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pieces) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        for first, part in self._within(start, len(self) if stop is None else min(stop, len(self))):
            if not isinstance(part, range) or value in part:
                try:
                    return first + part.index(value)
                except ValueError:
                    continue
        raise ValueError(value)

    def _within(self, first: int, last: int) -> Iterator[tuple[int, Sequence[Any]]]:
        """Where each part between two places begins, and what of it lies there."""
        number = bisect_right(self._ends, first)
        while first < last:
            part, end = self.parts[number], self._ends[number]
            begin = end - len(part)
            yield first, part[first - begin : min(last, end) - begin]
            first, number = end, number + 1


def places(keys: Sequence[Any], wanted: Sequence[Any], most: int) -> list[range] | None:
    """Where the `wanted` ones stand in `keys`, as ranges; None where those would be more than `most`. Other
    threads get their turn in between.
    """
    looked_for = set[Any]()
    for first in range(0, len(wanted), _AT_ONCE):
        looked_for.update(wanted[first : first + _AT_ONCE])
    found: list[range] = []
    for place, key in enumerate(keys):
        if key not in looked_for:
            continue
        if found and found[-1].stop == place:
            found[-1] = range(found[-1].start, place + 1)
        elif len(found) == most:
            return None
        else:
            found.append(range(place, place + 1))
    return found


def without(keys: Sequence[Any], gone: Collection[Any]) -> Sequence[Any]:
    """The keys that are not among those that went, kept as they are; off the interface thread: a million take
    a tenth of a second.
    """
    left = (key for key in keys if key not in gone)
    return array("q", left) if isinstance(keys, array) else [*left]


def joined(*given: Sequence[Any]) -> Sequence[Any]:
    """All of these keys, one after the other."""
    parts: list[Any] = []
    for part in (one for some in given for one in (some.parts if isinstance(some, Pieces) else (some,))):
        if not part:
            continue
        last = parts[-1] if parts else None
        if isinstance(last, range) and isinstance(part, range) and _go_on(last, part):
            parts[-1] = range(last[0], part[-1] + last.step, last.step)
        elif last is not None and all(_is_few(one) for one in (last, part)):
            parts[-1] = [*last, *part] if isinstance(last, list) else array("q", [*last, *part])
        else:
            parts.append(part)
    if len(parts) < 2:
        return cast("Sequence[Any]", parts[0] if parts else range(0))
    return Pieces(tuple(parts))


def _go_on(last: range, part: range) -> bool:
    return part[0] - last[-1] == last.step == part.step


def _is_few(part: Sequence[Any]) -> bool:
    return not isinstance(part, range) or len(part) <= _FEW
