"""How an UPDATE goes on with a value longer than a statement, as our export writes it and others do."""

from itertools import dropwhile

from models.engine import sql_name
from models.local import statements
from models.sql_tokens import holds

_ENDS = frozenset((("word", "where"), ("word", "from"), ("word", "returning")))


def continuation(table: str, column: str, piece: str, key: str, *, is_text: bool) -> str:
    """The statement that puts a `piece` more behind the value of the row of that `key`, both of them SQL."""
    name = sql_name(column)
    longer = f"{name} || {piece}" if is_text else f"CAST({name} || {piece} AS BLOB)"
    return f"UPDATE {sql_name(table)} SET {name} = {longer} WHERE {key};\n"  # noqa: S608


def may_continue(sql: str) -> bool:
    """Whether one of these statements may be one that `continued` tells."""
    return holds(sql, "update", "conflict")


def continued(sql: str) -> str:
    """The table, in lower case, of an UPDATE that makes a value of what it is already, or of an INSERT that
    does so ON CONFLICT; else nothing.
    """
    does = statements.verb(sql)[0]
    if does not in ("update", "insert") or not may_continue(sql):
        return ""
    table, said = statements.target(sql)
    if does == "insert":
        said = dropwhile(lambda token: token != ("word", "conflict"), said)
    columns: set[str] = set()
    depth, is_value, before = 0, False, ("", "")  # the two tokens before
    for token in dropwhile(lambda token: token != ("word", "set"), said):
        kind, name = token
        of_new, before = before == ("excluded", "."), (before[1], name)
        if depth == 0 and token in _ENDS:
            break
        if kind == "sign":
            depth += (name == "(") - (name == ")")
            is_value = (is_value or name == "=") and (depth > 0 or name != ",")
        elif kind in ("word", "name") and is_value and name in columns and not of_new:
            return table
        elif not is_value:
            columns = columns | {name} if depth else {name}
    return ""
