"""How every change is committed: rows and audit events together, or neither; and how it is undone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from peewee import Expression, Model

from app.services.chain.append import Batch, Event, append
from models.engine import Database, Statement


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after. None means that it is not there; for an update both hold the same columns.

    The images may hold secrets, so they are left out of `repr()`.
    """

    model: type[Model] = field(repr=False)
    key: str
    before: Mapping[str, Any] | None = field(repr=False)
    after: Mapping[str, Any] | None = field(repr=False)

    @property
    def table(self) -> str:
        return str(self.model._meta.table_name)

    def inverse(self) -> "RowChange":
        return replace(self, before=self.after, after=self.before)

    def statement(self) -> Statement:
        """The guarded write: it changes exactly one row, and only if that row is still as `before`."""
        model = self.model
        guard = [model._meta.primary_key == self.key, *_equals(model, self.before or {})]
        if self.after is None:
            return Statement(model.delete().where(*guard))
        values = {model._meta.fields[name]: value for name, value in self.after.items()}
        if self.before is None:
            return Statement(model.insert(values))
        return Statement(model.update(values).where(*guard))


def _equals(model: type[Model], image: Mapping[str, Any]) -> list[Expression]:
    fields = model._meta.fields
    return [
        fields[name].is_null() if value is None else fields[name] == value
        for name, value in image.items()
        if fields[name] is not model._meta.primary_key
    ]


Check = Callable[[Database, Sequence[RowChange]], None]
"""Looks at what the guards of the rows do not cover, say that an address is not taken; raises if it is."""


def _nothing(database: Database, rows: Sequence[RowChange]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Change:
    """What an act did: enough to say it, to reload what it touched, and to undo it.

    `summary` is for a person ("3 users deleted"). `inverse_events` are what undoing appends. `check` is asked
    for the act, for its undo and for doing it again.
    """

    summary: str
    rows: tuple[RowChange, ...]
    events: tuple[Event, ...]
    inverse_events: tuple[Event, ...] = ()
    check: Check = field(default=_nothing, repr=False)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(row.table for row in self.rows) | {"audit_chain"}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)

    @property
    def undoable(self) -> bool:
        return bool(self.inverse_events)

    def inverse(self) -> "Change":
        """The change that puts everything back, which is itself an act and itself undoable."""
        return Change(
            summary=f"Undone: {self.summary}",
            rows=tuple(row.inverse() for row in reversed(self.rows)),
            events=self.inverse_events,
            inverse_events=self.events,
            check=self.check,
        )


def commit(database: Database, plan: Callable[[], Change], *, now: int) -> Change:
    """Writes the rows and appends the events of the planned change in one transaction, then returns it.

    `plan` reads, checks and decides; when somebody else has appended to the same chain meanwhile it is asked
    again. Raises what it raises, `RowChanged` when a row is no longer as it was, and the other errors of
    `Database.run_batch`; nothing is written then.
    """
    planned: list[Change] = []

    def batch() -> Batch:
        change = plan()
        planned.append(change)
        statements = [row.statement() for row in change.rows]
        return Batch(statements, change.events, lambda: change.check(database, change.rows))

    append(database, batch, now=now)
    return planned[-1]


def undo(database: Database, change: Change, *, now: int) -> Change:
    """Commits the inverse of `change`. Raises `RowChanged` when somebody has changed the rows since."""
    return commit(database, change.inverse, now=now)
