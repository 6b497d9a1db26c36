"""The small SQLite file that keeps checkpoints, places, baselines and keys: its tables and its versions.

What it holds is checked when it is written, and read row by row: one that cannot be read is left out and
named, and takes nothing else with it. See `app/services/chain/README.md`, Checkpoints.
"""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from peewee import SQL, CompositeKey, Field, IntegerField, Model, SchemaManager, TextField

from app import paths
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.document import Unreadable
from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ
from app.services.chain.where import Where
from models import engine, errors, progress
from models.files import atomic
from models.files.at_path import require_file
from models.local.database import LocalDatabase
from models.local.in_use import written_by

FILE: Final = "checkpoints.sqlite"
NO_SPACE: Final = "there is no space left on its disk"

VERSION: Final = 2
"""The file's `user_version`: which tables it has. A newer one is not read; an older one, which has no places
yet, is renewed when it is written.
"""


class StoredDatabase(Model):
    """A database that something is known of: where it is, and its highest number so far.

    `path`, `file_id` and `ledger` are as `identity.whereabouts` tells them; empty where the database was
    imported and never seen.
    """

    id = TextField(primary_key=True)
    path = TextField()
    file_id = TextField()
    ledger = TextField()
    seen_number = IntegerField()
    seen_at = IntegerField()

    class Meta:
        table_name = "databases"


class StoredPlace(Model):
    """Which database was last seen in a place, and its ledger; of a file that this program made there, of
    which nobody knew a row, no database, and what it was (`Made`); of one that it made of a live database
    without a line of its own, that one's identity.
    """

    path = TextField(primary_key=True)
    database = TextField()
    ledger = TextField()

    class Meta:
        table_name = "places"


class StoredCheckpoint(Model):
    hash = TextField(primary_key=True)
    database = TextField()
    number = IntegerField()
    body = TextField()

    class Meta:
        table_name = "checkpoints"
        indexes = ((("database", "number"), False),)


class StoredBaseline(Model):
    """A start that nothing proves, accepted by a person."""

    database = TextField()
    tenant = TextField()
    seq = IntegerField()
    previous_hash = TextField()
    actor = TextField()
    accepted_at = IntegerField()

    class Meta:
        table_name = "baselines"
        primary_key = CompositeKey("database", "tenant")


class StoredKey(Model):
    public = TextField(primary_key=True)
    own = IntegerField()
    known_at = IntegerField()

    class Meta:
        table_name = "keys"


TABLES: Final = (StoredDatabase, StoredPlace, StoredCheckpoint, StoredBaseline, StoredKey)


class StoreUnreadable(errors.StorageError):
    """The store is there and cannot be used, so nobody knows what its checkpoints would say."""

    sentence = (
        "The checkpoints in {what} cannot be read ({why}). Nothing was changed. See to that, and try again."
    )


class StoreDamaged(StoreUnreadable):
    sentence = (
        "The checkpoints in {what} cannot be read ({why}). Nothing was changed. Keep that file, and put a "
        "sound copy of it in its place."
    )


class StoreLocked(StoreUnreadable):
    sentence = (
        "The checkpoints in {what} are in use by {why}, which is writing to them, so nobody knows now what "
        "they would say; nothing was changed. Try again in a moment, or stop that program."
    )


class StoreNotWritten(errors.StorageError):
    def __init__(self, path: Path, why: str) -> None:
        where = "" if paths.NO_HOME in path.parents else f" in {path}"
        super().__init__(
            f"The checkpoints{where} cannot be written ({why}); they are as they were. Check that folder "
            "and its disk, then try again."
        )


@dataclass(frozen=True, slots=True)
class KnownDatabase:
    """What the store remembers of a database; `damaged` where some of that cannot be read.

    `doubt` is the sentence that says why a file may be this database or another one, for a person to decide;
    until then, where it is `undecided`, nothing vouches for the file. It is judged by this one then, as it
    would be elsewhere, where another one was in its place `before` (its id); else by none.
    """

    id: str
    path: str = ""
    file_id: str = ""
    ledger: str = ""
    seen_number: int = 0
    seen_at: int = 0
    damaged: bool = False
    doubt: str = ""
    undecided: bool = False
    before: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What this program has put into a new file: its ledger and, by seq and hash, its first entry and its
    last, if it had any. It is `unrelated` to what was known where nobody had that before.
    """

    ledger: str = ""
    ends: tuple[tuple[int, str], ...] = ()
    unrelated: bool = False

    def stored(self) -> str:
        return json.dumps([self.ledger, self.ends, self.unrelated])

    @classmethod
    def of(cls, stored: str) -> "Made":
        """Raises ValueError or TypeError for what `stored` has not given."""
        ledger, ends, unrelated = json.loads(stored)
        return cls(str(ledger), tuple((int(seq), str(value)) for seq, value in ends), bool(unrelated))


@dataclass(frozen=True, slots=True)
class Place:
    """Which database was last seen where a file is, and its ledger then; and what this program may have
    `made` there since, in this very file.
    """

    database: str
    ledger: str
    made: Made | None = None


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turns what prevents the store, or the key beside it, from being written into a sentence that names it.

    The database that is verified may lie on another disk.
    """
    try:
        yield
    except OSError as error:
        why = NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise StoreNotWritten(path, no_folder(path) or why) from error


def no_folder(path: Path) -> str | None:
    """Why there can be no store: what should be its folder is something else."""
    if paths.NO_HOME in path.parents:
        return "this account has no home folder; name one by TENANT_ADMIN_HOME"
    folder = path.parent
    is_other = os.path.lexists(folder) and not os.path.isdir(folder)  # noqa: PTH112 - Path's may raise
    return f"{folder} is not a folder" if is_other else None


def is_there(path: Path) -> bool:
    """Whether there is a store. Raises `StoreUnreadable` where something else is in its place, or nobody may
    look: what it would say is not known then.
    """
    try:
        require_file(path)
    except (errors.LinkBroken, errors.FolderGiven) as error:
        raise StoreUnreadable(path, _fact(error)) from error
    except errors.FileMissing:
        return False
    except errors.StorageError as error:
        raise StoreUnreadable(path, str(error)) from error
    return True


def _fact(error: errors.StorageError) -> str:
    """What it says without its advice, which is about the file that is verified."""
    return str(error).rpartition("; ")[0] or str(error)


@contextmanager
def opened(path: Path, *, writing: bool = False) -> Iterator["Contents"]:
    """What the store at `path` holds, which is made when it is first written.

    Commits at the end or not at all. `writing` waits for another writer, and then reads what it wrote. Raises
    `StoreUnreadable` and `StoreNotWritten`.
    """
    if not is_there(path):
        _make(path)
    database = _StoreDatabase(path)
    with database.connection_context():
        with database.expected_errors():
            database.pragma("busy_timeout", int(progress.PATIENCE * 1000))
            database.begin("IMMEDIATE" if writing else "DEFERRED")
        try:
            with database.expected_errors():
                version = database.require_version()
            contents = Contents(database)
            if writing and version < VERSION:
                contents.renew()
            yield contents
            with database.expected_errors():
                database.commit()
        finally:
            database.rollback()  # nothing, unless something was raised


def _make(path: Path) -> None:
    """A new store, whole or not at all: one that is empty has lost what it held."""
    with store_errors(path), _StoreDatabase(path).expected_errors():
        paths.make_private(path.parent)
        with (
            suppress(errors.AlreadyThere),
            atomic.unfinished(path) as building,
        ):  # another process may be faster
            building.touch(0o600)  # nobody else needs to know what is watched
            database = LocalDatabase(building)
            with database.connection_context(), database.atomic():
                for table in TABLES:
                    SchemaManager(table, database).create_all()
                database.pragma("user_version", VERSION)
            atomic.give_name(building, path)


class _StoreDatabase(LocalDatabase):
    """The store as an engine whose failures are the store's, not those of the file that is verified."""

    @contextmanager
    def expected_errors(self) -> Iterator[None]:
        try:
            with super().expected_errors():
                yield
        except (StoreUnreadable, StoreNotWritten):
            raise
        except errors.FileLocked as error:
            raise StoreLocked(self.path, written_by(self.path) or errors.FileLocked.why) from error
        except errors.DiskFull as error:
            raise StoreNotWritten(self.path, NO_SPACE) from error
        except errors.ReadOnlyFile as error:
            raise StoreNotWritten(self.path, "its permissions do not allow it") from error
        except (errors.CannotOpen, errors.DiskFailure, errors.OutOfMemory) as error:
            raise StoreUnreadable(self.path, error.happened) from error
        except errors.StorageError as error:
            raise StoreDamaged(self.path, _fact(error)) from error

    def require_version(self) -> int:
        version = int(self.pragma("user_version"))
        if version > VERSION:
            why = f"they are in format {version} and this program knows up to {VERSION}; install a newer one"
            raise StoreUnreadable(self.path, why)
        if version < 1:
            strange = "they are in a format that no released version has written"
            raise StoreDamaged(self.path, strange if self.get_tables() else "it is empty")
        return version


class Contents:
    """What is in the store, within one transaction. `unreadable` names the rows that were left out."""

    def __init__(self, database: _StoreDatabase) -> None:
        self._database = database
        self._databases: list[KnownDatabase] | None = None
        self._checkpoints: dict[str, list[Checkpoint | Unreadable]] = {}
        self.unreadable: list[str] = []

    def databases(self) -> list[KnownDatabase]:
        """Those seen last come first, and behind them those whose own row cannot be read."""
        if self._databases is None:
            order = "seen_at DESC, rowid DESC"
            rows = self._rows(StoredDatabase._meta.sorted_fields, order=order)
            found = {row[0]: KnownDatabase(*row) for row in rows}
            lost = [StoredDatabase.id, StoredCheckpoint.database]
            for name in [name for field in lost for (name,) in self._rows([field])]:
                found.setdefault(name, KnownDatabase(name, damaged=True))
            self._databases = [*found.values()]
        return self._databases

    def database(self, database: str) -> KnownDatabase | None:
        return next((item for item in self.databases() if item.id == database), None)

    def see(self, known: KnownDatabase) -> None:
        """Remembers where the database is and that a checkpoint of its `seen_number` exists."""
        before = self.database(known.id)
        values = {field.name: getattr(known, field.name) for field in StoredDatabase._meta.sorted_fields}
        values["seen_number"] = max(known.seen_number, before.seen_number if before else 0)
        self._write(StoredDatabase, values, replace=True)

    def places(self) -> dict[str, tuple[str, str]]:
        """By place, the id of the database last seen there and its ledger then."""
        found = {item.path: (item.id, item.ledger) for item in reversed(self.databases()) if item.path}
        with self._database.expected_errors():
            are_kept = self._database.table_exists(StoredPlace)
        if are_kept:
            rows = self._rows([StoredPlace.path, StoredPlace.database, StoredPlace.ledger])
            found |= {path: (database, ledger) for path, database, ledger in rows}
        return found

    def place(self, where: Where) -> Place | None:
        """The place of a file, the one that a person named before the one where that leads."""
        this, *found = where.places
        places = self.places()
        seen = next((places[item] for item in found if places.get(item, ("",))[0]), None)
        if seen is None or this not in places:
            return None if seen is None else Place(*seen)
        if places[this][0]:
            return Place(*places[this])
        with suppress(ValueError, TypeError):
            return Place(*seen, made=Made.of(places[this][1]))
        return Place(*seen)

    def put(self, path: str, database: str, ledger: str = "") -> None:
        """Remembers which database is in a place."""
        self._write(StoredPlace, {"path": path, "database": database, "ledger": ledger}, replace=True)

    def renew(self) -> None:
        """Makes a store of this version of an older one."""
        with self._database.expected_errors():
            SchemaManager(StoredPlace, self._database).create_all()
            self._database.pragma("user_version", VERSION)
        for path, place in self.places().items():
            self.put(path, *place)

    def checkpoints(self, database: str, *, newest: int | None = None) -> list[Checkpoint | Unreadable]:
        """Oldest first; only the `newest` ones if that is not None."""
        if newest is None and database in self._checkpoints:
            return self._checkpoints[database]
        found: list[Checkpoint | Unreadable] = []
        for row, number, body in self._stored(
            [StoredCheckpoint.number, StoredCheckpoint.body],
            (StoredCheckpoint.database, database),
            order="CAST(number AS INTEGER) DESC, rowid DESC",
            limit=newest,
        ):
            try:
                found.append(Checkpoint.from_json(json.loads(_text(body))))
            except (errors.InvalidInput, ValueError, RecursionError):
                self._leave_out(StoredCheckpoint, row)
                found.append(Unreadable(_number_or_none(number)))
        found.reverse()
        if newest is None:  # whoever tells which database a file is has read them already
            self._checkpoints[database] = found
        return found

    def sound_checkpoints(self, database: str) -> list[Checkpoint]:
        """Those of `checkpoints` that can be read; whether they hold is another question."""
        return [item for item in self.checkpoints(database) if isinstance(item, Checkpoint)]

    def add(self, checkpoint: Checkpoint) -> bool:
        """Whether it is new. Raises `StoreNotWritten` where it is not there when it is read back."""
        self._checkpoints.clear()
        values = {name: getattr(checkpoint, name) for name in ("hash", "database", "number")}
        body = json.dumps(checkpoint.to_json())
        is_new = self._write(StoredCheckpoint, values | {"body": body})
        stored = self._stored([StoredCheckpoint.body], (StoredCheckpoint.hash, checkpoint.hash))
        if not stored or (is_new and stored[0][1] != body.encode()):
            raise StoreNotWritten(self._database.path, "what is written to them is not there afterwards")
        return is_new

    def keys(self) -> frozenset[str]:
        return frozenset(public for (public,) in self._rows([StoredKey.public]))

    def add_key(self, public: str, *, own: bool, now: int) -> None:
        self._write(StoredKey, {"public": public, "own": int(own), "known_at": now})

    def baselines(self, database: str) -> dict[str, tuple[int, str]]:
        """By tenant, the seq and the previous hash of the first row."""
        fields = [StoredBaseline.tenant, StoredBaseline.seq, StoredBaseline.previous_hash]
        rows = self._rows(fields, (StoredBaseline.database, database))
        return {tenant: (seq, previous) for tenant, seq, previous in rows}

    def accept(self, database: str, tenant: str, start: tuple[int, str], *, actor: str, now: int) -> None:
        values = {"database": database, "tenant": tenant, "seq": start[0], "previous_hash": start[1]}
        self._write(StoredBaseline, values | {"actor": actor, "accepted_at": now}, replace=True)

    def inherit_baselines(self, heir: str, database: str) -> None:
        """What was accepted of one database is accepted of another one that was a copy of it."""
        fields = StoredBaseline._meta.sorted_fields
        for row in self._rows(fields, (StoredBaseline.database, database)):
            values = dict(zip((field.name for field in fields), row, strict=True))
            self._write(StoredBaseline, values | {"database": heir})

    def _rows(
        self, fields: Sequence[Any], where: tuple[Field, str] | None = None, *, order: str = ""
    ) -> list[tuple[Any, ...]]:
        """The values of these columns; a row with one of another kind is left out and named."""
        found: dict[tuple[Any, ...], None] = {}  # each once
        for row, *values in self._stored(fields, where, order=order):
            try:
                value = tuple(_read(field, stored) for field, stored in zip(fields, values, strict=True))
            except ValueError:
                self._leave_out(fields[0].model, row)
            else:
                found[value] = None
        return list(found)

    def _stored(
        self,
        fields: Sequence[Any],
        where: tuple[Field, str] | None = None,
        *,
        order: str = "",
        limit: int | None = None,
    ) -> engine.Rows:
        """The row's own number and the bytes of the columns, whatever they are, `where` one is this."""
        by, values = ("", list[Any]()) if where is None else (where[0].name, [where[1]])
        names = tuple(field.name for field in fields)
        sql = _reading(fields[0].model, names, by, order, limited=limit is not None)
        with self._database.expected_errors():
            return list(self._database.execute_sql(sql, values if limit is None else [*values, limit]))

    def _leave_out(self, table: type[Model], row: int) -> None:
        said = f"row {row} of the table {table._meta.table_name} in {FILE}"
        if said not in self.unreadable:
            self.unreadable.append(said)

    def _write(self, table: type[Model], values: dict[str, Any], *, replace: bool = False) -> bool:
        """Whether the row is new. Raises `InvalidInput` for what could not be read back."""
        for name, value in values.items():
            if not _fits(table._meta.fields[name], value):
                raise errors.InvalidInput(name, f"A checkpoint cannot keep {value!r:.80} as its {name}.")
        self._databases = None
        insert = table.insert(values)
        query = insert.on_conflict_replace() if replace else insert.on_conflict_ignore()
        with self._database.expected_errors():
            return bool(self._database.rows_affected(self._database.execute(query)))


@cache
def _reading(table: type[Model], names: tuple[str, ...], by: str, order: str, *, limited: bool) -> str:
    """Written once: to tell which database a file is asks a dozen times, and most of that was the writing."""
    fields = table._meta.fields
    query = table.select(SQL("rowid"), *(fields[name].cast("BLOB") for name in names))
    query = query.where(fields[by] == "") if by else query
    query = query.order_by(SQL(order)) if order else query
    return str((query.limit(1) if limited else query).sql()[0])


def _read(field: Field, stored: bytes | None) -> str | int:
    """Raises ValueError for what this program never writes."""
    value = int(stored or b"") if isinstance(field, IntegerField) else _text(stored)
    if not _fits(field, value):
        raise ValueError(field.name)
    return value


def _text(stored: bytes | None) -> str:
    if stored is None:
        raise ValueError("NULL")
    return stored.decode()


def _number_or_none(stored: bytes | None) -> int | None:
    try:
        return int(stored or b"")
    except ValueError:
        return None


def _fits(field: Field, value: object) -> bool:
    """Whether the value is of the column's kind and will be read back as it is."""
    if isinstance(field, IntegerField):
        return type(value) is int and LOWEST_SEQ <= value <= HIGHEST_SEQ
    try:
        return isinstance(value, str) and value.encode().decode() == value
    except UnicodeEncodeError:  # a lone surrogate
        return False
