"""One range of rows, streamed in the order of seq in constant memory.

Every row passes the quick check. The few rows that fail it are read again column by column and judged. Where
the file is damaged the scan notes what could not be read and goes on behind it.
"""

import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import apsw

from app.services.chain.entry import Entry
from app.services.chain.verify import source
from app.services.chain.verify.follow import COUNT, HEAD, QUICK, RECORD, SEQ, Damaged, Follower, quick_check
from app.services.chain.verify.source import IN_THE_WAY, TableRows
from models.local.file import text_encoding

BLOCK = 65_536
"""Seqs whose rows share a digest; ranges for a checkpoint are cut at its multiples."""

TICK_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock, about 150 rows."""

HOLD_SECONDS = 0.2
"""How long a file without WAL is kept from its writers at a stretch."""


Job = dict[str, Any]
"""A range to scan, as plain values that JSON can carry."""

Result = dict[str, Any]
"""What the scan of a range gives, as plain values, too."""

CANNOT_READ = (apsw.Error, OSError)
"""What `scan_range` raises of a file that cannot be read now; damage never raises."""


class Stopped(Exception):
    """The scan was told to stop."""


class Scan(ABC):
    """Checks the rows of the job's `first <= seq <= last`, of one `tenant` or of all (None).

    With `marks`, each a seq and the tenant that a checkpoint knew through it, `seals` gets that tenant's
    state there, and every tenant's at the end of each block of `BLOCK` seqs, with the digest of the block's
    rows so far, where there are any. Where the rows come from is a subclass's.
    """

    def __init__(self, job: Job) -> None:
        self._next, self._end, self._tenant = int(job["first"]), int(job["last"]), job["tenant"]
        self._last, self._recording = self._end, job["marks"] is not None
        self._marked: dict[int, set[str]] = {}
        for seq, known in job["marks"] or ():
            self._marked.setdefault(seq, set()).add(known)
        self._marks = sorted(self._marked)
        self._follower = Follower(job["now"], recording=self._recording)
        self._quick = quick_check(self._follower, record=self._recording)
        self._states = self._follower.states
        self._seals: list[tuple[int, str, int, int, str, str]] = []
        self._open_block: int | None = None

    def run(self) -> Result:
        """Scans the range and gives everything as plain lists and dictionaries. Raises `Stopped`."""
        while self._next <= self._end:
            self._last = self._cut() if self._recording else self._end
            self._scan()
            if self._recording:
                self._seal(self._last)
            self._next = self._last + 1
        return self._follower.result() | {"seals": self._seals}

    @property
    def _done(self) -> int:
        return sum(state[COUNT] for state in self._states.values())

    @abstractmethod
    def _first_seq(self) -> int | None:
        """The number of the first row from `_next` to `_end` that can be read."""

    @abstractmethod
    def _scan(self) -> None:
        """Judges the rows from `_next` to `_last`."""

    def _cut(self) -> int:
        """Where the next row's piece ends: its block, a checkpoint, or the range."""
        start, first = self._next, self._first_seq()
        position = bisect_left(self._marks, self._end + 1 if first is None else first)
        for mark in self._marks[bisect_left(self._marks, start) : position]:
            self._seal(mark)  # no row is there any more
        if first is None:
            return self._end
        self._begin_block(first // BLOCK)
        mark = self._marks[position] if position < len(self._marks) else self._end
        return min(self._end, (first // BLOCK + 1) * BLOCK - 1, mark)

    def _seal(self, cut: int) -> None:
        """Notes where each tenant stands that has rows in this block: all at its end, else those marked."""
        if self._open_block is None:
            return
        end = (self._open_block + 1) * BLOCK - 1
        ends = cut >= min(end, self._end)
        if ends:
            cut, self._open_block = min(cut, end), None
        for tenant in self._states if ends else self._marked[cut] & self._states.keys():
            state = self._states[tenant]
            if state[RECORD + 1] != state[COUNT]:
                value = state[RECORD].__self__.hexdigest()
                self._seals.append((cut, tenant, state[COUNT], state[SEQ], state[HEAD], value))

    def _begin_block(self, block: int) -> None:
        """Starts new digests, unless the block is still the one of the piece before."""
        if block == self._open_block:
            return
        if self._open_block is not None:  # no row lies between its last mark and its end
            self._seal((self._open_block + 1) * BLOCK - 1)
        self._open_block = block
        for state in self._states.values():
            if state[RECORD + 1] != state[COUNT]:
                state[RECORD], state[RECORD + 1] = sha256().update, state[COUNT]


class RangeScan(Scan):
    """Of a file. `tick(done)` is called about 20 times a second with the number of rows done and returns
    whether to stop. `frozen` says that the file may be read in one long look without keeping writers away.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        job: Job,
        tick: Callable[[int], bool] = lambda done: False,
        *,
        frozen: bool = True,
    ) -> None:
        super().__init__(job)
        self._connection, self._encoding = connection, text_encoding(connection)
        self._tick, self._frozen = tick, frozen
        self._rows = TableRows(connection, self._breathe, partial(self._take_a_break, moved=False))
        self._stopped = False
        self._hold = HOLD_SECONDS
        self._started = self._ticked = time.perf_counter()

    def run(self) -> Result:
        """Raises apsw's errors of a file that others keep locked, too; damage never raises."""
        self._connection.create_scalar_function("quick", self._quick, 7)
        self._connection.set_progress_handler(self._pause, TICK_STEPS)
        try:
            return super().run()
        finally:
            self._connection.set_progress_handler(None)

    def _first_seq(self) -> int | None:
        while self._next <= self._end:
            try:
                return self._rows.first_seq(self._next, self._end)
            except Damaged as damage:
                self._leave_out(self._end, damage)
        return None

    def _scan(self) -> None:
        quick = QUICK.format(tenant="" if self._tenant is None else "AND tenant_id = ?")
        params = () if self._tenant is None else (self._tenant,)
        patience = 1
        while self._next <= self._last:
            before = self._next
            try:
                for (seq,) in self._connection.execute(quick, (self._next, self._last, *params)):
                    self._slow_row(seq)
                self._go_on()
                if self._is_done():
                    break
                raise Damaged("rows are out of order")
            except apsw.InterruptError:
                self._take_a_break(moved=self._go_on())
            except IN_THE_WAY:
                raise
            except (UnicodeDecodeError, apsw.Error, MemoryError, Damaged) as error:
                # Text that is no text, a row too big to join, or damage: the slow way tells which.
                self._take_a_break(moved=self._go_on())
                patience = min(patience * 2, 4096) if self._next - before < patience else 1
                if isinstance(error, Damaged):
                    self._out_of_order(error)
                self._slow_rows(patience)

    def _is_done(self) -> bool:
        """Whether no row lies behind the last one judged; a tenant's rows alone do not tell."""
        if self._tenant is not None or self._next > self._last:
            return True
        try:
            return self._rows.ends_before(self._next, self._last)
        except Damaged:
            return False

    def _slow_row(self, seq: int) -> None:
        """Judges the row that the quick check turned down. Raises `Damaged` if it cannot be found again."""
        row = self._rows.first(seq, seq)
        if row is None:
            raise Damaged(f"the number {seq} leads elsewhere", seq)
        self._follower.judge(Entry(row, self._encoding))

    def _slow_rows(self, limit: int) -> None:
        """Judges up to `limit` rows from `_next` on, and notes what cannot be read between them."""
        for _ in range(limit):
            if self._next > self._last:
                break
            try:
                row = self._rows.first(self._next, self._last)
            except Damaged as damage:
                self._leave_out(self._last, damage)
                continue
            if row is None:
                self._next = self._last + 1
                break
            entry = Entry(row, self._encoding)
            if self._tenant is None or (entry.clean_tenant and entry.tenant == self._tenant):
                self._follower.judge(entry)
            self._next = entry.seq + 1
            self._breathe()

    def _leave_out(self, last: int, damage: Damaged) -> None:
        """Notes that the row at `_next` cannot be read, or all rows from there on, and goes behind that."""
        try:
            seq = self._rows.first_seq(self._next, last)
        except Damaged:
            readable = self._rows.readable_behind(self._next, last)
            first, behind = self._next, last + 1 if readable is None else readable
        else:
            first = self._next if seq is None else seq
            behind = first + 1
        self._follower.leave_out(first, behind - 1, str(damage))
        self._next = behind

    def _out_of_order(self, damage: Damaged) -> None:
        """Notes what must be missing where a row was met that does not belong there."""
        behind = self._next - 1
        try:
            seq = self._rows.first_seq(self._next, self._last)
        except Damaged:
            return  # the slow way comes upon it
        following = self._last + 1 if seq is None else seq
        if following > self._next:
            self._follower.leave_out(self._next, following - 1, str(damage))
            self._next = following
        elif damage.seq is not None:
            self._follower.leave_out(damage.seq, max(damage.seq, behind), str(damage))

    def _pause(self) -> bool:
        """Called by SQLite now and then; true interrupts the statement."""
        now = time.perf_counter()
        if now - self._ticked >= 0.05:
            self._ticked = now
            if self._tick(self._done):
                self._stopped = True
                return True
        return not self._frozen and now - self._started >= self._hold

    def _go_on(self) -> bool:
        """Sets `_next` behind the last row that was judged; whether that moved it."""
        done = max((state[SEQ] for state in self._states.values()), default=self._next - 1)
        moved = done >= self._next
        self._next = max(self._next, done + 1)
        return moved

    def _breathe(self) -> None:
        """Between two statements: raises `Stopped` if it is time to."""
        if self._pause():
            self._take_a_break(moved=True)

    def _take_a_break(self, *, moved: bool) -> None:
        """After an interruption: raises `Stopped`, or goes on, for longer if it did not get anywhere."""
        if self._stopped:
            raise Stopped
        self._hold = HOLD_SECONDS if moved else self._hold * 2
        self._started = time.perf_counter()


def rows_of(result: Result) -> int:
    return sum(state[COUNT] for state in result["tenants"].values())


def scan_range(job: Job, tick: Callable[[int], bool]) -> Result:
    """Does one job, in one snapshot where the file is in WAL mode; what `RangeScan.run` gives and raises."""
    connection = source.connect(job["uri"], tolerant=job["tolerant"])
    try:
        frozen = bool(job["frozen"]) or connection.pragma("journal_mode") == "wal"
        if frozen:
            connection.execute("BEGIN")
        return RangeScan(connection, job, tick, frozen=frozen).run()
    finally:
        connection.close()
