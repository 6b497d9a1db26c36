"""Rows of a list as text, CSV, JSON lines or SQL: for the clipboard and for files.

What a list never holds (secrets, password hashes) is in none of them, and of a webhook's URL its host alone.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import DECLARED
from app.services.records.webhooks import host_alone
from app.services.text import sql_name
from models.engine import Database
from models.progress import Progress, ignore

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


def text_of(database: Database, lists: Lists, query: ListQuery, keys: Keys, form: Format) -> str:
    """The rows as one text, for the clipboard."""
    stream = io.StringIO()
    _write(database, lists, query, keys, form, stream=stream)
    return stream.getvalue()


def to_file(
    path: Path,
    database: Database,
    lists: Lists,
    query: ListQuery,
    form: Format,
    *,
    keys: Keys | None = None,
    progress: Progress,
) -> int:
    """Writes the rows with these keys, or all that the query keeps, to `path`.

    What is at `path` is half a file until this returns: see `atomic.replacing`. Returns the number of
    rows. Raises the storage errors of the database, and `OSError` for the file.
    """
    if keys is None:
        keys = lists.load_keys(database, query)
    with path.open("w", encoding="utf-8", newline="") as stream:
        return _write(database, lists, query, keys, form, stream=stream, progress=progress)


def _write(
    database: Database,
    lists: Lists,
    query: ListQuery,
    keys: Keys,
    form: Format,
    *,
    stream: TextIO,
    progress: Progress = ignore,
) -> int:
    """Writes the list's own columns; as SQL only those that the table really has."""
    table = DECLARED[query.table]
    names = [column.name for column in table.listed if form is not Format.SQL or not column.of]
    public = [host_alone if table.column(name).host_only else None for name in names]
    line = _writer(query.table, names, form, stream)
    done = 0
    progress(done, len(keys))
    for done, row in enumerate(lists.rows(database, query, keys, names), 1):
        line(told(value) if told and value else value for told, value in zip(public, row, strict=True))
        if done % _STEP == 0:
            progress(done, len(keys))
    progress(done, len(keys))
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
