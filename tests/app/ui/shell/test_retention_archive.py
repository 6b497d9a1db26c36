"""What retention removes is kept where the person said, and the file remembers it."""

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.services.chain.archive.following import ANCHOR
from app.ui.dialogs.retention import RetentionDialog
from app.ui.shell.window import MainWindow
from tests.conftest import NOW
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.window import ask, click, closed, dialog, open_file, removal


def test_an_archive_folder_is_chosen_used_and_remembered(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    box.archive.set_folder(folder)
    if box.agreement.isVisible():
        qtbot.mouseClick(box.agreement, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert window.retention is not None
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    names = {file.name for file in folder.iterdir()}
    assert names == set(removed[0].archives)
    assert names
    report = verify_known(demo_path, tmp_path / "none", now=NOW, archive=folder)
    rows = ask(demo_path, "SELECT DISTINCT tenant_id FROM audit_chain WHERE event_type = 'audit_pruned'")
    pruned = {tenant for (tenant,) in rows}
    assert {tenant.tenant for tenant in report.tenants if tenant.anchor == ANCHOR} == pruned
    closed(qtbot, window, RetentionDialog)
    window.commands.action("retention").trigger()
    again = dialog(qtbot, window, RetentionDialog)
    assert again.archive.box.isChecked()
    assert again.archive.where.text() == str(folder)
