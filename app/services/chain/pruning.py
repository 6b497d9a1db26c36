"""Proves the old prefixes of audit chains and takes them off, so that every chain stays provable.

Each transaction removes the next entries of several tenants in the order of `seq` (entries of neighbouring
tenants share pages, so this writes each page once) and appends for each of them

    audit_pruned {"fromSeq","toSeq","count","lastHash","cutoff"}

saying exactly what that transaction removes, and behind that `"archive":{"file","sha256"}` where the entries
were archived first (`chain.archives`). So after every commit the first survivor of each chain names, as its
`previous_hash`, the `lastHash` of a marker in the same chain: no state in between needs another rule,
and a process that dies at any point leaves nothing to repair. A large removal leaves several markers, one
for each transaction that touched the tenant; they grow old and go with later prefixes like any entry.

What proves a prefix are the rules of verification (app/services/chain/README.md, Pruning).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Final

from app.services.chain.append import Batch, Event, append
from app.services.chain.entry import JOINED, QUICK_TYPES
from app.services.chain.reading import SIZE, bounded, markers_of, read_entries, text_encoding
from app.services.chain.rules import (
    MARKER_EVENT,
    SECONDS_LIMIT,
    TABLE,
    Marker,
    Reference,
    anchor,
    broken_link,
    marker_payload,
)
from app.services.chain.verify.follow import (
    COUNT,
    ERRORS,
    FIRST_PREVIOUS,
    FIRST_SEQ,
    HEAD,
    SEQ,
    Follower,
    QuickCheck,
    State,
    quick_check,
)
from models.engine import Database, Row, Statement, raw
from models.errors import UndecodableText
from models.progress import Stop, Tick, never

GROUP: Final = 20
"""Tenants whose entries are removed together; with more, there would be more markers than it is worth."""

CHANGED: Final = "The chain was changed by somebody else meanwhile."

_OLD: Final = f"FROM {TABLE} WHERE seq BETWEEN ? AND ? AND +tenant_id IN (SELECT value FROM json_each(?))"  # noqa: S608
_UNREAD: Final = ", ".join(["NULL"] * 5)
_PROVING: Final = f"""
SELECT seq, tenant_id, {JOINED}, hash, previous_hash, event_type, CASE WHEN {QUICK_TYPES} THEN created_at END
{_OLD} ORDER BY seq LIMIT ?
"""
_COUNTING: Final = f"SELECT seq, tenant_id, NULL, hash, previous_hash, NULL, 0 {_OLD} ORDER BY seq LIMIT ?"
_ONE_BY_ONE: Final = f"SELECT seq, tenant_id, {_UNREAD} {_OLD} ORDER BY seq LIMIT ?"
"""The same rows, each to be read again by its bytes."""

_SIZE: Final = f"SELECT total(size) FROM (SELECT {SIZE} AS size {_OLD} ORDER BY seq LIMIT ?)"  # noqa: S608

_CHUNK: Final = 250
"""Entries read at a time: the fewest that cost nothing, since these are still in the processor's cache."""

_SURVIVOR: Final = "tenant_id = ? AND seq > ? ORDER BY seq LIMIT 1"
_REMOVING_LAST: Final = f"DELETE FROM {TABLE} WHERE tenant_id = ? AND seq = ? AND hash = ?"  # noqa: S608
_REMOVING_REST: Final = f"DELETE FROM {TABLE} WHERE tenant_id = ? AND seq BETWEEN ? AND ?"  # noqa: S608
"""The last one only as it was proven, which its hash says of all before it: the content may have been
replaced since, by a restore."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The entries of one tenant that can go: all `rows` of them from `first_seq` to `last_seq`."""

    tenant_id: str
    first_seq: int
    last_seq: int
    rows: int


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
    """What one transaction removes of one tenant: `count` entries, all that it has in `from_seq … to_seq`.

    `archive` is the file that keeps them, if any does.
    """

    tenant_id: str
    from_seq: int
    to_seq: int
    count: int
    last_hash: str
    archive: Reference | None = None


def groups(prefixes: Iterable[Prefix]) -> list[list[Prefix]]:
    """The prefixes in groups that are removed together, those of like size in one."""
    ordered = sorted(prefixes, key=lambda prefix: (-prefix.rows, prefix.tenant_id))
    return [ordered[start : start + GROUP] for start in range(0, len(ordered), GROUP)]


def prove(
    database: Database,
    group: Sequence[Prefix],
    *,
    batch_rows: int,
    tick: Tick,
    accepted: Mapping[str, tuple[int, str]] | None = None,
    verified: Stop = never,
) -> tuple[list[list[Part]], list[LeftAlone]]:
    """Judges the prefixes by the rules of verification: what may be removed, transaction by transaction, and
    the tenants that cannot be proven.

    Nothing is locked or changed. `tick` is told of entries that were read. `accepted` are the starts that a
    person accepted, each as the first seq and its previous hash. A tenant of which any entry, any
    prune marker or the start fails is in no batch and left alone. `verified()` tells that a verification has
    found every entry of these chains in order, and that nobody has written to the file since: while it does,
    the entries are not judged once more, one by one. Raises what `tick` does.
    """
    encoding = text_encoding(database)
    walk = partial(_walked, database, encoding, group, batch_rows, tick)
    is_verified = verified()
    follower, batches = walk(is_verified)
    if is_verified and not verified():
        follower, batches = walk(False)
    problems = [
        LeftAlone(prefix.tenant_id, *problem)
        for prefix in group
        if (problem := _problem(database, encoding, follower, prefix, (accepted or {}).get(prefix.tenant_id)))
        is not None
    ]
    proven = {prefix.tenant_id for prefix in group} - {problem.tenant_id for problem in problems}
    kept = ([part for part in batch if part.tenant_id in proven] for batch in batches)
    return [batch for batch in kept if batch], problems


def _walked(  # noqa: PLR0917 - always the same but for the last
    database: Database,
    encoding: str,
    group: Sequence[Prefix],
    batch_rows: int,
    tick: Tick,
    is_verified: bool,
) -> tuple[Follower, list[list[Part]]]:
    """The follower that has seen each entry of the prefixes, in order of seq, and the parts of each
    transaction.
    """
    follower = Follower(now=SECONDS_LIMIT)  # what lies in the future is no error, and not removed
    check = _counting(follower) if is_verified else quick_check(follower, record=False)
    sql = _COUNTING if is_verified else _PROVING
    ends = {prefix.tenant_id: prefix.last_seq for prefix in group}
    first, last = min(prefix.first_seq for prefix in group), max(ends.values())
    size = _batch_size(batch_rows, sum(prefix.rows for prefix in group), last + 1 - first)
    tenants = json.dumps(list(ends), ensure_ascii=False)

    def read(start: int, limit: int) -> list[Row]:
        values = start, last, tenants, limit
        if encoding == "utf-8":
            with suppress(UndecodableText):
                return database.rows(raw(sql, *values))
        return database.rows(raw(_ONE_BY_ONE, *values))

    def bytes_of(start: int, limit: int) -> float:
        return 0 if is_verified else float(database.scalar(raw(_SIZE, start, last, tenants, limit)))

    batches: list[list[Part]] = []
    begun: dict[str, int] = {}  # the first entry of each tenant in the part that it is in
    counted: dict[str, int] = {}
    filled = 0
    for rows in bounded(read, bytes_of, first, last, most=_CHUNK):
        count = 0
        for seq, tenant, data, digest, previous, event, at in rows:
            if seq > ends[tenant]:
                continue
            count += 1
            if at is None or not check(data, digest, previous, tenant, event, at, seq):
                for entry in read_entries(database, encoding, "seq = ?", seq):  # unless removed meanwhile
                    follower.judge(entry)
            begun.setdefault(tenant, seq)
            filled += 1
            if filled == size:
                batches.append(_cut(follower.states, begun, counted))
                filled = 0
        tick(count)
    batches.append(_cut(follower.states, begun, counted))
    return follower, batches


def _counting(follower: Follower) -> QuickCheck:
    """Takes in each row as it stands: it has been judged by a verification."""
    states = follower.states

    def count(_data: bytes, stored: str, previous: str, tenant: str, _event: str, at: int, seq: int) -> bool:
        if (state := states.get(tenant)) is None:
            follower.begin(tenant, seq, previous, stored, at, holds=True)
        else:
            state[HEAD], state[SEQ] = stored, seq
            state[COUNT] += 1
        return True

    return count


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


def _problem(
    database: Database,
    encoding: str,
    follower: Follower,
    prefix: Prefix,
    accepted: tuple[int, str] | None,
) -> tuple[int | None, str] | None:
    """Where and why a walked prefix must stay, or None."""
    state = follower.states.get(prefix.tenant_id)
    changed = prefix.first_seq, CHANGED
    if state is None:
        return changed
    if state[ERRORS]:
        return _first_error(follower, prefix)
    markers, doubted = markers_of(database, encoding, prefix.tenant_id)
    if doubted:
        return doubted[0].seq, doubted[0].message
    first = prefix.first_seq
    if anchor(state[FIRST_SEQ], state[FIRST_PREVIOUS], markers[-1] if markers else None, accepted) is None:
        return first, f"Nothing proves what came before entry {first:,}, the first of the chain."
    if first < 1:
        return first, f"Entry {first:,} is numbered below 1, which no prune marker can say."
    survivors = read_entries(database, encoding, _SURVIVOR, prefix.tenant_id, prefix.last_seq)
    if not survivors or state[COUNT] != prefix.rows or state[FIRST_SEQ] != first:
        return changed
    if survivors[0].text("previous_hash") != state[HEAD]:
        return survivors[0].seq, broken_link(prefix.tenant_id, survivors[0].seq)
    return None


def _first_error(follower: Follower, prefix: Prefix) -> tuple[int, str]:
    """The first thing that is wrong with a tenant's entries."""
    tenant = prefix.tenant_id
    found = [(seq, broken_link(tenant, seq)) for name, seq, *_ in follower.breaks if name == tenant]
    for item in follower.findings:
        if item.tenant == tenant and item.seq is not None and item.is_error:
            found.append((item.seq, item.message))
    return min(found, default=(prefix.first_seq, "The chain does not hold; verify it."))


def _batch_size(batch_rows: int, rows: int, span: int) -> int:
    """Fewer entries a transaction where they lie thinly, because each then costs a page of its own."""
    return max(1, batch_rows // 10, min(batch_rows, 2 * batch_rows * rows // max(1, span)))


def joined(batches: Iterable[Sequence[Part]]) -> list[Part]:
    """Batches that follow one another as one: of each tenant a single part."""
    whole: dict[str, Part] = {}
    for part in chain.from_iterable(batches):
        begun = whole.get(part.tenant_id)
        whole[part.tenant_id] = (
            part if begun is None else replace(part, from_seq=begun.from_seq, count=begun.count + part.count)
        )
    return list(whole.values())


def remove(database: Database, batch: Sequence[Part], *, cutoff: int, now: int, cancelled: Stop) -> float:
    """Removes the parts and appends their markers, in one transaction; for how many seconds that kept others
    from writing.

    Tried again while others append to the same chains; `cancelled` ends a wait for the lock. Raises
    `RowChanged` when the entries are no longer those that were proven, `HeadMoved` when the chains never
    rest, and the storage errors.
    """
    removals, markers = [], []
    for part in batch:
        last = raw(_REMOVING_LAST, part.tenant_id, part.to_seq, part.last_hash)
        rest = raw(_REMOVING_REST, part.tenant_id, part.from_seq, part.to_seq)
        removals += [Statement(last), Statement(rest, expect=part.count - 1)]
        marker = Marker(0, part.from_seq, part.to_seq, part.count, part.last_hash, cutoff, part.archive)
        markers.append(Event(part.tenant_id, MARKER_EVENT, marker_payload(marker)))
    return append(database, lambda: Batch(removals, markers), now=now, cancelled=cancelled, told=True)
