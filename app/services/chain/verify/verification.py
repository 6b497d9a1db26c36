"""Verifies the audit chain of a file; where and by whom its ranges are scanned is the executor's."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, Required, TypedDict

import apsw

from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.rules import (
    HIGHEST_SEQ,
    LOWEST_SEQ,
    SOUND,
    TABLE,
    Code,
    Finding,
    Now,
    Verdict,
    moment,
)
from app.services.chain.verify import source
from app.services.chain.verify.conclude import conclude
from app.services.chain.verify.join import Joined, join, next_seal
from app.services.chain.verify.report import EVERYTHING, Extent, Report, Section
from app.services.chain.verify.scan import BLOCK, Job, Result
from app.services.chain.verify.source import IN_THE_WAY, Query, Reader, Row
from models import engine, errors, progress, schema
from models.local.in_use import known

WORTH_A_PROCESS: Final = 20_000
"""Rows below which starting a process takes longer than it saves."""

LARGE_ROW: Final = 32_768
"""Bytes of an average row from which on a scan in this process could not stop in time."""

SMALL_FILE: Final = 4_000_000
"""Bytes of a file that is done in no time, whatever its rows."""

LEAST_RANGE: Final = 8_000
"""Rows of the smallest range, which take about 12 ms: by so much may one process end before another."""


ENDS: Final[tuple[Query, ...]] = (
    (f"SELECT CAST(min(seq) AS TEXT) FROM main.{TABLE} NOT INDEXED",),  # noqa: S608
    (f"SELECT CAST(max(seq) AS TEXT) FROM main.{TABLE} NOT INDEXED",),  # noqa: S608
    (f"SELECT number FROM ({schema.COUNTED}) WHERE kind = 'integer'", TABLE),  # noqa: S608
)
"""The lowest and the highest number there is, and AUTOINCREMENT's: to be read at one moment."""


def ends(reader: Reader, section: Section, found: Sequence[list[Row] | None] | None = None) -> Extent:
    """The extent of the table, or of the section that is asked for, its rows not counted yet.

    `found` is what `ENDS` gave where that was asked together with something else. Damage never raises: what
    cannot be read is not known. Raises apsw's errors of a locked file.
    """
    tenant, first, last = section
    low, high, numbered = reader.batch(ENDS) if found is None else found
    lowest, highest, counter = map(_number, (low, high, numbered))
    if low and high and (lowest is None or highest is None):
        return Extent(1, 0, tenant, counter=counter)
    if lowest is not None and highest is not None and lowest > highest:
        highest = None
    # From the first number the platform gives, in case the first row found is not the lowest.
    start = 1 if lowest is None else min(1, lowest)
    if low is None:  # below 1 only if that is not what is damaged
        at_0 = f"SELECT count(*) FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN 0 AND 0"  # noqa: S608
        start = 1 if reader.batch([(at_0,)]) == [None] else LOWEST_SEQ
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
        asked_through=HIGHEST_SEQ if last is None else last,
    )


def with_counts(reader: Reader, extent: Extent) -> Extent:
    """The same with its rows counted, which takes an index; in the snapshot that the ends are from."""
    counting = f"SELECT count(*) FROM main.{TABLE}"  # noqa: S608
    size = rows = _number(*reader.batch([(counting,)]))
    if extent.tenant is not None:
        rows = _number(*reader.batch([(f"{counting} WHERE tenant_id = ?", extent.tenant)]))
    low, high = extent.span
    within = max(0, high - low + 1)
    return replace(
        extent,
        rows=None if extent.partial else rows,
        size=within if size is None else min(size, within) if extent.partial else size,
    )


def _number(rows: list[Row] | None) -> int | None:
    """The one number that a query gave; None where it gave none, or could not be read."""
    return int(rows[0][0]) if rows and rows[0][0] is not None else None


class Executor(Protocol):
    """Where ranges are scanned. `most` is how many at once are worth it."""

    @property
    def most(self) -> int: ...

    def start(self, count: int) -> AbstractContextManager[object]:
        """Gets `count` ready, gone at the end of the block: finding out what there is to do takes as long."""

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        """The results of `scan_range` for the jobs, in their order, by those that were got ready.

        `small_rows` says that a scan in the calling thread could stop in time. `watch(done)` is told of the
        rows done so far, at least ten times a second in the calling thread, and says whether to stop. Raises
        `Cancelled`, and `TenantAdminError` where a scan ended before it had a result.
        """


def verify(path: Path, wish: "Wish") -> Report:
    """Verifies the chains of a file, or a section of them.

    The rows are those that are there at the start; rows appended meanwhile are not looked at. Nothing is
    written. Damage and bad data never raise: the verdict is UNREADABLE or TAMPERED. Raises `Cancelled`,
    `FileMissing`, `NotADatabase`, `TableMissing`, `source.CannotVerify`, `FileLocked`, `CannotOpen`
    and the executor's errors.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        where = source.Source(path, stack)
        at = moment(wish.now)
        report, disturbed = _attempt(where, wish)
        if disturbed and report.verdict not in SOUND:
            # Each scan saw the file at another moment, so what looks wrong may only be a change between
            # them. One scan sees one moment.
            where.unfrozen()
            at = moment(wish.now)
            report, _ = _attempt(where, replace(wish, one_moment=True))
        where.require_in_place()
    return replace(report, seconds=time.perf_counter() - started, at=at)


class Options(TypedDict, total=False):
    """What of a `Wish` whoever asks for a verification may choose."""

    now: Required[Now]
    section: Section
    checkpoints: CheckpointHistory | None
    seal: bool
    monitor: progress.Monitor
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a verification is to do, in a file or in a live database.

    `executor` scans the ranges. `now` is for times in the future: a clock is asked behind what was read, as
    that may have been waited for. `checkpoints` is what is known of it (`CheckpointStore.known`); with `seal`
    the report gets what a new checkpoint is made of. Both look at whole chains: of a range, only the starts
    that were adopted and the last entries that were known count. `monitor` is told rows, and asked, in the
    calling thread, at least ten times a second. A live database is read by the `page` of so many rows.
    """

    executor: Executor
    now: Now
    section: Section = EVERYTHING
    checkpoints: CheckpointHistory | None = None
    seal: bool = False
    monitor: progress.Monitor = progress.UNWATCHED
    page: int = engine.PAGE_ROWS
    one_moment: bool = False

    @property
    def history(self) -> CheckpointHistory:
        return self.checkpoints or CheckpointHistory()

    @property
    def seals(self) -> bool:
        return self.seal and self.section == EVERYTHING

    @property
    def records(self) -> bool:
        """Whether the scan takes digests: something is known to hold them against, or is to be sealed."""
        return self.seals or bool(self.history.checkpoints)

    def at_once(self, rows: int) -> int:
        """How many scans are worth their while for so many rows."""
        return 1 if self.one_moment else max(1, min(self.executor.most, rows // WORTH_A_PROCESS))


def sealed(report: Report, joined: Joined, extent: Extent, wish: Wish) -> Report:
    """The report with what a checkpoint is made of, where that was asked."""
    if not wish.seals:
        return report
    through = max(extent.last, extent.counter or 0)  # the latter of an emptied table
    return replace(report, seal=next_seal(joined, wish.history, through))


def _attempt(where: source.Source, wish: Wish) -> tuple[Report, bool]:
    """One verification, and whether somebody changed the file while it ran."""
    with ExitStack() as stack:
        try:
            try:
                try:
                    connection, tolerant = _open(where, tolerant=False), False
                except (apsw.CorruptError, apsw.FormatError):
                    connection, tolerant = _open(where, tolerant=True), True
                stack.callback(connection.close)
                version = connection.pragma("data_version")
                connection.execute("BEGIN")
                reader = source.FileReader(connection)
                extent = ends(reader, wish.section)
                low, high = extent.span
                stack.enter_context(wish.executor.start(wish.at_once(high - low + 1)))
                extent = with_counts(reader, extent)
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if wish.one_moment and wish.section.last is None:
                    # The scan's own snapshot is younger than this one, and is to be seen whole.
                    extent = replace(extent, last=HIGHEST_SEQ, rows=None, counter=None)
            except (apsw.CorruptError, apsw.FormatError):
                raise  # damage, which becomes a verdict
            except apsw.Error as error:
                raise known(error, where.path) or error from error
            total = extent.size if extent.rows is None else extent.rows

            def watch(done: int) -> bool:
                wish.monitor.progress(done, max(done, total))
                return wish.monitor.cancelled()

            if watch(0):
                raise errors.Cancelled
            frozen = where.frozen or wish.one_moment
            jobs = jobs_of(wish, _ranges(extent, wish), uri=where.uri, tolerant=tolerant, frozen=frozen)
            size = int(connection.pragma("page_count")) * int(connection.pragma("page_size"))
            small_rows = size < SMALL_FILE or size // max(1, extent.size) < LARGE_ROW
            joined = join(wish.executor.scan(jobs, small_rows=small_rows, watch=watch))
            disturbed = connection.pragma("data_version") != version or not where.undisturbed()
            if disturbed:
                extent = replace(extent, rows=None)
            if tolerant and joined.complete:
                joined.incomplete(
                    "The file is damaged, or cut short, though not in the entries that were found."
                )
            report = sealed(conclude(reader, joined, extent, wish.history), joined, extent, wish)
            watch(joined.entries)
            return report, disturbed
        except IN_THE_WAY as error:
            raise known(error, where.path) or error from error
        except (apsw.CorruptError, apsw.IOError, apsw.FormatError, UnicodeDecodeError) as error:
            sentence = "The audit chain cannot be read at all: the file is damaged."
            finding = Finding(Code.UNREADABLE, None, None, None, str(error), sentence)
            report = Report(Verdict.UNREADABLE, 0, 0.0, (finding,), (), {Code.UNREADABLE: 1})
            return report, not where.undisturbed()


def _open(where: source.Source, *, tolerant: bool) -> apsw.Connection:
    """A connection to a file with the table; `tolerant` tells SQLite to put up with damage."""
    connection = source.connect(where.uri, tolerant=tolerant)
    try:
        source.check_table(connection, where.path)
    except BaseException:
        connection.close()
        raise
    return connection


def jobs_of(wish: Wish, ranges: Iterable[tuple[int, int]], **same: object) -> list[Job]:
    """A job for each range; `same` is what they all are told beside it."""
    marks = wish.history.marks if wish.records else None
    same |= {"now": moment(wish.now), "tenant": wish.section.tenant}
    return [
        same
        | {
            "first": first,
            "last": last,
            "marks": None if marks is None else [mark for mark in marks if first <= mark[0] <= last],
        }
        for first, last in ranges
    ]


def _ranges(extent: Extent, wish: Wish) -> list[tuple[int, int]]:
    """The extent cut by seq: a part of what is left each time, so that all processes end together."""
    if extent.last < extent.first:
        return []
    count = wish.at_once(extent.size)
    cuts: list[int] = []
    if count > 1:
        at, high = extent.span
        least = max(1, (high - at + 1) * LEAST_RANGE // extent.size)
        while high - at > 2 * least:
            at += max(least, (high - at) // (count + 1))
            cuts.append(at)
    if wish.records:
        cuts = [(cut + BLOCK // 2) // BLOCK * BLOCK for cut in cuts]
    cuts = [extent.first, *sorted({cut for cut in cuts if extent.first < cut <= extent.last})]
    return [(cut, next_cut - 1) for cut, next_cut in zip(cuts, [*cuts[1:], extent.last + 1], strict=True)]
