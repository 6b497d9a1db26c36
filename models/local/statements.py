"""SQL text: where one statement ends, and when two say the same."""

import re
from array import array
from collections.abc import Iterator
from itertools import chain

import apsw

from models import patterns, schema, sql_tokens

_NONE: sql_tokens.Token = "", ""
VERBS = frozenset(("insert", "replace", "update", "delete", "select", "values"))
"""What stands behind a WITH."""


def pattern(said: str) -> re.Pattern[str]:
    r"""A pattern of `canonical` text: a blank stands for what is between two tokens, `\S` for any of one."""
    return patterns.compiled_later(said.replace(" ", "\0").replace(r"\S", "[^\0]"))


_CREATES = pattern(r"create (?:unique )?(?:table|index) (?:if not exists )?(?P<name>\S+) ")

LONGEST_REST = 1_000
"""Characters behind the rows of an INSERT that may be said again of each."""


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


def first(sql: str) -> str | None:
    """What SQLite reads of a line of the schema, with the semicolon that ends it: one statement, up to a zero
    byte. A file may hold others behind it, which nothing has run. None where it never ends.
    """
    sql = sql.partition("\0")[0]
    for semicolon in re.finditer(";", sql):
        if apsw.complete(statement := sql[: semicolon.end()]):
            return statement
    ends = (f"{sql}{end}" for end in (";", "\n;", "*/;"))  # behind a comment, which its end may lack
    return next(filter(apsw.complete, ends), None)


def canonical(sql: str) -> str:
    """The same text for statements that differ only in white space, comments, case or quoting of names: their
    tokens, and a zero byte, which no name has, between two.
    """
    said = [token for _, token in sql_tokens.tokens(sql)]
    return "\0".join(said[:-1] if said[-1:] == [";"] else said)


def verb(sql: str) -> tuple[str, Iterator[sql_tokens.Token]]:
    """What a statement does, by its first word in lower case or that behind a WITH, and what follows."""
    said, depth = sql_tokens.tokens(sql), 0
    kind, does = next(said, _NONE)
    if (kind, does) == ("word", "with"):
        for kind, does in said:
            depth += (does == "(") - (does == ")") if kind == "sign" else 0
            if depth == 0 and kind == "word" and does in VERBS:
                break
    return does if kind == "word" else "", said


def target(sql: str) -> tuple[str, Iterator[sql_tokens.Token]]:
    """The table, in lower case, that an INSERT, REPLACE or UPDATE writes to, and what it says behind that."""
    _, said = verb(sql)
    name = next(said, _NONE)
    if name == ("word", "or"):
        next(said, _NONE)
        name = next(said, _NONE)
    if name == ("word", "into"):
        name = next(said, _NONE)
    behind = next(said, _NONE)
    if behind == ("sign", "."):
        name, behind = next(said, _NONE), next(said, _NONE)
    return name[1], chain((behind,), said)


def words(sql: str) -> set[str]:
    """The words of `sql` outside of texts, quoted names and comments, in lower case."""
    return {schema.caseless(match["word"]) for match in sql_tokens.TOKEN.finditer(sql) if match["word"]}


def rows(sql: str) -> Iterator[tuple[int, str]]:
    """The statements that insert the rows of one by one, and where each row stands in it; none where it is no
    plain INSERT of several rows, or says more than `LONGEST_REST` behind them.
    """
    head, depth, ends, behind, rest = 0, 0, array("q"), False, ";"
    for match in sql_tokens.TOKEN.finditer(sql):
        said = match.group()
        depth += (said == "(") - (said == ")")
        if match["skip"] or not head:
            if depth == 0 and schema.caseless(said) == "select":
                return
            if depth == 0 and schema.caseless(said) == "values":
                head = match.end()
        elif behind:  # only the next row, what is to be done with each, or the end
            if schema.caseless(said) in ("on", "returning") and len(sql) - match.start() <= LONGEST_REST:
                rest = sql[match.start() :]
                break
            if said != "," and match["end"] is None:
                return
            behind = False
        elif depth == 0 and said == ")":
            ends.append(match.end())
            behind = True
        elif depth <= 1 and said == "(" and len(ends) % 2 == 0:
            ends.append(match.start())
    if len(ends) > 2:
        for begin, end in zip(ends[::2], ends[1::2], strict=True):
            yield begin, f"{sql[:head]} {sql[begin:end]} {rest}"


def source(sql: str, *ends: str) -> str | None:
    """A statement up to RETURNING, or an INSERT up to ON CONFLICT, whichever of these `ends` comes first: as
    far as it says where its rows come from. None where it has neither, or a query over tables behind them.
    """
    depth, before, at = 0, "", 0
    for match in sql_tokens.TOKEN.finditer(sql):
        if match["skip"]:
            continue
        said = schema.caseless(match.group())
        depth += (said == "(") - (said == ")")
        if depth == 0 and said in ends and (said == "returning" or before == "on"):
            at = match.start() if said == "returning" else at
            return None if said == "conflict" and _asks_tables(sql[at:]) else sql[:at]
        before, at = said, match.start()
    return None


def _asks_tables(sql: str) -> bool:
    """Whether it may: a query without FROM and IN is over none."""
    said = words(sql)
    return "select" in said and not said.isdisjoint(("from", "in"))


def creates(statement: str) -> tuple[str, str] | None:
    """What a plain CREATE TABLE or CREATE INDEX makes: its name and its canonical text as SQLite keeps it.

    None for every other statement.
    """
    text = canonical(statement)
    match = _CREATES.match(text)
    return (match["name"], text.replace("if\0not\0exists\0", "", 1)) if match else None
