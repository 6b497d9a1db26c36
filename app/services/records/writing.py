"""How every change is committed: rows and audit events together, or neither; and how it is undone."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType
from typing import Any, Concatenate, Final, ParamSpec, cast

from peewee import BaseQuery

from app.services import text
from app.services.chain.append import Batch, Check, Event, append, has_chain, unknown_tenant
from app.services.chain.cautions import Agreed, Caution, NoBookmark
from app.services.chain.rules import TABLE
from app.services.records.applying import GONE, Left, Seen, gone_already, seen_of_changes
from app.services.records.change import Change, Checks
from app.services.records.images import PREPARED, UPDATED, Completing, Images
from app.services.records.parts import ActPart, called_each, names_in, part_of
from app.services.records.references import removal
from app.services.records.rows import Image, RowChange, StoredRow, Value, one_of, proof_of, statements_of
from app.services.records.tables import DECLARED, USERS
from app.services.records.unaltered import unaltered
from app.services.text import quoted, tenant_name
from models import errors
from models.engine import Capability, Database, Rows, Statement, raw, sql_name
from models.freeing import let_go
from models.progress import UNWATCHED, WATCHING, share_of
from models.schema import StoredTable
from models.status import AuditEvent

P = ParamSpec("P")


def act(plan: Callable[Concatenate[Images, P], Change]) -> Callable[Concatenate[Database, P], Change]:
    """The act that `plan` decides upon: it is given a database instead of the images of its rows.

    Raises what `plan` raises, and the errors of `commit`.
    """

    @wraps(plan)
    def planned(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> Change:
        return commit(database, lambda images: plan(images, *args, **kwargs), now=cast("int", kwargs["now"]))

    return planned


@dataclass(frozen=True, slots=True)
class Planned:
    """What an act would do as things stood when it was looked at, and what was read for that."""

    change: Change
    images: Images = field(repr=False)


def preview(
    function: Callable[..., Change],
    database: Database,
    *args: Any,
    asks: bool = False,
    seen: Seen = MappingProxyType({}),
    **kwargs: Any,
) -> Planned:
    """What an act would do as it stands now; nothing is written. Raises what its plan raises, which goes by
    what a person has `seen` of its rows, and where each call takes its time what its checks do.
    """
    plan: Callable[..., Change] = function.__wrapped__  # type: ignore[attr-defined]
    images = Images(database, asks=asks, looks=True, seen=seen)
    change = plan(images, *args, **kwargs)
    images.refuse_triggers(_written(change))
    database.require_fits(row.statement() for row in change.rows)
    if images.unchanged() is not None and len(change.events) > 1:
        images.judge(change.checks(change.rows, database))
    return Planned(change, images)


def carry_out(
    function: Callable[..., Change],
    database: Database,
    *args: Any,
    now: int,
    agreed: Agreed,
    planned: Planned | None = None,
    seen: Seen = MappingProxyType({}),
    gone: int = 0,
    **kwargs: Any,
) -> Change:
    """An act of a person who is asked, and what they have `agreed` to: what was `planned` when they were,
    where nothing has happened since, or what they have `seen` of its rows; `gone` more than the act is given
    were there no more when their ids were read. Raises as the act, `Caution`,
    `ChangedMeanwhile` where a row is another by now than they were shown, and `MoreGoAlong`.
    """
    plan: Callable[..., Change] = function.__wrapped__  # type: ignore[attr-defined]

    def again(images: Images) -> Change:
        images.gone = gone
        return plan(images, *args, now=now, **kwargs)

    return commit(database, again, now=now, agreed=agreed, before=planned, seen=seen)


def commit(
    database: Database,
    plan: Callable[[Images], Change],
    *,
    now: int,
    agreed: Agreed | None = None,
    before: Planned | None = None,
    seen: Seen = MappingProxyType({}),
    again: bool = False,
    tries: int = 3,
) -> Change:
    """Writes the rows and appends the events of the planned change in one transaction, then returns it.

    `plan` reads, checks and decides; when somebody else has appended to the same chain meanwhile, or has made
    other foreign keys refer to what it changes, it is asked again. Raises what it raises, `RowChanged` when a
    row is no longer as it was, and the other errors of `Database.run_batch`; nothing is written then. What
    was planned `before` is written as it was, where neither tables nor chains have changed since; else it is
    planned again, and what it named must still be so. Where it may be wanted `again` (an undo), what its
    inverse would read first is read behind it, if that takes a bookmark, which is a request by itself. Before
    more than one row goes a bookmark is taken of what is there, where the database can be brought back to it
    (Time Travel), and named in the entries; `NoBookmark` where none can be had, and nobody has agreed to that
    for this act.
    """
    planned: list[tuple[Images, Change, list[Completing]]] = []
    seen_before: dict[tuple[str, Any], Mapping[str, Any]] = {}
    if before is not None:
        seen = seen_before = seen_of_changes(before.change.rows)
    left: list[Callable[[], Images | None]] = []
    bookmark: str | None = None
    without, settles = False, Capability.SETTLES in database.capabilities

    def batch() -> Batch:
        images = Images(database, asks=agreed is not None and agreed.asks, seen=seen)
        unchanged = before.images.unchanged() if before is not None and not planned else None
        if before is not None and unchanged is not None:
            images, change = before.images, before.change
        else:
            with _endable(database):
                change = plan(images)
            images.refuse_triggers(_written(change))
            if before is not None and (more := _more(change, before.change)):
                raise errors.MoreGoAlong(" and ".join(sorted(more)))
        asked = images.completing(change.rows)
        planned.append((images, change, asked))
        look: list[Statement] = []
        if again and database.costs and (redo := change.inverse()).going > 1:
            look, known = images.behind(redo.checks(redo.rows, database), redo.events)
            left[:] = [known]
        return Batch(
            [
                *([unaltered(_written(change), _parents(change))] if unchanged is None else []),
                *statements_of(images.followed(change.rows, len(change.rows), PREPARED)),
                *(statement for _, statement in asked),
                *look,
            ],
            change.events,
            () if images.judged else change.checks(change.rows, database),
            images.ends(change.events),
            images.numbering,
            marked if change.going > 1 else None,
            change.summary,
            proof_of(change.rows, _plain) if settles else None,
            unchanged=unchanged,
            monitor=share_of(images.monitor, PREPARED, 1),
            mark=change.mark if settles else "",
            beside=(_NOT_SHOWN if settles and change.may_generate else "", ""),
        )

    def marked() -> Sequence[Event]:
        nonlocal bookmark, without
        images, change, asked = planned[-1]
        if bookmark is None and not without:
            try:
                bookmark = database.bookmark(f"before {quoted(change.summary)}")
            except errors.StorageError as error:
                missing = NoBookmark.by(database.place, error)
                if not (agreed or Agreed()).has(missing):
                    raise missing from error
                (agreed or Agreed()).use_up(missing)
                without = True
        if bookmark is not None:
            planned[-1] = images, replace(change, bookmark=bookmark), asked
        return planned[-1][1].recorded

    made: list[tuple[str, str]] = []
    try:
        append(database, batch, now=now, agreed=agreed, made=made)
        _remember(database, planned[-1][1].summary, made, now)
    except errors.Refused as error:
        for row in planned[-1][1].rows if planned else ():
            tenant = (row.after or {}).get("tenant_id")
            if isinstance(tenant, str) and (reason := unknown_tenant(database, tenant, row.table)):
                raise errors.TenantLacking(f"{reason} Nothing was changed.") from error
        raise
    except errors.RowChanged:
        if planned:
            images, change, _ = planned[-1]
            by_now = Images(database)
            by_now.refuse_triggers(_written(change))
            if tries and by_now.refers_otherwise(_parents(change)):  # whose rows would go or change along
                how: dict[str, Any] = {"agreed": agreed, "before": before, "seen": seen, "again": again}
                return commit(database, plan, now=now, tries=tries - 1, **how)
        raise
    except errors.Cancelled as error:
        raise errors.ActCancelled from error
    except Caution as error:
        error.act = planned[-1][1].summary if planned else ""
        raise
    except errors.MayBeIn as error:
        if error.may_be_in:
            _, sent, asked = planned[-1]
            error.act, error.made = sent.summary, partial(_found, sent, asked, made, now)
        raise
    images, change, asked = planned[-1]
    if before is not None:
        let_go(seen_before)
    return _as_written(change, asked, database, images, lambda: next((known() for known in left), None))


_LATELY: Final = "SELECT seq FROM audit_chain WHERE tenant_id = ? AND hash = ? ORDER BY seq DESC LIMIT 1"


def _remember(database: Database, act: str, made: Sequence[tuple[str, str]], now: int) -> None:
    """Tells who keeps them which entries the act has made: numbers follow each other within a batch."""
    if database.on_own is None or not made:
        return
    number, head = database.newest
    with suppress(errors.TenantAdminError):
        if head != made[-1][1]:
            number = int(database.scalar(raw(_LATELY, *made[-1])) or 0)
        if number:
            database.remember_own(made, number, now, act)


_NOT_SHOWN = "If a password or secret was generated for it, nobody has seen it: set another one."
_AS_OTHERS_MADE_IT = "; it cannot be undone, as others may have written to it since"


def _found(
    change: Change, asked: Sequence[Completing], made: Sequence[tuple[str, str]], now: int, database: Database
) -> Change:
    """As `_as_found`; its entries are remembered as those of any other act."""
    _remember(database, change.summary, made, now)
    return _as_found(change, asked, database)


def _as_found(change: Change, asked: Sequence[Completing], database: Database) -> Change:
    """The same when it is known a while later that it was written: what the database filled in may be what
    others have made of it since, so that nobody can tell any more what an undo would take away. Where it
    filled in nothing, the rows are as they were sent.
    """
    if all(set(row.stored.columns) <= set(row.after or {}) for row in change.rows if row.before is None):
        return change
    found = _as_written(change, asked, database, Images(database), lambda: None)
    return replace(found, inverse_events=(), left=change.left + _AS_OTHERS_MADE_IT)


def _as_written(
    change: Change,
    asked: Sequence[Completing],
    database: Database,
    images: Images,
    known: Callable[[], Images | None],
) -> Change:
    """With what the database filled in and made of the values of new rows, and what is `known` behind it."""
    # It is written, whether that can be read or not.
    with suppress(errors.StorageError, errors.Cancelled, *(errors.MISREAD if database.through_json else ())):
        rows = images.completed(change.rows, asked)
        behind = known()
        if rows is not change.rows or behind is not None:  # of 100,000 rows it takes its time
            change = replace(change, rows=rows, behind=behind)
    return change


def _parents(change: Change) -> list[StoredTable]:
    """The tables whose rows it takes away or alters, as they were read: others' rows may refer to them."""
    return [*{row.table: row.stored for row in change.rows if row.before is not None}.values()]


def _plain(table: str) -> frozenset[str]:
    return DECLARED[table].plain if table in DECLARED else frozenset()


def _more(change: Change, before: Change) -> set[str]:
    """The tables of which other rows change, or go, than was planned before."""
    there = set(before.touched())
    more = {one[0] for one in change.touched() if one not in there}
    let_go(there)
    return more


def _endable(database: Database) -> AbstractContextManager[None]:
    """Within it, who follows the act may end what it reads; what waits for an answer is ended where that is
    said.
    """
    watching = WATCHING.get()
    return nullcontext() if watching is UNWATCHED else database.cancellable(watching.cancelled)


def _written(change: Change) -> list[str]:
    """The tables that it writes, whose triggers would write more."""
    return [*{TABLE, *(row.table for row in change.rows)}]


def undo(
    database: Database,
    change: Change,
    *,
    now: int,
    agreed: Agreed | None = None,
    act: str = "",
    what: str | None = None,
    part: ActPart | None = None,
) -> Change:
    """Puts back exactly what was there, or raises `ChangedSince`, which says what has changed since, which
    `act` it is of, `what` it cannot be, and of which `part` of it nothing has; of that alone where it is
    given. `NotAllowed` where the tenant was erased since. Where other columns alone of a single record have
    changed since, these stay as they are, and the record is changed now.
    """
    meant = change if part is None else part.change
    inverse = _unless_erased(change, replace(meant.inverse(), left="" if part is None else part.left.told))

    def plan(images: Images) -> Change:
        images.chains = [*dict.fromkeys(event.tenant_id for event in inverse.events)]
        if len(inverse.events) > 1:
            images.checks = inverse.checks(inverse.rows, database)
        return _as_it_is(images, inverse, act, what)

    def plan_beside(images: Images) -> Change:
        planned = plan(images)
        return replace(planned, rows=(_beside_others(images, planned, now) or planned.rows[0],))

    # Nothing but the bookmark and the write is left to ask, where nobody has written since.
    before = Planned(inverse, meant.behind) if meant.behind is not None else None
    try:
        return commit(database, plan, now=now, agreed=agreed, before=before, again=True)
    except (errors.RowChanged, errors.AlreadyExists, errors.Refused, *_SAY_ALL) as error:
        if isinstance(error, _SAY_ALL) and len(change.rows) == 1:
            raise
        images = Images(database)
        alone = len(inverse.rows) == 1
        if alone and _beside_others(images, inverse, now) is not None:
            return commit(database, plan_beside, now=now, agreed=agreed, again=True)
        kept_out: _KeptOut = {}
        match error:
            case errors.Taken():
                taken = error.records.items()
                kept_out = {(USERS.name, one): (_TAKEN, partial("{0}".format, told)) for one, told in taken}
            case errors.AlreadyExists():
                kept_out = _taken(images, inverse.rows)
            case errors.Refused() | errors.TenantLacking():
                kept_out = _orphaned(images, inverse.rows)
        differences, rest = _since(images, meant, inverse, kept_out, alone=len(change.rows) == 1)
        if not differences:
            raise
        others = 0 if rest is None else rest.count
        rest = None if rest is None else rest.beside(part)
        raise errors.ChangedSince(differences, what, act, rest, others) from error


@dataclass(frozen=True, slots=True)
class _UnlessErased:
    """The `checks` of what is taken back, and that its own entry is in each chain in which it was recorded:
    what a tenant had does not come back when all of that was erased. `entries` are tenant, type and payload.
    """

    checks: Checks
    entries: tuple[tuple[str, str, str], ...]

    def __call__(self, rows: Sequence[RowChange], database: Database) -> Sequence[Check]:
        asked = [*self.checks(rows, database)]
        tables = database.tables_looked_at
        if TABLE in tables if tables is not None else has_chain(database):  # else nothing tells
            refuse = partial(_refuse_erased, is_earlier=database.is_earlier)
            asked.append(Check(raw(_GONE, json.dumps(self.entries)), refuse))
        return asked


_GONE = f"""
SELECT asked.value ->> 0 FROM json_each(?) AS asked WHERE (
  SELECT seq FROM {TABLE}
  WHERE tenant_id = asked.value ->> 0 AND +event_type = asked.value ->> 1 AND payload = asked.value ->> 2
  ORDER BY seq DESC LIMIT 1
) IS NULL
"""  # noqa: S608
"""From the tenant's last entry on, as it mostly is among those: by its type a long chain is gone through."""


def _refuse_erased(found: Rows, *, is_earlier: bool) -> None:
    """A database that `is_earlier` than what was known of it was neither pruned nor erased to become that."""
    for (tenant,) in found:
        why = f", which was erased since, or retention has removed it, or {_ANOTHER_LINE}"
        if is_earlier:
            why = f": {_ANOTHER_LINE}"
        raise errors.NotAllowed(
            f"Its entry is no longer in the chain of {tenant_name(str(tenant))}{why}. Nothing of it is "
            "brought back, and nothing was changed."
        )


_ANOTHER_LINE = "another line of entries stands in its place (Time Travel, or somebody else)"


def _unless_erased(change: Change, inverse: Change) -> Change:
    """The inverse of a change that was recorded."""
    known = inverse.checks.checks if isinstance(inverse.checks, _UnlessErased) else inverse.checks
    lasts = {event.tenant_id: event for event in change.recorded}
    entries = tuple((name, str(event.event_type), event.text) for name, event in lasts.items())
    return replace(inverse, checks=_UnlessErased(known, entries))


def _as_it_is(images: Images, change: Change, act: str, what: str | None) -> Change:
    """The same change of tables that may have got foreign keys since, but no other columns."""
    before = {id(row.stored): row.stored for row in change.rows}
    now = {number: images.table(table.name) for number, table in before.items()}
    for number, table in before.items():
        if (table.columns, table.key) != (now[number].columns, now[number].key):
            raise errors.ChangedSince([f"the columns of {table.name}"], what, act)
    if now == before:  # as a rule, and of 100,000 rows the rest takes its time
        return change
    return replace(change, rows=tuple(replace(row, stored=now[id(row.stored)]) for row in change.rows))


def _differing(row: RowChange, found: StoredRow) -> list[str]:
    """The columns in which a row is not as it must be to be written."""
    return [name for name, value in row.guarded.items() if not found.holds(name, value)]


def _beside_others(images: Images, change: Change, now: int) -> RowChange | None:
    """The same change of its only row, in which nothing else differs than when it was changed last; None
    where that is not so, or an entry would name the row as it was called before.
    """
    (row,) = change.rows
    found = None if row.before is None or row.after is None else images.now(row)
    if found is None or _differing(row, found) != [UPDATED]:
        return None
    told = {name: value for event in change.events for name, value in event.payload.items()}
    others = (found.image.keys() & told.keys()) - (row.after or {}).keys()
    if any(told[name] != found.shown(name) for name in others):
        return None
    values = {name: value for name, value in (row.after or {}).items() if name != UPDATED}
    return replace(images.changed(found, values, now), held=row.held)


_SAY_ALL: Final = errors.Taken, errors.TenantLacking
"""What keeps a single record from being put back, in a sentence about it."""
_CHANGED: Final = "changed since"
_TAKEN: Final = "taken by others since"
_LOST: Final = "referring to what is gone"
_UNIQUE: Final = """
SELECT list.name, info.name, info.coll
FROM pragma_index_list(?) AS list, pragma_index_xinfo(list.name) AS info
WHERE list."unique" AND NOT list.partial AND info.key AND NOT EXISTS (
  SELECT 1 FROM pragma_index_info(list.name) AS odd WHERE odd.name IS NULL
)
"""
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


_KeptOut = Mapping[tuple[str, Value], tuple[str, Callable[[str], str]]]
"""By table and id, why records that are as they must be cannot be put back: each of several, and in words,
given which it is.
"""


def _gets(row: RowChange, columns: Sequence[str]) -> tuple[Value, ...] | None:
    """What a row would hold in these columns; None where one of them is NULL, or not known."""
    image = {**row.held, **row.key, **(row.after or {})}
    values = tuple(image.get(name) for name in columns)
    return None if row.after is None or None in values else values


def _taken(images: Images, rows: Sequence[RowChange]) -> _KeptOut:
    """Which of the rows would get what the table's own rules let one row have, and another has by now; as far
    as that is alike to SQLite's own collations.
    """
    found: dict[tuple[str, Value], tuple[str, Callable[[str], str]]] = {}
    for table in dict.fromkeys(row.table for row in rows if row.after is not None):
        indexes: dict[str, dict[str, str]] = {}
        for index, column, collation in images.read([raw(_UNIQUE, table)])[0]:
            indexes.setdefault(str(index), {})[str(column)] = str(collation).upper()
        for columns in indexes.values():
            names, by = [*columns], [*columns.values()]
            says = partial("another row has the same {} as {}".format, " and ".join(names))
            some = (row for row in rows if row.table == table)
            wanted = {values: row for row in some if (values := _gets(row, names)) is not None}
            alike = {_compared(values, by): row for values, row in wanted.items()}
            for other in images.matching(table, names, [*wanted], collations=by):
                row = alike.get(_compared([other.image.get(name) for name in names], by))
                if row is not None and other.record_id != row.record_id:
                    found[table, row.record_id] = _TAKEN, says
    return found


def _compared(values: Iterable[Value], collations: Iterable[str]) -> tuple[Value, ...]:
    """What is the same of values that SQLite takes for the same (sqlite.org/datatype3.html#collation)."""

    def compared(value: Value, collation: str) -> Value:
        if isinstance(value, str) and collation == "NOCASE":
            return value.translate(_LOWER)
        return value.rstrip(" ") if isinstance(value, str) and collation == "RTRIM" else value

    return tuple(map(compared, values, collations))


def _orphaned(images: Images, rows: Sequence[RowChange]) -> _KeptOut:
    """Which of the rows would refer, by a foreign key, to what is not there any more and does not come back
    with them.
    """
    found: dict[tuple[str, Value], tuple[str, Callable[[str], str]]] = {}
    keys = [(parent, key) for parent in images.tables.values() for key in parent.referring]
    for parent, key in keys:
        wanted: dict[tuple[Value, ...], list[RowChange]] = {}
        for row in rows:
            is_new = row.before is None or not row.changing.isdisjoint(key.columns)
            if row.table == key.table and is_new and (values := _gets(row, key.columns)) is not None:
                wanted.setdefault(values, []).append(row)
        for row in rows:
            if row.table == parent.name and (values := _gets(row, key.parent_columns)) is not None:
                wanted.pop(values, None)
        leads_there = len(key.columns) == len(key.parent_columns) and {*key.parent_columns} <= {*parent.names}
        if wanted and leads_there:
            there = images.read([_first(parent, key.parent_columns, values) for values in wanted])
            lost = (some for some, any_there in zip(wanted.values(), there, strict=True) if not any_there)
            says = partial("{1} refers to a row of {0} that is not there any more".format, parent.name)
            found |= {(key.table, row.record_id): (_LOST, says) for some in lost for row in some}
    return found


def _first(table: StoredTable, columns: Sequence[str], values: tuple[Value, ...]) -> BaseQuery:
    condition, bound = one_of(table.name, columns, [values])
    return raw(f"SELECT 1 FROM {sql_name(table.name)} WHERE {condition} LIMIT 1", *bound)  # noqa: S608


def _since(
    images: Images, change: Change, inverse: Change, kept_out: _KeptOut, *, alone: bool
) -> tuple[list[str], ActPart | None]:
    """What keeps rows from being put back, in words, and the part of the change of which nothing does: not
    what it is by now, and not what else has `kept_out` some of them.
    """
    there, differences, kept, left = _by_now(images, inverse.rows), [], set[tuple[str, Value]](), Left()
    now = [there.get((row.table, *row.told_by.values())) for row in inverse.rows]
    names = called_each(inverse.rows, names_in(change), [None if one is None else one.image for one in now])
    for row, found, (name, which) in zip(inverse.rows, now, names, strict=True):
        what = "the record" if alone else _kind_and(row, name, which)
        difference = _difference(images, row, found, what)
        if difference is None and (row.table, row.record_id) in kept_out:
            why, told = kept_out[row.table, row.record_id]
            differences.append(told(what))
            left.add(why, name, which=which)
            continue
        if difference is None:
            kept.add((row.table, row.record_id))
            continue
        differences.append(difference)
        is_gone = found is None and row.before is not None
        has_name = not is_gone or name != str(row.record_id)
        left.add(GONE if is_gone else _CHANGED, name if has_name else "", which=which)
    some = part_of(change, kept) if differences else None
    return [*dict.fromkeys(differences)], None if some is None else ActPart(some, left, len(change.rows))


def _by_now(images: Images, rows: Sequence[RowChange]) -> dict[tuple[Value, ...], StoredRow]:
    """Those of the rows that are there, by table and by what tells each."""
    alike: dict[tuple[str, ...], list[RowChange]] = {}
    for row in rows:
        alike.setdefault((row.table, *row.told_by), []).append(row)
    found: dict[tuple[Value, ...], StoredRow] = {}
    for (table, *by), some in alike.items():
        for one in images.matching(table, by, [tuple(row.told_by.values()) for row in some]):
            which = (one.image.get(name, one.rowid) for name in by)
            found.setdefault((table, *which), one)
    return found


def _kind_and(row: RowChange, name: str, which: str) -> str:
    kind = DECLARED[row.table].noun[0] if row.table in DECLARED else row.table
    return f"{kind} {quoted(name)}{which and f' ({which})'}"


def _difference(images: Images, row: RowChange, found: StoredRow | None, what: str) -> str | None:
    """What keeps a row, as it was `found`, from being put back, in words that hold no value but its name."""
    if row.before is None:
        # Where the key is the rowid, it is any row that took it.
        is_it = set(row.key) <= set(row.stored.columns)
        return None if found is None else f"{what} is {'there again' if is_it else 'another row by now'}"
    if found is None:
        return f"{what} was removed"
    if names := _differing(row, found):
        return f"{', '.join(_label(row.table, name) for name in names)} of {what}"
    refer = images.referring([found], 1) if row.after is None else images.referring_to(found, row.changing, 1)
    for child, *_ in refer:
        return f"{child.table.name} refers to {what}"
    return None


def _label(table: str, name: str) -> str:
    """What the interface calls a column; one that nobody declared by its name."""
    columns = DECLARED[table].columns if table in DECLARED else ()
    return next((column.label for column in columns if column.source == name), name)


def named(rows: Sequence[StoredRow], noun: str, name: Callable[[StoredRow], str]) -> str:
    """For a summary: a single row by its name, several by their number."""
    return name(rows[0]) if len(rows) == 1 else text.counted(len(rows), noun)


def edited(
    images: Images,
    summary: str,
    given: Iterable[tuple[StoredRow, Image]],
    event: Callable[[StoredRow, Image, Image], Event],
    now: int,
) -> Change:
    """Gives each of these rows other values; `event` says what of one changes, from what to what."""
    changes = [(row, {name: row[name] for name in values}, values) for row, values in given]
    return Change(
        summary=summary,
        rows=tuple(images.changed(row, after, now) for row, _, after in changes),
        events=tuple(event(row, before, after) for row, before, after in changes),
        inverse_events=tuple(event(row, after, before) for row, before, after in changes),
    )


def secret_change(before: Value, after: Value) -> str:
    """All that an audit payload says of a secret that changes."""
    return "replaced" if before and after else "set" if after else "removed"


def deletion(
    images: Images,
    rows: Sequence[StoredRow],
    what: str,
    kinds: tuple[AuditEvent, AuditEvent],
    event: Callable[[AuditEvent, StoredRow, Mapping[str, Any]], Event],
    *,
    checks: Checks = lambda changes, database: (),
) -> Change:
    """Removes rows, with all that goes along; undoing puts all of it back whole.

    `event` says, by one of the `kinds`, that a row is gone, or that it is back, and what went or came along.
    Raises what `removal` raises.
    """
    images.require_seen(rows, are_all=True)
    gone = removal(images, rows)
    return Change(
        summary=f"{what} deleted{gone}",
        rows=gone.rows,
        events=tuple(event(kinds[0], row, gone.of(row)) for row in rows),
        inverse_events=tuple(event(kinds[1], row, gone.back(row)) for row in rows),
        checks=checks,
        along=str(gone),
        left=gone_already(rows, images.wanted).told,
    )
