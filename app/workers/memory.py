"""Memory given back without the interface noticing: Python's garbage, and the C library's free pieces."""

import ctypes
import gc
import sys
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer

LOOK_MS = 500

_M_MXFAST, _M_MMAP_THRESHOLD = 1, -3
_OWN_MAPPING = 1 << 20


def tidy_as_it_goes() -> None:
    """Lets glibc join what is freed at once, and give large pieces back to the system; elsewhere nothing.

    By default it keeps small freed pieces apart until a large one is asked for or freed, by whatever thread.
    After SQLite has sorted a million rows that takes 200 ms, with the interpreter's lock held.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # another C library than glibc
        library = ctypes.CDLL(None)
        library.mallopt(_M_MXFAST, 0)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)


class GarbageCollector(QObject):
    """Takes Python's automatic collection, which runs on whatever thread allocates, to the interface thread.

    A widget must never be destroyed on another.

    The objects of the program's start stay for good; they are left out, so that a full collection is short.
    They are not looked through before either (10 ms), because the window is about to appear.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
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
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > self._thresholds[generation] > 0:
                gc.collect(generation)
                return
