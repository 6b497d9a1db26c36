"""The window beside a keyring that never answers."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from pytestqt.qtbot import QtBot

from app.services.live.connections import Connections, NamedConnection
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from tests.fixtures.keyrings import Desktop
from tests.fixtures.window import click, go, open_file, press


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
    qtbot.waitUntil(lambda: page.panel.stop_button.isVisible() and "keyring, 1 s" in page.banner.detail())
    assert not window.wait_line.isVisible(), "it is said once"
    go(qtbot, window, 0)
    qtbot.waitUntil(window.wait_line.isVisible)
    assert window.wait_line.label.text().startswith("Waiting for the system's keyring: ")
    hidden = Hidden()
    window.installEventFilter(hidden)
    window.close()
    assert "writer" in hidden.meanwhile, "nobody looks at a window that stands still"
    assert "keyring" in running(), "it is left behind"


@pytest.mark.slow
def test_who_connects_is_told_what_is_waited_for_and_may_cancel_at_once(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Desktop(tmp_path / "desktop", monkeypatch).meets("silence")
    Connections().add(NamedConnection("prod", "0" * 32, "no-such-id", "", "https://api.cloudflare.com"))
    window.open("d1:prod")
    qtbot.waitUntil(window.wait_line.isVisible)
    label = window.wait_line.label
    assert label.text().startswith("Waiting for the system's keyring: ")
    window.resize(640, 400)
    qtbot.waitUntil(lambda: label.width() >= label.sizeHint().width())
    assert window.busy.label.isHidden() and window.busy.cancel_button.isVisible(), "it is said once"
    click(qtbot, window.busy.cancel_button)
    qtbot.waitUntil(window.busy.isHidden, timeout=1_000)
    assert window.toast.label.text().startswith("Cancelled")
    qtbot.waitUntil(lambda: not window.wait_line.isVisible())
