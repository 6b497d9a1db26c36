"""Webhook destinations: create, edit, switch on and off, delete; each an entry in the audit chain."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.services import text
from app.services.chain.append import Event
from app.services.errors import InvalidInput, NotAllowed, NotFound
from app.services.records import change as writing
from app.services.records import images as records
from app.services.records import webhook_urls
from app.services.records.change import Change, RowChange
from models.engine import Database
from models.status import AuditEvent, WebhookEvent
from models.tables import WebhookDestination

ALL_EVENTS = "*"
EVENT_TYPES: tuple[str, ...] = tuple(WebhookEvent)

_TYPE = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class WebhookInput:
    """What a person fills in. `secret`: None keeps what is stored, "" removes it, text replaces it."""

    name: str
    url: str
    events: str = ALL_EVENTS
    active: bool = True
    secret: str | None = None

    def __repr__(self) -> str:
        return f"WebhookInput(name={self.name!r})"


def valid_events(value: str) -> str:
    """`*` or a comma list of event types without spaces or repetitions. Raises `InvalidInput`."""
    wanted = [part.strip() for part in value.split(",") if part.strip()]
    if not wanted:
        raise InvalidInput("events", "Choose at least one event type, or all of them.")
    if ALL_EVENTS in wanted:
        return ALL_EVENTS
    for name in wanted:
        if not _TYPE.fullmatch(name):
            raise InvalidInput("events", f"“{name}” is not an event type.")
    return ",".join(dict.fromkeys(wanted))


def create(database: Database, tenant_id: str, form: WebhookInput, *, actor: str, now: int) -> Change:
    """Adds a destination. Raises `InvalidInput` and the errors of `writing.commit`."""
    row = {
        "id": str(uuid.uuid4()),
        "tenant_id": text.tenant_id(tenant_id),
        **_checked(form),
        "secret": form.secret or None,
        "created_at": now,
        "updated_at": now,
    }
    change = Change(
        summary=f"Webhook {_label(row)} created",
        rows=(RowChange(WebhookDestination, row["id"], None, row),),
        events=(_event(AuditEvent.WEBHOOK_CREATED, row, actor),),
        inverse_events=(_event(AuditEvent.WEBHOOK_DELETED, row, actor),),
    )
    return writing.commit(database, lambda: change, now=now)


def update(database: Database, webhook_id: str, form: WebhookInput, *, actor: str, now: int) -> Change:
    """Changes what differs. Raises `NotFound`, `InvalidInput` and the errors of `writing.commit`."""
    row = records.image(database, WebhookDestination, webhook_id, "webhook")
    wanted = _checked(form)
    if form.secret is not None:
        wanted["secret"] = form.secret or None
    names = [name for name, value in wanted.items() if value != row[name]]
    if not names:
        raise NotAllowed("Nothing was changed.")
    before = {name: row[name] for name in (*names, "updated_at")}
    after = {**{name: wanted[name] for name in names}, "updated_at": now}
    change = Change(
        summary=f"Webhook {_label(row)} changed",
        rows=(RowChange(WebhookDestination, webhook_id, before, after),),
        events=(_updated(row, before, after, actor),),
        inverse_events=(_updated(row, after, before, actor),),
    )
    return writing.commit(database, lambda: change, now=now)


def set_active(
    database: Database, webhook_ids: Sequence[str], active: bool, *, actor: str, now: int
) -> Change:
    """Switches destinations on or off; those already so are left alone.

    Raises `NotAllowed` when there is nothing to switch.
    """
    rows = [
        row
        for row in records.images(database, WebhookDestination, webhook_ids)
        if bool(row["active"]) is not active
    ]
    word = "active" if active else "inactive"
    if not rows:
        raise NotAllowed(f"Already {word}.")
    what = f"Webhook {_label(rows[0])}" if len(rows) == 1 else text.plural(len(rows), "webhook")
    on, off = AuditEvent.WEBHOOK_ACTIVATED, AuditEvent.WEBHOOK_DEACTIVATED
    change = Change(
        summary=f"{what} {'activated' if active else 'deactivated'}",
        rows=tuple(
            RowChange(
                WebhookDestination,
                row["id"],
                {"active": row["active"], "updated_at": row["updated_at"]},
                {"active": int(active), "updated_at": now},
            )
            for row in rows
        ),
        events=tuple(_event(on if active else off, row, actor) for row in rows),
        inverse_events=tuple(_event(off if active else on, row, actor) for row in rows),
    )
    return writing.commit(database, lambda: change, now=now)


def delete(database: Database, webhook_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes destinations; undoing puts them back whole. Raises `NotFound` when none is left."""
    rows = records.images(database, WebhookDestination, webhook_ids)
    if not rows:
        raise NotFound("webhook")
    what = f"Webhook {_label(rows[0])}" if len(rows) == 1 else text.plural(len(rows), "webhook")
    change = Change(
        summary=f"{what} deleted",
        rows=tuple(RowChange(WebhookDestination, row["id"], row, None) for row in rows),
        events=tuple(_event(AuditEvent.WEBHOOK_DELETED, row, actor) for row in rows),
        inverse_events=tuple(_event(AuditEvent.WEBHOOK_RESTORED, row, actor) for row in rows),
    )
    return writing.commit(database, lambda: change, now=now)


def _checked(form: WebhookInput) -> dict[str, Any]:
    url, hostname = webhook_urls.parse(form.url)
    return {
        "name": text.single_line("name", "The name", form.name, longest=200, required=False),
        "hostname": hostname,
        "url": url,
        "active": int(form.active),
        "events": valid_events(form.events),
    }


def _label(row: Mapping[str, Any]) -> str:
    return str(row["name"] or row["hostname"])


def _event(kind: AuditEvent, row: Mapping[str, Any], actor: str) -> Event:
    payload = {
        "actor": actor,
        "webhookId": row["id"],
        "name": row["name"],
        "url": webhook_urls.without_query(row["url"]),
        "events": row["events"].split(","),
    }
    return Event(row["tenant_id"], kind, payload)


def _updated(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], actor: str
) -> Event:
    changes: dict[str, Any] = {}
    for name in after:
        if name == "secret":
            changes[name] = (
                "replaced" if before[name] and after[name] else "set" if after[name] else "removed"
            )
        elif name == "url":
            changes[name] = {
                "from": webhook_urls.without_query(before[name]),
                "to": webhook_urls.without_query(after[name]),
            }
        elif name != "updated_at":
            changes[name] = {"from": before[name], "to": after[name]}
    payload = {"actor": actor, "webhookId": row["id"], "changes": changes}
    return Event(row["tenant_id"], AuditEvent.WEBHOOK_UPDATED, payload)
