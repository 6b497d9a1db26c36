"""What the C library's allocator is told, for a program whose interface must never wait for it."""

import ctypes
import sys
from contextlib import suppress

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
