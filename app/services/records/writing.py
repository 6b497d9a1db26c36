"""How every change is committed: rows and audit events together, or neither; how it is undone; and what goes
along when rows are deleted: the rows of any table that refer to them by foreign keys.

SQLite would delete or alter such rows silently, and nothing could put them back. So they are read, named,
written as changes of their own, children first, and come back with an undo.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from graphlib import CycleError, TopologicalSorter
from typing import Any, Concatenate, Final, ParamSpec, cast

from app.services import text
from app.services.chain.append import Batch, Event, append
from app.services.records.change import Change, Checks
from app.services.records.images import Images
from app.services.records.rows import RowChange, StoredRow, Value, shown
from app.services.records.tables import Table
from models.engine import Database
from models.errors import (
    AlreadyExists,
    ChangedSince,
    NotAllowed,
    NotFound,
    Refused,
    RowChanged,
    StillReferred,
)
from models.schema import ForeignKey

P = ParamSpec("P")

MOST: Final = 10_000
"""Rows that may go along with one act, which keeps them in memory to put them back."""


def act(plan: Callable[Concatenate[Images, P], Change]) -> Callable[Concatenate[Database, P], Change]:
    """The act that `plan` decides upon: it is given a database instead of the images of its rows.

    Raises what `plan` raises, and the errors of `commit`.
    """

    @wraps(plan)
    def planned(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> Change:
        return commit(database, lambda images: plan(images, *args, **kwargs), now=cast("int", kwargs["now"]))

    return planned


def commit(database: Database, plan: Callable[[Images], Change], *, now: int) -> Change:
    """Writes the rows and appends the events of the planned change in one transaction, then returns it.

    `plan` reads, checks and decides; when somebody else has appended to the same chain meanwhile it is asked
    again. Raises what it raises, `RowChanged` when a row is no longer as it was, and the other errors of
    `Database.run_batch`; nothing is written then.
    """
    planned: list[tuple[Images, Change]] = []

    def batch() -> Batch:
        images = Images(database)
        change = plan(images)
        planned.append((images, change))
        statements = [row.statement() for row in change.rows]
        checks = change.checks(change.rows, database.limits)
        return Batch(statements, change.events, checks, images.end(change.events))

    append(database, batch, now=now)
    images, change = planned[-1]
    return replace(change, rows=tuple(map(images.completed, change.rows)))


def undo(database: Database, change: Change, *, now: int) -> Change:
    """Puts back exactly what was there, or raises `ChangedSince`, which says what has changed since."""
    inverse = change.inverse()

    def plan(images: Images) -> Change:
        images.chain = inverse.events[0].tenant_id if len(inverse.events) == 1 else None
        return replace(inverse, rows=tuple(_as_it_is(images, row) for row in inverse.rows))

    try:
        return commit(database, plan, now=now)
    except (RowChanged, AlreadyExists, Refused) as error:
        images = Images(database)
        differences = [found for row in inverse.rows if (found := _difference(images, row)) is not None]
        if not differences:
            raise
        raise ChangedSince(differences) from error


def _as_it_is(images: Images, row: RowChange) -> RowChange:
    """The same change of a table that may have got foreign keys since, but no other columns."""
    table = images.table(row.table)
    if (table.columns, table.key) != (row.stored.columns, row.stored.key):
        raise ChangedSince([f"the columns of {row.table}"])
    return replace(row, stored=table)


def _difference(images: Images, row: RowChange) -> str | None:
    """What keeps a row from being put back, in words that hold no value but its key."""
    what = f"{row.table} “{shown(row.record_id)}”"
    found = images.now(row)
    if row.before is None:
        return None if found is None else f"{what} is there again"
    if found is None:
        return f"{what} was removed"
    names = [name for name, value in row.before.items() if not found.holds(name, value)]
    if names:
        return f"{', '.join(names)} of {what}"
    if row.after is None:
        for child, _, _ in images.referring([found], 1):
            return f"{child.table.name} refers to {what}"
    return None


def named(rows: Sequence[StoredRow], noun: str, name: Callable[[StoredRow], str]) -> str:
    """For a summary: a single row by its name, several by their number."""
    return name(rows[0]) if len(rows) == 1 else text.counted(len(rows), noun)


def deletion(
    images: Images,
    table: Table,
    ids: Sequence[str],
    *,
    name: Callable[[StoredRow], str],
    event: Callable[[StoredRow, bool, Mapping[str, Any]], Event],
    checks: Callable[[Sequence[StoredRow]], Checks] = lambda rows: lambda changes, limits: (),
) -> Change:
    """Removes rows, with all that goes along; undoing puts all of it back whole.

    `event` says that a row is gone, or (False) that it is back, and what went or came along. Raises
    `NotFound` when none of the rows is left, and what `removal` raises.
    """
    rows = images.rows(table.name, ids)
    if not rows:
        raise NotFound(table.noun[0])
    gone = removal(images, rows)
    return Change(
        summary=f"{named(rows, table.noun[0], name)} deleted{gone}",
        rows=gone.rows,
        events=tuple(event(row, True, gone.of(row)) for row in rows),
        inverse_events=tuple(event(row, False, gone.back(row)) for row in rows),
        checks=checks(rows),
    )


Identity = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that go, with all that goes or changes along: `rows` in the order in which they are written.

    `along` counts by table, for each row that was to go, what is `alsoDeleted` and `alsoChanged` with it.
    """

    rows: tuple[RowChange, ...]
    along: Mapping[Identity, Mapping[str, Counter[str]]]

    def of(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """How many rows of which tables go along with one of the rows, for its audit entry."""
        return {what: dict(counted) for what, counted in self.along.get(row.identity, {}).items()}

    def back(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """The same for the entry that says that they are there again."""
        total = sum(self.along.get(row.identity, {}).values(), Counter())
        return {"alsoRestored": dict(total)} if total else {}

    def __str__(self) -> str:
        """For a summary: “, with 2 rows of operator_reviews”, or nothing."""
        said = ""
        for word, what in (("with", "alsoDeleted"), ("changing", "alsoChanged")):
            total = sum((found.get(what, Counter()) for found in self.along.values()), Counter())
            rows = (f"{text.counted(count, 'row')} of {table}" for table, count in sorted(total.items()))
            said += f", {word} {' and '.join(rows)}" if total else ""
        return said


def removal(images: Images, rows: Sequence[StoredRow]) -> Removal:
    """What deleting `rows` takes, found out before anything is written.

    Raises `StillReferred` naming a table whose rows may not lose what they refer to, and `NotAllowed` where
    what goes along could not be put back: rows in a circle, tables with triggers, too many rows.
    """
    doomed: dict[Identity, StoredRow] = {row.identity: row for row in rows}
    root: dict[Identity, Identity] = {identity: identity for identity in doomed}
    before: dict[Identity, set[Identity]] = {identity: set() for identity in doomed}
    altered: dict[Identity, tuple[StoredRow, dict[str, Value]]] = {}
    held: list[StoredRow] = []
    frontier = list(rows)
    while frontier:
        found = list(images.referring(frontier, MOST + 1))
        frontier = []
        for child, key, parent in found:
            _refuse_what_cannot_come_back(child)
            identity = child.identity
            root.setdefault(identity, root[parent.identity])
            if identity != parent.identity:
                before[parent.identity].add(identity)
            match key.on_delete:
                case "CASCADE":
                    if identity not in doomed:
                        doomed[identity] = child
                        before[identity] = set()
                        frontier.append(child)
                case "SET NULL" | "SET DEFAULT":
                    altered.setdefault(identity, (child, {}))[1].update(_detached(child, key))
                case _:
                    held.append(child)
        if len(doomed) - len(rows) + len(altered) > MOST:
            raise NotAllowed(
                f"More than {MOST:,} rows of other tables would go along; nothing was changed. "
                "Remove some of those first."
            )
    for child in held:
        if child.identity not in doomed:
            raise StillReferred(child.table.name)
    changes = [
        RowChange(child.table, child.key, {name: child[name] for name in values}, values)
        for identity, (child, values) in altered.items()
        if identity not in doomed
    ]
    changes += [
        RowChange(doomed[identity].table, doomed[identity].key, doomed[identity].image, None)
        for identity in _children_first(before, doomed)
    ]
    own = {row.identity for row in rows}
    deleted = (identity for identity in doomed if identity not in own)
    changed = (identity for identity in altered if identity not in doomed)
    along: dict[Identity, dict[str, Counter[str]]] = {}
    for what, identities in (("alsoDeleted", deleted), ("alsoChanged", changed)):
        for identity in identities:
            along.setdefault(root[identity], {}).setdefault(what, Counter())[identity[0]] += 1
    return Removal(tuple(changes), along)


def _children_first(
    before: dict[Identity, set[Identity]], doomed: dict[Identity, StoredRow]
) -> Sequence[Identity]:
    graph = {parent: children & doomed.keys() for parent, children in before.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        table = error.args[1][0][0]
        raise NotAllowed(
            f"Rows of {table} refer to each other in a circle, so none of them can go first; "
            "nothing was changed."
        ) from None


def _refuse_what_cannot_come_back(row: StoredRow) -> None:
    if not row.table.key:
        raise NotAllowed(
            f"Rows of {row.table.name} refer to this, and nothing tells them apart: the table has no primary "
            "key, and its own columns take every name of SQLite's row number; nothing was changed."
        )
    if row.table.has_triggers:
        raise NotAllowed(
            f"Rows of {row.table.name} would go along, and triggers of that table change more than could be "
            "put back; nothing was changed."
        )


def _detached(row: StoredRow, key: ForeignKey) -> dict[str, Value]:
    """What the referring columns hold when what they refer to is gone."""
    if key.on_delete == "SET NULL":
        return dict.fromkeys(key.columns)
    return {column: _default(row, column) for column in key.columns}


def _default(row: StoredRow, column: str) -> Value:
    """A column's default, where it is a plain literal."""
    sql = row.table.defaults.get(column, "NULL").strip()
    if sql.upper() == "NULL":
        return None
    if re.fullmatch(r"[+-]?\d+", sql):
        return int(sql)
    if re.fullmatch(r"'(?:[^']|'')*'", sql):
        return sql[1:-1].replace("''", "'")
    raise NotAllowed(
        f"Rows of {row.table.name} would get their default for {column}, which is a formula; "
        "nothing was changed."
    )
