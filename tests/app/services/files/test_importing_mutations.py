"""A dump changed at random either comes in or is refused in a sentence; TENANT_ADMIN_MUTANTS is how many."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from app.services.files.importing import Imported
from models.errors import TenantAdminError
from tests.fixtures.inserting import INTO_USERS

pytestmark = pytest.mark.slow

MUTANTS = int(os.environ.get("TENANT_ADMIN_MUTANTS", "80"))

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
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) INSERT INTO users SELECT n FROM c;",
)


def mutant(rng: random.Random, text: str) -> bytes:
    data = bytearray(text.encode())
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


@pytest.mark.parametrize("form", ["sqlite3", "d1"])
def test_a_mutant_comes_in_or_is_refused(
    run: Callable[..., Imported], texts: dict[str, str], elsewhere: Path, secrets: set[str], form: str
) -> None:
    imported = 0
    for number in range(MUTANTS // 2):
        try:
            made = run(mutant(random.Random(f"{form} {number}"), texts[form])).path
        except TenantAdminError as error:
            said = str(error)
            assert said.endswith(".") and "\n" not in said and len(said) < 400, number
            assert not any(piece in said for piece in secrets), number
        else:
            imported += 1
            assert list(made.parent.iterdir()) == [made], number
            made.unlink()
        assert list(elsewhere.iterdir()) == [], number
    assert 0 < imported < MUTANTS // 2
