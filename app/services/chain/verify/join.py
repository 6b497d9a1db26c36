"""The ranges of a scan joined into one chain per tenant."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.services.chain.rules import GENESIS, Code, Finding, Marker, backwards, believed, seconds
from app.services.chain.verify.follow import (
    COUNT,
    DOUBTED,
    ERRORS,
    FIRST_HASH,
    FIRST_HOLDS,
    FIRST_PREVIOUS,
    FIRST_SEQ,
    FIRST_TIME,
    GAP_BEFORE,
    GAP_BEHIND,
    HEAD,
    KEEP_MARKERS,
    SEQ,
    TIME,
    Gap,
    add_gap,
)


@dataclass(frozen=True, slots=True)
class Break:
    """A row whose previous hash is not the hash of its tenant's row before it (`expected`).

    `holds` says whether the row matches its own hash; if not, the previous hash itself may be the edit.
    """

    tenant: str
    seq: int
    previous: str
    expected: str
    stored: str
    holds: bool


@dataclass(slots=True)
class Chain:
    """What the scan knows of one tenant. `head_at` is created_at of the last row, if it is a number.

    `markers` are its prune markers that are believed, in order, and `doubted` how many are not. `gap_before`
    says that rows before the first one could not be read, so that nothing is known of the start; `gap_behind`
    the same of rows behind the last one.
    """

    tenant: str
    entries: int
    first_seq: int
    first_previous: str
    first_hash: str
    first_holds: bool
    first_at: int | None
    last_seq: int
    head: str
    head_at: int | None
    errors: int
    doubted: int
    gap_before: bool = False
    gap_behind: bool = False
    markers: list[Marker] = field(default_factory=list)

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
        place = bisect_right(states, through, key=lambda state: state.cut)
        return states[place - 1] if place else None

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

    def add(self, finding: Finding) -> None:
        """Takes it in; an error of a tenant, other than damage, counts against its chain."""
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
    joined = Joined()
    for result in results:
        joined.findings.extend(Finding(Code(item[0]), *item[1:]) for item in result["findings"])
        for code, number in result["counts"].items():
            joined.count(code, number)
        for cut, tenant, entries, last_seq, head, digest in result["seals"]:
            before = joined.chains[tenant].entries if tenant in joined.chains else 0
            joined.states.setdefault(tenant, []).append(
                ChainState(cut, before + entries, last_seq, head, digest)
            )
        for tenant, state in result["tenants"].items():
            chain = joined.chains.get(tenant)
            if chain is None:
                joined.chains[tenant] = _begin(tenant, state, gap=bool(joined.gaps))
            else:
                _continue(joined, chain, state)
        for tenant, *marker in result["markers"]:
            joined.chains[tenant].markers.append(Marker(*marker))
        joined.all_markers = joined.all_markers and len(result["markers"]) < KEEP_MARKERS
        joined.breaks.extend(Break(*item) for item in result["breaks"])
        if result["gaps"]:
            for tenant, chain in joined.chains.items():
                chain.gap_behind = chain.gap_behind or tenant not in result["tenants"]
            for gap in result["gaps"]:
                add_gap(joined.gaps, tuple(gap))
    joined.complete = not joined.gaps
    for chain in joined.chains.values():
        chain.markers, disorderly = believed(chain.tenant, chain.markers)
        chain.doubted += len(disorderly)
        for finding in disorderly:
            joined.add(finding)
    return joined


def _begin(tenant: str, state: list[Any], *, gap: bool) -> Chain:
    return Chain(
        tenant=tenant,
        entries=state[COUNT],
        first_seq=state[FIRST_SEQ],
        first_previous=state[FIRST_PREVIOUS],
        first_hash=state[FIRST_HASH],
        first_holds=state[FIRST_HOLDS],
        first_at=state[FIRST_TIME],
        last_seq=state[SEQ],
        head=state[HEAD],
        head_at=state[TIME],
        errors=state[ERRORS],
        doubted=state[DOUBTED],
        gap_before=gap or state[GAP_BEFORE],
        gap_behind=state[GAP_BEHIND],
    )


def _continue(joined: Joined, chain: Chain, state: list[Any]) -> None:
    if not (chain.gap_behind or state[GAP_BEFORE]):
        _judge_link(joined, chain, state)
    chain.entries += state[COUNT]
    chain.last_seq, chain.head = state[SEQ], state[HEAD]
    chain.head_at = state[TIME] if state[TIME] is not None else chain.head_at
    chain.errors += state[ERRORS]
    chain.gap_behind = state[GAP_BEHIND]
    chain.doubted += state[DOUBTED]


def _judge_link(joined: Joined, chain: Chain, state: list[Any]) -> None:
    """The link between the last row of one range and the first of the next."""
    if state[FIRST_PREVIOUS] != chain.head:
        joined.breaks.append(
            Break(
                chain.tenant,
                state[FIRST_SEQ],
                state[FIRST_PREVIOUS],
                chain.head,
                state[FIRST_HASH],
                state[FIRST_HOLDS],
            )
        )
        joined.count(Code.LINK)
        chain.errors += 1
    at = state[FIRST_TIME]
    if at is not None and chain.head_at is not None and seconds(at) < seconds(chain.head_at):
        joined.add(backwards(chain.tenant, state[FIRST_SEQ], seconds(chain.head_at), seconds(at)))
