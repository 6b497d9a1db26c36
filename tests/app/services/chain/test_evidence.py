"""The evidence bundle, checked again by its own verifier with nothing installed."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from hashlib import sha256
from io import StringIO
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from app import paths
from app.services.chain.checkpoint import NEW_LINE, Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.evidence import MEANING, VERIFIER, write_bundle
from app.services.chain.rules import Verdict, read_marker
from app.services.chain.verify.report import LostEnd, Section
from app.services.chain.where import InFile
from models.errors import AlreadyThere, Cancelled, InvalidInput
from models.progress import Monitor
from tests.app.services.chain.checkpoints.conftest import KnownChain
from tests.app.services.chain.markers import AT, BELIEVED, HASH, NOT_BELIEVED, SEQ
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign

FILES = {
    "report.html",
    "findings.json",
    "rows.jsonl",
    "checkpoints.json",
    "verify_bundle.py",
    "manifest.json",
}


@pytest.fixture
def known(tmp_path: Path) -> KnownChain:
    chain = ChainFile.build(tmp_path / "a.db", rows=20, tenants=3)
    found = KnownChain(chain, CheckpointStore(tmp_path / "home"))
    found.checkpoint()
    chain.append("tenant-01", payload='{"text":"<script>alert(1)</script>\\u0000 日本"}')
    return found


def bundle(known: KnownChain, folder: Path, **limits: Any) -> None:
    checkpoints = known.store.all_checkpoints(InFile(known.chain.path))
    report = known.verify(**limits)
    write_bundle(InFile(known.chain.path), report, folder, **limits, checkpoints=checkpoints, now=NOW)


def recheck(folder: Path, *keys: str) -> tuple[int, str]:
    """What the bundle's own verifier says to somebody who knows these keys, and its exit status."""
    said = StringIO()
    verifier = run_path(str(folder / "verify_bundle.py"))
    with redirect_stdout(said):
        code = verifier["main"](folder, keys)
    return code, said.getvalue()


def recheck_alone(folder: Path, *how: str) -> tuple[int, str]:
    """The same as others run it: on a Python with nothing installed."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify_bundle.py"), *how],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.slow
def test_a_bundle_of_a_file_in_order(known: KnownChain, tmp_path: Path) -> None:
    bundle(known, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    key = known.store.checkpoints(InFile(known.chain.path))[0].key
    code, said = recheck_alone(tmp_path / "out", "--key", key.upper())
    assert (code, said.splitlines()[0]) == (0, "61 entries, 1 checkpoints: no problems")
    assert "By this bundle alone: VERIFIED." in said
    assert "The report says VERIFIED; by this bundle alone, it holds." in said
    assert f"Signed with key {key}: that it was not stolen, this cannot know." in said
    code, said = recheck_alone(tmp_path / "out")  # by somebody who does not know who signs
    assert (code, "By this bundle alone: CONSISTENT, signed with a key that is not known here." in said) == (
        3,
        True,
    )
    assert "Nobody vouches for it (exit code 3): anybody can sign all of it again." in said
    assert "The report says VERIFIED; by this bundle alone, nothing denies it." in said
    assert f"Signed with key {key}: whose that is" in said and "verify_bundle.py --key FINGERPRINT" in said
    code, said = recheck_alone(tmp_path / "out", "--key")
    assert (code, "--key names a fingerprint" in said) == (1, True)
    assert json.loads((tmp_path / "out" / "findings.json").read_text())["verdict"] == "VERIFIED"
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_bytes().splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, 62))
    assert rows[-1]["payload"] == '{"text":"<script>alert(1)</script>\\u0000 日本"}'
    bundle(known, tmp_path / "range", section=Section(first=1, last=99))  # which leaves nothing out
    assert "The report says VERIFIED; by this bundle alone, it holds." in recheck(tmp_path / "range", key)[1]


def test_a_bundle_signed_again_with_another_key_is_not_verified(known: KnownChain, tmp_path: Path) -> None:
    """All of it rewritten, and signed by whoever did: nothing in the bundle tells, but who signs does."""
    (own,) = known.store.checkpoints(InFile(known.chain.path))
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    for number in range(3):
        known.chain.rehash(f"tenant-{number:02d}")
    forger = KnownChain(known.chain, CheckpointStore(tmp_path / "elsewhere"))
    forger.checkpoint()
    (forged,) = forger.store.checkpoints(InFile(known.chain.path))
    bundle(forger, tmp_path / "out")
    code, said = recheck(tmp_path / "out", own.key)
    assert (code, "VERIFIED." in said) == (1, False), said
    assert "The report says VERIFIED; by this bundle alone, it does not hold." in said
    assert f"No checkpoint that counts here is signed with '{own.key}'." in said
    said = recheck(tmp_path / "out")[1]
    assert "By this bundle alone: CONSISTENT, signed with a key that is not known here." in said
    folder = tmp_path / "both"  # theirs starts over, and ours stands behind it
    bundle(known, folder)
    values = [json.loads(json.dumps(item.to_json())) for item in (forged, own)]
    (folder / "checkpoints.json").write_text(json.dumps({"checkpoints": values}))
    edited(folder, verdict="VERIFIED")
    code, said = recheck(folder, own.key)
    assert (code, "checkpoints.json has checkpoints of several databases" in said) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("section", [Section("tenant-01"), Section(first=20, last=40)])
def test_a_bundle_of_a_part(known: KnownChain, tmp_path: Path, section: Section) -> None:
    bundle(known, tmp_path / "out", section=section)
    assert recheck(tmp_path / "out")[0] == 3
    assert len((tmp_path / "out" / "rows.jsonl").read_bytes().splitlines()) == 21


LAST = "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)"
PARTS: dict[str, tuple[str, Verdict, str]] = {
    "cut": (
        "DELETE FROM audit_chain WHERE seq > 57",
        Verdict.EARLIER,
        "EARLIER; by this bundle alone, that is",
    ),
    "one end": (
        "DELETE FROM audit_chain WHERE tenant_id = 'tenant-00' AND seq > 50",
        Verdict.TAMPERED,
        "TAMPERED; by this bundle alone, that is so",
    ),
    "a tenant": (
        "DELETE FROM audit_chain WHERE tenant_id = 'tenant-00'",
        Verdict.TAMPERED,
        "TAMPERED; by this bundle alone, what else it goes by is not here",
    ),
    "an end": (
        "UPDATE audit_chain SET hash = upper(hash) WHERE seq = 60",
        Verdict.TAMPERED,
        "TAMPERED; by this bundle alone, that is so",
    ),
}


@pytest.mark.parametrize("what", PARTS)
def test_a_bundle_of_a_part_does_not_accuse_its_own_report(
    known: KnownChain, tmp_path: Path, what: str
) -> None:
    done, verdict, agreed = PARTS[what]
    known.chain.run(done)
    known.chain.run(LAST)
    section = Section(first=2, last=61)
    assert known.verify(section=section).verdict is verdict
    bundle(known, tmp_path / "out", section=section)
    code, said = recheck(tmp_path / "out")
    assert (code, f"The report says {agreed}" in said) == (1, True), said
    assert ("which checkpoint 1 knew, is not there" in said) is (what == "a tenant")
    edited(tmp_path / "out", verdict="CONSISTENT")
    assert recheck(tmp_path / "out")[0] == 1


def test_a_bundle_of_a_part_of_a_chain_that_began_again_proves_nothing(
    known: KnownChain, tmp_path: Path
) -> None:
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'tenant-00'")
    for _ in range(4):
        known.chain.append("tenant-00", at=NOW + 9)
    section = Section(first=2, last=70)
    assert known.verify(section=section).verdict is Verdict.UNPROVEN_START
    bundle(known, tmp_path / "out", section=section)
    assert "UNPROVEN_START; by this bundle alone, that is so" in recheck(tmp_path / "out")[1]


@pytest.mark.parametrize("signed", [True, False])
def test_a_range_that_lacks_what_was_known_is_green_only_where_something_tells_of_it(
    known: KnownChain, tmp_path: Path, signed: bool
) -> None:
    """Behind the range a marker says that retention took it; or nothing does, as the bundle was edited."""
    for _ in range(6):
        known.chain.append("tenant-00", at=NOW + 9)
    known.checkpoint()
    whole, section = tmp_path / "whole", Section(first=2, last=61)
    bundle(known, whole, section=section)
    assert recheck(whole)[0] == 3
    edited(whole, lambda rows: [row for row in rows if row["tenant_id"] != "tenant-00"])
    lacking = "of tenant-00, which checkpoint 1 knew, is not there: why, this cannot know."
    code, said = recheck_alone(whole)
    assert (code, lacking in said) == (2, True), said
    assert "CONSISTENT; by this bundle alone, what else it goes by is not here" in said
    known.chain.prune("tenant-00", known.chain.seqs("tenant-00")[-2])
    if signed:
        known.checkpoint(NOW + 20)
    bundle(known, tmp_path / "pruned", section=section)
    code, said = recheck(tmp_path / "pruned")
    assert (code, lacking in said) == ((3, False) if signed else (2, True)), said


@pytest.mark.slow
def test_a_bundle_of_tampered_rows_says_so_again(known: KnownChain, tmp_path: Path) -> None:
    known.chain.run("UPDATE audit_chain SET payload = CAST(x'ff00' AS TEXT) WHERE seq = 5")
    known.chain.run("UPDATE audit_chain SET created_at = 1.5, hash = CAST(hash AS BLOB) WHERE seq = 9")
    bundle(known, tmp_path / "out")
    code, said = recheck_alone(tmp_path / "out")
    assert code == 1
    assert "entry 5 does not match its hash" in said
    assert "entry 9 does not match its hash" in said
    page = (tmp_path / "out" / "report.html").read_text()
    assert "TAMPERED" in page
    assert "<script>" not in page


@pytest.mark.slow
@pytest.mark.parametrize("at", [NOW - 60.5, "2026-11-09T11:59:00.5Z", f"{NOW - 60}.5", str(NOW - 60)])
def test_a_bundle_tells_times_of_clients_from_others(
    known: KnownChain, tmp_path: Path, at: float | str
) -> None:
    """Where the column has no type, a number may be there as text, as which nobody writes it."""
    known.chain.run("PRAGMA writable_schema = ON")
    known.chain.run("UPDATE sqlite_schema SET sql = replace(sql, 'created_at INTEGER', 'created_at')")
    known.chain.run("PRAGMA writable_schema = RESET")
    known.chain.append("tenant-01", at=at)
    is_sound = not isinstance(at, str) or "T" in at
    if is_sound:
        known.checkpoint()
    bundle(known, tmp_path / "out")
    (checkpoint, *_) = known.store.checkpoints(InFile(known.chain.path))
    code, said = recheck(tmp_path / "out", checkpoint.key)
    assert (code == 0) == is_sound
    assert f"By this bundle alone: {'VERIFIED' if is_sound else 'TAMPERED'}." in said
    assert is_sound or "The report says TAMPERED; by this bundle alone, that is so." in said
    assert f"The report says {'VERIFIED' if is_sound else 'TAMPERED'};" in said


@pytest.mark.slow
def test_a_bundle_edited_afterwards(known: KnownChain, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    rows = (folder / "rows.jsonl").read_text()
    (folder / "rows.jsonl").write_text(rows.replace('\\"7\\"', '\\"8\\"'))
    code, said = recheck(folder)
    assert code == 1
    assert "rows.jsonl is not the file that was written" in said
    assert "does not match its hash" in said
    (folder / "rows.jsonl").write_text(rows)
    assert recheck(folder)[0] == 3
    value = json.loads((folder / "checkpoints.json").read_text())
    value["checkpoints"][0]["at"] += 1
    (folder / "checkpoints.json").write_text(json.dumps(value))
    assert "checkpoint 1 was changed after it was signed" in recheck(folder)[1]


@pytest.mark.slow
def test_a_row_rewritten_that_a_checkpoint_knew(known: KnownChain, tmp_path: Path) -> None:
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    for number in range(3):
        known.chain.rehash(f"tenant-{number:02d}")
    bundle(known, tmp_path / "out")
    assert "is not the one that checkpoint 1 knew" in recheck(tmp_path / "out")[1]


def edited(
    folder: Path,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None] = lambda rows: None,
    **values: Any,
) -> None:
    """Rows changed, or others in their place, and everything that is not signed made to fit."""
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_bytes().splitlines()]
    rows = change(rows) or rows
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("findings.json", "manifest.json"):
        value = json.loads((folder / name).read_text())
        value |= {key: item for key, item in values.items() if key in value} | {"entries": len(rows)}
        for file in value.get("sha256", ()):
            value["sha256"][file] = sha256((folder / file).read_bytes()).hexdigest()
        (folder / name).write_text(json.dumps(value))


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 50])
def test_rows_of_a_checkpoint_taken_out_of_the_bundle(known: KnownChain, tmp_path: Path, left: int) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    edited(folder, lambda rows: rows.__delitem__(slice(left, None)))
    code, said = recheck(folder)
    assert (code, "is not the one that checkpoint 1 knew" in said) == (1, True)


@pytest.mark.slow
def test_a_bundle_after_retention_and_a_restore_holds(known: KnownChain, tmp_path: Path) -> None:
    known.chain.prune("tenant-00", known.chain.seqs("tenant-00")[-1])
    known.checkpoint()
    bundle(known, tmp_path / "out")
    assert recheck(tmp_path / "out")[0] == 3


@pytest.mark.slow
def test_a_checkpoint_taken_out_of_the_bundle(known: KnownChain, tmp_path: Path) -> None:
    known.checkpoint()
    known.checkpoint()
    folder = tmp_path / "out"
    bundle(known, folder)
    value = json.loads((folder / "checkpoints.json").read_text())
    del value["checkpoints"][1]
    (folder / "checkpoints.json").write_text(json.dumps(value))
    edited(folder)
    assert "checkpoint 3 does not follow from the one before it" in recheck(folder)[1]


@pytest.mark.slow
def test_a_lost_end_is_said_by_the_page_and_by_whoever_checks(known: KnownChain, tmp_path: Path) -> None:
    known.checkpoint()
    report = replace(known.verify(), lost_end=LostEnd(9_999, NOW, None, 500))
    where, folder = InFile(known.chain.path), tmp_path / "out"
    checkpoints = known.store.all_checkpoints(where)
    write_bundle(where, report, folder, checkpoints=checkpoints, now=NOW)
    page = (folder / "report.html").read_text()
    assert "END LOST" in page and "It was verified through entry 9,999" in page
    code, said = recheck(folder, checkpoints[-1].key)
    assert (code, "Its end is lost: it was verified through entry 9999" in said) == (1, True)


@pytest.mark.slow
def test_a_file_put_into_or_taken_out_of_the_bundle(known: KnownChain, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    (folder / "extra.txt").write_text("read me first")
    assert "extra.txt is not the file that was written" in recheck(folder)[1]
    (folder / "extra.txt").unlink()
    rows = (folder / "rows.jsonl").read_bytes()
    (folder / "rows.jsonl").write_bytes(rows + b"[" * 100_000)
    assert "cannot be checked, because it was changed or is no bundle" in recheck_alone(folder)[1]
    (folder / "rows.jsonl").unlink()
    code, said = recheck_alone(folder)
    assert (code, "cannot be checked" in said, "Traceback" in said) == (1, True, False)


@pytest.mark.slow
def test_a_folder_in_use(known: KnownChain, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not empty"):
        bundle(known, tmp_path)
    with pytest.raises(InvalidInput, match="is no folder"):
        bundle(known, next(path for path in tmp_path.iterdir() if path.is_file()))


def test_cancel(known: KnownChain, tmp_path: Path) -> None:
    """Nothing is left of it, and a folder that was there stays."""
    (tmp_path / "there").mkdir()
    for name in ("out", "there"):
        with pytest.raises(Cancelled):
            write_bundle(
                InFile(known.chain.path),
                known.verify(),
                tmp_path / name,
                now=NOW,
                monitor=Monitor(cancelled=lambda: True),
            )
    assert not (tmp_path / "out").exists() and not list((tmp_path / "there").iterdir())


def test_a_bundle_is_its_owners_alone(known: KnownChain, tmp_path: Path) -> None:
    bundle(known, tmp_path / "new" / "out")
    made = [tmp_path / "new", tmp_path / "new" / "out", *(tmp_path / "new" / "out").iterdir()]
    assert {oct(path.stat().st_mode & 0o777) for path in made[:2]} == {"0o700"}
    assert {oct(path.stat().st_mode & 0o777) for path in made[2:]} == {"0o600"}


def test_hidden_characters_are_seen(known: KnownChain, tmp_path: Path) -> None:
    known.chain.append("evil\u202egnp", previous="f" * 64)
    bundle(known, tmp_path / "out")
    for name in ("report.html", "findings.json", "manifest.json"):
        assert "\u202e" not in (tmp_path / "out" / name).read_text("utf-8")
    assert "evil\\u202egnp" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_the_verifier_is_short_and_needs_nothing() -> None:
    text = (paths.resources_dir() / "evidence" / "verify_bundle.py").read_text()
    assert len(text.splitlines()) <= 650
    imported = [line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imported == ["__future__", "hashlib", "json", "re", "sys", "pathlib", "typing"]


@pytest.mark.slow
def test_every_verdict_is_explained(known: KnownChain, tmp_path: Path) -> None:
    assert set(MEANING) == set(Verdict)
    earlier = known.chain.path.read_bytes()
    known.checkpoint()
    known.chain.append("tenant-01")
    known.checkpoint()
    known.chain.sql.close()
    known.chain.path.write_bytes(earlier)
    bundle(KnownChain(ChainFile(known.chain.path), known.store), tmp_path / "out")
    assert "EARLIER" in (tmp_path / "out" / "report.html").read_text()
    code, said = recheck(tmp_path / "out")
    assert (code, "By this bundle alone: EARLIER." in said) == (1, True)


def test_a_question_is_in_the_report_and_not_green(known: KnownChain, tmp_path: Path) -> None:
    where, asked = InFile(known.chain.path), "Which database is this?"
    report = replace(known.verify(), verdict=Verdict.CONSISTENT, undecided=True, doubts=(asked,))
    write_bundle(where, report, tmp_path / "out", section=Section(), checkpoints=(), now=NOW)
    page = (tmp_path / "out" / "report.html").read_text()
    assert f" {asked}</p>" in page and "class='verdict CONSISTENT undecided'" in page
    code, said = recheck(tmp_path / "out")
    assert (code, "a person has to say first" in said, "it holds" in said) == (1, True, False)


@pytest.mark.parametrize("copied", [True, False])
def test_an_earlier_state_of_a_copy_or_of_another_line_is_known_again(
    known: KnownChain, tmp_path: Path, *, copied: bool
) -> None:
    """Back as a checkpoint knew it: a copy that was said to be another database, a file that started over."""
    path = tmp_path / "copy.db" if copied else known.chain.path
    known.checkpoint()
    known.chain.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    known.chain.sql.close()
    before = known.chain.path.read_bytes()
    path.write_bytes(before)
    chain = ChainFile(path)
    chain.append("tenant-01")
    sign(path, tmp_path / "home", now=NOW, reason=Reason.ANOTHER_DATABASE if copied else Reason.START_OVER)
    chain.run("DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    there = KnownChain(chain, known.store)
    assert there.verify().verdict is Verdict.EARLIER
    bundle(there, tmp_path / "out")
    assert (tmp_path / "out" / "copies.json").exists() is copied
    code, said = recheck(tmp_path / "out")
    assert (code, "By this bundle alone: EARLIER." in said) == (1, True), said
    assert f"checkpoint 2{' of a copy' if copied else ''} knew" in said
    name = "copies.json" if copied else "checkpoints.json"
    forged = (tmp_path / "out" / name).read_text().replace(f'"at": {NOW}', f'"at": {NOW - 1}')
    (tmp_path / "out" / name).write_text(forged)
    assert "was changed after it was signed" in recheck(tmp_path / "out")[1]


FORGED = {
    "a tail that a checkpoint knew": "DELETE FROM audit_chain WHERE seq > 50",
    "a number": "UPDATE audit_chain SET seq = 70 WHERE seq = 60",
    "no json": "UPDATE audit_chain SET payload = 'x' WHERE seq = 30",
    "a colon": "UPDATE audit_chain SET event_type = event_type || ':' || substr(payload, 1, "
    "instr(payload, ':') - 1), payload = substr(payload, instr(payload, ':') + 1) WHERE seq = 30",
    "a type": "UPDATE audit_chain SET payload = CAST(payload AS BLOB) WHERE seq = 30",
    "the start": "DELETE FROM audit_chain WHERE seq < 10",
    "a tenant": "DELETE FROM audit_chain WHERE tenant_id = 'tenant-02'",
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", FORGED.values(), ids=FORGED)
def test_the_verifier_finds_by_itself_what_the_report_was_made_to_hide(
    known: KnownChain, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "out"
    known.chain.run(damage)
    bundle(known, folder)
    for name in ("findings.json", "manifest.json"):
        value = json.loads((folder / name).read_text())
        value["verdict"] = "VERIFIED"
        for file in value.get("sha256", ()):
            value["sha256"][file] = sha256((folder / file).read_bytes()).hexdigest()
        (folder / name).write_text(json.dumps(value))
    code, said = recheck(folder)
    assert code == 1, said
    assert "it does not hold" in said


def without_checkpoints(folder: Path) -> None:
    value = json.loads((folder / "checkpoints.json").read_text())
    (folder / "checkpoints.json").write_text(json.dumps(value | {"checkpoints": []}))


def first_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["tenant_id"] == "tenant-00"]


def test_a_start_said_to_be_accepted_that_a_checkpoint_denies(known: KnownChain, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    rows = first_of([json.loads(line) for line in (folder / "rows.jsonl").read_bytes().splitlines()])
    tenants = json.loads((folder / "findings.json").read_text())["tenants"]
    tenants[0]["anchor"] = f"adopted:{rows[1]['seq']}"
    edited(folder, lambda found: [row for row in found if row["seq"] != rows[0]["seq"]], tenants=tenants)
    code, said = recheck(folder)
    assert (code, "By this bundle alone: UNPROVEN_START." in said) == (1, True)
    without_checkpoints(folder)
    edited(folder, verdict="CONSISTENT")
    assert recheck(folder)[0] == 1


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("claim", ["VERIFIED", "CONSISTENT"])
@pytest.mark.parametrize("ends", [(5, None), (1, 55), (None, 55)])
def test_a_part_is_held_against_checkpoints_and_is_never_verified(
    known: KnownChain, tmp_path: Path, ends: tuple[int | None, int | None], claim: str
) -> None:
    """Rows taken out, and the limits of what was verified written around them."""
    folder = tmp_path / "out"
    bundle(known, folder)
    low, high = ends[0] or 1, ends[1] or 61
    whole = (folder / "rows.jsonl").read_bytes()
    limits: dict[str, Any] = {"seqFrom": ends[0], "seqTo": ends[1], "verdict": claim}
    edited(folder, lambda rows: [row for row in rows if low <= row["seq"] <= high], **limits)
    code, said = recheck(folder)
    assert (code, "By this bundle alone: CONSISTENT" in said) == (1 if claim == "VERIFIED" else 3, True)
    assert "These are some of the entries" in said
    (folder / "rows.jsonl").write_bytes(whole)
    edited(folder, **limits)
    assert "is none of those that were verified" in recheck(folder)[1]

    def forge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = [row for row in rows if low <= row["seq"] <= high]
        heads: dict[str, str] = {}
        for row in rows:
            previous = heads.get(row["tenant_id"], row["previous_hash"])
            text = ":".join(map(str, (previous, row["event_type"], "{}", row["created_at"])))
            heads[row["tenant_id"]] = sha256(text.encode()).hexdigest()
            row |= {"payload": "{}", "previous_hash": previous, "hash": heads[row["tenant_id"]]}
        return rows

    edited(folder, forge)
    wrong = "is not the one that checkpoint 1 knew" if ends[1] is None else "and not as checkpoint 1 knew"
    code, said = recheck(folder)
    assert (code, wrong in said) == (1, True)


@pytest.mark.parametrize("number", [lambda place: 100 - place, lambda place: 7])
def test_numbers_have_an_order_where_no_checkpoint_knows_them(
    known: KnownChain, tmp_path: Path, number: Callable[[int], int]
) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    without_checkpoints(folder)
    edited(folder, verdict="CONSISTENT")
    assert recheck(folder)[0] == 3
    edited(folder, lambda rows: [row | {"seq": number(place)} for place, row in enumerate(rows)])
    assert "is not numbered behind the entry before it" in recheck(folder)[1]


def test_the_verifier_knows_every_reason_for_a_new_line(verifier: dict[str, Any]) -> None:
    for reason in Reason:
        begins = verifier["line_begins"]([{"number": 3, "reason": str(reason)}])
        assert begins == (3 if reason in NEW_LINE else 0), reason


@pytest.fixture(scope="module")
def verifier() -> dict[str, Any]:
    return run_path(str(paths.resources_dir() / "evidence" / VERIFIER))


@pytest.mark.parametrize("payload", [*BELIEVED, *NOT_BELIEVED], ids=lambda payload: repr(payload)[-80:])
@pytest.mark.parametrize("at", [AT, AT * 1000 + 999])
def test_the_verifier_judges_markers_as_the_rules_do(
    verifier: dict[str, Any], payload: bytes, at: int
) -> None:
    try:
        text: object = payload.decode()
    except UnicodeDecodeError:
        text = {"hex": payload.hex()}
    value = sha256(b":".join((HASH.encode(), b"audit_pruned", payload, b"%d" % at))).hexdigest()
    said = {"seq": SEQ, "tenant_id": "a", "event_type": "audit_pruned", "payload": text}
    row = verifier["Row"](said | {"previous_hash": HASH, "hash": value, "created_at": at})
    marker = read_marker(SEQ, at, payload)
    if isinstance(marker, str):
        assert (row.marker, bool(row.problems)) == (None, True)
    else:
        assert row.marker == (
            marker.from_seq, marker.to_seq, marker.entries, marker.last_hash, marker.cutoff
        )  # fmt: skip
        assert row.problems == []


@pytest.mark.slow
def test_the_verifier_finds_a_marker_that_leaves_out_what_a_checkpoint_knew(
    known: KnownChain, tmp_path: Path
) -> None:
    seqs = known.chain.seqs("tenant-00")
    (value,) = known.chain.one("SELECT hash FROM audit_chain WHERE seq = ?", seqs[4])
    says = {"fromSeq": seqs[2], "toSeq": seqs[4], "count": 3, "lastHash": value, "cutoff": NOW - 60}
    known.chain.append("tenant-00", "audit_pruned", json.dumps(says), NOW - 20)
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'tenant-00' AND seq <= ?", seqs[4])
    assert known.verify().counts == {"MARKER": 1}
    bundle(known, tmp_path / "out")
    assert f"entry {seqs[2]}, from which on the first prune marker" in recheck(tmp_path / "out")[1]


@pytest.mark.slow
def test_the_verifier_lets_a_marker_go_on_from_a_start_that_was_accepted(
    known: KnownChain, tmp_path: Path
) -> None:
    seqs = known.chain.seqs("tenant-00")
    known.chain.run("DELETE FROM audit_chain WHERE tenant_id = 'tenant-00' AND seq < ?", seqs[2])
    known.store.accept_starts(InFile(known.chain.path), known.verify(), actor="ada", now=NOW)
    known.checkpoint()
    known.chain.prune("tenant-00", seqs[4])
    assert known.verify().verdict is Verdict.VERIFIED
    bundle(known, tmp_path / "out")
    assert recheck(tmp_path / "out")[0] == 3


@pytest.mark.slow
def test_the_verifier_finds_entries_moved_to_another_tenant(known: KnownChain, tmp_path: Path) -> None:
    known.chain.run("UPDATE audit_chain SET tenant_id = 'other' WHERE tenant_id = 'tenant-02'")
    assert "CHECKPOINT" in known.verify().counts
    bundle(known, tmp_path / "out")
    assert "of other is the one that tenant-02 began with" in recheck(tmp_path / "out")[1]


def test_the_verifier_verifies_no_tenant_that_no_checkpoint_knew(known: KnownChain, tmp_path: Path) -> None:
    known.chain.append("new")
    folder = tmp_path / "out"
    bundle(known, folder, section=Section("new"))
    code, said = recheck(folder)
    assert (code, "By this bundle alone: CONSISTENT" in said) == (3, True)
    assert "No checkpoint knows 1 of 1 chains: if made up, this cannot know." in said
    edited(folder, verdict="VERIFIED")
    assert recheck(folder)[0] == 1


@pytest.mark.parametrize("limits", [{"tenant": "other"}, {"seqFrom": 1, "tenant": "other"}])
def test_the_verifier_finds_another_tenants_chain_in_a_bundle_of_one(
    known: KnownChain, tmp_path: Path, limits: dict[str, Any]
) -> None:
    folder = tmp_path / "out"
    bundle(known, folder, section=Section("tenant-02"))
    edited(folder, lambda rows: [row | {"tenant_id": "other"} for row in rows], **limits)
    code, said = recheck(folder)
    assert (code, "of other is the one that tenant-02 " in said) == (1, True)


def test_a_chain_like_two_others_is_the_one_with_its_number(known: KnownChain, tmp_path: Path) -> None:
    for tenant in ("first", "second"):  # a hash names no tenant
        known.chain.append(tenant)
    known.checkpoint()
    known.chain.run("UPDATE audit_chain SET tenant_id = 'other' WHERE tenant_id = 'second'")
    assert known.verify(section=Section("other")).counts == {"CHECKPOINT": 1}
    bundle(known, tmp_path / "out", section=Section("other"))
    assert "of other is the one that second began with" in recheck(tmp_path / "out")[1]


def test_a_name_that_is_no_text_is_no_other_tenants(known: KnownChain, tmp_path: Path) -> None:
    known.chain.append("\\xff")
    known.chain.append("none")
    known.chain.run("UPDATE audit_chain SET tenant_id = CAST(x'ff' AS TEXT) WHERE tenant_id = 'none'")
    report = known.verify()
    assert {finding.code for finding in report.findings} == {"ENCODING"}
    verdicts = {tenant.tenant: tenant.verdict for tenant in report.tenants}
    assert (verdicts["\\xff"], verdicts["\0xff"]) == (Verdict.CONSISTENT, Verdict.TAMPERED)
    bundle(known, tmp_path / "out")
    said = recheck(tmp_path / "out")[1]
    assert "63 entries, 1 checkpoints: 1 problems" in said and "in tenant_id than" in said


@pytest.mark.slow
def test_the_verifier_says_whose_checkpoints_another_key_ended(known: KnownChain, tmp_path: Path) -> None:
    """A new line is that person's word: what the key before it knew is not held against the entries."""
    export, path = tmp_path / "export.json", known.chain.path
    known.store.export(InFile(path), export)
    (first,) = known.store.checkpoints(InFile(path))
    bundle(known, tmp_path / "before")
    elsewhere = KnownChain(known.chain, CheckpointStore(tmp_path / "elsewhere"))
    elsewhere.store.import_(export, now=NOW, where=InFile(path))
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    for number in range(3):
        known.chain.rehash(f"tenant-{number:02d}")
    elsewhere.store.create(InFile(path), known.chain.verify(seal=True), now=NOW, reason=Reason.START_OVER)
    bundle(elsewhere, tmp_path / "after")
    sentence = f"By checkpoint 2 another key starts over: what key {first.key} signed was not asked."
    assert sentence not in recheck(tmp_path / "before")[1]
    code, said = recheck(tmp_path / "after")
    assert (code, sentence in said) == (3, True)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=3)
    (tmp_path / "file").touch()
    with pytest.raises(AlreadyThere, match=r"There is already a file at .*/file;"):
        write_bundle(InFile(chain.path), chain.verify(), tmp_path / "file" / "evidence", now=NOW)
