"""A token, or another secret, in a text that others have written: as it is spelt, and in the forms in which
calls are quoted.
"""

import html
import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
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
    known in letters of either case, too, and spaced or in lines. NULs count as nothing, so that bytes of
    UTF-16 are known, too, as far as a letter has a byte of its own. Takes time by the text's length.
    """
    for one in _spelt(token):
        text = text.replace(one, mark)
    text = _marked(text, *_unescaped(text), _pattern(token), mark)
    for form in _forms(token):
        text = _marked(text, *_without_nuls(text), form, mark)
    return text


def _marked(text: str, plain: str, places: Sequence[int], pattern: re.Pattern[str], mark: str) -> str:
    """The text with the mark where the pattern is in what it plainly is; `places` are where that was."""
    parts, done = [], 0
    for found in pattern.finditer(plain):
        parts += [text[done : places[found.start()]], mark]
        done = places[found.end()]
    return "".join([*parts, text[done:]]) if parts else text


def masked_end(text: str, token: str, mark: str = "[token]") -> str:
    """The same of a text that was cut, maybe within the token: its beginning is gone from the end, too."""
    text = masked(text, token, mark)
    bare, places = _without_nuls(text)
    cut = _CUT_ESCAPE.search(bare)
    ends = len(text), len(text) if cut is None else places[cut.start()]
    begun = [at for end in ends if (at := _begun(text[:end], token)) < end]
    return text[: min(begun)] + mark if begun else text


def _begun(text: str, token: str) -> int:
    """Where the longest beginning of the token begins that the text ends with, else the text's length."""
    plain, places = _unescaped(text)
    forms = (*_spelt(token), _unescaped(token)[0])
    is_long = len(token) >= _LEAST
    found = [places[_begins(plain, one) if is_long else len(plain) - _shared(plain, one)] for one in forms]
    found += [len(text) - _shared(text, one) for one in _spelt(token)]
    bare, places = _without_nuls(text)
    found += [places[len(bare) - _shared(bare, one, _LEAST)] for one in _figures(token)]
    end = _alike(bare[-2 * max(map(len, _written(token))) :])
    found += [places[len(bare) - _shared(end, one.hex(), 2 * _LEAST_BEGUN)] for one in _written(token)]
    return min(found)


def _begins(plain: str, token: str) -> int:
    """Where the longest beginning of a long token begins that a text ends with, in letters of either case,
    with some space between; else the text's length.
    """
    start = max(0, len(plain) - len(token) * (1 + _SPACES))
    letters = [place for place in range(start, len(plain)) if not plain[place].isspace()]
    end = _alike("".join(plain[place] for place in letters))
    shared = _shared(end, _alike("".join(token.split())))
    return letters[len(letters) - shared] if shared else len(plain)


def _alike(text: str) -> str:
    """In small letters, each of which stands where it stood."""
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _shared(text: str, token: str, least: int = _LEAST_BEGUN) -> int:
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


def _without_nuls(text: str) -> tuple[str, Sequence[int]]:
    """The text without NULs, and for each of its characters, and its end, where that was."""
    if "\0" not in text:
        return text, range(len(text) + 1)
    places = [place for place, char in enumerate(text) if char != "\0"]
    return text.replace("\0", ""), [*places, len(text)]


def _unescaped(text: str) -> tuple[str, Sequence[int]]:
    """The same without escapes, too."""
    bare, of_bare = _without_nuls(text)
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(bare):
        parts += [bare[done : found.start()], _character(found[0])]
        places.extend(of_bare[done : found.start() + 1])
        done = found.end()
    places.extend(of_bare[done:])
    return "".join([*parts, bare[done:]]), places


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
    return re.compile("|".join(one.hex() for one in _written(token)), re.IGNORECASE), word


def _written(token: str) -> list[bytes]:
    """Its bytes as texts are written."""
    return [token.encode(encoding, "surrogatepass") for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def _figures(token: str) -> list[str]:
    """Of base64 that stand for the token alone, wherever it begins in what is encoded."""
    inner = []
    for written, alphabet in product(_written(token), (b"+/", b"-_")):
        for before in range(3):  # it begins anywhere in the three bytes that four figures stand for
            figures = b64encode(b" " * before + written, alphabet).decode().rstrip("=")
            whole = (before + len(written)) * 8 // 6  # what follows changes the rest
            inner.append(figures[-(-before * 8 // 6) : whole])
    return list(dict.fromkeys(inner))
