"""Keys that are pressed in an open menu are the menu's, whatever they do in the table behind it."""

from functools import cache

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


class _PopupKeys(QObject):
    """To Qt the focus is where it was while a menu is open, so a key that acts there would be taken for a
    shortcut: it would act once more with each press, on what is selected by then, and the menu would stay.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.Hide):
            return False
        if QApplication.activePopupWidget() is None:  # with the last menu: each event costs its time here
            QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
            return False
        if not isinstance(event, QKeyEvent):
            return False
        if event.modifiers() & _COMMANDS:
            return False
        event.accept()  # so that it is no shortcut; the menu gets it as a key
        return True


@cache
def _of_program() -> _PopupKeys:
    return _PopupKeys(QApplication.instance())


def keep_keys() -> None:
    """Until all menus are closed."""
    QApplication.instance().installEventFilter(_of_program())  # type: ignore[union-attr]
