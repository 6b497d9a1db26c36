"""How the file is read for a scan: opened on its own connection, leaving nothing behind, and row by row.

It may be damaged: `TableRows` finds where it can be read again. What explains a break is looked up here, too.
"""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from app.services.chain.entry import RAW_COLUMNS, Entry
from app.services.chain.rules import COLUMNS, GENESIS, NUMBERED, TABLE, deviation, named
from app.services.chain.verify.follow import Damaged
from models.errors import TableMissing, TenantAdminError
from models.local.file import text_encoding

PATIENCE_MS = 2_000
"""How long a read waits for a lock: nobody for long."""

FINE = 1 << 14
"""A search steps by this part of what it has passed already, so no row is missed near to where it began."""

COARSE = 1 << 20
"""Seqs behind which the steps of a search are doubled: it must end, whatever the numbers are."""

MOST_LOOKS = 1_000_000
"""Looks after which every search doubles its steps at once; about 4 s."""

LOOKS_AT_ONCE: Final = 50
"""Look-ups of one kind, for a tenant each, that make one batch."""

Row = tuple[Any, ...]
Query = tuple[Any, ...]
"""SQL, and the values that it is given."""

SHAPE: Final[tuple[Query, Query]] = (
    (f"SELECT type, sql, {NUMBERED} FROM main.sqlite_master WHERE lower(name) = ?1", TABLE),  # noqa: S608
    ("SELECT lower(name), hidden IN (2, 3) FROM pragma_table_xinfo(?)", TABLE),
)
"""What tells whether there is a chain to verify (`require_chain`)."""

NEIGHBOURS: Final = 8
"""How many rows are kept for one hash, and then of each tenant; honest chains have one."""

_CROWD = 20_000
"""How many tenants are told apart beyond those, of all hashes: tenants may have the same entries."""

_NEAR = f"""
SELECT CAST(seq AS TEXT), CAST(tenant_id AS BLOB), CAST(hash AS BLOB), CAST(previous_hash AS BLOB)
FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 AND (
  hash IN (SELECT value FROM json_each(?3))
  OR previous_hash IN (SELECT value FROM json_each(?3) WHERE value <> '{GENESIS}'))
ORDER BY seq"""  # noqa: S608

_WAYS: Final = "", "NOT INDEXED "
"""Through an index, or past it."""

IN_THE_WAY = (apsw.BusyError, apsw.LockedError, apsw.InterruptError)
"""What SQLite raises of a sound file."""


class CannotVerify(TenantAdminError):
    """The table is there but is not the platform's, so no chain can be read from it; `what` is why."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: the table {TABLE} {what}, so it is not the platform's audit chain.")
        self.what = what


class Source:
    """Where to read: an SQLite URI that is passed on to child processes.

    `frozen` means that nobody had the file open: it is read without any lock or side file, and
    `undisturbed()` must be asked afterwards.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        """`stack` takes away the copy that is read where the file's own folder does not allow reading it.

        Raises the errors of `models.files.at_path.require_content`, what `models.local.file.diagnose` makes
        of a file that is no database, and what `models.local.copies.copy_parts` does.
        """
        from models.files import at_path  # noqa: PLC0415 - not for a child
        from models.local import file  # noqa: PLC0415
        from models.local.on_disk import require_log  # noqa: PLC0415

        at_path.require_content(path)
        require_log(path)
        self.path, self._opened_as, log = path, at_path.file_id(path), at_path.sibling(path, at_path.LOG)
        self._traces = partial(at_path.traces, path, log)
        self._before = self._traces()
        header = at_path.first_bytes(path, 100)
        if header and header[:16] != at_path.MAGIC:
            raise file.diagnose(path)
        has_log = len(header) > 19 and header[18] == 2
        # A connection to a WAL file makes -wal and -shm beside it and, being read-only, leaves them there.
        self.frozen = has_log and not log.exists()
        self.read_from = path if self.frozen else readable(path, stack)
        self.copied = self.read_from != path
        self.uri = uri(self.read_from, immutable=self.frozen, writable=self.copied)

    def undisturbed(self) -> bool:
        """Whether a file read without locks is still as it was."""
        return not self.frozen or self._traces() == self._before

    def require_in_place(self) -> None:
        """Raises `FileMoved` or `FileReplaced`; each scan has opened it by its path."""
        from models.files.at_path import require_same  # noqa: PLC0415 - not for a child

        require_same(self.path, self._opened_as)

    def unfrozen(self) -> None:
        """From now on reads with locks."""
        self.frozen = False
        self.uri = uri(self.path)


def uri(path: Path, *, immutable: bool = False, writable: bool = False) -> str:
    mode = "rw" if writable else "ro"
    return f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"


def connect(location: str, *, tolerant: bool = False) -> apsw.Connection:
    """A connection that cannot write, trusts nothing in the schema and waits for nobody for long.

    `tolerant` opens what SQLite refuses as damaged at once, a file cut short above all. SQLite ties that to
    the schema's being writable, so writing is then prevented by `query_only` and the URI's mode alone.
    """
    connection = apsw.Connection(location, flags=apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(PATIENCE_MS)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, int(not tolerant))
    connection.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, int(tolerant))
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    # Every page is read once: a cache that fits into the processor's own is 2 % faster than one of 1 MB.
    for pragma in ("query_only = 1", "cell_size_check = 1", "temp_store = 2", "cache_size = -128"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def check_table(connection: apsw.Connection, path: Path) -> None:
    """Raises as `require_chain`, and apsw's own errors."""
    require_chain(path.name, *([*connection.execute(sql, values)] for sql, *values in SHAPE))


def require_chain(name: str, made: Sequence[Row], columns: Sequence[Row]) -> None:
    """Raises `TableMissing` or `CannotVerify` for what `SHAPE` finds in the database of that name."""
    if not made or made[0][0] != "table":
        raise TableMissing(TABLE)
    is_computed = {str(column): bool(computed) for column, computed in columns}
    unfit = next((column for column in COLUMNS if is_computed.get(column, True)), None)
    if unfit is None:
        what = deviation(str(made[0][1]), bool(made[0][2]))
    else:
        what = f"computes its column {unfit}" if unfit in is_computed else f"has no column {unfit}"
    if what is not None:
        raise CannotVerify(name, what)


def readable(path: Path, stack: ExitStack) -> Path:
    """The file; where SQLite cannot read it in place a copy of it, which `stack` takes away."""
    return path if _readable(path) else _copy(path, stack)


def _readable(path: Path) -> bool:
    """Whether SQLite can read it in place; a folder that takes no -shm file prevents that."""
    try:
        connect(uri(path)).execute("SELECT count(*) FROM main.sqlite_master").fetchone()
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        return False
    except apsw.Error:
        return True  # said later, where it is met
    return True


def _copy(path: Path, stack: ExitStack) -> Path:
    """The file, until `stack` ends, with what lies beside it, so that SQLite can recover it there."""
    from models.files.atomic import in_passing  # noqa: PLC0415 - rarely needed, and not for a child
    from models.local.copies import copy_parts  # noqa: PLC0415

    target = Path(stack.enter_context(in_passing())) / path.name
    copy_parts(path, target)
    return target


class Reader(ABC):
    """What is looked up beside a scan, in a file or in a live database; `encoding` is Python's name for that
    of its text, `noun` what a sentence calls it. What is in the way of reading is raised; damage never is.
    """

    encoding: str
    noun = "file"
    trusts_indexes = False
    """As `Database.trusts_indexes`."""

    @abstractmethod
    def rows(self, sql: str, *values: object) -> Iterator[Row]:
        """Raises `Damaged` where no more of them can be read."""

    has_blobs: bool | None = None
    """Whether any tenant is stored as a BLOB, or may be; None where nothing was looked up yet."""

    def batch(self, queries: Sequence[Query]) -> list[list[Row] | None]:
        """The rows of each, from one moment where there are several; None where they cannot be read."""
        return [self._whole(query) for query in queries]

    def _whole(self, query: Query) -> list[Row] | None:
        try:
            return [*self.rows(*query)]
        except Damaged:
            return None


class FileReader(Reader):
    """Of a file; several are from one moment within the connection's own transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection, self.encoding = connection, text_encoding(connection)

    def rows(self, sql: str, *values: Any) -> Iterator[Row]:
        try:
            yield from self._connection.execute(sql, values)
        except IN_THE_WAY:
            raise
        except apsw.Error as error:
            raise Damaged(str(error)) from error


_ANY_BLOB: Final = f"SELECT 1 FROM main.{TABLE} WHERE tenant_id >= x'' LIMIT 1"  # noqa: S608
"""Blobs come behind all text. Asked along with what is looked up first."""


def look_up(reader: Reader, where: str, each: Sequence[Row]) -> list[list[Entry]]:
    """The rows for each of these values, from the table itself where an index cannot be read; none where
    neither can.
    """
    found: list[list[Entry]] = []
    for start in range(0, len(each), LOOKS_AT_ONCE):
        wanted = each[start : start + LOOKS_AT_ONCE]
        plain, past = (f"SELECT {RAW_COLUMNS} FROM main.{TABLE} {how}WHERE {where}" for how in _WAYS)  # noqa: S608
        learnt: list[Query] = [(_ANY_BLOB,)] if reader.has_blobs is None else []
        told = reader.batch([*learnt, *((plain, *one) for one in wanted)])
        if learnt:
            reader.has_blobs = told.pop(0) != []
        for values, rows in zip(wanted, told, strict=True):
            there = rows if rows is not None else reader.batch([(past, *values)])[0]
            found.append([Entry(row, reader.encoding) for row in there or ()])
    return found


class Neighbour(NamedTuple):
    seq: int
    tenant: str
    hash: str
    previous: str


class Neighbours(NamedTuple):
    """By hash: the rows that carry it (`owners`) and the rows that continue it (`successors`)."""

    owners: dict[str, list[Neighbour]]
    successors: dict[str, list[Neighbour]]


def neighbours(reader: Reader, hashes: Iterable[str], ranges: Iterable[tuple[int, int]]) -> Neighbours:
    """The rows that carry or continue one of `hashes`, in `ranges` of seqs that can be read.

    Those that continue genesis are left out, as all chains do.
    """
    wanted = {value: value for value in hashes}
    found, crowd = Neighbours({}, {}), Counter[tuple[int, str, str]]()
    for first, last in ranges if wanted.keys() - {GENESIS} else ():
        try:
            for seq, *raw in reader.rows(_NEAR, first, last, json.dumps(sorted(wanted))):
                tenant, stored, previous = (named(item or b"", reader.encoding) for item in raw)
                # One string for a hash, however often it is met.
                row = Neighbour(int(seq), tenant, wanted.get(stored, stored), wanted.get(previous, previous))
                for number, key in enumerate((stored, previous)):
                    if key not in wanted or (number and key == GENESIS):
                        continue
                    kept, which = found[number].setdefault(wanted[key], []), (number, key, tenant)
                    if len(kept) < NEIGHBOURS:
                        kept.append(row)
                    elif crowd[which] < NEIGHBOURS and (crowd[which] or len(crowd) < _CROWD):
                        kept.append(row)
                        crowd[which] += 1
        except Damaged:
            pass  # what was found before the damage is still true; the damage itself is a finding already
    return found


class TableRows:
    """The rows of the table by seq, through its own b-tree alone: an index may be damaged as well.

    `breathe()` is called often while a search goes on, `interrupted()` when a statement was; both may raise.
    """

    def __init__(
        self, connection: apsw.Connection, breathe: Callable[[], None], interrupted: Callable[[], None]
    ) -> None:
        self._connection, self._looks = connection, 0
        self._breathe, self._interrupted = breathe, interrupted

    def first(self, first: int, last: int, columns: str = RAW_COLUMNS) -> tuple[Any, ...] | None:
        """The first row of the range, None if there is none. Raises `Damaged`.

        In a damaged table a search may end anywhere.
        """
        row = self._one(first, last, columns)
        if not self.ends_before(first, last) if row is None else int(row[0]) < first:
            raise Damaged("rows are out of order")
        return row

    def first_seq(self, first: int, last: int) -> int | None:
        """The seq of that row, even where the rest of it cannot be read. Raises `Damaged`."""
        row = self.first(first, last, "seq")
        return None if row is None else int(row[0])

    def ends_before(self, first: int, last: int) -> bool:
        """Whether the table has no row in the range, seen from its other end. Raises `Damaged`."""
        row = self._one(first, last, "seq", way="DESC")
        return row is None or row[0] < first

    def readable_behind(self, first: int, last: int) -> int | None:
        """The seq from which the table can be read again, `first` being one that leads into damage.

        None if that is nowhere up to `last`. Steps are small at first and grow with the distance, the place
        between the last two is found by bisection. What lies between damage and damage is missed only where
        it is smaller than a step.
        """
        bad = first
        while bad < last:
            good = min(last, bad + self._step(bad - first))
            if self._leads_somewhere(good, last):
                while good - bad > 1:
                    middle = (good + bad) // 2
                    if self._leads_somewhere(middle, last):
                        good = middle
                    else:
                        bad = middle
                return good
            bad = good
        return None

    def _step(self, passed: int) -> int:
        if passed >= COARSE or self._looks >= MOST_LOOKS:
            return max(1, passed)
        return max(1, passed // FINE)

    def _leads_somewhere(self, seq: int, last: int) -> bool:
        self._looks += 1
        self._breathe()
        try:
            self.first_seq(seq, last)
        except Damaged:
            return False
        return True

    def _one(self, first: int, last: int, columns: str, way: str = "ASC") -> tuple[Any, ...] | None:
        sql = (
            f"SELECT {columns} FROM main.{TABLE} NOT INDEXED "  # noqa: S608
            f"WHERE seq BETWEEN ? AND ? ORDER BY seq {way} LIMIT 1"
        )
        while first <= last:
            try:
                row = self._connection.execute(sql, (first, last)).fetchone()
            except apsw.InterruptError:
                self._interrupted()
            except IN_THE_WAY:
                raise
            except (apsw.Error, MemoryError) as error:
                raise Damaged(str(error)) from error
            else:
                return row
        return None
