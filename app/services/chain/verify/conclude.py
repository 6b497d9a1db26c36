"""From joined chains to a Report: what broken links and starts are, the whole table, and the verdicts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

from app.services.chain import rules
from app.services.chain.checkpoint import Checkpoint, CheckpointHistory
from app.services.chain.entry import Entry, believed_of, cut
from app.services.chain.reading import led_to, misled
from app.services.chain.verify.comparison import backed, compare_within, denials
from app.services.chain.verify.earlier import Earlier, earlier_state, is_as_latest, not_covered
from app.services.chain.verify.follow import KEEP, SEVERAL, Break
from app.services.chain.verify.join import Chain, Joined
from app.services.chain.verify.report import Extent, Report, TenantReport, in_order
from app.services.chain.verify.source import (
    LOOKS_AT_ONCE,
    NEIGHBOURS,
    Neighbours,
    Reader,
    Row,
    look_up,
    neighbours,
)
from app.services.text import tenant_name

Moved = set[tuple[str, str]]
"""Tenant and hash of the links by which entries were moved to another tenant."""


class Around(NamedTuple):
    """What explains a break: the rows near it, what was moved, and the tenant and seq of each entry that is
    wrong by itself.
    """

    near: Neighbours
    moved: Moved
    wrong: set[tuple[str | None, int | None]]


_FIRSTS: Final = f"""
SELECT min(seq) AS first FROM main.{rules.TABLE} NOT INDEXED
WHERE tenant_id IN (SELECT value FROM json_each(?) UNION ALL SELECT CAST(value AS BLOB) FROM json_each(?))
GROUP BY tenant_id ORDER BY first
"""  # noqa: S608

_NEWEST: Final = f"""
SELECT max(iif(created_at < {rules.SECONDS_LIMIT}, created_at, created_at / 1000)) FROM main.{rules.TABLE}
WHERE tenant_id = ? AND seq > ? AND typeof(created_at) = 'integer' AND created_at < {rules.SECONDS_LIMIT}000
"""  # noqa: S608
"""In seconds, of those that are a time."""

_OF_ANOTHER: Final = (rules.Code.CROSS_TENANT, rules.Code.LINK)
"""What it is to continue an entry of another tenant, and what where entries were moved."""


def conclude(reader: Reader, joined: Joined, extent: Extent, known: CheckpointHistory) -> Report:
    """The report, its `seconds` not yet known; looks up only what explains a break or a start.

    `known` is what checkpoints know, for a scan that went by their marks. Of a range they know the last
    entries that lie in it.
    """
    earlier, held, is_whole = None, known, not extent.partial and extent.tenant is None
    if extent.partial:
        known = CheckpointHistory(
            adopted=held.adopted, notes=held.notes, doubts=held.doubts, undecided=held.undecided
        )
    anchors = _of_entries_before(reader, joined, extent) if extent.partial else {}
    for tenant, chain in joined.chains.items():
        if tenant not in anchors:
            accepted = known.adopted.get(tenant)
            anchors[tenant] = rules.anchor(chain.first_seq, chain.first_previous, chain.marker, accepted)
    unproven = [joined.chains[tenant] for tenant, proof in anchors.items() if proof is None]
    _explain(reader, joined, unproven, _readable(joined, extent))
    _check_counts(joined, extent)
    _check_indexes(reader, joined, extent)
    holds = joined.complete and not joined.counted_errors()
    _check_end(joined, extent, known.counted, _what_to_say(held, holds=holds))
    covered: dict[str, int] = {}
    if extent.partial:
        firsts, left = partial(_first_entries, reader), partial(_what_is_left, reader)
        covered = compare_within(joined, held, extent, firsts, left)
    else:
        joined.add(*known.findings)
        beside = _Beside(reader, extent)
        earlier = earlier_state(joined, known, extent.tenant, extent.highest, beside)
        if earlier is None:
            joined.add(*denials(joined, known, extent.tenant))
    _explain_moved(reader, joined)
    _explain_emptied(joined, extent, known.counted, _what_to_say(held, holds=holds))
    _name_gaps(joined, extent)
    tenants = tuple(
        _tenant_report(joined, chain, anchors[chain.tenant], known, earlier)
        for chain in sorted(joined.chains.values(), key=lambda chain: chain.tenant)
    )
    if covered:
        tenants = tuple(_covered_through(joined, of, covered.get(of.tenant)) for of in tenants)
    # Where there are too many, those stay that are about a chain or the file; then errors before warnings.
    kept = sorted(joined.findings, key=_rank)[:KEEP]
    return Report(
        verdict=_verdict(joined, tenants, known),
        entries=joined.entries,
        seconds=0.0,
        findings=in_order(kept),
        tenants=tenants,
        counts=dict(sorted(joined.counts.items())),
        earlier=None if earlier is None else earlier.known.number,
        later=earlier.later[0].number if earlier is not None and earlier.later else None,
        notes=(*known.notes, *_uncovered(reader, known)),
        doubts=known.doubts,
        undecided=known.undecided,
        holds_alone=None if holds and not is_whole else holds,
        forgets=_forgets(joined, anchors, held),
        recognised=held.recognised,
    )


def _what_to_say(known: CheckpointHistory, *, holds: bool) -> str:
    """The way that is open to whoever knows that nothing is wrong."""
    if not holds:
        return "look at the other findings first"
    return rules.START_OVER if known.recognised.copy_of is None else rules.IT_IS_ANOTHER


def _forgets(joined: Joined, anchors: Mapping[str, rules.Anchor | None], known: CheckpointHistory) -> bool:
    """Whether a start that nothing proves is another than the latest checkpoint knew."""
    sealed = {} if known.proving is None else known.proving.tenants
    return any(
        proof is None and name in sealed and sealed[name].first_hash != joined.chains[name].first_hash
        for name, proof in anchors.items()
    )


def _uncovered(reader: Reader, known: CheckpointHistory) -> list[str]:
    """What is said of columns that are none of the format's, where a checkpoint may seem to cover them."""
    asked = ("SELECT name FROM pragma_table_info(?)", rules.TABLE)
    (found,) = reader.batch([asked]) if known.checkpoints else [None]
    names = ", ".join(name for (name,) in found or () if name.lower() not in rules.COLUMNS)
    said = (
        f"No hash and no checkpoint covers what stands in these columns of {rules.TABLE}, which are not the "
        f"platform's: {names}."
    )
    return [said] if names else []


def _rank(finding: rules.Finding) -> tuple[bool, bool]:
    return finding.code not in rules.ABOUT_A_CHAIN and not finding.is_one_of_many, finding.is_warning


def _explain_moved(reader: Reader, joined: Joined) -> None:
    """A last entry that is not gone but has another number now, or is another tenant's, where it is wrong."""
    gone = (item.expected for item in joined.findings if item.code is rules.Code.TRUNCATED)
    wanted = sorted({head for head in gone if head is not None})
    where = "hash IN (SELECT value FROM json_each(?)) ORDER BY seq"  # which reads all of the table once
    (found,) = look_up(reader, where, [(json.dumps(wanted),)]) if wanted else [[]]
    for position, finding in enumerate(joined.findings):
        if finding.code is not rules.Code.TRUNCATED or finding.tenant is None:
            continue
        rows = [row for row in found if row.text("hash") == finding.expected]
        if not rows:
            continue
        row = next((row for row in rows if row.tenant == finding.tenant), rows[0])
        tenant, seq = row.tenant, row.seq
        if tenant == finding.tenant:
            actual, now, without = str(seq), f"is {seq:,}", None
        elif joined.is_wrong(tenant, seq):  # else it is a like one of its own: a hash names no tenant
            actual, now = tenant, f"is entry {seq:,} of {tenant_name(tenant)}"
            without = f"is entry {seq:,} of {rules.ANOTHER}"
        else:
            continue
        own = (
            f"The last entry of {tenant_name(finding.tenant)} that a checkpoint knew was {finding.seq or 0:,}"
        )
        joined.findings[position] = finding._replace(
            code=rules.Code.CHECKPOINT,
            actual=actual,
            message=f"{own}, and {now} now.",
            other=None if without is None else rules.Other(tenant, f"{own}, and {without} now."),
        )
        joined.count(rules.Code.TRUNCATED, -1)
        joined.count(rules.Code.CHECKPOINT)


def _of_entries_before(reader: Reader, joined: Joined, extent: Extent) -> dict[str, rules.Anchor | None]:
    """Of a range, the chains that go on from an entry before it; the others get all of their markers."""
    asked = [(chain.tenant, extent.first) for chain in joined.chains.values() if not chain.gap_before]
    befores = _at_an_end(reader, "tenant_id = {} AND seq < ?", asked, "DESC")
    anchors: dict[str, rules.Anchor | None] = {}
    for (tenant, _), entry in zip(asked, befores, strict=True):
        if entry is None:
            continue
        chain, stored = joined.chains[tenant], entry.text("hash")
        if stored != chain.first_previous:
            sentence = rules.broken_link(tenant_name(tenant), chain.first_seq)
            broken = tenant, chain.first_seq, stored, chain.first_previous
            joined.add(rules.Finding(rules.Code.LINK, *broken, sentence))
        anchors[tenant] = rules.Anchor("entry", entry.seq)
    others = sorted(joined.chains.keys() - anchors.keys())
    for tenant, own in zip(
        others, _markers(reader, others), strict=True
    ):  # which may lie outside of the range
        joined.chains[tenant].markers, _ = believed_of(tenant, own)
    return anchors


def _what_is_left(reader: Reader, tenants: Sequence[str]) -> dict[str, tuple[list[rules.Marker], bool]]:
    """Of each of these tenants the markers that are believed, and whether it has no other entry."""
    asked = [(tenant, rules.MARKER_EVENT, rules.MARKER_EVENT) for tenant in tenants]
    no_marker = "tenant_id = {} AND event_type IS NOT ? AND event_type IS NOT CAST(? AS BLOB)"
    others = _at_an_end(reader, no_marker, asked)
    each = zip(tenants, _markers(reader, tenants), others, strict=True)
    return {tenant: (believed_of(tenant, own)[0], other is None) for tenant, own, other in each}


def _markers(reader: Reader, tenants: Sequence[str]) -> list[list[Entry]]:
    """What says that it is a marker of each of these tenants, by its bytes, as a scan takes it."""
    where = " AND ".join(f"{name} IN (?, CAST(? AS BLOB))" for name in ("tenant_id", "event_type"))
    asked = [(tenant, tenant, rules.MARKER_EVENT, rules.MARKER_EVENT) for tenant in tenants]
    return look_up(reader, f"{where} ORDER BY seq", asked)


def _at_an_end(
    reader: Reader, where: str, asked: Sequence[tuple[Any, ...]], way: str = "ASC"
) -> list[Entry | None]:
    """The first entry, or the last, for each of these values, of which the tenant is one. Stored as BLOB it
    is the same, but looked up by itself: SQLite would read and sort all entries of both.
    """
    which = f"{where} ORDER BY seq {way} LIMIT 1"
    ways = [look_up(reader, which.format("?"), asked)]
    if reader.has_blobs:
        ways.append(look_up(reader, which.format("CAST(? AS BLOB)"), asked))
    choose = max if way == "DESC" else min
    return [
        choose((entry for rows in each for entry in rows), key=lambda entry: entry.seq, default=None)
        for each in zip(*ways, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What the comparison with checkpoints looks up (`earlier.Lookups`)."""

    reader: Reader
    extent: Extent

    def is_end(self, known: Checkpoint) -> bool:
        if self.extent.highest is None or self.extent.highest > known.through:
            return False
        lasts = _at_an_end(self.reader, "tenant_id = {}", [(tenant,) for tenant in known.tenants], "DESC")
        ends = [None if last is None else (last.seq, last.text("hash")) for last in lasts]
        return ends == [(sealed.last_seq, sealed.head) for sealed in known.tenants.values()]

    def are_there(self, entries: Sequence[tuple[str, int, str]]) -> bool:
        found = look_up(self.reader, "seq = ?", [(seq,) for _, seq, _ in entries])
        there = [(row.tenant, row.seq, row.text("hash")) for rows in found for row in rows]
        return there == [*entries]

    def entries_from(self, tenant: str, seq: int) -> int:
        asked = (f"SELECT count(*) FROM main.{rules.TABLE} WHERE tenant_id = ? AND seq >= ?", tenant, seq)  # noqa: S608
        (found,) = self.reader.batch([asked])
        return int(found[0][0]) if found else 0

    def newest_behind(self, seqs: Mapping[str, int | None]) -> Mapping[str, int]:
        asked = [(_NEWEST, name, rules.LOWEST_SEQ if seq is None else seq) for name, seq in seqs.items()]
        found = list[list[Row] | None]()
        for start in range(0, len(asked), LOOKS_AT_ONCE):
            found += self.reader.batch(asked[start : start + LOOKS_AT_ONCE])
        times = {name: rows[0][0] for name, rows in zip(seqs, found, strict=True) if rows}
        return {name: int(at) for name, at in times.items() if at is not None}

    def lasts(self, tenants: Sequence[str]) -> Mapping[str, int]:
        lasts = _at_an_end(self.reader, "tenant_id = {}", [(tenant,) for tenant in tenants], "DESC")
        return {last.tenant: last.seq for last in lasts if last is not None}

    def is_any_between(self, after: int, through: int) -> bool:
        (found,) = look_up(self.reader, "seq > ? AND seq <= ? LIMIT 1", [(after, through)])
        return bool(found)


def _first_entries(reader: Reader, tenants: Sequence[str], past_indexes: bool) -> dict[str, Entry]:
    """The first entry that is there of each of these tenants; `past_indexes` that may hide it, the table is
    read whole.
    """
    if past_indexes and not reader.trusts_indexes:
        (found,) = reader.batch([(_FIRSTS, *[json.dumps(list(tenants))] * 2)])
        if found is not None:
            rows = look_up(reader, "seq = ?", found)
            return {own[0].tenant: own[0] for own in reversed(rows) if own}
    firsts = _at_an_end(reader, "tenant_id = {}", [(tenant,) for tenant in tenants])
    return {first.tenant: first for first in firsts if first is not None}


def _tenant_report(
    joined: Joined,
    chain: Chain,
    proof: rules.Anchor | None,
    known: CheckpointHistory,
    earlier: Earlier | None,
) -> TenantReport:
    if chain.errors:
        verdict = rules.Verdict.TAMPERED
    elif not joined.complete:
        verdict = rules.Verdict.UNREADABLE
    elif earlier is not None and not is_as_latest(known, chain):
        verdict = rules.Verdict.EARLIER
    elif proof is None:
        verdict = rules.Verdict.UNPROVEN_START
    else:
        verdict = rules.Verdict.VERIFIED if backed(joined, known, chain) else rules.Verdict.CONSISTENT
    return TenantReport(
        tenant=chain.tenant,
        verdict=verdict,
        entries=chain.entries,
        first_seq=chain.first_seq,
        last_seq=chain.last_seq,
        head=chain.head,
        anchor=proof,
        not_covered=not_covered(joined, known, chain, earlier),
        inside=chain.inside,
    )


def _covered_through(joined: Joined, of: TenantReport, last: int | None) -> TenantReport:
    """The same of a range, of which a checkpoint covers all through this entry."""
    return of if last is None else replace(of, not_covered=of.entries - joined.entries_until(of.tenant, last))


def _verdict(joined: Joined, tenants: tuple[TenantReport, ...], known: CheckpointHistory) -> rules.Verdict:
    # Tenants that are new since the checkpoint are among the last rows, in none yet, where there are others.
    # A file without entries may be any: what proves it is known by its place, which an export is not.
    proving = {} if known.proving is None else known.proving.tenants
    covered = [tenant.verdict for tenant in tenants if tenant.tenant in proving]
    is_any = not covered and (bool(tenants) or known.keys is not None)
    unbacked = known.proving is None or is_any or rules.Verdict.CONSISTENT in covered
    wrong = joined.counted_errors() or any(tenant.verdict in rules.BROKEN for tenant in tenants)
    unproven = any(item.code is rules.Code.UNPROVEN_START for item in joined.findings)
    said = {
        rules.Verdict.UNREADABLE: not joined.complete,
        rules.Verdict.TAMPERED: wrong,
        rules.Verdict.EARLIER: any(item.code is rules.Code.EARLIER for item in joined.findings),
        rules.Verdict.UNPROVEN_START: unproven,
        rules.Verdict.CONSISTENT: unbacked,
        rules.Verdict.VERIFIED: True,
    }
    return rules.worst(verdict for verdict, so in said.items() if so)


def _explain(
    reader: Reader, joined: Joined, unproven: Sequence[Chain], ranges: Sequence[tuple[int, int]]
) -> None:
    """Adds the findings of all breaks, and of the `unproven` starts; `ranges` of seqs can be read."""
    links = [(item.tenant, item.previous, item.stored) for item in joined.breaks]
    links += [(chain.tenant, chain.first_previous, chain.first_hash) for chain in unproven]
    wanted = [*(previous for _, previous, _ in links), *(item.expected for item in joined.breaks)]
    near = neighbours(reader, wanted, ranges)
    moved = _moved(links, near, left_out={(item.tenant, item.expected) for item in joined.breaks})
    alike = _alike_from_the_start(reader, unproven, near, ranges)
    starts = [
        (chain, _unproven_start(chain, near, moved, alike.get(chain.tenant, set()), reader.noun))
        for chain in unproven
    ]
    out_of_place = {
        (chain.tenant, chain.first_hash)
        for chain, found in starts
        if any(item.code is rules.Code.ORDER for item in found)
    }
    put_back = {  # where each chain goes on behind what a marker says was pruned, and is there
        (chain.tenant, chain.marker.last_hash)
        for chain in unproven
        if chain.marker is not None and rules.denied(chain.first_seq, chain.first_previous, chain.marker)
    }
    branches: dict[str, set[str]] = {}
    wrong = {(item.tenant, item.seq) for item in joined.findings if item.code in rules.OF_AN_ENTRY}
    around = Around(near, moved, wrong)
    for item in sorted(joined.breaks, key=lambda item: item.seq):
        chain = joined.chains[item.tenant]
        begins = item.previous == rules.GENESIS and (item.tenant, item.expected) in out_of_place
        siblings = near.successors.get(item.previous, ())
        goes_on = (item.tenant, item.previous) in put_back and not any(
            row.tenant == item.tenant and row.seq < item.seq for row in siblings
        )
        if item.holds and (begins or goes_on):
            joined.count(rules.Code.LINK, -1)
            chain.errors -= 1
            continue  # the chain's one start, behind an entry that was put before it
        found = _broken_link(item, chain, around, branches.setdefault(item.tenant, set()))
        joined.count(rules.Code.LINK, -1)  # counted as such when it was met
        chain.errors -= 1
        joined.add(*found)
    for _, found in starts:
        joined.add(*found)


def _moved(links: Iterable[tuple[str, str, str]], near: Neighbours, left_out: Moved) -> Moved:
    """Of `links`, by tenant, previous and own hash, those by which entries were moved between two tenants.

    The tenant's own chain goes on without the entry (`left_out`), or that of the other continues one here.
    """
    owners = {
        (tenant, row.tenant)
        for tenant, previous, _ in links
        for row in near.owners.get(previous, [])[:NEIGHBOURS]
    }
    return {
        (tenant, previous)
        for tenant, previous, stored in links
        if (tenant, stored) in left_out
        or any((row.tenant, tenant) in owners for row in near.owners.get(previous, ()))
    }


def _alike_from_the_start(
    reader: Reader, unproven: Sequence[Chain], near: Neighbours, ranges: Sequence[tuple[int, int]]
) -> dict[str, set[str]]:
    """The other tenants that have the first entry, too, of each chain with such ones: of whom nothing was
    taken, as they had the same ones, side by side. Of two of which one went on before the other had it, one
    was copied.
    """
    found: dict[str, dict[str, int]] = {
        chain.tenant: {
            row.tenant: row.seq
            for row in near.successors.get(chain.first_previous, ())
            if row.hash == chain.first_hash and row.tenant != chain.tenant
        }
        for chain in unproven
    }
    shared = [chain for chain in unproven if found[chain.tenant]]
    further = neighbours(reader, [chain.first_hash for chain in shared], ranges).successors
    alike = {}
    for chain in shared:
        behind = {row.tenant: row.seq for row in reversed(further.get(chain.first_hash, ()))}
        own = behind.get(chain.tenant, rules.HIGHEST_SEQ)
        alike[chain.tenant] = {
            tenant
            for tenant, seq in found[chain.tenant].items()
            if behind.get(tenant, rules.HIGHEST_SEQ) > chain.first_seq and own > seq
        }
    return alike


def _unproven_start(
    chain: Chain, near: Neighbours, moved: Moved, alike: set[str], noun: str
) -> list[rules.Finding]:
    """Tampering where other rows contradict the start, else UNPROVEN_START; none where it is said. Those
    that are `alike` contradict nothing.
    """
    tenant, first, previous, marker = chain.tenant, chain.first_seq, chain.first_previous, chain.marker
    start = Break(tenant, first, previous, rules.GENESIS, chain.first_hash, chain.first_holds)
    if marker is not None and rules.denied(first, previous, marker):
        start = start._replace(expected=marker.last_hash)
        return [_finding(start, rules.Code.LINK, rules.denied_start(tenant_name(tenant), marker))]
    if chain.gap_before or chain.doubted:
        return []  # what came before may be what could not be read, or what a doubted marker tells of
    owners, successors = near.owners.get(previous, []), near.successors.get(previous, [])
    own = next((row for row in owners if row.tenant == tenant), None)
    if own is not None:
        return [
            _finding(
                start, rules.Code.ORDER, f"Entry {first:,} continues entry {own.seq:,}, which comes later."
            )
        ]
    other = next((row for row in [*owners, *successors] if row.tenant not in {tenant, *alike}), None)
    if other is not None:
        chain.inside = other.tenant
        inside = f"The chain of {tenant_name(tenant)} starts with entry {first:,} inside the chain of"
        sentence, without = (f"{inside} {whose}." for whose in (tenant_name(other.tenant), rules.ANOTHER))
        code = _OF_ANOTHER[(tenant, previous) in moved]
        return [_finding(start, code, sentence, rules.Other(other.tenant, without))]
    sentence = (
        f"The chain of {tenant_name(tenant)} holds from entry {first:,} on; nothing in the {noun} proves "
        "what came before."
    )
    found = rules.Finding(rules.Code.UNPROVEN_START, tenant, first, rules.GENESIS, previous, sentence)
    if alike:
        has = "has that entry as well: it may have been copied from there."
        without = f"{sentence} {rules.ANOTHER.capitalize()} {has}"
        sentence += f" {tenant_name(min(alike))} {has}"
        found = found._replace(message=sentence, other=rules.Other(min(alike), without))
    return [found]


def _broken_link(item: Break, chain: Chain, around: Around, branches: set[str]) -> list[rules.Finding]:
    """One or more findings for a break.

    `branches` are the ends of the tenant's forks met so far; it is added to. A row that does not match its
    own hash is reported as LINK as well, since its previous hash may just have been edited.
    """
    code, message, *other = _classify(item, chain, around, branches)
    findings = [_finding(item, code, message, *other)]
    if code is not rules.Code.LINK and not item.holds:
        findings.insert(
            0, _finding(item, rules.Code.LINK, rules.broken_link(tenant_name(item.tenant), item.seq))
        )
    return findings


def _classify(
    item: Break, chain: Chain, around: Around, branches: set[str]
) -> tuple[rules.Code, str] | tuple[rules.Code, str, rules.Other]:
    """Which finding it is and its sentence, and without another tenant whose name that has."""
    tenant, seq, near = item.tenant, item.seq, around.near
    if item.previous == rules.GENESIS:
        if chain.first_previous == rules.GENESIS and chain.first_hash == item.stored:
            return rules.Code.DUPLICATE, f"Entry {seq:,} repeats entry {chain.first_seq:,}."
        return (
            rules.Code.RESTART,
            f"The chain of {tenant_name(tenant)} starts a second time at entry {seq:,}.",
        )
    siblings = near.successors.get(item.previous, [])
    earlier = [row for row in siblings if row.tenant == tenant and row.seq < seq]
    if earlier:
        if any(row.hash == item.stored for row in earlier):
            return rules.Code.DUPLICATE, f"Entry {seq:,} repeats entry {earlier[0].seq:,}."
        branches.update((item.expected, earlier[0].hash))
        return rules.Code.FORK, f"Entry {seq:,} and entry {earlier[0].seq:,} both continue the same entry."
    if item.previous in branches:
        branches.add(item.expected)
        return rules.Code.FORK, f"Entry {seq:,} goes on with another branch of the fork before it."
    owners = near.owners.get(item.previous, [])
    own = next((row for row in owners if row.tenant == tenant and row.seq != seq), None)
    if own is not None:
        return (
            rules.Code.ORDER,
            f"Entry {seq:,} continues entry {own.seq:,}, which is not the entry before it.",
        )
    alike = _alike(item, around)
    other = next((row for row in owners if row.tenant not in alike), None)
    if other is not None:
        under = f"Entry {seq:,} of {tenant_name(tenant)} continues entry {other.seq:,}, which is stored under"
        sentence, without = (f"{under} {whose}." for whose in (tenant_name(other.tenant), rules.ANOTHER))
        code = _OF_ANOTHER[(tenant, item.previous) in around.moved]
        return code, sentence, rules.Other(other.tenant, without)
    return rules.Code.LINK, rules.broken_link(tenant_name(tenant), seq)


def _alike(item: Break, around: Around) -> set[str]:
    """The tenants that had the same entries up to a break: of whom nothing was taken.

    They have the entry before it, or had: beside what stands there now, which was edited, theirs continues
    the same one. Two that only begin at genesis may be different entries.
    """
    before = around.near.owners.get(item.expected, ())
    same = {
        row.previous
        for row in before
        if row.tenant == item.tenant
        and (row.previous != rules.GENESIS or (row.tenant, row.seq) in around.wrong)
    }
    owners = around.near.owners.get(item.previous, ())
    beside = {row.tenant for row in owners if row.previous in same}
    return {item.tenant, *(row.tenant for row in before), *beside}


def _finding(item: Break, code: rules.Code, message: str, other: rules.Other | None = None) -> rules.Finding:
    found = item.tenant, item.seq, item.expected, cut(item.previous)
    return rules.Finding(code, *found, message, other=other)


# What is wrong with the table as a whole, of which each fact may be missing


def _readable(joined: Joined, extent: Extent) -> list[tuple[int, int]]:
    """The ranges of seqs between what could not be read, up to the end of the extent."""
    ranges, start = [], rules.LOWEST_SEQ
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
        if first == rules.LOWEST_SEQ:
            which = "The first entries" if end == rules.HIGHEST_SEQ else f"The entries up to {end:,}"
        elif end == rules.HIGHEST_SEQ:
            which = f"The entries from {first:,} on"
        else:
            which = f"Entry {first:,}" if first == end else f"Entries {first:,} to {end:,}"
        how = "could not all be read" if why == SEVERAL else "could not be read"
        message = f"{which} {how}: the file is damaged there."
        seq = None if first == rules.LOWEST_SEQ else first
        joined.add(rules.Finding(rules.Code.UNREADABLE, extent.tenant, seq, None, why, message))


def _check_counts(joined: Joined, extent: Extent) -> None:
    """How many rows the file counts against those that were seen."""
    # The table counts, and an index that knows less of it is only a damaged index.
    if extent.rows is not None and joined.complete and extent.rows > joined.entries:
        joined.incomplete(
            f"The file counts {extent.rows} entries, but {joined.entries} can be read in their order: "
            "it is damaged.",
            str(extent.rows),
            str(joined.entries),
        )
    nothing = not (joined.entries or extent.partial) and extent.tenant is None
    if joined.complete and nothing and extent.first <= extent.last:
        joined.incomplete("There is something in the table, but no entry can be read: the file is damaged.")


def _check_end(joined: Joined, extent: Extent, accepted: int, say: str) -> None:
    """AUTOINCREMENT's counter, which may be ahead up to the number `accepted`; who knows why is told to `say`
    something.
    """
    end = max(extent.highest or 0, 0, *(chain.last_seq for chain in joined.chains.values()))
    counter, has_rows = extent.counter, bool(joined.chains) or extent.highest is not None
    is_ahead = rules.counter_is_ahead(counter, max(end, accepted) if has_rows else None)
    if is_ahead and not joined.gap_between(end, counter or 0):
        sentence = (
            f"The database has numbered entries up to {counter:,}, but its last entry is {end:,}: "
            "the entries after it were removed, unless an insert failed at the very end. Where you know that "
            "it was right, as where the platform's own cleanup took them and its gateway began at 1 again, "
            f"{say}."
        )
        joined.add(rules.Finding(rules.Code.SEQUENCE_COUNTER, None, None, str(counter), str(end), sentence))


def _explain_emptied(joined: Joined, extent: Extent, accepted: int, say: str) -> None:
    """A table without entries that once had some behind the number `accepted`: the platform's cleanup may
    leave nothing. A range without entries says nothing of the rest.
    """
    emptied = not extent.partial and extent.first > extent.last and (extent.counter or 0) > accepted
    if emptied and joined.complete and not joined.findings:
        sentence = (
            f"There are no entries, but the database has numbered some, up to {extent.counter}; "
            f"nothing proves what they were. If that is right, {say}."
        )
        joined.add(rules.Finding(rules.Code.UNPROVEN_START, None, None, None, str(extent.counter), sentence))


def _check_indexes(reader: Reader, joined: Joined, extent: Extent) -> None:
    """Every index must lead to the rows that the table has: who reads through it would miss the others."""
    if extent.rows is None or extent.partial or not joined.complete or not joined.entries:
        return
    if extent.tenant is None and not reader.trusts_indexes:
        entries, counts = led_to(reader.batch, extent.last, joined.entries)
        for name, count in counts.items():
            if count is None:
                return  # a damaged index says so to whoever reads it
            if count != entries:
                sentence = misled(name, count, entries)
                expected, actual = str(entries), str(count)
                joined.add(rules.Finding(rules.Code.INDEX, None, None, expected, actual, sentence))
    if not joined.counts.get(rules.Code.INDEX):
        chains = [*joined.chains.values()]
        for start in range(0, len(chains), LOOKS_AT_ONCE):
            _check_ends(reader, joined, chains[start : start + LOOKS_AT_ONCE])


def _check_ends(reader: Reader, joined: Joined, chains: Sequence[Chain]) -> None:
    """Whether each tenant's last entry is found as the append looks for it."""
    last = f"SELECT CAST(seq AS TEXT) FROM main.{rules.TABLE} WHERE tenant_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"  # noqa: S608, E501
    found = reader.batch([(last, chain.tenant, chain.last_seq) for chain in chains])
    # Of others the name is not text as SQL compares it.
    odd = {
        item.tenant
        for item in joined.findings
        if item.is_error and item.code in (rules.Code.TYPE, rules.Code.ENCODING)
    }
    for chain, rows in zip(chains, found, strict=True):
        tenant, seq = chain.tenant, chain.last_seq
        if rows is None or rows == [(str(seq),)] or tenant in odd or joined.counts.get(rules.Code.INDEX):
            continue
        sentence = (
            f"An index hides entry {seq:,} of {tenant_name(tenant)}, so the next append would not see it."
        )
        actual = rows[0][0] if rows else None
        joined.add(rules.Finding(rules.Code.INDEX, tenant, seq, str(seq), actual, sentence))
