"""When something was, by a time as it is stored: in seconds, milliseconds or ISO text, which is UTC where it
names no zone. In Python (`epoch_of`) and in SQL (`moment_in_sql`) it is the same rule, with the bounds of the
chain's own (`rules.is_no_time`): no time is before 1970, or after 9999.
"""

import re
from datetime import UTC, datetime
from math import floor
from typing import Any, Final

from app.services.chain.rules import SECONDS_LIMIT, is_no_time, seconds
from app.services.records.rows import filled
from models.patterns import compiled_later

_TEXT: Final = compiled_later(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?( *([+-](0\d|1[0-4]):[0-5]\d|Z))?)?",
    re.ASCII | re.IGNORECASE,
)
"""What SQLite's `unixepoch` reads (sqlite.org/lang_datefunc.html) of what people store. Also it reads a time
without a day, a Julian day and “now”, which are nobody's times.
"""
_LONGEST: Final = 64
_MOMENT: Final = f"""
CASE
  WHEN % >= 0 AND % < {SECONDS_LIMIT} THEN %
  WHEN % >= {SECONDS_LIMIT} AND % < {SECONDS_LIMIT * 1000} THEN % / 1000
  WHEN typeof(%) = 'text' AND length(trim(%)) <= {_LONGEST}
    AND trim(%) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
    AND date(substr(trim(%), 1, 10)) = substr(trim(%), 1, 10)
    AND (length(trim(%)) = 10 OR substr(trim(%), 12, 2) BETWEEN '00' AND '23')
  THEN nullif(max(unixepoch(upper(trim(%))), -1), -1)
END
"""
_FURTHEST: Final = 2**63


def epoch_of(stored: Any) -> int | None:
    """The epoch seconds of a stored time; None for what is none."""
    if isinstance(stored, str):
        return _of_text(stored)
    if not isinstance(stored, int | float) or not -_FURTHEST < stored < _FURTHEST:  # JSON has any number
        return None
    whole = floor(stored)
    return None if is_no_time(whole) else seconds(whole)


def moment_in_sql(stored: Any) -> Any:
    """The same of a column, with the fraction of a real number, to compare and to order by it.

    NULL for what is no time. A number of seconds, which nearly all are, is told by two comparisons.
    """
    return filled(_MOMENT, stored)


def _of_text(stored: str) -> int | None:
    text = stored.strip(" ").upper()
    if len(text) > _LONGEST or not _TEXT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r" +(?=[+-]|Z$)", "", text))
        at = floor((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None
    return None if is_no_time(at) else at
