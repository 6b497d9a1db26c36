"""Who has a database file open, and who writes to it, asked without touching it."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import apsw

from models.errors import Cancelled, FileLocked, StorageError
from models.files.at_path import SIBLINGS, real_path, sibling
from models.files.errors import translate
from models.local.file import D1_DATABASES, patiently
from models.progress import Stop, Waiting, under_way

_PROC = Path("/proc")
_INTERPRETERS = ("python", "node")
_COMMAND = "tenant-admin"
"""What this program itself is called by whoever starts it."""


def in_use_by(path: Path) -> str | None:
    """Other processes that have the file, its log or its shared memory open, "workerd (pid 123)"; None where
    nothing tells of any.

    On Linux there are two sources: the descriptors in /proc (all of this user's processes; everybody's for
    root) and /proc/locks (SQLite's locks of any user's process). A process in another container, or another
    user's that holds no lock just now, stays unseen. A wrangler that serves the file's folder counts as well:
    it opens the file at the first request. Windows tells nothing that can be relied on.
    """
    return " and ".join(_programs(users_of(path))) or None


def written_by(path: Path) -> str | None:
    """Which of them writes to the file: those with a lock to write, else any of them, "one or another"."""
    real = real_path(path)
    writing = _with_lock({str(sibling(real, suffix)) for suffix in SIBLINGS}, "WRITE")
    return " and ".join(_programs(writing)) or " or ".join(_programs(users_of(path))) or None


def known(error: BaseException, path: Path) -> StorageError | None:
    """`translate`, with who is in the way where the file is locked."""
    found = translate(error, path)
    is_new = isinstance(found, FileLocked) and found is not error
    return FileLocked(path, written_by(path)) if is_new else found


def users_of(path: Path) -> set[int]:
    """The processes that have the file open, this one among them, as far as `in_use_by` can tell."""
    real = real_path(path)
    names = {str(sibling(real, suffix)) for suffix in SIBLINGS}
    if real.parent.name == D1_DATABASES:  # workerd has the folder open, and not only the file
        names.add(str(real.parent))
    match sys.platform:
        case "linux":
            users, is_all = _with_descriptor(names)
            # The locks take the kernel 10 to 40 ms, and tell nothing new where every process could be seen.
            return users if is_all else users | {*_with_lock(names, "READ", "WRITE")}
        case "win32":
            return set()
        case _:
            return set(_with_file(names))


def _programs(pids: Iterable[int]) -> list[str]:
    """The other processes among them, as people know them."""
    return [name for pid in sorted({*pids} - {os.getpid()}) if (name := _program(pid))]


def _with_descriptor(names: set[str]) -> tuple[set[int], bool]:
    """Also whether those are all: nobody's process but root's is shown what those of others have open, and
    perhaps not even that there are any (proc(5), hidepid).
    """
    found, is_all = set(), os.geteuid() == 0
    for process in filter(str.isdigit, os.listdir(_PROC)):  # noqa: PTH208 - and below: Path is slow for so many
        try:
            # The links are named from within their folder: for a thousand that takes 1 ms less of an opening.
            folder = os.open(f"{_PROC}/{process}/fd", os.O_RDONLY)
        except PermissionError:
            is_all = False
        except OSError:
            continue  # one that has just ended
        else:
            try:
                if _leads_to(folder, names):
                    found.add(int(process))
            finally:
                os.close(folder)
    return found, is_all


def _leads_to(folder: int, names: set[str]) -> bool:
    """Whether one of the links in an open folder leads to one of these."""
    read = os.readlink
    with suppress(OSError):  # the process has just ended
        for link in os.listdir(folder):
            try:
                # Reading it never blocks; following it could, on a network drive that is gone.
                if read(link, dir_fd=folder) in names:
                    return True
            except OSError:
                pass
    return False


def _with_lock(names: set[str], *kinds: str) -> Iterator[int]:
    files = {key for name in names if (key := _lock_key(name))}
    try:
        lines = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        # "1: POSIX  ADVISORY  READ 7659 fe:00:2154692 128 128"; a waiter has "->" after the number.
        fields = line.replace("->", "").split()
        if len(fields) >= 6 and fields[5] in files and fields[3] in kinds and fields[4].isdigit():
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


def _program(pid: int) -> str | None:
    """None for a child that this process has started (`app.workers.child`)."""
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        words, parent = process.cmdline(), process.ppid()
        name = _name(words) or process.name()
    except psutil.Error:  # somebody else's, or one that has just ended
        return f"a program (pid {pid})"
    is_worker = any(word == "--worker" or " from app.workers." in word for word in words[1:5])
    if is_worker and parent == os.getpid():
        return None
    started_alike = words[1:2] == ["-m"] and words[1:3] == sys.orig_argv[1:3]
    is_ours = started_alike or name.startswith(_COMMAND)
    return f"{'Tenant Admin' if is_ours else name} (pid {pid})"


def _name(words: list[str]) -> str:
    """The program's file name; the system's own name for a thread ("MainThread") tells a person nothing."""
    if words and Path(words[0]).name.startswith(_INTERPRETERS) and words[1:] and words[1][:1] != "-":
        words = words[1:]  # the script says more than the interpreter
    return Path(words[0]).name if words else ""


def wait_for_writer(
    step: Callable[[], object],
    path: Path,
    deadline: float,
    cancelled: Stop,
    tell: Callable[[Waiting | None], object] = lambda waiting: None,
) -> None:
    """Takes a step `patiently`, and says meanwhile who is waited for, to the work that is under way and to
    whom there is to `tell`. Raises `Cancelled` where a person would not wait any longer, and what apsw says
    of the lock when the time is up, or when `cancelled()`.
    """
    since, work, waiting = time.monotonic(), under_way.get(), list[Waiting]()

    def not_yet() -> bool:
        if not waiting:
            words = "Waiting for {}, which is writing to {}".format
            waiting.append(Waiting(words(FileLocked.why, path.name), since))
            say(waiting[0])
            waiting[0].what = words(written_by(path) or FileLocked.why, path.name)
        return waiting[0].cancelled or cancelled()

    def say(what: Waiting | None) -> None:
        tell(what)
        if work is not None:
            work.waiting = what

    try:
        patiently(step, deadline, not_yet)
    except (apsw.BusyError, apsw.LockedError):
        if waiting and waiting[0].cancelled:
            raise Cancelled from None
        raise
    finally:
        if waiting:
            say(None)
