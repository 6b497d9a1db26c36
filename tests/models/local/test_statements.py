"""SQL text is split where SQLite itself would, and compared by what it says."""

import tracemalloc

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.local import statements

PIECES = (
    "SELECT 1",
    "INSERT INTO t VALUES ('a;b')",
    "CREATE TABLE \"x;y\" (`c;d` TEXT, [e;f] TEXT DEFAULT 'it''s; so')",
    "CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET a = ';'; SELECT 2; END",
    "CREATE TEMP TRIGGER r2 AFTER DELETE ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END",
    "-- a comment; here\nDELETE FROM t",
    "/* one; two */ UPDATE t SET a = 1 /* three; */",
)
GAPS = (";", " ;\n", ";;", "; -- end; of line\n", ";\n/* between; */\n", ";\r\n")


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GAPS)), max_size=8), st.booleans())
def test_what_is_joined_is_split_again(parts: list[tuple[str, str]], closed: bool) -> None:
    text = "".join(piece + gap for piece, gap in parts)
    if parts and not closed:
        text = text[: -len(parts[-1][1])]
    assert [statements.canonical(found) for found in statements.split(text)] == [
        statements.canonical(piece) for piece, _ in parts
    ]


@pytest.mark.slow
@example('"";"B ')
@given(st.text(alphabet=" \n;'\"`[]-/*abBEGINcreatetrigger", max_size=60))
def test_any_text_is_split_without_loss(text: str) -> None:
    kept = "".join("".join(found.split()) for found in statements.split(text))
    assert set(kept) <= set(text)
    for found in statements.split(text):
        assert statements.canonical(found)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CREATE TABLE a (x TEXT)", 'create table\t"A"(\n  x text -- why\n);', True),
        ("CREATE TABLE a (x DEFAULT 'B')", "CREATE TABLE a (x DEFAULT 'b')", False),
        ("CREATE TABLE a (x DEFAULT ' ')", "CREATE TABLE a (x DEFAULT '  ')", False),
        ("CREATE TABLE a (x, y)", "CREATE TABLE a (y, x)", False),
        ("CREATE TABLE a (x y)", 'CREATE TABLE a ("x y")', False),
        ("CREATE TABLE a (xy)", "CREATE TABLE a (x y)", False),
        ("CREATE TABLE é (x)", "CREATE TABLE É (x)", False),
    ],
)
def test_two_statements_say_the_same_or_not(one: str, other: str, same: bool) -> None:
    assert (statements.canonical(one) == statements.canonical(other)) is same


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY)",
        'create table "Users"(id text primary key)',
        "CREATE INDEX IF NOT EXISTS users ON t(a)",
        "CREATE UNIQUE INDEX users ON t(a)",
    ],
)
def test_what_a_statement_makes_is_what_sqlite_keeps(statement: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (a)")
    connection.execute(statement)
    kept = connection.execute("SELECT sql FROM sqlite_master WHERE lower(name) = 'users'").get
    assert statements.creates(statement) == ("users", statements.canonical(kept))


@pytest.mark.parametrize(
    "statement", ["CREATE VIEW v AS SELECT 1", "DROP TABLE a", "INSERT INTO a VALUES (1)"]
)
def test_other_statements_make_nothing(statement: str) -> None:
    assert statements.creates(statement) is None


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("value", ["x", "''", "'\"", "`", "[", "--\n", "/**/", ";"])
def test_memory_is_bounded_by_the_text(value: str) -> None:
    """A pattern that can be taken back keeps a state for each character: 20 MB of text cost 3.3 GB."""
    text = "SELECT '" + value * (1_000_000 // len(value)) + "'"
    tracemalloc.start()
    try:
        statements.canonical(text)
        assert tracemalloc.get_traced_memory()[1] < 100 * len(text)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("CREATE TABLE a (b)", "CREATE TABLE a (b);"),
        ("CREATE TABLE a (b) -- c", "CREATE TABLE a (b) -- c\n;"),
        ("CREATE TABLE a (b) /* c", "CREATE TABLE a (b) /* c*/;"),
        ("CREATE TABLE a (b DEFAULT ';'); DROP TABLE c", "CREATE TABLE a (b DEFAULT ';');"),
        ("CREATE TABLE a (b)\0; DROP TABLE c", "CREATE TABLE a (b);"),
        (PIECES[3], f"{PIECES[3]};"),
        ("CREATE TABLE a (b DEFAULT 'c", None),
    ],
)
def test_of_a_line_of_the_schema_only_the_first_statement_counts(line: str, read: str | None) -> None:
    assert statements.first(line) == read
