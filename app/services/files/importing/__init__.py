"""SQL dumps, as `wrangler d1 export` and `sqlite3 … .dump` write them, made into database files."""

from app.services.files.importing.errors import (
    DumpCutOff,
    ImportLimit,
    NotADump,
    NotPlainText,
    NotThePlatforms,
    StatementFailed,
    StatementRefused,
)
from app.services.files.importing.outcome import Dangling, Imported
from app.services.files.importing.running import import_dump

__all__ = [
    "Dangling",
    "DumpCutOff",
    "ImportLimit",
    "Imported",
    "NotADump",
    "NotPlainText",
    "NotThePlatforms",
    "StatementFailed",
    "StatementRefused",
    "import_dump",
]
