"""What a file holds compared with what the models expect."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from models.engine import Database, raw
from models.tables import TABLES

LEDGER: Final = "d1_migrations"

_OBJECTS: Final = "SELECT type, name, tbl_name, rootpage FROM sqlite_master"
_COLUMNS: Final = """
SELECT found.name, shape.name FROM sqlite_master AS found JOIN pragma_table_xinfo(found.name) AS shape
WHERE found.type = 'table' AND found.rootpage ORDER BY found.rowid, shape.cid
"""
"""Only of tables with pages of their own: asking a virtual table of a module that is not here is an error."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a file and how they differ from `database-schema.md`.

    `columns` maps each real table to its column names, in order; names that differ from the expected ones
    only in case, which SQLite ignores, are given as expected. `impostors` are views and virtual tables that
    carry an expected table's name, and triggers on expected tables: each could change what a write means.
    """

    columns: dict[str, tuple[str, ...]]
    missing_tables: tuple[str, ...] = ()
    missing_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    extra_tables: tuple[str, ...] = ()
    extra_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    impostors: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether every expected table and column is there."""
        return not self.missing_tables and not self.missing_columns

    @property
    def recognised(self) -> bool:
        """Whether at least one of the platform's tables is there."""
        return len(self.missing_tables) < len(TABLES)


def expected_columns() -> dict[str, tuple[str, ...]]:
    """Table name to column names, as the models say."""
    return {
        model._meta.table_name: tuple(field.column_name for field in model._meta.sorted_fields)
        for model in TABLES
    }


def inspect(database: Database) -> Schema:
    """Reads the schema of the database; the caller holds a connection.

    D1's own `_cf_*` tables, SQLite's `sqlite_*` and the migrations ledger are neither missing nor extra.
    """
    expected = expected_columns()
    found, names = database.read_batch([raw(_OBJECTS), raw(_COLUMNS)])
    objects = [(kind, name, _spelt(table, expected), rootpage) for kind, name, table, rootpage in found]
    # The root page is 0 for what has no pages of its own: views, triggers and virtual tables.
    columns: dict[str, tuple[str, ...]] = {
        table: ()
        for kind, _, table, rootpage in objects
        if kind == "table" and (rootpage or table not in expected)
    }
    for name, column in names:
        table = _spelt(name, expected)
        columns[table] += (_spelt(column, expected.get(table, ())),)
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
    )


def internal(table: str) -> bool:
    """Whether a table belongs to SQLite, D1 or the migrations rather than to a person."""
    return table == LEDGER or table.startswith(("sqlite_", "_cf_"))


def _spelt(name: str, expected: Iterable[str]) -> str:
    """The expected name that SQLite takes for the same, or the name itself."""
    return next((known for known in expected if known == name.lower()), name)


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
