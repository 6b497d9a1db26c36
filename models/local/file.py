"""A database file as one sees it beside the engine: by a plain connection, by what its first bytes say, and
by where wrangler keeps it.
"""

import codecs
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from models import errors, patterns, progress
from models.errors import CannotOpen, StorageError
from models.files.at_path import MAGIC, first_bytes

BUSY_TIMEOUT_MS = 250
"""`interrupt()` does not end a busy wait, so a single wait is short and the retry loop can be cancelled."""

PlainConnection = apsw.Connection
"""One beside the engine's."""

_FRACTIONS = b"\x40\x20\x20"
"""Bytes 21 to 23 of every SQLite file: the payload fractions, which have only one legal value."""
_FIRST_PAGE = 4096
_OF_RULES = patterns.compiled_later(r"(NULL|NUMERIC|TEXT|non-[A-Z]+) value in .*", re.DOTALL)
"""What an integrity check says of a row, rather than of the file."""

_RECKONED = 1_000_000
"""Bytes that a value may have which is reckoned of a small file."""

_SQL = patterns.compiled_later(
    r"\s*(--|/\*|(PRAGMA|BEGIN|CREATE|INSERT|REPLACE\s+INTO|DROP|ALTER|DELETE|SELECT)\b)", re.IGNORECASE
)
GZIP = b"\x1f\x8b"
"""How a packed file begins."""

_OTHERS = (b"PK", GZIP, b"\x89PNG", b"\xff\xd8", b"%PDF", b"(\xb5/\xfd", b"7z", b"BZh", b"\xfd7z")
"""How archives, pictures and documents begin, which are as noisy as an encrypted file."""

CONFIGURATIONS = frozenset({"wrangler.toml", "wrangler.json", "wrangler.jsonc"})
"""What wrangler's configuration may be called, in the folder of the project (models/README.md)."""

_OF_WRANGLER = ".wrangler"
STATE = Path(_OF_WRANGLER, "state", "v3", "d1")
"""Where the local D1 databases of a project lie, in a folder for each kind of file."""

METADATA = "metadata.sqlite"
"""What lies beside the databases and is none of them."""

D1_DATABASES = "miniflare-D1DatabaseObject"
"""The folder of D1's files, and what their names are hashed with."""


def connect(
    path: Path,
    flags: int = apsw.SQLITE_OPEN_READWRITE,
    *,
    vfs: str | None = None,
    statementcachesize: int = 100,
) -> apsw.Connection:
    """A plain connection of the engine's own; as a URI, which can say any name that a file system allows."""
    flags |= apsw.SQLITE_OPEN_URI
    return apsw.Connection(path.absolute().as_uri(), flags, vfs, statementcachesize=statementcachesize)


class TemporaryFiles(apsw.VFS):
    """SQLite's own layer (`name`), which knows whether one of its temporary files found no room: SQLite says
    the same of a file that may not become larger. Writing takes a twentieth longer.
    """

    def __init__(self) -> None:
        self.name, self.are_full = f"temporary-{id(self)}", False
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return apsw.VFSFile("", name, flags) if name else _Temporary(self, flags)


class _Temporary(apsw.VFSFile):
    def __init__(self, of: TemporaryFiles, flags: list[int]) -> None:
        super().__init__("", None, flags)
        self._of = of

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        try:
            super().xWrite(data, offset)
        except apsw.FullError:
            self._of.are_full = True
            raise


def to_be_filled(path: Path) -> apsw.Connection:
    """A new database for tables and rows from elsewhere: nothing in their schema reaches another file, and no
    constraint of theirs judges rows that were there.
    """
    connection = connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("foreign_keys", "synchronous"):
        set_pragma(connection, pragma, 0)
    set_pragma(connection, "ignore_check_constraints", 1)
    return connection


def first_row(path: Path, sql: str) -> tuple[Any, ...] | None:
    """The first row of a read; None where there is none, or the file is no database that has it. Raises
    `FileLocked`.
    """
    try:
        with closing(connect(path, apsw.SQLITE_OPEN_READWRITE)) as connection:
            row: tuple[Any, ...] | None = connection.execute(sql).fetchone()
            return row
    except (apsw.BusyError, apsw.LockedError):
        raise errors.FileLocked(path) from None
    except apsw.Error:
        return None


def in_memory(name: str) -> apsw.Connection:
    """One that shares what it holds with all others of that name in this process, while there is one."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:/{name}?vfs=memdb", flags)


def patiently(step: Callable[[], object], deadline: float, cancelled: progress.Stop) -> None:
    """Takes a step that needs a lock, again and again until `deadline` (by `time.monotonic`).

    Raises what apsw says of the lock when the time is up, or when `cancelled()`.
    """
    while True:
        try:
            step()
        except (apsw.BusyError, apsw.LockedError):
            if cancelled() or time.monotonic() >= deadline:
                raise
        else:
            return


def set_pragma(connection: apsw.Connection, name: str, value: str | int) -> None:
    """Sets it and reads it back, because a misspelt pragma is silent."""
    connection.pragma(name, value)
    if connection.pragma(name) != value:
        raise RuntimeError(f"SQLite did not take PRAGMA {name}")


def is_sound(connection: apsw.Connection, table: str | None = None) -> bool:
    """Whether SQLite's integrity check finds no damage, or none in one table (its name as SQL).

    That a row breaks its table's own rules, a CHECK or NOT NULL past which it was written, is none, nor that
    a generated column or an indexed expression cannot be reckoned: SQLite looks at pages before rows, and
    at other tables' rows when they are asked for.
    """
    with _checking(connection):
        try:
            found = connection.execute(f"PRAGMA integrity_check({table or 2**31 - 1})")
            return all(message == "ok" or _OF_RULES.fullmatch(message) for (message,) in found)
        except (apsw.SQLError, apsw.TooBigError):
            if table is not None:
                return True
            from models.engine import sql_name  # noqa: PLC0415 - a child that verifies needs no models

            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return all(is_sound(connection, sql_name(str(name))) for (name,) in names)


def of_other_types(connection: apsw.Connection, table: str) -> list[str]:
    """The columns of a table with values that their types would have changed when they were written: only a
    schema edited by hand has them. Of a hundred such values at most.
    """
    from models.engine import sql_name  # noqa: PLC0415 - a child that verifies needs no models

    of_type = re.compile(rf"(NUMERIC|TEXT) value in {re.escape(table)}\.(?P<column>.*)", re.DOTALL)
    with _checking(connection):
        try:
            found = [message for (message,) in connection.execute(f"PRAGMA quick_check({sql_name(table)})")]
        except (apsw.SQLError, apsw.TooBigError):
            return []
    return [*dict.fromkeys(match["column"] for match in map(of_type.fullmatch, found) if match)]


@contextmanager
def _checking(connection: apsw.Connection) -> Iterator[None]:
    """CHECKs are no damage, and no value is reckoned that is longer than the file: a hostile schema may make
    one as long as it likes, for each row.
    """
    checks = connection.pragma("ignore_check_constraints")
    length = connection.limit(apsw.SQLITE_LIMIT_LENGTH)
    size = connection.pragma("page_count") * connection.pragma("page_size")
    set_pragma(connection, "ignore_check_constraints", 1)
    connection.limit(apsw.SQLITE_LIMIT_LENGTH, min(length, max(size, _RECKONED)))
    try:
        yield
    finally:
        set_pragma(connection, "ignore_check_constraints", checks)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, length)


def text_encoding(connection: apsw.Connection) -> str:
    """Python's name for how the file keeps its text."""
    return str(connection.pragma("encoding")).lower()


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
        return errors.NewerFormat(path) if newer else errors.DamagedFile(path)
    if is_sql(start):
        return errors.SqlDump(path)
    return errors.EncryptedFile(path) if _looks_encrypted(start, size) else errors.NotADatabase(path)


def is_sql(start: bytes) -> bool:
    """Whether a file that begins so is an SQL dump, most likely; also in UTF-16, or packed by gzip."""
    if start.startswith(GZIP):
        import zlib  # noqa: PLC0415

        with suppress(zlib.error):
            start = zlib.decompressobj(wbits=31).decompress(start, _FIRST_PAGE)
    text = start.decode(utf16(start) or "utf-8-sig", errors="replace")
    return _SQL.match(text.removeprefix("\ufeff")) is not None


def utf16(start: bytes) -> str | None:
    """Which UTF-16 a text that begins so is in, as PowerShell's `>` writes it; None for none."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start[:1] == b"\0":
        return "utf-16-be"
    return "utf-16-le" if start[1:2] == b"\0" else None


def _looks_encrypted(start: bytes, size: int) -> bool:
    """Whole pages of noise, or noise around the page-size bytes that SQLite's own encryption leaves bare."""
    if start[21:24] == _FRACTIONS:
        return True
    # Each of the 256 values turns up about sixteen times in 4096 random bytes.
    noise = len(set(start)) > (250 if len(start) == _FIRST_PAGE else 235)
    return size >= 1024 and size % 1024 == 0 and noise and not start.startswith(_OTHERS)


def is_project(path: Path) -> bool:
    """Whether it is a folder, or a configuration file of wrangler, which stands for its folder."""
    return os.path.isdir(path) or (path.name in CONFIGURATIONS and os.path.isfile(path))  # noqa: PTH112, PTH113


def may_be_unseen(path: Path) -> bool:
    """Whether a wrangler that this system does not tell of may serve the file's folder, by where it lies."""
    return sys.platform != "linux" and _OF_WRANGLER in path.parts
