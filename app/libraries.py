"""Qt's libraries and the fonts' configuration, which the system loads while Python loads the program.

It begins before anything else is imported: `typing` alone would keep it waiting for 5 ms.
"""

import os
import sys
from _thread import start_new_thread

TYPE_CHECKING = False  # that of `typing`
if TYPE_CHECKING:
    from typing import Any

_PARTS = ("QtCore", "QtGui", "QtWidgets")

_OWN = ("_contextvars", "_datetime", "_json", "_typing", "math", "unicodedata")
"""Libraries of Python's own that the program imports meanwhile, if Python does not have them within: the
system loads one after the other, and the program would stand still behind Qt's.
"""

_M_ARENA_MAX = -8


def load_beside() -> None:
    """Begins it on a thread, on Linux: it takes 15 ms of a start, and another processor has time for it.

    What is not there, or cannot be loaded, is said when it is imported. Before the first thread, glibc is
    told to allocate for all of them in one place: what each has for itself is half empty, 5 MB in all.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - nothing else is loaded here that a command does not need
        from importlib import import_module  # noqa: PLC0415
        from importlib.machinery import PathFinder  # noqa: PLC0415

        system = ctypes.CDLL(None)
        if hasattr(system, "mallopt"):  # not in another C library
            system.mallopt(_M_ARENA_MAX, 1)
        for name in _OWN:
            import_module(name)
        start_new_thread(_load, (system, ctypes, PathFinder))


def _load(system: "Any", ctypes: "Any", finder: "Any") -> None:
    """Imports nothing: a part of `importlib` imported while another thread imports `importlib` itself makes a
    second copy of what imports, one that cannot (one start of forty ended so).
    """
    found = finder.find_spec("PySide6")
    folders = () if found is None else found.submodule_search_locations or ()
    try:
        # Called so, and not by `CDLL`, the system lets Python go on meanwhile.
        system.dlopen.restype = ctypes.c_void_p
        for part in (os.fsencode(f"{folder}/{part}.abi3.so") for folder in folders for part in _PARTS):
            system.dlopen(part, os.RTLD_LAZY)
        if folders:
            ctypes.CDLL("libfontconfig.so.1").FcInit()
    except (AttributeError, OSError):
        pass  # it is found then, or said, where it is needed
