"""To which of many records an act applies, and what is said of those that it leaves as they are.

And what a person has seen of records before they act upon them: that must still be so when it is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.services.records.list_query import CELL_CHARACTERS
from app.services.records.rows import ID, Image, RowChange, StoredRow, Value, legible, shown
from app.services.records.tables import DECLARED, ColumnKind, TableColumn
from app.services.text import some_of, visible
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

    def add(self, why: str, name: str = "", count: int = 1, *, which: str = "") -> None:
        """`which` of several of one name it is stands behind that, whole."""
        if count:
            self.reasons[why] = self.reasons.get(why, 0) + count
            named = self.names.setdefault(why, [])
            if name and len(named) < NAMED:
                cut = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
                named.append(f"{cut} {which}".strip())

    def and_also(self, other: "Left") -> "Left":
        """Both; the names of the first reasons stand before."""
        both = Left()
        for one in (self, other):
            for why, count in one.reasons.items():
                both.add(why, count=count)
                both.names[why] = [*both.names[why], *one.names[why]][:NAMED]
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


Seen = Mapping[tuple[str, Any], Mapping[str, Any]]
"""By table and record id: values by the names of a list's columns, as its rows have them."""

_HELD: Final = {
    ColumnKind.ID,
    ColumnKind.WORD,
    ColumnKind.NAME,
    ColumnKind.PROSE,
    ColumnKind.FLAG,
    ColumnKind.PRESENCE,
}
"""Times and figures go on while the platform works, and mean no other record."""


def seen_of(table: str, rows: Iterable[Sequence[Any]], columns: Sequence[str] = ()) -> Seen:
    """Of rows of the table's list, or of some of its columns, the id first. What only the file has is not
    among them.
    """
    names = columns or DECLARED[table].names
    return {(table, row[0]): dict(zip(names, row, strict=False)) for row in rows}


def seen_of_changes(changes: Iterable[RowChange]) -> dict[tuple[str, Any], Mapping[str, Any]]:
    """Of the rows that an act was about to write, as they were read."""
    return {
        (change.table, change.record_id): {
            column.name: _as_listed(column, change.before[column.source])
            for column in DECLARED[change.table].listed
            if column.source in change.before
        }
        for change in changes
        if change.before is not None and change.table in DECLARED
    }


def changed_since(table: str, seen: Mapping[str, Any], image: Image) -> str | None:
    """Which record it is, and which of its columns are not as they were seen, as far as `image` has them."""
    if not seen:
        return None
    labels = [
        column.label
        for column in DECLARED[table].columns
        if column.kind in _HELD
        and column.name in seen
        and column.source in image
        and not _is_same(seen[column.name], _as_listed(column, image[column.source]), image[column.source])
    ]
    if not labels:
        return None
    return as_seen(table, seen, ", ".join(labels))


def as_seen(table: str, seen: Mapping[str, Any], what: str) -> str:
    """Which record it is, by what was seen of it, and `what` is so of it by now."""
    declared = DECLARED[table]
    named = (seen.get(name) for name in (*(declared.heading or (declared.main,)), ID))
    # A URL may let anybody post there.
    name = next((str(shown(one)) for one in named if one and "://" not in str(one)), "")
    return " ".join(filter(None, ("the", declared.noun[0], visible(name[:80]), f"({what})")))


def _as_listed(column: TableColumn, value: Value) -> Any:
    if column.kind is ColumnKind.PRESENCE:
        return int(value not in (None, ""))
    return legible(value)


def _is_same(seen: Any, now: Any, stored: Value) -> bool:
    """Whether a list, which cuts long texts, shows the one where it had the other."""
    if stored == b"" and seen is None:  # SQL cuts no bytes to NULL
        return True
    if isinstance(seen, str) and isinstance(now, int | float):  # what cuts a text reads a number as one
        return seen in {str(now), f"{now:.15g}"} or _number(seen) == now
    if not isinstance(now, str) or not isinstance(seen, str):
        return bool(seen == now)
    is_plain = isinstance(stored, str) and "\0" not in stored
    most = CELL_CHARACTERS if is_plain else CELL_CHARACTERS // 4  # the others are cut by their bytes
    return seen[:most] == now[:most]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
