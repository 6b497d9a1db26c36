"""What a table's own rules let a column hold."""

import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.local.trial import accepted, made_by, may_refuse, refused_change

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


@pytest.mark.parametrize(
    ("columns", "index", "given", "may"),
    [
        ("who TEXT", "", ("who",), False),
        ("who TEXT UNIQUE", "", (), False),  # one that takes many a NULL
        ("who TEXT UNIQUE", "", ("who",), True),
        ("who TEXT UNIQUE", "", ("note",), False),
        ("who TEXT CHECK (who != 'x')", "", (), True),
        ("who TEXT, twice AS (who || who)", "", (), True),
        ("who TEXT", "CREATE INDEX heads ON seats (substr(who, 1, 1))", (), True),
        ("who TEXT", "CREATE UNIQUE INDEX free ON seats (note) WHERE who IS NULL", (), True),
        ("who TEXT CHECK (no_such_function(who))", "", (), True),
    ],
)
def test_what_may_refuse_a_change_is_worth_a_trial(
    columns: str, index: str, given: tuple[str, ...], may: bool
) -> None:
    made = [f"CREATE TABLE seats (id INTEGER PRIMARY KEY, note TEXT, {columns})", *filter(None, [index])]
    assert may_refuse(made, "seats", given) is may
    assert may_refuse([], "seats", given), "of what nobody knows"


def test_changes_are_tried_for_a_while_and_not_as_long_as_an_index_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(apsw.Connection(str(tmp_path / "a.db"))) as file:
        file.execute("CREATE TABLE seats (id INTEGER PRIMARY KEY, who TEXT UNIQUE, note TEXT)")
        file.executemany(
            "INSERT INTO seats VALUES (?, ?, 'x')", [(number, f"u{number}") for number in range(99)]
        )
        added = [("INSERT INTO seats VALUES (0, 'u0', 'x')", ())]
        taken = [("UPDATE seats SET who = 'u1' WHERE id = 0", ())]
        columns = ("id", "who", "note")
        assert refused_change([], "gone", columns, ([], []), file, given=()) == []
        made = made_by(file, "seats")
        refusal = "UNIQUE constraint failed: seats.who"
        assert refused_change(made, "seats", columns, (added, taken), file, given=("who",)) == [(0, refusal)]
        assert refused_change(made, "seats", columns, (added, taken), given=("who",)) == [(0, "")]
        nobody = [("UPDATE seats SET who = 'u1' WHERE id = 1000", ())]
        assert refused_change(made, "seats", columns, (added, nobody), file, given=("who",)) == [(0, "")]
        file.execute("PRAGMA writable_schema = ON")  # no entry of its own is needed
        heavy = "CREATE INDEX heavy ON seats (length(replace(hex(zeroblob(1000000)), '0', note)))"
        file.execute("INSERT INTO sqlite_master VALUES ('index', 'heavy', 'seats', 0, ?)", (heavy,))
        monkeypatch.setattr("models.local.trial._SECONDS", 0.02)
        begun = time.monotonic()
        refused_change(made_by(file, "seats"), "seats", columns, (added, taken), file, given=("who",))
        assert time.monotonic() - begun < 0.5
