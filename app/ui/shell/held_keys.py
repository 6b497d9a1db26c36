"""Keys for what is still being built: they wait for it, in their order."""

from collections import deque
from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from shiboken6 import Shiboken

_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_MOST = 40
"""How many are kept: one that is held down longer than that goes nowhere."""

Of = Qt.ShortcutContext


class HeldKeys(QObject):
    """`HeldKeys(place, is_for_others)` keeps keys that come while `place` is built, and gives them to what
    has the focus there when it is: nobody is held up as long as the rest of it takes. `is_for_others` tells
    which keys another list, a dialog or the window takes meanwhile.
    """

    def __init__(self, place: QWidget, is_for_others: Callable[[QKeyEvent], bool]) -> None:
        super().__init__(place)
        self._place, self._is_for_others = place, is_for_others
        self._asked: list[QObject] = []
        self._held = deque[tuple[QKeyEvent, QWidget | None]](maxlen=_MOST)
        """Each with what had the focus."""

    def follow(self, menu: QMenu | None) -> None:
        """At the window's handle, where they come first, and at a menu that waits, which has its own.

        At the application PySide would be told of objects of Qt's own: to find out which kind one is it looks
        through all that there are and makes their enums, a twentieth of a start.
        """
        handle = self._place.window().windowHandle()
        self._leave()
        self._asked = [one for one in (handle, menu) if one is not None and Shiboken.isValid(one)]
        for one in self._asked:
            one.installEventFilter(self)

    def drop(self) -> None:
        """What they were for is not in sight any more."""
        self._leave()
        self._held.clear()

    def give(self) -> None:
        """What they are for is there; told again, nothing happens."""
        self._leave()
        while self._held:
            self._give(*self._held.popleft())

    def _leave(self) -> None:
        for one in filter(Shiboken.isValid, self._asked):
            one.removeEventFilter(self)
        self._asked = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in _KEYS or watched not in self._asked:
            return False
        key = cast("QKeyEvent", event)
        if event.type() == QEvent.Type.KeyRelease:
            if not any(held.key() == key.key() for held, _ in self._held):
                return False
        elif self._is_for_others(key):
            return False
        if event.type() != QEvent.Type.ShortcutOverride:
            self._held.append((key.clone(), QApplication.focusWidget()))
        event.accept()  # so that it is no shortcut either
        return True

    def _give(self, event: QKeyEvent, before: QWidget | None) -> None:
        """As Qt does: to an open menu; to who overrides shortcuts, to a shortcut of theirs, or as a key."""
        popup, focused = QApplication.activePopupWidget(), QApplication.focusWidget()
        if popup is not None:
            QCoreApplication.sendEvent(popup, event)
            return
        is_there = focused is None or focused is self._place or self._place.isAncestorOf(focused)
        if not is_there and focused is not before:
            return  # a person has gone on
        target = focused or self._place
        if event.type() == QEvent.Type.KeyPress and not _is_overridden(target, event):
            shortcut = self._shortcut(target, QKeySequence(event.keyCombination()))
            if isinstance(shortcut, QAction):
                shortcut.trigger()
                return
            if shortcut is not None:
                shortcut.activated.emit()
                return
        QCoreApplication.sendEvent(target, event)

    def _shortcut(self, focused: QWidget, keys: QKeySequence) -> QAction | QShortcut | None:
        """What it does at the widget that has the focus, around that or in all of the place."""
        around = [focused]
        while (parent := around[-1].parentWidget()) is not None and around[-1] is not self._place:
            around.append(parent)
        within = [self._place, *self._place.findChildren(QWidget)]
        for one in (*around, *(one for one in within if one.isVisible() and one not in around)):
            contexts = {Of.WindowShortcut, Of.ApplicationShortcut}
            contexts |= {Of.WidgetWithChildrenShortcut} if one in around else set()
            contexts |= {Of.WidgetShortcut} if one is focused else set()
            for action in one.actions():
                if action.isEnabled() and keys in action.shortcuts() and action.shortcutContext() in contexts:
                    return action
            for shortcut in one.findChildren(QShortcut, options=Qt.FindChildOption.FindDirectChildrenOnly):
                those = shortcut.keys()
                if shortcut.isEnabled() and keys in those and shortcut.context() in contexts:
                    return shortcut
        return None


def _is_overridden(focused: QWidget, event: QKeyEvent) -> bool:
    """Whether it writes into a field there, say."""
    kind, modifiers = QEvent.Type.ShortcutOverride, event.modifiers()
    asked = QKeyEvent(kind, event.key(), modifiers, event.text(), event.isAutoRepeat(), event.count())
    asked.ignore()
    QCoreApplication.sendEvent(focused, asked)
    return asked.isAccepted()
