"""Rows of the audit chain as lines of JSON, exactly as stored, for evidence and archives.

One object a line with the columns of the table. What JSON cannot hold as it is (text that is not UTF-8 or
holds NUL, BLOBs) is written as `{"hex": "…"}`.
"""

import json
from collections.abc import Iterator
from typing import Any

import apsw

from app.services.chain.verify.source import COLUMNS

_TEXT = COLUMNS[1:6]
QUICK = (
    "CASE WHEN "
    + " AND ".join(f"typeof({name}) = 'text'" for name in _TEXT)
    + " AND typeof(created_at) = 'integer' THEN CAST(json_object("
    + ", ".join(f"'{name}', {name}" for name in COLUMNS)
    + ") AS BLOB) END"
)
"""The line of a row whose columns have their usual types, as an SQL expression; NULL for any other row."""

_SLOW = ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in COLUMNS)


def lines(connection: apsw.Connection, *, tenant: str | None, first: int, last: int) -> Iterator[bytes]:
    """The lines of the rows with `first <= seq <= last`, in order, each with its line break.

    In constant memory; SQLite writes the JSON of every ordinary row. Raises apsw's errors.
    """
    where = "seq BETWEEN ? AND ?" + ("" if tenant is None else " AND +tenant_id = ?")
    params: tuple[Any, ...] = (first, last) if tenant is None else (first, last, tenant)
    sql = f"SELECT seq, {QUICK} FROM main.audit_chain WHERE {where} ORDER BY seq"  # noqa: S608
    for seq, line in connection.execute(sql, params):
        if line is not None and is_plain(line):
            yield line + b"\n"
        else:
            yield slow_line(connection, seq)


def is_plain(line: bytes) -> bool:
    """Whether a line that SQLite wrote says all that the row holds."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return b"\\u0000" not in line and b"\0" not in line


def slow_line(connection: apsw.Connection, seq: int) -> bytes:
    """The line of any row, with its line break."""
    row = connection.execute(f"SELECT {_SLOW} FROM main.audit_chain WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
    values = (
        {}
        if row is None
        else {name: _value(row[2 * index], row[2 * index + 1]) for index, name in enumerate(COLUMNS)}
    )
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _value(kind: str, stored: bytes | None) -> Any:
    if stored is None:
        return None
    if kind == "integer":
        return int(stored)
    if kind == "text" and b"\0" not in stored:
        try:
            return stored.decode()
        except UnicodeDecodeError:
            pass
    return {"hex": stored.hex()} if kind != "real" else stored.decode()


def raw(value: Any) -> bytes:
    """The stored bytes of a column of a line, in the form that was hashed."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return b"" if value is None else str(value).encode()
