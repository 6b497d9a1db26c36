"""How Qt and the window's modules are loaded: quickly, and with nothing read that nobody asks for."""

import builtins
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
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


def prepare() -> None:
    """Loads PySide's core; to be called before the modules of the window are imported.

    PySide compiles the modules with which it explains signatures at each start, a tenth of the time until the
    window has its rows; they are compiled here when one is first asked. It also looks through each imported
    module for the name of a switch (`from __feature__ import …`) that nothing here uses, so imports are
    Python's own again. Another PySide that does either otherwise is loaded as it is. Garbage is not looked
    for: what is loaded now stays, and the window has a collector of its own.
    """
    gc.disable()
    with _explained_when_asked():
        import_module("PySide6.QtCore")
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


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
