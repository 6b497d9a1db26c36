"""Many users at once: what is read of lines, what is wrong with some, and one act for the rest."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.chain.where import InFile
from app.services.records import adding, users, writing
from app.services.records.adding import Judged, WantedUser, _Emails
from app.services.records.rows import statements_of
from app.services.records.users import NewUser, valid_email
from app.workers import scan_pool
from models.engine import D1_LIMITS, Database
from models.errors import Cancelled, ChangedSince, InvalidInput
from models.progress import Monitor
from models.schema import read_stored
from tests.app.services.conftest import Events
from tests.app.services.records.test_users import create
from tests.conftest import NOW
from tests.fixtures.connected import execute

ACME = frozenset({"acme", "globex"})


def judged(
    database: Database,
    text: str,
    tenant: str = "acme",
    *,
    new_tenants: bool = False,
    asked: Sequence[str] = (),
) -> Judged:
    sheet = adding.cut(text)
    stored, _ = read_stored(database)
    columns = adding.guessed(sheet, adding.fillable(stored["users"]))
    return adding.judge(database, sheet, WantedUser(columns, tenant, ACME, new_tenants), asked, now=NOW)


def emails(sql: apsw.Connection) -> list[tuple[str, str]]:
    return [*sql.execute("SELECT tenant_id, email FROM users ORDER BY tenant_id, email")]


@pytest.mark.parametrize(
    ("text", "columns", "first"),
    [
        ("a@x.example\nb@x.example", {"email": 0}, ["a@x.example"]),
        (
            "\ufeffE-Mail;Tenant\r\na@x.example;acme\r\n",
            {"email": 0, "tenant_id": 1},
            ["a@x.example", "acme"],
        ),
        ("org\tMail\nacme\ta@x.example", {"email": 1, "tenant_id": 0}, ["acme", "a@x.example"]),
        ('id,name\n7,"Doe, J"\n', {"email": 0}, ["7", "Doe, J"]),
        ("7,a@x.example\n", {"email": 1}, ["7", "a@x.example"]),
        ("email\n\n  '+tag@x.example  \n", {"email": 0}, ["+tag@x.example"]),
        ("sep=;\r\nmail;org\r\na@x.example;a,b\r\n", {"email": 0, "tenant_id": 1}, ["a@x.example", "a,b"]),
    ],
)
def test_columns_are_guessed_from_the_head_line_or_the_first(
    text: str, columns: dict[str, int], first: list[str]
) -> None:
    sheet = adding.cut(text)
    assert adding.guessed(sheet, ("email", "tenant_id")) == columns
    assert [*sheet.rows[0]] == first


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "email\na@x.example\n" + "x" * 300_000,
            "What begins in line 3 is longer than 250,000 characters; is",
        ),
        (
            'email\n"a@x.example\n' + "b@x.example\n" * 25_000,
            "begins in line 2 .* does a quotation mark lack",
        ),
        ("x" * 300_000, "What begins in line 1"),
        ("email\na" + "," * 2_000, "Line 2 has more than 2,000 cells"),
        ("email," * 60_000, "What begins in line 1"),
    ],
    ids=["field", "quotation mark", "single", "cells", "single of cells"],
)
def test_a_record_that_is_none_of_a_list_is_refused_before_it_is_parsed_whole(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        adding.cut(text)


@given(st.text(alphabet="a\r\n"))
def test_lines_are_cut_as_csv_has_them(text: str) -> None:
    assert [*adding._lines_of(text)] == [*io.StringIO(text, newline="")]


def test_a_line_of_many_addresses_is_a_line_for_each() -> None:
    addresses = [f"u{number}@x.example" for number in range(20_000)]
    assert [*adding.cut("; ".join(addresses)).rows] == [(one,) for one in addresses]


def test_a_first_line_that_names_nothing_known_is_told() -> None:
    slip = adding.cut("bob.example.com,acme\nann@x.example,acme")
    assert adding.unknown_head(slip, ("email", "tenant_id")) == "bob.example.com,acme"
    named = adding.cut("Mail,size\nann@x.example,7")
    assert adding.unknown_head(named, ("email", "tenant_id")) == ""


def test_a_file_is_read_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        path.write_text("email\nzoë@x.example\n", encoding=encoding)
        assert adding.cut(adding.read_text(path)).rows == [("zoë@x.example",)]
    path.write_bytes(b"email\nzo\xeb@x.example\n")
    with pytest.raises(InvalidInput, match="UTF-8"):
        adding.read_text(path)
    path.write_text("email\nzoë@x.example\n", encoding="utf-16-le")  # without its mark
    with pytest.raises(InvalidInput, match="UTF-8"):
        adding.read_text(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        adding.read_text(tmp_path / "none.csv")


def test_a_quotation_mark_without_its_other_is_told_with_its_line() -> None:
    with pytest.raises(InvalidInput, match="Line 2"):
        adding.cut('email\n"' + "a@x.example\n" * 20)


def test_a_cell_may_be_long_and_lines_keep_their_numbers() -> None:
    sheet = adding.cut(f"sep=|\nemail|note\na@x.example|{'x' * 200_000}\nb@x.example|y\n")
    assert [len(row[1]) for row in sheet.rows] == [200_000, 1] and sheet.lines == [3, 4]


@pytest.mark.parametrize(
    "line", ["a@x.example, b@x.example,c@x.example", "a@x.example;b@x.example; c@x.example;"]
)
def test_addresses_of_one_line_are_a_user_each(engine: Database, line: str) -> None:
    """As they are copied from a mail; of several lines nobody knows, and the columns tell."""
    found = judged(engine, line)
    assert [email for _, email, _ in found.good] == ["a@x.example", "b@x.example", "c@x.example"]
    assert not found.bad and adding.cut(line).lines == [1, 1, 1]
    assert len(adding.cut("a@x.example,b@x.example\nc@x.example,d@x.example").rows) == 2


def test_a_tenant_is_meant_as_it_is_stored_and_a_new_one_comes_in_one_spelling(engine: Database) -> None:
    there = frozenset({"\u00dcn\u00ef", " spaced ", "acme", "acme "})

    def tenants(*cells: str, new_tenants: bool = False) -> tuple[list[str], list[str]]:
        lines = "".join(f"u{number}@x.example,{cell}\n" for number, cell in enumerate(cells))
        sheet = adding.cut(f"email,tenant\n{lines}")
        wanted = WantedUser({"email": 0, "tenant_id": 1}, "", there, new_tenants, frozenset({"gone"}))
        found = adding.judge(engine, sheet, wanted, (), now=NOW)
        return [one[0] for one in found.good], [one.why for one in found.bad]

    assert tenants("U\u0308ni\u0308", "spaced", "acme", "acme ", " acme") == (
        ["\u00dcn\u00ef", " spaced ", "acme", "acme ", "acme"],  # one whose name has that space is meant
        [],
    )
    assert tenants("gone", "system") == (
        [],
        ["The tenant gone was erased.", "system is the chain of the whole database and has no users."],
    )
    assert tenants("gone", new_tenants=True) == (["gone"], [])
    assert tenants("ACME") == ([], ["There is no tenant ACME, but acme and acme ."])
    assert tenants("neu", "NEU", "e\u0301", "\u00e9", new_tenants=True) == (
        ["neu", "e\u0301", "e\u0301"],
        ["A line before has this new tenant as neu."],
    )


LINES = """email,tenant
ada@acme.example,acme
ADA@acme.example,acme
ada@acme.example,globex
not an address,acme
there@acme.example,acme
new@acme.example,initech
,acme
x@acme.example,Acme
"""


def test_each_line_that_makes_no_user_has_its_reason(engine: Database) -> None:
    create(engine, "There@acme.example")
    found = judged(engine, LINES)
    assert [(tenant, email) for tenant, email, _ in found.good] == [
        ("acme", "ada@acme.example"),
        ("globex", "ada@acme.example"),
    ]
    assert [(one.line, one.why) for one in found.bad] == [
        (3, "Line 2 has the same address in acme."),
        (5, "“not an address” is not an e-mail address; it needs the form name@example.com."),
        (6, "acme already has a user with the e-mail address There@acme.example."),
        (7, "There is no tenant initech yet."),
        (8, "The e-mail address is missing."),
        (9, "There is no tenant Acme, but acme."),
    ]
    also = judged(engine, LINES, new_tenants=True)
    assert also.new_tenants == ("initech",) and len(also.good) == 3


def test_the_lines_that_are_wrong_come_back_as_they_were(engine: Database) -> None:
    sheet = adding.cut("name,email\n=1+1,wrong\n'quoted,also wrong\n")
    found = adding.judge(engine, sheet, WantedUser({"email": 1}, "acme", ACME), (), now=NOW)
    text = found.bad_lines(sheet)
    assert [row[2] for row in csv.reader(io.StringIO(text))] == ["name", "'=1+1", "''quoted"]
    again = adding.cut(text)
    assert again.head == ("line", "why", "name", "email")
    assert [[*row[2:]] for row in again.rows] == [["=1+1", "wrong"], ["'quoted", "also wrong"]]


@pytest.mark.slow
@given(
    st.one_of(
        st.emails(),
        st.from_regex(r"[A-Za-z0-9._+\-]{0,70}@[A-Za-z0-9.\-]{0,40}", fullmatch=True),
        st.text(alphabet="a.@-_ é\u202e", max_size=12),
    )
)
def test_what_is_judged_faster_is_judged_alike(value: str) -> None:
    def said(judge: object) -> str:
        try:
            return f"is {judge(value)}"  # type: ignore[operator]
        except InvalidInput as error:
            return str(error)

    seen_before = _Emails()
    said(seen_before)
    assert said(_Emails()) == said(seen_before) == said(valid_email)


def test_all_of_them_are_one_act_with_honest_entries(
    engine: Database, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    wanted: list[NewUser] = [(("acme", "globex")[n % 2], f"u{n}@x.example", None) for n in range(1_100)]
    change = users.create_many(engine, wanted, actor="ops", now=NOW)
    assert change.summary == "1,100 users created" and len(emails(sql)) == 1_100
    told = events()
    assert [(tenant, kind, payload["count"]) for tenant, kind, payload in told] == [
        ("acme", "users_created", 500),
        ("acme", "users_created", 50),
        ("globex", "users_created", 500),
        ("globex", "users_created", 50),
    ]
    stored = {
        (tenant, key, email) for tenant, key, email in sql.execute("SELECT tenant_id, id, email FROM users")
    }
    named = {(tenant, one["userId"], one["email"]) for tenant, _, payload in told for one in payload["users"]}
    assert named == stored
    assert len([*statements_of(change.inverse().rows)]) < 5, "many go by one statement, too"
    undone = writing.undo(engine, change, now=NOW)
    assert emails(sql) == [] and events()[4][1] == "users_deleted"
    writing.undo(engine, undone, now=NOW)
    assert {*sql.execute("SELECT tenant_id, id, email FROM users")} == stored
    report = scan_pool.verify(InFile(database_path), now=NOW)
    assert (report.entries, list(report.findings)) == (12, [])


def test_one_that_is_taken_by_then_keeps_all_of_them_out(engine: Database, sql: apsw.Connection) -> None:
    for there, new in (("a@x.example", "A@x.example"), ("é@x.example", "É@x.example")):
        create(engine, there)
        before = emails(sql)
        with pytest.raises(InvalidInput, match="already has a user"):
            users.create_many(
                engine, [("acme", "z@x.example", None), ("acme", new, None)], actor="ops", now=NOW
            )
        assert emails(sql) == before
    with pytest.raises(InvalidInput, match="there twice"):
        users.create_many(
            engine, [("acme", "z@x.example", None), ("acme", "Z@x.example", None)], actor="ops", now=NOW
        )


def test_more_addresses_than_are_bound_one_by_one_are_found_all_the_same(
    engine: Database, sql: apsw.Connection
) -> None:
    create(engine, "U700@x.example")
    wanted: list[NewUser] = [("acme", f"u{n}@x.example", None) for n in range(1_500)]
    assert users.taken(engine, wanted) == {("acme", "u700@x.example"): "U700@x.example"}
    with pytest.raises(InvalidInput, match="U700"):
        users.create_many(engine, wanted, actor="ops", now=NOW)
    assert len(emails(sql)) == 1


def test_an_undo_is_refused_where_one_was_changed_since(engine: Database, sql: apsw.Connection) -> None:
    many = D1_LIMITS.parameters  # each address is looked for in several spellings, in one entry's statement
    wanted: list[NewUser] = [("acme", f"u{n}@x.example", None) for n in range(many)]
    change = users.create_many(engine, wanted, actor="ops", now=NOW)
    sql.execute("UPDATE users SET password_hash = 'theirs' WHERE email = 'u3@x.example'")
    with pytest.raises(ChangedSince, match="Password of"):
        writing.undo(engine, change, now=NOW)
    assert len(emails(sql)) == many
    sql.execute("UPDATE users SET password_hash = NULL")
    writing.undo(engine, change, now=NOW)
    assert emails(sql) == []


def test_what_is_no_number_makes_no_user_where_one_is_declared(engine: Database, database_path: Path) -> None:
    """SQLite would keep it as text, which is more than any number to a CHECK."""
    logins = "ALTER TABLE users ADD COLUMN logins INTEGER DEFAULT 0 CHECK (logins >= 0)"
    execute(database_path, logins, "ALTER TABLE users ADD COLUMN score REAL")
    found = judged(engine, "email;logins;score\na@x.example;3,5;\nb@x.example;3;7,5\nc@x.example;3;7.5\n")
    assert [(one.line, one.why) for one in found.bad] == [
        (2, "logins takes a whole number (it is declared INTEGER)."),
        (3, "score is declared REAL: a number, such as 7.5."),
    ]
    assert [email for _, email, _ in found.good] == ["c@x.example"]


def test_a_column_of_nothing_but_tenants_is_taken_for_that() -> None:
    names, there = ("email", "tenant_id", "role"), frozenset({"acme", "Globex"})
    german = adding.cut("E-Mail;Mandant;Rolle\na@x.example;acme;x\nb@x.example;globex;acme\n")
    assert adding.guessed(german, names, there) == {"email": 0, "tenant_id": 1}
    assert adding.guessed(adding.cut("a@x.example,acme\nb@x.example,acme\n"), names, there)["tenant_id"] == 1
    several = adding.cut("email,whose,made by\na@x.example,acme,acme\n")
    assert "tenant_id" not in adding.guessed(several, names, there)
    assert "tenant_id" not in adding.guessed(
        adding.cut("a@x.example,acme\nb@x.example,nobody\n"), names, there
    )


def test_columns_that_only_the_file_knows_are_filled_and_come_back(
    engine: Database, sql: apsw.Connection, database_path: Path
) -> None:
    execute(
        database_path,
        "ALTER TABLE users ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE users ADD COLUMN seats INTEGER",
        "ALTER TABLE users ADD COLUMN api_token TEXT",
    )
    found = judged(engine, "email,seats,name,api_token\na@x.example,7,Ada,secret\nb@x.example,,,\n")
    change = users.create_many(engine, found.good, actor="ops", now=NOW)
    look = "SELECT email, name, seats, api_token FROM users ORDER BY email"
    there = [("a@x.example", "Ada", 7, None), ("b@x.example", "", None, None)]
    assert [*sql.execute(look)] == there
    told = [one.get("columns") for event in change.events for one in event.payload["users"]]
    assert told == [{"name": "Ada", "seats": 7}, None], (
        "what they may do stands in the chain, as it is stored"
    )
    writing.undo(engine, writing.undo(engine, change, now=NOW), now=NOW)
    assert [*sql.execute(look)] == there


def test_it_ends_where_a_person_ends_it_and_nothing_is_written(
    database: Database, sql: apsw.Connection
) -> None:
    """On a file, which tells how far it is."""
    told: list[tuple[int, int]] = []
    monitor = Monitor(lambda done, of: told.append((done, of)), lambda: len(told) > 2)
    wanted: list[NewUser] = [("acme", f"u{n}@x.example", None) for n in range(2_000)]
    with pytest.raises(Cancelled):
        users.create_many(database, wanted, monitor, actor="ops", now=NOW)
    assert emails(sql) == [] and told[0][0] == 0 < told[-1][0] < told[0][1]
    text = "\n".join(email for _, email, _ in wanted)
    with pytest.raises(Cancelled):
        adding.cut(text, Monitor(cancelled=lambda: True))
    with pytest.raises(Cancelled):
        adding.judge(
            database,
            adding.cut(text),
            WantedUser({"email": 0}, "acme", ACME),
            (),
            Monitor(cancelled=lambda: True),
            now=NOW,
        )
