"""Memory given back without the interface noticing: Python's garbage, and the C library's free pieces."""

import ctypes
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.workers.runner import uncollected
from models.freeing import give_back

_M_MXFAST, _M_MMAP_THRESHOLD = 1, -3
_OWN_MAPPING = 1 << 20
LOOK_MS = 500
"""Between two looks at whether there is garbage."""

GIVE_BACK_SECONDS = 15
"""Between two times, if there was garbage meanwhile."""


def tidy_as_it_goes() -> None:
    """Lets glibc join what is freed at once, and give large pieces back to the system; elsewhere nothing.

    By default it joins them when a large one is asked for or freed, by whatever thread: after SQLite has
    sorted a million rows that takes 200 ms, with the interpreter's lock held.
    """
    with _glibc() as library:
        library.mallopt(_M_MXFAST, 0)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)


@contextmanager
def _glibc() -> Iterator[Any]:
    with suppress(AttributeError):  # another C library
        yield ctypes.CDLL(None) if sys.platform == "linux" else None


class GarbageCollector(QObject):
    """Takes Python's automatic collection, which runs on whatever thread allocates, to the interface thread:
    a widget must never be destroyed on another.

    The objects of the program's start stay for good; they are left out, so that a full collection is short.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._collected, self._given_back = False, time.monotonic()
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def stop(self) -> None:
        """Gives collection back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _look(self) -> None:
        if uncollected:  # looking through them all finds nothing, and holds the interface up
            return
        if self._collected and time.monotonic() - self._given_back > GIVE_BACK_SECONDS:
            self._collected, self._given_back = False, time.monotonic()
            give_back()
            return
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > self._thresholds[generation] > 0:
                gc.collect(generation)
                self._collected = True
                return
