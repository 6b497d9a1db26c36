"""What Qt watches of folders in its dialog for files: ended without holding up the interface.

Linux lets nobody close the last copy of a watch before it is rid of all that was let go of in any: 50 ms, and
300 on a busy machine. So a thread has the last copy.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

_OPEN = Path("/proc/self/fd")
_WATCH = "anon_inode:inotify"
_KEPT = 2
"""Seconds in which a dialog that was answered has gone."""

_copies = set[int]()


def keep_watches() -> None:
    """Keeps those that are open now, while the dialog that has one goes. On the thread that it goes on: no
    other closes a watch meanwhile, whose number could then be a database's.
    """
    copies = []
    with suppress(OSError):  # another system than Linux, or too many files are open
        watches = [int(opened.name) for opened in _OPEN.iterdir() if _leads_to(opened) == _WATCH]
        for watch in set(watches) - _copies:
            copies.append(os.dup(watch))
    _copies.update(copies)
    if copies:
        Thread(target=_end, args=(copies,), daemon=True).start()


def _leads_to(opened: Path) -> str:
    try:
        return str(opened.readlink())
    except FileNotFoundError:  # closed since
        return ""


def _end(copies: list[int]) -> None:
    time.sleep(_KEPT)
    for copy in copies:
        os.close(copy)
        _copies.discard(copy)  # not before: see above
