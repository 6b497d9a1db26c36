"""Finding the platform's file in a wrangler project, its state folder, or any folder."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app import paths
from app.services.files.find import Candidate, NoDatabase, SeveralDatabases, find_database, names_in
from app.services.files.opening import migrate, open_database
from app.services.records.writing import commit
from models.errors import DamagedFile
from models.local import copies
from models.schema import expected_columns
from tests.app.services.records.test_writing import creation
from tests.conftest import NOW
from tests.fixtures.sample import empty

STATE = Path(".wrangler", "state", "v3", "d1", "miniflare-D1DatabaseObject")
HASHED = "c917712ba74c5102d69ecf1555a42fe4d03ba423fee62c633ac82b645ae953eb.sqlite"


def platform_file(path: Path, users: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    empty(path)
    if users:
        opened = open_database(path)
        with opened.database.connection_context():
            commit(opened.database, creation(*(f"u-{number}" for number in range(users))), now=NOW)
    return path


def other_file(path: Path, *tables: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    for table in tables or ("_mf_ENTRIES (id TEXT)",):
        connection.execute(f"CREATE TABLE {table}").fetchall()
    connection.close()
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A wrangler project as wrangler leaves it: the database by its hash, others around it."""
    root = tmp_path / "foundation"
    platform_file(root / STATE / HASHED)
    other_file(root / STATE / "metadata.sqlite")
    other_file(root / ".wrangler/state/v3/cache/miniflare-CacheObject/metadata.sqlite")
    other_file(root / ".wrangler/state/v3/kv/miniflare-KVNamespaceObject/aa.sqlite", "kv (key TEXT)")
    platform_file(root / "node_modules/some-package/.wrangler/fixture.sqlite")
    (root / "wrangler.jsonc").write_text("{}")
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [".", "wrangler.jsonc", *(str(STATE.parents[depth]) for depth in range(len(STATE.parts) - 1)), STATE],
)
def test_every_folder_of_a_project_leads_to_its_database(project: Path, given: str) -> None:
    assert find_database(project / given) == project / STATE / HASHED


@pytest.mark.slow
def test_a_file_means_itself(project: Path, tmp_path: Path) -> None:
    assert find_database(project / STATE / HASHED) == project / STATE / HASHED
    assert find_database(project / STATE / "metadata.sqlite").name == "metadata.sqlite"
    assert find_database(tmp_path / "nothing") == tmp_path / "nothing"


@pytest.mark.slow
def test_tables_that_are_still_in_the_log_count(project: Path) -> None:
    path = project / STATE / HASHED
    path.unlink()
    other_file(path, "placeholder (id)")
    connection = apsw.Connection(str(path))
    connection.pragma("wal_autocheckpoint", 0)
    for script in sorted(paths.migrations_dir().glob("*.sql")):
        connection.execute(script.read_text()).fetchall()
    assert path.stat().st_size < 3 * 4096
    assert find_database(project) == path


@pytest.mark.slow
def test_looking_leaves_no_trace(project: Path) -> None:
    def everything() -> dict[Path, tuple[int, int]]:
        return {item: (item.stat().st_size, item.stat().st_mtime_ns) for item in sorted(project.rglob("*"))}

    before = everything()
    find_database(project)
    assert everything() == before


def test_any_folder_with_one_database_will_do(tmp_path: Path) -> None:
    path = platform_file(tmp_path / "backups" / "monday" / "foundation.db")
    (tmp_path / "notes.sqlite").write_text("no database")
    (tmp_path / "empty.sqlite").touch()
    assert find_database(tmp_path) == path


def test_a_repository_of_several_packages(tmp_path: Path) -> None:
    path = platform_file(tmp_path / "apps" / "worker" / STATE / HASHED)
    assert find_database(tmp_path) == path


def test_the_state_comes_before_copies_that_lie_around(project: Path) -> None:
    shutil.copy(project / STATE / HASHED, project / "copy.sqlite")
    assert find_database(project) == project / STATE / HASHED


@pytest.mark.slow
def test_copies_kept_by_a_migration_or_a_restore_are_not_meant(project: Path) -> None:
    original = find_database(project)
    for _ in range(2):
        with copies.free_name(original, "restore", NOW) as kept:
            kept.write_bytes(original.read_bytes())
    assert find_database(project) == original
    original.unlink()
    with pytest.raises(SeveralDatabases):
        find_database(project)


def test_a_file_that_lost_its_log_may_be_the_one_that_is_meant(project: Path) -> None:
    first, lost = project / STATE / HASHED, project / STATE / "lost.sqlite"
    with closing(apsw.Connection(str(lost))) as db:
        db.execute("PRAGMA journal_mode = wal").fetchall()
        db.execute("CREATE TABLE users (id)")  # which is in the log as long as it is open
        alone = lost.read_bytes()
    lost.write_bytes(alone)
    with pytest.raises(SeveralDatabases, match=r"holds 1 database of the platform; choose it, if") as caught:
        find_database(project)
    assert [item.path for item in caught.value.candidates] == [first]
    assert "lost.sqlite holds cannot be told: copied without" in str(caught.value)
    (project / "lost.sqlite").write_bytes(alone)
    lost.unlink()
    assert find_database(project) == first


@pytest.mark.slow
def test_several_are_named_so_that_one_can_be_chosen(project: Path) -> None:
    first = project / STATE / HASHED
    second = platform_file(project / STATE / "ffff.sqlite", users=3)
    os.utime(first, (NOW, NOW))
    os.utime(second, (NOW + 60, NOW + 60))
    with pytest.raises(SeveralDatabases) as caught:
        find_database(project)
    newest, oldest = caught.value.candidates
    assert newest == Candidate(second, newest.tables, 6, 1, NOW + 60)
    assert (oldest.path, oldest.rows, oldest.tenants) == (first, 0, 0)
    assert "users" in newest.tables
    sentence = str(caught.value)
    assert "holds 2 databases of the platform; choose one of them" in sentence
    assert (
        f"{STATE / 'ffff.sqlite'} (gateway and planning, tables: 7, rows: 6, tenants: 1, changed 20"
        in sentence
    )
    assert str(STATE / HASHED) in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "place",
    [STATE / "b.sqlite", Path(".wrangler/state/d1/DB.sqlite"), Path("kept/v3/d1", STATE.name, "a.db")],
    ids=["another database", "an older layout", "persist-to"],
)
def test_a_person_chooses_among_all_that_wrangler_keeps(project: Path, place: Path) -> None:
    """Also one without an audit chain."""
    other_file(project / place, f"planning_runs ({', '.join(expected_columns()['planning_runs'])})")
    with pytest.raises(SeveralDatabases, match="choose one of them") as caught:
        find_database(project)
    assert {item.path for item in caught.value.candidates} == {project / STATE / HASHED, project / place}
    (project / STATE / HASHED).unlink()
    assert find_database(project) == project / place


CONFIGURATIONS = {
    "wrangler.toml": '[[env.dev.d1_databases]]\nbinding = "DB"\ndatabase_name = "primary"\n'
    'database_id = "an-id"',
    "wrangler.jsonc": '{ // a comment with "words"\n "d1_databases": [ /* , */ {"database_name": "primary", '
    '"url": "https://x", "preview_database_id": "an-id", "database_id": "another",},], }',
}


@pytest.mark.parametrize("file", CONFIGURATIONS)
def test_it_has_the_name_that_wrangler_s_configuration_gives_it(project: Path, file: str) -> None:
    """The file's name is what miniflare itself makes of the id."""
    (project / "wrangler.jsonc").unlink()
    (project / file).write_text(CONFIGURATIONS[file])
    hashed = "a513dd6ac254207b7efa2ae106bcb047cf74587b1ddc8292c9effe0566946d8f.sqlite"
    (project / STATE / HASHED).rename(project / STATE / hashed)
    runs = f"planning_runs ({', '.join(expected_columns()['planning_runs'])})"
    older = other_file(project / ".wrangler/state/d1/DB.sqlite", runs)
    os.utime(older, (NOW + 10**8, NOW + 10**8))
    with pytest.raises(SeveralDatabases, match="primary, gateway and planning, tables: 7") as caught:
        find_database(project)
    told = [(item.holds, item.name, item.is_older) for item in caught.value.candidates]
    assert told == [("Gateway and planning", "primary", False), ("Planning", "", True)]


@pytest.mark.parametrize(
    "text", ["[", "[[d1_databases", 'd1_databases = "x"', "env = 1", "d1_databases = [1]"]
)
def test_a_configuration_that_says_nothing_is_no_obstacle(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrangler.toml").write_text(text)
    assert names_in(tmp_path) == {}


def test_a_table_of_the_same_name_is_not_enough(tmp_path: Path) -> None:
    """Nor are migrations advised, which would find it there."""
    other_file(tmp_path / "shop.sqlite", "users (login TEXT, shoe_size INTEGER)")
    with pytest.raises(
        NoDatabase, match=r"no database of the platform, only of something else \(shop\.sqlite\);"
    ) as caught:
        find_database(tmp_path)
    assert "migrations" not in str(caught.value)


def test_a_folder_without_any_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="holds no database; choose a wrangler project"):
        find_database(tmp_path)


def test_a_database_before_its_first_migration_is_named(tmp_path: Path) -> None:
    path = other_file(tmp_path / STATE / HASHED, "_cf_METADATA (key TEXT)")
    for name in (STATE / "metadata.sqlite", "shop.sqlite"):
        other_file(tmp_path / name)
    where = path.relative_to(tmp_path)
    with pytest.raises(NoDatabase, match=rf"apply the migrations to one .* no tables yet \({where}\), or"):
        find_database(tmp_path)
    migrate(path, now=NOW)
    assert find_database(tmp_path) == path


def test_the_only_file_being_damaged_is_said(tmp_path: Path) -> None:
    path = platform_file(tmp_path / "foundation.sqlite")
    path.write_bytes(path.read_bytes()[:4096])
    with pytest.raises(DamagedFile, match=r"foundation\.sqlite is damaged"):
        find_database(tmp_path)


@pytest.mark.slow
def test_links_are_not_followed_in_circles_or_out_of_the_folder(tmp_path: Path) -> None:
    platform_file(tmp_path / "elsewhere" / "foundation.sqlite")
    folder = tmp_path / "folder"
    path = platform_file(folder / "a" / "b" / "foundation.sqlite")
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    assert find_database(folder) == path


def test_the_walk_ends(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefghij")
    platform_file(deep / "foundation.sqlite")
    with pytest.raises(NoDatabase):
        find_database(tmp_path)
    assert find_database(tmp_path / "a" / "b") == deep / "foundation.sqlite"


@pytest.mark.slow
def test_a_folder_of_very_many_databases_is_not_read_whole(tmp_path: Path) -> None:
    first = platform_file(tmp_path / "000.sqlite")
    for number in range(1, 130):
        shutil.copy(first, tmp_path / f"{number:03}.sqlite")
    with pytest.raises(SeveralDatabases) as caught:
        find_database(tmp_path)
    assert len(caught.value.candidates) == 100
    assert str(caught.value).endswith("; and 95 more.")
