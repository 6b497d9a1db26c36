"""To which of many records an act applies, and what is said of those that it leaves as they are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.services.records.rows import StoredRow
from app.services.text import some_of
from models.errors import NothingToDo

NAMED: Final = 2
"""Of the records that are left for one reason, how many are named."""
_LONGEST: Final = 40
"""Characters of such a name."""
GONE: Final = "no longer there"
"""Why a record is left that somebody has removed meanwhile."""


@dataclass(slots=True)
class Left:
    """The records that an act on many leaves as they are, by the reason, each with its name. `told` is what a
    person hears of them behind what was done.
    """

    reasons: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, why: str, name: str = "", count: int = 1) -> None:
        if count:
            self.reasons[why] = self.reasons.get(why, 0) + count
            named = self.names.setdefault(why, [])
            if name and len(named) < NAMED:
                named.append(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")

    def and_also(self, other: "Left") -> "Left":
        """Both; the names of the first reasons stand before."""
        both = Left()
        for one in (self, other):
            for why, count in one.reasons.items():
                for name in one.names.get(why, ()):
                    both.add(why, name)
                both.add(why, count=count - len(one.names.get(why, ())))
        return both

    @property
    def count(self) -> int:
        return sum(self.reasons.values())

    @property
    def why(self) -> str:
        """“2 already paused (A, B), 1 no longer there”; without the number of one reason alone."""
        return ", ".join(self._of(why) for why in self.reasons)

    @property
    def told(self) -> str:
        """Behind a summary; "" where nothing is left."""
        they_are = "it is" if self.count == 1 else "they are"
        return f"; {self.count:,} left as {they_are}: {self.why}" if self.count else ""

    def _of(self, why: str) -> str:
        count, names = self.reasons[why], self.names[why]
        number = f"{count:,} " if len(self.reasons) > 1 else ""
        return f"{number}{why}{f' ({some_of(names, len(names), count)})' if names else ''}"


NONE_LEFT: Final = Left()


def those_that_can(
    rows: Sequence[StoredRow],
    wanted: int,
    why_not: Callable[[StoredRow], str | None],
    name: Callable[[StoredRow], str] = lambda row: "",
) -> tuple[list[StoredRow], Left]:
    """Of the rows found of so many `wanted` those to which an act applies, and the others: `why_not` gives
    the reason in the words that follow “left as it is: ”, None for none. Decided from the rows as the act
    reads them, never from what a list showed.
    """
    left = Left()
    able = []
    for row in rows:
        reason = why_not(row)
        if reason is None:
            able.append(row)
        else:
            known = len(left.names.get(reason, ())) >= NAMED
            left.add(reason, "" if known else name(row))
    left.add(GONE, count=wanted - len(rows))
    return able, left


def gone_already(rows: Sequence[StoredRow], wanted: int) -> Left:
    """What an act leaves that applies to all there are: those that were removed meanwhile."""
    return those_that_can(rows, wanted, lambda row: None)[1]


def require_some(able: Iterable[object], left: Left, alone: str) -> None:
    """Raises `NothingToDo` where the act applies to none: `alone` is its sentence where there is one reason
    for all, else each reason is said.
    """
    if not any(True for _ in able):
        is_so = len(left.reasons) == 1 and GONE not in left.reasons
        raise NothingToDo(alone if is_so else f"Nothing was changed: {left.why or GONE}.")
