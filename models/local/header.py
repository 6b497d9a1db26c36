"""The beginning of a database file, read without touching anybody's locks, and what else a file may be."""

import re
from pathlib import Path

import apsw

from models.errors import (
    CannotOpen,
    DamagedFile,
    EncryptedFile,
    NewerFormat,
    NotADatabase,
    SqlDump,
    StorageError,
)

MAGIC = b"SQLite format 3\0"
"""How every SQLite file begins (sqlite.org/fileformat2.html, 1.3)."""

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


def first_bytes(path: Path, size: int) -> bytes:
    """Up to `size` bytes from the start of an existing file, through SQLite's own file layer.

    Closing a plain handle would drop every lock that this process holds on the file (fcntl(2)), those of a
    window's connections among them. Raises `CannotOpen`, and apsw's errors of reading.
    """
    try:
        file = apsw.VFSFile("", str(path), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    except UnicodeEncodeError:  # SQLite's layer knows no such name, so no connection can have been given it
        with path.open("rb") as plain:
            return plain.read(size)
    except apsw.CantOpenError as error:
        raise CannotOpen(path) from error
    try:
        return file.xRead(min(size, file.xFileSize()), 0)
    finally:
        file.xClose()


def diagnose(path: Path) -> StorageError:
    """The error that says best what `path` is, for a file that SQLite calls no database."""
    try:
        start = first_bytes(path, _FIRST_PAGE)
        size = path.stat().st_size
    except (OSError, apsw.Error, CannotOpen):
        return CannotOpen(path)
    if start.startswith(MAGIC):
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
