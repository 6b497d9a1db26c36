"""Brings a file's schema up to date, with wrangler's own ledger and wrangler's own rules.

A migration's name in the ledger table `d1_migrations` says that it ran. This program and `wrangler d1
migrations apply` therefore agree on what is left to do, whichever of them did the rest (`tests/wrangler`
proves it). As in wrangler, migrations run in the order of their leading number, with their ledger rows, and
ledger rows without a file are reported and otherwise ignored.

Unlike wrangler, all that are pending run in one transaction, so that none is applied where one would fail;
a copy of the file is taken first; and a migration whose tables and indexes are all there already, word for
word, is recorded instead of run: such a file was made by hand or by another program.
"""

import re
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import apsw

from models.errors import StorageError
from models.files.atomic import new_file
from models.local import copies, statements
from models.local.database import LocalDatabase
from models.local.file import connect, set_pragma
from models.local.trial import make
from models.progress import PATIENCE
from models.schema import LEDGER, caseless

LEDGER_SQL = f"""CREATE TABLE IF NOT EXISTS "{LEDGER}"(
\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,
\t\tname       TEXT UNIQUE,
\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)"""
"""Byte for byte what wrangler writes, so that a schema made by either compares equal."""

_LEDGER_TRIGGER = "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = ?"
_RECORD = f"INSERT INTO main.{LEDGER} (name) VALUES (?)"  # noqa: S608 (a constant)
_MADE = f"SELECT sql FROM main.sqlite_master WHERE sql IS NOT NULL AND name <> '{LEDGER}' ORDER BY rowid"  # noqa: S608
"""Everything in the order it was made; what makes virtual tables makes their shadows too."""

_NOT_IN_A_MIGRATION = frozenset(
    ("begin", "commit", "end", "rollback", "savepoint", "release", "attach", "detach", "vacuum")
)


class MigrationError(StorageError):
    """A migration cannot be read, written or applied; `str()` says which and what became of the file."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One `.sql` file, split into its statements."""

    name: str
    statements: tuple[str, ...]

    def creations(self) -> dict[str, str] | None:
        """Name to canonical text of everything it makes; None when it does anything but make things."""
        made = [statements.creates(statement) for statement in self.statements]
        found = {item[0]: item[1] for item in made if item is not None}
        return found if found and None not in made else None

    def refuse_transactions(self) -> None:
        """Raises `MigrationError` for a statement that cannot be part of the migration's own transaction."""
        for number, statement in enumerate(self.statements, 1):
            word = statements.canonical(statement).partition("\0")[0]
            if word in _NOT_IN_A_MIGRATION:
                raise MigrationError(
                    f"Migration {self.name} holds {word.upper()} (statement {number}), but every migration "
                    "already runs in a transaction of its own; nothing was changed. "
                    "Remove that statement from the migration."
                )


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Names of migrations: those that ran, those left in the order they will run, those without a file.

    `refused` says why those left cannot be applied, as far as the file's schema tells.
    """

    applied: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` has run, or only recorded, and the copy taken before."""

    names: tuple[str, ...]
    backup: Path | None


def status(database: LocalDatabase, folder: Path) -> MigrationStatus:
    """Compares the file's ledger with the folder; the caller holds a connection.

    Raises `MigrationError` when the folder or the ledger cannot be understood. What the file has is not read
    in the folder.
    """
    with database.expected_errors():
        ledger = _read_ledger(database.connection(), database.path)
    names = [path.name for path in _files(folder)]
    pending = tuple(name for name in names if name not in ledger)
    refused = foresee(database, folder) if pending else None
    return MigrationStatus(
        applied=tuple(name for name in ledger if name in names),
        pending=pending,
        unknown=tuple(name for name in ledger if name not in names),
        refused=None if refused is None else str(refused),
    )


def foresee(database: LocalDatabase, folder: Path) -> MigrationError | None:
    """Why `apply` would refuse the file, as far as its schema tells; None where nothing speaks against it.

    Tried in memory, so the file is only read. What its rows forbid (a unique index over equal ones) shows
    when it is applied. The caller holds a connection. Raises `MigrationError` as `read_folder`.
    """
    migrations = read_folder(folder)
    with database.expected_errors():
        connection = database.connection()
        objects = connection.execute(_MADE).fetchall()
        with closing(apsw.Connection(":memory:")) as trial:
            for (sql,) in objects:
                with suppress(apsw.Error):  # of a module that is not here, or a table of such a one
                    make(trial, str(sql))
            try:
                if ledger := _read_ledger(connection, database.path):
                    trial.execute(LEDGER_SQL)
                    trial.executemany(_RECORD, [(name,) for name in ledger])
                _run_pending(trial, migrations, database.path)
            except MigrationError as error:
                return error
    return None


def apply(path: Path, folder: Path, *, now: int) -> Applied:
    """Runs every pending migration on an existing file, all or none.

    Before the first one, a file with content is copied through SQLite's backup API to
    `<stem>.before-<migration>.<UTC time><suffix>` beside it, readable by the owner only. What can be foreseen
    is refused before that; a copy that would equal the file is removed again.

    Raises `MigrationError` (naming migration and statement) and the storage errors of `models.errors`.
    """
    migrations = read_folder(folder)
    database = LocalDatabase(path)
    with database.expected_errors(), database.connection_context():
        connection = database.connection()
        connection.set_busy_timeout(int(PATIENCE * 1000))
        pending = _pending(connection, migrations, path)
        if not pending:
            return Applied((), None)
        if problem := foresee(database, folder):
            raise problem
        backup = _back_up(connection, path, pending[0].name, now)
        done: tuple[str, ...] = ()
        try:
            done = _run_pending(connection, migrations, path)
        finally:
            if not done and backup is not None:  # another program did it all meanwhile, or nothing was done
                backup.unlink(missing_ok=True)
                backup = None
        return Applied(done, backup)


def create_database(path: Path, folder: Path, *, now: int) -> Applied:
    """Makes a new, empty database with every migration applied.

    It appears under its name complete or not at all, in WAL mode, with incremental auto-vacuum (which can
    only be chosen before the first table), readable by the owner only: it will hold personal data.

    Raises the errors of `atomic.new_file` and `MigrationError`.
    """
    with new_file(path) as building:
        _set_pragma(building, "auto_vacuum", 2)
        try:
            done = apply(building, folder, now=now)
        except MigrationError as error:
            raise MigrationError(f"{error} {path.name} was not made.") from error
        _set_pragma(building, "journal_mode", "wal")
    return done


def read_folder(folder: Path) -> list[Migration]:
    """The folder's migrations in the order they run. Raises `MigrationError` when one cannot be read."""
    migrations = []
    for path in _files(folder):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise MigrationError(
                f"Migration {path.name} cannot be read as text; nothing was changed."
            ) from error
        migrations.append(Migration(path.name, tuple(statements.split(text))))
    return migrations


def create(folder: Path, description: str, *, now: int) -> Path:
    """Writes the next numbered migration, named and headed as `wrangler d1 migrations create` does.

    Raises `MigrationError` when the description cannot be part of a file name.
    """
    slug = "_".join(description.split())
    if not re.fullmatch(r"[\w.-]+", slug):
        raise MigrationError(
            f"{description!r} cannot be part of a file name; describe the change with letters, digits, "
            "spaces, '-', '_' and '.' only."
        )
    numbers = [_number(path.name) for path in _files(folder)]
    number = f"{max((number for number in numbers if number is not None), default=0) + 1:04d}"
    path = folder / f"{number}_{slug}.sql"
    written = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(f"-- Migration number: {number} \t {written}\n")
    except OSError as error:
        raise MigrationError(f"{path.name} cannot be written in {folder}: {error.strerror}.") from error
    return path


def _files(folder: Path) -> list[Path]:
    """In wrangler's order: by leading number, those without one last, then by name in UTF-16 units."""
    try:
        found = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise MigrationError(f"The migrations folder {folder} cannot be read: {error.strerror}.") from error
    return sorted(
        (path for path in found if path.name.endswith(".sql") and not path.name.startswith(".")),
        key=lambda path: (
            _number(path.name) is None,
            _number(path.name) or 0,
            path.name.encode("utf-16-be", "surrogatepass"),
        ),
    )


def _number(name: str) -> int | None:
    match = re.match(r"\s*[+-]?\d+", name)
    return int(match.group()) if match else None


def _read_ledger(connection: apsw.Connection, path: Path) -> list[str]:
    """Names in the order they ran; none when there is no ledger. Raises `MigrationError` where it is none of
    wrangler's, or a trigger would do more than record.
    """
    if trigger := connection.execute(_LEDGER_TRIGGER, (LEDGER,)).get:
        raise MigrationError(
            f"{path.name} has a trigger {trigger} on {LEDGER}, which would change more than that; "
            "nothing was changed. Remove it, then try again."
        )
    kind = connection.execute("SELECT type FROM main.sqlite_master WHERE name = ?", (LEDGER,)).get
    if kind is None:
        return []
    try:
        if kind == "table":
            return [str(row[0]) for row in connection.execute(f"SELECT name FROM main.{LEDGER} ORDER BY id")]  # noqa: S608 (a constant)
    except apsw.SQLError:
        pass
    raise MigrationError(
        f"{path.name} has a {kind} {LEDGER} that is not wrangler's record of migrations; "
        "nothing was changed. Rename it, then try again."
    )


def _already_there(connection: apsw.Connection, migration: Migration, path: Path) -> bool:
    """Whether all that the migration makes exists, word for word; False when nothing of it does.

    Raises `MigrationError` for anything in between: running it would fail, recording it would be a lie.
    """
    creations = migration.creations() or {}
    found = {
        caseless(name): statements.canonical(sql)
        for name, sql in connection.execute("SELECT name, sql FROM main.sqlite_master WHERE sql IS NOT NULL")
        if caseless(name) in creations
    }
    if not found or found == creations:
        return bool(found)
    different = ", ".join(sorted(name for name in found if found[name] != creations[name]))
    missing = ", ".join(sorted(creations.keys() - found.keys()))
    holds = "part of what it creates" if missing else "what it creates"
    detail = [f"{different} differently" if different else "", f"{missing} not at all" if missing else ""]
    raise MigrationError(
        f"{path.name} has no record of migration {migration.name}, yet holds {holds} "
        f"({' and '.join(item for item in detail if item)}), so none was applied; nothing was changed. "
        "Where other migrations than these made the file, go on with those; else make it equal to this one."
    )


def _pending(connection: apsw.Connection, migrations: Sequence[Migration], path: Path) -> list[Migration]:
    ran = _read_ledger(connection, path)
    return [item for item in migrations if item.name not in ran]


def _run_pending(connection: apsw.Connection, migrations: Sequence[Migration], path: Path) -> tuple[str, ...]:
    """Runs what is pending, or finds it already there, with the ledger rows; in one transaction.

    Which that is, is asked within it: another program may have been faster.
    """
    connection.execute("BEGIN IMMEDIATE")
    at = "the end"
    try:
        pending = _pending(connection, migrations, path)
        for migration in pending:
            migration.refuse_transactions()
        for migration in pending:
            connection.execute(LEDGER_SQL)
            if not _already_there(connection, migration, path):
                for number, statement in enumerate(migration.statements, 1):
                    at = f"statement {number} of {migration.name}"
                    connection.execute(statement)
            connection.execute(_RECORD, (migration.name,))
            at = f"the end of {migration.name}"
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, apsw.SQLError | apsw.ConstraintError | apsw.MismatchError):
            raise MigrationError(
                f"No migration was applied: {at} failed ({error}). Nothing was changed."
            ) from error
        raise
    return tuple(item.name for item in pending)


def _back_up(connection: apsw.Connection, path: Path, name: str, now: int) -> Path | None:
    """Copies the file, unless there is nothing in it."""
    if not connection.execute("SELECT count(*) FROM main.sqlite_master").get:
        return None
    with copies.free_name(path, Path(name).stem, now) as copy:
        copies.back_up(connection, copy)
    return copy


def _set_pragma(path: Path, name: str, value: str | int) -> None:
    with closing(connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)) as connection:
        set_pragma(connection, name, value)
