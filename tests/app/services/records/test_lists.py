"""Lists as a person sees them: the rows that match, in the order asked for, whatever the file holds."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import BaseQuery, OperationalError

from app.services.records import lists as module
from app.services.records.export import Format, RowsWanted, text_of
from app.services.records.list_query import ListQuery, NoSingleKey
from app.services.records.lists import Counts, Lists, Page, position
from app.services.records.tables import DECLARED, EVERYONE, Scope
from app.services.sought import sought
from models.engine import D1_LIMITS, Database, Rows
from models.errors import Cancelled, FileLocked, TableMissing
from models.local.database import LocalDatabase
from models.schema import inspect
from tests.fixtures.connected import connected
from tests.fixtures.inserting import INTO_USERS

ACME, BLUE = Scope("acme"), Scope("blue")
AUDIT, USERS, NOTES = ListQuery("audit_chain"), ListQuery("users"), ListQuery("notifications")


@pytest.fixture
def lists(engine: Database, sql: apsw.Connection) -> Lists:
    with sql:
        sql.executemany(
            "INSERT INTO users (id, tenant_id, email, password_hash, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                ("usr_1", "acme", "anna@acme.example", "pbkdf2$secret-hash", 100, 100),
                ("usr_2", "acme", "Björn_100%@acme.example", None, 300, 300),
                ("usr_3", "blue", "carla@blue.example", "", 200, 200),
                ("usr_4", "blue", "BENNO@blue.example", "pbkdf2$secret-hash", 200, 200),
            ],
        )
        sql.executemany(
            "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    ("acme", "blue")[number % 2],
                    ("user_created", "file_uploaded", "settings_changed")[number % 3],
                    f'{{"n":{number % 7}}}',
                    f"{number:064x}",
                    f"{number + 1:064x}",
                    1000 + number // 4,
                )
                for number in range(1200)
            ],
        )
        sql.executemany(
            "INSERT INTO notifications (id, tenant_id, type, title, message, read, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(f"ntf_{n}", "acme", "info" if n % 3 else "alert", f"T{n}", "m", n % 2, n) for n in range(30)],
        )
    return Lists(inspect(engine))


def shown(lists: Lists, engine: Database, query: ListQuery) -> Page:
    """Every row of the list, by way of its keys."""
    return lists.load_page(engine, query, lists.load_keys(engine, query))


def ids(lists: Lists, engine: Database, query: ListQuery) -> list[object]:
    return [row and row[0] for row in shown(lists, engine, query)]


def choices(lists: Lists, engine: Database, query: ListQuery, column: str) -> Counts:
    return lists.choices(engine, query, [column])[column]


def test_opens_with_the_exact_total_and_the_newest_entries_first(lists: Lists, engine: Database) -> None:
    listing = lists.open_list(engine, AUDIT, first_rows=3)
    assert (listing.total, listing.complete) == (1200, True)
    assert [row and row[0] for row in listing.rows] == [1200, 1199, 1198]
    assert listing.rows[0] == (
        1200,
        "blue",
        "settings_changed",
        '{"n":2}',
        f"{1199:064x}",
        f"{1200:064x}",
        1299,
    )


def test_keys_without_gaps_take_no_memory_and_those_with_gaps_are_exact(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    """Of a live database all keys come in one answer: whether there is a gap would be asked first."""
    for query, numbers in ((AUDIT, range(1200, 0, -1)), (replace(AUDIT, sort="seq"), range(1, 1201))):
        keys = lists.load_keys(engine, query)
        assert list(keys) == list(numbers) and isinstance(keys, range) is (engine.usage is None)
    sql.execute("DELETE FROM audit_chain WHERE seq IN (1, 7, 1200)")
    keys = lists.load_keys(engine, AUDIT)
    assert list(keys) == [seq for seq in range(1199, 1, -1) if seq != 7]
    assert lists.open_list(engine, AUDIT).total == 1197


def test_an_empty_list(engine: Database) -> None:
    lists = Lists(inspect(engine))
    for table in DECLARED:
        listing = lists.open_list(engine, ListQuery(table))
        assert (listing.total, listing.complete, listing.rows) == (0, True, ())
        assert len(lists.load_keys(engine, ListQuery(table))) == 0


def test_an_incomplete_listing_starts_as_the_whole_one_does(lists: Lists, engine: Database) -> None:
    """A live database has given all keys by then."""
    for sort in ("payload", "created_at", "event_type", "hash"):
        query = replace(AUDIT, sort=sort, descending=True)
        listing = lists.open_list(engine, query, first_rows=50)
        keys = lists.load_keys(engine, query)
        assert (listing.total, listing.complete) == (1200, engine.usage is not None)
        assert list(listing.keys[:50]) == list(keys[:50])
        assert listing.rows == lists.load_page(engine, query, keys[:50])


@pytest.mark.parametrize("table", DECLARED)
def test_every_column_sorts_both_ways_and_ties_keep_one_order(
    lists: Lists, engine: Database, table: str
) -> None:
    for name in DECLARED[table].names:
        up = lists.load_keys(engine, ListQuery(table, sort=name))
        down = lists.load_keys(engine, ListQuery(table, sort=name, descending=True))
        assert list(up) == list(down)[::-1]


def test_phases_sort_as_they_run(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    odd = [None, 7, "Wild", "opportunity", "kill-test", "customer-intel", "analytics", b"\x00", "synthesis"]
    for number, phase in enumerate(odd):
        made = "INSERT INTO planning_runs (id, idea, current_phase, created_at, updated_at)"
        sql.execute(f"{made} VALUES (?, '', ?, 1, 1)", (f"r{number}", phase))
    for descending in (False, True):
        query = ListQuery("planning_runs", sort="current_phase", descending=descending)
        order = ids(lists, engine, query)
        wanted = [0, 3, 5, 4, 6, 8, 1, 2, 7]
        assert [int(str(one)[1:]) for one in order] == (wanted[::-1] if descending else wanted)
        assert [place(lists, engine, query, str(record)) for record in order] == list(range(len(odd)))


def test_names_sort_without_regard_to_case(lists: Lists, engine: Database) -> None:
    emails = [row and row[2] for row in shown(lists, engine, replace(USERS, sort="email"))]
    assert emails == [
        "anna@acme.example",
        "BENNO@blue.example",
        "Björn_100%@acme.example",
        "carla@blue.example",
    ]


def test_a_tenant_sees_its_own_rows_only(lists: Lists, engine: Database) -> None:
    query = replace(AUDIT, scope=BLUE)
    rows = shown(lists, engine, query)
    assert len(rows) == 600 == lists.count(engine, query)
    assert {row and row[1] for row in rows} == {"blue"}
    assert ids(lists, engine, replace(USERS, scope=ACME)) == ["usr_2", "usr_1"]


def test_a_tenant_is_told_from_others_by_its_bytes(engine: Database, sql: apsw.Connection) -> None:
    sql.execute(
        "DROP TABLE users; CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT COLLATE NOCASE);"
        "INSERT INTO users VALUES ('usr_1', 'acme'), ('usr_2', 'ACME')"
    )
    assert ids(Lists(inspect(engine)), engine, replace(USERS, scope=ACME)) == ["usr_1"]


def test_a_key_of_another_tenant_shows_nothing(lists: Lists, engine: Database) -> None:
    page = lists.load_page(engine, replace(AUDIT, scope=ACME), range(1, 4))
    assert [row and row[1] for row in page] == ["acme", None, "acme"]


def test_planning_runs_belong_to_no_tenant(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    sql.execute("INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('run_1', 'Tea', 1, 1)")
    assert ids(lists, engine, ListQuery("planning_runs", scope=ACME)) == ["run_1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ACME.example", ["usr_2", "usr_1"]),
        ("USR_3", ["usr_3"]),
        ("%", ["usr_2"]),
        ("_100%@", ["usr_2"]),
        ("n_100", ["usr_2"]),
        ("\\", []),
        ("BJÖRN", ["usr_2"]),
        ("' OR 1=1 --", []),
        ("\0", []),
        ("x" * 60_000, []),
    ],
)
def test_text_is_found_anywhere_and_as_typed(
    lists: Lists, engine: Database, text: str, found: list[str]
) -> None:
    assert ids(lists, engine, replace(USERS, text=text)) == found


def test_a_tenant_is_found_anywhere_in_its_name(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    sql.execute("UPDATE users SET tenant_id = 'Quietpond-labs' WHERE id = 'usr_4'")
    assert ids(lists, engine, replace(USERS, text="pond-LABS")) == ["usr_4"]
    alone = replace(USERS, scope=Scope("Quietpond-labs"))
    assert ids(lists, engine, replace(alone, text="labs")) == [], "of one tenant it would tell nothing apart"


def test_text_does_not_look_into_what_a_list_never_shows(lists: Lists, engine: Database) -> None:
    assert lists.count(engine, replace(USERS, text="secret-hash")) == 0
    flags = {row[0]: row[3] for row in shown(lists, engine, USERS) if row}
    assert flags == {"usr_1": 1, "usr_2": 0, "usr_3": 0, "usr_4": 1}
    assert "secret-hash" not in repr(shown(lists, engine, USERS))


@pytest.mark.slow
def test_filters_add_up(lists: Lists, engine: Database) -> None:
    rows = [row for row in shown(lists, engine, AUDIT) if row]
    kinds = ("user_created", "file_uploaded")
    for scope, chosen, text, since in product((Scope(), ACME), ((), kinds), ("", '"N":3'), (None, 1100)):
        query = ListQuery(
            "audit_chain",
            scope,
            text,
            choices=(("event_type", chosen),) if chosen else (),
            since=since,
            until=since and 1200,
        )
        expected = tuple(
            row
            for row in rows
            if scope.tenant_id in (None, row[1])
            and (not chosen or row[2] in chosen)
            and text.lower() in str(row[3])
            and (since is None or since <= int(str(row[6] or 0)) < 1200)
        )
        assert shown(lists, engine, query) == expected
        assert lists.count(engine, query) == len(expected) == lists.open_list(engine, query).total


def place(lists: Lists, engine: Database, query: ListQuery, record_id: str | int) -> int | None:
    """Where the record is; its key is the row's that stands there."""
    found = lists.locate(engine, query, record_id)
    return None if found is None else found[0]


@pytest.mark.slow
def test_a_record_is_located_in_any_order(lists: Lists, engine: Database) -> None:
    for sort, descending, scope in product(
        (None, *DECLARED["audit_chain"].names), (False, True), (Scope(), BLUE)
    ):
        query = replace(AUDIT, sort=sort, descending=descending, scope=scope)
        keys = lists.load_keys(engine, query)
        for seq in (2, 600, 1200):
            assert place(lists, engine, query, seq) == list(keys).index(seq) == position(keys, seq)
    assert place(lists, engine, replace(AUDIT, scope=ACME), 2) is None
    assert place(lists, engine, AUDIT, 5000) is None
    assert place(lists, engine, replace(USERS, text="anna"), "usr_1") == 0
    assert place(lists, engine, replace(USERS, text="anna"), "usr_2") is None


def test_nulls_are_located_too(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    for number, verdict in enumerate((None, "go", None, "kill", b"\xff", 7)):
        sql.execute(
            "INSERT INTO planning_runs (id, idea, kill_verdict, created_at, updated_at)"
            " VALUES (?, '', ?, 1, 1)",
            (f"run_{number}", verdict),
        )
    for descending in (False, True):
        query = ListQuery("planning_runs", sort="kill_verdict", descending=descending)
        order = ids(lists, engine, query)
        assert [place(lists, engine, query, str(record)) for record in order] == list(range(6))


def test_choices_count_under_the_other_filters(lists: Lists, engine: Database) -> None:
    assert choices(lists, engine, NOTES, "type") == (("info", 20), ("alert", 10))
    unread = replace(NOTES, choices=(("read", (0,)), ("type", ("alert",))))
    assert choices(lists, engine, unread, "type") == (("info", 10), ("alert", 5))
    assert choices(lists, engine, unread, "read") == ((0, 5), (1, 5))
    assert choices(lists, engine, replace(NOTES, scope=BLUE), "type") == ()


def test_every_choice_offered_can_be_chosen(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    for number, mode in enumerate(("'cloud'", "NULL", "x'00ff'", "CAST(x'ff41' AS TEXT)", "'local'", "NULL")):
        sql.execute(
            "INSERT INTO planning_runs (id, idea, mode, created_at, updated_at)"
            f" VALUES (?, '', {mode}, 1, 1)",
            (str(number),),
        )
    query = ListQuery("planning_runs")
    offered = choices(lists, engine, query, "mode")
    assert sum(count for _, count in offered) == 6
    for value, count in offered:
        assert lists.count(engine, replace(query, choices=(("mode", (value,)),))) == count


def test_a_choice_keeps_its_own_rows_whatever_the_collation_takes_for_the_same(
    engine: Database, sql: apsw.Connection
) -> None:
    sql.execute(
        "DROP TABLE users; CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT COLLATE NOCASE);"
        "CREATE INDEX by_tenant ON users (tenant_id);"
        "INSERT INTO users (id, tenant_id) VALUES ('1', 'acme'), ('2', 'Acme'), ('3', 'acme'), ('4', 'b')"
    )
    query = ListQuery("users")
    lists = Lists(inspect(engine))
    assert choices(lists, engine, query, "tenant_id") == (("acme", 2), ("Acme", 1), ("b", 1))
    for values, count in ((("acme",), 2), (("Acme",), 1), (("b", "Acme"), 2)):
        assert lists.count(engine, replace(query, choices=(("tenant_id", values),))) == count


def test_rows_of_the_wrong_type_are_listed(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    sql.execute("DELETE FROM notifications")
    for number, title in enumerate(
        ("'plain'", "CAST(x'ff61' AS TEXT)", "x'00ff'", "12.5", "'a' || char(0) || 'b'")
    ):
        sql.execute(
            "INSERT INTO notifications (id, tenant_id, type, title, created_at) VALUES"
            f" (?, 'acme', 'info', {title}, ?)",
            (f"ntf_{number}", ("soon", 1.5, b"\x01", 10**15, 7)[number]),
        )
    found = {row[0]: (row[3], row[6]) for row in shown(lists, engine, NOTES) if row}
    assert found["ntf_0"] == ("plain", "soon")
    assert found["ntf_1"] == ("�a", 1.5)
    assert found["ntf_2"] == ("x'00ff'", "x'01'")
    assert found["ntf_3"] == ("12.5", 10**15)
    assert str(found["ntf_4"][0]).startswith("a")


def test_a_blob_reads_the_same_beside_good_and_bad_text(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    sql.execute("UPDATE users SET email = x'00ff' WHERE id = 'usr_1'")
    before = {row[0]: row for row in shown(lists, engine, USERS) if row}["usr_1"]
    sql.execute("UPDATE users SET email = CAST(x'fe' AS TEXT) WHERE id = 'usr_2'")
    after = {row[0]: row for row in shown(lists, engine, USERS) if row}
    assert before[2] == "x'00ff'" and after["usr_1"] == before and after["usr_2"][2] == "�"


def test_times_stand_where_they_belong_however_they_are_stored(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    day = 86_400
    sql.executemany(
        "UPDATE users SET created_at = ? WHERE id = ?",
        [
            (100 * day * 1_000_000, "usr_1"),  # no milliseconds of any year
            (5_000 * day * 1000, "usr_2"),
            (5_000 * day + 0.5, "usr_3"),
            ("1983-09-10T00:00:01Z", "usr_4"),  # day 5,000, too
        ],
    )
    sql.execute(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES"
        f" ('usr_0', 'acme', 'first', {4_999 * day}, 1), ('usr_5', 'acme', 'last', {5_001 * day}, 1),"
        " ('usr_6', 'acme', 'none', x'00', 1), ('usr_7', 'acme', 'none', 'today', 1)"
    )
    sorted_by_time = replace(USERS, sort="created_at")
    for query in (sorted_by_time, replace(sorted_by_time, descending=True)):
        listed = ids(lists, engine, query)
        expected = ["usr_6", "usr_7", "usr_0", "usr_2", "usr_3", "usr_4", "usr_5", "usr_1"]
        assert listed == (expected[::-1] if query.descending else expected)
        places = [lists.locate(engine, query, str(name)) for name in listed]
        assert [place and place[0] for place in places] == list(range(8))
    that_day = replace(sorted_by_time, since=5_000 * day, until=5_001 * day)
    assert ids(lists, engine, that_day) == ["usr_2", "usr_3", "usr_4"]
    assert lists.per_day(engine, USERS)[:3] == ((4_999, 1), (5_000, 3), (5_001, 1))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["id", "email"])
def test_a_table_without_rowids_is_listed_as_any_other(
    lists: Lists, engine: Database, sql: apsw.Connection, tmp_path: Path, key: str
) -> None:
    sql.execute(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES"
        " (x'00ff', 'acme', 'blob', 250, 1), (CAST(x'ff41' AS TEXT), 'blue', 'bad', 250, 1),"
        " ('nul' || char(0), 'blue', CAST(x'fe' AS TEXT), 1, 1), ('x''00f''f', 'acme', 'text', 2, 9e999)"
    )
    written = "".join(sql.execute("SELECT sql FROM sqlite_master WHERE name = 'users'").get)
    written = written.replace(f"{key} TEXT", f"{key} TEXT PRIMARY KEY", 1).replace(
        " PRIMARY KEY" * 2, " PRIMARY KEY"
    )
    written = written.replace("id TEXT PRIMARY KEY", "id TEXT") if key != "id" else written
    sql.execute(
        "ALTER TABLE users RENAME TO plain;"
        f"{written} WITHOUT ROWID; INSERT INTO users SELECT * FROM plain ORDER BY {key};"
        "CREATE TABLE old AS SELECT * FROM users; DROP TABLE plain"
    )
    sorts = ("email", "created_at", "id", "has_password")
    filters: tuple[dict[str, Any], ...] = (
        {},
        {"scope": ACME},
        {"text": "acme"},
        {"choices": (("has_password", (0,)),)},
        {"since": 200},
    )
    queries = [replace(USERS, sort=sorts[n % 4], descending=n % 3 == 0, **filters[n % 5]) for n in range(10)]
    found = [everything_of(Lists(inspect(engine)), engine, query) for query in queries]
    sql.execute(f"DROP TABLE users; {written}; INSERT INTO users SELECT * FROM old ORDER BY {key}")
    assert found == [everything_of(Lists(inspect(engine)), engine, query) for query in queries]
    assert any(rows for rows, *_ in found)


def everything_of(lists: Lists, engine: Database, query: ListQuery) -> tuple[object, ...]:
    """What a list says, but for its keys."""
    keys, opened = lists.load_keys(engine, query), lists.open_list(engine, query, first_rows=3)
    rows = lists.load_page(engine, query, keys)
    places = [lists.locate(engine, query, row[0]) for row in rows if row]
    assert [place and place[1] for place in places] == list(keys)
    assert [position(keys, key) for key in keys] == list(range(len(keys)))
    return (
        rows,
        opened.rows,
        opened.total,
        [place and place[0] for place in places],
        list(lists.record_ids(engine, query, keys[1:3])),
        list(lists.stored_rows(engine, query, keys, DECLARED["users"].columns)),
        lists.choices(engine, query, ["tenant_id", "has_password"]),
        lists.per_day(engine, query),
        lists.search(engine, [(query, "usr_1"), (query, "x'00ff'")], 3),
    )


def test_a_table_kept_by_several_columns_alone_says_so(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    sql.execute(
        "DROP TABLE users;"
        "CREATE TABLE users (id TEXT, tenant_id TEXT, PRIMARY KEY (tenant_id, id)) WITHOUT ROWID"
    )
    lists = Lists(inspect(engine))
    with pytest.raises(NoSingleKey, match=r"table users .* no single column tells all rows apart"):
        lists.open_list(engine, USERS)
    assert not lists.holds("users") and lists.holds("notifications")


def test_rows_without_an_id_are_listed_but_cannot_be_acted_on(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    sql.execute(
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " VALUES (NULL, 'acme', 'nobody', 900, 900)"
    )
    keys = lists.load_keys(engine, USERS)
    assert ids(lists, engine, USERS) == [None, "usr_2", "usr_4", "usr_3", "usr_1"]
    assert list(lists.record_ids(engine, USERS, keys)) == [None, "usr_2", "usr_4", "usr_3", "usr_1"]


def test_a_row_that_has_gone_leaves_its_place_empty(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    keys = lists.load_keys(engine, USERS)
    sql.execute("DELETE FROM users WHERE id = 'usr_4'")
    page = lists.load_page(engine, USERS, keys)
    assert [row and row[0] for row in page] == ["usr_2", None, "usr_3", "usr_1"]
    assert list(lists.record_ids(engine, USERS, keys)) == ["usr_2", "usr_3", "usr_1"]


def test_long_texts_are_cut_in_a_page_and_whole_in_an_export(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    long = "ü" * 100_000
    sql.execute("UPDATE audit_chain SET payload = ? WHERE seq = 5", (long,))
    (row,) = lists.load_page(engine, AUDIT, [5])
    assert row is not None and row[3] == "ü" * 512
    assert list(lists.rows(engine, AUDIT, [5, 6], ("seq", "payload"))) == [(5, long), (6, '{"n":5}')]


def test_what_stands_behind_a_nul_is_in_the_cell(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    sql.execute("UPDATE audit_chain SET payload = ? WHERE seq = 5", ("a\0b",))
    (row,) = lists.load_page(engine, AUDIT, [5])
    assert row is not None and row[3] == "a\0b"


@pytest.mark.parametrize("text", ["needle", "NEEDLE", "näh", "NÄH", "n" * 60 + "eedle"])
def test_what_stands_behind_a_nul_is_found_and_sorted_by(
    lists: Lists, engine: Database, sql: apsw.Connection, text: str
) -> None:
    for seq, end in ((5, f"x {text} x"), (6, "a"), (7, "b")):
        payload = f"same\0{end}"
        sql.execute("UPDATE audit_chain SET payload = ? WHERE seq = ?", (payload, seq))
    swapped = replace(AUDIT, text=text.swapcase())
    assert list(lists.load_keys(engine, swapped)) == [5]
    order = list(lists.load_keys(engine, replace(AUDIT, sort="payload")))
    assert [seq for seq in order if seq in (5, 6, 7)] == [6, 7, 5]


def test_names_are_in_order_behind_a_nul_too(lists: Lists, engine: Database, sql: apsw.Connection) -> None:
    for user_id, email in (("1", "same\0C"), ("2", "same\0b"), ("3", "SAME\0a")):
        sql.execute(f"{INTO_USERS} (?, 'nul', ?, 'x', 1, 1)", (user_id, email))
    query = ListQuery("users", scope=Scope("nul"), sort="email")
    first, *others = lists.load_keys(engine, query)
    assert others == [first - 1, first - 2], "the last that was added comes first"
    keys = lists.load_keys(engine, replace(query, descending=True))
    assert list(keys) == [first - 2, first - 1, first]


def test_a_length_counts_what_stands_behind_a_nul(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    sql.execute(
        "INSERT INTO planning_runs (id, idea, created_at, updated_at) VALUES ('r', 'Tea', 1, 1);"
        "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at)"
        " VALUES ('a', 'r', 'p', 'four' || char(0) || 'more', 1), ('b', 'r', 'p', 'äöü', 1)"
    )
    artifacts = ListQuery("planning_artifacts", sort="id")
    at = DECLARED["planning_artifacts"].names.index("length")
    assert [row[at] for row in shown(lists, engine, artifacts) if row] == [9, 3]


def test_an_export_keeps_the_order_over_many_pages(lists: Lists, engine: Database) -> None:
    query = replace(AUDIT, sort="payload")
    keys = lists.load_keys(engine, query)
    assert [row[0] for row in lists.rows(engine, query, keys)] == list(keys)


@pytest.fixture
def odd_file(tmp_path: Path) -> Iterator[LocalDatabase]:
    """A file of another hand: columns missing, one too many, and `seq` no longer the rowid."""
    path = tmp_path / "odd.sqlite"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE users (id TEXT, email TEXT, extra TEXT, created_at INTEGER)")
    connection.execute(
        "INSERT INTO users (id, email, extra, created_at) VALUES ('usr_1', 'anna@acme.example', 'x', 1)"
    )
    connection.execute("CREATE TABLE audit_chain (seq, tenant_id TEXT, payload TEXT)")
    connection.execute(
        "INSERT INTO audit_chain (seq, tenant_id, payload)"
        " VALUES (30, 'acme', 'c'), (10, 'acme', 'a'), (20, 'blue', 'b')"
    )
    connection.close()
    with connected(path, read_only=True) as database:
        yield database


def test_a_file_with_another_schema_lists_what_it_has(odd_file: LocalDatabase) -> None:
    lists = Lists(inspect(odd_file))
    (row,) = shown(lists, odd_file, USERS)
    assert row is not None
    found = {
        name: value for name, value in zip(DECLARED["users"].names, row, strict=False) if value is not None
    }
    assert found == {"id": "usr_1", "email": "anna@acme.example", "created_at": 1}
    assert ids(lists, odd_file, AUDIT) == [30, 20, 10]
    assert place(lists, odd_file, AUDIT, 20) == 1
    for name in DECLARED["users"].names:
        assert ids(lists, odd_file, replace(USERS, sort=name, text="ANNA")) == ["usr_1"]
    for query in (replace(AUDIT, since=5), replace(AUDIT, choices=(("event_type", ("x",)),))):
        assert shown(lists, odd_file, query) == ()
    assert choices(lists, odd_file, AUDIT, "event_type") == ()


def test_a_file_that_cannot_tell_tenants_apart_shows_a_tenant_nothing(odd_file: LocalDatabase) -> None:
    lists = Lists(inspect(odd_file))
    assert lists.open_list(odd_file, replace(USERS, scope=ACME)).total == 0
    assert lists.load_page(odd_file, replace(USERS, scope=ACME), [1]) == (None,)


def test_a_missing_table_is_named(odd_file: LocalDatabase) -> None:
    with pytest.raises(TableMissing, match="notifications"):
        Lists(inspect(odd_file)).open_list(odd_file, NOTES)


def test_a_locked_file_is_a_sentence(
    database: LocalDatabase, sql: apsw.Connection, database_path: Path
) -> None:
    lists = Lists(inspect(database))
    sql.execute("PRAGMA journal_mode = DELETE")
    other = apsw.Connection(str(database_path))
    other.execute("BEGIN EXCLUSIVE")
    sql.set_busy_timeout(10)
    for call in (lists.open_list, lists.load_keys, lists.count):
        with pytest.raises(FileLocked):
            call(database, USERS)
    with pytest.raises(FileLocked):
        lists.load_page(database, USERS, [1])
    other.close()
    assert lists.count(database, USERS) == 0


def test_a_long_query_stops_when_it_is_not_wanted_any_more(lists: Lists, engine: Database) -> None:
    query = replace(AUDIT, text="nowhere")
    with engine.cancellable(lambda: True), pytest.raises((apsw.InterruptError, OperationalError, Cancelled)):
        for _ in range(1_000):  # each takes fewer steps than are between two looks
            lists.load_keys(engine, query)
    assert lists.count(engine, AUDIT) == 1_200


class Busy(LocalDatabase):
    """A file to which somebody else adds an entry before every read; D1's limits."""

    limits = D1_LIMITS
    reads = 0

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        self.reads += 1
        other = apsw.Connection(str(self.path))
        other.execute(
            "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
            " VALUES ('acme', 'user_created', '{}', '', '', 2000)"
        )
        other.close()
        return super().read_batch(queries)


@pytest.fixture
def busy(lists: Lists, database: LocalDatabase) -> Iterator[Busy]:
    busy = Busy(database.path)
    with busy.connection_context():
        yield busy


@pytest.mark.parametrize("query", [AUDIT, replace(AUDIT, scope=ACME), replace(AUDIT, sort="created_at")])
def test_total_keys_and_first_rows_are_one_snapshot(lists: Lists, busy: Busy, query: ListQuery) -> None:
    listing = lists.open_list(busy, query, first_rows=2000)
    assert busy.reads == 1
    assert listing.total == len(listing.keys) == len(listing.rows)
    assert [row and row[0] for row in listing.rows] == list(listing.keys)


def test_all_facets_are_one_snapshot(lists: Lists, busy: Busy) -> None:
    found = lists.choices(busy, AUDIT, ["event_type", "tenant_id"])
    assert busy.reads == 1
    assert [sum(count for _, count in counts) for counts in found.values()] == [1201, 1201]


def test_a_place_is_counted_where_the_record_is_listed(lists: Lists, busy: Busy) -> None:
    assert place(lists, busy, replace(AUDIT, sort="created_at", descending=True), 1200) == busy.reads


@pytest.mark.parametrize("text", ["X" * 60, "É" * 30, "%" * 40])
def test_a_text_longer_than_a_pattern_may_be_is_found_whatever_its_case(
    lists: Lists, busy: Busy, text: str
) -> None:
    busy.connection().execute("UPDATE users SET email = ? WHERE id = 'usr_1'", (f"a{text.lower()}b",))
    assert ids(lists, busy, replace(USERS, text=text)) == ["usr_1"]
    assert ids(lists, busy, replace(USERS, text=text + "c")) == []


def test_values_beside_undecodable_text_can_be_chosen(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    for number, stored in ((1, "x'fe'"), (2, "CAST(x'ff' AS TEXT)"), (4, "'x''fe'''")):
        sql.execute(f"UPDATE notifications SET type = {stored} WHERE id = 'ntf_{number}'")
    found = choices(lists, engine, NOTES, "type")
    assert dict(found) == {"info": 17, "alert": 10, b"\xfe": 1, b"\xff": 1, "x'fe'": 1}
    for value, count in found:
        assert lists.count(engine, replace(NOTES, choices=(("type", (value,)),))) == count


def test_columns_named_as_the_rowid_is_name_no_rows(
    lists: Lists, engine: Database, sql: apsw.Connection
) -> None:
    before = [*ids(lists, engine, USERS), None, None]
    sql.execute(
        "CREATE TABLE other (id TEXT PRIMARY KEY, tenant_id, email, created_at, updated_at, ROWID, oid);"
        "INSERT INTO other SELECT id, tenant_id, email, created_at, updated_at, 7, 7 FROM users;"
        "INSERT INTO other (email, created_at) VALUES ('nobody', 1), ('nobody', 1);"
        "DROP TABLE users; ALTER TABLE other RENAME TO users"
    )
    lists = Lists(inspect(engine))
    assert ids(lists, engine, replace(USERS, text="nobody")) == [None, None]
    for query in (USERS, replace(USERS, sort="id")):
        assert sorted(ids(lists, engine, query), key=str) == sorted(before, key=str)
        assert [row and row[0] for row in lists.open_list(engine, query).rows] == ids(lists, engine, query)
    sql.execute("DROP TABLE users; CREATE TABLE users (id TEXT PRIMARY KEY, rowid, oid, _rowid_)")
    with pytest.raises(NoSingleKey, match="Nothing is wrong with them"):
        Lists(inspect(engine)).open_list(engine, USERS)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("Özgür Öztürk", "özgür öztürk"),
        ("özGÜR", "ÖZgür"),
        ("Иван", "ИВАН"),
        ("École", unicodedata.normalize("NFD", "école")),
        (unicodedata.normalize("NFD", "École"), "éCOLE"),
        ("ΟΔΟΣ", "οδος"),
        ("STRASSE", "straße"),
        ("Große Straße", "GROSSE str"),
        ("STRAẞE", "strasse"),
        ("é[*]?", "É[*]?"),
        ("Özge@İstanbul.example", "istanbul"),
        ("Özge@İstanbul.example", "ISTANBUL"),
        ("istanbul", "İstanbul"),
        ("ISTANBUL", "İSTANBUL"),
        (unicodedata.normalize("NFD", "Özge@İstanbul"), "istanbul"),
        ("İstanbul", unicodedata.normalize("NFD", "İstanbul")),
        ("ISPARTA", "ısparta"),
        ("Iğdır", "igdir".replace("g", "ğ")),
        ("273 \N{KELVIN SIGN}", "273 k"),
        ("273 k", "273 \N{KELVIN SIGN}"),
        ("Congreſs", "CONGRESS"),
        ("5 \N{MICRO SIGN}m", "5 \N{GREEK SMALL LETTER MU}M"),
        ("5 \N{GREEK CAPITAL LETTER MU}m", "5 \N{MICRO SIGN}m"),
        ("\N{ANGSTROM SIGN}ngström", "ångström"),
        ("eﬃcient", "EFFI"),
        ("Tiê\u0301ng", "Tiếng"),
        ("NGUYÊ\u0303N", "Nguyễn"),
        ("ΜΑΪ\u0301ΟΥ", "μαΐου"),
        ("J\u030c", "ǰ"),
        (
            "ΌΔΟΣ ΠΡΟΣ ΤΗΝ ΨΥΧΉ, ΞΈΝΕ, ΒΆΖΟΥΜΕ ΛΊΓΑ ΚΑΦΈ ΏΡΑ",
            "όδος προς την ψυχή, ξένε, βάζουμε λίγα καφέ ώρα",
        ),
    ],
)
def test_a_text_is_found_whatever_its_case_and_form(
    engine: Database, sql: apsw.Connection, lists: Lists, stored: str, wanted: str
) -> None:
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, title, message, created_at) VALUES (?,?,?,?,?,?)",
        ("n-spelt", "t", "info", stored, "m", 1),
    )
    found = lists.open_list(engine, ListQuery("notifications", text=wanted))
    assert [row[0] for row in found.rows if row is not None] == ["n-spelt"]
    assert lists.count(engine, ListQuery("notifications", text=wanted + "é")) == 0


def test_what_a_database_finds_is_what_python_finds(
    engine: Database, sql: apsw.Connection, lists: Lists
) -> None:
    """Of each letter of either case with each of a few, wherever it is composed as one reads it."""
    letters = "iIİıkK\u212asSſßẞfFﬁﬃﬅåÅ\u212bµμΜσςΣéÉжЖǅǄ\u0130x"
    words = sorted({f"{one}{other}" for one in letters for other in "iIİıſßéЖ"})
    sql.executemany(
        "INSERT INTO notifications (id, tenant_id, type, title, message, created_at)"
        " VALUES ('n-' || ?1, 't', 'info', ?2, '', 1)",
        enumerate(words),
    )
    wanted = [*dict.fromkeys(map(sought, letters)), *map(sought, words[::23]), "ss", "fi", "ffi", "st"]
    for one in wanted if isinstance(engine, LocalDatabase) else wanted[::6]:
        found = lists.rows(
            engine, query := ListQuery("notifications", text=one), lists.load_keys(engine, query), ("id",)
        )
        expected = {f"n-{number}" for number, word in enumerate(words) if one in sought(word)}
        assert {row[0] for row in found if str(row[0]).startswith("n-")} == expected, one


def test_a_sentence_in_letters_of_two_cases_is_no_deeper_than_a_statement_may_be(
    engine: Database, lists: Lists
) -> None:
    alphabet = "".join(map(chr, (*range(0x3B1, 0x3CA), *range(0x430, 0x450), *range(0xE0, 0xFF))))
    for table in ("users", "webhook_destinations", "notifications", "audit_chain", "planning_runs"):
        for text in (alphabet, f"fist {alphabet} k"):
            query = ListQuery(table, text=text, choices=(("tenant_id", ("t", None)),), since=5, until=10**10)
            assert lists.count(engine, query) == 0


def test_a_text_of_many_forms_and_words_binds_no_more_than_a_statement_takes(
    engine: Database, lists: Lists
) -> None:
    tenants = tuple(f"t{number}" for number in range(40))
    for table in ("users", "webhook_destinations", "notifications"):
        for text in ("ssa ssb ssc", "ÖZGÜR tanaka", "Éss Èss", "ΣΣ ss"):
            for choices in ((), (("tenant_id", tenants),)):
                query = ListQuery(table, text=text, choices=choices, since=5, until=10**10)
                assert lists.count(engine, query) == 0


def test_an_entry_is_found_by_its_hash_its_number_and_its_tenant(
    engine: Database, sql: apsw.Connection, lists: Lists
) -> None:
    sql.execute(
        "INSERT INTO audit_chain (seq, tenant_id, event_type, payload, hash, previous_hash, created_at)"
        " VALUES (987654, 'Zürich', 'e', '{}', 'abcdef0123', 'x', 1)"
    )
    for text in ("987654", "#987,654", "abcdef", "ABCDEF0123", "Zürich", "zü"):
        assert lists.count(engine, ListQuery("audit_chain", text=text)) == 1, text
    assert lists.count(engine, ListQuery("audit_chain", text="bcdef0123")) == 0


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of more than ten keys is a long one."""
    monkeypatch.setattr(module, "MOST_KEYS", 10)


@pytest.mark.usefixtures("few")
def test_a_long_list_is_opened_by_its_ends(engine: Database, sql: apsw.Connection, lists: Lists) -> None:
    listing = lists.open_list(engine, replace(AUDIT, as_added=True), first_rows=5)
    assert listing.estimated and listing.keys == range(1200, 0, -1)
    assert listing.rows == lists.load_page(engine, AUDIT, range(1200, 1195, -1))
    sql.execute("DELETE FROM audit_chain WHERE seq IN (1199, 600) OR seq < 50")
    listing = lists.open_list(engine, replace(AUDIT, as_added=True), first_rows=5)
    assert [row and row[0] for row in listing.rows] == [1200, 1198, 1197, 1196, 1195]
    assert list(listing.keys) == [1200, *range(1198, 49, -1)] and listing.total == 1150
    keys, rows = lists.load_following(engine, listing.query, listing.keys[598:602])
    assert list(keys) == [row and row[0] for row in rows] == [601, 599, 598, 597]
    assert list(lists.rows(engine, listing.query, lists.load_keys(engine, listing.query), ("seq",))) == [
        (seq,) for seq in lists.load_keys(engine, AUDIT)
    ]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("scope", [EVERYONE, BLUE])
def test_a_long_list_whose_ends_are_far_apart_is_read_whole(
    engine: Database, sql: apsw.Connection, lists: Lists, scope: Scope
) -> None:
    query = replace(AUDIT, scope=scope)
    sql.execute("UPDATE audit_chain SET seq = ? WHERE seq = 1200", (2**40,))
    exact = lists.load_keys(engine, query)
    listing = lists.open_list(engine, replace(query, as_added=True), first_rows=5)
    assert (listing.estimated, listing.total, listing.keys[0]) == (False, len(exact), 2**40)
    assert len(listing.rows) == 5 and list(lists.load_keys(engine, replace(query, as_added=True))) == list(
        exact
    )


@pytest.mark.usefixtures("few")
def test_what_a_long_table_has_of_a_tenant_or_of_a_filter_is_exact_where_it_is_short(
    engine: Database, lists: Lists
) -> None:
    for query, rows in (
        (replace(USERS, scope=ACME), 2),
        (replace(NOTES, choices=(("type", ("alert",)),)), 10),
        (replace(AUDIT, text="77"), 1),
    ):
        listing = lists.open_list(engine, replace(query, as_added=True))
        assert (listing.total, listing.estimated, len(listing.rows)) == (rows, False, rows)
    listing = lists.open_list(engine, replace(AUDIT, scope=BLUE, as_added=True), first_rows=5)
    assert listing.estimated and [row and row[0] for row in listing.rows] == [1200, 1198, 1196, 1194, 1192]
    keys, _ = lists.load_following(engine, listing.query, range(1000, 900, -1))
    assert list(keys) == list(range(1000, 800, -2))
    if engine.usage is not None:  # of what was found to be long the keys are not read again
        before = engine.usage.calls
        assert lists.open_list(engine, replace(AUDIT, scope=BLUE, as_added=True), first_rows=5) == listing
        assert engine.usage.calls == before + 1


def test_a_record_is_found_by_its_key_where_the_query_keeps_it(engine: Database, lists: Lists) -> None:
    assert lists.key_of(engine, replace(AUDIT, text="user_created", as_added=True), 4) == 4
    assert lists.key_of(engine, replace(AUDIT, text="user_created", as_added=True), 5) is None
    assert lists.key_of(engine, replace(USERS, scope=BLUE), "usr_1") is None


def test_the_order_of_rows_as_they_were_added(engine: Database, lists: Lists) -> None:
    query = replace(USERS, as_added=True)
    assert ids(lists, engine, query) == ["usr_4", "usr_3", "usr_2", "usr_1"]
    assert ids(lists, engine, replace(query, sort="email")) == ["usr_1", "usr_4", "usr_2", "usr_3"]
    assert lists.locate(engine, query, "usr_2") == (2, 2)


def test_many_rows_are_put_in_order_once_where_each_is_charged(
    engine: Database, database: LocalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.connection().execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'u' || i, 'acme', i || '@x.example', i % 7, 0 FROM n"
    )
    monkeypatch.setattr("models.engine.MOST_READ", 3_000)
    lists, query = Lists(inspect(engine), {"users": 1_000}), ListQuery("users")
    before = 0 if engine.usage is None else engine.usage.read
    listing = lists.open_list(engine, query, first_rows=5)
    assert (listing.total, [row and row[0] for row in listing.rows[:2]]) == (1_000, ["u1000", "u993"])
    if engine.usage is not None:
        assert engine.usage.read - before < 1.1 * lists.reads(query, 1_000) == 2_200
        some = replace(query, sort="email", choices=(("id", ("u7", "u9", "gone")),))
        before = engine.usage.read
        assert lists.open_list(engine, some).total == 2
        assert engine.usage.read - before < 50 and lists.reads(some, 1_000) == 6
        before, wanted = engine.usage.read, RowsWanted(query, Format.CSV)
        assert text_of(engine, lists, wanted)[0].count("acme") == 1_000
        assert 4_900 < engine.usage.read - before < 1.1 * lists.reads_whole(query, 1_000) == 5_500
