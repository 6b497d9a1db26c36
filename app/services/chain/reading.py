"""The rows of an audit chain read through the engine, without failing for what a row holds.

One entry judged (`inspect_entry`), entries as lines of JSON for evidence and archives (`chunks`), look-ups in
a file that is opened as a scan opens it (`reading`, `ChainRows`). SQL is by hand where the bytes and storage
classes of a row are read, where SQLite writes the JSON, and past an index that may be damaged or hide rows.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeGuard

from peewee import SQL, BaseQuery, Query, fn

from app.services.chain.entry import JUDGED, RAW_COLUMNS, USUAL_KINDS, Entry, believed_of, is_text
from app.services.chain.rules import (
    COLUMNS,
    MARKER_EVENT,
    TABLE,
    Anchor,
    Finding,
    Marker,
    anchor,
    broken_link,
    compact_json,
    denied,
    denied_start,
)
from app.services.chain.verify import source
from models.engine import Database, Row, Rows, raw
from models.errors import ColumnMissing, NotFound, TableMissing
from models.local.database import LocalDatabase
from models.tables import AuditEntry

# -------------------------------------------------------------------------------------------- entries judged

_SELECT: Final = f"SELECT {RAW_COLUMNS} FROM {TABLE} WHERE "  # noqa: S608
_BEFORE: Final = f"""
{_SELECT} tenant_id = (SELECT tenant_id FROM {TABLE} WHERE seq = ?1) AND seq < ?1 ORDER BY seq DESC LIMIT 1
"""  # noqa: S608
_ENCODINGS: Final = {"a".encode(name): name for name in source.ENCODINGS.values()}


class Link(StrEnum):
    OK = "ok"
    ACCEPTED = "accepted"
    BROKEN = "broken"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of one row. `problems` are plain sentences, empty when all is well.

    `previous_seq` is the row that it continues, None at the start of the chain; then `anchor` says what
    proves the start, as `rules.anchor` does.
    """

    seq: int
    tenant: str
    hash_ok: bool
    recomputed: str
    stored: str
    link: Link
    previous_hash: str
    previous_seq: int | None
    anchor: Anchor | None
    problems: tuple[str, ...]


def inspect_entry(database: Database, seq: int, *, accepted: bool = False) -> Inspection:
    """Judges the row `seq`; it and the one before it are seen at one moment, the markers right behind.

    `accepted` says that a person accepted a start at this row. Raises `NotFound` and the storage errors.
    """
    encoding = text_encoding(database)
    found, earlier = database.read_batch([raw(_SELECT + "seq = ?", seq), raw(_BEFORE, seq)])
    if not found:
        raise NotFound("audit entry")
    entry = Entry(found[0], encoding)
    before = Entry(earlier[0], encoding) if earlier else None
    proof: Anchor | None = None
    findings, sentences = entry.findings(), []
    if before is not None:
        link = Link.OK if before.raw["hash"] == entry.raw["previous_hash"] else Link.BROKEN
        if link is Link.BROKEN:
            sentences.append(broken_link(entry.tenant, seq))
    if before is None or entry.is_marker:
        markers, doubted = markers_of(database, encoding, entry.tenant)
        findings += [finding for finding in doubted if finding.seq == seq]
    if before is None:
        furthest = markers[-1] if markers else None
        start = seq, entry.text("previous_hash")
        proof = anchor(*start, furthest, start if accepted else None)
        link = Link.UNPROVEN if proof is None else Link.ACCEPTED if proof.kind == "adopted" else Link.OK
        if furthest is not None and denied(*start, furthest):
            sentences.append(denied_start(entry.tenant, furthest))
        elif proof is None:
            sentences.append(f"Nothing in the file proves what came before entry {seq}.")
    return Inspection(
        seq=seq,
        tenant=entry.tenant,
        hash_ok=entry.hash_holds(),
        recomputed=entry.recomputed(),
        stored=entry.text("hash"),
        link=link,
        previous_hash=entry.text("previous_hash"),
        previous_seq=None if before is None else before.seq,
        anchor=proof,
        problems=(*(finding.message for finding in findings), *sentences),
    )


def text_encoding(database: Database) -> str:
    """Python's name for the encoding of the file's text, told by one letter."""
    return _ENCODINGS[bytes(database.scalar(raw("SELECT CAST('a' AS BLOB)")))]


def read_entries(database: Database, encoding: str, where: str, *values: object) -> list[Entry]:
    """The rows as stored, on their bytes; `where` is a condition of ours, perhaps with an order."""
    return [Entry(row, encoding) for row in database.rows(raw(_SELECT + where, *values))]


def markers_of(database: Database, encoding: str, tenant: str) -> tuple[list[Marker], list[Finding]]:
    """The tenant's prune markers that are believed, and an error of each that is not."""
    where = "tenant_id = ? AND event_type = ? ORDER BY seq"
    return believed_of(tenant, read_entries(database, encoding, where, tenant, MARKER_EVENT))


# ------------------------------------------------------------------------------------------ entries as lines

_CHUNK: Final = 1_000
"""Entries read at a time, at most: no read holds its snapshot, or the interpreter, for long."""

_FIRST_CHUNK: Final = 32
_CHUNK_BYTES: Final = 1_000_000
"""Above this, fewer entries are read the next time: some are megabytes long."""

_OBJECT: Final = ", ".join(f"'{name}', {name}" for name in COLUMNS)
_QUICK: Final = f"CASE WHEN {USUAL_KINDS} THEN CAST(json_object({_OBJECT}) AS BLOB) END"
"""The line of a row whose columns have their usual types, as SQLite writes it; NULL for any other row."""


def chunks(
    database: Database, *, tenant: str | None, first: int, last: int, by_index: bool = False, more: str = ""
) -> Iterator[list[Row]]:
    """The rows with `first <= seq <= last` in order, bounded in bytes: seq, line with its break, `more`.

    `more` are columns of SQL. `by_index` finds the rows of a tenant fast, which an index may hide. The SQL is
    by hand: SQLite writes the JSON of every ordinary row. Raises the storage errors.
    """
    whose = "" if tenant is None else f"AND {'' if by_index else '+'}tenant_id = ?"
    columns = f", {more}" if more else ""
    sql = (
        f"SELECT seq, {_QUICK}{columns} FROM {TABLE} "  # noqa: S608
        f"WHERE seq BETWEEN ? AND ? {whose} ORDER BY seq LIMIT ?"
    )
    values = () if tenant is None else (tenant,)
    encoding = text_encoding(database)

    def read(start: int, limit: int) -> list[Row]:
        rows = database.rows(raw(sql, start, last, *values, limit))
        return [
            (seq, line + b"\n" if _says_all(line, encoding) else _line(database, encoding, seq), *rest)
            for seq, line, *rest in rows
        ]

    yield from bounded(read, first, last, sized=1)


def bounded(
    read: Callable[[int, int], list[Row]], first: int, last: int, *, sized: int
) -> Iterator[list[Row]]:
    """The rows of `read(first, limit)` until `last`, in order of seq, which is their first column.

    A few at first, then as many as hold about a megabyte in the column `sized`.
    """
    limit = _FIRST_CHUNK
    while first <= last:
        rows = read(first, limit)
        yield rows
        if len(rows) < limit:
            return
        first = rows[-1][0] + 1
        size = sum(len(row[sized] or b"") for row in rows)
        limit = min(_CHUNK, limit * 2) if size < _CHUNK_BYTES else max(1, limit // 2)


def stored_bytes(value: Any) -> bytes:
    """The stored bytes of a column of a line, in the form that was hashed."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return b"" if value is None else str(value).encode()


def _says_all(line: bytes | None, encoding: str) -> TypeGuard[bytes]:
    """Whether the line that SQLite wrote says all that the row holds."""
    return line is not None and encoding == "utf-8" and b"\\u0000" not in line and is_text(line)


def _line(database: Database, encoding: str, seq: int) -> bytes:
    """The line of any other row; of one that was removed meanwhile, its seq alone."""
    columns = {
        name: _value(entry.kinds[name], entry.raw[name])
        for entry in read_entries(database, encoding, "seq = ?", seq)
        for name in JUDGED
    }
    return compact_json({"seq": seq} | columns).encode() + b"\n"


def _value(kind: str, stored: bytes) -> Any:
    match kind:
        case "null":
            return None
        case "integer":
            return int(stored)
        case "real":
            return stored.decode()
    return stored.decode() if kind == "text" and is_text(stored) else {"hex": stored.hex()}


# ---------------------------------------------------------------------------------------- look-ups in a file

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
