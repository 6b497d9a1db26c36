"""Lists of many rows beside their floors, as ratios of one run: `python -m tests.benchmarks.tables`.

Floors: a model that answers constant text, QSqlTableModel, and the plain SQL through
apsw. Options: `--rows N` (1,000,000), `--file FILE` (a demo file that is there already).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import apsw
from PySide6.QtCore import QAbstractTableModel, QEventLoop, QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QApplication, QTableView

from app.itemmodels.columns import Column
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.demo import create_demo
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import DECLARED, Scope
from app.ui.theme import STYLE, Mode, Theme
from app.ui.widgets import formatting
from app.ui.widgets.data_table import DataTable, HeldPainting
from app.workers.runner import Runner
from models.local.database import LocalDatabase
from models.schema import inspect

NOW = 1_795_000_000
NAMES = DECLARED["audit_chain"].names
SIZE = (1100, 35 * 34 + 40)
WHEEL = 3 * 34
"""Pixels that one turn of a mouse wheel scrolls."""

COLUMNS = (
    Column("seq", "Seq", text=lambda value, row: f"{value:,}", right=True),
    Column("created_at", "Time", text=lambda value, row: formatting.relative_time(value, NOW)),
    Column("tenant_id", "Tenant"),
    Column("event_type", "Event"),
    Column("payload", "Payload", text=lambda value, row: formatting.first_line(value)),
    Column("hash", "Hash", text=lambda value, row: formatting.shortened(value), monospace=True),
    Column("previous_hash", "Link", text=lambda value, row: formatting.shortened(value), monospace=True),
)


@dataclass(frozen=True)
class Line:
    """One figure: milliseconds (or MB), its floor, and the most that the ratio may be."""

    what: str
    value: float
    floor_name: str
    floor: float
    aim: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    def __str__(self) -> str:
        verdict = "" if self.aim is None else ("ok" if self.ratio <= self.aim else "MISSED")
        aim = "" if self.aim is None else f"{verdict} (aim {self.aim:g})"
        figures = f"{self.value:9.1f} {self.floor:9.1f} {self.ratio:7.2f}"
        return f"{self.what:44} {figures}  {self.floor_name:34} {aim}"


class ConstantModel(QAbstractTableModel):
    """The floor: the same text everywhere."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else self._rows

    def columnCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Any, role: int = 0) -> Any:
        return "workflow_completed" if role == 0 else None


class Desk:
    """One view on one file, driven as the program drives it, with a clock on every step."""

    def __init__(self, path: Path, view: QTableView) -> None:
        self.view = view
        self.database = LocalDatabase(path, read_only=True)
        with self.database.connection_context():
            self.lists = Lists(inspect(self.database))
        self.runner = Runner(self.database)
        self.query = ListQuery("audit_chain")
        self.fitted = False
        self.loop = QEventLoop()
        self.waiting: Callable[[], bool] = never
        self.model = VirtualTableModel(COLUMNS, NAMES, self._request)
        view.setModel(self.model)
        self.holding = HeldPainting(view, self.model)
        self.model.dataChanged.connect(self._look)

    def close(self) -> None:
        self.model.clear()
        self.runner.stop()

    def open(self, query: ListQuery) -> tuple[float, float]:
        """Milliseconds until the first rows are painted, and until every key is known."""
        self.query = query
        begun = time.perf_counter()
        self.model.reset_to(self.read(self.lists.open_list, query))
        if isinstance(self.view, DataTable) and not self.fitted:
            self.fitted = True  # once, as the program does
            self.view.columns.fit()
        self.view.viewport().repaint()
        painted = since(begun)
        if not self.model.complete:
            self.model.refresh_to(self.read(self.lists.load_keys, query))
        return painted, since(begun)

    def go(self, value: int) -> float:
        """Milliseconds from a move of the scroll bar until the rows are painted."""
        begun = time.perf_counter()
        self.view.verticalScrollBar().setValue(value)
        self._wait(self._shown)
        self.view.viewport().repaint()
        return since(begun)

    def settle(self) -> None:
        """Waits until nothing is fetched ahead any more."""
        QTimer.singleShot(150, self.loop.quit)
        self.loop.exec()

    def _shown(self) -> bool:
        rows = self.view.rowAt(0), self.view.rowAt(self.view.viewport().height() - 1)
        return all(self.model.record(row) is not None for row in rows if row >= 0)

    def _wait(self, until: Callable[[], bool]) -> None:
        if not until():
            self.waiting = until
            self.loop.exec()
            self.waiting = never

    def _look(self) -> None:
        if self.waiting():
            self.loop.quit()

    def read(self, function: Callable[..., Any], query: ListQuery) -> Any:
        found: list[Any] = []

        def done(result: Any) -> None:
            found.append(result)
            self.loop.quit()

        self.runner.read(lambda database: function(database, query), on_done=done)
        self.loop.exec()
        return found[0]

    def _request(self, keys: Keys) -> Callable[[], None]:
        query = self.query
        task = self.runner.read(
            lambda database: self.lists.load_page(database, query, keys),
            on_done=lambda rows: self.model.set_page(keys, rows),
        )
        return task.cancel


def themed(app: QApplication) -> Theme:
    """The program's look, as a test sets it."""
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    return theme


def never() -> bool:
    return False


def since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000


def median(measure: Callable[[], float], times: int = 15) -> float:
    return statistics.median(measure() for _ in range(times))


def timed(work: Callable[[], object], times: int = 3) -> float:
    def once() -> float:
        begun = time.perf_counter()
        work()
        return since(begun)

    return median(once, times)


def warm_up(desk: Desk) -> None:
    """The first pages at hand and their texts laid out."""
    for row in (300, 0, 600, 0):
        desk.go(row * 34)
        desk.settle()


def pages(view: QTableView, model: Any) -> Callable[[], float]:
    """Scrolls on by one page and paints it, the rows being at hand."""
    bar = view.verticalScrollBar()
    step = view.viewport().height()

    def once() -> float:
        begun = time.perf_counter()
        bar.setValue(bar.value() + step)
        view.viewport().repaint()
        return since(begun)

    view.setModel(model) if view.model() is not model else None
    bar.setValue(0)
    view.viewport().repaint()
    return once


def exposed(view: QTableView) -> QTableView:
    """The view on the screen, so that it really paints."""
    view.resize(*SIZE)
    view.show()
    loop = QEventLoop()
    QTimer.singleShot(100, loop.quit)
    loop.exec()
    return view


def plain_view() -> QTableView:
    view = QTableView()
    view.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(34)
    return exposed(view)


def our_view(theme: Theme) -> QTableView:
    return exposed(DataTable(theme, "Entries"))


@contextmanager
def ticking(loop_for: "Desk") -> Iterator[list[float]]:
    """Gathers the gaps between the ticks of a 10 ms timer while the table scrolls at each tick."""
    gaps: list[float] = []
    last = [time.perf_counter()]
    bar = loop_for.view.verticalScrollBar()

    def tick() -> None:
        now = time.perf_counter()
        gaps.append((now - last[0]) * 1000)
        last[0] = now
        bar.setValue((bar.value() + WHEEL) % max(1, bar.maximum()))

    timer = QTimer(interval=10, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start()
    yield gaps
    timer.stop()


def painting(path: Path, theme: Theme, rows: int) -> list[Line]:
    """One page on, and jumps, beside constant text and QSqlTableModel."""
    from PySide6.QtSql import QSqlDatabase, QSqlTableModel

    constant = ConstantModel(rows)
    floor_view = plain_view()
    floor = median(pages(floor_view, constant))
    ours_floor_view = our_view(theme)
    ours_floor = median(pages(ours_floor_view, constant))

    database = QSqlDatabase.addDatabase("QSQLITE", "benchmark")
    database.setDatabaseName(str(path))
    database.setConnectOptions("QSQLITE_OPEN_READONLY")
    database.open()
    sql_view = plain_view()
    sql_model = QSqlTableModel(None, database)
    sql_model.setTable("audit_chain")
    sql_model.select()
    sql_page = median(pages(sql_view, sql_model), 6)  # 256 rows are fetched at a time, more than these pages
    begun = time.perf_counter()
    while sql_model.canFetchMore():
        sql_model.fetchMore()
    sql_view.scrollToBottom()
    sql_view.viewport().repaint()
    sql_jump = since(begun)
    sql_model.clear()

    plain = Desk(path, plain_view())
    plain.open(plain.query)
    warm_up(plain)
    plain_page = median(pages(plain.view, plain.model), 10)
    plain.close()

    desk = Desk(path, our_view(theme))
    desk.open(desk.query)
    warm_up(desk)
    page = median(pages(desk.view, desk.model), 10)
    bottom = desk.view.verticalScrollBar().maximum()
    end = [desk.go(bottom)]
    for turn in range(8):
        desk.settle()
        desk.go(turn * 34 * 700)
        desk.settle()
        end.append(desk.go(bottom - turn * 34 * 600))
    jumps = [desk.go((turn * 7919 * 34 * 500) % bottom) for turn in range(1, 25)]
    desk.close()
    lines = [
        Line("page, virtual model, Qt's own delegate", plain_page, "constant text, same view", floor),
        Line(
            "page, virtual model, Qt's own delegate", plain_page, "QSqlTableModel, same view", sql_page, 1.4
        ),
        Line("page, as the program shows it", page, "QSqlTableModel, plain view", sql_page, 1.4),
        Line("page, as the program shows it", page, "constant text, same view", ours_floor),
        Line("jump to the end", statistics.median(end), "a page of the same", page, 1.2),
        Line("any jump, nothing in between", statistics.median(jumps), "a page of the same", page, 1.2),
        Line("jump to the end", statistics.median(end), "QSqlTableModel's", sql_jump),
    ]
    for view in (floor_view, ours_floor_view, sql_view):
        view.setModel(None)
    return lines


def lists(path: Path, theme: Theme) -> list[Line]:
    """First rows painted, under filters and in every order, beside the plain SQL of the same rows."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    for pragma in ("temp_store = 2", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}")
    (most,) = connection.execute(
        "SELECT tenant_id, event_type FROM audit_chain GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1"
    )
    tenant, kind = most

    def sql(statement: str, *values: Any) -> list[Any]:
        return list(connection.execute(statement, values))

    def first(where: str, order: str, *values: Any) -> None:
        sql(f"SELECT count(*) FROM audit_chain {where}", *values)
        sql(f"SELECT * FROM audit_chain {where} ORDER BY {order} LIMIT 200", *values)

    desk = Desk(path, our_view(theme))
    audit = ListQuery("audit_chain")
    chosen = replace(audit, scope=Scope(tenant), choices=(("event_type", (kind,)),))
    desk.open(audit)

    def line(what: str, query: ListQuery, where: str, order: str, *values: Any) -> list[Line]:
        times = [desk.open(query) for _ in range(3)]
        floor = timed(lambda: first(where, order, *values))
        found = [Line(what, statistics.median(t[0] for t in times), "count and first 200 in SQL", floor)]
        if query.sort not in (None, "seq"):
            keys = timed(lambda: sql(f"SELECT seq FROM audit_chain {where} ORDER BY {order}", *values), 1)
            found.append(
                Line(f"{what}, every key", statistics.median(t[1] for t in times), "keys in SQL", keys)
            )
        return found

    lines = line("first rows", audit, "", "seq DESC")
    by_both = "WHERE tenant_id = ? AND event_type = ?"
    lines += line("tenant and type", chosen, by_both, "seq DESC", tenant, kind)
    lines += line("tenant", replace(audit, scope=Scope(tenant)), "WHERE tenant_id = ?", "seq DESC", tenant)
    like = "WHERE payload LIKE ? OR event_type LIKE ?"
    lines += line("text", replace(audit, text="77"), like, "seq DESC", "%77%", "%77%")
    for name in NAMES:
        query = replace(audit, sort=name, descending=True)
        lines += line(f"sorted by {name}", query, "", f"{name} DESC, seq DESC")
    desk.close()
    return lines


def stalls(path: Path, theme: Theme) -> list[Line]:
    """The interface thread's longest stall while it scrolls, alone and while keys are being built."""
    desk = Desk(path, our_view(theme))
    desk.open(desk.query)
    with ticking(desk) as alone:
        QTimer.singleShot(1000, desk.loop.quit)
        desk.loop.exec()
    lines = []
    for sort in ("created_at", "payload"):
        with ticking(desk) as gaps:
            desk.read(desk.lists.load_keys, replace(desk.query, sort=sort))
        what = f"longest stall, keys by {sort}, scrolling"
        lines.append(Line(what, max(gaps, default=0.0), "25 ms", 25, 1.0))
    lines.append(Line("longest stall, only scrolling", max(alone), "25 ms", 25, 1.0))
    desk.close()
    return lines


def memory(path: Path) -> list[Line]:
    """Resident MB after jumping about, each in a process of its own."""

    def of(kind: str) -> float:
        command = [sys.executable, "-m", "tests.benchmarks.tables", "--memory", kind, "--file", str(path)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    constant = of("constant")
    return [
        Line("memory, jumping about (MB)", of("virtual"), "constant text, same view", constant),
        Line("memory, keys of a sorted list (MB)", of("sorted"), "constant text, same view", constant),
    ]


def resident(kind: str, path: Path, theme: Theme) -> float:
    """MB of this process after the same moves over one kind of model."""
    view = our_view(theme)
    if kind == "constant":
        once = pages(view, ConstantModel(1_000_000))
        for turn in range(30):
            view.verticalScrollBar().setValue(turn * 1_000_000)
            once()
    else:
        desk = Desk(path, view)
        query = desk.query if kind == "virtual" else replace(desk.query, sort="created_at")
        desk.open(query)
        for turn in range(30):
            desk.go((turn * 1_000_000) % max(1, view.verticalScrollBar().maximum()))
        desk.settle()
        found = _rss()
        desk.close()
        return found
    return _rss()


def _rss() -> float:
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0]) / 1024


def run(path: Path, rows: int) -> list[Line]:
    """Everything, on a demo file of so many audit entries."""
    theme = themed(QApplication(["tables", *STYLE]))
    switching = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # as the program does at its start
    try:
        return [*painting(path, theme, rows), *lists(path, theme), *stalls(path, theme), *memory(path)]
    finally:
        sys.setswitchinterval(switching)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--memory", choices=("constant", "virtual", "sorted"))
    options = parser.parse_args()
    if options.memory:
        print(resident(options.memory, options.file, themed(QApplication(["tables", *STYLE]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "demo.sqlite"
        if options.file is None:
            create_demo(path, rows=options.rows, now=NOW)
        print(f"{'':44} {'ours':>9} {'floor':>9} {'ratio':>7}  floor is")
        for line in run(path, options.rows):
            print(line)


if __name__ == "__main__":
    main()
