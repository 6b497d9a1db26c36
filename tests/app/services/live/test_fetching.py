"""A live database comes into a local file whole: every value, in its storage class, to the last bit."""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import BaseQuery

from app.services.chain.where import InDatabase, InFile
from app.services.files.exporting import Wanted
from app.services.files.opening import open_database
from app.services.live import fetching
from app.services.live.fetching import FetchStopped, NotFetched, fetch
from app.services.live.paging import CHAIN, OBJECTS, about, pages, tables_of
from app.workers import scan_pool
from app.workers.export import export_database
from models import engine
from models.engine import Database, Rows, raw
from models.errors import AlreadyExists, AlreadyThere, AnswerTooLong, Cancelled, FileLocked, NoAnswer
from models.progress import Monitor
from models.schema import COUNTERS
from tests.app.services.files.test_exporting import fill
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.connected import execute
from tests.fixtures.live import Live
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.sample import sample
from tests.fixtures.stored import schema, stored

Put = Callable[[Path], Database]


@pytest.fixture(params=["plain", pytest.param("d1", marks=pytest.mark.wrangler)])
def put(request: pytest.FixtureRequest) -> Put:
    """Makes a database that answers elsewhere of a file, which stays the one to write to."""
    if request.param == "plain":
        return PlainEngine
    live = request.getfixturevalue("live")

    def served(path: Path) -> Database:
        there = live.put(path)
        path.unlink()
        path.symlink_to(there)
        found: Database = live.open(there)
        return found

    return served


def fetched(database: Database, path: Path, **how: Any) -> fetching.Fetched:
    with database.connection_context():
        return fetch(database, path, **how)


@pytest.mark.wrangler
@pytest.mark.slow
def test_what_is_said_to_be_read_is_read(live: Live, tmp_path: Path) -> None:
    """And what others read beside it, the window's lists, say, is not counted."""
    database = live.open(live.put(sample(tmp_path / "file.sqlite", rows=400)))
    told: list[int] = []

    def another() -> None:
        with database.connection_context():
            database.rows(raw("SELECT payload FROM audit_chain"))

    def beside() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(another).result()

    done = fetched(database, tmp_path / "copy.sqlite", before=told.append)
    assert 0.8 * told[0] < done.used.read <= told[0]
    database.before_read = [beside]
    again = fetched(database, tmp_path / "again.sqlite", before=told.append)
    assert (told[1] <= told[0], again.used.read <= done.used.read) == (True, True)


def test_a_table_ends_with_a_number_that_json_rounds(tmp_path: Path, put: Put) -> None:
    execute(path := tmp_path / "file.sqlite", "CREATE TABLE ab (a INTEGER PRIMARY KEY)")
    execute(path, "INSERT INTO ab VALUES (1), (9007199254740995)")
    before = stored(path)
    fetched(put(path), tmp_path / "copy.sqlite")
    assert stored(tmp_path / "copy.sqlite") == before


def test_numbers_far_apart_are_not_said_to_be_rows(tmp_path: Path) -> None:
    execute(path := tmp_path / "file.sqlite", "CREATE TABLE ab (a INTEGER PRIMARY KEY)")
    execute(path, "INSERT INTO ab VALUES (-9223372036854775807), (9007199254740995)")
    database = PlainEngine(path)
    database.size = path.stat().st_size
    with database.connection_context():
        tables, _ = tables_of(database, database.rows(raw(OBJECTS)))
        assert about(database, tables) == 2 * database.size // 6, "a page has no room for more"


def test_rows_far_apart_are_counted_before_they_are_announced(tmp_path: Path) -> None:
    database = PlainEngine(sample(path := tmp_path / "file.sqlite", rows=40))
    execute(path, "UPDATE users SET rowid = 5000000 WHERE rowid = (SELECT max(rowid) FROM users)")
    execute(path, "UPDATE audit_chain SET seq = 4000000 WHERE seq = (SELECT max(seq) FROM audit_chain)")
    with database.connection_context():
        tables, _ = tables_of(database, database.rows(raw(OBJECTS)))
        there = {table.name: sum(map(len, pages(database, table, (), lambda: False))) for table in tables}
        del there[COUNTERS]
        assert about(database, tables) == 2 * sum(there.values()) - there[CHAIN]


class Disturbed(PlainEngine):
    """Before its next reads, `others` act one by one."""

    def __init__(self, path: Path, others: Sequence[Callable[[], object]]) -> None:
        super().__init__(path)
        self.others = iter(others)

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        next(self.others, lambda: None)()
        return super().read_batch(queries)


class Failing(PlainEngine):
    """Is not reached any more after so many requests."""

    def __init__(self, path: Path, requests: int) -> None:
        super().__init__(path)
        self.left = requests

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        self.left -= 1
        if self.left < 0:
            raise NoAnswer(self.place, "it took too long")
        return super().read_batch(queries)


@pytest.mark.slow
def test_everything_that_is_hard_to_write(put: Put, tmp_path: Path) -> None:
    source = fill(tmp_path / "source.sqlite")
    execute(
        source,
        "CREATE VIEW some AS SELECT x FROM counted",
        "CREATE TRIGGER counting AFTER INSERT ON counted BEGIN DELETE FROM emptied; END",
        f"CREATE TABLE wide ({', '.join(f'c{number}' for number in range(99))})",
        f"INSERT INTO wide VALUES ({', '.join(map(str, range(99)))})",
    )
    before = stored(source), schema(source)
    found = fetched(put(source), tmp_path / "copy.sqlite")
    assert (stored(tmp_path / "copy.sqlite"), schema(tmp_path / "copy.sqlite")) == before
    assert (found.rows["without"], found.unsettled) == (len(before[0]["without"]), ())


@pytest.mark.slow
def test_a_platform_s_database_goes_on_from_there(put: Put, tmp_path: Path) -> None:
    source = sample(tmp_path / "source.sqlite", rows=900)
    before, copy, said = stored(source), tmp_path / "copy.sqlite", list[tuple[int, int]]()
    found = fetched(put(source), copy, monitor=Monitor(lambda *how: said.append(how)))
    assert stored(copy) == before
    assert found.rows["audit_chain"] == len(before["audit_chain"])
    assert (found.notes, found.unsettled) == ((), ())
    assert said == sorted(said)
    assert said[-1][0] == said[-1][1]
    assert open_database(copy).read_only_reason is None
    assert scan_pool.verify(InFile(copy), now=NOW).intact
    if os.name == "posix":
        assert not copy.stat().st_mode & 0o077


class Short(PlainEngine):
    """Its answers may not be long."""

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        found = super().read_batch(queries)
        if (
            sum(len(cell) for rows in found for row in rows for cell in row if isinstance(cell, bytes))
            > 9_000
        ):
            raise AnswerTooLong(self.place)
        return found


@pytest.mark.parametrize("sizes", [[1, 900] * 300, [0] * 700 + [8_000] * 3, [8_000] * 3 + [0] * 700])
def test_a_page_has_few_rows_where_they_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    source = tmp_path / "source.sqlite"
    with closing(apsw.Connection(str(source))) as connection:
        connection.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, x)")
        connection.executemany("INSERT INTO large (x) VALUES (zeroblob(?))", [(size,) for size in sizes])
    monkeypatch.setattr(engine, "PAGE_BYTES", 4_000)
    fetched(Short(source), tmp_path / "copy.sqlite")
    assert stored(tmp_path / "copy.sqlite") == stored(source)


def test_what_is_changed_meanwhile_is_read_again(tmp_path: Path) -> None:
    """What comes, what is changed and what goes; the file is of one moment at the end."""
    source = sample(tmp_path / "source.sqlite", rows=300)

    def act() -> None:
        with closing(apsw.Connection(str(source))) as connection:
            connection.execute("UPDATE users SET email = email || 'x' WHERE rowid = 1")
            connection.execute(
                "DELETE FROM notifications WHERE rowid IN (SELECT rowid FROM notifications LIMIT 3)"
            )
            (tenant,) = (connection.execute("SELECT tenant_id FROM audit_chain LIMIT 1").get,)
            chains.append(connection, tenant, [NOW, NOW])
            connection.execute(
                "DELETE FROM audit_chain WHERE seq IN"
                " (SELECT seq FROM audit_chain WHERE tenant_id = ? LIMIT 2)",
                (tenant,),
            )

    nothing = [lambda: None] * 6
    found = fetched(Disturbed(source, [*nothing, act, *nothing, act]), tmp_path / "copy.sqlite")
    assert stored(tmp_path / "copy.sqlite") == stored(source)
    assert (found.notes, found.unsettled) == ((), ())


@pytest.mark.slow
def test_a_return_by_time_travel_meanwhile_gives_no_mixture(tmp_path: Path) -> None:
    """Whenever it falls: a chain of before beside users of after would verify, and never have been."""
    source = sample(tmp_path / "source.sqlite", rows=300)
    with closing(apsw.Connection(str(source))) as connection:
        tenant = connection.execute("SELECT tenant_id FROM audit_chain WHERE seq = 1").get
        chains.append(connection, tenant, [NOW] * 3)
    before, mixed = stored(source), []
    for moment in range(3, 20, 4):
        target, there = tmp_path / f"{moment}.sqlite", Path(shutil.copy(source, tmp_path / "there.sqlite"))

        def go_back(there: Path = there) -> None:
            last = "(SELECT max(seq) - 3 FROM audit_chain)"
            with closing(apsw.Connection(str(there))) as connection, connection:
                connection.execute("DELETE FROM users WHERE rowid % 2")
                connection.execute(f"DELETE FROM audit_chain WHERE seq > {last}")

        fetched(Disturbed(there, [*[lambda: None] * moment, go_back]), target)
        if stored(target) not in (before, stored(there)):
            mixed.append(moment)
    assert mixed == []


def test_another_database_in_its_place_meanwhile_gives_no_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it falls within the chain, which ends as that of the other one then."""
    monkeypatch.setattr("app.services.live.paging._FIRST", 20)
    source, mixed = sample(tmp_path / "source.sqlite", rows=60, tenants=1), []
    before = stored(source)
    for moment in range(5, 9):
        target, there = tmp_path / f"{moment}.sqlite", Path(shutil.copy(source, tmp_path / "there.sqlite"))
        switch = partial(
            execute, there, "UPDATE audit_chain SET hash = substr(hash, 33) || substr(hash, 1, 32)"
        )
        fetched(Disturbed(there, [*[lambda: None] * moment, switch]), target)
        if stored(target) not in (before, stored(there)):
            mixed.append(moment)
    assert mixed == []


def test_a_table_that_is_only_called_so_is_read_like_any(tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite"
    execute(
        source,
        "CREATE TABLE audit_chain (id TEXT PRIMARY KEY, what)",
        "INSERT INTO audit_chain VALUES ('a', 1)",
    )
    fetched(PlainEngine(source), tmp_path / "copy.sqlite")
    assert stored(tmp_path / "copy.sqlite") == stored(source)


def test_a_table_beside_a_virtual_one_of_a_like_name_is_read(put: Put, tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite"
    execute(
        source,
        "CREATE VIRTUAL TABLE search USING fts5(what)",
        "INSERT INTO search VALUES ('a word')",
        "CREATE TABLE search_log (what)",
        "INSERT INTO search_log VALUES ('a search')",
    )
    found = fetched(put(source), tmp_path / "copy.sqlite")
    assert found.rows == {"search_log": 1}
    assert stored(tmp_path / "copy.sqlite")["search_log"] == stored(source)["search_log"]
    kept_in = (f"search_{part}" for part in ("config", "content", "data", "docsize", "idx"))
    assert found.notes == (
        "left out: the virtual table search",
        *(f"left out: {name}, which a virtual table is kept in" for name in kept_in),
    )


def test_retention_beside_it_takes_tenants_whose_names_are_no_text(tmp_path: Path) -> None:
    source = sample(tmp_path / "source.sqlite", rows=300)
    odd = "CAST(x'ff41' AS TEXT)", "x'ff42'"
    with closing(apsw.Connection(str(source))) as connection:
        for name in odd:
            connection.execute(
                f"UPDATE audit_chain SET tenant_id = {name} WHERE tenant_id ="
                " (SELECT min(tenant_id) FROM audit_chain WHERE typeof(tenant_id) = 'text'"
                "  AND tenant_id NOT LIKE '%A')"
            )

    def act() -> None:
        for name in odd:
            execute(
                source,
                f"DELETE FROM audit_chain WHERE seq IN"
                f" (SELECT seq FROM audit_chain WHERE tenant_id = {name} LIMIT 2)",
            )

    fetched(Disturbed(source, [*[lambda: None] * 6, act]), tmp_path / "copy.sqlite")
    with closing(apsw.Connection(str(source))) as connection:
        kinds = f"SELECT count(DISTINCT tenant_id) FROM audit_chain WHERE tenant_id IN ({', '.join(odd)})"
        assert connection.execute(kinds).get == 2
    assert stored(tmp_path / "copy.sqlite") == stored(source)


def test_what_never_rests_is_said(tmp_path: Path) -> None:
    source = sample(tmp_path / "source.sqlite", rows=300)
    number = iter(range(10_000))

    def act() -> None:
        with closing(apsw.Connection(str(source))) as connection:
            connection.execute(f"UPDATE users SET email = '{next(number)}@acme.example' WHERE rowid = 1")

    found = fetched(Disturbed(source, [act] * 500), tmp_path / "copy.sqlite")
    assert found.unsettled == ("users",)
    assert found.notes == (
        "users: written to all the time, so of another moment each; fetch it again when less is done there",
    )
    assert scan_pool.verify(InFile(tmp_path / "copy.sqlite"), now=NOW).intact


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE later (x)",
        "ALTER TABLE users RENAME TO users2",
        "ALTER TABLE users RENAME email TO address",
    ],
)
def test_tables_that_are_altered_meanwhile_end_it(tmp_path: Path, change: str) -> None:
    source = sample(tmp_path / "source.sqlite", rows=300)
    alter = [lambda: None] * 5 + [lambda: execute(source, change)]
    with pytest.raises(NotFetched, match="were altered while it was read; nothing was written"):
        fetched(Disturbed(source, alter), tmp_path / "copy.sqlite")
    assert {path.name for path in tmp_path.iterdir()} == {"source.sqlite"}


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 6, 7, 9, 14])
def test_it_goes_on_where_it_stood(tmp_path: Path, after: int) -> None:
    """Be it cut within a table, between two, or in the second reading; and others write meanwhile."""
    source, copy = sample(tmp_path / "source.sqlite", rows=900), tmp_path / "copy.sqlite"
    whole = fetched(PlainEngine(source), tmp_path / "whole.sqlite")
    engine = PlainEngine(source)
    cut = 5 + after  # what comes before the first row

    with pytest.raises(Cancelled) as stopped:
        fetched(engine, copy, monitor=Monitor(cancelled=lambda: engine.requests > cut))
    part = tmp_path / "copy.sqlite.part"
    assert not copy.exists() and part.exists() and "copy.sqlite.part" in str(stopped.value)
    if os.name == "posix":
        assert not part.stat().st_mode & 0o077
    execute(source, "UPDATE users SET email = email || 'x' WHERE rowid = 1")
    with closing(apsw.Connection(str(source))) as connection:
        (tenant,) = (connection.execute("SELECT tenant_id FROM audit_chain LIMIT 1").get,)
        chains.append(connection, tenant, [NOW])
    found = fetched(PlainEngine(source), copy)
    assert found.resumed > 0 and found.rows["users"] == whole.rows["users"]
    assert stored(copy) == stored(source) and not part.exists() and found.unsettled == ()


@pytest.mark.slow
def test_a_part_is_of_one_database_and_of_one_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(source: Path) -> None:
        with pytest.raises(FetchStopped, match="within a day"):
            fetched(Failing(source, 9), copy)

    copy = tmp_path / "copy.sqlite"
    first, other = (sample(tmp_path / f"{name}.sqlite", rows=300) for name in ("first", "other"))
    stopped(first)
    assert fetched(PlainEngine(other), copy).resumed == 0 and stored(copy) == stored(other)
    copy.unlink()
    stopped(first)
    with closing(apsw.Connection(str(first))) as connection:  # by Time Travel, and others wrote since
        last = "(SELECT max(seq) FROM audit_chain)"
        connection.execute(f"UPDATE audit_chain SET hash = 'another' WHERE seq = {last}")
    assert fetched(PlainEngine(first), copy).resumed == 0
    copy.unlink()
    stopped(first)
    monkeypatch.setattr("app.services.live.paging.DAY", 0)
    assert fetched(PlainEngine(first), copy).resumed == 0
    copy.unlink()
    (tmp_path / "copy.sqlite.part").write_bytes(b"somebody's own")
    (tmp_path / "copy.sqlite.part").chmod(0o644)
    with pytest.raises(AlreadyThere, match=r"copy\.sqlite\.part"):
        fetched(PlainEngine(first), copy)
    assert (tmp_path / "copy.sqlite.part").read_bytes() == b"somebody's own"


@pytest.mark.slow
def test_a_copy_that_was_killed_before_it_had_its_name_gets_it(tmp_path: Path) -> None:
    source, copy = sample(tmp_path / "source.sqlite", rows=60), tmp_path / "copy.sqlite"
    killed = (
        "import os, sys; from pathlib import Path; from models.files import atomic\n"
        "atomic.give_name = lambda *names: os._exit(9)\n"
        "from app.services.live.fetching import fetch; from tests.fixtures.plain_engine import PlainEngine\n"
        "engine = PlainEngine(Path(sys.argv[1]))\n"
        "with engine.connection_context(): fetch(engine, Path(sys.argv[2]))"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(source), str(copy)], check=False).returncode == 9
    assert not copy.exists() and (tmp_path / "copy.sqlite.part").exists()
    found = fetched(PlainEngine(source), copy)
    assert found.resumed > 0 and stored(copy) == stored(source)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.sqlite"]


@pytest.mark.slow
def test_parts_that_nobody_goes_on_with_are_taken_away(tmp_path: Path) -> None:
    source = sample(tmp_path / "source.sqlite", rows=60)
    own = small(tmp_path / "own.sqlite.part")
    for name in ("old", "new"):
        with pytest.raises(FetchStopped):
            fetched(Failing(source, 9), tmp_path / f"{name}.sqlite")
    (folder := tmp_path / "folder.part").mkdir()
    os.mkfifo(pipe := tmp_path / "pipe.part")
    for path in (own, folder, pipe, tmp_path / "old.sqlite.part"):
        os.utime(path, (time.time() - 90_000,) * 2)
    fetched(PlainEngine(source), tmp_path / "copy.sqlite")
    left = {path.name for path in tmp_path.iterdir() if path.name.endswith(".part")}
    assert left == {"own.sqlite.part", "new.sqlite.part", "folder.part", "pipe.part"}


@pytest.mark.wrangler
def test_no_more_is_read_than_is_said(tmp_path: Path, live: Live) -> None:
    database, said = live.open(live.put(sample(tmp_path / "source.sqlite", rows=900))), list[int]()
    used = fetched(database, tmp_path / "copy.sqlite", before=said.append).used
    assert used.read < said[0] + 1_000, "beside them the schema is read"
    read = database.client.meter.read
    out = tmp_path / "acme.sql"
    export_database(
        InDatabase(database), out, Wanted("acme-corp"), replace=False, in_child=False, before=said.append
    )
    assert said[1] < said[0] and database.client.meter.read - read < said[1] + 1_000


def small(path: Path) -> Path:
    execute(path, "CREATE TABLE some (x UNIQUE)", "CREATE INDEX of_some ON some (x)")
    execute(path, "INSERT INTO some VALUES (1), (2)")
    return path


@pytest.mark.parametrize("wanted", [Wanted(schema=False), Wanted(rows=False), Wanted(tables=("users",))])
def test_a_part_of_a_live_database_is_exported_as_of_a_file(tmp_path: Path, wanted: Wanted) -> None:
    source, out, here = sample(tmp_path / "s.sqlite", rows=60), tmp_path / "a.sql", tmp_path / "b.sql"
    database = PlainEngine(source)
    with database.connection_context():
        export_database(InDatabase(database), out, wanted, replace=False, in_child=False)
    export_database(InFile(source), here, wanted, replace=False, in_child=False)
    assert out.read_bytes() == here.read_bytes()


def test_a_file_of_the_same_name_that_is_no_part_is_left_alone(tmp_path: Path) -> None:
    source, copy, own = small(tmp_path / "source.sqlite"), tmp_path / "copy.sqlite", b"a person's own"
    part = tmp_path / "copy.sqlite.part"
    part.write_bytes(own)
    part.chmod(0o600)
    for answering in (PlainEngine(source), Failing(source, 0)):
        with pytest.raises(AlreadyThere, match=r"copy\.sqlite\.part"):
            fetched(answering, copy)
        assert part.read_bytes() == own
    part.unlink()
    small(part).chmod(0o600)
    with pytest.raises(AlreadyThere, match=r"copy\.sqlite\.part"):
        fetched(PlainEngine(source), copy)
    assert stored(part) == stored(source)
    part.write_bytes(b"")
    fetched(PlainEngine(source), copy)
    assert {*tmp_path.iterdir()} == {source, copy}


def test_two_copies_to_one_name_are_told_of_each_other(tmp_path: Path) -> None:
    source, copy = small(tmp_path / "source.sqlite"), tmp_path / "copy.sqlite"
    told = []

    def second() -> None:
        with pytest.raises(FileLocked, match=r"copy\.sqlite\.part is in use") as error:
            fetched(PlainEngine(source), copy)
        told.append(error)

    fetched(Disturbed(source, [second] * 500), copy)
    assert len(told) > 5
    assert (stored(copy), schema(copy)) == (stored(source), schema(source))
    assert {*tmp_path.iterdir()} == {source, copy}


def test_a_part_that_is_read_elsewhere_is_in_use(tmp_path: Path) -> None:
    source, copy = small(tmp_path / "source.sqlite"), tmp_path / "copy.sqlite"
    came = list[int]()
    with pytest.raises(Cancelled, match="is kept in"):
        fetched(
            PlainEngine(source), copy, monitor=Monitor(lambda *rows: came.extend(rows), lambda: any(came))
        )
    part = tmp_path / "copy.sqlite.part"
    with closing(apsw.Connection(str(part))) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FileLocked, match=r"copy\.sqlite\.part is in use"):
            fetched(PlainEngine(source), copy)
    assert fetched(PlainEngine(source), copy).resumed == 2


def counted(path: Path, rows: int, *more: str) -> Path:
    execute(
        path,
        "CREATE TABLE some (id INTEGER PRIMARY KEY, x)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{rows}) INSERT INTO some SELECT i, printf('%01000d', i) FROM n",
        *more,
    )
    return path


@pytest.mark.parametrize("cut", [250, 850], ids=["first page", "second reading"])
def test_rows_are_counted_once_by_a_copy_that_goes_on(tmp_path: Path, cut: int) -> None:
    source, copy = counted(tmp_path / "source.sqlite", 600), tmp_path / "copy.sqlite"
    came = [0]
    with pytest.raises(Cancelled, match="is kept in"):
        fetched(
            PlainEngine(source),
            copy,
            monitor=Monitor(lambda done, total: came.append(done), lambda: came[-1] >= cut),
        )
    found = fetched(PlainEngine(source), copy)
    assert (found.rows, found.resumed) == ({"some": 600}, cut)


def test_a_full_disk_keeps_what_was_read(tmp_path: Path) -> None:
    """Indexes come last, and need the most room."""
    index = "CREATE INDEX of_some ON some (x)"
    source, copy = counted(tmp_path / "source.sqlite", 200, index), tmp_path / "copy.sqlite"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(FetchStopped, match="is kept in"):
            fetched(PlainEngine(source), copy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert fetched(PlainEngine(source), copy).resumed == 400
    assert (stored(copy), schema(copy)) == (stored(source), schema(source))
    assert {*tmp_path.iterdir()} == {source, copy}


def test_a_part_that_cannot_become_whole_is_not_kept(tmp_path: Path) -> None:
    """A row that goes from page to page between two requests is in the copy twice."""
    source, copy = counted(tmp_path / "source.sqlite", 300), tmp_path / "copy.sqlite"
    execute(source, "CREATE UNIQUE INDEX one ON some (x)")
    turn = [
        partial(
            execute,
            source,
            f"UPDATE some SET x = 'gone' WHERE id = {gone}",
            f"UPDATE some SET x = 'here' WHERE id = {here}",
        )
        for gone, here in ((300, 1), (1, 300))
    ]
    with pytest.raises(AlreadyExists):
        fetched(Disturbed(source, turn * 50), copy)
    assert {*tmp_path.iterdir()} == {source}


def test_it_can_be_cancelled_and_replaces_nothing(tmp_path: Path) -> None:
    source = sample(tmp_path / "source.sqlite", rows=300)
    engine, copy = PlainEngine(source), tmp_path / "copy.sqlite"
    with pytest.raises(Cancelled):
        fetched(engine, copy, monitor=Monitor(cancelled=lambda: engine.requests > 5))
    assert not copy.exists()
    copy.touch()
    with pytest.raises(AlreadyThere):
        fetched(engine, copy)
