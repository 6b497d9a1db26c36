"""Rows read one by one in a file that may be damaged, and where it can be read again behind the damage."""

from collections.abc import Callable
from typing import Any

import apsw

from app.services.chain.entry import RAW_COLUMNS
from app.services.chain.rules import TABLE

FINE = 1 << 14
"""A search steps by this part of what it has passed already, so no row is missed near to where it began."""

COARSE = 1 << 20
"""Seqs behind which the steps of a search are doubled: it must end, whatever the numbers are."""

MOST_LOOKS = 1_000_000
"""Looks after which every search doubles its steps at once; about 4 s."""

_FIRST = (
    f"SELECT {{columns}} FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN ? AND ? "  # noqa: S608
    "ORDER BY seq {way} LIMIT 1"
)
_WHOLE = _FIRST.format(columns=RAW_COLUMNS, way="ASC")
_LOWEST = _FIRST.format(columns="seq", way="ASC")
_HIGHEST = _FIRST.format(columns="seq", way="DESC")

IN_THE_WAY = (apsw.BusyError, apsw.LockedError, apsw.InterruptError)
"""What SQLite raises of a sound file."""


class Damaged(Exception):
    """What should be there cannot be read; says why, and at which seq where that is known."""

    def __init__(self, why: str, seq: int | None = None) -> None:
        super().__init__(why)
        self.seq = seq


class Rows:
    """The rows of the table by seq, through its own b-tree alone: an index may be damaged as well.

    `breathe()` is called often while a search goes on, `interrupted()` when a statement was; both may raise.
    """

    def __init__(
        self, connection: apsw.Connection, breathe: Callable[[], None], interrupted: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._breathe, self._interrupted = breathe, interrupted
        self._looks = 0

    def first(self, first: int, last: int) -> tuple[Any, ...] | None:
        """The first row of the range as `RAW_COLUMNS`, None if there is none. Raises `Damaged`."""
        return self._checked(self._one(_WHOLE, first, last), first, last)

    def first_seq(self, first: int, last: int) -> int | None:
        """The seq of that row, even where the rest of it cannot be read. Raises `Damaged`."""
        row = self._checked(self._one(_LOWEST, first, last), first, last)
        return None if row is None else int(row[0])

    def ends_before(self, first: int, last: int) -> bool:
        """Whether the table has no row in the range, seen from its other end. Raises `Damaged`."""
        row = self._one(_HIGHEST, first, last)
        return row is None or row[0] < first

    def readable_behind(self, first: int, last: int) -> int | None:
        """The seq from which the table can be read again, `first` being one that leads into damage.

        None if that is nowhere up to `last`. Steps are small at first and grow with the distance, the place
        between the last two is found by bisection. What lies between damage and damage is missed only where
        it is smaller than a step.
        """
        bad = first
        while bad < last:
            good = min(last, bad + self._step(bad - first))
            if self._leads_somewhere(good, last):
                while good - bad > 1:
                    middle = (good + bad) // 2
                    if self._leads_somewhere(middle, last):
                        good = middle
                    else:
                        bad = middle
                return good
            bad = good
        return None

    def _step(self, passed: int) -> int:
        if passed >= COARSE or self._looks >= MOST_LOOKS:
            return max(1, passed)
        return max(1, passed // FINE)

    def _leads_somewhere(self, seq: int, last: int) -> bool:
        self._looks += 1
        self._breathe()
        try:
            self.first_seq(seq, last)
        except Damaged:
            return False
        return True

    def _checked(self, row: tuple[Any, ...] | None, first: int, last: int) -> tuple[Any, ...] | None:
        """The row, if the table is in order there: in a damaged one a search may end anywhere."""
        if row is None:
            if not self.ends_before(first, last):
                raise Damaged("rows are out of order")
        elif row[0] < first:
            raise Damaged("rows are out of order")
        return row

    def _one(self, sql: str, first: int, last: int) -> tuple[Any, ...] | None:
        while first <= last:
            try:
                row = self._connection.execute(sql, (first, last)).fetchone()
            except apsw.InterruptError:
                self._interrupted()
            except IN_THE_WAY:
                raise
            except (apsw.Error, MemoryError) as error:
                raise Damaged(str(error)) from error
            else:
                return row
        return None
