"""The evidence bundle, checked again by its own verifier with nothing installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app import paths
from app.services.checkpoints.store import CheckpointStore
from app.services.errors import Cancelled, InvalidInput
from app.services.evidence import Scope, write_bundle
from tests.app.services.checkpoints.conftest import Witnessed
from tests.app.services.verification.chains import ChainFile
from tests.conftest import NOW

FILES = {
    "report.html",
    "findings.json",
    "rows.jsonl",
    "checkpoints.json",
    "verify_bundle.py",
    "manifest.json",
}


@pytest.fixture
def known(tmp_path: Path) -> Witnessed:
    chain = ChainFile.build(tmp_path / "a.db", rows=20, tenants=3)
    found = Witnessed(chain, CheckpointStore(tmp_path / "home"))
    found.checkpoint()
    chain.append("tenant-01", payload='{"text":"<script>alert(1)</script>\\u0000 日本"}')
    return found


def bundle(known: Witnessed, folder: Path, scope: Scope | None = None) -> None:
    scope = scope or Scope()
    limits = {"tenant": scope.tenant, "seq_from": scope.seq_from, "seq_to": scope.seq_to}
    checkpoints = known.store.checkpoints(known.chain.path)
    write_bundle(
        known.chain.path, known.verify(**limits), folder, scope=scope, checkpoints=checkpoints, now=NOW
    )


def recheck(folder: Path) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify_bundle.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_a_bundle_of_a_file_in_order(known: Witnessed, tmp_path: Path) -> None:
    bundle(known, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES
    assert recheck(tmp_path / "out") == (0, "61 entries, 1 checkpoints: no problems\n")
    assert json.loads((tmp_path / "out" / "findings.json").read_text())["verdict"] == "VERIFIED"
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_bytes().splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, 62))
    assert rows[-1]["payload"] == '{"text":"<script>alert(1)</script>\\u0000 日本"}'


@pytest.mark.parametrize("scope", [Scope(tenant="tenant-01"), Scope(seq_from=20, seq_to=40)])
def test_a_bundle_of_a_part(known: Witnessed, tmp_path: Path, scope: Scope) -> None:
    bundle(known, tmp_path / "out", scope)
    assert recheck(tmp_path / "out")[0] == 0
    assert len((tmp_path / "out" / "rows.jsonl").read_bytes().splitlines()) == 21


def test_a_bundle_of_tampered_rows_says_so_again(known: Witnessed, tmp_path: Path) -> None:
    known.chain.run("UPDATE audit_chain SET payload = CAST(x'ff00' AS TEXT) WHERE seq = 5")
    known.chain.run("UPDATE audit_chain SET created_at = 1.5, hash = CAST(hash AS BLOB) WHERE seq = 9")
    bundle(known, tmp_path / "out")
    code, said = recheck(tmp_path / "out")
    assert code == 1
    assert "entry 5 does not match its hash" in said
    assert "entry 9 does not match its hash" in said
    page = (tmp_path / "out" / "report.html").read_text()
    assert "TAMPERED" in page
    assert "<script>" not in page


def test_a_bundle_edited_afterwards(known: Witnessed, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    bundle(known, folder)
    rows = (folder / "rows.jsonl").read_text()
    (folder / "rows.jsonl").write_text(rows.replace('\\"7\\"', '\\"8\\"'))
    code, said = recheck(folder)
    assert code == 1
    assert "rows.jsonl is not the file" in said
    assert "does not match its hash" in said
    (folder / "rows.jsonl").write_text(rows)
    assert recheck(folder)[0] == 0
    value = json.loads((folder / "checkpoints.json").read_text())
    value["checkpoints"][0]["at"] += 1
    (folder / "checkpoints.json").write_text(json.dumps(value))
    assert "checkpoint 1 was changed after it was signed" in recheck(folder)[1]


def test_a_witnessed_row_rewritten(known: Witnessed, tmp_path: Path) -> None:
    known.chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 5")
    for number in range(3):
        known.chain.rehash(f"tenant-{number:02d}")
    bundle(known, tmp_path / "out")
    assert "knew another entry" in recheck(tmp_path / "out")[1]


def test_a_folder_in_use(known: Witnessed, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not empty"):
        bundle(known, tmp_path)


def test_cancel(known: Witnessed, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        write_bundle(known.chain.path, known.verify(), tmp_path / "out", now=NOW, cancelled=lambda: True)


def test_the_verifier_is_short_and_needs_nothing() -> None:
    text = (paths.resources_dir() / "evidence" / "verify_bundle.py").read_text()
    assert len(text.splitlines()) < 100
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports == ["import hashlib", "import json", "import sys", "from pathlib import Path"]
