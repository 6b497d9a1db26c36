"""Statements as D1's API takes them: text bound, so that no address stands in a log of queries, every other
value a literal, since what is bound there is a string.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from peewee import BaseQuery, SelectBase, SqliteDatabase

from models.engine import Rows, Statement, literal

_CONTEXT: Final = SqliteDatabase(None)
"""How Peewee writes a query for SQLite."""

_PARTS: Final = re.compile(
    r"""'(?:(?>[^']++|''))*+'?          # a text
      | "(?:(?>[^"]++|""))*+"? | `(?:(?>[^`]++|``))*+`? | \[[^\]]*\]?    # a name
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
_LIST: Final = re.compile(
    r"\bSELECT\b.*?(?=\s*(?:\b(?:FROM|WHERE|GROUP|HAVING|WINDOW|UNION|EXCEPT|INTERSECT|ORDER|LIMIT)\b|;|\Z))",
    re.IGNORECASE | re.DOTALL,
)
"""A query up to the end of what it selects."""
_NOT_READ: Final = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE|VALUES)\b", re.IGNORECASE)
_MOST_COLUMNS: Final = 100
_MOST_MARKED: Final = 99_000
"""Bytes of a statement that a mark makes no longer than D1 takes."""
_NOT_COUNTED: Final = re.compile(r"\*|\bDISTINCT\s+FROM\b", re.IGNORECASE)
_MARK: Final = "SELECT '{}'"
"""Asked behind all others: results name no statement, and one that is missing would shift them. By a mark
that no other call has: what stands between cannot answer one with what it was told of another, nor a network
by doubling an answer. So a single statement is a batch, too.
"""
_GUARD: Final = "SELECT json_extract('{}', iif("
_CHANGED_OTHERS: Final = re.compile(r"bad JSON path: 'row changed (\d+)'")


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
    return f"{_GUARD}{rows} = {expected}, '$', 'row changed {number}'))"


def guard_of(message: str) -> int | None:
    """Which statement of a batch had the guard (`guarded`) whose error it is; None for any other error."""
    found = _CHANGED_OTHERS.search(message)
    return None if found is None else int(found[1])


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
    return _innermost_first(_PARTS.sub("@", sql).lstrip(), instead)


def _innermost_first(left: str, instead: Callable[[re.Match[str]], str]) -> str:
    more = 1
    while more:
        left, more = _INNERMOST.subn(instead, left)
    return left


def _without_query(match: re.Match[str]) -> str:
    """An expression in brackets of another kind; in place of a query, nothing."""
    return "@" if match[1].lstrip()[:6].upper() in {"SELECT", "WITH"} else f"[{match[1]}]"


def _mark_at(sql: str) -> tuple[int, ...]:
    """Where the number of a statement in its batch goes, so that each row of it tells whose it is: behind
    what each of its queries selects; of () it is not told, or would not fit.
    """
    is_read = sql.lstrip()[:6].upper().startswith(("SELECT", "WITH"))
    return _found_marks(sql) if is_read and not sql.startswith(_GUARD) and len(sql) <= _MOST_MARKED else ()


@lru_cache(maxsize=32)
def _found_marks(sql: str) -> tuple[int, ...]:
    columns = columns_of(sql)
    if columns is None or columns >= _MOST_COLUMNS or "--" in sql:
        return ()
    masked = _innermost_first(_PARTS.sub(_as_long, sql), _as_long)
    return () if _NOT_READ.search(masked) else tuple(found.end() for found in _LIST.finditer(masked))


def _as_long(match: re.Match[str]) -> str:
    return "@" * len(match[0])


def _marked(statements: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each with its number in its rows. One that only counts is asked inside: alone SQLite does it faster."""
    for number, one in enumerate(statements):
        sql, places = one["sql"], _mark_at(one["sql"])
        if places and columns_of(sql) == 1 and gives_one(sql):
            sql = f"SELECT ({sql.rstrip().rstrip(';')}), {number}"
        else:
            for place in reversed(places):
                sql = f"{sql[:place]}, {number}{sql[place:]}"
        yield {**one, "sql": sql}


def body(statements: Sequence[dict[str, Any]], mark: str) -> bytes:
    """What is sent, to the last byte: a batch whose outcome is unknown is sent as it was, with its `mark`, of
    letters and digits.
    """
    whole = {"batch": [*_marked(statements), {"sql": _MARK.format(mark)}]}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def fits(results: list[Rows], statements: Sequence[dict[str, Any]], mark: str) -> bool:
    """Whether they may be those of what `body` gave: in their order, each of as many columns as it should.
    Takes away the one that is nobody's, and the numbers.
    """
    if results.pop() != [(mark,)]:
        return False
    for number, (rows, one) in enumerate(zip(results, statements, strict=True)):
        if rows and _mark_at(one["sql"]):
            if any(type(row[-1]) is not int or row[-1] != number for row in rows if row):
                return False
            results[number] = [row[:-1] for row in rows]
    return not any(
        rows and columns_of(one["sql"]) not in (None, len(rows[0]))
        for rows, one in zip(results, statements, strict=True)
    )
