"""The frame around an open file: it opens and closes one, and says what happens to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QSizeGrip,
    QStackedWidget,
    QToolButton,
    QWidget,
)
from shiboken6 import Shiboken

from app.paths import resolved
from app.services.text import counted, quoted, visible
from app.settings import Settings
from app.ui.session.busy import Busy, Waits
from app.ui.session.lock import ANOTHER
from app.ui.shell import window_actions
from app.ui.shell.connecting import Connecting
from app.ui.shell.files import Files
from app.ui.shell.global_search import GlobalSearch
from app.ui.theme import Kind, Mode, Theme
from app.ui.widgets.actions import Actions, is_enter, keys_of_act
from app.ui.widgets.banner import Toast, WaitLine
from app.ui.widgets.buttons import ElidedButton
from app.ui.widgets.clipboard import NO_PROGRAM, copy_text, show_folder
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import Label, Look, set_tip
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import is_lost, release, step
from app.workers.runner import Runner
from models.errors import Cancelled, FileOrName, NothingToDo, RateLimited, TenantAdminError, TokenRefused
from models.progress import Monitor

# The window appears before these are loaded: what needs a file, or a dialog, is imported where it is used.
if TYPE_CHECKING:
    from app.services.chain.cautions import Caution
    from app.services.live.connecting import OpenedLive
    from app.services.live.connections import NamedConnection
    from app.services.opened import Opened
    from app.services.records.change import Change
    from app.services.tenants.erasing import Erasure
    from app.ui.session.context import Context
    from app.ui.session.history import Ask
    from app.ui.shell.strip import Strip
    from app.ui.shell.time_travel import TimeTravel
    from app.ui.shell.welcome import WelcomePage
    from app.ui.shell.workspace import Workspace

USUAL_SIZE, LEAST_SIZE, LOW = QSize(1280, 800), QSize(900, 560), 480
"""And the height below which the tool bar leaves its margins to the rows."""
_NOTICED = (
    ". While this window is in front, it is asked twice a minute whether others have added rows or taken the "
    "last ones. Rows that they change are shown as they are now after a refresh (F5)."
)
_FRAME = QSize(8, 40)
"""What the window's title bar and borders may take of a screen."""

_OF_WIDTH = 0.6
"""Of the window's width, which a line in the status bar has besides its buttons."""

FACTS_MS = 1000
"""Between two looks at what a live database has used."""

_LOOK_AGAIN_MS = 100
"""Between two looks whether a dialog still stands before what was opened."""

SLOW_MS = 500
"""After which the opening of the first file is slow enough for the welcome page to be shown meanwhile."""


_BESIDE_VERDICT = 400
"""Points of the status bar that a verdict's words leave to the rest."""
_AROUND_BAR = 24
"""Points of it around all that it says."""
_BAR_HIGH = 22
"""Points of its height that what it says has; a bar that has a least height itself would never grow."""

LATE_SECONDS = 5
"""After which nobody waits for an Undo any more, and it would come as a surprise."""

_OPENS_A_MENU = QToolButton.ToolButtonPopupMode.InstantPopup


def _files_of(event: QDropEvent) -> list[Path]:
    """Those of this computer that it brings."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def _taken(part: QWidget) -> int:
    """What it takes of a status bar, and what is between."""
    return part.sizeHint().width() + 8


class MainWindow(QMainWindow):
    """The program's one window. `opened(Opened)` when a file has been opened and its tabs stand, `closed()`
    when it has been closed.
    """

    opened = Signal(object)
    closed = Signal()

    def __init__(self, theme: Theme, settings: Settings, clock: Callable[[], int]) -> None:
        super().__init__()
        self.theme = theme
        self.settings = settings
        self._clock = clock
        self._runner = Runner(parent=self)
        self._runner.failed.connect(self._failed)
        self.workspace: Workspace | None = None
        self._is_closed = False
        self._connections: tuple[str, ...] = ()
        self._production: frozenset[str] = frozenset()
        self.setWindowTitle("Tenant Admin")
        self.resize(USUAL_SIZE)
        self.setAcceptDrops(True)
        self._before_menus: QWidget | None = None
        program = cast("QApplication", QApplication.instance())
        program.focusChanged.connect(self._focus_moved)
        program.applicationStateChanged.connect(self._came_or_went)
        self._preferences = settings.preferences()
        self.busy = Busy(theme, self._runner)
        self.files = Files(theme, settings, self.busy, clock=clock, say=self.say, window=self)
        self.files.ending = lambda: "" if self.context is None else self.context.history.ending
        self.files.context_of = self._context_of
        self.files.opened.connect(self._show_file)
        self._left: tuple[FileOrName, str | None, str, object, int] | None = None
        """The file that was closed to be written again, or opened through a server, the tenant that was
        chosen, the table that was in sight, and the record.
        """
        self._still: QWidget | None = None
        self._dragged: list[Path] = []
        self.files.leaving.connect(self._leave)
        self.files.not_opened.connect(self._welcome_if_nothing)
        self.connecting = Connecting(theme, settings, self.busy, say=self.say, window=self)
        self.connecting.opened.connect(self._show_file)
        self.connecting.not_opened.connect(self._welcome_if_nothing)
        self.files.when_free = self.connecting.when_free = self._when_free
        self._pages = QStackedWidget()
        self._pages.setMinimumSize(1, 1)  # a page that is not in sight asks for no room
        self._opening = QWidget()
        self._opening.setAccessibleName("Opening the database")
        self._pages.addWidget(self._opening)  # has the focus at first: else a button of the tool bar is heard
        self.setCentralWidget(self._pages)
        self.search = GlobalSearch(theme)
        self.commands = Actions(theme, None, self)
        self.commands.refused.connect(self.say)
        window_actions.add_actions(self)
        window_actions.fill_menus(self)
        self._bar = window_actions.ToolBar(self)
        self.addToolBar(self._bar)
        for above in (self._bar, self.menuBar()):
            above.lower()  # heard before the pages
        self.tenants = self._bar.tenants
        self._where, self.retention_status = Label(look=Look.DIM), Label(look=Look.DIM)
        self._of_retention = ""
        self._told: list[str] = []
        self._where.setMinimumHeight(_BAR_HIGH)
        self.statusBar().addWidget(self._where)
        self._measured: tuple[str, ...] = ()
        """What is told of the open file, once it was written."""
        self._facts = QTimer(self, interval=FACTS_MS)
        self._facts.timeout.connect(self._say_facts)
        self.wait_line = WaitLine(theme)
        self.wait_line.shown.connect(self.busy.give_way)
        self.wait_line.shown.connect(self._share_status_bar)
        self.busy.shown.connect(self._share_status_bar)
        self.statusBar().addWidget(self.wait_line)
        Waits(lambda: self._runner.waiting, self.wait_line, self)
        self.statusBar().addWidget(self.busy, 1)
        self.shield = ElidedButton(theme, "", None, Kind.FLAT)
        self.shield.clicked.connect(lambda: self.workspace and self.workspace.show_verdict())
        self.shield.hide()
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

    def _context_of(self, path: Path) -> Context | None:
        context = self.context
        return context if context is not None and context.opened.file == resolved(path) else None

    def _fit_screen(self) -> None:
        """No larger than the screen it opens on, and no larger at the least."""
        room = self.screen().availableGeometry().size() - _FRAME
        self.setMinimumSize(LEAST_SIZE.boundedTo(room))
        self.resize(self.size().boundedTo(room))

    # opening and closing

    def open(self, place: FileOrName, *, read_only: bool = False) -> None:
        if isinstance(place, Path):
            self.files.open(place, read_only=read_only)
        else:
            self.connecting.open(place, read_only=read_only)

    def ask_close_file(self) -> None:
        """Closes what is open; where that would end long work a person is asked first."""
        self._ask_to_end("Close the database", self.close_file)

    def close_file(self) -> None:
        if self.workspace is not None:
            self._let_go()
            self._show_no_file()
            self._welcome_if_nothing()

    def _leave(self) -> None:
        """A picture of what was in sight stands in its place until it is opened again, or cannot be."""
        if self.workspace is not None:
            self._left = self.workspace.context.opened.path, *self._in_sight(self.workspace)
            still = self._still = QLabel(pixmap=self._pages.grab())
            still.setAccessibleName("Closed while the file is rewritten")
            still.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            self._let_go()
            self._show_no_file()
            self._pages.addWidget(still)
            release(self._pages)
            self._pages.setCurrentWidget(still)

    def _drop_still(self) -> None:
        if self._still is not None:
            self._still.deleteLater()
            self._still = None

    def _open_to_write(self, path: Path) -> None:
        if self.workspace is not None:
            self._left = path, *self._in_sight(self.workspace)
        self.files.open(path, force_writable=True)

    def _open_through(self, connection: NamedConnection) -> None:
        if self.workspace is not None:
            self._left = connection.place, *self._in_sight(self.workspace)
        self.connecting.open_connection(connection)

    @staticmethod
    def _in_sight(workspace: Workspace) -> tuple[str | None, str, object, int]:
        return workspace.scope.tenant_id, *workspace.in_sight, workspace.tabs.currentIndex()

    def _return(self, workspace: Workspace, opened: Opened) -> None:
        left, self._left = self._left, None
        if left is not None and left[0] in (opened.file, opened.place):
            tenant = left[1]
            if tenant in opened.tenants:  # until a person chooses another
                self.tenants.set_key(tenant)
                workspace.begin_in(tenant)
            workspace.turn_back(*left[2:])

    def _let_go(self) -> None:
        """Ends what shows the file, if any. It stays in sight until something else is put in its place.

        It is not taken out of the pages: PySide never frees a widget that was, once somebody looks through
        the children of the window before it has gone.
        """
        if self.workspace is None:
            return
        self.workspace.stop()
        self.workspace.deleteLater()
        self.workspace = None
        self.search.attach(None)
        self.toast.dismiss()  # its Undo was for an act on that file
        self._of_retention = ""
        self.retention_status.setText("")
        self.shield.hide()
        self._facts.stop()
        if "strip" in vars(self):
            self.strip.leave()
            self.setProperty("mark", None)
            self._place_strip()

    def createPopupMenu(self) -> QMenu | None:
        """None: Qt's own would take away the tool bar, with the tenant that all lists are of."""
        return None

    @cached_property
    def toast(self) -> Toast:
        """Made when there is first something to say. What always stands there is not moved by it."""
        toast = Toast(self.theme, self)
        self.statusBar().insertWidget(1, toast)
        toast.hide()
        toast.changed.connect(self._share_status_bar)
        toast.said.connect(self._say_over)
        return toast

    def _say_over(self) -> None:
        """A dialog of this window that stands before it and stays there says it, too."""
        over = QApplication.activeModalWidget() or QApplication.activeWindow()
        if over in (None, self):
            return
        from app.ui.widgets.dialogs import Dialog  # noqa: PLC0415 - rows show before

        behind = [over]  # where it is a form, it goes with what it did
        while (parent := behind[-1].parentWidget()) is not None:
            behind.append(parent.window())

        def echo() -> None:
            stays = next((one for one in behind if Shiboken.isValid(one) and one.isVisible()), None)
            if isinstance(stays, Dialog):
                stays.echo(self.toast)

        if isinstance(over, Dialog) and self in behind:  # one of another window may outlive this one
            later(self, 0, echo)

    def _in_short(self, part: Label) -> Iterator[str]:
        """What it says, and less of it where there is no room for all: of retention its state comes first, of
        what is open what it holds, or has cost, comes last.
        """
        if part is self.retention_status:
            parts = self._of_retention.split(" · ")
            yield from (" · ".join(parts[:-more] if more else parts) for more in range(len(parts)))
        else:
            yield from (" · ".join(self._told[less:]) for less in range(min(3, len(self._told)) or 1))

    def _say_retention(self, text: str) -> None:
        self._of_retention = text
        self._share_status_bar()

    def _share_status_bar(self) -> None:
        """What is said at other times, too, gives way to what is waited for, as beside the shield there is
        room for one of them, and to a toast or a verdict where that needs its room.
        """
        toast, waits = vars(self).get("toast"), not self.wait_line.isHidden()
        whole, least = self.shield.sizeHint().width(), self.shield.minimumSizeHint().width()
        is_told = toast is not None and not toast.isHidden() and self.busy.isHidden() and not waits
        most = self.statusBar().width() - _BESIDE_VERDICT
        left = self.statusBar().width() - _AROUND_BAR - (0 if toast is None else _taken(toast))
        is_told = is_told and least <= left < min(whole, most)
        if is_told:  # all of it: a verdict is there before and after, and its words are in its tip
            most = left
        wide = max(0, min(whole, most))
        self.shield.setMinimumWidth(wide)
        self.shield.setMaximumWidth(wide if is_told else 1 << 16)
        taken = [part for part in (toast, self.busy, self.wait_line, self.shield) if part is not None]
        room = self.statusBar().width() - sum(_taken(part) for part in taken if not part.isHidden())
        is_charged = self.context is not None and self.context.costs
        others = (self._where, self.retention_status) if is_charged else (self.retention_status, self._where)
        for other in others:  # of a live database what it has cost comes first
            for words in self._in_short(other):
                other.setText(words)
                if _taken(other) <= room:
                    break
            room -= _taken(other)
            other.setHidden(waits or room < 0 or not other.text())

    @cached_property
    def welcome(self) -> WelcomePage:
        from app.ui.shell.welcome import WelcomePage  # noqa: PLC0415

        page = WelcomePage(self.theme, self.commands, self._pages)
        page.recent.connect(self.open)
        self.commands.update()
        self._pages.addWidget(page)
        return page

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.files.is_opening or self.connecting.is_opening:
            self._opening.setFocus(Qt.FocusReason.OtherFocusReason)
            later(self, SLOW_MS, self._welcome_if_nothing)
        else:
            self._welcome_if_nothing()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses the button that has the focus, as it does in a dialog; Escape leads to the rows, or
        back, and keys of other tabs say where they work, wherever the focus is.
        """
        if self._says_of_key(event):
            return
        if event.key() == Qt.Key.Key_Escape and self.workspace is not None and self.workspace.step_back():
            return
        focused = self.focusWidget()
        is_button = isinstance(focused, QPushButton | QToolButton) and focused.isEnabled()
        if not is_enter(event) or not is_button or event.isAutoRepeat():
            super().keyPressEvent(event)
        elif isinstance(focused, QToolButton) and focused.popupMode() is _OPENS_A_MENU:
            focused.showMenu()
        elif isinstance(focused, QAbstractButton):
            focused.click()

    def _says_of_key(self, event: QKeyEvent) -> bool:
        """Where or when keys do an act that nothing here had a use for; whether it said so."""
        keys = keys_of_act(event)
        if self.workspace is not None and self.workspace.say_where(event):
            return True
        if keys is None or event.isAutoRepeat():
            return False
        from app.ui.tabs.common.declared import is_of_tabs  # noqa: PLC0415 - the window appears before the tables are loaded

        said = ""
        if self.workspace is None and (is_of_tabs(keys) or self.commands.purpose_of(keys)):
            said = "Open a database first."
        elif self.workspace is not None and (act := self.commands.of_table_by(keys)) is not None:
            said = f"{self.commands.said(act)} works in the rows."
        if said:
            self.commands.refused.emit(said)
        return bool(said)

    def focusNextPrevChild(self, next_one: bool) -> bool:
        """Tab; and what had the focus goes, or cannot be used any more: then the rows have it."""
        focused = self.focusWidget()
        if focused is None or self.workspace is None or not is_lost(focused):
            return step(self, next_one)
        if not self._focus_rows():
            focused.clearFocus()  # another tab comes, and takes it
        return True

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowActivate:
            self._find_focus()
        return super().event(event)

    @Slot(Qt.ApplicationState)
    def _came_or_went(self, state: Qt.ApplicationState) -> None:
        """While this program was not in front another window of this person may have changed preferences."""
        if state is not Qt.ApplicationState.ApplicationActive:
            self._preferences = self.settings.preferences()
            return
        self.settings.look_again()
        if self.settings.preferences() != self._preferences:
            self.theme.set_mode(Mode(self.settings.theme))
            if self.workspace is not None:
                self.workspace.refresh()
            self.say("The preferences were changed in another window")

    def _find_focus(self) -> None:
        """Where it was before a dialog or a menu opened, or the rows where that is there no more."""
        focused: QWidget | None = self.focusWidget()
        in_menus = focused is self.menuBar()  # one was opened by a key, and by it the dialog that has closed
        if in_menus:
            focused = self._before_menus
        if focused is None or not Shiboken.isValid(focused) or is_lost(focused):
            if not self._focus_rows() and self.workspace is not None and not self.workspace.is_settled:
                self.workspace.setFocus(Qt.FocusReason.OtherFocusReason)  # else Qt takes the tool bar's first
        elif in_menus:
            focused.setFocus(Qt.FocusReason.ActiveWindowFocusReason)

    @Slot(QWidget, QWidget)
    def _focus_moved(self, old: QWidget | None, new: QWidget | None) -> None:
        """Qt gives it to what heeds no key where a page shows another part."""
        if new is None or not self.isAncestorOf(new):
            return
        if new is self.menuBar():
            self._before_menus = old if old is not None and self.isAncestorOf(old) else None
        elif is_lost(new):
            self._focus_rows()

    def _focus_rows(self) -> bool:
        """Where there are any; whether that was so."""
        return self.workspace is not None and self.workspace.focus_rows()

    def ask_close(self) -> None:
        """Closes the window; where that would end long work a person is asked first."""
        self._ask_to_end("Quit", self.close)

    def _ask_to_end(self, action: str, then: Callable[[], object]) -> None:
        if not self.busy.unfinished:
            then()
            return
        from app.ui.shell.dialogs import EndDialog  # noqa: PLC0415 - few end it then

        EndDialog(self.theme, action, self.busy, self).open_once(then)

    def closeEvent(self, event: QCloseEvent) -> None:
        if event.spontaneous() and self.busy.unfinished:  # by its button, not by what ends the program
            event.ignore()
            self.ask_close()
            return
        self.settings.window_geometry = self.saveGeometry()
        self._is_closed = True
        self.hide()  # what still runs may take seconds to end: a keyring that is silent
        try:
            self._let_go()
        finally:  # else the program would go on without a window
            self._runner.stop()
            super().closeEvent(event)
            self.closed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._dragged = _files_of(event)
        if self._dragged:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A program that ends as it lets go has nothing to give any more: then it is what it came with."""
        found = _files_of(event) or self._dragged
        self._dragged = []
        if found:
            event.acceptProposedAction()
            path, *others = found
            more = f"{counted(len(others), 'other file')} that came with it" if others else ""
            self.files.open(path, said=f"{path.name} alone was opened, not {more}" if more else "")

    def _when_free(self, name: str, show: Callable[[], object], *, is_said: bool = False) -> None:
        """Shows what was opened as soon as no dialog of the file before it stands there any more: it would go
        with that, and what was typed in it, or is shown this once. One that asks for a file holds neither.
        Nor before what is written of that file is done, an export, say, which would come to nothing; nor in a
        window that was closed meanwhile, which would not let go of it any more.
        """
        if self._is_closed:
            return
        asked = [] if self.workspace is None else self.workspace.findChildren(QDialog)
        modal = [one for one in asked if one.isVisible() and one.isModal()]
        standing = next((one for one in modal if not isinstance(one, QFileDialog | QMessageBox)), None)
        unfinished = [] if self.workspace is None else self.busy.unfinished
        if standing is None and not unfinished:
            show()
            return
        if not is_said:
            until = "what is under way is done or cancelled" if standing is None else "this dialog is closed"
            self.say(f"{name} is shown once {until}")
        # One whose act's outcome is not known may go out of sight without an end.
        later(self, _LOOK_AGAIN_MS, partial(self._when_free, name, show, is_said=True))

    def _open_again(self, context: Context) -> None:
        if self.workspace is not None:
            self._left = context.opened.file or context.opened.place, *self._in_sight(self.workspace)
        if context.opened.file is None:
            self.connecting.reopen(cast("OpenedLive", context.opened))
        else:
            self.files.open_again(context.opened.path, context.outside.error)

    def _show_file(self, opened: Opened) -> None:
        # These bring the tabs and all below them, which take longer to load than the window to appear.
        from app.ui.session.context import Context  # noqa: PLC0415
        from app.ui.shell.notices import Door  # noqa: PLC0415
        from app.ui.shell.workspace import Workspace  # noqa: PLC0415

        self._let_go()
        context = Context(opened, self.theme, self.settings, clock=self._clock, busy=self.busy, say=self.say)
        Waits(lambda: opened.database.waiting or context.runner.waiting, self.wait_line, context)
        workspace = self.workspace = Workspace(context, self._pages)
        context.runner.failed.connect(self._failed)
        context.asks.connect(self._ask)
        context.token.told.connect(self._offer_token)
        context.token.changed.connect(self._token_changed)
        context.token.wanted.connect(self._ask_token)
        context.undo_wanted.connect(self.undo)
        context.runner.changed.connect(self._say_change)
        for written in (context.runner.changed, context.outside.written):
            written.connect(lambda *_: self._measure(context))
        context.history.changed.connect(self.commands.update)
        for came_back in (context.outside.displaced, context.outside.withdrawn):
            came_back.connect(self._find_displaced)
        doors: dict[Door, Callable[[], object]] = {
            Door.MIGRATE: lambda: self.files.ask_migrate(opened, lambda: self.workspace is workspace),
            Door.WRITE: lambda: self._open_to_write(opened.path),
            Door.REOPEN: partial(self._open_again, context),
            Door.RESTORE: partial(self.commands.trigger, "restore"),
            Door.SALVAGE: lambda: self.files.ask_salvage(opened.path),
            Door.OTHER: self.files.ask_open,
            Door.CONNECT: self.connecting.ask_connect,
            Door.START_OVER: workspace.ask_start_over,
            Door.TIME_TRAVEL: partial(self.commands.trigger, "time_travel"),
        }
        workspace.door_wanted.connect(lambda door: doors[door]())
        workspace.back_wanted.connect(lambda kept: self.files.offer_restore(opened.path, kept))
        workspace.connect_wanted.connect(self._open_through)
        workspace.everyone_wanted.connect(lambda: self.tenants.pick(None))
        workspace.tenants_found.connect(self._bar.offer_tenants)
        workspace.tenant_wanted.connect(self.tenants.pick)
        workspace.erase_wanted.connect(partial(self._erase_tenant, workspace.context))
        workspace.turned.connect(self._turned)
        workspace.acted.connect(self._leave_place)
        window_actions.add_tab_actions(self)
        self._bar.offer_tenants(opened.tenants)
        self.tenants.set_key(None)
        self.tenants.stand_for("")
        self.search.attach(workspace)
        self._pages.addWidget(workspace)
        release(self._pages)  # the rows have it next
        self._pages.setCurrentWidget(workspace)
        self._drop_still()
        self._bar.show_file(opened)
        self._measured = ()
        set_tip(self._where, f"{opened.whole_place}{_NOTICED if opened.database.costs else ''}")
        self._mark(context)
        context.lock.changed.connect(self._say_state)
        for changed in (context.unsettled.changed, context.closed):
            changed.connect(self.commands.update)
        workspace.retention_status.connect(self._say_retention)
        workspace.shield.connect(self._say_shield)
        self.tenants.picked.connect(workspace.choose_tenant)
        self._say_state()
        self._return(workspace, opened)
        workspace.start()
        self.opened.emit(opened)

    def choose_tenant(self) -> None:
        """Opens the list of them in the tool bar."""
        self.tenants.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.tenants.showPopup()

    def _leave_place(self) -> None:
        """What was said of where a person was, or of a key to press there, has had its time."""
        if "toast" in vars(self):
            self.toast.leave_place()

    def _turned(self) -> None:
        self._leave_place()
        if self.workspace is not None:
            self.tenants.stand_for("Tenants" if self.workspace.tenants.is_shown else "")
            if (
                self.workspace.tenants.is_shown
            ):  # what can be done there is told by the page, once it is built
                self.workspace.with_current(lambda _: self.commands.update())
        self.commands.update()

    @cached_property
    def strip(self) -> Strip:
        """Over everything, where a live database is open; made for the first one."""
        from app.ui.shell.strip import Strip  # noqa: PLC0415

        strip = Strip(self.theme, self)
        strip.unlock_button.clicked.connect(self.turn_lock)
        return strip

    @cached_property
    def time_travel(self) -> TimeTravel:
        from app.ui.shell.time_travel import TimeTravel  # noqa: PLC0415

        travel = TimeTravel(self.connecting, self.toast, self)
        travel.leaving.connect(self.close_file)
        travel.unsure.connect(partial(self.commands.trigger, "refresh"))
        travel.wanted.connect(partial(self.commands.trigger, "time_travel"))
        return travel

    def _erase_tenant(self, context: Context, erasure: Erasure) -> None:
        opened = context.opened
        if opened.file is not None:
            self.files.erase_tenant(opened.path, erasure)
            return
        from app.ui.shell.tenant_erasure import TenantErasure  # noqa: PLC0415

        TenantErasure(context, self).carry_out(opened, erasure)

    def _mark(self, context: Context) -> None:
        """Shows a live database by the strip, and what it uses by the second."""
        if context.opened.mark is not None:
            self.strip.show_mark(context, context.opened.mark)
            self.setProperty("mark", self.strip.mark_of_dialogs)
            self._facts.start()
        self._place_strip()

    def _place_strip(self) -> None:
        shown = "strip" in vars(self) and not self.strip.isHidden()
        high = self.strip.minimumSizeHint().height() if shown else 0
        edge = self.strip.edge if shown else 0
        self.setContentsMargins(edge, high, edge, edge)
        if shown:
            self.strip.setGeometry(0, 0, self.width(), high)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bar.set_low(self.height() < LOW)
        self._share_status_bar()
        if "strip" in vars(self):
            self._place_strip()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if "strip" in vars(self) and not self.strip.isHidden() and self.strip.is_production:
            painter, inner = QPainter(self), self.contentsRect()
            painter.setClipRegion(QRegion(self.rect()) - QRegion(inner))
            painter.fillRect(self.rect(), self.strip.colours[0])

    def turn_lock(self) -> None:
        """Locks the writes of a live database, or asks for its name to unlock them."""
        context = self.context
        if context is None or not context.lock.needed:
            return
        if not context.lock.is_locked:
            context.lock.lock()
            return
        from app.ui.shell.connect_dialog import UnlockDialog  # noqa: PLC0415

        retention = None if self.workspace is None else self.workspace.retention
        runs_then = retention is not None and retention.waits_for_unlock
        dialog = UnlockDialog(context, self, runs_then=runs_then)
        dialog.open_once(self._unlock)
        if retention is not None and runs_then:
            retention.tell_reads(dialog.say_reads)

    def _unlock(self) -> None:
        """And leads the keys to what is to be changed: the button that had them would lock again."""
        if self.workspace is not None:
            self.workspace.context.lock.unlock()
            if self.focusWidget() is self.strip.unlock_button:
                self.workspace.focus_in_current()

    def _say_state(self) -> None:
        """The title, and what the status bar says of what is open."""
        if self.context is None:
            return
        opened, lock = self.context.opened, self.context.lock
        reading_only = opened.read_only or lock.is_locked
        marked = "PRODUCTION · " if opened.mark is not None and opened.mark.is_production else ""
        self.setWindowTitle(f"{marked}{opened.place}{' (read-only)' if reading_only else ''} — Tenant Admin")
        self._say_facts()
        self.commands.update()

    def _say_facts(self) -> None:
        if self.context is not None:
            opened, lock = self.context.opened, self.context.lock
            reading_only = ["read-only"] if opened.read_only or lock.is_locked else []
            self._told = [*(self._measured or opened.facts), *reading_only]
            self._share_status_bar()

    def _measure(self, context: Context) -> None:
        """Reads the size of a file again, which others may write as well."""

        def came(found: tuple[tuple[str, ...], str] | None) -> None:
            if found is not None and self.context is context:
                self._measured, more = found
                set_tip(self._where, ", ".join(filter(None, (context.opened.whole_place, more))))
                self._say_facts()

        if context.opened.file is not None:
            context.runner.read(lambda _: context.opened.measured(), on_done=came)

    def _say_shield(self, icon: str, colour: str, words: str, tip: str) -> None:
        self.shield.setIcon(self.theme.icon(icon, colour))
        self.shield.set_words(words, tip)
        self.shield.setAccessibleName(f"Audit chain: {words}")
        self.shield.show()
        self._share_status_bar()

    def _failed(self, error: TenantAdminError) -> None:
        if isinstance(error, Cancelled | NothingToDo):
            self.toast.show_message(str(error), beside=True)
        elif (
            isinstance(error, TokenRefused)
            and self.context is not None
            and self.context.opened.file is None
            and self.context.opened.place == error.place  # a job may be about what was open before
        ):
            self._ask_token(error)
        elif self.workspace is None or not self.workspace.says(error):
            context = self.context
            file = None if context is None else context.opened.file
            back = self.connecting.ways_back(error, None if context is None else context.opened)
            again = None
            if context is not None:
                by, revert, history = partial(self._by_door, context), self._revert, context.history
                if (repeat := context.again(error)) is not None:
                    again = partial(by, repeat)
                if older := history.before_refused(error):
                    words = quoted(first_line(older, 60)).replace("&", "&&")
                    before = partial(revert, context, "Undo", partial(history.undo_before, error))
                    back.append((f"Undo {words}", partial(by, before)))
                if rest := history.rest_of_refused(error):
                    word = rest.partition(" for ")[0]
                    others = partial(revert, context, word, partial(history.revert_rest, error))
                    back.insert(0, (rest, partial(by, others)))
            self.files.show_failure(error, file, again=again, doors=back)
        elif isinstance(error, RateLimited):  # which a notice has said before a key was pressed
            self.toast.show_message(str(error), beside=True)
        self._welcome_if_nothing()  # a file that is gone is no longer offered

    def _ask_token(self, error: TokenRefused | None = None) -> None:
        """Of what is open, by which that goes on as it is."""
        if (context := self.context) is not None:
            error = error or context.token.error or TokenRefused(context.opened.place)
            self.connecting.ask_token_again(context.opened, str(error), partial(self._token_taken, context))

    def _token_taken(self, context: Context) -> None:
        if context is self.context:
            context.token.look()
            self.say("The token is taken")

    def _offer_token(self) -> None:
        """What stands before the window may say that it is refused, and keeps a person from its button."""
        from app.ui.shell.connect_dialog import TokenDialog  # noqa: PLC0415
        from app.ui.widgets.dialogs import Dialog, ErrorDialog  # noqa: PLC0415

        if (context := self.context) is not None:
            for dialog in self.findChildren(Dialog):
                if dialog.isVisible() and not isinstance(dialog, TokenDialog | ErrorDialog):
                    dialog.offer(ANOTHER, context.token.wanted.emit)

    def _token_changed(self) -> None:
        from app.ui.widgets.dialogs import Dialog  # noqa: PLC0415

        if self.context is not None and self.context.token.error is None:
            for dialog in self.findChildren(Dialog):
                dialog.withdraw()

    def _ask(
        self,
        caution: Caution,
        agreed: Callable[[], object],
        refused: Callable[[], object],
        again: Callable[[], object],
    ) -> None:
        """Has a person answer: it is `agreed` or `refused`; where that may help it is tried `again` first."""
        from app.services.chain.cautions import EarlierState, NoBookmark  # noqa: PLC0415
        from app.ui.tabs.audit.dialogs import offer_way_out  # noqa: PLC0415
        from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415

        within = QApplication.activeModalWidget() or self  # a form, perhaps
        asked, sentence = caution.question, caution.happened
        lost = None if self.context is None else self.context.verdict.lost_end
        if lost is not None and isinstance(caution, EarlierState):
            sentence = f"{sentence}\n\nIt was {lost.known}, and {lost.found}."
        if caution.act:
            sentence = f"{sentence}\n\nThis waits for your answer: {caution.act}."
        dialog = ConfirmDialog(self.theme, asked, sentence, action="Go on", parent=within)
        dialog.rejected.connect(refused)
        if self.context is not None:
            offer_way_out(dialog, self.context, caution)
        if isinstance(caution, NoBookmark) and caution.may_be_had:
            dialog.offer_again()
        dialog.open_once(lambda: again() if dialog.is_again else agreed())
        if self.context is not None and self.context.token.error is not None:
            self._offer_token()

    def _show_no_file(self) -> None:
        self.setWindowTitle("Tenant Admin")
        self._bar.show_file(None)
        self._told = []
        self._where.setText("")
        self._share_status_bar()
        set_tip(self._where, "")
        self.commands.update()

    def _welcome_if_nothing(self) -> None:
        if self.workspace is None:
            self.show_recent(self.welcome.set_recent)
            if self._pages.currentWidget() is not self.welcome:
                release(self._pages)  # its first choice has it next
                self._pages.setCurrentWidget(self.welcome)
            self._drop_still()

    def when_nothing_tells(self, shown: QWidget, say: Callable[[], object]) -> None:
        """Calls `say`, if what is `shown` is still there, where the desktop shows no messages."""
        from app.ui.shell.desktop_notice import when_nothing_tells  # noqa: PLC0415 - rows show before

        when_nothing_tells(self._runner, lambda: Shiboken.isValid(shown) and say())

    def show_recent(self, show: Callable[[Sequence[FileOrName], frozenset[str]], object]) -> None:
        """Has `show` show what was open before, the last one first, behind it the other connections there
        are, and which of all these are production: as was read last, and again where that has changed.
        """

        named = [place for place in self.settings.recent if isinstance(place, str)]

        def read(monitor: Monitor) -> tuple[tuple[str, ...], frozenset[str], list[str]]:
            from app.services.live.connections import Connections  # noqa: PLC0415 - few people have one

            kept = Connections()
            every = tuple(one.place for one in kept.all())
            return every, kept.production(), [place for place in named if not kept.has(place)]

        def told(found: tuple[tuple[str, ...], frozenset[str], list[str]]) -> None:
            *now, gone = found
            for place in gone:  # a command has removed it
                self.settings.remove_recent(place)
            if gone or now != [self._connections, self._production]:
                self._connections, self._production = found[:2]
                show_all()

        def show_all() -> None:
            recent = self.settings.recent
            others = (place for place in self._connections if place not in recent)
            show((*recent, *others), self._production)

        show_all()
        self._runner.job(read, on_done=told)

    # acting

    def say(
        self,
        text: str,
        written: Path | None = None,
        *,
        act: tuple[str, Callable[[], object]] = ("", lambda: None),
        of_place: bool = False,
        undoes: bool = False,
    ) -> None:
        """A toast, with what can be done by a button; with what was `written` it leads to its folder. What is
        said `of_place` goes with the tab; what was just done, and can be undone, `undoes` that.
        """
        if undoes:
            self.toast.show_message(text, "Undo", self.undo, other=act)
        elif written is None:
            self.toast.show_message(text, *act, of_place=of_place, beside=not act[0])
        else:
            self.toast.show_message(text, "Show in folder", partial(self.show_folder, written))

    def show_folder(self, path: Path) -> None:
        """The folder of a file; where no program shows it, where that is."""
        if not show_folder(path):
            where = str(path.absolute())
            self.say(f"{NO_PROGRAM} It is {visible(where)}", act=("Copy path", partial(copy_text, where)))

    @Slot(object)
    def _find_displaced(self, error: TenantAdminError | None) -> None:
        """What was said of what is away is not so any more when it is back."""
        from app.ui.session.context import NOTHING_NOW  # noqa: PLC0415 - the window appears before it is loaded

        if error is None and "toast" in vars(self) and self.toast.label.text().endswith(NOTHING_NOW):
            self.toast.dismiss()

    def _say_change(self, change: Change, initiator: object) -> None:
        if self.context is not None:
            can_undo = change.undoable and initiator is not self.context.history
            undo, said = "Undo" if can_undo else "", change.told
            if change.left and self.fontMetrics().horizontalAdvance(said) > self.width() * _OF_WIDTH:
                show = partial(self._show_left, change)  # else it would be cut where it says who stayed
                self.toast.show_message(change.summary, undo, self.undo, other=("What stayed…", show))
            else:
                other = ("", lambda: None) if can_undo else self._way_to(change)
                self.toast.show_message(said, undo, self.undo, other=other)

    def _way_to(self, change: Change) -> tuple[str, Callable[[], object]]:
        """To what was taken back or done again by keys, where another tab has it."""
        workspace = self.workspace
        table = None if workspace is None else workspace.elsewhere(frozenset(change.tables))
        if workspace is None or table is None:
            return "", lambda: None
        return f"Show {table.title}", partial(workspace.turn_to, table.name)

    def _show_left(self, change: Change) -> None:
        from app.ui.widgets.dialogs import Dialog  # noqa: PLC0415

        left = change.left.lstrip("; ")
        dialog = Dialog(
            self.theme, "Who stayed", f"{change.summary}.\n\n{left[:1].upper()}{left[1:]}.", parent=self
        )
        dialog.set_close_button()
        dialog.open_once()

    def undo(self) -> None:
        self.toast.dismiss()  # its Undo was for this act, and would take back the one before
        if self.context is not None:
            self._revert(self.context, "Undo", self.context.history.undo)

    def redo(self) -> None:
        if self.context is not None:
            self._revert(self.context, "Redo", self.context.history.redo)

    def _by_door(self, context: Context, go: Callable[[], object]) -> None:
        """By a button that stands until somebody presses it, whatever is open or asked by then."""
        self.toast.dismiss()
        if context is not self.context:
            self.toast.show_message(f"Nothing was done: {context.opened.place} was closed meanwhile")
        elif (first := self.busy.asks) is not None:
            self.toast.show_message(first)
        else:
            go()

    def _revert(self, context: Context, word: str, revert: Callable[[Ask], None]) -> None:
        self._in_turn(context, word, partial(revert, partial(self._ask_price, context, word)))

    def _in_turn(self, context: Context, word: str, revert: Callable[[], None]) -> None:
        """Behind all that was asked for before, of which rows may still be read: it is of the last act of
        these. Where that came to nothing there is none; a question that has come meanwhile is answered first,
        and what comes late is not wanted.
        """
        if (cannot := context.cannot_write) is not None:
            self.toast.show_message(cannot)
            return
        turns, asked = context.turns, time.monotonic()
        before = turns.last

        def say(words: str) -> None:
            self.toast.show_message(words)  # in the place of an Undo, which was of another act than this

        if turns:
            say(f"{word} waits until the previous action is done")

        def go() -> None:
            if before is not None and before.dropped:
                say(f"{word} was not done, as what was asked for before was not")
            elif QApplication.activeModalWidget() is not None:
                say(f"{word} was not done: the previous action needs your answer first")
            elif time.monotonic() - asked > LATE_SECONDS:
                say(f"{word} was skipped because it waited too long; what you asked for before is done now")
            else:
                revert()

        turns.give(turns.take(), go)

    def _ask_price(self, context: Context, again: str, change: Change, act: Callable[[], None]) -> None:
        """What takes back an act on several records is asked about as that was: where it costs much, and
        where records go that somebody pays for.
        """
        if not context.costs or len(change.rows) < 2:
            act()
            return
        back = change.inverse()
        read = change.read_back(context.opened.database, asks=context.agreed.asks)
        goes = back.going > 1 and context.opened.database.charges
        if not (goes or context.is_dear(back.written, read)):
            act()
            return
        from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415 - few acts are asked about

        price = context.price(back.written, read=read, going=back.going)
        sentence = f"{quoted(change.summary)}.{price}"
        ConfirmDialog(
            self.theme, f"{again} this?", sentence, action=again, danger=False, parent=self
        ).open_once(act)
