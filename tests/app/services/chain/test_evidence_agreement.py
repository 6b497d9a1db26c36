"""The bundle's own verifier comes to the verdict that the rules come to, whatever the report was made to say.

TENANT_ADMIN_MUTATIONS is how many files are damaged.
"""

import json
import random
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from hashlib import sha256
from io import StringIO
from pathlib import Path
from runpy import run_path
from typing import Any, Final

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.evidence import VERIFIER, write_bundle
from app.services.chain.rules import SOUND, Code, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import InFile
from tests.app.services.chain.test_differential import (
    DAMAGES,
    MUTATIONS,
    NOTHING_LEFT,
    TENANTS,
    build,
    verify,
)
from tests.app.services.chain.verify.chains import ChainFile
from tests.app.services.chain.verify.histories import brought_back
from tests.app.services.chain.verify.test_earlier import (
    CONTRADICTIONS,
    CONTRADICTIONS_APART,
    CONTRADICTIONS_IN_GAPS,
    known_apart,
    known_twice,
    known_with_gaps,
)
from tests.conftest import NOW

BEYOND = {Code.SEQUENCE_COUNTER, Code.INDEX, Code.SIGNATURE, Code.ROLLBACK}
"""What is found in the file or the store, of which nothing is in a bundle."""


def expected(report: Report) -> Verdict | None:
    """What the rules say of the entries and of what checkpoints knew of them; None is that all holds."""
    found = set(report.counts) - BEYOND
    if any(item.is_error and item.code in found for item in report.findings):
        return Verdict.TAMPERED
    if report.earlier is not None:
        return Verdict.EARLIER
    if Code.UNPROVEN_START in found and report.entries:
        return Verdict.UNPROVEN_START
    # That a file had entries once only its counter knows.
    return None if report.counts.keys() & BEYOND or not report.entries else report.verdict


def rewritten(folder: Path, **changes: Any) -> None:
    """The report and the manifest made to say it, and to fit."""
    for name in ("findings.json", "manifest.json"):
        value = json.loads((folder / name).read_text()) | changes
        for file in value.get("sha256", ()):
            value["sha256"][file] = sha256((folder / file).read_bytes()).hexdigest()
        (folder / name).write_text(json.dumps(value))


def judged(folder: Path) -> tuple[int, str]:
    """The exit status of the bundle's verifier and what it says to somebody who knows who signed it."""
    said, kept = StringIO(), json.loads((folder / "checkpoints.json").read_text())["checkpoints"]
    with redirect_stdout(said):
        code = run_path(str(folder / VERIFIER))["main"](folder, {item["key"] for item in kept})
    return code, said.getvalue()


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=[pytest.mark.slow] if number % 30 else []) for number in range(MUTATIONS)],
)
def test_a_bundle_comes_to_the_verdict_of_the_rules(tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    chain, store = build(tmp_path / "a.db"), CheckpointStore(tmp_path / "home")
    for _ in range(rng.randrange(4)):
        lived(chain, store, rng)
    names = [sorted(DAMAGES)[number % len(DAMAGES)], *rng.sample(sorted(DAMAGES), rng.randrange(2))]
    for name in names if rng.random() < 0.9 else ():
        with suppress(*NOTHING_LEFT):
            DAMAGES[name](chain, rng, rng.choice(TENANTS))
    agree(chain, store, tmp_path / "bundle", names)


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=[pytest.mark.slow] if number % 30 else []) for number in range(MUTATIONS)],
)
@pytest.mark.parametrize("apart", [False, True])
def test_a_bundle_of_an_earlier_state_comes_to_the_verdict_of_the_rules(
    tmp_path: Path, number: int, apart: bool
) -> None:
    rng = random.Random(number)
    known, _ = brought_back(tmp_path, rng, apart=apart)
    names = rng.sample(sorted(DAMAGES), rng.choice([0, 1, 1]))
    tenants = [name for name in TENANTS if known.chain.seqs(name)]
    for name in names if tenants else ():
        with suppress(*NOTHING_LEFT):
            DAMAGES[name](known.chain, rng, rng.choice(tenants))
    agree(known.chain, known.store, tmp_path / "bundle", names)


KNOWN: Final = (
    dict.fromkeys(CONTRADICTIONS, known_twice)
    | dict.fromkeys(CONTRADICTIONS_IN_GAPS, known_with_gaps)
    | dict.fromkeys(CONTRADICTIONS_APART, known_apart)
)


@pytest.mark.parametrize("damage", KNOWN)
def test_a_bundle_of_what_contradicts_a_later_checkpoint_is_of_no_earlier_state(
    tmp_path: Path, damage: Callable[[ChainFile], None]
) -> None:
    known = KNOWN[damage](tmp_path)
    damage(known.chain)
    agree(known.chain, known.store, tmp_path / "bundle", [damage.__name__])


def agree(chain: ChainFile, store: CheckpointStore, folder: Path, names: list[str]) -> None:
    """The report on a file and what is found by its bundle alone."""
    known = store.known(InFile(chain.path))
    report = verify(InFile(chain.path), checkpoints=known)
    kept = store.all_checkpoints(InFile(chain.path))
    write_bundle(InFile(chain.path), report, folder, checkpoints=kept, now=NOW)
    rewritten(folder, verdict="VERIFIED" if known.checkpoints else "CONSISTENT")
    wanted = expected(report)
    code, said = judged(folder)
    came_to = said.partition("By this bundle alone: ")[2].partition(".")[0]
    possible = SOUND if wanted is None else {wanted}
    found = report.counts.keys() - {Code.UNPROVEN_START}
    if found == {Code.SEQUENCE_COUNTER, Code.TRUNCATED}:
        possible |= {Verdict.EARLIER}  # which only the counter denies
    assert came_to in possible, (names, report.findings)
    assert (code in (0, 3)) == (came_to in SOUND and f" says {came_to};" in said)


def lived(chain: ChainFile, store: CheckpointStore, rng: random.Random) -> None:
    """What happens to a file in order: entries, retention, a checkpoint, the platform's cleanup."""
    for _ in range(rng.randrange(6)):
        chain.append(rng.choice(TENANTS), at=NOW - 80)
    tenant = rng.choice(TENANTS)
    cut = rng.choice(chain.seqs(tenant)[:-1] or [0])
    happens = rng.randrange(4)
    if happens == 0:
        chain.run("DELETE FROM audit_chain WHERE tenant_id = ? AND seq < ?", tenant, cut)
    making.verify_and_sign(
        InFile(chain.path),
        store,
        verify,
        now=NOW,
        reason=Reason.REQUEST,
        accepted_by="ada" if rng.random() < 0.8 else None,
    )
    if happens == 1 and cut:
        chain.prune(tenant, cut)
