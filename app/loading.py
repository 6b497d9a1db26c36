"""How Qt and the window's modules are loaded: quickly, and with nothing read that nobody asks for."""

import builtins
import dataclasses
import enum
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

_DEFERRED = {
    f"shibokensupport/signature/{name}.py"
    for name in ("errorhandler", "layout", "lib/enum_sig", "lib/pyi_generator", "parser")
}
_WHEN_ASKED = """
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    del globals()["__getattr__"]
    exec(compile({source!r}, {name!r}, "exec"), globals())
    return globals()[name]
"""

_UNUSED_BY_PEEWEE = ("calendar", "hashlib", "socket", "uuid")
"""It imports these for columns and servers that no file here has."""


def prepare() -> None:
    """Loads Peewee and PySide's core; to be called before the modules of the window are imported.

    PySide compiles the modules with which it explains signatures at each start, a tenth of the time until the
    window has its rows; they are compiled here when one is first asked. It also looks through each imported
    module for the name of a switch (`from __feature__ import …`) that nothing here uses, so imports are
    Python's own again. Another PySide that does either otherwise is loaded as it is. Garbage is not looked
    for: what is loaded now stays, and the window has a collector of its own. Enums and dataclasses are made
    with less work where Python is 3.11, whose ways of it are known here.
    """
    gc.disable()
    if sys.version_info[:2] == (3, 11):
        _make_enums_quickly()
        _compile_methods_when_called()
    with _stand_ins(_UNUSED_BY_PEEWEE):
        import_module("peewee")
    with _explained_when_asked():
        import_module("PySide6.QtCore")
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


class _StandIn(ModuleType):
    """A module that is loaded when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@contextmanager
def _stand_ins(names: tuple[str, ...]) -> Iterator[None]:
    """What is imported now gets stand-ins for these modules where they are not loaded yet."""
    made = {name: _StandIn(name) for name in names if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]


@contextmanager
def _explained_when_asked() -> Iterator[None]:
    """Compiles PySide's modules about signatures to one function that compiles and runs the rest."""
    original = builtins.compile

    def deferring(source: Any, filename: Any, *arguments: Any, **options: Any) -> Any:
        if filename in _DEFERRED:
            source = _WHEN_ASKED.format(source=source, name=filename)
        return original(source, filename, *arguments, **options)

    builtins.compile = deferring
    try:
        yield
    finally:
        builtins.compile = original


def _make_enums_quickly() -> None:
    """Makes an enum that is given as names with numbers by entering its members directly.

    PySide makes 200 enums with 3,000 members until the window has its rows, as `Enum("Name", [("A", 1), …])`.
    Python looks at each name and value several times, for what only a class statement can hold.
    """
    original: Callable[..., Any] = vars(enum.EnumType)["_create_"]
    bases = (*type.mro(enum.IntFlag), *type.mro(enum.EnumType))
    taken = {name for base in bases for name in vars(base)}

    def create(cls: Any, class_name: str, names: Any, *, module: str | None = None, **options: Any) -> Any:
        module = module or sys._getframe(2).f_globals.get("__name__")  # that of whoever called `Enum(…)`
        plain = type(names) is list and all(
            type(pair) is tuple and len(pair) == 2 and pair[0][:1] not in ("", "_") and type(pair[1]) is int
            for pair in names
        )
        if not plain or not taken.isdisjoint(members := dict(names)) or len(members) != len(names):
            return original(cls, class_name, names, module=module, **options)
        made = original(cls, class_name, (), module=module, **options)
        _enter(made, members)
        return made

    setattr(enum.EnumType, "_create_", create)  # noqa: B010 - it is a method, which mypy would keep


def _enter(made: Any, members: dict[str, int]) -> None:
    """Gives an enum its members; a second name of a number is an alias, as are several bits of a flag."""
    is_flag = issubclass(made, enum.Flag)
    single_bits = all_bits = 0
    for name, value in members.items():
        if (member := made._value2member_map_.get(value)) is None:
            member = made._new_member_(made, value) if made._use_args_ else made._new_member_(made)
            member._value_, member._name_, member.__objclass__ = value, name, made
            member._sort_order_ = len(made._member_names_)
            made._value2member_map_[value] = member
            all_bits |= value
            is_single = bool(value) and not value & value - 1
            single_bits |= value if is_single else 0
            if is_single or not is_flag:
                made._member_names_.append(name)
        made._member_map_[name] = member
        type.__setattr__(made, name, member)
    if is_flag:
        made._flag_mask_, made._singles_mask_ = all_bits, single_bits
        made._all_bits_ = 2 ** all_bits.bit_length() - 1
        values = [member._value_ for member in made]
        if values != sorted(values):
            made._iter_member_ = made._iter_member_by_def_


def _compile_methods_when_called() -> None:
    """Leaves all methods of a dataclass but `__init__` uncompiled until they are called, as few ever are."""
    original = vars(dataclasses)["_create_fn"]

    def create(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "__init__":
            return original(name, *arguments, **options)
        compiled = cache(lambda: original(name, *arguments, **options))

        def method(*given: Any) -> Any:
            return compiled()(*given)

        method.__name__ = name
        return method

    vars(dataclasses)["_create_fn"] = create
