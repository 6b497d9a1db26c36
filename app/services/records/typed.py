"""What people type as a value of a column that only the file knows, in the type that it declares."""

import math
import re

from app.services import text
from app.services.records.rows import Value
from app.services.secrets.forms import hides
from models.errors import InvalidInput

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_LEAST, _MOST = -(2**63), 2**63 - 1
_TEXTS = ("CHAR", "CLOB", "TEXT", "BLOB", "ANY")
"""What a declared type is named with that takes any text."""
_LONGEST = 1_000
"""Characters of a value that is edited in a line."""


def can_be_typed(value: object) -> bool:
    """Whether a stored value, as it is shown, can be edited in a line of text: whole, that is."""
    if hides(value):
        return False
    said = value if isinstance(value, str) else ""
    is_line = len(said) <= _LONGEST and text.visible(said) == said == said.strip()
    return is_line and not isinstance(value, bytes)


def in_type(name: str, kind: str, typed: str) -> Value:
    """The value as SQLite stores it in a column declared as `kind` (sqlite.org/datatype3.html, 3.1), so that
    it is known how it will be. A number is asked for where whole numbers or numbers are declared. Raises
    `InvalidInput`.
    """
    value = text.single_line(name, name, typed, longest=_LONGEST, required=False)
    kind = kind.upper()
    if "INT" in kind:
        if not _WHOLE.fullmatch(value) or not _LEAST <= int(value) <= _MOST:
            raise InvalidInput(name, f"{name} takes a whole number (it is declared {kind}).")
        return int(value)
    if not kind or any(word in kind for word in _TEXTS):
        return value
    number = _number(value)
    if asks_for_number(kind):
        if number is None:
            raise InvalidInput(name, f"{name} is declared {kind}: a number, such as 7.5.")
        return float(number)
    return value if number is None else number


def asks_for_number(kind: str) -> bool:
    """Whether `in_type` refuses what is no number in a column that is declared so."""
    kind = kind.upper()
    if "INT" in kind:
        return True
    return not any(word in kind for word in _TEXTS) and any(word in kind for word in ("REAL", "FLOA", "DOUB"))


def _number(value: str) -> int | float | None:
    """As a column of any number stores it: whole where it is."""
    if _WHOLE.fullmatch(value) and _LEAST <= int(value) <= _MOST:
        return int(value)
    try:
        found = float(value) if re.fullmatch(r"[0-9.eE+-]+", value) else math.nan
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found
