"""Archive and file proven as one chain: what it takes, and what it does not let through.

On a file alone, which is damaged here as archives are: `verify/test_live.py` verifies live databases.
"""

import gzip
import json
import os
import random
import shutil
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import apsw
import pytest

from app.services.chain.archives import ANCHOR, ArchiveUnusable, with_archive
from app.services.chain.rules import Code, Verdict
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile
from app.workers import scan_pool
from models.errors import Cancelled
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.app.services.retention.test_run import DAY
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.connected import connected
from tests.fixtures.retaining import retain

MUTATIONS = int(os.environ.get("TENANT_ADMIN_MUTATIONS", "200")) // 5
TENANTS = ("acme", "gl/obex ü")


def check(path: Path, folder: Path, tenant: str | None = None) -> Report:
    report = scan_pool.verify(InFile(path), now=NOW + 1000 * DAY, section=Section(tenant), take_part=True)
    return with_archive(InFile(path), report, folder, tenant=tenant)


def codes(report: Report) -> list[str]:
    return [str(finding.code) for finding in report.findings]


def verdicts(report: Report) -> dict[str, Verdict]:
    return {tenant.tenant: tenant.verdict for tenant in report.tenants}


def fill(sql: apsw.Connection, run: int) -> int:
    """Fifty days of two tenants, interleaved; when they end."""
    start = NOW + (run - 1) * 50 * DAY
    for day in range(49):
        chains.append(sql, TENANTS[day % 2 if day % 5 else 0], [start + day * DAY])
    return start + 50 * DAY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def made(_new_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs every fifty days, which remove entries and in the end the markers and reports of earlier runs."""
    made = tmp_path_factory.mktemp("archived")
    database = LocalDatabase(Path(shutil.copy(_new_file, made / "foundation.sqlite")))
    (made / "archive").mkdir()
    with database.connection_context():
        for run in range(9):
            sql = database.connection()
            retain(database, now=fill(sql, run), archive=made / "archive", batch_rows=15)
    return made


def copied(made: Path, database_path: Path, folder: Path) -> Path:
    """Before the file is opened."""
    shutil.copy(made / database_path.name, database_path)
    shutil.copytree(made / "archive", folder, dirs_exist_ok=True)
    return database_path


@pytest.fixture
def archived(made: Path, database_path: Path, folder: Path) -> Path:
    return copied(made, database_path, folder)


def files(folder: Path, tenant: str = "acme") -> list[Path]:
    """The tenant's archives, oldest first."""
    return sorted(folder.glob(f"audit-{tenant}-*"), key=lambda file: int(file.name.split("-")[-2]))


def repack(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes())), mtime=0))


@pytest.mark.slow
def test_file_and_archive_are_one_chain_from_genesis(archived: Path, folder: Path) -> None:
    before = {file: file.read_bytes() for file in [archived, *folder.iterdir()]}
    alone = scan_pool.verify(InFile(archived), now=NOW + 1000 * DAY)
    report = check(archived, folder)
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    anchors = {tenant.tenant: str(tenant.anchor) for tenant in report.tenants}
    assert anchors == dict.fromkeys([*TENANTS, "system"], str(ANCHOR))
    assert all(str(tenant.anchor).startswith("marker:") for tenant in alone.tenants)
    assert report.entries == alone.entries
    assert len(files(folder)) > 5
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.parametrize("tenant", ["", "-", "..", "a\nb", "'; --", "~" * 300])
def test_a_tenant_of_any_name(
    database: LocalDatabase, sql: apsw.Connection, folder: Path, tenant: str
) -> None:
    chains.append(sql, tenant, [NOW - 200 * DAY, NOW - 150 * DAY, NOW, NOW, NOW])
    retain(database, now=NOW, archive=folder)
    report = check(database.path, folder)
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    assert {item.anchor for item in report.tenants if item.tenant == tenant} == {ANCHOR}


@pytest.mark.slow
def test_markers_that_were_archived_themselves_are_followed(
    archived: Path, sql: apsw.Connection, folder: Path
) -> None:
    named = {json.loads(payload)["archive"]["file"] for payload in chains.markers(sql, "acme")}
    oldest = files(folder)[0]
    assert oldest.name not in named
    oldest.unlink()
    report = check(archived, folder)
    assert codes(report) == ["TRUNCATED"]
    assert oldest.name in report.findings[0].message


@pytest.mark.slow
def test_every_missing_archive_is_found(archived: Path, folder: Path) -> None:
    for file in list(folder.iterdir()):
        kept = file.read_bytes()
        file.unlink()
        report = check(archived, folder)
        (finding,) = report.findings
        assert (finding.code, finding.expected) == (Code.TRUNCATED, file.name)
        assert {tenant for tenant, verdict in verdicts(report).items() if verdict is Verdict.TAMPERED} == {
            finding.tenant
        }
        assert report.verdict is Verdict.TAMPERED
        file.write_bytes(kept)
    assert check(archived, folder).findings == ()


def test_a_range_behind_all_markers_leaves_no_archive_out(archived: Path, folder: Path) -> None:
    last = max(tenant.last_seq or 0 for tenant in check(archived, folder).tenants)
    section = Section(first=last)
    behind = scan_pool.verify(InFile(archived), now=NOW + 1000 * DAY, section=section, take_part=True)
    found = with_archive(InFile(archived), behind, folder)
    assert (found.verdict, found.findings) == (Verdict.CONSISTENT, ())
    assert found.archives == len([*folder.iterdir()])
    files(folder)[0].unlink()
    found = with_archive(InFile(archived), behind, folder)
    assert (found.verdict, codes(found)) == (Verdict.TAMPERED, ["TRUNCATED"])


@pytest.mark.slow
def test_every_changed_byte_of_an_archive_is_found(archived: Path, folder: Path) -> None:
    file = files(folder)[1]
    kept = file.read_bytes()
    for at in range(0, len(kept), 97):
        file.write_bytes(kept[:at] + bytes([kept[at] ^ 4]) + kept[at + 1 :])
        report = check(archived, folder)
        assert "ARCHIVE" in codes(report)
        assert report.verdict is Verdict.TAMPERED
    for other in (kept[:-9], kept + b"\0", kept + kept, b"", b"\x1f\x8b"):
        file.write_bytes(other)
        assert codes(check(archived, folder)) == ["ARCHIVE"]


def test_an_edited_entry_is_named(archived: Path, folder: Path) -> None:
    file = files(folder)[2]
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    seq = json.loads(lines[3])["seq"]
    repack(file, lambda _: b"".join([*lines[:3], lines[3].replace(b"ops", b"eve"), *lines[4:]]))
    report = check(archived, folder)
    assert codes(report) == ["ARCHIVE"]
    assert f"{file.name} is not the archive" in report.findings[0].message
    assert f"Archived entry {seq} does not match" in report.findings[0].message


def test_archives_that_changed_places_are_found(archived: Path, folder: Path) -> None:
    one, two = files(folder)[0], files(folder, "gl%2Fobex%20%C3%BC")[0]
    spare = folder / "spare"
    one.rename(spare), two.rename(one), spare.rename(two)
    report = check(archived, folder)
    assert codes(report) == ["ARCHIVE", "ARCHIVE"]
    assert verdicts(report)["system"] is Verdict.CONSISTENT


def rewrite_marker(sql: apsw.Connection, file: Path, **changes: object) -> None:
    """Makes the last entry of the chain a marker that names the archive as it is now, as a forger would."""
    (last,) = sql.execute(
        "SELECT seq, payload, previous_hash, created_at FROM audit_chain "
        "WHERE tenant_id = 'acme' ORDER BY seq DESC LIMIT 1"
    )
    seq, payload, previous, at = last
    marker = json.loads(payload) | changes
    if "archive" not in changes:
        marker["archive"] = {"file": file.name, "sha256": sha256(file.read_bytes()).hexdigest()}
    payload = json.dumps(marker, separators=(",", ":"))
    value = chains.digest(previous, "audit_pruned", payload, at)
    sql.execute("UPDATE audit_chain SET payload = ?, hash = ? WHERE seq = ?", (payload, value, seq))


@pytest.fixture(scope="module")
def archived_once(_new_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One archive of acme; its marker is the last entry of the chain."""
    made = tmp_path_factory.mktemp("archived once")
    (made / "archive").mkdir()
    with connected(Path(shutil.copy(_new_file, made / "foundation.sqlite"))) as database:
        sql = database.connection()
        chains.append(sql, "acme", [NOW - (200 - number) * DAY for number in range(20)])
        chains.append(sql, "acme", [NOW - DAY])
        retain(database, archive=made / "archive")
    return made


@pytest.fixture
def forged(archived_once: Path, database_path: Path, folder: Path) -> Path:
    copied(archived_once, database_path, folder)
    (file,) = folder.iterdir()
    return file


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda lines: lines[:4] + lines[5:], {"LINK"}),
        (lambda lines: lines[1:], {"TRUNCATED"}),
        (lambda lines: lines[:-1], {"TRUNCATED"}),
        (lambda lines: [], {"TRUNCATED"}),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], {"LINK", "ORDER"}),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], {"LINK", "ORDER"}),
        (lambda lines: [*lines[:2], b"{}\n", *lines[3:]], {"GRAMMAR"}),
        (lambda lines: [*lines[:2], b"[1]\n", *lines[3:]], {"GRAMMAR"}),
        (lambda lines: [*lines[:2], b"[" * 100_000 + b"\n", *lines[3:]], {"GRAMMAR"}),
        (lambda lines: [*lines[:2], lines[2].replace(b'"seq":3', b'"seq":"3"'), *lines[3:]], {"GRAMMAR"}),
        (lambda lines: [line.replace(b'"ops', b'"\\ud800') for line in lines], {"GRAMMAR"}),
        (lambda lines: [line.replace(b'"acme"', b'"other"') for line in lines], {"CROSS_TENANT"}),
    ],
)
def test_an_archive_forged_together_with_its_marker_still_has_to_hold(
    forged: Path, database: LocalDatabase, change: Callable[[list[bytes]], list[bytes]], found: set[str]
) -> None:
    lines = gzip.decompress(forged.read_bytes()).splitlines(keepends=True)
    repack(forged, lambda _: b"".join(change(lines)))
    rewrite_marker(database.connection(), forged)
    assert set(codes(check(database.path, forged.parent))) == found


def test_of_a_file_in_the_place_of_an_archive_no_endless_line_is_read(
    forged: Path, database: LocalDatabase
) -> None:
    """It is told in one sentence, whatever work reading on would be."""
    repack(forged, lambda _: b"[" + b"0," * (1 << 21) + b"0]\n")
    (finding,) = check(database.path, forged.parent).findings
    assert finding.code is Code.ARCHIVE
    assert "cannot be read behind its entry 0" in finding.message


@pytest.mark.slow
def test_whatever_is_changed_in_an_archive_is_found_even_when_its_marker_is_forged(
    forged: Path, database: LocalDatabase, folder: Path
) -> None:
    rng = random.Random(5)
    packed, lines = forged.read_bytes(), gzip.decompress(forged.read_bytes())
    for number in range(MUTATIONS):
        content = bytearray(lines if number % 2 else packed)
        for _ in range(rng.choice((1, 1, 2, 5))):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if rng.random() < 0.2:
            start = rng.randrange(len(content))
            del content[start : start + rng.randrange(200)]
        forged.write_bytes(gzip.compress(content) if number % 2 else content)
        rewrite_marker(database.connection(), forged)
        assert check(database.path, folder).intact == (unpacked(forged) == lines), content


def unpacked(file: Path) -> bytes | None:
    try:
        return gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error):
        return None


def test_a_forged_history_does_not_lead_up_to_the_file(
    forged: Path, database: LocalDatabase, sql: apsw.Connection, folder: Path
) -> None:
    """Another chain of the same length, sound in itself, with a marker that says its last hash."""
    rows = [json.loads(line) for line in gzip.decompress(forged.read_bytes()).splitlines()]
    previous = chains.GENESIS
    for row in rows:
        row["payload"], row["previous_hash"] = "{}", previous
        previous = row["hash"] = chains.digest(previous, row["event_type"], "{}", row["created_at"])
    repack(forged, lambda _: b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    rewrite_marker(sql, forged)
    assert codes(check(database.path, folder)) == ["LINK"]
    rewrite_marker(sql, forged, lastHash=previous)
    assert codes(check(database.path, folder)) == ["UNPROVEN_START"]


@pytest.mark.parametrize(
    "named",
    [
        {"file": "../../secret.jsonl.gz", "sha256": "0" * 64},
        {"file": "/etc/passwd", "sha256": "0" * 64},
        {"file": "audit-acme-1-20.jsonl.gz"},
        {"file": 1, "sha256": 2},
        [],
        None,
    ],
)
def test_a_marker_that_names_what_is_no_archive_is_a_finding(
    forged: Path, database: LocalDatabase, sql: apsw.Connection, folder: Path, named: object
) -> None:
    rewrite_marker(sql, forged, archive=named)
    assert codes(check(database.path, folder)) == ["MARKER"]


@pytest.mark.slow
def test_what_was_removed_without_an_archive_is_taken_at_its_markers_word(
    database: LocalDatabase, sql: apsw.Connection, folder: Path
) -> None:
    chains.append(sql, "acme", [fill(sql, 0)])
    for run, archive in enumerate((folder, folder, None, folder, folder, None, folder), start=1):
        retain(database, now=fill(sql, run), archive=archive)
        report = check(database.path, folder)
        assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
        anchors = {tenant.tenant: str(tenant.anchor) for tenant in report.tenants if tenant.tenant in TENANTS}
        if run <= 2:
            assert set(anchors.values()) == {str(ANCHOR)}
        else:
            assert all(anchor.startswith("marker:") for anchor in anchors.values())
    files(folder)[-1].unlink()
    assert codes(check(database.path, folder)) == ["TRUNCATED"]


def test_what_the_platforms_own_cleanup_took_since_is_no_finding_of_the_archive(
    archived: Path, sql: apsw.Connection, folder: Path
) -> None:
    sql.execute(
        "DELETE FROM audit_chain WHERE seq = (SELECT min(seq) FROM audit_chain WHERE tenant_id = 'acme')"
    )
    report = check(archived, folder)
    assert codes(report) == ["UNPROVEN_START"]
    assert verdicts(report)["acme"] is Verdict.UNPROVEN_START
    files(folder)[0].unlink()
    assert sorted(codes(check(archived, folder))) == ["TRUNCATED", "UNPROVEN_START"]


def test_one_tenant_alone(archived: Path, folder: Path) -> None:
    files(folder)[0].unlink()
    report = check(archived, folder, "gl/obex ü")
    assert (report.verdict, [tenant.anchor for tenant in report.tenants]) == (Verdict.CONSISTENT, [ANCHOR])
    assert codes(check(archived, folder, "acme")) == ["TRUNCATED"]


def test_archives_of_other_databases_beside_it_do_no_harm(archived: Path, folder: Path) -> None:
    shutil.copyfile(files(folder)[0], folder / "audit-acme-1-7.jsonl.gz")
    (folder / "audit-acme-5-9.jsonl.gz").write_bytes(b"what")
    (folder / "notes").mkdir()
    assert check(archived, folder).findings == ()


def test_a_file_without_an_archive_is_what_it_was(
    database: LocalDatabase, sql: apsw.Connection, folder: Path
) -> None:
    chains.append(sql, "acme", [NOW])
    alone = scan_pool.verify(InFile(database.path), now=NOW)
    assert with_archive(InFile(database.path), alone, folder) is alone
    with pytest.raises(ArchiveUnusable, match="no such folder"):
        with_archive(InFile(database.path), alone, folder / "gone")


def test_other_findings_stay_beside_those_of_the_archive(
    archived: Path, sql: apsw.Connection, folder: Path
) -> None:
    files(folder)[0].unlink()
    sql.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = (SELECT max(seq) FROM audit_chain)")
    report = check(archived, folder)
    assert sorted(codes(report)) == ["HASH", "TRUNCATED"]
    assert (report.found, report.counts) == (2, {"HASH": 1, "TRUNCATED": 1})


@pytest.mark.slow
def test_progress_goes_on_behind_the_file_and_cancelling_ends_it(archived: Path, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    home = folder / "home"
    verify_known(
        archived,
        home,
        now=NOW,
        archive=folder,
        monitor=Monitor(lambda done, total: seen.append((done, total))),
    )
    entries = sum(gzip.decompress(file.read_bytes()).count(b"\n") for file in folder.glob("audit-*"))
    rows = scan_pool.verify(InFile(archived), now=NOW).entries
    assert seen[-1] == (rows + entries, rows + entries)
    with pytest.raises(Cancelled):
        verify_known(
            archived,
            home,
            now=NOW,
            archive=folder,
            monitor=Monitor(lambda done, total: seen.append((done, total)), lambda: seen[-1][0] > rows),
        )
