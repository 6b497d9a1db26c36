"""The append to an audit chain that cannot fork it (app/services/chain/README.md, Appending).

And whether an entry of ours would take a number that the platform's gateway gives next: it numbers the
entries of each tenant itself, one behind that tenant's last, and is refused where that number is taken.
"""

import json
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from peewee import SQL, BaseQuery, Table, fn

from app.services.chain import cautions, rules
from app.services.chain.entry import cut
from app.services.chain.reading import last_numbers, number_queries, numbers_of
from app.services.chain.rules import GENESIS, MARKER_EVENT, TABLE, counter_is_ahead, is_readable, named
from app.services.secrets.forms import without_credentials
from app.services.text import counted, quoted, some_of, tenant_name
from models import errors, freeing, progress, status
from models.engine import MOST_MADE, Capability, Database, Limits, Rows, Statement, raw, sql_name, within

NEWEST: Final = 1_000
"""Entries at the table's end that tell how others number them."""

OURS: Final = "substr(payload, 1, 9) = '{\"actor\":'"
"""The condition of entries that this program has made, its markers aside."""

_LAST_NUMBERS: Final = f"SELECT CAST(tenant_id AS BLOB) FROM {TABLE} ORDER BY seq DESC LIMIT 1"  # noqa: S608
_NUMBERED: Final = f"""
WITH newest AS MATERIALIZED (
  SELECT tenant_id, seq, event_type <> ? AND NOT {OURS} AS of_others,
    iif(previous_hash = '{GENESIS}', 0, seq - 1) AS at_first
  FROM {TABLE} ORDER BY seq DESC LIMIT ?
)
SELECT CAST(tenant_id AS BLOB), max(of_others),
  max(of_others AND seq - 1 <> coalesce((SELECT max(seq) FROM {TABLE} AS before
    WHERE before.tenant_id = newest.tenant_id AND before.seq < newest.seq), at_first))
  OR max(of_others) AND EXISTS (SELECT 1 FROM {TABLE} WHERE previous_hash = '{GENESIS}' AND seq <> 1
    AND seq = (SELECT min(seq) FROM {TABLE} AS first WHERE first.tenant_id = newest.tenant_id)) AS is_apart
FROM newest GROUP BY tenant_id
"""  # noqa: S608
"""Of each tenant, whether others make its entries, and whether one of theirs is not one behind the last, or
its first not 1, which may be older than the newest.

Ours, markers among them, take the table's next number anywhere.
"""

_ALSO: Final = f"""
SELECT 1 FROM {TABLE} WHERE (tenant_id < ? OR tenant_id > ?) AND event_type <> ? AND NOT {OURS} LIMIT 1
"""  # noqa: S608
"""Finds an entry that others have made of another tenant, however old."""

_CAUTION: Final = (
    "The platform's gateway seems to number the audit entries of this database itself, tenant by tenant. An "
    "entry of ours takes the number that the gateway gives next to {owners}; what it writes there is then "
    "refused, each time. To let it go on, change something of {one} here afterwards: its next number is then "
    "the one behind the entry of that change{last}."
)
_NUMBERS_NAMED: Final = 20


def numbering_queries() -> list[BaseQuery]:
    """What tells it all to `Numbering`, of a database that has counters, to be asked with something else."""
    return [*number_queries(), raw(_LAST_NUMBERS), raw(_NUMBERED, MARKER_EVENT, NEWEST)]


class Numbering:
    """How others number the entries of a database: read when it is first asked for, once, unless the
    `answers` to `numbering_queries` are there already.

    The caller holds a connection. Raises the storage errors.
    """

    def __init__(self, database: Database, answers: Sequence[Rows] = ()) -> None:
        self._database, self._answers = database, answers

    @cached_property
    def _tenants(self) -> Rows:
        return self._database.rows(raw(_NUMBERED, MARKER_EVENT, NEWEST))

    @property
    def _by_tenant(self) -> bool:
        return not any(is_apart for _, _, is_apart in self._tenants)

    @property
    def is_another_way(self) -> bool:
        """Whether the newest entries of others are known not to be numbered so, and nobody need be asked."""
        return "_tenants" in vars(self) and not self._by_tenant

    @property
    def told_in(self) -> str:
        """The chain in which it is told what was done to the whole database: that of the tenant whose entries
        the gateway numbers itself, where it is the only one, or else of `system`.

        Entries of ours in its chain take no number that the gateway gives next: it goes on behind them.
        """
        theirs = [name for name, of_others, _ in self._tenants if of_others and self._by_tenant]
        if len(theirs) == 1:
            tenant = self._named(theirs[0])
            if is_readable(tenant) and not self._database.rows(raw(_ALSO, tenant, tenant, MARKER_EVENT)):
                return tenant
        return status.SYSTEM_TENANT

    def caution(self, tenants: Sequence[str]) -> str | None:
        """What a person should know before entries are made in the chains of `tenants`, in that order.

        None where that is nothing.
        """
        if self._answers:
            counter, last = numbers_of(*self._answers[:2])
            owner, *answers = self._answers[2:]
        else:  # where each call takes its time all is asked at once, and nothing twice
            asks = self._database.costs and "_tenants" not in vars(self)
            also = [raw(_NUMBERED, MARKER_EVENT, NEWEST)] if asks else []
            counter, last, (owner, *answers) = last_numbers(self._database, raw(_LAST_NUMBERS), *also)
        if answers:
            self._tenants = answers[0]
        before = [] if counter_is_ahead(counter, last) else owner
        order = [*(self._named(name) for (name,) in before), *tenants]
        passed = [one for one in dict.fromkeys(order) if one != order[-1]]  # each by the one behind it
        if not (passed or answers):
            return None
        if not self._by_tenant:
            return None
        numbered = {self._named(name) for name, of_others, _ in self._tenants if of_others}
        owners = [quoted(cut(tenant)) for tenant in passed if tenant in numbered]
        if not owners:
            return None
        if not owners[1:]:
            return _CAUTION.format(owners=owners[0], one=owners[0], last="")
        if more := len(owners[_NUMBERS_NAMED:]):
            owners[_NUMBERS_NAMED:] = [counted(more, "more tenant")]
        several = f"{', '.join(owners[:-1])} and {owners[-1]}"
        alone = ", and free for the one that is changed last alone"
        return _CAUTION.format(owners=several, one="one of them", last=alone)

    def _named(self, tenant: bytes) -> str:
        return named(tenant, self._database.encoding)


ATTEMPTS: Final = 500
"""How often an append that lost the race for a chain's head is tried again before the person is told."""

_NAMED: Final = 3
"""Kinds of events, and tenants, that a batch is called by."""

_CROWD: Final = 8
"""Tries after which a person is told what is waited for; then after twice as many each time."""

_RECENT: Final = 1_000
"""Numbers at the table's end that are looked through past every index, before one is trusted with a head."""

GUARDED: Final = raw(
    f"""
    SELECT sql, {rules.NUMBERED},
      EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE lower(name) = 'previous_hash' AND "notnull" = 1),
      (SELECT lower(name) FROM pragma_table_xinfo(?1) WHERE hidden IN (2, 3) AND lower(name) IN
        ({", ".join(f"'{column}'" for column in rules.COLUMNS)}) LIMIT 1)
    FROM sqlite_master WHERE type = 'table' AND lower(name) = ?1
    """,  # noqa: S608
    rules.TABLE,
)
"""What tells whether an append's guard can fail (`unfit`)."""
_LATEST: Final = f"""
SELECT CAST(tenant_id AS BLOB), {{seq}} FROM {rules.TABLE} NOT INDEXED
WHERE seq > (SELECT max(seq) FROM {rules.TABLE} NOT INDEXED) - ? AND +tenant_id IN ({{tenants}})
"""  # noqa: S608
_OF_ONE: Final = _LATEST.replace("{seq}", "seq") + "ORDER BY seq DESC LIMIT 1"
_OF_EACH: Final = _LATEST.replace("{seq}", "max(seq)") + "GROUP BY tenant_id"
"""By hand: Peewee cannot say NOT INDEXED. Of one tenant nothing before its last entry is read."""

_REFERRED: Final = """
SELECT keys."table", coalesce(keys."to", (SELECT name FROM pragma_table_info(keys."table") WHERE pk = 1))
FROM pragma_foreign_key_list(?) AS keys GROUP BY keys.id
HAVING count(*) = 1 AND lower(keys."from") = 'tenant_id'
"""
"""What a table's tenants refer to, in tables of the file's own."""

READABLE_HASH: Final = "CASE WHEN typeof(hash) = 'text' AND hash NOT GLOB '*[^ -~]*' THEN hash END"
"""The hash as text, or NULL where it could not be decoded."""

_LAST: Final = f"""
SELECT CAST(wanted.value AS BLOB), last.seq, {READABLE_HASH}, last.created_at
FROM ({{tenants}}) AS wanted LEFT JOIN {rules.TABLE} AS last
ON last.seq = (SELECT seq FROM {rules.TABLE} WHERE tenant_id = wanted.value ORDER BY seq DESC LIMIT 1)
WHERE typeof(wanted.value) = 'text'
"""  # noqa: S608
_INSERT: Final = f"""
INSERT INTO {rules.TABLE} (tenant_id, event_type, payload, previous_hash, hash, created_at) VALUES (?, ?, ?,
  CASE WHEN coalesce((SELECT hash FROM {rules.TABLE} WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1), ?) = ?
  {{unless}} THEN ? END, ?, ?)
"""  # noqa: S608
"""By hand: a run of retention makes thousands, and Peewee takes longer to write one than SQLite to run it."""

_TRIED: Final = f"""
INSERT INTO {rules.TABLE} (tenant_id, event_type, payload, previous_hash, hash, created_at)
VALUES (?, ?, ?, ?, ?, ?)
"""  # noqa: S608
_WRITTEN: Final = f"SELECT seq FROM {rules.TABLE} WHERE tenant_id = ? AND hash = ?"  # noqa: S608


_SCHEMA: Final = Table("sqlite_master")
_CHAIN_THERE: Final = _SCHEMA.select(_SCHEMA.c.name).where(fn.lower(_SCHEMA.c.name) == rules.TABLE)
_NO_CHAIN: Final = Statement(_CHAIN_THERE, expect=0)
"""What is recorded nowhere is written only while there is still no chain to record it in."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A long list of a payload, as JSON: so it takes a quarter of the room, which counts where an act and its
    undo keep thousands.
    """

    text: str

    @classmethod
    def of(cls, items: Sequence[Any]) -> "Listed":
        return cls(json.dumps(items))

    def __iter__(self) -> Iterator[Any]:
        return iter(json.loads(self.text))


def _written(value: object) -> object:
    if isinstance(value, Listed):
        return [*value]
    raise TypeError(type(value).__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry to append to a tenant's chain. The payload never holds a secret or a password hash."""

    tenant_id: str
    event_type: str
    payload: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The payload as it is stored; rows may hold a webhook's URL where nobody looks for one."""
        return without_credentials(rules.compact_json(self.payload, _written))


@dataclass(frozen=True, slots=True)
class Check:
    """A look at what the guards of statements do not cover: `judge` raises what a person is told.

    Where the query finds nothing there is nothing to judge.
    """

    query: BaseQuery
    judge: Callable[[Rows], None]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a tenant's chain: the last entry's hash and time, or `GENESIS` and None."""

    hash: str
    created_at: Any

    def time(self, now: int) -> int:
        """When the next entry is made: in a chain, time does not go backwards.

        Others may have appended with a later clock while this waited. A time more than a day ahead, or in
        another unit, is not followed.
        """
        last = self.created_at
        return last if isinstance(last, int) and now < last <= now + status.DAY else now

    def followed_by(self, event_type: str, payload: str, now: int) -> "Head":
        """The end of the chain once an entry with that `Event.text` is in it."""
        at = self.time(now)
        return Head(rules.entry_hash(self.hash, event_type, payload, at), at)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes: statements, the events that record them, and what is checked before.

    `ends` are those of the chains of the events, and `numbering` how entries are numbered, where planning has
    read it. `at_last` gives the events as they are written, when nothing that can be known first stands in
    the way any more: what is to be done just before belongs there. `what` is what a person calls it, without
    a secret: it is kept while it is not known to be saved, and with it `mark` and `beside`, as a
    `Statement` has them. Without that it goes by its last entry. Where
    there is no chain to record it in, `proof` finds a row if it was written. What was planned a while ago
    holds where all is `unchanged`; else it is planned again. `monitor` is who follows how it is written, and
    may end that.
    """

    statements: Sequence[Statement]
    events: Sequence[Event]
    checks: Sequence[Check] = ()
    ends: Mapping[str, Head] | None = None
    numbering: Numbering | None = None
    at_last: Callable[[], Sequence[Event]] | None = None
    what: str = ""
    proof: BaseQuery | None = None
    unchanged: Statement | None = None
    monitor: progress.Monitor = progress.UNWATCHED
    mark: str = ""
    beside: tuple[str, str] = ("", "")


def append(
    database: Database,
    plan: Callable[[], Batch],
    *,
    now: int,
    cancelled: progress.Stop = progress.never,
    agreed: cautions.Agreed | None = None,
    told: bool = False,
    attempts: int = ATTEMPTS,
    patience: float = math.inf,
    made: list[tuple[str, str]] | None = None,
) -> float:
    """Writes the batch that `plan` makes, with its events at the ends of their chains, or nothing; for how
    many seconds that kept others from writing.

    The one place that tries again when a head has moved: the plan is made again from what the database holds
    by then, and checked again. The checks see the same snapshot as the heads, so whatever is recorded in the
    same chains after that moves a head. Where planning has read the chains' ends already that look is spared;
    where one event has checks, by the first try, which writes only if they find nothing. A file without any
    chain takes the statements alone, where a person has `agreed` to that, and while it has none. Raises what
    plan and checks raise, `Caution`, `HeadMoved` when the chains do not rest for so many `attempts`,
    or seconds of `patience`, `NumbersUsedUp`, and the errors of `Database.run_batch`; nothing is written
    then. `cancelled` ends the wait for another writer, and so may a person who is told of it (`Cancelled`).
    `told` says that a person knows of any caution. Whether the chain ends before what checkpoints know is
    looked for with the heads and by the insert itself. Whoever has `agreed` to nothing that could be asked,
    as a command, is not asked about the clock. `made` gets whose entries are sent, and their hashes.
    """
    is_asked, agreed = agreed is not None, agreed or cautions.Agreed()
    earlier = cautions.WentBack if Capability.TIME_TRAVEL in database.capabilities else cautions.EarlierState
    for is_so, caution in ((database.damaged, cautions.DamageMet), (database.is_earlier, earlier)):
        if is_so and not told:
            database.require_writable()  # nobody is asked about what is locked all the same
            agreed.require(caution(database.place))
    less = () if told else _ends_before_known(database, agreed, earlier(database.place))
    heard: str | None = None
    ends_at = time.monotonic() + patience
    with _in_a_crowd(database) as again:
        for attempt in range(attempts):
            batch = plan()
            if is_asked and not told and (off := cautions.clock_off(database)) is not None:
                agreed.require(off)
            ends: Mapping[str, Head] | None
            checks = (*batch.checks, *less)
            at_once = not (attempt or (batch.checks and batch.events[1:]))
            if batch.ends is not None and (not checks or (at_once and _fit_entry(checks, database.limits))):
                ends, unless = batch.ends, checks
            else:
                ends, unless = _heads(database, batch, agreed, less), less
            if not told and ends is not None:
                heard = _caution(database, batch, agreed, heard)
            events = batch.events if batch.at_last is None else batch.at_last()
            appended = [replace(_NO_CHAIN, proof=batch.proof, what=batch.what)]
            if ends is not None:
                appended = append_statements(events, ends, now, unless, batch.what)
            appended = [replace(one, mark=batch.mark, beside=batch.beside) for one in appended]
            if made is not None:
                entries = [] if ends is None else appended
                proofs = (one.proof.sql()[1] for one in entries if one.proof is not None)
                made[:] = [(str(tenant), str(head)) for tenant, head in proofs]
                if made:
                    appended[-1] = replace(appended[-1], made=made[-MOST_MADE:])
                    if database.on_sent is not None:
                        database.on_sent(made[-MOST_MADE:], now, batch.what)
            try:
                first = [] if batch.unchanged is None else [batch.unchanged]
                with within(progress.WATCHING, batch.monitor):
                    held = database.run_batch([*first, *appended, *batch.statements], cancelled=cancelled)
                if isinstance(batch.statements, list):
                    freeing.let_go(batch.statements)
                return held
            except errors.DiskFull as error:
                if rules.HIGHEST_SEQ in last_numbers(database)[:2]:
                    raise errors.NumbersUsedUp from error
                raise
            except errors.Refused as error:
                for event in batch.events:
                    if reason := unknown_tenant(database, event.tenant_id):
                        raise errors.NotAllowed(f"{reason} Nothing was changed.") from error
                raise
            except (errors.HeadMoved, errors.RowChanged, errors.TableMissing) as error:
                chain_made = isinstance(error, errors.RowChanged) and ends is None and has_chain(database)
                has_moved = chain_made or batch.unchanged is not None or isinstance(error, errors.HeadMoved)
                if cancelled() or not has_moved or time.monotonic() >= ends_at:
                    raise
                # Spread the contenders; the wait stays far below what a person notices.
                again(attempt + 1)
                time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 10)))  # noqa: S311
    raise errors.HeadMoved


def _fit_entry(checks: Sequence[Check], limits: Limits) -> bool:
    """Whether all that is looked for may stand in the statement that appends an entry."""
    asked = [check.query.sql() for check in checks]
    bound = _INSERT.count("?") + sum(len(values) for _, values in asked)
    written = len(_INSERT) + sum(len(f"AND NOT EXISTS ({sql}) ".encode()) for sql, _ in asked)
    return bound <= limits.parameters and written <= limits.statement_bytes


@contextmanager
def _in_a_crowd(database: Database) -> Iterator[Callable[[int], None]]:
    """Says what is waited for where a chain moves on before each of many tries, of which it is told."""
    words = f"Waiting for others, who write to the same chains of {database.place} all the time"
    crowd, before = progress.Waiting(words, time.monotonic()), database.waiting

    def again(tries: int) -> None:
        if crowd.cancelled:
            raise errors.Cancelled
        if tries >= _CROWD:
            database.waiting = crowd
            if tries.bit_count() == 1:
                database.on_crowd(f"{words}: {tries} tries until now")

    try:
        yield again
    finally:
        if database.waiting is crowd:
            database.waiting = before


def _caution(database: Database, batch: Batch, agreed: cautions.Agreed, heard: str | None) -> str | None:
    """What a person should know of this batch's numbers, if there is anything. Raises `Caution`, unless it is
    what was `heard` at an earlier try, or agreed to now: for this act, whatever becomes of it.
    """
    if not agreed.asks:
        return None
    numbering = batch.numbering or Numbering(database)
    said = numbering.caution([event.tenant_id for event in batch.events])
    agreed.asks = not numbering.is_another_way
    if said is not None and said != heard:
        agreed.use_up(cautions.Caution(said))
    return said


_ENDS_BEFORE_KNOWN: Final = f"""
SELECT 1 WHERE coalesce((SELECT max(seq) FROM {rules.TABLE} NOT INDEXED), 0) < ?"""  # noqa: S608
"""By hand: it stands in the insert."""


def _ends_before_known(
    database: Database, agreed: cautions.Agreed, earlier: cautions.Caution
) -> tuple[Check, ...]:
    """Finds that the last entry of a checkpoint is not there, unless a person has agreed to that; none where
    none is known.
    """
    through = 0 if agreed.has(earlier) else agreed.known_through()

    def judge(rows: Rows) -> None:
        if rows:
            database.is_earlier = True
            agreed.require(earlier)

    return (Check(raw(_ENDS_BEFORE_KNOWN, through), judge),) if through else ()


def _heads(
    database: Database, batch: Batch, agreed: cautions.Agreed, less: Sequence[Check]
) -> dict[str, Head] | None:
    """The ends of the batch's chains, where no check finds anything, nor `less`; None where there is no
    chain, and somebody agreed to that.
    """
    try:
        return heads(database, (event.tenant_id for event in batch.events), (*batch.checks, *less))
    except errors.TableMissing:  # of the chain, or of a check
        if has_chain(database):
            raise
    agreed.require(cautions.NotRecorded(database.place))
    for check, rows in zip(
        batch.checks, database.read_batch([check.query for check in batch.checks]), strict=True
    ):
        check.judge(rows)
    return None


def has_chain(database: Database) -> bool:
    """Whether anything has the name of the audit chain: what is no table of ours is not passed over."""
    return bool(database.rows(_CHAIN_THERE))


def unknown_tenant(database: Database, tenant: str, child: str = rules.TABLE) -> str | None:
    """Why a table, the chain as a rule, can have no row of a tenant that a table of the file's own lacks."""
    for table, column in database.rows(raw(_REFERRED, child)):
        has_it = f"SELECT 1 FROM {sql_name(table)} WHERE {sql_name(column)} = ?"  # noqa: S608
        if not database.rows(raw(has_it, tenant)):
            name = tenant_name(tenant)
            barred = f"be recorded in the chain of {name}" if child == rules.TABLE else f"be added for {name}"
            return (
                f"{child} of this database refers to {table}, which has no {column} “{tenant}”, so nothing "
                f"can {barred}. Add such a row to {table}, then try again."
            )
    return None


def barred(database: Database, events: Sequence[Event], now: int) -> str | None:
    """Why the table's own rules let no entry of one of these events be, as far as an engine can tell without
    writing: a CHECK on event types, say, or a column of others that takes no NULL.
    """
    rows = []
    for number, event in enumerate(events):
        payload, previous = event.text, f"{number:064}"
        digest = rules.entry_hash(previous, event.event_type, payload, now)
        rows.append(raw(_TRIED, event.tenant_id, event.event_type, payload, previous, digest, now))
    refused = database.refused(rules.TABLE, [Statement(row) for row in rows])
    if refused is None:
        return None
    event, why = events[refused[0]], refused[1]
    return (
        f"The table {rules.TABLE} of this database takes no entry {event.event_type} in the chain of "
        f"{tenant_name(event.tenant_id)} ({why}), so nothing that is removed could be recorded."
    )


def heads(database: Database, tenants: Iterable[str], checks: Sequence[Check] = ()) -> dict[str, Head]:
    """The end of each tenant's chain, all from one snapshot, in which the checks hold.

    Raises `NotAllowed` where nothing can follow, and what the checks raise.
    """
    names = list(dict.fromkeys(tenants))
    trusted = database.trusts_indexes
    asked = end_queries(named_tenants(names), only_one=len(names) == 1, trusted=trusted)
    found = database.read_batch([*asked, *(check.query for check in checks)])
    judge_all(checks, found[len(asked) :])
    return ends_of(database, names, *found[: len(asked)])


def judge_all(checks: Sequence[Check], found: Sequence[Rows]) -> None:
    """Raises what the checks raise, each of what its query has found."""
    for check, rows in zip(checks, found, strict=True):
        check.judge(rows)


def named_tenants(names: Sequence[str]) -> SQL:
    """These tenants, for `end_queries`."""
    return SQL("SELECT value FROM json_each(?)", [json.dumps(names)])


def end_queries(tenants: SQL, *, only_one: bool, trusted: bool) -> list[BaseQuery]:
    """What tells the ends of chains to `ends_of`: whether the append's guard can fail, the newest entries of
    the tenants, and the last one of each, by an index; where that is `trusted`, no entry is looked for past
    it. Tenants not known yet are given by what finds them, byte by byte, as `value`.
    """
    latest = _OF_ONE if only_one else _OF_EACH
    values = tenants.params or ()
    recent = raw(latest.format(tenants=tenants.sql), 0 if trusted else _RECENT, *values)
    return [GUARDED, recent, raw(_LAST.format(tenants=tenants.sql), *values)]


def unfit(guard: Rows) -> str | None:
    """What of the table lets nothing follow in it, by the answer to `GUARDED`; None if nothing does."""
    what: str | None = "is no table"
    for sql, numbered, never_null, computed in guard:
        what = rules.deviation(sql, numbered) if computed is None else f"computes its column {computed}"
        if what is None and not never_null:
            what = "lets previous_hash be NULL, so two programs could append behind one entry"
    return what


def never_follows(database: Database) -> str | None:
    """Why no act at all can be recorded in this database, and so none be done; None where nothing says so."""
    what = unfit(database.rows(GUARDED)) if has_chain(database) else None
    return None if what is None else f"In this database {rules.TABLE} {what}"


def ends_of(
    database: Database, names: Iterable[str], guard: Rows, recent: Rows, last: Rows
) -> dict[str, Head]:
    """The ends of those of these chains for which `end_queries` asked, of the answers. Raises `NotAllowed`
    where none can follow.

    `recent` are the last entries among the table's newest, found without any index.
    """
    if (what := unfit(guard)) is not None:
        raise errors.NotAllowed(
            f"In this database {rules.TABLE} {what}; nothing was changed. "
            "Open one with the platform's own schema."
        )
    newest = {named(bytes(name), database.encoding): seq for name, seq in recent}
    ends = {named(bytes(name), database.encoding): end for name, *end in last}
    asked = (name for name in dict.fromkeys(names) if name in ends)
    try:
        return {name: _end(name, newest.get(name), *ends[name]) for name in asked}
    except errors.NotAllowed:
        database.require_in_place()  # one that was written over fits together no more
        raise


def _end(tenant_id: str, newest: int | None, last: int | None, digest: object, created_at: Any) -> Head:
    if newest is not None and (last is None or last < newest):
        raise errors.NotAllowed(
            f"An index of this database hides the last entry of {tenant_name(tenant_id)}, so nothing can "
            "follow it; nothing was changed. Verify the chain, and rebuild its indexes (REINDEX)."
        )
    if last is None:
        return Head(rules.GENESIS, None)
    if not isinstance(digest, str):
        raise errors.NotAllowed(
            f"The last entry in the chain of {tenant_name(tenant_id)} has no readable hash, so nothing can "
            "follow it; nothing was changed. Verify the chain."
        )
    return Head(digest, created_at)


def append_statements(
    events: Sequence[Event], ends: Mapping[str, Head], now: int, unless: Sequence[Check] = (), what: str = ""
) -> list[Statement]:
    """The guarded inserts that append `events` in order, for a batch.

    When a head is not the one in `ends` any more, or one of `unless` finds something, for which the first
    insert looks, `previous_hash` becomes NULL, its NOT NULL constraint fails and the whole batch is rolled
    back (`HeadMoved`); so two writers never fork a chain.
    """
    called = what or _called(events)
    looks = [check.query.sql() for check in unless]
    unless_found = " ".join(f"AND NOT EXISTS ({sql})" for sql, _ in looks)
    values = [value for _, those in looks for value in those]
    followed = dict(ends)
    statements: list[Statement] = []
    for event in events:
        tenant, kind, payload = event.tenant_id, event.event_type, event.text
        expected, head = followed[tenant].hash, followed[tenant].followed_by(kind, payload, now)
        followed[tenant] = head
        guard = tenant, rules.GENESIS, expected, *values, expected
        entry = tenant, kind, payload, *guard, head.hash, head.created_at
        query = raw(_INSERT.format(unless=unless_found), *entry)
        proof = raw(_WRITTEN, tenant, head.hash)
        statements.append(Statement(query, proof=proof, what=called, chain=tenant))
        unless_found, values = "", []
    return statements


def _called(events: Sequence[Event]) -> str:
    """What a batch that nobody has named is called: one of its entries would tell of one tenant alone."""
    kinds = dict.fromkeys(event.event_type for event in events)
    tenants = dict.fromkeys(event.tenant_id for event in events)
    return f"{some_of([*kinds], _NAMED)} of {some_of([*tenants], _NAMED, shown=tenant_name)}"
