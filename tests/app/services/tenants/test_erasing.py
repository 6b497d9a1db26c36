"""A tenant is taken out of a file whole, with a copy before and chains that hold behind it, or not at all."""

import json
import re
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.append import Batch, Event, append
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.making import try_to_sign, verify_and_sign, verify_with_checkpoints
from app.services.chain.evidence import write_bundle
from app.services.chain.where import InFile
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog, LogQuery
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import OldSecret, OldSecrets, Signing
from app.services.files.opening import open_database
from app.services.records.tables import title_of
from app.services.records.webhooks import Secret
from app.services.retention.prefixes import find_prefixes
from app.services.tenants import erasing
from app.services.tenants.erasing import Erased
from app.services.tenants.going import contents
from app.workers.scan_pool import store_and_verifier
from models.engine import OwnEntry
from models.errors import Cancelled, InvalidInput, NotAllowed, TenantAdminError
from models.progress import Monitor
from models.schema import read_stored
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.keyrings import MemoryKeyring
from tests.fixtures.retaining import retain
from tests.fixtures.sample import sample
from tests.fixtures.window import ask, count

TENANT = "acme-corp"
OWN = ("users", "webhook_destinations", "notifications")
REFERRING = f"""
CREATE TABLE reviews (id INTEGER PRIMARY KEY, of TEXT NOT NULL REFERENCES users (id));
CREATE TABLE marks (id INTEGER PRIMARY KEY, review INTEGER REFERENCES reviews (id));
CREATE TABLE escalations (id INTEGER PRIMARY KEY, to_id TEXT REFERENCES users (id) ON DELETE SET NULL);
CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT);
INSERT INTO tenants VALUES ('{TENANT}', 'Acme'), ('other', 'Other');
INSERT INTO reviews (id, of) SELECT 1, id FROM users WHERE tenant_id = '{TENANT}' LIMIT 1;
INSERT INTO marks VALUES (1, 1), (2, 1), (3, NULL);
INSERT INTO escalations (to_id) SELECT id FROM users WHERE tenant_id = '{TENANT}' LIMIT 3;
INSERT INTO escalations (to_id) SELECT id FROM users WHERE tenant_id <> '{TENANT}' LIMIT 1
"""


def execute(path: Path, script: str) -> None:
    for sql in script.split(";"):
        ask(path, sql)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = sample(tmp_path / "foundation.sqlite", rows=300)
    execute(path, REFERRING)
    return path


def erase(path: Path, tenant: str = TENANT, **how: Any) -> Erased:
    own = store_and_verifier(take_part=True)
    return erasing.erase(open_database(path), tenant, *own, actor="mei", now=how.pop("now", NOW), **how)


def content(path: Path) -> list[Any]:
    tables = [name for (name,) in ask(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(name, ask(path, f'SELECT * FROM "{name}"')) for name in tables]


def verdict(path: Path) -> str:
    own = store_and_verifier(take_part=True)
    report = verify_with_checkpoints(InFile(path), *own, now=NOW + 1)
    assert not report.findings
    return str(report.verdict)


def test_all_its_rows_and_its_chain_go_and_a_marker_and_a_record_stay(path: Path, tmp_path: Path) -> None:
    before = content(path)
    rows = {name: count(path, name, TENANT) for name in (*OWN, "audit_chain")}
    done = erase(path)
    assert done.holds and done.after is not None and done.after.checkpoint is not None
    assert dict(done.erasure.going) == rows | {"reviews": 1, "marks": 2, "tenants": 1}
    assert dict(done.erasure.changed) == {"escalations": 3}
    assert [count(path, name, TENANT) for name in OWN] == [0, 0, 0]
    assert ask(path, "SELECT count(*), count(to_id) FROM escalations") == [(4, 1)]
    assert ask(path, "SELECT id FROM tenants") == [("other",)]
    assert ask(path, "SELECT id FROM marks") == [(3,)]
    ((kind, payload),) = ask(path, "SELECT event_type, payload FROM audit_chain WHERE tenant_id = ?", TENANT)
    assert kind == "audit_pruned" and json.loads(payload)["count"] == rows["audit_chain"]
    ((kind, payload),) = ask(
        path,
        "SELECT event_type, payload FROM audit_chain WHERE tenant_id = 'system' ORDER BY seq DESC LIMIT 1",
    )
    told = json.loads(payload)
    assert (kind, told["actor"], told["tenant"], told["copy"]) == (
        "tenant_erased", "mei", TENANT, done.copy.name
    )  # fmt: skip
    assert told["removed"] == dict(done.erasure.going) and told["changed"] == {"escalations": 3}
    assert done.copy.parent == tmp_path and content(done.copy) == before
    assert verdict(path) == "VERIFIED"
    database = open_database(path).database
    with database.connection_context():
        assert not find_prefixes(database, 1, read_stored(database)[0])[2], "it is no unfinished retention"
    assert ask(path, "PRAGMA foreign_key_check") == [] and ask(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.slow
def test_the_stand_alone_verifier_and_the_next_entries_agree(path: Path, tmp_path: Path) -> None:
    erase(path)
    opened = open_database(path)
    with opened.database.connection_context():
        for tenant in (TENANT, "system"):
            batch = Batch((), (Event(tenant, "user_created", {}),))
            append(opened.database, lambda batch=batch: batch, now=NOW + 2, told=True)  # type: ignore[misc]
    assert verdict(path) == "VERIFIED"
    store, verify = store_and_verifier(take_part=True)
    where = InFile(path)
    report = verify_and_sign(where, store, verify, now=NOW + 3, reason=Reason.REQUEST).report
    known = store.all_checkpoints(where)
    write_bundle(where, report, tmp_path / "bundle", checkpoints=known, now=NOW + 3)
    program = [sys.executable, str(tmp_path / "bundle" / "verify_bundle.py"), "--key", known[-1].key]
    checked = subprocess.run(program, check=False, capture_output=True, text=True)
    assert checked.returncode == 0 and "alone: VERIFIED." in checked.stdout, checked.stdout


@pytest.mark.slow
def test_one_whose_beginning_retention_took_is_erased_too(path: Path, tmp_path: Path) -> None:
    opened, folder = open_database(path), tmp_path / "archive"
    folder.mkdir()
    with opened.database.connection_context():
        signed = partial(try_to_sign, InFile(path), *store_and_verifier(take_part=True), clock=lambda: NOW)
        kept = retain(opened.database, checkpoint=signed, days=10, archive=folder).archives
    markers = "SELECT count(*) FROM audit_chain WHERE event_type = 'audit_pruned' AND tenant_id = ?"
    assert ask(path, markers, TENANT) > [(0,)]
    done = erase(path)
    own = next(name for name in kept if TENANT in name)
    assert done.holds and any(line.startswith(f"{own} and other archives") for line in done.notes)
    assert ask(path, markers, TENANT) == [(1,)]
    assert verdict(path) == "VERIFIED"


@pytest.mark.parametrize("ahead", [0, 1, 60])
def test_one_with_an_end_that_checkpoints_knew_later_than_its_last_entry(path: Path, ahead: int) -> None:
    """As where the platform's clock is behind ours, and retention has just left a marker."""
    with closing(apsw.Connection(str(path))) as connection:
        chains.append(connection, TENANT, [NOW + ahead])
        verify_and_sign(InFile(path), *store_and_verifier(), now=NOW, reason=Reason.REQUEST)
        chains.append(connection, TENANT, [NOW - 100])
    assert erase(path).holds
    assert verdict(path) == "VERIFIED"


def test_one_with_an_end_that_checkpoints_knew_far_ahead_is_left(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        chains.append(connection, TENANT, [NOW + 3600])
        verify_and_sign(InFile(path), *store_and_verifier(), now=NOW, reason=Reason.REQUEST)
        chains.append(connection, TENANT, [NOW - 100])
    before = content(path)
    with pytest.raises(NotAllowed, match="has an entry ahead of this computer's clock"):
        erase(path)
    assert content(path) == before


@pytest.mark.slow
def test_a_second_time_and_all_others_one_by_one(path: Path) -> None:
    erase(path)
    with pytest.raises(NotAllowed, match="Nothing of acme-corp is left but the marker"):
        erase(path, now=NOW + 10)
    others = "SELECT DISTINCT tenant_id FROM audit_chain WHERE tenant_id NOT IN ('system', ?)"
    for (tenant,) in ask(path, others, TENANT):
        assert erase(path, tenant, now=NOW + 20).holds
    assert verdict(path) == "VERIFIED"
    assert count(path, "users") == 0


BARRED: list[tuple[str, str, str]] = [
    (
        "UPDATE audit_chain SET payload = '{}' WHERE seq = 5",
        TENANT,
        "TAMPERED, and no checkpoint can be made before",
    ),
    ("CREATE TRIGGER t AFTER DELETE ON reviews BEGIN SELECT 1; END", TENANT, "reviews has triggers"),
    (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant_id TEXT, of TEXT REFERENCES users (id) "
        f"ON DELETE CASCADE)|INSERT INTO notes (tenant_id, of) SELECT 'other', id FROM users "
        f"WHERE tenant_id = '{TENANT}' LIMIT 1",
        TENANT,
        r"Rows of notes that are not acme-corp's \(1\) refer to rows of users that would go",
    ),
    (
        "UPDATE notifications SET tenant_id = 'system' WHERE rowid = 1",
        "system",
        "The chain of system holds what was done",
    ),
    ("SELECT 1", "nobody", "holds nothing of nobody"),
    (
        "CREATE VIRTUAL TABLE texts USING fts5(tenant_id, body)|INSERT INTO texts VALUES "
        f"('{TENANT}', 'its text'), ('other', 'text')",
        TENANT,
        "The virtual table texts has 1 row of acme-corp",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("change", "tenant", "why"), BARRED)
def test_what_stands_in_its_way_is_said_and_nothing_is_changed(
    path: Path, tmp_path: Path, change: str, tenant: str, why: str
) -> None:
    for sql in change.split("|"):
        ask(path, sql)
    before, beside = content(path), sorted(tmp_path.iterdir())
    with pytest.raises((NotAllowed, InvalidInput), match=why):
        erase(path, tenant)
    assert content(path) == before
    assert sorted(tmp_path.iterdir()) == beside


@pytest.mark.slow
@pytest.mark.parametrize("loop", [False, True])
def test_rows_that_go_along_with_others_of_their_own_table_are_counted(path: Path, loop: bool) -> None:
    ask(path, "ALTER TABLE users ADD COLUMN boss TEXT REFERENCES users (id) ON DELETE CASCADE")
    first, *others = ask(path, "SELECT id FROM users WHERE tenant_id = ? ORDER BY rowid LIMIT 14", TENANT)
    deep = [*zip([first, *others], others, strict=False)]
    for boss, user in (*deep, *([(others[-1], first)] if loop else [])):
        ask(path, "UPDATE users SET boss = ? WHERE id = ?", *boss, *user)
    users = count(path, "users", TENANT)
    done = erase(path)
    assert done.holds and done.erasure.going["users"] == users and count(path, "users", TENANT) == 0


CIRCLE = """
CREATE TABLE {0} (id TEXT PRIMARY KEY, tenant_id TEXT, other TEXT REFERENCES {1} (id) {2});
CREATE TABLE {1} (id TEXT PRIMARY KEY, tenant_id TEXT, other TEXT REFERENCES {0} (id) {2});
INSERT INTO {0} VALUES ('a1', '{3}', 'b1'), ('a2', '{3}', NULL);
INSERT INTO {1} VALUES ('b1', '{3}', 'a1'), ('b2', '{3}', 'a2')
"""


def test_rows_of_tables_that_refer_to_each_other_go_together(path: Path) -> None:
    execute(path, CIRCLE.format("a", "b", "ON DELETE CASCADE", TENANT))
    execute(path, CIRCLE.format("c", "d", "", TENANT))
    done = erase(path)
    assert done.holds and [done.erasure.going[name] for name in "abcd"] == [2, 2, 2, 2]
    assert [count(path, name) for name in "abcd"] == [0, 0, 0, 0]


HOLDING = f"""
CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id TEXT, over INTEGER REFERENCES posts (id) {{0}},
  top TEXT REFERENCES threads (id) ON DELETE CASCADE, CHECK (over IS NOT NULL OR id IN (1, 9)));
CREATE TABLE threads (id TEXT PRIMARY KEY, tenant_id TEXT, first INTEGER REFERENCES posts (id) ON DELETE
  RESTRICT) WITHOUT ROWID;
CREATE TABLE likes (a TEXT, b INTEGER, of INTEGER NOT NULL REFERENCES posts (id), PRIMARY KEY (a, b))
  WITHOUT ROWID;
INSERT INTO posts VALUES (1, '{TENANT}', NULL, NULL), (2, '{TENANT}', 1, NULL), (3, '{TENANT}', 2, NULL),
  (4, '{TENANT}', 2, NULL), (5, '{TENANT}', 5, NULL), (9, 'other', NULL, NULL);
INSERT INTO threads VALUES ('t', '{TENANT}', 1), ('u', '{TENANT}', 3), ('v', 'other', 9);
UPDATE posts SET top = 't' WHERE id IN (3, 4);
INSERT INTO likes VALUES ('x', 1, 3), ('x', 2, 9)
"""


@pytest.mark.parametrize("on_delete", ["ON DELETE RESTRICT", "ON DELETE SET NULL"])
def test_rows_that_hold_each_other_go_leaves_first_and_a_true_circle_is_named(
    path: Path, on_delete: str
) -> None:
    """By a key of their own table, by two tables, and by a rule that asks for what they would lose."""
    execute(path, HOLDING.format(on_delete))
    ask(path, "UPDATE threads SET first = 4 WHERE id = 't'")
    with pytest.raises(NotAllowed, match=r"Rows of posts and threads \(2\) refer to each other in a circle"):
        erase(path)
    ask(path, "UPDATE threads SET first = 1 WHERE id = 't'")
    done = erase(path)
    going = done.erasure.going
    assert done.holds and (going["posts"], going["threads"], going["likes"]) == (5, 2, 1)
    left = [ask(path, f"SELECT * FROM {name}") for name in ("posts", "threads", "likes")]
    assert left == [[(9, "other", None, None)], [("v", "other", 9)], [("x", 2, 9)]]
    assert ask(path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize(("rule", "why"), [("IS NOT NULL", "CHECK"), ("IS NULL OR o > 0", "")])
def test_a_circle_of_rows_that_may_not_lose_each_other_is_said_before(
    path: Path, rule: str, why: str
) -> None:
    for own, other in ("ab", "ba"):
        to = f"REFERENCES {other} (id) ON DELETE SET NULL"
        ask(path, f"CREATE TABLE {own} (id INTEGER PRIMARY KEY, tenant_id, o INTEGER CHECK (o {rule}) {to})")
    for own in "ab":
        ask(path, f"INSERT INTO {own} VALUES (1, '{TENANT}', 1)")
    opened = open_database(path)
    with opened.database.connection_context():
        found = erasing.plan(opened.database, TENANT, now=NOW).obstacle
    assert bool(found) == bool(why)
    if found:
        said = r"Rows of a and b \(2\) refer .* one would lose o before it goes, which .* row 1 \(CHECK"
        assert re.match(said, found)


@pytest.mark.slow
def test_what_the_file_would_refuse_is_said_before(path: Path) -> None:
    """By rows of others that cannot lose what they refer to, and by the tenant's own that hold each other."""
    ask(path, "CREATE TABLE ranks (id TEXT PRIMARY KEY, tenant_id TEXT)")
    ask(path, f"INSERT INTO ranks VALUES ('r', '{TENANT}'), ('own', '{TENANT}'), ('there', 'other')")
    to_rank = "TEXT {} REFERENCES ranks (id) ON DELETE"
    own, there = "DEFAULT 'own'", "DEFAULT 'there'"
    for column, of, tenant, why in (
        (f"{to_rank.format('NOT NULL')} SET NULL", "r", "other", "Rows of notes .* a NULL for of"),
        (f"{to_rank.format('NOT NULL')} SET DEFAULT", "r", "other", "Rows of notes .* a NULL for of"),
        (f"{to_rank.format('DEFAULT (1 + 1)')} SET DEFAULT", "r", "other", "Rows of notes .* a formula"),
        (f"{to_rank.format(own)} SET DEFAULT", "r", "other", "no row that"),
        (f"{to_rank.format(there)} SET DEFAULT", "r", "other", ""),
        (f"{to_rank.format('NOT NULL')} SET NULL", "r", TENANT, ""),
        (
            f"{to_rank.format('CHECK (of IS NOT NULL)')} SET NULL",
            "r",
            "other",
            "notes .* rules .* row 1 .CHECK",
        ),
        (f"{to_rank.format('CHECK (of IS NOT 1)')} SET NULL", "r", "other", ""),
        (f"{to_rank.format('UNIQUE')} SET NULL", "r", "other", ""),
        ("INTEGER REFERENCES notes (id) ON DELETE RESTRICT", 1, TENANT, ""),
        ("INTEGER NOT NULL REFERENCES notes (id) ON DELETE SET NULL", 1, TENANT, ""),
        ("INTEGER DEFAULT 1 REFERENCES notes (id) ON DELETE SET DEFAULT", 1, TENANT, ""),
        ("INTEGER REFERENCES notes (id)", 1, TENANT, ""),
    ):
        ask(path, f"CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant_id TEXT, of {column})")
        rows = [(1, tenant, of), (2, tenant, of)][: 1 if "UNIQUE" in column else 2]
        for row in rows:
            ask(path, "INSERT INTO notes VALUES (?, ?, ?)", *row)
        opened = open_database(path)
        with opened.database.connection_context():
            found = erasing.plan(opened.database, TENANT, now=NOW).obstacle
        assert re.search(why, found or "") and bool(why) == bool(found), (column, found)
        ask(path, "DROP TABLE notes")


def test_a_name_that_is_no_text_is_refused_with_a_way_that_works(path: Path) -> None:
    ask(path, f"{INTO_USERS}('odd', CAST(x'61ff' AS TEXT), 'odd@example.com', NULL, {NOW}, {NOW})")
    with pytest.raises(InvalidInput, match="with sqlite3: UPDATE users SET tenant_id") as refused:
        erase(path, "a\N{REPLACEMENT CHARACTER}")
    (way,) = re.findall(r"UPDATE .*?'…'", str(refused.value))
    ask(path, way.replace("…", "61FF"))
    assert erase(path, "a-name").erasure.total == 1
    assert ask(path, "SELECT count(*) FROM users WHERE id = 'odd'") == [(0,)]


def test_what_came_since_it_was_counted_is_not_erased(path: Path, tmp_path: Path) -> None:
    opened = open_database(path)
    with opened.database.connection_context():
        expected = erasing.plan(opened.database, TENANT, now=NOW)
    ask(path, "DELETE FROM notifications WHERE rowid = (SELECT max(rowid) FROM notifications "
        "WHERE tenant_id = ?)", TENANT)  # fmt: skip
    with pytest.raises(NotAllowed, match="Other rows than were counted"):
        erase(path, expected=expected)
    with pytest.raises(Cancelled):
        erase(path, monitor=Monitor(cancelled=lambda: True))
    assert count(path, "users", TENANT) > 0
    assert not list(tmp_path.glob("*before*"))


@pytest.mark.slow
def test_what_was_written_between_verification_and_erasure_stops_it(path: Path, tmp_path: Path) -> None:
    """Another program appends to the chain when the checkpoint has been made."""
    store, verify = store_and_verifier(take_part=True)

    def verify_and_write(*asked: Any, **how: Any) -> Any:
        report = verify(*asked, **how)
        if not written:
            written.append(True)
            opened = open_database(path)
            with opened.database.connection_context():
                event = Event(TENANT, "user_created", {})
                append(opened.database, lambda: Batch((), (event,)), now=NOW, told=True)
        return report

    written: list[bool] = []
    with pytest.raises(TenantAdminError):
        erasing.erase(open_database(path), TENANT, store, verify_and_write, actor="mei", now=NOW)
    assert count(path, "users", TENANT) > 0
    assert not list(tmp_path.glob("*before*"))
    assert erase(path).holds


@pytest.mark.slow
def test_times_are_judged_by_the_clock_of_then_where_it_had_to_wait(path: Path) -> None:
    """Others go on writing while a limit is waited for; that is no entry from the future."""
    store, verify = store_and_verifier(take_part=True)
    later = NOW

    def verify_late(*asked: Any, **how: Any) -> Any:
        nonlocal later
        if later == NOW:
            later = NOW + 900
            with closing(apsw.Connection(str(path))) as others:
                chains.append(others, "system", [later - 1])
        return verify(*asked, **how)

    done = erasing.erase(open_database(path), TENANT, store, verify_late, actor="mei", now=lambda: later)
    assert done.holds and done.after is not None and not done.after.report.findings


@pytest.mark.slow
def test_where_nothing_can_be_verified_behind_it_that_is_said_and_it_holds_all_the_same(path: Path) -> None:
    store, verify = store_and_verifier(take_part=True)
    asked: list[bool] = []

    def once(*given: Any, **how: Any) -> Any:
        asked.append(True)
        if asked[1:]:
            raise NotAllowed("No.")
        return verify(*given, **how)

    done = erasing.erase(open_database(path), TENANT, store, once, actor="mei", now=NOW)
    assert not done.holds and "The chains could not be verified afterwards. No." in done.notes
    assert verdict(path) == "VERIFIED"


@pytest.mark.slow
def test_what_was_sent_to_its_webhooks_is_forgotten_and_what_they_were_signed_with(path: Path) -> None:
    log, opened, keyring = DeliveryLog(), open_database(path), MemoryKeyring()
    secrets = OldSecrets(str(opened.kept_by), keyring)
    for (webhook,) in ask(path, "SELECT id FROM webhook_destinations"):
        secrets.keep(webhook, OldSecret(Secret("s3cret"), NOW + 60))
    (left,) = ask(path, "SELECT count(*) FROM webhook_destinations WHERE tenant_id <> ?", TENANT)[0]
    assert len(keyring.kept) > left + 1 > 1
    answer = DeliveryAnswer(DeliveryOutcome.TIMEOUT, seconds=1)
    for tenant in (TENANT, "globex"):
        to = Destination("w", tenant, "", "https://h.example/", "h.example", "*", None)
        request = make(to, "run_killed", "{}", now=NOW)
        log.add(str(opened.kept_by), to, request, answer, signing=Signing.PLATFORM, days=30)
    store, _ = store_and_verifier()
    newest = "SELECT tenant_id, max(seq), hash FROM audit_chain GROUP BY tenant_id"
    made = [
        OwnEntry(tenant, number, head, NOW, "User ann@acme.example created")
        for tenant, number, head in ask(path, newest)
    ]
    store.verdicts.own.keep(opened.where, made)
    erase(path, log=log, old_secrets=secrets)
    kept = {one.tenant for one in store.verdicts.own.all(opened.where)}
    assert kept == {one.tenant for one in made} - {TENANT} != set()
    assert len(keyring.kept) == left + 1
    assert [one.tenant for one in log.find(LogQuery(str(opened.kept_by)))] == ["globex"]


@pytest.mark.slow
def test_rows_that_depend_on_it_by_ways_of_several_lengths_go(path: Path) -> None:
    """One by a review alone, which a mark refers to, one by a user alone, and one that leads round."""
    execute(
        path,
        f"""
        CREATE TABLE notes (id INTEGER PRIMARY KEY, of TEXT REFERENCES users (id),
          mark INTEGER REFERENCES marks (id), before INTEGER REFERENCES notes (id));
        INSERT INTO notes (mark) VALUES (1), (3);
        INSERT INTO notes (of) SELECT id FROM users WHERE tenant_id = '{TENANT}' LIMIT 1;
        UPDATE notes SET before = 1 WHERE id = 3
        """,
    )
    done = erase(path)
    assert done.holds and done.erasure.going["notes"] == 2
    assert ask(path, "SELECT id FROM notes") == [(2,)]
    assert ask(path, "PRAGMA foreign_key_check") == []


@pytest.mark.slow
def test_a_schema_of_endless_ways_is_refused_at_once(path: Path) -> None:
    above = ["users"]
    for layer in range(40):
        names = [f"left{layer}", f"right{layer}"]
        for name in names:
            keys = ", ".join(f"of_{one} TEXT REFERENCES {one} (id)" for one in above)
            ask(path, f"CREATE TABLE {name} (id TEXT PRIMARY KEY, {keys})")
        above = names
    with pytest.raises(NotAllowed, match="by more than 100 ways"):
        erase(path)


@pytest.mark.slow
def test_a_row_stays_that_the_marker_needs(tmp_path: Path) -> None:
    path = sample(tmp_path / "gateway.sqlite", rows=60)
    ((sql,),) = ask(path, "SELECT sql FROM sqlite_master WHERE name = 'audit_chain'")
    rows = ask(path, "SELECT * FROM audit_chain")
    ask(path, "CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT)")
    ask(path, "INSERT INTO tenants SELECT DISTINCT tenant_id, 'x' FROM audit_chain")
    ask(path, "INSERT OR IGNORE INTO tenants VALUES ('system', 'x'), ('registered', 'x')")
    ask(path, "DROP TABLE audit_chain")
    ask(path, sql.replace("tenant_id TEXT NOT NULL", "tenant_id TEXT NOT NULL REFERENCES tenants (id)"))
    for row in rows:
        ask(path, f"INSERT INTO audit_chain VALUES ({', '.join('?' * len(row))})", *row)
    done = erase(path)
    assert done.holds and any("its row stays" in line for line in done.erasure.lines())
    assert (TENANT,) in ask(path, "SELECT id FROM tenants")
    with pytest.raises(NotAllowed, match="but the marker in its chain"):
        erase(path, now=NOW + 10)
    done = erase(path, "registered", now=NOW + 20)  # without a chain no marker needs it
    assert done.holds and dict(done.erasure.going) == {"tenants": 1}
    assert ("registered",) not in ask(path, "SELECT id FROM tenants")


def test_it_ends_while_rows_are_read_to_be_compared(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def left(*args: Any) -> Any:
        said.append("left")
        found = contents(*args)
        said.append("read to its end")
        return found

    monkeypatch.setattr(erasing, "contents", left)
    monkeypatch.setattr("models.local.database.LOOK_STEPS", 1)
    before = content(path)
    with pytest.raises(Cancelled):
        erase(path, monitor=Monitor(cancelled=lambda: bool(said)))
    assert said == ["left"] and content(path) == before


def test_tables_that_do_not_say_whose_their_rows_are_are_named_before_and_after(path: Path) -> None:
    execute(path, "CREATE TABLE notes (id INTEGER PRIMARY KEY, about TEXT); CREATE TABLE empty (x)")
    execute(path, f"INSERT INTO notes (about) VALUES ('x'), ('{{\"tenant\":\"{TENANT}\"}}')")
    told: list[float] = []
    done = erase(path, monitor=Monitor(lambda now, all_of_it: told.append(now / all_of_it)))
    assert told == sorted(told) and told[-1] == 1 and {0.3, 0.4, 0.7} <= set(told)
    naming = "notes: rows that name it stay, as no column of theirs says whose they are"
    stays = [one.said() for one in done.erasure.stays]
    assert naming in stays and f"{naming}." in done.notes
    assert not any("empty" in line or "d1_migrations" in line for line in stays)
    others = next(line for line in stays if line.endswith("as nothing tells whose they are"))
    assert "planning_runs" in others and "users" not in others
    named = next(line for line in done.erasure.lines(title_of) if line.endswith("whose they are"))
    assert "Planning runs" in "".join(done.erasure.lines(title_of)) and "planning_" not in named


@pytest.mark.slow
def test_what_others_left_in_free_space_goes_or_is_said(path: Path, tmp_path: Path) -> None:
    """Another program without `secure_delete` leaves what it removes where it stood."""
    address = b"left-behind@acme.example"
    for at in range(40):
        row = f"('left-{at}', '{TENANT}', '{at}-{address.decode()}', NULL, {NOW}, {NOW})"
        ask(path, f"{INTO_USERS}{row}")
    ask(path, "ANALYZE")
    assert [one for (one,) in ask(path, "SELECT sample FROM sqlite_stat4") if address in one]
    ask(path, "DELETE FROM users WHERE id LIKE 'left-%'")
    ask(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert address in path.read_bytes()
    names = ask(path, "SELECT rowid, id FROM users WHERE tenant_id <> ? ORDER BY rowid", TENANT)
    done = erase(path)
    assert done.holds and not done.problems
    assert address not in b"".join(one.read_bytes() for one in tmp_path.glob(f"{path.name}*"))
    assert ask(path, "SELECT rowid, id FROM users ORDER BY rowid") == names
    ask(path, "CREATE TABLE loose (tenant_id TEXT)")
    ask(path, "INSERT INTO loose VALUES ('globex'), ('zeta'), ('zeta')")
    (other,) = ask(path, "SELECT DISTINCT tenant_id FROM users LIMIT 1")[0]
    ask(path, "UPDATE loose SET tenant_id = ? WHERE tenant_id = 'globex'", other)
    done = erase(path, str(other), now=NOW + 9)
    said = "rewritten: the rows of loose would get other numbers by that. VACUUM"
    assert done.holds and said in done.notes[-1]
    assert ask(path, "SELECT rowid FROM loose") == [(2,), (3,)]


def test_an_index_of_texts_keeps_nothing_or_is_named(path: Path) -> None:
    ask(path, "CREATE TABLE letters (id INTEGER PRIMARY KEY, tenant_id TEXT, body TEXT)")
    ask(path, "INSERT INTO letters VALUES (1, ?, 'unforgettable'), (2, 'zeta', 'other')", TENANT)
    for name, columns in (
        ("found", "fts5(tenant_id, body, content='letters', content_rowid=id)"),
        ("old", 'fts4(body, CONTENT="letters")'),
        ("Keeps", "fts5(body, content='')"),
        ("unfit", "fts5(title, content=letters)"),
        ("beside", "fts5(email, content=d1_migrations)"),
        ("words", "fts5vocab(found, row)"),
        ("empty", "fts5(body)"),
    ):
        ask(path, f"CREATE VIRTUAL TABLE {name} USING {columns}")
    for name in ("found", "old"):
        ask(path, f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
    ask(path, "INSERT INTO Keeps (rowid, body) VALUES (1, 'unforgettable')")
    with closing(apsw.Connection(str(path))) as connection:
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        connection.pragma("writable_schema", 1)
        connection.execute(
            "INSERT INTO sqlite_master VALUES ('table', 'gone', 'gone', 0, "
            "'CREATE VIRTUAL TABLE gone USING elsewhere(x)')"
        )
    done = erase(path)
    said = [
        "found: this index is rebuilt from the rows that stay",
        "old: this index is rebuilt from the rows that stay",
        "Keeps: this virtual table, of 1 row, may keep what it has of the tenant",
        "gone: this virtual table, whose rows nothing here can read, may keep what it has of the tenant",
        "unfit: this virtual table, whose rows nothing here can read, may keep what it has of the tenant",
    ]
    assert done.holds and not done.problems and done.erasure.lines()[-5:] == said
    assert done.notes[1 : 1 + len(said)] == tuple(
        f"{line.replace(' is rebuilt', ' was rebuilt')}." for line in said
    )
    assert ask(path, "SELECT count(*) FROM words WHERE term = 'unforgettable'") == [(0,)]
    assert ask(path, "SELECT docid FROM old WHERE old MATCH 'unforgettable'") == []
    assert ask(path, "SELECT rowid FROM found WHERE found MATCH 'other'") == [(2,)]
    last = "SELECT payload ->> 'virtualTables' FROM audit_chain WHERE event_type = 'tenant_erased'"
    ((told,),) = ask(path, last)
    assert json.loads(told) == {
        "rebuilt": ["found", "old"], "mayKeep": {"Keeps": 1, "gone": None, "unfit": None}
    }  # fmt: skip
