"""The frame around an open file: it opens and closes one, and says what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSizeGrip, QStackedWidget

from app.settings import Settings
from app.ui.session.busy import Busy, Waits
from app.ui.shell import window_actions
from app.ui.shell.files import Files
from app.ui.shell.global_search import GlobalSearch
from app.ui.theme import Kind, Theme
from app.ui.widgets.actions import Actions
from app.ui.widgets.banner import Toast, WaitLine
from app.ui.widgets.buttons import BESIDE_WORDS, push_button
from app.ui.widgets.labels import Label, Look, set_tip
from app.ui.widgets.later import later
from app.workers.runner import Runner
from models.errors import Cancelled, TenantAdminError

# The window appears before these are loaded: what needs a file, or a dialog, is imported where it is used.
if TYPE_CHECKING:
    from app.services.chain.append import Caution
    from app.services.opened import Opened
    from app.services.records.change import Change
    from app.ui.session.context import Context
    from app.ui.shell.welcome import WelcomePage
    from app.ui.shell.workspace import Workspace

USUAL_SIZE, LEAST_SIZE = QSize(1280, 800), QSize(900, 560)
_FRAME = QSize(8, 40)
"""What the window's title bar and borders may take of a screen."""

SLOW_MS = 500
"""After which the opening of the first file is slow enough for the welcome page to be shown meanwhile."""


class MainWindow(QMainWindow):
    """The program's one window. `opened(Opened)` when a file has been opened and its tabs stand."""

    opened = Signal(object)

    def __init__(self, theme: Theme, settings: Settings, clock: Callable[[], int]) -> None:
        super().__init__()
        self.theme = theme
        self.settings = settings
        self._clock = clock
        self._runner = Runner(parent=self)
        self._runner.failed.connect(self._failed)
        self.workspace: Workspace | None = None
        self.setWindowTitle("Tenant Admin")
        self.resize(USUAL_SIZE)
        self.setAcceptDrops(True)
        self.busy = Busy(theme, self._runner)
        self.toast = Toast(theme, self)
        self.toast.acted.connect(self.undo)
        say = self.toast.show_message
        self.files = Files(theme, settings, self.busy, clock=clock, say=say, window=self)
        self.files.opened.connect(self._show_file)
        self.files.leaving.connect(self.close_file)
        self.files.not_opened.connect(self._welcome_if_nothing)
        self._pages = QStackedWidget()
        self._pages.setMinimumSize(1, 1)  # a page that is not in sight asks for no room
        self.setCentralWidget(self._pages)
        self.search = GlobalSearch(theme)
        self.commands = Actions(theme, None, self)
        self.commands.refused.connect(self.toast.show_message)
        window_actions.add_actions(self)
        window_actions.fill_menus(self)
        self._bar = window_actions.ToolBar(self)
        self.addToolBar(self._bar)
        self.tenants = self._bar.tenants
        self._where, self.retention_status = Label(look=Look.DIM), Label(look=Look.DIM)
        self.statusBar().addWidget(self._where)
        self.wait_line = WaitLine(theme)
        self.statusBar().addWidget(self.wait_line)
        self.statusBar().addWidget(self.busy, 1)
        self.shield = push_button(theme, "", kind=Kind.FLAT)
        self.shield.setIconSize(BESIDE_WORDS)
        self.shield.hide()
        self.shield.clicked.connect(lambda: self.workspace and self.workspace.show_verdict())
        self.statusBar().addPermanentWidget(self.shield)
        self.statusBar().addPermanentWidget(self.retention_status)
        for grip in self.statusBar().findChildren(QSizeGrip):
            grip.setAccessibleName("Size of the window")
        self._show_no_file()
        if not settings.window_geometry.isEmpty():
            self.restoreGeometry(settings.window_geometry)
        self._fit_screen()

    @property
    def context(self) -> Context | None:
        return None if self.workspace is None else self.workspace.context

    def _fit_screen(self) -> None:
        """No larger than the screen it opens on, and no larger at the least."""
        room = self.screen().availableGeometry().size() - _FRAME
        self.setMinimumSize(LEAST_SIZE.boundedTo(room))
        self.resize(self.size().boundedTo(room))

    # opening and closing

    def close_file(self) -> None:
        """Goes back to the welcome page."""
        if self.workspace is None:
            return
        self.workspace.stop()
        self._pages.removeWidget(self.workspace)
        self.workspace.deleteLater()
        self.workspace = None
        self.toast.hide()  # its Undo was for an act on that file
        self.retention_status.setText("")
        self.shield.hide()
        self._show_no_file()
        self._welcome_if_nothing()

    @cached_property
    def welcome(self) -> WelcomePage:
        """The page without a file; made when there is none to show."""
        from app.ui.shell.welcome import WelcomePage  # noqa: PLC0415

        page = WelcomePage(self.theme, self.commands)
        page.recent.connect(self.files.open)
        self.commands.update()
        self._pages.addWidget(page)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.files.is_opening:
            later(self, SLOW_MS, self._welcome_if_nothing)
        else:
            self._welcome_if_nothing()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.window_geometry = self.saveGeometry()
        self.hide()  # what still runs may take seconds to end: a keyring that is silent
        self.close_file()
        self._runner.stop()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.files.open(Path(event.mimeData().urls()[0].toLocalFile()))

    def _show_file(self, opened: Opened) -> None:
        # These bring the tabs and all below them, which take longer to load than the window to appear.
        from app.ui.session.context import Context  # noqa: PLC0415
        from app.ui.shell.workspace import Workspace  # noqa: PLC0415

        self.close_file()
        say = self.toast.show_message
        context = Context(opened, self.theme, self.settings, clock=self._clock, busy=self.busy, say=say)
        Waits(opened.database, self.wait_line, context)
        workspace = self.workspace = Workspace(context)
        context.runner.failed.connect(self._failed)
        context.asks.connect(self._ask)
        context.runner.changed.connect(self._say_change)
        context.history.changed.connect(self.commands.update)
        workspace.migrate_wanted.connect(
            lambda: self.files.ask_migrate(opened, lambda: self.workspace is workspace)
        )
        workspace.write_wanted.connect(lambda: self.files.open(opened.path, force_writable=True))
        workspace.reopen_wanted.connect(lambda: self.files.open(opened.path))
        workspace.restore_wanted.connect(partial(self.commands.trigger, "restore"))
        workspace.other_wanted.connect(self.files.ask_open)
        workspace.everyone_wanted.connect(lambda: self.tenants.pick(None))
        workspace.tenants_found.connect(self._bar.offer_tenants)
        workspace.tabs.currentChanged.connect(self.commands.update)
        window_actions.add_tab_actions(self)
        self._bar.offer_tenants(opened.tenants)
        self.tenants.set_key(None)
        self.search.attach(workspace)
        self._pages.addWidget(workspace)
        self._pages.setCurrentWidget(workspace)
        self.setWindowTitle(f"{opened.place}{' (read-only)' if opened.read_only else ''} — Tenant Admin")
        self._bar.show_file(opened)
        self._where.setText(" · ".join([*opened.facts, "read-only"] if opened.read_only else opened.facts))
        set_tip(self._where, opened.whole_place)
        workspace.retention_status.connect(self.retention_status.setText)
        workspace.shield.connect(self._say_shield)
        self.tenants.picked.connect(workspace.choose_tenant)
        self.commands.update()
        workspace.start()
        self.opened.emit(opened)

    def _say_shield(self, icon: str, colour: str, words: str, tip: str) -> None:
        self.shield.setIcon(self.theme.icon(icon, colour))
        self.shield.setText(words)
        self.shield.setAccessibleName(f"Audit chain: {words}")
        set_tip(self.shield, tip)
        self.shield.show()

    def _failed(self, error: TenantAdminError) -> None:
        if isinstance(error, Cancelled):
            self.toast.show_message(str(error))
        else:
            self.files.show_failure(error, None if self.context is None else self.context.opened.file)
        self._welcome_if_nothing()  # a file that is gone is no longer offered

    def _ask(self, caution: Caution, agreed: Callable[[], object], refused: Callable[[], object]) -> None:
        from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415

        within = QApplication.activeModalWidget() or self  # a form, perhaps
        asked, sentence = caution.question, caution.happened
        dialog = ConfirmDialog(self.theme, asked, sentence, action="Go on", parent=within)
        dialog.rejected.connect(refused)
        dialog.open_once(agreed)

    def _show_no_file(self) -> None:
        self.setWindowTitle("Tenant Admin")
        self._bar.show_file(None)
        self.search.attach(None)
        self._where.setText("")
        self.commands.update()

    def _welcome_if_nothing(self) -> None:
        if self.workspace is None:
            self.welcome.set_recent(self.settings.recent_files)
            self._pages.setCurrentWidget(self.welcome)

    # acting

    def _say_change(self, change: Change, initiator: object) -> None:
        if self.context is not None:
            can_undo = change.undoable and initiator is not self.context.history
            self.toast.show_message(change.summary, "Undo" if can_undo else "")

    def undo(self) -> None:
        self.toast.hide()  # its Undo was for this act, and would take back the one before
        if self.context is not None:
            self.context.history.undo()
