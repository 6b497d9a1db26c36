"""When something is old, and so removed by retention: the one rule of it, for columns and for single rows."""

from dataclasses import dataclass
from typing import Any, Final

from peewee import fn

from app.services.chain.rules import SECONDS_LIMIT, in_milliseconds, is_no_time, seconds
from app.services.records.tables import NOTIFICATIONS, ON, PLANNING_RUNS
from models.status import DAY, RunStatus


def cutoff_at(now: int, days: int) -> int:
    """What was made before is old at `now`, where data is kept for so many days; in epoch seconds."""
    return now - days * DAY


def is_old(column: Any, cutoff: int, *, milliseconds: bool = False) -> Any:
    """The condition that `column` holds a time before `cutoff`, in whole seconds or perhaps milliseconds; one
    before 1970 is a mistake, of which nobody can tell what it means (`is_no_time`).
    """
    in_seconds = (fn.typeof(column) == "integer") & (column >= 0) & (column < cutoff)
    return in_seconds | old_in_milliseconds(column, cutoff) if milliseconds else in_seconds


def old_in_milliseconds(column: Any, cutoff: int) -> Any:
    return (fn.typeof(column) == "integer") & in_milliseconds(column, cutoff)


def old_from(stored: object, days: int, *, milliseconds: bool = False) -> int | None:
    """From when on in epoch seconds a row with this time `is_old`; None where nobody can tell."""
    if not isinstance(stored, int) or is_no_time(stored) or (stored >= SECONDS_LIMIT and not milliseconds):
        return None
    return seconds(stored) + days * DAY + 1


@dataclass(frozen=True, slots=True)
class GoesBy:
    """What a record is removed by: the `time` of it, in a column, where another, its `state`, is one of
    `states` as they are stored.
    """

    time: str
    state: str
    states: tuple[Any, ...]

    def may_go(self, stored: object) -> bool:
        return stored in self.states


GOES_BY: Final = {
    NOTIFICATIONS.name: GoesBy("created_at", "read", ON),
    PLANNING_RUNS.name: GoesBy("updated_at", "status", (RunStatus.DELETED.value,)),
}
"""Of the records that are removed for their own time: notifications that are read, runs that are deleted."""
