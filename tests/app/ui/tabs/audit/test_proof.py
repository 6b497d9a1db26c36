"""The proof of one entry, exported from the window and by the command."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.records.tables import Scope
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import PROOF, AuditTab
from app.ui.widgets.dialogs import ConfirmDialog
from tests.fixtures.command import run
from tests.fixtures.window import ask, choose, closed, dialog, go, open_file

AUDIT = 1


def checked(folder: Path) -> tuple[int, str]:
    """As whoever is given the folder does it, with nothing installed."""
    done = subprocess.run(
        [sys.executable, "-I", folder / "verify_bundle.py"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_the_selected_entry_is_proven_once_a_checkpoint_covers_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "proof"
    monkeypatch.setattr("app.ui.tabs.audit.dialogs.ask_new_folder", lambda *asked, **how: out)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    assert "Select one entry" in page.commands.action(PROOF).toolTip()
    seq = choose(qtbot, page, 5)
    ((tenant,),) = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq = ?", seq)
    page.set_scope(Scope(tenant))  # which makes no checkpoint of its own
    page.activate()
    page.show_record(seq)
    qtbot.waitUntil(lambda: page.list.current_id() == seq)
    page.commands.trigger(PROOF)
    box = dialog(qtbot, window, ConfirmDialog)
    assert box.title.text() == "Nothing proves this entry yet"
    assert f"No checkpoint covers entry {seq} of" in box.sentence.text() and not out.exists()
    with qtbot.waitSignal(page.verified):
        qtbot.keyClick(box, Qt.Key.Key_Return)
    ((along,),) = ask(
        demo_path, "SELECT count(*) FROM audit_chain WHERE tenant_id = ? AND seq >= ?", tenant, seq
    )
    title = f"{along:,} entries go along with the proof"
    qtbot.waitUntil(lambda: dialog(qtbot, window, ConfirmDialog).title.text() == title)
    asked = dialog(qtbot, window, ConfirmDialog)
    assert not out.exists()
    assert f"{along:,} entries of {tenant}, " in asked.sentence.text()
    asked.confirm_button.click()
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: window.toast.label.text().endswith("exported to proof"))
    assert window.toast.label.text().startswith(f"Entry {seq} of {tenant} up to checkpoint 1, ")
    code, said = checked(out)
    assert (code, f"Entry {seq} of '{tenant}' is proven" in said) == (3, True), said
    assert QApplication.activeModalWidget() is None


def test_the_command_writes_it_and_says_why_not(demo_path: Path, tmp_path: Path) -> None:
    done = run("prove", demo_path, 200, tmp_path / "out")
    assert done.returncode != 0 and "No checkpoint covers entry 200" in done.stderr
    assert run("verify", demo_path).returncode == 0
    assert run("checkpoint", demo_path).returncode == 0
    ((hashed, tenant),) = ask(demo_path, "SELECT hash, tenant_id FROM audit_chain WHERE seq = 200")
    done = run("prove", demo_path, hashed[:12], tmp_path / "out")
    assert (done.returncode, done.stderr) == (
        0,
        "",
    ) and f"Entry 200 of {tenant} up to checkpoint" in done.stdout
    code, said = checked(tmp_path / "out")
    assert code == 3 and f"Entry 200 of '{tenant}' is proven" in said
    done = run("prove", demo_path, 200, tmp_path / "out")
    assert done.returncode != 0 and "is not empty" in done.stderr
