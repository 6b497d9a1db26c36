"""A live database says of its chains what a file of the same rows says, whoever writes to it meanwhile."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import BaseQuery

from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import COLUMNS, Code, Verdict
from app.services.chain.verify import live as reading
from app.services.chain.verify.live import BeingWritten, rows_to_read
from app.services.chain.verify.report import Report, Section
from app.services.chain.verify.scan import Job, Result, Stopped
from app.services.chain.verify.source import CannotVerify
from app.services.chain.verify.verification import Wish
from app.services.chain.where import InDatabase, InFile
from app.workers import scan_pool
from models.engine import Database, Rows
from models.errors import AnswerTooLong, Cancelled, NoAnswer, TableMissing
from models.progress import Monitor
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.test_differential import DAMAGES, NOTHING_LEFT, TENANTS, build
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.app.services.chain.verify.test_index import hide
from tests.conftest import NOW
from tests.fixtures.live import Live, LiveEngine
from tests.fixtures.plain_engine import PlainEngine

QUICK = 16
"""Of so many damages one is tried where there is little time."""

Engine = PlainEngine | LiveEngine
Opened = Callable[[Path], Engine]

ODD = {
    "number beyond 2^53": "UPDATE audit_chain SET seq = 9007199254740995 WHERE seq = 42",
    "the highest number": "UPDATE audit_chain SET seq = 9223372036854775807 WHERE seq = 42",
    "number below 1": "UPDATE audit_chain SET seq = -7 WHERE seq = 1",
    "time beyond 2^53": "UPDATE audit_chain SET created_at = 9007199254740993 WHERE seq = 9",
    "time that JSON rounds to another": "UPDATE audit_chain SET created_at = 9007199254740992 WHERE seq = 9",
    "infinity": "UPDATE audit_chain SET created_at = 9e999 WHERE seq = 9",
    "blob": "UPDATE audit_chain SET payload = x'00ff7b7d' WHERE seq = 9",
    "no UTF-8": "UPDATE audit_chain SET payload = CAST(x'22ff22' AS TEXT) WHERE seq = 9",
    "surrogate": "UPDATE audit_chain SET event_type = CAST(x'eda080' AS TEXT) WHERE seq = 9",
    "tenant of no UTF-8": "UPDATE audit_chain SET tenant_id = CAST(x'61ff' AS TEXT) WHERE seq IN (9, 12)",
    "tenant that was replaced": "UPDATE audit_chain SET tenant_id = char(65533) WHERE seq = 9",
    "NUL": "UPDATE audit_chain SET tenant_id = tenant_id || char(0) WHERE seq IN (9, 12)",
    "byte order mark": "UPDATE audit_chain SET tenant_id = char(65279) || tenant_id WHERE seq = 9",
    "number as a payload": "UPDATE audit_chain SET payload = CAST(payload AS BLOB) WHERE seq % 2",
    "long tenant": "UPDATE audit_chain SET tenant_id = hex(zeroblob(3000)) WHERE seq = 9",
    "long payload": "UPDATE audit_chain SET payload = '\"' || hex(zeroblob(300000)) || '\"' WHERE seq = 9",
    "counter": "UPDATE sqlite_sequence SET seq = 100",
    "no counter": "DELETE FROM sqlite_sequence",
    "no row": "DELETE FROM audit_chain",
}
"""Values that JSON does not carry, and what stands beside the table."""


class InThisThread:
    """Scans one range after the other in the calling thread."""

    most = 1

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, count: int) -> AbstractContextManager[None]:
        return nullcontext()

    def scan(self, jobs: Sequence[Job], *, small_rows: bool, watch: Callable[[int], bool]) -> list[Result]:
        with suppress(Stopped):
            return [reading.scan_range(self._database, job, watch) for job in jobs]
        raise Cancelled


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def opened(request: pytest.FixtureRequest) -> Opened:
    """A file as a live database, which it stays for who writes to its path."""
    if request.param == "plain":
        return PlainEngine
    live: Live = request.getfixturevalue("live")

    def put(path: Path) -> Engine:
        there = live.put(path)
        path.unlink()
        path.symlink_to(there)
        return live.open(there)

    return put


@pytest.fixture(scope="module")
def _refilled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """One live database with the entries of one file after the other: to make one takes long."""
    live: Live = request.getfixturevalue("live")
    there = live.put(ChainFile.build(tmp_path_factory.mktemp("filled") / "a.db", rows=0).path)

    def fill(path: Path) -> Engine:
        with closing(apsw.Connection(str(there))) as sql:
            sql.execute("ATTACH ? AS other", (str(path),))
            with sql:
                for table, names in (("audit_chain", ", ".join(COLUMNS)), ("sqlite_sequence", "name, seq")):
                    sql.execute(f"DELETE FROM main.{table}")
                    sql.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM other.{table}")
        return live.open(there)

    return fill


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def filled(request: pytest.FixtureRequest) -> Opened:
    """A live database that nobody else writes to, with the entries of a file."""
    found: Opened = PlainEngine if request.param == "plain" else request.getfixturevalue("_refilled")
    return found


def verify(engine: Engine, *, page: int = 7, **options: Any) -> Report:
    with engine.connection_context():
        wish = Wish(executor=InThisThread(engine), page=page, **{"now": NOW, **options})
        return reading.verify(engine, wish)


def same(report: Report) -> Report:
    """What it says, whatever it was read of, and however fast."""
    said = [
        (item, item.message.replace("in the database proves", "in the file proves"))
        for item in report.findings
    ]
    return replace(report, seconds=0.0, findings=tuple(item._replace(message=text) for item, text in said))


def alike(engine: Engine, path: Path, history: CheckpointHistory, number: int) -> None:
    """What both say: whole and sealed, by itself and held against checkpoints, of a tenant, and of ranges; of
    what every request takes long for, whole, and one of the others in turn.
    """
    asked: list[dict[str, Any]] = [{"seal": True, "checkpoints": history}, {"seal": True}]
    asked += [{"section": part} for part in (Section("acme"), Section(first=12), Section(last=30))]
    if isinstance(engine, LiveEngine):
        asked = [asked[0], asked[1 + (number + number // QUICK) % 4]]
    for options in asked:
        expected = scan_pool.verify(InFile(path), take_part=True, now=NOW, **options)
        with engine.connection_context():
            found = scan_pool.verify(InDatabase(engine), now=NOW, page=7, **options)
        assert same(found) == same(expected), options


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    ("number", "name"),
    [
        pytest.param(number, name, id=name, marks=[pytest.mark.slow] if number % QUICK else [])
        for number, name in enumerate(sorted(DAMAGES.keys() | ODD.keys()))
    ],
)
def test_it_finds_what_is_found_in_a_file(filled: Opened, tmp_path: Path, number: int, name: str) -> None:
    chain, rng = build(tmp_path / "a.db"), random.Random(name)
    known = KnownChain(chain, CheckpointStore(tmp_path / "home"))
    known.checkpoint()
    with suppress(*NOTHING_LEFT):
        if name in ODD:
            chain.run(ODD[name])
        else:
            DAMAGES[name](chain, rng, rng.choice(TENANTS))
    chain.sql.close()
    whole = Path(shutil.copy(chain.path, tmp_path / "whole.db"))
    alike(filled(chain.path), whole, known.store.known(InFile(whole)), number)


def test_an_index_that_hides_rows(opened: Opened, tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=2)
    hide(chain, "idx_audit_tenant", "seq NOT BETWEEN 10 AND 20")
    whole = Path(shutil.copy(chain.path, tmp_path / "whole.db"))
    report = verify(opened(chain.path))
    assert same(report) == same(scan_pool.verify(InFile(whole), take_part=True, now=NOW))
    assert codes(report) == {"INDEX"}


def test_what_is_no_chain_is_said(opened: Opened, tmp_path: Path) -> None:
    engine, chain = shared(opened, ChainFile.build(tmp_path / "a.db", rows=1))
    chain.run("ALTER TABLE audit_chain RENAME COLUMN payload TO body")
    with pytest.raises(CannotVerify, match=r"^production: the table audit_chain has no column payload"):
        verify(engine)
    chain.run("DROP TABLE audit_chain")
    with pytest.raises(TableMissing):
        verify(engine)


def test_what_it_costs_is_known_before(opened: Opened, tmp_path: Path) -> None:
    engine = opened(ChainFile.build(tmp_path / "a.db", rows=50, tenants=2).path)
    with engine.connection_context():
        assert rows_to_read(engine) == 300
        assert rows_to_read(engine, Section(first=81)) == 20
        engine.trusts_indexes = True
        assert rows_to_read(engine) == 100, "nobody but SQLite writes them"


def test_entries_far_apart_are_counted_before_they_are_announced(opened: Opened, tmp_path: Path) -> None:
    engine, chain = shared(opened, ChainFile.build(tmp_path / "a.db", rows=50, tenants=2))
    chain.run("UPDATE audit_chain SET seq = seq + 4000000 WHERE seq > 60")
    chain.run("CREATE TABLE room AS SELECT zeroblob(1000000)")
    engine.trusts_indexes = True
    with engine.connection_context():
        assert rows_to_read(engine) == 100
        assert rows_to_read(engine, Section(first=31)) == 70
        if engine.usage is not None:
            assert engine.usage.read < 400, "as many as there are, and the ends"


class Short(PlainEngine):
    """Its answers may not be long."""

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        found = super().read_batch(queries)
        if sum(len(cell) for rows in found for row in rows for cell in row if isinstance(cell, str)) > 9_000:
            raise AnswerTooLong(self.place)
        return found


class Changed(PlainEngine):
    """Gives the rows of the chain as `change` makes them."""

    change: Callable[[Rows], Rows]

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        found = super().read_batch(queries)
        is_page = len(found) == 2 and found[0] and len(found[0][0]) == 8
        return [type(self).change(found[0]), found[1]] if is_page else found


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[::-1],
        lambda rows: [rows[0], *rows],
        lambda rows: [(None, *row[1:]) for row in rows],
        lambda rows: [(str(10**30), *row[1:]) for row in rows],
        lambda rows: [(*row[:-2], None, row[-1]) for row in rows],
        lambda rows: [(*row[:-1], "many") for row in rows],
        lambda rows: [(*row[:-1], 10**30) for row in rows],
        lambda rows: [],
    ],
)
def test_a_page_of_another_form_is_no_answer_and_no_finding(
    tmp_path: Path, change: Callable[[Rows], Rows]
) -> None:
    kind = type("Changing", (Changed,), {"change": staticmethod(change)})
    with pytest.raises(NoAnswer, match="production did not answer as it should"):
        verify(kind(build(tmp_path / "a.db").path))


def test_pages_that_are_cut_are_read_on(tmp_path: Path) -> None:
    kind = type("Cutting", (Changed,), {"change": staticmethod(lambda rows: rows[:2])})
    path = build(tmp_path / "a.db").path
    assert verify(kind(path)).to_json()["verdict"] == verify(PlainEngine(path)).to_json()["verdict"]


def test_a_page_that_lacks_the_last_row_does_not_make_the_chain_shorter(tmp_path: Path) -> None:
    kind = type("Changing", (Changed,), {"change": staticmethod(lambda rows: rows[:-1])})
    with pytest.raises(NoAnswer, match="none of the rows that are there"):
        verify(kind(build(tmp_path / "a.db").path))


def test_long_rows_are_read_in_shorter_pages(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=40)
    for _ in range(5):
        chain.append("tenant-00", payload='{"of":"' + "x" * 2_500 + '"}')
    chain.append("tenant-00")
    engine = Short(chain.path)
    report = verify(engine)
    assert (report.verdict, report.entries) == (Verdict.CONSISTENT, 46)
    chain.run("UPDATE audit_chain SET event_type = hex(zeroblob(2000)), payload = hex(zeroblob(2000))")
    chain.run("UPDATE audit_chain SET tenant_id = hex(zeroblob(2000))")
    with pytest.raises(AnswerTooLong, match="longer than this program takes"):
        verify(engine)


def test_it_stops_when_it_is_told_to(opened: Opened, tmp_path: Path) -> None:
    engine, asked = opened(ChainFile.build(tmp_path / "a.db", rows=100).path), 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        verify(engine, monitor=Monitor(cancelled=cancelled))
    with engine.connection_context(), pytest.raises(Cancelled):
        scan_pool.verify(InDatabase(engine), now=NOW, page=1, monitor=Monitor(cancelled=lambda: True))


# Nothing is a snapshot over several requests: an act of somebody else falls before each of them in turn.

Act = Callable[[ChainFile], object]


def shared(opened: Opened, chain: ChainFile) -> tuple[Engine, ChainFile]:
    """The file as a live database, and how somebody else writes to it."""
    chain.sql.close()
    engine = opened(chain.path)
    return engine, ChainFile(chain.path)


def requests_of(engine: Engine) -> int:
    engine.requests = 0
    assert verify(engine).intact
    return engine.requests


def at_each(opened: Opened, tmp_path: Path, act: Act, **options: Any) -> Iterator[tuple[Engine, Report]]:
    """What is said where the act falls before the first request, the second, and so on."""
    whole = ChainFile.build(tmp_path / "whole.db", rows=20, tenants=3)
    whole.sql.close()
    count = requests_of(opened(Path(shutil.copy(whole.path, tmp_path / "quiet.db"))))
    assert count > 9
    for number in range(count):
        path = Path(shutil.copy(whole.path, tmp_path / f"{number}.db"))
        engine = opened(path)
        chain = ChainFile(path)
        engine.before_read = [*([lambda: None] * number), partial(act, chain)]
        yield engine, verify(engine, **options)
        assert not engine.before_read
        chain.sql.close()


@pytest.mark.slow
def test_a_writer_who_appends(tmp_path: Path) -> None:
    def act(chain: ChainFile) -> None:
        for tenant in ("tenant-00", "tenant-02", "newcomer"):
            chain.append(tenant, at=NOW)

    for _, report in at_each(PlainEngine, tmp_path, act, seal=True):
        assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
        assert report.seal is not None and report.seal.through in (60, 63)


def prune(chain: ChainFile, tenant: str, entries: int) -> None:
    with chain.sql:
        chain.prune(tenant, chain.seqs(tenant)[entries - 1])


def pruned(opened: Opened, tmp_path: Path, entries: int) -> None:
    def act(chain: ChainFile) -> None:
        prune(chain, "tenant-00", entries)
        prune(chain, "tenant-01", entries)

    for _, report in at_each(opened, tmp_path, act):
        assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())


@pytest.mark.slow
def test_retention(opened: Opened, tmp_path: Path) -> None:
    pruned(opened, tmp_path, 7)


@pytest.mark.slow
@pytest.mark.parametrize("entries", [1, 19])
def test_retention_of_more_or_less(tmp_path: Path, entries: int) -> None:
    pruned(PlainEngine, tmp_path, entries)


@pytest.mark.slow
def test_the_platforms_own_cleanup(tmp_path: Path) -> None:
    def act(chain: ChainFile) -> None:
        chain.run("DELETE FROM audit_chain WHERE seq <= 25")

    for _, report in at_each(PlainEngine, tmp_path, act):
        assert codes(report) <= {"UNPROVEN_START"}


def test_entries_of_which_some_are_read_by_their_bytes_and_are_gone_by_then(
    opened: Opened, tmp_path: Path
) -> None:
    long = json.dumps("x" * 5_000)
    chain = ChainFile(tmp_path / "a.db")
    for _ in range(30):
        chain.append("acme", payload=long)
    engine, chain = shared(opened, chain)
    count = requests_of(engine)
    for _ in range(6):
        engine.before_read = [*([lambda: None] * (count - 5)), lambda: prune(chain, "acme", 2)]
        report = verify(engine)
        assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())


def test_damage_beside_writers_is_found_all_the_same(opened: Opened, tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=20, tenants=3)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 50")
    engine, chain = shared(opened, chain)
    engine.before_read = [lambda: chain.append("tenant-00", at=NOW)] * 200
    report = verify(engine)
    assert (report.verdict, codes(report)) == (Verdict.TAMPERED, {"HASH"})
    engine.before_read = [lambda: None] * 8
    engine.before_read += [lambda: prune(chain, "tenant-01", 1), *[lambda: None] * 3] * 2
    report = verify(engine)
    assert (report.verdict, codes(report)) == (Verdict.TAMPERED, {"HASH"})


def test_what_never_comes_to_rest_is_said(opened: Opened, tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=200)
    chain.run("DELETE FROM audit_chain WHERE seq = 150")
    engine, chain = shared(opened, chain)
    engine.before_read = [lambda: prune(chain, "tenant-00", 1)] * 150
    with pytest.raises(BeingWritten, match=r"^production is being written: .*verify again.$"):
        verify(engine, page=50)


@pytest.mark.parametrize("number", range(9))
def test_an_entry_that_came_while_a_page_was_waited_for_is_not_in_the_future(
    tmp_path: Path, number: int
) -> None:
    """Neither one that was there at the start, nor one that is read again with what changed."""
    chain, now = ChainFile.build(tmp_path / "a.db", rows=30, tenants=3), NOW
    chain.append("tenant-02", previous="0" * 64)  # so that what changed is read again
    engine = PlainEngine(chain.path)

    def wait() -> None:
        nonlocal now
        now += 400
        chain.append("tenant-00", at=now)
        chain.append("tenant-00", at=now, previous="0" * 64, seq=10_000)

    def clock() -> int:
        return now

    engine.before_read = [*([lambda: None] * number), wait]
    report = verify(engine, now=clock, page=20)
    assert Code.TIME not in {found.code for found in report.findings}
    engine.before_read.clear()
    chain.append("tenant-01", at=now + 100)
    assert Code.TIME in {found.code for found in verify(engine, now=clock, page=20).findings}
