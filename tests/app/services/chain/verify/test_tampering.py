"""Every code (app/services/chain/README.md) that needs no checkpoint, on chains short and long."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from app.services.chain.rules import Code, Verdict
from app.services.chain.verify.report import Section
from tests.app.services.chain.verify.chains import ChainFile, Cut, codes, sizes
from tests.conftest import NOW
from tests.fixtures.chains import GENESIS, digest
from tests.fixtures.inserting import INTO_AUDIT_CHAIN

CHAINS = [(50, 1)]
MORE = [(1, 1), (2, 1), (1, 40), (2, 40), (5_000, 1), (50, 40), (125, 40)]
TENANT = "tenant-00"


@pytest.fixture(params=sizes(CHAINS, MORE))
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> ChainFile:
    rows, tenants = request.param
    return ChainFile.build(tmp_path / "a.db", rows=rows, tenants=tenants)


def middle(chain: ChainFile) -> int:
    seqs = chain.seqs(TENANT)
    return seqs[len(seqs) // 2]


def at_least(chain: ChainFile, rows: int) -> None:
    """Lets the chain grow so that the case can be made in it."""
    while len(chain.seqs(TENANT)) < rows:
        chain.append(TENANT)


def found(chain: ChainFile, *expected: str, seq: int | None = None) -> None:
    report = chain.verify()
    assert set(expected) <= codes(report), report.findings[:5]
    assert report.verdict == Verdict.TAMPERED
    assert not report.intact
    if seq is not None:
        assert seq in {finding.seq for finding in report.findings if finding.code == expected[0]}
    last = chain.one("SELECT max(seq) FROM audit_chain")[0]
    cut = chain.verify_cut(sorted({1, last // 3 + 1, last // 2 + 1, last + 1}))
    assert cut.tenants == report.tenants
    assert [item for item in cut.findings if item.seq] == [item for item in report.findings if item.seq]


@pytest.mark.parametrize("column", ["payload", "event_type", "created_at"])
def test_an_edited_row(chain: ChainFile, column: str) -> None:
    seq = middle(chain)
    value = {"payload": '{"id":"y"}', "event_type": "user_deleted", "created_at": 1_700_000_001}[column]
    chain.run(f"UPDATE audit_chain SET {column} = ? WHERE seq = ?", value, seq)
    found(chain, "HASH", seq=seq)


def test_an_edited_hash(chain: ChainFile) -> None:
    at_least(chain, 2)
    first, second = chain.seqs(TENANT)[:2]
    chain.run("UPDATE audit_chain SET hash = ? WHERE seq = ?", "a" * 64, first)
    found(chain, "HASH", seq=first)
    found(chain, "LINK", seq=second)


def test_an_edited_previous_hash(chain: ChainFile) -> None:
    at_least(chain, 2)
    seq = chain.seqs(TENANT)[-1]
    chain.run("UPDATE audit_chain SET previous_hash = ? WHERE seq = ?", "a" * 64, seq)
    found(chain, "HASH", "LINK", seq=seq)


def test_a_row_inside_deleted(chain: ChainFile) -> None:
    at_least(chain, 3)
    seqs = chain.seqs(TENANT)
    at = max(1, len(seqs) // 2)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", seqs[at])
    found(chain, "LINK", seq=seqs[at + 1])


def test_a_tail_cut_off(chain: ChainFile) -> None:
    at_least(chain, 2)
    chain.run("DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    found_counter(chain)


def test_everything_gone_is_unproven_as_the_platforms_own_cleanup_leaves_it(chain: ChainFile) -> None:
    chain.run("DELETE FROM audit_chain")
    report = chain.verify()
    assert (codes(report), report.verdict) == ({"UNPROVEN_START"}, Verdict.UNPROVEN_START)
    assert not report.intact


def found_counter(chain: ChainFile) -> None:
    report = chain.verify()
    assert "SEQUENCE_COUNTER" in codes(report)
    assert report.verdict == Verdict.TAMPERED
    assert "SEQUENCE_COUNTER" in codes(chain.verify(section=Section(TENANT)))


def test_a_fork(chain: ChainFile) -> None:
    at_least(chain, 2)
    first = chain.seqs(TENANT)[0]
    previous = chain.one("SELECT hash FROM audit_chain WHERE seq = ?", first)[0]
    chain.append(TENANT, payload='{"other":1}', previous=previous)
    found(chain, "FORK", seq=chain.seqs(TENANT)[-1])


def test_both_branches_of_a_fork_go_on(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    base = chain.head(TENANT)
    left = chain.append(TENANT, payload='"left"', previous=base)
    right = chain.append(TENANT, payload='"right"', previous=base)
    for number in range(3):
        left = chain.append(TENANT, payload=f'"l{number}"', previous=left)
        right = chain.append(TENANT, payload=f'"r{number}"', previous=right)
    assert codes(chain.verify()) == {"FORK"}


def test_the_same_row_twice(chain: ChainFile) -> None:
    chain.run(
        "INSERT INTO audit_chain (tenant_id,event_type,payload,previous_hash,hash,created_at) "
        "SELECT tenant_id,event_type,payload,previous_hash,hash,created_at FROM audit_chain WHERE seq = ?",
        middle(chain),
    )
    found(chain, "DUPLICATE", seq=chain.seqs(TENANT)[-1])


def test_genesis_in_the_middle(chain: ChainFile) -> None:
    chain.append(TENANT, payload='{"new":"start"}', previous=GENESIS)
    found(chain, "RESTART", seq=chain.seqs(TENANT)[-1])


def test_a_row_that_continues_another_tenant(chain: ChainFile) -> None:
    chain.append("somebody-else")
    chain.append(TENANT, previous=chain.head("somebody-else"))
    found(chain, "CROSS_TENANT", seq=chain.seqs(TENANT)[-1])
    assert [item.code for item in chain.verify().findings] == ["CROSS_TENANT"]


TWINS = {
    "inside": ("DELETE FROM audit_chain WHERE seq = ?", 3, {"LINK": 1}),
    "its first": ("DELETE FROM audit_chain WHERE tenant_id = 'acme' AND seq <= ?", 3, {"UNPROVEN_START": 1}),
    "a hash": ("UPDATE audit_chain SET hash = printf('%064d', seq) WHERE seq = ?", 3, {"HASH": 1, "LINK": 1}),
    "its first hash": (
        "UPDATE audit_chain SET hash = printf('%064d', 0) WHERE seq = ?",
        0,
        {"HASH": 1, "LINK": 1},
    ),
}


@pytest.mark.parametrize("twins", [1, 20])
@pytest.mark.parametrize("case", TWINS)
def test_a_tenant_with_the_same_entries_is_not_where_one_was_taken(
    tmp_path: Path, case: str, twins: int
) -> None:
    how, position, expected = TWINS[case]
    chain = ChainFile(tmp_path / "a.db")
    for number in range(6):
        for tenant in ("acme", *(f"twin-{twin}" for twin in range(twins))):
            if number < 5 or tenant == "acme":
                chain.append(tenant, payload=f'{{"number":{number}}}')
    chain.run(how, chain.seqs("acme")[position])
    report = chain.verify()
    assert report.counts == expected
    warned = [item.message for item in report.findings if item.code is Code.UNPROVEN_START]
    assert all("twin-0 has that entry as well: it may have been copied" in item for item in warned)


@pytest.mark.parametrize("behind", [50, -50])
@pytest.mark.parametrize("name", ["nobody-yet", "acme"])
def test_entries_copied_from_another_tenant_are_its_own(tmp_path: Path, name: str, behind: int) -> None:
    chain = ChainFile(tmp_path / "a.db")
    for number in range(12):
        tenant, payload = ("acme", "other")[number % 2], f'{{"number":{number}}}'
        chain.append(tenant, payload=payload, seq=100 + number)
    first, last = chain.seqs("other")[1], chain.seqs("other")[4]
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", name)
    columns = "event_type, payload, previous_hash, hash, created_at"
    copied = "FROM audit_chain WHERE tenant_id = 'other' AND seq BETWEEN ? AND ?"
    select = f"SELECT seq + ?, ?, {columns} {copied}"
    chain.run(f"INSERT INTO audit_chain (seq, tenant_id, {columns}) {select}", behind, name, first, last)
    assert chain.verify().counts == {"CROSS_TENANT": 1}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_what_breaks_mean_does_not_depend_on_the_encoding(tmp_path: Path, encoding: str) -> None:
    """Entries moved to another tenant, a fork, a row that comes twice, and two that were swapped."""
    found = []
    for name in ("UTF-8", encoding):
        chain = ChainFile.encoded(tmp_path / f"{name}.db", name)
        for number in range(24):
            chain.append("äb"[number % 2], payload=f'{{"日本":{number}}}')
        chain.run("UPDATE audit_chain SET tenant_id = 'ö' WHERE seq IN (11, 13, 15)")
        chain.append("b", previous=chain.one("SELECT hash FROM audit_chain WHERE seq = 4")[0])
        chain.append("c", previous=chain.one("SELECT hash FROM audit_chain WHERE seq = 8")[0])
        chain.run("UPDATE audit_chain SET seq = -20 WHERE seq = 20")
        chain.run("UPDATE audit_chain SET seq = 20 WHERE seq = 22")
        chain.run("UPDATE audit_chain SET seq = 22 WHERE seq = -20")
        found.append(chain.verify())
    assert found[0].findings == found[1].findings
    assert found[0].tenants == found[1].tenants
    assert {"LINK", "CROSS_TENANT", "FORK", "ORDER"} <= codes(found[1])


def test_a_new_tenant_that_continues_another(chain: ChainFile) -> None:
    chain.append("somebody-else", previous=chain.head(TENANT))
    found(chain, "CROSS_TENANT")


def test_a_row_renamed_to_another_tenant(chain: ChainFile) -> None:
    at_least(chain, 3)
    seq = chain.seqs(TENANT)[1]
    chain.run("UPDATE audit_chain SET tenant_id = 'nobody' WHERE seq = ?", seq)
    found(chain, "LINK")
    wrong = [(item.code, item.tenant) for item in chain.verify().findings]
    assert wrong == [("LINK", "nobody"), ("LINK", TENANT)]


def test_a_row_moved_into_another_tenants_chain(chain: ChainFile) -> None:
    at_least(chain, 3)
    for _ in range(3):
        chain.append("other")
    chain.run("UPDATE audit_chain SET tenant_id = 'other' WHERE seq = ?", chain.seqs(TENANT)[-1])
    report = chain.verify()
    assert codes(report) & {"LINK", "ORDER"}
    assert report.verdict == Verdict.TAMPERED


def test_a_row_moved_to_the_end(chain: ChainFile) -> None:
    at_least(chain, 4)
    chain.run("UPDATE audit_chain SET seq = 1000000 WHERE seq = ?", chain.seqs(TENANT)[1])
    found(chain, "ORDER")


def test_the_first_row_moved_to_the_end(chain: ChainFile) -> None:
    at_least(chain, 3)
    chain.run("UPDATE audit_chain SET seq = 1000000 WHERE seq = ?", chain.seqs(TENANT)[0])
    found(chain, "ORDER", "RESTART")


def test_an_entry_put_before_the_first_one_makes_no_second_start(chain: ChainFile) -> None:
    at_least(chain, 3)
    chain.run("UPDATE audit_chain SET seq = 0 WHERE seq = ?", chain.seqs(TENANT)[-1])
    report = chain.verify()
    assert report.verdict == Verdict.TAMPERED
    assert codes(report) & {"ORDER", "RESTART", "LINK"} == {"ORDER"}


def test_two_rows_swapped(chain: ChainFile) -> None:
    at_least(chain, 4)
    one, two = chain.seqs(TENANT)[1:3]
    for old, new in ((one, -1), (two, one), (-1, two)):
        chain.run("UPDATE audit_chain SET seq = ? WHERE seq = ?", new, old)
    found(chain, "ORDER")


def test_a_colon_shifted(chain: ChainFile) -> None:
    seq = middle(chain)
    event, payload = chain.one("SELECT event_type, payload FROM audit_chain WHERE seq = ?", seq)
    head, _, tail = payload.partition(":")
    chain.run("UPDATE audit_chain SET event_type=?, payload=? WHERE seq=?", f"{event}:{head}", tail, seq)
    found(chain, "GRAMMAR", seq=seq)
    assert [item.code for item in chain.verify().findings] == ["GRAMMAR"]


def test_what_makes_the_verdict_comes_before_warnings(chain: ChainFile) -> None:
    at_least(chain, 2)
    first, last = chain.seqs(TENANT)[0], chain.seqs(TENANT)[-1]
    chain.run("UPDATE audit_chain SET event_type = 'user login' WHERE seq = ?", first)
    chain.rehash(TENANT)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", last)
    assert [(item.code, item.seq) for item in chain.verify().findings] == [("HASH", last), ("GRAMMAR", first)]


def test_a_nul_put_into_a_payload_is_one_finding(chain: ChainFile) -> None:
    chain.run("UPDATE audit_chain SET payload = payload || char(0) WHERE seq = ?", middle(chain))
    assert [item.code for item in chain.verify().findings] == ["ENCODING"]


@pytest.mark.parametrize("payload", ["", "x", "{'a':1}", '{"a":1}x', "[1,]", "NaN", '{"a":1}\0'])
def test_a_forged_payload_that_is_no_json(tmp_path: Path, payload: str) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    chain.append(TENANT, payload=payload)
    chain.append(TENANT)
    found(chain, "ENCODING" if "\0" in payload else "GRAMMAR", seq=4)


@pytest.mark.parametrize("event", ["", "a b", "a:b", "ä", "a\n"])
def test_any_other_event_type_is_a_warning_as_the_queue_stores_any_string(tmp_path: Path, event: str) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    for _ in range(2):
        chain.append(TENANT, event)
    chain.append(TENANT)
    report = chain.verify()
    assert [(str(item.code), item.seq, item.entries, item.is_error) for item in report.findings] == [
        ("GRAMMAR", 4, 2, False)
    ]
    assert (report.verdict, report.intact, report.tally) == (Verdict.CONSISTENT, True, "1 warning")


def test_warnings_of_one_cause_are_one_finding(tmp_path: Path) -> None:
    """As thousands are in the platform's own files; each in a range of its own as well."""
    chain = ChainFile.build(tmp_path / "a.db", rows=3, step=40_000)
    for number in range(1, 6):
        chain.append(f"tenant-0{number % 2}", "user login", at=(NOW - 60) * 1000, seq=(3 + number) * 40_000)
    for at in (NOW - 50.125, "2026-11-09T12:00:00.000Z"):
        chain.append(TENANT, at=at)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", chain.seqs(TENANT)[1])
    report = chain.verify()
    assert (report.tally, report.found) == ("4 findings, 3 of them warnings", 4)
    hashed, *warnings = report.findings
    assert (hashed.code, hashed.entries) == ("HASH", 1)
    assert [(item.code, item.tenant, item.seq, item.entries) for item in warnings] == [
        ("GRAMMAR", None, 160_000, 5),
        ("UNIT", None, 160_000, 5),
        ("TYPE", TENANT, 320_001, 2),
    ]
    assert [item.message.partition(": ")[2] for item in warnings] == [
        *["5 entries, the first of them 160,000."] * 2,
        "2 entries, the first of them 320,001.",
    ]
    assert warnings[0].to_json()["entries"] == 5 and "entries" not in hashed.to_json()
    assert chain.verify(executor=Cut(*range(0, 400_000, 70_000))).findings == report.findings


def test_an_event_type_with_a_nul(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    chain.append(TENANT, "a\0b")
    found(chain, "ENCODING", seq=4)


def test_a_head_missing_without_marker(chain: ChainFile) -> None:
    at_least(chain, 2)
    seqs = chain.seqs(TENANT)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", seqs[0])
    report = chain.verify()
    assert (codes(report), report.verdict) == ({"UNPROVEN_START"}, Verdict.UNPROVEN_START)
    assert not report.intact
    (tenant,) = [item for item in report.tenants if item.tenant == TENANT]
    assert (tenant.verdict, tenant.anchor, tenant.first_seq) == (Verdict.UNPROVEN_START, None, seqs[1])
    assert all(item.verdict == Verdict.CONSISTENT for item in report.tenants if item is not tenant)


def test_a_marker_edited(chain: ChainFile) -> None:
    at_least(chain, 3)
    chain.prune(TENANT, chain.seqs(TENANT)[0])
    chain.run("UPDATE audit_chain SET payload = replace(payload, 'a', 'b') WHERE event_type = 'audit_pruned'")
    found(chain, "HASH")


def test_a_marker_removed(chain: ChainFile) -> None:
    at_least(chain, 3)
    chain.prune(TENANT, chain.seqs(TENANT)[0])
    chain.run("DELETE FROM audit_chain WHERE event_type = 'audit_pruned'")
    assert "UNPROVEN_START" in codes(chain.verify())
    assert not chain.verify().intact


def test_pruned_rows_put_back(chain: ChainFile) -> None:
    at_least(chain, 4)
    first, second = chain.seqs(TENANT)[:2]
    kept = {seq: chain.one("SELECT * FROM audit_chain WHERE seq = ?", seq) for seq in (first, second)}
    chain.prune(TENANT, second)
    chain.run(INTO_AUDIT_CHAIN + "(?,?,?,?,?,?,?)", *kept[second])
    found(chain, "LINK", seq=second)
    chain.run(INTO_AUDIT_CHAIN + "(?,?,?,?,?,?,?)", *kept[first])
    found(chain, "LINK", seq=first)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", second)
    found(chain, "LINK", seq=first)
    assert chain.verify().counts == {"LINK": 1}, "that what stayed does not continue it is no other cause"
    pruned = chain.one("SELECT previous_hash FROM audit_chain WHERE seq = ?", chain.seqs(TENANT)[1])
    chain.append(TENANT, previous=str(pruned[0]), at=NOW)
    assert chain.verify().counts == {"LINK": 1, "FORK": 1}, "and hides no branch of what goes on behind it"


def test_a_branch_behind_the_last_pruned_row_that_was_put_back(chain: ChainFile) -> None:
    """Where that leads on to what stayed, no link breaks but the branch's."""
    at_least(chain, 4)
    second = chain.seqs(TENANT)[1]
    kept = chain.one("SELECT * FROM audit_chain WHERE seq = ?", second)
    chain.prune(TENANT, second)
    chain.run(INTO_AUDIT_CHAIN + "(?,?,?,?,?,?,?)", *kept)
    chain.append(TENANT, previous=str(kept[5]), at=NOW)
    assert chain.verify().counts == {"LINK": 1, "FORK": 1}


def test_a_pruned_chain_relinked_to_genesis(chain: ChainFile) -> None:
    at_least(chain, 4)
    chain.prune(TENANT, chain.seqs(TENANT)[1])
    chain.rehash(TENANT)
    found(chain, "LINK", seq=chain.seqs(TENANT)[0])


def test_the_platforms_own_cleanup_behind_a_marker_is_no_tampering(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.prune(TENANT, 3)
    chain.run("DELETE FROM audit_chain WHERE seq <= 6")
    assert chain.verify().verdict == Verdict.UNPROVEN_START


@pytest.mark.matrix
@pytest.mark.parametrize("column", ["tenant_id", "event_type", "payload", "previous_hash", "hash"])
def test_text_turned_blob(chain: ChainFile, column: str) -> None:
    seq = middle(chain)
    chain.run(f"UPDATE audit_chain SET {column} = CAST({column} AS BLOB) WHERE seq = ?", seq)
    found(chain, "TYPE", seq=seq)
    assert codes(chain.verify()) == {"TYPE"}


def test_a_range_takes_what_lies_around_it_by_its_bytes_as_the_whole_does(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=9)
    chain.prune(TENANT, 3)
    seqs = chain.seqs(TENANT)
    as_blob = "UPDATE audit_chain SET tenant_id = CAST(tenant_id AS BLOB) WHERE seq = ?"
    chain.run(as_blob, seqs[-1])  # the marker, which proves the start
    chain.run(as_blob, seqs[1])
    assert codes(chain.verify()) == {"TYPE"}
    assert codes(chain.verify(section=Section(first=seqs[0], last=seqs[0]))) == set()
    assert codes(chain.verify(section=Section(first=seqs[2], last=seqs[3]))) == set()


@pytest.mark.parametrize("value", ["x'31373030303030303030'", "1700000000.5", "'abc'"])
def test_a_time_that_is_no_integer(chain: ChainFile, value: str) -> None:
    seq = middle(chain)
    chain.run(f"UPDATE audit_chain SET created_at = {value} WHERE seq = ?", seq)
    found(chain, "TYPE", seq=seq)
    assert codes(chain.verify()) - {"TIME"} == {"TYPE"}


@pytest.mark.matrix
@pytest.mark.parametrize("column", ["tenant_id", "event_type", "payload", "previous_hash", "hash"])
@pytest.mark.parametrize("tail", ["00", "ff", "eda080", "c0af", "f4908080"])
def test_bytes_that_are_no_text(chain: ChainFile, column: str, tail: str) -> None:
    seq = middle(chain)
    chain.run(
        f"UPDATE audit_chain SET {column} = CAST(CAST({column} AS BLOB) || x'{tail}' AS TEXT) WHERE seq = ?",
        seq,
    )
    found(chain, "ENCODING", seq=seq)


def test_bytes_that_are_no_text_in_a_row_that_holds(tmp_path: Path) -> None:
    """As the platform itself would have to have written it; so only the bytes are wrong."""
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    bad = b'{"a":"\xff"}'
    previous, at = chain.head(TENANT), NOW - 90
    value = sha256(b":".join((previous.encode(), b"e", bad, b"%d" % at))).hexdigest()
    chain.run(INTO_AUDIT_CHAIN + "(NULL,?,'e',CAST(? AS TEXT),?,?,?)", TENANT, bad, previous, value, at)
    chain.append(TENANT)
    found(chain, "ENCODING", seq=4)
    assert codes(chain.verify()) == {"ENCODING"}


@pytest.mark.parametrize("column", ["previous_hash", "hash"])
def test_an_upper_case_hash(chain: ChainFile, column: str) -> None:
    at_least(chain, 2)
    seq = chain.seqs(TENANT)[-1]
    chain.run(f"UPDATE audit_chain SET {column} = upper({column}) WHERE seq = ?", seq)
    found(chain, "HASH", seq=seq)


def test_time_that_goes_backwards_is_a_warning(chain: ChainFile) -> None:
    chain.append(TENANT, at=1_600_000_000)
    chain.append(TENANT)
    report = chain.verify()
    assert (codes(report), report.verdict) == ({"TIME"}, Verdict.CONSISTENT)
    assert report.findings[0].seq == chain.seqs(TENANT)[-2]


def test_time_in_the_future_is_a_warning(chain: ChainFile) -> None:
    chain.append(TENANT, at=NOW + 86_400)
    report = chain.verify()
    assert (codes(report), report.verdict, report.intact) == ({"TIME"}, Verdict.CONSISTENT, True)


def test_a_forged_append_that_is_well_formed_cannot_be_seen(chain: ChainFile) -> None:
    before = chain.verify().not_covered
    chain.append(TENANT)
    report = chain.verify()
    assert (report.verdict, report.findings, report.not_covered) == (Verdict.CONSISTENT, (), before + 1)


def test_rows_swapped_in_the_bytes_of_the_file(tmp_path: Path) -> None:
    """Numbers changed underneath SQLite: the rows lie in another order than their numbers say."""
    chain = ChainFile.build(tmp_path / "a.db", rows=4)
    marker = chain.one("SELECT hash FROM audit_chain WHERE seq = 2")[0]
    chain.sql.close()
    data = bytearray(chain.path.read_bytes())
    header = data.rindex(b"\x00\x1f", 0, data.rindex(marker.encode()))  # NULL for seq, then "tenant-00"
    assert data[header - 2] == 2
    data[header - 2] = 9
    chain.path.write_bytes(data)
    report = ChainFile(chain.path).verify()
    assert not report.intact
    assert codes(report) & {"ORDER", "UNREADABLE"}


@pytest.mark.slow
def test_a_million_errors_stay_countable(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=12_000)
    chain.run("UPDATE audit_chain SET payload = '{}'")
    report = chain.verify()
    assert (report.found, len(report.findings)) == (12_000, 10_000)
    assert report.counts == {"HASH": 12_000}


def test_the_json_of_the_command_line(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=2)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 2")
    event, at, previous = chain.one(
        "SELECT event_type, created_at, previous_hash FROM audit_chain WHERE seq=2"
    )
    report = json.loads(json.dumps(chain.verify().to_json()))
    seconds = report.pop("seconds")
    assert 0 < seconds < 60
    message = report["findings"][0].pop("message")
    assert message.startswith("Entry 2 does not match its own hash")
    assert report == {
        "verdict": "TAMPERED",
        "undecided": False,
        "entries": 2,
        "findings": [
            {
                "code": "HASH",
                "tenant": TENANT,
                "seq": 2,
                "expected": digest(previous, event, "{}", at),
                "actual": chain.head(TENANT),
            }
        ],
        "tenants": [
            {
                "tenant": TENANT,
                "verdict": "TAMPERED",
                "entries": 2,
                "firstSeq": 1,
                "lastSeq": 2,
                "head": chain.head(TENANT),
                "anchor": "genesis",
                "unwitnessed": 2,
            }
        ],
    }
