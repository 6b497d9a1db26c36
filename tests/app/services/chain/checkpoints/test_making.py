from pathlib import Path
from types import SimpleNamespace
from typing import Any, Unpack

import apsw
import pytest

from app.services.chain.archives import ANCHOR, ArchiveUnusable
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import SAY_SO, START_OVER, Code, Verdict
from app.services.chain.verify.report import Report, Section
from app.services.chain.verify.verification import Options
from app.services.chain.where import InFile, Where
from app.services.files.opening import open_database
from app.services.keyring import KeyringUnavailable
from app.services.tenants.erasing import erase
from app.workers import scan_pool
from models.errors import Cancelled
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.archived import archive, cut
from tests.fixtures.checkpoints import VERIFY, kept, sign, try_to_sign
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.connected import execute
from tests.fixtures.keyrings import MemoryKeyring
from tests.fixtures.sample import sample


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=300)


@pytest.mark.slow
def test_a_file_without_a_checkpoint_is_consistent_and_then_verified(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert verify_known(demo, folder, now=NOW).verdict is Verdict.CONSISTENT
    assert not folder.exists()
    made = sign(demo, folder, now=NOW)
    assert (made.checkpoint, made.report.verdict) == (1, Verdict.CONSISTENT)
    report = verify_known(demo, folder, now=NOW)
    assert (report.verdict, report.not_covered) == (Verdict.VERIFIED, 0)


def test_what_was_cut_off_is_found_and_nothing_is_signed(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    sign(demo, folder, now=NOW)
    apsw.Connection(str(demo)).execute(
        "DELETE FROM audit_chain WHERE seq > 290;"
        "UPDATE sqlite_sequence SET seq = 290 WHERE name = 'audit_chain'"
    )
    found = sign(demo, folder, now=NOW)
    assert found.checkpoint is None and "is broken, so no checkpoint was made" in str(found.why_not)
    assert {finding.code for finding in found.report.findings} == {Code.TRUNCATED}
    tried = try_to_sign(demo, folder, now=NOW)
    assert tried.held == {finding.tenant: finding.message for finding in found.report.findings}
    assert (tried.stops, kept(demo, folder)) == (None, 1)
    assert tried.why_not is not None and "is broken, so no checkpoint was made" in tried.why_not
    (acme, *_) = tried.sound
    known = tried.known.checkpoints[-1].tenants[acme].last_seq
    assert (tried.why_not_of({acme: known}), tried.why_not_of({acme: known + 1})) == (None, tried.why_not)


def test_no_checkpoint_beside_another_act_is_no_failure(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    tried = try_to_sign(demo, tmp_path / "checkpoints", now=NOW)
    assert (tried.held, tried.stops) == ({}, None)
    assert tried.why_not is not None and str(tmp_path / "checkpoints") in tried.why_not


@pytest.mark.parametrize("reason", [Reason.RETENTION, None])
def test_what_is_planned_hears_of_a_key_out_of_reach_as_what_is_done(
    demo: Path, tmp_path: Path, reason: Reason | None
) -> None:
    ring = MemoryKeyring(KeyringUnavailable("does not answer"))
    store = CheckpointStore(tmp_path / "checkpoints", ring)
    tried = making.try_to_sign(InFile(demo), store, VERIFY, clock=lambda: NOW, reason=reason)
    assert tried.why_not is not None and "because the system's keyring does not answer" in tried.why_not


def test_what_is_planned_hears_of_a_full_disk(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4_096))
    store = CheckpointStore(tmp_path / "home" / "checkpoints")
    tried = making.try_to_sign(InFile(demo), store, VERIFY, clock=lambda: NOW, reason=None)
    assert tried.why_not is not None and "there is no space left on its disk" in tried.why_not
    assert not (tmp_path / "home").exists()


def test_what_is_planned_makes_no_key(demo: Path, tmp_path: Path) -> None:
    ring = MemoryKeyring()
    store = CheckpointStore(tmp_path / "checkpoints", ring)
    tried = making.try_to_sign(InFile(demo), store, VERIFY, clock=lambda: NOW, reason=None)
    assert (tried.why_not, ring.kept) == (None, {})


@pytest.mark.slow
def test_an_unproven_start_can_be_adopted(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    execute(demo, "DELETE FROM audit_chain WHERE seq <= 100")
    report = verify_known(demo, folder, now=NOW)
    assert report.verdict is Verdict.UNPROVEN_START
    CheckpointStore(folder).accept_starts(InFile(demo), report, actor="ops", now=NOW)
    adopted = verify_known(demo, folder, now=NOW)
    assert adopted.verdict is Verdict.CONSISTENT
    assert any(str(tenant.anchor).startswith("adopted:") for tenant in adopted.tenants)
    assert (
        verify_known(demo, folder, now=NOW, section=Section(first=1, last=200)).verdict is Verdict.CONSISTENT
    )


@pytest.mark.slow
def test_a_checkpoint_is_made_of_a_file_that_its_archive_leads_up_to(demo: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archive"
    names = archive(demo, archives, now=NOW)
    made = sign(demo, tmp_path / "checkpoints", now=NOW, archive=archives)
    assert (made.checkpoint, made.report.verdict) == (1, Verdict.CONSISTENT)
    assert made.report.archives == len(names) == 3
    assert [tenant.anchor for tenant in made.report.tenants].count(ANCHOR) == 3
    again = verify_known(demo, tmp_path / "checkpoints", now=NOW)
    assert (again.verdict, again.archives) == (Verdict.VERIFIED, 0)


@pytest.mark.slow
def test_a_cut_archive_is_a_finding_although_the_file_is_signed(demo: Path, tmp_path: Path) -> None:
    archives, folder = tmp_path / "archive", tmp_path / "checkpoints"
    names = archive(demo, archives, now=NOW)
    cut(archives / names[0])
    made = sign(demo, folder, now=NOW, archive=archives)
    assert made.report.verdict is Verdict.TAMPERED
    assert Code.ARCHIVE in {finding.code for finding in made.report.findings}
    assert made.checkpoint == 1, "the file itself holds"
    assert verify_known(demo, folder, now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
def test_nothing_is_signed_when_it_is_stopped_in_the_archive(demo: Path, tmp_path: Path) -> None:
    archives, folder = tmp_path / "archive", tmp_path / "checkpoints"
    archive(demo, archives, now=NOW)
    entries = verify_known(demo, folder, now=NOW).entries
    reached = []
    with pytest.raises(Cancelled):
        sign(
            demo,
            folder,
            now=NOW,
            archive=archives,
            monitor=Monitor(
                lambda done, total: reached.append(total), lambda: bool(reached) and max(reached) > entries
            ),
        )
    assert CheckpointStore(folder).checkpoints(InFile(demo)) == ()


def test_a_folder_that_is_not_there_is_said(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnusable, match="there is no such folder"):
        sign(demo, tmp_path / "checkpoints", now=NOW, archive=tmp_path / "nowhere")


@pytest.mark.slow
def test_started_over_a_file_is_held_against_what_it_holds_now(demo: Path, tmp_path: Path) -> None:
    folder, export = tmp_path / "checkpoints", tmp_path / "export.json"
    sign(demo, folder, now=NOW)
    CheckpointStore(folder).export(InFile(demo), export)
    connection = apsw.Connection(str(demo))
    connection.execute("DELETE FROM audit_chain WHERE seq > 290")
    connection.execute("UPDATE sqlite_sequence SET seq = 290 WHERE name = 'audit_chain'")
    assert sign(demo, folder, now=NOW).checkpoint is None
    assert sign(demo, folder, now=NOW, reason=Reason.START_OVER).checkpoint == 2
    assert verify_known(demo, folder, now=NOW).verdict is Verdict.VERIFIED
    connection.execute("DELETE FROM audit_chain WHERE seq > 280")
    assert verify_known(demo, folder, now=NOW).verdict is Verdict.TAMPERED
    before = verify_known(demo, tmp_path / "elsewhere", now=NOW, export=export)
    assert Code.TRUNCATED in {finding.code for finding in before.findings}
    connection.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    assert sign(demo, folder, now=NOW, reason=Reason.START_OVER).checkpoint is None


@pytest.mark.slow
def test_a_file_replaced_while_it_was_verified_is_not_signed(demo: Path, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    report = scan_pool.verify(InFile(demo), now=NOW, seal=True)
    connection = apsw.Connection(str(demo))
    for goes, says in (("seq > 290", "removed, or changed"), ("true", "was replaced while")):
        connection.execute(f"DELETE FROM audit_chain WHERE {goes}")
        with pytest.raises(NotSigned, match=says):
            store.create(InFile(demo), report, now=NOW, reason=Reason.VERIFY)
    assert store.checkpoints(InFile(demo)) == ()


@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_others_erase_meanwhile_is_not_signed_and_all_is_verified_again(
    tmp_path: Path, times: int
) -> None:
    path = ChainFile.build(tmp_path / "foundation.sqlite", rows=3, tenants=4).path
    store, others = CheckpointStore(tmp_path / "checkpoints"), CheckpointStore(tmp_path / "elsewhere")
    reports: list[Report] = []

    def beside_others(where: Where, /, **options: Unpack[Options]) -> Report:
        reports.append(VERIFY(where, **options))
        if len(reports) <= times:
            erase(open_database(path), f"tenant-0{len(reports)}", others, VERIFY, actor="mei", now=NOW)
        return reports[-1]

    made = making.verify_and_sign(
        InFile(path), store, beside_others, now=NOW, reason=Reason.REQUEST, by="root"
    )
    assert len(reports) == min(times + 1, 3)
    assert made.report.entries == reports[-1].entries < reports[0].entries
    if times == 3:
        assert made.checkpoint is None and "removed, or changed, by somebody else" in str(made.why_not)
    else:
        assert (made.checkpoint, made.report.verdict) == (1, Verdict.CONSISTENT)


def test_every_error_and_every_unproven_start_holds_a_tenant(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=10, tenants=4)
    sign(chain.path, tmp_path / "checkpoints", now=NOW)
    edited, headless, gone = "tenant-00", "tenant-01", "tenant-02"
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", chain.seqs(edited)[5])
    chain.run("DELETE FROM audit_chain WHERE seq = ?", chain.seqs(headless)[0])
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", gone)
    tried = try_to_sign(chain.path, tmp_path / "checkpoints", now=NOW)
    assert (tried.stops, kept(chain.path, tmp_path / "checkpoints")) == (None, 1)
    assert set(tried.held) == {edited, headless, gone}
    assert "does not match its own hash" in tried.held[edited]
    assert "nothing in the file proves what came before" in tried.held[headless]


def test_an_error_that_is_no_tenants_stops_everything(demo: Path, tmp_path: Path) -> None:
    sql = apsw.Connection(str(demo))
    sql.execute("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'audit_chain'")
    tried = try_to_sign(demo, tmp_path / "checkpoints", now=NOW)
    assert (kept(demo, tmp_path / "checkpoints"), tried.held) == (0, {})
    assert tried.stops is not None and "the entries after it were removed" in tried.stops


def test_an_empty_chain_is_no_problem(tmp_path: Path) -> None:
    chain = ChainFile(tmp_path / "a.db")
    tried = try_to_sign(chain.path, tmp_path / "checkpoints", now=NOW)
    assert (tried.why_not, tried.held, tried.stops) == (None, {}, None)
    assert kept(chain.path, tmp_path / "checkpoints") == 0


@pytest.mark.parametrize("ledger", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("known", [True, False])
def test_that_nothing_is_left_is_accepted(tmp_path: Path, *, known: bool, ledger: bool) -> None:
    """As the platform's own cleanup leaves an idle platform, whether a checkpoint had seen it or not."""
    chain, folder = ChainFile.build(tmp_path / "a.db", rows=5, tenants=2), tmp_path / "checkpoints"
    if ledger:
        chain.run("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name, applied_at)")
        chain.run("INSERT INTO d1_migrations VALUES (1, '0000', '2026-01-01 10:00:00')")
    if known:
        sign(chain.path, folder, now=NOW)
    chain.run("DELETE FROM audit_chain")
    found = sign(chain.path, folder, now=NOW)
    assert found.report.verdict is (Verdict.TAMPERED if known else Verdict.UNPROVEN_START)
    say = SAY_SO if known else START_OVER
    assert say in found.report.findings[0].message and found.checkpoint is None
    way: dict[str, Any] = {"reason": Reason.START_OVER} if known else {"accepted_by": "ada"}
    assert sign(chain.path, folder, now=NOW, **way).checkpoint == 1 + known
    found = sign(chain.path, folder, now=NOW)
    assert (found.report.verdict, found.report.findings) == (Verdict.VERIFIED, ())
    chain.append("tenant-00", seq=1, at=NOW)  # as the gateway numbers
    chain.append("tenant-02", seq=2, at=NOW)
    assert sign(chain.path, folder, now=NOW + 1).checkpoint == 2 + known
    assert verify_known(chain.path, folder, now=NOW).verdict is Verdict.VERIFIED
    chain.run("DELETE FROM audit_chain WHERE seq = 2")
    assert {item.code for item in verify_known(chain.path, folder, now=NOW).findings} == {Code.TRUNCATED}


def test_an_earlier_state_is_not_signed_and_stops_everything(tmp_path: Path) -> None:
    chain, folder = ChainFile.build(tmp_path / "a.db", rows=5), tmp_path / "checkpoints"
    sign(chain.path, folder, now=NOW)
    earlier = chain.path.read_bytes()
    chain.append("tenant-00")
    sign(chain.path, folder, now=NOW)
    chain.sql.close()
    chain.path.write_bytes(earlier)
    found = sign(chain.path, folder, now=NOW)
    assert (found.report.verdict, found.checkpoint) == (Verdict.EARLIER, None)
    tried = try_to_sign(chain.path, folder, now=NOW)
    assert kept(chain.path, folder) == 2 and "an earlier state than checkpoints know" in str(tried.why_not)
    assert tried.stops is not None and "exactly as checkpoint 1 knew it" in tried.stops
    assert sign(chain.path, folder, now=NOW, reason=Reason.START_OVER).checkpoint == 3
