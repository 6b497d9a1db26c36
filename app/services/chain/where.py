"""Where chains are that are verified, signed and archived: in a file, or in a live database. Whoever reads
connects to it, and asks no more which of them it is.
"""

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Unpack

from peewee import BaseQuery

from app import paths
from app.services.chain.verify import source
from models.engine import Database, Metered, Rows, Usage
from models.files.at_path import born, real_path
from models.local.database import LocalDatabase
from models.local.in_use import known
from models.progress import Stop

if TYPE_CHECKING:
    from app.services.chain.verify.report import Report
    from app.services.chain.verify.verification import Executor, Options


class Executors(Protocol):
    """Who scans, of each kind one."""

    def of_file(self) -> "Executor": ...

    def of_database(self, database: Database) -> "Executor": ...


class Where(Metered):
    @property
    @abstractmethod
    def name(self) -> str:
        """What a person calls it."""

    @property
    @abstractmethod
    def file(self) -> Path | None:
        """The file that it is; None of a live database."""

    @property
    @abstractmethod
    def location(self) -> tuple[str, str]:
        """Where it is, as text, and which one it is there: a file's path, and its device, inode and birth, as
        an inode is given again; of a live database both are its identity.
        """

    @property
    @abstractmethod
    def places(self) -> tuple[str, ...]:
        """By what it is known where it is: this very file first, then the path that a person named, and where
        that leads; of a live database its identity alone.
        """

    @abstractmethod
    def connect(self) -> AbstractContextManager[Database]:
        """For a few look-ups: nothing is written, and nothing left beside a file.

        Raises what `source.Source` raises, and the storage errors.
        """

    def patient(self, cancelled: Stop) -> AbstractContextManager[None]:
        """As `Database.in_background`."""
        return nullcontext()

    @abstractmethod
    def read_at_once(self, queries: Sequence[BaseQuery]) -> tuple[str, list[Rows]]:
        """The encoding of the text, and the rows of each read, all from one moment. Raises the same."""

    @abstractmethod
    def verify(self, executors: Executors, **options: "Unpack[Options]") -> "Report":
        """`verification.verify`, or `live.verify`. Raises their errors."""

    def known(self, error: Exception) -> Exception:
        """What an error of reading it is in a sentence, as far as it is known."""
        return error


class Verifier(Protocol):
    """`Where.verify` with its executors chosen: in this process, or in child processes."""

    def __call__(self, where: Where, /, **options: "Unpack[Options]") -> "Report": ...


@dataclass(frozen=True, slots=True)
class InFile(Where):
    """In a file, opened as a scan opens it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def file(self) -> Path:
        return self.path

    @property
    def usage(self) -> None:
        return None

    @property
    def location(self) -> tuple[str, str]:
        stat = self.path.stat()
        which = f"{stat.st_dev}:{stat.st_ino} {born(self.path)}"
        return _text(real_path(self.path)), which

    @property
    def places(self) -> tuple[str, ...]:
        leads_to, which = self.location
        return f"{leads_to} {which}", _text(paths.named(self.path)), leads_to

    @contextmanager
    def connect(self) -> Iterator[Database]:
        with ExitStack() as stack, _opened(source.Source(self.path, stack)) as database:
            yield database

    def read_at_once(self, queries: Sequence[BaseQuery]) -> tuple[str, list[Rows]]:
        with ExitStack() as stack:
            file = source.Source(self.path, stack)
            while True:
                with _opened(file) as database:
                    found = database.encoding, database.read_batch(queries)
                if file.undisturbed():
                    return found
                file.unfrozen()

    def verify(self, executors: Executors, **options: "Unpack[Options]") -> "Report":
        from app.services.chain.verify import verification  # noqa: PLC0415 - rows show before any is verified

        return verification.verify(self.path, verification.Wish(executor=executors.of_file(), **options))

    def known(self, error: Exception) -> Exception:
        return known(error, self.path) or error


def _text(path: Path) -> str:
    """The whole path, also where the file system's name is no text."""
    return os.fsencode(path).decode(errors="backslashreplace")


@contextmanager
def _opened(file: source.Source) -> Iterator[LocalDatabase]:
    database = LocalDatabase(file.read_from, read_only=not file.copied, immutable=file.frozen)
    with database.connection_context():
        database.pragma("busy_timeout", source.PATIENCE_MS)
        yield database


@dataclass(frozen=True, slots=True)
class InDatabase(Where):
    """In a live database."""

    database: Database

    @property
    def name(self) -> str:
        return self.database.place

    @property
    def file(self) -> None:
        return None

    @property
    def usage(self) -> Usage | None:
        return self.database.usage

    @property
    def location(self) -> tuple[str, str]:
        return self.database.identity, self.database.identity

    @property
    def places(self) -> tuple[str, ...]:
        return "", self.database.identity

    @contextmanager
    def connect(self) -> Iterator[Database]:
        with self.database.connection_context():
            yield self.database

    def patient(self, cancelled: Stop) -> AbstractContextManager[None]:
        return self.database.in_background(cancelled)

    def read_at_once(self, queries: Sequence[BaseQuery]) -> tuple[str, list[Rows]]:
        with self.database.connection_context():
            return self.database.encoding, self.database.read_batch(queries)

    def verify(self, executors: Executors, **options: "Unpack[Options]") -> "Report":
        from app.services.chain.verify import live, verification  # noqa: PLC0415 - rows show before

        wish = verification.Wish(executor=executors.of_database(self.database), **options)
        return live.verify(self.database, wish)
