"""The ranges of a scan joined into one chain per tenant, and what the next checkpoint takes in of them."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from app.services.chain.checkpoint import Checkpoint, CheckpointHistory, Seal, SealedChain
from app.services.chain.rules import GENESIS, HIGHEST_SEQ, Code, Finding, Marker, backwards, believed, seconds
from app.services.chain.verify.follow import KEEP_MARKERS, Break, Gap, add_gap
from app.services.chain.verify.scan import BLOCK

WHOLE_EVERY = 64
"""After so many checkpoints the next covers everything, which bounds what a verification holds against."""


@dataclass(slots=True)
class Chain:
    """What the scan knows of one tenant: the fields of `follow.State`, in its order, and its prune markers.

    `head_at` is created_at of the last row, if it is a number. `markers` are those that are believed, in
    order, and `doubted` how many are not. `gap_before` says that rows before the first one could not be read,
    so that nothing is known of the start; `gap_behind` the same of rows behind the last one. `inside` is the
    tenant within whose chain it starts, if any.
    """

    tenant: str
    head: str
    head_at: int | None
    last_seq: int
    entries: int
    first_seq: int
    first_previous: str
    first_hash: str
    first_at: int | None
    first_holds: bool
    errors: int
    doubted: int
    gap_before: bool
    gap_behind: bool
    markers: list[Marker] = field(default_factory=list)
    inside: str | None = None

    @property
    def at_genesis(self) -> bool:
        return self.first_previous == GENESIS

    @property
    def marker(self) -> Marker | None:
        """The furthest one, which alone proves a start."""
        return self.markers[-1] if self.markers else None


@dataclass(frozen=True, slots=True)
class ChainState:
    """A tenant's chain at a cut: rows so far, its last row, and the digest of the block's rows so far."""

    cut: int
    entries: int
    last_seq: int
    head: str
    digest: str


@dataclass(slots=True)
class Joined:
    """All ranges together. `counts` has every finding by code, kept or not; links are counted as LINK.

    `gaps` are the seqs that could not be read, in order and none beside the next. `all_markers` is False
    where there are more prune markers than are kept.
    """

    chains: dict[str, Chain] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    complete: bool = True
    all_markers: bool = True
    states: dict[str, list[ChainState]] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        return sum(chain.entries for chain in self.chains.values())

    def gap_between(self, after: int, through: int) -> bool:
        """Whether something with `after < seq <= through` could not be read."""
        return any(first <= through and last > after for first, last, _ in self.gaps)

    def state_at(self, tenant: str, through: int) -> ChainState | None:
        """The tenant's chain as it stood at seq `through`, a mark of the scan."""
        states = self.states.get(tenant, [])
        position = bisect_right(states, through, key=lambda state: state.cut)
        return states[position - 1] if position else None

    def entries_until(self, tenant: str, through: int) -> int:
        state = self.state_at(tenant, through)
        return 0 if state is None else state.entries

    def first_errors(self) -> dict[str, int]:
        """Of each tenant with errors about single rows, the lowest seq of one."""
        found: dict[str, int] = {}
        for item in self.findings:
            if item.is_error and item.tenant is not None and item.seq is not None:
                found[item.tenant] = min(item.seq, found.get(item.tenant, item.seq))
        return found

    def is_wrong(self, tenant: str, seq: int) -> bool:
        """Whether this very row has an error finding."""
        return any(item.is_error and (item.tenant, item.seq) == (tenant, seq) for item in self.findings)

    def counted_errors(self) -> bool:
        """Whether anything but a warning was found so far."""
        return any(item.is_error for item in self.findings)

    def add(self, *findings: Finding) -> None:
        """Takes them in; an error of a tenant, other than damage, counts against its chain."""
        for finding in findings:
            self.findings.append(finding)
            self.count(finding.code)
            chain = None if finding.tenant is None else self.chains.get(finding.tenant)
            if chain is not None and finding.is_error and finding.code is not Code.UNREADABLE:
                chain.errors += 1

    def incomplete(self, message: str, expected: str | None = None, actual: str | None = None) -> None:
        """Says that there is more than could be read, where no single gap is known."""
        self.complete = False
        self.add(Finding(Code.UNREADABLE, None, None, expected, actual, message))

    def count(self, code: str, number: int = 1) -> None:
        self.counts[code] = self.counts.get(code, 0) + number
        if not self.counts[code]:
            del self.counts[code]


def join(results: Iterable[Mapping[str, Any]]) -> Joined:
    """Joins the results of `RangeScan` in the order of their ranges; links across a gap are not judged."""
    joined, of_many = Joined(), dict[Code, Finding]()
    for result in results:
        for code, number in result["counts"].items():
            joined.count(code, number)
        for item in result["findings"]:
            finding = Finding(Code(item[0]), *item[1:])
            if not finding.is_one_of_many:
                joined.findings.append(finding)
            elif (first := of_many.get(finding.code)) is None:
                of_many[finding.code] = finding
            else:
                of_many[finding.code] = first.with_like(finding)
                joined.count(finding.code, -1)
        for cut, tenant, entries, last_seq, head, digest in result["seals"]:
            before = joined.chains[tenant].entries if tenant in joined.chains else 0
            joined.states.setdefault(tenant, []).append(
                ChainState(cut, before + entries, last_seq, head, digest)
            )
        for tenant, state in result["tenants"].items():
            piece = Chain(tenant, *state)
            if tenant in joined.chains:
                _continue(joined, joined.chains[tenant], piece)
            else:
                piece.gap_before = piece.gap_before or bool(joined.gaps)
                joined.chains[tenant] = piece
        for tenant, *marker in result["markers"]:
            joined.chains[tenant].markers.append(Marker(*marker))
        joined.all_markers = joined.all_markers and len(result["markers"]) < KEEP_MARKERS
        joined.breaks.extend(Break(*item) for item in result["breaks"])
        if result["gaps"]:
            for tenant, chain in joined.chains.items():
                chain.gap_behind = chain.gap_behind or tenant not in result["tenants"]
            for gap in result["gaps"]:
                add_gap(joined.gaps, tuple(gap))
    joined.findings += [finding.in_words() for finding in of_many.values()]
    joined.complete = not joined.gaps
    for chain in joined.chains.values():
        chain.markers, disorderly = believed(chain.tenant, chain.markers)
        chain.doubted += len(disorderly)
        joined.add(*disorderly)
    return joined


def _continue(joined: Joined, chain: Chain, piece: Chain) -> None:
    """Adds the tenant's chain in the next range; the link to it is judged here."""
    first, at = piece.first_seq, piece.first_at
    if not (chain.gap_behind or piece.gap_before):
        if piece.first_previous != chain.head:
            found = piece.first_previous, chain.head, piece.first_hash, piece.first_holds
            joined.breaks.append(Break(chain.tenant, first, *found))
            joined.count(Code.LINK)
            chain.errors += 1
        if at is not None and chain.head_at is not None and seconds(at) < seconds(chain.head_at):
            joined.add(backwards(chain.tenant, first, seconds(chain.head_at), seconds(at)))
    chain.entries += piece.entries
    chain.errors += piece.errors
    chain.doubted += piece.doubted
    chain.last_seq, chain.head, chain.gap_behind = piece.last_seq, piece.head, piece.gap_behind
    chain.head_at = piece.head_at if piece.head_at is not None else chain.head_at


def digest_between(states: Iterable[ChainState], after: int, through: int) -> str:
    """The digest of a tenant's rows with `after < seq <= through`: of its whole blocks and the part of one.

    `after` is the end of a block, or 0.
    """
    everything = after == 0  # rows numbered below 1, too
    pieces = {
        state.cut // BLOCK: state.digest
        for state in states
        if (everything or after < state.cut) and state.cut <= through
    }
    return sha256("\n".join(pieces.values()).encode()).hexdigest()


def next_seal(joined: Joined, history: CheckpointHistory, last: int) -> Seal | None:
    """What the next checkpoint is made of, which may be no row at all; None where it is not known up to which
    number rows were seen.

    It covers everything again where rows were pruned since the one before, or were numbered below its end.
    """
    if last == HIGHEST_SEQ and all(chain.last_seq != last for chain in joined.chains.values()):
        return None
    before, after = history.latest, 0
    if before is not None and len(history.current) < WHOLE_EVERY:
        start = max(0, before.through // BLOCK * BLOCK - 1)
        if all(_goes_on(joined, before, tenant, start) for tenant in before.tenants.keys() | joined.chains):
            after = start
    sealed = {
        tenant: SealedChain(
            first_seq=chain.first_seq,
            last_seq=chain.last_seq,
            entries=chain.entries,
            head=chain.head,
            digest=digest_between(joined.states.get(tenant, ()), after, last),
            pruned_through=0 if chain.marker is None else chain.marker.to_seq,
            first_hash=chain.first_hash,
            first_at=chain.first_at,
            head_at=chain.head_at,
        )
        for tenant, chain in joined.chains.items()
    }
    return Seal(after, last, sealed)


def _goes_on(joined: Joined, before: Checkpoint, tenant: str, after: int) -> bool:
    """Whether a tenant has all the rows up to `after` that the checkpoint knew, and no more."""
    chain, sealed = joined.chains.get(tenant), before.tenants.get(tenant)
    if chain is None:
        return False
    if sealed is None:
        return chain.first_seq > after
    known = joined.entries_until(tenant, min(after, sealed.last_seq))
    return chain.first_seq == sealed.first_seq and joined.entries_until(tenant, after) == known
