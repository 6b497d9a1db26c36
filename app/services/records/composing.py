"""A notification that an administrator writes, to one tenant or to many."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from app.services import text
from app.services.chain.append import Event
from app.services.chain.rules import compact_json
from app.services.records import writing
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.rows import RowChange, shown
from app.services.records.tables import NOTIFICATIONS, valid_beside
from models.errors import InvalidInput, NothingToDo
from models.progress import UNWATCHED, Monitor
from models.status import AuditEvent

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
    wanted = tuple(dict.fromkeys(map(text.tenant_id, tenants)))
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
    asked = NOTIFICATIONS.asks_for(images.table(NOTIFICATIONS.name))
    others = {name: valid_beside(name, beside.get(name, "")) for name in asked}
    values = ({"tenant_id": one, **said} for one in wanted)
    new = images.new_ones(NOTIFICATIONS, values, [others] * len(wanted), now)
    rows = tuple(row.added() for row in images.followed(new, len(wanted)))
    whose = f"for {wanted[0]}" if len(wanted) == 1 else f"for {text.counted(len(wanted), 'tenant')}"
    return Change(
        summary=f"{text.counted(len(rows), 'notification')} created {whose}",
        rows=rows,
        events=_events(AuditEvent.NOTIFICATIONS_CREATED, wanted, rows, note, actor),
        inverse_events=_events(AuditEvent.NOTIFICATIONS_DELETED, wanted, rows, note, actor),
    )


def _events(
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
