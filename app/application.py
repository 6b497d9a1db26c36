"""The composition root: builds everything, shows the window, and ends it in order."""

import sys
import time
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import __version__, paths
from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.theme import STYLE, Mode, Theme
from app.workers.memory import GarbageCollector

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread in pure Python lets the interface have its turn (measured: 20 ms, not 200)."""


def run(path: Path | None, *, read_only: bool = False, self_test: bool = False) -> int:
    """Opens the window, with a file if one is given, and returns the exit status when it is closed."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = _application()
    settings = Settings()
    theme = Theme(Mode(settings.theme))
    theme.apply(app)
    window = MainWindow(theme, settings, lambda: int(time.time()))
    _catch_bugs(theme, window)
    if path is not None:
        window.files.open(path, read_only=read_only)  # on its own thread, while the window appears
    window.show()
    if path is not None:
        QTimer.singleShot(0, _load_tabs)
    if self_test:
        import json  # noqa: PLC0415

        from app.ui.shell.self_test import SelfTest  # noqa: PLC0415 - only for the packaging test

        test = SelfTest(window)
        test.finished.connect(lambda report: print(json.dumps(report)))  # noqa: T201
        test.finished.connect(lambda report: app.exit(0 if report["ok"] else 1))
        test.start()
    garbage = GarbageCollector()
    status = app.exec()
    window.close()
    garbage.stop()
    settings.save()
    return status


def _load_tabs() -> None:
    """What an open file needs is imported while it is being opened."""
    from app.ui.tabs.common.declared import TABS  # noqa: PLC0415

    TABS[0].load()


def _application() -> QApplication:
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setApplicationName("Tenant Admin")
    QCoreApplication.setApplicationVersion(__version__)
    app = QApplication([*sys.argv[:1], *STYLE])
    app.setDesktopFileName("tenant-admin")
    app.setWindowIcon(QIcon(str(paths.resources_dir() / "icons" / "tenant-admin.svg")))
    return app


def _catch_bugs(theme: Theme, window: MainWindow) -> None:
    """The one handler of what nobody expected: written down, and shown in a dialog with "Copy details"."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.exit(130)
            return
        from app import bugs  # noqa: PLC0415 - only needed when something broke
        from app.ui.widgets.dialogs import BugDialog  # noqa: PLC0415

        bugs.record(error.with_traceback(trace))
        BugDialog(theme, bugs.details(error), window).open()

    sys.excepthook = hook
