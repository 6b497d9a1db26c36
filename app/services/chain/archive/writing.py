"""An archive written before the entries it holds are removed.

A file gets its name only when it is complete and on the disk, and never replaces one: so whatever moment a
process dies at, a marker refers to an archive that is there, and an archive without a marker is merely one
that was not needed yet.
"""

import gzip
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from app.services.chain.archive.files import (
    ArchiveDiffers,
    ArchiveNotWritten,
    ArchiveUnusable,
    file_name,
)
from app.services.chain.lines import chunks
from app.services.chain.pruning import Part
from app.services.chain.rules import JOINED, Reference
from models.engine import Database
from models.errors import Cancelled, RowChanged

_LEVEL: Final = 3
"""Twice as fast as 6 for an eighth more bytes: half of an entry is hashes, which nothing packs."""

_STALE: Final = 3_600
"""Seconds after which a file that nobody finished is taken away; one being written is never that old."""

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
        _sweep(folder)

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
        target = self._folder / file_name(tenant, parts[0].from_seq, parts[-1].to_seq)
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f"{target.name}.", suffix=".part")
            partial = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    sink = _Digesting(file)
                    content = self._write_lines(sink, tenant, parts, tick, cancelled)
                    file.flush()
                    os.fsync(file.fileno())
                digest = _keep(partial, target, sink.digest.hexdigest(), content)
            finally:
                partial.unlink(missing_ok=True)
            _sync_folder(self._folder)
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


def _keep(partial: Path, target: Path, digest: str, content: str) -> str:
    """Gives the finished file its name, unless one with the same entries has it; that one's SHA-256."""
    try:
        os.link(partial, target)
    except FileExistsError:
        return _same(target, digest, content)
    except OSError:  # a file system without links
        if target.exists():
            return _same(target, digest, content)
        partial.rename(target)
    return digest


def _same(target: Path, digest: str, content: str) -> str:
    """The SHA-256 of an archive that is there, if it holds the same entries, however they are packed."""
    found, lines = sha256(), sha256()
    with target.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    if found.hexdigest() == digest:
        return digest
    try:
        with gzip.open(target, "rb") as packed:
            while block := packed.read(1 << 20):
                lines.update(block)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ArchiveDiffers(target) from None
    if lines.hexdigest() != content:
        raise ArchiveDiffers(target)
    return found.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself survive a power cut, where folders can be synchronised."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Takes away what processes that died have left half written."""
    for file in folder.glob("audit-*.jsonl.gz.*.part"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > _STALE:
                file.unlink()
