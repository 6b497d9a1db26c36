"""Why a dump was not imported, each in one sentence that never quotes what the dump holds."""

import re
from collections.abc import Sequence
from pathlib import Path

import apsw

from app.services.text import visible
from models.errors import TenantAdminError

_LONGEST = 120
"""Characters of what is said of a statement."""


class ImportFailed(TenantAdminError):
    """A dump that was not imported; no file was made."""


class NotADump(ImportFailed):
    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path.name} is {what}, not an SQL dump; choose a file that `wrangler d1 export` or the "
            "`.dump` of sqlite3 has written."
        )


class NotPlainText(ImportFailed):
    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(
            f"{path.name} holds {what} at line {line:,}, so nothing was imported; an SQL dump is UTF-8 text."
        )


class DumpCutOff(ImportFailed):
    """The end is missing. `line` is where the unfinished part begins."""

    def __init__(self, path: Path, line: int, what: str = "a statement") -> None:
        super().__init__(
            f"{path.name} was cut off: {what} that begins at line {line:,} never ends, so nothing was "
            "imported. Make the export again."
        )


class StatementRefused(ImportFailed):
    """Something that a dump of the platform's database never holds, and that could do harm."""

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        where = "" if line is None else f" at line {line:,}"
        super().__init__(
            f"{path.name} holds {_short(what)}{where}, which an import does not run; nothing was imported."
        )
        self.line, self.what = line, what


class StatementFailed(ImportFailed):
    """SQLite does not take a statement. Only what cannot be the row's data is said of why."""

    def __init__(self, path: Path, line: int, error: apsw.Error) -> None:
        super().__init__(
            f"The statement at line {line:,} of {path.name} fails ({_short(_said(error))}), "
            "so nothing was imported."
        )
        self.line = line


class ImportLimit(ImportFailed):
    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path.name} {what}, so nothing was imported.")


class NotThePlatforms(ImportFailed):
    """A dump of something else, or one that lost its end between two statements."""

    def __init__(self, path: Path, missing: Sequence[str]) -> None:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5:,} more" if len(missing) > 5 else "")
        super().__init__(
            f"{path.name} lacks {named}: it is not a whole dump of the platform's database, so nothing was "
            "imported."
        )
        self.missing = tuple(missing)


def _said(error: apsw.Error) -> str:
    """SQLite's message without the piece of the statement that it may quote.

    Constraints are named by table and column. Everything else stops before the first quotation, since a
    missing quote in the dump can make any stored text look like a name.
    """
    said = str(error)
    if isinstance(error, apsw.ConstraintError):
        return said
    if isinstance(error, apsw.BindingsError):
        return "it has parameters"
    if said.endswith("syntax error"):
        return "syntax error"
    return re.split(r"[:\"']", said, maxsplit=1)[0].strip() or "an error"


def _short(text: str) -> str:
    """A name from the dump can be any text of any length."""
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
