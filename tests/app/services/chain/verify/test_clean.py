"""No false alarm: whatever an honest platform writes is intact."""

import json
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.services.chain import rules as platform
from app.services.chain.entry import is_json
from app.services.chain.rules import GENESIS, Anchor, Verdict, stored_hash
from app.services.chain.verify import scan
from app.services.chain.verify.report import Section
from models.errors import FileReplaced
from models.progress import Monitor
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW

SIZES = [(1, 1), (2, 1), (50, 1), (5_000, 1), (1, 40), (2, 40), (50, 40)]


@pytest.mark.parametrize(("rows", "tenants"), SIZES)
def test_a_clean_chain_is_consistent(tmp_path: Path, rows: int, tenants: int) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=rows, tenants=tenants)
    report = chain.verify()
    assert (report.verdict, report.findings, report.found) == (Verdict.CONSISTENT, (), 0)
    assert report.entries == rows * tenants
    assert [tenant.entries for tenant in report.tenants] == [rows] * tenants
    for tenant in report.tenants:
        seqs = chain.seqs(tenant.tenant)
        assert (tenant.first_seq, tenant.last_seq) == (seqs[0], seqs[-1])
        assert (tenant.head, str(tenant.anchor)) == (chain.head(tenant.tenant), "genesis")
        assert (tenant.verdict, tenant.not_covered) == (Verdict.CONSISTENT, rows)


def test_an_empty_table_is_consistent(tmp_path: Path) -> None:
    report = ChainFile(tmp_path / "a.db").verify()
    assert (report.verdict, report.entries, report.tenants) == (Verdict.CONSISTENT, 0, ())


def test_gaps_in_seq_are_no_finding(tmp_path: Path) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for number in range(30):
        chain.append(f"t{number % 3}", seq=1 + number * number * 1_000_000_007)
    assert chain.verify().verdict == Verdict.CONSISTENT


def test_a_failed_insert_moves_no_counter(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    with pytest.raises(apsw.ConstraintError):
        chain.run(
            "INSERT INTO audit_chain (tenant_id,event_type,payload,previous_hash,hash,created_at) "
            "VALUES ('t','e','{}',NULL,'h',1)"
        )
    assert chain.verify().verdict == Verdict.CONSISTENT


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2, 50, 5_000])
def test_pruned_chains_start_at_their_marker(tmp_path: Path, rows: int) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=rows, tenants=3)
    for tenant in ("tenant-00", "tenant-01"):
        seqs = chain.seqs(tenant)
        chain.prune(tenant, seqs[len(seqs) // 3])
        chain.prune(tenant, seqs[len(seqs) // 2])
        last = chain.one("SELECT max(seq) FROM audit_chain")[0]
        chain.prune(tenant, last - 1)  # the older marker and all old rows but the newest
    report = chain.verify()
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    anchors = [str(tenant.anchor) for tenant in report.tenants]
    assert anchors[2] == "genesis"
    assert str(anchors[0]).startswith("marker:")


def test_everything_pruned_but_the_marker_itself(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=5)
    chain.prune("tenant-00", 5)
    report = chain.verify()
    assert report.verdict == Verdict.CONSISTENT
    assert report.tenants[0].anchor == Anchor("marker", 6, 5)


def test_two_tenants_with_the_same_rows_are_no_finding(tmp_path: Path) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for number in range(6):
        chain.append("a", at=NOW - 100 + number)
        chain.append("b", at=NOW - 100 + number)
    chain.prune("a", 5)
    assert chain.verify().verdict == Verdict.CONSISTENT


def test_a_row_of_megabytes_is_fine(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=2)
    chain.append("tenant-00", payload=json.dumps({"text": "ü" * 3_000_000}, ensure_ascii=False))
    chain.append("tenant-00")
    assert chain.verify().verdict == Verdict.CONSISTENT


@pytest.mark.slow
def test_json_deeper_than_sqlite_reads_is_still_json(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=2)
    chain.append("tenant-00", payload='{"a":[' * 20_000 + "1" + "]}" * 20_000)
    chain.append("tenant-00")
    assert chain.verify().verdict == Verdict.CONSISTENT


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_file_in_another_encoding(tmp_path: Path, encoding: str) -> None:
    chain = ChainFile.encoded(tmp_path / "a.db", encoding)
    for number in range(5):
        chain.append("ä", payload=json.dumps({"n": number, "t": "日本"}, ensure_ascii=False))
    assert chain.verify().verdict == Verdict.CONSISTENT


def test_the_formula_is_the_platforms() -> None:
    assert GENESIS == platform.GENESIS
    for previous, event, payload, at in [(GENESIS, "e", "{}", 0), ("a" * 64, "ä:b", '{"日":"\x00"}', -5)]:
        ours = stored_hash(previous.encode(), event.encode(), payload.encode(), str(at).encode())
        assert ours == platform.entry_hash(previous, event, payload, at)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(json_values, st.sampled_from([None, (",", ":")]), st.booleans())
def test_what_is_json(value: object, separators: tuple[str, str] | None, ascii_only: bool) -> None:
    assert is_json(json.dumps(value, separators=separators, ensure_ascii=ascii_only))


@pytest.mark.slow
@given(st.text(alphabet='{}[]",:0123456789.eE+- tfnulrasu\\', max_size=12))
def test_what_is_not_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda name: 1 / 0)
        valid = True
    except (ValueError, ZeroDivisionError):
        valid = False
    assert is_json(text) == valid


tenant_names = st.text(min_size=0, max_size=6).filter(lambda name: "\0" not in name)
events = st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True).filter(lambda name: name != "audit_pruned")
written_rows = st.lists(
    st.tuples(st.integers(0, 3), events, json_values, st.integers(0, 5), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tenant_names, min_size=4, max_size=4, unique=True), written_rows, st.data())
def test_nothing_that_an_honest_platform_writes_raises_an_alarm(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    written: list[tuple[int, str, object, int, int]],
    data: st.DataObject,
) -> None:
    chain = ChainFile(tmp_path_factory.mktemp("clean") / "a.db")
    at, seq = NOW - 1_000, 0
    for tenant, event, value, pause, gap in written:
        at, seq = at + pause, seq + 1 + gap
        payload = json.dumps(value, ensure_ascii=False)
        try:
            payload.encode()
        except UnicodeEncodeError:
            payload = json.dumps(value)
        chain.append(names[tenant], event, payload, at, seq=seq)
        if gap == 9 and len(chain.seqs(names[tenant])) > 1:
            at, seq = at + 1, seq + 1
            chain.prune(names[tenant], chain.seqs(names[tenant])[-2], at)
    report = chain.verify()
    assert (report.verdict, report.findings) == (Verdict.CONSISTENT, ())
    cuts = sorted({1, seq + 1, *data.draw(st.lists(st.integers(1, seq + 1), max_size=4))})
    cut = chain.verify_cut(cuts)
    assert (cut.verdict, cut.findings, cut.tenants) == (report.verdict, (), report.tenants)
    assert codes(report) == set()


@pytest.mark.slow
@pytest.mark.parametrize("tenant", [None, "tenant-07"])
def test_a_scan_that_pauses_for_writers_gets_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tenant: str | None
) -> None:
    """Interrupted at every turn, also where no row of the tenant comes for long."""
    monkeypatch.setattr(scan, "HOLD_SECONDS", 1e-9)
    monkeypatch.setattr(scan, "TICK_STEPS", 50)
    chain = ChainFile.build(tmp_path / "a.db", rows=300, tenants=8)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq % 7 = 0")
    report = chain.verify(section=Section(tenant))
    monkeypatch.undo()
    assert replace(report, seconds=0) == replace(chain.verify(section=Section(tenant)), seconds=0)


@pytest.mark.parametrize("first", [0, -1, -5, -70_000])
def test_entries_numbered_from_below_one(tmp_path: Path, first: int) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for number in range(6):
        chain.append("acme", seq=first + number)
    report = chain.verify()
    assert (report.verdict, report.findings, report.entries) == (Verdict.CONSISTENT, (), 6)


def test_a_file_that_is_replaced_meanwhile_is_not_verified_in_its_place(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=30)
    other = ChainFile.build(tmp_path / "b.db", rows=30, seed=2)

    def replace(done: int, total: int) -> None:
        if other.path.exists():
            other.path.replace(chain.path)

    with pytest.raises(FileReplaced):
        chain.verify(monitor=Monitor(replace))
    assert chain.verify().verdict is Verdict.CONSISTENT
