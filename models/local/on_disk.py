"""A file that is open and the log beside it: whether they still are what was opened.

The write-ahead log is looked at beside the engine, with a sample of both together. And the file is rewritten
without its free space, in which other programs' writes leave what they removed.
"""

import ctypes
import os
import shutil
import time
from _blake2 import blake2b
from array import array
from contextlib import closing, suppress
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary, WeakValueDictionary

import apsw

from models import engine, errors, progress, schema
from models.files.at_path import (
    LOG,
    MAGIC,
    SHARED_MEMORY,
    FileId,
    Traces,
    file_id,
    first_bytes,
    layered,
    real_path,
    require_file,
    require_same,
    sibling,
    size_of,
    traces,
)
from models.files.errors import no_longer
from models.local.file import connect, is_sound, patiently
from models.local.in_use import in_use_by

if TYPE_CHECKING:
    from models.local.database import LocalDatabase


# `hashlib`'s own; that loads all of OpenSSL, 2 ms of a start.


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


_COUNTER = slice(24, 28)
"""In the header, big-endian: how often it was changed (sqlite.org/fileformat2.html, 1.3.8)."""

_LOOKS = 20
"""At a log in which others write meanwhile, before it is left to the next time."""


_NEWEST = "SELECT seq, hash FROM main.audit_chain WHERE seq <= ifnull(?, seq) ORDER BY seq DESC LIMIT 1"
"""Of a chain's entries. By hand: asked of a bare connection, in between its owner's statements."""


_Entry = tuple[object, ...] | None
"""The seq and hash of one."""


class _Log(NamedTuple):
    """A log: its traces, which round of it this is, how many frames it has and how many are folded in."""

    traces: Traces
    salts: bytes
    frames: int
    folded: int


class _Look(NamedTuple):
    """What stood there; `changed` is when the file was changed, in ns."""

    file: Traces
    log: _Log
    sample: tuple[bytes, bytes]
    changed: int


class _Index:
    """The index of a log, which SQLite maps into memory, and how large it was when it was looked at last."""

    size = 0


_MAPPED: WeakValueDictionary[FileId, _Index] = WeakValueDictionary()
"""Those that this process has mapped: reading behind the end of one that was cut ends it (SIGBUS)."""

_Beside = tuple[FileId | None, FileId | None]
"""The log and its index."""


class FileOnDisk:
    """What its connections, of several threads, know together of a file and its log.

    SQLite goes on with a file that was moved, replaced or written over, and with a log that was deleted or
    belongs to another file; what it acknowledges then is lost, or destroys what was put there. So this is
    asked before each change, look and fold. Raises `FileMoved`, `FileReplaced`, `FileEmptied`,
    `LogMissing` and `LogIndexMissing`; nothing of it asks before the file was opened.
    """

    def __init__(self, path: Path, *, leaves_log: bool) -> None:
        """`leaves_log`: those who only read may make an empty log, which nobody takes away after them."""
        self.path = path
        self.overwritten = False
        """Whether another file was found written over this one; until this one is there again."""
        self.keeps_log = False
        """Whether what is in the log stays there when it is closed: as long as it is only looked at."""
        self._leaves_log, self._made_log = leaves_log, False
        self._opened_as: FileId | None = None
        self._connections: WeakKeyDictionary[apsw.Connection, _Beside] = WeakKeyDictionary()
        self._index: _Index | None = None
        self._seen: _Look | None = None
        self._found: tuple[Traces, _Log] | None = None
        self._counted: tuple[Traces, tuple[bytes, bytes], _Entry] | None = None

    @cached_property
    def log(self) -> Path:
        return sibling(real_path(self.path), LOG)  # not before it is opened: a file system may not answer

    @cached_property
    def _index_path(self) -> Path:
        return sibling(real_path(self.path), SHARED_MEMORY)

    def _beside(self) -> _Beside:
        return file_id(self.log), file_id(self._index_path)

    @cached_property
    def _in_log(self) -> LogIndex:
        return LogIndex(self.log)

    # connections

    @property
    def is_open(self) -> bool:
        return bool(self._connections)

    @property
    def was_opened(self) -> bool:
        return self._opened_as is not None

    def open(self) -> None:
        """Before each connection: it must be the file that the first one opened."""
        self.require_same()
        require_file(self.path)
        require_log(self.path)
        self.require_index()
        self._opened_as = self._opened_as or file_id(self.path)
        if not self._connections:
            self._made_log = self._leaves_log and not size_of(self.log)

    def add(self, connection: apsw.Connection) -> None:
        """A connection that has opened the log, if there is one."""
        self._connections[connection] = beside = self._beside()
        self._hold(beside)

    def _hold(self, beside: _Beside) -> None:
        log, index = beside
        if log is not None and index is not None:
            self._index = _MAPPED.setdefault(index, _Index())
            self.require_index()

    def remove(self, connection: apsw.Connection) -> bool:
        """Before a connection closes; whether it is the last, which folds the log in where it may."""
        self._connections.pop(connection, None)
        return not self._connections

    def left(self) -> None:
        """After the last connection was closed: no log stays that others would take for this file's."""
        self._index = None
        if self.overwritten:
            set_log_aside(self.path)
        if self._made_log and size_of(self.log) == 0:
            drop_empty_log(self.path)

    # looks

    def require_same(self) -> None:
        """Raises `FileMoved` or `FileReplaced` where another file has its name, or none."""
        if self._opened_as is not None:
            require_same(self.path, self._opened_as)

    def require_index(self) -> None:
        """Raises `LogIndexMissing` where the log's index was cut, which nothing may be read by then."""
        try:
            found = self._index_path.stat()
        except OSError:  # what was deleted stays as it is in memory
            return
        index = _MAPPED.get((found.st_dev, found.st_ino))
        if index is None:
            return
        if found.st_size < index.size:
            raise errors.LogIndexMissing(self.path)
        index.size = found.st_size

    def require(self, connection: apsw.Connection) -> None:
        """That file and log are what was opened, and hold what SQLite alone has written."""
        self.require_log()
        self.require_not_overwritten(connection)

    def look(self, connection: apsw.Connection) -> None:
        """The same, and that the log is as long as SQLite knows it."""
        self._require_whole_log(connection)
        self.require(connection)

    def _require_whole_log(self, connection: apsw.Connection) -> None:
        self.require_index()
        if _log_is_cut(connection, self.log):
            raise errors.LogMissing(self.path)

    def require_for_change(self, connection: apsw.Connection) -> None:
        """The same before a change begins, as far as it was looked at before."""
        if not has_moved(connection):  # which is asked again within the change
            self._require_whole_log(connection)
            if self._is_looked_at:
                self.require(connection)

    def is_as_seen(self) -> bool:
        """Whether nobody has written to the file since it was looked at last, if it was."""
        seen, counted = self._seen, self._counted
        before = seen.file if seen is not None else counted[0] if counted is not None else None
        return before is None or before == traces(self.path)

    @property
    def _is_looked_at(self) -> bool:
        return self._seen is not None or self._counted is not None

    def may_fold(self, connection: apsw.Connection) -> bool:
        """Whether the log may be folded into the file: not where it may be that of another one (which was
        written over since, or left beside a copy put back), as what each holds by itself would be lost then;
        nor where it was cut, as half of what was committed would come into the file.
        """
        if self.keeps_log and size_of(self.log):
            return False
        try:
            self.require_index()
            if _log_is_cut(connection, self.log):
                return False
            if self._is_looked_at:
                self.require(connection)
        except (apsw.Error, OSError, errors.StorageError):  # nor where that cannot be told
            return False
        return True

    def require_log(self) -> None:
        """Raises `LogMissing` or `LogIndexMissing` unless log and index are those that each open connection
        writes to and reads, and `FileEmptied` where nothing is left of the file itself.

        SQLite itself goes on with a log that has no name any more, and what it acknowledges is lost with the
        last connection; and by an index without a name it knows of no other program. Those that came later,
        with a change of the journal mode, are the file's from then on.
        """
        if self.path.stat().st_size == 0:
            raise errors.FileEmptied(self.path)
        self.require_index()
        now = self._beside()
        for reference in self._connections.keyrefs():  # a list: other threads open and close theirs meanwhile
            connection = reference()
            if connection is None:
                continue
            known = self._connections.get(connection, now)
            if None in known:
                self._connections[connection] = now
                self._hold(now)
            # One that was opened since brings another, and one that closes takes it along, but says so first.
            elif known != now and known != (again := self._beside()) and connection in self._connections:
                raise (errors.LogMissing if known[0] != again[0] else errors.LogIndexMissing)(self.path)

    def require_not_overwritten(self, connection: apsw.Connection) -> None:
        """Raises `FileReplaced` where the file was written past SQLite since this was asked last, and from
        then on, until what it held is there again: what comes into the log meanwhile is not of this file.

        Without a write-ahead log each change through SQLite counts one up in the file's header, and leaves
        the last entry of the audit chain. Under one the file changes only as that is folded into it, which
        changes nothing of what is read through both.
        """
        if connection.in_transaction:  # which holds what it has read
            if self.overwritten:
                raise no_longer(self.path)
            return
        try:
            in_wal = connection.pragma("journal_mode") == "wal"
        except (apsw.CorruptError, apsw.NotADBError):  # its pages and the log fit together no more
            in_wal = self._seen is not None
        if self.overwritten and in_wal is (self._seen is None):  # what is there now is kept otherwise
            raise no_longer(self.path)
        if in_wal:
            self._counted = None
            self._require_folded_alone(connection)
        else:
            self._seen = None
            self._require_counted(connection)

    def _require_folded_alone(self, connection: apsw.Connection) -> None:
        for _ in range(_LOOKS):
            try:
                log = self._log_now(connection)
            except apsw.ReadOnlyError:  # SQLite tells it to nobody who may not write the file
                self._seen, self.overwritten = None, False
                return
            if log is None:
                continue
            file, changed = traces(self.path), self.path.stat().st_mtime_ns
            seen = self._seen  # which another thread may take away meanwhile
            if seen is not None and (seen.file, seen.log) == (file, log):
                self.overwritten = False
                return
            if self.overwritten and self._found == (file, log):
                raise no_longer(self.path)
            now = sample(self.path, self._in_log, max(log.frames, 0))
            if self._log_now(connection) != log:
                continue
            if seen is not None:
                is_other = now != seen.sample and (self.overwritten or log == seen.log)
                self.overwritten = is_other or (
                    changed != seen.changed and not _was_folded(self.path, seen.log, log)
                )
                if self.overwritten:
                    self._found = file, log
                    raise no_longer(self.path)
            self._seen = _Look(file, log, now, changed)
            return

    def _log_now(self, connection: apsw.Connection) -> _Log | None:
        """None where somebody writes to it just now: counts of the round before would pass for this one's."""
        before = traces(self.log), self._in_log.salts()
        counts = connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
        after = traces(self.log), self._in_log.salts()
        return _Log(*after, *counts) if before == after else None

    def _require_counted(self, connection: apsw.Connection) -> None:
        """While it is read nobody is in the middle of a change, which may be taken back."""
        before = self._counted
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            file = traces(self.path)
            if before is not None and before[0] == file:
                self.overwritten = False
                return
            now = sample(self.path)
            last = _newest(connection)
            kept = None if before is None or before[2] is None else _newest(connection, before[2][0])
        except (apsw.CorruptError, apsw.NotADBError):
            if before is None:
                raise
            self.overwritten = True
            raise no_longer(self.path) from None
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        # Cleanups take entries from the front: the last one stays, or goes with all before it.
        counted = before is None or (
            now[0][_COUNTER] > before[1][0][_COUNTER] and (kept is None or kept == before[2])
        )
        self.overwritten = before is not None and now != before[1] and (self.overwritten or not counted)
        if self.overwritten:
            raise no_longer(self.path)
        self._counted = file, now, last


def _newest(connection: apsw.Connection, through: Any = None) -> _Entry:
    """The newest entry of the audit chain, up to a number if one is given; None where none can be read."""
    try:
        found: _Entry = connection.execute(_NEWEST, (through,)).fetchone()
        return found
    except apsw.Error:
        return None


def _was_folded(path: Path, before: _Log, now: _Log) -> bool:
    """Whether a file that has changed did so by a fold of its log, which was `before`.

    While frames are left to fold somebody may be at it, or was killed in the middle, which changes nothing of
    what is read. That is told from an earlier copy of the file, which is like it in most places, by whether
    all that is read fits together. With none left, nobody who goes by the log has written: a file that was
    only touched passes for such a copy then.
    """
    if (now.salts, now.folded) != (before.salts, before.folded) or now.frames < before.frames:
        return True
    if now.frames == now.folded:
        return now.traces != before.traces
    try:  # on a connection of its own: the others keep pages as they were
        with closing(connect(path, apsw.SQLITE_OPEN_READONLY)) as connection:
            return is_sound(connection)
    except (apsw.CorruptError, apsw.NotADBError):
        return False


def has_moved(connection: apsw.Connection) -> bool:
    """Whether the file was moved, replaced or deleted since it was opened.

    SQLite itself goes on writing to the file without a name, and what it acknowledges is lost.
    """
    moved = ctypes.c_int()
    known = connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, ctypes.addressof(moved))
    return known and bool(moved.value)


def _log_is_cut(connection: apsw.Connection, log: Path) -> bool:
    """Whether the log is shorter than the frames that SQLite knows of in it, as after `truncate log`.

    Its own truncation counts none from then on; one just between two looks is why that is asked again.
    """
    if connection.in_transaction or connection.pragma("journal_mode") != "wal":
        return False
    frame = int(connection.pragma("page_size")) + 24  # sqlite.org/fileformat2.html, 4.1; the header has 32
    before: int | None = None
    while True:
        try:
            frames, _ = connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
        except apsw.ReadOnlyError:  # it tells that to nobody who may not write the file
            return False
        try:
            size = log.stat().st_size
        except OSError:
            size = 0
        if frames <= 0 or size >= 32 + frames * frame:
            return False
        if frames == before:
            return True
        before = frames


MOST: Final = 256 * 2**20
"""Bytes of a file that is rewritten: it is held in memory meanwhile, and nobody else can write."""


def pack(database: "LocalDatabase") -> str | None:
    """Rewrites the file, so that no free space is left in it; why not, if so, as a clause.
    The caller holds a connection, on which no transaction is open.

    Not where another program has the file open, which would wait for it; nor where it changed what tells rows
    apart: of a table that has neither a number of its own nor any index, SQLite counts the rows again.
    """
    try:
        with database.expected_errors():
            return _why_not(database) or _packed(database)
    except errors.TenantAdminError as error:
        return str(error).removesuffix(".")


def _why_not(database: "LocalDatabase") -> str | None:
    if (others := in_use_by(database.path)) is not None:
        return f"{others} has it open"
    connection: apsw.Connection = database.connection()
    size = int(connection.pragma("page_count")) * int(connection.pragma("page_size"))
    if size > MOST:
        return f"it is larger than {MOST // 2**20} MB"
    if shutil.disk_usage(database.path.parent).free < 2 * size:
        return "its disk has too little space for that"
    for table in schema.read_stored(database)[0].values():
        has_number = table.without_rowid or table.rowid in table.columns
        if has_number or schema.internal(table.name) or connection.execute(_INDEXES, (table.name,)).get:
            continue
        found = (1, None, None)
        if (rowid := table.rowid) is not None:
            span = f"SELECT count(*), min({rowid}), max({rowid}) FROM main.{engine.sql_name(table.name)}"  # noqa: S608
            (found,) = database.rows(engine.raw(span))
        if found not in ((0, None, None), (found[0], 1, found[0])):
            return f"the rows of {table.name} would get other numbers by that"
    return None


_INDEXES: Final = "SELECT count(*) FROM pragma_index_list(?)"


def _packed(database: "LocalDatabase") -> str | None:
    connection: apsw.Connection = database.connection()
    deadline = time.monotonic() + progress.PATIENCE
    database.on_disk.require_for_change(connection)
    if has_moved(connection):
        raise no_longer(database.path)
    with database.calm_log():  # what the file held is there until its log is folded in
        patiently(lambda: connection.execute("VACUUM"), deadline, progress.never)
    return (
        "somebody reads it, so that its log could not be folded in yet"
        if size_of(database.on_disk.log)
        else None
    )
