"""What a list shows of a row is found in the row itself again, whatever it holds."""

from typing import Any

import apsw
import pytest

from app.services.chain.cautions import Agreed
from app.services.records import notifications, users
from app.services.records.applying import changed_since, seen_of
from app.services.records.images import Images
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.writing import carry_out
from models.engine import Database
from models.errors import ChangedMeanwhile
from models.schema import inspect
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS

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


def test_a_deletion_that_is_refused_names_those_that_others_have_deleted_too(
    engine: Database, sql: apsw.Connection
) -> None:
    ids = [f"u{number}" for number in range(6)]
    for one in ids:
        sql.execute(f"{INTO_USERS}(?, 'acme', ? || '@x.example', NULL, 1, 1)", (one, one))
    rows = [(one, f"{one}@x.example") for one in ids]
    seen = seen_of("users", rows, ("id", "email"))
    sql.execute("UPDATE users SET email = 'eve@x.example' WHERE id = 'u1'")
    sql.execute("DELETE FROM users WHERE id = 'u3'")
    how: dict[str, Any] = {"actor": "ops", "now": NOW, "agreed": Agreed(), "seen": seen}

    def refused(gone: int = 0) -> str:
        with pytest.raises(ChangedMeanwhile) as error:
            carry_out(users.delete, engine, ids, gone=gone, **how)
        return str(error.value)

    told = "What was shown of the user u1@x.example (E-mail) and of the user u3@x.example (no longer there)"
    assert refused().startswith(f"{told} was changed")
    assert refused(gone=2).startswith(f"{told} and of 2 more was changed")
    sql.execute("DELETE FROM users WHERE id = 'u4'")
    sql.execute("UPDATE users SET email = id WHERE id != 'u1'")
    assert "(no longer there) and of 3 more was changed" in refused()
    assert sql.execute("SELECT count(*) FROM users").get == 4


def test_so_does_one_of_notifications(engine: Database, sql: apsw.Connection) -> None:
    for one in ("a", "b", "c"):
        columns = "(id, tenant_id, type, title, read, created_at)"
        sql.execute(f"INSERT INTO notifications {columns} VALUES (?, 'acme', 't', ?, 0, 1)", (one, one * 2))
    seen = seen_of("notifications", [(one, one * 2) for one in ("a", "b", "c")], ("id", "title"))
    sql.execute("UPDATE notifications SET title = 'T' WHERE id = 'a'")
    sql.execute("DELETE FROM notifications WHERE id = 'b'")
    how: dict[str, Any] = {"actor": "ops", "now": NOW, "agreed": Agreed(), "seen": seen}
    with pytest.raises(ChangedMeanwhile, match=r"notification aa \(Title\) and of the notification bb \(no"):
        carry_out(notifications.delete, engine, ["a", "b", "c"], **how)
