"""Whether a request that somebody received is signed with a webhook's secret, and else what differs."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.services.chain.rules import SECONDS_LIMIT
from app.services.deliveries.request import (
    EVENT,
    SIGNATURE,
    STANDARD_ID,
    STANDARD_SIGNATURE,
    STANDARD_TIMESTAMP,
    TIMESTAMP,
    compact,
)
from app.services.deliveries.signing import (
    PLATFORM,
    VERSION,
    platform_signature,
    standard_key,
    standard_signature,
)
from app.services.records.webhooks import Secret
from app.services.text import counted, utc_time
from models.errors import InvalidInput
from models.status import DAY, HOUR

MOST: Final = 1024 * 1024
"""Characters of headers and of a body that are looked at."""
TOLERANCE: Final = 300
"""Seconds by which a request's time may be off, as the Standard Webhooks say."""

_NAME: Final = r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})"
_LINES: Final = (
    re.compile(rf"([\"']){_NAME}\1\s*:\s*([\"'])(?P<value>.*)\3,?"),  # of an object in a program or a log
    re.compile(rf"(?:(?:-H|--header)\s+)?([\"']){_NAME}\s*:\s?(?P<value>.*)\1"),  # of a call of curl
    re.compile(rf"()[<>\s]*{_NAME}\s*:\s?(?P<value>.*?)"),
)
_SIGNED: Final = frozenset(
    name.lower()
    for name in (SIGNATURE, TIMESTAMP, EVENT, STANDARD_ID, STANDARD_SIGNATURE, STANDARD_TIMESTAMP)
)
_DIGITS: Final = 64
"""Of hex, in what the platform signs with."""
_UNITS: Final = (("day", DAY), ("hour", HOUR), ("minute", 60))


@dataclass(frozen=True, slots=True)
class Tried:
    """A secret that is tried, and what a person calls it."""

    secret: Secret
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`holds` is None where nothing is signed, or nothing was given. `title` says it in a few words,
    `findings` are sentences: what differs, or what else is odd.
    """

    holds: bool | None
    title: str
    findings: Sequence[str] = ()


def parted(pasted: str) -> tuple[str, str] | None:
    """The headers and the body of a whole request as it went over the line; None where it is not one."""
    lines = pasted.replace("\r\n", "\n").lstrip("\n")
    headers, parting, body = lines.partition("\n\n")
    return (headers, body) if parting and body and any(True for _ in _of_lines(headers)) else None


def parsed(headers: str, body: str) -> tuple[Mapping[str, str], str]:
    """The headers by their names in lower case, of lines as they were sent, as curl or a log has them, or of
    JSON; one that is there twice as a receiver has it, joined. What follows an empty line is the body, where
    none is given.
    """
    headers = headers.replace("\r\n", "\n")
    if not body and "\n\n" in headers.strip("\n"):
        headers, _, body = headers.lstrip("\n").partition("\n\n")
    found: dict[str, str] = {}
    for name, value in _of_json(headers) or _of_lines(headers):
        known = name.lower()
        if known not in found:
            found[known] = value
        elif known in _SIGNED:
            found[known] += f", {value}"
    return found, body


def _of_json(headers: str) -> list[tuple[str, str]]:
    """Of an object, whose values may be lists, or of a list of names and values in turn or in pairs."""
    if headers.lstrip()[:1] not in ("{", "["):
        return []
    try:
        given: Any = json.loads(headers)
    except (ValueError, RecursionError):
        return []
    if isinstance(given, list):
        flat = [part for one in given for part in (one if isinstance(one, list) else (one,))]
        return [(str(name), str(value)) for name, value in zip(flat[::2], flat[1::2], strict=False)]
    return [
        (str(name), str(value))
        for name, held in given.items()
        for value in (held if isinstance(held, list) else (held,))
    ]


def _of_lines(headers: str) -> Iterator[tuple[str, str]]:
    for line in headers.split("\n"):
        text = line.strip().removesuffix("\\").rstrip()
        match = next((match for form in _LINES if (match := form.fullmatch(text)) is not None), None)
        if match is not None:
            yield match[2], match["value"]


NOT_SIGNED: Final = "Not signed"
"""What is said of a request that has no signature."""


def check(headers: str, body: str, secrets: Sequence[Tried], *, now: int) -> Checked:
    """Judges what was pasted. Nothing of a secret is in what it says."""
    if len(headers) + len(body) > MOST:
        return Checked(None, "Too much to check", (f"More than {MOST // 1024:,} KiB was pasted.",))
    given, body = parsed(headers, body)
    if not given:
        return Checked(None, "No headers yet", ("Paste the request's headers, one in each line.",))
    odd = tuple(dict.fromkeys(_odd(given, body, now)))
    signed = given.get(SIGNATURE.lower()), given.get(STANDARD_SIGNATURE)
    if not any(signed):
        why = f"Neither {SIGNATURE} nor {STANDARD_SIGNATURE} is among the headers."
        return Checked(None, NOT_SIGNED, (why, *odd))
    if not secrets:
        return Checked(None, "No secret to check with", odd)
    verdict = _platform(given, body, secrets) if signed[0] else _standard(given, body, secrets)
    return Checked(verdict.holds, verdict.title, (*verdict.findings, *odd))


def _platform(given: Mapping[str, str], body: str, secrets: Sequence[Tried]) -> Checked:
    signature = given[SIGNATURE.lower()]
    digest = signature.removeprefix(PLATFORM)
    if ", " in signature:
        why = f"{SIGNATURE} is there more than once: a receiver has the values joined, and none of that form."
        return Checked(False, "It is signed twice", (why,))
    if not signature.startswith(PLATFORM) or not re.fullmatch(rf"[0-9a-fA-F]{{{_DIGITS}}}", digest):
        why = f"{SIGNATURE} must be {PLATFORM} and 64 digits of hex; {_other_form(signature)}."
        return Checked(False, "The signature has another form", (why,))

    def holds(tried: Secret, text: str) -> bool:
        expected = platform_signature(tried, _in_bytes(text))
        return hmac.compare_digest(expected.lower(), PLATFORM + digest.lower())

    return _judged(holds, body, secrets)


def _other_form(signature: str) -> str:
    head, digest = signature[: len(PLATFORM)], signature.removeprefix(PLATFORM)
    if digest == signature:
        return f"this begins with {head}" if head.lower() == PLATFORM else f"this has no {PLATFORM}"
    if len(digest) != _DIGITS:
        return f"this has {counted(len(digest), 'character')} behind that"
    return "what is behind that is no hex"


def _standard(given: Mapping[str, str], body: str, secrets: Sequence[Tried]) -> Checked:
    missing = [name for name in (STANDARD_ID, STANDARD_TIMESTAMP) if not given.get(name)]
    if missing:
        return Checked(
            False, "It cannot hold", (f"{' and '.join(missing)} must be there, and signed along.",)
        )
    timestamp = _seconds(given[STANDARD_TIMESTAMP])
    if timestamp is None:
        return Checked(False, "It cannot hold")  # why is told of either form
    signatures = [part for part in given[STANDARD_SIGNATURE].split() if part.startswith(VERSION)]
    if not signatures:
        why = f"{STANDARD_SIGNATURE} must be {VERSION} and base64; there is none of that version."
        return Checked(False, "The signature has another form", (why,))
    usable = [one for one in secrets if _is_standard(one.secret)]
    if not usable:
        why = "The secret is not of the form that the Standard Webhooks need (whsec_ and base64)."
        return Checked(False, "It cannot hold with this secret", (why,))

    def holds(tried: Secret, text: str) -> bool:
        if not _is_standard(tried):
            return False
        try:
            expected = _bytes(standard_signature(tried, given[STANDARD_ID], timestamp, text))
        except UnicodeEncodeError:  # no text, and so nothing that this standard signs
            return False
        return any(hmac.compare_digest(expected, _bytes(one)) for one in signatures)

    return _judged(holds, body, usable)


def _seconds(text: str) -> int | None:
    """A time, as receivers read one."""
    is_one = text.isascii() and text.isdecimal() and len(text) <= 12 and int(text) < SECONDS_LIMIT
    return int(text) if is_one else None


def _in_bytes(text: str) -> bytes:
    """As it came: bytes that are no UTF-8 stand in it as surrogates, as Python writes them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _is_standard(secret: Secret) -> bool:
    try:
        standard_key(secret)
    except InvalidInput:
        return False
    return True


def _bytes(signature: str) -> bytes:
    try:
        return base64.b64decode(signature.removeprefix(VERSION), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _judged(holds: Callable[[Secret, str], bool], body: str, secrets: Sequence[Tried]) -> Checked:
    for number, tried in enumerate(secrets):
        if holds(tried.secret, body):
            if number == 0:
                return Checked(True, "The signature holds")
            return Checked(
                True, f"The signature holds with {tried.name}", ("The present one would not hold.",)
            )
    for number, tried in enumerate(secrets):
        for what, other in _others(body):
            if holds(tried.secret, other):
                why = f"It is of this body {what}: what was signed is not, byte for byte, what was pasted."
                if number == 0:
                    return Checked(False, "The body differs", (why,))
                by = f"It was made with {tried.name}; the present one would not hold."
                return Checked(False, "Body and secret differ", (why, by))
        for what, secret in _other_secrets(tried.secret):
            if holds(secret, body):
                return Checked(False, "The secret differs", (f"It was made with {tried.name} {what}.",))
    why = "Body or secret is another one: the signature is of neither this body, nor of it in another layout."
    return Checked(False, "The signature does not hold", (why,))


def _others(body: str) -> Iterator[tuple[str, str]]:
    """What others may have made of a body on its way here."""
    yield "without the line breaks at its end", body.rstrip("\r\n")
    yield "with a line break at its end", body + "\n"
    yield "without the spaces around it", body.strip()
    yield "with other line breaks", body.replace("\r\n", "\n")
    yield "with other line breaks", body.replace("\r\n", "\n").replace("\n", "\r\n")
    yield "without the mark at its beginning", body.removeprefix("\ufeff")
    try:
        yield "as JSON without spaces", compact(body)
        found = json.loads(body)
        written = {"ensure_ascii": False, "separators": (",", ":")}
        yield "as JavaScript would write it again", json.dumps(found, **written)  # type: ignore[arg-type]
        yield "as JSON laid out in lines", json.dumps(found, ensure_ascii=False, indent=2)
        yield "as JSON with spaces, in ASCII", json.dumps(found)
        yield "as JSON without spaces, in ASCII", json.dumps(found, separators=(",", ":"))
    except (InvalidInput, ValueError, RecursionError):
        return


def _other_secrets(secret: Secret) -> Iterator[tuple[str, Secret]]:
    """What a sender may have taken for a secret."""
    value = secret.value
    yield "without its whsec_", Secret(value.removeprefix("whsec_"))
    yield "without the spaces around it", Secret(value.strip())
    yield "and a line break behind it", Secret(value + "\n")


def _odd(given: Mapping[str, str], body: str, now: int) -> Iterator[str]:
    """What the request says of itself that does not fit."""
    for name in (TIMESTAMP, STANDARD_TIMESTAMP):
        text = given.get(name.lower())
        if text is None:
            continue
        at = _seconds(text)
        if at is None:
            is_milli = text.isascii() and text.isdecimal() and _seconds(text[:-3]) is not None
            much = ", but in milliseconds, as it seems" if is_milli and len(text) == 13 else ""
            yield f"{name} is no time in seconds{much}."
        elif (off := abs(at - now)) > TOLERANCE:
            unit, size = next((one for one in _UNITS if off >= 2 * one[1]), _UNITS[-1])
            when = "old" if at < now else "in the future"
            yield f"It is {counted(off // size, unit)} {when} ({utc_time(at)}): whoever checks may refuse it."
    length = given.get("content-length")
    size = len(_in_bytes(body))
    if length is not None and length.isdecimal() and len(length) < 15 and int(length) != size:
        yield f"Content-Length is {length}, and the body that was pasted has {counted(size, 'byte')}."
    event = given.get(EVENT.lower())
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        if body:
            is_text = body.encode("utf-8", "replace").decode() == body
            yield "The body is no JSON." if is_text else "The body is no text in UTF-8, and so no JSON."
        return
    kind = found.get("type") if isinstance(found, dict) else None
    if event is not None and isinstance(kind, str) and kind != event:
        yield f"{EVENT} says {event}, and the body's type is {kind}."
