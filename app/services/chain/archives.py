"""The archives of retention: written before the entries that they hold are removed, read back and judged.

An archive is `audit-<tenant>-<from>-<to>.jsonl.gz`: one JSON object for each entry, all columns as they were
stored. A run writes one for each tenant and may remove its entries in several transactions, so a marker
claims its own `fromSeq … toSeq` of the archive. Entries that no marker claims are harmless: a run that ended
early has left them in the database, and the next run archives them again.

A file gets its name only when it is complete and on the disk, and never replaces one: so whatever moment a
process dies at, a marker refers to an archive that is there.
"""

import gzip
import hashlib
import json
import os
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.services.chain import rules
from app.services.chain.entry import JOINED, Entry, cut, is_odd_time, is_plain, is_text
from app.services.chain.pruning import Part
from app.services.chain.reading import chunks, stored_bytes
from app.services.text import tenant_name
from models.engine import Database
from models.errors import AlreadyThere, RowChanged, StorageError
from models.local import atomic
from models.progress import Tick

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
