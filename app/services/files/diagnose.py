"""What a file is that SQLite does not take for a database."""

import re
from pathlib import Path

import apsw

from app.services.errors import (
    CannotOpen,
    DamagedFile,
    EncryptedFile,
    NewerFormat,
    NotADatabase,
    SqlDump,
    StorageError,
)
from models.local.header import first_bytes

_SQLITE_MAGIC = b"SQLite format 3\0"
_FRACTIONS = b"\x40\x20\x20"
"""Bytes 21 to 23 of every SQLite file: the payload fractions, which have only one legal value."""
_FIRST_PAGE = 4096
_SQL = re.compile(r"\s*(--|/\*|(PRAGMA|BEGIN|CREATE|INSERT|DROP|ALTER|DELETE|SELECT)\b)", re.IGNORECASE)
_OTHER_FORMATS = (
    b"PK",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8",
    b"%PDF",
    b"(\xb5/\xfd",
    b"7z",
    b"BZh",
    b"\xfd7z",
)


def diagnose(path: Path) -> StorageError:
    """The error that says best what `path` is, for a file that SQLite calls no database."""
    try:
        start = first_bytes(path, _FIRST_PAGE)
        size = path.stat().st_size
    except (OSError, apsw.Error, CannotOpen):
        return CannotOpen(path)
    if start.startswith(_SQLITE_MAGIC):
        # Byte 19 is the version a reader must know (sqlite.org/fileformat2.html, 1.3.3).
        newer = start[21:24] == _FRACTIONS and start[19] > 2
        return NewerFormat(path) if newer else DamagedFile(path)
    if _SQL.match(start.decode("utf-8-sig", errors="replace")):
        return SqlDump(path)
    return EncryptedFile(path) if _looks_encrypted(start, size) else NotADatabase(path)


def _looks_encrypted(start: bytes, size: int) -> bool:
    """Whole pages of noise, or noise around the page-size bytes that SQLite's own encryption leaves bare."""
    if start[21:24] == _FRACTIONS:
        return True
    # Each of the 256 values turns up about sixteen times in 4096 random bytes.
    noise = len(set(start)) > (250 if len(start) == _FIRST_PAGE else 235)
    return size >= 1024 and size % 1024 == 0 and noise and not start.startswith(_OTHER_FORMATS)
