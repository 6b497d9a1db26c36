"""`tenant-admin runs`, as a shell script meets it."""

from pathlib import Path

from tests.fixtures.command import run
from tests.fixtures.sample import sample
from tests.fixtures.window import ask


def test_one_is_written_as_a_document(tmp_path: Path) -> None:
    path, page, text = (tmp_path / name for name in ("foundation.sqlite", "run.html", "run.md"))
    sample(path, rows=300)
    (key, idea), *_ = ask(path, "SELECT id, idea FROM planning_runs ORDER BY id")
    done = run("runs", "dossier", path, key, page)
    assert done.returncode == 0 and done.stdout.endswith(f"run.html: {page.stat().st_size:,} bytes\n")
    assert "<!doctype html>" in page.read_text("utf-8") and idea.split()[0] in page.read_text("utf-8")
    assert "It is not known that the audit chain" in page.read_text("utf-8")
    assert run("verify", path).returncode == 0
    assert run("runs", "dossier", path, key, text, "--all-versions").returncode == 0
    assert "The audit chain was verified whole 20" in text.read_text("utf-8")
    wrong = run("runs", "dossier", path, key, tmp_path / "run.pdf")
    assert wrong.returncode == 2 and "ends neither in .html nor in .md" in wrong.stderr
    gone = run("runs", "dossier", path, "gone", tmp_path / "gone.md")
    assert gone.returncode == 2 and not (tmp_path / "gone.md").exists()
