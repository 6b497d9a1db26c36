"""Where D1's API is, and which addresses a token may be sent to."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from models.errors import InvalidInput

CLOUDFLARE: Final = "https://api.cloudflare.com/client/v4"
LOCAL: Final = "/cdn-cgi/local/explorer/api"
"""The path under which `wrangler dev` answers the same calls."""


def api_address(url: str) -> str:
    """The API's address as calls begin with it; https, or on this computer. Raises `InvalidInput`."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput("url", "The address is none; it looks like https://api.example.org/client/v4.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidInput("url", "The address holds more than host, port and path; leave out the rest.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise InvalidInput(
            "url",
            "The address must begin with https://, since a token is sent there; or be of this computer.",
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether it names this computer, so that nothing sent there goes over a network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
