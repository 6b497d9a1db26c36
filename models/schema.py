"""What a database holds, compared with what the models expect, and as acts need to know it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from peewee import AutoField, BaseQuery

from models.engine import Database, Rows, raw, sql_name
from models.errors import StorageError
from models.tables import TABLES

LEDGER: Final = "d1_migrations"

COUNTERS: Final = "sqlite_sequence"
"""SQLite's own table of how far AUTOINCREMENT has counted; there where a table has that."""

COUNTED: Final = f"""
WITH counted AS (
  SELECT iif(typeof(seq) = 'real', CAST(seq AS INTEGER), seq) AS seq
  FROM main.{COUNTERS} WHERE lower(name) = ?
)
SELECT CAST(seq AS TEXT) AS number, typeof(seq) AS kind FROM counted
ORDER BY typeof(seq) = 'integer' DESC, seq DESC LIMIT 1
"""  # noqa: S608
"""How far it has counted a table, by that one's name in small letters; as text: JSON rounds the highest ones.

Others may have written several rows there, or what is no number: the highest number counts, if there is one.
Of a fraction SQLite takes the whole number, of one that is too large the last there is.
"""

_LOWER: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}

_NONE: Final = frozenset[str]()

_OBJECTS: Final = """
SELECT type, name, tbl_name, rootpage,
  type = 'table' AND rootpage AND EXISTS (SELECT 1 FROM pragma_index_info(found.name)) AS without_rowid,
  type = 'table' AND rootpage
    AND EXISTS (SELECT 1 FROM pragma_index_list(found.name) WHERE origin = 'pk') AS apart,
  CASE type WHEN 'index'
    THEN (SELECT json_group_array(name) FROM pragma_index_info(found.name)) END AS indexed,
  instr(upper(found.sql), 'COLLATE') OR type = 'index' AND instr(upper(found.sql), 'WHERE') AS is_odd
FROM sqlite_master AS found
"""
"""Only a table WITHOUT ROWID is an index of its own name (sqlite.org/pragma.html#pragma_index_info), and only
a primary key that is the rowid itself has no index. An index that may not have all rows, or not by their
bytes, is odd, as is a table that may compare so: their words tell, as each row of a pragma is charged.
"""

_COLUMNS: Final = """
SELECT found.name, shape.name, shape.hidden, shape.pk, shape.dflt_value, shape."notnull"
FROM sqlite_master AS found JOIN pragma_table_xinfo(found.name) AS shape
WHERE found.type = 'table' AND found.rootpage ORDER BY found.rowid, shape.cid
"""
"""Only of tables with pages of their own: asking a virtual table of a module that is not here is an error."""

_FOREIGN_KEYS: Final = """
SELECT found.name, keys."table", keys."from", keys."to", keys.on_delete, keys.id, keys.on_update
FROM sqlite_master AS found JOIN pragma_foreign_key_list(found.name) AS keys
WHERE found.type = 'table' AND found.rootpage ORDER BY found.rowid, keys.id, keys.seq
"""

TENANTS: Final = "tenants"
"""The platform's own table of them, which not every database has; it says in its `id` who they are."""

_BY: Final = f"iif(lower(found.name) = '{TENANTS}', 'id', 'tenant_id')"

_WITH_TENANTS: Final = f"""
SELECT lower(found.name), EXISTS (
  SELECT 1 FROM pragma_index_list(found.name) AS list, pragma_index_info(list.name) AS info
  WHERE list.partial = 0 AND info.seqno = 0 AND lower(info.name) = {_BY}
) AND NOT instr(upper(found.sql), 'COLLATE')
FROM sqlite_master AS found JOIN pragma_table_xinfo(found.name) AS shape
WHERE found.type = 'table' AND lower(found.name) IN (SELECT value FROM json_each(?))
  AND found.rootpage AND lower(shape.name) = {_BY}
"""  # noqa: S608
"""Which of the tables are there and have the column, and whether an index over all rows starts with it, by
its bytes.
"""

_HOPS: Final = """
WITH RECURSIVE hop(id) AS (
  SELECT (SELECT min({by}) FROM main.{table}) WHERE EXISTS (
    SELECT 1 FROM pragma_index_list('{table}') AS list, pragma_index_info(list.name) AS info
    WHERE list.partial = 0 AND info.seqno = 0 AND lower(info.name) = '{by}')
  UNION ALL
  SELECT (SELECT min({by}) FROM main.{table} WHERE {by} > hop.id) FROM hop WHERE hop.id IS NOT NULL
)
SELECT CAST(id AS BLOB), typeof(id) FROM hop WHERE id IS NOT NULL
"""
_DISTINCT: Final = """
SELECT DISTINCT CAST({by} AS BLOB), typeof({by}) FROM main.{table}
WHERE {by} IS NOT NULL ORDER BY {by} COLLATE BINARY
"""
"""Without an index each hop would read the table, and so there is none."""

ENDS: Final = "(SELECT min({rowid}) FROM main.{table}), (SELECT max({rowid}) FROM main.{table})"
"""The first and the last number of a table's rows: SQLite reads them all for both in one SELECT."""
SPAN: Final = "SELECT (SELECT max({rowid}) FROM main.{table}) - (SELECT min({rowid}) FROM main.{table}) + 1"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database and how they differ from the models.

    `columns` maps each real table to its column names, in order; names that differ from the expected ones
    only in case, which SQLite ignores, are given as expected. `impostors` are views and virtual tables that
    carry an expected table's name, and triggers on expected tables: each could change what a write means.
    `stored` are the tables as acts and lists need to know them. `views` are all there are, which may be all
    that another program's file has.
    """

    columns: dict[str, tuple[str, ...]]
    missing_tables: tuple[str, ...] = ()
    missing_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    extra_tables: tuple[str, ...] = ()
    extra_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    impostors: tuple[str, ...] = ()
    stored: "StoredTables" = field(default_factory=dict)
    views: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether every expected table and column is there."""
        return not self.missing_tables and not self.missing_columns

    @property
    def recognised(self) -> bool:
        """Whether a table has a name of the platform's."""
        return len(self.missing_tables) < len(TABLES)

    @property
    def platform_tables(self) -> tuple[str, ...]:
        """Expected tables by name and by at least half of their first columns; `users` alone is a common
        name. Those that are neither nullable nor have a default are the first: SQLite adds no such column to
        a table that is there, so what migrations add says nothing of whose a table is.
        """
        return tuple(
            table
            for table, first in _first_columns().items()
            if 2 * len(set(self.columns.get(table, ())) & first) >= len(first)
        )

    @property
    def own_tables(self) -> tuple[str, ...]:
        """Those of its makers, be they the platform's or not."""
        return tuple(sorted(name for name in self.columns if not internal(name)))

    @property
    def foreign(self) -> bool:
        """Whether it is another program's: it has tables or views, and none of them is the platform's."""
        return bool(self.own_tables or self.views) and not self.platform_tables


def find_tenants(database: Database, tables: Sequence[str]) -> Rows:
    """The bytes and the storage class of every tenant of these expected tables, or of the one of tenants,
    table by table in order.

    Hops from tenant to tenant along each table's index, so a million rows cost no more than a few. Missing
    tables and columns are passed over. The caller holds a connection.
    """
    found = database.rows(raw(_WITH_TENANTS, json.dumps(tables)))
    ways = (_tenants_of(table, indexed) for table, indexed in found)
    return [row for rows in database.read_batch(list(ways)) for row in rows]


def count_tenants(database: Database, table: str) -> int:
    """How many tenants an expected table has, by two rows of each; 0 where no index leads from one to the
    next. The caller holds a connection.
    """
    hops = _HOPS.format(table=table, by="tenant_id")
    return int(database.scalar(raw(f"SELECT count(*) FROM ({hops})")))  # noqa: S608


def _tenants_of(table: str, indexed: object) -> BaseQuery:
    by = "id" if table == TENANTS else "tenant_id"
    return raw((_HOPS if indexed else _DISTINCT).format(table=table, by=by))


def expected_columns() -> dict[str, tuple[str, ...]]:
    """Table name to column names, as the models say."""
    return {
        model._meta.table_name: tuple(field.column_name for field in model._meta.sorted_fields)
        for model in TABLES
    }


def _first_columns() -> dict[str, frozenset[str]]:
    return {
        model._meta.table_name: frozenset(
            field.column_name
            for field in model._meta.sorted_fields
            if not field.null and field.default is None
        )
        for model in TABLES
    }


def inspect(database: Database) -> Schema:
    """Reads the schema of the database; the caller holds a connection.

    D1's own `_cf_*` tables, SQLite's `sqlite_*` and the migrations ledger are neither missing nor extra.
    """
    return _inspected(database, database.read_batch(_shape()))


@dataclass(frozen=True, slots=True)
class Beside:
    """A read that is sent along where the table has the columns, and an index begins with the first of
    them.
    """

    table: str
    columns: tuple[str, ...]
    query: BaseQuery

    def fits(self, schema: "Schema") -> bool:
        table = schema.stored.get(self.table)
        return table is not None and set(self.columns) <= set(table.names) and self.columns[0] in table.led_by


def inspect_with_tenants(
    database: Database, tables: Sequence[str], *, as_expected: bool = False, beside: Beside | None = None
) -> tuple[Schema, Rows, dict[str, int], Rows]:
    """What `inspect` and `find_tenants` give, how many rows each table has at most, as far as rowids and
    the size of the database tell, and what is read `beside` them, which may be nothing; by two calls of the
    engine, which read no more than the ends of the tables. By one where all is `as_expected`, and by three
    where that was said and a table of ours is missing.
    """
    first = [*_shape(), raw(_WITH_TENANTS, json.dumps(tables))]
    along = [] if beside is None else [beside.query]
    foreseen = [*_foreseen(tables), *along] if as_expected else []
    try:
        told = database.read_batch([*first, *foreseen])
    except StorageError:
        if not foreseen:
            raise
        foreseen, told = [], database.read_batch(first)
    *shape, found = told[: len(first)]
    known = {query.sql()[0]: rows for query, rows in zip(foreseen, told[len(first) :], strict=True)}
    schema = _inspected(database, shape)
    numbered = {name: one.rowid for name, one in schema.stored.items() if one.rowid and not internal(name)}
    ends = [raw(SPAN.format(rowid=sql_name(rowid), table=sql_name(name))) for name, rowid in numbered.items()]
    ways = [_tenants_of(table, indexed) for table, indexed in found]
    along = along if beside is not None and beside.fits(schema) else []
    asked = [query for query in (*ends, *ways, *along) if query.sql()[0] not in known]
    known |= zip((query.sql()[0] for query in asked), database.read_batch(asked), strict=True)
    answers = [known[query.sql()[0]] for query in (*ends, *ways)]
    sizes = {name: database.at_most(rows[0][0] or 0) for name, rows in zip(numbered, answers, strict=False)}
    told_beside = [row for query in along for row in known[query.sql()[0]]]
    return schema, [row for rows in answers[len(ends) :] for row in rows], sizes, told_beside


def _foreseen(tables: Sequence[str]) -> list[BaseQuery]:
    """What is asked of the expected tables behind their shape, where they are just that."""
    spans = []
    for model in TABLES:
        key = model._meta.primary_key
        rowid = key.column_name if isinstance(key, AutoField) else "rowid"
        spans.append(SPAN.format(rowid=sql_name(rowid), table=sql_name(model._meta.table_name)))
    named = [table for table in tables if "tenant_id" in expected_columns().get(table, ())]
    return [*map(raw, spans), *(_tenants_of(table, True) for table in named)]


def _inspected(database: Database, shape: list[Rows]) -> Schema:
    expected = expected_columns()
    tables = _tables(*shape)
    database.last_read = shape, tables
    objects = [(kind, name, _TABLE(table), rootpage) for kind, name, table, rootpage, *_ in shape[0]]
    # The root page is 0 for what has no pages of its own: views, triggers and virtual tables.
    columns = {
        table: tables[table].names if rootpage else ()
        for kind, _, table, rootpage in objects
        if kind == "table" and (rootpage or table not in expected)
    }
    return Schema(
        columns=columns,
        missing_tables=tuple(name for name in expected if name not in columns),
        missing_columns=_differences(expected, columns),
        extra_tables=tuple(sorted(name for name in columns if name not in expected and not internal(name))),
        extra_columns=_differences(columns, expected),
        impostors=tuple(
            f"{kind} {name}" if rootpage or kind != "table" else f"virtual table {name}"
            for kind, name, table, rootpage in objects
            if table in expected and not rootpage and kind in ("view", "trigger", "table")
        ),
        stored=tables,
        views=tuple(sorted(name for kind, name, *_ in objects if kind == "view")),
    )


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Rows of `table` refer, by `columns`, to the rows of another that hold the same in `parent_columns`.

    `on_delete` is what SQLite does to them when such a row goes, in its own words ("CASCADE", "NO ACTION"),
    `on_update` what when it gets other values. `number` is SQLite's own, of those of the table.
    """

    table: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    on_delete: str
    on_update: str = "NO ACTION"
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as the database has it, ours or not.

    `names` are all its columns, `columns` those that hold values of their own; generated ones do not. `key`
    tells its rows apart: the primary key, or else SQLite's rowid; empty where none is. `rowid` is what names
    that: an INTEGER PRIMARY KEY, or a name that no column takes; None where there is none, as WITHOUT ROWID.
    `defaults` are SQL. `never_null` are the columns that hold no NULL. `indexes` are the columns of each.
    `led_by` are the columns that an index of all rows, by their bytes, or the key begins with. `referring`
    are the foreign keys, of any table, that refer to this one.
    """

    name: str
    names: tuple[str, ...]
    columns: tuple[str, ...]
    key: tuple[str, ...]
    defaults: dict[str, str]
    has_triggers: bool
    rowid: str | None = "rowid"
    without_rowid: bool = False
    never_null: tuple[str, ...] = ()
    indexes: tuple[frozenset[str], ...] = ()
    led_by: frozenset[str] = _NONE
    referring: tuple[ForeignKey, ...] = ()

    @property
    def row_key(self) -> str | None:
        """The one column that tells all rows apart: the rowid where it can be named, or the key of a table
        WITHOUT ROWID, which is never NULL. None where no one column does.
        """
        return self.key[0] if self.without_rowid and len(self.key) == 1 else self.rowid

    @property
    def tenant_column(self) -> str | None:
        """The column by which its rows say whose they are; None where they do not."""
        return tenant_column(self.names)

    @property
    def hidden_rowid(self) -> str | None:
        """The name of a rowid that is neither a column nor the key; None where there is none."""
        return None if self.rowid in (*self.columns, *self.key) else self.rowid

    def with_generated(self, columns: Collection[str]) -> frozenset[str]:
        """These columns, and those that may change with them, as SQLite makes their values of others'."""
        return frozenset(columns).union(set(self.names).difference(self.columns) if columns else ())

    def referring_to(self, columns: Collection[str]) -> tuple[ForeignKey, ...]:
        """Those of `referring` that refer to what changes with these, which their ON UPDATE follows."""
        changing = self.with_generated(columns)
        return tuple(key for key in self.referring if not changing.isdisjoint(key.parent_columns))

    def written(self, columns: Collection[str] | None = None) -> int:
        """About how many rows are charged where a row gets other values in these columns; without them, where
        it is added: itself, and once more in each index of them. One that goes is charged alone.
        """
        return 1 + sum(columns is None or not index.isdisjoint(columns) for index in self.indexes)

    def __repr__(self) -> str:
        return f"StoredTable({self.name!r})"


def tenant_column(names: Iterable[str]) -> str | None:
    """That one of a table's columns, however it is spelt, that says whose a row is."""
    return next((name for name in names if caseless(name) == "tenant_id"), None)


StoredTables = Mapping[str, StoredTable]
"""Every table that has rows of its own by its name; ours, and their columns, are spelt as expected."""


def shape_of(stored: StoredTables) -> dict[str, object]:
    """What reading and writing our tables goes by, for a comparison: neither their indexes nor what refers to
    them, which are asked for each time.
    """
    return {name: shape_of_one(stored.get(name)) for name in expected_columns()}


def shape_of_one(table: StoredTable | None) -> StoredTable | None:
    """The same of one table; None where it is not there."""
    return table and replace(table, indexes=(), led_by=_NONE, referring=())


def read_stored(
    database: Database, ask: Callable[[StoredTables], Sequence[BaseQuery]] = lambda tables: ()
) -> tuple[StoredTables, list[Rows]]:
    """The tables, and the rows of what `ask` makes of them, all from one snapshot.

    What is asked is made of the tables as they were found last (`Database.last_read`), and made and read
    again where they are others by now. Raises what `ask` raises, and the storage errors.
    """
    shape = _shape()
    while True:
        last = database.last_read
        try:
            found = database.read_batch([*shape, *(ask(last[1]) if last else ())])
        except StorageError:  # of a column that is gone by now, say
            if last is None or database.read_batch(shape) == last[0]:
                raise
            database.last_read = None
            continue
        if last is not None and found[:3] == last[0]:
            return last[1], found[3:]
        tables = _tables(*found[:3])
        database.last_read = found[:3], tables
        if not ask(tables):
            return tables, []


def _shape() -> list[BaseQuery]:
    return [raw(_OBJECTS), raw(_COLUMNS), raw(_FOREIGN_KEYS)]


def _tables(objects: Rows, columns: Rows, foreign_keys: Rows) -> StoredTables:
    triggered = {caseless(table) for kind, _, table, *_ in objects if kind == "trigger"}
    without_rowid = {caseless(table) for *_, table, _, without, _, _, _ in objects if without}
    apart = {caseless(table) for *_, table, _, _, is_apart, _, _ in objects if is_apart}
    indexes: dict[str, list[frozenset[str]]] = {}
    led_by: dict[str, set[str]] = {}
    odd = {caseless(table) for kind, _, table, *_, is_odd in objects if kind == "table" and is_odd}
    for kind, _, table, *_, indexed, is_odd in objects:
        if kind == "index":
            name, own = _TABLE(table), json.loads(indexed)  # of an expression there is no name
            spelt = [column and _COLUMN.get(name, str)(column) for column in own]
            indexes.setdefault(name, []).append(frozenset(filter(None, spelt)))
            if not (is_odd or caseless(table) in odd):
                led_by.setdefault(name, set()).update(filter(None, spelt[:1]))
    shapes: dict[str, list[tuple[str, bool, int, str | None, bool]]] = {}
    for table, column, *shape in columns:
        name = _TABLE(table)
        shapes.setdefault(name, []).append((_COLUMN.get(name, str)(column), *shape))
    tables = {}
    for name, shape in shapes.items():
        names = tuple(column for column, *_ in shape)
        primary = [column for _, column in sorted((at, column) for column, _, at, *_ in shape if at)]
        rowid = primary[0] if primary and caseless(name) not in apart else free_rowid(names)
        without = caseless(name) in without_rowid
        tables[name] = StoredTable(
            name=name,
            names=names,
            columns=tuple(column for column, hidden, *_ in shape if not hidden),
            key=tuple(primary or filter(None, [rowid])),
            defaults={column: default for column, _, _, default, _ in shape if default is not None},
            has_triggers=caseless(name) in triggered,
            rowid=None if without else rowid,
            without_rowid=without,
            never_null=tuple(
                column
                for column, hidden, _, _, not_null in shape
                if not_null and not hidden and column != rowid
            ),
            indexes=tuple(indexes.get(name, ())),
            led_by=frozenset([*led_by.get(name, ()), *(() if caseless(name) in odd else primary[:1])]),
        )
    return _with_foreign_keys(tables, foreign_keys)


def free_rowid(columns: Iterable[str]) -> str | None:
    """SQLite's rowid under a name that no column takes (sqlite.org/rowidtable.html)."""
    taken = {caseless(column) for column in columns}
    return next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)


def _with_foreign_keys(tables: Mapping[str, StoredTable], found: Rows) -> dict[str, StoredTable]:
    """The tables with what refers to them; a foreign key to a table that is not there refers to nothing."""
    spelt = _spelling(tables)
    pairs: dict[tuple[str, str, str, int, str], list[tuple[str, str | None]]] = {}
    for child, parent, source, target, *how in found:
        if spelt(parent) in tables:
            pairs.setdefault((child, parent, *how), []).append((source, target))
    referring: dict[str, tuple[ForeignKey, ...]] = {}
    for (child, parent, on_delete, number, on_update), columns in pairs.items():
        here, there = tables[spelt(child)], tables[spelt(parent)]
        sources = tuple(_spelling(here.columns)(source) for source, _ in columns)
        targets = tuple(_spelling(there.columns)(target) for _, target in columns if target is not None)
        key = ForeignKey(here.name, sources, targets or there.key, on_delete, on_update, number)
        referring[there.name] = (*referring.get(there.name, ()), key)
    return {name: replace(table, referring=referring.get(name, ())) for name, table in tables.items()}


def caseless(name: str) -> str:
    """The name as SQLite compares it, and as its lower() gives a text: only the case of ASCII is ignored."""
    return name.translate(_LOWER)


def of_engine(name: str) -> bool:
    """Whether a table, an index or the like is SQLite's or D1's own, which nobody else may make."""
    return name.startswith(("sqlite_", "_cf_"))


def internal(table: str) -> bool:
    """Whether a table belongs to SQLite, D1 or the migrations rather than to a person."""
    return table == LEDGER or of_engine(table)


def _spelling(expected: Iterable[str]) -> Callable[[str], str]:
    """Gives the expected name that SQLite takes for the same, or the name itself."""
    known = {caseless(name): name for name in expected}
    return lambda name: known.get(caseless(name), name)


_TABLE: Final = _spelling((LEDGER, *expected_columns()))
_COLUMN: Final = {table: _spelling(columns) for table, columns in expected_columns().items()}


def _differences(
    left: dict[str, tuple[str, ...]], right: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """For tables on both sides, the columns that only the left one has."""
    found = {
        table: tuple(name for name in names if name not in right[table])
        for table, names in left.items()
        if table in right
    }
    return {table: names for table, names in found.items() if names}
