"""Files that are there whole or not at all, whatever happens while they are written.

What is not finished lies in a folder of its own, beside what it will become, that only its owner can enter
and whose name begins with `UNFINISHED`; a program that was killed may leave such a folder behind.
"""

import errno
import glob
import os
import re
import shutil
import stat
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from models import errors
from models.files.at_path import (
    JOURNAL,
    LOG,
    MAGIC,
    SHARED_MEMORY,
    SIBLINGS,
    first_bytes,
    real_path,
    require_file,
    sibling,
)
from models.files.errors import translate
from models.patterns import compiled_later

UNFINISHED = ".tenant-admin-"
_MADE = compiled_later(re.escape(UNFINISHED) + r"(?:(?P<process>\d{1,9})-)?[a-z0-9_]{8}")
_DATABASES = ("*.sqlite", "*.sqlite3", "*.db", "*.sql")

_BESIDE = compiled_later(f"(?<=[^/])({LOG}|{SHARED_MEMORY}|{JOURNAL})$", re.IGNORECASE)

PART = ".part"
"""Ends the name of what is made by parts."""

_LOCK = ".lock"
INTERRUPTED = ".before-erasing."
"""In the name of a copy whose lock stays where a program was killed, so that the next one tells of it."""

STALE = 3_600
"""Seconds without a write after which nobody works on what is unfinished."""


def require_place(path: Path) -> None:
    """Raises what says why nothing may be written at `path`, be it asked for or not: `DatabaseThere`,
    `BesideDatabase` where SQLite would take the file for a part of one, `FolderGiven` for a folder,
    a pipe or a device, `LinkBroken` for a link that leads to itself; and the errors of looking at what is
    there.
    """
    if "\0" in str(path):  # pasted as a name; Python takes it for a bug
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    real = real_path(path)
    for name in (path, real):
        database = Path(_BESIDE.sub("", str(name)))
        if database != name and os.path.lexists(database):
            raise errors.BesideDatabase(path, database.name)
    if os.path.exists(path) or os.path.islink(real):  # noqa: PTH110, PTH114 - Path's own may raise
        require_file(path)
        if first_bytes(real, len(MAGIC)) == MAGIC:  # SQLite's layer follows no link
            raise errors.DatabaseThere(path)


def write(path: Path, content: str | bytes, *, only_if_new: bool = False) -> None:
    """Writes something small, a text as UTF-8, that only the owner can read, in place of what was there.

    With `only_if_new` raises `AlreadyThere` when something is there. Raises `OSError`.
    """
    with unfinished(path) as building:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        building.write_bytes(data)
        (give_name if only_if_new else replace)(building, path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Gives a name, not yet taken, to build a database under that becomes `path`, never in place of another.

    When the block ends the file is on the disk, readable by its owner only, and called `path`; when it fails,
    nothing is left. Raises `InvalidInput` (no such folder), `FolderGiven`, `AlreadyThere`, also for a log
    without its file, and the storage errors of what happens within.
    """
    _require_room(path)
    with expected_errors(path), unfinished(path) as building:
        yield building
        give_name(building, path)


@contextmanager
def new_file_by_parts(path: Path) -> Iterator[Path]:
    """The same under a name of its own beside it, `path` and `PART`, where it stays when the block fails, for
    the next one to go on with. It may as well be empty, or a file of the person's own: whoever makes it looks
    before anything is written there. Raises `AlreadyThere` for what is no file of the person's own, and
    `FileLocked` while another makes it.
    """
    _require_room(path)
    require_place(path)
    part = path.with_name(path.name + PART)
    with expected_errors(path), alone_with(part):
        if os.path.lexists(path):
            raise errors.AlreadyThere(path)
        try:
            part.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            if not _is_own(part):
                raise errors.AlreadyThere(part) from None
        yield part
        give_name(part, path)


def _is_own(path: Path) -> bool:
    """Whether it is a file as one made now would be: not every disk keeps owners and modes."""
    with WorkFolder(path.parent) as folder:
        own = Path(folder, path.name)
        own.touch(mode=0o600)
        made, found = own.stat(), path.lstat()
    return stat.S_ISREG(found.st_mode) and (found.st_uid, found.st_mode & 0o077) == (
        made.st_uid,
        made.st_mode & 0o077,
    )


def lock_of(part: Path) -> Path:
    """The file that keeps others from a part, which what is killed leaves behind."""
    return part.with_name(f"{UNFINISHED}{part.name}{_LOCK}")


@contextmanager
def alone_with(part: Path) -> Iterator[None]:
    """Keeps others from a part, or from a name that is about to be taken, by the lock of a file beside it; a
    dead process keeps nobody. Raises `FileLocked` where another has it, and `OSError`.
    """
    lock = lock_of(part)
    try:
        descriptor = _locked_file(lock)
    except (BlockingIOError, FileExistsError):
        raise errors.FileLocked(part, "another copy") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows takes it away itself
            lock.unlink()
        os.close(descriptor)


def _locked_file(path: Path) -> int:
    """A descriptor of a new file that is locked until it is closed. Raises `OSError`: `BlockingIOError` or
    `FileExistsError` where another holds it.
    """
    if sys.platform == "win32":
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_TEMPORARY, 0o600)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        _lock(descriptor)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a disk without locks
        return descriptor
    if os.fstat(descriptor).st_nlink == 0:  # the one who had it has taken it away just now
        os.close(descriptor)
        raise BlockingIOError
    return descriptor


def _require_room(path: Path) -> None:
    if not os.path.isdir(path.parent):  # noqa: PTH112 - Path.is_dir() may raise
        raise errors.InvalidInput(
            "path", f"There is no folder {path.parent}; create it first, or choose another."
        )
    if os.path.isdir(path):  # noqa: PTH112
        raise errors.FolderGiven(path)
    for suffix in SIBLINGS:
        # SQLite would take a stale log for the new file's own and mix the two databases.
        if os.path.lexists(sibling(path, suffix)):
            raise errors.AlreadyThere(sibling(path, suffix))
    sweep_databases(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name to write under, which takes the place of what is at `path` when the block ends.

    When it fails, nothing is left of it. Raises what goes wrong as it is: see `expected_errors`.
    """
    with unfinished(path) as building:
        yield building
        replace(building, path)


@contextmanager
def expected_errors(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a file is made at `path` into the storage errors."""
    try:
        yield
    except FileExistsError as error:
        raise errors.AlreadyThere(Path(error.filename or path)) from error
    except (OSError, apsw.Error) as error:
        known = translate(error, path)
        if known is None:
            raise
        # Nothing was there to be found; what is missing is leave to write in the folder.
        raise (
            errors.CannotWrite(path) if isinstance(known, errors.FileMissing | errors.CannotOpen) else known
        ) from error


def give_name(building: Path, path: Path) -> None:
    """As `replace`, but raises `AlreadyThere` rather than take another's place."""
    _finish(building)
    try:
        try:
            os.link(building, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: the name is taken first, for a moment by an empty file
            path.open("xb").close()
            try:
                building.replace(path)
            except OSError:
                path.unlink()
                raise
        else:
            building.unlink()
    except FileExistsError:
        raise errors.AlreadyThere(path) from None
    _sync(path.parent)


def replace(building: Path, path: Path) -> None:
    """Moves what was written to its name, on the disk and readable by its owner only: it holds personal data,
    as a rule.
    """
    _finish(building)
    building.replace(path)
    _sync(path.parent)


def _finish(building: Path) -> None:
    building.chmod(0o600)
    with building.open("rb+") as file:
        os.fsync(file.fileno())


class WorkFolder:
    """A folder for what is unfinished, in `folder`, on the disk of what it becomes.

    Its name says whose it is, and a lock that it is in use, for as long as that process lives (`sweep`).
    """

    def __init__(self, folder: Path) -> None:
        # One of Python's, which is loaded when there is one to make.
        made = f"{UNFINISHED}{os.getpid()}-"
        self._made = tempfile.TemporaryDirectory(prefix=made, dir=folder, ignore_cleanup_errors=True)
        self.name = self._made.name
        lock = _locked(Path(self.name))
        self._unlock = None if lock is None else weakref.finalize(self, os.close, lock)

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        self._made.cleanup()
        # Here: Python prints what interrupts a finalizer, and goes on.
        if self._unlock is not None:
            self._unlock()


def in_passing() -> WorkFolder:
    """A work folder where the system keeps what is gone soon; what killed work left there is cleared away."""
    folder = Path(tempfile.gettempdir())
    sweep(folder, "*")
    return WorkFolder(folder)


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A place for `path` under its own name, with room for SQLite's files beside it; gone afterwards.

    All that the program writes at a path comes by here. Raises the errors of `require_place`.
    """
    require_place(path)
    try:
        with WorkFolder(path.parent) as folder:
            yield Path(folder, path.name)
    except OSError as error:
        # A person knows the name of what it becomes, and not that of the place where it is made.
        if error.errno is None or UNFINISHED not in str(error.filename or UNFINISHED):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error


def sweep(folder: Path, *patterns: str) -> None:
    """Takes away what killed programs have left of files whose names all match one of `patterns`.

    A running process's own stays. Where no lock tells whether it runs, what was written to within `STALE` may
    be in the making, and stays as well.
    """
    for left in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            parts = list(left.rglob("*"))
            newest = max(part.stat().st_mtime for part in (left, *parts))
            is_known = _is_unfinished(left) and all(
                _is_unfinished(part) or any(part.match(pattern) for pattern in patterns) for part in parts
            )
            if is_known and _is_left(left, is_stale=time.time() - newest > STALE):
                shutil.rmtree(left)


def sweep_databases(path: Path) -> None:
    """The same of databases, and of what is exported of them, beside one that is opened or made: they hold
    personal data.
    """
    own = f"*{glob.escape(path.suffix)}" if path.suffix else glob.escape(path.name)
    sweep(path.parent, *(f"{name}{suffix}" for name in (own, *_DATABASES) for suffix in SIBLINGS))
    for lock in path.parent.glob(f"{UNFINISHED}*{_LOCK}"):
        # That of a part goes with it, and may say more of it (`lock_of`).
        name = lock.name.removeprefix(UNFINISHED).removesuffix(_LOCK)
        with suppress(OSError, errors.FileLocked):
            is_told = INTERRUPTED in name and os.path.lexists(lock.with_name(name))
            if name and not (name.endswith(PART) or is_told or lock.stat().st_size):
                with alone_with(lock.with_name(name)):  # which takes it away
                    pass


def left_locked(path: Path) -> list[Path]:
    """The copies beside a file that were made for what a killed program has not ended, each once: the lock
    that tells of it is taken away.
    """
    found = []
    name = f"{glob.escape(path.stem)}{INTERRUPTED}*{glob.escape(path.suffix)}"
    for lock in path.parent.glob(f"{UNFINISHED}{name}{_LOCK}"):
        copy = lock.with_name(lock.name.removeprefix(UNFINISHED).removesuffix(_LOCK))
        with suppress(OSError, errors.FileLocked), alone_with(copy):
            if os.path.lexists(copy):
                found.append(copy)
    return sorted(found)


def _is_unfinished(left: Path) -> bool:
    """Whether it is a folder as `tempfile` makes them, and not one that a person has called so."""
    if not _MADE.fullmatch(left.name) or not left.is_dir() or left.is_symlink():
        return False
    return os.name != "posix" or not stat.S_IMODE(left.stat().st_mode) & 0o077


def _is_left(left: Path, *, is_stale: bool) -> bool:
    """Whether the process is gone that made it: by the number in its name, which may be one of another
    machine or container, and by its lock.
    """
    found = _MADE.fullmatch(left.name)
    process = found["process"] if found else None
    if process is not None and _runs(int(process)):
        return False
    lock = _locked(left)
    if lock is None:
        return is_stale
    os.close(lock)
    return is_stale or process is not None


def _runs(process: int) -> bool:
    """Whether there is such a process, and more of it than its end, which nobody has asked for yet."""
    import psutil  # noqa: PLC0415 - only when something was left

    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock until it is closed, as a dead process's are; None where
    another holds it, or the system has no such locks.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _lock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - Windows has none

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(folder: Path) -> None:
    """Makes a new name itself survive a power cut, where folders can be synchronised."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
