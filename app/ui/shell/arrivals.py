"""Messages on the desktop about notifications that came in while a person looks elsewhere."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication

from app.services.records.notifications import Arrived, arrived
from app.services.records.tables import NOTIFICATIONS
from app.services.text import counted, tenant_name
from app.ui.session.context import Context
from app.ui.shell.desktop_notice import tell

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
        named = [f"{title} ({tenant_name(tenant)})" for _, tenant, title in found.unread[:_NAMED]]
        if count > _NAMED:
            named.append(f"and {count - _NAMED:,} more")
        heading, latest = f"{counted(count, 'new notification')} · {place}", found.unread[0][0]
        tell(self._context.runner, self, heading, "\n".join(named), clicked=partial(self._open, latest))
