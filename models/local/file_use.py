"""Which other programs have a database file open, asked without touching the file.

The file is never opened for this: closing a descriptor would drop the locks that this process holds on it
through SQLite (POSIX locks belong to the process, not to the descriptor).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from models.local.atomic import SIBLINGS, sibling

_PROC = Path("/proc")
_INTERPRETERS = ("python", "node")
_WRANGLER_FOLDER = "miniflare-D1DatabaseObject"


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A process that has the file open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def detectable() -> bool:
    """Whether this system tells all of it; elsewhere a wrangler that serves the folder stays unseen."""
    return sys.platform == "linux"


def holders(path: Path) -> tuple[Holder, ...]:
    """Other processes that have the file, its log or its shared memory open; empty where nothing tells.

    On Linux there are two sources: the descriptors in /proc (all of this user's processes; everybody's for
    root) and /proc/locks (SQLite's locks of any user's process). A process in another container, or another
    user's that holds no lock just now, stays unseen. A wrangler that serves the file's folder counts as well:
    it opens the file at the first request. Windows tells nothing that can be relied on.
    """
    real = path.resolve()
    names = {str(sibling(real, suffix)) for suffix in SIBLINGS}
    if real.parent.name == _WRANGLER_FOLDER:
        names.add(str(real.parent))
    match sys.platform:
        case "linux":
            pids = {*_with_descriptor(names), *_with_lock(names)}
        case "win32":
            pids = set()
        case _:
            pids = set(_with_file(names))
    return tuple(sorted(holder for pid in pids - {os.getpid()} if (holder := _holder(pid)) is not None))


def said(found: tuple[Holder, ...]) -> str | None:
    """The holders as words, "workerd (pid 123)"; None when there are none."""
    return " and ".join(map(str, found)) or None


def _with_descriptor(names: set[str]) -> Iterator[int]:
    for process in os.scandir(_PROC):
        if not process.name.isdigit():
            continue
        try:
            with os.scandir(f"{process.path}/fd") as descriptors:
                # Reading the link never blocks; following it could, on a network drive that is gone.
                if any(_target(descriptor.path) in names for descriptor in descriptors):
                    yield int(process.name)
        except OSError:
            continue  # somebody else's process, or one that has just ended


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)  # noqa: PTH115 - many of them, and Path is slow
    except OSError:
        return None


def _with_lock(names: set[str]) -> Iterator[int]:
    files = {key for name in names if (key := _lock_key(name))}
    try:
        lines = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        # "1: POSIX  ADVISORY  READ 7659 fe:00:2154692 128 128"; a waiter has "->" after the number.
        fields = line.replace("->", "").split()
        if len(fields) >= 6 and fields[5] in files and fields[4].isdigit():
            yield int(fields[4])


def _lock_key(name: str) -> str | None:
    """How /proc/locks writes the file: device numbers in hex, inode in decimal."""
    try:
        found = Path(name).stat()
    except OSError:
        return None
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _with_file(names: set[str]) -> Iterator[int]:
    """As psutil tells, which on Linux is no use: it follows every link, and knows no folders and no locks."""
    import psutil  # noqa: PLC0415 - takes longer to load than to ask, and only when there is something to ask

    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(file.path in names for file in process.open_files()):
                yield process.pid


def _holder(pid: int) -> Holder | None:
    """None for a child that this process has started (`app.workers.child`)."""
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        words, parent = process.cmdline(), process.ppid()
        name = _name(words) or process.name()
    except psutil.Error:  # somebody else's, or one that has just ended
        return Holder(pid, "a program")
    is_worker = any(word == "--worker" or " from app.workers." in word for word in words[1:5])
    return None if is_worker and parent == os.getpid() else Holder(pid, name)


def _name(words: list[str]) -> str:
    """The program's file name; the system's own name for a thread ("MainThread") tells a person nothing."""
    if words and Path(words[0]).name.startswith(_INTERPRETERS) and words[1:] and words[1][:1] != "-":
        words = words[1:]  # the script says more than the interpreter
    return Path(words[0]).name if words else ""
