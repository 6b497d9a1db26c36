"""Where runs say something: their ideas and verdicts, and the texts of their artifacts.

What is looked through is a folded copy in a temporary store, whose owner it goes with. Measured with 40,000
artifacts (164 MB): a trigram index of FTS5 takes two minutes and 277 MB, the copy some 45 seconds and 47 MB;
to look through all of the pieces takes 0.2 to 2.3 seconds.

A text is read as bytes, and each piece of it knows by which of them it begins: so a NUL ends nothing, BLOBs
are read like texts, and what folding makes longer or shorter moves no place.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, Protocol

from peewee import SQL, Cast, Column, Expression, fn
from peewee import Table as Source

from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import Value, decoded, exactly, holds, told_apart
from app.services.records.tables import EVERYONE, PLANNING_ARTIFACTS, PLANNING_RUNS, Scope, Table
from app.services.sought import joins, place_in, sought
from app.services.text import readable
from models.engine import Database
from models.errors import Cancelled, InvalidInput
from models.progress import Monitor, Stop
from models.schema import StoredTable, StoredTables, read_stored

LONGEST: Final = 200
"""Characters that may be looked for."""
MOST: Final = 200
"""Places that are shown."""
AT_ONCE: Final = 400
"""Pieces looked through between two looks at whether to go on: some 10 MB, a tenth of a second."""
_PIECE: Final = 32_768
_OVERLAP: Final = 4_096
"""Bytes that the next piece has as well: more than `LONGEST` characters take, each letter decomposed."""
_AROUND: Final = 1_000
_SAID: Final = ("idea", "refined_idea", "kill_verdict")


class Within(Enum):
    """Which of the texts are looked through."""

    ALL = ""
    IDEAS = "ideas"
    VERDICTS = "verdicts"
    ARTIFACTS = "artifacts"

    def has(self, column: str) -> bool:
        """Whether the texts of a column are among them."""
        return self is Within.ALL or column in _COLUMNS[self]


_COLUMNS: Final = {
    Within.IDEAS: ("idea", "refined_idea"),
    Within.VERDICTS: ("kill_verdict",),
    Within.ARTIFACTS: ("content",),
}


class Texts(Protocol):
    """As `models.local.text_store.TextStore`."""

    def add(self, pieces: Iterable[tuple[int, int, str]]) -> None: ...

    def having(
        self, text: str, after: int, most: int, cancelled: Stop
    ) -> tuple[list[tuple[int, int]], int]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TextOf:
    """One text of a run: a column of its own, or an artifact's content. `row` is what tells its row apart
    (`told_apart`).
    """

    run_id: Value
    idea: str
    column: str
    begun: Value = None
    """Of the run, as it is stored."""
    phase: str = ""
    version: str = ""
    artifact_id: Value = None
    row: Value = None

    @property
    def where(self) -> str:
        if self.column == "content":
            return f"{self.phase}, version {self.version or 'unknown'}"
        return PLANNING_RUNS.column(self.column).label


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text has what was looked for: `before`, `found` and `after` are as they are stored; `found` is
    empty where somebody has changed the text since it was read, and it is no more.
    """

    of: TextOf
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class TextPlaces:
    """The first place of each of the first `MOST` texts that have it; `total` have it, as far as they were
    looked through: up to the piece `after`, or all where that is None.
    """

    places: tuple[TextPlace, ...] = ()
    total: int = 0
    after: int | None = 0
    last: int = field(default=-1, repr=False)
    """The last text that has it: texts have several pieces."""

    @property
    def is_all(self) -> bool:
        return self.after is None

    def and_then(self, others: "TextPlaces") -> "TextPlaces":
        """Together with what the next pieces have."""
        places = (*self.places, *others.places)
        return TextPlaces(places, self.total + others.total, others.after, others.last)

    @property
    def wants(self) -> int:
        """How many places are to be shown besides."""
        return MOST - len(self.places)


def require_words(text: str) -> str:
    """What is looked for, folded. Raises `InvalidInput` for nothing and for more than `LONGEST` of it."""
    wanted = sought(text.strip())
    if not wanted or len(wanted) > LONGEST:
        raise InvalidInput("text", f"Type 1 to {LONGEST} characters to look for.")
    return wanted


class RunTexts:
    """The texts of all runs, or of a tenant's, as they were read. Used by one thread at a time."""

    def __init__(self, store: Texts, scope: Scope = EVERYONE) -> None:
        self._store, self._scope = store, scope
        self._owners: list[TextOf] = []
        self._tables: StoredTables = {}
        """As they were read."""

    @property
    def count(self) -> int:
        return len(self._owners)

    def read(self, database: Database, monitor: Monitor) -> None:
        """Reads all of them, once. Raises `Cancelled`, `TableMissing` and the storage errors."""
        self._tables = tables = read_stored(database)[0]
        runs = dict(self._read_runs(database, tables.get(PLANNING_RUNS.name), monitor))
        if (stored := tables.get(PLANNING_ARTIFACTS.name)) is not None:
            self._read_artifacts(database, stored, runs, monitor)

    def look(
        self,
        database: Database,
        wanted: str,
        before: TextPlaces,
        within: Within = Within.ALL,
        cancelled: Stop = lambda: False,
    ) -> TextPlaces:
        """What the next pieces, behind those of `before`, have of what `require_words` gave: whatever the
        case, in any script. Raises `Cancelled`.
        """
        found, after = self._store.having(wanted, before.after or 0, AT_ONCE, cancelled)
        last, total, places = before.last, 0, list[TextPlace]()
        for owner, start in found:
            of = self._owners[owner]
            if owner == last or not within.has(of.column):
                continue
            last, total = owner, total + 1
            if len(places) < before.wants:
                if cancelled():
                    raise Cancelled
                stored = self._tables[_table_of(of).name]
                places.append(_place(database, of, stored, start, wanted))
        return TextPlaces(tuple(places), total, after or None, last)

    def search(
        self, database: Database, text: str, cancelled: Stop, within: Within = Within.ALL
    ) -> TextPlaces:
        """All of it. Raises `Cancelled`, and as `require_words` does."""
        wanted, found = require_words(text), TextPlaces()
        while not found.is_all:
            found = found.and_then(self.look(database, wanted, found, within, cancelled))
        return found

    def close(self) -> None:
        """Lets go of all that was read."""
        self._owners = []
        self._store.close()

    def _read_runs(
        self, database: Database, stored: StoredTable | None, monitor: Monitor
    ) -> Iterator[tuple[Value, TextOf]]:
        if stored is None:
            return
        statements = Statements(
            ListQuery(PLANNING_RUNS.name, self._scope), stored, database.limits, names_rows=False
        )
        said = [name for name in _SAID if name in stored.names]
        key = exactly(statements.value(PLANNING_RUNS.column("id")))
        row = exactly(told_apart(statements.source, stored))
        begun = exactly(statements.value(PLANNING_RUNS.column("created_at")))
        texts = [Cast(statements.value(PLANNING_RUNS.column(name)), "BLOB") for name in said]
        encoding = database.encoding
        newest_first = statements.select(key, row, begun, *texts).order_by(begun.desc())
        for cells in database.each(newest_first):
            (run_id, place, at), values = map(decoded, cells[:3]), cells[3:]
            raws = {name: b"" if raw is None else bytes(raw) for name, raw in zip(said, values, strict=True)}
            idea = raws.get("idea", b"")[: 4 * LONGEST].decode(encoding, "replace")[:LONGEST]
            of = TextOf(run_id, idea, "", at, row=place)
            for name, raw in raws.items():
                self._add(replace(of, column=name), raw, encoding, monitor)
            yield run_id, of

    def _read_artifacts(
        self, database: Database, stored: StoredTable, runs: dict[Value, TextOf], monitor: Monitor
    ) -> None:
        source = Source(PLANNING_ARTIFACTS.name)
        encoding, row = database.encoding, told_apart(source, stored)
        names = ("id", "run_id", "phase", "version")
        cells: list[Any] = [
            exactly(Column(source, name)) if name in stored.names else SQL("'NULL'") for name in names
        ]
        cells.append(exactly(row))
        content = Cast(Column(source, "content"), "BLOB") if "content" in stored.names else SQL("NULL")
        total = database.scalar(source.select(fn.count(SQL("*"))))
        newest_first = source.select(*cells, content).order_by(row.desc())
        for done, found in enumerate(database.each(newest_first)):
            key, run_id, phase, version, place = map(decoded, found[:5])
            if done % 100 == 0:
                monitor.progress(done, total)
            if run_id in runs and found[5] is not None:
                of = replace(runs[run_id], column="content", phase=readable(phase), version=readable(version))
                of = replace(of, artifact_id=key, row=place)
                self._add(of, bytes(found[5]), encoding, monitor)
        monitor.progress(total, total)

    def _add(self, of: TextOf, data: bytes, encoding: str, monitor: Monitor) -> None:
        if not data:
            return
        owner = len(self._owners)
        self._owners.append(of)
        for start, piece in pieces_of(data, encoding):
            monitor.check()
            self._store.add([(owner, start, sought(piece))])


def pieces_of(data: bytes, encoding: str) -> Iterator[tuple[int, str]]:
    """A text in parts, each with the byte that it begins by. What is up to `LONGEST` characters long is whole
    in one of them, and none begins within a letter.
    """
    start = 0
    while True:
        stop = start + _PIECE + _OVERLAP
        yield start, data[start:stop].decode(encoding, "replace")
        if stop >= len(data):
            return
        start = _letter_from(data, start + _PIECE, encoding)


def _letter_from(data: bytes, at: int, encoding: str) -> int:
    """Where the next letter begins, with none of the marks of the one before."""
    window = data[at : at + _OVERLAP // 4]
    if encoding == "utf-8":
        at += next((n for n, byte in enumerate(window[:4]) if byte & 0xC0 != 0x80), 0)
    elif window[:2].decode(encoding, "replace") == "\N{REPLACEMENT CHARACTER}":  # half of one
        at += 2
    skipped = ""
    for letter in data[at : at + _OVERLAP // 4].decode(encoding, "ignore"):
        if not joins(letter):
            break
        skipped += letter
    return at + len(skipped.encode(encoding))


def _table_of(of: TextOf) -> Table:
    return PLANNING_ARTIFACTS if of.column == "content" else PLANNING_RUNS


def _place(database: Database, of: TextOf, stored_table: StoredTable, start: int, wanted: str) -> TextPlace:
    """The text as it is now, around where it was found in the piece that begins by a byte."""
    table = _table_of(of)
    source = Source(table.name)
    stored = Cast(Column(source, of.column), "BLOB")
    first = max(0, start - 4 * _AROUND)
    length = start - first + _PIECE + _OVERLAP + 4 * _AROUND
    is_it = _holds(told_apart(source, stored_table), of.row)
    if stored_table.row_key is None and of.column == "content":  # which its index may begin with
        is_it &= _holds(Column(source, "run_id"), of.run_id)

    def read(cell: Any) -> bytes:
        found = database.scalar(source.select(cell).where(is_it).limit(1))
        return bytes(found or b"")

    data = read(fn.substr(stored, first + 1, length))
    head = data[: start - first].decode(database.encoding, "ignore")
    body = data[start - first :].decode(database.encoding, "replace")
    place = place_in(body, wanted)
    if place is None:  # somebody has changed it since
        for _, body in pieces_of(read(stored), database.encoding):
            if (place := place_in(body, wanted)) is not None:
                head = ""
                break
        else:
            return TextPlace(of, (head + body)[:_AROUND], "", "")
    begin, end = place
    return TextPlace(of, (head + body[:begin])[-_AROUND:], body[begin:end], body[end : end + _AROUND])


def _holds(column: Any, value: Value) -> Expression:
    return column.is_null() if value is None else holds(column, value)
