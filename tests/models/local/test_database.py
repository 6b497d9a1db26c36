"""The file as it is opened and written: settings that hold, locks, files that move away."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from peewee import SQL

from models.engine import Statement, raw
from models.errors import (
    CannotOpen,
    ColumnMissing,
    DamagedFile,
    FileEmptied,
    FileLocked,
    FileMissing,
    FileMoved,
    FileReplaced,
    LogIndexMissing,
    LogMissing,
    NotADatabase,
    ReadOnlyFile,
    RowChanged,
    TableMissing,
    UndecodableText,
)
from models.files.at_path import traces
from models.local.database import LIMITS, PRAGMAS, LocalDatabase
from models.tables import Notification, User
from tests.fixtures import chains
from tests.fixtures.connected import connected
from tests.fixtures.inserting import INTO_USERS

NOW = 1_795_000_000


def insertion(user_id: str, email: str = "ada@example.org") -> Statement:
    values: dict[Any, Any] = {"id": user_id, "tenant_id": "acme-corp", "email": email}
    return Statement(User.insert({**values, "created_at": NOW, "updated_at": NOW}))


def test_a_write_of_many_is_all_or_none_and_counts_each(database: LocalDatabase) -> None:
    sql = (
        "INSERT OR IGNORE INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, 'a', ?, 1, 1)"
    )
    many = [(f"u-{number:04}", f"{number}@x") for number in range(1_203)]
    database.run_batch([Statement(raw(sql, *many[0]), many=many)])
    assert emails(database) == [email for _, email in many]
    with pytest.raises(RowChanged):
        database.run_batch([Statement(raw(sql, "v", "v@x"), many=[("v", "v@x"), many[7]])])
    assert len(emails(database)) == 1_203


def emails(database: LocalDatabase) -> list[str]:
    return [row[0] for row in database.rows(User.select(User.email).order_by(User.id).tuples())]


@pytest.mark.parametrize("has_other", [False, True])
@pytest.mark.parametrize("writes", [False, True])
def test_while_it_is_closed_only_a_write_counts_as_one(
    database_path: Path, has_other: bool, writes: bool
) -> None:
    database = LocalDatabase(database_path)
    with ExitStack() as stack, closing(apsw.Connection(str(database_path))) as other:
        stack.enter_context(database.connection_context())
        before = database.outside_changes()
        database.run_batch([insertion("u-1")])
        other.execute("SELECT count(*) FROM users").fetchall()
        if not has_other:
            other.close()
        back = database.leave(stack.close)
        with closing(apsw.Connection(str(database_path))) as looking:
            looking.execute("SELECT count(*) FROM users").fetchall()
            if writes:
                looking.execute("UPDATE users SET email = 'x'")
        other.close()  # which folds the log back, where it is the last
        back()
        with database.connection_context():
            assert (database.outside_changes() != before) == writes
            assert database.outside_changes() == database.outside_changes()


@pytest.mark.parametrize("read_only", [False, True])
def test_every_connection_has_the_settings_that_protect_the_file(
    database_path: Path, read_only: bool
) -> None:
    with connected(database_path, read_only=read_only) as database:
        connection = database.connection()
        assert {name: connection.pragma(name) for name, _ in PRAGMAS} == dict(PRAGMAS)
        assert connection.pragma("query_only") == int(read_only)
        assert connection.readonly("main") is read_only
        assert connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1
        assert connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1) == 0
        assert {limit: connection.limit(limit) for limit, _ in LIMITS} == dict(LIMITS)
        if not read_only:
            connection.execute("VACUUM").fetchall()
        with pytest.raises(apsw.SQLError, match="not authorized"):
            connection.execute("SELECT load_extension('nothing')")


def test_a_mistyped_path_creates_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "foundatoin.sqlite"
    for read_only in (False, True):
        with pytest.raises(FileMissing, match=r"no file at .*foundatoin"):
            LocalDatabase(missing, read_only=read_only).connect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["with space?.sqlite", "ünïcode#%41.sqlite", "file:x.sqlite", "陽子.sqlite"])
def test_a_path_is_taken_literally(database_path: Path, name: str) -> None:
    odd = database_path.rename(database_path.with_name(name))
    for immutable in (False, True):
        with connected(odd, immutable=immutable) as database:
            assert emails(database) == []


def test_the_file_stays_the_same_when_the_working_folder_changes(
    database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(database_path.parent)
    database = LocalDatabase(Path(database_path.name))
    monkeypatch.chdir("/")
    with database.connection_context():
        assert emails(database) == []


def test_an_immutable_glance_leaves_nothing_beside_the_file(database_path: Path) -> None:
    before = sorted(database_path.parent.iterdir())
    with connected(database_path, immutable=True) as database:
        assert emails(database) == []
        with pytest.raises(ReadOnlyFile):
            database.run_batch([insertion("u-1")])
        assert sorted(database_path.parent.iterdir()) == before


def test_a_batch_is_all_or_nothing(database: LocalDatabase) -> None:
    database.run_batch([insertion("u-1", "a@x"), insertion("u-2", "b@x")])
    removal = Statement(User.delete().where(User.tenant_id == "acme-corp"), expect=None)
    with pytest.raises(RowChanged):
        database.run_batch([removal, Statement(User.delete().where(User.id == "u-1"))])
    assert emails(database) == ["a@x", "b@x"]
    database.run_batch([removal])
    assert emails(database) == []


def test_a_bug_in_a_batch_travels_on_and_rolls_back(database: LocalDatabase) -> None:
    with pytest.raises(apsw.SQLError, match="syntax error"):
        database.run_batch([insertion("u-1"), Statement(User.delete().where(SQL(")")))])
    assert emails(database) == []
    assert not database.connection().in_transaction


@pytest.mark.slow
def test_a_lock_is_said_with_the_name_of_the_program_that_holds_it(database_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import apsw, sys; c = apsw.Connection(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
            "print('locked', flush=True); sys.stdin.read()",
            str(database_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    with connected(database_path) as database:
        with pytest.raises(FileLocked, match=rf"in use by python.* \(pid {holder.pid}\)") as caught:
            database.run_batch([insertion("u-1")], cancelled=lambda: True)
        assert f"(pid {os.getpid()})" not in str(caught.value)
        holder.communicate()
        database.run_batch([insertion("u-1")])


def test_a_commit_outside_wal_waits_for_a_reader(database_path: Path) -> None:
    apsw.Connection(str(database_path)).pragma("journal_mode", "delete")
    database = LocalDatabase(database_path)
    reader = apsw.Connection(str(database_path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM users").fetchall()
    waits: list[int] = []

    def let_go_at_the_second_wait() -> bool:
        waits.append(1)
        if len(waits) == 2:
            reader.execute("COMMIT")
        return False

    with database.connection_context():
        database.connection().set_busy_timeout(10)
        database.run_batch([insertion("u-1")], cancelled=let_go_at_the_second_wait)
        assert emails(database) == ["ada@example.org"]
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchall()
        with pytest.raises(FileLocked):
            database.run_batch([insertion("u-2")], cancelled=lambda: True)
        reader.execute("COMMIT")
        assert emails(database) == ["ada@example.org"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_write_to_a_file_that_went_away_is_refused(database_path: Path, replaced: bool) -> None:
    with connected(database_path) as database:
        database.run_batch([insertion("u-1")])
        copy = database_path.read_bytes()
        database_path.rename(database_path.with_suffix(".moved"))
        if replaced:
            database_path.write_bytes(copy)
        # Which of the two it is, and no word of a file that never was.
        with pytest.raises(FileReplaced if replaced else FileMoved, match="since it was opened"):
            database.run_batch([insertion("u-2")])
        assert not database.connection().in_transaction
    with pytest.raises(FileReplaced if replaced else FileMoved), database.connection_context():
        raise AssertionError


def test_each_thread_has_its_own_connection(database_path: Path) -> None:
    database = LocalDatabase(database_path)
    found: list[bool] = []

    def other() -> None:
        with database.connection_context():
            found.append(database.connection() is mine)

    with database.connection_context():
        mine = database.connection()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [False]
    assert database.is_closed()


def test_what_is_no_database_or_damaged_is_said_at_once(tmp_path: Path, database_path: Path) -> None:
    noise = tmp_path / "noise.sqlite"
    noise.write_bytes(b"no database" * 1000)
    with pytest.raises(NotADatabase, match=r"noise\.sqlite is not a SQLite database"):
        LocalDatabase(noise).connect()
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(database_path.read_bytes()[:4096])
    database = LocalDatabase(cut)
    with pytest.raises(DamagedFile), database.connection_context():
        emails(database)


def test_text_that_is_no_utf8_reads_as_damage(database: LocalDatabase) -> None:
    database.connection().execute(INTO_USERS + "('u', 't', CAST(x'ff41' AS TEXT), NULL, 1, 1)").fetchall()
    with pytest.raises(UndecodableText):
        emails(database)
    with pytest.raises(UndecodableText):
        database.read_batch([User.select(User.id), User.select(User.email)])


COMPILING = """
import sys
from pathlib import Path
import apsw
from models.engine import raw
from models.local.database import LocalDatabase
database, other = LocalDatabase(Path(sys.argv[1])), apsw.Connection(sys.argv[1])
with database.connection_context():
    for name in "ab":
        database.read_batch([raw("SELECT count(*) FROM users"), raw("EXPLAIN DELETE FROM users WHERE 1")])
        other.execute(f"CREATE TABLE {name} (id)")
"""


def test_what_was_compiled_is_compiled_again_when_the_schema_changed(database_path: Path) -> None:
    command = [sys.executable, "-c", COMPILING, str(database_path)]  # what goes wrong ends the process
    subprocess.run(command, check=True)


def test_what_is_only_compiled_may_have_a_default_of_bad_utf_8(database: LocalDatabase) -> None:
    """Else a file in order is called damaged by each act that asks whether its rows could be put back."""
    database.connection().execute("CREATE TABLE t (a, b DEFAULT (CAST(x'72db6e' AS TEXT)))")
    compiled = [raw("EXPLAIN INSERT INTO t DEFAULT VALUES"), raw("SELECT count(*) FROM t")]
    assert database.read_batch(compiled) == [[], [(0,)]]
    with pytest.raises(TableMissing):
        database.read_batch([raw("EXPLAIN DELETE FROM missing WHERE 1")])


def test_missing_tables_and_columns_are_named(database: LocalDatabase) -> None:
    database.connection().execute("DROP TABLE notifications")
    database.connection().execute("DROP INDEX idx_users_email")
    database.connection().execute("ALTER TABLE users DROP COLUMN email")
    with pytest.raises(TableMissing, match="no table notifications"):
        database.rows(Notification.select().tuples())
    with pytest.raises(ColumnMissing, match=r"no column email\.$"):
        emails(database)
    with pytest.raises(ColumnMissing, match=r"no column users\.email"):
        database.run_batch([insertion("u-1")])


@pytest.mark.slow
def test_a_folder_that_cannot_be_entered_is_said(database_path: Path) -> None:
    folder = database_path.parent
    folder.chmod(0o755)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys\n"
            "from pathlib import Path\n"
            "from models.local.database import LocalDatabase\n"
            "if os.getuid() == 0: os.setuid(65534)\n"
            "try: LocalDatabase(Path(sys.argv[1])).connect()\n"
            "except Exception as error: print(type(error).__name__, error)\n",
            str(database_path),
        ],
        preexec_fn=lambda: folder.chmod(0o000),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    folder.chmod(0o755)
    assert done.stdout.startswith(CannotOpen.__name__), done
    assert "do not allow it" in done.stdout


def test_checkpoints_of_the_log_wait_for_a_calm_moment(database: LocalDatabase) -> None:
    log = database.path.with_name(database.path.name + "-wal")
    connection = database.connection()
    with database.calm_log() as fold_back:
        assert connection.pragma("wal_autocheckpoint") == 0
        database.run_batch([insertion("u1")])
        main_file = database.path.read_bytes()
        fold_back()
        assert database.path.read_bytes() != main_file
        assert log.stat().st_size
    assert connection.pragma("wal_autocheckpoint") == 1000
    assert not log.stat().st_size


@pytest.mark.parametrize(("mode", "meanwhile"), [("wal", 1), ("delete", 2)])
def test_only_a_log_spares_commits_the_wait_for_the_disk(
    database: LocalDatabase, mode: str, meanwhile: int
) -> None:
    connection = database.connection()
    connection.pragma("journal_mode", mode)
    with database.calm_log():
        assert connection.pragma("synchronous") == meanwhile
    assert connection.pragma("synchronous") == 2


def test_a_reader_of_the_log_keeps_nobody_waiting(database: LocalDatabase) -> None:
    reader = apsw.Connection(str(database.path))
    with database.calm_log() as fold_back:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM users").get == 0
        database.run_batch([insertion("u1")])
        fold_back()
    assert database.path.with_name(database.path.name + "-wal").stat().st_size
    assert reader.execute("SELECT count(*) FROM users").get == 0
    reader.close()
    assert emails(database) == ["ada@example.org"]


def _renamed(log: Path) -> None:
    log.rename(log.with_name("elsewhere"))


def _replaced(log: Path) -> None:
    held = log.read_bytes()
    log.unlink()
    log.write_bytes(held)


def _without_shared_memory(log: Path) -> None:
    log.unlink()
    log.with_name(log.name.removesuffix("-wal") + "-shm").unlink()


LOST_LOGS: list[Callable[[Path], object]] = [
    Path.unlink,
    _renamed,
    _replaced,
    _without_shared_memory,
    partial(os.truncate, length=0),
]


@pytest.mark.parametrize("lose", LOST_LOGS)
def test_nothing_is_acknowledged_that_goes_to_a_lost_log(
    database: LocalDatabase, lose: Callable[[Path], object]
) -> None:
    log = database.path.with_name(database.path.name + "-wal")
    database.run_batch([insertion("u-1")])
    lose(log)
    with pytest.raises(LogMissing, match=r"-wal\) was deleted, replaced or cut while"):
        database.run_batch([insertion("u-2")])
    assert not database.connection().in_transaction
    with pytest.raises(LogMissing):  # so that a person who only looks is told as well
        database.outside_changes()


CUT_INDEX = """
import os, sys
from pathlib import Path
from models.errors import LogIndexMissing
from models.local.database import LocalDatabase
from tests.models.local.test_database import emails, insertion
path, size = Path(sys.argv[1]), int(sys.argv[2])
database, other = LocalDatabase(path), LocalDatabase(path)
def refused(act):
    try:
        act()
    except LogIndexMissing as error:
        return str(error)
    return "nothing"
with database.connection_context():
    database.run_batch([insertion("u-1")])
    os.truncate(f"{path}-shm", size)
    for act in (
        lambda: emails(database),
        lambda: database.run_batch([insertion("u-2")]),
        database.outside_changes,
        database.require_in_place,
        other.connect,
    ):
        print(refused(act))
with database.connection_context():
    database.run_batch([insertion("u-3")])
    print(len(emails(database)))
"""


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_an_index_that_was_cut_ends_no_process(database_path: Path, size: int) -> None:
    """SQLite has it mapped: a read behind its end is SIGBUS."""
    command = [sys.executable, "-c", CUT_INDEX, str(database_path), str(size)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    *said, rows = ran.stdout.splitlines()
    assert len(said) == 5 and all("-shm) was deleted, replaced or cut while" in line for line in said)
    assert rows == "2"


def test_nothing_is_written_by_an_index_that_others_do_not_have(database: LocalDatabase) -> None:
    database.run_batch([insertion("u-1")])
    database.path.with_name(f"{database.path.name}-shm").unlink()
    with pytest.raises(LogIndexMissing):
        database.run_batch([insertion("u-2")])


def test_half_of_a_log_that_was_cut_does_not_come_into_the_file(database_path: Path) -> None:
    database, log = LocalDatabase(database_path), database_path.with_name(f"{database_path.name}-wal")
    with database.connection_context():
        database.run_batch([insertion("u-1")])
        os.truncate(log, log.stat().st_size // 2)
        before = database_path.read_bytes()
    assert database_path.read_bytes() == before


def test_nothing_is_acknowledged_that_goes_to_a_file_without_a_byte(database: LocalDatabase) -> None:
    database.run_batch([insertion("u-1")])
    os.truncate(database.path, 0)
    with pytest.raises(FileEmptied, match="was emptied by another program while it was open"):
        database.run_batch([insertion("u-2")])


def test_a_second_connection_does_not_write_beside_a_lost_log(database: LocalDatabase) -> None:
    database.run_batch([insertion("u-1")])
    database.path.with_name(database.path.name + "-wal").unlink()
    refused: list[bool] = []

    def write() -> None:
        with database.connection_context(), pytest.raises(LogMissing):
            database.run_batch([insertion("u-2")])
        refused.append(True)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert refused


def test_a_log_that_sqlite_itself_began_anew_is_no_lost_one(database: LocalDatabase) -> None:
    with closing(apsw.Connection(str(database.path))) as other:
        for number, mode in enumerate(("PASSIVE", "FULL", "RESTART", "TRUNCATE", "TRUNCATE")):
            database.run_batch([insertion(f"u-{number}")])
            other.wal_checkpoint(mode=getattr(apsw, f"SQLITE_CHECKPOINT_{mode}"))
        database.run_batch([insertion("last")])
    assert len(emails(database)) == 6


def test_a_file_may_change_to_a_log_and_back_between_two_writes(database_path: Path) -> None:
    database = LocalDatabase(database_path)
    for number, mode in enumerate(("delete", "wal", "delete", "wal")):
        with closing(apsw.Connection(str(database_path))) as connection:
            assert connection.pragma("journal_mode", mode) == mode
        with database.connection_context():
            database.run_batch([insertion(f"u-{number}")])
    with database.connection_context():
        assert len(emails(database)) == 4


def test_a_log_may_come_while_the_file_is_open(database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as connection:
        assert connection.pragma("journal_mode", "delete") == "delete"
    database = LocalDatabase(database_path)
    with database.connection_context(), closing(apsw.Connection(str(database_path))) as other:
        database.run_batch([insertion("u-1")])
        assert other.pragma("journal_mode", "wal") == "wal"
        database.run_batch([insertion("u-2")])
        database.run_batch([insertion("u-3")])
        database_path.with_name(database_path.name + "-wal").unlink()
        with pytest.raises(LogMissing):
            database.run_batch([insertion("u-4")])


def test_reading_leaves_nothing_beside_the_file(database_path: Path) -> None:
    before = traces(*database_path.parent.iterdir())
    with connected(database_path, read_only=True) as database:
        untouched = database.watch()
        assert emails(database) == [] and untouched()
    del untouched  # a connection of its own
    assert traces(*database_path.parent.iterdir()) == before


def test_reading_leaves_the_log_to_others_who_have_it_open(database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as other:
        with connected(database_path, read_only=True) as database:
            assert emails(database) == []
            other.execute("SELECT count(*) FROM users").fetchall()
        other.execute(INTO_USERS + "('u-1', 't', 'e', NULL, 1, 1)")
        with connected(database_path, read_only=True) as database:
            assert emails(database) == ["e"]
        assert Path(f"{database_path}-wal").stat().st_size


@pytest.mark.parametrize("changed", [False, True])
def test_the_log_that_a_last_reader_leaves_is_taken_away(database_path: Path, changed: bool) -> None:
    """A child that reads is ended after the window has closed the file."""
    log = Path(f"{database_path}-wal")
    with closing(apsw.Connection(str(database_path), apsw.SQLITE_OPEN_READONLY)) as child:
        with connected(database_path) as database:
            if changed:
                database.run_batch([insertion("u-1")])
            child.execute("SELECT count(*) FROM users").fetchall()
            database.release()
            assert log.exists()  # it is open here
        database.release()
        assert log.exists()  # and there
    assert log.exists()
    database.release()
    assert not log.exists() and not Path(f"{database_path}-shm").exists()
    with closing(apsw.Connection(str(database_path))) as after:
        assert after.execute("SELECT count(*) FROM users").fetchall() == [(int(changed),)]


@pytest.mark.parametrize(("mode", "suffix"), [("wal", ""), ("wal", "-wal"), ("delete", "")])
def test_a_watch_tells_of_bytes_written_past_the_engine(database_path: Path, mode: str, suffix: str) -> None:
    with closing(apsw.Connection(str(database_path))) as connection:
        assert connection.pragma("journal_mode", mode) == mode
    with connected(database_path) as database:
        database.run_batch([insertion("u-1")])
        untouched = database.watch()
        with closing(apsw.Connection(str(database_path))) as reader:
            assert reader.pragma("quick_check") == "ok"
        assert emails(database) == ["ada@example.org"] and untouched()
        file = Path(f"{database_path}{suffix}")
        before = file.stat()
        with file.open("r+b") as written:
            written.seek(-2, os.SEEK_END)
            written.write(b"ZZ")
        if not suffix:  # as somebody does who hides it
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not untouched()


def test_a_watch_tells_of_every_commit_and_of_a_file_that_moved(database_path: Path) -> None:
    database = LocalDatabase(database_path)
    untouched = database.watch()
    with database.connection_context():
        assert emails(database) == [] and untouched()
        database.run_batch([insertion("u-1")])  # our own
        assert not untouched()
    untouched = database.watch()
    assert untouched()
    with apsw.Connection(str(database_path)) as other:
        other.execute("UPDATE users SET email = 'x'")
    assert not untouched()
    untouched = database.watch()
    database_path.rename(database_path.with_name("moved.sqlite"))
    assert not untouched()


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist"])
def test_without_a_log_the_count_of_changes_tells_of_a_file_put_over_it(
    database_path: Path, tmp_path: Path, mode: str
) -> None:
    with closing(apsw.Connection(str(database_path))) as outside:
        assert outside.pragma("journal_mode", "delete") == "delete"
        older = shutil.copyfile(database_path, tmp_path / "older")
        outside.pragma("journal_mode", mode)
        with connected(database_path) as database:
            database.outside_changes()
            outside.execute("CREATE TABLE more (x)")
            database.outside_changes()
            database.run_batch([insertion("u-1")])
            database_path.touch()
            database.outside_changes()
            outside.execute("DROP TABLE more; VACUUM")
            database.outside_changes()
            with (  # which a restore does
                closing(apsw.Connection(str(older), flags=apsw.SQLITE_OPEN_READONLY)) as source,
                outside.backup("main", source, "main") as restored,
            ):
                restored.step(-1)
            database.run_batch([insertion("u-2")])
            database.outside_changes()
            kept = database_path.read_bytes()
            same_header = kept[:100] + older.read_bytes()[100:]
            for content in (older.read_bytes(), b"no database\n" * 5_000, same_header):
                database_path.write_bytes(content)
                for look in (database.outside_changes, lambda: database.run_batch([insertion("u-3")])):
                    with pytest.raises(FileReplaced):
                        look()
                assert database_path.read_bytes() == content
            database_path.write_bytes(kept)
            database.outside_changes()
            assert emails(database)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_what_is_put_over_the_file_just_behind_a_batch_is_met_by_the_next_one(
    database_path: Path, tmp_path: Path, mode: str
) -> None:
    with closing(apsw.Connection(str(database_path))) as outside:
        assert outside.pragma("journal_mode", mode) == mode
        older = shutil.copyfile(database_path, tmp_path / "older")
        outside.execute("CREATE TABLE more (x)")
    with connected(database_path) as database:
        for number in range(3):
            database.run_batch([insertion(f"u-{number}")])
        shutil.copyfile(older, database_path)
        with pytest.raises(FileReplaced):
            database.run_batch([insertion("u-3")])
        assert database_path.read_bytes() == older.read_bytes()


@pytest.mark.slow
def test_threads_look_at_a_log_side_by_side_while_another_one_writes(database_path: Path) -> None:
    wrong: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        with database.connection_context():
            while not done.is_set() and not wrong:
                try:
                    with suppress(FileLocked):
                        database.outside_changes()
                except BaseException as error:  # noqa: BLE001 - told below
                    wrong.append(error)

    with connected(database_path) as database:
        database.connection().pragma("wal_autocheckpoint", 100)  # so the log begins again, too
        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for number in range(250):
                database.run_batch([insertion(f"u-{number}")])
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert not wrong


class _Overtaken:
    """A connection behind whose count of the log's frames another one begins it again, once."""

    def __init__(self, connection: apsw.Connection, write: Callable[[], object]) -> None:
        self._connection, self._write = connection, [write]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def wal_checkpoint(self, *arguments: Any) -> tuple[int, int]:
        counts = self._connection.wal_checkpoint(*arguments)
        if self._write:
            self._write.pop()()
        return counts


def test_a_log_that_is_begun_again_while_it_is_counted_replaces_no_file(database_path: Path) -> None:
    """Where it has as many frames as the round before, which were folded, those of now pass for folded."""
    with connected(database_path) as database, closing(apsw.Connection(str(database_path))) as other:
        database.run_batch([insertion("u-1")])

        def write() -> None:
            for number in range(5):
                other.execute("UPDATE users SET email = ? WHERE id = 'u-1'", (f"{number}@example.com",))

        write()
        other.wal_checkpoint()
        write()
        other.wal_checkpoint()
        on_disk = database.on_disk
        on_disk.require_not_overwritten(cast(apsw.Connection, _Overtaken(database.connection(), write)))
        other.wal_checkpoint()
        on_disk.require_not_overwritten(database.connection())


@pytest.mark.slow
@pytest.mark.parametrize("other", ["later", "small", "text", "with its header", "while others write"])
def test_a_file_that_is_overwritten_in_its_place_is_no_more_the_one_that_was_opened(
    database_path: Path, tmp_path: Path, other: str
) -> None:
    later, small, text = (tmp_path / name for name in ("later", "small", "text"))
    text.write_text("no database\n" * 50_000)
    with closing(apsw.Connection(str(small))) as connection:
        connection.execute("CREATE TABLE small (x)")
    with connected(database_path) as database:
        database.outside_changes()
        with closing(apsw.Connection(str(database_path))) as outside:
            outside.execute("CREATE TABLE more (x)")
            database.outside_changes()
            database_path.touch()
            database.outside_changes()
            outside.wal_checkpoint()
            database.outside_changes()
            outside.execute(f"VACUUM INTO '{later}'")
        database_path.chmod(0o640)
        database.outside_changes()
        database.run_batch([insertion("u-1")])
        database.outside_changes()
        if other == "with its header":
            header = database_path.read_bytes()[:100]
            (tmp_path / other).write_bytes(header + later.read_bytes()[100:])
        with ExitStack() as stack:
            if other == "while others write":
                writer = stack.enter_context(closing(apsw.Connection(str(database_path))))
                writer.execute("BEGIN IMMEDIATE")
                shutil.copyfile(later, tmp_path / other)
            shutil.copyfile(tmp_path / other, database_path)
            content = database_path.read_bytes()
            looks = database.require_in_place, database.outside_changes, lambda: emails(database)
            for look in (*looks, lambda: database.run_batch([insertion("u-2")])):
                with pytest.raises(FileReplaced):
                    look()
        assert database_path.read_bytes() == content
        log = Path(f"{database_path}-wal")
        log.touch()  # as whoever opens what is there now does with its log
        for look in looks:
            with pytest.raises(FileReplaced):
                look()
    assert database_path.read_bytes() == content and not log.exists()
    assert log.with_name(f"{log.name}.replaced-1").exists()


def test_an_earlier_copy_is_noticed_that_differs_in_hardly_any_place(database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as outside:
        many = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)"
        outside.execute(f"CREATE TABLE more (x); INSERT INTO more {many} SELECT zeroblob(3000) FROM n")
        outside.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        earlier = database_path.read_bytes()
        outside.execute("UPDATE more SET x = zeroblob(2999) WHERE rowid = 501")
    with connected(database_path) as database:
        database.outside_changes()
        database_path.write_bytes(earlier)
        with pytest.raises(FileReplaced):
            database.run_batch([insertion("u-1")])
    assert database_path.read_bytes() == earlier


def test_an_earlier_copy_is_noticed_while_the_log_holds_changes(database_path: Path) -> None:
    """It fits together with the log no more: the row that it lacks stands in a page of that."""
    with closing(apsw.Connection(str(database_path))) as outside:
        many = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)"
        outside.execute("CREATE TABLE more (x); CREATE INDEX by_x ON more (x)")
        outside.execute(f"INSERT INTO more {many} SELECT format('%0100d', n * 7919 % 20011) FROM n")
        outside.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        earlier = database_path.read_bytes()
        outside.execute("INSERT INTO more VALUES (format('%0100d', 70))")
    with connected(database_path) as database:
        database.outside_changes()
        add = Statement(raw("INSERT INTO more VALUES (format('%0100d', 9000))"))
        database.run_batch([add])
        database_path.touch()
        database.run_batch([add])
        database_path.write_bytes(earlier)
        for look in (database.outside_changes, partial(database.run_batch, [add])):
            with pytest.raises(FileReplaced):
                look()
    assert database_path.read_bytes() == earlier


def test_nothing_is_written_to_a_file_that_was_replaced_in_the_wait_for_its_lock(
    database_path: Path, tmp_path: Path
) -> None:
    with closing(apsw.Connection(str(database_path))) as outside:
        outside.execute(f"CREATE TABLE more (x); VACUUM INTO '{tmp_path / 'other'}'")
        with connected(database_path) as database:
            database.run_batch([insertion("u-1")])
            outside.execute("BEGIN IMMEDIATE")

            def replaced() -> bool:
                if outside.in_transaction:
                    shutil.copyfile(tmp_path / "other", database_path)
                    outside.execute("ROLLBACK")
                return False

            with pytest.raises(FileReplaced):
                database.run_batch([insertion("u-2")], cancelled=replaced)
            outside.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)


def test_another_database_is_noticed_that_was_changed_more_often_than_this_one(
    database_path: Path, tmp_path: Path
) -> None:
    """Without a write-ahead log; what others do in the file itself is no other."""
    this, other = tmp_path / "this.sqlite", tmp_path / "other.sqlite"
    for path, tenant in ((this, "acme"), (other, "northwind")):
        shutil.copyfile(database_path, path)
        with closing(apsw.Connection(str(path))) as made:
            made.pragma("journal_mode", "delete")
            for at in range(NOW, NOW + 3 if path is this else NOW + 60):
                chains.append(made, tenant, [at])
    with connected(this) as database:
        database.outside_changes()
        with closing(apsw.Connection(str(this))) as outside:
            for change in (
                partial(chains.append, outside, "acme", [NOW + 9]),
                partial(outside.execute, "DELETE FROM audit_chain WHERE seq < 3"),
                partial(outside.execute, "DELETE FROM audit_chain"),
                partial(chains.append, outside, "acme", [NOW + 10]),
            ):
                change()
                database.outside_changes()
        shutil.copyfile(other, this)
        with pytest.raises(FileReplaced):
            database.outside_changes()


@pytest.mark.parametrize("calm", [False, True])
def test_a_file_that_is_overwritten_after_the_last_look_stays_as_it_is(
    database_path: Path, tmp_path: Path, calm: bool
) -> None:
    with closing(apsw.Connection(str(database_path))) as outside:
        outside.execute(f"CREATE TABLE more (x); VACUUM INTO '{tmp_path / 'other'}'")
    with connected(database_path) as database, database.calm_log() if calm else nullcontext():
        for number in range(3):
            database.run_batch([insertion(f"u-{number}")])
        shutil.copyfile(tmp_path / "other", database_path)
    assert database_path.read_bytes() == (tmp_path / "other").read_bytes()
    with closing(apsw.Connection(str(database_path))) as outside:
        assert outside.pragma("integrity_check") == "ok"


def test_a_file_whose_name_is_no_utf_8_is_looked_at_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"odd\xff.sqlite")
    for name in ("first", "second"):
        with closing(apsw.Connection(str(tmp_path / name))) as connection:
            connection.execute(f"CREATE TABLE {name} (x)")
    shutil.copyfile(tmp_path / "first", path)
    with connected(path) as database:
        assert database.outside_changes() == database.outside_changes()
        shutil.copyfile(tmp_path / "second", path)
        with pytest.raises(FileReplaced):
            database.outside_changes()


@pytest.mark.parametrize("first", [1, 2], ids=["with its header", "behind its header"])
def test_a_log_that_was_folded_in_halfway_leaves_the_file_what_it_was(
    database_path: Path, first: int
) -> None:
    """As by another program that was killed in its checkpoint: what is read is the same."""
    with connected(database_path) as database:
        for name in ("u-1", "u-2"):
            database.run_batch([insertion(name)])
            database.outside_changes()
        log = Path(f"{database_path}-wal").read_bytes()
        page = int.from_bytes(log[8:12], "big")
        frames = {}
        for at in range(32, len(log), 24 + page):
            frames[int.from_bytes(log[at : at + 4], "big")] = log[at + 24 : at + 24 + page]
        half = sorted(number for number in frames if number >= first)[: len(frames) // 2]
        assert half
        with database_path.open("r+b") as file:
            for number in half:
                file.seek((number - 1) * page)
                file.write(frames[number])
        database.outside_changes()
        database.run_batch([insertion("u-3")])
        assert len(emails(database)) == 3
        assert database.connection().execute("PRAGMA integrity_check").fetchall() == [("ok",)]
