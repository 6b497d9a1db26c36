"""The request of a delivery, exactly as it is sent; and as a command for a shell, where the secret is a
variable, and the signature is made of it.

Bodies to try it with, as the platform sends them; and what came of a delivery.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import Signing, new_message_id, platform_signature, standard_signature
from app.services.records.urls import THIS_COMPUTER, host_doubt, valid_url
from app.services.records.webhooks import valid_event
from models.errors import InvalidInput
from models.status import Phase, ReviewVerdict, RunStatus, WebhookEvent

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


RUN_ID: Final = "run_01M7TESTEVENT0000000000"
"""Of no run; a receiver that looks it up finds nothing."""

MEANINGS: Final[Mapping[str, str]] = {
    WebhookEvent.RUN_STARTED: "A planning run has begun.",
    WebhookEvent.PHASE_COMPLETED: "A run has finished one of its phases.",
    WebhookEvent.RUN_COMPLETED: "A run has gone through all its phases.",
    WebhookEvent.RUN_KILLED: "A run has failed its kill test.",
    WebhookEvent.RUN_CANCELLED: "A person has cancelled a run.",
    WebhookEvent.IDEA_PROMOTED: "A parked idea has become a run.",
}
"""What each event says, as a sentence."""

_OTHERS: Final[dict[str, dict[str, Any]]] = {
    WebhookEvent.RUN_STARTED: {"status": RunStatus.RUNNING},
    WebhookEvent.PHASE_COMPLETED: {
        "phase": Phase.MARKET_RESEARCH,
        "verdict": ReviewVerdict.APPROVED,
        "score": 8.2,
    },
    WebhookEvent.RUN_COMPLETED: {"status": RunStatus.COMPLETED, "score": 8.1, "pivotCount": 1},
    WebhookEvent.RUN_KILLED: {
        "phase": Phase.KILL_TEST,
        "status": RunStatus.KILLED,
        "verdict": "no-go",
        "score": 4.1,
        "pivotCount": 1,
    },
    WebhookEvent.RUN_CANCELLED: {"phase": Phase.STRATEGY, "status": RunStatus.CANCELLED},
    WebhookEvent.IDEA_PROMOTED: {"score": 7.4},
}


def sample(event: str, now: int) -> str:
    """JSON over several lines, to be edited; of a type that nobody knows what all have in common."""
    body = {"type": event, "runId": RUN_ID, **_OTHERS.get(event, {}), "timestamp": now}
    return json.dumps(body, indent=2)


class DeliveryOutcome(StrEnum):
    """What became of it, by the word that stands where else a status would."""

    ANSWERED = "answered"
    REFUSED = "refused"
    NO_NETWORK = "no network"
    NO_HOST = "no host"
    NO_CONNECTION = "no connection"
    TLS = "TLS"
    TIMEOUT = "timeout"
    BROKEN = "broken off"
    NO_HTTP = "no HTTP"
    TOO_LONG = "too long"
    CANCELLED = "cancelled"


STOPPED_HERE: Final = (
    DeliveryOutcome.REFUSED.value,
    DeliveryOutcome.NO_NETWORK.value,
    DeliveryOutcome.CANCELLED.value,
)
"""What tells nothing of a webhook: the program refused, the network of this computer leads to no answer of
names or to no such address, or a person stopped it.
"""


class DeliveryFate(StrEnum):
    """What a delivery counts as, wherever any are counted, coloured or filtered by that."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """The webhook did not take it: whatever it answered, or was not to be found or reached at all."""
    STOPPED = "stopped here"


def fate(code: str, *, is_ok: bool) -> DeliveryFate:
    """By the status, or what stands in its place."""
    if is_ok:
        return DeliveryFate.DELIVERED
    return DeliveryFate.STOPPED if code in STOPPED_HERE else DeliveryFate.FAILED


class DeliveryPart(StrEnum):
    """What a delivery's time goes to, in this order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "TLS"
    FIRST_BYTE = "first byte"
    HEADERS = "headers"  # where they do not end; else they are a part of the body's
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Step:
    """When a part began, and how long it took, in seconds."""

    part: DeliveryPart
    begun: float
    took: float


@dataclass(frozen=True, slots=True)
class DeliveryAnswer:
    """`why` is a sentence where it is no answer in the 200s. `status` and what else came is there as far as
    it had come; `body` is unpacked, and `is_cut` where more would have come. `seconds` is all of it.
    """

    outcome: DeliveryOutcome
    why: str = ""
    status: int | None = None
    headers: Sequence[Header] = ()
    body: bytes = field(default=b"", repr=False)
    is_cut: bool = False
    address: str = ""
    tls: str = ""
    steps: Sequence[Step] = ()
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        return (
            self.outcome is DeliveryOutcome.ANSWERED and self.status is not None and 200 <= self.status < 300
        )

    @property
    def code(self) -> str:
        """The status, or what stands in its place."""
        return str(self.status) if self.outcome is DeliveryOutcome.ANSWERED else self.outcome.value

    @property
    def title(self) -> str:
        """The same with the status's own words."""
        return title_of(self.code)

    def text(self) -> str:
        """The body as far as it is text."""
        return self.body.decode("utf-8", "replace")


def title_of(code: str) -> str:
    """`500 Internal Server Error`; what is no status with a capital."""
    if not code.isdecimal():
        return code[:1].upper() + code[1:]
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{code} {known.get(int(code), '')}".strip()


def meaning(status: int) -> str:
    """What a status says, as a sentence; empty where all is well."""
    if 200 <= status < 300:
        return ""
    if status == 304:
        return "The server says that nothing has changed, which is no answer to an event."
    if 300 <= status < 400:
        return "The server points elsewhere. Nothing is sent on, here or by the platform: correct the URL."
    if status < 500:
        return "The server was reached and refused the event."
    return "The server was reached and answered with an error."
