"""Writes the rows of a list to a file in a child process: who asks, and the child. Never imports Qt."""

from array import array
from pathlib import Path
from typing import BinaryIO

from app.services.records import export
from app.services.records.export import Format
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.workers.child import Caller, Children, Job, Orphaned
from models.errors import InvalidInput
from models.local.atomic import SIBLINGS, expected_errors, replacing, sibling
from models.local.database import LocalDatabase
from models.progress import Progress, Stop
from models.schema import inspect


def export_rows(
    path: Path,
    target: Path,
    query: ListQuery,
    form: Format,
    *,
    keys: Keys | None = None,
    read_only: bool,
    progress: Progress,
    cancelled: Stop,
) -> int:
    """Writes the rows with these keys, or all that the query keeps, to `target`: whole or not at all.

    `path` is the database, read with the rights that this program has opened it with (`read_only`).
    `progress(done, total)` in rows and `cancelled()` are called in this thread. Returns the number of rows.
    Raises `Cancelled` within 100 ms, `InvalidInput` where `target` is the database itself, the storage errors
    of both files, and those of `Children`.
    """
    _check_target(target, path)
    described, attached = _described(keys)
    with expected_errors(target), replacing(target) as building, Children("export", "export") as children:
        job = {
            "database": str(path),
            "read_only": read_only,
            "query": query.document(),
            "form": form.value,
            "keys": described,
            "building": str(building),
            "target": str(target),
        }
        (written,) = children.run([job], attached, progress=progress, cancelled=cancelled)
        return int(written)


def work(job: Job, attached: BinaryIO, caller: Caller) -> int:
    """In the child: writes one list to the file named `building` and returns the number of its rows.

    Raises the errors of `export.to_file`, those of the file naming its `target`.
    """
    keys = _keys(job["keys"], attached)
    database = LocalDatabase(Path(job["database"]), read_only=job["read_only"])
    building = Path(job["building"])
    try:
        with database.connection_context(), expected_errors(Path(job["target"])):
            lists = Lists(inspect(database))
            query, form = ListQuery.of(job["query"]), Format(job["form"])
            return export.to_file(building, database, lists, query, form, keys=keys, progress=caller.progress)
    except Orphaned:
        building.unlink(missing_ok=True)  # nobody else is left to do so
        building.parent.rmdir()
        raise


def _check_target(target: Path, database: Path) -> None:
    """Raises `InvalidInput` where an export would take the place of the database itself or of its log."""
    for part in (sibling(database, suffix) for suffix in SIBLINGS):
        if part.exists() and target.exists() and part.samefile(target):
            raise InvalidInput(
                "target", f"{target.name} belongs to the open database; choose another name for the export."
            )


def _described(keys: Keys | None) -> tuple[int | list[int] | None, "array[int] | bytes"]:
    """Keys without a gap as a range's three numbers; others as their count, with themselves attached."""
    if keys is None:
        return None, b""
    if isinstance(keys, range):
        return [keys.start, keys.stop, keys.step], b""
    found = keys if isinstance(keys, array) else array("q", keys)
    return len(found), found


def _keys(described: int | list[int] | None, attached: BinaryIO) -> Keys | None:
    """The keys of `_described`."""
    if described is None:
        return None
    if isinstance(described, list):
        return range(*described)
    keys = array("q")
    keys.frombytes(attached.read(described * keys.itemsize))
    return keys
