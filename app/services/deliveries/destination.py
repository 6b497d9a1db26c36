"""A destination as a delivery needs it, with its secret: read for one delivery, and not kept.

And which addresses nothing is sent to, whatever a name says: an explicit list, since `ipaddress.is_global`
lets some of them through.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from peewee import Column, fn
from peewee import Table as Source

from app.services.records.rows import RawText, Value, decoded, exactly, holds, shown
from app.services.records.tables import WEBHOOK_DESTINATIONS
from app.services.records.urls import valid_url
from app.services.records.webhooks import Secret
from app.services.text import readable
from models import engine, errors, schema

_READ: Final = ("tenant_id", "name", "url", "hostname", "events", "active", "secret")
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Destination:
    """`key` is its id as it is stored; the rest as a person reads it. `secret` is None where none is."""

    key: Value
    tenant: str = ""
    name: str = ""
    url: str = field(default="", repr=False)
    hostname: str = ""
    events: str = ""
    secret: Secret | None = None

    @property
    def title(self) -> str:
        return self.name or self.hostname


def destinations_at(database: engine.Database, address: str) -> list[Destination]:
    """The webhooks that send to a URL which begins so, but those whose secret is no text. Raises what reading
    them does.
    """
    source = Source(WEBHOOK_DESTINATIONS.name)
    begins = fn.substr(Column(source, "url"), 1, len(address)) == address
    found = database.rows(source.select(Column(source, "id").cast("TEXT")).where(begins).limit(_MOST))
    destinations = []
    for (webhook_id,) in found:
        with suppress(errors.NotAllowed, errors.NotFound):
            destinations.append(read_destination(database, webhook_id))
    return destinations


def read_destination(database: engine.Database, webhook_id: Value) -> Destination:
    """Raises `NotFound`, `TableMissing`, and `NotAllowed` where its secret is no text, so that nobody knows
    how the platform signs with it.
    """
    name = WEBHOOK_DESTINATIONS.name

    def queries(tables: Any) -> list[Any]:
        if name not in tables:
            raise errors.TableMissing(name)
        source = Source(name)
        columns = [column for column in _READ if column in tables[name].names]
        cells = [exactly(Column(source, column)) for column in columns]
        return [source.select(*cells).where(holds(Column(source, "id"), webhook_id))]

    tables, (found,) = schema.read_stored(database, queries)
    if not found:
        raise errors.NotFound("webhook")
    columns = [column for column in _READ if column in tables[name].names]
    values = dict(zip(columns, map(decoded, found[0]), strict=True))
    secret = values.pop("secret", None)
    if isinstance(secret, bytes | RawText | int | float):
        raise errors.NotAllowed(
            "The secret that is stored is no text, so nobody knows how the platform signs with it."
        )
    said = {column: readable(shown(value)) for column, value in values.items()}
    return Destination(
        webhook_id,
        said.get("tenant_id", ""),
        said.get("name", ""),
        said.get("url", ""),
        said.get("hostname", ""),
        said.get("events", ""),
        Secret(secret) if secret else None,
    )


_PRIVATE: Final = "is of a private network"
_RESERVED: Final = "is reserved"
_EXAMPLES: Final = "is kept for examples"

_IPV4: Final = tuple(
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "is of no computer"),
        ("10.0.0.0/8", _PRIVATE),
        ("100.64.0.0/10", "is of a provider's own network"),
        ("127.0.0.0/8", "is this computer"),
        ("168.63.129.16/32", "is of a cloud's own machines"),
        ("169.254.0.0/16", "is of this link alone, where cloud machines keep their secrets"),
        ("172.16.0.0/12", _PRIVATE),
        ("192.0.0.0/24", _RESERVED),
        ("192.0.2.0/24", _EXAMPLES),
        ("192.31.196.0/24", _RESERVED),
        ("192.52.193.0/24", _RESERVED),
        ("192.88.99.0/24", "leads to another network"),
        ("192.168.0.0/16", _PRIVATE),
        ("192.175.48.0/24", _RESERVED),
        ("198.18.0.0/15", "is kept for measurements"),
        ("198.51.100.0/24", _EXAMPLES),
        ("203.0.113.0/24", _EXAMPLES),
        ("224.0.0.0/4", "is of many computers"),
        ("240.0.0.0/4", _RESERVED),
    )
)
"""IANA's registry of special-purpose IPv4 addresses (RFC 6890), multicast, and what Azure's machines ask."""

_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA has given out of IPv6 for everybody; what lies outside of it is of no public computer."""

_IPV6: Final = tuple(
    (IPv6Network(network), why)
    for network, why in (
        ("2001::/23", "leads to another network, or is reserved"),
        ("2001:db8::/32", _EXAMPLES),
        ("2002::/16", "leads to another network"),
        ("2620:4f:8000::/48", _RESERVED),
        ("3fff::/20", _EXAMPLES),
    )
)
"""The same of what lies inside of it."""

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""How a network that has IPv6 alone writes an IPv4 address (RFC 6052)."""


def address_meant(address: str) -> IPv4Address | IPv6Address:
    """The address that is meant: an IPv4 address within an IPv6 one is that itself. Raises ValueError."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _TRANSLATED:
            return IPv4Address(int(found) & 0xFFFF_FFFF)
    return found


def why_not(address: str, *, is_here: bool = False) -> str | None:
    """Why nothing is sent to an address, to stand behind it; None where it may be.

    `is_here`: the URL names this computer, and a person allows that; then it may be no other.
    """
    try:
        found = address_meant(address)
    except ValueError:
        return "is not an address"
    if is_here:
        return None if found.is_loopback else "is not this computer"
    if isinstance(found, IPv4Address):
        return next((why for network, why in _IPV4 if found in network), None)
    if found.is_loopback:
        return "is this computer"
    if found.scope_id is not None or found not in _UNICAST:
        return "is no public address"
    return next((why for network, why in _IPV6 if found in network), None)


def untried(url: str) -> str | None:
    """Why no test event is sent to a URL that the platform may deliver to all the same, as far as it tells
    itself, to stand behind a colon; None where one is, or may be once a person allows this computer.
    """
    doubt = address_doubt(url)
    if doubt is not None:
        return doubt
    try:
        valid_url(url)
    except errors.InvalidInput as error:
        return str(error).removesuffix(".")
    return None


def address_doubt(url: str) -> str | None:
    """Why nothing is sent to a URL whose host is an address, as the beginning of a sentence; None where it
    may be, where it names this computer, which a person may allow, and of names, which are not looked up.
    """
    try:
        host = urlsplit(url.strip()).hostname or ""
        found = address_meant(host)
    except ValueError:
        return None
    why = None if found.is_loopback else why_not(host)
    return None if why is None else f"{host} {why}"
