"""A live database as a new local file, whole: page by page, each value in its storage class.

No snapshot spans two requests. So every table is read twice, and again where it has changed in between: what
is the same both times was so at one moment, when the first reading had ended and the second had not begun.
Of the audit chain, whose entries stay as they are, only what has come and what has gone is read again.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from app.services.files.opening import fold
from app.services.records.rows import RawText, Value, decoded, exact, given, in_parts, text_of
from app.services.records.tables import AUDIT_CHAIN
from models.d1.errors import Failed, NoAnswer
from models.engine import Database, Pages, Rows, Usage, raw, sql_name
from models.errors import AnswerTooLong, Cancelled, StorageError, UndecodableText
from models.local.atomic import new_file
from models.local.file import PlainConnection, to_be_filled
from models.progress import Progress, Stop, ignore, never
from models.schema import StoredTable, caseless, read_stored

PASSES: Final = 4
"""How often the tables are read before it is said that they are not of one moment."""

_FIRST: Final = 250
"""Rows of the first page; each that fits is followed by one of twice as many."""
_COLUMNS: Final = 100
"""Of one answer, as D1 gives them."""

_CHAIN: Final = AUDIT_CHAIN.name
_SEQUENCE: Final = "sqlite_sequence"
_OBJECTS: Final = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
_VIRTUAL: Final = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
_SHADOWS: Final = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow' ORDER BY name"
"""What virtual tables are kept in. An ordinary table's name may begin like theirs."""
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"

Line = tuple[Value, ...]


class NotFetched(StorageError):
    """The tables themselves were altered meanwhile."""

    heading = "The database was changed meanwhile"
    sentence = "The tables of {name} were altered while it was read; nothing was written. Try again."


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many rows of each table came, what that took, and what a person has to know, in sentences.

    `unsettled` are the tables that somebody has written to all the time: each is of another moment.
    """

    rows: dict[str, int]
    used: Usage
    seconds: float
    notes: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()


def fetch(
    database: Database,
    path: Path,
    *,
    before: Callable[[int], object] = lambda rows: None,
    progress: Progress = ignore,
    cancelled: Stop = never,
) -> Fetched:
    """Writes all that the database holds to the new file `path`; nothing is left of it when that fails.

    Memory stays that of a page. `progress` is in rows, of about so many. What a person waits for comes before
    this. `before` is told how many they are before one is read; what it raises ends it. The caller holds a
    connection. Raises `Cancelled`, `NotFetched`, the errors of `new_file`, and the
    storage errors of both sides.
    """
    with database.in_background(), database.cancellable(cancelled), new_file(path) as building:
        with closing(to_be_filled(building)) as target:
            done = _Fetch(database, target, before, progress, cancelled).run()
        fold(building)
    return done


@dataclass(slots=True)
class _Copy:
    """A table that is being fetched: `digest` says what it held when it was read last."""

    stored: StoredTable
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: int = 0
    digest: bytes = b""
    changed: bool = True

    @classmethod
    def of(cls, stored: StoredTable) -> "_Copy":
        columns = stored.columns
        if stored.rowid is not None and stored.rowid not in columns:
            columns = (stored.rowid, *columns)
        # A page begins behind the last key; where nothing tells the rows apart there is one page.
        key = (stored.rowid,) if stored.rowid else stored.key if stored.without_rowid else ()
        return cls(stored, columns, key)

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def is_chain(self) -> bool:
        """Whether it is the platform's chain, and not another table of that name."""
        return self.name == _CHAIN and self.key == ("seq",) and "tenant_id" in self.columns

    @property
    def sql(self) -> str:
        return sql_name(self.stored.name)

    def page(self, columns: Sequence[str], form: Callable[[str], str], last: Line, limit: int) -> Any:
        """The query of some columns of the rows behind a key."""
        cells = ", ".join(map(form, columns))
        if not self.key:
            return raw(f"SELECT {cells} FROM {self.sql}")  # noqa: S608
        bound = [given(value) for value in last]
        names = ", ".join(map(self._own, self.key))
        behind = f"({names}) > ({', '.join(one.sql for one in bound)})" if last else "1"
        return raw(
            f"SELECT {cells} FROM {self.sql} WHERE {behind} ORDER BY {names} LIMIT {limit}",  # noqa: S608
            *(value for one in bound for value in one.params or ()),
        )

    def _own(self, column: str) -> str:
        return f"{self.sql}.{sql_name(column)}"

    def quick(self, column: str) -> str:
        """A text with a quote before it, a BLOB, NULL, or a number as `exact` writes it: all that JSON keeps,
        but for text that is no UTF-8.
        """
        cell, number = self._own(column), exact(self.name, column)
        return (
            f"CASE typeof({cell}) WHEN 'text' THEN '''' || {cell} WHEN 'blob' THEN {cell} ELSE {number} END"
        )

    def by_bytes(self, column: str) -> str:
        """The same with the bytes of a text; `kind` tells them from a BLOB."""
        cell, number = self._own(column), exact(self.name, column)
        return (
            f"CASE typeof({cell}) WHEN 'text' THEN CAST({cell} AS BLOB) WHEN 'blob' THEN {cell} "
            f"ELSE {number} END"
        )

    def kind(self, column: str) -> str:
        return f"typeof({self._own(column)})"


@dataclass(slots=True)
class _Fetch:
    database: Database
    target: PlainConnection
    before: Callable[[int], object]
    progress: Progress
    cancelled: Stop
    notes: list[str] = field(default_factory=list)
    done: int = 0
    total: int = 0

    def run(self) -> Fetched:
        begun, before = time.monotonic(), replace(self.database.usage or Usage())
        objects = self.database.rows(raw(_OBJECTS))
        tables = self._tables(objects)
        self._make(objects, tables)
        self.total = self._about(tables)
        self.before(self.total)
        chain = next((table for table in tables if table.is_chain), None)
        for number in range(PASSES):
            for table in tables:
                if number and table is chain:
                    self._follow(table)
                else:
                    self._read(table)
            changed = [
                one.name for one in tables if one.changed and not (one is chain or one.name == _SEQUENCE)
            ]
            if number and not changed:
                break
        if self.database.rows(raw(_OBJECTS)) != objects:
            raise NotFetched(self.database.place)
        self._finish(objects)
        self.progress(self.total, self.total)
        if changed:
            self.notes.append(
                f"{', '.join(changed)}: written to all the time, so of another moment each; fetch it again "
                "when less is done there"
            )
        rows = {table.name: table.rows for table in tables if table.name != _SEQUENCE}
        used = self.database.usage or before
        used = Usage(*(getattr(used, one) - getattr(before, one) for one in Usage.__slots__))
        return Fetched(rows, used, time.monotonic() - begun, tuple(self.notes), tuple(changed))

    def _tables(self, objects: Rows) -> list[_Copy]:
        """Those with rows of a person's, and the numbers that AUTOINCREMENT goes on from."""
        virtual = [name for _, name, sql in objects if _VIRTUAL.match(sql)]
        shadows = [name for (name,) in self.database.rows(raw(_SHADOWS))] if virtual else []
        self.notes += [f"left out: the virtual table {name}" for name in virtual]
        self.notes += [f"left out: {name}, which a virtual table is kept in" for name in shadows]
        stored, _ = read_stored(self.database)
        found = [
            _Copy.of(table)
            for name, table in stored.items()
            if name == _SEQUENCE or not (name.startswith(("sqlite_", "_cf_")) or name in shadows)
        ]
        # The numbers before the entries that take them, which SQLite itself counts on from there.
        return sorted(found, key=lambda table: (table.name != _SEQUENCE, table.name != _CHAIN))

    def _make(self, objects: Rows, tables: Sequence[_Copy]) -> None:
        known = {caseless(table.name) for table in tables}
        for kind, name, sql in objects:
            if kind == "table" and caseless(name) in known and name != _SEQUENCE:
                self.target.execute(sql)

    def _finish(self, objects: Rows) -> None:
        """What comes behind the rows: indexes are made faster there, and triggers would fire."""
        there = {caseless(name) for (name,) in self.target.execute("SELECT name FROM sqlite_master")}
        for wanted in ("index", "view", "trigger"):
            for kind, name, sql in objects:
                if (
                    kind == wanted
                    and not name.startswith(("sqlite_", "_cf_"))
                    and caseless(name) not in there
                ):
                    self.target.execute(sql)

    def _about(self, tables: Sequence[_Copy]) -> int:
        """About how many rows will be read; to count them would read them all."""
        numbered = [table for table in tables if table.stored.rowid and table.name != _SEQUENCE]
        ends = (
            f"SELECT min({key}), max({key}) FROM {table.sql}"  # noqa: S608
            for table in numbered
            for key in [sql_name(table.key[0])]
        )
        found = self.database.read_batch([raw(sql) for sql in ends])
        about = 0
        for table, ((first, last),) in zip(numbered, found, strict=True):
            if last is not None:
                about += (int(last) - int(first) + 1) * (1 if table.is_chain else 2)
        return about

    def _read(self, table: _Copy) -> None:
        """Reads a table whole, in place of what was read of it before."""
        digest = hashlib.blake2b()
        table.rows = 0
        with self.target:
            self.target.execute(f"DELETE FROM {table.sql}")  # noqa: S608
            for rows in self._pages(table, ()):
                self._insert(table, rows)
                for row in rows:
                    digest.update(repr(row).encode())
        table.changed, table.digest = table.digest != digest.digest(), digest.digest()

    def _follow(self, chain: _Copy) -> None:
        """Brings the chain to where it is by now: what is before the first entry of a tenant has gone."""
        last = self.target.execute(f"SELECT max(seq) FROM {_CHAIN}").get  # noqa: S608
        with self.target:
            for rows in self._pages(chain, () if last is None else (last,)):
                self._insert(chain, rows)
            # By its bytes, of its kind: a name may be no UTF-8, or no text.
            names = self.target.execute(
                f"SELECT DISTINCT CAST(tenant_id AS BLOB), typeof(tenant_id) FROM {_CHAIN}"  # noqa: S608
            ).fetchall()
            first = f"SELECT coalesce(min(seq), {2**53}) FROM {_CHAIN} WHERE tenant_id IS CAST(? AS {{}})"  # noqa: S608
            gone = f"DELETE FROM {_CHAIN} WHERE tenant_id IS CAST(? AS {{}}) AND seq < ?"  # noqa: S608
            for part in in_parts(names, 200):
                found = self.database.read_batch([raw(first.format(kind), name) for name, kind in part])
                for (name, kind), ((seq,),) in zip(part, found, strict=True):
                    self.target.execute(gone.format(kind), (name, seq))
            chain.rows = self.target.execute(f"SELECT count(*) FROM {_CHAIN}").get  # noqa: S608

    def _pages(self, table: _Copy, last: Line) -> Iterator[list[Line]]:
        pages = Pages(_FIRST)
        places = [table.columns.index(name) for name in table.key]
        while True:
            if self.cancelled():
                raise Cancelled
            try:
                rows = self._page(table, last, limit := pages.limit)
            except (AnswerTooLong, NoAnswer, Failed):
                if not (places and pages.too_long()):
                    raise
                continue
            if rows:
                yield rows
            table.rows += len(rows)
            self.done += len(rows)
            self.progress(min(self.done, self.total), self.total)
            if len(rows) < limit or not places:
                return
            last = tuple(rows[-1][at] for at in places)
            pages.took(rows)

    def _page(self, table: _Copy, last: Line, limit: int) -> list[Line]:
        """The next rows."""
        parts = list(in_parts(table.columns, _COLUMNS))

        def asked(*forms: Callable[[str], str]) -> list[list[tuple[Any, ...]]]:
            queries = [table.page(part, form, last, limit) for form in forms for part in parts]
            found = self.database.read_batch(queries)
            return [
                [sum(pieces, ()) for pieces in zip(*found[at : at + len(parts)], strict=True)]
                for at in range(0, len(found), len(parts))
            ]

        try:
            (rows,) = asked(table.quick)
            if not any(isinstance(cell, str) and _REPLACED in cell for row in rows for cell in row):
                return [tuple(map(_value, row)) for row in rows]
        except UndecodableText:
            pass
        kinds, rows = asked(table.kind, table.by_bytes)
        return [tuple(map(_of_kind, *both)) for both in zip(kinds, rows, strict=True)]

    def _insert(self, table: _Copy, rows: Sequence[Line]) -> None:
        names = ", ".join(map(sql_name, table.columns))
        start = f"INSERT INTO {table.sql} ({names}) VALUES"
        plain = f"{start} ({', '.join('?' * len(table.columns))})"
        odd = [row for row in rows if any(isinstance(value, RawText) for value in row)]
        if not odd:
            self.target.executemany(plain, rows)
            return
        for row in rows:
            cells = ", ".join("CAST(? AS TEXT)" if isinstance(value, RawText) else "?" for value in row)
            values = [value.raw if isinstance(value, RawText) else value for value in row]
            self.target.execute(f"{start} ({cells})", values)


def _value(cell: Any) -> Value:
    """What `_Copy.quick` has written."""
    if not isinstance(cell, str):
        return bytes(cell) if cell is not None else None
    return cell[1:] if cell.startswith("'") else decoded(cell)


def _of_kind(kind: str, cell: Any) -> Value:
    """What `_Copy.by_bytes` has written."""
    if kind == "text":
        return text_of(bytes(cell))
    return _value(cell)
