"""Takes a tenant out of a database: all its rows and its audit chain, in one transaction, so that no half of
a tenant is ever left.

The chain goes as retention's prefixes do (`chain.pruning`): whole, behind a checkpoint that has just seen
every entry of it, with a marker in the same transaction that tells of it. What is left of the tenant is that
marker, and an entry in the chain of `system`. A copy is made before, which holds all that goes.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from app.services.chain.append import Batch, Event, Numbering, append, barred, heads, unknown_tenant
from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints.making import SignedReport, to_read, verify_and_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.pruning import Part, marker_of, removal_of
from app.services.chain.rules import GENESIS, MARKER_EVENT, Now, is_no_time, moment, named, seconds
from app.services.chain.verify.report import EVERYTHING, TenantReport
from app.services.chain.where import InDatabase, Verifier
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.signing import OldSecrets
from app.services.opened import Opened
from app.services.records.belonging import in_virtual_tables, nothing_of
from app.services.records.change import Change
from app.services.records.references import Fate, fate_of
from app.services.records.tables import AUDIT_CHAIN, WEBHOOK_DESTINATIONS, title_of
from app.services.records.unaltered import followed, unaltered
from app.services.tenants.going import (
    Going,
    Indexed,
    Knot,
    Round,
    Staying,
    as_copied,
    contents,
    sizes,
    unchanged,
)
from app.services.text import counted, tenant_name
from models import errors
from models.engine import OWN_USAGE, Database, Statement, Usage, raw, sql_name, within
from models.progress import UNWATCHED, Monitor, share_of
from models.schema import SPAN, ForeignKey, StoredTables, read_stored
from models.status import SYSTEM_TENANT, AuditEvent

_VERIFIED, _COPIED, _GONE = 0.3, 0.4, 0.7
"""Which share of the work is done, about, when the chains are verified, the file copied and the rows gone."""

_ENDS: Final = 2_000
"""Rows at a chain's end among which those of two tenants are looked for (`append.heads`)."""
_RECORDED: Final = 12
"""Rows that the marker and the record are, with their indexes and the numbers that they take."""
_LOOKED_AT: Final = 4
"""How often a table is looked through, at most, where it is counted what goes."""

_AHEAD: Final = 60
"""Seconds by which a chain's last entry may lie ahead of this computer's clock."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing a tenant would do: `going` counts the rows that go by table, those that refer to others
    first, and `changed` those that stay and lose what they refer to. `stays` are sentences about what is left
    of it, `obstacle` says why it cannot be, `caution` what to know before, `indexed` what becomes of indexes.
    `reads` and `writes` are how many rows of a live database that takes, at most, each of which costs.
    """

    tenant: str
    going: Mapping[str, int]
    changed: Mapping[str, int]
    stays: tuple[Staying, ...] = ()
    obstacle: str | None = None
    caution: str | None = None
    indexed: Indexed = field(default_factory=Indexed)
    reads: int = 0
    writes: int = 0

    @property
    def total(self) -> int:
        return sum(self.going.values())

    @property
    def called(self) -> str:
        return f"the erasure of {tenant_name(self.tenant)}"

    def price(self, place: str, *, charged: bool) -> str:
        """What it takes of a live database, as a sentence."""
        also = ", and charged" if charged else ""
        reads, writes = counted(self.reads, "row"), counted(self.writes, "row")
        return f"For that up to {reads} of {place} are read and up to {writes} written{also}."

    def lines(self, named: Callable[[str], str] = str) -> list[str]:
        """What goes, changes and stays, for a person to decide by; each table as it is `named` to them."""
        return [
            *(f"{named(table)}: {counted(rows, 'row')}" for table, rows in self.going.items()),
            *(
                f"{named(table)}: {counted(rows, 'row')} of others, which stay and lose what they refer to"
                for table, rows in self.changed.items()
            ),
            *(one.said(named) for one in self.stays),
            *self.indexed.lines(),
        ]


class ErasureUnknown(errors.OutcomeUnknown):
    """`what` is the copy, and `why` what is known of the batch, as a sentence."""

    sentence = (
        "{why}. A copy of what was to be erased is in {what}: if the data is gone, keep it; else delete it."
    )


class ErasureNotTaken(errors.MayBeIn):
    """`what` is the copy, `why` the limit that the batch was answered by, whose end nobody has waited for."""

    may_be_in = True
    heading = "Look whether the tenant is erased"
    sentence = (
        "{why}. The erasure was answered so, and not waited for; it is not done, as far as that tells. A "
        "copy of what was to be erased is in {what}: look whether the data is gone; then keep the copy, else "
        "delete it."
    )


@dataclass(frozen=True, slots=True)
class Erased:
    """What has gone, and where the `copy` of what was there before lies. `after` is the verification behind
    it, None where that could not be done; `problems` say why, and what else was not done. `live` is what is
    to be known of a live database, which keeps what it held for a while.
    """

    erasure: Erasure
    copy: Path
    after: SignedReport | None
    problems: tuple[str, ...] = ()
    live: str | None = None

    @property
    def said(self) -> str:
        """That it is, in a line."""
        if self.after is None:
            return self._whole
        how = "verified" if self.after.report.intact else f"found {self.after.report.verdict}"
        return f"{self._whole}; the chains were {how} afterwards"

    @property
    def _whole(self) -> str:
        return f"{tenant_name(self.erasure.tenant)} is erased: {counted(self.erasure.total, 'row')}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is still to be known and done, a line each."""
        if self.live is None:
            what = "is the file as it was, which still holds all of it"
        else:
            what = f"in {self.copy.parent} has what has gone"
        kept = f"{self.copy.name} {what}: delete it when"
        told = self.erasure.indexed.lines(were=True), (one.said() for one in self.erasure.stays)
        lines = (f"{line}." for line in chain.from_iterable(told))
        return f"{kept} nobody needs it.", *filter(None, [self.live]), *lines, *self.problems

    def change(self) -> Change:
        """What those who show the database are told of it; it cannot be undone."""
        erasure = self.erasure
        bulk = frozenset({*erasure.going, *erasure.changed, AUDIT_CHAIN.name})
        return Change(self._whole, (), (), bulk=bulk)

    @property
    def holds(self) -> bool:
        """Whether all was in order then."""
        return self.after is not None and self.after.report.intact


def most_to_count(database: Database, sizes: Mapping[str, int]) -> int:
    """How many rows `plan` reads of a live database, at most: each of a table that has none of the tenant is
    looked through for its name.
    """
    return _LOOKED_AT * sum(sizes.values()) if database.costs else 0


def plan(database: Database, tenant: str, *, now: int) -> Erasure:
    """What erasing it would do now; the caller holds a connection.

    Raises `InvalidInput` where nothing is the tenant's, and the storage errors.
    """
    used = Usage()
    with within(OWN_USAGE, used):
        found, chosen, _ = _planned(database, tenant, now)
    if not database.costs or found.obstacle is not None:
        return found
    stored = chosen.stored
    changed = sum(rows * stored[name].written() for name, rows in found.changed.items())
    writes = found.total + changed
    # Counted again twice, compared three times, copied in two readings and removed: each looks for the same
    # rows. All is verified before and behind, and the ends of two chains are looked for.
    verified = to_read(InDatabase(database), EVERYTHING) if AUDIT_CHAIN.name in stored else 0
    reads = 8 * (used.read + found.total) + 2 * verified + _ENDS
    reads += 2 * sum(_looked_through(database, stored, name) * rows for name, rows in found.going.items())
    return replace(found, reads=reads, writes=writes + _RECORDED)


def _planned(database: Database, tenant: str, now: int) -> tuple[Erasure, Going, tuple[Knot, ...]]:
    """The same, the rows that go, and those of them that go in rounds."""
    with database.snapshot():
        stored, _ = read_stored(database)
        chosen = Going.of(database, stored, tenant)
        count = chosen.count
        going = {name: rows for name, which in chosen.going.items() if (rows := count(name, which))}
        if not going:
            raise nothing_of(database.place, tenant)
        changed: dict[str, int] = {}
        obstacle = _barrier(database, stored, tenant, going)
        if [*going] == [AUDIT_CHAIN.name]:
            obstacle = obstacle or _is_erased(database, tenant, chosen.going[AUDIT_CHAIN.name])
        ordered: dict[str, frozenset[str]] = {}
        for parent, key in chosen.keys:
            if parent not in going or len(key.columns) != len(key.parent_columns):
                continue
            held = chosen.still_there(parent, key)
            if held and chosen.may_hold(key) and count(key.table, held):
                around = chosen.around(parent, key.table)
                ordered |= dict.fromkeys(around, around)
            if not (rows := count(key.table, chosen.remaining(parent, key))):
                continue
            if fate_of(key) is Fate.CHANGES:
                changed[key.table] = changed.get(key.table, 0) + rows
                if stored[key.table].has_triggers:
                    obstacle = obstacle or _triggers(key.table)
                obstacle = obstacle or chosen.unfit(parent, key)
            else:
                obstacle = obstacle or (
                    f"Rows of {key.table} that are not {tenant_name(tenant)}'s ({rows:,}) refer to rows of "
                    f"{parent} that would go."
                )
        indexed = Indexed.of(database, stored, {*going, *changed})
        obstacle = obstacle or _in_virtual_tables(database, tenant, indexed)
        knots: list[Knot] = []
        try:
            for tables in dict.fromkeys(ordered.values()) if obstacle is None else ():
                knots.append(Knot.of(chosen, tables))
        except errors.NotAllowed as error:
            obstacle = str(error)
        caution = None
        obstacle = obstacle or _cannot_go(database, going)
        if obstacle is None:
            obstacle = _cannot_record(database, Erasure(tenant, going, changed, indexed=indexed), now)
            chains = [tenant] * (AUDIT_CHAIN.name in going)
            caution = Numbering(database).caution([*chains, SYSTEM_TENANT])
    planned = Erasure(tenant, going, changed, chosen.stays, obstacle, caution, indexed)
    return planned, chosen, tuple(knots)


def _looked_through(database: Database, stored: StoredTables, name: str) -> int:
    """How many rows SQLite reads for each row of the table that goes: all of those tables that refer to it by
    columns that no index begins with.
    """
    sizes = []
    for key in stored[name].referring:
        child = stored.get(key.table)
        if child is not None and child.led_by.isdisjoint(key.columns):
            of_all = SPAN if child.rowid else "SELECT count(*) FROM main.{table}"
            sizes.append(raw(of_all.format(rowid=child.rowid, table=sql_name(child.name))))
    return sum(database.at_most(int(rows or 0)) for ((rows,),) in database.read_each(sizes))


def _cannot_go(database: Database, going: Iterable[str]) -> str | None:
    """Why SQLite itself lets no row go from a table; before each row is read for a copy, and charged."""
    try:
        list(database.read_each([followed(name) for name in going]))
    except errors.Refused as error:
        return error.happened
    return None


def _triggers(table: str) -> str:
    return f"{table} has triggers, and what they would change nobody can tell."


def why_never(tenant: str) -> str | None:
    """Why this tenant cannot be erased whatever its file holds, as a sentence."""
    if tenant == SYSTEM_TENANT:
        return f"The chain of {SYSTEM_TENANT} holds what was done to the whole database, erasures too."
    return None


def _barrier(database: Database, stored: StoredTables, tenant: str, going: Mapping[str, int]) -> str | None:
    if (never := why_never(tenant)) is not None:
        return never
    if AUDIT_CHAIN.name not in stored:
        return f"{database.place} has no audit chain, so that it would be recorded nowhere."
    return next((_triggers(name) for name in going if stored[name].has_triggers), None)


def _is_erased(database: Database, tenant: str, which: str) -> str | None:
    """Why there is nothing to erase of a tenant that has been; None where there is."""
    kinds = f"SELECT DISTINCT event_type FROM main.{AUDIT_CHAIN.name} WHERE {which} LIMIT 2"  # noqa: S608
    if database.rows(raw(kinds)) != [(MARKER_EVENT,)]:
        return None
    return (
        f"Nothing of {tenant_name(tenant)} is left but the marker in its chain that says what was removed; "
        "it stays, as the proof of that."
    )


def _in_virtual_tables(database: Database, tenant: str, indexed: Indexed) -> str | None:
    """Why it cannot be erased where a virtual table, to which nothing here writes, has rows of it, too."""
    for name, rows in in_virtual_tables(database, tenant).items():
        if rows and name not in (*indexed.rebuilt, *indexed.left):
            return (
                f"The virtual table {name} has {counted(rows, 'row')} of {tenant_name(tenant)}, and nothing "
                "here writes to such a table. Remove them with the program that fills it."
            )
    return None


def _cannot_record(database: Database, planned: Erasure, now: int) -> str | None:
    events = [_event(planned, "", "")]
    if AUDIT_CHAIN.name in planned.going:
        events.append(marker_of(Part(planned.tenant, 1, 1, 1, GENESIS), now))
    return unknown_tenant(database, SYSTEM_TENANT) or barred(database, events, now)


def _event(erasure: Erasure, actor: str, copy: str, bookmark: str | None = None) -> Event:
    payload: dict[str, Any] = {"actor": actor, "tenant": erasure.tenant, "removed": dict(erasure.going)}
    if erasure.changed:
        payload["changed"] = dict(erasure.changed)
    if virtual := erasure.indexed.told():
        payload["virtualTables"] = virtual
    if bookmark is not None:
        payload["bookmark"] = bookmark
    return Event(SYSTEM_TENANT, AuditEvent.TENANT_ERASED, payload | {"copy": copy})


def erase(
    opened: Opened,
    tenant: str,
    store: CheckpointStore,
    verify: Verifier,
    *,
    actor: str,
    now: Now,
    expected: Erasure | None = None,
    log: DeliveryLog | None = None,
    old_secrets: OldSecrets | None = None,
    monitor: Monitor = UNWATCHED,
) -> Erased:
    """Erases it, in a file or a live database, behind a checkpoint and a copy: of the file, or of the rows
    that go. What the `log` and `old_secrets` have of it goes, too; then the database is verified and signed
    again. With what was `expected` it is refused where by now more or other rows would go.

    Raises `InvalidInput`, `NotAllowed` where something stands in its way, `Cancelled`, the errors of
    `verify_and_sign`, and the storage errors of the database and the copy; nothing was erased then.
    `ErasureUnknown` where the answer was lost, and `ErasureNotTaken` where it was a limit, and a copy of the
    batch may be in.
    """
    database = opened.database
    if opened.read_only:
        raise errors.NotAllowed(
            f"{opened.place} is open read-only, because {opened.read_only_reason}. Nothing was erased."
        )
    with database.connection_context(), database.begun(), database.in_background(monitor.cancelled):
        with database.cancellable(monitor.cancelled):
            planned, chosen, _ = _planned(database, tenant, moment(now))
        if planned.obstacle is not None:
            raise errors.NotAllowed(f"{planned.obstacle} Nothing was erased.")
        if expected is not None and (expected.going, expected.changed) != (planned.going, planned.changed):
            raise errors.NotAllowed(_OTHERS)
        if database.costs and not os.access(opened.folder, os.W_OK):  # before all is read, and charged
            raise errors.CannotWrite(opened.folder / f"{opened.stem}.sqlite")
        how: dict[str, Any] = {"now": now, "by": actor, "reason": Reason.RETENTION}
        first = share_of(monitor, 0, _VERIFIED)
        chain = _signed(opened, tenant, verify_and_sign(opened.where, store, verify, monitor=first, **how))
        at = moment(now)  # a limit that was waited for has taken its time
        if chain is not None:
            at = _behind(database, chain, store.checkpoints(opened.where), at)
        monitor.check()
        with database.cancellable(monitor.cancelled):
            known = contents(chosen, planned.going)
        forget = partial(_forget, opened, planned, store, log, old_secrets)
        second = share_of(monitor, _VERIFIED, _COPIED)
        with opened.kept_copy("erasing", lambda _: _copied(chosen), now=at, monitor=second) as copy:
            second.progress(1, 1)
            bookmark = None

            def perhaps(what: errors.MayBeIn, error: errors.MayBeIn) -> errors.MayBeIn:
                what.act, what.called = error.act, planned.called
                what.made = lambda _: Erased(
                    planned, copy, None, tuple(forget()), _of_live(database, bookmark)
                )
                return what

            try:
                bookmark = database.bookmark("before a tenant was erased")
                event = _event(planned, actor, copy.name, bookmark)
                _carry_out(database, planned, known, chain, event, copy=copy, at=at)
            except errors.OutcomeUnknown as error:
                if not error.is_undecided:
                    copy.unlink()
                    raise
                unknown = ErasureUnknown(str(copy), str(error))
                unknown.is_answered = error.is_answered
                raise perhaps(unknown, error) from error.__cause__ or error
            except errors.RateLimited as error:
                if not error.was_sent:
                    copy.unlink()
                    raise
                raise perhaps(ErasureNotTaken(str(copy), error.pause), error) from error
            except BaseException:
                copy.unlink()  # it holds what would have gone, and nobody would know of it
                raise
        share_of(monitor, _COPIED, _GONE).progress(1, 1)
        unpacked = database.clear_free_space()
        problems = forget()
    if unpacked is not None:
        problems.append(
            "What other programs had removed of it may still be in free space of the file, which was not "
            f"rewritten: {unpacked}. VACUUM by sqlite3 clears that space, once nobody else has the file "
            "open."
        )
    if large := [title_of(name) for name, text in known.items() if text is None]:
        problems.append(
            f"{' and '.join(large)}: too much to be compared with the copy once more; what others wrote to "
            "it after it had been copied, if anything, is gone."
        )
    after = None
    try:
        last = Monitor(share_of(monitor, _GONE, 1).progress)  # nothing ends it any more
        after = verify_and_sign(opened.where, store, verify, monitor=last, **how)
    except (errors.TenantAdminError, OSError) as error:  # it is erased all the same
        why = error.happened if isinstance(error, errors.TenantAdminError) else str(error)
        problems.append(f"The chains could not be verified afterwards. {why}")
    return Erased(planned, copy, after, tuple(problems), _of_live(database, bookmark))


def _forget(
    opened: Opened,
    erased: Erasure,
    store: CheckpointStore,
    log: DeliveryLog | None,
    old_secrets: OldSecrets | None,
) -> list[str]:
    """What is kept of it beside the database goes, too; what does not, in sentences."""
    database = opened.database
    store.verdicts.own.forget_tenant(opened.where, erased.tenant)
    if old_secrets is not None and WEBHOOK_DESTINATIONS.name in erased.going:
        ids = raw(f"SELECT CAST(id AS BLOB) FROM main.{WEBHOOK_DESTINATIONS.name}")  # noqa: S608
        with suppress(errors.TenantAdminError):  # they end with their time
            there = {named(bytes(found or b""), database.encoding) for (found,) in database.rows(ids)}
            old_secrets.forget_gone(there)
    try:
        if log is not None:
            log.forget(str(opened.kept_by), erased.tenant)
    except errors.TenantAdminError as error:
        return [f"The delivery log still has what was sent to its webhooks. {error}"]
    return []


def _of_live(database: Database, bookmark: str | None) -> str | None:
    """What is to be known of what a live database keeps; None of a file."""
    if bookmark is not None:
        return (
            "Time Travel can bring all of the database back to before for 30 days (7 on the free plan), with "
            f"what has gone: by {bookmark}."
        )
    return f"{database.place} has no Time Travel: that copy is the only way back." if database.costs else None


def _copied(chosen: Going) -> Mapping[str, str]:
    """Which rows go, and which others lose what they refer to."""
    which = dict(chosen.going)
    for parent, key in chosen.keys:
        if parent in which and len(key.columns) == len(key.parent_columns):
            lose = chosen.remaining(parent, key)
            which[key.table] = f"({which[key.table]}) OR ({lose})" if key.table in which else lose
    return {name: f"({one})" for name, one in which.items()}


_OTHERS: Final = "Other rows than were counted would go by now; nothing was erased. Look at what goes again."
_CHANGED: Final = (
    "Others have written to what goes since it was copied; nothing was erased. Erase it when they have done."
)


def _signed(opened: Opened, tenant: str, found: SignedReport) -> TenantReport | None:
    """Its chain, which a checkpoint has seen to its end; None where it has none. Raises `NotAllowed`."""
    report = found.report
    if not report.intact:
        words = "is undecided" if report.undecided else f"is {report.verdict}"
        raise errors.NotAllowed(
            f"The verdict of {opened.place}'s audit chains {words}, and no checkpoint can be made before, so "
            "that nobody could tell afterwards whether what went was right. Nothing was erased. Verify the "
            "chain, and put it right first."
        )
    own = next((one for one in report.tenants if one.tenant == tenant), None)
    if own is not None and found.checkpoint is None:
        raise errors.NotAllowed(
            f"No checkpoint could be made before the erasure. {found.why_not or ''} Nothing was erased."
        )
    return own


def _carry_out(
    database: Database,
    planned: Erasure,
    known: Mapping[str, str | None],
    chain: TenantReport | None,
    event: Event,
    *,
    copy: Path,
    at: int,
) -> None:
    tenant = planned.tenant

    def batch() -> Batch:
        again, chosen, knots = _planned(database, tenant, at)
        ends = heads(database, [tenant, SYSTEM_TENANT])
        head = GENESIS if chain is None else chain.head
        if (again.going, again.changed) != (planned.going, planned.changed) or ends[tenant].hash != head:
            raise errors.NotAllowed(_OTHERS)
        events = [event]
        in_rounds = sizes(knots)
        along = {key.table for name in chosen.going for key in chosen.stored[name].referring if _goes(key)}
        apart = {*along, *in_rounds} & {*planned.going} - {AUDIT_CHAIN.name}
        taken = [name for name in chosen.going if name in apart]
        # SQLite does not count what goes along with others: all of these are counted while they are there.
        parents = [chosen.stored[name] for name in planned.going if name in chosen.stored]
        statements = [unaltered([*planned.going, *planned.changed], parents)]
        statements.append(Statement(raw("PRAGMA defer_foreign_keys = ON"), expect=None))
        statements += as_copied(chosen, known)
        statements += [unchanged(name, chosen.going[name], planned.going[name]) for name in taken]
        for knot in knots:
            statements += knot.unchanged(chosen)
        for step in chosen.steps(knots):
            if isinstance(step, Round):
                statements += step.removal(chosen)
            elif step == AUDIT_CHAIN.name and chain is not None:
                part = Part(tenant, chain.first_seq or 1, chain.last_seq or 1, chain.entries, head or GENESIS)
                statements += removal_of(part)
                events.insert(0, marker_of(part, at))
            elif left := planned.going.get(step, 0) - in_rounds[step]:
                delete = f"DELETE FROM main.{sql_name(step)} WHERE {chosen.going[step]}"  # noqa: S608
                statements.append(Statement(raw(delete), expect=None if step in taken else left))
        statements += again.indexed.statements()
        statements += [Statement(raw(f"DELETE FROM main.{name}"), expect=None) for name in _samples(database)]  # noqa: S608
        # The next start knows no more of it than this, where its outcome stays unknown until then.
        marked = event.payload.get("bookmark")
        back = "" if marked is None else f" Before it, for Time Travel: {marked}."
        went = f"A copy of what went is in {copy}; delete it once nobody needs it.{back}"
        not_gone = f"A copy of what was to go is in {copy}: delete it."
        return Batch(statements, events, ends=ends, what=planned.called, beside=(went, not_gone))

    try:
        with database.calm_log():
            append(database, batch, now=at, told=True)
    except errors.RowChanged as error:
        raise errors.NotAllowed(_CHANGED) from error


def _samples(database: Database) -> list[str]:
    """Tables in which ANALYZE keeps keys of indexes, say addresses, of anybody's rows, and fills again."""
    there = "SELECT name FROM main.sqlite_master WHERE name IN ('sqlite_stat3', 'sqlite_stat4')"
    return [str(name) for (name,) in database.rows(raw(there))]


def _goes(key: ForeignKey) -> bool:
    return fate_of(key) is Fate.GOES


def _behind(database: Database, chain: TenantReport, signed: Sequence[Checkpoint], now: int) -> int:
    """A time behind those of the chain's ends, and of each end that checkpoints knew before, as a marker's
    cutoff has to be. Raises `NotAllowed`.
    """
    ends = f"SELECT created_at FROM {AUDIT_CHAIN.name} WHERE seq IN (?, ?)"  # noqa: S608
    found: list[Any] = [at for (at,) in database.rows(raw(ends, chain.first_seq, chain.last_seq))]
    sealed = [item.tenants[chain.tenant] for item in signed if chain.tenant in item.tenants]
    found += [at for one in sealed for at in (one.first_at, one.head_at)]
    last = max((seconds(at) for at in found if isinstance(at, int) and not is_no_time(at)), default=0)
    if last > now + _AHEAD:
        raise errors.NotAllowed(
            f"The chain of {tenant_name(chain.tenant)} has an entry ahead of this computer's clock, so that "
            "no marker can say that all of it was older. Nothing was erased; look at the clock, or wait."
        )
    return max(now, last + 1)
