"""Chains written by a Worker in workerd hold here, and an entry appended here holds there."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.services.chain import append as chain
from app.services.chain.append import Event
from app.services.chain.where import InFile
from app.workers import scan_pool
from tests.fixtures.connected import connected
from tests.fixtures.live import Live, serving
from tests.wrangler.toolchain import DATABASE_ID

pytestmark = pytest.mark.wrangler

NOW = 1_750_000_000
TENANTS = ("acme", "müller & söhne", "株式会社")
PAYLOADS: tuple[dict[str, Any], ...] = (
    {"userId": "u-1", "email": "zoë@example.com"},
    {
        "text": 'quotes " and \\ and / and a line\nbreak, \u2028, \u007f and 😀',
        "n": 1.5,
        "big": 1e21,
        "no": None,
    },
    {},
    {"nested": {"list": [1, "two", False, []]}, "colon": "a:b:c"},
)


def ask(address: str, entries: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The Worker's own verdict on the database, after it appended `entries`."""
    request = urllib.request.Request(address)
    if entries:
        request.data = json.dumps(entries).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return dict(json.load(response))


def entries(count: int, since: int = NOW) -> list[dict[str, Any]]:
    """Entries of all tenants, interleaved."""
    return [
        {
            "tenant": TENANTS[number % len(TENANTS)],
            "type": "user_updated",
            "payload": PAYLOADS[number % len(PAYLOADS)],
            "at": since + number,
        }
        for number in range(count)
    ]


def append_here(path: Path, tenant: str, payload: dict[str, Any], now: int = NOW + 1000) -> str:
    """Appends as every act of this program does; returns the new head."""
    with connected(path) as database:
        event = Event(tenant, "settings_changed", payload)
        chain.append(database, lambda: chain.Batch((), (event,)), now=now)
        return chain.heads(database, [tenant])[tenant].hash


def verdicts(path: Path) -> tuple[str, int, list[Any]]:
    report = scan_pool.verify(InFile(path), now=NOW + 3000)
    return report.verdict, report.entries, list(report.findings)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A server whose Worker writes to no other test's database."""
    with serving(tmp_path / "project") as live:
        yield live


def test_a_chain_goes_back_and_forth(live: Live, database_path: Path) -> None:
    """Both sides append, also while workerd holds the file, and stay on one chain; what is broken in it, both
    find.
    """
    before = append_here(database_path, TENANTS[0], PAYLOADS[1], NOW)
    file = live.put(database_path, database=DATABASE_ID)
    said = ask(live.address)
    assert (said["entries"], said["broken"], said["heads"]) == (1, [], {TENANTS[0]: before})

    said = ask(live.address, entries(60))
    assert (said["entries"], said["broken"]) == (61, [])
    assert set(said["heads"]) == set(TENANTS)
    assert verdicts(file) == ("CONSISTENT", 61, [])

    heads = {
        tenant: append_here(file, tenant, payload) for tenant, payload in zip(TENANTS, PAYLOADS, strict=False)
    }
    said = ask(live.address)
    assert (said["entries"], said["broken"], said["heads"]) == (64, [], heads)
    said = ask(live.address, entries(6, since=NOW + 2000))
    assert (said["entries"], said["broken"]) == (70, [])
    assert verdicts(file) == ("CONSISTENT", 70, [])

    with connected(file) as database:
        database.connection().execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    assert ask(live.address)["broken"] == [3]
    verdict, count, findings = verdicts(file)
    assert (verdict, count) == ("TAMPERED", 70)
    assert [(finding.code, finding.seq) for finding in findings] == [("HASH", 3)]
