"""The migrations runner on real files."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app import paths
from models.errors import (
    AlreadyThere,
    CopyNotWritten,
    FileLocked,
    FileMissing,
    InvalidInput,
    NotADatabase,
    ReadOnlyFile,
)
from models.local import migrations
from models.local.migrations import MigrationError
from tests.conftest import MIGRATIONS
from tests.fixtures.connected import connected
from tests.fixtures.inserting import INTO_USERS

NOW = 1_750_000_000  # 2025-06-15T15:06:40Z


Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Writes a migrations folder: `folder(**{"0000_a": "CREATE …"})`."""

    def write(**files: str) -> Path:
        path = tmp_path / "migrations"
        path.mkdir(exist_ok=True)
        for name, text in files.items():
            (path / f"{name}.sql").write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with one table of somebody's own and one row in it."""
    path = tmp_path / "data" / "some.sqlite"
    path.parent.mkdir()
    execute(path, "CREATE TABLE mine (x); INSERT INTO mine VALUES ('kept')")
    return path


def execute(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path))
    try:
        return list(connection.execute(sql))
    finally:
        connection.close()


def dump(path: Path) -> list[tuple[object, ...]]:
    """Everything that makes two files equal: schema, ledger, and every row."""
    rows = execute(path, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2")
    for kind, name, *_ in list(rows):
        if kind == "table":
            rows += execute(path, f"SELECT '{name}', * FROM \"{name}\" ORDER BY rowid")
    return rows


def copies(path: Path) -> list[Path]:
    return sorted(other for other in path.parent.iterdir() if other != path)


def ledger(path: Path) -> list[object]:
    return [row[0] for row in execute(path, "SELECT name FROM d1_migrations ORDER BY id")]


class TestApply:
    def test_a_new_file_gets_every_migration_in_order(self, tmp_path: Path) -> None:
        path = tmp_path / "new.sqlite"
        assert migrations.create_database(path, paths.migrations_dir(), now=NOW).names == MIGRATIONS
        assert ledger(path) == list(MIGRATIONS)
        again = migrations.apply(path, paths.migrations_dir(), now=NOW)
        assert again == migrations.Applied((), None)
        assert copies(path) == []

    def test_only_what_is_pending_runs_and_rows_stay(self, file: Path, folder: Folder) -> None:
        first = folder(**{"0000_a": "CREATE TABLE a (x);"})
        assert migrations.apply(file, first, now=NOW).names == ("0000_a.sql",)
        second = folder(**{"0001_b": "INSERT INTO a VALUES (1); CREATE TABLE b (y);"})
        assert migrations.apply(file, second, now=NOW).names == ("0001_b.sql",)
        assert execute(file, "SELECT * FROM a") == [(1,)]
        assert execute(file, "SELECT * FROM mine") == [("kept",)]

    def test_order_is_by_number_then_by_name(self, file: Path, folder: Folder) -> None:
        names = ("10_j", "2_b", "002_a", "1_z", "x_last", "2_B")
        done = migrations.apply(
            file, folder(**{name: f"INSERT INTO mine VALUES ('{name}')" for name in names}), now=NOW
        )
        assert done.names == ("1_z.sql", "002_a.sql", "2_B.sql", "2_b.sql", "10_j.sql", "x_last.sql")

    def test_statements_with_semicolons_inside(self, file: Path, folder: Folder) -> None:
        text = """-- a comment; with a semicolon
        CREATE TABLE a (x TEXT DEFAULT 'one;two', "odd;name" TEXT); /* another; one */ ;
        CREATE TRIGGER t AFTER INSERT ON a BEGIN
          UPDATE a SET x = x || ';'; SELECT 1;
        END;
        INSERT INTO a ("odd;name") VALUES ('it''s; fine') -- no semicolon at the end"""
        migrations.apply(file, folder(**{"0000_a": text}), now=NOW)
        assert execute(file, "SELECT * FROM a") == [("one;two;", "it's; fine")]

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, file: Path, folder: Folder) -> None:
        migrations.apply(file, folder(**{"0000_a": "\ufeffCREATE TABLE a (x);\r\n"}), now=NOW)
        assert execute(file, "SELECT sql FROM sqlite_master WHERE name = 'a'") == [("CREATE TABLE a (x)",)]

    def test_a_migration_of_comments_only_is_recorded(self, file: Path, folder: Folder) -> None:
        done = migrations.apply(file, folder(**{"0000_a": "-- Migration number: 0000\n"}), now=NOW)
        assert done.names == ("0000_a.sql",)
        assert ledger(file) == ["0000_a.sql"]

    def test_foreign_keys_may_be_deferred_within_a_migration(self, file: Path, folder: Folder) -> None:
        parent = "CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (p TEXT REFERENCES p(id));"
        rows = "PRAGMA defer_foreign_keys=TRUE; INSERT INTO c VALUES ('1');"
        migrations.apply(file, folder(**{"0000_p": parent}), now=NOW)
        with pytest.raises(MigrationError, match=r"the end of 0001_rows\.sql failed .*FOREIGN KEY"):
            migrations.apply(file, folder(**{"0001_rows": rows}), now=NOW)
        done = migrations.apply(
            file, folder(**{"0001_rows": rows + "INSERT INTO p VALUES ('1');"}), now=NOW + 1
        )
        assert done.names == ("0001_rows.sql",)

    @pytest.mark.slow
    def test_several_at_once_do_it_once(self, file: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from models.local import migrations\n"
            f"file, folder = Path({str(file)!r}), Path({str(paths.migrations_dir())!r})\n"
            "sys.stdin.readline()\n"
            f"print(len(migrations.apply(file, folder, now={NOW}).names))"
        )
        runners = [
            subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=Path(__file__).parents[3],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for runner in runners:
            assert runner.stdin is not None
            runner.stdin.write("go\n")
            runner.stdin.flush()
        counts = [int(runner.communicate(timeout=60)[0]) for runner in runners]
        assert [runner.returncode for runner in runners] == [0, 0, 0]
        assert sum(counts) == len(MIGRATIONS)
        assert ledger(file) == list(MIGRATIONS)


class TestFailure:
    def test_a_failing_migration_leaves_the_file_as_it_was(self, file: Path, folder: Folder) -> None:
        before = dump(file)
        bad = folder(
            **{"0000_a": "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);"}
        )
        with pytest.raises(MigrationError) as failure:
            migrations.apply(file, bad, now=NOW)
        assert str(failure.value) == (
            "No migration was applied: statement 3 of 0000_a.sql failed (no such table: nowhere). "
            "Nothing was changed."
        )
        assert dump(file) == before
        assert copies(file) == []

    @pytest.mark.parametrize(
        "second",
        ["CREATE TABLE b (x); BROKEN;", "CREATE UNIQUE INDEX i ON mine(x);"],
        ids=["foreseen", "forbidden by the rows"],
    )
    def test_those_before_the_failing_one_are_not_applied_either(
        self, file: Path, folder: Folder, second: str
    ) -> None:
        execute(file, "INSERT INTO mine VALUES ('kept')")
        before = dump(file)
        with pytest.raises(MigrationError, match=r"statement \d of 0001_b\.sql failed .*Nothing was changed"):
            migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x);", "0001_b": second}), now=NOW)
        assert dump(file) == before
        assert copies(file) == []

    def test_what_would_be_refused_is_foreseen(self, file: Path, folder: Folder) -> None:
        """Also of a file that may only be read, beside tables that no migration has made."""
        execute(file, "CREATE TABLE b (other)")
        execute(file, "CREATE VIRTUAL TABLE words USING fts5(x)")
        before = file.read_bytes()
        fine, bad = "CREATE TABLE a (x); CREATE INDEX i ON mine(x);", "CREATE TABLE b (x);"
        with connected(file, read_only=True) as database:
            assert migrations.foresee(database, folder(**{"0000_a": fine})) is None
            problem = migrations.foresee(database, folder(**{"0001_b": bad}))
        assert problem is not None
        assert "b differently" in str(problem)
        with pytest.raises(MigrationError, match=r"b differently.*nothing was changed"):
            migrations.apply(file, folder(), now=NOW)
        assert file.read_bytes() == before
        assert copies(file) == []

    def test_what_a_hostile_schema_has_behind_its_tables_is_not_run(self, file: Path, folder: Folder) -> None:
        """A file is only looked at: nothing is written elsewhere."""
        execute(file, "CREATE TABLE b (other)")
        spy = file.with_name("spy.sqlite")
        with closing(apsw.Connection(str(file))) as connection:
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
            connection.pragma("writable_schema", 1)
            tail = f"; ATTACH '{spy}' AS spy; CREATE TABLE spy.t (x)"
            connection.execute("UPDATE sqlite_schema SET sql = sql || char(0) || ?", (tail,))
        with connected(file, read_only=True) as database:
            assert migrations.foresee(database, folder(**{"0000_a": "CREATE TABLE a (x);"})) is None
        assert not spy.exists()

    @pytest.mark.parametrize(
        "statement",
        ["BEGIN TRANSACTION", "commit", "/* x */ END", "SAVEPOINT s", "ATTACH 'x' AS y", "VACUUM"],
    )
    def test_a_transaction_inside_a_migration_is_refused_before_anything_runs(
        self, file: Path, folder: Folder, statement: str
    ) -> None:
        before = dump(file)
        bad = folder(**{"0000_a": "CREATE TABLE a (x);", "0001_b": f"CREATE TABLE b (x);\n{statement};"})
        with pytest.raises(MigrationError, match=r"0001_b\.sql holds [A-Z]+ \(statement 2\)"):
            migrations.apply(file, bad, now=NOW)
        assert dump(file) == before
        assert copies(file) == []

    def test_a_writer_in_the_way_is_named_and_nothing_changes(
        self, file: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(migrations, "PATIENCE", 0.05)
        other = apsw.Connection(str(file))
        other.execute("BEGIN IMMEDIATE; INSERT INTO mine VALUES ('theirs')")
        with pytest.raises(FileLocked):
            migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW)
        other.execute("COMMIT")
        other.close()
        assert execute(file, "SELECT name FROM sqlite_master") == [("mine",)]
        assert copies(file) == []

    def test_what_is_not_a_database_or_not_there_is_said(self, tmp_path: Path, folder: Folder) -> None:
        text = tmp_path / "text.sqlite"
        text.write_text("certainly not a database, but long enough to be looked at" * 20)
        before = text.read_bytes()
        some = folder(**{"0000_a": "CREATE TABLE a (x)"})
        with pytest.raises(NotADatabase):
            migrations.apply(text, some, now=NOW)
        assert text.read_bytes() == before
        with pytest.raises(FileMissing):
            migrations.apply(tmp_path / "none.sqlite", some, now=NOW)
        assert not (tmp_path / "none.sqlite").exists()

    def test_a_file_that_may_not_be_written(self, file: Path, folder: Folder) -> None:
        with connected(file, read_only=True) as database:
            assert migrations.status(database, folder(**{"0000_a": ""})).pending == ("0000_a.sql",)
            with pytest.raises(ReadOnlyFile), database.expected_errors():
                database.connection().execute("CREATE TABLE a (x)")

    def test_a_folder_that_is_not_there_or_not_text(self, file: Path, tmp_path: Path, folder: Folder) -> None:
        with pytest.raises(MigrationError, match="cannot be read"):
            migrations.apply(file, tmp_path / "nowhere", now=NOW)
        some = folder()
        (some / "0000_a.sql").write_bytes(b"CREATE TABLE \xff\xfe (x)")
        with pytest.raises(MigrationError, match=r"0000_a\.sql cannot be read as text"):
            migrations.apply(file, some, now=NOW)


class TestCopy:
    def test_the_copy_holds_what_the_log_held_and_only_its_owner_reads_it(
        self, file: Path, folder: Folder
    ) -> None:
        writer = apsw.Connection(str(file))
        writer.pragma("journal_mode", "wal")
        writer.pragma("wal_autocheckpoint", 0)
        writer.execute("INSERT INTO mine VALUES ('only in the log')")
        done = migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW)
        assert done.backup == file.parent / "some.before-0000_a.20250615T150640Z.sqlite"
        assert execute(done.backup, "SELECT x FROM mine") == [("kept",), ("only in the log",)]
        assert execute(done.backup, "SELECT name FROM sqlite_master") == [("mine",)]
        assert execute(done.backup, "PRAGMA integrity_check") == [("ok",)]
        if os.name == "posix":
            assert stat.S_IMODE(done.backup.stat().st_mode) == 0o600
        writer.close()

    def test_the_copy_never_goes_over_another(self, file: Path, folder: Folder) -> None:
        taken = file.parent / "some.before-0000_a.20250615T150640Z.sqlite"
        taken.write_text("mine")
        some = folder(**{"0000_a": "CREATE TABLE a (x)"})
        done = migrations.apply(file, some, now=NOW)
        assert done.backup == file.parent / "some.before-0000_a.20250615T150640Z-2.sqlite"
        assert taken.read_text() == "mine"

    def test_no_place_for_the_copy_means_no_migration(self, file: Path, folder: Folder) -> None:
        file = file.rename(file.with_name(f"{'x' * 240}.sqlite"))  # with a longer name than a folder can hold
        before = dump(file)
        with pytest.raises(CopyNotWritten, match="No copy of the file can be written"):
            migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW)
        assert dump(file) == before

    def test_an_empty_file_needs_none(self, tmp_path: Path, folder: Folder) -> None:
        path = tmp_path / "data" / "empty.sqlite"
        path.parent.mkdir()
        path.touch()
        assert migrations.apply(path, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW).backup is None
        assert copies(path) == []


class TestLedger:
    def test_unknown_names_are_reported_and_never_touched(self, file: Path, folder: Folder) -> None:
        some = folder(**{"0000_a": "CREATE TABLE a (x)"})
        migrations.apply(file, some, now=NOW)
        execute(file, "INSERT INTO d1_migrations (name) VALUES ('0007_theirs.sql')")
        more = folder(**{"0001_b": "CREATE TABLE b (x)"})
        with connected(file) as database:
            assert migrations.status(database, more) == migrations.MigrationStatus(
                applied=("0000_a.sql",), pending=("0001_b.sql",), unknown=("0007_theirs.sql",)
            )
        assert migrations.apply(file, more, now=NOW).names == ("0001_b.sql",)
        assert ledger(file) == ["0000_a.sql", "0007_theirs.sql", "0001_b.sql"]

    @pytest.mark.parametrize(
        "sql", ["CREATE TABLE d1_migrations (a, b)", "CREATE VIEW d1_migrations AS SELECT 1"]
    )
    def test_a_ledger_that_is_none_is_said(self, file: Path, folder: Folder, sql: str) -> None:
        execute(file, sql)
        before = dump(file)
        with pytest.raises(MigrationError, match="not wrangler's record of migrations"):
            migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW)
        assert dump(file) == before

    def test_tables_made_by_hand_are_recorded_when_equal(self, tmp_path: Path) -> None:
        path = tmp_path / "data" / "hand.sqlite"
        path.parent.mkdir()
        first = (paths.migrations_dir() / MIGRATIONS[0]).read_text()
        execute(path, first.replace("CREATE TABLE users", 'create  table if not exists\n"Users"'))
        execute(path, INTO_USERS + "('1', 't', 'e', NULL, 1, 1)")
        done = migrations.apply(path, paths.migrations_dir(), now=NOW)
        assert done.names == MIGRATIONS
        assert done.backup is not None
        assert ledger(path) == list(MIGRATIONS)
        assert execute(path, "SELECT count(*) FROM users") == [(1,)]

    @pytest.mark.parametrize(
        ("sql", "named"),
        [
            ("CREATE TABLE users (id TEXT PRIMARY KEY, extra)", "users differently and audit_chain, "),
            ("CREATE VIEW users AS SELECT 1 AS id", "users differently"),
            ("CREATE TABLE audit_chain (seq INTEGER)", "audit_chain differently and idx_audit_tenant, "),
        ],
    )
    def test_tables_made_by_hand_that_differ_are_named(self, tmp_path: Path, sql: str, named: str) -> None:
        path = tmp_path / "data" / "hand.sqlite"
        path.parent.mkdir()
        execute(path, sql)
        before = dump(path)
        with pytest.raises(MigrationError) as failure:
            migrations.apply(path, paths.migrations_dir(), now=NOW)
        assert "has no record of migration 0000_initial.sql" in str(failure.value)
        assert named in str(failure.value)
        assert dump(path) == before
        assert copies(path) == []

    def test_a_migration_that_changes_rows_is_never_only_recorded(self, file: Path, folder: Folder) -> None:
        execute(file, "CREATE TABLE a (x)")
        some = folder(**{"0000_a": "CREATE TABLE IF NOT EXISTS a (x); INSERT INTO a VALUES (1);"})
        assert migrations.apply(file, some, now=NOW).names == ("0000_a.sql",)
        assert execute(file, "SELECT x FROM a") == [(1,)]


class TestCreateDatabase:
    def test_pragmas_that_only_a_new_file_can_have(self, tmp_path: Path) -> None:
        path = tmp_path / "new.sqlite"
        migrations.create_database(path, paths.migrations_dir(), now=NOW)
        assert list(tmp_path.iterdir()) == [path]
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert execute(path, "PRAGMA journal_mode") == [("wal",)]
        assert execute(path, "PRAGMA auto_vacuum") == [(2,)]
        assert execute(path, "PRAGMA integrity_check") == [("ok",)]

    @pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
    def test_what_is_there_is_never_overwritten(self, tmp_path: Path, suffix: str) -> None:
        there = tmp_path / f"new.sqlite{suffix}"
        there.write_text("somebody's")
        with pytest.raises(AlreadyThere, match="already a file"):
            migrations.create_database(tmp_path / "new.sqlite", paths.migrations_dir(), now=NOW)
        assert list(tmp_path.iterdir()) == [there]
        assert there.read_text() == "somebody's"

    def test_a_failure_leaves_nothing_behind(self, tmp_path: Path, folder: Folder) -> None:
        bad = folder(**{"0000_a": "CREATE TABLE a (x);", "0001_b": "BROKEN"})
        with pytest.raises(MigrationError, match=r"0001_b\.sql.*\. new\.sqlite was not made\.$"):
            migrations.create_database(tmp_path / "new.sqlite", bad, now=NOW)
        assert list(tmp_path.iterdir()) == [bad]
        with pytest.raises(InvalidInput, match="no folder"):
            migrations.create_database(tmp_path / "no" / "new.sqlite", bad, now=NOW)


class TestNewFile:
    def test_the_next_number_and_wranglers_header(self, tmp_path: Path) -> None:
        for name in ("0000_a.sql", "0011_b.sql"):
            (tmp_path / name).touch()
        path = migrations.create(tmp_path, " add last  login ", now=NOW)
        assert path.name == "0012_add_last_login.sql"
        assert path.read_text() == "-- Migration number: 0012 \t 2025-06-15T15:06:40.000Z\n"

    def test_the_first_one(self, tmp_path: Path) -> None:
        assert migrations.create(tmp_path, "start", now=NOW).name == "0001_start.sql"

    @pytest.mark.parametrize("description", ["", "  ", "../up", "a/b", "a\\b", "a:b", "what?", "nul\0"])
    def test_a_description_that_is_no_file_name(self, tmp_path: Path, description: str) -> None:
        with pytest.raises(MigrationError, match="cannot be part of a file name"):
            migrations.create(tmp_path, description, now=NOW)
        assert list(tmp_path.iterdir()) == []


def test_a_ledger_with_a_trigger_is_not_written_to(file: Path, folder: Folder) -> None:
    """What it did would be part of every migration."""
    migrations.apply(file, folder(**{"0000_a": "CREATE TABLE a (x)"}), now=NOW)
    execute(file, "CREATE TRIGGER more AFTER INSERT ON d1_migrations BEGIN DELETE FROM mine; END")
    with pytest.raises(MigrationError, match="has a trigger more on d1_migrations"):
        migrations.apply(file, folder(**{"0001_b": "CREATE TABLE b (x)"}), now=NOW)
    assert execute(file, "SELECT x FROM mine") == [("kept",)]
