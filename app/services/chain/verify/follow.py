"""The chain of each tenant followed from row to row: what a row means beside the one before it.

A row that is in order passes the quick check; every other one is judged by `entry.Entry`, which alone says
what is wrong. The quick check may only be too strict, never too lax.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, NamedTuple

from app.services.chain.entry import QUICK_TYPES, SCAN_JOINED, Entry, is_text, record_middle
from app.services.chain.rules import (
    CLOCK_TOLERANCE,
    EVENT_TYPE,
    MARKER_EVENT,
    TABLE,
    Code,
    Finding,
    Marker,
    believed,
    is_no_time,
    seconds,
    time_findings,
)

HEAD, TIME, SEQ, COUNT = range(4)
FIRST_SEQ, FIRST_PREVIOUS, FIRST_HASH, FIRST_TIME, FIRST_HOLDS, ERRORS, DOUBTED = range(4, 11)
GAP_BEFORE, GAP_BEHIND = range(11, 13)
FIELDS: Final = 13
"""The fields of a tenant's state, a list because the quick check runs a million times.

HEAD is the stored hash of the last row, SEQ its seq, TIME the last created_at that is a time. DOUBTED counts
the prune markers that are not believed. GAP_BEFORE says that something before the tenant's first row could
not be read, GAP_BEHIND the same of what follows its last one.
"""

RECORD: Final = FIELDS
"""Behind the fields, while scanning for a checkpoint: where a row's record goes (the `update` of the
block's hash), and COUNT when the block began."""

LISTS: Final = ("findings", "breaks", "gaps", "markers", "seals")
"""What a scan finds beside the tenants' states and the counts: its result's lists, which may be long."""

KEEP: Final = 10_000
"""How many findings, and how many broken links, are kept; the rest is counted."""

KEEP_WARNINGS: Final = 1_000
KEEP_MARKERS: Final = 20_000
"""How many prune markers are kept; behind them, the furthest of each tenant."""

KEEP_GAPS: Final = 1_000
"""How many gaps are kept apart; the last one then reaches over all the rest."""

SEVERAL: Final = "more gaps than are named one by one"

State = list[Any]
"""The fields; `join.Chain` has them in the same order."""

Gap = tuple[int, int, str]
"""First and last seq that could not be read, and why."""

QUICK: Final = f"""
SELECT seq FROM main.{TABLE} NOT INDEXED
WHERE seq BETWEEN ? AND ? {{tenant}}
AND NOT ({QUICK_TYPES} AND quick({SCAN_JOINED},
  hash, previous_hash, tenant_id, event_type, created_at, seq))
ORDER BY seq"""  # noqa: S608
"""The rows that fail. `quick` notes each row that passes, so it comes last: nothing may fail behind it."""

QuickCheck = Callable[..., Any]


class Break(NamedTuple):
    """A row whose previous hash is not the hash of its tenant's row before it (`expected`).

    `holds` says whether the row matches its own hash; if not, the previous hash itself may be the edit.
    """

    tenant: str
    seq: int
    previous: str
    expected: str
    stored: str
    holds: bool


class Damaged(Exception):
    """What should be there cannot be read; says why, and at which seq where that is known."""

    def __init__(self, why: str, seq: int | None = None) -> None:
        super().__init__(why)
        self.seq = seq


class Follower:
    """The state of every tenant, and what was found; `latest` is the latest time that is not the future.

    `fast` has the states, and `events` the event types, that the quick check may go by; each of these with
    the middle of its rows' records.
    """

    def __init__(self, now: int, *, recording: bool = False) -> None:
        self.judge_by(now)
        self._recording = recording
        self.states: dict[str, State] = {}
        self.fast: dict[str, State] = {}
        self.events: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.breaks: list[Break] = []
        self.gaps: list[Gap] = []
        self.markers: list[tuple[Any, ...]] = []
        self.counts: dict[str, int] = {}
        self._furthest: dict[str, Marker] = {}
        self._warnings = 0
        self._of_many: dict[Code, Finding] = {}

    def judge_by(self, now: int) -> None:
        """Judges by this time from now on; the quick check keeps the one before, which is stricter."""
        self.latest = now + CLOCK_TOLERANCE

    def result(self) -> dict[str, Any]:
        """Everything as plain lists and dictionaries."""
        return {
            "tenants": {tenant: state[:FIELDS] for tenant, state in self.states.items()},
            "findings": [*self.findings, *self._of_many.values()],
            "breaks": self.breaks,
            "gaps": self.gaps,
            "markers": [*self.markers, *((name, *marker[:6]) for name, marker in self._furthest.items())],
            "counts": self.counts,
        }

    def judge(self, entry: Entry) -> None:
        """Takes the next row in. Raises `Damaged` if it does not come behind the tenant's last one."""
        tenant = entry.tenant
        state = self.states.get(tenant)
        if state is not None and entry.seq <= state[SEQ]:
            raise Damaged(f"entry {entry.seq:,} lies behind entry {state[SEQ]:,}", entry.seq)
        findings = entry.findings()
        stored, previous = entry.text("hash"), entry.text("previous_hash")
        holds = entry.hash_holds()
        at, before = entry.created_at, None
        moment = None if at is None or is_no_time(at) else at
        if state is None:
            state = self.begin(tenant, entry.seq, previous, stored, at, holds=holds)
            state[TIME] = moment
        else:
            if not state[GAP_BEHIND]:
                before = state[TIME]
                if state[HEAD] != previous:
                    self._break(tenant, entry, state[HEAD], holds)
                    state[ERRORS] += 1
            state[HEAD], state[SEQ] = stored, entry.seq
            state[TIME] = state[TIME] if moment is None else moment
            state[COUNT] += 1
            state[GAP_BEHIND] = False
        if at is not None:
            earlier = None if before is None else seconds(before)
            findings += time_findings(tenant, entry.seq, earlier, at, self.latest)
        if entry.is_marker:
            marker = entry.marker()
            if marker is None:
                state[DOUBTED] += 1
            else:
                findings += self._take_marker(tenant, marker)
        for finding in findings:
            self._find(finding)
            state[ERRORS] += finding.is_error
        if self._recording:
            state[RECORD](entry.record())
        self._learn(entry, tenant, state)

    def begin(
        self, tenant: str, seq: int, previous: str, stored: str, at: int | None, *, holds: bool
    ) -> State:
        """The state of a tenant whose first row this is."""
        state: State = [stored, at, seq, 1, seq, previous, stored, at, holds, 0, 0]
        state += [bool(self.gaps), False, sha256().update, 0]
        self.states[tenant] = state
        return state

    def leave_out(self, first: int, last: int, why: str) -> None:
        """Notes that these seqs could not be read: no link across them can be judged."""
        for state in self.states.values():
            state[GAP_BEHIND] = True
        self.fast.clear()  # until each tenant's next row has been judged
        add_gap(self.gaps, (first, last, why))

    def _take_marker(self, tenant: str, marker: Marker) -> list[Finding]:
        """Keeps it for the judgement of their order, which takes all of a tenant's."""
        if len(self.markers) < KEEP_MARKERS:
            self.markers.append((tenant, *marker[:6]))
            return []
        known = self._furthest.get(tenant)
        good, bad = believed(tenant, [marker] if known is None else [known, marker])
        self._furthest[tenant] = good[-1]
        return bad

    def _learn(self, entry: Entry, tenant: str, state: State) -> None:
        """Lets the quick check recognise the tenant and the event type from now on."""
        if entry.clean_tenant and state[TIME] is not None:
            self.fast[tenant] = state
        event = entry.text("event_type")
        if (
            entry.kinds["event_type"] == "text"
            and EVENT_TYPE.fullmatch(event)
            and event != MARKER_EVENT
            and len(self.events) < KEEP
        ):
            self.events[event] = record_middle(event)

    def _break(self, tenant: str, entry: Entry, expected: str, holds: bool) -> None:
        self.counts[Code.LINK] = self.counts.get(Code.LINK, 0) + 1
        if len(self.breaks) < KEEP:
            previous, stored = entry.text("previous_hash"), entry.text("hash")
            self.breaks.append(Break(tenant, entry.seq, previous, expected, stored, holds))

    def _find(self, finding: Finding) -> None:
        if finding.is_one_of_many:
            first = self._of_many.get(finding.code)
            self._of_many[finding.code] = finding if first is None else first.with_like(finding)
            if first is not None:
                return
            self.counts[finding.code] = self.counts.get(finding.code, 0) + 1
            return
        self.counts[finding.code] = self.counts.get(finding.code, 0) + 1
        if finding.is_warning:
            self._warnings += 1
            if self._warnings > KEEP_WARNINGS:
                return
        elif len(self.findings) - min(self._warnings, KEEP_WARNINGS) >= KEEP:
            return
        self.findings.append(finding)


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


def quick_check(follower: Follower, *, record: bool) -> QuickCheck:
    """The check of one row that is in order, for all rows; it says no to everything it does not know.

    A tenant's first row has a check of its own, so that a range need not read many tenants slowly. Types
    follow from equality: only text equals the text it is compared with, and the SQL has seen to payload and
    time. An event type is known once the slow way has found it in order; prune markers never are, so that
    they are always read. With `record` a row that passes goes into the checkpoint's digest.
    """
    states, events, digest, recorded = follower.fast, follower.events, sha256, RECORD
    latest = follower.latest

    def quick(  # noqa: PLR0917  # SQLite passes arguments by position
        data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
    ) -> bool:
        try:
            state = states[tenant]
            if (
                state[0] == previous
                and state[1] <= at <= latest
                and state[2] < seq
                and (middle := events[event])
                and digest(data).hexdigest() == stored
                and 0 not in data
                and (data.isascii() or data.decode())
            ):
                state[0] = stored
                state[1] = at
                state[2] = seq
                state[3] += 1
                if record:
                    state[recorded](f"{seq}{middle}{stored}\n".encode())
                return True
        except KeyError:  # of the tenant or of the event type
            return first(data, stored, previous, tenant, event, at, seq)
        except UnicodeDecodeError:
            pass
        return False

    def first(  # noqa: PLR0917
        data: bytes, stored: str, previous: str, tenant: str, event: str, at: int, seq: int
    ) -> bool:
        if (
            tenant in follower.states
            or not (type(tenant) is type(previous) is str)
            or "\0" in tenant
            or not 0 <= at <= latest
            or event not in events
            or digest(data).hexdigest() != stored
            or not is_text(data)
        ):
            return False
        state = states[tenant] = follower.begin(tenant, seq, previous, stored, at, holds=True)
        if record:
            state[recorded](f"{seq}{events[event]}{stored}\n".encode())
        return True

    return quick
