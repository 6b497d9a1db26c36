"""Which addresses nothing is sent to."""

import ipaddress
import random
import socket
from collections.abc import Iterator

import pytest

from app.services.deliveries.destination import Destination, untried, why_not
from app.services.deliveries.request import DeliveryOutcome, make
from app.services.deliveries.sending import send
from app.workers.names import resolve
from models.errors import InvalidInput
from tests.conftest import NOW
from tests.fixtures.hooked import connections

# ruff: noqa: SIM905
FORBIDDEN = (
    "0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 "
    "172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 "
    "203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16"
).split()
ALLOWED = "1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 192.167.0.1 11.0.0.1 100.128.0.1 169.253.0.1".split()
FORBIDDEN_6 = (
    ":: ::1 ::ffff:127.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 100::1 "
    "2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd12::1 fe80::1 fe80::1%1 fec0::1 ff02::1 "
    "::ffff:10.0.0.1 ::ffff:a9fe:a9fe 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 4000::1"
).split()
ALLOWED_6 = "2606:4700::1111 2a00:1450:4001::1 ::ffff:1.1.1.1 64:ff9b::101:101".split()


@pytest.mark.parametrize("address", [*FORBIDDEN, *FORBIDDEN_6, "", "localhost", "127.1", "0x7f000001"])
def test_nothing_is_sent_to_what_is_no_public_computer(address: str) -> None:
    assert why_not(address)


@pytest.mark.parametrize("address", [*ALLOWED, *ALLOWED_6])
def test_public_addresses_are_allowed(address: str) -> None:
    assert why_not(address) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hooks.example.com/x", None),
        ("http://hooks.example.com/x", "The URL must start with https://"),
        ("http://127.0.0.2/x", "The URL must start with https://"),
        ("https://a:b@hooks.example.com/x", "The URL must not hold a user name"),
        ("https://hooks.example.com:0/x", "Port 0"),
        ("http://169.254.169.254/latest", "169.254.169.254 is of this link alone"),
        ("https://10.1.2.3/x", "10.1.2.3 is of a private network"),
        ("http://localhost:1/", None),
        ("http://127.0.0.1:1/", None),
        ("x", "The URL must start with https:// and name a host"),
    ],
)
def test_where_no_test_event_goes_is_known_by_a_url_alone(url: str, why: str | None) -> None:
    found = untried(url)
    assert found is None if why is None else (found or "").startswith(why)


def test_where_this_computer_is_meant_no_other_is_reached() -> None:
    assert why_not("127.0.0.1", is_here=True) is None and why_not("::1", is_here=True) is None
    for address in ("10.0.0.1", "1.1.1.1", "169.254.169.254", "::ffff:10.0.0.1"):
        assert why_not(address, is_here=True)


def test_whatever_the_library_calls_private_is_refused() -> None:
    """Besides what it does not: each network's first and last address, and some in between."""
    chance = random.Random(7)
    for network in map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")):
        ends = int(network.network_address), int(network.broadcast_address)
        for number in (*ends, *(chance.randint(*ends) for _ in range(50))):
            assert why_not(str(ipaddress.ip_address(number) if network.version == 6 else
                               ipaddress.IPv4Address(number)))  # fmt: skip


def spellings() -> Iterator[str]:
    """At least 500 hosts of URLs that stand, for somebody, for an address that is forbidden."""
    for text in FORBIDDEN:
        octets = [int(part) for part in text.split(".")]
        first, second, third, last = octets
        number = int(ipaddress.IPv4Address(text))
        yield from (
            text, f"{text}.", str(number), hex(number), f"0{number:o}", f"{number:#034x}",
            f"0x{first:x}.0x{second:x}.0x{third:x}.0x{last:x}",
            f"0{first:o}.0{second:o}.0{third:o}.0{last:o}",
            f"{first}.{number & 0xFFFFFF}", f"{first}.{second}.{number & 0xFFFF}",
            f"0x{first:02X}.{second}.{third}.{last}", f"{first}.0x{number & 0xFFFFFF:x}",
            f"0{first:o}.{second}.{number & 0xFFFF}", ".".join(f"{part:03d}" for part in octets),
            f"[::ffff:{text}]", f"[::{text}]", f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
            f"[64:ff9b::{text}]", f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]", f"[::ffff:0:{text}]",
            text.translate(str.maketrans("0123456789", "０１２３４５６７８９")), text.replace(".", "。"),
            text.translate(str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")), f"user@{text}", f"{text}%00.example",
            f"example.com\\@{text}", f"{text}%2e", text.replace(".", "%2e"),
        )  # fmt: skip
    for text in FORBIDDEN_6:
        yield f"[{text}]"
        if "%" not in text:
            yield f"[{ipaddress.IPv6Address(text).exploded}]"
            yield f"[{text}%25lo]"
    yield from ("localhost.", "LOCALHOST.", "localhost6", "ip6-localhost", "ip6-loopback", "foo.localhost")


def test_no_spelling_of_a_forbidden_address_is_connected_to() -> None:
    """By the system's own resolver, which takes many of them; this computer is allowed as well."""
    hosts = list(dict.fromkeys(spellings()))
    assert len(hosts) >= 500
    refused = 0
    with connections() as connected:
        for number, host in enumerate(hosts):
            url = f"https://{host}:{1 + number % 65535}/in"
            try:
                request = make(Destination("1", url=url, hostname=_host(host)), "run_started", "{}", now=NOW)
            except InvalidInput:
                refused += 1
                continue
            answer = send(request, resolve=resolve, allow_here=True, seconds=5)
            assert answer.outcome in (
                DeliveryOutcome.REFUSED,
                DeliveryOutcome.NO_HOST,
                DeliveryOutcome.TIMEOUT,
            ) or _is_here(host)
    assert refused
    assert [place for place in connected if not _is_this_computer(place)] == []


def _host(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host.strip('[]')).compressed}]"
    except ValueError:
        return host.lower()


def _is_here(host: str) -> bool:
    return _host(host) in {"127.0.0.1", "[::1]"}


def _is_this_computer(place: object) -> bool:
    """The resolver may ask whoever this computer asks for names, by a socket of the C library's own."""
    assert isinstance(place, tuple)
    return place[0] in {"127.0.0.1", "::1"}


def test_a_name_that_leads_here_is_refused_by_whatever_name() -> None:
    """The system's own resolver knows it."""
    assert socket.gethostbyname("localhost").startswith("127.")
    request = make(
        Destination("1", url="https://localhost./", hostname="localhost."), "run_started", "{}", now=NOW
    )
    with connections() as connected:
        answer = send(request, resolve=resolve, allow_here=True)
    assert answer.outcome in (DeliveryOutcome.REFUSED, DeliveryOutcome.NO_HOST) and not connected
