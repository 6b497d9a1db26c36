"""The chain of each tenant followed from row to row: what a row means beside the one before it."""

from hashlib import sha256
from typing import Any

from app.services.chain.verify.codes import NOT_ERRORS, WARNINGS, Code
from app.services.chain.verify.entry import EVENT_TYPE, MARKER, SECONDS_LIMIT, Entry, Problem
from app.services.chain.verify.rows import Damaged

HEAD, TIME, SEQ, COUNT = range(4)
FIRST_SEQ, FIRST_PREVIOUS, FIRST_HASH, FIRST_TIME, FIRST_HOLDS, ERRORS, THROUGH = range(4, 11)
GAP_BEFORE, GAP_BEHIND = range(11, 13)
FIELDS = 13
WITNESS = FIELDS
"""Behind the fields, while scanning for a checkpoint: where a row's record goes (the `update` of the
block's hash), and COUNT when the block began."""
"""The fields of a tenant's state, a list because the quick check runs a million times.

HEAD is the stored hash of the last row, TIME and SEQ its created_at and seq. THROUGH is the prune marker
that reaches furthest, as `Entry.marker()` gives it, or None. GAP_BEFORE says that something before the
tenant's first row could not be read, GAP_BEHIND the same of what follows its last one.
"""

KEEP = 10_000
"""How many findings, and how many broken links, are kept; the rest is counted."""

KEEP_WARNINGS = 1_000
KEEP_GAPS = 1_000
"""How many gaps are kept apart; the last one then reaches over all the rest."""

SEVERAL = "more gaps than are named one by one"

CLOCK_TOLERANCE = 60
"""Seconds by which another machine's clock may be ahead before a time counts as in the future."""

State = list[Any]
Gap = tuple[int, int, str]
"""First and last seq that could not be read, and why."""


class Follower:
    """The state of every tenant, and what was found; `latest` is the latest time that is not the future.

    `fast` has the states, and `events` the event types, that the quick check may go by.
    """

    def __init__(self, latest: int, *, witnessing: bool) -> None:
        self._latest, self._witnessing = latest, witnessing
        self.states: dict[str, State] = {}
        self.fast: dict[str, State] = {}
        self.events: set[str] = set()
        self.findings: list[tuple[str, str | None, int | None, str | None, str | None, str]] = []
        self.breaks: list[tuple[str, int, str, str, str, bool]] = []
        self.gaps: list[Gap] = []
        self.counts: dict[str, int] = {}
        self._warnings = 0

    def judge(self, entry: Entry) -> None:
        """Takes the next row in. Raises `Damaged` if it does not come behind the tenant's last one."""
        tenant = entry.tenant
        state = self.states.get(tenant)
        if state is not None and entry.seq <= state[SEQ]:
            raise Damaged(f"entry {entry.seq} lies behind entry {state[SEQ]}", entry.seq)
        problems = entry.problems()
        stored, previous = entry.text("hash"), entry.text("previous_hash")
        holds = all(problem[0] != Code.HASH for problem in problems)
        at = entry.created_at
        if state is None:
            state = self.begin(tenant, entry.seq, previous, stored, at, holds=holds)
        else:
            if not state[GAP_BEHIND]:
                if state[HEAD] != previous:
                    self._break(tenant, entry, state[HEAD], holds)
                    state[ERRORS] += 1
                if at is not None and state[TIME] is not None and at < state[TIME]:
                    problems.append(backwards(entry.seq, state[TIME], at))
            state[HEAD], state[SEQ] = stored, entry.seq
            state[TIME] = at if at is not None else state[TIME]
            state[COUNT] += 1
            state[GAP_BEHIND] = False
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

    def begin(
        self, tenant: str, seq: int, previous: str, stored: str, at: int | None, *, holds: bool
    ) -> State:
        """The state of a tenant whose first row this is."""
        state: State = [stored, at, seq, 1, seq, previous, stored, at, holds, 0, None]
        state += [bool(self.gaps), False, sha256().update, 0]
        self.states[tenant] = state
        return state

    def leave_out(self, first: int, last: int, why: str) -> None:
        """Notes that these seqs could not be read: no link across them can be judged."""
        for state in self.states.values():
            state[GAP_BEHIND] = True
        self.fast.clear()  # until each tenant's next row has been judged
        add_gap(self.gaps, (first, last, why))

    def _learn(self, entry: Entry, tenant: str, state: State) -> None:
        """Lets the quick check recognise the tenant and the event type from now on."""
        if entry.clean_tenant and state[TIME] is not None:
            self.fast[tenant] = state
        event = entry.text("event_type")
        if (
            entry.kinds["event_type"] == "text"
            and EVENT_TYPE.fullmatch(event)
            and event != MARKER
            and len(self.events) < KEEP
        ):
            self.events.add(event)

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


def add_gap(gaps: list[Gap], gap: Gap) -> None:
    """Puts a gap behind others, as one with that before where they touch or there are too many."""
    first, last, why = gap
    if gaps:
        start, end, reason = gaps[-1]
        touching = end + 1 >= first
        if touching or len(gaps) >= KEEP_GAPS:
            gaps[-1] = (min(start, first), max(end, last), reason if touching else SEVERAL)
            return
    gaps.append((first, last, why))


def backwards(seq: int, before: int, at: int) -> Problem:
    return (
        Code.TIME,
        f"at least {before}",
        str(at),
        f"Entry {seq} is {before - at} s older than the entry before it.",
    )


def future(seq: int, now: int, at: int) -> Problem:
    sentence = f"Entry {seq} lies {at - now} s in the future."
    if at >= SECONDS_LIMIT:
        sentence = f"Entry {seq} has a time that is no time in seconds; milliseconds, it seems."
    return Code.TIME, f"at most {now}", str(at), sentence
