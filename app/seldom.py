"""Python's own modules that libraries import and hardly ever use: loaded when they are used."""

import sys
from _thread import allocate_lock
from types import ModuleType
from typing import Any

_SELDOM = (
    "argparse",  # imported by commands
    *("calendar", "decimal", "hashlib", "socket", "uuid"),  # by Peewee
    "inspect",  # by it, dataclasses and PySide; brings `ast`, `dis` and `tokenize`
    "getpass",  # here, for who acts
    "ipaddress",  # by urllib.parse, and that by pathlib
    *("bz2", "lzma"),  # by zipfile
    *("difflib", "hmac", "secrets", "statistics"),  # here, by tabs and what they need; 1 MB
    "shutil",  # by zipfile and tempfile
    *("tempfile", "textwrap", "traceback"),  # by PySide; the first brings `random`
)
_NEVER = ("MySQLdb", "psycopg", "psycopg2", "psycopg2cffi", "pymysql", "pysqlite3", "sqlite3")
"""What Peewee would speak to databases by, and looks for; the program brings its own SQLite."""

_swapping = allocate_lock()


def put_off() -> None:
    """Puts something in the place of each that is not there yet, which loads the module when it is asked for
    what is in it: together 17 ms of a start. `from` one of them `import` a name asks, too.
    """
    modules: dict[str, Any] = sys.modules
    for name in _NEVER:
        modules.setdefault(name, None)  # as if it were not installed
    for name in _SELDOM:
        if name not in sys.modules:
            sys.modules[name] = _StandIn(name)
    if isinstance(stand_in := sys.modules["inspect"], _StandIn):
        vars(stand_in)["isclass"] = _isclass
    if isinstance(textwrap := sys.modules["textwrap"], _StandIn):  # QtGui takes it, for a warning
        vars(textwrap)["dedent"] = lambda text: _loaded(textwrap).dedent(text)


def hash_without_openssl() -> None:
    """Has SHA-256 by Python's own code, for the few entries that a window looks at by itself: OpenSSL, which
    `hashlib` loads, takes 4 MB. That needs less than a half of the time for an entry, where millions are
    read; child processes and commands do it, and have it. The entries of a live database, which are verified
    here, come slower than either.
    """
    hashlib = sys.modules.get("hashlib")
    if isinstance(hashlib, _StandIn):
        from contextlib import suppress  # noqa: PLC0415 - in a window alone
        from importlib import import_module  # noqa: PLC0415

        with suppress(ImportError):  # of a Python that has none of its own
            own = import_module("_sha256" if sys.version_info < (3, 12) else "_sha2")
            vars(hashlib)["sha256"] = own.sha256


class _StandIn(ModuleType):
    """Also for whoever has imported it before: they have this, and it has what the module has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # who looks through all modules wants none of them
            raise AttributeError(name)
        found = vars(self)[name] = getattr(_loaded(self), name)
        return found


def _loaded(stand_in: _StandIn) -> Any:
    own = stand_in.__name__
    with _swapping:
        if sys.modules.get(own) is stand_in:
            del sys.modules[own]
    from importlib import import_module  # noqa: PLC0415

    return import_module(own)


def _isclass(found: object) -> bool:
    """As `inspect` has it, all that Peewee takes from there."""
    return isinstance(found, type)
