"""What the benchmarks share: medians of interleaved runs, ticks of a timer, and memory."""

import gc
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

from tests.fixtures.heart import queued_ms

TICK_MS = 10


def interleaved(ways: Mapping[str, Callable[[], float]], times: int) -> dict[str, float]:
    """The median of every way, each turn running all of them, so that a noisy minute meets them alike."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, measure in ways.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


def since(begun: float) -> float:
    """Milliseconds since a `time.perf_counter()`."""
    return (time.perf_counter() - begun) * 1000


def resident_mb(process: int | str = "self") -> float:
    """Memory of a process that is in use, as the kernel counts it."""
    status = Path(f"/proc/{process}/status").read_text()
    return float(status.partition("VmRSS:")[2].split()[0]) / 1024


class Ticks(QObject):
    """`Ticks(parent)`: the gaps in ms between the ticks of a 10 ms timer, in `gaps`.

    `watching(each)` starts anew, calls `each()` at every tick, and stops at the end of the block. Garbage
    collections longer than 2 ms are in `collections`, and `queued` is what of each gap this thread waited for
    a processor: another program's doing, or too many threads of ours.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gaps: list[float] = []
        self.queued: list[float] = []
        self._queue = 0.0
        self._each: Callable[[], object] = int
        self.collections: list[float] = []
        self._last = self._gc_began = 0.0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @contextmanager
    def watching(self, each: Callable[[], object] = int) -> Iterator[list[float]]:
        self._each = each
        self.gaps, self.queued, self.collections = [], [], []
        self._last = time.perf_counter()
        self._queue = queued_ms()
        gc.callbacks.append(self._collected)
        self._timer.start()
        try:
            yield self.gaps
        finally:
            self._timer.stop()
            self._tick()
            gc.callbacks.remove(self._collected)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000)
        queue = queued_ms()
        self.queued.append(queue - self._queue)
        self._last, self._queue = now, queue
        self._each()

    def silence(self) -> float:
        """Milliseconds since the last tick."""
        return since(self._last)

    def _collected(self, phase: str, _info: object) -> None:
        if phase == "start":
            self._gc_began = time.perf_counter()
        elif since(self._gc_began) > 2:
            self.collections.append(since(self._gc_began))


class Blame(threading.Thread):
    """Notes in `stacks` what the interface thread does while no tick comes: `Blame(ticks).start()`."""

    def __init__(self, ticks: Ticks, longest: float = 25) -> None:
        super().__init__(daemon=True)
        self.stacks: list[str] = []
        self._ticks, self._longest = ticks, longest
        self._main = threading.main_thread().ident or 0

    def run(self) -> None:
        while True:
            time.sleep(0.004)
            silence = self._ticks.silence()
            frame = sys._current_frames().get(self._main)
            if self._longest < silence < 1000 and frame is not None:
                frames = traceback.extract_stack(frame)[-5:]
                where = " < ".join(f"{f.filename[-28:]}:{f.lineno} {f.name}" for f in reversed(frames))
                self.stacks.append(f"{silence:5.0f} ms  {where}")
