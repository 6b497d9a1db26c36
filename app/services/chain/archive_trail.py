"""The markers followed from the file through its archives, back to genesis.

A prune marker lies behind what it removed, so the markers in the file lead to the newest archives, and the
markers that were archived there lead on to older ones. What retention removed without an archive is not
proven here: its marker is believed, as in a verification of the file alone, and the chain does not reach
genesis.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.services.chain.archives import ArchiveReading, Tally, require_folder
from app.services.chain.entry import RAW_COLUMNS, Entry, believed_of
from app.services.chain.rules import (
    GENESIS,
    MARKER_EVENT,
    TABLE,
    Anchor,
    Code,
    Finding,
    Marker,
    Reference,
    Verdict,
    believed,
    worst,
)
from app.services.chain.verify.report import Report, in_order
from app.services.chain.where import Where
from app.services.text import tenant_name
from models.engine import raw
from models.errors import Cancelled
from models.progress import UNWATCHED, Monitor

ANCHOR: Final = Anchor("archive")
"""The anchor of a chain whose every removed entry is in the archive, from the first one on."""

_MARKERS: Final = f"""
SELECT {RAW_COLUMNS} FROM {TABLE} WHERE event_type = ?1 AND (?2 IS NULL OR tenant_id = ?2) ORDER BY seq
"""  # noqa: S608
_FIRSTS: Final = f"""
SELECT {RAW_COLUMNS} FROM {TABLE} WHERE seq IN (
  SELECT (SELECT min(seq) FROM {TABLE} AS own WHERE own.tenant_id = pruned.tenant_id)
  FROM (SELECT DISTINCT tenant_id FROM {TABLE}
        WHERE event_type = ?1 AND (?2 IS NULL OR tenant_id = ?2)) AS pruned)
"""  # noqa: S608
"""By hand, because `RAW_COLUMNS` is; the first entry of each tenant that has a marker."""


class _ArchiveWatch:
    """Counts archived entries behind those of the file; raises `Cancelled` where that is to be all."""

    def __init__(self, report: Report, monitor: Monitor) -> None:
        self._monitor = monitor
        self._done = self._total = report.entries

    def expect(self, entries: int) -> None:
        self._total += entries

    def __call__(self, entries: int) -> None:
        self._done += entries
        self._monitor.progress(self._done, max(self._done, self._total))
        if self._monitor.cancelled():
            raise Cancelled


def with_archive(
    where: Where, report: Report, folder: Path, *, tenant: str | None = None, monitor: Monitor = UNWATCHED
) -> Report:
    """The report of a whole file, or of one tenant's chain, together with what its archive proves.

    `folder` holds the archives. Every archive that a marker names must be there with the SHA-256 that it
    names; its entries must hold, follow from those before, and lead up to the first entry in the file. A
    chain proven so from its very first entry has the anchor `archive:genesis`. Findings are errors, with
    the codes that `ArchiveReading.read` says; the entries counted stay those of the file.
    `monitor` is told entries, those of the file included. Reads one entry at a time.

    Raises `ArchiveUnusable`, `Cancelled` and the errors of opening the file.
    """
    require_folder(folder)
    if report.verdict is Verdict.UNREADABLE:
        return report
    started = time.perf_counter()
    watch = _ArchiveWatch(report, monitor)
    findings: list[Finding] = []
    proven: set[str] = set()
    archives = 0
    by_marker = {item.tenant for item in report.tenants if item.anchor and item.anchor.kind == "marker"}
    for name, (first, claims) in sorted(_starts(where, tenant).items()):
        trail = _Trail(name, folder, watch)
        if trail.follow(first, claims, joins=name in by_marker):
            proven.add(name)
        findings += trail.findings
        archives += trail.archives
    if not (findings or proven or archives):
        return report
    report = replace(report, seconds=report.seconds + time.perf_counter() - started, archives=archives)
    return _merged(report, findings, proven)


class _Trail:
    """One tenant's markers, followed."""

    def __init__(self, tenant: str, folder: Path, watch: _ArchiveWatch) -> None:
        self.findings: list[Finding] = []
        self.archives = 0
        self._tenant, self._folder, self._watch = tenant, folder, watch
        self._claims: dict[int, Marker] = {}
        self._pending: dict[Reference, list[Marker]] = {}
        self._tallies: dict[int, Tally] = {}

    def follow(self, first: Entry, claims: Iterable[Marker], *, joins: bool) -> bool:
        """Reads every archive that is led to; whether the chain is proven from genesis on.

        `claims` are the markers in the file, `first` is its first entry of the tenant; `joins` says that it
        follows from a marker. Where it does not, that is a finding already, or the platform's own cleanup
        took entries that no archive has.
        """
        self._take(claims)
        while self._pending:
            newest = max(self._pending, key=lambda item: max(claim.to_seq for claim in self._pending[item]))
            named = self._pending.pop(newest)
            reading = ArchiveReading(self._tenant, newest, named)
            reading.read(self._folder, self._watch)
            self.findings += reading.findings
            self.archives += reading.entries > 0
            self._hold(named, reading, newest)
            self._take(reading.found)
        if self.findings or not self._claims or any(item.archive is None for item in self._claims.values()):
            return False
        self._check_links(first if joins else None)
        return joins and not self.findings

    def _take(self, found: Iterable[Marker]) -> None:
        """Adds the markers that are believed beside those so far; any other is a finding."""
        new = {marker.seq: marker for marker in found if marker.seq not in self._claims}
        together = self._claims | new
        good, wrong = believed(self._tenant, (together[seq] for seq in sorted(together)))
        self.findings += wrong
        for claim in (marker for marker in good if marker.seq in new):
            self._claims[claim.seq] = claim
            if claim.archive is not None:
                self._pending.setdefault(claim.archive, []).append(claim)
                self._watch.expect(claim.entries)

    def _hold(self, claims: list[Marker], reading: ArchiveReading, reference: Reference) -> None:
        """Holds what the archive has against what the markers claim of it."""
        self._tallies |= reading.tallies
        if reading.findings:
            return
        for claim in claims:
            tally = reading.tallies.get(claim.seq, Tally())
            where = f"{reference.file} and entry {claim.seq:,}, which names it, do not agree"
            held = tally.count, tally.first_seq, tally.last_seq
            if held != (claim.entries, claim.from_seq, claim.to_seq):
                how = f"{claim.entries:,} entries were removed, {tally.count:,} of them are there"
                message = f"{where}: {how}."
                self._find(Code.TRUNCATED, claim.seq, str(claim.entries), str(tally.count), message)
            elif tally.last_hash != claim.last_hash:
                message = f"{where} on the last entry that was removed."
                self._find(Code.LINK, claim.seq, claim.last_hash, tally.last_hash, message)

    def _check_links(self, first: Entry | None) -> None:
        """Whether the claims, all of them archived, are one chain from genesis, up to the entry `first`."""
        previous = GENESIS
        for claim in sorted(self._claims.values(), key=lambda claim: claim.from_seq):
            tally = self._tallies[claim.seq]
            if tally.first_previous != previous:
                before = "what was archived before it" if previous != GENESIS else "the start of a chain"
                entry = f"Archived entry {tally.first_seq:,} of {tenant_name(self._tenant)}"
                message = f"{entry} does not continue {before}."
                self._find(Code.LINK, tally.first_seq, previous, tally.first_previous, message)
            previous = claim.last_hash
        if first is not None and (actual := first.text("previous_hash")) != previous:
            name = tenant_name(self._tenant)
            message = f"The archive of {name} does not lead up to entry {first.seq:,}, the first there is."
            self._find(Code.LINK, first.seq, previous, actual, message)

    def _find(self, code: Code, seq: int, expected: str | None, actual: str | None, message: str) -> None:
        self.findings.append(Finding(code, self._tenant, seq, expected, actual, message))


def _starts(where: Where, tenant: str | None) -> dict[str, tuple[Entry, list[Marker]]]:
    """The first entry and the markers of each tenant with some that can be believed, seen at one moment."""
    values = (MARKER_EVENT, tenant)
    encoding, (markers, firsts) = where.read_at_once([raw(_MARKERS, *values), raw(_FIRSTS, *values)])
    entries: dict[str, list[Entry]] = {}
    for entry in (Entry(row, encoding) for row in markers):
        if entry.clean_tenant:
            entries.setdefault(entry.tenant, []).append(entry)
    # Of the others, the report tells.
    trusted = {name: believed_of(name, own)[0] for name, own in entries.items()}
    return {
        first.tenant: (first, trusted[first.tenant])
        for first in (Entry(row, encoding) for row in firsts)
        if trusted.get(first.tenant)
    }


def _merged(report: Report, findings: list[Finding], proven: set[str]) -> Report:
    counts = Counter(report.counts)
    counts.update(finding.code for finding in findings)
    wrong = {finding.tenant for finding in findings}
    tenants = [
        replace(
            own,
            verdict=worst([own.verdict, Verdict.TAMPERED]) if own.tenant in wrong else own.verdict,
            anchor=ANCHOR if own.tenant in proven else own.anchor,
        )
        for own in report.tenants
    ]
    return replace(
        report,
        verdict=worst([report.verdict, Verdict.TAMPERED]) if findings else report.verdict,
        findings=in_order((*findings, *report.findings)),
        tenants=tuple(tenants),
        counts=dict(sorted(counts.items())),
    )
