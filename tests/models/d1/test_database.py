"""A live D1 behind an edge that loses answers: each act is done once, or not at all and said so."""

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from secrets import token_hex
from typing import Any

import apsw
import pytest

from app.services.chain.append import Event, Head, append_statements
from app.services.chain.cautions import Agreed, ClockOff
from app.services.chain.rules import Verdict
from app.services.chain.where import InDatabase
from app.services.records import users, writing
from app.workers import scan_pool
from models.d1.client import Client
from models.d1.database import D1Database
from models.d1.errors import Failed, InUse, NotOffered, NotReached, ReturnUnknown
from models.d1.shared import Shared
from models.engine import MOST_IN_TURN, MOST_OWN, KnownEntry, LostEntry, Settled, Statement, raw
from models.errors import (
    BroughtBack,
    Cancelled,
    EarlierUnknown,
    HeadMoved,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    RateLimited,
    ReadOnlyFile,
    StorageError,
    TableMissing,
    TokenRefused,
)
from models.schema import inspect, read_stored
from tests.app.services.chain.test_append import assert_one_chain
from tests.conftest import NOW
from tests.d1.edge import ACCOUNT, GUARD, TOKEN, Edge
from tests.fixtures import chains
from tests.fixtures.connected import execute
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.live import Live

pytestmark = pytest.mark.wrangler


def emails(file: Path) -> list[str]:
    with closing(apsw.Connection(str(file))) as connection:
        return [email for (email,) in connection.execute("SELECT email FROM users ORDER BY email")]


def settled(database: D1Database) -> bool | None:
    """Whether the last act was saved, as soon as that can be told."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OutcomeUnknown):
            found = database.settle()
            return None if found is None else found.saved
    raise AssertionError("it is not known")


def test_what_lost_the_race_for_a_chain_waits_for_no_turn_behind_what_it_read(
    production: D1Database, edge: Edge
) -> None:
    """It takes one of those that work in the background leaves to others, and what follows takes none."""
    production.client.shared = Shared(per_second=1e-6, burst=15)  # three of them may be taken there

    def settings(last: str) -> list[Statement]:
        event = Event("acme", "settings_changed", {})
        return append_statements([event], {"acme": Head(last, None)}, NOW)

    with production.in_background():
        with pytest.raises(HeadMoved):  # which asks whether it has come in
            production.run_batch(settings("f" * 64))
        production.rows(raw("SELECT 1"))
        production.run_batch(settings("0" * 64))
        with pytest.raises(Cancelled), production.cancellable(lambda: True):
            production.rows(raw("SELECT 1"))
    assert len(edge.calls) == 4


def test_results_in_another_order_are_an_answer_of_another_form(production: D1Database, edge: Edge) -> None:
    asked: list[Callable[[], object]] = [
        lambda: inspect(production),
        lambda: read_stored(production),
        lambda: production.read_batch([raw("SELECT 1"), raw("SELECT 2")]),
        lambda: users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW),
    ]
    for ask in asked:
        edge.read_faults = ["reversed"] * 5
        with pytest.raises(NoAnswer, match="its answer does not have D1's form"):
            ask()
        assert edge.read_faults == []
    edge.read_faults = ["reversed", "swapped"]
    assert production.read_batch([raw("SELECT 1"), raw("SELECT 2")]) == [[(1,)], [(2,)]]


@pytest.mark.parametrize(
    "asked",
    [
        ["SELECT count(*) FROM users", "SELECT count(*) FROM notifications"],
        [
            "SELECT name FROM sqlite_master WHERE type = 'table'",
            "SELECT 'users' UNION ALL SELECT '1' LIMIT 1",
        ],
        [
            "SELECT name, sql FROM sqlite_master ORDER BY 1",
            "SELECT name, type FROM sqlite_master ORDER BY 2, 1",
        ],
        [
            "WITH a(b) AS (SELECT 7) SELECT DISTINCT b FROM a WHERE 0",
            "\nSELECT max(rootpage) FROM sqlite_master",
        ],
    ],
)
def test_two_results_of_a_batch_in_each_others_place_tell_nothing(
    production: D1Database, edge: Edge, asked: list[str]
) -> None:
    """They have as many columns, and the last is where it was."""
    alone = [production.rows(raw(one)) for one in asked]
    edge.read_faults = ["swapped"] * 5
    with pytest.raises(NoAnswer, match="its answer does not have D1's form"):
        production.read_batch([*map(raw, asked)])
    assert production.read_batch([*map(raw, asked)]) == alone


def test_what_is_not_known_is_said_and_found_out_before_anything_else(
    production: D1Database, edge: Edge, file: Path
) -> None:
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown, match="not known whether this was saved: prod gave no answer"):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert emails(file) == ["ada@acme.example"]
    with pytest.raises(InvalidInput, match="already has a user"):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    assert assert_one_chain(file, "acme") == 2


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ([], "Waiting for the answer of prod"),
        (["lost before"], "prod gave no answer that tells; the same is sent again"),
    ],
)
def test_a_person_may_end_the_wait_for_the_answer(
    production: D1Database, edge: Edge, file: Path, before: list[str], said: str
) -> None:
    edge.faults, edge.hung = [*before, "hang after"], 60

    def act() -> None:
        with production.awaited():
            users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act)
        assert edge.hangs.wait(60)
        assert production.waiting is not None
        assert production.waiting.what == said
        production.waiting.cancelled = True
        with pytest.raises(OutcomeUnknown, match="the wait for it was ended") as unknown:
            acting.result(60)
    assert unknown.value.act == "User ada@acme.example created"
    assert settled(production) is True


def test_the_next_start_asks_what_has_become_of_it(
    production: D1Database, edge: Edge, live: Live, file: Path, tmp_path: Path
) -> None:
    """Each way that an act can have ended, and nothing else is written before it is known."""

    def started() -> D1Database:
        client = edge.client(seconds=0.5, shared=Shared(tmp_path / "home"))
        return D1Database(client, live.ids[file])

    for number, fault in enumerate(("lost after", "lost before")):
        edge.faults = [fault, *["lost before"] * 4]
        with pytest.raises(OutcomeUnknown):
            users.create(started(), "acme", f"{number}@acme.example", actor="ops", now=NOW)
    with pytest.raises(OutcomeUnknown) as earlier:
        users.create(started(), "acme", "b@acme.example", actor="ops", now=NOW)
    assert earlier.value.act == "User 1@acme.example created"
    assert emails(file) == ["0@acme.example"]
    assert [settled(started()), settled(started())] == [False, False], "until somebody has heard it"
    heard = started()
    assert settled(heard) is False
    heard.heard()
    assert started().settle() is None
    users.create(started(), "acme", "b@acme.example", actor="ops", now=NOW)
    assert assert_one_chain(file, "acme") == 2


def test_what_a_write_has_found_out_is_told_to_who_asks(
    production: D1Database, edge: Edge, live: Live, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this program, or the next; at another address with the same account and id only that it is there."""
    edge.faults = ["lost before"] * 5
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "a@acme.example", actor="ops", now=NOW)
    elsewhere = edge.client(shared=production.client.shared)
    elsewhere.base += "/"
    there = D1Database(elsewhere, live.ids[file])
    assert there.settle() is None
    with pytest.raises(EarlierUnknown) as earlier:
        users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    assert earlier.value.seconds and not production.has_news
    monkeypatch.setattr("models.d1.database._ON_ITS_WAY", 0)
    users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    assert production.has_news
    assert production.settle() == Settled(saved=False, what="User a@acme.example created")
    assert (production.has_news, production.settle()) == (False, None)
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)
    assert there.settle() == Settled(saved=True, what="User c@acme.example created")


@pytest.mark.parametrize("is_saved", [True, False])
def test_each_to_whom_an_act_is_open_is_told_what_became_of_it(
    production: D1Database, edge: Edge, file: Path, monkeypatch: pytest.MonkeyPatch, is_saved: bool
) -> None:
    """Whoever asks first: by what was found out then, and not by what is there later."""
    monkeypatch.setattr("models.d1.database._ON_ITS_WAY", 0)
    edge.faults = ["lost after" if is_saved else "lost before", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "a@acme.example", actor="ops", now=NOW)
    other = D1Database(edge.client(shared=production.client.shared), production.database_id)
    users.create(other, "acme", "b@acme.example", actor="ops", now=NOW)
    told = Settled(saved=is_saved, what="User a@acme.example created")
    assert other.settle() == told
    other.heard()
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("DELETE FROM audit_chain")
    assert [other.settle(), production.settle(), production.settle()] == [None, told, None]
    production.heard()
    kept = production.client.shared
    with kept._transaction() as of:
        assert "a@acme" not in str(of.execute("SELECT * FROM sent").fetchall())


def test_what_cannot_be_kept_as_told_is_told_once(
    production: D1Database, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "a@acme.example", actor="ops", now=NOW)
    monkeypatch.setattr(Shared, "told", lambda *_, **how: None)  # a full disk
    assert settled(production) is True
    production.heard()
    users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    assert (production.has_news, production.settle()) == (False, None)


def test_a_table_grows_by_what_this_program_and_others_add(production: D1Database, file: Path) -> None:
    production.is_watched = True
    read_stored(production)
    production.rows(raw("SELECT 1"))
    for email in ("a@acme.example", "b@acme.example"):
        users.create(production, "acme", email, actor="ops", now=NOW)
    assert production.grown["users"] == production.grown["audit_chain"] == 2
    with closing(apsw.Connection(str(file))) as other:
        other.execute(INTO_USERS + "('u', 'acme', 'c@acme.example', NULL, 1, 1)")
    production.outside_changes()
    assert (production.grown["users"], production.grown["audit_chain"]) == (3, 2)
    assert (production.grown_by_others["users"], production.grown_by_others["audit_chain"]) == (1, 0)


def test_what_may_still_come_through_is_waited_for(production: D1Database, edge: Edge, file: Path) -> None:
    """Also where the account's limit ends the tries: that nothing was changed is not known."""
    edge.faults = ["lost before", "429 60"]
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    with pytest.raises(OutcomeUnknown):
        production.settle()
    production.client.shared.pause(ACCOUNT, time.time())  # the limit is over
    assert settled(production) is False
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert (emails(file), assert_one_chain(file, "acme")) == (["ada@acme.example"], 1)


@pytest.mark.parametrize("step", [3_600, -3_600])
def test_a_clock_that_is_set_shortens_no_wait_for_it(
    edge: Edge, live: Live, file: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    production = D1Database(edge.client(seconds=60), live.ids[file])
    edge.faults = ["lost before"] * 5
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() + step)
    with pytest.raises(EarlierUnknown, match=r"it may still be on its way, for 1[78]\d s at most"):
        production.settle()


def test_the_question_whether_it_is_in_has_an_answer_that_no_missing_row_gives(
    production: D1Database, edge: Edge, file: Path
) -> None:
    """Without its rows it would say that it is not, and the act would be refused as done twice."""
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    edge.faults, edge.read_faults = ["emptied after"], ["", "emptied after"]
    users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    assert (edge.faults, edge.read_faults) == ([], [])
    assert (emails(file), assert_one_chain(file, "acme")) == (["ada@acme.example", "b@acme.example"], 2)


def test_where_the_question_is_refused_it_is_not_known(
    production: D1Database, edge: Edge, file: Path
) -> None:
    """As where somebody takes the chain's table away in between: that nothing was changed is not so."""
    delete = raw("DELETE FROM users WHERE email = 'ada@acme.example'")
    gone = Statement(delete, expect=1, proof=raw("SELECT 1 FROM nowhere"), what="it")
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    edge.faults = ["lost after"]
    with pytest.raises(OutcomeUnknown) as unknown:
        production.run_batch([gone])
    assert (unknown.value.act, emails(file)) == ("it", [])
    with pytest.raises(EarlierUnknown):
        production.settle()


def test_a_lock_that_the_next_try_meets_says_nothing_of_the_first(
    production: D1Database, edge: Edge, file: Path
) -> None:
    """Which comes through later: it is ours then, and no change of others."""
    production.is_watched = True
    read_stored(production)
    production.outside_changes()
    edge.faults = ["lost before", *["busy before"] * 4]
    with pytest.raises(OutcomeUnknown, match="The database is in use"):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    edge.read_faults = ["busy before"]
    with pytest.raises(OutcomeUnknown, match="not known yet"):
        production.settle()
    assert production.outside_changes() == 0
    first = next(body for body in edge.calls if GUARD in body)
    production.client.run(production.database_id, first)
    assert production.outside_changes() == 0
    assert settled(production) is True
    assert (emails(file), production.outside_changes()) == (["ada@acme.example"], 0)
    with closing(apsw.Connection(str(file))) as other:
        other.execute(INTO_USERS + "('u', 'acme', 'b@acme.example', NULL, 1, 1)")
    assert production.outside_changes() == 1


def test_a_read_is_tried_again(production: D1Database, edge: Edge) -> None:
    edge.read_faults = ["reset before", "cut"]
    assert inspect(production).matches
    edge.read_faults = ["lost before"] * 5
    with pytest.raises(NoAnswer, match="prod did not answer as it should"):
        inspect(production)


def test_a_read_that_takes_all_its_time_is_not_tried_again_and_who_waits_is_told(
    edge: Edge, live: Live, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.d1.client._SILENCE", 0.1)
    monkeypatch.setattr("models.d1.database.CALL_SECONDS", 0.5)
    edge.read_faults = ["hang before"] * 2
    told: list[float] = []
    client = Client("prod", edge.base, ACCOUNT, TOKEN, seconds=0.5, on_silence=told.append)
    with pytest.raises(NoAnswer, match="it took too long"):
        D1Database(client, live.ids[file]).scalar(raw("SELECT 1"))
    assert (len(edge.calls), len(told)) == (1, 1)


def test_a_file_that_another_program_writes_to_is_in_use(
    production: D1Database, edge: Edge, file: Path
) -> None:
    with closing(apsw.Connection(str(file))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InUse, match="prod is in use by another program"):
            users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert emails(file) == ["ada@acme.example"]


@pytest.mark.parametrize("fault", ["busy before", "nulled"])
def test_what_is_written_is_so_although_it_cannot_be_read(
    production: D1Database, edge: Edge, file: Path, fault: str
) -> None:
    """Where the answer is lost, that has the row as it is there."""
    reads = 0
    for number in range(3):
        edge.calls.clear()
        is_lost = number == 2
        edge.faults = ["lost after"] if is_lost else []
        edge.read_faults = [*[""] * reads, "", fault] if is_lost else []
        change = users.create(production, "acme", f"{number}@acme.example", actor="ops", now=NOW)
        reads = [GUARD in body for body in edge.calls].index(True)
    assert change.summary == "User 2@acme.example created" and edge.read_faults == []
    assert emails(file) == [f"{number}@acme.example" for number in range(3)]
    writing.undo(production, change, now=NOW)
    assert len(emails(file)) == 2


def test_what_a_missing_table_keeps_out_is_not_in(production: D1Database) -> None:
    with pytest.raises(TableMissing):
        production.run_batch([Statement(raw("DELETE FROM nowhere"), proof=raw("SELECT 1 FROM nowhere"))])
    assert production.settle() is None


def test_a_value_may_be_longer_than_a_statement(production: D1Database, file: Path) -> None:
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    for value in (b"\0\xff" * 100_000, "é" * 500_000):
        query = raw("UPDATE users SET email = ?2 WHERE email <> ?2 AND tenant_id = ?1", "acme", value)
        production.run_batch([Statement(query)])
        with closing(apsw.Connection(str(file))) as connection:
            assert connection.execute("SELECT email FROM users").fetchall() == [(value,)]


def test_a_read_that_nobody_wants_ends_at_once(production: D1Database, edge: Edge) -> None:
    edge.read_faults, edge.hung = ["hang before"], 60
    asked = iter([False] * 3)
    with production.cancellable(lambda: next(asked, True)), pytest.raises(Cancelled):
        production.scalar(raw("SELECT 1"))
    assert production.scalar(raw("SELECT 1")) == 1


def test_the_account_s_limit_stops_everything_until_it_ends(production: D1Database, edge: Edge) -> None:
    edge.read_faults = ["429 60"]
    for _ in range(2):
        with pytest.raises(RateLimited, match=r"takes none from prod until \d\d:\d\d:\d\d UTC; nothing was"):
            production.scalar(raw("SELECT 1"))
    assert len(edge.calls) == 1


def test_another_window_waits_with_it(edge: Edge, live: Live, file: Path, tmp_path: Path) -> None:
    window, other = (D1Database(edge.client(shared=Shared(tmp_path)), live.ids[file]) for _ in range(2))
    edge.read_faults = ["429 60"]
    for database in (window, other):
        with pytest.raises(RateLimited):
            database.scalar(raw("SELECT 1"))
    assert len(edge.calls) == 1


def test_the_limit_is_said_where_nothing_can_be_kept(
    edge: Edge, live: Live, file: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    shared = Shared(taken)  # no folder, as a full disk is none
    database = D1Database(edge.client(shared=shared), live.ids[file])
    edge.read_faults = ["429 60"]
    with pytest.raises(RateLimited):
        database.scalar(raw("SELECT 1"))


def test_it_lets_go_of_its_connections(production: D1Database) -> None:
    production.scalar(raw("SELECT 1"))
    assert production.client._pool.connections
    production.release()
    assert not production.client._pool.connections
    assert production.scalar(raw("SELECT 1")) == 1


@pytest.mark.slow
def test_what_runs_in_the_background_goes_on_behind_the_limit(production: D1Database, edge: Edge) -> None:
    """Unless it is not wanted any more."""
    edge.read_faults = ["429 1"]
    with production.in_background():
        assert production.scalar(raw("SELECT 1")) == 1
        edge.read_faults = ["429 60"]
        asked = iter([False] * 3)
        with production.cancellable(lambda: next(asked, True)), pytest.raises(Cancelled):
            production.scalar(raw("SELECT 1"))


def test_a_pause_is_said_once_and_ends_when_the_work_is_cancelled(production: D1Database, edge: Edge) -> None:
    """What is on its way is not given up by that: a write would not be known to be saved."""
    said: list[str] = []
    production.client.on_pause = said.append
    edge.read_faults = ["429 60"]
    with production.in_background(lambda: True):
        for _ in range(2):
            with pytest.raises(Cancelled):
                production.scalar(raw("SELECT 1"))
    assert (
        len(said) == 1
        and said[0].endswith(" UTC. It goes on by itself then.")
        and "takes none from prod until" in said[0]
    )


def test_what_runs_in_the_background_waits_for_another_program(production: D1Database, file: Path) -> None:
    said: list[str] = []
    with closing(apsw.Connection(str(file))) as other:

        def is_said(why: str) -> None:
            said.append(why)
            other.execute("ROLLBACK")

        production.client.on_pause = is_said
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InUse):
            users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
        with production.in_background():
            users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert said == ["prod is in use by another program; it is tried again for 60 s."]
    assert emails(file) == ["ada@acme.example"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["page before", "lost before"])
def test_what_runs_in_the_background_asks_again_for_longer(
    production: D1Database, edge: Edge, file: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """While what stands between is started again, say: reads, and a write with the same bytes."""
    monkeypatch.setattr("models.d1.database._BACK_OFF", 0.001)
    monkeypatch.setattr("models.d1.errors._FIRST", 0.01)
    said: list[str] = []
    production.client.on_pause = said.append
    edge.read_faults = [fault] * 7
    with pytest.raises(NoAnswer):
        production.scalar(raw("SELECT 1"))
    edge.read_faults, edge.faults = [fault] * 7, [fault] * 7
    with production.in_background():
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert (emails(file), edge.read_faults, edge.faults) == (["ada@acme.example"], [], [])
    why = "a web page came in place" if fault == "page before" else "the connection broke"
    assert len(said) == 2 and said[0].startswith(f"prod does not answer as it should ({why}")
    assert said[0].endswith("it is tried again for 30 s.")
    edge.read_faults = [fault] * 7
    assert scan_pool.verify(InDatabase(production), now=NOW).verdict == Verdict.CONSISTENT
    assert not edge.read_faults
    edge.read_faults = [fault] * 30
    with production.in_background(lambda: True), pytest.raises(Cancelled):
        production.scalar(raw("SELECT 1"))
    edge.read_faults = []
    production._unanswered.seconds = 0.5
    edge.faults = [fault] * 30
    with production.in_background(), pytest.raises(OutcomeUnknown, match=why):
        users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    edge.faults, edge.read_faults = [], [fault] * 5
    with pytest.raises(EarlierUnknown, match=why):
        production.settle()


def test_time_travel(production: D1Database, edge: Edge) -> None:
    edge.bookmarks = []
    now = production.bookmark("asked")
    assert now == edge.bookmarks[-1]
    before = production.go_back(str(now))
    assert edge.restored == [now] and before == edge.bookmarks[-1]
    _, kept = production.bookmarks()
    whys = [(one.name, one.why) for one in kept]
    assert whys == [
        (before, "just before going back"),
        (edge.bookmarks[1], "before going back"),
        (now, "asked"),
    ]


@pytest.mark.parametrize("fault", ["lost before", "lost after"])
def test_a_return_without_an_answer_is_not_sent_again(production: D1Database, edge: Edge, fault: str) -> None:
    """It may still arrive, and others may write behind it, who would lose that by a second one."""
    edge.bookmarks, edge.return_faults = [], [fault]
    with pytest.raises(ReturnUnknown, match="may within two minutes"):
        production.go_back("00000001-00000000-abcdef")
    assert len(edge.restored) == (fault == "lost after")
    assert production.bookmarks()[1][0].name == edge.bookmarks[-2], "what others have written is kept"


def test_a_bookmark_is_kept_or_it_is_said_that_it_is_not(
    production: D1Database, edge: Edge, live: Live, file: Path, tmp_path: Path
) -> None:
    edge.bookmarks = []
    kept = production.keep_bookmark("asked")
    assert (kept, [kept]) == (edge.bookmarks[-1], [one.name for one in production.bookmarks()[1]])
    taken = tmp_path / "taken"
    taken.touch()
    client = edge.client(shared=Shared(taken))
    with pytest.raises(StorageError):
        D1Database(client, live.ids[file]).keep_bookmark("asked")
    edge.bookmarks = None
    with pytest.raises(NotOffered):
        production.keep_bookmark("asked")


@pytest.mark.parametrize("fault", ["", "twice"])
def test_the_way_back_is_the_state_that_the_database_left(
    production: D1Database, edge: Edge, fault: str
) -> None:
    """Others may have written since a bookmark was asked for, which stays for where a network sends twice."""
    edge.bookmarks = []
    edge.return_faults = [fault]
    before = production.go_back("00000001-00000000-abcdef")
    _, (exact, asked) = production.bookmarks()
    assert (exact.name, asked.name) == (before, edge.bookmarks[0])
    assert before == edge.bookmarks[len(edge.restored)]


def test_a_return_whose_answer_stays_away_is_not_said_to_have_changed_nothing(
    production: D1Database, edge: Edge
) -> None:
    edge.bookmarks = []
    read_stored(production)
    edge.read_faults, edge.return_faults = ["", "", *["lost before"] * 20], ["lost after"]
    with pytest.raises(ReturnUnknown, match="It is not known whether prod went back"):
        production.go_back("00000001-00000000-abcdef")
    edge.read_faults = []
    assert production.bookmarks()[1][0].name == edge.bookmarks[0], "the way back is kept"


def test_a_return_that_meets_the_limit_is_not_made(production: D1Database, edge: Edge) -> None:
    edge.bookmarks, edge.return_faults = [], ["limited before"]
    with pytest.raises(RateLimited, match="nothing was changed"):
        production.go_back("00000001-00000000-abcdef")
    assert edge.restored == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "error"),
    [("echo", Failed), ("denied", TokenRefused), ("gone", NotOffered), ("bare", ReturnUnknown)],
)
def test_a_return_that_is_refused_is_known_by_what_is_there(
    production: D1Database, edge: Edge, file: Path, fault: str, error: type[StorageError]
) -> None:
    """What stands between may let it through, and refuse it behind that."""
    edge.bookmarks, edge.file, edge.is_busy = [], file, False
    now = str(production.bookmark("asked"))
    edge.return_faults = [f"{fault} before"]
    with pytest.raises(
        error, match="does not name the bookmark" if fault == "bare" else "nothing was changed"
    ):
        production.go_back(now)
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    edge.return_faults = [f"{fault} after"]
    before = production.go_back(now)
    assert emails(file) == []
    production.go_back(before)
    assert emails(file) == ["ada@acme.example"]


@pytest.mark.slow
def test_a_refused_return_is_not_known_where_the_bookmark_is_another(
    production: D1Database, edge: Edge, file: Path
) -> None:
    """It may have taken a change of values with it, which moves the end of no table."""
    edge.bookmarks, edge.file, edge.is_busy = [], file, False
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    now = str(production.bookmark("asked"))
    with closing(apsw.Connection(str(file))) as other:
        other.execute("UPDATE users SET email = 'bob@acme.example'")
    assert emails(file) == ["bob@acme.example"]
    edge.return_faults = ["echo after"]
    with pytest.raises(ReturnUnknown, match="it answered that it refuses, and its bookmark is another now"):
        production.go_back(now)
    assert emails(file) == ["ada@acme.example"]


def test_a_return_that_names_an_earlier_way_back_gave_another_call_s_answer(
    production: D1Database, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge.bookmarks = []
    monkeypatch.setattr(production.client, "go_back", lambda *_: "00000001-00000000-abcdef")
    with pytest.raises(ReturnUnknown, match="does not name the bookmark of what was before"):
        production.go_back("00000001-00000000-abcdef")


def test_a_refused_bookmark_is_a_failure_as_any(production: D1Database, edge: Edge) -> None:
    edge.bookmarks = []
    edge.read_faults = ["echo"]
    with pytest.raises(Failed, match="The database refused this"):
        production.bookmark("asked")


def test_where_there_is_no_time_travel(production: D1Database, edge: Edge) -> None:
    edge.bookmarks = None
    with pytest.raises(NotOffered):
        production.bookmark("asked")
    with pytest.raises(NotOffered, match="prod has no Time Travel"):
        production.go_back("00000001-00000000-abcdef")


def test_what_is_used_is_counted(production: D1Database, edge: Edge) -> None:
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert production.usage is not None
    assert production.usage.calls == len(edge.calls) > 1
    assert (production.usage.read > 0, production.usage.written > 2) == (True, True)


def test_what_a_lost_answer_has_written_is_not_counted_as_nothing(production: D1Database, edge: Edge) -> None:
    edge.faults = ["lost after"]
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert production.usage is not None and "read, at least 0 written" in str(production.usage)


def test_who_may_not_is_told(edge: Edge, live: Live, file: Path, production: D1Database) -> None:
    wrong = D1Database(Client("prod", edge.base, ACCOUNT, "wrong-token"), live.ids[file])
    with pytest.raises(TokenRefused) as refused:
        wrong.scalar(raw("SELECT 1"))
    assert "wrong-token" not in f"{refused.value!r}{wrong.client!r}"
    closed = D1Database(Client("prod", "http://127.0.0.1:1/client/v4", ACCOUNT, TOKEN), "x")
    with pytest.raises(NotReached, match="prod cannot be reached"):
        closed.scalar(raw("SELECT 1"))
    with pytest.raises(ReadOnlyFile):
        production.read_only = True
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)


def test_a_token_that_was_replaced_is_taken_where_the_old_one_is_refused(
    production: D1Database, edge: Edge, file: Path
) -> None:
    asked, client = list[list[str]](), production.client

    def another(refused: Collection[str]) -> str | None:
        asked.append([*refused])
        if len(asked) == 3:  # only the write is refused
            edge.token = "again"
        return [None, "renewed", "again"][len(asked) - 1]

    client.another_token = another
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    edge.token, calls = "renewed", len(edge.calls)
    with pytest.raises(TokenRefused):  # none is there yet
        production.scalar(raw("SELECT 1"))
    users.create(production, "acme", "bo@acme.example", actor="ops", now=NOW)
    assert asked == [[TOKEN], [TOKEN]] and len(edge.calls) == calls + 2
    edge.faults = ["denied after"]  # what stands between may let it in, and refuse it behind that
    users.create(production, "acme", "cy@acme.example", actor="ops", now=NOW)
    assert asked[2:] == [[TOKEN, "renewed"]]
    assert emails(file) == ["ada@acme.example", "bo@acme.example", "cy@acme.example"]
    assert assert_one_chain(file, "acme") == 3
    assert client.masked(f"{TOKEN} renewed again") == "[token] [token] [token]"


def test_a_return_in_time_is_not_sent_again_with_another_token(production: D1Database, edge: Edge) -> None:
    edge.bookmarks, edge.is_busy, edge.return_faults = [], False, ["denied before"]
    then = production.keep_bookmark("kept")
    production.client.another_token = lambda refused: TOKEN[::-1]
    with pytest.raises(TokenRefused):
        production.go_back(then)
    assert edge.restored == [] and production.client.token == TOKEN


@pytest.mark.parametrize(("hours", "off"), [(-1, "60 min ahead of"), (2, "2 h behind")])
def test_a_person_whose_clock_is_another_than_the_databases_is_asked(
    production: D1Database, monkeypatch: pytest.MonkeyPatch, hours: int, off: str
) -> None:
    dated = BaseHTTPRequestHandler.date_time_string
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda self: dated(self, time.time() + 3600 * hours)
    )
    create, agreed = partial(writing.carry_out, users.create, production, "acme"), Agreed()
    with pytest.raises(ClockOff, match=f"is {off} prod's, as the dates") as asked:
        create("a@acme.example", actor="ops", now=NOW, agreed=agreed)
    agreed.add(asked.value)
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda self: dated(self, time.time() + 3600 * hours - 90)
    )
    create("a@acme.example", actor="ops", now=NOW, agreed=agreed)  # once, however it is said by then
    for odd in ("Mon, 01 Jan 0000 00:00:00 GMT", "Mon, 31 Feb 2026 00:00:00 GMT", "yesterday"):
        monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self, odd=odd: odd)
        production.client.clock_off = 0.0
        create(f"{odd[-3:]}{odd[8:11].strip()}@acme.example".lower(), actor="ops", now=NOW, agreed=Agreed())
    monkeypatch.undo()
    create("b@acme.example", actor="ops", now=NOW, agreed=Agreed())


def test_nothing_is_written_to_a_chain_that_went_back_since_the_last_look(
    production: D1Database, file: Path
) -> None:
    production.is_watched = True
    for email in ("a@acme.example", "b@acme.example"):
        users.create(production, "acme", email, actor="ops", now=NOW)
    production.outside_changes()
    with closing(apsw.Connection(str(file))) as other:
        other.execute("DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    with pytest.raises(BroughtBack, match="in an earlier state"):
        users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)
    assert emails(file) == ["a@acme.example", "b@acme.example"]
    production.outside_changes()
    assert production.went_back is not None
    users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)


@pytest.mark.parametrize("more", [0, 2])
def test_nothing_is_written_where_another_entry_has_the_number_of_the_last_one(
    production: D1Database, file: Path, more: int
) -> None:
    """Time Travel brought another line back, which others have gone on with since."""
    production.is_watched = True
    users.create(production, "acme", "a@acme.example", actor="ops", now=NOW)
    users.create(production, "acme", "b@acme.example", actor="ops", now=NOW)
    known = production.outside_changes()
    with closing(apsw.Connection(str(file))) as now:
        now.execute("DELETE FROM users WHERE email LIKE 'b%'")
        now.execute("DELETE FROM audit_chain WHERE seq = 2")
        now.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'audit_chain'")
    theirs = D1Database(production.client, production.database_id)
    for name in range(1 + more):
        users.create(theirs, "other", f"{name}@other.example", actor="them", now=NOW)
    with pytest.raises(BroughtBack, match="in an earlier state"):
        users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)
    assert production.outside_changes() != known and production.went_back == 2 + more
    (lost,) = production.lost_entries
    assert (lost.number, lost.act) == (2, "User b@acme.example created")
    production.went_back, production.lost_entries = None, ()
    users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)
    assert (production.outside_changes(), production.went_back) == (known + 1, None)
    with closing(apsw.Connection(str(file))) as now:
        now.execute("DELETE FROM audit_chain WHERE tenant_id = 'acme'")  # erased, say
    users.create(theirs, "other", "last@other.example", actor="them", now=NOW)
    users.create(production, "acme", "d@acme.example", actor="ops", now=NOW)
    production.outside_changes()
    assert production.went_back is None


def test_what_another_thread_learns_while_a_look_is_prepared_is_no_other_line(
    production: D1Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    production.is_watched = True
    users.create(production, "acme", "a@acme.example", actor="ops", now=NOW)
    production.outside_changes()
    ask_ends = production._ask_ends

    def meanwhile(*number: Any) -> object:
        asked = ask_ends(*number)
        production._newest = 2, "of its own act"
        return asked

    monkeypatch.setattr(production, "_ask_ends", meanwhile)
    production.outside_changes()
    assert production.went_back is None


def verified(production: D1Database) -> dict[str, KnownEntry]:
    """Its tenants' chains were verified to their ends: what these are."""
    found = production.rows(raw("SELECT tenant_id, max(seq), hash FROM audit_chain GROUP BY tenant_id"))
    ends = {tenant: KnownEntry(tenant, number, head, NOW) for tenant, number, head in found}
    production.verified.know(ends.values())
    return ends


def three_chains(production: D1Database) -> dict[str, KnownEntry]:
    production.is_watched = True
    for tenant in ("acme", "acme", "blue", "other"):
        users.create(production, tenant, f"{token_hex(4)}@{tenant}.example", actor="ops", now=NOW)
    ends = verified(production)
    production.outside_changes()
    production.own = {}  # of another program, then
    return ends


def test_a_verified_end_that_is_cut_out_behind_others_is_missed_by_a_look_and_keeps_acts_of_its_tenant_out(
    production: D1Database, file: Path
) -> None:
    ends = three_chains(production)
    execute(file, "DELETE FROM audit_chain WHERE seq = 2")
    with pytest.raises(BroughtBack, match="in an earlier state"):
        users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)
    users.create(production, "blue", "c@blue.example", actor="ops", now=NOW)
    assert "c@acme.example" not in emails(file) and production.went_back is None
    production.outside_changes()
    (lost,), end = production.lost_entries, ends["acme"]
    assert production.went_back == 5
    assert lost == LostEntry(2, end.head, NOW, tenant="acme", verified=True)
    production.went_back, production.lost_entries = None, ()
    verified(production)
    production.verified.know(ends.values())
    production.outside_changes()
    assert production.went_back is None, "it is told once"
    users.create(production, "acme", "d@acme.example", actor="ops", now=NOW)


def test_a_verified_end_that_was_missed_is_missed_again_once_it_was_verified_again(
    production: D1Database, file: Path
) -> None:
    """It was put back, as by Time Travel."""
    ends = three_chains(production)
    execute(file, "CREATE TABLE kept_aside AS SELECT * FROM audit_chain WHERE seq = 2")
    for times, is_told in enumerate((True, False, True)):
        execute(file, "DELETE FROM audit_chain WHERE seq = 2")
        production.outside_changes()
        assert (production.went_back is not None) is is_told
        assert [one.number for one in production.lost_entries] == [2] * is_told
        production.went_back, production.lost_entries = None, ()
        execute(file, "INSERT INTO audit_chain SELECT * FROM kept_aside")
        production.verified.know([replace(ends["acme"], at=NOW + times)])
    execute(file, "DELETE FROM audit_chain WHERE seq = 2")
    with pytest.raises(BroughtBack):
        users.create(production, "acme", "c@acme.example", actor="ops", now=NOW)


@pytest.mark.parametrize("way", ["pruned", "pruned, and its number given again", "gone on with"])
def test_a_verified_end_that_was_pruned_or_gone_on_with_is_not_missed(
    production: D1Database, file: Path, way: str
) -> None:
    three_chains(production)
    theirs = D1Database(production.client, production.database_id)
    users.create(theirs, "acme", "more@acme.example", actor="them", now=NOW)
    if way != "gone on with":  # the last one is the marker, as it were
        execute(file, "DELETE FROM audit_chain WHERE tenant_id = 'acme' AND seq < 5")
    if "again" in way:  # whether before, markers tell, which no look reads
        columns = "event_type, payload, previous_hash, hash, created_at"
        execute(file, f"INSERT INTO audit_chain SELECT 2, 'new', {columns} FROM audit_chain WHERE seq = 4")
    users.create(theirs, "blue", "more@blue.example", actor="them", now=NOW)
    for _ in range(2):
        production.outside_changes()
        assert production.went_back is None
        users.create(production, "acme", f"{token_hex(4)}@acme.example", actor="ops", now=NOW)


def test_a_look_reads_a_bounded_number_of_ends_and_all_in_turn_or_where_it_is_asked_to(
    production: D1Database, edge: Edge, file: Path
) -> None:
    """In one request, as ever; two rows for each, the question itself among them, and more for one that is
    gone.
    """
    production.is_watched = True
    with closing(apsw.Connection(str(file))) as connection:
        for number in range(1, 1_001):
            chains.append(connection, f"tenant-{number}", [NOW])
    production.rows(raw("SELECT 1"))
    ends = verified(production)
    production.outside_changes()

    def read_by(look: Callable[[], object]) -> int:
        usage, calls = production.usage, len(edge.calls)
        assert usage is not None
        before = usage.read
        look()
        assert len(edge.calls) == calls + 1
        return usage.read - before

    assert 2 * MOST_IN_TURN <= read_by(production.outside_changes) < 2 * MOST_IN_TURN + 60
    production.looks_at_all = True
    assert 2_000 <= read_by(production.outside_changes) < 2_060
    assert not production.looks_at_all
    execute(file, "DELETE FROM audit_chain WHERE tenant_id IN ('tenant-999', 'tenant-3')")
    production.in_sight = "tenant-3"
    production.outside_changes()

    def told() -> set[str | None]:
        lost, production.went_back, production.lost_entries = production.lost_entries, None, ()
        return {one.tenant for one in lost}

    first = told()
    assert "tenant-3" in first
    for _ in range(5):
        production.outside_changes()
        first |= told()
    assert first == {"tenant-3", "tenant-999"}
    assert len(ends) == 1_000


@pytest.mark.parametrize("of", ["the first", "one in the middle", "the last but one"])
def test_an_act_is_guarded_by_its_own_tenant_s_end_however_many_are_known(
    production: D1Database, file: Path, of: str
) -> None:
    """Looks have come to a part of them at most."""
    production.is_watched = True
    count = 3 * MOST_IN_TURN
    with closing(apsw.Connection(str(file))) as connection:
        for number in range(count):
            chains.append(connection, f"tenant-{number}", [NOW])
    production.rows(raw("SELECT 1"))
    verified(production)
    production.outside_changes()
    cut = {"the first": 0, "one in the middle": count // 2, "the last but one": count - 2}[of]
    execute(file, f"DELETE FROM audit_chain WHERE tenant_id = 'tenant-{cut}'")
    users.create(production, f"tenant-{cut + 1}", "a@beside.example", actor="ops", now=NOW)
    with pytest.raises(BroughtBack, match="in an earlier state"):
        users.create(production, f"tenant-{cut}", "a@cut.example", actor="ops", now=NOW)
    assert emails(file) == ["a@beside.example"]


def test_an_act_is_guarded_by_what_was_made_here_in_however_many_tenants(
    production: D1Database, file: Path
) -> None:
    production.is_watched, production.on_own = True, lambda made: None
    for number in range(MOST_OWN + 2):
        users.create(production, f"tenant-{number}", f"{number}@x.example", actor="ops", now=NOW)
    execute(file, "DELETE FROM audit_chain WHERE tenant_id = 'tenant-0'")
    with pytest.raises(BroughtBack, match="in an earlier state"):
        users.create(production, "tenant-0", "a@cut.example", actor="ops", now=NOW)
    assert "a@cut.example" not in emails(file)


def test_all_that_goes_at_once_is_told_by_what_is_known_of_it(production: D1Database, file: Path) -> None:
    """Own acts, and the last entry that was seen, of somebody else's."""
    production.is_watched, production.on_own = True, lambda made: None
    users.create(production, "acme", "first@acme.example", actor="ops", now=NOW)
    for tenant in ("acme", "blue"):
        users.create(production, tenant, f"a@{tenant}.example", actor="ops", now=NOW)
    theirs = D1Database(production.client, production.database_id)
    users.create(theirs, "other", "a@other.example", actor="them", now=NOW)
    production.outside_changes()
    execute(file, "DELETE FROM audit_chain WHERE seq > 1", "UPDATE sqlite_sequence SET seq = 1")
    users.create(theirs, "other", "b@other.example", actor="them", now=NOW)
    production.outside_changes()
    assert [(one.number, one.tenant, one.act) for one in production.lost_entries] == [
        (2, "acme", "User a@acme.example created"),
        (3, "blue", "User a@blue.example created"),
        (4, None, ""),
    ]
