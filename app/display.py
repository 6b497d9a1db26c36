"""Whether a screen is there to open a window on; asked before Qt, which aborts where there is none."""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from models.errors import TenantAdminError


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
