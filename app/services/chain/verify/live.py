"""The audit chain of a live database: read by pages through the engine, judged as a file's is.

No snapshot spans two requests, so what looks wrong may only be a change between two of them. Then the ranges
are counted again, at one moment, and those that changed are scanned again.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from app.services.chain.cautions import clock_off
from app.services.chain.entry import JUDGED, KINDS, RAW_COLUMNS, SIZE, USUAL_KINDS, Entry
from app.services.chain.rules import HIGHEST_SEQ, SOUND, TABLE, hashed, moment
from app.services.chain.verify.conclude import conclude
from app.services.chain.verify.join import Joined, join
from app.services.chain.verify.report import EVERYTHING, Extent, Report, Section
from app.services.chain.verify.scan import BLOCK, Job, Result, Scan, Stopped, rows_of
from app.services.chain.verify.source import SHAPE, Query, Reader, Row, require_chain
from app.services.chain.verify.verification import ENDS, Wish, ends, jobs_of, sealed
from models import errors
from models.engine import JSON_EXACT, Database, Pages, raw

LONG: Final = 4_096
"""Bytes of a row from which on it is read by itself."""

CLOSELY: Final = 500
"""Rows that are read by their bytes in one request, at most."""

CLOSELY_BYTES: Final = 2_000_000
"""How many bytes these have together, at most, unless a single row has more."""

RANGES: Final = 32
"""Into about how many ranges a table is cut, at most: one that changed meanwhile is read again whole."""

TRIES: Final = 3
"""How often what changed is read again."""

_OF_OLDER: Final = 3
"""How often each row of an earlier state is read: it is counted again, as others may have written meanwhile,
and looked through for what only came later.
"""

_USUAL: Final = " AND ".join(
    (
        USUAL_KINDS,
        "json_valid(payload)",
        f"created_at BETWEEN -{JSON_EXACT} AND {JSON_EXACT}",
        f"{SIZE} <= {LONG}",
    )
)
_SHORT: Final = ", ".join(f"CASE WHEN octet_length({name}) <= {LONG} THEN {name} END" for name in JUDGED)
_PAGE: Final = f"""
SELECT CAST(seq AS TEXT), {_SHORT}, CASE WHEN {_USUAL} THEN 0 ELSE {SIZE} + 1 END
FROM main.{TABLE} {{whose}} ORDER BY seq LIMIT ?"""  # noqa: S608
"""Seven columns and one flag: 0 of a row that JSON carries as it is, else more than it has bytes."""

_SIZES: Final = f"SELECT CAST(seq AS TEXT), {SIZE} + 1 FROM main.{TABLE} {{whose}} ORDER BY seq LIMIT ?"  # noqa: S608
"""The same for an engine that reads no row of a page where one has text that is none."""

_LAST: Final = f"SELECT CAST(seq AS TEXT) FROM main.{TABLE} {{whose}} ORDER BY seq DESC LIMIT 1"  # noqa: S608
"""The last row of the same range, which tells an answer that was cut from one that has all."""

_CLOSELY: Final = f"""
SELECT {RAW_COLUMNS} FROM main.{TABLE} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"""  # noqa: S608

_INDEXES: Final[Query] = ("SELECT count(*) FROM pragma_index_list(?) WHERE NOT partial", TABLE)


class BeingWritten(errors.TenantAdminError):
    """What looked wrong changed each time that it was read again."""

    heading = "It is being written just now"
    sentence = (
        "{what} is being written: entries came and went while it was verified, so nothing can be said of it "
        "yet. Nothing was changed; verify again."
    )


class LiveReader(Reader):
    """Of a live database: several are from one moment. Raises `TableMissing`, `source.CannotVerify`."""

    noun = "database"

    def __init__(self, database: Database) -> None:
        """`ends` is what `ENDS` gave; with what the table looks like it takes one request."""
        self._database, self.encoding = database, database.encoding
        self.ends: Sequence[list[Row] | None] | None = None
        shape = [raw(*one) for one in (*SHAPE, _INDEXES)]
        try:
            made, columns, indexes, *found = database.read_batch([*shape, *(raw(*one) for one in ENDS)])
            self.ends = found
        except (errors.TableMissing, errors.ColumnMissing):  # one of them, or that of AUTOINCREMENT alone
            made, columns, indexes = database.read_batch(shape)
        require_chain(database.place, made, columns)
        self.trusts_indexes = database.trusts_indexes
        self.indexes = 0 if self.trusts_indexes else int(indexes[0][0])
        """How many there are to be counted through."""

    def rows(self, sql: str, *values: object) -> Iterator[Row]:
        return iter(self._database.rows(raw(sql, *values)))

    def batch(self, queries: Sequence[Query]) -> list[list[Row] | None]:
        try:
            return [*self._database.read_batch([raw(*query) for query in queries])]
        except errors.TableMissing:  # without AUTOINCREMENT there is no table of counters
            return [self._alone(query) for query in queries]

    def _alone(self, query: Query) -> list[Row] | None:
        try:
            return self._database.rows(raw(*query))
        except errors.TableMissing:
            return None


class LiveScan(Scan):
    """Of a live database, page by page. `tick(done)` is told the rows done after each, and says to stop."""

    def __init__(self, database: Database, job: Job, tick: Callable[[int], bool]) -> None:
        super().__init__(job)
        self._database, self._tick, self._encoding = database, tick, database.encoding
        self._page: deque[tuple[int, Entry | None, Row]] = deque()
        self._fetched, most, self._clock = self._next - 1, int(job["page"]), job["clock"]
        self._pages = Pages(most, most=most)
        own = () if self._tenant is None else (self._tenant,)
        past = "NOT INDEXED WHERE" if self._tenant is None else "WHERE tenant_id = ? AND"
        self._whose, self._own = f"{past} seq BETWEEN ? AND ?", own

    def _first_seq(self) -> int | None:
        while not self._page and self._fetched < self._end:
            self._fetch()
        return self._page[0][0] if self._page else None

    def _scan(self) -> None:
        quick, judge = self._quick, self._follower.judge
        while (seq := self._first_seq()) is not None and seq <= self._last:
            _, entry, checked = self._page.popleft()
            if entry is not None:
                judge(entry)
            elif not quick(*checked, seq):
                judge(_entry(seq, checked))

    def _fetch(self) -> None:
        """The next page: rows that JSON carried as they are, and others by their bytes."""
        if self._tick(self._done):
            raise Stopped
        limit = self._pages.limit
        values = (*self._own, self._fetched + 1, self._end)
        last = raw(_LAST.format(whose=self._whose), *values)
        page, sizes = (raw(sql.format(whose=self._whose), *values, limit) for sql in (_PAGE, _SIZES))
        try:
            rows, ends = self._database.read_batch([page, last])
        except errors.UndecodableText:
            rows, ends = self._database.read_batch([sizes, last])
        except errors.AnswerTooLong:
            if not self._pages.too_long():
                raise
            return
        with errors.well_formed(self._database.place):
            found: dict[int, Row | int] = {int(row[0]): _checked(row) for row in rows}
            seqs = [self._fetched, *found, self._end + 1]
            if len(found) < len(rows) or seqs != sorted(seqs) or seqs[0] in found or seqs[-1] in found:
                raise ValueError("rows out of their order")
            end = int(ends[0][0]) if ends else self._fetched
            if (end > self._fetched and not found) or (found and not ends):
                raise errors.NoAnswer(self._database.place, "it gave none of the rows that are there")
        self._fetched = self._end if seqs[-2] >= end else seqs[-2]
        closely = self._closely([(seq, size) for seq, size in found.items() if isinstance(size, int)])
        for seq, checked in found.items():
            if not isinstance(checked, int):
                self._page.append((seq, None, checked))
            elif seq in closely:  # and was not removed meanwhile
                self._page.append((seq, closely[seq], ()))
        self._follower.judge_by(moment(self._clock))  # now that it is read: that may have waited for long
        self._pages.took(rows)

    def _closely(self, sizes: Sequence[tuple[int, int]]) -> dict[int, Entry]:
        """The rows by their bytes, as many in a request as are not too long."""
        entries: dict[int, Entry] = {}
        some: list[int] = []
        total = 0
        for position, (seq, size) in enumerate(sizes):
            some.append(seq)
            total += size
            behind = sizes[position + 1][1] if position + 1 < len(sizes) else CLOSELY_BYTES
            if total + behind >= CLOSELY_BYTES or len(some) >= CLOSELY:
                rows = self._database.rows(raw(_CLOSELY, json.dumps(some)))
                with errors.well_formed(self._database.place):
                    entries |= {entry.seq: entry for entry in (Entry(row, self._encoding) for row in rows)}
                some, total = [], 0
        return entries


def _checked(row: Row) -> Row | int:
    """What the quick check takes of a row of `_PAGE`, but its number; or about how many bytes it has, where
    they have to be read. Raises `ValueError`, and `TypeError`, for what is no such row.
    """
    if row[-1]:
        if not 0 < row[-1] <= JSON_EXACT:
            raise ValueError("no number of bytes")
        return int(row[-1])
    _, tenant, event, payload, previous, stored, at = row[:-1]
    if "\ufffd" in tenant + event + payload + previous + stored:  # which stands for bytes that are no text
        return LONG
    try:
        data = hashed(previous.encode(), event.encode(), payload.encode(), b"%d" % at)
    except UnicodeEncodeError:
        return LONG
    return (data, stored, previous, tenant, event, at) if sha256(data).hexdigest() == stored else LONG


def _entry(seq: int, checked: Row) -> Entry:
    """The row that the quick check turned down, of values that are exactly those that are stored."""
    data, stored, previous, tenant, event, at = checked
    start = len(previous.encode()) + len(event.encode()) + 2
    payload = data[start : len(data) - len(str(at)) - 1]
    values = (tenant.encode(), event.encode(), payload, previous.encode(), stored.encode(), b"%d" % at)
    row: list[Any] = [seq]
    for name, value in zip(JUDGED, values, strict=True):
        row += KINDS[name], value
    return Entry((*row, 1))


def scan_range(database: Database, job: Job, tick: Callable[[int], bool]) -> Result:
    """Does one job. Raises `Stopped` where `tick(done)` says so, and the storage errors."""
    return LiveScan(database, job, tick).run()


def rows_to_read(database: Database, section: Section = EVERYTHING, known_through: int = 0) -> int:
    """About how many rows a verification reads, at most, as they are charged: each once, and of the whole
    once more through each index; `_OF_OLDER` times as many where checkpoints knew entries through a number
    behind the last one. Raises as `verify`.
    """
    with database.connection_context():
        reader = LiveReader(database)
        extent = ends(reader, section, reader.ends)
        low, high = extent.span
        some = f"main.{TABLE} NOT INDEXED WHERE seq BETWEEN ? AND ?"
        (rows,) = database.rows_in([(max(0, high - low + 1), some, low, high)])
    rows *= 1 if section != EVERYTHING else 1 + reader.indexes
    return rows * (_OF_OLDER if (extent.highest or 0) < known_through else 1)


def verify(database: Database, wish: Wish) -> Report:
    """`verification.verify` of a live database; raises `BeingWritten`, `Cancelled` and the storage errors.

    The rows are those that are there at the start. Where something is wrong what changed meanwhile is read
    again, and what was appended, so that no writer, no retention and no cleanup makes a finding.
    """
    started = time.perf_counter()
    with (
        database.connection_context(),
        database.in_background(wish.monitor.cancelled),
        wish.executor.start(wish.executor.most),
    ):
        reader = LiveReader(database)
        at = moment(wish.now)  # not before: it may have had to wait
        report = _Verification(database, reader, wish).run()
    report = replace(report, seconds=time.perf_counter() - started, at=at)
    if (off := clock_off(database)) is None:
        return report
    return replace(report, notes=(*report.notes, off.judged_by), clock=off.judged_by)


class _Verification:
    """`_ranges` of numbers with what each scan gave, and how many rows they had when they were counted."""

    def __init__(self, database: Database, reader: LiveReader, wish: Wish) -> None:
        self._database, self._reader, self._wish = database, reader, wish
        self._extent = ends(reader, wish.section, reader.ends)
        self._is_cut = False
        """Whether fewer or more rows were read of ranges than there were before and behind that."""
        self._ranges = _ranges(self._extent, BLOCK if wish.records else wish.page)
        self._counted: list[int | None] = [None for _ in self._ranges]
        self._results: list[Result] = [{} for _ in self._ranges]
        low, high = self._extent.span
        self._done, self._total = 0, max(0, high - low + 1)

    def run(self) -> Report:
        self._scan(range(len(self._ranges)))
        for again in range(TRIES + 1):
            joined = join(self._results)
            extent = replace(self._extent, rows=None if self._extent.partial else joined.entries)
            report = conclude(self._reader, joined, extent, self._wish.history)
            done = report.verdict in SOUND and self._reaches_end(joined)
            changed = set() if done else self._changed(first=not again)
            if not changed:
                self._watch(0)
                return sealed(report, joined, extent, self._wish)
            if again < TRIES:
                self._scan(sorted(changed))
        if self._is_cut:
            raise errors.NoAnswer(self._database.place, "it gives other rows than it counts")
        raise BeingWritten(self._database.place)

    def _reaches_end(self, joined: Joined) -> bool:
        """Whether the table's last row was read, of a whole table; it may have gone since."""
        extent = self._extent
        if extent.partial or extent.tenant is not None or extent.highest is None:
            return True
        return any(chain.last_seq >= extent.highest for chain in joined.chains.values())

    def _scan(self, positions: Sequence[int]) -> None:
        ranges = [self._ranges[position] for position in positions]
        if self._watch(0):
            raise errors.Cancelled
        jobs = jobs_of(self._wish, ranges, page=self._wish.page, clock=self._wish.now)
        found = self._wish.executor.scan(jobs, small_rows=True, watch=self._watch)
        for position, result in zip(positions, found, strict=True):
            self._results[position] = result
        self._done = sum(map(rows_of, self._results))

    def _watch(self, done: int) -> bool:
        done = min(self._done + done, self._total)
        self._wish.monitor.progress(done, self._total)
        return self._wish.monitor.cancelled()

    def _changed(self, *, first: bool) -> set[int]:
        """The ranges that are not as they were read, or were not while they were; the last one reaches to the
        end that there is now. None where what was found is true of the moment of this counting.
        """
        tenant, upto = self._wish.section.tenant, self._wish.section.last
        own, whose = ((), "NOT INDEXED WHERE") if tenant is None else ((tenant,), "WHERE tenant_id = ? AND")
        sql = f"SELECT count(*) FROM main.{TABLE} {whose} seq BETWEEN ? AND ?"  # noqa: S608
        begin, end = self._ranges[-1]
        asked = [*self._ranges, (min(end + 1, HIGHEST_SEQ), HIGHEST_SEQ if upto is None else upto)]
        found = self._reader.batch([*ENDS, *((sql, *own, *one) for one in asked)])
        now = ends(self._reader, self._wish.section, found[: len(ENDS)])
        *counts, behind = (int(rows[0][0]) for rows in found[len(ENDS) :] if rows)
        seen = map(rows_of, self._results)
        changed = {
            position
            for position, (count, judged, before) in enumerate(zip(counts, seen, self._counted, strict=True))
            if count != judged or before not in (None, count)
        }
        has_grown = now.last > self._extent.last
        self._is_cut = not has_grown and all(
            self._counted[position] == counts[position] for position in changed
        )
        if not changed and not (first and has_grown):
            return set()
        self._reader.has_blobs = None
        if has_grown:
            self._ranges[-1] = begin if len(counts) > 1 else now.first, now.last
            counts[-1] += behind
            changed.add(len(counts) - 1)
        self._extent, self._counted = now, [*counts]
        return changed


def _ranges(extent: Extent, unit: int) -> list[tuple[int, int]]:
    """The extent cut by seq at whole blocks, or into full pages where numbers have no gaps."""
    if extent.last < extent.first:
        return [(extent.first, extent.last)]
    low, high = extent.span
    size = max(1, -(-(high - low + 1) // (unit * RANGES))) * unit
    start = (low // BLOCK + 1) * BLOCK if unit == BLOCK else low + size
    cuts = [cut for cut in range(start, high + 1, size) if extent.first < cut <= extent.last]
    behind = [*cuts, extent.last + 1]
    return [(first, end - 1) for first, end in zip([extent.first, *cuts], behind, strict=True)]
