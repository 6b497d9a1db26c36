from pathlib import Path

import apsw
import pytest

from app import paths
from app.services.chain.archive.files import ArchiveUnusable
from app.services.chain.archive.following import ANCHOR
from app.services.chain.checkpoints.store import CheckpointStore, NotWitnessed
from app.services.chain.verify.codes import Code, Verdict
from app.services.demo.demo import create_demo
from app.services.errors import Cancelled
from app.workers import scan_pool, witnessing
from tests.conftest import NOW
from tests.fixtures.archived import archive, cut


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    path = tmp_path / "demo.sqlite"
    create_demo(path, paths.migrations_dir(), rows=300, tenants=3, now=NOW)
    return path


def test_a_file_nobody_witnessed_is_consistent_and_then_verified(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert witnessing.verify(demo, folder, now=NOW).verdict is Verdict.CONSISTENT
    assert not folder.exists()
    made = witnessing.witness(demo, folder, now=NOW, reason="request")
    assert (made.checkpoint, made.report.verdict) == (1, Verdict.CONSISTENT)
    report = witnessing.verify(demo, folder, now=NOW)
    assert (report.verdict, report.unwitnessed) == (Verdict.VERIFIED, 0)


def test_what_was_cut_off_is_found_and_nothing_is_signed(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    witnessing.witness(demo, folder, now=NOW, reason="request")
    apsw.Connection(str(demo)).execute(
        "DELETE FROM audit_chain WHERE seq > 290;"
        "UPDATE sqlite_sequence SET seq = 290 WHERE name = 'audit_chain'"
    )
    made = witnessing.witness(demo, folder, now=NOW, reason="request")
    assert made.checkpoint is None
    assert {finding.code for finding in made.report.findings} == {Code.TRUNCATED}
    tried = witnessing.try_witness(demo, folder, now=NOW, reason="retention")
    assert tried.checkpoint is None
    assert tried.disputed == {finding.tenant for finding in made.report.findings}
    assert tried.problem == "The audit chain does not hold; verify it."


def test_no_checkpoint_beside_another_act_is_no_failure(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    tried = witnessing.try_witness(demo, tmp_path / "checkpoints", now=NOW, reason="retention")
    assert (tried.checkpoint, tried.disputed) == (None, frozenset())
    assert tried.problem is not None and str(tmp_path / "checkpoints") in tried.problem


def test_an_unproven_start_can_be_adopted(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    apsw.Connection(str(demo)).execute("DELETE FROM audit_chain WHERE seq <= 100")
    report = witnessing.verify(demo, folder, now=NOW)
    assert report.verdict is Verdict.UNPROVEN_START
    witnessing.adopt(demo, folder, report, actor="ops", now=NOW)
    adopted = witnessing.verify(demo, folder, now=NOW)
    assert adopted.verdict is Verdict.CONSISTENT
    assert any((tenant.anchor or "").startswith("adopted:") for tenant in adopted.tenants)
    assert witnessing.verify(demo, folder, now=NOW, seq_from=1, seq_to=200).verdict is Verdict.CONSISTENT


def test_a_checkpoint_is_made_of_a_file_that_its_archive_leads_up_to(demo: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archive"
    names = archive(demo, archives, now=NOW)
    made = witnessing.witness(demo, tmp_path / "checkpoints", now=NOW, reason="verify", archive=archives)
    assert (made.checkpoint, made.report.verdict) == (1, Verdict.CONSISTENT)
    assert made.report.archives == len(names) == 3
    assert [tenant.anchor for tenant in made.report.tenants].count(ANCHOR) == 3
    again = witnessing.verify(demo, tmp_path / "checkpoints", now=NOW)
    assert (again.verdict, again.archives) == (Verdict.VERIFIED, 0)


def test_a_cut_archive_is_a_finding_although_the_file_is_witnessed(demo: Path, tmp_path: Path) -> None:
    archives, folder = tmp_path / "archive", tmp_path / "checkpoints"
    names = archive(demo, archives, now=NOW)
    cut(archives / names[0])
    made = witnessing.witness(demo, folder, now=NOW, reason="verify", archive=archives)
    assert made.report.verdict is Verdict.TAMPERED
    assert Code.HASH in {finding.code for finding in made.report.findings}
    assert made.checkpoint == 1, "the file itself holds"
    assert witnessing.verify(demo, folder, now=NOW).verdict is Verdict.VERIFIED


def test_nothing_is_signed_when_it_is_stopped_in_the_archive(demo: Path, tmp_path: Path) -> None:
    archives, folder = tmp_path / "archive", tmp_path / "checkpoints"
    archive(demo, archives, now=NOW)
    entries = witnessing.verify(demo, folder, now=NOW).entries
    reached = []
    with pytest.raises(Cancelled):
        witnessing.witness(
            demo,
            folder,
            now=NOW,
            reason="verify",
            archive=archives,
            progress=lambda done, total: reached.append(total),
            cancelled=lambda: bool(reached) and max(reached) > entries,
        )
    assert CheckpointStore(folder).checkpoints(demo) == ()


def test_a_folder_that_is_not_there_is_said(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnusable, match="there is no such folder"):
        witnessing.witness(
            demo, tmp_path / "checkpoints", now=NOW, reason="verify", archive=tmp_path / "nowhere"
        )


def test_begun_anew_a_file_is_held_against_what_it_holds_now(demo: Path, tmp_path: Path) -> None:
    folder, export = tmp_path / "checkpoints", tmp_path / "witness.json"
    witnessing.witness(demo, folder, now=NOW, reason="request")
    CheckpointStore(folder).export(demo, export)
    connection = apsw.Connection(str(demo))
    connection.execute("DELETE FROM audit_chain WHERE seq > 290")
    connection.execute("UPDATE sqlite_sequence SET seq = 290 WHERE name = 'audit_chain'")
    assert witnessing.witness(demo, folder, now=NOW, reason="request").checkpoint is None
    assert witnessing.witness(demo, folder, now=NOW, reason="anew", anew=True).checkpoint == 2
    assert witnessing.verify(demo, folder, now=NOW).verdict is Verdict.VERIFIED
    connection.execute("DELETE FROM audit_chain WHERE seq > 280")
    assert witnessing.verify(demo, folder, now=NOW).verdict is Verdict.TAMPERED
    before = witnessing.verify(demo, tmp_path / "elsewhere", now=NOW, export=export)
    assert Code.TRUNCATED in {finding.code for finding in before.findings}
    connection.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    assert witnessing.witness(demo, folder, now=NOW, reason="anew", anew=True).checkpoint is None


def test_a_file_replaced_while_it_was_verified_is_not_signed(demo: Path, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    report = scan_pool.verify(demo, now=NOW, seal=True)
    connection = apsw.Connection(str(demo))
    connection.execute("DELETE FROM audit_chain WHERE seq > 290")
    with pytest.raises(NotWitnessed, match="was replaced while"):
        store.create(demo, report, now=NOW, reason="verify")
    assert store.checkpoints(demo) == ()
