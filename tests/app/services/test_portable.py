"""What portable services do within D1's limits, and behind others' backs, on an engine that has nothing but
the interface; and that it reads what the file reads. The tests of each subject run on a live database, too.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain import append as chain
from app.services.chain.where import InFile
from app.services.records import search, users, writing
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import DECLARED, EVERYONE, USERS, Scope
from app.workers import scan_pool
from models.engine import Database
from models.errors import InvalidInput
from models.local.database import LocalDatabase
from models.schema import inspect
from tests.app.services.records.test_images import Content, content, execute
from tests.conftest import NOW
from tests.fixtures.live import Live, LiveEngine
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.retaining import retain, unsigned
from tests.fixtures.sample import sample

__all__ = ["content"]

Engine = PlainEngine | LiveEngine


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def engine(request: pytest.FixtureRequest, database_path: Path) -> Iterator[Engine]:
    is_live = request.param == "d1"
    engine = request.getfixturevalue("live").open(database_path) if is_live else PlainEngine(database_path)
    with engine.connection_context():
        yield engine


def test_it_has_nothing_but_the_interface(_new_file: Path) -> None:
    engine = PlainEngine(_new_file)
    offered = {name for name in dir(engine) if not name.startswith("_")} - {
        "before_batch",
        "before_read",
        "requests",
    }
    assert offered == {name for name in dir(Database) if not name.startswith("_")} | {
        *Database.__annotations__
    }


def test_an_edit_takes_few_requests(engine: Engine) -> None:
    """Each costs a round trip: what the act needs to know, and what it writes."""
    user = str(users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW).rows[0].key["id"])
    engine.requests = 0
    users.rename(engine, user, "b@acme.example", actor="ops", now=NOW)
    assert engine.requests == 2


def test_an_address_that_is_taken_behind_the_reading_is_refused(
    engine: Engine, database: LocalDatabase, content: Content
) -> None:
    """Also by a program that leaves no audit entry: that the address is free is a condition of the write."""
    user = str(users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW).rows[0].key["id"])
    before = content()["users"]

    def take() -> None:
        execute(
            database,
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
            " VALUES ('u-9', 'acme', 'B@acme.example', 1, 1)",
        )

    engine.before_batch = [take]
    with pytest.raises(InvalidInput, match="already has a user"):
        users.rename(engine, user, "b@acme.example", actor="ops", now=NOW)
    assert len(content()["users"]) == len(before) + 1
    assert read_record(engine, USERS, user)["email"] == "ada@acme.example"


@pytest.mark.slow
def test_many_users_of_several_tenants_at_once(
    engine: Engine, database: LocalDatabase, content: Content
) -> None:
    for number in range(250):
        execute(
            database,
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
            f" VALUES ('u-{number}', 't-{number % 2}', 'u-{number}@acme.example', 1, 1)",
        )
    before = content()
    deleted = users.delete(engine, [f"u-{number}" for number in range(250)], actor="ops", now=NOW)
    assert content()["users"] == []
    writing.undo(engine, deleted, now=NOW)
    assert content() == before


def test_a_table_of_many_columns(engine: Engine, database: LocalDatabase, content: Content) -> None:
    more = [f"column_of_somebody_else_{number}" for number in range(90)]
    execute(
        database,
        "DROP TABLE users",
        f"CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id, email, {', '.join(more)})",
        f"INSERT INTO users VALUES ('u', 'acme', 'ada@acme.example', {', '.join(map(repr, more))})",
    )
    before = content()
    writing.undo(engine, users.delete(engine, ["u"], actor="ops", now=NOW), now=NOW)
    assert content() == before
    assert len(read_record(engine, USERS, "u").unknown) == 90


@pytest.mark.slow
def test_dependents(engine: Engine, database: LocalDatabase, content: Content) -> None:
    execute(
        database,
        "CREATE TABLE reviews (id INTEGER PRIMARY KEY, a TEXT, b TEXT,"
        " FOREIGN KEY (a, b) REFERENCES users (tenant_id, email) ON DELETE CASCADE)",
        "CREATE UNIQUE INDEX both ON users (tenant_id, email)",
    )
    for number in range(120):
        execute(
            database,
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
            f" VALUES ('u-{number}', 'acme', 'u-{number}@acme.example', 1, 1)",
            f"INSERT INTO reviews (a, b) VALUES ('acme', 'u-{number}@acme.example')",
        )
    before = content()
    deleted = users.delete(engine, [f"u-{number}" for number in range(120)], actor="ops", now=NOW)
    assert deleted.summary == "120 users deleted, with 120 rows of reviews"
    writing.undo(engine, deleted, now=NOW)
    assert content() == before


def test_an_act_is_planned_again_when_somebody_else_was_first(engine: Engine) -> None:
    def first(act: Callable[..., Any], *args: Any) -> None:
        engine.before_batch.append(lambda: act(engine, *args, actor="other", now=NOW + 5))

    user = str(users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW).rows[0].key["id"])
    first(users.create, "acme", "new@acme.example")
    with pytest.raises(InvalidInput, match="acme already has a user with the e-mail address new@acme"):
        users.create(engine, "acme", "new@acme.example", actor="ops", now=NOW)
    first(users.rename, user, "between@acme.example")
    change = users.rename(engine, user, "last@acme.example", actor="ops", now=NOW)
    assert change.summary == "between@acme.example is now last@acme.example"
    assert [head.created_at for head in chain.heads(engine, ["acme"]).values()] == [NOW + 5]


@pytest.fixture(scope="module")
def demo_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample(tmp_path_factory.mktemp("demo") / "demo.sqlite", rows=1_500)


@pytest.fixture(scope="module", params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def other(request: pytest.FixtureRequest, demo_path: Path) -> Database:
    """The sample on another engine than the local one."""
    if request.param == "plain":
        return PlainEngine(demo_path)
    live: Live = request.getfixturevalue("live")
    return live.open(live.put(demo_path))


@pytest.fixture
def both(other: Database, demo_path: Path) -> Iterator[tuple[Database, Database]]:
    """The same content on the other engine and on the local one."""
    local = LocalDatabase(demo_path, read_only=True)
    with other.connection_context(), local.connection_context():
        yield other, local


MANY = tuple(f"value{at}" for at in range(50))
QUERIES = [
    ListQuery("audit_chain"),
    ListQuery("audit_chain", Scope("acme-corp"), text="user_", sort="event_type"),
    ListQuery("audit_chain", choices=(("event_type", ("user_created", "file_uploaded", None, b"x")),)),
    ListQuery("users", text="É", sort="email", descending=True),
    ListQuery("users", text="somebody with a name that is longer than any pattern may be"),
    ListQuery("users", choices=(("has_password", (1,)),), since=NOW - 90 * 86_400, until=NOW),
    ListQuery("users", text="é", choices=(("email", MANY), ("tenant_id", MANY), ("id", MANY))),
    ListQuery("notifications", Scope("acme-corp"), choices=(("read", (0,)),), sort="title"),
    ListQuery("webhook_destinations", text="%_\\"),
    ListQuery("planning_runs", text="a", sort="quality_score"),
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.table}-{query.text[:9]}-{query.sort}")
def test_a_list_reads_the_same(both: tuple[Database, Database], query: ListQuery) -> None:
    def everything(database: Database) -> list[Any]:
        lists = Lists(inspect(database))
        opened = lists.open_list(database, query, 50)
        keys = lists.load_keys(database, query)
        ids = list(lists.record_ids(database, query, keys))
        counted = [column.name for column in DECLARED[query.table].offered]
        return [
            opened.total,
            opened.rows,
            list(keys),
            lists.load_page(database, query, keys[-120:]),
            list(lists.rows(database, query, keys[:600])),
            ids,
            [lists.locate(database, query, record_id) for record_id in ids[:1] + ids[-1:]],
            lists.choices(database, query, counted),
            lists.per_day(database, query),
        ]

    plain, local = map(everything, both)
    assert plain == local
    assert local[0] == len(local[2])


@pytest.mark.parametrize(
    "text", ["acme", "user", "a text that is longer than a pattern may be, by far: 60 bytes", "12"]
)
def test_a_search_finds_the_same(both: tuple[Database, Database], text: str) -> None:
    plain, local = (
        search.everything(database, Lists(inspect(database)), EVERYONE, text) for database in both
    )
    assert plain == local


@pytest.mark.slow
def test_retention_removes_the_same(demo_path: Path, tmp_path: Path) -> None:
    path = Path(shutil.copyfile(demo_path, tmp_path / "plain.sqlite"))
    assert _retained(PlainEngine(path), path) == _retained_here(demo_path, tmp_path)


def _retained_here(demo_path: Path, tmp_path: Path) -> tuple[dict[str, int], list[Any]]:
    path = Path(shutil.copyfile(demo_path, tmp_path / "local.sqlite"))
    result = _retained(LocalDatabase(path), path)
    assert all(result[0].values())
    return result


def _retained(database: Any, path: Path) -> tuple[dict[str, int], list[Any]]:
    """What a run removed, and the numbers and hashes of the entries that it left."""
    with database.connection_context():
        result = retain(database, now=NOW, days=60, checkpoint=unsigned(path, now=NOW))
    with closing(apsw.Connection(str(path))) as connection:
        chain = connection.execute("SELECT seq, hash FROM audit_chain ORDER BY seq").fetchall()
    assert not scan_pool.verify(InFile(path), now=NOW).findings
    return result.removed, chain
