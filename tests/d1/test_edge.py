"""The edge itself: it does to a call what a fault is called, and says what production says."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import apsw
import httpcore
import pytest

from models.d1.statements import compiled, guarded
from models.engine import Statement, raw
from tests.d1.edge import ACCOUNT, GUARD, HUNG, LOSING, TOKEN, Edge
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.live import Live

pytestmark = pytest.mark.wrangler

ROW = INTO_USERS + "(lower(hex(randomblob(8))), 't', 'ada@acme.example', NULL, 1, 1)"
WRITE = json.dumps({"batch": guarded([Statement(raw(ROW))])}).encode()
READ = json.dumps(compiled(raw("SELECT 1"))).encode()


@pytest.fixture
def pool() -> Iterator[httpcore.ConnectionPool]:
    with httpcore.ConnectionPool() as pool:
        yield pool


@pytest.fixture
def url(edge: Edge, live: Live, file: Path) -> str:
    return f"{edge.base}/accounts/{ACCOUNT}/d1/database/{live.ids[file]}/raw"


def call(
    pool: httpcore.ConnectionPool, url: str, body: bytes, token: str = TOKEN, seconds: float = 60
) -> httpcore.Response:
    headers = [("Authorization", f"Bearer {token}"), ("Content-Length", str(len(body)))]
    return pool.request("POST", url, headers=headers, content=body, extensions={"timeout": {"read": seconds}})


def written(file: Path) -> int:
    with closing(apsw.Connection(str(file))) as connection:
        return int(connection.execute("SELECT count(*) FROM users").get)


@pytest.mark.parametrize("fault", LOSING)
def test_a_fault_does_what_it_is_called(
    edge: Edge, pool: httpcore.ConnectionPool, url: str, file: Path, fault: str
) -> None:
    assert GUARD in WRITE
    edge.faults = [fault]
    told = False
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, httpcore.ReadTimeout):
        told = call(pool, url, WRITE, seconds=HUNG if "hang" in fault else 60).status == 200
    if "hang" in fault:
        assert edge.hangs.wait(60)
    expected = {"twice": 2}.get(fault, 0 if fault.endswith("before") else 1)
    assert (told, edge.faults, written(file)) == (fault in ("twice", "reversed after"), [], expected)


def test_faults_are_of_writes_or_of_reads(edge: Edge, pool: httpcore.ConnectionPool, url: str) -> None:
    edge.faults, edge.read_faults = ["page after"], ["429 7"]
    refused = call(pool, url, READ)
    assert (refused.status, dict(refused.headers)[b"Ratelimit"]) == (429, b'"default";r=0;t=7')
    assert call(pool, url, READ).status == 200
    page = call(pool, url, WRITE)
    assert (page.status, page.content[:6]) == (502, b"<html>")
    assert call(pool, url, WRITE).status == 200


def test_it_answers_as_production_does(edge: Edge, pool: httpcore.ConnectionPool, url: str) -> None:
    another = url.replace(ACCOUNT, "another")
    for where, token, said in (
        (url, TOKEN[1:], (400, 6003)),
        (url, TOKEN[::-1], (403, 10000)),
        (another, TOKEN, (403, 10000)),
    ):
        refused = call(pool, where, READ, token)
        assert (refused.status, json.loads(refused.content)["errors"][0]["code"]) == said
    assert edge.calls == []
    wrong = call(pool, url, json.dumps({"sql": "SELECT * FROM nowhere"}).encode())
    (error,) = json.loads(wrong.content)["errors"]
    assert (wrong.status, error["code"]) == (400, 7500) and "no such table: nowhere" in error["message"]
    assert len(edge.calls) == 1 and edge.carried > 0
