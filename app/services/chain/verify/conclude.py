"""From joined chains to a Report: what broken links and starts really are, and the verdicts."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.entry import RAW_COLUMNS, Entry, believed_of, cut
from app.services.chain.rules import (
    ABOUT_A_CHAIN,
    BROKEN,
    GENESIS,
    MARKER_EVENT,
    TABLE,
    Anchor,
    Code,
    Finding,
    Verdict,
    anchor,
    broken_link,
    denied,
    denied_start,
    worst,
)
from app.services.chain.verify.comparison import backed, compare, is_as_latest, unwitnessed
from app.services.chain.verify.extent import (
    Extent,
    check_counters,
    check_indexes,
    explain_emptied,
    name_gaps,
    readable,
)
from app.services.chain.verify.follow import KEEP, Break
from app.services.chain.verify.join import Chain, Joined
from app.services.chain.verify.report import CheckpointHistory, Report, TenantReport, in_order
from app.services.chain.verify.source import IN_THE_WAY, encoding

_NEIGHBOURS = 8
"""How many rows are kept for one hash; honest chains have one."""

_NEAR = f"""
SELECT seq, CAST(tenant_id AS BLOB), CAST(hash AS BLOB), CAST(previous_hash AS BLOB)
FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 AND (
  hash IN (SELECT value FROM json_each(?3)) OR previous_hash IN (SELECT value FROM json_each(?3)))
ORDER BY seq"""  # noqa: S608


def conclude(connection: apsw.Connection, joined: Joined, extent: Extent, known: CheckpointHistory) -> Report:
    """The report, its `seconds` not yet known; looks up in the file only what explains a break or a start.

    `known` is what checkpoints know, for a scan that went by their marks.
    """
    anchors = {
        tenant: _proof(connection, chain, joined, extent, known.adopted.get(tenant))
        for tenant, chain in joined.chains.items()
    }
    unproven = [joined.chains[tenant] for tenant, proof in anchors.items() if proof is None]
    _explain(connection, joined, unproven, readable(joined, extent))
    check_counters(joined, extent)
    check_indexes(connection, joined, extent)
    earlier = compare(joined, known, extent.tenant)
    _explain_renumbered(connection, joined)
    explain_emptied(joined, extent)
    name_gaps(joined, extent)
    tenants = tuple(
        _tenant_report(joined, chain, anchors[chain.tenant], known, earlier)
        for chain in sorted(joined.chains.values(), key=lambda chain: chain.tenant)
    )
    # Where there are too many, those stay that are about a chain or the file; then errors before warnings.
    kept = sorted(joined.findings, key=lambda item: (item.code not in ABOUT_A_CHAIN, item.is_warning))[:KEEP]
    return Report(
        verdict=_verdict(joined, tenants, known, earlier),
        entries=joined.entries,
        seconds=0.0,
        findings=in_order(kept),
        tenants=tenants,
        counts=dict(sorted(joined.counts.items())),
        earlier=None if earlier is None else earlier.number,
        notes=known.notes,
    )


def _explain_renumbered(connection: apsw.Connection, joined: Joined) -> None:
    """A last entry that is not gone but has another number now."""
    for place, finding in enumerate(joined.findings):
        if finding.code is not Code.TRUNCATED or finding.tenant is None or finding.expected is None:
            continue
        try:
            row = connection.execute(
                f"SELECT seq FROM main.{TABLE} WHERE tenant_id = ? AND hash = ?",  # noqa: S608
                (finding.tenant, finding.expected),
            ).fetchone()
        except apsw.CorruptError:
            continue
        if row is not None:
            sentence = (
                f"The last entry of {finding.tenant} that a checkpoint knew was {finding.seq}, "
                f"and is {row[0]} now."
            )
            joined.findings[place] = finding._replace(
                code=Code.CHECKPOINT, actual=str(row[0]), message=sentence
            )
            joined.count(Code.TRUNCATED, -1)
            joined.count(Code.CHECKPOINT)


def _proof(
    connection: apsw.Connection,
    chain: Chain,
    joined: Joined,
    extent: Extent,
    accepted: tuple[int, str] | None,
) -> Anchor | None:
    """How the start of the chain is proven, or None; of a range, by the entry before it."""
    tenant, first, previous = chain.tenant, chain.first_seq, chain.first_previous
    if extent.partial:
        where = "tenant_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
        found = [] if chain.gap_before else _look_up(connection, where, tenant, extent.first)
        if found:
            stored = found[0].text("hash")
            if stored != previous:
                sentence = broken_link(tenant, first)
                joined.add(Finding(Code.LINK, tenant, first, stored, previous, sentence))
            return Anchor("entry", found[0].seq)
        where = "tenant_id = ? AND event_type = ? ORDER BY seq"  # which may lie outside of the range
        chain.markers, _ = believed_of(tenant, _look_up(connection, where, tenant, MARKER_EVENT))
    return anchor(first, previous, chain.marker, accepted)


def _look_up(connection: apsw.Connection, where: str, *values: object) -> list[Entry]:
    """The rows, from the table itself where an index cannot be read; none where neither can."""
    coded = encoding(connection)
    for how in ("", "NOT INDEXED "):
        try:
            sql = f"SELECT {RAW_COLUMNS} FROM main.{TABLE} {how}WHERE {where}"  # noqa: S608
            return [Entry(row, coded) for row in connection.execute(sql, values)]
        except IN_THE_WAY:
            raise
        except apsw.Error:
            continue
    return []


def _tenant_report(
    joined: Joined, chain: Chain, proof: Anchor | None, known: CheckpointHistory, earlier: Checkpoint | None
) -> TenantReport:
    if chain.errors:
        verdict = Verdict.TAMPERED
    elif not joined.complete:
        verdict = Verdict.UNREADABLE
    elif earlier is not None and not is_as_latest(known, chain):
        verdict = Verdict.EARLIER
    elif proof is None:
        verdict = Verdict.UNPROVEN_START
    else:
        verdict = Verdict.VERIFIED if backed(known, chain) else Verdict.CONSISTENT
    return TenantReport(
        tenant=chain.tenant,
        verdict=verdict,
        entries=chain.entries,
        first_seq=chain.first_seq,
        last_seq=chain.last_seq,
        head=chain.head,
        anchor=proof,
        unwitnessed=unwitnessed(joined, known, chain, earlier),
    )


def _verdict(
    joined: Joined, tenants: tuple[TenantReport, ...], known: CheckpointHistory, earlier: Checkpoint | None
) -> Verdict:
    # Tenants that are new since the checkpoint are among the last rows, in none yet.
    unbacked = known.proving is None or any(
        tenant.verdict is Verdict.CONSISTENT and tenant.tenant in known.proving.tenants for tenant in tenants
    )
    wrong = joined.counted_errors() or any(tenant.verdict in BROKEN for tenant in tenants)
    unproven = any(item.code is Code.UNPROVEN_START for item in joined.findings)
    said = {
        Verdict.UNREADABLE: not joined.complete,
        Verdict.TAMPERED: wrong,
        Verdict.EARLIER: earlier is not None,
        Verdict.UNPROVEN_START: unproven,
        Verdict.CONSISTENT: unbacked,
        Verdict.VERIFIED: True,
    }
    return worst(verdict for verdict, so in said.items() if so)


class _Neighbour(NamedTuple):
    seq: int
    tenant: str
    hash: str


class _Neighbours(NamedTuple):
    """By hash: the rows that carry it (`owners`) and the rows that continue it (`successors`)."""

    owners: dict[str, list[_Neighbour]]
    successors: dict[str, list[_Neighbour]]


def _neighbours(
    connection: apsw.Connection, hashes: Iterable[str], ranges: Iterable[tuple[int, int]]
) -> _Neighbours:
    """The rows that carry or continue one of `hashes`, in `ranges` of seqs that can be read.

    Genesis is left out: all chains continue it.
    """
    wanted = {value for value in hashes if value != GENESIS}
    found, coded = _Neighbours({}, {}), encoding(connection)
    for first, last in ranges if wanted else ():
        try:
            for seq, *raw in connection.execute(_NEAR, (first, last, json.dumps(sorted(wanted)))):
                tenant, stored, previous = ((item or b"").decode(coded, "backslashreplace") for item in raw)
                row = _Neighbour(seq, tenant, stored)
                for table, key in zip(found, (stored, previous), strict=True):
                    if key in wanted and len(kept := table.setdefault(key, [])) < _NEIGHBOURS:
                        kept.append(row)
        except apsw.Error:
            pass  # what was found before the damage is still true; the damage itself is a finding already
    return found


def _explain(
    connection: apsw.Connection,
    joined: Joined,
    unproven: Sequence[Chain],
    ranges: Iterable[tuple[int, int]],
) -> None:
    """Adds the findings of all breaks, and of the `unproven` starts; `ranges` of seqs can be read."""
    hashes = [item.previous for item in joined.breaks] + [chain.first_previous for chain in unproven]
    near = _neighbours(connection, hashes, ranges)
    branches: dict[str, set[str]] = {}
    for item in sorted(joined.breaks, key=lambda item: item.seq):
        chain = joined.chains[item.tenant]
        found = _broken_link(item, chain, near, branches.setdefault(item.tenant, set()))
        joined.count(Code.LINK, -1)  # counted as such when it was met
        chain.errors -= 1
        joined.add(*found)
    for chain in unproven:
        joined.add(*_unproven_start(chain, near))


def _unproven_start(chain: Chain, near: _Neighbours) -> list[Finding]:
    """Tampering where other rows contradict the start, else UNPROVEN_START; none where it is said."""
    tenant, first, previous, marker = chain.tenant, chain.first_seq, chain.first_previous, chain.marker
    start = Break(tenant, first, previous, GENESIS, chain.first_hash, chain.first_holds)
    if marker is not None and denied(first, previous, marker):
        start = start._replace(expected=marker.last_hash)
        return [_finding(start, Code.LINK, denied_start(tenant, marker))]
    if chain.gap_before or chain.doubted:
        return []  # what came before may be what could not be read, or what a doubted marker tells of
    owners, successors = near.owners.get(previous, []), near.successors.get(previous, [])
    own = next((row for row in owners if row.tenant == tenant), None)
    if own is not None:
        return [_finding(start, Code.ORDER, f"Entry {first} continues entry {own.seq}, which comes later.")]
    other = next((row for row in [*owners, *successors] if row.tenant != tenant), None)
    if other is not None:
        sentence = f"The chain of {tenant} starts with entry {first} inside the chain of {other.tenant}."
        plain = _finding(start, Code.LINK, broken_link(tenant, first))
        return [plain, _finding(start, Code.CROSS_TENANT, sentence)]
    sentence = (
        f"The chain of {tenant} holds from entry {first} on; nothing in the file proves what came before."
    )
    return [Finding(Code.UNPROVEN_START, tenant, first, GENESIS, previous, sentence)]


def _broken_link(item: Break, chain: Chain, near: _Neighbours, branches: set[str]) -> list[Finding]:
    """One or more findings for a break.

    `branches` are the ends of the tenant's forks met so far; it is added to. A row that does not match its
    own hash is reported as LINK as well, since its previous hash may just have been edited.
    """
    code, message = _classify(item, chain, near, branches)
    findings = [_finding(item, code, message)]
    if code is not Code.LINK and (not item.holds or code is Code.CROSS_TENANT):
        findings.insert(0, _finding(item, Code.LINK, broken_link(item.tenant, item.seq)))
    return findings


def _classify(item: Break, chain: Chain, near: _Neighbours, branches: set[str]) -> tuple[Code, str]:
    tenant, seq = item.tenant, item.seq
    if item.previous == GENESIS:
        if chain.first_previous == GENESIS and chain.first_hash == item.stored:
            return Code.DUPLICATE, f"Entry {seq} repeats entry {chain.first_seq}."
        return Code.RESTART, f"The chain of {tenant} starts a second time at entry {seq}."
    siblings = near.successors.get(item.previous, [])
    earlier = [row for row in siblings if row.tenant == tenant and row.seq < seq]
    if earlier:
        if any(row.hash == item.stored for row in earlier):
            return Code.DUPLICATE, f"Entry {seq} repeats entry {earlier[0].seq}."
        branches.update((item.expected, earlier[0].hash))
        return Code.FORK, f"Entry {seq} and entry {earlier[0].seq} both continue the same entry."
    if item.previous in branches:
        branches.add(item.expected)
        return Code.FORK, f"Entry {seq} goes on with another branch of the fork before it."
    owners = near.owners.get(item.previous, [])
    own = next((row for row in owners if row.tenant == tenant and row.seq != seq), None)
    if own is not None:
        return Code.ORDER, f"Entry {seq} continues entry {own.seq}, which is not the entry before it."
    other = next((row for row in owners if row.tenant != tenant), None)
    if other is not None:
        where = f"entry {other.seq}, which is stored under {other.tenant}"
        return Code.CROSS_TENANT, f"Entry {seq} of {tenant} continues {where}."
    return Code.LINK, broken_link(tenant, seq)


def _finding(item: Break, code: Code, message: str) -> Finding:
    return Finding(code, item.tenant, item.seq, item.expected, cut(item.previous), message)
