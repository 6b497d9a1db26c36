"""Checkpoints of a live database: which one it is, an older state of it, and files that were made of it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from peewee import BaseQuery

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.gone import is_gone
from app.services.chain.checkpoints.making import SignedReport
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.evidence import write_bundle
from app.services.chain.headlines import headline
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import EVERYTHING, Report, Section
from app.services.chain.where import InDatabase, InFile, Where
from models.engine import Rows, Usage, identity_of, read_at_most
from models.errors import MuchToRead
from tests.app.services.chain.test_evidence import recheck
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.live import Live, LiveEngine
from tests.fixtures.plain_engine import PlainEngine

Engine = PlainEngine | LiveEngine
Put = Callable[[Path], tuple[Engine, ChainFile]]


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def put(request: pytest.FixtureRequest) -> Iterator[Put]:
    """A copy of a file as a live database, and how somebody else writes to it."""
    with ExitStack() as stack:

        def put(path: Path) -> tuple[Engine, ChainFile]:
            engine: Engine
            if request.param == "plain":
                there = Path(shutil.copy(path, path.with_suffix(".live")))
                engine = PlainEngine(there)
                engine.usage = Usage()
            else:
                live: Live = request.getfixturevalue("live")
                there = live.put(path)
                engine = live.open(there)
            stack.enter_context(engine.connection_context())
            return engine, ChainFile(there)

        yield put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    chain = ChainFile.build(tmp_path / "a.db", rows=30, tenants=3)
    chain.sql.close()
    return chain.path


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "home")


def sign(where: Where, store: CheckpointStore, reason: Reason = Reason.REQUEST) -> SignedReport:
    return making.verify_and_sign(where, store, VERIFY, now=NOW, reason=reason, by="ops")


def verify(where: Where, store: CheckpointStore) -> Report:
    return making.verify_with_checkpoints(where, store, VERIFY, now=NOW)


@pytest.mark.parametrize("others", [0, 300])
def test_of_many_tenants_no_more_is_read_than_is_said(
    put: Put, store: CheckpointStore, tmp_path: Path, others: int
) -> None:
    """Those of files that are known are looked for as well: it may be a copy of one."""
    other = ChainFile.encoded(tmp_path / "other.db", "UTF-8")
    for number in range(others):
        other.append(f"other-{number}", payload='{"id":"y"}')
    other.sql.close()
    sign(InFile(other.path), store)
    chain = ChainFile.build(tmp_path / "many.db", rows=2, tenants=200)
    chain.sql.close()
    engine, _ = put(chain.path)
    engine.trusts_indexes, where = True, InDatabase(engine)
    assert engine.usage is not None
    most, before = making.most_to_read(where, store, EVERYTHING), engine.usage.read
    assert sign(where, store).checkpoint is not None
    read = engine.usage.read - before
    assert read <= most < 2_500 + 6 * others
    if isinstance(engine, LiveEngine):
        assert read > 1_000 + 4 * others, "what each tenant's ends are looked up for counts"


@pytest.mark.parametrize("pruned", [False, True])
def test_between_two_checkpoints_it_is_an_earlier_state(
    put: Put, path: Path, store: CheckpointStore, pruned: bool
) -> None:
    engine, chain = put(path)
    assert since(engine, store).report.stands
    assert sign(InDatabase(engine), store).checkpoint == 1
    for tenant in ("tenant-00", "tenant-01", "tenant-00", "tenant-new"):
        chain.append(tenant)
    there = chain.sql.execute("SELECT * FROM audit_chain").fetchall()
    if pruned:
        chain.prune("tenant-00", chain.seqs("tenant-00")[9])
    assert sign(InDatabase(engine), store).checkpoint == 2
    columns = "(?, ?, ?, ?, ?, ?, ?)"
    chain.run("DELETE FROM audit_chain")
    chain.sql.executemany(f"INSERT INTO audit_chain VALUES {columns}", there)
    go_back(chain, 91)
    for report in (verify(InDatabase(engine), store), since(engine, store).report):
        assert (report.verdict, codes(report)) == (Verdict.EARLIER, {"EARLIER"}), report.findings
        assert (report.earlier, report.later, report.not_covered) == (1, 2, 1)
    assert sign(InDatabase(engine), store).checkpoint is None
    chain.append("tenant-02", at=NOW + 1)
    report = verify(InDatabase(engine), store)
    assert report.verdict is Verdict.TAMPERED and "TRUNCATED" in codes(report), "which was written since"


def go_back(chain: ChainFile, seq: int) -> None:
    """What Time Travel leaves: everything as it was, the counter too."""
    chain.run("DELETE FROM audit_chain WHERE seq > ?", seq)
    chain.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_chain'", seq)


@pytest.mark.parametrize("file_first", [True, False])
def test_a_file_and_the_same_one_through_its_own_server_are_no_copies_of_each_other(
    path: Path, store: CheckpointStore, *, file_first: bool
) -> None:
    engine = PlainEngine(path)
    engine.identity = identity_of(InFile(path).location[0], "id")
    file, served = InFile(path), InDatabase(engine)
    first, then = (file, served) if file_first else (served, file)
    with engine.connection_context():
        sign(first, store)
        assert store.known(then).doubts == ()
        engine.identity = identity_of("/elsewhere/a.db", "id")
        assert bool(store.known(served).doubts) is file_first


@pytest.mark.slow
def test_it_continues_what_was_seen_last_or_is_an_earlier_state_of_it(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    assert not store.continuation(InDatabase(engine)).known
    assert sign(InDatabase(engine), store).checkpoint == 1
    chain.append("tenant-00")
    chain.append("tenant-01")
    found = store.continuation(InDatabase(engine))
    assert (found.continues, found.checkpoint, found.new_entries) == (True, 1, 2)
    report = verify(InDatabase(engine), store)
    assert (report.verdict, report.not_covered) == (Verdict.VERIFIED, 2)
    assert sign(InDatabase(engine), store).checkpoint == 2
    go_back(chain, 90)
    assert store.continuation(InDatabase(engine)).is_older
    report = verify(InDatabase(engine), store)
    assert (report.verdict, codes(report), report.earlier) == (Verdict.EARLIER, {"EARLIER"}, 1)
    assert sign(InDatabase(engine), store).checkpoint is None
    go_back(chain, 80)
    report = verify(InDatabase(engine), store)
    assert (report.verdict, codes(report)) == (Verdict.TAMPERED, {"TRUNCATED"}), "before the first"
    assert sign(InDatabase(engine), store, Reason.START_OVER).checkpoint == 3
    assert verify(InDatabase(engine), store).verdict is Verdict.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["rewritten", "cut", "pruned"])
def test_whether_it_continues_takes_few_requests_however_many_tenants_it_has(
    put: Put, tmp_path: Path, store: CheckpointStore, damage: str
) -> None:
    path = ChainFile.build(tmp_path / "a.db", rows=10, tenants=12).path
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    for tenant in [f"tenant-{number:02}" for number in range(12)]:
        chain.append(tenant)
    sign(InDatabase(engine), store)
    if damage == "rewritten":
        chain.run("UPDATE audit_chain SET hash = upper(hash)")
    elif damage == "cut":
        go_back(chain, 120)
    else:
        for tenant in [f"tenant-{number:02}" for number in range(12)]:
            chain.prune(tenant, chain.seqs(tenant)[-1])
    before = engine.requests
    found = store.continuation(InDatabase(engine))
    assert (len(found.divergences), found.is_older) == {
        "rewritten": (12, False),
        "cut": (12, True),
        "pruned": (0, False),
    }[damage]
    assert engine.requests - before <= 8


@pytest.mark.slow
def test_a_file_made_of_it_is_the_same_database_and_the_other_way_round(
    put: Put, path: Path, store: CheckpointStore, tmp_path: Path
) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    exported = Path(shutil.copy(path, tmp_path / "imported.db"))
    assert store.identify(InFile(exported)) == store.identify(InDatabase(engine))
    assert store.continuation(InFile(exported)).continues
    assert verify(InFile(exported), store).verdict is Verdict.VERIFIED
    chain.append("tenant-00")
    assert sign(InDatabase(engine), store).checkpoint == 2
    assert store.continuation(InFile(exported)).is_older
    ChainFile(exported).append("tenant-00", payload='{"of":"the file"}')
    assert verify(InFile(exported), store).verdict is Verdict.TAMPERED
    assert sign(InFile(exported), store, Reason.ANOTHER_DATABASE).checkpoint == 1
    for where, number in ((InDatabase(engine), 2), (InFile(exported), 1)):
        assert verify(where, store).verdict is Verdict.VERIFIED
        assert store.checkpoints(where)[-1].number == number
    away = CheckpointStore(tmp_path / "another home")
    sign(InFile(exported), away)
    assert away.identify(InDatabase(engine)) == away.identify(InFile(exported))


def test_it_is_known_by_account_and_id_where_no_entry_tells(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    chain.run("UPDATE audit_chain SET payload = '{}'")
    for tenant in ("tenant-00", "tenant-01", "tenant-02"):
        chain.rehash(tenant)
    assert verify(InDatabase(engine), store).verdict is Verdict.TAMPERED
    assert engine.identity.startswith("d1:")
    engine.identity = "d1:another/one"
    assert verify(InDatabase(engine), store).verdict is Verdict.CONSISTENT


def test_a_copy_under_another_id_is_not_said_to_be_the_same(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    original, _ = put(path)
    sign(InDatabase(original), store)
    copy, _ = put(Path(shutil.copy(path, path.with_name("copy.db"))))
    copy.identity = f"{original.identity}-2"
    said = f"These are the entries of the database that was seen in {original.identity}, and this is"
    assert any(note.startswith(said) for note in verify(InDatabase(copy), store).notes)
    sign(InDatabase(copy), store)
    for one in (copy, original):
        report = verify(InDatabase(one), store)
        assert report.verdict is Verdict.VERIFIED and not any(
            "another database" in note for note in report.notes
        )


def test_what_the_last_verification_said_is_kept(put: Put, path: Path, store: CheckpointStore) -> None:
    engine, _ = put(path)
    assert store.verdicts.last(InDatabase(engine)) is None
    sign(InDatabase(engine), store)
    said = store.verdicts.last(InDatabase(engine))
    assert said is not None and (said.verdict, said.entries) == (Verdict.VERIFIED, 90)
    assert store.verdicts.last(InFile(path)) is None


def test_the_store_alone_tells_what_the_newest_checkpoint_knows(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    assert store.known_through(where) == 0
    for _ in range(2):
        chain.append("tenant-00", at=NOW)
        sign(where, store)
        engine.requests = 0
        assert store.known_through(where) == chain.seqs()[-1] and not engine.requests


def since(engine: Engine, store: CheckpointStore, **options: Any) -> making.SignedReport:
    """As a live database is verified where nobody asks for the whole."""
    return making.verify_by_itself(
        InDatabase(engine), store, VERIFY, now=NOW + 10**7, by="ops", sign=False, **options
    )


def test_it_is_verified_from_the_last_checkpoint_on(put: Put, path: Path, store: CheckpointStore) -> None:
    engine, chain = put(path)
    assert since(engine, store).since is None
    sign(InDatabase(engine), store)
    for _ in range(5):
        chain.append("tenant-00", at=NOW)
    chain.append("newcomer", at=NOW)
    engine.requests = 0
    found = since(engine, store)
    assert found.since is not None and (found.since.number, found.report.entries) == (1, 6)
    assert found.report.verdict is Verdict.CONSISTENT
    assert engine.requests <= 7
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 93")
    found = since(engine, store)
    assert (found.since, codes(found.report)) == (None, {"HASH"})


def test_an_end_behind_the_checkpoint_that_is_gone_is_told_until_somebody_accepts_that(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    for _ in range(5):
        chain.append("tenant-00", at=NOW)
    assert since(engine, store).report.stands
    go_back(chain, chain.seqs("tenant-00")[-3])
    for _ in range(2):
        found = since(engine, store)
        assert found.since is not None and found.report.lost_end is not None and found.report.intact
        assert found.report.lost_end.through - found.report.lost_end.ends_at == 2
    for _ in range(4):
        chain.append("tenant-00", at=NOW + 1)
    assert since(engine, store).report.lost_end is not None, "its numbers are others'"
    assert since(engine, store, accepts_end=True).report.stands and since(engine, store).report.stands


def test_a_return_in_time_amid_a_verification_shows_in_it(path: Path, tmp_path: Path) -> None:
    """Whenever it comes; to where no checkpoint was made."""

    def verified(number: int | None) -> tuple[Verdict, int]:
        there = Path(shutil.copy(path, tmp_path / f"{number}.live"))
        engine, store = PlainEngine(there), CheckpointStore(tmp_path / f"home {number}")
        engine.usage = Usage()
        with engine.connection_context():
            where, chain = InDatabase(engine), ChainFile(there)
            assert sign(where, store).checkpoint == 1
            before = engine.requests
            if number is not None:
                engine.before_read = [*([lambda: None] * number), partial(go_back, chain, 20)]
            report = making.verify_by_itself(where, store, VERIFY, now=NOW, by="ops", sign=False).report
            return report.verdict, engine.requests - before

    verdict, requests = verified(None)
    assert (verdict, requests) == ("CONSISTENT", 4)
    assert {verified(number)[0] for number in range(requests)} == {"TAMPERED"}


def test_an_entry_before_the_checkpoint_that_is_gone_shows_in_the_whole(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    chain.append("tenant-00", at=NOW)
    chain.run("DELETE FROM audit_chain WHERE seq = 40")
    assert since(engine, store).report.intact
    assert verify(InDatabase(engine), store).verdict is Verdict.TAMPERED
    last = chain.one("SELECT max(seq) FROM audit_chain WHERE tenant_id = 'tenant-01'")[0]
    chain.run("DELETE FROM audit_chain WHERE seq = ?", last)
    assert since(engine, store).since is None


def test_more_than_was_agreed_to_is_not_read(path: Path, store: CheckpointStore) -> None:
    engine, told = PlainEngine(path), list[int]()
    engine.usage = Usage()

    def before(section: Section) -> None:
        told.append(making.to_read(InDatabase(engine), section))
        read_at_most(10, told[-1], engine.place)

    with engine.connection_context():
        with pytest.raises(MuchToRead, match="about 270 rows of production are read, and charged"):
            since(engine, store, before=before)
        sign(InDatabase(engine), store)
        chain = ChainFile(path)
        chain.append("tenant-00", at=NOW)
        assert since(engine, store, before=before).since is not None
        chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 91")
        with pytest.raises(MuchToRead) as much:
            since(engine, store, before=before)
    assert told == [270, 1, 1, 273]
    assert much.value.rows == 273


class Counted(PlainEngine):
    """Says which of its reads are of the whole table, and which of single entries."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.whole: list[str] = []
        self.single: list[object] = []

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        asked = [query.sql() for query in queries]
        self.whole += [sql for sql, _ in asked if "NOT INDEXED" in sql]
        self.single += [value for sql, values in asked if '."seq" IN' in sql for value in values]
        return super().read_batch(queries)


def test_where_rows_are_charged_no_table_is_read_to_tell_what_it_is(
    path: Path, store: CheckpointStore, tmp_path: Path
) -> None:
    other = ChainFile.build(tmp_path / "other.db", rows=3, tenants=2)
    sign(InFile(other.path), store)
    engine = Counted(path)
    engine.usage = Usage()
    with engine.connection_context():
        assert store.identify(InDatabase(engine)) is None
        assert not engine.whole
        sign(InDatabase(engine), store)
        engine.whole.clear()
        known = store.identify(InDatabase(engine))
        chain = ChainFile(path)
        for tenant in ("tenant-00", "tenant-01", "tenant-02"):
            chain.append(tenant, at=NOW)
            chain.prune(tenant, chain.seqs(tenant)[-1])
            chain.append(tenant, at=NOW)
            chain.prune(tenant, chain.seqs(tenant)[-1])
        assert store.identify(InDatabase(engine)) == known
        engine.single.clear()
        assert store.continuation(InDatabase(engine)).known
        assert len(engine.single) == len(set(engine.single)) > 0
        assert not engine.whole


def test_beside_retention(put: Put, path: Path, store: CheckpointStore) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    chain.prune("tenant-00", chain.seqs("tenant-00")[-1])
    for _ in range(3):
        chain.append("tenant-00", at=NOW)
    assert since(engine, store).report.intact
    assert verify(InDatabase(engine), store).verdict is Verdict.VERIFIED
    attempt = making.try_to_sign(
        InDatabase(engine), store, VERIFY, clock=lambda: NOW, reason=Reason.RETENTION
    )
    assert (attempt.failure, attempt.why_not, attempt.held) == (None, None, {})
    assert len(store.checkpoints(InDatabase(engine))) == 2


@pytest.mark.slow
def test_a_bundle_of_it_can_be_checked_anywhere(
    put: Put, path: Path, store: CheckpointStore, tmp_path: Path
) -> None:
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    bundle = tmp_path / "bundle"
    report = verify(InDatabase(engine), store)
    write_bundle(
        InDatabase(engine), report, bundle, checkpoints=store.checkpoints(InDatabase(engine)), now=NOW
    )
    assert recheck(bundle)[0] == 3, "nobody vouches for the key"
    export = tmp_path / "export.json"
    assert store.export(InDatabase(engine), export) == 1
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 93")
    elsewhere = CheckpointStore(tmp_path / "elsewhere")
    assert elsewhere.import_(export, now=NOW, where=InDatabase(engine)) == 1
    assert elsewhere.identify(InDatabase(engine)) == store.identify(InDatabase(engine))


@pytest.mark.parametrize("signed", [True, False])
def test_a_table_that_is_gone_has_lost_all_that_was_known(
    path: Path, put: Put, store: CheckpointStore, *, signed: bool
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    by_itself = partial(
        making.verify_by_itself, where, store, VERIFY, now=NOW, by="ops", sign=False, before=lambda _: None
    )
    if signed:
        assert sign(where, store).checkpoint == 1
    assert by_itself().report.stands
    chain.run("DROP TABLE audit_chain")
    assert making.most_to_read(where, store, EVERYTHING) == 0
    found = [by_itself().report, *([verify(where, store)] if signed else [])]
    for report in found:
        assert report.lacks_table and not report.stands
        assert [one.code for one in report.findings] == ["TRUNCATED"] * (3 if signed else 0)
        assert (report.lost_end is None) is signed
        assert headline(report) == "Audit chain gone"
    alone = making.verify_with_checkpoints(
        where, store, VERIFY, now=NOW, section=Section("tenant-00"), by="ops"
    )
    assert not alone.stands and headline(alone) == "Audit chain gone" and is_gone(where, store)
    last = store.verdicts.last(where)
    assert last is not None and headline(last) == "Audit chain gone"
    if signed:
        assert sign(where, store, Reason.START_OVER).checkpoint == 2
    else:
        assert by_itself(accepts_end=True).report.stands
    for report in (by_itself().report, verify(where, store)):
        assert report.stands and report.lacks_table and headline(report) == "No audit chain"
    assert not is_gone(where, store)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("whose", ["tenant-00", "tenant-01"])
def test_other_entries_in_the_numbers_of_a_lost_end_do_not_hide_that(
    put: Put, path: Path, store: CheckpointStore, whose: str, *, whole: bool
) -> None:
    """The chain is as long as before, or longer. It costs no more requests from a checkpoint on."""
    engine, chain = put(path)
    sign(InDatabase(engine), store)
    for _ in range(2):
        chain.append("tenant-00", at=NOW)
    assert since(engine, store).report.stands
    requests = []
    for _ in range(2):
        engine.requests = 0
        assert since(engine, store).report.stands
        requests.append(engine.requests)
        chain.append("tenant-02", at=NOW)
    assert requests[0] == requests[1], "with something new, too"
    assert since(engine, store).report.stands
    go_back(chain, 90)
    for _ in range(4):
        chain.append(whose, at=NOW + 1)
    if whole:
        report = making.verify_with_checkpoints(InDatabase(engine), store, VERIFY, now=NOW + 2, by="ops")
    else:
        engine.requests = 0
        report = since(engine, store).report
    assert report.intact and report.lost_end is not None and report.lost_end.ends_at == 94
    assert "that entry is not there as it was" in report.lost_end.said
    assert sign(InDatabase(engine), store).checkpoint is None
    chain.append(whose, at=NOW + 2)
    assert not since(engine, store).report.stands
    assert since(engine, store, accepts_end=True).report.stands and since(engine, store).report.stands


@pytest.mark.parametrize("known", [False, True])
def test_a_tenant_alone_hears_that_its_own_end_was_lost_or_that_of_the_whole(
    put: Put, path: Path, store: CheckpointStore, *, known: bool
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    sign(where, store)
    for _ in range(2):
        chain.append("tenant-01", at=NOW)
    assert since(engine, store).report.stands
    go_back(chain, 90)
    for _ in range(3):
        chain.append("tenant-00", at=NOW + 1)
    if known:
        assert not since(engine, store).report.stands

    def alone(section: Section) -> Report:
        assert engine.usage is not None
        most, before = making.most_to_read(where, store, section), engine.usage.read
        report = making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ops", section=section)
        assert report.intact and (section.is_range or engine.usage.read - before <= most)
        return report

    for _ in range(2):
        other = alone(Section("tenant-00"))
        assert other.stands and "The end of another tenant's chain is lost" in other.notes[-1]
        own = alone(Section("tenant-01"))
        assert own.lost_end is not None and (own.lost_end.through, own.lost_end.ends_at) == (92, 93)
        assert own.notes[-1] == own.lost_end.said and "too)" not in own.lost_end.said
    assert not alone(Section(first=92)).stands and alone(Section("tenant-01", last=20)).stands
    assert not since(engine, store).report.stands and since(engine, store, accepts_end=True).report.stands
    assert alone(Section("tenant-01")).stands and not alone(Section("tenant-00")).notes


def test_each_end_that_is_gone_is_named_with_its_number_and_tenant(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    sign(where, store)
    for name in ("tenant-01", "tenant-02", "tenant-00"):
        chain.append(name, at=NOW)
    assert since(engine, store).report.stands
    chain.run("DELETE FROM audit_chain WHERE seq IN (91, 92)")
    for accepts in (False, True):
        report = since(engine, store, accepts_end=accepts).report
        end = report.accepted_end if accepts else report.lost_end
        assert end is not None and end.known == "verified through entry 92 of tenant-02"
        assert "(entry 91, the last one known of tenant-01, is gone, too)" in report.notes[-1]
        told = [(one["seq"], one["tenant"]) for one in end.to_json()["entries"]]
        assert told == [(91, "tenant-01"), (92, "tenant-02")]


@pytest.mark.parametrize("is_free", [True, False])
def test_an_end_that_was_pruned_is_missed_only_where_another_had_its_number_before(
    put: Put, path: Path, store: CheckpointStore, *, is_free: bool
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    chain.append("mine", at=NOW - 90)
    verify = partial(making.verify_with_checkpoints, where, store, VERIFY, now=NOW, by="ops")
    assert verify().stands
    chain.append("mine", at=NOW - 80)
    chain.append("mine", at=NOW - 70)
    if is_free:
        chain.prune("mine", chain.seqs("mine")[-2], at=NOW - 60)
    else:
        chain.run("DELETE FROM audit_chain WHERE seq = 91")
        chain.rehash("mine", after=0)
    chain.append("blue", at=NOW - 50)
    chain.run("UPDATE audit_chain SET seq = 91 WHERE tenant_id = 'blue'")
    if not is_free:
        chain.prune("mine", chain.seqs("mine")[-2], at=NOW - 40)
    chain.run("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    opened = lost_ends.lost_end_of(where, store, store.verdicts.last(where))
    assert (opened is None) is is_free
    assert verify().stands is is_free and not verify().findings


def test_what_a_tenant_alone_has_shown_is_shown_of_the_whole(
    put: Put, path: Path, store: CheckpointStore
) -> None:
    engine, chain = put(path)
    where = InDatabase(engine)
    sign(where, store)
    for _ in range(3):
        chain.append("tenant-01", at=NOW)
    chain.append("tenant-00", at=NOW)
    assert since(engine, store).report.stands
    alone = partial(making.verify_with_checkpoints, where, store, VERIFY, now=NOW, by="ops")
    for gone in ("92, 93", "91"):
        chain.run(f"DELETE FROM audit_chain WHERE seq IN ({gone})")
        report = alone(section=Section("tenant-01"))
        assert report.lost_end is not None
    assert "(more of tenant-01 went since, through entry 91)" in report.notes[-1]
    assert since(engine, store, accepts_end=lost_ends.shown_end(where, store) or False).report.stands


@pytest.mark.wrangler
def test_an_older_state_is_read_no_oftener_than_it_takes(
    live: Live, store: CheckpointStore, tmp_path: Path
) -> None:
    """Twice where nothing contradicts: it is counted again, as others may have written meanwhile."""
    there = live.put(ChainFile.build(tmp_path / "a.db", rows=400, tenants=5).path)
    engine, chain = live.open(there), ChainFile(there)
    engine.trusts_indexes = True
    with engine.connection_context():
        assert sign(InDatabase(engine), store).checkpoint == 1
        for number in range(10):
            chain.append(f"tenant-0{number % 5}", at=NOW)
        assert sign(InDatabase(engine), store).checkpoint == 2
        for end, verdict, most in ((2_003, Verdict.EARLIER, 2), (1_990, Verdict.TAMPERED, 3)):
            go_back(chain, end)
            assert engine.usage is not None
            before = engine.usage.read
            assert verify(InDatabase(engine), store).verdict is verdict
            assert engine.usage.read - before < most * 2_000 + 400


@pytest.mark.wrangler
@pytest.mark.parametrize("tenants", [1, 5, 40])
def test_of_an_older_state_no_more_is_read_than_is_said(
    live: Live, store: CheckpointStore, tmp_path: Path, tenants: int
) -> None:
    """As soon as it was known that there were more entries: none are looked for to tell it."""
    there = live.put(ChainFile.build(tmp_path / "a.db", rows=2_000 // tenants, tenants=tenants).path)
    engine, chain = live.open(there), ChainFile(there)
    engine.trusts_indexes, where = True, InDatabase(engine)
    assert engine.usage is not None
    with engine.connection_context():
        assert sign(where, store).checkpoint == 1
        for number in range(40):
            chain.append(f"tenant-0{number % min(tenants, 10)}", at=NOW)
        assert sign(where, store).checkpoint == 2
        for number in range(40):
            chain.append(f"tenant-0{number % min(tenants, 10)}", at=NOW)
        assert since(engine, store).report.stands
        for end in (2_060, 2_020, 1_990):
            go_back(chain, end)
            for section in (EVERYTHING, Section("tenant-00")):
                most, before = making.most_to_read(where, store, section), engine.usage.read
                report = making.verify_with_checkpoints(where, store, VERIFY, now=NOW, section=section)
                read = engine.usage.read - before
                assert report.ends_before or report.intact or report.verdict is Verdict.EARLIER
                assert read <= most
                assert read > 0.6 * most or section.tenant


class Waits:
    """A clock that stands still but where a call is waited for, in which somebody else appends an entry."""

    def __init__(self, path: Path, number: int) -> None:
        self.now, self.engine = NOW, PlainEngine(path)
        self.engine.usage = Usage()
        self.engine.before_read = [*([lambda: None] * number), partial(self._wait, path)]

    def __call__(self) -> int:
        return self.now

    def _wait(self, path: Path) -> None:
        self.now += 400
        chain = ChainFile(path)
        with closing(chain.sql):
            chain.append("tenant-00", at=self.now)


@pytest.mark.parametrize("number", range(8))
def test_what_was_waited_for_is_judged_by_the_clock_when_it_was_read(
    path: Path, store: CheckpointStore, number: int
) -> None:
    """Whichever call had to wait; and what was waited for at first is dated by then, too."""
    acts: list[Callable[..., Report | SignedReport]] = [
        partial(making.verify_by_itself, sign=False),
        making.verify_with_checkpoints,
        partial(making.verify_and_sign, reason=Reason.REQUEST),
    ]
    for position, act in enumerate(acts):
        clock = Waits(Path(shutil.copy(path, path.with_name(f"{position}.live"))), number)
        where = InDatabase(clock.engine)
        with clock.engine.connection_context():
            found = act(where, store, VERIFY, now=clock, by="ops")
        report = found.report if isinstance(found, SignedReport) else found
        assert report.stands and not report.findings, (position, report.findings)
        last = store.verdicts.last(where)
        assert last is not None
        if number == 0:
            assert last.at == clock.now == NOW + 400
