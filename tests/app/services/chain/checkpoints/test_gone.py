"""A table of audit entries that is gone, by what was known of it."""

from contextlib import closing
from functools import partial
from pathlib import Path
from shutil import copyfile

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import lost_ends, making
from app.services.chain.checkpoints.gone import NOTE, is_known
from app.services.chain.checkpoints.rows import ChainRows
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Code, Verdict
from app.services.chain.verify.report import EVERYTHING, Report, Section
from app.services.chain.verify.source import CannotVerify
from app.services.chain.where import InFile
from models.engine import OwnEntry
from models.errors import FileLocked, TableMissing
from tests.conftest import NOW
from tests.fixtures.chains import append
from tests.fixtures.checkpoints import VERIFY, kept, sign, try_to_sign, verify
from tests.fixtures.connected import execute
from tests.fixtures.sample import sample

DROPPED = ("DROP TABLE audit_chain",)
RENAMED = ("ALTER TABLE audit_chain RENAME TO kept",)
BY_A_VIEW = (*RENAMED, "CREATE VIEW audit_chain AS SELECT * FROM kept")
WITHOUT_A_COLUMN = ("ALTER TABLE audit_chain RENAME COLUMN payload TO content",)
OTHERWISE = (
    "CREATE TABLE kept AS SELECT * FROM audit_chain",
    *DROPPED,
    "ALTER TABLE kept RENAME TO audit_chain",
)
EMPTIED = ("DELETE FROM audit_chain", "DELETE FROM sqlite_sequence WHERE name = 'audit_chain'")


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=60)


def verify_by_itself(path: Path, folder: Path, **options: bool) -> Report:
    store = CheckpointStore(folder)
    how = {"now": NOW, "by": "ops", "sign": False} | options
    return making.verify_by_itself(InFile(path), store, VERIFY, **how).report  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [DROPPED, RENAMED, BY_A_VIEW, WITHOUT_A_COLUMN, OTHERWISE])
def test_it_has_lost_all_that_checkpoints_know_as_one_without_rows(
    demo: Path, tmp_path: Path, how: tuple[str, ...]
) -> None:
    emptied, folder = sample(tmp_path / "emptied.sqlite", rows=60), tmp_path / "checkpoints"
    sign(emptied, tmp_path / "others", now=NOW)
    execute(emptied, *EMPTIED)
    expected = verify(emptied, tmp_path / "others", now=NOW)
    sign(demo, folder, now=NOW, by="ops")
    assert verify_by_itself(demo, folder).stands
    execute(demo, *how)
    for report in (verify(demo, folder, now=NOW), verify_by_itself(demo, folder)):
        assert (report.verdict, report.entries, report.lacks_table) == (Verdict.TAMPERED, 0, True)
        is_table = how in (WITHOUT_A_COLUMN, OTHERWISE)
        assert ("and no row of it counts as an entry" in report.notes[0]) is is_table
        assert (report.notes[0] == NOTE) is not is_table and report.lost_end is None
        assert [(one.code, one.tenant) for one in report.findings] == [
            (Code.TRUNCATED, one.tenant) for one in expected.findings
        ]
    of_one = verify(demo, folder, now=NOW, section=Section("acme-corp"))
    assert [one.tenant for one in of_one.findings] == ["acme-corp"]
    refused = sign(demo, folder, now=NOW)
    assert refused.checkpoint is None and "is broken, so no checkpoint was made" in str(refused.why_not)
    tried = try_to_sign(demo, folder, now=NOW)
    assert "acme-corp" in tried.held and kept(demo, folder) == 1


@pytest.mark.parametrize("how", [DROPPED, BY_A_VIEW, WITHOUT_A_COLUMN, OTHERWISE])
def test_it_has_lost_the_end_that_was_verified_until_somebody_accepts_that(
    demo: Path, tmp_path: Path, how: tuple[str, ...]
) -> None:
    folder = tmp_path / "checkpoints"
    assert verify_by_itself(demo, folder).lost_end is None
    last = (store := CheckpointStore(folder)).verdicts.last(InFile(demo))
    assert last is not None
    execute(demo, *how)
    end = lost_ends.lost_end_of(InFile(demo), store, last)
    assert end is not None and (end.through, end.ends_at) == (60, 0)
    for _ in range(2):
        report = verify_by_itself(demo, folder, sign=True)
        assert report.lost_end is not None and not report.stands
        assert (report.lost_end.through, report.lost_end.ends_at) == (60, 0)
    assert not kept(demo, folder)
    assert verify_by_itself(demo, folder, accepts_end=True).stands
    assert not is_known(InFile(demo), CheckpointStore(folder))
    if how in (WITHOUT_A_COLUMN, OTHERWISE):
        with pytest.raises(CannotVerify):
            verify_by_itself(demo, folder)
    else:
        assert_there_is_none(demo, folder)


def assert_there_is_none(path: Path, folder: Path) -> None:
    """Where somebody has said that this is right."""
    for report in (verify(path, folder, now=NOW), verify_by_itself(path, folder)):
        assert (report.stands, report.entries, report.lacks_table) == (True, 0, True)
        assert report.notes[0] == NOTE


def other_file(path: Path) -> None:
    """Puts a copy in its place, as editors do it."""
    copy = path.with_name("copy")
    execute(path, f"VACUUM INTO '{copy}'")
    copy.rename(path)


def test_an_earlier_state_whose_table_is_dropped_has_lost_the_end_that_was_verified(
    demo: Path, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "checkpoints", tmp_path / "copy.sqlite"
    sign(demo, folder, now=NOW, by="ops")
    copyfile(demo, copy)
    with closing(apsw.Connection(str(demo))) as connection:
        append(connection, "acme-corp", [NOW])
    assert sign(demo, folder, now=NOW, by="ops").checkpoint == 2
    assert verify(copy, folder, now=NOW, by="ops").verdict is Verdict.EARLIER
    execute(copy, *DROPPED)
    for section in (EVERYTHING, Section("acme-corp")):
        report = verify(copy, folder, now=NOW, by="ops", section=section)
        assert (report.stands, report.lacks_table) == (False, True)
        assert report.lost_end is not None and (report.lost_end.through, report.lost_end.ends_at) == (60, 0)


@pytest.mark.parametrize("is_other", [False, True], ids=["the file", "a copy in its place"])
def test_what_was_known_of_one_tenant_alone_is_lost_with_the_table(
    demo: Path, tmp_path: Path, is_other: bool
) -> None:
    folder = tmp_path / "checkpoints"
    alone = verify(demo, folder, now=NOW, section=Section("acme-corp"), by="ops")
    execute(demo, *DROPPED)
    if is_other:
        other_file(demo)
    for section in (Section(first=1, last=2), Section("system"), EVERYTHING, EVERYTHING):
        report = verify(demo, folder, now=NOW, by="ops", section=section)
        assert report.lost_end is not None and report.lacks_table
        assert (report.lost_end.through, report.lost_end.tenant) == (alone.tenants[0].last_seq, "acme-corp")


@pytest.mark.parametrize("is_other", [False, True], ids=["the file", "a copy in its place"])
def test_what_was_made_here_is_lost_with_the_table(demo: Path, tmp_path: Path, is_other: bool) -> None:
    folder = tmp_path / "checkpoints"
    own = OwnEntry("acme-corp", 60, "h" * 64, NOW, "User made")
    CheckpointStore(folder).verdicts.own.keep(InFile(demo), [own])
    execute(demo, *DROPPED)
    if is_other:
        other_file(demo)
    for section in (EVERYTHING, Section("acme-corp")):
        report = verify(demo, folder, now=NOW, by="ops", section=section)
        assert report.lost_end is not None and "entry 60 (User made), made here" in report.notes[-1]


def test_a_copy_in_its_place_has_lost_what_was_verified_there(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert verify_by_itself(demo, folder).stands
    execute(demo, *DROPPED)
    other_file(demo)
    report = verify_by_itself(demo, folder)
    assert report.lost_end is not None and (report.lost_end.through, report.lacks_table) == (60, True)


def test_a_copy_in_its_place_whose_ledger_cannot_be_read_counts_as_the_same(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss is not passed over because a file is busy for a moment."""
    folder, store = tmp_path / "checkpoints", CheckpointStore(tmp_path / "checkpoints")
    assert verify_by_itself(demo, folder).stands
    execute(demo, *DROPPED)
    other_file(demo)
    verdicts = store.verdicts
    assert (said := verdicts.said_before(InFile(demo))[0]) is not None and said.ledger

    def busy(_: ChainRows) -> str:
        raise FileLocked(demo)

    monkeypatch.setattr(ChainRows, "ledger", busy)
    assert verdicts.said_before(InFile(demo)) == (said, None) and verdicts.ends(InFile(demo)).ends
    assert is_known(InFile(demo), store)


def test_of_one_of_which_nothing_was_known_it_is_said_to_be_missing(demo: Path, tmp_path: Path) -> None:
    execute(demo, *DROPPED)
    for look in (verify_by_itself, partial(sign, now=NOW), partial(verify, now=NOW)):
        with pytest.raises(TableMissing):
            look(demo, tmp_path / "checkpoints")


def test_a_person_may_start_over_without_it(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    sign(demo, folder, now=NOW, by="ops")
    execute(demo, *DROPPED)
    made = sign(demo, folder, now=NOW, reason=Reason.START_OVER, by="ops")
    assert (made.checkpoint, made.report.verdict) == (2, Verdict.CONSISTENT)
    assert_there_is_none(demo, folder)
    again = sign(demo, folder, now=NOW)
    assert (again.checkpoint, again.report.stands) == (None, True)


@pytest.mark.parametrize(
    ("how", "back"),
    [
        (RENAMED, "ALTER TABLE kept RENAME TO audit_chain"),
        (WITHOUT_A_COLUMN, "ALTER TABLE audit_chain RENAME COLUMN content TO payload"),
    ],
)
def test_it_holds_again_where_it_is_put_back(
    demo: Path, tmp_path: Path, how: tuple[str, ...], back: str
) -> None:
    folder = tmp_path / "checkpoints"
    sign(demo, folder, now=NOW, by="ops")
    execute(demo, *how)
    assert verify_by_itself(demo, folder).verdict is Verdict.TAMPERED
    execute(demo, back)
    assert verify_by_itself(demo, folder).stands
