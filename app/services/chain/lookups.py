"""Look-ups in the audit chain of a file that is opened as a scan opens it: few, and none fails for a row.

SQL is by hand past an index that may be damaged or hide rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from peewee import SQL, BaseQuery, Query, fn

from app.services.chain.reading import text_encoding
from app.services.chain.rules import TABLE
from app.services.chain.verify import source
from models.engine import Database, Rows, raw
from models.errors import ColumnMissing, TableMissing
from models.local.database import LocalDatabase
from models.tables import AuditEntry

AT_ONCE: Final = 500
"""Rows looked up by one query, at most."""

_FIRST_MIGRATION: Final = "SELECT CAST(applied_at AS BLOB) FROM d1_migrations ORDER BY id LIMIT 1"
"""By hand: the ledger is wrangler's table, and no model of ours."""

_ANY_HASH: Final = f"""
SELECT CAST(hash AS BLOB), CAST(previous_hash AS BLOB) FROM {TABLE} NOT INDEXED
WHERE hash IN (SELECT value FROM json_each(?1)) OR previous_hash IN (SELECT value FROM json_each(?1)) LIMIT 1
"""  # noqa: S608
"""By hand: one pass for any number of hashes, and past an index that may be damaged or hide rows."""


@contextmanager
def reading(path: Path) -> Iterator[LocalDatabase]:
    """A file opened for a few look-ups, as a scan opens it: nothing is written, and nothing left beside it.

    Raises what `source.Source` raises, and the storage errors.
    """
    with ExitStack() as stack:
        where = source.Source(path, stack)
        yield stack.enter_context(_opened(where))


def read_at_once(path: Path, queries: Sequence[BaseQuery]) -> tuple[str, list[Rows]]:
    """The encoding of a file's text, and the rows of each read, all from one moment. Raises as `reading`."""
    with ExitStack() as stack:
        where = source.Source(path, stack)
        while True:
            with _opened(where) as database:
                found = text_encoding(database), database.read_batch(queries)
            if where.undisturbed():
                return found
            where.unfrozen()


@contextmanager
def _opened(where: source.Source) -> Iterator[LocalDatabase]:
    database = LocalDatabase(where.read_from, read_only=not where.copied, immutable=where.frozen)
    with database.connection_context():
        database.pragma("busy_timeout", source.PATIENCE_MS)
        yield database


@dataclass(frozen=True, slots=True)
class ChainRow:
    """What is told of a row: its text as far as it can be decoded, its time as it is written."""

    tenant: str
    hash: str
    previous_hash: str
    at: str


class ChainRows:
    """Look-ups in the audit chain of a file; few of them, and none that may fail for what a row holds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._encoding = text_encoding(database)

    def at(self, seqs: Iterable[int]) -> dict[int, ChainRow]:
        """The rows that are there, by seq."""
        return {seq: row for chunk in self._chunks(seqs) for seq, row in chunk}

    def count(self, rows: Iterable[tuple[int, str]], *, enough: int = 1) -> int:
        """How many of the rows, given by seq and hash, are there; counting ends soon behind `enough`."""
        wanted = set(rows)
        found = 0
        for chunk in self._chunks({seq for seq, _ in wanted}):
            found += sum((seq, row.hash) in wanted for seq, row in chunk)
            if found >= enough:
                break
        return found

    def has_tenant(self, tenant: str) -> bool:
        return self.database.scalar(_one(AuditEntry.tenant_id == tenant)) is not None

    @property
    def empty(self) -> bool:
        return self.database.scalar(_one()) is None

    def first_of(self, tenant: str) -> tuple[int, str] | None:
        """The seq and the previous hash of the tenant's first row."""
        query = AuditEntry.select(AuditEntry.seq, AuditEntry.previous_hash.cast("BLOB"))
        found = self.database.rows(
            query.where(AuditEntry.tenant_id == tenant).order_by(AuditEntry.seq).limit(1).tuples()
        )
        return (found[0][0], self._text(found[0][1])) if found else None

    def with_any_hash(self, hashes: Iterable[str]) -> tuple[str, str] | None:
        """Hash and previous hash of a row that has, or continues, one of these; reads the whole table."""
        found = self.database.rows(raw(_ANY_HASH, json.dumps(list(hashes))))
        return (self._text(found[0][0]), self._text(found[0][1])) if found else None

    def behind(self, seq: int) -> int:
        """How many rows have a greater number."""
        query = AuditEntry.select(fn.COUNT(SQL("*"))).where(AuditEntry.seq > seq)
        return int(self.database.scalar(query.tuples()))

    def ledger(self) -> str:
        """When the first migration ran; empty where there is no ledger."""
        try:
            found = self.database.scalar(raw(_FIRST_MIGRATION))
        except (TableMissing, ColumnMissing):
            return ""
        return self._text(found)

    def _chunks(self, seqs: Iterable[int]) -> Iterator[list[tuple[int, ChainRow]]]:
        left = iter(sorted(seqs))
        size = min(AT_ONCE, self.database.limits.parameters)
        columns = AuditEntry.tenant_id, AuditEntry.hash, AuditEntry.previous_hash, AuditEntry.created_at
        while some := list(islice(left, size)):
            query = AuditEntry.select(AuditEntry.seq, *(column.cast("BLOB") for column in columns))
            rows = self.database.rows(query.where(AuditEntry.seq.in_(some)).tuples())
            yield [(seq, ChainRow(*map(self._text, values))) for seq, *values in rows]

    def _text(self, stored: bytes | None) -> str:
        return bytes(stored or b"").decode(self._encoding, "backslashreplace")


def _one(*where: Any) -> Query:
    query = AuditEntry.select(SQL("1"))
    return (query.where(*where) if where else query).limit(1).tuples()
