"""What there is to verify, as far as the file tells, and whether that was found.

The file may be damaged, so each fact may be missing.
"""

from dataclasses import dataclass, replace
from typing import Any

import apsw

from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ, TABLE, Code, Finding, end_is_lost
from app.services.chain.verify.follow import SEVERAL
from app.services.chain.verify.join import Chain, Joined
from app.services.chain.verify.source import IN_THE_WAY
from app.services.text import sql_name


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
    low = _read(connection, f"SELECT min(seq) FROM main.{TABLE} NOT INDEXED")  # noqa: S608
    high = _read(connection, f"SELECT max(seq) FROM main.{TABLE} NOT INDEXED")  # noqa: S608
    numbered = _read(connection, "SELECT max(seq) FROM main.sqlite_sequence WHERE name = ?", TABLE)
    lowest, highest = low and low[0], high and high[0]
    counter = numbered[0] if numbered and isinstance(numbered[0], int) else None
    if low and high and (lowest is None or highest is None):
        return Extent(1, 0, tenant, counter=counter)
    if lowest is not None and highest is not None and lowest > highest:
        highest = None
    # From the first number the platform gives, in case the first row found is not the lowest.
    start = 1 if lowest is None else min(1, lowest)
    if low is None:  # below 1 only if that is not what is damaged
        at_0 = f"SELECT count(*) FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN 0 AND 0"  # noqa: S608
        start = 1 if _read(connection, at_0) is None else LOWEST_SEQ
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


def with_counts(connection: apsw.Connection, extent: Extent) -> Extent:
    """The same with its rows counted, which takes an index; in the snapshot that the ends are from."""
    counting = f"SELECT count(*) FROM main.{TABLE}"  # noqa: S608
    every = own = _read(connection, counting)
    if extent.tenant is not None:
        own = _read(connection, f"{counting} WHERE tenant_id = ?", extent.tenant)
    size = every and every[0]
    low, high = extent.span
    within = max(0, high - low + 1)
    return replace(
        extent,
        rows=None if extent.partial else own and own[0],
        size=within if size is None else min(size, within) if extent.partial else size,
    )


def _read(connection: apsw.Connection, sql: str, *params: str) -> tuple[Any] | None:
    """The one row of one value that a query gives, None where it cannot be read."""
    try:
        ((value,),) = connection.execute(sql, params)
    except IN_THE_WAY:
        raise
    except apsw.Error:
        return None
    return (value,)


def readable(joined: Joined, extent: Extent) -> list[tuple[int, int]]:
    """The ranges of seqs between what could not be read, up to the end of the extent."""
    ranges, start = [], LOWEST_SEQ
    for first, last, _ in joined.gaps:
        ranges.append((start, first - 1))
        start = last + 1
    return [(first, last) for first, last in [*ranges, (start, extent.last)] if first <= last]


def name_gaps(joined: Joined, extent: Extent) -> None:
    """A finding for each stretch of entries that could not be read."""
    for first, last, why in joined.gaps:
        end = last
        if last >= extent.last and extent.counter is not None and extent.counter >= first:
            end = extent.counter
        if first == LOWEST_SEQ:
            which = "The first entries" if end == HIGHEST_SEQ else f"The entries up to {end}"
        elif end == HIGHEST_SEQ:
            which = f"The entries from {first} on"
        else:
            which = f"Entry {first}" if first == end else f"Entries {first} to {end}"
        how = "could not all be read" if why == SEVERAL else "could not be read"
        message = f"{which} {how}: the file is damaged there."
        seq = None if first == LOWEST_SEQ else first
        joined.add(Finding(Code.UNREADABLE, extent.tenant, seq, None, why, message))


def check_counters(joined: Joined, extent: Extent) -> None:
    """The counters beside the table against the rows that were seen."""
    end = max(extent.highest or 0, 0, *(chain.last_seq for chain in joined.chains.values()))
    counter, has_rows = extent.counter, bool(joined.chains) or extent.highest is not None
    lost = end_is_lost(counter, end if has_rows else None)
    if lost and not joined.gap_between(end, counter or 0):
        sentence = (
            f"The file has numbered entries up to {counter}, but its last entry is {end}: "
            "the entries after it were removed, unless an insert failed at the very end."
        )
        joined.add(Finding(Code.SEQUENCE_COUNTER, None, None, str(counter), str(end), sentence))
    # The table counts, and an index that knows less of it is only a damaged index.
    if extent.rows is not None and joined.complete and extent.rows > joined.entries:
        joined.incomplete(
            f"The file counts {extent.rows} entries, but {joined.entries} can be read in their order: "
            "it is damaged.",
            str(extent.rows),
            str(joined.entries),
        )
    nothing = not (joined.entries or extent.partial or extent.tenant)
    if joined.complete and nothing and extent.first <= extent.last:
        joined.incomplete("There is something in the table, but no entry can be read: the file is damaged.")


def explain_emptied(joined: Joined, extent: Extent) -> None:
    """A table without entries that once had some: the platform's cleanup may leave nothing.

    A range without entries says nothing of the rest.
    """
    emptied = not extent.partial and extent.first > extent.last and (extent.counter or 0) > 0
    if emptied and joined.complete and not joined.findings:
        sentence = (
            f"There are no entries, but the file has numbered some, up to {extent.counter}; "
            "nothing proves what they were."
        )
        joined.add(Finding(Code.UNPROVEN_START, None, None, None, str(extent.counter), sentence))


def check_indexes(connection: apsw.Connection, joined: Joined, extent: Extent) -> None:
    """Every index must lead to the rows that the table has: who reads through it would miss the others."""
    if extent.rows is None or extent.partial or not joined.complete or not joined.entries:
        return
    try:
        if extent.tenant is None:
            whole = "SELECT name FROM pragma_index_list(?) WHERE NOT partial"
            for (name,) in connection.execute(whole, (TABLE,)).fetchall():
                # count(*) alone would be taken from whichever index is the smallest.
                sql = f"SELECT count(typeof(seq)) FROM main.{TABLE} INDEXED BY {sql_name(str(name))}"  # noqa: S608
                ((count,),) = connection.execute(sql)
                if count != joined.entries:
                    sentence = (
                        f"The index {name} leads to {count:,} of {joined.entries:,} entries, "
                        "so whoever reads through it does not see what is there."
                    )
                    expected, actual = str(joined.entries), str(count)
                    joined.add(Finding(Code.INDEX, None, None, expected, actual, sentence))
        for chain in joined.chains.values():
            _check_ends(connection, joined, chain)
    except IN_THE_WAY:
        raise
    except apsw.Error:
        pass  # a damaged index says so to whoever reads it


def _check_ends(connection: apsw.Connection, joined: Joined, chain: Chain) -> None:
    """Whether a tenant's last entry is found as the append looks for it."""
    row = connection.execute(
        f"SELECT seq FROM main.{TABLE} WHERE tenant_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",  # noqa: S608
        (chain.tenant, chain.last_seq),
    ).fetchone()
    if joined.counts.get(Code.INDEX) or (row is not None and row[0] == chain.last_seq):
        return
    if any(
        item.tenant == chain.tenant and item.code in (Code.TYPE, Code.ENCODING) for item in joined.findings
    ):
        return  # whose name is not text as SQL compares it
    sentence = (
        f"An index hides entry {chain.last_seq} of {chain.tenant}, so the next append would not see it."
    )
    actual = None if row is None else str(row[0])
    joined.add(Finding(Code.INDEX, chain.tenant, chain.last_seq, str(chain.last_seq), actual, sentence))
