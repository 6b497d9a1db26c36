"""What the rows hold that are about to go, so that they go only as they were when they were copied."""

from collections.abc import Iterator, Mapping
from typing import Final

from peewee import SQL, RawQuery, Select

from app.services.records.rows import in_parts
from app.services.records.tables import AUDIT_CHAIN
from app.services.tenants.going import Going
from models.engine import Statement, raw, sql_name

MOST: Final = 1_000_000
"""Characters of a table's rows that are compared: a statement binds twice as many (D1_LIMITS)."""

_CELL: Final = 20
"""Characters that a cell takes beside its bytes, which stand there in hexadecimal."""
_AT_ONCE: Final = 20
"""Columns of one call of a function, which takes 32 on D1."""


def contents(going: Going, rows: Mapping[str, int]) -> Mapping[str, str | None]:
    """Of each table the rows that go, so many, as text; None where that may be more than `MOST`. The audit
    chain's are known by the hash that it ends with.
    """
    names = [name for name in rows if name != AUDIT_CHAIN.name]
    found: dict[str, str | None] = dict.fromkeys(names)
    sizes = going.database.read_each([_size(going, name) for name in names])
    small = []
    for name, (each,) in zip(names, sizes, strict=True):
        if 2 * sum(each) + _CELL * len(each) * rows[name] <= MOST:
            small.append(name)
    asked = [raw(_whole(going, name)) for name in small]
    for name, ((text,),) in zip(small, going.database.read_each(asked), strict=True):
        found[name] = text or ""
    return found


def as_copied(going: Going, known: Mapping[str, str | None]) -> Iterator[Statement]:
    """Fails where the rows are not just those any more."""
    for name, text in known.items():
        if text is not None:
            same = f"coalesce(({_whole(going, name)}), '') = ?"
            yield Statement(Select(columns=[SQL("1")]).where(SQL(same, [text])))


def _size(going: Going, name: str) -> RawQuery:
    """How many bytes each column has: a row as text may be more than a value can be."""
    cells = (f"total(length(CAST({sql_name(one)} AS BLOB)))" for one in going.stored[name].columns)
    return raw(f"SELECT {', '.join(cells)} FROM main.{sql_name(name)} WHERE {going.going[name]}")  # noqa: S608


def _whole(going: Going, name: str) -> str:
    return f"SELECT group_concat(found, ';') FROM ({_rows(going, name)} ORDER BY 1)"  # noqa: S608


def _rows(going: Going, name: str) -> str:
    cells = map(_cell, going.stored[name].columns)
    parts = (f"json_array({', '.join(some)})" for some in in_parts(cells, _AT_ONCE))
    row = f"json_array({', '.join(parts)})"
    return f"SELECT {row} AS found FROM main.{sql_name(name)} WHERE {going.going[name]}"  # noqa: S608


def _cell(column: str) -> str:
    """A value to its last bit, whatever it is."""
    cell = sql_name(column)
    return f"CASE typeof({cell}) WHEN 'real' THEN quote({cell}) ELSE typeof({cell}) || hex({cell}) END"
