"""Writes a list's rows, or a database as SQL, to a file in a child process: who asks, and the child.

Never imports Qt.

And a planning run as a document, in this thread.
"""

import json
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from app.services.chain.verify.source import readable
from app.services.chain.where import Where
from app.services.files.exporting import Exported, Wanted, of_no_tenant, write_sql
from app.services.records import export
from app.services.records.export import Format, RowsWanted
from app.services.records.known import NOTHING_KNOWN, Known
from app.services.records.list_query import ListQuery, as_json, from_json
from app.services.records.lists import Keys, Lists
from app.workers.child import Caller, Children, Job, Orphaned
from models import engine, errors, schema
from models.files.atomic import (
    expected_errors,
    in_passing,
    new_file,
    replacing,
    require_place,
    sweep_databases,
    unfinished,
    write,
)
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor, Progress

if TYPE_CHECKING:
    from app.services.opened import Opened
    from app.services.runs.run_dossier import DossierForm


def export_rows(
    path: Path, target: Path, wanted: RowsWanted, *, read_only: bool, monitor: Monitor, behind: bool = True
) -> int:
    """Writes the rows to `target`: whole or not at all.

    `path` is the database, read with the rights that this program has opened it with (`read_only`).
    `monitor` is told rows, and asked, in this thread. What is soon done may take its turn with an interface
    (not `behind`): on a busy computer it would wait for many times as long. Returns the number of rows.
    Raises `Cancelled` within 100 ms, the storage errors of both files, those of `Children`, and `TooMuch` as
    `export.to_file` does.
    """
    described, attached = _described(wanted.keys)
    with _placed(target) as building, Children("export", "export", behind=behind) as children:
        job = {
            "database": str(path),
            "read_only": read_only,
            "query": wanted.query.document(),
            "form": wanted.form.value,
            "keys": described,
            "most": wanted.most,
            "known": _known_described(wanted),
            "building": str(building),
            "target": str(target),
        }
        (written,) = children.run([job], attached, monitor=monitor)
        return int(written)


def save(target: Path, content: str | bytes) -> None:
    """Writes a text or a picture, in this thread, in place of what is at `target`. Raises storage errors."""
    with expected_errors(target):
        write(target, content)


def export_rows_here(
    database: engine.Database, lists: Lists, target: Path, wanted: RowsWanted, *, monitor: Monitor
) -> int:
    """As `export_rows`, in this thread and behind what a person waits for: of a database that no child
    process can read. Raises as that does.
    """

    def told(done: int, total: int) -> None:
        monitor.check()
        monitor.progress(done, total)

    with (
        _placed(target) as building,
        database.connection_context(),
        database.in_background(),
        database.cancellable(monitor.cancelled),
    ):
        return export.to_file(building, database, lists, wanted, progress=told)


def export_database(
    source: Where,
    target: Path,
    wanted: Wanted,
    *,
    replace: bool,
    monitor: Monitor = UNWATCHED,
    in_child: bool = True,
    before: Callable[[int], object] = lambda rows: None,
) -> Exported:
    """Writes a database, or what is `wanted` of it, to `target` as SQL: whole or not at all.

    A live one by way of a file beside `target`, which is gone afterwards, and `before` as in `fetch`. A file
    that is there gives way only with `replace`. Raises `AlreadyThere`, as `export_rows` and `write_sql` do,
    and as `fetch` does.
    """
    if not replace and os.path.lexists(target):
        raise errors.AlreadyThere(target)

    @contextmanager
    def at_hand() -> Iterator[tuple[Path, Sequence[str]]]:
        """The file, or what is read of a live database, and what is to be said of that."""
        if source.file is not None:
            with ExitStack() as stack:
                yield readable(source.file, stack), ()
            return
        from app.services.live.fetching import read_whole  # noqa: PLC0415 - not for a child

        which = None if wanted.is_whole else wanted.conditions
        with expected_errors(target), unfinished(target) as copy:  # a person knows the target's name
            with source.connect() as database:
                notes = read_whole(database, copy, wanted=which, before=before, monitor=monitor).notes
                stored, _ = schema.read_stored(database)
                others = of_no_tenant(database, wanted, stored, stored.values())
            yield copy, (*notes, *others)

    with at_hand() as (path, notes), _placed(target) if replace else new_file(target) as building:
        job = {
            "database": str(path),
            "read_only": True,
            "wanted": wanted.document(),
            "building": str(building),
            "target": str(target),
        }
        if in_child:
            with Children("export", "export") as children:
                (answer,) = children.run([job], monitor=monitor)
            done = Exported(**answer)
        else:
            done = _write_sql(job, monitor.progress)
    return Exported(done.rows, list(dict.fromkeys([*notes, *done.notes])))


@contextmanager
def place_in_passing() -> Iterator[Path]:
    """A place for what is read at once and gone afterwards, also where this program is killed meanwhile."""
    with in_passing() as folder:
        yield Path(folder, "rows")


def work(job: Job, attached: BinaryIO, caller: Caller) -> Any:
    """In the child: writes what the job names to the file `building`; gives the number of a list's rows, or
    what `Exported` is made of.

    Raises the errors of `export.to_file` and `write_sql`, those of the file naming its `target`.
    """
    try:
        if "wanted" in job:
            return asdict(_write_sql(job, caller.progress))
        return _write_rows(job, attached, caller.progress)
    except Orphaned:
        building = Path(job["building"])
        building.unlink(missing_ok=True)  # nobody else is left to do so
        building.parent.rmdir()
        raise


def _write_rows(job: Job, attached: BinaryIO, progress: Progress) -> int:
    query, form = ListQuery.of(job["query"]), Format(job["form"])
    keys, known = _keys(job["keys"], attached), _known(job.get("known"))
    wanted = RowsWanted(query, form, keys, job["most"], known)
    with _database(job) as database:
        lists = Lists(schema.inspect(database))
        return export.to_file(Path(job["building"]), database, lists, wanted, progress=progress)


def _write_sql(job: Job, progress: Progress) -> Exported:
    with _database(job) as database:
        return write_sql(database, Path(job["building"]), Wanted.of(job["wanted"]), progress=progress)


@contextmanager
def _database(job: Job) -> Iterator[LocalDatabase]:
    cut = job.get("wanted", {}).get("readable", False)
    database = LocalDatabase(Path(job["database"]), read_only=job["read_only"], cut=cut)
    with database.connection_context(), expected_errors(Path(job["target"])), database.own_errors():
        yield database


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    sweep_databases(target)
    with expected_errors(target), replacing(target) as building:
        yield building


_Described = int | list[int] | dict[str, int] | None


def _described(keys: Keys | None) -> tuple[_Described, "array[int] | bytes"]:
    """Keys without a gap as a range's three numbers; others as their count, with themselves attached; texts
    as the length of their JSON.
    """
    if keys is None:
        return None, b""
    if isinstance(keys, range):
        return [keys.start, keys.stop, keys.step], b""
    if isinstance(keys, list):
        texts = json.dumps(keys).encode()
        return {"bytes": len(texts)}, texts
    found = keys if isinstance(keys, array) else array("q", keys)
    return len(found), found


def _known_described(wanted: RowsWanted) -> list[Any] | None:
    """The ids of rows by their keys, and the top one, where keys may be of other rows by now."""
    known, keys = wanted.known, wanted.keys
    if known == NOTHING_KNOWN or not keys or not isinstance(keys[0], int):
        return None
    top = None if known.top is None else [known.top[0], as_json(known.top[1])]
    return [[[key, as_json(record_id)] for key, record_id in known.ids.items()], top]


def _known(described: list[Any] | None) -> Known:
    """What `_known_described` was made of."""
    if described is None:
        return NOTHING_KNOWN
    ids, top = described
    there = {key: from_json(record_id) for key, record_id in ids}
    return Known(there, None if top is None else (top[0], from_json(top[1])))


def _keys(described: _Described, attached: BinaryIO) -> Keys | None:
    """The keys of `_described`."""
    if described is None:
        return None
    if isinstance(described, list):
        return range(*described)
    if isinstance(described, dict):
        texts: list[str] = json.loads(attached.read(described["bytes"]))
        return texts
    keys = array("q")
    keys.frombytes(attached.read(described * keys.itemsize))
    return keys


def save_dossier(
    opened: "Opened",
    run_id: Any,
    target: Path,
    form: "DossierForm",
    *,
    every: bool,
    now: int,
    monitor: Monitor,
) -> int:
    """Writes it beside `target`, whose place it takes when it is whole; its size in bytes.

    Raises `NotFound`, `Cancelled`, and the storage errors of both files.
    """
    from app.services.runs.run_dossier import DossierOf, pieces  # noqa: PLC0415 - not for a child
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    database = opened.database
    known = store_and_verifier()[0].verdicts.last(opened.where)
    of = DossierOf(run_id, opened.place, known, now, form, every=every)
    with database.connection_context(), database.cancellable(monitor.cancelled), expected_errors(target):
        require_place(target)
        with replacing(target) as building:
            with building.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
                for piece in pieces(database, of, monitor):
                    stream.write(piece)
            return building.stat().st_size
