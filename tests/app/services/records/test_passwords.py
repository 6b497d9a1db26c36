"""What may be a password, how it is stored, and who sets and takes away one."""

import base64
import hashlib
import json
import pickle
from pathlib import Path

import apsw
import pytest

from app.services.records import users, writing
from app.services.records.record import read_record
from app.services.records.tables import USERS
from app.services.records.typed import Typed, generated_password
from app.services.secrets.forms import told
from models.engine import Database
from models.errors import ChangedSince, ColumnMissing, InvalidInput, NothingToDo, RowChanged
from tests.app.services.conftest import Events
from tests.app.services.records.test_users import create
from tests.conftest import NOW
from tests.fixtures.connected import execute

GOOD = "kelp-violin-94-otter"


def hashes(sql: apsw.Connection) -> list[str | None]:
    return [row[0] for row in sql.execute("SELECT password_hash FROM users ORDER BY rowid")]


def test_it_is_stored_as_a_phc_string_that_web_crypto_can_check() -> None:
    stored = Typed(GOOD).stored
    _, kind, parameters, salt, digest = stored.split("$")
    assert (kind, parameters) == ("pbkdf2-sha256", "i=100000,l=32")
    salt_bytes, found = (base64.b64decode(one + "=" * (-len(one) % 4)) for one in (salt, digest))
    assert len(salt_bytes) == 16 and "=" not in salt + digest
    assert hashlib.pbkdf2_hmac("sha256", GOOD.encode(), salt_bytes, 100_000) == found
    assert Typed(GOOD).stored != stored


def test_what_is_easily_guessed_is_refused() -> None:
    for wrong in ("short", "password1", "qwertyuiop", "aaaaaaaaaaaaaaaa", "x" * 257, "good\u202epassword-94"):
        with pytest.raises(InvalidInput) as refused:
            _ = Typed(wrong).stored
        assert refused.value.field == "password" and wrong not in str(refused.value)
    of = ("noor.grunwald@northwind-clinics.example", "northwind-clinics")
    for guessed in ("Noorgrunwald1", "Northwind2026"):
        assert Typed(guessed, of).strength.score <= 1 < Typed(guessed).strength.score
    assert Typed("gloria.zhou", ("gloria.zhou",)).strength.score < Typed("gloria.zhou").strength.score


@pytest.mark.slow
def test_one_that_takes_long_to_judge_is_judged_by_its_beginning() -> None:
    assert Typed("4@8({[</369&#!1/|0$5+7%2" * 10).strength.score == 4


@pytest.mark.slow
def test_those_that_are_generated_are_strong_and_none_is_another() -> None:
    made = {generated_password() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 23 and not set(one) & set("lI1O0") for one in made)
    assert all(Typed(one).strength.score == 4 for one in made)


def test_a_password_is_set_replaced_and_taken_back(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    user = create(engine)
    first = users.set_password(engine, user, Typed(GOOD), actor="ops", now=NOW)
    (stored,) = hashes(sql)
    assert first.summary == "Password of ada@acme.example set" and stored
    second = users.set_password(engine, user, Typed(GOOD), actor="ops", now=NOW)
    assert hashes(sql) != [stored] and second.summary == "Password of ada@acme.example replaced"
    writing.undo(engine, second, now=NOW)
    assert hashes(sql) == [stored]
    writing.undo(engine, first, now=NOW)
    assert hashes(sql) == [None]
    said = [payload["changes"]["password_hash"] for _, kind, payload in events() if kind == "user_updated"]
    assert said == ["set", "replaced", "replaced", "removed"]


def test_many_are_taken_away_at_once_and_come_back(
    engine: Database, sql: apsw.Connection, events: Events
) -> None:
    ids = [create(engine, f"u{number}@acme.example", f"t{number % 2}") for number in range(5)]
    with pytest.raises(NothingToDo):
        users.invalidate_passwords(engine, ids, actor="ops", now=NOW)
    sql.execute("UPDATE users SET password_hash = 'h-' || email WHERE email <> 'u4@acme.example'")
    before = hashes(sql)
    change = users.invalidate_passwords(engine, ids, actor="ops", now=NOW)
    assert change.summary == "Password of 4 users invalidated" and hashes(sql) == [None] * 5
    writing.undo(engine, change, now=NOW)
    assert hashes(sql) == before
    assert [(kind, payload["changes"]) for _, kind, payload in events()[5:]] == [
        *[("user_updated", {"password_hash": "removed"})] * 4,
        *[("user_updated", {"password_hash": "set"})] * 4,
    ]


def test_one_that_somebody_else_has_set_since_stays(engine: Database, sql: apsw.Connection) -> None:
    user = create(engine)
    change = users.set_password(engine, user, Typed(GOOD), actor="ops", now=NOW)
    sql.execute("UPDATE users SET password_hash = 'theirs'")
    with pytest.raises(ChangedSince) as refused:
        writing.undo(engine, change, now=NOW)
    assert "Password of" in str(refused.value) and "theirs" not in str(refused.value)
    assert hashes(sql) == ["theirs"]


def test_what_a_person_saw_without_one_is_not_overwritten(engine: Database, sql: apsw.Connection) -> None:
    user = create(engine)
    seen = {("users", user): {"has_password": 0, "email": "ada@acme.example"}}
    sql.execute("UPDATE users SET password_hash = 'theirs'")
    with pytest.raises(RowChanged, match="Password"):
        writing.commit(
            engine,
            lambda images: users.set_password.__wrapped__(  # type: ignore[attr-defined]
                images, user, Typed(GOOD), actor="ops", now=NOW
            ),
            now=NOW,
            seen=seen,
        )
    assert hashes(sql) == ["theirs"]


def test_a_file_without_the_column_says_so(engine: Database, database_path: Path) -> None:
    user = create(engine)
    execute(database_path, "ALTER TABLE users DROP COLUMN password_hash")
    with pytest.raises(ColumnMissing, match=r"users\.password_hash"):
        users.set_password(engine, user, Typed(GOOD), actor="ops", now=NOW)
    with pytest.raises(ColumnMissing, match=r"users\.password_hash"):
        users.invalidate_passwords(engine, [user], actor="ops", now=NOW)


def test_neither_password_nor_hash_is_told_of(engine: Database, sql: apsw.Connection) -> None:
    """Not by what is kept to undo it, not by an error, not by an entry."""
    user, typed = create(engine), Typed(GOOD, ("ada@acme.example",))
    change = users.set_password(engine, user, typed, actor="ops", now=NOW)
    (stored,) = hashes(sql)
    assert stored
    undone = writing.undo(engine, change, now=NOW)
    chain = [row[0] for row in sql.execute("SELECT payload FROM audit_chain")]
    told_all = [repr(one) for one in (typed, typed.strength, change, undone, change.rows)]
    told_all += [change.summary, json.dumps(chain), repr(read_record(engine, USERS, user))]
    for marker in (GOOD, stored, stored.rpartition("$")[2]):
        assert not [one for one in told_all if marker in one]


HASH = "c29tZWhhc2hvZnNvbWVib2R5"


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (f"$pbkdf2-sha256$i=100000,l=32$c2FsdA${HASH}", "PBKDF2-HMAC-SHA256, 100,000 iterations"),
        (
            f"$pbkdf2-sha256$600000$c2FsdA${HASH}",
            "PBKDF2-HMAC-SHA256, 600,000 iterations — the platform's Workers refuse more than 100,000",
        ),
        (
            f"pbkdf2_sha256$870000$c2FsdA${HASH}=",
            "PBKDF2-HMAC-SHA256, 870,000 iterations — the platform's Workers refuse more than 100,000",
        ),
        (
            f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ${HASH}",
            "Argon2id, m=65,536 KiB, t=3, p=4 — the platform's Workers have none of their own to check it by",
        ),
        (f"$2b$12${HASH}{'a' * 29}", "bcrypt (2b), cost 12"),
        (f"$scrypt$ln=16,r=8,p=1$c2FsdA${HASH}", "scrypt, N=2^16, r=8, p=1"),
        (f"scrypt:32768:8:1$c2FsdA${'0f' * 64}", "scrypt, N=32,768, r=8, p=1"),
        (f"$6$salt${'a' * 86}", "SHA-512-crypt, 5,000 rounds"),
        (f"$y$j9T$salt${'a' * 43}", "yescrypt"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "32 hexadecimal digits, as of MD5 alone — weak: no salt"),
        ("$pbkdf2-sha256$i=0,l=32$c2FsdA$aGFzaA", "PBKDF2-HMAC-SHA256, 0 iterations — nobody can check it"),
        (f"SCRAM-SHA-256$4096:{HASH}=${HASH}=:{HASH}=", "SCRAM-SHA-256, 4,096 iterations"),
        (f"md5{'0f' * 16}", "MD5 as of PostgreSQL — weak: it is guessed fast"),
        (f"$argon2id$v=19$t=3,m=65536,p=4$c2FsdHNhbHQ${HASH}", "set — a hash in no form that is known here"),
        (f"$pbkdf2-sha256$i=\uff11\uff10,l=32$c2FsdA${HASH}", "set — a hash in no form that is known here"),
        ("hunter2", "set — in no known form; it may be the password itself"),
        ("$hunter2$m=3$x", "set — in no known form; it may be the password itself"),
        (b"\xff\x00", "set — in no known form; it may be the password itself"),
        ("$2b$12$" + "a" * 5_000_000, "set — in no known form; it may be the password itself"),
    ],
)
def test_a_stored_one_is_told_by_its_form_alone(
    engine: Database, sql: apsw.Connection, stored: str | bytes, said: str
) -> None:
    user = create(engine)
    if len(stored) < 1_000_000:
        sql.execute("UPDATE users SET password_hash = ?", (stored,))
        found = read_record(engine, USERS, user)
        assert str(found.told["has_password"]) == said
        assert HASH.encode() not in pickle.dumps((found.values, found.unknown, found.told))
    assert str(told(stored)) == said


def test_of_none_nothing_is_told(engine: Database) -> None:
    assert read_record(engine, USERS, create(engine)).told == {}
