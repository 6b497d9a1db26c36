"""A live database as a new local file, whole: page by page, each value in its storage class.

No snapshot spans two requests. So every table is read twice, and again where it has changed in between: what
is the same both times was so at one moment, when the first reading had ended and the second had not begun.
Of the audit chain, whose entries stay as they are, only what has come and what has gone is read again; all of
it where the last ones that were read are no more, as behind a return by Time Travel.

What has come is kept page by page in a part beside the file that it becomes. A copy that goes on there holds
what was read before against a second reading in any case.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.services.chain.checkpoints.places import remember_new
from app.services.chain.reading import looked_up
from app.services.live import paging
from app.services.opened import Which
from app.services.records.rows import in_parts
from models import errors, progress, schema
from models.engine import OWN_USAGE, Database, Usage, raw, within
from models.files.atomic import PART, expected_errors, new_file, new_file_by_parts
from models.local.copies import free_name

PASSES: Final = 4
"""How often the tables are read before it is said that they are not of one moment."""

_KEPT: Final = (
    f"What was read is kept in {{name}}{PART}; save under the same name again, within a day, and it goes on "
    "there."
)


class NotFetched(errors.StorageError):
    """The tables themselves were altered meanwhile."""

    heading = "The database was changed meanwhile"
    sentence = "The tables of {name} were altered while it was read; nothing was written. Try again."


class FetchStopped(errors.StorageError):
    """A part is kept; `why` is what stopped it."""

    heading = "The copy is not whole yet"
    sentence = f"{{name}} is not whole yet: {{why}}. {_KEPT}"


class FetchCancelled(errors.Cancelled):
    sentence = f"Cancelled. {_KEPT}"


_LOOKED_FOR: Final = f"""
SELECT CAST(tenant_id AS BLOB), typeof(tenant_id), max(seq), hex(hash) FROM {paging.CHAIN} GROUP BY 1, 2
UNION
SELECT CAST(tenant_id AS BLOB), typeof(tenant_id), seq, hex(hash)
FROM (SELECT *, row_number() OVER (ORDER BY seq) AS place FROM {paging.CHAIN}) WHERE place % 1000 = 1
"""  # noqa: S608
"""Entries of a copy that must still be there; tenants by their bytes, of their kind: a name may be no UTF-8,
or no text.
"""

_IN_VAIN: Final = (
    NotFetched,
    errors.DamagedFile,
    errors.AlreadyExists,
    errors.HeadMoved,
    errors.Refused,
    errors.OnlyElsewhere,
)
"""What a copy that goes on would fail with again."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many rows of each table came, what that took, and what a person has to know, in sentences.

    `unsettled` are the tables that somebody has written to all the time: each is of another moment.
    `resumed` rows were read by an earlier call, and not by this one.
    """

    rows: dict[str, int]
    used: Usage
    seconds: float
    notes: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    resumed: int = 0


def fetch(
    database: Database,
    path: Path,
    *,
    before: Callable[[int], object] = lambda rows: None,
    monitor: progress.Monitor = progress.UNWATCHED,
) -> Fetched:
    """Writes all that the database holds to the new file `path`, or goes on where an earlier call stopped.

    Memory stays that of a page. `monitor` is told rows, of about as many. What a person waits for comes
    before this. `before` is told about how many are read before one is; what it raises ends it. The caller
    holds a connection. Where something was read, a part is kept, and `FetchStopped` or `FetchCancelled` says
    so; else raises `Cancelled`, `NotFetched`, the errors of `new_file_by_parts` (`AlreadyThere` for any file
    that is no part), and the storage errors of both sides.
    """

    def said(rows: int) -> None:
        before(rows + looked_up(database, rows))  # of what is known of it, for the new file

    paging.sweep(path.parent)
    with new_file_by_parts(path) as part:
        if part.stat().st_size and not (paging.state_of(part) or paging.is_whole(part)):
            raise errors.AlreadyThere(part)
        try:
            with expected_errors(path):
                fetched = read_whole(database, part, before=said, monitor=monitor)
        except errors.TenantAdminError as error:
            is_kept = bool(paging.state_of(part).get("done")) and not isinstance(error, _IN_VAIN)
            if not is_kept:
                paging.forget(part)
            if not is_kept or isinstance(error, errors.MuchToRead):
                raise
            if isinstance(error, errors.Cancelled):
                raise FetchCancelled(path) from error
            raise FetchStopped(path, error.happened) from error
    remember_new(path, of=database)
    return fetched


def read_whole(
    database: Database,
    building: Path,
    *,
    wanted: Which | None = None,
    before: Callable[[int], object] = lambda rows: None,
    monitor: progress.Monitor = progress.UNWATCHED,
) -> Fetched:
    """The same to the file `building`, where a part may be; what becomes of it is the caller's. With `wanted`
    all tables, but of their rows at least these.
    """
    began, used = time.monotonic(), Usage()
    with within(OWN_USAGE, used), database.in_background(), database.cancellable(monitor.cancelled):
        objects = database.rows(raw(paging.OBJECTS))
        tables, notes = paging.tables_of(database, objects, wanted)
        with paging.opened(building, database, objects, tables) as part:
            resumed, looked = part.done, used.read  # at the tables themselves, as again at the end
            total = max(paging.about(database, tables), resumed)
            before(total - resumed + used.read + looked)
            try:
                unsettled = _Fetch(database, part, total, monitor).passes()
            except (errors.TableMissing, errors.ColumnMissing) as error:  # which it had
                raise NotFetched(database.place) from error
            if database.rows(raw(paging.OBJECTS)) != objects:
                raise NotFetched(database.place)
            part.finish(objects)
    monitor.progress(total, total)
    if unsettled:
        notes.append(
            f"{', '.join(unsettled)}: written to all the time, so of another moment each; fetch it again "
            "when less is done there"
        )
    rows = {table.name: table.rows for table in tables if table.name != schema.COUNTERS}
    return Fetched(rows, used, time.monotonic() - began, tuple(notes), unsettled, resumed)


class WrittenAllTheTime(errors.StorageError):
    """`why` names the tables."""

    heading = "No copy of one moment can be made"
    sentence = "{name} was written to each time it was read ({why}), so no copy of one moment can be made."


@contextmanager
def kept_rows(
    database: Database, beside: Path, why: str, which: Which, *, now: int, monitor: progress.Monitor
) -> Iterator[Path]:
    """A copy of all tables, but of their rows at least those of `which`, under a `free_name` beside a file's.

    Raises the errors of `read_whole`, of `new_file` and of `free_name`, and `WrittenAllTheTime`.
    """
    with free_name(beside, why, now) as copy:
        with new_file(copy) as building:
            read = read_whole(database, building, wanted=which, monitor=monitor)
            if read.unsettled:
                raise WrittenAllTheTime(database.place, " and ".join(read.unsettled))
        yield copy


@dataclass(frozen=True, slots=True)
class _Fetch:
    database: Database
    part: paging.PartialCopy
    total: int
    monitor: progress.Monitor

    def passes(self) -> tuple[str, ...]:
        """Reads the tables until they are of one moment; those that are not."""
        begin, tables = self.part.stand, self.part.tables
        changed: tuple[str, ...] = ()
        for number in range(begin.number, PASSES):
            went_back = False
            for position in range(begin.position if number == begin.number else 0, len(tables)):
                table, here = tables[position], paging.Stand(number, position)
                follows = number > 0 and table.is_chain
                if not (follows and self._follow(table)):
                    self._read(table, begin if begin[:2] == here[:2] else here)
                    went_back |= follows
                with self.part.file:
                    self.part.keep(paging.Stand(number, position + 1))
            settles = (table for table in tables if not (table.is_chain or table.name == schema.COUNTERS))
            changed = tuple(table.name for table in settles if table.changed)
            if went_back:
                changed = (*changed, paging.CHAIN)
            if number and not changed:
                break
        return changed

    def _read(self, table: paging.PagedTable, at: paging.Stand) -> None:
        """Reads a table whole, in place of what was read of it before, or from where it stood."""
        running = at.running
        if at.last is None:
            table.rows = 0
            with self.part.file:
                self.part.file.execute(f"DELETE FROM {table.sql}")  # noqa: S608
        for rows in self._pages(table, at.last):
            with self.part.file:
                self.part.insert(table, rows)
                for row in rows:
                    running = hashlib.blake2b((running + repr(row)).encode()).hexdigest()
                # Within a table it can stop where a number tells its rows apart.
                key = rows[-1][table.columns.index(table.key[0])] if len(table.key) == 1 else None
                if isinstance(key, int):
                    self.part.keep(at._replace(last=key, running=running))
        table.changed, table.digest = table.digest != running, running

    def _follow(self, chain: paging.PagedTable) -> bool:
        """Brings the chain to where it is by now: what is before the first entry of a tenant has gone. False
        where one that was read is no more, and earlier ones of its tenant are: the last of each tenant, and
        some from the first on, as what came of two databases in turn may end as the later one does.
        """
        file, is_same = self.part.file, True
        with file:
            for rows in self._pages(chain, file.execute(f"SELECT max(seq) FROM {paging.CHAIN}").get):  # noqa: S608
                self.part.insert(chain, rows)
            names = file.execute(_LOOKED_FOR).fetchall()
            first = f"""
SELECT (SELECT min(seq) FROM {paging.CHAIN} WHERE tenant_id IS CAST(? AS {{}})),
  EXISTS (SELECT 1 FROM {paging.CHAIN} WHERE seq = ? AND hex(hash) = ?)
"""  # noqa: S608
            gone = f"DELETE FROM {paging.CHAIN} WHERE tenant_id IS CAST(? AS {{}}) AND seq < ifnull(?, 9e999)"  # noqa: S608
            for some in in_parts(names, 200):
                found = self.database.read_batch(
                    [raw(first.format(kind), name, last, hashed) for name, kind, last, hashed in some]
                )
                for (name, kind, last, _), ((seq, is_there),) in zip(some, found, strict=True):
                    is_same = is_same and bool(is_there or seq is None or seq > last)
                    file.execute(gone.format(kind), (name, seq))
            chain.rows = file.execute(f"SELECT count(*) FROM {paging.CHAIN}").get  # noqa: S608
        return is_same

    def _pages(self, table: paging.PagedTable, last: int | None) -> Iterator[list[paging.Line]]:
        """The rows behind a number, counted before they are taken: what is kept of them says so."""
        for rows in paging.pages(
            self.database, table, () if last is None else (last,), self.monitor.cancelled
        ):
            table.rows += len(rows)
            self.part.done += len(rows)
            yield rows
            self.monitor.progress(min(self.part.done, self.total), self.total)
