"""What the rows hold that are about to go, so that they go only as they were when they were copied."""

from collections.abc import Iterator, Mapping
from typing import Final

from peewee import SQL, Select

from app.services.records.rows import in_parts
from app.services.records.tables import AUDIT_CHAIN
from app.services.tenants.going import Going
from models.engine import Statement, raw, sql_name

MOST: Final = 1_000_000
"""Characters of a table's rows that are compared: a statement binds twice as many (D1_LIMITS)."""

_AT_ONCE: Final = 20
"""Columns of one call of a function, which takes 32 on D1."""


def contents(going: Going) -> Mapping[str, str | None]:
    """Of each table the rows that go, as text; None where that is more than `MOST`. The audit chain's are
    known by the hash that it ends with.
    """
    names = [name for name in going.going if name != AUDIT_CHAIN.name]
    sizes = [raw(f"SELECT total(length(found)) FROM ({_rows(going, name)})") for name in names]  # noqa: S608
    found: dict[str, str | None] = dict.fromkeys(names)
    small = [
        name
        for name, ((size,),) in zip(names, going.database.read_each(sizes), strict=True)
        if size + going.stored[name].written() <= MOST
    ]
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
