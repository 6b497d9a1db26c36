"""A dialog of Qt's that asks something above itself, kept until Qt has come back from that."""

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget


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
