"""Rows of a list as text, CSV, JSON lines or SQL: for the clipboard and for files.

What a list never holds (secrets, password hashes) is in none of them.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import DECLARED
from app.services.text import sql_name
from models.engine import Database
from models.errors import Cancelled

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What makes a spreadsheet run a cell; the apostrophe as well, so that taking one off always undoes it."""

_STEP = 1000


class Format(StrEnum):
    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    SQL = "sql"


def csv_cell(value: Any) -> Any:
    """A value for a CSV cell: text that a spreadsheet would run has an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def sql_literal(value: Any) -> str:
    """A value as SQLite reads it back, byte for byte. Text with a NUL is written as its bytes."""
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return repr(value + 0)
        case bytes():
            return f"x'{value.hex()}'"
    text = str(value)
    if "\0" in text:
        return f"CAST(x'{text.encode().hex()}' AS TEXT)"
    return "'" + text.replace("'", "''") + "'"


def columns(query: ListQuery, form: Format) -> tuple[str, ...]:
    """The columns written: the list's own; for SQL only those that the table really has."""
    spec = DECLARED[query.table]
    if form is Format.SQL:
        return tuple(column.name for column in spec.listed if column.source == column.name)
    return spec.names


def write(
    table: str, names: Sequence[str], rows: Iterable[Iterable[Any]], form: Format, stream: TextIO
) -> Iterator[int]:
    """Writes rows of the columns `names`, yielding how many are written now and then, and at the end."""
    line = _writer(table, names, form, stream)
    number = 0
    for number, row in enumerate(rows, 1):
        line(row)
        if number % _STEP == 0:
            yield number
    yield number


def text_of(database: Database, lists: Lists, query: ListQuery, keys: Keys, form: Format) -> str:
    """The rows as one text, for the clipboard."""
    stream = io.StringIO()
    names = columns(query, form)
    for _ in write(query.table, names, lists.rows(database, query, keys, names), form, stream):
        pass
    return stream.getvalue()


def to_file(
    path: Path,
    database: Database,
    lists: Lists,
    query: ListQuery,
    form: Format,
    *,
    keys: Keys | None = None,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Writes the rows with these keys, or all that the query keeps, to `path`.

    What is at `path` is half a file until this returns: see `atomic.replacing`. Returns the number of
    rows. Raises `Cancelled`, the storage errors of the database, and `OSError` for the file.
    """
    if keys is None:
        keys = lists.load_keys(database, query)
    names = columns(query, form)
    done = 0
    progress(done, len(keys))
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = lists.rows(database, query, keys, names)
        for done in write(query.table, names, rows, form, stream):
            progress(done, len(keys))
            if cancelled():
                raise Cancelled
    return done


def _writer(
    table: str, names: Sequence[str], form: Format, stream: TextIO
) -> Callable[[Iterable[Any]], object]:
    if form is Format.CSV:
        writer = csv.writer(stream)
        writer.writerow(names)
        return lambda row: writer.writerow([csv_cell(value) for value in row])
    if form is Format.JSON:
        return lambda row: stream.write(
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"
        )
    if form is Format.SQL:
        quoted = ", ".join(map(sql_name, names))
        head = f"INSERT INTO {sql_name(table)} ({quoted}) VALUES ("  # noqa: S608 - names of our own models
        return lambda row: stream.write(head + ", ".join(map(sql_literal, row)) + ");\n")
    stream.write("\t".join(names) + "\n")
    return lambda row: stream.write("\t".join(_one_line(value) for value in row) + "\n")


def _one_line(value: Any) -> str:
    return "" if value is None else str(value).replace("\t", " ").replace("\r", " ").replace("\n", " ")
