from pathlib import Path

import apsw
import pytest

from app import paths
from app.services.demo import create_demo
from app.services.verification.codes import Code, Verdict
from app.workers import witnessing
from tests.conftest import NOW


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
    assert witnessing.try_witness(demo, folder, now=NOW, reason="retention") is None


def test_an_unproven_start_can_be_adopted(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    apsw.Connection(str(demo)).execute("DELETE FROM audit_chain WHERE seq <= 100")
    report = witnessing.verify(demo, folder, now=NOW)
    assert report.verdict is Verdict.UNPROVEN_START
    witnessing.adopt(demo, folder, report, actor="ops", now=NOW)
    adopted = witnessing.verify(demo, folder, now=NOW)
    assert adopted.verdict is Verdict.CONSISTENT
    assert any((tenant.anchor or "").startswith("adopted:") for tenant in adopted.tenants)
