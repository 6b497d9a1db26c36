"""How a search compares texts, and where in a text stands what it found."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from app.services.text import folded


def sought(text: str) -> str:
    """The text as a search compares it: `folded`, and i with its dot or without is one letter, as people type
    it: istanbul, ISTANBUL, İstanbul, ısparta. `list_query.holding` asks a database for the same.
    """
    if text.isascii():
        return text.lower()
    return folded(text).replace("ı", "i").replace("i\N{COMBINING DOT ABOVE}", "i")


_CASED: Final = (
    (0x41, 0x2FFF),
    (0xA640, 0xABBF),
    (0xFB00, 0xFB17),
    (0xFF21, 0xFF5A),
    (0x10400, 0x10D65),
    (0x16E40, 0x1E943),
)
"""Where Unicode has letters of two cases."""


@cache
def letters_by(fold: Callable[[str], str]) -> Mapping[str, list[str]]:
    """By what they are folded to, one letter or several, the letters that are not folded to themselves."""
    found: dict[str, list[str]] = {}
    for first, last in _CASED:
        for letter in map(chr, range(first, last + 1)):
            if (small := fold(letter)) != letter:
                found.setdefault(small, []).append(letter)
    return found


_LETTERS: Final = 256


def place_in(text: str, wanted: str) -> tuple[int, int] | None:
    """Where the text has what is `sought`, in its own letters."""
    return next(places_in(text, wanted), None)


def places_in(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Each place where it has that, one behind the other; what is far behind a place is not folded for it."""
    whole, first, folded_to, at = sought(text), 0, 0, 0
    while wanted and (at := whole.find(wanted, at)) >= 0:
        begin, end = _place(text, first, at - folded_to, wanted)
        yield begin, end
        folded_to += len(sought(text[first:end]))
        first, at = end, folded_to


def _place(text: str, first: int, at: int, wanted: str) -> tuple[int, int]:
    """From where to where the letters go that have it; `at` is where, of what is folded from `first` on."""
    begin, end = first + at, first + at + len(wanted)
    is_whole = end <= len(text) and not joins(text[begin]) and not joins(text[end : end + 1] or " ")
    if is_whole and sought(text[begin:end]) == wanted and len(sought(text[first:begin])) == at:
        return begin, end  # as nearly always
    return _letter_at(text, first, at)[0], _letter_at(text, first, at + len(wanted) - 1)[1]


def _letter_at(text: str, first: int, place: int) -> tuple[int, int]:
    """From where to where the letter goes that a place is in of what is folded from `first` on."""
    stop, size = len(text), 0
    for step in (_LETTERS, 1):
        for start, end in _letters(text, first, stop, step):
            size = len(sought(text[start:end]))
            if place < size:
                first, stop = start, end
                break
            place -= size
    return first, stop


def _letters(text: str, first: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
    """Parts of the text, of so many characters and those that join the last."""
    while first < stop:
        end = min(first + step, stop)
        while end < stop and joins(text[end]):
            end += 1
        yield first, end
        first = end


def joins(letter: str) -> bool:
    """Whether it may become one with the letter before it: all of Unicode's marks, and the later parts of a
    Hangul syllable (Unicode 15, 3.12).
    """
    return unicodedata.category(letter)[0] == "M" or "\u1160" <= letter <= "\u11ff"
