"""Webhook destinations: create, edit, switch on and off, delete; each an entry in the audit chain.

What their URLs may be stands at the end.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from app.services import text
from app.services.chain.append import Event
from app.services.records import writing
from app.services.records.applying import require_some, those_that_can
from app.services.records.change import Change
from app.services.records.images import Images
from app.services.records.rows import RawText, StoredRow, Value, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS, flag
from app.services.secrets.forms import without_credentials
from app.services.text import readable
from models.errors import ChangedMeanwhile, InvalidInput, NotAllowed
from models.status import AuditEvent

ALL_EVENTS = "*"
THIS_COMPUTER: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The hosts that `http` may be used for."""

_TYPE = re.compile(r"[A-Za-z0-9._-]+")
_URL = re.compile(r"(?<![a-z0-9+.-])([0-9+.-]*)([a-z][a-z0-9+.-]*://\S+)", re.IGNORECASE)
"""From a word's beginning alone: tried at each of its letters it would take time by the word's square."""
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


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
        raise InvalidInput("events", "Choose at least one event type, or all of them.")
    if ALL_EVENTS in wanted:
        return ALL_EVENTS
    return ",".join(dict.fromkeys(valid_event(name, "events") for name in wanted))


def wants(events: str, event: str) -> bool:
    """Whether stored `events` have an event's type, as the platform reads them: all of them, or a list."""
    return events.strip() == ALL_EVENTS or event in (part.strip() for part in events.split(","))


def valid_event(name: str, field: str = "event") -> str:
    """One event type. Raises `InvalidInput`."""
    if not _TYPE.fullmatch(name):
        raise InvalidInput(field, f"“{name}” is not an event type.")
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
        events=(_event(AuditEvent.WEBHOOK_CREATED, row, actor=actor),),
        inverse_events=(_event(AuditEvent.WEBHOOK_DELETED, row, actor=actor),),
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
        raise ChangedMeanwhile(f"the webhook ({labels})")
    kept = {name: getattr(there, name) for name in SHOWN - edited}
    wanted = _checked(replace(form, **kept), kept)
    if form.secret is not None:
        wanted["secret"] = form.secret or None
    after = {name: value for name, value in wanted.items() if not row.holds(name, value)}
    if not after:
        raise NotAllowed("Nothing was changed.")
    before = {name: row[name] for name in after}
    return Change(
        summary=f"{_name(row)} changed",
        rows=(images.changed(row, after, now),),
        events=(_updated(row, before, after, actor),),
        inverse_events=(_updated(row, after, before, actor),),
    )


@writing.act
def set_secret(images: Images, webhook_id: str, secret: Secret, *, actor: str, now: int) -> Change:
    """Gives a destination another secret, or a first one. Raises `NotFound`."""
    row = images.row(WEBHOOK_DESTINATIONS.name, webhook_id, "webhook")
    before, after = {"secret": row["secret"]}, {"secret": secret.value}
    return Change(
        summary=f"Secret of {_name(row)} {writing.secret_change(row['secret'], secret.value)}",
        rows=(images.changed(row, after, now),),
        events=(_updated(row, before, after, actor),),
        inverse_events=(_updated(row, after, before, actor),),
    )


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
    changes = [(row, {"secret": row["secret"]}, {"secret": make().value}) for row in rows]
    what = _name(rows[0]) if len(rows) == 1 else text.counted(len(rows), "webhook")
    return Change(
        summary=f"Secret of {what} set",
        rows=tuple(images.changed(row, after, now) for row, _, after in changes),
        events=tuple(_updated(row, before, after, actor) for row, before, after in changes),
        inverse_events=tuple(_updated(row, after, before, actor) for row, before, after in changes),
        left=left.told,
    )


@writing.act
def set_active(images: Images, webhook_ids: Sequence[str], active: bool, *, actor: str, now: int) -> Change:
    """Switches destinations on or off; those already so, or gone, are left alone, which it says.

    Raises `NothingToDo` when there is nothing to switch.
    """
    on, off = AuditEvent.WEBHOOK_ACTIVATED, AuditEvent.WEBHOOK_DEACTIVATED
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
    kinds = AuditEvent.WEBHOOK_DELETED, AuditEvent.WEBHOOK_RESTORED
    what = writing.named(rows, "webhook", _name)
    return writing.deletion(images, rows, what, kinds, partial(_event, actor=actor))


def _checked(form: WebhookInput, left: Collection[str] = ()) -> dict[str, Value]:
    """What the form stores, but for the fields `left` as they are: those are not judged. The host always
    becomes the URL's own, where that is one.
    """
    values: dict[str, Value] = {"active": int(form.active)}
    try:
        values["url"], values["hostname"] = valid_url(form.url)
    except InvalidInput:
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
    kind: AuditEvent, row: StoredRow, along: Mapping[str, Any] = MappingProxyType({}), *, actor: str
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
            say = {"name": _audited_name, "url": host_alone, "hostname": _host}.get(name, shown)
            changes[name] = {"from": say(before[name]), "to": say(after[name])}
    payload = {"actor": actor, "webhookId": row.shown("id"), "changes": changes}
    return Event(row.tenant, AuditEvent.WEBHOOK_UPDATED, payload)


def _audited_name(name: Value) -> int | float | str | None:
    """A name as the audit chain has it."""
    return shown(without_urls(name))


def _host(hostname: Value) -> str:
    """A stored host for the audit chain: whatever else stands there may be what nobody should read."""
    try:
        return host_of(f"https://{str(shown(hostname)).rpartition('://')[2]}")
    except InvalidInput:
        return "…"


def _refuse(sentence: str) -> InvalidInput:
    return InvalidInput("url", sentence)


def valid_url(value: str) -> tuple[str, str]:
    """The URL as it is stored and its host, as JavaScript's `new URL(url).hostname` gives it.

    Raises `InvalidInput` for anything that two parsers could read differently: user names, backslashes,
    escapes in the host, numbers that stand for an address, and for `http` anywhere but on this computer.
    """
    url = text.single_line("url", "The URL", value, longest=2000)
    if "\\" in url or " " in url or "%00" in url:
        raise _refuse("The URL holds a backslash, a space or %00, which are not allowed.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse("This is not a URL; it needs the form https://hooks.example.com/path.") from None
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise _refuse("The URL must start with https:// and name a host.")
    if "@" in parts.netloc:
        raise _refuse("The URL must not hold a user name or password.")
    if port == 0:
        raise _refuse("Port 0 cannot be reached.")
    host = host_of(url)
    if parts.scheme == "http" and host not in THIS_COMPUTER:
        raise _refuse("The URL must start with https://; http is only allowed for this computer (localhost).")
    return url, host


def host_of(url: str) -> str:
    """The host in lower case, IPv6 in brackets. Raises `InvalidInput` when it is not a plain host."""
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").lower()
    except ValueError:
        raise _refuse("The URL's host cannot be read.") from None
    if ":" in name:
        if "%" in name:
            raise _refuse("An address with a zone (what follows the %) means another place on each computer.")
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            raise _refuse(f"“{name}” is not an IPv6 address.") from None
    if not name.isascii():
        raise _refuse("Write the host in its ASCII form (it starts with xn--).")
    labels = name.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse(f"“{name}” is not a host name.")
    for label in labels:
        if label.startswith("xn--") and not _reads_back(label):
            raise _refuse(f"“{label}” stands for no name: what follows xn-- cannot be read.")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise _refuse(
                f"“{name}” is a number in disguise; write the address as four plain numbers."
            ) from None
    return name


def _reads_back(label: str) -> bool:
    """Whether a label in its ASCII form stands for a name in another script."""
    import idna  # noqa: PLC0415 - few hosts have one

    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def host_doubt(url: str, hostname: str) -> tuple[str, str] | None:
    """What is wrong with a stored hostname, in two words and as what it "is"; None where it is the host of
    the stored URL. The platform delivers only if it is, by its own reading of a URL that is refused here.
    """
    try:
        host = host_of(url)
    except InvalidInput as refused:
        return "host unclear", f"not clear by its URL: {refused}"
    if host == hostname:
        return None
    return "host differs", "not the URL's host, so the platform does not deliver to it"


def hostname_alone(hostname: Value) -> Value:
    """A stored hostname the same, where a user name, path or query stands in it; else as it is stored."""
    return _host(hostname) if set("@/?#\\") & set(str(shown(hostname))) else hostname


def without_urls(value: Value) -> Value:
    """What people write, with the host alone of each URL in it: they paste one as a name, too."""
    return written_with(lambda said: _URL.sub(lambda url: url[1] + host_alone(url[2]), said), value)


def without_users(value: Value) -> Value:
    """The same with whole URLs, but for the user names and passwords in them, and the paths of those that are
    webhooks themselves (`forms.without_credentials`).
    """
    if isinstance(value, str):  # as most are
        return without_credentials(value)
    return written_with(without_credentials, value) if isinstance(value, bytes | RawText) else value


def written_with(other: Callable[[str], str], value: Value) -> Value:
    """As it is stored, where nothing in it is to be said otherwise."""
    is_blob = isinstance(value, bytes)
    said = value.decode("latin-1") if isinstance(value, bytes) else shown(value)  # of a BLOB byte for byte
    if not isinstance(said, str):
        return value
    found = other(said)
    if found == said:
        return value
    return found.replace("…", "...").encode("latin-1") if is_blob else found


def host_alone(url: Value) -> str:
    """The URL for whoever may not call it: “https://hooks.slack.com/…”.

    Path, query and user name are often what lets anybody post there, so neither the audit chain nor an export
    holds them.
    """
    said = str(shown(url))
    try:
        parts = urlsplit(said)
        bare = f"{parts.scheme}://{host_of(said)}" + (f":{parts.port}" if parts.port else "")
    except (ValueError, InvalidInput):
        return "…"
    if parts.scheme not in {"https", "http"}:
        return "…"
    return bare if said.lower().removesuffix("/") == bare else f"{bare}/…"
