"""Messages on the desktop, by the bus that shows them on Linux, else beside an icon in the tray; and those
about notifications that came in while a person looks elsewhere.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app import paths
from app.services.records.notifications import Arrived, arrived
from app.services.records.tables import NOTIFICATIONS
from app.services.text import counted, in_one_line, tenant_name
from app.ui.session.context import Context
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
    the tray, or the icon that it stands beside, is clicked on; of the bus nobody waits for an answer.
    """
    title, words = bounded(title, longest=_TOLD), bounded(words, keep="\n", longest=_TOLD)
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
    plain = QSystemTrayIcon.ActivationReason.Trigger
    # The icon is there longer than what it says.
    tray.activated.connect(lambda reason: clicked() if reason is plain else None)
    tray.show()
    kind = QSystemTrayIcon.MessageIcon.Critical if urgent else QSystemTrayIcon.MessageIcon.Information
    tray.showMessage(title, words, kind)
    later(tray, _SHOWN_MS, tray.deleteLater)


_NAMED = 3
"""As many titles as a message names."""


class Arrivals(QObject):
    """From `start()` on, where the preference is on: says on the desktop which unread notifications another
    program has written, while the window is not in front. `open_` is called with the latest one's id where
    the message is clicked on.
    """

    def __init__(self, context: Context, open_: Callable[[object], object], parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._open = context, open_
        table = context.opened.schema.stored.get(NOTIFICATIONS.name)
        self._rowid = None if table is None or "read" not in table.names else table.rowid
        self._last: int | None = None
        self._is_looking = self._look_again = False

    def start(self) -> None:
        """Of a live database nobody asks while the window is not in front."""
        if self._rowid is not None and not self._context.costs:
            self._context.outside.written.connect(self.look)
            self.look()

    def look(self) -> None:
        if self._is_looking or self._rowid is None:
            self._look_again = self._is_looking
            return
        self._is_looking, self._look_again = True, False
        done, failed = self._came, lambda error: self._came(None)
        self._context.runner.read(arrived, self._rowid, self._last, on_done=done, on_failed=failed)

    def _came(self, found: Arrived | None) -> None:
        self._is_looking = False
        if found is None:
            return
        self._last = found.last
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        if found.unread and not in_front and self._context.settings.tell_of_notifications:
            self._tell(found)
        if self._look_again:
            self.look()

    def _tell(self, found: Arrived) -> None:
        count, place = len(found.unread), self._context.opened.place
        named = [
            f"{in_one_line(title)} ({tenant_name(tenant)})" for _, tenant, title in found.unread[:_NAMED]
        ]
        if count > _NAMED:
            named.append(f"and {count - _NAMED:,} more")
        heading, latest = f"{counted(count, 'new notification')} · {place}", found.unread[0][0]
        tell(self._context.runner, self, heading, "\n".join(named), clicked=partial(self._open, latest))
