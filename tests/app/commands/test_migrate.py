"""`tenant-admin migrate` and `migrations` as a shell script meets them."""

from pathlib import Path

from tests.fixtures.command import run


def test_migrate_creates_a_file_once_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    first, second = run("migrate", path), run("migrate", path)
    assert "applied 0000_initial.sql" in first.stdout
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == "nothing to apply\n"


def test_a_new_migration_gets_the_next_number(tmp_path: Path) -> None:
    (tmp_path / "0003_planning.sql").touch()
    done = run("migrations", "create", "next step", "--folder", tmp_path)
    assert done.returncode == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["0003_planning.sql", "0004_next_step.sql"]
