"""The tables of a live database page by page, each value in its storage class.

And a copy of it while it comes: what has come, and how far that is, in one file. Where reading is cut or
cancelled, it goes on there, within a day. SQL is text here: tables, columns and conditions are the file's
own, which no model has.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final, NamedTuple

from app.services.files.exporting import ALL
from app.services.opened import Which
from app.services.records.rows import RawText, Value, decoded, exact, given, in_parts, text_of
from app.services.records.tables import AUDIT_CHAIN
from models.d1.errors import Failed
from models.engine import Database, Pages, Rows, raw, sql_name
from models.errors import AnswerTooLong, Cancelled, DamagedFile, NoAnswer, StorageError, UndecodableText
from models.files.at_path import MAGIC, SIBLINGS, first_bytes, sibling
from models.files.atomic import PART, alone_with, expected_errors, lock_of
from models.local.file import PlainConnection, first_row, is_sound, set_pragma, to_be_filled
from models.progress import Stop
from models.schema import COUNTERS, StoredTable, caseless, of_engine, read_stored
from models.status import DAY

_FIRST: Final = 250
"""Rows of the first page; each that fits is followed by one of twice as many."""

CHAIN: Final = AUDIT_CHAIN.name
OBJECTS: Final = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
_VIRTUAL: Final = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
_SHADOWS: Final = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow' ORDER BY name"
"""What virtual tables are kept in. An ordinary table's name may begin like theirs."""

_QUOTED: Final = "'''' || {}"
"""How a text comes fast, with a quote before it: JSON keeps all of it, but for text that is no UTF-8."""
_BYTES: Final = "CAST({} AS BLOB)"
"""How any text comes; its kind tells it from a BLOB."""
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"

_BY_TENANT: Final = """
SELECT name FROM sqlite_master AS found WHERE type = 'table' AND EXISTS (
  SELECT 1 FROM pragma_index_list(found.name) AS list
  WHERE NOT partial AND (SELECT group_concat(lower(name)) FROM pragma_index_info(list.name)) = 'tenant_id'
)"""
"""The tables of which an index gives a tenant's rows in their order."""

Line = tuple[Value, ...]


@dataclass(slots=True)
class PagedTable:
    """A table that is read by pages: `which` is the condition of the rows that are wanted, "" where none are;
    `digest` says what it held when it was read last.
    """

    stored: StoredTable
    columns: tuple[str, ...]
    key: tuple[str, ...]
    which: str = ALL
    rows: int = 0
    digest: str = ""
    changed: bool = True

    @classmethod
    def of(cls, stored: StoredTable) -> "PagedTable":
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
    def sql(self) -> str:
        return sql_name(self.name)

    @property
    def is_chain(self) -> bool:
        """Whether it is the platform's chain, and not another table of that name."""
        return self.name == CHAIN and self.key == ("seq",) and {"tenant_id", "hash"} <= {*self.columns}

    def page(self, columns: Sequence[str], form: Callable[[str], str], last: Line, limit: int) -> Any:
        """The query of some columns of the rows behind a key."""
        cells = ", ".join(map(form, columns))
        if not self.key:
            return raw(f"SELECT {cells} FROM {self.sql} WHERE {self.which}")  # noqa: S608
        bound = [given(value) for value in last]
        names = ", ".join(map(self._own, self.key))
        behind = f"({names}) > ({', '.join(one.sql for one in bound)})" if last else "1"
        return raw(
            f"SELECT {cells} FROM {self.sql} WHERE {behind} AND {self.which} ORDER BY {names} LIMIT {limit}",  # noqa: S608
            *(value for one in bound for value in one.params or ()),
        )

    def end(self) -> Any:
        """The query of the last rowid that is wanted, one row to read; as text, since JSON rounds."""
        name, source = self._own(self.key[0]), f"FROM {self.sql} WHERE {self.which}"
        return raw(f"SELECT CAST({name} AS TEXT) {source} ORDER BY {name} DESC LIMIT 1")

    def cell(self, text: str, column: str) -> str:
        """A text as it says, a BLOB, NULL, or a number as `exact` writes it."""
        cell, number = self._own(column), exact(self.name, column)
        text = text.format(cell)
        return f"CASE typeof({cell}) WHEN 'text' THEN {text} WHEN 'blob' THEN {cell} ELSE {number} END"

    def kind(self, column: str) -> str:
        return f"typeof({self._own(column)})"

    def _own(self, column: str) -> str:
        return f"{self.sql}.{sql_name(column)}"


def tables_of(
    database: Database, objects: Rows, wanted: Which | None = None
) -> tuple[list[PagedTable], list[str]]:
    """Those with rows of a person's, and the numbers that AUTOINCREMENT goes on from; what is left out, in
    sentences. Where a condition of what is `wanted` would read all of a table for a page, all of it comes.
    """
    virtual = [name for _, name, sql in objects if _VIRTUAL.match(sql)]
    shadows = [name for (name,) in database.rows(raw(_SHADOWS))] if virtual else []
    notes = [f"left out: the virtual table {name}" for name in virtual]
    notes += [f"left out: {name}, which a virtual table is kept in" for name in shadows]
    stored, _ = read_stored(database)
    found = [
        PagedTable.of(table)
        for name, table in stored.items()
        if name == COUNTERS or not (of_engine(name) or name in shadows)
    ]
    if wanted is not None:
        conditions, by_tenant = wanted(stored), {name for (name,) in database.rows(raw(_BY_TENANT))}
        for table in found:
            which = ALL if table.name == COUNTERS else conditions.get(table.name, "")
            table.which = which if not which or (table.name in by_tenant and table.stored.rowid) else ALL
    # The numbers before the entries that take them, which SQLite itself counts on from there.
    return sorted(found, key=lambda table: (table.name != COUNTERS, table.name != CHAIN)), notes


def about(database: Database, tables: Sequence[PagedTable]) -> int:
    """About how many rows will be read: those of the chain once. To count them would read them all, so it is
    told as `Database.rows_in` tells it.
    """
    numbered = [table for table in tables if table.stored.rowid and table.which and table.name != COUNTERS]
    found = database.read_batch([raw(_about(table)) for table in numbered])
    wide = [(int(rows or 0), table.sql) for table, ((rows,),) in zip(numbered, found, strict=True)]
    total = 0
    for table, rows in zip(numbered, database.rows_in(wide), strict=True):
        passes = 1 if table.is_chain else 2
        by_index = table.which != ALL  # where each is two
        total += rows * passes * (2 if by_index else 1)
    return total


def _about(table: PagedTable) -> str:
    if table.which != ALL:  # which an index tells
        return f"SELECT count(*) FROM {table.sql} WHERE {table.which}"  # noqa: S608
    key, source = sql_name(table.key[0]), f"FROM {table.sql}"
    # Each end by itself, which is one row: together they would be all.
    return f"SELECT (SELECT max({key}) {source}) - (SELECT min({key}) {source}) + 1"


def pages(database: Database, table: PagedTable, last: Line, cancelled: Stop) -> Iterator[list[Line]]:
    """The rows behind a key, of () all, in pages that have some, up to the last of the table: what stands
    between may give fewer than were asked for. Raises `Cancelled`.
    """
    if not table.which:
        return
    following = Pages(_FIRST)
    places = [table.columns.index(name) for name in table.key]
    while True:
        if cancelled():
            raise Cancelled
        try:
            rows, end = _page(database, table, last, following.limit)
        except (AnswerTooLong, NoAnswer, Failed):
            if not (places and following.too_long()):
                raise
            continue
        if rows:
            yield rows
        if not places or (not rows and end is None):
            return
        if not rows:
            raise NoAnswer(database.place, "it gave none of the rows that are there")
        last = tuple(rows[-1][at] for at in places)
        if last == (end,):
            return
        following.took(rows)


def _page(database: Database, table: PagedTable, last: Line, limit: int) -> tuple[list[Line], Value]:
    """The rows, and the last rowid of the table, where that is behind `last`: of the same snapshot."""
    parts = list(in_parts(table.columns, database.limits.columns))
    ends = [table.end()] if table.stored.rowid else []
    end: Value = None

    def asked(*forms: Callable[[str], str]) -> list[list[tuple[Any, ...]]]:
        nonlocal end
        pages = [table.page(part, form, last, limit) for form in forms for part in parts]
        found = database.read_batch([*pages, *ends])
        if ends and (rows := found.pop()):
            found_end = int(rows[0][0])
            end = None if last and found_end <= int(str(last[0])) else found_end
        return [
            [sum(pieces, ()) for pieces in zip(*found[at : at + len(parts)], strict=True)]
            for at in range(0, len(found), len(parts))
        ]

    try:
        (rows,) = asked(partial(table.cell, _QUOTED))
        if not any(isinstance(cell, str) and _REPLACED in cell for row in rows for cell in row):
            return [tuple(map(_value, row)) for row in rows], end
    except UndecodableText:
        pass
    kinds, rows = asked(table.kind, partial(table.cell, _BYTES))
    return [tuple(map(_of_kind, *both)) for both in zip(kinds, rows, strict=True)], end


def _value(cell: Any) -> Value:
    """What came where a text is `_QUOTED`."""
    if not isinstance(cell, str):
        return bytes(cell) if cell is not None else None
    return cell[1:] if cell.startswith("'") else decoded(cell)


def _of_kind(kind: str, cell: Any) -> Value:
    """The same where it is in `_BYTES`."""
    return text_of(bytes(cell)) if kind == "text" else _value(cell)


_STATE: Final = "tenant_admin_part"
"""Says in the part how far it is; the file has it no more."""
_FORM: Final = 2

_LAST: Final = f"SELECT seq, hash FROM {CHAIN} ORDER BY seq DESC LIMIT 1"  # noqa: S608


class Stand(NamedTuple):
    """How far it is: in which pass, at which table, behind which of its numbers, with which digest so far."""

    number: int = 0
    position: int = 0
    last: int | None = None
    running: str = ""


@dataclass(slots=True)
class PartialCopy:
    """Such a file, open. It is `of` a database as it was when that had `begun`; `done` rows were read for it,
    and the next to read are at `stand`.
    """

    of: list[Any]
    file: PlainConnection
    tables: Sequence[PagedTable]
    begun: float
    done: int = 0
    stand: Stand = field(default_factory=Stand)

    def go_on(self, state: dict[str, Any]) -> None:
        self.done, self.stand = state["done"], Stand(*state["stand"])
        for table, told in zip(self.tables, state["tables"], strict=True):
            table.rows, table.digest, table.changed = told

    def begin(self, objects: Rows) -> None:
        """Makes the tables, which are empty."""
        known = {caseless(table.name) for table in self.tables} - {COUNTERS}
        with self.file:
            self.file.execute(f"CREATE TABLE {_STATE} (state TEXT)")
            for kind, name, sql in objects:
                if kind == "table" and caseless(name) in known:
                    self.file.execute(sql)
            self.keep(self.stand)

    def keep(self, stand: Stand) -> None:
        """Says in the file how far it is: in one transaction with the rows."""
        self.stand = stand
        state = {
            "of": self.of,
            "begun": self.begun,
            "done": self.done,
            "chain": any(table.is_chain for table in self.tables),
            "stand": stand,
            "tables": [[table.rows, table.digest, table.changed] for table in self.tables],
        }
        self.file.execute(f"DELETE FROM {_STATE}")  # noqa: S608
        self.file.execute(f"INSERT INTO {_STATE} VALUES (?)", (json.dumps(state),))  # noqa: S608

    def insert(self, table: PagedTable, rows: Sequence[Line]) -> None:
        names = ", ".join(map(sql_name, table.columns))
        start = f"INSERT INTO {table.sql} ({names}) VALUES"
        if not any(isinstance(value, RawText) for row in rows for value in row):
            self.file.executemany(f"{start} ({', '.join('?' * len(table.columns))})", rows)
            return
        for row in rows:
            cells = list(map(given, row))
            values = [value for cell in cells for value in cell.params or ()]
            self.file.execute(f"{start} ({', '.join(cell.sql for cell in cells)})", values)

    def finish(self, objects: Rows) -> None:
        """What comes behind the rows: indexes are made faster there, and triggers would fire. Where it fails,
        all of it can be done again. Raises `DamagedFile`.
        """
        with self.file:
            there = {caseless(name) for (name,) in self.file.execute("SELECT name FROM sqlite_master")}
            for wanted in ("index", "view", "trigger"):
                for kind, name, sql in objects:
                    is_own = not of_engine(name) and caseless(name) not in there
                    if kind == wanted and is_own:
                        self.file.execute(sql)
            path = Path(self.file.filename)
            if not is_sound(self.file):
                raise DamagedFile(path)
            if (lock := lock_of(path)).exists():  # for who finds the part without its name yet (`is_whole`)
                told = self.file.execute(f"SELECT state FROM {_STATE}").get  # noqa: S608
                lock.write_text(json.dumps({"file": path.stat().st_ino, "state": told}))
            self.file.execute(f"DROP TABLE {_STATE}")


@contextmanager
def opened(
    path: Path, database: Database, objects: Rows, tables: Sequence[PagedTable]
) -> Iterator[PartialCopy]:
    """The part at `path`, where that is of this database as it is now, and not old; else a new one."""
    schema = hashlib.blake2b(repr(objects).encode("utf-8", "surrogatepass")).hexdigest()
    of, state = [_FORM, database.identity or database.place, schema], state_of(path)
    if not _is_of(path, state, database, of):
        forget(path)
        path.touch(mode=0o600)
        state = {}
    with closing(to_be_filled(path)) as file:
        set_pragma(file, "synchronous", 1)  # what a part says of itself outlives a power cut
        part = PartialCopy(of, file, tables, state.get("begun", time.time()))
        if state:
            part.go_on(state)
        else:
            part.begin(objects)
        yield part


def state_of(path: Path) -> dict[str, Any]:
    """What a part says of itself, as kept; {} where it is none, or is damaged. Raises `FileLocked`."""
    with suppress(ValueError, TypeError):
        found = first_row(path, f"SELECT state FROM {_STATE}")  # noqa: S608
        return dict(json.loads(found[0])) if found is not None else {}
    return {}


def is_whole(path: Path) -> bool:
    """Whether it was a part, all of which had come when what made it was killed; it is one again then."""
    try:
        left = json.loads(lock_of(path).read_bytes())
        if left["file"] != path.stat().st_ino:
            return False
        with expected_errors(path), closing(to_be_filled(path)) as file:
            file.execute(f"CREATE TABLE {_STATE} AS SELECT ? AS state", (left["state"],))
    except (StorageError, OSError, ValueError, TypeError, LookupError):
        return False
    return True


def sweep(folder: Path) -> None:
    """Takes away the parts there with which no copy goes on any more: they hold personal data."""
    for path in folder.glob(f"*{PART}"):
        # Whatever else has such a name, or cannot be read, is somebody's and keeps no copy from being made.
        with suppress(OSError, StorageError), expected_errors(path):
            found = path.lstat()
            is_old = S_ISREG(found.st_mode) and time.time() - found.st_mtime >= DAY
            if is_old and first_bytes(path, len(MAGIC)) == MAGIC:
                with alone_with(path):
                    if state_of(path):
                        forget(path)


def forget(path: Path) -> None:
    for suffix in SIBLINGS:
        sibling(path, suffix).unlink(missing_ok=True)


def _is_of(path: Path, state: dict[str, Any], database: Database, of: list[Any]) -> bool:
    if state.get("of") != of or not 0 <= time.time() - state["begun"] < DAY:
        return False
    last = first_row(path, _LAST) if state["chain"] else None
    if last is None:
        return True
    # The chain goes on from there: else it is another one by now, by Time Travel perhaps.
    return bool(database.rows(raw(f"SELECT 1 FROM {CHAIN} WHERE seq = ? AND hash = ?", *last)))  # noqa: S608
