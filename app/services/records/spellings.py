"""How an e-mail address may be written that is compared as another (`text.address`), as an index is asked."""

import unicodedata
from collections.abc import Mapping
from itertools import product
from typing import Final

from app.services import text
from app.services.sought import letters_by

_FIRST_LETTERS: Final = 5
"""Of an address that is looked for in any case, of which most are written in two ways."""
_FEWEST: Final = 3
"""With fewer at its beginning too many others begin so."""
_MOST_BEGINNINGS: Final = 64


def beginnings(address: str) -> set[str]:
    """How what is folded to an address may begin: its first letters in each form that is folded so, and what
    is between them, composed or not.
    """
    letters, at, spelt = 0, 0, [""]
    name, _, host = address.rpartition("@")
    address = f"{name}@" if "xn--" in host else address  # it may be there in its letters
    while at < len(address):
        part = next(
            one for one in (address[at : at + 3], address[at : at + 2], address[at]) if _is_whole(one)
        )
        forms = _forms_of(part)
        is_enough = letters >= _FEWEST and len(spelt) * len(forms) > _MOST_BEGINNINGS
        if not unicodedata.combining(part[0]) and (letters >= _FIRST_LETTERS or is_enough):
            break
        letters, at = letters + len(part) * part.isalpha(), at + len(part)
        spelt = [one + form for one in spelt for form in forms]
    every = {unicodedata.normalize(form, one) for one in spelt for form in ("NFC", "NFD")}
    return every if letters >= _FEWEST else set()


def _is_whole(part: str) -> bool:
    return len(part) == 1 or part in _folded_to()


def _forms_of(part: str) -> list[str]:
    """What is folded to a letter, or to several: each of them in its forms, or one for all (ß)."""
    alone = [(one, *_folded_to().get(one, ())) for one in part]
    also = _folded_to().get(part, ()) if part[1:] else ()
    return [*dict.fromkeys((*("".join(each) for each in product(*alone)), *also))]


def _folded_to() -> Mapping[str, list[str]]:
    return letters_by(text.folded)


def likely(address: str) -> set[str]:
    """How somebody else has it stored most likely."""
    local, at, host = address.partition("@")
    plain = {address, address.lower(), address.upper(), address.capitalize(), text.folded(address)}
    names = {local.upper(), local.title(), local.capitalize()}  # Ada.Lovelace, as names are written
    plain |= {
        address.title(),
        *(f"{name}{at}{end}" for name in names for end in (host, host.lower(), host.title())),
    }
    key = text.address(address)
    plain |= {key, text.host_in_unicode(key)}
    return {unicodedata.normalize(form, one) for one in plain for form in ("NFC", "NFD")}
