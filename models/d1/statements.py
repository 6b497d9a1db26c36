"""Statements as D1's API takes them: text bound, so that no address stands in a log of queries, every other
value a literal, since what is bound there is a string.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from peewee import BaseQuery, SelectBase, SqliteDatabase

from models.engine import Rows, Statement, literal

_CONTEXT: Final = SqliteDatabase(None)
"""How Peewee writes a query for SQLite."""

_PARTS: Final = re.compile(
    r"""'(?:[^']++|'')*+'?          # a text
      | "(?:[^"]++|"")*+"? | `(?:[^`]++|``)*+`? | \[[^\]]*\]?    # a name
      | --[^\n]* | /\*.*?(?:\*/|\Z)  # a comment
      | \?(?P<number>\d*)""",
    re.VERBOSE | re.DOTALL,
)
_LONG: Final = 1_000
"""Bytes of a BLOB from which on it is bound by its figures: the SQL of a statement has 100 KB at most."""
_INNERMOST: Final = re.compile(r"\(([^()]*)\)")
_MANY: Final = re.compile(r"\b(?:GROUP\s+BY|HAVING|LIMIT|OVER|UNION|EXCEPT|INTERSECT)\b", re.IGNORECASE)
_OF_ROWS: Final = re.compile(r"\b(?:FROM|WHERE)\b", re.IGNORECASE)
_AGGREGATE: Final = re.compile(
    r"\b(?:(?:count|sum|total|avg|group_concat|json_group_array|json_group_object)\[|(?:max|min)\[[^,\[\]]*\])",
    re.IGNORECASE,
)
_SELECTED: Final = re.compile(
    r"(?:WITH\b(?:(?!\b(?:INSERT|UPDATE|DELETE|REPLACE|VALUES)\b).)*?)?\bSELECT\b(?P<columns>.*?)"
    r"(?:\b(?:FROM|WHERE|GROUP|HAVING|WINDOW|UNION|EXCEPT|INTERSECT|ORDER|LIMIT)\b|;|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_COUNTED: Final = re.compile(r"\*|\bDISTINCT\s+FROM\b", re.IGNORECASE)
_LAST: Final = "last"
_MARK: Final = {"sql": f"SELECT '{_LAST}'"}
"""Asked behind all others of a batch: results name no statement, and in another order would be others'."""
_CHANGED_OTHERS: Final = re.compile(r"bad JSON path: 'row changed \d+'")


def text_of(query: BaseQuery) -> tuple[str, Sequence[Any]]:
    """The query's SQL and the values of its places, as SQLite itself takes them."""
    found: tuple[str, Sequence[Any]] = _CONTEXT.get_sql_context().parse(query)  # type: ignore[no-untyped-call]
    return found


def compiled(query: BaseQuery) -> dict[str, Any]:
    """The query as a member of a request: `sql`, and `params` where it has texts."""
    return bound(*text_of(query))


def bound(sql: str, values: Sequence[Any]) -> dict[str, Any]:
    """The statement with each `?` and `?3` replaced by a literal, or by the place of a text."""
    texts: list[str] = []
    places: dict[int, str] = {}
    highest = 0

    def place(match: re.Match[str]) -> str:
        nonlocal highest
        if (digits := match["number"]) is None:
            return match[0]
        number = int(digits) if digits else highest + 1
        highest = max(highest, number)
        if number not in places:
            value = values[number - 1]
            if is_long := isinstance(value, bytes) and len(value) > _LONG:
                texts.append(value.hex())
            elif isinstance(value, str):
                texts.append(value)
            bound = f"unhex(?{len(texts)})" if is_long else f"?{len(texts)}"
            places[number] = bound if is_long or isinstance(value, str) else literal(value)
        return places[number]

    written = _PARTS.sub(place, sql)
    return {"sql": written, "params": texts} if texts else {"sql": written}


def guarded(statements: Sequence[Statement]) -> list[dict[str, Any]]:
    """The statements of a batch, each with what rolls all of it back where another number of rows than it
    expects was changed, or is given.
    """
    found: list[dict[str, Any]] = []
    for number, statement in enumerate(one for several in statements for one in several.each()):
        one = compiled(statement.query)
        if isinstance(statement.query, SelectBase):
            if statement.expect is None:
                continue
            rows = f"(SELECT count(*) FROM ({one['sql']}))"  # noqa: S608
            found.append({**one, "sql": _look(rows, statement.expect, number)})
            continue
        found.append(one)
        if statement.expect is not None:
            found.append({"sql": _look("changes()", statement.expect, number)})
    return found


def _look(rows: str, expected: int, number: int) -> str:
    return f"SELECT json_extract('{{}}', iif({rows} = {expected}, '$', 'row changed {number}'))"


def is_guard(message: str) -> bool:
    """Whether an error is that of a guard (`guarded`)."""
    return _CHANGED_OTHERS.search(message) is not None


def gives_one(sql: str) -> bool:
    """Whether a statement is known to give exactly one row, whatever there is: it reads of no table, or only
    counts, adds up or puts together (sqlite.org/lang_select.html#resultset).
    """
    left = _without_brackets(sql, _without_query)
    if left[:6].upper() != "SELECT" or _MANY.search(left):
        return False
    return not _OF_ROWS.search(left) or _AGGREGATE.search(left) is not None


def columns_of(sql: str) -> int | None:
    """How many columns a statement's rows have; None where its text alone does not tell."""
    left = _without_brackets(sql, lambda match: "@")
    if left[:6].upper() in {"INSERT", "UPDATE", "DELETE"}:
        return None if "RETURNING" in left.upper() else 0
    found = _SELECTED.match(left)
    if found is None or _NOT_COUNTED.search(found["columns"] + left[found.end("columns") :][:5]):
        return None
    return found["columns"].count(",") + 1


def _without_brackets(sql: str, instead: Callable[[re.Match[str]], str]) -> str:
    """The statement without texts, names and comments, and with something `instead` of each bracket."""
    left, more = _PARTS.sub("@", sql).lstrip(), 1
    while more:
        left, more = _INNERMOST.subn(instead, left)
    return left


def _without_query(match: re.Match[str]) -> str:
    """An expression in brackets of another kind; in place of a query, nothing."""
    return "@" if match[1].lstrip()[:6].upper() in {"SELECT", "WITH"} else f"[{match[1]}]"


def body(statements: Sequence[dict[str, Any]]) -> bytes:
    """What is sent, to the last byte: a batch whose outcome is unknown is sent as it was."""
    whole = statements[0] if len(statements) == 1 else {"batch": [*statements, _MARK]}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def fits(results: list[Rows], statements: Sequence[dict[str, Any]]) -> bool:
    """Whether they may be those of what `body` gave: in their order, each of as many columns as it should.
    Takes away the one that is nobody's.
    """
    if len(statements) > 1 and results.pop() != [(_LAST,)]:
        return False
    return not any(
        rows and columns_of(one["sql"]) not in (None, len(rows[0]))
        for rows, one in zip(results, statements, strict=True)
    )
