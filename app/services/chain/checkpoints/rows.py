"""A few look-ups in the audit chain of a file, which tell which database it is."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, cast

from peewee import SQL, BaseQuery, Query, fn

from app.services.chain.reading import NEW_AT_MOST, entries_behind, few_behind, last_numbers, markers_of
from app.services.chain.rules import TABLE, begins_behind, named, seconds
from app.services.chain.where import InFile, Where
from models.engine import Database, Rows, raw
from models.errors import ColumnMissing, TableMissing, TenantAdminError
from models.schema import ENDS
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

_FIRSTS: Final = f"""
SELECT (SELECT min(seq) FROM {TABLE} WHERE tenant_id = value) FROM json_each(?1)
"""  # noqa: S608
"""By hand: one query for any number of tenants."""

_LASTS: Final = f"""
SELECT value, (SELECT max(seq) FROM {TABLE} WHERE tenant_id = value) FROM json_each(?1)
"""  # noqa: S608
"""By hand: one query for any number of tenants."""

_OTHERS: Final = f"""
SELECT 1 FROM {TABLE} WHERE seq <= ?1 AND tenant_id NOT IN (SELECT value FROM json_each(?2)) LIMIT 1
"""  # noqa: S608
"""By hand: any number of tenants."""


@dataclass(frozen=True, slots=True)
class ChainRow:
    """What is told of a row: its text as far as it can be decoded, its time as it is written."""

    tenant: str
    hash: str
    previous_hash: str
    at: str


Known = tuple[str | None, int, str | None]
"""Of an entry that was known whose it is, its number and its hash; None of what is not known of it."""


class ChainRows:
    """Look-ups in the audit chain `where` it is, which the first of them connects to, and `stack` leaves; few
    of them, and none that may fail for what a row holds. What was seen a moment ago is not asked for again.
    Each may raise as `Where.connect`.
    """

    def __init__(self, where: Where, stack: ExitStack) -> None:
        self.where, self._stack = where, stack
        self._seen: dict[Any, Any] = {}
        """Rows by seq, None for one that is not there, and other answers by their questions."""

    @cached_property
    def database(self) -> Database:
        return self._stack.enter_context(self.where.connect())

    @cached_property
    def _encoding(self) -> str:
        return self.database.encoding

    @property
    def may_search(self) -> bool:
        """Whether more may be read than is found: not where each row that is read is charged."""
        return not self.where.costs

    def at(self, seqs: Iterable[int]) -> dict[int, ChainRow]:
        """The rows that are there, by seq."""
        return {seq: row for chunk in self._chunks(seqs) for seq, row in chunk}

    def has(self, known: Known) -> bool:
        """Whether it is there as it was."""
        tenant, seq, head = known
        there = self.at([seq]).get(seq)
        return there is not None and tenant in (None, there.tenant) and head in (None, there.hash)

    def lost(self, known: Collection[Known], ledger: str = "") -> set[Known]:
        """Those that are not there as they were, and were not pruned: their tenants' chains, which hold, do
        not begin behind them by now, or others had their numbers before (`was_free`); none was pruned where
        this is another database by its `ledger`. By two or three queries, and more for a number that another
        has.
        """
        there = self.at(seq for _, seq, _ in known)
        gone = {one for one in known if not self.has(one)}
        firsts = self.firsts_of(sorted({tenant for tenant, _, _ in gone if tenant is not None}))
        is_other = bool(gone) and self.is_other(ledger)

        def was_pruned(tenant: str | None, seq: int, head: str | None) -> bool:
            if is_other or tenant is None or tenant not in firsts or not begins_behind(*firsts[tenant], seq):
                return False
            return seq not in there or self.was_free(seq, of=tenant, head=head)

        return {one for one in gone if not was_pruned(*one)}

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
        return self._scalar(_one(AuditEntry.tenant_id == tenant)) is not None

    @property
    def empty(self) -> bool:
        return self._scalar(_one()) is None

    @property
    def ends(self) -> list[tuple[int, ChainRow]]:
        """The first row and the last one, whosever they are; none of an empty chain."""
        found = self._rows(raw(f"SELECT {ENDS.format(rowid='seq', table=TABLE)}"))
        return sorted(self.at(seq for seqs in found for seq in seqs if seq is not None).items())

    def firsts_of(self, tenants: Collection[str]) -> dict[str, tuple[int, str]]:
        """The seq and the previous hash of the first rows of those tenants that are there, by two queries,
        which read two rows of each.
        """
        if not tenants:
            return {}
        found = self._once(raw(_FIRSTS, json.dumps(list(tenants))))
        there = self.at(seq for (seq,) in found if seq is not None)
        return {row.tenant: (seq, row.previous_hash) for seq, row in there.items()}

    def lasts_of(self, tenants: Collection[str]) -> dict[str, int]:
        """The last seq of those tenants that are there."""
        found = self._once(raw(_LASTS, json.dumps(list(tenants)))) if tenants else []
        return {tenant: seq for tenant, seq in found if isinstance(seq, int)}

    def was_free(self, seq: int, *, of: str, head: str | None) -> bool:
        """Whether the row that has this number took it when the entry `of` that tenant, whose hash was
        `head`, had been pruned, as its markers tell, which are read: the platform's gateway may give free
        numbers again.
        """
        ((markers, _),) = markers_of(self.database, self._encoding, [of])
        first = min((one for one in markers if one.to_seq >= seq), key=lambda one: one.seq, default=None)
        if first is None or (first.to_seq == seq and head is not None):
            return first is not None and first.last_hash == head
        there = self.at([seq, first.seq])
        pruned, taken = (_time_of(there.get(number)) for number in (first.seq, seq))
        return pruned is not None and taken is not None and taken >= pruned

    def numbered_through(self) -> int:
        """The highest number that the file has ever given; 0 where it does not say."""
        if last_numbers not in self._seen:
            self._seen[last_numbers] = last_numbers(self.database)
        counter, _, _ = self._seen[last_numbers]
        return counter if isinstance(counter, int) else 0

    def with_any_hash(self, hashes: Iterable[str]) -> tuple[str, str] | None:
        """Hash and previous hash of a row that has, or continues, one of these; reads the whole table."""
        found = self._rows(raw(_ANY_HASH, json.dumps(list(hashes))))
        return (self._text(found[0][0]), self._text(found[0][1])) if found else None

    def number_of(self, tenant: str, head: str, *, behind: int) -> int | None:
        """Of the row of that tenant with this hash, among those with a greater number; None of none."""
        is_it = (AuditEntry.seq > behind) & (AuditEntry.tenant_id == tenant) & (AuditEntry.hash == head)
        found = self._scalar(AuditEntry.select(AuditEntry.seq).where(is_it).limit(1).tuples())
        return found if isinstance(found, int) else None

    def behind(self, seq: int) -> int:
        """How many rows have a greater number; where each is charged, `NEW_AT_MOST` are counted."""
        if (entries_behind, seq) not in self._seen:
            count = entries_behind if self.may_search else partial(few_behind, most=NEW_AT_MOST)
            try:
                self._seen[entries_behind, seq] = count(self.database, seq)
            except (TableMissing, ColumnMissing):
                return 0
        return int(self._seen[entries_behind, seq])

    def last_of_each(self) -> dict[int, ChainRow]:
        """Every tenant's last row, by seq; reads an index whole."""
        query = AuditEntry.select(fn.MAX(AuditEntry.seq)).group_by(AuditEntry.tenant_id)
        return self.at(seq for (seq,) in self._rows(query.tuples()))

    def are_in(self, path: str, these: Mapping[int, ChainRow]) -> bool:
        """Whether the file in this path has these rows, too, by seq, and as many up to the last of them."""
        end = max(these)
        with suppress(TenantAdminError, OSError), rows_of(InFile(Path(path))) as other:
            return other.at(these) == these and other.until(end) == self.until(end)
        return False

    def until(self, seq: int) -> int:
        """How many rows have this number or a lower one."""
        query = AuditEntry.select(fn.COUNT(SQL("*"))).where(AuditEntry.seq <= seq)
        return int(self._scalar(query.tuples()) or 0)

    def has_others(self, tenants: Collection[str], until: int) -> bool:
        """Whether there is an entry of any other tenant with this number or a lower one."""
        return self._scalar(raw(_OTHERS, until, json.dumps(list(tenants)))) is not None

    def ledger(self) -> str:
        """When the first migration ran; empty where there is no ledger."""
        try:
            found = self.database.scalar(raw(_FIRST_MIGRATION))
        except (TableMissing, ColumnMissing):
            return ""
        return self._text(found)

    def is_other(self, ledger: str) -> bool:
        """Whether it is another database than that whose first migration ran at the time `ledger`, as far as
        both tell.
        """
        return bool(ledger) and self.ledger() not in ("", ledger)

    def _rows(self, query: BaseQuery) -> Rows:
        """None of a table that is gone, or is another by now, which is told where it is verified."""
        try:
            return self.database.rows(query)
        except (TableMissing, ColumnMissing):
            return []

    def _scalar(self, query: BaseQuery) -> Any:
        found = self._rows(query)
        return found[0][0] if found else None

    def _once(self, query: BaseQuery) -> Rows:
        sql, values = query.sql()
        key = sql, tuple(values)
        if key not in self._seen:
            self._seen[key] = self._rows(query)
        return cast("Rows", self._seen[key])

    def _chunks(self, seqs: Iterable[int]) -> Iterator[list[tuple[int, ChainRow]]]:
        wanted = sorted({seq for seq in seqs if isinstance(seq, int)})  # what else a row has is no number
        if before := [(seq, row) for seq in wanted if (row := self._seen.get(seq)) is not None]:
            yield before
        left = [seq for seq in wanted if seq not in self._seen]
        size = min(AT_ONCE, self.database.limits.parameters) if left else 1
        columns = AuditEntry.tenant_id, AuditEntry.hash, AuditEntry.previous_hash, AuditEntry.created_at
        for some in (left[first : first + size] for first in range(0, len(left), size)):
            query = AuditEntry.select(AuditEntry.seq, *(column.cast("BLOB") for column in columns))
            rows = self._rows(query.where(AuditEntry.seq.in_(some)).tuples())
            known = ((seq, values) for seq, *values in rows if isinstance(seq, int))
            found = [(seq, ChainRow(*map(self._text, values))) for seq, values in known]
            self._seen |= {**dict.fromkeys(some), **dict(found)}
            yield found

    def _text(self, stored: bytes | None) -> str:
        return named(bytes(stored or b""), self._encoding)


@contextmanager
def rows_of(where: Where) -> Iterator[ChainRows]:
    """Look-ups in the file, or in the live database."""
    with ExitStack() as stack:
        yield ChainRows(where, stack)


def ledger_of(where: Where) -> str:
    """When the first migration of a file ran, where it can be read; a live one is told by its identity."""
    with suppress(TenantAdminError, OSError):
        if not where.costs:
            with rows_of(where) as rows:
                return rows.ledger()
    return ""


def is_another(where: Where, ledger: str) -> bool:
    """`ChainRows.is_other`; what cannot be read tells nothing."""
    with suppress(TenantAdminError, OSError):
        if ledger:
            with rows_of(where) as rows:
                return rows.is_other(ledger)
    return False


def _time_of(row: ChainRow | None) -> int | None:
    with suppress(ValueError):
        return None if row is None else seconds(int(row.at))
    return None


def _one(*where: Any) -> Query:
    query = AuditEntry.select(SQL("1"))
    return (query.where(*where) if where else query).limit(1).tuples()
