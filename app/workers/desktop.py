"""Messages on the desktop, by the bus that Linux desktops have for them, whether there is a tray or not."""

import html
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

_BUS: Final = "org.freedesktop.Notifications"
_SECONDS: Final = 2
_NORMAL: Final = 1
_CRITICAL: Final = 2


def told_by_bus(title: str, words: str, icon: str, *, urgent: bool) -> bool:
    """Has the desktop show a message; False where nothing shows any. What is urgent stays until somebody has
    seen it. It waits for the bus: call it in a job.

    After https://specifications.freedesktop.org/notification-spec, by which the words may be markup.
    """

    def notify(ask: Callable[..., Any], can: Sequence[str]) -> None:
        said = html.escape(words, quote=False) if "body-markup" in can else words
        hints = {"urgency": ("y", _CRITICAL if urgent else _NORMAL), "desktop-entry": ("s", "tenant-admin")}
        ask("Notify", "susssasa{sv}i", ("Tenant Admin", 0, icon, title, said, [], hints, -1))

    return _on_bus(notify)


def bus_tells() -> bool:
    """Whether something on the bus shows messages. It waits for the bus, too."""
    return _on_bus(lambda ask, can: None)


def _on_bus(then: Callable[[Callable[..., Any], Sequence[str]], object]) -> bool:
    """Calls `then(ask, can)` with how to ask what shows messages, and what that can; False without one."""
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return False
    from jeepney import DBusAddress, DBusErrorResponse, new_method_call  # noqa: PLC0415 - few hear of it
    from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415
    from jeepney.wrappers import unwrap_msg  # noqa: PLC0415

    there = DBusAddress("/org/freedesktop/Notifications", _BUS, _BUS)
    try:
        with open_dbus_connection(auth_timeout=_SECONDS) as bus:

            def ask(method: str, *told: Any) -> Any:
                return unwrap_msg(
                    bus.send_and_get_reply(new_method_call(there, method, *told), timeout=_SECONDS)
                )

            (can,) = ask("GetCapabilities")
            then(ask, can)
    except (
        OSError,
        ValueError,
        RuntimeError,
        DBusErrorResponse,
    ):  # no such bus, another answer than agreed, one by no Unix socket, nobody shows it
        return False
    return True
