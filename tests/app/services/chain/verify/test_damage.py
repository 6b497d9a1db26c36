"""Files damaged underneath SQLite: what cannot be read is named exactly, and all the rest is judged."""

import json
import os
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Finding, Verdict
from app.services.chain.verify import source
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile
from app.workers.scan_pool import verify
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.app.services.chain.verify.pages import Pages
from tests.conftest import NOW

TENANT = "tenant-00"
LINKS = {"LINK", "FORK", "DUPLICATE", "RESTART", "ORDER", "CROSS_TENANT", "UNPROVEN_START"}


def build(
    path: Path, *, rows: int = 200, tenants: int = 3, page_size: int = 4096, step: int = 1
) -> ChainFile:
    chain = ChainFile.build(path, rows=rows, tenants=tenants, step=step)
    chain.run(f"PRAGMA page_size = {page_size}")
    chain.run("VACUUM")
    return chain


def closed(chain: ChainFile) -> Pages:
    chain.sql.close()
    return Pages(chain.path)


def gaps(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == "UNREADABLE"]


def missing(report: Report, *lost: list[int], of: int = 600) -> None:
    """The report misses these stretches of rows and nothing else, and blames nobody for it."""
    assert report.verdict == Verdict.UNREADABLE
    assert report.entries == of - sum(len(rows) for rows in lost)
    assert [finding.seq for finding in gaps(report)] == [rows[0] for rows in lost]
    for finding, rows in zip(gaps(report), lost, strict=True):
        which = f"Entries {rows[0]:,} to {rows[-1]:,}" if rows[1:] else f"Entry {rows[0]:,}"
        assert finding.message == f"{which} could not be read: the file is damaged there."
    assert codes(report) == {"UNREADABLE"}
    assert {tenant.verdict for tenant in report.tenants} == {Verdict.UNREADABLE}


@pytest.fixture
def few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search for what can be read behind the last row, where nothing is, ends soon."""
    monkeypatch.setattr(source, "MOST_LOOKS", 20_000)


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize("byte", [None, 0, 255])
@pytest.mark.parametrize("where", [0, 1, 20, -2, -1])
def test_a_damaged_leaf(tmp_path: Path, where: int, byte: int | None) -> None:
    pages = closed(build(tmp_path / "a.db"))
    leaf = pages.leaves[where]
    assert 5 < len(leaf.rows) < 30
    pages.overwrite(leaf.number, byte=byte)
    missing(verify(InFile(pages.path), now=NOW, take_part=True), leaf.rows)


def test_several_damaged_leaves(tmp_path: Path) -> None:
    pages = closed(build(tmp_path / "a.db"))
    lost = [pages.leaves[number] for number in (0, 3, 4, 6, 11, 12, 13, 30)]
    pages.overwrite(*(leaf.number for leaf in lost))
    rows = [leaf.rows for leaf in lost]
    together = [rows[0], rows[1] + rows[2], rows[3], rows[4] + rows[5] + rows[6], rows[7]]
    missing(verify(InFile(pages.path), now=NOW, take_part=True), *together)


def test_a_damaged_interior_page(tmp_path: Path) -> None:
    pages = closed(build(tmp_path / "a.db", page_size=512))
    lost = pages.interior[3]
    assert 20 < len(lost.rows) < 200
    pages.overwrite(lost.number)
    missing(verify(InFile(pages.path), now=NOW, take_part=True), lost.rows)


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 1_000, 10**12])
def test_numbers_far_apart(tmp_path: Path, step: int) -> None:
    """The stretch named reaches up to where the table can be read again."""
    pages = closed(build(tmp_path / "a.db", page_size=512, step=step))
    lost = pages.interior[3].rows
    pages.overwrite(pages.interior[3].number)
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert (report.entries, codes(report)) == (600 - len(lost), {"UNREADABLE"})
    (gap,) = gaps(report)
    assert gap.message.startswith(f"Entries {lost[0] - step + 1:,} to {lost[-1]:,} could not be read")


@pytest.mark.parametrize("which", [0, 1, -2])
def test_a_damaged_overflow_page_costs_one_row(tmp_path: Path, which: int) -> None:
    chain = build(tmp_path / "a.db", rows=20, tenants=2)
    chain.append(TENANT, payload=json.dumps({"text": "x" * 30_000}))
    for _ in range(20):
        chain.append(TENANT)
    pages = closed(chain)
    pages.overwrite(pages.overflow[41][which])
    missing(verify(InFile(pages.path), now=NOW, take_part=True), [41], of=61)


@pytest.mark.parametrize("seq", [1, 41])
def test_the_first_or_last_row_alone(tmp_path: Path, seq: int) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for number in range(41):
        chain.append(TENANT, payload=json.dumps("x" * (30_000 if number in (0, 40) else 10)))
    pages = closed(chain)
    pages.overwrite(pages.overflow[seq][1])
    missing(verify(InFile(pages.path), now=NOW, take_part=True), [seq], of=41)


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize(
    ("keep", "odd"), [(0.25, 0), (0.25, 4_095), (0.5, 1_000), (0.75, 1), (0.99, 0), (0.99, 1_000)]
)
def test_a_file_cut_short(tmp_path: Path, keep: float, odd: int) -> None:
    pages = closed(build(tmp_path / "a.db"))
    size = int(len(pages.data) * keep) // 4096 * 4096 + odd
    pages.path.write_bytes(pages.data[:size])
    whole = [seq for leaf in pages.leaves if leaf.number * 4096 <= size for seq in leaf.rows]
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert report.verdict == Verdict.UNREADABLE or (report.intact and report.entries == 600)
    assert len(whole) <= report.entries <= len(whole) + 30  # of a page cut, the rows that are left
    assert pages.path.read_bytes() == pages.data[:size]
    blamed = [finding for finding in report.findings if finding.code != "UNREADABLE"]
    assert all(finding.seq not in whole for finding in blamed)


def test_what_is_wrong_elsewhere_is_found_as_well(tmp_path: Path) -> None:
    """Hashes before, between and behind the damage; links wherever both neighbours can be read."""
    chain = build(tmp_path / "a.db")
    leaves = Pages(chain.path).leaves
    edited = [leaves[1].rows[2], leaves[7].rows[0], leaves[7].rows[-1], leaves[-1].rows[-1]]
    for seq in edited:
        chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seq)
    removed = leaves[15].rows[4]
    tenant = chain.one("SELECT tenant_id FROM audit_chain WHERE seq = ?", removed)[0]
    behind = next(seq for seq in chain.seqs(tenant) if seq > removed)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", removed)
    pages = closed(chain)
    lost = [pages.leaves[5], pages.leaves[10]]
    pages.overwrite(*(leaf.number for leaf in lost))
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert report.verdict == Verdict.UNREADABLE
    assert [(item.code, item.seq) for item in report.findings if item.code == "HASH"] == [
        ("HASH", seq) for seq in edited
    ]
    assert [(item.code, item.seq) for item in report.findings if item.code in LINKS] == [("LINK", behind)]
    assert [item.seq for item in gaps(report)] == [leaf.rows[0] for leaf in lost]
    blamed = {item.tenant for item in report.findings if item.code != "UNREADABLE"}
    assert {item.tenant for item in report.tenants if item.verdict == Verdict.TAMPERED} == blamed
    assert report.counts == {"HASH": 4, "LINK": 1, "UNREADABLE": 2}


def test_a_row_removed_beside_the_damage_is_not_judged(tmp_path: Path) -> None:
    """Across the gap nothing is known, and the link behind the next row of the tenant is judged again."""
    chain = build(tmp_path / "a.db", tenants=1, rows=600)
    leaf = Pages(chain.path).leaves[8]
    chain.run("DELETE FROM audit_chain WHERE seq = ?", leaf.rows[-1] + 1)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", leaf.rows[-1] + 3)
    pages = closed(chain)
    pages.overwrite(leaf.number)
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert [(item.code, item.seq) for item in report.findings] == [
        ("UNREADABLE", leaf.rows[0]),
        ("LINK", leaf.rows[-1] + 4),
    ]


@pytest.mark.parametrize("table", ["idx_audit_tenant", "idx_audit_type", "sqlite_sequence"])
def test_what_stands_beside_the_table_does_not_matter(tmp_path: Path, table: str) -> None:
    chain = build(tmp_path / "a.db")
    root = chain.one("SELECT rootpage FROM sqlite_master WHERE name = ?", table)[0]
    pages = closed(chain)
    pages.overwrite(root)
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert (report.verdict, report.entries, report.findings) == (Verdict.CONSISTENT, 600, ())
    alone = verify(InFile(pages.path), now=NOW, take_part=True, section=Section(TENANT))
    assert (alone.verdict, alone.entries) == (Verdict.CONSISTENT, 200)
    part = verify(InFile(pages.path), now=NOW, take_part=True, section=Section(first=300, last=400))
    assert (part.verdict, part.entries) == (Verdict.CONSISTENT, 101)


@pytest.mark.slow
@pytest.mark.usefixtures("few_looks")
def test_neither_index_nor_counter_nor_the_ends_of_the_table(tmp_path: Path) -> None:
    chain = build(tmp_path / "a.db")
    roots = [
        chain.one("SELECT rootpage FROM sqlite_master WHERE name = ?", name)[0]
        for name in ("idx_audit_tenant", "idx_audit_type", "sqlite_sequence")
    ]
    pages = closed(chain)
    first, last = pages.leaves[0], pages.leaves[-1]
    pages.overwrite(*roots, first.number, last.number)
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert report.entries == 600 - len(first.rows) - len(last.rows)
    assert [item.message.partition(" could")[0] for item in gaps(report)] == [
        f"Entries 1 to {first.rows[-1]}",
        f"The entries from {last.rows[0]} on",
    ]
    assert codes(report) == {"UNREADABLE"}


@pytest.mark.slow
def test_nothing_left_to_read(tmp_path: Path) -> None:
    pages = closed(build(tmp_path / "a.db", step=10**9))
    pages.overwrite(pages.all[0].number)
    started = time.process_time()
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert (report.verdict, report.entries, report.tenants) == (Verdict.UNREADABLE, 0, ())
    assert [item.seq for item in gaps(report)] == [1]
    assert time.process_time() - started < 10, "a billion numbers are not asked one by one"


@pytest.mark.slow
def test_every_other_leaf_damaged(tmp_path: Path) -> None:
    """More gaps than are named one by one; every row between them is judged nevertheless."""
    chain = build(tmp_path / "a.db", rows=5_000, page_size=512)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq > 14000")
    pages = closed(chain)
    lost = pages.leaves[::2]
    pages.overwrite(*(leaf.number for leaf in lost))
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert report.entries == 15_000 - sum(len(leaf.rows) for leaf in lost)
    assert report.counts["HASH"] == sum(1 for leaf in pages.leaves[1::2] for seq in leaf.rows if seq > 14_000)
    assert len(gaps(report)) == 1_000
    assert "could not all be read" in gaps(report)[-1].message
    assert codes(report) == {"UNREADABLE", "HASH"}


def test_damage_across_the_cut_of_two_ranges(tmp_path: Path) -> None:
    chain = build(tmp_path / "a.db")
    leaf = Pages(chain.path).leaves[12]
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", leaf.rows[-1] + 2)
    pages = closed(chain)
    pages.overwrite(leaf.number)
    chain = ChainFile(pages.path)
    whole = chain.verify()
    for cut in (leaf.rows[0], leaf.rows[3], leaf.rows[-1], leaf.rows[-1] + 1):
        report = chain.verify_cut([1, cut, 601])
        assert (report.findings, report.tenants) == (whole.findings, whole.tenants)


@pytest.mark.slow
def test_a_damaged_file_of_many_rows_in_several_processes(tmp_path: Path) -> None:
    pages = closed(build(tmp_path / "a.db", rows=22_000, tenants=2))
    lost = [pages.leaves[number] for number in (100, 1_000, 1_001, 2_000)]
    pages.overwrite(*(leaf.number for leaf in lost))
    for take_part in (False, True):
        report = verify(InFile(pages.path), now=NOW, processes=2, take_part=take_part)
        rows = [leaf.rows for leaf in lost]
        missing(report, rows[0], rows[1] + rows[2], rows[3], of=44_000)


def test_one_tenant_of_a_damaged_file(tmp_path: Path) -> None:
    chain = build(tmp_path / "a.db")
    own = chain.seqs(TENANT)
    pages = closed(chain)
    leaf = pages.leaves[9]
    pages.overwrite(leaf.number)
    report = verify(InFile(pages.path), now=NOW, take_part=True, section=Section(TENANT))
    missing(report, leaf.rows, of=200 + len(leaf.rows) - len(set(own) & set(leaf.rows)))


def test_rows_in_another_order_than_their_numbers_say(tmp_path: Path) -> None:
    """Two leaves changed places: what is met out of order is not taken for tampering."""
    pages = closed(build(tmp_path / "a.db"))
    data = bytearray(pages.data)
    one, other = (slice((leaf.number - 1) * 4096, leaf.number * 4096) for leaf in pages.leaves[6:8])
    data[one], data[other] = pages.data[other], pages.data[one]
    pages.path.write_bytes(data)
    report = verify(InFile(pages.path), now=NOW, take_part=True)
    assert (report.verdict, codes(report)) == (Verdict.UNREADABLE, {"UNREADABLE"})
    assert report.entries >= 600 - len(pages.leaves[6].rows) - len(pages.leaves[7].rows)


def test_cancel_takes_effect_while_it_looks_for_rows(tmp_path: Path) -> None:
    pages = closed(build(tmp_path / "a.db", step=10**9))
    pages.overwrite(pages.all[0].number)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(Cancelled):
        verify(InFile(pages.path), now=NOW, take_part=True, monitor=Monitor(cancelled=cancelled))
    assert asked == 3


@pytest.mark.slow
@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize("where", [0, 5, -1])
def test_checkpoints_blame_nobody_for_the_damage(tmp_path: Path, where: int) -> None:
    """Entries that a checkpoint knows are not gone while they may be among those that cannot be read."""
    chain = build(tmp_path / "a.db")
    store = CheckpointStore(tmp_path / "home")
    for _ in range(2):
        report = verify(InFile(chain.path), now=NOW, checkpoints=store.known(InFile(chain.path)), seal=True)
        store.create(InFile(chain.path), report, now=NOW, reason=Reason.VERIFY)
        chain.append(TENANT)
    history = store.known(InFile(chain.path))
    pages = Pages(chain.path)
    leaf = pages.leaves[where]
    pages.overwrite(leaf.number)
    report = verify(InFile(chain.path), now=NOW, take_part=True, checkpoints=history)
    assert (report.verdict, codes(report)) == (Verdict.UNREADABLE, {"UNREADABLE"})
    assert report.entries == 602 - len(leaf.rows)


@pytest.mark.slow
@pytest.mark.parametrize("where", [0, 5])
def test_checkpoints_still_see_a_rewritten_chain(tmp_path: Path, where: int) -> None:
    chain = build(tmp_path / "a.db")
    store = CheckpointStore(tmp_path / "home")
    report = verify(InFile(chain.path), now=NOW, seal=True)
    store.create(InFile(chain.path), report, now=NOW, reason=Reason.VERIFY)
    history = store.known(InFile(chain.path))
    middle = chain.seqs(TENANT)[100]
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", chain.seqs(TENANT)[101])
    chain.rehash(TENANT, after=middle)
    pages = closed(chain)
    pages.overwrite(pages.leaves[where].number)
    report = verify(InFile(pages.path), now=NOW, take_part=True, checkpoints=history)
    assert (report.verdict, codes(report)) == (Verdict.UNREADABLE, {"UNREADABLE", "CHECKPOINT"})
    assert [item.verdict for item in report.tenants if item.tenant == TENANT] == [Verdict.TAMPERED]


def touched(pages: Pages, first: int, last: int) -> set[int]:
    """The rows on, beneath, or reaching over the pages of these bytes."""
    numbers = {at // pages.size + 1 for at in (first, last)}
    rows = {seq for page in pages.all if page.number in numbers for seq in page.rows}
    return rows | {seq for seq, chain in pages.overflow.items() if numbers & set(chain)}


@pytest.mark.slow
@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize("page_size", [512, 4096])
def test_random_damage_never_raises_nor_blames_what_is_sound(tmp_path: Path, page_size: int) -> None:
    """Pages overwritten in whole or in part: what is missing shows, and only what was hit is blamed."""
    rng = random.Random(page_size)
    chain = build(tmp_path / "a.db", page_size=page_size)
    for number in range(6):
        chain.append(TENANT, payload=json.dumps("y" * 3_000 * number))
    successors: dict[int, int] = {}
    written: set[int] = set()
    for tenant in ("tenant-00", "tenant-01", "tenant-02"):
        written |= set(chain.seqs(tenant))
        successors |= dict(pairwise(chain.seqs(tenant)))
    pages, called = closed(chain), set[bool]()
    for _ in range(int(os.environ.get("TENANT_ADMIN_MUTANTS", "30"))):
        data = bytearray(pages.data)
        at = rng.randrange(page_size, len(data))
        size = min(rng.choice([1, 2, 16, page_size]), page_size - at % page_size)
        if size == page_size or rng.random() < 0.3:
            at -= at % page_size
        data[at : at + size] = rng.choice([rng.randbytes(size), bytes(size)])
        pages.path.write_bytes(data)
        hit = touched(pages, at, at + size - 1)
        may = hit | {successors[seq] for seq in hit if seq in successors}
        try:
            report = verify(InFile(pages.path), now=NOW, take_part=True)
        except TenantAdminError:
            continue
        assert report.entries == 606 or not report.intact, (at, size)
        called.add(report.intact)
        for finding in report.findings:
            if finding.tenant is not None and finding.code not in ("UNREADABLE", "INDEX"):
                # A page of zeros reads as entries that never were; those are nobody's.
                blamed = finding.seq in written
                excused = may if finding.code in LINKS | {"TIME"} else hit
                assert not blamed or finding.seq in excused, (at, size, finding)
    assert called == {True, False}, "not all damage shows, nor is every file called damaged"
