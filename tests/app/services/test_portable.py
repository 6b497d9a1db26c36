"""Every portable service works on an engine that has nothing but the interface, within D1's limits."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain import append as chain
from app.services.chain.append import Batch, Event
from app.services.records import notifications, runs, search, users, webhooks, writing
from app.services.records.images import Images
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import DECLARED, EVERYONE, NOTIFICATIONS, USERS, WEBHOOK_DESTINATIONS, Scope
from app.services.records.webhooks import WebhookInput
from app.workers import scan_pool
from models.engine import Database
from models.errors import InvalidInput
from models.local.database import LocalDatabase
from models.schema import inspect
from models.status import RunStatus
from tests.app.services.chain.test_append import assert_one_chain
from tests.app.services.records.test_images import Content, content, execute
from tests.conftest import NOW
from tests.fixtures.live import Live, LiveEngine
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.retaining import retain, unsigned
from tests.fixtures.sample import sample

__all__ = ["content"]

Engine = PlainEngine | LiveEngine


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def database_path(request: pytest.FixtureRequest, database_path: Path) -> Path:
    """A new file; for the live engine, one that workerd serves."""
    return request.getfixturevalue("live").put(database_path) if request.param == "d1" else database_path


@pytest.fixture
def engine(request: pytest.FixtureRequest, database_path: Path) -> Iterator[Engine]:
    is_live = request.node.callspec.params["database_path"] == "d1"
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


def test_the_schema(engine: Engine, database: LocalDatabase) -> None:
    assert inspect(engine) == inspect(database)
    assert inspect(engine).matches


def test_an_append(engine: Engine, database_path: Path) -> None:
    events = [Event(tenant, "settings_changed", {"n": n}) for n in range(3) for tenant in ("a", "b")]
    chain.append(engine, lambda: Batch((), events), now=NOW)
    assert [assert_one_chain(database_path, tenant) for tenant in "ab"] == [3, 3]


def test_users(engine: Engine, database: LocalDatabase, content: Content) -> None:
    before = content()
    created = users.create(engine, "acme", "ada@acme.example", actor="ops", now=NOW)
    user = str(created.rows[0].key["id"])
    with pytest.raises(InvalidInput, match="already has a user"):
        users.create(engine, "acme", "ADA@acme.example", actor="ops", now=NOW)
    renamed = users.rename(engine, user, "b@acme.example", actor="ops", now=NOW + 1)
    deleted = users.delete(engine, [user], actor="ops", now=NOW + 2)
    undone = writing.undo(engine, deleted, now=NOW + 3)
    assert read_record(engine, USERS, user)["email"] == "b@acme.example"
    for change in (undone, writing.undo(engine, undone, now=NOW + 4), renamed, created):
        if change is not undone:
            writing.undo(engine, change, now=NOW + 5)
    assert content() == before


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


def test_values_that_json_does_not_carry(engine: Engine, database: LocalDatabase, content: Content) -> None:
    odd = (
        "9007199254740993",
        "9e999",
        "2.0",
        "CAST(x'ff' AS TEXT)",
        "x'00'",
        "'a' || char(0)",
        "NULL",
        "1e-300",
    )
    columns = ", ".join(f"c{number}" for number in range(len(odd)))
    execute(
        database,
        "DROP TABLE users",
        f"CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id, email, {columns})",
        f"INSERT INTO users VALUES ('u', 'acme', 'ada@acme.example', {', '.join(odd)})",
    )
    before = content()
    undone = writing.undo(engine, users.delete(engine, ["u"], actor="ops", now=NOW), now=NOW)
    assert content() == before
    writing.undo(engine, writing.undo(engine, undone, now=NOW), now=NOW)
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


def test_webhooks(engine: Engine, content: Content) -> None:
    before = content()
    form = WebhookInput("CI", "https://hooks.acme.example/in", secret="whsec_1")
    created = webhooks.create(engine, "acme", form, actor="ops", now=NOW)
    hook = str(created.rows[0].key["id"])
    webhooks.update(
        engine, hook, WebhookInput("CI", form.url, "run_killed", secret="whsec_2"), actor="ops", now=NOW
    )
    webhooks.set_active(engine, [hook], False, actor="ops", now=NOW)
    assert not read_record(engine, WEBHOOK_DESTINATIONS, hook)["active"]
    writing.undo(engine, webhooks.delete(engine, [hook], actor="ops", now=NOW), now=NOW)
    assert Images(engine).row("webhook_destinations", hook, "webhook")["secret"] == "whsec_2"
    webhooks.delete(engine, [hook], actor="ops", now=NOW)
    assert content() == before


@pytest.mark.slow
def test_notifications(engine: Engine, database: LocalDatabase) -> None:
    ids = [f"n-{number}" for number in range(1_200)]
    database.connection().executemany(
        "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES (?, 'acme', 't', 1)",
        [(key,) for key in ids],
    )
    lists = Lists(inspect(engine))

    def unread(scope: Scope) -> int:
        return lists.count(engine, ListQuery("notifications", scope, choices=(("read", (0,)),)))

    change = notifications.mark(engine, ids, read=True, actor="ops", now=NOW)
    assert unread(EVERYONE) == 0
    writing.undo(engine, change, now=NOW)
    assert unread(Scope("acme")) == 1_200
    assert read_record(engine, NOTIFICATIONS, "n-7")["read"] == 0


def test_runs(engine: Engine, database: LocalDatabase, content: Content) -> None:
    execute(
        database,
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at)"
        " VALUES ('r', 'x', 'paused', 1, 1), ('r1', 'y', 'killed', 1, 1)",
        "INSERT INTO planning_artifacts (id, run_id, phase, content, created_at)"
        " VALUES ('a', 'r', 'synthesis', 'text', 1)",
    )
    runs.set_status(engine, ["r", "r1"], RunStatus.DELETED, actor="ops", now=NOW)
    runs.restore(engine, ["r", "r1"], actor="ops", now=NOW)
    detail = runs.get(engine, "r")
    assert (detail.run["status"], runs.get(engine, "r1").run["status"]) == ("paused", "killed")
    assert detail.artifacts is not None
    assert [artifact["length"] for artifact in detail.artifacts] == [4]


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


QUERIES = [
    ListQuery("audit_chain"),
    ListQuery("audit_chain", Scope("acme-corp"), text="user_", sort="event_type"),
    ListQuery("audit_chain", choices=(("event_type", ("user_created", "file_uploaded", None, b"x")),)),
    ListQuery("users", text="É", sort="email", descending=True),
    ListQuery("users", text="somebody with a name that is longer than any pattern may be"),
    ListQuery("users", choices=(("has_password", (1,)),), since=NOW - 90 * 86_400, until=NOW),
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


@pytest.mark.wrangler
def test_retention_removes_the_same_of_a_live_database(demo_path: Path, tmp_path: Path, live: Live) -> None:
    path = live.put(demo_path)
    assert _retained(live.open(path), path) == _retained_here(demo_path, tmp_path)


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
    assert not scan_pool.verify(path, now=NOW).findings
    return result.removed, chain
