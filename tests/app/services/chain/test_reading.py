"""The inspector says of one row what the verification says of it; lines say what was hashed."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.services.chain.append import Numbering
from app.services.chain.checkpoints.rows import rows_of
from app.services.chain.reading import Link, chunks, inspect_entry
from app.services.chain.rules import GENESIS, Anchor, Marker, broken_link, denied_start
from app.services.chain.verify.live import rows_to_read
from app.services.chain.where import InDatabase, InFile
from app.services.retention.prefixes import find_prefixes
from app.workers import scan_pool
from models.engine import Database, raw
from models.errors import NotFound
from models.schema import read_stored
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.plain_engine import PlainEngine

TENANT = "tenant-00"


@pytest.fixture
def database_path(tmp_path: Path, served: Callable[[Path], Path]) -> Path:
    chain = ChainFile.build(tmp_path / "a.db", rows=4)
    chain.sql.close()
    return served(chain.path)


@pytest.fixture
def chain(database_path: Path) -> Iterator[ChainFile]:
    """What somebody else does to the file."""
    with closing((chain := ChainFile(database_path)).sql):
        yield chain


def test_rows_in_order(chain: ChainFile, engine: Database) -> None:
    first, second = inspect_entry(engine, 1), inspect_entry(engine, 2)
    assert (first.hash_ok, first.link, first.previous_seq) == (True, Link.OK, None)
    assert first.anchor == Anchor("genesis")
    assert (second.hash_ok, second.link, second.anchor, second.previous_seq) == (True, Link.OK, None, 1)
    assert second.recomputed == chain.one("SELECT hash FROM audit_chain WHERE seq = 2")[0]
    assert second.problems == ()


def test_an_edited_row_and_the_one_behind_a_missing_one(chain: ChainFile, engine: Database) -> None:
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 2")
    chain.run("DELETE FROM audit_chain WHERE seq = 3")
    edited, behind = inspect_entry(engine, 2), inspect_entry(engine, 4)
    assert (edited.hash_ok, edited.link) == (False, Link.OK)
    assert edited.recomputed != chain.one("SELECT hash FROM audit_chain WHERE seq = 2")[0]
    assert "does not match its own hash" in edited.problems[0]
    assert (behind.hash_ok, behind.link, behind.previous_seq) == (True, Link.BROKEN, 2)
    assert behind.problems == (broken_link(TENANT, 4),)


def test_whoever_reads_connects(chain: ChainFile) -> None:
    engine = PlainEngine(chain.path)
    with InDatabase(engine).connect() as database:
        assert inspect_entry(database, 1).hash_ok
    encoding, ((found,),) = InDatabase(engine).read_at_once([raw("SELECT count(*) FROM audit_chain")])
    assert (encoding, found[0]) == ("utf-8", 4)
    assert rows_to_read(engine) >= 4


@pytest.mark.parametrize("seq", [1, 2])
def test_a_tenants_name_of_another_storage_class(chain: ChainFile, engine: Database, seq: int) -> None:
    """As the scan has it, whichever of the two entries is the odd one."""
    chain.run("UPDATE audit_chain SET tenant_id = CAST(tenant_id AS BLOB) WHERE seq = ?", seq)
    second = inspect_entry(engine, 2)
    assert (second.link, second.previous_seq) == (Link.OK, 1)


def test_the_start_of_a_pruned_chain(chain: ChainFile, engine: Database) -> None:
    chain.prune(TENANT, 2)
    assert inspect_entry(engine, 3).anchor == Anchor("marker", 5, 2)
    chain.run("DELETE FROM audit_chain WHERE seq = 5")
    start = inspect_entry(engine, 3)
    assert (start.hash_ok, start.link, start.anchor) == (True, Link.UNPROVEN, None)
    assert start.problems == ("Nothing in the database proves what came before entry 3.",)
    accepted = inspect_entry(engine, 3, accepted=True)
    assert (accepted.link, accepted.anchor, accepted.problems) == (Link.ACCEPTED, Anchor("adopted", 3), ())


@pytest.mark.parametrize("column", ["tenant_id", "event_type"])
def test_a_marker_of_another_storage_class_is_one(chain: ChainFile, engine: Database, column: str) -> None:
    chain.prune(TENANT, 2)
    chain.run(f"UPDATE audit_chain SET {column} = CAST({column} AS BLOB) WHERE seq = 5")
    assert inspect_entry(engine, 3).anchor == Anchor("marker", 5, 2)
    (problem,) = inspect_entry(engine, 5).problems  # said once
    assert f"stores {column} as blob" in problem


def test_a_start_that_a_marker_denies_cannot_be_accepted(chain: ChainFile, engine: Database) -> None:
    chain.prune(TENANT, 2)
    chain.run("UPDATE audit_chain SET previous_hash = ? WHERE seq = 3", GENESIS)
    chain.rehash(TENANT)
    (again,) = chain.one("SELECT previous_hash FROM audit_chain WHERE seq = 3")
    assert again == GENESIS
    found = inspect_entry(engine, 3, accepted=True)
    assert (found.link, found.anchor) == (Link.UNPROVEN, None)
    assert found.problems == (denied_start(TENANT, Marker(5, 1, 2, 2, "", 0)),)


def test_a_row_that_is_not_there(engine: Database) -> None:
    with pytest.raises(NotFound):
        inspect_entry(engine, 99)


def test_bytes_that_are_no_text(chain: ChainFile, engine: Database) -> None:
    chain.run("UPDATE audit_chain SET payload = CAST(x'ff00' AS TEXT), created_at = 'x' WHERE seq = 2")
    found = inspect_entry(engine, 2)
    assert not found.hash_ok
    assert len(found.problems) == 2


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_lines_say_what_was_hashed_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    lines = []
    for name in ("UTF-8", encoding):
        chain = ChainFile.encoded(tmp_path / f"{name}.db", name)
        chain.append("ä", payload='{"t":"日本"}')
        chain.append("ä", payload='"\0"')
        chain.run("UPDATE audit_chain SET tenant_id = x'ff', created_at = 0.5 WHERE seq = 2")
        chain.sql.close()
        with InFile(chain.path).connect() as database:
            lines.append(list(chunks(database, tenant=None, first=1, last=2)))
    assert lines[0] == lines[1]
    assert "日本" in lines[0][0][0][1].decode()


@pytest.mark.slow
def test_as_many_bytes_are_read_at_once_whatever_a_row_holds(tmp_path: Path) -> None:
    """Large rows behind small ones, when many are read at once."""
    chain = ChainFile.build(tmp_path / "a.db", rows=2_500)
    for column in ("payload", "event_type", "hash"):
        chain.run(f"UPDATE audit_chain SET {column} = zeroblob(200000) WHERE seq BETWEEN 2001 AND 2015")
    with InFile(chain.path).connect() as database:
        read = list(chunks(database, tenant=None, first=1, last=2_500))
    assert [seq for rows in read for seq, _ in rows] == list(range(1, 2_501))
    assert max(map(len, read)) == 1_000
    assert max(sum(len(line) for _, line in rows) for rows in read) < 8_000_000


@pytest.mark.slow
def test_what_calls_itself_a_marker_is_read_one_by_one(chain: ChainFile) -> None:
    """Of a live database a few at once: an answer that is too long is asked for in parts."""
    for _ in range(60):
        chain.append(TENANT, "audit_pruned", '"' + "x" * 300_000 + '"')
    with connected(chain.path, read_only=True) as database:
        tracemalloc.start()
        found = inspect_entry(database, 1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert found.problems == () and found.link is Link.OK
    assert peak < 6_000_000


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_a_name_that_is_no_text_is_told_in_one_way_by_all(tmp_path: Path, encoding: str) -> None:
    """Half of a character: SQLite would make another of it and what follows it."""
    chain = ChainFile.encoded(tmp_path / "a.db", encoding)
    chain.append("moved")
    name = "\ud83da".encode(encoding, "surrogatepass")
    chain.run("UPDATE audit_chain SET tenant_id = CAST(? AS TEXT)", name)
    chain.sql.close()
    (verified,) = scan_pool.verify(InFile(chain.path), now=NOW, take_part=True).tenants
    with connected(chain.path, read_only=True) as database:
        _, (left,), _ = find_prefixes(database, NOW, read_stored(database)[0])
        caution = Numbering(database).caution(["system"])
        with rows_of(InDatabase(database)) as found:
            rows = found.at([1])
    assert {verified.tenant, left.tenant_id, rows[1].tenant} == {"\0xed\0xa0\0xbda"}
    assert caution is not None and "“\0xed\0xa0\0xbda”" in caution
