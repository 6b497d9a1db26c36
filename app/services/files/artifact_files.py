"""What the phases of a run produced, as files: each exactly as it is stored, under a name that is safe."""

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from peewee import BaseQuery, Column, Expression
from peewee import Table as Source

from app.services.records.record import TOGETHER, Record, read_record
from app.services.records.rows import RawText, Value, decoded, exactly, holds, in_parts, legible, told_apart
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_RUNS
from app.services.text import folded, readable
from models.engine import Database
from models.errors import NotFound, TableMissing
from models.files import atomic
from models.progress import UNWATCHED, Monitor
from models.schema import read_stored

_UNSAFE: Final = re.compile(r"[^\w.-]+|^[.-]+")
_LONGEST, _MOST_BYTES = 60, 90
"""Of a part of a name; three of them and an ending have to fit the 255 bytes that systems take."""
_SOURCE: Final = Source(PLANNING_ARTIFACTS.name)
_TAKEN: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))}
)
"""Names of devices on Windows, whatever follows a dot behind them."""


@dataclass(frozen=True, slots=True)
class SavedArtifacts:
    """How many files were written, into which folder."""

    folder: Path
    files: int


def save_one(database: Database, artifact: Record, path: Path) -> Path:
    """Writes the content of an artifact to `path`, in place of what was there; gives it. Raises `NotFound`
    and the storage errors.
    """
    named = holds(Column(_SOURCE, "id"), artifact["id"])
    if artifact["id"] is None:
        named = holds(_told_apart(database), artifact.row)
    found = [tuple(map(decoded, row)) for row in database.rows(_content_where(named))]
    if not found:
        raise NotFound(PLANNING_ARTIFACTS.noun[0])
    atomic.require_place(path)
    with atomic.expected_errors(path):
        atomic.write(path, _bytes(found[0][2]))
    return path


def save_all(database: Database, run_id: Value, folder: Path, monitor: Monitor = UNWATCHED) -> SavedArtifacts:
    """Writes every artifact of a run into a new folder of its own within `folder`, one after another. Raises
    `AlreadyThere`; what it has written goes again where it cannot write all, or is cancelled.
    """
    run = read_record(database, PLANNING_RUNS, run_id)
    into = folder / safe(run.text("idea")[:_LONGEST] or run.text("id"), "run")
    by = _told_apart(database)
    wanted = holds(Column(_SOURCE, "run_id"), run_id)
    rows = database.rows(_SOURCE.select(exactly(by)).where(wanted))
    keys = [decoded(key) for (key,) in rows]
    number = 1
    while into.exists():
        number += 1
        into = into.with_name(f"{into.name.removesuffix(f' {number - 1}')} {number}")
    taken: dict[str, int] = {}
    written = list[Path]()
    with atomic.expected_errors(into), ExitStack() as undo:
        into.mkdir(mode=0o700)
        undo.callback(_take_back, into, written)
        for some in in_parts(keys, TOGETHER if database.costs else 1):
            wanted_now = [_content_where(holds(by, key)) for key in some]
            for rows in database.read_each(wanted_now):
                monitor.progress(len(written), len(keys))
                monitor.check()
                for phase, version, content in (map(decoded, row) for row in rows):
                    written.append(into / file_name(phase, version, content, taken))
                    atomic.write(written[-1], _bytes(content), only_if_new=True)
        monitor.progress(len(keys), len(keys))
        undo.pop_all()
    return SavedArtifacts(into, len(written))


def _take_back(folder: Path, files: Iterable[Path]) -> None:
    """Takes away these files, and their folder where nobody else has put something into it."""
    with suppress(OSError):
        for file in files:
            file.unlink(missing_ok=True)
        folder.rmdir()


def file_name(phase: Value, version: Value, content: Value, taken: dict[str, int] | None = None) -> str:
    """`strategy-v2.md`; of several that would be called the same the others are numbered, by what is `taken`:
    how many have had each name, folded, which it counts on.
    """
    stem = safe(readable(legible(phase)), "phase")
    if version is not None:
        stem = f"{stem}-v{safe(readable(legible(version))[:12], '0')}"
    ending, taken = _ending(content), {} if taken is None else taken
    name, first = f"{stem}{ending}", folded(f"{stem}{ending}")
    while folded(name) in taken:
        taken[first] += 1
        name = f"{stem}-{taken[first]}{ending}"
    taken.setdefault(folded(name), 1)
    return name


def name_alone(run: Record, phase: Value, version: Value, content: Value) -> str:
    """The name of one that stands among files of other runs: its run's idea is before it."""
    idea = safe(run.text("idea")[: _LONGEST // 2] or run.text("id"), "run")
    return f"{idea}-{file_name(phase, version, content)}"


def safe(text: str, otherwise: str) -> str:
    """A part of a file's name that every system takes, whatever the text holds."""
    found = _UNSAFE.sub("-", text[: 4 * _LONGEST])[:_LONGEST].strip("-. ")
    found = found.encode()[:_MOST_BYTES].decode("utf-8", "ignore")
    return f"{found}-" if found.partition(".")[0].lower() in _TAKEN else found or otherwise


def _ending(content: Value) -> str:
    if not isinstance(content, str):
        return ".bin" if isinstance(content, bytes) else ".txt"
    if content.lstrip()[:1] in ("{", "["):
        try:
            json.loads(content)
        except (ValueError, RecursionError):
            return ".txt"
        return ".json"
    return ".md"


def _told_apart(database: Database) -> Any:
    """What tells all artifacts apart, also those without an id. Raises `TableMissing`."""
    stored = read_stored(database)[0].get(PLANNING_ARTIFACTS.name)
    if stored is None:
        raise TableMissing(PLANNING_ARTIFACTS.name)
    return told_apart(_SOURCE, stored)


def _content_where(which: Expression) -> BaseQuery:
    cells = [exactly(Column(_SOURCE, name)) for name in ("phase", "version", "content")]
    return _SOURCE.select(*cells).where(which)


def _bytes(content: Value) -> bytes:
    match content:
        case bytes():
            return content
        case RawText():
            return content.raw
        case str():
            return content.encode("utf-8", "surrogatepass")
    return readable(content).encode()
