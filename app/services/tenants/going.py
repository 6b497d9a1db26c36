"""Which rows go with a tenant, and in which order the database lets them go.

SQL is text here: tables, columns and conditions are the file's own, which no model has.

Last, what those rows hold, so that they go only as they were when they were copied.

And what virtual tables keep of a tenant that is erased: an index of texts has them a second time.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peewee import SQL, RawQuery, Select

from app.services.chain.rules import MARKER_EVENT
from app.services.records.belonging import own_of, referring
from app.services.records.export import literal
from app.services.records.images import MOST, Images
from app.services.records.references import Fate, detached_by, fate_of
from app.services.records.rows import STORED, Value, decoded, exact, in_parts, refers, shown, tried
from app.services.records.tables import AUDIT_CHAIN
from app.services.tenants.bundle import SHADOWS
from app.services.text import counted, some_of, visible
from models.engine import Database, Rows, Statement, raw, sql_name
from models.errors import NotAllowed, RemoteError, StorageError
from models.local import statements
from models.schema import ForeignKey, StoredTable, StoredTables, caseless, internal, tenant_column

_LINKS: Final = 100_000
"""References between rows that hold each other of which an order is made."""
_PART: Final = 10_000
"""Rows of one statement."""
_CELLS, _NAMED = 50, 5
"""Columns that one statement looks through, and tables that a sentence names."""

Row = tuple[str, str]
"""Its table, and what names it there, as `exact` writes it, in JSON."""


@dataclass(frozen=True, slots=True)
class Staying:
    """What is said of what stays, behind the names of the `tables` that it is of, if of any."""

    words: str
    tables: tuple[str, ...] = ()

    def said(self, named: Callable[[str], str] = str) -> str:
        """As a sentence, each table as it is `named` to a person."""
        if not self.tables:
            return self.words
        return f"{some_of(self.tables, _NAMED, shown=lambda name: visible(named(name)))}: {self.words}"


@dataclass(frozen=True, slots=True)
class Going:
    """The conditions of the rows that go, children before what they refer to; what stays of the tenant's; and
    the keys by which other rows refer to these.
    """

    database: Database
    stored: StoredTables
    going: Mapping[str, str]
    stays: tuple[Staying, ...]
    keys: tuple[tuple[str, ForeignKey], ...]

    @classmethod
    def of(cls, database: Database, stored: StoredTables, tenant: str) -> "Going":
        """What a tenant has. Raises `NotAllowed` where too many ways lead to it."""
        goes = own_of(stored, tenant, lambda key: fate_of(key) is not Fate.CHANGES)
        goes = {name: which for name, which in goes.items() if not internal(name)}
        held = [
            name
            for name in goes
            for key in stored[name].referring
            if key.table == AUDIT_CHAIN.name != name and [*map(caseless, key.columns)] == ["tenant_id"]
        ]
        stays = held if held and _has_chain(database, goes[AUDIT_CHAIN.name]) else []
        keys = tuple((name, key) for name in goes for key in stored[name].referring if name not in stays)
        sentences = tuple(
            Staying("its row stays, because the marker in its audit chain refers to it", (name,))
            for name in stays
        )
        order = [name for name in _children_first(stored, goes) if name not in stays]
        if AUDIT_CHAIN.name in goes:
            sentences += _archived(database, goes[AUDIT_CHAIN.name])
        sentences += _not_told(database, stored, tenant, goes)
        return cls(database, stored, {name: goes[name] for name in order}, sentences, keys)

    def count(self, table: str, condition: str) -> int:
        """How many rows of it meet the condition."""
        query = f"SELECT count(*) FROM main.{sql_name(table)} WHERE {condition}"  # noqa: S608
        return int(self.database.scalar(raw(query)))

    def remaining(self, parent: str, key: ForeignKey) -> str:
        """The condition that a row refers by the key to one that goes, and does not go itself."""
        found = referring(key, parent, self.going[parent])
        return f"{found} AND NOT ifnull(({self.going[key.table]}), 0)" if key.table in self.going else found

    def still_there(self, parent: str, key: ForeignKey) -> str | None:
        """The condition that a row goes, refers by the key to another that goes, and may be there yet
        when that one does; None where all its table's have gone by then.
        """
        order = [*self.going]
        if key.table not in order or order.index(key.table) < order.index(parent):
            return None
        found = f"{referring(key, parent, self.going[parent])} AND ({self.going[key.table]})"
        if key.table != parent:
            return found
        pairs = zip(key.columns, key.parent_columns, strict=True)
        same = " AND ".join(f"{sql_name(own)} IS {sql_name(other)}" for own, other in pairs)
        return f"{found} AND NOT ({same})"

    def steps(self, knots: Sequence["Knot"]) -> Iterator["str | Round"]:
        """The tables in the order in which their rows go; those of a knot behind its rounds."""
        order = [*self.going]
        last = {max(knot.tables, key=order.index): knot for knot in knots}
        tied = {name for knot in knots for name in knot.tables}
        for name in order:
            if (knot := last.get(name)) is not None:
                yield from knot.rounds
                yield from (one for one in order if one in knot.tables)
            elif name not in tied:
                yield name

    def may_hold(self, key: ForeignKey) -> bool:
        """Whether rows that refer by the key may keep a row even where they go behind it: by what the key
        says, or by a rule of their table on what they would lose.
        """
        table = self.stored[key.table]
        if _holds(table, key):
            return True
        if fate_of(key) is not Fate.CHANGES:
            return False
        try:
            values = detached_by(table, key) or {}
        except NotAllowed:
            return True
        return self.database.may_refuse(table.name, _given(values))

    def unfit(self, parent: str, key: ForeignKey) -> str | None:
        """Why rows that stay cannot lose what they refer to by the key; None where they can."""
        whose = f"Rows of {key.table} that refer to rows of {parent} that would go"
        lost = ", ".join(key.columns)
        child = self.stored[key.table]
        try:
            values = detached_by(child, key)
        except NotAllowed:
            return f"{whose} would get a default that is a formula, and what that gives nobody can tell."
        if values is None:
            return f"{whose} would get a NULL for {lost}, which cannot be empty."
        if None not in values.values():
            pairs = zip(key.parent_columns, key.columns, strict=True)
            same = " AND ".join(f"{sql_name(there)} = {literal(values[own])}" for there, own in pairs)
            if not self.count(parent, f"{same} AND NOT ifnull(({self.going[parent]}), 0)"):
                return f"{whose} would get their default for {lost}, and no row that stays has that."
        which = self.remaining(parent, key)
        for other in child.referring_to(values):
            found = referring(other, child.name, which)
            if other.table in self.going:
                found += f" AND NOT ifnull(({self.going[other.table]}), 0)"
            if rows := self.count(other.table, found):
                return f"{whose} would lose what rows of {other.table} ({rows:,}) refer to."
        given = _given(values)
        if not self.database.may_refuse(child.name, given):
            return None
        try:
            ids = _id(child)
        except NotAllowed as error:
            return str(error)
        cells = ", ".join(exact(child.name, name) for name in ids)
        asked = f"SELECT {cells} FROM main.{sql_name(child.name)} WHERE {which} LIMIT {MOST + 1}"  # noqa: S608
        names = [tuple(map(decoded, row)) for row in self.database.rows(raw(asked))]
        if len(names) > MOST:
            return f"{whose} are more than {MOST:,}; whether their table lets them lose {lost} is not tried."
        why = self._refused(child, names, values)
        return None if why is None else f"{whose} would lose {lost}, {why}."

    def refused_in_circle(self, key: ForeignKey, rows: Sequence["Row"]) -> str | None:
        """Why rows that go cannot lose what they refer to by the key before they do; None where they can."""
        child = self.stored[key.table]
        try:
            values = detached_by(child, key)
        except NotAllowed:  # what a formula gives, the file refuses where it must
            return None
        if not values or not self.database.may_refuse(child.name, _given(values)):
            return None
        names = [tuple(map(decoded, json.loads(named))) for _, named in rows[:MOST]]
        return self._refused(child, names, values)

    def _refused(
        self, child: StoredTable, names: Sequence[tuple[Value, ...]], values: Mapping[str, Value]
    ) -> str | None:
        """What of rows, named by their key, their table's own rules do not take with these values."""
        given = _given(values)
        there = Images(self.database).matching(child.name, _id(child), names)
        columns = [*child.columns, *filter(None, [child.hidden_rowid])]
        refused = self.database.refused_change(
            child.name, columns, *tried([(row, values) for row in there]), given
        )
        if not refused:
            return None
        (at, why), *_ = refused
        row, rules = visible(str(shown(there[at].record_id))), "the table's own rules"
        if not why:
            return f"and whether {rules} take that of row {row} is not known"
        return f"which {rules} do not take of row {row} ({visible(why)})"

    def around(self, parent: str, child: str) -> frozenset[str]:
        """The tables that refer to each other in a circle through these two."""
        down = {name: {key.table for of, key in self.keys if of == name} for name in self.going}
        up = {name: {of for of, key in self.keys if key.table == name} for name in self.going}
        return frozenset(_reached(down, child) & _reached(up, parent) & self.going.keys())


@dataclass(frozen=True, slots=True)
class Round:
    """Rows of a table to which none refers once those before them have gone; `alone` says that none of them
    goes along with another of them.
    """

    table: str
    rows: tuple[Row, ...]
    alone: bool

    def removal(self, chosen: Going) -> Iterator[Statement]:
        """What removes them."""
        for part in in_parts(self.rows, _PART):
            delete = f"DELETE FROM main.{sql_name(self.table)} WHERE {_among(chosen.stored[self.table])}"  # noqa: S608
            yield Statement(raw(delete, _keys(part)), expect=len(part) if self.alone else None)


@dataclass(frozen=True, slots=True)
class Knot:
    """Tables that refer to each other in a circle, and the order in which their rows go that do."""

    tables: frozenset[str]
    rounds: tuple[Round, ...]

    @classmethod
    def of(cls, chosen: Going, tables: frozenset[str]) -> "Knot":
        """Leaves go first, and rows in a circle at once. Raises `NotAllowed` where a key of one holds what it
        refers to, or nobody can tell rows apart.
        """
        return cls(tables, tuple(_rounds(chosen, tables)))

    def unchanged(self, chosen: Going) -> Iterator[Statement]:
        """What fails where one of these rows is not there, or is not one of those that go any more."""
        for table in sorted(self.tables):
            which = f"{_among(chosen.stored[table])} AND ({chosen.going[table]})"
            rows = (row for one in self.rounds if one.table == table for row in one.rows)
            for part in in_parts(rows, _PART):
                yield unchanged(table, which, len(part), _keys(part))


def unchanged(table: str, which: str, rows: int, *values: object) -> Statement:
    """Fails where other than just so many rows of the table meet the condition."""
    query = f"(SELECT count(*) FROM main.{sql_name(table)} WHERE {which}) = ?"  # noqa: S608
    return Statement(Select(columns=[SQL("1")]).where(SQL(query, [*values, rows])))


def _rounds(chosen: Going, tables: frozenset[str]) -> Iterator[Round]:
    below: dict[Row, set[Row]] = {}
    held: dict[Row, set[Row]] = {}
    losing: dict[Row, list[tuple[Row, ForeignKey]]] = {}
    left = _LINKS
    for parent, key in chosen.keys:
        if parent not in tables or key.table not in tables or len(key.columns) != len(key.parent_columns):
            continue
        if AUDIT_CHAIN.name in (parent, key.table):
            raise NotAllowed(f"Rows of {parent} and {key.table} refer to each other, and entries go first.")
        for one, other in _links(chosen, parent, key, left + 1):
            left -= 1
            below.setdefault(one, set()).add(other)
            below.setdefault(other, set())
            if _holds(chosen.stored[key.table], key):
                held.setdefault(one, set()).add(other)
            elif fate_of(key) is Fate.CHANGES:
                losing.setdefault(one, []).append((other, key))
        if left < 0:
            raise NotAllowed(
                f"More than {_LINKS:,} references between rows of {_listed(tables)} that would go say which "
                "of them may go first, and no more are followed."
            )
    level: dict[Row, int] = {}
    whole: dict[int, list[tuple[Row, bool]]] = {}
    for group in _circles(below):
        if any(not held.get(row, set()).isdisjoint(group) for row in group):
            named = _listed({table for table, _ in group})
            raise NotAllowed(
                f"Rows of {named} ({len(group):,}) refer to each other in a circle, by a key that lets none "
                "of them go first."
            )
        lost: dict[ForeignKey, list[Row]] = {}
        for row in group if len(group) > 1 else ():
            for other, key in losing.get(row, ()):
                if other in group:
                    lost.setdefault(key, []).append(other)
        for key, losers in lost.items():
            if (why := chosen.refused_in_circle(key, losers)) is not None:
                named = _listed({table for table, _ in group})
                raise NotAllowed(
                    f"Rows of {named} ({len(group):,}) refer to each other in a circle, and one would lose "
                    f"{', '.join(key.columns)} before it goes, {why}."
                )
        at = 1 + max((level[other] for row in group for other in below[row] - group), default=0)
        level |= dict.fromkeys(group, at)
        whole.setdefault(at, []).extend((row, len(group) == 1) for row in sorted(group))
    for _, rows in sorted(whole.items()):
        for table in dict.fromkeys(row[0] for row, _ in rows):
            own = [(row, alone) for row, alone in rows if row[0] == table]
            yield Round(table, tuple(row for row, _ in own), all(alone for _, alone in own))


def sizes(knots: Sequence[Knot]) -> Counter[str]:
    """How many rows of each table go in rounds."""
    return Counter(row[0] for knot in knots for one in knot.rounds for row in one.rows)


def _holds(table: StoredTable, key: ForeignKey) -> bool:
    """Whether rows of the table that refer by the key keep a row even where they go behind it."""
    if fate_of(key) is not Fate.CHANGES:
        return key.on_delete == "RESTRICT"
    try:
        return detached_by(table, key) is None
    except NotAllowed:  # what a formula gives, nobody can tell: the file refuses it where it must
        return False


def _given(values: Mapping[str, Value]) -> set[str]:
    return {name for name, value in values.items() if value is not None}


def _has_chain(database: Database, which: str) -> bool:
    """Whether a marker will be left of it."""
    return bool(database.rows(raw(f"SELECT 1 FROM main.{AUDIT_CHAIN.name} WHERE {which} LIMIT 1")))  # noqa: S608


def _archived(database: Database, which: str) -> tuple[Staying, ...]:
    """What is said of the archives that markers of its chain name."""
    sql = f"SELECT DISTINCT payload ->> '$.archive.file' FROM main.{AUDIT_CHAIN.name} WHERE ({which})"  # noqa: S608
    found = database.rows(raw(f"{sql} AND event_type = ? AND json_valid(payload)", MARKER_EVENT))
    names = sorted(name for (name,) in found if isinstance(name, str))
    named = some_of(names, _NAMED, shown=visible)
    said = f"{named} and other archives of its chain stay where retention has put them"
    return (Staying(said),) if names else ()


def _not_told(
    database: Database, stored: StoredTables, tenant: str, goes: Mapping[str, str]
) -> tuple[Staying, ...]:
    """What is said of tables of which nothing tells whose their rows are, apart of those that name it."""
    naming, others = list[str](), list[str]()
    known = {*goes, *(key.table for name in goes for key in stored[name].referring)}
    shadows = {name for (name,) in database.rows(raw(SHADOWS))}
    for name, table in stored.items():
        if name in known or name in shadows or internal(name):
            continue
        cells = [f"instr(CAST({sql_name(column)} AS BLOB), CAST(? AS BLOB))" for column in table.names]
        parts = [(" OR ".join(some), len(some)) for some in in_parts(cells, _CELLS)]
        there = f"SELECT 1 FROM main.{sql_name(name)} WHERE %s LIMIT 1"  # noqa: S608
        if any(database.rows(raw(there.replace("%s", part), *[tenant] * count)) for part, count in parts):
            naming.append(name)
        elif database.rows(raw(there.replace("%s", "1"))):
            others.append(name)
    found = []
    if naming:
        words = "rows that name it stay, as no column of theirs says whose they are"
        found.append(Staying(words, tuple(naming)))
    if others:
        found.append(Staying("all rows stay, as nothing tells whose they are", tuple(others)))
    return tuple(found)


def _children_first(stored: StoredTables, going: Mapping[str, str]) -> Iterator[str]:
    seen = set[str]()

    def visit(name: str) -> Iterator[str]:
        seen.add(name)
        for key in stored[name].referring:
            if key.table in going and key.table not in seen:
                yield from visit(key.table)
        yield name

    for name in going:
        if name not in seen:
            yield from visit(name)


def _reached(ways: Mapping[str, set[str]], start: str) -> set[str]:
    found, fresh = {start}, [start]
    while fresh:
        more = ways.get(fresh.pop(), set()) - found
        found |= more
        fresh += more
    return found


def _id(table: StoredTable) -> tuple[str, ...]:
    found = table.key if table.row_key is None else (table.row_key,)
    if not found:
        raise NotAllowed(f"Nothing tells the rows of {table.name} apart.")
    return found


def _among(table: StoredTable) -> str:
    """The condition that a row is one of those named by the parameter."""
    ids = _id(table)
    values = ", ".join(STORED.replace("value", f"(value ->> {at})") for at in range(len(ids)))
    return f"({', '.join(map(sql_name, ids))}) IN (SELECT {values} FROM json_each(?))"  # noqa: S608


def _keys(rows: Sequence[Row]) -> str:
    return f"[{','.join(key for _, key in rows)}]"


def _links(chosen: Going, parent: str, key: ForeignKey, most: int) -> Iterator[tuple[Row, Row]]:
    """Rows that go, and others that refer to them by the key and go, too."""
    sides, cells = [], []
    for alias, name, columns in (("parent", parent, key.parent_columns), ("child", key.table, key.columns)):
        ids = _id(chosen.stored[name])
        listed = ", ".join(map(sql_name, dict.fromkeys([*ids, *columns])))
        sides.append(f"(SELECT {listed} FROM main.{sql_name(name)} WHERE {chosen.going[name]}) AS {alias}")  # noqa: S608
        cells += [exact(alias, one) for one in ids]
    on = refers("parent", key)
    asked = f"SELECT {', '.join(cells)} FROM {sides[0]} JOIN {sides[1]} ON {on} LIMIT {most}"  # noqa: S608
    width = len(_id(chosen.stored[parent]))
    for row in chosen.database.rows(raw(asked)):
        one, other = (parent, json.dumps(row[:width])), (key.table, json.dumps(row[width:]))
        if one != other:
            yield one, other


def _circles(below: Mapping[Row, set[Row]]) -> Iterator[frozenset[Row]]:
    """The rows in groups that lead round to each other, each behind those below it (Tarjan's order)."""
    number: dict[Row, int] = {}
    lowest: dict[Row, int] = {}
    open_: dict[Row, None] = {}
    for start in below:
        if start in number:
            continue
        way = [(start, iter(below[start]))]
        number[start] = lowest[start] = len(number)
        open_[start] = None
        while way:
            row, others = way[-1]
            for other in others:
                if other not in number:
                    number[other] = lowest[other] = len(number)
                    open_[other] = None
                    way.append((other, iter(below[other])))
                    break
                if other in open_:
                    lowest[row] = min(lowest[row], number[other])
            else:
                way.pop()
                if way:
                    lowest[way[-1][0]] = min(lowest[way[-1][0]], lowest[row])
                if lowest[row] == number[row]:
                    group = [open_.popitem()[0]]
                    while group[-1] != row:
                        group.append(open_.popitem()[0])
                    yield frozenset(group)


def _listed(tables: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(tables))


MOST_COMPARED: Final = 1_000_000
"""Characters of a table's rows that are compared: a statement binds twice as many (D1_LIMITS)."""

_CELL: Final = 20
"""Characters that a cell takes beside its bytes, which stand there in hexadecimal."""
_AT_ONCE: Final = 20
"""Columns of one call of a function, which takes 32 on D1."""


def contents(going: Going, rows: Mapping[str, int]) -> Mapping[str, str | None]:
    """Of each table the rows that go, so many, as text; None where that may be more than `MOST_COMPARED`.
    The audit chain's are known by the hash that it ends with.
    """
    names = [name for name in rows if name != AUDIT_CHAIN.name]
    found: dict[str, str | None] = dict.fromkeys(names)
    sizes = going.database.read_each([_size(going, name) for name in names])
    small = []
    for name, (each,) in zip(names, sizes, strict=True):
        if 2 * sum(each) + _CELL * len(each) * rows[name] <= MOST_COMPARED:
            small.append(name)
    asked = [raw(_whole(going, name)) for name in small]
    for name, ((text,),) in zip(small, going.database.read_each(asked), strict=True):
        found[name] = text or ""
    return found


def as_copied(going: Going, known: Mapping[str, str | None]) -> Iterator[Statement]:
    """Fails where the rows are not just those any more."""
    for name, text in known.items():
        if text is not None:
            same = f"coalesce(({_whole(going, name)}), '') = ?"
            yield Statement(Select(columns=[SQL("1")]).where(SQL(same, [text])))


def _size(going: Going, name: str) -> RawQuery:
    """How many bytes each column has: a row as text may be more than a value can be."""
    cells = (f"total(length(CAST({sql_name(one)} AS BLOB)))" for one in going.stored[name].columns)
    return raw(f"SELECT {', '.join(cells)} FROM main.{sql_name(name)} WHERE {going.going[name]}")  # noqa: S608


def _whole(going: Going, name: str) -> str:
    return f"SELECT group_concat(found, ';') FROM ({_rows(going, name)} ORDER BY 1)"  # noqa: S608


def _rows(going: Going, name: str) -> str:
    cells = map(_cell, going.stored[name].columns)
    parts = (f"json_array({', '.join(some)})" for some in in_parts(cells, _AT_ONCE))
    row = f"json_array({', '.join(parts)})"
    return f"SELECT {row} AS found FROM main.{sql_name(name)} WHERE {going.going[name]}"  # noqa: S608


def _cell(column: str) -> str:
    """A value to its last bit, whatever it is."""
    cell = sql_name(column)
    return f"CASE typeof({cell}) WHEN 'real' THEN quote({cell}) ELSE typeof({cell}) || hex({cell}) END"


_MADE: Final = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND rootpage = 0 ORDER BY name"
_MODULE: Final = statements.pattern(r"create virtual table (?:if not exists )?\S+ using (?P<module>\S+)")
_CONTENT: Final = statements.pattern(r"[,(] content = (?P<of>\S+)")
_INDEXES: Final = frozenset(("fts4", "fts5"))
"""Modules that can index the rows of another table, and read all of them again."""
_LOOKS: Final = frozenset(("fts5vocab", "fts4aux"))
"""Modules that keep nothing themselves."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The indexes that are `rebuilt` from the rows that stay, and the virtual tables that may keep something,
    each with its rows; None where those cannot be read.
    """

    rebuilt: tuple[str, ...] = ()
    left: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database, stored: StoredTables, touched: Collection[str]) -> "Indexed":
        """Where rows of the `touched` tables go or change."""
        rebuilt, left = list[str](), dict[str, int | None]()
        for name, sql in database.rows(raw(_MADE)):
            said = statements.canonical(str(sql))
            module, content = _MODULE.match(said), _CONTENT.search(said)
            kind = "" if module is None else module["module"]
            if kind in _LOOKS:
                continue
            if kind in _INDEXES and content is not None and content["of"] != "''":
                of = caseless(content["of"].strip("'"))
                found = next((table for table in stored if caseless(table) == of), None)
                if found is not None and found not in touched:
                    continue
                if found is not None and _reads(database, name):
                    rebuilt.append(name)
                    continue
            elif content is None and _names_tenants(database, name):
                continue  # whose rows of a tenant are counted
            if (rows := _count(database, name)) != 0:
                left[name] = rows
        return cls(tuple(rebuilt), left)

    def lines(self, *, were: bool = False) -> Iterator[str]:
        """What a person is told of them, before and, as they `were` built, afterwards."""
        for name in self.rebuilt:
            yield f"{name}: this index {'was' if were else 'is'} rebuilt from the rows that stay"
        for name, rows in self.left.items():
            many = "whose rows nothing here can read" if rows is None else f"of {counted(rows, 'row')}"
            yield f"{name}: this virtual table, {many}, may keep what it has of the tenant"

    def told(self) -> dict[str, object]:
        """What the audit entry says of them."""
        found: dict[str, object] = {"rebuilt": [*self.rebuilt]} if self.rebuilt else {}
        return found | ({"mayKeep": dict(self.left)} if self.left else {})

    def statements(self) -> Iterator[Statement]:
        """What rebuilds them."""
        for name in map(sql_name, self.rebuilt):
            yield Statement(raw(f"INSERT INTO main.{name} ({name}) VALUES ('rebuild')"), expect=None)  # noqa: S608


def _answer(database: Database, sql: str, *values: str) -> Rows | None:
    """What it answers; None where the table cannot be read."""
    try:
        return database.rows(raw(sql, *values))
    except RemoteError:  # which tells nothing of it
        raise
    except StorageError:
        return None


def _reads(database: Database, name: str) -> bool:
    """Whether it finds each of its columns in the other table."""
    return _answer(database, f"SELECT * FROM main.{sql_name(name)} LIMIT 1") is not None  # noqa: S608


def _names_tenants(database: Database, name: str) -> bool:
    columns = _answer(database, "SELECT name FROM pragma_table_xinfo(?)", name)
    return columns is not None and tenant_column(column for (column,) in columns) is not None


def _count(database: Database, name: str) -> int | None:
    found = _answer(database, f"SELECT count(*) FROM main.{sql_name(name)}")  # noqa: S608
    return None if found is None else int(found[0][0])
