"""What is done with whole files: in the background, with words for a toast and a sentence when it fails."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.settings import Settings
from app.ui.shell.busy import Busy
from app.ui.theme import Theme


class FileWork(QObject):
    """`said(text)` is for a toast, `failed(error)` for what did not work."""

    said = Signal(str)
    failed = Signal(object)

    def __init__(
        self, theme: Theme, settings: Settings, busy: Busy, clock: Callable[[], int], window: QWidget
    ) -> None:
        super().__init__(window)
        self._theme = theme
        self._settings = settings
        self._busy = busy
        self._clock = clock
        self._window = window
