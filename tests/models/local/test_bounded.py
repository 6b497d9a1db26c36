"""A search of one long text for another ends at a bound, and not when somebody ends the program."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from models.engine import raw
from models.errors import SearchTooLong
from models.local.bounded import bound, searches
from models.local.database import LocalDatabase


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("INSERT INTO t VALUES(1,replace('a\\nb','\\n',char(10)),-2.5,'x');", False),
        (r"INSERT INTO t VALUES(replace(replace('a\r\n','\n',char(10)),'\r',char(13)));", False),
        ("INSERT INTO t VALUES('instr(a, b)');", False),
        ("CREATE TABLE t(a, b AS (substr(a, instr(a, '@') + 1)));", False),
        ("REPLACE INTO t VALUES(trim(' a '), replace(x'00', x'00', 'b'), instr(1, 2));", False),
        ("CREATE TABLE t(a, b AS (instr(a, b)));", True),
        ('INSERT INTO t VALUES("instr"(1, 1 || 2));', True),
        ("INSERT INTO t VALUES(replace(replace('a','\\n',char(10)),'b' || 'c','d'));", True),
        ("INSERT INTO t VALUES(1),(2),(lTrim /**/ ('a',\n(SELECT a)));", True),
        (f"INSERT INTO t VALUES(instr('a','{'b' * 100}'));", True),
        ("CREATE TABLE t(a CHECK (instr((a), upper(a))));", True),
        ("INSERT INTO t VALUES(replace('a', char(unicode(a)), 1));", True),
    ],
)
def test_what_searches_for_no_short_text_is_known(sql: str, found: bool) -> None:
    assert searches(sql) is found


def test_what_is_bounded_gives_what_sqlite_gives() -> None:
    values = ("aXbX", "X", "", None, 5, 1.5, b"aX", b"X", "é", 2**62)
    with closing(apsw.Connection(":memory:")) as own, closing(apsw.Connection(":memory:")) as bounded:
        bound(bounded, ValueError)
        for first in values:
            for second in values:
                for call in ("instr(?1, ?2)", "replace(?1, ?2, 'yy')", "trim(?1, ?2)", "rtrim(?1, ?2)"):
                    asked = f"SELECT {call}, typeof({call})"
                    found = [one.execute(asked, (first, second)).get for one in (own, bounded)]
                    assert found[0] == found[1], (call, first, second)
        with pytest.raises(ValueError, match=r"^instr\(\)$"):
            bounded.execute("SELECT instr(zeroblob(1e6), zeroblob(1001))").get  # noqa: B018


def test_a_computed_column_of_a_file_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    with closing(apsw.Connection(str(path))) as other:
        other.execute("CREATE TABLE t (a, b, c AS (instr(a, b)), d AS (replace(a, '-', '')))")
        other.execute("INSERT INTO t VALUES ('abc', 'c'), (?, ?)", ("a" * 100_000, "a" * 50_000 + "b"))
    database = LocalDatabase(path)
    with database.connection_context():
        assert database.rows(raw("SELECT c, d FROM t LIMIT 1")) == [(3, "abc")]
        with pytest.raises(SearchTooLong, match=r"odd\.sqlite has .* for a long one \(instr\(\)\)"):
            database.rows(raw("SELECT c FROM t"))
        assert database.rows(raw("SELECT length(d) FROM t")) == [(3,), (100_000,)]
