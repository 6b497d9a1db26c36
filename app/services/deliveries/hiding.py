"""What of a delivery nobody is shown, and nothing keeps: secrets, by what they are called and how they are
written. What tells who somebody is stays, but for others (`log`).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from app.services.deliveries.destination import Destination
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, Header
from app.services.deliveries.signing import PREFIX, signed_form, standard_key
from app.services.records.urls import without_users
from app.services.secrets.forms import GONE, SECRET_MARK, without_secrets
from app.services.secrets.names import is_secret_in_urls, is_secret_text, is_signature
from models.errors import InvalidInput
from models.masking import masked, masked_end

ADDRESS_MARK = "[address]"
_LEAST = 4
"""Characters of a secret that is looked for in what a server says; a shorter one stands in any text."""
_LEAST_PART, _LONG_PART = 8, 20
"""Of a part of an address with a digit, and of one without."""
_DEEPEST: Final = 100
_ENDS: Final = range(0xE000, 0xF900)
"""The codes of what stands in no mark, for use by nobody in particular (Unicode's private area)."""


def names_secret(name: str) -> bool:
    """Whether what is called so is a secret; a signature is one of what it signs."""
    return is_secret_text(name) or is_signature(name)


def header(name: str, text: str) -> str:
    """A header's value as it may be shown."""
    return GONE if names_secret(name) else without_private(text)


def without_private(text: str) -> str:
    """A text without what is written or called as secrets are; URLs without user names and passwords."""
    return without_secrets(str(without_users(text)))


def within(value: Any, text: Callable[[str], str], tells: Callable[[str], bool], depth: int = 0) -> Any:
    """A value of JSON, each text in it made another, and gone what has a name that `tells`."""
    if depth > _DEEPEST:
        return GONE
    match value:
        case dict():
            return {
                text(name): GONE
                if tells(name) and held not in (None, "")
                else within(held, text, tells, depth + 1)
                for name, held in value.items()
            }
        case list():
            return [within(one, text, tells, depth + 1) for one in value]
        case str():
            return rid(value, text, tells, depth + 1) if value.lstrip()[:1] in ("{", "[") else text(value)
    return value


def secretless(text: str) -> str:
    """A body as it may be shown: as it is where it holds no secret; of JSON by its members' names, too."""
    return rid(text, without_private, names_secret)


def rid(text: str, of: Callable[[str], str], tells: Callable[[str], bool], depth: int = 0) -> str:
    """A text without what `of` takes out of any, and JSON without what is called by a name that `tells`, in
    one line; so each line of JSON Lines, and a text within it that is JSON itself. Where there is nothing of
    the kind it is as it was, byte for byte: who checks a signature by it needs it so.
    """
    twice: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        twice.extend(name for name, _ in pairs[len(found) :])  # of which only the last would be looked at
        return found

    try:
        found = json.loads(text, object_pairs_hook=members)
    except (ValueError, RecursionError):
        lines = text.splitlines(keepends=True)
        many = lines[1:] and lines[0].lstrip()[:1] in ("{", "[")
        return of("".join(rid(line, of, tells, depth) for line in lines) if many else text)
    if not isinstance(found, dict | list):
        return of(text)
    kept = within(found, of, tells, depth)
    if kept == found and not twice:
        return text
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def without_signatures(headers: Iterable[Header]) -> Sequence[Header]:
    """Headers of a request as they are kept: of a signature its form alone, by which one could try secrets
    without asking anybody.
    """
    return tuple((name, signed_form(text) if names_secret(name) else text) for name, text in headers)


def shown(answer: DeliveryAnswer) -> DeliveryAnswer:
    """An answer as it may be shown and kept."""
    headers = tuple((name, header(name, text)) for name, text in answer.headers)
    said = answer.body.decode("utf-8", "surrogateescape")
    kept = secretless(said)
    body = answer.body if kept == said else kept.encode("utf-8", "surrogateescape")
    return replace(answer, headers=headers, body=body, why=without_private(answer.why))


def without_own(answer: DeliveryAnswer, destination: Destination) -> DeliveryAnswer:
    """The same without an echo of what the webhook itself was called by and signed with: its secret, and
    what in its URL lets anybody post there; of a body that was cut, its beginning as well.
    """
    marks = [(part, SECRET_MARK) for part in _secrets(destination)]
    marks += [(part, ADDRESS_MARK) for part in _address(destination.url)]
    body = answer.body.decode("latin-1")  # byte for byte
    is_whole = answer.outcome is DeliveryOutcome.ANSWERED and not answer.is_cut
    mask_body = masked if is_whole else masked_end
    for part, mark in marks:
        for form in _in_bytes(part):
            body = mask_body(body, form, mark)

    # All else as one text: there may be thousands of headers, and hundreds of marks.
    said = [answer.why, *(text for header in answer.headers for text in header)]
    end = next(one for one in map(chr, _ENDS) if not any(one in text for text in said))
    whole = end.join(said)
    for part, mark in marks:
        whole = masked(whole, part, mark)
    why, *texts = whole.split(end)
    headers = tuple(zip(texts[::2], texts[1::2], strict=True))
    return shown(replace(answer, headers=headers, body=body.encode("latin-1"), why=why))


def _in_bytes(part: str) -> Iterable[str]:
    """How a part stands in a body, byte for byte but for NULs: in UTF-8, and in UTF-16, in which letters of
    two bytes have others; and those that are not of ASCII in either case, which their bytes do not tell.
    """
    cases = (part,) if part.isascii() else (part, part.upper(), part.lower())
    encodings = ["utf-8", *(("utf-16-le", "utf-16-be") if max(part) > "\xff" else ())]
    written = (one.encode(encoding, "surrogatepass") for one in cases for encoding in encodings)
    return dict.fromkeys([*(one.decode("latin-1").replace("\0", "") for one in written), part])


def without_secret(text: str, destination: Destination) -> str:
    """A text that was sent, as it is kept."""
    for part in _secrets(destination):
        text = masked(text, part, SECRET_MARK)
    return text


def _secrets(destination: Destination) -> list[str]:
    if destination.secret is None:
        return []
    value = destination.secret.value
    parts = [value, value.removeprefix(PREFIX)]
    with suppress(InvalidInput):  # a key of bytes, which a server may have printed
        key = standard_key(destination.secret)
        parts += [key.decode("latin-1"), key.hex(), key.hex().upper()]
    return [part for part in dict.fromkeys(parts) if len(part) >= _LEAST]


def _address(url: str) -> list[str]:
    """The parts of a path and a query that look as if they were secret, the longest first."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
    except ValueError:
        return []
    said = [*parts.path.split("/"), *map(unquote, parts.path.split("/")), *(value for _, value in query)]
    found = {
        part
        for part in said
        if len(part) >= _LONG_PART or (len(part) >= _LEAST_PART and any(map(str.isdigit, part)))
    }
    found |= {value for name, value in query if len(value) >= _LEAST and is_secret_in_urls(name)}
    return sorted(found, key=len, reverse=True)
