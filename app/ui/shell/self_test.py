"""Walks through the program as a person would, to prove that a package is whole."""

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.ui.shell.window import MainWindow
from app.ui.tabs.audit.tab import AuditTab

PATIENCE_MS = 60_000


class SelfTest(QObject):
    """Waits for the file, visits every tab until it shows rows, verifies, and reports.

    `finished({"ok", "tabs": {title: rows}, "verdict", "problem"})`.
    """

    finished = Signal(dict)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._rows: dict[str, int] = {}
        self._tabs = 0
        self._ended = False

    def start(self) -> None:
        self._window.opened.connect(lambda _: QTimer.singleShot(0, lambda: self._visit(0)))
        QTimer.singleShot(PATIENCE_MS, lambda: self._end(None, "no answer in time"))

    def _visit(self, position: int) -> None:
        workspace = self._window.workspace
        if workspace is None:
            self._end(None, "no file is open")
            return
        pages = workspace.pages()
        self._tabs = len(pages)
        if position == len(pages):
            self._verify(pages)
            return
        page = pages[position]

        def loaded(total: int) -> None:
            if page.spec.table.title not in self._rows:
                self._rows[page.spec.table.title] = total
                QTimer.singleShot(0, lambda: self._visit(position + 1))

        page.list.loaded.connect(loaded)
        workspace.tabs.setCurrentIndex(position)
        page.mark_stale()
        page.activate()

    def _verify(self, pages: Any) -> None:
        audit = next(page for page in pages if isinstance(page, AuditTab))
        audit.verified.connect(lambda report: self._end(str(report.verdict), None))
        audit.verify()

    def _end(self, verdict: str | None, problem: str | None) -> None:
        if self._ended:
            return
        self._ended = True
        ok = problem is None and len(self._rows) == self._tabs and all(self._rows.values())
        self.finished.emit({"ok": ok, "tabs": self._rows, "verdict": verdict, "problem": problem})
