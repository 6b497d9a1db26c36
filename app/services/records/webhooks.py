"""Webhook destinations: create, edit, switch on and off, delete; each an entry in the audit chain.

And ready views of a list of them, which of them one looks after; and which would receive an event.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from app.services import text
from app.services.chain.append import Event
from app.services.chain.rules import EVENT_TYPE
from app.services.records import writing
from app.services.records.applying import require_some, those_that_can
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.list_query import ListQuery, Statements
from app.services.records.rows import StoredRow, Value, decoded, exactly, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope, flag
from app.services.records.urls import (
    host_alone,
    host_doubt,
    hostname_alone,
    told_host,
    valid_url,
    without_urls,
)
from app.services.text import readable
from models import engine, errors, schema, status

ALL_EVENTS = "*"


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


@dataclass(frozen=True, slots=True)
class Secret:
    """A destination's secret. Neither `repr` nor `str` shows it."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "…"


SHOWN: Final = frozenset({"name", "url", "events", "active"})
"""What of it a form shows."""


def as_seen(values: Mapping[str, Any]) -> WebhookInput:
    """What a form shows of a stored destination."""
    name, url, events = (readable(values.get(column)) for column in ("name", "url", "events"))
    return WebhookInput(name, url, events, flag(values.get("active")) is True)


def valid_events(value: str) -> str:
    """`*` or a comma list of event types without spaces or repetitions. Raises `InvalidInput`."""
    wanted = [part.strip() for part in value.split(",") if part.strip()]
    if not wanted:
        raise errors.InvalidInput("events", "Choose at least one event type, or all of them.")
    if ALL_EVENTS in wanted:
        return ALL_EVENTS
    return ",".join(dict.fromkeys(valid_event(name, "events") for name in wanted))


def wants(events: str, event: str) -> bool:
    """Whether stored `events` have an event's type, as the platform reads them: all of them, or a list."""
    return events.strip() == ALL_EVENTS or event in (part.strip() for part in events.split(","))


def valid_event(name: str, field: str = "event") -> str:
    """One event type. Raises `InvalidInput`."""
    if not EVENT_TYPE.fullmatch(name):
        raise errors.InvalidInput(field, f"“{name}” is not an event type.")
    return name


@writing.act
def create(
    images: Images,
    tenant_id: str,
    form: WebhookInput,
    beside: Mapping[str, str] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Adds a destination; `beside` as `Images.new` has it. Raises `InvalidInput`."""
    tenant = text.tenant_id(tenant_id)
    images.chains = (tenant,)
    values = {"tenant_id": tenant, **_checked(form), "secret": form.secret or None}
    row = images.new(WEBHOOK_DESTINATIONS, values, now, beside)
    return Change(
        summary=f"{_name(row)} created",
        rows=(row.added(),),
        events=(_event(status.AuditEvent.WEBHOOK_CREATED, row, actor=actor),),
        inverse_events=(_event(status.AuditEvent.WEBHOOK_DELETED, row, actor=actor),),
    )


@writing.act
def update(
    images: Images,
    webhook_id: str,
    form: WebhookInput,
    seen: WebhookInput | None = None,
    *,
    actor: str,
    now: int,
) -> Change:
    """Changes what differs from what was `seen` of it at first, or else from what is there. Raises
    `NotFound`, `InvalidInput`, and `ChangedMeanwhile` where that is another by now.
    """
    row = images.row(WEBHOOK_DESTINATIONS.name, webhook_id, "webhook")
    there = as_seen(row.image)
    seen = seen or there
    edited = {name for name in SHOWN if getattr(form, name) != getattr(seen, name)}
    differ = {
        name for name in edited if getattr(there, name) not in (getattr(seen, name), getattr(form, name))
    }
    if differ:
        labels = ", ".join(one.label for one in WEBHOOK_DESTINATIONS.columns if one.name in differ)
        raise errors.ChangedMeanwhile(f"the webhook ({labels})")
    kept = {name: getattr(there, name) for name in SHOWN - edited}
    wanted = _checked(replace(form, **kept), kept)
    if form.secret is not None:
        wanted["secret"] = form.secret or None
    after = {name: value for name, value in wanted.items() if not row.holds(name, value)}
    if not after:
        raise errors.NotAllowed("Nothing was changed.")
    told = partial(_updated, actor=actor)
    return writing.edited(images, f"{_name(row)} changed", [(row, after)], told, now)


@writing.act
def set_secret(images: Images, webhook_id: str, secret: Secret, *, actor: str, now: int) -> Change:
    """Gives a destination another secret, or a first one. Raises `NotFound`."""
    row = images.row(WEBHOOK_DESTINATIONS.name, webhook_id, "webhook")
    summary = f"Secret of {_name(row)} {writing.secret_change(row['secret'], secret.value)}"
    told = partial(_updated, actor=actor)
    return writing.edited(images, summary, [(row, {"secret": secret.value})], told, now)


@writing.act
def give_secrets(
    images: Images, webhook_ids: Sequence[str], make: Callable[[], Secret], *, actor: str, now: int
) -> Change:
    """Gives those destinations a secret that have none, each one of its own that is made for it; the others,
    and those that are gone, are left alone, which it says. Raises `NothingToDo` where all have one.
    """
    found = images.rows(WEBHOOK_DESTINATIONS.name, webhook_ids, only=("tenant_id", "secret", *_NAMED_BY))

    def why_not(row: StoredRow) -> str | None:
        return None if row["secret"] in (None, "") else "with a secret"

    rows, left = those_that_can(found, images.wanted, why_not, _called)
    require_some(rows, left, "Each has a secret already.")
    given = ((row, {"secret": make().value}) for row in rows)
    summary = f"Secret of {writing.named(rows, 'webhook', _name)} set"
    change = writing.edited(images, summary, given, partial(_updated, actor=actor), now)
    return replace(change, left=left.told)


@writing.act
def set_active(images: Images, webhook_ids: Sequence[str], active: bool, *, actor: str, now: int) -> Change:
    """Switches destinations on or off; those already so, or gone, are left alone, which it says.

    Raises `NothingToDo` when there is nothing to switch.
    """
    on, off = status.AuditEvent.WEBHOOK_ACTIVATED, status.AuditEvent.WEBHOOK_DEACTIVATED
    done, undone = (on, off) if active else (off, on)
    found = images.rows(WEBHOOK_DESTINATIONS.name, webhook_ids, only=("tenant_id", "active", *_NAMED_BY))
    word = "active" if active else "inactive"

    def why_not(row: StoredRow) -> str | None:
        return f"already {word}" if flag(row["active"]) is active else None

    rows, left = those_that_can(found, images.wanted, why_not, _called)
    require_some(rows, left, f"Already {word}.")
    return Change(
        summary=f"{writing.named(rows, 'webhook', _name)} {'activated' if active else 'deactivated'}",
        rows=tuple(images.changed(row, {"active": int(active)}, now) for row in rows),
        events=tuple(_event(done, row, actor=actor) for row in rows),
        inverse_events=tuple(_event(undone, row, actor=actor) for row in rows),
        left=left.told,
    )


@writing.act
def delete(images: Images, webhook_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes destinations, as `writing.deletion` does. Raises `NotFound` when none of them is left."""
    rows = images.found(WEBHOOK_DESTINATIONS.name, webhook_ids, "webhook", go=True)
    kinds = status.AuditEvent.WEBHOOK_DELETED, status.AuditEvent.WEBHOOK_RESTORED
    what = writing.named(rows, "webhook", _name)
    return writing.deletion(images, rows, what, kinds, partial(_event, actor=actor))


def _checked(form: WebhookInput, left: Collection[str] = ()) -> dict[str, Value]:
    """What the form stores, but for the fields `left` as they are: those are not judged. The host always
    becomes the URL's own, where that is one.
    """
    values: dict[str, Value] = {"active": int(form.active)}
    try:
        values["url"], values["hostname"] = valid_url(form.url)
    except errors.InvalidInput:
        if "url" not in left:
            raise
    if "name" not in left:
        values["name"] = text.single_line("name", "The name", form.name, longest=200, required=False)
    if "events" not in left:
        values["events"] = valid_events(form.events)
    return {name: value for name, value in values.items() if name not in left}


_NAMED_BY = ("name", "hostname", "url", "events")
"""What audit entries and summaries say of a destination."""


def _name(row: StoredRow) -> str:
    return f"Webhook {_called(row)}"


def _called(row: StoredRow) -> str:
    """Its name or host, without what people write as one that would let others in, or else its id."""
    name = _audited_name(row.image.get("name"))
    return str(name or shown(hostname_alone(row.image.get("hostname"))) or row.shown("id"))


def _event(
    kind: status.AuditEvent, row: StoredRow, along: Mapping[str, Any] = MappingProxyType({}), *, actor: str
) -> Event:
    payload = {
        "actor": actor,
        "webhookId": row.shown("id"),
        "name": _audited_name(row.image.get("name")),
        "url": host_alone(row.image.get("url")),
        "events": str(row.shown("events")).split(","),
    }
    return Event(row.tenant, kind, {**payload, **along})


def _updated(row: StoredRow, before: Mapping[str, Value], after: Mapping[str, Value], actor: str) -> Event:
    changes: dict[str, Any] = {}
    for name in after:
        if name in WEBHOOK_DESTINATIONS.secrets:
            changes[name] = writing.secret_change(before[name], after[name])
        else:
            say = {"name": _audited_name, "url": host_alone, "hostname": told_host}.get(name, shown)
            changes[name] = {"from": say(before[name]), "to": say(after[name])}
    payload = {"actor": actor, "webhookId": row.shown("id"), "changes": changes}
    return Event(row.tenant, status.AuditEvent.WEBHOOK_UPDATED, payload)


def _audited_name(name: Value) -> int | float | str | None:
    """A name as the audit chain has it."""
    return shown(without_urls(name))


_READ: Final = ("id", "tenant_id", "name", "url", "hostname", "events", "active", "has_secret")


class WebhookView(StrEnum):
    DEAD = "dead"
    """Active, and delivers nothing: it has no events, its host is not the URL's, or what was sent to it from
    here last has failed.
    """
    DUPLICATE = "duplicate"
    """One of several of its tenant with one URL."""
    UNSIGNED = "without secret"
    HOST_DIFFERS = "host differs"


Members = Mapping[WebhookView, tuple[Any, ...]]
"""The ids of each view's webhooks, as they are stored."""


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One as it may be shown, but for its `key`, which is as it is stored."""

    key: Any
    tenant: str
    name: str
    url: str
    host: str
    events: str
    active: bool
    has_secret: bool


def members(database: engine.Database, scope: Scope, failing: Collection[str] = ()) -> Members:
    """Those of a tenant, or of all; `failing` are the ids of those to which what was sent last has failed.
    What has no id that a list could be filtered by is in none.
    """
    rows = read_rows(database, scope)
    urls = Counter((row.tenant, row.url) for row in rows)
    doubted = {row.key for row in rows if host_doubt(row.url, row.host) is not None}
    found: dict[WebhookView, list[Any]] = {view: [] for view in WebhookView}
    for row in rows:
        silent = not row.events.strip(" ,") or row.key in doubted or str(row.key) in failing
        for view, holds in (
            (WebhookView.DEAD, row.active and silent),
            (WebhookView.DUPLICATE, urls[row.tenant, row.url] > 1),
            (WebhookView.UNSIGNED, not row.has_secret),
            (WebhookView.HOST_DIFFERS, row.key in doubted),
        ):
            if holds:
                found[view].append(row.key)
    return {view: tuple(ids) for view, ids in found.items()}


def why_not(row: WebhookRow, event: str) -> tuple[str, ...]:
    """Why the platform does not send an event of its tenant to a webhook; nothing where it does."""
    doubt = host_doubt(row.url, row.host)
    reasons = (
        ("it is inactive", not row.active),
        ("it has no events", not row.events.strip(" ,")),
        (f"its events are {_listed(row.events)}", row.events.strip(" ,") and not wants(row.events, event)),
        ("" if doubt is None else f"{f'its host {row.host}'.rstrip()} is {doubt[1]}", doubt is not None),
    )
    return tuple(reason for reason, holds in reasons if holds)


def _listed(events: str) -> str:
    """As it is stored, with room after each comma."""
    return ", ".join(part.strip() for part in events.split(","))


def read_rows(database: engine.Database, scope: Scope) -> list[WebhookRow]:
    """Those of a tenant, or of all, that a list could be filtered by. Raises `TableMissing`."""
    table = WEBHOOK_DESTINATIONS
    query = ListQuery(table.name, scope)

    def queries(tables: Any) -> list[Any]:
        if table.name not in tables:
            raise errors.TableMissing(table.name)
        statements = Statements(query, tables[table.name], database.limits)
        return [statements.select(*(exactly(statements.value(table.column(name))) for name in _READ))]

    _, (found,) = schema.read_stored(database, queries)
    rows = []
    for row in found:
        key, *others, active, has_secret = map(decoded, row)
        if isinstance(key, str | int):
            tenant, name, url, host, events = (readable(shown(value)) for value in others)
            rows.append(
                WebhookRow(key, tenant, name, url, host, events, flag(active) is True, bool(has_secret))
            )
    return rows
