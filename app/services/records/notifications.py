"""Notifications: read them, mark them read or unread, delete them, singly and in bulk."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services import text
from app.services.chain.append import Event
from app.services.records import writing
from app.services.records.applying import gone_already, require_some, those_that_can
from app.services.records.change import Change
from app.services.records.dependents import removal
from app.services.records.images import Images
from app.services.records.record import read_record
from app.services.records.rows import StoredRow, Value, in_parts, shown
from app.services.records.tables import (
    NAMES_RUN,
    NOTIFICATIONS,
    PLANNING_RUNS,
    USERS,
    WEBHOOK_DESTINATIONS,
    Table,
    flag,
)
from models.engine import Database, raw, sql_name
from models.errors import NotFound, TableMissing
from models.status import AuditEvent

IDS_PER_EVENT = 1000
"""Ids named in one audit entry, so that its payload stays far below what D1 takes (models/README.md)."""
NAMES = {NAMES_RUN: PLANNING_RUNS, "userId": USERS, "webhookId": WEBHOOK_DESTINATIONS}
"""What metadata name records by, as audit payloads do, and whose those are; the first goes first."""

_TOLD = 1_000
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
    images.require_seen(rows)
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
