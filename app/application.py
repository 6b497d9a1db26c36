"""The composition root: builds everything, shows the window, and ends it in order."""

import signal
import sys
import time
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from app import __version__, paths
from app.replaced import WHAT, WHY, is_replaced
from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.theme import STYLE, Mode, Theme
from app.ui.widgets.later import later
from app.workers.memory import GarbageCollector
from app.workers.runner import finish
from models.errors import FileOrName

try:  # what `socket` is made of, which takes 2 ms of a start itself
    from _socket import socketpair
except ImportError:  # Windows
    from socket import socketpair

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread in pure Python lets the interface have its turn (measured: 20 ms, not 200).

Not in the first second: opening the file and making the window need all of one processor, and handing it over
so often takes a twentieth of it.
"""

STARTING_INTERVAL = 0.05
"""The same until then."""

LOAD_MS = 60
"""After which a file is slow to open, and what shows it is loaded meanwhile. Most are open by then: two
threads that both run Python take longer than one after the other, and the window appears in between.
"""

STARTED_MS = 1_000

SELF_TEST_MS = 60_000

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def run(place: FileOrName | None, *, read_only: bool = False, self_test: bool = False) -> int:
    """Opens the window, with a file or a live database (`d1:NAME`) if one is given, and returns the exit
    status when it is closed.
    """
    sys.setswitchinterval(STARTING_INTERVAL)
    app = _application()
    Signals(app)
    later(app, STARTED_MS, lambda: sys.setswitchinterval(SWITCH_INTERVAL))
    settings = Settings()
    theme = Theme(Mode(settings.theme))
    theme.apply(app)
    window = MainWindow(theme, settings, lambda: int(time.time()))
    _catch_bugs(theme, window)
    if place is not None:
        window.open(place, read_only=read_only)  # on its own thread, while the window appears
    window.closed.connect(lambda: app.exit(0))  # Qt would wait for a list or question that came up too late
    window.show()
    if place is not None:
        later(app, LOAD_MS, _load_tabs)
    if self_test:
        _test_itself(app, window)
    GarbageCollector(app)  # to the end: a thread that was left behind must not collect either
    status = app.exec()
    window.close()
    settings.save()
    finish()
    return status


def _load_tabs() -> None:
    """What an open file needs is imported while it is being opened, unless it is there already."""
    from app.ui.shell.workspace import load_tab  # noqa: PLC0415
    from app.ui.tabs.common.declared import TABS  # noqa: PLC0415

    load_tab(TABS[0])


def _application() -> QApplication:
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setApplicationName("Tenant Admin")
    QCoreApplication.setApplicationVersion(__version__)
    app = QApplication([*sys.argv[:1], *STYLE])
    app.setDesktopFileName("tenant-admin")
    icon = QIcon()
    for size in (32, 128):  # not the SVG: Qt's part for that takes 3 ms of a start
        icon.addFile(str(paths.resources_dir() / "icons" / f"tenant-admin-{size}.png"))
    app.setWindowIcon(icon)
    return app


def _test_itself(app: QApplication, window: MainWindow) -> None:
    """Visits every tab until it shows rows, verifies, says so as JSON and ends: a package is whole."""
    import json  # noqa: PLC0415

    from app.ui.tabs.audit import AuditTab  # noqa: PLC0415

    rows: dict[str, int] = {}

    def end(verdict: str | None, problem: str | None) -> None:
        ok = problem is None and all(rows.values())
        print(json.dumps({"ok": ok, "tabs": rows, "verdict": verdict, "problem": problem}))  # noqa: T201
        app.exit(0 if ok else 1)

    def visit() -> None:
        workspace = window.workspace
        if workspace is None:
            return end(None, "no file is open")
        pages = workspace.pages()
        if len(rows) == len(pages):
            (audit,) = (page for page in pages if isinstance(page, AuditTab))
            audit.verified.connect(lambda report: end(str(report.verdict), None))
            return audit.verify()
        page = pages[len(rows)]

        def loaded(total: int) -> None:
            rows[page.spec.table.title] = total
            later(app, 0, visit)

        page.list.loaded.connect(loaded, Qt.ConnectionType.SingleShotConnection)
        workspace.tabs.setCurrentIndex(len(rows))
        page.mark_stale()
        page.activate()

    window.opened.connect(lambda _: later(app, 0, visit))
    later(app, SELF_TEST_MS, lambda: end(None, "no answer in time"))


def _catch_bugs(theme: Theme, window: MainWindow) -> None:
    """The one handler of what nobody expected: written down, and shown in a dialog with "Copy details"; or
    where the program's files were replaced beneath it, that is said, and no mistake of its own.
    """

    def tell(error: BaseException) -> None:
        from app import bugs  # noqa: PLC0415 - only needed when something broke
        from app.ui.widgets.dialogs import BugDialog, ErrorDialog  # noqa: PLC0415

        bugs.record(error)
        if is_replaced():
            doors = [("Close Tenant Admin", window.close)]
            told = ErrorDialog(theme, WHY, window, title=WHAT, doors=doors)
            told.close_button.setText("Not now")  # beside one that closes the program
            told.close_button.setAccessibleName("Not now")
            told.open()
        elif not any(told.isVisible() for told in window.findChildren(BugDialog)):
            # One that comes with each painting would tell of itself by each dialog's.
            BugDialog(theme, bugs.details(error), window).open()

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            tell(error.with_traceback(trace))
        except Exception:
            if not is_replaced():
                raise
            # What would tell of it is not there any more, or not this version's.
            box = QMessageBox(QMessageBox.Icon.Critical, WHAT, WHY, parent=window)
            box.open()

    sys.excepthook = hook


class Signals(QObject):
    """Ctrl+C, SIGTERM and SIGHUP end the window as its own close button does.

    Leaves the event loop with the status 128 + the signal's number, as shells report it.

    A signal may come within any call of Qt, where no Python may run. Python's own handler, in C, writes its
    number into a socket, and Qt says in its own time that something can be read there. A signal that
    is ignored already, as `nohup` does, stays so.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._read, self._write = socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._take)
        for name in _SIGNALS:
            kind = getattr(signal, name, None)  # Windows has no SIGHUP
            if kind is not None and signal.getsignal(kind) != signal.SIG_IGN:
                signal.signal(kind, _written_already)

    def _take(self) -> None:
        QApplication.exit(128 + self._read.recv(64)[0])


def _written_already(*_: object) -> None:
    """What Python itself runs later for a signal."""
