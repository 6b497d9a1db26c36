"""Retention beside the single DELETE it replaces, while a table scrolls and another process writes.

    python -m tests.benchmarks.retention [--rows 1000000] [--tenants 6]

Half of the audit entries grow old. Both ways run on copies of one file, in one run, with the same pragmas;
only the ratios mean anything (aims: longest hold up to 20 ms, total up to 2 times the
single DELETE, longest stall of the interface up to 25 ms). The DELETE proves nothing and leaves chains that
nothing proves. "Verified" is a run that nobody disturbs after the verification of its plan, which is not in
its time; the others are told of no verification, and so judge each entry themselves, as beside a writer.
"""

import argparse
import gc
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from functools import partial

import apsw
from PySide6.QtCore import QElapsedTimer, QEventLoop, QStringListModel, QTimer
from PySide6.QtWidgets import QApplication, QTableView

from app.services.chain.append import Batch, Event, append
from app.services.chain.checkpoints.making import Attempt
from app.services.demo import create_demo
from app.services.retention.plan import Confirmation, Plan, TryCheckpoint
from app.services.retention.removal import RetentionResult
from app.settings import Settings
from app.ui.shell.retention import Retention
from app.ui.theme import Theme
from app.workers.memory import GarbageCollector
from models.engine import Statement
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.connected import connected
from tests.fixtures.context import make_context
from tests.fixtures.retaining import retain, unsigned

TICK_MS = 10
SWITCH_INTERVAL = 0.0005  # as app.application sets it
WRITE_EVERY = 0.005


def untried(**_: object) -> Attempt:
    """No verification and no checkpoint: only the removal is measured."""
    return Attempt()


class TimedDatabase(LocalDatabase):
    """Notes how long each of its transactions held the lock."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.holds: list[float] = []
        self._begun = 0.0

    def _add_conn_hooks(self, conn: apsw.Connection) -> None:
        super()._add_conn_hooks(conn)
        conn.exec_trace = self._statement_begins

    def _statement_begins(self, cursor: object, sql: str, values: object) -> bool:
        if sql.startswith("BEGIN"):
            self._begun = 0.0
        elif not self._begun:  # the lock is held since BEGIN ended, just now
            self._begun = time.perf_counter()
        return True

    def run_batch(self, statements: Sequence[Statement], **options: object) -> float:
        held = super().run_batch(statements, **options)  # type: ignore[arg-type]
        self.holds.append(time.perf_counter() - self._begun)
        return held


class Scroller:
    """A table that scrolls by itself and notes the longest gap between two ticks."""

    def __init__(self) -> None:
        self._view = QTableView()
        self._model = QStringListModel([f"entry {number}" for number in range(100_000)])
        self._view.setModel(self._model)
        self._view.resize(1_200, 700)
        self._view.show()
        self._clock = QElapsedTimer()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self.longest_gap = 0.0
        self._clock.start()
        self._timer.start(TICK_MS)

    def _tick(self) -> None:
        self.longest_gap = max(self.longest_gap, self._clock.nsecsElapsed() / 1e9)
        self._clock.start()
        bar = self._view.verticalScrollBar()
        bar.setValue((bar.value() + 7) % bar.maximum())


class Collecting:
    """Garbage is collected as in the program; Python's own way would stop the table for 70 ms."""

    def __init__(self) -> None:
        gc.collect()
        self.close = GarbageCollector().stop


@dataclass
class Measured:
    name: str
    seconds: float
    hold: float
    wait: float
    stall: float | None


def write(path: Path) -> None:
    """Appends an entry every 5 ms until standard input closes; prints the longest wait for one."""
    database = LocalDatabase(path)
    longest = 0.0
    with database.connection_context():
        number = 0
        while not select.select([sys.stdin], [], [], WRITE_EVERY)[0]:
            event = Event("acme-corp", "settings_changed", {"actor": "benchmark", "number": number})
            started = time.perf_counter()
            append(database, partial(Batch, (), (event,)), now=NOW)
            longest = max(longest, time.perf_counter() - started)
            number += 1
    print(longest)


@contextmanager
def writer(path: Path) -> Iterator[Callable[[], float]]:
    """Another process that writes; gives a function that ends it and tells its longest wait."""
    command = [sys.executable, "-m", "tests.benchmarks.retention", "--write", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with closing(apsw.Connection(str(path))) as connection:
        query = "SELECT max(seq) FROM audit_chain"
        before = connection.execute(query).get
        while connection.execute(query).get == before:  # until it writes
            select.select([], [], [], 0.01)
    yield lambda: float(process.communicate()[0])


def single_delete(path: Path, cutoff: int, *, with_writer: bool) -> Measured:
    with connected(path) as database:
        connection: apsw.Connection = database.connection()

        def delete() -> float:
            started = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            begun = time.perf_counter()
            connection.execute("DELETE FROM audit_chain WHERE created_at < ?", (cutoff,))
            connection.execute("COMMIT")
            holds.append(time.perf_counter() - begun)
            return time.perf_counter() - started

        holds: list[float] = []
        if not with_writer:
            return Measured("one DELETE, alone", delete(), holds[0], 0.0, None)
        connection.set_busy_timeout(5_000)
        with writer(path) as longest_wait:
            seconds = delete()
            return Measured("one DELETE", seconds, holds[0], longest_wait(), None)


def alone(
    path: Path, days: int, archive: Path | None = None, checkpoint: TryCheckpoint = untried
) -> Measured:
    database = TimedDatabase(path)
    with database.connection_context():
        result = retain(database, days=days, archive=archive, pause=time.sleep, checkpoint=checkpoint)
        sound(database.connection())
    name = "retention, alone" if archive is None else "archiving, alone"
    if checkpoint is not untried:
        name = "retention, verified"
    return Measured(name, result.seconds, max(database.holds), 0.0, None)


def beside_others(path: Path, days: int, archive: Path | None = None) -> Measured:
    database, settings = TimedDatabase(path), Settings(path.parent)
    settings.retention_days = days
    settings.retention_archive.set(path, archive)
    context = make_context(path, Theme(), settings, lambda: NOW)
    context.opened = replace(context.opened, database=database)
    retention = Retention(context, checkpoint=untried)

    def agree(plan: Plan, carry_out: Callable[[Confirmation], None]) -> None:
        carry_out(Confirmation.to(plan, majority=True))

    results: list[RetentionResult | None] = []
    loop = QEventLoop()
    context.runner.changed.connect(lambda *_: results.append(retention.last))
    context.runner.changed.connect(loop.quit)
    context.runner.failed.connect(lambda error: loop.exit(1))
    with writer(path) as longest_wait, closing(Collecting()):
        scroller = Scroller()
        QTimer.singleShot(200, lambda: retention.propose(agree))
        loop.exec()
        stall = scroller.longest_gap
        wait = longest_wait()
    retention.stop()
    context.stop()
    with closing(apsw.Connection(str(path))) as connection:
        sound(connection)
    name = "retention" if archive is None else "archiving"
    assert results and results[0] is not None
    return Measured(name, results[0].seconds, max(database.holds), wait, stall)


def idle_stall(milliseconds: int) -> float:
    """The longest gap while nothing else runs: what the machine itself costs."""
    scroller = Scroller()
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
    return scroller.longest_gap


def sound(connection: apsw.Connection) -> None:
    found = chains.problems(connection)
    if found:
        raise SystemExit(f"The chains do not hold: {found[:3]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=6)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write)
        return
    sys.setswitchinterval(SWITCH_INTERVAL)
    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        original, path = Path(folder) / "original.sqlite", Path(folder) / "copy.sqlite"
        create_demo(original, rows=options.rows, tenants=options.tenants, now=NOW)
        with closing(apsw.Connection(str(original))) as connection:
            middle = connection.execute(
                "SELECT created_at FROM audit_chain WHERE seq = ?", (options.rows // 2,)
            ).get
        days = (NOW - middle) // 86_400
        cutoff = NOW - days * 86_400

        def empty(name: str) -> Path:
            (Path(folder) / name).mkdir()
            return Path(folder) / name

        def fresh() -> Path:
            for suffix in ("", "-wal", "-shm"):  # a new file: who still has the one before open keeps that
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(original, path)
            with path.open("rb") as file:
                os.fsync(file.fileno())  # or the first commit would wait for all of the copy
            return path

        measured = [
            single_delete(fresh(), cutoff, with_writer=False),
            single_delete(fresh(), cutoff, with_writer=True),
            alone(fresh(), days),
            alone(fresh(), days, checkpoint=unsigned(path)),
            beside_others(fresh(), days),
            alone(fresh(), days, empty("one")),
            beside_others(fresh(), days, empty("two")),
        ]
        quiet = idle_stall(2_000)
    print(f"{'':20} {'s':>7} {'ratio':>6} {'hold ms':>8} {'wait ms':>8} {'stall ms':>9}")
    for one in measured:
        stall = "" if one.stall is None else f"{one.stall * 1e3:.1f}"
        print(
            f"{one.name:20} {one.seconds:7.2f} {one.seconds / measured[0].seconds:6.2f} "
            f"{one.hold * 1e3:8.1f} {one.wait * 1e3:8.1f} {stall:>9}"
        )
    print(f"the same table with nothing else running: longest gap {quiet * 1e3:.1f} ms")
    application.quit()


if __name__ == "__main__":
    main()
