"""SQL text as tokens. No SQL is understood here."""

import re
from collections.abc import Iterator

from models.patterns import compiled_later
from models.schema import caseless

TOKEN = compiled_later(
    r"""
    (?P<skip>[\s\ufeff]+ | --[^\n]* | /\*.*?(?:\*/|\Z))
  | (?P<text>'(?:(?>[^']++|''))*+'?)
  | (?P<name>"(?:(?>[^"]++|""))*+"? | `(?:(?>[^`]++|``))*+`? | \[[^\]]*\]?)
  | (?P<word>[\w$]+)
  | (?P<end>;[\s;]*+)
  | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Possessive: a repetition that could be taken back would keep a state for each character."""

Token = tuple[str, str]
"""What kind of token it is, and what it says, in lower case but for a text."""

Placed = tuple[str, str, int, int]
"""The same, and where it begins and ends."""


def holds(sql: str, *words: str) -> bool:
    """Whether one of the words, of small ASCII letters, stands in it anywhere, in whatever letters; by a
    fraction of what a pattern takes, or `str.lower` where not all is ASCII.
    """
    small = sql.encode(errors="surrogatepass").lower()
    return any(word.encode() in small for word in words)


def tokens(sql: str) -> Iterator[Token]:
    """Each but white space and comments; a name without its quotes."""
    for kind, said, _, _ in placed(sql):
        yield kind, said


def placed(sql: str) -> Iterator[Placed]:
    """The same, and where in `sql` each of them is."""
    for match in TOKEN.finditer(sql):
        said = match.group()
        match kind := match.lastgroup or "":
            case "skip":
                continue
            case "name":
                said = caseless(unquoted(said))
            case "end":
                said = ";"
            case "text":
                pass
            case _:
                said = caseless(said)
        yield kind, said, *match.span()


def unquoted(name: str) -> str:
    """A quoted name without its quotes, the last of which may be missing; an empty name keeps them."""
    closing = "]" if name[0] == "[" else name[0]
    inner = name[1:-1] if len(name) > 1 and name[-1] == closing else name[1:]
    return inner or '""'
