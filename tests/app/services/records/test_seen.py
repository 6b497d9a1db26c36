"""What a list shows of a row is found in the row itself again, whatever it holds."""

import apsw
import pytest

from app.services.records.applying import changed_since, seen_of
from app.services.records.images import Images
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from models.engine import Database
from models.schema import inspect

ODD = (
    "x''",
    "x'fffe'",
    "'a' || char(0) || 'b'",
    "5",
    "7.5",
    "CAST(x'ff41' AS TEXT)",
    "replace(hex(zeroblob(300)), '00', 'é') || char(0) || 'z'",
)


@pytest.mark.parametrize("email", ODD)
def test_an_odd_value_is_no_change(engine: Database, sql: apsw.Connection, email: str) -> None:
    columns = "id, tenant_id, email, created_at, updated_at"
    sql.execute(f"INSERT INTO users ({columns}) VALUES ('u', 'acme', {email}, 1, 1)")
    page = Lists(inspect(engine)).load_page(engine, ListQuery("users"), [1])
    (row,) = Images(engine).matching("users", ("id",), [("u",)])
    seen = seen_of("users", [one for one in page if one is not None])
    assert changed_since("users", seen["users", "u"], row.image) is None


def test_a_flag_of_bytes_without_length_is_no_change(engine: Database, sql: apsw.Connection) -> None:
    columns = "id, tenant_id, type, title, message, read, created_at"
    sql.execute(f"INSERT INTO notifications ({columns}) VALUES ('n', 'acme', 't', 't', 'm', x'', 1)")
    page = Lists(inspect(engine)).load_page(engine, ListQuery("notifications"), [1])
    (row,) = Images(engine).matching("notifications", ("id",), [("n",)])
    seen = seen_of("notifications", [one for one in page if one is not None])
    assert changed_since("notifications", seen["notifications", "n"], row.image) is None
