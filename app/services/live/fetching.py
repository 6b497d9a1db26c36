"""A live database as a new local file, whole: page by page, each value in its storage class.

No snapshot spans two requests. So every table is read twice, and again where it has changed in between: what
is the same both times was so at one moment, when the first reading had ended and the second had not begun.
Of the audit chain, whose entries stay as they are, only what has come and what has gone is read again.

What has come is kept page by page in a part beside the file that it becomes. Where reading is cut or
cancelled, it goes on there, within a day: what was read before is held against a second reading in any case.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from app.services.records.rows import RawText, Value, decoded, exact, given, in_parts, text_of
from app.services.records.tables import AUDIT_CHAIN
from models.d1.errors import Failed, NoAnswer
from models.engine import Database, Pages, Rows, Usage, raw, sql_name
from models.errors import (
    AlreadyExists,
    AlreadyThere,
    AnswerTooLong,
    Cancelled,
    DamagedFile,
    HeadMoved,
    MuchToRead,
    OnlyElsewhere,
    Refused,
    StorageError,
    TenantAdminError,
    UndecodableText,
)
from models.local.atomic import expected_errors, new_file_by_parts
from models.local.file import (
    SIBLINGS,
    PlainConnection,
    first_row,
    is_sound,
    set_pragma,
    sibling,
    to_be_filled,
)
from models.progress import Progress, Stop, ignore, never
from models.schema import StoredTable, caseless, read_stored

PASSES: Final = 4
"""How often the tables are read before it is said that they are not of one moment."""

_FIRST: Final = 250
"""Rows of the first page; each that fits is followed by one of twice as many."""
_COLUMNS: Final = 100
"""Of one answer, as D1 gives them."""

_DAY: Final = 86_400
_STATE: Final = "tenant_admin_part"
"""Says in the part how far it is; the file has it no more."""
_FORM: Final = 1

_CHAIN: Final = AUDIT_CHAIN.name
_LAST: Final = f"SELECT seq, hash FROM {_CHAIN} ORDER BY seq DESC LIMIT 1"  # noqa: S608
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


class FetchStopped(StorageError):
    """A part is kept; `why` is what stopped it."""

    heading = "The copy is not whole yet"
    sentence = (
        "{name} is not whole yet: {why}. What was read is kept in {name}.part; save under the same name "
        "again, within a day, and it goes on there."
    )


class FetchCancelled(Cancelled):
    sentence = (
        "Cancelled. What was read is kept in {name}.part; save under the same name again, within a day, and "
        "it goes on there."
    )


_IN_VAIN: Final = (NotFetched, DamagedFile, AlreadyExists, HeadMoved, Refused, OnlyElsewhere)
"""What a copy that goes on would fail with again."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many rows of each table came, what that took, and what a person has to know, in sentences.

    `unsettled` are the tables that somebody has written to all the time: each is of another moment.
    `resumed` rows were read by an earlier call, and not by this one.
    """

    rows: dict[str, int]
    used: Usage
    seconds: float
    notes: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    resumed: int = 0


def fetch(
    database: Database,
    path: Path,
    *,
    before: Callable[[int], object] = lambda rows: None,
    progress: Progress = ignore,
    cancelled: Stop = never,
) -> Fetched:
    """Writes all that the database holds to the new file `path`, or goes on where an earlier call stopped.

    Memory stays that of a page. `progress` is in rows, of about so many. What a person waits for comes before
    this. `before` is told how many they are before one is read; what it raises ends it. The caller holds a
    connection. Where something was read, a part is kept, and `FetchStopped` or `FetchCancelled` says so; else
    raises `Cancelled`, `NotFetched`, the errors of `new_file_by_parts` (`AlreadyThere` for any file that is
    no part), and the storage errors of both sides.
    """
    with new_file_by_parts(path) as part:
        if not _state(part) and part.stat().st_size:
            raise AlreadyThere(part)
        try:
            with expected_errors(path):
                return _Fetch(database, part, before, progress, cancelled).run()
        except TenantAdminError as error:
            if isinstance(error, _IN_VAIN) or not _state(part).get("done"):
                _forget(part)
                raise
            if isinstance(error, MuchToRead):
                raise
            raise (
                FetchCancelled(path) if isinstance(error, Cancelled) else FetchStopped(path, error.happened)
            ) from error


def read_whole(
    database: Database,
    building: Path,
    *,
    before: Callable[[int], object] = lambda rows: None,
    progress: Progress = ignore,
    cancelled: Stop = never,
) -> Fetched:
    """The same, for a file that is gone soon: nothing of it is gone on with."""
    return _Fetch(database, building, before, progress, cancelled).run()


def _goes_on(part: Path, database: Database, objects: Rows) -> bool:
    """Whether the part is of this database as it is now, and not old."""
    state = _state(part)
    if state.get("of") != _told(database, objects) or not 0 <= time.time() - state["begun"] < _DAY:
        return False
    last = first_row(part, _LAST) if state["chain"] else None
    return last is None or _still_there(database, *last)


def _state(part: Path) -> dict[str, Any]:
    """What a part says of itself (`_Fetch._keep`); empty where it is none, or is damaged."""
    with suppress(ValueError, TypeError):
        found = first_row(part, f"SELECT state FROM {_STATE}")  # noqa: S608
        return dict(json.loads(found[0])) if found is not None else {}
    return {}


def _still_there(database: Database, seq: int, found: str) -> bool:
    """Whether the chain goes on from an entry: else it is another one by now, by Time Travel perhaps."""
    asked = raw(f"SELECT 1 FROM {_CHAIN} WHERE seq = ? AND hash = ?", seq, found)  # noqa: S608
    return bool(database.rows(asked))


def _told(database: Database, objects: Rows) -> list[Any]:
    """What tells a database, and the form of a part."""
    schema = hashlib.blake2b(repr(objects).encode("utf-8", "surrogatepass")).hexdigest()
    return [_FORM, database.identity or database.place, schema]


def _forget(part: Path) -> None:
    for suffix in SIBLINGS:
        sibling(part, suffix).unlink(missing_ok=True)


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


@dataclass(frozen=True, slots=True)
class _Stand:
    """How far it is: in which pass, at which table, behind which of its numbers, with which digest so far."""

    number: int = 0
    position: int = 0
    last: int | None = None
    running: bytes = b""


@dataclass(slots=True)
class _Fetch:
    database: Database
    part: Path
    before: Callable[[int], object]
    progress: Progress
    cancelled: Stop
    target: PlainConnection = field(init=False)
    objects: Rows = field(init=False)
    notes: list[str] = field(default_factory=list)
    tables: list[_Copy] = field(default_factory=list)
    begun: float = 0.0
    done: int = 0
    total: int = 0

    def run(self) -> Fetched:
        with self.database.in_background(), self.database.cancellable(self.cancelled):
            self.objects = self.database.rows(raw(_OBJECTS))
            if not _goes_on(self.part, self.database, self.objects):
                _forget(self.part)
                self.part.touch(mode=0o600)
            with closing(to_be_filled(self.part)) as self.target:
                set_pragma(self.target, "synchronous", 1)  # what a part says of itself outlives a power cut
                return self._run()

    def _run(self) -> Fetched:
        begun, before = time.monotonic(), replace(self.database.usage or Usage())
        objects = self.objects
        tables = self.tables = self._tables(objects)
        at = self._stand(objects)
        resumed = self.done
        self.total = max(self._about(tables), resumed)
        self.before(self.total - resumed)
        chain = next((table for table in tables if table.is_chain), None)
        for number in range(at.number, PASSES):
            for position, table in enumerate(tables):
                if (number, position) < (at.number, at.position):
                    continue
                here = at if (number, position) == (at.number, at.position) else _Stand(number, position)
                if number and table is chain:
                    self._follow(table)
                else:
                    self._read(table, here)
                with self.target:
                    self._keep(_Stand(number, position + 1))
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
        took = time.monotonic() - begun
        return Fetched(rows, used, took, tuple(self.notes), tuple(changed), resumed)

    def _stand(self, objects: Rows) -> "_Stand":
        """Where an earlier call stopped; else the beginning, with tables that are empty."""
        if not (state := _state(self.part)):
            self.begun = time.time()
            with self.target:
                self.target.execute(f"CREATE TABLE {_STATE} (state TEXT)")
                self._make(objects, self.tables)
                self._keep(_Stand())
            return _Stand()
        self.begun, self.done = state["begun"], state["done"]
        for table, (rows, digest, changed) in zip(self.tables, state["tables"], strict=True):
            table.rows, table.digest, table.changed = rows, bytes.fromhex(digest), changed
        number, position, last, running = state["at"]
        return _Stand(number, position, last, bytes.fromhex(running))

    def _keep(self, at: "_Stand") -> None:
        """Says in the part how far it is, in one transaction with the rows."""
        state = {
            "of": _told(self.database, self.objects),
            "begun": self.begun,
            "done": self.done,
            "chain": any(table.is_chain for table in self.tables),
            "at": [at.number, at.position, at.last, at.running.hex()],
            "tables": [[table.rows, table.digest.hex(), table.changed] for table in self.tables],
        }
        self.target.execute(f"DELETE FROM {_STATE}")  # noqa: S608
        self.target.execute(f"INSERT INTO {_STATE} VALUES (?)", (json.dumps(state),))  # noqa: S608

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
        """What comes behind the rows: indexes are made faster there, and triggers would fire. Where it fails,
        all of it can be done again.
        """
        with self.target:
            there = {caseless(name) for (name,) in self.target.execute("SELECT name FROM sqlite_master")}
            for wanted in ("index", "view", "trigger"):
                for kind, name, sql in objects:
                    if (
                        kind == wanted
                        and not name.startswith(("sqlite_", "_cf_"))
                        and caseless(name) not in there
                    ):
                        self.target.execute(sql)
            if not is_sound(self.target):
                raise DamagedFile(self.part)
            self.target.execute(f"DROP TABLE {_STATE}")

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

    def _read(self, table: _Copy, at: "_Stand") -> None:
        """Reads a table whole, in place of what was read of it before, or from where it stood."""
        running, last = at.running, at.last
        if last is None:
            table.rows = 0
            with self.target:
                self.target.execute(f"DELETE FROM {table.sql}")  # noqa: S608
        for rows in self._pages(table, () if last is None else (last,)):
            with self.target:
                self._insert(table, rows)
                for row in rows:
                    running = hashlib.blake2b(running + repr(row).encode()).digest()
                # Within a table it can stop where a number tells its rows apart.
                key = rows[-1][table.columns.index(table.key[0])] if len(table.key) == 1 else None
                if isinstance(key, int):
                    self._keep(replace(at, last=key, running=running))
        table.changed, table.digest = table.digest != running, running

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
            table.rows += len(rows)
            self.done += len(rows)
            if rows:
                yield rows
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
