"""A file rewritten without its free space, in which other programs' writes leave what they removed."""

import shutil
import time
from typing import TYPE_CHECKING, Final

import apsw

from models import errors
from models.engine import raw, sql_name
from models.local.errors import no_longer
from models.local.file import patiently, size_of
from models.local.in_use import in_use_by
from models.local.on_disk import has_moved
from models.progress import PATIENCE, never
from models.schema import internal, read_stored

if TYPE_CHECKING:
    from models.local.database import LocalDatabase

MOST: Final = 256 * 2**20
"""Bytes of a file that is rewritten: it is held in memory meanwhile, and nobody else can write."""


def pack(database: "LocalDatabase") -> str | None:
    """Rewrites the file, so that no free space is left in it; why not, if so, as a clause.
    The caller holds a connection, on which no transaction is open.

    Not where another program has the file open, which would wait for it; nor where it changed what tells rows
    apart: of a table that has neither a number of its own nor any index, SQLite counts the rows again.
    """
    try:
        with database.expected_errors():
            return _why_not(database) or _packed(database)
    except errors.TenantAdminError as error:
        return str(error).removesuffix(".")


def _why_not(database: "LocalDatabase") -> str | None:
    if (others := in_use_by(database.path)) is not None:
        return f"{others} has it open"
    connection: apsw.Connection = database.connection()
    size = int(connection.pragma("page_count")) * int(connection.pragma("page_size"))
    if size > MOST:
        return f"it is larger than {MOST // 2**20} MB"
    if shutil.disk_usage(database.path.parent).free < 2 * size:
        return "its disk has too little space for that"
    for table in read_stored(database)[0].values():
        has_number = table.without_rowid or table.rowid in table.columns
        if has_number or internal(table.name) or connection.execute(_INDEXES, (table.name,)).get:
            continue
        found = (1, None, None)
        if (rowid := table.rowid) is not None:
            span = f"SELECT count(*), min({rowid}), max({rowid}) FROM main.{sql_name(table.name)}"  # noqa: S608
            (found,) = database.rows(raw(span))
        if found not in ((0, None, None), (found[0], 1, found[0])):
            return f"the rows of {table.name} would get other numbers by that"
    return None


_INDEXES: Final = "SELECT count(*) FROM pragma_index_list(?)"


def _packed(database: "LocalDatabase") -> str | None:
    connection: apsw.Connection = database.connection()
    deadline = time.monotonic() + PATIENCE
    database.on_disk.require_for_change(connection)
    if has_moved(connection):
        raise no_longer(database.path)
    with database.calm_log():  # what the file held is there until its log is folded in
        patiently(lambda: connection.execute("VACUUM"), deadline, never)
    return (
        "somebody reads it, so that its log could not be folded in yet"
        if size_of(database.on_disk.log)
        else None
    )
