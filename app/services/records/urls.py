"""What a URL of a webhook may be, and what of any is told where nobody is to call it."""

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from app.services import text
from app.services.records.rows import RawText, Value, shown
from app.services.secrets.forms import without_credentials
from models.errors import InvalidInput

THIS_COMPUTER: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The hosts that `http` may be used for."""

_URL = re.compile(r"(?<![a-z0-9+.-])([0-9+.-]*)([a-z][a-z0-9+.-]*://\S+)", re.IGNORECASE)
"""From a word's beginning alone: tried at each of its letters it would take time by the word's square."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def told_host(hostname: Value) -> str:
    """A stored host for the audit chain: whatever else stands there may be what nobody should read."""
    try:
        return host_of(f"https://{str(shown(hostname)).rpartition('://')[2]}")
    except InvalidInput:
        return "…"


def _refuse(sentence: str) -> InvalidInput:
    return InvalidInput("url", sentence)


def valid_url(value: str) -> tuple[str, str]:
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
    if parts.scheme == "http" and host not in THIS_COMPUTER:
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
        if "%" in name:
            raise _refuse("An address with a zone (what follows the %) means another place on each computer.")
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            raise _refuse(f"“{name}” is not an IPv6 address.") from None
    if not name.isascii():
        raise _refuse("Write the host in its ASCII form (it starts with xn--).")
    labels = name.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse(f"“{name}” is not a host name.")
    for label in labels:
        if label.startswith("xn--") and not _reads_back(label):
            raise _refuse(f"“{label}” stands for no name: what follows xn-- cannot be read.")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise _refuse(
                f"“{name}” is a number in disguise; write the address as four plain numbers."
            ) from None
    return name


def _reads_back(label: str) -> bool:
    """Whether a label in its ASCII form stands for a name in another script."""
    import idna  # noqa: PLC0415 - few hosts have one

    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def host_doubt(url: str, hostname: str) -> tuple[str, str] | None:
    """What is wrong with a stored hostname, in two words and as what it "is"; None where it is the host of
    the stored URL. The platform delivers only if it is, by its own reading of a URL that is refused here.
    """
    try:
        host = host_of(url)
    except InvalidInput as refused:
        return "host unclear", f"not clear by its URL: {refused}"
    if host == hostname:
        return None
    return "host differs", "not the URL's host, so the platform does not deliver to it"


def hostname_alone(hostname: Value) -> Value:
    """A stored hostname the same, where a user name, path or query stands in it; else as it is stored."""
    return told_host(hostname) if set("@/?#\\") & set(str(shown(hostname))) else hostname


def without_urls(value: Value) -> Value:
    """What people write, with the host alone of each URL in it: they paste one as a name, too."""
    return written_with(lambda said: _URL.sub(lambda url: url[1] + host_alone(url[2]), said), value)


def without_users(value: Value) -> Value:
    """The same with whole URLs, but for the user names and passwords in them, and the paths of those that are
    webhooks themselves (`forms.without_credentials`).
    """
    if isinstance(value, str):  # as most are
        return without_credentials(value)
    return written_with(without_credentials, value) if isinstance(value, bytes | RawText) else value


def written_with(other: Callable[[str], str], value: Value) -> Value:
    """As it is stored, where nothing in it is to be said otherwise."""
    is_blob = isinstance(value, bytes)
    said = value.decode("latin-1") if isinstance(value, bytes) else shown(value)  # of a BLOB byte for byte
    if not isinstance(said, str):
        return value
    found = other(said)
    if found == said:
        return value
    return found.replace("…", "...").encode("latin-1") if is_blob else found


def host_alone(url: Value) -> str:
    """The URL for whoever may not call it: “https://hooks.slack.com/…”.

    Path, query and user name are often what lets anybody post there, so neither the audit chain nor an export
    holds them.
    """
    said = str(shown(url))
    try:
        parts = urlsplit(said)
        bare = f"{parts.scheme}://{host_of(said)}" + (f":{parts.port}" if parts.port else "")
    except (ValueError, InvalidInput):
        return "…"
    if parts.scheme not in {"https", "http"}:
        return "…"
    return bare if said.lower().removesuffix("/") == bare else f"{bare}/…"
