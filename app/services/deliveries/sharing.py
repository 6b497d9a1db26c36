"""The delivery log for others: without secrets, and without what tells who somebody is."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from app.services.deliveries.answer import DeliveryAnswer
from app.services.deliveries.log import Delivery
from app.services.records.tables import ColumnKind, undeclared
from app.services.records.webhooks import without_urls
from app.services.text import utc_time
from models.local.atomic import expected_errors, replacing

_GONE: Final = "…"
_MAIL: Final = re.compile(r"[^\s@\"'<>(),;:\[\]\\]{1,64}@[^\s@\"'<>(),;:\[\]\\/]{1,255}")
_TOKEN: Final = re.compile(
    r"\b(?:whsec_|(?:sk|pk|rk|ghp|gho|github_pat|xox[abpr]|glpat)[_-])[\w+/=-]{8,}"
    r"|(?i:\b(?:bearer|basic)\s+)[\w+/=.~-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\$(?:argon2\w*|2[aby]|pbkdf2[\w-]*|scrypt)\$[^\s\"']{8,}"
)
"""Secrets and password hashes by how they are written."""
_PERSON: Final = re.compile(
    r"e_?mail|(?:^|_)(?:first|last|full|user|given|family|display|sur)?_?name$|phone|mobile|address|street"
    r"|birth|(?:^|_)(?:ip|ssn|iban)(?:_|$)"
)
"""What a member is called that says who somebody is, as far as a name can tell."""
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_DEEPEST: Final = 100


def lines(deliveries: Iterable[tuple[Delivery, DeliveryAnswer | None]]) -> Iterable[str]:
    """A JSON object each, oldest first as given."""
    for delivery, answer in deliveries:
        document: dict[str, Any] = {
            "number": delivery.number,
            "at": utc_time(delivery.at),
            "webhookId": delivery.webhook,
            "tenant": delivery.tenant,
            "name": redacted(delivery.name),
            "url": delivery.host,
            "event": delivery.event,
            "signedAs": delivery.signing.value,
            "body": redacted(delivery.body),
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
    """A text, and JSON by its members' names: those that hold a secret, or say who somebody is, are gone."""
    try:
        found = json.loads(text)
        if isinstance(found, dict | list):
            return json.dumps(_within(found, 0), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    return _plain(text)


def _within(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return _GONE
    match value:
        case dict():
            return {
                _plain(name): _GONE if _tells(name) and held not in (None, "") else _within(held, depth + 1)
                for name, held in value.items()
            }
        case list():
            return [_within(one, depth + 1) for one in value]
        case str():
            return _plain(value)
    return value


def _tells(name: str) -> bool:
    words = _WORDS.sub("_", name).lower()
    return undeclared(name).kind is ColumnKind.PRESENCE or _PERSON.search(words) is not None


def _header(name: str, text: str) -> str:
    is_secret = name.lower() in {"set-cookie", "cookie", "authorization", "proxy-authorization"}
    return _GONE if is_secret or _tells(name) else _plain(text)


def _plain(text: str) -> str:
    return _MAIL.sub(_GONE, _TOKEN.sub(_GONE, str(without_urls(text))))
