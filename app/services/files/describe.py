"""What an open file is and holds: for the window that shows it, and as `tenant-admin info` says it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import apsw
from peewee import OperationalError

from app import paths
from app.services.opened import ASKED, Opened, Which, tenants
from app.services.text import byte_size
from models.engine import raw, sql_name
from models.errors import OnlyElsewhere
from models.local.database import LocalDatabase
from models.local.migrations import MigrationError, MigrationStatus, status
from models.progress import UNWATCHED, Monitor
from models.schema import Schema, StoredTable, StoredTables, caseless, inspect, internal
from models.tables import TABLE_NAMES

if TYPE_CHECKING:
    from app.services.chain.where import Where


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile(Opened):
    """A file that is open.

    `size` is in bytes, its write-ahead log included. `can_be_forced` says that `force_writable=True` would
    help. `migrations` has nothing but the reason for a ledger that nobody understands.
    """

    database: LocalDatabase
    migrations: MigrationStatus
    journal_mode: str
    size: int

    @property
    def file(self) -> Path:
        return self.database.path

    @property
    def where(self) -> "Where":
        from app.services.chain.where import InFile  # noqa: PLC0415 - rows show before

        return InFile(self.path)

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def whole_place(self) -> str:
        return str(self.path)

    @property
    def facts(self) -> tuple[str, ...]:
        return "Local file", self.journal_mode.upper(), byte_size(self.size)

    def measured(self) -> tuple[tuple[str, ...], str] | None:
        """With the size that it has now, and that of its log."""
        log = Path(f"{self.path}-wal")
        try:
            size = self.path.stat().st_size
            of_log = log.stat().st_size if log.exists() else 0
        except OSError:
            return None
        told = f"{byte_size(of_log)} more in its log" if of_log else ""
        return (*self.facts[:2], byte_size(size)), told

    @property
    def details(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("File", self.place, str(self.path)),
            ("Folder", str(self.folder), str(self.folder)),
            ("Size", f"{byte_size(self.size)} ({self.size:,} bytes)", str(self.size)),
            ("Journal mode", self.journal_mode.upper(), ""),
        )

    @contextmanager
    def kept_copy(self, why: str, which: Which, *, now: int, monitor: Monitor = UNWATCHED) -> Iterator[Path]:
        from models.local.copies import back_up, free_name  # noqa: PLC0415 - rows show before

        with free_name(self.path, why, now) as copy:
            back_up(self.database.connection(), copy, monitor)
            yield copy

    @property
    def pending(self) -> tuple[str, ...]:
        """The migrations that the file lacks, as far as its ledger can be understood."""
        return self.migrations.pending

    @property
    def can_migrate(self) -> bool:
        return bool(self.pending) and self.migrations.refused is None and not self.schema.foreign

    def with_counts(self) -> Self:
        """Raises `DamagedFile` and the other errors of reading."""
        database = self.database
        with database.snapshot():
            schema = inspect(database)
            return replace(
                self,
                schema=schema,
                tenants=tenants(database),
                migrations=migrations(database),
                rows=rows(database, schema),
            )

    def to_json(self) -> dict[str, Any]:
        """Read-only, here and in `lines`, is what cannot be written, but for a person's wish."""
        migrations = self.migrations
        return {
            "path": str(self.path),
            "readOnly": self._cannot_be_written,
            "journalMode": self.journal_mode,
            **Opened.to_json(self),
            "migrations": {
                "applied": list(migrations.applied),
                "pending": list(migrations.pending),
                "unknown": list(migrations.unknown),
                "refused": migrations.refused,
            },
        }

    def lines(self) -> list[str]:
        migrations = self.migrations
        state = f"read-only, because {self.read_only_reason}" if self._cannot_be_written else "can be written"
        pending = "migration that cannot be applied" if migrations.refused else "migration to apply"
        return [
            f"{self.path}: {self.size:,} bytes, journal mode {self.journal_mode}, {state}",
            *Opened.lines(self),
            *(f"{pending}: {name}" for name in migrations.pending),
            *([f"migrations: {migrations.refused}"] if migrations.refused and not migrations.pending else []),
            *(f"migration unknown to this program: {name}" for name in migrations.unknown),
        ]

    @property
    def _cannot_be_written(self) -> bool:
        return self.read_only_reason not in (None, ASKED)


def migrations(database: LocalDatabase) -> MigrationStatus:
    """What of them the file has; a ledger that cannot be read keeps nobody from the rest of it."""
    try:
        return status(database, paths.migrations_dir())
    except MigrationError as error:
        return MigrationStatus(refused=error.happened)


def rows(database: LocalDatabase, schema: Schema, *, trusts_indexes: bool = False) -> dict[str, int | None]:
    """Row count by table, the platform's and others; None for one that cannot be read here.

    Of one moment within `LocalDatabase.snapshot`. `trusts_indexes` where all were made of the rows just now:
    it takes a tenth.
    """
    counts: dict[str, int | None] = {}
    past = "" if trusts_indexes else " NOT INDEXED"
    for name in filterfalse(internal, schema.columns):
        try:
            # An index that hides rows would be counted in the place of its table.
            counts[name] = database.scalar(raw(f"SELECT count(*) FROM main.{sql_name(name)}{past}"))  # noqa: S608
        except (OperationalError, OnlyElsewhere):
            if schema.columns[name]:
                raise
            counts[name] = None  # a virtual table, perhaps of a module that is not here
    return counts


class Common(NamedTuple):
    """How many rows of a table two files have in common by their key, and how many of these are `unlike`, in
    a value or its storage class.
    """

    rows: int
    unlike: int


def in_common(database: LocalDatabase, beside: Path, tables: StoredTables) -> dict[str, Common]:
    """What the tables have in common with those in the file `beside` it: rows of one key, or that are alike
    in all where a key is NULL. A row that has a value in a column which the other file lacks is unlike.

    Tables without a key or a column in common, longer ones of which a key tells nothing, and what cannot be
    read of a damaged file, are left out. By hand: a join of two files.
    """
    connection = database.connection()
    found: dict[str, Common] = {}
    try:
        connection.execute("ATTACH ? AS beside", (f"{beside.absolute().as_uri()}?mode=ro",))
    except apsw.Error:
        return found
    try:
        for table, joined, unlike in _joined(connection, tables, whole=False):
            name = sql_name(table.name)
            nulls = " OR ".join(f"{sql_name(key)} IS NULL" for key in table.key)
            asked = f"SELECT count(*), coalesce(sum({unlike}), 0) FROM {joined}"  # noqa: S608
            with suppress(apsw.Error):
                of = [f"FROM {side}.{name}" for side in ("main", "beside")]
                if any(connection.execute(f"SELECT EXISTS (SELECT 1 {one} WHERE {nulls})").get for one in of):
                    rows = sum(connection.execute(f"SELECT count(*) {one}").get for one in of)
                    if rows > _MOST_ALIKE or _columns_beside(connection, table.name) != set(
                        map(caseless, table.columns)
                    ):
                        continue
                    asked = _alike(table)
                found[table.name] = Common(*connection.execute(asked).fetchall()[0])
    finally:
        connection.execute("DETACH beside")
    return found


_MOST_ALIKE: Final = 200_000
"""Rows of both files up to which those without a key are held against each other, which sorts them."""


def _alike(table: StoredTable) -> str:
    """What counts the rows that are in both files, each as often as in that which has it less often."""
    cells = ", ".join(
        f"{one} COLLATE BINARY AS c{at}, typeof({one}) AS t{at}"
        for at, one in enumerate(map(sql_name, table.columns))
    )
    by = ", ".join(f"c{at} COLLATE BINARY, t{at}" for at in range(len(table.columns)))
    each = " UNION ALL ".join(
        f"SELECT {here} AS here, {there} AS there, {cells} FROM {side}.{sql_name(table.name)}"  # noqa: S608
        for side, here, there in (("main", 1, 0), ("beside", 0, 1))
    )
    grouped = f"SELECT min(sum(here), sum(there)) AS rows FROM ({each}) GROUP BY {by}"  # noqa: S608
    return f"SELECT coalesce(sum(rows), 0), 0 FROM ({grouped})"  # noqa: S608


def have_in_common(database: LocalDatabase, tables: StoredTables) -> bool:
    """Whether any row is, to the storage class, in the file that is attached as `beside`, too; of the tables
    with the same columns. Others than the platform's own are asked where
    those have no rows: what migrations put into them is alike in databases that have nothing to do with each
    other.
    """
    connection = database.connection()
    found = [*_joined(connection, tables, whole=True)]
    own = [one for one in found if one[0].name in TABLE_NAMES and _has_rows(connection, one[0].name)]
    asked = (
        f"SELECT EXISTS (SELECT 1 FROM {joined} WHERE NOT ({unlike}))"  # noqa: S608
        for _, joined, unlike in own or found
    )
    return any(connection.execute(sql).get for sql in asked)


def _has_rows(connection: apsw.Connection, table: str) -> bool:
    return bool(connection.execute(f"SELECT EXISTS (SELECT 1 FROM main.{sql_name(table)})").get)  # noqa: S608


def _columns_beside(connection: apsw.Connection, table: str) -> set[str]:
    """As SQLite compares their names."""
    rows = connection.execute("SELECT name FROM pragma_table_info(?, 'beside')", (table,)).fetchall()
    return {caseless(str(name)) for (name,) in rows}


def _joined(
    connection: apsw.Connection, tables: StoredTables, *, whole: bool
) -> Iterator[tuple[StoredTable, str, str]]:
    """Each table with a key that is in the file that is attached as `beside`, too: itself, both joined by
    that key, and what is so where two such rows are not alike. `whole`: those with the same columns alone.
    """
    for name, table in tables.items():
        there = _columns_beside(connection, name)
        own = {caseless(column) for column in table.columns}
        shared = [column for column in table.columns if caseless(column) in there]
        pairs = [tuple(f"{side}.{sql_name(column)}" for side in "ab") for column in shared]
        keys = [
            f"{a} COLLATE BINARY = {b}" for a, b in ((f"a.{k}", f"b.{k}") for k in map(sql_name, table.key))
        ]
        unlike = [f"{a} COLLATE BINARY IS NOT {b} OR typeof({a}) <> typeof({b})" for a, b in pairs]
        unlike += [f"a.{sql_name(column)} NOT NULL" for column in table.columns if column not in shared]
        unlike += [f"b.{sql_name(column)} NOT NULL" for column in sorted(there - own)]
        if internal(name) or not keys or not shared or (whole and there != own):
            continue
        if not there.issuperset(own.intersection(map(caseless, table.key))):
            continue
        joined = f"main.{sql_name(name)} AS a JOIN beside.{sql_name(name)} AS b ON {' AND '.join(keys)}"
        yield table, joined, " OR ".join(unlike)
