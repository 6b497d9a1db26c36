"""Ranges of files that live as they should raise no alarm, and no forged marker hides a wiped tenant in one.

Both the program, which reads the file, and the verifier of the bundle, which has the range alone, are asked.
TENANT_ADMIN_HISTORIES is how many there are.
"""

import json
import os
import random
import re
from pathlib import Path

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.evidence import write_bundle
from app.services.chain.rules import GENESIS, SOUND
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile
from tests.app.services.chain.test_differential import TENANTS, build, retain, verify
from tests.app.services.chain.test_evidence_agreement import judged, rewritten
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW

HISTORIES = range(int(os.environ.get("TENANT_ADMIN_HISTORIES", "4")))
NUMBERS = [pytest.param(number, marks=[pytest.mark.slow] if number else []) for number in HISTORIES]


def sign(chain: ChainFile, store: CheckpointStore) -> None:
    making.verify_and_sign(InFile(chain.path), store, verify, now=NOW, reason=Reason.REQUEST)


def lived(folder: Path, rng: random.Random) -> tuple[ChainFile, CheckpointStore]:
    """Entries, new tenants, quiet ones, and retention that signs before, and mostly afterwards."""
    chain, store = build(folder / "a.db"), CheckpointStore(folder / "home")
    (folder / "archive").mkdir()
    busy = rng.sample(TENANTS, rng.randrange(1, 3))  # the others stay quiet
    sign(chain, store)
    for number in range(rng.randrange(2, 6)):
        happens = rng.randrange(4)
        if happens == 0:
            busy.append(f"new-{number}")
        if happens in (0, 1):
            for _ in range(rng.randrange(1, 6)):
                chain.append(rng.choice(busy), at=NOW - 80)
        if happens == 2:
            retain(folder / "a.db", store, folder / "archive", days=rng.choice((100, 80, 60)))
        if happens == 3:
            sign(chain, store)
            tenant = rng.choice([*TENANTS, *busy])
            said = "SELECT max(seq) FROM audit_chain WHERE tenant_id = ? AND event_type <> 'audit_pruned'"
            below = [seq for seq in chain.seqs(tenant) if seq < chain.one(said, tenant)[0]]
            if below:
                chain.prune(tenant, rng.choice(below))
        if rng.random() < 0.6:
            sign(chain, store)
    return chain, store


def asked(
    chain: ChainFile, store: CheckpointStore, section: Section, folder: Path
) -> tuple[Report, int, str]:
    """What the program says of the range, and the verifier of a bundle whose report was made to say that it
    is CONSISTENT.
    """
    where = InFile(chain.path)
    report = verify(where, section=section, checkpoints=store.known(where))
    kept = store.all_checkpoints(where)
    write_bundle(where, report, folder, section=section, checkpoints=kept, now=NOW)
    if report.verdict not in SOUND:
        rewritten(folder, verdict="CONSISTENT")
    return report, *judged(folder)


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_a_range_of_what_lived_as_it_should_raises_no_alarm(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    chain, store = lived(tmp_path, rng)
    assert verify(InFile(chain.path), checkpoints=store.known(InFile(chain.path))).verdict in SOUND
    (end,) = chain.one("SELECT max(seq) FROM audit_chain")
    for turn in range(4):
        first, last = sorted(rng.sample(range(1, end + 5), 2))
        limits = rng.choice([(first, last), (None, last), (first, None), (1, last)])
        section = Section(rng.choice([None, None, rng.choice(TENANTS)]), *limits)
        report, code, said = asked(chain, store, section, tmp_path / f"out-{turn}")
        assert report.verdict in SOUND, (section, report.findings)
        unknown = re.findall(
            r"Entry (\d+) of (\S+), which checkpoint \d+ knew, is not there: why, this", said
        )
        assert code == (2 if unknown else 0), (section, said)
        for seq, tenant in unknown:  # the marker that says why is outside of the range
            why = "SELECT max(seq) FROM audit_chain WHERE tenant_id = ? AND event_type = 'audit_pruned'"
            why += " AND payload ->> '$.toSeq' >= ?"
            (marker,) = chain.one(why, tenant, int(seq))
            assert not (section.first or 1) <= marker <= (section.last or end), (section, said)


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("number", NUMBERS)
def test_no_forged_marker_hides_a_wiped_tenant_in_a_range(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    chain, store = lived(tmp_path, rng)
    tenant = rng.choice(TENANTS)
    sign(chain, store)
    known = [item.tenants[tenant] for item in store.checkpoints(InFile(chain.path))]
    if rng.random() < 0.5:  # its end lies behind the range then, and that of one before in it
        chain.append(tenant, at=NOW - 80)
        chain.append("other", at=NOW - 80)
        sign(chain, store)
    (end,) = chain.one("SELECT max(seq) FROM audit_chain")
    first, last, entries, head = known[-1].first_seq, known[-1].last_seq, known[-1].entries, known[-1].head
    last_hash = rng.choice([head, f"{rng.getrandbits(256):064x}"])
    through = last if last_hash == head else rng.randrange(first, last + 1)
    most = min(entries - 1, through - first) if last_hash == head else through - first + 1
    entries = rng.randrange(1, max(1, most) + 1)  # never all that agrees to the row
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ?", tenant)
    says = {"fromSeq": first, "toSeq": through, "count": entries, "lastHash": last_hash, "cutoff": NOW - 40}
    payload = json.dumps(says)
    inside = last + 1 if chain.one("SELECT 1 FROM audit_chain WHERE seq = ?", last + 1) is None else None
    chain.append(
        tenant, "audit_pruned", payload, NOW - 30, previous=last_hash, seq=rng.choice([inside, end + 1])
    )
    for _ in range(rng.randrange(3)):
        chain.append(tenant, at=NOW - 20)
    there = chain.seqs(tenant)[0]
    section = Section(rng.choice([None, tenant]), rng.choice([None, 2]), max(last, there) + rng.randrange(2))
    report, code, said = asked(chain, store, section, tmp_path / "out")
    assert last_hash != GENESIS and report.verdict not in SOUND, (section, says, known[-1])
    assert code == 1 and "by this bundle alone, it does not hold" in said, said


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_a_range_is_held_against_every_end_that_was_known_in_it(tmp_path: Path, number: int) -> None:
    """Also where later checkpoints, whose ends lie behind the range, cover everything."""
    rng = random.Random(number)
    chain, store = lived(tmp_path, rng)
    tenant = rng.choice(TENANTS)
    sign(chain, store)
    last = chain.seqs(tenant)[-1]
    for _ in range(2):
        chain.append("other", at=NOW - 80)
        chain.append(tenant, at=NOW - 80)
        sign(chain, store)
    section = Section(rng.choice([None, tenant]), rng.choice([None, last]), last + 1)
    report, code, said = asked(chain, store, section, tmp_path / "before")
    assert report.verdict in SOUND and code == 0, (report.findings, said)
    seqs = [seq for seq in chain.seqs(tenant) if (section.first or 0) <= seq <= last]
    wrong = rng.choice(seqs)
    if rng.random() < 0.5 and seqs[0] < last:  # else a bundle cannot tell it from what went for its age
        wrong = last
        chain.run("DELETE FROM audit_chain WHERE seq = ?", last)
    else:
        chain.run("UPDATE audit_chain SET created_at = created_at + 1 WHERE seq = ?", wrong)
    chain.rehash(tenant, max((seq for seq in chain.seqs(tenant) if seq < wrong), default=0))
    report, code, said = asked(chain, store, section, tmp_path / "out")
    assert report.verdict not in SOUND, section
    assert code == 1 and "by this bundle alone, it does not hold" in said, said


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_beginning_removed_without_a_word_is_found_in_a_range_that_ends_before_the_rest(
    tmp_path: Path, number: int
) -> None:
    rng = random.Random(number)
    chain, store = lived(tmp_path, rng)
    tenant = rng.choice(TENANTS)
    sign(chain, store)
    last = chain.seqs(tenant)[-1]
    for _ in range(rng.randrange(3)):
        chain.append("other", at=NOW - 80)
    for _ in range(2):
        chain.append(tenant, at=NOW - 80)
        chain.append("other", at=NOW - 80)
        if rng.random() < 0.5:
            sign(chain, store)
    left = chain.seqs(tenant)[-2]
    chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq <= ?", tenant, last)
    section = Section(rng.choice([None, tenant]), rng.choice([None, 2]), rng.randrange(last, left))
    report = verify(InFile(chain.path), section=section, checkpoints=store.known(InFile(chain.path)))
    assert report.verdict not in SOUND, section
