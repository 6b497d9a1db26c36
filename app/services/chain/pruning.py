"""Proves the old prefixes of audit chains and takes them off, so that every chain stays provable.

Each transaction removes the next entries of several tenants in the order of `seq` (entries of neighbouring
tenants share pages, so this writes each page once; of a live database tenant by tenant) and appends for each
of them a marker of just what it removes. So after every commit the first survivor of each chain continues a
marker in the same chain, and a process that dies at any point leaves nothing to repair. Markers grow old and
go like any entry.

What proves a prefix are the rules of verification (app/services/chain/README.md, Pruning).
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, NamedTuple

from peewee import SQL, Select

from app.services.chain import rules
from app.services.chain.append import ATTEMPTS, READABLE_HASH, Batch, Event, append
from app.services.chain.entry import JOINED, QUICK_TYPES, Entry
from app.services.chain.reading import markers_of, read_entries, read_entries_each
from app.services.chain.verify.follow import COUNT, ERRORS, HEAD, SEQ, Follower, State, quick_check
from app.services.text import some_of, tenant_name
from models.engine import Database, Rows, Statement, raw
from models.errors import UndecodableText
from models.progress import Stop, Tick, never

GROUP: Final = 20
"""Tenants whose entries are removed together; with more, there would be more markers than it is worth."""

CROWD: Final = (
    "Others append to this chain all the time, so no moment was found to remove its old entries, or the rest "
    "of them; they stay until a run when less is written to it."
)
CHANGED: Final = "The chain was changed by somebody else meanwhile."

_OLD: Final = f"""
WITH ends(tenant, last) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?))
SELECT {{columns}} FROM {rules.TABLE} CROSS JOIN ends ON ends.tenant = +tenant_id AND seq <= ends.last
WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?
"""  # noqa: S608
_QUICK: Final = f"{JOINED}, hash, previous_hash, event_type, CASE WHEN {QUICK_TYPES} THEN created_at END"
_PROVING: Final = f"seq, tenant_id, {_QUICK}"
_ONE_BY_ONE: Final = "seq, tenant_id, NULL, NULL, NULL, NULL, NULL"
"""The same, each to be read again by its bytes."""

_OF_TENANT: Final = f"""
SELECT {{columns}} FROM {rules.TABLE} WHERE tenant_id = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?
"""  # noqa: S608

_COUNTING: Final = f"""
SELECT tenant_id, first, last, count, (SELECT {READABLE_HASH} FROM {rules.TABLE} WHERE seq = last) FROM (
  SELECT tenant_id, min(seq) AS first, max(seq) AS last, count(*) AS count
  FROM ({_OLD.format(columns="seq, tenant_id")}) GROUP BY tenant_id
) ORDER BY first
"""  # noqa: S608
"""What the next rows are, as the columns of `Part`."""

_CHUNK: Final = 1_000
"""Entries that one read goes through, at most."""

_SURVIVOR: Final = "tenant_id = ? AND seq > ? ORDER BY seq LIMIT 1"
_NAMED: Final = 3
"""Tenants that a batch is called by."""
CREATED_AT: Final = SQL("created_at")
_REMOVING_LAST: Final = f"DELETE FROM {rules.TABLE} WHERE tenant_id = ? AND seq = ? AND hash = ?"  # noqa: S608
_REMOVING_REST: Final = f"DELETE FROM {rules.TABLE} WHERE tenant_id = ? AND seq BETWEEN ? AND ?"  # noqa: S608
"""The last one only as it was proven, which its hash says of all before it: the content may have been
replaced since, by a restore."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The entries of one tenant that can go: all `entries` of them from `first_seq` to `last_seq`."""

    tenant_id: str
    first_seq: int
    last_seq: int
    entries: int


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A tenant whose entries stay although they are old, and why: `reason` is a sentence for a person.

    `in_milliseconds` says that their times would be old if they were read as milliseconds.
    """

    tenant_id: str
    seq: int | None
    reason: str
    in_milliseconds: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "seq": self.seq, "reason": self.reason}


@dataclass(slots=True)
class Part:
    """What one transaction removes of a tenant: `entries` of them, all that it has in `first_seq … last_seq`.

    `archive` is the file that keeps them, if any does.
    """

    tenant_id: str
    first_seq: int
    last_seq: int
    entries: int
    last_hash: str
    archive: rules.Reference | None = None


def groups(prefixes: Iterable[Prefix]) -> list[list[Prefix]]:
    """The prefixes in groups that are removed together, those of like size in one."""
    ordered = sorted(prefixes, key=lambda prefix: (-prefix.entries, prefix.tenant_id))
    return [ordered[start : start + GROUP] for start in range(0, len(ordered), GROUP)]


def prove(
    database: Database,
    group: Sequence[Prefix],
    *,
    batch_rows: int,
    tick: Tick,
    accepted: Mapping[str, tuple[int, str]] | None = None,
    numbered: Mapping[str, Sequence[int]] | None = None,
    verified: Stop = never,
) -> tuple[list[list[Part]], list[LeftAlone]]:
    """Judges the prefixes by the rules of verification: what may be removed, transaction by transaction, and
    the tenants that cannot be proven.

    Nothing is locked or changed. `tick` is told of entries that were read. `accepted` are the starts that a
    person accepted, each as the first seq and its previous hash. `numbered` are the numbers of markers, where
    they were read. A tenant of which any entry, any prune marker or the start fails is in no batch and left
    alone. `verified()` tells that a verification has found every entry of these chains in order, and that
    nobody has written to the file since: while it does,
    the entries are not judged once more, one by one. Raises what `tick` does.
    """
    encoding = database.encoding
    follower = Follower(now=rules.SECONDS_LIMIT)  # what lies in the future is no error, and not removed
    stretch = _Stretch.of(group, batch_rows)
    batches = _counted(database, stretch, tick) if verified() else []
    if not verified():
        rows = _by_tenant if database.trusts_indexes else _in_order
        batches = _judged(database, rows(database, group, stretch, tick), stretch.size, follower)
    walked = {part.tenant_id: part for part in joined(batches)}
    problems = []
    ends: list[tuple[Any, ...]] = []
    for one in group:
        ends += ("seq = ?", one.first_seq), (_SURVIVOR, one.tenant_id, one.last_seq)
    found = read_entries_each(database, encoding, ends)  # of a file one by one: each may be megabytes long
    markers = markers_of(database, encoding, [one.tenant_id for one in group], numbered)
    for prefix, own in zip(group, markers, strict=True):
        part, start = walked.get(prefix.tenant_id), (accepted or {}).get(prefix.tenant_id)
        problem = _problem(follower, prefix, part, start, _Boundary(next(found), next(found), *own))
        if problem is not None:
            problems.append(LeftAlone(prefix.tenant_id, *problem))
    proven = {prefix.tenant_id for prefix in group} - {problem.tenant_id for problem in problems}
    kept = ([part for part in batch if part.tenant_id in proven] for batch in batches)
    return [batch for batch in kept if batch], problems


class _Stretch(NamedTuple):
    """The entries of several tenants that are read in order: `ends` are the tenants with their last seqs, as
    JSON, `size` is how many entries a transaction has.
    """

    ends: str
    first: int
    last: int
    size: int

    @classmethod
    def of(cls, group: Sequence[Prefix], batch_rows: int) -> "_Stretch":
        """Fewer entries a transaction where they lie thinly, because each then costs a page of its own."""
        first, last = min(prefix.first_seq for prefix in group), max(prefix.last_seq for prefix in group)
        dense = 2 * batch_rows * sum(prefix.entries for prefix in group) // max(1, last + 1 - first)
        ends = json.dumps([(prefix.tenant_id, prefix.last_seq) for prefix in group], ensure_ascii=False)
        return cls(ends, first, last, max(1, batch_rows // 10, min(batch_rows, dense)))


def _counted(database: Database, stretch: _Stretch, tick: Tick) -> list[list[Part]]:
    """The parts of each transaction, of entries that a verification has judged."""
    ends, first, last, size = stretch
    batches: list[list[Part]] = []
    while rows := database.rows(raw(_COUNTING, ends, first, last, size)):
        batches.append([Part(*row) for row in rows])
        tick(sum(part.entries for part in batches[-1]))
        first = max(part.last_seq for part in batches[-1]) + 1
    return batches


def _in_order(
    database: Database, group: Sequence[Prefix], stretch: _Stretch, tick: Tick
) -> Iterator[tuple[Any, ...]]:
    """The rows of a group in order of seq, as `_PROVING` and `_ONE_BY_ONE` have them."""
    count, unreadable, start = _CHUNK, False, stretch.first
    while count == _CHUNK or unreadable:
        by_bytes = unreadable or database.encoding != "utf-8"
        count, unreadable = 0, False
        query = _OLD.format(columns=_ONE_BY_ONE if by_bytes else _PROVING)
        try:
            for row in database.each(raw(query, stretch.ends, start, stretch.last, _CHUNK)):
                yield row
                start = row[0] + 1
                count += 1
        except UndecodableText:
            unreadable = True
        tick(count)


def _by_tenant(
    database: Database, group: Sequence[Prefix], stretch: _Stretch, tick: Tick
) -> Iterator[tuple[Any, ...]]:
    """The same tenant by tenant, by an index: the entries of others between them would be charged."""
    waiting = [(prefix.tenant_id, prefix.first_seq, prefix.last_seq, prefix.entries) for prefix in group]
    while waiting:
        some, expected = list[tuple[str, int, int, int]](), 0
        while waiting and (not some or expected + waiting[0][-1] <= _CHUNK):
            some.append(waiting.pop(0))
            expected += some[-1][-1]
        try:
            found = _asked(database, some, _PROVING)
        except UndecodableText:
            found = _asked(database, some, _ONE_BY_ONE)
        for (tenant, _, last, rows), those in zip(some, found, strict=True):
            yield from those
            if len(those) == _CHUNK:
                waiting.insert(0, (tenant, those[-1][0] + 1, last, rows - _CHUNK))
        tick(sum(map(len, found)))


def _asked(database: Database, some: Sequence[tuple[str, int, int, int]], columns: str) -> list[Rows]:
    query = _OF_TENANT.format(columns=columns)
    return [*database.read_each([raw(query, *one[:-1], _CHUNK) for one in some])]


def _judged(
    database: Database, rows: Iterable[tuple[Any, ...]], size: int, follower: Follower
) -> list[list[Part]]:
    """The parts of each transaction, where `follower` has seen each row, those of a tenant in order."""
    check = quick_check(follower, record=False)
    batches: list[list[Part]] = []
    begun: dict[str, int] = {}  # the first entry of each tenant in the part that it is in
    counted: dict[str, int] = {}
    filled = 0
    for seq, tenant, data, digest, previous, event, at in rows:
        if at is None or not check(data, digest, previous, tenant, event, at, seq):
            for entry in read_entries(
                database, database.encoding, "seq = ?", seq
            ):  # unless removed meanwhile
                follower.judge(entry)
        begun.setdefault(tenant, seq)
        filled += 1
        if filled == size:
            batches.append(_cut(follower.states, begun, counted))
            filled = 0
    batches.append(_cut(follower.states, begun, counted))
    return batches


def _cut(states: Mapping[str, State], begun: dict[str, int], counted: dict[str, int]) -> list[Part]:
    """What has been walked since the last cut, of each tenant that was `begun`."""
    parts = []
    for tenant, first in begun.items():
        if (state := states.get(tenant)) is not None:
            count = state[COUNT] - counted.get(tenant, 0)
            parts.append(Part(tenant, first, state[SEQ], count, state[HEAD]))
            counted[tenant] = state[COUNT]
    begun.clear()
    return parts


class _Boundary(NamedTuple):
    """A prefix's first entry and the one behind it, where they are there, and its tenant's markers."""

    start: Sequence[Entry]
    survivors: Sequence[Entry]
    markers: Sequence[rules.Marker]
    doubted: Sequence[rules.Finding]


def _problem(
    follower: Follower, prefix: Prefix, walked: Part | None, accepted: tuple[int, str] | None, ends: _Boundary
) -> tuple[int | None, str] | None:
    """Where and why a prefix must stay of which all that is there was `walked`, or None."""
    first, (start, survivors, markers, doubted) = prefix.first_seq, ends
    if walked is None or not start:
        return first, CHANGED
    state = follower.states.get(prefix.tenant_id)
    if state is not None and state[ERRORS]:
        return _first_error(follower, prefix)
    if doubted:
        return doubted[0].seq, doubted[0].message
    if (
        rules.anchor(first, start[0].text("previous_hash"), markers[-1] if markers else None, accepted)
        is None
    ):
        return first, f"Nothing proves what came before entry {first:,}, the first of the chain."
    if reason := unsayable(first):
        return first, reason
    if not survivors or (walked.first_seq, walked.entries) != (first, prefix.entries):
        return first, CHANGED
    if survivors[0].text("previous_hash") != walked.last_hash:
        return survivors[0].seq, rules.broken_link(tenant_name(prefix.tenant_id), survivors[0].seq)
    return None


def unsayable(first: int) -> str | None:
    """Why what begins at this number cannot be told as removed."""
    return None if first >= 1 else f"Entry {first:,} is numbered below 1, which no prune marker can say."


def _first_error(follower: Follower, prefix: Prefix) -> tuple[int, str]:
    """The first thing that is wrong with a tenant's entries."""
    tenant = prefix.tenant_id
    found = [
        (seq, rules.broken_link(tenant_name(tenant), seq))
        for name, seq, *_ in follower.breaks
        if name == tenant
    ]
    for item in follower.findings:
        if item.tenant == tenant and item.seq is not None and item.is_error:
            found.append((item.seq, item.message))
    return min(found, default=(prefix.first_seq, "The chain is broken; verify it."))


def joined(batches: Iterable[Sequence[Part]]) -> list[Part]:
    """Batches that follow one another as one: of each tenant a single part."""
    whole: dict[str, Part] = {}
    for part in chain.from_iterable(batches):
        begun = whole.get(part.tenant_id)
        whole[part.tenant_id] = (
            part
            if begun is None
            else replace(part, first_seq=begun.first_seq, entries=begun.entries + part.entries)
        )
    return list(whole.values())


def remove(
    database: Database,
    batch: Sequence[Part],
    *,
    cutoff: int,
    now: int,
    cancelled: Stop,
    bookmark: str | None = None,
    guards: Sequence[Statement] = (),
    if_old: Any = None,
    attempts: int = ATTEMPTS,
    patience: float = math.inf,
) -> float:
    """Removes the parts and appends their markers, in one transaction; for how many seconds that kept others
    from writing. The markers name the `bookmark` of what was there, if one was taken. What the `guards` look
    for must not be there then, and each entry must be `if_old`, a condition of `CREATED_AT`, says so: all may
    have been replaced since it was found to be.

    Tried again while others append to the same chains; `cancelled` ends a wait for the lock. Raises
    `RowChanged` when the entries are no longer those that were proven, `HeadMoved` when the chains do not
    rest for so many `attempts` or seconds of `patience`, and the storage errors.
    """
    old = _condition(if_old)
    removals = [one for part in batch for one in removal_of(part, old)]
    markers = [marker_of(part, cutoff, bookmark) for part in batch]
    whose = some_of([*dict.fromkeys(part.tenant_id for part in batch)], _NAMED, shown=tenant_name)
    batched = Batch([*guards, *removals], markers, what=f"retention of audit entries of {whose}")
    until: dict[str, Any] = {"cancelled": cancelled, "attempts": attempts, "patience": patience}
    return append(database, lambda: batched, now=now, told=True, **until)


def _condition(of_time: Any) -> tuple[str, Sequence[Any]]:
    if of_time is None:
        return "", ()
    sql, values = Select([], [SQL("1")]).where(of_time).sql()
    return f" AND {sql.partition(' WHERE ')[2]}", values


def removal_of(part: Part, old: tuple[str, Sequence[Any]] = ("", ())) -> list[Statement]:
    """What removes it, if it is still as it was proven, and `old` holds, of which this is SQL."""
    more, values = old
    last = raw(_REMOVING_LAST + more, part.tenant_id, part.last_seq, part.last_hash, *values)
    rest = raw(_REMOVING_REST + more, part.tenant_id, part.first_seq, part.last_seq, *values)
    return [Statement(last), Statement(rest, expect=part.entries - 1)]


def marker_of(part: Part, cutoff: int, bookmark: str | None = None) -> Event:
    """What tells of it in the same transaction."""
    marker = rules.Marker(
        0, part.first_seq, part.last_seq, part.entries, part.last_hash, cutoff, part.archive
    )
    payload = rules.marker_payload(marker) | ({} if bookmark is None else {"bookmark": bookmark})
    return Event(part.tenant_id, rules.MARKER_EVENT, payload)
