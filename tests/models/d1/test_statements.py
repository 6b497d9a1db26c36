"""What a statement's text tells of its answer."""

import json

import pytest

from models.d1.statements import body, columns_of


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


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT 1", "SELECT (SELECT 1), 1"),
        ("SELECT max(a) FROM t;", "SELECT (SELECT max(a) FROM t), 1"),
        ("SELECT a, '(FROM' AS b FROM t", "SELECT a, '(FROM' AS b, 1 FROM t"),
        (
            "SELECT a UNION SELECT (SELECT 2 FROM t) ORDER BY 1",
            "SELECT a, 1 UNION SELECT (SELECT 2 FROM t), 1 ORDER BY 1",
        ),
        (
            "WITH k(a) AS (SELECT 1 FROM t) SELECT a FROM k",
            "WITH k(a) AS (SELECT 1 FROM t) SELECT a, 1 FROM k",
        ),
        ("SELECT * FROM t", None),
        ("SELECT a FROM t UNION VALUES (1)", None),
        ("SELECT a -- b\n FROM t", None),
        ("INSERT INTO t SELECT a, b FROM u", None),
        ("SELECT json_extract('{}', iif(changes() = 1, '$', 'row changed 3'))", None),
        (f"SELECT {'a, ' * 99}a FROM t", None),
    ],
)
def test_a_statement_of_a_batch_says_in_each_row_which_it_is(sql: str, sent: str | None) -> None:
    batch = json.loads(body([{"sql": "DELETE FROM t"}, {"sql": sql}], "m1"))["batch"]
    assert [one["sql"] for one in batch] == ["DELETE FROM t", sent or sql, "SELECT 'm1'"]
