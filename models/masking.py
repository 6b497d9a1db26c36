"""A token, or another secret, in a text that others have written: as it is spelt, and in the forms in which
calls are quoted.
"""

import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

_LEAST: Final = 8
"""Letters or figures of base64 by which a token is known; fewer stand in any text."""
_SPACES: Final = 3
"""Between two letters of one, at most: with any number a long gap would be walked again for each of them."""


def masked(text: str, token: str, mark: str = "[token]") -> str:
    """The text with the mark in place of the token as it is, in a URL (`%2B`), in JSON (`\\u002b`, `\\/`),
    each of its characters by itself, and of the whole word of base64 that it is in, alone or behind
    something (`Basic …` of a name and it). A long one is known in letters of either case, too, and spaced or
    in lines. Takes time by the text's length.
    """
    for form in _forms(token):
        text = form.sub(mark, text)
    return text


@lru_cache(maxsize=8)
def _forms(token: str) -> tuple[re.Pattern[str], ...]:
    inner = []
    for alphabet in (b"+/", b"-_"):
        for before in range(3):  # it begins anywhere in the three bytes that four figures stand for
            figures = b64encode(b" " * before + token.encode(), alphabet).decode().rstrip("=")
            whole = (before + len(token)) * 8 // 6  # what follows changes the rest
            inner.append(figures[-(-before * 8 // 6) : whole])
    known = "|".join(re.escape(figures) for figures in dict.fromkeys(inner) if len(figures) >= _LEAST)
    is_long = len(token) >= _LEAST
    between = rf"(?:\s|\\n|%20){{0,{_SPACES}}}" if is_long else ""
    spelt = re.compile(between.join(map(_character, token)), re.IGNORECASE if is_long else 0)
    # From a word's beginning alone: tried at each of its letters it would take time by the word's square.
    return (spelt, re.compile(rf"(?<![\w+/-])[\w+/-]*(?:{known})[\w+/-]*=*")) if known else (spelt,)


def _character(one: str) -> str:
    escaped = rf"|\\{re.escape(one)}" if one in '"\\/' else ""
    return rf"(?:{re.escape(one)}|(?i:%{ord(one):02x}|\\u{ord(one):04x}){escaped})"
