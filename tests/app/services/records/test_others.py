"""Columns of users that only the file knows: edited in their type, by the table's rules, and on record."""

from pathlib import Path

import apsw
import pytest

from app.services.chain.where import InFile
from app.services.records import export, users, writing
from app.services.records.export import Format, RowsWanted
from app.services.records.images import Images
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.rows import Value
from app.services.records.tables import USERS, undeclared
from app.services.records.typed import can_be_typed, in_type
from app.workers import scan_pool
from models.engine import Database
from models.errors import ChangedMeanwhile, InvalidInput, NotAllowed, NothingToDo, Refused
from models.schema import inspect
from tests.app.services.conftest import Events
from tests.app.services.records.test_users import create
from tests.conftest import NOW
from tests.fixtures.connected import execute

COLUMNS = (
    "ALTER TABLE users ADD COLUMN name TEXT",
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator' CHECK (role <> 'king')",
    "ALTER TABLE users ADD COLUMN seats INTEGER",
    "ALTER TABLE users ADD COLUMN rate REAL",
    "ALTER TABLE users ADD COLUMN api_token TEXT",
    "ALTER TABLE users ADD COLUMN site TEXT",
)


@pytest.fixture
def user(engine: Database, database_path: Path) -> str:
    execute(database_path, *COLUMNS)
    return create(engine)


def test_values_are_stored_in_the_type_declared_and_taken_back(
    engine: Database, user: str, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    before = [*sql.execute("SELECT * FROM users")]
    seen = {"name": None, "role": "operator", "seats": None}
    values = {"name": "Ada", "role": "admin", "seats": "007", "rate": "7"}
    change = users.set_others(engine, user, values, seen, actor="ops", now=NOW)
    assert change.summary == "name, role, seats, rate of ada@acme.example changed"
    assert [*sql.execute("SELECT name, role, seats, typeof(seats), rate, typeof(rate) FROM users")] == [
        ("Ada", "admin", 7, "integer", 7.0, "real")
    ]
    kind, payload = events()[-1][1:]
    assert (kind, payload["userId"], payload["changes"]) == (
        "user_updated",
        user,
        {
            "name": {"from": None, "to": "Ada"},
            "role": {"from": "operator", "to": "admin"},
            "seats": {"from": None, "to": 7},
            "rate": {"from": None, "to": 7.0},
        },
    )
    undone = writing.undo(engine, change, now=NOW)
    assert [*sql.execute("SELECT * FROM users")] == before
    writing.undo(engine, undone, now=NOW)
    users.set_others(engine, user, {"name": "", "seats": ""}, actor="ops", now=NOW)
    assert [*sql.execute("SELECT name, seats FROM users")] == [(None, None)]
    assert not list(scan_pool.verify(InFile(database_path), now=NOW).findings)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seats": "seven"}, r"seats takes a whole number \(it is declared INTEGER\)"),
        ({"seats": "9223372036854775808"}, "whole number"),
        ({"rate": "much"}, "rate is declared REAL: a number"),
        ({"name": "Ada\u202e"}, "characters that cannot be seen"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(
    engine: Database, user: str, events: Events, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        users.set_others(engine, user, values, actor="ops", now=NOW)
    assert refused.value.field in values
    assert len(events()) == 1


def test_the_tables_own_rules_are_kept(
    engine: Database, user: str, sql: apsw.Connection, events: Events
) -> None:
    with pytest.raises(Refused):
        users.set_others(engine, user, {"role": "king", "name": "Ada"}, actor="ops", now=NOW)
    assert [*sql.execute("SELECT role, name FROM users")] == [("operator", None)] and len(events()) == 1


def test_neither_secrets_nor_our_own_columns_are_edited_here(engine: Database, user: str) -> None:
    assert USERS.others(Images(engine).table("users")) == ("name", "role", "seats", "rate", "site")
    for name in ("api_token", "email", "password_hash", "nowhere"):
        with pytest.raises(NotAllowed, match="cannot be edited here"):
            users.set_others(engine, user, {name: "x"}, actor="ops", now=NOW)


def test_of_several_only_what_differs_is_written_each_in_its_chain(
    engine: Database, user: str, sql: apsw.Connection, events: Events, database_path: Path
) -> None:
    second = create(engine, "b@acme.example", tenant="globex")
    third = create(engine, "c@acme.example")
    odd = create(engine, "d@acme.example")
    sql.execute("UPDATE users SET role = 'admin', seats = 3 WHERE id = ?", (third,))
    sql.execute("UPDATE users SET role = x'00', seats = 3 WHERE id = ?", (odd,))
    before, known = [*sql.execute("SELECT * FROM users ORDER BY id")], len(events())
    ids, values = [user, second, third, odd, "gone"], {"role": "admin", "seats": "3"}
    change = users.set_others_of(engine, ids, values, actor="ops", now=NOW)
    assert change.told.startswith("role, seats of 2 users changed; 3 left as they are: ")
    reasons = (
        "so already (c@acme.example)",
        "with what is not edited in a line (d@acme.example)",
        "no longer there",
    )
    assert all(f"1 {why}" in change.told for why in reasons)
    changes = {"role": {"from": "operator", "to": "admin"}, "seats": {"from": None, "to": 3}}
    said = [(tenant, kind, of["userId"], of["changes"]) for tenant, kind, of in events()[known:]]
    one_each = [("acme", "user_updated", user, changes), ("globex", "user_updated", second, changes)]
    assert sorted(said, key=str) == one_each
    writing.undo(engine, change, now=NOW)
    assert [*sql.execute("SELECT * FROM users ORDER BY id")] == before
    with pytest.raises(ChangedMeanwhile, match=r"c@acme\.example"):
        users.set_others_of(
            engine, [user, third], {"role": "admin"}, {"role": "operator"}, actor="ops", now=NOW
        )
    with pytest.raises(NothingToDo, match="so already"):
        users.set_others_of(engine, [third], {"role": "admin"}, actor="ops", now=NOW)
    with pytest.raises(Refused):
        users.set_others_of(engine, ids, {"role": "king"}, actor="ops", now=NOW)
    with pytest.raises(NotAllowed, match="email cannot be edited here"):
        users.set_others_of(engine, ids, {"email": "x"}, actor="ops", now=NOW)
    assert not list(scan_pool.verify(InFile(database_path), now=NOW).findings)


def test_one_that_is_another_by_now_stays(engine: Database, user: str, sql: apsw.Connection) -> None:
    sql.execute("UPDATE users SET name = 'Theirs'")
    with pytest.raises(ChangedMeanwhile, match="name"):
        users.set_others(engine, user, {"name": "Mine"}, {"name": None}, actor="ops", now=NOW)
    assert read_record(engine, USERS, user).unknown["name"] == "Theirs"


def test_an_entry_holds_nothing_that_lets_anybody_in(engine: Database, user: str, events: Events) -> None:
    site = "https://ada:hunter2@x.example/path"
    users.set_others(engine, user, {"site": site}, actor="ops", now=NOW)
    assert read_record(engine, USERS, user).unknown["site"] == site
    assert "hunter2" not in str(events())


BCRYPT = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
HASHES = (
    BCRYPT,
    "$argon2id$v=19$m=65536,t=3,p=4$pl4ntSALT40aa$pl4ntHASH81bbcc",
    "pbkdf2$100000$a1B2c3D4e5F6$g7H8i9J0kkllmmnnoopp",
    "pbkdf2:sha256:260000$abc$" + "ab" * 32,
    "scrypt:32768:8:1$abcdEF12$" + "ab" * 64,
    "$6$saltstring$" + "a" * 86,
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    "{SSHA}" + "a" * 32,
    "md5$ab$" + "ab" * 16,
    "ab" * 32,
    "salt:" + "ab" * 20,
    BCRYPT.encode(),
)


def test_a_hash_of_a_password_goes_nowhere_whatever_its_column_is_called(
    engine: Database, user: str, sql: apsw.Connection, events: Events
) -> None:
    """By its form; under a name that tells it, whether there is one. Undone is what was stored."""
    names = [f"c{number}" for number in range(len(HASHES))]
    for name in ("hash", *names):
        sql.execute(f"ALTER TABLE users ADD COLUMN {name} TEXT")
    assigned = ", ".join(f"{name} = ?" for name in names)
    sql.execute(f"UPDATE users SET hash = 'planted', {assigned}", HASHES)
    before = [*sql.execute("SELECT * FROM users")]
    unknown = read_record(engine, USERS, user).unknown
    assert unknown["hash"] == "set" and not [name for name in names if can_be_typed(unknown[name])]
    lists = Lists(inspect(engine))
    said = [str(unknown)]
    said += [export.text_of(engine, lists, RowsWanted(ListQuery("users"), form))[0] for form in Format]
    with pytest.raises(NotAllowed, match="c0 holds a password hash"):
        users.set_others(engine, user, {"c0": "x"}, actor="ops", now=NOW)
    users.set_others(engine, user, {"name": f"see {BCRYPT}"}, actor="ops", now=NOW)
    said += [str(events())]
    kept = ["planted", *(one if isinstance(one, str) else one.hex() for one in HASHES)]
    assert not [one for one in kept if any(one in text for text in said)]
    writing.undo(engine, users.delete(engine, [user], actor="ops", now=NOW), now=NOW)
    (after,) = sql.execute("SELECT * FROM users")
    assert after[-len(HASHES) :] == before[0][-len(HASHES) :] == HASHES


def test_what_is_no_hash_stays_as_it_is() -> None:
    column = undeclared("note", of_people=True)
    for said in ("$10M ARR potential", "costs $5 or $6", "{Success}", "sha256:" + "ab" * 31, "x:y", 7, None):
        assert column.said(said) == said
    assert undeclared("avatar_md5", of_people=True).said("ab" * 16) == "ab" * 16
    assert undeclared("note").said("ab" * 32) == "ab" * 32


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("INTEGER", "-12", -12),
        ("BIGINT UNSIGNED", "5", 5),
        ("VARCHAR(20)", "007", "007"),
        ("", "7", "7"),
        ("DOUBLE", "1e3", 1000.0),
        ("NUMERIC", "7.0", 7),
        ("DECIMAL(4,1)", "7.5", 7.5),
        ("DATE", "2026-11-28", "2026-11-28"),
        ("BOOLEAN", "1", 1),
    ],
)
def test_a_type_stores_what_sqlite_would(database: Database, kind: str, typed: str, stored: Value) -> None:
    found = in_type("x", kind, typed)
    assert (found, type(found)) == (stored, type(stored))
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t (x {kind})")
    connection.execute("INSERT INTO t VALUES (?)", (typed,))
    assert [*connection.execute("SELECT x, typeof(x) FROM t")] == [
        (stored, {int: "integer", float: "real", str: "text"}[type(stored)])
    ]


def test_what_no_line_can_show_is_not_edited() -> None:
    assert [can_be_typed(one) for one in ("a", None, 7, "a\nb", " a", b"a", "x" * 2_000)] == [
        *[True] * 3,
        *[False] * 4,
    ]


def test_a_list_is_narrowed_by_them(engine: Database, user: str, sql: apsw.Connection) -> None:
    other = create(engine, "b@acme.example")
    sql.execute("UPDATE users SET role = 'admin', seats = 3, api_token = 's' WHERE id = ?", (other,))
    lists = Lists(inspect(engine))

    def kept(column: str, value: object) -> list[object]:
        query = ListQuery("users", choices=((column, (value,)),))  # type: ignore[arg-type]
        return [row[0] for row in lists.open_list(engine, query).rows if row is not None]

    assert kept("role", "admin") == kept("seats", 3) == [other]
    assert kept("seats", None) == [user] and kept("nowhere", 1) == []
    choices = lists.choices(engine, ListQuery("users"), ["role", "seats", "nowhere"])
    assert choices == {"role": (("admin", 1), ("operator", 1)), "seats": ((None, 1), (3, 1)), "nowhere": ()}
