"""Which expected failure stands behind SQLite's own message, which names tables, columns and rules, never
values; a local file and a live database say it in the same words.
"""

import re
from typing import Final

from models import errors
from models.errors import StorageError

_OF_RULES: Final = (
    "cannot UPDATE generated column",
    "unsafe use of",
    "LIKE or GLOB pattern too complex",
    "malformed JSON",
    "bad JSON path",
    "JSON ",
    "integer overflow",
    "ESCAPE expression",
)
"""How SQLite begins to say that a CHECK, an index or a generated column cannot be worked out for a value."""


def constraint(message: str) -> StorageError:
    """The failure of a constraint."""
    if message.lower().endswith("not null constraint failed: audit_chain.previous_hash"):
        return errors.HeadMoved()
    if found := re.search("UNIQUE constraint failed: (.+?)(: SQLITE_.*)?$", message, re.DOTALL):
        return errors.AlreadyExists(re.sub("^index '", "value of index '", found[1]))
    return errors.Refused(message)


def sql_error(message: str) -> StorageError | None:
    """The failure of a statement that SQLite does not compile or run; None where it is a bug."""
    if found := re.search(r"no such table: (main\.)?(.+)", message):
        from models.schema import COUNTERS, expected_columns  # noqa: PLC0415 - a child that verifies needs none

        own = {*expected_columns(), COUNTERS}
        if found[1] and found[2] not in own:  # so SQLite names what keys and triggers refer to
            which = f"a foreign key or a trigger refers to a table {found[2]}, which is not there"
            return errors.Refused(which)
        return errors.TableMissing(found[2])
    if found := re.search(r"no such column: (?:t\d+\.)?(.+)", message):
        return errors.ColumnMissing(found[1])
    if found := re.fullmatch(r'foreign key mismatch - "(.*)" referencing "(.*)"', message, re.DOTALL):
        child = found[1] or "a table without a name"
        return errors.Refused(
            f"a foreign key of {child} refers to columns of {found[2]} that are no key of it"
        )
    if found := re.match("(?:no such|unknown) (function|collation sequence|module): (.+)", message):
        return errors.OnlyElsewhere(f"{found[1]} {found[2]}")
    if message == "datatype mismatch":
        return errors.Refused("the key of such a row is a whole number")
    if message.startswith(_OF_RULES) or message.endswith("because it is a view"):
        return errors.Refused(message)
    if found := re.search(r"table (.+) has no column named (.+)", message):
        return errors.ColumnMissing(f"{found[1]}.{found[2]}")
    return None
