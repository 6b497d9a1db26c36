"""The beginning of a database file, read without touching anybody's locks."""

from pathlib import Path

import apsw

from models.errors import CannotOpen


def first_bytes(path: Path, size: int) -> bytes:
    """Up to `size` bytes from the start of an existing file, through SQLite's own file layer.

    Closing a plain handle would drop every lock that this process holds on the file (fcntl(2)), those of a
    window's connections among them. Raises `CannotOpen`, and apsw's errors of reading.
    """
    try:
        file = apsw.VFSFile("", str(path), [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0])
    except UnicodeEncodeError:  # SQLite's layer knows no such name, so no connection can have been given it
        with path.open("rb") as plain:
            return plain.read(size)
    except apsw.CantOpenError as error:
        raise CannotOpen(path) from error
    try:
        return file.xRead(min(size, file.xFileSize()), 0)
    finally:
        file.xClose()
