"""Notifications by what they have in common: how many there are of each, and how many of them are unread."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peewee import SQL, fn

from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import Lists
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import PLANNING_RUNS
from app.services.text import readable
from models.engine import Database
from models.tables import PlanningRun

BY_RUN: Final = "names_run"
MOST: Final = 500
"""Groups that are told of, those with most unread first."""
_NAMED: Final = 200
_TITLE: Final = "idea"


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """The notifications of a list with one value in a column: `value` is as a query takes it, `title` what
    the run that it names is about, empty where there is none. `latest` is a time as a list compares them.
    """

    value: Value
    rows: int
    unread: int
    latest: int | float | None
    title: str = ""


@dataclass(frozen=True, slots=True)
class NoteGroups:
    """The first of them, those with most unread before; and of all, how many notifications, and how many of
    these are unread. `match` is how many groups have what was looked for, and `groups` how many there are: of
    each all, those with unread ones, and those with read ones.
    """

    first: Sequence[NoteGroup] = ()
    rows: int = 0
    unread: int = 0
    match: tuple[int, ...] = (0, 0, 0)
    groups: tuple[int, ...] = (0, 0, 0)


def groups(database: Database, lists: Lists, query: ListQuery, column: str, text: str = "") -> NoteGroups:
    """The groups of the rows that the query keeps, up to `MOST`; with a `text` those that have it in their
    value or, of a run, in what that is about. None where the file lacks the column. Raises as `Lists` does.
    """
    runs = PLANNING_RUNS.name if column == BY_RUN and lists.holds(PLANNING_RUNS.name) else ""
    named_by = (runs, _TITLE) if runs else None
    found = lists.groups(database, query, column, "read", MOST, text=text, named_by=named_by)
    ids = [value for value, *_ in found.first if isinstance(value, str)] if runs else []
    titles = _titles(database, ids) if ids else {}
    first = tuple(
        NoteGroup(
            value, rows, unread, latest if isinstance(latest, int | float) else None, titles.get(value, "")
        )
        for value, rows, unread, latest in found.first
    )
    return NoteGroups(first, found.rows, found.off, found.match, found.groups)


def _titles(database: Database, ids: Sequence[str]) -> dict[object, str]:
    wanted = PlanningRun.id.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(ids)]))
    cells = exactly(PlanningRun.id), exactly(fn.substr(PlanningRun.idea, 1, _NAMED))
    found = database.rows(PlanningRun.select(*cells).where(wanted).tuples())
    return {legible(decoded(key)): readable(legible(decoded(idea))) for key, idea in found}
