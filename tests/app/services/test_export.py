import csv
import io
import json
from pathlib import Path

import apsw
import pytest

from app.services import export
from app.services.errors import Cancelled, CannotOpen
from app.services.export import Format
from app.services.list_query import ListQuery
from app.services.listing import Lists
from models.database import Database
from models.schema import inspect
from tests.conftest import NOW

NASTY = [
    "=1+1",
    "+x",
    "-2",
    "@cmd",
    "'quoted'",
    'a "b", c',
    "line\nbreak",
    "O'Brien",
    "é\u202ex",
    "nul\0byte",
]


@pytest.fixture
def query(database: Database) -> ListQuery:
    database.connection().executemany(
        "INSERT INTO webhook_destinations"
        " (id, tenant_id, name, hostname, url, secret, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?)",
        [
            (f"wh-{n}", "acme", name, "h", "https://h/", "whsec_hidden", NOW, NOW)
            for n, name in enumerate(NASTY)
        ],
    )
    return ListQuery("webhook_destinations", sort="id")


def text(database: Database, query: ListQuery, form: Format) -> str:
    lists = Lists(inspect(database))
    return export.text_of(database, lists, query, lists.load_keys(database, query), form)


@pytest.mark.parametrize("form", list(Format))
def test_no_secret_is_ever_written(database: Database, query: ListQuery, form: Format) -> None:
    written = text(database, query, form)
    assert "wh-3" in written
    assert "whsec_hidden" not in written


def test_csv_cells_do_not_run_and_come_back(database: Database, query: ListQuery) -> None:
    rows = list(csv.DictReader(io.StringIO(text(database, query, Format.CSV), newline="")))
    cells = [row["name"] for row in rows]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == NASTY


def test_json_lines_hold_every_row_whole(database: Database, query: ListQuery) -> None:
    rows = [json.loads(line) for line in text(database, query, Format.JSON).splitlines()]
    assert [row["name"] for row in rows] == NASTY


def test_sql_inserts_make_the_same_rows_again(database: Database, query: ListQuery) -> None:
    script = text(database, query, Format.SQL)
    before = database.connection().execute("SELECT id, name, active FROM webhook_destinations").fetchall()
    database.connection().execute("DELETE FROM webhook_destinations")
    apsw_connection = database.connection()
    apsw_connection.execute(script)
    after = apsw_connection.execute("SELECT id, name, active FROM webhook_destinations").fetchall()
    assert after == before


def test_a_file_appears_whole_or_not_at_all(database: Database, query: ListQuery, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    lists = Lists(inspect(database))
    count = export.to_file(
        target, database, lists, query, Format.CSV, progress=lambda *_: None, cancelled=lambda: False
    )
    assert count == len(NASTY)
    assert target.read_text().startswith("id,tenant_id,name")
    missing = tmp_path / "nowhere" / "out.csv"
    with pytest.raises(CannotOpen):
        export.to_file(
            missing, database, lists, query, Format.CSV, progress=lambda *_: None, cancelled=lambda: False
        )


def test_cancelling_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    apsw.Connection(str(database.path)).executemany(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?,?,?,?,?)",
        [(f"u{n}", "acme", f"{n}@acme.example", NOW, NOW) for n in range(3000)],
    )
    target = tmp_path / "out.csv"
    before = set(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        export.to_file(
            target, database, Lists(inspect(database)), ListQuery("users"), Format.CSV,
            progress=lambda *_: None, cancelled=lambda: True,
        )  # fmt: skip
    assert {path for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))} <= before
