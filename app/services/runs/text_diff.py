"""What differs between two texts: their lines side by side, and the words within lines.

Lines that stand once in each text hold both together (Bram Cohen's patience diff); between two of them the
rarest line that both have does (as in JGit's histogram diff). Small rests are compared exactly. All of it is
bounded: what cannot be told apart in a few passes is said to be replaced as a whole.
"""

import difflib
import re
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice, pairwise, zip_longest
from operator import eq
from typing import Final, NamedTuple, TypeVar, overload

from models.progress import Pause

_EXACT: Final = 10_000
"""Pairs of lines of a rest that is compared exactly."""
_DEPTH: Final = 40
"""Passes over a part of the texts, each of which takes time of its length."""
_PART: Final = 1 << 18
_RARE: Final = 64
"""How often a line may stand in a text that holds it to the other one."""
_PAIRED: Final = 2_500
"""Pairs of lines of a change that are matched by what they have in common; else they stand in order."""
_TOLD, _LEAST_TOLD, _TOLD_IN_ALL = 2_000, 40, 100_000
"""Characters of a line by which it is told from others: at most, at least, and of all pairs of a change."""
_WORDS: Final = 400
"""Words of a line of which it is told which differ; of a longer one where it begins and ends to."""
_SAME: Final = 4_000
"""Pairs of equal words of two lines: a millisecond. Spaces alone are more where lines have 60 words."""
_LONG: Final = 20_000
"""Characters of a line whose words are not even counted."""
_ALIKE: Final = 0.35
"""What two lines have to have in common to stand beside each other, of 1."""

T = TypeVar("T")

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_WORD_AND_SPACE = re.compile(r"(?:\w+|[^\w\s])\s*|\s+")


class DiffRow(NamedTuple):
    """One line of each side, by its number from 0; None where a side lacks it."""

    left: int | None
    right: int | None
    same: bool


class MadeWhenAsked(Sequence[T]):
    """Rows none of which is made before it is asked for, by `at(its place)`."""

    def at(self, place: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        places = range(len(self))[place]
        return self.at(places) if isinstance(places, int) else tuple(map(self.at, places))


@dataclass(frozen=True, slots=True)
class Alone(MadeWhenAsked[DiffRow]):
    """The rows of a text that stands alone."""

    lines: int

    def __len__(self) -> int:
        return self.lines

    def at(self, place: int) -> DiffRow:
        return DiffRow(place, None, True)


class Equal(NamedTuple):
    """Equal lines of both sides, from these on."""

    left: int
    right: int
    lines: int


class Aligned(MadeWhenAsked[DiffRow]):
    """The rows of two texts in stretches: they may have millions of equal lines, which are let go at once."""

    def __init__(self, stretches: Sequence[Equal | Sequence[DiffRow]]) -> None:
        self.stretches = stretches
        self._first, self._rows = list[int](), 0
        """The row with which each stretch begins, and how many there are."""
        for stretch in stretches:
            self._first.append(self._rows)
            self._rows += stretch.lines if isinstance(stretch, Equal) else len(stretch)

    def __len__(self) -> int:
        return self._rows

    def at(self, place: int) -> DiffRow:
        at = bisect_right(self._first, place) - 1
        stretch, step = self.stretches[at], place - self._first[at]
        if isinstance(stretch, Equal):
            return DiffRow(stretch.left + step, stretch.right + step, True)
        return stretch[step]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aligned) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        return hash(self._rows)

    def __iter__(self) -> Iterator[DiffRow]:
        for stretch in self.stretches:
            if isinstance(stretch, Equal):
                for step in range(stretch.lines):
                    yield DiffRow(stretch.left + step, stretch.right + step, True)
            else:
                yield from stretch

    def changes(self) -> Iterator[range]:
        """The rows that differ, those beside each other together."""
        start = None
        for first, stretch in zip(self._first, self.stretches, strict=True):
            rows = stretch[:0] if isinstance(stretch, Equal) else stretch
            for place, row in enumerate(rows, first):
                if row.same and start is not None:
                    yield range(start, place)
                    start = None
                elif not row.same and start is None:
                    start = place
            if isinstance(stretch, Equal) and start is not None:
                yield range(start, first)
                start = None
        if start is not None:
            yield range(start, self._rows)


@dataclass(frozen=True, slots=True)
class TextDiff:
    """Two texts in lines, and how these stand beside each other."""

    left: Sequence[str]
    right: Sequence[str]
    rows: Alone | Aligned

    def changes(self, pause: Pause = lambda: None) -> Iterator[range]:
        """The rows that differ, those beside each other together; `pause()` is called for each."""
        for change in self.rows.changes() if isinstance(self.rows, Aligned) else ():
            pause()
            yield change

    def different(self, pause: Pause = lambda: None) -> int:
        """How many rows differ."""
        return sum(map(len, self.changes(pause)))


class TextLines(Sequence[str]):
    """The lines of a text without their ends, each made when it is asked for: millions of strings take long
    to be made, and to be let go. `starts` is where each begins, and behind the last where a next one would.
    """

    def __init__(self, text: str, starts: "array[int]") -> None:
        self._text, self._starts = text, starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return tuple(self[line] for line in range(len(self))[place])
        line = range(len(self))[place]
        return self._text[self._starts[line] : self._starts[line + 1] - 1]

    def __iter__(self) -> Iterator[str]:
        for start, following in pairwise(self._starts):
            yield self._text[start : following - 1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        return hash(self._text)


def lines_of_text(text: str, pause: Pause = lambda: None) -> TextLines:
    """The lines without their ends; an end of line at the very end begins no other one. `pause()` is called
    now and then.
    """
    parts, starts, start = list[str](), array("Q", [0]), 0
    while True:
        # In parts: what looks through megabytes at once keeps every other thread waiting.
        end = text.find("\n", start + _PART) + 1
        part = text[start : end or len(text)]
        parts.append(part.replace("\r\n", "\n").replace("\r", "\n"))
        lines = parts[-1].split("\n")
        if end or (not lines[-1] and len(starts) + len(lines) > 2):
            lines.pop()
        starts.extend(islice(accumulate((len(line) + 1 for line in lines), initial=starts[-1]), 1, None))
        if not end:
            return TextLines("".join(parts), starts)
        start = end
        pause()


def compare(left: str, right: str, pause: Pause = lambda: None) -> TextDiff:
    """What differs; takes time of the texts' length. Raises what `pause` does, called now and then."""
    a, b = lines_of_text(left), lines_of_text(right)
    numbers = dict[str, int]()
    one = [numbers.setdefault(line, len(numbers)) for line in a]
    other = [numbers.setdefault(line, len(numbers)) for line in b]
    blocks = sorted(_matches(one, other, pause))
    stretches, i, j = list[Equal | Sequence[DiffRow]](), 0, 0
    for at, to, size in [*blocks, (len(a), len(b), 0)]:
        if i < at or j < to:
            pause()
            stretches.append(_beside(a, b, range(i, at), range(j, to)))
        last = stretches[-1] if stretches and size else None
        if isinstance(last, Equal) and (last.left + last.lines, last.right + last.lines) == (at, to):
            stretches[-1] = last._replace(lines=last.lines + size)  # each line may be a match of its own
        elif size:
            stretches.append(Equal(at, to, size))
        i, j = at + size, to + size
    return TextDiff(a, b, Aligned(stretches))


def _matches(a: Sequence[int], b: Sequence[int], pause: Pause) -> list[tuple[int, int, int]]:
    """Where parts of both are the same: from where in each, and how many lines."""
    found = list[tuple[int, int, int]]()
    parts = [(0, len(a), 0, len(b), 0)]
    while parts:
        pause()
        alow, ahigh, blow, bhigh, depth = parts.pop()
        start = alow, blow
        while alow < ahigh and blow < bhigh and a[alow] == b[blow]:
            alow, blow = alow + 1, blow + 1
        if alow > start[0]:
            found.append((*start, alow - start[0]))
        end = ahigh
        while alow < ahigh and blow < bhigh and a[ahigh - 1] == b[bhigh - 1]:
            ahigh, bhigh = ahigh - 1, bhigh - 1
        if ahigh < end:
            found.append((ahigh, bhigh, end - ahigh))
        if alow == ahigh or blow == bhigh:
            continue
        if (ahigh - alow) * (bhigh - blow) <= _EXACT:
            matcher = difflib.SequenceMatcher(None, a[alow:ahigh], b[blow:bhigh], autojunk=False)
            found += [(alow + at, blow + to, n) for at, to, n in matcher.get_matching_blocks() if n]
            continue
        if depth >= _DEPTH:
            continue
        anchors = _anchors(a, b, range(alow, ahigh), range(blow, bhigh))
        i, j = alow, blow
        for at, to in [*anchors, (ahigh, bhigh)] if anchors else []:
            if i < at or j < to:
                parts.append((i, at, j, to, depth + 1))
            if at < ahigh:
                found.append((at, to, 1))
            i, j = at + 1, to + 1
    return found


def _anchors(a: Sequence[int], b: Sequence[int], within: range, beside: range) -> list[tuple[int, int]]:
    """Lines that hold the parts together, in the order of both."""
    in_a, in_b = Counter(a[i] for i in within), Counter(b[j] for j in beside)
    common = in_a.keys() & in_b.keys()
    unique = {line for line in common if in_a[line] == 1 == in_b[line]}
    if unique:
        place = {b[j]: j for j in beside if b[j] in unique}
        return _ascending([(i, place[a[i]]) for i in within if a[i] in unique])
    rare = min((max(in_a[line], in_b[line]) for line in common), default=_RARE + 1)
    if rare > _RARE:
        return []
    # The nth of one is taken for the nth of the other, of those lines that both have as often.
    chosen = {line for line in common if in_a[line] == in_b[line] <= _RARE}
    if not chosen:
        first = min(common, key=lambda line: (max(in_a[line], in_b[line]), line))
        return [(next(i for i in within if a[i] == first), next(j for j in beside if b[j] == first))]
    places = dict[int, list[int]]()
    for j in beside:
        if b[j] in chosen:
            places.setdefault(b[j], []).append(j)
    turns = {line: iter(found) for line, found in places.items()}
    return _ascending([(i, next(turns[a[i]])) for i in within if a[i] in chosen])


def _ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs, in order of the first, that is in order of the second as well."""
    ends, at, before = list[int](), list[int](), list[int]()
    for place, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        at[length : length + 1] = [place]
    found, place = list[tuple[int, int]](), at[-1] if at else -1
    while place >= 0:
        found.append(pairs[place])
        place = before[place]
    return found[::-1]


def _beside(a: Sequence[str], b: Sequence[str], left: range, right: range) -> list[DiffRow]:
    """The lines of a change: alike ones beside each other, the others where one side has a gap."""
    if not left or not right or len(left) * len(right) > _PAIRED:
        both = min(len(left), len(right))
        rows = [DiffRow(left[n], right[n], False) for n in range(both)]
        rows += [DiffRow(i, None, False) for i in left[both:]]
        return rows + [DiffRow(None, j, False) for j in right[both:]]
    told = max(_LEAST_TOLD, min(_TOLD, _TOLD_IN_ALL // (len(left) * len(right))))
    words = [[Counter(_WORD.findall(line[:told])) for line in lines]
             for lines in (a[left.start : left.stop], b[right.start : right.stop])]  # fmt: skip
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    alike = [[_share(one, other) for other in words[1]] for one in words[0]]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            paired = best[i + 1][j + 1] + alike[i][j] if alike[i][j] >= _ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    rows, gaps, i, j = list[DiffRow](), (list[int](), list[int]()), 0, 0

    def close() -> None:
        rows.extend(DiffRow(i, j, False) for i, j in zip_longest(*gaps))
        gaps[0].clear()
        gaps[1].clear()

    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            pairs = alike[i][j] >= _ALIKE
            if pairs and best[i][j] == best[i + 1][j + 1] + alike[i][j]:
                close()
                rows.append(DiffRow(left[i], right[j], False))
                i, j = i + 1, j + 1
                continue
        if j == len(right) or (i < len(left) and best[i][j] == best[i + 1][j]):
            gaps[0].append(left[i])
            i += 1
        else:
            gaps[1].append(right[j])
            j += 1
    close()
    return rows


def _share(one: "Counter[str]", other: "Counter[str]") -> float:
    """What both have in common of their letters; space says nothing."""
    letters = sum(len(word) * n for word, n in (one | other).items() if not word.isspace())
    common = sum(len(word) * n for word, n in (one & other).items() if not word.isspace())
    return common / letters if letters else 1.0


Marks = tuple[tuple[int, int], ...]
"""Parts of a line, from a character to before another."""


@lru_cache(2_000)
def marks(left: str, right: str) -> tuple[Marks, Marks]:
    """What of two lines beside each other differs, in words; nothing where they have too little in common to
    tell.
    """
    if max(len(left), len(right)) > _LONG:
        return _ends(left, right)
    for pattern in (_WORD, _WORD_AND_SPACE):
        one, other = pattern.findall(left), pattern.findall(right)
        if max(len(one), len(other)) <= _WORDS and _same(one, other) <= _SAME:
            break
    else:
        return _ends(left, right)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    starts = [_starts(words) for words in (one, other)]
    found: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for kind, *places in matcher.get_opcodes():
        if kind == "equal":
            continue
        for side, (low, high) in enumerate((places[:2], places[2:])):
            if low < high:
                _join(found[side], starts[side][low], starts[side][high], (left, right)[side])
    marked = tuple(found[0]), tuple(found[1])
    is_all = all(
        sum(e - s for s, e in part) >= len(line) for part, line in zip(marked, (left, right), strict=True)
    )
    return ((), ()) if is_all else marked


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """How many pairs of words of both are the same, which is what comparing them takes."""
    there = Counter(other)
    return sum(there[word] for word in one)


def _join(parts: list[tuple[int, int]], start: int, end: int, line: str) -> None:
    """Parts with nothing but space between them are one."""
    if parts and not line[parts[-1][1] : start].strip():
        parts[-1] = parts[-1][0], end
    else:
        parts.append((start, end))


def _starts(words: Sequence[str]) -> list[int]:
    found = [0]
    for word in words:
        found.append(found[-1] + len(word))
    return found


def _before(line: str, last: int, step: int) -> str:
    """So many characters that stand before the `last` ones."""
    return line[len(line) - last - step : len(line) - last]


def _ends(left: str, right: str) -> tuple[Marks, Marks]:
    """The same of very long lines: all from where they differ first to where they differ last."""
    most, first = min(len(left), len(right)), 0
    step = 4_096
    while first < most and left[first : first + step] == right[first : first + step]:
        first += step
    first = min(first, most)
    while first < most and left[first] == right[first]:
        first += 1
    last, spare = 0, most - first
    while last + step <= spare and _before(left, last, step) == _before(right, last, step):
        last += step
    while last < spare and left[-1 - last] == right[-1 - last]:
        last += 1
    found = (((first, len(left) - last),), ((first, len(right) - last),))
    one, other = (tuple(part for part in side if part[0] < part[1]) for side in found)
    return one, other
