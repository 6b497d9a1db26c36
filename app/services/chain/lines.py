"""Rows of the audit chain as lines of JSON, exactly as stored, for evidence and archives.

One object a line with the columns of the table. What JSON cannot hold as it is (text that is not UTF-8 or
holds NUL, BLOBs) is written as `{"hex": "…"}`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from app.services.chain.entry import USUAL_KINDS, is_text
from app.services.chain.rules import COLUMNS, TABLE
from models.engine import Database, Row, raw

_CHUNK: Final = 1_000
"""Entries read at a time, at most: no read holds its snapshot, or the interpreter, for long."""

_FIRST_CHUNK: Final = 32
_CHUNK_BYTES: Final = 1_000_000
"""Above this, fewer entries are read the next time: some are megabytes long."""

_OBJECT: Final = ", ".join(f"'{name}', {name}" for name in COLUMNS)
_QUICK: Final = f"CASE WHEN {USUAL_KINDS} THEN CAST(json_object({_OBJECT}) AS BLOB) END"
"""The line of a row whose columns have their usual types, as SQLite writes it; NULL for any other row."""

_EVERY: Final = ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in COLUMNS)


def chunks(
    database: Database, *, tenant: str | None, first: int, last: int, by_index: bool = False, more: str = ""
) -> Iterator[list[Row]]:
    """The rows with `first <= seq <= last` in order, bounded in bytes: seq, line with its break, `more`.

    `more` are columns of SQL. `by_index` finds the rows of a tenant fast, which an index may hide. The SQL is
    by hand: SQLite writes the JSON of every ordinary row. Raises the storage errors.
    """
    whose = "" if tenant is None else f"AND {'' if by_index else '+'}tenant_id = ?"
    columns = f", {more}" if more else ""
    sql = (
        f"SELECT seq, {_QUICK}{columns} FROM {TABLE} "  # noqa: S608
        f"WHERE seq BETWEEN ? AND ? {whose} ORDER BY seq LIMIT ?"
    )
    values = () if tenant is None else (tenant,)

    def read(start: int, limit: int) -> list[Row]:
        rows = database.rows(raw(sql, start, last, *values, limit))
        return [(seq, _with_break(database, seq, line), *rest) for seq, line, *rest in rows]

    yield from bounded(read, first, last, sized=1)


def bounded(
    read: Callable[[int, int], list[Row]], first: int, last: int, *, sized: int
) -> Iterator[list[Row]]:
    """The rows of `read(first, limit)` until `last`, in order of seq, which is their first column.

    A few at first, then as many as hold about a megabyte in the column `sized`.
    """
    limit = _FIRST_CHUNK
    while first <= last:
        rows = read(first, limit)
        yield rows
        if len(rows) < limit:
            return
        first = rows[-1][0] + 1
        size = sum(len(row[sized] or b"") for row in rows)
        limit = min(_CHUNK, limit * 2) if size < _CHUNK_BYTES else max(1, limit // 2)


def stored_bytes(value: Any) -> bytes:
    """The stored bytes of a column of a line, in the form that was hashed."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return b"" if value is None else str(value).encode()


def _with_break(database: Database, seq: int, line: bytes | None) -> bytes:
    """The line that SQLite wrote, where it says all that the row holds; else one of our own."""
    if line is not None and b"\\u0000" not in line and is_text(line):
        return line + b"\n"
    rows = database.rows(raw(f"SELECT {_EVERY} FROM {TABLE} WHERE seq = ?", seq))  # noqa: S608
    values = {
        name: _value(row[2 * index], row[2 * index + 1]) for row in rows for index, name in enumerate(COLUMNS)
    }
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _value(kind: str, raw_bytes: bytes | None) -> Any:
    if raw_bytes is None:
        return None
    if kind == "integer":
        return int(raw_bytes)
    if kind == "text" and is_text(raw_bytes):
        return raw_bytes.decode()
    return {"hex": raw_bytes.hex()} if kind != "real" else raw_bytes.decode()
