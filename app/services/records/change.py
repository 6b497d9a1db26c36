"""What an act did, as everybody hears of it, and what of a list that is shown it touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from app.services.records.list_query import ListQuery
from app.services.records.tables import ACTOR, AUDIT_CHAIN, DECLARED, REDONE, UNDONE, USERS
from app.services.text import quoted
from models.engine import Database

# Whoever hears of changes knows this module; what makes them is loaded when there is one to make.
if TYPE_CHECKING:
    from app.services.chain.append import Check, Event
    from app.services.records.images import Images
    from app.services.records.rows import RowChange

Checks: TypeAlias = "Callable[[Sequence[RowChange], Database], Sequence[Check]]"
"""What must hold beside the guards of the rows, say that an address is not taken."""


WRITTEN_FOR_ENTRY: Final = 4
"""Rows that are charged for an audit entry: itself, in the two indexes of its table, and the counter."""


READ_FOR_ENTRY: Final = 3
"""The same that are read where it is appended."""
READ_WHOLE: Final = 2
"""The same of a record that an act reads by its id."""
_READ_AT_ONCE: Final = 56
"""The same where an act is written as it was planned: how the tables are, the ends of its chains, and of our
seven tables before and behind it.
"""
_READ_OF_CHAIN: Final = 160
"""The same where it is planned then: the chain's ends."""
_READ_OF_NUMBERS: Final = 4_000
"""The same where it is not known yet how others number their entries: the newest, each up to four times."""
_READ_PAST_INDEXES: Final = 1_100
"""The same of the newest entries where others may write the table's indexes."""
_READ_OF_TABLES: Final = 3
"""The same for each object and column of the database, which tell how its tables are."""
_READ_AGAIN: Final = 7
"""The same for an entry of an act that is planned again where it is taken back: where its chain ends, and
whether it is still there.
"""
_READ_OF_ADDRESS: Final = 6
"""The same for a user whose address was given up or moved: who else has it, however it may be spelt."""
_SECRETS: Final = frozenset[str]().union(*(table.secrets for table in DECLARED.values()))
_OF_ONE_TIME: Final = _SECRETS | {"id", "created_at", "updated_at"}
"""Columns of a new row that differ each time it is made."""
FEW_ADDRESSES: Final = 50
"""Up to so many are looked for in any case, by an index of how they may begin."""
_READ_IN_ANY_CASE: Final = 150
"""The same for each of those: the ways to write five letters, and who is found by them."""
_READ_TO_ADD: Final = 13
"""The same for a row that is added: in each index, and whether its address or number is taken."""


def read_to_plan(database: Database, *, asks: bool) -> int:
    """How many rows are charged at most, beside its own, where an act is planned when it is written. `asks`
    as of `Agreed`: once others are known to number their entries in another way, nobody looks again.
    """
    shape = [] if database.last_read is None else database.last_read[0]
    past = 0 if database.trusts_indexes else _READ_PAST_INDEXES
    of_chain = _READ_OF_CHAIN + (_READ_OF_NUMBERS if asks else 0)
    return of_chain + past + _READ_OF_TABLES * sum(map(len, shape))


def price_to_add(database: Database, written: int, rows: int, entries: int, *, asks: bool) -> tuple[int, int]:
    """How many rows are written and, at most, read where so many are added, each of which is charged as so
    many `written`, with so many entries; planned when they are written.
    """
    of_entries = READ_FOR_ENTRY * entries
    read = read_to_plan(database, asks=asks) + _READ_AT_ONCE + _READ_TO_ADD * rows + of_entries
    return written * rows + WRITTEN_FOR_ENTRY * entries, read


def price_to_change(database: Database, each: int, rows: int, entries: int, *, asks: bool) -> tuple[int, int]:
    """The same where so many rows are changed, each of which is charged as `each`."""
    of_rows, of_entries = (READ_WHOLE + 1) * rows, READ_FOR_ENTRY * entries
    return each * rows + WRITTEN_FOR_ENTRY * entries, read_to_plan(database, asks=asks) + of_rows + of_entries


@dataclass(frozen=True, slots=True)
class Change:
    """What an act did: enough to say it, to reload what it touched, and to undo it.

    `summary` is for a person ("3 users deleted"), and `along` what goes or changes in other rows with it
    (", with 2 rows of operator_reviews"). `inverse_events` are what undoing appends, where each says that it
    is an undo (`inverse`): one for each of its events, or each for the first. `checks` are made for
    the act, and for its undo and doing it again where there are no `inverse_checks`. `bulk` are tables of
    which so many rows went that none is named. `bookmark` names the state before, where a database can be
    brought back to it (Time Travel). `behind` is how an undo has left the chains, where doing it again asks
    for a bookmark first: it need not read that once more. `left` says which records, of those that it
    was for, stay as they are, and why (`applying.Left.told`).
    """

    summary: str
    rows: tuple[RowChange, ...]
    events: tuple[Event, ...]
    inverse_events: tuple[Event, ...] = ()
    checks: Checks = field(default=lambda rows, database: (), repr=False)
    inverse_checks: Checks | None = field(default=None, repr=False)
    bulk: frozenset[str] = frozenset()
    along: str = ""
    bookmark: str | None = None
    behind: Images | None = field(default=None, repr=False, compare=False)
    left: str = ""
    by_table: Mapping[str, tuple[RowChange, ...]] = field(init=False, repr=False, compare=False)
    """Its rows table by table. This and what follows is counted where it is made, off the interface thread:
    many ask, when it is done, of what may be 100,000.
    """
    ids: Mapping[str, frozenset[object]] = field(init=False, repr=False, compare=False)
    """Of which records these are, table by table."""
    added: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """How many of them were not there before."""
    removed: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """How many are not there behind it."""
    chains: frozenset[str] = field(init=False, repr=False, compare=False)
    """The tenants in whose chains it is recorded."""

    def __post_init__(self) -> None:
        found: dict[str, list[RowChange]] = {}
        for row in self.rows:
            found.setdefault(row.table, []).append(row)
        counted = {
            "by_table": {table: tuple(rows) for table, rows in found.items()},
            "ids": {table: frozenset(row.record_id for row in rows) for table, rows in found.items()},
            "added": {table: sum(row.before is None for row in rows) for table, rows in found.items()},
            "removed": {table: sum(row.after is None for row in rows) for table, rows in found.items()},
            "chains": frozenset(event.tenant_id for event in self.events),
        }
        for name, value in counted.items():
            object.__setattr__(self, name, value)

    @property
    def told(self) -> str:
        """What a person is told when it is done."""
        before = "" if self.bookmark is None else f"; before it, for Time Travel: {self.bookmark}"
        return f"{self.summary}{self.left}{before}"

    @property
    def mark(self) -> str:
        """The same of whatever does the same to the same records; those that it adds go by what they hold."""

        def which(row: RowChange) -> object:
            if row.before is not None:
                return row.record_id
            return [item for item in (row.after or {}).items() if item[0] not in _OF_ONE_TIME]

        keys = sorted(repr((row.table, which(row))) for row in self.rows)
        return hashlib.sha256(json.dumps([self.summary, keys]).encode()).hexdigest()[:32]

    @property
    def may_generate(self) -> bool:
        """Whether it gives somebody a password or a secret, and takes nothing back."""
        if any({UNDONE, REDONE} & event.payload.keys() for event in self.events):
            return False
        return any(
            row.after is not None and (row.before is None or name in row.changing) and row.after.get(name)
            for row in self.rows
            if (table := DECLARED.get(row.table)) is not None
            for name in table.secrets
        )

    @property
    def recorded(self) -> tuple[Event, ...]:
        if self.bookmark is None:
            return self.events
        return tuple(
            replace(event, payload={**event.payload, "bookmark": self.bookmark}) for event in self.events
        )

    @property
    def tables(self) -> frozenset[str]:
        chain = {AUDIT_CHAIN.name} if self.events else set()
        return self.bulk | chain | self.by_table.keys()

    @property
    def written(self) -> int:
        """About how many rows that writes, as they are charged."""
        return sum(row.written for row in self.rows) + WRITTEN_FOR_ENTRY * len(self.events)

    @property
    def read(self) -> int:
        """How many rows that reads at most, charged as well, once it is planned."""
        coming = sum(row.before is None for row in self.rows)
        of_rows = len(self.rows) + (_READ_TO_ADD - 1) * coming
        return of_rows + READ_FOR_ENTRY * len(self.events) + _READ_AT_ONCE

    def read_back(self, database: Database, *, asks: bool) -> int:
        """The same where it is taken back, which may be planned again then."""
        back = self.inverse()
        if self.behind is not None:
            return back.read
        addresses = sum(
            row.before is not None and (row.after is None or "tenant_id" in row.changing)
            for row in back.by_table.get(USERS.name, ())
        )
        again = read_to_plan(database, asks=asks) + _READ_AGAIN * len(back.events)
        of_each = _READ_OF_ADDRESS + (_READ_IN_ANY_CASE if addresses <= FEW_ADDRESSES else 0)
        return back.read + again + of_each * addresses

    @property
    def going(self) -> int:
        """How many rows are not there behind it."""
        return sum(self.removed.values())

    def coming(self, table: str) -> int:
        """How many rows the table has more by it; fewer, where it is negative."""
        entries = len(self.events) if table == AUDIT_CHAIN.name else 0
        return entries + self.added.get(table, 0) - self.removed.get(table, 0)

    def touched(self) -> Iterator[tuple[str, tuple[object, ...], bool]]:
        """Which rows of which tables change, by their keys, and whether they go."""
        return ((row.table, tuple(row.key.values()), row.after is None) for row in self.rows)

    @property
    def undoable(self) -> bool:
        return bool(self.inverse_events)

    def inverse(self) -> Change:
        """The change that puts everything back, which is itself an act and itself undoable. Each of its
        entries says of which kind what it undoes was, and those of doing it again that they are that.
        """
        back, done = self.inverse_events, self.events
        of = done if len(done) == len(back) else done[:1] * len(back)
        return Change(
            summary=f"{quoted(self.summary)} undone",
            rows=tuple(row.inverse() for row in reversed(self.rows)),
            events=tuple(_telling(event, UNDONE, one) for event, one in zip(back, of, strict=True)),
            inverse_events=tuple(_telling(event, REDONE, event) for event in done),
            checks=self.inverse_checks or self.checks,
            inverse_checks=self.inverse_checks,
        )


def _telling(event: Event, what: str, of: Event) -> Event:
    """The same entry that says what it does to one of that kind, behind its actor, where a list that cuts it
    still shows that; as it is where it says so.
    """
    if UNDONE in event.payload or REDONE in event.payload:
        return event
    actor = {ACTOR: event.payload[ACTOR]} if ACTOR in event.payload else {}
    return replace(event, payload={**actor, what: str(of.event_type), **event.payload})


MANY = 500
"""Rows of a change beyond which reading the list again costs no more than telling them apart."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change means for a list.

    `moves`: rows may have come, gone or another place. `records` are the ids of the rows it touched, None for
    any. `columns` are those of the list that may read otherwise than before.
    """

    moves: bool
    records: frozenset[object] | None
    columns: frozenset[str]

    def touches(self, record_id: object) -> bool:
        return self.records is None or record_id in self.records


def effect_on(query: ListQuery, change: Change) -> Effect:
    table = DECLARED[query.table]
    rows = change.by_table.get(query.table, ())
    if len(rows) > MANY or (not rows and query.table in change.tables):  # entries are only appended
        anything = bool(rows) or query.table in change.bulk
        return Effect(True, None if anything else frozenset(), frozenset(table.names))
    stored: set[str] = set()
    moves = False
    for row in rows:
        if row.before is None or row.after is None:
            moves = True
        else:
            stored |= row.changing
    changed = {column.name for column in table.columns if moves or column.source in stored}
    changed |= stored - {column.source for column in table.columns}  # those that only the file knows
    return Effect(
        moves=moves or not changed.isdisjoint(_looked_at(query)),
        records=frozenset(row.record_id for row in rows),
        columns=frozenset(changed),
    )


def all_leave(query: ListQuery, change: Change) -> bool:
    """Whether all rows of the list's table that the change names go from the list by it: they are there no
    more, or have not the values any more that it keeps rows by; and whether that is all it does to the list.
    """
    rows, table = change.by_table.get(query.table, ()), DECLARED[query.table]

    def leaves(row: RowChange) -> bool:
        if row.before is None or row.after is None:
            return row.before is not None
        columns = [column for column in table.columns if column.source in row.changing]
        told = {column.name: row.after[column.source] for column in columns if column.name == column.source}
        chosen = {name: values for name, values in query.choices if name in told}
        others = {column.name for column in columns} - chosen.keys()
        goes = any(told[name] not in values for name, values in chosen.items())
        return goes and others.isdisjoint(_looked_at(query))

    return query.table not in change.bulk and 0 < len(rows) <= MANY and all(map(leaves, rows))


def _looked_at(query: ListQuery) -> set[str]:
    """The columns of the list that say which rows it has, and in which order."""
    table = DECLARED[query.table]
    found = {column for column, _ in query.choices}
    if query.sort or not query.as_added:
        found.add(query.sort or table.sort)
    if query.quiet_since is not None:
        found.update(("updated_at", "email"))
    if query.text:
        found.update(("tenant_id", *(column.name for column in (*table.searched, *table.names_things))))
    if query.since is not None or query.until is not None:
        found.add(table.time)
    if query.scope.tenant_id is not None:
        found.add("tenant_id")
    return found
