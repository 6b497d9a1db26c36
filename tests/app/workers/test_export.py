"""The export in a child process: the same bytes as in this one, and a target that is whole or not there."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app import paths
from app.services.chain.where import InFile
from app.services.files.exporting import Wanted
from app.services.files.importing import import_dump
from app.services.records import export
from app.services.records.export import Format, RowsWanted
from app.services.records.known import Known
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import Scope
from app.workers.child import BEHIND, CannotStart, ChildFailed, Children
from app.workers.export import export_database, export_rows
from models.errors import (
    AlreadyThere,
    BesideDatabase,
    Cancelled,
    CannotOpen,
    DamagedFile,
    DatabaseThere,
    DiskFull,
    FileMissing,
    InvalidInput,
    NotADatabase,
    RowChanged,
    TableMissing,
)
from models.local.database import LocalDatabase
from models.local.migrations import create_database
from models.progress import UNWATCHED, Monitor
from models.schema import inspect
from tests.conftest import NOW
from tests.fixtures.connected import connected, execute
from tests.fixtures.exporting import children, wait_for_end
from tests.fixtures.sample import sample
from tests.fixtures.stored import stored

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "72")) // 6

FULL = """
import resource, sys
from pathlib import Path
from app.services.chain.where import InFile
from app.services.files.exporting import Wanted
from app.workers.export import export_database
from models.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    where, out = InFile(Path(sys.argv[1])), Path(sys.argv[2])
    export_database(where, out, Wanted(), replace=True, in_child=sys.argv[3] == "1")
except StorageError as error:
    print(error)
"""
"""A limit on the size of files stands in for a disk that fills up."""

MANY = 100_000
"""Rows whose export takes about half a second, which whoever interrupts it has time for."""

NASTY = ("plain", "=1+1", "O'Brien", 'a "b", c', "line\nbreak", "é\u202ex", "nul\0byte")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.sqlite"
    create_database(path, paths.migrations_dir(), now=NOW)
    connection = apsw.Connection(str(path))
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO users (id, tenant_id, email, password_hash, created_at, updated_at)"
        " SELECT 'u' || i, 'tenant-' || i % 3, i || '@example.org', 'hidden-hash', i, i FROM n",
        (MANY,),
    )
    connection.close()
    return path


@pytest.fixture
def small(database_path: Path) -> Path:
    """A few users with all that is hard to write, one in bytes that are no UTF-8."""
    connection = apsw.Connection(str(database_path))
    connection.executemany(
        "INSERT INTO users (id, tenant_id, email, password_hash, created_at, updated_at)"
        " VALUES (?, ?, ?, 'hidden-hash', ?, ?)",
        [(f"u{n}", ("other", "acme")[n % 2], email, NOW + n, NOW) for n, email in enumerate(NASTY)],
    )
    connection.execute("UPDATE users SET tenant_id = CAST(x'ff61' AS TEXT) WHERE id = 'u2'")
    connection.close()
    return database_path


def written(
    path: Path,
    target: Path,
    query: ListQuery,
    form: Format = Format.CSV,
    *,
    keys: Keys | None = None,
    monitor: Monitor = UNWATCHED,
) -> int:
    wanted = export.RowsWanted(query, form, keys)
    return export_rows(path, target, wanted, read_only=False, monitor=monitor)


def as_before(path: Path, target: Path, query: ListQuery, form: Format, keys: Keys | None = None) -> bytes:
    """What this process writes itself."""
    with connected(path) as database:
        lists = Lists(inspect(database))
        wanted = export.RowsWanted(query, form, keys)
        export.to_file(target, database, lists, wanted, progress=lambda done, total: None)
    return target.read_bytes()


def test_rows_are_those_that_were_known_by_their_numbers(database_path: Path, tmp_path: Path) -> None:
    ids = [f"u{n}" for n in range(3)]
    insert = "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, 'acme', ?, 1, 1)"
    with closing(apsw.Connection(str(database_path))) as connection:
        for record_id in [*ids[:2], b"u2"]:
            connection.execute(insert, (record_id, f"{record_id!r}@x.example"))
        with connected(database_path) as database:
            known = Known(Lists(inspect(database)).ids_of(database, ListQuery("users"), range(1, 4)))
        connection.execute("DELETE FROM users WHERE rowid = 3")
        connection.execute(insert, ("newcomer", "n@x.example"))
        wanted = RowsWanted(ListQuery("users"), Format.JSON, range(1, 4), known=known)
        target = tmp_path / "out"
        assert export_rows(database_path, target, wanted, read_only=False, monitor=UNWATCHED) == 2
        assert "newcomer" not in target.read_text()
        connection.execute("DELETE FROM users WHERE rowid = 3")
        connection.execute(insert, (b"u2", "again@x.example"))
        assert export_rows(database_path, target, wanted, read_only=False, monitor=UNWATCHED) == 3
        never_shown = replace(wanted, known=Known({}, (3, "gone")))
        with pytest.raises(RowChanged):
            export_rows(database_path, target, never_shown, read_only=False, monitor=UNWATCHED)


QUERIES = [
    ListQuery("users"),
    ListQuery("users", scope=Scope("acme"), sort="email", descending=True),
    ListQuery("users", text="é", since=NOW, until=NOW + 6),
    ListQuery("users", choices=(("tenant_id", ("other", b"\xffa", None)), ("has_password", (1,)))),
    ListQuery("users", text="nobody"),
]


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("query", QUERIES)
def test_the_same_bytes_as_in_this_process(
    small: Path, tmp_path: Path, query: ListQuery, form: Format
) -> None:
    count = written(small, tmp_path / "out", query, form)
    found = (tmp_path / "out").read_bytes()
    assert found == as_before(small, tmp_path / "before", query, form)
    assert b"hidden-hash" not in found
    assert (count > 0) == (query.text != "nobody")


def test_only_the_rows_selected_of_a_table_without_rowids(small: Path, tmp_path: Path) -> None:
    connection = apsw.Connection(str(small))
    made = str(connection.execute("SELECT sql FROM sqlite_master WHERE name = 'users'").get)
    connection.execute(f"ALTER TABLE users RENAME TO plain; {made} WITHOUT ROWID")
    connection.execute("INSERT INTO users SELECT * FROM plain")
    connection.close()
    database, query = LocalDatabase(small), ListQuery("users")
    with database.connection_context():
        keys = Lists(inspect(database)).load_keys(database, query)[1:3]
    assert written(small, tmp_path / "out", query, Format.JSON, keys=keys) == 2
    assert (tmp_path / "out").read_bytes() == as_before(small, tmp_path / "before", query, Format.JSON, keys)


@pytest.mark.slow
@pytest.mark.parametrize("keys", [array("q", [5, 2, 3, 900]), range(6, 2, -1), range(0), array("q")])
def test_only_the_rows_selected(small: Path, tmp_path: Path, keys: Keys) -> None:
    query = ListQuery("users")
    count = written(small, tmp_path / "out", query, Format.JSON, keys=keys)
    found = (tmp_path / "out").read_bytes()
    assert found == as_before(small, tmp_path / "before", query, Format.JSON, keys)
    wanted = [f"u{key - 1}" for key in keys if key != 900]
    assert [json.loads(line)["id"] for line in found.splitlines()] == wanted
    assert count == len(wanted)


@pytest.mark.slow
def test_a_selection_larger_than_a_pipe(large: Path, tmp_path: Path) -> None:
    keys = array("q", range(MANY, 0, -2))
    assert written(large, tmp_path / "out", ListQuery("users"), keys=keys) == MANY // 2
    with (tmp_path / "out").open() as stream:
        lines = stream.readlines()
    assert (lines[1].split(",")[0], lines[-1].split(",")[0]) == (f"u{MANY}", "u2")


@pytest.mark.slow
def test_it_says_how_far_it_is(large: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    count = written(
        large, tmp_path / "out", ListQuery("users"), monitor=Monitor(lambda *said: seen.append(said))
    )
    assert count == MANY
    assert (seen[0], seen[-1]) == ((0, MANY), (MANY, MANY))
    assert seen == sorted(seen) and len(seen) > 3


@pytest.fixture
def others() -> set[int]:
    """The children that this process had before: a server that other tests share, say."""
    return set(children(os.getpid()))


@pytest.mark.slow
def test_this_process_hardly_works(large: Path, tmp_path: Path, others: set[int]) -> None:
    threads = threading.active_count()
    before = time.process_time()
    written(large, tmp_path / "ours", ListQuery("users"))
    theirs = time.process_time() - before
    before = time.process_time()
    as_before(large, tmp_path / "before", ListQuery("users"), Format.CSV)
    assert theirs < 0.1 * (time.process_time() - before)
    assert threading.active_count() <= threads
    assert set(children(os.getpid())) <= others


@pytest.mark.slow
@pytest.mark.parametrize("behind", [True, False])
def test_what_is_soon_done_takes_its_turn(
    large: Path, tmp_path: Path, others: set[int], behind: bool
) -> None:
    seen = set[int]()

    def look(*_: int) -> None:
        seen.update(os.getpriority(os.PRIO_PROCESS, one) for one in {*children(os.getpid())} - others)

    wanted = export.RowsWanted(ListQuery("users"), Format.TEXT)
    export_rows(large, tmp_path / "out", wanted, read_only=True, monitor=Monitor(look), behind=behind)
    assert seen == {max(os.nice(0), BEHIND) if behind else os.nice(0)}


@pytest.mark.slow
@pytest.mark.parametrize("looks", [1, 2, 8])
def test_cancelling_takes_effect_at_once_and_leaves_nothing(
    large: Path, tmp_path: Path, others: set[int], looks: int
) -> None:
    """Before the child is there, while it starts, and while it writes."""
    target = tmp_path / "out.csv"
    target.write_text("before")
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked >= looks

    with pytest.raises(Cancelled):
        written(large, target, ListQuery("users"), monitor=Monitor(cancelled=cancelled))
    assert asked == looks
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]
    assert set(children(os.getpid())) <= others


@pytest.mark.slow
def test_a_sort_that_takes_long_is_cancelled_as_fast(large: Path, tmp_path: Path) -> None:
    """While SQLite sorts, the child hears nothing."""
    began = time.perf_counter()
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(time.perf_counter() - began > 0.15)
        return asked[-1]

    query = ListQuery("users", text="@", sort="email")
    with pytest.raises(Cancelled):
        written(large, tmp_path / "out.csv", query, monitor=Monitor(cancelled=cancelled))
    assert asked.count(True) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_killed_child_is_a_sentence_and_leaves_nothing(
    large: Path, tmp_path: Path, others: set[int]
) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")

    def kill(done: int, total: int) -> None:
        for pid in set(children(os.getpid())) - others:
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(ChildFailed, match=r"The export stopped .* nothing was changed\. Try again\."):
        written(large, target, ListQuery("users"), monitor=Monitor(kill))
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
def test_a_killed_program_takes_its_child_and_the_half_file_along(large: Path, tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.exporting", large, tmp_path / "out.csv"],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    with program.stdout:
        child = os.pidfd_open(int(program.stdout.readline()))
    try:
        assert len(list(tmp_path.iterdir())) == 1, "half a file, under another name"
        program.kill()
        program.wait()
        assert wait_for_end(child)
    finally:
        os.close(child)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("executable", "why"), [("nowhere/python", "No such file or directory"), ("/bin/false", "it ended")]
)
def test_a_child_that_cannot_be_started_is_a_sentence(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str, why: str
) -> None:
    before = set(tmp_path.iterdir())
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(CannotStart, match=rf"The export could not be started, .*\({why}\); nothing was"):
        written(small, tmp_path / "out.csv", ListQuery("users"))
    assert set(tmp_path.iterdir()) == before


def test_a_target_that_cannot_be_written_is_a_sentence(small: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match=r"^out\.csv cannot be written: there is no folder .*nowhere"):
        written(small, tmp_path / "nowhere" / "out.csv", ListQuery("users"))


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_database_itself_is_never_the_target(small: Path, suffix: str, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(small))) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("DELETE FROM users WHERE id = 'u1'")
        taken = Path(f"{small}{suffix}")
        before = taken.read_bytes()
        target = tmp_path / "link"
        target.symlink_to(taken)
        for name in {target, taken}:
            with pytest.raises(
                (DatabaseThere, BesideDatabase), match=f"{name.name}.* [Cc]hoose another name"
            ):
                written(small, name, ListQuery("users"))
        assert taken.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        {"query": ListQuery("users").document(), "form": "csv", "keys": None, "most": None},
        {"wanted": Wanted().document()},
    ],
    ids=["a list", "a database"],
)
def test_a_full_disk_is_the_targets(small: Path, tmp_path: Path, what: dict[str, object]) -> None:
    (tmp_path / "made").mkdir()
    building = tmp_path / "made" / "out"
    building.symlink_to("/dev/full")
    files = {"database": str(small), "building": str(building), "target": str(tmp_path / "out")}
    told = r"^The disk that holds out is full; nothing was changed"
    with pytest.raises(DiskFull, match=told), Children("export", "export") as children:
        children.run(
            [{"read_only": True, **files, **what}], monitor=Monitor(lambda done, total: None, lambda: False)
        )


@pytest.mark.slow
def test_a_database_goes_out_as_sql_from_a_child(small: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.sql"
    seen: list[tuple[int, int]] = []
    done = export_database(
        InFile(small), target, Wanted(), replace=False, monitor=Monitor(lambda *said: seen.append(said))
    )
    assert done.rows["users"] == len(NASTY)
    assert seen[-1][0] == seen[-1][1] > len(NASTY)
    export_database(InFile(small), tmp_path / "here.sql", Wanted(), replace=False, in_child=False)
    assert target.read_bytes() == (tmp_path / "here.sql").read_bytes()
    with pytest.raises(AlreadyThere):
        export_database(InFile(small), target, Wanted(), replace=False)
    with pytest.raises(Cancelled):
        export_database(
            InFile(small), target, Wanted(), replace=True, monitor=Monitor(cancelled=lambda: True)
        )
    assert target.read_bytes() == (tmp_path / "here.sql").read_bytes()
    with pytest.raises(InvalidInput, match="holds nothing of nobody"):
        export_database(InFile(small), target, Wanted("nobody"), replace=True)
    export_database(InFile(small), target, Wanted(rows=False), replace=True)
    assert "INSERT" not in target.read_text()
    assert {path.name for path in tmp_path.glob("*") if path.is_dir()} == set()


@pytest.mark.slow
def test_kill_at_any_moment_leaves_no_half_sql_and_what_was_left_is_swept(
    large: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.sql"
    done = subprocess.run(
        [sys.executable, "-m", "tests.fixtures.exporting", large, target, str(KILLS), "1"],
        check=True, capture_output=True, text=True, timeout=120 + 5 * KILLS,
    )  # fmt: skip
    assert KILLS // 3 < int(done.stdout) <= KILLS
    for left in tmp_path.glob(".tenant-admin-*"):
        assert left.stat().st_mode & 0o077 == 0
        for part in (*left.iterdir(), left):
            os.utime(part, (1, 1))
    export_database(InFile(large), target, Wanted(rows=False), replace=True, in_child=False)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
@pytest.mark.parametrize("in_child", [False, True])
def test_a_disk_that_fills_up_while_sql_is_written(large: Path, tmp_path: Path, in_child: bool) -> None:
    target = tmp_path / "out.sql"
    done = subprocess.run(
        [sys.executable, "-c", FULL, large, target, str(int(in_child))],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(
        "out.sql could not be written, most likely because it would become larger than"
    )
    assert list(tmp_path.iterdir()) == []


def drop_a_table(path: Path) -> None:
    execute(path, "DROP TABLE users")


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    connection = apsw.Connection(str(path))
    page, size = next(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'"))[0], 4096
    connection.close()
    data[(page - 1) * size : page * size] = b"\xee" * size
    path.write_bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (Path.unlink, FileMissing),
        (lambda path: path.write_bytes(b"no database" * 999), NotADatabase),
        (drop_a_table, TableMissing),
        (damage, DamagedFile),
    ],
)
def test_what_is_wrong_with_the_database_is_the_same_sentence_as_here(
    small: Path, tmp_path: Path, harm: Callable[[Path], object], kind: type[Exception]
) -> None:
    harm(small)
    with pytest.raises(kind) as here:
        as_before(small, tmp_path / "before", ListQuery("users"), Format.CSV)
    (tmp_path / "before").unlink(missing_ok=True)
    files = set(tmp_path.iterdir())
    with pytest.raises(kind) as there:
        written(small, tmp_path / "out.csv", ListQuery("users"))
    assert str(there.value) == str(here.value)
    assert type(there.value) is kind
    assert set(tmp_path.iterdir()) == files


@pytest.mark.slow
def test_names_of_any_bytes(small: Path, tmp_path: Path) -> None:
    path = small.rename(tmp_path / os.fsdecode(b"\xff ?#%.sqlite"))
    target = tmp_path / os.fsdecode(b"out\xfe\n.csv")
    assert written(path, target, ListQuery("users")) == len(NASTY)
    assert target.exists()


@pytest.mark.slow
def test_neither_side_loads_qt() -> None:
    code = "import sys; import app.workers.export; print('PySide6' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["end", "schema"])
def test_of_a_file_that_cannot_be_opened_what_is_there_is_saved_and_nothing_is_left(
    tmp_path: Path, lost: str
) -> None:
    """A copy that was broken off is the commonest damage: SQLite refuses all of it."""
    path, target = sample(tmp_path / "demo.sqlite", rows=1_200), tmp_path / "saved.sql"
    with path.open("r+b") as file:
        if lost == "end":
            file.truncate(path.stat().st_size // 2)
        else:
            file.seek(100)
            file.write(b"\xff" * 900)
    with pytest.raises(DamagedFile):
        export_database(InFile(path), target, Wanted(), replace=False)
    if lost == "end":
        assert export_database(InFile(path), target, Wanted(readable=True), replace=False).count > 500
    else:
        with pytest.raises(DamagedFile):
            export_database(InFile(path), target, Wanted(readable=True), replace=False)
    assert {one.name for one in tmp_path.iterdir()} == {"demo.sqlite", *["saved.sql"][: lost == "end"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        "sql = sql || '; DROP TABLE notifications; ATTACH ''spy.db'' AS spy'",
        "sql = sql || char(0) || '; DROP TABLE notifications'",
        "sql = sql || ' /* without an end'",
        "rootpage = 0",
        "sql = NULL",
        "sql = x'ff00'",
    ],
)
def test_what_stands_behind_a_create_in_a_hostile_schema_is_not_exported(tmp_path: Path, change: str) -> None:
    path = sample(tmp_path / "demo.sqlite", rows=60)
    was = stored(path)
    with closing(apsw.Connection(str(path))) as db:
        db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        db.pragma("writable_schema", 1)
        db.execute(f"UPDATE sqlite_schema SET {change} WHERE name = 'users'")
    done = export_database(InFile(path), tmp_path / "some.sql", Wanted(readable=True), replace=False)
    said = [note for note in done.notes if "users" in note]
    assert [note.partition(":")[0] for note in said] == ["left out"] * ("/*" not in change)
    import_dump(tmp_path / "some.sql", tmp_path / "new.sqlite")
    made = stored(tmp_path / "new.sqlite")
    assert made["notifications"] == was["notifications"] and made["audit_chain"] == was["audit_chain"]
    assert made.get("users") == (was["users"] if "||" in change else None)
