"""Sample data: it verifies by the platform's formula, is the same for the same seed, and fills every tab."""

import hashlib
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import pytest

from app.paths import migrations_dir
from app.services.demo import create_demo
from app.services.runs.parking import due_at
from models.errors import AlreadyThere, Cancelled, CannotOpen, InvalidInput
from models.progress import Monitor
from models.status import Phase, RunStatus

NOW = 1_795_300_000
DAY = 86_400
TABLES = (
    *("users", "audit_chain", "webhook_destinations", "notifications"),
    *("planning_runs", "planning_artifacts", "planning_parked_ideas", "d1_migrations", "sqlite_sequence"),
)
GENESIS = "0" * 64


def build(path: Path, **options: Any) -> apsw.Connection:
    create_demo(path, now=NOW, **options)
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    return build(tmp_path_factory.mktemp("demo") / "demo.sqlite")


def contents(connection: apsw.Connection) -> str:
    return "\n".join(
        repr(row) for table in TABLES for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
    )


def assert_chains_hold(connection: apsw.Connection) -> Counter[str]:
    heads: dict[str, str] = defaultdict(lambda: GENESIS)
    entries: Counter[str] = Counter()
    for tenant, kind, payload, previous, digest, at in connection.execute(
        "SELECT tenant_id, event_type, payload, previous_hash, hash, created_at FROM audit_chain ORDER BY seq"
    ):
        assert previous == heads[tenant]
        assert digest == hashlib.sha256(f"{previous}:{kind}:{payload}:{at}".encode()).hexdigest()
        heads[tenant] = digest
        entries[tenant] += 1
    return entries


@pytest.mark.slow
def test_chains_hold_and_reach_from_thousands_of_entries_to_a_handful(demo: apsw.Connection) -> None:
    entries = assert_chains_hold(demo)
    assert entries["acme-corp"] > 2_000
    assert entries["sakura-foods"] == 7
    assert entries.total() == 5_000
    assert len(entries) == 6


def test_tenants_are_interleaved_and_time_never_goes_backwards(demo: apsw.Connection) -> None:
    rows: list[Any] = demo.execute(
        "SELECT seq, tenant_id, created_at FROM audit_chain ORDER BY seq"
    ).fetchall()
    assert [seq for seq, _, _ in rows] == list(range(1, 5_001))
    times = [at for _, _, at in rows]
    assert times == sorted(times)
    assert NOW - 120 * DAY <= times[0] < NOW - 119 * DAY
    assert NOW - DAY < times[-1] < NOW
    changes = sum(a[1] != b[1] for a, b in pairwise(rows))
    assert changes > 1_000


def test_payloads_are_what_json_stringify_writes_and_name_real_records(demo: apsw.Connection) -> None:
    users = {row[0] for row in demo.execute("SELECT id FROM users")}
    runs = {row[0] for row in demo.execute("SELECT id FROM planning_runs")}
    created, deleted = set(), set()
    for kind, payload in demo.execute("SELECT event_type, payload FROM audit_chain"):
        value = json.loads(payload)
        assert payload == json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        assert value["actor"]
        if kind == "user_created":
            created.add(value["userId"])
        elif kind == "user_deleted":
            deleted.add(value["userId"])
        elif kind.startswith("workflow_"):
            assert value["runId"] in runs
    assert deleted
    assert deleted <= created
    assert created - deleted <= users
    assert not deleted & users


def test_every_tab_has_something_to_show(demo: apsw.Connection) -> None:
    unread = "SELECT count(*) FROM notifications WHERE tenant_id = 'acme-corp' AND read = 0"
    assert demo.execute(unread).get == 23
    statuses = dict(demo.execute("SELECT status, count(*) FROM planning_runs GROUP BY status"))
    assert statuses == {
        RunStatus.RUNNING: 6,
        RunStatus.PAUSED: 2,
        RunStatus.COMPLETED: 31,
        RunStatus.KILLED: 12,
        RunStatus.CANCELLED: 4,
        RunStatus.DELETED: 3,
    }
    parked = demo.execute("SELECT created_at, revisit_estimate_months FROM planning_parked_ideas").fetchall()
    due = [at for at in (due_at(*one) for one in parked) if at is not None and at <= NOW]
    assert (len(parked), len(due)) == (9, 3)
    killed = "FROM planning_runs JOIN planning_artifacts ON run_id = planning_runs.id WHERE status = 'killed'"
    told = set(demo.execute(f"SELECT kill_verdict, review_verdict {killed} AND phase = 'kill-test'"))
    assert {verdict for _, verdict in told} <= {"rejected", "revise"} and len({why for why, _ in told}) > 3
    phases = {row[0] for row in demo.execute("SELECT DISTINCT phase FROM planning_artifacts")}
    assert phases == {phase.value for phase in Phase}
    assert demo.execute("SELECT max(version) FROM planning_artifacts").get == 3
    assert demo.execute("SELECT max(length(idea)) FROM planning_runs").get > 500
    assert demo.execute("SELECT count(*) FROM users").get > 100
    kinds = {row[0] for row in demo.execute("SELECT DISTINCT event_type FROM audit_chain")}
    assert kinds == {
        *("user_created", "user_updated", "user_deleted", "workflow_dispatched", "workflow_completed"),
        *("file_uploaded", "webhook_created", "webhook_deleted", "settings_changed"),
    }


def test_retention_has_something_to_do_but_less_than_half(demo: apsw.Connection) -> None:
    old = demo.execute("SELECT count(*) FROM audit_chain WHERE created_at < ?", (NOW - 90 * DAY,)).get
    assert 500 < old < 2_500


def test_webhooks_use_https_and_their_hostname_agrees(demo: apsw.Connection) -> None:
    hooks: list[Any] = demo.execute("SELECT url, hostname, secret FROM webhook_destinations").fetchall()
    assert len(hooks) > 10
    for url, hostname, secret in hooks:
        assert urlsplit(url).scheme == "https"
        assert urlsplit(url).hostname == hostname
        assert secret is None or secret.startswith("whsec_")


def test_references_hold_and_addresses_are_unique(demo: apsw.Connection) -> None:
    assert demo.execute("PRAGMA foreign_key_check").fetchall() == []
    assert demo.execute("PRAGMA integrity_check").get == "ok"
    total, different = demo.execute("SELECT count(*), count(DISTINCT email) FROM users").fetchall()[0]
    assert total == different
    runs = {row[0] for row in demo.execute("SELECT id FROM planning_runs")}
    for (metadata,) in demo.execute("SELECT metadata FROM notifications WHERE metadata IS NOT NULL"):
        assert json.loads(metadata)["runId"] in runs
    assert demo.execute("SELECT count(*) FROM planning_runs WHERE updated_at < created_at").get == 0


def test_file_is_like_a_new_one_of_the_program(demo: apsw.Connection) -> None:
    assert demo.pragma("journal_mode") == "wal"
    assert demo.pragma("auto_vacuum") == 2
    ledger = [row[0] for row in demo.execute("SELECT name FROM d1_migrations ORDER BY id")]
    assert ledger == sorted(file.name for file in migrations_dir().glob("*.sql"))
    assert demo.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit_chain'").get == 5_000


@pytest.mark.slow
def test_same_seed_same_contents_and_another_seed_others(tmp_path: Path) -> None:
    one, two, other = (
        contents(build(tmp_path / f"{name}.sqlite", rows=800, seed=seed))
        for name, seed in (("one", 7), ("two", 7), ("other", 8))
    )
    assert one == two
    assert one != other


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "tenants"), [(0, 1), (1, 1), (3, 6), (50, 2), (99, 3), (400, 40), (1_200, 150)]
)
def test_any_size_holds(tmp_path: Path, rows: int, tenants: int) -> None:
    connection = build(tmp_path / "demo.sqlite", rows=rows, tenants=tenants)
    entries = assert_chains_hold(connection)
    assert entries.total() == rows
    assert len(entries) == min(rows, tenants)
    assert connection.execute("SELECT count(DISTINCT tenant_id) FROM users").get == tenants
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_existing_file_is_never_overwritten(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "demo.sqlite"
    (tmp_path / f"demo.sqlite{suffix}").write_bytes(b"precious")
    with pytest.raises(AlreadyThere, match=f"demo.sqlite{suffix};"):
        create_demo(path, now=NOW)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        (f"demo.sqlite{suffix}", b"precious")
    ]


@pytest.mark.slow
def test_file_that_appears_while_building_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite"

    def spoil(done: int, total: int) -> None:
        path.write_bytes(b"precious")

    with pytest.raises(AlreadyThere):
        create_demo(path, now=NOW, monitor=Monitor(spoil))
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    with pytest.raises(Cancelled):
        create_demo(
            tmp_path / "demo.sqlite",
            rows=20_000,
            now=NOW,
            monitor=Monitor(lambda done, total: reports.append((done, total)), lambda: len(reports) > 2),
        )
    assert reports == [(0, 20_000), (5_000, 20_000), (10_000, 20_000)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [{"rows": -1}, {"tenants": 0}, {"tenants": 1_001}])
def test_impossible_sizes_are_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="Sample data can have"):
        create_demo(tmp_path / "demo.sqlite", now=NOW, **option)


def test_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no folder"):
        create_demo(tmp_path / "nowhere" / "demo.sqlite", now=NOW)
    with pytest.raises(CannotOpen):
        create_demo(Path("/proc/demo.sqlite"), now=NOW)
