"""The delivery log for others: without secrets, and without what tells who somebody is."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from app.services.deliveries import hiding
from app.services.deliveries.answer import DeliveryAnswer
from app.services.deliveries.log import Delivery
from app.services.records.urls import without_urls
from app.services.secrets.names import words
from app.services.secrets.texts import GONE
from app.services.text import utc_time
from models.local.atomic import expected_errors, replacing

_MAIL: Final = re.compile(r"[^\s@\"'<>(),;:\[\]\\]{1,64}(?:@|%40)[^\s@\"'<>(),;:\[\]\\/]{1,255}")
_PERSON: Final = re.compile(
    r"e_?mail|(?:^|_)(?:first|last|full|user|given|family|display|sur)?_?name$|phone|mobile|address|street"
    r"|birth|(?:^|_)(?:ip|ssn|iban|dob|tel|mail|cv[vc]|card_?number|credit_?card|tax_?id|s(?:ession_?)?id"
    r"|remote_?addr|forwarded_?for|login)(?:_|$)"
)
"""What a member is called that says who somebody is, as far as a name can tell."""
_TAG: Final = re.compile(r"(<([A-Za-z][\w.:-]{0,60})>)[^<>]+(</\2>)")
"""An element of XML that holds a text."""


def lines(deliveries: Iterable[tuple[Delivery, DeliveryAnswer | None]]) -> Iterable[str]:
    """A JSON object each, oldest first as given."""
    for delivery, answer in deliveries:
        body, headers = redacted(delivery.body), hiding.without_signatures(delivery.headers)
        document: dict[str, Any] = {
            "number": delivery.number,
            "at": utc_time(delivery.at),
            "webhookId": delivery.webhook,
            "tenant": delivery.tenant,
            "name": redacted(delivery.name),
            "url": delivery.host,
            "event": delivery.event,
            "messageId": redacted(delivery.message) or None,
            "signedAs": delivery.signing.value,
            "requestHeaders": [[name, _plain(text)] for name, text in headers] or None,
            "body": body,
            "bodyIsRedacted": body != delivery.body,
            "resent": delivery.resent or None,
            "result": delivery.code,
            "milliseconds": delivery.took_ms,
        }
        if answer is not None:
            document |= {
                "why": redacted(answer.why),
                "headers": [[name, _header(name, text)] for name, text in answer.headers],
                "answer": redacted(answer.text()),
                "isCut": answer.is_cut,
                "address": answer.address,
                "tls": answer.tls,
                "steps": {step.part.value: round(step.took * 1000, 1) for step in answer.steps},
            }
        yield json.dumps(document) + "\n"


def export(path: Path, deliveries: Iterable[tuple[Delivery, DeliveryAnswer | None]]) -> int:
    """Writes them to a file, whole or not at all; gives how many. Raises the storage errors of the file."""
    count = 0
    with expected_errors(path), replacing(path) as building, building.open("w", encoding="ascii") as stream:
        for line in lines(deliveries):
            stream.write(line)
            count += 1
    return count


def redacted(text: str) -> str:
    """A text, and JSON by its members' names: those that hold a secret, or say who somebody is, are gone. One
    without either is as it was sent, to be checked against its signature.
    """
    return hiding.rid(text, _plain, _tells)


def _tells(name: str) -> bool:
    return hiding.names_secret(name) or _PERSON.search(words(name)) is not None


def _header(name: str, text: str) -> str:
    return GONE if _tells(name) else _plain(hiding.header(name, text))


def _plain(text: str) -> str:
    without = _TAG.sub(lambda tag: f"{tag[1]}{GONE}{tag[3]}" if _tells(tag[2]) else tag[0], text)
    return _MAIL.sub(GONE, hiding.without_private(str(without_urls(without))))
