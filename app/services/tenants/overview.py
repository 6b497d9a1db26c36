"""How every tenant stands: one row for each that any table mentions, counted by one query a table."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Final

from peewee import BaseQuery, Select, fn
from peewee import Table as PeeweeTable

from app.services.chain.checkpoints.kept import KeptVerdict, knows
from app.services.chain.rules import BROKEN, CALLED, SOUND, Verdict
from app.services.chain.verify.report import LostEnd
from app.services.deliveries.log import DeliveryLog, DeliverySummary, Fares, Health, health_of
from app.services.records.belonging import ErasedTenant, erased
from app.services.records.history import summary
from app.services.records.list_query import CELL_CHARACTERS, ListQuery
from app.services.records.lists import Lists
from app.services.records.record import value_of
from app.services.records.stored_times import epoch_of, moment_in_sql
from app.services.records.tables import (
    AUDIT_CHAIN,
    NOTIFICATIONS,
    OFF,
    ON,
    PLANNING_RUNS,
    USERS,
    WEBHOOK_DESTINATIONS,
    Scope,
)
from app.services.sought import sought
from app.services.text import counted
from models.engine import Database, raw
from models.schema import TENANTS, Schema, StoredTable, StoredTables, caseless, internal, read_stored
from models.status import DAY

_TENANT: Final = "tenant_id"
_PASSWORD: Final = USERS.column("has_password")
_TIMES: Final = ("created_at", "updated_at")
_ACTIVE: Final = (
    "SELECT id FROM main.webhook_destinations WHERE active IN (1, '1') "
    "AND id IN (SELECT value FROM json_each(?))"
)
_READ_OF_SHAPE: Final = 4
"""Rows that are charged for each table, column and index: they are looked at first."""
SHOWN: Final = 14
"""Deliveries to all webhooks of a tenant that a list has room for."""

COUNTED_IN: Final[Mapping[str, str]] = {
    "users": USERS.name,
    "passwordless": USERS.name,
    "entries": AUDIT_CHAIN.name,
    "notifications": NOTIFICATIONS.name,
    "unread": NOTIFICATIONS.name,
    "webhooks": WEBHOOK_DESTINATIONS.name,
    "active": WEBHOOK_DESTINATIONS.name,
    "failing": WEBHOOK_DESTINATIONS.name,
}
"""In which table a number of a tenant is counted."""


@dataclass(frozen=True, slots=True)
class KnownOfChains:
    """What the last verification, which was made `at` and saw the entries up to seq `through`, says of each
    tenant's chain; `others` of those that it does not name. Something `is_broken` that it may not name.
    `findings` are how many of a tenant are known. It `is_doubted` where what was found may hold no more.
    `ends_lost` are the tenants of whom the last entry that was verified is gone. With the table, all of all
    that was known `is_gone`.
    """

    at: int = 0
    through: int = 0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    others: Verdict | None = None
    is_broken: bool = False
    findings: Mapping[str, int] = field(default_factory=dict)
    is_doubted: bool = False
    ends_lost: frozenset[str] = frozenset()
    is_gone: bool = False

    @property
    def names_none(self) -> bool:
        """Whether something is broken, and it is not known any more in whose chain."""
        return self.is_broken and self.others is None and not self.verdicts


def known_of(
    said: KeptVerdict | None,
    there: Collection[str] = (),
    lost: LostEnd | None = None,
    *,
    is_gone: bool = False,
) -> KnownOfChains:
    """What is still known of it after a restart: of each of a whole that did not hold, of all of them and of
    whom something else, or nothing of any. What was found when an end had been lost says of the others what
    it would without that; what was found before, no more, but of those whose own ends were looked for by now
    and are `there`. Where no whole was ever verified, what is `lost` of the tenants that were. Where the
    chain `is_gone` as a table, nothing that was found of it before is so any more.
    """
    if is_gone:
        broken = {} if said is None else {name: one for name, one in said.tenants.items() if one in BROKEN}
        at = 0 if said is None or not said.lacks_table else said.at
        return KnownOfChains(at, verdicts=broken if at else {}, ends_lost=whose(lost), is_gone=True)
    if said is None:
        return KnownOfChains(ends_lost=whose(lost))
    lost = said.lost_end if said.intact else None
    is_doubted = lost is not None and said.is_before_loss
    is_of_all = replace(said, lost_end=None).is_of_all
    # What was verified from a checkpoint on is known to that.
    each = said.each or (said.verdict if said.since is None else knows(said.verdict))
    verdicts = said.tenants if is_of_all or not said.intact else {}
    if is_doubted and is_of_all:
        verdicts = {name: verdicts.get(name, each) for name in there}
    return KnownOfChains(
        said.at,
        said.through,
        verdicts,
        each if is_of_all and not is_doubted else None,
        is_broken=said.verdict in BROKEN,
        is_doubted=is_doubted,
        ends_lost=whose(lost),
    )


def whose(lost: LostEnd | None) -> frozenset[str]:
    """The tenants whose entries they were, as far as that is known."""
    return frozenset() if lost is None else lost.tenants


@dataclass(frozen=True, slots=True)
class TenantRow:
    """How a tenant stands. `title` and `plan` are what the platform's own table calls it. Of its `users` so
    many are `passwordless`. `verdict` is what was found of its chain `verified_at`, with so many `findings`,
    None where nothing was, or where it `is_unsaid` what; it `has_lost_end`, or `is_gone`, as `KnownOfChains`
    says; `newer` of its entries came since, and `head` is the last one's number. Of its `active` webhooks
    what was sent last to so many is `failing`; `attempts` are the last `SHOWN` deliveries to all of these,
    the oldest first. `rows` counts all that are its own, `first` and `last` are the earliest and the latest
    time in them. `runs` is None where a run has no tenant; what else is counted in a table that is `missing`
    is no number either, as `number` says.
    """

    name: str
    title: str = ""
    plan: str = ""
    users: int = 0
    passwordless: int = 0
    entries: int = 0
    newer: int = 0
    head: int | None = None
    verdict: Verdict | None = None
    verified_at: int | None = None
    is_unsaid: bool = False
    has_lost_end: bool = False
    is_gone: bool = False
    findings: int = 0
    notifications: int = 0
    unread: int = 0
    webhooks: int = 0
    active: int = 0
    failing: int = 0
    attempts: tuple[DeliverySummary, ...] = ()
    runs: int | None = None
    rows: int = 0
    first: int | None = None
    last: int | None = None
    erased: ErasedTenant | None = None
    missing: frozenset[str] = frozenset()

    def number(self, name: str) -> int | None:
        """How many it has of what an attribute counts; None where the database has no table of these."""
        if COUNTED_IN.get(name) in self.missing:
            return None
        counts: int | None = getattr(self, name)
        return counts

    @property
    def chain(self) -> str:
        """How its chain stands, in words."""
        if self.is_gone:
            return "gone"
        if self.is_erased:
            return "erased"
        if self.lacks_end:
            return "end lost"
        if self.verdict is None:
            seen = "not known" if self.is_unsaid else "not verified"
            none = "none" if AUDIT_CHAIN.name in self.missing else "no entries"
            return seen if self.entries else none
        said = CALLED[self.verdict]
        if self.findings and self.verdict in BROKEN:
            said += f", {counted(self.findings, 'finding')}"
        return f"{said}, {self.newer:,} new since" if self.newer else said

    @property
    def is_erased(self) -> bool:
        """Whether no more is said of its chain than that."""
        return self.erased is not None and self.verdict not in BROKEN and not self.is_gone

    @property
    def lacks_end(self) -> bool:
        """Whether it has lost its end, and nothing worse was found."""
        return self.has_lost_end and self.verdict not in BROKEN

    @property
    def holds(self) -> bool:
        return self.verdict in SOUND and not (self.has_lost_end or self.is_gone)

    @property
    def is_in_need(self) -> bool:
        """Whether its chain or a webhook needs looking after; a chain does that nobody ever verified."""
        return self.failing > 0 or (self.has_chain and not self.holds)

    @property
    def has_chain(self) -> bool:
        """Whether any entry of it is there, or is known."""
        return self.entries > 0 or self.verdict is not None or self.has_lost_end or self.is_gone

    def has(self, text: str) -> bool:
        """Whether its name, or what the platform calls it, has a text (`sought`) in it."""
        return text in sought(f"{self.name}\0{self.title}\0{self.plan}")

    def to_json(self) -> dict[str, Any]:
        return {
            "tenant": self.name,
            "title": self.title,
            "plan": self.plan,
            "users": self.number("users"),
            "withoutPassword": self.number("passwordless"),
            "entries": self.number("entries"),
            "chain": None if self.verdict is None else str(self.verdict),
            "endLost": self.has_lost_end,
            "gone": self.is_gone,
            "newEntries": self.newer,
            "lastEntry": self.head,
            "verifiedAt": self.verified_at,
            "notifications": self.number("notifications"),
            "unread": self.number("unread"),
            "webhooks": self.number("webhooks"),
            "activeWebhooks": self.number("active"),
            "failingWebhooks": self.number("failing"),
            "planningRuns": self.runs,
            "rows": self.rows,
            "firstActivity": self.first,
            "lastActivity": self.last,
            "erasedAt": None if self.erased is None else epoch_of(self.erased.at),
            "erasedBy": None if self.erased is None else self.erased.actor,
        }


_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "users": ("user",),
    "entries": ("entry", "entries"),
    "unread": ("unread notification",),
    "active": ("active webhook",),
}


def totals(rows: Sequence[TenantRow], *, of_one: bool = False) -> str:
    """What they have together, in words; `of_one` whose name stands before. Of what the database has no table
    nothing is said.
    """
    missing = frozenset[str]().union(*(row.missing for row in rows))
    sums = {name: sum(getattr(row, name) for row in rows) for name in _SAID}
    failing = sum(row.failing for row in rows)
    parts = [] if of_one else [counted(len(rows), "tenant")]
    parts += [counted(sums[name], *of) for name, of in _SAID.items() if COUNTED_IN[name] not in missing]
    if failing:
        parts[-1] += f", {failing:,} failing"
    return " · ".join(parts)


def of_tenants(stored: StoredTables) -> list[StoredTable]:
    """The tables whose rows belong to a tenant, ours or not, the platform's own table of them last."""
    own = [
        table
        for name, table in stored.items()
        if not internal(name) and caseless(name) != TENANTS and _column(table, _TENANT)
    ]
    return own + [table for name, table in stored.items() if caseless(name) == TENANTS and _key(table)]


def cost(stored: StoredTables, sizes: Mapping[str, int]) -> int:
    """How many rows `overview` reads, as far as `Opened.sizes` tells."""
    shape = sum(1 + len(table.names) + len(table.indexes) for table in stored.values())
    erasures = sizes.get(AUDIT_CHAIN.name, 0)  # which entries in the chain of `system` tell
    return sum(sizes.get(table.name, 0) for table in of_tenants(stored)) + _READ_OF_SHAPE * shape + erasures


def overview(
    database: Database, known: KnownOfChains, log: DeliveryLog | None, kept_by: str
) -> list[TenantRow]:
    """Every tenant that any table mentions, in order of their names; `known` and `kept_by`
    (`Opened.kept_by`) are of this database. The caller holds a connection.

    Raises the storage errors, and `LogUnreadable` where there is a `log`.
    """
    tables, found = read_stored(database, lambda tables: [_query(one, known) for one in of_tenants(tables)])
    there = {table.name for table in of_tenants(tables)}
    none = TenantRow(
        "", runs=0 if PLANNING_RUNS.name in there else None, missing=frozenset(COUNTED_IN.values()) - there
    )
    counts: defaultdict[str, TenantRow] = defaultdict(lambda: none)
    for table, rows in zip(of_tenants(tables), found, strict=True):
        names = list(_asked(table))
        for row in rows:
            name = _text(database, row[0])
            counts[name] = _added(counts[name], table, dict(zip(names, row, strict=True)), database)
    sent = _deliveries(database, tables, log, kept_by)
    chain = tables.get(AUDIT_CHAIN.name)
    is_chain = chain is not None and all(_column(chain, name) for name in _OF_ENTRIES)
    if is_chain:
        for name, one in erased(database).items():
            if name in counts and counts[name].rows == counts[name].entries == 1:
                counts[name] = replace(counts[name], erased=one)
    gone = {name for name, verdict in known.verdicts.items() if verdict in BROKEN} | known.ends_lost
    return [
        judged(replace(counts[name], name=name, **sent.get(name, {})), known)
        for name in sorted(counts.keys() | gone)
    ]


def _column(table: StoredTable, name: str) -> str | None:
    return next((column for column in table.names if caseless(column) == name), None)


def _key(table: StoredTable) -> str | None:
    """By what a row of it names its tenant."""
    return _column(table, "id" if caseless(table.name) == TENANTS else _TENANT)


def _asked(table: StoredTable) -> Iterator[str]:
    """What is asked of a table's rows, in order; `_expression` says how."""
    yield "name"
    yield "rows"
    if caseless(table.name) == TENANTS:
        yield from (name for name in ("title", "plan") if _column(table, _SPELT[name]))
    for name, (owner, column) in _FLAGGED.items():
        if table.name == owner and _column(table, column):
            yield name
    if table.name == AUDIT_CHAIN.name and _column(table, "seq"):
        yield _HEAD
    for time in _TIMES:
        if _column(table, time):
            yield from (f"first {time}", f"last {time}")


_SPELT: Final = {"title": "name", "plan": "plan"}
_FLAGGED: Final = {
    "passwordless": (USERS.name, _PASSWORD.source),
    "newer": (AUDIT_CHAIN.name, "seq"),
    "unread": (NOTIFICATIONS.name, "read"),
    "active": (WEBHOOK_DESTINATIONS.name, "active"),
}
_COUNTS: Final = {
    USERS.name: "users",
    AUDIT_CHAIN.name: "entries",
    NOTIFICATIONS.name: "notifications",
    WEBHOOK_DESTINATIONS.name: "webhooks",
    PLANNING_RUNS.name: "runs",
}
_HEAD: Final = "head"
_OF_ENTRIES: Final = ("seq", "tenant_id", "event_type", "payload", "created_at")


def _query(table: StoredTable, known: KnownOfChains) -> BaseQuery:
    source = PeeweeTable(table.name, schema="main")
    key = getattr(source.c, _key(table) or "")

    def expression(name: str) -> Any:
        def column(wanted: str) -> Any:
            return getattr(source.c, _column(table, wanted) or "")

        if name == "rows":
            return fn.COUNT(key)
        if name == "name":
            return key.cast("BLOB")
        if name in _SPELT:
            return fn.MIN(fn.SUBSTR(column(_SPELT[name]).cast("BLOB"), 1, 512))
        if name in _FLAGGED:
            of = column(_FLAGGED[name][1])
            flag = {
                "newer": lambda: _came_since(source, table, of, known),
                "unread": lambda: of.in_(OFF),
                "passwordless": lambda: value_of(_PASSWORD, source) == 0,
            }
            return fn.SUM(flag.get(name, lambda: of.in_(ON))())
        if name == _HEAD:
            return fn.MAX(column("seq"))
        which, _, time = name.partition(" ")
        return (fn.MIN if which == "first" else fn.MAX)(moment_in_sql(column(time)))

    asked = [expression(name) for name in _asked(table)]
    return Select([source], asked).where(key.is_null(False)).group_by(key.collate("BINARY"))


def _came_since(source: PeeweeTable, table: StoredTable, seq: Any, known: KnownOfChains) -> Any:
    """Whether an entry came after that verification: by its number, or by its time where a gateway has
    numbered it by itself, from 1 on in each tenant.
    """
    time = _column(table, "created_at")
    later = seq > known.through
    return (
        later if time is None or not known.at else later | (moment_in_sql(getattr(source.c, time)) > known.at)
    )


def _text(database: Database, stored: bytes | str | None) -> str:
    return stored.decode(database.encoding, "replace") if isinstance(stored, bytes) else str(stored or "")


def _added(row: TenantRow, table: StoredTable, told: Mapping[str, Any], database: Database) -> TenantRow:
    """The same with what one table tells of it; two tenants that are shown alike are one."""
    stored = (value for name, value in told.items() if " " in name)
    times = [int(value) for value in stored if isinstance(value, int | float) and isfinite(value)]
    more: dict[str, Any] = {
        name: getattr(row, name) + int(told[name] or 0) for name in _FLAGGED if name in told
    }
    more |= {name: _text(database, told[name]) for name in _SPELT if told.get(name)}
    if caseless(table.name) != TENANTS:
        more["rows"] = row.rows + told["rows"]
    if (counts := _COUNTS.get(table.name)) is not None:
        more[counts] = (getattr(row, counts) or 0) + told["rows"]
    if isinstance(told.get(_HEAD), int):
        more[_HEAD] = max(told[_HEAD], row.head or 0)
    if times:
        more["first"] = min([*times, *([] if row.first is None else [row.first])])
        more["last"] = max([*times, *([] if row.last is None else [row.last])])
    return replace(row, **more)


def judged(row: TenantRow, known: KnownOfChains) -> TenantRow:
    """The same by what is known of chains now; how many entries came since stays as it was counted."""
    verdict = known.verdicts.get(row.name)
    were_seen = row.entries > row.newer  # else all of them came since
    if verdict is None and were_seen:
        verdict = known.others
    at = None if verdict is None else known.at
    is_lost = known.names_none or (known.is_doubted and verdict is None)
    has_lost_end = row.name in known.ends_lost
    return replace(
        row,
        verdict=verdict,
        verified_at=at,
        is_unsaid=(is_lost and were_seen) or (has_lost_end and verdict is None),
        has_lost_end=has_lost_end,
        is_gone=known.is_gone,
        findings=known.findings.get(row.name, 0),
    )


def _deliveries(
    database: Database, tables: StoredTables, log: DeliveryLog | None, kept_by: str
) -> Mapping[str, Mapping[str, Any]]:
    """Of each tenant the last deliveries to those webhooks that are still there and active, and to how many
    of them the last one failed.
    """
    if log is None or not {"id", "active"} <= {*getattr(tables.get(WEBHOOK_DESTINATIONS.name), "names", ())}:
        return {}
    found = health_of(log, kept_by)
    if not found:
        return {}
    asked = json.dumps(sorted({webhook for _, webhook in found}))
    active = {row[0] for row in database.rows(raw(_ACTIVE, asked))}
    of = defaultdict[str, list[Health]](list)
    for (tenant, webhook), one in found.items():
        if webhook in active:
            of[tenant].append(one)
    return {tenant: _sent(healths) for tenant, healths in of.items()}


def _sent(healths: Sequence[Health]) -> Mapping[str, Any]:
    attempts = sorted(
        (one for each in healths for one in each.attempts), key=lambda one: (one.at, one.number)
    )
    failing = sum(each.fares is Fares.FAILING for each in healths)
    return {"failing": failing, "attempts": tuple(attempts[-SHOWN:])}


DAYS: Final = 60
"""How many days back the entries of a tenant are counted by the day."""

LATEST: Final = 5

_READ: Final = (
    "SELECT seq, CAST(event_type AS BLOB), substr(CAST(payload AS BLOB), 1, ?), created_at, "
    "CAST(hash AS BLOB) FROM main.audit_chain WHERE tenant_id = ? ORDER BY seq DESC LIMIT ?"
)
_COLUMNS: Final = {"seq", "event_type", "payload", "created_at", "hash", "tenant_id"}


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """`said` is what it says in a line: its summary, or its type."""

    seq: int
    said: str
    created_at: Any


@dataclass(frozen=True, slots=True)
class TenantDetail:
    """`row` is that of the list. `latest` are its last entries, the newest first, which has `head_hash`.
    `days` are as of `Lists.per_day`; None where they were not counted.
    """

    row: TenantRow
    latest: tuple[LatestEntry, ...] = ()
    head_hash: str | None = None
    days: tuple[tuple[int, int], ...] | None = None


def read(
    database: Database,
    schema: Schema,
    lists: Lists,
    row: TenantRow,
    *,
    now: int,
    day_of: Callable[[int], int] | None,
    days: bool,
) -> TenantDetail:
    """Reads `LATEST` rows, by their index, and with `days` all entries of the tenant. The caller holds a
    connection. Raises the storage errors.
    """
    if not row.entries or _COLUMNS - {*schema.columns.get(AUDIT_CHAIN.name, ())}:
        return TenantDetail(row, days=())

    def text(stored: bytes | None) -> str:
        return (stored or b"").decode(database.encoding, "replace")

    found = list(database.rows(raw(_READ, CELL_CHARACTERS, row.name, LATEST)))
    latest = tuple(
        LatestEntry(seq, summary(text(kind), text(payload)) or text(kind), at)
        for seq, kind, payload, at, _ in found
    )
    head = text(found[0][4]) if found else None
    per_day = per_day_of(database, lists, row.name, now=now, day_of=day_of) if days else None
    return TenantDetail(row, latest, head, per_day)


def per_day_of(
    database: Database, lists: Lists, tenant: str, *, now: int, day_of: Callable[[int], int] | None
) -> tuple[tuple[int, int], ...]:
    """How many entries of a tenant there are on each of the last `DAYS` days, as of `Lists.per_day`."""
    query = ListQuery(AUDIT_CHAIN.name, Scope(tenant), since=now - DAYS * DAY)
    return lists.per_day(database, query, day_of)
