"""What a table's own SQL says that its columns may hold."""

import apsw
import pytest

from models.column_rules import ColumnRule, read_rules

KINDS = {"id": "TEXT", "role": "TEXT", "level": "INTEGER", "note": "", "my name": "TEXT"}
LISTED = [
    ("role TEXT CHECK (role IN ('member', 'admin'))", "role", ("member", "admin")),
    ("role TEXT CHECK(role IS NULL OR role in ('it''s', 'b,c)'))", "role", ("it's", "b,c)")),
    ("""role TEXT CHECK (("role" IN ("a", 'b')))""", "role", ("a", "b")),
    ("Role TEXT, CONSTRAINT x CHECK ([role] IN ('a') /* ')' */ OR role IS NULL)", "role", ("a",)),
    ("level INTEGER DEFAULT (1) NOT NULL CHECK (level IN (-1, 0, 1))", "level", ("-1", "0", "1")),
    ("role TEXT CHECK (role IN ('a', 'b')) CHECK (role IN ('b', 'c'))", "role", ("b",)),
    ("`my name` TEXT CHECK (`my name` IN ('a'))", "my name", ("a",)),
]
OTHERS = [
    ("note CHECK (length(note) <\n 20)", {"note": ("length(note) < 20",)}),
    ("role TEXT CHECK (role IN ('a', NULL))", {"role": ("role IN ('a', NULL)",)}),
    ("role TEXT CHECK (role NOT IN ('a'))", {"role": ("role NOT IN ('a')",)}),
    ("role TEXT, level INT, CHECK (role <> 'a' OR level > 3)", dict.fromkeys(["role", "level"], None)),
    ("role TEXT CHECK (role IN ('a') AND level > 1), level INT", dict.fromkeys(["role", "level"], None)),
    ("role TEXT CHECK (lower(role) IN ('a'))", {"role": ("lower(role) IN ('a')",)}),
    ("role TEXT DEFAULT 'CHECK (role IN (1))' -- CHECK (role IN (1))\n", {}),
]


@pytest.mark.parametrize(("columns", "name", "values"), LISTED)
def test_the_values_that_a_check_lists(columns: str, name: str, values: tuple[str, ...]) -> None:
    sql = f"CREATE TABLE users (id TEXT PRIMARY KEY, {columns})"
    apsw.Connection(":memory:").execute(sql)
    assert read_rules(sql, KINDS)[name] == ColumnRule(KINDS[name], values)


@pytest.mark.parametrize(("columns", "checks"), OTHERS)
def test_any_other_check_is_told_as_it_is_written(columns: str, checks: dict[str, object]) -> None:
    sql = f'CREATE TABLE "users" (id TEXT PRIMARY KEY, {columns})'
    apsw.Connection(":memory:").execute(sql)
    found = {name: rule for name, rule in read_rules(sql, KINDS).items() if rule.checks}
    assert found.keys() == checks.keys() and not any(rule.choices for rule in found.values())
    assert all(found[name].checks == said for name, said in checks.items() if said)


def test_what_is_no_table_says_nothing() -> None:
    for sql in (
        "",
        "CREATE VIEW x AS SELECT 1",
        "CREATE TABLE x (CHECK (",
        "CREATE TABLE x AS SELECT 1 AS role",
    ):
        assert read_rules(sql, KINDS) == {name: ColumnRule(kind) for name, kind in KINDS.items()}
