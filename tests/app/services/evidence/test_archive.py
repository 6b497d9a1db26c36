"""Archive and file proven as one chain."""

import gzip
import json
from pathlib import Path

import pytest

from app.services.archive import archive_name, with_archive, write_archive
from app.services.errors import InvalidInput
from app.services.verification.codes import Verdict
from app.services.verification.report import Report
from tests.app.services.verification.chains import ChainFile, codes
from tests.conftest import NOW

TENANT = "tenant-00"


def prune(chain: ChainFile, folder: Path, tenant: str, count: int) -> Path:
    """Retention with an archive, its SHA-256 in the marker."""
    seqs = chain.seqs(tenant)[:count]
    file, digest = write_archive(chain.sql, folder, tenant=tenant, first=seqs[0], last=seqs[-1])
    value = chain.one("SELECT hash FROM audit_chain WHERE seq = ?", seqs[-1])[0]
    marker = {
        "fromSeq": seqs[0],
        "toSeq": seqs[-1],
        "count": count,
        "lastHash": value,
        "archiveSha256": digest,
    }
    chain.append(tenant, "audit_pruned", json.dumps(marker), NOW - 10)
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", tenant, seqs[-1])
    return file


def check(chain: ChainFile, folder: Path) -> Report:
    return with_archive(chain.path, chain.verify(), folder)


@pytest.fixture
def chain(tmp_path: Path) -> ChainFile:
    chain = ChainFile.build(tmp_path / "a.db", rows=40, tenants=3)
    chain.run("UPDATE audit_chain SET tenant_id = 'a/b ü' WHERE tenant_id = 'tenant-02'")
    return chain


@pytest.fixture
def archived(chain: ChainFile, tmp_path: Path) -> ChainFile:
    for count in (10, 5):
        for tenant in (TENANT, "a/b ü"):
            prune(chain, tmp_path / "archive", tenant, count)
    return chain


def test_archive_and_file_are_one_chain(archived: ChainFile, tmp_path: Path) -> None:
    report = check(archived, tmp_path / "archive")
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    assert [tenant.anchor for tenant in report.tenants] == ["archive", "archive", "genesis"]
    assert len(list((tmp_path / "archive").iterdir())) == 4


def test_an_archive_proves_what_a_lost_marker_cannot(archived: ChainFile, tmp_path: Path) -> None:
    archived.run("DELETE FROM audit_chain WHERE tenant_id = ? AND event_type = 'audit_pruned'", TENANT)
    assert "UNPROVEN_START" in codes(archived.verify())
    report = check(archived, tmp_path / "archive")
    assert "UNPROVEN_START" not in codes(report)
    assert next(tenant for tenant in report.tenants if tenant.tenant == TENANT).anchor == "archive"


def test_an_edited_archive(archived: ChainFile, tmp_path: Path) -> None:
    file = min((tmp_path / "archive").glob(f"audit-{TENANT}-*"))
    lines = gzip.decompress(file.read_bytes()).replace(b"ada", b"eve", 1)
    file.write_bytes(gzip.compress(lines))
    report = check(archived, tmp_path / "archive")
    assert codes(report) == {"HASH", "CHECKPOINT"}
    assert report.verdict == Verdict.TAMPERED
    assert {tenant.tenant for tenant in report.tenants if tenant.verdict == Verdict.TAMPERED} == {TENANT}


def test_an_archived_row_missing(archived: ChainFile, tmp_path: Path) -> None:
    file = min((tmp_path / "archive").glob(f"audit-{TENANT}-*"))
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[:3] + lines[4:])))
    assert codes(check(archived, tmp_path / "archive")) == {"LINK", "CHECKPOINT"}


def test_the_last_archive_missing(archived: ChainFile, tmp_path: Path) -> None:
    files = sorted(
        (tmp_path / "archive").glob(f"audit-{TENANT}-*"), key=lambda file: int(file.name.split("-")[3])
    )
    files[-1].unlink()
    assert codes(check(archived, tmp_path / "archive")) == {"TRUNCATED"}


def test_an_archive_that_is_damaged(archived: ChainFile, tmp_path: Path) -> None:
    file = min((tmp_path / "archive").glob(f"audit-{TENANT}-*"))
    file.write_bytes(file.read_bytes()[:-20])
    assert "UNREADABLE" in codes(check(archived, tmp_path / "archive"))


def test_odd_rows_survive_the_archive(chain: ChainFile, tmp_path: Path) -> None:
    chain.run("UPDATE audit_chain SET payload = CAST(x'ff' AS TEXT) WHERE seq = ?", chain.seqs(TENANT)[2])
    before = chain.one("SELECT hash FROM audit_chain WHERE seq = ?", chain.seqs(TENANT)[2])[0]
    file, _ = write_archive(chain.sql, tmp_path, tenant=TENANT, first=1, last=120)
    row = json.loads(gzip.decompress(file.read_bytes()).splitlines()[2])
    assert (row["payload"], row["hash"]) == ({"hex": "ff"}, before)


def test_the_same_rows_give_the_same_bytes(chain: ChainFile, tmp_path: Path) -> None:
    one, two = (write_archive(chain.sql, tmp_path / name, tenant=TENANT, first=1, last=99) for name in "ab")
    assert one[1] == two[1]
    assert archive_name("a/b", 1, 2) == "audit-a%2Fb-1-2.jsonl.gz"


def test_no_folder(chain: ChainFile, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        check(chain, tmp_path / "nowhere")
