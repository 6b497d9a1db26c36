"""Notifications: read them, mark them read or unread, delete them, singly and in bulk; write one to one
tenant or to many; and how many there are of a run or of a type, and of these unread.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from peewee import SQL, fn

from app.services import text
from app.services.chain.append import Event
from app.services.chain.rules import compact_json
from app.services.records import writing
from app.services.records.applying import gone_already, require_some, those_that_can
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.list_query import ListedValue, ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.references import removal
from app.services.records.rows import RowChange, StoredRow, Value, decoded, exactly, in_parts, legible, shown
from app.services.records.tables import (
    NAMES_RUN,
    NOTIFICATIONS,
    PLANNING_RUNS,
    USERS,
    WEBHOOK_DESTINATIONS,
    Table,
    flag,
)
from app.services.text import readable
from models.engine import Database, raw, sql_name
from models.errors import InvalidInput, NotFound, NothingToDo, TableMissing
from models.progress import UNWATCHED, Monitor
from models.status import AuditEvent
from models.tables import PlanningRun

IDS_PER_EVENT = 1000
"""Ids named in one audit entry, so that its payload stays far below what D1 takes (models/README.md)."""
NAMES = {NAMES_RUN: PLANNING_RUNS, "userId": USERS, "webhookId": WEBHOOK_DESTINATIONS}
"""What metadata name records by, as audit payloads do, and whose those are; the first goes first."""

_TOLD = 1_000
_SHOWN: Final = 20
"""Characters of the start and of the end of a tenant's name that is too long."""
_LAST = f"SELECT max({{}}) FROM main.{NOTIFICATIONS.name}"  # noqa: S608
_CAME = f"""
SELECT id, substr(tenant_id, 1, 200), substr(title, 1, 200) FROM main.{NOTIFICATIONS.name}
WHERE {{0}} > ? AND read = 0 ORDER BY {{0}} DESC LIMIT {_TOLD}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """A record that metadata name: what it is called there, None where this database has it no more."""

    table: Table
    id: str
    title: str | None


def named(database: Database, metadata: object) -> tuple[NamedRecord, ...]:
    """What metadata name, whatever else they may be; where reading is charged, a record or two a call."""
    try:
        found = json.loads(metadata) if isinstance(metadata, str) else None
    except (ValueError, RecursionError):
        return ()
    ids = {key: found.get(key) for key in NAMES} if isinstance(found, dict) else {}
    return tuple(
        NamedRecord(NAMES[key], record_id, _title(database, NAMES[key], record_id))
        for key, record_id in ids.items()
        if isinstance(record_id, str) and record_id
    )


def _title(database: Database, table: Table, record_id: str) -> str | None:
    try:
        record = read_record(database, table, record_id)
    except (NotFound, TableMissing):
        return None
    return next(filter(None, map(record.text, table.heading)), record_id)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Unread notifications behind a row, the latest first and a thousand at most, as (id, tenant, title);
    `last` is the last row of all, from which on to look the next time.
    """

    last: int
    unread: tuple[tuple[Value, str, str], ...] = ()


def arrived(database: Database, rowid: str, last: int | None) -> Arrived:
    """What came since row `last`, where the table's rows are numbered by `rowid`; nothing before the first
    look, which has none.
    """
    queries = [raw(_LAST.format(sql_name(rowid)))]
    if last is not None:
        queries.append(raw(_CAME.format(sql_name(rowid)), last))
    ((end,),), *more = database.read_batch(queries)
    found = tuple(
        (key, str(shown(tenant)), str(shown(title))) for rows in more for key, tenant, title in rows
    )
    return Arrived(end if isinstance(end, int) else 0, found)


@writing.act
def mark(images: Images, notification_ids: Sequence[str], *, read: bool, actor: str, now: int) -> Change:
    """Marks notifications read or unread; those already so, or gone, are left alone, which it says.

    One audit entry a tenant names the ids (at most 1,000 each). Raises `NothingToDo` when nothing changes.
    """
    word = "read" if read else "unread"
    done, undone = AuditEvent.NOTIFICATIONS_READ, AuditEvent.NOTIFICATIONS_UNREAD
    kinds = (done, undone) if read else (undone, done)
    found = images.rows(NOTIFICATIONS.name, notification_ids, only=("tenant_id", "read"))

    def why_not(row: StoredRow) -> str | None:
        return f"already {word}" if flag(row["read"]) is read else None

    rows, left = those_that_can(found, images.wanted, why_not)
    require_some(rows, left, f"Already marked {word}.")
    return Change(
        summary=f"{text.counted(len(rows), 'notification')} marked {word}",
        rows=tuple(images.changed(row, {"read": int(read)}, now) for row in rows),
        events=_events(kinds[0], rows, actor),
        inverse_events=_events(kinds[1], rows, actor),
        left=left.told,
    )


@writing.act
def delete(images: Images, notification_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes notifications, with all that goes along; undoing puts all of it back whole.

    One audit entry a tenant names the ids (at most 1,000 each). Raises `NotFound` when none of them is left,
    and what `dependents.removal` raises.
    """
    rows = images.found(NOTIFICATIONS.name, notification_ids, "notification", go=True)
    images.require_seen(rows, are_all=True)
    gone = removal(images, rows)
    return Change(
        summary=f"{text.counted(len(rows), 'notification')} deleted{gone}",
        rows=gone.rows,
        events=_events(AuditEvent.NOTIFICATIONS_DELETED, rows, actor, gone.of),
        inverse_events=_events(AuditEvent.NOTIFICATIONS_RESTORED, rows, actor, gone.back),
        along=str(gone),
        left=gone_already(rows, images.wanted).told,
    )


def _events(
    kind: AuditEvent,
    rows: Sequence[StoredRow],
    actor: str,
    along: Callable[[StoredRow], Mapping[str, Mapping[str, int]]] = lambda row: {},
) -> tuple[Event, ...]:
    by_tenant: dict[str, list[StoredRow]] = {}
    for row in rows:
        by_tenant.setdefault(row.tenant, []).append(row)
    return tuple(
        Event(tenant, kind, _payload(part, actor, along))
        for tenant, own in by_tenant.items()
        for part in in_parts(own, IDS_PER_EVENT)
    )


def _payload(
    rows: Sequence[StoredRow], actor: str, along: Callable[[StoredRow], Mapping[str, Mapping[str, int]]]
) -> dict[str, Any]:
    more: dict[str, Counter[str]] = {}
    for row in rows:
        for what, tables in along(row).items():
            more.setdefault(what, Counter()).update(tables)
    ids = [row.shown("id") for row in rows]
    return {"actor": actor, "count": len(ids), "notificationIds": ids, **{key: {**more[key]} for key in more}}


LONGEST_TYPE: Final = 100
LONGEST_TITLE: Final = 200
LONGEST_MESSAGE: Final = 10_000
LONGEST_METADATA: Final = 20_000
"""In characters: what is copied to each of a thousand tenants is no document."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What a notification says, as it is stored; `metadata` is a JSON object, None for none."""

    type: str
    title: str
    message: str = field(default="", repr=False)
    metadata: str | None = field(default=None, repr=False)


def valid_type(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.single_line("type", "The type", value, longest=LONGEST_TYPE)


def valid_title(value: str) -> str:
    """Raises `InvalidInput`."""
    return text.single_line("title", "The title", value, longest=LONGEST_TITLE)


def valid_message(value: str) -> str:
    """Lines of text, which may be none. Raises `InvalidInput`."""
    return text.several_lines("message", "The message", value, longest=LONGEST_MESSAGE)


def valid_metadata(value: str) -> str | None:
    """The JSON object as the platform's code writes it; None for an empty text. Raises `InvalidInput`."""
    if not value.strip():
        return None
    if len(value) > LONGEST_METADATA:
        raise InvalidInput("metadata", f"The metadata are longer than {LONGEST_METADATA:,} characters.")
    try:
        found = json.loads(value, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InvalidInput("metadata", f"This is no JSON: {error.msg}, line {error.lineno}.") from None
    except (ValueError, RecursionError):
        raise InvalidInput("metadata", "This is no JSON that the platform could read.") from None
    if not isinstance(found, dict):
        raise InvalidInput("metadata", "The platform's metadata are an object, {…}.")
    return compact_json(found)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


@writing.act
def compose(
    images: Images,
    tenants: Sequence[str],
    note: Composed,
    beside: Mapping[str, str] = MappingProxyType({}),
    monitor: Monitor = UNWATCHED,
    *,
    actor: str,
    now: int,
) -> Change:
    """Adds an unread notification for each of the tenants, all or none, with an audit entry in the chain of
    each. `beside` as `Images.new` has it. Raises `NothingToDo` without a tenant, `InvalidInput`, `Cancelled`.
    """
    wanted = tuple(dict.fromkeys(map(_tenant, tenants)))
    if not wanted:
        raise NothingToDo("No tenant is chosen.")
    note = Composed(
        valid_type(note.type),
        valid_title(note.title),
        valid_message(note.message),
        valid_metadata(note.metadata or ""),
    )
    images.monitor, images.chains = monitor, wanted
    said: dict[str, Any] = {
        "type": note.type,
        "title": note.title,
        "message": note.message,
        "metadata": note.metadata,
        "read": 0,
    }
    others = images.asked_for(NOTIFICATIONS, said, beside)
    values = ({"tenant_id": one, **said} for one in wanted)
    new = images.new_ones(NOTIFICATIONS, values, [others] * len(wanted), now)
    rows = tuple(row.added() for row in images.followed(new, len(wanted)))
    whose = f"for {wanted[0]}" if len(wanted) == 1 else f"for {text.counted(len(wanted), 'tenant')}"
    return Change(
        summary=f"{text.counted(len(rows), 'notification')} created {whose}",
        rows=rows,
        events=_told_of(AuditEvent.NOTIFICATIONS_CREATED, wanted, rows, note, actor),
        inverse_events=_told_of(AuditEvent.NOTIFICATIONS_DELETED, wanted, rows, note, actor),
    )


def _tenant(name: str) -> str:
    """One of perhaps many: what is wrong with it names it."""
    try:
        return text.tenant_id(name)
    except InvalidInput as error:
        shown = text.visible(name if len(name) <= 2 * _SHOWN else f"{name[:_SHOWN]}…{name[-_SHOWN:]}")
        raise InvalidInput("tenant_id", f"{str(error).removesuffix('.')}: {text.quoted(shown)}.") from None


def _told_of(
    kind: AuditEvent, tenants: Sequence[str], rows: Sequence[RowChange], note: Composed, actor: str
) -> tuple[Event, ...]:
    """One a tenant; what the message says stays out of its chain, which keeps it for ever."""
    created = {"type": note.type, "title": note.title} if kind is AuditEvent.NOTIFICATIONS_CREATED else {}
    return tuple(
        Event(
            tenant, kind, {"actor": actor, "count": 1, "notificationIds": [shown(row.record_id)], **created}
        )
        for tenant, row in zip(tenants, rows, strict=True)
    )


BY_RUN: Final = "names_run"
MOST: Final = 500
"""Groups that are told of, those with most unread first."""
_NAMED: Final = 200
_TITLE: Final = "idea"


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """The notifications of a list with one value in a column: `value` is as a query takes it, `title` what
    the run that it names is about, empty where there is none. `latest` is a time as a list compares them.
    """

    value: ListedValue
    rows: int
    unread: int
    latest: int | float | None
    title: str = ""


@dataclass(frozen=True, slots=True)
class NoteGroups:
    """The first of them, those with most unread before; and of all, how many notifications, and how many of
    these are unread. `match` is how many groups have what was looked for, and `groups` how many there are: of
    each all, those with unread ones, and those with read ones.
    """

    first: Sequence[NoteGroup] = ()
    rows: int = 0
    unread: int = 0
    match: tuple[int, ...] = (0, 0, 0)
    groups: tuple[int, ...] = (0, 0, 0)


def groups(database: Database, lists: Lists, query: ListQuery, column: str, text: str = "") -> NoteGroups:
    """The groups of the rows that the query keeps, up to `MOST`; with a `text` those that have it in their
    value or, of a run, in what that is about. None where the file lacks the column. Raises as `Lists` does.
    """
    runs = PLANNING_RUNS.name if column == BY_RUN and lists.holds(PLANNING_RUNS.name) else ""
    named_by = (runs, _TITLE) if runs else None
    found = lists.groups(database, query, column, "read", MOST, text=text, named_by=named_by)
    ids = [value for value, *_ in found.first if isinstance(value, str)] if runs else []
    titles = _titles(database, ids) if ids else {}
    first = tuple(
        NoteGroup(
            value, rows, unread, latest if isinstance(latest, int | float) else None, titles.get(value, "")
        )
        for value, rows, unread, latest in found.first
    )
    return NoteGroups(first, found.rows, found.off, found.match, found.groups)


def _titles(database: Database, ids: Sequence[str]) -> dict[object, str]:
    wanted = PlanningRun.id.in_(SQL("(SELECT value FROM json_each(?))", [json.dumps(ids)]))
    cells = exactly(PlanningRun.id), exactly(fn.substr(PlanningRun.idea, 1, _NAMED))
    found = database.rows(PlanningRun.select(*cells).where(wanted).tuples())
    return {legible(decoded(key)): readable(legible(decoded(idea))) for key, idea in found}
