"""What a table's own rules allow, tried on an empty copy of it in memory: no SQL is taken apart for that."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

import apsw

from models.engine import sql_name
from models.schema import COUNTERS

_STEPS: Final = 100_000
"""Of SQLite's machine; to make a table takes a few hundred, and a hostile file's SQL may go on for ever."""

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
