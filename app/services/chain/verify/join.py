"""The ranges of a scan joined into one chain per tenant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.services.chain.verify.codes import Code
from app.services.chain.verify.follow import (
    COUNT,
    ERRORS,
    FIRST_HASH,
    FIRST_HOLDS,
    FIRST_PREVIOUS,
    FIRST_SEQ,
    FIRST_TIME,
    GAP_BEFORE,
    GAP_BEHIND,
    HEAD,
    SEQ,
    THROUGH,
    TIME,
    Gap,
    add_gap,
    backwards,
)
from app.services.chain.verify.report import Finding


@dataclass(frozen=True, slots=True)
class Marker:
    """A prune marker: row `seq` says that all up to `through` was removed, ending in `last_hash`."""

    through: int
    last_hash: str
    seq: int


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

    `gap_before` says that rows before the first one could not be read, so that nothing is known of the
    start; `gap_behind` the same of rows behind the last one.
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
    marker: Marker | None
    gap_before: bool = False
    gap_behind: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """A tenant's chain at a cut: rows so far, its last row, and the digest of the block's rows so far."""

    cut: int
    entries: int
    last_seq: int
    head: str
    digest: str


@dataclass(slots=True)
class Joined:
    """All ranges together. `counts` has every finding by code, kept or not; links are counted as LINK.

    `gaps` are the seqs that could not be read, in order and none beside the next.
    """

    chains: dict[str, Chain] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    complete: bool = True
    seals: dict[str, list[Seal]] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        return sum(chain.entries for chain in self.chains.values())

    def gap_between(self, after: int, through: int) -> bool:
        """Whether something with `after < seq <= through` could not be read."""
        return any(first <= through and last > after for first, last, _ in self.gaps)

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.count(finding.code)

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
            joined.seals.setdefault(tenant, []).append(Seal(cut, before + entries, last_seq, head, digest))
        for tenant, state in result["tenants"].items():
            chain = joined.chains.get(tenant)
            if chain is None:
                joined.chains[tenant] = _begin(tenant, state, gap=bool(joined.gaps))
            else:
                _continue(joined, chain, state)
        joined.breaks.extend(Break(*item) for item in result["breaks"])
        if result["gaps"]:
            for tenant, chain in joined.chains.items():
                chain.gap_behind = chain.gap_behind or tenant not in result["tenants"]
            for gap in result["gaps"]:
                add_gap(joined.gaps, tuple(gap))
    joined.complete = not joined.gaps
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
        marker=_marker(state),
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
    marker = _marker(state)
    if marker is not None and (chain.marker is None or marker.through >= chain.marker.through):
        chain.marker = marker


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
    if at is not None and chain.head_at is not None and at < chain.head_at:
        code, expected, actual, message = backwards(state[FIRST_SEQ], chain.head_at, at)
        joined.add(Finding(Code(code), chain.tenant, state[FIRST_SEQ], expected, actual, message))


def _marker(state: list[Any]) -> Marker | None:
    return None if state[THROUGH] is None else Marker(*state[THROUGH])
