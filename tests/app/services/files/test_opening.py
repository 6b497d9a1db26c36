"""Opening files of every kind: what opens, how, and the sentence when it does not."""

import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.files.describe import OpenedFile
from app.services.files.opening import NEWER, UTF_16, open_database, snapshot_copy
from app.services.opened import ASKED
from app.services.records.writing import commit
from models.errors import (
    AlreadyThere,
    CannotOpen,
    DamagedFile,
    EmptyFile,
    EncryptedFile,
    FileLocked,
    FileMissing,
    FileTooLarge,
    FolderGiven,
    LogLeftBehind,
    NewerFormat,
    NotADatabase,
    NotAllowed,
    ReadOnlyFile,
    SqlDump,
    StorageError,
    UnfinishedChange,
)
from models.files.at_path import LOG, sibling
from models.local.database import LocalDatabase
from tests.app.services.records.test_writing import creation, users_of
from tests.conftest import NOW
from tests.fixtures import gateway
from tests.fixtures.command import run
from tests.fixtures.connected import doctor_index, execute
from tests.fixtures.inserting import INTO_USERS

ROOT = Path(__file__).parents[4]
NOBODY = 65534


def set_mode(path: Path, mode: str) -> None:
    connection = apsw.Connection(str(path))
    assert connection.pragma("journal_mode", mode) == mode
    connection.close()


def write(opened: OpenedFile) -> None:
    with opened.database.connection_context():
        commit(opened.database, creation("u-1"), now=NOW)


def put_byte(path: Path, offset: int, value: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] = value
    path.write_bytes(data)


Hold = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Starts another program that runs statements on a file and keeps it open until the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path, *statements: str, kill: bool = False) -> subprocess.Popen[str]:
        code = (
            "import apsw, os, signal, sys\n"
            "c = apsw.Connection(sys.argv[1])\n"
            "for s in sys.argv[2:]: c.execute(s).fetchall()\n"
            f"if {kill}: os.kill(os.getpid(), signal.SIGKILL)\n"
            "print('ready', flush=True)\n"
            "sys.stdin.read()\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path), *statements],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == ("" if kill else "ready\n")
        started.append(process)
        return process

    yield start
    for process in started:
        process.communicate()


@pytest.fixture
def open_folder(database_path: Path) -> Iterator[Path]:
    """A folder that every user of the machine can reach, with the new file in it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(database_path, folder)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(path: Path, **options: bool) -> dict[str, object]:
    """How the file opens for a user without rights: root is stopped by no permission bit."""
    code = (
        "import json, os, sys\n"
        "from pathlib import Path\n"
        # What the program loads late: nobody may not read an interpreter that is root's.
        "import encodings.utf_16_be, encodings.utf_8_sig, psutil\n"
        "import app.services.chain.checkpoints.store, app.services.files.importing\n"
        "from models.errors import StorageError\n"
        "from app.services.files.opening import open_database\n"
        "from app.services.files.opening import open_by_copy, snapshot_copy\n"
        "from contextlib import ExitStack\n"
        "from app.services.files.exporting import Wanted\n"
        "from app.workers.export import export_database\n"
        "from models.files.atomic import unfinished\n"
        f"if os.getuid() == 0: os.setuid({NOBODY})\n"
        "path = Path(sys.argv[1])\n"
        "try:\n"
        "    o = open_database(path, **json.loads(sys.argv[2]))\n"
        "    out = {'readOnly': o.read_only, 'reason': o.read_only_reason, 'force': o.can_be_forced}\n"
        "    with o.database.connection_context():\n"  # as every job in the window does before it begins
        "        for _ in range(2): o.database.require_in_place(), o.database.outside_changes()\n"
        "except StorageError as error:\n"
        "    out = {'error': type(error).__name__, 'said': str(error)}\n"
        "if len(sys.argv) > 3:\n"
        "    snapshot_copy(path, Path(sys.argv[3]))\n"
        "    with ExitStack() as stack:\n"
        "        o = open_by_copy(path, stack)\n"
        "        with o.database.connection_context(): out['read'] = o.with_counts().rows['users']\n"
        "    with unfinished(Path(sys.argv[3] + '.sql')) as sql:\n"
        "        done = export_database(o.where, sql, Wanted(), replace=False, in_child=False)\n"
        "        out['exported'] = done.rows['users']\n"
        "print(json.dumps(out))\n"
    )
    arguments = [sys.executable, "-c", code, str(path), json.dumps(options)]
    target = Path(tempfile.gettempdir()) / f"{path.parent.name}-copy.sqlite"
    copy_wanted = options.pop("copy", False)
    arguments[4] = json.dumps(options)
    done = subprocess.run(
        arguments + ([str(target)] if copy_wanted else []),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    if copy_wanted:
        found["users"] = len(users_of(target))
        target.unlink()
    return found


# what opens


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_opens_for_writing(database_path: Path, mode: str) -> None:
    set_mode(database_path, mode)
    opened = open_database(database_path)
    assert (opened.read_only, opened.read_only_reason, opened.can_be_forced) == (False, None, False)
    assert opened.journal_mode == mode
    assert opened.size == database_path.stat().st_size
    assert opened.schema.matches
    write(opened)
    assert len(users_of(database_path)) == 1


def test_read_only_is_read_only(database_path: Path) -> None:
    before = database_path.read_bytes()
    opened = open_database(database_path, read_only=True, force_writable=True)
    assert (opened.read_only, opened.read_only_reason) == (True, ASKED)
    with pytest.raises(ReadOnlyFile):
        write(opened)
    with opened.database.connection_context(), pytest.raises(apsw.ReadOnlyError):
        opened.database.connection().execute("DELETE FROM users").fetchall()
    assert database_path.read_bytes() == before


def test_another_schema_opens_and_is_named(database_path: Path) -> None:
    execute(database_path, "DROP TABLE notifications", "CREATE TABLE invoices (id TEXT)")
    opened = open_database(database_path)
    assert not opened.read_only
    assert opened.schema.missing_tables == ("notifications",)
    assert opened.schema.extra_tables == ("invoices",)


def test_what_wrangler_leaves_in_the_log_counts(database_path: Path, hold: Hold) -> None:
    hold(database_path, "PRAGMA wal_autocheckpoint=0", "CREATE TABLE invoices (id TEXT)", kill=True)
    size = sum(database_path.with_name(database_path.name + end).stat().st_size for end in ("", "-wal"))
    opened = open_database(database_path)
    assert not opened.read_only
    assert opened.schema.extra_tables == ("invoices",)
    assert opened.size == size


def test_what_stands_in_for_a_table_makes_it_read_only_whatever_is_asked(database_path: Path) -> None:
    execute(database_path, "CREATE TRIGGER spy AFTER INSERT ON users BEGIN DELETE FROM audit_chain; END")
    for options in ({}, {"force_writable": True}, {"read_only": True}):
        opened = open_database(database_path, **options)
        assert opened.read_only
        assert opened.read_only_reason == "it holds trigger spy, which could change what a write means"
        assert not opened.can_be_forced
        with pytest.raises(NotAllowed, match="The table users has a trigger"):
            write(opened)


def test_a_newer_format_that_can_be_read_opens_read_only(database_path: Path) -> None:
    set_mode(database_path, "delete")
    put_byte(database_path, 18, 3)
    for asked in (False, True):
        assert open_database(database_path, read_only=asked).read_only_reason == NEWER


def test_a_text_that_is_no_utf8_does_not_keep_the_file_from_opening(database_path: Path) -> None:
    execute(database_path, INTO_USERS + "(CAST(x'ff41' AS TEXT), 't', 'e', NULL, 1, 1)")
    assert not open_database(database_path).read_only


# what another program has open


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_in_use_opens_read_only_until_the_person_decides(
    database_path: Path, hold: Hold, mode: str
) -> None:
    set_mode(database_path, mode)
    holder = hold(database_path, "SELECT count(*) FROM users")
    opened = open_database(database_path)
    assert opened.read_only
    assert opened.can_be_forced
    assert opened.read_only_reason is not None
    assert re.fullmatch(rf"python\S* \(pid {holder.pid}\) has it open", opened.read_only_reason)
    with pytest.raises(ReadOnlyFile):
        write(opened)

    forced = open_database(database_path, force_writable=True)
    assert not forced.read_only
    write(forced)
    holder.communicate()
    assert not open_database(database_path).read_only


def test_our_own_connections_are_not_another_program(database: LocalDatabase, database_path: Path) -> None:
    opened = open_database(database_path)
    assert not opened.read_only


@pytest.mark.slow
def test_looking_who_has_it_open_drops_no_lock_of_ours(database_path: Path, hold: Hold) -> None:
    set_mode(database_path, "delete")
    mine = apsw.Connection(str(database_path))
    mine.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileLocked):
        open_database(database_path)
    code = (
        "import apsw, sys\n"
        "try: apsw.Connection(sys.argv[1]).execute('SELECT * FROM users').fetchall()\n"
        "except apsw.BusyError: print('locked')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(database_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "locked\n"
    mine.execute("ROLLBACK")


@pytest.mark.slow
def test_another_user_s_program_is_known_by_its_locks(open_folder: Path, hold: Hold) -> None:
    path = open_folder / "foundation.sqlite"
    open_folder.chmod(0o777)
    holder = hold(path, "SELECT count(*) FROM users")
    for item in open_folder.iterdir():
        item.chmod(0o666)
    found = as_nobody(path)
    assert found["force"] is True
    assert f"(pid {holder.pid}) has it open" in str(found["reason"])


def test_a_wrangler_that_serves_the_folder_has_it_in_use(tmp_path: Path, database_path: Path) -> None:
    folder = tmp_path / "miniflare-D1DatabaseObject"
    folder.mkdir()
    path = database_path.rename(folder / "0f3a.sqlite")
    descriptor = os.open(folder, os.O_RDONLY)
    code = "import sys; print('ready', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=[descriptor],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(descriptor)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    assert open_database(path).can_be_forced
    holder.communicate()
    assert not open_database(path).read_only


@pytest.mark.slow
def test_a_locked_file_names_who_locks_it(database_path: Path, hold: Hold) -> None:
    set_mode(database_path, "delete")
    holder = hold(database_path, "BEGIN EXCLUSIVE")
    who = rf"in use by python\S* \(pid {holder.pid}\)"
    for options in ({}, {"read_only": True}, {"force_writable": True}):
        with pytest.raises(FileLocked, match=who):
            open_database(database_path, **options)
    assert re.search(who, str(InFile(database_path).known(apsw.BusyError()))), "as a verification says it"


def test_changes_from_outside_are_noticed(database_path: Path) -> None:
    opened = open_database(database_path)
    with opened.database.connection_context():
        before = opened.database.outside_changes()
        assert opened.database.outside_changes() == before
        commit(opened.database, creation("u-1"), now=NOW)
        assert opened.database.outside_changes() == before  # our own
        execute(database_path, "UPDATE users SET email = 'x'")
        assert opened.database.outside_changes() != before


# what the permissions allow


@pytest.mark.slow
def test_a_file_without_write_permission_opens_read_only(open_folder: Path) -> None:
    path = open_folder / "foundation.sqlite"
    open_folder.chmod(0o777)
    path.chmod(0o444)
    for options in ({}, {"force_writable": True}, {"read_only": True}):
        found = as_nobody(path, **options)
        assert found == {"readOnly": True, "reason": "its permissions do not allow writing", "force": False}


@pytest.mark.slow
def test_a_folder_without_write_permission_opens_read_only_outside_wal(open_folder: Path) -> None:
    path = open_folder / "foundation.sqlite"
    set_mode(path, "delete")
    path.chmod(0o666)
    open_folder.chmod(0o555)
    found = as_nobody(path)
    assert found["readOnly"] is True
    assert "its folder cannot be written" in str(found["reason"])


@pytest.mark.slow
@pytest.mark.parametrize("with_log", [False, True])
def test_a_wal_file_in_such_a_folder_needs_a_copy_and_the_copy_is_whole(
    open_folder: Path, hold: Hold, with_log: bool
) -> None:
    path = open_folder / "foundation.sqlite"
    write(open_database(path))
    if with_log:
        hold(path, INTO_USERS + "('u-2', 't', 'e', NULL, 1, 1)", kill=True)
        path.with_name(f"{path.name}-shm").unlink()
    for item in open_folder.iterdir():
        item.chmod(0o444)
    open_folder.chmod(0o555)
    before = sorted(item.name for item in open_folder.iterdir())
    found = as_nobody(path, copy=True)
    assert found["error"] == "NeedsCopy"
    assert "Open a copy of it instead" in str(found["said"])
    assert found["users"] == (2 if with_log else 1)
    assert found["read"] == found["exported"] == found["users"]
    assert sorted(item.name for item in open_folder.iterdir()) == before


@pytest.mark.slow
def test_a_file_that_may_not_be_read_is_said(open_folder: Path) -> None:
    path = open_folder / "foundation.sqlite"
    path.chmod(0o000)
    found = as_nobody(path)
    assert found["error"] == CannotOpen.__name__
    path.chmod(0o644)
    open_folder.chmod(0o000)
    assert as_nobody(path)["error"] == CannotOpen.__name__


# what does not open

NOISE = random.Random(7).randbytes(8192)
DUMP = "PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE users (id TEXT PRIMARY KEY);\n"


@pytest.mark.parametrize(
    ("content", "expected", "said"),
    [
        (b"", EmptyFile, "is empty"),
        (b"hello, this is a letter\n" * 300, NotADatabase, "is not a SQLite database"),
        (b"\x89PNG\r\n\x1a\n" + NOISE[8:], NotADatabase, "is not a SQLite database"),
        (NOISE[:100], NotADatabase, "is not a SQLite database"),
        (DUMP.encode(), SqlDump, "is an SQL dump"),
        (b"\xef\xbb\xbf-- a comment\n" + DUMP.encode(), SqlDump, "is an SQL dump"),
        (b"\n\n/* Ada */ INSERT INTO users VALUES (1);", SqlDump, "is an SQL dump"),
        (NOISE, EncryptedFile, "looks like an encrypted database"),
        (NOISE[:16] + b"\x10\x00\x02\x02\x00\x40\x20\x20" + NOISE[24:], EncryptedFile, "encrypted"),
        (b"SQLite format 3\0" + NOISE[16:], DamagedFile, "is damaged"),
        (b"SQLite format 3\0", DamagedFile, "is damaged"),
        (bytes(4096), NotADatabase, "is not a SQLite database"),
    ],
)
def test_a_file_of_something_else(
    tmp_path: Path, content: bytes, expected: type[StorageError], said: str
) -> None:
    path = tmp_path / "given.sqlite"
    path.write_bytes(content)
    for options in ({}, {"read_only": True}, {"force_writable": True}):
        with pytest.raises(StorageError, match=rf"given\.sqlite.*{said}") as caught:
            open_database(path, **options)
        assert type(caught.value) is expected
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_there_a_folder_and_a_device(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        open_database(tmp_path / "nothing.sqlite")
    with pytest.raises(FileMissing):
        open_database(tmp_path / "no folder" / "nothing.sqlite")
    with pytest.raises(FileMissing):
        open_database(tmp_path / ("x" * 300))
    with pytest.raises(FileMissing):
        open_database(Path("a\0b"))
    with pytest.raises(FolderGiven, match="is not a file"):
        open_database(tmp_path)
    with pytest.raises(FolderGiven):
        open_database(Path("/dev/null"))
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "gone")
    with pytest.raises(FileMissing):
        open_database(tmp_path / "link.sqlite")
    assert [item.name for item in tmp_path.iterdir()] == ["link.sqlite"]


@pytest.mark.parametrize(("offset", "expected"), [(19, NewerFormat), (47, NewerFormat)])
def test_a_newer_format_is_said(database_path: Path, offset: int, expected: type[StorageError]) -> None:
    set_mode(database_path, "delete")
    put_byte(database_path, offset, 9)
    with pytest.raises(expected, match="newer SQLite format"):
        open_database(database_path)


def test_damage_is_said_and_the_file_left_alone(database_path: Path) -> None:
    set_mode(database_path, "delete")
    whole = database_path.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    damaged = {
        "cut in the middle": whole[: len(whole) // page // 2 * page],
        "first page overwritten": whole[:100] + b"\xff" * (page - 100) + whole[page:],
        "every page but the first overwritten": whole[:page] + b"\xff" * (len(whole) - page),
        "schema text that is no UTF-8": whole.replace(b"CREATE TABLE users", b"CREATE TABLE us\xffrs"),
    }
    for how, content in damaged.items():
        database_path.write_bytes(content)
        with pytest.raises(DamagedFile, match=r"foundation\.sqlite is damaged"):
            open_database(database_path)
        assert database_path.read_bytes() == content, how


@pytest.mark.slow
def test_mutated_files_open_or_say_so(database_path: Path, tmp_path: Path) -> None:
    """Whatever a byte is turned into, there is an opened file or a sentence, never another exception."""
    write(open_database(database_path))
    set_mode(database_path, "delete")
    whole = database_path.read_bytes()
    rng = random.Random(11)
    path = tmp_path / "mutant.sqlite"
    outcomes: dict[str, int] = {}
    for _ in range(int(os.environ.get("TENANT_ADMIN_MUTANTS", "60"))):
        mutant = bytearray(whole)
        for _ in range(rng.randint(1, 40)):
            mutant[rng.randrange(min(len(mutant), 3 * 4096))] = rng.randrange(256)
        path.write_bytes(mutant)
        try:
            open_database(path, read_only=True)
        except StorageError as error:
            outcomes[type(error).__name__] = outcomes.get(type(error).__name__, 0) + 1
        else:
            outcomes["opened"] = outcomes.get("opened", 0) + 1
        assert path.read_bytes() == mutant
    assert outcomes["opened"] > 0
    assert outcomes[DamagedFile.__name__] > 0


@pytest.mark.slow
def test_an_unfinished_change_is_put_right_only_by_a_writer(database_path: Path, hold: Hold) -> None:
    set_mode(database_path, "delete")
    write(open_database(database_path))
    hold(
        database_path,
        "PRAGMA cache_size=1",
        "BEGIN",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'x' || i, 't', 'e', 1, 1 FROM n",
        kill=True,
    )
    before = database_path.read_bytes()
    with pytest.raises(UnfinishedChange, match="in the middle of a change"):
        open_database(database_path, read_only=True)
    assert database_path.read_bytes() == before
    copy = snapshot_copy(database_path, database_path.with_name("copy.sqlite"))
    assert len(users_of(copy)) == 1
    assert database_path.read_bytes() == before
    assert not open_database(database_path).read_only
    assert len(users_of(database_path)) == 1


# copies


def test_a_copy_holds_what_the_log_holds_and_is_one_file(database_path: Path, tmp_path: Path) -> None:
    writer = apsw.Connection(str(database_path))
    writer.execute(INTO_USERS + "('u-1', 't', 'e', NULL, 1, 1)").fetchall()
    folder = tmp_path / "copies"
    folder.mkdir()
    copy = snapshot_copy(database_path, folder / "copy.sqlite")
    assert list(folder.iterdir()) == [copy]
    assert len(users_of(copy)) == 1
    assert not open_database(copy).read_only
    with pytest.raises(AlreadyThere, match="already a file"):
        snapshot_copy(database_path, copy)
    assert len(users_of(copy)) == 1


def test_a_copy_without_its_log_is_no_empty_database(tmp_path: Path) -> None:
    """For no command: what it holds is in the log that was left behind, or cut off before a commit."""
    path, copied = tmp_path / "foundation.sqlite", tmp_path / "copied.sqlite"
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "wal")
        connection.pragma("wal_autocheckpoint", 0)
        connection.execute("CREATE TABLE users(id)")
        shutil.copy(path, copied)
        log = sibling(path, LOG).read_bytes()
        assert open_database(path).schema.columns == {"users": ("id",)}
    assert len(log) == 8_272
    before = copied.read_bytes()
    with pytest.raises(LogLeftBehind, match="copied without its write-ahead log"):
        open_database(copied)
    for command in ("verify", "checkpoint", "migrate", "retention"):
        done = run(command, copied, home=tmp_path / "home")
        assert (done.returncode, "copied without its write-ahead log" in done.stderr) == (2, True), command
    for size in (0, 32, 3_000, 4_152, 8_271):  # a head, the first frame, all of the second but a byte
        sibling(copied, LOG).write_bytes(log[:size])
        with pytest.raises(LogLeftBehind):
            open_database(copied)
    assert copied.read_bytes() == before
    sibling(copied, LOG).write_bytes(log)
    assert open_database(copied).schema.columns == {"users": ("id",)}


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        snapshot_copy(tmp_path / "nothing.sqlite", tmp_path / "copy.sqlite")
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"SQLite format 3\0" + NOISE)
    with pytest.raises(StorageError):
        snapshot_copy(damaged, tmp_path / "copy.sqlite")
    assert list(tmp_path.iterdir()) == [damaged]


def test_a_copy_of_a_file_that_does_not_hold_names_the_file(database_path: Path, tmp_path: Path) -> None:
    """Not the copy, which was not made."""
    execute(database_path, INTO_USERS + "('u', 'acme', 'u@acme.example', NULL, 1, 1)")
    made = "CREATE INDEX hides ON users(tenant_id)"
    doctor_index(database_path, f"{made} WHERE id = ''", made)
    with pytest.raises(DamagedFile, match=f"^{database_path.name} is damaged"):
        snapshot_copy(database_path, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


def test_a_file_of_no_bytes_is_empty_to_all_that_read_it(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(EmptyFile):
        snapshot_copy(tmp_path / "empty.sqlite", tmp_path / "copy.sqlite")
    done = run("verify", tmp_path / "empty.sqlite")
    assert (done.returncode, "empty.sqlite is empty" in done.stderr) == (2, True)
    assert [file.name for file in tmp_path.iterdir()] == ["empty.sqlite"]


def test_what_fails_in_writing_a_copy_is_said_of_the_copy(database_path: Path, tmp_path: Path) -> None:
    """The file may lie on a disk that has room."""
    execute(database_path, "CREATE TABLE large AS SELECT zeroblob(1000000) AS a")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(FileTooLarge, match=r"^copy\.sqlite could not be written, .* the 500,000 bytes"):
            snapshot_copy(database_path, tmp_path / "copy.sqlite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "copy.sqlite").exists()


def test_a_link_is_followed_once_where_it_enters(database_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "link.sqlite"
    link.symlink_to(database_path)
    opened = open_database(link)
    assert opened.path == database_path.resolve()
    assert run("checkpoint", link, home=tmp_path / "home").returncode == 0
    done = run("migrate", link)
    assert (done.returncode, done.stdout) == (0, "nothing to apply\n"), done.stderr
    assert [item.name for item in folder.iterdir()] == ["link.sqlite"]


def test_text_in_another_encoding_is_not_changed(tmp_path: Path) -> None:
    """What is no text of that encoding is not read back as it is, so an act could not be undone."""
    path = tmp_path / "utf16.sqlite"
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("encoding", "UTF-16le")
        connection.execute(gateway.SCHEMA)
        connection.execute("INSERT INTO users (id, tenant_id, email, created_at) VALUES ('u', 'zoë', 'e', 1)")
    for asked in (False, True):
        opened = open_database(path, read_only=asked)
        assert (opened.read_only_reason, opened.tenants) == (UTF_16, ("aurora", "default", "zoë"))


@pytest.mark.parametrize("made", ["readable", "damaged"])
def test_a_log_of_another_file_is_not_folded_into_the_one_that_is_looked_at(
    database_path: Path, tmp_path: Path, made: str
) -> None:
    """As one that was left beside a copy put back: what either holds by itself is lost then."""
    set_mode(database_path, "wal")
    with closing(apsw.Connection(str(tmp_path / "other"))) as other:
        other.pragma("journal_mode", "wal")
        if made == "damaged":  # what its log does not hold lies where the file has ended
            fill = "INSERT INTO fill SELECT zeroblob(400000); CREATE TABLE users (id TEXT PRIMARY KEY)"
            other.execute(f"CREATE TABLE fill (x); {fill}")
            other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        other.execute("CREATE TABLE readable (x)")
        shutil.copyfile(tmp_path / "other-wal", sibling(database_path, LOG))
    before = database_path.read_bytes(), sibling(database_path, LOG).read_bytes()
    with pytest.raises(DamagedFile, match="-wal") if made == "damaged" else nullcontext():
        assert open_database(database_path).read_only
    assert (database_path.read_bytes(), sibling(database_path, LOG).read_bytes()) == before
