"""What came of a delivery."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from app.services.deliveries.request import Header


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
