"""The records that an audit entry's payload names by their ids, and what they are called now."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from peewee import Column
from peewee import Table as Source

from app.services.records import notifications
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import NOTIFICATIONS, Table
from app.services.text import readable
from models.engine import Database
from models.schema import Schema

MOST: Final = 20
"""Records that are looked up of one payload, which may name a thousand."""

NAMES: Final[Mapping[str, Table]] = {
    **notifications.NAMES,
    "notificationId": NOTIFICATIONS,
    "notificationIds": NOTIFICATIONS,
}
"""Under which names payloads hold ids, or lists of them, and of which table."""

_DEEP: Final = 4
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A record that a payload names: its `title` is None where this database has it no more, and `tenant_id`
    where it has none.
    """

    table: Table
    id: str
    title: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """The first `MOST` records of a payload, in its order, and how many `more` it names."""

    records: tuple[Mentioned, ...] = ()
    more: int = 0


def mentioned(payload: str) -> Mentions:
    """What a payload names, of which nothing is known yet; nothing where it is no JSON."""
    try:
        found = list(dict.fromkeys(_ids(json.loads(payload))))
    except (ValueError, RecursionError):
        return Mentions()
    records = tuple(Mentioned(NAMES[name], record_id) for name, record_id in found)
    distinct = tuple(dict.fromkeys(records))
    return Mentions(distinct[:MOST], len(distinct[MOST:]))


def looked_up(database: Database, mentions: Mentions, schema: Schema) -> Mentions:
    """The same with what each is called, all of one moment; each that is there is one row that is read."""
    asked = [
        table
        for table in dict.fromkeys(record.table for record in mentions.records)
        if table.name in schema.stored and table.key.source in schema.stored[table.name].names
    ]
    there: dict[tuple[str, str], Mentioned] = {}
    found = database.read_batch([_query(table, mentions, schema) for table in asked]) if asked else []
    for table, rows in zip(asked, found, strict=True):
        for row in rows:
            key, tenant, *names = (None if cell is None else legible(decoded(cell)) for cell in row)
            title = next(filter(None, map(readable, names)), readable(key))[:_LONGEST]
            whose = None if tenant is None else readable(tenant)
            there[table.name, readable(key)] = Mentioned(table, readable(key), title, whose)
    known = (
        there.get((record.table.name, record.id)) or Mentioned(record.table, record.id)
        for record in mentions.records
    )
    return Mentions(tuple(known), mentions.more)


def _query(table: Table, mentions: Mentions, schema: Schema) -> Any:
    """Id, tenant and names of the records of a table, as far as the file has these columns."""
    names, source = schema.stored[table.name].names, Source(table.name)
    key = Column(source, table.key.source)
    wanted = ("tenant_id", *table.heading)
    cells = [exactly(Column(source, name) if name in names else None) for name in wanted]
    ids = [record.id for record in mentions.records if record.table is table]
    return source.select(exactly(key), *cells).where(key.in_(ids))


def _ids(value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEP:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _ids(inner, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in NAMES:
                several = inner if isinstance(inner, list) else [inner]
                yield from ((name, one) for one in several if isinstance(one, str) and one)
            else:
                yield from _ids(inner, depth + 1)
