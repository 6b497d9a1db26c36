"""Audit chains for tests: built by the platform's formula, then damaged by plain SQL."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest

from app import paths
from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.verify import source, verification
from app.services.chain.verify.conclude import conclude
from app.services.chain.verify.join import join
from app.services.chain.verify.report import Extent, Report
from app.services.chain.verify.scan import BLOCK, Job, RangeScan, Result, Stopped, rows_of, scan_range
from app.services.chain.verify.verification import Executor
from models.errors import Cancelled
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.chains import GENESIS, digest
from tests.fixtures.inserting import INTO_AUDIT_CHAIN

EVENTS = ("user_created", "user_updated", "workflow_dispatched", "settings_changed", "file_uploaded")
START = NOW - 90 * 86_400


def insert(
    sql: apsw.Connection, tenant: str, previous: str, row: tuple[str, str, float | str, int | None]
) -> str:
    """A row of event, payload, time and seq, which holds by itself; its hash."""
    event, payload, at, seq = row
    value = digest(previous, event, payload, at)
    sql.execute(
        INTO_AUDIT_CHAIN + "(?, ?, ?, ?, ?, ?, ?)", (seq, tenant, event, payload, previous, value, at)
    )
    return value


@cache
def _built(rows: int, tenants: int, seed: int, step: int) -> bytes:
    """The file that `ChainFile.build` describes; most tests start with one of a few."""
    sql = apsw.Connection(":memory:")
    sql.execute((paths.migrations_dir() / "0000_initial.sql").read_text())
    rng = random.Random(seed)
    order = [f"tenant-{number:02d}" for number in range(tenants) for _ in range(rows)]
    rng.shuffle(order)
    heads: dict[str, str] = {}
    at = START
    entries = []
    for number, tenant in enumerate(order):
        at += rng.randrange(3)
        event, previous = rng.choice(EVENTS), heads.get(tenant, GENESIS)
        payload = f'{{"actor": "ada", "id": "{number}", "note": "häßlich"}}'
        heads[tenant] = value = digest(previous, event, payload, at)
        entries.append((1 + number * step, tenant, event, payload, previous, value, at))
    with sql:
        sql.executemany(INTO_AUDIT_CHAIN + "(?, ?, ?, ?, ?, ?, ?)", entries)
    return sql.serialize("main")


class InProcess:
    """Scans one range after the other in the calling thread."""

    most = 1

    def start(self, count: int) -> AbstractContextManager[None]:
        return nullcontext()

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        results: list[Result] = []
        done = 0

        def tick(rows: int) -> bool:
            return watch(done + rows)

        for job in jobs:
            try:
                results.append(scan_range(job, tick))
            except Stopped:
                raise Cancelled from None
            done += rows_of(results[-1])
            if watch(done):
                raise Cancelled
        return results


def job_of(first: int, last: int, marks: Sequence[tuple[int, str]] | None = None) -> Job:
    """What a `RangeScan` of every tenant is told."""
    return {"first": first, "last": last, "marks": marks, "now": NOW, "tenant": None}


class Cut(InProcess):
    """Scans a file in several ranges, cut before these seqs, and passes on what JSON makes of the results."""

    def __init__(self, *cuts: int) -> None:
        self._cuts = sorted({(cut + BLOCK // 2) // BLOCK * BLOCK for cut in cuts})

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        found = []
        for whole in jobs:
            inner = [cut for cut in self._cuts if whole["first"] < cut <= whole["last"]]
            for first, end in pairwise([whole["first"], *inner, whole["last"] + 1]):
                marks = whole["marks"] and [mark for mark in whole["marks"] if first <= mark[0] < end]
                job = whole | {"first": first, "last": end - 1, "marks": marks}
                found.append(json.loads(json.dumps(scan_range(job, lambda rows: False))))
        return found


class ChainFile:
    """A database with an audit chain, and ways to write to it behind the platform's back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(_built(0, 1, 1, 1))
        self.sql = apsw.Connection(str(path))
        self.sql.pragma("synchronous", "off")  # nothing here outlives a power cut

    @classmethod
    def build(cls, path: Path, *, rows: int, tenants: int = 1, seed: int = 1, step: int = 1) -> "ChainFile":
        """`rows` rows of each tenant, interleaved at random, `step` apart in seq."""
        path.write_bytes(_built(rows, tenants, seed, step))
        return cls(path)

    @classmethod
    def encoded(cls, path: Path, encoding: str) -> "ChainFile":
        """An empty one whose text is in this encoding."""
        empty = apsw.Connection(str(path))
        empty.pragma("encoding", encoding)
        empty.execute((paths.migrations_dir() / "0000_initial.sql").read_text())
        empty.close()
        return cls(path)

    def append(
        self,
        tenant: str,
        event: str = "user_created",
        payload: str = '{"id":"x"}',
        at: float | str = NOW - 60,
        *,
        previous: str | None = None,
        seq: int | None = None,
    ) -> str:
        """One row that holds by itself; `previous` is the tenant's head if not given. Its hash."""
        if previous is None:
            previous = self.head(tenant)
        return insert(self.sql, tenant, previous, (event, payload, at, seq))

    def head(self, tenant: str) -> str:
        found = self.one("SELECT hash FROM audit_chain WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1", tenant)
        return GENESIS if found is None else found[0]

    def one(self, sql: str, *params: Any) -> Any:
        return self.sql.execute(sql, params).fetchone()

    def run(self, sql: str, *params: Any) -> None:
        self.sql.execute(sql, params)

    def seqs(self, tenant: str = "tenant-00") -> list[int]:
        rows = self.sql.execute("SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq", (tenant,))
        return [seq for (seq,) in rows]

    def rehash(self, tenant: str, after: int = 0) -> None:
        """Makes every row of the tenant behind seq `after` consistent again, as a forger would."""
        before = self.one("SELECT hash FROM audit_chain WHERE seq = ?", after)
        chains.rehash(self.sql, tenant, after + 1, GENESIS if before is None else before[0])

    def prune(self, tenant: str, through: int, at: int = NOW - 30) -> None:
        """Retention's own way: the prefix goes, a marker comes, at the earliest when all of it is older."""
        (latest,) = self.one(
            "SELECT max(created_at) FROM audit_chain WHERE tenant_id=? AND seq<=?", tenant, through
        )
        at = max(at, latest + 1)
        first, count = self.one(
            "SELECT min(seq), count(*) FROM audit_chain WHERE tenant_id=? AND seq<=?", tenant, through
        )
        last, value = self.one(
            "SELECT seq, hash FROM audit_chain WHERE tenant_id=? AND seq<=? ORDER BY seq DESC",
            tenant,
            through,
        )
        marker = {"fromSeq": first, "toSeq": last, "count": count, "lastHash": value, "cutoff": at}
        self.append(tenant, "audit_pruned", json.dumps(marker), at)
        self.run("DELETE FROM audit_chain WHERE tenant_id=? AND seq<=?", tenant, last)

    def verify(self, *, now: int = NOW, executor: Executor | None = None, **options: Any) -> Report:
        wish = verification.Wish(now=now, executor=executor or InProcess(), **options)
        return verification.verify(self.path, wish)

    def verify_cut(self, cuts: Sequence[int]) -> Report:
        """The same, as if several processes had scanned `cuts[i] <= seq < cuts[i + 1]`."""
        connection = source.connect(source.uri(self.path))
        results = [RangeScan(connection, job_of(first, end - 1)).run() for first, end in pairwise(cuts)]
        extent, reader = Extent(cuts[0], cuts[-1] - 1), source.FileReader(connection)
        report = conclude(reader, join(results), extent, CheckpointHistory())
        connection.close()
        return report


def codes(report: Report) -> set[str]:
    return {str(finding.code) for finding in report.findings}


def sizes(quick: Iterable[tuple[int, ...]], slow: Iterable[tuple[int, ...]]) -> list[Any]:
    """What a fixture of chains of these sizes is made with; one in four by default, and the quick."""
    like = pytest.mark.matrix(each=4)
    marked = [(size, (like,)) for size in quick] + [(size, (like, pytest.mark.slow)) for size in slow]
    return [pytest.param(size, id="x".join(map(str, size)), marks=marks) for size, marks in marked]
