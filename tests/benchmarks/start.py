"""From the start of the process to painted windows: `python -m tests.benchmarks.start`.

The program without a file, and with one, beside a bare window of five tabs with tables (the floor), each a
process of its own, the median of interleaved runs. Milliseconds count from before the process is started to
after its window is painted. "Rows painted" waits for the opened file's rows as well. The platform is that
of `QT_QPA_PLATFORM`, offscreen by default; for X11 run it as `QT_QPA_PLATFORM=xcb xvfb-run -a python -m …`.
Options: `--runs N` (15), `--file FILE` (a demo file that is there already), `--imports` (what costs most).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

AIM = 1.35

FLOOR = """
import sys, time
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow, QTableView, QTabWidget
class Model(QAbstractTableModel):
    def rowCount(self, parent=QModelIndex()): return 0 if parent.isValid() else 1_000_000
    def columnCount(self, parent=QModelIndex()): return 0 if parent.isValid() else 7
    def data(self, index, role=0): return "workflow_completed" if role == 0 else None
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, painted)
def painted():
    print(time.monotonic(), flush=True)
    app.exit()
app = QApplication(sys.argv[:1])
window = Window()
tabs = QTabWidget()
model = Model()
for name in ("Users", "Audit chain", "Webhooks", "Notifications", "Planning runs"):
    view = QTableView()
    view.setModel(model)
    tabs.addTab(view, name)
window.setCentralWidget(tabs)
window.resize(1280, 800)
window.show()
sys.exit(app.exec())
"""

PROGRAM = """
import sys, time
def first_paint():
    from PySide6.QtCore import QEvent, QObject, QTimer
    from app import application
    class Painted(QObject):
        def __init__(self, widget, then):
            super().__init__(widget)
            self.then = then
            widget.installEventFilter(self)
        def eventFilter(self, widget, event):
            if event.type() == QEvent.Type.Paint:
                widget.removeEventFilter(self)
                QTimer.singleShot(0, self.then)
            return False
    class Window(application.MainWindow):
        def __init__(self, *args):
            super().__init__(*args)
            Painted(self, self.say)
            self.opened.connect(lambda _: self.workspace.with_current(self.follow))
        def say(self):
            print(time.monotonic(), flush=True)
            if len(sys.argv) == 1:
                self.close()
        def follow(self, page):  # when it is built: to ask for it before builds it at once
            page.list.loaded.connect(self.rows)
        def rows(self, total):
            self.workspace.current().list.loaded.disconnect(self.rows)
            Painted(self.workspace.current().table.viewport(), self.last)
        def last(self):
            print(time.monotonic(), flush=True)
            self.close()
    application.MainWindow = Window
from app import cli
window = cli._window
def timed(options):
    from app import loading
    loading.prepare()  # as the program does before it loads the window, which first_paint() does here
    loading.prepare = lambda: None
    first_paint()
    return window(options)
cli._window = timed
from app.__main__ import main
sys.exit(main())
"""


def times(script: str, *arguments: str) -> list[float]:
    """Milliseconds from before the process is started to each moment that it prints."""
    begun = time.monotonic()
    command = [sys.executable, "-c", script, *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return [(float(line) - begun) * 1000 for line in printed.split()]


def costliest_imports(most: int = 25) -> list[str]:
    """What `-X importtime` says of the window's modules, the costliest by themselves first."""
    command = [sys.executable, "-X", "importtime", "-c", "import app.__main__, app.cli, app.application"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()[1:]
    found = [line.removeprefix("import time:").split("|") for line in lines]
    found.sort(key=lambda parts: -int(parts[0]))
    return [f"{int(own):8} {int(total):8} {name.strip()}" for own, total, name in found[:most]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--imports", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TENANT_ADMIN_HOME"] = folder
        # Installed programs have their bytecode, so a source tree that keeps none gets it here.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        if options.imports:
            costliest_imports()
            print("\n".join(["    own µs    total  module", *costliest_imports()]))
            return
        file = options.file
        if file is None:
            file = Path(folder) / "demo.sqlite"
            subprocess.run([sys.executable, "-m", "app", "demo", str(file)], check=True, capture_output=True)
        measure(file, options.runs)


def measure(file: Path, runs: int) -> None:
    """Prints the table."""
    from tests.benchmarks.timing import interleaved

    opened: list[float] = []

    def with_file() -> float:
        first, rows = times(PROGRAM, str(file))
        opened.append(rows)
        return first

    ways: dict[str, Callable[[], float]] = {
        "bare window (the floor)": lambda: times(FLOOR)[0],
        "the program, first paint": lambda: times(PROGRAM)[0],
        "the program with a file, first paint": with_file,
        "the program with a file, rows painted": lambda: opened[-1],
    }
    for warm in ways.values():
        warm()
    found = interleaved(ways, runs)
    floor = next(iter(found.values()))
    print(f"{'':40} {'ms':>7} {'÷ floor':>8}")
    for what, value in found.items():
        aim = f"  aim {AIM:g}" if "first" in what else ""
        print(f"{what:40} {value:7.0f} {value / floor:8.2f}{aim}")


if __name__ == "__main__":
    main()
