"""Chains written by a Worker in workerd hold here, and an entry appended here holds there."""

import json
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from app import paths
from app.services.chain import append as chain
from app.services.chain.append import Event
from app.workers import scan_pool
from models.local import migrations
from tests.fixtures.connected import connected
from tests.wrangler.toolchain import Project

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

MakeProject = Callable[[], Project]


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


def append_here(path: Path, tenant: str, payload: dict[str, Any]) -> str:
    """Appends as every act of this program does; returns the new head."""
    with connected(path) as database:
        event = Event(tenant, "settings_changed", payload)
        chain.append(database, lambda: chain.Batch((), (event,)), now=NOW + 1000)
        return chain.heads(database, [tenant])[tenant].hash


def verdicts(path: Path) -> tuple[str, int, list[Any]]:
    report = scan_pool.verify(path, now=NOW + 3000)
    return report.verdict, report.entries, list(report.findings)


def test_a_chain_goes_back_and_forth(project: MakeProject) -> None:
    theirs = project()
    theirs.apply_migrations()

    with theirs.serve() as address:
        said = ask(address, entries(60))
        assert (said["entries"], said["broken"]) == (60, [])
        assert set(said["heads"]) == set(TENANTS)
    assert verdicts(theirs.file) == ("CONSISTENT", 60, [])

    heads = {
        tenant: append_here(theirs.file, tenant, payload)
        for tenant, payload in zip(TENANTS, PAYLOADS, strict=False)
    }
    with theirs.serve() as address:
        said = ask(address)
        assert (said["entries"], said["broken"], said["heads"]) == (63, [], heads)
        # While wrangler dev holds the file, either side appends and both stay on one chain.
        live = append_here(theirs.file, TENANTS[0], PAYLOADS[1])
        assert ask(address)["heads"][TENANTS[0]] == live
        said = ask(address, entries(6, since=NOW + 2000))
        assert (said["entries"], said["broken"]) == (70, [])
    assert verdicts(theirs.file) == ("CONSISTENT", 70, [])


def test_what_the_worker_calls_broken_is_found_here(project: MakeProject) -> None:
    theirs = project()
    theirs.file.parent.mkdir(parents=True)
    migrations.create_database(theirs.file, paths.migrations_dir(), now=NOW)
    for _ in range(5):
        append_here(theirs.file, "acme", PAYLOADS[0])
    with connected(theirs.file) as database:
        database.connection().execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    with theirs.serve() as address:
        assert ask(address)["broken"] == [3]
    verdict, count, findings = verdicts(theirs.file)
    assert (verdict, count) == ("TAMPERED", 5)
    assert [(finding.code, finding.seq) for finding in findings] == [("HASH", 3)]
