"""The scan in child processes: progress, cancel, files of all kinds, and no Qt in it."""

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import apsw
import pytest

from app.services.chain.rules import Anchor, Verdict
from app.services.chain.verify import source, verification
from app.services.chain.verify.report import Section
from app.services.chain.verify.verification import WORTH_A_PROCESS
from app.services.chain.where import InFile
from app.workers.child import CannotStart
from app.workers.scan_pool import verify
from models.errors import Cancelled, EmptyFile, FileMissing, NotADatabase, TableMissing
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile, InProcess, codes
from tests.conftest import NOW
from tests.fixtures.processes import uncounted

TENANT = "tenant-00"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows for three processes."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    ChainFile.build(path, rows=WORTH_A_PROCESS * 3 // 5 + 100, tenants=5).sql.close()
    return path


def listing(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("take_part", [False, True])
@pytest.mark.parametrize("least", [verification.LEAST_RANGE, 500])
def test_several_processes_find_what_one_finds(
    tmp_path: Path, large: Path, monkeypatch: pytest.MonkeyPatch, take_part: bool, least: int
) -> None:
    """However many ranges there are, and whoever takes which of them."""
    monkeypatch.setattr(verification, "LEAST_RANGE", least)
    path = tmp_path / "a.db"
    path.write_bytes(large.read_bytes())
    chain = ChainFile(path)
    for seq in (7, 15_000, 29_999, 30_000, 30_001, 45_000):
        chain.run("UPDATE audit_chain SET hash = ? WHERE seq = ?", "f" * 64, seq)
    alone = verify(InFile(path), now=NOW, processes=1, take_part=True)
    here = verification.verify(path, verification.Wish(now=NOW, executor=InProcess()))
    assert (here.findings, here.tenants, here.counts) == (alone.findings, alone.tenants, alone.counts)
    several = verify(InFile(path), now=NOW, processes=3, take_part=take_part)
    assert (several.findings, several.tenants) == (alone.findings, alone.tenants)
    assert several.counts == {"HASH": 6, "LINK": 6}


@pytest.mark.slow
def test_progress_reaches_the_end(large: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = verify(
        InFile(large), now=NOW, processes=3, monitor=Monitor(lambda done, total: seen.append((done, total)))
    )
    assert seen[-1] == (report.entries, report.entries)
    assert seen == sorted(seen)
    assert report.verdict == Verdict.CONSISTENT


@pytest.mark.slow
@pytest.mark.parametrize("take_part", [False, True])
def test_cancel_takes_effect_at_once(large: Path, take_part: bool) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(Cancelled):
        verify(InFile(large), now=NOW, processes=3, monitor=Monitor(cancelled=cancelled), take_part=take_part)
    assert asked == 3


@pytest.mark.slow
def test_the_interface_process_scans_nothing_itself(large: Path) -> None:
    used = time.process_time()
    threads = threading.active_count()
    verify(InFile(large), now=NOW, processes=2)
    assert time.process_time() - used < 0.5
    assert threading.active_count() <= threads


@pytest.mark.slow
def test_what_a_start_waits_for_is_not_loaded() -> None:
    kept_out = {"peewee", "dataclasses", "PySide6", "models.local.database"}
    code = f"import sys; import app.workers.scan_pool; print({kept_out} & sys.modules.keys())"
    result = subprocess.run(
        [sys.executable, "-c", code], env=uncounted(), capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "set()", result.stderr


def test_nothing_is_written(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.run("PRAGMA journal_mode = wal")
    chain.sql.close()
    before = listing(tmp_path)
    assert verify(InFile(chain.path), now=NOW).verdict == Verdict.CONSISTENT
    assert listing(tmp_path) == before == {"a.db": before["a.db"]}


def test_rows_that_are_still_in_the_wal(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.run("PRAGMA journal_mode = wal")
    chain.append(TENANT)
    report = verify(InFile(chain.path), now=NOW)
    assert (report.entries, report.verdict) == (10, Verdict.CONSISTENT)


@pytest.mark.slow
def test_a_folder_that_takes_no_files_is_read_from_a_copy(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.run("PRAGMA journal_mode = wal")
    chain.append(TENANT)
    (tmp_path / "media").mkdir()
    for suffix in ("", "-wal"):
        (tmp_path / "media" / f"a.db{suffix}").write_bytes(Path(f"{chain.path}{suffix}").read_bytes())
    # As good as a folder without permission, for root too: this file cannot be made.
    (tmp_path / "media" / "a.db-shm").symlink_to(tmp_path / "nowhere" / "shm")
    with ExitStack() as stack:
        where = source.Source(tmp_path / "media" / "a.db", stack)
        assert where.copied
        connection = source.connect(where.uri)
        assert connection.execute("SELECT count(*) FROM audit_chain").fetchone() == (10,)
        connection.close()
    assert not where.read_from.exists()
    assert verify(InFile(tmp_path / "media" / "a.db"), now=NOW).entries == 10


def test_a_read_only_file(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.sql.close()
    chain.path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert verify(InFile(chain.path), now=NOW).verdict == Verdict.CONSISTENT
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_writer_appends_and_prunes_meanwhile(tmp_path: Path, large: Path, journal: str) -> None:
    """Whatever happens while it runs, an honest file raises no alarm."""
    path = tmp_path / "a.db"
    path.write_bytes(large.read_bytes())
    chain = ChainFile(path)
    chain.run(f"PRAGMA journal_mode = {journal}")
    writes = 0

    def write(done: int, total: int) -> None:
        nonlocal writes
        with suppress(apsw.BusyError), chain.sql:
            chain.append(TENANT)
            seqs = chain.seqs("tenant-03")
            chain.prune("tenant-03", seqs[len(seqs) // 3])
            writes += 1

    for _ in range(3):
        report = verify(InFile(path), now=NOW, processes=3, monitor=Monitor(write))
        assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    assert writes > 3


def test_one_tenant_alone(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=3)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", chain.seqs("tenant-01")[4])
    good, bad = chain.verify(section=Section("tenant-00")), chain.verify(section=Section("tenant-01"))
    assert (good.verdict, good.entries, [t.tenant for t in good.tenants]) == ("CONSISTENT", 50, [TENANT])
    assert (bad.verdict, codes(bad)) == ("TAMPERED", {"HASH"})
    assert chain.verify(section=Section("nobody")).entries == 0


def test_a_range_alone(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=3)
    report = chain.verify(section=Section(first=60, last=120))
    assert (report.verdict, report.entries) == (Verdict.CONSISTENT, 61)
    for tenant in report.tenants:
        before = max(seq for seq in chain.seqs(tenant.tenant) if seq < 60)
        assert tenant.anchor == Anchor("entry", before)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 10")
    assert chain.verify(section=Section(first=60, last=120)).intact
    assert not chain.verify(section=Section(last=10)).intact
    chain.run("DELETE FROM audit_chain WHERE seq = ?", before)
    assert codes(chain.verify(section=Section(first=60, last=120))) == {"LINK"}


def test_a_range_of_a_pruned_chain(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=30)
    chain.prune(TENANT, 10)
    assert chain.verify(section=Section(first=5, last=20)).tenants[0].anchor == Anchor("marker", 31, 10)


def test_what_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        verify(InFile(tmp_path / "none.db"), now=NOW)
    (tmp_path / "text.db").write_text("hello" * 100)
    with pytest.raises(NotADatabase):
        verify(InFile(tmp_path / "text.db"), now=NOW)
    (tmp_path / "empty.db").touch()
    with pytest.raises(EmptyFile):
        verify(InFile(tmp_path / "empty.db"), now=NOW)
    view = apsw.Connection(str(tmp_path / "view.db"))
    view.execute("CREATE VIEW audit_chain AS SELECT 1 AS seq")
    with pytest.raises(TableMissing):
        verify(InFile(tmp_path / "view.db"), now=NOW)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE audit_chain (seq INTEGER PRIMARY KEY, tenant_id TEXT)")
    with pytest.raises(source.CannotVerify, match="no column event_type"):
        verify(InFile(tmp_path / "other.db"), now=NOW)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_file_cut_short_is_unreadable(tmp_path: Path, keep: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_LOOKS", 20_000)
    chain = ChainFile.build(tmp_path / "a.db", rows=200, tenants=3)
    chain.sql.close()
    data = chain.path.read_bytes()
    chain.path.write_bytes(data[: int(len(data) * keep)])
    report = verify(InFile(chain.path), now=NOW, take_part=True)
    assert report.verdict == Verdict.UNREADABLE
    assert "UNREADABLE" in codes(report)


@pytest.mark.slow
def test_damaged_pages_never_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages overwritten at random: a verdict each time, and never that all is well when rows are gone."""
    import random

    monkeypatch.setattr(source, "MOST_LOOKS", 20_000)
    rng = random.Random(7)
    chain = ChainFile.build(tmp_path / "a.db", rows=300, tenants=3)
    chain.sql.close()
    whole, called = chain.path.read_bytes(), set[bool]()
    for _ in range(int(os.environ.get("TENANT_ADMIN_MUTATIONS", "100")) // 5):
        data = bytearray(whole)
        at = rng.randrange(4096, len(data))
        size = rng.choice([1, 2, 16, 4096])
        data[at : at + size] = rng.randbytes(min(size, len(data) - at))
        chain.path.write_bytes(data)
        try:
            report = verify(InFile(chain.path), now=NOW, take_part=True)
        except TableMissing:
            continue
        assert report.entries == 900 or not report.intact
        called.add(report.intact)
    assert called == {True, False}, "not all damage shows, nor is every file called damaged"


@pytest.mark.slow
def test_a_child_that_dies_is_said_plainly(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CannotStart, match="nothing was changed"):
        verify(InFile(large), now=NOW, processes=2)
