"""A password that is set here, a Worker in workerd checks."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.records import users
from app.services.records.typed import Typed, generated_password
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.live import Live, serving
from tests.wrangler.toolchain import DATABASE_ID

pytestmark = pytest.mark.wrangler


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with serving(tmp_path / "project") as live:
        yield live


def signs_in(address: str, user: str, password: str) -> bool:
    data = json.dumps({"user": user, "password": password}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{address}/sign-in", data), timeout=30) as response:
        return bool(json.load(response))


def test_a_worker_checks_what_is_set_here(live: Live, database_path: Path) -> None:
    file = live.put(database_path, database=DATABASE_ID)
    with connected(file) as database:
        change = users.create(database, "acme", "ada@acme.example", actor="ops", now=NOW)
        user = str(change.rows[0].key["id"])
        assert not signs_in(live.address, user, "")
        for password in (generated_password(), "Grüße-von-der-Möwe 😀 94"):
            users.set_password(database, user, Typed(password), actor="ops", now=NOW)
            assert signs_in(live.address, user, password)
            assert not signs_in(live.address, user, f"{password} ")
        users.invalidate_passwords(database, [user], actor="ops", now=NOW)
        assert not signs_in(live.address, user, password)
