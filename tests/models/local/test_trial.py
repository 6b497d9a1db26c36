"""What a table's own rules let a column hold."""

from pathlib import Path

import pytest

from models.local.trial import accepted

WORDS = ("running", "active", "paused", "deleted")


@pytest.mark.parametrize(
    ("sql", "taken"),
    [
        ("CREATE TABLE runs (id TEXT PRIMARY KEY, status TEXT)", set(WORDS)),
        (
            "CREATE TABLE runs (id TEXT PRIMARY KEY NOT NULL, idea TEXT NOT NULL CHECK (length(idea) > 2), "
            "status TEXT NOT NULL DEFAULT 'active' CHECK(status in ('active', 'paused')), "
            "phase TEXT CHECK (phase IS NULL OR phase IN ('a', 'b')), at INTEGER NOT NULL CHECK (at > 0))",
            {"active", "paused"},
        ),
        (
            "CREATE TABLE runs (id INTEGER PRIMARY KEY, n INT NOT NULL, r REAL NOT NULL, b BLOB NOT NULL, "
            "twice INT AS (2 * n), status TEXT NOT NULL, CHECK (status GLOB '*d')) STRICT",
            {"paused", "deleted"},
        ),
        (
            "CREATE TABLE runs (id TEXT PRIMARY KEY, status TEXT CHECK (status LIKE 'A%')) WITHOUT ROWID",
            {"active"},
        ),
        ("CREATE TABLE runs (status TEXT CHECK (status = 'unknown'))", set(WORDS)),
        ("CREATE TABLE runs (status TEXT CHECK (no_such_function(status)))", set(WORDS)),
        ("CREATE TABLE other (status TEXT)", set(WORDS)),
        ("no SQL", set(WORDS)),
    ],
)
def test_only_what_its_checks_allow(sql: str, taken: set[str]) -> None:
    assert accepted(sql, "runs", "status", WORDS) == taken


def test_hostile_sql_ends_and_reaches_no_file(tmp_path: Path) -> None:
    """What stands in a file's schema may be anything."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS status"
    assert accepted(f"CREATE TABLE runs AS {endless} FROM n", "runs", "status", WORDS) == set(WORDS)
    out = tmp_path / "out.sqlite"
    attach = f"ATTACH '{out}' AS o; CREATE TABLE o.t (x); VACUUM INTO '{out}'"
    assert accepted(f"CREATE TABLE runs (status TEXT); {attach}", "runs", "status", WORDS) == set(WORDS)
    vacuum = f"CREATE TABLE runs (status TEXT); VACUUM INTO '{out}'"
    assert accepted(vacuum, "runs", "status", WORDS) == set(WORDS)
    assert not out.exists()
