"""A token in a text that others have written: as it is spelt, and in the forms in which calls are quoted."""

import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

_LEAST: Final = 8
"""Figures of base64 by which a token is known; fewer stand in any text."""


@lru_cache(maxsize=8)
def in_any_form(token: str) -> re.Pattern[str]:
    """Finds it as it is, in a URL (`%2B`), in JSON (`\\u002b`, `\\/`), each of its characters by itself, and
    the whole word of base64 that it is in, alone or behind something (`Basic …` of a name and it).
    """
    forms = ["".join(map(_character, token))]
    for alphabet in (b"+/", b"-_"):
        for before in range(3):  # it begins anywhere in the three bytes that four figures stand for
            figures = b64encode(b" " * before + token.encode(), alphabet).decode().rstrip("=")
            whole = (before + len(token)) * 8 // 6  # what follows changes the rest
            inner = figures[-(-before * 8 // 6) : whole]
            if len(inner) >= _LEAST:
                forms.append(rf"[\w+/-]*{re.escape(inner)}[\w+/-]*=*")
    return re.compile("|".join(dict.fromkeys(forms)))


def _character(one: str) -> str:
    escaped = rf"|\\{re.escape(one)}" if one in '"\\/' else ""
    return rf"(?:{re.escape(one)}|(?i:%{ord(one):02x}|\\u{ord(one):04x}){escaped})"
