"""Two to five planning runs side by side: their fields, and what their phases came to."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from app.services.records.export import as_time, csv_line, plain_of
from app.services.records.history import CHARGED, LOOKED_THROUGH
from app.services.records.record import Record
from app.services.records.rows import is_number
from app.services.records.stored_times import epoch_of
from app.services.records.tables import PLANNING_RUNS, ColumnKind
from app.services.records.urls import without_users
from app.services.runs.run_timeline import PhaseLine, read_several, timeline
from app.services.runs.run_views import dollars
from app.services.runs.statuses import full_score, in_running_order
from app.services.text import markdown, readable
from models.engine import Database
from models.errors import NotAllowed

FEWEST: Final = 2
MOST: Final = 5
_LAST: Final = (
    "idea",
    "refined_idea",
    "id",
    "workflow_instance_id",
    "package_key",
    "created_at",
    "updated_at",
)
"""What nearly always differs says least, and an idea is what its run is called."""
_OF_CONFIG: Final = 40
_LONGEST: Final = 2_000
_EXACT: Final = 2.0**53


class Said(Enum):
    """How the values of a line are said."""

    TEXT = auto()
    STATUS = auto()
    TIME = auto()
    NUMBER = auto()
    SCORE = auto()
    MONEY = auto()
    SECONDS = auto()


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One thing that runs have, and what each of them has in it; None where it has nothing."""

    what: str
    values: tuple[Any, ...]
    said: Said = Said.TEXT

    @property
    def differs(self) -> bool:
        first, *others = self.values
        return any((type(value), value) != (type(first), first) for value in others)

    @property
    def is_empty(self) -> bool:
        return all(value in (None, "") for value in self.values)


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs by their ids and ideas, in the order of the values of each line."""

    ids: tuple[Any, ...]
    ideas: tuple[str, ...]
    created: tuple[int | None, ...]
    lines: tuple[ComparedLine, ...]

    @property
    def different(self) -> tuple[ComparedLine, ...]:
        return tuple(line for line in self.lines if line.differs)

    @property
    def equal(self) -> tuple[ComparedLine, ...]:
        return tuple(line for line in self.lines if not line.differs)

    def best(self, line: ComparedLine) -> tuple[int, ...]:
        """At which places the greatest score or revenue is, of numbers that differ; none of scores where some
        are of ten and some of a hundred, nor of revenues where one is told in words that name no amount.
        """
        if line.said not in {Said.SCORE, Said.MONEY} or (line.said is Said.SCORE and not self._has_one_scale):
            return ()
        number = dollars if line.said is Said.MONEY else _number
        told = {place: number(value) for place, value in enumerate(line.values) if value is not None}
        numbers = {place: value for place, value in told.items() if value is not None}
        if line.said is Said.MONEY and len(numbers) < len(told):
            return ()
        if len(set(numbers.values())) < FEWEST:
            return ()
        highest = max(numbers.values())
        return tuple(place for place, value in numbers.items() if value == highest)

    @property
    def _has_one_scale(self) -> bool:
        """Whether the scores of all runs are of ten, or those of all are of more."""
        scored = [line.values for line in self.lines if line.said is Said.SCORE]
        of_runs = ([value for value in values if is_number(value)] for values in zip(*scored, strict=True))
        return len({full_score(max(scores)) for scores in of_runs if scores}) < FEWEST

    def newest_first(self) -> "Compared":
        """The same, the run that was begun last at the left; what has no time at the right."""
        places = sorted(range(len(self.ids)), key=lambda at: -(self.created[at] or 0))

        def moved(values: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(values[place] for place in places)

        lines = tuple(ComparedLine(line.what, moved(line.values), line.said) for line in self.lines)
        return Compared(moved(self.ids), moved(self.ideas), moved(self.created), lines)


def why_not(count: int) -> str | None:
    """Why so many runs are not compared."""
    return None if FEWEST <= count <= MOST else f"Select {FEWEST} to {MOST} runs to compare them."


def compare(database: Database, run_ids: Sequence[Any], *, now: int) -> Compared:
    """The runs with these ids, in this order, by one batch. Where each row that is read is charged the newest
    `CHARGED` entries are looked through, once for all runs, which tell of the times that they were paused.
    Raises `NotAllowed` for too few or too many, and as `read_several` does.
    """
    if (reason := why_not(len(run_ids))) is not None:
        raise NotAllowed(reason)
    among = CHARGED if database.costs else LOOKED_THROUGH
    stories = read_several(database, run_ids, among=among)
    runs = [story.run for story in stories]
    phases = [timeline(story, now).phases for story in stories]
    lines = [*_fields(runs, last=False), *_phases(phases), *_config(runs), *_fields(runs, last=True)]
    return Compared(
        tuple(run_ids),
        tuple(_safe(run.text("idea")) for run in runs),
        tuple(epoch_of(run["created_at"]) for run in runs),
        tuple(line for line in lines if not line.is_empty),
    )


def _fields(runs: Sequence[Record], *, last: bool) -> Iterator[ComparedLine]:
    for column in PLANNING_RUNS.columns:
        if (column.name in _LAST) == last and column.name != "config":
            values = tuple(_safe(run[column.name]) for run in runs)
            yield ComparedLine(
                column.label, values, _SAID.get(column.name) or _BY_KIND.get(column.kind, Said.TEXT)
            )
    if last:
        for name in dict.fromkeys(name for run in runs for name in run.unknown):
            if (tell := plain_of(PLANNING_RUNS.name, name)) is not None:
                yield ComparedLine(name, tuple(tell(run.unknown.get(name)) for run in runs))


_SAID: Final = {"status": Said.STATUS, "quality_score": Said.SCORE, "revenue_potential": Said.MONEY}
_BY_KIND: Final = {ColumnKind.TIME: Said.TIME, ColumnKind.NUMBER: Said.NUMBER}


def _number(value: Any) -> float | None:
    return value if is_number(value) else None


def _safe(value: Any) -> Any:
    return without_users(value) if isinstance(value, str) else value


def _phases(runs: Sequence[Sequence[PhaseLine]]) -> Iterator[ComparedLine]:
    """Of each phase that any of the runs has come to its score, its time, its verdict and its versions."""
    by_name = [{line.phase: line for line in lines if line.is_reached} for lines in runs]
    names = in_running_order(name for found in by_name for name in found)
    asked: tuple[tuple[str, Callable[[PhaseLine], Any], Said], ...] = (
        ("score", lambda line: line.newest and line.newest.score, Said.SCORE),
        ("worked", lambda line: line.worked or None, Said.SECONDS),
        ("waited", lambda line: line.waited or None, Said.SECONDS),
        ("verdict", lambda line: _safe(line.newest and line.newest.verdict), Said.TEXT),
        ("versions", lambda line: len(line.versions) or None, Said.NUMBER),
    )
    for words, value, said in asked:
        for name in names:
            values = (value(found[name]) if name in found else None for found in by_name)
            yield ComparedLine(f"{_safe(name) or '(no phase)'} · {words}", tuple(values), said)


def _config(runs: Sequence[Record]) -> Iterator[ComparedLine]:
    """The members of each run's config, one a line; as it is stored where one of them is no object."""
    stored = [run["config"] for run in runs]
    found = [_members(value) for value in stored]
    keys = sorted({key for members in found for key in members or ()})
    if None in found or len(keys) > _OF_CONFIG:
        yield ComparedLine("Config", tuple(_safe(value) for value in stored))
        return
    for key in keys:
        values = [(members or {}).get(key) for members in found]
        if all(value is None or value.startswith('"') for value in values):  # else 1 would be "1"
            values = [None if value is None else json.loads(value) for value in values]
        yield ComparedLine(f"Config · {key}", tuple(map(_safe, values)))


def _members(stored: Any) -> dict[str, str] | None:
    """Each of them as JSON."""
    if stored is None:
        return {}
    try:
        found = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {key: json.dumps(value, ensure_ascii=False) for key, value in found.items()}


def for_export(line: ComparedLine) -> list[Any]:
    """Its values for other programs: times as people write them, in UTC, and whole dollars as such."""
    if line.said is Said.TIME:
        return list(map(as_time, line.values))
    return list(map(whole_number, line.values)) if line.said is Said.MONEY else list(line.values)


def whole_number(value: Any) -> Any:
    """A number without its part behind the point where that says nothing."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


_UNITS: Final = {Said.TIME: " (UTC)", Said.SECONDS: " (seconds)"}
"""What numbers and times without one are in."""


def as_csv(compared: Compared) -> str:
    """All of it, what differs first; what differs says so in a column of its own."""
    rows: Iterable[list[Any]] = (
        ["field", "differs", *map(readable, compared.ids)],
        *(
            [f"{line.what}{_UNITS.get(line.said, '')}", "yes" if line.differs else "no", *for_export(line)]
            for line in (*compared.different, *compared.equal)
        ),
    )
    return "".join(map(csv_line, rows))


def as_markdown(compared: Compared, words: Callable[[ComparedLine, Any], str]) -> str:
    """The same as two tables; `words` say a value."""
    titles = [
        f"{markdown(_cut(idea))} ({markdown(readable(key))})"
        for key, idea in zip(compared.ids, compared.ideas, strict=True)
    ]
    parts = ["# Planning runs compared", ""]
    for title, lines in (("Different", compared.different), ("Equal", compared.equal)):
        parts += [f"## {title}", ""]
        if not lines:
            parts += ["Nothing.", ""]
            continue
        parts += [_row(["", *titles]), _row(["---"] * (len(titles) + 1))]
        for line in lines:
            best = compared.best(line)
            said = [markdown(_cut(words(line, value))) for value in line.values]
            marked = [f"**{one}** (best)" if place in best else one for place, one in enumerate(said)]
            parts.append(_row([markdown(line.what), *marked]))
        parts.append("")
    return "\n".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
