"""Entries that were made here are looked for by every verification until somebody accepts that one went."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.cautions import Agreed
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.own_ends import OwnEnds
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.report import NOT_ACCEPTED, LostEnd, Report, Section
from app.services.chain.where import InDatabase, InFile, Where
from app.services.live.connections import LOCAL
from app.services.records import users
from models.d1.client import Client
from models.d1.database import D1Database
from models.d1.shared import Shared
from models.engine import Database, OwnEntry
from models.errors import NotAllowed, OutcomeUnknown, WritesLocked
from models.local.database import LocalDatabase
from models.status import DAY
from tests.conftest import NOW
from tests.d1.edge import Edge
from tests.fixtures import chains
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.connected import execute
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.killing import kill
from tests.fixtures.live import Live
from tests.fixtures.retaining import path_of, retain
from tests.fixtures.window import ask

BY: Any = {"actor": "ops", "now": NOW}


@pytest.fixture
def where(engine: Database) -> Where:
    return InDatabase(engine) if engine.costs else InFile(path_of(engine))


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> CheckpointStore:
    return CheckpointStore(tmp_path_factory.mktemp("home"))


@pytest.fixture
def verify(where: Where, store: CheckpointStore) -> Callable[..., Report]:
    return partial(making.verify_with_checkpoints, where, store, VERIFY, now=NOW, by="ops")


@pytest.fixture
def made(engine: Database, where: Where, store: CheckpointStore, sql: apsw.Connection) -> int:
    """The number of the entry of an act in acme's chain, behind which another tenant's stands."""
    chains.append(sql, "acme", [NOW - 95 * DAY, NOW - DAY])
    engine.on_own = partial(store.verdicts.own.keep, where)
    users.create(engine, "acme", "ada@acme.example", **BY)
    chains.append(sql, "blue", [NOW])
    return 3


def test_the_newest_of_each_tenant_is_kept(
    engine: Database, where: Where, store: CheckpointStore, made: int
) -> None:
    own = store.verdicts.own
    (kept,) = own.all(where)
    assert (kept.tenant, kept.number, kept.at, kept.act) == (
        "acme",
        made,
        NOW,
        "User ada@acme.example created",
    )
    assert engine.own == {"acme": kept}
    users.create(engine, "acme", "eve@acme.example", **BY)
    users.create(engine, "blue", "bob@blue.example", **BY)
    assert [(one.tenant, one.number) for one in own.all(where)] == [("acme", 5), ("blue", 6)]
    own.forget(where, {5})
    assert [one.number for one in own.all(where)] == [6]
    own.keep(where, [OwnEntry(f"t{number}", number, "x", NOW) for number in range(1_000)])
    assert len(own.all(where)) == 200


@pytest.mark.parametrize("section", [Section(), Section("acme")])
def test_one_that_was_cut_out_is_told_until_that_is_accepted(  # noqa: PLR0917
    where: Where,
    store: CheckpointStore,
    verify: Callable[..., Report],
    sql: apsw.Connection,
    made: int,
    section: Section,
) -> None:
    assert verify(section=section).stands
    sql.execute("DELETE FROM audit_chain WHERE seq = ?", (made,))
    said = f"known to have entry {made} (User ada@acme.example created), made here"
    for _ in range(2):
        report = verify(section=section)
        assert report.intact and not report.stands and report.lost_end is not None
        assert said in report.lost_end.said
    with pytest.raises(NotAllowed, match="made here"):
        lost_ends.require_end(where, store)
    assert verify(section=Section("blue")).stands
    assert verify(accepts_end=True).stands and store.verdicts.own.all(where) == []
    assert verify(section=section).stands
    lost_ends.require_end(where, store)


@pytest.mark.parametrize("verified", ["before", "behind"])
def test_beside_the_end_that_was_verified_both_are_told(  # noqa: PLR0917
    engine: Database,
    where: Where,
    store: CheckpointStore,
    verify: Callable[..., Report],
    sql: apsw.Connection,
    verified: str,
) -> None:
    engine.on_own = partial(store.verdicts.own.keep, where)
    chains.append(sql, "acme", [NOW - DAY, NOW - DAY])
    if verified == "before":
        assert verify().stands
    users.create(engine, "acme", "ada@acme.example", **BY)
    if verified == "behind":
        chains.append(sql, "acme", [NOW])
        assert verify().stands
    chains.append(sql, "blue", [NOW])
    known, made = (2, 3) if verified == "before" else (4, 3)
    sql.execute("DELETE FROM audit_chain WHERE tenant_id = 'acme' AND seq > 1")
    for _ in range(2):
        lost = verify().lost_end
        assert lost is not None and lost.numbers == (min(known, made), max(known, made))
        assert f"entry {made} (User ada@acme.example created), made here" in lost.said
        of_it = "entry 2 of acme, the last one that was verified before, is gone" if known == 2 else ""
        assert (of_it or "verified through entry 4 ") in lost.said
        assert [(one["seq"], one["tenant"]) for one in lost.to_json()["entries"]] == [
            (number, "acme") for number in lost.numbers
        ]
    assert verify(accepts_end=lost).stands and verify().stands
    assert store.verdicts.own.all(where) == []


def test_one_that_was_pruned_or_erased_is_not_missed(
    engine: Database, where: Where, store: CheckpointStore, sql: apsw.Connection, made: int
) -> None:
    chains.append(sql, "acme", [NOW + DAY])
    assert retain(engine, now=NOW + 2 * DAY, days=1).total >= 3
    assert not sql.execute("SELECT 1 FROM audit_chain WHERE seq = ?", (made,)).fetchall()
    assert lost_ends.lost_own_of(where, store)[0] == []
    sql.execute("DELETE FROM audit_chain WHERE tenant_id = 'acme'")
    (lost,) = lost_ends.lost_own_of(where, store)[0]
    assert lost.through == made, "pruned or erased, a marker would be there"


def test_what_is_damaged_counts_as_nothing_kept(where: Where, store: CheckpointStore, made: int) -> None:
    own = store.verdicts.own
    (place,) = own._folder.iterdir()
    text = place.read_text()
    for was, damaged in (
        (f", {made}, ", f", {2**63}, "),
        (f", {made}, ", ", 3.0, "),
        ('"acme"', "[1]"),
        (f", {NOW}, ", ", null, "),
        ('"ledger": "', '"ledger": ["'),
        ("{", "["),
    ):
        assert was in text
        place.write_text(text.replace(was, damaged, 1))
        assert own.all(where) == [], damaged
    place.write_text(text)
    assert len(own.all(where)) == 1


def test_of_an_earlier_state_that_was_put_back_nothing_is_missed(
    where: Where, store: CheckpointStore, made: int
) -> None:
    kept = store.verdicts.own.all(where)
    assert kept[0].number == made
    with store.verdicts.outdated(where):
        assert store.verdicts.own.all(where) == kept
    assert store.verdicts.own.all(where) == [], "an act that puts an earlier state back says so"
    assert OwnEnds(store._folder).all(where) == []


def test_a_copy_that_took_the_place_of_a_file_is_held_to_what_was_made_here(
    database: LocalDatabase, database_path: Path, store: CheckpointStore, tmp_path: Path
) -> None:
    where = InFile(database_path)
    users.create(database, "acme", "ada@acme.example", **BY)
    list(database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    older = Path(shutil.copy(database_path, tmp_path / "older.sqlite"))
    database.on_own = partial(store.verdicts.own.keep, where)
    users.create(database, "acme", "bob@acme.example", **BY)
    list(database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    (kept,) = store.verdicts.own.all(where)
    older.replace(database_path)
    assert store.verdicts.own.all(where) == [kept]
    with pytest.raises(NotAllowed, match=r"User bob@acme\.example created"):
        lost_ends.require_end(where, store)
    shutil.copy(database_path, older)
    execute(older, "UPDATE d1_migrations SET applied_at = '2001-01-01'")
    older.replace(database_path)
    assert store.verdicts.own.all(where) == [], "another database, by its ledger"


@pytest.mark.wrangler
def test_one_whose_answer_was_lost_is_remembered_when_it_is_found(
    live: Live, edge: Edge, database_path: Path, store: CheckpointStore
) -> None:
    production = D1Database(edge.client(), live.ids[live.put(database_path)])
    production._unanswered.seconds = 0
    production.on_own = partial(store.verdicts.own.keep, InDatabase(production))
    edge.faults = ["lost after", *["lost before"] * 4]
    with pytest.raises(OutcomeUnknown) as unknown:
        users.create(production, "acme", "ada@acme.example", **BY)
    assert not production.own
    found = production.settle()
    assert found is not None and found.saved and unknown.value.made is not None
    unknown.value.made(production)
    (kept,) = store.verdicts.own.all(InDatabase(production))
    assert (kept.number, kept.act) == (1, "User ada@acme.example created")
    assert production.own == {"acme": kept}


_KILLED = """
import os, sys
from pathlib import Path
from app.services.records import users
from models.d1.client import Client
from models.d1.database import D1Database
from models.d1.shared import Shared
address, place, folder, now = sys.argv[1:]
live = D1Database(Client("production", address, shared=Shared(Path(folder))), place)
run = live.client.run
def run_and_end(*sent, is_write=False, **how):
    answer = run(*sent, is_write=is_write, **how)
    if is_write:
        os.kill(os.getpid(), 9)
    return answer
live.client.run = run_and_end
live.on_own = lambda made: None
with live.connection_context():
    users.move(live, ["ada", "bob"], "coral", actor="ops", now=int(now))
"""


@pytest.mark.wrangler
def test_one_that_is_found_after_the_program_was_killed_is_remembered(
    live: Live, database_path: Path, store: CheckpointStore, tmp_path: Path
) -> None:
    """Between its commit and what remembers it: the next start asks what became of it."""
    file = live.put(database_path)
    with closing(apsw.Connection(str(file))) as sql:
        for name, tenant in (("ada", "acme"), ("bob", "blue")):
            values = f"('{name}', '{tenant}', '{name}@x.example', NULL, {NOW}, {NOW})"
            sql.execute(INTO_USERS + values)
    address, place = live.direct + LOCAL, live.ids[file]
    asked = [sys.executable, "-c", _KILLED, address, place, str(tmp_path), str(NOW)]
    assert subprocess.run(asked, check=False).returncode == -signal.SIGKILL
    again = D1Database(Client("production", address, shared=Shared(tmp_path)), place)
    again.on_own = partial(store.verdicts.own.keep, InDatabase(again))
    assert store.verdicts.own.all(InDatabase(again)) == []
    found = again.settle()
    assert found is not None and found.saved
    newest = "SELECT tenant_id, max(seq), hash, created_at FROM audit_chain GROUP BY tenant_id ORDER BY 2"
    entries, kept = ask(file, newest), store.verdicts.own.all(InDatabase(again))
    assert len(kept) == 3 and {one.act for one in kept} == {found.what}
    assert [(one.tenant, one.number, one.head, one.at) for one in kept] == entries
    assert again.own == {one.tenant: one for one in kept}


def test_one_of_a_file_is_known_where_the_program_was_killed_behind_its_commit(
    database: LocalDatabase, database_path: Path, store: CheckpointStore
) -> None:
    """A live database keeps what was sent by itself."""
    where, own = InFile(database_path), store.verdicts.own
    database.on_sent = partial(own.expect, where)

    def act() -> None:
        here = LocalDatabase(database_path)
        with here.connection_context():
            here.on_own, here.on_sent = lambda made: os.kill(os.getpid(), signal.SIGKILL), database.on_sent
            users.create(here, "acme", "ada@acme.example", **BY)

    def committed() -> None:
        while not ask(database_path, "SELECT 1 FROM audit_chain"):
            pass

    kill(act, committed)
    (kept,) = own.all(where)
    assert (kept.tenant, kept.number, kept.at, kept.act) == ("acme", 1, NOW, "User ada@acme.example created")
    assert own._stored(where) == ([kept], [])
    with closing(apsw.Connection(str(database_path))) as sql:
        chains.append(sql, "blue", [NOW])
        sql.execute("DELETE FROM audit_chain WHERE seq = 1")
    (lost,) = lost_ends.lost_own_of(where, store)[0]
    assert (lost.through, lost.tenant) == (1, "acme")


def test_what_was_to_be_written_and_was_not_is_not_missed(
    database: LocalDatabase, database_path: Path, store: CheckpointStore
) -> None:
    where, own = InFile(database_path), store.verdicts.own
    database.on_own, database.on_sent = partial(own.keep, where), partial(own.expect, where)
    users.create(database, "acme", "ada@acme.example", **BY)
    own.expect(where, [("acme", "a" * 64), ("blue", "b" * 64)], NOW, "User bob@acme.example created")
    assert [one.number for one in own.all(where)] == [1]
    assert lost_ends.lost_own_of(where, store)[0] == []
    assert making.verify_with_checkpoints(where, store, VERIFY, now=NOW, by="ops").stands
    own.forget_tenant(where, "blue")
    assert "bob" not in "".join(one.read_text() for one in own._folder.iterdir()), "nor what it was about"
    assert [one.number for one in own.all(where)] == [1]


def test_of_several_that_are_gone_each_is_told_and_what_is_accepted_is_what_was_told(
    engine: Database,
    where: Where,
    store: CheckpointStore,
    verify: Callable[..., Report],
    sql: apsw.Connection,
) -> None:
    engine.on_own = partial(store.verdicts.own.keep, where)
    tenants = ("acme", "blue", "cyan", "dawn")
    for tenant in tenants:
        users.create(engine, tenant, f"ada@{tenant}.example", **BY)
    assert verify().stands
    sql.execute("DELETE FROM audit_chain WHERE seq = 3")
    first = verify().lost_end
    assert first is not None and first.tenants == {"cyan"}
    sql.execute("DELETE FROM audit_chain WHERE seq < 3")
    report = verify(accepts_end=first)
    lost = report.lost_end
    assert lost is not None and NOT_ACCEPTED in " ".join(report.notes), "more is gone than was told"
    acts = [f"User ada@{tenant}.example created), made here" for tenant in tenants]
    assert [act in lost.in_words and act in lost.said for act in acts] == [True, True, True, False]
    assert lost.tenants == {"acme", "blue", "cyan"}
    assert [(one["seq"], one["tenant"]) for one in lost.to_json()["entries"]] == [
        (1, "acme"),
        (2, "blue"),
        (3, "cyan"),
    ]
    assert verify(accepts_end=lost).stands
    assert [one.tenant for one in store.verdicts.own.all(where)] == ["dawn"]
    assert verify().stands


def test_to_another_tenant_no_whole_database_is_called_lost_and_no_act_is_told(
    engine: Database,
    where: Where,
    store: CheckpointStore,
    verify: Callable[..., Report],
    sql: apsw.Connection,
) -> None:
    engine.on_own = partial(store.verdicts.own.keep, where)
    for tenant in ("acme", "blue"):
        users.create(engine, tenant, f"ada@{tenant}.example", **BY)
    assert verify().stands
    sql.execute("DELETE FROM audit_chain WHERE seq = 1")
    assert not verify().stands, "which keeps it"
    (note,) = verify(section=Section("blue")).notes
    assert note.startswith(
        "The end of another tenant's chain is lost: it was known to have entry 1 of another"
    )
    assert "ada" not in note and "acme" not in note
    lost = verify(section=Section("acme")).lost_end
    assert lost is not None and "It was cut out, or another line of entries stands in its place" in lost.said


def test_who_may_not_write_is_told_that_before_anything_is_asked(engine: Database) -> None:
    engine.is_earlier, engine.writable_until = True, 0.0
    how: Any = BY | {"agreed": Agreed()}
    with pytest.raises(WritesLocked):
        users.create(engine, "acme", "ada@acme.example", **how)


def test_of_many_that_are_gone_the_last_ones_are_told_and_how_many_more() -> None:
    lost = LostEnd.together(
        LostEnd(seq, NOW, "a", 400, f"t{seq}", missed=True, known_by=", made here") for seq in range(1, 301)
    )
    assert lost is not None and len(lost.tenants) == 300
    assert "entry 299, made here, is gone, too; entry 298, made here, is gone, too;" in lost.in_words
    assert lost.in_words.endswith("; 294 entries more that were known are gone, too)")
    assert len(lost.in_words) < 300


def test_of_two_that_are_gone_the_one_that_was_not_shown_is_not_accepted_along() -> None:
    first = LostEnd(5, NOW, "a", 4, "acme", missed=True, known_by=" (User ada created), made here")
    seen = LostEnd(6, NOW, "b", 4, missed=True, known_by=", seen here")
    both = LostEnd.together([seen, first])
    assert both is not None and both.through == 6 and both.tenants == {"acme"}
    assert "entry 5 (User ada created), made here, is gone, too" in both.in_words
    assert not both.is_within(seen), "of which the window told"
    assert both.is_within(both) and seen.is_within(seen) and seen.is_within(both)


@pytest.mark.parametrize("is_free", [True, False])
def test_one_whose_number_another_has_is_excused_where_it_was_pruned_before(  # noqa: PLR0917
    engine: Database, where: Where, store: CheckpointStore, sql: apsw.Connection, made: int, is_free: bool
) -> None:
    """The platform's gateway gives free numbers again; what was cut out is not excused by a later pruning."""
    if not is_free:
        sql.execute("DELETE FROM audit_chain WHERE seq = ?", (made,))
        sql.execute("UPDATE audit_chain SET seq = ? WHERE tenant_id = 'blue'", (made,))
    chains.append(sql, "acme", [NOW + DAY])
    assert retain(engine, now=NOW + 2 * DAY, days=1).total >= 2
    if is_free:
        (other,) = chains.append(sql, "other", [NOW + 3 * DAY])
        sql.execute("UPDATE audit_chain SET seq = ? WHERE seq = ?", (made, other))
    gone = [end.through for end in lost_ends.lost_own_of(where, store)[0]]
    assert gone == ([] if is_free else [made])
