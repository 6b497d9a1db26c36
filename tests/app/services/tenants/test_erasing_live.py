"""The same of a live database: in one batch, behind a copy of the rows that go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import paths
from app.services.files.opening import open_database
from app.services.live.connecting import OpenedLive, open_live
from app.services.opened import Opened
from app.services.records import users
from app.services.tenants import erasing
from app.services.tenants.erasing import Erased
from app.workers.scan_pool import store_and_verifier
from models.engine import KnownEntry, raw
from models.errors import Cancelled, CannotWrite, NotAllowed
from models.progress import Monitor
from models.schema import read_stored
from models.status import DAY
from tests.app.services.tenants.test_erasing import REFERRING, TENANT, execute
from tests.conftest import NOW
from tests.fixtures.live import Live, LiveEngine
from tests.fixtures.retaining import retain
from tests.fixtures.sample import sample
from tests.fixtures.window import ask

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

IN_A_CIRCLE = f"""
CREATE TABLE threads (id TEXT PRIMARY KEY, tenant_id TEXT, first INTEGER REFERENCES posts (id));
CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id TEXT,
  thread TEXT REFERENCES threads (id) ON DELETE CASCADE,
  answers INTEGER REFERENCES posts (id) ON DELETE SET NULL);
INSERT INTO threads VALUES ('t', '{TENANT}', NULL), ('v', 'other', NULL);
INSERT INTO posts VALUES (1, '{TENANT}', NULL, NULL), (2, '{TENANT}', 't', 1), (9, 'other', 'v', NULL);
UPDATE threads SET first = 1 WHERE id = 't'
"""
INDEXED = f"""
CREATE TABLE letters (id INTEGER PRIMARY KEY, tenant_id TEXT, body TEXT);
INSERT INTO letters VALUES (1, '{TENANT}', 'unforgettable'), (2, 'zeta', 'other');
CREATE VIRTUAL TABLE found USING fts5(tenant_id, body, content='letters', content_rowid=id);
INSERT INTO found (found) VALUES ('rebuild')
"""


@pytest.fixture
def live_at(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], OpenedLive]:
    (tmp_path / "person").mkdir()
    monkeypatch.setattr(paths, "home", lambda: tmp_path / "person")

    def made(script: str) -> OpenedLive:
        file = sample(tmp_path / "foundation.sqlite", rows=120)
        execute(file, script)
        path = live.put(file)
        return open_live(live.connection(path), live.open(path))

    return made


def erase(opened: Opened, **how: Any) -> Erased:
    own = store_and_verifier(take_part=True)
    return erasing.erase(opened, TENANT, *own, actor="mei", now=NOW, **how)


def engine(opened: OpenedLive) -> LiveEngine:
    assert isinstance(opened.database, LiveEngine)
    return opened.database


def content(path: Path) -> dict[str, list[Any]]:
    there = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'"
    found = {name: ask(path, f'SELECT * FROM "{name}"') for (name,) in ask(path, there)}
    entries = ask(path, "SELECT tenant_id, event_type, previous_hash FROM audit_chain ORDER BY seq")
    return found | {"audit_chain": entries}


@pytest.mark.parametrize("script", [REFERRING, IN_A_CIRCLE, INDEXED])
def test_all_goes_as_from_a_file_behind_a_copy_of_what_goes(
    live_at: Callable[[str], OpenedLive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    opened = live_at(script)
    database, file = engine(opened), tmp_path / "foundation.sqlite"
    planned = erasing.plan(database, TENANT, now=NOW)
    used = database.client.meter
    read, written = used.read, used.written
    done = erase(opened, expected=planned)
    assert done.holds and done.live is not None and "that copy is the only way back" in done.live
    assert planned.reads / 4 < used.read - read <= planned.reads
    assert planned.writes / 2 < used.written - written <= planned.writes + 20
    assert done.copy.parent == tmp_path / "person"
    for name, rows in planned.going.items():
        which = f"id = '{TENANT}'" if name == "tenants" else f"tenant_id = '{TENANT}'"
        which = "1" if name in ("reviews", "marks") else which
        of_it = f"SELECT * FROM {name} WHERE {which} ORDER BY rowid"
        assert len(kept := ask(done.copy, of_it)) >= rows and set(kept) <= set(ask(file, of_it))
    monkeypatch.setenv("TENANT_ADMIN_HOME", str(tmp_path))  # which knows neither of them
    from_file = erase(open_database(file))
    assert (from_file.erasure.going, from_file.erasure.changed) == (planned.going, planned.changed)
    assert content(file) == content(database.path)
    assert ask(database.path, "PRAGMA foreign_key_check") == []


def test_what_others_write_meanwhile_stops_it_and_leaves_no_copy(
    live_at: Callable[[str], OpenedLive], tmp_path: Path
) -> None:
    opened = live_at(REFERRING)
    database = engine(opened)
    planned = erasing.plan(database, TENANT, now=NOW)
    before = content(database.path)
    with pytest.raises(Cancelled):
        erase(opened, monitor=Monitor(cancelled=lambda: True))
    assert content(database.path) == before
    more = (
        f"UPDATE notifications SET tenant_id = '{TENANT}', id = 'late' WHERE rowid = (SELECT max(rowid) "
        f"FROM notifications WHERE tenant_id <> '{TENANT}')"
    )
    database.before_batch = [lambda: ask(database.path, more)]
    with pytest.raises(NotAllowed, match="Others have written to what goes since it was copied"):
        erase(opened, expected=planned)
    assert ask(database.path, "SELECT count(*) FROM notifications WHERE id = 'late'") == [(1,)]
    again = f"UPDATE notifications SET message = 'MESSAGE' WHERE tenant_id = '{TENANT}' AND id <> 'late'"
    database.before_batch = [lambda: ask(database.path, again)]
    with pytest.raises(NotAllowed, match="Others have written to what goes since it was copied"):
        erase(opened)
    assert [*(tmp_path / "person").iterdir()] == []
    with pytest.raises(NotAllowed, match="Other rows"):
        erase(opened, expected=planned)
    assert erase(opened).holds


def test_a_key_that_comes_in_the_place_of_another_stops_it(live_at: Callable[[str], OpenedLive]) -> None:
    opened = live_at(
        "CREATE TABLE c (id INTEGER PRIMARY KEY, of TEXT REFERENCES users (id) ON DELETE SET NULL)"
    )
    database = engine(opened)
    for other in ("ON DELETE CASCADE", "ON DELETE SET NULL"):

        def swap(other: str = other) -> None:
            ask(database.path, "DROP TABLE c")
            ask(
                database.path,
                f"CREATE TABLE d (id INTEGER PRIMARY KEY, of TEXT REFERENCES users (id) {other})",
            )
            ask(database.path, "ALTER TABLE d RENAME TO c" if "CASCADE" in other else "SELECT 1")

        database.before_batch = [swap]
        with pytest.raises(NotAllowed, match="Others have written"):
            erase(opened)


def test_a_key_that_cannot_be_followed_is_told_with_what_would_go(
    live_at: Callable[[str], OpenedLive],
) -> None:
    """Not only by the batch, behind a verification and a copy."""
    opened = live_at("CREATE TABLE odd (user TEXT REFERENCES users (email))")
    obstacle = erasing.plan(opened.database, TENANT, now=NOW).obstacle
    assert (
        obstacle is not None and "a foreign key of odd refers to columns of users that are no key" in obstacle
    )


@pytest.mark.parametrize(
    ("columns", "is_found"), [("user_id", True), ("user_id, n", True), ("n, user_id", False)]
)
def test_an_index_that_begins_with_another_column_leads_to_no_row(
    live_at: Callable[[str], OpenedLive], columns: str, is_found: bool
) -> None:
    opened = live_at(
        "CREATE TABLE held (n INTEGER, user_id TEXT REFERENCES users (id) ON DELETE CASCADE);"
        f"CREATE INDEX by ON held ({columns});"
        "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 500)"
        "INSERT INTO held SELECT n, NULL FROM i"
    )
    stored, _ = read_stored(opened.database)
    assert erasing._looked_through(opened.database, stored, "users") == (0 if is_found else 500)


def test_where_no_copy_can_be_made_nothing_is_read_for_it(
    live_at: Callable[[str], OpenedLive], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = live_at("")
    missing, used = opened.folder / "missing", opened.database.usage
    monkeypatch.setattr(paths, "home", lambda: missing)
    planned = erasing.plan(opened.database, TENANT, now=NOW)
    assert used is not None
    before = used.read
    with pytest.raises(CannotWrite, match="there is no folder"):
        erase(opened)
    assert used.read - before < planned.reads / 4


@pytest.mark.parametrize("way", ["erased", "retained"])
def test_an_open_database_misses_no_end_that_others_erased_or_retention_took(
    live_at: Callable[[str], OpenedLive], live: Live, way: str
) -> None:
    """Each look asks for the ends that were verified, and so does each act in such a chain."""
    opened = live_at("SELECT 1")
    theirs, watching = engine(opened), live.open(engine(opened).path)
    watching.is_watched = True
    newest = "SELECT tenant_id, max(seq), hash FROM audit_chain GROUP BY tenant_id"
    found = watching.rows(raw(newest))
    ends = [KnownEntry(tenant, number, head, NOW) for tenant, number, head in found]
    watching.verified.know(ends)
    watching.outside_changes()
    if way == "erased":
        assert erase(opened).holds
        assert not watching.rows(raw("SELECT 1 FROM audit_chain WHERE seq = ?", ends[0].number))
    else:
        later = NOW + 400 * DAY
        for end in ends:  # as the last entry stays
            users.create(theirs, end.tenant, f"more@{end.tenant}.example", actor="them", now=NOW)
        assert retain(theirs, now=later, days=1).total > 100
        left = {number for (number,) in ask(theirs.path, "SELECT seq FROM audit_chain")}
        assert not left & {end.number for end in ends}
    for tenant in {end.tenant for end in ends} - ({TENANT} if way == "erased" else set()):
        watching.looks_at_all = True
        watching.outside_changes()
        assert (watching.went_back, watching.lost_entries) == (None, ())
        users.create(watching, tenant, f"late@{tenant}.example", actor="mei", now=NOW)
