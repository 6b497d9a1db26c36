"""Verifies the audit chain in child processes. The only place that starts them; never imports Qt.

verify(path, tenant=None, seq_from=None, seq_to=None, now=…, processes=None,
       progress=None, cancelled=None, take_part=False) -> Report
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from app.services.chain.verify import source
from app.services.chain.verify.codes import Code, Verdict
from app.services.chain.verify.comparison import Witness, sealed_chains
from app.services.chain.verify.conclude import conclude
from app.services.chain.verify.extent import LAST_SEQ, Extent, counted, ends
from app.services.chain.verify.join import Joined, join
from app.services.chain.verify.report import Finding, Report, Seal
from app.services.chain.verify.rows import IN_THE_WAY
from app.services.chain.verify.scan import BLOCK
from app.services.errors import Cancelled
from app.workers.scan import ScanChildren

MOST_PROCESSES = 4
"""More are little faster, since they read the same file, and each takes about 20 MB."""

WORTH_A_CHILD = 20_000
"""Rows below which starting a process takes longer than it saves."""

OWN_ROW_BYTES = 32_768
"""This process takes no range itself when rows are larger on average: it could not stop in time."""

SMALL_FILE = 4_000_000
"""Bytes of a file that is done in no time, whatever its rows."""

LEAST_RANGE = 8_000
"""Rows of the smallest range, which take about 12 ms: by so much may one process end before another."""

BASELINE_EVERY = 64
"""After so many checkpoints the next covers everything, which bounds what a verification holds against."""


Progress = Callable[[int, int], None]


def verify(
    path: Path,
    *,
    tenant: str | None = None,
    seq_from: int | None = None,
    seq_to: int | None = None,
    now: int,
    processes: int | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    take_part: bool = False,
    checkpoints: Witness | None = None,
    seal: bool = False,
) -> Report:
    """Verifies the chains of a file, of one tenant, or the rows `seq_from <= seq <= seq_to`.

    `now` is epoch seconds, for times in the future. `processes` is how many ranges are scanned at once (the
    number of cores, up to `MOST_PROCESSES`, if None). With `take_part` this process is one of those that
    scan, which is faster and right for a command line; a process with an interface must leave it off.
    `progress(done, total)` in rows and `cancelled()` are called in the calling thread, at least ten times a
    second.

    `checkpoints` is what is known of the file (`CheckpointStore.witness`); with `seal` the report gets what a
    new checkpoint is made of. Both look at whole chains: of a range, only the starts that were adopted count.

    The rows are those that are there at the start; rows appended meanwhile are not looked at. Nothing is
    written. Damage and bad data never raise: the verdict is UNREADABLE or TAMPERED. Raises `Cancelled`,
    `FileMissing`, `NotADatabase`, `TableMissing`, `source.CannotVerify`, `FileLocked`, `CannotOpen`,
    `CannotStart`, `ChildFailed`.
    """
    started = time.perf_counter()
    watch = _Watch(progress or (lambda done, total: None), cancelled or (lambda: False))
    with ExitStack() as stack:
        where = source.Source(path, folder=lambda: source.scratch(stack))
        ranged = seq_from is not None or seq_to is not None
        known = checkpoints or Witness()
        witness = Witness(adopted=known.adopted) if ranged else known
        seal = seal and not ranged and tenant is None
        wish = _Wish(tenant, seq_from, seq_to, now, processes or _cores(), take_part, witness, seal)
        report, disturbed = _attempt(where, wish, watch)
        if disturbed and report.verdict not in (Verdict.VERIFIED, Verdict.CONSISTENT):
            # Each child saw the file at another moment, so what looks wrong may only be a change between
            # them. One process sees one moment.
            where.unfrozen()
            report, _ = _attempt(where, replace(wish, processes=1, one_moment=True), watch)
    return replace(report, seconds=time.perf_counter() - started)


def _cores() -> int:
    """How many processes may run at once here."""
    allowed = getattr(os, "sched_getaffinity", None)
    return min(MOST_PROCESSES, len(allowed(0)) if allowed else os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _Wish:
    tenant: str | None
    seq_from: int | None
    seq_to: int | None
    now: int
    processes: int
    take_part: bool
    witness: Witness
    seal: bool
    one_moment: bool = False

    @property
    def marks(self) -> list[int] | None:
        """Where the scan takes digests; None when there is nothing to hold them against."""
        if not self.seal and not self.witness.checkpoints:
            return None
        return [known.through for known in self.witness.current]


class _Watch:
    """Passes progress on and asks whether to stop."""

    def __init__(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self._progress, self._cancelled = progress, cancelled
        self.total = 0

    def __call__(self, done: int) -> bool:
        """Reports `done` rows; returns whether the user has cancelled."""
        self.total = max(self.total, done)
        self._progress(done, self.total)
        return self._cancelled()


def _attempt(where: source.Source, wish: _Wish, watch: _Watch) -> tuple[Report, bool]:
    """One verification, and whether somebody changed the file while it ran."""
    with ExitStack() as stack:
        try:
            with _typed_errors(where.path):
                connection, tolerant = _open(where)
                stack.callback(connection.close)
                encoding = source.encoding(connection)
                version = connection.pragma("data_version")
                connection.execute("BEGIN")
                extent = ends(connection, wish.tenant, wish.seq_from, wish.seq_to)
                low, high = extent.span
                most = _at_once(wish, high - low + 1)
                children = stack.enter_context(ScanChildren(most - wish.take_part, behind=not wish.take_part))
                extent = counted(connection, extent)
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if wish.one_moment and wish.seq_to is None:
                    # The scan's own snapshot is younger than this one, and is to be seen whole.
                    extent = replace(extent, last=LAST_SEQ, rows=None, counter=None)
            watch.total = extent.size if extent.rows is None else extent.rows
            if watch(0):
                raise Cancelled
            own = wish.take_part and _rows_are_small(connection, extent.size)
            if wish.take_part and not own:
                children.add()
            same = {
                "uri": where.uri,
                "tolerant": tolerant,
                "frozen": where.frozen or wish.one_moment,
                "now": wish.now,
                "tenant": wish.tenant,
                "marks": wish.marks,
            }
            jobs = [same | {"first": first, "last": last} for first, last in _ranges(extent, wish)]
            joined = join(children.scan(jobs, own=own, watch=watch))
            disturbed = connection.pragma("data_version") != version or not where.undisturbed()
            if disturbed:
                extent = replace(extent, rows=None)
            if tolerant and joined.complete:
                joined.incomplete(
                    "The file is damaged, or cut short, though not in the entries that were found."
                )
            report = conclude(connection, encoding, joined, extent, wish.witness)
            if wish.seal:
                report = replace(report, seal=_seal(joined, wish.witness, extent.last))
            watch(joined.entries)
            return report, disturbed
        except IN_THE_WAY as error:
            raise source.expected(error, where.path) or error from error
        except (apsw.CorruptError, apsw.IOError, apsw.FormatError, UnicodeDecodeError) as error:
            return _unreadable(str(error)), not where.undisturbed()


def _open(where: source.Source) -> tuple[apsw.Connection, bool]:
    """A connection to a file with the table, and whether SQLite had to be told to put up with damage."""
    try:
        return _connected(where, tolerant=False), False
    except (apsw.CorruptError, apsw.FormatError):
        return _connected(where, tolerant=True), True


def _connected(where: source.Source, *, tolerant: bool) -> apsw.Connection:
    connection = source.connect(where.uri, tolerant=tolerant)
    try:
        source.check_table(connection, where.path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    """What cannot be run at all, as typed errors; damage passes, to become a verdict."""
    try:
        yield
    except (apsw.CorruptError, apsw.FormatError):
        raise
    except apsw.Error as error:
        known = source.expected(error, path)
        if known is None:
            raise
        raise known from error


def _seal(joined: Joined, witness: Witness, last: int) -> Seal | None:
    """The next checkpoint; it covers everything again where rows were pruned since the one before."""
    if max((chain.last_seq for chain in joined.chains.values()), default=None) != last:
        return None
    before, after = witness.latest, 0
    if before is not None and len(witness.current) < BASELINE_EVERY:
        unpruned = all(
            (chain := joined.chains.get(tenant)) is not None and chain.first_seq == sealed.first_seq
            for tenant, sealed in before.tenants.items()
        )
        after = max(0, before.through // BLOCK * BLOCK - 1) if unpruned else 0
    return Seal(after, last, sealed_chains(joined, after, last))


def _at_once(wish: _Wish, rows: int) -> int:
    """How many processes are worth their while for so many rows."""
    return max(1, min(wish.processes, rows // WORTH_A_CHILD))


def _ranges(extent: Extent, wish: _Wish) -> list[tuple[int, int]]:
    """The extent cut by seq: a part of what is left each time, so that all processes end together."""
    if extent.last < extent.first:
        return []
    count = _at_once(wish, extent.size)
    cuts: list[int] = []
    if count > 1:
        at, high = extent.span
        least = max(1, (high - at + 1) * LEAST_RANGE // extent.size)
        while high - at > 2 * least:
            at += max(least, (high - at) // (count + 1))
            cuts.append(at)
    if wish.marks is not None:
        cuts = [(cut + BLOCK // 2) // BLOCK * BLOCK for cut in cuts]
    cuts = [extent.first, *sorted({cut for cut in cuts if extent.first < cut <= extent.last})]
    return [(cut, next_cut - 1) for cut, next_cut in zip(cuts, [*cuts[1:], extent.last + 1], strict=True)]


def _rows_are_small(connection: apsw.Connection, rows: int) -> bool:
    size = int(connection.pragma("page_count")) * int(connection.pragma("page_size"))
    return size < SMALL_FILE or size // max(1, rows) < OWN_ROW_BYTES


def _unreadable(why: str) -> Report:
    finding = Finding(
        Code.UNREADABLE, None, None, None, why, "The audit chain cannot be read at all: the file is damaged."
    )
    return Report(Verdict.UNREADABLE, 0, 0.0, (finding,), (), 1, {Code.UNREADABLE: 1})
