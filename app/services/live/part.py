"""A copy of a live database while it comes: what has come, and how far that is, in one file.

Where reading is cut or cancelled, it goes on there, within a day.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final, NamedTuple

from app.services.live.paging import CHAIN, Line, PagedTable
from app.services.records.rows import RawText, given
from models.engine import Database, Rows, raw, sql_name
from models.errors import DamagedFile, StorageError
from models.local.atomic import PART, alone_with, expected_errors, lock_of
from models.local.file import (
    MAGIC,
    SIBLINGS,
    PlainConnection,
    first_bytes,
    first_row,
    is_sound,
    set_pragma,
    sibling,
    to_be_filled,
)
from models.schema import COUNTERS, caseless, of_engine
from models.status import DAY

_STATE: Final = "tenant_admin_part"
"""Says in the part how far it is; the file has it no more."""
_FORM: Final = 2

_LAST: Final = f"SELECT seq, hash FROM {CHAIN} ORDER BY seq DESC LIMIT 1"  # noqa: S608


class Stand(NamedTuple):
    """How far it is: in which pass, at which table, behind which of its numbers, with which digest so far."""

    number: int = 0
    position: int = 0
    last: int | None = None
    running: str = ""


@dataclass(slots=True)
class PartialCopy:
    """Such a file, open. It is `of` a database as it was when that had `begun`; `done` rows were read for it,
    and the next to read are at `stand`.
    """

    of: list[Any]
    file: PlainConnection
    tables: Sequence[PagedTable]
    begun: float
    done: int = 0
    stand: Stand = field(default_factory=Stand)

    def go_on(self, state: dict[str, Any]) -> None:
        self.done, self.stand = state["done"], Stand(*state["stand"])
        for table, told in zip(self.tables, state["tables"], strict=True):
            table.rows, table.digest, table.changed = told

    def begin(self, objects: Rows) -> None:
        """Makes the tables, which are empty."""
        known = {caseless(table.name) for table in self.tables} - {COUNTERS}
        with self.file:
            self.file.execute(f"CREATE TABLE {_STATE} (state TEXT)")
            for kind, name, sql in objects:
                if kind == "table" and caseless(name) in known:
                    self.file.execute(sql)
            self.keep(self.stand)

    def keep(self, stand: Stand) -> None:
        """Says in the file how far it is: in one transaction with the rows."""
        self.stand = stand
        state = {
            "of": self.of,
            "begun": self.begun,
            "done": self.done,
            "chain": any(table.is_chain for table in self.tables),
            "stand": stand,
            "tables": [[table.rows, table.digest, table.changed] for table in self.tables],
        }
        self.file.execute(f"DELETE FROM {_STATE}")  # noqa: S608
        self.file.execute(f"INSERT INTO {_STATE} VALUES (?)", (json.dumps(state),))  # noqa: S608

    def insert(self, table: PagedTable, rows: Sequence[Line]) -> None:
        names = ", ".join(map(sql_name, table.columns))
        start = f"INSERT INTO {table.sql} ({names}) VALUES"
        if not any(isinstance(value, RawText) for row in rows for value in row):
            self.file.executemany(f"{start} ({', '.join('?' * len(table.columns))})", rows)
            return
        for row in rows:
            cells = list(map(given, row))
            values = [value for cell in cells for value in cell.params or ()]
            self.file.execute(f"{start} ({', '.join(cell.sql for cell in cells)})", values)

    def finish(self, objects: Rows) -> None:
        """What comes behind the rows: indexes are made faster there, and triggers would fire. Where it fails,
        all of it can be done again. Raises `DamagedFile`.
        """
        with self.file:
            there = {caseless(name) for (name,) in self.file.execute("SELECT name FROM sqlite_master")}
            for wanted in ("index", "view", "trigger"):
                for kind, name, sql in objects:
                    is_own = not of_engine(name) and caseless(name) not in there
                    if kind == wanted and is_own:
                        self.file.execute(sql)
            path = Path(self.file.filename)
            if not is_sound(self.file):
                raise DamagedFile(path)
            if (lock := lock_of(path)).exists():  # for who finds the part without its name yet (`is_whole`)
                told = self.file.execute(f"SELECT state FROM {_STATE}").get  # noqa: S608
                lock.write_text(json.dumps({"file": path.stat().st_ino, "state": told}))
            self.file.execute(f"DROP TABLE {_STATE}")


@contextmanager
def opened(
    path: Path, database: Database, objects: Rows, tables: Sequence[PagedTable]
) -> Iterator[PartialCopy]:
    """The part at `path`, where that is of this database as it is now, and not old; else a new one."""
    schema = hashlib.blake2b(repr(objects).encode("utf-8", "surrogatepass")).hexdigest()
    of, state = [_FORM, database.identity or database.place, schema], state_of(path)
    if not _is_of(path, state, database, of):
        forget(path)
        path.touch(mode=0o600)
        state = {}
    with closing(to_be_filled(path)) as file:
        set_pragma(file, "synchronous", 1)  # what a part says of itself outlives a power cut
        part = PartialCopy(of, file, tables, state.get("begun", time.time()))
        if state:
            part.go_on(state)
        else:
            part.begin(objects)
        yield part


def state_of(path: Path) -> dict[str, Any]:
    """What a part says of itself, as kept; {} where it is none, or is damaged. Raises `FileLocked`."""
    with suppress(ValueError, TypeError):
        found = first_row(path, f"SELECT state FROM {_STATE}")  # noqa: S608
        return dict(json.loads(found[0])) if found is not None else {}
    return {}


def is_whole(path: Path) -> bool:
    """Whether it was a part, all of which had come when what made it was killed; it is one again then."""
    try:
        left = json.loads(lock_of(path).read_bytes())
        if left["file"] != path.stat().st_ino:
            return False
        with expected_errors(path), closing(to_be_filled(path)) as file:
            file.execute(f"CREATE TABLE {_STATE} AS SELECT ? AS state", (left["state"],))
    except (StorageError, OSError, ValueError, TypeError, LookupError):
        return False
    return True


def sweep(folder: Path) -> None:
    """Takes away the parts there with which no copy goes on any more: they hold personal data."""
    for path in folder.glob(f"*{PART}"):
        # Whatever else has such a name, or cannot be read, is somebody's and keeps no copy from being made.
        with suppress(OSError, StorageError), expected_errors(path):
            found = path.lstat()
            is_old = S_ISREG(found.st_mode) and time.time() - found.st_mtime >= DAY
            if is_old and first_bytes(path, len(MAGIC)) == MAGIC:
                with alone_with(path):
                    if state_of(path):
                        forget(path)


def forget(path: Path) -> None:
    for suffix in SIBLINGS:
        sibling(path, suffix).unlink(missing_ok=True)


def _is_of(path: Path, state: dict[str, Any], database: Database, of: list[Any]) -> bool:
    if state.get("of") != of or not 0 <= time.time() - state["begun"] < DAY:
        return False
    last = first_row(path, _LAST) if state["chain"] else None
    if last is None:
        return True
    # The chain goes on from there: else it is another one by now, by Time Travel perhaps.
    return bool(database.rows(raw(f"SELECT 1 FROM {CHAIN} WHERE seq = ? AND hash = ?", *last)))  # noqa: S608
