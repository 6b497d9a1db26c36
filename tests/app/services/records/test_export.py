import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.records import export
from app.services.records import lists as lists_module
from app.services.records.export import Format
from app.services.records.known import Known, top_of
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.rows import Value
from app.services.records.tables import DECLARED
from app.services.records.urls import without_users
from models.engine import Database
from models.errors import RowChanged, TooMuch
from models.schema import inspect
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.stored import stored

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
    "\ttab",
    "\rreturn",
    "\n=2",
    "＝3",
]


@pytest.fixture
def query(sql: apsw.Connection) -> ListQuery:
    sql.executemany(
        "INSERT INTO webhook_destinations"
        " (id, tenant_id, name, hostname, url, secret, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?)",
        [
            (f"wh-{n:02}", "acme", name, "h", "https://h/", "whsec_hidden", NOW, NOW)
            for n, name in enumerate(NASTY)
        ],
    )
    return ListQuery("webhook_destinations", sort="id")


def text(engine: Database, query: ListQuery, form: Format) -> str:
    lists = Lists(inspect(engine))
    return export.text_of(engine, lists, export.RowsWanted(query, form))[0]


@pytest.mark.parametrize("form", list(Format))
def test_no_secret_is_ever_written(engine: Database, query: ListQuery, form: Format) -> None:
    written = text(engine, query, form)
    assert "wh-03" in written
    assert "whsec_hidden" not in written


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(
    "name",
    [
        "api_token",
        "passwordHash",
        "mfa_secret",
        "APIKEY",
        "private_key",
        "token_hash",
        "pwd",
        "mfa_seed",
        "auth_header",
        "bearer",
        "api key",
    ],
)
def test_what_only_the_file_calls_a_secret_is_one(
    engine: Database, sql: apsw.Connection, query: ListQuery, form: Format, name: str
) -> None:
    for column in (name, "tokens_used", "key"):
        sql.execute(f'ALTER TABLE webhook_destinations ADD COLUMN "{column}"')
    values = f"\"{name}\" = 'hidden', tokens_used = 'counted', key = 'plain'"
    sql.execute(f"UPDATE webhook_destinations SET {values}")
    written = text(engine, query, form)
    assert "hidden" not in written
    assert "counted" in written
    assert "plain" in written
    assert (f"has_{name}" in written) is (form is not Format.SQL)


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("column", ["url", "name", "fallback"])
def test_of_a_webhooks_url_the_host_alone_is_written(
    engine: Database, sql: apsw.Connection, query: ListQuery, form: Format, column: str
) -> None:
    whole = "https://bob:pw@hooks.slack.com/services/T0/secret-path?token=1"
    sql.execute("ALTER TABLE webhook_destinations ADD COLUMN fallback")
    sql.execute(f"UPDATE webhook_destinations SET {column} = ?", (whole,))
    key = "-----BEGIN PRIVATE KEY-----\nZGVlcC1zZWNyZXQ\n-----END PRIVATE KEY-----"
    sql.execute("UPDATE webhook_destinations SET fallback = coalesce(fallback, ?)", (key,))
    written = text(engine, query, form)
    assert "https://hooks.slack.com/…" in written
    parts = ("bob", "pw", "services", "secret-path", "token", "ZGVlcC1zZWNyZXQ")
    assert not [part for part in parts if part in written]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(
    "stored", ["bob:pw@h.example", "https://bob:pw@h.example/secret-path", "h.example/secret-path?token=1"]
)
def test_of_what_stands_in_a_hostname_the_host_alone_is_written(
    engine: Database, sql: apsw.Connection, query: ListQuery, form: Format, stored: str
) -> None:
    sql.execute("UPDATE webhook_destinations SET hostname = ?", (stored,))
    written = text(engine, query, form)
    assert "h.example" in written
    assert not [part for part in ("bob", "pw", "secret-path", "token") if part in written]
    sql.execute("UPDATE webhook_destinations SET hostname = 'odd_host.ä'")
    assert "odd_host.ä" in text(engine, query, form)


@pytest.mark.parametrize("form", list(Format))
def test_of_a_url_in_another_column_all_but_its_user_is_written(
    engine: Database, sql: apsw.Connection, form: Format
) -> None:
    sql.execute("ALTER TABLE users ADD COLUMN seen_at")
    sql.execute(INTO_USERS + "('u', 'acme', 'e', NULL, 1, 1)")
    sql.execute("UPDATE users SET seen_at = 'from postgres://bob:pw@h.example/a?b, x@y'")
    sql.execute("UPDATE users SET email = 'https://bob:pw@mail.example/c'")
    written = text(engine, ListQuery("users"), form)
    assert "from postgres://…@h.example/a?b, x@y" in written and "https://…@mail.example/c" in written
    sql.execute("ALTER TABLE users ADD COLUMN webhook_url")
    sql.execute("UPDATE users SET webhook_url = 'https://hooks.slack.com/services/T/B/SEC'")
    written = text(engine, ListQuery("users"), form)
    assert "https://hooks.slack.com/…" in written and "SEC" not in written
    discord = '{"to":"https:\\/\\/canary.discord.com\\/api\\/v10\\/webhooks\\/1\\/SEC"}'
    sql.execute(
        "UPDATE users SET webhook_url = 1, email = ?, id = ?",
        (discord, "HTTPS%3A%2F%2FHooks.Slack.com%2FT%2FSEC"),
    )
    sql.execute("UPDATE users SET seen_at = ?", (b"\xffhttps://hooks.slack.com/services/T/B/SEC",))
    written = text(engine, ListQuery("users"), form)
    assert "discord.com/…" in written and "Hooks.Slack.com/…" in written
    assert "SEC" not in written and b"SEC".hex() not in written


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("postgres://u:p@ss#1@db/x", "postgres://…@db/x"),
        (b"\xffhttps://u:p@h/x", b"\xffhttps://...@h/x"),
        (b"\xff\x00", b"\xff\x00"),
        ("https://h/a@b", "https://h/a@b"),
        (b"https://u:p\xa0q@h/x", b"https://...@h/x"),
        ('{"url":"https://h","to":"a@b"}', '{"url":"https://h","to":"a@b"}'),
        ("https://h,a@b", "https://h,a@b"),
    ],
)
def test_a_user_is_taken_out_whatever_signs_it_has(stored: Value, written: Value) -> None:
    assert without_users(stored) == written


def test_csv_cells_do_not_run_and_come_back(engine: Database, query: ListQuery) -> None:
    rows = list(csv.DictReader(io.StringIO(text(engine, query, Format.CSV), newline="")))
    cells = [row["name"] for row in rows]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == NASTY


def test_json_lines_hold_every_row_whole(engine: Database, query: ListQuery) -> None:
    rows = [json.loads(line) for line in text(engine, query, Format.JSON).splitlines()]
    assert [row["name"] for row in rows] == NASTY


def test_sql_inserts_make_the_same_rows_again(
    engine: Database, sql: apsw.Connection, query: ListQuery
) -> None:
    script = text(engine, query, Format.SQL)
    before = sql.execute("SELECT id, name, active FROM webhook_destinations").fetchall()
    sql.execute("DELETE FROM webhook_destinations")
    sql.execute(script)
    after = sql.execute("SELECT id, name, active FROM webhook_destinations").fetchall()
    assert after == before


def test_all_rows_are_written_and_counted(engine: Database, query: ListQuery, tmp_path: Path) -> None:
    target, lists = tmp_path / "out.csv", Lists(inspect(engine))
    seen: list[tuple[int, int]] = []
    wanted = export.RowsWanted(query, Format.CSV)
    count = export.to_file(target, engine, lists, wanted, progress=lambda *said: seen.append(said))
    assert count == len(NASTY)
    assert seen == [(0, count), (count, count)]
    with target.open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [f"wh-{n:02}" for n in range(count)]


def test_only_the_rows_with_these_keys_are_written_and_those_that_have_gone_not_counted(
    engine: Database, sql: apsw.Connection, query: ListQuery, tmp_path: Path
) -> None:
    target, lists = tmp_path / "out.jsonl", Lists(inspect(engine))
    keys = lists.load_keys(engine, query)[2:5]
    sql.execute("DELETE FROM webhook_destinations WHERE id = 'wh-03'")
    wanted = export.RowsWanted(query, Format.JSON, keys)
    count = export.to_file(target, engine, lists, wanted, progress=lambda done, total: None)
    assert count == 2
    assert [json.loads(line)["id"] for line in target.read_text().splitlines()] == ["wh-02", "wh-04"]


def test_a_row_that_has_the_number_of_one_that_was_selected_is_not_written(
    engine: Database, sql: apsw.Connection, query: ListQuery
) -> None:
    lists = Lists(inspect(engine))
    keys = lists.load_keys(engine, query)
    known = Known(lists.ids_of(engine, query, keys), top_of(lists, engine, query, keys))
    last = sql.execute("SELECT * FROM webhook_destinations ORDER BY rowid DESC LIMIT 1").fetchall()[0]
    sql.execute("DELETE FROM webhook_destinations WHERE id = ?", (last[0],))
    places = ", ".join("?" * len(last))
    sql.execute(f"INSERT INTO webhook_destinations VALUES ({places})", ("newcomer", *last[1:]))
    for form in Format:
        wanted = export.RowsWanted(query, form, keys, known=known)
        text, count = export.text_of(engine, lists, wanted)
        assert count == len(keys) - 1 and "newcomer" not in text
    few = export.RowsWanted(query, Format.CSV, keys, known=replace(known, ids={}))
    with pytest.raises(RowChanged):
        export.text_of(engine, lists, few)


@pytest.mark.parametrize(("most", "telling"), [(150, 4000), (400, 3)])
def test_too_much_ends_where_it_is_passed_or_foreseen(
    engine: Database, query: ListQuery, monkeypatch: pytest.MonkeyPatch, most: int, telling: int
) -> None:
    monkeypatch.setattr(export, "_TELLING", telling)
    lists, stream = Lists(inspect(engine)), io.StringIO()
    with pytest.raises(TooMuch):
        export._write(stream, engine, lists, export.RowsWanted(query, Format.TEXT, most=most))
    assert 1 < len(stream.getvalue().splitlines()) < 6


def test_what_is_taken_is_written_whole(engine: Database, query: ListQuery) -> None:
    lists, whole = Lists(inspect(engine)), text(engine, query, Format.TEXT)
    keys = lists.load_keys(engine, query)
    wanted = export.RowsWanted(query, Format.TEXT, keys, len(whole))
    assert export.text_of(engine, lists, wanted)[0] == whole


@pytest.mark.parametrize("form", list(Format))
def test_rows_are_written_together_as_each_alone(
    engine: Database, sql: apsw.Connection, form: Format
) -> None:
    values = [
        *(
            *NASTY,
            "plain",
            "",
            "https://bob:pw@h.example/a",
            "token=hidden",
            '{"password":"hidden"}',
            "sk-a1",
        ),
        *("Authorization: hidden-hidden", b"\xffpassword=hidden", b"\x00", 1, 2.5, float("inf"), NOW),
    ]
    many = [values[n % len(values)] for n in range(250)]
    sql.executemany(
        INTO_USERS + "(?, 'acme', ?, NULL, ?, ?)", [(f"u{n:03}", v, NOW + n, v) for n, v in enumerate(many)]
    )
    lists, query = Lists(inspect(engine)), ListQuery("users", sort="id")
    keys = lists.load_keys(engine, query)
    head = export.text_of(engine, lists, export.RowsWanted(query, form, keys[:0]))[0]
    alone = [
        export.text_of(engine, lists, export.RowsWanted(query, form, keys[n : n + 1]))[0] for n in range(30)
    ]
    whole = text(engine, query, form)
    assert whole.startswith(head + "".join(one.removeprefix(head) for one in alone))
    assert "hidden" not in whole and b"hidden".hex() not in whole


def test_long_rows_are_read_by_fewer(
    engine: Database, sql: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql.executemany(
        INTO_USERS + "(?, 'acme', ?, NULL, 1, 1)",
        [(f"u{n:04}", "x" * (1 if n < 700 else 3000)) for n in range(1200)],
    )
    lists, query = Lists(inspect(engine)), ListQuery("users", sort="id")
    asked: list[int] = []
    by_key = lists_module._by_key

    def count(*given: Any, **named: Any) -> Any:
        asked.append(len(given[-1]))
        return by_key(*given, **named)

    monkeypatch.setattr(lists_module, "_by_key", count)
    columns = DECLARED["users"].columns
    found = [*lists.stored_rows(engine, query, lists.load_keys(engine, query), columns)]
    at = [column.name for column in columns].index("id")
    assert [row[at] for row in found] == [f"u{n:04}" for n in range(1200)]
    assert asked == [100, 500, 500, 100]


ODD: list[tuple[object, str]] = [
    (None, "?"),
    (1, "?"),
    (2**63 - 1, "?"),
    (1.0, "?"),
    (-0.0, "?"),
    (0.1, "?"),
    (1795000000.5, "?"),
    (float("inf"), "?"),
    (float("-inf"), "?"),
    (b"\x00\xff", "?"),
    ("it's\0nul", "?"),
    ("-2+3", "?"),
    ("line\r\nbreak \\n", "?"),
    (b"bad \xff", "CAST(? AS TEXT)"),
]
"""Values of every class, and how each is bound."""


@pytest.fixture
def odd(engine: Database, sql: apsw.Connection) -> Database:
    """A table of ours as another program has made it: columns that we do not know, others missing."""
    sql.execute(
        "DROP TABLE webhook_destinations; CREATE TABLE webhook_destinations (id INTEGER PRIMARY KEY,"
        " tenant_id TEXT, secret TEXT, [=odd] , description TEXT NOT NULL, doubled AS (id * 2))"
    )
    for number, (value, place) in enumerate(ODD):
        sql.execute(
            "INSERT INTO webhook_destinations (id, tenant_id, secret, [=odd], description)"
            f" VALUES (?, 'acme', 'whsec_hidden', {place}, 'kept')",
            (number, value),
        )
    return engine


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        (1_795_000_000, "2026-11-18 11:06:40"),
        (1_795_000_000_250, "2026-11-18 11:06:40.250"),
        (1_795_000_000_000, "2026-11-18 11:06:40"),
        (1_795_000_000.5, 1_795_000_000.5),
        (float("inf"), float("inf")),
        (2**62, 2**62),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_a_time_is_written_out_where_nothing_of_it_is_lost(stored: Value, written: Value) -> None:
    assert export.as_time(stored) == written


def test_sql_holds_each_value_as_it_is_stored(
    odd: Database, sql: apsw.Connection, database_path: Path
) -> None:
    before = stored(database_path)["webhook_destinations"]
    script = text(odd, ListQuery("webhook_destinations", sort="id"), Format.SQL)
    sql.execute("DELETE FROM webhook_destinations")
    sql.execute(script)
    after = stored(database_path)["webhook_destinations"]
    without_secret = [(*row[:6], "null", None, *row[8:]) for row in before]
    assert after == without_secret
    assert "9e999" in script and "-9e999" in script and "x'00ff'" in script


def test_json_and_csv_hold_every_column_and_say_what_they_have_no_form_for(odd: Database) -> None:
    query = ListQuery("webhook_destinations", sort="id")
    rows = [json.loads(line, parse_constant=no_json) for line in text(odd, query, Format.JSON).splitlines()]
    assert list(rows[0]) == ["id", "tenant_id", "has_secret", "=odd", "description", "doubled"]
    said = {7: "9e999", 8: "-9e999", 9: "x'00ff'", 13: "CAST(x'62616420ff' AS TEXT)"}
    for number, row in enumerate(rows):
        expected = said.get(number, ODD[number][0])
        assert repr(row["=odd"]) == repr(expected)
        assert (row["description"], row["has_secret"], row["doubled"]) == ("kept", 1, 2 * number)
    cells = list(csv.reader(io.StringIO(text(odd, query, Format.CSV), newline="")))
    assert cells[0][3] == "'=odd"
    found = [row[3] for row in cells[1:]]
    assert found[:7] == ["", "1", str(2**63 - 1), "1.0", "-0.0", "0.1", "1795000000.5"]
    assert found[7:10] == ["9e999", "-9e999", "x'00ff'"]
    shown = [line.split("\t")[3] for line in text(odd, query, Format.TEXT).splitlines()]
    assert {"∞", "-∞"} <= set(shown), "for people as lists show it"
    assert found[10:] == ["it's\0nul", "'-2+3", "line\r\nbreak \\n", "CAST(x'62616420ff' AS TEXT)"]


def test_csv_tells_null_from_an_empty_text(odd: Database, sql: apsw.Connection) -> None:
    """As PostgreSQL writes and reads it."""
    sql.execute("DELETE FROM webhook_destinations WHERE id > 1")
    sql.execute("UPDATE webhook_destinations SET [=odd] = '' WHERE id = 1")
    written = text(odd, ListQuery("webhook_destinations", sort="id"), Format.CSV)
    assert written.split("\r\n")[1:] == ["0,acme,1,,kept,0", '1,acme,1,"",kept,2', ""]


def test_copied_text_runs_in_no_spreadsheet(engine: Database, query: ListQuery) -> None:
    lines = text(engine, query, Format.TEXT).split("\n")
    cells = [cell for line in lines for cell in line.split("\t")]
    assert len(lines) == len(NASTY) + 2
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\r", "＝"))]
    assert "'=1+1" in cells and "' tab" in cells


def no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
