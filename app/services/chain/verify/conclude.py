"""From joined chains to a Report: starts, counters, indexes and the verdicts."""

from collections.abc import Iterator

import apsw

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.entry import RAW_COLUMNS, Entry, believed_of
from app.services.chain.rules import (
    ABOUT_A_CHAIN,
    BROKEN,
    HIGHEST_SEQ,
    LOWEST_SEQ,
    MARKER_EVENT,
    TABLE,
    Anchor,
    Code,
    Finding,
    Verdict,
    anchor,
    end_is_lost,
    worst,
)
from app.services.chain.verify.comparison import (
    backed,
    compare,
    is_as_latest,
    unwitnessed,
)
from app.services.chain.verify.extent import Extent
from app.services.chain.verify.follow import KEEP, SEVERAL
from app.services.chain.verify.join import Chain, Joined
from app.services.chain.verify.report import CheckpointHistory, Report, TenantReport
from app.services.chain.verify.source import IN_THE_WAY
from app.services.chain.verify.trace import explain
from app.services.text import sql_name


def conclude(
    connection: apsw.Connection,
    encoding: str,
    joined: Joined,
    extent: Extent,
    history: CheckpointHistory | None = None,
) -> Report:
    """The report, its `seconds` not yet known; looks up in the file only what explains a break or a start.

    `history` is what checkpoints know, for a scan that went by their marks.
    """
    known = history or CheckpointHistory()
    anchors = {
        tenant: _anchor(connection, encoding, chain, joined, extent, known)
        for tenant, chain in joined.chains.items()
    }
    unproven = [joined.chains[tenant] for tenant, proof in anchors.items() if proof is None]
    explain(connection, joined, unproven, _readable(joined, extent))
    _check_counters(joined, extent)
    _check_indexes(connection, joined, extent)
    earlier = compare(joined, known, extent.tenant)
    _explain_renumbered(connection, joined)
    _explain_emptied(joined, extent)
    _name_gaps(joined, extent)
    tenants = tuple(
        _tenant_report(joined, chain, anchors[chain.tenant], known, earlier)
        for chain in sorted(joined.chains.values(), key=lambda chain: chain.tenant)
    )
    # Where there are too many, those stay that are about a chain or the file; then errors before warnings.
    kept = sorted(joined.findings, key=lambda item: (item.code not in ABOUT_A_CHAIN, item.is_warning))[:KEEP]
    findings = sorted(kept, key=lambda item: (item.seq is None, item.seq or 0))
    return Report(
        verdict=_verdict(joined, tenants, known, earlier),
        entries=joined.entries,
        seconds=0.0,
        findings=tuple(findings),
        tenants=tenants,
        found=sum(joined.counts.values()),
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


def _readable(joined: Joined, extent: Extent) -> list[tuple[int, int]]:
    """The ranges of seqs between what could not be read, up to the end of the extent."""
    ranges, start = [], LOWEST_SEQ
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
        if first == LOWEST_SEQ:
            which = "The first entries" if end == HIGHEST_SEQ else f"The entries up to {end}"
        elif end == HIGHEST_SEQ:
            which = f"The entries from {first} on"
        else:
            which = f"Entry {first}" if first == end else f"Entries {first} to {end}"
        how = "could not all be read" if why == SEVERAL else "could not be read"
        message = f"{which} {how}: the file is damaged there."
        seq = None if first == LOWEST_SEQ else first
        joined.add(Finding(Code.UNREADABLE, extent.tenant, seq, None, why, message))


def _anchor(  # noqa: PLR0917  # what was scanned, and where to look up the rest
    connection: apsw.Connection,
    encoding: str,
    chain: Chain,
    joined: Joined,
    extent: Extent,
    known: CheckpointHistory,
) -> Anchor | None:
    """How the start of the chain is proven, or None; of a range, by the entry before it."""
    if extent.partial:
        before = _stored_before(connection, encoding, chain, extent)
        if before is not None:
            if before.text("hash") != chain.first_previous:
                _outside_break(joined, chain, before)
            return Anchor("entry", before.seq)
        markers = _markers(connection, encoding, chain)
        chain.markers, _ = believed_of(chain.tenant, markers)  # the others lie outside
    return anchor(chain.first_seq, chain.first_previous, chain.marker, known.adopted.get(chain.tenant))


def _stored_before(connection: apsw.Connection, encoding: str, chain: Chain, extent: Extent) -> Entry | None:
    """The tenant's row before a range."""
    if chain.gap_before:
        return None
    sql = "WHERE tenant_id = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
    return next(_look_up(connection, encoding, sql, (chain.tenant, extent.first)), None)


def _outside_break(joined: Joined, chain: Chain, before: Entry) -> None:
    sentence = f"Entry {chain.first_seq} of {chain.tenant} does not continue entry {before.seq}."
    place, expected = (chain.tenant, chain.first_seq), before.text("hash")
    joined.add(Finding(Code.LINK, *place, expected, chain.first_previous, sentence))


def _markers(connection: apsw.Connection, encoding: str, chain: Chain) -> Iterator[Entry]:
    """All of the tenant's prune markers, which may lie outside of the range."""
    sql = "WHERE tenant_id = ? AND event_type = ? ORDER BY seq"
    return _look_up(connection, encoding, sql, (chain.tenant, MARKER_EVENT))


def _look_up(
    connection: apsw.Connection, encoding: str, sql: str, params: tuple[object, ...]
) -> Iterator[Entry]:
    """The rows, from the table itself where an index cannot be read; none where neither can."""
    for how in ("", "NOT INDEXED "):
        try:
            rows = connection.execute(
                f"SELECT {RAW_COLUMNS} FROM main.{TABLE} {how}{sql}",  # noqa: S608
                params,
            ).fetchall()
        except IN_THE_WAY:
            raise
        except apsw.Error:
            continue
        yield from (Entry(row, encoding) for row in rows)
        return


def _check_counters(joined: Joined, extent: Extent) -> None:
    """The counters beside the table against the rows that were seen."""
    end = max(extent.highest or 0, 0, *(chain.last_seq for chain in joined.chains.values()))
    counter, has_rows = extent.counter, bool(joined.chains) or extent.highest is not None
    lost = end_is_lost(counter, end if has_rows else None)
    if lost and not joined.gap_between(end, counter or 0):
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


def _explain_emptied(joined: Joined, extent: Extent) -> None:
    """A table without entries that once had some: the platform's cleanup may leave nothing.

    A range without entries says nothing of the rest.
    """
    emptied = (
        not extent.partial
        and extent.first > extent.last
        and extent.counter is not None
        and extent.counter > 0
    )
    if emptied and joined.complete and not joined.findings:
        sentence = (
            f"There are no entries, but the file has numbered some, up to {extent.counter}; "
            "nothing proves what they were."
        )
        joined.add(Finding(Code.UNPROVEN_START, None, None, None, str(extent.counter), sentence))


def _check_indexes(connection: apsw.Connection, joined: Joined, extent: Extent) -> None:
    """Every index must lead to the rows that the table has: who reads through it would miss the others."""
    if extent.rows is None or extent.partial or not joined.complete or not joined.entries:
        return
    try:
        names = [
            name
            for name, partial in connection.execute(
                "SELECT name, partial FROM pragma_index_list(?)", (TABLE,)
            )
            if not partial
        ]
        if extent.tenant is None:
            for name in names:
                # count(*) alone would be taken from whichever index is the smallest.
                sql = f"SELECT count(typeof(seq)) FROM main.{TABLE} INDEXED BY {sql_name(name)}"  # noqa: S608
                ((count,),) = connection.execute(sql)
                if count != joined.entries:
                    sentence = (
                        f"The index {name} leads to {count:,} of {joined.entries:,} entries, "
                        "so whoever reads through it does not see what is there."
                    )
                    expected, actual = str(joined.entries), str(count)
                    joined.add(Finding(Code.INDEX, None, None, expected, actual, sentence))
        for chain in joined.chains.values():
            _check_ends(connection, joined, chain)
    except IN_THE_WAY:
        raise
    except apsw.Error:
        pass  # a damaged index says so to whoever reads it


def _check_ends(connection: apsw.Connection, joined: Joined, chain: Chain) -> None:
    """Whether a tenant's last entry is found as the append looks for it."""
    row = connection.execute(
        f"SELECT seq FROM main.{TABLE} WHERE tenant_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",  # noqa: S608
        (chain.tenant, chain.last_seq),
    ).fetchone()
    if joined.counts.get(Code.INDEX) or (row is not None and row[0] == chain.last_seq):
        return
    if any(
        item.tenant == chain.tenant and item.code in (Code.TYPE, Code.ENCODING) for item in joined.findings
    ):
        return  # whose name is not text as SQL compares it
    sentence = (
        f"An index hides entry {chain.last_seq} of {chain.tenant}, so the next append would not see it."
    )
    actual = None if row is None else str(row[0])
    joined.add(Finding(Code.INDEX, chain.tenant, chain.last_seq, str(chain.last_seq), actual, sentence))


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
    # Tenants that are new since the checkpoint are among its last rows, not yet witnessed.
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
