"""Eight writers at once, six of them behind an edge that loses every fifth answer, or meets a lock.

    TENANT_ADMIN_CHAOS=4000 python -m pytest tests/d1/test_chaos.py -s

The six are programs like this one, which act upon the same three chains; two are the platform's own Worker,
each in a chain of its own, since it does not look whether a chain has moved on.
"""

import json
import os
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.records import users, writing
from app.services.records.change import Change
from models.d1.database import D1Database
from models.d1.errors import InUse
from models.d1.shared import Shared
from models.engine import raw
from models.errors import EarlierUnknown, NoAnswer, OutcomeUnknown
from tests.conftest import NOW
from tests.d1.edge import Edge
from tests.fixtures import chains
from tests.fixtures.live import Live
from tests.wrangler.toolchain import DATABASE_ID

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

ACTS = int(os.environ.get("TENANT_ADMIN_CHAOS", "96"))
SEED = int(os.environ.get("TENANT_ADMIN_SEED", str(random.randrange(10_000))))
PROGRAMS, WORKERS, TENANTS = 6, 2, 3
AT_ONCE = 10
"""Entries that a Worker is given in one request."""


class Program:
    """One of the programs: `there` are the addresses that are in the database by all that it was told."""

    def __init__(self, database: D1Database, number: int) -> None:
        self.database, self.actor = database, f"ops-{number}"
        self.rng = random.Random(SEED * 100 + number)
        self.there: set[str] = set()
        self.told: Counter[str] = Counter()
        self.done: tuple[Change, set[str]] | None = None

    def run(self, acts: int) -> None:
        for number in range(acts):
            act, there = self.next(f"{self.actor}-{number}@acme.example")
            change: Change | None = None
            try:
                change, saved = self.patiently(act), True
            except OutcomeUnknown:
                found = self.patiently(self.database.settle)
                saved = found is not None and found.saved
                self.told[f"found out: {saved}"] += 1
            self.done = (change, self.there) if change is not None else None
            if saved:
                self.told["saved"] += 1
                self.there = there

    def next(self, email: str) -> tuple[Callable[[], Change], set[str]]:
        """An act, and what is there behind it."""
        how: dict[str, Any] = {"actor": self.actor, "now": NOW}
        dice = self.rng.random()
        if dice < 0.2 and self.done is not None:
            change, before = self.done
            return lambda: writing.undo(self.database, change, now=NOW), before
        if dice < 0.6 or not self.there:
            tenant = f"tenant-{self.rng.randrange(TENANTS)}"
            return lambda: users.create(self.database, tenant, email, **how), self.there | {email}
        old = self.rng.choice(sorted(self.there))
        look = raw("SELECT id FROM users WHERE email = ?", old)
        user = str(self.patiently(lambda: self.database.scalar(look)))
        if dice < 0.8:
            return lambda: users.rename(self.database, user, email, **how), self.there - {old} | {email}
        return lambda: users.delete(self.database, [user], **how), self.there - {old}

    @staticmethod
    def patiently(act: Callable[[], Any]) -> Any:
        """Again where what it asks first had no answer, or a lock kept it out, or it is not known what came
        before.
        """
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(EarlierUnknown, InUse, NoAnswer):
                return act()
        raise AssertionError("it is not known")


def worker(address: str, tenant: str, entries: int) -> dict[str, Any]:
    """The Worker's own verdict on all chains, after it appended that many."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    said: dict[str, Any] = {}
    for first in range(0, entries, AT_ONCE):
        batch = [
            {"tenant": tenant, "type": "workflow_dispatched", "payload": {"n": number}, "at": NOW + number}
            for number in range(first, min(first + AT_ONCE, entries))
        ]
        request = urllib.request.Request(address, data=json.dumps(batch).encode())
        with opener.open(request, timeout=60) as response:
            said = json.load(response)
    return said


@pytest.mark.timeout(1_800)
def test_nothing_is_lost_and_nothing_done_twice(
    edge: Edge, live: Live, database_path: Path, tmp_path: Path
) -> None:
    print(f"TENANT_ADMIN_SEED={SEED} TENANT_ADMIN_CHAOS={ACTS}")
    file = live.put(database_path, database=DATABASE_ID)
    edge.chance, edge.random = 0.2, random.Random(SEED)
    each = ACTS // (PROGRAMS + WORKERS)
    programs = []
    for number in range(PROGRAMS):
        shared = Shared(tmp_path / str(number), per_second=1e9, burst=1e9)
        client = edge.client(seconds=1.0, shared=shared)
        programs.append(Program(D1Database(client, DATABASE_ID), number))
    started = time.monotonic()
    with ThreadPoolExecutor(PROGRAMS + WORKERS) as threads:
        running: list[Any] = [threads.submit(program.run, each) for program in programs]
        running += [
            threads.submit(worker, live.direct, f"worker-{number}", each) for number in range(WORKERS)
        ]
        for one in running:
            one.result()
    told = sum((program.told for program in programs), Counter[str]())
    print(f"{time.monotonic() - started:.0f} s, {len(edge.calls):,} calls, {dict(told)}")
    with closing(apsw.Connection(str(file))) as connection:
        assert chains.problems(connection) == []
        emails = [email for (email,) in connection.execute("SELECT email FROM users")]
        actors = Counter(
            json.loads(payload).get("actor")
            for (payload,) in connection.execute("SELECT payload FROM audit_chain")
        )
        twice = connection.execute(
            "SELECT count(*) - count(DISTINCT tenant_id || previous_hash) FROM audit_chain"
        )
        assert twice.get == 0
    assert sorted(emails) == sorted(set().union(*(program.there for program in programs)))
    assert actors == {program.actor: program.told["saved"] for program in programs} | {None: each * WORKERS}
    said = worker(live.direct, "worker-0", 1)
    assert (said["broken"], said["entries"]) == ([], actors.total() + 1)
