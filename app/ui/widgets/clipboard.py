"""What is put on the clipboard; secrets, which programs that keep its history are asked to leave out.

And the folder of a file, shown by the desktop's own program; or said, where there is none.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.services.text import nuls_told, to_the_end

_KLIPPER: Final = "x-kde-passwordManagerHint"
_WINDOWS: Final = 'application/x-qt-windows-mime;value="ExcludeClipboardContentFromMonitorProcessing"'


def copy_text(text: str) -> str:
    """All of it arrives, whatever it holds; what a person is to hear of that, behind “Copied”."""
    QGuiApplication.clipboard().setText(to_the_end(text))
    return nuls_told(text.count("\0"))


def copy_secret(text: str) -> None:
    data = QMimeData()
    data.setText(text)
    data.setData(_KLIPPER, b"secret")
    data.setData(_WINDOWS, b"\0\0\0\0")
    QGuiApplication.clipboard().setMimeData(data)


class PasteBox(QPlainTextEdit):
    """Text to edit, of which no more than `longest` characters are pasted or dropped at once: more
    take seconds to be laid out. `refused(str)` says so.
    """

    refused = Signal(str)

    def __init__(self, longest: int) -> None:
        super().__init__(tabChangesFocus=True)
        self._longest = longest

    def insertFromMimeData(self, source: QMimeData) -> None:
        many = len(source.text())
        if many <= self._longest:
            super().insertFromMimeData(source)
        else:
            most = f"at most {self._longest:,} are taken at once, and none were"
            self.refused.emit(f"This has {many:,} characters; {most}.")


class SecretBox(QPlainTextEdit):
    """To be read, and spelled by keys. What is selected in it goes nowhere by itself: to no other program by
    dragging, nor to the selection that X11 pastes with the middle button.
    """

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(text, **options)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)

    def createMimeDataFromSelection(self) -> QMimeData:
        return QMimeData()


class CopyKeys(QObject):
    """The keys that copy in a field with a secret, which has no menu to copy by, do what its button does."""

    def __init__(self, field: QWidget, copy: Callable[[], object]) -> None:
        super().__init__(field)
        self._copy = copy
        field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        copies = event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.Cut)
        if copies:
            self._copy()
        return copies


NO_PROGRAM: Final = "No program could be started that shows folders."
"""As on a server; what comes behind it says where the file is."""


def show_folder(path: Path) -> bool:
    """Starts the desktop's own program on the folder of a file; whether there is one."""
    from PySide6.QtCore import QUrl  # noqa: PLC0415
    from PySide6.QtGui import QDesktopServices  # noqa: PLC0415

    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.absolute().parent)))
