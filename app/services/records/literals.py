"""A stored value as SQL text that reads back the same, in its storage class and to the last bit.

Written here of a value that was read, or by SQLite itself of a column that it reads, which is faster.
"""

from typing import Final

from app.services.records.rows import RawText, Value
from models import engine

_EXPRESSION: Final = """
CASE
  WHEN % COLLATE BINARY >= '' THEN CASE
    WHEN % COLLATE BINARY < x'' THEN '''' || replace(%, '''', '''''') || ''''
    ELSE 'x''' || lower(hex(%)) || ''''
  END
  WHEN typeof(%) = 'integer' THEN %
  WHEN % IS NULL THEN 'NULL'
  WHEN % = 9e999 THEN '9e999'
  WHEN % = -9e999 THEN '-9e999'
  WHEN % = 0.0 THEN iif(atan2(%, -1.0) < 0, '-0.0', '0.0')
  ELSE quote(%)
END
"""
"""Not quote() of text, which ends at a NUL. All texts and nothing else are between the empty text and the
empty BLOB: to compare takes two thirds of the time of typeof().
"""


def literal(value: Value) -> str:
    """The value as SQL. Text that is no UTF-8, or not kept (`is_kept`), is given as its bytes."""
    match value:
        case RawText(raw):
            return f"CAST({engine.literal(raw)} AS TEXT)"
        case str() if not is_kept(value):
            return f"CAST({engine.literal(value.encode())} AS TEXT)"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return engine.literal(value)


def is_kept(text: str) -> bool:
    """Whether all that take SQL read a text as it is: sqlite3's shell drops the CR of a line break of CR and
    LF, also within quotes.
    """
    return "\0" not in text and "\r" not in text


def written(column: str) -> str:
    """The expression that gives a column's value, its name as SQL takes it, as SQL.

    What it gives of a text that is no UTF-8, or not kept (`is_kept`), holds its bytes as they are.
    """
    return _EXPRESSION.replace("%", column)
