"""Functions of SQLite's that search one text for another, bounded in what one call may take: it looks at each
place again, within one step, in which nothing can end it.

Only where the SQL of others has them search for what is not a short text that stands there: what is called
then is Python's, which takes no text that is no UTF-8.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import apsw

from models.patterns import compiled_later
from models.sql_tokens import Token, holds, tokens

MOST: Final = 10**9
"""Bytes of the one text times those of the other: some hundredths of a second."""

_SHORT: Final = 52
"""Characters of a text that stands there, quotes included: as many as D1 takes in a pattern."""
_DEEP: Final = 100
"""Brackets in brackets that are read."""
_SEARCHES: Final = (("instr", 2), ("replace", 3), ("trim", 2), ("ltrim", 2), ("rtrim", 2))
_NAMES: Final = frozenset(name for name, _ in _SEARCHES)
_MAY: Final = ("instr", "replace", "trim")
_TEXT = r"'(?:(?>[^']++|''))*+'"
_BREAKS = r",'\\[nr]',char\(1[03]\)\)"
_PLAIN: Final = compiled_later(
    rf"(?:(?>{_TEXT}|replace\((?:{_TEXT}|replace\({_TEXT}{_BREAKS}){_BREAKS}"
    r"|(?!(?:replace|instr|[lr]?trim)\b)[a-z_]\w*+|\"(?!(?:replace|instr|[lr]?trim)\b)\w++\"|\d[\w.]*+"
    r"|[\s(),;.+]|-(?!-)))*+",
    re.IGNORECASE,
)
"""Rows as D1's export writes those with line breaks: read without looking at each token."""


def searches(sql: str) -> bool:
    """Whether it may search for what is not a short text that stands there."""
    return holds(sql, *_MAY) and _PLAIN.fullmatch(sql) is None and _searches(tokens(sql))


def _searches(said: Iterator[Token]) -> bool:
    """Calls may stand in each other: of each that is open, the argument that is read, and its second."""
    open_: list[tuple[bool, int, list[Token]]] = []
    called: Token = "", ""
    for token in said:
        sign = token[1] if token[0] == "sign" else ""
        if sign == ")" and open_:
            does, at, second = open_.pop()
            if does and at >= 1 and not _is_short(second):
                return True
        if sign == "," and open_:
            does, at, second = open_[-1]
            open_[-1] = does, at + 1, second
        for does, at, second in open_:
            if does and at == 1 and (sign != "," or second):
                second.append(token)
        if sign == "(":
            does = called[0] in ("word", "name", "text") and _name(called) in _NAMES
            open_.append((does, 0, []))
            if len(open_) > _DEEP:
                return True
        called = token
    return any(does for does, _, _ in open_)


def _name(token: Token) -> str:
    return token[1].strip("'").lower()


def _is_short(argument: list[Token]) -> bool:
    match argument:
        case [("text", said)] | [("word", "x"), ("text", said)]:
            return len(said) <= _SHORT
        case [("word", said)]:
            return said.isdigit()
        case [("word", "char"), ("sign", "("), *codes, ("sign", ")")]:
            return len(codes) <= _SHORT and all(kind == "sign" or said.isdigit() for kind, said in codes)
    return False


def bound(connection: apsw.Connection, refused: Callable[[str], Exception]) -> None:
    """Has these functions raise what is `refused`, given the name of one, where they would take too long."""
    own = apsw.Connection(":memory:")  # in which they are SQLite's
    own.limit(apsw.SQLITE_LIMIT_LENGTH, connection.limit(apsw.SQLITE_LIMIT_LENGTH))

    def made(name: str, arguments: int) -> Callable[..., Any]:
        asked = f"SELECT {name}({', '.join('?' * arguments)})"

        def call(*values: Any) -> Any:
            sizes = [len(value) if isinstance(value, (str, bytes)) else 1 for value in values[:2]]
            if sizes[0] * sizes[1] > MOST:
                raise refused(f"{name}()")
            return own.execute(asked, values).get

        return call

    for name, arguments in _SEARCHES:
        connection.create_scalar_function(
            name, made(name, arguments), arguments, deterministic=True, flags=apsw.SQLITE_INNOCUOUS
        )


def bound_by(
    connection: apsw.Connection, sql: Iterable[str | None], refused: Callable[[str], Exception]
) -> None:
    """The same where any of the statements searches so."""
    if any(one is not None and searches(one) for one in sql):
        bound(connection, refused)
