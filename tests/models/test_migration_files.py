"""Migrations as files."""

from pathlib import Path

import pytest

from models import migration_files
from models.migration_files import MigrationError

NOW = 1_750_000_000  # 2025-06-15T15:06:40Z


def test_the_next_number_and_wranglers_header(tmp_path: Path) -> None:
    for name in ("0000_a.sql", "0011_b.sql"):
        (tmp_path / name).touch()
    path = migration_files.create(tmp_path, " add last  login ", now=NOW)
    assert path.name == "0012_add_last_login.sql"
    assert path.read_text() == "-- Migration number: 0012 \t 2025-06-15T15:06:40.000Z\n"


def test_the_first_one(tmp_path: Path) -> None:
    assert migration_files.create(tmp_path, "start", now=NOW).name == "0001_start.sql"


@pytest.mark.parametrize("description", ["", "  ", "../up", "a/b", "a\\b", "a:b", "what?", "nul\0"])
def test_a_description_that_is_no_file_name(tmp_path: Path, description: str) -> None:
    with pytest.raises(MigrationError, match="cannot be part of a file name"):
        migration_files.create(tmp_path, description, now=NOW)
    assert list(tmp_path.iterdir()) == []
