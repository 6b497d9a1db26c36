"""Proof of one entry for somebody else, checked by its own verifier."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.services.chain import evidence
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InDatabase, InFile
from app.services.records.history import summary
from models.errors import InvalidInput
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.test_differential import verify
from tests.app.services.chain.test_evidence_agreement import judged, rewritten
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.plain_engine import PlainEngine

WHOSE = "tenant-01"


@pytest.fixture
def known(tmp_path: Path) -> KnownChain:
    """Three checkpoints of three tenants' entries, and one entry behind them."""
    chain = ChainFile.build(tmp_path / "a.db", rows=20, tenants=3)
    found = KnownChain(chain, CheckpointStore(tmp_path / "home"))
    found.checkpoint()
    for _ in range(2):
        for _ in range(4):
            chain.append(WHOSE)
        chain.append("other")
        found.checkpoint()
    chain.append(WHOSE)
    return found


def prove(known: KnownChain, seq: int | str, folder: Path) -> evidence.Proof:
    where = InFile(known.chain.path)
    proof = evidence.find_proof(where, known.store, seq)
    evidence.write_proof(where, known.store, verify, proof, folder, now=NOW, by="mei", in_words=summary)
    return proof


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_each_entry_that_a_checkpoint_covers_is_proven_by_few(known: KnownChain, tmp_path: Path) -> None:
    *own, _ = known.chain.seqs(WHOSE)
    numbers = []
    for seq in own:
        out = tmp_path / f"of-{seq}"
        proof = prove(known, seq, out)
        numbers.append(proof.checkpoint.number)
        assert [row["seq"] for row in rows(out)] == [one for one in own if seq <= one <= proof.last]
        assert {row["tenant_id"] for row in rows(out)} == {WHOSE}
        assert len(json.loads((out / "checkpoints.json").read_text())["checkpoints"]) == 1
        code, said = judged(out)
        assert (code, f"Entry {seq} of '{WHOSE}' is proven, its number apart." in said) == (0, True), said
    assert sorted(numbers) == numbers and set(numbers) == {1, 2, 3}, "by the first that covers it"


def test_a_hash_names_it_too(known: KnownChain, tmp_path: Path) -> None:
    seq = known.chain.seqs(WHOSE)[1]
    (hashed,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = ?", seq)
    assert prove(known, hashed[:16], tmp_path / "out").seq == seq


def test_the_report_shows_the_entry_and_what_covers_it(known: KnownChain, tmp_path: Path) -> None:
    own = known.chain.seqs(WHOSE)
    payload = '{"actor":"ada@x.example","email":"<b>mei</b>@x.example"}'
    known.chain.append(WHOSE, "user_deleted", payload)
    seq = known.chain.seqs(WHOSE)[-1]
    known.checkpoint()
    prove(known, seq, tmp_path / "one")
    page, found = ((tmp_path / "one" / name).read_text() for name in ("report.html", "findings.json"))
    assert f"<h1>Entry {seq} of {WHOSE}</h1>" in page and "<p class='verdict VERIFIED'>PROVEN</p>" in page
    assert "<td>ada deleted user &lt;b&gt;mei&lt;/b&gt;@x.example</td>" in page
    assert "{&quot;actor&quot;:&quot;ada@x.example&quot;," in page and "<b>mei" not in page
    assert (
        "Checkpoint 4 of " in page
        and "it holds, and is the one that the checkpoint knew as the last." in page
    )
    assert json.loads(found)["tenants"][0]["unwitnessed"] == 0 and "No checkpoint covers" not in page
    for name, early in (("early", own[0]), ("many", own[-3])):  # by checkpoints that others have followed
        prove(known, early, tmp_path / name)
        assert json.loads((tmp_path / name / "findings.json").read_text())["tenants"][0]["unwitnessed"] == 0
    assert f"it is the first of 2 entries up to {own[-2]}" in (tmp_path / "many" / "report.html").read_text()


def edited(folder: Path, change: Callable[[dict[str, Any]], object], place: int = 0) -> None:
    """One row of the bundle, made to fit its own hash."""
    every = rows(folder)
    row = every[place]
    change(row)
    parts = (row["previous_hash"], row["event_type"], row["payload"], str(row["created_at"]))
    row["hash"] = sha256(":".join(parts).encode()).hexdigest()
    if place + 1 < len(every):
        every[place + 1]["previous_hash"] = row["hash"]
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in every))
    rewritten(folder)


@pytest.mark.parametrize("place", [0, 1, -1])
def test_another_payload_is_not_proven(known: KnownChain, tmp_path: Path, place: int) -> None:
    out, seq = tmp_path / "out", known.chain.seqs(WHOSE)[2]
    prove(known, seq, out)
    edited(out, lambda row: row.update(payload='{"a":"forged"}'), place % len(rows(out)))
    code, said = judged(out)
    assert code == 1 and f"Entry {seq} of '{WHOSE}' is not proven" in said


def test_a_bundle_without_the_last_one_proves_nothing(known: KnownChain, tmp_path: Path) -> None:
    out, seq = tmp_path / "out", known.chain.seqs(WHOSE)[2]
    prove(known, seq, out)
    every = (out / "rows.jsonl").read_text().splitlines(keepends=True)[:-1]
    (out / "rows.jsonl").write_text("".join(every))
    rewritten(out, entries=len(every))
    code, said = judged(out)
    assert code == 1 and f"Entry {seq} of '{WHOSE}' is not proven" in said


def test_one_behind_what_the_checkpoint_knew_is_not_proven_by_it(known: KnownChain, tmp_path: Path) -> None:
    """The last entry, passed off as one that was proven."""
    out, own = tmp_path / "out", known.chain.seqs(WHOSE)
    prove(known, own[-2], out)
    rewritten(out, entry=own[-1])
    assert judged(out)[0] == 1


def test_a_changed_checkpoint_is_told(known: KnownChain, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prove(known, known.chain.seqs(WHOSE)[0], out)
    kept = json.loads((out / "checkpoints.json").read_text())
    kept["checkpoints"][0]["at"] += 1
    (out / "checkpoints.json").write_text(json.dumps(kept))
    rewritten(out)
    code, said = judged(out)
    assert code == 1 and "was changed after it was signed" in said


def test_what_no_checkpoint_covers_or_is_not_there_is_said(known: KnownChain, tmp_path: Path) -> None:
    where = InFile(known.chain.path)
    last = known.chain.seqs(WHOSE)[-1]
    with pytest.raises(InvalidInput, match=f"No checkpoint covers entry {last} of {WHOSE}"):
        evidence.find_proof(where, known.store, last)
    with pytest.raises(InvalidInput, match="There is no entry 999"):
        evidence.find_proof(where, known.store, 999)


def test_of_entries_that_do_not_hold_nothing_is_written(known: KnownChain, tmp_path: Path) -> None:
    seq, behind = known.chain.seqs(WHOSE)[1:3]
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = ?", behind)
    with pytest.raises(InvalidInput, match="Nothing was written"):
        prove(known, seq, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_whole_chain_from_its_first_entry_is_proven_as_well(known: KnownChain, tmp_path: Path) -> None:
    (first,) = known.chain.seqs("other")[:1]
    known.chain.run("DELETE FROM audit_chain WHERE seq > ?", known.chain.seqs("other")[-1])
    prove(known, first, tmp_path / "out")
    code, said = judged(tmp_path / "out")
    assert code == 0 and f"Entry {first} of 'other' is proven" in said


def test_of_a_database_that_is_no_file_it_is_proven_alike(known: KnownChain, tmp_path: Path) -> None:
    where = InDatabase(PlainEngine(known.chain.path))
    making.verify_and_sign(where, known.store, verify, now=NOW, reason=Reason.REQUEST)
    seq, out = known.chain.seqs(WHOSE)[-3], tmp_path / "out"
    proof = evidence.find_proof(where, known.store, seq)
    assert (
        evidence.write_proof(where, known.store, verify, proof, out, now=NOW, by="mei", in_words=summary) == 2
    )
    code, said = judged(out)
    assert code == 0 and f"Entry {seq} of '{WHOSE}' is proven" in said
