"""How long the whole window ever stands still: `python -m tests.benchmarks.window`.

The program's own window over a file of 1,000,000 audit entries, as a person uses it: open, look at every tab,
scroll, jump, sort, filter, verify, export, and data retention while another process appends. For each step:
how long it took, the longest gap between the ticks of a 10 ms timer, the same without the time that the
thread waited for a processor ("own"), the gap that 1 % of the ticks exceed, how many exceed the 25 ms aimed
at, and the longest garbage collection. "Nothing" is the window left alone, which is what the machine itself
adds. Then memory beside an empty window.

Options: `--file FILE` (a demo file, only read; copied for retention; else made, 10 s), `--rows N`,
`--only WORD …` (steps whose name has it), `--blame` (what the interface thread did in every longer gap).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, Qt
from PySide6.QtWidgets import QApplication

from app import application
from app.services.demo import create_demo
from app.services.records.export import Format
from app.services.retention.plan import Confirmation
from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Mode, Theme
from app.workers.memory import GarbageCollector
from tests.benchmarks.timing import Blame, Ticks, resident_mb, since

AIM_MS = 25
PATIENCE_MS = 120_000
KEPT_DAYS = 60
"""Half of the sample data, which reaches 120 days back."""

APPENDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
while True:
    connection.execute("INSERT INTO users (id, tenant_id, email, created_at, updated_at) "
                       "SELECT hex(randomblob(8)), tenant_id, hex(randomblob(8)) || '@example.org', "
                       "created_at, updated_at FROM users LIMIT 1")
    time.sleep(0.05)
"""

EMPTY = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1280, 800)
window.show()
def say():
    print(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0])
    app.exit()
QTimer.singleShot(300, say)
app.exec()
"""


class Desk:
    """The window and the means to drive it with a clock on every step."""

    def __init__(self, blame: bool, only: list[str]) -> None:
        theme = Theme(Mode.LIGHT)
        app = application._application()
        theme.apply(app)
        self.window = MainWindow(theme, Settings(), lambda: int(time.time()))
        self.window.show()
        self.garbage = GarbageCollector()
        self.ticks = Ticks()
        self.blame = Blame(self.ticks) if blame else None
        self.only = only
        self._turn = 0

    @property
    def tab(self) -> AuditTab:
        assert self.window.workspace is not None
        return next(page for page in self.window.workspace.pages() if isinstance(page, AuditTab))

    @property
    def in_sight(self) -> RecordTab:
        assert self.window.workspace is not None
        return self.window.workspace.current()

    @staticmethod
    def complete(page: RecordTab) -> bool:
        return page.model.complete and page.model.rowCount() > 0

    def step(
        self,
        name: str,
        begin: Callable[[], object],
        until: Callable[[], bool],
        each: Callable[[], object] = int,
    ) -> None:
        """Begins something, waits for its end with ticks, and prints the line."""
        if self.only and not any(word in name for word in self.only):
            return
        loop = QEventLoop()
        begun = time.perf_counter()
        ended: list[float] = []

        def look() -> None:
            each()
            if until() or since(begun) > PATIENCE_MS:
                ended.append(since(begun))
                loop.quit()

        if self.blame is not None:
            self.blame.stacks.clear()
        with self.ticks.watching(look) as gaps:
            begin()
            loop.exec()
        own = max(gap - queued for gap, queued in zip(gaps, self.ticks.queued, strict=True))
        gaps.sort()
        longer = sum(gap > AIM_MS for gap in gaps)
        garbage = max(self.ticks.collections, default=0)
        hundredth = gaps[int(len(gaps) * 0.99)]
        figures = f"{ended[0]:9.0f} {gaps[-1]:8.0f} {own:6.0f} {hundredth:6.0f} {longer:6} {garbage:8.0f}"
        print(f"{name:44} {figures}", flush=True)
        if self.blame is not None:
            print("".join(f"      {stack}\n" for stack in self.blame.stacks[:12]), end="")

    def scroll(self) -> None:
        """A page on at every third tick."""
        self._turn += 1
        bar = self.tab.table.verticalScrollBar()
        if self._turn % 3 == 0:
            bar.setValue((bar.value() + self.tab.table.viewport().height()) % max(1, bar.maximum()))

    def waiting(self, milliseconds: float) -> Callable[[], bool]:
        begun: list[float] = []

        def over() -> bool:
            begun.append(time.perf_counter()) if not begun else None
            return since(begun[0]) > milliseconds

        return over

    def loaded(self) -> Callable[[], bool]:
        """Whether the tab in sight has shown a list anew, with all keys, and its first rows are painted."""
        tab = self.in_sight
        seen: list[int] = []
        tab.list.loaded.connect(seen.append)
        return lambda: bool(seen) and tab.model.complete and self.shown()

    def shown(self) -> bool:
        """Whether the rows in sight are at hand."""
        tab = self.in_sight
        rows = tab.table.rowAt(0), tab.table.rowAt(tab.table.viewport().height() - 1)
        return all(tab.model.record(row) is not None for row in rows if row >= 0)


def run(path: Path, folder: Path, desk: Desk) -> None:
    """All steps."""
    window = desk.window
    print(f"{'':44} {'ms':>9} {'longest':>8} {'own':>6} {'99 %':>6} {'> 25':>6} {'garbage':>8}")
    desk.step("nothing, without a file", int, desk.waiting(1000))
    opened: list[object] = []
    window.opened.connect(opened.append)
    window.files.open(path)
    only, desk.only = desk.only, []
    desk.step("open the file", int, lambda: bool(opened) and desk.in_sight.model.complete)
    workspace = window.workspace
    assert workspace is not None
    for position, page in enumerate(workspace.pages()):
        if position != 0:
            workspace.tabs.setCurrentIndex(0)
            desk.step(
                f"look at {page.spec.table.title}",
                partial(workspace.tabs.setCurrentIndex, position),
                partial(desk.complete, page),
            )
    desk.only = only
    workspace.tabs.setCurrentIndex(1)
    tab = desk.tab
    desk.step("nothing, with the file", int, desk.waiting(2500))
    desk.step("scroll by pages", int, desk.waiting(3000), desk.scroll)
    bar = tab.table.verticalScrollBar()
    for end in (bar.maximum(), 0, bar.maximum() // 2):
        desk.step(f"jump to {end:,}", partial(bar.setValue, end), desk.shown)
    for number, column in enumerate(tab.model.columns):
        if column.sortable:
            desk.step(
                f"sort by {column.name}, scrolling",
                partial(tab.table.sortByColumn, number, Qt.SortOrder.DescendingOrder),
                desk.loaded(),
                desk.scroll,
            )
    desk.step("filter by a text, scrolling", lambda: tab.set_filter_text("77"), desk.loaded(), desk.scroll)
    desk.step("clear the filter, scrolling", tab.clear_filters, desk.loaded(), desk.scroll)
    desk.step(
        "sort by seq again, scrolling",
        lambda: tab.table.sortByColumn(0, Qt.SortOrder.DescendingOrder),
        desk.loaded(),
        desk.scroll,
    )
    verify(desk)
    for form in (Format.CSV, Format.JSON, Format.SQL):
        export(desk, folder / f"out.{form}", form)
    print_memory()
    if not only or any("retention" in word for word in only):
        copy = folder / "copy.sqlite"
        shutil.copyfile(path, copy)
        retain(desk, copy)


def verify(desk: Desk) -> None:
    ended: list[object] = []
    desk.tab.verified.connect(ended.append)
    desk.step("verify, scrolling", desk.tab.verify, lambda: bool(ended), desk.scroll)


def export(desk: Desk, target: Path, form: Format) -> None:
    tab = desk.tab
    desk.step(
        f"export everything as {form}, scrolling",
        lambda: export_to(tab, target, tab.query(), form),
        target.exists,
        desk.scroll,
    )
    target.unlink(missing_ok=True)


def retain(desk: Desk, path: Path) -> None:
    """Half of the rows go, while the window scrolls and another process appends."""
    window = desk.window
    window.settings.retention_days = KEPT_DAYS
    window.close_file()
    opened: list[object] = []
    window.opened.connect(opened.append)
    window.files.open(path)
    only, desk.only = desk.only, []
    desk.step("open the copy", int, lambda: bool(opened))
    desk.only = only
    assert window.workspace is not None
    window.workspace.tabs.setCurrentIndex(1)
    tab, retention = desk.tab, window.workspace.retention
    desk.step("nothing, with the copy", int, lambda: tab.model.rowCount() > 0)
    ended: list[object] = []
    assert window.context is not None
    window.context.runner.changed.connect(lambda *_: ended.append(retention.last))
    window.context.runner.failed.connect(ended.append)
    other = subprocess.Popen([sys.executable, "-c", APPENDER, str(path)])
    try:
        desk.step(
            "retention, scrolling, another appends",
            lambda: retention.propose(
                lambda plan, carry_out: carry_out(Confirmation.to(plan, majority=True))
            ),
            lambda: bool(ended),
            desk.scroll,
        )
        desk.step("after retention, scrolling", int, desk.waiting(3000), desk.scroll)
    finally:
        other.kill()
        other.wait()
    print(f"      {ended}")


def print_memory() -> None:
    """Resident MB now, beside an empty window of its own."""
    empty = subprocess.run([sys.executable, "-c", EMPTY], check=True, capture_output=True, text=True).stdout
    floor = float(empty) / 1024
    ours = resident_mb()
    print(f"{'memory (MB)':44} {ours:9.0f} ÷ {floor:.0f} of an empty window = {ours / floor:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--blame", action="store_true")
    options = parser.parse_args()
    sys.setswitchinterval(application.SWITCH_INTERVAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TENANT_ADMIN_HOME"] = str(folder / "home")
        path = options.file or folder / "demo.sqlite"
        if options.file is None:
            create_demo(path, rows=options.rows, now=int(time.time()))
        desk = Desk(options.blame, options.only)
        if desk.blame is not None:
            desk.blame.start()
        try:
            run(path, folder, desk)
        finally:
            desk.window.close()
            desk.garbage.stop()
            QApplication.processEvents()


if __name__ == "__main__":
    main()
