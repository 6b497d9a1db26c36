"""One range of rows, streamed in the order of seq in constant memory.

Every row passes the quick check: SQLite joins its text into the bytes that were hashed and hands them to a
registered function, which compares hash, link, time, event type and encoding. The few rows that fail it
are read again column by column and judged by `entry.Entry`, which alone says what is wrong: so the quick
check may only be too strict, never too lax.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import apsw

from app.services.verification.codes import NOT_ERRORS, WARNINGS, Code
from app.services.verification.entry import EVENT_TYPE, MARKER, RAW_COLUMNS, Entry, Problem

HEAD, TIME, SEQ, COUNT = range(4)
FIRST_SEQ, FIRST_PREVIOUS, FIRST_HASH, FIRST_TIME, FIRST_HOLDS, ERRORS, THROUGH = range(4, 11)
FIELDS = 11
WITNESS = FIELDS
"""Behind the fields, while scanning for a checkpoint: where a row's record goes (the `update` of the
block's hash), and COUNT when the block began."""
"""The fields of a tenant's state, a list because the quick check runs a million times.

HEAD is the stored hash of the last row, TIME and SEQ its created_at and seq. THROUGH is the prune marker
that reaches furthest, as `Entry.marker()` gives it, or None.
"""

KEEP = 10_000
"""How many findings, and how many broken links, are kept; the rest is counted."""

KEEP_WARNINGS = 1_000
CLOCK_TOLERANCE = 60
"""Seconds by which another machine's clock may be ahead before a time counts as in the future."""

BLOCK = 65_536
"""Seqs whose rows share a digest; ranges for a checkpoint are cut at its multiples."""

NEVER = -(2**63)
TICK_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock, about 150 rows."""

HOLD_SECONDS = 0.2
"""How long a file without WAL is kept from its writers at a stretch."""

State = list[Any]

_QUICK = """
SELECT seq FROM main.audit_chain NOT INDEXED
WHERE seq BETWEEN ? AND ? {tenant}
AND NOT (typeof(created_at) = 'integer' AND typeof(payload) = 'text' AND json_valid(payload) AND quick(
  CAST(concat_ws(':', previous_hash, event_type, payload, created_at) AS BLOB),
  hash, previous_hash, tenant_id, event_type, created_at, seq))
ORDER BY seq"""
"""The rows that fail. `quick` notes each row that passes, so it comes last: nothing may fail behind it."""

_SLOW = f"SELECT {RAW_COLUMNS} FROM main.audit_chain NOT INDEXED WHERE seq BETWEEN ? AND ? {{tenant}} ORDER BY seq LIMIT 1"  # noqa: S608, E501


class Stopped(Exception):
    """The scan was told to stop."""


class RangeScan:
    """Checks the rows of `first <= seq <= last`, of one tenant or of all.

    `tick(done)` is called about 20 times a second with the number of rows done and returns whether to stop
    (`Stopped` is raised then). `frozen` says that the file may be read in one long look without keeping
    writers away. With `marks`, the seqs of checkpoints, `seals` gets the state at each of them and at the
    end of each block of `BLOCK` seqs, with the digest of the block's rows so far, for each tenant with any.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        encoding: str,
        first: int,
        last: int,
        *,
        marks: Sequence[int] | None = None,
        now: int,
        tenant: str | None = None,
        tick: Callable[[int], bool] = lambda done: False,
        frozen: bool = True,
    ) -> None:
        self._connection = connection
        self._encoding = encoding
        self._next, self._last = first, last
        self._end, self._marks, self._witnessing = last, sorted(marks or ()), marks is not None
        self.seals: list[tuple[int, str, int, int, str, str]] = []
        self._latest = now + CLOCK_TOLERANCE
        self._tenant = tenant
        self._tick, self._frozen = tick, frozen
        self._fast: dict[str, State] = {}
        self._states: dict[str, State] = {}
        self._events: set[str] = set()
        self.findings: list[tuple[str, str | None, int | None, str | None, str | None, str]] = []
        self.breaks: list[tuple[str, int, str, str, str, bool]] = []
        self.counts: dict[str, int] = {}
        self.unread: int | None = None
        self._warnings = 0
        self._stopped = False
        self._hold = HOLD_SECONDS
        self._started = self._ticked = time.perf_counter()

    def run(self) -> dict[str, Any]:
        """Scans the range and gives everything as plain lists and dictionaries (see `result`)."""
        quick = self._quick_check()
        if self._witnessing:
            quick = self._recording(quick)
        self._connection.create_scalar_function("quick", quick, 7)
        self._connection.set_progress_handler(self._pause, TICK_STEPS)
        try:
            while self._next <= self._end and self.unread is None:
                self._last = self._cut() if self._witnessing else self._end
                self._scan()
                if self._witnessing:
                    self._seal(self._last)
                self._next = self._last + 1
        finally:
            self._connection.set_progress_handler(None)
        return self.result()

    def _cut(self) -> int:
        """Where the next row's piece ends: its block, a checkpoint, or the range."""
        with suppress(apsw.Error):
            row = self._connection.execute(
                "SELECT seq FROM main.audit_chain NOT INDEXED WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 1",
                (self._next, self._end),
            ).fetchone()
            if row is not None:
                block = (row[0] // BLOCK + 1) * BLOCK - 1
                mark = next((mark for mark in self._marks if mark >= row[0]), self._end)
                return int(min(self._end, block, mark))
        return self._end

    def _scan(self) -> None:
        """Judges the rows from `_next` to `_last`."""
        where, params = self._restriction()
        quick = _QUICK.format(tenant=where)
        patience = 1
        while self._next <= self._last:
            before = self._next
            try:
                for (seq,) in self._connection.execute(quick, (self._next, self._last, *params)):
                    self._slow_row(seq)
                break
            except apsw.InterruptError:
                self._resume()
            except (UnicodeDecodeError, apsw.Error):
                # Text that is no text, a row too big to join, or damage: the slow way tells which.
                self._resume()
                patience = min(patience * 2, 4096) if self._next - before < patience else 1
                if not self._slow_rows(patience):
                    break

    def result(self) -> dict[str, Any]:
        return {
            "tenants": {tenant: state[:FIELDS] for tenant, state in self._states.items()},
            "seals": self.seals,
            "findings": self.findings,
            "breaks": self.breaks,
            "counts": self.counts,
            "unread": self.unread,
        }

    def _restriction(self) -> tuple[str, tuple[str, ...]]:
        return ("", ()) if self._tenant is None else ("AND tenant_id = ?", (self._tenant,))

    def _quick_check(self) -> Callable[..., bool]:
        """The check of one row that is in order, for all rows; it says no to everything it does not know.

        Types follow from equality: only text equals the text it is compared with, and the SQL has seen to
        payload and time. An event type is known once the slow way has found it in order; prune markers never
        are, so that they are always read.
        """
        states, events, latest, digest = self._fast, self._events, self._latest, sha256

        def quick(  # noqa: PLR0917  # SQLite passes arguments by position
            data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
        ) -> bool:
            try:
                state = states[tenant]
            except KeyError:
                return False
            if (
                state[0] == previous
                and state[1] <= at <= latest
                and state[2] < seq
                and event in events
                and digest(data).hexdigest() == stored
                and 0 not in data
                and (data.isascii() or _is_utf8(data))
            ):
                state[0] = stored
                state[1] = at
                state[2] = seq
                state[3] += 1
                return True
            return False

        return quick

    def _recording(self, quick: Callable[..., bool]) -> Callable[..., bool]:
        """The same check, after which the row is recorded for the checkpoint's digest."""
        states = self._fast

        def witness(  # noqa: PLR0917
            data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
        ) -> bool:
            if quick(data, stored, previous, tenant, event, at, seq):
                states[tenant][WITNESS](f"{seq}:{len(event)}:{stored}\n".encode())
                return True
            return False

        return witness

    def _seal(self, cut: int) -> None:
        """Notes where each tenant stands that has rows in this block; a new block starts a new digest."""
        ends = cut % BLOCK == BLOCK - 1
        for tenant, state in self._states.items():
            if state[WITNESS + 1] != state[COUNT]:
                value = state[WITNESS].__self__.hexdigest()
                self.seals.append((cut, tenant, state[COUNT], state[SEQ], state[HEAD], value))
                if ends:
                    state[WITNESS], state[WITNESS + 1] = sha256().update, state[COUNT]

    def _pause(self) -> bool:
        """Called by SQLite now and then; true interrupts the statement."""
        now = time.perf_counter()
        if now - self._ticked >= 0.05:
            self._ticked = now
            if self._tick(sum(state[COUNT] for state in self._states.values())):
                self._stopped = True
                return True
        return not self._frozen and now - self._started >= self._hold

    def _resume(self) -> None:
        """Goes on behind the last row that was judged."""
        done = max((state[SEQ] for state in self._states.values()), default=NEVER)
        moved = done >= self._next
        self._next = max(self._next, done + 1)
        self._take_a_break(moved=moved)

    def _take_a_break(self, *, moved: bool) -> None:
        """After an interruption: raises `Stopped`, or goes on, for longer if it did not get anywhere."""
        if self._stopped:
            raise Stopped
        self._hold = HOLD_SECONDS if moved else self._hold * 2
        self._started = time.perf_counter()

    def _slow_row(self, seq: int) -> None:
        """Judges the row that the quick check turned down."""
        row = self._fetch(seq, seq)
        if row is None or row[0] != seq:
            self._unreadable(seq, seq, "its key leads elsewhere")
        else:
            self._judge(Entry(row, self._encoding))

    def _slow_rows(self, limit: int) -> bool:
        """Judges up to `limit` rows from `_next` on; false when nothing behind them can be read."""
        for _ in range(limit):
            try:
                row = self._fetch(self._next, self._last)
            except apsw.Error as error:
                self.unread = self._next
                self._unreadable(self._next, self._last, str(error))
                return False
            if row is None or row[0] < self._next:
                self._next = self._last + 1
                return False
            self._judge(Entry(row, self._encoding))
            self._next = row[0] + 1
        return True

    def _fetch(self, first: int, last: int) -> tuple[Any, ...] | None:
        """The first row of the range, column by column."""
        where, params = self._restriction()
        while True:
            try:
                row = self._connection.execute(_SLOW.format(tenant=where), (first, last, *params)).fetchone()
            except apsw.InterruptError:
                self._take_a_break(moved=False)
            else:
                return row

    def _judge(self, entry: Entry) -> None:
        tenant = entry.tenant
        problems = entry.problems()
        stored, previous = entry.text("hash"), entry.text("previous_hash")
        holds = all(problem[0] != Code.HASH for problem in problems)
        at = entry.created_at
        state = self._states.get(tenant)
        if state is None:
            state = [stored, at, entry.seq, 1, entry.seq, previous, stored, at, holds, 0, None]
            state += [sha256().update, 0]
            self._states[tenant] = state
        else:
            if state[HEAD] != previous:
                self._break(tenant, entry, state[HEAD], holds)
                state[ERRORS] += 1
            if entry.seq <= state[SEQ]:
                problems.append(misplaced(entry.seq, state[SEQ]))
            if at is not None and state[TIME] is not None and at < state[TIME]:
                problems.append(backwards(entry.seq, state[TIME], at))
            state[HEAD], state[SEQ] = stored, entry.seq
            state[TIME] = at if at is not None else state[TIME]
            state[COUNT] += 1
        if at is not None and at > self._latest:
            problems.append(future(entry.seq, self._latest - CLOCK_TOLERANCE, at))
        for problem in problems:
            self._find(tenant, entry.seq, problem)
            state[ERRORS] += problem[0] not in NOT_ERRORS
        if self._witnessing:
            state[WITNESS](entry.record())
        marker = entry.marker()
        if marker is not None and (state[THROUGH] is None or marker[0] >= state[THROUGH][0]):
            state[THROUGH] = marker
        self._learn(entry, tenant, state)

    def _learn(self, entry: Entry, tenant: str, state: State) -> None:
        """Lets the quick check recognise the tenant and the event type from now on."""
        if entry.clean_tenant and state[TIME] is not None:
            self._fast[tenant] = state
        event = entry.text("event_type")
        if (
            entry.kinds["event_type"] == "text"
            and EVENT_TYPE.fullmatch(event)
            and event != MARKER
            and len(self._events) < KEEP
        ):
            self._events.add(event)

    def _break(self, tenant: str, entry: Entry, expected: str, holds: bool) -> None:
        self.counts[Code.LINK] = self.counts.get(Code.LINK, 0) + 1
        if len(self.breaks) < KEEP:
            previous, stored = entry.text("previous_hash"), entry.text("hash")
            self.breaks.append((tenant, entry.seq, previous, expected, stored, holds))

    def _find(self, tenant: str | None, seq: int, problem: Problem) -> None:
        code, expected, actual, message = problem
        self.counts[code] = self.counts.get(code, 0) + 1
        if code in WARNINGS:
            self._warnings += 1
            if self._warnings > KEEP_WARNINGS:
                return
        elif len(self.findings) - min(self._warnings, KEEP_WARNINGS) >= KEEP:
            return
        self.findings.append((code, tenant, seq, expected, actual, message))

    def _unreadable(self, first: int, last: int, why: str) -> None:
        which = f"Entry {first}" if first == last else f"The entries from {first} on, up to {last},"
        message = f"{which} cannot be read: the file is damaged there."
        self._find(self._tenant, first, (Code.UNREADABLE, None, why, message))


def misplaced(seq: int, before: int) -> Problem:
    return (
        Code.ORDER,
        f"above {before}",
        str(seq),
        f"Entry {seq} lies behind entry {before} in the file, so its number was changed there.",
    )


def backwards(seq: int, before: int, at: int) -> Problem:
    return (
        Code.TIME,
        f"at least {before}",
        str(at),
        f"Entry {seq} is {before - at} s older than the entry before it.",
    )


def future(seq: int, now: int, at: int) -> Problem:
    return (
        Code.TIME,
        f"at most {now}",
        str(at),
        f"Entry {seq} lies {at - now} s in the future.",
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
