"""Opening live databases by their connections, in the background; and asking for a connection or a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.services.live import PREFIX
from app.settings import Settings
from app.ui.session.busy import Busy
from app.ui.theme import Theme
from app.workers.runner import WentWrong
from models.errors import Cancelled, RemoteError, TenantAdminError, TokenRefused
from models.progress import Monitor

# Services and dialogs are imported where they are used: mostly on the job's thread, with the window painted.
if TYPE_CHECKING:
    from app.services.live.connecting import OpenedLive
    from app.services.live.connections import NamedConnection, Tokens
    from app.services.opened import Opened
    from app.ui.shell.connect_dialog import TokenDialog
    from app.ui.widgets.dialogs import Dialog, Door


class Connecting(QObject):
    """What is done with connections, in the background; what it says of opening, `Files` says too."""

    opened = Signal(object)
    not_opened = Signal()
    is_opening = False

    def __init__(
        self, theme: Theme, settings: Settings, busy: Busy, *, say: Callable[[str], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._theme, self._settings, self._busy, self._say, self._window = theme, settings, busy, say, window
        self.when_free: Callable[[str, Callable[[], object]], object] = lambda name, show: show()

    @cached_property
    def tokens(self) -> Tokens:
        """Those of this run of the program. They are asked on a job's thread: a keyring takes its time."""
        from app.services.live.connections import Tokens  # noqa: PLC0415
        from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415

        return Tokens(SystemKeyring())

    def open(self, place: str, *, read_only: bool = False) -> None:
        """Opens the database of a kept connection, `d1:NAME`; what is open stays until then."""

        def find() -> NamedConnection:
            from app.services.live.connections import Connections  # noqa: PLC0415

            return Connections().named(place.removeprefix(PREFIX))

        self._open(place, find, read_only=read_only)

    def when_ended(self, call: Callable[[bool], object]) -> None:
        """Calls it once, with whether a database can be shown, as soon as that is known."""
        waiting, once = [call], Qt.ConnectionType.SingleShotConnection
        self.opened.connect(lambda opened: waiting and waiting.pop()(True), once)
        self.not_opened.connect(lambda: waiting and waiting.pop()(False), once)

    def reopen(self, opened: OpenedLive) -> None:
        """Opens again what was open, with all of it read again."""

        def find() -> NamedConnection:
            from app.services.live.connections import Connections  # noqa: PLC0415
            from app.services.live.dev_server import found_again  # noqa: PLC0415

            if opened.database.withdrawn is not None:  # as it is kept now
                return Connections().named(opened.connection.name)
            return found_again(opened.connection)

        self._open(opened.place, find, is_kept=opened.place in self._settings.recent)

    def ways_back(self, error: TenantAdminError, opened: Opened | None) -> list[Door]:
        """Buttons for what can be done where what is open has gone."""
        if not isinstance(error, RemoteError) or not error.may_be_elsewhere:
            return []
        if opened is None or opened.file is not None:
            return []
        return [("Open again", partial(self.reopen, cast("OpenedLive", opened)))]

    def open_connection(self, connection: NamedConnection) -> None:
        """Opens the database of a connection that need not be kept."""
        self._open(connection.place, lambda: connection, is_kept=False)

    def _open(
        self,
        place: str,
        find: Callable[[], NamedConnection],
        *,
        read_only: bool = False,
        is_kept: bool = True,
    ) -> None:
        asked: list[NamedConnection] = []

        def work(monitor: Monitor) -> OpenedLive:
            from app.services.live.connecting import database, open_live  # noqa: PLC0415
            from app.services.live.connections import Connections, Kept  # noqa: PLC0415

            asked.append(find())
            kept, (connection, found) = Connections(), database(asked[0], self.tokens)
            if kept.has(place):
                found.withdrawn = Kept(asked[0], kept)
            with found.cancellable(monitor.cancelled):
                return open_live(connection, found, read_only=read_only)

        def failed(error: TenantAdminError) -> None:
            self.is_opening = False
            self.not_opened.emit()
            again = partial(self._open, place, find, read_only=read_only, is_kept=is_kept)
            self._not_opened(place, asked[0] if asked else None, error, again, is_kept=is_kept)

        def done(opened: OpenedLive) -> None:
            self.when_free(place, partial(self._opened, opened, is_kept=is_kept))

        self.is_opening = True
        self._busy.run(f"Opening {place}…", work, on_done=done, on_failed=failed)

    def _opened(self, opened: OpenedLive, *, is_kept: bool) -> None:
        self.is_opening = False
        self._keep_token(opened.connection)
        if is_kept:
            self._settings.add_recent(opened.place)
        self.opened.emit(opened)

    def _keep_token(self, connection: NamedConnection) -> None:
        """One that a person entered and Cloudflare took, where the system can keep it."""

        def keep(monitor: Monitor) -> str | None:
            return self.tokens.keep_tried(connection)

        def kept(problem: str | None) -> None:
            if problem is not None:
                self._say(problem)

        if self.tokens.was_entered(connection):
            self._busy.run("Keeping the token…", keep, on_done=kept, can_cancel=False)

    def _not_opened(
        self,
        place: str,
        connection: NamedConnection | None,
        error: TenantAdminError,
        again: Callable[[], object],
        *,
        is_kept: bool,
    ) -> None:
        from app.services.live.connections import NoSuchConnection, TokenMissing  # noqa: PLC0415
        from app.ui.widgets.dialogs import ErrorDialog  # noqa: PLC0415

        if isinstance(error, Cancelled):
            self._say(str(error))
            return
        if isinstance(error, WentWrong):  # a bug has its own dialog
            return
        if isinstance(error, NoSuchConnection):
            self._settings.remove_recent(place)
            self.not_opened.emit()  # it is no longer offered
        if connection is not None and isinstance(error, TokenMissing | TokenRefused):
            self.tokens.drop(connection)
            self.ask_token(connection, str(error), again)
            return

        def doors() -> Iterator[Door]:
            if connection is not None:
                yield "Try again", again
            if connection is not None and is_kept:
                yield "Edit the connection…", partial(self.ask_connect, connection)

        title = f"{place} cannot be opened"
        dialog = ErrorDialog(self._theme, str(error), self._window, title=title, doors=list(doors()))
        if connection is not None and connection.production:
            _mark_as(dialog, connection)
        dialog.open_once()

    def ask_token_again(self, opened: Opened, why: str, taken: Callable[[], object]) -> None:
        """Asks for another token of what is open, which stays so, and goes on with it as soon as it is
        `taken`; once, whatever else fails.
        """
        from app.ui.shell.connect_dialog import TokenDialog  # noqa: PLC0415

        if self._window.findChild(TokenDialog) is None:
            live = cast("OpenedLive", opened)  # a file has none
            asked = self.ask_token(live.connection, why, partial(self._try_token, live, taken))
            asked.of_opened = True

    def _try_token(self, opened: OpenedLive, taken: Callable[[], object]) -> None:
        """Has what is open go on with what was entered. One that is refused is asked for again."""
        connection = opened.connection

        def work(monitor: Monitor) -> None:
            from app.services.live.connecting import go_on_with  # noqa: PLC0415

            with opened.database.cancellable(monitor.cancelled):
                go_on_with(opened, self.tokens)

        def done(_: None) -> None:
            self._keep_token(connection)
            taken()

        def failed(error: TenantAdminError) -> None:
            if isinstance(error, TokenRefused):
                self.tokens.drop(connection)
                self.ask_token_again(opened, str(error), taken)
            else:
                self._busy.runner.failed.emit(error)

        self._busy.run(f"Trying the token of {opened.place}…", work, on_done=done, on_failed=failed)

    def ask_token(self, connection: NamedConnection, why: str, again: Callable[[], object]) -> TokenDialog:
        """Asks for a connection's token, and tries `again` with it; it is kept once it was taken."""
        from app.ui.shell.connect_dialog import TokenDialog  # noqa: PLC0415

        within = QApplication.activeModalWidget() or self._window  # a form, perhaps
        dialog = TokenDialog(self._theme, connection, why, within)
        _mark_as(dialog, connection)

        def entered() -> None:
            self.tokens.enter(connection, dialog.take_token())
            again()

        dialog.open_once(entered)
        return dialog

    def edit(self, opened: Opened) -> None:
        """Asks what the connection of what is open shall be, which is opened again by that."""
        self.ask_connect(cast("OpenedLive", opened).connection)

    def ask_connect(self, connection: NamedConnection | None = None) -> None:
        """Asks for a connection, a new one or another form of a kept one; tries, keeps and opens it."""
        from app.ui.shell.connect_dialog import ConnectDialog  # noqa: PLC0415

        dialog = ConnectDialog(
            self._theme, self._busy.runner, lambda: self.tokens, connection, parent=self._window
        )
        _mark_as(dialog, connection)
        dialog.kept.connect(lambda place, problem: self._say(problem) if problem else None)
        dialog.kept.connect(lambda place, problem: self.open(place))
        dialog.wanted.connect(self.open)
        dialog.open_once()


def _mark_as(dialog: Dialog, connection: NamedConnection | None) -> None:
    """What is asked about a connection has its mark, and not that of the window, which may be of another."""
    from app.ui.shell.strip import production_mark  # noqa: PLC0415

    if connection is None or not connection.production:
        dialog.set_mark(None)
    else:
        dialog.set_mark(production_mark(connection.place, connection.colour))
