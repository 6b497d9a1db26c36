"""`tenant-admin backup` and `restore`, as an operator types them."""

from pathlib import Path

import pytest

from app.services.demo import create_demo
from tests.conftest import NOW
from tests.fixtures.command import run
from tests.fixtures.window import ask, count


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "foundation.sqlite"
    create_demo(path, rows=300, tenants=3, now=NOW)
    return path


def test_a_copy_is_made_and_put_back(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    done = run("backup", live, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "checked" in done.stdout
    assert run("checkpoint", live).returncode == 0
    users = ask(live, "SELECT * FROM users")
    ask(live, "DELETE FROM users")
    done = run("restore", live, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The copy continues this file as its newest checkpoint knows it." in done.stdout
    assert "audit_chain: 300 rows" in done.stdout
    assert "checkpoint 3 was made" in done.stdout
    assert ask(live, "SELECT * FROM users") == users
    kept = next(tmp_path.glob("foundation.before-restore.*.sqlite"))
    assert str(kept) in done.stdout
    assert count(kept, "users") == 0
    assert run("verify", live).returncode == 0
    assert not list(tmp_path.glob(".tenant-admin-*"))


def test_a_copy_that_was_tampered_with_needs_a_word(live: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    run("backup", live, copy)
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 9")
    done = run("restore", live, copy)
    assert done.returncode == 1
    assert "HASH" in done.stdout and "--allow-findings" in done.stderr
    assert count(live, "audit_chain") == 300
    assert run("restore", live, copy, "--allow-findings").returncode == 0
    assert count(live, "audit_chain") == 301


def test_a_rewritten_file_is_not_made_sound_by_a_copy_of_it(live: Path, tmp_path: Path) -> None:
    assert run("checkpoint", live).returncode == 0
    ask(live, "DELETE FROM audit_chain WHERE tenant_id = 'acme-corp'")
    copy = tmp_path / "copy.sqlite"
    assert run("backup", live, copy).returncode == 0
    done = run("restore", live, copy)
    assert done.returncode == 1
    assert "TRUNCATED" in done.stdout
    assert "against the checkpoints of this file" in done.stderr and "--allow-findings" in done.stderr
    assert run("verify", live).returncode == 1
    assert run("restore", live, copy, "--allow-findings").returncode == 0


def test_a_witnessed_file_is_not_replaced_by_an_unrelated_one_without_a_word(
    live: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.sqlite"
    create_demo(other, rows=50, tenants=2, seed=9, now=NOW)
    assert run("checkpoint", live).returncode == 0
    done = run("restore", live, other)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is of another database" in done.stderr and "--allow-findings" in done.stderr
    assert count(live, "audit_chain") == 300
    done = run("restore", live, other, "--allow-findings")
    assert done.returncode == 0
    assert "is of another database" in done.stdout
    assert count(live, "audit_chain") == 51


def test_a_copy_never_takes_the_place_of_another_file(live: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.sqlite"
    there.write_text("mine")
    done = run("backup", live, there)
    assert done.returncode == 2
    assert "already a file" in done.stderr
    assert there.read_text() == "mine"


def test_what_lies_beside_the_name_is_neither_followed_nor_folded_in(live: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".copy.sqlite.new").symlink_to(victim)
    assert run("backup", live, tmp_path / "copy.sqlite").returncode == 0
    assert victim.read_text() == "mine"
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o077 == 0
    (tmp_path / "other.sqlite-wal").write_text("a stale log")
    done = run("backup", live, tmp_path / "other.sqlite")
    assert (done.returncode, "already a file" in done.stderr) == (2, True)
    assert (tmp_path / "other.sqlite-wal").read_text() == "a stale log"
    assert not (tmp_path / "other.sqlite").exists()
