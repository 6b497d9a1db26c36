"""The one place that finds migrations/ and resources/ (in a source tree, a wheel or a frozen
program), and the folder for what the program remembers of this person.
"""

import errno
import getpass
import os
import stat
import sys
from pathlib import Path
from typing import Final

DATABASE_SUFFIXES = (".sqlite", ".sqlite3", ".db")
"""How files are called that may be databases."""

CHOSEN: Final = "TENANT_ADMIN_HOME"
"""The variable that names another folder for what is kept."""

NO_HOME: Final = Path(os.devnull) / "tenant-admin"
"""The folder of an account without a home: nothing is there, and nothing can be written there."""


def _data_root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen)
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if is_dir(installed) else package.parent


def migrations_dir() -> Path:
    """The folder that holds 0000_initial.sql and its successors."""
    return _data_root() / "migrations"


def resources_dir() -> Path:
    """The folder that holds icons, themes, translations and packaging."""
    return _data_root() / "resources"


def help_file() -> Path:
    """What the help shows, in Markdown."""
    return resources_dir() / "help" / "help.md"


def state_dir() -> Path:
    """The folder for settings, logs, recent files and checkpoints of this person; it may not exist yet.

    `TENANT_ADMIN_HOME` names it whole. Otherwise it is where the system keeps a program's data, by the name
    that is usual there; `NO_HOME` where the account has no home folder.
    """
    try:
        return _state_dir()
    except RuntimeError:  # neither HOME nor the system's own list of accounts knows one
        return NO_HOME


def _state_dir() -> Path:
    if chosen := os.environ.get(CHOSEN):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        # Newer platformdirs heeds the XDG variables there as well, which have never moved this folder.
        return Path.home() / "Library" / "Application Support" / "Tenant Admin"
    from platformdirs import user_data_path  # noqa: PLC0415 - not for a child, which asks for no such folder

    return user_data_path("Tenant Admin" if sys.platform == "win32" else "tenant-admin", appauthor=False)


def make_private(folder: Path) -> None:
    """Makes a folder of ours, and those that it lies in, that its owner alone may enter. Raises `OSError`.

    What is there already stays as it is.
    """
    for each in (*reversed(folder.parents), folder):
        if each == folder or not is_dir(each):
            each.mkdir(mode=0o700, exist_ok=True)


def keep(file: Path, text: str) -> None:
    """Writes something small of ours in the place of what was there, whole or not at all, in a folder that
    its owner alone may enter. Raises `OSError` and `StorageError`.
    """
    from models.files import atomic  # noqa: PLC0415 - a start writes nothing

    make_private(file.parent)
    atomic.write(file, text)


def content(file: Path, most: int = -1) -> bytes:
    """What a file holds, or its first `most` bytes. Raises `OSError`, also for what is none: from a pipe that
    somebody has put there a read might never return.
    """
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor has no path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(file))
        return stream.read(most)


def home() -> Path:
    """Where a person begins to look for a file; the folder one is in where nobody knows their own."""
    found = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises
    return Path() if found == "~" else Path(found)


def resolved(path: Path) -> Path:
    """The file that a person's path leads to, whatever links lie on the way; asked once, where it enters.

    SQLite's own file layer follows no link, and what belongs to a database lies beside the file itself.
    """
    try:
        real = Path(os.path.realpath(path))
    except ValueError:  # a NUL in the name, which whoever opens it will say
        return path
    _named.pop(real, None)
    if real != (name := _whole(path)):
        _named[real] = name
    # A link that leads nowhere is said by its own name.
    return real if exists(real) or not os.path.islink(path) else path  # noqa: PTH114


_named: Final[dict[Path, Path]] = {}
"""How a person named last what these lead to, where that is by a link."""


def named(path: Path) -> Path:
    """The whole path by which a person named a file that `resolved` gave, whatever it leads to."""
    return _named.get(path) or _whole(path)


def _whole(path: Path) -> Path:
    """One path for one name: without "..", which leads on from where a link leads."""
    whole = path.absolute()
    return Path(os.path.realpath(whole.parent), whole.name) if ".." in whole.parts else whole


is_dir, exists = os.path.isdir, os.path.exists
"""As those of `Path`, which on Python 3.11 raise in a folder that may not be entered: False there."""


def os_user() -> str:
    """The name this person is logged in by, which audit entries give as the actor."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def checkpoints_dir() -> Path:
    """The folder that holds the checkpoints and their key; it may not exist yet."""
    return state_dir() / "checkpoints"


def deliveries_dir() -> Path:
    """The folder that holds the log of what was sent to webhooks; it may not exist yet."""
    return state_dir() / "deliveries"


def connections_dir() -> Path:
    """The folder that holds the connections to live databases; it may not exist yet."""
    return state_dir() / "connections"
