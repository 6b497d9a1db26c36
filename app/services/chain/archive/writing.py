"""An archive written before the entries it holds are removed.

A file gets its name only when it is complete and on the disk, and never replaces one: so whatever moment a
process dies at, a marker refers to an archive that is there, and an archive without a marker is merely one
that was not needed yet.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO, Final

from app.services.chain.archive.files import (
    ArchiveDiffers,
    ArchiveNotWritten,
    ArchiveUnusable,
)
from app.services.chain.entry import JOINED
from app.services.chain.pruning import Part
from app.services.chain.reading import chunks
from app.services.chain.rules import ARCHIVES, Reference, archive_name
from models.engine import Database
from models.errors import Cancelled, RowChanged
from models.local import atomic

_LEVEL: Final = 3
"""Twice as fast as 6 for an eighth more bytes: half of an entry is hashes, which nothing packs."""

_HASHED: Final = f"CAST(previous_hash AS BLOB), CAST(hash AS BLOB), {JOINED}"


class Archiver:
    """Writes the archives of one retention run into `folder`, which must exist.

    Raises `ArchiveUnusable` when it does not.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        if not folder.is_dir():
            raise ArchiveUnusable(folder, "there is no such folder")
        self._database = database
        self._folder = folder
        atomic.sweep(folder, ARCHIVES)

    def write(
        self,
        tenant: str,
        parts: Sequence[Part],
        *,
        tick: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> Reference:
        """Writes the entries of all parts, which follow one another, as one archive.

        Every entry is proven once more while it is written. The same entries give the same file, and one
        that is there already is used. Raises `RowChanged` when the entries are no longer those of the
        parts, `ArchiveDiffers`, `ArchiveNotWritten`, `Cancelled` and the storage errors.
        """
        target = self._folder / archive_name(tenant, parts[0].from_seq, parts[-1].to_seq)
        try:
            with atomic.unfinished(target) as building:
                with building.open("wb") as file:
                    sink = _Digesting(file)
                    content = self._write_lines(sink, tenant, parts, tick, cancelled)
                atomic.finish(building)
                digest = sink.digest.hexdigest()
                try:
                    atomic.give_name(building, target)
                except FileExistsError:
                    digest = _same(target, digest, content)
        except OSError as error:
            raise ArchiveNotWritten(self._folder, error.strerror or str(error)) from error
        return Reference(target.name, digest)

    def _write_lines(
        self,
        sink: "_Digesting",
        tenant: str,
        parts: Sequence[Part],
        tick: Callable[[int], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """Writes the lines; the SHA-256 of them before they are packed."""
        content = sha256()
        previous = b""
        ends = {part.to_seq: part.last_hash.encode() for part in parts}
        count = 0
        read = chunks(
            self._database,
            tenant=tenant,
            first=parts[0].from_seq,
            last=parts[-1].to_seq,
            by_index=True,
            more=_HASHED,
        )
        with gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0, compresslevel=_LEVEL) as packed:
            for rows in read:
                if cancelled():
                    raise Cancelled
                lines = []
                for seq, line, before, digest, data in rows:
                    if previous and before != previous:
                        raise RowChanged
                    if data is None or sha256(data).hexdigest().encode() != digest:
                        raise RowChanged
                    if seq in ends and ends.pop(seq) != digest:
                        raise RowChanged
                    previous = digest
                    lines.append(line)
                block = b"".join(lines)
                content.update(block)
                packed.write(block)
                count += len(rows)
                tick(len(rows))
        if ends or count != sum(part.count for part in parts):
            raise RowChanged
        return content.hexdigest()


class _Digesting:
    """A file that is written once through, and the SHA-256 of what went into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _same(target: Path, digest: str, content: str) -> str:
    """The SHA-256 of an archive that is there, if it holds the same entries, however they are packed."""
    lines = sha256()
    with target.open("rb") as file:
        found = file_digest(file, "sha256").hexdigest()
    if found == digest:
        return digest
    try:
        with gzip.open(target, "rb") as packed:
            while block := packed.read(1 << 20):
                lines.update(block)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ArchiveDiffers(target) from None
    if lines.hexdigest() != content:
        raise ArchiveDiffers(target)
    return found
