"""What the URL of a webhook destination may be (`hazards.md`, Webhooks; `d1.md`, The platform's events)."""

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from app.services import text
from app.services.errors import InvalidInput

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def _refuse(sentence: str) -> InvalidInput:
    return InvalidInput("url", sentence)


def parse(value: str) -> tuple[str, str]:
    """The URL as it is stored and its host, as JavaScript's `new URL(url).hostname` gives it.

    Raises `InvalidInput` for anything that two parsers could read differently: user names, backslashes,
    escapes in the host, numbers that stand for an address, and for `http` anywhere but on this computer.
    """
    url = text.single_line("url", "The URL", value, longest=2000)
    if "\\" in url or " " in url or "%00" in url:
        raise _refuse("The URL holds a backslash, a space or %00, which are not allowed.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse("This is not a URL; it needs the form https://hooks.example.com/path.") from None
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise _refuse("The URL must start with https:// and name a host.")
    if "@" in parts.netloc:
        raise _refuse("The URL must not hold a user name or password.")
    if port == 0:
        raise _refuse("Port 0 cannot be reached.")
    host = host_of(url)
    if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "[::1]"}:
        raise _refuse("The URL must start with https://; http is only allowed for this computer (localhost).")
    return url, host


def host_of(url: str) -> str:
    """The host in lower case, IPv6 in brackets. Raises `InvalidInput` when it is not a plain host."""
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").lower()
    except ValueError:
        raise _refuse("The URL's host cannot be read.") from None
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            raise _refuse(f"“{name}” is not an IPv6 address.") from None
    if not name.isascii():
        raise _refuse("Write the host in its ASCII form (it starts with xn--).")
    labels = name.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse(f"“{name}” is not a host name.")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise _refuse(
                f"“{name}” is a number in disguise; write the address as four plain numbers."
            ) from None
    return name


def agrees(url: str, hostname: str) -> bool:
    """Whether a stored hostname is the host of the stored URL; the platform delivers only if it is."""
    try:
        return host_of(url) == hostname
    except InvalidInput:
        return False


def without_query(url: str) -> str:
    """The URL for the audit chain: a query often carries a token, so it is left out and marked."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "…" if parts.query else "", ""))
