"""Qt's dialogs that ask for a file or a folder: how they look here, and how long they live."""

import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import chain, count
from pathlib import Path

from PySide6.QtCore import QChildEvent, QDir, QEvent, QFileInfo, QObject, QRect, Qt, Slot
from PySide6.QtGui import QAbstractFileIconProvider, QIcon, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
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
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.dialogs import AROUND, EDGE, hear_keys
from app.ui.widgets.formatting import table_time
from app.workers.watches import keep_watches


class _ByName(QFileIconProvider):
    """Icons and kinds of files by what their names say. `take(theme)` makes the icons beforehand: Qt asks for
    them from a thread of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._icons: dict[str, QIcon] = {}

    def take(self, theme: Theme) -> None:
        for name in (Icon.COMPUTER, Icon.DATABASE, Icon.FILE, Icon.FOLDER_SHUT):
            self._icons[name] = theme.icon(name, "dim")

    def icon(self, what: QFileInfo | QAbstractFileIconProvider.IconType) -> QIcon:
        kinds = QAbstractFileIconProvider.IconType
        if isinstance(what, QFileInfo):
            is_database = what.suffix().lower() in _DATABASES
            name = Icon.FOLDER_SHUT if what.isDir() else Icon.DATABASE if is_database else Icon.FILE
        else:
            name = {kinds.Folder: Icon.FOLDER_SHUT, kinds.File: Icon.FILE}.get(what, Icon.COMPUTER)
        return self._icons.get(name) or super().icon(what)

    def type(self, info: QFileInfo) -> str:
        return "Folder" if info.isDir() else f"{info.suffix().upper()} file".strip()


class _Header(QHeaderView):
    """Titles in the middle of their line, each above what it says, and beside them the arrow: Qt's model has
    them at the top, the first one further right, and the arrow below.
    """

    def __init__(self, theme: Theme, files: QTreeView) -> None:
        super().__init__(Qt.Orientation.Horizontal, files)
        self._theme = theme
        self.setSectionsClickable(True)
        self.setSortIndicator(0, Qt.SortOrder.AscendingOrder)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        colour = self._theme.colour
        painter.fillRect(rect, colour("panel"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, colour("line"))
        words = str(self.model().headerData(section, self.orientation()) or "").capitalize()
        room = rect.adjusted(_PAD, 0, -_PAD, 0)
        at = Qt.AlignmentFlag.AlignRight if section == _SIZE else Qt.AlignmentFlag.AlignLeft
        painter.setPen(colour("dim"))
        painter.drawText(room, at | Qt.AlignmentFlag.AlignVCenter, words)
        if self.sortIndicatorSection() == section:
            is_up = self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
            icon = Icon.SORT_UP if is_up else Icon.SORT_DOWN
            arrow = self._theme.pixmap(icon, "dim", _ARROW, self.devicePixelRatioF())
            beside = painter.fontMetrics().horizontalAdvance(words) + _PAD // 2
            left = room.right() - beside - _ARROW if section == _SIZE else room.left() + beside
            painter.drawPixmap(left, rect.center().y() - _ARROW // 2, arrow)


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


def _dress(dialog: QFileDialog, files: QTreeView, theme: Theme) -> None:
    """Gives Qt's own dialog the icons and distances that all dialogs here have."""
    files.setHeader(_Header(theme, files))
    if (layout := dialog.layout()) is not None:
        layout.setContentsMargins(20, 20, 20, 16)
    for name, icon in _ICONS.items():
        if isinstance(button := dialog.findChild(QToolButton, name), QToolButton):
            button.setIcon(theme.icon(icon))
    for name in ("listModeButton", "detailModeButton"):  # names alone say too little of files alike
        if isinstance(button := dialog.findChild(QToolButton, name), QToolButton):
            button.hide()


class _Questions(QObject):
    """Gives what Qt's dialog asks in a box of its own an icon and words as all questions here have."""

    def __init__(self, dialog: QFileDialog, theme: Theme) -> None:
        super().__init__(dialog)
        self._theme = theme
        dialog.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QChildEvent) and event.polished() and isinstance(event.child(), QMessageBox):
            self._dress(event.child())
        return super().eventFilter(watched, event)

    def _dress(self, box: QObject) -> None:
        if not isinstance(box, QMessageBox):
            return
        box.setIconPixmap(self._theme.pixmap(Icon.WARNING, Tone.WARN, _LARGE, box.devicePixelRatioF()))
        replace, keep = map(box.button, (QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No))
        if replace is not None and keep is not None:
            replace.setText("Replace")
            set_property(replace, "kind", Kind.DANGER.value)
            keep.setText("Cancel")


def _accent(dialog: QFileDialog) -> None:
    """The button that does it, once it is known what that is."""
    box = dialog.findChild(QDialogButtonBox)
    for button in () if box is None else box.buttons():
        if box is not None and box.buttonRole(button) == QDialogButtonBox.ButtonRole.AcceptRole:
            set_property(button, "kind", Kind.PRIMARY.value)


_SIZE, _KIND, _PAD, _ARROW, _LARGE = 1, 2, 8, 12, 32
"""The columns of sizes and of kinds, and pixels beside a title, of its arrow, and of a question's icon."""
_ROOM_FOR_KINDS = 700
"""Pixels of a dialog from which on a file's kind, which its name ends with, has a column."""
_DATABASES = frozenset({"sqlite", "sqlite3", "db", "db3"})
_ICONS = {
    "backButton": Icon.CARET_LEFT,
    "forwardButton": Icon.CARET_RIGHT,
    "toParentButton": Icon.CARET_UP,
    "newFolderButton": Icon.NEW_FOLDER,
}
_PLACES = 160
"""Pixels for the names beside the files of a dialog."""


def open_dialog(theme: Theme, parent: QWidget, title: str, start: str, filters: str = "") -> QFileDialog:
    """A dialog at `start`, a folder or a file in it."""
    at = Path(start) if start else paths.home()
    folder = next(filter(paths.is_dir, (at, at.parent)), paths.home())
    dialog = QFileDialog(parent, title, str(folder), filters)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog, sys.platform == "linux")
    dialog.setViewMode(QFileDialog.ViewMode.Detail)
    room = parent.screen().availableGeometry()
    dialog.resize(min(880, room.width() - 2 * EDGE), min(540, room.height() - 2 * AROUND))
    files = dialog.findChild(QTreeView)
    if files is not None:  # Qt's own dialog, whose columns would cut off sizes and dates
        _by_name().take(theme)
        _dress(dialog, files, theme)
        _Questions(dialog, theme)
        files.header().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        files.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        files.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        files.setColumnHidden(_KIND, dialog.width() < _ROOM_FOR_KINDS)
        files.setItemDelegateForColumn(files.model().columnCount() - 1, _InOurDates(files))
    places = dialog.findChild(QListView, "sidebar")
    if isinstance(places, QListView):  # which Qt gives as little room as it takes
        places.setMinimumWidth(min(_PLACES, places.sizeHintForColumn(0) + 20))
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    if files is not None and isinstance(line, QLineEdit):
        line.textChanged.connect(partial(_mean_what_is_typed, files))
    dialog.setIconProvider(_by_name())
    if not paths.is_dir(at):
        dialog.selectFile(at.name)
    dialog.finished.connect(lambda _: keep_watches())
    hear_keys(dialog, parent)
    _accent(dialog)
    Outliving(dialog, parent)
    return dialog


def _make_save(dialog: QFileDialog) -> None:
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    _accent(dialog)


def _mean_what_is_typed(files: QTreeView, text: str) -> None:
    """Qt selects each folder that a whole path leads through, and by Return goes to that one in the place of
    opening the file.
    """
    if QDir.isAbsolutePath(text):
        files.selectionModel().clearSelection()


def ask_open(theme: Theme, parent: QWidget, title: str, start: str, filters: str = "") -> Path | None:
    dialog = open_dialog(theme, parent, title, start, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def ask_save(
    theme: Theme, parent: QWidget, title: str, start: str, filters: str = "", *, replace: bool = True
) -> tuple[Path, str] | None:
    """A name to write to and the filter chosen. It asks before an existing file is replaced; where none is,
    it offers a name that nothing has yet.
    """
    dialog = open_dialog(theme, parent, title, start if replace else str(_free(Path(start))), filters)
    _make_save(dialog)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, not replace)
    return (Path(dialog.selectedFiles()[0]), dialog.selectedNameFilter()) if dialog.exec() else None


def new_folder_dialog(theme: Theme, parent: QWidget, title: str, start: Path, act: str) -> QFileDialog:
    """Asks for a folder that is not there yet, and lists folders alone; `act` is what happens to it."""
    dialog = open_dialog(theme, parent, title, str(_free(start)), "Folders (*)")
    _make_save(dialog)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setFilter(QDir.Filter.AllDirs | QDir.Filter.NoDotAndDotDot)
    dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
    dialog.setLabelText(QFileDialog.DialogLabel.FileName, "New folder:")
    dialog.setLabelText(QFileDialog.DialogLabel.LookIn, "Make it in:")
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, act)
    return dialog


def ask_new_folder(
    theme: Theme, parent: QWidget, title: str, start: Path, act: str = "Export"
) -> Path | None:
    """The folder to make, by `new_folder_dialog`; it offers a name that nothing has yet."""
    dialog = new_folder_dialog(theme, parent, title, start, act)
    return Path(dialog.selectedFiles()[0]) if dialog.exec() else None


def _free(path: Path) -> Path:
    """The name, or the first with a number behind it that nothing has yet."""
    names = (path.with_name(f"{path.stem} {number}{path.suffix}") for number in count(2))
    return next(name for name in chain([path], names) if not paths.exists(name))


def choose_folder(
    theme: Theme, parent: QWidget, title: str, start: Path | None, chosen: Callable[[Path], object]
) -> QFileDialog:
    """Opens the dialog without blocking, at `start` or at home; `chosen(folder)` when there is an answer."""
    dialog = open_dialog(theme, parent, title, str(start or paths.home()))
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
