"""The archive that retention writes: what is in it, when it is there, and what it never overwrites."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.archives import (
    ArchiveDiffers,
    ArchiveNotWritten,
    ArchiveReading,
    ArchiveUnusable,
    make_folder,
)
from app.services.chain.reading import chunks
from app.services.chain.rules import Marker, Reference, archive_name
from app.services.chain.where import InFile
from models.engine import Database
from models.files.atomic import UNFINISHED
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.app.services.retention.test_run import CUTOFF, KILLS, NEW, old
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.retaining import retain

COLUMNS = ("seq", "tenant_id", "event_type", "payload", "previous_hash", "hash", "created_at")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def rows(sql: apsw.Connection, tenant: str) -> list[tuple[Any, ...]]:
    return sql.execute("SELECT * FROM audit_chain WHERE tenant_id = ? ORDER BY seq", (tenant,)).fetchall()


def archived(path: Path) -> list[tuple[Any, ...]]:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert all(tuple(json.loads(line)) == COLUMNS for line in lines)
    return [tuple(json.loads(line).values()) for line in lines]


def markers(sql: apsw.Connection, tenant: str) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in chains.markers(sql, tenant)]


def append(sql: apsw.Connection, payloads: Iterable[str]) -> None:
    """Old entries of acme with these payloads, and a recent one."""
    previous = chains.GENESIS
    for payload in payloads:
        value = chains.digest(previous, "note", payload, old(1))
        sql.execute(
            f"INSERT INTO audit_chain ({chains.COLUMNS}) VALUES ('acme', 'note', ?, ?, ?, ?)",
            (payload, previous, value, old(1)),
        )
        previous = value
    chains.append(sql, "acme", [NEW])


def test_every_column_of_what_goes_is_kept_and_the_marker_names_the_file(
    engine: Database, sql: apsw.Connection, folder: Path
) -> None:
    for day in range(5, 1, -1):  # two tenants, interleaved
        chains.append(sql, "acme", [old(day)])
        chains.append(sql, "gl/obex ü", [old(day)])
    for tenant in ("acme", "gl/obex ü", "young"):
        chains.append(sql, tenant, [NEW])
    before = {tenant: rows(sql, tenant) for tenant in ("acme", "gl/obex ü")}
    result = retain(engine, archive=folder)
    assert sorted(result.archives) == ["audit-acme-1-7.jsonl.gz", "audit-gl%2Fobex%20%C3%BC-2-8.jsonl.gz"]
    assert {file.name for file in folder.iterdir()} == set(result.archives)
    for tenant, first, last in (("acme", 1, 7), ("gl/obex ü", 2, 8)):
        file = folder / archive_name(tenant, first, last)
        assert archived(file) == before[tenant][:4]
        (marker,) = markers(sql, tenant)
        assert list(marker) == ["fromSeq", "toSeq", "count", "lastHash", "cutoff", "archive"]
        assert (marker["fromSeq"], marker["toSeq"], marker["count"]) == (first, last, 4)
        assert marker["cutoff"] == CUTOFF
        assert marker["archive"] == {"file": file.name, "sha256": sha256(file.read_bytes()).hexdigest()}
    assert chains.problems(sql) == []


def test_without_an_archive_the_marker_is_as_it_was(engine: Database, sql: apsw.Connection) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    assert retain(engine).archives == ()
    assert list(markers(sql, "acme")[0]) == ["fromSeq", "toSeq", "count", "lastHash", "cutoff"]


@pytest.mark.slow
def test_text_of_any_kind_comes_back_byte_for_byte(
    engine: Database, sql: apsw.Connection, folder: Path
) -> None:
    payloads = ['{"a":"\\u0000\\\\"}', '{"b":"\u2028\u0085\x7f 日本 🎉"}', "[[[]]]", f'"{"x" * 3_000_000}"']
    append(sql, payloads)
    retain(engine, archive=folder)
    (file,) = folder.iterdir()
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).split(b"\n")[:-1]]
    read = [
        bytes.fromhex(p["hex"]).decode() if isinstance(p, dict) else p for p in (x["payload"] for x in lines)
    ]
    assert read == payloads


def test_one_archive_for_many_transactions(engine: Database, sql: apsw.Connection, folder: Path) -> None:
    chains.append(sql, "acme", [old(60 - number) for number in range(50)])
    chains.append(sql, "acme", [NEW])
    retain(engine, archive=folder, batch_rows=8)
    found = markers(sql, "acme")
    assert len(found) == 7
    assert len({json.dumps(marker["archive"]) for marker in found}) == 1
    assert len(archived(folder / "audit-acme-1-50.jsonl.gz")) == 50


def test_the_archive_is_complete_before_anything_goes(
    engine: Database, sql: apsw.Connection, folder: Path
) -> None:
    chains.append(sql, "acme", [old(30 - number) for number in range(20)])
    chains.append(sql, "acme", [NEW])
    before = rows(sql, "acme")
    seen: list[tuple[int, bool]] = []

    def look(done: int, total: int) -> None:
        left = sql.execute("SELECT count(*) FROM audit_chain WHERE seq <= 20").get
        seen.append((left, (folder / "audit-acme-1-20.jsonl.gz").exists()))
        assert done <= total == 60

    retain(engine, archive=folder, batch_rows=5, monitor=Monitor(look))
    assert all(complete for left, complete in seen if left < 20)
    assert (20, False) in seen
    assert archived(folder / "audit-acme-1-20.jsonl.gz") == before[:20]


def test_a_run_cancelled_half_way_goes_on_with_another_archive(
    engine: Database, sql: apsw.Connection, folder: Path
) -> None:
    chains.append(sql, "acme", [old(30 - number) for number in range(20)])
    chains.append(sql, "acme", [NEW])

    def left() -> int:
        return int(sql.execute("SELECT count(*) FROM audit_chain WHERE seq <= 20").get)

    assert retain(
        engine, archive=folder, batch_rows=5, monitor=Monitor(cancelled=lambda: left() < 20)
    ).cancelled
    assert left() == 15
    retain(engine, archive=folder, batch_rows=5)
    assert {file.name for file in folder.iterdir()} == {
        "audit-acme-1-20.jsonl.gz",
        "audit-acme-6-20.jsonl.gz",
    }
    assert [marker["archive"]["file"] for marker in markers(sql, "acme")] == [
        "audit-acme-1-20.jsonl.gz", *["audit-acme-6-20.jsonl.gz"] * 3
    ]  # fmt: skip


def copy_of(sql: apsw.Connection, path: Path) -> LocalDatabase:
    sql.execute("VACUUM INTO ?", (str(path),))
    return LocalDatabase(path)


@pytest.mark.slow
def test_the_same_entries_give_the_same_file_and_use_one_that_is_there(
    engine: Database, sql: apsw.Connection, folder: Path, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    copy = copy_of(sql, tmp_path / "copy.sqlite")
    retain(engine, archive=folder)
    (file,) = folder.iterdir()
    bytes_before, stat = file.read_bytes(), file.stat()
    with copy.connection_context():
        retain(copy, archive=folder)
        assert chains.markers(copy.connection(), "acme") == chains.markers(sql, "acme")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (bytes_before, stat.st_mtime_ns)
    assert list(folder.iterdir()) == [file]


def test_an_archive_packed_otherwise_is_used_as_it_is(
    engine: Database, sql: apsw.Connection, folder: Path, tmp_path: Path
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    copy = copy_of(sql, tmp_path / "copy.sqlite")
    retain(engine, archive=folder)
    (file,) = folder.iterdir()
    other = gzip.compress(gzip.decompress(file.read_bytes()), compresslevel=0, mtime=5)
    file.write_bytes(other)
    with copy.connection_context():
        retain(copy, archive=folder)
        assert markers(copy.connection(), "acme")[0]["archive"]["sha256"] == sha256(other).hexdigest()
    assert file.read_bytes() == other


@pytest.mark.parametrize("content", [b"", b"not an archive", gzip.compress(b'{"seq":1}\n', mtime=0)])
def test_another_file_of_that_name_is_never_overwritten(
    engine: Database, sql: apsw.Connection, folder: Path, content: bytes
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    file = folder / "audit-acme-1-2.jsonl.gz"
    file.write_bytes(content)
    with pytest.raises(ArchiveDiffers, match=r"holds other entries.*not overwritten"):
        retain(engine, archive=folder)
    assert file.read_bytes() == content
    assert list(folder.iterdir()) == [file]
    assert len(rows(sql, "acme")) == 3


def test_without_its_folder_nothing_goes(engine: Database, sql: apsw.Connection, tmp_path: Path) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    with pytest.raises(ArchiveUnusable, match="no such folder"):
        retain(engine, archive=tmp_path / "gone")
    assert len(rows(sql, "acme")) == 3
    assert not (tmp_path / "gone").exists()
    with pytest.raises(ArchiveUnusable, match="the folder that it would be in is not there"):
        make_folder(tmp_path / "gone" / "archive")
    assert make_folder(tmp_path / "gone") and not make_folder(tmp_path / "gone")


def test_columns_that_the_platform_does_not_have_are_kept(
    database: LocalDatabase, sql: apsw.Connection, folder: Path
) -> None:
    values = ["'région'", "x'00ff'", "0.1 + 0.2", "9007199254740993", "CAST(x'61ff' AS TEXT)", "NULL"]
    append(sql, ["{}"] * len(values))
    sql.execute("ALTER TABLE audit_chain ADD note; ALTER TABLE audit_chain ADD size AS (length(payload))")
    for seq, value in enumerate(values, 1):
        sql.execute(f"UPDATE audit_chain SET note = {value} WHERE seq = {seq}")
    assert retain(database, archive=folder).removed["audit_chain"] == len(values)
    (file,) = folder.iterdir()
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    kept = ["région", {"hex": "00ff"}, str(0.1 + 0.2), 9007199254740993, {"hex": "61ff"}, None]
    assert [line["others"] for line in lines] == [{"note": value} for value in kept]


FULL = """
import resource, signal, sys
from pathlib import Path
from models.local.database import LocalDatabase
from tests.fixtures.retaining import retain

database = LocalDatabase(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with database.connection_context():
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        folder = Path(sys.argv[2])
        retain(database, archive=folder)
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.mark.slow
def test_a_file_that_cannot_be_written_whole_removes_nothing(
    database: LocalDatabase, sql: apsw.Connection, folder: Path
) -> None:
    """A limit on the size of files stands in for a full disk: writing fails in the middle of the archive."""
    append(sql, (json.dumps(random.Random(number).randbytes(2_000).hex()) for number in range(100)))
    sql.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(database.path), str(folder)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(ArchiveNotWritten.__name__)
    assert "nothing was removed that is not in the archive" in done.stdout
    assert list(folder.iterdir()) == []
    assert len(rows(sql, "acme")) == 101


def test_entries_changed_after_they_were_proven_stay(
    engine: Database, database_path: Path, sql: apsw.Connection, folder: Path
) -> None:
    chains.append(sql, "acme", [old(3), old(2), NEW])
    other = apsw.Connection(str(database_path))

    def change(done: int, total: int) -> None:
        other.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 1")

    result = retain(engine, archive=folder, monitor=Monitor(change))
    assert [(left.tenant_id, left.seq) for left in result.left] == [("acme", 1)]
    assert len([row for row in rows(sql, "acme") if row[2] == "user_updated"]) == 3
    assert list(folder.iterdir()) == []


def test_what_a_process_that_died_left_half_written_is_cleared_away(
    engine: Database, sql: apsw.Connection, folder: Path
) -> None:
    stale, fresh, other = (folder / f"{UNFINISHED}{name}" for name in ("a_stale1", "a_fresh1", "a_other1"))
    for left, name in (
        (stale, "audit-acme-1-2.jsonl.gz"),
        (fresh, "audit-b-1-2.jsonl.gz"),
        (other, "a.sqlite"),
    ):
        left.mkdir(0o700)
        (left / name).touch()
        if left is not fresh:
            os.utime(left / name, (1, 1))
            os.utime(left, (1, 1))
    chains.append(sql, "acme", [old(3), old(2), NEW])
    retain(engine, archive=folder)
    assert {file.name for file in folder.iterdir()} == {fresh.name, other.name, "audit-acme-1-2.jsonl.gz"}


@pytest.mark.parametrize("tenant", ["a", "../x", "a" * 500, "ü" * 300, "a/b\\c:d*?", "-1-2", "%2F", "\n"])
def test_a_file_name_is_safe_for_any_tenant(tenant: str, folder: Path) -> None:
    name = archive_name(tenant, 1, 10**18)
    assert (folder / name).parent == folder
    (folder / name).touch()
    assert [file.name for file in folder.iterdir()] == [name]
    assert name.endswith("-1-1000000000000000000.jsonl.gz")


@pytest.mark.slow
def test_kill_at_any_moment_leaves_file_and_archive_one_chain(database_path: Path, folder: Path) -> None:
    sql = apsw.Connection(str(database_path))
    for number in range(400):
        chains.append(sql, ("acme", "globex", "tiny")[number % 3 if number % 5 else 0], [old(400 - number)])
    for tenant in ("acme", "globex", "tiny"):
        chains.append(sql, tenant, [NEW])
    sql.close()
    command = [sys.executable, "-m", "tests.fixtures.retaining", "kill", str(database_path)]
    done = subprocess.run(
        [*command, str(NOW), str(KILLS), "2", str(folder)],
        check=True, capture_output=True, text=True, timeout=120 + 5 * KILLS,
    )  # fmt: skip
    *found, killed = done.stdout.splitlines()
    assert found == []
    assert int(killed.removeprefix("killed ")) >= KILLS // 3


# an archived entry is judged by the rules that judge it in the file

TENANT = "tenant-00"


def found_in_archive(chain: ChainFile, folder: Path) -> set[str]:
    """The codes of what is found in an archive of all that the file holds."""
    last = chain.seqs()[-1]
    with InFile(chain.path).connect() as database:
        rows = [row for chunk in chunks(database, tenant=None, first=1, last=last) for row in chunk]
    packed = gzip.compress(b"".join(line for _, line in rows))
    reference = Reference(archive_name(TENANT, 1, last), sha256(packed).hexdigest())
    (folder / reference.file).write_bytes(packed)
    claim = Marker(last + 1, 1, last, len(rows), "0" * 64, NOW, reference)
    found = ArchiveReading(TENANT, reference, [claim])
    found.read(folder, lambda entries: None)
    assert found.entries == len(rows)
    return {str(finding.code) for finding in found.findings}


def errors(chain: ChainFile) -> set[str]:
    """The codes of what is wrong with the same entries in the file."""
    return {str(finding.code) for finding in chain.verify().findings if finding.is_error}


@pytest.fixture
def chain(tmp_path: Path) -> ChainFile:
    return ChainFile.build(tmp_path / "a.db", rows=6)


@pytest.mark.parametrize(
    "payload",
    ["{}", "no JSON", '{"a":NaN}', "[" * 2_000 + "]" * 2_000, '"\\u0000"', "1" * 5_000, "{", '{"a":1,}', ""],
)
def test_a_payload(chain: ChainFile, tmp_path: Path, payload: str) -> None:
    chain.append(TENANT, payload=payload)
    assert found_in_archive(chain, tmp_path) == errors(chain)


@pytest.mark.parametrize(
    "change",
    [
        "payload = CAST(x'7b227f00227d' AS TEXT)",
        "payload = CAST(x'ff00' AS TEXT)",
        "payload = CAST(payload AS BLOB)",
        "event_type = 'not a word'",
        "created_at = 1790000000.5",
        "hash = upper(hash)",
        "hash = CAST(hash AS BLOB)",
        "previous_hash = NULL",
    ],
)
def test_a_value_of_another_kind(chain: ChainFile, tmp_path: Path, change: str) -> None:
    if "NULL" in change:
        chain.run("PRAGMA writable_schema = 1")
        chain.run(
            "UPDATE sqlite_schema SET sql = replace(sql, 'previous_hash TEXT NOT NULL', 'previous_hash TEXT')"
            " WHERE name = 'audit_chain'"
        )
        chain.run("PRAGMA writable_schema = RESET")
    chain.run(f"UPDATE audit_chain SET {change} WHERE seq = 6")
    assert found_in_archive(chain, tmp_path) == errors(chain)


@pytest.mark.parametrize("change", [{"toSeq": 99}, {"count": 0}, {"lastHash": "A" * 64}, {"cutoff": 2**62}])
def test_a_marker_that_cannot_be_true(chain: ChainFile, tmp_path: Path, change: dict[str, object]) -> None:
    marker = {"fromSeq": 1, "toSeq": 2, "count": 2, "lastHash": "0" * 64, "cutoff": NOW - 90} | change
    chain.append(TENANT, "audit_pruned", json.dumps(marker))
    assert "MARKER" in codes(chain.verify())
    assert found_in_archive(chain, tmp_path) == {"MARKER"}


def test_a_sound_chain(chain: ChainFile, tmp_path: Path) -> None:

    assert found_in_archive(chain, tmp_path) == codes(chain.verify()) == set()
