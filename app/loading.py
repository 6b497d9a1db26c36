"""How Qt and the window's modules are loaded: quickly, and with nothing read that nobody asks for.

And whether a screen is there to open it on; asked before Qt, which aborts where there is none.
"""

import builtins
import ctypes
import dataclasses
import enum
import gc
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any, NoReturn

from models.errors import TenantAdminError

_DEFERRED = {
    f"shibokensupport/signature/{name}.py"
    for name in (
        *("errorhandler", "layout", "mapping", "parser"),
        *("lib/enum_sig", "lib/pyi_generator", "lib/tool"),
    )
}
_WHEN_ASKED = """
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    del globals()["__getattr__"]
    exec(compile({source!r}, {name!r}, "exec"), globals())
    return globals()[name]

def update_mapping():  # PySide itself looks this one up, past `__getattr__`
    return __getattr__("update_mapping")()
"""


def prepare() -> None:
    """Loads PySide's core; to be called before the modules of the window are imported.

    PySide compiles the modules with which it explains signatures at each start, a tenth of the time until the
    window has its rows; they are compiled here when one is first asked. It also looks through each imported
    module for the name of a switch (`from __feature__ import …`) that nothing here uses, so imports are
    Python's own again. Another PySide that does either otherwise is loaded as it is. Garbage is not looked
    for: what is loaded now stays, and the window has a collector of its own. Enums and dataclasses are made
    with less work where Python is 3.11, whose ways of it are known here. What PySide's libraries call in
    others is looked up when it is called, where the system can do so.
    """
    gc.disable()
    if hasattr(sys, "setdlopenflags"):
        sys.setdlopenflags(os.RTLD_LAZY)
    if sys.version_info[:2] == (3, 11):
        _make_enums_quickly()
        _compile_methods_when_called()
    with _explained_when_asked():
        import_module("PySide6.QtCore")
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


@contextmanager
def _explained_when_asked() -> Iterator[None]:
    """Compiles PySide's modules about signatures to one function that compiles and runs the rest. Of what it
    imports meanwhile it is told that there is no source to look through for the name of that switch.
    """
    original, sources = builtins.compile, vars(inspect).get("getsource")

    def deferring(source: Any, filename: Any, *arguments: Any, **options: Any) -> Any:
        if filename in _DEFERRED:
            source = _WHEN_ASKED.format(source=source, name=filename)
        return original(source, filename, *arguments, **options)

    def no_source(_: object) -> NoReturn:
        raise OSError

    builtins.compile = deferring
    vars(inspect)["getsource"] = no_source
    try:
        yield
    finally:
        builtins.compile = original
        if sources is None:  # what stands in for it (`seldom`) has not been asked for it
            del vars(inspect)["getsource"]
        else:
            vars(inspect)["getsource"] = sources


def _make_enums_quickly() -> None:
    """Makes an enum that is given as names with numbers from an empty one, and enters its members directly
    when one is first asked for.

    PySide makes 240 enums with 3,700 members until the window has its rows, as `Enum("Name", [("A", 1), …])`,
    most of which nobody asks for. Python looks at each name and value several times, for what only a class
    statement can hold.
    """
    original: Callable[..., Any] = vars(enum.EnumType)["_create_"]
    kinds = (enum.Enum, enum.IntEnum, enum.Flag, enum.IntFlag)
    bases = (*type.mro(enum.IntFlag), *type.mro(enum.EnumType))
    taken = {name for base in bases for name in vars(base)}

    @cache
    def empty(kind: Any, boundary: Any) -> dict[str, Any]:
        body = dict(vars(original(kind, "Empty", (), boundary=boundary)))
        del body["__new__"]  # set below, as Python does: in a body it would become a static method
        return body

    def create(cls: Any, class_name: str, names: Any, *, module: str | None = None, **options: Any) -> Any:
        module = module or sys._getframe(2).f_globals.get("__name__")  # that of whoever called `Enum(…)`
        members = None if options.get("type") or options.get("qualname") else _numbered(names)
        if cls not in kinds or members is None or not taken.isdisjoint(members):
            return original(cls, class_name, names, module=module, **options)
        body = empty(cls, options.get("boundary"))
        own = {name: type(value)() for name, value in body.items() if type(value) in (list, dict)}
        tables = {name: _Table(name, members) for name in _TABLES}
        body = {**body, **own, **tables, "__module__": module}
        made = type.__new__(enum.EnumType, class_name, (cls,), body)
        type.__setattr__(made, "__new__", enum.Enum.__new__)
        return made

    setattr(enum.EnumType, "_create_", create)  # noqa: B010 - it is a method, which mypy would keep


def _numbered(names: Any) -> dict[str, int] | None:
    """The members that a list of names with whole numbers gives; None for anything else."""
    if type(names) is not list or not all(
        type(pair) is tuple and len(pair) == 2 and pair[0][:1] not in ("", "_") and type(pair[1]) is int
        for pair in names
    ):
        return None
    members = dict(names)
    return members if len(members) == len(names) else None


_TABLES = ("_member_map_", "_value2member_map_", "_member_names_")
_entering = RLock()


class _Table:
    """In the place of one that an enum finds its members by, and asks itself whatever is asked of it."""

    def __init__(self, name: str, members: dict[str, int]) -> None:
        self._name, self._members = name, members

    def __set_name__(self, made: Any, name: str) -> None:
        self._made = made

    def __get__(self, member: Any, kind: Any) -> Any:
        with _entering:
            if vars(self._made)[self._name] is self:
                _enter(self._made, self._members)
        return vars(self._made)[self._name]

    def __contains__(self, name: str) -> bool:
        """Whether it is one of them, which an enum asks of its own before it takes another attribute."""
        return name in self._members


def _enter(made: Any, members: dict[str, int]) -> None:
    """Gives an enum its members; a second name of a number is an alias, as are several bits of a flag."""
    by_value: dict[int, Any] = {}
    by_name: dict[str, Any] = {}
    ordered: list[str] = []
    new, takes_value, is_flag = made._new_member_, made._use_args_, issubclass(made, enum.Flag)
    single_bits = all_bits = 0
    for name, value in members.items():
        if (member := by_value.get(value)) is None:
            member = by_value[value] = new(made, value) if takes_value else new(made)
            member._value_, member._name_, member.__objclass__ = value, name, made
            member._sort_order_ = len(ordered)
            all_bits |= value
            is_single = value and not value & value - 1
            if is_single:
                single_bits |= value
            if is_single or not is_flag:
                ordered.append(name)
        by_name[name] = member
        type.__setattr__(made, name, member)
    if is_flag:
        if hasattr(enum.Flag, "_singles_mask_"):
            made._flag_mask_, made._singles_mask_ = all_bits, single_bits
        else:  # Python before 3.11.4, such as Debian 12's, has a member for each bit of the mask
            made._flag_mask_ = single_bits
        made._all_bits_ = 2 ** all_bits.bit_length() - 1
        values = [by_name[name]._value_ for name in ordered]
        if values != sorted(values):
            made._iter_member_ = made._iter_member_by_def_
    for table, found in zip(_TABLES, (by_name, by_value, ordered), strict=True):
        type.__setattr__(made, table, found)


def _compile_methods_when_called() -> None:
    """Leaves the methods of a dataclass uncompiled until they are called, as few ever are. `__init__`, which
    is called often, is then put into the class.
    """
    original = vars(dataclasses)["_create_fn"]

    def create(name: str, *arguments: Any, **options: Any) -> Any:
        kept: list[Any] = []

        def compiled() -> Any:  # by hand, as making a cache for each takes longer than all else here
            if not kept:
                kept.append(original(name, *arguments, **options))
            return kept[0]

        def begin(self: Any, *given: Any, **named: Any) -> None:
            made = compiled()
            made.__qualname__ = begin.__qualname__
            for kind in type(self).__mro__:
                if vars(kind).get(name) is begin:
                    setattr(kind, name, made)
            made(self, *given, **named)

        def method(*given: Any) -> Any:
            return compiled()(*given)

        method.__name__ = begin.__name__ = name
        return begin if name == "__init__" else method

    vars(dataclasses)["_create_fn"] = create


class NoDisplay(TenantAdminError):
    """Neither the X nor the Wayland server of this session, if it has one, lets a program in."""

    sentence = (
        "No display answers, so the window cannot be opened. Start it in a desktop session or check DISPLAY; "
        "the commands need no display (tenant-admin --help)."
    )


class NoPlatform(TenantAdminError):
    """The environment names what this Qt does not have."""

    sentence = "QT_QPA_PLATFORM says “{what}”, which Qt does not have here. Unset it, or choose of {why}."


def require_display() -> None:
    """Raises `NoDisplay` where Qt would find none, `NoPlatform` where it is told to use another."""
    names = os.environ.get("QT_QPA_PLATFORM", "") or "xcb;wayland"
    asked = {name.partition(":")[0] for name in names.split(";")}
    if not asked <= _ANSWERS.keys() and "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ:
        there = _platforms()
        asked &= there
        if not asked:
            raise NoPlatform(names, ", ".join(sorted(there)))
    if sys.platform.startswith("linux") and asked <= _ANSWERS.keys():
        if not any(answer() for name, answer in _ANSWERS.items() if name in asked):
            raise NoDisplay


def _platforms() -> set[str]:
    """What Qt's own parts in its folder say that they are called."""
    from PySide6.QtCore import QLibraryInfo, QPluginLoader  # noqa: PLC0415 - seldom asked

    names: set[str] = set()
    for part in Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath), "platforms").glob("*"):
        about: dict[str, dict[str, list[str]]] = QPluginLoader(str(part)).metaData()  # type: ignore[assignment]
        names.update(about.get("MetaData", {}).get("Keys", ()))
    return names


def _x() -> bool:
    """With the library that Qt asks, which knows how a display is named and whom it lets in."""
    if not os.environ.get("DISPLAY"):
        return False
    try:
        library = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False  # Qt's own part for it needs it, too
    library.xcb_connect.restype = ctypes.c_void_p
    made = ctypes.c_void_p(library.xcb_connect(None, None))
    failed = library.xcb_connection_has_error(made) != 0
    library.xcb_disconnect(made)
    return not failed


def _wayland() -> bool:
    if "WAYLAND_SOCKET" in os.environ:  # an open connection, for one program
        return True
    import socket  # noqa: PLC0415 - 2 ms of a start where X is asked

    folder, name = os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("WAYLAND_DISPLAY") or "wayland-0"
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.connect(str(Path(folder, name)))
    except OSError:
        return False
    return True


_ANSWERS: dict[str, Callable[[], bool]] = {"xcb": _x, "wayland": _wayland, "wayland-egl": _wayland}
