"""A child process that writes the rows of a list to a file: see `app.workers.exporting`.

The packaged program's entry point calls `main()` for `--export-worker` before it imports anything else.
"""

from array import array
from pathlib import Path
from typing import BinaryIO

from app.services.records import export
from app.services.records.export import Format
from app.services.records.lists import Keys, Lists
from app.services.records.query_document import query_of
from app.workers.child_side import Job, Orphaned, Progress, serve
from models.local.atomic import expected_errors
from models.local.database import LocalDatabase
from models.schema import inspect


def main() -> int:
    """Writes what standard input asks for."""
    return serve(write)


def write(job: Job, attached: BinaryIO, progress: Progress) -> int:
    """Writes one list to the file named `building` and returns the number of its rows.

    Raises the errors of `export.to_file`, those of the file naming its `target`.
    """
    keys = _keys(job["keys"], attached)
    database = LocalDatabase(Path(job["database"]), read_only=job["read_only"])
    building = Path(job["building"])
    try:
        with database.connection_context(), expected_errors(Path(job["target"])):
            lists = Lists(inspect(database))
            query, form = query_of(job["query"]), Format(job["form"])
            return export.to_file(building, database, lists, query, form, keys=keys, progress=progress)
    except Orphaned:
        building.unlink(missing_ok=True)  # nobody else is left to do so
        building.parent.rmdir()
        raise


def _keys(described: int | list[int] | None, attached: BinaryIO) -> Keys | None:
    """The keys of `exporting.described`."""
    if described is None:
        return None
    if isinstance(described, list):
        return range(*described)
    keys = array("q")
    keys.frombytes(attached.read(described * keys.itemsize))
    return keys
