"""Rows of a dump that do not fit where somebody has said what becomes of them: the statement by OR IGNORE,
REPLACE or ON CONFLICT, told by its tokens, or the table by its columns' own ON CONFLICT. SQLite says nothing
of rows that go so.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import apsw

from models.local import statements
from models.schema import caseless
from models.sql_tokens import Placed, holds, placed

_GAP: Final = r"(?:(?>[\s;\ufeff]|--[^\n]*\n|/\*.*?\*/))"
_MAY: Final = re.compile(
    rf"{_GAP}*+(?:with|replace|(?:insert|update){_GAP}++or)\b", re.DOTALL | re.IGNORECASE
)
"""Nearly every statement begins otherwise."""

_SILENT: Final = frozenset(("ignore", "replace"))
_WRITES: Final = frozenset(("insert", "replace", "update"))


_MADE: Final = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%conflict%'"


@dataclass(frozen=True, slots=True)
class Resolution:
    """`plain` is the statement as one that fails where rows do not fit, `replacing` as one by which all come
    in over others, which tells how many it has. By itself, or `by_table`, it `replaces`, or `updates`: it
    brings none.
    """

    plain: str
    replacing: str
    replaces: bool
    updates: bool
    by_table: bool


def resolution(sql: str, *, by_table: bool = False) -> Resolution | None:
    """What an INSERT or UPDATE says of rows that do not fit, or its table does (`by_table`), which has no say
    where the statement itself says ABORT or FAIL. None where nothing happens to any in silence.
    """
    has_clause = holds(sql, "conflict")
    if not (has_clause or by_table or _MAY.match(sql)):
        return None
    said = placed(sql)
    verb = _verb(said)
    if verb is None or verb[1] not in _WRITES:
        return None
    _, does, begin, end = verb
    says = does if does == "replace" else ""
    if not says and (follows := next(said, None)) and follows[1] == "or":
        says, end = _said_behind(said, end)
    updates = does == "update"
    cut, passes_over = _clauses(said, len(sql)) if has_clause and not updates else (len(sql), False)
    by_table = by_table and not says
    if not (says in _SILENT or passes_over or by_table):
        return None
    plain, replacing = (
        f"{sql[:begin]}{'UPDATE' if updates else 'INSERT'} OR {way}{sql[end:cut]}"
        for way in ("ABORT", "REPLACE")
    )
    return Resolution(plain, replacing, says == "replace" or by_table, updates, by_table)


def _verb(said: Iterator[Placed]) -> Placed | None:
    """The token that says what a statement does, its first or that behind a WITH; `said` goes on behind."""
    depth, is_with = 0, False
    for token in said:
        kind, name = token[:2]
        if kind == "end":
            continue
        depth += (name == "(") - (name == ")") if kind == "sign" else 0
        if not is_with and (kind, name) != ("word", "with"):
            return token if kind == "word" else None
        if is_with and depth == 0 and kind == "word" and name in statements.VERBS:
            return token
        is_with = True
    return None


def _said_behind(said: Iterator[Placed], end: int) -> tuple[str, int]:
    """What stands behind OR, and where that ends."""
    follows = next(said, None)
    return (follows[1], follows[3]) if follows else ("", end)


def _clauses(said: Iterator[Placed], end: int) -> tuple[int, bool]:
    """Where ON CONFLICT begins, else the `end`, and whether one of its clauses leaves rows as they are: DO
    NOTHING, and DO UPDATE with a WHERE.
    """
    depth, began, cut, passes = 0, 0, end, False
    before = on = ("", "", 0, 0)
    updates = False
    for token in said:
        kind, name = token[:2]
        depth += (name == "(") - (name == ")") if kind == "sign" else 0
        if on[1] and cut == end and before[1] == "conflict" and name in ("do", "("):
            cut = began
        if depth == 0 and kind == "word":
            if name == "conflict" and before[1] == "on":
                on, began, updates = before, began if cut != end else before[2], False
            elif before[1] == "do" and cut != end:
                passes |= name == "nothing"
                updates = name == "update"
            elif name == "returning":
                updates = False
            passes |= updates and name == "where"
        before = token
    return cut, passes


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
