"""What an override of Qt's own method raises is a bug that is told; it never ends the program.

PySide calls other overrides while such an error is still set, and cannot keep one that C has raised (that an
object was deleted, say) before Python 3.12: both are a segmentation fault. So each override is wrapped as its
class is made: what it raises goes to `sys.excepthook` in the event loop's next turn, for a painter may be at
work now, and Qt's own method answers for it where there is an answer to give. What answers nothing, such as
an event, is left where it stopped: Qt's own would do twice what it had done by then, or let go of what it
was about to ask for.
"""

import sys
from collections.abc import Callable
from functools import cache, wraps
from inspect import CO_VARARGS
from types import FunctionType
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import Shiboken


@cache
def guard() -> None:
    """Guards the overrides of each class that is derived from one of Qt's from now on: rooms that have such
    call it first.
    """
    setattr(Shiboken.Object, "__init_subclass__", classmethod(_guard))  # noqa: B010 - which its stub forbids
    _teller()  # on the interface thread, whichever one raises first


def _guard(cls: Any, /, **kwargs: Any) -> None:
    super(Shiboken.Object, cls).__init_subclass__(**kwargs)
    of_qt = [vars(base) for base in cls.__mro__ if base.__module__.startswith("PySide6.")]
    for name, own in list(vars(cls).items()):
        if isinstance(own, FunctionType) and not name.startswith("_") and any(name in its for its in of_qt):
            setattr(cls, name, _guarded(cls, name, own))


_SAID: Final = frozenset({None, "None"})
"""As a return type is kept, by the way that annotations are."""


def _guarded(cls: type, name: str, own: FunctionType) -> Callable[..., Any]:
    answers = own.__annotations__.get("return", ...) not in _SAID

    def failed(self: Any, error: Exception, *args: Any, **kwargs: Any) -> Any:
        from traceback import clear_frames  # noqa: PLC0415 - only needed when something broke

        # A painter among what the frames hold must not outlive the call.
        clear_frames(error.__traceback__)
        _teller().hear(own, error)
        if not answers:
            return None
        try:
            return getattr(super(cls, self), name)(*args, **kwargs)
        except Exception:  # noqa: BLE001 - Qt has none of its own
            return None

    # PySide counts the arguments of what is connected to a signal, so those of few keep their number.
    is_open = bool(own.__defaults__ or own.__code__.co_flags & CO_VARARGS)
    arguments = 0 if is_open else own.__code__.co_argcount
    if arguments == 1:

        @wraps(own)
        def alone(self: Any) -> Any:
            try:
                return own(self)
            except Exception as error:  # noqa: BLE001 - all of them
                return failed(self, error)

        return alone
    if arguments == 2:

        @wraps(own)
        def with_one(self: Any, argument: Any) -> Any:
            try:
                return own(self, argument)
            except Exception as error:  # noqa: BLE001 - all of them
                return failed(self, error, argument)

        return with_one

    @wraps(own)
    def with_more(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return own(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - all of them
            return failed(self, error, *args, **kwargs)

    return with_more


class _Teller(QObject):
    """Tells what an override raised once for all the times that it was asked in one turn, as by each cell."""

    _came = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._raised: dict[FunctionType, Exception] = {}
        self._came.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def hear(self, override: FunctionType, error: Exception) -> None:
        if not self._raised:
            self._came.emit()
        self._raised.setdefault(override, error)

    def _tell(self) -> None:
        raised, self._raised = self._raised, {}
        for error in raised.values():
            sys.excepthook(type(error), error, error.__traceback__)


@cache
def _teller() -> _Teller:
    return _Teller()
