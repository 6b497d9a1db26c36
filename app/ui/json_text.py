"""JSON as text and as a tree, exactly as it was written. Without Qt.

Nothing here turns a number into a float or drops a repeated key, so what is shown is what is stored. Text
that is no JSON, or nests too deep, is no error: it is shown as it is.
"""

import json
import re
from typing import NamedTuple

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_INDENT = "  "


class Literal(str):
    """A number, true, false or null, as written."""

    __slots__ = ()


class Obj(NamedTuple):
    """An object's members in order, repeated keys included."""

    members: list[tuple[str, object]]


def parse(text: str) -> object:
    """A str, Literal, list or Obj; inner true, false and null are Python's, see `literal`.

    Raises ValueError for what is no JSON or nests too deep.
    """
    try:
        value = json.loads(
            text,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=Literal,
            object_pairs_hook=lambda pairs: Obj(list(pairs)),
        )
    except RecursionError:
        raise ValueError("This JSON nests too deep to show as a tree.") from None
    return literal(value)


def literal(value: object) -> object:
    """`true`, `false` and `null` as Literal, anything else unchanged."""
    if value is None:
        return Literal("null")
    return Literal("true" if value else "false") if isinstance(value, bool) else value


def indented(text: str) -> str:
    """JSON text laid out over lines, part by part, each part as written; never raises.

    Works on broken JSON as well, and on any depth (lines are indented by at most 40 steps).
    """
    parts: list[str] = []
    depth = 0
    parts_of_text = _TOKEN.findall(text)
    for number, part in enumerate(parts_of_text):
        following = parts_of_text[number + 1] if number + 1 < len(parts_of_text) else ""
        if part in "{[":
            depth += 1
            parts.append(part)
            if following not in ("}", "]"):
                parts.append(_newline(depth))
        elif part in "}]":
            depth = max(0, depth - 1)
            if number and parts_of_text[number - 1] not in ("{", "["):
                parts.append(_newline(depth))
            parts.append(part)
        elif part == ",":
            parts.append("," + _newline(depth))
        elif part == ":":
            parts.append(": ")
        else:
            parts.append(part)
    return "".join(parts)


def _newline(depth: int) -> str:
    return "\n" + _INDENT * min(depth, 40)
