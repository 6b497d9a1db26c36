"""Asks for a file or a folder, without reading any file itself.

Qt's own dialog looks into every file of a folder to tell its kind, and so would GTK's: closing a database
that this process has open drops all of its locks (fcntl(2)). So this one goes by names alone.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFileInfo
from PySide6.QtGui import QAbstractFileIconProvider, QIcon
from PySide6.QtWidgets import QFileDialog, QFileIconProvider, QHeaderView, QTreeView, QWidget


class _ByName(QFileIconProvider):
    """Icons and kinds of files by what their names say."""

    def icon(self, what: QFileInfo | QAbstractFileIconProvider.IconType) -> QIcon:
        kinds = QAbstractFileIconProvider.IconType
        if isinstance(what, QFileInfo):
            what = kinds.Folder if what.isDir() else kinds.File
        return super().icon(what)

    def type(self, info: QFileInfo) -> str:
        return "Folder" if info.isDir() else f"{info.suffix().upper()} file".strip()


def open_dialog(parent: QWidget, title: str, start: str, filters: str = "") -> QFileDialog:
    """A dialog at `start`, a folder or a file in it."""
    at = Path(start) if start else Path.home()
    dialog = QFileDialog(parent, title, str(at if at.is_dir() else at.parent), filters)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, sys.platform == "linux")
    dialog.resize(880, 540)
    files = dialog.findChild(QTreeView)
    if files is not None:  # Qt's own dialog, whose columns would cut off sizes and dates
        files.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        files.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    icons = _ByName()
    dialog.setIconProvider(icons)
    dialog.setProperty("icons", icons)  # Qt does not keep it
    if not at.is_dir():
        dialog.selectFile(at.name)
    dialog.finished.connect(dialog.deleteLater)
    return dialog


def ask_open(parent: QWidget, title: str, start: str, filters: str = "") -> Path | None:
    """An existing file, None when nothing was chosen."""
    dialog = open_dialog(parent, title, start, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def ask_save(
    parent: QWidget, title: str, start: str, filters: str = "", *, replace: bool = True
) -> tuple[Path, str] | None:
    """A name to write to and the filter chosen; asks before an existing file unless it is kept anyway."""
    dialog = open_dialog(parent, title, start, filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, not replace)
    return (Path(dialog.selectedFiles()[0]), dialog.selectedNameFilter()) if dialog.exec() else None


def choose_folder(
    parent: QWidget, title: str, start: Path | None, chosen: Callable[[Path], object]
) -> QFileDialog:
    """Opens the dialog without blocking, at `start` or at home; `chosen(folder)` when there is an answer."""
    dialog = open_dialog(parent, title, str(start or Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.open()
    return dialog
