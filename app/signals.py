"""Ctrl+C, SIGTERM and SIGHUP end the window as its own close button does."""

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication

_KINDS = ("SIGINT", "SIGTERM", "SIGHUP")


class Signals(QObject):
    """Leaves the event loop with the status 128 + the signal's number, as shells report it.

    A signal may come within any call of Qt, where no Python may run. Python's own handler, in C, writes its
    number into a socket, and Qt says in its own time that something can be read there. A signal that
    is ignored already, as `nohup` does, stays so.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._take)
        for name in _KINDS:
            kind = getattr(signal, name, None)  # Windows has no SIGHUP
            if kind is not None and signal.getsignal(kind) != signal.SIG_IGN:
                signal.signal(kind, _written_already)

    def _take(self) -> None:
        QApplication.exit(128 + self._read.recv(64)[0])


def _written_already(*_: object) -> None:
    """What Python itself runs later for a signal."""
