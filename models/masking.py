"""A token, or another secret, in a text that others have written: as it is spelt, and in the forms in which
calls are quoted.
"""

import html
import re
from base64 import b64encode
from functools import lru_cache
from typing import Final

_LEAST: Final = 8
"""Letters or figures of base64 by which a token is known; fewer stand in any text."""
_SPACES: Final = 3
"""Between two letters of one, at most: with any number a long gap would be walked again for each of them."""
_LEAST_BEGUN: Final = 4
"""Characters of a token by which its beginning is known at the end of a text that was cut."""
_ESCAPE: Final = re.compile(
    r"%[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[nrt\"\\/]|&(?:quot|amp|lt|gt|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
)
"""A character as URLs, JSON and HTML write it."""
_WRITTEN: Final = {"n": "\n", "r": "\r", "t": "\t"}
_CUT_ESCAPE: Final = re.compile(r"(?:%[0-9a-fA-F]?|\\(?:u[0-9a-fA-F]{0,3})?|&#?[0-9a-zA-Z]{0,8})\Z")


def masked(text: str, token: str, mark: str = "[token]") -> str:
    """The text with the mark in place of the token as it is, in a URL (`%2B`), a form (`+` for a space), in
    JSON (`\\u002b`, `\\/`) and HTML (`&amp;`, `&#43;`), each of its characters by itself, in hex, and of the
    whole word of base64 that it is in, alone or behind something (`Basic …` of a name and it). A long one is
    known in letters of either case, too, and spaced or in lines. Takes time by the text's length.
    """
    for one in _spelt(token):
        text = text.replace(one, mark)
    plain, places = _unescaped(text)
    parts, done = [], 0
    for found in _pattern(token).finditer(plain):
        parts += [text[done : places[found.start()]], mark]
        done = places[found.end()]
    text = "".join([*parts, text[done:]])
    for form in _forms(token):
        text = form.sub(mark, text)
    return text


def masked_end(text: str, token: str, mark: str = "[token]") -> str:
    """The same of a text that was cut, maybe within the token: its beginning is gone from the end, too."""
    text = masked(text, token, mark)
    at = min(_begun(text, token), _begun(_CUT_ESCAPE.sub("", text), token))
    return text if at == len(text) else text[:at] + mark


def _begun(text: str, token: str) -> int:
    """Where the longest beginning of the token begins that the text ends with, else the text's length."""
    plain, places = _unescaped(text)
    forms = (*_spelt(token), _unescaped(token)[0])
    found = [places[len(plain) - _shared(plain, one, _LEAST_BEGUN)] for one in forms]
    found += [len(text) - _shared(text, one, _LEAST_BEGUN) for one in _spelt(token)]
    found += [len(text) - _shared(text, one, _LEAST) for one in _figures(token)]
    found.append(len(text) - _shared(text.lower(), token.encode().hex(), 2 * _LEAST_BEGUN))
    return min(found)


def _shared(text: str, token: str, least: int) -> int:
    """How many characters, that many at least, the text ends and the token begins with; or none."""
    longest = range(min(len(token), len(text)), least - 1, -1)
    return next((length for length in longest if text.endswith(token[:length])), 0)


def _spelt(token: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((token, token.replace(" ", "+"))))


@lru_cache(maxsize=64)
def _pattern(token: str) -> re.Pattern[str]:
    """Finds it in a text without escapes."""
    is_long = len(token) >= _LEAST
    between = rf"\s{{0,{_SPACES}}}" if is_long else ""
    forms = dict.fromkeys((*_spelt(token), _unescaped(token)[0]))
    return re.compile(
        "|".join(between.join(map(re.escape, one)) for one in forms), re.IGNORECASE if is_long else 0
    )


def _unescaped(text: str) -> tuple[str, list[int]]:
    """The text without escapes, and for each of its characters, and its end, where that was."""
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(text):
        parts += [text[done : found.start()], _character(found[0])]
        places.extend(range(done, found.start() + 1))
        done = found.end()
    places.extend(range(done, len(text) + 1))
    return "".join([*parts, text[done:]]), places


def _character(escape: str) -> str:
    if escape[0] == "&":
        return html.unescape(escape)[:1] or "\ufffd"
    if len(escape) == 2:
        return _WRITTEN.get(escape[1], escape[1])
    return chr(int(escape.lstrip("%\\u"), 16))


@lru_cache(maxsize=64)
def _forms(token: str) -> tuple[re.Pattern[str], ...]:
    known = "|".join(re.escape(figures) for figures in _figures(token) if len(figures) >= _LEAST)
    if not known:
        return ()
    # From a word's beginning alone: tried at each of its letters it would take time by the word's square.
    word = re.compile(rf"(?<![\w+/-])[\w+/-]*(?:{known})[\w+/-]*=*")
    return re.compile(token.encode().hex(), re.IGNORECASE), word


def _figures(token: str) -> list[str]:
    """Of base64 that stand for the token alone, wherever it begins in what is encoded."""
    inner = []
    for alphabet in (b"+/", b"-_"):
        for before in range(3):  # it begins anywhere in the three bytes that four figures stand for
            figures = b64encode(b" " * before + token.encode(), alphabet).decode().rstrip("=")
            whole = (before + len(token)) * 8 // 6  # what follows changes the rest
            inner.append(figures[-(-before * 8 // 6) : whole])
    return list(dict.fromkeys(inner))
