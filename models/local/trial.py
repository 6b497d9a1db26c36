"""What a table's own rules allow, tried on an empty copy of it in memory: no SQL is taken apart for that."""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, TypeVar

import apsw

from models.engine import TriedRows, sql_name
from models.errors import SearchTooLong
from models.local import statements
from models.local.bounded import bound_by
from models.progress import Stop
from models.schema import COUNTERS

_Item = TypeVar("_Item")
_Statements = Sequence[tuple[str, Sequence[Any]]]

_STEPS: Final = 100_000
"""Of SQLite's machine; to make a table takes a few hundred, and a hostile file's SQL may go on for ever."""

_ROWS: Final = 10_000
_BYTES: Final = 16_000_000
"""How much of a table is copied at most, to see whether its rows are in each other's way."""

_SECONDS_OF_ROWS: Final = 30.0
"""For how long new rows are tried: some 100,000 of them take one."""
_ASKED_EACH: Final = 0.05
"""Seconds after which whoever waits for them is asked whether they still do."""
_LONGEST: Final = 4_000_000
"""Bytes of what a rule works out of a new row; one that needs more is not tried."""

_SECONDS: Final = 1.0
"""For how long its rows are copied, or its changes tried: for each an index may count out anything."""

_WITH_INDEXES: Final = """
SELECT sql FROM main.sqlite_master
WHERE type IN ('table', 'index') AND lower(tbl_name) = lower(?) AND sql IS NOT NULL ORDER BY type = 'index'
"""

_COMPUTED: Final = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden > 1"
_INDEXED: Final = """
SELECT i."unique", i.partial, c.cid, c.name FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
WHERE c.key
"""
_OWN: Final = "SELECT name FROM pragma_table_xinfo(?) WHERE NOT hidden"
_KEYS: Final = """
SELECT i.name, c.cid, c.name, c.coll FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
WHERE i."unique" AND NOT i.partial AND c.key ORDER BY i.seq, c.seqno
"""
_FORMULA: Final = -2
"""What SQLite says instead of a column's number."""

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


def may_refuse(made: Sequence[str], table: str, given: Collection[str]) -> bool:
    """Whether anything but a NOT NULL might keep a row of a table that is `made` so from a change of columns,
    of which those `given` get another value than NULL.
    """
    if not made or re.search(r"\b(CHECK|STRICT)\b", made[0], re.IGNORECASE):
        return True
    try:
        with _copy(made[0], made[1:]) as trial:
            return _is_asked(trial, table, given, unique=False)
    except apsw.Error:
        return True


def refused_change(
    made: Sequence[str],
    table: str,
    columns: Sequence[str],
    tried: tuple[_Statements, _Statements],
    file: apsw.Connection | None = None,
    *,
    given: Collection[str],
) -> list[tuple[int, str]]:
    """Which of the changes a table does not take that is `made` so, with its indexes, and why in SQLite's
    words; without a word those of which that could not be tried.

    What is `tried` are insertions of the rows as they are, and the changes, one after another, which give
    columns NULL or, those `given`, another value, on a copy of it with, where a row may be in another's way,
    the others of the file, as far as these can be copied.
    """
    insertions, changes = tried
    found = dict.fromkeys(range(len(changes)), "")
    with suppress(apsw.Error, TimeoutError), _copy(made[0] if made else "", made[1:]) as trial:
        trial.pragma("ignore_check_constraints", 1)  # a row may have broken one when it was written
        for insertion, values in _in_time(trial, insertions):
            trial.execute(insertion, tuple(values))
        are_alone = not _is_asked(trial, table, given, unique=True)
        if file is not None and not are_alone:
            with suppress(apsw.InterruptError, TimeoutError, UnicodeDecodeError, OverflowError):
                _copy_rows(trial, table, file, columns)
                are_alone = True
        trial.pragma("ignore_check_constraints", 0)
        for position, (change, values) in enumerate(_in_time(trial, changes)):
            try:
                trial.execute(change, tuple(values))
                if are_alone and trial.changes() == 1:
                    del found[position]
            except apsw.InterruptError:
                break
            except apsw.Error as error:  # of a CHECK that cannot be worked out, too
                found[position] = str(error)
    return [*found.items()]


def try_rows(
    made: Sequence[str],
    table: str,
    rows: Sequence[Mapping[str, Any]],
    wanted: Collection[str],
    cancelled: Stop,
    *,
    file: apsw.Connection | None = None,
) -> TriedRows | None:
    """What a table makes of new rows that is `made` so, with its indexes; the others of the `file` are looked
    at, too, where a UNIQUE by a formula has a say, as far as they can be copied. None where it cannot be made
    alone.
    """
    refused: dict[int, str] = {}
    until, asked = time.monotonic() + _SECONDS_OF_ROWS, 0.0
    with suppress(apsw.Error), _copy(made[0] if made else "", made[1:]) as trial:
        if file is not None and _has_formula(trial, table):
            with suppress(apsw.Error, TimeoutError, UnicodeDecodeError, OverflowError):
                columns_of = [name for (name,) in file.execute(_OWN, (table,))]
                _copy_rows(trial, table, file, columns_of)
        trial.set_progress_handler(lambda: cancelled() or time.monotonic() > until, _STEPS)
        trial.limit(apsw.SQLITE_LIMIT_LENGTH, _LONGEST)  # what one function does is not interrupted
        statements: dict[tuple[str, ...], str] = {}
        tried = len(rows)
        for position, row in enumerate(rows):
            now = time.monotonic()
            is_unwanted = now - asked > _ASKED_EACH and cancelled()
            if is_unwanted or now > until:
                tried = position
                break
            asked = now if now - asked > _ASKED_EACH else asked
            names = tuple(row)
            if names not in statements:
                places, quoted = ", ".join("?" * len(names)), ", ".join(map(sql_name, names))
                statements[names] = f"INSERT OR ABORT INTO {sql_name(table)} ({quoted}) VALUES ({places})"  # noqa: S608
            try:
                trial.execute(statements[names], tuple(row.values()))
            except apsw.TooBigError:
                continue
            except apsw.InterruptError:
                tried = position
                break
            except apsw.Error as error:  # of a CHECK that cannot be worked out, too
                refused[position] = str(error)
        trial.set_progress_handler(None)
        unique = _unique(trial, table)
        columns = dict.fromkeys([*wanted, *(name for key in unique for name, _ in key)])
        return TriedRows(refused, _as_stored(trial, table, rows[:tried], [*columns]), unique)
    return None


def _as_stored(
    trial: apsw.Connection, table: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """What the trial holds of each of these rows, which an id names."""
    places = {row["id"]: position for position, row in enumerate(rows) if "id" in row}
    if not (columns and places):
        return {}
    found = trial.execute(f"SELECT id, {', '.join(map(sql_name, columns))} FROM {sql_name(table)}")  # noqa: S608
    return {
        places[name]: dict(zip(columns, values, strict=True))
        for name, *values in found
        if isinstance(name, str) and name in places
    }


def _unique(trial: apsw.Connection, table: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The columns of each UNIQUE of all rows and without a formula, with their collations."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for index, column, name, collation in trial.execute(_KEYS, (table,)):
        found.setdefault(index, []).append((column, str(name), str(collation)))
    return tuple(
        tuple((name, collation) for _, name, collation in key)
        for key in found.values()
        if all(column != _FORMULA for column, *_ in key)
    )


def _has_formula(trial: apsw.Connection, table: str) -> bool:
    computed = {name.lower() for (name,) in trial.execute(_COMPUTED, (table,))}
    return any(
        unique and (partial or column == _FORMULA or str(name).lower() in computed)
        for unique, partial, column, name in trial.execute(_INDEXED, (table,))
    )


def _copy_rows(trial: apsw.Connection, table: str, file: apsw.Connection, columns: Sequence[str]) -> None:
    """The rows of the file, if they are no more than may be copied in time."""
    names, places = ", ".join(map(sql_name, columns)), ", ".join("?" * len(columns))
    rows = file.execute(f"SELECT {names} FROM main.{sql_name(table)}")  # noqa: S608
    into = f"INSERT OR IGNORE INTO {sql_name(table)} ({names}) VALUES ({places})"  # noqa: S608
    trial.executemany(into, _in_time(trial, _few(rows)))


def _is_asked(trial: apsw.Connection, table: str, given: Collection[str], *, unique: bool) -> bool:
    """Whether an index, or unless it is only to be `unique` a generated column, has a say in a change that
    gives these columns another value than NULL.
    """
    names = {name.lower() for name in given}
    computed = {name.lower() for (name,) in trial.execute(_COMPUTED, (table,))}
    if computed and not unique:
        return True
    for is_unique, is_partial, column, name in trial.execute(_INDEXED, (table,)).fetchall():
        formula = is_partial or column == _FORMULA or str(name).lower() in computed
        if (formula and not unique) or (is_unique and (formula or str(name).lower() in names)):
            return True
    return False


def _in_time(trial: apsw.Connection, items: Iterable[_Item]) -> Iterator[_Item]:
    """While there is time, else a `TimeoutError`; what the connection does for one of them ends with it."""
    until = time.monotonic() + _SECONDS
    trial.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    for item in items:
        if time.monotonic() > until:
            raise TimeoutError
        yield item


def _few(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """If they are no more than may be copied, else an `OverflowError`."""
    left = _BYTES
    for number, row in enumerate(rows):
        left -= sum(len(value) for value in row if isinstance(value, str | bytes))
        if number == _ROWS or left < 0:
            raise OverflowError
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
        self._trial.pragma("ignore_check_constraints", 1)
        with suppress(apsw.Error):  # then it takes no row
            for sql in made:
                make(self._trial, sql)

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
def _copy(sql: str, indexes: Sequence[str] = ()) -> Iterator[apsw.Connection]:
    """Without the indexes that cannot be made: of another program's function, say."""
    with closing(apsw.Connection(":memory:")) as trial:
        make(trial, sql)
        for index in indexes:
            with suppress(apsw.Error):
                make(trial, index)
        trial.set_progress_handler(lambda: True, _STEPS)
        yield trial


def make(trial: apsw.Connection, line: str) -> None:
    """Makes what a line of a schema does, in a database in memory: what a hostile file has behind it is not
    run, nor for ever, and no other file is made. Raises what SQLite raises.
    """
    trial.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
    bound_by(trial, [line], lambda name: SearchTooLong("The table", name))
    trial.set_progress_handler(lambda: True, _STEPS)
    try:
        trial.execute(statements.first(line) or "")
    finally:
        trial.set_progress_handler(None)


def _filler(kind: str) -> Any:
    """A value that a column of this type takes, also in a STRICT table."""
    if "INT" in kind:
        return 0
    return {"REAL": 0.0, "BLOB": b""}.get(kind, "")
