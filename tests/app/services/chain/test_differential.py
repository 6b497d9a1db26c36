"""One set of rules: what verification turns down, nobody removes, signs, archives or shows as sound.

And the reverse, for chains that hold. TENANT_ADMIN_MUTATIONS is how many files are damaged, by ten in the
long run of CI.
"""

import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.pruning import prove
from app.services.chain.reading import Link, inspect_entry
from app.services.chain.rules import ABOUT_A_CHAIN, BROKEN, SOUND, Code, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import InFile, Where
from app.services.demo import create_demo
from app.services.retention.clock import ClockFacts
from app.services.retention.plan import Confirmation, plan
from app.services.retention.prefixes import find_prefixes
from app.services.retention.run import Run
from app.workers import scan_pool
from models.errors import NotAllowed
from models.schema import read_stored
from tests.app.services.chain.verify.chains import ChainFile
from tests.app.services.chain.verify.histories import brought_back
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.chains import GENESIS
from tests.fixtures.connected import connected

MUTATIONS = int(os.environ.get("TENANT_ADMIN_MUTATIONS", "60"))
FILES = MUTATIONS if MUTATIONS <= 60 else max(60, MUTATIONS // 10)
DAY = 86_400
TENANTS = ("acme", "globex", "initech")
ROWS = 14

NOTHING_LEFT = (
    apsw.ConstraintError, apsw.FullError, IndexError, TypeError, UnicodeDecodeError, OverflowError
)  # fmt: skip
"""What a damage raises where another has left nothing for it."""

Damage = Callable[[ChainFile, random.Random, str], None]


def verify(where: Where, **options: Any) -> Report:
    return scan_pool.verify(where, processes=1, take_part=True, **{"now": NOW, **options})


@dataclass
class Outcome:
    """What verifications said to a retention run, the tenants that were archived, and whether it signed."""

    attempts: list[Attempt]
    archived: set[str]
    is_signed: bool

    @property
    def is_stopped(self) -> bool:
        return any(attempt.stops is not None for attempt in self.attempts)


def retain(path: Path, store: CheckpointStore, archive: Path, *, days: int = 60) -> Outcome:
    """Retention as a person has it: planned, confirmed, carried out."""
    attempts: list[Attempt] = []

    def checkpoint(**options: Any) -> Attempt:
        attempts.append(making.try_to_sign(InFile(path), store, verify, clock=lambda: NOW, **options))
        return attempts[-1]

    signed = len(store.checkpoints(InFile(path)))
    with connected(path) as database:
        found = plan(database, now=NOW, days=days, facts=ClockFacts(stated=True), checkpoint=checkpoint)
        said = Confirmation.to(found, majority=True, clock=True, without_checkpoint=True)
        how: Any = {"actor": "ops", "checkpoint": checkpoint, "archive": archive, "pause": lambda _: None}
        how |= {"kept_by": path, "wall": NOW}
        with suppress(NotAllowed):
            Run(database=database, plan=found, confirmation=said, now=NOW, **how).carry_out()
    archived = {file.name.split("-")[1] for file in archive.iterdir()}
    return Outcome(attempts, archived, len(store.checkpoints(InFile(path))) > signed)


def build(path: Path) -> ChainFile:
    """Three interleaved chains over 110 days."""
    chain = ChainFile(path)
    heads: dict[str, str] = {}
    with chain.sql:
        for number in range(ROWS * len(TENANTS)):
            tenant = TENANTS[number % len(TENANTS)]
            at = NOW - 110 * DAY + number * 110 * DAY // (ROWS * len(TENANTS))
            previous = heads.get(tenant, GENESIS)
            heads[tenant] = chain.append(
                tenant, payload=json.dumps({"n": number, "to": "a:b"}), at=at, previous=previous
            )
    return chain


def any_row(chain: ChainFile, rng: random.Random, tenant: str) -> int:
    return rng.choice(chain.seqs(tenant))


def edit(column: str, expression: str, *, rehash: bool = False) -> Damage:
    def damage(chain: ChainFile, rng: random.Random, tenant: str) -> None:
        seq = any_row(chain, rng, tenant)
        chain.run(f"UPDATE audit_chain SET {column} = {expression} WHERE seq = ?", seq)
        if rehash:
            chain.rehash(tenant)

    return damage


def cut_head(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", tenant, any_row(chain, rng, tenant))


def cut_head_and_rehash(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    cut_head(chain, rng, tenant)
    chain.rehash(tenant)


def cut_tail(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq > ?", tenant, any_row(chain, rng, tenant))


def cut_out(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("DELETE FROM audit_chain WHERE seq = ?", any_row(chain, rng, tenant))


def renumber(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("UPDATE audit_chain SET seq = 10000 - seq WHERE seq = ?", any_row(chain, rng, tenant))


def double(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    columns = "tenant_id,event_type,payload,previous_hash,hash,created_at"
    chain.run(
        f"INSERT INTO audit_chain ({columns}) SELECT {columns} FROM audit_chain WHERE seq = ?",
        any_row(chain, rng, tenant),
    )


def start_again(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.append(tenant, previous=GENESIS)


def continue_another(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.append(tenant, previous=chain.head(rng.choice(TENANTS)))


def fork(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    (previous,) = chain.one(
        "SELECT previous_hash FROM audit_chain WHERE seq = ?", any_row(chain, rng, tenant)
    )
    chain.append(tenant, payload='{"forged":1}', previous=previous)


def shift_colon(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run(
        "UPDATE audit_chain SET "
        "event_type = event_type || ':' || substr(payload, 1, instr(payload, ':') - 1), "
        "payload = substr(payload, instr(payload, ':') + 1) WHERE seq = ?",
        any_row(chain, rng, tenant),
    )


def move_first(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    cut = any_row(chain, rng, tenant)
    chain.run("UPDATE audit_chain SET tenant_id = 'moved' WHERE tenant_id = ? AND seq <= ?", tenant, cut)


def leave_out(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    """A marker that begins behind the first entry of those that are gone with it."""
    seqs = chain.seqs(tenant)
    at = seqs[len(seqs) // 3]
    marker(fromSeq=at, count=1)(chain, rng, tenant)


def append(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.append(tenant, at=NOW - 30)


def append_other(**options: Any) -> Damage:
    def damage(chain: ChainFile, rng: random.Random, tenant: str) -> None:
        chain.append(tenant, **{"at": NOW - 30, **options})

    return damage


def marker(**changes: Any) -> Damage:
    """A well-hashed marker, which may say what cannot be."""

    def damage(chain: ChainFile, rng: random.Random, tenant: str) -> None:
        seqs = chain.seqs(tenant)
        cut = seqs[len(seqs) // 3]
        (value,) = chain.one("SELECT hash FROM audit_chain WHERE seq = ?", cut)
        payload: dict[str, Any] = {
            "fromSeq": seqs[0],
            "toSeq": cut,
            "count": seqs.index(cut) + 1,
            "lastHash": value,
            "cutoff": NOW - 20 * DAY,
        }
        chain.append(tenant, "audit_pruned", json.dumps(payload | changes), NOW - 20)
        chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", tenant, cut)

    return damage


def wiped(*, beyond: int = 0, first: int = 0, count: int = 0, rows: int = 3, follow: bool = False) -> Damage:
    """All of a tenant gone, `rows` forged in their place, and a marker that tells of them, or otherwise.

    `beyond` is by how much it reaches behind the last, `first` and `count` by how much they are wrong, and
    `follow` that the forged ones go on from the last that was there.
    """

    def damage(chain: ChainFile, rng: random.Random, tenant: str) -> None:
        seqs, previous = chain.seqs(tenant), chain.head(tenant)
        chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", tenant)
        previous = start = previous if follow else "d" * 64
        (end,) = chain.one("SELECT max(seq) FROM sqlite_sequence")
        for number in range(rows):
            seq = end + 100 + number
            previous = chain.append(tenant, payload="{}", at=NOW - 50, previous=previous, seq=seq)
        says: dict[str, Any] = {
            "fromSeq": seqs[0] + first,
            "toSeq": seqs[-1] + beyond,
            "count": len(seqs) + count,
        }
        says |= {"lastHash": start, "cutoff": NOW - 60 * DAY if rows else NOW - 60}
        chain.append(
            tenant, "audit_pruned", json.dumps(says), NOW - 20, previous=previous, seq=end + 100 + rows
        )

    return damage


def begin_again(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    """The platform's cleanup took all, and its gateway numbers from the start again; perhaps twice."""
    seqs = chain.seqs(tenant)
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", tenant)
    for seq in seqs[: seqs.index(rng.choice(seqs)) + 1]:
        chain.append(tenant, at=NOW + 5, seq=seq)
    if rng.random() < 0.3:
        cut_head(chain, rng, tenant)


def empty(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("DELETE FROM audit_chain")


def move_all(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("UPDATE audit_chain SET tenant_id = 'moved' WHERE tenant_id = ?", tenant)


def swap(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    other = rng.choice([name for name in TENANTS if name != tenant])
    chain.run(
        "UPDATE audit_chain SET tenant_id = iif(tenant_id = ?1, ?2, ?1) WHERE tenant_id IN (?1, ?2)",
        tenant,
        other,
    )


def number_high(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.append(tenant, at=NOW - 30, seq=2**62)


def append_new(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.append(f"new-{rng.random()}", at=NOW - 25)


def twin(then: Damage) -> Damage:
    """Another tenant has the same entries, and what happens then happens to one of the two."""

    def damage(chain: ChainFile, rng: random.Random, tenant: str) -> None:
        columns = "event_type,payload,previous_hash,hash,created_at"
        chain.run(
            f"INSERT INTO audit_chain (tenant_id,{columns}) "
            f"SELECT 'twin',{columns} FROM audit_chain WHERE tenant_id = ? ORDER BY seq",
            tenant,
        )
        then(chain, rng, rng.choice((tenant, "twin")))

    return damage


DAMAGES: dict[str, Damage] = {
    "payload": edit("payload", "'{}'"),
    "payload and rehash": edit("payload", "'{}'", rehash=True),
    "event": edit("event_type", "'user_deleted'"),
    "time": edit("created_at", "created_at - 1"),
    "hash": edit("hash", "'" + "a" * 64 + "'"),
    "upper case": edit("hash", "upper(hash)"),
    "previous": edit("previous_hash", "'" + "b" * 64 + "'"),
    "tenant": edit("tenant_id", "'globex'"),
    "nobody": edit("tenant_id", "'nobody'"),
    "blob": edit("payload", "CAST(payload AS BLOB)"),
    "blob tenant": edit("tenant_id", "CAST(tenant_id AS BLOB)"),
    "text time": edit("created_at", "created_at || 'x'"),
    "real time": edit("created_at", "created_at + 0.5"),
    "nul": edit("payload", "payload || char(0)"),
    "no text": edit("event_type", "CAST(x'ff' AS TEXT)"),
    "no json": edit("payload", "'x'", rehash=True),
    "nul, rehashed": edit("event_type", "event_type || char(0)", rehash=True),
    "deep json": edit("payload", "'" + "[" * 3_000 + "]" * 3_000 + "'", rehash=True),
    "long number": edit("payload", "'" + "1" * 5_000 + "'", rehash=True),
    "wiped": wiped(rows=0),
    "wiped, beyond": wiped(beyond=5),
    "wiped, beyond, counting more": wiped(beyond=5, count=2),
    "wiped, beyond, from later": wiped(beyond=5, first=1, count=-3),
    "wiped, going on": wiped(follow=True),
    "wiped, going on, counting fewer": wiped(follow=True, count=-1),
    "wiped, from before": wiped(follow=True, first=-1),
    "begun again": begin_again,
    "emptied": empty,
    "moved whole": move_all,
    "swapped": swap,
    "numbered high": number_high,
    "milliseconds": append_other(at=(NOW - 40) * 1000),
    "fraction": append_other(at=NOW - 40.25),
    "fraction, rehashed": edit("created_at", "created_at + 0.5", rehash=True),
    "text": append_other(at="2026-11-09T11:59:00Z"),
    "event type": append_other(event="any string: at all"),
    "backwards": append_other(at=NOW - 200 * DAY),
    "new tenant": append_new,
    "append": append,
    "cut head": cut_head,
    "twin, cut head": twin(cut_head),
    "twin, cut out": twin(cut_out),
    "twin, hash": twin(edit("hash", "'" + "a" * 64 + "'")),
    "twin, payload and rehash": twin(edit("payload", "'{}'", rehash=True)),
    "cut head and rehash": cut_head_and_rehash,
    "cut tail": cut_tail,
    "cut out": cut_out,
    "renumber": renumber,
    "double": double,
    "start again": start_again,
    "continue another": continue_another,
    "fork": fork,
    "colon": shift_colon,
    "moved": move_first,
    "marker": marker(),
    "marker, leaving out": leave_out,
    "marker, negative": marker(count=-5),
    "marker, too many": marker(count=1000),
    "marker, from 0": marker(fromSeq=0),
    "marker, backwards": marker(fromSeq=30, toSeq=3),
    "marker, future": marker(toSeq=10_000),
    "marker, no hash": marker(lastHash="A" * 64),
    "marker, true": marker(count=True),
    "marker, cutoff": marker(cutoff=NOW),
    "marker, other hash": marker(lastHash="c" * 64),
    "marker, archive": marker(archive={"file": "/etc/passwd", "sha256": "0" * 64}),
}


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=[pytest.mark.slow] if number % 40 else [])
        # The last ones: what showed the error would have gone, and a marker's tenant is a BLOB.
        for number in sorted({*range(FILES), 243, 658, 1_000_631})
    ],
)
def test_no_one_takes_for_sound_what_verification_turns_down(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    chain, store, archive = (build(tmp_path / "a.db"), CheckpointStore(tmp_path / "home"), tmp_path)
    (archive := tmp_path / "archive").mkdir()
    if rng.random() < 0.5:  # a chain that retention has pruned before
        retain(chain.path, store, archive, days=90)
        assert chain.one("SELECT count(*) FROM audit_chain WHERE event_type = 'audit_pruned'")[0] >= 3
        if rng.random() < 0.5:
            store = CheckpointStore(tmp_path / "another home")
    names = rng.sample(sorted(DAMAGES), rng.choice([0, 1, 1, 1, 2, 3]))
    names = [sorted(DAMAGES)[number % len(DAMAGES)]] if number < len(DAMAGES) else names
    for name in names:
        try:
            DAMAGES[name](chain, rng, rng.choice(TENANTS))
        except NOTHING_LEFT:
            continue
    check(chain, store, archive)


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=[pytest.mark.slow] if number % 40 else []) for number in range(FILES)],
)
def test_no_one_takes_an_earlier_state_for_sound(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    known, _ = brought_back(tmp_path, rng)
    (archive := tmp_path / "archive").mkdir()
    for name in rng.sample(sorted(DAMAGES), rng.choice([0, 0, 0, 1])):
        with suppress(*NOTHING_LEFT):
            DAMAGES[name](known.chain, rng, rng.choice(["acme", "globex"]))
    before, path = rows(known.chain), InFile(known.chain.path)
    report = verify(path, checkpoints=known.store.known(path), seal=True)
    assert report.verdict not in SOUND
    check_inspector(path.path, verify(path))
    for reason in (Reason.REQUEST, Reason.VERIFY, Reason.RETENTION):
        with pytest.raises(NotSigned):
            known.store.create(path, report, now=NOW, reason=reason)
    outcome, after = retain(path.path, known.store, archive), rows(known.chain)
    assert not outcome.is_signed
    if report.verdict is Verdict.EARLIER:
        assert before == after and not outcome.archived and outcome.is_stopped
    for one in report.tenants:
        assert one.verdict not in BROKEN or before[one.tenant] == after[one.tenant]


def check(chain: ChainFile, store: CheckpointStore, archive: Path) -> None:
    report, alone = (
        verify(InFile(chain.path), checkpoints=store.known(InFile(chain.path))),
        verify(InFile(chain.path)),
    )
    wrong = {item.tenant for item in report.tenants if item.verdict in BROKEN}
    sound = {item.tenant for item in report.tenants if item.verdict in SOUND}
    check_inspector(chain.path, alone)
    before, planned = rows(chain), prefixes(chain.path)
    for file in archive.iterdir():
        file.unlink()
    outcome = retain(chain.path, store, archive)
    after = rows(chain)
    assert not wrong & outcome.archived
    for tenant in wrong:
        assert before[tenant] == after[tenant], (tenant, report.findings)
    if report.verdict in BROKEN:
        assert not outcome.is_signed
    elif report.verdict in SOUND:
        assert not outcome.is_stopped
        assert outcome.is_signed == bool(planned)
    if not outcome.is_stopped and Code.SEQUENCE_COUNTER not in report.counts:
        shown = {item.inside for item in report.tenants}  # by entries that stay
        for tenant in (sound & planned) - shown:
            assert before[tenant][0] not in after[tenant], (tenant, report.findings)
            assert tenant in outcome.archived
    later = verify(InFile(chain.path), checkpoints=store.known(InFile(chain.path)))
    assert wrong <= {item.tenant for item in later.tenants if item.verdict in BROKEN}
    if report.verdict in SOUND:
        assert later.verdict in SOUND


def rows(chain: ChainFile) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    columns = "seq, CAST(tenant_id AS BLOB), typeof(payload), CAST(payload AS BLOB), CAST(hash AS BLOB)"
    for row in chain.sql.execute(f"SELECT {columns} FROM audit_chain ORDER BY seq"):
        found.setdefault(row[1].decode("utf-8", "backslashreplace"), []).append(row)
    return found


def prefixes(path: Path) -> set[str]:
    with connected(path, read_only=True) as database:
        found, *_ = find_prefixes(database, NOW - 60 * DAY, read_stored(database)[0])
        return {item.tenant_id for item in found}


def check_inspector(path: Path, report: Report) -> None:
    """Row by row, what the verification of the chains by themselves says."""
    wrong = {
        item.seq
        for item in report.findings
        if item.is_error
        and item.seq is not None
        and (item.code not in ABOUT_A_CHAIN or item.code is Code.MARKER)
    }
    warned = {item.message.partition(": ")[0] for item in report.findings if item.is_warning}  # for many
    unproven = {item.seq for item in report.findings if item.code is Code.UNPROVEN_START}
    sound = {item.tenant for item in report.tenants if item.verdict in SOUND}
    with connected(path, read_only=True) as database:
        for (seq,) in database.connection().execute("SELECT seq FROM audit_chain").fetchall():
            found = inspect_entry(database, seq)
            problems = {problem.partition(": ")[0] for problem in found.problems}
            if seq in wrong | unproven:
                assert problems - warned, (seq, report.findings)
            if found.tenant in sound:
                assert found.link is Link.OK, seq
                assert problems <= warned, seq


@pytest.mark.slow
def test_a_retention_run_does_not_make_a_tampered_chain_sound(tmp_path: Path) -> None:
    """Pruned, then its start cut off, forged and rehashed from genesis, where no checkpoint knows of it."""
    path = tmp_path / "demo.sqlite"
    create_demo(path, rows=4_000, now=NOW)
    (archive := tmp_path / "archive").mkdir()
    retain(path, CheckpointStore(tmp_path / "home"), archive, days=100)
    chain = ChainFile(path)
    seqs = chain.seqs("acme-corp")
    chains.rewrite(chain.sql, "acme-corp", drop=60)
    store = CheckpointStore(tmp_path / "removed home")
    assert verify(InFile(path)).verdict is Verdict.TAMPERED
    retain(path, store, archive, days=80)
    assert chain.seqs("acme-corp")[0] == seqs[60]
    assert verify(InFile(path), checkpoints=store.known(InFile(path))).verdict is Verdict.TAMPERED


def test_the_proof_alone_knows_that_only_the_furthest_marker_counts(tmp_path: Path) -> None:
    """The same without any verification before it: a pruned chain does not start at genesis again."""
    chain = build(tmp_path / "a.db")
    (archive := tmp_path / "archive").mkdir()
    retain(chain.path, CheckpointStore(tmp_path / "home"), archive, days=90)
    chain.run("DELETE FROM audit_chain WHERE seq = ?", chain.seqs("acme")[0])
    chain.rehash("acme")
    with connected(chain.path) as database:
        found, *_ = find_prefixes(database, NOW - 60 * DAY, read_stored(database)[0])
        batches, (left,) = prove(database, found, batch_rows=5, tick=lambda _: None)
    assert left.tenant_id == "acme"
    assert left.reason.startswith("Nothing proves what came before entry")
    assert {part.tenant_id for batch in batches for part in batch} == {"globex", "initech"}
