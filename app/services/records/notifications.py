"""Notifications: read them, mark them read or unread, singly and in bulk."""

from collections.abc import Sequence
from typing import Any

from app.services import text
from app.services.chain.append import Event
from app.services.records import writing
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.rows import StoredRow, in_parts
from app.services.records.tables import NOTIFICATIONS, flag
from models.errors import NothingToDo
from models.status import AuditEvent

IDS_PER_EVENT = 1000
"""Ids named in one audit entry, so that its payload stays far below what D1 takes (models/README.md)."""


@writing.act
def mark(images: Images, notification_ids: Sequence[str], *, read: bool, actor: str, now: int) -> Change:
    """Marks notifications read or unread; those already so are left alone.

    One audit entry a tenant names the ids (at most 1,000 each). Raises `NothingToDo` when nothing changes.
    """
    word = "read" if read else "unread"
    found = images.rows(NOTIFICATIONS.name, notification_ids, only=("tenant_id", "read"))
    rows = [row for row in found if flag(row["read"]) is not read]
    if not rows:
        raise NothingToDo(f"Already marked {word}.")
    return Change(
        summary=f"{text.counted(len(rows), 'notification')} marked {word}",
        rows=tuple(images.changed(row, {"read": int(read)}, now) for row in rows),
        events=_events(rows, read, actor),
        inverse_events=_events(rows, not read, actor),
    )


def _events(rows: Sequence[StoredRow], read: bool, actor: str) -> tuple[Event, ...]:
    kind = AuditEvent.NOTIFICATIONS_READ if read else AuditEvent.NOTIFICATIONS_UNREAD
    by_tenant: dict[str, list[Any]] = {}
    for row in rows:
        by_tenant.setdefault(row.tenant, []).append(row.shown("id"))
    return tuple(
        Event(tenant, kind, {"actor": actor, "count": len(part), "notificationIds": part})
        for tenant, ids in by_tenant.items()
        for part in in_parts(ids, IDS_PER_EVENT)
    )
