"""What answers to every read and write of a database: the one interface above which nobody knows whether that
is a local file (`models.local`) or a live database over HTTP.

Queries are Peewee's, which are bound to no database; values travel as parameters. What only one engine can do
is a `Capability`, and no limit of an engine is written anywhere but in its `Limits`.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from peewee import BaseQuery, RawQuery

from models.errors import AnswerTooLong, ConnectionGone, MuchToRead, ReadOnlyFile, WritesLocked
from models.progress import Stop, Waiting, never

if TYPE_CHECKING:
    from models.schema import StoredTables

T = TypeVar("T")

Row = tuple[Any, ...]
Rows = list[Row]


class Capability(Enum):
    """What one engine can do and another cannot; what is missing disables an action, with its reason."""

    CHILD_SCAN = auto()  # child processes may read the same place by themselves
    BACKUP = auto()  # a local file can be made of all that it holds
    RESTORE = auto()
    MIGRATE = auto()
    TIME_TRAVEL = auto()  # it can be brought back to a bookmark
    SETTLES = auto()  # the answer to a write may be lost; `settle()` finds out
    OUTSIDE_CHANGES = auto()  # `outside_changes()` tells that somebody else has written


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an engine takes: bound values in one statement, columns of a table or an answer, and bytes of
    a LIKE pattern, of a statement's text, and of a value or row.
    """

    parameters: int
    columns: int
    pattern_bytes: int
    statement_bytes: int
    value_bytes: int


D1_LIMITS: Final = Limits(100, columns=100, pattern_bytes=50, statement_bytes=100_000, value_bytes=2_000_000)
"""developers.cloudflare.com/d1/platform/limits; what a file is exported as must fit them, too."""


JSON_EXACT: Final = 2**53 - 1
"""A whole number in JSON is what it was up to here; one beyond may have been another (IEEE 754)."""

LIVE: Final = "d1:"
"""Begins the identity of a live database, as no path does."""

MOST_READ: Final = 100_000
"""Rows that are read without a question, where each is charged."""
_LEAST_ROW: Final = 6
"""Bytes: 2 that say where a row begins, and 4 or more (sqlite.org/fileformat2.html#b_tree_pages)."""


def identity_of(within: str, database_id: str) -> str:
    """The identity of a live database, by its account, or by what has it where there is none."""
    return f"{LIVE}{within}/{database_id}"


def read_at_most(most: int, rows: int, place: str, *, charged: bool = True) -> None:
    """Raises `MuchToRead` where more is to be read there."""
    if rows > most:
        raise MuchToRead(place, rows, charged=charged)


def raw(sql: str, *values: Any) -> RawQuery:
    """A query given as text: where Peewee cannot say it, or is called thousands of times."""
    return RawQuery(sql, values)


def sql_name(name: str) -> str:
    """A table's, column's or index's name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value other than text as SQL that reads back the same, to the last bit."""
    match value:
        case None:
            return "NULL"
        case int():
            return str(int(value))
        case float() if math.isfinite(value):
            return repr(value)
        case float():
            return "NULL" if math.isnan(value) else f"{'-' if value < 0 else ''}9e999"
        case bytes() | bytearray() | memoryview():
            return f"x'{bytes(value).hex()}'"
    raise TypeError(f"{type(value).__name__} is no value of SQLite's")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a batch. `expect` is the number of rows it must change, or give where it is a select;
    None for any number. `proof` is a read that finds a row if, and only if, the batch was written: what asks
    where the answer to it was lost, and `what` says of which batch, `mark` which else does the same, and
    `beside` what a person is to know of it then, where it was written and where not. It goes on with the
    `chain` of a tenant, or with none. `into` gets the rows that a select gives when all is written; none
    where that is known without an answer. `many` are values for which the SQL of a write is run one after
    another, each as if it were a statement; those of the query are the first of them. `made` are the last
    entries of the batch that one with a proof stands for, whose they are and their hashes, in their order: to
    be remembered as `Database.on_own` has them, also where that is only found to be written later.
    """

    query: BaseQuery
    expect: int | None = 1
    proof: BaseQuery | None = None
    what: str = ""
    into: Rows | None = None
    many: Sequence[Row] = ()
    mark: str = ""
    beside: tuple[str, str] = ("", "")
    chain: str | None = None
    made: Sequence[tuple[str, str]] = ()

    def each(self) -> "Iterator[Statement]":
        """The same one by one."""
        if not self.many:
            yield self
            return
        sql, _ = self.query.sql()
        for values in self.many:
            yield Statement(raw(sql, *values), self.expect)


@dataclass(frozen=True, slots=True)
class Settled:
    """What has become of a batch whose outcome was not known, and of `others` that were found out with it;
    `mark` and `beside` as its `Statement` had them.
    """

    saved: bool
    what: str
    others: "tuple[Settled, ...]" = ()
    mark: str = field(default="", compare=False)
    beside: str = field(default="", compare=False)


PAGE_ROWS: Final = 5_000
"""Of one answer, at most."""
AT_ONCE: Final = 100
"""Reads of one call, at most."""
PAGE_BYTES: Final = 4_000_000
"""About how many bytes of text and BLOBs an answer may have."""


class Pages:
    """How many rows the next page may have (`limit`): by the bytes of the last one, and no more than twice as
    many as that may have had.
    """

    def __init__(self, limit: int, *, most: int = PAGE_ROWS) -> None:
        self.limit, self._most = limit, most

    def took(self, rows: Sequence[Row]) -> None:
        if rows:
            size = sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
            self.limit = max(1, min(self._most, self.limit * 2, len(rows) * PAGE_BYTES // max(size, 1)))

    def too_long(self) -> bool:
        """After `AnswerTooLong`, perhaps of larger rows than those before: whether a shorter page may do."""
        shrinks = self.limit > 1
        self.limit = max(1, self.limit // 10)
        return shrinks


@dataclass(slots=True)
class Usage:
    """What was used since it began, as a live database is charged: calls, rows. The rows that a write has
    written whose answer was `lost` are not known, nor those that were read for an answer that is `unread`.
    `wrangler dev` has nothing `charged`.
    """

    calls: int = 0
    read: int = 0
    written: int = 0
    lost: int = 0
    unread: int = 0
    charged: bool = True

    def __str__(self) -> str:
        """For a person."""
        calls = f"{self.calls:,} {'request' if self.calls == 1 else 'requests'}"
        read = f"{'at least ' if self.unread else ''}{self.read:,} {'row' if self.read == 1 else 'rows'} read"
        return f"{calls}, {read}, {'at least ' if self.lost else ''}{self.written:,} written"


@contextmanager
def within(variable: ContextVar[T], value: T) -> Iterator[None]:
    """For the length of a `with`, the variable of the calling thread has this value."""
    before = variable.set(value)
    try:
        yield
    finally:
        variable.reset(before)


OWN_USAGE: ContextVar[Usage | None] = ContextVar("own_usage", default=None)
"""Counts what the thread uses, whatever others use of the same database meanwhile."""

_BEGUN: "ContextVar[Database | None]" = ContextVar("begun", default=None)
"""What the thread may write to the end."""


class Metered(ABC):
    """What may cost something to read."""

    @property
    @abstractmethod
    def usage(self) -> Usage | None:
        """What is counted of it, because it costs something; None where it does not."""

    @property
    def is_refused(self) -> bool:
        """Whether the token by which it is asked was not taken at the last call."""
        return False

    @property
    def costs(self) -> bool:
        """Whether each call takes its time, and each row counts."""
        return self.usage is not None

    @property
    def charges(self) -> bool:
        """Whether somebody pays for each row."""
        return self.usage is not None and self.usage.charged

    def is_much(self, rows: int) -> bool:
        """Whether a person has to agree before so many rows are read, and the few that come along: a page,
        and the ends of the tables.
        """
        return self.costs and rows + rows // 100 > MOST_READ


@dataclass(frozen=True, slots=True)
class TriedRows:
    """`refused` says by position why a row is not taken, in SQLite's words; `stored` are by position the
    others' values, with what defaults and types make of them, in the columns asked for and those of `unique`:
    of each plain UNIQUE these with their collations. Of a row in neither nothing is known.
    """

    refused: Mapping[int, str]
    stored: Mapping[int, Mapping[str, Any]] = field(repr=False)
    unique: tuple[tuple[tuple[str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class LostEntry:
    """An entry of an audit chain that was known by its hash `at` that time, in epoch seconds, and is not
    there any more; `act` is what this process did that it records, empty where somebody else did it. Of that
    one, and of one through which its chain was `verified`, the `tenant` is known.
    """

    number: int
    head: str
    at: int
    act: str = ""
    tenant: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry in a tenant's chain, by its number and hash, as it was known `at` that time, in epoch
    seconds.
    """

    tenant: str
    number: int
    head: str
    at: int

    @property
    def place(self) -> tuple[int, str]:
        """What tells it from every other one."""
        return self.number, self.head


@dataclass(frozen=True, slots=True)
class OwnEntry(KnownEntry):
    """The last one of an act of this program, made `at` that time, and what the act is called."""

    act: str = ""


MOST_OWN: Final = 20
"""Tenants whose newest own entry is looked for while a database is open: each look reads them."""

MOST_OWN_KEPT: Final = 200
"""Tenants whose newest own entry is kept: an act looks for those of the tenants that it is about."""

MOST_MADE: Final = 200
"""Entries of one act that are remembered as made here."""

MOST_IN_TURN: Final = 200
"""Of the other entries that are known, so many are looked for by one look, and others by the next ones: one
request holds thousands, but each is charged as two rows, every 33 seconds of a window that nobody uses.
"""


class KnownEnds:
    """The last entries through which tenants' chains were verified, by tenant, the newest first. Any thread
    may ask.
    """

    def __init__(self) -> None:
        self._ends: Mapping[str, KnownEntry] = {}
        self._missed: Mapping[tuple[int, str], int] = {}
        self._next = 0

    def know(self, ends: Iterable[KnownEntry]) -> None:
        """Takes these in the place of those before, but for what was missed, until it `forget`s that, or it
        was verified later than when it was missed: somebody has put it back then.
        """
        left = [end for end in ends if end.at > self._missed.get(end.place, -1)]
        left.sort(key=attrgetter("number"), reverse=True)
        self._ends = {end.tenant: end for end in left}

    def miss(self, lost: Collection[KnownEntry]) -> None:
        """They are gone: whoever is told of it need not be told again."""
        self._missed = {**self._missed, **{end.place: end.at for end in lost}}
        self.know([*self._ends.values()])

    def forget(self) -> None:
        """What was missed is there again, or is not missed any more."""
        self._missed = {}

    @property
    def all(self) -> list[KnownEntry]:
        return [*self._ends.values()]

    def of(self, tenants: Iterable[str]) -> list[KnownEntry]:
        ends = self._ends
        return [ends[name] for name in dict.fromkeys(tenants) if name in ends]

    def some(self, tenants: Iterable[str]) -> list[KnownEntry]:
        """Those of these, and of the others `MOST_IN_TURN`, each time the next ones."""
        every, first = self.all, self.of(tenants)
        if len(every) <= MOST_IN_TURN:
            return every
        begins, self._next = self._next % len(every), self._next + MOST_IN_TURN
        in_turn = (every + every[:MOST_IN_TURN])[begins : begins + MOST_IN_TURN]
        return list(dict.fromkeys([*first, *in_turn]))


class Database(Metered):
    """One database in the platform's schema.

    Every method may raise the storage errors of `models.errors`. A thread that reads or writes does so within
    `connection_context()`, which may be nested.
    """

    limits: Limits
    readers: int = 2
    """How many threads may well read at once."""
    capabilities: frozenset[Capability]
    read_only: bool
    writable_until: float = math.inf
    """When its writes are locked, in epoch seconds."""
    most_at_once: int | None = None
    """How many records one act may change, where one call carries all of it; None for any number."""
    last_read: "tuple[list[Rows], StoredTables] | None" = None
    """The tables as they were read last (`schema.read_stored`), and what tells whether they still are."""
    compiled: "tuple[StoredTables | None, frozenset[str]]" = (None, frozenset())
    """Statements that compile with these tables, where asking again would cost something."""
    damaged: bool = False
    """Whether reading it has met damage."""
    grown: Mapping[str, int] = MappingProxyType({})
    """How many more rows tables of ours may have than when they were read first, as their ends tell: those
    that an undo puts back have their old numbers.
    """
    grown_by_others: Mapping[str, int] = MappingProxyType({})
    has_news: bool = False
    """Whether a write has found out what became of an earlier one, and nobody has heard it (`settle`)."""
    is_earlier: bool = False
    """Whether checkpoints are known to know entries behind its last one."""
    went_back: int | None = None
    """The number of the audit chain's last entry, where a look has found it lower than it was, or, of a live
    database, another entry in the place of the last one: an earlier state was brought back, or the end is cut
    off. Who has heard of it sets it to None.
    """
    lost_entries: "tuple[LostEntry, ...]" = ()
    """The entries that were known when it `went_back`, and are gone, by their numbers."""
    own: "Mapping[str, OwnEntry]" = MappingProxyType({})
    """The newest entries that were made here, by tenant; the newest of those are looked for where others are,
    any by an act of its tenant.
    """
    verified: "KnownEnds | None" = None
    """How far tenants' chains were verified here, where that is looked for, too; those of `in_sight` at each
    look, all at the next one where it `looks_at_all`.
    """
    in_sight: str | None = None
    looks_at_all: bool = False
    on_own: "Callable[[Sequence[OwnEntry]], object] | None" = None
    """Hears of them as soon as they are written, on the thread that has; None where nobody keeps them."""
    on_sent: "Callable[[Sequence[tuple[str, str]], int, str], object] | None" = None
    """Hears before a batch is written which entries it makes, as `Statement.made` has them, when, and for
    which act, on the thread that writes: where the program is killed then, `on_own` tells nobody of them.
    """
    newest: "tuple[int, str | None]" = 0, None
    """The number and the hash of the audit chain's last entry, as far as they are at hand."""
    withdrawn: Callable[[], ConnectionGone | None] | None = None
    """Tells, on any thread, whether what it was opened by is another by now, or gone; None for a file."""
    clock_off: float = 0.0
    """By how many seconds this computer's clock is ahead of the database's, or behind it, negative, as far as
    its last answer tells.
    """
    waiting: Waiting | None = None
    """What a write waits for just now."""
    on_crowd: Callable[[str], object] = staticmethod(lambda words: None)
    """Told what is waited for where others write to the same chains all the time, now and then."""
    usage: Usage | None = None  # read on any thread
    size: int | None = None
    """In bytes, as it was told last; None where it is not."""
    trusts_indexes: bool = False
    """Whether SQLite alone can write them: they lead to every row, and are not counted through."""
    through_json: bool = False
    """Whether values come as JSON carries them: large integers rounded, 1.0 as 1, infinity as nothing, and
    what is no UTF-8 as U+FFFD.
    """
    encoding: str = "utf-8"
    """What the bytes of a text are in, by Python's name."""
    identity: str = ""
    """What tells a live database from every other one, whatever a person calls it; a file has a path."""

    def at_most(self, rows: int) -> int:
        """How many of so many row numbers can have a row: no more than the database has room for."""
        return rows if self.size is None else min(rows, self.size // _LEAST_ROW)

    def rows_in(self, ranges: Sequence[tuple[int, str, *tuple[Any, ...]]]) -> list[int]:
        """How many rows each has at most: of so many row numbers, in SQL behind FROM with its values. Those
        whose numbers tell of more than are read without a question are counted, up to half of so many, and to
        a twentieth of their numbers: to ask costs little beside what is asked about.
        """
        most = [self.at_most(numbers) for numbers, *_ in ranges]
        sparse = [position for position, rows in enumerate(most) if rows > MOST_READ]
        if not sparse:
            return most
        few = [min(MOST_READ // 2, most[at] // 20) // len(sparse) for at in sparse]
        counting = "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {})"
        asked = [
            raw(counting.format(ranges[at][1], most_of_it + 1), *ranges[at][2:])
            for at, most_of_it in zip(sparse, few, strict=True)
        ]
        for position, most_of_it, ((rows,),) in zip(sparse, few, self.read_batch(asked), strict=True):
            if rows <= most_of_it:
                most[position] = rows
        return most

    @property
    def is_locked(self) -> bool:
        """Whether nothing can be written now, but what has `begun`."""
        return self.read_only or time.time() >= self.writable_until

    def require_writable(self) -> None:
        """Asked before every write. Raises `ReadOnlyFile`, or `WritesLocked` where they can be unlocked, and
        what `withdrawn` tells.
        """
        if _BEGUN.get() is self:
            return
        if self.withdrawn is not None and (error := self.withdrawn()) is not None:
            raise error  # which nobody can unlock
        if self.is_locked:
            raise (ReadOnlyFile if self.read_only else WritesLocked)(self.place)

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Within it the calling thread may write to the end, also when writes are locked in its middle: what
        was done by halves would have no report. Raises `ReadOnlyFile` where they are locked now.
        """
        self.require_writable()
        with within(_BEGUN, self):
            yield

    @property
    @abstractmethod
    def place(self) -> str:
        """What a person calls it: a file's name, a connection's name."""

    @abstractmethod
    def connection_context(self) -> AbstractContextManager[Any]:
        """What the calling thread needs to read and write, for the length of a `with`."""

    @abstractmethod
    def rows(self, query: BaseQuery) -> Rows:
        """All rows of a read as plain tuples, in the order of its columns.

        Raises `UndecodableText` where a text is not UTF-8; as its bytes (`CAST … AS BLOB`) it can be had.
        """

    def each(self, query: BaseQuery) -> Iterator[Row]:
        """The same one by one as they are asked for; an engine that can holds no more than one of them."""
        yield from self.rows(query)

    def scalar(self, query: BaseQuery) -> Any:
        """The first column of the first row, or None."""
        found = self.rows(query)
        return found[0][0] if found else None

    @abstractmethod
    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        """The rows of each read, all from one snapshot: what belongs together is read together."""

    def read_each(self, queries: Sequence[BaseQuery]) -> Iterator[Rows]:
        """The rows of each of many reads, which need not be from one snapshot: several at once where each
        call takes its time.
        """
        size = AT_ONCE if self.costs else 1
        for start in range(0, len(queries), size):
            part = queries[start : start + size]
            try:
                found = self.read_batch(part)
            except AnswerTooLong:
                yield from map(self.rows, part)
            else:
                yield from found

    @abstractmethod
    def run_batch(self, statements: Sequence[Statement], *, cancelled: Stop = never) -> float:
        """Runs all statements in one transaction, or none of them; for how many seconds it kept others from
        writing.

        Another writer is waited for, `PATIENCE` at most. Raises `ReadOnlyFile`, `FileLocked`, `HeadMoved` (an
        audit append's guard failed), `RowChanged` (a statement changed or gave another number of rows than it
        expects), `BroughtBack` (of a live database that somebody watches), `AlreadyExists`, `DiskFull` and
        the other storage errors; nothing is written then.
        """

    def require_fits(self, statements: Iterable[Statement]) -> None:
        """Raises `TooMuchAtOnce` where that is more than one call carries; asked before a person is."""

    @abstractmethod
    def cancellable(self, cancelled: Stop) -> AbstractContextManager[None]:
        """Within it, a read of the calling thread fails soon after `cancelled()` is true."""

    def awaited(self, left: Stop = never) -> AbstractContextManager[None]:
        """Within it, a person waits for what the calling thread does: where answers may take long, `waiting`
        says so, and they may end that. When they have `left`, what is not on its way yet is not sent.
        """
        return nullcontext()

    def expected_errors(self) -> AbstractContextManager[None]:
        """Within it, what the engine's own library raises becomes a typed failure; bugs pass unchanged."""
        return nullcontext()

    def accepted(self, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
        """Those of the values that the table's own rules let a row have in `column`, as far as an engine can
        tell without writing.
        """
        return frozenset(values)

    def refused(self, table: str, insertions: "Sequence[Statement]") -> tuple[int, str] | None:
        """Which of the rows to insert the table's own rules do not let it have, and why, as far as an engine
        can tell without writing: the position of the first, or None.
        """
        return None

    def refused_change(
        self,
        table: str,
        columns: Sequence[str],
        insertions: "Sequence[Statement]",
        changes: "Sequence[Statement]",
        given: Collection[str],
    ) -> list[tuple[int, str]]:
        """The same of changes, one after another, of rows that are there as these insertions would add them:
        all that are refused, and without a reason those of which it cannot be told. They give columns NULL,
        or those `given` another value. `columns` are all with values of their own, and what names the rowid.
        """
        return []

    def try_rows(
        self,
        table: str,
        rows: "Sequence[Mapping[str, Any]]",
        wanted: Collection[str],
        cancelled: Stop = never,
    ) -> "TriedRows | None":
        """What the table's own rules make of new rows, added one after another, as far as an engine can tell
        without writing; `wanted` are columns whose values are asked for. None where it cannot try.
        """
        return None

    def may_refuse(self, table: str, given: Collection[str]) -> bool:
        """Whether that is worth being tried of a table; False where an engine cannot try it either."""
        return False

    def calm_log(self) -> AbstractContextManager[Callable[[], None]]:
        """For many transactions one after another: what an engine does between them waits for a call of what
        the context gives, which keeps nobody waiting.
        """
        return nullcontext(lambda: None)

    def snapshot(self) -> AbstractContextManager[None]:
        """Within it all that the calling thread reads is of one moment, where an engine can; of a live
        database each call is of its own, and the batch that writes asks again for what was decided upon.
        """
        return nullcontext()

    def clear_free_space(self) -> str | None:
        """Leaves nothing of what was removed where it stood, as far as an engine can; why it could not, as a
        clause. The caller holds a connection, on which no transaction is open.
        """
        return None

    def in_background(self, cancelled: Stop = never) -> AbstractContextManager[None]:
        """Within it, the calling thread gives way to what a person waits for, where there is not enough for
        both, and waits for as long as a limit lasts, unless it is `cancelled` meanwhile (`Cancelled`).
        """
        return nullcontext()

    def release(self) -> None:  # most keep nothing
        """Lets go of what is kept open between reads, and of what other readers left, when nobody will read
        any more for a while.
        """

    def remember_own(self, made: Sequence[tuple[str, str]], number: int, at: int, act: str) -> None:
        """Tells who keeps them which entries an act has made, as `Statement.made` has them, the last of which
        has this number: numbers follow each other within a batch.
        """
        if self.on_own is None or not made:
            return
        first = number - len(made) + 1
        own = {name: OwnEntry(name, first + more, head, at, act) for more, (name, head) in enumerate(made)}
        newest = sorted({**self.own, **own}.values(), key=attrgetter("number"))[-MOST_OWN_KEPT:]
        self.own = {one.tenant: one for one in newest}
        self.on_own([*own.values()])

    def settle(self) -> Settled | None:
        """What has become of the last change that was not known to be saved, the last that was not where
        there are several; None where there is none, or somebody has been told by now. Every write finds this
        out first (`has_news`), and who opens a database asks.

        Raises `EarlierUnknown` while that cannot be told. Who opens the database next is told again, unless
        this one was `heard`.
        """
        return None

    def heard(self) -> None:
        """A person has been told what `settle` gave."""

    def bookmark(self, why: str) -> str | None:
        """What names the state that the database has now, so that it can be brought back to it; kept, with
        `why` it was taken, where a person finds it. None where the engine has none (`TIME_TRAVEL`); raises
        `StorageError` where it can be had, but not now.
        """
        return None

    def require_in_place(self) -> None:  # what has no place cannot be replaced there
        """Raises `FileMoved`, `FileReplaced`, `FileEmptied` or `LogMissing` where what was opened is in its
        place no more.
        """

    def watch(self) -> Callable[[], bool]:
        """Tells, from any thread, whether nobody has written since, not even past the engine; one that
        cannot tell says no.
        """
        return lambda: False

    look_seconds: float = 2.0
    """How often `outside_changes` may be asked."""
    is_watched: bool = False
    """Whether it is: from then on it counts, from 0 on where it is asked seldom."""

    @property
    def tables_looked_at(self) -> "StoredTables | None":
        """The tables as the last look found them, where to read them again would cost something."""
        return None

    def outside_changes(self) -> int:
        """A number that changes when somebody else has written; only with `Capability.OUTSIDE_CHANGES`.

        Raises `FileMoved` and `LogMissing` where what is written would be lost.
        """
        raise NotImplementedError(f"{type(self).__name__} tells nothing of outside changes")

    def leave(self, close: Callable[[], object]) -> Callable[[], object]:
        """Calls `close`, which closes the last connection, of this thread, for a while; the thread calls what
        it gives before it connects again. `outside_changes` goes on to count then.
        """
        close()
        return lambda: None
