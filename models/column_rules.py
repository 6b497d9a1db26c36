"""What a table's own SQL says that its columns may hold: the CHECKs, and the values where it lists them. For
a person to read before they type; whether a value is taken is the database's to say.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.engine import Database, raw
from models.schema import caseless
from models.sql_tokens import Placed, placed, unquoted

_SQL: Final = """
SELECT sql FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)
"""
_SHAPE: Final = "SELECT name, upper(type) FROM pragma_table_info(?)"
_LONGEST: Final = 100_000
"""Characters of SQL that are looked at."""
_OF_TABLE: Final = frozenset(("constraint", "primary", "unique", "check", "foreign"))
"""How what is no column begins in a table's SQL."""


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What a column is declared as, in capitals; the values that it is limited to, none where it lists none;
    and the other rules in which it has a part, as they are written.
    """

    declared: str = ""
    choices: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


NO_RULE: Final = ColumnRule()


def rules_of(database: Database, table: str) -> dict[str, ColumnRule]:
    """By the column's name. The caller holds a connection; raises the storage errors."""
    made, shape = database.read_batch([raw(_SQL, table), raw(_SHAPE, table)])
    declared = {str(name): str(kind) for name, kind in shape}
    return read_rules(str(made[0][0] or "") if made else "", declared)


def read_rules(sql: str, declared: Mapping[str, str]) -> dict[str, ColumnRule]:
    """The same of a CREATE TABLE; columns are named as they are `declared`."""
    known = {caseless(name): name for name in declared}
    choices: dict[str, list[tuple[str, ...]]] = {}
    checks: dict[str, list[str]] = {}
    for own, check in _checks(sql[:_LONGEST], known):
        of, values = _listed(sql, check, known)
        if values:
            choices.setdefault(known[of], []).append(values)
            continue
        named = {said for _, said, *_ in _names(check) if said in known} | ({own} if own in known else set())
        text = " ".join(sql[check[0][2] : check[-1][3]].split()) if check else ""
        for name in named:
            checks.setdefault(known[name], []).append(text)
    return {
        name: ColumnRule(kind, _in_all(choices.get(name, [])), tuple(checks.get(name, ())))
        for name, kind in declared.items()
    }


def _in_all(lists: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(one for one in lists[0] if all(one in other for other in lists)) if lists else ()


def _checks(sql: str, known: Collection[str]) -> Iterator[tuple[str, list[Placed]]]:
    """What stands in the parentheses of each CHECK, and the column in whose definition that is, if any."""
    depth, own, begins, before = 0, "", False, ""
    check: list[Placed] | None = None
    for token in placed(sql):
        kind, said, *_ = token
        if kind == "sign" and said == ")":
            depth -= 1
            if check is not None and depth == 1:
                yield own, check
                check = None
        if check is not None:
            check.append(token)
        elif depth == 1 and begins:
            own = "" if kind == "word" and said in _OF_TABLE else said
        elif depth == 1 and kind == "sign" and said == "(" and before == "check":
            check = []
        begins = depth == 1 and kind == "sign" and said == ","
        if kind == "sign" and said == "(":
            depth += 1
            begins = depth == 1
        before = said if kind == "word" else ""


def _names(check: Sequence[Placed]) -> Iterator[Placed]:
    """The tokens that may name columns: no functions."""
    for at, token in enumerate(check):
        if token[0] in ("word", "name") and (at + 1 == len(check) or check[at + 1][1] != "("):
            yield token


def _listed(sql: str, check: Sequence[Placed], known: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The column and the values where all that is said is that it is one of them, or NULL; else none."""
    nothing: tuple[str, tuple[str, ...]] = "", ()
    said = [token[1] for token in check]
    while _is_enclosed(said):
        check, said = check[1:-1], said[1:-1]
    if not said:
        return nothing
    of = said[0]
    is_null = [of, "is", "null"]
    if said[:4] == [*is_null, "or"]:
        check, said = check[4:], said[4:]
    elif said[-4:] == ["or", *is_null]:
        check, said = check[:-4], said[:-4]
    if said[:3] != [of, "in", "("] or said[-1:] != [")"] or of not in known:
        return nothing
    values: list[str] = []
    parts = [*check[3:-1], ("sign", ",", 0, 0)]
    start = 0
    for at, token in enumerate(parts):
        if token[1] == "," and token[0] == "sign":
            value = _literal(sql, parts[start:at], known)
            if value is None:
                return nothing
            values.append(value)
            start = at + 1
    return of, tuple(dict.fromkeys(values))


def _is_enclosed(said: Sequence[str]) -> bool:
    """Whether one pair of parentheses holds all of it."""
    if said[:1] != ["("]:
        return False
    depth = 0
    for at, one in enumerate(said):
        depth += (one == "(") - (one == ")")
        if depth == 0:
            return at == len(said) - 1
    return False


def _literal(sql: str, tokens: Sequence[Placed], known: Collection[str]) -> str | None:
    """A text or a whole number as a person types it; None for anything else. SQLite takes a text in double
    quotes for one, too, where no column is called so.
    """
    sign = ""
    if len(tokens) == 2 and tokens[0][1] == "-":
        sign, tokens = "-", tokens[1:]
    if len(tokens) != 1:
        return None
    kind, said, begin, end = tokens[0]
    if kind == "text" and not sign:
        return sql[begin + 1 : end - 1].replace("''", "'")
    if kind == "word" and said.isdecimal() and said.isascii():
        return sign + said
    if kind == "name" and sql[begin] == '"' and said not in known and not sign:
        return unquoted(sql[begin:end]).replace('""', '"')
    return None
