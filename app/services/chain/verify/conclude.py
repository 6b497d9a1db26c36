"""From joined chains to a Report: starts, the sequence counter, broken links and the verdicts."""

from dataclasses import replace

import apsw

from app.services.chain.verify.codes import ABOUT_A_CHAIN, Code, Verdict
from app.services.chain.verify.comparison import Witness, backed, judge, unwitnessed
from app.services.chain.verify.entry import GENESIS, MARKER, RAW_COLUMNS, Entry
from app.services.chain.verify.extent import FIRST_SEQ, LAST_SEQ, Extent
from app.services.chain.verify.follow import KEEP, SEVERAL
from app.services.chain.verify.join import Chain, Joined, Marker
from app.services.chain.verify.report import Finding, Report, TenantReport
from app.services.chain.verify.rows import IN_THE_WAY
from app.services.chain.verify.trace import Neighbours, broken_link, broken_start, neighbours


def conclude(
    connection: apsw.Connection,
    encoding: str,
    joined: Joined,
    extent: Extent,
    witness: Witness | None = None,
) -> Report:
    """The report, its `seconds` not yet known; looks up in the file only what explains a break or a start.

    `witness` is what checkpoints know, for a scan that went by their marks.
    """
    known = witness or Witness()
    anchors = {
        tenant: _anchor(connection, encoding, chain, joined, extent) or _adopted(chain, known)
        for tenant, chain in joined.chains.items()
    }
    unproven = [joined.chains[tenant] for tenant, anchor in anchors.items() if anchor is None]
    near = neighbours(
        connection,
        [item.previous for item in joined.breaks] + [chain.first_previous for chain in unproven],
        _readable(joined, extent),
    )
    _explain_breaks(joined, near)
    for chain in unproven:
        _explain_start(joined, chain, near)
    judge(joined, known, extent.tenant)
    _explain_renumbered(connection, joined)
    _name_gaps(joined, extent)
    _check_totals(joined, extent)
    tenants = tuple(
        _tenant_report(joined, chain, anchors[chain.tenant], known)
        for chain in sorted(joined.chains.values(), key=lambda chain: chain.tenant)
    )
    # Where there are too many, those stay that are about a chain or the file; then errors before warnings.
    kept = sorted(joined.findings, key=lambda item: (item.code not in ABOUT_A_CHAIN, item.is_warning))[:KEEP]
    findings = sorted(kept, key=lambda item: (item.seq is None, item.seq or 0))
    return Report(
        verdict=_verdict(joined, tenants, known),
        entries=joined.entries,
        seconds=0.0,
        findings=tuple(findings),
        tenants=tenants,
        found=sum(joined.counts.values()),
        counts=dict(sorted(joined.counts.items())),
    )


def _explain_renumbered(connection: apsw.Connection, joined: Joined) -> None:
    """A last entry that is not gone but has another number now."""
    for place, finding in enumerate(joined.findings):
        if finding.code is not Code.TRUNCATED or finding.tenant is None or finding.expected is None:
            continue
        try:
            row = connection.execute(
                "SELECT seq FROM main.audit_chain WHERE tenant_id = ? AND hash = ?",
                (finding.tenant, finding.expected),
            ).fetchone()
        except apsw.CorruptError:
            continue
        if row is not None:
            sentence = f"The last entry witnessed of {finding.tenant} was {finding.seq}, and is {row[0]} now."
            joined.findings[place] = replace(
                finding, code=Code.CHECKPOINT, actual=str(row[0]), message=sentence
            )
            joined.count(Code.TRUNCATED, -1)
            joined.count(Code.CHECKPOINT)


def _readable(joined: Joined, extent: Extent) -> list[tuple[int, int]]:
    """The ranges of seqs between what could not be read, up to the end of the extent."""
    ranges, start = [], FIRST_SEQ
    for first, last, _ in joined.gaps:
        ranges.append((start, first - 1))
        start = last + 1
    return [(first, last) for first, last in [*ranges, (start, extent.last)] if first <= last]


def _name_gaps(joined: Joined, extent: Extent) -> None:
    """A finding for each stretch of entries that could not be read."""
    for first, last, why in joined.gaps:
        end = last
        if last >= extent.last and extent.counter is not None and extent.counter >= first:
            end = extent.counter
        if first == FIRST_SEQ:
            which = "The first entries" if end == LAST_SEQ else f"The entries up to {end}"
        elif end == LAST_SEQ:
            which = f"The entries from {first} on"
        else:
            which = f"Entry {first}" if first == end else f"Entries {first} to {end}"
        how = "could not all be read" if why == SEVERAL else "could not be read"
        message = f"{which} {how}: the file is damaged there."
        seq = None if first == FIRST_SEQ else first
        joined.add(Finding(Code.UNREADABLE, extent.tenant, seq, None, why, message))


def _explain_breaks(joined: Joined, near: Neighbours) -> None:
    branches: dict[str, set[str]] = {}
    for item in sorted(joined.breaks, key=lambda item: item.seq):
        found = broken_link(item, joined.chains[item.tenant], near, branches.setdefault(item.tenant, set()))
        joined.count(Code.LINK, -1)  # counted as such when it was met
        for finding in found:
            joined.add(finding)
    if not joined.counts.get(Code.LINK, 1):
        del joined.counts[Code.LINK]


def _explain_start(joined: Joined, chain: Chain, near: Neighbours) -> None:
    """A start that nothing proves: tampering where other rows contradict it, else UNPROVEN_START."""
    marker = chain.marker
    if marker is not None and (chain.first_seq <= marker.through or chain.first_previous == GENESIS):
        found = [
            Finding(
                Code.LINK,
                chain.tenant,
                chain.first_seq,
                marker.last_hash,
                chain.first_previous,
                f"Entry {marker.seq} says that everything up to {marker.through} was pruned, "
                f"but the chain of {chain.tenant} does not start behind that.",
            )
        ]
    elif chain.gap_before:
        return  # what came before may be what could not be read
    else:
        found = broken_start(chain, near)
    if found:
        chain.errors += len(found)
    else:
        found = [
            Finding(
                Code.UNPROVEN_START,
                chain.tenant,
                chain.first_seq,
                GENESIS,
                chain.first_previous,
                f"The chain of {chain.tenant} holds from entry {chain.first_seq} on; "
                "nothing in the file proves what came before.",
            )
        ]
    for finding in found:
        joined.add(finding)


def _anchor(
    connection: apsw.Connection, encoding: str, chain: Chain, joined: Joined, extent: Extent
) -> str | None:
    """How the start of the chain is proven, or None (`integrity.md` 1)."""
    if extent.partial:
        before = _stored_before(connection, encoding, chain, extent)
        if before is not None:
            if before.text("hash") != chain.first_previous:
                _outside_break(joined, chain, before)
            return f"entry:{before.seq}"
        chain.marker = _furthest_marker(connection, encoding, chain)
    marker = chain.marker
    if chain.first_previous == GENESIS:
        return "genesis" if marker is None else None
    if marker is None or marker.last_hash != chain.first_previous or chain.first_seq <= marker.through:
        return None
    return f"marker:{marker.seq}:through:{marker.through}"


def _stored_before(connection: apsw.Connection, encoding: str, chain: Chain, extent: Extent) -> Entry | None:
    """The tenant's row before a range; the table itself is asked where the index cannot be read."""
    if chain.gap_before:
        return None
    for how in ("", "NOT INDEXED "):
        try:
            row = connection.execute(
                f"SELECT {RAW_COLUMNS} FROM main.audit_chain {how}"  # noqa: S608
                "WHERE tenant_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
                (chain.tenant, extent.first),
            ).fetchone()
        except IN_THE_WAY:
            raise
        except apsw.Error:
            continue
        return None if row is None else Entry(row, encoding)
    return None


def _outside_break(joined: Joined, chain: Chain, before: Entry) -> None:
    chain.errors += 1
    joined.add(
        Finding(
            Code.LINK,
            chain.tenant,
            chain.first_seq,
            before.text("hash"),
            chain.first_previous,
            f"Entry {chain.first_seq} of {chain.tenant} does not continue entry {before.seq}.",
        )
    )


def _furthest_marker(connection: apsw.Connection, encoding: str, chain: Chain) -> Marker | None:
    """The prune marker that counts, which may lie outside of the range."""
    for how in ("", "NOT INDEXED "):
        found: list[tuple[int, str, int]] = []
        try:
            for row in connection.execute(
                f"SELECT {RAW_COLUMNS} FROM main.audit_chain {how}WHERE tenant_id = ? AND event_type = ?",  # noqa: S608
                (chain.tenant, MARKER),
            ):
                marker = Entry(row, encoding).marker()
                found += [] if marker is None else [marker]
        except IN_THE_WAY:
            raise
        except apsw.Error:
            continue
        break
    return max((Marker(*item) for item in found), key=lambda item: (item.through, item.seq), default=None)


def _check_totals(joined: Joined, extent: Extent) -> None:
    """The counters beside the table against the rows that were seen."""
    end = max(extent.highest or 0, 0, *(chain.last_seq for chain in joined.chains.values()))
    counter = extent.counter
    if counter is not None and counter > end and not joined.gap_between(end, counter):
        joined.add(
            Finding(
                Code.SEQUENCE_COUNTER,
                None,
                None,
                str(counter),
                str(end),
                f"The file has numbered entries up to {counter}, but its last entry is {end}: "
                "the entries after it were removed, unless an insert failed at the very end.",
            )
        )
    # The table counts, and an index that knows less of it is only a damaged index.
    if extent.rows is not None and joined.complete and extent.rows > joined.entries:
        joined.incomplete(
            f"The file counts {extent.rows} entries, but {joined.entries} can be read in their order: "
            "it is damaged.",
            str(extent.rows),
            str(joined.entries),
        )
    nothing = not (joined.entries or extent.partial or extent.tenant)
    if joined.complete and nothing and extent.first <= extent.last:
        joined.incomplete("There is something in the table, but no entry can be read: the file is damaged.")


def _adopted(chain: Chain, witness: Witness) -> str | None:
    """The start that the user vouched for, unless the chain itself contradicts it."""
    if chain.first_previous == GENESIS or (chain.marker and chain.first_seq <= chain.marker.through):
        return None
    if witness.adopted.get(chain.tenant) != (chain.first_seq, chain.first_previous):
        return None
    return f"adopted:{chain.first_seq}"


def _tenant_report(joined: Joined, chain: Chain, anchor: str | None, witness: Witness) -> TenantReport:
    if chain.errors:
        verdict = Verdict.TAMPERED
    elif not joined.complete:
        verdict = Verdict.UNREADABLE
    elif anchor is None:
        verdict = Verdict.UNPROVEN_START
    else:
        verdict = Verdict.VERIFIED if backed(witness, chain) else Verdict.CONSISTENT
    return TenantReport(
        tenant=chain.tenant,
        verdict=verdict,
        entries=chain.entries,
        first_seq=chain.first_seq,
        last_seq=chain.last_seq,
        head=chain.head,
        anchor=anchor,
        unwitnessed=unwitnessed(joined, witness, chain),
    )


def _verdict(joined: Joined, tenants: tuple[TenantReport, ...], witness: Witness) -> Verdict:
    if not joined.complete:
        return Verdict.UNREADABLE
    if any(item.is_error for item in joined.findings):
        return Verdict.TAMPERED
    if any(tenant.verdict is Verdict.UNPROVEN_START for tenant in tenants):
        return Verdict.UNPROVEN_START
    if witness.latest is None:
        return Verdict.CONSISTENT
    # Tenants that are new since the checkpoint are among its last rows, not yet witnessed.
    unbacked = any(
        tenant.verdict is Verdict.CONSISTENT and tenant.tenant in witness.latest.tenants for tenant in tenants
    )
    return Verdict.CONSISTENT if unbacked else Verdict.VERIFIED
