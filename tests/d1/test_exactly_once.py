"""Whatever answer is lost, every kind of act is done once, as on a file, and says the same."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from pytestqt.qtbot import QtBot

from app.services.chain.cautions import Agreed, NoBookmark, NotRecorded
from app.services.chain.checkpoints.making import try_to_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.live.connecting import open_live
from app.services.live.connections import NamedConnection
from app.services.records import notifications, users, webhooks, writing
from app.services.records.change import Change, price_to_change
from app.services.records.notifications import Composed, compose
from app.services.records.webhooks import WebhookInput
from app.services.retention.plan import plan, rows_to_read
from app.services.retention.run import RetentionStopped
from app.services.runs import statuses
from app.workers.runner import Runner
from models.d1.database import D1Database
from models.d1.shared import Shared
from models.engine import Database, raw
from models.errors import (
    Cancelled,
    ChangedSince,
    InvalidInput,
    OutcomeUnknown,
    RateLimited,
    SavedAfterAll,
    TenantAdminError,
    TooMuchAtOnce,
)
from models.local.database import LocalDatabase
from models.schema import inspect
from models.status import DAY, RunStatus
from tests.conftest import NOW
from tests.d1.edge import ACCOUNT, LOSING, Edge
from tests.fixtures import chains
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.connected import execute
from tests.fixtures.inserting import OF_USERS
from tests.fixtures.live import Live
from tests.fixtures.retaining import account, carry_out, planned, retain, unsigned
from tests.fixtures.sample import sample
from tests.fixtures.window import ask

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

ROWS = (
    "INSERT INTO notifications (id, tenant_id, type, created_at) VALUES ('n', 'acme', 't', 1)",
    "INSERT INTO planning_runs (id, idea, status, created_at, updated_at) VALUES ('r', 'x', 'paused', 1, 1)",
)
BY: dict[str, Any] = {"actor": "ops", "now": NOW}


@pytest.fixture
def database_path(database_path: Path) -> Path:
    with closing(apsw.Connection(str(database_path))) as connection:
        for statement in ROWS:
            connection.execute(statement)
    return database_path


def acts(database: Database, agreed: Agreed | None = None) -> Iterator[Callable[[], Change]]:
    """Every kind of act, each to be called before the next is asked for."""
    done: list[Change] = []

    def one(act: Callable[..., Change], *args: Any, **how: Any) -> Callable[[], Change]:
        def run() -> Change:
            if act is writing.undo or agreed is None:
                more = {} if agreed is None else {"agreed": agreed}
                done.append(act(database, *args, **how, **more))
            else:
                done.append(writing.carry_out(act, database, *args, agreed=agreed, **how))
            return done[-1]

        return run

    def key() -> str:
        return str(done[-1].rows[0].key["id"])

    def taken_back() -> Iterator[Callable[[], Change]]:
        """Undone, done again, and undone again."""
        for _ in range(3):
            yield one(writing.undo, done[-1], now=NOW)

    yield one(users.create, "acme", "ada@acme.example", **BY)
    user = key()
    yield one(users.rename, user, "b@acme.example", **BY)
    yield from taken_back()
    yield one(users.delete, [user], **BY)
    yield from taken_back()
    form = WebhookInput("CI", "https://hooks.acme.example/in", secret="whsec_1")
    yield one(webhooks.create, "acme", form, **BY)
    hook = key()
    changed = WebhookInput("CI", form.url, "run_killed", secret="whsec_2")
    yield one(webhooks.update, hook, changed, **BY)
    yield one(webhooks.set_active, [hook], False, **BY)
    yield one(webhooks.delete, [hook], **BY)
    yield from taken_back()
    yield one(notifications.mark, ["n"], read=True, **BY)
    yield one(notifications.delete, ["n"], **BY)
    yield from taken_back()
    yield one(statuses.set_status, ["r"], RunStatus.DELETED, **BY)
    yield one(statuses.restore, ["r"], **BY)


def outcome(path: Path) -> list[Any]:
    """What does not differ from one time to another."""
    with closing(apsw.Connection(str(path))) as connection:
        assert chains.problems(connection) == []
        events = connection.execute(
            "SELECT seq, tenant_id, event_type FROM audit_chain ORDER BY seq"
        ).fetchall()
    return [events, *rows(path)]


def rows(path: Path) -> list[Any]:
    with closing(apsw.Connection(str(path))) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "SELECT tenant_id, email FROM users",
                "SELECT tenant_id, name, events, active FROM webhook_destinations",
                "SELECT id, read FROM notifications",
                "SELECT id, status FROM planning_runs",
            )
        ]


REFUSING = "echo after", "denied after", "gone after", "conflict after"
"""What stands between may let a batch in, and then say that it did not."""


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("fault", [*LOSING, *REFUSING])
def test_every_act_is_done_once(
    production: D1Database, edge: Edge, file: Path, database_path: Path, fault: str
) -> None:
    with (local := LocalDatabase(database_path)).connection_context():
        expected = [act().summary for act in acts(local)]
    said = []
    for act in acts(production):
        edge.faults = [fault]
        said.append(act().summary)
        assert edge.faults == []
    assert said == expected
    assert outcome(file) == outcome(database_path)


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("fault", [*LOSING, *REFUSING])
def test_every_act_that_no_chain_records_is_done_once(
    production: D1Database, edge: Edge, file: Path, database_path: Path, fault: str
) -> None:
    """By its rows, whose proof holds nothing that a person keeps to themselves."""
    agreed, said = Agreed(), list[list[str]]()
    for path in (database_path, file):
        execute(path, "DROP TABLE audit_chain")
    with (local := LocalDatabase(database_path)).connection_context():
        for database in (local, production):
            agreed.add(NotRecorded(database.place))
            said.append([])
            for act in acts(database, agreed=agreed):
                edge.faults = [fault] if database is production else []
                said[-1].append(act().summary)
                assert edge.faults == []
    assert said[0] == said[1]
    assert rows(file) == rows(database_path)


def with_agreed(database: D1Database, file: Path, *, records: bool) -> Agreed:
    agreed = Agreed()
    if not records:
        execute(file, "DROP TABLE audit_chain")
        agreed.add(NotRecorded(database.place))
    return agreed


@pytest.mark.parametrize("records", [True, False])
def test_a_limit_is_an_answer_and_every_act_can_be_done_behind_it(
    production: D1Database, edge: Edge, file: Path, *, records: bool
) -> None:
    agreed = with_agreed(production, file, records=records)
    for act in acts(production, agreed=agreed):
        edge.faults = ["limited before"]
        for _ in range(2):
            said = r"takes none from prod until \d\d:\d\d:\d\d UTC; nothing was changed"
            with pytest.raises(RateLimited, match=said):
                act()
        assert len(production.client.shared.left(production.identity, edge.base)) == 1
        production.client.shared.pause(ACCOUNT, time.time())  # the limit is over
        assert act().summary and production.settle() is None


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("records", [True, False])
@pytest.mark.parametrize("position", range(22))
def test_an_act_that_was_let_in_and_answered_with_a_limit_is_done_once(
    production: D1Database, edge: Edge, file: Path, position: int, *, records: bool
) -> None:
    """As where what stands between has sent it twice: it is told that it is in, and not done again."""
    agreed = with_agreed(production, file, records=records)
    for number, act in enumerate(acts(production, agreed=agreed)):
        if number < position:
            act()
            continue
        edge.faults = ["limited after"]
        with pytest.raises(RateLimited, match="nothing was changed"):
            act()
        production.client.shared.pause(ACCOUNT, time.time())
        known = rows(file)
        with pytest.raises(TenantAdminError):
            act()
        found = production.settle()
        assert (found is not None and found.saved, production.settle()) == (True, None)
        assert rows(file) == known
        return
    raise AssertionError("no act of that number")


def test_an_act_sends_two_requests_and_reads_few_rows(live: Live, edge: Edge, tmp_path: Path) -> None:
    """Also where a person is to hear of a number that the gateway gives next."""
    _, database = pieces(live, edge, tmp_path)
    tenant = str(database.scalar(raw("SELECT tenant_id FROM audit_chain ORDER BY seq DESC LIMIT 1")))
    assert int(database.scalar(raw("SELECT count(*) FROM audit_chain"))) > 300
    user = str(users.create(database, tenant, "ada@acme.example", **BY).rows[0].record_id)
    before = replace(database.usage)
    users.rename(database, user, "b@acme.example", **BY)
    assert (database.usage.calls - before.calls, database.client.meter.read - before.read < 500) == (2, True)
    by = {**BY, "agreed": Agreed(asks=True)}
    for name in ("c", "d"):
        calls = database.usage.calls
        writing.carry_out(users.rename, database, user, f"{name}@acme.example", **by)
        assert database.usage.calls - calls == 2
    others = [
        str(users.create(database, tenant, f"{name}@acme.example", **BY).rows[0].record_id) for name in "ef"
    ]
    sent = []
    for one in others:
        calls = database.usage.calls
        writing.carry_out(users.delete, database, one.split(), **by)
        sent.append(database.usage.calls - calls)
    assert sent == [2, 2]


def test_what_was_looked_at_is_written_as_it_was_unless_something_has_changed(
    production: D1Database, edge: Edge, file: Path, live: Live
) -> None:
    by = {**BY, "agreed": Agreed(asks=True)}
    edge.bookmarks = []

    def looked_at(names: str) -> tuple[Callable[[], Change], int]:
        made = [users.create(production, "acme", f"{name}@acme.example", **BY) for name in names]
        ids = [str(change.rows[0].record_id) for change in made]
        edge.calls.clear()
        planned = writing.preview(users.delete, production, ids, asks=True, **BY)
        looks = len(edge.calls)
        edge.calls.clear()
        return partial(writing.carry_out, users.delete, production, ids, planned=planned, **by), looks

    delete, looks = looked_at("a")
    assert (looks, delete().summary, len(edge.calls)) == (1, "User a@acme.example deleted", 1)
    delete, looks = looked_at("bc")
    gone = delete()
    assert (looks, len(edge.calls)) == (2, 2), "one for the bookmark"
    edge.calls.clear()
    back = writing.undo(production, gone, now=NOW, agreed=Agreed(asks=True))
    assert len(edge.calls) == 2
    edge.calls.clear()
    writing.undo(production, writing.undo(production, back, now=NOW), now=NOW)
    assert len(edge.calls) == 4, "one for the bookmark: the undo has read what the rest needs"
    edge.calls.clear()
    users.create(live.open(file), "acme", "meanwhile@acme.example", **BY)
    again = writing.undo(production, back, now=NOW)
    assert again.summary.count("undone") == 2
    writing.undo(production, again, now=NOW)
    execute(file, "UPDATE users SET updated_at = 8 WHERE email = 'c@acme.example'")
    with pytest.raises(ChangedSince, match="Updated"):
        writing.undo(production, back, now=NOW)
    execute(file, f"UPDATE users SET updated_at = {NOW} WHERE email = 'c@acme.example'")
    execute(file, "DELETE FROM users WHERE email GLOB 'meanwhile@*'")
    statuses.set_status(production, ["r"], RunStatus.DELETED, **BY)
    edge.calls.clear()
    statuses.restore(production, ["r"], **BY)
    assert len(edge.calls) == 2, "also what tells which status it had"
    others: tuple[Callable[[], object], ...] = (
        lambda: execute(file, "CREATE TABLE notes (id, of TEXT REFERENCES users (id) ON DELETE CASCADE)"),
        lambda: execute(file, "ALTER TABLE notes RENAME COLUMN of TO at"),
        lambda: execute(file, "UPDATE users SET updated_at = 7 WHERE email = 'f@acme.example'"),
        lambda: users.create(live.open(file), "b-corp", "else@acme.example", **BY),
    )
    for act in others:
        delete, _ = looked_at("f")
        act()
        assert delete().summary == "User f@acme.example deleted"
    for statement, sentence in (
        ("DELETE FROM users WHERE email = 'f@acme.example'", "no longer there"),
        (
            "INSERT INTO notes SELECT 1, id FROM users WHERE email = 'f@acme.example'",
            "More or other rows of notes",
        ),
        (
            "UPDATE users SET email = 'g@acme.example' WHERE email = 'f@acme.example'",
            "f@acme.example .E-mail",
        ),
    ):
        delete, _ = looked_at("f")
        execute(file, statement)
        with pytest.raises(TenantAdminError, match=sentence):
            delete()
        execute(file, "DELETE FROM users WHERE email GLOB '[fg]@*'")
    assert [email[0] for _, email in outcome(file)[1]] == ["b", "c", "e"]


def test_neither_a_deletion_nor_an_undo_reads_all_addresses(production: D1Database, file: Path) -> None:
    made = users.create(production, "acme", "ada@acme.example", **BY)
    execute(
        file,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        f" INSERT INTO {OF_USERS} "
        "SELECT 'x' || i, 'acme', 'x' || i || '@acme.example', NULL, 1, 1 FROM n",
    )
    renamed = users.rename(production, str(made.rows[0].record_id), "b@acme.example", **BY)
    before = production.client.meter.read
    writing.undo(production, renamed, now=NOW)
    change = users.delete(production, [str(made.rows[0].record_id)], **BY)
    writing.undo(production, change, now=NOW)
    many = users.delete(production, [f"x{i}" for i in range(1, 4)], **BY)
    assert production.client.meter.read - before < 3000
    users.create(production, "acme", "X2@acme.example", **BY)
    with pytest.raises(ChangedSince, match=r"already has a user.*The other 2 are"):
        writing.undo(production, many, now=NOW)
    again = users.create(production, "acme", "viktor.haddad@acme.example", **BY)
    gone = users.delete(production, [str(again.rows[0].record_id)], **BY)
    odd = users.create(production, "acme", "vIktor.haddaD@Acme.example", **BY)
    before = production.client.meter.read
    with pytest.raises(InvalidInput, match=r"vIktor\.haddaD@"):
        writing.undo(production, gone, now=NOW)
    users.delete(production, [str(odd.rows[0].record_id)], **BY)
    writing.undo(production, gone, now=NOW)
    assert production.client.meter.read - before < 3000


def test_acts_on_many_tenants_are_taken_back_for_what_is_said(production: D1Database, file: Path) -> None:
    execute(
        file,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
        f" INSERT INTO {OF_USERS} "
        "SELECT 'x' || i, 't' || (i % 100), 'x' || i || '@acme.example', NULL, 1, 1 FROM n",
    )
    production.is_watched, agreed = True, Agreed()
    tenants = [f"t{number}" for number in range(100)]
    acts: tuple[Callable[[], Change], ...] = (
        lambda: compose(production, tenants, Composed("down", "Down", "", ""), **BY),
        lambda: users.move(production, [f"x{number}" for number in range(1, 81)], "t99", **BY),
        lambda: users.create_many(production, [(one, f"new@{one}.example", None) for one in tenants], **BY),
        lambda: users.delete(production, [f"x{number}" for number in range(100, 200)], **BY),
    )
    for act in acts:
        change = act()
        for _ in range(2):
            said, before = change.read_back(production, asks=True), production.client.meter.read
            change = writing.undo(production, change, now=NOW, agreed=agreed)
            assert production.client.meter.read - before <= said


def test_an_act_reads_no_more_again_than_is_said_and_goes_in_one_call_or_not_at_all(
    production: D1Database, edge: Edge, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(
        file,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        f" INSERT INTO {OF_USERS} "
        "SELECT 'x' || i, 'acme', 'x' || i || '@acme.example', NULL, 1, 1 FROM n",
    )
    ids, agreed = [f"x{i}" for i in range(1, 101)], Agreed()
    production.is_watched = True  # as in the window
    planned = writing.preview(users.delete, production, ids, **BY)
    before = production.client.meter.read
    gone = writing.carry_out(users.delete, production, ids, planned=planned, agreed=agreed, **BY)
    assert 400 < production.client.meter.read - before <= planned.change.read < 460
    before = production.client.meter.read
    writing.undo(production, gone, now=NOW)
    assert 1_000 < production.client.meter.read - before <= gone.read_back(production, asks=False)
    monkeypatch.setattr("models.d1.database._MOST_SENT", 60_000)
    edge.calls.clear()
    for act in (writing.preview, partial(writing.carry_out, agreed=agreed)):
        with pytest.raises(
            TooMuchAtOnce, match=r"more than prod is sent at once \(0 MB, of which \d\d % go in"
        ):
            act(users.delete, production, ids, **BY)
    assert not any(b"DELETE FROM" in call and b"INSERT" in call for call in edge.calls)
    assert writing.carry_out(users.delete, production, ids[:20], agreed=agreed, **BY).told.startswith(
        "20 users"
    )


@pytest.mark.parametrize("trusted", [True, False])
def test_what_an_act_reads_that_is_planned_when_it_is_written_is_told_before(
    edge: Edge, live: Live, tmp_path: Path, trusted: bool
) -> None:
    file = live.put(sample(tmp_path / "long.sqlite", rows=2_000))
    execute(
        file,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 21) INSERT INTO "
        "notifications (id, tenant_id, type, created_at) SELECT 'n' || i, 'acme', 't', 1 FROM n",
    )
    # As a gateway's, which are looked at most closely.
    execute(file, "UPDATE audit_chain SET event_type = 'x', payload = '{}'")
    database = D1Database(edge.client(), live.ids[file])
    database.trusts_indexes = trusted
    meter = database.client.meter
    inspect(database)
    ids, agreed = [f"n{number}" for number in range(1, 22)], Agreed(asks=True)
    _, told = price_to_change(database, 1, len(ids), 1, asks=True)
    before = meter.read
    done = writing.carry_out(notifications.mark, database, ids, read=True, agreed=agreed, **BY)
    assert 0.95 * told < meter.read - before <= told
    before = meter.read
    writing.undo(database, done, now=NOW, agreed=agreed)
    assert meter.read - before <= done.read_back(database, asks=agreed.asks)
    agreed.asks, before = False, meter.read  # as behind the first act, where no gateway numbers them
    writing.carry_out(notifications.mark, database, ids, read=True, agreed=agreed, **BY)
    _, told = price_to_change(database, 1, len(ids), 1, asks=False)
    assert 0.6 * told < meter.read - before <= told


def test_a_bookmark_is_taken_before_more_than_one_row_is_changed(
    production: D1Database, edge: Edge, file: Path
) -> None:
    made = [users.create(production, "acme", f"{name}@acme.example", **BY) for name in "ab"]
    edge.bookmarks = []
    assert users.rename(production, str(made[0].rows[0].record_id), "c@acme.example", **BY).bookmark is None
    assert edge.bookmarks == []
    before = production.client.meter.written
    gone = users.delete(production, [str(change.rows[0].record_id) for change in made], **BY)
    assert production.client.meter.written - before == gone.written
    before = production.client.meter.written
    back = writing.undo(production, gone, now=NOW)
    assert production.client.meter.written - before == back.written == gone.inverse().written
    again = writing.undo(production, back, now=NOW)
    assert [gone.bookmark, again.bookmark] == edge.bookmarks and back.bookmark is None
    back = writing.undo(production, again, now=NOW)
    assert gone.told == f"2 users deleted; before it, for Time Travel: {gone.bookmark}"
    before = production.client.meter.written
    read = notifications.mark(production, ["n"], read=True, **BY)
    assert production.client.meter.written - before == read.written == 6, "its index, too"
    assert {one.why for one in production.bookmarks()[1]} >= {"before “2 users deleted”"}
    edge.refuses_travel = True
    agreed = Agreed()
    with pytest.raises(NoBookmark, match=r"refused this \(no bookmark\)") as asked:
        writing.undo(production, back, now=NOW, agreed=agreed)
    agreed.add(asked.value)
    unmarked = writing.undo(production, back, now=NOW, agreed=agreed)
    assert unmarked.bookmark is None
    back = writing.undo(production, unmarked, now=NOW)
    with closing(apsw.Connection(str(file))) as connection:
        payloads = connection.execute("SELECT payload FROM audit_chain WHERE seq > 3 ORDER BY seq").fetchall()
        said = [json.loads(str(payload)).get("bookmark") for (payload,) in payloads]
        assert said == [*[gone.bookmark] * 2, *[None] * 2, *[again.bookmark] * 2, *[None] * 7]
        connection.execute("DROP TABLE audit_chain")
    edge.refuses_travel, taken = False, list(edge.bookmarks)
    with pytest.raises(NotRecorded):
        writing.undo(production, replace(back, behind=None), now=NOW)
    assert edge.bookmarks == taken, "none of an act that a question stops"
    with pytest.raises(NotRecorded):
        writing.undo(production, back, now=NOW)


@pytest.mark.parametrize("more", ["role TEXT", "role TEXT DEFAULT 'none'"])
def test_what_was_created_and_found_later_is_undone_where_the_table_has_another_column(
    production: D1Database, edge: Edge, file: Path, more: str
) -> None:
    """But for one that the database has filled in, as others may have changed that since."""
    execute(file, f"ALTER TABLE users ADD COLUMN {more}")
    production._unanswered.seconds = 0
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown) as unknown:
        users.create(production, "acme", "ada@acme.example", **BY)
    found = production.settle()
    assert found is not None and found.saved and unknown.value.made is not None
    made = unknown.value.made(production)
    assert isinstance(made, Change)
    assert ("cannot be undone" in made.left) == ("DEFAULT" in more)
    if made.inverse_events:
        writing.undo(production, made, now=NOW)
        assert ask(file, "SELECT id FROM users") == []


@pytest.mark.parametrize("end", ["cancelled", "closed"])
def test_an_act_that_was_ended_before_it_was_sent_is_not_sent(
    qtbot: QtBot, production: D1Database, edge: Edge, end: str
) -> None:
    made = [users.create(production, "acme", f"{name}@acme.example", **BY) for name in "ab"]
    ids = [str(change.rows[0].record_id) for change in made]
    writing.undo(production, users.delete(production, ids, **BY), now=NOW)  # asks once what makes a table
    edge.calls.clear()
    gone = users.delete(production, ids, **BY)
    planned = edge.calls.index(b"")  # by as many reads, before the bookmark is asked for
    writing.undo(production, gone, now=NOW)
    edge.read_faults, edge.hung = [*[""] * planned, "hang before"], 60
    edge.calls.clear()
    failed: list[TenantAdminError] = []
    runner = Runner(production)
    runner.write(users.delete, ids, **BY, on_failed=failed.append)
    assert edge.hangs.wait(60)
    if end == "cancelled":
        assert production.waiting is not None
        production.waiting.cancelled = True
        qtbot.waitUntil(lambda: bool(failed))
        assert isinstance(failed[0], Cancelled)
    runner.stop()
    assert runner.join()
    assert edge.calls.index(b"") == planned == len(edge.calls) - 1
    with production.cancellable(lambda: True), pytest.raises(Cancelled):
        production.run_batch([])
    assert len(edge.calls) == planned + 1


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("fault", LOSING)
def test_what_cannot_be_done_is_said_as_on_a_file(production: D1Database, edge: Edge, fault: str) -> None:
    created = users.create(production, "acme", "ada@acme.example", **BY)
    other = users.create(production, "acme", "b@acme.example", **BY)
    edge.faults = [fault]
    with pytest.raises(InvalidInput, match="already has a user"):
        users.create(production, "acme", "ada@acme.example", **BY)
    user = str(created.rows[0].key["id"])
    edge.faults = [fault]
    with pytest.raises(InvalidInput, match="already has a user"):
        users.rename(production, user, "b@acme.example", **BY)
    users.rename(production, user, "c@acme.example", **BY)
    edge.faults = [fault]
    with pytest.raises(ChangedSince, match="E-mail of the record"):
        writing.undo(production, created, now=NOW)
    edge.faults = [fault]
    assert writing.undo(production, other, now=NOW).rows


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("fault", LOSING)
def test_retention_removes_once(live: Live, edge: Edge, tmp_path: Path, fault: str) -> None:
    """Of every batch the first answer is lost."""
    local = sample(tmp_path / "local.sqlite", rows=400)
    path = live.put(local)
    with closing(apsw.Connection(str(path))) as connection:
        before = account(connection)
    how: dict[str, Any] = {"now": NOW, "days": 60, "batch_rows": 100}
    with (here := LocalDatabase(local)).connection_context():
        expected = retain(here, checkpoint=unsigned(local, now=NOW), **how)
    database: Any = D1Database(edge.client(seconds=1.0), live.ids[path])
    edge.faults = [fault, ""] * 30
    result = retain(database, checkpoint=unsigned(path, now=NOW), **how)
    assert len(edge.faults) < 56, "several batches were lost"
    assert (result.removed, result.cancelled) == (expected.removed, False)
    with closing(apsw.Connection(str(path))) as connection:
        assert (chains.problems(connection), account(connection)) == ([], before)


def pieces(live: Live, edge: Edge, tmp_path: Path, seconds: float = 1.0) -> tuple[Path, Any]:
    """A file with something to remove, and the live database that it is, which nobody asks for long."""
    path = live.put(sample(tmp_path / "local.sqlite", rows=400))
    database = D1Database(edge.client(seconds=seconds), live.ids[path])
    database._unanswered.seconds = 0
    return path, database


HOW: dict[str, Any] = {"now": NOW, "days": 60, "batch_rows": 100}


def test_retention_goes_without_a_bookmark_where_somebody_says_so(
    live: Live, edge: Edge, tmp_path: Path
) -> None:
    path, database = pieces(live, edge, tmp_path)
    edge.refuses_travel = True
    with pytest.raises(NoBookmark):
        retain(database, checkpoint=unsigned(path), **HOW)
    result = retain(database, checkpoint=unsigned(path), without_bookmark=True, **HOW)
    assert result.total and result.bookmark is None
    assert "refused this (no bookmark)" in result.to_json()["noBookmark"]


def test_retention_whose_first_step_is_not_known_says_the_way_back(
    live: Live, edge: Edge, tmp_path: Path
) -> None:
    """And that something has gone, perhaps: it has."""
    path, database = pieces(live, edge, tmp_path, seconds=0.3)
    edge.bookmarks, edge.faults = [], ["lost after", *["lost before"] * 4]
    said = r"when 0 of [\d,]+ rows had been removed; perhaps the first \d+ are; a new run finds out"
    with pytest.raises(RetentionStopped, match=said) as stopped:
        retain(database, checkpoint=unsigned(path), **HOW)
    assert stopped.value.result.bookmark == edge.bookmarks[0]
    assert stopped.value.may_be_more and edge.bookmarks[0] in str(stopped.value)
    told = stopped.value.result.to_json()
    assert sum(told["removed"].values()) == 0 < sum(told["perhapsRemoved"].values())
    assert retain(database, checkpoint=unsigned(path), **HOW).total < stopped.value.planned


def test_the_next_window_names_all_whose_entries_a_lost_batch_removed(
    live: Live, edge: Edge, tmp_path: Path
) -> None:
    path, database = pieces(live, edge, tmp_path, seconds=0.3)
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(RetentionStopped):
        retain(database, checkpoint=unsigned(path), **HOW | {"batch_rows": 5_000})
    pruned = ask(path, "SELECT DISTINCT tenant_id FROM audit_chain WHERE event_type = 'audit_pruned'")
    found = D1Database(edge.client(shared=database.client.shared), database.database_id).settle()
    assert found is not None and found.saved and len(pruned) > 1
    whose = found.what.removeprefix("retention of audit entries of ").split(", ")
    assert {*whose} == {tenant for (tenant,) in pruned}


def test_retention_goes_on_where_it_was_interrupted(live: Live, edge: Edge, tmp_path: Path) -> None:
    """What it says of its last step is so: nobody knows yet whether that is in."""
    path, database = pieces(live, edge, tmp_path, seconds=0.3)
    with closing(apsw.Connection(str(path))) as connection:
        before = account(connection)
    edge.bookmarks = []
    edge.faults = ["", "", "lost after", *["lost before"] * 4, "lost before"]
    with pytest.raises(RetentionStopped, match=r"those are gone, the next \d+ perhaps too") as stopped:
        retain(database, checkpoint=unsigned(path), **HOW)
    assert stopped.value.result.bookmark == edge.bookmarks[0]
    edge.faults = []
    result = retain(database, checkpoint=unsigned(path), **HOW)
    assert result.total
    assert result.bookmark == edge.bookmarks[-1]
    assert result.change().told.endswith(f"; before it, for Time Travel: {result.bookmark}")
    found = planned(LocalDatabase(path), days=60)
    assert (found.total, found.unfinished) == (0, None)
    with closing(apsw.Connection(str(path))) as connection:
        assert (chains.problems(connection), account(connection)) == ([], before)
        report = "SELECT payload FROM audit_chain WHERE event_type = 'retention_completed' ORDER BY seq DESC"
        assert json.loads(connection.execute(report).get)["bookmark"] == result.bookmark
        went = "SELECT payload ->> 'bookmark' FROM audit_chain WHERE event_type = ?"
        for kind in ("retention_removed", "audit_pruned"):  # of a run that is killed they alone say it
            named = {mark for (mark,) in connection.execute(went, (kind,))}
            assert named and named <= {*edge.bookmarks}


def test_retention_of_many_tenants_sends_few_requests(live: Live, edge: Edge, tmp_path: Path) -> None:
    """None for each of them."""
    calls = []
    for tenants in (3, 33):
        local = sample(tmp_path / f"{tenants}.sqlite", rows=100)
        with closing(apsw.Connection(str(local))) as connection:
            for number in range(tenants):
                chains.append(connection, f"tenant-{number}", (NOW - 90 * DAY, NOW - 89 * DAY, NOW, NOW))
        path = live.put(local)
        client = edge.client()
        database = D1Database(client, live.ids[path])
        found = plan(database, now=NOW, days=60, checkpoint=unsigned(path))
        assert len(found.shares) >= tenants
        begun = client.meter.calls
        result = retain(database, checkpoint=unsigned(path), now=NOW, days=60)
        assert result.total >= 2 * tenants
        calls.append((begun, client.meter.calls - begun))
    (few, run_of_few), (many, run_of_many) = calls
    assert few == many < 25 and run_of_many <= run_of_few + 10, "of each twenty tenants, a transaction"


def test_retention_waits_for_the_end_of_a_limit(live: Live, edge: Edge, tmp_path: Path) -> None:
    path, database = pieces(live, edge, tmp_path)
    edge.faults = ["", "429 1"]
    result = retain(database, checkpoint=unsigned(path), **HOW)
    assert [result.bookmark] == edge.bookmarks
    assert result.is_complete and result.seconds > 1


@pytest.mark.parametrize("tenants", [1, 40])
def test_what_retention_reads_is_what_was_said_before(
    live: Live, edge: Edge, tmp_path: Path, tenants: int
) -> None:
    local = sample(tmp_path / "local.sqlite", rows=2_000, tenants=tenants)
    store = CheckpointStore(tmp_path / "checkpoints")
    with closing(apsw.Connection(str(local))) as connection:
        quarter = connection.execute("SELECT created_at FROM audit_chain WHERE seq = 500").get
        connection.execute(  # many of them
            "INSERT INTO notifications (id, tenant_id, type, read, created_at) "
            "SELECT seq, 'acme', 'x', seq % 2, created_at FROM audit_chain"
        )
    for days in (3_000, (NOW - quarter) // DAY):
        database = D1Database(edge.client(), live.ids[live.put(local)])
        opened = open_live(NamedConnection("prod", ACCOUNT, database.database_id), database)
        reads = rows_to_read(opened)
        how: Any = {
            "now": NOW,
            "checkpoint": partial(try_to_sign, opened.where, store, VERIFY, clock=lambda: NOW),
        }
        begun = database.client.meter.read
        found = plan(database, days=days, **how)
        found_by = database.client.meter.read - begun
        assert 0.9 * reads.least < found_by < reads.most
        if found.total:
            assert carry_out(database, found, **how).total == found.total
            ran = database.client.meter.read - begun - found_by
            assert ran == pytest.approx(reads.to_carry_out(found, archived=False), rel=0.1)
            assert ran + found_by < reads.most_of_a_run(archived=False)


def test_what_another_window_finds_in_is_not_done_twice(
    live: Live, edge: Edge, file: Path, tmp_path: Path
) -> None:
    first, other = (D1Database(edge.client(shared=Shared(tmp_path)), live.ids[file]) for _ in range(2))
    hook = WebhookInput("CI", "https://hooks.acme.example/in", secret="whsec_1")
    edge.faults = ["limited after"]
    with pytest.raises(RateLimited):
        webhooks.create(first, "acme", hook, **BY)
    first.client.shared.pause(ACCOUNT, time.time())
    users.create(other, "acme", "ada@acme.example", **BY)
    found = other.settle()
    assert found is not None and found.saved
    other.heard()
    with pytest.raises(SavedAfterAll):
        webhooks.create(first, "acme", hook, **BY)
    assert len(rows(file)[1]) == 1
