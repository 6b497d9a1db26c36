"""Search everything: one text, looked for in the table of every tab."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.services.errors import TableMissing
from app.services.records import tables
from app.services.records.list_query import ListQuery
from app.services.records.lists import Cell, Lists, position
from app.services.records.tables import SPECS
from app.services.scope import EVERYONE, Scope
from models.local.database import LocalDatabase

EXCERPT: Final = 80
"""Characters shown of a long text in which something was found."""

_LONGEST_NUMBER: Final = 18

Record = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found: what `title` calls it, and in `detail` what tells it from others."""

    record_id: str | int
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found in one table: `hits` are the first of `total`."""

    table: str
    total: int
    hits: tuple[Hit, ...]

    @property
    def more(self) -> int:
        """How many were found beside those in `hits`."""
        return self.total - len(self.hits)


@dataclass(frozen=True, slots=True)
class Found:
    """The groups in which something was found, in the order of the tabs."""

    text: str
    groups: tuple[Group, ...]

    @property
    def total(self) -> int:
        return sum(group.total for group in self.groups)


def everything(
    database: LocalDatabase, lists: Lists, scope: Scope, text: str, limit_per_table: int = 5
) -> Found:
    """The records of the scope that contain `text`, as the tabs' own text filters find them.

    A record whose id is `text` (an audit entry by its number) comes first in its group. Tables that the file
    lacks are passed over. The caller holds a connection; raises the storage errors.
    """
    wanted = text.strip()
    if not wanted:
        return Found("", ())
    queries = (ListQuery(table, scope, text=wanted) for table in _DESCRIBED)
    found = (_group(database, lists, query, limit_per_table) for query in queries)
    return Found(wanted, tuple(group for group in found if group is not None))


def _group(database: LocalDatabase, lists: Lists, query: ListQuery, limit: int) -> Group | None:
    table = query.table
    try:
        listing = lists.open_list(database, query, limit)
    except TableMissing:
        return None
    rows = [row for row in listing.rows if row is not None]
    total = listing.total
    named = _named(database, lists, query)
    if named is not None:
        key, row = named
        total += position(listing.keys, key) is None
        rows = [row, *(other for other in rows if other[0] != row[0])][:limit]
    if not total:
        return None
    names = SPECS[table].names
    return Group(table, total, tuple(_hit(table, dict(zip(names, row, strict=True)), query) for row in rows))


def _named(database: LocalDatabase, lists: Lists, query: ListQuery) -> tuple[int, tuple[Cell, ...]] | None:
    """Key and row of the record that the text names whole."""
    record_id: str | int = query.text
    if SPECS[query.table] is tables.AUDIT_CHAIN:
        digits = query.text.removeprefix("#").replace(",", "")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_NUMBER:
            return None
        record_id = int(digits)
    key = lists.key_of(database, query.table, record_id)
    row = None if key is None else lists.load_page(database, query, [key])[0]
    return None if key is None or row is None else (key, row)


def _hit(table: str, record: Record, query: ListQuery) -> Hit:
    title, details = _DESCRIBED[table](record, query.text)
    # Which tenant is meant goes without saying where only one is looked at.
    tenant = _shown(record.get("tenant_id")) if query.scope == EVERYONE else ""
    record_id = record[SPECS[table].names[0]]
    return Hit(
        record_id if isinstance(record_id, str | int) else _shown(record_id),
        title,
        " · ".join(part for part in (tenant, *details) if part),
    )


def _user(record: Record, text: str) -> tuple[str, tuple[str, ...]]:
    return _shown(record["email"]), (_shown(record["id"]),)


def _entry(record: Record, text: str) -> tuple[str, tuple[str, ...]]:
    seq = record["seq"]
    number = f"entry {seq:,}" if isinstance(seq, int) else f"entry {_shown(seq)}"
    return _shown(record["event_type"]), (number, excerpt(_shown(record["payload"]), text))


def _webhook(record: Record, text: str) -> tuple[str, tuple[str, ...]]:
    return _shown(record["name"]) or _shown(record["hostname"]), (excerpt(_shown(record["url"]), text),)


def _notification(record: Record, text: str) -> tuple[str, tuple[str, ...]]:
    message = excerpt(_shown(record["message"]), text)
    title = excerpt(_shown(record["title"]), text)
    return title or _shown(record["type"]), (message,)


def _run(record: Record, text: str) -> tuple[str, tuple[str, ...]]:
    idea, refined = _shown(record["idea"]), _shown(record["refined_idea"])
    elsewhere = text.casefold() in refined.casefold() and text.casefold() not in idea.casefold()
    what = excerpt(refined, text) if elsewhere else _shown(record["id"])
    return excerpt(idea, text), (_shown(record["status"]), what)


_DESCRIBED: Final[dict[str, Callable[[Record, str], tuple[str, tuple[str, ...]]]]] = {
    tables.USERS.table: _user,
    tables.AUDIT_CHAIN.table: _entry,
    tables.WEBHOOK_DESTINATIONS.table: _webhook,
    tables.NOTIFICATIONS.table: _notification,
    tables.PLANNING_RUNS.table: _run,
}
"""The table of each tab, in the tabs' order, and how a record of it is told from others."""


def excerpt(text: str, needle: str, length: int = EXCERPT) -> str:
    """At most `length` characters of `text` on one line, with the first `needle` in their first half."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    at = line.casefold().find(needle.casefold())
    start = max(0, at - length // 5) if at + len(needle) > length // 2 else 0
    return f"{'…' if start else ''}{line[start : start + length].strip()}{'…' * (start + length < len(line))}"


def _shown(value: Cell) -> str:
    return "" if value is None else str(value)
