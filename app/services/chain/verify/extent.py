"""What there is to verify, as far as the file tells: it may be damaged, so each fact may be missing."""

from dataclasses import dataclass, replace
from typing import Any

import apsw

from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ, TABLE
from app.services.chain.verify.source import IN_THE_WAY


@dataclass(frozen=True, slots=True)
class Extent:
    """What is to be verified: `first <= seq <= last`, of `tenant` or of all.

    `lowest` and `highest` are the ends of the table, None where they cannot be read; it may reach further in
    a damaged file. `rows` is how many are to be met, None where that is not known, and `size` about how many
    have to be read for that. `counter` is AUTOINCREMENT's, where it was read in the same
    snapshot and the extent reaches that far. `partial` says that rows were left out on purpose.
    """

    first: int
    last: int
    tenant: str | None = None
    rows: int | None = None
    size: int = 0
    counter: int | None = None
    lowest: int | None = None
    highest: int | None = None
    partial: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """Where the rows lie, as far as it is known."""
        low = self.first if self.lowest is None else max(self.first, self.lowest)
        high = self.highest if self.highest is not None else self.counter
        return low, min(self.last, high if high is not None else low)


def ends(connection: apsw.Connection, tenant: str | None, first: int | None, last: int | None) -> Extent:
    """The extent of the table, or of the part that is asked for, its rows not counted yet.

    Damage never raises: what cannot be read is not known. Raises apsw's errors of a locked file.
    """
    lowest, lowest_known = _end(connection, "min")
    highest, highest_known = _end(connection, "max")
    counter = _counter(connection)
    if lowest_known and highest_known and (lowest is None or highest is None):
        return Extent(1, 0, tenant, counter=counter)
    if lowest is not None and highest is not None and lowest > highest:
        highest = None
    # From the first number the platform gives, in case the first row found is not the lowest.
    start = _unknown_start(connection) if not lowest_known else 1 if lowest is None else min(1, lowest)
    end = HIGHEST_SEQ if highest is None else max(highest, counter or highest)
    whole = last is None or highest is None or last >= highest
    return Extent(
        first=start if first is None else max(start, first),
        last=end if last is None else min(end, last),
        tenant=tenant,
        counter=counter if whole else None,
        lowest=lowest,
        highest=highest,
        partial=(first is not None and (lowest is None or first > lowest)) or not whole,
    )


def counted(connection: apsw.Connection, extent: Extent) -> Extent:
    """The same with its rows counted, which takes an index; in the snapshot that the ends are from."""
    size = _fact(connection, f"SELECT count(*) FROM main.{TABLE}")  # noqa: S608
    rows = size
    if extent.tenant is not None:
        counting = f"SELECT count(*) FROM main.{TABLE} WHERE tenant_id = ?"  # noqa: S608
        rows = _fact(connection, counting, extent.tenant)
    low, high = extent.span
    within = max(0, high - low + 1)
    return replace(
        extent,
        rows=None if extent.partial else rows,
        size=within if size is None else min(size, within) if extent.partial else size,
    )


def _unknown_start(connection: apsw.Connection) -> int:
    """Where to start if the lowest row cannot be read: below 1 only if that is not what is damaged."""
    sql = f"SELECT seq FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN 0 AND 0"  # noqa: S608
    try:
        connection.execute(sql).fetchone()
    except IN_THE_WAY:
        raise
    except apsw.Error:
        return 1
    return LOWEST_SEQ


def _end(connection: apsw.Connection, which: str) -> tuple[int | None, bool]:
    """The lowest or highest seq, and whether that could be read."""
    try:
        (row,) = connection.execute(f"SELECT {which}(seq) FROM main.{TABLE} NOT INDEXED")  # noqa: S608
    except IN_THE_WAY:
        raise
    except apsw.Error:
        return None, False
    return row[0], True


def _counter(connection: apsw.Connection) -> int | None:
    counter = _fact(
        connection,
        f"SELECT max(seq) FROM main.sqlite_sequence WHERE name = '{TABLE}'",  # noqa: S608
    )
    return counter if isinstance(counter, int) else None


def _fact(connection: apsw.Connection, sql: str, *params: str) -> Any:
    """The one value that a query gives, None where it cannot be read."""
    try:
        (row,) = connection.execute(sql, params)
    except IN_THE_WAY:
        raise
    except apsw.Error:
        return None
    return row[0]
