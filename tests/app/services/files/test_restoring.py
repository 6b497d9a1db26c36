"""A restore: all of the copy or nothing, with a way back and an entry that says so."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.files import describe, opening, restoring
from app.services.files.describe import Common
from app.services.files.exporting import Wanted
from app.workers.export import export_database
from models.errors import AlreadyThere, Cancelled, DamagedFile, DiskFull, FileLocked, FileMissing, NotAllowed
from models.files.atomic import UNFINISHED
from models.local import copies
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.connected import execute
from tests.fixtures.dumping import write_dump
from tests.fixtures.gateway import append_by_tenant, create_planning, refer_to_tenants
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "12"))


def restore(live: Path, source: Path, scratch: Path) -> Path:
    scratch.mkdir(exist_ok=True)
    prepared = restoring.prepare(live, source, scratch)
    return restoring.restore(live, prepared, actor="ada", now=NOW)


def rows(path: Path) -> list[tuple[object, ...]]:
    return ask(path, "SELECT * FROM audit_chain ORDER BY seq") + ask(path, "SELECT * FROM users ORDER BY id")


def siblings(path: Path) -> list[str]:
    """What lies beside a file, but what SQLite makes when one looks at it."""
    names = (item.name for item in path.parent.iterdir())
    return sorted(name for name in names if not name.endswith(("-wal", "-shm")))


@pytest.mark.slow
def test_the_file_holds_the_copy_and_an_entry_that_says_so(live: Path, copy: Path, tmp_path: Path) -> None:
    before, wanted = rows(live), ask(copy, "SELECT * FROM audit_chain ORDER BY seq")
    kept = restore(live, copy, tmp_path / "scratch")
    assert list(live.parent.glob(f"{live.name}-*")) == [], "nothing of its own is left beside it"
    assert kept.name == "foundation.before-restore.20261118T110640Z.sqlite"
    assert rows(kept) == before
    now = ask(live, "SELECT * FROM audit_chain ORDER BY seq")
    assert now[:-1] == wanted
    _, tenant, kind, payload, *_ = now[-1]
    assert (tenant, kind) == ("system", "database_restored")
    assert json.loads(str(payload)) == {
        "actor": "ada",
        "source": "earlier.sqlite",
        "kept": kept.name,
        "entriesBefore": 300,
        "entriesAfter": 200,
    }
    assert ask(live, "SELECT * FROM users") == ask(copy, "SELECT * FROM users")
    assert chains.problems(apsw.Connection(str(live))) == []
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_rows_that_break_their_own_rules_are_copied_and_restored_whole(
    live: Path, copy: Path, tmp_path: Path
) -> None:
    with closing(apsw.Connection(str(copy))) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN badge INTEGER CHECK (badge > 0)")
        connection.execute("CREATE TABLE strict (x NOT NULL); INSERT INTO strict VALUES (1), (2)")
        connection.pragma("ignore_check_constraints", 1)
        connection.execute("UPDATE users SET badge = 0 WHERE rowid < 3")
        connection.execute("ALTER TABLE strict RENAME TO loose; PRAGMA writable_schema = 1")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'loose'")
    with closing(apsw.Connection(str(copy))) as connection:
        connection.execute("UPDATE loose SET x = NULL WHERE x = 1; PRAGMA writable_schema = 1")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'x', 'x NOT NULL') WHERE name = 'loose'"
        )
        connection.execute("PRAGMA writable_schema = RESET")
        found = {message for (message,) in connection.execute("PRAGMA integrity_check")}
        assert found == {"CHECK constraint failed in users", "NULL value in loose.x"}
    saved = opening.snapshot_copy(copy, tmp_path / "saved.sqlite")
    restore(live, saved, tmp_path / "scratch")
    for table in ("users", "loose"):
        assert ask(live, f"SELECT * FROM {table}") == ask(copy, f"SELECT * FROM {table}")


@pytest.mark.slow
def test_the_copy_that_was_kept_is_the_way_back(live: Path, copy: Path, tmp_path: Path) -> None:
    before = rows(live)
    kept = restore(live, copy, tmp_path / "one")
    restore(live, kept, tmp_path / "two")
    after = rows(live)
    assert after[:300] + after[301:] == before  # all of it, and the entry of the second restore


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_program_that_has_the_file_open_sees_the_new_content(
    live: Path, copy: Path, tmp_path: Path, mode: str
) -> None:
    ask(live, f"PRAGMA journal_mode = {mode}")
    other = apsw.Connection(str(live))
    assert other.execute("SELECT count(*) FROM audit_chain").get == 300
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    restoring.restore(live, restoring.prepare(live, copy, scratch), actor="ada", now=NOW, force=True)
    assert other.execute("SELECT count(*) FROM audit_chain").get == 201
    assert other.pragma("integrity_check") == "ok"


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_journal_mode_stays_the_file_s_own(live: Path, copy: Path, tmp_path: Path, mode: str) -> None:
    ask(live, f"PRAGMA journal_mode = {mode}")
    restore(live, copy, tmp_path / "scratch")
    assert ask(live, "PRAGMA journal_mode") == [(mode,)]


def test_rows_that_only_the_log_holds_are_kept(live: Path, copy: Path, tmp_path: Path) -> None:
    other = apsw.Connection(str(live))
    other.pragma("wal_autocheckpoint", 0)
    other.execute("INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES ('x','t','e',1,1)")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = restoring.prepare(live, copy, scratch)
    kept = restoring.restore(live, prepared, actor="ada", now=NOW, force=True)
    assert ask(kept, "SELECT count(*) FROM users WHERE id = 'x'") == [(1,)]
    assert ask(live, "SELECT count(*) FROM users WHERE id = 'x'") == [(0,)]


def test_a_copy_of_another_encoding_is_refused_before(live: Path, copy: Path, tmp_path: Path) -> None:
    """The file would be only read from then on."""
    with closing(apsw.Connection(str(tmp_path / "wide.sqlite"))) as wide:
        wide.pragma("encoding", "UTF-16le")
        wide.execute(write_dump(copy, tmp_path / "export.sql").read_text())
    with pytest.raises(NotAllowed, match=r"wide\.sqlite cannot be restored: its text is UTF-16"):
        restore(live, tmp_path / "wide.sqlite", tmp_path / "scratch")


@pytest.mark.parametrize("is_dump", [True, False])
def test_a_full_disk_is_the_one_of_the_file(
    live: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_dump: bool
) -> None:
    """What is prepared of the copy lies there; the copy's own may have room enough."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = write_dump(copy, tmp_path / "export.sql", d1=True) if is_dump else copy
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match=f"disk that holds {live.name} is full"):
        restoring.prepare(live, source, tmp_path / "scratch")


def test_the_gateway_goes_on_behind_the_entry_where_it_numbers_one_tenant(
    database_path: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copy(database_path, tmp_path / "copy.sqlite"))
    with closing(apsw.Connection(str(copy))) as sql:
        append_by_tenant(sql, "aurora", NOW, NOW)
    restore(database_path, copy, tmp_path / "scratch")
    with closing(apsw.Connection(str(database_path))) as sql:
        append_by_tenant(sql, "aurora", NOW)
    entries = ask(database_path, "SELECT tenant_id, event_type FROM audit_chain ORDER BY seq")
    assert entries[2:] == [("aurora", "database_restored"), ("aurora", "x")]


@pytest.mark.slow
@pytest.mark.parametrize("d1", [True, False])
def test_an_sql_dump_is_a_copy_too(live: Path, copy: Path, tmp_path: Path, d1: bool) -> None:
    restore(live, write_dump(copy, tmp_path / "export.sql", d1=d1), tmp_path / "scratch")
    entries = ask(live, "SELECT * FROM audit_chain ORDER BY seq")
    assert entries[:-1] == ask(copy, "SELECT * FROM audit_chain ORDER BY seq")
    assert ask(live, "SELECT * FROM users") == ask(copy, "SELECT * FROM users")


@pytest.mark.slow
@pytest.mark.parametrize("size", [512, 8192, 65536])
def test_a_copy_with_other_pages(live: Path, copy: Path, tmp_path: Path, size: int) -> None:
    connection = apsw.Connection(str(copy))
    connection.pragma("journal_mode", "delete")
    connection.pragma("page_size", size)
    connection.execute("VACUUM")
    connection.close()
    restore(live, copy, tmp_path / "scratch")
    assert count(live, "audit_chain") == 201
    assert apsw.Connection(str(live)).pragma("page_size") == 4096


def test_rows_that_both_have_and_that_differ_are_counted(live: Path, tmp_path: Path) -> None:
    copy = opening.snapshot_copy(live, tmp_path / "copy.sqlite")

    def common(scratch: str) -> Mapping[str, Common]:
        (tmp_path / scratch).mkdir()
        return restoring.compared(restoring.prepare(live, copy, tmp_path / scratch), live).common

    before, users = common("one"), count(live, "users")
    assert all(found == (count(live, table), 0) for table, found in before.items())
    assert {"users", "audit_chain", "notifications"} <= before.keys()
    execute(
        live,
        "UPDATE users SET email = upper(email) WHERE id IN (SELECT id FROM users LIMIT 2)",
        "UPDATE users SET id = 'another' WHERE id IN (SELECT id FROM users LIMIT 1 OFFSET 3)",
        "UPDATE audit_chain SET payload = CAST(payload AS BLOB) WHERE seq = 3",
        "ALTER TABLE notifications ADD note",
        "DELETE FROM webhook_destinations",
        "UPDATE planning_runs SET id = NULL WHERE id IN (SELECT id FROM planning_runs LIMIT 1)",
    )
    after = common("two")
    assert (after["users"], after["webhook_destinations"]) == ((users - 1, 2), (0, 0))
    assert after["audit_chain"].unlike == 1
    assert after["notifications"] == before["notifications"], "that has a column more now, without a value"
    assert after["planning_runs"] == (count(live, "planning_runs") - 1, 0), "of which a key tells nothing"
    execute(live, "UPDATE notifications SET note = 1 WHERE id IN (SELECT id FROM notifications LIMIT 3)")
    assert common("three")["notifications"].unlike == 3, "what is in it would go"


def test_rows_without_a_key_are_held_against_each_other_up_to_a_number(
    live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        live, "CREATE TABLE notes (id TEXT PRIMARY KEY, n)", "CREATE TABLE cased (Id TEXT PRIMARY KEY, Note)"
    )
    copy = opening.snapshot_copy(live, tmp_path / "copy.sqlite")
    execute(copy, "INSERT INTO notes VALUES (NULL, 1), (NULL, 1), (NULL, 'x'), (NULL, 'X'), (NULL, '2')")
    execute(live, "INSERT INTO notes VALUES (NULL, 1), (NULL, 1), (NULL, 1), (NULL, 'x'), (NULL, 2)")
    (tmp_path / "scratch").mkdir()
    execute(live, "INSERT INTO cased VALUES (1, 'a')")
    execute(copy, "DROP TABLE cased", "CREATE TABLE cased (id TEXT PRIMARY KEY, note)")
    execute(copy, "INSERT INTO cased VALUES (1, 'a')")
    prepared = restoring.prepare(live, copy, tmp_path / "scratch")
    assert restoring.compared(prepared, live).common["notes"] == (3, 0)
    assert restoring.compared(prepared, live).common["cased"] == (1, 0), "names have no case"
    monkeypatch.setattr(describe, "_MOST_ALIKE", 9)
    assert "notes" not in restoring.compared(prepared, live).common


@pytest.mark.slow
def test_a_damaged_file_can_be_restored(live: Path, copy: Path, tmp_path: Path) -> None:
    apsw.Connection(str(live)).pragma("journal_mode", "delete")
    pages = live.read_bytes()
    with live.open("r+b") as file:
        for page in range(3, len(pages) // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 300)
    kept = restore(live, copy, tmp_path / "scratch")
    assert count(live, "audit_chain") == 201
    assert kept.stat().st_size == len(pages)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda path: None, FileMissing, "no file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4080)), DamagedFile, "damaged"),
        (lambda path: apsw.Connection(str(path)).execute("CREATE TABLE t (x)"), NotAllowed, "no audit chain"),
    ],
)
def test_what_is_no_copy_changes_nothing(
    live: Path, tmp_path: Path, make: object, error: type[Exception], sentence: str
) -> None:
    source = tmp_path / "source.sqlite"
    make(source)  # type: ignore[operator]
    before, beside = rows(live), siblings(live)
    with pytest.raises(error, match=sentence):
        restore(live, source, tmp_path / "scratch")
    assert rows(live) == before
    assert siblings(live) == sorted({*beside, "scratch"})


def test_a_copy_with_a_trigger_is_refused(live: Path, copy: Path, tmp_path: Path) -> None:
    apsw.Connection(str(copy)).execute(
        "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM audit_chain; END"
    )
    with pytest.raises(NotAllowed, match="trigger t"):
        restore(live, copy, tmp_path / "scratch")


def test_a_copy_that_cannot_record_its_restore_is_refused(live: Path, tmp_path: Path) -> None:
    columns = "tenant_id, event_type, payload, previous_hash, hash, created_at"
    for name, made, said in (
        ("keyed.db", f"(seq INTEGER PRIMARY KEY, {columns}) WITHOUT ROWID", "does not have seq as the row's"),
        ("lacking.db", "(seq INTEGER PRIMARY KEY, tenant_id)", "has no column event_type"),
        ("made.db", f"(seq INTEGER PRIMARY KEY, {columns} AS (1))", "computes its column created_at"),
    ):
        apsw.Connection(str(tmp_path / name)).execute(f"CREATE TABLE audit_chain{made}")
        with pytest.raises(
            NotAllowed,
            match=rf"^The table audit_chain of {name} {said}.*nothing was restored. Import or copy it",
        ):
            restore(live, tmp_path / name, tmp_path / "scratch")
        assert opening.snapshot_copy(tmp_path / name, tmp_path / f"new {name}").exists()


def test_the_file_itself_is_no_copy(live: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite"
    link.symlink_to(live)
    with pytest.raises(NotAllowed, match="the file itself"):
        restore(live, link, tmp_path / "scratch")


def test_a_part_over_the_whole_says_that_others_go(live: Path, copy: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.sql"
    export_database(InFile(copy), part, Wanted("acme-corp"), replace=False, in_child=False)
    (tmp_path / "scratch").mkdir()
    prepared = restoring.prepare(live, part, tmp_path / "scratch")
    assert prepared.said == ["It is the part of acme-corp alone, as the dump says; the rows of others go."]


@pytest.mark.slow
def test_a_writer_that_does_not_end_is_waited_for_and_then_named(
    live: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PATIENCE", 0.3)
    before, beside = rows(live), siblings(live)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = restoring.prepare(live, copy, scratch)
    other = apsw.Connection(str(live))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FileLocked):
        restoring.restore(live, prepared, actor="ada", now=NOW, force=True)
    other.execute("COMMIT")
    other.close()
    assert rows(live) == before
    assert siblings(live) == sorted({*beside, "scratch"})


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_writer_that_ends_is_waited_for(live: Path, copy: Path, tmp_path: Path, mode: str) -> None:
    ask(live, f"PRAGMA journal_mode = {mode}")
    (tmp_path / "scratch").mkdir()
    prepared = restoring.prepare(live, copy, tmp_path / "scratch")
    other = apsw.Connection(str(live))
    other.execute("BEGIN IMMEDIATE; DELETE FROM users")

    def not_yet() -> bool:
        """Asked while it waits."""
        if other.in_transaction:
            other.execute("COMMIT")
        return False

    kept = restoring.restore(
        live, prepared, actor="ada", now=NOW, force=True, monitor=Monitor(cancelled=not_yet)
    )
    other.close()
    assert ask(kept, "SELECT count(*) FROM users") == [(0,)]
    assert ask(live, "SELECT * FROM users") == ask(copy, "SELECT * FROM users")
    assert ask(live, "PRAGMA journal_mode") == [(mode,)]


@pytest.mark.slow
def test_a_file_that_another_program_has_open_needs_a_word(live: Path, copy: Path, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import apsw, sys; c = apsw.Connection(sys.argv[1]); c.pragma('journal_mode');"
            "c.execute('SELECT 1 FROM users').get; print(1, flush=True); sys.stdin.read()",
            str(live),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None and holder.stdin is not None
    holder.stdout.readline()
    try:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        prepared = restoring.prepare(live, copy, scratch)
        with pytest.raises(NotAllowed, match="has it open"):
            restoring.restore(live, prepared, actor="ada", now=NOW)
        restoring.restore(live, prepared, actor="ada", now=NOW, force=True)
        assert count(live, "audit_chain") == 201
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


@pytest.mark.slow
def test_cancelled_halfway_changes_nothing(
    live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "PAGES", 500)
    source = sample(tmp_path / "large.sqlite", rows=10_000, tenants=2)
    before, beside = rows(live), siblings(live)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = restoring.prepare(live, source, scratch)
    seen: list[int] = []
    with pytest.raises(Cancelled):
        restoring.restore(
            live,
            prepared,
            actor="ada",
            now=NOW,
            monitor=Monitor(lambda done, total: seen.append(done), lambda: len(seen) > 1),
        )
    assert seen[-1] > 400
    assert rows(live) == before
    assert siblings(live) == sorted({*beside, "scratch"})


@pytest.mark.slow
def test_killed_at_any_moment_it_is_the_old_or_the_new(tmp_path: Path) -> None:
    sources = []
    for letter, number in (("a", 150), ("b", 250)):
        path = tmp_path / f"{letter}.sqlite"
        sample(path, rows=number, tenants=2)
        ask(path, "UPDATE users SET id = ? || id", letter)
        sources.append(path)
    live = tmp_path / "live"
    live.mkdir()
    sample(live / "live.sqlite", rows=100, tenants=2)
    command = [
        sys.executable,
        "-m",
        "tests.fixtures.restoring",
        str(live / "live.sqlite"),
        *map(str, sources),
    ]
    done = subprocess.run(
        [*command, str(KILLS), "1"], check=True, capture_output=True, text=True, timeout=120 + 5 * KILLS
    )
    assert 0 < int(done.stdout) <= KILLS


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [lambda data: bytes(100) + data[100:], lambda data: data[:700], lambda data: b"x" * 5000]
)
def test_a_file_that_is_no_database_any_more_can_be_restored(
    live: Path, copy: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    ask(live, "PRAGMA journal_mode = delete")
    broken = damage(live.read_bytes())
    live.write_bytes(broken)
    live.with_name("foundation.sqlite-wal").write_bytes(b"left behind")
    kept = restore(live, copy, tmp_path / "scratch")
    assert kept.read_bytes() == broken
    assert count(live, "audit_chain") == 201
    assert ask(live, "PRAGMA integrity_check") == [("ok",)]
    assert live.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_copy_in_a_folder_that_cannot_be_written(live: Path, copy: Path, tmp_path: Path) -> None:
    ask(copy, "PRAGMA journal_mode = wal")
    folder = tmp_path / "medium"
    folder.mkdir()
    there = folder / "monday.sqlite"
    held = apsw.Connection(str(copy))
    held.execute("INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES ('x','t','e',1,1)")
    for suffix in ("", "-wal"):
        there.with_name(there.name + suffix).write_bytes(copy.with_name(copy.name + suffix).read_bytes())
    folder.chmod(0o500)
    try:
        restore(live, there, tmp_path / "scratch")
    finally:
        folder.chmod(0o700)
    assert ask(live, "SELECT count(*) FROM users WHERE id = 'x'") == [(1,)]


def test_a_damaged_copy_is_called_by_its_own_name(live: Path, copy: Path, tmp_path: Path) -> None:
    ask(copy, "PRAGMA journal_mode = delete")
    data = bytearray(copy.read_bytes())
    for page in range(9, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    copy.write_bytes(data)
    with pytest.raises(DamagedFile, match=r"earlier\.sqlite is damaged"):
        restore(live, copy, tmp_path / "scratch")


def test_the_copy_of_the_old_content_has_its_name_only_when_it_is_whole(
    live: Path, copy: Path, tmp_path: Path
) -> None:
    """A restore that is killed before then leaves nothing of that name, and takes nobody else's."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = restoring.prepare(live, copy, scratch)
    other = live.with_name("foundation.before-restore.20261118T110640Z.sqlite")

    def announced() -> None:
        assert [*tmp_path.glob("foundation.before-restore.*")] == []
        other.write_bytes(b"of another")

    before = rows(live)
    with pytest.raises(AlreadyThere):
        restoring.restore(live, prepared, actor="ada", now=NOW, announce=announced)
    assert (rows(live), other.read_bytes()) == (before, b"of another")


@pytest.mark.slow
def test_interrupted_the_copy_of_the_old_content_stays(live: Path, copy: Path, tmp_path: Path) -> None:
    """An interrupt may come just behind the commit, so a finished way back is never taken away."""

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    before = rows(live)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = restoring.prepare(live, copy, scratch)
    with pytest.raises(KeyboardInterrupt):
        restoring.restore(live, prepared, actor="ada", now=NOW, monitor=Monitor(interrupt))
    assert rows(live) == before
    (kept,) = tmp_path.glob("foundation.before-restore.*")
    assert rows(kept) == before


def test_an_opened_file_is_freed_of_what_a_killed_restore_has_left(live: Path) -> None:
    left = live.parent / f"{UNFINISHED}k1lled_1"
    left.mkdir(0o700)
    os.utime(left, (1, 1))
    opening.open_database(live)
    assert not left.exists()


def test_a_restore_clears_away_what_a_killed_one_has_left(live: Path) -> None:
    left = live.parent / f"{UNFINISHED}k1lled_1"
    left.mkdir(0o700)
    (left / "yesterday.sqlite").touch()
    for part in (left / "yesterday.sqlite", left):
        os.utime(part, (1, 1))
    with restoring.scratch(live) as made:
        assert [item for item in live.parent.iterdir() if item.name.startswith(UNFINISHED)] == [Path(made)]


def test_a_copy_without_an_audit_chain_takes_no_chain_away(live: Path, tmp_path: Path) -> None:
    planning = create_planning(tmp_path / "planning.sqlite")
    before = rows(live)
    with pytest.raises(NotAllowed, match=r"no audit chain .*that of .* would be lost"):
        restore(live, planning, tmp_path / "scratch")
    assert rows(live) == before


def test_a_restore_that_could_not_be_recorded_is_foreseen(live: Path, copy: Path, tmp_path: Path) -> None:
    refer_to_tenants(copy, "acme")
    before = rows(live)
    with pytest.raises(NotAllowed, match=r"which has no id “system”.* Nothing was restored"):
        restore(live, copy, tmp_path / "scratch")
    assert rows(live) == before
