"""Secrets on the clipboard, which programs that keep its history are asked to leave out."""

from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

_KLIPPER: Final = "x-kde-passwordManagerHint"
_WINDOWS: Final = 'application/x-qt-windows-mime;value="ExcludeClipboardContentFromMonitorProcessing"'


def copy_secret(text: str) -> None:
    data = QMimeData()
    data.setText(text)
    data.setData(_KLIPPER, b"secret")
    data.setData(_WINDOWS, b"\0\0\0\0")
    QGuiApplication.clipboard().setMimeData(data)
