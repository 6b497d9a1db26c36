"""SQL text: where one statement ends, and when two say the same."""

import re

import apsw

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+ | --[^\n]* | /\*.*?(?:\*/|\Z))
  | (?P<text>'(?:[^']++|'')*+'?)
  | (?P<name>"(?:[^"]++|"")*+"? | `(?:[^`]++|``)*+`? | \[[^\]]*\]?)
  | (?P<word>[\w$]+)
  | (?P<end>;[\s;]*+)
  | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Possessive: a repetition that could be taken back would keep a state for each character."""

_CREATES = re.compile(r"create (?:unique )?(?:table|index) (?:if not exists )?(?P<name>\S+) ")


def split(sql: str) -> list[str]:
    """The statements of `sql`, each without its semicolon; the last may lack one.

    SQLite itself says where a statement ends, so triggers, strings and comments that hold semicolons stay
    whole. Comments and empty statements between two statements are left out.
    """
    statements = []
    start = 0
    for semicolon in re.finditer(";", sql):
        candidate = sql[start : semicolon.end()]
        if apsw.complete(candidate):
            statements.append(candidate[:-1])
            start = semicolon.end()
    statements.append(sql[start:])
    return [statement.strip() for statement in statements if canonical(statement)]


def canonical(sql: str) -> str:
    """The same text for statements that differ only in white space, comments, case or quoting of names."""
    tokens = []
    ended = False
    for match in _TOKEN.finditer(sql):
        token = match.group()
        if match.lastgroup != "skip":
            ended = match["end"] is not None
        match match.lastgroup:
            case "skip":
                continue
            case "name":
                tokens.append(_unquoted(token).casefold())
            case "word":
                tokens.append(token.casefold())
            case "end":
                tokens.append(";")
            case _:
                tokens.append(token)
    return " ".join(tokens[:-1] if ended else tokens)


def _unquoted(name: str) -> str:
    """A quoted name without its quotes, the last of which may be missing; an empty name keeps them."""
    closing = "]" if name[0] == "[" else name[0]
    inner = name[1:-1] if len(name) > 1 and name[-1] == closing else name[1:]
    return inner or '""'


def creates(statement: str) -> tuple[str, str] | None:
    """What a plain CREATE TABLE or CREATE INDEX makes: its name and its canonical text as SQLite keeps it.

    None for every other statement.
    """
    text = canonical(statement)
    match = _CREATES.match(text)
    return (match["name"], text.replace("if not exists ", "", 1)) if match else None
