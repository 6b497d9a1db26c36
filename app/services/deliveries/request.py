"""The request of a delivery, exactly as it is sent; and as a command for a shell, where the secret is a
variable, and the signature is made of it.
"""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import Signing, new_message_id, platform_signature, standard_signature
from app.services.records.urls import THIS_COMPUTER, host_doubt, valid_url
from app.services.records.webhooks import valid_event
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


VARIABLE: Final = "WEBHOOK_SECRET"
_LEFT_OUT: Final = {"host", "content-length"}
"""What curl writes by itself."""

_CURL: Final = "curl --silent --show-error --include --globoff --path-as-is --max-time 15 --noproxy '*'"
"""The URL as it is: curl would take {a,b} and [1-3] for several, and leave out /../."""
_PLATFORM: Final = (
    f"""sha256=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "${VARIABLE}" -r | cut -d" " -f1)"""
)

_FILLED: Final = """awk '{while (length($0) % 4) $0 = $0 "="; printf "%s", $0}'"""
"""Of base64 without its end openssl leaves out the last bytes."""


def as_curl(request: Request) -> str:
    """For `sh`, with curl and openssl. It sends what was sent, byte for byte, where the variable is set."""
    headers = dict(request.headers)
    signatures: dict[str, Callable[[], str]] = {
        SIGNATURE: lambda: _PLATFORM,
        STANDARD_SIGNATURE: lambda: _standard(headers[STANDARD_ID], headers[STANDARD_TIMESTAMP]),
    }
    host = f"[{request.host}]" if ":" in request.host else request.host
    url = f"{request.scheme}://{host}:{request.port}{request.target}"
    lines = [f"{_CURL} {shlex.quote(url)}"]
    for name, value in request.headers:
        if name in signatures:
            lines.append(f'  --header "{name}: {signatures[name]()}"')
        elif name.lower() not in _LEFT_OUT:
            lines.append(f"  --header {shlex.quote(f'{name}: {value}')}")
    lines.append('  --data-binary "$BODY"')
    return f"BODY={shlex.quote(request.body.decode())}\n" + " \\\n".join(lines) + "\n"


def _standard(identity: str, timestamp: str) -> str:
    key = (
        f'$(printf %s "${{{VARIABLE}#whsec_}}" | tr -d = | {_FILLED} | openssl base64 -d -A'
        " | od -An -v -tx1 | tr -d ' \\n')"
    )
    signed = f'printf %s {shlex.quote(f"{identity}.{timestamp}.")}"$BODY"'
    return (
        f'v1,$({signed} | openssl dgst -sha256 -mac HMAC -macopt "hexkey:{key}" -binary | openssl base64 -A)'
    )
