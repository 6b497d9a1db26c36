"""Which known database a file is, told by the rows of its chains, and whether it continues the one seen last.

A file is the database of a checkpoint when it holds, with the same hash, one of the rows that the
checkpoint knows (first and last of every tenant), or a row that continues one of them. So it stays itself
when it is moved, renamed, copied, restored or pruned, and two different files are never the same, whatever
they are called; a live database and a file that was exported from it are one. Copies that went their own
ways, of which a person has said that they are two databases, share the rows from before: such a file is the
one that it continues where one of them alone knew rows that came after they parted, else the one that was
last seen in its very place, or else the one that it continues. A file with tenants of one of them that
another, as a part of it, never had, is not that other one.

What is said here of a file's path, and of the file on disk, is said of a live database's account and id.

Only a file whose chains were all emptied, or rewritten from their first rows, holds none of them. What it
is, is told by its place then, by one of these:

- the same path, the same file on disk, the same migrations ledger (where there is none: and empty, or with a
  tenant or most of the times in common);
- the same path or the same file on disk, and at least half of the rows that the checkpoint knows, with
  tenant, seq and time, whatever their hashes: a rewritten copy put in its place, or a moved file rewritten;
- the same path and ledger, and empty: an emptied copy;
- the same path or the same file on disk, where none of its newest checkpoints can be read.

Where that is not enough to take it for the database, but path or file, ledger and a tenant are in common (or,
without a ledger, the place of every row that the checkpoint knows; or a tenant alone, where nobody can read
any more where the database was), it is in doubt: a person has to say what the file is. Any other file is
another database.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from peewee import SQL, Query, fn

from app.services.chain.checkpoint import Checkpoint, Reason, SealedChain
from app.services.chain.checkpoints.tables import KnownDatabase
from app.services.chain.reading import entries_behind, last_numbers
from app.services.chain.rules import GENESIS, TABLE, continues, named, seconds
from app.services.chain.where import InDatabase, Where
from app.services.text import counted
from models.engine import Database, raw
from models.errors import ColumnMissing, TableMissing
from models.tables import AuditEntry

ENOUGH: Final = 200
"""How many rows in common are counted: it is a matter of which database has more of them."""

HALF: Final = 0.5
"""Of the rows that a checkpoint knows, how many make a rewritten file: either end may have been cut off."""

AT_ONCE: Final = 500
"""Rows looked up by one query, at most."""

_FIRST_MIGRATION: Final = "SELECT CAST(applied_at AS BLOB) FROM d1_migrations ORDER BY id LIMIT 1"
"""By hand: the ledger is wrangler's table, and no model of ours."""

_ANY_HASH: Final = f"""
SELECT CAST(hash AS BLOB), CAST(previous_hash AS BLOB) FROM {TABLE} NOT INDEXED
WHERE hash IN (SELECT value FROM json_each(?1)) OR previous_hash IN (SELECT value FROM json_each(?1)) LIMIT 1
"""  # noqa: S608
"""By hand: one pass for any number of hashes, and past an index that may be damaged or hide rows."""

NAMED: Final = 3
"""Tenants of which a sentence says where they differ."""

DatabaseCheckpoints = tuple[KnownDatabase, Sequence[Checkpoint]]


@dataclass(frozen=True, slots=True)
class ChainRow:
    """What is told of a row: its text as far as it can be decoded, its time as it is written."""

    tenant: str
    hash: str
    previous_hash: str
    at: str


Seen = dict[int, ChainRow | None]
"""Rows by seq, None for one that is not there."""


class ChainRows:
    """Look-ups in the audit chain of the file `where`; few of them, and none that may fail for what a row
    holds. A row that was `seen` a moment ago is not asked for again.
    """

    def __init__(self, database: Database, where: Where | None = None, seen: Seen | None = None) -> None:
        self.database, self.where = database, where or InDatabase(database)
        self._encoding = database.encoding
        self._seen = {} if seen is None else seen

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

    @property
    def first(self) -> tuple[int, ChainRow] | None:
        query = AuditEntry.select(fn.MIN(AuditEntry.seq))
        seq = self.database.scalar(query.tuples())
        return next(iter(self.at([seq]).items()), None) if seq is not None else None

    def first_of(self, tenant: str) -> tuple[int, str] | None:
        """The seq and the previous hash of the tenant's first row."""
        query = AuditEntry.select(AuditEntry.seq, AuditEntry.previous_hash.cast("BLOB"))
        found = self.database.rows(
            query.where(AuditEntry.tenant_id == tenant).order_by(AuditEntry.seq).limit(1).tuples()
        )
        return (found[0][0], self._text(found[0][1])) if found else None

    def last_of(self, tenant: str) -> int | None:
        query = AuditEntry.select(fn.MAX(AuditEntry.seq)).where(AuditEntry.tenant_id == tenant)
        found: int | None = self.database.scalar(query.tuples())
        return found

    def numbered_through(self) -> int:
        """The highest number that the file has ever given; 0 where it does not say."""
        counter, _, _ = last_numbers(self.database)
        return counter if isinstance(counter, int) else 0

    def with_any_hash(self, hashes: Iterable[str]) -> tuple[str, str] | None:
        """Hash and previous hash of a row that has, or continues, one of these; reads the whole table."""
        found = self.database.rows(raw(_ANY_HASH, json.dumps(list(hashes))))
        return (self._text(found[0][0]), self._text(found[0][1])) if found else None

    def behind(self, seq: int) -> int:
        """How many rows have a greater number."""
        return entries_behind(self.database, seq)

    def until(self, seq: int) -> int:
        """How many rows have this number or a lower one."""
        query = AuditEntry.select(fn.COUNT(SQL("*"))).where(AuditEntry.seq <= seq)
        return int(self.database.scalar(query.tuples()))

    def ledger(self) -> str:
        """When the first migration ran; empty where there is no ledger."""
        try:
            found = self.database.scalar(raw(_FIRST_MIGRATION))
        except (TableMissing, ColumnMissing):
            return ""
        return self._text(found)

    def _chunks(self, seqs: Iterable[int]) -> Iterator[list[tuple[int, ChainRow]]]:
        wanted = sorted(set(seqs))
        if known := [(seq, row) for seq in wanted if (row := self._seen.get(seq)) is not None]:
            yield known
        left = iter([seq for seq in wanted if seq not in self._seen])
        size = min(AT_ONCE, self.database.limits.parameters)
        columns = AuditEntry.tenant_id, AuditEntry.hash, AuditEntry.previous_hash, AuditEntry.created_at
        while some := list(islice(left, size)):
            query = AuditEntry.select(AuditEntry.seq, *(column.cast("BLOB") for column in columns))
            rows = self.database.rows(query.where(AuditEntry.seq.in_(some)).tuples())
            found = [(seq, ChainRow(*map(self._text, values))) for seq, *values in rows]
            self._seen |= {**dict.fromkeys(some), **dict(found)}
            yield found

    def _text(self, stored: bytes | None) -> str:
        return named(bytes(stored or b""), self._encoding)


@contextmanager
def rows_of(where: Where, seen: Seen | None = None) -> Iterator[ChainRows]:
    """Look-ups in the file, or in the live database. Raises as `Where.connect`."""
    with where.connect() as database:
        yield ChainRows(database, where, seen)


def _one(*where: Any) -> Query:
    query = AuditEntry.select(SQL("1"))
    return (query.where(*where) if where else query).limit(1).tuples()


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a chain is not the one last seen: agreed through `agreed_seq` (None: nowhere).

    `lacks_behind` is the tenant's last row (0: it has none) where nothing differs but what comes behind it is
    not there; else None.
    """

    tenant: str
    agreed_seq: int | None
    seq: int
    expected: str
    actual: str | None
    lacks_behind: int | None = None

    def __str__(self) -> str:
        if self.lacks_behind is not None:
            what = f"entry after {self.lacks_behind:,}" if self.lacks_behind else "entries"
            return f"{self.tenant} has no {what}"
        if self.agreed_seq is not None:
            return f"{self.tenant} agrees through entry {self.agreed_seq:,}, not at {self.seq:,}"
        return f"{self.tenant} differs at entry {self.seq:,}"


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a file compares with what was last seen of its database: at which `checkpoint`, None if it was
    never seen, and when. `new_entries` counts the rows behind it. `is_older` says that the file, as far as it
    goes, is the one seen last, and has numbered no entry behind its end.
    """

    checkpoint: int | None = None
    seen_at: int | None = None
    new_entries: int = 0
    divergences: tuple[Divergence, ...] = ()
    is_older: bool = False

    @property
    def how(self) -> str:
        """How what differs stands to it, in words."""
        return "is older than" if self.is_older else "does not continue"

    @property
    def where(self) -> str:
        """Where it differs, or ends, in words without a full stop."""
        said = [f"{item} yet" if self.is_older else str(item) for item in self.divergences[:NAMED]]
        rest = len(self.divergences) - len(said)
        return "; ".join([*said, f"and {counted(rest, 'more tenant')}"] if rest else said)

    @property
    def known(self) -> bool:
        return self.checkpoint is not None

    @property
    def continues(self) -> bool:
        return self.known and not self.divergences


def recognise(
    rows: ChainRows,
    known: Sequence[DatabaseCheckpoints],
    all_of_each: Iterable[DatabaseCheckpoints],
) -> KnownDatabase | None:
    """The database that the file is, of those known; the one with the most rows in common.

    `known` come with their newest checkpoints, `all_of_each` with all, which only an old copy needs. One that
    is in `doubt` was here, and nothing tells whether this is what became of it.
    """
    if related := [item for item in known if _same_rows(rows, item[1])]:
        return _closest(rows, related, all_of_each)
    if (moved := _with_moved_rows(rows, known)) is not None:
        return moved
    for database, checkpoints in known:
        if _takes_its_place(rows, database, checkpoints):
            return database
    for database, checkpoints in all_of_each:
        if rows.count({end for item in checkpoints for end in _ends(item)}):
            return database
    here = whereabouts(rows)
    doubtful = (database for database, newest in known if _may_be(rows, here, database, newest))
    return next((replace(database, doubt=True) for database in doubtful), None)


def was_elsewhere(where: Where, known: KnownDatabase, others: Sequence[KnownDatabase]) -> str | None:
    """Where the database that the file is was seen last, if another one was seen last in its place."""
    here, _ = where.location
    lately = max((item for item in others if item.path == here), key=lambda item: item.seen_at, default=known)
    return known.path if known.path != here and lately.id != known.id else None


def copied_from(where: Where, known: KnownDatabase) -> str | None:
    """Where the live database is of which another one, by its id, holds the entries: no id moves."""
    here, is_it = where.location
    both_live = here == is_it and known.path == known.file_id != ""
    another = known.path.rpartition("/")[2] != here.rpartition("/")[2]
    return known.path if both_live and another else None


def speaks_of(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the newest checkpoints know rows that are in the file, whatever id they give its database; or
    the newest one that there is none, and what is there, if anything, came later.
    """
    candidate = (KnownDatabase(""), checkpoints)
    return (
        _same_rows(rows, checkpoints[-3:]) > 0
        or _with_moved_rows(rows, [candidate]) is not None
        or _begun_again(rows, checkpoints)
    )


def _begun_again(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the newest knows that nothing was left, and the file has nothing, or a first entry from later:
    by its own time, and by its number or one of the tenants that were known before.
    """
    if not checkpoints or checkpoints[-1].tenants:
        return False
    first = rows.first
    if first is None:
        return True
    seq, row = first
    later = row.previous_hash == GENESIS and row.at.isdigit() and seconds(int(row.at)) >= checkpoints[-1].at
    behind = seq > max(item.through for item in checkpoints)
    return later and (behind or any(rows.has_tenant(name) for item in checkpoints for name in item.tenants))


def is_related(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether a file is what became of the rows that these know, rewritten from the first on perhaps."""
    ends = {end for item in checkpoints for end in _ends(item)}
    return rows.count(ends) > 0 or speaks_of(rows, checkpoints) or _in_common(rows, checkpoints) >= HALF


def shares_tenant(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the file has a tenant that the newest checkpoint knows; or either has nothing at all."""
    return rows.empty or any(
        not checkpoint.tenants or any(map(rows.has_tenant, checkpoint.tenants))
        for checkpoint in checkpoints[-1:]
    )


def whereabouts(rows: ChainRows, database: str = "") -> KnownDatabase:
    """Where a database is (`Where.location`), and when its first migration ran.

    So another file in its place is told apart.
    """
    return KnownDatabase(database, *rows.where.location, rows.ledger())


def compare(rows: ChainRows, known: Sequence[Checkpoint], *, counting: bool = True) -> Continuation:
    """Looks up the last rows that the checkpoints know; says nothing of the rows between them. Those behind
    are new; they are counted if `counting`.
    """
    if not known:
        return Continuation()
    latest = known[-1]
    at_end = rows.at(sealed.last_seq for sealed in latest.tenants.values())
    divergences = []
    for tenant, sealed in latest.tenants.items():
        actual = _hash_of(tenant, at_end.get(sealed.last_seq))
        if actual == sealed.head or _was_pruned(rows, tenant, sealed):
            continue
        older = (item.tenants[tenant] for item in known[-2::-1] if tenant in item.tenants)
        there = (
            was for was in older if _hash_of(tenant, rows.at([was.last_seq]).get(was.last_seq)) == was.head
        )
        agreed = next((was.last_seq for was in there), None)
        behind = _lacks_behind(rows, tenant, sealed, known) if actual is None else None
        divergences.append(Divergence(tenant, agreed, sealed.last_seq, sealed.head, actual, behind))
    is_older = bool(divergences) and all(item.lacks_behind is not None for item in divergences)
    if is_older:
        missing = min(item.seq for item in divergences)
        is_older = rows.numbered_through() < missing and not rows.behind(missing)
    new = rows.behind(latest.through) if counting else 0
    return Continuation(latest.number, latest.at, new, tuple(divergences), is_older)


def _lacks_behind(
    rows: ChainRows, tenant: str, sealed: SealedChain, known: Sequence[Checkpoint]
) -> int | None:
    """The tenant's last row (0: it has none), where it comes before the one last seen and the tenant has each
    row that was known up to there; else None.
    """
    first, last = rows.first_of(tenant), rows.last_of(tenant)
    if first is None or last is None:
        return 0
    ends = {end for was in known if tenant in was.tenants for end in _ends_of(was.tenants[tenant])}
    ends = {(seq, value) for seq, value in ends if first[0] <= seq <= last}
    return last if last < sealed.last_seq and rows.count(ends, enough=len(ends)) >= len(ends) else None


def _hash_of(tenant: str, row: ChainRow | None) -> str | None:
    """The hash of a row, if it is the tenant's."""
    return row.hash if row is not None and row.tenant == tenant else None


def _was_pruned(rows: ChainRows, tenant: str, sealed: SealedChain) -> bool:
    """Whether the tenant's first row continues the one last seen: retention went by."""
    first = rows.first_of(tenant)
    return first is not None and continues(*first, sealed.last_seq, sealed.head)


def _ends(checkpoint: Checkpoint) -> Iterator[tuple[int, str]]:
    """The first and the last row of every tenant, by seq and hash."""
    for sealed in checkpoint.tenants.values():
        yield from _ends_of(sealed)


def _ends_of(sealed: SealedChain) -> tuple[tuple[int, str], tuple[int, str]]:
    return (sealed.first_seq, sealed.first_hash), (sealed.last_seq, sealed.head)


def _same_rows(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> int:
    """How many rows of the newest checkpoints are in the file, hash for hash, up to about `ENOUGH`."""
    counts = (rows.count(_ends(checkpoint), enough=ENOUGH) for checkpoint in reversed(checkpoints))
    return next(filter(None, counts), 0)


def _closest(
    rows: ChainRows,
    related: Sequence[DatabaseCheckpoints],
    all_of_each: Iterable[DatabaseCheckpoints],
) -> KnownDatabase:
    """Of those that all know rows of the file, as copies do that went their own ways, and parts of one."""
    whole = [item for item in related if not any(_is_part(rows, item[1], other[1]) for other in related)]
    related = whole or related
    if len(related) == 1:
        return related[0][0]
    here = whereabouts(rows)
    in_place = [item for item in related if (item[0].path, item[0].file_id) == (here.path, here.file_id)]

    def likeness(item: DatabaseCheckpoints) -> tuple[bool, int, int]:
        found = compare(rows, item[1])
        return found.continues, -found.new_entries * found.continues, _same_rows(rows, item[1])

    if in_place and not any(compare(rows, item[1]).continues for item in in_place):
        lines = {database.id: checkpoints for database, checkpoints in all_of_each}
        before = {end for database, _ in in_place for item in lines[database.id] for end in _ends(item)}
        every = (item for database, _ in related for item in lines[database.id])
        partings = (item for item in every if item.reason == Reason.ANOTHER_DATABASE)
        parted = max(partings, key=attrgetter("at"), default=None)
        in_place = [item for item in related if _has_own(rows, item[1], before, parted)] or in_place
    return max(in_place or related, key=likeness)[0]


def _is_part(rows: ChainRows, checkpoints: Sequence[Checkpoint], others: Sequence[Checkpoint]) -> bool:
    """Whether the file has a tenant of the others' that these do not know, where they knew every row: they
    continue it whatever is written there.
    """
    names = {tenant for item in checkpoints for tenant in item.tenants}
    ends = {
        seq: tenant
        for tenant, sealed in others[-1].tenants.items()
        for seq, _ in _ends_of(sealed)
        if tenant not in names and seq <= checkpoints[-1].through
    }
    return any(row.tenant == ends[seq] for seq, row in rows.at(ends).items())


def _has_own(
    rows: ChainRows,
    checkpoints: Sequence[Checkpoint],
    others: Collection[tuple[int, str]],
    parted: Checkpoint | None,
) -> bool:
    """Whether the file continues these, and has an end of theirs that another database cannot share: it came
    after they `parted`, by its number or its time, or of its number that one knew another row.
    """
    numbers, own = {seq for seq, _ in others}, set()
    for sealed in checkpoints[-1].tenants.values():
        for end, at in zip(_ends_of(sealed), (sealed.first_at, sealed.head_at), strict=True):
            later = parted is None or end[0] > parted.through or (at is not None and seconds(at) > parted.at)
            if later or end[0] in numbers:
                own.add(end)
    own.difference_update(others)
    return compare(rows, checkpoints).continues and rows.count(own) > 0


def _with_moved_rows(rows: ChainRows, known: Sequence[DatabaseCheckpoints]) -> KnownDatabase | None:
    """The database whose known row lies under another seq, or was pruned and is continued; one pass.

    Of none where the rows that are read are charged: it stays in its place, which tells it, too.
    """
    if rows.database.usage is not None:
        return None
    owners: Mapping[str, KnownDatabase] = {
        value: database
        for database, checkpoints in known
        for checkpoint in checkpoints[-1:]
        for _, value in _ends(checkpoint)
    }
    found = rows.with_any_hash(owners) if owners else None
    return None if found is None else owners.get(found[0]) or owners.get(found[1])


def _takes_its_place(rows: ChainRows, database: KnownDatabase, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether a file without a row in common is what became of the database that was here."""
    if not database.path:  # imported and never seen, or nobody can read any more where it was
        return database.damaged and _in_common(rows, checkpoints) >= HALF
    here = whereabouts(rows)
    same_path, same_file = here.path == database.path, here.file_id == database.file_id
    if database.damaged and not checkpoints:  # what they would say of its rows, nobody knows
        return same_path or same_file
    has_ledger = here.ledger == database.ledger != ""
    if same_path and same_file and here.ledger == database.ledger:
        same = has_ledger or shares_tenant(rows, checkpoints)
        return same or _in_common(rows, checkpoints, tenants=False) >= HALF
    if same_path and rows.empty:
        return has_ledger
    return (same_path or same_file) and _in_common(rows, checkpoints) >= HALF


def _may_be(
    rows: ChainRows, here: KnownDatabase, database: KnownDatabase, checkpoints: Sequence[Checkpoint]
) -> bool:
    """Whether the file may be what became of the database, for all that its place and tenants tell."""
    if not database.path:
        return database.damaged and not rows.empty and shares_tenant(rows, checkpoints)
    is_here = here.path == database.path or here.file_id == database.file_id
    if not is_here or here.ledger != database.ledger or rows.empty:
        return False
    if here.ledger:
        return shares_tenant(rows, checkpoints)
    return _in_common(rows, checkpoints, times=False) == 1


def _in_common(
    rows: ChainRows, checkpoints: Sequence[Checkpoint], *, tenants: bool = True, times: bool = True
) -> float:
    """Which part of the newest checkpoint's first and last rows are there, whatever their hashes.

    Told by seq, and by their tenants and times.
    """
    wanted = {
        (seq, tenant, str(at))
        for checkpoint in checkpoints[-1:]
        for tenant, sealed in checkpoint.tenants.items()
        for seq, at in ((sealed.first_seq, sealed.first_at), (sealed.last_seq, sealed.head_at))
    }
    there = rows.at({seq for seq, _, _ in wanted})
    found = 0
    for seq, tenant, at in wanted:
        row = there.get(seq)
        if row is not None and (row.tenant == tenant or not tenants):
            found += row.at == at or not times
    return found / len(wanted) if wanted else 0
