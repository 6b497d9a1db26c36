"""Which ways out are offered: what is offered succeeds, what would be refused is not."""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints import signing as module
from app.services.chain.checkpoints.document import NotSigned
from app.services.chain.checkpoints.signing import OPEN, Way, doors, doors_of
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Code, Verdict
from app.services.chain.verify.report import Report, Section
from app.services.chain.where import InFile, Where
from app.workers import scan_pool
from models.errors import TableMissing
from tests.app.services.chain.test_differential import DAMAGES, NOTHING_LEFT, TENANTS, build
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


def count_on(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'audit_chain'")


def cut_end(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    chain.run("DELETE FROM audit_chain WHERE seq > 30")


def cut_end_unseen(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    cut_end(chain, rng, tenant)
    chain.run("UPDATE sqlite_sequence SET seq = 30 WHERE name = 'audit_chain'")


def cut_end_and_edit(chain: ChainFile, rng: random.Random, tenant: str) -> None:
    cut_end(chain, rng, tenant)
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 10")


KINDS = DAMAGES | {
    "nothing": lambda chain, rng, tenant: None,
    "counter": count_on,
    "end": cut_end,
    "end, unseen": cut_end_unseen,
    "end, and edited": cut_end_and_edit,
    "dropped": lambda chain, rng, tenant: chain.run("DROP TABLE audit_chain"),
}
NOT_NEEDED = {module._NOTHING_FOUND, module._NOT_KNOWN}
"""Why a way is not offered that would be none: it is no door, and not refused either."""


def verify(where: Where, **options: Any) -> Report:
    return scan_pool.verify(where, processes=1, take_part=True, **{"now": NOW, **options})


def unknown(path: Path, home: Path) -> ChainFile:
    return build(path)


def known(path: Path, home: Path) -> ChainFile:
    chain = build(path)
    for _ in range(2):
        signed = making.verify_and_sign(
            InFile(path), CheckpointStore(home), verify, now=NOW, reason=Reason.VERIFY
        )
        assert signed.checkpoint is not None
        chain.append("acme", at=NOW)
    return chain


def copied(path: Path, home: Path) -> ChainFile:
    """A copy of a database that is where it was."""
    original = path.with_name("original.db")
    known(original, home).sql.close()
    shutil.copy(original, path)
    return ChainFile(path)


def tried(where: Where, home: Path, way: Way) -> int | None:
    """The number of the checkpoint that is made in this way, in a copy of the store."""
    shutil.copytree(home, again := home.with_name(f"{home.name} {way}"), dirs_exist_ok=True)
    store, reason = CheckpointStore(again), Reason.REQUEST
    options: dict[str, Any] = {"by": "ada"}
    if way in (Way.START_OVER, Way.ANOTHER_DATABASE):
        reason = Reason(str(way))
    if way in (Way.START_OVER, Way.ACCEPT_STARTS):
        options["accepted_by"] = "ada"
    if way is Way.ACCEPT_END:
        options["accepts_end"] = True
    try:
        return making.verify_and_sign(where, store, verify, now=NOW + 1, reason=reason, **options).checkpoint
    except NotSigned:
        return None
    finally:
        shutil.rmtree(again)


@pytest.mark.slow
@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("state", [unknown, known, copied], ids=["unknown", "known", "copy"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_offered_succeeds_and_what_would_be_refused_is_not_offered(
    tmp_path: Path, state: Callable[[Path, Path], ChainFile], kind: str
) -> None:
    (home := tmp_path / "home").mkdir()
    chain, rng = state(tmp_path / "a.db", home), random.Random(kind)
    with suppress(*NOTHING_LEFT):
        KINDS[kind](chain, rng, TENANTS[1])
    where = InFile(chain.path)
    if kind == "dropped" and state is not known:
        with pytest.raises(TableMissing):
            making.verify_with_checkpoints(where, CheckpointStore(home), verify, now=NOW, by="ada")
        return
    report = making.verify_with_checkpoints(where, CheckpointStore(home), verify, now=NOW, by="ada")
    found = doors(report)
    assert found == doors(report, CheckpointStore(home).known(where).recognised)
    for way, why in found.items():
        made = tried(where, home, way)
        if why == OPEN:
            assert made is not None, (way, report.findings)
        elif why not in NOT_NEEDED:
            assert made is None, (way, why, report.findings)
    for finding in report.findings:
        assert doors_of(report, finding).items() <= found.items()
    if not report.stands and report.holds_alone:
        assert OPEN in found.values(), "a dead end has a door"
    for finding in report.findings:
        if "Start over…" in finding.message and "Another database…" not in finding.message:
            assert found[Way.START_OVER] == OPEN, finding
        elif "Another database…" in finding.message and "Start over…" not in finding.message:
            assert found[Way.ANOTHER_DATABASE] == OPEN, finding


def test_the_counter_alone_leads_to_start_over(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    chain = build(tmp_path / "a.db")
    cut_end(chain, random.Random(), "")
    report = making.verify_with_checkpoints(InFile(chain.path), CheckpointStore(home), verify, now=NOW)
    (finding,) = report.findings
    assert (finding.code, doors_of(report, finding)) == (Code.SEQUENCE_COUNTER, {Way.START_OVER: OPEN})
    assert "tenant-admin checkpoint --start-over)." in finding.message
    assert doors(report)[Way.SIGN] != OPEN and tried(InFile(chain.path), home, Way.SIGN) is None
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 10")
    report = making.verify_with_checkpoints(InFile(chain.path), CheckpointStore(home), verify, now=NOW)
    counter = next(one for one in report.findings if one.code is Code.SEQUENCE_COUNTER)
    assert "start over" not in counter.message and doors_of(report, counter)[Way.START_OVER] != OPEN


def test_of_a_part_nothing_is_promised(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    chain = known(tmp_path / "a.db", home)
    chain.run("DELETE FROM audit_chain WHERE tenant_id = 'globex' AND seq > 20")
    store = CheckpointStore(home)
    part = Section("globex")
    report = making.verify_with_checkpoints(InFile(chain.path), store, verify, now=NOW, section=part)
    assert report.verdict is Verdict.TAMPERED and report.holds_alone is None
    found = doors(report)
    assert found[Way.START_OVER] == found[Way.ANOTHER_DATABASE] == module._A_PART


def test_a_refused_start_over_leaves_what_is_known(tmp_path: Path) -> None:
    """What checkpoints say is said still, and an end that was lost stays lost."""
    (home := tmp_path / "home").mkdir()
    chain, store = known(tmp_path / "a.db", home), CheckpointStore(home)
    where = InFile(chain.path)
    before = making.verify_with_checkpoints(where, store, verify, now=NOW, by="ada")
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 10")
    made = making.verify_and_sign(
        where, store, verify, now=NOW + 1, reason=Reason.START_OVER, accepted_by="ada", by="ada"
    )
    assert made.checkpoint is None and str(made.why_not).startswith("The audit chain is broken")
    assert made.report.not_covered == before.not_covered < made.report.entries
