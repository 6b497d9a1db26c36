"""A database's write-ahead log as one sees it beside the engine, and a sample of both together."""

import os

# `hashlib`'s own; that loads all of OpenSSL, 2 ms of a start.
from _blake2 import blake2b
from array import array
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import apsw

from models import errors
from models.local.file import (
    LOG,
    MAGIC,
    SHARED_MEMORY,
    connect,
    first_bytes,
    layered,
    real_path,
    sibling,
    size_of,
)
from models.local.in_use import in_use_by

_HEADER = 100
"""Bytes at the start that say how many pages there are and how often they were changed, among others."""
_SAMPLES, _SAMPLED = 64, 4096
"""At how many places a file is looked at, and how many bytes of each."""
_LARGEST_PAGE, _LOG_HEADER, _FRAME_HEADER = 65_536, 32, 24


def set_log_aside(path: Path) -> None:
    """Moves a log out of the way of a file that was written over the one it belongs to, whose pages it would
    change for whoever opens that: to the first free `<log>.replaced-<n>`. Nothing where others have it open.
    """
    log = sibling(real_path(path), LOG)
    if not log.exists() or in_use_by(path) is not None:
        return
    names = (log.with_name(f"{log.name}.replaced-{number}") for number in count(1))
    with suppress(OSError):
        if size_of(log):
            log.rename(next(name for name in names if not os.path.lexists(name)))
        else:
            log.unlink()
        sibling(real_path(path), SHARED_MEMORY).unlink(missing_ok=True)


def drop_empty_log(path: Path) -> None:
    """Has SQLite take away a log that holds nothing, and the shared memory beside it. A connection that may
    not write makes both and leaves them; one that may takes them away where no other has the file open.
    """
    with suppress(apsw.Error), closing(connect(path)) as connection:
        connection.execute("PRAGMA query_only = 1; SELECT count(*) FROM sqlite_master").fetchall()


def require_log(path: Path) -> None:
    """Raises `LogLeftBehind` for a file that holds nothing but says that it has a log, where there is none,
    or one that was cut off before its first commit.

    SQLite takes it for an empty database. (sqlite.org/fileformat2.html, 1.3 and 1.6: byte 18 is 2 with a log,
    and the number of rows in the first page, which are the tables, stands at 103.)
    """
    with suppress(OSError):
        if path.stat().st_size > _LARGEST_PAGE:
            return
        start = first_bytes(path, 105)
        page = int.from_bytes(start[16:18], "big")
        is_one_page = path.stat().st_size <= (_LARGEST_PAGE if page == 1 else page)
        if not (is_one_page and start.startswith(MAGIC) and start[18] == 2 and start[103:105] == b"\0\0"):
            return
        log = sibling(real_path(path), LOG)
        if not (log.exists() and _has_commit(log)):
            raise errors.LogLeftBehind(path)


def _has_commit(log: Path) -> bool:
    """Whether one of its whole frames, by their heads, ends a commit (sqlite.org/fileformat2.html, 4.1)."""
    size = log.stat().st_size
    with log.open("rb", buffering=0) as file:
        header = file.read(_LOG_HEADER)
        step = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
        for at in range(_LOG_HEADER, size - step + 1, step):
            file.seek(at)
            head = file.read(16)
            if head[8:] != header[16:24]:  # of an earlier round, as is all behind it
                return False
            if any(head[4:8]):
                return True
    return False


def sample(path: Path, log: "LogIndex | None" = None, frames: int = 0) -> tuple[bytes, bytes]:
    """A database's header, and a digest of it at places all over the file: of a file that another one was
    written over both are the same by chance at most, of one that was only touched always.

    Pages that the first `frames` frames of its log hold are taken from there, as SQLite takes them: however
    much of the log is folded into the file, by a program that was killed meanwhile, too, both stay the same.
    All of a small file counts. Reads as `first_bytes` does.
    """
    page, pages, logged = log.sampled(frames) if log is not None and frames else (_SAMPLED, 0, {})
    file = layered(path)
    try:
        size = file.xFileSize()
        last = max((pages or -(-size // page)) - 1, 0)
        parts = []
        for place in sorted({last * place // (_SAMPLES - 1) for place in range(_SAMPLES)}):
            length = min(page, size - place * page)
            stored = logged.get(place + 1)
            parts.append(stored or (file.xRead(length, place * page) if length > 0 else b""))
    finally:
        file.xClose()
    return parts[0][:_HEADER], blake2b(b"%d:" % (pages or size) + b"".join(parts)).digest()


class LogIndex:
    """Which pages are in a log (sqlite.org/fileformat2.html, 4.1), kept from one look to the next: one of
    500 MB has a hundred thousand frames, each of which is looked at once. Threads may look side by side: what
    is kept is never changed, only replaced.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._kept = b"", array("I"), 0

    def salts(self) -> bytes:
        """Which round of the log it is: each has others. Empty where there is no log."""
        with suppress(OSError), self._log.open("rb", buffering=0) as file:
            return file.read(_LOG_HEADER)[16:24]
        return b""

    def sampled(self, frames: int) -> tuple[int, int, dict[int, bytes]]:
        """A page's size, how many the database has, and those that are looked at and in this many frames. No
        locks lie on a log, so it may be opened and closed.
        """
        of, known, pages = self._kept
        with self._log.open("rb", buffering=0) as file:
            header = file.read(_LOG_HEADER)
            page = int.from_bytes(header[8:12], "big")
            if len(header) < _LOG_HEADER or not page:  # it was emptied meanwhile
                return _SAMPLED, 0, {}
            step = _FRAME_HEADER + page
            numbers, pages = (array("I"), 0) if header != of or frames < len(known) else (known[:], pages)
            for at in range(_LOG_HEADER + len(numbers) * step, _LOG_HEADER + frames * step, step):
                file.seek(at)
                head = file.read(16)
                if head[8:] != header[16:24]:  # begun again or cut meanwhile, so this look does not count
                    break
                numbers.append(int.from_bytes(head[:4], "big"))
                pages = int.from_bytes(head[4:8], "big")  # of the last one, which ends a commit
            self._kept = header, numbers, pages
            newest = {number: frame for frame, number in enumerate(numbers)}
            last = max(pages - 1, 0)
            kept = {}
            for number in {last * place // (_SAMPLES - 1) + 1 for place in range(_SAMPLES)} & newest.keys():
                file.seek(_LOG_HEADER + newest[number] * step + _FRAME_HEADER)
                kept[number] = file.read(page)
        return page, pages, kept
