"""What a statement's text tells of its answer."""

import pytest

from models.d1.statements import columns_of


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT 1", 1),
        ("SELECT a, f(b, c), 'x,y' AS \"a,b\" FROM t", 3),
        ("SELECT count(*) FROM t", 1),
        ("WITH k(a, b) AS (SELECT 1, 2), m AS (SELECT 3) SELECT a, b FROM k", 2),
        ("\nSELECT (SELECT max(a), 1 FROM t) - (SELECT 1), 2", 2),
        ("SELECT a /* , */, b -- , c\n FROM t", 2),
        ("SELECT a, b UNION SELECT 3, 4", 2),
        ('SELECT t."from", [x,y] FROM t', 2),
        ("INSERT INTO t SELECT a, b FROM u", 0),
        ("SELECT * FROM t", None),
        ("SELECT a IS DISTINCT FROM b, c FROM t", None),
        ("WITH k AS (VALUES (1)) INSERT INTO t SELECT a FROM k", None),
        ("DELETE FROM t RETURNING a", None),
        ("PRAGMA table_info(t)", None),
        ("VALUES (1, 2)", None),
    ],
)
def test_columns_are_counted_where_the_text_tells(sql: str, columns: int | None) -> None:
    assert columns_of(sql) == columns
