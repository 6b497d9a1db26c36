"""The window beside a keyring that never answers."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from tests.fixtures.keyrings import Desktop
from tests.fixtures.window import go, open_file, press


class Hidden(QObject):
    """Notes the threads that ran when what it watches was hidden."""

    meanwhile: frozenset[str] = frozenset()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
        if event.type() == QEvent.Type.Hide and not self.meanwhile:
            self.meanwhile = running()
        return False


def running() -> frozenset[str]:
    return frozenset(thread.name for thread in threading.enumerate())


@pytest.mark.slow
def test_a_silent_keyring_holds_up_neither_the_verdict_nor_the_end(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Desktop(tmp_path / "desktop", monkeypatch).meets("silence")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    press("Ctrl+Return")
    qtbot.waitUntil(
        lambda: page.panel.stop_button.isVisible() and "keyring to answer, 1 s" in page.banner.detail()
    )
    assert not window.wait_line.isVisible(), "it is said once"
    go(qtbot, window, 0)
    qtbot.waitUntil(window.wait_line.isVisible)
    assert window.wait_line.label.text().startswith("Waiting for the system's keyring to answer: ")
    hidden = Hidden()
    window.installEventFilter(hidden)
    window.close()
    assert "writer" in hidden.meanwhile, "nobody looks at a window that stands still"
    assert "keyring" in running(), "it is left behind"
