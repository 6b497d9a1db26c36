"""A restore with its verifications and checkpoints."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.services.chain.cautions import NotRecorded
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.kept import KeptEnd, KeptEnds, KeptVerdict, announce
from app.services.chain.checkpoints.making import verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import GENESIS, Code, Verdict, entry_hash
from app.services.chain.where import InFile, Where
from app.services.files import restoring
from app.services.files.opening import open_database, snapshot_copy
from app.services.files.restoring import Offer, Restored, Standing
from app.services.tenants import erasing
from models.errors import Cancelled, NotAllowed
from models.local import copies
from models.progress import Monitor
from models.schema import expected_columns
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import VERIFY, sign
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.connected import execute
from tests.fixtures.dumping import write_dump
from tests.fixtures.gateway import create_planning
from tests.fixtures.inserting import INTO_AUDIT_CHAIN
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def append(path: Path, entries: int) -> None:
    chains.append(apsw.Connection(str(path)), "acme-corp", [NOW] * entries)


def offer(live: Path, source: Path, folder: Path, name: str = "scratch") -> Offer:
    scratch = live.parent / name
    scratch.mkdir()
    store = CheckpointStore(folder)
    return restoring.offer(live, source, scratch, store, VERIFY, now=NOW)


def carry_out(live: Path, offered: Offer, folder: Path, *, unrecorded: bool = False) -> Restored:
    store = CheckpointStore(folder)
    return restoring.carry_out(live, offered, store, VERIFY, actor="ada", now=NOW, unrecorded=unrecorded)


def checkpoint(path: Path, folder: Path) -> None:
    assert sign(path, folder, now=NOW).checkpoint is not None


@pytest.mark.slow
def test_an_earlier_copy_is_restored_between_two_checkpoints(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    checkpoint(live, folder)
    append(live, 2)
    offered = offer(live, early, folder)
    assert (offered.known, offered.holds, offered.needs_agreement) == (Standing.EARLIER, True, False)
    assert "older than checkpoint 2" in (offered.standing or "")
    done = carry_out(live, offered, folder)
    assert CheckpointStore(folder).verdicts.last(InFile(live)) is None, "which was of what it held"
    made = CheckpointStore(folder).checkpoints(InFile(live))
    assert [item.reason for item in made] == ["verify", "verify", "before-restore", "restore"]
    assert [item.through for item in made[2:]] == [307, 301]
    assert len({item.database for item in made}) == 1
    assert done.checkpoint == 4
    report = verify_known(live, folder, now=NOW)
    assert (report.verdict, report.not_covered) == (Verdict.VERIFIED, 0)
    # The way back is a restore, too, and the checkpoints before the restore still know it.
    back = offer(live, done.kept, folder, "back")
    assert back.known == Standing.EARLIER
    forged = snapshot_copy(done.kept, tmp_path / "forged.sqlite")
    append(forged, 40)  # which none of those checkpoints knows
    found = offer(live, forged, folder, "forged")
    assert (found.known, found.holds) == (Standing.CONTRADICTED, False)
    carry_out(live, back, folder)
    assert ask(live, "SELECT count(*) FROM audit_chain") == [(308,)]
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize("forged", [False, True])
def test_a_copy_from_between_two_checkpoints_is_one_where_the_file_has_all_of_it(
    live: Path, folder: Path, tmp_path: Path, *, forged: bool
) -> None:
    """Of its last entries no checkpoint tells, so they are held against what is there."""
    checkpoint(live, folder)
    append(live, 2)
    between = snapshot_copy(live, tmp_path / "between.sqlite")
    append(live, 3)
    checkpoint(live, folder)
    if forged:
        ask(between, "DELETE FROM audit_chain WHERE seq > (SELECT max(seq) - 2 FROM audit_chain)")
        ask(between, "UPDATE sqlite_sequence SET seq = seq - 2 WHERE name = 'audit_chain'")
        chains.append(apsw.Connection(str(between)), "acme-corp", [NOW - 1] * 2)
        assert verify_known(between, folder, now=NOW).verdict is Verdict.EARLIER
    offered = offer(live, between, folder)
    known = Standing.CONTRADICTED if forged else Standing.OLDER
    assert (offered.known, offered.holds, offered.needs_agreement) == (known, not forged, forged)


@pytest.mark.slow
def test_after_a_restore_what_is_cut_off_is_still_found(live: Path, folder: Path, tmp_path: Path) -> None:
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    checkpoint(live, folder)
    carry_out(live, offer(live, early, folder), folder)
    ask(live, "DELETE FROM audit_chain WHERE seq > 295")
    ask(live, "UPDATE sqlite_sequence SET seq = 295 WHERE name = 'audit_chain'")
    codes = {finding.code for finding in verify_known(live, folder, now=NOW).findings}
    assert codes == {Code.TRUNCATED}


@pytest.mark.slow
def test_no_checkpoint_is_made_before_a_restore_of_a_chain_that_lost_its_end(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    append(live, 2)
    whole, store = snapshot_copy(live, tmp_path / "whole.sqlite"), CheckpointStore(folder)
    verify_with_checkpoints(InFile(live), store, VERIFY, now=NOW, by="ada")
    ask(live, "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    ask(live, "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_chain'")
    carry_out(live, offer(live, whole, folder), folder)
    assert [item.reason for item in store.checkpoints(InFile(live))] == ["verify", "restore"]


@pytest.mark.slow
def test_an_export_from_before_the_restore_says_what_it_took_away(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    checkpoint(live, folder)
    CheckpointStore(folder).export(InFile(live), tmp_path / "checkpoints.json")
    carry_out(live, offer(live, early, folder), folder)
    report = verify_known(live, tmp_path / "elsewhere", now=NOW, export=tmp_path / "checkpoints.json")
    assert {finding.code for finding in report.findings} & {Code.TRUNCATED, Code.CHECKPOINT}


@pytest.mark.slow
def test_a_later_copy_and_one_of_another_database_are_told_apart(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    assert offer(live, snapshot_copy(live, tmp_path / "unknown.sqlite"), folder, "one").known is None
    checkpoint(live, folder)
    later = snapshot_copy(live, tmp_path / "later.sqlite")
    append(later, 3)
    assert offer(live, later, folder, "two").known == Standing.LATER
    other = sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9)
    unrelated = offer(live, other, folder, "three")
    assert (unrelated.known, unrelated.holds, unrelated.needs_agreement) == (Standing.OTHER, True, True)


def test_another_database_takes_the_place_of_none_unasked_though_no_checkpoint_knows_it(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    other = sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9)
    offered = offer(live, other, folder)
    assert (offered.known, offered.holds, offered.needs_agreement) == (Standing.NO_ENTRY, True, True)
    append(live, 3)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    ask(live, "DELETE FROM audit_chain")
    offered = offer(live, early, folder, "two")
    assert (offered.known, offered.needs_agreement) == (None, False), "which has rows of it"
    ask(live, "UPDATE users SET email = 'new@example.org'")
    others = expected_columns().keys() - {"users", "audit_chain"}
    ask(live, ";".join(f"DELETE FROM {name}" for name in others))
    for file in (live, early):  # as migrations fill a table, alike in any database
        ask(file, "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)")
        ask(file, "INSERT INTO settings VALUES ('theme', 'dark')")
    offered = offer(live, early, folder, "three")
    assert (offered.known, offered.needs_agreement) == (Standing.NO_ROW, True)
    ask(live, "DELETE FROM users; DELETE FROM settings")
    assert offer(live, other, folder, "four").known is None, "nothing goes"


REWRITTEN = ("payload", "tenant", "tail", "head", "everything")


def rewrite(path: Path, how: str) -> None:
    """What makes a file TAMPERED by its checkpoints alone."""
    connection = apsw.Connection(str(path))
    tenants = [tenant for (tenant,) in ask(path, "SELECT DISTINCT tenant_id FROM audit_chain")]
    seqs = ask(path, "SELECT seq FROM audit_chain WHERE tenant_id = 'acme-corp' ORDER BY seq")
    match how:
        case "payload":
            chains.forge(connection, "acme-corp", seqs[5][0])
        case "tenant":
            ask(path, "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp'")
        case "tail":
            ask(path, "DELETE FROM audit_chain WHERE seq > 290")
        case "head":
            chains.rewrite(connection, "acme-corp", drop=5)
        case "everything":
            for tenant in tenants:
                chains.rewrite(connection, tenant, drop=0)
    ask(
        path, "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain) WHERE name = 'audit_chain'"
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", REWRITTEN)
def test_a_copy_of_a_rewritten_file_does_not_hold(live: Path, folder: Path, tmp_path: Path, how: str) -> None:
    checkpoint(live, folder)
    rewrite(live, how)
    assert verify_known(live, folder, now=NOW).verdict is Verdict.TAMPERED
    offered = offer(live, snapshot_copy(live, tmp_path / "copy.sqlite"), folder)
    assert (offered.holds, offered.known) == (False, Standing.CONTRADICTED)


LAST = "SELECT max(seq) FROM audit_chain"
ALTERED = (
    "DELETE FROM audit_chain WHERE tenant_id <> 'acme-corp'",
    # One tenant's end alone; two tenants' names; two numbers, which no hash knows; the same between two ends.
    "DELETE FROM audit_chain WHERE tenant_id = 'northwind-clinics' AND seq > 290",
    "UPDATE audit_chain SET tenant_id = iif(tenant_id = 'acme-corp', 'northwind-clinics', 'acme-corp') "
    "WHERE tenant_id IN ('acme-corp', 'northwind-clinics')",
    "UPDATE audit_chain SET seq = -seq WHERE seq IN (21, 22); "
    "UPDATE audit_chain SET seq = 43 + seq WHERE seq < 0",
    # A tenant that the file never had, where its numbers have a gap.
    "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at) "
    f"VALUES ('evil', 'x', '{{}}', '{GENESIS}', '{entry_hash(GENESIS, 'x', '{}', NOW)}', {NOW})",
)


@pytest.mark.slow
def test_a_copy_from_before_all_checkpoints_is_an_earlier_state(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    execute(live, "UPDATE sqlite_sequence SET seq = seq + 9 WHERE name = 'audit_chain'")
    append(live, 3)
    checkpoint(live, folder)
    offered = offer(live, copy, folder)
    assert (offered.known, offered.holds, offered.needs_agreement) == (Standing.OLDER, True, False)
    assert "or were pruned since. It is older than checkpoint 1." in (offered.standing or "")
    for number, what in enumerate(ALTERED):
        altered = snapshot_copy(copy, tmp_path / f"altered{number}.sqlite")
        execute(altered, what)
        execute(altered, f"UPDATE sqlite_sequence SET seq = ({LAST}) WHERE name = 'audit_chain'")
        offered = offer(live, altered, folder, f"altered{number}")
        assert (offered.known, offered.holds, offered.alone) == (Standing.CONTRADICTED, False, True), what
    forged = snapshot_copy(copy, tmp_path / "forged.sqlite")
    chains.forge(apsw.Connection(str(forged)), "acme-corp", 200)
    offered = offer(live, forged, folder, "two")
    assert (offered.known, offered.holds, offered.alone) == (Standing.CONTRADICTED, False, True)
    chain = ChainFile(live)
    chain.prune("acme-corp", 100, at=NOW)
    chain.sql.close()
    checkpoint(live, folder)
    assert offer(live, copy, folder, "pruned").known == Standing.OLDER
    rewrite(live, "payload")
    offered = offer(live, copy, folder, "three")
    assert (offered.known, offered.holds) == (Standing.CONTRADICTED, False), "no state of what was changed"


@pytest.mark.slow
def test_a_copy_answers_for_nobody_which_database_a_file_is(live: Path, folder: Path, tmp_path: Path) -> None:
    checkpoint(live, folder)
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    rewrite(copy, "everything")
    checkpoint(copy, folder)
    snapshot_copy(copy, tmp_path / "other.sqlite").replace(live)
    assert verify_known(live, folder, now=NOW).undecided
    offered = offer(live, copy, folder)
    assert (offered.known, offered.needs_agreement) == (Standing.CONTRADICTED, True)


@pytest.mark.slow
def test_a_restore_of_a_dump_or_of_what_is_gone_by_then_goes_on_with_its_line(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    dump, copy = tmp_path / "dump.sql", snapshot_copy(live, tmp_path / "copy.sqlite")
    write_dump(live, dump)
    for number, source in enumerate((dump, copy)):
        offered = offer(live, source, folder, f"from {source.name}")
        copy.unlink() if source is copy else None
        assert carry_out(live, offered, folder).checkpoint == 3 + 2 * number
    assert len({item.database for item in CheckpointStore(folder).checkpoints(InFile(live))}) == 1


@pytest.mark.slow
def test_what_was_chosen_may_be_another_file_by_the_time_it_is_restored(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 3)
    checkpoint(live, folder)
    other = tmp_path / "other.sqlite"
    sample(other, rows=200, seed=7)
    checkpoint(other, folder)
    line = CheckpointStore(folder).checkpoints(InFile(other))
    offered = offer(live, early, folder)
    other.replace(early)
    carry_out(live, offered, folder)
    store = CheckpointStore(folder)
    assert store.checkpoints(InFile(early)) == line
    assert {one.database for one in store.checkpoints(InFile(live))}.isdisjoint({line[0].database})
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED
    assert verify_known(early, folder, now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
def test_a_forged_copy_is_not_taken_for_an_earlier_state(live: Path, folder: Path, tmp_path: Path) -> None:
    checkpoint(live, folder)
    append(live, 5)
    checkpoint(live, folder)
    forged = snapshot_copy(live, tmp_path / "forged.sqlite")
    chains.forge(apsw.Connection(str(forged)), "acme-corp", 303)
    offered = offer(live, forged, folder)
    assert (offered.holds, offered.known) == (False, Standing.CONTRADICTED)


@pytest.mark.slow
def test_a_copy_whose_chain_does_not_hold_is_named(live: Path, folder: Path, tmp_path: Path) -> None:
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    offered = offer(live, copy, folder)
    assert not offered.holds
    done = carry_out(live, offered, folder)
    assert done.checkpoint is None  # nothing is signed that says it holds


def test_a_copy_that_lacks_tables_with_rows_needs_agreement(live: Path, folder: Path, tmp_path: Path) -> None:
    """Two databases of one platform have few tables in common, and each may be put over the other."""
    planning = create_planning(tmp_path / "planning.sqlite")
    found = offer(planning, snapshot_copy(live, tmp_path / "copy.sqlite"), folder)
    assert (found.known, found.holds, found.needs_agreement) == (Standing.NO_ROW, True, True)
    assert found.prepared.lacking.endswith(": ideas.")
    alike = offer(planning, snapshot_copy(planning, tmp_path / "alike.sqlite"), folder, "two")
    assert (alike.known, alike.needs_agreement) == (None, False)


@pytest.mark.slow
def test_a_tenant_that_was_erased_does_not_come_back_unasked(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    erasing.erase(open_database(live), "acme-corp", CheckpointStore(folder), VERIFY, actor="mei", now=NOW)
    found = offer(live, copy, folder)
    assert found.needs_agreement and found.prepared.erased == ("acme-corp",)
    assert found.prepared.undone.startswith("acme-corp was erased from the file since, and would be back")
    carry_out(live, found, folder)
    newest = "SELECT payload FROM audit_chain ORDER BY seq DESC LIMIT 1"
    ((payload,),) = ask(live, newest)
    assert json.loads(payload)["tenantsBack"] == ["acme-corp"]
    forged = '{"actor": "x", "tenant": "acme-corp"}', '{"tenant": "beta\\ud800"}', "[1]"
    for number, payload in enumerate(forged, 1_000_000):
        put = f"{INTO_AUDIT_CHAIN}(?, 'system', 'tenant_erased', ?, 'x', ?, 1)"
        ask(live, put, number, payload, f"h{number}")
    again = offer(live, copy, folder, "two")
    assert again.prepared.erased == (), "the file does not know of it any more"


def test_a_table_that_came_since_a_known_copy_does_not_go_unasked(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    checkpoint(live, folder)
    ask(live, "CREATE TABLE notes (note TEXT)")
    assert not offer(live, copy, folder, "empty").needs_agreement
    ask(live, "INSERT INTO notes VALUES ('by hand')")
    found = offer(live, copy, folder)
    assert (found.known, found.holds, found.needs_agreement) == (Standing.LATER, True, True)
    assert found.prepared.lacking.endswith("and they would go: notes.")


def test_a_column_that_only_the_file_has_does_not_go_unasked(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    ask(live, "ALTER TABLE users ADD COLUMN quota INTEGER")
    assert not offer(live, copy, folder, "empty").needs_agreement
    ask(live, "UPDATE users SET quota = 7")
    found = offer(live, copy, folder)
    assert (found.holds, found.needs_agreement) == (True, True)
    assert found.prepared.warnings == (
        "The copy lacks columns in which the file has values, and they would go: users.quota.",
    )
    assert not offer(copy, live, folder, "back").needs_agreement


@pytest.mark.slow
def test_what_a_file_held_before_a_restore_is_an_earlier_state_of_it(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    done = carry_out(live, offer(live, early, folder), folder)
    done.kept.replace(live)  # by hand
    report = verify_known(live, folder, now=NOW)
    assert (report.verdict, report.counts, report.earlier) == (Verdict.EARLIER, {"EARLIER": 1}, 2)
    ask(live, "UPDATE audit_chain SET tenant_id = 'other' WHERE seq = 300")
    assert verify_known(live, folder, now=NOW).verdict is Verdict.TAMPERED


@pytest.mark.slow
def test_a_copy_that_was_signed_first_takes_no_checkpoint_of_the_file_away(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    """The database was first known where the copy is, and went on in the file."""
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    checkpoint(copy, folder)
    append(live, 3)
    checkpoint(live, folder)
    append(live, 2)
    done = carry_out(live, offer(live, copy, folder), folder)
    assert (done.checkpoint, done.problem) == (4, None), "2 is the file's, 3 is from before the restore"
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED
    back = offer(live, done.kept, folder, "back")
    assert (back.known, back.holds, back.needs_agreement) == (Standing.EARLIER, True, False)
    assert carry_out(live, back, folder).checkpoint == 6
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED
    again = offer(live, copy, folder, "again")
    assert (again.known, again.needs_agreement) == (Standing.EARLIER, False)


class StopsBehindCommit(CheckpointStore):
    """Ends the program where a restore has committed and its checkpoint is not taken up yet."""

    def take_up(self, where: Where) -> Checkpoint | None:
        if list(self.folder.glob("announced/*")):
            raise KeyboardInterrupt
        return super().take_up(where)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder


@pytest.mark.slow
def test_a_restore_that_was_killed_behind_its_commit_is_known_again(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    checkpoint(live, folder)
    offered = offer(live, early, folder)
    with pytest.raises(KeyboardInterrupt):
        restoring.carry_out(live, offered, StopsBehindCommit(folder), VERIFY, actor="ada", now=NOW)
    assert ask(live, "SELECT count(*) FROM audit_chain") == [(301,)]
    append(live, 1)  # the platform goes on meanwhile
    assert CheckpointStore(folder).continuation(InFile(live)).continues
    report = verify_known(live, folder, now=NOW)
    assert (report.verdict, report.not_covered, report.findings) == (Verdict.VERIFIED, 1, ())
    assert CheckpointStore(folder).checkpoints(InFile(live))[-1].reason == "restore"
    # From now on it is held against the file: what it held before is not what it is any more.
    ask(live, "DELETE FROM audit_chain WHERE seq > 300")
    assert verify_known(live, folder, now=NOW).verdict is Verdict.TAMPERED


@pytest.mark.slow
def test_a_restore_that_was_cut_short_before_its_commit_says_nothing_of_the_file(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    append(live, 5)
    offered = offer(live, early, folder)
    with pytest.raises(Cancelled):
        restoring.carry_out(
            live,
            offered,
            CheckpointStore(folder),
            VERIFY,
            actor="ada",
            now=NOW,
            monitor=Monitor(cancelled=lambda: any(folder.glob("announced/*"))),
        )
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED
    checkpoint(live, folder)
    assert [item.number for item in CheckpointStore(folder).checkpoints(InFile(live))] == [1, 2, 3]
    carry_out(live, offer(live, early, folder, "again"), folder)
    assert [item.number for item in CheckpointStore(folder).checkpoints(InFile(live))] == [1, 2, 3, 4, 5]
    assert verify_known(live, folder, now=NOW).verdict is Verdict.VERIFIED


def test_a_verdict_stays_until_a_restore_has_committed(
    live: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore may wait for long, and be killed then: nothing was done, and a loss stands."""
    store, where = CheckpointStore(folder), InFile(live)
    early = snapshot_copy(live, tmp_path / "early.sqlite")
    offered = offer(live, early, folder)
    said = KeptVerdict(Verdict.CONSISTENT, NOW, "ada", 301, 0, 0, 301)
    ends = KeptEnds({"acme": KeptEnd(301, None, NOW)})

    def killed(*_: object, **__: object) -> None:
        assert store.verdicts.last(where) == said and store.verdicts.ends(where).ends == ends.ends
        raise SystemExit

    store.verdicts.keep(where, said)
    store.verdicts.keep_ends(where, ends)
    monkeypatch.setattr(copies, "put_back", killed)
    with pytest.raises(SystemExit), store.verdicts.outdated(where):
        restoring.restore(live, offered.prepared, actor="ada", now=NOW)
    assert store.verdicts.last(where) == said and store.verdicts.ends(where).ends == ends.ends
    monkeypatch.undo()
    carry_out(live, offer(live, early, folder, "again"), folder)
    assert store.verdicts.last(where) is None and not store.verdicts.ends(where).ends


def test_an_announced_checkpoint_that_somebody_else_signed_is_not_taken_up(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    (forged,) = CheckpointStore(folder).checkpoints(InFile(live))
    announce(folder, replace(forged, number=2, reason="restore", previous=forged.hash))
    assert CheckpointStore(folder).take_up(InFile(live)) is None
    assert len(CheckpointStore(folder).checkpoints(InFile(live))) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "is_dump"), [("INTEGER PRIMARY KEY) WITHOUT ROWID", False), ("TEXT PRIMARY KEY)", True)]
)
def test_a_file_whose_chain_takes_no_entries_gets_its_backup_back(
    live: Path, folder: Path, tmp_path: Path, key: str, is_dump: bool
) -> None:
    """Where a person agrees that it is recorded nowhere; not over a chain that takes entries."""
    odd, backup = tmp_path / "odd.sqlite", tmp_path / "backup.sqlite"
    columns = "tenant_id, event_type, payload, previous_hash, hash, created_at"
    with closing(apsw.Connection(str(odd))) as made:
        made.execute(f"CREATE TABLE audit_chain({columns}, seq {key}")
        made.execute(f"ATTACH '{live}' AS live; CREATE TABLE users AS SELECT * FROM live.users")
        made.execute(f"INSERT INTO audit_chain({columns}, seq) SELECT {columns}, seq FROM live.audit_chain")
    before = [ask(odd, f"SELECT * FROM {table}") for table in ("audit_chain", "users")]
    snapshot_copy(odd, backup)
    source = write_dump(backup, tmp_path / "backup.sql") if is_dump else backup
    with closing(apsw.Connection(str(odd))) as lost:
        lost.execute("DELETE FROM users; DELETE FROM audit_chain WHERE CAST(seq AS INTEGER) > 5")
    with pytest.raises(NotAllowed, match="does not have seq as the row's own number"):
        offer(live, source, folder)
    offered = offer(odd, source, folder, "again")
    with pytest.raises(
        NotRecorded, match=r"^odd\.sqlite has an audit chain that does not have seq .* nowhere;"
    ):
        carry_out(odd, offered, folder)
    assert count(odd, "users") == 0
    done = carry_out(odd, offered, folder, unrecorded=True)
    assert [ask(odd, f"SELECT * FROM {table}") for table in ("audit_chain", "users")] == before
    assert count(done.kept, "audit_chain") == 5


@pytest.fixture
def put_aside(live: Path, folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The copy of a database that is where it was, with unsigned entries of its own, behind a restore of an
    earlier state; and what that has put aside.
    """
    checkpoint(live, folder)
    copy = snapshot_copy(live, tmp_path / "copy.sqlite")
    earlier = snapshot_copy(live, tmp_path / "earlier.sqlite")
    append(copy, 3)
    done = carry_out(copy, offer(copy, earlier, folder), folder)
    assert verify_known(copy, folder, now=NOW).verdict is Verdict.VERIFIED
    return copy, done.kept


@pytest.mark.slow
def test_what_a_copy_held_before_a_restore_is_known_although_nothing_of_it_was_signed(
    live: Path, folder: Path, put_aside: tuple[Path, Path]
) -> None:
    copy, kept = put_aside
    kept = kept.rename(kept.with_name("elsewhere.sqlite"))
    back = offer(copy, kept, folder, "back")
    assert (back.known, back.standing, back.holds, back.needs_agreement) == (
        Standing.KEPT,
        Standing.KEPT,
        True,
        False,
    )
    assert carry_out(copy, back, folder).problem is None
    assert ask(copy, "SELECT max(seq) FROM audit_chain") == [(304,)]
    for path in (copy, live):
        assert verify_known(path, folder, now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "DELETE FROM notifications",
        "UPDATE users SET email = 'mallory' || rowid || '@x.example'",
        "UPDATE audit_chain SET payload = '{}' WHERE seq = 302",
        "append",
    ],
)
def test_what_was_put_aside_and_changed_since_is_in_question(
    folder: Path, put_aside: tuple[Path, Path], how: str
) -> None:
    """Its entries alone tell nothing of its rows."""
    copy, kept = put_aside
    append(kept, 1) if how == "append" else execute(kept, how)
    back = offer(copy, kept, folder, "back")
    assert (back.known is Standing.KEPT, back.holds, back.needs_agreement) == (False, False, True)


@pytest.mark.slow
def test_what_was_put_aside_does_not_take_away_unasked_what_was_signed_since(
    folder: Path, put_aside: tuple[Path, Path]
) -> None:
    copy, kept = put_aside
    append(copy, 50)
    checkpoint(copy, folder)
    back = offer(copy, kept, folder, "back")
    assert (back.known, back.holds, back.needs_agreement) == (Standing.KEPT, True, True)
    assert back.standing == f"{Standing.KEPT} It is older than checkpoint 2."


@pytest.mark.slow
def test_what_was_put_aside_of_a_file_that_is_another_database_by_now_is_asked_about(
    live: Path, folder: Path, tmp_path: Path
) -> None:
    checkpoint(live, folder)
    other = sample(tmp_path / "other.sqlite", rows=20, seed=5)
    kept = carry_out(live, offer(live, other, folder), folder).kept
    back = offer(live, kept, folder, "back")
    assert (back.known, back.needs_agreement) == (Standing.KEPT, False), "nobody has worked in it yet"
    append(live, 5)
    back = offer(live, kept, folder, "worked in")
    assert (back.known, back.holds, back.needs_agreement) == (Standing.OTHER, True, True)
    checkpoint(live, folder)
    back = offer(live, kept, folder, "signed")
    assert (back.known, back.holds, back.needs_agreement) == (Standing.OTHER, True, True)


@pytest.mark.slow
def test_what_nobody_can_read_of_what_was_put_aside_takes_nothing_else_along(
    folder: Path, put_aside: tuple[Path, Path]
) -> None:
    copy, kept = put_aside
    (file,) = folder.glob("aside/*.json")
    strange = [{"format": 99}, 5, {"place": 1}]
    (good,) = json.loads(file.read_text())
    file.write_text(json.dumps([*strange, good, {**good, "signature": 7}, {**good, "key": []}]))
    back = offer(copy, kept, folder, "back")
    assert (back.known, back.needs_agreement) == (Standing.KEPT, False)
    assert carry_out(copy, back, folder).problem is None
    assert json.loads(file.read_text())[:4] == [*strange, good]
    file.write_text("[[")
    assert offer(copy, kept, folder, "again").known is not Standing.KEPT
