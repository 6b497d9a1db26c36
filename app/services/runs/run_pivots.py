"""When a run changed its direction, by whatever tells of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Protocol

from app.services.records.record import Record
from app.services.records.stored_times import epoch_of


class Teller(Protocol):
    """An entry or a notification: what it says, as JSON has it, and when."""

    @property
    def said(self) -> Any: ...

    @property
    def created_at(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Pivot:
    """The `number`th change of direction: when that was first told, and in which phase."""

    number: int
    at: int
    phase: str = ""


def pivots_of(run: Record, tellers: Iterable[Teller]) -> tuple[Pivot, ...]:
    """Those that an entry or a notification tells of: where the number that it gives is greater than all
    before. Or else those that the run has in its metadata or config, as a list `pivots` with their times.
    """
    told = [
        (at, number, one.said.get("phase"))
        for one in tellers
        if isinstance(one.said, dict)
        and (at := epoch_of(one.created_at)) is not None
        and type(number := one.said.get("pivotCount")) is int
    ]
    if not told:
        kept = sorted(_kept_pivots(run), key=itemgetter(0))
        told = [(at, number, phase) for number, (at, phase) in enumerate(kept, 1)]
    found = list[Pivot]()
    for at, number, phase in sorted(told, key=itemgetter(0, 1)):
        if number > (found[-1].number if found else 0):
            found.append(Pivot(number, at, phase if isinstance(phase, str) else ""))
    return tuple(found)


_WHEN: Final = ("at", "timestamp", "createdAt", "created_at")


def _kept_pivots(run: Record) -> Iterator[tuple[int, Any]]:
    for stored in (run.unknown.get("metadata"), run["config"]):
        try:
            said = json.loads(stored) if isinstance(stored, str) else None
        except (ValueError, RecursionError):
            continue
        listed = said.get("pivots") if isinstance(said, dict) else None
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict):
                times = (epoch_of(one.get(name)) for name in _WHEN)
                if (at := next((at for at in times if at is not None), None)) is not None:
                    yield at, one.get("phase")
