"""Writes the rows of a list to a file in a child process. Never imports Qt."""

from array import array
from collections.abc import Callable
from pathlib import Path

from app.services.records.export import Format, check_target
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys
from app.services.records.query_document import document
from app.workers.child_process import Child
from models.local.atomic import expected_errors, replacing


def export_rows(
    path: Path,
    target: Path,
    query: ListQuery,
    form: Format,
    *,
    keys: Keys | None = None,
    read_only: bool,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> int:
    """Writes the rows with these keys, or all that the query keeps, to `target`: whole or not at all.

    `path` is the database, read with the rights that this program has opened it with (`read_only`).
    `progress(done, total)` in rows and `cancelled()` are called in this thread. Returns the number of rows.
    Raises `Cancelled` within 100 ms, `InvalidInput` where `target` is the database itself, the storage errors
    of both files, and those of `Child`.
    """
    check_target(target, path)
    described, attached = _described(keys)
    with expected_errors(target), replacing(target) as building, Child("export", "export") as child:
        written = child.run(
            {
                "database": str(path),
                "read_only": read_only,
                "query": document(query),
                "form": form.value,
                "keys": described,
                "building": str(building),
                "target": str(target),
            },
            attached,
            progress=progress,
            cancelled=cancelled,
        )
        return int(written)


def _described(keys: Keys | None) -> tuple[int | list[int] | None, "array[int] | bytes"]:
    """Keys without a gap as a range's three numbers; others as their count, with themselves attached."""
    if keys is None:
        return None, b""
    if isinstance(keys, range):
        return [keys.start, keys.stop, keys.step], b""
    found = keys if isinstance(keys, array) else array("q", keys)
    return len(found), found
