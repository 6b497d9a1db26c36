"""The small SQLite file that keeps checkpoints, adopted starts and known keys."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from app.services.chain.checkpoints.document import Checkpoint
from app.services.errors import InvalidInput, StorageError
from models.local.errors import translate

FILE = "checkpoints.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (
  id TEXT PRIMARY KEY, path TEXT NOT NULL, place TEXT NOT NULL, seen_number INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS checkpoints (
  hash TEXT PRIMARY KEY, database TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_checkpoints_database ON checkpoints(database, number);
CREATE TABLE IF NOT EXISTS adoptions (
  database TEXT NOT NULL, tenant TEXT NOT NULL, seq INTEGER NOT NULL, previous_hash TEXT NOT NULL,
  actor TEXT NOT NULL, adopted_at INTEGER NOT NULL, PRIMARY KEY (database, tenant)
);
CREATE TABLE IF NOT EXISTS keys (public TEXT PRIMARY KEY, own INTEGER NOT NULL, known_at INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class KnownDatabase:
    """A database that something is known of: where it was last seen, and its highest number so far.

    `place` is that of `identity.place`, `path` for people.
    """

    id: str
    path: str
    place: str
    seen_number: int
    seen_at: int


class StoreDamaged(StorageError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The checkpoints in {path} cannot be read; restore that file from a copy or remove it."
        )


class _NotAsWritten(Exception):
    """A row holds what this program never puts there."""


class Records:
    """One connection to the store, for the length of a `with`. Made on first use in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @property
    def exists(self) -> bool:
        return self._path.is_file()

    @contextmanager
    def open(self, *, writing: bool = False) -> Iterator["Session"]:
        """Commits at the end or not at all. `writing` waits for another writer, and then reads what it wrote.

        Raises `StoreDamaged` and the storage errors.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if writing and not self.exists:
            self._path.touch(0o600)  # nobody else needs to know what is watched
        try:
            with closing(apsw.Connection(str(self._path))) as connection:
                connection.set_busy_timeout(5_000)
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
                try:
                    connection.execute(_SCHEMA)
                    yield Session(connection)
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:  # a full disk has ended it already
                        connection.execute("ROLLBACK")
        except (apsw.NotADBError, apsw.CorruptError, _NotAsWritten) as error:
            raise StoreDamaged(self._path) from error
        except apsw.Error as error:
            known = translate(error, self._path)
            if known is None:
                raise
            raise known from error


class Session:
    """The statements of the store."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._sql = connection

    def databases(self) -> list[KnownDatabase]:
        """Those seen last come first."""
        rows = self._sql.execute(
            "SELECT id, path, place, seen_number, seen_at FROM databases ORDER BY seen_at DESC, rowid DESC"
        )
        found = [KnownDatabase(*row) for row in rows]
        if not all(isinstance(item.seen_number, int) and isinstance(item.path, str) for item in found):
            raise _NotAsWritten
        return found

    def database(self, database: str) -> KnownDatabase | None:
        return next((item for item in self.databases() if item.id == database), None)

    def see(self, database: str, path: str, place: str, *, number: int, now: int) -> None:
        """Remembers where the database is and that a checkpoint of this number exists."""
        self._sql.execute(
            "INSERT INTO databases VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET "
            "path = ?2, place = ?3, seen_number = max(seen_number, ?4), seen_at = ?5",
            (database, path, place, number, now),
        )

    def checkpoints(self, database: str, *, newest: int = -1) -> list[Checkpoint]:
        """Oldest first; only the `newest` ones if that is not negative."""
        rows = self._sql.execute(
            "SELECT body FROM checkpoints WHERE database = ? ORDER BY number DESC, rowid DESC LIMIT ?",
            (database, newest),
        )
        try:
            return [Checkpoint.from_json(json.loads(body)) for (body,) in rows][::-1]
        except (InvalidInput, ValueError, TypeError, RecursionError) as error:
            raise _NotAsWritten from error

    def add(self, checkpoint: Checkpoint) -> bool:
        """Whether it is new."""
        self._sql.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)",
            (checkpoint.hash, checkpoint.database, checkpoint.number, json.dumps(checkpoint.to_json())),
        )
        return self._sql.changes() > 0

    def keys(self) -> set[str]:
        return {public for (public,) in self._sql.execute("SELECT public FROM keys")}

    def add_key(self, public: str, *, own: bool, now: int) -> None:
        self._sql.execute("INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", (public, int(own), now))

    def adoptions(self, database: str) -> dict[str, tuple[int, str]]:
        rows = self._sql.execute(
            "SELECT tenant, seq, previous_hash FROM adoptions WHERE database = ?", (database,)
        )
        return {tenant: (seq, previous) for tenant, seq, previous in rows}

    def adopt(self, database: str, tenant: str, start: tuple[int, str], *, actor: str, now: int) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO adoptions VALUES (?, ?, ?, ?, ?, ?)",
            (database, tenant, *start, actor, now),
        )
