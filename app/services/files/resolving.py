"""Rows of a dump that do not fit where somebody has said what becomes of them: the statement by OR IGNORE,
REPLACE or ON CONFLICT DO NOTHING, or the table by its columns' own ON CONFLICT. SQLite says nothing of rows
that go so.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

from models.local import statements
from models.schema import caseless

_GAP: Final = r"(?P<gap>(?:\s|;|--[^\n]*\n|/\*.*?\*/)*+)"
_RESOLVES: Final = re.compile(
    _GAP + r"(?:insert\s+or\s+(?P<or>ignore|replace)|(?P<over>replace))\b", re.DOTALL | re.IGNORECASE
)
_INSERT: Final = re.compile(_GAP + r"insert\s+into\b", re.DOTALL | re.IGNORECASE)
_PASSES_OVER: Final = re.compile(r"\bon\s+conflict\b[^']*\bdo\s+nothing\b", re.IGNORECASE)
"""What silently leaves out a row, or rows before it, where they do not fit. DO UPDATE says itself what
becomes of the row, as an UPDATE does.
"""

_MADE: Final = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%conflict%'"


def without_resolution(sql: str, *, by_table: bool = False) -> str | None:
    """An INSERT without what is said of rows that do not fit: by itself, or `by_table`, which one that says
    ABORT has no say in. None where nothing is, and of what is no INSERT.
    """
    found = _RESOLVES.match(sql)
    if found is not None:
        return f"{found['gap']}INSERT OR ABORT{sql[found.end() :]}"
    if "onflict" in sql or "ONFLICT" in sql:
        passes_over = _PASSES_OVER.search(sql) is not None and _INSERT.match(sql) is not None
        source = statements.source(sql, "conflict") if passes_over else None
        if source is not None:
            sql, by_table = source, True
    if by_table and (plain := _INSERT.match(sql)) is not None:
        return f"{plain['gap']}INSERT OR ABORT INTO{sql[plain.end() :]}"
    return None


def replacing(sql: str) -> str | None:
    """The same INSERT, in which every row comes in over others: how many it has."""
    plain = without_resolution(sql, by_table=True)
    return (
        None
        if plain is None
        else re.sub(r"insert(?:\s+or\s+abort)?\b", "REPLACE", plain, count=1, flags=re.I)
    )


def resolving_tables(connection: apsw.Connection) -> set[str]:
    """The tables whose own columns say that rows which do not fit are left out, or replace others."""
    return {
        caseless(str(name))
        for name, sql in connection.execute(_MADE)
        if "conflict" in (said := statements.words(str(sql))) and not said.isdisjoint(("ignore", "replace"))
    }


class Gone:
    """Counts the rows that a statement takes away by bringing others."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.rows = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While it runs; of a savepoint that is rolled back nothing is told."""
        self.rows = 0
        self._connection.preupdate_hook(self._tell)
        try:
            yield
        finally:
            self._connection.preupdate_hook(None)

    def _tell(self, change: apsw.PreUpdate) -> None:
        self.rows += change.op == "DELETE"
