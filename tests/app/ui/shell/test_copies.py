"""Copies of the open file, saved and put back as a person does it."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.demo import create_demo
from app.services.files.opening import snapshot_copy
from app.ui.shell.copies import RestoreDialog
from app.ui.shell.window import MainWindow
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import sign
from tests.fixtures.window import (
    ask,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    error,
    labels,
    open_file,
    press,
    said,
)


@pytest.fixture
def copy(demo_path: Path, tmp_path: Path) -> Path:
    return snapshot_copy(demo_path, tmp_path / "yesterday.sqlite")


def leftovers(path: Path) -> list[str]:
    return [item.name for item in path.parent.iterdir() if item.name.startswith(".tenant-admin-")]


@pytest.mark.slow
def test_what_was_deleted_comes_back(qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    choose(qtbot, page, 0)
    press("Del")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, 0))
    window.copies.offer(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert box.sentence.text().startswith("What it holds is replaced by what yesterday.sqlite holds.")
    model = box.tables.model()
    rows = [[str(model.index(row, column).data()) for column in range(4)] for row in range(model.rowCount())]
    shown = {row[0]: row[1:] for row in rows}
    assert shown["Users"] == [f"{before - 1:,}", f"{before:,}", "+1"]
    assert shown["Audit entries"][2] == "−1"
    assert "The audit chain of the copy holds" in box.chain.text()
    assert "The copy continues this file as its newest checkpoint knows it." in labels(box)
    press("Return")  # confirms nothing that destroys
    closed(qtbot, window, RestoreDialog)
    assert count(demo_path, "users") == before - 1
    assert leftovers(demo_path) == []
    window.copies.offer(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    with qtbot.waitSignal(window.opened):
        click(qtbot, box.confirm_button)
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before, 0))
    kept = next(demo_path.parent.glob("demo.before-restore.*.sqlite"))
    assert kept.name in window.toast.text()
    assert count(kept, "users") == before - 1
    assert leftovers(demo_path) == []
    made = CheckpointStore(paths.checkpoints_dir()).checkpoints(demo_path)
    assert [item.reason for item in made] == ["verify", "before-restore", "restore"]


def test_a_copy_whose_chain_does_not_hold_needs_a_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 7")
    open_file(qtbot, window, demo_path)
    window.copies.offer(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert "does not hold: 1 finding" in box.chain.text()
    assert not box.confirm_button.isEnabled()
    click(qtbot, box.agreement)
    assert box.confirm_button.isEnabled()
    press("Escape")
    closed(qtbot, window, RestoreDialog)
    assert leftovers(demo_path) == []


def test_a_copy_of_another_database_needs_a_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    create_demo(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9, now=NOW)
    open_file(qtbot, window, demo_path)
    window.copies.offer(demo_path, tmp_path / "other.sqlite")
    box = dialog(qtbot, window, RestoreDialog)
    assert "The audit chain of the copy holds" in box.chain.text()
    assert (box.agreement.isVisible(), box.confirm_button.isEnabled()) == (True, False)
    assert box.agreement.text() == "I mean this, although it is of another database"
    click(qtbot, box.agreement)
    assert box.confirm_button.isEnabled()
    press("Escape")
    closed(qtbot, window, RestoreDialog)


def test_what_is_no_copy_is_said(qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    (tmp_path / "notes.txt").write_text("dear diary\n" * 400)
    window.copies.offer(demo_path, tmp_path / "notes.txt")
    assert "is not a SQLite database" in error(qtbot, window)
    window.copies.offer(demo_path, demo_path)
    assert "is the file itself" in error(qtbot, window)
    assert page.filters.count.text() == said(count(demo_path, "users"), 0)
    assert leftovers(demo_path) == []


def test_a_read_only_file_cannot_be_restored(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path, read_only=True)
    assert not window.commands.action("restore").isEnabled()
    assert window.commands.action("save_copy").isEnabled()


def test_a_copy_is_saved_while_others_write(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    import apsw

    open_file(qtbot, window, demo_path)
    other = apsw.Connection(str(demo_path))
    chains.append(other, "acme-corp", [NOW])  # only in the log
    target = tmp_path / "saved.sqlite"
    window.copies.save(demo_path, target)
    qtbot.waitUntil(lambda: window.toast.text() == "Saved and checked: saved.sqlite")
    assert count(target, "audit_chain") == count(demo_path, "audit_chain")
    window.copies.save(demo_path, target)
    assert "already a file" in error(qtbot, window)
