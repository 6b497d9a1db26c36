"""The archives of retention: written before the entries that they hold are removed, read back and judged.

An archive is `audit-<tenant>-<from>-<to>.jsonl.gz`: one JSON object for each entry, all columns as they were
stored. A run writes one for each tenant and may remove its entries in several transactions, so a marker
claims its own `fromSeq … toSeq` of the archive. Entries that no marker claims are harmless: a run that ended
early has left them in the database, and the next run archives them again.

A file gets its name only when it is complete and on the disk, and never replaces one: so whatever moment a
process dies at, a marker refers to an archive that is there.

The markers are followed from the file through its archives, back to genesis. A prune marker lies behind what
it removed, so the markers in the file lead to the newest archives, and the markers that were archived there
lead on to older ones. What retention removed without an archive is not proven here: its marker is believed,
as in a verification of the file alone, and the chain does not reach genesis.
"""

import gzip
import hashlib
import json
import os
import time
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.services.chain import rules
from app.services.chain.entry import (
    JOINED,
    RAW_COLUMNS,
    Entry,
    believed_of,
    cut,
    is_odd_time,
    is_plain,
    is_text,
)
from app.services.chain.pruning import Part
from app.services.chain.reading import chunks, stored_bytes
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
from models.engine import Database, raw
from models.errors import AlreadyThere, RowChanged, StorageError
from models.files import atomic
from models.progress import UNWATCHED, Monitor, Tick

KEEP: Final = 100
"""How many findings are kept of one file."""

_LONGEST_LINE: Final = 1 << 28
_LONGEST_STRANGE: Final = 1 << 22
"""Bytes of a line: of the archive that was written, and of a file that took its place, which is told in one
sentence and may ask for any work.
"""

_STEP: Final = 500
_STEP_BYTES: Final = 1 << 20
"""Entries, or bytes of them, between two looks at whether to stop: some 5 ms."""

_LEVEL: Final = 3
"""Twice as fast as 6 for an eighth more bytes: half of an entry is hashes, which nothing packs."""

_PROVING: Final = f"CAST(previous_hash AS BLOB), CAST(hash AS BLOB), {JOINED}"
_HASHED: Final = ("previous_hash", "event_type", "payload", "created_at")
_KINDS: Final = {int: "integer", str: "text", type(None): "null"}
_NO_GZIP: Final = (gzip.BadGzipFile, EOFError, zlib.error)


class ArchiveUnusable(StorageError):
    """The archive cannot be written or read where it is."""

    sentence = (
        "The archive folder {what} cannot be used: {why}. Check that its disk is connected, or choose "
        "another folder."
    )


class ArchiveNotWritten(ArchiveUnusable):
    """Nothing is removed that is not in the archive first."""

    sentence = (
        "The archive folder {what} cannot be written ({why}); nothing was removed that is not in the "
        "archive. Free some space or choose another folder, then try again."
    )


class ArchiveDiffers(StorageError):
    """An archive of that name holds something else; it is never overwritten."""

    sentence = (
        "{name} is in the archive folder already and holds other entries, of another database perhaps; "
        "it was not overwritten and its entries were not removed. Choose another folder."
    )


def require_folder(folder: Path) -> None:
    """Raises `ArchiveUnusable` for what is no folder."""
    if not folder.is_dir():
        there = os.path.lexists(folder)
        raise ArchiveUnusable(folder, "it is no folder" if there else "there is no such folder")


def make_folder(folder: Path) -> bool:
    """Whether it was made; nothing is done where it is there. Raises `ArchiveUnusable`, before anything is
    removed.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        require_folder(folder)
        return False
    except FileNotFoundError as error:
        raise ArchiveUnusable(folder, "the folder that it would be in is not there") from error
    except OSError as error:
        raise ArchiveUnusable(folder, error.strerror or str(error)) from error
    return True


class Archiver:
    """Writes the archives of one retention run into `folder`, which must exist: else `ArchiveUnusable`."""

    def __init__(self, database: Database, folder: Path) -> None:
        require_folder(folder)
        self._database, self._folder = database, folder
        atomic.sweep(folder, rules.ARCHIVES)

    def write(self, tenant: str, parts: Sequence[Part], tick: Tick) -> rules.Reference:
        """Writes the entries of all parts, which follow one another, as one archive.

        Every entry is proven once more while it is written, and `tick` is told of it. The same entries give
        the same file, and one that is there already is used. Raises `RowChanged` when the entries are no
        longer those of the parts, `ArchiveDiffers`, `ArchiveNotWritten`, the storage errors and what `tick`
        raises.
        """
        target = self._folder / rules.archive_name(tenant, parts[0].first_seq, parts[-1].last_seq)
        try:
            with atomic.unfinished(target) as building:
                self._write_lines(building, tenant, parts, tick)
                digest = _digest(building)
                try:
                    atomic.give_name(building, target)
                except AlreadyThere:
                    if _content(target) != _content(building):  # however they are packed
                        raise ArchiveDiffers(target) from None
                    digest = _digest(target)
        except OSError as error:
            raise ArchiveNotWritten(self._folder, error.strerror or str(error)) from error
        return rules.Reference(target.name, digest)

    def _write_lines(self, building: Path, tenant: str, parts: Sequence[Part], tick: Tick) -> None:
        previous = b""
        ends = {part.last_seq: part.last_hash.encode() for part in parts}
        count = 0
        read = chunks(
            self._database,
            tenant=tenant,
            first=parts[0].first_seq,
            last=parts[-1].last_seq,
            by_index=True,
            more=_PROVING,
        )
        with (
            building.open("wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=_LEVEL) as packed,
        ):
            for rows in read:
                for seq, _, before, digest, data in rows:
                    holds = data is not None and hashlib.sha256(data).hexdigest().encode() == digest
                    follows = previous in (b"", before)
                    if not (holds and follows) or ends.pop(seq, digest) != digest:
                        raise RowChanged
                    previous = digest
                packed.write(b"".join(line for _, line, *_ in rows))
                count += len(rows)
                tick(len(rows))
        if ends or count != sum(part.entries for part in parts):
            raise RowChanged


class Tally:
    """What the archive really holds of a claim."""

    count = first_seq = last_seq = 0
    first_previous = last_hash = ""


class _NoEntry(Exception):
    """A line that is not an archived entry."""


class ArchiveReading:
    """The archive that `claims` name, as it was read.

    `tallies` are those of the claims by the seq of their markers, `found` what markers among the archived
    entries claim in their turn; both are empty where the file is not the one that was written.
    """

    def __init__(self, tenant: str, reference: rules.Reference, claims: Sequence[rules.Marker]) -> None:
        self.entries = 0
        self.findings: list[rules.Finding] = []
        self.tallies: dict[int, Tally] = {}
        self.found: list[rules.Marker] = []
        self._tenant, self._reference = tenant, reference
        self._claims = sorted(claims, key=lambda claim: claim.from_seq)
        self._ends = [claim.to_seq for claim in self._claims]
        self._seq: int | None = None
        self._head = b""

    def read(self, folder: Path, tick: Tick) -> None:
        """Judges the archive. Streams; never raises for what the file holds.

        Findings: TRUNCATED for a missing file or missing entries; HASH for a file of other bytes, with the
        first thing wrong in it; what `Entry.findings` says of an entry; LINK, ORDER and CROSS_TENANT for
        entries that do not follow one another; GRAMMAR for what is no archive. Raises `ArchiveUnusable` when
        the disk cannot be read, and what `tick`, which is told of entries, raises.
        """
        name, expected = self._reference
        path, first, last = folder / name, self._claims[0], self._claims[-1]
        if not path.is_file():
            where = "is no file there" if os.path.lexists(path) else "is not in the archive folder"
            message = (
                f"Entries {first.from_seq:,} to {last.to_seq:,} of {tenant_name(self._tenant)} were archived "
                f"in {name}, which {where}."
            )
            self.findings.append(
                rules.Finding(rules.Code.TRUNCATED, self._tenant, first.seq, name, None, message)
            )
            return
        try:
            actual = _digest(path, tick)
            if actual == expected:
                self._walk(path, tick, most=KEEP, longest=_LONGEST_LINE)
            else:
                self._walk(path, tick, most=1, longest=_LONGEST_STRANGE)
        except OSError as error:
            raise ArchiveUnusable(folder, error.strerror or str(error)) from error
        if actual != expected:
            message = (
                f"{name} is not the archive that entry {first.seq:,} of {tenant_name(self._tenant)} names: "
                "it was changed or replaced."
            )
            what = f" {self.findings[0].message}" if self.findings else ""
            self.findings = [
                rules.Finding(
                    rules.Code.ARCHIVE, self._tenant, first.seq, expected, actual, f"{message}{what}"
                )
            ]
            self.tallies.clear()
            self.found.clear()

    def _walk(self, path: Path, tick: Tick, *, most: int, longest: int) -> None:
        """Reads on until the end, until `most` findings are there, or a line has `longest` bytes."""
        told, size = 0, 0
        try:
            with gzip.open(path, "rb") as lines:
                while (line := lines.readline(longest)) and len(self.findings) < most:
                    self._step(line)
                    self.entries += 1
                    size += len(line)
                    if self.entries - told >= _STEP or size >= _STEP_BYTES:
                        tick(self.entries - told)
                        told, size = self.entries, 0
        except (_NoEntry, *_NO_GZIP):
            message = f"{path.name} cannot be read behind its entry {self.entries:,}: it is damaged."
            self._find(rules.Code.GRAMMAR, self._seq, "an archived entry", None, message)
        tick(self.entries - told)

    def _step(self, line: bytes) -> None:
        try:
            row = json.loads(line)
            seq = row["seq"]
            tenant, stored, *hashed = (stored_bytes(row[name]) for name in ("tenant_id", "hash", *_HASHED))
        except (KeyError, TypeError, ValueError, RecursionError):
            raise _NoEntry from None
        if type(seq) is not int:
            raise _NoEntry
        previous = hashed[0]
        if tenant != self._tenant.encode():
            message = f"Archived entry {seq:,} belongs to another tenant than {tenant_name(self._tenant)}."
            name = cut(rules.named(tenant))
            self._find(rules.Code.CROSS_TENANT, seq, self._tenant, name, message)
            self.findings[-1] = self.findings[-1].naming(name)
        if rules.stored_hash(*hashed).encode() != stored or b"\\u0000" in line or not is_plain(row):
            self._judge(_entry(row))
        if self._seq is not None and seq <= self._seq:
            message = f"Archived entry {seq:,} lies behind entry {self._seq:,}."
            self._find(rules.Code.ORDER, seq, f"above {self._seq}", str(seq), message)
        if self._head and previous != self._head:
            message = f"Archived entry {seq:,} does not continue the archived entry before it."
            self._find(
                rules.Code.LINK, seq, cut(rules.named(self._head)), cut(rules.named(previous)), message
            )
        self._seq, self._head = seq, stored
        at = bisect_left(self._ends, seq)
        if at < len(self._claims) and seq >= self._claims[at].from_seq:
            tally = self.tallies.setdefault(self._claims[at].seq, Tally())
            if not tally.count:
                tally.first_seq, tally.first_previous = seq, rules.named(previous)
            tally.count += 1
            tally.last_seq, tally.last_hash = seq, rules.named(stored)

    def _judge(self, entry: Entry) -> None:
        for finding in entry.findings():
            if finding.is_error:
                sentence = f"Archived {finding.message[0].lower()}{finding.message[1:]}"
                self._find(finding.code, entry.seq, finding.expected, finding.actual, sentence)
        if (claim := entry.marker()) is not None:
            self.found.append(claim)

    def _find(
        self, code: rules.Code, seq: int | None, expected: str | None, actual: str | None, message: str
    ) -> None:
        whole = f"{message} (Archive {self._reference.file}.)"
        self.findings.append(rules.Finding(code, self._tenant, seq, expected, actual, whole))


def _entry(row: dict[str, Any]) -> Entry:
    """The archived row as one read from the file. Raises `_NoEntry` for what `chunks` never writes."""
    columns: list[Any] = [row["seq"]]
    for name in (*rules.TEXT_COLUMNS, "created_at"):
        value = stored_bytes(row[name])
        kind = _KINDS.get(type(row[name]))
        if isinstance(row[name], dict):  # a BLOB, or text that JSON cannot hold
            kind = "blob" if is_text(value) else "text"
        if kind is None:
            raise _NoEntry
        if name == "created_at" and kind == "text" and not is_odd_time(kind, value):
            kind = "real"
        columns += [kind, value]
    return Entry((*columns, None), "utf-8")


def _digest(path: Path, tick: Tick = lambda entries: None) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
            tick(0)
    return total.hexdigest()


def _content(archive: Path) -> bytes | None:
    """The SHA-256 of what is packed in it; None where it is no archive."""
    try:
        with gzip.open(archive, "rb") as packed:
            return hashlib.file_digest(packed, "sha256").digest()
    except _NO_GZIP:
        return None


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
        self._monitor.check()


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
