"""Sends an event and keeps what came of it in the log, whoever still waits for it."""

from dataclasses import dataclass, replace

from app.services.deliveries.answer import DeliveryAnswer
from app.services.deliveries.destination import Destination, read_destination
from app.services.deliveries.log import Delivery, DeliveryLog, LogUnreadable
from app.services.deliveries.request import Request, make
from app.services.deliveries.sending import Resolve, send
from app.services.deliveries.signing import PREFIX, Signing
from app.services.records.webhooks import Secret
from models.engine import Database
from models.masking import masked
from models.progress import Monitor

_MARK = "[secret]"
_LEAST = 4
"""Characters of a secret that is looked for in what a server says; a shorter one stands in any text."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of it, and its number in the log; or why it is not kept there."""

    request: Request
    answer: DeliveryAnswer
    number: int = 0
    not_kept: str = ""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers for one database, which the log knows by this name (`Opened.kept_by`), and keeps each delivery
    for so many days. `allow_here`: a person allows this computer.
    """

    database: str
    log: DeliveryLog
    resolve: Resolve
    days: int
    allow_here: bool = False

    def deliver(
        self,
        destination: Destination,
        request: Request,
        monitor: Monitor,
        *,
        signing: Signing,
        resent: int = 0,
    ) -> Delivered:
        """Sends it; the secret is taken out of what the server says."""
        answer = send(request, resolve=self.resolve, allow_here=self.allow_here, cancelled=monitor.cancelled)
        if destination.secret is not None:
            answer = _without(answer, destination.secret)
        how = {"days": self.days, "resent": resent}
        try:
            number = self.log.add(self.database, destination, request, answer, signing=signing, **how)
        except LogUnreadable as error:
            return Delivered(request, answer, not_kept=str(error))
        return Delivered(request, answer, number)


def again(database: Database, delivery: Delivery, *, now: int) -> tuple[Destination, Request]:
    """The same event once more, as its webhook is now: its body and its id stay, its time is `now`. Raises
    `NotFound` where the webhook is gone, and `InvalidInput`.
    """
    destination = read_destination(database, delivery.webhook)
    return destination, once_more(destination, delivery, now=now)


def once_more(destination: Destination, delivery: Delivery, *, now: int) -> Request:
    return make(
        destination,
        delivery.event,
        delivery.body,
        now=now,
        signing=delivery.signing,
        message_id=delivery.message,
    )


def _without(answer: DeliveryAnswer, secret: Secret) -> DeliveryAnswer:
    """An echo of what it was sent must not bring the secret into the log, or before anybody's eyes."""
    parts = [part for part in (secret.value, secret.value.removeprefix(PREFIX)) if len(part) >= _LEAST]

    def mask(text: str) -> str:
        for part in parts:
            text = masked(text, part, _MARK)
        return text

    body = answer.body.decode("latin-1")  # byte for byte
    in_bytes = [part.encode("utf-8", "surrogatepass").decode("latin-1") for part in parts]
    for part in dict.fromkeys((*in_bytes, *parts)):
        body = masked(body, part, _MARK)
    headers = tuple((mask(name), mask(text)) for name, text in answer.headers)
    return replace(answer, headers=headers, body=body.encode("latin-1"), why=mask(answer.why))
