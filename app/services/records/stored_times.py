"""When something was, by a time as it is stored; `list_query.moment` is the same rule in SQL."""

import re
from datetime import UTC, datetime
from math import floor
from typing import Any, Final

from app.services.chain.rules import SECONDS_LIMIT, seconds

_TEXT: Final = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?( ?[+-]\d\d:\d\d| ?Z)?", re.ASCII | re.IGNORECASE
)
"""What SQLite's `unixepoch` reads (sqlite.org/lang_datefunc.html) of what anybody stores."""
_LONGEST: Final = 64
_FURTHEST: Final = 2**63


def epoch_of(stored: Any) -> int | None:
    """The epoch seconds of a stored time, in seconds, milliseconds or ISO text, which is UTC where it
    names no zone; None for what is none.
    """
    if isinstance(stored, str):
        return _of_text(stored)
    if not isinstance(stored, int | float) or not -_FURTHEST < stored < _FURTHEST:  # JSON has any number
        return None
    at = seconds(floor(stored))
    return at if 0 < at < SECONDS_LIMIT else None


def _of_text(stored: str) -> int | None:
    text = stored[:_LONGEST].strip()
    if not _TEXT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r" (?=[+-]|Z$)", "", text.upper()))
        at = floor((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None
    return at if at > 0 else None
