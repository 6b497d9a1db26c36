"""The entries of each tenant's chain that are old and can go.

An audit entry is old when its `created_at` is an integer of seconds before the cutoff. Of each tenant's chain
the contiguous prefix that is old can go. It ends before the first entry that is not old, even when later ones
are (a backdated row makes no hole), and before the tenant's last entry that is not a prune marker, so that no
chain ever loses its head. A prefix of nothing but markers is left: a marker alone is no reason for a new
marker. A tenant with an error finding, or with a start that nothing proves and nobody accepted, keeps all.
"""

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, TypeVar

from peewee import SQL, BaseQuery, fn

from app.services.chain.pruning import LeftAlone, Prefix, unsayable
from app.services.chain.reading import hidden_by_index
from app.services.chain.rules import MARKER_EVENT, in_milliseconds, is_no_time, is_readable, named, no_time
from app.services.records.rows import in_parts
from app.services.records.tables import AUDIT_CHAIN
from app.services.records.unaltered import followed
from app.services.retention.clock import is_old
from app.services.text import counted
from models import errors, schema, status
from models.engine import Database, Rows, raw, sql_name
from models.tables import AuditEntry

_CHAIN: Final = AUDIT_CHAIN.name
_EVERYONE: Final = f"SELECT DISTINCT CAST(tenant_id AS BLOB) FROM main.{_CHAIN} NOT INDEXED"  # noqa: S608
_TENANTS_AT_ONCE: Final = 50
"""Of whom one call asks: each call takes its time, and so does a long answer."""
_ENDS: Final = (status.AuditEvent.RETENTION_COMPLETED, status.AuditEvent.RETENTION_FAILED)
_REPORTS: Final = (status.AuditEvent.RETENTION_REMOVED, *_ENDS)
_ERASED: Final = status.AuditEvent.TENANT_ERASED


T = TypeVar("T")
Walk = Generator[Sequence[BaseQuery], list[Rows], T]
"""It yields what it asks, is sent the rows of each query, and returns what it has found."""


@dataclass(frozen=True, slots=True)
class TenantShare(Prefix):
    """A prefix that can go, of which `losing` are among the tenant's `live` entries.

    Prune markers count in `rows` only. `incidental` marks retention's own old entries: they go along with
    something else, never alone, or each day's report would be the reason for another.
    """

    live: int
    losing: int
    incidental: bool = False

    @property
    def is_majority(self) -> bool:
        """Whether more than half of the tenant's live entries would go."""
        return self.losing * 2 > self.live


def find_prefixes(
    database: Database, cutoff: int, stored: schema.StoredTables, *, milliseconds: bool = False
) -> tuple[tuple[TenantShare, ...], tuple[LeftAlone, ...], frozenset[str]]:
    """Each tenant's old prefix, the tenants that cannot be judged, and those whose chains say that a run has
    removed something, of which no report followed; nothing is proven or changed.

    Where an index hides entries, no tenant can be: what is looked for here is found through indexes. Where
    nobody but SQLite can write these, they are not counted through for that: each row is charged there.
    """
    if not database.trusts_indexes and (reason := hidden_by_index(database)) is not None:
        everyone = database.rows(raw(_EVERYONE))
        names = sorted(named(name, database.encoding) for (name,) in everyone)
        return (), tuple(LeftAlone(name, None, reason) for name in names), frozenset()
    old = is_old(AuditEntry.created_at, cutoff, milliseconds=milliseconds)
    tenants = schema.find_tenants(database, [_CHAIN])
    kept, own = database.read_batch(
        [
            AuditEntry.select(AuditEntry.seq).where(~old).order_by(AuditEntry.seq).limit(1).tuples(),
            AuditEntry.select(AuditEntry.tenant_id.cast("BLOB"), AuditEntry.event_type, AuditEntry.seq)
            .where(AuditEntry.event_type.in_([MARKER_EVENT, *(kind.value for kind in (*_REPORTS, _ERASED))]))
            .where(fn.typeof(AuditEntry.tenant_id) == "text")  # the same bytes as a BLOB are nobody's here
            .tuples(),
        ]
    )
    first_kept = kept[0][0] if kept else None
    referred = first_referred(database, stored)
    markers: defaultdict[str, set[int]] = defaultdict(set)
    reports: defaultdict[str, set[int]] = defaultdict(set)
    erased = {seq for _, kind, seq in own if kind == _ERASED}
    own = [row for row in own if row[1] != _ERASED]
    for name, kind, seq in own:
        tenant = named(name, database.encoding)
        (markers if kind == MARKER_EVENT else reports)[tenant].add(seq)
    ended = max((seq for _, kind, seq in own if kind in _ENDS), default=0)
    # The marker of an erasure is of no run: the record of that stands right behind it.
    begun = (name for name, _, seq in own if seq > ended and seq + 1 not in erased)
    unfinished = frozenset(named(name, database.encoding) for name in begun)
    prefixes: list[TenantShare] = []
    left: list[LeftAlone] = []
    named_well: list[str] = []
    for name, kind in tenants:
        tenant = named(name, database.encoding)
        if kind != "text" or not is_readable(tenant):
            encoding = database.encoding if kind == "text" else "utf-8"  # as a verification names it
            left.append(LeftAlone(named(name, encoding), None, "The tenant's name is not readable text."))
        else:
            named_well.append(tenant)
    walks = (_prefix(one, markers[one], old, cutoff, first_kept, referred.get(one)) for one in named_well)
    for tenant, (prefix, problem) in zip(named_well, _together(database, walks), strict=True):
        if problem is not None:
            left.append(problem)
        if prefix is not None:
            own_seqs = reports[tenant] | markers[tenant]
            is_incidental = sum(seq <= prefix.last_seq for seq in own_seqs) == prefix.entries
            prefixes.append(replace(prefix, incidental=is_incidental))
    try:
        database.read_batch([followed(_CHAIN)] if prefixes else [])
    except errors.Refused as error:
        held = (LeftAlone(one.tenant_id, one.first_seq, error.happened) for one in prefixes)
        return (), (*left, *held), unfinished
    return tuple(prefixes), tuple(left), unfinished


def first_referred(database: Database, stored: schema.StoredTables) -> dict[str, LeftAlone]:
    """Of each tenant the first entry that rows refer to by a foreign key, and why it stays for that.

    Whatever the key's ON DELETE says: what would go or change along with an entry is in no plan.
    """
    found: dict[str, LeftAlone] = {}
    for key in stored[_CHAIN].referring:
        if len(key.columns) != len(key.parent_columns):  # which SQLite cannot follow
            continue
        here, there = (", ".join(map(sql_name, names)) for names in (key.parent_columns, key.columns))
        is_set = " AND ".join(f"{sql_name(name)} IS NOT NULL" for name in key.columns)
        query = raw(
            f"SELECT CAST(tenant_id AS BLOB), min(seq) FROM main.{sql_name(_CHAIN)} WHERE ({here}) IN "  # noqa: S608
            f"(SELECT {there} FROM main.{sql_name(key.table)} WHERE {is_set}) GROUP BY tenant_id"
        )
        for name, seq in database.rows(query):
            tenant = named(name, database.encoding)
            if tenant not in found or seq < (found[tenant].seq or seq):
                reason = f"Rows of {key.table} refer to entry {seq:,}, so it and what follows it stays."
                found[tenant] = LeftAlone(tenant, seq, reason)
    return found


def _together(database: Database, walks: Iterable[Walk[T]]) -> list[T]:
    """What each of the walks returns; what all of them ask next is one call of the engine, or a few."""
    found: dict[int, T] = {}
    asked = dict[int, tuple[Walk[T], Sequence[BaseQuery]]]()

    def step(number: int, walk: Walk[T], answers: list[Rows] | None) -> None:
        try:
            asked[number] = walk, walk.send(answers)  # type: ignore[arg-type]
        except StopIteration as end:
            found[number] = end.value

    for some in in_parts(enumerate(walks), _TENANTS_AT_ONCE):
        for number, walk in some:
            step(number, walk, None)
        while asked:
            going = list(asked.items())
            asked.clear()
            answers = iter(database.read_batch([query for _, (_, queries) in going for query in queries]))
            for number, (walk, queries) in going:
                step(number, walk, list(islice(answers, len(queries))))
    return [found[number] for number in sorted(found)]


def _prefix(  # noqa: PLR0917 - what is looked for, each once
    tenant: str, markers: set[int], old: Any, cutoff: int, first_kept: int | None, referred: LeftAlone | None
) -> Walk[tuple[TenantShare | None, LeftAlone | None]]:
    """What of a tenant can go, and what is odd about its end. `markers` are the seqs of its own, `referred`
    is its first entry that something refers to.
    """
    of_tenant = AuditEntry.tenant_id == tenant
    first_one, newest = yield [
        AuditEntry.select(AuditEntry.seq).where(of_tenant).order_by(AuditEntry.seq).limit(1).tuples(),
        AuditEntry.select(AuditEntry.seq)
        .where(of_tenant)
        .order_by(AuditEntry.seq.desc())
        .limit(len(markers) + 1)
        .tuples(),
    ]
    stop, problem = next((seq for (seq,) in newest if seq not in markers), None), None
    if stop is None:
        return None, None
    # Everything before `first_kept` is old, whoever's it is: the walk through the index starts there.
    if first_kept is not None and first_kept <= stop:
        (found,) = yield [
            AuditEntry.select(AuditEntry.seq, fn.typeof(AuditEntry.created_at), AuditEntry.created_at)
            .where(of_tenant, AuditEntry.seq >= first_kept, ~old)
            .order_by(AuditEntry.seq)
            .limit(1)
            .tuples()
        ]
        if found and found[0][0] <= stop:
            stop = found[0][0]
            problem = yield from _undated(tenant, cutoff, *found[0])
    if referred is not None and referred.seq is not None and referred.seq < stop:
        stop, problem = referred.seq, referred
    ((first,),) = first_one
    if first >= stop:  # nothing is counted where nothing goes
        return None, problem
    if reason := unsayable(first):
        return None, LeftAlone(tenant, first, reason)
    entries = AuditEntry.select(fn.COUNT(SQL("*")), fn.MAX(AuditEntry.seq))
    ((rows, last_seq),), ((kept, _),) = yield [
        entries.where(of_tenant, AuditEntry.seq < stop).tuples(),
        entries.where(of_tenant, AuditEntry.seq >= stop).tuples(),
    ]
    losing = rows - sum(seq < stop for seq in markers)
    if losing == 0:
        return None, problem
    return TenantShare(tenant, first, last_seq, rows, rows + kept - len(markers), losing), problem


def _undated(tenant: str, cutoff: int, seq: int, kind: str, value: Any) -> Walk[LeftAlone | None]:
    """What is odd about the time of the first entry that is not old, if that is why it is not."""
    if kind != "integer":
        reason = f"The time of entry {seq:,} is not a whole number, so nothing from there on can be judged."
        return LeftAlone(tenant, seq, reason)
    if is_no_time(value):
        return LeftAlone(tenant, seq, f"{no_time(seq)}, so nothing from there on can be judged.")
    at = AuditEntry.created_at
    if not in_milliseconds(value, cutoff):
        return None
    query = AuditEntry.select(fn.COUNT(SQL("*"))).where(
        AuditEntry.tenant_id == tenant, AuditEntry.seq >= seq, is_old(at, cutoff, milliseconds=True)
    )
    (((entries,),),) = yield [query.tuples()]
    reason = (
        f"The time of entry {seq:,} seems to be in milliseconds; from there on "
        f"{counted(entries, 'entry', 'entries')} would be old if it is."
    )
    return LeftAlone(tenant, seq, reason, in_milliseconds=True)
