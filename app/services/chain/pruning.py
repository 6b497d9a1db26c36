"""Proves the old prefixes of audit chains and takes them off, so that every chain stays provable.

Source: `integrity.md` 1. Each transaction removes the next entries of several tenants in the order of `seq`
(entries of neighbouring tenants share pages, so this writes each page once) and appends for each of them

    audit_pruned {"fromSeq","toSeq","count","lastHash","cutoff"}

saying exactly what that transaction removes, and behind that `"archive":{"file","sha256"}` where the entries
were archived first (`chain.archive`). So after every commit the first survivor of each chain names, as its
`previous_hash`, the `lastHash` of a marker in the same chain: no state in between needs another rule,
and a process that dies at any point leaves nothing to repair. A large removal leaves several markers, one
for each transaction that touched the tenant; they grow old and go with later prefixes like any entry.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from app.services.chain.append import GENESIS, Batch, Event, append, entry_hash
from app.services.chain.archive.files import Reference
from app.services.errors import Cancelled
from models.engine import Database, Statement, raw
from models.status import AuditEvent
from models.tables import AuditEntry

GROUP: Final = 20
"""Tenants whose entries are removed together; with more, there would be more markers than it is worth."""

_CHUNK: Final = 1_000
"""Entries read at a time while proving: no read holds its snapshot, or the interpreter, for long."""

_PROVING: Final = """
SELECT seq, CAST(tenant_id AS BLOB), CAST(previous_hash AS BLOB), CAST(hash AS BLOB),
       CAST(previous_hash || ':' || event_type || ':' || payload || ':' || created_at AS BLOB),
       typeof(event_type) = 'text' AND typeof(payload) = 'text' AND typeof(previous_hash) = 'text'
       AND typeof(hash) = 'text' AND typeof(created_at) = 'integer'
FROM audit_chain
WHERE seq > ? AND seq <= ? AND +tenant_id IN (SELECT value FROM json_each(?))
ORDER BY seq LIMIT ?
"""

_REMOVING_LAST: Final = "DELETE FROM audit_chain WHERE tenant_id = ? AND seq = ? AND hash = ?"
_REMOVING_REST: Final = "DELETE FROM audit_chain WHERE tenant_id = ? AND seq BETWEEN ? AND ?"
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
    """A tenant whose entries stay although they are old, and why: `reason` is a sentence for a person."""

    tenant_id: str
    seq: int | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "seq": self.seq, "reason": self.reason}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Proof:
    """What may be removed, transaction by transaction, and the tenants that cannot be proven."""

    batches: tuple[tuple[Part, ...], ...]
    left: tuple[LeftAlone, ...]


@dataclass(slots=True)
class _Walk:
    """The state of one tenant's prefix while it is walked."""

    prefix: Prefix
    anchors: frozenset[bytes]
    last_seq: int
    last_hash: bytes = b""
    rows: int = 0
    from_seq: int = 0
    to_seq: int = 0
    count: int = 0
    problem: LeftAlone | None = None

    def step(self, seq: int, previous: bytes, digest: bytes, data: bytes, is_typed: bool) -> None:
        """Checks the next entry; what fails once stays failed."""
        if self.problem is not None:
            return
        if not is_typed:
            self._fail(seq, f"Entry {seq:,} holds a value of the wrong type.")
        elif not self.last_hash and previous not in self.anchors:
            self._fail(seq, f"Nothing proves what came before entry {seq:,}, the first of the chain.")
        elif self.last_hash and previous != self.last_hash:
            self._fail(seq, f"Entry {seq:,} does not follow from the entry before it.")
        elif sha256(data).hexdigest().encode() != digest:
            self._fail(seq, f"Entry {seq:,} does not match its hash.")
        if not self.count:
            self.from_seq = seq
        self.to_seq = seq
        self.last_hash = digest
        self.count += 1

    def cut(self) -> Part:
        """The entries walked since the last cut."""
        part = Part(self.prefix.tenant_id, self.from_seq, self.to_seq, self.count, self.last_hash.decode())
        self.rows += self.count
        self.count = 0
        return part

    def close(self, survivor: tuple[int, bytes] | None) -> None:
        """Checks the link across the cut, and that the prefix is still the one that was planned."""
        if self.problem is not None:
            return
        if survivor is None or self.rows != self.prefix.rows:
            self._fail(self.prefix.first_seq, "The chain was changed by somebody else meanwhile.")
        elif survivor[1] != self.last_hash:
            self._fail(survivor[0], f"Entry {survivor[0]:,} does not follow from the entry before it.")

    def _fail(self, seq: int, reason: str) -> None:
        self.problem = LeftAlone(self.prefix.tenant_id, seq, reason)


def groups(prefixes: Iterable[Prefix]) -> list[list[Prefix]]:
    """The prefixes in groups that are removed together, those of like size in one."""
    ordered = sorted(prefixes, key=lambda prefix: (-prefix.rows, prefix.tenant_id))
    return [ordered[start : start + GROUP] for start in range(0, len(ordered), GROUP)]


def prove(
    database: Database,
    group: Sequence[Prefix],
    *,
    batch_rows: int,
    tick: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> Proof:
    """Recomputes every hash and link of the prefixes, and cuts what holds into transactions.

    Nothing is locked or changed. `tick(n)` says that n more entries have been read. A tenant of which any
    entry fails is in no batch and in `left`. Raises `Cancelled`.
    """
    walks = {
        prefix.tenant_id.encode(): _Walk(prefix, _anchors(database, prefix.tenant_id), prefix.last_seq)
        for prefix in group
    }
    tenants = json.dumps([prefix.tenant_id for prefix in group], ensure_ascii=False)
    last = min(prefix.first_seq for prefix in group) - 1
    end = max(prefix.last_seq for prefix in group)
    size = _batch_size(batch_rows, sum(prefix.rows for prefix in group), end - last)
    batches: list[list[Part]] = []
    filled = 0
    while True:
        if cancelled():
            raise Cancelled
        rows = database.rows(raw(_PROVING, last, end, tenants, _CHUNK))
        read = 0
        for seq, tenant, previous, digest, data, is_typed in rows:
            walk = walks[tenant]
            if seq <= walk.last_seq:
                if (  # nearly always; `step` says what is wrong, and begins a part
                    walk.count
                    and previous == walk.last_hash
                    and sha256(data).hexdigest().encode() == digest
                    and is_typed
                ):
                    walk.to_seq = seq
                    walk.last_hash = digest
                    walk.count += 1
                else:
                    walk.step(seq, previous, digest, data, is_typed)
                read += 1
                filled += 1
                if filled == size:
                    batches.append(_cut(walks.values()))
                    filled = 0
        tick(read)
        if len(rows) < _CHUNK:
            break
        last = rows[-1][0]
    batches.append(_cut(walks.values()))
    for walk in walks.values():
        walk.close(_survivor(database, walk.prefix))
    problems = {walk.prefix.tenant_id: walk.problem for walk in walks.values() if walk.problem is not None}
    kept = (tuple(part for part in batch if part.tenant_id not in problems) for batch in batches)
    return Proof(tuple(batch for batch in kept if batch), tuple(problems.values()))


def _cut(walks: Iterable[_Walk]) -> list[Part]:
    return [walk.cut() for walk in walks if walk.count and walk.problem is None]


def _batch_size(batch_rows: int, rows: int, span: int) -> int:
    """Fewer entries a transaction where they lie thinly, because each then costs a page of its own."""
    return max(1, batch_rows // 10, min(batch_rows, 2 * batch_rows * rows // max(1, span)))


def _anchors(database: Database, tenant: str) -> frozenset[bytes]:
    """The previous hashes that a chain may start with: genesis, and the last hash of each sound marker."""
    found = {GENESIS}
    markers = AuditEntry.select(
        AuditEntry.event_type,
        AuditEntry.payload.cast("BLOB"),
        AuditEntry.previous_hash.cast("BLOB"),
        AuditEntry.hash.cast("BLOB"),
        AuditEntry.created_at,
    ).where(AuditEntry.tenant_id == tenant, AuditEntry.event_type == AuditEvent.AUDIT_PRUNED.value)
    for kind, *values, created_at in database.rows(markers.tuples()):
        try:
            payload, previous, digest = (value.decode() for value in values)
            marker = json.loads(payload)
        except (ValueError, RecursionError):
            continue
        if isinstance(marker, dict) and entry_hash(previous, kind, payload, created_at) == digest:
            found.add(str(marker.get("lastHash")))
    return frozenset(anchor.encode() for anchor in found)


def _survivor(database: Database, prefix: Prefix) -> tuple[int, bytes] | None:
    found = database.rows(
        AuditEntry.select(AuditEntry.seq, AuditEntry.previous_hash.cast("BLOB"))
        .where(AuditEntry.tenant_id == prefix.tenant_id, AuditEntry.seq > prefix.last_seq)
        .order_by(AuditEntry.seq)
        .limit(1)
        .tuples()
    )
    return found[0] if found else None


def remove(
    database: Database, batch: Sequence[Part], *, cutoff: int, now: int, cancelled: Callable[[], bool]
) -> None:
    """Removes the parts and appends their markers, in one transaction.

    Tried again while others append to the same chains; `cancelled` ends a wait for the lock. Raises
    `RowChanged` when the entries are no longer those that were proven, `HeadMoved` when the chains never
    rest, and the storage errors.
    """
    removals = [
        statement
        for part in batch
        for statement in (
            Statement(raw(_REMOVING_LAST, part.tenant_id, part.to_seq, part.last_hash)),
            Statement(raw(_REMOVING_REST, part.tenant_id, part.from_seq, part.to_seq), expect=part.count - 1),
        )
    ]
    markers = [_marker(part, cutoff) for part in batch]
    append(database, lambda: Batch(removals, markers), now=now, cancelled=cancelled)


def _marker(part: Part, cutoff: int) -> Event:
    payload: dict[str, Any] = {
        "fromSeq": part.from_seq,
        "toSeq": part.to_seq,
        "count": part.count,
        "lastHash": part.last_hash,
        "cutoff": cutoff,
    }
    if part.archive is not None:
        payload["archive"] = part.archive.to_json()
    return Event(part.tenant_id, AuditEvent.AUDIT_PRUNED, payload)
