"""Creating many users of a CSV text beside a bare `executemany` of the same rows with the same validation.

`python -m tests.benchmarks.adding` prints the figures.
"""

import csv
import io
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from app import paths
from app.services.records import adding, users, writing
from app.services.records.adding import WantedUser
from models.local.migrations import create_database
from tests.benchmarks.timing import interleaved, resident_mb
from tests.conftest import NOW
from tests.fixtures.connected import connected, execute

ROWS = 100_000
TENANT = "acme"


def lines(rows: int) -> str:
    return "email\n" + "".join(f"person.{number}@corp-{number % 97}.example\n" for number in range(rows))


def bare(path: Path, text: str) -> float:
    """What a script would do: each address by the library, all in one `executemany`."""
    connection = apsw.Connection(str(path))
    begun = time.perf_counter()
    reader = csv.reader(io.StringIO(text))
    next(reader)
    emails = [users.valid_email(email) for (email,) in reader]
    with connection:
        connection.executemany(
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
            ((str(uuid.uuid4()), TENANT, email, NOW, NOW) for email in emails),
        )
    took = time.perf_counter() - begun
    connection.close()
    return took


def ours(path: Path, text: str, told: Callable[[str, float], object] = lambda what, took: None) -> float:
    """Cut, judged and created, with the audit entries."""
    with connected(path) as database:
        begun = last = time.perf_counter()

        def step(what: str) -> None:
            nonlocal last
            last, before = time.perf_counter(), last
            told(what, last - before)

        sheet = adding.cut(text)
        step("cut")
        found = adding.judge(
            database, sheet, WantedUser({"email": 0}, TENANT, frozenset([TENANT])), (), now=NOW
        )
        step("judged")
        assert not found.bad
        change = users.create_many(database, found.good, actor="ops", now=NOW)
        step("created")
        took = time.perf_counter() - begun
        writing.undo(database, change, now=NOW)
        step("undone")
    return took


RULES = (
    "CREATE TABLE roles (name TEXT PRIMARY KEY)",
    "INSERT INTO roles VALUES ('operator')",
    "ALTER TABLE users ADD COLUMN role TEXT DEFAULT 'operator' REFERENCES roles(name)",
    "ALTER TABLE users ADD COLUMN seats INTEGER CHECK (seats > 0)",
    "CREATE UNIQUE INDEX users_by_email ON users (email)",
)
"""What a table may ask of each row, by which all are tried before any is written."""


def measure(folder: Path, rows: int, times: int, rules: Sequence[str] = ()) -> dict[str, float]:
    text, made = lines(rows), 0

    def on(way: Callable[[Path, str], float]) -> float:
        nonlocal made
        made += 1
        path = folder / f"{made}-{len(rules)}.sqlite"
        create_database(path, paths.migrations_dir(), now=NOW)
        execute(path, *rules)
        return way(path, text)

    return interleaved({"executemany": lambda: on(bare), "ours": lambda: on(ours)}, times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.sqlite"
        create_database(path, paths.migrations_dir(), now=NOW)
        before = resident_mb()
        ours(path, lines(ROWS), lambda what, took: print(f"  {what}: {took:.2f} s"))
        print(f"  memory: {before:.0f} to {resident_mb():.0f} MB")
        for rules in (), RULES:
            found = measure(Path(folder), ROWS, 3, rules)
            print(f"{ROWS:,} users{', with rules' if rules else ''}: {found['ours']:.2f} s,", end=" ")
            print(f"executemany {found['executemany']:.2f} s, {found['ours'] / found['executemany']:.2f}")


if __name__ == "__main__":
    main()
