"""Rows of a list as text, CSV, JSON lines or SQL: for the clipboard and for files.

Every column that the file has, known to us or not, and each value in its storage class; but no secret is in
any of them, of a webhook's URLs their hosts alone, of Slack's and Discord's in any column, and no user name
of one in a column of others. In text, which people paste, times are times, in UTC. How a value is said in
SQL, to the last bit, stands at the end: of one that was read, or by SQLite itself of a column, which is
faster.
"""

import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final, TextIO, cast

from app.services.chain.rules import seconds
from app.services.records.known import NOTHING_KNOWN, Chosen, Known
from app.services.records.list_query import ListQuery
from app.services.records.lists import WHOLE_ROWS_AT_ONCE, Keys, Lists, Row
from app.services.records.rows import RawText, Value
from app.services.records.tables import (
    AUDIT_CHAIN,
    DECLARED,
    WEBHOOK_DESTINATIONS,
    ColumnKind,
    Table,
    TableColumn,
    undeclared,
    undeclared_of,
)
from app.services.records.urls import host_alone, hostname_alone, without_urls, without_users, written_with
from app.services.secrets.forms import SEPARATORS, marked, without_secrets
from app.services.text import cell, one_cell, one_cells, readable
from models import engine, errors, schema
from models.engine import Database, sql_name
from models.progress import Progress, ignore

_STEP = 1000
_TELLING = 4000
"""Rows that tell how long all are; those of a list differ, so a quarter more than is taken is let begin."""
_WRITTEN = frozenset({str, bytes, RawText})
_QUOTED = re.compile('[",\r\n]')


Values = Sequence[Value]
"""Those of one column, in the order of the rows."""


class Format(StrEnum):
    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """The rows with these `keys`, as far as they are those `known` by them, or all that the `query` keeps, in
    a form; `most` characters are taken.
    """

    query: ListQuery
    form: Format
    keys: Keys | None = None
    most: int | None = None
    known: Known = NOTHING_KNOWN


def text_of(database: Database, lists: Lists, wanted: RowsWanted) -> tuple[str, int]:
    """The rows as one text, for the clipboard, and how many they are. Raises as `to_file` does."""
    stream = io.StringIO()
    count = _write(stream, database, lists, wanted)
    return stream.getvalue(), count


def to_file(path: Path, database: Database, lists: Lists, wanted: RowsWanted, *, progress: Progress) -> int:
    """What is at `path` is half a file until this returns: see `atomic.replacing`. Returns the number of
    rows. Raises the storage errors of the database, `OSError` for the file, and `TooMuch` as soon as there
    are more than `most` characters, or the first thousands of rows say that there will be; `RowChanged` as
    `Chosen` does.
    """
    with path.open("w", encoding="utf-8", newline="") as stream:
        return _write(stream, database, lists, wanted, progress)


def _write(
    stream: TextIO, database: Database, lists: Lists, wanted: RowsWanted, progress: Progress = ignore
) -> int:
    query, form, keys, most = wanted.query, wanted.form, wanted.keys, wanted.most
    if keys is None:
        keys = lists.load_keys(database, query)
    columns = _columns(database, DECLARED[query.table], form)
    times = [
        at for at, column in enumerate(columns) if column.kind is ColumnKind.TIME and form is Format.TEXT
    ]
    names = [f"{column.name} (UTC)" if at in times else column.name for at, column in enumerate(columns)]
    head, lines = _in_form(query.table, names, form)
    stream.write(head)
    safe = [
        (at, _all_as_exported(query.table, column))
        for at, column in enumerate(columns)
        if column.kind is not ColumnKind.PRESENCE
    ]
    done = length = 0
    progress(done, len(keys))
    rows = _rows(database, lists, wanted, keys, columns)
    while part := [*islice(rows, WHOLE_ROWS_AT_ONCE)]:
        values: list[Values] = [*zip(*part, strict=True)]
        for at, said in safe:
            values[at] = said(values[at])
        for at in times:
            values[at] = [*map(as_time, values[at])]
        for line in lines(values):
            done += 1
            length += stream.write(line)
            if most is not None:
                foreseen = length * len(keys) // done if done == _TELLING else 0
                if length > most or foreseen > most * 5 // 4:
                    raise errors.TooMuch(f"it would be more than {most:,} characters")
            if done % _STEP == 0:
                progress(done, len(keys))
    progress(done, len(keys))
    return done


def _rows(
    database: Database, lists: Lists, wanted: RowsWanted, keys: Keys, columns: Sequence[TableColumn]
) -> Iterator[Row]:
    """Where nothing is known of the rows by their keys, whatever has these."""
    if wanted.known == NOTHING_KNOWN:
        return lists.stored_rows(database, wanted.query, keys, columns)
    chosen = Chosen(lists, wanted.query, keys, wanted.known)
    with_id = [DECLARED[wanted.query.table].key, *columns]
    return (row[1:] for row in chosen.stored_rows(database, with_id))


def _all_as_exported(table: str, column: TableColumn) -> Callable[[Values], Values]:
    """The same as `as_exported` of many values, most of which stay as they are."""
    safe = as_exported(table, column)
    if not column.is_declared or column.host_only:
        return lambda values: tuple(value and safe(value) for value in values)
    also = () if table == AUDIT_CHAIN.name else SEPARATORS

    def without(values: Values) -> Values:
        kinds = set(map(type, values))
        if kinds.isdisjoint(_WRITTEN):
            return values
        if kinds == {str}:
            found = marked(cast(Sequence[str], values), also)
        else:
            texts = [value if isinstance(value, str) else "" for value in values]
            others = (at for at, value in enumerate(values) if isinstance(value, bytes | RawText))
            found = {*marked(texts, also), *others}
        if not found:
            return values
        changed = [*values]
        for at in found:
            changed[at] = changed[at] and safe(changed[at])
        return changed

    return without


def as_exported(table: str, column: TableColumn) -> Callable[[Value], Value]:
    """What takes out of a column's values what may let anybody in: of a webhook, or what is called one, its
    URLs but for their hosts, and of every one the user names in them and the paths of Slack's and Discord's.
    """
    if not column.is_declared:
        is_webhook = column.host_only or table == WEBHOOK_DESTINATIONS.name
        without = without_urls if is_webhook else without_users
        return lambda value: without(without_users(_without_members(column.said(value))))
    special = {"hostname": hostname_alone, "name": without_urls}
    hides: Callable[[Value], Value] = without_users
    if column.host_only:
        hides = special.get(column.name, host_alone)
    if table == AUDIT_CHAIN.name:  # what is hashed
        return hides
    return lambda value: hides(_without_members(value))


def _without_members(value: Value) -> Value:
    """The value without the texts in it that are called as secrets are, also of a BLOB."""
    if isinstance(value, str):  # as most are
        return without_secrets(value)
    return written_with(without_secrets, value) if isinstance(value, bytes | RawText) else value


def as_time(value: Value) -> Value:
    """A stored time as people write it, `2026-11-22 13:55:07` in UTC, to the millisecond where it is kept in
    these; what is none, or a fraction, as it is stored.
    """
    if not isinstance(value, int | float) or value % 1:
        return value
    try:
        at = seconds(int(value))
        rest = f".{int(value) % 1000:03}" if at != value and value % 1000 else ""
        minutes, second = divmod(at, 60)
        day, minute = divmod(minutes, 24 * 60)
        return f"{_day(day)} {_minute(minute)}:{second:02}{rest}"
    except (OverflowError, OSError, ValueError):
        return value


@lru_cache(maxsize=4096)  # of 100,000 times few days differ
def _day(day: int) -> str:
    return datetime.fromtimestamp(day * 24 * 3600, UTC).isoformat()[:10]


@lru_cache(maxsize=24 * 60)
def _minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _columns(database: Database, table: Table, form: Format) -> list[TableColumn]:
    """The file's columns in its own order, known to us or not; of a secret only whether there is one. As SQL
    those that can be inserted.
    """
    tables, _ = schema.read_stored(database)
    if table.name not in tables:
        raise errors.TableMissing(table.name)
    stored = tables[table.name]
    names = stored.columns if form is Format.SQL else stored.names
    found = [_column(table, name) for name in names]
    return [column for column in found if form is not Format.SQL or not column.of]


def _column(table: Table, name: str) -> TableColumn:
    """A column of the file, as it is declared or as the file alone has it."""
    known = (one for one in table.columns if one.source == name and not one.is_derived)
    return next(known, None) or undeclared(name, of_people=table.of_people)


def plain_of(
    table: str, name: str, beside: Iterable[str] = ()
) -> Callable[[Value], str | int | float | None] | None:
    """How the values of a column of any table are given in JSON lines; None of one that holds secrets. Of a
    table that nobody has declared its columns, `beside`, tell more of what these are.
    """
    known = DECLARED.get(table)
    column = undeclared_of(table, name, beside) if known is None else _column(known, name)
    if column.kind is ColumnKind.PRESENCE:
        return None
    safe = as_exported(table, column)
    return lambda value: _plain(value and safe(value))


def _in_form(
    table: str, names: Sequence[str], form: Format
) -> tuple[str, Callable[[Sequence[Values]], Iterable[str]]]:
    """What stands before the rows, and what gives the lines of some, given the values of each column."""
    if form is Format.TEXT:

        def lines(columns: Sequence[Values]) -> Iterable[str]:
            return (f"{line}\n" for line in map("\t".join, zip(*map(_all_words, columns), strict=True)))

        return "\t".join(map(one_cell, names)) + "\n", lines
    line, head = csv_line, ""
    if form is Format.CSV:
        head = csv_line(names)
    elif form is Format.JSON:

        def line(row: Iterable[Value]) -> str:
            return json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False) + "\n"

    else:
        quoted = ", ".join(map(sql_name, names))
        insert = f"INSERT INTO {sql_name(table)} ({quoted}) VALUES ("  # noqa: S608 - names of our own models

        def line(row: Iterable[Value]) -> str:
            return insert + ", ".join(map(literal, row)) + ");\n"

    return head, lambda columns: map(line, zip(*columns, strict=True))


def _all_words(values: Values) -> Iterable[str]:
    """The same as `_words` of many values, which are mostly of one kind."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return one_cells(cast(Sequence[str], values))
    return map(str if kinds == {int} else _words, values)


def csv_line(row: Iterable[Value]) -> str:
    """A line as RFC 4180 has it, with NULL as PostgreSQL writes it: an empty text is quoted, NULL is not."""
    cells = (value if value is None else _cell(value, cell) for value in row)
    return ",".join("" if text is None else _field(text) for text in cells) + "\r\n"


def _field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if not text or _QUOTED.search(text) else text


def _plain(value: Value) -> str | int | float | None:
    """The value as JSON has it; what that has no form for, a BLOB, text that is no UTF-8 and infinity, as the
    text that SQL would take for it.
    """
    if isinstance(value, bytes | RawText) or (isinstance(value, float) and math.isinf(value)):
        return literal(value)
    return value


def _words(value: Value) -> str:
    """For people: infinity as lists show it. It is a number, and no text that a spreadsheet would run."""
    return readable(value) if isinstance(value, float) and math.isinf(value) else _cell(value, one_cell)


def _cell(value: Value, safe: Callable[[str], str]) -> str:
    """The same for a cell, text as `safe` gives it, which no number is, not even infinity; NULL is empty."""
    if type(value) is str:  # as nearly all are
        return safe(value)
    plain = _plain(value)
    if isinstance(value, float):
        return str(plain)
    return "" if plain is None else safe(plain) if isinstance(plain, str) else str(plain)


_EXPRESSION: Final = """
CASE
  WHEN % COLLATE BINARY >= '' THEN CASE
    WHEN % COLLATE BINARY < x'' THEN '''' || replace(%, '''', '''''') || ''''
    ELSE 'x''' || lower(hex(%)) || ''''
  END
  WHEN typeof(%) = 'integer' THEN %
  WHEN % IS NULL THEN 'NULL'
  WHEN % = 9e999 THEN '9e999'
  WHEN % = -9e999 THEN '-9e999'
  WHEN % = 0.0 THEN iif(atan2(%, -1.0) < 0, '-0.0', '0.0')
  ELSE quote(%)
END
"""
"""Not quote() of text, which ends at a NUL. All texts and nothing else are between the empty text and the
empty BLOB: to compare takes two thirds of the time of typeof().
"""


def literal(value: Value) -> str:
    """The value as SQL. Text that is no UTF-8, or not kept (`is_kept`), is given as its bytes."""
    match value:
        case RawText(raw):
            return f"CAST({engine.literal(raw)} AS TEXT)"
        case str() if not is_kept(value):
            return f"CAST({engine.literal(value.encode())} AS TEXT)"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return engine.literal(value)


def is_kept(text: str) -> bool:
    """Whether all that take SQL read a text as it is: sqlite3's shell drops the CR of a line break of CR and
    LF, also within quotes.
    """
    return "\0" not in text and "\r" not in text


def as_sql(column: str) -> str:
    """The expression that gives a column's value, its name as SQL takes it, as SQL.

    What it gives of a text that is no UTF-8, or not kept (`is_kept`), holds its bytes as they are.
    """
    return _EXPRESSION.replace("%", column)
