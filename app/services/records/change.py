"""How every change is committed: rows and audit events together, or neither; and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from models.engine import Database, Limits
from models.errors import AlreadyExists, ChangedSince, Refused, RowChanged

# Whoever hears of changes knows this module; what makes them is loaded when there is one to make.
if TYPE_CHECKING:
    from app.services.chain.append import Batch, Check, Event
    from app.services.records.images import Images, RowChange, Value

Checks: TypeAlias = "Callable[[Sequence[RowChange], Limits], Sequence[Check]]"
"""What must hold beside the guards of the rows, say that an address is not taken."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an act did: enough to say it, to reload what it touched, and to undo it.

    `summary` is for a person ("3 users deleted"). `inverse_events` are what undoing appends. `checks` are
    made for the act, for its undo and for doing it again. `bulk` are tables of which so many rows went that
    none is named.
    """

    summary: str
    rows: tuple[RowChange, ...]
    events: tuple[Event, ...]
    inverse_events: tuple[Event, ...] = ()
    checks: Checks = field(default=lambda rows, limits: (), repr=False)
    bulk: frozenset[str] = frozenset()

    @property
    def touched(self) -> Mapping[str, frozenset[Value]]:
        """The tables written and the keys of their rows; none of `bulk` and of the chain, which grows."""
        found: dict[str, set[Value]] = {table: set() for table in self.bulk}
        if self.events:
            found["audit_chain"] = set()
        for row in self.rows:
            found.setdefault(row.table, set()).add(row.record_id)
        return {table: frozenset(keys) for table, keys in found.items()}

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(self.touched)

    @property
    def undoable(self) -> bool:
        return bool(self.inverse_events)

    def inverse(self) -> Change:
        """The change that puts everything back, which is itself an act and itself undoable."""
        return Change(
            summary=f"Undone: {self.summary}",
            rows=tuple(row.inverse() for row in reversed(self.rows)),
            events=self.inverse_events,
            inverse_events=self.events,
            checks=self.checks,
        )


def commit(database: Database, plan: Callable[[Images], Change], *, now: int) -> Change:
    """Writes the rows and appends the events of the planned change in one transaction, then returns it.

    `plan` reads, checks and decides; when somebody else has appended to the same chain meanwhile it is asked
    again. Raises what it raises, `RowChanged` when a row is no longer as it was, and the other errors of
    `Database.run_batch`; nothing is written then.
    """
    from app.services.chain.append import Batch, append  # noqa: PLC0415
    from app.services.records.images import Images  # noqa: PLC0415

    planned: list[tuple[Images, Change]] = []

    def batch() -> Batch:
        images = Images(database)
        change = plan(images)
        planned.append((images, change))
        statements = [row.statement() for row in change.rows]
        return Batch(statements, change.events, change.checks(change.rows, database.limits))

    append(database, batch, now=now)
    images, change = planned[-1]
    return replace(change, rows=tuple(map(images.completed, change.rows)))


def undo(database: Database, change: Change, *, now: int) -> Change:
    """Puts back exactly what was there, or raises `ChangedSince`, which says what has changed since."""
    from app.services.records.images import Images  # noqa: PLC0415

    inverse = change.inverse()

    def plan(images: Images) -> Change:
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
    from app.services.records.images import shown  # noqa: PLC0415

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
