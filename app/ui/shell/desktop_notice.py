"""A message on the desktop: by the bus that shows them on Linux, else beside an icon in the tray."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app import paths
from app.ui.widgets.labels import bounded
from app.ui.widgets.later import later
from app.workers.desktop import bus_tells, told_by_bus
from app.workers.runner import Runner

_SHOWN_MS = 15_000
_TOLD = 400
"""Characters of a message."""


def tell(
    runner: Runner,
    owner: QObject,
    title: str,
    words: str,
    *,
    urgent: bool = False,
    clicked: Callable[[], object] = lambda: None,
) -> None:
    """Says it where the desktop shows such messages, and nowhere else. `clicked` is called where a message of
    the tray is clicked on; of the bus nobody waits for an answer.
    """
    title, words = bounded(title, longest=_TOLD), bounded(words, longest=_TOLD)
    icon = str(paths.resources_dir() / "icons" / "tenant-admin-128.png")

    def told(by_bus: bool) -> None:
        if not by_bus:
            _by_tray(title, words, owner, urgent, clicked)

    runner.job(lambda monitor: told_by_bus(title, words, icon, urgent=urgent), on_done=told)


def when_nothing_tells(runner: Runner, say: Callable[[], object]) -> None:
    """Calls `say` where the desktop shows no such messages at all."""

    def found(by_bus: bool) -> None:
        if not (by_bus or _has_tray()):
            say()

    runner.job(lambda monitor: bus_tells(), on_done=found, on_failed=lambda error: None)


def _has_tray() -> bool:
    return QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()


def _by_tray(title: str, words: str, owner: QObject, urgent: bool, clicked: Callable[[], object]) -> None:
    """Qt shows a message beside an icon in the tray, where there is one; the icon is there only meanwhile."""
    if not _has_tray():
        return
    tray = QSystemTrayIcon(QApplication.windowIcon(), owner)
    tray.messageClicked.connect(clicked)
    tray.show()
    kind = QSystemTrayIcon.MessageIcon.Critical if urgent else QSystemTrayIcon.MessageIcon.Information
    tray.showMessage(title, words, kind)
    later(tray, _SHOWN_MS, tray.deleteLater)
