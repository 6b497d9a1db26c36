"""Which rows of a damaged table can be read all the same."""

from array import array
from typing import Final

from models.engine import Database, raw, sql_name
from models.errors import DamagedFile
from models.schema import StoredTable

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_ONE_BY_ONE: Final = 10_000
"""Numbers tried one after another behind the last row that could be read, before some are passed over."""


def readable(database: Database, table: StoredTable) -> "array[int]":
    """The rowids of the rows that can be read whole, in order; none of a table without rowids.

    Whoever reads them is to look each up by its own: SQLite reads on to the row behind a range, which may be
    damaged. The caller holds a connection. Raises the storage errors, but for damage.
    """
    found = array("q")
    if table.rowid is None:
        return found
    rowid = sql_name(table.rowid)
    cells = ", ".join(f"length(CAST({sql_name(column)} AS BLOB))" for column in table.columns)
    source = f"FROM main.{sql_name(table.name)} NOT INDEXED WHERE {rowid} >= ? ORDER BY {rowid}"
    first, step, missed, damaged = _LOWEST, 1, 0, True
    while damaged and first <= _HIGHEST:
        damaged, before = False, len(found)
        try:
            for key, *_ in database.each(raw(f"SELECT {rowid}, {cells} {source}", first)):
                found.append(key)
        except DamagedFile:
            damaged = True
        if len(found) > before:
            first, step, missed = found[-1] + 1, 1, 0
        else:
            missed += 1
            step *= 2 if missed > _ONE_BY_ONE else 1
            first = max(0, first + step)  # before the first row there is nothing to try
    return found
