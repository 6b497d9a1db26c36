"""Sends an event and keeps what came of it in the log, whoever still waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.services.deliveries.destination import Destination, read_destination
from app.services.deliveries.hiding import without_own, without_secret
from app.services.deliveries.log import Delivery, DeliveryLog, LogUnreadable
from app.services.deliveries.request import DeliveryAnswer, Request, make
from app.services.deliveries.sending import Resolve, send
from app.services.deliveries.signing import Signing
from models.engine import Database
from models.errors import InvalidInput, NotAllowed, NotFound
from models.progress import Monitor

Planned = tuple[Delivery, Destination, Request]
"""A delivery that is to be sent once more, to whom, and as what."""


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
        """Sends it; of what the server says nobody is shown a secret, and the log keeps none."""
        answer = send(request, resolve=self.resolve, allow_here=self.allow_here, cancelled=monitor.cancelled)
        answer = without_own(answer, destination)
        how = {"days": self.days, "resent": resent}
        kept = replace(request, body=without_secret(request.body.decode(), destination).encode())
        try:
            number = self.log.add(self.database, destination, kept, answer, signing=signing, **how)
        except LogUnreadable as error:
            return Delivered(request, answer, not_kept=str(error))
        return Delivered(request, answer, number)

    def deliver_each(self, planned: Sequence[Planned], monitor: Monitor) -> list[Delivered]:
        """Sends them once more, one after the other; those that were sent when it is `cancelled`."""
        sent: list[Delivered] = []
        for delivery, destination, request in planned:
            if monitor.cancelled():
                break
            monitor.progress(len(sent), len(planned))
            how = {"signing": delivery.signing, "resent": delivery.number}
            sent.append(self.deliver(destination, request, monitor, **how))  # type: ignore[arg-type]
        return sent


def again(database: Database, delivery: Delivery, *, now: int) -> tuple[Destination, Request]:
    """The same event once more, as its webhook is now: its body and its id stay, its time is `now`. Raises
    `NotFound` where the webhook is gone, and `InvalidInput`.
    """
    destination = read_destination(database, delivery.webhook)
    return destination, once_more(destination, delivery, now=now)


@dataclass(frozen=True, slots=True)
class PlannedAgain:
    """Of some deliveries those that can be sent once more, and why the others cannot, a sentence each."""

    ready: Sequence[Planned]
    left: Sequence[str]


def each_again(database: Database, deliveries: Sequence[Delivery], *, now: int) -> PlannedAgain:
    """The same for each of several; one that cannot be takes no other with it."""
    ready, left = [], []
    for delivery in deliveries:
        try:
            ready.append((delivery, *again(database, delivery, now=now)))
        except (InvalidInput, NotAllowed, NotFound) as error:
            left.append(str(error))
    return PlannedAgain(ready, left)


def once_more(destination: Destination, delivery: Delivery, *, now: int) -> Request:
    return make(
        destination,
        delivery.event,
        delivery.body,
        now=now,
        signing=delivery.signing,
        message_id=delivery.message,
    )
