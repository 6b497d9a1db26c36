"""What a batch finds of the shape that it was planned on."""

import apsw
import pytest

from app.services.records.unaltered import unaltered
from models.engine import Database
from models.errors import RowChanged
from models.schema import read_stored

CHILD = "CREATE TABLE child (a TEXT, b TEXT, FOREIGN KEY ({}) REFERENCES parent{} ON DELETE CASCADE)"
SPLIT = "a) REFERENCES parent (x) ON DELETE CASCADE, FOREIGN KEY (b", "(y)"
PARENT = "CREATE TABLE parent (x TEXT, y TEXT UNIQUE, UNIQUE (x, y), PRIMARY KEY (x))"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("a", ""), None),
        (("a", "(x)"), None),
        (("a, b", "(x, y)"), None),
        (("a", "(x)"), ("a", "(y)")),
        (("a, b", "(x, y)"), ("b, a", "(x, y)")),
        (("a, b", "(x, y)"), SPLIT),
        (SPLIT, None),
        (("a", "(x)"), ("a", "(x) ON UPDATE SET NULL")),
        (("a", "(x) ON UPDATE SET NULL"), None),
    ],
)
def test_another_key_is_found_and_the_same_one_is_not(
    database: Database, sql: apsw.Connection, before: tuple[str, str], after: tuple[str, str] | None
) -> None:
    sql.execute(PARENT)
    sql.execute(CHILD.format(*before))
    stored, _ = read_stored(database, lambda tables: ())
    guard = unaltered([*stored], [stored["parent"]])
    database.run_batch([guard])
    if after is not None:
        sql.execute("DROP TABLE child")
        sql.execute(CHILD.format(*after))
        with pytest.raises(RowChanged):
            database.run_batch([guard])


@pytest.mark.parametrize(
    ("index", "leads"),
    [("(a)", True), ("(b, a)", False), ("(a) WHERE b", False), ("(a COLLATE NOCASE)", False)],
)
def test_an_index_leads_to_all_rows_of_a_value_by_their_bytes(
    database: Database, sql: apsw.Connection, index: str, leads: bool
) -> None:
    sql.execute("CREATE TABLE child (a TEXT, b TEXT)")
    sql.execute(f"CREATE INDEX by_it ON child {index}")
    stored, _ = read_stored(database, lambda tables: ())
    assert ("a" in stored["child"].led_by) is leads
