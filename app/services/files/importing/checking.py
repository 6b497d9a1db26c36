"""What a dump made, looked at before anybody sees it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw

from app import paths
from app.services.files.importing.errors import NotThePlatforms
from app.services.files.importing.outcome import Dangling
from models import migration_files, schema
from models.local.database import LocalDatabase


def drop_d1_tables(connection: apsw.Connection) -> None:
    """D1's own tables, which its export leaves out and sqlite3's does not."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '_cf_*'")
    for (name,) in names.fetchall():
        connection.execute(f"DROP TABLE main.{_quoted(str(name))}")


def dangling(connection: apsw.Connection) -> Iterator[Dangling]:
    """Every foreign key that points nowhere, by table and parent."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (table,) in tables.fetchall():
        counts: Counter[str] = Counter()
        try:
            rows = connection.execute("SELECT parent FROM pragma_foreign_key_check(?)", (table,))
            counts.update(str(parent) for (parent,) in rows)
        except apsw.SQLError as error:
            if not str(error).startswith("foreign key mismatch"):  # a parent that cannot be one
                raise
        yield from (Dangling(str(table), parent, count) for parent, count in sorted(counts.items()))


def rows_by_table(path: Path, dump: Path) -> dict[str, int]:
    """Counts the tables that are a person's, once all that should be there is. Raises `NotThePlatforms`."""
    database = LocalDatabase(path)
    with database.expected_errors(), database.connection_context():
        connection = database.connection()
        found = schema.inspect(database)
        missing = _missing(connection, found)
        if missing:
            raise NotThePlatforms(dump, missing)
        return {
            table: connection.execute(f"SELECT count(*) FROM main.{_quoted(table)}").get  # noqa: S608 - a name
            for table in found.columns
            if not schema.internal(table)
        }


def _missing(connection: apsw.Connection, found: schema.Schema) -> tuple[str, ...]:
    """What the migrations that ran have made and is not there; without a ledger, the platform's tables.

    Indexes stand last in a dump, so a dump that ends too early between two statements is found by them.
    """
    if schema.LEDGER not in found.columns:
        return found.missing_tables
    ran = {name for (name,) in connection.execute(f"SELECT name FROM main.{schema.LEDGER}")}  # noqa: S608
    known = {migration.name: migration for migration in migration_files.read_folder(paths.migrations_dir())}
    if not ran & known.keys():
        return found.missing_tables
    if ran - known.keys():  # a later one may have removed what an earlier one made
        return () if found.recognised else found.missing_tables
    there = {name.lower() for (name,) in connection.execute("SELECT name FROM main.sqlite_master")}
    made = [name for migration in known if migration in ran for name in known[migration].creations() or ()]
    return tuple(name for name in made if name not in there)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
