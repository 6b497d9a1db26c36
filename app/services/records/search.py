"""Search everything: one text, looked for in the table of every tab."""

from dataclasses import dataclass
from typing import Final

from app.services.records.list_query import ListQuery, number_in
from app.services.records.lists import Lists
from app.services.records.rows import Value
from app.services.records.tables import DECLARED, EVERYONE, Scope, Table
from app.services.sought import place_in, sought
from app.services.text import readable
from models.engine import Database

EXCERPT: Final = 80
"""Characters shown of a long text in which something was found."""

_HASHES = ("hash", "previous_hash")


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found: what `title` calls it, and in `detail` what tells it from others."""

    record_id: Value
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
class SearchResult:
    """The groups in which something was found, in the order of the tabs."""

    text: str
    groups: tuple[Group, ...]

    @property
    def total(self) -> int:
        return sum(group.total for group in self.groups)


def everything(
    database: Database, lists: Lists, scope: Scope, text: str, limit_per_table: int = 5
) -> SearchResult:
    """The records of the scope that contain `text`, as the tabs' own text filters find them.

    A record whose id is `text` (an audit entry by its number) comes first in its group, an entry with the
    hash before the one that names it as its previous. Tables that the file
    lacks are passed over. The caller holds a connection; raises the storage errors.
    """
    wanted = text.strip()
    if not wanted:
        return SearchResult("", ())
    tables = searched(lists)
    queries = [ListQuery(table.name, scope, text=wanted) for table in tables]
    ids = [number_in(wanted) if table.numbered else wanted for table in tables]  # that the text is, whole
    named = list(zip(queries, ids, strict=True))
    groups = []
    found = lists.search(database, named, limit_per_table)
    for table, (query, named_id), (total, rows) in zip(tables, named, found, strict=True):
        cells = [dict(zip(table.names, row, strict=True)) for row in rows]
        if set(_HASHES) <= set(table.names):
            # One that is found by what it says of the one before it comes later.
            cells.sort(key=lambda entry: entry["seq"] != named_id and _has_it(entry, "previous_hash", wanted))
        groups.append(Group(table.name, total, tuple(_hit(table, row, query) for row in cells)))
    return SearchResult(wanted, tuple(group for group in groups if group.total))


def searched(lists: Lists) -> list[Table]:
    """The tables that are searched, each of whose rows is read."""
    return [table for table in DECLARED.values() if table.heading and lists.holds(table.name)]


def _hit(table: Table, row: dict[str, Value], query: ListQuery) -> Hit:
    def words(name: str) -> str:
        value = row[name]
        if table.numbered and name == table.key.name and isinstance(value, int):
            return f"{table.noun[0]} {value:,}"
        said = excerpt(readable(value), query.text)
        return f"{name.replace('_', ' ')} {said}" if name in _HASHES else said

    # Which tenant is meant goes without saying where only one is looked at.
    tenant = readable(row.get("tenant_id")) if query.scope == EVERYONE else ""
    title = next(filter(None, map(words, table.heading)), "")
    details = (words(_telling(row, names, query.text, title)) for names in table.details)
    return Hit(row[table.key.name], title, " · ".join(part for part in (tenant, *details) if part))


def _telling(row: dict[str, Value], names: tuple[str, ...], text: str, title: str) -> str:
    """The first column that has the text, where the title has it not; else the last."""
    if _has(title, text):
        return names[-1]
    return next((name for name in names if _has_it(row, name, text)), names[-1])


def _has_it(row: dict[str, Value], name: str, text: str) -> bool:
    """Hashes are found by their beginning, and by their end behind a "…"."""
    value = readable(row[name])
    begin, _, end = text.lower().partition("…")
    return value.startswith(begin) and value.endswith(end) if name in _HASHES else _has(value, text)


def _has(where: str, text: str) -> bool:
    return sought(text) in sought(where)


def excerpt(text: str, needle: str, length: int = EXCERPT) -> str:
    """At most `length` characters of `text` on one line, with the first `needle` in their first half."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    at = (place_in(line, sought(needle)) or (-1,))[0]
    start = max(0, at - length // 5) if at + len(needle) > length // 2 else 0
    return f"{'…' if start else ''}{line[start : start + length].strip()}{'…' * (start + length < len(line))}"
