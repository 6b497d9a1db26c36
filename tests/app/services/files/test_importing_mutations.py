"""A dump changed at random either comes in or is refused in a sentence; TENANT_ADMIN_MUTANTS is how many."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from app.services.files.exporting import Wanted, write_sql
from app.services.files.importing import Imported
from models.errors import TenantAdminError
from models.local.database import LocalDatabase
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.odd import Odd

pytestmark = pytest.mark.slow

MUTANTS = int(os.environ.get("TENANT_ADMIN_MUTANTS", "30"))

LONGEST = 60
"""Seconds that no mutant may take; what asks for endless work is stopped long before."""

FRAGMENTS = (
    *("'", '"', "`", "[", ";", "\n", "--", "/*", "*/", "\\", "(", ")", ",", "\0", "\r\n", "\ufeff", "é"),
    *("NULL", "COMMIT;", "BEGIN;", "ROLLBACK;", "SAVEPOINT s;", "ANALYZE;", "EXPLAIN ", " RETURNING *"),
    *("DELETE FROM users;", "DROP TABLE users;", "UPDATE users SET email = 'x';", "SELECT 1;"),
    *("ATTACH 'outside.sqlite' AS o;", "CREATE TABLE o.x(a);", "VACUUM INTO 'outside.sqlite';"),
    *("PRAGMA writable_schema=ON;", "PRAGMA journal_mode=WAL;", "PRAGMA temp_store_directory='.';"),
    "INSERT INTO users SELECT * FROM users;",
    INTO_USERS + "(1,2,3,4,5,6),(load_extension('x'),2,3,4,5,6);",
    "CREATE TABLE t(a DEFAULT (sqlite_log(1,'x')));",
    "CREATE VIEW v AS SELECT 1;",
    "CREATE VIRTUAL TABLE f USING fts5(a);",
    "CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END;",
    "INSERT INTO users SELECT a.* FROM users a, users b, users c, users d, users e, users f, users g;",
    "UPDATE users SET email = (SELECT group_concat(a.id) FROM users a, users b, users c, users d, users e);",
    *("DROP TABLE IF EXISTS users;", "ALTER TABLE users ADD COLUMN x;", "PRAGMA page_size=512;"),
    INTO_USERS + "(zeroblob(1000000000),2,3,4,5,6);",
    INTO_USERS + "(printf('%999999999d', 1),2,3,4,5,6);",
    INTO_USERS + "('" + "x" * 300_000 + "','" + "''" * 300_000 + "',3,4,5,6);",
    f"{INTO_USERS} ({'(' * 2_000}1{')' * 2_000},2,3,4,5,6);",
    "CREATE INDEX i ON users (randomblob(9)); CREATE TABLE sqlite_x (a); CREATE TEMP TABLE users (a);",
    "INSERT INTO sqlite_sequence VALUES ('audit_chain', 9223372036854775807);",
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 3, 'CREATE TABLE x(a)');",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) INSERT INTO users SELECT n FROM c;",
)


def mutant(rng: random.Random, dump: bytes) -> bytes:
    data = bytearray(dump)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        match rng.randrange(6):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 200)]
            case 2:
                data[at:at] = rng.choice(FRAGMENTS).encode()
            case 3:  # at the end of a line, where a statement fits
                at = data.find(b"\n", at) + 1
                data[at:at] = rng.choice(FRAGMENTS).encode()
            case 4:
                other = rng.randrange(len(data))
                data[at:at] = data[other : other + rng.randint(1, 400)]
            case 5:
                del data[at:]
        if not data:
            return b"x"
    return bytes(data)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the names in the fragments mean."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def secrets(source: Path) -> set[str]:
    """Pieces of everything in the dump that no sentence may repeat."""
    found = apsw.Connection(str(source)).execute(
        "SELECT password_hash FROM users UNION SELECT secret FROM webhook_destinations"
    )
    whole = [str(secret) for (secret,) in found if secret]
    return {secret[at : at + 12] for secret in whole for at in range(0, len(secret) - 12, 6)}


@pytest.fixture(params=["sqlite3", "d1", "odd"])
def dumps(
    request: pytest.FixtureRequest, tmp_path: Path, texts: dict[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Dumps of one database as two programs write them, or our own of databases with odd schemas."""

    def made(number: int) -> bytes:
        if request.param != "odd":
            return texts[request.param].encode()
        path = Odd(number).create(tmp_path / f"odd {number}.sqlite")
        database, sql = LocalDatabase(path, read_only=True), path.with_suffix(".sql")
        with database.connection_context():
            write_sql(database, sql, Wanted())
        path.unlink()
        return sql.read_bytes()

    return ((f"{request.param} {number}", made(number)) for number in range(MUTANTS // 3))


def test_a_mutant_comes_in_or_is_refused(
    run: Callable[..., Imported], dumps: Iterator[tuple[str, bytes]], elsewhere: Path, secrets: set[str]
) -> None:
    """In bounded time, and nothing is left beside what was made."""
    imported = tried = 0
    for number, dump in dumps:
        tried += 1
        began = time.monotonic()
        try:
            made = run(mutant(random.Random(number), dump))
        except TenantAdminError as error:
            said = str(error)
            assert said.endswith(".") and "\n" not in said and len(said) < 400, number
            assert not any(piece in said for piece in secrets), number
        else:
            imported += 1
            assert list(made.path.parent.iterdir()) == [made.path], number
            made.path.unlink()
        assert time.monotonic() - began < LONGEST, number
        assert list(elsewhere.iterdir()) == [], number
    assert 0 < imported < tried
