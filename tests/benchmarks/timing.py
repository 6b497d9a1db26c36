"""What the benchmarks share: medians of interleaved runs, ticks of a timer, and memory."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer

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

    `watching()` starts anew and stops at the end of the block. Garbage collections longer than 2 ms are in
    `collections`, so that a gap can be told from one.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gaps: list[float] = []
        self.collections: list[float] = []
        self._last = self._gc_began = 0.0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @contextmanager
    def watching(self) -> Iterator[list[float]]:
        self.gaps, self.collections = [], []
        self._last = time.perf_counter()
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
        self._last = now

    def _collected(self, phase: str, _info: object) -> None:
        if phase == "start":
            self._gc_began = time.perf_counter()
        elif since(self._gc_began) > 2:
            self.collections.append(since(self._gc_began))
