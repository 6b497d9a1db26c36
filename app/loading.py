"""How the window's modules are loaded: quickly, and with nothing looked at that nobody asks for."""

import gc
from contextlib import suppress
from importlib import import_module


def prepare() -> None:
    """To be called before the modules of the window are imported.

    PySide looks through the source text of every module that is imported after it, for the name of a switch
    (`from __feature__ import …`) that nothing here uses. It takes a tenth of the time of importing them, and
    Python keeps all those lines. So it is told that it has looked. Garbage is not looked for either: what is
    loaded now stays, and the window has a collector of its own.
    """
    gc.disable()
    import_module("shiboken6")
    with suppress(ImportError):  # another PySide may do it otherwise
        vars(import_module("shibokensupport.feature"))["_mod_uses_pyside"] = lambda module: True
