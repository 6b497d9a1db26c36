"""Where runs say something: their ideas and verdicts, and the texts of their artifacts.

What is looked through is a folded copy in a temporary store, whose owner it goes with. Measured with 40,000
artifacts (164 MB): a trigram index of FTS5 takes two minutes and 277 MB, the copy some 45 seconds and 47 MB;
to look through all of the pieces takes 0.2 to 2.3 seconds.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from peewee import SQL, Cast, Column, fn
from peewee import Table as Source

from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import Value, decoded, exactly, holds
from app.services.records.tables import EVERYONE, PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.services.text import folded, readable
from models.engine import Database
from models.errors import Cancelled, InvalidInput
from models.progress import Monitor, Stop
from models.schema import StoredTable, read_stored

LONGEST: Final = 200
"""Characters that may be looked for: pieces overlap by so many."""
MOST: Final = 200
"""Places that are shown."""
WHY_NOT_LIVE: Final = (
    "The search reads every artifact whole, each of which is charged on a live database; save a copy of it, "
    "and search that."
)
_PIECE: Final = 32_768
_AROUND: Final = 1_000
_SAID: Final = ("idea", "refined_idea", "kill_verdict")


class Texts(Protocol):
    """As `models.local.text_store.TextStore`."""

    def add(self, pieces: Iterable[tuple[int, int, str]]) -> None: ...

    def having(self, text: str, cancelled: Stop) -> Iterator[tuple[int, int]]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TextOf:
    """One text of a run: a column of its own, or an artifact's content."""

    run_id: Value
    idea: str
    column: str
    phase: str = ""
    version: Any = None
    artifact_id: Value = None

    @property
    def where(self) -> str:
        if self.column == "content":
            return f"{self.phase}, version {readable(self.version) or 'unknown'}"
        return PLANNING_RUNS.column(self.column).label


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text has what was looked for: `before`, `found` and `after` are as they are stored; `found` is
    empty where it was there when it was read, and is no more.
    """

    of: TextOf
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class TextPlaces:
    """Those of the first `MOST` texts; `more` have it as well."""

    places: tuple[TextPlace, ...]
    more: bool


class RunTexts:
    """The texts of all runs, or of a tenant's, as they were read. Used by one thread at a time."""

    def __init__(self, store: Texts, scope: Scope = EVERYONE) -> None:
        self._store, self._scope = store, scope
        self._owners: list[TextOf] = []

    @property
    def count(self) -> int:
        return len(self._owners)

    def read(self, database: Database, monitor: Monitor) -> None:
        """Reads all of them, once. Raises `Cancelled`, `TableMissing` and the storage errors."""
        tables, _ = read_stored(database)
        runs = dict(self._read_runs(database, tables.get(PLANNING_RUNS.name), monitor))
        if (stored := tables.get(PLANNING_ARTIFACTS.name)) is not None:
            self._read_artifacts(database, stored, runs, monitor)

    def search(self, database: Database, text: str, cancelled: Stop) -> TextPlaces:
        """Where it stands, of each text the first place; whatever the case, in any script. Raises
        `InvalidInput` for nothing, and for more than `LONGEST` characters.
        """
        wanted = folded(text.strip())
        if not wanted or len(wanted) > LONGEST:
            raise InvalidInput("text", f"Type 1 to {LONGEST} characters to look for.")
        found: dict[int, int] = {}
        more = False
        for owner, at in self._store.having(wanted, cancelled):
            if owner not in found:
                if more := len(found) == MOST:
                    break
                found[owner] = at
        places = []
        for owner, at in found.items():
            if cancelled():
                raise Cancelled
            places.append(_place(database, self._owners[owner], at, wanted))
        return TextPlaces(tuple(places), more)

    def close(self) -> None:
        """Lets go of all that was read."""
        self._owners = []
        self._store.close()

    def _read_runs(
        self, database: Database, stored: StoredTable | None, monitor: Monitor
    ) -> Iterator[tuple[Value, str]]:
        if stored is None:
            return
        statements = Statements(ListQuery(PLANNING_RUNS.name, self._scope), stored, database.limits)
        said = [name for name in _SAID if name in stored.names]
        cells = [exactly(statements.value(PLANNING_RUNS.column(name))) for name in ("id", *said)]
        for row in database.rows(statements.select(*cells)):
            key, *values = map(decoded, row)
            texts = {name: readable(value) for name, value in zip(said, values, strict=True)}
            idea = texts.get("idea", "")[:LONGEST]
            for name, text in texts.items():
                self._add(TextOf(key, idea, name), text, monitor)
            yield key, idea

    def _read_artifacts(
        self, database: Database, stored: StoredTable, runs: dict[Value, str], monitor: Monitor
    ) -> None:
        source = Source(PLANNING_ARTIFACTS.name)
        names = ("id", "run_id", "phase", "version")
        cells: list[Any] = [
            exactly(Column(source, name)) if name in stored.names else SQL("'NULL'") for name in names
        ]
        content = Cast(Column(source, "content"), "BLOB") if "content" in stored.names else SQL("NULL")
        total = database.scalar(source.select(fn.count(SQL("*"))))
        for done, row in enumerate(database.each(source.select(*cells, content))):
            key, run_id, phase, version = map(decoded, row[:4])
            if done % 100 == 0:
                monitor.progress(done, total)
            if run_id in runs and row[4] is not None:
                text = bytes(row[4]).decode(database.encoding, "replace")
                of = TextOf(run_id, runs[run_id], "content", readable(phase), version, key)
                self._add(of, text, monitor)
        monitor.progress(total, total)

    def _add(self, of: TextOf, text: str, monitor: Monitor) -> None:
        if not text:
            return
        owner = len(self._owners)
        self._owners.append(of)
        for start in range(0, len(text), _PIECE):
            if monitor.cancelled():
                raise Cancelled
            piece = folded(text[start : start + _PIECE + LONGEST])
            self._store.add([(owner, start, piece)])


def _place(database: Database, of: TextOf, at: int, wanted: str) -> TextPlace:
    """The text around it as it is now: where it stands exactly differs by what folding makes longer."""
    is_artifact = of.column == "content"
    table = PLANNING_ARTIFACTS if is_artifact else PLANNING_RUNS
    source = Source(table.name)
    first = max(1, at + 1 - _AROUND)
    around = fn.substr(Column(source, of.column), first, 2 * _AROUND + len(wanted))
    key = of.artifact_id if is_artifact else of.run_id
    rows = database.rows(source.select(exactly(around)).where(holds(Column(source, "id"), key)).limit(1))
    text = readable(decoded(rows[0][0])) if rows else ""
    place = place_in(text, wanted)
    if place is None:
        return TextPlace(of, text[:_AROUND], "", "")
    begin, end = place
    return TextPlace(of, text[:begin], text[begin:end], text[end:])


def place_in(text: str, wanted: str) -> tuple[int, int] | None:
    """Where the text has what is `folded`, in its own letters."""
    at = folded(text).find(wanted)
    if at < 0:
        return None
    if folded(text[at : at + len(wanted)]) == wanted:  # as nearly always
        return at, at + len(wanted)
    starts, pieces = list[int](), list[str]()
    for at, letter in enumerate(text):
        if pieces and unicodedata.combining(letter):
            pieces[-1] += letter
        else:
            starts.append(at)
            pieces.append(letter)
    folded_pieces = [folded(piece) for piece in pieces]
    found = "".join(folded_pieces).find(wanted)
    if found < 0:
        return None
    ends = [*starts[1:], len(text)]
    begin, length = None, 0
    for position, piece in enumerate(folded_pieces):
        length += len(piece)
        if begin is None and length > found:
            begin = starts[position]
        if begin is not None and length >= found + len(wanted):
            return begin, ends[position]
    return None
