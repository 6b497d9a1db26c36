"""What a file holds compared with what the models expect."""

from dataclasses import dataclass, field

from models.database import Database
from models.tables import TABLES

LEDGER = "d1_migrations"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a file and how they differ from `database-schema.md`.

    `columns` maps each real table to its column names, in order. `impostors` are views that carry an
    expected table's name, and triggers on expected tables: either could change what a write means.
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
    """Reads the schema of the file; the caller holds a connection.

    D1's own `_cf_*` tables, SQLite's `sqlite_*` and the migrations ledger are neither missing nor extra.
    """
    with database.expected_errors():
        objects = list(database.connection().execute("SELECT type, name, tbl_name FROM main.sqlite_master"))
        columns = {
            name: tuple(
                row[0]
                for row in database.connection().execute("SELECT name FROM pragma_table_xinfo(?)", (name,))
            )
            for kind, name, _ in objects
            if kind == "table"
        }
    expected = expected_columns()
    return Schema(
        columns=columns,
        missing_tables=tuple(name for name in expected if name not in columns),
        missing_columns=_differences(expected, columns),
        extra_tables=tuple(
            sorted(
                name
                for name in columns
                if name not in expected and name != LEDGER and not name.startswith(("sqlite_", "_cf_"))
            )
        ),
        extra_columns=_differences(columns, expected),
        impostors=tuple(
            f"{kind} {name}"
            for kind, name, table in objects
            if (kind == "view" and name in expected) or (kind == "trigger" and table in expected)
        ),
    )


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
