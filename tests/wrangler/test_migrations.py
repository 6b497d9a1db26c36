"""Real wrangler and this program agree on the schema and on what has run."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from app import paths
from models.local import migrations
from tests.conftest import MIGRATIONS
from tests.wrangler.conftest import copied
from tests.wrangler.toolchain import DATABASE, Project

pytestmark = pytest.mark.wrangler

NOW = 1_750_000_000

MakeProject = Callable[[], Project]


def schema(path: Path) -> dict[str, tuple[str, str, str | None]]:
    """Every object's kind, table and SQL text, byte for byte."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT name, type, tbl_name, sql FROM sqlite_master")
        return {name: (kind, table, sql) for name, kind, table, sql in rows if not name.startswith("_cf_")}
    finally:
        connection.close()


def ledger(path: Path) -> list[tuple[int, str]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return list(connection.execute("SELECT id, name FROM d1_migrations ORDER BY id"))
    finally:
        connection.close()


def ours(path: Path, folder: Path | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    migrations.create_database(path, folder or paths.migrations_dir(), now=NOW)
    return path


def test_both_make_the_same_schema_and_the_same_ledger(migrated_by_wrangler: Project, tmp_path: Path) -> None:
    mine = ours(tmp_path / "ours.sqlite")
    assert schema(mine) == schema(migrated_by_wrangler.file)
    assert ledger(mine) == ledger(migrated_by_wrangler.file) == list(enumerate(MIGRATIONS, 1))


def test_nothing_is_left_for_us_after_wrangler(migrated_by_wrangler: Project) -> None:
    done = migrations.apply(migrated_by_wrangler.file, paths.migrations_dir(), now=NOW)
    assert done == migrations.Applied((), None)


def test_nothing_is_left_for_wrangler_after_us(project: MakeProject) -> None:
    theirs = project()
    ours(theirs.file)
    before = schema(theirs.file)
    assert "No migrations to apply!" in theirs.apply_migrations()
    assert theirs.files() == [theirs.file]
    assert schema(theirs.file) == before
    assert ledger(theirs.file) == list(enumerate(MIGRATIONS, 1))


def test_we_finish_what_wrangler_began(
    begun_by_wrangler: Project, migrated_by_wrangler: Project, tmp_path: Path
) -> None:
    theirs = copied(begun_by_wrangler, tmp_path / "begun")
    done = migrations.apply(theirs.file, paths.migrations_dir(), now=NOW)
    assert done.names == MIGRATIONS[-1:]
    assert done.backup is not None
    assert ledger(done.backup) == list(enumerate(MIGRATIONS[:-1], 1))
    assert schema(theirs.file) == schema(migrated_by_wrangler.file)
    assert ledger(theirs.file) == list(enumerate(MIGRATIONS, 1))


def test_wrangler_finishes_what_we_began_with_what_was_made_here(
    begun_by_wrangler: Project, project: MakeProject
) -> None:
    """Numbered, ordered and applied alike, whoever does it."""
    theirs = project()
    ours(theirs.file, begun_by_wrangler.migrations)
    made = migrations.create(theirs.migrations, "last login", now=NOW)
    with made.open("a") as file:
        file.write(
            "ALTER TABLE users ADD COLUMN last_login_at INTEGER;\nCREATE INDEX i ON users(last_login_at);"
        )
    (theirs.migrations / "20_then.sql").write_text("CREATE TABLE then_b (x); CREATE TABLE then_a (x);")
    said = theirs.apply_migrations()
    assert [name for name in (*MIGRATIONS, made.name, "20_then.sql") if name not in said] == [
        *MIGRATIONS[:-1]
    ]
    mine = ours(theirs.folder / "ours.sqlite", theirs.migrations)
    assert schema(mine) == schema(theirs.file)
    assert ledger(mine) == ledger(theirs.file)
    theirs.run("d1", "migrations", "create", DATABASE, "after that")
    next_one = migrations.create(theirs.migrations, "after that", now=NOW)
    assert {path.name for path in theirs.migrations.glob("*after*")} == {
        "0021_after_that.sql",
        "0022_after_that.sql",
    }
    assert next_one.read_text().startswith("-- Migration number: 0022 ")
