"""One archive file: its name, what may go wrong with it, and what it holds, read back and judged."""

import gzip
import json
import zlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from app.services.chain.entry import Entry, is_plain, is_text, shown
from app.services.chain.reading import stored_bytes
from app.services.chain.rules import TEXT_COLUMNS, Code, Finding, Marker, Reference, stored_hash
from models.errors import Cancelled, StorageError

KEEP: Final = 100
"""How many findings are kept of one file."""

_LONGEST_LINE: Final = 1 << 28
_STEP: Final = 500
_STEP_BYTES: Final = 1 << 20
"""Entries, or bytes of them, between two looks at whether to stop: some 5 ms."""

_HASHED: Final = ("previous_hash", "event_type", "payload", "created_at")
_KINDS: Final = {int: "integer", str: "text", type(None): "null"}


class ArchiveUnusable(StorageError):
    """The archive cannot be written or read where it is."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The archive folder {folder} cannot be used: {why}. Check that its disk is connected, or choose "
            "another folder."
        )


class ArchiveNotWritten(StorageError):
    """Nothing is removed that is not in the archive first."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The archive folder {folder} cannot be written ({why}); nothing was removed that is not in the "
            "archive. Free some space or choose another folder, then try again."
        )


class ArchiveDiffers(StorageError):
    """An archive of that name holds something else; it is never overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is in the archive folder already and holds other entries, of another database "
            "perhaps; it was not overwritten and its entries were not removed. Choose another folder."
        )


Tick = Callable[[int], bool]
"""Told of entries that were read; answers whether to stop."""


@dataclass(slots=True)
class Tally:
    """What the archive really holds of a claim."""

    count: int = 0
    first_seq: int = 0
    last_seq: int = 0
    first_previous: str = ""
    last_hash: str = ""


@dataclass(slots=True)
class ArchiveRead:
    """An archive as it was read.

    `tallies` are those of the claims by the seq of their markers, `claims` what markers among the archived
    entries claim in their turn; both are empty where the file is not the one that was written.
    """

    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    tallies: dict[int, Tally] = field(default_factory=dict)
    claims: list[Marker] = field(default_factory=list)


class _NoEntry(Exception):
    """A line that is not an archived entry."""


def read(
    folder: Path, tenant: str, reference: Reference, claims: Sequence[Marker], tick: Tick
) -> ArchiveRead:
    """Judges the archive that `claims` name. Streams; never raises for what the file holds.

    Findings: TRUNCATED for a missing file or missing entries; HASH for a file of other bytes; what
    `Entry.findings` says of an entry; LINK, ORDER and CROSS_TENANT for entries that do not follow one
    another; GRAMMAR for what is no archive. Raises `Cancelled`, and `ArchiveUnusable` when the disk cannot
    be read.
    """
    ordered = sorted(claims, key=lambda claim: claim.from_seq)
    path = folder / reference.file
    reading = ArchiveRead()
    if not path.is_file():
        reading.findings.append(_missing(tenant, reference, ordered))
        return reading
    try:
        actual = _digest(path, tick)
        walk = _ArchiveWalk(tenant, reference, ordered, reading)
        if actual != reference.sha256:
            reading.findings.append(_replaced(tenant, reference, ordered, actual))
        walk.run(path, tick, most=KEEP if actual == reference.sha256 else 2)
    except OSError as error:
        raise ArchiveUnusable(folder, error.strerror or str(error)) from error
    if actual != reference.sha256:
        reading.tallies.clear()
        reading.claims.clear()
    return reading


class _ArchiveWalk:
    """Goes along the entries of one file."""

    def __init__(
        self, tenant: str, reference: Reference, claims: Sequence[Marker], reading: ArchiveRead
    ) -> None:
        self._tenant, self._file, self._claims, self._reading = tenant, reference.file, claims, reading
        self._ends = [claim.to_seq for claim in claims]
        self._seq: int | None = None
        self._head = b""

    def run(self, path: Path, tick: Tick, *, most: int) -> None:
        """Reads on until the end, or until `most` findings are there."""
        reading = self._reading
        told, size = 0, 0
        try:
            with gzip.open(path, "rb") as lines:
                while (line := lines.readline(_LONGEST_LINE)) and len(reading.findings) < most:
                    self._step(line)
                    reading.entries += 1
                    size += len(line)
                    if reading.entries - told >= _STEP or size >= _STEP_BYTES:
                        if tick(reading.entries - told):
                            raise Cancelled
                        told, size = reading.entries, 0
        except (_NoEntry, gzip.BadGzipFile, EOFError, zlib.error):
            message = f"{self._file} cannot be read behind its entry {reading.entries:,}: it is damaged."
            self._find(Code.GRAMMAR, self._seq, "an archived entry", None, message)
        tick(reading.entries - told)

    def _step(self, line: bytes) -> None:
        row = _row(line)
        try:
            seq = row["seq"]
            tenant, stored, *hashed = (stored_bytes(row[name]) for name in ("tenant_id", "hash", *_HASHED))
        except (KeyError, TypeError, ValueError):
            raise _NoEntry from None
        if type(seq) is not int:
            raise _NoEntry
        previous = hashed[0]
        if tenant != self._tenant.encode():
            actual = shown(_text(tenant))
            message = f"Archived entry {seq} belongs to another tenant than {self._tenant}."
            self._find(Code.CROSS_TENANT, seq, self._tenant, actual, message)
        if stored_hash(*hashed).encode() != stored or b"\\u0000" in line or not is_plain(row):
            self._judge(_entry(row))
        if self._seq is not None and seq <= self._seq:
            message = f"Archived entry {seq} lies behind entry {self._seq}."
            self._find(Code.ORDER, seq, f"above {self._seq}", str(seq), message)
        if self._head and previous != self._head:
            message = f"Archived entry {seq} does not continue the archived entry before it."
            self._find(Code.LINK, seq, shown(_text(self._head)), shown(_text(previous)), message)
        self._seq, self._head = seq, stored
        self._count(seq, previous, stored)

    def _judge(self, entry: Entry) -> None:
        for finding in entry.findings():
            if finding.is_error:
                sentence = f"Archived {finding.message[0].lower()}{finding.message[1:]}"
                self._find(finding.code, entry.seq, finding.expected, finding.actual, sentence)
        if (claim := entry.marker()) is not None:
            self._reading.claims.append(claim)

    def _count(self, seq: int, previous: bytes, stored: bytes) -> None:
        at = bisect_left(self._ends, seq)
        if at == len(self._claims) or seq < self._claims[at].from_seq:
            return
        tally = self._reading.tallies.setdefault(self._claims[at].seq, Tally())
        if not tally.count:
            tally.first_seq, tally.first_previous = seq, _text(previous)
        tally.count += 1
        tally.last_seq, tally.last_hash = seq, _text(stored)

    def _find(
        self, code: Code, seq: int | None, expected: str | None, actual: str | None, message: str
    ) -> None:
        whole = f"{message} (Archive {self._file}.)"
        self._reading.findings.append(Finding(code, self._tenant, seq, expected, actual, whole))


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise _NoEntry from None
    if not isinstance(row, dict):
        raise _NoEntry
    return row


def _entry(row: dict[str, Any]) -> Entry:
    """The archived row as one read from the file. Raises `_NoEntry` for what `chunks` never writes."""
    columns: list[Any] = [row["seq"]]
    for name in (*TEXT_COLUMNS, "created_at"):
        value = stored_bytes(row[name])
        kind = _KINDS.get(type(row[name]))
        if isinstance(row[name], dict):  # a BLOB, or text that JSON cannot hold
            kind = "blob" if is_text(value) else "text"
        if kind is None:
            raise _NoEntry
        columns += ["real" if name == "created_at" and kind == "text" else kind, value]
    return Entry((*columns, None), "utf-8")


def _digest(path: Path, tick: Tick) -> str:
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
            if tick(0):
                raise Cancelled
    return total.hexdigest()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _missing(tenant: str, reference: Reference, claims: Sequence[Marker]) -> Finding:
    return Finding(
        Code.TRUNCATED,
        tenant,
        claims[0].seq,
        reference.file,
        None,
        f"Entries {claims[0].from_seq} to {claims[-1].to_seq} of {tenant} were archived in {reference.file}, "
        "which is not in the archive folder.",
    )


def _replaced(tenant: str, reference: Reference, claims: Sequence[Marker], actual: str) -> Finding:
    return Finding(
        Code.HASH,
        tenant,
        claims[0].seq,
        reference.sha256,
        actual,
        f"{reference.file} is not the archive that entry {claims[0].seq} of {tenant} names: "
        "it was changed or replaced.",
    )
