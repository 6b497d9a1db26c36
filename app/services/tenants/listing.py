"""All tenants as one more list: read at once, then filtered and sorted here, so that tabs show it as any."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from peewee import IntegerField, Model, TextField

from app.services.chain.rules import SOUND, Verdict
from app.services.deliveries.log import DeliveryLog
from app.services.opened import Opened
from app.services.records.list_query import Key, ListedValue, ListQuery
from app.services.records.lists import Counts, Keys, Last, Listing, Lists, Newer, Page
from app.services.records.tables import ColumnKind, Table, TableColumn
from app.services.sought import sought
from app.services.tenants.overview import KnownOfChains, TenantRow, cost, judged, overview
from app.services.text import folded
from models.engine import Database

NEED, FAILING = "need", "failing"
"""What a list may keep tenants by, beside the values of columns: as a choice of the column `WHICH`."""

WHICH: Final = "which"

_MOST_KEPT = 8
"""Lists in their order that are remembered: a page of one is asked for by its query."""


class TenantStanding(Model):
    """The columns of the list; no table of any database."""

    name = TextField(primary_key=True)
    users = IntegerField(null=True)
    chain = TextField()
    entries = IntegerField(null=True)
    unread = IntegerField(null=True)
    webhooks = IntegerField(null=True)
    runs = IntegerField(null=True)
    first = IntegerField(null=True)
    last = IntegerField(null=True)

    class Meta:
        table_name = "all tenants"


_C, _K = TableColumn, ColumnKind

ALL_TENANTS: Final = Table(
    TenantStanding,
    "Tenants",
    ("tenant", "tenants"),
    main="name",
    enough=400,  # a name is read whole as long as it fits
    gives_way=("first", "runs", "entries", "webhooks", "unread", "users", "last", "chain"),
    sort="last",
    time="last",
    columns=(
        _C("name", _K.KEY, "Tenant", searched=True),
        _C("users", _K.NUMBER, "Users"),
        _C("chain", _K.WORD, "Chain"),
        _C("entries", _K.NUMBER, "Entries"),
        _C("unread", _K.NUMBER, "Unread"),
        _C("webhooks", _K.NUMBER, "Webhooks"),
        _C("runs", _K.NUMBER, "Runs", hidden=True),
        _C("first", _K.TIME, "Earliest", hidden=True),
        _C("last", _K.TIME, "Latest"),
    ),
)
"""Each row ends with its `TenantRow`, behind the values of these columns."""


@dataclass(frozen=True, slots=True)
class TenantTotals:
    """What the tenants of a list have together. Of their chains so many were found to hold, of which so many
    are no more than consistent, and the others were not. What is counted in a table that is `missing` is
    no number.
    """

    tenants: int = 0
    users: int = 0
    entries: int = 0
    unread: int = 0
    active: int = 0
    failing: int = 0
    runs: int = 0
    verified: int = 0
    consistent: int = 0
    not_verified: int = 0
    erased: int = 0
    missing: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Sequence[TenantRow]) -> "TenantTotals":
        judged = [row for row in rows if not row.is_erased]
        verified = sum(row.holds for row in judged)
        chains = sum(row.has_chain for row in judged)
        sums = {name: sum(getattr(row, name) or 0 for row in rows) for name in _SUMMED}
        missing = frozenset[str]().union(*(row.missing for row in rows))
        return cls(
            len(rows),
            verified=verified,
            consistent=sum(row.holds and row.verdict is Verdict.CONSISTENT for row in judged),
            not_verified=chains - verified,
            erased=len(rows) - len(judged),
            missing=missing,
            **sums,
        )


_SUMMED: Final = ("users", "entries", "unread", "active", "failing", "runs")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The tenants of one query, in its order."""

    of: int
    names: Sequence[str]
    totals: TenantTotals


class TenantLists(Lists):
    """`Lists` of `ALL_TENANTS`. What was read is shown until `forget()`; `known` is what is known of chains.

    `generation` counts how often that became another.
    """

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened.schema, opened.sizes)
        self._stored, self._opened_sizes, self._kept_by = opened.schema.stored, opened.sizes, opened.kept_by
        self._rows: Mapping[str, TenantRow] = MappingProxyType({})
        self._wanted, self._read_for = 1, 0
        self._lists: OrderedDict[ListQuery, _Kept] = OrderedDict()
        self.known = KnownOfChains()
        self.generation = 0
        self.of_chips: Mapping[str, int | None] = {"": None, NEED: None, FAILING: None}
        """How many of all there are, and how many a list keeps of them by `WHICH`; None until it is read."""

    def forget(self) -> None:
        """All of it is read again when it is next asked for."""
        self._wanted += 1

    @property
    def readings(self) -> tuple[int, int]:
        """How many readings have been wanted, and which of them has come last."""
        return self._wanted, self._read_for

    @property
    def is_read(self) -> bool:
        """Whether what is at hand is shown without reading anything."""
        return self._wanted == self._read_for

    def reads(self, query: ListQuery, rows: int) -> int:
        return 0 if self.is_read else cost(self._stored, self._opened_sizes)

    def at_hand(self) -> Mapping[str, TenantRow]:
        """As they were read last, by name."""
        return self._rows

    def judge(self, known: KnownOfChains) -> None:
        """Says of what is at hand what is known of chains now; nothing is read. Where a later verification
        saw a chain to its end nothing came since.
        """
        self.known = known
        rows = {name: judged(_replaced(row, known), known) for name, row in self._rows.items()}
        self._take(rows)

    def totals(self, query: ListQuery) -> TenantTotals:
        """Of a list that was opened, as it was read last."""
        kept = self._lists.get(query)
        return TenantTotals() if kept is None else kept.totals

    def _take(self, rows: Mapping[str, TenantRow]) -> None:
        need, failing = (
            sum(row.is_in_need for row in rows.values()),
            sum(row.failing > 0 for row in rows.values()),
        )
        self.of_chips = {"": len(rows), NEED: need, FAILING: failing}
        self._rows, self.generation = MappingProxyType(rows), self.generation + 1

    def _read_all(self, database: Database) -> None:
        wanted = self._wanted
        if wanted != self._read_for:
            found = overview(database, self.known, DeliveryLog(), str(self._kept_by))
            self._take({row.name: row for row in found})
            self._read_for = wanted

    def _keep(self, database: Database, query: ListQuery) -> _Kept:
        self._read_all(database)
        generation, kept = self.generation, self._lists.get(query)
        if kept is None or kept.of != generation:
            rows = [row for row in self._rows.values() if _keeps(query, row)]
            rows = _in_order(rows, query)
            kept = _Kept(generation, [row.name for row in rows], TenantTotals.of(rows))
            self._lists[query] = kept
            while len(self._lists) > _MOST_KEPT:
                self._lists.popitem(last=False)
        return kept

    # What a list is asked for

    def open_list(self, database: Database, query: ListQuery, first_rows: int = 200) -> Listing:
        names = self._keep(database, query).names
        return Listing(query, len(names), names, self._page(names[:first_rows]))

    def open_readable(self, database: Database, query: ListQuery, first_rows: int = 200) -> Listing:
        return self.open_list(database, query, first_rows)

    def load_keys(self, database: Database, query: ListQuery) -> Keys:
        return self._keep(database, query).names

    def load_known(self, database: Database, query: ListQuery) -> tuple[Keys, Last]:
        return self.load_keys(database, query), None

    def load_page(self, database: Database, query: ListQuery, keys: Keys) -> Page:
        self._read_all(database)
        return self._page(keys)

    def count(self, database: Database, query: ListQuery) -> int:
        return len(self._keep(database, query).names)

    def locate(self, database: Database, query: ListQuery, record_id: Any) -> tuple[int, Key] | None:
        names = self._keep(database, query).names
        return (names.index(record_id), record_id) if record_id in names else None

    def key_of(self, database: Database, query: ListQuery, record_id: Any) -> Key | None:
        found = self.locate(database, query, record_id)
        return None if found is None else found[1]

    def newest(self, database: Database, query: ListQuery) -> int | None:
        return None

    def newer(self, database: Database, query: ListQuery, after: int) -> Newer:
        return Newer(0, None, None)

    def choices(self, database: Database, query: ListQuery, columns: Iterable[str]) -> dict[str, Counts]:
        return {}

    def value_at(
        self, database: Database, query: ListQuery, key: Key, column: str
    ) -> tuple[ListedValue] | None:
        row = self._rows.get(str(key))
        return None if row is None else (_values(row)[ALL_TENANTS.names.index(column)],)

    def _page(self, names: Sequence[Any]) -> Page:
        rows = (self._rows.get(name) for name in names)
        return tuple(None if row is None else (*_values(row), row) for row in rows)


def _replaced(row: TenantRow, known: KnownOfChains) -> TenantRow:
    """Nothing of it is newer where both its numbers and its times are from before."""
    is_older = row.head is not None and row.head <= known.through and (row.last or 0) <= known.at
    return replace(row, newer=0) if is_older else row


def _values(row: TenantRow) -> tuple[Any, ...]:
    users, entries, unread, active = map(row.number, ("users", "entries", "unread", "active"))
    return row.name, users, row.chain, entries, unread, active, row.runs, row.first, row.last


def _keeps(query: ListQuery, row: TenantRow) -> bool:
    if query.text and not row.has(sought(query.text)):
        return False
    last = row.last
    if query.since is not None and (last is None or last < query.since):
        return False
    if query.until is not None and (last is None or last >= query.until):
        return False
    return all(_is_one_of(column, values, row) for column, values in query.choices)


def _is_one_of(column: str, values: Sequence[ListedValue], row: TenantRow) -> bool:
    if column == WHICH:
        return row.is_in_need if NEED in values else row.failing > 0
    return _values(row)[ALL_TENANTS.names.index(column)] in values


def _severity(row: TenantRow) -> int:
    """Sorted by it, what is broken comes first, and what nobody has verified before what holds."""
    if row.is_gone:
        return list(Verdict).index(Verdict.TAMPERED)
    if row.lacks_end:
        return list(Verdict).index(Verdict.EARLIER)
    if row.verdict is None:
        return int(row.entries > 0)
    return 0 if row.verdict in SOUND else list(Verdict).index(row.verdict)


_SORTED_BY: Final[Mapping[str, Callable[[TenantRow], Any]]] = {
    "name": lambda row: folded(row.name),
    "chain": lambda row: (-_severity(row), -row.newer),
    "webhooks": lambda row: None if row.number("active") is None else (row.failing, row.active),
}


def _in_order(rows: Sequence[TenantRow], query: ListQuery) -> list[TenantRow]:
    """Those without a value at the end; alike ones by their names."""
    name = query.sort or ALL_TENANTS.sort
    descending = ALL_TENANTS.descending if query.sort is None else query.descending

    def by(row: TenantRow) -> Any:
        return _SORTED_BY[name](row) if name in _SORTED_BY else row.number(name)

    ordered = sorted(rows, key=lambda row: folded(row.name))
    there = [row for row in ordered if by(row) is not None]
    there.sort(key=by, reverse=descending)
    return there + [row for row in ordered if by(row) is None]
