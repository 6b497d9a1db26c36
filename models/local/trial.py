"""What a table's own rules allow, tried on an empty copy of it in memory: no SQL is taken apart for that."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice, takewhile
from typing import Any, Final, TypeVar

import apsw

from models.engine import sql_name
from models.schema import COUNTERS

_Item = TypeVar("_Item")
_Statements = Sequence[tuple[str, Sequence[Any]]]

_STEPS: Final = 100_000
"""Of SQLite's machine; to make a table takes a few hundred, and a hostile file's SQL may go on for ever."""

_ROWS: Final = 10_000
_BYTES: Final = 16_000_000
"""How much of a table is copied at most, to see whether its rows are in each other's way."""

_SECONDS: Final = 1.0
"""For how long its rows are copied, or its changes tried: for each an index may count out anything."""

_WITH_INDEXES: Final = """
SELECT sql FROM main.sqlite_master
WHERE type IN ('table', 'index') AND lower(tbl_name) = lower(?) AND sql IS NOT NULL ORDER BY type = 'index'
"""

_SHAPE: Final = """
SELECT name, upper(type), "notnull" OR pk FROM pragma_table_xinfo(?) WHERE NOT hidden ORDER BY cid
"""


def accepted(sql: str, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
    """Those of the values that a row of the table, made by `sql`, may have in `column`.

    All of them where the table cannot be made alone, or where it takes none: what it demands then is more
    than that column.
    """
    taken = set()
    try:
        with _copy(sql) as trial:
            row = {
                name: _filler(kind) if needed else None
                for name, kind, needed in trial.execute(_SHAPE, (table,))
            }
            trial.pragma("ignore_check_constraints", 1)
            places = ", ".join("?" * len(row))
            names = ", ".join(map(sql_name, row))
            trial.execute(f"INSERT INTO {sql_name(table)} ({names}) VALUES ({places})", tuple(row.values()))  # noqa: S608
            trial.pragma("ignore_check_constraints", 0)
            for value in values:
                try:
                    trial.execute(f"UPDATE OR ABORT {sql_name(table)} SET {sql_name(column)} = ?", (value,))  # noqa: S608
                except apsw.ConstraintError:
                    continue
                taken.add(value)
    except apsw.Error:
        return frozenset(values)
    return frozenset(taken or values)


def refused(sql: str, insertions: Sequence[tuple[str, Sequence[Any]]]) -> tuple[int, str] | None:
    """Which of the rows to insert the table, made by `sql`, does not take, and why in SQLite's words.

    The first one; None where it takes all, or cannot be made alone.
    """
    with suppress(apsw.Error), _copy(sql) as trial:
        for position, (insertion, values) in enumerate(insertions):
            try:
                trial.execute(insertion, tuple(values))
            except apsw.ConstraintError as error:
                return position, str(error)
    return None


def made_by(file: apsw.Connection, table: str) -> list[str]:
    """The SQL of a table of the file, and behind it that of its indexes."""
    return [sql for (sql,) in file.execute(_WITH_INDEXES, (table,))]


def refused_change(
    made: Sequence[str],
    table: str,
    columns: Sequence[str],
    tried: tuple[_Statements, _Statements],
    file: apsw.Connection | None = None,
) -> list[tuple[int, str]]:
    """Which of the changes a table does not take that is `made` so, with its indexes, and why in SQLite's
    words.

    What is `tried` are insertions of the rows as they are, and the changes, one after another, on a copy of
    it with, where a row may be in another's way, the others of the file, as far as these can be copied. Of a
    table that cannot be made alone, and of changes for which there was no time, nothing is said.
    """
    found: list[tuple[int, str]] = []
    insertions, changes = tried
    with suppress(apsw.Error), _copy(made[0] if made else "") as trial:
        for sql in made[1:]:
            with suppress(apsw.Error):  # of another program's function, say
                trial.execute(sql)
        trial.pragma("ignore_check_constraints", 1)  # a row may have broken one when it was written
        for insertion, values in _in_time(trial, insertions):
            trial.execute(insertion, tuple(values))
        is_unique = trial.execute('SELECT 1 FROM pragma_index_list(?) WHERE "unique"', (table,)).get
        if file is not None and is_unique:
            names, places = ", ".join(map(sql_name, columns)), ", ".join("?" * len(columns))
            rows = file.execute(f"SELECT {names} FROM main.{sql_name(table)}")  # noqa: S608
            into = f"INSERT OR IGNORE INTO {sql_name(table)} ({names}) VALUES ({places})"  # noqa: S608
            with suppress(apsw.InterruptError):
                trial.executemany(into, _in_time(trial, _few(rows)))
        trial.pragma("ignore_check_constraints", 0)
        for position, (change, values) in enumerate(_in_time(trial, changes)):
            try:
                trial.execute(change, tuple(values))
            except apsw.ConstraintError as error:
                found.append((position, str(error)))
    return found


def _in_time(trial: apsw.Connection, items: Iterable[_Item]) -> Iterator[_Item]:
    """As many as there is time for; what the connection does for one of them ends with it, too."""
    until = time.monotonic() + _SECONDS
    trial.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    return takewhile(lambda _: time.monotonic() <= until, items)


def _few(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """As many as may be copied; up to one whose text is no UTF-8."""
    left = _BYTES
    with suppress(UnicodeDecodeError):
        for row in islice(rows, _ROWS):
            left -= sum(len(value) for value in row if isinstance(value, str | bytes))
            if left < 0:
                return
            yield row


def is_numbered(sql: str) -> bool:
    """Whether AUTOINCREMENT numbers the rows of a table made by `sql`; what cannot be made alone may be."""
    try:
        with _copy(sql) as trial:
            return bool(trial.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (COUNTERS,)).get)
    except apsw.Error:
        return True


class Rehearsal:
    """An empty table with its indexes, in which statements that write one row are tried.

    What judges a value before all of it is there refuses it or changes it: an index or a generated column
    over a part of it, or a column that takes the part for a number.
    """

    def __init__(self, table: str, made: Iterable[str]) -> None:
        self._table = f"main.{sql_name(table)}"
        self._trial = apsw.Connection(":memory:")
        self._trial.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        self._trial.pragma("ignore_check_constraints", 1)
        with suppress(apsw.Error):  # then it takes no row
            for sql in made:
                self._trial.execute(sql)

    def same(self, one: Iterable[str], other: Iterable[str], columns: str) -> bool:
        """Whether both make the same row; `columns` is the expression of all that it holds."""
        try:
            return self._made(one, columns) == self._made(other, columns)
        except apsw.Error:
            return False

    def _made(self, statements: Iterable[str], columns: str) -> object:
        try:
            for statement in statements:
                self._trial.execute(statement)
            return self._trial.execute(f"SELECT CAST({columns} AS BLOB) FROM {self._table}").get  # noqa: S608
        finally:
            self._trial.execute(f"DELETE FROM {self._table}")  # noqa: S608


@contextmanager
def _copy(sql: str) -> Iterator[apsw.Connection]:
    with closing(apsw.Connection(":memory:")) as trial:
        trial.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        trial.set_progress_handler(lambda: True, _STEPS)
        trial.execute(sql)
        yield trial


def _filler(kind: str) -> Any:
    """A value that a column of this type takes, also in a STRICT table."""
    if "INT" in kind:
        return 0
    return {"REAL": 0.0, "BLOB": b""}.get(kind, "")
