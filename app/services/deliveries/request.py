"""The request of a delivery, exactly as it is sent."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import Signing, new_message_id, platform_signature, standard_signature
from app.services.records.webhooks import THIS_COMPUTER, host_doubt, valid_event, valid_url
from models.errors import InvalidInput

MOST_BODY: Final = 256 * 1024
"""Bytes of a body that are sent, and read of one that comes."""

EVENT, TIMESTAMP, SIGNATURE = "X-Webhook-Event", "X-Webhook-Timestamp", "X-Webhook-Signature"
STANDARD_ID, STANDARD_TIMESTAMP, STANDARD_SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

_PARTS: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
_ID: Final = re.compile(r"[\w.:+/=-]{1,200}", re.ASCII)
"""A message's id, which stands in a header, in what is signed, and in a command."""
_SAFE: Final = "!\"$%&'()*+,-./:;=?@[]^_`{|}~"
"""What a path or query is left with; a browser sends all else in UTF-8 as %XX."""

_HERE: Final = frozenset(host.strip("[]") for host in THIS_COMPUTER)

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """`host` has no brackets; `target` is path and query. `body` has what is signed, byte for byte."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    headers: Sequence[Header]
    body: bytes = field(repr=False)
    event: str
    at: int

    @property
    def is_here(self) -> bool:
        """Whether it goes to this computer."""
        return self.host in _HERE

    @property
    def line(self) -> str:
        return f"POST {self.target} HTTP/1.1"

    def head(self) -> str:
        """All before the body."""
        return "\n".join([self.line, *(f"{name}: {value}" for name, value in self.headers)])


def compact(body: str) -> str:
    """JSON as JavaScript writes it, without the spaces between its parts; each part as it was typed. Raises
    `InvalidInput` for what is no JSON, or too much of it.
    """
    if len(body.encode("utf-8", "surrogatepass")) > MOST_BODY:
        raise InvalidInput("body", f"The body is longer than {MOST_BODY // 1024} KiB.")
    try:
        json.loads(body, parse_constant=_refuse_constant)
        result = _PARTS.sub(lambda part: part[1] or "", body)
        result.encode()
    except UnicodeEncodeError:
        raise InvalidInput("body", "The body has half of a character, which cannot be sent.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput("body", f"The body is not valid JSON ({where}).") from None
    except (ValueError, RecursionError):
        raise InvalidInput("body", "The body is not JSON that others could read.") from None
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def make(
    destination: Destination,
    event: str,
    body: str,
    *,
    now: int,
    signing: Signing = Signing.PLATFORM,
    message_id: str = "",
) -> Request:
    """Signed, with its headers in the platform's order. Raises `InvalidInput`, whose `field` is `url`,
    `event`, `body` or `signing`.

    The platform sends nothing where the stored host is not the URL's, and so does nobody here.
    """
    url, host = valid_url(destination.url)
    if doubt := host_doubt(url, destination.hostname):
        raise InvalidInput("url", f"The stored host is {doubt[1]}. Save the webhook once more to correct it.")
    parts = urlsplit(url)
    said = compact(body)
    content = said.encode()
    default = 443 if parts.scheme == "https" else 80
    port = parts.port or default
    headers: list[Header] = [
        ("Host", host if port == default else f"{host}:{port}"),
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Content-Length", str(len(content))),
        (EVENT, valid_event(event)),
        (TIMESTAMP, str(now)),
    ]
    secret = destination.secret
    if signing is Signing.STANDARD:
        if secret is None:
            raise InvalidInput(
                "signing", "This webhook has no secret to sign with as the Standard Webhooks say."
            )
        identity = message_id or new_message_id()
        if not _ID.fullmatch(identity):
            raise InvalidInput("signing", "The id that is kept of this delivery is none; send a new event.")
        headers += [
            (STANDARD_ID, identity),
            (STANDARD_TIMESTAMP, str(now)),
            (STANDARD_SIGNATURE, standard_signature(secret, identity, now, said)),
        ]
    elif secret is not None:
        headers.append((SIGNATURE, platform_signature(secret, content)))
    target = quote(parts.path or "/", safe=_SAFE) + (
        f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    )
    return Request(parts.scheme, host.strip("[]"), port, target, tuple(headers), content, event, now)
