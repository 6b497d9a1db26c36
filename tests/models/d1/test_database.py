"""A live D1 behind an edge that loses answers: each act is done once, or not at all and said so."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import pytest

from app.services.records import users, writing
from models.d1.client import Client
from models.d1.database import D1Database
from models.d1.errors import (
    NoAnswer,
    NotReached,
    OutcomeUnknown,
    RateLimited,
    TokenRefused,
    UnknownDatabase,
)
from models.engine import raw
from models.errors import Cancelled, InvalidInput, ReadOnlyFile
from models.schema import inspect
from tests.app.services.chain.test_append import assert_one_chain
from tests.conftest import NOW
from tests.fixtures.edge import ACCOUNT, LOSING, TOKEN, Edge, before
from tests.fixtures.live import Live

pytestmark = pytest.mark.wrangler


@pytest.fixture(scope="module")
def _edge(live: Live) -> Iterator[Edge]:
    with before(live.address) as edge:
        yield edge


@pytest.fixture
def edge(_edge: Edge) -> Edge:
    _edge.faults, _edge.read_faults, _edge.calls = [], [], []
    return _edge


@pytest.fixture
def file(live: Live, database_path: Path) -> Path:
    return live.put(database_path)


@pytest.fixture
def production(edge: Edge, live: Live, file: Path) -> D1Database:
    return D1Database(Client("prod", edge.base, ACCOUNT, TOKEN, seconds=1.0), live.ids[file])


def emails(file: Path) -> list[str]:
    with closing(apsw.Connection(str(file))) as connection:
        return [email for (email,) in connection.execute("SELECT email FROM users ORDER BY email")]


@pytest.mark.slow
@pytest.mark.parametrize("fault", LOSING)
def test_an_act_whose_answer_is_lost_is_done_once(
    production: D1Database, edge: Edge, file: Path, fault: str
) -> None:
    edge.faults = [fault]
    created = users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    user = str(created.rows[0].key["id"])
    assert (emails(file), assert_one_chain(file, "acme")) == (["ada@acme.example"], 1)
    edge.faults = [fault]
    users.rename(production, user, "b@acme.example", actor="ops", now=NOW)
    assert (emails(file), assert_one_chain(file, "acme")) == (["b@acme.example"], 2)
    edge.faults = [fault]
    deleted = users.delete(production, [user], actor="ops", now=NOW)
    assert (emails(file), assert_one_chain(file, "acme")) == ([], 3)
    edge.faults = [fault]
    writing.undo(production, deleted, now=NOW)
    assert (emails(file), assert_one_chain(file, "acme")) == (["b@acme.example"], 4)


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


def test_what_may_still_come_through_is_waited_for(production: D1Database, edge: Edge, file: Path) -> None:
    """Also where the account's limit ends the tries: that nothing was changed is not known."""
    edge.faults = ["lost before", "429 4"]
    with pytest.raises(OutcomeUnknown):
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    with pytest.raises(OutcomeUnknown):
        production.settle()
    deadline = time.monotonic() + 10
    found = None
    while found is None and time.monotonic() < deadline:
        with suppress(OutcomeUnknown):
            found = production.settle()
    assert found is False
    users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
    assert (emails(file), assert_one_chain(file, "acme")) == (["ada@acme.example"], 1)


def test_a_read_is_tried_again(production: D1Database, edge: Edge) -> None:
    edge.read_faults = ["reset before", "cut"]
    assert inspect(production).matches
    edge.read_faults = ["lost before"] * 5
    with pytest.raises(NoAnswer, match="prod did not answer as it should"):
        inspect(production)


def test_a_read_that_nobody_wants_ends_at_once(production: D1Database, edge: Edge) -> None:
    edge.read_faults = ["hang before"]
    asked = iter([False] * 3)
    with production.cancellable(lambda: next(asked, True)), pytest.raises(Cancelled):
        production.scalar(raw("SELECT 1"))
    assert production.scalar(raw("SELECT 1")) == 1


def test_the_account_s_limit_stops_everything_until_it_ends(production: D1Database, edge: Edge) -> None:
    edge.read_faults = ["429 60"]
    for _ in range(2):
        with pytest.raises(RateLimited, match=r"takes none from prod until \d\d:\d\d:\d\d; nothing was"):
            production.scalar(raw("SELECT 1"))
    assert len(edge.calls) == 1


def test_who_may_not_is_told(edge: Edge, live: Live, file: Path, production: D1Database) -> None:
    wrong = D1Database(Client("prod", edge.base, ACCOUNT, "wrong-token"), live.ids[file])
    with pytest.raises(TokenRefused) as refused:
        wrong.scalar(raw("SELECT 1"))
    assert "wrong-token" not in f"{refused.value!r}{wrong.client!r}"
    with pytest.raises(UnknownDatabase):
        D1Database(production.client, "no-such").require_there()
    closed = D1Database(Client("prod", "http://127.0.0.1:1/client/v4", ACCOUNT, TOKEN), "x")
    with pytest.raises(NotReached, match="prod cannot be reached"):
        closed.scalar(raw("SELECT 1"))
    with pytest.raises(ReadOnlyFile):
        production.read_only = True
        users.create(production, "acme", "ada@acme.example", actor="ops", now=NOW)
