"""Qt's dialogs that ask for a file or a folder: how they look here, and how long they live."""

import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import chain, count
from pathlib import Path

from PySide6.QtCore import QDir, QFileInfo, QObject, Qt, Slot
from PySide6.QtGui import QAbstractFileIconProvider, QColor, QIcon, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFileIconProvider,
    QFileSystemModel,
    QHeaderView,
    QLineEdit,
    QListView,
    QMessageBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeView,
    QWidget,
)

from app import paths
from app.itemmodels.columns import Index
from app.ui.widgets.dialogs import AROUND, EDGE, hear_keys
from app.ui.widgets.formatting import table_time
from app.workers.watches import keep_watches


class _ByName(QFileIconProvider):
    """Icons and kinds of files by what their names say."""

    def icon(self, what: QFileInfo | QAbstractFileIconProvider.IconType) -> QIcon:
        kinds = QAbstractFileIconProvider.IconType
        if isinstance(what, QFileInfo):
            what = kinds.Folder if what.isDir() else kinds.File
        return super().icon(what)

    def type(self, info: QFileInfo) -> str:
        return "Folder" if info.isDir() else f"{info.suffix().upper()} file".strip()


class _InOurDates(QStyledItemDelegate):
    """Says when a file was changed as all else here says a moment, in local time."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        model = index.model()
        if isinstance(model, QFileSystemModel):
            option.text = table_time(model.lastModified(index).toSecsSinceEpoch(), utc=False)


@cache
def _by_name() -> _ByName:
    """One for all dialogs: PySide never lets go of what a dialog was given."""
    return _ByName()


def _inked(icon: QIcon, ink: QColor) -> QIcon:
    """An icon of one colour, in this one."""
    picture = icon.pixmap(32)
    painter = QPainter(picture)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(picture.rect(), ink)
    painter.end()
    return QIcon(picture)


_PLACES = 160
"""Pixels for the names beside the files of a dialog."""


def open_dialog(parent: QWidget, title: str, start: str, filters: str = "") -> QFileDialog:
    """A dialog at `start`, a folder or a file in it."""
    at = Path(start) if start else paths.home()
    folder = next(filter(paths.is_dir, (at, at.parent)), paths.home())
    dialog = QFileDialog(parent, title, str(folder), filters)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, sys.platform == "linux")
    room = parent.screen().availableGeometry()
    dialog.resize(min(880, room.width() - 2 * EDGE), min(540, room.height() - 2 * AROUND))
    files = dialog.findChild(QTreeView)
    if files is not None:  # Qt's own dialog, whose columns would cut off sizes and dates
        files.header().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        files.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        files.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        files.setItemDelegateForColumn(files.model().columnCount() - 1, _InOurDates(files))
    places = dialog.findChild(QListView, "sidebar")
    if isinstance(places, QListView):  # which Qt gives as little room as it takes
        places.setMinimumWidth(min(_PLACES, places.sizeHintForColumn(0) + 20))
    for name in ("backButton", "forwardButton", "toParentButton"):  # black, whatever the theme
        if isinstance(button := dialog.findChild(QToolButton, name), QToolButton):
            ink = button.palette().color(QPalette.ColorGroup.Active, QPalette.ColorRole.ButtonText)
            button.setIcon(_inked(button.icon(), ink))
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    if files is not None and isinstance(line, QLineEdit):
        line.textChanged.connect(partial(_mean_what_is_typed, files))
    dialog.setIconProvider(_by_name())
    if not paths.is_dir(at):
        dialog.selectFile(at.name)
    dialog.finished.connect(lambda _: keep_watches())
    hear_keys(dialog, parent)
    Outliving(dialog, parent)
    return dialog


def _mean_what_is_typed(files: QTreeView, text: str) -> None:
    """Qt selects each folder that a whole path leads through, and by Return goes to that one in the place of
    opening the file.
    """
    if QDir.isAbsolutePath(text):
        files.selectionModel().clearSelection()


def ask_open(parent: QWidget, title: str, start: str, filters: str = "") -> Path | None:
    dialog = open_dialog(parent, title, start, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def ask_save(
    parent: QWidget, title: str, start: str, filters: str = "", *, replace: bool = True
) -> tuple[Path, str] | None:
    """A name to write to and the filter chosen. It asks before an existing file is replaced; where none is,
    it offers a name that nothing has yet.
    """
    dialog = open_dialog(parent, title, start if replace else str(_free(Path(start))), filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, not replace)
    return (Path(dialog.selectedFiles()[0]), dialog.selectedNameFilter()) if dialog.exec() else None


def new_folder_dialog(parent: QWidget, title: str, start: Path, act: str) -> QFileDialog:
    """Asks for a folder that is not there yet, and lists folders alone; `act` is what happens to it."""
    dialog = open_dialog(parent, title, str(_free(start)), "Folders (*)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setFilter(QDir.Filter.AllDirs | QDir.Filter.NoDotAndDotDot)
    dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
    dialog.setLabelText(QFileDialog.DialogLabel.FileName, "New folder:")
    dialog.setLabelText(QFileDialog.DialogLabel.LookIn, "Make it in:")
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, act)
    return dialog


def ask_new_folder(parent: QWidget, title: str, start: Path, act: str = "Export") -> Path | None:
    """The folder to make, by `new_folder_dialog`; it offers a name that nothing has yet."""
    dialog = new_folder_dialog(parent, title, start, act)
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def _free(path: Path) -> Path:
    """The name, or the first with a number behind it that nothing has yet."""
    names = (path.with_name(f"{path.stem} {number}{path.suffix}") for number in count(2))
    return next(name for name in chain([path], names) if not paths.exists(name))


def choose_folder(
    parent: QWidget, title: str, start: Path | None, chosen: Callable[[Path], object]
) -> QFileDialog:
    """Opens the dialog without blocking, at `start` or at home; `chosen(folder)` when there is an answer."""
    dialog = open_dialog(parent, title, str(start or paths.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.open()
    return dialog


class Outliving(QObject):
    """`Outliving(dialog, parent)` ends a dialog that is finished, or whose parent goes, with what it asks.

    Qt's dialog for files asks whether a file is to be replaced in an event loop of its own. The parent may go
    within that: a file that was being opened takes the place of the one shown. The dialog and its question,
    which Qt has on its stack, would go along, and the process with them.
    """

    def __init__(self, dialog: QDialog, asker: QWidget) -> None:
        super().__init__(dialog)
        self._dialog = dialog
        dialog.finished.connect(self._end)
        asker.destroyed.connect(self._give_up)

    @Slot()
    def _end(self) -> None:
        asked = self._dialog.findChildren(QMessageBox)
        for question in asked:
            question.destroyed.connect(self._dialog.deleteLater)
        if not asked:
            self._dialog.deleteLater()

    @Slot()
    def _give_up(self) -> None:
        """Before the parent takes its children along; nobody else is given it: the window may go, too."""
        if not self._dialog.isVisible():
            return
        asked = self._dialog.findChildren(QMessageBox)
        self._dialog.setParent(None, self._dialog.windowFlags())
        for question in asked:
            question.reject()
        self._dialog.reject()
