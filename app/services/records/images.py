"""Reads the rows of one database for an act, and makes the changes of them that it writes."""

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from types import MappingProxyType
from typing import Any, Final, TypeVar

from peewee import SQL, BaseQuery, Select

from app.services.chain import append
from app.services.chain.rules import TABLE, in_unit_of
from app.services.records.applying import GONE, Seen, as_seen, changed_since
from app.services.records.rows import (
    BYTEWISE,
    CREATED,
    ID,
    Image,
    Packed,
    RowChange,
    StoredRow,
    Value,
    decoded,
    exact,
    in_parts,
    lacking,
    one_of,
    refers,
    shown,
    tried,
)
from app.services.records.tables import Table, valid_beside
from app.services.records.typed import in_type
from app.services.records.unaltered import addable, followed
from app.services.text import visible
from models.engine import Database, Limits, Rows, Statement, raw, sql_name
from models.errors import ChangedMeanwhile, NotAllowed, NotFound, ReferredByChange, SharedId, TableMissing
from models.progress import UNWATCHED, WATCHING, share_of
from models.schema import COUNTERS, ForeignKey, StoredTable, StoredTables, read_stored

UPDATED: Final = "updated_at"
STAMPS: Final = (CREATED, UPDATED)
"""Columns that say when a row was made and changed; not every file has them."""


MOST: Final = 10_000
"""Rows that may go along with one act, which keeps them in memory to put them back."""

Completing = tuple[list[RowChange], Statement]
"""New rows, and what reads them as they are."""

_COMPLETED: Final = 500
"""Rows that are read so at once."""

_OFTEN: Final = 500
"""Rows between two looks at whether what takes its time with each is to end."""
PLANNED, PREPARED = 0.4, 0.6
"""Which share of an act its plan is, and with what is made of that before a file is written."""
_R = TypeVar("_R")

_FEW: Final = 100
"""Rows up to which the chains that they are in are asked for along with them. Each is charged six times for
that: of more they are asked for once it is known which these are.
"""

_STATE: Final = f"""
SELECT json_array((SELECT json_group_array(json_array(name, rootpage, sql)) FROM sqlite_master),
  (SELECT max(seq) FROM {TABLE}))"""  # noqa: S608
"""What is another text as soon as the tables are others, or anything was recorded."""


class Images:
    """Reads the rows of one database for an act, as its schema is at the moment.

    With the first of them the ends of the chains are read in which the act will be recorded: those of the
    rows' tenants, or else of the tenants `chains`, to be set before, of which the first is that of a row
    without one.
    """

    def __init__(
        self,
        database: Database,
        *,
        asks: bool = False,
        looks: bool = False,
        seen: Seen = MappingProxyType({}),
    ) -> None:
        """`asks` as in `Agreed`; `looks` where what is found may be written later, with `unchanged`; `seen`
        is what a person has seen of rows before they acted upon them.
        """
        self._database, self._asks, self._seen = database, asks, seen
        self._looks = looks and database.costs
        self._tables: StoredTables | None = None
        self._types: dict[str, dict[str, str]] = {}
        self.chains: Sequence[str] = ()
        self.checks: Sequence[append.Check] = ()
        """What is known to be judged before anything is read."""
        self.soon: Sequence[BaseQuery] = ()
        """What of the chain will be asked once the rows are known, as far as it is known before."""
        self.along: Callable[[StoredTables], Sequence[BaseQuery]] = lambda tables: ()
        """The same of other tables, which may not be there."""
        self.judged = False
        """Whether it was, at the moment of the chains' ends."""
        self._wanted: tuple[str, Sequence[Value], bool] = "", (), False
        self.gone = 0
        """Records that a person acts upon, too, and that were there no more when their ids were read."""
        self._ends: list[Rows] = []
        self._state: str | None = None
        self._known: dict[tuple[str, tuple[Any, ...]], Rows] = {}
        self.numbering: append.Numbering | None = None
        self._made: set[Value] = set()
        self.monitor = WATCHING.get()
        """Who follows how it is planned and written, and may end that."""

    def read(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        """The rows of each, from one snapshot."""
        return self._read(lambda tables: queries)

    def unchanged(self) -> Statement | None:
        """Fails (`RowChanged`) where the tables are not as they were read, or something was recorded since.
        None where that cannot be told.
        """
        if self._state is None:
            return None
        return Statement(Select([], [SQL("1")]).where(SQL(f"({_STATE}) = ?", [self._state])))

    def behind(
        self, checks: Sequence[append.Check], events: Sequence[append.Event]
    ) -> "tuple[list[Statement], Callable[[], Images | None]]":
        """Statements at the end of a batch, which reads there what another change of these `events` will need
        that takes it back, and what gives that; None where no answer came.
        """
        left, tables = Images(self._database, asks=self._asks, looks=True), self._tables or {}
        if TABLE not in tables:
            return [], lambda: None
        left.checks = checks
        names = append.named_tenants([*dict.fromkeys(event.tenant_id for event in events)])
        parts = [
            append.end_queries(names, only_one=False, trusted=self._database.trusts_indexes),
            *left._once(tables),
        ]
        read = [[Statement(query, expect=None, into=[]) for query in part] for part in parts]

        def known() -> Images | None:
            answers = [[one.into or [] for one in part] for part in read]
            if not any(answers[0]):
                return None
            left._learn(tables, *answers)
            return left

        return [one for part in read for one in part], known

    def _learn(
        self,
        tables: StoredTables,
        ends: list[Rows],
        numbered: Sequence[Rows],
        state: Sequence[Rows],
        judged: Sequence[Rows],
    ) -> None:
        self._tables, self._ends = tables, ends
        self.numbering = append.Numbering(self._database, numbered) if numbered else None
        self._state = state[0][0][0] if state else None
        if judged:
            append.judge_all(self.checks, judged)
            self.judged = True

    def judge(self, checks: Sequence[append.Check]) -> None:
        """Judges now, and not when it is written. Raises what they raise."""
        append.judge_all(checks, self.read([check.query for check in checks]))
        self.judged = True

    def require_compiled(self, queries: Sequence[BaseQuery]) -> None:
        """Asks for those that fail when they are compiled, or never; of a live database once, as long as its
        tables are the same.
        """
        tables, passed = self._database.compiled
        if tables is not self._tables:
            passed = frozenset()
        asked = {sql: query for query in queries if (sql := query.sql()[0]) not in passed}
        self.read([*asked.values()])
        if self._database.costs:
            self._database.compiled = self._tables, passed | asked.keys()

    @property
    def limits(self) -> Limits:
        return self._database.limits

    def accepted(self, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
        """As `Database.accepted`."""
        return self._database.accepted(table, column, values)

    def table(self, name: str) -> StoredTable:
        """Raises `TableMissing`."""
        if self._tables is None:
            self.read(())
        return _table(self._tables or {}, name)

    @property
    def has_chain(self) -> bool:
        """Whether the file says what was done in it."""
        if self._tables is None:
            self.read(())
        return TABLE in (self._tables or {})

    def ends(self, events: Sequence[append.Event]) -> Mapping[str, append.Head] | None:
        """The ends of the chains to which `events` are appended, where all were read.

        Raises `NotAllowed` where nothing can follow.
        """
        if not self._ends or not events:
            return None
        tenants = {event.tenant_id for event in events}
        found = append.ends_of(self._database, tenants, *self._ends)
        return found if found.keys() == tenants else None

    def rows(
        self, table: str, ids: Iterable[Value], only: Collection[str] = (), *, go: bool = False
    ) -> list[StoredRow]:
        """The rows with these ids; those that are gone are left out.

        With `only`, no other columns are read than an edit of these needs: texts may be long. Where each call
        takes its time, what is asked before they `go` is asked at once, as far as their ids tell it.

        Raises `SharedId`.
        """
        wanted = [(value,) for value in dict.fromkeys(ids)]
        self._wanted = table, [value for (value,) in wanted], go and self._database.costs
        rows = self.matching(table, (ID,), wanted, only and {*only, ID})
        if len(rows) > len({row.image.get(ID) for row in rows}):
            twice = next(one for one, count in Counter(row.shown(ID) for row in rows).items() if count > 1)
            raise SharedId(table, visible(str(twice)[:80]))
        return rows

    @property
    def wanted(self) -> int:
        """How many records were asked for last, by their ids, with those that were gone before."""
        return len(self._wanted[1]) + self.gone

    def found(
        self, table: str, ids: Iterable[Value], what: str, only: Collection[str] = (), *, go: bool = False
    ) -> list[StoredRow]:
        """As `rows`. Raises `NotFound` naming `what` ("user") where none is left."""
        rows = self.rows(table, ids, only, go=go)
        if not rows:
            raise NotFound(what)
        return rows

    def row(self, table: str, record_id: Value, what: str) -> StoredRow:
        """The row with this id, whole. Raises as `found` does."""
        return self.found(table, [record_id], what)[0]

    def now(self, row: RowChange) -> StoredRow | None:
        """The row that a change is about, as it is by now."""
        by = row.told_by
        found = self.matching(row.table, tuple(by), [tuple(by.values())])
        return found[0] if found else None

    def new(
        self, table: Table, values: Image, now: int, beside: Mapping[str, str] = MappingProxyType({})
    ) -> StoredRow:
        """A row of these values, which is not there yet, with an id of its own unless they give one.

        Values of nothing, and stamps, are left out where the file lacks them. `beside` are those that the
        file's own columns ask for (`Table.asks_for`) and `values` lack, as text, which SQLite stores as each
        column wants it. Raises `ColumnMissing` for what the file lacks, and `InvalidInput`.
        """
        return next(self.new_ones(table, [values], [self.asked_for(table, values, beside)], now))

    def asked_for(self, table: Table, values: Image, beside: Mapping[str, str]) -> dict[str, str]:
        """Those of the values `beside` that the file's own columns ask for, and `values` lack, as each may be
        typed. Raises `InvalidInput`.
        """
        asked = [name for name in table.asks_for(self.table(table.name)) if values.get(name) is None]
        given = {name: valid_beside(name, beside.get(name, "")) for name in asked}
        types = self.types(table.name) if given else {}
        for name, value in given.items():
            in_type(name, types.get(name, ""), value)
        return given

    def new_ones(
        self, table: Table, values: Iterable[Image], beside: Iterable[Image], now: int
    ) -> Iterator[StoredRow]:
        """The same of many, with values `beside` them that were found valid."""
        stored = self.table(table.name)
        require_key(stored)
        columns, types = frozenset(stored.columns), dict[str, str]()
        stamps: dict[str, Value] = {name: now for name in STAMPS if name in columns}
        # As the database would fill them in: what it was sent is known where the answer is lost.
        empty = dict.fromkeys(columns.difference(stored.defaults, stored.never_null, stored.key))
        kept: dict[tuple[type, ...], bool] = {}
        fresh = _fresh_ids()
        for number, (these, others) in enumerate(zip(values, beside, strict=True)):
            image: dict[str, Value] = empty | ({ID: next(fresh)} if ID in columns else {})
            for name, value in these.items():
                if name in columns:
                    image[name] = value
                elif value is not None and name not in STAMPS:
                    raise lacking(stored, name)
            image |= stamps
            image |= others
            row = StoredRow(stored, Packed(tuple(image), tuple(image.values())))
            if number == 1:  # worth a look, which spares one at each
                types = self.types(table.name)
            shape = tuple(map(type, row.image.values()))
            if shape not in kept and types:
                kept[shape] = len(columns) == len(row.image) and all(
                    _keeps(types.get(name, "?"), value) for name, value in row.image.items()
                )
            if not kept.get(shape):
                self._made.add(row.record_id)
            yield row

    def types(self, table: str) -> dict[str, str]:
        """What its columns are declared as, in capitals."""
        if table not in self._types:
            found = self.read([raw("SELECT name, upper(type) FROM pragma_table_info(?)", table)])[0]
            self._types[table] = {str(name): str(kind) for name, kind in found}
        return self._types[table]

    def refuse_triggers(self, tables: Iterable[str]) -> None:
        """Raises `NotAllowed` where one of the tables, which are to be written, has a trigger."""
        if self._tables is None:
            self.read(())
        for name in tables:
            if name in (self._tables or {}) and self.table(name).has_triggers:
                raise NotAllowed(
                    f"The table {name} has a trigger, and what that changes could not be put back; "
                    "nothing was changed. Open the database again to see what it holds."
                )

    def refers_otherwise(self, parents: Iterable[StoredTable]) -> bool:
        """Whether other foreign keys refer to the tables by now than when they were read."""
        now = self.tables
        return any(table.referring != now[table.name].referring for table in parents if table.name in now)

    @property
    def tables(self) -> StoredTables:
        if self._tables is None:
            self.read(())
        return self._tables or {}

    def require_seen(self, rows: Sequence[StoredRow], *, are_all: bool = False) -> None:
        """Raises `ChangedMeanwhile` where what a person has seen of one of the rows, as far as that was read,
        is something else by now. Where these `are_all` that were found of those wanted, it tells beside that
        which are there no more.
        """
        found = [
            what
            for row in rows
            if (seen := self._seen.get((row.table.name, row.record_id)))
            and (what := changed_since(row.table.name, seen, row.image))
        ]
        if found:
            count = len(found)
            if are_all and (lost := self.wanted - len(rows)) > 0:
                table, ids, _ = self._wanted
                there = {row.record_id for row in rows}
                seen_ones = (self._seen.get((table, one), {}) for one in ids if one not in there)
                gone = [as_seen(table, seen, GONE) for seen in seen_ones if seen]
                count += lost
                found = [*found[: 3 - min(1, len(gone))], *gone[:lost]]
            told = found[:3]
            more = f" and of {count - len(told):,} more" if count > len(told) else ""
            raise ChangedMeanwhile(f"{' and of '.join(told)}{more}")

    def completing(self, rows: Sequence[RowChange]) -> list[Completing]:
        """What reads rows that are new as they are when they are written, many at once."""
        made = (row for row in rows if row.before is None and row.record_id in self._made)
        found: list[Completing] = []
        for (_, by), alike in groupby(made, lambda row: (row.table, tuple(row.key))):
            for part in in_parts(alike, min(_COMPLETED, self._database.limits.parameters // len(by))):
                (query,) = self._matching(part[0].stored, by, [tuple(row.key.values()) for row in part])
                found.append((part, Statement(query, expect=None, into=[])))
        return found

    def completed(self, rows: Sequence[RowChange], asked: Sequence[Completing]) -> tuple[RowChange, ...]:
        """The rows as the database has them: with what that filled in and made of the values."""
        known: dict[tuple[Value, ...], Image] = {}
        for part, statement in asked:
            stored, names = part[0].stored, tuple(part[0].key)
            needed = _needed(stored)
            for cells in statement.into or self._database.rows(statement.query):
                image = _as_stored(stored, needed, cells).image
                key = tuple(image[name] for name in names) if part[1:] else tuple(part[0].key.values())
                known[stored.name, *key] = image
        if not known:
            return rows if isinstance(rows, tuple) else tuple(rows)

        def whole(row: RowChange) -> RowChange:
            image = known.get((row.table, *row.key.values())) if row.before is None else None
            if image is None:
                return row
            return RowChange(row.stored, row.record_id, row.key, row.before, image, row.rowid)

        return tuple(map(whole, rows))

    def changed(self, row: StoredRow, values: Image, now: int) -> RowChange:
        """The change that gives a row these values, and the time `now` where the file keeps that.

        Raises `ReferredByChange` where other rows refer to what would change, which ON UPDATE would carry
        along or empty, `ColumnMissing`, and as `require_seen`.
        """
        self.require_seen([row])
        for child, _ in self.referring_to(row, row.altered(values).changing, 1):
            raise ReferredByChange(f"Rows of {child.table.name}")
        after = dict(values)
        if UPDATED in row.table.columns:  # in the unit of the time that it takes the place of
            after[UPDATED] = in_unit_of(row[UPDATED], now)
        return row.altered(after)

    def referring_to(
        self, row: StoredRow, changing: Collection[str], most: int
    ) -> Iterator[tuple[StoredRow, ForeignKey]]:
        """Rows that refer to these columns of the row, and by which key; at most about `most` for each."""
        keys = row.table.referring_to(changing)
        if not keys:
            return
        narrowed = StoredRow(replace(row.table, referring=keys), row.image)
        for child, key, _ in self.referring([narrowed], most):
            yield child, key

    def referring(
        self, rows: Sequence[StoredRow], most: int
    ) -> Iterator[tuple[StoredRow, ForeignKey, StoredRow]]:
        """Rows that refer to these, by which key, and to which; at most about `most` for each key."""
        asked: list[tuple[ForeignKey, dict[tuple[Value, ...], StoredRow], StoredRow, int]] = []
        queries: list[BaseQuery] = []
        for name in dict.fromkeys(row.table.name for row in rows):
            parents = [row for row in rows if row.table.name == name]
            for key in parents[0].table.referring:
                _refuse_dangling(parents[0].table, key)
                by_value = {tuple(row[column] for column in key.parent_columns): row for row in parents}
                wanted = [values for values in by_value if None not in values]
                some = self._children(name, key, self.table(key.table), wanted, most)
                queries += some
                asked.append((key, by_value, parents[0], len(some)))
        answers = iter(self.read(queries))
        for key, by_value, first, count in asked:
            read = _needed(self.table(key.table))
            for row in (row for rows in islice(answers, count) for row in rows):
                child = _as_stored(self.table(key.table), read, row)
                yield child, key, by_value.get(tuple(map(decoded, row[len(read) :])), first)

    def _children(
        self, parent: str, key: ForeignKey, table: StoredTable, wanted: Sequence[tuple[Value, ...]], most: int
    ) -> list[BaseQuery]:
        """What finds the rows of `table` that refer to parents with these values, each with its parent's."""
        read = _needed(table)
        parts = [exact("child", column) for column in read]
        parts += [exact("parent", column) for column in key.parent_columns]
        start = (
            f"SELECT {', '.join(parts)} FROM {sql_name(parent)} AS parent "  # noqa: S608
            f"JOIN {sql_name(table.name)} AS child ON {refers('parent', key)} WHERE "
        )
        queries: list[BaseQuery] = []
        for part in in_parts(wanted, max(1, (self._database.limits.parameters - 1) // len(key.columns))):
            condition, values = one_of("parent", key.parent_columns, part)
            queries.append(raw(f"{start}{condition} LIMIT ?", *values, most))
        return queries

    def refuse_unaddable(self, rows: Sequence[StoredRow]) -> None:
        """Raises `NotAllowed` where the database's own rules would not take one of the whole rows again: a
        CHECK that it broke when it was written, say.
        """
        for name in dict.fromkeys(row.table.name for row in rows):
            there = [row for row in rows if row.table.name == name]
            insertions = [row.removed().inverse().statement() for row in self.followed(there, len(there))]
            if found := self._database.refused(name, insertions):
                which, why = there[found[0]].record_id, found[1]
                raise NotAllowed(
                    f"The row {visible(str(shown(which)))} of {name} breaks the database's own rules as it "
                    f"is ({why}), so it could not be put back; nothing was changed. Put that right first."
                )

    def followed(self, rows: Iterable[_R], total: int, end: float = PLANNED) -> Iterator[_R]:
        """The rows, for work that takes its time with each and leads to that share of the whole. Raises
        `Cancelled` where it is to end.
        """
        begins = 0.0 if end == PLANNED else PLANNED
        tells = share_of(self.monitor, begins, end) if not self._database.costs else UNWATCHED
        for number, row in enumerate(rows):
            if number % _OFTEN == 0:
                tells.progress(number, total)
                self.monitor.check()
            yield row

    def refuse_unalterable(self, changes: Sequence[tuple[StoredRow, Image]]) -> None:
        """Raises `NotAllowed` where the database's own rules would not take what rows become along with
        others: a CHECK that asks for what they lose, or a UNIQUE that lets one row only be without it.
        """
        for table in {row.table.name: row.table for row, _ in changes}.values():
            there = [(row, values) for row, values in changes if row.table is table]
            found = self._database.refused_change(
                table.name,
                [*table.columns, *filter(None, [table.hidden_rowid])],
                *tried(there),
                {name for _, values in there for name, value in values.items() if value is not None},
            )
            for which, why in ((there[position][0].record_id, why) for position, why in found if why):
                raise NotAllowed(
                    f"The row {visible(str(shown(which)))} of {table.name} would change along, which "
                    f"the database's own rules do not take ({why}); nothing was changed. Let it "
                    "refer to something else first, or remove it."
                )

    def refuse_orphans(self, changes: Sequence[RowChange]) -> None:
        """Raises `NotAllowed` where one of the changes is of columns that refer to what is not there, or
        takes such a row away: no foreign key would let it be undone.
        """
        queries: list[BaseQuery] = []
        of: list[tuple[str, str]] = []
        for parent in (self._tables or {}).values():
            for key in parent.referring:
                told = (
                    change.told_by
                    for change in changes
                    if change.table == key.table
                    and (
                        change.after is None
                        or not change.stored.with_generated(change.after).isdisjoint(key.columns)
                    )
                )
                wanted: dict[tuple[str, ...], list[tuple[Value, ...]]] = {}
                for image in told:
                    wanted.setdefault(tuple(image), []).append(tuple(image.values()))
                for by, values in wanted.items():
                    _refuse_dangling(parent, key)
                    some = self._orphans(self.table(key.table), by, parent, key, values)
                    queries += some
                    of += [(key.table, parent.name)] * len(some)
        for (child, referred), found in zip(of, self.read(queries), strict=True):
            if found:
                raise NotAllowed(
                    f"A row of {child} that would go or change refers to a row of {referred} that is not "
                    "there, so the database's own rules would not let that be undone; nothing was changed. "
                    "Put that right first."
                )

    def _orphans(
        self,
        child: StoredTable,
        by: Sequence[str],
        parent: StoredTable,
        key: ForeignKey,
        wanted: Sequence[tuple[Value, ...]],
    ) -> list[BaseQuery]:
        """What finds those of the rows that hold these values that refer to none of `parent`."""
        refer = [f"child.{sql_name(column)} IS NOT NULL" for column in key.columns]
        found = refers("parent", key)
        refer.append(f"NOT EXISTS (SELECT 1 FROM {sql_name(parent.name)} AS parent WHERE {found})")  # noqa: S608
        start = f"SELECT 1 FROM {sql_name(child.name)} AS child WHERE {' AND '.join(refer)} AND "  # noqa: S608
        queries: list[BaseQuery] = []
        for part in in_parts(wanted, max(1, (self._database.limits.parameters - 1) // len(by))):
            condition, values = one_of("child", by, part)
            queries.append(raw(f"{start}({condition}) LIMIT 1", *values))
        return queries

    def matching(
        self,
        name: str,
        by: Sequence[str],
        wanted: Sequence[tuple[Value, ...]],
        only: Collection[str] = (),
        collations: Sequence[str] = (),
    ) -> list[StoredRow]:
        """The rows that hold one of these tuples of values, all from one snapshot. As `one_of` compares."""

        def ask(tables: StoredTables) -> list[BaseQuery]:
            table = _table(tables, name)
            require_key(table)
            for column in by:
                if column not in (*table.columns, *table.key, table.hidden_rowid):
                    raise lacking(table, column)
            return self._matching(table, by, wanted, only, collations)

        found = self._read(ask)
        table = self.table(name)
        read = _needed(table, only)
        return [_as_stored(table, read, row) for rows in found for row in rows]

    def _matching(
        self,
        table: StoredTable,
        by: Sequence[str],
        wanted: Sequence[tuple[Value, ...]],
        only: Collection[str] = (),
        collations: Sequence[str] = (),
    ) -> list[BaseQuery]:
        parts = ", ".join(exact(table.name, column) for column in _needed(table, only))
        queries: list[BaseQuery] = []
        for part in in_parts(wanted, max(1, self._database.limits.parameters // len(by))):
            condition, values = one_of(table.name, by, part, collations)
            queries.append(raw(f"SELECT {parts} FROM {sql_name(table.name)} WHERE {condition}", *values))  # noqa: S608
        return queries

    def _read(self, ask: Callable[[StoredTables], Sequence[BaseQuery]]) -> list[Rows]:
        """What is asked of the tables, from one snapshot, but what is known by now; at first with the tables,
        the chains' ends, and what will be asked next.
        """
        if self._tables is not None:
            queries = ask(self._tables)
            known = [self._known.get(_sent(one)) if self._known else None for one in queries]
            new = [one for one, rows in zip(queries, known, strict=True) if rows is None]
            answers = iter(self._database.read_batch(new) if new else ())
            return [next(answers) if rows is None else rows for rows in known]
        parts: list[Sequence[BaseQuery]] = []
        learnt: list[list[Rows]]

        def asked(tables: StoredTables) -> list[BaseQuery]:
            parts[:] = self._end_queries(tables), *self._once(tables), self._next_queries(tables), ask(tables)
            return [query for part in parts for query in part]

        tables, read = read_stored(self._database, asked)
        answers = iter(read)
        *learnt, told, found = ([*islice(answers, len(part))] for part in parts)
        self._known = {_sent(query): rows for query, rows in zip(parts[4], told, strict=True)}
        self._learn(tables, *learnt)
        return found

    def _end_queries(self, tables: StoredTables) -> list[BaseQuery]:
        if TABLE not in tables:
            return []
        trusted = self._database.trusts_indexes
        table, ids, _ = self._wanted
        if table not in tables or tables[table].tenant_column is None:
            only_one = len(self.chains) == 1
            return (
                append.end_queries(append.named_tenants(self.chains), only_one=only_one, trusted=trusted)
                if self.chains
                else []
            )
        if len(ids) > _FEW or (ids[1:] and not all(isinstance(value, str) for value in ids)):
            return []
        these_rows, values = one_of(table, (ID,), [(value,) for value in ids[:1]])
        if ids[1:]:
            these_rows = f"{ID} IN (SELECT value FROM json_each(?))"  # noqa: S608
            values = [json.dumps(ids)]
        own = "tenant_id"
        if self.chains:
            own, values = "coalesce(tenant_id, ?)", [self.chains[0], *values]
        own = BYTEWISE.format(own)
        of_rows = f"SELECT DISTINCT {own} AS value FROM {sql_name(table)} WHERE {these_rows}"  # noqa: S608
        return append.end_queries(SQL(of_rows, values), only_one=len(ids) == 1, trusted=trusted)

    def _once(self, tables: StoredTables) -> Iterator[Sequence[BaseQuery]]:
        """What an act is asked about where each call takes its time, what tells whether anything has happened
        since, and what is judged at the moment of the chains' ends.
        """
        is_asked = self._asks and self._database.costs
        yield append.numbering_queries() if is_asked and {TABLE, COUNTERS} <= tables.keys() else ()
        yield [raw(_STATE)] if self._looks and TABLE in tables else ()
        yield [check.query for check in self.checks] if TABLE in tables else ()

    def _next_queries(self, tables: StoredTables) -> list[BaseQuery]:
        """What will be asked next, and before the rows wanted go, as far as their ids tell it."""
        name, ids, go = self._wanted
        along = [*self.along(tables)] if self._database.costs else []
        if not go or name not in tables:
            return [*along, *self.soon] if TABLE in tables and self._database.costs else along
        table, wanted = tables[name], [(value,) for value in ids]
        compiled, passed = self._database.compiled
        if compiled is not tables:
            passed = frozenset()
        queries = along + [one for one in (followed(name), addable(name)) if one.sql()[0] not in passed]
        for key in table.referring:
            if key.parent_columns == (ID,) == table.key and len(key.columns) == 1 and tables[key.table].key:
                queries += self._children(name, key, tables[key.table], wanted, MOST + 1)
        for parent in tables.values():
            for key in parent.referring:
                if key.table == name and table.key == (ID,) and not _dangling(parent, key):
                    queries += self._orphans(table, table.key, parent, key, wanted)
        return queries


def _sent(query: BaseQuery) -> tuple[str, tuple[Any, ...]]:
    """The query as it is sent."""
    sql, values = query.sql()
    return sql, tuple(values)


def require_key(table: StoredTable) -> None:
    """Raises `NotAllowed` where nothing tells the rows of the table apart."""
    if not table.key:
        raise NotAllowed(
            f"Rows of {table.name} would change, and nothing tells them apart: the table has no primary key, "
            "and its own columns take every name of SQLite's row number; nothing was changed."
        )


def _keeps(kind: str, value: Value) -> bool:
    """Whether a column declared as this stores a value as it is (sqlite.org/datatype3.html, 3.1)."""
    if value is None or not kind:
        return True
    words = ("CHAR", "CLOB", "TEXT") if isinstance(value, str) else ("INT",)
    return any(word in kind for word in words) and not (isinstance(value, str) and "INT" in kind)


def _table(tables: StoredTables, name: str) -> StoredTable:
    if name not in tables:
        raise TableMissing(name)
    return tables[name]


def _needed(table: StoredTable, only: Collection[str] = ()) -> tuple[str, ...]:
    """The columns to read: the key, and all others with the rowid, or what an edit of `only` these needs."""
    needed = {ID, *only, *STAMPS, *(name for key in table.referring for name in key.parent_columns)}
    rowid = () if only or table.hidden_rowid is None else (table.hidden_rowid,)
    columns = (name for name in table.columns if not only or name in needed)
    return tuple(dict.fromkeys((*table.key, *columns, *rowid)))


def _as_stored(table: StoredTable, read: tuple[str, ...], row: Sequence[str]) -> StoredRow:
    """The row whose first cells are those `read`, as `exact` writes them."""
    values = tuple(map(decoded, row[: len(read)]))
    whole = Packed(read[: len(values)], values)
    hidden = table.hidden_rowid
    if hidden is None or hidden not in whole:
        return StoredRow(table, whole)
    return StoredRow(table, whole.of(tuple(name for name in read if name != hidden)), whole[hidden])


def _dangling(parent: StoredTable, key: ForeignKey) -> str | None:
    """What a foreign key refers to that holds no values of its own, or is not there."""
    missing = set(key.parent_columns) - {*parent.columns, *parent.key}
    return f"{parent.name}.{min(missing, default='rowid')}" if missing or not key.parent_columns else None


def _refuse_dangling(parent: StoredTable, key: ForeignKey) -> None:
    if (column := _dangling(parent, key)) is not None:
        raise NotAllowed(
            f"A foreign key of {key.table} refers to {column}, which holds no values of its own or is not "
            f"there, so nothing of {parent.name} can be changed or removed; nothing was changed."
        )


def _fresh_ids() -> Iterator[str]:
    """Ids as `uuid.uuid4` makes them, where the system is asked for those of many at once."""
    while True:
        drawn = os.urandom(16 * _OFTEN)
        for start in range(0, len(drawn), 16):
            yield str(uuid.UUID(bytes=drawn[start : start + 16], version=4))
